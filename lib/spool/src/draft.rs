//! A message that is being received: in memory while it is small, in a file of its own when it grows.

use crate::entry::Kind;
use crate::error::{Context, SpoolError};
use crate::layout::large_path;
use crate::seal::Seal;
use crate::sheet::LargeFile;
use crate::storage::{Storage, Stored, octets, write_whole};
use proto::id::SpoolId;
use std::io;
use std::sync::Arc;

/// A large content goes to its file in parts of this many octets.
const PART: usize = 64 << 10;

/// After so many octets of a large content it is asked again whether there is room.
const ASK_EACH: u64 = 1 << 20;

/// A message before its commit. Dropping it forgets it, its file included.
#[derive(Debug)]
pub struct Draft {
    id: SpoolId,
    kind: Kind,
    preserved: Vec<String>,
    /// All of the content, or what has not gone to the file yet.
    buffer: Vec<u8>,
    limit: usize,
    /// Space that a large content must leave free, in octets.
    reserve: u64,
    /// Where a large content goes; without it what has been gathered is forgotten.
    storage: Option<Arc<dyn Storage>>,
    spill: Option<Spill>,
    /// Octets that were forgotten.
    forgotten: u64,
}

/// The file of a large content. Removed when dropped, unless its message was handed over for commit.
#[derive(Debug)]
struct Spill {
    storage: Arc<dyn Storage>,
    path: String,
    file: Arc<dyn Stored>,
    length: u64,
    /// Up to here there was room.
    granted: u64,
    sum: u32,
    keep: bool,
}

/// What a draft becomes at commit.
pub(crate) struct Finished {
    pub(crate) id: SpoolId,
    pub(crate) kind: Kind,
    pub(crate) preserved: Vec<String>,
    pub(crate) content: Vec<u8>,
    pub(crate) large: Option<(LargeFile, Arc<dyn Stored>)>,
}

impl Draft {
    pub(crate) fn new(id: SpoolId, limit: usize, reserve: u64, storage: Option<Arc<dyn Storage>>) -> Self {
        Self {
            id,
            kind: Kind::Message,
            preserved: Vec::new(),
            buffer: Vec::new(),
            limit,
            reserve,
            storage,
            spill: None,
            forgotten: 0,
        }
    }

    /// The id of the message.
    pub fn id(&self) -> SpoolId {
        self.id
    }

    /// Octets of content so far.
    pub fn len(&self) -> u64 {
        self.spill.as_ref().map_or(self.forgotten, |spill| spill.length) + octets(self.buffer.len())
    }

    /// No content has been appended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Says that this is a notice or a part of an expansion.
    pub fn set_kind(&mut self, kind: Kind) {
        self.kind = kind;
    }

    /// Carries optional lines of another entry along that nobody here understands.
    pub fn preserve(&mut self, lines: &[String]) {
        self.preserved.extend_from_slice(lines);
    }

    /// Appends to the content: CRLF line ends, no dot stuffing. Content over the memory limit goes to a file, without
    /// waiting for the disk.
    ///
    /// # Errors
    /// [`SpoolError::NoSpace`], [`SpoolError::Broken`]; the draft is of no use then.
    pub fn append(&mut self, part: &[u8]) -> Result<(), SpoolError> {
        self.buffer.extend_from_slice(part);
        let limit = if self.spill.is_some() { PART.min(self.limit) } else { self.limit };
        if self.buffer.len() > limit { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> Result<(), SpoolError> {
        let Some(storage) = &self.storage else {
            self.forgotten += octets(self.buffer.len());
            self.buffer.clear();
            return Ok(());
        };
        let spill = match &mut self.spill {
            Some(spill) => spill,
            empty => empty.insert(Spill::create(storage, self.id)?),
        };
        spill.ask_for_room(self.reserve)?;
        spill.write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Finished, SpoolError> {
        if self.spill.is_some() && !self.buffer.is_empty() {
            self.spill()?;
        }
        let large = self.spill.take().map(|mut spill| {
            spill.keep = true;
            (LargeFile { id: self.id, length: spill.length, sum: spill.sum }, Arc::clone(&spill.file))
        });
        Ok(Finished { id: self.id, kind: self.kind, preserved: self.preserved, content: self.buffer, large })
    }
}

impl Spill {
    fn create(storage: &Arc<dyn Storage>, id: SpoolId) -> Result<Self, SpoolError> {
        let path = large_path(id);
        let file = storage.create(&path).during("create", &path)?;
        let sum = Seal::of_id(id).start(0);
        let spill =
            Self { storage: Arc::clone(storage), path, file, length: 0, granted: 0, sum, keep: false };
        // The lock tells the scheduler that somebody still works on it.
        if !spill.file.try_lock().during("lock", &spill.path)? {
            return Err(SpoolError::from_io(
                "lock",
                &spill.path,
                &io::Error::from(io::ErrorKind::WouldBlock),
            ));
        }
        Ok(spill)
    }

    fn ask_for_room(&mut self, reserve: u64) -> Result<(), SpoolError> {
        if self.length >= self.granted {
            if self.storage.free().during("ask", "free space")? < reserve {
                return Err(SpoolError::NoSpace);
            }
            self.granted = self.length + ASK_EACH;
        }
        Ok(())
    }

    fn write(&mut self, part: &[u8]) -> Result<(), SpoolError> {
        write_whole(&*self.file, part, self.length).during("write", &self.path)?;
        self.sum = crc32c::crc32c_append(self.sum, part);
        self.length += octets(part.len());
        Ok(())
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = self.storage.remove(&self.path)
        {
            // It is an orphan now; a take-over removes it once this process is gone.
            log::warn!("removing {}: {error}", self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_that_has_nowhere_to_go_is_counted_and_not_held() {
        let mut draft = Draft::new(SpoolId::new(1, 2, 3, 4), 4096, 0, None);
        for _ in 0..1000 {
            draft.append(&[b'x'; 1000]).unwrap();
            assert!(draft.buffer.len() <= 4096, "{} octets are held", draft.buffer.len());
        }
        assert_eq!(draft.len(), 1_000_000);
    }
}
