//! The first passage: what each entity holds, and what is to be done about it.

use super::facts::{Facts, is_binary};
use super::kind::{Encoding, Kind, Label};
use super::scheme::{How, Obstacle, Scheme, Target, Treatment};
use super::walk::{Entity, Walk, Watch};

/// Finds out how a message gets the form that a hop takes. Push the whole content, then finish.
#[derive(Debug)]
pub struct Survey {
    walk: Walk<Findings>,
}

impl Survey {
    /// Begins a message for a hop.
    pub fn new(target: Target) -> Self {
        Self { walk: Walk::new(Findings::new(target)) }
    }

    /// The next octets of the content.
    pub fn push(&mut self, octets: &[u8]) {
        self.walk.push(octets);
    }

    /// The content is over.
    ///
    /// # Errors
    /// The hop cannot have the message.
    pub fn finish(self) -> Result<Scheme, Obstacle> {
        let findings = self.walk.finish();
        findings.obstacle.map_or(Ok(findings.scheme), Err)
    }
}

#[derive(Debug)]
struct Findings {
    target: Target,
    scheme: Scheme,
    obstacle: Option<Obstacle>,
    facts: Facts,
    /// The entity whose body passes.
    leaf: Option<Leaf>,
}

/// What its header says of a body.
#[derive(Debug)]
struct Leaf {
    kind: Kind,
    encoding: Encoding,
    sealed: bool,
    oversized: bool,
    /// It is a message whose header lacks MIME-Version; and also Content-Type.
    unversioned: bool,
    untyped: bool,
}

impl Findings {
    fn new(target: Target) -> Self {
        Self { target, scheme: Scheme::default(), obstacle: None, facts: Facts::default(), leaf: None }
    }

    fn obstructs(&mut self, obstacle: Obstacle) {
        self.obstacle = self.obstacle.or(Some(obstacle));
    }

    /// What becomes of an entity that is not encoded: it must not claim more than the hop takes.
    fn relabelled(&self, encoding: Encoding, added: &'static str) -> Treatment {
        let (most, word) =
            if self.target.eight_bit { (Label::EightBit, "8bit") } else { (Label::SevenBit, "7bit") };
        match encoding {
            Encoding::Identity(label) if label > most => Treatment::Label(Some(word), added),
            _ if added.is_empty() => Treatment::Keep,
            _ => Treatment::Label(None, added),
        }
    }

    fn treat(&mut self, treatment: Treatment) {
        if let Some(last) = self.scheme.treatments.last_mut() {
            *last = treatment;
        }
    }

    /// Decides about the body that has passed.
    fn decide(&self, leaf: &Leaf) -> Result<Treatment, Obstacle> {
        let facts = &self.facts;
        let must = facts.binary || facts.eight_bit && !self.target.eight_bit;
        let identity = matches!(leaf.encoding, Encoding::Identity(_));
        let free = !leaf.sealed && identity && !leaf.oversized && leaf.kind != Kind::Opaque;
        if (must || facts.long_line) && free {
            return Ok(Treatment::Encode(how(leaf, facts), leaf.added(facts)));
        }
        match leaf.encoding {
            _ if must && leaf.sealed => Err(Obstacle::Signed),
            _ if must && !identity => Err(Obstacle::Encoding),
            _ if must => Err(Obstacle::Structure),
            _ if leaf.sealed => Ok(Treatment::Keep),
            encoding => Ok(self.relabelled(encoding, "")),
        }
    }
}

impl Leaf {
    /// The fields that a message needs, which has none of MIME yet: RFC 1428 section 3 (`unknown-8bit`).
    fn added(&self, facts: &Facts) -> &'static str {
        match (self.unversioned, self.untyped) {
            (false, _) => "",
            (true, false) => VERSION,
            (true, true) if facts.eight_bit => {
                "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
            }
            (true, true) => "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n",
        }
    }
}

/// Quoted-printable for text that stays readable in it, base64 for everything else.
fn how(leaf: &Leaf, facts: &Facts) -> How {
    let readable = facts.specials.saturating_mul(6) < facts.octets;
    if leaf.kind == Kind::Text && !facts.binary && readable { How::Quoted } else { How::Base64 }
}

impl Watch for Findings {
    fn begins(&mut self) {
        if self.scheme.treatments.len() >= MOST {
            self.obstructs(Obstacle::Structure);
        } else {
            self.scheme.treatments.push(Treatment::Keep);
        }
    }

    fn field(&mut self, _: &[u8]) {}

    fn head_ends(&mut self, entity: &Entity<'_>) {
        let Entity { head, kind, sealed, message } = *entity;
        if head.binary || head.eight_bit && (self.target.ascii_header || !self.target.eight_bit) {
            self.obstructs(Obstacle::Header);
        }
        self.facts = Facts::default();
        match kind {
            Kind::Multipart(..) | Kind::Message => {
                self.leaf = None;
                if !sealed {
                    // What is encoded below counts only in a message that says that it is MIME (RFC 2045 section 4).
                    let added = if message && !head.versioned { VERSION } else { "" };
                    self.treat(self.relabelled(head.encoding(), added));
                }
            }
            Kind::Text | Kind::Other | Kind::Opaque => {
                self.leaf = Some(Leaf {
                    kind: kind.clone(),
                    encoding: head.encoding(),
                    sealed,
                    oversized: head.oversized,
                    unversioned: message && !head.versioned,
                    untyped: !head.is_typed(),
                });
            }
        }
    }

    fn text(&mut self, text: &[u8]) {
        self.facts.text(text);
    }

    fn line_end(&mut self) {
        self.facts.line_end();
    }

    fn body_ends(&mut self, _: bool) {
        if let Some(leaf) = self.leaf.take() {
            match self.decide(&leaf) {
                Ok(treatment) => self.treat(treatment),
                Err(obstacle) => self.obstructs(obstacle),
            }
        }
    }

    fn filler(&mut self, text: &[u8], sealed: bool) {
        if is_binary(text) || !self.target.eight_bit && !text.is_ascii() {
            self.scheme.filler = true;
            if sealed {
                self.obstructs(Obstacle::Signed);
            }
        }
    }

    /// Anything may stand behind the boundary.
    fn delimiter(&mut self, line: &[u8]) {
        if is_binary(line) || !self.target.eight_bit && !line.is_ascii() {
            self.obstructs(Obstacle::Structure);
        }
    }

    fn raw(&mut self, _: &[u8]) {}
}

/// The field without which nothing in a message is MIME.
const VERSION: &str = "MIME-Version: 1.0\r\n";

/// Entities of a message at most.
const MOST: usize = 10_000;
