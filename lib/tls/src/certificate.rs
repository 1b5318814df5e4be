//! What a certificate (RFC 5280) says of itself. Whether that is true is not decided here.

use crate::der::{Der, tag, time};
use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// Attribute types of a subject that have a short name (RFC 4514 section 3, and the e-mail address of RFC 2985).
const ATTRIBUTES: [(&[u8], &str); 7] = [
    (COMMON_NAME, "CN"),
    (&[0x55, 0x04, 0x06], "C"),
    (&[0x55, 0x04, 0x07], "L"),
    (&[0x55, 0x04, 0x08], "ST"),
    (&[0x55, 0x04, 0x0a], "O"),
    (&[0x55, 0x04, 0x0b], "OU"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01], "emailAddress"),
];

/// Signature algorithms (RFC 8017, RFC 5758) and the hash that `tls-server-end-point` takes: the one of the signature,
/// SHA-256 in place of MD5 and SHA-1 (RFC 5929 section 4.1). Others have none.
const SIGNATURES: [(&[u8], &digest::Algorithm); 9] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04], &SHA256),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05], &SHA256),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b], &SHA256),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c], &SHA384),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d], &SHA512),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01], &SHA256),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02], &SHA256),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03], &SHA384),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04], &SHA512),
];

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its subject: `CN=alice, O=Example`; control characters are replaced.
    pub subject: String,
    /// The first common name of the subject.
    pub common_name: Option<String>,
    /// Host names that it is for, in lower case; they may begin with `*.`.
    pub hosts: Vec<String>,
    /// Mailboxes that it is for.
    pub mailboxes: Vec<String>,
    /// It is valid from then on; seconds since 1970.
    pub not_before: u64,
    /// It is valid until then; seconds since 1970.
    pub not_after: u64,
    /// SHA-256 of all of it.
    pub fingerprint: [u8; 32],
    /// The channel binding `tls-server-end-point` (RFC 5929 section 4.1), if one is defined for its signature.
    pub end_point: Option<Vec<u8>>,
}

impl Certificate {
    /// Reads a certificate in DER; `None` if it is none.
    pub fn read(der: &[u8]) -> Option<Self> {
        let mut whole = Der(der).enter(tag::SEQUENCE)?;
        let mut body = whole.enter(tag::SEQUENCE)?;
        let algorithm = whole.enter(tag::SEQUENCE)?.take(tag::OID)?;
        let _version = body.optional(tag::VERSION);
        // Serial number, signature, issuer.
        for _ in 0..3 {
            body.next()?;
        }
        let mut validity = body.enter(tag::SEQUENCE)?;
        let mut bound = || validity.next().and_then(|(tag, text)| time(tag, text));
        let (not_before, not_after) = (bound()?, bound()?);
        let (subject, common_name) = subject(body.enter(tag::SEQUENCE)?);
        let (hosts, mailboxes) = names(body);
        let hash = SIGNATURES.iter().find(|(oid, _)| *oid == algorithm).map(|(_, hash)| hash);
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest::digest(&SHA256, der).as_ref());
        let end_point = hash.map(|hash| digest::digest(hash, der).as_ref().to_vec());
        Some(Self { subject, common_name, hosts, mailboxes, not_before, not_after, fingerprint, end_point })
    }
}

/// The subject as text, and its first common name.
fn subject(mut sets: Der<'_>) -> (String, Option<String>) {
    let mut parts = Vec::new();
    let mut common_name = None;
    while let Some(mut set) = sets.enter(tag::SET) {
        while let Some(mut attribute) = set.enter(tag::SEQUENCE) {
            let (Some(oid), Some((_, value))) = (attribute.take(tag::OID), attribute.next()) else { break };
            let value = text(value);
            let name = ATTRIBUTES.iter().find(|(known, _)| *known == oid).map_or("?", |(_, name)| name);
            parts.push(format!("{name}={value}"));
            if oid == COMMON_NAME {
                common_name.get_or_insert(value);
            }
        }
    }
    (parts.join(", "), common_name)
}

/// Hosts and mailboxes among the alternative names (RFC 5280 section 4.2.1.6), from the key of the certificate on.
fn names(mut body: Der<'_>) -> (Vec<String>, Vec<String>) {
    let (mut hosts, mut mailboxes) = (Vec::new(), Vec::new());
    while let Some((tag, content)) = body.next() {
        let Some(mut extensions) = Some(Der(content)).filter(|_| tag == tag::EXTENSIONS) else { continue };
        let Some(mut list) = extensions.enter(tag::SEQUENCE) else { break };
        while let Some(mut extension) = list.enter(tag::SEQUENCE) {
            if extension.take(tag::OID) != Some(ALTERNATIVE_NAMES) {
                continue;
            }
            let _critical = extension.optional(tag::BOOLEAN);
            let content = extension.take(tag::OCTETS).and_then(|octets| Der(octets).enter(tag::SEQUENCE));
            let Some(mut general) = content else { continue };
            while let Some((kind, value)) = general.next() {
                match kind {
                    tag::HOST => hosts.push(text(value).to_ascii_lowercase()),
                    tag::MAILBOX => mailboxes.push(text(value)),
                    _ => {}
                }
            }
        }
    }
    (hosts, mailboxes)
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::world::{Kind, certificate};

    #[test]
    fn names_and_times_of_a_certificate_are_read() {
        let (der, _) = certificate(Kind::P256, &["Mail.Example.org", "*.example.net", "alice@example.org"]);
        let read = Certificate::read(&der).unwrap();
        assert_eq!(read.hosts, ["mail.example.org", "*.example.net"]);
        assert_eq!(read.mailboxes, ["alice@example.org"]);
        assert_eq!(read.subject, "CN=rcgen self signed cert");
        assert_eq!(read.common_name.as_deref(), Some("rcgen self signed cert"));
        assert!(read.not_before < read.not_after);
        assert_eq!(read.end_point.as_deref(), Some(read.fingerprint.as_slice()));
    }

    #[test]
    fn a_signature_without_a_hash_gives_no_end_point() {
        let (der, _) = certificate(Kind::Ed25519, &["mail.example.org"]);
        assert_eq!(Certificate::read(&der).unwrap().end_point, None);
    }

    #[test]
    fn any_cut_of_a_certificate_is_read_or_not_and_never_panics() {
        let (der, _) = certificate(Kind::P256, &["mail.example.org"]);
        for end in 0..der.len() {
            assert_eq!(Certificate::read(&der[..end]), None);
            let mut touched = der.clone();
            touched[end] ^= 0xff;
            let _either = Certificate::read(&touched);
        }
    }
}
