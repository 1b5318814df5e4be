//! Base64, as AUTH uses it: in one line, padded, with nothing that does not belong there.
//!
//! Source: RFC 4648 sections 3.2, 3.3, 3.5 and 4; RFC 4954 section 4.

/// The base64 form of `octets`.
pub fn encode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for group in octets.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, octet| bits << 8 | u32::from(*octet)) << (8 * (3 - group.len()));
        for place in 0..4 {
            text.push(if place <= group.len() { character(bits >> (18 - 6 * place)) } else { '=' });
        }
    }
    text
}

/// The octets that `text` stands for; `None` if it is not base64: an octet outside the alphabet, padding that is missing
/// or surplus, bits that are left over and not zero.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len() / 4 * 3);
    let mut groups = text.chunks_exact(4);
    while let Some(group) = groups.next() {
        let padding = group.iter().rev().take_while(|octet| **octet == b'=').count();
        if padding > 2 || (padding > 0 && groups.len() > 0) {
            return None;
        }
        let mut bits = 0_u32;
        for octet in group.iter().take(4 - padding) {
            bits = bits << 6 | value(*octet)?;
        }
        let [_, decoded @ ..] = (bits << (6 * padding)).to_be_bytes();
        let (kept, left_over) = decoded.split_at_checked(3 - padding)?;
        if left_over.iter().any(|octet| *octet != 0) {
            return None;
        }
        octets.extend_from_slice(kept);
    }
    groups.remainder().is_empty().then_some(octets)
}

/// The character for the lowest six bits.
fn character(bits: u32) -> char {
    let value = u8::try_from(bits & 63).unwrap_or_default();
    char::from(match value {
        0..26 => b'A' + value,
        26..52 => b'a' + value - 26,
        52..62 => b'0' + value - 52,
        62 => b'+',
        _ => b'/',
    })
}

fn value(octet: u8) -> Option<u32> {
    let value = match octet {
        b'A'..=b'Z' => octet - b'A',
        b'a'..=b'z' => octet - b'a' + 26,
        b'0'..=b'9' => octet - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_rfc_come_out() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text.as_bytes()), Some(plain.as_bytes().to_vec()));
        }
        assert_eq!(encode(&[0xfb, 0xff, 0xfe]), "+//+");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "====", "Z===", "Zg==Zg==", "Zm9v\n", "Zm-v", "Zm 9",
            "Z=9v",
        ] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn encoding_then_decoding_is_the_identity(octets: Vec<u8>) {
            prop_assert_eq!(decode(encode(&octets).as_bytes()), Some(octets));
        }

        #[test]
        fn what_is_decoded_has_one_form(text in "[A-Za-z0-9+/=]{0,12}") {
            if let Some(octets) = decode(text.as_bytes()) {
                prop_assert_eq!(encode(&octets), text);
            }
        }
    }
}
