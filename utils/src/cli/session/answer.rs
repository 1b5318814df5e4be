//! What the server says to one command of a trial: its reasons, then its reply.

use serde_json::{Map, Value};
use std::fmt;
use std::io::{self, BufRead};

/// How a line that gives a reason begins.
const MARK: &str = "*** ";

/// A reply and what led to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// `key=value ...`, without the mark.
    reasons: Vec<String>,
    /// The lines of the reply with their codes.
    lines: Vec<String>,
}

impl Answer {
    /// Reads up to the last line of a reply; `None` if nothing comes any more.
    ///
    /// # Errors
    /// Reading fails, or what comes is no reply.
    pub(super) fn read(input: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut answer = Self::default();
        loop {
            let mut line = Vec::new();
            if input.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\r', '\n']);
            if let Some(reason) = text.strip_prefix(MARK) {
                answer.reasons.push(reason.to_owned());
                continue;
            }
            if !text.get(..3).is_some_and(|code| code.bytes().all(|c| c.is_ascii_digit())) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("not a reply: {text}")));
            }
            answer.lines.push(text.to_owned());
            if text.as_bytes().get(3) != Some(&b'-') {
                return Ok(Some(answer));
            }
        }
    }

    /// The reply code.
    pub(super) fn code(&self) -> u16 {
        self.lines.last().and_then(|line| line.get(..3)).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// The text of the last line.
    pub(super) fn text(&self) -> String {
        self.lines.last().and_then(|line| line.get(4..)).unwrap_or_default().to_owned()
    }

    /// As an object on one line.
    pub(super) fn json(&self, command: &str) -> String {
        let reasons: Vec<Value> = self.reasons.iter().map(|reason| Value::Object(fields(reason))).collect();
        let text: Vec<&str> = self.lines.iter().map(|line| line.get(4..).unwrap_or_default()).collect();
        serde_json::json!({ "command": command, "reasons": reasons, "code": self.code(), "text": text })
            .to_string()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons = self.reasons.iter().map(|reason| format!("{MARK}{reason}"));
        let all: Vec<String> = reasons.chain(self.lines.iter().cloned()).collect();
        f.write_str(&all.join("\n"))
    }
}

/// The fields of a line as in the journal.
fn fields(text: &str) -> Map<String, Value> {
    let mut all = Map::new();
    let mut rest = text.trim_start();
    while let Some((key, value)) = rest.split_once('=') {
        let (value, behind) = value_of(value);
        all.insert(key.to_owned(), Value::String(value));
        rest = behind.trim_start();
    }
    all
}

/// The value at the beginning of a text, unquoted, and what follows.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(' ').unwrap_or((text, ""));
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some('u') => {
                    let code: String =
                        chars.by_ref().map(|(_, c)| c).skip(1).take_while(|c| *c != '}').collect();
                    let c = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                    value.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                other => value.extend(other),
            },
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Answer> {
        Answer::read(&mut text.as_bytes()).unwrap()
    }

    #[test]
    fn reasons_stand_in_front_of_a_reply_of_several_lines() {
        let answer = read("*** rule=relay value=x.example\r\n250-a\r\n250 2.0.0 b\r\n220 next\r\n").unwrap();
        assert_eq!((answer.code(), answer.text().as_str()), (250, "2.0.0 b"));
        assert_eq!(answer.to_string(), "*** rule=relay value=x.example\n250-a\n250 2.0.0 b");
        assert_eq!(read("250-a\r\n"), None);
        assert!(Answer::read(&mut "hello\r\n".as_bytes()).is_err());
    }

    #[test]
    fn values_are_unquoted() {
        let line = r#"*** rule=policy:3 value="a=\"b\" \\ c\u{e9}\n" limit=x"#;
        let answer = read(&format!("{line}\r\n550 5.7.1 no\r\n")).unwrap();
        let json: Value = serde_json::from_str(&answer.json("MAIL FROM:<>")).unwrap();
        assert_eq!(json["reasons"][0]["value"], "a=\"b\" \\ c\u{e9}\n");
        assert_eq!((&json["reasons"][0]["limit"], &json["code"]), (&Value::from("x"), &Value::from(550)));
        assert_eq!(json["text"][0], "5.7.1 no");
    }
}
