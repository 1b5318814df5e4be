//! The ground on which the farm stands: its directories, the lock on them, the spool made ready.
//!
//! Invariant: nothing of the spool is touched before the lock is held, so a second start takes nothing from a first.

use farm::config::Common;
use farm::exit::{Exit, Fatal};
use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use sys::user::Account;

/// What is held while the supervisor lives.
#[derive(Debug)]
pub(super) struct Ground {
    /// The spool, if it does not outlive this run. Before the lock, for it goes first.
    _passing: Option<Passing>,
    _lock: File,
}

/// A directory that goes when this goes.
#[derive(Debug)]
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("grange: cannot remove {}: {error}", self.0.display());
        }
    }
}

/// Makes the directories, takes the lock that says: one supervisor per run directory, and makes the spool ready.
///
/// # Errors
/// Another supervisor runs, or a directory or file cannot be made or given away.
pub(super) fn prepare(common: &Common, account: Option<&Account>) -> Result<Ground, Fatal> {
    let (run, spool) = (&common.paths.run, &common.paths.spool);
    make(run)?;
    let lock = lock(&run.join("lock"))?;
    let lasting = common.spool.backend.is_lasting();
    let passing = if lasting { None } else { Some(passing(spool)?) };
    make(spool)?;
    spool::prepare(&spool::Disk::new(spool).with_flushes(lasting))
        .map_err(Fatal::doing(Exit::Io, format!("cannot prepare {}", spool.display())))?;
    if let Some(account) = account {
        for name in spool::NAMES {
            own(&spool.join(name), account)?;
        }
        own(spool, account)?;
    }
    Ok(Ground { _passing: passing, _lock: lock })
}

/// Gives a file, or a directory with what stands in it, to the account.
///
/// # Errors
/// As [`sys::ownership::give`].
pub(super) fn own(path: &Path, account: &Account) -> Result<(), Fatal> {
    sys::ownership::give(path, account, 1)
        .map_err(Fatal::doing(Exit::Io, format!("cannot give {} to {}", path.display(), account.name)))
}

fn make(directory: &Path) -> Result<(), Fatal> {
    std::fs::create_dir_all(directory)
        .map_err(Fatal::doing(Exit::Io, format!("cannot make {}", directory.display())))
}

/// Makes the directory anew. Others may write where it stands: one that somebody else has made is refused.
fn passing(directory: &Path) -> Result<Passing, Fatal> {
    let doing = |what| Fatal::doing(Exit::Io, format!("cannot {what} {}", directory.display()));
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        other => other.map_err(doing("remove"))?,
    }
    DirBuilder::new().mode(0o700).create(directory).map_err(doing("make"))?;
    Ok(Passing(directory.to_owned()))
}

fn lock(path: &Path) -> Result<File, Fatal> {
    let doing = || Fatal::doing(Exit::Io, path.display().to_string());
    let mut lock =
        File::options().create(true).truncate(false).write(true).read(true).open(path).map_err(doing())?;
    if lock.try_lock().is_err() {
        let pid = std::fs::read_to_string(path).unwrap_or_default();
        let why = format!("already running as process {}; `grange status` tells", pid.trim());
        return Err(Fatal::new(Exit::Unavailable, why));
    }
    lock.set_len(0).map_err(doing())?;
    lock.write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(doing())?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use farm::config::{Backend, Paths, defaults};

    fn common(root: &Path, backend: Backend) -> Common {
        let path = |name: &str| root.join(name);
        let paths = Paths { etc: path("etc"), spool: path("spool"), run: path("run"), libexec: path("lib") };
        let mut common = defaults(&paths, "mail.example.org").common;
        common.spool.backend = backend;
        common
    }

    #[test]
    fn a_spool_on_disk_stays_and_one_in_memory_goes() {
        let scratch = tempfile::tempdir().unwrap();
        for (backend, stays) in [(Backend::Segments, true), (Backend::Memory, false), (Backend::Null, false)]
        {
            let common = common(scratch.path(), backend);
            let kept = common.paths.spool.join("segments");
            drop(std::fs::remove_dir_all(&common.paths.spool));
            let ground = prepare(&common, None).unwrap();
            assert!(kept.is_dir());
            drop(ground);
            assert_eq!(kept.exists(), stays, "{backend:?}");
        }
    }

    #[test]
    fn what_a_killed_run_left_in_memory_is_gone_at_the_next_start() {
        let scratch = tempfile::tempdir().unwrap();
        let common = common(scratch.path(), Backend::Memory);
        let old = common.paths.spool.join("segments/old");
        std::mem::forget(prepare(&common, None).unwrap()._passing);
        std::fs::write(&old, "").unwrap();
        let _ground = prepare(&common, None).unwrap();
        assert!(!old.exists());
    }

    #[test]
    fn a_second_start_takes_nothing_from_the_first() {
        let scratch = tempfile::tempdir().unwrap();
        let common = common(scratch.path(), Backend::Memory);
        let _ground = prepare(&common, None).unwrap();
        let segment = common.paths.spool.join("segments/new");
        std::fs::write(&segment, "").unwrap();
        assert_eq!(prepare(&common, None).unwrap_err().exit, Exit::Unavailable);
        assert!(segment.exists());
    }
}
