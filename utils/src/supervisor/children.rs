//! The table of children, and how one is started.

use super::wiring::{Wiring, section};
use farm::channel::{Channel, ChannelError};
use farm::config::Config;
use farm::event_loop::EventLoop;
use ipc::Role;
use ipc::codec::BUILD;
use ipc::supervisor::{ChildNumber, FromChild, Gift, ToChild, Welcome};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use sys::user::Account;
use tls::Material;

/// The supervisor's end of its channel to a child.
pub(crate) type ChildChannel = Channel<ToChild, FromChild>;

/// One living child.
pub(crate) struct Child {
    /// What it is.
    pub(crate) role: Role,
    /// Its process.
    pub(crate) pid: u32,
    /// The child that asked for it, and that learns of its end; `None` for those that the supervisor keeps itself.
    pub(crate) owner: Option<ChildNumber>,
    /// It has said that its set-up is done.
    pub(crate) ready: bool,
    /// The way to it.
    pub(crate) channel: ChildChannel,
    /// What is to be said to it once it is ready: until then it listens to its first words only.
    early: Vec<ToChild>,
}

impl Child {
    /// Says one thing, now or as soon as the child is ready. A child that is gone is reaped in its turn.
    pub(crate) fn say(&mut self, message: &ToChild) {
        if self.ready {
            let _reaped_in_its_turn = self.channel.send(message).and_then(|()| self.channel.flush());
        } else {
            self.early.push(message.clone());
        }
    }

    /// Its set-up is done: it hears what has been said meanwhile.
    pub(crate) fn becomes_ready(&mut self) {
        self.ready = true;
        for message in std::mem::take(&mut self.early) {
            self.say(&message);
        }
    }
}

/// Why a child could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The system refused, or the program is not there.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// The first words could not be said.
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

/// All living children, by number.
#[derive(Default)]
pub(crate) struct Children {
    living: BTreeMap<ChildNumber, Child>,
    last: ChildNumber,
}

impl Children {
    /// Starts a child and says everything it needs to begin. `own_channel` is its channel to its owner.
    ///
    /// # Errors
    /// The program is missing, or a limit of the system is reached.
    pub(crate) fn start(
        &mut self,
        role: Role,
        owner: Option<(ChildNumber, OwnedFd)>,
        setting: &Setting<'_>,
    ) -> Result<ChildNumber, StartError> {
        self.last += 1;
        let number = self.last;
        let (program, argument) = role.program();
        let path = setting.config.common.paths.libexec.join(program);
        let failed = |error| StartError::Io(path.display().to_string(), error);
        let (here, there) = UnixStream::pair().map_err(failed)?;
        // Only the mailbox agent keeps root's rights, because it takes each recipient's in turn.
        let account = if role == Role::AgentMailbox { None } else { setting.account };
        let pid = sys::process::spawn(&path, argument, there.into(), account).map_err(failed)?;
        let mut channel = ChildChannel::new(here).map_err(failed)?;
        channel.send(&ToChild::Welcome(Welcome {
            build: BUILD.into(),
            role,
            child: number,
            section: section(role, setting.config, setting.material).map_err(ChannelError::from)?,
        }))?;
        for (gift, descriptor) in setting.wiring.gifts(role).map_err(failed)? {
            channel.send_with(&ToChild::Give(gift), descriptor)?;
        }
        let (owner, own_channel) = owner.unzip();
        if let Some(descriptor) = own_channel {
            channel.send_with(&ToChild::Give(Gift::Owner), descriptor)?;
        }
        channel.send(&ToChild::Begin)?;
        setting.event_loop.watch(&channel, token(number)).map_err(failed)?;
        // A child that dies at once is reaped like any other; its broken pipe is no failure of the start.
        let _reaped_later = channel.flush();
        self.living.insert(number, Child { role, pid, owner, ready: false, channel, early: Vec::new() });
        Ok(number)
    }

    /// The child of this number.
    pub(crate) fn get_mut(&mut self, number: ChildNumber) -> Option<&mut Child> {
        self.living.get_mut(&number)
    }

    /// Every living child.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ChildNumber, &Child)> {
        self.living.iter().map(|(&number, child)| (number, child))
    }

    /// Every living child.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (ChildNumber, &mut Child)> {
        self.living.iter_mut().map(|(&number, child)| (number, child))
    }

    /// The child that the supervisor keeps itself in this role.
    pub(crate) fn keeper_of(&self, role: Role) -> Option<ChildNumber> {
        self.iter().find(|(_, child)| child.role == role && child.owner.is_none()).map(|(number, _)| number)
    }

    /// Removes the child with this process id: it has been reaped.
    pub(crate) fn remove(&mut self, pid: u32) -> Option<(ChildNumber, Child)> {
        let number = self.iter().find(|(_, child)| child.pid == pid).map(|(number, _)| number)?;
        self.living.remove_entry(&number)
    }

    /// Nobody is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.living.is_empty()
    }
}

/// What a child is started with.
pub(crate) struct Setting<'a> {
    /// The configuration.
    pub(crate) config: &'a Config,
    /// What outlives it.
    pub(crate) wiring: &'a Wiring,
    /// Certificates and keys.
    pub(crate) material: &'a Material,
    /// The loop that will hear it.
    pub(crate) event_loop: &'a EventLoop,
    /// Whose rights it gets when the supervisor is root.
    pub(crate) account: Option<&'a Account>,
}

/// The loop's token of a child; control clients have the even ones.
pub(crate) fn token(number: ChildNumber) -> usize {
    usize::try_from(number).unwrap_or_default() * 2 + 1
}

/// The reverse of [`token`].
pub(crate) fn number_of(token: usize) -> Option<ChildNumber> {
    if token % 2 == 1 { ChildNumber::try_from(token / 2).ok() } else { None }
}
