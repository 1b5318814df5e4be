//! Takes one segment after the other through survey, copy and move.

use super::policy::{self, Seen, Surveyed};
use super::thread::{Order, Report};
use super::{Compaction, Stage};
use crate::state::Scheduler;
use farm::journal::ProgramEvent;
use proto::id::SpoolId;
use proto::place::Place;
use spool::{Copied, SpoolError, Survey};

/// Milliseconds between two surveys that lead to nothing.
const PACE: u64 = 200;

/// Records that the keeper is asked to copy at once; it may take fewer.
const RECORDS: usize = 1_000;

/// Milliseconds until compaction is tried again after a failure.
const PAUSE: u64 = 600_000;

/// Milliseconds after which a segment of copies to which nothing is added is left, so that it can go some day.
const REST: u64 = 3_600_000;

impl Scheduler {
    /// Takes note of what the keeper has done and gives it the next thing to do. `true` if there is more to do at once.
    ///
    /// To be called when nothing about the messages of this turn is still to be written down. While something is still to be
    /// carried out, which names places, nothing happens.
    ///
    /// # Errors
    /// No id can be drawn: the writer lease is lost.
    pub(crate) fn tend_keeper(&mut self) -> Result<bool, SpoolError> {
        if !self.queue.is_quiet() {
            return Ok(true);
        }
        let reports = self.keeper.thread.reports();
        let more = !reports.is_empty();
        for report in reports {
            match report {
                Report::Surveyed(segment, survey) => self.surveyed(segment, survey)?,
                Report::Copied(segment, copied, open) => {
                    if copied.is_err() {
                        self.keeper.spoil();
                    }
                    self.keeper.segment = open;
                    self.copied(segment, copied)?;
                }
                Report::Removed(segment, removed) => self.removed(segment, removed),
            }
        }
        if self.keeper.stage == Stage::Idle && self.keeper.next_at <= self.now.mono {
            self.keeper.next_at = self.now.mono + self.keeper.interval();
            if !self.keeper.emptied.is_empty() {
                self.remove_finished();
            }
            self.begin_survey();
            self.let_rest();
        }
        Ok(more)
    }

    /// Looks for a segment that may be worth it.
    fn begin_survey(&mut self) {
        let segments = self.settled_segments();
        let open = self.keeper.segment.is_some();
        let Some(segment) = policy::next(&segments, self.keeper.after, open) else { return };
        if self.unrouted.needs(segment) || self.notices.needs(segment) {
            return;
        }
        let Ok(kept) = self.spool.kept(segment) else { return };
        if self.keeper.thread.order(Order::Survey(kept)).is_ok() {
            self.keeper.stage = Stage::Surveying(segment);
        }
    }

    /// Segments that were taken over and of which the log knows every record.
    fn settled_segments(&self) -> Vec<Seen> {
        let settled = self.tracks.iter().filter_map(|(segment, track)| Some((segment, track.spent_end()?)));
        let settled = settled.filter(|&(segment, _)| !self.keeper.is_removing(segment));
        let seen = settled.map(|(segment, end)| Seen {
            segment,
            age: self.now.utc.saturating_sub(segment.milliseconds()),
            end,
            live: self.queue.live_in(segment),
            surveyed: self.keeper.surveyed.get(&segment).copied(),
        });
        seen.collect()
    }

    /// The keeper has looked into a segment.
    fn surveyed(&mut self, segment: SpoolId, survey: Result<Survey, SpoolError>) -> Result<(), SpoolError> {
        self.keeper.stage = Stage::Idle;
        self.keeper.next_at = self.keeper.next_at.min(self.now.mono + PACE);
        let survey = match survey {
            Ok(survey) => survey,
            Err(error) => {
                self.compaction_failed(segment, &error);
                return Ok(());
            }
        };
        let mut octets = 0;
        let mut left = Vec::new();
        for lying in &survey.records {
            let place = Place { segment, offset: lying.offset };
            if self.is_movable(lying.id, place) {
                octets += lying.size;
                left.push((lying.id, lying.offset));
            }
        }
        let (live, length) = (self.queue.live_in(segment), survey.length);
        let found = Surveyed { live, octets, length, damaged: left.is_empty() };
        self.keeper.surveyed.insert(segment, found);
        let gains = self.keeper.surveyed.values().map(Surveyed::gain);
        if found.gain() > 0 && policy::is_worth_it(gains, self.keeper.segment.is_some()) {
            let began = self.now.mono;
            let compaction =
                Compaction { segment, spare: segment, left, began, messages: 0, octets: 0, length };
            self.copy_next(compaction)?;
        }
        Ok(())
    }

    /// Has the next batch of a segment copied, or notes that it is emptied.
    fn copy_next(&mut self, mut compaction: Compaction) -> Result<(), SpoolError> {
        let segment = compaction.segment;
        let Ok(kept) = self.spool.kept(segment) else { return Ok(()) };
        if compaction.left.is_empty() {
            self.emptied(&compaction);
            return Ok(());
        }
        compaction.spare = self.spool.draw(self.now.utc)?;
        let records = compaction.left.iter().take(RECORDS).copied().collect();
        let (spare, now) = (compaction.spare, self.now.utc);
        if self.keeper.thread.order(Order::Copy { from: kept, records, spare, now }).is_ok() {
            self.keeper.stage = Stage::Copying(compaction);
        }
        Ok(())
    }

    /// A batch has been copied durably.
    fn copied(&mut self, segment: SpoolId, copied: Result<Copied, SpoolError>) -> Result<(), SpoolError> {
        let stage = std::mem::replace(&mut self.keeper.stage, Stage::Idle);
        let Stage::Copying(mut compaction) = stage else { return Ok(()) };
        let copied = match copied {
            Ok(copied) => copied,
            Err(error) => {
                self.compaction_failed(segment, &error);
                return Ok(());
            }
        };
        compaction.left.drain(..copied.dealt_with.min(compaction.left.len()));
        for damage in &copied.damage {
            self.note_damage(damage);
        }
        if !copied.damage.is_empty()
            && let Some(surveyed) = self.keeper.surveyed.get_mut(&segment)
        {
            surveyed.damaged = true;
        }
        if let Some(range) = copied.announced {
            self.tracks.own(range.segment, range.to);
            compaction.octets += range.to - range.from;
        }
        for (id, from, to) in copied.moved {
            compaction.messages += u64::from(self.move_message(id, from, to));
        }
        // A restart need not read the copies.
        self.write_cursors();
        self.keeper.copied_at = self.now.mono;
        self.copy_next(compaction)
    }

    /// Everything that was wanted of a segment lies elsewhere.
    fn emptied(&mut self, compaction: &Compaction) {
        let segment = compaction.segment;
        if self.keeper.surveyed.get(&segment).is_some_and(|surveyed| !surveyed.damaged) {
            self.keeper.surveyed.remove(&segment);
            self.keeper.emptied.insert(segment);
        }
        self.keeper.compacted += 1;
        self.keeper.next_at = self.now.mono;
        self.note_own(ProgramEvent::Compacted {
            segment,
            messages: compaction.messages,
            from: compaction.length,
            to: compaction.octets,
            time: self.now.mono.saturating_sub(compaction.began),
        });
    }

    fn compaction_failed(&mut self, segment: SpoolId, error: &SpoolError) {
        self.keeper.next_at = self.now.mono + PAUSE;
        self.note_failure("compact", &format!("segments/{segment}"), error, "tried again in 10m");
    }

    /// Leaves a segment of copies to which nothing was added for long.
    fn let_rest(&mut self) {
        let idle = self.keeper.stage == Stage::Idle && self.now.mono >= self.keeper.copied_at + REST;
        if idle && self.keeper.segment.take().is_some() {
            // Without the thread nothing is copied any more.
            let _gone = self.keeper.thread.order(Order::Rest);
        }
    }

    /// A segment is gone, or could not be removed.
    fn removed(&mut self, segment: SpoolId, removed: Result<(), SpoolError>) {
        self.keeper.leaving.remove(&segment);
        match removed {
            Ok(()) => {
                self.keeper.surveyed.remove(&segment);
                self.keeper.emptied.remove(&segment);
                self.keeper.spoiled.remove(&segment);
                self.gone(segment);
            }
            Err(error) => {
                self.note_failure("remove", &format!("segments/{segment}"), &error, "tried again in 60s");
                self.stays(segment);
            }
        }
    }
}
