//! Why something is refused, for the operator: it stands in the journal and is never sent.

use std::borrow::Cow;

/// The rule by which something is refused, the value that the rule met, and the limit that the value passed.
///
/// A rule is a word or a few joined with `-` (`message-size`, `relay`), or a place in a table (`policy:12`). Value and
/// limit are empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cause {
    /// The rule.
    pub rule: Cow<'static, str>,
    /// What it was applied to.
    pub value: String,
    /// What would have been allowed.
    pub limit: String,
}

impl Cause {
    /// A cause without value and limit.
    pub fn of(rule: impl Into<Cow<'static, str>>) -> Self {
        Self { rule: rule.into(), ..Self::default() }
    }

    /// A value that is not the right one, where there is no limit to speak of.
    pub fn met(rule: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        Self { rule: rule.into(), value: value.into(), limit: String::new() }
    }

    /// A value beyond a limit.
    pub fn beyond(
        rule: impl Into<Cow<'static, str>>,
        value: impl std::fmt::Display,
        limit: impl std::fmt::Display,
    ) -> Self {
        Self { rule: rule.into(), value: value.to_string(), limit: limit.to_string() }
    }
}
