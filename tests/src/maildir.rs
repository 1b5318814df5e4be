//! Reading a Maildir.

use std::path::{Path, PathBuf};

/// The messages in `new`, oldest first.
pub fn messages(maildir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(maildir.join("new")).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// What is left of a delivered message behind the trace headers that Grange adds, with CRLF line ends.
pub fn without_trace(message: &[u8]) -> Vec<u8> {
    let ours = [&b"Return-Path:"[..], b"Delivered-To:", b"Received:"];
    let mut rest = Vec::with_capacity(message.len());
    let mut lines = message.split_inclusive(|&octet| octet == b'\n').peekable();
    let mut expected = ours.iter();
    while let Some(line) = lines.peek() {
        let folded = matches!(line.first(), Some(b' ' | b'\t'));
        if !folded && !expected.any(|name| line.starts_with(name)) {
            break;
        }
        lines.next();
    }
    for line in lines {
        let bare = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
        rest.extend_from_slice(bare);
        if line.ends_with(b"\n") {
            rest.extend_from_slice(b"\r\n");
        }
    }
    rest
}
