//! Addresses and names in a notice: in UTF-8 where the notice may hold it, otherwise in an ASCII form.

use crate::address::{Mailbox, utf8_xtext};
use crate::message::printable;
use crate::xtext;

/// Octets that an address may have to stand on a line as it is.
const LONGEST: usize = 900;

/// A text for people: without anything that could end a line, and without UTF-8 where there must be none.
pub(super) fn shown(text: &str, utf8: bool) -> String {
    if utf8 { text.chars().map(|c| if c.is_control() { '?' } else { c }).collect() } else { printable(text) }
}

/// An address for people.
pub(super) fn address(mailbox: &Mailbox, utf8: bool) -> String {
    let plain = mailbox.to_string();
    if plain.is_ascii() || utf8 { plain } else { utf8_xtext::encode(&plain) }
}

/// A recipient with its address type: `rfc822; a@b.example` (RFC 3464 section 2.3.2, RFC 6533 section 3).
pub(super) fn typed(mailbox: &Mailbox, utf8: bool) -> String {
    let kind = if mailbox.to_string().is_ascii() { "rfc822" } else { "utf-8" };
    format!("{kind}; {}", address(mailbox, utf8))
}

/// The recipient that the sender gave, of which ORCPT holds the encoded form (RFC 3464 section 2.3.1). `None` if that
/// is none.
pub(super) fn original(orcpt: &str, utf8: bool) -> Option<String> {
    let (kind, word) = orcpt.split_once(';')?;
    if !kind.eq_ignore_ascii_case("utf-8") {
        return Some(format!("{kind}; {}", shown(&xtext::decode_text(word)?, utf8)));
    }
    let plain = utf8_xtext::decode(word)?;
    let ascii = !utf8 || plain.len() > LONGEST;
    Some(format!("utf-8; {}", if ascii { utf8_xtext::encode(&plain) } else { plain }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_that_the_sender_gave_is_decoded() {
        for (orcpt, utf8, expected) in [
            ("rfc822;a+2Bb@x.example", false, Some("rfc822; a+b@x.example")),
            ("RFC822;a@x.example", true, Some("RFC822; a@x.example")),
            ("utf-8;j\\x{FC}@x.example", false, Some("utf-8; j\\x{FC}@x.example")),
            ("utf-8;j\\x{FC}@x.example", true, Some("utf-8; j\u{fc}@x.example")),
            ("rfc822;a+0Db", false, None),
            ("rfc822", false, None),
        ] {
            assert_eq!(original(orcpt, utf8).as_deref(), expected, "{orcpt}");
        }
    }

    #[test]
    fn an_address_in_utf8_has_an_ascii_form_where_it_needs_one() {
        let mailbox: Mailbox = "j\u{fc}@x.example".parse().unwrap();
        assert_eq!(typed(&mailbox, true), "utf-8; j\u{fc}@x.example");
        assert_eq!(typed(&mailbox, false), "utf-8; j\\x{FC}@x.example");
        assert_eq!(shown("j\u{fc}\r\n", true), "j\u{fc}??");
        assert_eq!(shown("j\u{fc}", false), "j?");
    }
}
