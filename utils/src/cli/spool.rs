//! `grange spool check`: reads every record of a spool and reports what is damaged; changes nothing.
//!
//! It asks nobody, so it works while Grange is stopped, and on a copy of a spool.

use super::print;
use farm::exit::{Exit, Fatal};
use serde_json::{Value, json};
use spool::{Disk, Report};
use std::path::Path;

/// Reads all of the spool in `directory`, and prints a line for each thing and a summary.
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
        print::line(&report)?;
    }
    if report.is_sound() { Ok(()) } else { Err(Fatal::new(Exit::Data, "the spool is damaged")) }
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

    #[test]
    fn a_directory_without_a_spool_is_told_from_an_empty_spool() {
        let scratch = tempfile::tempdir().unwrap();
        assert_eq!(check(scratch.path(), false).unwrap_err().exit, Exit::Io);
        spool::prepare(&Disk::new(scratch.path())).unwrap();
        check(scratch.path(), false).unwrap();
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
