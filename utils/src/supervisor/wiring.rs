//! Everything that outlives a child: bound listeners, notification sockets, both ends of every rendezvous.

use farm::config::{Config, ListenAt};
use farm::exit::{Exit, Fatal};
use ipc::Role;
use ipc::codec;
use ipc::contact::Contact;
use ipc::smtp_worker::Entrance;
use ipc::supervisor::{Gift, Listener};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use tls::Material;

/// The name of the socket of local programs.
const SUBMIT: &str = "submit";

/// One rendezvous: calls from one role to one contact.
struct Rendezvous {
    contact: Contact,
    caller: Role,
    calling: UnixDatagram,
    answering: UnixDatagram,
}

/// The sockets that the supervisor keeps across restarts of its children.
pub(crate) struct Wiring {
    listeners: Vec<(Listener, OwnedFd)>,
    rendezvous: Vec<Rendezvous>,
    router_notify: UnixDatagram,
    scheduler_notify: UnixDatagram,
}

impl Wiring {
    /// Binds everything that the configuration names.
    ///
    /// # Errors
    /// The first address that cannot be bound, with the reason.
    pub(crate) fn bind(config: &Config) -> Result<Self, Fatal> {
        let run = &config.common.paths.run;
        let mut rendezvous = Vec::new();
        for (contact, callers) in Contact::CALLERS {
            for &caller in callers {
                let (calling, answering) = pair().map_err(Fatal::doing(Exit::System, "rendezvous"))?;
                rendezvous.push(Rendezvous { contact, caller, calling, answering });
            }
        }
        Ok(Self {
            listeners: listeners(config)?,
            rendezvous,
            router_notify: notification(&run.join("router.notify"))?,
            scheduler_notify: notification(&run.join("scheduler.notify"))?,
        })
    }

    /// Where Grange listens, with the ports that the system chose; the socket of local programs goes without saying.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.listeners
            .iter()
            .filter(|(listener, _)| listener.name != SUBMIT)
            .map(|(l, _)| l.name.clone())
            .collect()
    }

    /// The descriptors that a child of this role gets.
    ///
    /// # Errors
    /// `EMFILE` and its like.
    pub(crate) fn gifts(&self, role: Role) -> io::Result<Vec<(Gift, OwnedFd)>> {
        let mut gifts = Vec::new();
        if role == Role::SmtpMaster {
            for (listener, socket) in &self.listeners {
                gifts.push((Gift::Listener(listener.clone()), socket.try_clone()?));
            }
        }
        for rendezvous in &self.rendezvous {
            if rendezvous.caller == role {
                gifts.push((Gift::Call(rendezvous.contact), copy(&rendezvous.calling)?));
            }
            if rendezvous.contact.role() == role {
                gifts.push((Gift::Answer(rendezvous.caller), copy(&rendezvous.answering)?));
            }
        }
        match role {
            Role::RouterMultiplexer => gifts.push((Gift::Notification, copy(&self.router_notify)?)),
            Role::Scheduler => gifts.push((Gift::Notification, copy(&self.scheduler_notify)?)),
            _ => {}
        }
        Ok(gifts)
    }
}

fn copy(socket: &UnixDatagram) -> io::Result<OwnedFd> {
    socket.as_fd().try_clone_to_owned()
}

fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
    let (calling, answering) = UnixDatagram::pair()?;
    calling.set_nonblocking(true)?;
    answering.set_nonblocking(true)?;
    Ok((calling, answering))
}

fn notification(path: &Path) -> Result<UnixDatagram, Fatal> {
    sys::listen::datagram(path, 0o600).map_err(Fatal::doing(Exit::System, path.display().to_string()))
}

fn listeners(config: &Config) -> Result<Vec<(Listener, OwnedFd)>, Fatal> {
    let mut list = Vec::new();
    for listen in &config.smtpserver.listen {
        let entrance = listen.entrance;
        list.push(match &listen.at {
            ListenAt::Network(address) => {
                let socket = sys::listen::tcp(*address).map_err(cannot_bind(*address))?;
                let bound = socket.local_addr().map_or_else(|_| address.to_string(), |a| a.to_string());
                (Listener { name: bound, local: false, entrance }, socket.into())
            }
            ListenAt::Unix(path) => local(path, &path.display().to_string(), entrance)?,
        });
    }
    list.push(local(&config.common.paths.run.join(SUBMIT), SUBMIT, Entrance::default())?);
    Ok(list)
}

fn local(path: &Path, name: &str, entrance: Entrance) -> Result<(Listener, OwnedFd), Fatal> {
    let socket =
        sys::listen::unix(path, 0o666).map_err(Fatal::doing(Exit::System, path.display().to_string()))?;
    Ok((Listener { name: name.into(), local: true, entrance }, socket.into()))
}

fn cannot_bind(address: std::net::SocketAddr) -> impl FnOnce(io::Error) -> Fatal {
    move |error| {
        let cure = match error.kind() {
            io::ErrorKind::AddrInUse => "another server listens there; stop it, or change `listen`",
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 need root; start as root, or use a high port"
            }
            _ => "is the address one of this machine's?",
        };
        Fatal::new(Exit::System, format!("cannot listen on {address}: {error}; {cure}"))
    }
}

/// The section of the configuration that a child of this role gets, encoded.
///
/// # Errors
/// The configuration cannot be encoded, which is a bug.
pub(crate) fn section(
    role: Role,
    config: &Config,
    material: &Material,
) -> Result<Vec<u8>, codec::CodecError> {
    let common = &config.common;
    match role {
        Role::SmtpMaster => codec::encode(&(common, (&config.smtpserver, &config.admission))),
        // Only who speaks with clients gets the keys.
        Role::SmtpWorker => codec::encode(&(common, (&config.smtpserver, material, &config.auth))),
        Role::RouterMultiplexer | Role::RouterWorker => {
            let channels: Vec<&String> = config.channels.keys().collect();
            codec::encode(&(common, (&config.router, channels)))
        }
        Role::Scheduler => codec::encode(&(common, (&config.scheduler, &config.channels))),
        Role::Dns => codec::encode(&(common, &config.dns)),
        Role::Authd => codec::encode(&(common, &config.auth)),
        Role::AgentSmtp | Role::AgentMailbox | Role::AgentHold | Role::AgentError => {
            let channel = config.channels.iter().find(|(name, _)| Role::of_channel(name) == Some(role));
            codec::encode(&(common, channel.map(|(_, channel)| channel)))
        }
    }
}
