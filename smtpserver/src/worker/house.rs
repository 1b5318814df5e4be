//! What all new sessions have in common: names, limits, who may relay.

use super::accounts::Members;
use super::client::Client;
use super::rulebook::Rulebook;
use farm::config::{Auth, Common, Listen, ListenAt, Network, SmtpServer};
use farm::exit::{Exit, Fatal};
use ipc::smtp_worker::Entrance;
use proto::limits::Limits;
use proto::server::{Config, Privileges, Service, Standing};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tls::{Material, ServerContext, Session};

/// The configuration as sessions see it. A session keeps the limits with which it began.
#[derive(Debug)]
pub(super) struct House {
    /// The name of this host in trace fields.
    pub(super) hostname: String,
    /// For [`proto::server::Session`].
    pub(super) config: Arc<Config>,
    /// Octets of memory at which this worker wishes to be replaced.
    pub(super) recycle_memory: u64,
    /// The account stands in trace fields.
    pub(super) shows_account: bool,
    /// What is known of accounts.
    pub(super) members: Members,
    /// Who is refused, held or marked.
    pub(super) rulebook: Rulebook,
    /// Most Received fields that a message may have.
    pub(super) hops: u32,
    /// Octets that the spool takes, as far as is known.
    pub(super) room: u64,
    /// The spool's directory and what is to stay free there; `None` if it is not on disk.
    spool: Option<(PathBuf, u64)>,
    relay_networks: Vec<Network>,
    xclient_networks: Vec<Network>,
    /// Who may VRFY, EXPN and ETRN, in the words of the configuration.
    askers: [String; 3],
    listen: Vec<Listen>,
    /// The user that this process runs as.
    user: u32,
    /// The time as TLS sees it.
    pub(super) clock: tls::Clock,
    /// Certificates, if there are any.
    tls: Option<ServerContext>,
}

impl House {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The host name is none, or too long to have a postmaster; a certificate cannot be used.
    pub(super) fn new(
        common: &Common,
        section: &SmtpServer,
        material: &Material,
        auth: &Auth,
        utc: u64,
    ) -> Result<Self, Fatal> {
        let bad = |why: String| Fatal::new(Exit::Config, format!("hostname \"{}\": {why}", common.hostname));
        let hostname =
            common.hostname.parse().map_err(|e: proto::address::DomainError| bad(e.to_string()))?;
        let config = Config::new(hostname, limits(section, auth)).map_err(|e| bad(e.to_string()))?;
        let clock = tls::Clock::new(utc / 1000);
        let tls = ServerContext::new(material, clock.clone()).map_err(Fatal::doing(Exit::Config, "[tls]"))?;
        let lasting = common.spool.backend.is_lasting();
        Ok(Self {
            hostname: common.hostname.clone(),
            config: Arc::new(config),
            recycle_memory: section.recycle_memory,
            shows_account: section.trace_account == "yes",
            members: Members::new(common, auth),
            rulebook: Rulebook::new(section),
            hops: section.hops,
            room: u64::MAX,
            spool: lasting.then(|| (common.paths.spool.clone(), common.spool.reserve)),
            relay_networks: section.relay_networks.clone(),
            xclient_networks: section.xclient_networks.clone(),
            askers: [section.vrfy.clone(), section.expn.clone(), section.etrn.clone()],
            listen: section.listen.clone(),
            user: sys::user::own_id(),
            clock,
            tls,
        })
    }

    /// Looks how much the spool takes. If that cannot be told, a message is asked for, and the spool decides.
    pub(super) fn look_for_room(&mut self) {
        let Some((directory, reserve)) = &self.spool else { return };
        let free = sys::space::free_octets(directory);
        self.room = free.map_or(u64::MAX, |free| free.saturating_sub(*reserve));
    }

    /// What a session with this client may do.
    pub(super) fn standing(&self, client: &Client, entrance: Entrance, utc: u64) -> Standing {
        let play = client.uid.is_some_and(|uid| uid == 0 || uid == self.user);
        let policy = self.rulebook.exists();
        let privileges = Privileges { play, policy, ..self.privileges(client, false) };
        let require_auth = entrance.service == Service::Submission;
        let implicit_tls = entrance.implicit_tls;
        let starttls = self.tls.is_some() && !implicit_tls && !client.local;
        let service = entrance.service;
        let mechanisms = self.members.mechanisms(service, client);
        Standing {
            service,
            privileges,
            mechanisms,
            require_auth,
            starttls,
            implicit_tls,
            utc,
            ..Standing::default()
        }
    }

    /// A TLS session in which we are the server; none if there is no certificate.
    pub(super) fn tls_session(&self) -> Option<Session> {
        let session = self.tls.as_ref()?.session();
        session.inspect_err(|error| log::error!("tls: {error}")).ok()
    }

    /// The listener of this name, or of this address if its port was left to the system, and what it is for; the first one
    /// if none is named.
    pub(super) fn listener(&self, name: Option<&str>) -> Option<(String, Entrance)> {
        let Some(name) = name else {
            return self.listen.first().map(|listen| (name_of(listen), listen.entrance));
        };
        let address: Option<SocketAddr> = name.parse().ok();
        let is_this = |listen: &&Listen| match listen.at {
            ListenAt::Network(at) if at.port() == 0 => address.is_some_and(|address| address.ip() == at.ip()),
            ListenAt::Network(_) | ListenAt::Unix(_) => name_of(listen) == name,
        };
        self.listen.iter().find(is_this).map(|listen| (name.to_owned(), listen.entrance))
    }

    /// The names of all listeners for the network.
    pub(super) fn listeners(&self) -> Vec<String> {
        self.listen.iter().map(name_of).collect()
    }

    /// What a client may do besides sending mail; who has authenticated may do what those may who may relay.
    pub(super) fn privileges(&self, client: &Client, authenticated: bool) -> Privileges {
        let relay = client.may_relay;
        let trusted = client.address.is_some_and(|ip| self.xclient_networks.iter().any(|n| n.contains(ip)));
        let [vrfy, expn, etrn] = self.askers.each_ref().map(|who| match who.as_str() {
            "yes" => true,
            "relay" => relay || authenticated,
            _ => false,
        });
        Privileges { relay, vrfy, expn, etrn, xclient: trusted, xforward: trusted, ..Privileges::default() }
    }

    /// Whether a client at this address may send to any domain.
    pub(super) fn may_relay(&self, client: IpAddr) -> bool {
        self.relay_networks.iter().any(|network| network.contains(client))
    }
}

/// As in the event `listening`.
fn name_of(listen: &Listen) -> String {
    match &listen.at {
        ListenAt::Network(address) => address.to_string(),
        ListenAt::Unix(path) => path.display().to_string(),
    }
}

fn limits(section: &SmtpServer, auth: &Auth) -> Limits {
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Limits {
        command_line: size(section.command_line),
        message_size: section.message_size,
        recipients: size(section.recipients),
        bad_commands: section.command_errors,
        command_wait: section.command_timeout,
        handshake_wait: Limits::default().handshake_wait.min(section.command_timeout),
        data_wait: Limits::default().data_wait.min(section.data_timeout),
        block_wait: section.data_timeout,
        verdict_wait: section.route_timeout,
        auth_wait: auth.longest_answer(),
        data_rate: u64::from(section.data_rate),
        session_age: section.session_age,
        idle_commands: section.idle_commands,
        refusals: section.refusals,
        hold: section.hold_limit,
        auth_failures: auth.failures,
        ..Limits::default()
    }
}
