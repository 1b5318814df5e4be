use super::*;
use crate::id::SpoolId;
use crate::limits::Limits;
use crate::reply::Reply;
use crate::status::Status;
use proptest::prelude::*;
use std::sync::Arc;

/// What became visible of a session: replies and questions as text, content joined.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    events: Vec<String>,
    body: Vec<u8>,
}

/// A program that runs a session: `nosuch` is refused, every other recipient is taken, every message is committed.
struct Shell {
    session: Session,
    held: Vec<u8>,
    seen: Seen,
}

fn limits() -> Limits {
    Limits { command_line: 128, message_size: 200, recipients: 3, bad_commands: 6, ..Limits::default() }
}

impl Shell {
    fn new(limits: Limits) -> Self {
        let config = Config::new("mail.example.org".parse().unwrap(), limits).unwrap();
        Self { session: Session::new(Arc::new(config), 0), held: Vec::new(), seen: Seen::default() }
    }

    fn event(&mut self, event: impl std::fmt::Display) {
        self.seen.events.push(event.to_string());
    }

    fn receive(&mut self, octets: &[u8]) {
        self.held.extend_from_slice(octets);
        while self.step() {}
    }

    /// One step; whether another one makes sense.
    fn step(&mut self) -> bool {
        let held = std::mem::take(&mut self.held);
        let Step { consumed, action } = self.session.advance(&held, 0);
        let mut go_on = true;
        let reply = match action {
            Action::NeedInput | Action::Parked => {
                go_on = false;
                None
            }
            Action::Reply(reply) => Some(reply),
            Action::Ask(question) => self.session.answer(question.number, verdict(&question), 0),
            Action::BeginBody => self.session.opened(Ok(()), 0),
            Action::Body(content) => {
                self.seen.body.extend_from_slice(content);
                None
            }
            Action::AbortBody => {
                self.event("abort");
                // What was handed out before depends on the split, and is thrown away.
                self.seen.body.clear();
                None
            }
            Action::EndOfBody { transaction, shape } => {
                assert_eq!(shape, crate::message::shape_of(&std::mem::take(&mut self.seen.body)));
                self.event(format!("{} x{} {}", transaction.from, transaction.recipients.len(), shape.size));
                self.session.committed(Ok(id()), 0)
            }
            Action::Close(why) => {
                go_on = false;
                self.event(why.word());
                None
            }
        };
        if let Some(reply) = reply {
            self.event(reply);
        }
        self.held = held[consumed..].to_vec();
        go_on
    }

    /// The code of the last reply.
    fn code(&self) -> &str {
        let replies = self.seen.events.iter().rev();
        replies.map(|event| &event[..3]).find(|code| code.parse::<u16>().is_ok()).unwrap()
    }

    fn state(&self) -> &'static str {
        match (self.session.client(), self.session.transaction()) {
            _ if self.seen.events.last().is_some_and(|e| e == "quit" || e == "not-smtp") => "closing",
            (None, _) => "connected",
            (Some(_), None) => "identified",
            (_, Some(transaction)) if transaction.recipients.is_empty() => "transacting",
            _ if self.code() == "354" => "receiving",
            _ => "with-recipient",
        }
    }
}

fn verdict(question: &Question) -> Verdict {
    match question.recipient.local_part() {
        "nosuch" => Verdict::Refused(Reply::new(550, Status::permanent(1, 1), "no such user")),
        _ => Verdict::Accepted { route: None },
    }
}

fn id() -> SpoolId {
    SpoolId::new(1, 2, 3, 4)
}

fn dialogue(input: &[u8], size: usize) -> Seen {
    let mut shell = Shell::new(limits());
    for piece in input.chunks(size) {
        shell.receive(piece);
    }
    // A closed session says so on every call; how many there are depends on the split.
    shell.seen.events.dedup_by(|a, b| a == b && !a.contains(' '));
    shell.seen
}

fn cells(line: &str) -> Option<Vec<String>> {
    let row = line.strip_prefix("//! |").filter(|row| !row.starts_with('-'))?;
    Some(row.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
}

fn line_of(verb: &str) -> &'static [u8] {
    match verb {
        "EHLO" => b"EHLO mx.example.net\r\n",
        "HELO" => b"HELO mx.example.net\r\n",
        "MAIL" => b"MAIL FROM:<news@example.net>\r\n",
        "RCPT" => b"RCPT TO:<ann@example.org>\r\n",
        "RCPT-refused" => b"RCPT TO:<nosuch@example.org>\r\n",
        "DATA" => b"DATA\r\n",
        "RSET" => b"RSET\r\n",
        "NOOP" => b"NOOP\r\n",
        "VRFY" => b"VRFY ann\r\n",
        "HELP" => b"HELP\r\n",
        "QUIT" => b"QUIT\r\n",
        "STARTTLS" => b"STARTTLS\r\n",
        "GET" => b"GET / HTTP/1.1\r\n",
        _ => b"XYZZY\r\n",
    }
}

fn bring_to(state: &str) -> Shell {
    let mut shell = Shell::new(Limits::default());
    let verbs = ["EHLO", "MAIL", "RCPT"];
    let count = ["connected", "identified", "transacting", "with-recipient"].iter().position(|s| *s == state);
    for verb in &verbs[..count.unwrap()] {
        shell.receive(line_of(verb));
    }
    assert_eq!(shell.state(), state);
    shell
}

#[test]
fn every_cell_of_the_table_holds() {
    let mut rows = include_str!("states.rs").lines().filter_map(cells);
    let states = rows.next().unwrap();
    let mut executed = 0;
    for row in rows {
        for (state, cell) in states.iter().zip(&row).skip(1) {
            let (code, next) = cell.split_once(' ').unwrap_or((cell, state));
            let mut shell = bring_to(state);
            shell.receive(line_of(&row[0]));
            assert_eq!((shell.code(), shell.state()), (code, next), "{} in {state}", row[0]);
            executed += 1;
        }
    }
    assert_eq!(executed, 14 * 4);
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
    assert_eq!(shell.state(), "identified");
}

#[test]
fn silence_ends_the_session_in_every_state() {
    let Limits { command_wait, data_wait, block_wait, .. } = Limits::default();
    for state in ["connected", "identified", "transacting", "with-recipient"] {
        let mut shell = bring_to(state);
        assert_eq!(shell.session.deadline(), Some(command_wait));
        assert_eq!(shell.session.advance(b"NOO", 9).action, Action::NeedInput);
        assert_eq!(shell.session.deadline(), Some(command_wait), "half a command is no command");
        assert_eq!(shell.session.expire(command_wait).unwrap().code, 421);
        assert_eq!(shell.session.advance(b"NOOP\r\n", 0).action, Action::Close(Close::Timeout));
    }
    let mut shell = bring_to("with-recipient");
    shell.receive(b"DATA\r\n");
    assert_eq!(shell.session.deadline(), Some(data_wait));
    shell.session.advance(b"a", 5);
    assert_eq!(shell.session.deadline(), Some(5 + block_wait));
    assert_eq!(shell.session.expire(5 + block_wait).unwrap().code, 421);
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
    }

    #[test]
    fn any_octets_are_survived(input in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..40) {
        prop_assert_eq!(dialogue(&input, size), dialogue(&input, 999));
    }
}
