//! Room on a file system, and which one lies in memory.

use std::io;
use std::path::{Path, PathBuf};

/// Octets that an ordinary user can still write to the file system that holds `path`.
///
/// # Errors
/// As `statvfs(3)`.
pub fn free_octets(path: &Path) -> io::Result<u64> {
    let facts = nix::sys::statvfs::statvfs(path)?;
    #[expect(clippy::useless_conversion, reason = "the width of these fields differs between systems")]
    let (blocks, size) = (u64::from(facts.blocks_available()), u64::from(facts.fragment_size()));
    Ok(blocks.saturating_mul(size))
}

/// A directory on a file system that lies in memory; where the system has none, the one for temporary files.
pub fn memory_directory() -> PathBuf {
    let shared = Path::new("/dev/shm");
    if cfg!(target_os = "linux") && shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_temporary_directory_has_room() {
        assert!(super::free_octets(&std::env::temp_dir()).unwrap() > 0);
    }
}
