//! Full segments, batches of every size, and the flusher.

use super::world::{process, tuning};
use crate::storage::Simulated;
use crate::{Disk, Segments, Spool, SpoolError, Tuning, conformance, prepare};
use std::collections::BTreeMap;
use std::sync::Arc;

#[test]
fn a_full_segment_is_followed_by_another_and_can_be_taken_over() {
    let disk = Simulated::new();
    prepare(&disk).unwrap();
    let (_, mut writer) = process(&disk).unwrap();
    let mut places = Vec::new();
    for _ in 0..20 {
        let draft = conformance::draft(&mut writer, &[b'x'; 8000], 5);
        writer.commit(draft, &conformance::envelope(8000), 5).unwrap();
        let completion = conformance::complete(&mut writer, 5).remove(0);
        places.extend(completion.committed().map(|committed| committed.place));
    }
    let segments = writer.segments().unwrap();
    assert_eq!(segments.len(), 4, "five batches of 12 KiB fit behind the header");
    for segment in &segments {
        let size = disk.edit(&format!("segments/{segment}"), |data| data.len()).unwrap();
        assert!(size <= 64 << 10, "{size}");
    }
    let (_, mut scheduler) = process(&disk).unwrap();
    let takeover = scheduler.takeover(&BTreeMap::new()).unwrap();
    let taken: Vec<_> = takeover.segments.iter().map(|range| range.segment).collect();
    assert_eq!(taken, segments[..3], "all but the one that is open");
    assert_eq!(takeover.damage, []);
    for place in places {
        assert_eq!(scheduler.load(place).unwrap().place, place);
    }
}

#[test]
fn a_batch_larger_than_a_segment_has_one_of_its_own() {
    let disk = Simulated::new();
    prepare(&disk).unwrap();
    let (_, mut writer) = process(&disk).unwrap();
    for _ in 0..30 {
        let draft = conformance::draft(&mut writer, &[b'x'; 8000], 5);
        writer.commit(draft, &conformance::envelope(8000), 5).unwrap();
    }
    let completion = conformance::complete(&mut writer, 5).remove(0);
    let range = completion.announced.unwrap();
    assert_eq!(writer.walk(range, usize::MAX).unwrap().entries.len(), 30);
}

#[test]
fn the_flusher_completes_everything_before_it_ends() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Disk::new(directory.path());
    prepare(&disk).unwrap();
    let storage = Arc::new(disk);
    let mut writer = Segments::open(Arc::<Disk>::clone(&storage), tuning()).unwrap();
    writer.start_flusher(|| 7).unwrap();
    assert!(writer.start_flusher(|| 7).is_err(), "once");
    for round in 0..20 {
        let draft = conformance::draft(&mut writer, &[b'x'; 5000], round);
        writer.commit(draft, &conformance::envelope(5000), round).unwrap();
        writer.close_batch(round);
    }
    drop(writer);
    let mut scheduler = Segments::open(storage, tuning()).unwrap();
    let takeover = scheduler.takeover(&BTreeMap::new()).unwrap();
    let count: usize =
        takeover.segments.iter().map(|range| scheduler.walk(*range, usize::MAX).unwrap().entries.len()).sum();
    assert_eq!(count, 20);
}

#[test]
fn a_renewed_lease_gives_ids_beyond_its_first_bound() {
    let disk = Simulated::new();
    prepare(&disk).unwrap();
    let tuning = Tuning { lease_span: 10, ..tuning() };
    let mut writer = Segments::open(Arc::new(disk.process()), tuning).unwrap();
    for now in [1000, 1007, 5000] {
        writer.renew(now).unwrap();
        assert_eq!(writer.draw(now).unwrap().milliseconds(), now);
    }
    disk.fail_at(0, crate::storage::Fault::Broken);
    let id = writer.draw(9000).unwrap();
    assert!(id.milliseconds() < 9000, "the bound could not be pushed ahead");
}

#[test]
fn without_any_lease_nothing_is_begun() {
    let disk = Simulated::new();
    prepare(&disk).unwrap();
    let (_, mut writer) = process(&disk).unwrap();
    disk.fail_at(0, crate::storage::Fault::Broken);
    assert!(matches!(writer.create(5), Err(SpoolError::Broken { .. })));
    assert!(writer.create(5).is_ok());
}
