//! Set-up: the spool, the lock on the log, the state that the last scheduler left.

use crate::dispatch::policy;
use crate::intake::Parts;
use crate::log::Replay;
use crate::state::Scheduler;
use farm::clock::moment;
use farm::config::{Channel, Common, Scheduler as Section, SpoolLimits};
use farm::exit::{Exit, Fatal};
use farm::hints::Hints;
use farm::journal::Journal;
use spool::log::Log;
use spool::{Disk, Segments, SpoolError, Tuning};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The owner's name in the log's file name.
const OWNER: &str = "scheduler";

/// How long an earlier scheduler may go on draining, in milliseconds.
const PATIENCE: u64 = 60_000;

/// Between two looks at the lock.
const EACH: Duration = Duration::from_millis(100);

/// The section of the configuration that the scheduler gets.
pub(super) type Settings = (Section, BTreeMap<String, Channel>);

/// The scheduler as the last one left it; `true` if there was none, so that no agent can have anything to report.
///
/// # Errors
/// The spool cannot be opened, or another scheduler holds its log.
pub(super) fn scheduler(
    common: &Common,
    settings: &Settings,
    journal: Journal,
) -> Result<(Scheduler, bool), Fatal> {
    let mut spool = open_spool(&common.paths.spool, &common.spool)?;
    let (log, replay) = open_log(&mut spool)?;
    spool
        .start_flusher(farm::clock::microseconds)
        .map_err(Fatal::doing(Exit::System, "flusher of the spool"))?;
    let router_hints =
        Hints::to(&common.paths.run.join("router.notify")).map_err(Fatal::doing(Exit::System, "hints"))?;
    let (section, channels) = settings;
    let first = replay.lines == 0;
    let mut scheduler = Scheduler::restore(Parts {
        hostname: common.hostname.clone(),
        spool,
        log,
        replay,
        policy: policy(section, channels, &common.hostname),
        router_hints,
        journal,
        now: moment(),
    })?;
    scheduler.keeper.set_after(section.compact_after);
    scheduler.notice_content = section.notice_content;
    if !first {
        // Those that are to report are heard from now on.
        scheduler.await_reports(moment());
    }
    Ok((scheduler, first))
}

fn open_spool(root: &Path, limits: &SpoolLimits) -> Result<Segments, Fatal> {
    let tuning = Tuning {
        memory_limit: usize::try_from(limits.memory_limit).unwrap_or(usize::MAX),
        segment_size: limits.segment_size,
        // What accepting mail leaves free is for what must be written about it.
        reserve: limits.reserve / 4,
        ..Tuning::default()
    };
    let disk =
        Disk::new(root).with_free_probe(sys::space::free_octets).with_flushes(limits.backend.is_lasting());
    Segments::open(Arc::new(disk), tuning).map_err(failed(root))
}

/// Waits for the lock: an earlier scheduler may still be finishing.
fn open_log(spool: &mut Segments) -> Result<(Log, Replay), Fatal> {
    let until = moment().mono + PATIENCE;
    let mut replay = Replay::default();
    loop {
        match spool.open_log_with(OWNER, moment().utc, &mut |line| replay.hear(line)) {
            Err(SpoolError::LogBusy(_)) if moment().mono < until => std::thread::sleep(EACH),
            Ok(log) => return Ok((log, replay)),
            Err(error) => return Err(failed(Path::new("logs/scheduler"))(error)),
        }
    }
}

fn failed(what: &Path) -> impl FnOnce(SpoolError) -> Fatal {
    let what = what.display().to_string();
    move |error| {
        let exit = if matches!(error, SpoolError::LogBusy(_)) { Exit::Temporary } else { Exit::Io };
        Fatal::new(exit, format!("{what}: {error}"))
    }
}
