//! `name: target, target …`: the aliases table in its classic syntax.
//!
//! A name is a local part, looked up without regard to case. A target is an address, a local name, `\name` (this local
//! user and no further alias), or `:include:/path` (the targets in that file). Programs (`|…`) and files (`/…`) are
//! recognised, and refused for now.
//!
//! Source: the aliases(5) that Unix systems have carried since sendmail.

use super::flat::logical_lines;
use crate::config::{Problem, canonical_domain};
use proto::address::{Mailbox, folded};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What an alias leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// `local-part@domain`, as written.
    Address(String),
    /// A name without a domain: local.
    Local(String),
    /// `\name`: this local user, without a look into the aliases.
    Final(String),
    /// `:include:/path`: the targets in this file.
    Include(PathBuf),
}

/// A target cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing between two commas.
    #[error("a target is empty; take a comma out")]
    Empty,
    /// `|program` or `/file`.
    #[error("\"{text}\": programs and files as alias targets come later")]
    Later {
        /// As written.
        text: String,
    },
    /// `:include:` without an absolute path.
    #[error("\"{text}\": :include: needs a path that begins with /")]
    Include {
        /// As written.
        text: String,
    },
    /// No address and no local name.
    #[error("\"{text}\" is neither an address nor a local name")]
    Address {
        /// As written.
        text: String,
    },
}

/// One alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The line it begins on.
    pub line: usize,
    /// Where it leads, or what is wrong with it.
    pub targets: Result<Vec<Target>, String>,
}

/// The aliases table.
#[derive(Debug, Clone, Default)]
pub struct Aliases {
    /// By name, [`folded`].
    entries: HashMap<String, Alias>,
    /// The first line whose name cannot be understood, and why.
    gap: Option<String>,
}

impl Aliases {
    /// The table that a file holds, and all that is wrong with it.
    pub fn parse(octets: &[u8], file: &Path) -> (Self, Vec<Problem>) {
        let mut table = Self::default();
        let mut problems = Vec::new();
        for line in logical_lines(octets) {
            let of_line = |message: String| Problem::of_line(file, line.number, message);
            let (name, targets) = match split_name(&line.text) {
                Ok(parts) => parts,
                Err(message) => {
                    let problem = of_line(message);
                    table.gap.get_or_insert_with(|| problem.to_string());
                    problems.push(problem);
                    continue;
                }
            };
            if let Some(first) = table.entries.get(&name) {
                let message = format!("alias \"{name}\" is already in line {}; keep one of them", first.line);
                problems.push(of_line(message));
                continue;
            }
            let targets = parse_targets(targets).map_err(|errors| {
                let found = problems.len();
                problems.extend(errors.iter().map(|error| of_line(error.to_string())));
                problems.get(found).map_or_else(String::new, ToString::to_string)
            });
            table.entries.insert(name, Alias { line: line.number, targets });
        }
        (table, problems)
    }

    /// The alias of this name, given as [`folded`] makes it.
    pub fn get(&self, name: &str) -> Option<&Alias> {
        self.entries.get(name)
    }

    /// The first line whose name cannot be understood: while there is one, the table cannot tell what it lacks.
    pub fn gap(&self) -> Option<&str> {
        self.gap.as_deref()
    }

    /// Every target with its line, in no particular order.
    pub fn targets(&self) -> impl Iterator<Item = (usize, &Target)> {
        self.entries
            .values()
            .flat_map(|alias| alias.targets.iter().flatten().map(move |target| (alias.line, target)))
    }
}

/// The targets in a file that `:include:` names: one or several a line, with comments.
///
/// # Errors
/// The first line that cannot be understood, and why.
pub fn parse_list(octets: &[u8], file: &Path) -> Result<Vec<Target>, Problem> {
    let mut targets = Vec::new();
    for (index, raw) in octets.split(|c| *c == b'\n').enumerate() {
        let text = String::from_utf8_lossy(raw);
        for line in logical_lines(text.as_bytes()) {
            let read = parse_targets(line.text.trim_end_matches(',')).map_err(|errors| {
                let message = errors.first().map_or_else(String::new, ToString::to_string);
                Problem::of_line(file, index + 1, message)
            });
            targets.extend(read?);
        }
    }
    Ok(targets)
}

fn split_name(line: &str) -> Result<(String, &str), String> {
    let hint = || "this is not an alias; write name: target, target".to_owned();
    let (name, targets) = match line.strip_prefix('"') {
        Some(rest) => {
            let (name, rest) = rest.split_once('"').ok_or_else(hint)?;
            (name, rest.trim_start().strip_prefix(':').ok_or_else(hint)?)
        }
        None => line.split_once(':').ok_or_else(hint)?,
    };
    let name = folded(name.trim());
    if name.contains('@') {
        return Err(format!(
            "alias \"{name}\" has a domain; aliases are for local names, see grange-routes(5)"
        ));
    }
    let bad = |c: char| c.is_control() || c == '\u{fffd}' || c == '"';
    if name.is_empty() || name.contains(bad) || (!line.starts_with('"') && name.contains(char::is_whitespace))
    {
        return Err(hint());
    }
    Ok((name, targets))
}

fn parse_targets(text: &str) -> Result<Vec<Target>, Vec<TargetError>> {
    let mut targets = Vec::new();
    let mut errors = Vec::new();
    for item in split_items(text) {
        match parse_target(item.trim()) {
            Ok(target) => targets.push(target),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(targets) } else { Err(errors) }
}

/// Splits at commas outside double quotes.
fn split_items(text: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            ',' if !quoted => {
                items.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    items.push(text.get(start..).unwrap_or_default());
    items
}

fn parse_target(item: &str) -> Result<Target, TargetError> {
    let text = item.to_owned();
    if item.is_empty() {
        return Err(TargetError::Empty);
    }
    let bare = item.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(item);
    if bare.starts_with('|') || bare.starts_with('/') {
        return Err(TargetError::Later { text });
    }
    if let Some(path) = bare.strip_prefix(":include:") {
        let path = path.trim();
        let good = path.starts_with('/') && !path.contains('\0');
        return if good { Ok(Target::Include(path.into())) } else { Err(TargetError::Include { text }) };
    }
    let item = item.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(item);
    if let Some(name) = item.strip_prefix('\\').or_else(|| bare.strip_prefix('\\')) {
        return if is_local(name) {
            Ok(Target::Final(name.to_owned()))
        } else {
            Err(TargetError::Address { text })
        };
    }
    match item.rsplit_once('@') {
        Some((local, domain)) if !item.ends_with('"') => {
            let literal = domain.starts_with('[') && domain.ends_with(']');
            let good = is_local(local) && (literal || canonical_domain(domain).is_some());
            if good { Ok(Target::Address(item.to_owned())) } else { Err(TargetError::Address { text }) }
        }
        _ if is_local(item) => Ok(Target::Local(item.to_owned())),
        _ => Err(TargetError::Address { text }),
    }
}

/// A local part: a dot-string, or a quoted string as a whole.
///
/// Source: RFC 5321 section 4.1.2 (Local-part), RFC 6531 section 3.3.
fn is_local(text: &str) -> bool {
    let atom = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&c);
    if !text.is_ascii() {
        return format!("{text}@localhost").parse::<Mailbox>().is_ok();
    }
    if let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return is_quoted_content(inner);
    }
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(atom))
}

fn is_quoted_content(inner: &str) -> bool {
    let mut escaped = false;
    for c in inner.bytes() {
        if !(b' '..=b'~').contains(&c) || (c == b'"' && !escaped) {
            return false;
        }
        escaped = c == b'\\' && !escaped;
    }
    !escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> (Aliases, Vec<String>) {
        let (table, problems) = Aliases::parse(text.as_bytes(), Path::new("/etc/aliases"));
        (table, problems.iter().map(ToString::to_string).collect())
    }

    fn targets(text: &str) -> Vec<Target> {
        let (table, problems) = parse(&format!("x: {text}\n"));
        assert_eq!(problems, [""; 0]);
        table.get("x").unwrap().targets.clone().unwrap()
    }

    #[test]
    fn every_kind_of_target_is_read() {
        let local = |name: &str| Target::Local(name.to_owned());
        let address = |text: &str| Target::Address(text.to_owned());
        assert_eq!(targets("ann, bob@Example.net"), [local("ann"), address("bob@Example.net")]);
        assert_eq!(targets("\\ann,<c@d.example>"), [Target::Final("ann".to_owned()), address("c@d.example")]);
        assert_eq!(
            targets(":include:/l/x, \":include:/l/y z\""),
            [Target::Include("/l/x".into()), Target::Include("/l/y z".into())]
        );
        assert_eq!(targets("\"a, b\"@c.example, \"d e\""), [address("\"a, b\"@c.example"), local("\"d e\"")]);
        assert_eq!(targets("u@[192.0.2.1]"), [address("u@[192.0.2.1]")]);
        assert_eq!(targets("j\u{fc}@b\u{fc}.example"), [address("j\u{fc}@b\u{fc}.example")]);
    }

    #[test]
    fn names_have_no_case_and_continue() {
        let (table, problems) = parse("PostMaster: root,\n  ann\n\"two words\": ann\nJ\u{dc}: ann\n");
        assert!(table.get("j\u{fc}").is_some());
        assert_eq!(problems, [""; 0]);
        assert_eq!(table.get("postmaster").unwrap().targets.as_ref().unwrap().len(), 2);
        assert_eq!(table.get("two words").unwrap().line, 3);
        assert_eq!(table.targets().count(), 4);
    }

    #[test]
    fn mistakes_name_their_lines() {
        let (table, problems) =
            parse("a: \"|/bin/x -y\", /var/z\nnonsense\nb: c,,d\na: e\nf@g.h: i\nj: :include:k, l m\n");
        assert_eq!(
            problems,
            [
                "/etc/aliases:1: \"\"|/bin/x -y\"\": programs and files as alias targets come later",
                "/etc/aliases:1: \"/var/z\": programs and files as alias targets come later",
                "/etc/aliases:2: this is not an alias; write name: target, target",
                "/etc/aliases:3: a target is empty; take a comma out",
                "/etc/aliases:4: alias \"a\" is already in line 1; keep one of them",
                "/etc/aliases:5: alias \"f@g.h\" has a domain; aliases are for local names, see grange-routes(5)",
                "/etc/aliases:6: \":include:k\": :include: needs a path that begins with /",
                "/etc/aliases:6: \"l m\" is neither an address nor a local name",
            ]
        );
        assert!(table.get("a").unwrap().targets.as_ref().unwrap_err().starts_with("/etc/aliases:1:"));
        assert!(table.gap().unwrap().starts_with("/etc/aliases:2:"));
    }

    #[test]
    fn a_list_has_one_or_several_a_line() {
        let list = parse_list(b"# list\nann\nbob@b.example, cid,\n\n  dan # why\n", Path::new("/l")).unwrap();
        assert_eq!(list.len(), 4);
        let problem = parse_list(b"ann\nb c\n", Path::new("/l")).unwrap_err();
        assert_eq!(problem.to_string(), "/l:2: \"b c\" is neither an address nor a local name");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z.@:,|/# \\t\\n\\[\\]<>\"\\\\é]{0,60}") {
            let _ = parse(&text);
            let _ = parse_list(text.as_bytes(), Path::new("/l"));
        }
    }
}
