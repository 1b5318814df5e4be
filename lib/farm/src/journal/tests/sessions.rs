//! The lines of sessions.

use super::{line, session};
use crate::journal::{AuthFailed, Closed, Event, Play, Refused, SessionEvent};

#[test]
fn every_event_of_a_session_has_its_line() {
    let closed = Closed {
        client: "192.0.2.7",
        why: "quit",
        mails: 1,
        rcpts: 1,
        refused: 0,
        read: 14_997,
        written: 412,
        time: 930,
        name: "mx.example.net",
        helo: "mx.example.net",
        listener: "0.0.0.0:25",
        tls: "TLSv1.3",
        account: "",
        auth_failures: 0,
        bad_commands: 2,
        alert: "",
    };
    let failed = Closed { why: "tls-handshake", alert: "the peer sent alert: unknown CA", ..closed.clone() };
    session(
        SessionEvent::Closed(failed),
        "session 7f3a9 closed client=192.0.2.7 why=tls-handshake mails=1 rcpts=1 refused=0 in=14.6KiB out=412 \
         time=0.9s name=mx.example.net helo=mx.example.net listener=0.0.0.0:25 tls=TLSv1.3 account=- authfail=0 bad=2 \
         alert=\"the peer sent alert: unknown CA\"",
    );
    session(
        SessionEvent::Closed(closed),
        "session 7f3a9 closed client=192.0.2.7 why=quit mails=1 rcpts=1 refused=0 in=14.6KiB out=412 time=0.9s \
         name=mx.example.net helo=mx.example.net listener=0.0.0.0:25 tls=TLSv1.3 account=- authfail=0 bad=2",
    );
    let refused = Refused {
        client: "192.0.2.7",
        helo: "mx.example.net",
        verb: "RCPT",
        from: "<>",
        to: "<nosuch@example.org>",
        reply: "550 5.1.1 <nosuch@example.org> no such user",
        rule: "recipient",
        value: "<nosuch@example.org>",
        limit: "",
    };
    session(
        SessionEvent::Refused(refused.clone()),
        "session 7f3a9 refused client=192.0.2.7 helo=mx.example.net verb=RCPT from=<> to=<nosuch@example.org> \
         reply=\"550 5.1.1 <nosuch@example.org> no such user\" rule=recipient value=<nosuch@example.org> limit=-",
    );
    let would = Refused {
        reply: "defer",
        rule: "policy:12",
        value: "client=192.0.2.7",
        limit: "client=192.0.2.0/24 !tls",
        ..refused
    };
    session(
        SessionEvent::WouldRefuse(would),
        "session 7f3a9 would-refuse client=192.0.2.7 helo=mx.example.net verb=RCPT from=<> to=<nosuch@example.org> \
         reply=defer rule=policy:12 value=client=192.0.2.7 limit=\"client=192.0.2.0/24 !tls\"",
    );
    let failed = AuthFailed {
        client: "192.0.2.7",
        helo: "[10.0.0.1]",
        mechanism: "PLAIN",
        account: "ann",
        why: "password",
        reply: "535 5.7.8 no",
    };
    session(
        SessionEvent::AuthFailed(failed),
        "session 7f3a9 auth-failed client=192.0.2.7 helo=[10.0.0.1] mechanism=PLAIN account=ann why=password \
         reply=\"535 5.7.8 no\"",
    );
    session(
        SessionEvent::Plaintext { client: "192.0.2.7", octets: 24 },
        "session 7f3a9 plaintext-after-starttls client=192.0.2.7 octets=24",
    );
    let play = Play { client: "uid 0", played: "192.0.2.7", name: "", listener: "0.0.0.0:25" };
    session(
        SessionEvent::Play(play),
        "session 7f3a9 play client=\"uid 0\" as=192.0.2.7 name=- listener=0.0.0.0:25",
    );
    session(
        SessionEvent::Passed { client: "uid 1000", from: 12, to: 13 },
        "session 7f3a9 passed client=\"uid 1000\" from=12 to=13",
    );
}

#[test]
fn a_client_cannot_forge_a_line_or_a_field() {
    let refused = |helo| Refused { client: "c", helo, verb: "MAIL", ..Refused::default() };
    let helo = "x\" to=<a@b>\n01J8X4K2M7Q3RD0042 delivered\r\t\\\u{202e}\u{1b}[2J";
    assert_eq!(
        line(&Event::Session(1, SessionEvent::Refused(refused(helo)))),
        "session 1 refused client=c helo=\"x\\\" to=<a@b>\\n01J8X4K2M7Q3RD0042 delivered\\r\\t\\\\\\u{202e}\\u{1b}[2J\" \
         verb=MAIL from=- to=- reply=- rule=- value=- limit=-"
    );
    let dash = line(&Event::Session(1, SessionEvent::Refused(refused("-"))));
    assert!(dash.contains(" helo=\"-\" "), "a dash is told from nothing: {dash}");
}
