//! What counts when the file says nothing.

use super::admission::admission;
use super::auth::auth;
use super::backend::Backend;
use super::sections::{
    Channel, Common, Config, Dns, HostRule, JournalTarget, Listen, ListenAt, Network, Paths, Router, Routes,
    Scheduler, SmtpServer, SpoolLimits,
};
use super::tls::tls;
use ipc::smtp_worker::Entrance;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// The channels that there are, in the order in which they are named.
pub const CHANNELS: [&str; 4] = ["smtp", "mailbox", "hold", "error"];

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The configuration of an empty file on a host called `hostname`. The tables are those that exist in `paths.etc`.
pub fn defaults(paths: &Paths, hostname: &str) -> Config {
    let routes = existing(paths, "routes").map_or_else(|| Routes::Inline(Vec::new()), Routes::File);
    Config {
        common: Common {
            hostname: hostname.to_ascii_lowercase(),
            local_domains: vec![hostname.to_ascii_lowercase()],
            paths: paths.clone(),
            user: "grange".to_owned(),
            journal: JournalTarget::Stderr,
            spool: spool(),
        },
        smtpserver: smtpserver(),
        router: Router { workers: 2, recycle_addresses: 50_000, aliases: existing(paths, "aliases"), routes },
        scheduler: Scheduler {
            retry: vec![MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR],
            expire: 5 * DAY,
            jobs: 2_000,
            memory_messages: 1_500_000,
            compact_after: 10 * MINUTE,
            delay_warning: vec![4 * HOUR],
            notice_content: MIB,
        },
        auth: auth(paths),
        admission: admission(paths),
        dns: Dns { nameservers: Vec::new(), timeout: 5 * SECOND, attempts: 2, cache: 8_192 },
        tls: tls(),
        channels: CHANNELS.iter().map(|name| ((*name).to_owned(), channel(name))).collect::<BTreeMap<_, _>>(),
    }
}

/// A host rule that says nothing.
pub(super) fn host_rule() -> HostRule {
    HostRule {
        patterns: Vec::new(),
        sessions_per_host: None,
        messages_per_session: None,
        tls: None,
        retry: None,
    }
}

pub(super) fn existing(paths: &Paths, name: &str) -> Option<PathBuf> {
    let path = paths.etc.join(name);
    path.exists().then_some(path)
}

fn spool() -> SpoolLimits {
    SpoolLimits {
        backend: Backend::default(),
        commit_delay: 2,
        memory_limit: 256 * KIB,
        segment_size: 16 * MIB,
        reserve: 64 * MIB,
    }
}

fn smtpserver() -> SmtpServer {
    let any = |address: IpAddr| Listen {
        at: ListenAt::Network(SocketAddr::new(address, 25)),
        entrance: Entrance::default(),
    };
    SmtpServer {
        listen: vec![any(Ipv4Addr::UNSPECIFIED.into()), any(Ipv6Addr::UNSPECIFIED.into())],
        relay_networks: vec![
            Network { address: Ipv4Addr::new(127, 0, 0, 0).into(), prefix: 8 },
            Network { address: Ipv6Addr::LOCALHOST.into(), prefix: 128 },
        ],
        workers: 2,
        sessions: 10_000,
        sessions_per_client: 100,
        message_size: 50 * MIB,
        recipients: 10_000,
        command_errors: 20,
        command_line: 4_096,
        recycle_sessions: 100_000,
        recycle_memory: 512 * MIB,
        command_timeout: 5 * MINUTE,
        data_timeout: 3 * MINUTE,
        route_timeout: 30 * SECOND,
        data_rate: 500,
        session_age: 4 * HOUR,
        idle_commands: 100,
        refusals: 1000,
        hops: 100,
        hold_limit: 7 * DAY,
        vrfy: "no".to_owned(),
        expn: "no".to_owned(),
        etrn: "no".to_owned(),
        xclient_networks: Vec::new(),
        policy: None,
        trace_account: "no".to_owned(),
    }
}

fn channel(name: &str) -> Channel {
    let (agents, sessions, sessions_per_host) = match name {
        "smtp" => (1, 500, 20),
        "mailbox" => (2, 50, 4),
        _ => (1, 50, 50),
    };
    Channel {
        agents,
        sessions,
        sessions_per_host,
        messages_per_session: 100,
        idle: 5 * SECOND,
        port: 25,
        tls: "may".to_owned(),
        tls_ca: None,
        path: "~/Maildir/".to_owned(),
        connect_timeout: 30 * SECOND,
        hosts: Vec::new(),
    }
}
