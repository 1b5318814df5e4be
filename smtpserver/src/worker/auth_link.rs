//! The channel to authd: what is open, and asking again when authd restarts.
//!
//! A question is named by a ticket that is never used again. When the channel ends, an exchange that has begun cannot go
//! on and ends with "not now"; what has had no answer yet is asked again on the next channel. How long a question may
//! stay open is the session's decision.

use farm::channel::{Channel, ChannelError};
use farm::event_loop::EventLoop;
use ipc::auth::{Begin, Charge, Charged, Failure, FromAuthd, Grant, Octets, ToAuthd};
use std::collections::BTreeMap;
use std::fmt;

/// The channel as this end sees it.
pub(super) type AuthdChannel = Channel<ToAuthd, FromAuthd>;

/// Makes a channel to authd.
pub(super) type Connect = Box<dyn FnMut() -> Result<AuthdChannel, ChannelError>>;

/// The first wait before a new channel is made, and the longest, in milliseconds.
const BACKOFF: (u64, u64) = (20, 1_000);

/// A question that waits for its answer.
#[derive(Debug)]
struct Open {
    seat: usize,
    /// What is asked again; nothing once an exchange has begun.
    again: Option<ToAuthd>,
}

/// What authd says.
#[derive(Debug)]
pub(super) enum News {
    /// The client is to be asked this.
    Challenge(Octets),
    /// The client is who it says.
    Success(Box<Grant>),
    /// It is not, or nobody can tell.
    Failure(Failure),
    /// Something was counted, or not.
    Charged(Charged),
}

/// An answer and the seat it is for.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) seat: usize,
    pub(super) ticket: u64,
    pub(super) news: News,
}

/// What one look at the channel has brought.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) answers: Vec<Answered>,
    /// The mechanisms that can be offered from now on.
    pub(super) mechanisms: Option<Vec<String>>,
}

/// The way to authd.
pub(super) struct AuthLink {
    connect: Connect,
    channel: Option<AuthdChannel>,
    open: BTreeMap<u64, Open>,
    last: u64,
    backoff: u64,
    retry_at: u64,
    /// When it was last tended.
    now: u64,
    token: usize,
}

impl AuthLink {
    /// A way to authd that is not connected yet; its channel will be watched under `token`.
    pub(super) fn new(connect: Connect, token: usize) -> Self {
        let (open, backoff) = (BTreeMap::new(), BACKOFF.0);
        Self { connect, channel: None, open, last: 0, backoff, retry_at: 0, now: 0, token }
    }

    /// Begins an exchange; its ticket.
    pub(super) fn begin(&mut self, seat: usize, begin: Begin) -> u64 {
        let ticket = self.next();
        self.ask(seat, ticket, ToAuthd::Begin(Box::new(Begin { ticket, ..begin })));
        ticket
    }

    /// Asks for something to be counted; the ticket of the question.
    pub(super) fn charge(&mut self, seat: usize, charge: Charge) -> u64 {
        let ticket = self.next();
        self.ask(seat, ticket, ToAuthd::Charge(Charge { ticket, ..charge }));
        ticket
    }

    /// Says what a client has answered; `false` if the exchange is not known any more.
    pub(super) fn respond(&mut self, seat: usize, ticket: u64, response: Vec<u8>) -> bool {
        let known = self.open.get(&ticket).is_some_and(|open| open.seat == seat);
        let Some(channel) = self.channel.as_mut().filter(|_| known) else { return false };
        let _its_end_is_told = channel.send(&ToAuthd::Continue { ticket, response: Octets(response) });
        true
    }

    /// Nobody waits for this any more.
    pub(super) fn withdraw(&mut self, ticket: u64) {
        if self.open.remove(&ticket).is_some()
            && let Some(channel) = &mut self.channel
        {
            let _its_end_is_told = channel.send(&ToAuthd::Cancel { ticket });
        }
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn ask(&mut self, seat: usize, ticket: u64, question: ToAuthd) {
        if let Some(channel) = &mut self.channel {
            let _its_end_is_told = channel.send(&question);
        }
        self.open.insert(ticket, Open { seat, again: Some(question) });
    }

    /// Makes a channel if there is none and the wait is over, and asks what has had no answer.
    pub(super) fn tend(&mut self, event_loop: &EventLoop, now: u64) {
        self.now = now;
        if self.channel.is_some() || now < self.retry_at {
            return;
        }
        let made = (self.connect)().and_then(|channel| {
            event_loop.watch_readable(&channel, self.token)?;
            Ok(channel)
        });
        match made {
            Ok(mut channel) => {
                for question in self.open.values().filter_map(|open| open.again.as_ref()) {
                    let _its_end_is_told = channel.send(question);
                }
                self.channel = Some(channel);
            }
            Err(e) => {
                log::warn!("authd: {e}");
                self.wait(now);
            }
        }
    }

    fn wait(&mut self, now: u64) {
        self.retry_at = now + self.backoff;
        self.backoff = (self.backoff * 2).min(BACKOFF.1);
    }

    /// When there is something to do: [`AuthLink::tend`] without a channel, [`AuthLink::flush`] with one that was full.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        match &self.channel {
            None => Some(self.retry_at),
            Some(channel) => channel.next_flush(self.now),
        }
    }

    /// Takes what has come.
    pub(super) fn hear(&mut self, event_loop: &EventLoop, now: u64) -> Heard {
        let mut heard = Heard::default();
        let Some(channel) = &mut self.channel else { return heard };
        let (messages, ended) = match channel.receive() {
            Ok(batch) => (batch.messages, batch.ended),
            Err(e) => {
                log::error!("authd: {e}");
                (Vec::new(), true)
            }
        };
        for received in messages {
            self.backoff = BACKOFF.0;
            self.settle(received.message, &mut heard);
        }
        if ended {
            if let Some(channel) = self.channel.take() {
                event_loop.forget(&channel);
            }
            self.wait(now);
            self.give_up(&mut heard);
        }
        heard
    }

    /// Finds the seat of an answer. A late one, to what its session has given up, finds none.
    fn settle(&mut self, message: FromAuthd, heard: &mut Heard) {
        let (ticket, news) = match message {
            FromAuthd::Mechanisms(mechanisms) => {
                heard.mechanisms = Some(mechanisms);
                return;
            }
            FromAuthd::Challenge { ticket, challenge } => (ticket, News::Challenge(challenge)),
            FromAuthd::Success { ticket, grant } => (ticket, News::Success(grant)),
            FromAuthd::Failure { ticket, failure } => (ticket, News::Failure(failure)),
            FromAuthd::Charged { ticket, verdict } => (ticket, News::Charged(verdict)),
        };
        let Some(mut open) = self.open.remove(&ticket) else { return };
        let seat = open.seat;
        if matches!(news, News::Challenge(_)) {
            open.again = None;
            self.open.insert(ticket, open);
        }
        heard.answers.push(Answered { seat, ticket, news });
    }

    /// Exchanges that had begun cannot go on.
    fn give_up(&mut self, heard: &mut Heard) {
        let begun: Vec<u64> = self.open.iter().filter(|(_, o)| o.again.is_none()).map(|(t, _)| *t).collect();
        for ticket in begun {
            let Some(open) = self.open.remove(&ticket) else { continue };
            let failure = Failure { temporary: true, account: String::new(), reason: "authd".to_owned() };
            heard.answers.push(Answered { seat: open.seat, ticket, news: News::Failure(failure) });
        }
    }

    /// Writes what was collected in this turn.
    pub(super) fn flush(&mut self) {
        if let Some(channel) = self.channel.as_mut().filter(|channel| !channel.is_flushed()) {
            let _its_end_is_told = channel.flush();
        }
    }
}

impl fmt::Debug for AuthLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLink").field("open", &self.open.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::os::unix::net::UnixStream;
    use std::rc::Rc;

    type Ends = Rc<RefCell<Vec<Channel<FromAuthd, ToAuthd>>>>;

    fn link() -> (AuthLink, Ends, EventLoop) {
        let ends = Ends::default();
        let kept = Rc::clone(&ends);
        let connect = Box::new(move || {
            let (here, there) = UnixStream::pair()?;
            kept.borrow_mut().push(Channel::new(there)?);
            Ok(Channel::new(here)?)
        });
        (AuthLink::new(connect, 4), ends, EventLoop::new().unwrap())
    }

    fn begin() -> Begin {
        let (mechanism, listener) = ("PLAIN".to_owned(), String::new());
        Begin { ticket: 0, mechanism, initial: None, client: None, listener, tls: None }
    }

    fn asked(end: &mut Channel<FromAuthd, ToAuthd>) -> Vec<u64> {
        let messages = end.receive().unwrap().messages;
        let ticket = |message: ToAuthd| match message {
            ToAuthd::Begin(begin) => begin.ticket,
            ToAuthd::Charge(charge) => charge.ticket,
            ToAuthd::Continue { ticket, .. } | ToAuthd::Cancel { ticket } => ticket,
        };
        messages.into_iter().map(|received| ticket(received.message)).collect()
    }

    #[test]
    fn what_has_no_answer_is_asked_again_and_what_has_begun_is_given_up() {
        let (mut link, ends, event_loop) = link();
        let early = link.begin(7, begin());
        link.tend(&event_loop, 1);
        let late = link.begin(8, begin());
        link.flush();
        let mut end = ends.borrow_mut().pop().unwrap();
        assert_eq!(asked(&mut end), [early, late]);
        let challenge = Octets(Vec::new());
        end.send(&FromAuthd::Challenge { ticket: early, challenge }).unwrap();
        end.flush().unwrap();
        drop(end);
        let heard = link.hear(&event_loop, 2);
        let seats: Vec<_> =
            heard.answers.iter().map(|a| (a.seat, matches!(a.news, News::Failure(_)))).collect();
        assert_eq!(seats, [(7, false), (7, true)]);
        assert!(!link.respond(7, early, Vec::new()));
        link.tend(&event_loop, 2 + BACKOFF.0);
        link.flush();
        assert_eq!(asked(&mut ends.borrow_mut().pop().unwrap()), [late]);
    }

    #[test]
    fn an_answer_to_what_was_withdrawn_goes_to_nobody() {
        let (mut link, ends, event_loop) = link();
        link.tend(&event_loop, 1);
        let ticket = link.begin(7, begin());
        link.withdraw(ticket);
        let mut end = ends.borrow_mut().pop().unwrap();
        end.send(&FromAuthd::Success { ticket, grant: Box::default() }).unwrap();
        end.send(&FromAuthd::Mechanisms(vec!["PLAIN".into()])).unwrap();
        end.flush().unwrap();
        let heard = link.hear(&event_loop, 2);
        assert!(heard.answers.is_empty() && heard.mechanisms.is_some());
    }
}
