//! The trace field that every accepted message gets in front.
//!
//! It says what is known and nothing that was only claimed, but for the name in HELO; it shows no recipient to another,
//! and no account unless that is wanted.

use super::{Folded, date};
use crate::address::Mailbox;
use crate::envelope::Origin;
use crate::id::SpoolId;

/// The facts of one Received field.
///
/// Source: RFC 5321 section 4.4.
#[derive(Debug, Clone, Copy)]
pub struct Trace<'a> {
    /// Where the message came from; what the client said in HELO is untrusted and is cleaned.
    pub origin: &'a Origin,
    /// Whether the account is shown that has authenticated.
    pub shows_account: bool,
    /// The name of this host.
    pub host: &'a str,
    /// The id under which the message is accepted.
    pub id: SpoolId,
    /// The recipient, if there is exactly one: with several, naming them would show the one to the other. One whose local
    /// part is in UTF-8 is not named, since the field may have to go where only ASCII can.
    pub recipient: Option<&'a Mailbox>,
    /// When, in milliseconds since 1970 (UTC).
    pub now: u64,
}

impl Trace<'_> {
    /// The field, folded, with its CRLF.
    ///
    /// From the network: `Received: from HELO (CLIENT) by HOST (Grange) with PROTOCOL (TLS, account ACCOUNT) id ID for
    /// <RECIPIENT>; DATE`, without the comment if there is nothing to say in it.
    /// From a program on this host (no HELO): `Received: by HOST (Grange, CLIENT) id ID for <RECIPIENT>; DATE`.
    pub fn field(&self) -> String {
        let mut field = Folded::new("Received");
        if self.origin.helo.is_empty() && self.origin.client.starts_with("local") {
            field.word("by");
            field.word(self.host);
            field.word(&format!("(Grange, {})", comment(&self.origin.client)));
        } else {
            field.word("from");
            field.word(&claimed(&self.origin.helo));
            field.word(&format!("({})", comment(&self.origin.client)));
            field.word("by");
            field.word(self.host);
            field.word(&format!("(Grange) with {}", comment(&self.origin.protocol)));
            if let Some(protection) = self.protection() {
                field.word(&format!("({protection})"));
            }
        }
        let recipient = self.recipient.and_then(Mailbox::to_ascii);
        let last = recipient.map(|mailbox| format!("for <{mailbox}>;"));
        field.word(&format!("id {}{}", self.id, if last.is_some() { "" } else { ";" }));
        if let Some(last) = last {
            field.word(&last);
        }
        field.word(&date(self.now));
        field.finish()
    }

    /// How the connection was protected, and for whom.
    fn protection(&self) -> Option<String> {
        let account = Some(&self.origin.account).filter(|account| self.shows_account && !account.is_empty());
        let account = account.map(|account| format!("account {}", comment(account)));
        let tls = Some(comment(&self.origin.tls)).filter(|tls| !tls.is_empty());
        match (tls, account) {
            (Some(tls), Some(account)) => Some(format!("{tls}, {account}")),
            (tls, account) => tls.or(account),
        }
    }
}

/// What the client calls itself, cut to the octets of a domain or an address literal.
fn claimed(helo: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-._:[]".contains(c) { c } else { '?' };
    let name: String = helo.chars().take(LONGEST_NAME).map(safe).collect();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

/// Text that may stand in a comment: no parenthesis, quote or backslash that could end it early.
fn comment(text: &str) -> String {
    text.chars()
        .take(LONGEST_NAME)
        .map(|c| if matches!(c, '(' | ')' | '\\' | '"' | ';') { '?' } else { c })
        .collect()
}

const LONGEST_NAME: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn origin(helo: &str, client: &str) -> Origin {
        Origin { client: client.into(), helo: helo.into(), protocol: "ESMTP".into(), ..Origin::default() }
    }

    fn trace(origin: &Origin, recipient: Option<&Mailbox>) -> String {
        let id = SpoolId::new(1_764_000_000_123, 1, 2, 3);
        let now = 1_764_000_000_123;
        Trace { origin, shows_account: true, host: "mail.example.org", id, recipient, now }.field()
    }

    #[test]
    fn one_recipient_is_named() {
        let ann = "ann@example.org".parse().unwrap();
        assert_eq!(
            trace(&origin("mx.example.net", "[192.0.2.7]"), Some(&ann)),
            "Received: from mx.example.net ([192.0.2.7]) by mail.example.org\r\n\
             \t(Grange) with ESMTP id CTPTBYGYR0000G0803 for <ann@example.org>;\r\n\
             \tMon, 24 Nov 2025 16:00:00 +0000\r\n"
        );
    }

    #[test]
    fn several_recipients_are_not() {
        let text = trace(&origin("mx.example.net", "[192.0.2.7]"), None);
        assert!(!text.contains("for <"), "{text}");
        assert!(text.contains("803; Mon,") || text.contains("803;\r\n\tMon,"), "{text}");
    }

    #[test]
    fn a_local_program_has_no_from_clause() {
        let text = trace(&origin("", "local uid=1000"), None);
        assert!(
            text.starts_with("Received: by mail.example.org (Grange, local uid=1000) id CTPTBYGYR0000G0803;"),
            "{text}"
        );
    }

    #[test]
    fn a_hostile_greeting_stays_one_word() {
        let text = trace(&origin("x)\r\nBcc: all; (é", "[192.0.2.7]"), None);
        assert!(text.starts_with("Received: from x???Bcc:?all????"), "{text}");
    }

    #[test]
    fn protection_stands_in_a_comment_and_the_account_only_if_wanted() {
        let plain = origin("mx.example.net", "mx.example.net [192.0.2.7]");
        let tls = "TLSv1.3 TLS13_AES_256_GCM_SHA384".to_owned();
        let safe = Origin { protocol: "ESMTPSA".into(), account: "ann;)".into(), tls, ..plain };
        let text = trace(&safe, None).replace("\r\n\t", " ");
        assert!(text.contains("from mx.example.net (mx.example.net [192.0.2.7]) by"), "{text}");
        assert!(
            text.contains(" with ESMTPSA (TLSv1.3 TLS13_AES_256_GCM_SHA384, account ann??) id "),
            "{text}"
        );
        let id = SpoolId::new(1, 1, 2, 3);
        let hidden =
            Trace { origin: &safe, shows_account: false, host: "h", id, recipient: None, now: 1 }.field();
        assert!(!hidden.contains("ann") && hidden.contains("GCM_SHA384)\r\n\tid"), "{hidden}");
        let bare = trace(&Origin { tls: String::new(), ..safe }, None).replace("\r\n\t", " ");
        assert!(bare.contains(" with ESMTPSA (account ann??) id "), "{bare}");
    }

    #[test]
    fn a_recipient_in_utf8_is_named_only_if_ascii_can() {
        let here = origin("mx", "[192.0.2.7]");
        let named = trace(&here, Some(&"ann@b\u{fc}cher.example".parse().unwrap()));
        assert!(named.contains("for <ann@xn--bcher-kva.example>;"), "{named}");
        let unnamed = trace(&here, Some(&"j\u{fc}@example.org".parse().unwrap()));
        assert!(!unnamed.contains("for <") && unnamed.is_ascii(), "{unnamed}");
    }

    proptest! {
        #[test]
        fn whatever_comes_in_there_is_one_field(
            helo in "(.|\r|\n){0,600}", client in "(.|\r|\n){0,300}", tls in "(.|\r|\n){0,60}", account in "(.|\r|\n){0,60}",
        ) {
            let text = trace(&Origin { tls, account, ..origin(&helo, &client) }, None);
            prop_assert_eq!(super::super::fields(text.as_bytes()).count(), 1);
            prop_assert!(text.split("\r\n").all(|line| line.len() <= 998));
            prop_assert_eq!(text.matches(';').count(), 1);
        }
    }
}
