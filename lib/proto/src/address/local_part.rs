//! The left side of a mailbox: reading and writing its quoting.

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
    /// An octet that cannot stand there, a dot at an edge or after a dot included.
    #[error("octet {at} of the local part cannot stand there")]
    Octet {
        /// The octet.
        at: usize,
    },
    /// An octet outside ASCII; only internationalised mail carries those.
    #[error("octet {at} of the local part is not ASCII")]
    NonAscii {
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
    for (at, octet) in atom.bytes().enumerate() {
        if !octet.is_ascii() {
            return Err(LocalPartError::NonAscii { at });
        }
        let stands = is_atom_octet(octet) || (octet == b'.' && !after_dot);
        if !stands {
            return Err(LocalPartError::Octet { at });
        }
        after_dot = octet == b'.';
    }
    if after_dot { Err(LocalPartError::Octet { at: atom.len() - 1 }) } else { Ok(atom) }
}

fn read_quoted(text: &str) -> Result<(String, usize), LocalPartError> {
    let mut plain = String::new();
    let mut escaped = false;
    for (at, octet) in text.bytes().enumerate() {
        match octet {
            _ if !octet.is_ascii() => return Err(LocalPartError::NonAscii { at }),
            b'"' if at == 0 => {}
            _ if at == 0 || !(b' '..=b'~').contains(&octet) => return Err(LocalPartError::Octet { at }),
            b'\\' if !escaped => escaped = true,
            b'"' if !escaped => return Ok((plain, at + 1)),
            _ => {
                plain.push(char::from(octet));
                escaped = false;
            }
        }
    }
    Err(LocalPartError::Unclosed)
}

fn is_dot_atom(plain: &str) -> bool {
    plain.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_octet))
}

/// `atext` of RFC 5322 section 3.2.3.
fn is_atom_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}

/// RFC 5321 section 4.5.3.1.1.
const MAX_LENGTH: usize = 64;
