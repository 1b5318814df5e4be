//! What a rule is once it is understood.

use super::Template;
use crate::config::Network;
use proto::address::Domain;
use proto::status::Status;

/// When a rule is asked. In the order of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before the greeting.
    Connect,
    /// At HELO, EHLO and LHLO.
    Helo,
    /// At MAIL.
    Mail,
    /// At each RCPT.
    Rcpt,
    /// At DATA, or the first BDAT.
    Data,
    /// Once all of the content is there.
    Content,
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The line it begins on, from 1.
    pub line: usize,
    /// When it is asked.
    pub phase: Phase,
    /// What must hold, all of it.
    pub conditions: Vec<Condition>,
    /// It only says in the journal what it would do.
    pub warn: bool,
    /// What is done then.
    pub action: Action,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// As written, `!` included.
    pub text: String,
    /// It holds if the test does not.
    pub negated: bool,
    /// What is looked at.
    pub test: Test,
}

/// What a condition looks at. A list matches if one of it does; an empty list if there is a value at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// The address of the client lies in one of these.
    Client(Vec<Network>),
    /// It is a program on this host.
    Local,
    /// It may send to any domain.
    Relay,
    /// The client's verified name.
    Name(Vec<NamePattern>),
    /// What the client called itself.
    Helo(Vec<NamePattern>),
    /// The version of TLS, as in the journal.
    Tls(Vec<String>),
    /// Who has authenticated, in lower case.
    Account(Vec<String>),
    /// The listener.
    Listener(Vec<String>),
    /// The listener's service.
    Service(Vec<String>),
    /// The reverse-path.
    From(Vec<AddressPattern>),
    /// The recipient at RCPT; later, one of the recipients.
    To(Vec<AddressPattern>),
    /// More octets than this (or fewer, if not `more`): declared at MAIL and DATA, counted afterwards.
    Size {
        /// More than, or fewer than.
        more: bool,
        /// Octets.
        than: u64,
    },
    /// More recipients than this, or fewer.
    Recipients {
        /// More than, or fewer than.
        more: bool,
        /// So many.
        than: u64,
    },
}

/// A pattern of host names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamePattern {
    /// This name, in lower case.
    Exact(String),
    /// Every name below: `.example.org`, in lower case.
    Below(String),
}

/// A pattern of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressPattern {
    /// `<>`.
    Null,
    /// This address; the local part in lower case.
    Exact(String, Domain),
    /// `@example.org`: every user of this domain.
    At(Domain),
    /// `.example.org`: every user of a domain below.
    Below(String),
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// No further rule is asked about this.
    Accept,
    /// Never: a 5xx reply. Or not now: a 4xx reply.
    Refuse(Refusal),
    /// The message is taken and held; why.
    Hold(Template),
    /// The message gets this mark, and the next rule is asked.
    Tag(String),
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reply code.
    pub code: u16,
    /// The enhanced status code.
    pub status: Status,
    /// The text.
    pub text: Template,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Connect, Self::Helo, Self::Mail, Self::Rcpt, Self::Data, Self::Content];

    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Helo => "helo",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Content => "content",
        }
    }
}

impl Action {
    /// The word in the table.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Refuse(refusal) if refusal.code / 100 == 5 => "reject",
            Self::Refuse(_) => "defer",
            Self::Hold(_) => "hold",
            Self::Tag(_) => "tag",
        }
    }
}

impl NamePattern {
    /// Whether `name`, in lower case, is one of these.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => name == exact,
            Self::Below(suffix) => name.len() > suffix.len() && name.ends_with(suffix.as_str()),
        }
    }
}

impl AddressPattern {
    /// Whether an address is one of these; `None` is the null reverse-path.
    pub fn matches(&self, address: Option<(&str, &Domain)>) -> bool {
        match (self, address) {
            (Self::Null, found) => found.is_none(),
            (_, None) => false,
            (Self::Exact(local, at), Some((found, domain))) => domain == at && found.to_lowercase() == *local,
            (Self::At(at), Some((_, domain))) => domain == at,
            (Self::Below(suffix), Some((_, domain))) => {
                let below = |name: &str| name.len() > suffix.len() && name.ends_with(suffix.as_str());
                domain.name().is_some_and(below)
            }
        }
    }
}
