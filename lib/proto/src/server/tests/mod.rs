//! The session and its rules; `shell.rs` is the program around it.

mod chunks;
mod extensions;
mod played;
mod shell;
mod table;
mod time;

use super::*;
use crate::reply::Reply;
use crate::status::Status;
use proptest::prelude::*;
use shell::{Shell, everything, id};

fn dialogue(input: &[u8], size: usize) -> shell::Seen {
    shell::dialogue(Standing::default(), input, size)
}

/// A session after EHLO, MAIL and RCPT, as far as `state` says.
fn bring_to(state: &str) -> Shell {
    let mut shell = Shell::plain();
    let states = ["connected", "identified", "transacting", "with-recipient"];
    let lines =
        ["EHLO mx.example.net\r\n", "MAIL FROM:<news@example.net>\r\n", "RCPT TO:<ann@example.org>\r\n"];
    let count = states.iter().position(|s| *s == state).unwrap();
    lines[..count].iter().for_each(|line| shell.receive(line.as_bytes()));
    shell
}

#[test]
fn a_message_in_one_group_goes_through() {
    let seen = dialogue(
        b"EHLO mx.example.net\r\nMAIL FROM:<> SIZE=20\r\nRCPT TO:<ann@example.org>\r\nRCPT TO:<nosuch@example.org>\r\n\
          DATA\r\nA: b\r\n\r\nRSET\r\n.\r\nQUIT\r\n",
        999,
    );
    assert_eq!(
        seen.events[1..],
        [
            "250 2.1.0 <> sender ok",
            "250 2.1.5 <ann@example.org> recipient ok",
            "550 5.1.1 no such user",
            "354 send the message, end with a dot on a line of its own",
            "<> x1 14",
            "250 2.0.0 000000010000200C04 accepted",
            "221 2.0.0 mail.example.org says good-bye",
            "quit",
        ]
        .map(|event| event.replace("000000010000200C04", &id().to_string()))
    );
}

#[test]
fn a_late_answer_is_not_taken_for_the_next() {
    let mut shell = bring_to("transacting");
    let Action::Ask(first) = shell.session.advance(b"RCPT TO:<a@example.org>\r\n", 0).action else {
        panic!()
    };
    assert_eq!(shell.session.advance(b"NOOP\r\n", 0), Step { consumed: 0, action: Action::Parked });
    let due = shell.session.deadline().unwrap();
    assert_eq!(shell.session.expire(due - 1), None);
    assert_eq!(shell.session.expire(due).unwrap().code, 451);
    let Action::Ask(second) = shell.session.advance(b"RCPT TO:<b@example.org>\r\n", due).action else {
        panic!()
    };
    assert_eq!(shell.session.answer(first.number, Verdict::Accepted { route: None }, due), None);
    assert_eq!(
        shell.session.answer(second.number, Verdict::Accepted { route: None }, due).unwrap().code,
        250
    );
    assert_eq!(shell.session.transaction().unwrap().recipients.len(), 1);
}

#[test]
fn a_success_cannot_slip_in_as_a_refusal() {
    let mut shell = bring_to("transacting");
    let Action::Ask(question) = shell.session.advance(b"RCPT TO:<a@example.org>\r\n", 0).action else {
        panic!()
    };
    let wrong = Verdict::Refused(Reply::new(250, Status::OK, "fine"));
    assert_eq!(shell.session.answer(question.number, wrong, 0).unwrap().code, 451);
    assert!(shell.session.transaction().unwrap().recipients.is_empty());
}

#[test]
fn without_room_there_is_no_draft_and_no_acceptance() {
    let full = || Reply::new(452, Status::transient(3, 1), "no space; try again later");
    let mut shell = bring_to("with-recipient");
    assert_eq!(shell.session.advance(b"DATA\r\n", 0).action, Action::BeginBody);
    assert_eq!(shell.session.deadline(), None);
    assert_eq!(shell.session.opened(Err(full()), 0), Some(full()));
    assert_eq!(shell.session.advance(b"DATA\r\n", 0).action, Action::BeginBody);
    assert_eq!(shell.session.opened(Ok(()), 0).unwrap().code, 354);
    assert!(matches!(shell.session.advance(b".\r\n", 0).action, Action::EndOfBody { .. }));
    assert_eq!(shell.session.committed(Err(full()), 0), Some(full()));
    assert_eq!(shell.session.committed(Ok(id()), 0), None);
    assert!(shell.session.client().is_some() && shell.session.transaction().is_none());
}

#[test]
fn draining_waits_for_the_end_of_the_message() {
    let mut shell = bring_to("with-recipient");
    shell.receive(b"DATA\r\nhalf");
    shell.session.drain();
    shell.receive(b"\r\n.\r\nNOOP\r\n");
    let last: Vec<_> = shell.seen.events.iter().rev().take(3).map(|event| &event[..3]).collect();
    assert_eq!(last, ["dra", "421", "250"]);
    let mut idle = bring_to("identified");
    idle.session.drain();
    idle.receive(b"");
    assert_eq!(idle.code(), "421");
}

#[test]
fn a_421_from_our_own_side_ends_the_session() {
    let mut shell = bring_to("with-recipient");
    shell.session.advance(b"DATA\r\n", 0);
    shell.session.opened(Err(Reply::new(421, Status::transient(3, 0), "out of order")), 0);
    assert_eq!(shell.session.advance(b"NOOP\r\n", 0).action, Action::Close(Close::Answered));
}

fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "EHLO a\r\n",
            "HELO a\r\n",
            "MAIL FROM:<a@b>\r\n",
            "MAIL FROM:<> SIZE=201\r\n",
            "RCPT TO:<a@b>\r\n",
            "RCPT TO:<nosuch@b>\r\n",
            "RCPT TO:<Postmaster>\r\n",
            "DATA\r\n",
            ".\r\n",
            "RSET\r\n",
            "NOOP\r\n",
            "BDAT 4\r\n",
            "BDAT 4 LAST\r\n",
            "BDAT 300\r\n",
            "AUTH PLAIN\r\n",
            "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n",
            "*\r\n",
            "STARTTLS\r\n",
            "VRFY ann\r\n",
            "MAIL FROM:<a@b> BODY=BINARYMIME\r\n",
            "NOOP\n",
            "NOOP\r",
            "..\r\n",
            "\r\n.\r\n",
            "\n.\r\n",
            "\r\n.\r",
            "QUIT\r\n",
            "RCPT TO:<a@b> X=1\r\n",
        ])
        .prop_map(str::to_owned),
        "[a. \r\n\0]{0,12}",
        Just("x".repeat(150)),
        Just(format!("{}\r\n", "y".repeat(110))),
    ]
}

proptest! {
    #[test]
    fn any_split_yields_the_same_actions(
        lines in prop::collection::vec(any_line(), 0..14),
        open in any::<bool>(),
        size in 1_usize..40,
    ) {
        let start = if open { "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n" } else { "" };
        let input = format!("{start}{}", lines.concat());
        prop_assert_eq!(dialogue(input.as_bytes(), size), dialogue(input.as_bytes(), usize::MAX));
        if !input.contains("STARTTLS") {
            // What comes behind STARTTLS in the same piece is thrown away, so there the split matters.
            let all = |size| shell::dialogue(everything(), input.as_bytes(), size);
            prop_assert_eq!(all(size), all(usize::MAX));
        }
    }

    #[test]
    fn any_octets_are_survived(input in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..40) {
        prop_assert_eq!(dialogue(&input, size), dialogue(&input, 999));
    }
}
