//! `PATTERN  CHANNEL!HOST[:PORT]`: the routes table.
//!
//! Patterns from the most specific to the least: `user@domain`, `domain`, `.domain` (every name below the domain, not
//! the domain itself), `.` (everything). The target's host may be empty: then the channel decides, which for `smtp`
//! means the mail exchangers of the recipient's domain. The host of `error` is the text of the reply.

use super::flat::logical_lines;
use crate::config::{Problem, canonical_domain, is_domain};
use proto::address::folded;
use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

/// Where a pattern leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The channel.
    pub channel: String,
    /// `host`, `host:port`, `[address]`, `[address]:port`, or nothing; for `error` the text.
    pub host: String,
}

/// A pattern cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is none of the four forms.
    #[error("\"{text}\" is not a pattern; write user@domain, domain, .domain or .")]
    Form {
        /// As written.
        text: String,
    },
}

/// A target cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HopError {
    /// It has no exclamation mark, or nothing before it.
    #[error("\"{text}\" is not a target; write channel!host, as in smtp!relay.example.org:587")]
    Form {
        /// As written.
        text: String,
    },
    /// What follows the exclamation mark is no host.
    #[error("\"{text}\" is not a host; write a name or [address], and :port if it is not the usual one")]
    Host {
        /// As written.
        text: String,
    },
    /// `error!` without a text.
    #[error("error! needs the text of the reply, as in error!5.1.6 this user has moved")]
    NoText,
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteEntry {
    /// The line it begins on; 0 for a pair in the configuration.
    pub line: usize,
    /// Where it leads, or what is wrong with it.
    pub hop: Result<Hop, String>,
}

/// The routes table.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    /// By pattern, in lower case.
    entries: HashMap<String, RouteEntry>,
    /// Domains of which single users have a pattern, in lower case.
    domains_of_users: HashSet<String>,
    /// The first line whose pattern cannot be understood, and why.
    gap: Option<String>,
}

impl RouteTable {
    /// The table that a file holds, and all that is wrong with it. `channels` are those that exist.
    pub fn parse(octets: &[u8], file: &Path, channels: &[&str]) -> (Self, Vec<Problem>) {
        let mut builder = Builder::new(file, channels);
        for line in logical_lines(octets) {
            let (pattern, target) = line.text.split_once(char::is_whitespace).unwrap_or((&line.text, ""));
            builder.add(line.number, pattern, target.trim());
        }
        (builder.table, builder.problems)
    }

    /// The table that the configuration holds, and all that is wrong with it.
    pub fn inline(pairs: &[(String, String)], channels: &[&str]) -> (Self, Vec<Problem>) {
        let mut builder = Builder::new(Path::new("grange.toml"), channels);
        for (pattern, target) in pairs {
            builder.add(0, pattern, target.trim());
        }
        (builder.table, builder.problems)
    }

    /// The entry of exactly this pattern, given in lower case.
    pub fn get(&self, pattern: &str) -> Option<&RouteEntry> {
        self.entries.get(pattern)
    }

    /// Whether some users of this domain, given in lower case, have a pattern of their own.
    pub fn tells_users_apart(&self, domain: &str) -> bool {
        self.domains_of_users.contains(domain)
    }

    /// The first line whose pattern cannot be understood: while there is one, the table cannot tell what it lacks.
    pub fn gap(&self) -> Option<&str> {
        self.gap.as_deref()
    }
}

struct Builder<'a> {
    file: PathBuf,
    channels: &'a [&'a str],
    table: RouteTable,
    problems: Vec<Problem>,
}

impl<'a> Builder<'a> {
    fn new(file: &Path, channels: &'a [&'a str]) -> Self {
        Self { file: file.to_owned(), channels, table: RouteTable::default(), problems: Vec::new() }
    }

    fn add(&mut self, line: usize, pattern: &str, target: &str) {
        let pattern = match parse_pattern(pattern) {
            Ok(pattern) => pattern,
            Err(error) => {
                let problem = self.problem(line, error.to_string());
                self.table.gap.get_or_insert(problem);
                return;
            }
        };
        if let Some(first) = self.table.entries.get(&pattern) {
            let message = format!("\"{pattern}\" is already in line {}; keep one of them", first.line);
            self.problem(line, message);
            return;
        }
        let hop = match self.hop(target) {
            Ok(hop) => Ok(hop),
            Err(message) => Err(self.problem(line, message)),
        };
        if let Some((_, domain)) = pattern.rsplit_once('@') {
            self.table.domains_of_users.insert(domain.to_owned());
        }
        self.table.entries.insert(pattern, RouteEntry { line, hop });
    }

    fn hop(&self, target: &str) -> Result<Hop, String> {
        let hop = parse_target(target).map_err(|error| error.to_string())?;
        if self.channels.contains(&hop.channel.as_str()) {
            return Ok(hop);
        }
        Err(unknown_channel(&hop.channel, self.channels))
    }

    fn problem(&mut self, line: usize, message: String) -> String {
        let problem = match line {
            0 => Problem::of_file(&self.file, format!("routes: {message}")),
            _ => Problem::of_line(&self.file, line, message),
        };
        let text = problem.to_string();
        self.problems.push(problem);
        text
    }
}

/// What is said about a target whose channel does not exist.
pub(crate) fn unknown_channel(name: &str, channels: &[&str]) -> String {
    format!("\"{name}\" is not a configured channel; channels are {}", channels.join(", "))
}

/// The pattern in the form in which it is looked up: in lower case, the domain in A-labels.
///
/// # Errors
/// It is none of the four forms.
pub fn parse_pattern(text: &str) -> Result<String, PatternError> {
    let domain = |name: &str| {
        if is_literal(name) { Some(name.to_ascii_lowercase()) } else { canonical_domain(name) }
    };
    let pattern = match text.rsplit_once('@') {
        Some((local, _)) if local.is_empty() || local.contains(char::is_control) => None,
        Some((local, name)) => domain(name).map(|name| format!("{}@{name}", folded(local))),
        None if text == "." => Some(text.to_owned()),
        None => match text.strip_prefix('.') {
            Some(name) => canonical_domain(name).map(|name| format!(".{name}")),
            None => domain(text),
        },
    };
    pattern.ok_or_else(|| PatternError::Form { text: text.to_owned() })
}

/// `channel!host`; whether the channel exists is the table's question.
///
/// # Errors
/// What about it cannot be understood.
pub fn parse_target(text: &str) -> Result<Hop, HopError> {
    let form = || HopError::Form { text: text.to_owned() };
    let (channel, host) = text.split_once('!').ok_or_else(form)?;
    let name = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if channel.is_empty() || !channel.bytes().all(name) {
        return Err(form());
    }
    let host = host.trim();
    let good = match channel {
        "error" if host.is_empty() => return Err(HopError::NoText),
        "error" | "hold" => !host.contains(char::is_control) && !host.contains('\u{fffd}'),
        "mailbox" => !host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/'),
        _ => host.is_empty() || is_host(host),
    };
    if good {
        return Ok(Hop { channel: channel.to_owned(), host: host.to_owned() });
    }
    Err(HopError::Host { text: host.to_owned() })
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port = port.is_none_or(|port| {
        port.bytes().all(|c| c.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    port && (is_domain(host) || is_literal(host))
}

/// `[192.0.2.1]`, `[2001:db8::1]`, `[IPv6:2001:db8::1]`, in any case.
fn is_literal(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else { return false };
    let lower = inner.to_ascii_lowercase();
    let v6 = lower.strip_prefix("ipv6:").unwrap_or(&lower);
    inner.parse::<Ipv4Addr>().is_ok() || v6.parse::<Ipv6Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHANNELS: [&str; 4] = ["smtp", "mailbox", "hold", "error"];

    fn parse(text: &str) -> (RouteTable, Vec<String>) {
        let (table, problems) =
            RouteTable::parse(text.as_bytes(), Path::new("/etc/grange/routes"), &CHANNELS);
        (table, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_four_patterns_are_read() {
        let (table, problems) = parse(
            "# routes\nAnn@Example.net  smtp!a.example\nexample.net smtp!\n.example.net\tsmtp![192.0.2.1]:2525\n. smtp!relay:587\n",
        );
        assert_eq!(problems, [""; 0]);
        let hop = |pattern: &str| table.get(pattern).unwrap().hop.clone().unwrap().host;
        assert_eq!(hop("ann@example.net"), "a.example");
        assert_eq!(hop("example.net"), "");
        assert_eq!(hop(".example.net"), "[192.0.2.1]:2525");
        assert_eq!(hop("."), "relay:587");
        assert_eq!(table.gap(), None);
    }

    #[test]
    fn a_pattern_in_u_labels_is_kept_in_a_labels() {
        assert_eq!(parse_pattern("J\u{dc}@B\u{dc}cher.example").unwrap(), "j\u{fc}@xn--bcher-kva.example");
        assert_eq!(parse_pattern(".b\u{fc}cher.example").unwrap(), ".xn--bcher-kva.example");
        assert_eq!(parse_pattern("[IPv6:2001:DB8::1]").unwrap(), "[ipv6:2001:db8::1]");
        assert!(parse_pattern("b\u{200f}.example").is_err());
    }

    #[test]
    fn mistakes_name_their_lines() {
        let (table, problems) =
            parse("a.example smtp!b\n\nb.example smpt!c\nc..d smtp!x\na.example smtp!y\nz.example\n");
        assert_eq!(
            problems,
            [
                "/etc/grange/routes:3: \"smpt\" is not a configured channel; channels are smtp, mailbox, hold, error",
                "/etc/grange/routes:4: \"c..d\" is not a pattern; write user@domain, domain, .domain or .",
                "/etc/grange/routes:5: \"a.example\" is already in line 1; keep one of them",
                "/etc/grange/routes:6: \"\" is not a target; write channel!host, as in smtp!relay.example.org:587",
            ]
        );
        assert!(table.get("b.example").unwrap().hop.is_err());
        assert!(table.gap().unwrap().starts_with("/etc/grange/routes:4:"));
    }

    #[test]
    fn targets_are_checked() {
        for good in [
            "smtp!",
            "smtp!h",
            "smtp!h:25",
            "smtp![::1]",
            "smtp![IPv6:::1]:25",
            "error!5.7.1 no",
            "hold!",
            "mailbox!ann",
        ] {
            assert!(parse_target(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "smtp",
            "!h",
            "SMTP!h",
            "smtp!h:0",
            "smtp!h:99999",
            "smtp!h:+1",
            "smtp!a b",
            "smtp!::1",
            "error!",
            "mailbox!../x",
        ] {
            assert!(parse_target(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z.@!:# \\t\\n\\[\\]\"\\\\é]{0,60}") {
            let _ = parse(&text);
            let _ = (parse_pattern(&text), parse_target(&text));
        }
    }
}
