//! Logical lines: what the classic flat files have in common.
//!
//! A line that begins with white space continues the one before. A `#` at the beginning of a line or after white space
//! begins a comment, but not inside double quotes. Empty lines and comments do not end a logical line.

/// A line with its continuations, without comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogicalLine {
    /// Where it begins, from 1.
    pub number: usize,
    /// Its text, trimmed; continuations are joined with a space.
    pub text: String,
}

/// The logical lines of a file. Octets that are not UTF-8 become U+FFFD, which no syntax accepts.
pub fn logical_lines(octets: &[u8]) -> Vec<LogicalLine> {
    let mut lines: Vec<LogicalLine> = Vec::new();
    for (index, raw) in octets.split(|c| *c == b'\n').enumerate() {
        let text = String::from_utf8_lossy(raw);
        let content = without_comment(&text).trim();
        if content.is_empty() {
            continue;
        }
        match lines.last_mut() {
            Some(line) if text.starts_with([' ', '\t']) => {
                line.text.push(' ');
                line.text.push_str(content);
            }
            _ => lines.push(LogicalLine { number: index + 1, text: content.to_owned() }),
        }
    }
    lines
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    let mut escaped = false;
    let mut blank = true;
    for (at, c) in line.char_indices() {
        match c {
            '#' if blank && !quoted => return line.get(..at).unwrap_or_default(),
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        blank = c.is_whitespace();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(usize, String)> {
        logical_lines(text.as_bytes()).into_iter().map(|line| (line.number, line.text)).collect()
    }

    #[test]
    fn continuations_are_joined_and_comments_dropped() {
        let text = "# head\na: b,\n   c # why\n\n\t# still a\n\td\r\ne: f#g\n";
        assert_eq!(lines(text), [(2, "a: b, c d".to_owned()), (7, "e: f#g".to_owned())]);
    }

    #[test]
    fn a_hash_in_quotes_stays() {
        assert_eq!(lines("a: \"x # y\" # z"), [(1, "a: \"x # y\"".to_owned())]);
        assert_eq!(lines("a: \"x \\\" # y\""), [(1, "a: \"x \\\" # y\"".to_owned())]);
    }

    #[test]
    fn a_first_line_may_be_indented() {
        assert_eq!(lines("  a: b\n"), [(1, "a: b".to_owned())]);
    }
}
