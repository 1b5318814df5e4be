//! Reading a value into its place, and printing it back.
//!
//! Every refusal says what was written, what is wrong with it and what to write.

use super::address::{
    canonical_domain, is_domain, is_pattern, parse_listen, parse_nameserver, parse_network, print_listen,
    print_network,
};
use super::backend::Backend;
use super::defaults::CHANNELS;
use super::parameter::{Field, Kind};
use super::sections::{JournalTarget, Listen, ListenAt, Paths, Routes};
use super::source::{Findings, Spot};
use super::syntax::{Written, WrittenList};
use super::tree::{Node, Value};
use super::units::{guess_duration, guess_size, parse_duration, parse_size, print_duration, print_size};
use crate::tables::{parse_pattern, parse_target, unknown_channel};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One value on its way from the file to its field.
pub(super) struct Reader<'a> {
    /// The parameter's name.
    pub(super) name: &'a str,
    /// What it shall be.
    pub(super) kind: Kind,
    /// What relative names are relative to.
    pub(super) paths: &'a Paths,
    /// Where problems go.
    pub(super) findings: &'a mut Findings,
}

impl Reader<'_> {
    /// Reads `value` into `field`; on a problem the field keeps what it had.
    pub(super) fn read(&mut self, value: &Value, field: Field<'_>) {
        match field {
            Field::Number(place) => put(self.number(self.name, value), |number| place.set(number)),
            Field::OptionalNumber(place) => put(self.number(self.name, value), |number| {
                *place = Some(u32::try_from(number).unwrap_or(u32::MAX));
            }),
            Field::Numbers(place) => put(self.numbers(value), |numbers| *place = numbers),
            Field::SomeNumbers(place) => put(self.list(value, Self::number), |numbers| *place = numbers),
            Field::OptionalNumbers(place) => put(self.numbers(value), |numbers| *place = Some(numbers)),
            Field::Text(place) => put(self.checked_text(self.name, value), |text| *place = text),
            Field::OptionalText(place) => {
                put(self.checked_text(self.name, value), |text| *place = Some(text))
            }
            Field::Texts(place) => put(self.list(value, Self::checked_text), |texts| *place = texts),
            Field::File(place) => put(self.file(value), |file| *place = file),
            Field::Journal(place) => put(self.journal(value), |target| *place = target),
            Field::Backend(place) => put(self.backend(value), |backend| *place = backend),
            Field::Listen(place) => put(self.listeners(value), |listeners| *place = listeners),
            Field::Networks(place) => put(self.list(value, Self::network), |networks| *place = networks),
            Field::Nameservers(place) => put(self.list(value, Self::nameserver), |servers| *place = servers),
            Field::Routes(place) => put(self.routes(value), |routes| *place = routes),
            Field::Written(place) => self.written(value, place),
            Field::WrittenList(place) => self.written_list(value, place),
        }
    }

    fn refuse<T>(&mut self, label: &str, spot: Spot, wrong: &str) -> Option<T> {
        let written = self.findings.written(spot);
        self.findings.at(spot, format!("{label} = {written} {wrong}"));
        None
    }

    fn text(&mut self, label: &str, value: &Value) -> Option<String> {
        match &value.node {
            Node::Text(text) => Some(text.clone()),
            Node::Integer(_) | Node::List(_) | Node::Table(_) | Node::Other => {
                self.refuse(label, value.spot, "is not a string; write it in quotes, one alone")
            }
        }
    }

    fn list<T>(
        &mut self,
        value: &Value,
        read: impl Fn(&mut Self, &str, &Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Node::List(items) = &value.node else {
            return self.refuse(self.name, value.spot, "is not a list; write it in brackets");
        };
        let label = |index: usize| format!("{}[{index}]", self.name);
        let labels: Vec<String> = (0..items.len()).map(label).collect();
        let read: Vec<_> = items.iter().zip(&labels).map(|(item, label)| read(self, label, item)).collect();
        read.into_iter().collect()
    }

    fn number(&mut self, label: &str, value: &Value) -> Option<u64> {
        let (least, most, read) = match self.kind {
            Kind::Duration(least, most) | Kind::Durations(least, most) => {
                (least, most, self.duration(label, value)?)
            }
            Kind::Size(least, most) => (least, most, self.size(label, value)?),
            Kind::Count(least, most) => (least, most, self.count(label, value)?),
            _ => (0, u64::MAX, self.count(label, value)?),
        };
        if (least..=most).contains(&read) {
            return Some(read);
        }
        let (least, most) = (self.print_number(least), self.print_number(most));
        self.refuse(label, value.spot, &format!("is out of range; it goes from {least} to {most}"))
    }

    fn count(&mut self, label: &str, value: &Value) -> Option<u64> {
        match value.node {
            Node::Integer(Some(number)) => Some(number),
            _ => self.refuse(label, value.spot, "is not a number; write digits, without quotes"),
        }
    }

    fn duration(&mut self, label: &str, value: &Value) -> Option<u64> {
        let guess = match &value.node {
            Node::Integer(Some(seconds)) => return seconds.checked_mul(1_000).or(Some(u64::MAX)),
            Node::Text(text) => match parse_duration(text) {
                Some(duration) => return Some(duration),
                None => guess_duration(text),
            },
            _ => None,
        };
        let cure = guess.unwrap_or_else(|| "a number with ms, s, m, h, d or w".to_owned());
        self.refuse(label, value.spot, &format!("is not a duration; write {cure}"))
    }

    fn size(&mut self, label: &str, value: &Value) -> Option<u64> {
        let guess = match &value.node {
            Node::Integer(Some(octets)) => return Some(*octets),
            Node::Text(text) => match parse_size(text) {
                Some(size) => return Some(size),
                None => guess_size(text),
            },
            _ => None,
        };
        let cure = guess.unwrap_or_else(|| "a number with K, M, G or T".to_owned());
        self.refuse(label, value.spot, &format!("is not a size; write {cure}"))
    }

    fn numbers(&mut self, value: &Value) -> Option<Vec<u64>> {
        let numbers = self.list(value, Self::number)?;
        if numbers.is_empty() {
            return self.refuse(self.name, value.spot, "is empty; write at least one duration");
        }
        Some(numbers)
    }

    fn checked_text(&mut self, label: &str, value: &Value) -> Option<String> {
        let text = self.text(label, value)?;
        let user = |c: u8| c.is_ascii_alphanumeric() || b"-_.$".contains(&c);
        let wrong = match self.kind {
            Kind::Host if !is_domain(&text) => "is not a host name; write it as \"mail.example.org\"",
            Kind::Domains => match canonical_domain(&text) {
                Some(domain) => return Some(domain),
                None => "is not a domain name; write it as \"example.org\"",
            },
            Kind::Patterns if !is_pattern(&text) => {
                "is not a host pattern; write \"gmail.com\", \"*.slow.example\" or \"*\""
            }
            Kind::User if text.is_empty() || !text.bytes().all(user) => "is not a user's name",
            Kind::Mailbox if !(text.starts_with("~/") || text.starts_with('/')) => {
                "is not a path; it begins with ~/ or /"
            }
            Kind::Mailbox if !text.ends_with('/') => "has no slash at its end; only Maildir is there as yet",
            Kind::Mailbox | Kind::User => return Some(text),
            Kind::Word(words) | Kind::Words(words) => return self.word(label, value, &text, words),
            _ => return Some(text.to_ascii_lowercase()),
        };
        self.refuse(label, value.spot, wrong)
    }

    fn written(&mut self, value: &Value, place: &mut dyn Written) {
        let Some(text) = self.text(self.name, value) else { return };
        if let Err(wrong) = place.read(&text) {
            self.refuse::<()>(self.name, value.spot, &wrong);
        }
    }

    fn written_list(&mut self, value: &Value, place: &mut dyn WrittenList) {
        let Some(texts) = self.list(value, Self::text) else { return };
        if let (Err((at, wrong)), Node::List(items)) = (place.read(&texts), &value.node) {
            let spot = items.get(at).map_or(value.spot, |item| item.spot);
            self.refuse::<()>(&format!("{}[{at}]", self.name), spot, &wrong);
        }
    }

    /// The word that is meant, in our spelling.
    fn word(&mut self, label: &str, value: &Value, text: &str, words: &[&str]) -> Option<String> {
        let known = words.iter().find(|word| word.eq_ignore_ascii_case(text));
        let wrong = || format!("is none of {}", words.join(", "));
        known.map(|word| (*word).to_owned()).or_else(|| self.refuse(label, value.spot, &wrong()))
    }

    fn file(&mut self, value: &Value) -> Option<Option<PathBuf>> {
        let text = self.text(self.name, value)?;
        Some(if text.is_empty() { None } else { Some(self.paths.etc.join(text)) })
    }

    fn journal(&mut self, value: &Value) -> Option<JournalTarget> {
        match self.text(self.name, value)?.as_str() {
            "stderr" => Some(JournalTarget::Stderr),
            "syslog" => Some(JournalTarget::Syslog),
            path if path.starts_with('/') => Some(JournalTarget::File(path.into())),
            _ => self.refuse(self.name, value.spot, "is no target; write \"stderr\", \"syslog\" or a path"),
        }
    }

    fn backend(&mut self, value: &Value) -> Option<Backend> {
        let text = self.text(self.name, value)?;
        Backend::named(&text).or_else(|| {
            self.refuse(self.name, value.spot, "is no backend; write \"segments\", \"memory\" or \"null\"")
        })
    }

    fn listeners(&mut self, value: &Value) -> Option<Vec<Listen>> {
        let listeners: Vec<Listen> = self.list(value, Self::listener)?.into_iter().flatten().collect();
        let fixed = |listen: &Listen| !matches!(listen.at, ListenAt::Network(address) if address.port() == 0);
        let repeated = listeners
            .iter()
            .enumerate()
            .find(|(at, l)| fixed(l) && listeners.iter().take(*at).any(|e| e.at == l.at));
        match repeated {
            Some((_, twice)) => {
                let wrong = format!("names {} twice", print_listen(twice));
                self.refuse(self.name, value.spot, &wrong)
            }
            None => Some(listeners),
        }
    }

    fn listener(&mut self, label: &str, value: &Value) -> Option<Vec<Listen>> {
        let text = self.text(label, value)?;
        let wrong = "is not an address to listen on; write \"*:25\", \"127.0.0.1:25\", \"[::1]:25\" or \"unix:/path\", with \"smtp://\", \"submission://\", \"submissions://\" or \"lmtp://\" in front if the port does not tell";
        parse_listen(&text, &self.paths.run).or_else(|| self.refuse(label, value.spot, wrong))
    }

    fn network(&mut self, label: &str, value: &Value) -> Option<super::sections::Network> {
        let text = self.text(label, value)?;
        let read = parse_network(&text);
        read.map_err(|wrong| self.findings.at(value.spot, format!("{label} = {wrong}"))).ok()
    }

    fn nameserver(&mut self, label: &str, value: &Value) -> Option<std::net::SocketAddr> {
        let text = self.text(label, value)?;
        let wrong = "is not the address of a name server; write \"192.0.2.1\" or \"192.0.2.1:53\"";
        parse_nameserver(&text).or_else(|| self.refuse(label, value.spot, wrong))
    }

    fn routes(&mut self, value: &Value) -> Option<Routes> {
        let Node::Table(table) = &value.node else {
            let file = self.file(value)?;
            return Some(file.map_or_else(|| Routes::Inline(Vec::new()), Routes::File));
        };
        let mut pairs = Vec::new();
        let mut patterns = BTreeMap::new();
        for (pattern, entry) in table {
            let Some(target) = self.text(pattern, &entry.value) else { continue };
            match parse_pattern(pattern) {
                Ok(lower) => self.once(lower, entry.key, &mut patterns),
                Err(wrong) => self.findings.at(entry.key, wrong.to_string()),
            }
            match parse_target(&target) {
                Ok(hop) if CHANNELS.contains(&hop.channel.as_str()) => {}
                Ok(hop) => self.findings.at(entry.value.spot, unknown_channel(&hop.channel, &CHANNELS)),
                Err(wrong) => self.findings.at(entry.value.spot, wrong.to_string()),
            }
            pairs.push((pattern.clone(), target));
        }
        Some(Routes::Inline(pairs))
    }

    /// Keys that differ in case are two for TOML, and one pattern.
    fn once(&mut self, lower: String, spot: Spot, patterns: &mut BTreeMap<String, Spot>) {
        if let Some(first) = patterns.get(&lower) {
            let first = self.findings.place(*first);
            return self.findings.at(spot, format!("\"{lower}\" is already in {first}; keep one of them"));
        }
        patterns.insert(lower, spot);
    }

    fn print_number(&self, number: u64) -> String {
        print_number(self.kind, number)
    }
}

fn put<T>(read: Option<T>, place: impl FnOnce(T)) {
    if let Some(read) = read {
        place(read);
    }
}

/// The value as TOML; `None` if it is optional and not said.
pub(super) fn print(kind: Kind, field: Field<'_>) -> Option<String> {
    let durations = |all: &[u64]| list(all.iter().map(|each| quoted(&print_duration(*each))));
    Some(match field {
        Field::Number(number) => quoted_number(kind, number.get()),
        Field::OptionalNumber(number) => quoted_number(kind, u64::from((*number)?)),
        Field::Numbers(all) | Field::SomeNumbers(all) => durations(all),
        Field::OptionalNumbers(all) => durations(all.as_ref()?),
        Field::Text(text) => quoted(text),
        Field::OptionalText(text) => quoted(text.as_ref()?),
        Field::Texts(all) => list(all.iter().map(|text| quoted(text))),
        Field::File(file) => quoted(&file.as_ref().map_or_else(String::new, |f| f.display().to_string())),
        Field::Journal(target) => quoted(&match target {
            JournalTarget::Stderr => "stderr".to_owned(),
            JournalTarget::Syslog => "syslog".to_owned(),
            JournalTarget::File(path) => path.display().to_string(),
        }),
        Field::Backend(backend) => quoted(backend.name()),
        Field::Listen(all) => list(all.iter().map(|each| quoted(&print_listen(each)))),
        Field::Networks(all) => list(all.iter().map(|each| quoted(&print_network(each)))),
        Field::Nameservers(all) => list(all.iter().map(|each| quoted(&each.to_string()))),
        Field::Written(value) => quoted(&value.text()),
        Field::WrittenList(values) => list(values.texts().iter().map(|text| quoted(text))),
        Field::Routes(Routes::File(file)) => quoted(&file.display().to_string()),
        Field::Routes(Routes::Inline(pairs)) if pairs.is_empty() => "{}".to_owned(),
        Field::Routes(Routes::Inline(pairs)) => {
            let pairs =
                pairs.iter().map(|(pattern, target)| format!("{} = {}", quoted(pattern), quoted(target)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
    })
}

fn print_number(kind: Kind, number: u64) -> String {
    match kind {
        Kind::Duration(..) | Kind::Durations(..) => print_duration(number),
        Kind::Size(..) => print_size(number),
        _ => number.to_string(),
    }
}

fn quoted_number(kind: Kind, number: u64) -> String {
    let text = print_number(kind, number);
    if text.bytes().all(|c| c.is_ascii_digit()) { text } else { quoted(&text) }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}
