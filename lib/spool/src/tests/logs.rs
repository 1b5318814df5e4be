//! Logs: torn ends, checkpoints, locks.

use crate::SpoolError;
use crate::log::{Lines, Log, LogRecord};
use crate::storage::{Fault, Simulated, Storage};
use proto::id::SpoolId;
use proto::place::Place;
use std::sync::Arc;

fn record(offset: u64) -> LogRecord {
    LogRecord::Cursor { segment: SpoolId::new(1, 2, 3, 4), offset }
}

fn records(offsets: std::ops::Range<u64>) -> Vec<LogRecord> {
    offsets.map(record).collect()
}

fn open(disk: &Simulated, sequence: u16) -> Result<(Log, Vec<LogRecord>), SpoolError> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    Log::open(&storage, "scheduler", SpoolId::new(9, 9, 9, sequence))
}

/// A log with ten records, closed.
fn ten() -> (Simulated, String) {
    let disk = Simulated::new();
    let (mut log, found) = open(&disk, 0).unwrap();
    assert_eq!(found, []);
    records(0..10).iter().for_each(|record| log.append(record));
    assert!(log.is_dirty());
    log.write().unwrap();
    log.sync().unwrap();
    drop(log);
    let [name] = &disk.list("logs").unwrap()[..] else { panic!("one log") };
    let path = format!("logs/{name}");
    (disk, path)
}

#[test]
fn reading_stops_at_the_first_bad_line_and_appending_goes_on_there() {
    let (disk, path) = ten();
    disk.edit(&path, |data| {
        let five = data.windows(3).position(|three| three == b" 5\n").unwrap();
        data[five + 1] = b'7';
    })
    .unwrap();
    let (mut log, found) = open(&disk, 1).unwrap();
    assert_eq!(found, records(0..5));
    // A line of the same length: what stood behind must not come back to life.
    log.append(&record(6));
    log.write().unwrap();
    log.sync().unwrap();
    drop(log);
    assert_eq!(open(&disk, 2).unwrap().1, [records(0..5), vec![record(6)]].concat());
}

#[test]
fn any_cut_gives_a_beginning_of_the_log() {
    let (disk, path) = ten();
    let whole = disk.edit(&path, |data| data.clone()).unwrap();
    for cut in 60..whole.len() {
        disk.edit(&path, |data| *data = whole[..cut].to_vec()).unwrap();
        let (log, found) = open(&disk, 1).unwrap();
        assert_eq!(found, records(0..found.len() as u64));
        assert!(log.size() <= cut as u64);
    }
}

#[test]
fn a_log_has_one_owner_at_a_time() {
    let (disk, _) = ten();
    let held = open(&disk, 1).unwrap();
    assert!(matches!(open(&disk.process(), 2), Err(SpoolError::LogBusy(_))));
    drop(held);
    assert!(open(&disk.process(), 2).is_ok());
}

#[test]
fn an_unknown_mandatory_record_is_refused_and_an_optional_one_skipped() {
    for (keyword, expected) in [("Later", false), ("later", true)] {
        let (disk, path) = ten();
        let id: SpoolId = path.rsplit('.').next().unwrap().parse().unwrap();
        disk.edit(&path, |data| {
            let payload = format!("{keyword} thing");
            let sum = crate::seal::Seal::of_id(id).sum(data.len() as u64, payload.as_bytes());
            data.extend_from_slice(format!("{sum:08x} {payload}\n").as_bytes());
        })
        .unwrap();
        match open(&disk, 1) {
            Ok((_, found)) => assert!(expected && found == records(0..10)),
            Err(error) => assert!(!expected && matches!(error, SpoolError::UnknownLogRecord { .. })),
        }
    }
}

#[test]
fn a_checkpoint_replaces_the_log_and_appending_goes_on() {
    let (disk, _) = ten();
    let (mut log, _) = open(&disk, 1).unwrap();
    log.checkpoint(SpoolId::new(9, 9, 9, 2), records(20..22)).unwrap();
    log.append(&record(22));
    log.write().unwrap();
    log.sync().unwrap();
    drop(log);
    assert_eq!(disk.list("logs").unwrap().len(), 1);
    assert_eq!(open(&disk, 3).unwrap().1, records(20..23));
}

#[test]
fn of_two_logs_the_later_generation_counts_whatever_its_id() {
    let (disk, path) = ten();
    let old = disk.edit(&path, |data| data.clone()).unwrap();
    let (mut log, _) = open(&disk, 1).unwrap();
    log.checkpoint(SpoolId::new(1, 1, 1, 1), records(20..22)).unwrap();
    drop(log);
    disk.create(&path).unwrap().write_at(&old, 0).unwrap();
    assert_eq!(open(&disk, 2).unwrap().1, records(20..22));
    assert_eq!(disk.list("logs").unwrap().len(), 1);
}

#[test]
fn a_checkpoint_is_due_when_the_log_has_doubled() {
    let disk = Simulated::new();
    let (mut log, _) = open(&disk, 0).unwrap();
    assert!(!log.is_due());
    while log.size() <= 1 << 20 {
        records(0..1000).iter().for_each(|record| log.append(record));
        log.write().unwrap();
    }
    assert!(log.is_due());
    let many = records(0..40_000);
    log.checkpoint(SpoolId::new(9, 9, 9, 2), many).unwrap();
    assert!(log.size() > 1 << 20 && !log.is_due());
}

#[test]
fn after_a_failed_write_or_sync_nothing_more_is_accepted() {
    for call in 0..2 {
        let (disk, _) = ten();
        let (mut log, _) = open(&disk, 1).unwrap();
        log.append(&record(10));
        disk.fail_at(call, Fault::Broken);
        assert!(log.write().and_then(|()| log.sync()).is_err());
        assert!(log.write().and_then(|()| log.sync()).is_err(), "it went on");
    }
}

#[test]
fn a_log_of_many_pieces_is_read_line_by_line_and_bad_lines_can_be_passed_over() {
    let (disk, path) = ten();
    let (mut log, _) = open(&disk, 1).unwrap();
    let long = LogRecord::Held {
        place: Place { segment: SpoolId::new(1, 2, 3, 4), offset: 7 },
        why: "x".repeat(600 << 10),
    };
    let all = [records(10..20_000), vec![long], records(20_000..20_010)].concat();
    all.iter().for_each(|record| log.append(record));
    log.write().unwrap();
    // What is appended and not written yet is not there.
    log.append(&record(1));
    let read = |lines: &mut Lines| {
        let mut found = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            found.push(line.record().unwrap().unwrap());
        }
        found
    };
    let everything = [records(0..10), all].concat();
    assert!(read(&mut log.lines()) == everything);
    disk.edit(&path, |data| {
        let five = data.windows(3).position(|three| three == b" 5\n").unwrap();
        data[five + 1] = b'7';
    })
    .unwrap();
    assert_eq!(read(&mut log.lines()), records(0..5));
    let mut lines = log.lines();
    let mut sound = Vec::new();
    while let Some(line) = lines.next_sound().unwrap() {
        sound.push(line.record().unwrap().unwrap());
    }
    assert!(sound == [records(0..5), everything[6..].to_vec()].concat());
    // The reader would keep the lock.
    drop((log, lines));
    let mut count = 0;
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let fresh = SpoolId::new(9, 9, 9, 2);
    let log = Log::open_with(&storage, "scheduler", fresh, &mut |_| {
        count += 1;
        Ok(())
    });
    assert_eq!((log.unwrap().lines().next_line().unwrap().is_some(), count), (true, 5));
}
