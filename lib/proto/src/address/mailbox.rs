//! `local-part@domain`.

use super::local_part;
use super::{Domain, DomainError, LocalPartError};
use icu_normalizer::ComposingNormalizerBorrowed;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// A mailbox, `local-part@domain`.
///
/// # Shape
/// At most 254 octets, so that it fits a path. The case of the local part is kept and counts; its quoting is reduced to
/// the least that is possible, so that `"ann"@example.org` equals `ann@example.org`. A local part in UTF-8 is kept as it
/// was given and compared in the normal form C; domains are compared as [`Domain`] says.
///
/// # Source
/// RFC 5321 section 4.1.2 (grammar; "minimum quoting"), section 2.4 (case); RFC 6531 section 3.3 (UTF-8), RFC 6532
/// section 3.1 (normal form).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mailbox {
    local_part: Box<str>,
    domain: Domain,
}

/// Why a text is not a mailbox; offsets count octets from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    /// What stands before the `@` is no local part.
    #[error(transparent)]
    LocalPart(#[from] LocalPartError),
    /// No `@` follows the local part.
    #[error("no @ and domain after the local part")]
    NoDomain,
    /// Something else than `@` follows a quoted local part.
    #[error("octet {at} of the mailbox should be an @")]
    Octet {
        /// The octet.
        at: usize,
    },
    /// What stands after the `@` is no domain.
    #[error("{source}, counted from octet {at} of the mailbox")]
    Domain {
        /// Where the domain begins.
        at: usize,
        /// What is wrong with it.
        source: DomainError,
    },
    /// Longer than 254 octets.
    #[error("the mailbox has {length} octets; 254 are allowed")]
    TooLong {
        /// The length in octets.
        length: usize,
    },
}

impl Mailbox {
    /// The mailbox of `local_part` at `domain`.
    ///
    /// `local_part` is a local part as in the grammar, quoted where it has to be.
    ///
    /// # Errors
    /// [`MailboxError::LocalPart`], or [`MailboxError::TooLong`] for the whole.
    pub fn new(local_part: &str, domain: Domain) -> Result<Self, MailboxError> {
        let (canonical, length) = local_part::read(local_part)?;
        if length != local_part.len() {
            return Err(LocalPartError::Octet { at: length }.into());
        }
        Self::join(canonical, domain)
    }

    /// The mailbox that a person wrote, whose domain may be in Unicode and gets A-labels here, so that every host can
    /// take it; for tools and configuration, never for SMTP.
    ///
    /// # Errors
    /// As for parsing.
    pub fn from_unicode(text: &str) -> Result<Self, MailboxError> {
        Self::read(text, Domain::from_unicode)
    }

    /// The local part in its canonical form, with quotes where it needs them.
    pub fn local_part(&self) -> &str {
        &self.local_part
    }

    /// What the local part stands for, without quotes, in the normal form C: the name to look up among users and
    /// aliases.
    pub fn user(&self) -> String {
        let plain = local_part::unquote(&self.local_part);
        if plain.is_ascii() { plain } else { normal_form(&plain).into_owned() }
    }

    /// Whether it holds UTF-8, so that only SMTPUTF8 can carry it as it is.
    pub fn is_utf8(&self) -> bool {
        !self.local_part.is_ascii() || self.domain.is_utf8()
    }

    /// The same mailbox in ASCII, the domain in A-labels; `None` if the local part holds UTF-8.
    pub fn to_ascii(&self) -> Option<Self> {
        let name = self.domain.canonical();
        let domain = if self.domain.is_utf8() { name.parse().ok()? } else { self.domain.clone() };
        let local_part = self.local_part.is_ascii().then(|| self.local_part.to_string())?;
        Self::join(local_part, domain).ok()
    }

    /// By what two mailboxes are compared.
    fn key(&self) -> (Cow<'_, str>, &Domain) {
        (normal_form(&self.local_part), &self.domain)
    }

    /// The domain.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Reads all of `text`; `domain` reads what follows the `@`.
    fn read(text: &str, domain: fn(&str) -> Result<Domain, DomainError>) -> Result<Self, MailboxError> {
        let (canonical, length) = local_part::read(text)?;
        let after = text.get(length..).unwrap_or_default();
        if after.is_empty() {
            return Err(MailboxError::NoDomain);
        }
        let Some(rest) = after.strip_prefix('@') else {
            return Err(MailboxError::Octet { at: length });
        };
        let domain = domain(rest).map_err(|source| MailboxError::Domain { at: length + 1, source })?;
        Self::join(canonical, domain)
    }

    fn join(canonical: String, domain: Domain) -> Result<Self, MailboxError> {
        let mailbox = Self { local_part: canonical.into_boxed_str(), domain };
        let length = mailbox.to_string().len();
        if length > MAX_LENGTH { Err(MailboxError::TooLong { length }) } else { Ok(mailbox) }
    }
}

/// The form by which a local part, without quotes, is looked up without regard to case: normal form C, in lower case.
pub fn folded(plain: &str) -> String {
    if plain.is_ascii() {
        plain.to_ascii_lowercase()
    } else {
        normal_form(&plain.to_lowercase()).into_owned()
    }
}

fn normal_form(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { ComposingNormalizerBorrowed::new_nfc().normalize(text) }
}

impl PartialEq for Mailbox {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Mailbox {}

impl PartialOrd for Mailbox {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Mailbox {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for Mailbox {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl FromStr for Mailbox {
    type Err = MailboxError;

    fn from_str(text: &str) -> Result<Self, MailboxError> {
        Self::read(text, str::parse)
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part, self.domain)
    }
}

impl TryFrom<String> for Mailbox {
    type Error = MailboxError;
    fn try_from(text: String) -> Result<Self, MailboxError> {
        text.parse()
    }
}

impl From<Mailbox> for String {
    fn from(mailbox: Mailbox) -> Self {
        mailbox.to_string()
    }
}

/// The longest path of RFC 5321 section 4.5.3.1.3, without its angle brackets.
const MAX_LENGTH: usize = 254;
