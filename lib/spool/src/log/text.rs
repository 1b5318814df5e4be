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
//! ```
//!
//! A recipient without a route has `%` (the empty word) as its channel, host and user.

use super::record::{LogRecord, Reason, Reported, Waiting, WaitingRecipient};
use super::waiting::{Part, WaitingHead};
use crate::sheet::shape;
use crate::words::{Words, push};
use proto::disposition::{Disposition, Outcome};
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
            Self::Removed { segment } => write!(f, "Removed {segment}"),
            Self::Moved { from, to } => {
                write!(f, "Moved {} {} {} {}", from.segment, from.offset, to.segment, to.offset)
            }
        }
    }
}

fn print_waiting(waiting: &Waiting) -> String {
    let &Waiting { place, id, ref from, received, shape, ref recipients } = waiting;
    let head = WaitingHead { place, id, from: from.clone(), received, shape };
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
    }
}

fn print_reported(line: &mut String, reported: &Reported) {
    // Writing to a String cannot fail.
    let _ = write!(line, " {}", reported.index);
    push(line, &reported.address.to_string());
    let disposition = &reported.disposition;
    let _ = write!(line, " {} {}", outcome_word(disposition.outcome), disposition.status);
    push(line, &disposition.reply);
    push(line, &disposition.remote);
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
        recipients: counted(words, waiting_recipient)?,
    })
}

fn waiting_recipient(words: &mut Words<'_>) -> Option<WaitingRecipient> {
    let (index, address) = (words.parse()?, words.parse_text()?);
    let route = Route { channel: words.text()?, host: words.text()?, user: words.text()? };
    let route = (!route.channel.is_empty()).then_some(route);
    Some(WaitingRecipient { index, address, route, attempts: words.parse()?, why: words.text()? })
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
    let (outcome, status) = (outcome(words.raw()?)?, words.parse()?);
    let disposition = Disposition { outcome, status, reply: words.text()?, remote: words.text()? };
    Some(Reported { index, address, disposition })
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
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Failed, Self::Expired, Self::Delayed].into_iter().find(|reason| reason.word() == word)
    }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Deferred => "deferred",
        Outcome::HostDeferred => "host-deferred",
        Outcome::Failed => "failed",
    }
}

fn outcome(word: &str) -> Option<Outcome> {
    use Outcome::{Deferred, Delivered, Failed, HostDeferred};
    [Delivered, Deferred, HostDeferred, Failed].into_iter().find(|outcome| outcome_word(*outcome) == word)
}

#[cfg(test)]
mod tests {
    use super::super::waiting::WaitingLine;
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proto::address::ReversePath;
    use proto::envelope::Shape;
    use proto::id::SpoolId;
    use proto::status::Status;

    fn id() -> impl Strategy<Value = SpoolId> {
        (0_u128..1 << 90).prop_map(|number| SpoolId::try_from(number).unwrap())
    }

    fn place() -> impl Strategy<Value = Place> {
        (id(), any::<u64>()).prop_map(|(segment, offset)| Place { segment, offset })
    }

    fn path() -> impl Strategy<Value = ReversePath> {
        prop_oneof![
            Just(ReversePath::Null),
            Just(ReversePath::Mailbox("\"a b\"@example.org".parse().unwrap()))
        ]
    }

    fn waiting() -> impl Strategy<Value = LogRecord> {
        let route = proptest::option::of(("[a-z%]+", any::<String>(), any::<String>()));
        let recipient = (any::<u32>(), route, any::<u32>(), any::<String>());
        (place(), id(), path(), any::<(u64, u64, u32, bool)>(), vec(recipient, 0..4)).prop_map(
            |(place, id, from, (received, size, longest_line, flag), recipients)| {
                let recipients =
                    recipients.into_iter().map(|(index, route, attempts, why)| WaitingRecipient {
                        index,
                        address: "c@d.example".parse().unwrap(),
                        route: route.map(|(channel, host, user)| Route { channel, host, user }),
                        attempts,
                        why,
                    });
                let shape = Shape {
                    size,
                    header: size / 2,
                    longest_line,
                    eight_bit: flag,
                    leading_dot: !flag,
                    utf8_header: flag,
                    binary: flag,
                };
                let recipients = recipients.collect();
                LogRecord::Waiting(Box::new(Waiting { place, id, from, received, shape, recipients }))
            },
        )
    }

    fn notice() -> impl Strategy<Value = LogRecord> {
        let outcomes = [Outcome::Delivered, Outcome::Deferred, Outcome::HostDeferred, Outcome::Failed];
        let reasons = [Reason::Failed, Reason::Expired, Reason::Delayed];
        let reported = (any::<u32>(), 0..4_usize, any::<(String, String)>());
        (id(), place(), path(), 0..3_usize, vec(reported, 0..4)).prop_map(
            move |(id, cause, to, reason, recipients)| {
                let recipients = recipients.into_iter().map(|(index, outcome, (reply, remote))| Reported {
                    index,
                    address: "c@d.example".parse().unwrap(),
                    disposition: Disposition {
                        outcome: outcomes[outcome],
                        status: Status::permanent(1, 1),
                        reply,
                        remote,
                    },
                });
                let recipients = recipients.collect();
                LogRecord::Notice { id, cause, reason: reasons[reason], to, recipients }
            },
        )
    }

    fn record() -> impl Strategy<Value = LogRecord> {
        let thread = any::<(String, String, u64, u32, String)>().prop_map(
            |(channel, host, retry_at, attempts, why)| LogRecord::Thread {
                channel,
                host,
                retry_at,
                attempts,
                why,
            },
        );
        prop_oneof![
            place().prop_map(|place| LogRecord::Cursor { segment: place.segment, offset: place.offset }),
            waiting(),
            thread,
            (place(), vec(any::<u32>(), 0..5))
                .prop_map(|(place, recipients)| LogRecord::Done { place, recipients }),
            notice(),
            id().prop_map(|id| LogRecord::Noticed { id }),
            (place(), any::<String>()).prop_map(|(place, why)| LogRecord::Held { place, why }),
            place().prop_map(|place| LogRecord::Released { place }),
            id().prop_map(|segment| LogRecord::Removed { segment }),
            (place(), place()).prop_map(|(from, to)| LogRecord::Moved { from, to }),
        ]
    }

    proptest! {
        #[test]
        fn printing_then_parsing_is_the_identity(record in record()) {
            let line = record.to_string();
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(parse(&line), Some(record));
        }

        #[test]
        fn a_line_read_in_place_says_what_its_record_says(record in waiting()) {
            let line = record.to_string();
            let LogRecord::Waiting(record) = record else { unreachable!() };
            let begun = || WaitingLine::begin(line.strip_prefix("Waiting ").unwrap()).unwrap();
            prop_assert_eq!((begun().place, begun().id), (record.place, record.id));
            let (mut some, mut all) = (Vec::new(), Vec::new());
            let told = begun().read(|part| some.push(part));
            prop_assert_eq!(told, Some((record.from != ReversePath::Null, record.received)));
            let head = begun().read_all(|part| all.push(part)).unwrap();
            prop_assert_eq!(&some, &all);
            prop_assert_eq!(head.print(&all), line.clone());
            let longer = format!("{line} x");
            let longer = WaitingLine::begin(longer.strip_prefix("Waiting ").unwrap()).unwrap();
            prop_assert_eq!(longer.read(drop), None);
        }

        #[test]
        fn a_line_with_one_word_more_or_less_is_another_line_or_none(record in record()) {
            let line = record.to_string();
            prop_assert_ne!(parse(&format!("{line} x")), Some(record.clone()));
            prop_assert_ne!(parse(line.rsplit_once(' ').unwrap().0), Some(record));
        }
    }
}
