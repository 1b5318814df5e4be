//! The optional words of log lines: what is special about a message or a recipient. A plain one has none of them.
//!
//! ```text
//! priority=5 by=R1764000300000 hold=1764000300000 success=1 told=1      behind the shape of a message that waits
//! notify=success,delay orcpt=rfc822;a@b.example                         behind a recipient
//! ```
//!
//! `by` is the mode (`R`, `N`), `T` if each hop reports, and the time. Their order is fixed.

use crate::words::{Words, decode, push};
use proto::terms::{ByMode, DeliverBy, Notify, RecipientTerms, Special};
use std::fmt::Write as _;

/// Prints the words about a message.
pub(super) fn print_special(line: &mut String, special: &Special) {
    if special.is_plain() {
        return;
    }
    // Writing to a String cannot fail.
    if special.priority != 0 {
        let _ = write!(line, " priority={}", special.priority);
    }
    if let Some(by) = special.deliver_by {
        let mode = if by.mode == ByMode::Return { "R" } else { "N" };
        let trace = if by.trace { "T" } else { "" };
        let _ = write!(line, " by={mode}{trace}{}", by.until);
    }
    if let Some(until) = special.hold_until {
        let _ = write!(line, " hold={until}");
    }
    for (word, set) in [(SUCCESS, special.success), (TOLD, special.told)] {
        if set {
            line.push(' ');
            line.push_str(word);
        }
    }
}

/// Reads them back. `None` if one makes no sense.
pub(super) fn special(words: &mut Words<'_>) -> Option<Special> {
    let priority = words.optional("priority").map_or(Some(0), |word| word.parse().ok())?;
    let deliver_by = words.optional("by").map(|word| deliver_by(word).ok_or(())).transpose().ok()?;
    let hold_until = words.optional("hold").map(str::parse).transpose().ok()?;
    Some(Special { priority, deliver_by, hold_until, success: words.skip(SUCCESS), told: words.skip(TOLD) })
}

const SUCCESS: &str = "success=1";
const TOLD: &str = "told=1";

fn deliver_by(word: &str) -> Option<DeliverBy> {
    let mode = if word.starts_with('R') { ByMode::Return } else { ByMode::Notify };
    let rest = word.strip_prefix(['R', 'N'])?;
    let until = rest.strip_prefix('T').unwrap_or(rest).parse().ok()?;
    Some(DeliverBy { until, mode, trace: rest.starts_with('T') })
}

/// Prints the words about a recipient.
pub(super) fn print_terms(line: &mut String, terms: &RecipientTerms) {
    if let Some(notify) = terms.notify {
        line.push_str(" notify=");
        line.push_str(&notify_word(notify));
    }
    print_orcpt(line, terms.orcpt.as_deref());
}

/// Prints the address that the sender gave.
pub(super) fn print_orcpt(line: &mut String, orcpt: Option<&str>) {
    if let Some(orcpt) = orcpt {
        let mut word = String::new();
        push(&mut word, orcpt);
        line.push_str(" orcpt=");
        line.push_str(word.strip_prefix(' ').unwrap_or(&word));
    }
}

/// Reads the words about a recipient. `None` if one makes no sense.
pub(super) fn terms(words: &mut Words<'_>) -> Option<RecipientTerms> {
    let notify = words.optional("notify").map(|word| notify(word).ok_or(())).transpose().ok()?;
    Some(RecipientTerms { notify, orcpt: orcpt(words)? })
}

/// Reads the address that the sender gave. `None` if it makes no sense.
pub(super) fn orcpt(words: &mut Words<'_>) -> Option<Option<String>> {
    words.optional("orcpt").map(|word| decode(word).ok_or(())).transpose().ok()
}

const EVENTS: [&str; 3] = ["success", "failure", "delay"];

fn notify_word(notify: Notify) -> String {
    let set = [notify.success, notify.failure, notify.delay];
    let words: Vec<&str> =
        EVENTS.into_iter().zip(set).filter(|(_, set)| *set).map(|(word, _)| word).collect();
    if words.is_empty() { "never".to_owned() } else { words.join(",") }
}

fn notify(word: &str) -> Option<Notify> {
    if word == "never" {
        return Some(Notify::NEVER);
    }
    let known = word.split(',').all(|word| EVENTS.contains(&word));
    let [success, failure, delay] = EVENTS.map(|event| word.split(',').any(|word| word == event));
    known.then_some(Notify { success, failure, delay })
}
