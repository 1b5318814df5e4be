//! Measures how many messages a second one writer commits: `commit [DIRECTORY [BATCH [MESSAGES]]]`.

use proto::envelope::{Envelope, Origin, Recipient, Shape};
use spool::{Disk, Segments, Spool, SpoolError, Tuning, prepare};
use std::sync::Arc;
use std::time::Instant;

const SIZE: usize = 4096;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().unwrap_or_else(|| "spool-example".to_owned());
    let batch: usize = arguments.next().map_or(Ok(50), |text| text.parse())?;
    let messages: usize = arguments.next().map_or(Ok(20_000), |text| text.parse())?;
    let disk = Disk::new(&directory);
    prepare(&disk)?;
    let mut spool = Segments::open(Arc::new(disk), Tuning::default())?;
    spool.renew(1_764_000_000_000)?;
    let envelope = envelope()?;
    let content = vec![b'x'; SIZE];
    let start = Instant::now();
    let mut batches = 0;
    let mut done = 0;
    while done < messages {
        let now = 1_764_000_000_000 + u64::try_from(start.elapsed().as_millis())?;
        for _ in 0..batch {
            let mut draft = spool.create(now)?;
            draft.append(&content)?;
            spool.commit(draft, &envelope, now)?;
        }
        spool.close_batch(now);
        for (_, outcome) in spool.completions().into_iter().flat_map(|completion| completion.outcomes) {
            outcome?;
            done += 1;
        }
        batches += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    let rate = f64::from(u32::try_from(done)?) / seconds;
    println!("{done} messages of {SIZE} octets in {batches} batches: {seconds:.2} s, {rate:.0} messages/s");
    let walking = Instant::now();
    println!("{} entries read again in {:.2} s", walk(&mut spool)?, walking.elapsed().as_secs_f64());
    Ok(())
}

/// Reads every entry of every segment that another writer left.
fn walk(spool: &mut Segments) -> Result<usize, SpoolError> {
    let mut count = 0;
    for range in spool.takeover(&std::collections::BTreeMap::new())?.segments {
        count += spool.walk(range, usize::MAX)?.entries.len();
    }
    Ok(count)
}

fn envelope() -> Result<Envelope, proto::address::MailboxError> {
    Ok(Envelope {
        from: proto::address::ReversePath::Null,
        recipients: vec![Recipient::new("ann@example.net".parse()?, None)],
        received: 1_764_000_000_000,
        origin: Origin::default(),
        shape: Shape { size: 4096, header: 100, longest_line: 4096, ..Shape::default() },
        terms: proto::terms::Terms::default(),
    })
}
