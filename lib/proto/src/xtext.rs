//! xtext: any octets in a word of a command.
//!
//! An octet from `!` to `~` stands for itself, but `+` and `=`; every octet may be written `+XX`, with two hexadecimal
//! digits in upper case.
//!
//! Source: RFC 3461 section 4.

/// The octets of `text` in xtext.
pub fn encode(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_graphic() && !matches!(octet, b'+' | b'=') {
            word.push(char::from(octet));
        } else {
            word.push('+');
            word.extend([octet >> 4, octet & 15].map(digit));
        }
    }
    word
}

/// The octets that `word` stands for; `None` if it is no xtext.
pub fn decode(word: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(word.len());
    let mut rest = word.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'+' => value(rest.next()?)? << 4 | value(rest.next()?)?,
            b'=' => return None,
            _ if octet.is_ascii_graphic() => octet,
            _ => return None,
        });
    }
    Some(octets)
}

/// The text that `word` stands for; `None` if it is no xtext, or holds control characters or what is not UTF-8.
///
/// Nothing that passes here can end a line, wherever it is printed.
pub fn decode_text(word: &str) -> Option<String> {
    let text = String::from_utf8(decode(word)?).ok()?;
    (!text.contains(char::is_control)).then_some(text)
}

fn digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_must_be_encoded_is() {
        assert_eq!(encode("a b+c=d\u{fc}~"), "a+20b+2Bc+3Dd+C3+BC~");
        assert_eq!(decode_text("a+20b+2Bc+3Dd+C3+BC~+41"), Some("a b+c=d\u{fc}~A".to_owned()));
    }

    #[test]
    fn what_is_no_xtext_is_refused() {
        for word in ["a b", "+", "+4", "+4g", "+4a", "a=b", "\u{fc}", "a\r", "+ 4"] {
            assert_eq!(decode(word), None, "{word:?}");
        }
        for word in ["+0D+0A", "+00", "+C2+85", "+FF"] {
            assert_eq!(decode_text(word), None, "{word:?}");
        }
    }

    proptest! {
        #[test]
        fn encoding_then_decoding_is_the_identity(text: String) {
            let word = encode(&text);
            prop_assert!(word.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'='));
            prop_assert_eq!(decode(&word), Some(text.into_bytes()));
        }
    }
}
