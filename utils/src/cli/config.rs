//! `grange config check` and `grange config show`; how mistakes in a configuration are printed.

use super::arguments::Config as Verb;
use super::human;
use super::instance::Instance;
use super::print;
use farm::config::{Problem, render};
use farm::exit::{Exit, Fatal};
use serde_json::json;
use std::io::IsTerminal;

/// Checks, or shows.
///
/// # Errors
/// The configuration is wrong (78); all that is wrong has been printed.
pub(crate) fn config(instance: &Instance, verb: &Verb, json: bool) -> Result<(), Fatal> {
    match verb {
        Verb::Check => check(instance, json),
        Verb::Show { defaults } => {
            let config = instance.load().map_err(|problems| report(&problems, None))?;
            if json {
                let value =
                    serde_json::to_string(&config).map_err(Fatal::doing(Exit::Software, "configuration"))?;
                print::line(&value)?;
            } else {
                print::text(config.show(*defaults))?;
            }
            Ok(())
        }
    }
}

fn check(instance: &Instance, json: bool) -> Result<(), Fatal> {
    match instance.load_all() {
        Ok(_) if json => print::line(json!({"ok": true, "file": instance.file, "problems": []}))?,
        Ok(_) => print::line(format_args!("{}: no errors", instance.file.display()))?,
        Err(problems) if json => {
            let list: Vec<_> = problems.iter().map(as_json).collect();
            print::line(json!({"ok": false, "file": instance.file, "problems": list}))?;
            return Err(said());
        }
        Err(problems) if std::io::stderr().is_terminal() => {
            for problem in &problems {
                let source = std::fs::read_to_string(&problem.file).unwrap_or_default();
                eprintln!("{}\n", render(problem, &source, true));
            }
            eprintln!("{}.", human::counted(count(&problems), "error"));
            return Err(said());
        }
        Err(problems) => return Err(report(&problems, None)),
    }
    Ok(())
}

/// Prints all problems, one per line, and at last how many there are and what follows from that.
pub(crate) fn report(problems: &[Problem], consequence: Option<&str>) -> Fatal {
    for problem in problems {
        eprintln!("grange: {problem}");
    }
    let errors = human::counted(count(problems), "error");
    match consequence {
        Some(consequence) => eprintln!("{errors}; {consequence}."),
        None => eprintln!("{errors}."),
    }
    said()
}

/// The exit code of a wrong configuration, when everything has been said already.
fn said() -> Fatal {
    Fatal::new(Exit::Config, "")
}

fn count(problems: &[Problem]) -> u64 {
    u64::try_from(problems.len()).unwrap_or(u64::MAX)
}

fn as_json(problem: &Problem) -> serde_json::Value {
    json!({"file": problem.file, "line": problem.line, "column": problem.column, "message": problem.message})
}
