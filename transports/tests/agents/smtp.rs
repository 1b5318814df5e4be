//! Delivery over SMTP.

use super::rig::{Rig, resolver, settings};
use super::sink::{Manners, Sink};
use ipc::agent::ToAgent;
use ipc::resolve::{Exchanger, Resolved};
use proto::disposition::Outcome;
use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use transports::agent::Settings;
use transports::smtp::Smtp;

const TEXT: &[u8] = b"Subject: x\r\n\r\n.hello\r\n";

fn rig_with(table: HashMap<String, Resolved>, change: impl FnOnce(&mut Settings)) -> Rig {
    let mut settings = settings("smtp");
    change(&mut settings);
    let dial = resolver(table);
    Rig::start(move || Smtp::new(&settings, dial()))
}

fn rig() -> Rig {
    rig_with(HashMap::new(), |_| {})
}

fn taken() -> (Outcome, String) {
    (Outcome::Delivered, "2.0.0".into())
}

#[test]
fn a_message_arrives_as_it_is() {
    let sink = Sink::start(Manners::default());
    let mut rig = rig();
    let long: Vec<u8> = (0..40_000).flat_map(|n: u32| format!(".line {n} \u{e4}\r\n").into_bytes()).collect();
    let short = rig.job(&sink.host(), TEXT, &["a@example.org", "b@example.org"]);
    let large = rig.job(&sink.host(), &long, &["c@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 3);
    assert_eq!(
        (heard.fate(short, 0), heard.fate(short, 1), heard.fate(large, 0)),
        (taken(), taken(), taken())
    );
    assert_eq!(heard.settled[&(short, 0)].reply, "250 2.0.0 taken");
    assert_eq!(heard.settled[&(short, 0)].remote, "[127.0.0.1]");
    let seen = sink.seen();
    let short = seen.messages.iter().find(|message| message.recipients == 2).unwrap();
    let large = seen.messages.iter().find(|message| message.recipients == 1).unwrap();
    assert_eq!(short.content, TEXT);
    assert!(large.content == long, "a large message is altered");
    drop(seen);
    rig.drain().unwrap();
}

#[test]
fn connections_are_reused_and_closed_after_their_messages() {
    let sink = Sink::start(Manners::default());
    let mut rig = rig_with(HashMap::new(), |settings| {
        settings.channel.sessions_per_host = 1;
        settings.channel.messages_per_session = 4;
    });
    let file = rig.file(TEXT);
    for _ in 0..10 {
        rig.job_in(file, &sink.host(), TEXT, &["a@example.org"]);
    }
    rig.tell(&ToAgent::Release { file });
    let heard = rig.hear(|heard| heard.settled.len() == 10 && !heard.released.is_empty());
    assert!(heard.settled.values().all(|disposition| disposition.outcome == Outcome::Delivered));
    assert_eq!((heard.released, heard.warm), (vec![file], vec![sink.host()]));
    let seen = sink.seen();
    assert_eq!((seen.connections, seen.most_open, seen.messages.len()), (3, 1, 10));
    drop(seen);
    assert_eq!((sink.count("RSET"), sink.count("EHLO")), (0, 3));
    rig.drain().unwrap();
    assert_eq!(sink.count("QUIT"), 3);
}

#[test]
fn a_host_gets_no_more_connections_than_allowed_and_needed() {
    let sink = Sink::start(Manners { mail_delay: Duration::from_millis(100), ..Manners::default() });
    let mut rig = rig_with(HashMap::new(), |settings| settings.channel.sessions_per_host = 5);
    let file = rig.file(TEXT);
    for _ in 0..3 {
        rig.job_in(file, &sink.host(), TEXT, &["a@example.org"]);
    }
    let mut heard = rig.hear(|heard| heard.settled.len() == 3);
    assert!(sink.seen().most_open <= 3, "{:?}", sink.seen());
    for _ in 0..20 {
        rig.job_in(file, &sink.host(), TEXT, &["a@example.org"]);
    }
    rig.hear_more(&mut heard, |heard| heard.settled.len() == 23);
    assert_eq!(sink.seen().most_open, 5);
    rig.drain().unwrap();
}

#[test]
fn an_idle_connection_makes_room_for_another_host() {
    let sinks = [Sink::start(Manners::default()), Sink::start(Manners::default())];
    let mut rig = rig_with(HashMap::new(), |settings| settings.channel.sessions = 1);
    for sink in &sinks {
        rig.job(&sink.host(), TEXT, &["a@example.org"]);
    }
    let heard = rig.hear(|heard| heard.settled.len() == 2);
    assert!(heard.settled.values().all(|disposition| disposition.outcome == Outcome::Delivered));
    rig.drain().unwrap();
}

#[test]
fn a_busy_host_does_not_keep_another_from_its_only_connection() {
    // Slow enough to be busy still when the last job is handed out.
    let busy = Manners { dot_delay: Duration::from_millis(30), ..Manners::default() };
    let sinks = [Sink::start(busy), Sink::start(Manners::default())];
    let mut rig = rig_with(HashMap::new(), |settings| {
        settings.channel.sessions = 2;
        settings.channel.messages_per_session = 3;
    });
    let file = rig.file(TEXT);
    for _ in 0..30 {
        rig.job_in(file, &sinks[0].host(), TEXT, &["a@example.org"]);
    }
    let other = rig.job_in(file, &sinks[1].host(), TEXT, &["a@example.org"]);
    let heard = rig.hear(|heard| heard.settled.contains_key(&(other, 0)));
    // Those that were told in one go with it, but behind it, do not count.
    let before = heard.order.iter().position(|&job| job == other).unwrap();
    assert!(before < 25, "it came after {before} others");
    rig.drain().unwrap();
}

/// Several loopback addresses with one port, so that they can be exchangers of one domain.
fn exchangers(hosts: &[(&str, Option<Manners>)]) -> (Vec<Exchanger>, Vec<Sink>, u16) {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut sinks = Vec::new();
    let mut list = Vec::new();
    for (preference, (address, manners)) in (1_u16..).zip(hosts) {
        if let Some(manners) = manners {
            let address = SocketAddr::new(address.parse().unwrap(), free);
            sinks.push(Sink::listen(address, manners.clone()));
        }
        list.push(Exchanger {
            name: format!("mx{preference}.example"),
            preference,
            addresses: vec![address.parse().unwrap()],
        });
    }
    (list, sinks, free)
}

#[test]
fn the_next_exchanger_is_tried_after_every_kind_of_failure() {
    let refusing = Manners { greeting: Some("554 5.7.1 go away"), ..Manners::default() };
    let busy = Manners { greeting: Some("421 busy"), ..Manners::default() };
    let hosts = [
        ("127.0.1.1", None),
        ("127.0.1.2", Some(refusing)),
        ("127.0.1.3", Some(busy)),
        ("127.0.1.4", Some(Manners::default())),
    ];
    let (list, sinks, port) = exchangers(&hosts);
    let table = HashMap::from([("example.org".into(), Resolved::Found(list))]);
    let mut rig = rig_with(table, |settings| settings.channel.port = port);
    let job = rig.job("example.org", TEXT, &["a@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 1);
    assert_eq!(heard.fate(job, 0), taken());
    assert_eq!(heard.settled[&(job, 0)].remote, "mx4.example[127.0.1.4]");
    assert_eq!(sinks.iter().map(|sink| sink.seen().connections).collect::<Vec<_>>(), [1, 1, 1]);
    rig.drain().unwrap();
}

#[test]
fn when_all_exchangers_fail_everything_that_waits_is_deferred_with_the_last_reason() {
    let refusing = Manners { greeting: Some("554 5.7.1 go away"), ..Manners::default() };
    let (list, _sinks, port) = exchangers(&[("127.0.2.1", None), ("127.0.2.2", Some(refusing))]);
    let (dead, _none, _) = exchangers(&[("127.0.2.3", None)]);
    let table =
        HashMap::from([("refusing".into(), Resolved::Found(list)), ("dead".into(), Resolved::Found(dead))]);
    let mut rig = rig_with(table, |settings| settings.channel.port = port);
    let jobs = [(); 5].map(|()| rig.job("refusing", TEXT, &["a@example.org"]));
    let dead = rig.job("dead", TEXT, &["a@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 6);
    for job in jobs {
        assert_eq!(heard.fate(job, 0), (Outcome::HostDeferred, "4.7.1".into()));
        assert_eq!(heard.settled[&(job, 0)].reply, "554 5.7.1 go away");
    }
    assert_eq!(heard.fate(dead, 0), (Outcome::HostDeferred, "4.4.1".into()));
    assert!(heard.settled[&(dead, 0)].reply.contains("refused"), "{heard:?}");
    rig.drain().unwrap();
}

#[test]
fn each_answer_of_the_resolver_has_its_fate() {
    let table = HashMap::from([
        ("null.example".into(), Resolved::NullMx),
        ("later.example".into(), Resolved::Temporary { why: "SERVFAIL".into() }),
    ]);
    let mut rig = rig_with(table, |_| {});
    let jobs = ["null.example", "later.example", "no.example", "no host"]
        .map(|host| rig.job(host, TEXT, &["a@example.org"]));
    let heard = rig.hear(|heard| heard.settled.len() == 4);
    assert_eq!(heard.fate(jobs[0], 0), (Outcome::Failed, "5.1.10".into()));
    assert_eq!(heard.fate(jobs[1], 0), (Outcome::HostDeferred, "4.4.3".into()));
    assert_eq!(heard.fate(jobs[2], 0), (Outcome::Failed, "5.1.2".into()));
    assert_eq!(heard.fate(jobs[3], 0), (Outcome::HostDeferred, "4.3.5".into()));
    rig.drain().unwrap();
}

#[test]
fn a_connection_lost_after_the_content_defers() {
    let sink = Sink::start(Manners { drop_after_data: true, ..Manners::default() });
    let mut rig = rig();
    let job = rig.job(&sink.host(), TEXT, &["a@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 1);
    assert_eq!(heard.fate(job, 0), (Outcome::Deferred, "4.4.2".into()));
    assert!(heard.settled[&(job, 0)].reply.contains("may have been delivered"));
    rig.drain().unwrap();
}

#[test]
fn a_reused_connection_that_breaks_is_replaced() {
    let sink = Sink::start(Manners { drop_second_mail: true, ..Manners::default() });
    let mut rig = rig();
    let mut heard = super::rig::Heard::default();
    for count in 1..=3 {
        rig.job(&sink.host(), TEXT, &["a@example.org"]);
        rig.hear_more(&mut heard, |heard| heard.settled.len() == count);
    }
    assert!(heard.settled.values().all(|disposition| disposition.outcome == Outcome::Delivered), "{heard:?}");
    let seen = sink.seen();
    assert_eq!((seen.connections, seen.messages.len()), (3, 3));
    drop(seen);
    rig.drain().unwrap();
}

#[test]
fn recipients_beyond_the_servers_limit_go_out_in_further_transactions() {
    let manners = Manners { recipients: Some(2), refuses: Some("r3"), ..Manners::default() };
    let sink = Sink::start(manners);
    let mut rig = rig();
    let names: Vec<String> = (0..7).map(|n| format!("r{n}@example.org")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let job = rig.job(&sink.host(), TEXT, &names);
    let heard = rig.hear(|heard| heard.settled.len() == 7);
    for index in 0..7 {
        let expected = if index == 3 { (Outcome::Failed, "5.1.1".into()) } else { taken() };
        assert_eq!(heard.fate(job, index), expected, "{index}");
    }
    let seen = sink.seen();
    assert_eq!((seen.connections, seen.messages.len()), (1, 3));
    drop(seen);
    rig.drain().unwrap();
}

#[test]
fn a_server_that_takes_no_recipient_at_all_is_not_asked_again_and_again() {
    let sink = Sink::start(Manners { recipients: Some(0), ..Manners::default() });
    let mut rig = rig();
    let job = rig.job(&sink.host(), TEXT, &["a@example.org", "b@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 2);
    assert_eq!(heard.fate(job, 1), (Outcome::Deferred, "4.5.3".into()));
    assert_eq!(sink.count("MAIL"), 1);
    rig.drain().unwrap();
}

#[test]
fn idle_connections_are_closed_in_time_and_the_gauges_return_to_zero() {
    let sink = Sink::start(Manners::default());
    let mut rig = rig_with(HashMap::new(), |settings| settings.channel.idle = 50);
    rig.job(&sink.host(), TEXT, &["a@example.org"]);
    let heard = rig.hear(|heard| heard.gauges.len() == 2);
    assert_eq!(heard.gauges, [(1, 1), (0, 0)]);
    assert_eq!((sink.count("QUIT"), sink.seen().open), (1, 0));
    rig.drain().unwrap();
}

#[test]
fn a_server_that_never_answers_the_connection_is_given_up() {
    // A full backlog: the connection is never established.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let silent = Sink::start(Manners::default());
    let mut rig = rig_with(HashMap::new(), |settings| settings.channel.connect_timeout = 200);
    let fillers: Vec<_> = (0..5_000)
        .map_while(|_| {
            let stream = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100));
            stream.ok()
        })
        .collect();
    let job = rig.job(&address.to_string(), TEXT, &["a@example.org"]);
    let good = rig.job(&silent.host(), TEXT, &["a@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 2);
    assert_eq!(heard.fate(good, 0), taken(), "others are not held up");
    assert_eq!(heard.fate(job, 0), (Outcome::HostDeferred, "4.4.1".into()));
    assert!(heard.settled[&(job, 0)].reply.contains("timed out"), "{heard:?}");
    drop(fillers);
    rig.drain().unwrap();
}
