//! What the tests know about a spool on a simulated disk, and the check of the state table after a crash.

use crate::log::LogRecord;
use crate::storage::Simulated;
use crate::{Committed, Draft, Keeper, Segments, Spool, SpoolError, Tuning, conformance};
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Small sizes, so that little happens between two flushes, and everything happens soon.
pub(crate) fn tuning() -> Tuning {
    Tuning { memory_limit: 9000, segment_size: 64 << 10, fill_step: 16 << 10, reserve: 0, lease_span: 60_000 }
}

/// A process on the disk.
pub(super) fn process(disk: &Simulated) -> Result<(Simulated, Segments), SpoolError> {
    let view = disk.process();
    let segments = Segments::open(Arc::new(view.clone()), tuning())?;
    Ok((view, segments))
}

/// Messages, where they lay and where their copies lie.
pub(super) type Moves = Vec<(SpoolId, Place, Place)>;

/// The memory of the tests: what was tried, what was promised, what was given up.
#[derive(Debug, Default)]
pub(super) struct World {
    /// Every content that was ever committed, acknowledged or not.
    tried: BTreeMap<SpoolId, Vec<u8>>,
    acknowledged: BTreeMap<SpoolId, Committed>,
    /// Segments whose removal was asked for, and whether it returned.
    removed: BTreeMap<SpoolId, bool>,
    /// Every id that was ever drawn.
    drawn: BTreeSet<SpoolId>,
    /// Log records appended, and how many of them are durable.
    pub(super) logged: Vec<LogRecord>,
    pub(super) durable: usize,
}

impl World {
    /// Begins a message with a content that depends on its id.
    pub(super) fn create(
        &mut self,
        spool: &mut Segments,
        size: usize,
        now: u64,
    ) -> Result<Draft, SpoolError> {
        let mut draft = spool.create(now)?;
        assert!(self.drawn.insert(draft.id()), "id {} drawn twice", draft.id());
        let content = content(draft.id(), size);
        self.tried.insert(draft.id(), content.clone());
        content.chunks(5000).try_for_each(|part| draft.append(part))?;
        Ok(draft)
    }

    pub(super) fn commit(&mut self, spool: &mut Segments, size: usize, now: u64) -> Result<(), SpoolError> {
        let draft = self.create(spool, size, now)?;
        let envelope = conformance::envelope(draft.len());
        spool.commit(draft, &envelope, now).map(|_| ())
    }

    /// Closes the batch, notes what is promised, and says what failed.
    pub(super) fn close(&mut self, spool: &mut Segments, now: u64) -> Vec<SpoolError> {
        spool.close_batch(now);
        let mut errors = Vec::new();
        for (_, outcome) in spool.completions().into_iter().flat_map(|completion| completion.outcomes) {
            match outcome {
                Ok(committed) => {
                    assert!(self.tried.contains_key(&committed.id));
                    assert_eq!(self.acknowledged.insert(committed.id, committed), None, "completed twice");
                }
                Err(error) => errors.push(error),
            }
        }
        errors
    }

    pub(super) fn remove(&mut self, spool: &mut Segments, segment: SpoolId) -> Result<(), SpoolError> {
        self.removed.entry(segment).or_insert(false);
        spool.remove(segment)?;
        self.removed.insert(segment, true);
        Ok(())
    }

    /// Copies the messages that a segment is the place of and that `wanted` chooses.
    pub(super) fn copy(
        &self,
        spool: &mut Segments,
        keeper: &mut Keeper,
        segment: SpoolId,
        now: u64,
        mut wanted: impl FnMut() -> bool,
    ) -> Result<Moves, SpoolError> {
        let kept = spool.kept(segment)?;
        let mut records: Vec<(SpoolId, u64)> =
            keeper.survey(&kept)?.records.iter().map(|lying| (lying.id, lying.offset)).collect();
        records.retain(|&(id, offset)| {
            let place = Place { segment, offset };
            self.acknowledged.get(&id).is_some_and(|committed| committed.place == place) && wanted()
        });
        let mut moves = Vec::new();
        while !records.is_empty() {
            let copied = keeper.copy(&kept, &records, spool.draw(now)?, now)?;
            assert_eq!(copied.damage, []);
            records.drain(..copied.dealt_with);
            moves.extend(copied.moved);
        }
        Ok(moves)
    }

    /// The log says durably that these were moved.
    pub(super) fn moved(&mut self, moves: Moves) {
        for (id, from, to) in moves {
            let committed = self.acknowledged.get_mut(&id).unwrap();
            assert_eq!(committed.place, from);
            committed.place = to;
        }
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    fn may_be_gone(&self, committed: &Committed) -> bool {
        self.removed.contains_key(&committed.place.segment)
    }

    /// A new process takes everything over and compares it with what was promised.
    pub(super) fn verify(&mut self, disk: &Simulated, now: u64) -> (Simulated, Segments) {
        let (view, mut spool) = process(disk).unwrap();
        let found = self.collect(&mut spool);
        for (id, committed) in &self.acknowledged {
            if self.may_be_gone(committed) {
                continue;
            }
            assert!(found.contains_key(id), "acknowledged {committed:?} is lost");
            assert_eq!(spool.load(committed.place).unwrap().id, *id);
            let content = spool.open(committed.place).unwrap().read(u64::MAX).unwrap();
            assert!(self.tried.get(id) == Some(&content), "{committed:?} is not what was committed");
        }
        for (id, content) in found {
            assert!(self.tried.get(&id) == Some(&content), "{id} is not what was committed");
        }
        // Life goes on: an id that is new, and a message that can be read.
        self.commit(&mut spool, 100, now).unwrap();
        assert_eq!(self.close(&mut spool, now), []);
        (view, spool)
    }

    fn collect(&self, spool: &mut Segments) -> BTreeMap<SpoolId, Vec<u8>> {
        let takeover = spool.takeover(&BTreeMap::new()).unwrap();
        assert!(takeover.damage.iter().all(|damage| damage.torn), "{:?}", takeover.damage);
        assert_eq!(takeover.unreadable, []);
        let (mut found, mut originals) = (BTreeMap::new(), BTreeSet::new());
        for range in takeover.segments {
            assert_ne!(self.removed.get(&range.segment), Some(&true), "a removed segment came back");
            let half = self.removed.contains_key(&range.segment);
            let walked = spool.walk(range, usize::MAX).unwrap();
            assert!(walked.damage.iter().all(|damage| damage.torn), "{:?}", walked.damage);
            for entry in walked.entries {
                assert_eq!(entry.held, None);
                let content = spool.open(entry.place).and_then(|body| {
                    body.read(u64::MAX).map_err(|error| SpoolError::from_io("read", "", &error))
                });
                assert!(entry.copied.is_some() || originals.insert(entry.id), "{} twice", entry.id);
                let place = self.acknowledged.get(&entry.id).map(|committed| committed.place);
                match content {
                    Ok(content) => {
                        let other = found.insert(entry.id, content.clone());
                        assert!(other.is_none_or(|other| other == content), "{} differs", entry.id);
                    }
                    // Its removal was under way: large contents go first. Or it is finished, and this a useless copy.
                    Err(error) => {
                        let useless = place.is_some_and(|place| place != entry.place);
                        assert!(half || useless, "{}: {error}", entry.id);
                    }
                }
            }
        }
        found
    }
}

fn content(id: SpoolId, size: usize) -> Vec<u8> {
    id.to_string().bytes().cycle().take(size).collect()
}
