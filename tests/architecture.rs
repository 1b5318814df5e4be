//! Guards: the walls between crates and files, checked on the manifests and the lines of the source.
//!
//! They read what is there, line by line, without understanding Rust: comments are dropped, and what stands behind
//! `#[cfg(test)] mod` or in a test file is not production code. A guard that fails names the file, the line and the rule.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use system_tests::tools;

/// Every crate: which of ours it imports, which of others, both exactly. What is absent is forbidden. A new row or
/// word needs a reason in `DECISIONS.md`.
const EDGES: [(&str, &str, &str); 16] = [
    ("proto", "", "icu_normalizer idna jiff memchr serde thiserror"),
    ("spool", "proto", "crc32c getrandom log memchr thiserror"),
    ("ipc", "proto", "bincode serde serde_json thiserror"),
    ("sys", "", "nix sendfd signal-hook"),
    ("farm", "ipc proto sys", "annotate-snippets env_logger jiff log mio serde strsim thiserror toml"),
    ("dns", "farm ipc proto sys", "getrandom hickory-resolver log serde_json thiserror tokio"),
    ("tls", "", "aws-lc-rs rustls rustls-native-certs serde thiserror"),
    (
        "secrets",
        "farm",
        "argon2 base64ct getrandom hmac icu_normalizer pbkdf2 sha-crypt sha2 subtle thiserror",
    ),
    ("authd", "farm ipc secrets sys", "log serde_json"),
    ("smtpserver", "farm ipc proto spool sys tls", "log serde_json slab"),
    ("router", "farm ipc proto spool sys", "log serde_json thiserror"),
    ("scheduler", "farm ipc proto spool sys", "log serde_json slab thiserror"),
    ("transports", "farm ipc proto spool sys tls", "log memchr serde serde_json slab thiserror"),
    ("utils", "farm ipc proto secrets spool sys tls", "clap jiff serde serde_json thiserror"),
    ("fuzz", "proto", ""),
    ("system-tests", "", "serde_json tempfile toml"),
];

/// What tests may import besides.
const FOR_TESTS: [&str; 6] = ["criterion", "proptest", "tempfile", "spool", "rcgen", "mail-parser"];

/// Words and the one place where production code may say them.
const PLACES: [(&str, &str); 21] = [
    ("unsafe", "lib/sys/src/"),
    ("mio::", "lib/farm/src/"),
    ("bincode::", "lib/ipc/src/codec.rs"),
    ("hickory_resolver::", "lib/dns/src/"),
    ("tokio::", "lib/dns/src/"),
    ("rustls::", "lib/tls/src/"),
    ("aws_lc_rs::", "lib/tls/src/"),
    ("argon2::", "lib/secrets/src/"),
    ("sha_crypt::", "lib/secrets/src/"),
    ("pbkdf2::", "lib/secrets/src/"),
    ("nix::", "lib/sys/src/"),
    ("sendfd::", "lib/sys/src/"),
    ("signal_hook::", "lib/sys/src/"),
    ("libc::", "lib/sys/src/"),
    ("target_os", "lib/sys/src/"),
    ("os::linux::", "lib/sys/src/"),
    ("/proc/", "lib/sys/src/"),
    ("Instant::now", "lib/farm/src/clock.rs"),
    ("SystemTime::now", "lib/farm/src/clock.rs"),
    ("Timestamp::now", "lib/farm/src/clock.rs"),
    ("Zoned::now", "lib/farm/src/clock.rs"),
];

/// What a pure core does not say.
const IMPURE: [&str; 13] = [
    "std::fs",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "std::os",
    "Instant",
    "SystemTime",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "println!",
    "eprintln!",
];

/// The pure cores.
const PURE: [&str; 3] = ["lib/proto/src/", "scheduler/src/queue/", "smtpserver/src/master/admission/"];

/// Production files that may be longer than [`LONGEST`], each with its reason.
const LONG_FILES: [(&str, &str); 0] = [];

/// Most lines of production code in a file.
const LONGEST: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every package of the workspace, as cargo reads the manifests.
fn packages() -> Vec<Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// A file of the tree with its path from the root.
struct Source {
    path: String,
    lines: Vec<String>,
}

impl Source {
    /// The lines of production code with their numbers, without comments.
    fn production(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = |at: usize| {
            let next = self.lines.get(at + 1).map_or("", |line| line.trim_start());
            self.lines[at].trim() == "#[cfg(test)]" && next.starts_with("mod ") && next.ends_with('{')
        };
        let end = (0..self.lines.len()).find(|&at| is_test(at)).unwrap_or(self.lines.len());
        let code = self.lines[..end].iter().enumerate();
        code.map(|(at, line)| (at + 1, uncommented(line))).filter(|(_, line)| !line.trim().is_empty())
    }
}

/// A line without what stands in double quotes.
fn unquoted(line: &str) -> String {
    line.replace("\\\"", "").split('"').step_by(2).collect()
}

/// A line without its comment.
fn uncommented(line: &str) -> &str {
    if line.trim_start().starts_with("//") { "" } else { line.split(" // ").next().unwrap_or_default() }
}

/// Whether a line says a word: not as a part of a longer one.
fn says(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let starts = !word.starts_with(part) || !before.is_some_and(part);
        let ends = !word.ends_with(part) || !after.is_some_and(part);
        starts && ends
    })
}

/// Every Rust file below a directory.
fn rust_files(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Every Rust file of the crates, tests included; those of this package not.
fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    for crate_directory in ["lib", "authd", "smtpserver", "router", "scheduler", "transports", "utils"] {
        rust_files(&root().join(crate_directory), &mut files);
    }
    assert!(files.len() > 200, "the tree is not where it was");
    files.sort();
    let source = |path: PathBuf| Source {
        lines: std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect(),
        path: path.strip_prefix(root()).unwrap().display().to_string(),
    };
    files.into_iter().map(source).collect()
}

/// The files that hold production code: no test files.
fn production_files() -> Vec<Source> {
    let test = |path: &str| {
        ["/tests/", "/examples/", "/benches/"].iter().any(|directory| path.contains(directory))
            || ["/tests.rs", "/conformance.rs"].iter().any(|file| path.ends_with(file))
    };
    sources().into_iter().filter(|source| !test(&source.path)).collect()
}

/// Fails with all that was found.
fn none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn each_crate_imports_exactly_what_the_table_says() {
    let packages = packages();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let table: BTreeMap<&str, (&str, &str)> = EDGES.iter().map(|&(name, o, t)| (name, (o, t))).collect();
    assert_eq!(ours, table.keys().copied().collect(), "the crates of the workspace");
    let mut found = Vec::new();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let (own, third) = table[name];
        let allowed: BTreeSet<&str> = own.split_whitespace().chain(third.split_whitespace()).collect();
        let dependencies = package["dependencies"].as_array().unwrap();
        let is_dev = |dependency: &&Value| dependency["kind"] == "dev";
        let names = |dependency: &Value| dependency["name"].as_str().unwrap().to_owned();
        let declared: BTreeSet<String> = dependencies.iter().filter(|d| !is_dev(d)).map(names).collect();
        let declared: BTreeSet<&str> = declared.iter().map(String::as_str).collect();
        found.extend(declared.difference(&allowed).map(|d| format!("{name} imports {d}")));
        found.extend(allowed.difference(&declared).map(|d| format!("{name} does not import {d} any more")));
        let for_tests = dependencies.iter().filter(is_dev).map(names);
        let surplus = for_tests.filter(|d| !FOR_TESTS.contains(&d.as_str()) && !allowed.contains(d.as_str()));
        found.extend(surplus.map(|d| format!("{name} imports {d} for its tests")));
    }
    none("not as in EDGES", &found);
}

#[test]
fn each_library_is_named_in_its_one_place() {
    let mut found = Vec::new();
    for source in production_files() {
        for (number, line) in source.production() {
            let strayed = PLACES.iter().filter(|(_, place)| !source.path.starts_with(place));
            let code = unquoted(line);
            // A path stands in quotes.
            let said =
                strayed.filter(|(word, _)| says(if word.starts_with('/') { line } else { &code }, word));
            found.extend(said.map(|(word, place)| {
                format!("{}:{number}: {word} belongs in {place}: {}", source.path, line.trim())
            }));
        }
    }
    none("out of place", &found);
}

#[test]
fn the_cores_are_pure() {
    let mut found = Vec::new();
    for source in production_files() {
        if PURE.iter().any(|place| source.path.starts_with(place)) {
            for (number, line) in source.production() {
                let said = IMPURE.iter().filter(|word| says(line, word));
                found.extend(said.map(|word| format!("{}:{number}: {word}", source.path)));
            }
        }
    }
    none("no I/O, no clock, no environment in a pure core", &found);
}

#[test]
fn each_use_of_unsafe_says_why_it_is_sound() {
    let mut found = Vec::new();
    for source in sources() {
        for (at, line) in source.lines.iter().enumerate() {
            let used = says(&unquoted(uncommented(line)), "unsafe");
            let before = &source.lines[at.saturating_sub(6)..at];
            if used && !before.iter().any(|line| line.contains("SAFETY:")) {
                found.push(format!("{}:{}", source.path, at + 1));
            }
        }
    }
    none("no SAFETY comment", &found);
}

#[test]
fn every_crate_takes_the_lint_table() {
    let mut found = Vec::new();
    for package in packages() {
        let manifest = std::fs::read_to_string(package["manifest_path"].as_str().unwrap()).unwrap();
        let name = package["name"].as_str().unwrap();
        // These two have a table of their own and say why.
        let own = ["sys", "system-tests", "fuzz"].contains(&name) && manifest.contains("[lints.clippy]");
        if !own && !manifest.contains("[lints]\nworkspace = true\n") {
            found.push(name.to_owned());
        }
    }
    none("without `[lints] workspace = true`", &found);
}

#[test]
fn nothing_is_allowed_or_ignored_without_a_reason() {
    let mut found = Vec::new();
    let mut ours = Vec::new();
    rust_files(&root().join("tests"), &mut ours);
    let read = |path: PathBuf| Source {
        lines: std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect(),
        path: path.display().to_string(),
    };
    for source in sources().into_iter().chain(ours.into_iter().map(read)) {
        for (at, line) in source.lines.iter().enumerate() {
            let line = line.trim_start();
            let begins = |word: &str| {
                line.starts_with(&format!("#[{word}")) || line.starts_with(&format!("#![{word}"))
            };
            let attribute = || {
                let lines = source.lines[at..].iter();
                let length = lines.clone().position(|line| line.trim_end().ends_with(']')).unwrap_or(0);
                lines.take(length + 1).map(|line| line.trim()).collect::<String>()
            };
            let place = format!("{}:{}", source.path, at + 1);
            if begins("allow(") {
                found.push(format!("{place}: expect it, with a reason"));
            } else if begins("expect(") && !attribute().contains("reason = \"")
                || begins("ignore") && !attribute().contains("ignore = \"")
            {
                found.push(format!("{place}: no reason"));
            }
        }
    }
    none("lints and tests", &found);
}

#[test]
fn no_file_is_too_long_and_no_reason_is_stale() {
    let mut found = Vec::new();
    for source in production_files() {
        let lines = source.production().count();
        let excused = LONG_FILES.iter().any(|(path, _)| *path == source.path);
        if lines > LONGEST && !excused {
            found.push(format!("{}: {lines} lines", source.path));
        } else if lines <= LONGEST && excused {
            found.push(format!("{}: short again, take it from LONG_FILES", source.path));
        }
    }
    none(&format!("longer than {LONGEST} lines"), &found);
}

/// Words in backquotes that can only be paths of the tree.
fn paths_named_in(text: &str) -> Vec<String> {
    let words = text.split('`').skip(1).step_by(2);
    let plain = |word: &&str| word.chars().all(|c| c.is_ascii_alphanumeric() || "_./-".contains(c));
    let path = |word: &&str| {
        let file = [".rs", ".md", ".toml"].iter().any(|end| word.ends_with(end));
        let outside = word.starts_with(['/', '.']) || word.starts_with("target/") || *word == "grange.toml";
        (word.contains('/') || file) && !outside
    };
    words.filter(plain).filter(path).map(str::to_owned).collect()
}

#[test]
fn every_path_named_in_the_prose_exists() {
    let mut found = Vec::new();
    for page in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "DECISIONS.md"] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        let named = paths_named_in(&text);
        assert!(page != "ARCHITECTURE.md" || named.len() > 30, "{page} names its files: {named:?}");
        let gone = named.into_iter().filter(|path| !root().join(path).exists());
        found.extend(gone.map(|path| format!("{page}: {path}")));
    }
    none("does not exist", &found);
}

#[test]
fn every_program_and_every_file_of_the_administrator_has_its_page() {
    let man = root().join("man");
    let pages: BTreeSet<String> = std::fs::read_dir(man)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let mut wanted = Vec::new();
    for package in packages() {
        for target in package["targets"].as_array().unwrap() {
            if target["kind"][0] == "bin" {
                wanted.push(target["name"].as_str().unwrap().to_owned());
            }
        }
    }
    assert!(wanted.len() >= 12, "{wanted:?}");
    let files = std::fs::read_dir(root().join("etc")).unwrap().flatten();
    wanted.extend(files.map(|entry| entry.file_name().into_string().unwrap()));
    wanted.extend(["spool".into(), "journal".into()]);
    let has_page = |name: &String| {
        let names = [name.clone(), format!("grange-{name}")];
        names.iter().any(|name| pages.iter().any(|page| page.rsplit_once('.').unwrap().0 == name))
    };
    let found: Vec<String> = wanted.into_iter().filter(|name| !has_page(name)).collect();
    none("no man page", &found);
}

#[test]
fn the_pages_are_well_formed() {
    let Some(mandoc) = tools::find("mandoc") else { return };
    let pages = std::fs::read_dir(root().join("man")).unwrap().flatten().map(|entry| entry.path());
    let output = Command::new(mandoc).args(["-T", "lint", "-W", "warning"]).args(pages).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_guards_can_see() {
    assert!(says("use mio::Poll;", "mio::") && !says("use std::os::unix::net;", "nix::"));
    assert_eq!(unquoted(r#"a "b \" c" d"#), "a  d");
    assert!(says("unsafe {", "unsafe") && !says("unsafe_code", "unsafe"));
    let source = Source {
        path: String::new(),
        lines: ["a // b", "// c", "#[cfg(test)]", "mod tests {", "d"].map(str::to_owned).to_vec(),
    };
    assert_eq!(source.production().collect::<Vec<_>>(), [(1, "a")]);
    assert_eq!(paths_named_in("`a/b.rs`, `x y/z`, `/etc/a`, `Makefile.md`"), ["a/b.rs", "Makefile.md"]);
}
