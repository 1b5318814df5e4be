//! Where lines go: a stream such as stderr, or a file that may be rotated away.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Milliseconds between two looks whether the file is still the one at its path.
const LOOK: u64 = 1_000;

/// Octets that a pipe takes in one piece (its least atomic size on the systems we know), so that the lines of several
/// programs on one stderr do not mix.
const PIECE: usize = 4_096;

/// A stream that is there: stderr.
pub(super) struct Stream {
    out: Box<dyn Write + Send>,
}

/// A file, opened for appending and opened again when another one, or none, stands at its path.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    open: Option<OpenFile>,
    looked: Option<u64>,
    torn: bool,
    fallback: Stream,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    identity: (u64, u64),
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

impl Stream {
    pub(super) fn stderr() -> Self {
        Self::to(Box::new(io::stderr()))
    }

    pub(super) fn to(out: Box<dyn Write + Send>) -> Self {
        Self { out }
    }

    /// Writes whole lines, as many per call as a pipe takes at once. Gives the octets that were taken; an error only if
    /// none were.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let mut taken = 0;
        while let Some(rest) = lines.get(taken..).filter(|rest| !rest.is_empty()) {
            match write_some(&mut self.out, piece(rest)) {
                Ok(0) => break,
                Ok(count) => taken += count,
                Err(error) if taken == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(taken)
    }
}

impl LogFile {
    /// Opens the file; while that fails, stderr takes its place.
    pub(super) fn new(path: &Path, fallback: Stream) -> Self {
        Self { path: path.to_owned(), open: None, looked: None, torn: false, fallback }
    }

    /// Looks at the path at the next write.
    pub(super) fn reopen(&mut self) {
        self.looked = None;
    }

    /// Writes lines in one call. Gives the octets that were taken.
    pub(super) fn write(&mut self, lines: &[u8], now: u64) -> io::Result<usize> {
        if !self.torn && self.looked.is_none_or(|looked| now.abs_diff(looked) >= LOOK) {
            self.looked = Some(now);
            self.look();
        }
        let Some(open) = &mut self.open else { return self.fallback.write(lines) };
        let taken = write_some(&mut open.file, lines)?;
        self.torn = lines.get(..taken).is_some_and(|part| !part.ends_with(b"\n"));
        Ok(taken)
    }

    /// Opens what stands at the path unless it is what is open already. The old file is kept until a new one is open.
    fn look(&mut self) {
        let there = std::fs::metadata(&self.path).ok().map(|there| identity(&there));
        if self.open.as_ref().is_some_and(|open| Some(open.identity) == there) {
            return;
        }
        match OpenFile::open(&self.path) {
            Ok(open) => self.open = Some(open),
            Err(error) => log::warn!("journal {}: {error}", self.path.display()),
        }
    }
}

impl OpenFile {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path)?;
        let identity = identity(&file.metadata()?);
        Ok(Self { file, identity })
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// The first lines that a pipe takes in one piece; at least one line.
fn piece(lines: &[u8]) -> &[u8] {
    let newline = |octet: &u8| *octet == b'\n';
    let within = lines.get(..PIECE).map_or(Some(lines.len()), |part| {
        part.iter().rposition(newline).or_else(|| lines.iter().position(newline)).map(|at| at + 1)
    });
    within.and_then(|end| lines.get(..end)).unwrap_or(lines)
}

fn write_some(out: &mut impl Write, octets: &[u8]) -> io::Result<usize> {
    loop {
        match out.write(octets) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
