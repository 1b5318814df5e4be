//! `[admission]`: who is let in before any worker is spent on it.
//!
//! Decides the parameters of the section, what they are when nothing is said, and how their words are written. Does
//! not decide who is let in: the master of smtpserver does, with these values.

use super::auth::{Rate, RateError};
use super::defaults::existing;
use super::dns_list::{DnsList, parse_points};
use super::parameter::{Field, Kind, Parameter};
use super::registry::row;
use super::sections::{Network, Paths};
use super::syntax::Syntax;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const DAY: u64 = 24 * 60 * MINUTE;

/// `[admission]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Admission {
    /// `proxy-networks`: balancers whose connections begin with a PROXY header. None.
    pub proxy_networks: Vec<Network>,
    /// `access`: the file.
    pub access: Option<PathBuf>,
    /// `client-rate`: connections per IPv4 address and per IPv6 /64. No limit.
    pub client_rate: Option<Rate>,
    /// `greet-delay`: how long a client must be silent before the greeting, milliseconds; 0 is off. 0.
    pub greet_delay: u64,
    /// `pregreet`: what it costs to talk before the greeting. `refuse`.
    pub pregreet: Penalty,
    /// `lists`: DNS lists. None.
    pub lists: Vec<DnsList>,
    /// `list-timeout`: how long to wait for lists and names, milliseconds. 3 s.
    pub list_timeout: u64,
    /// `refuse-score`: a client with so many points is refused. 3.
    pub refuse_score: u32,
    /// `tarpit`: how long a suspect waits for the greeting or the refusal, milliseconds; 0 is off. 0.
    pub tarpit: u64,
    /// `tarpit-score`: a client with so many points waits. 1.
    pub tarpit_score: u32,
    /// `remember`: how long a client that passed is not examined again, milliseconds. 1 hour.
    pub remember: u64,
    /// `names`: whose name is looked up. `access`.
    pub names: Names,
    /// `warn`: rules that only say what they would have done. None.
    pub warn: Vec<Rule>,
}

/// What a rule costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Penalty {
    /// The client is refused.
    Refuse,
    /// Points.
    Score(i32),
}

/// Whose name is looked up in the reverse zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Names {
    /// Nobody's.
    Never,
    /// Everybody's, if the access table has names.
    Access,
    /// Everybody's.
    Always,
}

/// A rule of admission that may be told to only warn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// `sessions-per-client`.
    SessionsPerClient,
    /// `client-rate`.
    ClientRate,
    /// The access table.
    Access,
    /// The DNS lists.
    Lists,
    /// Talking before the greeting.
    Pregreet,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::SessionsPerClient, Self::ClientRate, Self::Access, Self::Lists, Self::Pregreet];

    /// As in the configuration and the journal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionsPerClient => "sessions-per-client",
            Self::ClientRate => "client-rate",
            Self::Access => "access",
            Self::Lists => "lists",
            Self::Pregreet => "pregreet",
        }
    }
}

impl Syntax for Rule {
    fn parse(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|rule| rule.name() == text);
        named.ok_or_else(|| format!("is no rule; rules are {}", Self::ALL.map(Self::name).join(", ")))
    }

    fn print(&self) -> String {
        self.name().to_owned()
    }
}

impl Syntax for Names {
    fn parse(text: &str) -> Result<Self, String> {
        let all = [Self::Never, Self::Access, Self::Always];
        let named = all.into_iter().find(|names| names.print() == text);
        named.ok_or_else(|| "is none of \"never\", \"access\" and \"always\"".to_owned())
    }

    fn print(&self) -> String {
        match self {
            Self::Never => "never",
            Self::Access => "access",
            Self::Always => "always",
        }
        .to_owned()
    }
}

impl Syntax for Penalty {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "refuse" {
            return Ok(Self::Refuse);
        }
        let points = text.strip_prefix("score ").and_then(|points| parse_points(points.trim_start()));
        points.map(Self::Score).ok_or_else(|| "is no penalty; write \"refuse\" or \"score 2\"".to_owned())
    }

    fn print(&self) -> String {
        match self {
            Self::Refuse => "refuse".to_owned(),
            Self::Score(points) => format!("score {points}"),
        }
    }
}

impl Syntax for Option<Rate> {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Ok(None)
        } else {
            text.parse().map(Some).map_err(|wrong: RateError| wrong.to_string())
        }
    }

    fn print(&self) -> String {
        self.map_or_else(String::new, |rate| rate.to_string())
    }
}

/// What counts when the file says nothing.
pub(super) fn admission(paths: &Paths) -> Admission {
    Admission {
        proxy_networks: Vec::new(),
        access: existing(paths, "access"),
        client_rate: None,
        greet_delay: 0,
        pregreet: Penalty::Refuse,
        lists: Vec::new(),
        list_timeout: 3 * SECOND,
        refuse_score: 3,
        tarpit: 0,
        tarpit_score: 1,
        remember: 60 * MINUTE,
        names: Names::Access,
        warn: Vec::new(),
    }
}

/// `[admission]`
pub const ADMISSION: &[Parameter<Admission>] = &[
    row(
        "proxy-networks",
        Kind::Networks,
        |s| Field::Networks(&mut s.proxy_networks),
        "Connections from these networks begin with a PROXY header that names the true client.",
    ),
    row(
        "access",
        Kind::File,
        |s| Field::File(&mut s.access),
        "The access table, grange-access(5): what happens to clients by address, network and name.",
    ),
    row(
        "client-rate",
        Kind::Syntax,
        |s| Field::Written(&mut s.client_rate),
        "Connections within a time from one IPv4 address or one IPv6 /64; beyond, clients are told to try again later.",
    ),
    row(
        "greet-delay",
        Kind::Duration(0, MINUTE),
        |s| Field::Number(&mut s.greet_delay),
        "How long a client must be silent before it is greeted; 0s is off.",
    ),
    row(
        "pregreet",
        Kind::Syntax,
        |s| Field::Written(&mut s.pregreet),
        "What it costs a client to talk before it is greeted: refuse, or score and a number of points.",
    ),
    row(
        "lists",
        Kind::SyntaxList,
        |s| Field::WrittenList(&mut s.lists),
        "Lists of the DNS with the points for who is in them, as zone*points or zone=codes*points.",
    ),
    row(
        "list-timeout",
        Kind::Duration(100, MINUTE),
        |s| Field::Number(&mut s.list_timeout),
        "How long a client waits for the answers of lists and for its name; what is not there then does not count.",
    ),
    row(
        "refuse-score",
        Kind::Count(1, 10_000),
        |s| Field::Number(&mut s.refuse_score),
        "A client with so many points is refused.",
    ),
    row(
        "tarpit",
        Kind::Duration(0, 5 * MINUTE),
        |s| Field::Number(&mut s.tarpit),
        "How long clients with tarpit-score points, and those that are refused for good, wait for our first word; 0s is off.",
    ),
    row(
        "tarpit-score",
        Kind::Count(1, 10_000),
        |s| Field::Number(&mut s.tarpit_score),
        "A client with so many points waits in the tarpit.",
    ),
    row(
        "remember",
        Kind::Duration(0, 30 * DAY),
        |s| Field::Number(&mut s.remember),
        "How long a client that passed without a point is neither delayed nor looked up in lists again.",
    ),
    row(
        "names",
        Kind::Syntax,
        |s| Field::Written(&mut s.names),
        "Whose name is looked up: never, access (if the access table has names), or always.",
    ),
    row(
        "warn",
        Kind::SyntaxList,
        |s| Field::WrittenList(&mut s.warn),
        "Rules that only say in the journal what they would have done.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_penalty_refuses_or_scores() {
        assert_eq!(Penalty::parse("refuse"), Ok(Penalty::Refuse));
        assert_eq!(Penalty::parse("score -2"), Ok(Penalty::Score(-2)));
        for bad in ["", "score", "score x", "score2", "reject"] {
            assert!(Penalty::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_those_of_the_page() {
        assert_eq!(Rule::parse("client-rate"), Ok(Rule::ClientRate));
        assert!(Rule::parse("rate").unwrap_err().contains("sessions-per-client, client-rate"));
        assert_eq!(Names::parse("always"), Ok(Names::Always));
        assert!(Names::parse("yes").is_err());
        assert_eq!(Option::<Rate>::parse(""), Ok(None));
        assert_eq!(Option::<Rate>::parse("60/1m").unwrap().print(), "60/1m");
    }
}
