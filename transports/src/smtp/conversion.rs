//! A content that goes out in another form than it has in the spool.
//!
//! It is read three times: to find out what is to be done, to count what comes of it, and to send. So nothing of it is
//! held, however large it is.

use crate::agent::{Body, Passage};
use proto::disposition::{Disposition, Outcome};
use proto::envelope::Shape;
use proto::message::convert::{Converter, Obstacle, Survey, Target};
use proto::status::Status;
use std::io;

/// A content on its way through a converter.
#[derive(Debug)]
pub(super) struct Conversion {
    passage: Passage,
    converter: Option<Converter>,
    /// What has come of the last block.
    out: Vec<u8>,
    shape: Shape,
}

/// What became of the wish to convert a content.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It is converted.
    Converted(Box<Conversion>),
    /// It goes out as it is: nothing would change, or nothing can, and it can go.
    AsItIs,
    /// It cannot go out.
    Unfit(Obstacle),
}

impl Conversion {
    /// Prepares a content of this shape for a hop.
    ///
    /// # Errors
    /// The content cannot be read, or it is not what it should be.
    pub(super) fn prepare(
        body: &Body,
        shape: &Shape,
        target: Target,
        scratch: &mut Vec<u8>,
    ) -> io::Result<Attempt> {
        let required = shape.binary || shape.eight_bit && !target.eight_bit;
        let mut survey = Survey::new(target);
        each_block(body, scratch, |block| survey.push(block))?;
        let scheme = match survey.finish() {
            Ok(scheme) if required || scheme.changes() => scheme,
            Err(obstacle) if required || target.ascii_header => return Ok(Attempt::Unfit(obstacle)),
            Ok(_) | Err(_) => return Ok(Attempt::AsItIs),
        };
        let mut counter = Converter::new(scheme.clone(), target);
        let mut converted = Counted::default();
        let mut out = Vec::new();
        each_block(body, scratch, |block| {
            counter.push(block, &mut out);
            converted.note(&mut out);
        })?;
        counter.finish(&mut out);
        converted.note(&mut out);
        if converted.eight_bit && !target.eight_bit {
            return Ok(Attempt::Unfit(Obstacle::Structure));
        }
        let shape = Shape {
            size: converted.octets,
            eight_bit: converted.eight_bit,
            leading_dot: true,
            binary: false,
            ..*shape
        };
        let converter = Some(Converter::new(scheme, target));
        Ok(Attempt::Converted(Box::new(Self { passage: body.passage()?, converter, out, shape })))
    }

    /// What the converted content looks like.
    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// All of it has been given.
    pub(super) fn is_finished(&self) -> bool {
        self.converter.is_none()
    }

    /// What comes of the next `room` octets of the content.
    ///
    /// # Errors
    /// As [`Passage::read`].
    pub(super) fn next(&mut self, room: usize, scratch: &mut Vec<u8>) -> io::Result<&[u8]> {
        self.out.clear();
        scratch.resize(room.max(scratch.len()), 0);
        let octets = self.passage.read(scratch.get_mut(..room).unwrap_or_default())?;
        if let Some(converter) = &mut self.converter {
            converter.push(scratch.get(..octets).unwrap_or_default(), &mut self.out);
        }
        if self.passage.is_finished()
            && let Some(converter) = self.converter.take()
        {
            converter.finish(&mut self.out);
        }
        Ok(&self.out)
    }
}

/// The fate of a message that cannot get the form that the server takes (RFC 3463 section 3.7, X.6.3; for a header in UTF-8
/// RFC 6531 section 3.5, X.6.9).
pub(super) fn unfit(shape: &Shape, target: Target, obstacle: Obstacle) -> Disposition {
    if target.ascii_header && obstacle == Obstacle::Header {
        let words = "the header, or that of a part, needs SMTPUTF8, which the server does not offer";
        return Disposition::local(Outcome::Failed, Status::permanent(6, 9), words);
    }
    let what = if shape.binary { "binary" } else { "8-bit" };
    let words = format!("the server does not take {what} content, and it cannot be converted: {obstacle}");
    Disposition::local(Outcome::Failed, Status::permanent(6, 3), words)
}

fn each_block(body: &Body, scratch: &mut Vec<u8>, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut passage = body.passage()?;
    scratch.resize(BLOCK.max(scratch.len()), 0);
    while !passage.is_finished() {
        let octets = passage.read(scratch)?;
        each(scratch.get(..octets).unwrap_or_default());
    }
    Ok(())
}

/// What has come out of a converter.
#[derive(Debug, Default)]
struct Counted {
    octets: u64,
    eight_bit: bool,
}

impl Counted {
    fn note(&mut self, out: &mut Vec<u8>) {
        self.octets += u64::try_from(out.len()).unwrap_or(u64::MAX);
        self.eight_bit |= !out.is_ascii();
        out.clear();
    }
}

/// Octets of content that are read at a time.
const BLOCK: usize = 128 << 10;
