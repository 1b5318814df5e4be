//! The process: takes calls, serves callers, listens to the supervisor.
//!
//! States: open, and closing (told to drain, or the supervisor is gone): no calls are taken, open questions are
//! answered, then the process ends. It never waits for a name server longer than the configuration says.

use crate::counter::{CallerChannel, attend};
use crate::lookup::Settings;
use crate::office::{FAULT_ANSWER, Figures, Office};
use crate::resolver::Resolver;
use crate::system;
use crate::watch::{wait, watch};
use farm::config::{Common, Dns};
use farm::exit::{Exit, Fatal};
use farm::skeleton::{Answering, Child, SupervisorChannel};
use ipc::control::{End, FarmLine, Request};
use ipc::supervisor::{FromChild, ToChild};
use ipc::{Role, codec};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::sync::watch::{Receiver, channel};
use tokio::task::JoinSet;

/// Runs until the supervisor says so.
///
/// # Errors
/// The system refuses what cannot be done without, or a rendezvous is broken.
pub fn run(child: Child<Dns>) -> Result<(), Fatal> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Fatal::doing(Exit::System, "runtime"))?;
    runtime.block_on(serve(child))
}

async fn serve(child: Child<Dns>) -> Result<(), Fatal> {
    let Child { common, section, mut gifts, supervisor, .. } = child;
    let sources = Sources::read(&common, &section);
    let office = Office::new(sources.resolver()?);
    let (ringing, calls) = mpsc::channel(1);
    let mut porters = JoinSet::new();
    for (role, answering) in gifts.answering() {
        porters.spawn(porter(role, answering, ringing.clone()));
    }
    let supervisor = watch(supervisor).map_err(Fatal::doing(Exit::System, "supervisor"))?;
    let process = Process { office, sources, supervisor, calls, porters, counters: JoinSet::new() };
    process.run().await
}

/// A call that was answered, or why a rendezvous is broken.
type Ring = io::Result<(Role, CallerChannel)>;

/// Takes the calls at one rendezvous.
async fn porter(role: Role, answering: Answering, ringing: mpsc::Sender<Ring>) {
    if let Err(error) = answer_calls(role, answering, &ringing).await {
        // When nobody listens, the process is ending anyway.
        drop(ringing.send(Err(error)).await);
    }
}

async fn answer_calls(role: Role, answering: Answering, ringing: &mpsc::Sender<Ring>) -> io::Result<()> {
    let answering = watch(answering)?;
    loop {
        wait(&answering, Some(Interest::READABLE)).await?;
        while let Some((call, channel)) = answering.get_ref().answer()? {
            if call.role != role {
                log::warn!("a call from {} came where {role} calls; dropped", call.role);
            } else if ringing.send(Ok((role, channel))).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// What the resolver is made of; equal sources make equal resolvers.
#[derive(Debug, PartialEq, Eq)]
struct Sources {
    settings: Settings,
    own: Vec<String>,
    hosts_file: String,
}

impl Sources {
    fn read(common: &Common, dns: &Dns) -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let name_servers = if dns.nameservers.is_empty() {
            system::name_servers(&read(system::RESOLV_CONF))
        } else {
            dns.nameservers.clone()
        };
        let settings = Settings {
            name_servers,
            timeout: Duration::from_millis(dns.timeout),
            attempts: usize::try_from(dns.attempts).unwrap_or(usize::MAX),
            cache: dns.cache.into(),
            parallel: parallel(sys::limits::raise_open_files()),
        };
        Self { settings, own: vec![common.hostname.clone()], hosts_file: read(system::HOSTS) }
    }

    fn resolver(&self) -> Result<Resolver, Fatal> {
        log::info!("asking {:?}", self.settings.name_servers);
        Resolver::new(&self.settings, &self.own).map_err(Fatal::doing(Exit::Config, "dns"))
    }
}

/// Questions on the network at the same time: each may take six descriptors, and callers need some, too.
fn parallel(open_files: u64) -> usize {
    usize::try_from(open_files / 8).unwrap_or(usize::MAX).clamp(16, 1_024)
}

struct Process {
    office: Arc<Office>,
    sources: Sources,
    supervisor: AsyncFd<SupervisorChannel>,
    calls: mpsc::Receiver<Ring>,
    porters: JoinSet<()>,
    counters: JoinSet<()>,
}

impl Process {
    async fn run(mut self) -> Result<(), Fatal> {
        self.tell(&FromChild::Ready)?;
        let (close, closing) = channel(false);
        loop {
            tokio::select! {
                ready = wait(&self.supervisor, Some(Interest::READABLE)) => {
                    ready.map_err(broken)?;
                    if !self.listen()? {
                        break;
                    }
                }
                Some(ring) = self.calls.recv() => {
                    let (role, channel) = ring.map_err(Fatal::doing(Exit::System, "rendezvous"))?;
                    self.admit(role, channel, closing.clone());
                }
                Some(_) = self.counters.join_next() => {}
            }
        }
        // Calls that come from now on wait at the rendezvous for the next resolver.
        self.porters.abort_all();
        self.calls.close();
        close.send_replace(true);
        while self.counters.join_next().await.is_some() {}
        Ok(())
    }

    fn admit(&mut self, role: Role, channel: CallerChannel, closing: Receiver<bool>) {
        let office = Arc::clone(&self.office);
        self.counters.spawn(async move {
            if let Err(error) = attend(channel, office, closing).await {
                log::warn!("caller {role}: {error}");
            }
        });
    }

    /// Does what the supervisor says; false when it is time to close.
    fn listen(&mut self) -> Result<bool, Fatal> {
        let batch = self.supervisor.get_mut().receive().map_err(broken)?;
        let mut goes_on = !batch.ended;
        for received in batch.messages {
            match received.message {
                ToChild::Drain => goes_on = false,
                ToChild::Reload(section) => self.reload(&section)?,
                ToChild::Query { ticket, request, .. } => self.report(ticket, &request)?,
                other => log::debug!("nothing to do for {other:?}"),
            }
        }
        Ok(goes_on)
    }

    /// Takes the new configuration; the cache survives if nothing changed for this process.
    fn reload(&mut self, section: &[u8]) -> Result<(), Fatal> {
        let (common, dns): (Common, Dns) =
            codec::decode(section).map_err(Fatal::doing(Exit::Software, "configuration"))?;
        let sources = Sources::read(&common, &dns);
        if sources != self.sources {
            self.office.replace(sources.resolver()?);
            self.sources = sources;
        }
        Ok(())
    }

    fn report(&mut self, ticket: u64, request: &str) -> Result<(), Fatal> {
        let line = match serde_json::from_str(request) {
            Ok(Request::Status) => serde_json::to_string(&status(self.office.figures(), self.counters.len())),
            Ok(Request::Fault { point, times }) => serde_json::to_string(&self.arm(&point, times)),
            Ok(_) => serde_json::to_string(&refusal("dns has no answer to this request".into())),
            Err(error) => serde_json::to_string(&refusal(format!("not understood: {error}"))),
        };
        let lines = line.into_iter().collect();
        self.tell(&FromChild::Answer { ticket, lines, last: true })
    }

    fn arm(&self, point: &str, times: u32) -> End {
        let point = point.strip_prefix("dns/").unwrap_or(point);
        if point != FAULT_ANSWER {
            return refusal(format!("dns has no fault switch {point}; it has {FAULT_ANSWER}"));
        }
        self.office.arm(point, times);
        End::done(1)
    }

    fn tell(&mut self, message: &FromChild) -> Result<(), Fatal> {
        let channel = self.supervisor.get_mut();
        channel.send(message).map_err(broken)?;
        // The little that is said here always fits in the socket; what would not goes out with the next word.
        channel.flush().map_err(broken)
    }
}

fn broken(error: impl std::fmt::Display) -> Fatal {
    Fatal::doing(Exit::Unavailable, "supervisor")(error)
}

fn refusal(why: String) -> End {
    End::refused(Exit::Usage.code(), why)
}

/// The line for `grange status`.
fn status(figures: Figures, callers: usize) -> FarmLine {
    let number = |n: usize| u32::try_from(n).map_or(f64::MAX, f64::from);
    let large = |n: u64| number(usize::try_from(n).unwrap_or(usize::MAX));
    let median = figures.median.unwrap_or(0) / 1_000;
    let gauges = [
        ("asked", large(figures.tally.asked)),
        ("joined", large(figures.tally.joined)),
        ("temporary", large(figures.tally.temporary)),
        ("under-way", number(figures.under_way)),
        ("callers", number(callers)),
        ("median-ms", large(median)),
    ];
    FarmLine {
        role: Role::Dns.to_string(),
        busy: Some(u32::from(figures.under_way > 0)),
        now: format!(
            "{} asked, {} under way, {} temporary, {median} ms median",
            figures.tally.asked, figures.under_way, figures.tally.temporary
        ),
        gauges: gauges.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..FarmLine::default()
    }
}
