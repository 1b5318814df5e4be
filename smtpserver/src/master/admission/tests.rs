//! Admission as a whole, with virtual time: what happens to one client after another.

use super::*;
use farm::config::{Paths, Penalty, Rule, Syntax, defaults};
use ipc::resolve::Resolved;
use ipc::smtp_worker::Verdict;
use std::path::Path;

mod shadows;

const NOW: u64 = 1_000_000;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn admission(change: impl FnOnce(&mut Settings)) -> Admission {
    let paths = Paths { etc: "e".into(), spool: "s".into(), run: "r".into(), libexec: "l".into() };
    let config = defaults(&paths, "mail.example.org");
    let mut settings = Settings {
        config: config.admission,
        limits: Limits { sessions: 100, per_client: 3 },
        relay_networks: config.smtpserver.relay_networks,
    };
    change(&mut settings);
    Admission::new(settings)
}

fn with_lists(lists: &[&str]) -> impl FnOnce(&mut Settings) {
    let lists = lists.iter().map(|text| Syntax::parse(text).unwrap()).collect();
    |settings| settings.config.lists = lists
}

fn meet(admission: &mut Admission, session: u64, client: &str, now: u64) -> Met {
    admission.enter().unwrap();
    admission.meet(session, ip(client), Scrutiny::Full, now)
}

fn actions(admission: &mut Admission) -> Vec<Action> {
    std::iter::from_fn(|| admission.poll()).collect()
}

fn asks(admission: &mut Admission) -> Vec<Ask> {
    let ask = |action| match action {
        Action::Ask(ask) => ask,
        other => panic!("{other:?}"),
    };
    actions(admission).into_iter().map(ask).collect()
}

fn list(zone: &str, client: &str) -> Ask {
    Ask::List { zone: zone.into(), client: ip(client) }
}

fn listed(codes: &[&str]) -> Resolved {
    Resolved::Listed { codes: codes.iter().map(|code| code.parse().unwrap()).collect(), ttl: 60 }
}

fn named(name: Option<&str>) -> Resolved {
    Resolved::Named { name: name.map(Into::into), ttl: 60 }
}

fn refusal(action: Option<Action>) -> Refusal {
    match action {
        Some(Action::Refuse { refusal, .. }) => refusal,
        other => panic!("{other:?}"),
    }
}

fn set_table(admission: &mut Admission, text: &str) {
    let (table, problems) = AccessTable::parse(text.as_bytes(), Path::new("access"));
    assert_eq!(problems, []);
    admission.set_access(Lookup::Found(Arc::new(table)));
}

#[test]
fn with_nothing_configured_everybody_is_let_in_at_once() {
    let mut admission = admission(|_| {});
    assert_eq!(meet(&mut admission, 1, "192.0.2.1", NOW), Met::Pass(None));
    assert_eq!((admission.open(), admission.held(), admission.next_deadline()), (1, 0, None));
    admission.leave(Some(ip("192.0.2.1")));
    assert_eq!(admission.open(), 0);
}

#[test]
fn the_share_of_a_client_is_limited_and_others_are_let_in() {
    let mut admission = admission(|_| {});
    for session in 1..=3 {
        assert_eq!(meet(&mut admission, session, &format!("2001:db8::{session}"), NOW), Met::Pass(None));
    }
    let Met::Refuse(refusal) = meet(&mut admission, 4, "2001:db8::4", NOW) else { panic!("is let in") };
    let told = (refusal.rule.as_str(), refusal.value.as_str(), refusal.limit.as_str());
    assert_eq!(told, ("sessions-per-client", "4", "3"));
    assert!(refusal.reply.starts_with("421 4.7.0 "));
    assert_eq!(meet(&mut admission, 5, "2001:db8:0:1::1", NOW), Met::Pass(None));
    admission.leave(Some(ip("2001:db8::4")));
    admission.leave(Some(ip("2001:db8::1")));
    assert_eq!(meet(&mut admission, 6, "2001:db8::5", NOW), Met::Pass(None));
}

#[test]
fn when_there_is_no_place_nobody_enters() {
    let mut admission = admission(|s| s.limits.sessions = 1);
    admission.enter().unwrap();
    let refusal = admission.enter().unwrap_err();
    assert_eq!((refusal.rule.as_str(), refusal.limit.as_str()), ("sessions", "1"));
    assert!(refusal.reply.starts_with("421 4.3.2 "));
}

#[test]
fn a_rate_turns_away_until_its_window_is_over_and_spares_relay_networks() {
    let mut admission = admission(|s| s.config.client_rate = Some("2/1m".parse().unwrap()));
    let mut come = |session, client: &str, now| {
        let met = meet(&mut admission, session, client, now);
        admission.leave(Some(ip(client)));
        met
    };
    assert_eq!(come(1, "192.0.2.1", NOW), Met::Pass(None));
    assert_eq!(come(2, "192.0.2.1", NOW), Met::Pass(None));
    let Met::Refuse(refusal) = come(3, "192.0.2.1", NOW + 59_999) else { panic!("is let in") };
    assert_eq!(
        (refusal.rule.as_str(), refusal.value.as_str(), refusal.limit.as_str()),
        ("client-rate", "3", "2/1m")
    );
    assert_eq!(come(4, "192.0.2.1", NOW + 60_000), Met::Pass(None));
    for session in 5..20 {
        assert_eq!(come(session, "127.0.0.1", NOW), Met::Pass(None));
    }
}

#[test]
fn who_talks_first_is_refused_and_who_is_silent_is_not_asked_again() {
    let mut admission = admission(|s| s.config.greet_delay = 2_000);
    assert_eq!(meet(&mut admission, 1, "192.0.2.1", NOW), Met::Hold);
    assert_eq!(meet(&mut admission, 2, "192.0.2.2", NOW), Met::Hold);
    admission.spoke(1, NOW + 500);
    let refusal = refusal(admission.poll());
    assert_eq!((refusal.rule.as_str(), refusal.limit.as_str()), ("pregreet", "2s"));
    assert!(refusal.reply.starts_with("554 5.7.1 "));
    admission.tick(NOW + 1_999);
    assert_eq!(admission.poll(), None);
    assert_eq!(admission.next_deadline(), Some(NOW + 2_000));
    admission.tick(NOW + 2_000);
    assert_eq!(admission.poll(), Some(Action::Pass { session: 2, name: None }));
    assert_eq!(meet(&mut admission, 3, "192.0.2.2", NOW + 3_600_000), Met::Pass(None));
    assert_eq!(meet(&mut admission, 4, "192.0.2.2", NOW + 3_602_000), Met::Hold, "after `remember`");
    assert_eq!(
        meet(&mut admission, 5, "192.0.2.1", NOW + 3_000),
        Met::Hold,
        "who was refused is not remembered"
    );
}

#[test]
fn at_listeners_for_people_nobody_waits_for_silence_or_lists() {
    let mut admission = admission(|s| {
        with_lists(&["a.test"])(s);
        s.config.greet_delay = 2_000;
    });
    admission.enter().unwrap();
    assert_eq!(admission.meet(1, ip("192.0.2.1"), Scrutiny::Basic, NOW), Met::Pass(None));
    assert_eq!(meet(&mut admission, 2, "127.0.0.1", NOW), Met::Pass(None), "nor in relay networks");
    assert_eq!(admission.poll(), None);
}

#[test]
fn points_of_lists_add_up_and_each_list_is_asked_once_for_all() {
    let mut admission =
        admission(with_lists(&["a.test*2", "b.test=127.0.0.[4..9]*1", "b.test=127.0.0.2*2", "w.test*-3"]));
    assert_eq!(meet(&mut admission, 1, "192.0.2.1", NOW), Met::Hold);
    assert_eq!(meet(&mut admission, 2, "192.0.2.1", NOW), Met::Hold);
    let zones = ["a.test", "b.test", "w.test"];
    assert_eq!(asks(&mut admission), zones.map(|zone| list(zone, "192.0.2.1")));
    admission.answered(&list("a.test", "192.0.2.1"), listed(&["127.0.0.3"]), NOW);
    admission.answered(&list("b.test", "192.0.2.1"), listed(&["127.0.0.4", "127.0.0.10"]), NOW);
    assert_eq!(admission.poll(), None, "a list may still speak for it");
    admission.answered(&list("w.test", "192.0.2.1"), listed(&[]), NOW);
    for _ in 1..=2 {
        let refusal = refusal(admission.poll());
        assert_eq!((refusal.rule.as_str(), refusal.limit.as_str()), ("lists", "3"));
        assert_eq!(refusal.value, "a.test=127.0.0.3*2 b.test=127.0.0.4*1");
        assert!(refusal.reply.contains("a.test (127.0.0.3)"), "{}", refusal.reply);
    }
    let Met::Refuse(_) = meet(&mut admission, 3, "192.0.2.1", NOW + 59_999) else { panic!("is asked again") };
    assert_eq!(
        meet(&mut admission, 9, "192.0.2.1", NOW + 60_000),
        Met::Refuse(per_client()),
        "three are open"
    );
}

fn per_client() -> Refusal {
    Refusal {
        rule: "sessions-per-client".into(),
        value: "4".into(),
        limit: "3".into(),
        reply: "421 4.7.0 too many connections from your address; try again later".into(),
    }
}

#[test]
fn a_list_of_good_clients_outweighs_others() {
    let mut admission = admission(with_lists(&["a.test*3", "w.test*-1"]));
    assert_eq!(meet(&mut admission, 1, "192.0.2.1", NOW), Met::Hold);
    admission.answered(&list("a.test", "192.0.2.1"), listed(&["127.0.0.2"]), NOW);
    admission.answered(&list("w.test", "192.0.2.1"), listed(&["127.0.0.2"]), NOW);
    assert_eq!(actions(&mut admission).pop(), Some(Action::Pass { session: 1, name: None }));
    assert_eq!(
        meet(&mut admission, 2, "192.0.2.1", NOW + 61_000),
        Met::Hold,
        "with points it is not remembered"
    );
}

#[test]
fn what_is_not_answered_in_time_does_not_count_and_is_told() {
    let mut admission = admission(with_lists(&["a.test*3", "b.test*3"]));
    assert_eq!(meet(&mut admission, 1, "192.0.2.1", NOW), Met::Hold);
    assert_eq!(asks(&mut admission).len(), 2);
    admission.answered(&list("a.test", "192.0.2.1"), Resolved::Temporary { why: "x".into() }, NOW + 5);
    let unanswered =
        |zone| Action::Unanswered { client: ip("192.0.2.1"), questions: vec![list(zone, "192.0.2.1")] };
    assert_eq!(actions(&mut admission), [unanswered("a.test")]);
    admission.tick(NOW + 3_000);
    assert_eq!(actions(&mut admission), [unanswered("b.test"), Action::Pass { session: 1, name: None }]);
    admission.answered(&list("b.test", "192.0.2.1"), listed(&["127.0.0.2"]), NOW + 4_000);
    assert_eq!(admission.poll(), None);
    let Met::Hold = meet(&mut admission, 2, "192.0.2.1", NOW + 4_001) else { panic!("a.test is unknown") };
}

#[test]
fn the_access_table_goes_before_all_but_the_counts() {
    let mut admission = admission(|s| {
        with_lists(&["a.test*3"])(s);
        s.config.client_rate = Some("1/1m".parse().unwrap());
    });
    set_table(
        &mut admission,
        "192.0.2.0/24 reject 5.3.2 closed\n192.0.2.1 accept\n192.0.2.9 defer\n127.0.0.1 reject\n",
    );
    for session in 1..=3 {
        assert_eq!(meet(&mut admission, session, "192.0.2.1", NOW), Met::Pass(None));
    }
    assert_eq!(meet(&mut admission, 4, "192.0.2.1", NOW), Met::Refuse(per_client()));
    for (session, client, reply, line) in [
        (5, "192.0.2.2", "554 5.3.2 closed", "line 1"),
        (6, "192.0.2.9", "421 4.7.0 access denied for now; try again later", "line 3"),
        (7, "127.0.0.1", "554 5.7.1 access denied", "line 4"),
    ] {
        let Met::Refuse(refusal) = meet(&mut admission, session, client, NOW) else {
            panic!("{client} is let in")
        };
        assert_eq!((refusal.reply.as_str(), refusal.limit.as_str()), (reply, line));
    }
}

#[test]
fn names_are_looked_up_only_if_the_table_has_some_and_an_address_goes_before_a_name() {
    let mut admission = admission(|_| {});
    set_table(&mut admission, ".dyn.test reject\nmail.dyn.test accept\n192.0.2.7 score 1\n");
    assert_eq!(meet(&mut admission, 1, "192.0.2.1", NOW), Met::Hold);
    assert_eq!(asks(&mut admission), [Ask::Name(ip("192.0.2.1"))]);
    admission.answered(&Ask::Name(ip("192.0.2.1")), named(Some("p1.dyn.test")), NOW);
    assert_eq!(refusal(admission.poll()).value, ".dyn.test");
    assert_eq!(meet(&mut admission, 2, "192.0.2.2", NOW), Met::Hold);
    admission.answered(&Ask::Name(ip("192.0.2.2")), named(Some("mail.dyn.test")), NOW);
    let pass = Action::Pass { session: 2, name: Some("mail.dyn.test".into()) };
    assert_eq!(actions(&mut admission).pop(), Some(pass));
    assert_eq!(meet(&mut admission, 3, "192.0.2.7", NOW), Met::Hold);
    admission.answered(&Ask::Name(ip("192.0.2.7")), named(Some("p7.dyn.test")), NOW);
    let pass = Action::Pass { session: 3, name: Some("p7.dyn.test".into()) };
    assert_eq!(actions(&mut admission).pop(), Some(pass), "the entry of its address counts");
    set_table(&mut admission, "192.0.2.9 reject\n");
    assert_eq!(meet(&mut admission, 4, "192.0.2.4", NOW), Met::Pass(None));
}

#[test]
fn a_table_that_cannot_be_read_defers_and_never_lets_in() {
    let mut admission = admission(|_| {});
    admission.set_access(Lookup::Temporary("access: cannot be read".into()));
    let Met::Refuse(refusal) = meet(&mut admission, 1, "192.0.2.1", NOW) else { panic!("is let in") };
    assert!(refusal.reply.starts_with("421 4.3.0 "), "{}", refusal.reply);
    let (table, _) = AccessTable::parse(b"192.0.2.0/33 reject\n192.0.2.1 accept\n", Path::new("access"));
    admission.set_access(Lookup::Found(Arc::new(table)));
    assert_eq!(meet(&mut admission, 2, "192.0.2.1", NOW), Met::Pass(None), "what it says is known");
    assert!(matches!(meet(&mut admission, 3, "192.0.2.2", NOW), Met::Refuse(_)), "what it lacks is not");
}

#[test]
fn suspects_wait_in_the_tarpit_and_it_has_an_end() {
    let mut admission = admission(|s| {
        with_lists(&["a.test*1"])(s);
        s.config.tarpit = 5_000;
    });
    set_table(&mut admission, "198.51.100.1 reject\n198.51.100.2 defer\n");
    assert_eq!(meet(&mut admission, 1, "192.0.2.1", NOW), Met::Hold);
    admission.answered(&list("a.test", "192.0.2.1"), listed(&["127.0.0.2"]), NOW + 10);
    assert_eq!(asks(&mut admission).len(), 1, "it is not let in yet");
    assert_eq!(meet(&mut admission, 2, "198.51.100.1", NOW), Met::Hold);
    assert!(matches!(meet(&mut admission, 3, "198.51.100.2", NOW), Met::Refuse(_)), "come again soon");
    admission.spoke(1, NOW + 20);
    admission.tick(NOW + 5_009);
    assert_eq!(refusal(admission.poll()).reply, "554 5.7.1 access denied");
    assert_eq!(admission.poll(), None);
    admission.tick(NOW + 5_010);
    assert_eq!(admission.poll(), Some(Action::Pass { session: 1, name: None }));
    assert_eq!((admission.tarpitted, admission.held()), (0, 0));
    admission.tarpitted = MOST_TARPITTED;
    assert!(matches!(meet(&mut admission, 4, "198.51.100.1", NOW), Met::Refuse(_)), "it is full");
}

#[test]
fn talking_first_may_cost_points_only() {
    let mut admission = admission(|s| {
        with_lists(&["a.test*2"])(s);
        s.config.greet_delay = 1_000;
        s.config.pregreet = Penalty::Score(1);
    });
    assert_eq!(meet(&mut admission, 1, "192.0.2.1", NOW), Met::Hold);
    admission.spoke(1, NOW + 1);
    admission.spoke(1, NOW + 2);
    assert_eq!(asks(&mut admission).len(), 1);
    admission.answered(&list("a.test", "192.0.2.1"), listed(&["127.0.0.2"]), NOW + 10);
    let refusal = refusal(admission.poll());
    assert_eq!((refusal.rule.as_str(), refusal.value.as_str()), ("score", "talked*1 a.test=127.0.0.2*2"));
}

#[test]
fn who_hangs_up_leaves_nothing_behind() {
    let mut admission = admission(|s| {
        with_lists(&["a.test"])(s);
        s.config.tarpit = 5_000;
    });
    set_table(&mut admission, "198.51.100.1 reject\n");
    meet(&mut admission, 1, "192.0.2.1", NOW);
    meet(&mut admission, 2, "198.51.100.1", NOW);
    admission.gone(1);
    admission.gone(2);
    assert_eq!((admission.held(), admission.tarpitted, admission.next_deadline()), (0, 0, None));
    asks(&mut admission);
    admission.answered(&list("a.test", "192.0.2.1"), listed(&[]), NOW);
    assert!(admission.asked.is_empty());
    assert_eq!(admission.poll(), None);
}

#[test]
fn a_worker_that_asks_is_told_every_reason_and_nothing_is_counted() {
    let mut admission = admission(|s| {
        with_lists(&["a.test*2", "b.test*1"])(s);
        s.config.greet_delay = 9_000;
        s.config.client_rate = Some("1/1m".parse().unwrap());
    });
    set_table(&mut admission, ".dyn.test score 1\n");
    let who = Who::Worker { child: 7, session: 42 };
    for _ in 0..3 {
        admission.consult(who, ip("192.0.2.1"), Scrutiny::Full, NOW);
    }
    admission.answered(&list("a.test", "192.0.2.1"), listed(&["127.0.0.2"]), NOW);
    admission.answered(&Ask::Name(ip("192.0.2.1")), named(Some("p1.dyn.test")), NOW);
    admission.tick(NOW + 3_000);
    let Some(Action::Consulted { child: 7, consulted }) = actions(&mut admission).pop() else {
        panic!("not told")
    };
    let told: Vec<(&str, &str)> =
        consulted.reasons.iter().map(|reason| (reason.rule.as_str(), reason.value.as_str())).collect();
    assert_eq!(
        told,
        [("lists", "a.test=127.0.0.2"), ("access", ".dyn.test"), ("lists", "b.test: no answer")]
    );
    assert!(matches!(&consulted.verdict, Verdict::Refuse(reply) if reply.starts_with("554 5.7.1 ")));
    assert_eq!((consulted.session, consulted.name.as_deref()), (42, Some("p1.dyn.test")));
    assert_eq!((admission.open(), admission.counts.of(ip("192.0.2.1"))), (0, 0));
    assert_eq!(admission.rates.next(ip("192.0.2.1"), NOW), 1);
    admission.consult(who, ip("127.0.0.1"), Scrutiny::Full, NOW);
    let Some(Action::Consulted { consulted, .. }) = admission.poll() else { panic!("not told at once") };
    assert_eq!((consulted.verdict, consulted.reasons[0].value.as_str()), (Verdict::Pass, "127.0.0.0/8"));
}

#[test]
fn what_a_dead_worker_asked_is_forgotten() {
    let mut admission = admission(with_lists(&["a.test"]));
    admission.consult(Who::Worker { child: 7, session: 1 }, ip("192.0.2.1"), Scrutiny::Full, NOW);
    admission.consult(Who::Worker { child: 8, session: 1 }, ip("192.0.2.1"), Scrutiny::Full, NOW);
    admission.forget_worker(7);
    admission.answered(&list("a.test", "192.0.2.1"), listed(&[]), NOW);
    let told: Vec<Action> = actions(&mut admission).split_off(1);
    assert!(matches!(&told[..], [Action::Consulted { child: 8, .. }]), "{told:?}");
}
