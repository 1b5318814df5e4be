//! `KEY  ACTION [TEXT]`: the access table, what happens to clients by address, network and verified name.
//!
//! Keys from the most specific to the least: an address, the longest network (`192.0.2.0/24`), a name
//! (`mail.example.org`), the longest domain above a name (`.example.org`: every name below it, not itself). What an
//! address says goes before what a name says. An action with `warn-` before it only says what it would have done, and
//! leaves the word to the next key.

use super::flat::logical_lines;
use crate::config::{Network, Problem, is_domain, nearest, parse_network, parse_points};
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What happens to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessAction {
    /// It is let in without any further examination.
    Accept,
    /// It is refused for good, with this text or a usual one.
    Reject(String),
    /// It is told to try again later, with this text or a usual one.
    Defer(String),
    /// It gets so many points.
    Score(i32),
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEntry {
    /// The key, in the form in which it is looked up.
    pub key: String,
    /// The line it begins on.
    pub line: usize,
    /// It only says what it would have done.
    pub warn: bool,
    /// What happens, or what is wrong with the line.
    pub action: Result<AccessAction, String>,
}

/// The access table.
#[derive(Debug, Clone, Default)]
pub struct AccessTable {
    networks: HashMap<(IpAddr, u8), AccessEntry>,
    /// Lengths of networks that there are, longest first.
    prefixes: Vec<u8>,
    /// By name, or by domain with a dot before it; in lower case.
    names: HashMap<String, AccessEntry>,
    /// The first line whose key cannot be understood, and why.
    gap: Option<String>,
}

impl AccessTable {
    /// The table that a file holds, and all that is wrong with it.
    pub fn parse(octets: &[u8], file: &Path) -> (Self, Vec<Problem>) {
        let mut builder = Builder { file: file.to_owned(), table: Self::default(), problems: Vec::new() };
        for line in logical_lines(octets) {
            let (key, action) = line.text.split_once(char::is_whitespace).unwrap_or((&line.text, ""));
            builder.add(line.number, key, action.trim());
        }
        let mut table = builder.table;
        table.prefixes.sort_unstable_by(|a, b| b.cmp(a));
        (table, builder.problems)
    }

    /// The entry of the longest network with this address, behind those of longer ones that only warn.
    pub fn by_address(&self, address: IpAddr) -> impl Iterator<Item = &AccessEntry> {
        let address = address.to_canonical();
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let fitting = self.prefixes.iter().filter(move |prefix| **prefix <= longest);
        let networks = fitting.map(move |prefix| Network::around(address, *prefix));
        to_the_word(networks.filter_map(|network| self.networks.get(&(network.address, network.prefix))))
    }

    /// The entry of this name, given in lower case and without a closing dot, or of the longest domain above it, behind
    /// more specific ones that only warn.
    pub fn by_name<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a AccessEntry> {
        let above = name.match_indices('.').filter_map(|(at, _)| name.get(at..));
        to_the_word(std::iter::once(name).chain(above).filter_map(|key| self.names.get(key)))
    }

    /// Some keys are names.
    pub fn has_names(&self) -> bool {
        !self.names.is_empty()
    }

    /// The first line whose key cannot be understood: while there is one, the table cannot tell what it lacks.
    pub fn gap(&self) -> Option<&str> {
        self.gap.as_deref()
    }
}

/// Up to the first entry that does not only warn.
fn to_the_word<'a>(entries: impl Iterator<Item = &'a AccessEntry>) -> impl Iterator<Item = &'a AccessEntry> {
    let mut decided = false;
    entries.take_while(move |entry| !std::mem::replace(&mut decided, !entry.warn))
}

struct Builder {
    file: PathBuf,
    table: AccessTable,
    problems: Vec<Problem>,
}

/// Where a key is looked up.
enum Key {
    Network(Network),
    Name(String),
}

impl Builder {
    fn add(&mut self, line: usize, text: &str, action: &str) {
        let key = match parse_key(text) {
            Ok(key) => key,
            Err(message) => {
                let problem = self.problem(line, message);
                self.table.gap.get_or_insert(problem);
                return;
            }
        };
        let known = match &key {
            Key::Network(network) => self.table.networks.get(&(network.address, network.prefix)),
            Key::Name(name) => self.table.names.get(name),
        };
        if let Some(first) = known {
            let message = format!("\"{text}\" is already in line {}; keep one of them", first.line);
            self.problem(line, message);
            return;
        }
        let (warn, action) = match parse_action(action) {
            Ok((warn, action)) => (warn, Ok(action)),
            Err(message) => (false, Err(self.problem(line, message))),
        };
        self.insert(key, AccessEntry { key: text.to_ascii_lowercase(), line, warn, action });
    }

    fn insert(&mut self, key: Key, entry: AccessEntry) {
        match key {
            Key::Network(network) => {
                if !self.table.prefixes.contains(&network.prefix) {
                    self.table.prefixes.push(network.prefix);
                }
                self.table.networks.insert((network.address, network.prefix), entry);
            }
            Key::Name(name) => {
                self.table.names.insert(name, entry);
            }
        }
    }

    fn problem(&mut self, line: usize, message: String) -> String {
        let problem = Problem::of_line(&self.file, line, message);
        let text = problem.to_string();
        self.problems.push(problem);
        text
    }
}

fn parse_key(text: &str) -> Result<Key, String> {
    let name = text.strip_prefix('.').unwrap_or(text);
    let like_address = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/');
    if text.contains([':', '/']) || (name == text && text.contains('.') && text.chars().all(like_numbers)) {
        return parse_network(text).map(Key::Network);
    }
    if is_domain(name) {
        return Ok(Key::Name(text.to_ascii_lowercase()));
    }
    let hint = if text.chars().all(like_address) { "192.0.2.0/24" } else { "mail.example.org" };
    Err(format!("\"{text}\" is no address, network, name or .domain; write it as {hint}"))
}

/// No name of the DNS ends in a number, so that digits and dots are meant as an address.
fn like_numbers(c: char) -> bool {
    c.is_ascii_digit() || c == '.'
}

fn parse_action(text: &str) -> Result<(bool, AccessAction), String> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let lower = word.to_ascii_lowercase();
    let bare = lower.strip_prefix("warn-").unwrap_or(&lower);
    let plain = !rest.chars().any(|c| c.is_control() || !c.is_ascii());
    let action = match bare {
        "reject" | "defer" if !plain => {
            return Err(format!("\"{rest}\" is not plain ASCII text for a reply"));
        }
        "reject" => AccessAction::Reject(rest.to_owned()),
        "defer" => AccessAction::Defer(rest.to_owned()),
        "score" => parse_points(rest)
            .map(AccessAction::Score)
            .ok_or_else(|| format!("\"{rest}\" is no number of points; write score 2"))?,
        "accept" if rest.is_empty() => AccessAction::Accept,
        "accept" => return Err(format!("accept takes no text; take \"{rest}\" out")),
        _ => {
            let cure = nearest(bare, &ACTIONS).unwrap_or("accept, reject, defer or score");
            return Err(format!("\"{word}\" is no action; write {cure}"));
        }
    };
    Ok((bare.len() < lower.len(), action))
}

const ACTIONS: [&str; 4] = ["accept", "reject", "defer", "score"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> (AccessTable, Vec<String>) {
        let (table, problems) = AccessTable::parse(text.as_bytes(), Path::new("/etc/access"));
        (table, problems.iter().map(ToString::to_string).collect())
    }

    fn table() -> AccessTable {
        let (table, problems) = parse(
            "192.0.2.0/24 reject no mail from here\n192.0.2.7 accept\n192.0.0.0/16 score 2\n2001:db8::/32 defer\n\
             mail.Example.org accept\n.example.org warn-reject\n.a.example.org score -1\n",
        );
        assert_eq!(problems, [""; 0]);
        table
    }

    #[test]
    fn the_longest_network_counts() {
        let table = table();
        let line = |text: &str| table.by_address(text.parse().unwrap()).next().map(|entry| entry.line);
        let clients =
            ["192.0.2.7", "192.0.2.8", "192.0.3.1", "::ffff:192.0.2.7", "2001:db8::1", "198.51.100.1"];
        assert_eq!(clients.map(line), [Some(2), Some(1), Some(3), Some(2), Some(4), None]);
    }

    #[test]
    fn a_name_goes_before_the_domains_above_it() {
        let table = table();
        let key = |name: &str| table.by_name(name).last().map(|entry| entry.key.clone());
        assert_eq!(key("mail.example.org").as_deref(), Some("mail.example.org"));
        assert_eq!(key("x.y.a.example.org").as_deref(), Some(".a.example.org"));
        assert_eq!(key("b.example.org").as_deref(), Some(".example.org"));
        assert_eq!(key("example.org"), None);
        assert_eq!(key("example.net"), None);
        assert!(table.by_name("b.example.org").all(|entry| entry.warn));
    }

    #[test]
    fn mistakes_name_their_lines_and_leave_a_gap_only_if_the_key_is_wrong() {
        let (table, problems) =
            parse("192.0.2.1/24 reject\n192.0.2.2 rejct\n300.1.1.1 accept\na_b.c accept x\n");
        assert_eq!(
            problems,
            [
                "/etc/access:1: \"192.0.2.1/24\" has bits behind its prefix; write \"192.0.2.0/24\"",
                "/etc/access:2: \"rejct\" is no action; write reject",
                "/etc/access:3: \"300.1.1.1\" is not a network; write it as \"192.0.2.0/24\" or \"2001:db8::/32\"",
                "/etc/access:4: accept takes no text; take \"x\" out",
            ]
        );
        assert!(table.gap().is_some_and(|gap| gap.starts_with("/etc/access:1:")));
        assert!(table.by_address("192.0.2.2".parse().unwrap()).all(|entry| entry.action.is_err()));
        let (table, problems) = parse("1.2.3.4 score x\n1.2.3.4 accept\n.. accept\n5.6.7.8 reject \u{fc}\n");
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(problems.iter().any(|text| text.contains("already in line 1")));
        assert!(table.gap().is_some());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z0-9./: \\n#é-]{0,60}", name in "[a-z.]{0,20}") {
            let (table, _) = parse(&text);
            let _ = table.by_name(&name).count();
        }
    }
}
