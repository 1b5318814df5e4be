//! Base64 with padding (RFC 4648 section 4), as SASL and the users file have it.

use base64ct::{Base64, Encoding};

/// The octets that a text stands for; `None` if it is not base64.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

/// The text that stands for these octets.
pub fn encode(octets: &[u8]) -> String {
    Base64::encode_string(octets)
}
