//! The tables that the configuration names.

use super::defaults::CHANNELS;
use super::problem::Problem;
use super::sections::{Config, Routes};
use crate::tables::{AccessTable, Aliases, PolicyTable, RouteTable, Senders, Target, Users};
use std::fs;
use std::path::Path;

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
    problems.extend(policy.iter().flat_map(|file| checked(file, |o, f| PolicyTable::parse(o, f).1)));
    problems.extend(
        config.admission.access.iter().flat_map(|file| checked(file, |o, f| AccessTable::parse(o, f).1)),
    );
    problems
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
