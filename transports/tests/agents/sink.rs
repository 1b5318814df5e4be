//! A small SMTP server on the loopback that remembers everything and misbehaves when told to.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// How it behaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manners {
    /// Said in place of 220, then it closes.
    pub(crate) greeting: Option<&'static str>,
    /// It closes instead of answering the end of data.
    pub(crate) drop_after_data: bool,
    /// It closes each connection, without a word, when the first message is answered and the next MAIL comes.
    pub(crate) drop_second_mail: bool,
    /// Recipients it takes in one transaction.
    pub(crate) recipients: Option<usize>,
    /// It waits so long before it answers the end of data.
    pub(crate) dot_delay: Duration,
    /// It does so only for messages with this in them.
    pub(crate) delayed: Option<&'static str>,
    /// It waits so long before it answers MAIL.
    pub(crate) mail_delay: Duration,
    /// Whom it refuses.
    pub(crate) refuses: Option<&'static str>,
}

/// What it has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    pub(crate) open: usize,
    pub(crate) most_open: usize,
    pub(crate) messages: Vec<Message>,
    /// Messages behind whose final dot the next command had come at once.
    pub(crate) strides: usize,
    pub(crate) commands: Vec<String>,
}

/// A message that it took.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) recipients: usize,
    pub(crate) content: Vec<u8>,
}

/// A running sink.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Sink {
    pub(crate) fn start(manners: Manners) -> Self {
        Self::listen("127.0.0.1:0".parse().unwrap(), manners)
    }

    pub(crate) fn listen(address: SocketAddr, manners: Manners) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let book = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (book, manners) = (Arc::clone(&book), manners.clone());
                std::thread::spawn(move || {
                    enter(&book);
                    let _closed_early = converse(&stream.unwrap(), &book, &manners);
                    book.lock().unwrap().open -= 1;
                });
            }
        });
        Self { address, seen }
    }

    /// As a host in a route.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    pub(crate) fn count(&self, command: &str) -> usize {
        self.seen().commands.iter().filter(|line| line.starts_with(command)).count()
    }
}

fn enter(book: &Mutex<Seen>) {
    let mut seen = book.lock().unwrap();
    seen.connections += 1;
    seen.open += 1;
    seen.most_open = seen.most_open.max(seen.open);
}

fn converse(stream: &TcpStream, book: &Mutex<Seen>, manners: &Manners) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    if let Some(greeting) = manners.greeting {
        return writer.write_all(format!("{greeting}\r\n").as_bytes());
    }
    writer.write_all(b"220 sink\r\n")?;
    let (mut recipients, mut mails) = (0, 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        book.lock().unwrap().commands.push(line.trim_end().to_owned());
        let verb = line.get(..4).unwrap_or("").to_ascii_uppercase();
        let reply = match verb.as_str() {
            "EHLO" => "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 1000000000",
            "MAIL" if manners.drop_second_mail && mails > 0 => return Ok(()),
            "MAIL" => {
                (recipients, mails) = (0, mails + 1);
                std::thread::sleep(manners.mail_delay);
                "250 ok"
            }
            "RCPT" if manners.refuses.is_some_and(|who| line.contains(who)) => "550 5.1.1 no such user",
            "RCPT" if manners.recipients.is_some_and(|most| recipients >= most) => "452 4.5.3 too many",
            "RCPT" => {
                recipients += 1;
                "250 ok"
            }
            "DATA" if recipients == 0 => "554 no recipients",
            "DATA" => {
                writer.write_all(b"354 go\r\n")?;
                let content = content(&mut reader)?;
                if manners.drop_after_data {
                    return Ok(());
                }
                book.lock().unwrap().strides += usize::from(!reader.buffer().is_empty());
                let text = String::from_utf8_lossy(&content);
                if manners.delayed.is_none_or(|word| text.contains(word)) {
                    std::thread::sleep(manners.dot_delay);
                }
                book.lock().unwrap().messages.push(Message { recipients, content });
                "250 2.0.0 taken"
            }
            "QUIT" => return writer.write_all(b"221 bye\r\n"),
            _ => "250 ok",
        };
        writer.write_all(format!("{reply}\r\n").as_bytes())?;
    }
}

/// Reads up to the final dot; unstuffed.
fn content(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.as_slice() {
            b".\r\n" => return Ok(content),
            [b'.', rest @ ..] => content.extend_from_slice(rest),
            whole => content.extend_from_slice(whole),
        }
    }
}
