//! Commands: what a client asks for, parsed.
//!
//! Decides whether a line is a command with correct arguments; not whether it may stand where it stands, which is the
//! session's business. A leniency beyond the grammar: one space after the colon of MAIL and RCPT, white space at the end
//! of any line, more than one space between arguments.
//!
//! An address may hold UTF-8 here; whether the client has asked for that (SMTPUTF8) is for the session to see, which is
//! told by [`Mailbox::is_utf8`](crate::address::Mailbox::is_utf8) and answers [`CommandError::Undeclared`].
//!
//! Source: RFC 5321 sections 4.1.1 (commands) and 2.4 (case).

mod arguments;
mod attributes;
mod error;
mod parameters;
mod values;

pub use error::CommandError;
pub use parameters::{By, Hold, MailParameters, RcptParameters};

use crate::address::{ForwardPath, PathError, ReversePath, split_path};
use std::borrow::Cow;
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
    /// VRFY.
    Vrfy {
        /// Whom it asks for.
        argument: String,
        /// SMTPUTF8: the reply may hold UTF-8 (RFC 6531 section 3.7.4.2).
        utf8: bool,
    },
    /// EXPN.
    Expn {
        /// The list it asks for.
        argument: String,
        /// As for VRFY.
        utf8: bool,
    },
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
        let sound = matches!(text, Cow::Borrowed(_));
        let text = text.trim_ascii_end();
        let (verb, arguments) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        let verb = verb.to_ascii_uppercase();
        if !sound && UTF8_VERBS.contains(&verb.as_str()) {
            let at = std::str::from_utf8(line).map_or_else(|error| error.valid_up_to(), str::len);
            return Err(CommandError::NotUtf8 { at });
        }
        Self::with_arguments(&verb, arguments.trim_ascii())
    }

    fn with_arguments(verb: &str, arguments: &str) -> Result<Self, CommandError> {
        let alone =
            |command: Self| if arguments.is_empty() { Ok(command) } else { Err(CommandError::Surplus) };
        match verb {
            "HELO" => arguments::name(arguments).map(Self::Helo),
            "EHLO" => arguments::name(arguments).map(Self::Ehlo),
            "LHLO" => arguments::name(arguments).map(Self::Lhlo),
            "MAIL" => mail(arguments),
            "RCPT" => rcpt(arguments),
            "DATA" => alone(Self::Data),
            "BDAT" => arguments::bdat(arguments),
            "RSET" => alone(Self::Rset),
            "QUIT" => alone(Self::Quit),
            "NOOP" => Ok(Self::Noop),
            "HELP" => Ok(Self::Help(arguments.to_owned())),
            "VRFY" => arguments::asked(arguments).map(|(argument, utf8)| Self::Vrfy { argument, utf8 }),
            "EXPN" => arguments::asked(arguments).map(|(argument, utf8)| Self::Expn { argument, utf8 }),
            "ETRN" => arguments::etrn(arguments),
            "STARTTLS" => alone(Self::StartTls),
            "AUTH" => arguments::auth(arguments),
            "XCLIENT" => attributes::parse(arguments).map(Self::Xclient),
            "XFORWARD" => attributes::parse(arguments).map(Self::Xforward),
            "XPLAY" => attributes::parse(arguments).map(Self::Play),
            "BURL" | "SAML" | "SEND" | "SOML" | "TURN" => Ok(Self::Unimplemented),
            "CONNECT" | "DELETE" | "GET" | "HEAD" | "OPTIONS" | "PATCH" | "POST" | "PUT" | "TRACE" => {
                Ok(Self::Foreign)
            }
            _ => Ok(Self::Unknown),
        }
    }
}

fn mail(arguments: &str) -> Result<Command, CommandError> {
    let (from, rest) = path(arguments, "FROM:")?;
    Ok(Command::Mail { from, parameters: MailParameters::parse(rest)? })
}

fn rcpt(arguments: &str) -> Result<Command, CommandError> {
    let (to, rest) = path(arguments, "TO:")?;
    Ok(Command::Rcpt { to, parameters: RcptParameters::parse(rest)? })
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

/// The verbs whose arguments may hold UTF-8, and nothing else beyond ASCII.
const UTF8_VERBS: [&str; 4] = ["MAIL", "RCPT", "VRFY", "EXPN"];

#[cfg(test)]
mod tests;
