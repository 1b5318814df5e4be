//! A small SMTP client that says exactly what a test wants.

use crate::PATIENCE;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// One SMTP session.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<TcpStream>,
    /// The last reply, its lines joined by line feeds.
    pub last: String,
}

impl Client {
    /// Connects and reads the greeting.
    pub fn connect(port: u16) -> Self {
        let mut client = Self::raw(port);
        client.reply();
        client
    }

    /// Connects and reads the greeting, unless something breaks; for tests that break things.
    pub fn try_connect(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_nodelay(true).ok()?;
        let mut client = Self { reader: BufReader::new(stream), last: String::new() };
        (client.try_reply()? == 220).then_some(client)
    }

    /// Sends octets, unless the connection is broken.
    pub fn try_send(&mut self, octets: &[u8]) -> Option<()> {
        self.reader.get_mut().write_all(octets).ok()
    }

    /// Reads a reply, unless the connection is broken.
    pub fn try_reply(&mut self) -> Option<u16> {
        Some(self.reply()).filter(|&code| code != 0)
    }

    /// Sends a command and reads its reply, unless the connection is broken.
    pub fn try_say(&mut self, command: &str) -> Option<u16> {
        self.try_send(format!("{command}\r\n").as_bytes())?;
        self.try_reply()
    }

    /// Connects and reads nothing.
    pub fn raw(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { reader: BufReader::new(stream), last: String::new() }
    }

    /// Sends octets as they are.
    pub fn send(&mut self, octets: &[u8]) {
        self.reader.get_mut().write_all(octets).unwrap();
    }

    /// Reads one reply: its code; 0 when the server has closed the connection.
    pub fn reply(&mut self) -> u16 {
        self.last.clear();
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).unwrap_or(0) == 0 {
                return 0;
            }
            self.last.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
            }
        }
    }

    /// Sends a command and reads its reply.
    pub fn say(&mut self, command: &str) -> u16 {
        self.send(format!("{command}\r\n").as_bytes());
        self.reply()
    }

    /// Sends a command whose reply must have this code.
    ///
    /// # Panics
    /// It has another one.
    pub fn expect(&mut self, code: u16, command: &str) -> &mut Self {
        let got = self.say(command);
        assert_eq!(got, code, "{command}: {}", self.last);
        self
    }

    /// Greets and sends one message; the reply to its end of data. `content` has CRLF line ends and is stuffed here.
    pub fn deliver(&mut self, from: &str, to: &[&str], content: &[u8]) -> u16 {
        self.expect(250, &format!("MAIL FROM:<{from}>"));
        for to in to {
            let code = self.say(&format!("RCPT TO:<{to}>"));
            if code != 250 {
                return code;
            }
        }
        self.expect(354, "DATA");
        self.send(&stuffed(content));
        self.reply()
    }

    /// The id in the last reply.
    pub fn id(&self) -> String {
        self.last.split_whitespace().find(|word| word.len() == 18).unwrap_or_default().to_owned()
    }

    /// Says that nothing follows; what the server says can still be read.
    pub fn finish(&mut self) {
        let _it_may_be_gone = self.reader.get_mut().shutdown(std::net::Shutdown::Write);
    }

    /// Everything that comes until the server closes.
    pub fn rest(&mut self) -> String {
        let mut all = Vec::new();
        let _a_reset_is_an_end_too = self.reader.read_to_end(&mut all);
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Leaves by a reset: something that was sent to it is never read.
    ///
    /// # Panics
    /// Nothing is sent to it.
    pub fn reset(self) {
        let stream = self.reader.into_inner();
        crate::wait_until("something unread", || stream.peek(&mut [0]).is_ok_and(|octets| octets > 0));
    }

    /// The server closes the connection, and says nothing before.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).is_ok() && rest.is_empty()
    }
}

/// A content with its leading dots doubled and the end of data behind it.
pub fn stuffed(content: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(content.len() + 8);
    for line in content.split_inclusive(|&octet| octet == b'\n') {
        if line.first() == Some(&b'.') {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    if !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}
