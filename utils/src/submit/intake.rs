//! Standard input as a message: lines that end with CRLF.
//!
//! A line of a local program ends with LF, or CRLF. A CR that ends no line is taken by no server: in the header section
//! it becomes a blank, so that it cannot begin a field, and after that a line end. A first line `From …`, which mailbox
//! files have, is dropped.

use std::io::{self, BufRead};

/// Reads up to the end of the input, or a line with a single dot, unless dots are to be ignored.
///
/// # Errors
/// What reading says.
pub(super) fn read(input: &mut impl BufRead, ignore_dots: bool) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let mut line = Vec::new();
    let (mut first, mut in_header) = (true, true);
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(content);
        }
        let text = without_end(&line);
        if !ignore_dots && text == b"." {
            return Ok(content);
        }
        in_header &= !text.is_empty();
        if !(first && text.starts_with(b"From ")) {
            push(text, in_header, &mut content);
        }
        first = false;
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let mut text = line.strip_suffix(b"\n").unwrap_or(line);
    while let Some(shorter) = text.strip_suffix(b"\r") {
        text = shorter;
    }
    text
}

fn push(text: &[u8], in_header: bool, content: &mut Vec<u8>) {
    let instead: &[u8] = if in_header { b" " } else { b"\r\n" };
    for (at, piece) in text.split(|&octet| octet == b'\r').enumerate() {
        if at > 0 {
            content.extend_from_slice(instead);
        }
        content.extend_from_slice(piece);
    }
    content.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken(input: &[u8], ignore_dots: bool) -> String {
        String::from_utf8(read(&mut &input[..], ignore_dots).unwrap()).unwrap()
    }

    #[test]
    fn every_line_ends_with_crlf() {
        assert_eq!(taken(b"A: b\n\nc\r\nd", false), "A: b\r\n\r\nc\r\nd\r\n");
        assert_eq!(taken(b"", false), "");
    }

    #[test]
    fn a_dot_ends_the_message_unless_dots_are_ignored() {
        assert_eq!(taken(b"\na\n.\nb\n", false), "\r\na\r\n");
        assert_eq!(taken(b"\na\n.\nb\n", true), "\r\na\r\n.\r\nb\r\n");
        assert_eq!(taken(b"\n..\n. \n", false), "\r\n..\r\n. \r\n");
        assert_eq!(taken(b"\na\r\n.\r\nb", false), "\r\na\r\n");
    }

    #[test]
    fn a_stray_cr_cannot_begin_a_field() {
        assert_eq!(taken(b"Subject: a\rBcc: b\n\nc\rd\n", false), "Subject: a Bcc: b\r\n\r\nc\r\nd\r\n");
    }

    #[test]
    fn the_first_line_of_a_mailbox_file_is_dropped() {
        assert_eq!(taken(b"From ann Mon Jan 1\nA: b\n\nFrom here\n", false), "A: b\r\n\r\nFrom here\r\n");
    }

    proptest! {
        #[test]
        fn nothing_bare_is_left(input in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), any::<u8>()], 0..60)) {
            let content = read(&mut &input[..], true).unwrap();
            let text = String::from_utf8_lossy(&content).replace("\r\n", "");
            prop_assert!(!text.contains(['\r', '\n']));
            prop_assert!(content.is_empty() || content.ends_with(b"\r\n"));
        }
    }
}
