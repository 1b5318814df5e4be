//! Every backend against the one suite.

use crate::storage::Simulated;
use crate::{Disk, Segments, Spool, Tuning, conformance, prepare};
use std::sync::Arc;

#[test]
fn segments_on_a_disk_conform() {
    let mut directories = Vec::new();
    conformance::run(&mut || {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::new(directory.path());
        directories.push(directory);
        prepare(&disk).unwrap();
        let tuning = Tuning { fill_step: 1 << 16, ..Tuning::default() };
        Box::new(Segments::open(Arc::new(disk), tuning).unwrap())
    });
}

#[test]
fn segments_with_a_flusher_conform() {
    let mut directories = Vec::new();
    conformance::run(&mut || {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::new(directory.path());
        directories.push(directory);
        prepare(&disk).unwrap();
        let mut segments = Segments::open(Arc::new(disk), Tuning::default()).unwrap();
        segments.start_flusher(|| 0).unwrap();
        assert!(segments.wait_fd().is_some());
        Box::new(segments)
    });
}

#[test]
fn segments_on_the_simulated_disk_conform() {
    conformance::run(&mut || {
        let disk = Simulated::new();
        prepare(&disk).unwrap();
        Box::new(Segments::open(Arc::new(disk), Tuning::default()).unwrap())
    });
}

#[test]
fn segments_in_memory_conform() {
    let mut directories = Vec::new();
    conformance::run(&mut || {
        let directory = tempfile::tempdir().unwrap();
        let files = Disk::new(directory.path()).with_flushes(false);
        directories.push(directory);
        prepare(&files).unwrap();
        let tuning = Tuning { fill_step: 4096, ..Tuning::default() };
        Box::new(Segments::open(Arc::new(files), tuning).unwrap())
    });
}
