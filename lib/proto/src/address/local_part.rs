//! The left side of a mailbox: reading and writing its quoting.
//!
//! Beyond ASCII every character is taken but those that have no picture of their own and serve to deceive: control and
//! formatting characters (the directions of writing among them), white space, what Unicode keeps for no use.
//!
//! Source: RFC 5321 section 4.1.2; RFC 6531 section 3.3 (UTF-8 as `atext` and `qtextSMTP`).

/// Why a text does not begin with a local part; offsets count octets from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LocalPartError {
    /// There is nothing before the `@`.
    #[error("the local part is empty")]
    Empty,
    /// Longer than 64 octets as written.
    #[error("the local part has {length} octets; 64 are allowed")]
    TooLong {
        /// The length in octets, quoting included.
        length: usize,
    },
    /// A character that cannot stand there, a dot at an edge or after a dot included.
    #[error("octet {at} of the local part cannot stand there")]
    Octet {
        /// The octet.
        at: usize,
    },
    /// A quoted string without its closing quote.
    #[error("the quoted local part is not closed")]
    Unclosed,
}

/// Reads the local part at the beginning of `text`: its canonical form, and the number of octets it takes there.
///
/// Source: RFC 5321 section 4.1.2 (`Local-part`), section 4.5.3.1.1 (length).
pub(super) fn read(text: &str) -> Result<(String, usize), LocalPartError> {
    let (canonical, length) = match text.strip_prefix('"') {
        Some(_) => read_quoted(text).map(|(plain, length)| (quote(&plain), length))?,
        None => read_dot_atom(text).map(|atom| (atom.to_owned(), atom.len()))?,
    };
    if length > MAX_LENGTH { Err(LocalPartError::TooLong { length }) } else { Ok((canonical, length)) }
}

/// The local part that stands for the octets of `plain`, with quotes only where it needs them.
pub(super) fn quote(plain: &str) -> String {
    if is_dot_atom(plain) {
        return plain.to_owned();
    }
    let mut quoted = String::with_capacity(plain.len() + 2);
    quoted.push('"');
    for c in plain.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// The octets that a canonical local part stands for.
pub(super) fn unquote(canonical: &str) -> String {
    read_quoted(canonical).map_or_else(|_| canonical.to_owned(), |(plain, _)| plain)
}

fn read_dot_atom(text: &str) -> Result<&str, LocalPartError> {
    let end = text.find('@').unwrap_or(text.len());
    let atom = text.get(..end).unwrap_or(text);
    if atom.is_empty() {
        return Err(LocalPartError::Empty);
    }
    let mut after_dot = true;
    for (at, c) in atom.char_indices() {
        let stands = is_atom_character(c) || (c == '.' && !after_dot);
        if !stands {
            return Err(LocalPartError::Octet { at });
        }
        after_dot = c == '.';
    }
    if after_dot { Err(LocalPartError::Octet { at: atom.len() - 1 }) } else { Ok(atom) }
}

fn read_quoted(text: &str) -> Result<(String, usize), LocalPartError> {
    let mut plain = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        let stands = matches!(c, ' '..='~') || (is_utf8_character(c) && !escaped);
        match c {
            '"' if at == 0 => {}
            _ if at == 0 || !stands => return Err(LocalPartError::Octet { at }),
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return Ok((plain, at + 1)),
            _ => {
                plain.push(c);
                escaped = false;
            }
        }
    }
    Err(LocalPartError::Unclosed)
}

fn is_dot_atom(plain: &str) -> bool {
    plain.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_character))
}

/// `atext` of RFC 5322 section 3.2.3, and what RFC 6531 adds.
fn is_atom_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_utf8_character(c)
}

/// `UTF8-non-ascii`, but for what deceives.
fn is_utf8_character(c: char) -> bool {
    let shapeless = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..)
        || matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff);
    !c.is_ascii() && !c.is_control() && !c.is_whitespace() && !shapeless
}

/// RFC 5321 section 4.5.3.1.1.
const MAX_LENGTH: usize = 64;
