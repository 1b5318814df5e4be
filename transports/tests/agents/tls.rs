//! TLS on the way out.

use super::rig::{Rig, resolver, settings};
use super::sink::{Manners, Sink};
use super::wire::identity;
use ipc::agent::Job;
use ipc::resolve::{Exchanger, Resolved};
use proto::disposition::{Disposition, Outcome};
use std::collections::HashMap;
use std::sync::Arc;
use tempfile::NamedTempFile;
use tls::PemFile;
use transports::smtp::Smtp;

const TEXT: &[u8] = b"Subject: x\r\n\r\n.hello\r\n";
const OFFER: &str = "250-sink\r\n250-STARTTLS\r\n250 PIPELINING";

/// A rig in which `mx.example.org` is the exchanger of `example.org`, with an authority that it trusts.
fn rig(sink: &Sink, tls: &str, authority: Option<PemFile>) -> (Rig, NamedTempFile) {
    let mut settings = settings("smtp");
    settings.channel.tls = tls.into();
    settings.channel.port = sink.address.port();
    let (name, addresses) = ("mx.example.org".to_owned(), vec![sink.address.ip()]);
    let found = Resolved::Found(vec![Exchanger { name, preference: 0, addresses }]);
    let dial = resolver(HashMap::from([("example.org".to_owned(), found)]));
    let file = NamedTempFile::new().unwrap();
    if let Some(authority) = authority {
        std::fs::write(file.path(), authority.octets).unwrap();
        settings.channel.tls_ca = Some(file.path().to_owned());
    }
    (Rig::start(move || Smtp::new(&settings, dial())), file)
}

fn secure(name: &str) -> (Manners, PemFile) {
    let (context, authority) = identity(&[name]);
    (Manners { ehlo: Some(OFFER), tls: Some(Arc::new(context)), ..Manners::default() }, authority)
}

/// Delivers one message, and says what became of it.
fn fate(rig: (Rig, NamedTempFile), content: &[u8], require_tls: bool) -> Disposition {
    fate_of(rig, content, |job| {
        job.from = "<ann@example.org>".parse().unwrap();
        job.terms.require_tls = require_tls;
    })
}

fn fate_of(
    (mut rig, _file): (Rig, NamedTempFile),
    content: &[u8],
    change: impl FnOnce(&mut Job),
) -> Disposition {
    let job = rig.job_with("example.org", content, &["a@example.org"], change);
    let heard = rig.hear(|heard| heard.settled.len() == 1);
    rig.drain().unwrap();
    heard.settled[&(job, 0)].clone()
}

#[test]
fn where_tls_is_offered_everything_goes_under_it_whoever_serves() {
    let sink = Sink::start(secure("elsewhere.example").0);
    let (mut rig, _file) = rig(&sink, "may", None);
    let large: Vec<u8> = (0..60_000).flat_map(|n: u32| format!(".line {n}\r\n").into_bytes()).collect();
    for content in [TEXT, &large, TEXT] {
        rig.job("example.org", content, &["a@example.org"]);
    }
    let heard = rig.hear(|heard| heard.settled.len() == 3);
    let fine = |fate: &Disposition| fate.outcome == Outcome::Delivered && fate.tls == "TLSv1.3";
    assert!(heard.settled.values().all(fine), "{heard:?}");
    rig.drain().unwrap();
    let seen = sink.seen();
    let mut contents: Vec<&[u8]> = seen.messages.iter().map(|message| message.content.as_slice()).collect();
    contents.sort_by_key(|content| content.len());
    assert!(contents == [TEXT, TEXT, &large]);
    let plain: Vec<&String> = seen.commands.iter().filter(|line| !seen.secret.contains(*line)).collect();
    assert!(plain.iter().all(|line| *line == "STARTTLS"), "{plain:?}");
}

#[test]
fn a_handshake_that_fails_costs_a_connection_and_not_the_message() {
    let sink = Sink::start(Manners { ehlo: Some(OFFER), ..Manners::default() });
    let (mut rig, _file) = rig(&sink, "may", None);
    for _ in 0..3 {
        rig.job("example.org", TEXT, &["a@example.org"]);
    }
    let heard = rig.hear(|heard| heard.settled.len() == 3);
    let fine = |fate: &Disposition| fate.outcome == Outcome::Delivered && fate.tls.is_empty();
    assert!(heard.settled.values().all(fine), "{heard:?}");
    rig.drain().unwrap();
    assert!(sink.count("STARTTLS") <= 2);
}

#[test]
fn authorities_that_cannot_be_read_stop_only_what_needs_proof() {
    let junk = || Some(PemFile { name: "x".into(), octets: b"no certificate".to_vec() });
    let sink = Sink::start(secure("mx.example.org").0);
    assert_eq!(fate(rig(&sink, "must", junk()), TEXT, false).tls, "TLSv1.3");
    let fate = fate(rig(&sink, "must", junk()), TEXT, true);
    assert_eq!((fate.outcome, fate.status.to_string()), (Outcome::Deferred, "4.7.5".into()), "{fate:?}");
}

#[test]
fn where_tls_must_be_nothing_is_sent_without() {
    for (manners, status) in
        [(Manners::default(), "4.7.4"), (Manners { ehlo: Some(OFFER), ..Manners::default() }, "4.7.5")]
    {
        let sink = Sink::start(manners);
        let fate = fate(rig(&sink, "must", None), TEXT, false);
        assert_eq!(
            (fate.outcome, fate.status.to_string()),
            (Outcome::HostDeferred, status.into()),
            "{fate:?}"
        );
        assert_eq!(sink.count("MAIL"), 0);
    }
}

#[test]
fn a_message_may_ask_for_delivery_rather_than_tls() {
    let sink = Sink::start(Manners::default());
    let content = [b"TLS-Required: No\r\n", TEXT].concat();
    assert_eq!(fate(rig(&sink, "must", None), &content, false).outcome, Outcome::Delivered);
    let sink = Sink::start(Manners::default());
    let fate = fate(rig(&sink, "must", None), &content, true);
    assert_eq!((fate.outcome, fate.status.to_string()), (Outcome::Failed, "5.7.30".into()));
}

#[test]
fn words_in_plain_text_behind_the_reply_to_starttls_are_nobodys() {
    let (manners, _) = secure("mx.example.org");
    let sink = Sink::start(Manners { injects: "250-sink\r\n250 SIZE 1\r\n", ..manners });
    let fate = fate(rig(&sink, "may", None), TEXT, false);
    assert_eq!(fate.outcome, Outcome::HostDeferred, "{fate:?}");
    assert!(fate.reply.contains("plain text behind the reply to STARTTLS"), "{fate:?}");
    assert_eq!(sink.count("MAIL"), 0);
}

#[test]
fn requiretls_goes_to_a_server_that_proves_its_name_and_offers_the_same() {
    const PROMISE: &str = "250-sink\r\n250-PIPELINING\r\n250 REQUIRETLS";
    for (name, trusted, promise, delivered) in [
        ("mx.example.org", true, PROMISE, true),
        ("mx.example.org", false, PROMISE, false),
        ("elsewhere.example", true, PROMISE, false),
        ("mx.example.org", true, "250 sink", false),
    ] {
        let (manners, authority) = secure(name);
        let sink = Sink::start(Manners { ehlo_tls: Some(promise), ..manners });
        let fate = fate(rig(&sink, "no", trusted.then_some(authority)), TEXT, true);
        let expected = if delivered { (Outcome::Delivered, "2.0.0") } else { (Outcome::Failed, "5.7.30") };
        assert_eq!(
            (fate.outcome, fate.status.to_string()),
            (expected.0, expected.1.into()),
            "{name} {fate:?}"
        );
        assert_eq!(sink.count("MAIL FROM:<ann@example.org> REQUIRETLS"), usize::from(delivered));
    }
}

#[test]
fn a_notice_about_a_message_that_requires_tls_is_not_lost_where_it_cannot_be_had() {
    let notice = |job: &mut Job| job.terms.require_tls = true;
    let promise = "250-sink\r\n250 REQUIRETLS";
    for (manners, secret, said) in [
        (Manners::default(), false, false),
        (secure("elsewhere.example").0, true, false),
        (Manners { ehlo_tls: Some(promise), ..secure("elsewhere.example").0 }, true, true),
    ] {
        let sink = Sink::start(manners);
        let fate = fate_of(rig(&sink, "no", None), TEXT, notice);
        assert_eq!((fate.outcome, !fate.tls.is_empty()), (Outcome::Delivered, secret), "{fate:?}");
        assert_eq!(sink.count("MAIL FROM:<> REQUIRETLS") > 0, said, "{:?}", sink.seen().commands);
    }
}

#[test]
fn a_message_that_requires_tls_shares_no_connection_with_others() {
    let (manners, authority) = secure("mx.example.org");
    let promise = Some("250-sink\r\n250 REQUIRETLS");
    let sink = Sink::start(Manners { ehlo_tls: promise, ..manners });
    let (mut rig, _file) = rig(&sink, "no", Some(authority));
    for require_tls in [false, true, false] {
        rig.job_with("example.org", TEXT, &["a@example.org"], |job| {
            job.from = "<ann@example.org>".parse().unwrap();
            job.terms.require_tls = require_tls;
        });
    }
    let heard = rig.hear(|heard| heard.settled.len() == 3);
    assert!(heard.settled.values().all(|fate| fate.outcome == Outcome::Delivered), "{heard:?}");
    assert_eq!(heard.settled.values().filter(|fate| fate.tls.is_empty()).count(), 2);
    rig.drain().unwrap();
}
