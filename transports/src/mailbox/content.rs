//! What a mailbox file holds.

use crate::agent::Body;
use proto::address::Mailbox;
use proto::message::{Field, fields};
use std::io::{self, Write};

/// Octets read and written at a time.
pub(super) const BLOCK: usize = 64 << 10;

/// The message has been delivered to this mailbox before: a Delivered-To field names it.
#[derive(Debug, thiserror::Error)]
#[error("delivered to this mailbox before; this is a mail loop")]
pub(super) struct Loop;

/// Writes the trace fields, given with CRLF, and the content, all with LF line ends.
///
/// # Errors
/// [`Loop`] if the message has been in this mailbox; what reading or writing says.
pub(super) fn write(trace: &str, body: &Body, mailbox: &Mailbox, file: &mut impl Write) -> io::Result<()> {
    let mut lines = Lines::default();
    let mut output = Vec::with_capacity(BLOCK + trace.len());
    lines.push(trace.as_bytes(), &mut output);
    let mut block = vec![0; BLOCK.min(usize::try_from(body.length()).unwrap_or(BLOCK))];
    let mut content = body.passage()?;
    let mut first = true;
    loop {
        let octets = content.read(&mut block)?;
        if octets == 0 {
            break;
        }
        if std::mem::take(&mut first) && has_been_in(mailbox, block.get(..octets).unwrap_or_default()) {
            return Err(io::Error::other(Loop));
        }
        lines.push(block.get(..octets).unwrap_or_default(), &mut output);
        file.write_all(&output)?;
        output.clear();
    }
    lines.finish(&mut output);
    file.write_all(&output)
}

/// Whether one of the fields in front says that the message was delivered to this mailbox. Those of the first block count:
/// delivery puts its own there.
pub(super) fn has_been_in(mailbox: &Mailbox, start: &[u8]) -> bool {
    let named = |field: &Field<'_>| {
        let text = std::str::from_utf8(field.value.trim_ascii()).ok();
        text.and_then(|text| text.parse::<Mailbox>().ok()).is_some_and(|named| named == *mailbox)
    };
    fields(start).any(|field| field.is("Delivered-To") && named(&field))
}

/// Turns CRLF into LF, whatever the blocks. A CR that stands alone stays.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// A CR has come and not yet what follows it.
    cr: bool,
}

impl Lines {
    pub(super) fn push(&mut self, block: &[u8], output: &mut Vec<u8>) {
        let mut rest = block;
        if self.cr && !rest.is_empty() {
            self.cr = false;
            if rest.first() != Some(&b'\n') {
                output.push(b'\r');
            }
        }
        while let Some(at) = memchr::memchr(b'\r', rest) {
            let (text, from_cr) = rest.split_at(at);
            output.extend_from_slice(text);
            match from_cr.get(1) {
                Some(b'\n') => {}
                Some(_) => output.push(b'\r'),
                None => self.cr = true,
            }
            rest = from_cr.get(1..).unwrap_or_default();
        }
        output.extend_from_slice(rest);
    }

    pub(super) fn finish(&mut self, output: &mut Vec<u8>) {
        if std::mem::take(&mut self.cr) {
            output.push(b'\r');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn converted(text: &[u8], blocks: usize) -> Vec<u8> {
        let (mut lines, mut output) = (Lines::default(), Vec::new());
        text.chunks(blocks).for_each(|block| lines.push(block, &mut output));
        lines.finish(&mut output);
        output
    }

    #[test]
    fn line_ends_become_lf_and_a_lone_cr_stays() {
        assert_eq!(converted(b"a\r\nb\rc\r\r\n\nd\r", 100), b"a\nb\rc\r\n\nd\r");
    }

    #[test]
    fn the_trace_stands_in_front() {
        let mut source = tempfile::tempfile().unwrap();
        source.write_all(b"Subject: x\r\n\r\nhi\r\n").unwrap();
        let body = Body::new(Arc::new(source), 0, 18);
        let mut file = Vec::new();
        write("Return-Path: <>\r\n", &body, &"ann@example.org".parse().unwrap(), &mut file).unwrap();
        assert_eq!(file, b"Return-Path: <>\nSubject: x\n\nhi\n");
    }

    proptest! {
        #[test]
        fn any_blocks_give_the_same(text in "[a\r\n]{0,40}", blocks in 1_usize..8) {
            let expected = text.replace("\r\n", "\n");
            prop_assert_eq!(converted(text.as_bytes(), blocks), expected.as_bytes());
        }
    }
}
