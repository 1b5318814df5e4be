//! Writes paths, and the parameters of MAIL and RCPT that the server understands.
//!
//! What the sender asked for is passed on as it came; where an extension is missing, nothing of it is said (RFC 3461
//! section 5.2.2 for DSN).

use super::fitness::left;
use super::{Plan, Transaction};
use crate::address::{Mailbox, utf8_xtext};
use crate::terms::{ByMode, RecipientTerms, Terms};
use std::fmt::{self, Write};

/// A path in its brackets; without SMTPUTF8 in A-labels.
pub(super) fn path(mailbox: &Mailbox, utf8: bool, text: &mut String) -> fmt::Result {
    if !utf8
        && mailbox.is_utf8()
        && let Some(ascii) = mailbox.to_ascii()
    {
        return write!(text, "<{ascii}>");
    }
    write!(text, "<{mailbox}>")
}

/// What stands behind the path of MAIL.
pub(super) fn of_mail(plan: &Plan, transaction: &Transaction, text: &mut String) -> fmt::Result {
    let Transaction { shape, terms, utc, .. } = transaction;
    if plan.features.size.is_some() {
        write!(text, " SIZE={}", shape.size)?;
    }
    if plan.chunked {
        text.write_str(" BODY=BINARYMIME")?;
    } else if shape.eight_bit && plan.features.eight_bit_mime {
        text.write_str(" BODY=8BITMIME")?;
    }
    if plan.utf8 {
        text.write_str(" SMTPUTF8")?;
    }
    if *terms == Terms::default() { Ok(()) } else { of_terms(plan, terms, *utc, text) }
}

fn of_terms(plan: &Plan, terms: &Terms, utc: u64, text: &mut String) -> fmt::Result {
    let features = &plan.features;
    if features.dsn {
        if let Some(ret) = terms.ret {
            write!(text, " RET={}", ret.word())?;
        }
        if let Some(envid) = &terms.envid {
            write!(text, " ENVID={envid}")?;
        }
    }
    if let Some(by) = terms.deliver_by.filter(|_| features.deliver_by.is_some()) {
        let mode = if by.mode == ByMode::Return { 'R' } else { 'N' };
        let trace = if by.trace { "T" } else { "" };
        let left = left(by, utc).clamp(-LONGEST_TIME, LONGEST_TIME);
        write!(text, " BY={left};{mode}{trace}")?;
    }
    if let Some(priority) = terms.priority.filter(|_| features.mt_priority) {
        write!(text, " MT-PRIORITY={priority}")?;
    }
    if let Some(auth) = terms.auth.as_ref().filter(|_| features.auth) {
        write!(text, " AUTH={auth}")?;
    }
    // Only a notice goes to a server without it.
    text.write_str(if terms.require_tls && features.require_tls { " REQUIRETLS" } else { "" })
}

/// What stands behind the path of RCPT, for a server with DSN.
pub(super) fn of_rcpt(wishes: &RecipientTerms, utf8: bool, text: &mut String) -> fmt::Result {
    if let Some(notify) = wishes.notify {
        write!(text, " NOTIFY={notify}")?;
    }
    let Some(orcpt) = &wishes.orcpt else { return Ok(()) };
    match orcpt.split_once(';') {
        // RFC 6533 section 3: only SMTPUTF8 carries UTF-8 in ORCPT.
        Some((kind, address)) if !utf8 && !address.is_ascii() => {
            let plain = utf8_xtext::decode(address).unwrap_or_else(|| address.to_owned());
            write!(text, " ORCPT={kind};{}", utf8_xtext::encode(&plain))
        }
        _ => write!(text, " ORCPT={orcpt}"),
    }
}

/// Seconds that nine digits can say (RFC 2852 section 4).
const LONGEST_TIME: i64 = 999_999_999;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Features;
    use crate::envelope::Shape;
    use crate::terms::{DeliverBy, Notify, Ret};

    /// Everything that can be asked for.
    fn transaction() -> Transaction {
        let from = "<ann@b\u{fc}cher.example>".parse().unwrap();
        let recipients = vec!["bob@example.net".parse().unwrap(), "cy@example.net".parse().unwrap()];
        let terms = Terms {
            ret: Some(Ret::Headers),
            envid: Some("QQ314+2B159".into()),
            priority: Some(-4),
            deliver_by: Some(DeliverBy { until: 130_500, mode: ByMode::Notify, trace: true }),
            auth: Some("<>".into()),
            require_tls: true,
            ..Terms::default()
        };
        let notify = Some(Notify { success: true, failure: false, delay: true });
        let wishes = vec![
            RecipientTerms { notify, orcpt: Some("utf-8;b\u{f6}b@example.net".into()) },
            RecipientTerms { notify: Some(Notify::NEVER), orcpt: None },
        ];
        Transaction { terms, wishes, utc: 10_000, ..Transaction::plain(from, recipients, Shape::default()) }
    }

    fn said(features: Features) -> String {
        let transaction = transaction();
        let plan = Plan::new(&transaction, &features);
        String::from_utf8(plan.octets(0..3, &transaction)).unwrap()
    }

    #[test]
    fn everything_is_passed_on_to_a_server_that_understands_it() {
        let features = Features {
            dsn: true,
            smtp_utf8: true,
            deliver_by: Some(0),
            mt_priority: true,
            auth: true,
            require_tls: true,
            ..Features::default()
        };
        assert_eq!(
            said(features),
            "MAIL FROM:<ann@b\u{fc}cher.example> SMTPUTF8 RET=HDRS ENVID=QQ314+2B159 BY=120;NT MT-PRIORITY=-4 AUTH=<> \
             REQUIRETLS\r\n\
             RCPT TO:<bob@example.net> NOTIFY=SUCCESS,DELAY ORCPT=utf-8;b\u{f6}b@example.net\r\n\
             RCPT TO:<cy@example.net> NOTIFY=NEVER\r\n"
        );
    }

    #[test]
    fn nothing_is_said_that_the_server_does_not_understand() {
        let plain = "MAIL FROM:<ann@xn--bcher-kva.example>\r\n\
                     RCPT TO:<bob@example.net>\r\nRCPT TO:<cy@example.net>\r\n";
        assert_eq!(said(Features::default()), plain);
    }

    #[test]
    fn without_smtputf8_an_original_recipient_is_written_in_ascii() {
        let text = said(Features { dsn: true, ..Features::default() });
        assert!(text.contains(" ORCPT=utf-8;b\\x{F6}b@example.net\r\n"), "{text}");
    }
}
