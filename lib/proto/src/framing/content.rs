//! The content of a message, from the reply to DATA up to the end of data.

use crate::envelope::Shape;
use memchr::memchr3;

/// Cuts content from what a client sends: finds its end, removes the transparency dots, counts its shape.
///
/// # States
/// At the start of a line; after the dot that starts one; after that dot and a CR; within a line; after a CR. Only a
/// LF in the third state ends the content. A bare LF leads back into the line, so that no dot after it counts.
///
/// # Source
/// RFC 5321 sections 4.1.1.4 (end of data) and 4.5.2 (transparency); RFC 2045 sections 2.7 and 2.8 (no NUL, and CR and
/// LF only together).
#[derive(Debug)]
pub struct ContentReader {
    form: Form,
    at: At,
    spoilt: bool,
    /// The number of the line that is being read, from 1.
    line: u64,
    /// Octets of content in the line that is being read, CR included.
    line_length: u64,
    shape: Shape,
    header_ended: bool,
}

/// What there is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// Nothing more without more octets.
    Need,
    /// Content, ready to be stored.
    Clean(&'a [u8]),
    /// The content is spoilt and has to be refused; comes at most once, and no content comes after it.
    Spoilt(Spoil),
    /// The end of data; the octets after it are commands.
    End,
}

/// What spoils content, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} in line {line} of the message")]
pub struct Spoil {
    /// What was found.
    pub kind: SpoilKind,
    /// The number of the line, from 1.
    pub line: u64,
}

/// The octets that content must not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpoilKind {
    /// A CR without an LF after it.
    #[error("bare CR")]
    BareCr,
    /// An LF without a CR before it.
    #[error("bare LF")]
    BareLf,
    /// A NUL.
    #[error("NUL")]
    Nul,
}

/// How the content comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In lines, with transparency dots, ended by a dot (DATA).
    Dotted,
    /// In lines, counted by somebody else (BDAT).
    Counted,
    /// In any octets, counted by somebody else (BDAT with BINARYMIME).
    Binary,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    LineStart,
    Dot,
    DotCr,
    Within,
    Cr,
}

/// What a single octet, or a run of them, means for the caller.
enum Turn {
    /// Used up, part of the content.
    Keep(usize),
    /// Used up, no part of it.
    Drop,
    /// Used up, and the content ends here.
    End,
    /// Not used up: content is spoilt before it.
    Spoil(SpoilKind),
    /// Not used up, to be looked at again in the new state.
    Again,
}

impl Default for ContentReader {
    fn default() -> Self {
        Self::new()
    }
}

impl ContentReader {
    /// A reader of content that is ended by a dot.
    pub fn new() -> Self {
        Self::of(Form::Dotted)
    }

    /// A reader of lines that are counted: a dot means nothing, and the caller says when they are over.
    pub fn counted() -> Self {
        Self::of(Form::Counted)
    }

    /// A reader of any octets that are counted; nothing spoils them.
    pub fn binary() -> Self {
        Self::of(Form::Binary)
    }

    fn of(form: Form) -> Self {
        let shape = Shape::default();
        Self { form, at: At::LineStart, spoilt: false, line: 1, line_length: 0, shape, header_ended: false }
    }

    /// The counted octets are over: gives the line end that the last line lacks, or what is wrong with it; then
    /// [`Chunk::End`].
    ///
    /// A missing CRLF is put there, since content in lines has no other form, and signatures count it as if it were
    /// there (RFC 6376 section 3.4.3).
    pub fn finish(&mut self) -> Chunk<'static> {
        if self.spoilt || self.at == At::LineStart {
            return Chunk::End;
        }
        match self.form {
            Form::Binary => {
                let text = self.line_length - u64::from(self.at == At::Cr);
                self.note_line(text);
                self.shape.binary = true;
                self.go(At::LineStart, Chunk::End)
            }
            Form::Counted if self.at == At::Cr => {
                self.spoil(SpoilKind::BareCr).map_or(Chunk::End, Chunk::Spoilt)
            }
            _ => {
                self.line_length += 1;
                self.end_line(1);
                self.at = At::LineStart;
                self.clean(b"\r\n", 0).1
            }
        }
    }

    /// The shape of the content handed out so far; complete at the end of data.
    pub fn shape(&self) -> Shape {
        let header = if self.header_ended { self.shape.header } else { self.shape.size };
        Shape { header, ..self.shape }
    }

    /// Reads one chunk; also says how many octets are used up, which is all of them for [`Chunk::Need`].
    pub fn advance<'a>(&mut self, input: &'a [u8]) -> (usize, Chunk<'a>) {
        let (mut start, mut position) = (0, 0);
        loop {
            let run = input.get(start..position).unwrap_or_default();
            let rest = input.get(position..).unwrap_or_default();
            let turn = match rest.first() {
                // A chunk ends where octets are dropped or refused; the octet is looked at again after it.
                Some(&octet) if self.ends_run(octet) && !run.is_empty() => return self.clean(run, position),
                Some(&octet) => self.turn(octet, rest, run.len()),
                None if run.is_empty() || self.spoilt => return (position, Chunk::Need),
                None => return self.clean(run, position),
            };
            match turn {
                Turn::Keep(length) => position += length,
                Turn::Drop => (start, position) = (position + 1, position + 1),
                Turn::End => return (position + 1, Chunk::End),
                Turn::Again => {}
                Turn::Spoil(kind) => {
                    if let Some(spoil) = self.spoil(kind) {
                        return (position, Chunk::Spoilt(spoil));
                    }
                }
            }
        }
    }

    /// Whether the octet to come is dropped or spoils the content, so that the run before it goes out first.
    fn ends_run(&self, octet: u8) -> bool {
        let ends = match self.at {
            At::LineStart => octet == b'.' && self.form == Form::Dotted,
            At::Within => matches!(octet, b'\n' | 0),
            At::Cr => octet != b'\n',
            At::Dot | At::DotCr => false,
        };
        ends && !self.spoilt && self.form != Form::Binary
    }

    /// `pending` is the number of octets of content that this call has found and not yet counted.
    fn turn(&mut self, octet: u8, rest: &[u8], pending: usize) -> Turn {
        match (self.at, octet) {
            (At::LineStart, b'.') if self.form == Form::Dotted => self.go(At::Dot, Turn::Drop),
            (At::LineStart, b'.') => {
                self.shape.leading_dot = true;
                self.go(At::Within, Turn::Again)
            }
            (At::LineStart, _) => self.go(At::Within, Turn::Again),
            (At::Dot, b'\r') => self.go(At::DotCr, Turn::Drop),
            (At::Dot, _) => {
                self.shape.leading_dot |= octet == b'.';
                self.go(At::Within, Turn::Again)
            }
            (At::DotCr, b'\n') => Turn::End,
            (At::DotCr, _) => self.go(At::Within, Turn::Spoil(SpoilKind::BareCr)),
            (At::Within | At::Cr, _) if self.form == Form::Binary => self.binary_turn(octet, rest, pending),
            (At::Within, b'\n') => self.unusable(SpoilKind::BareLf),
            (At::Within, 0) => self.unusable(SpoilKind::Nul),
            (At::Within, b'\r') => {
                self.line_length += 1;
                self.go(At::Cr, Turn::Keep(1))
            }
            (At::Within, _) => Turn::Keep(self.lines(rest, pending)),
            (At::Cr, b'\n') => {
                self.end_line(pending);
                self.go(At::LineStart, Turn::Keep(1))
            }
            (At::Cr, _) => self.go(At::Within, Turn::Spoil(SpoilKind::BareCr)),
        }
    }

    /// Where any octet may stand, a line ends at LF all the same, for the facts about lines.
    fn binary_turn(&mut self, octet: u8, rest: &[u8], pending: usize) -> Turn {
        let after_cr = self.at == At::Cr;
        match octet {
            b'\n' => {
                self.shape.binary |= !after_cr;
                self.line_length += u64::from(!after_cr);
                self.end_line(pending);
                self.go(At::LineStart, Turn::Keep(1))
            }
            _ if after_cr => {
                self.shape.binary = true;
                self.go(At::Within, Turn::Again)
            }
            b'\r' => {
                self.line_length += 1;
                self.go(At::Cr, Turn::Keep(1))
            }
            0 => {
                self.shape.binary = true;
                self.line_length += 1;
                Turn::Keep(1)
            }
            _ => Turn::Keep(self.lines(rest, pending)),
        }
    }

    fn go<T>(&mut self, at: At, turn: T) -> T {
        self.at = at;
        turn
    }

    /// Once the content is spoilt, the octet is one like any other; its line goes on.
    fn unusable(&self, kind: SpoilKind) -> Turn {
        if self.spoilt { Turn::Keep(1) } else { Turn::Spoil(kind) }
    }

    /// Passes over text that holds nothing special but line ends, one search per line; nearly all content is read here.
    /// Stops in front of everything else: a dot that begins a line, what spoils, a CR whose LF has not come yet.
    fn lines(&mut self, rest: &[u8], pending: usize) -> usize {
        let mut passed = 0;
        loop {
            let text = rest.get(passed..).unwrap_or_default();
            let length = memchr3(b'\r', b'\n', 0, text).unwrap_or(text.len());
            self.line_length += u64::try_from(length).unwrap_or(u64::MAX);
            passed += length;
            if text.get(length..length + 2) != Some(b"\r\n") {
                return passed;
            }
            self.line_length += 1;
            self.end_line(pending + passed + 1);
            passed += 2;
            if matches!(rest.get(passed), None | Some(b'.')) {
                return self.go(At::LineStart, passed);
            }
        }
    }

    fn end_line(&mut self, pending: usize) {
        let text = self.line_length - 1;
        self.note_line(text);
        if text == 0 && !self.header_ended {
            self.header_ended = true;
            self.shape.header = self.shape.size + u64::try_from(pending).unwrap_or(u64::MAX) + 1;
        }
        self.line += 1;
        self.line_length = 0;
    }

    fn note_line(&mut self, length: u64) {
        self.shape.longest_line = self.shape.longest_line.max(u32::try_from(length).unwrap_or(u32::MAX));
    }

    fn spoil(&mut self, kind: SpoilKind) -> Option<Spoil> {
        let first = !self.spoilt;
        self.spoilt = true;
        first.then_some(Spoil { kind, line: self.line })
    }

    fn note_eight_bit(&mut self, run: &[u8]) {
        if run.is_ascii() {
            return;
        }
        self.shape.eight_bit = true;
        let before = self.shape.size - u64::try_from(run.len()).unwrap_or_default();
        let header = if self.header_ended { self.shape.header.saturating_sub(before) } else { u64::MAX };
        let header = usize::try_from(header).unwrap_or(usize::MAX);
        self.shape.utf8_header |= !run.get(..header).unwrap_or(run).is_ascii();
    }

    fn clean<'a>(&mut self, run: &'a [u8], used: usize) -> (usize, Chunk<'a>) {
        self.shape.size += u64::try_from(run.len()).unwrap_or(u64::MAX);
        self.note_eight_bit(run);
        (used, Chunk::Clean(run))
    }
}

#[cfg(test)]
mod tests;
