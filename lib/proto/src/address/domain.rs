//! Domains and address literals.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The right side of a mailbox: a name, in lower case, or an address literal.
///
/// # Shape
/// A name is 1 to 255 octets of labels separated by dots; a label is 1 to 63 letters, digits and hyphens, with no
/// hyphen at either end. The underscore is taken as a letter: internal hosts carry it and the DNS allows it. A name
/// with a closing dot is refused. A name with UTF-8 in it is kept in U-labels, and its form in A-labels must be a name
/// as above.
///
/// # Equality
/// Two names are equal if their [canonical](Domain::canonical) forms are: `bücher.example` equals
/// `xn--bcher-kva.example`.
///
/// # Source
/// RFC 5321 sections 4.1.2 (names), 4.1.3 (literals), 4.5.3.1.2 (length); RFC 6531 section 3.3 (U-labels), RFC 5891
/// section 5 and UTS 46 (their ASCII form).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Domain {
    /// A domain name: lower case, without a closing dot, as it was given, in U-labels or A-labels.
    Name(Box<str>),
    /// `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    Literal(IpAddr),
}

/// Why a text is not a domain; offsets count octets from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// There is nothing.
    #[error("the domain is empty")]
    Empty,
    /// Longer than 255 octets.
    #[error("the domain has {length} octets; 255 are allowed")]
    TooLong {
        /// The length in octets.
        length: usize,
    },
    /// A label is empty or longer than 63 octets.
    #[error("the label at octet {at} of the domain is empty or longer than 63 octets")]
    Label {
        /// Where the label begins.
        at: usize,
    },
    /// An octet that cannot stand there, a hyphen at the edge of a label included.
    #[error("octet {at} of the domain cannot stand there")]
    Octet {
        /// The octet.
        at: usize,
    },
    /// In brackets, but neither an IPv4 address nor `IPv6:` and an IPv6 address.
    #[error("not an address literal; write [192.0.2.1] or [IPv6:2001:db8::1]")]
    Literal,
    /// A name in Unicode that is not made of U-labels.
    #[error("the domain has no ASCII form in IDNA")]
    Idna,
}

impl Domain {
    /// The domain that a person wrote, who may use Unicode, in A-labels; for tools and configuration, never for SMTP.
    ///
    /// # Errors
    /// [`DomainError::Idna`] where there is no ASCII form, otherwise as for parsing.
    pub fn from_unicode(text: &str) -> Result<Self, DomainError> {
        if text.is_ascii() {
            return text.parse();
        }
        idna::domain_to_ascii(text).map_err(|_| DomainError::Idna)?.parse()
    }

    /// The name, unless this is an address literal.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Literal(_) => None,
        }
    }

    /// Whether there is a U-label in it, so that only SMTPUTF8 can carry it as it is.
    pub fn is_utf8(&self) -> bool {
        self.name().is_some_and(|name| !name.is_ascii())
    }

    /// The one form to look up, to compare and to store by: ASCII, in lower case, in A-labels; a literal in its
    /// brackets. Borrowed unless the domain holds UTF-8 or is a literal.
    pub fn canonical(&self) -> Cow<'_, str> {
        match self {
            Self::Name(name) => ascii(name),
            Self::Literal(_) => Cow::Owned(self.to_string()),
        }
    }
}

/// A name in A-labels. What is kept in a [`Domain`] always has them.
fn ascii(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        return Cow::Borrowed(name);
    }
    idna::domain_to_ascii(name).map_or(Cow::Borrowed(name), Cow::Owned)
}

impl FromStr for Domain {
    type Err = DomainError;

    fn from_str(text: &str) -> Result<Self, DomainError> {
        if let Some(rest) = text.strip_prefix('[') {
            let inner = rest.strip_suffix(']').ok_or(DomainError::Literal)?;
            return literal(inner).map(Self::Literal).ok_or(DomainError::Literal);
        }
        check_name(text)?;
        if !text.is_ascii() {
            return u_labels(text);
        }
        Ok(Self::Name(text.to_ascii_lowercase().into_boxed_str()))
    }
}

/// A name that holds UTF-8. One that means the same as a name in plain ASCII (full-width letters, say) is none.
fn u_labels(text: &str) -> Result<Domain, DomainError> {
    let ascii = idna::domain_to_ascii(text).map_err(|_| DomainError::Idna)?;
    check_name(&ascii).map_err(|_| DomainError::Idna)?;
    let (name, sound) = idna::domain_to_unicode(&ascii);
    if name.len() > MAX_LENGTH {
        return Err(DomainError::TooLong { length: name.len() });
    }
    // A fake A-label may decode to what is no label, or to one that encodes to something else.
    let lasting = check_name(&name).is_ok() && idna::domain_to_ascii(&name).is_ok_and(|again| again == ascii);
    if name.is_ascii() || sound.is_err() || !lasting {
        return Err(DomainError::Idna);
    }
    Ok(Domain::Name(name.into_boxed_str()))
}

/// The address inside the brackets; the registry of other tags is empty.
fn literal(inner: &str) -> Option<IpAddr> {
    match inner.split_at_checked(5) {
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6:") => {
            address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
        }
        _ => inner.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

fn check_name(text: &str) -> Result<(), DomainError> {
    if text.is_empty() {
        return Err(DomainError::Empty);
    }
    if text.len() > MAX_LENGTH {
        return Err(DomainError::TooLong { length: text.len() });
    }
    let mut start = 0;
    for label in text.split('.') {
        check_label(label, start)?;
        start += label.len() + 1;
    }
    Ok(())
}

fn check_label(label: &str, start: usize) -> Result<(), DomainError> {
    if label.is_empty() || (label.is_ascii() && label.len() > MAX_LABEL) {
        return Err(DomainError::Label { at: start });
    }
    let stands = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_' || !c.is_ascii();
    if let Some(at) = label.bytes().position(|c| !stands(c)) {
        return Err(DomainError::Octet { at: start + at });
    }
    if label.starts_with('-') {
        return Err(DomainError::Octet { at: start });
    }
    if label.ends_with('-') {
        return Err(DomainError::Octet { at: start + label.len() - 1 });
    }
    Ok(())
}

impl PartialEq for Domain {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(one), Self::Name(two)) => one == two || ascii(one) == ascii(two),
            (Self::Literal(one), Self::Literal(two)) => one == two,
            (Self::Name(_), Self::Literal(_)) | (Self::Literal(_), Self::Name(_)) => false,
        }
    }
}

impl Eq for Domain {}

impl PartialOrd for Domain {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Domain {
    /// Names before literals.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Name(one), Self::Name(two)) => ascii(one).cmp(&ascii(two)),
            (Self::Literal(one), Self::Literal(two)) => one.cmp(two),
            (Self::Name(_), Self::Literal(_)) => Ordering::Less,
            (Self::Literal(_), Self::Name(_)) => Ordering::Greater,
        }
    }
}

impl Hash for Domain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Name(name) => ascii(name).hash(state),
            Self::Literal(address) => address.hash(state),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Literal(IpAddr::V4(address)) => write!(f, "[{address}]"),
            Self::Literal(IpAddr::V6(address)) => write!(f, "[IPv6:{address}]"),
        }
    }
}

impl TryFrom<String> for Domain {
    type Error = DomainError;
    fn try_from(text: String) -> Result<Self, DomainError> {
        text.parse()
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.to_string()
    }
}

/// RFC 5321 section 4.5.3.1.2.
const MAX_LENGTH: usize = 255;

/// RFC 1035 section 2.3.4.
const MAX_LABEL: usize = 63;
