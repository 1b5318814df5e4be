//! What the header of an entity says about its body.

use crate::message::{Field, fields};

/// The header of one entity, as far as it matters here.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// A MIME-Version field stands in it.
    pub(super) versioned: bool,
    /// The media type, if one is told.
    media: Option<Media>,
    /// The value of Content-Transfer-Encoding in lower case.
    encoding: Option<Vec<u8>>,
    /// A signature covers the body.
    signed: bool,
    /// Some octet has its high bit set.
    pub(super) eight_bit: bool,
    /// Something stands there that no hop takes but by BDAT.
    pub(super) binary: bool,
    /// A field is too long to be read.
    pub(super) oversized: bool,
}

/// What a body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text in lines.
    Text,
    /// Parts between delimiters with this boundary, which are messages if nothing else is said (`multipart/digest`).
    Multipart(Vec<u8>, bool),
    /// A message.
    Message,
    /// Something that must not be encoded, or cannot be understood.
    Opaque,
    /// Any octets.
    Other,
}

/// How a body is encoded already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Not at all, and that is what it is called.
    Identity(Label),
    /// In quoted-printable or base64.
    Encoded,
    /// In a way that is unknown.
    Unknown,
}

/// What octets that are not encoded are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Label {
    None,
    SevenBit,
    EightBit,
    Binary,
}

#[derive(Debug)]
struct Media {
    /// `type/subtype` in lower case.
    name: Vec<u8>,
    boundary: Option<Vec<u8>>,
}

impl Head {
    /// Reads one whole field.
    pub(super) fn note(&mut self, raw: &[u8]) {
        self.octets(raw);
        let Some(field) = fields(raw).next() else { return };
        if field.is("Content-Type") {
            self.media = self.media.take().or_else(|| Some(Media::of(&field)));
        } else if field.is(CONTENT_TRANSFER_ENCODING) {
            let value = uncommented(field.value).to_ascii_lowercase();
            self.encoding = self.encoding.take().or(Some(value.trim_ascii().to_vec()));
        } else if field.is("MIME-Version") {
            self.versioned = true;
        } else {
            self.signed |= field.is("DKIM-Signature") || field.is("ARC-Message-Signature");
        }
    }

    /// Notes what stands in the header, whatever it means.
    pub(super) fn octets(&mut self, raw: &[u8]) {
        self.eight_bit |= !raw.is_ascii();
        let pairs = memchr::memmem::find_iter(raw, b"\r\n").count();
        let count = |octet| memchr::memchr_iter(octet, raw).count();
        self.binary |= count(b'\r') != pairs || count(b'\n') != pairs || count(0) > 0;
    }

    /// Whether a media type is told.
    pub(super) fn is_typed(&self) -> bool {
        self.media.is_some()
    }

    /// Whether nothing below may be changed.
    pub(super) fn seals(&self) -> bool {
        let name = self.media.as_ref().map_or(&b""[..], |media| &media.name);
        self.signed || SEALED.contains(&name) || name.starts_with(b"application/pgp-")
    }

    /// How the body is encoded.
    pub(super) fn encoding(&self) -> Encoding {
        match self.encoding.as_deref() {
            None => Encoding::Identity(Label::None),
            Some(b"7bit") => Encoding::Identity(Label::SevenBit),
            Some(b"8bit") => Encoding::Identity(Label::EightBit),
            Some(b"binary") => Encoding::Identity(Label::Binary),
            Some(b"quoted-printable" | b"base64") => Encoding::Encoded,
            Some(_) => Encoding::Unknown,
        }
    }

    /// What the body is; without a type it is a message in a digest, else text (RFC 2046 section 5.1.5).
    pub(super) fn kind(&self, in_digest: bool) -> Kind {
        let Some(media) = &self.media else {
            return if in_digest { Kind::Message } else { Kind::Text };
        };
        if media.name.starts_with(b"multipart/") {
            let digest = media.name == b"multipart/digest";
            return media.boundary.clone().map_or(Kind::Opaque, |boundary| Kind::Multipart(boundary, digest));
        }
        match media.name.as_slice() {
            b"message/rfc822" => Kind::Message,
            name if name.starts_with(b"message/global") => Kind::Other,
            name if name.starts_with(b"message/") => Kind::Opaque,
            name if name.starts_with(b"text/") || name.is_empty() => Kind::Text,
            _ => Kind::Other,
        }
    }
}

impl Media {
    /// Reads the value of Content-Type; what cannot be read is left out.
    fn of(field: &Field<'_>) -> Self {
        let value = uncommented(field.value);
        let mut parts = Parts(&value);
        let name = parts.next().unwrap_or_default();
        let name = name.iter().filter(|octet| !octet.is_ascii_whitespace()).map(u8::to_ascii_lowercase);
        let name = name.collect();
        let boundary = parts.find_map(|part| {
            let (key, value) = part.split_at_checked(memchr::memchr(b'=', &part)?)?;
            let value = unquoted(value.get(1..)?.trim_ascii());
            let fits = (1..=LONGEST_BOUNDARY).contains(&value.len());
            (key.trim_ascii().eq_ignore_ascii_case(b"boundary") && fits).then_some(value)
        });
        Self { name, boundary }
    }
}

/// The parts of a value between semicolons; those in quoted strings separate nothing.
struct Parts<'a>(&'a [u8]);

impl Iterator for Parts<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        let (mut quoted, mut escaped) = (false, false);
        let end = self.0.iter().position(|&octet| {
            let ends = octet == b';' && !quoted;
            quoted ^= octet == b'"' && !escaped;
            escaped = quoted && octet == b'\\' && !escaped;
            ends
        });
        let (part, after) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = after.get(1..).unwrap_or_default();
        Some(part.to_vec())
    }
}

/// A value without its comments and line ends.
fn uncommented(value: &[u8]) -> Vec<u8> {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    let kept = value.iter().copied().filter(|&octet| {
        let within = depth > 0;
        match octet {
            _ if escaped => {}
            b'"' if !within => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        escaped = octet == b'\\' && !escaped && (quoted || within);
        !within && depth == 0 && !matches!(octet, b'\r' | b'\n')
    });
    kept.collect()
}

/// A quoted string without its quotes and backslashes; anything else as it is.
fn unquoted(value: &[u8]) -> Vec<u8> {
    let Some(rest) = value.strip_prefix(b"\"") else { return value.to_vec() };
    let mut text = Vec::new();
    let mut octets = rest.iter();
    while let Some(&octet) = octets.next() {
        match octet {
            b'"' => break,
            b'\\' => text.extend(octets.next()),
            _ => text.push(octet),
        }
    }
    text
}

/// The field that says how a body is encoded.
pub(super) const CONTENT_TRANSFER_ENCODING: &str = "Content-Transfer-Encoding";

/// Types below which nothing is changed: RFC 1847 sections 2.1 and 2.2, RFC 8551 section 3.
const SEALED: [&[u8]; 4] =
    [b"multipart/signed", b"multipart/encrypted", b"application/pkcs7-mime", b"application/x-pkcs7-mime"];

/// RFC 2046 section 5.1.1 allows 70; more is forgiven.
const LONGEST_BOUNDARY: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        let mut head = Head::default();
        for field in fields(text.as_bytes()) {
            head.note(field.raw);
        }
        head
    }

    fn kind(content_type: &str) -> Kind {
        head(&format!("Content-Type: {content_type}\r\n")).kind(false)
    }

    #[test]
    fn a_boundary_is_found_where_it_stands() {
        let multipart = |boundary: &str| Kind::Multipart(boundary.into(), false);
        assert_eq!(kind("multipart/mixed; boundary=abc"), multipart("abc"));
        assert_eq!(
            kind("Multipart/Mixed (x;y);\r\n\tcharset=\"a;b\"; BOUNDARY = \"a \\\"b; c\""),
            multipart("a \"b; c")
        );
        assert_eq!(kind("multipart/digest; boundary=x"), Kind::Multipart("x".into(), true));
        assert_eq!(kind("multipart/mixed"), Kind::Opaque);
        assert_eq!(kind("multipart/mixed; boundary=\"\""), Kind::Opaque);
    }

    #[test]
    fn the_type_decides_what_a_body_is() {
        assert_eq!(kind("text/html"), Kind::Text);
        assert_eq!(kind("image/png; name=\"x.png\""), Kind::Other);
        assert_eq!(kind("message/rfc822"), Kind::Message);
        assert_eq!(kind("message/partial"), Kind::Opaque);
        assert_eq!(head("").kind(false), Kind::Text);
        assert_eq!(head("").kind(true), Kind::Message);
    }

    #[test]
    fn seals_are_known() {
        for text in [
            "Content-Type: multipart/signed; boundary=x\r\n",
            "Content-Type: application/pkcs7-mime\r\n",
            "Content-Type: application/pgp-encrypted\r\n",
            "dkim-signature: v=1\r\n",
            "ARC-Message-Signature: i=1\r\n",
        ] {
            assert!(head(text).seals(), "{text}");
        }
        assert!(!head("ARC-Seal: i=1\r\nContent-Type: text/plain\r\n").seals());
    }

    #[test]
    fn encodings_are_read_without_their_comments() {
        let encoding = |value: &str| head(&format!("{CONTENT_TRANSFER_ENCODING}: {value}\r\n")).encoding();
        assert_eq!(encoding(" BASE64 (of course)"), Encoding::Encoded);
        assert_eq!(encoding("8bit"), Encoding::Identity(Label::EightBit));
        assert_eq!(encoding("x-uuencode"), Encoding::Unknown);
        assert_eq!(head("").encoding(), Encoding::Identity(Label::None));
    }

    #[test]
    fn octets_of_a_header_are_noted() {
        assert!(head("X: \u{e9}\r\n").eight_bit);
        assert!(!head("X: y\r\n\tz\r\n").binary);
        assert!(head("X: y\rz\r\n").binary);
        assert!(head("X: y\n\tz\r\n").binary);
    }
}
