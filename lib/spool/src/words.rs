//! Words on a line: how values that may hold anything stand in a text of words.
//!
//! A word is percent-encoded: space, `%` and control characters become `%XX`, everything else stands as it is, so that
//! `strings` shows it. An empty word is written `%`, which no encoding yields otherwise.

use proto::address::ReversePath;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::str::{FromStr, Split};

/// Appends a space and the encoded word.
pub(crate) fn push(line: &mut String, word: &str) {
    line.push(' ');
    encode(line, word);
}

/// Appends the encoded word.
pub(crate) fn encode(line: &mut String, word: &str) {
    if word.is_empty() {
        line.push('%');
    }
    if word.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'%') {
        return line.push_str(word);
    }
    for character in word.chars() {
        if character == ' ' || character == '%' || character.is_control() {
            let mut octets = [0; 4];
            for octet in character.encode_utf8(&mut octets).bytes() {
                // Writing to a String cannot fail.
                let _ = write!(line, "%{octet:02X}");
            }
        } else {
            line.push(character);
        }
    }
}

/// Undoes [`encode`]; `None` if that is not possible.
pub(crate) fn decode(word: &str) -> Option<String> {
    unescape(word).map(Cow::into_owned)
}

/// As [`decode`], without a copy where the word stands as it is.
pub(crate) fn unescape(word: &str) -> Option<Cow<'_, str>> {
    if word == "%" {
        return Some(Cow::Borrowed(""));
    }
    if word.is_empty() || memchr::memchr(b'%', word.as_bytes()).is_none() {
        return (!word.is_empty()).then_some(Cow::Borrowed(word));
    }
    let mut octets = Vec::with_capacity(word.len());
    let mut rest = word.bytes();
    while let Some(octet) = rest.next() {
        if octet == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            octets.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            octets.push(octet);
        }
    }
    String::from_utf8(octets).ok().map(Cow::Owned)
}

/// The words of a line, taken from the left.
#[derive(Debug, Clone)]
pub(crate) struct Words<'a>(Split<'a, char>);

impl<'a> Words<'a> {
    /// Splits a line at single spaces; an empty line has no words.
    pub(crate) fn new(line: &'a str) -> Self {
        let mut words = line.split(' ');
        if line.is_empty() {
            words.next();
        }
        Self(words)
    }

    /// The next word as it stands.
    pub(crate) fn raw(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    /// The next word, decoded.
    pub(crate) fn text(&mut self) -> Option<String> {
        decode(self.0.next()?)
    }

    /// The next word as a number, an id, a status and so on.
    pub(crate) fn parse<T: FromStr>(&mut self) -> Option<T> {
        self.0.next()?.parse().ok()
    }

    /// The next word, which must be `key=value`, as the value.
    pub(crate) fn keyed<T: FromStr>(&mut self, key: &str) -> Option<T> {
        self.0.next()?.strip_prefix(key)?.strip_prefix('=')?.parse().ok()
    }

    /// Takes the next word if it is this one.
    pub(crate) fn skip(&mut self, word: &str) -> bool {
        let mut ahead = self.0.clone();
        let found = ahead.next() == Some(word);
        if found {
            self.0 = ahead;
        }
        found
    }

    /// Takes the next word if it is `key=value`, and gives the value as it stands.
    pub(crate) fn optional(&mut self, key: &str) -> Option<&'a str> {
        let mut ahead = self.0.clone();
        let value = ahead.next()?.strip_prefix(key)?.strip_prefix('=')?;
        self.0 = ahead;
        Some(value)
    }

    /// The next word, decoded and parsed.
    pub(crate) fn parse_text<T: FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }

    /// The next word as `<reverse-path>`.
    pub(crate) fn reverse_path(&mut self) -> Option<ReversePath> {
        reverse_path(&self.text()?)
    }

    /// There are no more words.
    pub(crate) fn end(mut self) -> Option<()> {
        self.0.next().is_none().then_some(())
    }
}

/// Parses `<>` or `<mailbox>`.
pub(crate) fn reverse_path(text: &str) -> Option<ReversePath> {
    match text.strip_prefix('<')?.strip_suffix('>')? {
        "" => Some(ReversePath::Null),
        mailbox => mailbox.parse().ok().map(ReversePath::Mailbox),
    }
}

/// `0` or `1`.
pub(crate) fn flag(word: &str) -> Option<bool> {
    match word {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_word_without_oddities_stands_as_it_is() {
        let mut line = String::new();
        encode(&mut line, "ann+böxle@example.org");
        assert_eq!(line, "ann+böxle@example.org");
    }

    #[test]
    fn what_cannot_be_decoded_is_refused() {
        for word in ["", "%4", "%zz", "a%", "%FF", "%%"] {
            assert_eq!(decode(word), None, "{word:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_survives_as_one_word(text: String) {
            let mut line = String::from("Keyword");
            push(&mut line, &text);
            prop_assert!(!line.contains('\n'));
            let mut words = Words::new(&line);
            prop_assert_eq!(words.raw(), Some("Keyword"));
            prop_assert_eq!(words.text(), Some(text));
            prop_assert_eq!(words.end(), Some(()));
        }
    }
}
