//! `grange config check` and `grange config show`; how mistakes in a configuration are printed.

use super::arguments::Config as Verb;
use super::human;
use super::instance::Instance;
use super::print;
use farm::config::{Config, Problem, render};
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
            let config = instance.read().map_err(|problems| report(&problems, None))?;
            if json { print::line(whole(&config)?) } else { print::text(config.show(*defaults)) }
        }
    }
}

fn check(instance: &Instance, json: bool) -> Result<(), Fatal> {
    match instance.load() {
        Ok(config) if json => {
            let warnings: Vec<_> = config.warning().into_iter().collect();
            let file = &instance.file;
            print::line(json!({"ok": true, "file": file, "problems": [], "warnings": warnings}))?;
        }
        Ok(config) => {
            if let Some(warning) = config.warning() {
                eprintln!("grange: warning: {warning}");
            }
            print::line(format_args!("{}: no errors", instance.file.display()))?;
        }
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

/// Every parameter, with the keys and the units of the file. Programs get the defaults too: they do not know them.
fn whole(config: &Config) -> Result<serde_json::Value, Fatal> {
    let table = config.table().map_err(Fatal::doing(Exit::Software, "configuration"))?;
    serde_json::to_value(&table).map_err(Fatal::doing(Exit::Software, "configuration"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn programs_see_the_keys_and_units_of_the_file() {
        let text = "hostname = \"mail.example.org\"\n[scheduler]\nexpire = \"2d\"\n\
                    [[channel.smtp.host]]\nmatch = [\"*.slow.example\"]\nsessions-per-host = 4\n";
        let instance = Instance::find(Some("/nonexistent".into())).unwrap();
        let config = Config::parse(text, Path::new("grange.toml"), &instance.paths, "x").unwrap();
        let value = whole(&config).unwrap();
        assert_eq!(value["hostname"], "mail.example.org");
        assert_eq!(value["scheduler"]["expire"], "2d");
        assert_eq!(value["smtpserver"]["message-size"], "50M");
        assert_eq!(value["smtpserver"]["recipients"], 10_000);
        assert_eq!(value["channel"]["smtp"]["host"][0]["sessions-per-host"], 4);
    }
}
