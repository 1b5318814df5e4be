//! A receiving SMTP server that does what a test tells it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A message that the sink took.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// The argument of MAIL.
    pub from: String,
    /// The arguments of RCPT that were accepted.
    pub to: Vec<String>,
    /// The content, dots unstuffed.
    pub content: Vec<u8>,
    /// It came with BDAT.
    pub chunked: bool,
}

/// Chooses the reply to a command line; `None` is the ordinary one. The line `.` stands for the end of data.
pub type Script = dyn Fn(&str) -> Option<String> + Send + Sync;

/// A sink in a thread of its own, until it is dropped.
pub struct Sink {
    /// Where it listens, at 127.0.0.1.
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    taken: Mutex<Vec<Taken>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    stop: AtomicBool,
    script: Box<Script>,
}

impl Sink {
    /// A sink that takes everything.
    pub fn start() -> Self {
        Self::scripted(|_| None)
    }

    /// A sink that offers these extensions, as in `SIZE 1000`, and takes everything.
    pub fn offering(extensions: &[&str]) -> Self {
        let lines: String = extensions.iter().map(|extension| format!("250-{extension}\r\n")).collect();
        let hello = format!("250-sink\r\n{lines}250 HELP");
        Self::scripted(move |line| line.starts_with("EHLO").then(|| hello.clone()))
    }

    /// A sink whose replies come from a script. A reply of `close` closes the connection instead.
    pub fn scripted(script: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    /// A sink on a socket that the test bound.
    pub fn on(
        listener: TcpListener,
        script: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            taken: Mutex::default(),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            script: Box::new(script),
        });
        let ours = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ours.stop.load(Ordering::Relaxed) {
                    return;
                }
                ours.connections.fetch_add(1, Ordering::Relaxed);
                let session = Arc::clone(&ours);
                std::thread::spawn(move || {
                    let open = session.open.fetch_add(1, Ordering::Relaxed) + 1;
                    session.most_open.fetch_max(open, Ordering::Relaxed);
                    let _the_client_is_gone = session.serve(stream);
                    session.open.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Self { port, shared }
    }

    /// What it took so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap().clone()
    }

    /// How many messages it took so far.
    pub fn count(&self) -> usize {
        self.shared.taken.lock().unwrap().len()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// How many connections there were at once.
    pub fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::Relaxed)
    }

    /// Waits until it has taken this many messages.
    pub fn wait_for(&self, count: usize) -> Vec<Taken> {
        crate::wait_until(&format!("{count} messages at the sink"), || self.count() >= count);
        self.taken()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // The thread sees the flag when somebody knocks.
        let _knock = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut output = stream.try_clone()?;
        let mut input = BufReader::new(stream);
        let mut message = Taken::default();
        if !self.say(&mut output, "connect", "220 sink ESMTP")? {
            return Ok(());
        }
        let mut line = String::new();
        while {
            line.clear();
            input.read_line(&mut line)?
        } > 0
        {
            let command = line.trim_end().to_owned();
            let verb = command.get(..4).unwrap_or("").to_ascii_uppercase();
            if verb == "BDAT" {
                let (length, last) = command.get(5..).unwrap_or("").split_once(' ').unwrap_or(("", ""));
                assert_eq!(last, "LAST", "{command}");
                message.content = vec![0; length.parse().unwrap()];
                input.read_exact(&mut message.content)?;
                message.chunked = true;
                self.taken.lock().unwrap().push(message.clone());
            }
            let usual = match verb.as_str() {
                "EHLO" => {
                    "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 104857600"
                }
                "DATA" if message.to.is_empty() => "554 5.5.1 no recipients",
                "DATA" => "354 go on",
                "QUIT" => "221 2.0.0 bye",
                _ => "250 2.0.0 ok",
            };
            let reply = (self.script)(&command).unwrap_or_else(|| usual.to_owned());
            if !write(&mut output, &reply)? {
                return Ok(());
            }
            match verb.as_str() {
                "MAIL" | "RSET" => message = Taken { from: command.clone(), ..Taken::default() },
                "RCPT" if reply.starts_with('2') => message.to.push(command.clone()),
                "DATA" if reply.starts_with('3') => {
                    message.content = content(&mut input)?;
                    let reply = (self.script)(".").unwrap_or_else(|| "250 2.0.0 taken".into());
                    if reply.starts_with('2') {
                        self.taken.lock().unwrap().push(message.clone());
                    }
                    if !write(&mut output, &reply)? {
                        return Ok(());
                    }
                }
                "QUIT" => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }

    fn say(&self, output: &mut TcpStream, event: &str, usual: &str) -> std::io::Result<bool> {
        let reply = (self.script)(event).unwrap_or_else(|| usual.to_owned());
        write(output, &reply)
    }
}

/// Writes a reply; `false` if the connection is to be closed instead.
fn write(output: &mut TcpStream, reply: &str) -> std::io::Result<bool> {
    if reply == "close" {
        return Ok(false);
    }
    output.write_all(format!("{reply}\r\n").as_bytes())?;
    Ok(true)
}

fn content(input: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let start = content.len();
        if input.read_until(b'\n', &mut content)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = content.get(start..).unwrap_or_default();
        if line == b".\r\n" {
            content.truncate(start);
            return Ok(content);
        }
        if line.first() == Some(&b'.') {
            content.remove(start);
        }
    }
}
