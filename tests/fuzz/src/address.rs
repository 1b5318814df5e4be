//! Addresses: whatever is taken for one prints as itself and cannot break out of a command or a header field.

use proto::address::{ForwardPath, Mailbox, ReversePath};

pub(crate) fn check(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    if let Ok(mailbox) = text.parse::<Mailbox>() {
        harmless(&mailbox.to_string());
        assert_eq!(mailbox.to_string().parse().as_ref(), Ok(&mailbox), "a mailbox prints as itself");
    }
    if let Ok(path) = text.parse::<ReversePath>() {
        harmless(&path.to_string());
        assert_eq!(path.to_string().parse().as_ref(), Ok(&path), "a reverse-path prints as itself");
    }
    if let Ok(path) = text.parse::<ForwardPath>() {
        harmless(&path.to_string());
        assert_eq!(path.to_string().parse().as_ref(), Ok(&path), "a forward-path prints as itself");
    }
}

fn harmless(printed: &str) {
    assert!(!printed.contains(['\r', '\n', '\0']), "an address is one line: {printed:?}");
    assert!(printed.len() <= 1024, "an address is short: {}", printed.len());
}
