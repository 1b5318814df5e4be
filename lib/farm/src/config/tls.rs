//! `[tls]`: certificates, and what is agreed on with them.
//!
//! Decides the parameters of the section and what a pair of files is. Does not look into the files: the supervisor does.

use super::parameter::{Field, Kind, Parameter};
use super::registry::row;
use super::syntax::Syntax;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// The versions of TLS that may be the least.
const VERSIONS: &[&str] = &["1.2", "1.3"];

/// `[tls]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// `certificates`: the first is the default. None, and then there is no TLS.
    pub certificates: Vec<CertificateFiles>,
    /// `client-ca`: authorities that vouch for clients. None, and then no client is asked for a certificate.
    pub client_ca: Option<PathBuf>,
    /// `min-version`: `1.2` or `1.3`. 1.2.
    pub min_version: String,
    /// `session-tickets`: how long a key seals tickets, milliseconds; 0 for no tickets. 6 h.
    pub session_tickets: u64,
}

/// Where a certificate and its key are. Relative names are relative to the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFiles {
    /// The chain, the server's own certificate first.
    pub chain: PathBuf,
    /// The key; it may be the same file.
    pub key: PathBuf,
}

impl Syntax for CertificateFiles {
    fn parse(text: &str) -> Result<Self, String> {
        let files: Vec<&str> = text.split_whitespace().collect();
        match files.as_slice() {
            [both] => Ok(Self { chain: both.into(), key: both.into() }),
            [chain, key] => Ok(Self { chain: chain.into(), key: key.into() }),
            _ => Err("is not a pair of files; write \"/path/chain.pem /path/key.pem\"".into()),
        }
    }

    fn print(&self) -> String {
        let Self { chain, key } = self;
        if chain == key {
            chain.display().to_string()
        } else {
            format!("{} {}", chain.display(), key.display())
        }
    }
}

/// What counts when the file says nothing.
pub(super) fn tls() -> Tls {
    Tls {
        certificates: Vec::new(),
        client_ca: None,
        min_version: "1.2".to_owned(),
        session_tickets: 6 * HOUR,
    }
}

/// `[tls]`
pub const TLS: &[Parameter<Tls>] = &[
    row(
        "certificates",
        Kind::SyntaxList,
        |s| Field::WrittenList(&mut s.certificates),
        "Pairs of files, chain and key, one pair per certificate; the first is for clients that name no host.",
    ),
    row(
        "client-ca",
        Kind::File,
        |s| Field::File(&mut s.client_ca),
        "Authorities that vouch for clients; with it clients are asked for a certificate and need not have one.",
    ),
    row(
        "min-version",
        Kind::Word(VERSIONS),
        |s| Field::Text(&mut s.min_version),
        "The oldest version of TLS that is spoken, 1.2 or 1.3.",
    ),
    row(
        "session-tickets",
        Kind::Duration(0, 7 * DAY),
        |s| Field::Number(&mut s.session_tickets),
        "How long one key seals the tickets with which clients resume sessions; 0 gives out none.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_reads_back_as_itself_and_one_file_may_hold_both() {
        for text in ["/etc/ssl/a.pem /etc/ssl/a.key", "both.pem"] {
            assert_eq!(CertificateFiles::parse(text).unwrap().print(), text);
        }
        let both = CertificateFiles::parse(" both.pem ").unwrap();
        assert_eq!(both.chain, both.key);
    }

    #[test]
    fn none_or_three_files_are_no_pair() {
        for text in ["", "a b c"] {
            assert!(CertificateFiles::parse(text).unwrap_err().contains("write \"/path/chain.pem"));
        }
    }
}
