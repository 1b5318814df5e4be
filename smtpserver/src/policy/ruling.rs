//! What the rules of a phase say together.

use super::Facts;
use super::holds::{holds, met};
use farm::tables::{Action, Phase, PolicyTable, Rule};
use proto::reply::{Cause, Reply};

/// The word of the rules of one phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling<'t> {
    /// The rules that matched, in their order.
    pub steps: Vec<Step<'t>>,
    /// What follows.
    pub verdict: Verdict,
}

/// A rule that matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<'t> {
    /// The rule.
    pub rule: &'t Rule,
    /// Its place, what its conditions met, and what they ask for.
    pub cause: Cause,
}

/// What follows from the rules of one phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// No rule has settled it.
    Go,
    /// Later rules are not asked.
    Accept,
    /// A 4xx or 5xx reply, with its cause.
    Refuse(Reply),
    /// The message is held; why.
    Hold(String),
}

impl Ruling<'_> {
    /// Nothing has a say.
    pub fn silent() -> Self {
        Self { steps: Vec::new(), verdict: Verdict::Go }
    }

    /// The marks that the message gets.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter(|step| !step.rule.warn).filter_map(|step| match &step.rule.action {
            Action::Tag(tag) => Some(tag.as_str()),
            _ => None,
        })
    }

    /// The rules that only warn.
    pub fn warnings(&self) -> impl Iterator<Item = &Step<'_>> {
        self.steps.iter().filter(|step| step.rule.warn)
    }
}

/// Asks the rules of this phase.
pub fn judge<'t>(table: &'t PolicyTable, phase: Phase, facts: &Facts<'_>) -> Ruling<'t> {
    let mut ruling = Ruling { steps: Vec::new(), verdict: Verdict::Go };
    for rule in table.rules.iter().filter(|rule| rule.phase == phase) {
        if !rule.conditions.iter().all(|condition| holds(&condition.test, facts) != condition.negated) {
            continue;
        }
        let cause = cause(rule, facts);
        let verdict = if rule.warn { Verdict::Go } else { verdict(rule, &cause, facts) };
        ruling.steps.push(Step { rule, cause });
        if verdict != Verdict::Go {
            ruling.verdict = verdict;
            break;
        }
    }
    ruling
}

fn verdict(rule: &Rule, cause: &Cause, facts: &Facts<'_>) -> Verdict {
    match &rule.action {
        Action::Accept => Verdict::Accept,
        Action::Tag(_) => Verdict::Go,
        Action::Hold(why) => Verdict::Hold(why.fill(|place| facts.fill(place))),
        Action::Refuse(refusal) => {
            let text = refusal.text.fill(|place| facts.fill(place));
            Verdict::Refuse(Reply::new(refusal.code, refusal.status, text).because(cause.clone()))
        }
    }
}

fn cause(rule: &Rule, facts: &Facts<'_>) -> Cause {
    let joined = |texts: Vec<String>| texts.join(" ");
    Cause {
        rule: format!("policy:{}", rule.line).into(),
        value: joined(rule.conditions.iter().map(|condition| met(&condition.test, facts)).collect()),
        limit: joined(rule.conditions.iter().map(|condition| condition.text.clone()).collect()),
    }
}
