//! A client that is another one from some point on, or is not welcome.

use super::super::*;
use super::shell::Shell;
use crate::limits::Limits;
use crate::reply::Reply;
use crate::status::Status;

fn player() -> Shell {
    let privileges = Privileges { play: true, ..Privileges::default() };
    Shell::new(Limits::default(), Standing { privileges, require_auth: true, ..Standing::default() })
}

fn refusal() -> Reply {
    Reply::new(554, Status::permanent(7, 1), "go away")
}

fn ask_to_play(session: &mut Session) {
    let step = session.advance(b"XPLAY ADDR=192.0.2.1\r\n", 0);
    assert_eq!(step.action, Action::Play(vec![("ADDR".into(), "192.0.2.1".into())]));
}

#[test]
fn an_account_and_a_protection_can_be_assumed_for_a_session_that_is_played() {
    let mut session = player().session;
    ask_to_play(&mut session);
    assert_eq!(session.reintroduced(Ok(()), 0).unwrap().code, 220);
    session.assume(Some("ann".into()), Some(Security { version: "TLSv1.3".into(), ..Security::default() }));
    session.advance(b"EHLO a\r\n", 0);
    assert_eq!(session.protocol(), "ESMTPSA");
    let step = session.advance(b"MAIL FROM:<ann@example.org>\r\n", 0);
    assert!(matches!(step.action, Action::Reply(reply) if reply.code == 250));
}

#[test]
fn a_client_that_is_played_may_be_unwelcome() {
    let mut session = player().session;
    ask_to_play(&mut session);
    session.standing_mut().refusal = Some(Box::new(refusal()));
    assert_eq!(session.reintroduced(Ok(()), 0), Some(refusal()));
    let step = session.advance(b"EHLO a\r\n", 0);
    assert!(matches!(step.action, Action::Reply(reply) if reply.code == 503));
}

#[test]
fn who_is_turned_away_hears_why_instead_of_a_greeting() {
    let mut session = player().session;
    session.turn_away(refusal());
    assert_eq!(session.greeting(), refusal());
    assert!(matches!(session.advance(b"EHLO a\r\n", 0).action, Action::Reply(reply) if reply.code == 503));
    assert!(matches!(session.advance(b"QUIT\r\n", 0).action, Action::Reply(reply) if reply.code == 221));
    let mut session = player().session;
    session.turn_away(Reply::new(421, Status::transient(7, 0), "later"));
    assert_eq!(session.advance(b"", 0).action, Action::Close(Close::Unwelcome));
}
