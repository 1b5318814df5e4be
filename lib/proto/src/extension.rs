//! The service extensions that EHLO announces.

/// What a server offers, in the words of EHLO.
///
/// Sources: RFC 2920 (PIPELINING), RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 2034 (ENHANCEDSTATUSCODES), RFC 5321
/// section 4.1.1.8 (HELP).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extensions {
    /// The largest content in octets, as SIZE announces it.
    pub size: u64,
}

impl Extensions {
    /// The keyword lines of the reply to EHLO, after its greeting line.
    pub fn lines(self) -> Vec<String> {
        vec![
            "PIPELINING".to_owned(),
            format!("SIZE {}", self.size),
            "8BITMIME".to_owned(),
            "ENHANCEDSTATUSCODES".to_owned(),
            "HELP".to_owned(),
        ]
    }
}
