//! Taking over what dead writers left.
//!
//! A segment whose lock is free has no writer any more: it is locked, flushed, and its end found. If a later segment
//! records where this one ended, nothing beyond that was acknowledged, and it is cut off for good. Else the record lines
//! are read, and the contents of the last batch, the only one that a crash can have torn.

use super::kept::Kept;
use super::reading::open_segment;
use super::removal::{references_in, remove_if_there};
use crate::Defect;
use crate::error::{Context, SpoolError};
use crate::layout::{BLOCK, LARGE, NEW, SEGMENTS, align, ids_in, large_path, segment_path};
use crate::lease;
use crate::segment::{Found, Header, RecordLine, Scan, verify_content};
use crate::spool::{Announced, Damage, Takeover};
use crate::storage::{Access, Storage, Stored};
use proto::id::SpoolId;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

/// A segment that this process took over.
#[derive(Debug)]
pub(super) struct Adopted {
    /// Holds the lock.
    pub(super) kept: Kept,
    /// Where the last batch begins.
    pub(super) last_batch: u64,
    /// What is to be reported about it, once.
    news: Option<(Announced, Vec<Damage>)>,
}

/// See [`crate::Spool::takeover`].
pub(super) fn takeover(
    storage: &dyn Storage,
    adopted: &mut BTreeMap<SpoolId, Adopted>,
    cursors: &BTreeMap<SpoolId, u64>,
) -> Result<Takeover, SpoolError> {
    let mut found = Takeover::default();
    // Before the segments: a writer that dies in between has its large contents looked at the next time.
    let suspects = suspects(storage)?;
    remove_unnamed(storage)?;
    let numbers = ids_in(storage, SEGMENTS)?;
    let ends = recorded_ends(storage, &numbers)?;
    let mut busy = BTreeSet::new();
    for number in numbers {
        if adopted.contains_key(&number) {
            continue;
        }
        let cursor = cursors.get(&number).copied().unwrap_or(BLOCK);
        match adopt(storage, number, ends.get(&number).copied(), cursor)? {
            Adoption::Busy => {
                busy.insert(number);
            }
            Adoption::Gone => {}
            Adoption::Unreadable => found.unreadable.push(number),
            Adoption::Done(segment) => {
                adopted.insert(number, segment);
            }
        }
    }
    if !suspects.is_empty() && found.unreadable.is_empty() {
        found.orphans = remove_orphans(storage, suspects, &busy, adopted)?;
    }
    // Last, so that nothing goes unreported when something above fails.
    for (range, damage) in adopted.values_mut().filter_map(|segment| segment.news.take()) {
        found.segments.push(range);
        found.damage.extend(damage);
    }
    Ok(found)
}

enum Adoption {
    /// Its writer lives.
    Busy,
    /// It was removed meanwhile.
    Gone,
    /// Its header is damaged.
    Unreadable,
    Done(Adopted),
}

fn adopt(
    storage: &dyn Storage,
    number: SpoolId,
    recorded: Option<u64>,
    cursor: u64,
) -> Result<Adoption, SpoolError> {
    let path = segment_path(number);
    let file = match storage.open(&path, Access::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Adoption::Gone),
        other => other.during("open", &path)?,
    };
    if !file.try_lock().during("lock", &path)? {
        return Ok(Adoption::Busy);
    }
    file.flush().during("flush", &path)?;
    let header = match Header::read(&*file, number) {
        Err(SpoolError::Damaged { .. }) => return Ok(Adoption::Unreadable),
        other => other?,
    };
    let mut limit = file.length().during("measure", &path)?;
    if let Some(end) = recorded.filter(|end| *end < limit) {
        file.truncate(end).during("cut", &path)?;
        file.flush().during("flush", &path)?;
        limit = end;
    }
    survey(file, header, cursor, limit, recorded.is_some()).during("read", &path).map(Adoption::Done)
}

/// Reads the record lines from the cursor on, and finds the end.
fn survey(
    file: Arc<dyn Stored>,
    header: Header,
    cursor: u64,
    limit: u64,
    complete: bool,
) -> io::Result<Adopted> {
    let mut last: Vec<RecordLine> = Vec::new();
    let mut gaps = Vec::new();
    let mut scan = Scan::new(&*file, header.number, header.separator, cursor, limit);
    while let Some(found) = scan.next()? {
        match found {
            Found::Gap { from, to } => gaps.push((from, to)),
            Found::Record(line) => {
                if last.last().is_some_and(|before| before.batch != line.batch) {
                    last.clear();
                }
                last.push(line);
            }
        }
    }
    let end = last.last().map_or(align(cursor.max(BLOCK)).min(limit), |line| align(line.end()).min(limit));
    // In a segment that was left in good order no batch is torn.
    let last_batch = if complete { limit } else { last.first().map_or(end, |line| line.batch) };
    let seal = header.seal();
    let mut bad = BTreeSet::new();
    let segment = header.number;
    let damage = |from, to, defect| Damage { segment, from, to, defect, torn: from >= last_batch };
    let mut damages: Vec<Damage> =
        gaps.into_iter().map(|(from, to)| damage(from, to, Defect::Line)).collect();
    for line in last {
        if !verify_content(&*file, &line, seal)? {
            bad.insert(line.offset);
            damages.push(damage(line.offset, line.end(), Defect::Content));
        }
    }
    let range = Announced { segment, from: cursor.max(BLOCK).min(end), to: end };
    Ok(Adopted { kept: Kept::new(file, header, end, bad), last_batch, news: Some((range, damages)) })
}

/// Where segments ended, as their successors record it.
fn recorded_ends(storage: &dyn Storage, numbers: &[SpoolId]) -> Result<BTreeMap<SpoolId, u64>, SpoolError> {
    let mut ends = BTreeMap::new();
    for number in numbers {
        match open_segment(storage, *number) {
            Ok(open) => ends.extend(open.header.previous),
            Err(SpoolError::Damaged { .. } | SpoolError::Absent(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ends)
}

/// Removes files that their makers left before they had their name.
fn remove_unnamed(storage: &dyn Storage) -> Result<(), SpoolError> {
    for name in storage.list(SEGMENTS).during("list", SEGMENTS)? {
        let Some(number) = name.strip_suffix(NEW).and_then(|number| number.parse().ok()) else {
            continue;
        };
        if lease::is_dead(storage, number)? {
            remove_if_there(storage, &format!("{SEGMENTS}/{name}"))?;
        }
    }
    Ok(())
}

/// Large contents that nobody works on and whose writer is dead.
fn suspects(storage: &dyn Storage) -> Result<Vec<SpoolId>, SpoolError> {
    let mut suspects = Vec::new();
    for id in ids_in(storage, LARGE)? {
        // In this order: the lock of a file that a living writer is just making must not be touched.
        if lease::is_dead(storage, id)? && is_free(storage, &large_path(id))? {
            suspects.push(id);
        }
    }
    Ok(suspects)
}

/// Removes those suspects that no record refers to.
fn remove_orphans(
    storage: &dyn Storage,
    suspects: Vec<SpoolId>,
    busy: &BTreeSet<SpoolId>,
    adopted: &BTreeMap<SpoolId, Adopted>,
) -> Result<Vec<SpoolId>, SpoolError> {
    // A segment of the same lease that is still locked may hold the record: its writer is just dying.
    let leases: BTreeSet<u16> = busy.iter().map(|segment| segment.lease()).collect();
    let mut orphans: BTreeSet<SpoolId> = suspects.into_iter().collect();
    orphans.retain(|id| !leases.contains(&id.lease()));
    for (number, segment) in adopted {
        if orphans.is_empty() {
            break;
        }
        let references = segment.kept.references().during("read", &segment_path(*number))?;
        orphans.retain(|id| !references.may_refer_to(*id, segment.kept.header()));
    }
    // Copies refer to what writers of other leases have left.
    for number in busy {
        if orphans.is_empty() {
            break;
        }
        match open_segment(storage, *number) {
            Ok(open) if open.header.copies => {
                let references = references_in(&open).during("read", &segment_path(*number))?;
                orphans.retain(|id| !references.may_refer_to(*id, &open.header));
            }
            Ok(_) | Err(SpoolError::Absent(_)) => {}
            Err(SpoolError::Damaged { .. }) => orphans.clear(),
            Err(error) => return Err(error),
        }
    }
    for id in &orphans {
        remove_if_there(storage, &large_path(*id))?;
    }
    Ok(orphans.into_iter().collect())
}

fn is_free(storage: &dyn Storage, path: &str) -> Result<bool, SpoolError> {
    match storage.open(path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        other => other.during("open", path)?.try_lock().during("lock", path),
    }
}
