//! A table in a file that is read again when the file changes.
//!
//! If the new state has mistakes, or cannot be read, the last good one stays in use: a slip of an editor must not stop
//! the mail. A table that never was good answers "not now".

use super::{Lookup, Stamp, stamp};
use crate::config::Problem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

/// What the octets of a file mean, and what is wrong with them.
type Parse<T> = fn(&[u8], &Path) -> (T, Vec<Problem>);

/// What a file holds.
type Read = fn(&Path) -> io::Result<Vec<u8>>;

/// A table of type `T` in a file.
#[derive(Debug, Clone)]
pub struct Watched<T> {
    file: PathBuf,
    parse: Parse<T>,
    read: Read,
    state: Result<Arc<T>, String>,
    seen: Option<Stamp>,
    next_look: u64,
    /// What was wrong at the last look that found a change.
    complaint: Option<String>,
}

/// What a look at the file has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Nothing has changed.
    Same,
    /// The table has been read again.
    Renewed,
    /// The file has changed and has mistakes; the last good table stays in use, if there ever was one.
    Refused(Vec<Problem>),
}

/// How long a look at the file is good for, in milliseconds.
const LOOK: u64 = 1_000;

impl<T> Watched<T> {
    /// The table in `file`; it is not read before the first [`Watched::refresh`].
    pub fn new(file: &Path, parse: Parse<T>) -> Self {
        let state = Err(format!("{}: not read yet", file.display()));
        Self {
            file: file.to_owned(),
            parse,
            read: |file| fs::read(file),
            state,
            seen: None,
            next_look: 0,
            complaint: None,
        }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Looks whether the file has changed, and reads it again. `now` is in milliseconds of any clock that does not go
    /// back; calls within a second of the last look cost nothing.
    pub fn refresh(&mut self, now: u64) -> Look {
        if now < self.next_look {
            return Look::Same;
        }
        self.next_look = now.saturating_add(LOOK);
        // Before reading, so that a change in between is seen at the next look.
        let seen = stamp(&self.file);
        if seen.is_some() && seen == self.seen {
            return Look::Same;
        }
        self.seen = seen;
        let problems = match (self.read)(&self.file) {
            Ok(octets) => {
                let (table, problems) = (self.parse)(&octets, &self.file);
                if problems.is_empty() {
                    (self.state, self.complaint) = (Ok(Arc::new(table)), None);
                    return Look::Renewed;
                }
                problems
            }
            Err(error) => {
                // The file may be as it was when it can be read again.
                self.seen = None;
                vec![Problem::of_file(&self.file, format!("cannot be read: {error}"))]
            }
        };
        self.refused(problems)
    }

    /// The same complaint is not made twice.
    fn refused(&mut self, problems: Vec<Problem>) -> Look {
        let why = problems.first().map(ToString::to_string);
        if self.complaint == why {
            return Look::Same;
        }
        if let Err(known) = &mut self.state {
            *known = why.clone().unwrap_or_default();
        }
        self.complaint = why;
        Look::Refused(problems)
    }

    /// The table in use, or why there is none.
    pub fn table(&self) -> Lookup<&Arc<T>> {
        match &self.state {
            Ok(table) => Lookup::Found(table),
            Err(why) => Lookup::Temporary(why.clone()),
        }
    }

    /// Takes over the table of the former configuration, if it was in the same file.
    pub fn inherit(&mut self, former: &Self) {
        if self.file == former.file && self.state.is_err() {
            self.state = former.state.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::PolicyTable;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn write(file: &Path, text: &str) {
        let new = file.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, file).unwrap();
    }

    fn rules(table: &Watched<PolicyTable>) -> Option<usize> {
        match table.table() {
            Lookup::Found(table) => Some(table.rules.len()),
            _ => None,
        }
    }

    #[test]
    fn a_table_that_never_could_be_read_says_not_now_and_complains_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut table = Watched::new(&directory.path().join("policy"), PolicyTable::parse);
        assert!(matches!(table.table(), Lookup::Temporary(_)));
        assert!(matches!(table.refresh(1), Look::Refused(_)));
        assert_eq!(table.refresh(1_500), Look::Same);
        assert!(matches!(table.table(), Lookup::Temporary(why) if why.contains("cannot be read")));
    }

    #[test]
    fn the_last_good_table_is_kept_while_the_file_has_mistakes_or_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("policy");
        write(&file, "mail accept\n");
        let mut table = Watched::new(&file, PolicyTable::parse);
        assert_eq!((table.refresh(0), rules(&table)), (Look::Renewed, Some(1)));
        write(&file, "mail accept\nmial reject\n");
        assert_eq!((table.refresh(999), rules(&table)), (Look::Same, Some(1)));
        assert!(matches!(table.refresh(1_000), Look::Refused(_)));
        assert_eq!((table.refresh(2_000), rules(&table)), (Look::Same, Some(1)));
        fs::remove_file(&file).unwrap();
        assert!(matches!(table.refresh(3_000), Look::Refused(_)));
        assert_eq!((table.refresh(4_000), rules(&table)), (Look::Same, Some(1)));
        write(&file, "mail accept\nmail reject\n");
        assert_eq!((table.refresh(5_000), rules(&table)), (Look::Renewed, Some(2)));
    }

    #[test]
    fn a_file_that_could_not_be_read_is_tried_again_although_it_has_not_changed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("policy");
        // What cannot be read for a while, as when descriptors run out: only reading fails, the stamp stays.
        static SHORT: AtomicBool = AtomicBool::new(true);
        write(&file, "mail accept\n");
        let mut table = Watched::new(&file, PolicyTable::parse);
        table.read = |file| match SHORT.load(Ordering::Relaxed) {
            true => Err(io::Error::other("too many open files")),
            false => fs::read(file),
        };
        assert!(matches!(table.refresh(0), Look::Refused(_)));
        assert_eq!((table.refresh(1_000), rules(&table)), (Look::Same, None));
        SHORT.store(false, Ordering::Relaxed);
        assert_eq!((table.refresh(2_000), rules(&table)), (Look::Renewed, Some(1)));
    }

    #[test]
    fn a_new_configuration_with_the_same_file_begins_with_what_was_good() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("policy");
        write(&file, "mail accept\n");
        let mut old = Watched::new(&file, PolicyTable::parse);
        old.refresh(0);
        write(&file, "nonsense\n");
        let mut new = Watched::new(&file, PolicyTable::parse);
        new.inherit(&old);
        assert!(matches!(new.refresh(0), Look::Refused(_)));
        assert_eq!(rules(&new), Some(1));
    }
}
