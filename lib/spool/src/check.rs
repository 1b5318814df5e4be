//! Looking at a whole spool without changing it: `grange spool check`.
//!
//! Every record, content, large file and log line is compared with its checksum. A spool may be in use meanwhile: what a
//! living writer is just adding may look torn, and is reported as such, not as damage.

use crate::SpoolError;
use crate::entry::Held;
use crate::error::{Context, Defect};
use crate::layout::{BLOCK, LARGE, LOGS, SEGMENTS, ids_in, large_path, segment_path};
use crate::lease;
use crate::log::{LogRecord, read_lines};
use crate::seal::Seal;
use crate::segment::{Found, RecordLine, Scan, verify_content};
use crate::segments::{Open, open_segment};
use crate::sheet::{self, LargeFile};
use crate::spool::Damage;
use crate::storage::{Access, Storage, length, octets, read_full};
use proto::id::SpoolId;
use proto::place::Place;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;

/// What a check found. Printed it is one line per thing, `key=value`, and a summary at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Every segment.
    pub segments: Vec<SegmentReport>,
    /// Every log.
    pub logs: Vec<LogReport>,
    /// Large contents that no record refers to and whose writer is dead; the next take-over removes them.
    pub orphans: Vec<SpoolId>,
    /// Large contents in all.
    pub large: u64,
}

/// What a check found in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentReport {
    /// Its number.
    pub number: SpoolId,
    /// Some process holds its lock: the writer, or the scheduler that took it over.
    pub locked: bool,
    /// Its header is not valid, so nothing in it could be read.
    pub unreadable: bool,
    /// Intact records.
    pub records: u64,
    /// Octets of content in them, large contents not counted.
    pub content: u64,
    /// Octets of the file.
    pub size: u64,
    /// What is not intact.
    pub damage: Vec<Damage>,
    /// Entries that this version does not fully understand.
    pub held: Vec<(SpoolId, Held)>,
}

/// What a check found in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogReport {
    /// Its file name.
    pub name: String,
    /// Valid lines after the first.
    pub records: u64,
    /// Octets.
    pub size: u64,
    /// Octets at the end that are not valid lines; the next opening cuts them off.
    pub torn: u64,
    /// Why it cannot be read, if it cannot.
    pub error: Option<SpoolError>,
}

impl Report {
    /// Nothing is wrong. What a crash left in the last batch of a segment or at the end of a log is not wrong.
    pub fn is_sound(&self) -> bool {
        let whole = |segment: &SegmentReport| {
            !segment.unreadable && segment.held.is_empty() && segment.damage.iter().all(|damage| damage.torn)
        };
        self.segments.iter().all(whole) && self.logs.iter().all(|log| log.error.is_none())
    }
}

/// Checks a spool.
///
/// # Errors
/// A directory or file could not be read at all; what is merely damaged is in the report.
pub fn check(storage: &dyn Storage) -> Result<Report, SpoolError> {
    let mut report = Report::default();
    let mut large: BTreeSet<SpoolId> = ids_in(storage, LARGE)?.into_iter().collect();
    report.large = octets(large.len());
    for number in ids_in(storage, SEGMENTS)? {
        report.segments.extend(check_segment(storage, number, &mut large)?);
    }
    for id in large {
        if lease::is_dead(storage, id)? {
            report.orphans.push(id);
        }
    }
    // After the segments: a large content goes only when a log already says that its message is finished.
    let mut logged = Logged::default();
    for name in storage.list(LOGS).during("list", LOGS)? {
        report.logs.push(check_log(storage, name, &mut logged)?);
    }
    for segment in &mut report.segments {
        let place = |offset| Place { segment: segment.number, offset };
        segment.damage.retain(|d| d.defect != Defect::Large || !logged.is_finished(place(d.from)));
    }
    Ok(report)
}

/// What the logs say of messages that nobody needs any more.
#[derive(Debug, Default)]
struct Logged {
    cursors: BTreeMap<SpoolId, u64>,
    waiting: BTreeSet<Place>,
    finished: BTreeSet<Place>,
}

impl Logged {
    fn note(&mut self, record: LogRecord) {
        match record {
            LogRecord::Cursor { segment, offset } => drop(self.cursors.insert(segment, offset)),
            LogRecord::Waiting(waiting) => drop(self.waiting.insert(waiting.place)),
            LogRecord::Done { place, recipients } if recipients.is_empty() => {
                self.finished.insert(place);
            }
            LogRecord::Moved { from, to } => {
                self.finished.insert(from);
                if self.waiting.remove(&from) {
                    self.waiting.insert(to);
                }
            }
            _ => {}
        }
    }

    fn is_finished(&self, place: Place) -> bool {
        let passed = self.cursors.get(&place.segment).is_some_and(|&cursor| place.offset < cursor);
        self.finished.contains(&place) || passed && !self.waiting.contains(&place)
    }
}

/// Checks a segment, and takes what it refers to out of `large`. `None` if it was removed meanwhile.
fn check_segment(
    storage: &dyn Storage,
    number: SpoolId,
    large: &mut BTreeSet<SpoolId>,
) -> Result<Option<SegmentReport>, SpoolError> {
    let mut report = SegmentReport {
        number,
        locked: false,
        unreadable: false,
        records: 0,
        content: 0,
        size: 0,
        damage: Vec::new(),
        held: Vec::new(),
    };
    let open = match open_segment(storage, number) {
        Ok(open) => open,
        Err(SpoolError::Absent(_)) => return Ok(None),
        Err(SpoolError::Damaged { .. }) => {
            report.unreadable = true;
            return Ok(Some(report));
        }
        Err(error) => return Err(error),
    };
    let path = segment_path(number);
    report.size = open.file.length().during("measure", &path)?;
    let mut checking = Checking { storage, open: &open, report, large, last_batch: 0 };
    checking.records().during("read", &path)?;
    let (mut report, last_batch) = (checking.report, checking.last_batch);
    for damage in &mut report.damage {
        damage.torn = damage.from >= last_batch;
    }
    report.locked = !open.file.try_lock().during("lock", &path)?;
    Ok(Some(report))
}

/// A segment under check.
struct Checking<'a> {
    storage: &'a dyn Storage,
    open: &'a Open,
    report: SegmentReport,
    large: &'a mut BTreeSet<SpoolId>,
    last_batch: u64,
}

impl Checking<'_> {
    fn records(&mut self) -> io::Result<()> {
        let header = &self.open.header;
        let mut scan = Scan::new(&*self.open.file, header.number, header.separator, BLOCK, self.report.size);
        while let Some(found) = scan.next()? {
            match found {
                Found::Gap { from, to } => self.damage(from, to, Defect::Line),
                Found::Record(line) => {
                    self.last_batch = line.batch;
                    let envelope = scan.envelope(&line)?;
                    let defect = self.record(&line, envelope)?;
                    if let Some(defect) = defect {
                        self.damage(line.offset, line.end(), defect);
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks all of a record; gives what is wrong with it.
    fn record(&mut self, line: &RecordLine, envelope: &[u8]) -> io::Result<Option<Defect>> {
        let seal = self.open.header.seal();
        if seal.sum(line.envelope_offset(), envelope) != line.envelope_sum {
            return Ok(Some(Defect::Envelope));
        }
        if !verify_content(&*self.open.file, line, seal)? {
            return Ok(Some(Defect::Content));
        }
        let sheet = sheet::parse(envelope);
        self.report.held.extend(sheet.held.map(|why| (line.id, why)));
        if let Some(file) = sheet.large {
            self.large.remove(&file.id);
            if file.id != line.id || !large_matches(self.storage, &file)? {
                return Ok(Some(Defect::Large));
            }
        }
        self.report.records += 1;
        self.report.content += line.content;
        Ok(None)
    }

    fn damage(&mut self, from: u64, to: u64, defect: Defect) {
        self.report.damage.push(Damage { segment: self.report.number, from, to, defect, torn: false });
    }
}

fn large_matches(storage: &dyn Storage, large: &LargeFile) -> io::Result<bool> {
    let file = match storage.open(&large_path(large.id), Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    let mut buffer = vec![0; 64 << 10];
    let (mut sum, mut at) = (Seal::of_id(large.id).start(0), 0);
    loop {
        let count = read_full(&*file, &mut buffer, at)?;
        sum = crc32c::crc32c_append(sum, buffer.get(..count).unwrap_or_default());
        at += octets(count);
        if count < buffer.len() {
            return Ok(at == large.length && sum == large.sum);
        }
    }
}

fn check_log(storage: &dyn Storage, name: String, logged: &mut Logged) -> Result<LogReport, SpoolError> {
    let path = format!("{LOGS}/{name}");
    let mut report = LogReport { name, records: 0, size: 0, torn: 0, error: None };
    let file = match storage.open(&path, Access::Read) {
        // Replaced by a checkpoint meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(report),
        other => other.during("open", &path)?,
    };
    report.size = file.length().during("measure", &path)?;
    let mut text = vec![0; length(report.size)];
    let count = read_full(&*file, &mut text, 0).during("read", &path)?;
    text.truncate(count);
    let id = report.name.rsplit('.').find_map(|part| part.parse().ok());
    match id.map(|id| read_lines(&text, id)) {
        Some(Ok((records, end))) => {
            report.records = octets(records.len());
            report.torn = report.size.saturating_sub(end);
            records.into_iter().for_each(|record| logged.note(record));
        }
        Some(Err(error)) => report.error = Some(error),
        None => report.torn = report.size,
    }
    Ok(report)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segments.iter().try_for_each(|segment| write!(f, "{segment}"))?;
        for log in &self.logs {
            let error = log.error.as_ref().map_or(String::new(), |error| format!(" error=\"{error}\""));
            let LogReport { name, records, size, torn, .. } = log;
            writeln!(f, "log {name} records={records} size={size} torn={torn}{error}")?;
        }
        self.orphans.iter().try_for_each(|id| writeln!(f, "orphan large/{id}"))?;
        let records: u64 = self.segments.iter().map(|segment| segment.records).sum();
        let damaged = self.segments.iter().flat_map(|segment| &segment.damage).filter(|damage| !damage.torn);
        let verdict = if self.is_sound() { "sound" } else { "damaged" };
        write!(
            f,
            "{verdict} segments={} records={records} large={} orphans={} logs={} damaged={}",
            self.segments.len(),
            self.large,
            self.orphans.len(),
            self.logs.len(),
            damaged.count()
        )
    }
}

impl fmt::Display for SegmentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, records, content, size, .. } = self;
        let state = match (self.unreadable, self.locked) {
            (true, _) => "unreadable",
            (false, true) => "in-use",
            (false, false) => "left",
        };
        writeln!(f, "segment {number} state={state} records={records} content={content} size={size}")?;
        for damage in &self.damage {
            let kind = if damage.torn { "torn" } else { "damage" };
            writeln!(f, "{kind} {number} from={} to={} why=\"{}\"", damage.from, damage.to, damage.defect)?;
        }
        self.held.iter().try_for_each(|(id, why)| writeln!(f, "held {id} why=\"{why}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Simulated;
    use crate::{Segments, Spool, conformance, prepare};
    use std::sync::Arc;

    fn spool() -> (Simulated, Segments) {
        let disk = Simulated::new();
        prepare(&disk).unwrap();
        let mut spool = Segments::open(Arc::new(disk.process()), crate::tests::world::tuning()).unwrap();
        for size in [100, 20_000] {
            let draft = conformance::draft(&mut spool, &vec![b'x'; size], 5);
            let envelope = conformance::envelope(draft.len());
            spool.commit(draft, &envelope, 5).unwrap();
        }
        assert_eq!(conformance::complete(&mut spool, 5).len(), 1);
        spool.replay("scheduler", 5).unwrap();
        (disk, spool)
    }

    #[test]
    fn a_sound_spool_is_counted() {
        let (disk, _spool) = spool();
        let report = check(&disk).unwrap();
        assert!(report.is_sound(), "{report}");
        let text = report.to_string();
        assert!(text.contains("state=in-use records=2 content=100 size=16384"), "{text}");
        assert!(text.ends_with("sound segments=1 records=2 large=1 orphans=0 logs=1 damaged=0"), "{text}");
    }

    #[test]
    fn damage_is_found_wherever_it_is() {
        let (disk, spool) = spool();
        drop(spool);
        let [large] = ids_in(&disk, LARGE).unwrap()[..] else { panic!("one") };
        disk.edit(&large_path(large), |data| data[7] ^= 1).unwrap();
        let report = check(&disk).unwrap();
        let [segment] = &report.segments[..] else { panic!("one") };
        assert!(matches!(segment.damage[..], [Damage { defect: Defect::Large, .. }]), "{report}");
        disk.edit(&segment_path(segment.number), |data| data[7] ^= 1).unwrap();
        let report = check(&disk).unwrap();
        assert!(!report.is_sound());
        assert!(report.segments[0].unreadable && !report.orphans.is_empty(), "{report}");
    }

    #[test]
    fn a_log_is_read_to_its_first_bad_line() {
        let (disk, spool) = spool();
        drop(spool);
        let [name] = &disk.list(LOGS).unwrap()[..] else { panic!("one") };
        disk.edit(&format!("{LOGS}/{name}"), |data| data.extend_from_slice(b"00000000 Cursor\n")).unwrap();
        assert_eq!(check(&disk).unwrap().logs[0].torn, 16);
    }
}
