//! The lines of the protocol: `COMMAND TAB parameter TAB …`.
//!
//! The server says its version, its mechanisms and DONE; then requests and their answers go by number. Pure.
//! Invariants: what the server says is bounded and never panics; what a client says cannot begin a new field or line.

use secrets::encoding;
use std::net::IpAddr;

/// Longest line that Dovecot takes, in octets.
const LONGEST_OUT: usize = 8_192;

/// Longest line that is taken from it.
const LONGEST_IN: usize = 65_536;

/// A client's request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its number.
    pub id: u32,
    /// The mechanism.
    pub mechanism: &'a str,
    /// The client.
    pub client: Option<IpAddr>,
    /// The address to which it came.
    pub listener: Option<IpAddr>,
    /// It is under TLS, or on this machine.
    pub secured: bool,
    /// What its verified certificate calls itself first.
    pub certificate: Option<&'a str>,
    /// The initial response.
    pub initial: Option<&'a [u8]>,
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It is ready, with these mechanisms, in upper case.
    Ready(Vec<String>),
    /// The client of this request is to be asked this.
    Continue(u32, Vec<u8>),
    /// The client is this user.
    Success(u32, String),
    /// It is not.
    Failure {
        /// The request.
        id: u32,
        /// Nobody can tell now.
        temporary: bool,
        /// The user that it named, if it did.
        user: String,
        /// A word for the journal.
        reason: &'static str,
    },
}

/// The server says what this is not; the connection is to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Garbled(pub(super) String);

/// One connection, as seen from here.
#[derive(Debug, Default)]
pub(super) struct Protocol {
    input: Vec<u8>,
    mechanisms: Vec<String>,
    versioned: bool,
}

impl Protocol {
    /// Takes what came.
    pub(super) fn take(&mut self, octets: &[u8]) -> Result<Vec<Event>, Garbled> {
        self.input.extend_from_slice(octets);
        let mut events = Vec::new();
        while let Some(end) = self.input.iter().position(|octet| *octet == b'\n') {
            let line: Vec<u8> = self.input.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            events.extend(self.line(line.trim_end_matches('\n'))?);
        }
        if self.input.len() > LONGEST_IN {
            return Err(Garbled("a line without end".into()));
        }
        Ok(events)
    }

    fn line(&mut self, line: &str) -> Result<Option<Event>, Garbled> {
        let garbled = || Garbled(format!("not understood: {}", line.chars().take(80).collect::<String>()));
        let fields: Vec<String> = line.split('\t').map(unescape).collect();
        let mut fields = fields.iter().map(String::as_str);
        let command = fields.next().unwrap_or_default();
        let rest: Vec<&str> = fields.collect();
        let id = || rest.first().and_then(|id| id.parse().ok()).ok_or_else(garbled);
        let value = |key: &str| rest.iter().find_map(|field| field.strip_prefix(key)?.strip_prefix('='));
        match command {
            "VERSION" => {
                if rest.first() != Some(&"1") {
                    return Err(Garbled(format!("its protocol is version {}, not 1", rest.join("."))));
                }
                self.versioned = true;
            }
            "MECH" => self.mechanisms.extend(rest.first().map(|name| name.to_ascii_uppercase())),
            "DONE" if self.versioned => {
                return Ok(Some(Event::Ready(self.mechanisms.clone())));
            }
            "DONE" => return Err(Garbled("it says no version".into())),
            "CONT" => {
                let challenge = rest.get(1).copied().unwrap_or_default();
                let challenge = encoding::decode(challenge).ok_or_else(garbled)?;
                return Ok(Some(Event::Continue(id()?, challenge)));
            }
            "OK" => {
                let user = value("user").filter(|user| !user.is_empty()).ok_or_else(garbled)?;
                let (id, user) = (id()?, user.to_owned());
                if user.contains(char::is_control) {
                    // It could not be written into a line of a message or of the spool.
                    return Ok(Some(Event::Failure { id, temporary: true, user, reason: "backend" }));
                }
                return Ok(Some(Event::Success(id, user)));
            }
            "FAIL" => {
                let (temporary, reason) = cause(&rest, value("code"));
                let user = value("user").unwrap_or_default().to_owned();
                return Ok(Some(Event::Failure { id: id()?, temporary, user, reason }));
            }
            // SPID, CUID, COOKIE, and what later versions may say.
            _ => {}
        }
        Ok(None)
    }
}

/// Whether a failure is temporary, and the word for it.
fn cause(fields: &[&str], code: Option<&str>) -> (bool, &'static str) {
    let has = |flag: &str| fields.contains(&flag) || code == Some(flag);
    if has("temp") || has("temp_fail") {
        (true, "backend")
    } else if has("authz") || has("authz_failed") {
        (false, "authorization-identity")
    } else if has("user_disabled") {
        (false, "disabled")
    } else if has("pass_expired") {
        (false, "expired")
    } else {
        (false, "wrong-password")
    }
}

/// What is said first.
pub(super) fn hello(process: u32) -> String {
    format!("VERSION\t1\t1\nCPID\t{process}\n")
}

/// A request; `None` if it is longer than Dovecot takes.
pub(super) fn request(request: &Request<'_>) -> Option<String> {
    let mut line = format!("AUTH\t{}\t{}\tservice=smtp", request.id, escape(request.mechanism));
    let mut add = |field: String| {
        line.push('\t');
        line.push_str(&field);
    };
    if request.secured {
        add("secured".into());
    }
    if let Some(address) = request.listener {
        add(format!("lip={address}"));
    }
    if let Some(address) = request.client {
        add(format!("rip={address}"));
    }
    if let Some(name) = request.certificate {
        add("valid-client-cert".into());
        add(format!("cert_username={}", escape(name)));
    }
    // It must be the last one.
    if let Some(initial) = request.initial {
        add(format!("resp={}", encoding::encode(initial)));
    }
    line.push('\n');
    (line.len() <= LONGEST_OUT).then_some(line)
}

/// The client's answer to a challenge; `None` if it is longer than Dovecot takes.
pub(super) fn response(id: u32, response: &[u8]) -> Option<String> {
    let line = format!("CONT\t{id}\t{}\n", encoding::encode(response));
    (line.len() <= LONGEST_OUT).then_some(line)
}

/// The client has given up.
pub(super) fn cancel(id: u32) -> String {
    format!("CANCEL\t{id}\n")
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => out.push_str("\u{1}0"),
            '\u{1}' => out.push_str("\u{1}1"),
            '\t' => out.push_str("\u{1}t"),
            '\n' => out.push_str("\u{1}n"),
            '\r' => out.push_str("\u{1}r"),
            other => out.push(other),
        }
    }
    out
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, if c == '\u{1}' { characters.next() } else { None }) {
            ('\u{1}', Some('0')) => out.push('\0'),
            ('\u{1}', Some('1')) => out.push('\u{1}'),
            ('\u{1}', Some('t')) => out.push('\t'),
            ('\u{1}', Some('n')) => out.push('\n'),
            ('\u{1}', Some('r')) => out.push('\r'),
            ('\u{1}', Some(other)) => out.push(other),
            (other, _) => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GREETING: &[u8] = b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t42\nCUID\t1\nCOOKIE\tabc\nDONE\n";

    fn ready() -> Protocol {
        let mut protocol = Protocol::default();
        let events = protocol.take(GREETING).unwrap();
        assert_eq!(events, [Event::Ready(vec!["PLAIN".into(), "LOGIN".into()])]);
        protocol
    }

    #[test]
    fn a_greeting_is_understood_octet_by_octet() {
        let mut protocol = Protocol::default();
        let events: Vec<_> = GREETING.iter().flat_map(|octet| protocol.take(&[*octet]).unwrap()).collect();
        assert_eq!(events.len(), 1);
    }

    #[test]
    fn another_protocol_is_refused() {
        assert!(Protocol::default().take(b"VERSION\t2\t0\n").is_err());
        assert!(Protocol::default().take(b"DONE\n").is_err());
        assert!(Protocol::default().take(&[b'x'; LONGEST_IN + 1]).is_err());
    }

    #[test]
    fn answers_are_understood() {
        let mut protocol = ready();
        let mut one =
            |line: &str| protocol.take(format!("{line}\n").as_bytes()).map(|mut events| events.pop());
        assert_eq!(one("CONT\t7\tcj0x"), Ok(Some(Event::Continue(7, b"r=1".to_vec()))));
        assert_eq!(one("CONT\t7\t"), Ok(Some(Event::Continue(7, Vec::new()))));
        assert_eq!(one("OK\t7\tuser=ann\toriginal_user=Ann"), Ok(Some(Event::Success(7, "ann".into()))));
        let fail = |temporary, user: &str, reason| {
            Ok(Some(Event::Failure { id: 8, temporary, user: user.into(), reason }))
        };
        assert_eq!(one("FAIL\t8\tuser=a\u{1}tb"), fail(false, "a\tb", "wrong-password"));
        assert_eq!(one("FAIL\t8\tuser=ann\ttemp"), fail(true, "ann", "backend"));
        assert_eq!(one("FAIL\t8\tcode=temp_fail"), fail(true, "", "backend"));
        assert_eq!(one("FAIL\t8\tuser=ann\tauthz"), fail(false, "ann", "authorization-identity"));
        assert_eq!(one("FAIL\t8\tuser=ann\tuser_disabled"), fail(false, "ann", "disabled"));
        assert_eq!(one("OK\t8\tuser=a\u{1}nb"), fail(true, "a\nb", "backend"));
        for broken in ["OK\t7", "OK\tx\tuser=ann", "CONT\t7\t*", "FAIL\t-1"] {
            assert!(one(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_request_is_one_line_with_the_response_last() {
        let asked = Request {
            id: 3,
            mechanism: "PLAIN",
            client: Some(IpAddr::from([192, 0, 2, 7])),
            listener: Some(IpAddr::from([192, 0, 2, 1])),
            secured: true,
            certificate: Some("a\tb\nAUTH"),
            initial: Some(b"\0ann\0x"),
        };
        assert_eq!(
            request(&asked).unwrap(),
            "AUTH\t3\tPLAIN\tservice=smtp\tsecured\tlip=192.0.2.1\trip=192.0.2.7\tvalid-client-cert\tcert_username=a\u{1}tb\u{1}nAUTH\tresp=AGFubgB4\n"
        );
        assert_eq!(request(&Request { initial: Some(&[b'x'; 9_000]), ..asked }), None);
        assert_eq!(response(3, b"x"), Some("CONT\t3\teA==\n".into()));
    }

    proptest! {
        #[test]
        fn nothing_that_it_says_breaks_us(lines in "[A-Z\\t=0-9a-z\\x01\\n]{0,200}") {
            let mut protocol = Protocol::default();
            let _ = protocol.take(lines.as_bytes());
            let mut protocol = ready();
            let _ = protocol.take(lines.as_bytes());
        }

        #[test]
        fn what_is_escaped_reads_back(text: String) {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['\t', '\n', '\0']));
            prop_assert_eq!(unescape(&escaped), text);
        }
    }
}
