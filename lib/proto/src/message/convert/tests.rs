//! What is converted decodes to the same octets, by the judgement of a reader of MIME that is not ours.

use super::*;
use crate::message::shape_of;
use mail_parser::{MessageParser, MessagePart, PartType};
use proptest::prelude::*;

const SEVEN: Target = Target { eight_bit: false, ascii_header: false };
const EIGHT: Target = Target { eight_bit: true, ascii_header: false };

/// Converts in chunks of this size.
fn converted(content: &[u8], target: Target, size: usize) -> Result<Vec<u8>, Obstacle> {
    let mut survey = Survey::new(target);
    content.chunks(size).for_each(|chunk| survey.push(chunk));
    let mut converter = Converter::new(survey.finish()?, target);
    let mut out = Vec::new();
    content.chunks(size).for_each(|chunk| converter.push(chunk, &mut out));
    converter.finish(&mut out);
    Ok(out)
}

fn text(content: &str, target: Target) -> String {
    String::from_utf8(converted(content.as_bytes(), target, 7).unwrap()).unwrap()
}

#[test]
fn text_without_mime_is_declared_and_quoted() {
    assert_eq!(
        text("Subject: x\r\n\r\ncaf\u{e9}, and much more that needs nothing\r\n", SEVEN),
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9, and much more that needs nothing\r\n"
    );
}

#[test]
fn only_the_part_that_needs_it_is_encoded() {
    let message = |encoding: &str, middle: &str| {
        format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\npreamble\r\n--b\r\n\r\nplain\r\n\
             --b\r\ncontent-type: image/png\r\n{encoding}\r\n\r\n{middle}\r\n--b  \r\n\r\n--c\r\n--b--\r\nepilogue\r\n"
        )
    };
    let given = message("content-transfer-encoding: 8bit", "\u{e9}\u{e9}\u{e9}");
    assert_eq!(text(&given, SEVEN), message("Content-Transfer-Encoding: base64", "w6nDqcOp"));
    assert_eq!(text(&given, EIGHT), given);
}

#[test]
fn binary_parts_become_base64_and_eight_bit_text_may_stay() {
    let given = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n\
        --b\r\n\r\n\xc3\xa9\r\n--b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\na\n\0\r\n--b--\r\n";
    let out = String::from_utf8(converted(given, EIGHT, 5).unwrap()).unwrap();
    assert!(
        out.contains("boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--b\r\n\r\n\u{e9}\r\n--b"),
        "{out}"
    );
    assert!(out.contains("Content-Transfer-Encoding: base64\r\n\r\nYQoA\r\n--b--\r\n"), "{out}");
}

#[test]
fn a_long_line_is_quoted_if_it_may_be() {
    let long = "x".repeat(999);
    let given = format!("Subject: y\r\n\r\n{long}\r\n");
    assert!(shape_of(text(&given, EIGHT).as_bytes()).longest_line <= 76);
    let signed = format!("DKIM-Signature: v=1\r\n{given}");
    assert_eq!(text(&signed, SEVEN), signed);
}

#[test]
fn nothing_signed_is_touched() {
    let body = "\r\n\r\ncaf\u{e9}\r\n";
    let part = format!("--b\r\nContent-Type: text/plain{body}--b--\r\n");
    for (head, rest) in [
        ("DKIM-Signature: v=1", body),
        ("ARC-Message-Signature: i=1", body),
        ("Content-Type: application/pkcs7-mime", body),
        ("Content-Type: multipart/signed; boundary=b\r\n\r\n", part.as_str()),
        ("Content-Type: multipart/encrypted; boundary=b\r\n\r\n", part.as_str()),
        ("Content-Type: message/rfc822\r\n\r\nDKIM-Signature: v=1", body),
    ] {
        let content = format!("MIME-Version: 1.0\r\n{head}{rest}");
        assert_eq!(converted(content.as_bytes(), SEVEN, 9), Err(Obstacle::Signed), "{content}");
        assert_eq!(converted(content.as_bytes(), EIGHT, 9).unwrap(), content.as_bytes());
    }
}

#[test]
fn what_cannot_be_converted_says_why() {
    for (content, obstacle) in [
        ("Subject: \u{e9}\r\n\r\nx\r\n", Obstacle::Header),
        ("Content-Transfer-Encoding: base64\r\n\r\n\u{e9}\r\n", Obstacle::Encoding),
        ("Content-Transfer-Encoding: x-uue\r\n\r\n\u{e9}\r\n", Obstacle::Encoding),
        ("Content-Type: multipart/mixed\r\n\r\n\u{e9}\r\n", Obstacle::Structure),
        ("Content-Type: message/partial\r\n\r\n\u{e9}\r\n", Obstacle::Structure),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\u{e9}\r\n\r\nx\r\n", Obstacle::Structure),
    ] {
        assert_eq!(converted(content.as_bytes(), SEVEN, 9), Err(obstacle), "{content}");
    }
}

#[test]
fn parts_are_encoded_in_a_message_that_says_it_is_mime() {
    let message = |head: &str, label: &str, text: &str| {
        format!(
            "Content-Type: multipart/mixed; boundary=b\r\n{head}\r\n--b\r\n{label}\r\n{text}, and more plain text\r\n--b--\r\n"
        )
    };
    let given = message("", "", "caf\u{e9}");
    let label = "Content-Transfer-Encoding: quoted-printable\r\n";
    let encoded = message("MIME-Version: 1.0\r\n", label, "caf=C3=A9");
    assert_eq!(text(&given, SEVEN), encoded);
    let outer = "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n";
    assert_eq!(text(&format!("{outer}{given}"), SEVEN), format!("{outer}{encoded}"));
}

#[test]
fn without_smtputf8_no_header_of_an_internationalized_message_goes_beyond_ascii() {
    let part = "--b\r\nContent-Disposition: attachment; filename=\"\u{e9}\"\r\n\r\nx\r\n--b--\r\n";
    let content = format!("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{part}");
    let ascii = Target { ascii_header: true, ..EIGHT };
    assert_eq!(converted(content.as_bytes(), ascii, 9), Err(Obstacle::Header));
    assert_eq!(text(&content, EIGHT), content);
    let body = "MIME-Version: 1.0\r\n\r\n\u{e9}\r\n";
    assert_eq!(text(body, ascii), body);
}

#[test]
fn what_lies_too_deep_is_not_looked_into() {
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(40);
    assert_eq!(converted(format!("{nested}\r\n\u{e9}\r\n").as_bytes(), SEVEN, 99), Err(Obstacle::Structure));
    assert!(converted(format!("{nested}\r\nx\r\n").as_bytes(), SEVEN, 99).is_ok());
}

#[test]
fn text_between_parts_loses_what_cannot_pass() {
    let content =
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\xe9\0\r\n--b\r\n\r\nx\r\n--b--\r\n\xff\n\r\n";
    let out = converted(content, SEVEN, 4).unwrap();
    assert_eq!(
        out,
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n??\r\n--b\r\n\r\nx\r\n--b--\r\n??\r\n"
    );
}

#[test]
fn a_last_line_that_does_not_end_gets_no_end() {
    assert!(
        text("\r\ncaf\u{e9} and a good deal of text", SEVEN)
            .ends_with("\r\n\r\ncaf=C3=A9 and a good deal of text=\r\n")
    );
    assert!(text("Content-Type: image/x\r\n\r\n\u{e9}", SEVEN).ends_with("\r\n\r\nw6k=\r\n"));
}

#[test]
fn of_two_boundaries_the_longer_one_counts() {
    let message = |odd: &str| {
        format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
             Content-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\nx\r\n--bb--\r\n{odd}\r\n--b--\r\n"
        )
    };
    assert_eq!(text(&message("\u{e9}"), SEVEN), message("??"));
}

/// A message or a part of one.
#[derive(Debug, Clone)]
enum Node {
    Text(String),
    Octets(Vec<u8>),
    Parts(Vec<Self>),
    Message(Box<Self>),
}

impl Node {
    /// With its header; `last` counts boundaries.
    fn render(&self, last: &mut u32, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                out.extend_from_slice(b"Content-Type: text/plain; charset=utf-8\r\n\r\n");
                out.extend_from_slice(text.as_bytes());
            }
            Self::Octets(octets) => {
                out.extend_from_slice(
                    b"Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n",
                );
                out.extend_from_slice(octets);
            }
            Self::Message(node) => {
                out.extend_from_slice(
                    b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nMIME-Version: 1.0\r\n",
                );
                node.render(last, out);
            }
            Self::Parts(nodes) => {
                *last += 1;
                let boundary = format!("=_{last}_=");
                let head = format!("Content-Type: multipart/mixed;\r\n\tboundary=\"{boundary}\"\r\n\r\n");
                out.extend_from_slice(head.as_bytes());
                for node in nodes {
                    out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
                    node.render(last, out);
                    out.extend_from_slice(b"\r\n");
                }
                out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
            }
        }
    }
}

fn nodes() -> impl Strategy<Value = Node> {
    let octet =
        prop_oneof![Just(0_u8), Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'='), Just(b' '), any::<u8>()];
    let leaf = prop_oneof![
        "(\u{e9}|a|bcd|=|-|\\.| |\t|\r\n){0,200}".prop_map(Node::Text),
        ("(a|=| ){0,20}", 0_usize..1200).prop_map(|(text, times)| Node::Text(text.repeat(times % 70))),
        prop::collection::vec(octet, 0..300).prop_map(Node::Octets),
    ];
    // The other reader panics when a message within a message is a part, so there is none.
    let leaf_or_message = prop_oneof![
        3 => leaf.clone(),
        1 => leaf.prop_map(|node| Node::Message(Box::new(node))),
    ];
    leaf_or_message.prop_recursive(4, 12, 4, |inner| prop::collection::vec(inner, 1..4).prop_map(Node::Parts))
}

/// What the leaves hold, in order.
fn leaves(parts: &[MessagePart<'_>], found: &mut Vec<Vec<u8>>) {
    for part in parts {
        match &part.body {
            PartType::Message(message) => leaves(&message.parts, found),
            PartType::Multipart(_) => {}
            _ => found.push(part.contents().to_vec()),
        }
    }
}

fn decoded(content: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    leaves(&MessageParser::default().parse(content).unwrap().parts, &mut found);
    found
}

proptest! {
    #[test]
    fn the_same_octets_come_out(node in nodes(), eight_bit: bool, size in 1_usize..200) {
        let mut content = b"Subject: x\r\nMIME-Version: 1.0\r\n".to_vec();
        node.render(&mut 0, &mut content);
        let target = if eight_bit { EIGHT } else { SEVEN };
        let out = converted(&content, target, size).unwrap();
        prop_assert_eq!(&out, &converted(&content, target, usize::MAX).unwrap(), "chunks matter");

        let shape = shape_of(&out);
        prop_assert!(eight_bit || !shape.eight_bit);
        prop_assert!(!shape.binary || !out.ends_with(b"\r\n"), "{}", out.escape_ascii());
        prop_assert!(shape.longest_line <= 998);
        prop_assert_eq!(decoded(&out), decoded(&content), "{}\n\n{}", content.escape_ascii(), out.escape_ascii());
    }

    #[test]
    fn no_octets_confuse_it(content in "(a|\u{e9}|\0|=|-|--b|--|\r|\n|\r\n|\r\n\r\n|Content-Type: multipart/mixed; boundary=b|: ){0,60}", size in 1_usize..9) {
        for target in [SEVEN, EIGHT] {
            let out = converted(content.as_bytes(), target, size);
            prop_assert_eq!(&out, &converted(content.as_bytes(), target, 999));
            if let Ok(out) = out {
                prop_assert!(target.eight_bit || out.is_ascii());
                let whole = if out.ends_with(b"\r\n") { out } else { [out.as_slice(), b"\r\n"].concat() };
                prop_assert!(!shape_of(&whole).binary, "{}", whole.escape_ascii());
            }
        }
    }
}
