//! The SMTP session with the smtpserver, over the socket for local submission.
//!
//! The machine of `proto` decides what is said; this is its shell. A thread reads, so that a server that answers while
//! we still write never waits for us.

use farm::clock::moment;
use proto::client::{Action, Dialect, Protection, Session, Settings, Stuffing, Timeouts, Transaction};
use proto::disposition::{Disposition, Outcome};
use proto::status::Status;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Octets written at once.
const CHUNK: usize = 64 << 10;

/// Submits `content` and gives one disposition for each recipient, in order. Recipients that the server takes only in a
/// further transaction get one, if it took any in this.
pub(super) fn submit(
    stream: UnixStream,
    our_name: &str,
    transaction: Transaction,
    content: &[u8],
) -> io::Result<Vec<Disposition>> {
    let settings = Settings {
        dialect: Dialect::Smtp,
        our_name: our_name.to_owned(),
        peer: "grange".to_owned(),
        timeouts: Timeouts::default(),
        protection: Protection::Never,
    };
    let lines = listen(stream.try_clone()?);
    let session = Session::new(settings, moment().mono);
    let mut dialogue = Dialogue {
        stream,
        heard: lines,
        session,
        input: Vec::new(),
        content,
        verdicts: Verdicts::new(transaction),
    };
    while dialogue.step() {}
    // Ends the thread that reads; the server may have done so before.
    let _closed = dialogue.stream.shutdown(Shutdown::Both);
    Ok(dialogue.verdicts.finish())
}

/// What the server says, as it comes; closed at its end.
fn listen(mut stream: UnixStream) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(count @ 1..) => {
                    if sender.send(buffer.get(..count).unwrap_or_default().to_vec()).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
            }
        }
    });
    receiver
}

struct Dialogue<'a> {
    stream: UnixStream,
    heard: Receiver<Vec<u8>>,
    session: Session,
    input: Vec<u8>,
    content: &'a [u8],
    verdicts: Verdicts,
}

impl Dialogue<'_> {
    /// One action; false after the last.
    fn step(&mut self) -> bool {
        let step = self.session.advance(&self.input, moment().mono);
        self.input.drain(..step.consumed.min(self.input.len()));
        match step.action {
            Action::NeedInput => self.hear(),
            Action::Send(octets) => {
                let written = self.stream.write_all(&octets);
                self.note(&written);
            }
            Action::WantBody => {
                let written = self.write_content();
                self.note(&written);
                if written.is_ok() {
                    self.session.body_sent(moment().mono);
                }
            }
            Action::Settled(index, disposition) => self.verdicts.settle(index, disposition),
            Action::Unusable(disposition) => self.verdicts.settle_rest(&disposition),
            // Nothing is sent in the stride of another, and nothing is secured.
            Action::Followed | Action::Returned(_) | Action::StartTls => {}
            Action::Idle => self.go_on(),
            Action::Close => return false,
        }
        true
    }

    fn hear(&mut self) {
        let deadline = self.session.deadline().unwrap_or_default();
        let patience = Duration::from_millis(deadline.saturating_sub(moment().mono).max(1));
        match self.heard.recv_timeout(patience) {
            Ok(octets) => self.input.extend(octets),
            Err(RecvTimeoutError::Timeout) => {
                self.session.expire(moment().mono);
            }
            Err(RecvTimeoutError::Disconnected) => self.session.lost("connection closed", moment().mono),
        }
    }

    fn note(&mut self, written: &io::Result<()>) {
        if let Err(error) = written {
            self.session.lost(&error.to_string(), moment().mono);
        }
    }

    fn write_content(&mut self) -> io::Result<()> {
        let mut stuffing = Stuffing::new(true);
        let mut out = io::BufWriter::with_capacity(CHUNK, &self.stream);
        for chunk in self.content.chunks(CHUNK) {
            for piece in stuffing.pieces(chunk) {
                out.write_all(piece)?;
            }
        }
        out.write_all(stuffing.end())?;
        out.flush()
    }

    /// The session is idle: it begins, has further recipients, or is done.
    fn go_on(&mut self) {
        let now = moment().mono;
        match self.verdicts.next() {
            Some(transaction) => {
                // The session is idle, so it does not come back.
                let _begun = self.session.begin(transaction, now);
            }
            None => self.session.quit(now),
        }
    }
}

/// Who of the recipients is settled, and who is left for a further transaction.
struct Verdicts {
    whole: Transaction,
    settled: Vec<Option<Disposition>>,
    /// The recipients of the transaction under way, as indices of the whole.
    current: Vec<usize>,
    begun: bool,
}

impl Verdicts {
    fn new(whole: Transaction) -> Self {
        let count = whole.recipients.len();
        Self { whole, settled: vec![None; count], current: Vec::new(), begun: false }
    }

    fn settle(&mut self, index: usize, disposition: Disposition) {
        let slot = self.current.get(index).and_then(|&whole| self.settled.get_mut(whole));
        if let Some(slot) = slot {
            *slot = Some(disposition);
        }
    }

    fn settle_rest(&mut self, disposition: &Disposition) {
        for slot in self.settled.iter_mut().filter(|slot| slot.is_none()) {
            *slot = Some(disposition.clone());
        }
    }

    /// The next transaction: the first has everybody, a further one those who were too many, while there is progress.
    fn next(&mut self) -> Option<Transaction> {
        let too_many = |slot: &Option<Disposition>| {
            slot.as_ref().is_some_and(|disposition| disposition.status == Status::transient(5, 3))
        };
        let progress = self.current.iter().any(|&index| {
            let slot = self.settled.get(index).and_then(Option::as_ref);
            slot.is_some_and(|disposition| disposition.outcome == Outcome::Delivered)
        });
        if self.begun && !progress {
            return None;
        }
        let wanted = self.settled.iter().enumerate().filter(|(_, slot)| !self.begun || too_many(slot));
        self.current = wanted.map(|(index, _)| index).collect();
        self.begun = true;
        if self.current.is_empty() {
            return None;
        }
        let recipients = self.current.iter().filter_map(|&index| self.whole.recipients.get(index).cloned());
        Some(Transaction::plain(self.whole.from.clone(), recipients.collect(), self.whole.shape))
    }

    fn finish(self) -> Vec<Disposition> {
        let lost = || Disposition::local(Outcome::Deferred, Status::transient(4, 2), "the session broke off");
        self.settled.into_iter().map(|slot| slot.unwrap_or_else(lost)).collect()
    }
}

#[cfg(test)]
mod tests;
