//! Each extension's own rules.

use super::super::*;
use super::shell::{Shell, everything, limits};
use crate::limits::Limits;
use crate::reply::Reply;
use crate::status::Status;
use crate::terms::{ByMode, Terms};

fn shell(standing: Standing) -> Shell {
    let mut shell = Shell::new(Limits::default(), standing);
    shell.receive(b"EHLO a\r\n");
    shell
}

fn code(shell: &mut Shell, line: &str) -> String {
    let events = shell.hear(&format!("{line}\r\n"));
    events.iter().rev().find(|e| e.as_bytes()[0].is_ascii_digit()).unwrap()[..3].to_owned()
}

/// The first reply to the line, and the terms that it led to.
fn mail(standing: Standing, parameters: &str) -> Result<Terms, String> {
    let mut shell = shell(standing);
    let reply = shell.hear(&format!("MAIL FROM:<a@b.example> {parameters}\r\n")).remove(0);
    shell.session.transaction().map(|transaction| transaction.terms.clone()).ok_or(reply)
}

fn relay() -> Standing {
    Standing { privileges: Privileges { relay: true, ..Privileges::default() }, ..everything() }
}

fn submission() -> Standing {
    Standing { service: Service::Submission, require_auth: true, ..everything() }
}

#[test]
fn after_starttls_the_client_is_a_stranger_again() {
    let mut shell = shell(everything());
    assert_eq!(code(&mut shell, "AUTH PLAIN AGFubgBzZWNyZXQ="), "235");
    assert_eq!(shell.session.account(), Some("ann"));
    assert_eq!(
        shell.hear("STARTTLS\r\nMAIL FROM:<evil@b>\r\n"),
        ["220 2.0.0 begin the handshake", "secured"]
    );
    assert_eq!((shell.session.client(), shell.session.account()), (None, None));
    assert_eq!(code(&mut shell, "MAIL FROM:<a@b>"), "503");
    let hello = shell.hear("EHLO a\r\n").concat();
    assert!(!hello.contains("STARTTLS") && hello.contains("REQUIRETLS"), "{hello}");
    assert_eq!(code(&mut shell, "STARTTLS"), "503");
}

#[test]
fn where_tls_is_required_little_else_is_taken_before_it() {
    let mut shell = shell(Standing { require_tls: true, ..everything() });
    for line in ["MAIL FROM:<a@b>", "AUTH PLAIN", "VRFY a", "HELP", "RSET", "BDAT 2\r\n"] {
        assert_eq!(code(&mut shell, line), "530", "{line}");
    }
    assert_eq!(code(&mut shell, "NOOP"), "250");
    assert_eq!(code(&mut shell, "EHLO a"), "250");
    shell.hear("STARTTLS\r\n");
    shell.hear("EHLO a\r\n");
    assert_eq!(code(&mut shell, "MAIL FROM:<a@b>"), "250");
}

#[test]
fn an_exchange_of_auth_has_its_rules() {
    let mut shell = shell(everything());
    assert_eq!(code(&mut shell, "AUTH CRAM-MD5"), "504");
    assert_eq!(shell.hear("AUTH PLAIN\r\n"), ["334 Z28="]);
    assert_eq!(shell.hear("*\r\n"), ["cancelled", "501 5.7.0 authentication cancelled"]);
    shell.hear("AUTH PLAIN\r\n");
    assert_eq!(shell.hear("!!\r\n")[1][..3], *"501");
    shell.hear("AUTH PLAIN\r\n");
    let long = "A".repeat(12_288);
    assert_eq!(code(&mut shell, &long), "535", "as long as it may be");
    shell.hear("AUTH PLAIN\r\n");
    assert_eq!(shell.hear(&format!("{long}AAAA\r\n"))[1][..9], *"500 5.5.6");
    shell.hear("AUTH PLAIN\r\n");
    assert_eq!(code(&mut shell, "AGFubgBzZWNyZXQ="), "235");
    assert_eq!(code(&mut shell, "AUTH PLAIN AGFubgBzZWNyZXQ="), "503");
    assert_eq!(shell.session.auth_failures(), 1);
}

#[test]
fn the_last_failure_of_auth_ends_the_session() {
    let mut shell = shell(everything());
    assert_eq!(code(&mut shell, "AUTH PLAIN AAAA"), "535");
    assert_eq!(code(&mut shell, "AUTH PLAIN AAAA"), "535");
    let events = shell.hear("AUTH PLAIN AAAA\r\n");
    assert_eq!((&events[0][..3], events[1].as_str()), ("421", "auth-failures"));
}

#[test]
fn mechanisms_that_need_tls_are_not_taken_in_the_clear() {
    let mut standing = everything();
    standing.mechanisms.plain = [].into();
    let mut shell = shell(standing);
    assert!(!shell.hear("EHLO a\r\n").concat().contains("AUTH"));
    assert_eq!(shell.hear("AUTH PLAIN\r\n"), ["538 5.7.11 send STARTTLS before AUTH"]);
    shell.hear("STARTTLS\r\n");
    assert!(shell.hear("EHLO a\r\n").concat().contains("AUTH PLAIN"));
}

#[test]
fn a_submission_begins_with_authentication() {
    let mut shell = shell(submission());
    assert_eq!(shell.hear("MAIL FROM:<a@b>\r\n"), ["530 5.7.0 authentication required"]);
    shell.hear("AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
    assert_eq!(code(&mut shell, "MAIL FROM:<a@b>"), "250");
    let privileges = Privileges { relay: true, ..Privileges::default() };
    assert!(mail(Standing { privileges, ..submission() }, "").is_ok());
}

#[test]
fn who_sent_a_message_first_and_how_urgent_it_is_only_the_trusted_may_say() {
    let asked = "AUTH=ann@b MT-PRIORITY=9";
    let strange = mail(everything(), asked).unwrap();
    assert_eq!((strange.auth.as_deref(), strange.priority), (Some("<>"), None));
    let trusted = mail(relay(), asked).unwrap();
    assert_eq!((trusted.auth.as_deref(), trusted.priority), (Some("ann@b"), Some(9)));
}

#[test]
fn deliver_by_becomes_a_point_of_time() {
    let by = mail(everything(), "BY=120;RT").unwrap().deliver_by.unwrap();
    assert_eq!((by.until, by.mode, by.trace), (1_764_000_120_000, ByMode::Return, true));
    assert_eq!(mail(everything(), "BY=-60;N").unwrap().deliver_by.unwrap().until, 1_763_999_940_000);
    for past in ["BY=0;R", "BY=-1;R"] {
        assert_eq!(mail(everything(), past).unwrap_err(), "501 5.5.4 bad value of BY");
    }
}

#[test]
fn a_message_is_held_only_for_those_who_submit_it_and_only_so_long() {
    assert_eq!(mail(relay(), "HOLDFOR=60").unwrap_err(), "555 5.5.4 unknown parameter HOLDFOR");
    let standing = || Standing { require_auth: false, ..submission() };
    assert_eq!(mail(standing(), "HOLDFOR=60").unwrap().hold_until, Some(1_764_000_060_000));
    assert_eq!(
        mail(standing(), "HOLDUNTIL=2025-11-24T17:00:00Z").unwrap().hold_until,
        Some(1_764_003_600_000)
    );
    assert_eq!(mail(standing(), "HOLDFOR=999999999").unwrap_err()[..9], *"501 5.5.4");
    assert_eq!(mail(standing(), "HOLDUNTIL=2035-11-24T17:00:00Z").unwrap_err()[..9], *"501 5.5.4");
}

#[test]
fn requiretls_is_taken_under_tls_only() {
    assert_eq!(mail(everything(), "REQUIRETLS").unwrap_err(), "555 5.5.4 unknown parameter REQUIRETLS");
    let security = Some(Box::new(Security::default()));
    assert!(mail(Standing { security, ..everything() }, "REQUIRETLS").unwrap().require_tls);
}

#[test]
fn extensions_are_for_those_who_said_ehlo() {
    let mut shell = Shell::plain();
    shell.receive(b"HELO a\r\n");
    assert_eq!(code(&mut shell, "MAIL FROM:<a@b> SMTPUTF8"), "555");
    assert_eq!(code(&mut shell, "MAIL FROM:<a@b> SIZE=10"), "250");
    assert_eq!(code(&mut shell, "RCPT TO:<a@b> NOTIFY=NEVER"), "555");
}

#[test]
fn an_address_with_utf8_needs_smtputf8() {
    let mut shell = shell(everything());
    assert_eq!(shell.hear("MAIL FROM:<\u{fc}@b>\r\n")[0][..9], *"553 5.6.7");
    assert_eq!(code(&mut shell, "MAIL FROM:<a@b>"), "250");
    assert_eq!(shell.hear("RCPT TO:<\u{fc}@b>\r\n")[0][..9], *"553 5.6.7");
    shell.hear("RSET\r\n");
    assert_eq!(code(&mut shell, "MAIL FROM:<\u{fc}@b> SMTPUTF8"), "250");
    assert_eq!(code(&mut shell, "RCPT TO:<\u{fc}@b>"), "250");
    assert_eq!(shell.session.protocol(), "UTF8SMTP");
}

#[test]
fn a_name_beyond_ascii_is_not_shown() {
    let mut shell = shell(everything());
    assert_eq!(shell.hear("VRFY \u{fc}\r\n")[0][..9], *"553 5.6.7");
    for line in ["VRFY \u{fc} SMTPUTF8\r\n", "EXPN \u{fc} SMTPUTF8\r\n"] {
        assert_eq!(shell.hear(line)[0][..9], *"252 2.6.8", "{line}");
    }
    assert_eq!(shell.hear("VRFY ann SMTPUTF8\r\n"), ["250 2.1.5 <ann@example.org>"]);
}

#[test]
fn vrfy_beyond_ascii_needs_smtputf8_and_is_not_answered_in_it() {
    let mut shell = shell(everything());
    assert_eq!(shell.hear("VRFY \u{fc}\r\n")[0][..9], *"553 5.6.7");
    assert_eq!(shell.hear("VRFY \u{fc} SMTPUTF8\r\n")[0][..9], *"252 2.6.8");
    assert_eq!(code(&mut shell, "VRFY ann SMTPUTF8"), "250");
}

#[test]
fn the_shortest_time_of_delivery_is_announced_and_kept() {
    let mut shell = Shell::new(Limits { deliver_by: 60, ..Limits::default() }, everything());
    assert!(shell.hear("EHLO a\r\n").concat().contains(" / DELIVERBY 60 / "));
    assert_eq!(code(&mut shell, "MAIL FROM:<a@b> BY=59;R"), "501");
    assert_eq!(code(&mut shell, "MAIL FROM:<a@b> BY=59;N"), "250");
}

#[test]
fn a_drain_does_not_wait_for_a_response() {
    let mut shell = shell(everything());
    shell.hear("AUTH PLAIN\r\n");
    shell.session.drain();
    assert_eq!(shell.hear("")[1], "drained");
}

#[test]
fn a_message_for_which_there_is_no_room_is_put_off_at_once() {
    let mut shell = shell(everything());
    shell.session.set_room(1000);
    assert_eq!(shell.hear("MAIL FROM:<a@b> SIZE=1001\r\n")[0][..9], *"452 4.3.1");
    assert_eq!(code(&mut shell, "MAIL FROM:<a@b> SIZE=1000"), "250");
}

#[test]
fn lmtp_has_its_own_greeting_and_an_answer_for_each_recipient() {
    let mut shell = Shell::new(limits(), Standing { service: Service::Lmtp, ..Standing::default() });
    assert_eq!(shell.session.greeting().to_string(), "220 mail.example.org LMTP Grange");
    assert_eq!(code(&mut shell, "EHLO a"), "500");
    assert_eq!(code(&mut shell, "LHLO a"), "250");
    let rcpts = "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<nosuch@b>\r\nRCPT TO:<c@d>\r\n";
    for content in ["DATA\r\nx\r\n.\r\n", "BDAT 1 LAST\r\nx"] {
        shell.hear(rcpts);
        let events = shell.hear(content);
        let last: Vec<_> =
            events[events.len() - 2..].iter().map(|e| e.replace(&super::id().to_string(), "ID")).collect();
        assert_eq!(last, ["250 2.1.5 <a@b> ID accepted", "250 2.1.5 <c@d> ID accepted"]);
    }
    for content in ["DATA\r\nx\ny\r\n.\r\n", "BDAT 3 LAST\r\nx\ny"] {
        shell.hear(rcpts);
        let events = shell.hear(content);
        let refused = events.iter().filter(|event| event.starts_with("550 5.5.2")).count();
        assert_eq!(refused, 2, "{events:?}");
    }
}

#[test]
fn each_recipient_may_have_its_own_result() {
    let no = || Err(Reply::new(552, Status::permanent(2, 2), "full"));
    let codes = |service, results: &[Result<_, Reply>]| {
        let mut shell = Shell::new(limits(), Standing { service, ..Standing::default() });
        let hello = if service == Service::Lmtp { "LHLO" } else { "EHLO" };
        shell.hear(&format!("{hello} a\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\n"));
        shell.session.advance(b"DATA\r\n", 0);
        shell.session.opened(Ok(()), 0);
        assert!(matches!(shell.session.advance(b".\r\n", 0).action, Action::EndOfBody { .. }));
        let first = shell.session.committed_each(results, 0).unwrap().code;
        let mut codes = vec![first];
        while let Action::Reply(reply) = shell.session.advance(b"", 0).action {
            codes.push(reply.code);
        }
        codes
    };
    assert_eq!(codes(Service::Lmtp, &[no(), Ok(super::id())]), [552, 250]);
    assert_eq!(codes(Service::Lmtp, &[Ok(super::id())]), [250, 451], "nothing known is no success");
    assert_eq!(codes(Service::Relay, &[no(), Ok(super::id())]), [250]);
    assert_eq!(codes(Service::Relay, &[no(), no()]), [552]);
}

#[test]
fn the_policy_has_the_last_word_on_each_phase() {
    let privileges = Privileges { policy: true, ..Privileges::default() };
    let mut shell = Shell::new(limits(), Standing { privileges, ..Standing::default() });
    assert_eq!(shell.hear("EHLO evil\r\n"), ["Helo", "550 5.7.1 evil"]);
    assert_eq!(shell.session.client(), None);
    assert_eq!(shell.hear("EHLO a\r\n")[0], "Helo");
    assert_eq!(shell.hear("MAIL FROM:<evil@b>\r\n"), ["Mail", "550 5.7.1 evil"]);
    assert_eq!(shell.session.transaction(), None);
    shell.hear("MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n");
    assert_eq!(shell.hear("BDAT 1\r\nxBDAT 1 LAST\r\ny")[..2], ["Data", "250 2.0.0 1 octets taken"]);
    shell.hear("MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n");
    assert_eq!(shell.hear("DATA\r\n")[0], "Data");
}

#[test]
fn an_unwelcome_client_is_told_so_and_may_only_leave() {
    let reply = Reply::new(554, Status::permanent(7, 1), "not you");
    let standing = |reply: Reply| Standing { refusal: Some(Box::new(reply)), ..Standing::default() };
    let mut shell = Shell::new(limits(), standing(reply.clone()));
    assert_eq!(shell.session.greeting(), reply);
    assert_eq!(code(&mut shell, "EHLO a"), "503");
    assert_eq!(shell.hear("QUIT\r\n")[1], "quit");
    let mut shell = Shell::new(limits(), standing(Reply::new(421, Status::transient(7, 0), "not now")));
    assert_eq!(shell.hear(""), ["unwelcome"]);
}

#[test]
fn a_greeting_in_place_of_a_chunk_is_judged_whatever_became_of_the_draft() {
    let privileges = Privileges { policy: true, ..Privileges::default() };
    let later = Reply::new(421, Status::transient(7, 1), "later");
    for chunk in ["RCPT TO:<c@d>\r\nBDAT 1\r\nx", "BDAT 1\r\nx"] {
        let mut shell = shell(Standing { privileges, ..Standing::default() });
        shell.receive(format!("MAIL FROM:<a@b>\r\n{chunk}").as_bytes());
        let events = shell.hear("EHLO evil\r\n");
        assert_eq!(events.first().map(String::as_str), Some("Helo"), "{chunk}");
        assert_eq!(events.last().map(String::as_str), Some("550 5.7.1 evil"), "{chunk}");
        assert_eq!(code(&mut shell, "MAIL FROM:<a@b>"), "503", "{chunk}");
        shell.receive(format!("EHLO a\r\nMAIL FROM:<a@b>\r\n{chunk}").as_bytes());
        assert_eq!(shell.session.advance(b"EHLO b\r\n", 0).action, Action::Judge(Phase::Helo));
        if let Some(reply) = shell.session.judged(Judgement::Refuse(later.clone()), 0) {
            assert_eq!(reply, later);
            shell.seen.events.push(reply.to_string());
        }
        assert_eq!(shell.hear("EHLO b\r\n").last().map(String::as_str), Some("closed-by-server"), "{chunk}");
    }
}

#[test]
fn what_is_not_allowed_is_not_offered() {
    let mut shell = shell(Standing::default());
    let hello = shell.hear("EHLO a\r\n").concat();
    for (word, line) in [
        ("ETRN", "ETRN a"),
        ("XCLIENT", "XCLIENT NAME=a"),
        ("XFORWARD", "XFORWARD NAME=a"),
        ("XPLAY", "XPLAY NAME=a"),
        ("STARTTLS", "STARTTLS"),
        ("AUTH", "AUTH PLAIN"),
    ] {
        assert!(!hello.contains(word), "{hello}");
        assert_eq!(code(&mut shell, line), "502", "{line}");
    }
    // RFC 5321 section 7.3.
    for line in ["VRFY a", "EXPN a"] {
        assert!(!hello.contains("VRFY") && !hello.contains("EXPN"), "{hello}");
        assert_eq!(code(&mut shell, line), "252", "{line}");
    }
}

#[test]
fn a_protocol_has_its_name() {
    let word = transaction::protocol;
    assert_eq!(word(Service::Relay, false, false, false, false), "SMTP");
    assert_eq!(word(Service::Submission, true, false, true, true), "ESMTPSA");
    assert_eq!(word(Service::Lmtp, true, true, true, false), "UTF8LMTPS");
}
