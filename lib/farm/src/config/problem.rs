//! What is wrong, and where.
//!
//! A [`Problem`] is one mistake in a configuration or table file. It prints as one line for a log or a script;
//! [`render`] shows it with the line of the file for a person at a terminal.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::fmt;
use std::path::PathBuf;

/// One mistake in a configuration or table file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; `None` when it is the file as a whole.
    pub line: Option<usize>,
    /// The column in characters, from 1; `None` when it is the line as a whole.
    pub column: Option<usize>,
    /// How many characters of the line it is about; 0 when that is not known.
    pub width: usize,
    /// What is wrong and what to write instead, on one line.
    pub message: String,
}

impl Problem {
    /// A problem with a file as a whole.
    pub fn of_file(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, column: None, width: 0, message: message.into() }
    }

    /// A problem with a line, counted from 1.
    pub fn of_line(file: impl Into<PathBuf>, line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::of_file(file, message) }
    }
}

impl fmt::Display for Problem {
    /// `FILE:LINE:COLUMN: MESSAGE`, with the parts that are known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
            if let Some(column) = self.column {
                write!(f, "{column}:")?;
            }
        }
        write!(f, " {}", self.message)
    }
}

/// The problem with the line of the file it is about. `source` is the text of [`Problem::file`]; without a line, or
/// when `source` has no such line, it is the one-line form.
pub fn render(problem: &Problem, source: &str, color: bool) -> String {
    let Some((start, line)) = problem.line.and_then(|number| nth_line(source, number)) else {
        return format!("grange: {problem}");
    };
    let before = problem.column.map_or(0, |column| column.saturating_sub(1));
    let octets = |from: usize, count: usize| line.chars().skip(from).take(count).map(char::len_utf8).sum();
    let offset: usize = octets(0, before);
    let width: usize = octets(before, if problem.width == 0 { usize::MAX } else { problem.width });
    let annotation = AnnotationKind::Primary.span(start + offset..start + offset + width);
    let path = problem.file.to_string_lossy();
    let snippet = Snippet::source(source).path(path.as_ref()).annotation(annotation);
    let report = [Level::ERROR.primary_title(problem.message.as_str()).element(snippet)];
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&report)
}

fn nth_line(source: &str, number: usize) -> Option<(usize, &str)> {
    let line = source.split_inclusive('\n').nth(number.checked_sub(1)?)?;
    let start: usize = source.split_inclusive('\n').take(number - 1).map(str::len).sum();
    Some((start, line.trim_end_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_prints_what_it_knows() {
        assert_eq!(Problem::of_file("/f", "gone").to_string(), "/f: gone");
        assert_eq!(Problem::of_line("/f", 3, "bad").to_string(), "/f:3: bad");
        let exact = Problem { column: Some(7), ..Problem::of_line("/f", 3, "bad") };
        assert_eq!(exact.to_string(), "/f:3:7: bad");
    }

    #[test]
    fn the_line_is_shown_and_the_place_marked() {
        let problem =
            Problem { column: Some(5), width: 1, ..Problem::of_line("grange.toml", 2, "not a number") };
        let shown = render(&problem, "a = 1\nb = x\n", false);
        assert!(shown.contains("error: not a number"), "{shown}");
        assert!(shown.contains("grange.toml:2:5"), "{shown}");
        assert!(shown.lines().any(|l| l.ends_with("b = x")), "{shown}");
        assert!(shown.lines().any(|l| l.trim_end().ends_with("    ^")), "{shown}");
        assert!(!shown.contains('\u{1b}') && render(&problem, "a = 1\nb = x\n", true).contains('\u{1b}'));
    }

    #[test]
    fn a_line_that_is_not_there_falls_back() {
        assert_eq!(render(&Problem::of_line("f", 9, "bad"), "one\n", false), "grange: f:9: bad");
    }

    proptest! {
        #[test]
        fn any_place_in_any_text_can_be_shown(text in "[a-zé=\n\r\t]{0,40}", line in 0..6usize, column in 0..9usize, width in 0..9usize) {
            let problem = Problem { column: Some(column), width, ..Problem::of_line("f", line, "bad") };
            let _ = render(&problem, &text, false);
        }
    }
}
