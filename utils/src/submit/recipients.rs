//! Who gets the message, and who sends it.

use super::heading::Heading;
use proto::address::{Mailbox, MailboxError, ReversePath};
use proto::message::{ListError, addresses};

/// An address, or a list of them, is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RecipientError {
    /// A list cannot be taken apart.
    #[error("{text:?}: {source}")]
    List {
        /// The list.
        text: String,
        /// What is wrong.
        source: ListError,
    },
    /// An address is none.
    #[error("{text:?} is not an address: {source}")]
    Address {
        /// The address.
        text: String,
        /// What is wrong.
        source: MailboxError,
    },
}

/// Everybody named by `arguments`, and with `from_header` by To, Cc and Bcc (of the Resent block, if there is one), in
/// that order and each once.
///
/// # Errors
/// [`RecipientError`]: one wrong address is enough.
pub(super) fn recipients(
    arguments: &[String],
    heading: &Heading<'_>,
    from_header: bool,
    hostname: &str,
) -> Result<Vec<Mailbox>, RecipientError> {
    let mut texts: Vec<String> = arguments.to_vec();
    if from_header {
        texts.extend(heading.destinations());
    }
    let mut found: Vec<Mailbox> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for text in texts {
        let list = addresses(&text).map_err(|source| RecipientError::List { text, source })?;
        for address in list {
            let mailbox = qualified(&address, hostname)?;
            if seen.insert(mailbox.clone()) {
                found.push(mailbox);
            }
        }
    }
    Ok(found)
}

/// The reverse-path that `-f` names, or the user's own.
///
/// # Errors
/// It is no address.
pub(super) fn sender(given: Option<&str>, user: &str, hostname: &str) -> Result<ReversePath, RecipientError> {
    let text = given.unwrap_or(user);
    let list = addresses(text).map_err(|source| RecipientError::List { text: text.into(), source })?;
    match list.as_slice() {
        [] => Ok(ReversePath::Null),
        [address] => qualified(address, hostname).map(ReversePath::Mailbox),
        _ => Err(RecipientError::List { text: text.into(), source: ListError::Stray(',') }),
    }
}

/// The mailbox, at this host if no domain is given.
fn qualified(address: &str, hostname: &str) -> Result<Mailbox, RecipientError> {
    let error = |source| RecipientError::Address { text: address.into(), source };
    match Mailbox::from_unicode(address) {
        Err(MailboxError::NoDomain) => Mailbox::from_unicode(&format!("{address}@{hostname}")).map_err(error),
        other => other.map_err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &[u8] =
        b"To: Ann <ann@x.example>,\r\n\tbob\r\nSubject: x\r\nBCC: cid, bob\r\n\r\nTo: body\r\n";

    fn found(arguments: &[&str], content: &[u8], from_header: bool) -> Result<Vec<String>, RecipientError> {
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        let list = recipients(&arguments, &Heading::split(content), from_header, "h.example")?;
        Ok(list.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_header_counts_only_when_asked_for() {
        assert_eq!(found(&["dan"], CONTENT, false).unwrap(), ["dan@h.example"]);
        let all = ["dan@h.example", "ann@x.example", "bob@h.example", "cid@h.example"];
        assert_eq!(found(&["dan"], CONTENT, true).unwrap(), all);
    }

    #[test]
    fn a_resent_message_goes_to_whom_it_is_resent() {
        assert_eq!(found(&[], b"Resent-To: eve\r\nTo: ann\r\n\r\n", true).unwrap(), ["eve@h.example"]);
    }

    #[test]
    fn one_wrong_address_is_enough() {
        assert!(matches!(found(&["a b"], b"", false), Err(RecipientError::List { .. })));
        let error = found(&["a..b@x"], b"", false).unwrap_err();
        assert!(matches!(error, RecipientError::Address { .. }), "{error}");
    }

    #[test]
    fn the_sender_is_who_it_is_unless_told_otherwise() {
        let sender = |given| sender(given, "ann", "h.example").map(|path| path.to_string());
        assert_eq!(sender(None).unwrap(), "<ann@h.example>");
        assert_eq!(sender(Some("bob@x.example")).unwrap(), "<bob@x.example>");
        assert_eq!((sender(Some("<>")).unwrap(), sender(Some("")).unwrap()), ("<>".into(), "<>".into()));
        assert!(sender(Some("a, b")).is_err());
    }
}
