//! A step in a local domain: aliases, users of the system, and the names that must exist.

use super::step::{Outcome, Step};
use crate::tables::{Lookup, Tables};
use farm::tables::Target;
use proto::address::{Mailbox, folded};
use proto::envelope::Route;
use proto::status::Status;

/// One step for an address in a local domain.
///
/// The order: the alias of the name, the alias of what stands before its first `+`, the user of the name, the user of
/// what stands before the `+`. Then `abuse` and `mailer-daemon` are `postmaster`, and `postmaster` is `root`.
///
/// Source: RFC 5321 section 4.5.1 (postmaster must be accepted), RFC 2142 section 4 (abuse).
pub(super) fn local<'a>(address: &Mailbox, tables: &'a Tables) -> Step<'a> {
    let mut name = address.user();
    loop {
        let step = named(address, &name, tables);
        let unknown = matches!(&step.outcome, Outcome::Refuse(..));
        match stand_in(&name) {
            Some(next) if unknown => name = next.to_owned(),
            _ => return step,
        }
    }
}

/// The user of the system that this name means, without a look into the aliases.
pub(super) fn user_of<'a>(address: &Mailbox, tables: &'a Tables) -> Step<'a> {
    user_step(address, tables.user(&address.user()), "local user")
}

/// The step that a look for a user has brought.
pub(super) fn user_step<'a>(address: &Mailbox, user: Lookup<String>, by: &str) -> Step<'a> {
    match user {
        Lookup::Found(user) => {
            let route = Route { channel: "mailbox".to_owned(), host: user.clone(), user };
            Step::new(Outcome::Route(route), by)
        }
        Lookup::NotFound => {
            let text = format!("<{address}> no such user");
            Step::new(Outcome::Refuse(Status::permanent(1, 1), text), "no alias, no user")
        }
        Lookup::Temporary(why) => Step::temporary(why),
        Lookup::Broken(why) => Step::broken(why),
    }
}

fn named<'a>(address: &Mailbox, name: &str, tables: &'a Tables) -> Step<'a> {
    let base = name.split_once('+').map(|(base, _)| base).filter(|base| !base.is_empty());
    let alias = alias(folded(name), tables).or_else(|| match base {
        Some(base) => alias(folded(base), tables),
        None => Lookup::NotFound,
    });
    match alias {
        Lookup::Found((name, targets, line)) => {
            Step::new(Outcome::Alias { name, targets }, format!("alias (aliases:{line})"))
        }
        Lookup::NotFound => {
            let user = tables.user(name).or_else(|| base.map_or(Lookup::NotFound, |base| tables.user(base)));
            user_step(address, user, "local user")
        }
        Lookup::Temporary(why) => Step::temporary(why),
        Lookup::Broken(why) => Step::broken(why),
    }
}

fn alias(name: String, tables: &Tables) -> Lookup<(String, &[Target], usize)> {
    tables.alias(&name).map(|(targets, line)| (name, targets, line))
}

fn stand_in(name: &str) -> Option<&'static str> {
    match name.to_ascii_lowercase().as_str() {
        "abuse" | "mailer-daemon" => Some("postmaster"),
        "postmaster" => Some("root"),
        _ => None,
    }
}
