//! Commands: what a client asks for, parsed.
//!
//! Decides whether a line is a command with correct arguments; not whether it may stand where it stands, which is the
//! session's business. A leniency beyond the grammar: one space after the colon of MAIL and RCPT, white space at the end
//! of any line, more than one space between arguments.
//!
//! Source: RFC 5321 sections 4.1.1 (commands) and 2.4 (case).

mod error;
mod parameters;

pub use error::CommandError;
pub use parameters::{MailParameters, RcptParameters};

use crate::address::{ForwardPath, PathError, ReversePath, split_path};
use std::str::FromStr;

/// A command with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// HELO and the name that the client gives itself.
    Helo(String),
    /// EHLO and the name that the client gives itself.
    Ehlo(String),
    /// MAIL FROM.
    Mail {
        /// Where notices go.
        from: ReversePath,
        /// What the client declares about the message.
        parameters: MailParameters,
    },
    /// RCPT TO.
    Rcpt {
        /// For whom the message is.
        to: ForwardPath,
        /// What the client asks for, for this recipient.
        parameters: RcptParameters,
    },
    /// LHLO and the name that the client gives itself (RFC 2033 section 4.1).
    Lhlo(String),
    /// DATA.
    Data,
    /// BDAT: so many octets of content follow the line (RFC 3030 section 2).
    Bdat {
        /// Octets of the chunk.
        size: u64,
        /// It is the last one.
        last: bool,
    },
    /// RSET.
    Rset,
    /// NOOP; its argument means nothing.
    Noop,
    /// VRFY and whom it asks for.
    Vrfy(String),
    /// EXPN and the list it asks for.
    Expn(String),
    /// HELP and its topic, empty if none is given.
    Help(String),
    /// ETRN and the domain, with `@` or `#` in front if it was there (RFC 1985 section 5).
    Etrn(String),
    /// STARTTLS (RFC 3207).
    StartTls,
    /// AUTH (RFC 4954 section 4).
    Auth {
        /// The mechanism, in upper case.
        mechanism: String,
        /// The initial response, decoded; `=` is an empty one.
        initial: Option<Vec<u8>>,
    },
    /// XCLIENT: attributes and their values, xtext decoded, names in upper case; `[UNAVAILABLE]` and `[TEMPUNAVAIL]`
    /// stand as they are.
    Xclient(Vec<(String, String)>),
    /// XFORWARD, in the same form.
    Xforward(Vec<(String, String)>),
    /// XPLAY: a program on this host asks to be treated as somebody else, for a session of which nothing is kept; in the
    /// same form.
    Play(Vec<(String, String)>),
    /// QUIT.
    Quit,
    /// A command of some extension that is not offered.
    Unimplemented,
    /// A request of another protocol: whatever follows is not meant for a mail server.
    Foreign,
    /// Anything else.
    Unknown,
}

impl Command {
    /// Parses a line without its CRLF.
    ///
    /// # Errors
    /// [`CommandError`], whose [`reply`](CommandError::reply) is what the client is told.
    pub fn parse(line: &[u8]) -> Result<Self, CommandError> {
        if let Some(at) = line.iter().position(|&c| c != b'\t' && c.is_ascii_control()) {
            return Err(CommandError::Control { at });
        }
        let text = String::from_utf8_lossy(line);
        let text = text.trim_ascii_end();
        let (verb, arguments) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        let arguments = arguments.trim_ascii();
        let alone =
            |command: Self| if arguments.is_empty() { Ok(command) } else { Err(CommandError::Surplus) };
        match verb.to_ascii_uppercase().as_str() {
            "HELO" => name(arguments).map(Self::Helo),
            "EHLO" => name(arguments).map(Self::Ehlo),
            "MAIL" => mail(arguments),
            "RCPT" => rcpt(arguments),
            "DATA" => alone(Self::Data),
            "RSET" => alone(Self::Rset),
            "QUIT" => alone(Self::Quit),
            "NOOP" => Ok(Self::Noop),
            "HELP" => Ok(Self::Help(arguments.to_owned())),
            "VRFY" if arguments.is_empty() => Err(CommandError::Missing),
            "VRFY" => Ok(Self::Vrfy(arguments.to_owned())),
            "AUTH" | "BDAT" | "BURL" | "ETRN" | "EXPN" | "SAML" | "SEND" | "SOML" | "STARTTLS" | "TURN" => {
                Ok(Self::Unimplemented)
            }
            "CONNECT" | "DELETE" | "GET" | "HEAD" | "OPTIONS" | "PATCH" | "POST" | "PUT" | "TRACE" => {
                Ok(Self::Foreign)
            }
            _ => Ok(Self::Unknown),
        }
    }
}

/// The name is taken as it is, up to a space: too many clients give none that is correct.
fn name(arguments: &str) -> Result<String, CommandError> {
    match arguments.split_ascii_whitespace().next() {
        None => Err(CommandError::Missing),
        Some(name) if name.len() > MAX_NAME => Err(CommandError::LongName { length: name.len() }),
        Some(name) => Ok(name.to_owned()),
    }
}

fn mail(arguments: &str) -> Result<Command, CommandError> {
    let (from, rest) = path(arguments, "FROM:")?;
    Ok(Command::Mail { from, parameters: MailParameters::parse(rest)? })
}

fn rcpt(arguments: &str) -> Result<Command, CommandError> {
    let (to, rest) = path(arguments, "TO:")?;
    match parameters::split(rest).next() {
        None => Ok(Command::Rcpt { to, parameters: RcptParameters::default() }),
        Some(parameter) => Err(parameters::unknown(parameter)),
    }
}

/// The path after `keyword`, and the parameters after the path.
fn path<'a, P: FromStr<Err = PathError>>(
    arguments: &'a str,
    keyword: &'static str,
) -> Result<(P, &'a str), CommandError> {
    let rest = match arguments.split_at_checked(keyword.len()) {
        Some((found, rest)) if found.eq_ignore_ascii_case(keyword) => rest,
        _ => return Err(CommandError::Keyword { keyword }),
    };
    let fault = |source| CommandError::Path { keyword, source };
    let (path, rest) = split_path(rest.strip_prefix(' ').unwrap_or(rest)).map_err(fault)?;
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return Err(fault(PathError::Brackets));
    }
    Ok((path.parse().map_err(fault)?, rest))
}

/// The longest domain of RFC 5321 section 4.5.3.1.2.
const MAX_NAME: usize = 255;

#[cfg(test)]
mod tests;
