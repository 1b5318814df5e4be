//! What a message needs, and what a server offers.

use super::rig::{Rig, resolver, settings};
use super::sink::{Manners, Sink};
use proto::disposition::{Outcome, Reach};
use proto::terms::{ByMode, DeliverBy, Notify, RecipientTerms, Ret, Terms};
use std::collections::HashMap;
use transports::smtp::Smtp;

const MIME: &str = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";

fn rig() -> Rig {
    let mut settings = settings("smtp");
    settings.channel.sessions_per_host = 1;
    let dial = resolver(HashMap::new());
    Rig::start(move || Smtp::new(&settings, dial()))
}

fn sink(ehlo: &'static str) -> Sink {
    Sink::start(Manners { ehlo: Some(ehlo), ..Manners::default() })
}

#[test]
fn eight_bit_text_is_quoted_for_a_server_without_8bitmime() {
    let (sink, mut rig) = (sink("250-sink\r\n250 PIPELINING"), rig());
    let text = format!("{MIME}.caf\u{e9} and much more text that stays as it is\r\n");
    let lines = "\u{e9} among forty other octets of plain text in a line\r\n".repeat(40_000);
    let job = rig.job(&sink.host(), text.as_bytes(), &["a@example.org"]);
    let large = rig.job(&sink.host(), format!("{MIME}{lines}").as_bytes(), &["b@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 2);
    assert_eq!(heard.settled[&(job, 0)].reply, "250 2.0.0 taken (sent in another encoding)");
    assert_eq!(heard.fate(large, 0).0, Outcome::Delivered);
    let seen = sink.seen();
    let short = seen.messages.iter().find(|message| message.content.len() < 1000).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&short.content),
        text.replace("\r\n\r\n", "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
            .replace('\u{e9}', "=C3=A9")
    );
    let large = seen.messages.iter().find(|message| message.content.len() > 1000).unwrap();
    assert!(large.content.is_ascii() && large.content.len() > lines.len());
    drop(seen);
    rig.drain().unwrap();
}

#[test]
fn the_size_is_that_of_what_is_sent() {
    let (sink, mut rig) = (sink("250-sink\r\n250 SIZE"), rig());
    rig.job(
        &sink.host(),
        format!("{MIME}\u{e9} and more, so that it is quoted\r\n").as_bytes(),
        &["a@example.org"],
    );
    rig.hear(|heard| heard.settled.len() == 1);
    let length = sink.seen().messages[0].content.len();
    assert_eq!(sink.count(&format!("MAIL FROM:<> SIZE={length}")), 1, "{:?}", sink.seen());
    rig.drain().unwrap();
}

#[test]
fn what_cannot_be_converted_fails_and_nothing_is_sent() {
    let (sink, mut rig) = (sink("250 sink"), rig());
    let signed = format!("DKIM-Signature: v=1\r\n{MIME}\u{e9}\r\n");
    let job = rig.job(&sink.host(), signed.as_bytes(), &["a@example.org"]);
    let plain = rig.job(&sink.host(), b"Subject: x\r\n\r\ny\r\n", &["a@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 2);
    assert_eq!(heard.fate(job, 0), (Outcome::Failed, "5.6.3".into()));
    assert!(heard.settled[&(job, 0)].reply.ends_with("a signature covers what would have to be converted"));
    assert_eq!(heard.fate(plain, 0).0, Outcome::Delivered);
    assert_eq!(sink.count("MAIL"), 1);
    rig.drain().unwrap();
}

#[test]
fn binary_content_goes_out_with_bdat_octet_for_octet() {
    let (sink, mut rig) = (sink("250-sink\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 BINARYMIME"), rig());
    let binary: Vec<u8> =
        MIME.bytes().chain((0..300_000_u32).map(|n| (n % 251) as u8)).chain(*b"\r\n.\r\n.x").collect();
    for address in ["a@example.org", "b@example.org"] {
        rig.job(&sink.host(), &binary, &[address]);
    }
    let heard = rig.hear(|heard| heard.settled.len() == 2);
    assert!(heard.settled.values().all(|disposition| disposition.outcome == Outcome::Delivered), "{heard:?}");
    assert!(sink.seen().messages.iter().all(|message| message.content == binary));
    assert_eq!((sink.count("MAIL FROM:<> BODY=BINARYMIME"), sink.count("DATA")), (2, 0));
    rig.drain().unwrap();
}

#[test]
fn binary_content_becomes_base64_for_a_server_without_binarymime() {
    let (sink, mut rig) = (Sink::start(Manners::default()), rig());
    let binary = b"MIME-Version: 1.0\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\na\0b\n";
    let job = rig.job(&sink.host(), binary, &["a@example.org"]);
    assert_eq!(rig.hear(|heard| heard.settled.len() == 1).fate(job, 0).0, Outcome::Delivered);
    let content = String::from_utf8(sink.seen().messages[0].content.clone()).unwrap();
    assert!(content.ends_with("Content-Transfer-Encoding: base64\r\n\r\nYQBiCg==\r\n"), "{content}");
    rig.drain().unwrap();
}

fn terms() -> Terms {
    let until = farm::clock::utc_milliseconds() + 3_600_500;
    Terms {
        ret: Some(Ret::Headers),
        envid: Some("Q1".into()),
        priority: Some(3),
        deliver_by: Some(DeliverBy { until, mode: ByMode::Return, trace: false }),
        ..Terms::default()
    }
}

#[test]
fn what_the_sender_asked_for_is_passed_on() {
    let (sink, mut rig) = (sink("250-sink\r\n250-DSN\r\n250-MT-PRIORITY\r\n250 DELIVERBY 60"), rig());
    let job = rig.job_with(&sink.host(), b"Subject: x\r\n\r\n", &["a@example.org", "b@example.org"], |job| {
        job.terms = terms();
        job.recipients[0].terms =
            RecipientTerms { notify: Some(Notify::NEVER), orcpt: Some("rfc822;c@d".into()) };
    });
    let heard = rig.hear(|heard| heard.settled.len() == 2);
    assert_eq!(heard.settled[&(job, 1)].reach, Reach::Onward);
    let commands = sink.seen().commands.clone();
    let left = commands[1].strip_prefix("MAIL FROM:<> RET=HDRS ENVID=Q1 BY=").unwrap();
    assert!(["3600;R MT-PRIORITY=3", "3599;R MT-PRIORITY=3"].contains(&left), "{commands:?}");
    assert_eq!(
        commands[2..4],
        ["RCPT TO:<a@example.org> NOTIFY=NEVER ORCPT=rfc822;c@d", "RCPT TO:<b@example.org>"]
    );
    rig.drain().unwrap();
}

#[test]
fn a_server_that_cannot_promise_what_was_asked_for_gets_nothing_or_less() {
    let (sink, mut rig) = (Sink::start(Manners::default()), rig());
    let must_return =
        rig.job_with(&sink.host(), b"Subject: x\r\n\r\n", &["a@example.org"], |job| job.terms = terms());
    let less = rig.job_with(&sink.host(), b"Subject: x\r\n\r\n", &["a@example.org"], |job| {
        job.terms = Terms { deliver_by: None, ..terms() };
    });
    let heard = rig.hear(|heard| heard.settled.len() == 2);
    assert_eq!(heard.fate(must_return, 0), (Outcome::Failed, "5.3.3".into()));
    assert_eq!(heard.settled[&(less, 0)].reach, Reach::Blind);
    assert_eq!(sink.count("MAIL FROM:<> SIZE=14"), 1, "{:?}", sink.seen());
    rig.drain().unwrap();
}

#[test]
fn a_recipient_that_only_smtputf8_can_name_fails_and_the_others_do_not() {
    let (sink, mut rig) = (Sink::start(Manners::default()), rig());
    let recipients = ["a@example.org", "\u{f6}@example.org", "b@b\u{fc}cher.example"];
    let job = rig.job_with(&sink.host(), b"Subject: x\r\n\r\n", &recipients, |job| {
        job.terms.utf8 = true;
        job.recipients.iter_mut().for_each(|recipient| recipient.user = recipient.address.to_string());
    });
    let heard = rig.hear(|heard| heard.settled.len() == 3);
    let fates = [0, 1, 2].map(|index| heard.fate(job, index));
    assert_eq!(fates[1], (Outcome::Failed, "5.6.7".into()));
    assert_eq!((fates[0].0, fates[2].0), (Outcome::Delivered, Outcome::Delivered));
    assert_eq!(sink.count("RCPT TO:<b@xn--bcher-kva.example>"), 1);
    rig.drain().unwrap();
}

#[test]
fn utf8_in_the_header_of_a_part_goes_only_where_smtputf8_is_offered() {
    let part = "--b\r\nContent-Disposition: attachment; filename=\"\u{e9}\"\r\n\r\nx\r\n--b--\r\n";
    let content = format!("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{part}");
    for (offer, status) in [
        ("250-sink\r\n250 8BITMIME", "5.6.9"),
        ("250 sink", "5.6.9"),
        ("250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8", "2.0.0"),
    ] {
        let (sink, mut rig) = (sink(offer), rig());
        let job =
            rig.job_with(&sink.host(), content.as_bytes(), &["a@example.org"], |job| job.terms.utf8 = true);
        let heard = rig.hear(|heard| heard.settled.len() == 1);
        assert_eq!(heard.fate(job, 0).1, status, "{heard:?}");
        rig.drain().unwrap();
    }
}

#[test]
fn bdat_announces_what_goes_out_whatever_the_shape_says() {
    let (sink, mut rig) = (sink("250-sink\r\n250-CHUNKING\r\n250 BINARYMIME"), rig());
    let binary = format!("{MIME}\0\nRCPT TO:<evil@example.org>\r\n");
    rig.job_with(&sink.host(), binary.as_bytes(), &["a@example.org"], |job| job.shape.size -= 28);
    rig.hear(|heard| heard.settled.len() == 1);
    assert_eq!(sink.seen().messages[0].content.len(), binary.len());
    assert_eq!(sink.count("RCPT"), 1);
    rig.drain().unwrap();
}

#[test]
fn the_limits_that_a_server_tells_are_kept() {
    let (sink, mut rig) = (sink("250-sink\r\n250-PIPELINING\r\n250 LIMITS RCPTMAX=2 MAILMAX=2"), rig());
    let recipients: Vec<String> = (0..7).map(|n| format!("r{n}@example.org")).collect();
    let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
    rig.job(&sink.host(), b"Subject: x\r\n\r\n", &recipients);
    rig.job(&sink.host(), b"Subject: x\r\n\r\n", &["a@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 8);
    assert!(heard.settled.values().all(|disposition| disposition.outcome == Outcome::Delivered), "{heard:?}");
    let seen = sink.seen();
    let mut sizes: Vec<usize> = seen.messages.iter().map(|message| message.recipients).collect();
    sizes.sort_unstable();
    assert_eq!((sizes, seen.connections), (vec![1, 1, 2, 2, 2], 3));
    drop(seen);
    rig.drain().unwrap();
}
