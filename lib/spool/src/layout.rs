//! Where everything lies below the root of the spool, and making a new root ready.

use crate::error::{Context, SpoolError};
use crate::storage::{Access, Storage, Stored, read_full, write_whole};
use proto::id::SpoolId;
use std::io;
use std::sync::Arc;

/// Directory of the segments.
pub(crate) const SEGMENTS: &str = "segments";
/// Directory of the contents that are too large for a segment.
pub(crate) const LARGE: &str = "large";
/// Directory of the writer leases.
pub(crate) const LEASES: &str = "leases";
/// Directory of the logs.
pub(crate) const LOGS: &str = "logs";
/// File that holds the host number.
pub(crate) const HOST: &str = "host";
/// End of the name of a file that is not complete yet.
pub(crate) const NEW: &str = ".new";
/// Batches begin at multiples of this many octets; so long is the header of a segment.
pub(crate) const BLOCK: u64 = 4096;

/// Limits and sizes; each field has a default, tests use small ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuning {
    /// A content longer than this goes to a file of its own. Octets, default 256 KiB.
    pub memory_limit: usize,
    /// A segment is full at this size. Octets, a multiple of 4,096, default 16 MiB.
    pub segment_size: u64,
    /// Zeros are written ahead in steps of this size. Octets, a multiple of 4,096, default 4 MiB.
    pub fill_step: u64,
    /// New drafts are refused when less than this is free. Octets, default 64 MiB.
    pub reserve: u64,
    /// The bound of a lease is pushed this far ahead. Milliseconds, default 60 s; renewed at half.
    pub lease_span: u64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            memory_limit: 256 << 10,
            segment_size: 16 << 20,
            fill_step: 4 << 20,
            reserve: 64 << 20,
            lease_span: 60_000,
        }
    }
}

/// The next multiple of a block, or the offset itself if it is one.
pub(crate) const fn align(offset: u64) -> u64 {
    offset.next_multiple_of(BLOCK)
}

/// `segments/<number>`
pub(crate) fn segment_path(number: SpoolId) -> String {
    format!("{SEGMENTS}/{number}")
}

/// `large/<id>`
pub(crate) fn large_path(id: SpoolId) -> String {
    format!("{LARGE}/{id}")
}

/// What stands in the root of a spool.
pub const NAMES: [&str; 5] = [HOST, LEASES, SEGMENTS, LARGE, LOGS];

/// The names in a directory that are ids, in order.
pub(crate) fn ids_in(storage: &dyn Storage, directory: &str) -> Result<Vec<SpoolId>, SpoolError> {
    let names = storage.list(directory).during("list", directory)?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// Makes the directories and draws the host number, where that has not been done yet. Called by the supervisor before
/// anything else uses the spool; doing it again changes nothing.
///
/// # Errors
/// What the storage says.
pub fn prepare(storage: &dyn Storage) -> Result<(), SpoolError> {
    for directory in ["", SEGMENTS, LARGE, LEASES, LOGS] {
        storage.make_directory(directory).during("make", directory)?;
    }
    let file = open_or_create(storage, HOST)?;
    if read_host(&*file)?.is_none() {
        let host = draw_host()?;
        let text = format!("GRANGE-HOST 1 {host:08} {:08x}\n", host_sum(host));
        write_whole(&*file, text.as_bytes(), 0).during("write", HOST)?;
        file.flush().during("flush", HOST)?;
    }
    storage.sync_directory("").during("sync", "")
}

/// A host number that hardly anybody else has: 24 random bits.
pub(crate) fn draw_host() -> Result<u32, SpoolError> {
    let mut octets = [0; 4];
    getrandom::fill(&mut octets).map_err(|_| SpoolError::Broken {
        call: "draw",
        path: HOST.to_owned(),
        kind: io::ErrorKind::Other,
    })?;
    Ok(u32::from_be_bytes(octets) >> 8)
}

/// The host number that [`prepare`] drew.
pub(crate) fn host(storage: &dyn Storage) -> Result<u32, SpoolError> {
    let file = match storage.open(HOST, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(SpoolError::NotPrepared),
        other => other.during("open", HOST)?,
    };
    read_host(&*file)?.ok_or(SpoolError::NotPrepared)
}

/// Opens a file for writing; creates it if there is none.
pub(crate) fn open_or_create(storage: &dyn Storage, path: &str) -> Result<Arc<dyn Stored>, SpoolError> {
    match storage.open(path, Access::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other.during("open", path),
    }
    match storage.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            storage.open(path, Access::Write).during("open", path)
        }
        other => other.during("create", path),
    }
}

fn read_host(file: &dyn Stored) -> Result<Option<u32>, SpoolError> {
    let mut buffer = [0; 64];
    let count = read_full(file, &mut buffer, 0).during("read", HOST)?;
    Ok(buffer.get(..count).and_then(parse_host))
}

fn parse_host(octets: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(octets).ok()?.strip_suffix('\n')?.strip_prefix("GRANGE-HOST 1 ")?;
    let (host, sum) = text.split_once(' ')?;
    let host = host.parse().ok().filter(|host| *host < 1 << 24)?;
    (u32::from_str_radix(sum, 16) == Ok(host_sum(host))).then_some(host)
}

fn host_sum(host: u32) -> u32 {
    crc32c::crc32c(format!("{host:08}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Disk;

    #[test]
    fn preparing_twice_keeps_the_host_number() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::new(directory.path());
        assert!(host(&disk).is_err());
        prepare(&disk).unwrap();
        let first = host(&disk).unwrap();
        prepare(&disk).unwrap();
        assert_eq!(host(&disk), Ok(first));
    }

    #[test]
    fn a_damaged_host_file_is_not_believed() {
        assert_eq!(parse_host(b"GRANGE-HOST 1 00000007 00000000\n"), None);
        assert_eq!(parse_host(b"GRANGE-HOST 1"), None);
        assert_eq!(parse_host(b""), None);
    }
}
