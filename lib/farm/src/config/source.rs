//! Texts and places in them.

use super::problem::Problem;
use std::ops::Range;
use std::path::PathBuf;

/// One file of the configuration.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// As problems shall name it.
    pub(super) file: PathBuf,
    /// All of it.
    pub(super) text: String,
}

/// Octets `start..end` of the source with this index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// Index among the sources.
    pub(super) source: usize,
    /// First octet.
    pub(super) start: usize,
    /// Octet behind the last.
    pub(super) end: usize,
}

impl Spot {
    /// A span in a source.
    pub(super) fn new(source: usize, span: &Range<usize>) -> Self {
        Self { source, start: span.start, end: span.end }
    }
}

impl Source {
    /// Line and column of an octet, both from 1, the column in characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(start..).map_or(0, |line| line.chars().count());
        (before.matches('\n').count() + 1, column + 1)
    }
}

/// The sources with what has been found wrong in them so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The sources, the main file first.
    pub(super) sources: Vec<Source>,
    found: Vec<(Option<Spot>, Problem)>,
}

impl Findings {
    /// Notes a problem at a place.
    pub(super) fn at(&mut self, spot: Spot, message: impl Into<String>) {
        let Some(source) = self.sources.get(spot.source) else { return };
        let (line, column) = source.position(spot.start);
        let covered = source.text.get(spot.start..spot.end).unwrap_or_default();
        let width = covered.lines().next().map_or(0, |line| line.chars().count());
        let problem = Problem {
            file: source.file.clone(),
            line: Some(line),
            column: Some(column),
            width,
            message: message.into(),
        };
        self.found.push((Some(spot), problem));
    }

    /// Notes a problem that has no place in a source.
    pub(super) fn push(&mut self, problem: Problem) {
        self.found.push((None, problem));
    }

    /// The text at a place as written, on one line and not longer than a message can bear.
    pub(super) fn written(&self, spot: Spot) -> String {
        let text = self.sources.get(spot.source).and_then(|source| source.text.get(spot.start..spot.end));
        let text = text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(60) {
            Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
            None => text,
        }
    }

    /// `FILE:LINE` of a place.
    pub(super) fn place(&self, spot: Spot) -> String {
        self.sources.get(spot.source).map_or_else(String::new, |source| {
            format!("{}:{}", source.file.display(), source.position(spot.start).0)
        })
    }

    /// Whether a problem has been noted on the line of this place.
    pub(super) fn marred(&self, spot: Spot) -> bool {
        let Some(source) = self.sources.get(spot.source) else { return false };
        let line = source.position(spot.start).0;
        self.found.iter().any(|(_, problem)| problem.file == source.file && problem.line == Some(line))
    }

    /// Whether nothing has been found.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The problems in the order of the files.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|(spot, _)| *spot);
        self.found.into_iter().map(|(_, problem)| problem).collect()
    }
}
