//! Runs the scripts of `tests/dialogues/` against a real server; `lib/proto/tests/dialogues.rs` describes their form and
//! runs them against the pure session.
//!
//! What a script says about questions to the router is not looked at here. What it says about a committed message is
//! compared with the journal and with what arrives in the Maildir.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use system_tests::daemon::local_user;
use system_tests::maildir::without_trace;
use system_tests::{Grange, PATIENCE, wait_for};

/// What is the matter with a script that is not run here.
fn excuse(text: &str) -> Option<&'static str> {
    let begins = |word: &str| text.lines().any(|line| line.starts_with(word));
    if words(text).iter().any(|word| NEEDS_MORE.contains(&word.as_str())) {
        Some("it needs certificates")
    } else if begins("wait ") {
        Some("it waits for minutes")
    } else if ["limit recipients", "limit message_size 1000"].into_iter().any(begins) {
        Some("its limit is below the least that can be configured")
    } else {
        None
    }
}

/// What a session may be that is tried elsewhere.
const NEEDS_MORE: [&str; 3] = ["starttls", "tls", "auth-under-tls"];

/// There is one account, `ann`, and her password is `secret`.
const ACCOUNT: &str = "ann:$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA\n";

const AUTH: &str = "[auth]\nmechanisms = [\"PLAIN\"]\nsender-login = \"any\"\nfailure-delay = \"10ms\"\n";

/// What a script says its session is.
fn words(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("session "));
    lines.flat_map(|line| line.split(' ')).map(str::to_owned).collect()
}

/// The configuration that a script needs beyond the usual one.
fn own_configuration(text: &str) -> String {
    let limit = |line: &str| {
        let (name, number) = line.strip_prefix("limit ")?.split_once(' ')?;
        let name = if name == "bad_commands" { "command-errors".to_owned() } else { name.replace('_', "-") };
        Some(format!("{name} = {number}\n"))
    };
    let word = |word: &String| match word.as_str() {
        "relay" => "relay-networks = [\"127.0.0.0/8\"]\n".to_owned(),
        "xclient" => "xclient-networks = [\"127.0.0.0/8\"]\n".to_owned(),
        "lmtp" => "listen = [\"lmtp://127.0.0.1:0\"]\n".to_owned(),
        "submission" => "listen = [\"submission://127.0.0.1:0\"]\n".to_owned(),
        "auth" => String::new(),
        word => format!("{word} = \"yes\"\n"),
    };
    text.lines().filter_map(limit).chain(words(text).iter().map(word)).collect()
}

/// `usual`, where `own` does not say it otherwise.
fn beside(usual: &str, own: &str) -> String {
    let key = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let said: Vec<String> = own.lines().map(key).collect();
    usual.lines().filter(|line| !said.contains(&key(line))).map(|line| format!("{line}\n")).collect()
}

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialogues");
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let mut scripts: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "smtp")).collect();
    scripts.sort();
    scripts
}

/// A Grange that relays for nobody, has the users of the scripts, and puts `later` off.
fn grange(own: &str) -> Grange {
    let usual = beside("listen = [\"127.0.0.1:0\"]\nrelay-networks = []\n", own);
    let mut grange = Grange::prepare(&format!(
        "[smtpserver]\n{usual}{own}\
         [router]\nroutes = {{ \"later@example.org\" = \"error!4.3.0 try again later\" }}\n{AUTH}"
    ));
    std::fs::write(grange.root().join("etc/users"), ACCOUNT).unwrap();
    let user = local_user();
    let names: Vec<String> =
        scripts().iter().flat_map(|path| accepted(&std::fs::read_to_string(path).unwrap())).collect();
    let mut aliases = format!("root: {user}\nlist: ann@example.net, bob@example.net\n");
    let mut known: Vec<&String> = names.iter().filter(|name| *name != "postmaster").collect();
    known.sort();
    known.dedup();
    for name in known {
        aliases.push_str(&format!("\"{name}\": {user}\n"));
    }
    std::fs::write(grange.root().join("etc/aliases"), aliases).unwrap();
    grange.go();
    grange
}

/// The local parts that a script expects to be accepted.
fn accepted(script: &str) -> Vec<String> {
    let asks = script.lines().filter_map(|line| line.strip_prefix("ask ")?.strip_suffix(" -> accept"));
    asks.filter_map(|address| address.rsplit_once('@').map(|(local, _)| written_out(script, local))).collect()
}

/// A local part for which the script has only a pattern is the last text that is sent several times.
fn written_out(script: &str, local: &str) -> String {
    if local != "*" {
        return local.to_owned();
    }
    let repeated = script.lines().filter_map(|line| line.strip_prefix("C* ")?.split_once(' ')).next_back();
    repeated.map(|(count, text)| text.repeat(count.parse().unwrap())).expect("a long local part")
}

/// What only the pure session shows.
const NOT_LOOKED_AT: [&str; 8] =
    ["limit", "session", "ask", "verify", "expand", "etrn", "xclient", "xforward"];

/// Plays one script.
struct Play<'a> {
    name: String,
    grange: &'a Grange,
    stream: TcpStream,
    input: Vec<u8>,
    /// What the next reply must have brought about: sender, number of recipients, size.
    commit: Option<(String, String, usize)>,
    /// The content of the last message, as it arrived.
    arrived: Vec<u8>,
    /// A mailbox holds lines, so what is not made of them arrives in another form.
    binary: bool,
    closed: bool,
}

impl<'a> Play<'a> {
    fn new(name: String, grange: &'a Grange) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", grange.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let (input, arrived) = (Vec::new(), Vec::new());
        Self { name, grange, stream, input, commit: None, arrived, binary: false, closed: false }
    }

    fn run(mut self, text: &str, piece: usize) {
        let mut waiting = Vec::new();
        self.binary = text.contains("BODY=BINARYMIME");
        let meant = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        for (at, line) in meant {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            if !word.starts_with('C') && !waiting.is_empty() {
                self.send(&std::mem::take(&mut waiting), piece);
            }
            match word {
                "C:" => waiting.extend([rest.as_bytes(), b"\r\n"].concat()),
                "C|" => waiting.extend(unescape(rest)),
                "C*" => {
                    let (count, text) = rest.split_once(' ').unwrap();
                    waiting.extend(unescape(text).repeat(count.parse().unwrap()));
                }
                "S:" => self.expect(rest, at + 1),
                "commit" => self.note_commit(rest),
                "content" if self.binary => {}
                "content" => {
                    let (name, came) = (&self.name, self.arrived.escape_ascii());
                    assert_eq!(self.arrived, unescape(rest), "{name}, line {}: came {came}", at + 1);
                }
                "closed" => {
                    let rest = self.read_to_end();
                    assert!(rest.is_empty(), "{}: not expected: {rest:?}", self.name);
                    self.closed = true;
                }
                _ => assert!(NOT_LOOKED_AT.contains(&word), "not an item: {line}"),
            }
        }
        if !self.closed {
            self.stream.shutdown(Shutdown::Write).unwrap();
            let rest = self.read_to_end();
            assert!(rest.is_empty(), "{}: not expected: {rest:?}", self.name);
        }
    }

    fn send(&mut self, octets: &[u8], piece: usize) {
        for piece in octets.chunks(piece) {
            if let Err(error) = self.stream.write_all(piece) {
                // A server that has sent the client away reads no more; its last words are still there.
                assert!(
                    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset),
                    "{error}"
                );
                return;
            }
        }
    }

    fn expect(&mut self, pattern: &str, number: usize) {
        let came = self.reply();
        assert!(matches(pattern, &came), "{}, line {number}: expected {pattern:?}, came {came:?}", self.name);
        if let Some((from, rcpts, size)) = self.commit.take() {
            let id = came.split(' ').find(|word| word.len() == 18).expect("an id").to_owned();
            let line = self.grange.wait_for_line(&[&id, " accepted "]);
            let (from, rcpts) = (format!("from={from}"), format!("rcpts={rcpts}"));
            assert!(line.contains(&from) && line.contains(&rcpts), "{}: {line}", self.name);
            self.arrived = self.delivered(&id);
            assert!(
                self.binary || self.arrived.len() == size,
                "{}: {}",
                self.name,
                self.arrived.escape_ascii()
            );
        }
    }

    /// The content of this message in the Maildir.
    fn delivered(&self, id: &str) -> Vec<u8> {
        wait_for("the message arrives", || {
            let files = self.grange.mail_of(&local_user());
            let file = files.into_iter().find(|file| file.to_string_lossy().contains(id))?;
            Some(without_trace(&std::fs::read(file).unwrap()))
        })
    }

    fn note_commit(&mut self, said: &str) {
        let (from, rest) = said.split_once("> ").unwrap();
        let (rcpts, size) = rest.split_once(' ').unwrap();
        self.commit = Some((format!("{from}>"), rcpts.to_owned(), size.parse().unwrap()));
    }

    /// A reply in one line; `closed` at the end.
    fn reply(&mut self) -> String {
        let mut lines: Vec<String> = Vec::new();
        loop {
            let Some(line) = self.line() else { return "closed".to_owned() };
            let more = line.as_bytes().get(3) == Some(&b'-');
            let first = lines.is_empty();
            let text = line.get(4..).unwrap_or_default();
            lines.push(if first { format!("{} {text}", &line[..3]) } else { text.to_owned() });
            if !more {
                return without_repeated_status(&lines);
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.input.iter().position(|&octet| octet == b'\n') {
                let line: Vec<u8> = self.input.drain(..=end).collect();
                assert!(line.ends_with(b"\r\n"), "{}: a reply line ends with CRLF", self.name);
                return Some(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(octets) => self.input.extend(&buffer[..octets]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                // A read with a deadline is interrupted when the machine that runs the test is stopped and goes on.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("{}: no reply: {error}", self.name),
            }
        }
    }

    fn read_to_end(&mut self) -> String {
        std::iter::from_fn(|| self.line()).collect::<Vec<_>>().join(" / ")
    }
}

/// Each line of a reply carries the enhanced status; the scripts have it once.
fn without_repeated_status(lines: &[String]) -> String {
    let status = lines[0].split(' ').nth(1).filter(|word| word.matches('.').count() == 2).unwrap_or("none");
    let rest = lines[1..].iter().map(|line| line.strip_prefix(status).map_or(line.as_str(), str::trim_start));
    std::iter::once(lines[0].as_str()).chain(rest).collect::<Vec<_>>().join(" / ")
}

/// Whether `text` is what `pattern` says, where `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len()).any(|at| tail.get(at..).is_some_and(|tail| matches(rest, tail)))
        }),
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(if octet == b'\\' { escaped(&mut rest) } else { octet });
    }
    octets
}

fn escaped(rest: &mut impl Iterator<Item = u8>) -> u8 {
    match rest.next() {
        Some(b'r') => b'\r',
        Some(b'n') => b'\n',
        Some(b'0') => 0,
        Some(b's') => b' ',
        Some(b'\\') => b'\\',
        Some(b'x') => {
            let digits: String = rest.take(2).map(char::from).collect();
            u8::from_str_radix(&digits, 16).unwrap()
        }
        other => panic!("not an escape: {other:?}"),
    }
}

/// Runs the scripts whose need for limits is this; how many.
fn run_all(with_limits: bool, piece: usize) -> usize {
    let usual = (!with_limits).then(|| grange(""));
    let mut count = 0;
    for path in scripts() {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let own = own_configuration(&text);
        if let Some(excuse) = excuse(&text) {
            println!("{name} is not run against the server: {excuse}");
        } else if own.is_empty() != with_limits {
            let other = with_limits.then(|| grange(&own));
            Play::new(name, other.as_ref().or(usual.as_ref()).unwrap()).run(&text, piece);
            count += 1;
        }
    }
    count
}

#[test]
fn every_dialogue_runs_as_written() {
    let count = run_all(false, usize::MAX);
    assert!(count >= 35, "only {count} dialogues ran");
}

#[test]
fn every_dialogue_runs_in_small_pieces() {
    assert!(run_all(false, 3) >= 35);
}

#[test]
fn dialogues_with_limits_run_with_these_limits() {
    assert!(run_all(true, usize::MAX) >= 8);
}

#[test]
fn no_script_is_excused_without_need() {
    let excused = scripts().iter().filter(|p| excuse(&std::fs::read_to_string(p).unwrap()).is_some()).count();
    assert!(excused <= 10, "{excused} scripts are not run against the server");
}
