//! What the spool has about the message that a notice is about, and how much of it goes back.
//!
//! All of it goes back if the sender asked for that (RET=FULL), somebody has failed, it is not too long, and it can stand
//! in a message as it is; otherwise its header section (RFC 3461 section 4.3). What had to be sent with REQUIRETLS goes
//! back as headers only (RFC 8689 section 5).

use super::compose::Cause;
use crate::log::Decided;
use crate::state::Scheduler;
use proto::disposition::Outcome;
use proto::dsn::Original;
use proto::place::Place;
use proto::terms::{Ret, Terms};
use spool::{Entry, Spool, SpoolError};
use std::io;

/// Octets of a header section that are read; a notice copies no more.
const HEADERS: u64 = 64 << 10;

/// Octets of a line, without its end, beyond which a content cannot stand in a message (RFC 5321 section 4.5.3.1.6).
const LINE: u32 = 998;

/// Why a notice goes without what it is about.
#[derive(Debug, thiserror::Error)]
enum Unread {
    /// The record.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The content.
    #[error(transparent)]
    Content(#[from] io::Error),
}

impl Scheduler {
    /// What is there about the message; if it cannot be read, the sender is told without it.
    pub(super) fn cause(&mut self, decided: &Decided) -> Cause {
        let place = decided.cause;
        let entry = match self.records.get(&mut self.spool, place) {
            Ok(entry) => entry,
            Err(error) => {
                log::error!("a notice without headers: {error}");
                return Cause {
                    id: place.segment,
                    received: place.segment.milliseconds(),
                    original: Original::Headers(Vec::new()),
                    terms: Terms::default(),
                };
            }
        };
        let original = if self.goes_back(&entry, decided) {
            self.octets(place, entry.envelope.shape.size).map(Original::Full)
        } else {
            self.octets(place, entry.envelope.shape.header.min(HEADERS)).map(Original::Headers)
        };
        let original = original.unwrap_or_else(|error| {
            log::error!("a notice without headers: {error}");
            Original::Headers(Vec::new())
        });
        Cause {
            id: entry.id,
            received: entry.envelope.received,
            original,
            terms: entry.envelope.terms.clone(),
        }
    }

    /// All of the message goes back.
    fn goes_back(&self, entry: &Entry, decided: &Decided) -> bool {
        let (terms, shape) = (&entry.envelope.terms, &entry.envelope.shape);
        let failed =
            decided.recipients.iter().any(|reported| reported.disposition.outcome == Outcome::Failed);
        let asked = terms.ret == Some(Ret::Full) && !terms.require_tls && failed;
        asked && shape.size <= self.notice_content && !shape.binary && shape.longest_line <= LINE
    }

    fn octets(&mut self, place: Place, length: u64) -> Result<Vec<u8>, Unread> {
        Ok(self.spool.open(place)?.read(length)?)
    }
}
