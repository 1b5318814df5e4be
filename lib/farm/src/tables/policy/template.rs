//! The operator's text with places for facts.

use super::words::{Mistake, Word};
use crate::config::nearest;
use std::fmt::Write;

/// A text with places in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Placeholder),
}

/// A fact that a text may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// `%client`: the address.
    Client,
    /// `%name`: the verified name.
    Name,
    /// `%helo`
    Helo,
    /// `%from`
    From,
    /// `%to`
    To,
    /// `%account`
    Account,
}

const PLACES: [(&str, Placeholder); 6] = [
    ("client", Placeholder::Client),
    ("name", Placeholder::Name),
    ("helo", Placeholder::Helo),
    ("from", Placeholder::From),
    ("to", Placeholder::To),
    ("account", Placeholder::Account),
];

impl Template {
    /// A text without places.
    pub fn fixed(text: &str) -> Self {
        Self { pieces: vec![Piece::Text(text.to_owned())] }
    }

    /// These words with a blank between them.
    pub(super) fn of(words: &[Word]) -> Result<Self, Mistake> {
        let mut template = Self::default();
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                template.text(" ");
            }
            template.word(word)?;
        }
        Ok(template)
    }

    fn word(&mut self, word: &Word) -> Result<(), Mistake> {
        let mut parts = word.text.split('%');
        self.text(parts.next().unwrap_or_default());
        while let Some(part) = parts.next() {
            if part.is_empty() {
                // Two signs stand for one.
                self.text("%");
                self.text(parts.next().unwrap_or_default());
                continue;
            }
            let end = part.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(part.len());
            let (name, rest) = part.split_at_checked(end).unwrap_or((part, ""));
            let Some((_, place)) = PLACES.iter().find(|(known, _)| *known == name) else {
                return Err(word.wrong(unknown(name)));
            };
            self.pieces.push(Piece::Place(*place));
            self.text(rest);
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(before)) => before.push_str(text),
            _ if text.is_empty() => {}
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    /// The text with its places filled in.
    pub fn fill<'a>(&self, fact: impl Fn(Placeholder) -> std::borrow::Cow<'a, str>) -> String {
        let mut filled = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Place(place) => filled.write_str(&fact(*place)).unwrap_or_default(),
            }
        }
        filled
    }
}

fn unknown(name: &str) -> String {
    let words = PLACES.map(|(word, _)| word);
    match nearest(name, &words) {
        Some(near) => format!("unknown placeholder \"%{name}\"; did you mean \"%{near}\"?"),
        None => format!("unknown placeholder \"%{name}\"; valid are %{}, and %% for %", words.join(", %")),
    }
}
