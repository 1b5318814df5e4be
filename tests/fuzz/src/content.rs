//! Content: a second, slow reading of RFC 5321 section 4.5.2 agrees with ours, however the input is cut.

use proto::framing::{Chunk, ContentReader};
use proto::message::shape_of;

/// What a reader made of the octets.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    /// Dots removed; nothing if it is spoilt or unfinished, since then it is thrown away.
    content: Vec<u8>,
    spoilt: bool,
    /// Octets up to the end of data, if it came.
    end: Option<usize>,
}

/// The first octet chooses how the rest is cut.
pub(crate) fn check(octets: &[u8]) {
    let Some((&first, octets)) = octets.split_first() else { return };
    let size = usize::from(first % 17) + 1;
    let (cut, shape) = read(octets, size);
    let (whole, _) = read(octets, octets.len().max(1));
    assert_eq!(cut, whole, "the cut changes nothing");
    assert_eq!(cut, naive(octets), "the slow reading agrees");
    if cut.end.is_some() && !cut.spoilt {
        assert_eq!(shape, shape_of(&cut.content), "the shape is that of the content");
    }
}

fn read(octets: &[u8], size: usize) -> (Reading, proto::envelope::Shape) {
    let (mut reading, shape) = read_all(octets, size);
    if reading.spoilt || reading.end.is_none() {
        reading.content.clear();
    }
    (reading, shape)
}

fn read_all(octets: &[u8], size: usize) -> (Reading, proto::envelope::Shape) {
    let mut reader = ContentReader::new();
    let mut reading = Reading { content: Vec::new(), spoilt: false, end: None };
    let mut used = 0;
    for piece in octets.chunks(size) {
        let mut rest = piece;
        loop {
            let (consumed, chunk) = reader.advance(rest);
            used += consumed;
            rest = &rest[consumed..];
            match chunk {
                Chunk::Need => break,
                Chunk::Clean(run) => reading.content.extend_from_slice(run),
                Chunk::Spoilt(_) => {
                    assert!(!reading.spoilt, "said once");
                    reading.spoilt = true;
                }
                Chunk::End => {
                    reading.end = Some(used);
                    return (reading, reader.shape());
                }
            }
        }
        assert!(rest.is_empty(), "all of it is read");
    }
    (reading, reader.shape())
}

/// The end is CRLF, dot, CRLF (or dot, CRLF at the very beginning) and nothing else.
fn naive(octets: &[u8]) -> Reading {
    let with_start = [b"\r\n", octets].concat();
    let found = with_start.windows(5).position(|window| window == b"\r\n.\r\n");
    // Behind a CR that spoils nothing the same five octets count just so: there is no other reading of CRLF.
    let end = found.map(|at| at + 3);
    let content = &octets[..end.map_or(octets.len(), |end| end - 3)];
    let mut reading = Reading { content: Vec::new(), spoilt: false, end };
    let mut rest = content;
    let mut at_start = true;
    while let Some((&octet, after)) = rest.split_first() {
        match octet {
            b'.' if at_start => at_start = false,
            b'\r' if after.first() == Some(&b'\n') => {
                reading.content.extend_from_slice(b"\r\n");
                rest = &after[1..];
                at_start = true;
                continue;
            }
            // The last octet may be the first half of something.
            b'\r' if after.is_empty() && end.is_none() => {}
            b'\r' | b'\n' | 0 => {
                reading.content.clear();
                reading.spoilt = true;
                return reading;
            }
            _ => {
                reading.content.push(octet);
                at_start = false;
            }
        }
        rest = after;
    }
    if end.is_none() {
        reading.content.clear();
    }
    reading
}
