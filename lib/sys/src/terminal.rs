//! The terminal of a person who types a password.

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};

/// Interrupt, as it comes while it is not turned into a signal.
const INTERRUPT: char = '\u{3}';

/// Restores the terminal, however reading ends.
struct Silence<'a> {
    terminal: &'a File,
    before: Termios,
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _as_it_was = tcsetattr(self.terminal, SetArg::TCSAFLUSH, &self.before);
    }
}

/// Asks at the controlling terminal and reads a line that does not show. Signals from the keyboard are held off, so that
/// none of them leaves a terminal behind that shows nothing.
///
/// # Errors
/// As `open(2)` on the terminal and `tcsetattr(3)`; `Interrupted` if the person gives up.
pub fn ask_secret(prompt: &str) -> io::Result<String> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    write!(terminal, "{prompt}")?;
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO | LocalFlags::ISIG);
    silent.local_flags.insert(LocalFlags::ICANON | LocalFlags::ECHONL);
    let line = {
        let _restored = Silence { terminal: &terminal, before };
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &silent)?;
        let mut line = String::new();
        BufReader::new(&terminal).read_line(&mut line)?;
        line
    };
    if line.contains(INTERRUPT) || !line.ends_with('\n') {
        return Err(io::ErrorKind::Interrupted.into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
