//! The recipients that an address stands for: the spool pass.
//!
//! Aliases and lists are walked breadth first. An address that is reached twice counts once, which ends every loop;
//! two addresses with the same route are one recipient. What is refused on the way becomes a recipient of the channel
//! `error`, whose text goes to the sender in a notice. If any table on the way cannot be asked, nothing is expanded:
//! an expansion is whole or it waits.

use super::local::user_of;
use super::resolve::{DEEPEST, looping_text, single};
use super::step::{Outcome, Step, step};
use crate::tables::{Lookup, Tables};
use farm::tables::Target;
use proto::address::Mailbox;
use proto::envelope::Route;
use proto::status::Status;
use std::collections::{HashSet, VecDeque};
use std::path::Path;

/// One recipient that an address stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expansion {
    /// Its address: for RCPT and for notices.
    pub address: Mailbox,
    /// Where it goes.
    pub route: Route,
    /// The rules that decided, in their order.
    pub by: String,
}

/// The expansion has to wait.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NotNow {
    /// A status of class 4.
    pub status: Status,
    /// Which table cannot be asked, and why; for the operator.
    pub why: String,
}

/// The recipients that an accepted address stands for; at least one.
///
/// # Errors
/// A table or list cannot be asked now; the message waits, and nothing has been expanded.
pub fn expand(address: &Mailbox, tables: &Tables) -> Result<Vec<Expansion>, NotNow> {
    let mut walk = Walk {
        asked: address,
        tables,
        waiting: VecDeque::new(),
        seen: HashSet::new(),
        done: Done::default(),
    };
    walk.waiting.push_back(Item { address: address.clone(), last: false, depth: 0, by: String::new() });
    while let Some(item) = walk.waiting.pop_front() {
        let at_step =
            if item.last { user_of(&item.address, tables) } else { step(&item.address, None, tables) };
        walk.take(&item, at_step)?;
        if walk.done.all.len() + walk.waiting.len() > MOST {
            let text = format!("<{address}> stands for more than {MOST} recipients");
            return Ok(vec![failed(address, Status::permanent(2, 4), &text, &item.by)]);
        }
    }
    if walk.done.all.is_empty() {
        let (status, text) = looping_text(address);
        return Ok(vec![failed(address, status, &text, "alias loop")]);
    }
    Ok(walk.done.all)
}

/// Most recipients of one address.
const MOST: usize = 1_000_000;

struct Item {
    address: Mailbox,
    last: bool,
    depth: usize,
    by: String,
}

struct Walk<'a> {
    asked: &'a Mailbox,
    tables: &'a Tables,
    waiting: VecDeque<Item>,
    /// Aliases and lists that have been opened.
    seen: HashSet<String>,
    done: Done,
}

#[derive(Default)]
struct Done {
    all: Vec<Expansion>,
    routes: HashSet<Route>,
}

impl Done {
    fn add(&mut self, found: Expansion) {
        if self.routes.insert(found.route.clone()) {
            self.all.push(found);
        }
    }
}

impl Walk<'_> {
    fn take(&mut self, item: &Item, at_step: Step<'_>) -> Result<(), NotNow> {
        let by = if item.by.is_empty() { at_step.by } else { format!("{}, {}", item.by, at_step.by) };
        match at_step.outcome {
            Outcome::Route(route) => self.done.add(Expansion { address: item.address.clone(), route, by }),
            Outcome::Refuse(status, text) => self.done.add(failed(&item.address, status, &text, &by)),
            Outcome::Defer(status, why) => return Err(NotNow { status, why }),
            Outcome::Alias { name, targets } => {
                if item.depth >= DEEPEST {
                    let text = format!("<{}> is an alias nested too deep", self.asked);
                    self.done.add(failed(&item.address, Status::permanent(4, 6), &text, &by));
                } else if self.seen.insert(format!("alias {name}@{}", item.address.domain().canonical())) {
                    self.open(item, &name, targets, item.depth + 1, &by)?;
                }
            }
        }
        Ok(())
    }

    fn open(
        &mut self,
        item: &Item,
        alias: &str,
        targets: &[Target],
        depth: usize,
        by: &str,
    ) -> Result<(), NotNow> {
        for target in targets {
            match (target, single(target, alias, &item.address)) {
                (Target::Include(path), _) => self.list(item, alias, path, depth, by)?,
                (_, Some((address, last))) => {
                    self.waiting.push_back(Item { address, last, depth, by: by.to_owned() });
                }
                (Target::Address(text) | Target::Local(text) | Target::Final(text), None) => {
                    let text = format!("alias {alias}: {text} is not an address");
                    self.done.add(failed(&item.address, Status::permanent(1, 3), &text, by));
                }
            }
        }
        Ok(())
    }

    fn list(&mut self, item: &Item, alias: &str, path: &Path, depth: usize, by: &str) -> Result<(), NotNow> {
        let list = format!("list {} {}", path.display(), item.address.domain().canonical());
        if depth > DEEPEST || !self.seen.insert(list) {
            return Ok(());
        }
        let targets = match self.tables.list(path) {
            Lookup::Found(targets) => targets,
            Lookup::Broken(why) => return Err(NotNow { status: Status::transient(3, 5), why }),
            Lookup::Temporary(why) => return Err(NotNow { status: Status::transient(3, 0), why }),
            Lookup::NotFound => {
                let why = format!("{}: not there", path.display());
                return Err(NotNow { status: Status::transient(3, 0), why });
            }
        };
        self.open(item, alias, &targets, depth + 1, &format!("{by}, list {}", path.display()))
    }
}

/// The recipient that only brings this text to the sender.
fn failed(address: &Mailbox, status: Status, text: &str, by: &str) -> Expansion {
    let host = address.domain().canonical().into_owned();
    let route = Route { channel: "error".to_owned(), host, user: format!("{status} {text}") };
    Expansion { address: address.clone(), route, by: by.to_owned() }
}
