//! `[spool] backend`: what becomes of mail that was acknowledged.
//!
//! Decides what each backend is called, where it lies and what is said about one that breaks the promise. Does not know
//! how one works: that is lib/spool.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What the spool is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backend {
    /// Segments on disk, flushed before mail is acknowledged.
    #[default]
    Segments,
    /// The same files in memory; no flush is made or waited for.
    Memory,
    /// Nothing is kept, so nothing is delivered.
    Null,
}

impl Backend {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Segments, Self::Memory, Self::Null];

    /// What it is called in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Segments => "segments",
            Self::Memory => "memory",
            Self::Null => "null",
        }
    }

    /// The one that is called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|backend| backend.name() == name)
    }

    /// What was acknowledged outlives this run and a crash.
    pub const fn is_lasting(self) -> bool {
        matches!(self, Self::Segments)
    }

    /// What an administrator must know about it; nothing about one that keeps its promise.
    pub const fn warning(self) -> Option<&'static str> {
        match self {
            Self::Segments => None,
            Self::Memory => {
                Some("acknowledged mail is not kept: it is lost when Grange stops or anything crashes")
            }
            Self::Null => Some("acknowledged mail is not kept: it is thrown away, and nothing is delivered"),
        }
    }

    /// The directory in which the farm works, if its spool on disk would be `spool`. What does not last lies in memory,
    /// in a directory of this spool alone; the one on disk is not touched.
    pub fn directory(self, spool: &Path) -> PathBuf {
        if self.is_lasting() {
            return spool.to_owned();
        }
        let name = format!("grange-{:016x}", digest(spool.as_os_str().as_encoded_bytes()));
        sys::space::memory_directory().join(name)
    }
}

/// FNV-1a: short, and the same in every build.
fn digest(octets: &[u8]) -> u64 {
    octets
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, octet| (sum ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_does_not_last_is_warned_of_and_lies_elsewhere() {
        let spool = Path::new("/var/spool/grange");
        for backend in Backend::ALL {
            assert_eq!(Backend::named(backend.name()), Some(backend));
            assert_eq!(backend.warning().is_none(), backend.is_lasting());
            assert_eq!(backend.directory(spool) == spool, backend.is_lasting());
        }
        assert_eq!(Backend::named("disk"), None);
    }

    #[test]
    fn two_spools_do_not_share_a_directory_in_memory() {
        let of = |spool: &str| Backend::Memory.directory(Path::new(spool));
        assert_ne!(of("/a/spool"), of("/b/spool"));
        assert_eq!(of("/a/spool"), of("/a/spool"));
        assert_eq!(digest(b"a"), 0xaf63_dc4c_8601_ec8c, "the published value");
    }
}
