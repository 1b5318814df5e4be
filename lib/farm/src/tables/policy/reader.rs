//! The words of a line become a rule.

use super::words::{Mistake, Word};
use super::{Condition, Phase, Rule, action, conditions};
use crate::config::nearest;

/// What the words mean, or everything that is wrong with them.
pub(super) fn rule(words: &[Word]) -> Result<Rule, Vec<Mistake>> {
    let Some((first, mut rest)) = words.split_first() else { return Err(Vec::new()) };
    let mut mistakes = Vec::new();
    let phase = phase(first).map_err(|mistake| mistakes.push(mistake)).ok();
    let mut conditions: Vec<Condition> = Vec::new();
    while let Some((word, behind)) = rest.split_first()
        && !action::begins(word)
    {
        match conditions::condition(word, phase) {
            Ok(condition) => conditions.push(condition),
            Err(mistake) => mistakes.push(mistake),
        }
        if !conditions::begins(word) {
            // It may have been meant as an action, and what follows as its text.
            return Err(mistakes);
        }
        rest = behind;
    }
    let done = match rest.first() {
        Some(_) => action::read(rest),
        None if mistakes.is_empty() => Err(words.last().unwrap_or(first).wrong_behind(format!(
            "this rule has no action; end it with one of {}",
            action::WORDS.join(", ")
        ))),
        None => return Err(mistakes),
    };
    match (phase, done) {
        (Some(phase), Ok((warn, action))) if mistakes.is_empty() => {
            Ok(Rule { line: first.line, phase, conditions, warn, action })
        }
        (_, Ok(_)) => Err(mistakes),
        (_, Err(mistake)) => {
            mistakes.push(mistake);
            Err(mistakes)
        }
    }
}

fn phase(word: &Word) -> Result<Phase, Mistake> {
    let known = Phase::ALL.into_iter().find(|phase| phase.word() == word.text);
    known.ok_or_else(|| word.wrong(unknown("phase", &word.text, &Phase::ALL.map(Phase::word))))
}

/// What is said about a word that is not among the valid ones.
pub(super) fn unknown(what: &str, word: &str, valid: &[&str]) -> String {
    match nearest(word, valid) {
        Some(near) => format!("unknown {what} \"{word}\"; did you mean \"{near}\"?"),
        None => format!("unknown {what} \"{word}\"; valid are {}", valid.join(", ")),
    }
}
