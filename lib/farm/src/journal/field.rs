//! How values are written: bare where that is safe, quoted where not; times and sizes for people.

use std::fmt::{self, Write};

/// Characters of a value beyond which it is cut, and ends in `...`.
const LONGEST: usize = 1_000;

/// A time span in milliseconds: `38ms`, `0.4s`, `30s`, `5m`, `2h38m`, `3d4h`. Cut off, never rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub u64);

/// A time span in microseconds: `812us`, `1.8ms`, from 100 ms as [`Span`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Micros(pub u64);

/// A number of octets: `412`, `14.6KiB`, `2.0MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Octets(pub u64);

/// Fields as they stand in a line of the journal, each with a blank in front; those without a value are left out.
pub fn remark(fields: &[(&str, &str)]) -> String {
    let mut line = String::new();
    let mut all = Fields::new(&mut line);
    for (key, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        all = all.text(key, value);
    }
    line
}

/// Appends ` key=value` fields to a line.
pub(super) struct Fields<'a> {
    line: &'a mut String,
}

impl<'a> Fields<'a> {
    pub(super) fn new(line: &'a mut String) -> Self {
        Self { line }
    }

    /// A value from anywhere: quoted if need be. Nothing is written as `-`.
    pub(super) fn text(mut self, key: &str, value: &str) -> Self {
        self.key(key);
        write_value(self.line, value);
        self
    }

    /// A value whose text may need quotes.
    pub(super) fn shown(self, key: &str, value: impl fmt::Display) -> Self {
        self.text(key, &value.to_string())
    }

    /// A value whose text never needs quotes: a number, a time span, an id, a status code.
    pub(super) fn plain(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.key(key);
        write_to(self.line, format_args!("{value}"));
        self
    }

    fn key(&mut self, key: &str) {
        self.line.push(' ');
        self.line.push_str(key);
        self.line.push('=');
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000;
        let two = |f: &mut fmt::Formatter<'_>, large: u64, unit: char, small: u64, part: char| match small {
            0 => write!(f, "{large}{unit}"),
            _ => write!(f, "{large}{unit}{small}{part}"),
        };
        match seconds {
            0 if self.0 < 100 => write!(f, "{}ms", self.0),
            0..60 => tenths(f, self.0 / 100, "s"),
            60..3_600 => two(f, seconds / 60, 'm', seconds % 60, 's'),
            3_600..86_400 => two(f, seconds / 3_600, 'h', seconds / 60 % 60, 'm'),
            _ => two(f, seconds / 86_400, 'd', seconds / 3_600 % 24, 'h'),
        }
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..1_000 => write!(f, "{}us", self.0),
            1_000..100_000 => tenths(f, self.0 / 100, "ms"),
            more => Span(more / 1_000).fmt(f),
        }
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shift, unit) = match self.0 {
            0..0x400 => return write!(f, "{}", self.0),
            0x400..0x10_0000 => (10, "KiB"),
            0x10_0000..0x4000_0000 => (20, "MiB"),
            _ => (30, "GiB"),
        };
        let fraction = ((self.0 & ((1 << shift) - 1)) * 10) >> shift;
        write!(f, "{}.{fraction}{unit}", self.0 >> shift)
    }
}

/// Writes `count` tenths, without a fraction of zero.
fn tenths(f: &mut fmt::Formatter<'_>, count: u64, unit: &str) -> fmt::Result {
    match count % 10 {
        0 => write!(f, "{}{unit}", count / 10),
        fraction => write!(f, "{}.{fraction}{unit}", count / 10),
    }
}

/// Writes a value: bare if it cannot be taken for anything else, in quotes with escapes otherwise.
fn write_value(line: &mut String, value: &str) {
    if value.is_empty() {
        return line.push('-');
    }
    let bare = value != "-" && value.chars().all(|c| c != '"' && c != '\\' && c != ' ' && !hidden(c));
    let cut = value.char_indices().nth(LONGEST).map(|(end, _)| end);
    let (shown, rest) = value.split_at_checked(cut.unwrap_or(value.len())).unwrap_or((value, ""));
    if bare {
        line.push_str(shown);
    } else {
        line.push('"');
        shown.chars().for_each(|c| write_escaped(line, c));
    }
    if !rest.is_empty() {
        line.push_str("...");
    }
    if !bare {
        line.push('"');
    }
}

fn write_escaped(line: &mut String, c: char) {
    match c {
        '"' | '\\' => line.extend(['\\', c]),
        '\n' => line.push_str("\\n"),
        '\r' => line.push_str("\\r"),
        '\t' => line.push_str("\\t"),
        c if hidden(c) => line.extend(c.escape_unicode()),
        c => line.push(c),
    }
}

/// Characters that a terminal does not show as themselves: controls, white space other than the blank, marks that turn
/// the direction of writing, and invisible ones.
fn hidden(c: char) -> bool {
    let space = c.is_whitespace() && c != ' ';
    let invisible = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || space || invisible
}

/// Appends formatted text.
pub(super) fn write_to(line: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a string fails only if a `Display` in `text` says so; then the line ends early.
    line.write_fmt(text).unwrap_or_default();
}
