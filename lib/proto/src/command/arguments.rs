//! The arguments of the commands that have no parameters: a few words each.

use super::{Command, CommandError};
use crate::address::Domain;
use crate::base64;

/// The name after HELO, EHLO and LHLO is taken as it is, up to a space: too many clients give none that is correct.
pub(super) fn name(arguments: &str) -> Result<String, CommandError> {
    match arguments.split_ascii_whitespace().next() {
        None => Err(CommandError::Missing),
        Some(name) if name.len() > MAX_NAME => Err(CommandError::LongName { length: name.len() }),
        Some(name) => Ok(name.to_owned()),
    }
}

/// Source: RFC 3030 section 2, `chunk-size = 1*DIGIT`.
pub(super) fn bdat(arguments: &str) -> Result<Command, CommandError> {
    let mut words = arguments.split_ascii_whitespace();
    let size = words.next().ok_or(CommandError::Missing)?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return Err(CommandError::Surplus),
    };
    if words.next().is_some() {
        return Err(CommandError::Surplus);
    }
    let digits = (1..=MAX_DIGITS).contains(&size.len()) && size.bytes().all(|c| c.is_ascii_digit());
    let size = if digits { size.parse().ok() } else { None };
    Ok(Command::Bdat { size: size.ok_or(CommandError::Value { keyword: "the chunk size" })?, last })
}

/// What VRFY or EXPN ask for, and whether the answer may hold UTF-8.
///
/// Source: RFC 5321 section 4.1.1.6, RFC 6531 section 3.7.4.2 (SMTPUTF8 as the last word).
pub(super) fn asked(arguments: &str) -> Result<(String, bool), CommandError> {
    let (argument, utf8) = match arguments.rsplit_once([' ', '\t']) {
        Some((argument, last)) if last.eq_ignore_ascii_case("SMTPUTF8") => (argument.trim_ascii_end(), true),
        _ => (arguments, false),
    };
    match argument {
        "" => Err(CommandError::Missing),
        _ if !utf8 && !argument.is_ascii() => Err(CommandError::Undeclared),
        _ => Ok((argument.to_owned(), utf8)),
    }
}

/// Source: RFC 1985 section 5.1: a domain, `@` and a domain, or `#` and the name of a queue.
pub(super) fn etrn(arguments: &str) -> Result<Command, CommandError> {
    let mut words = arguments.split_ascii_whitespace();
    let argument = words.next().ok_or(CommandError::Missing)?;
    if words.next().is_some() {
        return Err(CommandError::Surplus);
    }
    let good = match argument.strip_prefix('#') {
        Some(queue) => !queue.is_empty() && queue.len() <= MAX_NAME,
        None => argument.strip_prefix('@').unwrap_or(argument).parse::<Domain>().is_ok(),
    };
    if good { Ok(Command::Etrn(argument.to_owned())) } else { Err(CommandError::Value { keyword: "ETRN" }) }
}

/// Source: RFC 4954 section 4; RFC 4422 section 3.1, `sasl-mech = 1*20mech-char`.
pub(super) fn auth(arguments: &str) -> Result<Command, CommandError> {
    let mut words = arguments.split_ascii_whitespace();
    let mechanism = words.next().ok_or(CommandError::Missing)?;
    let stands = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    if mechanism.len() > MAX_MECHANISM || !mechanism.bytes().all(stands) {
        return Err(CommandError::Value { keyword: "the mechanism" });
    }
    let initial = match words.next() {
        None => None,
        Some("=") => Some(Vec::new()),
        Some(text) => Some(base64::decode(text.as_bytes()).ok_or(CommandError::Base64)?),
    };
    if words.next().is_some() {
        return Err(CommandError::Surplus);
    }
    Ok(Command::Auth { mechanism: mechanism.to_ascii_uppercase(), initial })
}

/// The longest domain of RFC 5321 section 4.5.3.1.2.
const MAX_NAME: usize = 255;

/// As many digits as a number of 64 bits has.
const MAX_DIGITS: usize = 20;

/// RFC 4422 section 3.1.
const MAX_MECHANISM: usize = 20;
