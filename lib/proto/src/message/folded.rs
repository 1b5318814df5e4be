//! Writes one header field, folded and free of anything that could start another one.

/// A header field under construction.
///
/// Words are separated by one blank, or by a fold where the line would pass 78 columns. Whatever is not printable
/// ASCII becomes `?`, and a word longer than 900 octets is broken, so no line exceeds 998 octets whatever comes in.
///
/// Source: RFC 5322 sections 2.1.1 (line lengths) and 2.2.3 (folding).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    text: String,
    column: usize,
    /// Nothing stands behind the name yet: the first word stays on its line.
    empty: bool,
}

impl Folded {
    /// Starts the field `name:`.
    pub fn new(name: &str) -> Self {
        let text = format!("{name}:");
        Self { column: text.len(), text, empty: true }
    }

    /// Appends `word`, which is kept on one line if it can be; blanks within it are kept as they are.
    pub fn word(&mut self, word: &str) {
        let word = printable(word);
        let mut rest = word.as_str();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(LONGEST_WORD));
            self.push(piece);
            rest = after;
        }
    }

    /// Appends the words of `text`, so that a fold may come at each blank.
    pub fn words(&mut self, text: &str) {
        for word in text.split_whitespace() {
            self.word(word);
        }
    }

    /// The whole field with its CRLF.
    pub fn finish(mut self) -> String {
        self.text.push_str("\r\n");
        self.text
    }

    fn push(&mut self, piece: &str) {
        let fits = self.column + 1 + piece.len() <= WIDTH;
        let separator = if fits || self.empty { " " } else { "\r\n\t" };
        self.empty = false;
        self.column = if separator == " " { self.column + 1 } else { TAB } + piece.len();
        self.text.push_str(separator);
        self.text.push_str(piece);
    }
}

/// Replaces each character that is not printable ASCII (or a blank) by `?`.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
}

const WIDTH: usize = 78;
const TAB: usize = 8;
const LONGEST_WORD: usize = 900;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_field_is_folded_at_blanks() {
        let mut field = Folded::new("Subject");
        field.words(&"twelve chars ".repeat(8));
        assert_eq!(
            field.finish(),
            "Subject: twelve chars twelve chars twelve chars twelve chars twelve chars\r\n\
             \ttwelve chars twelve chars twelve chars\r\n"
        );
    }

    #[test]
    fn a_word_that_ends_in_a_colon_is_no_name() {
        let mut field = Folded::new("X");
        field.word(&(":".repeat(500)));
        field.word(&"y".repeat(900));
        assert!(field.finish().lines().all(|line| line.len() <= 998));
    }

    proptest! {
        #[test]
        fn nothing_escapes_from_a_field(words in proptest::collection::vec("\\PC{0,40}|(.|\r|\n|\0){0,1000}", 0..4)) {
            let mut field = Folded::new("X");
            for word in &words {
                field.word(word);
            }
            let text = field.finish();
            prop_assert!(text.is_ascii());
            let lines: Vec<_> = text.split_terminator("\r\n").collect();
            prop_assert!(lines.iter().skip(1).all(|line| line.starts_with('\t')));
            prop_assert!(lines.iter().all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
        }
    }
}
