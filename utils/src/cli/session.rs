//! `grange session --client ADDRESS`: plays a session as any client, and says why each verdict is what it is.
//!
//! The smtpserver does all of it, see the command XPLAY there; this side sends the lines of standard input one at a time
//! and prints what comes back. Nothing is kept and nothing is counted.

mod answer;

use super::instance::Instance;
use super::print;
use answer::Answer;
use farm::exit::{Exit, Fatal};
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Longer than the server waits for anything of its own.
const PATIENCE: Duration = Duration::from_mins(2);

/// `grange session`
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Keep nothing of it: there is no other kind, and it need not be said
    #[arg(short, long)]
    trial: bool,
    /// The address of the client that is played
    #[arg(long, value_name = "ADDRESS")]
    client: IpAddr,
    /// The port of that client
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// The name that the DNS gives it [default: what the DNS says]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where it connects, as in the journal: 0.0.0.0:25 [default: the first one]
    #[arg(long, value_name = "NAME")]
    listener: Option<String>,
    /// The account that it has authenticated as
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// The version of TLS that it speaks
    #[arg(long, value_name = "VERSION", num_args = 0..=1, require_equals = true, default_missing_value = "TLSv1.3")]
    tls: Option<String>,
}

/// Plays the session that standard input holds.
///
/// # Errors
/// Grange does not run (75); the user may not play (77); something was refused for good (77) or for now (75), which the
/// output has said.
pub(crate) fn session(instance: &Instance, options: &Options, json: bool) -> Result<(), Fatal> {
    let path = instance.paths.run.join("submit");
    let stream = UnixStream::connect(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            Fatal::new(Exit::Temporary, format!("grange is not running ({})", path.display()))
        }
        _ => Fatal::new(Exit::Temporary, format!("{}: {error}", path.display())),
    })?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
    let echo = !json && !io::stdin().is_terminal();
    let mut play = Play { reader: BufReader::new(stream), json, echo, lmtp: false, taken: 0, worst: 0 };
    play.begin(options)?;
    play.converse(io::stdin().lock())?;
    match play.worst {
        5 => Err(Fatal::new(Exit::Permission, "")),
        4 => Err(Fatal::new(Exit::Temporary, "")),
        _ => Ok(()),
    }
}

fn broken(error: io::Error) -> Fatal {
    Fatal::doing(Exit::Temporary, "the session")(error)
}

/// A session that is played.
#[derive(Debug)]
struct Play {
    reader: BufReader<UnixStream>,
    json: bool,
    /// The commands are printed, too: nobody has typed them.
    echo: bool,
    lmtp: bool,
    /// Recipients that were accepted: in LMTP each has its reply at the end.
    taken: usize,
    /// The highest class of a refusal.
    worst: u16,
}

impl Play {
    fn begin(&mut self, options: &Options) -> Result<(), Fatal> {
        let Options { trial: _, client, port, name, listener, account, tls } = options;
        self.hear()?;
        let port = port.map(|port| port.to_string());
        let mut line = format!("XPLAY ADDR={client}");
        let attributes =
            [("PORT", &port), ("NAME", name), ("LISTENER", listener), ("ACCOUNT", account), ("TLS", tls)];
        for (key, value) in attributes {
            if let Some(value) = value {
                line.push_str(&format!(" {key}={}", xtext(value)));
            }
        }
        self.send(&line)?;
        let greeting = self.hear()?.ok_or_else(|| broken(io::ErrorKind::UnexpectedEof.into()))?;
        match greeting.code() {
            500 | 502 => {
                let why = "only root and the user that Grange runs as may play a session";
                return Err(Fatal::new(Exit::Permission, why));
            }
            501 => return Err(Fatal::new(Exit::Usage, greeting.text())),
            _ => {}
        }
        self.lmtp = greeting.text().contains(" LMTP ");
        self.show("", &greeting)
    }

    /// Sends line by line, each after the reply to the one before.
    fn converse(&mut self, input: impl BufRead) -> Result<(), Fatal> {
        let mut lines = input.lines();
        while let Some(line) = lines.next() {
            let line = line.map_err(Fatal::doing(Exit::Io, "standard input"))?;
            if !self.command(&line, &mut lines)? {
                return Ok(());
            }
        }
        self.command("QUIT", &mut lines).map(|_| ())
    }

    /// One command and its reply; false once the session is over.
    fn command(
        &mut self,
        line: &str,
        rest: &mut impl Iterator<Item = io::Result<String>>,
    ) -> Result<bool, Fatal> {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        if verb == "BDAT" {
            return Err(Fatal::new(Exit::Usage, "BDAT cannot be played; send the message by DATA"));
        }
        if self.echo {
            print::line(line)?;
        }
        self.send(line)?;
        let Some(answer) = self.hear()? else { return Ok(false) };
        self.show(line, &answer)?;
        match (verb.as_str(), answer.code()) {
            ("MAIL" | "RSET" | "EHLO" | "HELO" | "LHLO", _) => self.taken = 0,
            ("RCPT", 250) => self.taken += 1,
            ("DATA", 354) => return self.content(rest),
            ("QUIT", _) | (_, 421) => return Ok(false),
            _ => {}
        }
        Ok(true)
    }

    fn content(&mut self, rest: &mut impl Iterator<Item = io::Result<String>>) -> Result<bool, Fatal> {
        for line in rest {
            let line = line.map_err(Fatal::doing(Exit::Io, "standard input"))?;
            if self.echo {
                print::line(&line)?;
            }
            self.send(&line)?;
            if line == "." {
                let replies = if self.lmtp { std::mem::take(&mut self.taken) } else { 1 };
                for _ in 0..replies {
                    let Some(answer) = self.hear()? else { return Ok(false) };
                    self.show(".", &answer)?;
                }
                return Ok(true);
            }
        }
        Err(Fatal::new(Exit::Data, "the message has no end; write a line with a dot alone"))
    }

    fn send(&mut self, line: &str) -> Result<(), Fatal> {
        match self.reader.get_mut().write_all(format!("{line}\r\n").as_bytes()) {
            // What the server has said last is still to be read.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(broken),
        }
    }

    /// The next reply; `None` once the connection is closed.
    fn hear(&mut self) -> Result<Option<Answer>, Fatal> {
        Answer::read(&mut self.reader).map_err(broken)
    }

    fn show(&mut self, command: &str, answer: &Answer) -> Result<(), Fatal> {
        let class = answer.code() / 100;
        if matches!(class, 4 | 5) {
            self.worst = self.worst.max(class);
        }
        print::line(if self.json { answer.json(command) } else { answer.to_string() })
    }
}

/// A value as it stands in an attribute (RFC 3461 section 4).
fn xtext(value: &str) -> String {
    let plain = |c: u8| c.is_ascii_graphic() && c != b'+' && c != b'=';
    value.bytes().map(|c| if plain(c) { char::from(c).to_string() } else { format!("+{c:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_a_blank_stays_one_attribute() {
        assert_eq!(xtext("unix:/a b+c"), "unix:/a+20b+2Bc");
    }

    fn play(replies: &'static str, script: &'static str) -> (Result<(), String>, String, u16) {
        let (here, mut there) = UnixStream::pair().unwrap();
        there.write_all(replies.as_bytes()).unwrap();
        there.shutdown(std::net::Shutdown::Write).unwrap();
        let reader = BufReader::new(here);
        let mut play = Play { reader, json: true, echo: false, lmtp: true, taken: 0, worst: 0 };
        let result = play.converse(script.as_bytes()).map_err(|error| error.to_string());
        let worst = play.worst;
        drop(play);
        let heard = io::read_to_string(there).unwrap();
        (result, heard, worst)
    }

    #[test]
    fn a_script_is_sent_line_by_line_and_ended_by_quit() {
        let replies = "250 a\r\n250 b\r\n450 no\r\n354 go\r\n250 done\r\n221 bye\r\n";
        let (result, heard, worst) =
            play(replies, "MAIL FROM:<>\nRCPT TO:<a@b>\nRCPT TO:<c@d>\nDATA\nA: b\n\n.\n");
        assert_eq!((result, worst), (Ok(()), 4));
        assert!(heard.ends_with("DATA\r\nA: b\r\n\r\n.\r\nQUIT\r\n"), "{heard}");
    }

    #[test]
    fn a_message_without_an_end_and_a_chunk_are_mistakes() {
        assert!(play("354 go\r\n", "DATA\nA: b\n").0.unwrap_err().contains("no end"));
        assert!(play("", "BDAT 5 LAST\n").0.unwrap_err().contains("BDAT"));
    }
}
