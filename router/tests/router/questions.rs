//! What callers and administrators ask.

use crate::office::Office;
use ipc::routing::{Answer, Question, Verdict};
use ipc::supervisor::ToChild;

fn question(session: u64, ticket: u64, address: &str, may_relay: bool) -> Question {
    let address = Some(address.parse().unwrap());
    Question::Recipient { session, ticket, address, may_relay, client: "192.0.2.1".into(), members: false }
}

fn verdict(answer: &Answer) -> String {
    match &answer.verdict {
        Verdict::Route(route) => format!("{}!{} {}", route.channel, route.host, route.user),
        Verdict::Expand => "expand".into(),
        Verdict::Refuse { status, .. } | Verdict::Defer { status, .. } => status.to_string(),
    }
}

#[test]
fn questions_are_answered_with_one_generation() {
    let mut office = Office::start(Some("staff: root, ann@far.example\n"));
    let mut caller = office.call();
    let asked = [
        ("root@mail.example.org", true, "mailbox!root root"),
        ("staff@mail.example.org", false, "expand"),
        ("nobody-of-that-name@mail.example.org", false, "5.1.1"),
        ("ann@far.example", true, "smtp!far.example ann@far.example"),
        ("ann@far.example", false, "5.7.1"),
    ];
    for (number, (address, may_relay, _)) in (0..).zip(asked) {
        caller.send(&question(number, number + 100, address, may_relay)).unwrap();
    }
    let mut answers = office.answers(&mut caller, asked.len());
    answers.sort_by_key(|answer| answer.session);
    for (answer, (_, _, expected)) in answers.iter().zip(asked) {
        assert_eq!((verdict(answer).as_str(), answer.ticket), (expected, answer.session + 100));
        assert_eq!(answer.generation, answers[0].generation);
    }
    office.write_aliases("staff: root\n");
    let renewed = office.until("a new generation", |office| {
        let mut caller = office.call();
        caller.send(&question(1, 1, "staff@mail.example.org", false)).unwrap();
        office.answers(&mut caller, 1).pop().filter(|answer| answer.generation != answers[0].generation)
    });
    assert_eq!(verdict(&renewed), "mailbox!root root");
}

#[test]
fn an_address_that_kills_is_found_and_the_others_are_answered() {
    let mut office = Office::start(Some(""));
    office.query(0, r#"{"verb":"fault","point":"router/crash","times":1}"#);
    let mut caller = office.call();
    for session in 0..20 {
        let name = if session == 7 { "crash" } else { "ann" };
        caller.send(&question(session, session, &format!("{name}@far.example"), true)).unwrap();
    }
    for answer in office.answers(&mut caller, 20) {
        let expected = if answer.session == 7 { "4.3.0" } else { "smtp!far.example ann@far.example" };
        assert_eq!(verdict(&answer), expected);
    }
    assert_eq!(office.deaths, 3);
    caller.send(&question(50, 50, "crash@far.example", true)).unwrap();
    assert_eq!(verdict(&office.answers(&mut caller, 1)[0]), "4.3.0");
    assert_eq!(office.deaths, 3, "it is remembered");
    office.until("the journal", |office| {
        office.journal().contains("blamed address=crash@far.example deaths=3").then_some(())
    });
}

#[test]
fn administrators_get_status_and_routes() {
    let mut office = Office::start(Some("staff: root, ann@far.example\n"));
    office.query(5, r#"{"verb":"route","address":"staff"}"#);
    office.until("a route", |office| (office.lines.len() == 3).then_some(()));
    assert!(office.lines[0].contains("mailbox!root") && office.lines[0].contains("aliases:1"));
    assert!(office.lines[2].contains(r#""ok":true"#) && office.lines[2].contains(r#""count":2"#));
    office.lines.clear();
    office.query(6, r#"{"verb":"route","address":"a b@"}"#);
    office.until("a refusal", |office| (office.lines.len() == 2).then_some(()));
    assert!(office.lines[0].contains("501 5.1.3"), "{:?}", office.lines);
    office.lines.clear();
    office.query(7, r#"{"verb":"status"}"#);
    office.until("a status", |office| (office.lines.len() == 1).then_some(()));
    assert!(office.lines[0].contains(r#""role":"router""#), "{:?}", office.lines);
}

#[test]
fn a_drain_answers_what_was_asked_and_ends() {
    let mut office = Office::start(Some(""));
    let mut caller = office.call();
    (0..500).for_each(|n| caller.send(&question(n, n, &format!("a{n}@far.example"), true)).unwrap());
    office.answers(&mut caller, 1);
    office.tell(&ToChild::Drain);
    let status = office.until("its end", |office| office.ended);
    assert!(status.success() && office.processes() == 0 && office.deaths == 0, "{status}");
}
