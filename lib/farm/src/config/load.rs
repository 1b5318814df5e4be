//! From files to the typed configuration, or to all that is wrong with them.

use super::check::apply;
use super::check_all::check_all;
use super::defaults::defaults;
use super::problem::Problem;
use super::sections::{Config, Paths};
use super::source::{Findings, Source, Spot};
use super::tree::{Node, Table, grow, merge};
use std::fs;
use std::path::{Path, PathBuf};

impl Config {
    /// Reads the configuration file and what it includes, and checks the tables that it names. `hostname` is the
    /// system's name for this host, which counts unless the file has another.
    ///
    /// # Errors
    /// Everything that is wrong with any of them, the tables last; never an empty list. The tables are looked at even
    /// if the configuration has mistakes: a value that cannot be read counts as its default then.
    pub fn load(path: &Path, paths: &Paths, hostname: &str) -> Result<Self, Vec<Problem>> {
        let (config, findings) = gather(path, paths, hostname).map_err(|problem| vec![problem])?;
        let tables = check_all(&config);
        let mut problems = findings.into_problems();
        problems.extend(tables);
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// As [`Config::load`] without a look at the tables: for a program that needs none of them, or may not read them.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration, in the order of the files; never an empty list.
    pub fn read(path: &Path, paths: &Paths, hostname: &str) -> Result<Self, Vec<Problem>> {
        let (config, findings) = gather(path, paths, hostname).map_err(|problem| vec![problem])?;
        if findings.is_empty() { Ok(config) } else { Err(findings.into_problems()) }
    }

    /// The configuration that `text` says; `file` is only how problems name it, and `include` is not followed.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str, file: &Path, paths: &Paths, hostname: &str) -> Result<Self, Vec<Problem>> {
        let mut findings = Findings::default();
        let tree = add(file, text.to_owned(), &mut findings);
        let config = typed(&tree, &mut findings, paths, hostname);
        if findings.is_empty() { Ok(config) } else { Err(findings.into_problems()) }
    }
}

/// What the files say, with defaults for what cannot be understood, and what is wrong with them.
fn gather(path: &Path, paths: &Paths, hostname: &str) -> Result<(Config, Findings), Problem> {
    let text = read(path)?;
    let mut findings = Findings::default();
    let mut tree = add(path, text, &mut findings);
    for file in included(&tree, path, &mut findings) {
        match read(&file) {
            Ok(text) => {
                let further = add(&file, text, &mut findings);
                refuse_nesting(&further, &mut findings);
                merge(&mut tree, further, &mut findings);
            }
            Err(problem) => findings.push(problem),
        }
    }
    let config = typed(&tree, &mut findings, paths, hostname);
    Ok((config, findings))
}

fn typed(tree: &Table, findings: &mut Findings, paths: &Paths, hostname: &str) -> Config {
    let mut config = defaults(paths, hostname);
    apply(tree, &mut config, findings);
    if tree.contains_key("hostname") && !tree.contains_key("local-domains") {
        config.common.local_domains = vec![config.common.hostname.clone()];
    }
    config.common.paths.spool = config.common.spool.backend.directory(&paths.spool);
    config
}

fn read(file: &Path) -> Result<String, Problem> {
    let octets =
        fs::read(file).map_err(|error| Problem::of_file(file, format!("cannot be read: {error}")))?;
    String::from_utf8(octets).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(valid).filter(|c| **c == b'\n').count() + 1;
        Problem::of_line(file, line, "this is not UTF-8")
    })
}

fn add(file: &Path, text: String, findings: &mut Findings) -> Table {
    findings.sources.push(Source { file: file.to_owned(), text });
    grow(findings.sources.len() - 1, findings)
}

/// The files that the main file includes: in the order of the list, the matches of a pattern in the order of names.
fn included(tree: &Table, main: &Path, findings: &mut Findings) -> Vec<PathBuf> {
    let Some(entry) = tree.get("include") else { return Vec::new() };
    let Node::List(items) = &entry.value.node else {
        findings.at(entry.value.spot, "include is not a list; write [\"conf.d/*.toml\"]");
        return Vec::new();
    };
    let base = main.parent().unwrap_or_else(|| Path::new("."));
    let mut files = Vec::new();
    for item in items {
        match &item.node {
            Node::Text(pattern) => files.extend(matches(base, pattern, item.spot, findings)),
            _ => findings.at(item.spot, "include is a list of strings; write [\"conf.d/*.toml\"]"),
        }
    }
    files
}

fn matches(base: &Path, pattern: &str, spot: Spot, findings: &mut Findings) -> Vec<PathBuf> {
    let whole = base.join(pattern);
    let name = whole.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let Some((before, after)) = name.split_once('*') else { return vec![whole] };
    let directory = whole.parent().unwrap_or(base);
    if after.contains('*') || directory.to_string_lossy().contains('*') {
        findings.at(spot, format!("include \"{pattern}\" may have one *, in its last part"));
        return Vec::new();
    }
    let fits = |name: &str| {
        let long = name.len() >= before.len() + after.len();
        long && name.starts_with(before) && name.ends_with(after) && !name.starts_with('.')
    };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            findings.at(spot, format!("{} cannot be read: {error}", directory.display()));
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(fits))
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

fn refuse_nesting(tree: &Table, findings: &mut Findings) {
    if let Some(entry) = tree.get("include") {
        findings.at(entry.key, "an included file cannot include others; do it in the main file");
    }
}
