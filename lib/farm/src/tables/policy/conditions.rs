//! The conditions of a rule.

use super::reader::unknown;
use super::words::{Mistake, Word};
use super::{AddressPattern, Condition, NamePattern, Phase, Test};
use crate::config::{is_domain, parse_network, parse_size};
use proto::address::Domain;

/// The words that begin a condition, and the first phase in which it can be told whether it holds.
const WORDS: [(&str, Phase); 13] = [
    ("client", Phase::Connect),
    ("local", Phase::Connect),
    ("relay", Phase::Connect),
    ("name", Phase::Connect),
    ("listener", Phase::Connect),
    ("service", Phase::Connect),
    ("tls", Phase::Connect),
    ("helo", Phase::Helo),
    ("account", Phase::Mail),
    ("from", Phase::Mail),
    ("size", Phase::Mail),
    ("to", Phase::Rcpt),
    ("recipients", Phase::Rcpt),
];

const SERVICES: [&str; 3] = ["smtp", "submission", "lmtp"];
const VERSIONS: [&str; 2] = ["TLSv1.2", "TLSv1.3"];

/// Whether a condition begins with this word.
pub(super) fn begins(word: &Word) -> bool {
    known(split(word).1).is_some()
}

/// The condition that a word is; `phase` is that of its rule, if it has one.
pub(super) fn condition(word: &Word, phase: Option<Phase>) -> Result<Condition, Mistake> {
    let (negated, key, rest) = split(word);
    let skip = usize::from(negated);
    let first = known(key).ok_or_else(|| word.wrong_from(skip, unknown_word(key)))?;
    if let Some(phase) = phase.filter(|phase| *phase < first) {
        let (at, first) = (phase.word(), first.word());
        let message = format!("\"{key}\" is not known at {at} yet; ask for it at {first} or later");
        return Err(word.wrong_from(skip, message));
    }
    let value = Value { word, key, rest, skip: skip + key.chars().count() };
    Ok(Condition { text: word.text.clone(), negated, test: value.test()? })
}

/// Whether it is negated, the key, and the rest from the sign on.
fn split(word: &Word) -> (bool, &str, &str) {
    let bare = word.text.strip_prefix('!');
    let text = bare.unwrap_or(&word.text);
    let end = text.find(['=', '>', '<']).unwrap_or(text.len());
    let (key, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (bare.is_some(), key, rest)
}

fn known(key: &str) -> Option<Phase> {
    WORDS.iter().find(|(known, _)| *known == key).map(|(_, first)| *first)
}

/// An action is as likely to have been meant as a condition.
fn unknown_word(key: &str) -> String {
    let mut valid: Vec<&str> = WORDS.iter().map(|(known, _)| *known).collect();
    valid.extend(super::action::WORDS);
    unknown("condition or action", key, &valid)
}

/// What stands behind the key of a condition.
struct Value<'a> {
    word: &'a Word,
    key: &'a str,
    /// From the sign on.
    rest: &'a str,
    /// Characters of the word before the sign.
    skip: usize,
}

impl Value<'_> {
    fn test(&self) -> Result<Test, Mistake> {
        match self.key {
            "local" => self.nothing(Test::Local),
            "relay" => self.nothing(Test::Relay),
            "client" => self.list(network).and_then(|all| self.some(all)).map(Test::Client),
            "name" => self.list(name_pattern).map(Test::Name),
            "helo" => self.list(helo_pattern).map(Test::Helo),
            "tls" => self.list(|text| one_of(text, &VERSIONS)).map(Test::Tls),
            "account" => self.list(|text| Ok(text.to_lowercase())).map(Test::Account),
            "listener" => {
                self.list(|text| Ok(text.to_owned())).and_then(|all| self.some(all)).map(Test::Listener)
            }
            "service" => {
                self.list(|text| one_of(text, &SERVICES)).and_then(|all| self.some(all)).map(Test::Service)
            }
            "from" => self.list(reverse_pattern).and_then(|all| self.some(all)).map(Test::From),
            "to" => self.list(address_pattern).and_then(|all| self.some(all)).map(Test::To),
            "size" => self.number(parse_size).map(|(more, than)| Test::Size { more, than }),
            _ => self.number(|text| text.parse().ok()).map(|(more, than)| Test::Recipients { more, than }),
        }
    }

    fn nothing(&self, test: Test) -> Result<Test, Mistake> {
        if self.rest.is_empty() {
            return Ok(test);
        }
        Err(self.word.wrong_from(self.skip, format!("\"{}\" takes no value", self.key)))
    }

    fn some<T>(&self, all: Vec<T>) -> Result<Vec<T>, Mistake> {
        if !all.is_empty() {
            return Ok(all);
        }
        Err(self.word.wrong_behind(format!("\"{0}\" needs a value: {0}=...", self.key)))
    }

    /// Values with commas between them; none at all without a sign.
    fn list<T>(&self, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Mistake> {
        if self.rest.is_empty() {
            return Ok(Vec::new());
        }
        let Some(values) = self.rest.strip_prefix('=') else {
            let message = format!("\"{0}\" is compared by =, as in {0}=...", self.key);
            return Err(self.word.wrong_from(self.skip, message));
        };
        let mut skip = self.skip + 1;
        let mut all = Vec::new();
        for text in values.split(',') {
            let wrong = |message| self.word.wrong_from(skip, message);
            if text.is_empty() {
                return Err(wrong("a value is missing here".to_owned()));
            }
            all.push(read(text).map_err(wrong)?);
            skip += text.chars().count() + 1;
        }
        Ok(all)
    }

    fn number(&self, read: impl Fn(&str) -> Option<u64>) -> Result<(bool, u64), Mistake> {
        let (more, text) = match self.rest.split_at_checked(1) {
            Some((">", text)) => (true, text),
            Some(("<", text)) => (false, text),
            _ => {
                let message = format!("\"{0}\" is compared by > or <, as in {0}>100", self.key);
                return Err(self.word.wrong_from(self.skip, message));
            }
        };
        let wrong =
            || self.word.wrong_from(self.skip + 1, format!("\"{text}\" is not a number, as in 100 or 10M"));
        read(text).map(|number| (more, number)).ok_or_else(wrong)
    }
}

fn network(text: &str) -> Result<crate::config::Network, String> {
    parse_network(text)
}

fn one_of(text: &str, valid: &[&str]) -> Result<String, String> {
    if valid.contains(&text) { Ok(text.to_owned()) } else { Err(unknown("value", text, valid)) }
}

fn name_pattern(text: &str) -> Result<NamePattern, String> {
    let ascii = |name: &str| Domain::from_unicode(name).ok().and_then(|name| name.name().map(str::to_owned));
    let form =
        || format!("\"{text}\" is not a name; write mx.example.org, or .example.org for all names below");
    match text.strip_prefix('.') {
        Some(below) => ascii(below).map(|name| NamePattern::Below(format!(".{name}"))).ok_or_else(form),
        None => ascii(text).filter(|name| is_domain(name)).map(NamePattern::Exact).ok_or_else(form),
    }
}

/// A client may call itself anything, an address literal for one.
fn helo_pattern(text: &str) -> Result<NamePattern, String> {
    if text.starts_with('[') {
        return Ok(NamePattern::Exact(text.to_ascii_lowercase()));
    }
    name_pattern(text)
}

fn reverse_pattern(text: &str) -> Result<AddressPattern, String> {
    if text == "<>" { Ok(AddressPattern::Null) } else { address_pattern(text) }
}

fn address_pattern(text: &str) -> Result<AddressPattern, String> {
    let form =
        || format!("\"{text}\" is not a pattern; write user@example.org, @example.org or .example.org");
    if let Some(below) = text.strip_prefix('.') {
        let domain = Domain::from_unicode(below).map_err(|_| form())?;
        return domain.name().map(|name| AddressPattern::Below(format!(".{name}"))).ok_or_else(form);
    }
    let (local, domain) = text.rsplit_once('@').ok_or_else(form)?;
    let domain = Domain::from_unicode(domain).map_err(|_| form())?;
    if local.is_empty() {
        return Ok(AddressPattern::At(domain));
    }
    Ok(AddressPattern::Exact(local.to_lowercase(), domain))
}
