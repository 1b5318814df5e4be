//! `grange spool check`: reads every record of a spool and reports what is damaged; changes nothing.
//!
//! It asks nobody, so it works while Grange is stopped, and on a copy of a spool.

use super::human;
use super::print;
use super::table::{Side, Table, clean};
use farm::exit::{Exit, Fatal};
use serde_json::{Value, json};
use spool::{Disk, Report};
use std::path::Path;

/// Reads all of the spool in `directory`, and prints a row for each file, a line for each defect, and a summary.
///
/// # Errors
/// There is no spool there or it cannot be read (74), or something in it is damaged (65).
pub(crate) fn check(directory: &Path, json: bool) -> Result<(), Fatal> {
    if !directory.join("segments").is_dir() {
        let why = format!("{}: there is no spool here; it has a directory `segments`", directory.display());
        return Err(Fatal::new(Exit::Io, why));
    }
    let doing = Fatal::doing(Exit::Io, directory.display().to_string());
    let report = spool::check(&Disk::new(directory)).map_err(doing)?;
    if json {
        print::line(as_json(&report))?;
    } else {
        print::text(page(&report))?;
    }
    if report.is_sound() { Ok(()) } else { Err(Fatal::new(Exit::Data, "the spool is damaged")) }
}

fn page(report: &Report) -> String {
    let mut text = String::new();
    if !report.segments.is_empty() {
        text.push_str(&segments(report));
    }
    if !report.logs.is_empty() {
        text.push_str(&logs(report));
    }
    for defect in defects(report) {
        text.push_str(&clean(&defect));
        text.push('\n');
    }
    text + &summary(report)
}

fn segments(report: &Report) -> String {
    let (left, right) = (Side::Left, Side::Right);
    let mut table = Table::new(&[
        ("segment", left),
        ("state", left),
        ("records", right),
        ("content", right),
        ("size", right),
    ]);
    for segment in &report.segments {
        let state = match (segment.unreadable, segment.locked) {
            (true, _) => "unreadable",
            (false, true) => "in use",
            (false, false) => "left",
        };
        table.row([
            segment.number.to_string(),
            state.into(),
            human::count(segment.records),
            human::size(segment.content),
            human::size(segment.size),
        ]);
    }
    format!("{table}\n")
}

fn logs(report: &Report) -> String {
    let mut table = Table::new(&[("log", Side::Left), ("records", Side::Right), ("size", Side::Right)]);
    for log in &report.logs {
        table.row([log.name.clone(), human::count(log.records), human::size(log.size)]);
    }
    format!("{table}\n")
}

/// A line for each; places keep their exact octets, for whoever looks there.
fn defects(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for segment in &report.segments {
        let number = segment.number;
        if segment.unreadable {
            lines.push(format!("segment {number}: its header is not valid, so nothing in it can be read"));
        }
        for damage in &segment.damage {
            let kind = if damage.torn { "torn by a crash, never acknowledged" } else { "damaged" };
            let (from, to, why) = (human::count(damage.from), human::count(damage.to), &damage.defect);
            lines.push(format!("segment {number}, octets {from} to {to}: {kind}: {why}"));
        }
        lines.extend(segment.held.iter().map(|(id, why)| format!("message {id}: held: {why}")));
    }
    for log in &report.logs {
        if log.torn > 0 {
            lines.push(format!("log {}: {} at its end torn by a crash", log.name, human::size(log.torn)));
        }
        lines.extend(log.error.iter().map(|error| format!("log {}: {error}", log.name)));
    }
    let orphans = report.orphans.iter();
    lines.extend(orphans.map(|id| format!("large/{id}: belongs to no message; it will be removed")));
    lines
}

fn summary(report: &Report) -> String {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let unreadable = report.segments.iter().filter(|segment| segment.unreadable).count();
    let damage = report.segments.iter().flat_map(|segment| &segment.damage);
    let damaged = damage.filter(|damage| !damage.torn).count() + unreadable;
    format!(
        "{}: {} with {}, {}, {}, {} damaged\n",
        if report.is_sound() { "sound" } else { "damaged" },
        human::counted(number(report.segments.len()), "segment"),
        human::counted(report.segments.iter().map(|segment| segment.records).sum(), "record"),
        human::counted(report.large, "large content"),
        human::counted(number(report.logs.len()), "log"),
        human::counted(number(damaged), "place"),
    )
}

fn as_json(report: &Report) -> Value {
    let damage = |damage: &spool::Damage| json!({"from": damage.from, "to": damage.to, "why": damage.defect.to_string(), "torn": damage.torn});
    let segments: Vec<Value> = report
        .segments
        .iter()
        .map(|segment| {
            let held = segment.held.iter();
            json!({
                "number": segment.number.to_string(),
                "locked": segment.locked,
                "unreadable": segment.unreadable,
                "records": segment.records,
                "content": segment.content,
                "size": segment.size,
                "damage": segment.damage.iter().map(damage).collect::<Vec<_>>(),
                "held": held.map(|(id, why)| json!({"id": id.to_string(), "why": why.to_string()})).collect::<Vec<_>>(),
            })
        })
        .collect();
    let logs: Vec<Value> = report
        .logs
        .iter()
        .map(|log| {
            let error = log.error.as_ref().map(ToString::to_string);
            json!({"name": log.name, "records": log.records, "size": log.size, "torn": log.torn, "error": error})
        })
        .collect();
    let orphans: Vec<String> = report.orphans.iter().map(ToString::to_string).collect();
    json!({"sound": report.is_sound(), "segments": segments, "logs": logs, "large": report.large, "orphans": orphans})
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::address::ReversePath;
    use proto::envelope::{Envelope, Origin};
    use proto::message::shape_of;
    use spool::{Segments, Spool, Tuning};
    use std::sync::Arc;

    #[test]
    fn a_directory_without_a_spool_is_told_from_an_empty_spool() {
        let scratch = tempfile::tempdir().unwrap();
        assert_eq!(check(scratch.path(), false).unwrap_err().exit, Exit::Io);
        spool::prepare(&Disk::new(scratch.path())).unwrap();
        check(scratch.path(), false).unwrap();
    }

    #[test]
    fn people_see_sizes_with_units() {
        let scratch = tempfile::tempdir().unwrap();
        spool::prepare(&Disk::new(scratch.path())).unwrap();
        let tuning = Tuning { reserve: 0, ..Tuning::default() };
        let mut writer = Segments::open(Arc::new(Disk::new(scratch.path())), tuning).unwrap();
        let content = [b'x'; 14_220];
        let mut draft = writer.create(5).unwrap();
        draft.append(&content).unwrap();
        let (from, origin, shape) = (ReversePath::Null, Origin::default(), shape_of(&content));
        let envelope = Envelope {
            from,
            recipients: Vec::new(),
            received: 5,
            origin,
            shape,
            terms: proto::terms::Terms::default(),
        };
        writer.commit(draft, &envelope, 5).unwrap();
        writer.close_batch(5);
        assert_eq!(writer.completions().len(), 1);
        let page = page(&spool::check(&Disk::new(scratch.path())).unwrap());
        assert!(page.starts_with("segment             state   records  content "), "{page}");
        // How much of a segment is allocated at once is the spool's business.
        assert!(page.contains("  in use        1   14 KiB  ") && page.contains(" MiB\n"), "{page}");
        let last = "\nsound: 1 segment with 1 record, 0 large contents, 0 logs, 0 places damaged\n";
        assert!(page.ends_with(last), "{page}");
    }

    #[test]
    fn what_is_wrong_has_a_line_of_its_own() {
        let scratch = tempfile::tempdir().unwrap();
        spool::prepare(&Disk::new(scratch.path())).unwrap();
        std::fs::write(scratch.path().join("segments/01J8X4K2M7Q3RD0042"), "garbage").unwrap();
        let page = page(&spool::check(&Disk::new(scratch.path())).unwrap());
        assert!(page.contains("\nsegment 01J8X4K2M7Q3RD0042: its header is not valid"), "{page}");
        assert!(
            page.ends_with(
                "\ndamaged: 1 segment with 0 records, 0 large contents, 0 logs, 1 place damaged\n"
            ),
            "{page}"
        );
    }

    #[test]
    fn damage_is_an_exit_code_and_a_fact_for_programs() {
        let scratch = tempfile::tempdir().unwrap();
        spool::prepare(&Disk::new(scratch.path())).unwrap();
        std::fs::write(scratch.path().join("segments/01J8X4K2M7Q3RD0042"), "garbage").unwrap();
        assert_eq!(check(scratch.path(), true).unwrap_err().exit, Exit::Data);
        let value = as_json(&spool::check(&Disk::new(scratch.path())).unwrap());
        assert_eq!(value["sound"], false);
        assert_eq!(value["segments"][0]["unreadable"], true);
    }
}
