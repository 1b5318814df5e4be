//! Standard output, which may be a pipe whose reader has seen enough, or a file on a full disk.

use farm::exit::{Exit, Fatal};
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Prints a text as it is.
///
/// # Errors
/// It cannot be written (74); that nobody reads any more is no error.
pub(crate) fn text(text: impl Display) -> Result<(), Fatal> {
    write(&text.to_string())
}

/// Prints a text and a line end.
///
/// # Errors
/// As [`text`].
pub(crate) fn line(text: impl Display) -> Result<(), Fatal> {
    write(&format!("{text}\n"))
}

fn write(text: &str) -> Result<(), Fatal> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Fatal::doing(Exit::Io, "standard output")),
    }
}
