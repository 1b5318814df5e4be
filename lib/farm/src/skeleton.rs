//! The start of every child of the supervisor: who am I, what is mine, where is everybody.
//!
//! A child is started by exec with one descriptor, its standard input. Over it come a welcome, its section of the
//! configuration and its descriptors; then it begins. It has read no octet of a peer before that, and it runs with the
//! rights that the supervisor gave it.

use crate::channel::{Channel, ChannelError};
use crate::config::Common;
use crate::event_loop::EventLoop;
use crate::exit::{Exit, Fatal};
use crate::journal::Journal;
use ipc::codec;
use ipc::contact::{Call, Contact};
use ipc::supervisor::{FromChild, Gift, ToChild, Welcome};
use ipc::{Role, codec::BUILD};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::ExitCode;
use sys::descriptor::Carrier;
use sys::signal::{SIGHUP, SIGINT, SIGTERM};

/// The channel of a child to the supervisor.
pub type SupervisorChannel = Channel<FromChild, ToChild>;

/// A child that has its configuration and its descriptors.
#[derive(Debug)]
pub struct Child<S> {
    /// What it is.
    pub role: Role,
    /// The supervisor's number for it.
    pub number: u32,
    /// What every program needs to know.
    pub common: Common,
    /// Its own section.
    pub section: S,
    /// Its descriptors.
    pub gifts: Gifts,
    /// The way to the supervisor.
    pub supervisor: SupervisorChannel,
    /// The operator's journal.
    pub journal: Journal,
    /// Its event loop, with nothing watched yet.
    pub event_loop: EventLoop,
}

/// The descriptors that the supervisor gave.
#[derive(Debug, Default)]
pub struct Gifts(Vec<(Gift, OwnedFd)>);

impl Gifts {
    /// Takes the first descriptor for which `wanted` says so.
    pub fn take(&mut self, wanted: impl Fn(&Gift) -> bool) -> Option<(Gift, OwnedFd)> {
        let index = self.0.iter().position(|(gift, _)| wanted(gift))?;
        Some(self.0.swap_remove(index))
    }

    /// Takes the channel to the owner.
    ///
    /// # Errors
    /// It was not given.
    pub fn owner<Out: Serialize, In: DeserializeOwned>(&mut self) -> Result<Channel<Out, In>, Fatal> {
        let (_, descriptor) =
            self.take(|gift| *gift == Gift::Owner).ok_or_else(|| missing("owner's channel"))?;
        Channel::from_descriptor(descriptor).map_err(Fatal::doing(Exit::System, "owner's channel"))
    }

    /// Takes the calling end of a rendezvous.
    ///
    /// # Errors
    /// It was not given.
    pub fn caller(&mut self, contact: Contact) -> Result<Rendezvous, Fatal> {
        let (_, descriptor) =
            self.take(|gift| *gift == Gift::Call(contact)).ok_or_else(|| missing("rendezvous"))?;
        Ok(Rendezvous { socket: descriptor.into() })
    }

    /// Takes all answering ends of this contact's rendezvous.
    pub fn answering(&mut self) -> Vec<(Role, Answering)> {
        std::iter::from_fn(|| self.take(|gift| matches!(gift, Gift::Answer(_))))
            .filter_map(|(gift, descriptor)| match gift {
                Gift::Answer(role) => Some((role, Answering { socket: descriptor.into() })),
                _ => None,
            })
            .collect()
    }

    /// Takes the receiving end of the notification socket.
    ///
    /// # Errors
    /// It was not given.
    pub fn notification(&mut self) -> Result<UnixDatagram, Fatal> {
        let (_, descriptor) =
            self.take(|gift| *gift == Gift::Notification).ok_or_else(|| missing("notification socket"))?;
        Ok(descriptor.into())
    }
}

fn missing(what: &str) -> Fatal {
    Fatal::new(Exit::Software, format!("the supervisor gave no {what}"))
}

/// The calling end of a rendezvous.
#[derive(Debug)]
pub struct Rendezvous {
    socket: UnixDatagram,
}

impl Rendezvous {
    /// Makes a private channel to the contact. It is usable at once; the contact finds it when it looks.
    ///
    /// # Errors
    /// As `socketpair(2)` and `sendmsg(2)`: `WouldBlock` when too many calls wait.
    pub fn call<Out, In>(&self, role: Role, child: u32) -> Result<Channel<Out, In>, ChannelError>
    where
        Out: Serialize,
        In: DeserializeOwned,
    {
        let (here, there) = UnixStream::pair()?;
        let word = codec::encode(&Call { build: BUILD.into(), role, child })?;
        self.socket.send_descriptor(&word, &there.into())?;
        Ok(Channel::new(here)?)
    }
}

/// The answering end of a rendezvous.
#[derive(Debug)]
pub struct Answering {
    socket: UnixDatagram,
}

impl Answering {
    /// Takes the next call; `None` if no call waits. A call that makes no sense is dropped, and its caller sees the
    /// end of its channel.
    ///
    /// # Errors
    /// As `recvmsg(2)`.
    pub fn answer<Out, In>(&self) -> std::io::Result<Option<(Call, Channel<Out, In>)>>
    where
        Out: Serialize,
        In: DeserializeOwned,
    {
        let mut buffer = [0; 256];
        loop {
            match self.socket.receive_descriptor(&mut buffer) {
                Ok((octets, Some(descriptor))) => {
                    let word = codec::decode::<Call>(buffer.get(..octets).unwrap_or_default());
                    match word {
                        Ok(call) if call.build == BUILD => {
                            return Ok(Some((call, Channel::from_descriptor(descriptor)?)));
                        }
                        _ => log::warn!("a call from another build was dropped"),
                    }
                }
                Ok((_, None)) => log::warn!("a call without a descriptor was dropped"),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return Ok(None),
                Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
                    log::warn!("a call with surplus descriptors was dropped");
                }
                Err(e) => return Err(e),
            }
        }
    }
}

impl std::os::fd::AsRawFd for Answering {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}

/// The `main` of every program in libexec: meets the supervisor, then runs `body`.
pub fn main<S: DeserializeOwned>(
    program: &str,
    body: impl FnOnce(Child<S>) -> Result<(), Fatal>,
) -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::new().filter("GRANGE_LOG")).init();
    crate::exit::run(program, || body(meet(program)?))
}

/// Meets the supervisor on standard input.
fn meet<S: DeserializeOwned>(program: &str) -> Result<Child<S>, Fatal> {
    let descriptor = std::io::stdin().as_fd().try_clone_to_owned().map_err(|_| by_hand(program))?;
    let stream = UnixStream::from(descriptor);
    if stream.peer_addr().is_err() {
        return Err(by_hand(program));
    }
    let mut supervisor = SupervisorChannel::new(stream).map_err(|_| by_hand(program))?;
    let mut start = Start { waiting: VecDeque::new(), supervisor: &mut supervisor };
    let (welcome, gifts) = start.read()?;
    if !start.waiting.is_empty() {
        return Err(Fatal::new(Exit::Software, "the supervisor spoke before it was asked"));
    }
    if welcome.build != BUILD {
        let theirs = welcome.build;
        return Err(Fatal::new(
            Exit::Config,
            format!("this program is of build {BUILD}, grange is of {theirs}; install all of one build"),
        ));
    }
    let (common, section): (Common, S) =
        codec::decode(&welcome.section).map_err(Fatal::doing(Exit::Software, "configuration"))?;
    let journal = Journal::open(&common.journal, program);
    let event_loop = EventLoop::new().map_err(Fatal::doing(Exit::System, "event loop"))?;
    sys::limits::raise_open_files();
    sys::signal::ignore(&[SIGHUP, SIGINT, SIGTERM]).map_err(Fatal::doing(Exit::System, "signals"))?;
    Ok(Child {
        role: welcome.role,
        number: welcome.child,
        common,
        section,
        gifts,
        supervisor,
        journal,
        event_loop,
    })
}

/// The conversation up to `Begin`.
struct Start<'a> {
    waiting: VecDeque<(ToChild, Option<OwnedFd>)>,
    supervisor: &'a mut SupervisorChannel,
}

impl Start<'_> {
    fn read(&mut self) -> Result<(Welcome, Gifts), Fatal> {
        let (ToChild::Welcome(welcome), _) = self.next()? else {
            return Err(Fatal::new(Exit::Software, "the supervisor's first word is no welcome"));
        };
        let mut gifts = Gifts::default();
        loop {
            match self.next()? {
                (ToChild::Give(gift), Some(descriptor)) => gifts.0.push((gift, descriptor)),
                (ToChild::Begin, _) => return Ok((welcome, gifts)),
                _ => return Err(Fatal::new(Exit::Software, "the supervisor's gifts make no sense")),
            }
        }
    }

    fn next(&mut self) -> Result<(ToChild, Option<OwnedFd>), Fatal> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Ok(message);
            }
            let broken = Fatal::doing(Exit::Unavailable, "supervisor");
            let batch = self.supervisor.receive_waiting().map_err(broken)?;
            self.waiting.extend(batch.messages.into_iter().map(|m| (m.message, m.descriptor)));
            if batch.ended && self.waiting.is_empty() {
                return Err(Fatal::new(Exit::Unavailable, "the supervisor is gone"));
            }
        }
    }
}

/// The `main` of a program in libexec that somebody started by hand.
pub fn started_by_hand(program: &str) -> ExitCode {
    crate::exit::run(program, || Err(by_hand(program)))
}

fn by_hand(program: &str) -> Fatal {
    let why = format!("{program} is started by `grange start`, not by hand; see {program}(8) and grange(8)");
    Fatal::new(Exit::Usage, why)
}
