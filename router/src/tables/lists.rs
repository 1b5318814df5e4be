//! The files that `:include:` names, behind a seam for tests.

use super::Lookup;
use farm::tables::{Target, parse_list};
use std::fs;
use std::path::Path;

/// Where lists come from.
pub trait Lists {
    /// The targets in the list of this name. A list that is not there is "not now": someone may be replacing it.
    fn lookup(&self, path: &Path) -> Lookup<Vec<Target>>;
}

/// Lists in files.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileLists;

/// Longer lists than this (octets) are a mistake.
const LONGEST: u64 = 256 << 20;

impl Lists for FileLists {
    fn lookup(&self, path: &Path) -> Lookup<Vec<Target>> {
        let not_now = |error: &std::io::Error| Lookup::Temporary(format!("{}: {error}", path.display()));
        match fs::metadata(path) {
            Ok(facts) if !facts.is_file() => {
                return Lookup::Broken(format!("{}: not a regular file", path.display()));
            }
            Ok(facts) if facts.len() > LONGEST => {
                return Lookup::Broken(format!("{}: longer than {LONGEST} octets", path.display()));
            }
            Ok(_) => {}
            Err(error) => return not_now(&error),
        }
        match fs::read(path) {
            Ok(octets) => match parse_list(&octets, path) {
                Ok(targets) => Lookup::Found(targets),
                Err(problem) => Lookup::Broken(problem.to_string()),
            },
            Err(error) => not_now(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_its_absence_is_not_final() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("team");
        assert!(matches!(FileLists.lookup(&path), Lookup::Temporary(why) if why.contains("team")));
        fs::write(&path, "ann\nbob@b.example # why\n").unwrap();
        assert!(matches!(FileLists.lookup(&path), Lookup::Found(all) if all.len() == 2));
        fs::write(&path, "ann\na b\n").unwrap();
        assert!(matches!(FileLists.lookup(&path), Lookup::Broken(why) if why.contains("team:2:")));
        assert!(matches!(FileLists.lookup(directory.path()), Lookup::Broken(_)));
    }
}
