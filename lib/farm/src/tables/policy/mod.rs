//! `PHASE  CONDITION...  ACTION [TEXT]`: the policy table, a rule per line.
//!
//! Decides what a line means; not whether it holds for a client, which the smtpserver does with
//! [`PolicyTable::rules`]. Words are those of grange-policy(5); a mistake names its line and column and the word that was
//! probably meant. A table with a mistake is not used at all: a rule that is missing could let in what it should keep
//! out, and a rule after it could keep out what it should let in.
//!
//! A line that begins with white space continues the one before. `#` at the beginning of a word begins a comment.

mod action;
mod conditions;
mod reader;
mod rule;
mod template;
mod words;

pub use rule::{Action, AddressPattern, Condition, NamePattern, Phase, Refusal, Rule, Test};
pub use template::{Placeholder, Template};

use crate::config::Problem;
use std::path::Path;

/// The rules of a policy table, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyTable {
    /// The rules.
    pub rules: Vec<Rule>,
}

impl PolicyTable {
    /// The table that a file holds, and all that is wrong with it: lines that cannot be understood are not in the table.
    pub fn parse(octets: &[u8], file: &Path) -> (Self, Vec<Problem>) {
        let (mut rules, mut problems) = (Vec::new(), Vec::new());
        for line in words::lines(octets) {
            match reader::rule(&line) {
                Ok(rule) => rules.push(rule),
                Err(mistakes) => problems.extend(mistakes.into_iter().map(|mistake| mistake.problem(file))),
            }
        }
        (Self { rules }, problems)
    }
}

#[cfg(test)]
mod tests;
