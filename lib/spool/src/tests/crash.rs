//! The first crash model: a fault at the n-th storage call, for all n.

use super::world::{World, process};
use crate::log::{Log, LogRecord};
use crate::storage::{Fault, Simulated};
use crate::{Segments, Spool, SpoolError, prepare};
use proto::id::SpoolId;
use std::collections::BTreeMap;

/// One of everything that a spool does, by a writer and by the scheduler. Errors end the part they happen in, as a
/// process would.
fn story(world: &mut World, disk: &Simulated) {
    if let Ok((_, mut writer)) = process(disk) {
        let _ = accept(world, &mut writer);
    }
    if let Ok((_, mut scheduler)) = process(disk) {
        let _ = read(world, &mut scheduler);
    }
}

fn accept(world: &mut World, writer: &mut Segments) -> Result<(), SpoolError> {
    writer.renew(1000)?;
    for (round, size) in [100, 5000, 30_000, 8000, 200, 60_000, 8999].into_iter().enumerate() {
        let now = 1000 + round as u64 * 40_000;
        // A refused message is no reason to stop.
        let _ = world.commit(writer, size, now);
        let aborted = world.create(writer, 12_000, now);
        drop(aborted);
        let _ = world.commit(writer, 300, now);
        let errors = world.close(writer, now);
        let after_stop = errors.contains(&SpoolError::Stopped);
        assert!(!after_stop || world.close(writer, now).is_empty());
    }
    Ok(())
}

fn read(world: &mut World, scheduler: &mut Segments) -> Result<(), SpoolError> {
    let (mut log, records) = scheduler.open_log("scheduler", 400_000)?;
    assert_eq!(records, []);
    let found = scheduler.takeover(&BTreeMap::new())?;
    for range in &found.segments {
        scheduler.walk(*range, usize::MAX)?;
        note(world, &mut log, range.segment, range.to)?;
    }
    let checkpoint = world.logged.clone();
    log.checkpoint(scheduler.draw(400_001)?, checkpoint)?;
    if let Some(range) = found.segments.first() {
        compact(world, scheduler, &mut log, range.segment)?;
        note(world, &mut log, range.segment, 1)?;
        world.remove(scheduler, range.segment)?;
    }
    world.commit(scheduler, 20_000, 400_002)?;
    world.close(scheduler, 400_002);
    Ok(())
}

/// Moves every second message out of a segment.
fn compact(
    world: &mut World,
    scheduler: &mut Segments,
    log: &mut Log,
    segment: SpoolId,
) -> Result<(), SpoolError> {
    let mut keeper = scheduler.keeper();
    let mut odd = false;
    let every_second = || {
        odd = !odd;
        odd
    };
    let moves = world.copy(scheduler, &mut keeper, segment, 400_001, every_second)?;
    let lines = moves.iter().map(|&(_, from, to)| LogRecord::Moved { from, to });
    write(world, log, lines)?;
    world.moved(moves);
    Ok(())
}

fn note(world: &mut World, log: &mut Log, segment: SpoolId, offset: u64) -> Result<(), SpoolError> {
    write(world, log, [LogRecord::Cursor { segment, offset }])
}

fn write(
    world: &mut World,
    log: &mut Log,
    records: impl IntoIterator<Item = LogRecord>,
) -> Result<(), SpoolError> {
    for record in records {
        log.append(&record);
        world.logged.push(record);
    }
    log.write()?;
    log.sync()?;
    world.durable = world.logged.len();
    Ok(())
}

/// Runs the story with a fault at call `n`, then a disaster, then checks. False if the fault never came.
fn run(n: u64, fault: Fault, disaster: impl Fn(&Simulated)) -> bool {
    let disk = Simulated::new();
    prepare(&disk).unwrap();
    let mut world = World::default();
    disk.fail_at(n, fault);
    story(&mut world, &disk);
    let happened = disk.fault_is_over();
    disk.heal();
    disaster(&disk);
    let (_, mut again) = world.verify(&disk, 900_000);
    let (_, records) = again.open_log("scheduler", 900_000).unwrap();
    assert!(records.len() >= world.durable, "a durable log record is lost");
    assert_eq!(records, world.logged[..records.len()], "the log says something else");
    happened
}

fn all(fault: Fault, disaster: impl Fn(&Simulated)) {
    let mut calls = 0;
    while run(calls, fault, &disaster) {
        calls += 1;
    }
    assert!(calls > 100, "the story is too short: {calls} calls");
}

#[test]
fn without_a_fault_everything_is_acknowledged() {
    let disk = Simulated::new();
    prepare(&disk).unwrap();
    let mut world = World::default();
    story(&mut world, &disk);
    assert_eq!((world.acknowledged(), world.durable), (15, world.logged.len()));
}

#[test]
fn stopping_at_any_call_loses_nothing() {
    all(Fault::Stop, |_| {});
}

#[test]
fn stopping_at_any_call_and_then_losing_power_loses_nothing() {
    for seed in 0..3 {
        all(Fault::Stop, |disk| disk.power_cut(seed));
    }
}

#[test]
fn an_error_at_any_call_loses_nothing() {
    for fault in [Fault::Broken, Fault::NoSpace, Fault::Short] {
        all(fault, |_| {});
    }
}

#[test]
fn an_error_at_any_call_and_then_losing_power_loses_nothing() {
    for (seed, fault) in [Fault::Broken, Fault::NoSpace, Fault::Short].into_iter().enumerate() {
        all(fault, |disk| disk.power_cut(seed as u64));
    }
}
