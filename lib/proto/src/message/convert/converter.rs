//! The second passage: the content as the scheme wants it.

use super::base64::Base64;
use super::kind::CONTENT_TRANSFER_ENCODING;
use super::quoted::Quoted;
use super::scheme::{How, Scheme, Target, Treatment};
use super::walk::{Entity, Walk, Watch};
use crate::message::fields;

/// Carries a scheme out. Push the same content as before; what comes of it is to be taken after each push.
#[derive(Debug)]
pub struct Converter {
    walk: Walk<Writer>,
}

impl Converter {
    /// Begins the message of which a survey for this target has made the scheme.
    pub fn new(scheme: Scheme, target: Target) -> Self {
        Self { walk: Walk::new(Writer::new(scheme, target)) }
    }

    /// The next octets of the content; appends to `out`.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        std::mem::swap(&mut self.walk.watch().out, out);
        self.walk.push(octets);
        std::mem::swap(&mut self.walk.watch().out, out);
    }

    /// The content is over; appends the rest to `out`.
    pub fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.walk.finish().out);
    }
}

#[derive(Debug)]
struct Writer {
    scheme: Scheme,
    target: Target,
    /// Entities begun.
    entities: usize,
    treatment: Treatment,
    /// The Content-Transfer-Encoding of the entity is written.
    labelled: bool,
    quoted: Quoted,
    base64: Base64,
    /// The last line of the body has not ended.
    open: bool,
    out: Vec<u8>,
}

impl Writer {
    fn new(scheme: Scheme, target: Target) -> Self {
        Self {
            scheme,
            target,
            entities: 0,
            treatment: Treatment::Keep,
            labelled: false,
            quoted: Quoted::default(),
            base64: Base64::default(),
            open: false,
            out: Vec::new(),
        }
    }

    fn label(&mut self, word: &str) {
        if !std::mem::replace(&mut self.labelled, true) {
            let line = format!("{CONTENT_TRANSFER_ENCODING}: {word}\r\n");
            self.out.extend_from_slice(line.as_bytes());
        }
    }
}

impl Watch for Writer {
    fn begins(&mut self) {
        self.treatment = self.scheme.treatment(self.entities);
        self.entities += 1;
        (self.labelled, self.open) = (false, false);
    }

    fn field(&mut self, raw: &[u8]) {
        let label = || fields(raw).next().is_some_and(|field| field.is(CONTENT_TRANSFER_ENCODING));
        match self.treatment {
            Treatment::Label(Some(word), _) if label() => self.label(word),
            Treatment::Encode(how, _) if label() => self.label(how.word()),
            _ => self.out.extend_from_slice(raw),
        }
    }

    fn head_ends(&mut self, _: &Entity<'_>) {
        match self.treatment {
            Treatment::Keep => {}
            Treatment::Label(_, added) => self.out.extend_from_slice(added.as_bytes()),
            Treatment::Encode(how, added) => {
                self.out.extend_from_slice(added.as_bytes());
                self.label(how.word());
            }
        }
    }

    fn text(&mut self, text: &[u8]) {
        self.open |= !text.is_empty();
        match self.treatment {
            Treatment::Encode(How::Quoted, _) => self.quoted.push(text, &mut self.out),
            Treatment::Encode(How::Base64, _) => self.base64.push(text, &mut self.out),
            Treatment::Keep | Treatment::Label(..) => self.out.extend_from_slice(text),
        }
    }

    fn line_end(&mut self) {
        self.open = false;
        match self.treatment {
            Treatment::Encode(How::Quoted, _) => self.quoted.line_end(&mut self.out),
            Treatment::Encode(How::Base64, _) => self.base64.push(b"\r\n", &mut self.out),
            Treatment::Keep | Treatment::Label(..) => self.out.extend_from_slice(b"\r\n"),
        }
    }

    /// At the end of the message the last line has to end; what that adds must not decode to anything.
    fn body_ends(&mut self, last: bool) {
        match self.treatment {
            Treatment::Encode(How::Quoted, _) => {
                self.quoted.finish(&mut self.out);
                self.out.extend_from_slice(if last && self.open { b"=\r\n" } else { b"" });
            }
            Treatment::Encode(How::Base64, _) => {
                self.base64.finish(&mut self.out);
                self.out.extend_from_slice(if last { b"\r\n" } else { b"" });
            }
            Treatment::Keep | Treatment::Label(..) => {}
        }
        self.treatment = Treatment::Keep;
    }

    /// What stands between parts means nothing (RFC 2046 section 5.1.1); octets that a hop does not take become `?`.
    fn filler(&mut self, text: &[u8], _: bool) {
        let eight_bit = self.target.eight_bit;
        let odd = |octet: u8| matches!(octet, 0 | b'\r' | b'\n') || octet >= 0x80 && !eight_bit;
        self.out
            .extend(text.iter().map(|&octet| if self.scheme.filler && odd(octet) { b'?' } else { octet }));
    }

    fn delimiter(&mut self, line: &[u8]) {
        self.out.extend_from_slice(line);
    }

    fn raw(&mut self, octets: &[u8]) {
        self.out.extend_from_slice(octets);
    }
}
