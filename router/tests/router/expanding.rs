//! Messages that take the pass through the router.

use crate::office::{Office, asked_for};
use spool::{Entry, Kind};

fn routes(entry: &Entry) -> Vec<String> {
    let route = |r: &proto::envelope::Recipient| {
        r.route.as_ref().map(|route| format!("{} {}!{}", r.address, route.channel, route.host)).unwrap()
    };
    entry.envelope.recipients.iter().map(route).collect()
}

#[test]
fn a_hint_brings_an_expansion_that_is_durable_and_announced() {
    let mut office = Office::start(Some("staff: root, ann@far.example, bob@far.example, nobody-here\n"));
    let recipients = [
        ("bob@far.example", Some("smtp!far.example")),
        ("staff@mail.example.org", None),
        ("gone@mail.example.org", None),
    ];
    let (message, range) = office.commit(&recipients);
    office.announce(range);
    let found = office.wait_for_expansions(message.id, 1);
    assert_eq!(
        routes(&found[0]),
        [
            "bob@far.example smtp!far.example",
            "root@mail.example.org mailbox!root",
            "ann@far.example smtp!far.example",
            "nobody-here@mail.example.org error!mail.example.org",
            "gone@mail.example.org error!mail.example.org",
        ]
    );
    let Kind::Expansion(part) = found[0].kind else { panic!("{:?}", found[0].kind) };
    assert_eq!((part.of, part.first, part.closed), (message.place, 0, true));
    assert_eq!(found[0].envelope.terms, asked_for(), "what was asked for goes along");
    office.announce(range);
    office.query(1, r#"{"verb":"status"}"#);
    office.until("a status", |office| (office.lines.len() == 1).then_some(()));
    assert!(office.expansions().is_empty(), "a repeated hint does nothing");
}

#[test]
fn a_long_list_comes_in_parts() {
    let office = Office::start(None);
    let list: String = (0..25_000).map(|n| format!("r{n}@far.example\n")).collect();
    let path = office.list(&list);
    office.write_aliases(&format!("all: :include:{path}\n"));
    let mut office = office;
    let (message, range) = office.commit(&[("all@mail.example.org", None)]);
    office.announce(range);
    let found = office.wait_for_expansions(message.id, 3);
    let parts: Vec<_> = found
        .iter()
        .map(|entry| match entry.kind {
            Kind::Expansion(part) => (part.first, entry.envelope.recipients.len(), part.closed),
            _ => panic!(),
        })
        .collect();
    assert_eq!(parts, [(0, 10_000, false), (10_000, 10_000, false), (20_000, 5_000, true)]);
}

#[test]
fn a_table_that_cannot_be_read_delays_and_never_fails() {
    let mut office = Office::start(None);
    let (message, range) = office.commit(&[("staff@mail.example.org", None)]);
    office.announce(range);
    office.until("the journal", |office| {
        office
            .journal()
            .contains(&format!("{} deferred  to=<staff@mail.example.org>", message.id))
            .then_some(())
    });
    office.write_aliases("staff: root, ann@far.example\n");
    assert_eq!(routes(&office.wait_for_expansions(message.id, 1)[0]).len(), 2);
}

#[test]
fn a_message_that_kills_is_quarantined_and_the_next_one_is_expanded() {
    let mut office = Office::start(Some("staff: root, ann@far.example\n"));
    office.query(0, r#"{"verb":"fault","point":"router/crash-expand","times":1}"#);
    let (first, range) = office.commit(&[("staff@mail.example.org", None)]);
    office.announce(range);
    office.until("a first death", |office| (office.deaths > 0).then_some(()));
    let (second, range) = office.commit(&[("staff@mail.example.org", None)]);
    office.announce(range);
    office.wait_for_expansions(second.id, 1);
    office.until("the journal", |office| {
        office.journal().contains(&format!("{} quarantined program=router deaths=3", first.id)).then_some(())
    });
    assert_eq!(office.deaths, 3);
}

#[test]
fn junk_on_the_notification_socket_is_counted_and_harms_nothing() {
    let mut office = Office::start(Some("staff: root, ann@far.example\n"));
    let (message, range) = office.commit(&[("staff@mail.example.org", None)]);
    for number in 0_u64..300 {
        office.hint(&[]);
        office.hint(&[0xff; 5_000]);
        office.hint(format!("new {} {number} {}", range.segment, range.to + 8_192).as_bytes());
        office.hint(format!("new {number:018} 0 {}", u64::MAX).as_bytes());
    }
    office.announce(range);
    office.wait_for_expansions(message.id, 1);
    office.until("the journal", |office| office.journal().contains("hints-dropped count=").then_some(()));
    assert_eq!(office.deaths, 0);
}
