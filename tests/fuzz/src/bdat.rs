//! BDAT: what the chunks hold is the message, to the octet, whatever stands in them (RFC 3030 section 2).

use crate::shell::{play, standing};

/// The first octet says how the input is cut and whether the message is binary; then chunks, each behind an octet with its
/// length.
pub(crate) fn check(octets: &[u8]) {
    let [how, rest @ ..] = octets else { return };
    let binary = how & 1 == 1;
    let (input, mut content) = conversation(binary, rest);
    if !binary && is_text(&content) && !content.is_empty() && !content.ends_with(b"\r\n") {
        // Text is made of lines: the last one is finished.
        content.extend_from_slice(b"\r\n");
    }
    let seen = play(standing(1), &input, usize::from(how >> 1) + 1);
    assert_eq!(seen, play(standing(1), &input, input.len()), "the cut changes nothing");
    if content.len() > 3000 {
        assert!(seen.mails.is_empty(), "too large");
    } else if binary || is_text(&content) {
        assert!(seen.mails == [content], "the message is what the chunks held: {:?}", seen.events);
    } else {
        assert!(seen.mails.is_empty(), "spoilt content is refused: {:?}", seen.events);
    }
    let farewell = seen.events.iter().rev().nth(1).and_then(|event| event.get(..3));
    assert_eq!(farewell, Some("221"), "the session is still in step: {:?}", seen.events);
}

/// Chunks of a message; a session with far more commands than messages is ended.
const CHUNKS: usize = 150;

/// The octets of the client, and the content that they carry.
fn conversation(binary: bool, mut rest: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let body = if binary { " BODY=BINARYMIME" } else { "" };
    let mut input =
        format!("EHLO a\r\nMAIL FROM:<a@b.example>{body}\r\nRCPT TO:<c@d.example>\r\n").into_bytes();
    let mut content = Vec::new();
    for _ in 0..CHUNKS {
        let [length, after @ ..] = rest else { break };
        let (chunk, after) = after.split_at(usize::from(*length).min(after.len()));
        input.extend_from_slice(format!("BDAT {}\r\n", chunk.len()).as_bytes());
        input.extend_from_slice(chunk);
        content.extend_from_slice(chunk);
        rest = after;
    }
    input.extend_from_slice(b"BDAT 0 LAST\r\nQUIT\r\n");
    (input, content)
}

/// Lines that end with CRLF, the last one perhaps unfinished, without a NUL.
fn is_text(content: &[u8]) -> bool {
    !String::from_utf8_lossy(content).replace("\r\n", "").contains(['\r', '\n', '\0'])
}
