//! How far each segment is read, and which of its records are not dealt with yet.
//!
//! A record is *loose* from the moment it is read until it is finished or stands in the log as waiting. The cursor that
//! goes into the log, [`Track::cursor`], is the first loose record, so that a restart reads again exactly what nothing
//! else remembers. Finished records behind a loose one are kept in mind for the next checkpoint.

use crate::log::Mark;
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// The first octet at which a segment can have a record; see spool(5).
pub(super) const FIRST: u64 = 4096;

/// Announced ends kept for one segment; of more the greatest go.
const ENDS: usize = 64;

/// One segment.
#[derive(Debug)]
pub(crate) struct Track {
    /// Read up to here.
    pub(super) read: u64,
    /// Its writer is dead or has closed it, and we have taken it over: this end is final.
    released: Option<u64>,
    /// Ends that were announced while its writer lives, beyond what is read. Any of them may be forged, therefore they
    /// are tried in ascending order.
    announced: BTreeSet<u64>,
    /// Not to be read or removed before this time (monotonic milliseconds), because that failed.
    pub(super) not_before: u64,
    loose: BTreeSet<u64>,
    finished: BTreeSet<u64>,
    /// The cursor that the log knows.
    logged: u64,
    /// It can go as soon as the log is durable up to here.
    pub(super) gone_at: Option<Mark>,
    /// Loose records before this offset were loose at the last sweep, too.
    swept: u64,
}

/// All segments that are known.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    segments: BTreeMap<SpoolId, Track>,
    /// How often the number of entries that are read per turn is halved for now.
    pub(super) slowness: u32,
}

impl Track {
    fn new(cursor: u64) -> Self {
        let cursor = cursor.max(FIRST);
        Self {
            read: cursor,
            released: None,
            announced: BTreeSet::new(),
            not_before: 0,
            loose: BTreeSet::new(),
            finished: BTreeSet::new(),
            logged: 0,
            gone_at: None,
            swept: cursor,
        }
    }

    /// Where a restart has to begin reading.
    pub(crate) fn cursor(&self) -> u64 {
        self.loose.first().copied().unwrap_or(self.read)
    }

    /// Every record in it is dealt with as far as the log is concerned, and there will be no others.
    pub(super) fn is_spent(&self) -> bool {
        self.is_released() && self.is_read() && self.loose.is_empty()
    }

    /// Where it ends, if it is spent.
    pub(crate) fn spent_end(&self) -> Option<u64> {
        self.released.filter(|_| self.is_spent())
    }

    /// Everything that was read is finished or stands in the log.
    #[cfg(test)]
    pub(crate) fn is_dealt_with(&self) -> bool {
        self.loose.is_empty()
    }

    /// It was taken over.
    pub(super) fn is_released(&self) -> bool {
        self.released.is_some()
    }

    /// Everything announced has been read.
    pub(crate) fn is_read(&self) -> bool {
        self.end().is_none()
    }

    /// Where to read to next.
    pub(super) fn end(&self) -> Option<u64> {
        match self.released {
            Some(end) => Some(end).filter(|end| *end > self.read),
            None => self.announced.first().copied(),
        }
    }

    /// A hint names this end.
    pub(super) fn announce(&mut self, end: u64) {
        if self.released.is_none() && end > self.read {
            self.announced.insert(end);
            if self.announced.len() > ENDS {
                self.announced.pop_last();
            }
        }
    }

    /// It was taken over and ends here.
    pub(super) fn release(&mut self, end: u64) {
        (self.released, self.not_before) = (Some(end), 0);
        self.announced.clear();
    }

    /// What was announced up to `to` has been read; the last record in it ends at `next`, if there was one.
    pub(super) fn advance(&mut self, to: u64, next: Option<u64>, whole: bool) {
        // Where the writer lives, nothing is passed over but records: a forged end may lie beyond the true one.
        let next = if self.released.is_some() && whole { Some(to) } else { next };
        self.read = self.read.max(next.unwrap_or(0));
        let read = self.read;
        self.announced.retain(|&end| end > read && (!whole || end > to));
    }

    /// This announced end does not hold.
    pub(super) fn disbelieve(&mut self, end: u64) {
        self.announced.remove(&end);
    }

    fn prune(&mut self) {
        let cursor = self.cursor();
        while self.finished.first().is_some_and(|&offset| offset < cursor) {
            self.finished.pop_first();
        }
    }
}

impl Tracks {
    /// A segment that the log remembers, or that was heard of.
    pub(crate) fn open(&mut self, segment: SpoolId, cursor: u64) -> &mut Track {
        self.segments.entry(segment).or_insert_with(|| Track::new(cursor))
    }

    /// One segment.
    pub(crate) fn get(&self, segment: SpoolId) -> Option<&Track> {
        self.segments.get(&segment)
    }

    /// One segment.
    pub(super) fn get_mut(&mut self, segment: SpoolId) -> Option<&mut Track> {
        self.segments.get_mut(&segment)
    }

    /// All segments, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SpoolId, &Track)> {
        self.segments.iter().map(|(&segment, track)| (segment, track))
    }

    /// The segment is gone.
    pub(super) fn forget(&mut self, segment: SpoolId) {
        self.segments.remove(&segment);
    }

    /// How far each segment is read.
    pub(super) fn positions(&self) -> BTreeMap<SpoolId, u64> {
        self.iter().map(|(segment, track)| (segment, track.read)).collect()
    }

    /// Segments with something to read now. Those whose writers live come first: new mail does not wait for what was left
    /// behind.
    pub(super) fn readable(&self, mono: u64) -> Vec<SpoolId> {
        let readable = self.iter().filter(|(_, track)| !track.is_read() && track.not_before <= mono);
        let mut readable: Vec<_> = readable.map(|(id, track)| (track.is_released(), id)).collect();
        readable.sort_unstable();
        readable.into_iter().map(|(_, segment)| segment).collect()
    }

    /// We have written in this segment up to here, and know what: there is nothing to read.
    pub(crate) fn own(&mut self, segment: SpoolId, end: u64) {
        let track = self.open(segment, FIRST);
        track.read = track.read.max(end);
    }

    /// A record was read and is not dealt with yet.
    pub(super) fn loosen(&mut self, place: Place) {
        self.open(place.segment, place.offset).loose.insert(place.offset);
    }

    /// Nothing but its segment remembers this record.
    pub(crate) fn is_loose(&self, place: Place) -> bool {
        self.get(place.segment).is_some_and(|track| track.loose.contains(&place.offset))
    }

    /// The log speaks for this record from now on.
    pub(crate) fn logged(&mut self, place: Place) {
        if let Some(track) = self.segments.get_mut(&place.segment) {
            track.loose.remove(&place.offset);
            track.prune();
        }
    }

    /// Nothing is left to do for this record.
    pub(crate) fn finished(&mut self, place: Place) {
        if let Some(track) = self.segments.get_mut(&place.segment) {
            track.loose.remove(&place.offset);
            track.finished.insert(place.offset);
            track.prune();
        }
    }

    /// Finished records at or behind the cursors of their segments, after a place.
    pub(crate) fn finished_after(&self, after: Option<Place>) -> impl Iterator<Item = Place> {
        let begin = after.map_or(Bound::Unbounded, |after| Bound::Included(after.segment));
        self.segments.range((begin, Bound::Unbounded)).flat_map(move |(&segment, track)| {
            let begin = after.filter(|after| after.segment == segment);
            let begin = begin.map_or(Bound::Unbounded, |after| Bound::Excluded(after.offset));
            track.finished.range((begin, Bound::Unbounded)).map(move |&offset| Place { segment, offset })
        })
    }

    /// Cursors that have moved since they were asked for last.
    pub(crate) fn moved(&mut self) -> Vec<(SpoolId, u64)> {
        let mut moved = Vec::new();
        for (&segment, track) in &mut self.segments {
            let cursor = track.cursor();
            if cursor != track.logged {
                track.logged = cursor;
                moved.push((segment, cursor));
            }
        }
        moved
    }

    /// Records that were loose at the last call already.
    pub(super) fn stale(&mut self) -> Vec<Place> {
        let mut stale = Vec::new();
        for (&segment, track) in &mut self.segments {
            stale.extend(track.loose.range(..track.swept).map(|&offset| Place { segment, offset }));
            track.swept = track.read;
        }
        stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(offset: u64) -> Place {
        Place { segment: SpoolId::new(1, 2, 3, 4), offset }
    }

    fn tracks() -> Tracks {
        let mut tracks = Tracks::default();
        for offset in [4096, 5000, 6000] {
            tracks.loosen(place(offset));
        }
        tracks.open(place(0).segment, 0).read = 7000;
        tracks
    }

    #[test]
    fn the_cursor_stands_at_the_first_loose_record() {
        let mut tracks = tracks();
        let segment = place(0).segment;
        assert_eq!(tracks.moved(), [(segment, 4096)]);
        tracks.finished(place(5000));
        assert_eq!(tracks.moved(), []);
        assert_eq!(tracks.finished_after(None).collect::<Vec<_>>(), [place(5000)]);
        assert_eq!(tracks.finished_after(Some(place(5000))).next(), None);
        tracks.logged(place(4096));
        assert_eq!(tracks.moved(), [(segment, 6000)]);
        assert_eq!(tracks.finished_after(None).next(), None, "the cursor speaks for it");
        tracks.finished(place(6000));
        assert_eq!(tracks.moved(), [(segment, 7000)]);
    }

    #[test]
    fn a_record_is_stale_when_it_is_loose_at_two_sweeps() {
        let mut tracks = tracks();
        assert_eq!(tracks.stale(), []);
        tracks.finished(place(5000));
        assert_eq!(tracks.stale(), [place(4096), place(6000)]);
    }

    #[test]
    fn a_forged_end_is_passed_over_and_true_ones_are_believed() {
        let mut track = Track::new(0);
        for end in [9000, 5000, u64::MAX, 3] {
            track.announce(end);
        }
        assert_eq!(track.end(), Some(5000));
        track.advance(5000, Some(4900), true);
        assert_eq!((track.read, track.end()), (4900, Some(9000)));
        track.disbelieve(9000);
        track.disbelieve(u64::MAX);
        assert!(track.is_read() && !track.is_spent());
        track.announce(6000);
        track.release(8192);
        assert_eq!(track.end(), Some(8192));
        track.advance(8192, None, true);
        assert!(track.is_read() && track.is_spent());
    }
}
