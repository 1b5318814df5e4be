//! The part of a notice that people read: short, in English, with the cure or what happens next.

use super::{Action, Notice, NoticeRecipient, names};
use crate::message::date;
use std::fmt::Write as _;

/// The subject of a notice whose gravest action is `action`.
pub(super) fn subject(action: Action) -> &'static str {
    match action {
        Action::Failed => "Undelivered mail: your message could not be delivered",
        Action::Delayed => "Delayed mail: your message is not delivered yet",
        Action::Delivered => "Delivered mail: your message has arrived",
        Action::Relayed => "Relayed mail: your message was passed on",
        Action::Expanded => "Expanded mail: your message was passed on to several recipients",
    }
}

/// The text: who writes, what happened in one paragraph, then each recipient with what was said about it.
pub(super) fn text(notice: &Notice) -> String {
    let mut text = String::new();
    line(
        &mut text,
        "",
        &format!("This is the mail system at {}.", names::shown(&notice.reporting_mta, false)),
    );
    text.push_str("\r\n");
    let gravest = notice.gravest();
    let mixed = gravest == Action::Failed && notice.recipients.iter().any(|r| r.action == Action::Delayed);
    let others = if mixed { " Those marked delayed will be tried again." } else { "" };
    line(&mut text, "", &format!("{} {}{others}", arrived(notice), explanation(notice, gravest)));
    for recipient in &notice.recipients {
        text.push_str("\r\n");
        describe(&mut text, recipient, notice.utf8);
    }
    text.push_str("\r\n");
    line(&mut text, "", &format!("Please give this number when you ask about it: {}", notice.about));
    text
}

fn arrived(notice: &Notice) -> String {
    format!("Your message arrived here on {}.", date(notice.arrival_date))
}

fn explanation(notice: &Notice, action: Action) -> String {
    match action {
        Action::Failed => format!(
            "It could not be delivered to the recipients below, and will not be tried again. {} is attached.",
            notice.original.name()
        ),
        Action::Delayed => "It has not yet been delivered to the recipients below. It will be tried again; \
             you need not do anything."
            .to_owned(),
        Action::Delivered => "It was delivered as you asked to be told.".to_owned(),
        Action::Relayed => {
            "It was passed on for the recipients below marked relayed, to a system that does not promise to \
             report. You may hear no more of it."
                .to_owned()
        }
        Action::Expanded => "The recipients below marked expanded stand for several others, to whom it was \
             passed on. You will hear no more of it unless it fails."
            .to_owned(),
    }
}

fn describe(text: &mut String, recipient: &NoticeRecipient, utf8: bool) {
    let address = names::address(&recipient.final_recipient, utf8);
    line(text, "", &format!("<{address}>: {}", recipient.action));
    if !recipient.diagnostic.is_empty() {
        let who =
            if recipient.is_quoted() { format!("{} said: ", recipient.remote_mta) } else { String::new() };
        line(text, "    ", &names::shown(&format!("{who}{}", recipient.diagnostic), utf8));
    }
    if let (Action::Delayed, Some(until)) = (recipient.action, recipient.will_retry_until) {
        line(text, "    ", &format!("It will be tried until {}.", date(until)));
    }
}

/// Writes `words`, in which nothing can end a line, wrapped at 76 columns, each line behind `indent`; a longer word is broken at 900.
fn line(text: &mut String, indent: &str, words: &str) {
    let mut column = 0;
    for word in words.split_whitespace().flat_map(pieces) {
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

/// Breaks a word into pieces that fit on a line.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(LONGEST_WORD));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

const WIDTH: usize = 76;
const LONGEST_WORD: usize = 900;
