//! What administrators see and order.

use super::site::*;
use crate::tools::Answer;
use ipc::control::{End, QueueLine, QueueMessage, Request, Selection};

fn ask(site: &mut Site, request: Request) -> Vec<String> {
    match site.it().answer(request, "uid 7").unwrap() {
        Answer::Lines(lines) => lines,
        Answer::Listing(mut listing) => {
            let mut all = Vec::new();
            loop {
                let (lines, last) = listing.step(site.it());
                all.extend(lines);
                if last {
                    return all;
                }
            }
        }
    }
}

fn order(site: &mut Site, request: Request) -> End {
    let lines = ask(site, request);
    site.turn();
    serde_json::from_str(lines.last().unwrap()).unwrap()
}

fn list(site: &mut Site, host: Option<&str>) -> Vec<QueueLine> {
    let host = host.map(str::to_owned);
    let request = Request::QueueList { host, sender: None, recipient: None, limit: None };
    let mut lines = ask(site, request);
    let end: End = serde_json::from_str(&lines.pop().unwrap()).unwrap();
    assert_eq!(usize::try_from(end.count).unwrap(), lines.len());
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn site() -> (Site, Vec<String>) {
    let mut site = Site::new();
    let mut writer = open(site.directory.path());
    let all = [
        vec![routed("a@x.example", "x.example"), routed("b@y.example", "y.example")],
        vec![routed("c@mx.x.example", "mx.x.example:587")],
        vec![unrouted("list@example.org")],
    ];
    let ids = all.map(|recipients| {
        let (committed, announced) = commit(&mut writer, recipients, START);
        site.hint(announced);
        committed.id.to_string()
    });
    (site, ids.to_vec())
}

#[test]
fn the_list_shows_every_message_once_and_filters() {
    let (mut site, ids) = site();
    let lines = list(&mut site, None);
    let shown: Vec<(&str, &str, u64)> =
        lines.iter().map(|line| (line.id.as_str(), line.state.as_str(), line.open)).collect();
    assert_eq!(shown, [(&*ids[2], "routing", 1), (&*ids[0], "ready", 2), (&*ids[1], "ready", 1)]);
    assert_eq!(list(&mut site, Some("x.example")).len(), 2);
    assert_eq!(list(&mut site, Some("y.example"))[0].to, "<b@y.example>");
    let recipient = Some("c@mx.x.example".to_owned());
    let request = Request::QueueList { host: None, sender: None, recipient, limit: Some(5) };
    assert_eq!(ask(&mut site, request).len(), 2);
    let status = site.it().status();
    assert_eq!(status.now, "3 waiting for 3 hosts, 0 in flight, 1 in routing");
}

#[test]
fn one_message_is_shown_with_all_its_recipients() {
    let (mut site, ids) = site();
    let mut agent = site.agent();
    agent.hungry(1);
    let jobs = site.talk(&mut agent);
    agent.settle(&jobs[0], 0, delivered());
    site.talk(&mut agent);
    let lines = ask(&mut site, Request::QueueShow { id: ids[0].clone() });
    let message: QueueMessage = serde_json::from_str(&lines[0]).unwrap();
    let shown: Vec<(&str, &str)> =
        message.recipients.iter().map(|r| (r.route.as_str(), r.state.as_str())).collect();
    assert_eq!(shown, [("smtp!x.example", "done"), ("smtp!y.example", "ready")]);
    let end: End =
        serde_json::from_str(&ask(&mut site, Request::QueueCat { id: "nonsense".into() })[0]).unwrap();
    assert!(!end.ok && end.messages[0].contains("nonsense"));
}

#[test]
fn holding_survives_a_restart_and_releasing_ends_it() {
    let (mut site, ids) = site();
    let both = Selection::Ids(vec![ids[0].clone(), ids[2].clone()]);
    assert_eq!(order(&mut site, Request::QueueHold(both.clone())).count, 2);
    site.restart();
    let states = |site: &mut Site| {
        let mut states: Vec<(String, String)> =
            list(site, None).into_iter().map(|line| (line.id, line.state)).collect();
        states.sort_unstable();
        states.into_iter().map(|(_, state)| state).collect::<Vec<_>>()
    };
    assert_eq!(states(&mut site), ["held", "ready", "held"]);
    assert_eq!(order(&mut site, Request::QueueRelease(both)).count, 2);
    assert_eq!(states(&mut site), ["ready", "ready", "routing"]);
}

#[test]
fn removing_says_how_much_and_leaves_nothing() {
    let (mut site, ids) = site();
    let one = Selection::Host("x.example".into());
    assert_eq!(order(&mut site, Request::QueueRemove(one)).count, 2);
    assert_eq!(list(&mut site, None).len(), 1);
    let end = order(&mut site, Request::QueueRemove(Selection::Ids(vec![ids[0].clone(), ids[2].clone()])));
    assert_eq!((end.ok, end.count), (false, 1), "one of them is gone already");
    assert!(list(&mut site, None).is_empty());
    assert_eq!(site.journal().matches(" removed ").count(), 3);
    assert_eq!(site.journal().matches(" by=\"uid 7\"").count(), 3, "{}", site.journal());
    site.restart();
    assert!(list(&mut site, None).is_empty());
}

#[test]
fn retrying_a_host_lets_it_be_probed() {
    let (mut site, _) = site();
    let mut agent = site.agent();
    agent.hungry(2);
    for job in site.talk(&mut agent) {
        agent.settle(&job, job.recipients[0].index, host_dead());
    }
    agent.hungry(2);
    assert!(!site.talk(&mut agent).iter().any(|job| job.host == "x.example"));
    assert_eq!(order(&mut site, Request::QueueRetry(Selection::Host("x.example".into()))).count, 1);
    agent.hungry(2);
    assert!(site.talk(&mut agent).iter().any(|job| job.host == "x.example"));
}

#[test]
fn a_message_in_quarantine_is_held_until_it_is_retried_or_released() {
    let (mut site, ids) = site();
    let place = site.it().unrouted.find(ids[2].parse().unwrap()).unwrap();
    let one = Selection::Ids(vec![ids[2].clone()]);
    for request in [Request::QueueRetry(one.clone()), Request::QueueRelease(one)] {
        site.it().unrouted.quarantine(place);
        let line = list(&mut site, None).remove(0);
        assert_eq!((&*line.state, &*line.why), ("held", "held: killed the router three times"));
        assert_eq!(order(&mut site, request).count, 1);
        let mono = site.now.mono;
        assert_eq!(site.it().unrouted.due(mono, 10), [(place, true)]);
        assert_eq!(list(&mut site, None)[0].state, "routing");
    }
    site.it().unrouted.quarantine(place);
    site.it().unrouted.end_quarantine();
    assert_eq!(list(&mut site, None)[0].state, "routing", "the next router tries it");
}
