//! Events in the life of a program of the farm.

use super::field::{Fields, Span};
use crate::farm::{Death, Report};
use proto::id::SpoolId;

/// What happened to a program, or what it met. Times are milliseconds.
#[derive(Debug, Clone)]
pub enum ProgramEvent<'a> {
    /// It runs.
    Started {
        /// Its process id.
        pid: u32,
        /// Its version.
        version: &'a str,
    },
    /// It does its work.
    Ready {
        /// Since it was started.
        time: u64,
    },
    /// It finishes what it has and takes nothing new.
    Draining {
        /// Who or what asked for it.
        why: &'a str,
    },
    /// It ends.
    Stopped {
        /// Who or what asked for it.
        why: &'a str,
        /// Since it was started.
        time: u64,
    },
    /// It listens.
    Listening {
        /// As configured: `0.0.0.0:25`, `unix:/run/grange/submit`.
        address: &'a str,
    },
    /// The spool is one that does not keep what was acknowledged.
    NotKept {
        /// The spool's backend.
        backend: &'a str,
        /// What is lost and when.
        why: &'a str,
    },
    /// It has stopped accepting connections for a while; it resumes by itself.
    Paused {
        /// What is short.
        why: &'a str,
    },
    /// It accepts connections again.
    Resumed {
        /// How long it had not.
        time: u64,
    },
    /// It turned a client away before any session.
    TurnedAway(TurnedAway<'a>),
    /// A rule that only warns would have turned a client away, or given it points. Its `reply` is what the client would
    /// have been told, or the points.
    WouldTurnAway(TurnedAway<'a>),
    /// It let a client go on without answers of the DNS about it.
    Unanswered {
        /// The client's address.
        client: &'a str,
        /// What was asked: lists, or `name`.
        asked: &'a str,
    },
    /// It has a new worker.
    Spawned {
        /// The supervisor's number for it.
        child: u32,
        /// Its process id.
        pid: u32,
    },
    /// What its farm reports of its workers.
    Farm(&'a Report),
    /// An address killed a worker too often; it is answered 451.
    Blamed {
        /// The address.
        address: &'a str,
        /// How many workers died of it.
        deaths: u32,
    },
    /// It read the spool after a start.
    Recovered {
        /// Segments read.
        segments: u64,
        /// Messages found open.
        messages: u64,
        /// How long that took.
        time: u64,
    },
    /// It has emptied a sparse segment: what waited in it lies elsewhere now.
    Compacted {
        /// The segment.
        segment: SpoolId,
        /// Messages that were moved.
        messages: u64,
        /// Octets of its file.
        from: u64,
        /// Octets that the copies take.
        to: u64,
        /// How long that took.
        time: u64,
    },
    /// It found part of a segment unreadable; what is intact is kept.
    Damage {
        /// The segment.
        segment: SpoolId,
        /// From this octet on.
        offset: u64,
        /// So many octets.
        length: u64,
        /// What is wrong there.
        why: &'a str,
    },
    /// An operation on the spool failed.
    SpoolError(Failure<'a>),
    /// It took the configuration that was read again.
    Reloaded {
        /// How long that took.
        time: u64,
    },
    /// The configuration was read again and has errors; the old one stays.
    ReloadRefused {
        /// How many errors.
        errors: u64,
        /// The first of them.
        first: &'a str,
    },
    /// It took certificates whose files have changed.
    TlsReloaded {
        /// The first file that has.
        file: &'a str,
        /// How many certificates there are now.
        certificates: u64,
    },
    /// Certificates whose files have changed cannot be used; the old ones stay.
    TlsError {
        /// The file that is to blame.
        file: &'a str,
        /// What is wrong with it.
        why: &'a str,
    },
    /// Something about a certificate is dubious; it is used all the same.
    TlsWarning {
        /// Its file.
        file: &'a str,
        /// What is dubious.
        why: &'a str,
    },
    /// A table that has changed has mistakes. Lines without a mistake count.
    TableMistakes {
        /// How many.
        errors: u64,
        /// The first of them.
        first: &'a str,
    },
    /// A service that it asks cannot be asked any more; it goes on trying.
    BackendLost {
        /// Which one, and why.
        why: &'a str,
    },
    /// The service that was lost answers again.
    BackendBack,
    /// A fault switch was set.
    Fault {
        /// The point in the program.
        point: &'a str,
        /// How many times it will strike; 0 clears.
        times: u32,
        /// Who set it.
        by: &'a str,
    },
    /// Hints were ignored because there were too many or because they did not hold.
    HintsDropped {
        /// How many.
        count: u64,
        /// Why.
        why: &'a str,
    },
    /// Lines of this journal were lost because it could not be written.
    JournalDropped {
        /// How many.
        lines: u64,
    },
}

/// A client that is turned away before any session.
#[derive(Debug, Clone, Default)]
pub struct TurnedAway<'a> {
    /// The client's address; `local` for a local program.
    pub client: &'a str,
    /// The client's verified name; empty without.
    pub name: &'a str,
    /// Where it came in.
    pub listener: &'a str,
    /// The rule.
    pub rule: &'a str,
    /// What was found.
    pub value: &'a str,
    /// What the rule allows; may be empty.
    pub limit: &'a str,
    /// What was answered, codes and all; empty if nothing was.
    pub reply: &'a str,
}

/// An operation that failed.
#[derive(Debug, Clone)]
pub struct Failure<'a> {
    /// The operation: `flush`, `append`, `log`.
    pub operation: &'a str,
    /// The file, under the spool.
    pub file: &'a str,
    /// What the system said.
    pub error: &'a str,
    /// What follows: `451 to 12 sessions`, `stopped accepting`.
    pub then: &'a str,
}

impl ProgramEvent<'_> {
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Ready { .. } => "ready",
            Self::Draining { .. } => "draining",
            Self::Stopped { .. } => "stopped",
            Self::Listening { .. } => "listening",
            Self::NotKept { .. } => "not-kept",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::TurnedAway(_) => "turned-away",
            Self::WouldTurnAway(_) => "would-turn-away",
            Self::Unanswered { .. } => "unanswered",
            Self::Spawned { .. } => "spawned",
            Self::Farm(Report::Exited { .. }) => "exited",
            Self::Farm(Report::SpawnFailed { .. }) => "spawn-failed",
            Self::Farm(Report::Retiring { .. }) => "retiring",
            Self::Farm(Report::Killed { .. }) => "killed",
            Self::Blamed { .. } => "blamed",
            Self::Recovered { .. } => "recovered",
            Self::Compacted { .. } => "compacted",
            Self::Damage { .. } => "damage",
            Self::SpoolError(_) => "spool-error",
            Self::Reloaded { .. } => "reloaded",
            Self::ReloadRefused { .. } => "reload-refused",
            Self::TlsReloaded { .. } => "tls-reload",
            Self::TlsError { .. } => "tls-error",
            Self::TlsWarning { .. } => "tls-warning",
            Self::TableMistakes { .. } => "table-mistakes",
            Self::BackendLost { .. } => "backend-lost",
            Self::BackendBack => "backend-back",
            Self::Fault { .. } => "fault",
            Self::HintsDropped { .. } => "hints-dropped",
            Self::JournalDropped { .. } => "journal-dropped",
        }
    }

    pub(super) fn write_fields(&self, line: &mut String) {
        let fields = Fields::new(line);
        match self {
            Self::Started { pid, version } => fields.plain("pid", pid).text("version", version),
            Self::Ready { time } | Self::Resumed { time } | Self::Reloaded { time } => {
                fields.plain("time", Span(*time))
            }
            Self::Draining { why } | Self::Paused { why } => fields.text("why", why),
            Self::Stopped { why, time } => fields.text("why", why).plain("time", Span(*time)),
            Self::Listening { address } => fields.text("address", address),
            Self::NotKept { backend, why } => fields.text("backend", backend).text("why", why),
            Self::TurnedAway(away) | Self::WouldTurnAway(away) => away.write_fields(fields),
            Self::Unanswered { client, asked } => fields.text("client", client).text("asked", asked),
            Self::Spawned { child, pid } => fields.plain("child", child).plain("pid", pid),
            Self::Farm(report) => write_report(report, fields),
            Self::Blamed { address, deaths } => fields.text("address", address).plain("deaths", deaths),
            Self::Recovered { segments, messages, time } => {
                fields.plain("segments", segments).plain("messages", messages).plain("time", Span(*time))
            }
            Self::Compacted { segment, messages, from, to, time } => {
                let fields = fields.plain("segment", segment).plain("messages", messages);
                fields.plain("from", from).plain("to", to).plain("time", Span(*time))
            }
            Self::Damage { segment, offset, length, why } => {
                let fields = fields.plain("segment", segment).plain("offset", offset);
                fields.plain("length", length).text("why", why)
            }
            Self::SpoolError(failure) => failure.write_fields(fields),
            Self::ReloadRefused { errors, first } | Self::TableMistakes { errors, first } => {
                fields.plain("errors", errors).text("first", first)
            }
            Self::TlsReloaded { file, certificates } => {
                fields.text("file", file).plain("certificates", certificates)
            }
            Self::TlsError { file, why } | Self::TlsWarning { file, why } => {
                fields.text("file", file).text("why", why)
            }
            Self::BackendLost { why } => fields.text("why", why),
            Self::BackendBack => fields,
            Self::Fault { point, times, by } => {
                fields.text("point", point).plain("times", times).text("by", by)
            }
            Self::HintsDropped { count, why } => fields.plain("count", count).text("why", why),
            Self::JournalDropped { lines } => fields.plain("lines", lines),
        };
    }
}

impl TurnedAway<'_> {
    fn write_fields<'f>(&self, fields: Fields<'f>) -> Fields<'f> {
        fields
            .text("client", self.client)
            .text("name", self.name)
            .text("listener", self.listener)
            .text("rule", self.rule)
            .text("value", self.value)
            .text("limit", self.limit)
            .text("reply", self.reply)
    }
}

impl Failure<'_> {
    fn write_fields<'f>(&self, fields: Fields<'f>) -> Fields<'f> {
        fields
            .text("op", self.operation)
            .text("file", self.file)
            .text("error", self.error)
            .text("then", self.then)
    }
}

fn write_report<'f>(report: &Report, fields: Fields<'f>) -> Fields<'f> {
    match report {
        Report::Exited { child, death, .. } => write_death(death, fields.plain("child", child)),
        Report::SpawnFailed { death, .. } => write_death(death, fields),
        Report::Retiring { child, why, uses, life, .. } => {
            let fields = fields.plain("child", child).plain("why", why);
            fields.plain("uses", uses).plain("life", Span(*life))
        }
        Report::Killed { child, load, grace, .. } => {
            fields.plain("child", child).plain("load", load).plain("grace", Span(*grace))
        }
    }
}

fn write_death<'f>(death: &Death, fields: Fields<'f>) -> Fields<'f> {
    fields
        .text("how", &death.how)
        .plain("life", Span(death.life))
        .plain("deaths", death.deaths)
        .plain("within", Span(death.within))
        .plain("next", Span(death.next))
}
