//! `newaliases`, and `sendmail -bi`: checks the aliases, and has them read again.
//!
//! There is no database to rebuild: the router reads the file itself.

use super::ask::is_running;
use super::config::report;
use super::human;
use super::instance::Instance;
use super::print;
use super::reload::reload;
use farm::exit::{Exit, Fatal, run};
use farm::tables::Aliases;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

/// Runs `newaliases` with the arguments of this process; those that others take are ignored.
pub fn newaliases() -> ExitCode {
    run("newaliases", || check_and_reload(&Instance::find(None)?))
}

/// Checks the aliases, says how many there are, and asks the running Grange to read them.
///
/// # Errors
/// The configuration, or the aliases, are wrong (78); the file cannot be read (74).
pub(crate) fn check_and_reload(instance: &Instance) -> Result<(), Fatal> {
    let config = instance.read().map_err(|problems| report(&problems, Some("the aliases were not read")))?;
    let Some(file) = &config.router.aliases else {
        print::line(format_args!(
            "there are no aliases; put them into {}",
            instance.paths.etc.join("aliases").display()
        ))?;
        return Ok(());
    };
    let octets = std::fs::read(file).map_err(Fatal::doing(Exit::Io, file.display().to_string()))?;
    let (aliases, problems) = Aliases::parse(&octets, file);
    if !problems.is_empty() {
        return Err(report(&problems, Some("the aliases are not good")));
    }
    print::line(summary(file, &aliases))?;
    if is_running(instance) {
        return reload(instance, false);
    }
    print::line("grange is not running; it reads them when it starts")?;
    Ok(())
}

fn summary(file: &Path, aliases: &Aliases) -> String {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    // An alias begins a line, and no other does.
    let entries: BTreeSet<usize> = aliases.targets().map(|(line, _)| line).collect();
    let targets = human::counted(number(aliases.targets().count()), "target");
    let mut text = format!("{}: {} alias", file.display(), human::count(number(entries.len())));
    if entries.len() != 1 {
        text.push_str("es");
    }
    format!("{text} with {targets}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_and_targets_are_counted() {
        let summary = |text: &str| {
            let (aliases, problems) = Aliases::parse(text.as_bytes(), Path::new("/a"));
            assert_eq!(problems, []);
            summary(Path::new("/a"), &aliases)
        };
        assert_eq!(summary("root: ann, bob\nops: root\n"), "/a: 2 aliases with 3 targets");
        assert_eq!(summary("root: ann\n"), "/a: 1 alias with 1 target");
    }
}
