//! How much TLS a job needs.
//!
//! The rule of its host decides, unless the message says more or less: REQUIRETLS on MAIL asks for TLS to a server that has
//! proved its name (RFC 8689 section 4.2.1), a `TLS-Required: No` header asks for delivery rather than TLS (section 5), and
//! counts only without REQUIRETLS. A notice about a message with REQUIRETLS is encrypted where that can be, and not lost
//! where it cannot (section 5). Jobs with different demands never share a connection.

use crate::agent::Work;
use proto::address::ReversePath;
use proto::client::Protection;
use proto::message::fields;

/// What the host's rule means in the words of the configuration.
pub(super) fn of_rule(word: &str) -> Protection {
    match word {
        "no" => Protection::Never,
        "must" => Protection::Must,
        _ => Protection::May,
    }
}

/// What a job needs at a host with this rule. `scratch` is room for a header.
pub(super) fn of_job(work: &Work, rule: Protection, scratch: &mut Vec<u8>) -> Protection {
    if work.job.terms.require_tls {
        if work.job.from == ReversePath::Null { rule.max(Protection::May) } else { Protection::RequireTls }
    } else if rule == Protection::Must && waives(work, scratch) {
        Protection::May
    } else {
        rule
    }
}

/// The name under which a host is kept for jobs that need something else than its rule says; no host has a NUL in its name.
pub(super) fn key(host: &str, demand: Protection) -> String {
    format!("{host}\0{demand:?}")
}

/// Whether the header says `TLS-Required: No`. A content that cannot be read says nothing here; its delivery will.
fn waives(work: &Work, scratch: &mut Vec<u8>) -> bool {
    let header = usize::try_from(work.job.shape.header).unwrap_or(usize::MAX).min(LONGEST_HEADER);
    let Ok((_, range)) = work.body.begin(scratch, header) else { return false };
    says_no(scratch.get(range).unwrap_or_default())
}

fn says_no(header: &[u8]) -> bool {
    fields(header)
        .any(|field| field.is("TLS-Required") && field.value.trim_ascii().eq_ignore_ascii_case(b"No"))
}

/// Octets of a header that are read.
const LONGEST_HEADER: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_header_can_waive_tls() {
        assert!(says_no(b"Subject: x\r\ntls-required:  no\r\n\r\n"));
        assert!(!says_no(b"TLS-Required: yes\r\n\r\n"));
        assert!(!says_no(b"Subject: x\r\n\r\nTLS-Required: No\r\n"));
    }

    #[test]
    fn a_rule_is_read() {
        let read = ["no", "may", "must"].map(of_rule);
        assert_eq!(read, [Protection::Never, Protection::May, Protection::Must]);
    }
}
