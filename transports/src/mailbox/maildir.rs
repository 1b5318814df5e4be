//! A Maildir: `tmp`, `new` and `cur`, and a file that moves through them.

use super::layout::Place;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use sys::file::Directory;

/// An open Maildir.
#[derive(Debug)]
pub(super) struct Maildir {
    tmp: Directory,
    new: Directory,
    cur: Directory,
    path: PathBuf,
}

impl Maildir {
    /// Opens it with the rights that the process has now; makes what is missing, for its owner only.
    pub(super) fn open(place: &Place) -> io::Result<Self> {
        let mut directory = Directory::open(&place.base)?;
        for name in &place.names {
            directory = directory.ensure(name, PRIVATE)?;
        }
        let part = |name| directory.ensure(name, PRIVATE);
        Ok(Self { tmp: part("tmp")?, new: part("new")?, cur: part("cur")?, path: place.path() })
    }

    /// Whether the file is here from an earlier attempt. `received` is when the message was accepted, in seconds since
    /// 1970: when nobody has touched `cur` since then, the file cannot have been moved there.
    pub(super) fn has(&self, name: &str, received: i64) -> io::Result<bool> {
        if self.new.has_file(name)? || self.cur.has_file(name)? {
            return Ok(true);
        }
        if self.cur.changed()? < received.saturating_sub(SLACK) {
            return Ok(false);
        }
        // A mail reader has appended flags to the name. Only names are read here, and with the user's own rights.
        for entry in std::fs::read_dir(self.path.join("cur"))? {
            let known = entry?.file_name();
            let known = known.to_string_lossy();
            if known.strip_prefix(name).is_some_and(|flags| flags.starts_with(':')) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes a file and makes it durable in `new`. After an error nothing of it is left in sight.
    pub(super) fn deliver(
        &self,
        name: &str,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        // What lies there is from an attempt that died: nobody else uses this name.
        self.tmp.remove_file(name)?;
        let mut file = self.tmp.create_new(name, 0o600)?;
        let written = write(&mut file)
            .and_then(|()| file.sync_all())
            .and_then(|()| self.tmp.move_to(name, &self.new, name));
        if written.is_err()
            && let Err(error) = self.tmp.remove_file(name)
        {
            log::warn!("{name} stays in tmp: {error}");
        }
        written?;
        self.new.sync()
    }
}

/// Only the owner may look into it.
const PRIVATE: u16 = 0o700;

/// By how much clocks may differ, in seconds, where the mailbox is on another machine.
const SLACK: i64 = 60;
