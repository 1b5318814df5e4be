//! The header section of a message from a local program: split off, completed, stripped.

use super::full_name::phrase;
use proto::message::{Field, fields};

/// A message, split where its header section ends.
///
/// The section ends at the first empty line, or before the first line that is neither a field nor the continuation of
/// one: programs send bodies without any header section.
#[derive(Debug, Clone)]
pub(super) struct Heading<'a> {
    fields: Vec<Field<'a>>,
    body: &'a [u8],
}

/// What is put in where it is missing.
#[derive(Debug, Clone)]
pub(super) struct Missing<'a> {
    /// The address of From, without angle brackets.
    pub(super) from: String,
    /// The name of From.
    pub(super) full_name: Option<&'a str>,
    /// The value of Date.
    pub(super) date: String,
    /// The value of Message-ID, with its angle brackets.
    pub(super) message_id: String,
}

/// Fields that do not leave this host: hidden recipients, and what delivery adds.
const DROPPED: [&str; 4] = ["Bcc", "Resent-Bcc", "Return-Path", "Content-Length"];

impl<'a> Heading<'a> {
    /// Splits `content`, whose lines end with CRLF.
    pub(super) fn split(content: &'a [u8]) -> Self {
        let mut found = Vec::new();
        let mut rest = content;
        // The scan of proto passes over lines that are no fields; here the first such line begins the body.
        while let Some(field) = fields(rest).next().filter(|field| rest.starts_with(field.raw)) {
            rest = rest.get(field.raw.len()..).unwrap_or_default();
            found.push(field);
        }
        Self { fields: found, body: rest.strip_prefix(b"\r\n").unwrap_or(rest) }
    }

    /// The lists in the fields that name recipients.
    pub(super) fn destinations(&self) -> Vec<String> {
        let values = |names: [&str; 3]| -> Vec<String> {
            let wanted = self.fields.iter().filter(|field| names.iter().any(|name| field.is(name)));
            wanted.map(|field| String::from_utf8_lossy(field.value).into_owned()).collect()
        };
        let resent = values(["Resent-To", "Resent-Cc", "Resent-Bcc"]);
        if resent.is_empty() { values(["To", "Cc", "Bcc"]) } else { resent }
    }

    /// The message with what it lacked, and without what has to go.
    pub(super) fn completed(&self, missing: &Missing<'_>) -> Vec<u8> {
        let mut content = Vec::new();
        let kept = self.fields.iter().filter(|field| !DROPPED.iter().any(|name| field.is(name)));
        for field in kept {
            content.extend_from_slice(field.raw);
        }
        let mut add = |name: &str, value: &str| {
            if !self.fields.iter().any(|field| field.is(name)) {
                content.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
            }
        };
        add("From", &missing.author());
        add("Date", &missing.date);
        add("Message-ID", &missing.message_id);
        content.extend_from_slice(b"\r\n");
        content.extend_from_slice(self.body);
        content
    }
}

impl Missing<'_> {
    fn author(&self) -> String {
        match self.full_name.map(phrase).filter(|name| !name.is_empty()) {
            Some(name) => format!("{name} <{}>", self.from),
            None => self.from.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn completed(content: &str) -> String {
        let missing = Missing {
            from: "ann@h.example".into(),
            full_name: Some("Ann"),
            date: "D".into(),
            message_id: "<m>".into(),
        };
        String::from_utf8(Heading::split(content.as_bytes()).completed(&missing)).unwrap()
    }

    #[test]
    fn what_is_missing_is_added() {
        assert_eq!(
            completed("Subject: s\r\n\r\nbody\r\n"),
            "Subject: s\r\nFrom: Ann <ann@h.example>\r\nDate: D\r\nMessage-ID: <m>\r\n\r\nbody\r\n"
        );
    }

    #[test]
    fn what_is_there_stays() {
        let whole = "FROM: x\r\ndate: y\r\nMessage-Id: <z>\r\n\r\nbody\r\n";
        assert_eq!(completed(whole), whole);
    }

    #[test]
    fn hidden_recipients_are_removed_with_their_folds() {
        let text = completed("Bcc: a,\r\n b\r\nX: y\r\nbcc: c\r\n\r\nBcc: body\r\n");
        assert!(text.starts_with("X: y\r\nFrom:"), "{text}");
        assert!(text.ends_with("\r\n\r\nBcc: body\r\n"), "{text}");
    }

    #[test]
    fn a_body_without_a_header_section_gets_one() {
        let added = "From: Ann <ann@h.example>\r\nDate: D\r\nMessage-ID: <m>\r\n\r\n";
        assert_eq!(completed("hello\r\nworld: x\r\n"), format!("{added}hello\r\nworld: x\r\n"));
        assert_eq!(completed(""), added);
        assert_eq!(completed("\r\nhello\r\n"), format!("{added}hello\r\n"));
        assert_eq!(completed(" indented: x\r\n"), format!("{added} indented: x\r\n"));
    }

    #[test]
    fn the_body_begins_at_the_first_line_that_is_no_field() {
        let text = completed("X: y\r\nno field\r\nBcc: kept\r\n");
        assert!(
            text.starts_with("X: y\r\nFrom:") && text.ends_with("\r\n\r\nno field\r\nBcc: kept\r\n"),
            "{text}"
        );
    }

    proptest! {
        #[test]
        fn nothing_of_the_body_is_lost(body in "([a-z:. ]{0,12}\r\n){0,6}") {
            let text = completed(&format!("X: y\r\n\r\n{body}"));
            prop_assert!(text.ends_with(&["\r\n\r\n", &body].concat()));
        }
    }
}
