//! Follows the structure of a message: which octets are header, body, delimiter, and which are in between.
//!
//! The CRLF in front of a delimiter belongs to the delimiter (RFC 2046 section 5.1.1), so a line end of a body is told only
//! when the next line has turned out to be none.

use super::kind::{Encoding, Head, Kind};
use super::lines::{Lines, Piece};

/// Who is told what stands where. Everything that is told, in order, makes up the content again.
pub(super) trait Watch {
    /// The header of an entity begins.
    fn begins(&mut self);
    /// One whole field, continuations and CRLF included.
    fn field(&mut self, raw: &[u8]);
    /// The header is over; `entity` says more. The empty line that ends it follows, if there is one.
    fn head_ends(&mut self, entity: &Entity<'_>);
    /// Text of a body, without CRLF.
    fn text(&mut self, text: &[u8]);
    /// A line of a body ends.
    fn line_end(&mut self);
    /// The body is over, by a delimiter or, if `last`, by the end of the message.
    fn body_ends(&mut self, last: bool);
    /// Text before, between or behind parts, without CRLF; whether it lies in something sealed.
    fn filler(&mut self, text: &[u8], sealed: bool);
    /// A delimiter, without the CRLFs around it.
    fn delimiter(&mut self, line: &[u8]);
    /// Octets that stay as they are: line ends outside of bodies, fields too long to be read.
    fn raw(&mut self, octets: &[u8]);
}

/// An entity whose header has been read.
#[derive(Debug)]
pub(super) struct Entity<'a> {
    /// Its header.
    pub(super) head: &'a Head,
    /// What its body is.
    pub(super) kind: &'a Kind,
    /// Nothing of it may be changed.
    pub(super) sealed: bool,
    /// It is a message, not a part of one.
    pub(super) message: bool,
}

/// Where in a message one is.
#[derive(Debug)]
pub(super) struct Walk<W> {
    lines: Lines,
    place: Place<W>,
}

#[derive(Debug)]
struct Place<W> {
    watch: W,
    levels: Vec<Level>,
    at: At,
    head: Head,
    /// The field that is being read.
    field: Vec<u8>,
    /// It was too long, and what has come of it is told already.
    cut: bool,
    /// The header is that of a message, not of a part.
    message: bool,
    /// A line has ended, and it is not clear yet to whom its CRLF belongs.
    crlf: bool,
    /// The filler lies in something sealed.
    sealed: bool,
}

/// An entity that holds others.
#[derive(Debug)]
struct Level {
    /// What delimits its parts; empty for a message, which has only one.
    boundary: Vec<u8>,
    digest: bool,
    sealed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Head,
    Body,
    Filler,
}

impl<W: Watch> Walk<W> {
    /// Begins in front of the header of the message.
    pub(super) fn new(watch: W) -> Self {
        let mut place = Place {
            watch,
            levels: Vec::new(),
            at: At::Head,
            head: Head::default(),
            field: Vec::new(),
            cut: false,
            message: true,
            crlf: false,
            sealed: false,
        };
        place.watch.begins();
        Self { lines: Lines::default(), place }
    }

    /// The next octets.
    pub(super) fn push(&mut self, octets: &[u8]) {
        let place = &mut self.place;
        self.lines.push(octets, |piece| place.piece(piece));
    }

    /// The end of the message.
    pub(super) fn finish(mut self) -> W {
        let mut place = self.place;
        self.lines.finish(|piece| place.piece(piece));
        match place.at {
            At::Head => place.head_ends(false),
            At::Body => {
                place.owed();
                place.watch.body_ends(true);
            }
            At::Filler => place.owed(),
        }
        place.watch
    }

    /// Who watches.
    pub(super) fn watch(&mut self) -> &mut W {
        &mut self.place.watch
    }
}

impl<W: Watch> Place<W> {
    fn piece(&mut self, piece: Piece<'_>) {
        if piece.starts
            && let Some((level, closes)) = self.delimiter(piece.text)
        {
            return self.delimited(piece, level, closes);
        }
        match self.at {
            At::Head => self.head(piece),
            At::Body => {
                self.owed();
                self.watch.text(piece.text);
                self.crlf = piece.ends;
            }
            At::Filler => {
                self.owed();
                self.watch.filler(piece.text, self.sealed);
                self.crlf = piece.ends;
            }
        }
    }

    /// Tells the line end that belongs to nobody else.
    fn owed(&mut self) {
        if std::mem::take(&mut self.crlf) {
            if self.at == At::Body { self.watch.line_end() } else { self.watch.raw(b"\r\n") }
        }
    }

    /// The level that a line delimits, the longest boundary if there are several, and whether it closes it.
    ///
    /// Source: RFC 2046 section 5.1.1: a line that begins with the boundary is a delimiter, whatever follows it.
    fn delimiter(&self, line: &[u8]) -> Option<(usize, bool)> {
        let line = line.strip_prefix(b"--")?;
        let matches = |level: &Level| !level.boundary.is_empty() && line.starts_with(&level.boundary);
        let candidates = self.levels.iter().enumerate().filter(|(_, level)| matches(level));
        let (at, level) = candidates.max_by_key(|(_, level)| level.boundary.len())?;
        let rest = line.get(level.boundary.len()..).unwrap_or_default();
        Some((at, rest.starts_with(b"--")))
    }

    fn delimited(&mut self, piece: Piece<'_>, level: usize, closes: bool) {
        match self.at {
            At::Head => self.head_ends(false),
            At::Body => self.watch.body_ends(false),
            At::Filler => {}
        }
        if std::mem::take(&mut self.crlf) {
            self.watch.raw(b"\r\n");
        }
        self.watch.delimiter(piece.text);
        self.watch.raw(if piece.ends { b"\r\n" } else { b"" });
        self.sealed = self.levels.get(level).is_some_and(|level| level.sealed);
        self.levels.truncate(if closes { level } else { level + 1 });
        if closes {
            self.at = At::Filler;
        } else {
            self.begin(false);
        }
    }

    fn begin(&mut self, message: bool) {
        self.at = At::Head;
        self.head = Head::default();
        self.message = message;
        self.watch.begins();
    }

    fn head(&mut self, piece: Piece<'_>) {
        if piece.starts && piece.text.is_empty() && piece.ends {
            return self.head_ends(true);
        }
        if piece.starts && !matches!(piece.text.first(), Some(b' ' | b'\t')) {
            self.field_ends();
        }
        self.field.extend_from_slice(piece.text);
        self.field.extend_from_slice(if piece.ends { b"\r\n" } else { b"" });
        if self.cut || self.field.len() > LONGEST_FIELD {
            (self.cut, self.head.oversized) = (true, true);
            self.head.octets(&self.field);
            self.watch.raw(&self.field);
            self.field.clear();
        }
    }

    fn field_ends(&mut self) {
        if !self.field.is_empty() {
            self.head.note(&self.field);
            self.watch.field(&self.field);
        }
        self.field.clear();
        self.cut = false;
    }

    fn head_ends(&mut self, empty_line: bool) {
        self.field_ends();
        let parent = self.levels.last();
        let sealed = parent.is_some_and(|level| level.sealed) || self.head.seals();
        let in_digest = !self.message && parent.is_some_and(|level| level.digest);
        let identity = matches!(self.head.encoding(), Encoding::Identity(_));
        let kind = match self.head.kind(in_digest) {
            Kind::Multipart(..) | Kind::Message if !identity || self.levels.len() >= DEEPEST => Kind::Opaque,
            kind => kind,
        };
        self.watch.head_ends(&Entity { head: &self.head, kind: &kind, sealed, message: self.message });
        if !empty_line {
            self.at = At::Filler;
            return;
        }
        self.watch.raw(b"\r\n");
        match kind {
            Kind::Multipart(boundary, digest) => {
                self.levels.push(Level { boundary, digest, sealed });
                (self.at, self.sealed) = (At::Filler, sealed);
            }
            Kind::Message => {
                self.levels.push(Level { boundary: Vec::new(), digest: false, sealed });
                self.begin(true);
            }
            Kind::Text | Kind::Opaque | Kind::Other => self.at = At::Body,
        }
    }
}

/// Octets of a field that is read; a longer one is passed on unread.
const LONGEST_FIELD: usize = 64 << 10;

/// So many entities may hold each other; what lies deeper is not looked into.
const DEEPEST: usize = 32;
