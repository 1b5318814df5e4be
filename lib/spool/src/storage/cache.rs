//! The state of the simulated disk: what is written, and what of it would survive a power cut.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Granularity in which a cache reaches the disk.
const BLOCK: usize = 4096;

/// A small seeded generator (splitmix64): the same seed gives the same disaster.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `sides`, which is at least 1.
    pub(crate) fn below(&mut self, sides: usize) -> usize {
        super::length(self.roll() % super::octets(sides.max(1)))
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.roll() & 1 == 0
    }
}

/// A file: what readers see, what is certain to survive, and which blocks differ.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) data: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
    /// The opened file that holds the lock.
    pub(super) locked: Option<u64>,
}

impl Node {
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let rest = self.data.get(super::length(offset)..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        copy(rest, buffer, 0, count);
        count
    }

    pub(super) fn write(&mut self, octets: &[u8], offset: u64) {
        let from = super::length(offset);
        let to = from + octets.len();
        if self.data.len() < to {
            self.data.resize(to, 0);
        }
        if let Some(range) = self.data.get_mut(from..to) {
            range.copy_from_slice(octets);
        }
        self.dirty.extend(from / BLOCK..to.div_ceil(BLOCK));
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.data.resize(length, 0);
        self.dirty.insert(length / BLOCK);
    }

    pub(super) fn flush(&mut self) {
        self.durable.resize(self.data.len(), 0);
        for block in std::mem::take(&mut self.dirty) {
            copy(&self.data, &mut self.durable, block * BLOCK, BLOCK);
        }
    }

    /// A flush that failed: the cache calls the pages clean though they never reached the disk.
    pub(super) fn flush_in_vain(&mut self) {
        self.dirty.clear();
    }

    /// Keeps any subset of what was not flushed: blocks or single sectors, and any length between the old and the new.
    /// Where the file grew and nothing arrived, stale octets of another file may show.
    fn lose(&mut self, dice: &mut Dice, stale: &[u8]) {
        let unit = if dice.coin() { BLOCK } else { 512 };
        let (old, new) = (self.durable.len(), self.data.len());
        let kept = match dice.below(3) {
            0 => old,
            1 => new,
            _ => (old.min(new) + dice.below(old.abs_diff(new) + 1)).next_multiple_of(unit).min(old.max(new)),
        };
        self.durable.resize(kept, 0);
        if kept > old && dice.coin() {
            let from = dice.below(stale.len().saturating_sub(BLOCK));
            for at in (old..kept).step_by(BLOCK) {
                let part = stale.get(from..).unwrap_or_default();
                let room = self.durable.get_mut(at..).unwrap_or_default();
                copy(part, room, 0, BLOCK);
            }
        }
        for block in std::mem::take(&mut self.dirty) {
            for at in (block * BLOCK..(block + 1) * BLOCK).step_by(unit) {
                if dice.coin() {
                    copy(&self.data, &mut self.durable, at, unit);
                }
            }
        }
        self.data.clone_from(&self.durable);
        self.locked = None;
    }
}

/// Copies up to `count` octets at the same offset, as far as both have them.
fn copy(from: &[u8], to: &mut [u8], offset: usize, count: usize) {
    let end = (offset + count).min(from.len()).min(to.len());
    if let Some((from, to)) = from.get(offset..end).zip(to.get_mut(offset..end)) {
        to.copy_from_slice(from);
    }
}

/// A change of a directory that is not durable yet.
#[derive(Debug)]
enum Change {
    Link(String, usize),
    Unlink(String),
    Rename(String, String, usize),
}

/// All files and names.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) nodes: Vec<Node>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending: Vec<(String, Change)>,
}

impl Files {
    pub(super) fn find(&self, path: &str) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    pub(super) fn node(&mut self, number: usize) -> io::Result<&mut Node> {
        self.nodes.get_mut(number).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    pub(super) fn create(&mut self, path: &str) -> io::Result<usize> {
        if self.names.contains_key(path) {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        let number = self.nodes.len();
        self.nodes.push(Node::default());
        self.change(path, Change::Link(path.to_owned(), number));
        Ok(number)
    }

    pub(super) fn remove(&mut self, path: &str) -> io::Result<()> {
        self.find(path)?;
        self.change(path, Change::Unlink(path.to_owned()));
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let number = self.find(from)?;
        self.change(from, Change::Rename(from.to_owned(), to.to_owned(), number));
        Ok(())
    }

    pub(super) fn list(&self, directory: &str) -> Vec<String> {
        let names = self.names.keys().filter_map(|path| path.rsplit_once('/'));
        names.filter(|(parent, _)| *parent == directory).map(|(_, name)| name.to_owned()).collect()
    }

    pub(super) fn sync_directory(&mut self, directory: &str) {
        let (now, later) =
            std::mem::take(&mut self.pending).into_iter().partition(|(parent, _)| parent == directory);
        self.pending = later;
        let now: Vec<(String, Change)> = now;
        now.iter().for_each(|(_, change)| change.apply(&mut self.durable_names));
    }

    fn change(&mut self, path: &str, change: Change) {
        change.apply(&mut self.names);
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.pending.push((parent.to_owned(), change));
    }

    /// The power goes: any subset of what was not made durable is kept.
    pub(super) fn lose(&mut self, dice: &mut Dice) {
        let stale: Vec<u8> = self.nodes.iter().rev().take(8).flat_map(|node| node.data.clone()).collect();
        self.nodes.iter_mut().for_each(|node| node.lose(dice, &stale));
        for (_, change) in std::mem::take(&mut self.pending) {
            if dice.coin() {
                change.apply(&mut self.durable_names);
            }
        }
        self.names.clone_from(&self.durable_names);
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Link(path, node) => {
                names.insert(path.clone(), *node);
            }
            Self::Unlink(path) => {
                names.remove(path);
            }
            Self::Rename(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}
