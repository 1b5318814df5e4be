//! `sendmail -bs`: a program speaks SMTP on our standard input and output; we carry its octets to the smtpserver.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

/// Carries octets both ways until the server closes the connection.
///
/// # Errors
/// The server's side failed, or the output is closed.
pub(super) fn relay(
    stream: &UnixStream,
    input: impl Read + Send + 'static,
    output: &mut impl Write,
) -> io::Result<()> {
    let there = stream.try_clone()?;
    // It ends with the process if the server is the first to close.
    std::thread::spawn(move || carry(input, &mut &there).and_then(|()| there.shutdown(Shutdown::Write)));
    let mut here = stream;
    carry(&mut here, output)
}

/// Unlike `io::copy`, writes out at once what was read: the other side waits for it.
fn carry(mut input: impl Read, output: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match input.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if count == 0 {
            return Ok(());
        }
        output.write_all(buffer.get(..count).unwrap_or_default())?;
        output.flush()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_go_both_ways_until_the_server_closes() {
        let (here, mut there) = UnixStream::pair().unwrap();
        let server = std::thread::spawn(move || {
            there.write_all(b"220 here\r\n").unwrap();
            let mut heard = Vec::new();
            there.read_to_end(&mut heard).unwrap();
            there.write_all(b"221 bye\r\n").unwrap();
            heard
        });
        let mut output = Vec::new();
        relay(&here, &b"EHLO x\r\nQUIT\r\n"[..], &mut output).unwrap();
        assert_eq!(server.join().unwrap(), b"EHLO x\r\nQUIT\r\n");
        assert_eq!(output, b"220 here\r\n221 bye\r\n");
    }
}
