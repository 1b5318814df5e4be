//! All tables of one generation, and their renewal.
//!
//! A file that changes is read again, at most once a second. If the new state has mistakes while the present one has
//! none, the present one stays in use: a slip of an editor must not stop the mail. A table that could never be read
//! answers "not now", and one with a line whose key cannot be understood answers "broken" where it would have said
//! "not found".

use super::generation::generation;
use super::{FileLists, Lists, Lookup, Stamp, SystemUsers, Users, stamp};
use farm::config::{CHANNELS, Common, Problem, Router, Routes};
use farm::tables::{Aliases, Hop, RouteTable, Target};
use ipc::routing::Generation;
use proto::address::Domain;
use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// Everything that routing asks.
pub struct Tables {
    common: Common,
    router: Router,
    local_domains: HashSet<String>,
    read: Read,
    users: Box<dyn Users>,
    lists: Box<dyn Lists>,
    next_look: u64,
    seen: [Option<Stamp>; 2],
}

/// What a look at the files has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refresh {
    /// Nothing has changed.
    Same,
    /// The tables have been read again; answers of the former generation no longer count.
    Renewed,
    /// The files have changed and have mistakes; the former tables stay in use.
    Kept(Vec<Problem>),
}

/// An entry of the routes table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteFound<'a> {
    /// Where it leads.
    pub hop: &'a Hop,
    /// `routes:7`, or `routes` for a pair in the configuration.
    pub by: String,
}

/// One state of the files.
struct Read {
    aliases: Result<Aliases, String>,
    routes: Result<RouteTable, String>,
    problems: Vec<Problem>,
    generation: Generation,
}

/// How long a look at the files is good for, in milliseconds.
const LOOK: u64 = 1_000;

impl Tables {
    /// Reads the tables that the configuration names. What is wrong with them is in [`Tables::problems`].
    pub fn load(common: &Common, router: &Router) -> Self {
        Self::with(common, router, Box::new(SystemUsers), Box::new(FileLists))
    }

    /// The same with other users and lists.
    pub fn with(common: &Common, router: &Router, users: Box<dyn Users>, lists: Box<dyn Lists>) -> Self {
        let seen = stamps(router);
        Self {
            local_domains: common.local_domains.iter().map(|name| name.to_ascii_lowercase()).collect(),
            read: read(common, router, seen),
            common: common.clone(),
            router: router.clone(),
            users,
            lists,
            next_look: 0,
            seen,
        }
    }

    /// Looks whether a file has changed, and reads it again. `now` is in milliseconds of any clock that does not go
    /// back; calls within a second of the last look cost nothing.
    pub fn refresh(&mut self, now: u64) -> Refresh {
        if now < self.next_look {
            return Refresh::Same;
        }
        self.next_look = now.saturating_add(LOOK);
        let seen = stamps(&self.router);
        let unread = self.read.aliases.is_err() || self.read.routes.is_err();
        if seen == self.seen && !unread {
            return Refresh::Same;
        }
        self.seen = seen;
        let fresh = read(&self.common, &self.router, seen);
        if self.read.problems.is_empty() && !fresh.problems.is_empty() {
            return Refresh::Kept(fresh.problems);
        }
        let same = fresh.generation == self.read.generation && fresh.problems == self.read.problems;
        self.read = fresh;
        if same { Refresh::Same } else { Refresh::Renewed }
    }

    /// The generation of the tables in use.
    pub fn generation(&self) -> Generation {
        self.read.generation
    }

    /// What is wrong with the tables in use.
    pub fn problems(&self) -> &[Problem] {
        &self.read.problems
    }

    /// What this host calls itself.
    pub fn hostname(&self) -> &str {
        &self.common.hostname
    }

    /// Whether the users of this domain are ours. An address literal is not: it means a host, not a domain.
    pub fn is_local(&self, domain: &Domain) -> bool {
        match domain {
            Domain::Name(_) => self.local_domains.contains(&*domain.canonical()),
            Domain::Literal(_) => false,
        }
    }

    /// Whether all users of this domain are routed alike: it is not ours, and no user of it has a route of his own.
    pub fn is_uniform(&self, domain: &Domain) -> bool {
        let apart = |table: &RouteTable| table.tells_users_apart(&domain.canonical().to_ascii_lowercase());
        !self.is_local(domain) && !self.read.routes.as_ref().map_or(true, apart)
    }

    /// The targets of the alias of this name ([`folded`](proto::address::folded)), and its line.
    pub fn alias(&self, name: &str) -> Lookup<(&[Target], usize)> {
        let table = match &self.read.aliases {
            Ok(table) => table,
            Err(why) => return Lookup::Temporary(why.clone()),
        };
        match table.get(name) {
            Some(alias) => match &alias.targets {
                Ok(targets) => Lookup::Found((targets, alias.line)),
                Err(why) => Lookup::Broken(why.clone()),
            },
            None => missing(table.gap()),
        }
    }

    /// The route of exactly this pattern (in lower case).
    pub fn route(&self, pattern: &str) -> Lookup<RouteFound<'_>> {
        let table = match &self.read.routes {
            Ok(table) => table,
            Err(why) => return Lookup::Temporary(why.clone()),
        };
        let Some(entry) = table.get(pattern) else { return missing(table.gap()) };
        let by = if entry.line == 0 { "routes".to_owned() } else { format!("routes:{}", entry.line) };
        match &entry.hop {
            Ok(hop) => Lookup::Found(RouteFound { hop, by }),
            Err(why) => Lookup::Broken(why.clone()),
        }
    }

    /// The user of the system that `name` means.
    pub fn user(&self, name: &str) -> Lookup<String> {
        self.users.lookup(name)
    }

    /// The targets in a list.
    pub fn list(&self, path: &Path) -> Lookup<Vec<Target>> {
        self.lists.lookup(path)
    }
}

fn missing<T>(gap: Option<&str>) -> Lookup<T> {
    gap.map_or(Lookup::NotFound, |why| Lookup::Broken(why.to_owned()))
}

fn stamps(router: &Router) -> [Option<Stamp>; 2] {
    let routes = match &router.routes {
        Routes::File(file) => stamp(file),
        Routes::Inline(_) => None,
    };
    [router.aliases.as_deref().and_then(stamp), routes]
}

/// Reads all files. The stamps were taken before, so that a change in between is seen at the next look.
fn read(common: &Common, router: &Router, [aliases, routes]: [Option<Stamp>; 2]) -> Read {
    let mut problems = Vec::new();
    let mut note = |found: Vec<Problem>| problems.extend(found);
    let generation = generation(common, router, aliases, routes);
    let aliases = router.aliases.as_deref().map_or_else(
        || Ok(Aliases::default()),
        |file| take(file, |octets| Aliases::parse(octets, file), &mut note),
    );
    let routes = match &router.routes {
        Routes::File(file) => take(file, |octets| RouteTable::parse(octets, file, &CHANNELS), &mut note),
        Routes::Inline(pairs) => {
            let (table, found) = RouteTable::inline(pairs, &CHANNELS);
            note(found);
            Ok(table)
        }
    };
    Read { aliases, routes, problems, generation }
}

fn take<T>(
    file: &Path,
    parse: impl FnOnce(&[u8]) -> (T, Vec<Problem>),
    note: &mut impl FnMut(Vec<Problem>),
) -> Result<T, String> {
    match fs::read(file) {
        Ok(octets) => {
            let (table, found) = parse(&octets);
            note(found);
            Ok(table)
        }
        Err(error) => {
            let problem = Problem::of_file(file, format!("cannot be read: {error}"));
            let why = problem.to_string();
            note(vec![problem]);
            Err(why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farm::config::{Paths, defaults};
    use std::path::PathBuf;

    struct Site {
        directory: tempfile::TempDir,
    }

    impl Site {
        fn new(aliases: &str) -> Self {
            let site = Self { directory: tempfile::tempdir().unwrap() };
            site.write(aliases);
            site
        }

        fn file(&self) -> PathBuf {
            self.directory.path().join("aliases")
        }

        fn write(&self, aliases: &str) {
            let new = self.directory.path().join("new");
            fs::write(&new, aliases).unwrap();
            fs::rename(new, self.file()).unwrap();
        }

        fn tables(&self) -> Tables {
            let etc = self.directory.path().to_owned();
            let paths = Paths { etc, spool: "/s".into(), run: "/r".into(), libexec: "/l".into() };
            let config = defaults(&paths, "mail.example.org");
            Tables::load(&config.common, &config.router)
        }
    }

    #[test]
    fn a_change_makes_a_new_generation_once_a_second() {
        let site = Site::new("a: b\n");
        let mut tables = site.tables();
        let first = tables.generation();
        assert_eq!(tables.refresh(0), Refresh::Same);
        site.write("a: b\nc: d\n");
        assert_eq!(tables.refresh(999), Refresh::Same);
        assert_eq!(tables.alias("c"), Lookup::NotFound);
        assert_eq!(tables.refresh(1_000), Refresh::Renewed);
        assert!(matches!(tables.alias("c"), Lookup::Found((_, 2))));
        assert_ne!(tables.generation(), first);
        assert_eq!(tables.generation(), site.tables().generation());
        assert_eq!(tables.refresh(5_000), Refresh::Same);
    }

    #[test]
    fn a_slip_keeps_the_former_tables() {
        let site = Site::new("a: b\n");
        let mut tables = site.tables();
        let first = tables.generation();
        site.write("a: /dev/null\n");
        assert!(matches!(tables.refresh(0), Refresh::Kept(problems) if problems[0].line == Some(1)));
        assert!(matches!(tables.alias("a"), Lookup::Found(_)));
        assert_eq!(tables.generation(), first);
        assert_eq!(tables.refresh(2_000), Refresh::Same);
        fs::remove_file(site.file()).unwrap();
        assert!(matches!(tables.refresh(4_000), Refresh::Kept(_)));
        site.write("a: c\n");
        assert_eq!(tables.refresh(6_000), Refresh::Renewed);
    }

    #[test]
    fn a_table_with_mistakes_from_the_start_is_doubted() {
        let site = Site::new("a: b\nnonsense\nc: d,,e\n");
        let mut tables = site.tables();
        assert_eq!(tables.problems().len(), 2);
        assert!(matches!(tables.alias("a"), Lookup::Found(_)));
        assert!(matches!(tables.alias("x"), Lookup::Broken(why) if why.contains("aliases:2:")));
        assert!(matches!(tables.alias("c"), Lookup::Broken(why) if why.contains("aliases:3:")));
        site.write("a: b\n");
        assert_eq!(tables.refresh(0), Refresh::Renewed);
        assert_eq!(tables.alias("x"), Lookup::NotFound);
    }

    #[test]
    fn a_table_that_cannot_be_read_is_not_now() {
        let site = Site::new("a: b\n");
        let aliases = Some(site.file());
        let paths =
            Paths { etc: "/nonexistent".into(), spool: "/s".into(), run: "/r".into(), libexec: "/l".into() };
        let mut config = defaults(&paths, "mail.example.org");
        config.router.aliases.clone_from(&aliases);
        fs::remove_file(site.file()).unwrap();
        let mut tables = Tables::load(&config.common, &config.router);
        assert!(matches!(tables.alias("a"), Lookup::Temporary(_)));
        assert_eq!(tables.refresh(0), Refresh::Same);
        site.write("a: b\n");
        assert_eq!(tables.refresh(1_000), Refresh::Renewed);
        assert!(matches!(tables.alias("a"), Lookup::Found(_)));
    }

    #[test]
    fn literals_are_never_local() {
        let tables = Site::new("").tables();
        assert!(tables.is_local(&"Mail.Example.org".parse().unwrap()));
        assert!(!tables.is_local(&"[127.0.0.1]".parse().unwrap()));
    }
}
