//! The tables that the configuration names.

use super::admission::Names;
use super::defaults::CHANNELS;
use super::problem::Problem;
use super::sections::{Config, Routes};
use crate::tables::{AccessTable, Aliases, PolicyTable, RouteTable, Rule, Senders, Target, Test, Users};
use std::fs;
use std::path::{Path, PathBuf};

/// Everything that is wrong with the tables that `config` names: they cannot be read, have lines that cannot be
/// understood, or name channels and lists that are not there. Inline routes are not among them: they were checked with
/// their places when the configuration was read.
pub(super) fn check_all(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Routes::File(file) = &config.router.routes {
        match fs::read(file) {
            Ok(octets) => problems.extend(RouteTable::parse(&octets, file, &CHANNELS).1),
            Err(error) => problems.push(unreadable(file, &error)),
        }
    }
    if let Some(file) = &config.router.aliases {
        match fs::read(file) {
            Ok(octets) => {
                let (aliases, found) = Aliases::parse(&octets, file);
                problems.extend(found);
                problems.extend(lists(&aliases, file));
            }
            Err(error) => problems.push(unreadable(file, &error)),
        }
    }
    problems.extend(config.auth.users.iter().flat_map(|file| checked(file, |o, f| Users::parse(o, f).1)));
    problems.extend(config.auth.senders.iter().flat_map(|file| checked(file, |o, f| Senders::parse(o, f).1)));
    let policy = &config.smtpserver.policy;
    problems
        .extend(policy.iter().flat_map(|file| checked(file, |octets, file| policy_in(config, octets, file))));
    problems.extend(
        config.admission.access.iter().flat_map(|file| checked(file, |o, f| AccessTable::parse(o, f).1)),
    );
    problems
}

fn policy_in(config: &Config, octets: &[u8], file: &Path) -> Vec<Problem> {
    let (table, mut problems) = PolicyTable::parse(octets, file);
    let asks = |rule: &&Rule| rule.conditions.iter().any(|condition| matches!(condition.test, Test::Name(_)));
    if let Some(rule) = table.rules.iter().find(asks)
        && !knows_names(config)
    {
        let wrong = "this rule asks for the name of a client, and none is looked up; write names = \"always\" in \
                     [admission]";
        problems.push(Problem::of_line(file, rule.line, wrong.to_owned()));
    }
    problems
}

/// Whether names of clients are found out, or said by a host that may say them.
fn knows_names(config: &Config) -> bool {
    let has_names =
        |file: &PathBuf| fs::read(file).is_ok_and(|octets| AccessTable::parse(&octets, file).0.has_names());
    let looked_up = match config.admission.names {
        Names::Never => false,
        Names::Access => config.admission.access.as_ref().is_some_and(has_names),
        Names::Always => true,
    };
    looked_up || !config.smtpserver.xclient_networks.is_empty()
}

fn checked(file: &Path, parse: impl Fn(&[u8], &Path) -> Vec<Problem>) -> Vec<Problem> {
    fs::read(file).map_or_else(|error| vec![unreadable(file, &error)], |octets| parse(&octets, file))
}

fn lists(aliases: &Aliases, file: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (line, target) in aliases.targets() {
        if let Target::Include(list) = target
            && let Err(error) = fs::File::open(list)
        {
            problems.push(Problem::of_line(
                file,
                line,
                format!(":include:{} cannot be read: {error}", list.display()),
            ));
        }
    }
    problems.sort_by_key(|problem| problem.line);
    problems
}

fn unreadable(file: &Path, error: &std::io::Error) -> Problem {
    Problem::of_file(file, format!("cannot be read: {error}"))
}
