//! BDAT.

use super::super::*;
use super::shell::{Seen, Shell, dialogue};
use crate::reply::Reply;
use crate::status::Status;
use proptest::prelude::*;

const OPEN: &str = "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n";
const BINARY: &str = "EHLO a\r\nMAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<c@d>\r\n";

fn open() -> Shell {
    let mut shell = Shell::plain();
    shell.receive(OPEN.as_bytes());
    shell.seen = Seen::default();
    shell
}

/// The codes of the replies, and the words of everything else.
fn words(events: &[String]) -> Vec<&str> {
    events.iter().map(|event| event.split(' ').next().unwrap()).collect()
}

#[test]
fn a_message_may_come_in_chunks() {
    let mut shell = open();
    let events = shell.hear("BDAT 8\r\nA: b\r\n\r\nNOOP\r\nBDAT 3\r\n.\r\nBDAT 0 LAST\r\nNOOP\r\n");
    assert_eq!(
        events[..4],
        ["250 2.0.0 8 octets taken", "250 2.0.0 ok", "250 2.0.0 3 octets taken", "<a@b> x1 11"]
    );
    assert_eq!(words(&events[4..]), ["250", "250"]);
    assert_eq!(shell.seen.committed, [b"A: b\r\n\r\n.\r\n"]);
}

#[test]
fn what_lacks_its_last_line_end_gets_it() {
    let mut shell = open();
    shell.receive(b"BDAT 1\r\naBDAT 1 LAST\r\nb");
    assert_eq!(shell.seen.committed, [b"ab\r\n"]);
}

#[test]
fn chunks_hold_lines_unless_they_are_declared_to_be_binary() {
    for content in [&b"a\nb\r\n"[..], b"a\rb\r\n", b"a\0b\r\n", b"ab\r"] {
        let command = format!("BDAT {} LAST\r\n", content.len());
        let octets = [command.as_bytes(), content, b"NOOP\r\n"].concat();
        let mut shell = open();
        shell.receive(&octets);
        assert_eq!(words(&shell.seen.events), ["abort", "550", "250"], "{}", content.escape_ascii());
        let mut shell = Shell::plain();
        shell.receive(BINARY.as_bytes());
        shell.receive(&octets);
        assert_eq!(shell.seen.committed, [content], "{}", content.escape_ascii());
    }
}

#[test]
fn binary_content_cannot_come_by_data() {
    let mut shell = Shell::plain();
    shell.receive(BINARY.as_bytes());
    assert_eq!(words(&shell.hear("DATA\r\n")), ["503"]);
}

#[test]
fn data_and_bdat_do_not_mix() {
    let mut shell = open();
    assert_eq!(words(&shell.hear("BDAT 3\r\na\r\nDATA\r\n")), ["250", "503"]);
    assert_eq!(words(&shell.hear("BDAT 0 LAST\r\nBDAT 2 LAST\r\n\r\n")), ["<a@b>", "250", "503"]);
}

#[test]
fn after_a_refused_chunk_no_other_can_pass_for_the_message() {
    let mut shell = open();
    let events = shell.hear("BDAT 2\r\na\nBDAT 3\r\nb\r\nBDAT 3 LAST\r\nc\r\nMAIL FROM:<e@f>\r\n");
    assert_eq!(words(&events), ["abort", "550", "503", "503", "250"]);
    assert!(shell.seen.committed.is_empty());
    let mut shell = open();
    shell.full = true;
    let events = shell.hear("BDAT 3\r\na\r\nBDAT 3 LAST\r\nc\r\n");
    assert_eq!(words(&events), ["452", "503"]);
}

#[test]
fn chunks_of_a_refused_transaction_are_swallowed_and_answered() {
    let mut shell = Shell::plain();
    let events = shell.hear(
        "BDAT 6\r\nNOOP\r\nEHLO a\r\nBDAT 6\r\nQUIT\r\nMAIL FROM:<a@b>\r\nRCPT TO:<nosuch@d>\r\nBDAT 6\r\nQUIT\r\nBDAT 0 LAST\r\nNOOP\r\n",
    );
    assert_eq!(words(&events), ["503", "250", "503", "250", "550", "503", "503", "250"]);
}

#[test]
fn reset_between_chunks_drops_the_draft() {
    for (verb, after) in [("RSET", vec!["abort", "250", "250"]), ("EHLO x", vec!["abort", "250", "250"])] {
        let mut shell = open();
        shell.receive(b"BDAT 3\r\na\r\n");
        assert_eq!(words(&shell.hear(&format!("{verb}\r\nMAIL FROM:<>\r\n"))), after);
    }
}

#[test]
fn a_chunk_that_makes_the_message_too_large_is_not_taken() {
    let standing = Standing::default();
    let x = "x".repeat(148);
    let seen = dialogue(
        standing,
        format!("{OPEN}BDAT 150\r\n{x}\r\nBDAT 150 LAST\r\n{x}\r\nNOOP\r\n").as_bytes(),
        7,
    );
    assert_eq!(words(&seen.events)[3..], ["250", "abort", "552", "250"]);
}

#[test]
fn a_chunk_beyond_all_measure_ends_the_session() {
    for start in ["", OPEN, "EHLO a\r\nMAIL FROM:<>\r\n"] {
        let seen = dialogue(Standing::default(), format!("{start}BDAT 99999999999\r\n").as_bytes(), 3);
        assert_eq!(words(&seen.events[seen.events.len() - 2..]), ["421", "flood"]);
    }
}

#[test]
fn a_chunk_whose_end_nobody_can_tell_ends_the_session() {
    for line in ["BDAT", "bdat x", "BDAT 99999999999999999999 LAST", "BDAT 2 LAST 3", "BDAT 2\0"] {
        let mut shell = open();
        let events = shell.hear(&format!("{line}\r\nMAIL FROM:<smuggled@x>\r\nRSET\r\n"));
        assert_eq!(words(&events), ["421", "bad-commands"], "{line}");
    }
}

#[test]
fn our_own_421_ends_the_session_behind_a_chunk_too() {
    let later = || Reply::new(421, Status::transient(3, 2), "later");
    let mut session = open().session;
    assert_eq!(session.advance(b"BDAT 3 LAST\r\n", 0).action, Action::BeginBody);
    assert_eq!(session.opened(Err(later()), 0), None);
    assert_eq!(session.advance(b"a\r\n", 0).action, Action::Reply(later()));
    assert_eq!(session.advance(b"RSET\r\n", 0).action, Action::Close(Close::Answered));
}

proptest! {
    #[test]
    fn no_octet_of_a_chunk_is_a_command_and_no_other_is_content(
        chunks in prop::collection::vec("[a.\r\n\0\u{e4}]{0,6}(\r\nQUIT\r\n)?", 1..5),
        binary in any::<bool>(),
        size in 1_usize..20,
    ) {
        let content = chunks.concat().into_bytes();
        let mut input = if binary { BINARY } else { OPEN }.as_bytes().to_vec();
        for chunk in &chunks {
            input.extend(format!("BDAT {}\r\n", chunk.len()).bytes().chain(chunk.bytes()));
        }
        input.extend_from_slice(b"BDAT 0 LAST\r\nEHLO z\r\n");
        let seen = dialogue(Standing::default(), &input, size);
        prop_assert_eq!(&seen, &dialogue(Standing::default(), &input, usize::MAX));
        // EHLO, MAIL, RCPT, each chunk, LAST, EHLO; and what is not a reply.
        let replies = seen.events.iter().filter(|e| e.as_bytes()[3] == b' ' && e.as_bytes()[0].is_ascii_digit());
        prop_assert_eq!(replies.count(), 3 + chunks.len() + 2);
        prop_assert!(seen.events.last().unwrap().starts_with("250 mail.example.org greets z"));
        match seen.committed.as_slice() {
            [] => prop_assert!(!binary),
            [committed] if binary => prop_assert_eq!(committed, &content),
            [committed] => {
                let text = String::from_utf8(content).unwrap();
                prop_assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']));
                let end = if text.is_empty() || text.ends_with("\r\n") { "" } else { "\r\n" };
                prop_assert_eq!(committed, &format!("{text}{end}").into_bytes());
            }
            _ => prop_assert!(false, "two messages"),
        }
    }
}
