//! One question to the name servers, with its limits; the only file that names hickory.
//!
//! Decides what a name server's answer means ([`Negative`]) and how long to wait for it. Caching, CNAMEs, TCP after a
//! truncated answer and the choice between servers are the library's. Nothing here waits for ever: a question waits
//! at most its limit for its turn and then at most its limit for its answer.
//!
//! Sources: RFC 2308 (negative answers), RFC 6761 section 6.3 (localhost).

use crate::answer::{Addresses, Dated, Negative};
use crate::exchangers::Mx;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{Hosts, TokioResolver};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// What the questions are asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The name servers, in no order.
    pub name_servers: Vec<SocketAddr>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often a question is asked; 0 counts as 1.
    pub attempts: usize,
    /// Entries in the cache.
    pub cache: u64,
    /// Questions that are on the network at the same time. Each takes up to six descriptors.
    pub parallel: usize,
}

/// Why there can be no questions at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetUpError {
    /// The library does not take the settings.
    #[error("the resolver cannot be set up: {0}")]
    Library(#[from] NetError),
}

/// Asks name servers, through one cache.
#[derive(Debug)]
pub struct Lookup {
    library: TokioResolver,
    hosts: Hosts,
    turns: Semaphore,
    limit: Duration,
}

impl Lookup {
    /// Sets up; reads `/etc/hosts`, asks nobody yet. To be called inside the runtime.
    ///
    /// # Errors
    /// [`SetUpError`].
    pub fn new(settings: &Settings) -> Result<Self, SetUpError> {
        let attempts = settings.attempts.max(1);
        let servers = settings.name_servers.iter().map(|address| server(*address)).collect();
        let config = ResolverConfig::from_name_servers(servers);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options: &mut ResolverOpts = builder.options_mut();
        options.timeout = settings.timeout;
        options.attempts = attempts - 1;
        options.cache_size = settings.cache;
        options.max_active_requests = settings.parallel;
        options.positive_max_ttl = Some(LONGEST_POSITIVE);
        options.negative_max_ttl = Some(LONGEST_NEGATIVE);
        options.use_hosts_file = ResolveHosts::Never;
        let rounds = u32::try_from(attempts).unwrap_or(u32::MAX);
        Ok(Self {
            library: builder.build()?,
            hosts: Hosts::from_system().unwrap_or_default(),
            turns: Semaphore::new(settings.parallel.max(1)),
            limit: settings.timeout.saturating_mul(rounds).saturating_add(SLACK),
        })
    }

    /// The MX records of a domain.
    ///
    /// # Shape
    /// `domain` is a name without a closing dot, as in [`proto::address::Domain::Name`].
    ///
    /// # Errors
    /// [`Negative`]; a domain that only `/etc/hosts` knows has no data, so that it is its own exchanger.
    pub async fn exchangers(&self, domain: &str) -> Result<Vec<Mx>, Negative> {
        match self.ask(domain, RecordType::MX).await {
            Ok(records) => Ok(records.iter().filter_map(exchanger).collect()),
            Err(Negative::NoName) if self.in_hosts_file(domain).is_some() => Err(Negative::NoData),
            Err(negative) => Err(negative),
        }
    }

    /// The addresses of a host, of both families; `/etc/hosts` goes before the DNS.
    ///
    /// # Shape
    /// As for [`Lookup::exchangers`].
    pub async fn addresses(&self, host: &str) -> Addresses {
        if let Some(known) = self.in_hosts_file(host) {
            return Addresses::Known(known);
        }
        let (first, second) = self.both_families(host).await;
        Addresses::join(host, first, second)
    }

    /// The codes that a list has at this name.
    pub async fn codes(&self, name: &str) -> Dated<Ipv4Addr> {
        self.dated(name, RecordType::A, code).await
    }

    /// The names that the reverse zone has at this name, in lower case and without a closing dot.
    pub async fn names(&self, name: &str) -> Dated<String> {
        self.dated(name, RecordType::PTR, pointer).await
    }

    async fn dated<T>(&self, name: &str, kind: RecordType, read: fn(&Record) -> Option<T>) -> Dated<T> {
        match self.ask(name, kind).await {
            Ok(records) => {
                let ttl = records.iter().map(|record| record.ttl).min().unwrap_or(NEGATIVE_TTL);
                Dated { found: Ok(records.iter().filter_map(read).collect()), ttl }
            }
            Err(negative) => Dated { found: Err(negative), ttl: NEGATIVE_TTL },
        }
    }

    /// Asks for both families at once. When one is there, the other gets only [`GRACE`]: some name servers answer
    /// nothing when asked for IPv6, and mail should not wait for that at each delivery.
    async fn both_families(&self, host: &str) -> (Family, Family) {
        let four = self.family(host, RecordType::A);
        let six = self.family(host, RecordType::AAAA);
        tokio::pin!(four, six);
        tokio::select! {
            first = &mut four => {
                let second = finish(&first, six).await;
                (first, second)
            }
            first = &mut six => {
                let second = finish(&first, four).await;
                (first, second)
            }
        }
    }

    async fn family(&self, host: &str, kind: RecordType) -> Family {
        Ok(self.ask(host, kind).await?.iter().filter_map(address).collect())
    }

    /// The records in the answer to one question.
    async fn ask(&self, name: &str, kind: RecordType) -> Result<Vec<Record>, Negative> {
        let Some(absolute) = absolute(name) else { return Err(Negative::NoName) };
        let late = || Negative::Unknown { why: format!("no answer from the name servers for {name} {kind}") };
        let Ok(Ok(_turn)) = timeout(self.limit, self.turns.acquire()).await else {
            return Err(Negative::Unknown { why: format!("too many questions before {name} {kind}") });
        };
        match timeout(self.limit, self.library.lookup(absolute, kind)).await {
            Ok(Ok(answer)) => Ok(answer.answers().to_vec()),
            Ok(Err(NetError::Timeout)) | Err(_) => Err(late()),
            Ok(Err(error)) => Err(negative(name, kind, &error)),
        }
    }

    fn in_hosts_file(&self, host: &str) -> Option<Vec<IpAddr>> {
        let name = absolute(host)?;
        let listed: Vec<IpAddr> = [RecordType::A, RecordType::AAAA]
            .into_iter()
            .filter_map(|kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind)))
            .flat_map(|lookup| lookup.answers().iter().filter_map(address).collect::<Vec<_>>())
            .collect();
        if listed.is_empty() { None } else { Some(listed) }
    }
}

/// Addresses of one family.
type Family = Result<Vec<IpAddr>, Negative>;

/// Waits for the second family: as long as it takes if the first brought nothing.
async fn finish(first: &Family, second: impl Future<Output = Family>) -> Family {
    if first.as_ref().is_ok_and(|list| !list.is_empty()) {
        let late = |_| Err(Negative::Unknown { why: "the other family of addresses is late".into() });
        return timeout(GRACE, second).await.unwrap_or_else(late);
    }
    if first == &Err(Negative::NoName) {
        return Err(Negative::NoName);
    }
    second.await
}

/// One name server, over UDP, and over TCP when an answer is truncated.
fn server(address: SocketAddr) -> NameServerConfig {
    let connections = [ProtocolConfig::Udp, ProtocolConfig::Tcp].map(|protocol| {
        let mut connection = ConnectionConfig::new(protocol);
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

/// The name with its closing dot, so that no search list is tried.
fn absolute(name: &str) -> Option<Name> {
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}

/// What a failure means.
fn negative(name: &str, kind: RecordType, error: &NetError) -> Negative {
    let why = match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match verdict(none) {
            Some(negative) => return negative,
            None => format!("a name server refers {name} {kind} to others and does not ask them"),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => {
            format!("a name server answers {name} {kind} with \"{code}\"")
        }
        other => format!("no answer for {name} {kind}: {other}"),
    };
    Negative::Unknown { why }
}

/// What an answer without records says: nothing certain, if it is a mere referral or an odd code.
fn verdict(none: &NoRecords) -> Option<Negative> {
    let referral = none.soa.is_none() && none.ns.is_some();
    match none.response_code {
        ResponseCode::NXDomain => Some(Negative::NoName),
        ResponseCode::NoError if !referral => Some(Negative::NoData),
        _ => None,
    }
}

fn exchanger(record: &Record) -> Option<Mx> {
    let RData::MX(mx) = &record.data else { return None };
    let name = mx.exchange.to_lowercase().to_ascii();
    Some(Mx { preference: mx.preference, name: name.trim_end_matches('.').to_owned() })
}

fn code(record: &Record) -> Option<Ipv4Addr> {
    let RData::A(address) = &record.data else { return None };
    Some(address.0)
}

fn pointer(record: &Record) -> Option<String> {
    let RData::PTR(name) = &record.data else { return None };
    Some(name.to_lowercase().to_ascii().trim_end_matches('.').to_owned())
}

fn address(record: &Record) -> Option<IpAddr> {
    record.data.ip_addr()
}

/// How long "there is none" holds for those who keep it beside the library's cache, in seconds.
const NEGATIVE_TTL: u32 = 300;

/// Over the sum of the attempts, so that the library's own time-out, which says more, comes first.
const SLACK: Duration = Duration::from_millis(500);

/// How long the second family of addresses may take after the first is there.
const GRACE: Duration = Duration::from_secs(2);

/// A record is asked for again after this, whatever it says of itself.
const LONGEST_POSITIVE: Duration = Duration::from_secs(24 * 3600);

/// "There is none" is asked for again after this; RFC 2308 section 5 advises one to three hours.
const LONGEST_NEGATIVE: Duration = Duration::from_secs(3600);
