//! The users file and the senders file, read again when they change.
//!
//! Decides what is known of a user. A file that cannot be read, and a line of the users file that cannot be understood,
//! make the answer "not now" for whom it may concern. A user that is unknown has stand-ins: a password that nobody has and keys that fit
//! nothing, of the same cost as those of the others.

use crate::allowance::Limits;
use farm::config::{Auth, Problem, Rate};
use farm::tables::{Allowance, Senders, Stamp, StoredPassword, User, Users, stamp};
use ipc::auth::Grant;
use secrets::scram::Keys;
use secrets::stored::best;
use std::fs;
use std::path::{Path, PathBuf};

/// The word for a table that cannot tell.
pub const UNREADABLE: &str = "users-file";

/// How long a look at the files is good for, in milliseconds.
const LOOK: u64 = 500;

/// A password that nobody has, for when there is no other: the cost is that of `grange password`.
const STAND_IN: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Octets of a salt and iterations of SCRAM, for when no user has any.
const SCRAM: (usize, u32) = (16, 15_000);

/// What the octets of a file mean, and what is wrong with them.
type Parse<T> = fn(&[u8], &Path) -> (T, Vec<Problem>);

/// A table in a file, or why there is none.
#[derive(Debug)]
struct Table<T> {
    file: PathBuf,
    parse: Parse<T>,
    seen: Option<Stamp>,
    state: Result<T, String>,
}

impl<T> Table<T> {
    fn new(file: &Path, parse: Parse<T>) -> Self {
        Self { file: file.to_owned(), parse, seen: None, state: Err(String::new()) }
    }

    /// Reads the file again if it has changed; what is newly wrong.
    fn refresh(&mut self) -> Vec<Problem> {
        // Before reading, so that a change in between is seen at the next look.
        let seen = stamp(&self.file);
        if seen.is_some() && seen == self.seen && self.state.is_ok() {
            return Vec::new();
        }
        self.seen = seen;
        match fs::read(&self.file) {
            Ok(octets) => {
                let (table, problems) = (self.parse)(&octets, &self.file);
                self.state = Ok(table);
                problems
            }
            Err(error) => {
                let problem = Problem::of_file(&self.file, format!("cannot be read: {error}"));
                let why = problem.to_string();
                let known = self.state.as_ref().err() == Some(&why);
                self.state = Err(why);
                if known { Vec::new() } else { vec![problem] }
            }
        }
    }
}

/// All that is known of users.
#[derive(Debug)]
pub struct Accounts {
    users: Option<Table<Users>>,
    senders: Option<Table<Senders>>,
    limits: Limits,
    secret: [u8; 32],
    next_look: u64,
}

/// What a look for a user brings.
#[derive(Debug)]
pub enum Found<'a> {
    /// It is there.
    User(&'a User),
    /// There is none of this name.
    Unknown,
    /// Nobody can tell now.
    Unreadable,
}

impl Accounts {
    /// The accounts of a configuration; `secret` is what the stand-ins of unknown users are drawn from.
    pub fn new(section: &Auth, secret: [u8; 32]) -> Self {
        Self {
            users: section.users.as_deref().map(|file| Table::new(file, Users::parse)),
            senders: section.senders.as_deref().map(|file| Table::new(file, Senders::parse)),
            limits: Limits { messages: section.messages, recipients: section.recipients },
            secret,
            next_look: 0,
        }
    }

    /// What the stand-ins are drawn from.
    pub fn secret(&self) -> [u8; 32] {
        self.secret
    }

    /// Looks whether the files have changed; what is newly wrong with them. Costs nothing within half a second.
    pub fn refresh(&mut self, now: u64) -> Vec<Problem> {
        if now < self.next_look {
            return Vec::new();
        }
        self.next_look = now + LOOK;
        let mut problems = self.users.as_mut().map(Table::refresh).unwrap_or_default();
        problems.extend(self.senders.as_mut().map(Table::refresh).unwrap_or_default());
        problems
    }

    /// The user of this name.
    pub fn find(&self, name: &str) -> Found<'_> {
        let Some(Ok(users)) = self.users.as_ref().map(|table| &table.state) else { return Found::Unreadable };
        match users.get(name) {
            Some(user) if user.broken.is_none() => Found::User(user),
            None if users.gap().is_none() => Found::Unknown,
            _ => Found::Unreadable,
        }
    }

    /// What to compare a password of this user with, and whether it is really the user's.
    ///
    /// # Errors
    /// [`UNREADABLE`]
    pub fn password(&self, name: &str) -> Result<(StoredPassword, bool), &'static str> {
        let own = match self.find(name) {
            Found::User(user) => usable(user),
            Found::Unknown => None,
            Found::Unreadable => return Err(UNREADABLE),
        };
        let other = || self.all().find_map(usable).cloned();
        let stand_in = || StoredPassword::Argon2id(STAND_IN.to_owned());
        Ok(own.map_or_else(|| (other().unwrap_or_else(stand_in), false), |stored| (stored.clone(), true)))
    }

    /// The keys of this user, or a stand-in.
    ///
    /// # Errors
    /// [`UNREADABLE`]
    pub fn keys(&self, name: &str) -> Result<Keys, &'static str> {
        let own = match self.find(name) {
            Found::User(user) => scram(user),
            Found::Unknown => None,
            Found::Unreadable => return Err(UNREADABLE),
        };
        if let Some(keys) = own {
            return Ok(keys);
        }
        let (length, iterations) = self.all().find_map(scram).map_or(SCRAM, |k| (k.salt.len(), k.iterations));
        Ok(Keys::decoy(&self.secret, &name.to_lowercase(), length, iterations))
    }

    /// The user is there, and can do without SCRAM only.
    pub fn lacks_keys(&self, name: &str) -> bool {
        matches!(self.find(name), Found::User(user) if scram(user).is_none())
    }

    /// Whose certificate this is, by what it calls itself; the one user, or this one of several.
    ///
    /// # Errors
    /// A word for the journal.
    pub fn by_certificate(&self, names: &[String], wanted: Option<&str>) -> Result<&User, &'static str> {
        if names.is_empty() {
            return Err("no-certificate");
        }
        let Some(Ok(users)) = self.users.as_ref().map(|table| &table.state) else { return Err(UNREADABLE) };
        let is_named = |user: &&User| {
            user.certificates.iter().any(|own| names.iter().any(|name| name.eq_ignore_ascii_case(own)))
        };
        let mut owners = users.iter().filter(is_named);
        let owner = match wanted {
            Some(name) => owners.find(|user| user.name.eq_ignore_ascii_case(name)),
            None => owners.next().filter(|_| owners.next().is_none()),
        };
        match owner {
            Some(user) if user.broken.is_none() => Ok(user),
            None if users.gap().is_none() => Err("certificate"),
            _ => Err(UNREADABLE),
        }
    }

    /// What an account is granted that has proved itself; its name becomes that of the users file.
    ///
    /// # Errors
    /// [`UNREADABLE`]
    pub fn grant(&self, account: &str) -> Result<Grant, &'static str> {
        let user = match (&self.users, self.find(account)) {
            (Some(_), Found::User(user)) => Some(user),
            (Some(_), Found::Unreadable) => return Err(UNREADABLE),
            _ => None,
        };
        let mut senders = user.map(|user| user.senders.clone()).unwrap_or_default();
        match self.senders.as_ref().map(|table| &table.state) {
            Some(Ok(table)) => senders.extend_from_slice(table.of(account)),
            Some(Err(_)) => return Err(UNREADABLE),
            None => {}
        }
        let limits = self.limits(account);
        Ok(Grant {
            account: user.map_or_else(|| account.to_owned(), |user| user.name.clone()),
            senders,
            counts_messages: limits.messages.is_some(),
            counts_recipients: limits.recipients.is_some(),
        })
    }

    /// The limits of an account.
    pub fn limits(&self, account: &str) -> Limits {
        let Found::User(user) = self.find(account) else { return self.limits };
        let choose = |said: Allowance, usual: Option<Rate>| match said {
            Allowance::Unsaid => usual,
            Allowance::Unlimited => None,
            Allowance::Rate(rate) => Some(rate),
        };
        Limits {
            messages: choose(user.messages, self.limits.messages),
            recipients: choose(user.recipients, self.limits.recipients),
        }
    }

    fn all(&self) -> impl Iterator<Item = &User> {
        let users = self.users.iter().filter_map(|table| table.state.as_ref().ok());
        users.flat_map(Users::iter).filter(|user| user.broken.is_none())
    }
}

/// The form of a user's password to compare with, if it has a password.
fn usable(user: &User) -> Option<&StoredPassword> {
    best(&user.passwords).filter(|stored| **stored != StoredPassword::None)
}

fn scram(user: &User) -> Option<Keys> {
    user.passwords.iter().find_map(|stored| match stored {
        StoredPassword::Scram(keys) => Keys::read(keys),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
