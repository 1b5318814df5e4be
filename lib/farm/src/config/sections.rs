//! The typed sections of `grange.toml`, as the programs see them: every default applied, every unit resolved.

use super::admission::Admission;
use super::auth::Auth;
use super::backend::Backend;
use super::tls::Tls;
use ipc::smtp_worker::Entrance;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// All of the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// What every program needs.
    pub common: Common,
    /// `[smtpserver]`
    pub smtpserver: SmtpServer,
    /// `[router]`
    pub router: Router,
    /// `[scheduler]`
    pub scheduler: Scheduler,
    /// `[dns]`
    pub dns: Dns,
    /// `[auth]`
    pub auth: Auth,
    /// `[admission]`
    pub admission: Admission,
    /// `[tls]`
    pub tls: Tls,
    /// `[channel.NAME]`, the four built-in channels always among them.
    pub channels: BTreeMap<String, Channel>,
}

/// What every program needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Common {
    /// `hostname`: what this host calls itself.
    pub hostname: String,
    /// `local-domains`, in lower case.
    pub local_domains: Vec<String>,
    /// Directories.
    pub paths: Paths,
    /// `user`: whose rights the programs take when started by root.
    pub user: String,
    /// `journal`: where the operator's journal goes.
    pub journal: JournalTarget,
    /// `[spool]`
    pub spool: SpoolLimits,
}

/// Where things are. `--root DIR` puts all of them under DIR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paths {
    /// Configuration and tables: `/etc/grange`.
    pub etc: PathBuf,
    /// The spool: `/var/spool/grange`, or where [`Backend::directory`] puts it.
    pub spool: PathBuf,
    /// Sockets: `/run/grange`.
    pub run: PathBuf,
    /// Programs: `/usr/libexec/grange`.
    pub libexec: PathBuf,
}

/// Where the operator's journal goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum JournalTarget {
    /// Standard error of the supervisor.
    Stderr,
    /// The system log, facility mail.
    Syslog,
    /// This file, appended.
    File(PathBuf),
}

/// `[spool]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolLimits {
    /// `backend`: what the spool is made of. `segments`.
    pub backend: Backend,
    /// `commit-delay`: how long a batch may wait for other sessions, in milliseconds. 2.
    pub commit_delay: u64,
    /// `memory-limit`: a longer message streams to a file of its own; octets. 256 KiB.
    pub memory_limit: u64,
    /// `segment-size`: octets. 16 MiB.
    pub segment_size: u64,
    /// `reserve`: space to keep free; below it new mail is answered 452; octets. 64 MiB.
    pub reserve: u64,
}

/// `[smtpserver]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SmtpServer {
    /// `listen`.
    pub listen: Vec<Listen>,
    /// `relay-networks`.
    pub relay_networks: Vec<Network>,
    /// `workers`: processes. 2.
    pub workers: u32,
    /// `sessions`: connections in all. 10,000.
    pub sessions: u32,
    /// `sessions-per-client`: connections per IPv4 address and per IPv6 /64. 100.
    pub sessions_per_client: u32,
    /// `message-size`: octets. 50 MiB.
    pub message_size: u64,
    /// `recipients`: per message. 10,000.
    pub recipients: u32,
    /// `command-errors`: bad commands before the session is closed. 20.
    pub command_errors: u32,
    /// `command-line`: octets, CRLF included. 4,096.
    pub command_line: u32,
    /// `recycle-sessions`: a worker is replaced after so many sessions. 100,000.
    pub recycle_sessions: u64,
    /// `recycle-memory`: a worker is replaced when it has grown to so many octets. 512 MiB.
    pub recycle_memory: u64,
    /// `command-timeout`, milliseconds. 5 minutes (RFC 5321 section 4.5.3.2.7).
    pub command_timeout: u64,
    /// `data-timeout`: between octets of the content, milliseconds. 3 minutes.
    pub data_timeout: u64,
    /// `route-timeout`: how long RCPT may wait for the router, milliseconds. 30 s.
    pub route_timeout: u64,
    /// `data-rate`: octets per second that content must bring on average. 500.
    pub data_rate: u32,
    /// `session-age`: how long a session may last, milliseconds. 4 hours.
    pub session_age: u64,
    /// `idle-commands`: commands without a message before the session is closed. 100.
    pub idle_commands: u32,
    /// `refusals`: refused recipients and messages before the session is closed. 1000.
    pub refusals: u32,
    /// `hops`: Received fields that a message may have. 100.
    pub hops: u32,
    /// `hold-limit`: how far ahead a submitted message may be put, milliseconds. 7 days.
    pub hold_limit: u64,
    /// `vrfy`: who may ask for a mailbox: `no`, `relay` (those who may relay) or `yes`. `no`.
    pub vrfy: String,
    /// `expn`: who may ask for the members of a list, in the same words. `no`.
    pub expn: String,
    /// `etrn`: who may start the queue of a domain, in the same words. `no`.
    pub etrn: String,
    /// `xclient-networks`: whose word counts on who the client is. None.
    pub xclient_networks: Vec<Network>,
    /// `policy`: the file. None.
    pub policy: Option<PathBuf>,
    /// `trace-account`: `no` or `yes`, the account stands in the Received field. `no`.
    pub trace_account: String,
}

/// Where to listen, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listen {
    /// Where.
    pub at: ListenAt,
    /// What is spoken there: said by a prefix, or known by the port.
    pub entrance: Entrance,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ListenAt {
    /// An address and a port; `*:25` becomes both `0.0.0.0:25` and `[::]:25`.
    Network(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// An address block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Its first address.
    pub address: std::net::IpAddr,
    /// Its length in bits.
    pub prefix: u8,
}

/// `[router]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Router {
    /// `workers`: processes. 2.
    pub workers: u32,
    /// `recycle-addresses`: a worker is replaced after so many addresses. 50,000.
    pub recycle_addresses: u64,
    /// `aliases`: the file.
    pub aliases: Option<PathBuf>,
    /// `routes`: a file, or inline pairs.
    pub routes: Routes,
}

/// `routes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Routes {
    /// In a file.
    File(PathBuf),
    /// In the configuration: pattern, then `channel!host`.
    Inline(Vec<(String, String)>),
}

/// `[scheduler]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scheduler {
    /// `retry`: intervals in milliseconds, the last one repeats.
    pub retry: Vec<u64>,
    /// `expire`: milliseconds. 5 days.
    pub expire: u64,
    /// `jobs`: in flight, all together. 2,000.
    pub jobs: u32,
    /// `memory-messages`: messages held in memory before segments are left unread. 1,500,000.
    pub memory_messages: u64,
    /// `compact-after`: age of a sparse segment, milliseconds. 10 min.
    pub compact_after: u64,
    /// `delay-warning`: ages at which the sender of a message that still waits is told, in milliseconds. 4 hours.
    pub delay_warning: Vec<u64>,
    /// `notice-content`: octets that a message may have which a notice gives back whole. 1 MiB.
    pub notice_content: u64,
}

/// `[dns]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dns {
    /// `nameservers`: with port; empty means those of `/etc/resolv.conf`.
    pub nameservers: Vec<SocketAddr>,
    /// `timeout` of one question, milliseconds. 5 s.
    pub timeout: u64,
    /// `attempts` per name server. 2.
    pub attempts: u32,
    /// `cache`: entries. 8,192.
    pub cache: u32,
}

/// `[channel.NAME]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// `agents`: processes.
    pub agents: u32,
    /// `sessions`: deliveries in flight, all together.
    pub sessions: u32,
    /// `sessions-per-host`.
    pub sessions_per_host: u32,
    /// `messages-per-session`: a connection is closed after so many.
    pub messages_per_session: u32,
    /// `idle`: how long a connection without work stays open, milliseconds.
    pub idle: u64,
    /// `port` for hosts without one (smtp). 25.
    pub port: u16,
    /// `path` (mailbox), `~` is the user's home.
    pub path: String,
    /// `connect-timeout`, milliseconds.
    pub connect_timeout: u64,
    /// `tls` (smtp): `no`, `may` or `must`.
    pub tls: String,
    /// `tls-ca` (smtp): authorities in place of the system's.
    pub tls_ca: Option<PathBuf>,
    /// `[[channel.NAME.host]]`, first match wins.
    pub hosts: Vec<HostRule>,
}

/// `[[channel.NAME.host]]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostRule {
    /// `match`: `*.slow.example`, `gmail.com`.
    pub patterns: Vec<String>,
    /// `sessions-per-host`, if said.
    pub sessions_per_host: Option<u32>,
    /// `messages-per-session`, if said.
    pub messages_per_session: Option<u32>,
    /// `tls`, if said.
    pub tls: Option<String>,
    /// `retry`, if said.
    pub retry: Option<Vec<u64>>,
}
