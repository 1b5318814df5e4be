//! A waiting message as its line has it, without an allocation for each word: a restart reads a million of them, and a list
//! has a hundred thousand recipients.
//!
//! [`LogRecord::Waiting`](super::LogRecord::Waiting) is the same with a memory of its own.

use super::special::{print_special, print_terms, special, terms};
use crate::sheet::{print_shape, shape};
use crate::words::{Words, push, unescape};
use proto::address::ReversePath;
use proto::envelope::Shape;
use proto::id::SpoolId;
use proto::place::Place;
use proto::terms::{RecipientTerms, Special};
use std::borrow::Cow;
use std::fmt::Write as _;

/// A recipient in the line of a message that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its index in the envelope, or in the expansion.
    pub index: u32,
    /// Its address.
    pub address: Cow<'a, str>,
    /// The channel of its route; it has none if this is empty.
    pub channel: Cow<'a, str>,
    /// The host of its route.
    pub host: Cow<'a, str>,
    /// The user of its route.
    pub user: Cow<'a, str>,
    /// Attempts so far.
    pub attempts: u32,
    /// What the last one said; one line, empty if there was none.
    pub why: Cow<'a, str>,
    /// What the sender asked for; stands here only for those that came of an expansion.
    pub terms: RecipientTerms,
}

/// The beginning of a line; the rest is read when it is asked for.
#[derive(Debug, Clone)]
pub struct WaitingLine<'a> {
    /// Where the message lies.
    pub place: Place,
    /// Its id.
    pub id: SpoolId,
    rest: Words<'a>,
}

/// All of a line but the recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingHead {
    /// Where the message lies.
    pub place: Place,
    /// Its id.
    pub id: SpoolId,
    /// Its reverse-path.
    pub from: ReversePath,
    /// When it was accepted, in milliseconds since 1970 (UTC).
    pub received: u64,
    /// What its content looks like.
    pub shape: Shape,
    /// What the queue remembers of its terms.
    pub special: Special,
}

/// What a restart needs to know of the message itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingFacts {
    /// It has a sender who can be told of failures.
    pub told: bool,
    /// When it was accepted, in milliseconds since 1970 (UTC).
    pub received: u64,
    /// What the queue remembers of its terms.
    pub special: Special,
}

impl<'a> WaitingLine<'a> {
    /// Reads what stands behind the keyword.
    pub(super) fn begin(text: &'a str) -> Option<Self> {
        let mut rest = Words::new(text);
        let place = Place { segment: rest.parse()?, offset: rest.parse()? };
        Some(Self { place, id: rest.parse()?, rest })
    }

    /// What it says of the message, and each of its recipients in order. `None` if the line makes no sense.
    pub fn read(mut self, mut each: impl FnMut(Part<'a>)) -> Option<WaitingFacts> {
        let told = self.rest.raw()? != "<>";
        let received = self.rest.parse()?;
        shape(&mut self.rest)?;
        let special = special(&mut self.rest)?;
        self.parts(&mut each)?;
        Some(WaitingFacts { told, received, special })
    }

    /// Everything, with the recipients of which `each` makes something.
    pub fn read_all(mut self, mut each: impl FnMut(Part<'a>)) -> Option<WaitingHead> {
        let from = self.rest.reverse_path()?;
        let received = self.rest.parse()?;
        let (shape, special) = (shape(&mut self.rest)?, special(&mut self.rest)?);
        self.parts(&mut each)?;
        Some(WaitingHead { place: self.place, id: self.id, from, received, shape, special })
    }

    fn parts(&mut self, each: &mut impl FnMut(Part<'a>)) -> Option<()> {
        let count: u32 = self.rest.parse()?;
        (0..count).try_for_each(|_| part(&mut self.rest).map(&mut *each))?;
        self.rest.clone().end()
    }
}

fn part<'a>(words: &mut Words<'a>) -> Option<Part<'a>> {
    Some(Part {
        index: words.parse()?,
        address: unescape(words.raw()?)?,
        channel: unescape(words.raw()?)?,
        host: unescape(words.raw()?)?,
        user: unescape(words.raw()?)?,
        attempts: words.parse()?,
        why: unescape(words.raw()?)?,
        terms: terms(words)?,
    })
}

impl WaitingHead {
    /// The line of the message with these recipients.
    pub fn print(&self, recipients: &[Part<'_>]) -> String {
        let mut line = String::with_capacity(150 + recipients.len() * 80);
        self.print_head(&mut line, recipients.len());
        for part in recipients {
            // Writing to a String cannot fail.
            let _ = write!(line, " {}", part.index);
            for word in [&part.address, &part.channel, &part.host, &part.user] {
                push(&mut line, word);
            }
            let _ = write!(line, " {}", part.attempts);
            push(&mut line, &part.why);
            print_terms(&mut line, &part.terms);
        }
        line
    }

    fn print_head(&self, line: &mut String, recipients: usize) {
        // Writing to a String cannot fail.
        let _ = write!(line, "Waiting {} {} {}", self.place.segment, self.place.offset, self.id);
        push(line, &self.from.to_string());
        let _ = write!(line, " {}", self.received);
        print_shape(line, &self.shape);
        print_special(line, &self.special);
        let _ = write!(line, " {recipients}");
    }
}
