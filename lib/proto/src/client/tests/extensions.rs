//! STARTTLS, BDAT and LIMITS.

use super::*;

const TLS: &str = "250-mx hello\r\n250-STARTTLS\r\n250 PIPELINING\r\n";

/// A session that waits for its handshake.
fn securing(protection: Protection) -> Talk {
    let mut talk = Talk::protected(Dialect::Smtp, protection);
    talk.hear("220 mx\r\n");
    talk.hear(TLS);
    talk.hear("220 go ahead\r\n");
    assert_eq!(talk.take(), ["C: EHLO us", "C: STARTTLS", "start tls"]);
    talk
}

#[test]
fn a_connection_is_secured_where_that_is_offered() {
    for protection in [Protection::May, Protection::Must] {
        let mut talk = securing(protection);
        assert_eq!(talk.session.deadline(), Some(60_000));
        talk.session.secured(Err("self-signed".into()), 0);
        talk.hear("");
        assert_eq!(talk.session.features(), Features::default());
        talk.hear(OFFER);
        assert_eq!(talk.take(), ["C: EHLO us", "idle"]);
        assert!(talk.session.is_secured() && talk.session.features().size.is_some());
    }
    let mut talk = Talk::idle(Dialect::Smtp, TLS);
    talk.begin(1, shape());
    assert_eq!(talk.take()[0], "C: MAIL FROM:<ann@example.org>", "nobody wants TLS here");
}

#[test]
fn plain_text_behind_the_reply_to_starttls_ends_the_session() {
    for said in ["220 go ahead\r\n250 mx\r\n", "220 go ahead\r\n2"] {
        let mut talk = Talk::protected(Dialect::Smtp, Protection::May);
        talk.hear("220 mx\r\n");
        talk.hear(TLS);
        talk.take();
        let input = said.as_bytes();
        let step = talk.session.advance(input, 0);
        assert_eq!((step.consumed, step.action), (14, Action::StartTls));
        talk.hear(&said[14..]);
        let log = talk.take();
        assert!(
            log[0].starts_with("unusable HostDeferred 4.5.0 unexpected plain text behind the reply"),
            "{log:?}"
        );
        assert_eq!(log[1], "close");
    }
}

#[test]
fn a_refused_starttls_matters_only_where_tls_must_be() {
    for (protection, last) in [
        (Protection::May, "idle"),
        (Protection::Must, "unusable HostDeferred 4.7.0 454 4.7.0 not now"),
        (Protection::RequireTls, "unusable Deferred 4.7.0 454 4.7.0 not now"),
    ] {
        let mut talk = Talk::protected(Dialect::Smtp, protection);
        talk.hear("220 mx\r\n");
        talk.hear(TLS);
        talk.hear("454 4.7.0 not now\r\n");
        assert_eq!(talk.take()[2], last);
    }
}

#[test]
fn a_server_without_tls_is_left_where_tls_must_be() {
    for (protection, fate) in [
        (Protection::Must, "unusable HostDeferred 4.7.4 TLS is required"),
        (Protection::RequireTls, "unusable Failed 5.7.30 TLS is required"),
    ] {
        for hello in [&["250 mx\r\n"][..], &["502 no\r\n", "250 mx\r\n"]] {
            let mut talk = Talk::protected(Dialect::Smtp, protection);
            talk.hear("220 mx\r\n");
            hello.iter().for_each(|said| talk.hear(said));
            let log = talk.take();
            assert!(log[log.len() - 2].starts_with(fate), "{log:?}");
        }
    }
}

#[test]
fn requiretls_needs_a_server_that_proves_its_name_and_promises_the_same() {
    let requiring = |verified, offer| {
        let mut talk = securing(Protection::RequireTls);
        talk.session.secured(verified, 0);
        talk.hear("");
        talk.hear(offer);
        talk
    };
    let doubt = Err("unknown issuer".to_owned());
    assert!(
        requiring(doubt, "").take()[0]
            .starts_with("unusable Failed 5.7.30 REQUIRETLS: the server's certificate")
    );
    assert!(
        requiring(Ok(()), OFFER).take()[1].starts_with("unusable Failed 5.7.30 REQUIRETLS support required")
    );

    let mut talk = requiring(Ok(()), "250-mx\r\n250-PIPELINING\r\n250 REQUIRETLS\r\n");
    let from = ReversePath::Null;
    let mut transaction = Transaction::plain(from, vec!["bob@example.net".parse().unwrap()], shape());
    transaction.terms.require_tls = true;
    talk.begin_with(transaction);
    assert_eq!(talk.take()[2], "C: MAIL FROM:<> REQUIRETLS");
}

#[test]
fn a_handshake_that_fails_is_told_in_its_words() {
    let mut talk = securing(Protection::Must);
    talk.session.unsecured("no cipher in common", 0);
    talk.hear("");
    assert_eq!(
        talk.take(),
        ["unusable HostDeferred 4.7.5 TLS handshake failed: no cipher in common", "close"]
    );
    let mut talk = securing(Protection::Must);
    assert!(talk.session.expire(60_000));
    talk.hear("");
    assert!(talk.take()[0].contains("timed out while securing the connection"));
}

const BINARY: &str = "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250 SIZE\r\n";

#[test]
fn binary_content_goes_out_in_one_chunk_once_somebody_takes_it() {
    let binary = Shape { binary: true, ..shape() };
    let mut talk = Talk::idle(Dialect::Smtp, BINARY);
    talk.begin(2, binary);
    assert_eq!(talk.take().len(), 3, "MAIL and RCPT in one burst, and no DATA");
    talk.hear("250 ok\r\n550 no\r\n250 ok\r\n");
    assert_eq!(talk.take(), ["0 Failed 5.0.0 550 no", "C: BDAT 100 LAST", "want body"]);
    talk.body_sent();
    talk.hear("250 ok\r\n");
    assert_eq!(talk.take(), ["1 Delivered 2.0.0 250 ok", "idle"]);

    talk.begin(1, binary);
    talk.hear("250 ok\r\n550 no\r\n250 reset\r\n");
    assert_eq!(talk.take()[2..], ["0 Failed 5.0.0 550 no", "C: RSET", "idle"]);
}

#[test]
fn a_session_takes_no_more_transactions_than_the_server() {
    let mut talk = Talk::idle(Dialect::Smtp, "250-mx\r\n250 LIMITS MAILMAX=1\r\n");
    assert!(!talk.session.is_spent());
    talk.begin(1, shape());
    talk.hear("550 no\r\n");
    assert!(talk.session.is_idle() && talk.session.is_spent());
    let transaction = Transaction::plain(ReversePath::Null, Vec::new(), shape());
    assert!(talk.session.begin(transaction, 0).is_err());
}
