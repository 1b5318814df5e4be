//! The journal of one program: a bounded buffer, written once per turn of the loop.

use super::field::write_to;
use super::sink::{LogFile, Stream};
use super::syslog::Syslog;
use super::{Event, ProgramEvent};
use crate::config::JournalTarget;
use std::fmt;
use std::io;
use std::path::Path;

/// Octets of lines that wait to be written; what comes beyond is dropped and counted.
const BUFFER: usize = 1 << 20;

/// Where one program writes its events.
///
/// Every line on stderr and in a file starts with the time in UTC, `2026-11-22T04:40:00.123Z`, and a blank; the system
/// log has a time of its own. Nothing here fails: what cannot be written waits, and is dropped when too much waits.
#[derive(Debug)]
pub struct Journal {
    program: String,
    sink: Sink,
    buffer: Vec<u8>,
    line: String,
    dropped: u64,
    lost: u64,
}

#[derive(Debug)]
enum Sink {
    Stream(Stream),
    File(LogFile),
    Syslog(Syslog),
}

impl Journal {
    /// The journal that the configuration asks for; `program` is the name in `grange status`.
    pub fn open(target: &JournalTarget, program: &str) -> Self {
        match target {
            JournalTarget::Stderr => Self::stderr(program),
            JournalTarget::Syslog => Self::syslog(program),
            JournalTarget::File(path) => Self::file(program, path),
        }
    }

    /// On standard error.
    pub fn stderr(program: &str) -> Self {
        Self::on(program, Sink::Stream(Stream::stderr()))
    }

    /// In the system log, facility mail, tagged `grange/PROGRAM[PID]`; on standard error while there is none.
    pub fn syslog(program: &str) -> Self {
        let (path, pid) = ("/dev/log".into(), std::process::id());
        Self::on(program, Sink::Syslog(Syslog::new(path, program, pid, Stream::stderr())))
    }

    /// In this file, appended; on standard error while it cannot be opened. A file that was rotated away is left within
    /// a second.
    pub fn file(program: &str, path: &Path) -> Self {
        Self::on(program, Sink::File(LogFile::new(path, Stream::stderr())))
    }

    fn on(program: &str, sink: Sink) -> Self {
        Self {
            program: program.to_owned(),
            sink,
            buffer: Vec::new(),
            line: String::new(),
            dropped: 0,
            lost: 0,
        }
    }

    /// Takes an event down; `now` is UTC in milliseconds. It is written by the next [`Journal::flush`].
    pub fn note(&mut self, event: &Event<'_>, now: u64) {
        self.own_up(now);
        self.add(event, now);
    }

    /// As [`Journal::note`], for an event of this program itself.
    pub fn note_own(&mut self, event: ProgramEvent<'_>, now: u64) {
        let program = std::mem::take(&mut self.program);
        self.note(&Event::Program(&program, event), now);
        self.program = program;
    }

    /// Writes what waits, in one call where the target allows it. Call it once per turn of the loop, and before exit.
    pub fn flush(&mut self, now: u64) {
        if self.write_out(now) && self.dropped > 0 {
            self.own_up(now);
            self.write_out(now);
        }
    }

    /// The configuration was read again: look now whether the file was rotated away.
    pub fn reopen(&mut self) {
        if let Sink::File(file) = &mut self.sink {
            file.reopen();
        }
    }

    /// Lines that were lost since the program started.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Says how many lines were lost, as soon as there is room for it.
    fn own_up(&mut self, now: u64) {
        if self.dropped == 0 || self.buffer.len() >= BUFFER {
            return;
        }
        let lines = std::mem::take(&mut self.dropped);
        let program = std::mem::take(&mut self.program);
        self.add(&Event::Program(&program, ProgramEvent::JournalDropped { lines }), now);
        self.program = program;
    }

    fn add(&mut self, event: &Event<'_>, now: u64) {
        if self.buffer.len() >= BUFFER {
            (self.dropped, self.lost) = (self.dropped.saturating_add(1), self.lost.saturating_add(1));
            return;
        }
        self.line.clear();
        write_to(&mut self.line, format_args!("{} ", Stamp(now)));
        event.write_line(&mut self.line);
        self.line.push('\n');
        self.buffer.extend_from_slice(self.line.as_bytes());
    }

    /// `true` if something was taken.
    fn write_out(&mut self, now: u64) -> bool {
        if self.buffer.is_empty() {
            return true;
        }
        match self.sink.write(&self.buffer, now) {
            Ok(taken) => drop(self.buffer.drain(..taken.min(self.buffer.len()))),
            Err(error) => {
                log::debug!("journal: {error}");
                return false;
            }
        }
        true
    }
}

impl Sink {
    fn write(&mut self, lines: &[u8], now: u64) -> io::Result<usize> {
        match self {
            Self::Stream(stream) => stream.write(lines),
            Self::File(file) => file.write(lines, now),
            Self::Syslog(syslog) => syslog.write(lines, now),
        }
    }
}

/// A time, in the form of RFC 3339 section 5.6, UTC with milliseconds.
struct Stamp(u64);

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = i64::try_from(self.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        write!(f, "{:.3}", time.unwrap_or(jiff::Timestamp::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixDatagram;
    use std::sync::{Arc, Mutex};

    /// 2026-11-22T04:40:00.123Z
    const NOW: u64 = 1_795_322_400_123;

    /// A stream that takes so many octets per call, and none at all while it is stuck.
    #[derive(Clone, Default)]
    struct Pipe(Arc<Mutex<Taken>>);

    #[derive(Default)]
    struct Taken {
        text: Vec<u8>,
        calls: usize,
        stuck: bool,
        at_once: Option<usize>,
    }

    impl Write for Pipe {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            let mut taken = self.0.lock().unwrap();
            if taken.stuck {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let count = octets.len().min(taken.at_once.unwrap_or(usize::MAX));
            taken.text.extend_from_slice(&octets[..count]);
            taken.calls += 1;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Pipe {
        fn stream(&self) -> Stream {
            Stream::to(Box::new(self.clone()))
        }

        fn journal(&self) -> Journal {
            Journal::on("dns", Sink::Stream(self.stream()))
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().text.clone()).unwrap()
        }
    }

    fn ready(journal: &mut Journal, time: u64) {
        journal.note_own(ProgramEvent::Ready { time }, NOW);
    }

    #[test]
    fn a_turn_of_the_loop_is_one_write() {
        let pipe = Pipe::default();
        let mut journal = pipe.journal();
        (0..3).for_each(|time| ready(&mut journal, time));
        assert_eq!(pipe.text(), "");
        journal.flush(NOW);
        journal.flush(NOW);
        let line = |time| format!("2026-11-22T04:40:00.123Z dns ready time={time}ms\n");
        assert_eq!(pipe.text(), (0..3).map(line).collect::<String>());
        assert_eq!(pipe.0.lock().unwrap().calls, 1);
    }

    #[test]
    fn a_large_turn_reaches_a_pipe_in_pieces_of_whole_lines() {
        let pipe = Pipe::default();
        let mut journal = pipe.journal();
        (0..200).for_each(|time| ready(&mut journal, time));
        journal.flush(NOW);
        assert_eq!(pipe.text().lines().count(), 200);
        let taken = pipe.0.lock().unwrap();
        assert_eq!(taken.calls, taken.text.len().div_ceil(4_096), "pieces of nearly a pipe's size");
    }

    #[test]
    fn a_short_write_goes_on_where_it_stopped() {
        let pipe = Pipe::default();
        pipe.0.lock().unwrap().at_once = Some(7);
        let mut journal = pipe.journal();
        (0..3).for_each(|time| ready(&mut journal, time));
        journal.flush(NOW);
        assert_eq!(pipe.text().lines().filter(|line| line.ends_with("ms")).count(), 3);
    }

    #[test]
    fn what_cannot_be_written_waits_then_is_counted() {
        let pipe = Pipe::default();
        pipe.0.lock().unwrap().stuck = true;
        let mut journal = pipe.journal();
        let lines = 60_000;
        (0..lines).for_each(|_| ready(&mut journal, 1));
        journal.flush(NOW);
        pipe.0.lock().unwrap().stuck = false;
        journal.flush(NOW);
        let text = pipe.text();
        let kept = text.lines().filter(|line| line.ends_with("ready time=1ms")).count();
        let lost = lines - kept;
        assert!(kept > 10_000 && lost > 0);
        assert!(text.ends_with(&format!(" dns journal-dropped lines={lost}\n")));
        assert_eq!(journal.lost(), u64::try_from(lost).unwrap());
    }

    #[test]
    fn a_file_that_was_rotated_away_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let (path, old) = (directory.path().join("journal"), directory.path().join("journal.1"));
        let mut journal = Journal::file("dns", &path);
        ready(&mut journal, 1);
        journal.flush(NOW);
        std::fs::rename(&path, &old).unwrap();
        ready(&mut journal, 2);
        journal.flush(NOW + 500);
        ready(&mut journal, 3);
        journal.flush(NOW + 1_000);
        std::fs::remove_file(&path).unwrap();
        journal.reopen();
        ready(&mut journal, 4);
        journal.flush(NOW + 1_001);
        let read = |path| std::fs::read_to_string(path).unwrap();
        assert_eq!((read(&old).lines().count(), read(&path).lines().count()), (2, 1));
        assert!(read(&path).ends_with("time=4ms\n"));
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_replaced_by_stderr_until_it_can() {
        let directory = tempfile::tempdir().unwrap();
        let (path, pipe) = (directory.path().join("log/journal"), Pipe::default());
        let mut journal = Journal::on("dns", Sink::File(LogFile::new(&path, pipe.stream())));
        ready(&mut journal, 1);
        journal.flush(NOW);
        std::fs::create_dir(directory.path().join("log")).unwrap();
        ready(&mut journal, 2);
        journal.flush(NOW + 1_000);
        assert!(pipe.text().ends_with("time=1ms\n"));
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("time=2ms\n"));
    }

    #[test]
    fn the_system_log_gets_a_datagram_per_line_or_stderr_does() {
        let directory = tempfile::tempdir().unwrap();
        let (path, pipe) = (directory.path().join("log"), Pipe::default());
        let syslog = Syslog::new(path.clone(), "dns", 345, pipe.stream());
        let mut journal = Journal::on("dns", Sink::Syslog(syslog));
        ready(&mut journal, 1);
        journal.flush(NOW);
        assert!(pipe.text().ends_with("Z dns ready time=1ms\n"));
        let system_log = UnixDatagram::bind(&path).unwrap();
        (2..4).for_each(|time| ready(&mut journal, time));
        journal.flush(NOW + 1_000);
        let receive = || {
            let mut octets = [0; 200];
            let length = system_log.recv(&mut octets).unwrap();
            String::from_utf8(octets[..length].to_vec()).unwrap()
        };
        assert_eq!(receive(), "<22>grange/dns[345]: dns ready time=2ms");
        assert_eq!(receive(), "<22>grange/dns[345]: dns ready time=3ms");
        drop(system_log);
        ready(&mut journal, 4);
        journal.flush(NOW + 1_001);
        assert!(pipe.text().ends_with("time=4ms\n"), "nothing is lost when it goes away");
    }
}
