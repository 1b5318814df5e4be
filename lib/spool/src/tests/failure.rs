//! What a writer does when the disk fails.

use super::world::{World, process, tuning};
use crate::storage::{Fault, Simulated};
use crate::{Segments, Spool, SpoolError, Tuning, prepare};
use std::collections::BTreeMap;
use std::sync::Arc;

fn start() -> (Simulated, World) {
    let disk = Simulated::new();
    prepare(&disk).unwrap();
    (disk, World::default())
}

/// Commits one message, failing the `call`-th call of its batch.
fn fail(
    world: &mut World,
    view: &Simulated,
    writer: &mut Segments,
    call: u64,
    fault: Fault,
) -> Vec<SpoolError> {
    world.commit(writer, 100, 1000).unwrap();
    view.fail_at(call, fault);
    world.close(writer, 1000)
}

#[test]
fn a_failed_flush_fails_the_batch_and_leaves_the_file_for_good() {
    let (disk, mut world) = start();
    let (view, mut writer) = process(&disk).unwrap();
    world.commit(&mut writer, 100, 1000).unwrap();
    assert_eq!(world.close(&mut writer, 1000), []);
    let [first] = writer.segments().unwrap()[..] else { panic!("one segment") };
    let errors = fail(&mut world, &view, &mut writer, 1, Fault::Broken);
    assert!(matches!(errors[..], [SpoolError::Broken { .. }]), "{errors:?}");
    let before = disk.edit(&format!("segments/{first}"), |data| data.clone()).unwrap();
    world.commit(&mut writer, 100, 1000).unwrap();
    assert_eq!(world.close(&mut writer, 1000), []);
    assert_eq!(disk.edit(&format!("segments/{first}"), |data| data.clone()).unwrap(), before);
    let [_, second] = writer.segments().unwrap()[..] else { panic!("two segments") };
    let header = disk.edit(&format!("segments/{second}"), |data| data[..4096].to_vec()).unwrap();
    let header = String::from_utf8(header).unwrap();
    assert!(header.contains(&format!("previous {first} end=8192\n")), "{header}");
    // The failed record is whole in the cache, but it was refused: it must not come out.
    let (_, mut scheduler) = process(&disk).unwrap();
    let takeover = scheduler.takeover(&BTreeMap::new()).unwrap();
    let [range] = takeover.segments[..] else { panic!("{takeover:?}") };
    assert_eq!((range.segment, range.to), (first, 8192));
    assert_eq!(scheduler.walk(range, 9).unwrap().entries.len(), 1);
}

#[test]
fn a_failed_segment_stays_locked_until_its_successor_says_where_it_ended() {
    let (disk, mut world) = start();
    let (view, mut writer) = process(&disk).unwrap();
    let (_, mut scheduler) = process(&disk).unwrap();
    world.commit(&mut writer, 100, 1000).unwrap();
    assert_eq!(world.close(&mut writer, 1000), []);
    assert_eq!(fail(&mut world, &view, &mut writer, 1, Fault::Broken).len(), 1);
    assert_eq!(scheduler.takeover(&BTreeMap::new()).unwrap().segments, []);
    world.commit(&mut writer, 100, 1000).unwrap();
    assert_eq!(world.close(&mut writer, 1000), []);
    let [range] = scheduler.takeover(&BTreeMap::new()).unwrap().segments[..] else { panic!("one") };
    assert_eq!((range.from, range.to), (4096, 8192), "the failed batch is cut off");
}

#[test]
fn a_second_failure_in_a_row_stops_the_writer() {
    let (disk, mut world) = start();
    let (view, mut writer) = process(&disk).unwrap();
    fail(&mut world, &view, &mut writer, 5, Fault::Broken);
    world.commit(&mut writer, 100, 1000).unwrap();
    assert_eq!(world.close(&mut writer, 1000), [], "one failure is forgiven");
    assert_eq!(fail(&mut world, &view, &mut writer, 0, Fault::Broken).len(), 1);
    assert_eq!(fail(&mut world, &view, &mut writer, 0, Fault::Broken).len(), 1);
    assert_eq!(writer.create(1000).unwrap_err(), SpoolError::Stopped);
    drop(writer);
    world.verify(&disk, 2000);
}

#[test]
fn a_full_disk_is_told_apart_and_forgiven() {
    let (disk, mut world) = start();
    let (_, mut writer) = process(&disk).unwrap();
    writer.renew(1000).unwrap();
    disk.set_free(10_000);
    for _ in 0..3 {
        world.commit(&mut writer, 100, 1000).unwrap();
        assert_eq!(world.close(&mut writer, 1000), [SpoolError::NoSpace]);
    }
    disk.set_free(1 << 20);
    world.commit(&mut writer, 100, 1000).unwrap();
    assert_eq!(world.close(&mut writer, 1000), []);
}

#[test]
fn drafts_are_refused_before_the_disk_is_full() {
    let (disk, _) = start();
    disk.set_free(1 << 20);
    let tuning = Tuning { reserve: 2 << 20, ..tuning() };
    let mut writer = Segments::open(Arc::new(disk.process()), tuning).unwrap();
    assert_eq!(writer.create(1000).unwrap_err(), SpoolError::NoSpace);
    disk.set_free(3 << 20);
    assert!(writer.create(1001).is_ok());
}

#[test]
fn a_spool_that_was_not_prepared_is_refused() {
    assert_eq!(process(&Simulated::new()).unwrap_err(), SpoolError::NotPrepared);
}

#[test]
fn a_segment_whose_writer_lives_is_neither_taken_over_nor_removed() {
    let (disk, mut world) = start();
    let (view, mut writer) = process(&disk).unwrap();
    world.commit(&mut writer, 100, 1000).unwrap();
    assert_eq!(world.close(&mut writer, 1000), []);
    let [segment] = writer.segments().unwrap()[..] else { panic!("one segment") };
    let (_, mut scheduler) = process(&disk).unwrap();
    assert_eq!(scheduler.takeover(&BTreeMap::new()).unwrap().segments, []);
    assert_eq!(scheduler.remove(segment), Err(SpoolError::NotOurs(segment)));
    view.kill();
    assert_eq!(scheduler.takeover(&BTreeMap::new()).unwrap().segments.len(), 1);
    assert_eq!(scheduler.takeover(&BTreeMap::new()).unwrap().segments, [], "only once");
    scheduler.remove(segment).unwrap();
    assert_eq!(scheduler.segments().unwrap(), []);
}

#[test]
fn a_takeover_goes_on_from_the_cursor() {
    let (disk, mut world) = start();
    let (view, mut writer) = process(&disk).unwrap();
    for _ in 0..3 {
        world.commit(&mut writer, 100, 1000).unwrap();
        assert_eq!(world.close(&mut writer, 1000), []);
    }
    let [segment] = writer.segments().unwrap()[..] else { panic!("one segment") };
    view.kill();
    for (cursor, left) in [(4096, 3), (8192, 2), (16_384, 0), (1 << 30, 0)] {
        let (_, mut scheduler) = process(&disk).unwrap();
        let takeover = scheduler.takeover(&BTreeMap::from([(segment, cursor)])).unwrap();
        let [range] = takeover.segments[..] else { panic!("{takeover:?}") };
        assert_eq!(scheduler.walk(range, 9).unwrap().entries.len(), left, "from {cursor}");
    }
}

#[test]
fn what_was_refused_stays_away_even_when_the_successor_is_gone() {
    let (disk, mut world) = start();
    let (view, mut writer) = process(&disk).unwrap();
    world.commit(&mut writer, 100, 1000).unwrap();
    assert_eq!(world.close(&mut writer, 1000), []);
    assert_eq!(fail(&mut world, &view, &mut writer, 1, Fault::Broken).len(), 1);
    world.commit(&mut writer, 100, 1000).unwrap();
    assert_eq!(world.close(&mut writer, 1000), []);
    let [_, second] = writer.segments().unwrap()[..] else { panic!("two segments") };
    view.kill();
    let (view, mut scheduler) = process(&disk).unwrap();
    scheduler.takeover(&BTreeMap::new()).unwrap();
    scheduler.remove(second).unwrap();
    view.kill();
    let (_, mut scheduler) = process(&disk).unwrap();
    let [range] = scheduler.takeover(&BTreeMap::new()).unwrap().segments[..] else { panic!("one") };
    assert_eq!(scheduler.walk(range, 9).unwrap().entries.len(), 1);
}

#[test]
fn a_takeover_that_fails_halfway_reports_everything_the_next_time() {
    for call in 0.. {
        let (disk, mut world) = start();
        for _ in 0..2 {
            let (view, mut writer) = process(&disk).unwrap();
            world.commit(&mut writer, 100, 1000).unwrap();
            assert_eq!(world.close(&mut writer, 1000), []);
            view.kill();
        }
        let (_, mut scheduler) = process(&disk).unwrap();
        disk.fail_at(call, Fault::Broken);
        let first = scheduler.takeover(&BTreeMap::new()).map_or(0, |takeover| takeover.segments.len());
        let over = !disk.fault_is_over();
        disk.heal();
        let second = scheduler.takeover(&BTreeMap::new()).unwrap().segments.len();
        assert_eq!(first + second, 2, "failing call {call}");
        if over {
            break;
        }
    }
}
