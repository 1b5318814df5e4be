//! What is wrong with a command, and what the client is told.

use crate::address::PathError;
use crate::reply::Reply;
use crate::status::Status;

/// Why a line is no correct command. All of it is the client's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// A control octet, NUL among them.
    #[error("control character at octet {at}")]
    Control {
        /// The offset in the line.
        at: usize,
    },
    /// The argument is missing.
    #[error("argument missing")]
    Missing,
    /// An argument where none is allowed.
    #[error("no argument allowed")]
    Surplus,
    /// The name after HELO or EHLO is longer than 255 octets.
    #[error("a name has at most 255 octets, not {length}")]
    LongName {
        /// Its length in octets.
        length: usize,
    },
    /// `FROM:` or `TO:` is missing.
    #[error("write {keyword}<address>")]
    Keyword {
        /// The missing word.
        keyword: &'static str,
    },
    /// The address is wrong.
    #[error("{source}")]
    Path {
        /// `FROM:` or `TO:`: the sender's address or a recipient's.
        keyword: &'static str,
        /// What is wrong with it.
        source: PathError,
    },
    /// A parameter that is none by its form.
    #[error("malformed parameter")]
    Parameter,
    /// A parameter that no extension on offer defines.
    #[error("unknown parameter {keyword}")]
    UnknownParameter {
        /// Its keyword, shortened.
        keyword: String,
    },
    /// A parameter without a value, or with one that it cannot have.
    #[error("bad value of {keyword}")]
    Value {
        /// Its keyword.
        keyword: &'static str,
    },
    /// An initial response of AUTH that is not base64.
    #[error("the initial response is not base64")]
    Base64,
    /// Octets that are not UTF-8 where UTF-8 may stand.
    #[error("octet {at} of the line is not UTF-8")]
    NotUtf8 {
        /// The offset in the line.
        at: usize,
    },
    /// UTF-8 in an address without the parameter that allows it.
    #[error("an address beyond ASCII needs SMTPUTF8")]
    Undeclared,
    /// A parameter given twice.
    #[error("{keyword} given twice")]
    Repeated {
        /// Its keyword.
        keyword: &'static str,
    },
}

impl CommandError {
    /// What the client is told.
    ///
    /// Sources: RFC 5321 section 4.2.3 (codes), RFC 3463 sections 3.2 (addresses) and 3.6, RFC 6531 section 3.5 (UTF-8), RFC
    /// 4954 section 4 (base64).
    pub fn reply(&self) -> Reply {
        let (code, status) = match self {
            Self::Control { .. } => (500, Status::permanent(5, 2)),
            Self::UnknownParameter { .. } => (555, Status::permanent(5, 4)),
            Self::Base64 | Self::NotUtf8 { .. } => (501, Status::permanent(5, 2)),
            Self::Undeclared => (553, Status::permanent(6, 7)),
            Self::Path { keyword: "FROM:", .. } => (501, Status::permanent(1, 7)),
            Self::Path { .. } => (501, Status::permanent(1, 3)),
            _ => (501, Status::permanent(5, 4)),
        };
        Reply::new(code, status, self.to_string())
    }
}
