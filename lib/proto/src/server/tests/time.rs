//! What a session waits for, and how long.

use super::super::*;
use super::bring_to;
use super::shell::{Shell, everything, limits};
use crate::limits::Limits;

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
    let earned = 1000 / Limits::default().data_rate;
    assert_eq!(shell.session.deadline(), Some(block_wait + earned), "one octet earns no further wait");
    assert_eq!(shell.session.expire(5 + block_wait).unwrap().code, 421);
}

#[test]
fn a_trickle_of_content_does_not_keep_a_session() {
    for (state, body) in [
        ("with-recipient", "DATA\r\n"),
        ("with-recipient", "BDAT 100000\r\n"),
        ("transacting", "BDAT 100000\r\n"),
        ("connected", "BDAT 100000\r\n"),
    ] {
        let mut shell = bring_to(state);
        shell.receive(body.as_bytes());
        let minute = 60_000;
        let ended = (1..100).find(|minutes| {
            let now = minutes * minute;
            if shell.session.expire(now).is_some() {
                return true;
            }
            shell.session.advance(b"a", now);
            false
        });
        assert_eq!(ended, Some(4), "{body}");
    }
}

#[test]
fn content_that_is_fast_enough_may_take_its_time() {
    let Limits { block_wait, data_rate, .. } = Limits::default();
    let mut shell = bring_to("with-recipient");
    shell.receive(b"DATA\r\n");
    let line = [vec![b'x'; usize::try_from(data_rate).unwrap() * 60 - 2], b"\r\n".to_vec()].concat();
    for minute in 1..60 {
        assert_eq!(shell.session.expire(minute * 60_000), None);
        let Step { consumed, .. } = shell.session.advance(&line, minute * 60_000);
        assert_eq!(consumed, line.len());
    }
    assert!(shell.session.deadline().unwrap() >= 59 * 60_000 + block_wait / 2);
}

#[test]
fn a_command_has_one_wait_however_many_octets_it_comes_in() {
    let mut shell = Shell::plain();
    for second in 1..300 {
        assert_eq!(shell.session.advance(b"N", second * 1000).action, Action::NeedInput);
    }
    assert_eq!(shell.session.expire(300_000).unwrap().code, 421);
}

#[test]
fn commands_without_a_message_are_counted() {
    let mut shell = bring_to("connected");
    for _ in 0..Limits::default().idle_commands {
        shell.receive(b"NOOP\r\n");
        assert_eq!(shell.code(), "250");
    }
    shell.receive(b"RSET\r\n");
    assert_eq!((shell.code(), shell.seen.events.last().unwrap().as_str()), ("421", "idling"));
}

#[test]
fn empty_chunks_bring_no_message_either() {
    let mut shell = bring_to("with-recipient");
    shell.receive("BDAT 0\r\n".repeat(120).as_bytes());
    assert_eq!((shell.code(), shell.seen.events.last().unwrap().as_str()), ("421", "idling"));
}

#[test]
fn a_message_starts_the_count_anew() {
    let mut shell = Shell::plain();
    for _ in 0..3 {
        shell.receive("NOOP\r\n".repeat(90).as_bytes());
        shell.receive(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 0 LAST\r\n");
        assert_eq!(shell.code(), "250");
    }
}

#[test]
fn a_session_grows_only_so_old_and_never_in_the_middle_of_a_message() {
    let age = Limits::default().session_age;
    let mut shell = bring_to("with-recipient");
    shell.now = age - 1;
    shell.receive(b"DATA\r\n");
    shell.now = age;
    shell.receive(b"a\r\n.\r\n");
    assert_eq!(shell.seen.committed.len(), 1);
    let last = &shell.seen.events[shell.seen.events.len() - 2..];
    assert_eq!((&last[0][..3], last[1].as_str()), ("421", "age"));
}

#[test]
fn our_own_side_has_a_deadline_everywhere() {
    let verdict_wait = Limits::default().verdict_wait;
    for (line, code) in [
        ("VRFY a\r\n", 252),
        ("EXPN a\r\n", 252),
        ("ETRN a.example\r\n", 458),
        ("AUTH PLAIN\r\n", 454),
        ("XCLIENT NAME=a\r\n", 451),
        ("XFORWARD NAME=a\r\n", 451),
    ] {
        let mut shell = Shell::new(limits(), everything());
        shell.receive(b"EHLO a\r\n");
        shell.session.advance(line.as_bytes(), 0);
        assert_eq!(shell.session.advance(b"NOOP\r\n", 0).action, Action::Parked, "{line}");
        assert_eq!(shell.session.expire(verdict_wait - 1), None);
        assert_eq!(shell.session.expire(verdict_wait).unwrap().code, code, "{line}");
        shell.receive(b"NOOP\r\n");
        assert_eq!(shell.code(), "250");
    }
}

#[test]
fn a_handshake_that_takes_too_long_ends_without_a_word() {
    let mut shell = Shell::new(limits(), everything());
    shell.receive(b"EHLO a\r\n");
    assert!(matches!(shell.session.advance(b"STARTTLS\r\n", 0).action, Action::Reply(_)));
    assert_eq!(shell.session.advance(b"", 0).action, Action::StartTls);
    assert_eq!(shell.session.advance(b"EHLO x\r\n", 0).action, Action::Parked);
    let due = shell.session.deadline().unwrap();
    assert_eq!((due, shell.session.expire(due)), (limits().handshake_wait, None));
    assert_eq!(shell.session.advance(b"", due).action, Action::Close(Close::Handshake));
}
