//! The envelope as lines of text, in the manner of ZMailer's control files: a keyword, then words.
//!
//! A keyword that begins with a capital must be understood: an entry with an unknown one is held, never dropped and never
//! delivered by half. One that begins with a small letter is optional: an unknown one is kept and copied along.
//!
//! ```text
//! From <news@example.org>
//! To <ann@example.net> smtp example.net ann@example.net
//! To <list@example.org>
//! Shape size=14220 header=812 longest=78 eight=0 dot=1
//! received 1764000000123
//! client [192.0.2.7]
//! helo mx.example.org
//! protocol ESMTP
//! session 7f3a9
//! account ann
//! tls TLSv1.3%20TLS13_AES_256_GCM_SHA384
//! File large/01J8X4K2M7Q3RD0042 length=14220 crc=89abcdef
//! Of 01J8X4K2M7Q3RD0007 4096 attempt=1 first=0 closed=1
//! Notice of=01J8X4K2M7Q3RD0001
//! copied 01J8X4K2M7Q3RD0042 4096
//! ```
//!
//! What the sender asked for is in the lines of [`terms`].

mod terms;

use crate::entry::{Expansion, Held, Kind};
use crate::layout::large_path;
use crate::words::{self, Words, flag};
use proto::address::{Mailbox, ReversePath};
use proto::envelope::{Envelope, Origin, Recipient, Route, Shape};
use proto::id::SpoolId;
use proto::place::Place;
use proto::terms::Terms;
use std::fmt::Write as _;

/// The keyword of the line that a copy has.
const COPIED: &str = "copied";

/// The file of a large message as its record names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LargeFile {
    pub(crate) id: SpoolId,
    /// Octets.
    pub(crate) length: u64,
    /// Checksum over the id and the content.
    pub(crate) sum: u32,
}

/// Everything that the lines of a record say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sheet {
    pub(crate) envelope: Envelope,
    pub(crate) kind: Kind,
    pub(crate) large: Option<LargeFile>,
    pub(crate) preserved: Vec<String>,
    pub(crate) held: Option<Held>,
    /// Where the record lay of which this one is a copy.
    pub(crate) copied: Option<Place>,
}

/// Prints the lines.
pub(crate) fn print(
    envelope: &Envelope,
    kind: &Kind,
    large: Option<&LargeFile>,
    preserved: &[String],
) -> String {
    let mut text = String::with_capacity(256 + 96 * envelope.recipients.len());
    text.push_str("From");
    words::push(&mut text, &envelope.from.to_string());
    text.push('\n');
    for (index, recipient) in envelope.recipients.iter().enumerate() {
        print_recipient(&mut text, recipient);
        terms::print_recipient(&mut text, index, &recipient.terms);
    }
    text.push_str("Shape");
    print_shape(&mut text, &envelope.shape);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\nreceived {}", envelope.received);
    let origin = &envelope.origin;
    let facts = [
        ("client", &origin.client),
        ("helo", &origin.helo),
        ("protocol", &origin.protocol),
        ("session", &origin.session),
        ("account", &origin.account),
        ("tls", &origin.tls),
    ];
    for (keyword, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(keyword);
        words::push(&mut text, value);
        text.push('\n');
    }
    terms::print(&mut text, &envelope.terms);
    if let Some(large) = large {
        let path = large_path(large.id);
        let _ = writeln!(text, "File {path} length={} crc={:08x}", large.length, large.sum);
    }
    print_kind(&mut text, kind);
    for line in preserved {
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn print_recipient(text: &mut String, recipient: &Recipient) {
    text.push_str("To");
    words::push(text, &format!("<{}>", recipient.address));
    if let Some(route) = &recipient.route {
        for word in [&route.channel, &route.host, &route.user] {
            words::push(text, word);
        }
    }
    text.push('\n');
}

/// Prints ` size=… header=… longest=… eight=… dot=…`.
pub(crate) fn print_shape(text: &mut String, shape: &Shape) {
    let _ = write!(
        text,
        " size={} header={} longest={} eight={} dot={}",
        shape.size,
        shape.header,
        shape.longest_line,
        u8::from(shape.eight_bit),
        u8::from(shape.leading_dot)
    );
    for (keyword, set) in [("utf8", shape.utf8_header), ("binary", shape.binary)] {
        if set {
            let _ = write!(text, " {keyword}=1");
        }
    }
}

fn print_kind(text: &mut String, kind: &Kind) {
    let _ = match kind {
        Kind::Message => Ok(()),
        Kind::Notice { of } => writeln!(text, "Notice of={of}"),
        Kind::Expansion(part) => writeln!(
            text,
            "Of {} {} attempt={} first={} closed={}",
            part.of.segment,
            part.of.offset,
            part.attempt,
            part.first,
            u8::from(part.closed)
        ),
    };
}

/// Reads the lines; what cannot be understood makes the entry a held one.
pub(crate) fn parse(octets: &[u8]) -> Sheet {
    let mut reader = Reader::default();
    match std::str::from_utf8(octets) {
        Err(_) => reader.hold(Held::NotText),
        Ok(text) => text.split_terminator('\n').for_each(|line| reader.line(line)),
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    from: Option<ReversePath>,
    recipients: Vec<Recipient>,
    shape: Option<Shape>,
    received: u64,
    origin: Origin,
    terms: Terms,
    kind: Kind,
    large: Option<LargeFile>,
    preserved: Vec<String>,
    held: Option<Held>,
    copied: Option<Place>,
}

impl Reader {
    /// The first reason stands.
    fn hold(&mut self, why: Held) {
        self.held.get_or_insert(why);
    }

    fn line(&mut self, line: &str) {
        let mut words = Words::new(line);
        let keyword = words.raw().unwrap_or_default();
        match self.known(keyword, words) {
            Known::Understood => {}
            Known::Bad => self.hold(Held::BadLine(line.to_owned())),
            Known::Unknown if keyword.starts_with(|c: char| c.is_ascii_lowercase()) => {
                self.preserved.push(line.to_owned());
            }
            Known::Unknown => self.hold(Held::UnknownLine(keyword.to_owned())),
        }
    }

    fn known(&mut self, keyword: &str, mut words: Words<'_>) -> Known {
        let understood = match keyword {
            "From" => words.reverse_path().map(|path| self.from = Some(path)),
            "To" => recipient(words).map(|recipient| self.recipients.push(recipient)),
            "Shape" => shape(&mut words).map(|shape| self.shape = Some(shape)),
            "received" => words.parse().map(|time| self.received = time),
            "client" => words.text().map(|text| self.origin.client = text),
            "helo" => words.text().map(|text| self.origin.helo = text),
            "protocol" => words.text().map(|text| self.origin.protocol = text),
            "session" => words.text().map(|text| self.origin.session = text),
            "account" => words.text().map(|text| self.origin.account = text),
            "tls" => words.text().map(|text| self.origin.tls = text),
            "File" => large(words).map(|large| self.large = Some(large)),
            "Of" => expansion(words).map(|part| self.kind = Kind::Expansion(part)),
            COPIED => copied(words).map(|place| self.copied = Some(place)),
            "Notice" => words.keyed("of").map(|of| self.kind = Kind::Notice { of }),
            _ => return terms::read(keyword, words, &mut self.terms, &mut self.recipients),
        };
        if understood.is_some() { Known::Understood } else { Known::Bad }
    }

    fn finish(mut self) -> Sheet {
        if self.from.is_none() {
            self.hold(Held::Missing("From"));
        }
        if self.shape.is_none() {
            self.hold(Held::Missing("Shape"));
        }
        let envelope = Envelope {
            from: self.from.unwrap_or(ReversePath::Null),
            recipients: self.recipients,
            received: self.received,
            origin: self.origin,
            shape: self.shape.unwrap_or_default(),
            terms: self.terms,
        };
        Sheet {
            envelope,
            kind: self.kind,
            large: self.large,
            preserved: self.preserved,
            held: self.held,
            copied: self.copied,
        }
    }
}

enum Known {
    Understood,
    Bad,
    Unknown,
}

fn recipient(mut words: Words<'_>) -> Option<Recipient> {
    let address = words.text()?;
    let address: Mailbox = address.strip_prefix('<')?.strip_suffix('>')?.parse().ok()?;
    let mut rest = words.clone();
    if rest.raw().is_none() {
        return Some(Recipient::new(address, None));
    }
    let route = Route { channel: words.text()?, host: words.text()?, user: words.text()? };
    words.end()?;
    Some(Recipient::new(address, Some(route)))
}

/// Reads what [`print_shape`] printed. Further `key=value` words are left for the caller.
pub(crate) fn shape(words: &mut Words<'_>) -> Option<Shape> {
    Some(Shape {
        size: words.keyed("size")?,
        header: words.keyed("header")?,
        longest_line: words.keyed("longest")?,
        eight_bit: flag(&words.keyed::<String>("eight")?)?,
        leading_dot: flag(&words.keyed::<String>("dot")?)?,
        utf8_header: words.skip("utf8=1"),
        binary: words.skip("binary=1"),
    })
}

fn large(mut words: Words<'_>) -> Option<LargeFile> {
    let id = words.raw()?.strip_prefix("large/")?.parse().ok()?;
    let length = words.keyed("length")?;
    let sum = u32::from_str_radix(&words.keyed::<String>("crc")?, 16).ok()?;
    words.end()?;
    Some(LargeFile { id, length, sum })
}

fn copied(mut words: Words<'_>) -> Option<Place> {
    let place = Place { segment: words.parse()?, offset: words.parse()? };
    words.end()?;
    Some(place)
}

/// The lines of a record as those of a copy of it: byte for byte, but for the line that says where it lay.
pub(crate) fn print_copy(lines: &[u8], from: Place) -> Vec<u8> {
    let is_mark =
        |line: &[u8]| line.strip_prefix(COPIED.as_bytes()).is_some_and(|rest| rest.starts_with(b" "));
    let mut copy = Vec::with_capacity(lines.len() + 64);
    for line in lines.split_inclusive(|octet| *octet == b'\n').filter(|line| !is_mark(line)) {
        copy.extend_from_slice(line);
    }
    if copy.last().is_some_and(|last| *last != b'\n') {
        copy.push(b'\n');
    }
    copy.extend_from_slice(format!("{COPIED} {} {}\n", from.segment, from.offset).as_bytes());
    copy
}

fn expansion(mut words: Words<'_>) -> Option<Expansion> {
    let part = Expansion {
        of: Place { segment: words.parse()?, offset: words.parse()? },
        attempt: words.keyed("attempt")?,
        first: words.keyed("first")?,
        closed: flag(&words.keyed::<String>("closed")?)?,
    };
    words.end()?;
    Some(part)
}

#[cfg(test)]
mod tests;
