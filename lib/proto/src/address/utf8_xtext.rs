//! The ASCII form of an address in UTF-8 that delivery status notifications carry: the address type utf-8.
//!
//! Source: RFC 6533 section 3 (`utf-8-addr-xtext`, `utf-8-addr-unitext`).

use std::fmt::Write as _;

/// The text in ASCII, safe in ORCPT and in any header field: `\x{FC}` for what may not stand there.
pub fn encode(plain: &str) -> String {
    let mut word = String::with_capacity(plain.len());
    for c in plain.chars() {
        if stands(c) {
            word.push(c);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(word, "\\x{{{:02X}}}", u32::from(c));
        }
    }
    word
}

/// The text that `word` stands for; it may hold UTF-8 as it is. `None` if it has not that form, or holds control
/// characters.
pub fn decode(word: &str) -> Option<String> {
    let mut plain = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        let (c, length) = match c {
            '\\' => embedded(rest)?,
            _ if stands(c) || !c.is_ascii() => (c, c.len_utf8()),
            _ => return None,
        };
        if c.is_control() {
            return None;
        }
        plain.push(c);
        rest = rest.get(length..)?;
    }
    (!plain.is_empty()).then_some(plain)
}

/// The character at the beginning of `text`, in the form `\x{FC}`, and the length of that form.
fn embedded(text: &str) -> Option<(char, usize)> {
    let digits = text.strip_prefix("\\x{")?;
    let digits = digits.get(..digits.find('}')?)?;
    let good = (2..=6).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_hexdigit());
    let code = if good { u32::from_str_radix(digits, 16).ok()? } else { return None };
    Some((char::from_u32(code)?, digits.len() + 4))
}

/// `QCHAR`
fn stands(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '\\' | '+' | '=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_in_utf8_has_an_ascii_form() {
        let (plain, word) =
            ("j\u{fc}rgen+a=b\\@\u{1f600}.example", "j\\x{FC}rgen\\x{2B}a\\x{3D}b\\x{5C}@\\x{1F600}.example");
        assert_eq!(encode(plain), word);
        assert_eq!(decode(word).as_deref(), Some(plain));
        assert_eq!(decode("j\u{fc}rgen@a").as_deref(), Some("j\u{fc}rgen@a"));
    }

    #[test]
    fn what_has_not_that_form_is_refused() {
        for word in [
            "",
            "a b",
            "a+20b",
            "a=b",
            "\\",
            "\\x{}",
            "\\x{1}",
            "\\x{D800}",
            "\\x{110000}",
            "\\x{0000041}",
            "\\x{0A}",
            "\\x{85}",
            "\\u{41}",
            "\\x{41",
            "\\x{+1}",
        ] {
            assert_eq!(decode(word), None, "{word:?}");
        }
    }

    proptest! {
        #[test]
        fn encoding_then_decoding_is_the_identity(plain in "\\PC{1,40}") {
            let word = encode(&plain);
            prop_assert!(word.is_ascii());
            prop_assert_eq!(decode(&word), (!plain.contains(char::is_control)).then_some(plain));
        }
    }
}
