//! `grange check`: everything that a start needs, looked at beforehand.

use super::ask::is_running;
use super::instance::Instance;
use super::print;
use farm::config::{Config, JournalTarget, Listen, ListenAt};
use farm::exit::{Exit, Fatal};
use ipc::Role;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tls::TicketKeys;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    what: String,
    /// What is wrong with it, and the cure.
    problem: Option<String>,
    /// It works, and yet should not be so.
    warning: bool,
}

impl Finding {
    fn new(what: impl Into<String>, outcome: Result<(), String>) -> Self {
        Self { what: what.into(), problem: outcome.err(), warning: false }
    }

    fn warning(what: impl Into<String>) -> Self {
        Self { warning: true, ..Self::new(what, Ok(())) }
    }
}

/// Looks at everything, and prints a line for each.
///
/// # Errors
/// Something is wrong (78).
pub(crate) fn check(instance: &Instance, json: bool) -> Result<(), Fatal> {
    let findings = look(instance);
    for Finding { what, problem, warning } in &findings {
        match problem {
            _ if json => {
                let ok = problem.is_none();
                print::line(json!({"what": what, "ok": ok, "problem": problem, "warning": warning}))?;
            }
            None if *warning => print::line(format_args!("warning  {what}"))?,
            None => print::line(format_args!("ok       {what}"))?,
            Some(problem) => print::line(format_args!("problem  {what}: {problem}"))?,
        }
    }
    match findings.iter().filter(|finding| finding.problem.is_some()).count() {
        0 => Ok(()),
        1 => Err(Fatal::new(Exit::Config, "1 problem")),
        problems => Err(Fatal::new(Exit::Config, format!("{problems} problems"))),
    }
}

fn look(instance: &Instance) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut spool = instance.paths.spool.clone();
    match instance.load() {
        Ok(config) => {
            findings.push(Finding::new(format!("configuration {}", instance.file.display()), Ok(())));
            findings.extend(config.warning().map(Finding::warning));
            findings.extend(user(&config));
            findings.extend(listeners(&config, is_running(instance)));
            findings.extend(journal(&config));
            findings.extend(certificates(&config));
            spool = config.common.paths.spool;
        }
        Err(problems) => {
            findings.extend(problems.iter().map(|p| Finding::new("configuration", Err(p.to_string()))));
        }
    }
    for directory in [&spool, &instance.paths.run] {
        findings.push(Finding::new(format!("directory {}", directory.display()), writable(directory)));
    }
    for role in Role::ALL {
        let path = instance.paths.libexec.join(role.program().0);
        let what = format!("program {}", path.display());
        if !findings.iter().any(|finding| finding.what == what) {
            findings.push(Finding::new(what, executable(&path)));
        }
    }
    findings
}

fn user(config: &Config) -> Option<Finding> {
    let name = &config.common.user;
    if !sys::privilege::is_root() {
        return None;
    }
    let outcome = match sys::user::lookup_user(name) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(format!("does not exist; make it with `useradd --system {name}`, or set `user`")),
        Err(error) => Err(error.to_string()),
    };
    Some(Finding::new(format!("user {name}"), outcome))
}

fn listeners(config: &Config, running: bool) -> Vec<Finding> {
    let free = |listen: &Listen| match &listen.at {
        ListenAt::Network(address) => {
            let outcome = match sys::listen::tcp(*address) {
                Ok(_) => Ok(()),
                Err(error) if running && error.kind() == std::io::ErrorKind::AddrInUse => Ok(()),
                Err(error) => Err(error.to_string()),
            };
            Finding::new(format!("address {address}"), outcome)
        }
        ListenAt::Unix(path) => {
            let outcome = path.parent().map_or(Ok(()), writable);
            Finding::new(format!("socket {}", path.display()), outcome)
        }
    };
    config.smtpserver.listen.iter().map(free).collect()
}

fn journal(config: &Config) -> Option<Finding> {
    let JournalTarget::File(file) = &config.common.journal else { return None };
    let directory = file.parent().unwrap_or_else(|| Path::new("/"));
    let outcome = if file.exists() {
        std::fs::File::options().append(true).open(file).map(|_| ()).map_err(|error| error.to_string())
    } else {
        writable(directory)
    };
    Some(Finding::new(format!("journal {}", file.display()), outcome))
}

/// The files of `[tls]`, and what is dubious about them.
fn certificates(config: &Config) -> Vec<Finding> {
    let count = config.tls.certificates.len();
    let now = farm::clock::moment().utc / 1000;
    let read = TicketKeys::draw(1).and_then(|tickets| crate::certificates::read(config, &tickets, now));
    match read {
        Ok(_) if count == 0 => Vec::new(),
        Ok((_, warnings)) => {
            let fine = Finding::new(format!("certificates: {count}"), Ok(()));
            let doubts =
                warnings.iter().map(|doubt| Finding::warning(format!("{}: {}", doubt.file, doubt.why)));
            std::iter::once(fine).chain(doubts).collect()
        }
        Err(error) => vec![Finding::new("certificates", Err(error.to_string()))],
    }
}

/// A file can be made there, or, if it does not exist yet, it can be made itself.
fn writable(directory: &Path) -> Result<(), String> {
    let existing = directory.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(directory);
    if !existing.is_dir() {
        return Err(format!("{} is not a directory", existing.display()));
    }
    let probe = existing.join(format!(".grange-check-{}", std::process::id()));
    match std::fs::File::options().write(true).create_new(true).open(&probe) {
        Ok(_) => std::fs::remove_file(&probe).map_err(|error| error.to_string()),
        Err(error) => Err(format!("cannot write in {}: {error}", existing.display())),
    }
}

fn executable(path: &Path) -> Result<(), String> {
    let facts = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if facts.is_file() && facts.permissions().mode() & 0o111 != 0 {
        Ok(())
    } else {
        Err("is not an executable file".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_to_be_made_counts_as_writable() {
        let scratch = tempfile::tempdir().unwrap();
        assert_eq!(writable(&scratch.path().join("a/b")), Ok(()));
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
        let file = scratch.path().join("f");
        std::fs::write(&file, "").unwrap();
        assert!(writable(&file.join("x")).unwrap_err().ends_with("f is not a directory"));
    }

    #[test]
    fn a_program_must_be_executable() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("f");
        assert!(executable(&file).is_err());
        std::fs::write(&file, "").unwrap();
        assert_eq!(executable(&file), Err("is not an executable file".into()));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(executable(&file), Ok(()));
    }

    #[test]
    fn a_missing_configuration_is_one_finding_among_others() {
        let scratch = tempfile::tempdir().unwrap();
        let instance = Instance::find(Some(scratch.path().into())).unwrap();
        let findings = look(&instance);
        let problem =
            |what: &str| findings.iter().find(|f| f.what.starts_with(what)).unwrap().problem.is_some();
        assert!(problem("configuration"));
        assert!(!problem("directory"));
        assert!(problem("program"));
    }
}
