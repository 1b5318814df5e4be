//! A small SMTP server on the loopback that remembers everything and misbehaves when told to.

use super::wire::Wire;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tls::ServerContext;

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
    /// What it says to EHLO in place of the usual.
    pub(crate) ehlo: Option<&'static str>,
    /// What it says to EHLO under TLS.
    pub(crate) ehlo_tls: Option<&'static str>,
    /// With what it answers STARTTLS; without it breaks the connection there.
    pub(crate) tls: Option<Arc<ServerContext>>,
    /// What it says behind the reply to STARTTLS, in plain text.
    pub(crate) injects: &'static str,
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
    /// Those of them that came under TLS.
    pub(crate) secret: Vec<String>,
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
                    let _closed_early = converse(stream.unwrap(), &book, &manners);
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

fn converse(stream: TcpStream, book: &Mutex<Seen>, manners: &Manners) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(Wire::Plain(stream));
    if let Some(greeting) = manners.greeting {
        return say(&mut reader, greeting);
    }
    say(&mut reader, "220 sink")?;
    let (mut recipients, mut mails) = (0, 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let secret = reader.get_ref().is_secret();
        let mut seen = book.lock().unwrap();
        seen.commands.push(line.trim_end().to_owned());
        if secret {
            seen.secret.push(line.trim_end().to_owned());
        }
        drop(seen);
        let verb = line.get(..4).unwrap_or("").to_ascii_uppercase();
        let reply = match verb.as_str() {
            "EHLO" if secret && manners.ehlo_tls.is_some() => manners.ehlo_tls.unwrap(),
            "EHLO" if manners.ehlo.is_some() => manners.ehlo.unwrap(),
            "STAR" => {
                let reply = format!("220 go ahead\r\n{}", manners.injects);
                reader.get_mut().write_all(reply.as_bytes())?;
                let Some(context) = &manners.tls else { return Ok(()) };
                reader = BufReader::new(reader.into_inner().secure(context)?);
                continue;
            }
            "BDAT" => {
                let mut words = line.split_whitespace();
                let mut content = vec![0; words.nth(1).unwrap().parse().unwrap()];
                assert_eq!(words.next(), Some("LAST"));
                reader.read_exact(&mut content)?;
                book.lock().unwrap().messages.push(Message { recipients, content });
                "250 2.0.0 taken"
            }
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
                say(&mut reader, "354 go")?;
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
            "QUIT" => return say(&mut reader, "221 bye"),
            _ => "250 ok",
        };
        say(&mut reader, reply)?;
    }
}

fn say(reader: &mut BufReader<Wire>, reply: &str) -> std::io::Result<()> {
    reader.get_mut().write_all(format!("{reply}\r\n").as_bytes())
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
