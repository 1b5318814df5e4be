//! What is fuzzed: each target takes any octets and panics when something that must hold does not.
//!
//! `libfuzzer/` has a program for each of them, for `make fuzz`; `tests/corpora.rs` replays what they once found worth
//! keeping, and a few thousand seeded mutations of it, in `make test`.

mod address;
mod auth;
mod bdat;
mod command;
mod content;
mod proxy;
mod session;
mod shell;

/// A target: its name, which is that of its corpus, too, and what it does with octets.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 7] = [
    ("address", address::check),
    ("auth", auth::check),
    ("bdat", bdat::check),
    ("command", command::check),
    ("content", content::check),
    ("proxy", proxy::check),
    ("session", session::check),
];

/// Runs the target of this name, which must exist.
pub fn run(name: &str, octets: &[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.expect("a target").1(octets);
}
