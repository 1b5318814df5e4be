//! Whole notices, as they go out.

use super::*;
use crate::message::{contains, fields, section_length};
use proptest::prelude::*;

fn recipient(action: Action, diagnostic: &str) -> NoticeRecipient {
    NoticeRecipient {
        original_recipient: None,
        final_recipient: "nosuch@example.net".parse().unwrap(),
        action,
        status: if action == Action::Failed { Status::permanent(1, 1) } else { Status::transient(4, 1) },
        remote_mta: "mx1.example.net[198.51.100.4]".into(),
        diagnostic: diagnostic.into(),
        last_attempt: Some(1_764_000_060_000),
        will_retry_until: Some(1_764_432_000_000),
    }
}

fn notice(recipients: Vec<NoticeRecipient>, headers: &[u8]) -> Notice {
    Notice {
        id: SpoolId::new(1_764_000_061_000, 1, 2, 3),
        about: SpoolId::new(1_764_000_000_123, 1, 2, 3),
        reporting_mta: "mail.example.org".into(),
        now: 1_764_000_061_000,
        arrival_date: 1_764_000_000_123,
        original_sender: "ann@example.org".parse().unwrap(),
        recipients,
        original: Original::Headers(headers.to_vec()),
        envid: None,
        deliver_by: None,
        utf8: false,
    }
}

fn text(notice: &Notice) -> String {
    String::from_utf8(notice.compose().content).unwrap()
}

#[test]
fn a_failure_is_told_to_people_and_programs() {
    let failed = notice(
        vec![recipient(Action::Failed, "550 5.1.1 <nosuch@example.net> no such user")],
        b"From: ann@example.org\r\nSubject: hello\r\n\r\nnot copied\r\n",
    );
    let expected = include_str!("failed.txt").replace("\r\n", "\n").replace('\n', "\r\n");
    assert_eq!(text(&failed), expected);
}

#[test]
fn a_delay_says_until_when_it_is_tried() {
    let delayed = text(&notice(vec![recipient(Action::Delayed, "421 4.7.0 later")], b"A: b\r\n"));
    assert!(delayed.contains("Subject: Delayed mail"));
    assert!(delayed.contains("Will-Retry-Until: Sat, 29 Nov 2025 16:00:00 +0000\r\n"));
    let failed = text(&notice(vec![recipient(Action::Failed, "550 no")], b"A: b\r\n"));
    assert!(!failed.contains("Will-Retry-Until"));
}

#[test]
fn one_failure_among_delays_names_the_notice() {
    let both = vec![recipient(Action::Delayed, "421 later"), recipient(Action::Failed, "550 no")];
    let text = text(&notice(both, b""));
    assert!(text.contains("Subject: Undelivered mail"));
    assert!(text.replace("\r\n", " ").contains("Those marked delayed will be tried again."));
}

#[test]
fn our_own_words_are_not_passed_off_as_a_reply() {
    let mut own = recipient(Action::Failed, "mail loop: 31 hops");
    own.remote_mta.clear();
    let text = text(&notice(vec![own], b""));
    assert!(text.contains("Diagnostic-Code: X-Grange; mail loop: 31 hops\r\n"));
    assert!(!text.contains("Remote-MTA"));
}

#[test]
fn eight_bit_headers_are_declared() {
    let eight = notice(vec![recipient(Action::Failed, "550 no")], "Subject: é\r\n\r\n".as_bytes()).compose();
    let content = String::from_utf8(eight.content).unwrap();
    assert!(eight.shape.eight_bit);
    assert_eq!(content.matches("Content-Transfer-Encoding: 8bit\r\n").count(), 2);
    assert!(content.contains("\r\nSubject: é\r\n"));
}

#[test]
fn headers_that_foresee_the_boundary_change_it() {
    let plain = notice(vec![recipient(Action::Failed, "550 no")], b"");
    let guess = format!("X: y\r\n--grange-{}--\r\n", plain.id);
    let text = text(&notice(plain.recipients.clone(), guess.as_bytes()));
    assert!(text.contains(&format!("boundary=\"grange-{}-x\"", plain.id)), "{text}");
    assert!(text.ends_with(&format!("--grange-{}-x--\r\n", plain.id)));
}

#[test]
fn the_notice_can_start_no_loop() {
    let content = notice(vec![recipient(Action::Failed, "550 no")], b"").compose().content;
    assert!(contains(&content, "Auto-Submitted"));
    assert!(contains(&content, "Message-ID"));
}

#[test]
fn what_the_sender_named_comes_back() {
    let mut failed = recipient(Action::Failed, "550 no");
    failed.original_recipient = Some("rfc822;list+2Bx@example.org".into());
    let mut named = notice(vec![failed], b"");
    (named.envid, named.deliver_by) = (Some("QQ+2B314159".into()), Some(1_764_000_000_000));
    let text = text(&named);
    let report = "Original-Envelope-Id: QQ+314159\r\nReporting-MTA: dns; mail.example.org\r\n";
    assert!(text.contains(report), "{text}");
    assert!(text.contains("Deliver-By-Date: Mon, 24 Nov 2025 16:00:00 +0000\r\n"));
    let both =
        "Original-Recipient: rfc822; list+x@example.org\r\nFinal-Recipient: rfc822; nosuch@example.net\r\n";
    assert!(text.contains(both), "{text}");
}

#[test]
fn a_whole_message_comes_back_as_it_is() {
    let content = b"Subject: x\r\n\r\n..dots\r\n--grange-no\r\n";
    let mut full = notice(vec![recipient(Action::Failed, "550 no")], b"");
    full.original = Original::Full(content.to_vec());
    let composed = full.compose();
    let part = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n".as_slice();
    let at = memchr::memmem::find(&composed.content, &[part, content, b"\r\n--grange-"].concat());
    assert!(at.is_some(), "{}", text(&full));
    assert!(text(&full).replace("\r\n", " ").contains("Your message is attached."));
}

#[test]
fn a_sender_who_reads_utf8_gets_it() {
    let mut failed = recipient(Action::Failed, "550 no");
    failed.final_recipient = "j\u{fc}rgen@example.net".parse().unwrap();
    let mut utf8 = notice(vec![failed], "Subject: gr\u{fc}n\r\n".as_bytes());
    let ascii = text(&utf8);
    assert!(ascii.contains("Final-Recipient: utf-8; j\\x{FC}rgen@example.net\r\n"), "{ascii}");
    assert!(ascii.contains("message/delivery-status") && ascii.contains("text/rfc822-headers"));
    utf8.utf8 = true;
    utf8.original_sender = "\u{e4}nn@example.org".parse().unwrap();
    let text = text(&utf8);
    for words in [
        "To: <\u{e4}nn@example.org>\r\n",
        "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n",
        "Final-Recipient: utf-8; j\u{fc}rgen@example.net\r\n",
        "Content-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n",
        "<j\u{fc}rgen@example.net>: failed\r\n",
    ] {
        assert!(text.contains(words), "{words} is missing in\n{text}");
    }
    assert!(utf8.compose().shape.utf8_header);
}

#[test]
fn a_sender_with_an_ascii_address_gets_utf8_by_way_of_any_server() {
    let mut failed = recipient(Action::Failed, "550 no");
    failed.final_recipient = "j\u{fc}rgen@example.net".parse().unwrap();
    let mut utf8 = notice(vec![failed], "Subject: gr\u{fc}n\r\n".as_bytes());
    utf8.utf8 = true;
    let Composed { content, shape } = utf8.compose();
    assert!(content.is_ascii() && !shape.eight_bit && shape.longest_line <= 80);
    let text = String::from_utf8(content).unwrap();
    let part =
        text.split("message/global-headers\r\nContent-Transfer-Encoding: base64\r\n\r\n").nth(1).unwrap();
    let word = part.lines().next().unwrap();
    assert_eq!(base64::decode(word.as_bytes()).unwrap(), "Subject: gr\u{fc}n\r\n".as_bytes());
}

#[test]
fn each_good_end_has_its_subject() {
    for (action, subject) in [
        (Action::Delivered, "Subject: Delivered mail"),
        (Action::Relayed, "Subject: Relayed mail"),
        (Action::Expanded, "Subject: Expanded mail"),
    ] {
        let text = text(&notice(vec![recipient(action, "250 ok")], b""));
        assert!(text.contains(subject) && text.contains(&format!("Action: {action}\r\n")), "{text}");
    }
}

proptest! {
    #[test]
    fn hostile_diagnostics_inject_nothing(
        diagnostic in "(.|\r|\n|\0){0,1200}",
        remote in "(.|\r|\n){0,200}",
        headers in proptest::collection::vec(any::<u8>(), 0..1200),
        orcpt in "[a-z]{1,8};(.|\r|\n){0,600}",
        envid in "(.|\r|\n){0,100}",
        utf8: bool,
    ) {
        let mut hostile = recipient(Action::Failed, &diagnostic);
        hostile.remote_mta = remote;
        hostile.original_recipient = Some(orcpt);
        let mut hostile = notice(vec![hostile], &headers);
        (hostile.envid, hostile.utf8) = (Some(envid), utf8);
        let composed = hostile.compose();
        let boundary = format!("--grange-{}", hostile.id);
        let lines: Vec<_> = composed.content.split(|&octet| octet == b'\n').collect();

        prop_assert_eq!(lines.iter().filter(|line| line.starts_with(boundary.as_bytes())).count(), 4);
        let (last, lines) = lines.split_last().unwrap();
        prop_assert!(last.is_empty());
        for line in lines {
            prop_assert!(line.ends_with(b"\r") && line.len() <= 999);
            prop_assert_eq!(line.iter().filter(|&&octet| octet == b'\r').count(), 1);
        }
        prop_assert_eq!(fields(&composed.content).count(), 9);
        prop_assert_eq!(composed.shape.header, u64::try_from(section_length(&composed.content)).unwrap());
    }
}
