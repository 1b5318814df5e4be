use super::*;
use crate::message::shape_of;
use proptest::prelude::*;

#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    clean: Vec<u8>,
    spoil: Option<Spoil>,
    /// What is left after the end of data, if there was one.
    rest: Option<Vec<u8>>,
    shape: Shape,
}

fn read(input: &[u8], size: usize) -> Outcome {
    let mut reader = ContentReader::new();
    let mut outcome = Outcome::default();
    let mut done = 0;
    for piece in input.chunks(size) {
        let mut piece = piece;
        loop {
            let (used, chunk) = reader.advance(piece);
            piece = &piece[used..];
            done += used;
            // The shape of spoilt content means nothing.
            outcome.shape = if outcome.spoil.is_none() { reader.shape() } else { Shape::default() };
            match chunk {
                Chunk::Need => break assert!(piece.is_empty()),
                Chunk::Clean(octets) => outcome.clean.extend_from_slice(octets),
                Chunk::Spoilt(spoil) => {
                    assert_eq!(outcome.spoil.replace(spoil), None);
                    outcome.shape = Shape::default();
                }
                Chunk::End => {
                    outcome.rest = Some(input[done..].to_vec());
                    return outcome;
                }
            }
        }
    }
    outcome
}

/// Where the content ends by the definition: at the first CRLF dot CRLF, the CRLF of DATA included.
fn end_by_definition(input: &[u8]) -> Option<usize> {
    let whole = [b"\r\n", input].concat();
    memchr::memmem::find(&whole, b"\r\n.\r\n").map(|at| at + 3)
}

/// The content by the definition, unless it is spoilt.
fn content_by_definition(content: &str) -> Option<String> {
    let body = content.strip_suffix(".\r\n")?;
    if body.replace("\r\n", "").contains(['\r', '\n', '\0']) {
        return None;
    }
    Some(body.split_inclusive("\r\n").map(|line| line.strip_prefix('.').unwrap_or(line)).collect())
}

#[test]
fn dots_are_removed_and_the_end_is_found() {
    let found = read(b"A: b\r\n\r\n..dot\r\n.plain\r\n.\r\nQUIT\r\n", 999);
    assert_eq!(found.clean, b"A: b\r\n\r\n.dot\r\nplain\r\n");
    assert_eq!(found.rest.as_deref(), Some(&b"QUIT\r\n"[..]));
    assert_eq!(found.shape, shape_of(&found.clean));
    assert!(found.shape.leading_dot);
}

#[test]
fn content_may_be_empty() {
    let found = read(b".\r\n", 1);
    assert_eq!((found.clean, found.rest, found.shape), (vec![], Some(vec![]), Shape::default()));
}

#[test]
fn one_slice_holds_many_lines() {
    let mut reader = ContentReader::new();
    assert_eq!(reader.advance(b"a\r\nb\r\nc"), (7, Chunk::Clean(b"a\r\nb\r\nc")));
}

#[test]
fn no_smuggling_sequence_ends_the_data_and_each_spoils_it() {
    let sequences: [&[u8]; 18] = [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\r",
        b"\n.\r",
        b"\r.\n",
        b"\r\n.\r\r\n",
        b"\r\r\n.\r\r\n",
        b"\n\n.\r\n",
        b"\r\n\0.\r\n",
        b"\r\n.\0\r\n",
        b"\0\r\n\0.\0\r\n",
        b"\n\r.\r\n",
        b"\r\n.\n\r",
        b"\n\r\n\r.\r\n",
        b"\r\n.\r\0\n",
    ];
    for sequence in sequences {
        let input = [b"text", sequence, b"MAIL FROM:<evil@example.net>\r\n.\r\nNOOP\r\n"].concat();
        for size in [1, 2, 3, 999] {
            let found = read(&input, size);
            let text = sequence.escape_ascii();
            assert_eq!(found.rest.as_deref(), Some(&b"NOOP\r\n"[..]), "{text}");
            assert!(found.spoil.is_some(), "{text}");
        }
    }
}

#[test]
fn the_end_counts_even_in_spoilt_content() {
    let found = read(b"a\r\r\n.\r\nNOOP\r\n", 999);
    assert_eq!(found.spoil, Some(Spoil { kind: SpoilKind::BareCr, line: 1 }));
    assert_eq!(found.rest.as_deref(), Some(&b"NOOP\r\n"[..]));
}

#[test]
fn the_line_of_the_fault_is_named() {
    let found = read(b"a\r\nb\r\nc\nd\r\n.\r\n", 999);
    assert_eq!(found.spoil.unwrap().to_string(), "bare LF in line 3 of the message");
}

/// The clean octets and the shape of counted content in pieces of `size` octets, or what spoils it.
fn count(mut reader: ContentReader, input: &[u8], size: usize) -> Result<(Vec<u8>, Shape), Spoil> {
    let mut clean = Vec::new();
    let take = |chunk: Chunk<'_>, clean: &mut Vec<u8>| match chunk {
        Chunk::Spoilt(spoil) => Err(spoil),
        Chunk::Clean(octets) => {
            clean.extend_from_slice(octets);
            Ok(false)
        }
        Chunk::Need | Chunk::End => Ok(true),
    };
    for mut piece in input.chunks(size) {
        loop {
            let (used, chunk) = reader.advance(piece);
            piece = &piece[used..];
            if take(chunk, &mut clean)? {
                break assert!(piece.is_empty());
            }
        }
    }
    while !take(reader.finish(), &mut clean)? {}
    Ok((clean, reader.shape()))
}

proptest! {
    #[test]
    fn binary_content_is_what_was_sent(input in "[a.\r\n\0\u{e4}]{0,24}", size in 1_usize..8) {
        let (clean, shape) = count(ContentReader::binary(), input.as_bytes(), size).unwrap();
        prop_assert_eq!(shape, shape_of(input.as_bytes()));
        prop_assert_eq!(clean, input.into_bytes());
    }

    #[test]
    fn counted_content_is_made_of_lines(input in "[a.\r\n\u{e4}]{0,12}(\r\n)?[a.\0]{0,4}", size in 1_usize..8) {
        let proper = !input.replace("\r\n", "").contains(['\r', '\n', '\0']);
        let end = if input.is_empty() || input.ends_with("\r\n") { "" } else { "\r\n" };
        match count(ContentReader::counted(), input.as_bytes(), size) {
            Err(spoil) => prop_assert!(!proper, "{}", spoil),
            Ok((clean, shape)) => {
                prop_assert!(proper);
                prop_assert_eq!(shape, shape_of(&clean));
                prop_assert_eq!(clean, format!("{input}{end}").into_bytes());
            }
        }
    }

    #[test]
    fn any_input_in_any_split_agrees_with_the_definition(input in "[a.\r\n\0\u{e4}]{0,24}(\r\n)?(\\.\r\n)?.{0,4}", size in 1_usize..8) {
        let found = read(input.as_bytes(), size);
        prop_assert_eq!(&found, &read(input.as_bytes(), 999));
        let end = end_by_definition(input.as_bytes());
        prop_assert_eq!(found.rest.map(|rest| input.len() - rest.len()), end);
        if let Some(end) = end {
            let content = content_by_definition(&input[..end]);
            prop_assert_eq!(found.spoil.is_none(), content.is_some());
            if let Some(content) = content {
                prop_assert_eq!(found.clean.as_slice(), content.as_bytes());
                prop_assert_eq!(found.shape, shape_of(content.as_bytes()));
            }
        }
    }

    #[test]
    fn stuffing_is_undone(lines in prop::collection::vec("\\.{0,3}[a-z]{0,4}", 0..8), size in 1_usize..9) {
        let content: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let stuffed: String = lines.iter()
            .map(|line| format!("{}{line}\r\n", if line.starts_with('.') { "." } else { "" }))
            .collect();
        let found = read(format!("{stuffed}.\r\n").as_bytes(), size);
        prop_assert_eq!((found.clean, found.spoil), (content.into_bytes(), None));
    }
}
