//! Reading replies as they arrive.

use super::Reply;
use crate::status::Status;

/// Reads replies from any split of the octets that a server sends.
///
/// The line end is CRLF; a bare LF is taken too, since nothing that a server says is forwarded. Control octets in the
/// text become `?`, other octets outside UTF-8 the replacement character.
#[derive(Debug, Default)]
pub struct ReplyParser {
    line: Vec<u8>,
    /// The code of the lines before this one; meaningful while there are any.
    code: u16,
    lines: Vec<String>,
    size: usize,
}

/// What a server sent that is no reply. The parser is of no use afterwards: close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The line does not begin with a reply code and a space, a hyphen or its end.
    #[error("the server sent a line that is not a reply")]
    Garbage,
    /// The lines of one reply carry different codes.
    #[error("the lines of the reply begin with {first} and with {other}")]
    Codes {
        /// The code of the first line.
        first: u16,
        /// The code of a later one.
        other: u16,
    },
    /// A line is longer than 4,096 octets.
    #[error("a line of the reply is longer than {MAX_LINE} octets")]
    LongLine,
    /// A reply is longer than 64 KiB.
    #[error("the reply is longer than {MAX_REPLY} octets")]
    LongReply,
}

impl ReplyParser {
    /// A parser that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether part of a reply has been read.
    pub fn is_amid(&self) -> bool {
        !self.line.is_empty() || !self.lines.is_empty()
    }

    /// Reads at most one reply: the number of octets used up, and the reply if it is complete.
    ///
    /// Without a reply, all of `input` is used up. Call again with the rest for the next reply.
    ///
    /// # Errors
    /// [`ReplyError`] as soon as it is certain that this becomes no reply.
    pub fn feed(&mut self, input: &[u8]) -> Result<(usize, Option<Reply>), ReplyError> {
        let mut used = 0;
        while let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) {
            let end = memchr::memchr(b'\n', rest);
            let piece = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            self.take(piece, end.is_some())?;
            used += piece.len() + usize::from(end.is_some());
            if end.is_some()
                && let Some(reply) = self.end_line()?
            {
                return Ok((used, Some(reply)));
            }
        }
        Ok((used, None))
    }

    fn take(&mut self, piece: &[u8], ended: bool) -> Result<(), ReplyError> {
        self.size += piece.len() + usize::from(ended);
        if self.line.len() + piece.len() > MAX_LINE {
            return Err(ReplyError::LongLine);
        }
        if self.size > MAX_REPLY {
            return Err(ReplyError::LongReply);
        }
        self.line.extend_from_slice(piece);
        Ok(())
    }

    fn end_line(&mut self) -> Result<Option<Reply>, ReplyError> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let (code, rest) = line.split_at_checked(3).ok_or(ReplyError::Garbage)?;
        let code = reply_code(code).ok_or(ReplyError::Garbage)?;
        let (more, text) = match rest.split_first() {
            None => (false, rest),
            Some((b' ', text)) => (false, text),
            Some((b'-', text)) => (true, text),
            Some(_) => return Err(ReplyError::Garbage),
        };
        if self.lines.is_empty() {
            self.code = code;
        } else if self.code != code {
            return Err(ReplyError::Codes { first: self.code, other: code });
        }
        self.lines.push(clean(text));
        if more {
            return Ok(None);
        }
        self.size = 0;
        Ok(Some(assemble(code, std::mem::take(&mut self.lines))))
    }
}

/// Lifts the enhanced status code off the lines, where the first carries one that agrees with the reply code.
fn assemble(code: u16, mut lines: Vec<String>) -> Reply {
    let first = lines.first().and_then(|line| Status::split(line)).map(|(status, _)| status);
    let status = first.filter(|status| u16::from(status.class()) == code / 100);
    for line in &mut lines {
        if let Some((found, text)) = Status::split(line)
            && status == Some(found)
        {
            *line = text.to_owned();
        }
    }
    Reply { code, status, lines, cause: None }
}

/// Source: RFC 5321 section 4.2 (`Reply-code`).
fn reply_code(text: &[u8]) -> Option<u16> {
    match text {
        [b'2'..=b'5', b'0'..=b'5', b'0'..=b'9'] => std::str::from_utf8(text).ok()?.parse().ok(),
        _ => None,
    }
}

fn clean(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Octets of a line without its line end; RFC 5321 section 4.5.3.1.5 promises 510, servers say more.
const MAX_LINE: usize = 4096;

/// Octets of a whole reply.
const MAX_REPLY: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(input: &str) -> Result<Reply, ReplyError> {
        ReplyParser::new().feed(input.as_bytes()).map(|(_, reply)| reply.unwrap())
    }

    #[test]
    fn codes_are_lifted_off_every_line() {
        let reply = one("550-5.1.1 no such user\r\n550 5.1.1 here\r\n").unwrap();
        assert_eq!((reply.code, reply.status), (550, Some(Status::permanent(1, 1))));
        assert_eq!(reply.lines, ["no such user", "here"]);
    }

    #[test]
    fn a_status_of_another_class_stays_text() {
        assert_eq!(one("550 4.1.1 odd\r\n").unwrap(), Reply::plain(550, "4.1.1 odd"));
    }

    #[test]
    fn a_bare_code_and_a_bare_lf_are_enough() {
        assert_eq!(one("250\r\n").unwrap(), Reply::plain(250, ""));
        assert_eq!(one("220 hello\n").unwrap(), Reply::plain(220, "hello"));
    }

    #[test]
    fn garbage_is_told_from_replies() {
        for text in ["\r\n", "25\r\n", "250_x\r\n", "199 x\r\n", "260 x\r\n", "HTTP/1.1 400\r\n", "2x0 a\r\n"]
        {
            assert_eq!(one(text), Err(ReplyError::Garbage), "{text:?}");
        }
        assert_eq!(one("250-a\r\n251 b\r\n"), Err(ReplyError::Codes { first: 250, other: 251 }));
    }

    #[test]
    fn endless_lines_and_replies_end() {
        assert_eq!(ReplyParser::new().feed(&[b'2'; 5000]), Err(ReplyError::LongLine));
        assert_eq!(ReplyParser::new().feed(&b"250-x\r\n".repeat(20_000)), Err(ReplyError::LongReply));
    }

    #[test]
    fn the_next_reply_is_left_alone() {
        let mut parser = ReplyParser::new();
        assert_eq!(parser.feed(b"250 a\r\n251 b\r\n").unwrap().0, 7);
        assert!(!parser.is_amid());
        assert_eq!(parser.feed(b"251").unwrap(), (3, None));
        assert!(parser.is_amid());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_whatever_the_split(
            code in 200_u16..560,
            lines in prop::collection::vec("[ -~]{0,80}", 1..5),
            detail in prop::option::of(0_u16..9),
            size in 1_usize..40,
        ) {
            prop_assume!(code / 10 % 10 <= 5);
            prop_assume!(lines.iter().all(|line| Status::split(line).is_none()));
            let class = u8::try_from(code / 100).unwrap();
            let status = detail.filter(|_| class != 3).map(|d| Status::permanent(1, d).with_class(class));
            let reply = Reply { code, status, lines, cause: None };
            let mut octets = Vec::new();
            reply.write_to(&mut octets);
            let mut parser = ReplyParser::new();
            let mut found = Vec::new();
            for piece in octets.chunks(size) {
                let (used, one) = parser.feed(piece).unwrap();
                prop_assert_eq!(used, piece.len());
                found.extend(one);
            }
            prop_assert_eq!(found, vec![reply]);
        }
    }
}
