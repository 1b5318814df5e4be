//! Whether a server can have a transaction, and in what form.
//!
//! | what the message needs | and the server does not offer | then |
//! |---|---|---|
//! | REQUIRETLS | REQUIRETLS under TLS with a certificate that proves its name | 5.7.30 (RFC 8689 section 4.2.1); a notice goes out without (section 5) |
//! | so many octets | room for them | 5.3.4 (RFC 1870 section 5) |
//! | octets that no line can hold | BINARYMIME and CHUNKING | converted by the shell, or 5.6.3 (RFC 3030 section 3) |
//! | octets with the high bit set | 8BITMIME | converted by the shell, or 5.6.3 (RFC 6152 section 3) |
//! | UTF-8 in addresses | SMTPUTF8 | 5.6.7 (RFC 6531 section 3.5); a domain alone goes out in A-labels |
//! | UTF-8 in the header, or in that of a part | SMTPUTF8 | 5.6.9 (the same); parts are looked into by the shell |
//! | to arrive in time or come back | DELIVERBY, or a time so short | 5.3.3 (RFC 2852 section 4.1); 5.4.7 if it is late |
//!
//! DSN, MT-PRIORITY, AUTH and BY with `N` are left out where they are not offered.

use super::{Features, Transaction};
use crate::address::{Mailbox, ReversePath};
use crate::disposition::{Disposition, Outcome};
use crate::envelope::Shape;
use crate::message::convert::Target;
use crate::status::Status;
use crate::terms::{ByMode, DeliverBy};

impl Features {
    /// What a content of this shape has to be converted to for this server; `None` if it can go out as it is. `utf8` says
    /// that it came with SMTPUTF8: then its header sections may hold UTF-8. Where lines are too long and nothing else is
    /// wrong, it may go out as it is if it cannot be converted.
    pub fn conversion(&self, shape: &Shape, utf8: bool) -> Option<Target> {
        let ascii_header = utf8 && shape.eight_bit && !self.smtp_utf8;
        if self.chunks(shape) && !ascii_header {
            return None;
        }
        let misfit = shape.binary || shape.eight_bit && !self.eight_bit_mime;
        (misfit || ascii_header || shape.longest_line > LONGEST_LINE)
            .then_some(Target { eight_bit: self.eight_bit_mime, ascii_header })
    }

    /// Whether a content of this shape goes out with BDAT: only if no line can hold it, since DATA is as quick, and every
    /// server knows it.
    pub fn chunks(&self, shape: &Shape) -> bool {
        shape.binary && self.binary_mime && self.chunking
    }

    /// Whether this recipient can be named to the server.
    ///
    /// # Errors
    /// What becomes of it.
    pub fn names(&self, recipient: &Mailbox) -> Result<(), Disposition> {
        let fine = self.smtp_utf8 || !recipient.is_utf8() || recipient.to_ascii().is_some();
        if fine {
            Ok(())
        } else {
            Err(refusal(6, 7, "the address needs SMTPUTF8, which the server does not offer"))
        }
    }

    /// Whether MAIL says SMTPUTF8: something needs it, or may need it (the header of a part can hold UTF-8, too).
    pub(super) fn says_utf8(&self, transaction: &Transaction) -> bool {
        let Transaction { from, recipients, shape, terms, .. } = transaction;
        self.smtp_utf8
            && (terms.utf8 && shape.eight_bit || from.is_utf8() || recipients.iter().any(Mailbox::is_utf8))
    }

    /// Whether the transaction can be offered to the server at all; if not, why. `verified` says that the connection is
    /// under TLS and the server has proved its name.
    pub(super) fn refusal(&self, transaction: &Transaction, verified: bool) -> Option<Disposition> {
        let Transaction { from, shape, terms, .. } = transaction;
        let required = terms.require_tls && *from != ReversePath::Null;
        if required && !(verified && self.require_tls) {
            return Some(refusal(7, 30, "REQUIRETLS support required, and the server does not offer it"));
        }
        if let Some(limit) = self.size.filter(|&limit| limit > 0 && shape.size > limit) {
            let words = format!("a message of {} octets exceeds the server's limit of {limit}", shape.size);
            return Some(refusal(3, 4, &words));
        }
        let misfit = if self.chunks(shape) { None } else { self.misfit(shape) };
        misfit.or_else(|| self.utf8_refusal(transaction)).or_else(|| self.late(transaction))
    }

    fn misfit(&self, shape: &Shape) -> Option<Disposition> {
        if shape.binary {
            return Some(refusal(
                6,
                3,
                "the message has binary content, and the server does not offer BINARYMIME",
            ));
        }
        let words = "the message has 8-bit content, and the server does not offer 8BITMIME";
        (shape.eight_bit && !self.eight_bit_mime).then(|| refusal(6, 3, words))
    }

    fn utf8_refusal(&self, transaction: &Transaction) -> Option<Disposition> {
        let Transaction { from, recipients, shape, terms, .. } = transaction;
        if self.smtp_utf8 {
            return None;
        }
        if terms.utf8 && shape.utf8_header {
            return Some(refusal(6, 9, "the header needs SMTPUTF8, which the server does not offer"));
        }
        if from.mailbox().is_some_and(|from| self.names(from).is_err()) {
            return Some(refusal(
                6,
                7,
                "the sender's address needs SMTPUTF8, which the server does not offer",
            ));
        }
        recipients.iter().find_map(|recipient| self.names(recipient).err())
    }

    fn late(&self, transaction: &Transaction) -> Option<Disposition> {
        let by = transaction.terms.deliver_by.filter(|by| by.mode == ByMode::Return)?;
        let left = left(by, transaction.utc);
        if left <= 0 {
            return Some(refusal(4, 7, "the time for delivery is over"));
        }
        match self.deliver_by {
            None => Some(refusal(
                3,
                3,
                "the server does not offer DELIVERBY, and the message must arrive in time",
            )),
            Some(least) if left.unsigned_abs() < least => {
                let words = format!("{left} s are left for delivery, and the server asks for {least}");
                Some(refusal(3, 3, &words))
            }
            Some(_) => None,
        }
    }
}

/// Seconds that are left, rounded down.
pub(super) fn left(by: DeliverBy, utc: u64) -> i64 {
    let until = i64::try_from(by.until).unwrap_or(i64::MAX);
    let utc = i64::try_from(utc).unwrap_or(i64::MAX);
    (until - utc).div_euclid(1000)
}

fn refusal(subject: u16, detail: u16, words: &str) -> Disposition {
    Disposition::local(Outcome::Failed, Status::permanent(subject, detail), words)
}

/// Octets of a line, without its CRLF (RFC 5321 section 4.5.3.1.6).
const LONGEST_LINE: u32 = 998;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::Terms;

    fn transaction(to: &str, shape: Shape, terms: Terms) -> Transaction {
        let recipients = vec![to.parse().unwrap()];
        Transaction { from: ReversePath::Null, recipients, shape, terms, wishes: Vec::new(), utc: 10_000 }
    }

    fn refused(features: &Features, transaction: &Transaction) -> Option<String> {
        features.refusal(transaction, false).map(|disposition| disposition.status.to_string())
    }

    const NOTHING: Features = Features {
        pipelining: false,
        size: None,
        eight_bit_mime: false,
        chunking: false,
        binary_mime: false,
        smtp_utf8: false,
        dsn: false,
        deliver_by: None,
        mt_priority: false,
        require_tls: false,
        start_tls: false,
        auth: false,
        recipients: None,
        transactions: None,
    };

    #[test]
    fn what_the_server_cannot_take_is_refused_here() {
        let features = Features { size: Some(10), ..NOTHING };
        let status = |shape| refused(&features, &transaction("a@b", shape, Terms::default()));
        assert_eq!(status(Shape { size: 10, ..Shape::default() }), None);
        assert_eq!(status(Shape { size: 11, ..Shape::default() }), Some("5.3.4".into()));
        assert_eq!(status(Shape { eight_bit: true, ..Shape::default() }), Some("5.6.3".into()));
        assert_eq!(status(Shape { binary: true, ..Shape::default() }), Some("5.6.3".into()));
    }

    #[test]
    fn binary_content_needs_both_extensions() {
        let shape = Shape { binary: true, eight_bit: true, ..Shape::default() };
        for (chunking, binary_mime, fits) in [(true, false, false), (false, true, false), (true, true, true)]
        {
            let features = Features { chunking, binary_mime, ..NOTHING };
            let transaction = transaction("a@b", shape, Terms::default());
            assert_eq!(refused(&features, &transaction).is_none(), fits);
            assert_eq!(features.conversion(&shape, false).is_none(), fits);
            assert_eq!(features.chunks(&shape), fits);
        }
    }

    #[test]
    fn a_form_that_does_not_fit_is_to_be_converted() {
        let eight = Features { eight_bit_mime: true, ..NOTHING };
        let high = Shape { eight_bit: true, ..Shape::default() };
        let target = |eight_bit, ascii_header| Some(Target { eight_bit, ascii_header });
        assert_eq!(NOTHING.conversion(&high, false), target(false, false));
        assert_eq!(eight.conversion(&high, false), None);
        assert_eq!(eight.conversion(&high, true), target(true, true), "a part may have a header in UTF-8");
        assert_eq!(eight.conversion(&Shape::default(), true), None);
        let long = |longest_line| Shape { longest_line, ..Shape::default() };
        assert_eq!(eight.conversion(&long(999), false), target(true, false));
        assert_eq!(NOTHING.conversion(&long(998), false), None);
    }

    #[test]
    fn utf8_needs_smtputf8_unless_a_domain_can_be_written_in_a_labels() {
        let utf8 = Features { smtp_utf8: true, eight_bit_mime: true, ..NOTHING };
        let terms = Terms { utf8: true, ..Terms::default() };
        let plain = transaction("ann@example.org", Shape::default(), terms.clone());
        let local = transaction("\u{e4}@example.org", Shape::default(), terms.clone());
        let domain = transaction("ann@b\u{fc}cher.example", Shape::default(), terms.clone());
        let shape = Shape { eight_bit: true, utf8_header: true, ..Shape::default() };
        let header = transaction("ann@example.org", shape, terms);
        let eight = Features { eight_bit_mime: true, ..NOTHING };
        for (transaction, said, refusal) in [
            (&plain, false, None),
            (&domain, true, None),
            (&local, true, Some("5.6.7")),
            (&header, true, Some("5.6.9")),
        ] {
            assert_eq!(utf8.says_utf8(transaction), said);
            assert_eq!(refused(&utf8, transaction), None);
            assert_eq!(refused(&eight, transaction).as_deref(), refusal);
        }
    }

    #[test]
    fn a_message_that_requires_tls_goes_nowhere_without() {
        let terms = Terms { require_tls: true, ..Terms::default() };
        let notice = transaction("a@b", Shape::default(), terms);
        let transaction = Transaction { from: "<ann@example.org>".parse().unwrap(), ..notice.clone() };
        let features = Features { require_tls: true, ..NOTHING };
        assert_eq!(refused(&features, &transaction), Some("5.7.30".into()));
        assert_eq!(features.refusal(&transaction, true), None);
        assert!(NOTHING.refusal(&transaction, true).is_some());
        assert_eq!(NOTHING.refusal(&notice, false), None, "a notice is not lost for it");
    }

    #[test]
    fn a_message_that_must_return_is_not_given_to_a_server_that_would_not_return_it() {
        let by = |until, mode| {
            let terms =
                Terms { deliver_by: Some(DeliverBy { until, mode, trace: false }), ..Terms::default() };
            transaction("a@b", Shape::default(), terms)
        };
        let offering = |least| Features { deliver_by: Some(least), ..NOTHING };
        assert_eq!(refused(&NOTHING, &by(70_000, ByMode::Return)), Some("5.3.3".into()));
        assert_eq!(refused(&offering(60), &by(70_000, ByMode::Return)), None);
        assert_eq!(refused(&offering(61), &by(70_000, ByMode::Return)), Some("5.3.3".into()));
        assert_eq!(refused(&offering(0), &by(10_999, ByMode::Return)), Some("5.4.7".into()));
        assert_eq!(refused(&NOTHING, &by(9_000, ByMode::Notify)), None);
        assert_eq!(left(DeliverBy { until: 8_500, mode: ByMode::Notify, trace: false }, 10_000), -2);
    }
}
