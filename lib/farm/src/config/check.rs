//! Walking the tree: every key against its row, unknown keys with the nearest valid name.

use super::address::print_listen;
use super::defaults::{CHANNELS, host_rule};
use super::field::Reader;
use super::parameter::Parameter;
use super::registry;
use super::sections::{Channel, Config, Listen, ListenAt, Paths};
use super::source::{Findings, Spot};
use super::tree::{Entry, Node, Table, Value};
use proto::server::Service;

const SECTIONS: [&str; 9] =
    ["spool", "smtpserver", "router", "scheduler", "dns", "auth", "admission", "tls", "channel"];

/// Puts all that `tree` says into `config`, which holds the defaults.
pub(super) fn apply(tree: &Table, config: &mut Config, findings: &mut Findings) {
    let paths = config.common.paths.clone();
    let mut walk = Walk { paths: &paths, findings };
    for (name, entry) in tree {
        if walk.findings.marred(entry.key) {
            continue;
        }
        match name.as_str() {
            "spool" => walk.section(name, entry, registry::SPOOL, &mut config.common.spool),
            "smtpserver" => walk.section(name, entry, registry::SMTPSERVER, &mut config.smtpserver),
            "router" => walk.section(name, entry, registry::ROUTER, &mut config.router),
            "scheduler" => walk.section(name, entry, registry::SCHEDULER, &mut config.scheduler),
            "dns" => walk.section(name, entry, registry::DNS, &mut config.dns),
            "auth" => walk.section(name, entry, registry::AUTH, &mut config.auth),
            "admission" => walk.section(name, entry, registry::ADMISSION, &mut config.admission),
            "tls" => walk.section(name, entry, registry::TLS, &mut config.tls),
            "channel" => walk.channels(entry, config),
            "include" => {}
            _ => walk.key(Place::top(), name, entry, registry::COMMON, &mut config.common),
        }
    }
    walk.agree(tree, config);
}

struct Walk<'a> {
    paths: &'a Paths,
    findings: &'a mut Findings,
}

/// Where a key stands: the section as it is written, and the channel it is for.
#[derive(Clone, Copy)]
struct Place<'a> {
    section: &'a str,
    channel: Option<&'a str>,
}

impl Place<'_> {
    const fn top() -> Self {
        Self { section: "", channel: None }
    }

    fn takes<T>(&self, row: &Parameter<T>) -> bool {
        row.channels.is_empty() || self.channel.is_some_and(|channel| row.channels.contains(&channel))
    }
}

impl Walk<'_> {
    fn section<T>(&mut self, name: &str, entry: &Entry, rows: &[Parameter<T>], typed: &mut T) {
        let Some(table) = self.table(&format!("[{name}]"), entry.key, &entry.value) else { return };
        for (key, inner) in table {
            self.key(Place { section: &format!("[{name}]"), channel: None }, key, inner, rows, typed);
        }
    }

    fn key<T>(&mut self, place: Place<'_>, key: &str, entry: &Entry, rows: &[Parameter<T>], typed: &mut T) {
        if self.findings.marred(entry.key) {
            return;
        }
        let Some(row) = rows.iter().find(|row| row.name == key && place.takes(row)) else {
            let mut valid: Vec<&str> =
                rows.iter().filter(|row| place.takes(row)).map(|row| row.name).collect();
            if place.section.is_empty() {
                valid.extend(SECTIONS.iter().chain(&["include"]));
            } else if place.section.starts_with("[channel.") {
                valid.push("host");
            }
            return self.unknown("key", key, place.section, &valid, entry.key);
        };
        let mut reader =
            Reader { name: row.name, kind: row.kind, paths: self.paths, findings: self.findings };
        reader.read(&entry.value, (row.field)(typed));
    }

    fn channels(&mut self, entry: &Entry, config: &mut Config) {
        let Some(table) = self.table("[channel.NAME]", entry.key, &entry.value) else { return };
        for (name, inner) in table {
            match config.channels.get_mut(name) {
                Some(channel) => self.channel(name, inner, channel),
                None => self.unknown("channel", name, "", &CHANNELS, inner.key),
            }
        }
    }

    fn channel(&mut self, name: &str, entry: &Entry, channel: &mut Channel) {
        let section = format!("[channel.{name}]");
        let Some(table) = self.table(&section, entry.key, &entry.value) else { return };
        let place = Place { section: &section, channel: Some(name) };
        for (key, inner) in table {
            match key.as_str() {
                "host" => self.hosts(name, inner, channel),
                _ => self.key(place, key, inner, registry::CHANNEL, channel),
            }
        }
    }

    fn hosts(&mut self, name: &str, entry: &Entry, channel: &mut Channel) {
        let section = format!("[[channel.{name}.host]]");
        let Node::List(rules) = &entry.value.node else {
            return self.findings.at(entry.key, format!("host is a list of rules; write {section}"));
        };
        let place = Place { section: &section, channel: Some(name) };
        for rule in rules {
            let Some(table) = self.table(&section, rule.spot, rule) else { continue };
            let mut typed = host_rule();
            for (key, inner) in table {
                self.key(place, key, inner, registry::HOST, &mut typed);
            }
            if table.get("match").is_none() {
                self.findings
                    .at(rule.spot, format!("{section} has no match; write match = [\"example.org\"]"));
            }
            channel.hosts.push(typed);
        }
    }

    fn table<'t>(&mut self, section: &str, key: Spot, value: &'t Value) -> Option<&'t Table> {
        if let Node::Table(table) = &value.node {
            return Some(table);
        }
        self.findings.at(key, format!("{section} is a section; write its keys below {section}"));
        None
    }

    fn unknown(&mut self, what: &str, name: &str, section: &str, valid: &[&str], spot: Spot) {
        let place = if section.is_empty() { String::new() } else { format!(" in {section}") };
        let cure = match nearest(name, valid) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("valid are {}", valid.join(", ")),
        };
        self.findings.at(spot, format!("unknown {what} \"{name}\"{place}; {cure}"));
    }

    /// What no value can know alone.
    fn agree(&mut self, tree: &Table, config: &Config) {
        let spool = &config.common.spool;
        let said = |section: &str, key: &str| match tree.get(section).map(|entry| &entry.value.node) {
            Some(Node::Table(table)) => table.get(key).map(|entry| entry.key),
            _ => None,
        };
        if spool.memory_limit > spool.segment_size / 2
            && let Some(spot) = said("spool", "memory-limit").or_else(|| said("spool", "segment-size"))
        {
            self.findings.at(spot, "memory-limit must not be more than half of segment-size");
        }
        let useless = config.smtpserver.listen.iter().find_map(|listen| useless(listen, config));
        if let (Some(wrong), Some(spot)) = (useless, said("smtpserver", "listen")) {
            self.findings.at(spot, wrong);
        }
    }
}

/// Why nobody could do at this listener what it is for.
fn useless(listen: &Listen, config: &Config) -> Option<String> {
    let outside = matches!(listen.at, ListenAt::Network(at) if !at.ip().is_loopback());
    let accounts = listen.entrance.service == Service::Submission && config.auth.is_on();
    let why = match listen.entrance.implicit_tls {
        true => "begins with TLS",
        false if accounts && outside => "is for submission, where AUTH is offered only under TLS",
        false => return None,
    };
    let cure = "and there is no certificate; name one in [tls] certificates";
    config.tls.certificates.is_empty().then(|| format!("{} {why}, {cure}", print_listen(listen)))
}

/// The valid name that `name` is a slip of, if there is one.
pub(crate) fn nearest<'a>(name: &str, valid: &[&'a str]) -> Option<&'a str> {
    let near = |candidate: &&&str| {
        let distance = strsim::osa_distance(&name.to_ascii_lowercase().replace('_', "-"), candidate);
        (distance * 3 <= candidate.len().max(3)).then_some(distance)
    };
    valid.iter().filter_map(|candidate| near(&candidate).map(|d| (d, *candidate))).min().map(|(_, name)| name)
}
