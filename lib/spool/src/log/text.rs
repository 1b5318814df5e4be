//! Log records as lines of words.
//!
//! ```text
//! Cursor 01J8X4K2M7Q3RD0007 40960
//! Waiting <segment> <offset> <id> <from> <received> size=… header=… longest=… eight=… dot=… N {index address channel host user attempts why}
//! Thread smtp slow.example 1764000300000 3 421%20try%20later
//! Done <segment> <offset> 0 4 7
//! Notice <id> <segment> <offset> failed <to> N {index address outcome status reply remote}
//! Noticed <id>
//! Held <segment> <offset> why
//! Released <segment> <offset>
//! Removed <segment>
//! Moved <segment> <offset> <segment> <offset>
//! Warned 14400000 01J8X4K2M7Q3RD0042
//! ```
//!
//! What is special about a message that waits, or about a recipient, stands in further words: see `special.rs`.
//! A recipient without a route has `%` (the empty word) as its channel, host and user.

use super::record::{LogRecord, Reason, Reported, Waiting, WaitingRecipient};
use super::special::{orcpt, print_orcpt, special, terms};
use super::waiting::{Part, WaitingHead};
use crate::sheet::shape;
use crate::words::{Words, push};
use proto::disposition::{Disposition, Outcome, Reach};
use proto::envelope::Route;
use proto::place::Place;
use std::fmt::{self, Write as _};

impl fmt::Display for LogRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cursor { segment, offset } => write!(f, "Cursor {segment} {offset}"),
            Self::Waiting(waiting) => f.write_str(&print_waiting(waiting)),
            Self::Thread { channel, host, retry_at, attempts, why } => {
                let mut line = String::from("Thread");
                push(&mut line, channel);
                push(&mut line, host);
                write!(line, " {retry_at} {attempts}")?;
                push(&mut line, why);
                f.write_str(&line)
            }
            Self::Done { place, recipients } => {
                write!(f, "Done {} {}", place.segment, place.offset)?;
                recipients.iter().try_for_each(|index| write!(f, " {index}"))
            }
            Self::Notice { id, cause, reason, to, recipients } => {
                let mut line = format!("Notice {id} {} {} {}", cause.segment, cause.offset, reason.word());
                push(&mut line, &to.to_string());
                write!(line, " {}", recipients.len())?;
                recipients.iter().for_each(|reported| print_reported(&mut line, reported));
                f.write_str(&line)
            }
            Self::Noticed { id } => write!(f, "Noticed {id}"),
            Self::Held { place, why } => {
                let mut line = format!("Held {} {}", place.segment, place.offset);
                push(&mut line, why);
                f.write_str(&line)
            }
            Self::Released { place } => write!(f, "Released {} {}", place.segment, place.offset),
            Self::Warned { after, up_to } => write!(f, "Warned {after} {up_to}"),
            Self::Removed { segment } => write!(f, "Removed {segment}"),
            Self::Moved { from, to } => {
                write!(f, "Moved {} {} {} {}", from.segment, from.offset, to.segment, to.offset)
            }
        }
    }
}

fn print_waiting(waiting: &Waiting) -> String {
    let &Waiting { place, id, ref from, received, shape, special, ref recipients } = waiting;
    let head = WaitingHead { place, id, from: from.clone(), received, shape, special };
    let parts: Vec<Part<'_>> = recipients.iter().map(as_part).collect();
    head.print(&parts)
}

fn as_part(recipient: &WaitingRecipient) -> Part<'_> {
    let route = recipient.route.as_ref();
    Part {
        index: recipient.index,
        address: recipient.address.to_string().into(),
        channel: route.map_or("", |route| &route.channel).into(),
        host: route.map_or("", |route| &route.host).into(),
        user: route.map_or("", |route| &route.user).into(),
        attempts: recipient.attempts,
        why: recipient.why.as_str().into(),
        terms: recipient.terms.clone(),
    }
}

fn print_reported(line: &mut String, reported: &Reported) {
    // Writing to a String cannot fail.
    let _ = write!(line, " {}", reported.index);
    push(line, &reported.address.to_string());
    let disposition = &reported.disposition;
    let _ = write!(line, " {} {}", outcome_word(disposition), disposition.status);
    push(line, &disposition.reply);
    push(line, &disposition.remote);
    print_orcpt(line, reported.orcpt.as_deref());
    if let Some(until) = reported.until {
        let _ = write!(line, " until={until}");
    }
}

/// Reads a line. `None` if it is not one of this version's.
pub(super) fn parse(line: &str) -> Option<LogRecord> {
    let mut words = Words::new(line);
    let record = match words.raw()? {
        "Cursor" => LogRecord::Cursor { segment: words.parse()?, offset: words.parse()? },
        "Waiting" => LogRecord::Waiting(Box::new(waiting(&mut words)?)),
        "Thread" => LogRecord::Thread {
            channel: words.text()?,
            host: words.text()?,
            retry_at: words.parse()?,
            attempts: words.parse()?,
            why: words.text()?,
        },
        "Done" => return done(words),
        "Notice" => notice(&mut words)?,
        "Noticed" => LogRecord::Noticed { id: words.parse()? },
        "Held" => LogRecord::Held { place: place(&mut words)?, why: words.text()? },
        "Released" => LogRecord::Released { place: place(&mut words)? },
        "Warned" => LogRecord::Warned { after: words.parse()?, up_to: words.parse()? },
        "Removed" => LogRecord::Removed { segment: words.parse()? },
        "Moved" => LogRecord::Moved { from: place(&mut words)?, to: place(&mut words)? },
        _ => return None,
    };
    words.end()?;
    Some(record)
}

fn place(words: &mut Words<'_>) -> Option<Place> {
    Some(Place { segment: words.parse()?, offset: words.parse()? })
}

fn done(mut words: Words<'_>) -> Option<LogRecord> {
    let place = place(&mut words)?;
    let mut recipients = Vec::new();
    while let Some(index) = words.raw() {
        recipients.push(index.parse().ok()?);
    }
    Some(LogRecord::Done { place, recipients })
}

fn waiting(words: &mut Words<'_>) -> Option<Waiting> {
    Some(Waiting {
        place: place(words)?,
        id: words.parse()?,
        from: words.reverse_path()?,
        received: words.parse()?,
        shape: shape(words)?,
        special: special(words)?,
        recipients: counted(words, waiting_recipient)?,
    })
}

fn waiting_recipient(words: &mut Words<'_>) -> Option<WaitingRecipient> {
    let (index, address) = (words.parse()?, words.parse_text()?);
    let route = Route { channel: words.text()?, host: words.text()?, user: words.text()? };
    let route = (!route.channel.is_empty()).then_some(route);
    let (attempts, why) = (words.parse()?, words.text()?);
    Some(WaitingRecipient { index, address, route, attempts, why, terms: terms(words)? })
}

fn notice(words: &mut Words<'_>) -> Option<LogRecord> {
    Some(LogRecord::Notice {
        id: words.parse()?,
        cause: place(words)?,
        reason: Reason::from_word(words.raw()?)?,
        to: words.reverse_path()?,
        recipients: counted(words, reported)?,
    })
}

fn reported(words: &mut Words<'_>) -> Option<Reported> {
    let (index, address) = (words.parse()?, words.parse_text()?);
    let ((outcome, reach), status) = (outcome(words.raw()?)?, words.parse()?);
    let disposition = Disposition::local(outcome, status, words.text()?);
    let disposition = Disposition { remote: words.text()?, reach, ..disposition };
    let orcpt = orcpt(words)?;
    let until = words.optional("until").map(str::parse).transpose().ok()?;
    Some(Reported { index, address, disposition, orcpt, until })
}

/// Reads a number, then so many groups.
fn counted<T>(words: &mut Words<'_>, group: fn(&mut Words<'_>) -> Option<T>) -> Option<Vec<T>> {
    let count: u32 = words.parse()?;
    (0..count).map(|_| group(words)).collect()
}

impl Reason {
    fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        let all = [Self::Failed, Self::Expired, Self::Delayed, Self::Delivered];
        all.into_iter().find(|reason| reason.word() == word)
    }
}

fn outcome_word(disposition: &Disposition) -> &'static str {
    match (disposition.outcome, disposition.reach) {
        (Outcome::Delivered, Reach::Mailbox) => "delivered",
        (Outcome::Delivered, Reach::Onward | Reach::Untimed | Reach::Blind) => "relayed",
        (Outcome::Delivered, Reach::Expanded) => "expanded",
        (Outcome::Deferred, _) => "deferred",
        (Outcome::HostDeferred, _) => "host-deferred",
        (Outcome::Failed, _) => "failed",
    }
}

/// What happened, and how far it got.
fn outcome(word: &str) -> Option<(Outcome, Reach)> {
    Some(match word {
        "delivered" => (Outcome::Delivered, Reach::Mailbox),
        "relayed" => (Outcome::Delivered, Reach::Blind),
        "expanded" => (Outcome::Delivered, Reach::Expanded),
        "deferred" => (Outcome::Deferred, Reach::Mailbox),
        "host-deferred" => (Outcome::HostDeferred, Reach::Mailbox),
        "failed" => (Outcome::Failed, Reach::Mailbox),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
