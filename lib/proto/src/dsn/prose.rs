//! The part of a notice that people read: short, in English, with the cure or what happens next.

use super::{Action, Notice, NoticeRecipient};
use crate::message::{date, printable};
use std::fmt::Write as _;

/// The subject of a notice whose gravest action is `action`.
pub(super) fn subject(action: Action) -> &'static str {
    match action {
        Action::Failed => "Undelivered mail: your message could not be delivered",
        Action::Delayed => "Delayed mail: your message is not delivered yet",
        Action::Delivered | Action::Relayed | Action::Expanded => "Delivered mail: your message has arrived",
    }
}

/// The text: who writes, what happened in one paragraph, then each recipient with what was said about it.
pub(super) fn text(notice: &Notice) -> String {
    let mut text = String::new();
    line(&mut text, "", &format!("This is the mail system at {}.", printable(&notice.reporting_mta)));
    text.push_str("\r\n");
    let gravest = notice.gravest();
    let mixed = gravest == Action::Failed && notice.recipients.iter().any(|r| r.action == Action::Delayed);
    let others = if mixed { " Those marked delayed will be tried again." } else { "" };
    line(&mut text, "", &format!("{} {}{others}", arrived(notice), explanation(gravest)));
    for recipient in &notice.recipients {
        text.push_str("\r\n");
        describe(&mut text, recipient);
    }
    text.push_str("\r\n");
    line(&mut text, "", &format!("Please give this number when you ask about it: {}", notice.about));
    text
}

fn arrived(notice: &Notice) -> String {
    format!("Your message arrived here on {}.", date(notice.arrival_date))
}

fn explanation(action: Action) -> &'static str {
    match action {
        Action::Failed => {
            "It could not be delivered to the recipients below, and will not be tried again. \
             The header of your message is attached."
        }
        Action::Delayed => {
            "It has not yet been delivered to the recipients below. It will be tried again; \
             you need not do anything."
        }
        Action::Delivered | Action::Relayed | Action::Expanded => "It was delivered as you asked to be told.",
    }
}

fn describe(text: &mut String, recipient: &NoticeRecipient) {
    line(text, "", &format!("<{}>: {}", recipient.final_recipient, recipient.action));
    if !recipient.diagnostic.is_empty() {
        let who =
            if recipient.is_quoted() { format!("{} said: ", recipient.remote_mta) } else { String::new() };
        line(text, "    ", &format!("{who}{}", recipient.diagnostic));
    }
    if let (Action::Delayed, Some(until)) = (recipient.action, recipient.will_retry_until) {
        line(text, "    ", &format!("It will be tried until {}.", date(until)));
    }
}

/// Writes `words` wrapped at 76 columns, each line behind `indent`; a longer word is broken at 900.
fn line(text: &mut String, indent: &str, words: &str) {
    let mut column = 0;
    for word in printable(words).split_whitespace().flat_map(pieces) {
        let wraps = column == 0 || column + 1 + word.len() > WIDTH;
        if column > 0 {
            text.push_str(if wraps { "\r\n" } else { " " });
        }
        let before = if wraps { indent } else { "" };
        let _ = write!(text, "{before}{word}");
        column = if wraps { indent.len() } else { column + 1 } + word.len();
    }
    text.push_str("\r\n");
}

/// Breaks an ASCII word into pieces that fit on a line.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(rest.len().min(LONGEST_WORD));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

const WIDTH: usize = 76;
const LONGEST_WORD: usize = 900;
