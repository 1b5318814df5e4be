//! Writer leases: how ids stay unique among processes, restarts and clocks that jump.
//!
//! A writer takes the first of 4,096 lease files whose lock is free and holds it for life. The file stores a bound:
//! every id drawn under this lease has a time below it. The bound is durable before ids under it are drawn, and the
//! next holder starts at the bound it finds, so no id is drawn twice, whatever the clock says.
//!
//! The file has two slots of 512 octets, written in turn, so that a torn write leaves the other one:
//! `GRANGE-LEASE 1 since=<ms> until=<ms> crc=<crc>`, padded with spaces. `since` is where the present holder began: ids
//! of this lease before it belong to the dead.

use crate::error::{Context, SpoolError};
use crate::layout::{LEASES, draw_host, open_or_create};
use crate::storage::{Access, Storage, Stored, read_full, write_whole};
use proto::id::SpoolId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Number of leases; the id has 12 bits for it.
const COUNT: u16 = 4096;
/// Octets of a slot: a sector, which a disk writes whole or not at all.
const SLOT: usize = 512;

/// What a slot stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Bound {
    /// No id at or after this time has been drawn, in milliseconds.
    until: u64,
    /// The present holder draws no id before this time.
    since: u64,
}

/// A lease that this process holds.
#[derive(Debug)]
pub(crate) struct Lease {
    number: u16,
    file: Arc<dyn Stored>,
    slot: u64,
    bound: Bound,
    durable: Arc<DurableBound>,
}

/// The bound as the holder of the lease, perhaps in a thread of its own, tells it to the source of ids.
#[derive(Debug)]
struct DurableBound {
    until: AtomicU64,
    /// A renewal was asked for and has not ended.
    renewing: AtomicBool,
}

impl DurableBound {
    fn new(until: u64) -> Arc<Self> {
        Arc::new(Self { until: AtomicU64::new(until), renewing: AtomicBool::new(false) })
    }

    fn until(&self) -> u64 {
        self.until.load(Ordering::Acquire)
    }
}

impl Lease {
    /// Takes the first free lease, with ids from `now` or the stored bound on, and a bound `span` ahead of that.
    pub(crate) fn take(storage: &dyn Storage, now: u64, span: u64) -> Result<Self, SpoolError> {
        for number in 0..COUNT {
            let path = path(number);
            let file = open_or_create(storage, &path)?;
            if !file.try_lock().during("lock", &path)? {
                continue;
            }
            storage.sync_directory(LEASES).during("sync", LEASES)?;
            let (slot, stored) = newest(&*file).during("read", &path)?;
            let since = now.max(stored.until);
            let bound = Bound { until: stored.until, since };
            let mut lease = Self { number, file, slot, bound, durable: DurableBound::new(stored.until) };
            lease.push(since.saturating_add(span))?;
            return Ok(lease);
        }
        Err(SpoolError::NoLease)
    }

    /// Pushes the bound ahead, as [`IdSource::due`] asked for, and tells the source of ids. If that fails, ids go on
    /// below the old bound, and it is tried again with the next one.
    pub(crate) fn renew(&mut self, until: u64) {
        if let Err(error) = self.push(until) {
            log::error!("renewing writer lease {}: {error}", self.number);
        }
        self.durable.renewing.store(false, Ordering::Release);
    }

    fn push(&mut self, until: u64) -> Result<(), SpoolError> {
        let path = path(self.number);
        let bound = Bound { until: until.max(self.bound.until), ..self.bound };
        let other = 1 - self.slot;
        let offset = other * crate::storage::octets(SLOT);
        write_whole(&*self.file, bound.print().as_bytes(), offset).during("write", &path)?;
        self.file.flush().during("flush", &path)?;
        (self.slot, self.bound) = (other, bound);
        self.durable.until.store(bound.until, Ordering::Release);
        Ok(())
    }

    /// A source of ids under this lease.
    pub(crate) fn ids(&self, host: u32) -> IdSource {
        IdSource {
            host,
            lease: self.number,
            last: self.bound.since,
            sequence: 0,
            durable: Arc::clone(&self.durable),
        }
    }
}

/// Whether ids drawn at `time` under a lease belong to a process that is dead: the lease is free, or its present holder
/// began later.
pub(crate) fn is_dead(storage: &dyn Storage, id: SpoolId) -> Result<bool, SpoolError> {
    let path = path(id.lease());
    let file = match storage.open(&path, Access::Read) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        other => other.during("open", &path)?,
    };
    if file.try_lock().during("lock", &path)? {
        return Ok(true);
    }
    let (_, bound) = newest(&*file).during("read", &path)?;
    Ok(id.milliseconds() < bound.since)
}

fn path(number: u16) -> String {
    format!("{LEASES}/{number:04}")
}

/// The valid slot with the greater bound, and which it is; an empty file has bound 0.
fn newest(file: &dyn Stored) -> std::io::Result<(u64, Bound)> {
    let mut best = (1, Bound::default());
    for slot in 0..2 {
        let mut buffer = [0; SLOT];
        let count = read_full(file, &mut buffer, slot * crate::storage::octets(SLOT))?;
        if let Some(bound) = buffer.get(..count).and_then(Bound::parse)
            && bound >= best.1
        {
            best = (slot, bound);
        }
    }
    Ok(best)
}

impl Bound {
    fn print(self) -> String {
        let text = format!("GRANGE-LEASE 1 since={} until={}", self.since, self.until);
        let line = format!("{text} crc={:08x}", crc32c::crc32c(text.as_bytes()));
        format!("{line:<width$}\n", width = SLOT - 1)
    }

    fn parse(octets: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(octets).ok()?.trim_end();
        let (text, sum) = text.split_once(" crc=")?;
        if u32::from_str_radix(sum, 16) != Ok(crc32c::crc32c(text.as_bytes())) {
            return None;
        }
        let (since, until) = text.strip_prefix("GRANGE-LEASE 1 since=")?.split_once(" until=")?;
        Some(Self { since: since.parse().ok()?, until: until.parse().ok()? })
    }
}

/// Draws ids under a lease, never backwards and never at or beyond its bound.
#[derive(Debug)]
pub(crate) struct IdSource {
    host: u32,
    lease: u16,
    /// Time of the last id.
    last: u64,
    /// The next sequence number at that time.
    sequence: u16,
    durable: Arc<DurableBound>,
}

impl IdSource {
    /// A source without a lease, for a backend that keeps nothing: nobody else draws under its host number, very likely.
    pub(crate) fn unbounded() -> Result<Self, SpoolError> {
        let host = draw_host()?;
        Ok(Self { host, lease: 0, last: 0, sequence: 0, durable: DurableBound::new(u64::MAX) })
    }

    /// The next id. A clock that stands or runs backwards costs sequence numbers; one that jumped over the bound draws
    /// at the end of it until the lease is renewed.
    pub(crate) fn draw(&mut self, now: u64) -> Result<SpoolId, SpoolError> {
        let until = self.durable.until();
        let time = now.min(until.saturating_sub(1));
        if time > self.last {
            (self.last, self.sequence) = (time, 0);
        }
        if self.sequence >= 1 << 12 {
            (self.last, self.sequence) = (self.last + 1, 0);
        }
        if self.last >= until {
            return Err(SpoolError::LeaseSpent);
        }
        let id = SpoolId::new(self.last, self.host, self.lease, self.sequence);
        self.sequence += 1;
        Ok(id)
    }

    /// The bound to ask [`Lease::renew`] for, once, when less than half a span is left.
    pub(crate) fn due(&self, now: u64, span: u64) -> Option<u64> {
        let now = now.max(self.last);
        let due = now.saturating_add(span / 2) >= self.durable.until();
        let asked = due && !self.durable.renewing.swap(true, Ordering::AcqRel);
        asked.then(|| now.saturating_add(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::prepare;
    use crate::storage::Disk;
    use proptest::prelude::*;

    #[test]
    fn two_writers_have_two_leases() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::new(directory.path());
        prepare(&disk).unwrap();
        let a = Lease::take(&disk, 1000, 60).unwrap();
        let b = Lease::take(&disk, 1000, 60).unwrap();
        assert_eq!((a.number, b.number), (0, 1));
        drop(a);
        assert_eq!(Lease::take(&disk, 1000, 60).unwrap().number, 0);
    }

    #[test]
    fn a_new_holder_starts_after_the_stored_bound_even_if_the_clock_went_back() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::new(directory.path());
        prepare(&disk).unwrap();
        let mut lease = Lease::take(&disk, 5000, 60).unwrap();
        lease.push(9000).unwrap();
        drop(lease);
        let lease = Lease::take(&disk, 10, 60).unwrap();
        assert_eq!(lease.ids(0).draw(10).unwrap().milliseconds(), 9000);
        assert!(is_dead(&disk, SpoolId::new(8999, 0, 0, 0)).unwrap());
        assert!(!is_dead(&disk, SpoolId::new(9000, 0, 0, 0)).unwrap());
    }

    #[test]
    fn a_torn_slot_leaves_the_other() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::new(directory.path());
        prepare(&disk).unwrap();
        let mut lease = Lease::take(&disk, 0, 60).unwrap();
        lease.push(7000).unwrap();
        let other = 1 - lease.slot;
        lease.file.write_at(b"GRANGE-LEASE 1 since=0 until=9999999", other * 512).unwrap();
        assert_eq!(newest(&*lease.file).unwrap().1.until, 7000);
    }

    #[test]
    fn ids_stop_at_the_bound_and_go_on_after_renewal() {
        let mut ids = IdSource { host: 1, lease: 2, last: 0, sequence: 0, durable: DurableBound::new(2) };
        let drawn = (0..).map_while(|_| ids.draw(100).ok()).count();
        assert_eq!(drawn, 4096);
        assert_eq!(ids.draw(100), Err(SpoolError::LeaseSpent));
        ids.durable.until.store(200, Ordering::Release);
        assert_eq!(ids.draw(100).unwrap().milliseconds(), 100);
    }

    proptest! {
        #[test]
        fn ids_rise_whatever_the_clock_does(clock in proptest::collection::vec(0_u64..50, 1..300)) {
            let mut ids = IdSource { host: 1, lease: 2, last: 0, sequence: 4000, durable: DurableBound::new(1000) };
            let drawn: Vec<_> = clock.iter().map(|now| ids.draw(*now).unwrap()).collect();
            prop_assert!(drawn.is_sorted_by(|a, b| a < b));
        }
    }
}
