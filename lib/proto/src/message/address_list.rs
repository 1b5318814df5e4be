//! The addresses of a header field, or of an argument.
//!
//! Takes display names, comments, groups and quoted strings apart and keeps what is between the angle brackets, or the
//! bare address. Whether that is a mailbox is decided elsewhere.
//!
//! Source: RFC 5322 sections 3.2.2, 3.4 and 4.4.

/// A list cannot be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// A quoted string, a comment, or an angle bracket is not closed.
    #[error("{0:?} is not closed")]
    Open(char),
    /// Something closes that was not open, or opens within an angle bracket.
    #[error("{0:?} stands where it cannot")]
    Stray(char),
    /// Two words without a comma between them.
    #[error("a comma is missing between two addresses")]
    TwoWords,
}

/// The addresses of a list, in order. An empty `<>` and empty places between commas are passed over.
///
/// # Errors
/// [`ListError`]
pub fn addresses(text: &str) -> Result<Vec<String>, ListError> {
    let mut reader = Reader::default();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted(&mut chars, &mut reader)?,
            '(' => comment(&mut chars, &mut reader)?,
            '[' => literal(&mut chars, &mut reader)?,
            ')' | ']' => return Err(ListError::Stray(c)),
            _ => reader.take(c)?,
        }
    }
    if reader.in_angle {
        return Err(ListError::Open('<'));
    }
    reader.finish()?;
    Ok(reader.found)
}

#[derive(Debug, Default)]
struct Reader {
    found: Vec<String>,
    /// The address, or the display name, so far.
    text: String,
    /// A blank or a comment stands behind `text`.
    gap: bool,
    /// `text` has two words, so it can only be a display name.
    words: bool,
    in_angle: bool,
    /// The address of this place was in angle brackets.
    angle: Option<String>,
}

impl Reader {
    fn take(&mut self, c: char) -> Result<(), ListError> {
        match c {
            '<' if self.in_angle || self.angle.is_some() => return Err(ListError::Stray(c)),
            '<' => {
                self.clear();
                self.in_angle = true;
            }
            '>' if self.in_angle => {
                if self.words {
                    return Err(ListError::TwoWords);
                }
                self.angle = Some(std::mem::take(&mut self.text));
                self.clear();
                self.in_angle = false;
            }
            '>' => return Err(ListError::Stray(c)),
            ',' | ';' if !self.in_angle => self.finish()?,
            // The name of a group; a colon within an address stands in a literal or in a source route only.
            ':' if !self.in_angle => self.clear(),
            _ if c.is_whitespace() => self.gap = true,
            _ => self.word(c),
        }
        Ok(())
    }

    /// A character of a word. Blanks around a dot and an at sign do not part words.
    fn word(&mut self, c: char) {
        let joined = matches!(c, '.' | '@') || self.text.ends_with(['.', '@']);
        self.words |= self.gap && !self.text.is_empty() && !joined;
        self.gap = false;
        self.text.push(c);
    }

    fn clear(&mut self) {
        self.text.clear();
        self.gap = false;
        self.words = false;
    }

    /// The end of a place in the list.
    fn finish(&mut self) -> Result<(), ListError> {
        let address = match self.angle.take() {
            Some(_) if !self.text.is_empty() => return Err(ListError::TwoWords),
            Some(address) => address,
            None if self.words => return Err(ListError::TwoWords),
            None => std::mem::take(&mut self.text),
        };
        self.clear();
        if !address.is_empty() {
            self.found.push(address);
        }
        Ok(())
    }
}

fn quoted(chars: &mut impl Iterator<Item = char>, reader: &mut Reader) -> Result<(), ListError> {
    reader.word('"');
    while let Some(c) = chars.next() {
        reader.text.push(c);
        match c {
            '"' => return Ok(()),
            '\\' => reader.text.extend(chars.next()),
            _ => {}
        }
    }
    Err(ListError::Open('"'))
}

fn comment(chars: &mut impl Iterator<Item = char>, reader: &mut Reader) -> Result<(), ListError> {
    let mut depth = 1_usize;
    reader.gap = true;
    while let Some(c) = chars.next() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\\' => {
                chars.next();
            }
            _ => {}
        }
        if depth == 0 {
            return Ok(());
        }
    }
    Err(ListError::Open('('))
}

fn literal(chars: &mut impl Iterator<Item = char>, reader: &mut Reader) -> Result<(), ListError> {
    reader.word('[');
    for c in chars {
        reader.text.push(c);
        if c == ']' {
            return Ok(());
        }
    }
    Err(ListError::Open('['))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(text: &str) -> Vec<String> {
        addresses(text).unwrap()
    }

    #[test]
    fn the_common_forms_are_taken_apart() {
        assert_eq!(list("ann"), ["ann"]);
        assert_eq!(
            list(" Ann B. Example <ann@x.example>,bob@x (Bob, he), <cid@x> "),
            ["ann@x.example", "bob@x", "cid@x",]
        );
        assert_eq!(list("\"Example, Ann\" <ann@x>, dan @ x . example"), ["ann@x", "dan@x.example"]);
    }

    #[test]
    fn groups_are_opened() {
        assert_eq!(list("Friends: ann@x, Bob <bob@x>; cid@x"), ["ann@x", "bob@x", "cid@x"]);
        assert_eq!(list("undisclosed-recipients:;"), [""; 0]);
    }

    #[test]
    fn quoted_local_parts_and_literals_stay_whole() {
        assert_eq!(list("\"a, b\\\"c\"@x, d@[IPv6:::1]"), ["\"a, b\\\"c\"@x", "d@[IPv6:::1]"]);
    }

    #[test]
    fn folds_and_empty_places_do_no_harm() {
        assert_eq!(list("ann@x,\r\n\t, <>, bob@x,"), ["ann@x", "bob@x"]);
        assert_eq!(list("a (x (y) \\) z) @ (c) b"), ["a@b"]);
    }

    #[test]
    fn mistakes_are_errors() {
        assert_eq!(addresses("ann bob"), Err(ListError::TwoWords));
        assert_eq!(addresses("<a@x> b"), Err(ListError::TwoWords));
        assert_eq!(addresses("<a@x"), Err(ListError::Open('<')));
        assert_eq!(addresses("\"a"), Err(ListError::Open('"')));
        assert_eq!(addresses("(a"), Err(ListError::Open('(')));
        assert_eq!(addresses("a>"), Err(ListError::Stray('>')));
        assert_eq!(addresses("<a> <b>"), Err(ListError::Stray('<')));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_address_is_empty(text in "[a-z@.<>()\\[\\]\":;,\\\\ \\r\\né]{0,40}") {
            if let Ok(list) = addresses(&text) {
                prop_assert!(list.iter().all(|address| !address.is_empty()));
            }
        }
    }
}
