//! Waiting for a line with a deadline.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// What came of the wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// The first line, without its end.
    Line(String),
    /// The other end closed without a line.
    Closed,
    /// Nothing came in time.
    Late,
}

/// Waits for the first line of `source`. After [`Ready::Late`] a thread goes on waiting until the process ends.
pub(crate) fn first_line(source: impl Read + Send + 'static, patience: Duration) -> Ready {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(source).read_line(&mut line);
        // The receiver is gone when it was too late.
        let _late = sender.send(read.map(|_| line));
    });
    match receiver.recv_timeout(patience) {
        Ok(Ok(line)) if !line.is_empty() => Ready::Line(line.trim_end().to_owned()),
        Err(RecvTimeoutError::Timeout) => Ready::Late,
        _ => Ready::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_three_ends_are_told_apart() {
        let patience = Duration::from_millis(50);
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"ready\n").unwrap();
        assert_eq!(first_line(reader, patience), Ready::Line("ready".into()));
        let (reader, writer) = std::io::pipe().unwrap();
        assert_eq!(first_line(reader, patience), Ready::Late);
        drop(writer);
        assert_eq!(first_line(&b""[..], patience), Ready::Closed);
    }
}
