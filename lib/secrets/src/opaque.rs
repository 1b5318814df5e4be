//! The profile OpaqueString: what a name or a password must look like before it is compared.
//!
//! Source: RFC 8265 section 4.2. Spaces outside of ASCII become a space, the letters take their composed form, controls
//! and the empty string are refused.

use icu_normalizer::ComposingNormalizerBorrowed;

/// Longest name or password, in octets. Without a limit, hashing one would be a way to keep us busy.
pub const LONGEST: usize = 1_024;

/// Why a text is no name or password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpaqueError {
    /// There is nothing.
    #[error("is empty")]
    Empty,
    /// It is longer than [`LONGEST`].
    #[error("is longer than {LONGEST} octets")]
    Long,
    /// It is not UTF-8.
    #[error("is not UTF-8")]
    Encoding,
    /// It has a control character.
    #[error("has a control character")]
    Control,
}

/// Prepares a name or a password.
///
/// # Errors
/// It is none.
pub fn prepare(octets: &[u8]) -> Result<String, OpaqueError> {
    if octets.is_empty() {
        return Err(OpaqueError::Empty);
    }
    if octets.len() > LONGEST {
        return Err(OpaqueError::Long);
    }
    let text = std::str::from_utf8(octets).map_err(|_| OpaqueError::Encoding)?;
    if text.chars().any(char::is_control) {
        return Err(OpaqueError::Control);
    }
    let space = |c: char| if c.is_whitespace() { ' ' } else { c };
    Ok(ComposingNormalizerBorrowed::new_nfc().normalize_iter(text.chars().map(space)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_of_any_kind_is_a_space_and_letters_stay() {
        assert_eq!(prepare("corr\u{a0}ect\u{3000}Σ".as_bytes()), Ok("corr ect Σ".to_owned()));
    }

    #[test]
    fn a_letter_and_its_accent_are_one_letter() {
        assert_eq!(prepare("u\u{308}ber".as_bytes()), prepare("über".as_bytes()));
    }

    #[test]
    fn what_is_no_password_is_refused() {
        assert_eq!(prepare(b""), Err(OpaqueError::Empty));
        assert_eq!(prepare(b"a\0b"), Err(OpaqueError::Control));
        assert_eq!(prepare("a\u{85}b".as_bytes()), Err(OpaqueError::Control));
        assert_eq!(prepare(b"\xff"), Err(OpaqueError::Encoding));
        assert_eq!(prepare(&[b'a'; LONGEST + 1]), Err(OpaqueError::Long));
    }
}
