//! The words of a rule, each with its place.

use crate::config::Problem;
use std::path::Path;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// From 1.
    pub(super) line: usize,
    /// In characters, from 1.
    pub(super) column: usize,
}

/// What is wrong with a word, or with a rule behind its last word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    line: usize,
    column: usize,
    width: usize,
    message: String,
}

impl Word {
    /// This word is wrong.
    pub(super) fn wrong(&self, message: impl Into<String>) -> Mistake {
        let width = self.text.chars().count();
        Mistake { line: self.line, column: self.column, width, message: message.into() }
    }

    /// Something is wrong with this word from its character `skip` on, counted from 0.
    pub(super) fn wrong_from(&self, skip: usize, message: impl Into<String>) -> Mistake {
        let mistake = self.wrong(message);
        Mistake { column: mistake.column + skip, width: mistake.width.saturating_sub(skip), ..mistake }
    }

    /// Something is missing behind this word.
    pub(super) fn wrong_behind(&self, message: impl Into<String>) -> Mistake {
        let column = self.column + self.text.chars().count();
        Mistake { line: self.line, column, width: 0, message: message.into() }
    }
}

impl Mistake {
    pub(super) fn problem(self, file: &Path) -> Problem {
        let place = Problem::of_line(file, self.line, self.message);
        Problem { column: Some(self.column), width: self.width, ..place }
    }
}

/// The rules of a file as words; none is empty. Octets that are not UTF-8 become U+FFFD.
pub(super) fn lines(octets: &[u8]) -> Vec<Vec<Word>> {
    let mut rules: Vec<Vec<Word>> = Vec::new();
    for (index, raw) in octets.split(|c| *c == b'\n').enumerate() {
        let text = String::from_utf8_lossy(raw);
        let words = words(&text, index + 1);
        match rules.last_mut() {
            Some(rule) if text.starts_with([' ', '\t']) => rule.extend(words),
            _ if words.is_empty() => {}
            _ => rules.push(words),
        }
    }
    rules
}

fn words(text: &str, line: usize) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut within = false;
    for (at, c) in text.chars().enumerate() {
        match c {
            c if c.is_whitespace() => within = false,
            '#' if !within => break,
            c if within => words.iter_mut().last().into_iter().for_each(|word| word.text.push(c)),
            c => {
                within = true;
                words.push(Word { text: c.to_string(), line, column: at + 1 });
            }
        }
    }
    words
}
