//! What every backend must do, as one suite; each backend's tests run it.

use crate::entry::{Expansion, Kind};
use crate::log::LogRecord;
use crate::{Announced, Completion, Draft, Spool, SpoolError};
use proto::address::ReversePath;
use proto::envelope::{Envelope, Origin, Recipient, Route, Shape};
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::BTreeSet;

/// Runs the suite. `make` gives an empty spool each time.
///
/// # Panics
/// When the backend does not conform: this is test code.
pub fn run(make: &mut dyn FnMut() -> Box<dyn Spool>) {
    let cases: [fn(&mut dyn Spool); 8] = [
        a_commit_comes_out_as_it_went_in,
        nothing_is_there_before_the_batch_is_closed,
        a_batch_is_announced_and_walked,
        an_aborted_draft_leaves_nothing,
        ids_are_unique_and_rise,
        an_expansion_shares_the_content_of_its_message,
        a_forged_place_or_range_is_an_error,
        what_was_applied_is_replayed,
    ];
    for case in cases {
        case(&mut *make());
    }
}

/// An envelope with one routed recipient, and one without a route.
pub fn envelope(size: u64) -> Envelope {
    let mailbox = |text: &str| text.parse().expect("a mailbox");
    let route = Route {
        channel: "smtp".to_owned(),
        host: "example.net".to_owned(),
        user: "ann@example.net".to_owned(),
    };
    Envelope {
        from: ReversePath::Mailbox(mailbox("news@example.org")),
        recipients: vec![
            Recipient::new(mailbox("ann@example.net"), Some(route)),
            Recipient::new(mailbox("\"a b\"@example.org"), None),
        ],
        received: 1_764_000_000_000,
        origin: Origin { client: "[192.0.2.7]".to_owned(), helo: "mx".to_owned(), ..Origin::default() },
        shape: Shape { size, header: 10, longest_line: 70, eight_bit: true, ..Shape::default() },
        terms: proto::terms::Terms::default(),
    }
}

/// Begins a message with a content.
pub fn draft(spool: &mut dyn Spool, content: &[u8], now: u64) -> Draft {
    let mut draft = spool.create(now).expect("a draft");
    content.chunks(1000).for_each(|part| draft.append(part).expect("append"));
    draft
}

/// Closes the batch and waits for completions.
pub fn complete(spool: &mut dyn Spool, now: u64) -> Vec<Completion> {
    spool.close_batch(now);
    let mut completions = spool.completions();
    while completions.is_empty() && spool.wait_fd().is_some() {
        std::thread::yield_now();
        completions = spool.completions();
    }
    completions
}

fn commit(spool: &mut dyn Spool, content: &[u8], now: u64) -> (SpoolId, Place, Announced) {
    let draft = draft(spool, content, now);
    let envelope = envelope(draft.len());
    spool.commit(draft, &envelope, now).expect("a ticket");
    let completions = complete(spool, now);
    let completion = completions.first().expect("a completion");
    let committed = completion.committed().next().expect("a success");
    (committed.id, committed.place, completion.announced.expect("an announcement"))
}

fn a_commit_comes_out_as_it_went_in(spool: &mut dyn Spool) {
    for size in [0_usize, 1, 4000, 70_000, 1_000_000] {
        let content: Vec<u8> = (0..size).map(|i| (i % 251).to_le_bytes()[0]).collect();
        let (id, place, _) = commit(spool, &content, 5);
        let entry = spool.load(place).expect("an entry");
        assert_eq!((entry.id, entry.place, &entry.kind, &entry.held), (id, place, &Kind::Message, &None));
        assert_eq!(entry.envelope, envelope(size as u64));
        let body = spool.open(place).expect("a body");
        assert_eq!((body.id(), body.length()), (id, size as u64));
        assert!(body.read(u64::MAX).expect("octets") == content, "content of {size} octets");
    }
}

fn nothing_is_there_before_the_batch_is_closed(spool: &mut dyn Spool) {
    let draft = draft(spool, b"x", 5);
    spool.commit(draft, &envelope(1), 5).expect("a ticket");
    assert!(spool.completions().is_empty());
    assert_eq!(complete(spool, 5).len(), 1);
    assert!(complete_nothing(spool).is_empty());
}

fn complete_nothing(spool: &mut dyn Spool) -> Vec<Completion> {
    spool.close_batch(6);
    spool.completions()
}

fn a_batch_is_announced_and_walked(spool: &mut dyn Spool) {
    let mut tickets = Vec::new();
    for content in [b"one".as_slice(), b"two", b"three"] {
        let mut draft = draft(spool, content, 5);
        draft.preserve(&["colour blue".to_owned()]);
        tickets.push(spool.commit(draft, &envelope(3), 5).expect("a ticket"));
    }
    let completions = complete(spool, 5);
    let completion = completions.first().expect("a completion");
    assert_eq!(completion.outcomes.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), tickets);
    let range = completion.announced.expect("an announcement");
    let ids: Vec<_> = completion.committed().map(|committed| committed.id).collect();
    let all = spool.walk(range, usize::MAX).expect("a walk");
    assert_eq!(all.entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), ids);
    assert!(all.entries.iter().all(|entry| entry.preserved == ["colour blue"]));
    assert_eq!((all.next, all.damage.len()), (range.to, 0));
    let first = spool.walk(range, 2).expect("a walk");
    let rest = spool.walk(Announced { from: first.next, ..range }, 2).expect("a walk");
    assert_eq!([first.entries, rest.entries].concat(), all.entries);
    assert_eq!(spool.segments().expect("segments"), [range.segment]);
}

fn an_aborted_draft_leaves_nothing(spool: &mut dyn Spool) {
    let aborted = draft(spool, &[b'x'; 500_000], 5);
    spool.abort(aborted);
    let (id, _, range) = commit(spool, b"y", 5);
    let walked = spool.walk(range, usize::MAX).expect("a walk");
    assert_eq!(walked.entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [id]);
}

fn ids_are_unique_and_rise(spool: &mut dyn Spool) {
    let ids: Vec<_> = [5, 5, 4, 900, 3].map(|now| spool.create(now).expect("a draft").id()).into();
    assert!(ids.is_sorted());
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}

fn an_expansion_shares_the_content_of_its_message(spool: &mut dyn Spool) {
    let (id, of, _) = commit(spool, b"for many", 5);
    let part = Expansion { of, attempt: 1, first: 0, closed: true };
    let mut draft = spool.create_as(id, 5).expect("a draft");
    draft.set_kind(Kind::Expansion(part));
    spool.commit(draft, &envelope(8), 5).expect("a ticket");
    let completions = complete(spool, 5);
    let place = completions.iter().flat_map(Completion::committed).next().expect("a success").place;
    let entry = spool.load(place).expect("an entry");
    assert_eq!((entry.id, entry.kind), (id, Kind::Expansion(part)));
    assert_eq!(spool.open(place).expect("a body").read(100).expect("octets"), b"for many");
}

fn a_forged_place_or_range_is_an_error(spool: &mut dyn Spool) {
    let (_, place, range) = commit(spool, &[b'z'; 5000], 5);
    let absent = SpoolId::new(1, 2, 3, 4);
    assert_eq!(spool.load(Place { segment: absent, offset: 4096 }), Err(SpoolError::Absent(absent)));
    assert!(spool.walk(Announced { segment: absent, ..range }, 9).is_err());
    for offset in [0, place.offset + 1, place.offset + 200, range.to, 1 << 40, u64::MAX] {
        let place = Place { offset, ..place };
        assert!(spool.load(place).is_err(), "load at {offset}");
        assert!(spool.open(place).is_err(), "open at {offset}");
    }
    assert!(spool.walk(Announced { to: u64::MAX, ..range }, 9).is_err());
    assert!(spool.walk(Announced { from: range.to, to: range.from, ..range }, 9).is_err());
}

fn what_was_applied_is_replayed(spool: &mut dyn Spool) {
    assert_eq!(spool.replay("scheduler", 5).expect("a log"), []);
    let records = [1, 2].map(|offset| LogRecord::Cursor { segment: SpoolId::new(1, 2, 3, 4), offset });
    spool.apply(&records).expect("applied");
    assert_eq!(spool.replay("scheduler", 6).expect("a log"), records);
}
