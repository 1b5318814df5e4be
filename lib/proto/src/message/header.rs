//! Finds fields in the header section.
//!
//! A header section is a run of lines up to the first empty one. A line that begins with a blank or a tab continues
//! the field before it; a line without a proper name and colon is skipped together with its continuations, and the scan
//! goes on behind it. Lines end with CRLF; a bare LF is taken for a line end as well, so that a local file can be
//! scanned before it is converted.
//!
//! Source: RFC 5322 section 2.2.

use memchr::memchr;

/// One field as it stands in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name without its colon, as written: printable ASCII without blanks, at least one octet.
    pub name: &'a [u8],
    /// What follows the colon, folds included, without the last line end.
    pub value: &'a [u8],
    /// The whole field, its last line end included.
    pub raw: &'a [u8],
}

impl Field<'_> {
    /// Whether the field has this name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The fields of a header section in their order; made by [`fields`].
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

/// Iterates over the fields at the beginning of `content`, up to the empty line or the end.
pub fn fields(content: &[u8]) -> Fields<'_> {
    Fields { rest: content }
}

/// How many fields have this name, in any case; for `Received` this is the number of hops (RFC 5321 section 6.3).
pub fn count(content: &[u8], name: &str) -> usize {
    fields(content).filter(|field| field.is(name)).count()
}

/// Whether some field has this name, in any case.
pub fn contains(content: &[u8], name: &str) -> bool {
    fields(content).any(|field| field.is(name))
}

/// Length of the header section in octets, its closing empty line included; all of `content` if there is none.
pub fn section_length(content: &[u8]) -> usize {
    let mut rest = content;
    while !rest.is_empty() {
        let (line, after) = first_line(rest);
        if trimmed(line).is_empty() {
            return content.len() - after.len();
        }
        rest = after;
    }
    content.len()
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            let raw = self.unfold()?;
            if let Some(field) = parse(raw) {
                return Some(field);
            }
        }
    }
}

impl<'a> Fields<'a> {
    /// Takes one line and its continuations, or nothing at the end of the section.
    fn unfold(&mut self) -> Option<&'a [u8]> {
        let (line, mut after) = first_line(self.rest);
        if trimmed(line).is_empty() {
            return None;
        }
        while let Some(b' ' | b'\t') = after.first() {
            after = first_line(after).1;
        }
        let raw = self.rest.get(..self.rest.len() - after.len())?;
        self.rest = after;
        Some(raw)
    }
}

fn parse(raw: &[u8]) -> Option<Field<'_>> {
    let colon = memchr(b':', raw)?;
    let name = raw.get(..colon)?.trim_ascii_end();
    let proper = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    let value = trimmed(raw.get(colon + 1..)?);
    proper.then_some(Field { name, value, raw })
}

/// Splits behind the first LF; the line keeps its end.
fn first_line(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(memchr(b'\n', text).map_or(text.len(), |at| at + 1))
}

fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] =
        b"Received: from a\r\n\tby b\r\nno field at all\r\n : nor this\r\nRECEIVED : x\r\nTo: <c>\r\n\r\nReceived: body\r\n";

    #[test]
    fn a_fold_belongs_to_its_field() {
        let field = fields(MESSAGE).next().unwrap();
        assert_eq!(field.name, b"Received");
        assert_eq!(field.value, b" from a\r\n\tby b");
        assert_eq!(field.raw, b"Received: from a\r\n\tby b\r\n");
    }

    #[test]
    fn counting_stops_at_the_body_and_ignores_case() {
        assert_eq!(count(MESSAGE, "received"), 2);
        assert!(contains(MESSAGE, "to"));
        assert!(!contains(MESSAGE, "Date"));
    }

    #[test]
    fn a_line_that_is_no_field_hides_nothing_behind_it() {
        let names: Vec<_> = fields(MESSAGE).map(|field| field.name).collect();
        assert_eq!(names, [b"Received".as_slice(), b"RECEIVED", b"To"]);
    }

    #[test]
    fn the_section_includes_its_empty_line() {
        assert_eq!(section_length(b"A: b\r\n\r\nbody"), 8);
        assert_eq!(section_length(b"\r\nbody"), 2);
        assert_eq!(section_length(b"A: b\nC: d"), 9);
        assert_eq!(section_length(b""), 0);
    }

    #[test]
    fn an_unfinished_last_line_is_a_field() {
        let last = fields(b"A: b\nC: d").last().unwrap();
        assert_eq!((last.name, last.value), (b"C".as_slice(), b" d".as_slice()));
    }
}
