//! Records and log lines, written and read again.
//!
//! They are reached through what is public: a batch committed to a disk in memory, and read again; a log written and
//! opened. Where there is no disk in memory, the flush is measured with them.

#[path = "../../../bench/src/micro.rs"]
mod micro;

use criterion::{Criterion, Throughput};
use proto::address::ReversePath;
use proto::envelope::{Envelope, Origin, Recipient, Route, Shape};
use proto::id::SpoolId;
use proto::place::Place;
use proto::terms::{RecipientTerms, Special};
use spool::log::{LogRecord, Waiting, WaitingRecipient};
use spool::storage::Storage;
use spool::{Announced, Disk, Log, Segments, Spool, Tuning, prepare};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const NOW: u64 = 1_764_000_000_000;

/// Messages of a batch.
const BATCH: u64 = 50;

/// Octets of a content.
const SIZE: usize = 4096;

/// Lines of a log.
const LINES: u64 = 10_000;

fn main() {
    micro::run("records", &[records, logs]);
}

fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a scratch directory")
}

fn route() -> Route {
    Route {
        channel: "smtp".into(),
        host: "mx.destination.example".into(),
        user: "ann@destination.example".into(),
    }
}

fn envelope() -> Envelope {
    let address = "ann@destination.example".parse().expect("an address");
    let from: ReversePath = "<sender@source.example>".parse().expect("a path");
    Envelope {
        from,
        recipients: vec![Recipient::new(address, Some(route()))],
        received: NOW,
        origin: Origin {
            client: "[192.0.2.7]".into(),
            helo: "client.example".into(),
            protocol: "ESMTP".into(),
            session: "01J8X4K2M7Q3RD0007".into(),
            ..Origin::default()
        },
        shape: Shape { size: SIZE as u64, header: 300, longest_line: 76, ..Shape::default() },
        terms: proto::terms::Terms::default(),
    }
}

fn batch(spool: &mut Segments, envelope: &Envelope, content: &[u8]) -> Announced {
    for _ in 0..BATCH {
        let mut draft = spool.create(NOW).expect("a draft");
        draft.append(content).expect("room");
        spool.commit(draft, envelope, NOW).expect("a commit");
    }
    spool.close_batch(NOW);
    let mut completions = spool.completions();
    completions.pop().and_then(|completion| completion.announced).expect("a durable batch")
}

fn records(criterion: &mut Criterion) {
    let directory = scratch();
    let disk = Disk::new(directory.path());
    prepare(&disk).expect("a spool");
    let mut spool = Segments::open(Arc::new(disk), Tuning::default()).expect("a spool");
    spool.renew(NOW).expect("a lease");
    let (envelope, content) = (envelope(), vec![b'x'; SIZE]);
    let range = batch(&mut spool, &envelope, &content);
    let mut group = criterion.benchmark_group("record");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("walk 50", |bencher| {
        bencher.iter(|| spool.walk(black_box(range), usize::MAX).map(|walked| walked.entries.len()));
    });
    let place = Place { segment: range.segment, offset: range.from };
    group.throughput(Throughput::Elements(1));
    group.bench_function("load", |bencher| bencher.iter(|| spool.load(black_box(place))));
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("commit 50 of 4 KiB", |bencher| {
        bencher.iter(|| batch(&mut spool, &envelope, &content))
    });
    group.finish();
}

fn place(number: u64) -> Place {
    Place { segment: SpoolId::new(NOW, 7, 1, 1), offset: number * 4096 }
}

fn waiting(number: u64) -> LogRecord {
    let recipient = WaitingRecipient {
        index: 0,
        address: "ann@destination.example".parse().expect("an address"),
        route: Some(route()),
        attempts: 3,
        why: "450 4.2.0 greylisted, try again in 5 minutes".into(),
        terms: RecipientTerms::default(),
    };
    LogRecord::Waiting(Box::new(Waiting {
        place: place(number),
        id: SpoolId::new(NOW + number, 7, 1, 0),
        from: "<sender@source.example>".parse().expect("a path"),
        received: NOW,
        shape: Shape { size: 4096, header: 300, longest_line: 76, ..Shape::default() },
        special: Special::default(),
        recipients: vec![recipient],
    }))
}

fn done(number: u64) -> LogRecord {
    LogRecord::Done { place: place(number), recipients: vec![0] }
}

fn logs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("log");
    for (name, record) in [("waiting", waiting as fn(u64) -> LogRecord), ("done", done)] {
        let one = record(1);
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("print {name}"), |bencher| bencher.iter(|| black_box(&one).to_string()));
        let directory = scratch();
        let disk: Arc<dyn Storage> = Arc::new(Disk::new(directory.path()));
        prepare(&*disk).expect("a spool");
        let fresh = SpoolId::new(NOW, 9, 9, 9);
        let (mut log, _) = Log::open(&disk, "scheduler", fresh).expect("a log");
        (0..LINES).for_each(|number| log.append(&record(number)));
        log.write().expect("room");
        drop(log);
        group.throughput(Throughput::Elements(LINES));
        group.bench_function(format!("read 10000 {name}"), |bencher| {
            bencher.iter(|| Log::open(&disk, "scheduler", fresh).map(|(_, records)| records.len()));
        });
    }
    group.finish();
}
