//! Whole notices, as they go out.

use super::*;
use crate::message::{contains, fields, section_length};
use proptest::prelude::*;

fn recipient(action: Action, diagnostic: &str) -> NoticeRecipient {
    NoticeRecipient {
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
        headers: headers.to_vec(),
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

proptest! {
    #[test]
    fn hostile_diagnostics_inject_nothing(
        diagnostic in "(.|\r|\n|\0){0,1200}",
        remote in "(.|\r|\n){0,200}",
        headers in proptest::collection::vec(any::<u8>(), 0..1200),
    ) {
        let mut hostile = recipient(Action::Failed, &diagnostic);
        hostile.remote_mta = remote;
        let hostile = notice(vec![hostile], &headers);
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
