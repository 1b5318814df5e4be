//! A disk in memory that crashes on demand, for tests.
//!
//! It knows processes, so that one can die and give up its locks while others live; it can stop or fail any single call;
//! and a power cut keeps any subset of what was not flushed: blocks, lengths and names. Seeded, so that every disaster can
//! be had again.

use super::cache::{Dice, Files, Node};
use super::{Access, Storage, Stored, octets};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process dies; half of a write is done.
    Stop,
    /// The call fails with an input/output error; a failed flush leaves the cache clean and the disk old.
    Broken,
    /// The call fails for lack of space; half of a write is done.
    NoSpace,
    /// A write does only half; any other call fails.
    Short,
}

/// A view of the simulated disk by one process; clones are the same process.
#[derive(Debug, Clone, Default)]
pub struct Simulated {
    disk: Arc<Mutex<State>>,
    process: u64,
}

#[derive(Debug, Default)]
struct State {
    files: Files,
    dead: BTreeSet<u64>,
    processes: u64,
    handles: u64,
    calls: u64,
    fault: Option<(u64, Fault)>,
    /// Octets that files may still grow by; `None` for no limit.
    free: Option<u64>,
}

impl Simulated {
    /// An empty disk, seen by its first process.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another process on the same disk.
    pub fn process(&self) -> Self {
        let mut state = self.state();
        state.processes += 1;
        Self { disk: Arc::clone(&self.disk), process: state.processes }
    }

    /// This process dies: its locks are free, its later calls fail; what it wrote stays in the cache.
    pub fn kill(&self) {
        self.state().kill(self.process);
    }

    /// The power goes: every process dies, and of what was not flushed a subset chosen by `seed` survives.
    pub fn power_cut(&self, seed: u64) {
        let mut state = self.state();
        let last = state.processes;
        state.dead.extend(0..=last);
        state.files.lose(&mut Dice::new(seed));
    }

    /// Lets the `call`-th call from now on (from 0) meet a fault.
    pub fn fail_at(&self, call: u64, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.calls + call, fault));
    }

    /// Takes back a fault that has not happened yet.
    pub fn heal(&self) {
        self.state().fault = None;
    }

    /// The fault has happened, or was never asked for.
    pub fn fault_is_over(&self) -> bool {
        let state = self.state();
        state.fault.is_none_or(|(call, _)| state.calls > call)
    }

    /// Calls so far that could have met a fault.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Limits by how many octets all files together may still grow.
    pub fn set_free(&self, octets: u64) {
        self.state().free = Some(octets);
    }

    /// The octets of a file, for tests that look at or damage it.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`].
    pub fn edit<T>(&self, path: &str, edit: impl FnOnce(&mut Vec<u8>) -> T) -> io::Result<T> {
        let mut state = self.state();
        let node = state.files.find(path)?;
        let node = state.files.node(node)?;
        let result = edit(&mut node.data);
        node.write(&[], 0);
        Ok(result)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, state: &mut State, node: usize) -> Arc<dyn Stored> {
        state.handles += 1;
        Arc::new(SimulatedFile { view: self.clone(), node, handle: state.handles })
    }
}

impl State {
    fn kill(&mut self, process: u64) {
        self.dead.insert(process);
        for node in &mut self.files.nodes {
            node.locked = node.locked.filter(|holder| holder >> 32 != process);
        }
    }

    /// Counts a call and lets it meet its fault.
    fn call(&mut self, process: u64) -> io::Result<Option<Fault>> {
        if self.dead.contains(&process) {
            return Err(io::Error::other("the process is dead"));
        }
        let number = self.calls;
        self.calls += 1;
        let fault = self.fault.filter(|(call, _)| *call == number).map(|(_, fault)| fault);
        if fault == Some(Fault::Stop) {
            self.kill(process);
        }
        Ok(fault)
    }

    /// As `call`, for calls that do all or nothing.
    fn whole_call(&mut self, process: u64) -> io::Result<()> {
        self.call(process)?.map_or(Ok(()), |fault| Err(fault.error()))
    }
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::Stop => io::Error::other("the process is dead"),
            Self::Broken => io::Error::other("input/output error"),
            Self::NoSpace | Self::Short => io::Error::from(io::ErrorKind::StorageFull),
        }
    }
}

impl Storage for Simulated {
    fn make_directory(&self, _path: &str) -> io::Result<()> {
        self.state().whole_call(self.process)
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn Stored>> {
        let mut state = self.state();
        state.whole_call(self.process)?;
        let node = state.files.create(path)?;
        Ok(self.file(&mut state, node))
    }

    fn open(&self, path: &str, _access: Access) -> io::Result<Arc<dyn Stored>> {
        let mut state = self.state();
        state.whole_call(self.process)?;
        let node = state.files.find(path)?;
        Ok(self.file(&mut state, node))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.whole_call(self.process)?;
        state.files.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = self.state();
        state.whole_call(self.process)?;
        state.files.remove(path)
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let mut state = self.state();
        state.whole_call(self.process)?;
        Ok(state.files.list(path))
    }

    fn sync_directory(&self, path: &str) -> io::Result<()> {
        let mut state = self.state();
        state.whole_call(self.process)?;
        state.files.sync_directory(path);
        Ok(())
    }

    fn free(&self) -> io::Result<u64> {
        Ok(self.state().free.unwrap_or(u64::MAX))
    }
}

#[derive(Debug)]
struct SimulatedFile {
    view: Simulated,
    node: usize,
    handle: u64,
}

impl SimulatedFile {
    /// The process in the upper half, so that a death finds its locks.
    fn holder(&self) -> u64 {
        self.view.process << 32 | self.handle
    }

    fn with<T>(&self, act: impl FnOnce(&mut Node) -> T) -> io::Result<T> {
        let mut state = self.view.state();
        if state.dead.contains(&self.view.process) {
            return Err(io::Error::other("the process is dead"));
        }
        state.files.node(self.node).map(act)
    }
}

impl Stored for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|node| node.read(buffer, offset))
    }

    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.view.state();
        let fault = state.call(self.view.process)?;
        let free = state.free;
        let node = state.files.node(self.node)?;
        let before = octets(node.data.len());
        let growth = (offset + octets(data.len())).saturating_sub(before);
        let fault = if free.is_some_and(|free| growth > free) { Some(Fault::Short) } else { fault };
        let count = match fault {
            None => data.len(),
            Some(Fault::Broken) => 0,
            Some(_) => data.len() / 2,
        };
        node.write(data.get(..count).unwrap_or_default(), offset);
        let grown = octets(node.data.len()) - before;
        state.free = free.map(|free| free.saturating_sub(grown));
        match fault {
            None | Some(Fault::Short) => Ok(count),
            Some(fault) => Err(fault.error()),
        }
    }

    fn flush(&self) -> io::Result<()> {
        let mut state = self.view.state();
        let fault = state.call(self.view.process)?;
        let node = state.files.node(self.node)?;
        match fault {
            None => node.flush(),
            Some(Fault::Stop) => return Err(Fault::Stop.error()),
            Some(fault) => {
                node.flush_in_vain();
                return Err(fault.error());
            }
        }
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        self.with(|node| octets(node.data.len()))
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.view.state().whole_call(self.view.process)?;
        self.with(|node| node.truncate(super::length(length)))
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.view.state().whole_call(self.view.process)?;
        let holder = self.holder();
        self.with(|node| *node.locked.get_or_insert(holder) == holder)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        let holder = self.holder();
        // A dead process has no locks any more.
        let _ = self.with(|node| node.locked = node.locked.filter(|other| *other != holder));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_cut_keeps_what_was_flushed_and_named() {
        for seed in 0..50 {
            let disk = Simulated::new();
            let file = disk.create("segments/a").unwrap();
            file.write_at(&[7; 10_000], 0).unwrap();
            file.flush().unwrap();
            disk.sync_directory("segments").unwrap();
            file.write_at(&[8; 10_000], 10_000).unwrap();
            disk.power_cut(seed);
            assert!(file.flush().is_err(), "the process is dead");
            let file = disk.process().open("segments/a", Access::Read).unwrap();
            let mut octets = [0; 10_000];
            assert_eq!(file.read_at(&mut octets, 0).unwrap(), 10_000);
            assert!(octets.iter().all(|octet| *octet == 7));
        }
    }

    #[test]
    fn a_power_cut_may_lose_what_was_not() {
        let survivors = (0..50).filter(|seed| {
            let disk = Simulated::new();
            disk.create("segments/a").unwrap();
            disk.power_cut(*seed);
            !disk.process().list("segments").unwrap().is_empty()
        });
        assert!((10..40).contains(&survivors.count()));
    }

    #[test]
    fn a_lock_excludes_until_its_holder_drops_it_or_dies() {
        let disk = Simulated::new();
        let (a, b) = (disk.process(), disk.process());
        let held = a.create("x").unwrap();
        let other = b.open("x", Access::Read).unwrap();
        assert!(held.try_lock().unwrap());
        assert!(!other.try_lock().unwrap());
        a.kill();
        assert!(other.try_lock().unwrap());
        drop(other);
        assert!(b.open("x", Access::Read).unwrap().try_lock().unwrap());
    }
}
