//! The fields that final delivery puts in front of a message.

use super::Folded;
use crate::address::{Mailbox, ReversePath};

/// The line `Return-Path: <mailbox>` with its CRLF; `<>` for a notice.
///
/// Source: RFC 5321 section 4.4: written once, by the system that makes final delivery.
pub fn return_path(from: &ReversePath) -> String {
    one_word("Return-Path", &from.to_string())
}

/// The line `Delivered-To: mailbox` with its CRLF: by it a message that comes back to the same mailbox is recognised
/// as a loop.
pub fn delivered_to(mailbox: &Mailbox) -> String {
    one_word("Delivered-To", &mailbox.to_string())
}

/// Only an address that came with SMTPUTF8 holds UTF-8; then the header may, too (RFC 6532 section 3.2).
fn one_word(name: &str, word: &str) -> String {
    if !word.is_ascii() {
        let word: String = word.chars().filter(|c| !c.is_control()).collect();
        return format!("{name}: {word}\r\n");
    }
    let mut field = Folded::new(name);
    field.word(word);
    field.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reverse_path_keeps_its_brackets() {
        let from = ReversePath::Mailbox("ann@example.org".parse().unwrap());
        assert_eq!(return_path(&from), "Return-Path: <ann@example.org>\r\n");
        assert_eq!(return_path(&ReversePath::Null), "Return-Path: <>\r\n");
    }

    #[test]
    fn an_address_in_utf8_stays_as_it_is() {
        let from = ReversePath::Mailbox("j\u{f6}rg@b\u{fc}cher.example".parse().unwrap());
        assert_eq!(return_path(&from), "Return-Path: <j\u{f6}rg@b\u{fc}cher.example>\r\n");
    }

    #[test]
    fn the_mailbox_of_delivery_is_named() {
        assert_eq!(delivered_to(&"Bob@Example.ORG".parse().unwrap()), "Delivered-To: Bob@example.org\r\n");
    }
}
