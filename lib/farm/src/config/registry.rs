//! The rows: every parameter of every section, once.

pub use super::admission::ADMISSION;
pub use super::auth::AUTH;
use super::parameter::{Field, Kind, Parameter};
use super::sections::{Channel, Common, Dns, HostRule, Router, Scheduler, SmtpServer, SpoolLimits};
pub use super::tls::TLS;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const DAY: u64 = 24 * 60 * MINUTE;
const YEAR: u64 = 366 * DAY;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const TIB: u64 = 1 << 40;
const WHO: Kind = Kind::Word(&["no", "relay", "yes"]);
const OUTGOING_TLS: &[&str] = &["no", "may", "must"];
const INTERVAL: Kind = Kind::Durations(SECOND, 30 * DAY);

pub(super) const fn row<T>(
    name: &'static str,
    kind: Kind,
    field: fn(&mut T) -> Field<'_>,
    doc: &'static str,
) -> Parameter<T> {
    Parameter { name, kind, field, reload: true, doc, channels: &[] }
}

const fn at_restart<T>(mut parameter: Parameter<T>) -> Parameter<T> {
    parameter.reload = false;
    parameter
}

const fn only<T>(channels: &'static [&'static str], mut parameter: Parameter<T>) -> Parameter<T> {
    parameter.channels = channels;
    parameter
}

/// The keys above the first section.
pub const COMMON: &[Parameter<Common>] = &[
    row(
        "hostname",
        Kind::Host,
        |s| Field::Text(&mut s.hostname),
        "What this host calls itself in greetings, trace headers and notices.",
    ),
    row(
        "local-domains",
        Kind::Domains,
        |s| Field::Texts(&mut s.local_domains),
        "Domains whose users are the aliases and the system users of this host.",
    ),
    at_restart(row(
        "user",
        Kind::User,
        |s| Field::Text(&mut s.user),
        "Whose rights the programs take when they are started by root.",
    )),
    at_restart(row(
        "journal",
        Kind::Journal,
        |s| Field::Journal(&mut s.journal),
        "Where the journal goes: stderr, syslog, or a file.",
    )),
];

/// `[spool]`
pub const SPOOL: &[Parameter<SpoolLimits>] = &[
    at_restart(row(
        "backend",
        Kind::Backend,
        |s| Field::Backend(&mut s.backend),
        "Where mail waits: in segments on disk, in memory, or nowhere; the last two are for measurements and lose mail.",
    )),
    row(
        "commit-delay",
        Kind::Duration(0, SECOND),
        |s| Field::Number(&mut s.commit_delay),
        "How long a message may wait for others to share its flush to disk.",
    ),
    row(
        "memory-limit",
        Kind::Size(4 * KIB, 64 * MIB),
        |s| Field::Number(&mut s.memory_limit),
        "A message longer than this streams to a file of its own.",
    ),
    row(
        "segment-size",
        Kind::Size(MIB, 1024 * MIB),
        |s| Field::Number(&mut s.segment_size),
        "How large a segment of the spool grows.",
    ),
    row(
        "reserve",
        Kind::Size(0, TIB),
        |s| Field::Number(&mut s.reserve),
        "Free space below which new mail is answered 452.",
    ),
];

/// `[smtpserver]`
pub const SMTPSERVER: &[Parameter<SmtpServer>] = &[
    at_restart(row(
        "listen",
        Kind::Listen,
        |s| Field::Listen(&mut s.listen),
        "Addresses and ports to listen on; * is every address, unix:/path a socket in the file system.",
    )),
    row(
        "relay-networks",
        Kind::Networks,
        |s| Field::Networks(&mut s.relay_networks),
        "Clients in these networks may send to any domain.",
    ),
    row("workers", Kind::Count(1, 256), |s| Field::Number(&mut s.workers), "Worker processes."),
    row("sessions", Kind::Count(1, 1_000_000), |s| Field::Number(&mut s.sessions), "Connections at once."),
    row(
        "sessions-per-client",
        Kind::Count(1, 1_000_000),
        |s| Field::Number(&mut s.sessions_per_client),
        "Connections at once from one IPv4 address or one IPv6 /64.",
    ),
    row(
        "message-size",
        Kind::Size(64 * KIB, TIB),
        |s| Field::Number(&mut s.message_size),
        "Longest message accepted, announced with SIZE.",
    ),
    row(
        "recipients",
        Kind::Count(100, 1_000_000),
        |s| Field::Number(&mut s.recipients),
        "Recipients of one message.",
    ),
    row(
        "command-errors",
        Kind::Count(1, 10_000),
        |s| Field::Number(&mut s.command_errors),
        "Bad commands before a session is closed.",
    ),
    row(
        "command-line",
        Kind::Count(512, 65_536),
        |s| Field::Number(&mut s.command_line),
        "Longest command line in octets, CRLF included.",
    ),
    row(
        "recycle-sessions",
        Kind::Count(1, 1_000_000_000),
        |s| Field::Number(&mut s.recycle_sessions),
        "A worker is replaced after so many sessions.",
    ),
    row(
        "recycle-memory",
        Kind::Size(16 * MIB, TIB),
        |s| Field::Number(&mut s.recycle_memory),
        "A worker is replaced when it has grown to this size.",
    ),
    row(
        "command-timeout",
        Kind::Duration(SECOND, DAY),
        |s| Field::Number(&mut s.command_timeout),
        "How long to wait for a command.",
    ),
    row(
        "data-timeout",
        Kind::Duration(SECOND, DAY),
        |s| Field::Number(&mut s.data_timeout),
        "How long to wait for more of a message's content.",
    ),
    row(
        "route-timeout",
        Kind::Duration(100, 10 * MINUTE),
        |s| Field::Number(&mut s.route_timeout),
        "How long RCPT may wait for the router before it is answered 451.",
    ),
    row(
        "data-rate",
        Kind::Count(0, 1_000_000_000),
        |s| Field::Number(&mut s.data_rate),
        "Octets per second that content must bring on average; with 0 any rate is good enough.",
    ),
    row(
        "session-age",
        Kind::Duration(MINUTE, 7 * DAY),
        |s| Field::Number(&mut s.session_age),
        "How long a session may last; then it is closed between two messages.",
    ),
    row(
        "idle-commands",
        Kind::Count(10, 1_000_000),
        |s| Field::Number(&mut s.idle_commands),
        "Commands that bring no message before a session is closed.",
    ),
    row(
        "refusals",
        Kind::Count(10, 1_000_000),
        |s| Field::Number(&mut s.refusals),
        "Refused recipients and messages before a session is closed.",
    ),
    row(
        "hops",
        Kind::Count(10, 10_000),
        |s| Field::Number(&mut s.hops),
        "Hosts that a message may have passed, by its Received fields; one more is a loop.",
    ),
    row(
        "hold-limit",
        Kind::Duration(0, YEAR),
        |s| Field::Number(&mut s.hold_limit),
        "How long a submitted message may ask to be held (FUTURERELEASE); with 0 that is not offered.",
    ),
    row(
        "vrfy",
        WHO,
        |s| Field::Text(&mut s.vrfy),
        "Who may ask for a mailbox by VRFY; relay is who may relay.",
    ),
    row("expn", WHO, |s| Field::Text(&mut s.expn), "Who may ask for the members of a list by EXPN."),
    row("etrn", WHO, |s| Field::Text(&mut s.etrn), "Who may start the queue of a domain by ETRN."),
    row(
        "xclient-networks",
        Kind::Networks,
        |s| Field::Networks(&mut s.xclient_networks),
        "Hosts in these networks may say by XCLIENT and XFORWARD who their client is.",
    ),
    row(
        "policy",
        Kind::File,
        |s| Field::File(&mut s.policy),
        "The policy table, grange-policy(5): who is refused, held or marked.",
    ),
    row(
        "trace-account",
        Kind::Word(&["no", "yes"]),
        |s| Field::Text(&mut s.trace_account),
        "Whether the Received field names the account that has authenticated.",
    ),
];

/// `[router]`
pub const ROUTER: &[Parameter<Router>] = &[
    row("workers", Kind::Count(1, 256), |s| Field::Number(&mut s.workers), "Worker processes."),
    row(
        "recycle-addresses",
        Kind::Count(100, 1_000_000_000),
        |s| Field::Number(&mut s.recycle_addresses),
        "A worker is replaced after so many addresses.",
    ),
    row("aliases", Kind::File, |s| Field::File(&mut s.aliases), "The aliases table, grange-aliases(5)."),
    row(
        "routes",
        Kind::Routes,
        |s| Field::Routes(&mut s.routes),
        "The routes table, grange-routes(5): a file, or pairs of pattern and target.",
    ),
];

/// `[scheduler]`
pub const SCHEDULER: &[Parameter<Scheduler>] = &[
    row(
        "retry",
        INTERVAL,
        |s| Field::Numbers(&mut s.retry),
        "How long to wait after each failed attempt at a host; the last one repeats.",
    ),
    row(
        "expire",
        Kind::Duration(SECOND, YEAR),
        |s| Field::Number(&mut s.expire),
        "When to give a recipient up and tell the sender.",
    ),
    row(
        "jobs",
        Kind::Count(1, 1_000_000),
        |s| Field::Number(&mut s.jobs),
        "Deliveries in flight, all channels together.",
    ),
    row(
        "memory-messages",
        Kind::Count(1_000, 100_000_000),
        |s| Field::Number(&mut s.memory_messages),
        "Messages held in memory; more than that wait unread in the spool.",
    ),
    row(
        "compact-after",
        Kind::Duration(SECOND, YEAR),
        |s| Field::Number(&mut s.compact_after),
        "A file of the spool older than this, in which little still waits, is emptied and removed.",
    ),
    row(
        "delay-warning",
        INTERVAL,
        |s| Field::SomeNumbers(&mut s.delay_warning),
        "Ages at which the sender of a message that still waits is told so; with an empty list never.",
    ),
    row(
        "notice-content",
        Kind::Size(0, 64 * MIB),
        |s| Field::Number(&mut s.notice_content),
        "A message up to this size goes back whole with a notice of failure if its sender asked for that.",
    ),
];

/// `[dns]`
pub const DNS: &[Parameter<Dns>] = &[
    row(
        "nameservers",
        Kind::Nameservers,
        |s| Field::Nameservers(&mut s.nameservers),
        "Name servers with optional port; an empty list means those of /etc/resolv.conf.",
    ),
    row(
        "timeout",
        Kind::Duration(100, 5 * MINUTE),
        |s| Field::Number(&mut s.timeout),
        "How long to wait for the answer to one question.",
    ),
    row(
        "attempts",
        Kind::Count(1, 20),
        |s| Field::Number(&mut s.attempts),
        "How often each name server is asked.",
    ),
    row("cache", Kind::Count(0, 10_000_000), |s| Field::Number(&mut s.cache), "Answers kept."),
];

/// `[channel.NAME]`
pub const CHANNEL: &[Parameter<Channel>] = &[
    row("agents", Kind::Count(1, 256), |s| Field::Number(&mut s.agents), "Agent processes."),
    row(
        "sessions",
        Kind::Count(0, 100_000),
        |s| Field::Number(&mut s.sessions),
        "Deliveries in flight, all agents together; with 0 the mail of the channel waits in the queue.",
    ),
    row(
        "sessions-per-host",
        Kind::Count(1, 100_000),
        |s| Field::Number(&mut s.sessions_per_host),
        "Deliveries in flight to one host, or to one user's mailbox.",
    ),
    only(
        &["smtp"],
        row(
            "messages-per-session",
            Kind::Count(1, 1_000_000),
            |s| Field::Number(&mut s.messages_per_session),
            "A connection is closed after so many messages.",
        ),
    ),
    only(
        &["smtp"],
        row(
            "idle",
            Kind::Duration(0, 5 * MINUTE),
            |s| Field::Number(&mut s.idle),
            "How long a connection without work stays open.",
        ),
    ),
    only(
        &["smtp"],
        row(
            "port",
            Kind::Count(1, 65_535),
            |s| Field::Number(&mut s.port),
            "The port of hosts that are named without one.",
        ),
    ),
    only(
        &["smtp"],
        row(
            "connect-timeout",
            Kind::Duration(SECOND, 10 * MINUTE),
            |s| Field::Number(&mut s.connect_timeout),
            "How long to wait for a connection.",
        ),
    ),
    only(
        &["smtp"],
        row(
            "tls",
            Kind::Word(OUTGOING_TLS),
            |s| Field::Text(&mut s.tls),
            "Whether connections are encrypted: never, where the server offers it, or always.",
        ),
    ),
    only(
        &["smtp"],
        row(
            "tls-ca",
            Kind::File,
            |s| Field::File(&mut s.tls_ca),
            "Certificates of the authorities by which a server proves its name, in place of the system's.",
        ),
    ),
    only(
        &["mailbox"],
        row(
            "path",
            Kind::Mailbox,
            |s| Field::Text(&mut s.path),
            "The mailbox; ~ is the user's home, a slash at the end means Maildir.",
        ),
    ),
];

/// `[[channel.NAME.host]]`
pub const HOST: &[Parameter<HostRule>] = &[
    row(
        "match",
        Kind::Patterns,
        |s| Field::Texts(&mut s.patterns),
        "The hosts that this rule is for; the first rule that matches counts.",
    ),
    row(
        "sessions-per-host",
        Kind::Count(1, 100_000),
        |s| Field::OptionalNumber(&mut s.sessions_per_host),
        "As in the channel, for these hosts.",
    ),
    only(
        &["smtp"],
        row(
            "messages-per-session",
            Kind::Count(1, 1_000_000),
            |s| Field::OptionalNumber(&mut s.messages_per_session),
            "As in the channel, for these hosts.",
        ),
    ),
    only(
        &["smtp"],
        row(
            "tls",
            Kind::Word(OUTGOING_TLS),
            |s| Field::OptionalText(&mut s.tls),
            "As in the channel, for these hosts.",
        ),
    ),
    row("retry", INTERVAL, |s| Field::OptionalNumbers(&mut s.retry), "As in [scheduler], for these hosts."),
];
