//! `name:hash:options`: the accounts and their passwords.
//!
//! Decides the form of a line. Does not verify a password: authd does. A name may have several lines, one for each form
//! of its password; what their options say is put together. Names are looked up without regard to case. A user with a
//! line that cannot be understood is marked as broken, because half of what was said about it may not count.
//!
//! Source: grange-users(5). The forms of hashes are those of crypt(5) for `$5$`, `$6$`, that of Dovecot for SCRAM; PHC
//! strings for argon2id.

use super::flat::logical_lines;
use crate::config::{Problem, Rate};
use proto::address::{Domain, Mailbox, folded};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Longest name, in octets.
const NAME: usize = 255;

/// Most memory that one argon2id may take, in KiB, its most passes and lanes.
const ARGON2: (u32, u32, u32) = (1 << 20, 64, 16);

/// Most rounds of `$5$` and `$6$`.
const ROUNDS: u32 = 10_000_000;

/// Iterations of SCRAM: RFC 7677 section 4 asks for 4,096 at least.
const ITERATIONS: std::ops::RangeInclusive<u32> = 4_096..=10_000_000;

/// A password in the form in which it is stored. Its `Debug` shows the form only: a password can be guessed from the rest.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredPassword {
    /// `$argon2id$…`, a PHC string.
    Argon2id(String),
    /// `$5$…` or `$6$…` of crypt(5).
    ShaCrypt(String),
    /// `{SCRAM-SHA-256}iterations,salt,stored key,server key`.
    Scram(ScramKeys),
    /// `*`: there is none, only certificates.
    None,
}

impl fmt::Debug for StoredPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argon2id(_) => "Argon2id",
            Self::ShaCrypt(_) => "ShaCrypt",
            Self::Scram(_) => "Scram",
            Self::None => "None",
        })
    }
}

/// What a server keeps for SCRAM-SHA-256 (RFC 5802 section 3). Salt and keys are in base64.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKeys {
    /// Iterations of PBKDF2.
    pub iterations: u32,
    /// The salt.
    pub salt: String,
    /// `StoredKey`, 32 octets.
    pub stored: String,
    /// `ServerKey`, 32 octets.
    pub server: String,
}

/// What an option says about a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Allowance {
    /// Nothing: the configuration decides.
    #[default]
    Unsaid,
    /// There is no limit.
    Unlimited,
    /// This one.
    Rate(Rate),
}

/// One account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// Its name as in the first line.
    pub name: String,
    /// Its password, at most once in each form.
    pub passwords: Vec<StoredPassword>,
    /// `senders=`: addresses and patterns, in lower case.
    pub senders: Vec<String>,
    /// `cert=`: what a certificate of this user calls itself, in lower case.
    pub certificates: Vec<String>,
    /// `messages=`
    pub messages: Allowance,
    /// `recipients=`
    pub recipients: Allowance,
    /// The first mistake in its lines.
    pub broken: Option<String>,
}

/// The users table.
#[derive(Debug, Clone, Default)]
pub struct Users {
    /// By name, without regard to case.
    entries: BTreeMap<String, User>,
    gap: Option<String>,
}

impl Users {
    /// The table that a file holds, and all that is wrong with it.
    pub fn parse(octets: &[u8], file: &Path) -> (Self, Vec<Problem>) {
        let mut table = Self::default();
        let mut problems = Vec::new();
        for line in logical_lines(octets) {
            let (name, rest) = line.text.split_once(':').unwrap_or((&line.text, ""));
            if !is_name(name) {
                let shown = if rest.is_empty() { "this" } else { "this name" };
                let problem =
                    Problem::of_line(file, line.number, format!("{shown} is no user; write name:hash"));
                table.gap.get_or_insert_with(|| problem.to_string());
                problems.push(problem);
                continue;
            }
            let user = table.entries.entry(folded(name)).or_default();
            if user.name.is_empty() {
                user.name = name.to_owned();
            }
            if let Err(wrong) = user.add(rest) {
                // The hash itself is never shown: this text goes to the journal.
                let problem = Problem::of_line(file, line.number, format!("user {name}: {wrong}"));
                user.broken.get_or_insert_with(|| problem.to_string());
                problems.push(problem);
            }
        }
        (table, problems)
    }

    /// The user of this name, in any case.
    pub fn get(&self, name: &str) -> Option<&User> {
        self.entries.get(&folded(name))
    }

    /// All users, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &User> {
        self.entries.values()
    }

    /// The first line without a name: while there is one, the table cannot tell what it lacks.
    pub fn gap(&self) -> Option<&str> {
        self.gap.as_deref()
    }
}

impl User {
    /// Adds what one line says behind the name.
    fn add(&mut self, rest: &str) -> Result<(), String> {
        let (hash, options) = rest.split_once(':').unwrap_or((rest, ""));
        let password = parse_password(hash.trim())?;
        let form = std::mem::discriminant(&password);
        if self.passwords.iter().any(|other| std::mem::discriminant(other) == form) {
            return Err("has this form of password twice; keep one of them".to_owned());
        }
        self.passwords.push(password);
        options.split_whitespace().try_for_each(|option| self.option(option))
    }

    fn option(&mut self, option: &str) -> Result<(), String> {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        let values = || value.split(',').map(str::to_ascii_lowercase);
        match key {
            "senders" => {
                if let Some(wrong) = values().find(|text| !is_sender(text)) {
                    return Err(format!("senders: \"{wrong}\" is neither an address nor *@domain nor *"));
                }
                self.senders.extend(values());
            }
            "cert" => {
                if value.split(',').any(str::is_empty) {
                    return Err("cert names no certificate".to_owned());
                }
                self.certificates.extend(values());
            }
            "messages" => limit(&mut self.messages, key, value)?,
            "recipients" => limit(&mut self.recipients, key, value)?,
            _ => {
                return Err(format!(
                    "unknown option \"{key}\"; valid are senders, cert, messages, recipients"
                ));
            }
        }
        Ok(())
    }
}

fn limit(place: &mut Allowance, key: &str, value: &str) -> Result<(), String> {
    if *place != Allowance::Unsaid {
        return Err(format!("{key} is said twice; keep one of them"));
    }
    *place = match value {
        "none" => Allowance::Unlimited,
        text => {
            Allowance::Rate(text.parse().map_err(|wrong| format!("{key} = \"{text}\" {wrong}, or none"))?)
        }
    };
    Ok(())
}

/// A name that a line may begin with.
fn is_name(name: &str) -> bool {
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || c == char::REPLACEMENT_CHARACTER;
    !name.is_empty() && name.len() <= NAME && !name.contains(forbidden)
}

/// An address, `*@domain` or `*`.
pub(super) fn is_sender(text: &str) -> bool {
    match text.strip_prefix("*@") {
        Some(domain) => domain.parse::<Domain>().is_ok(),
        None => text == "*" || text.parse::<Mailbox>().is_ok(),
    }
}

fn parse_password(hash: &str) -> Result<StoredPassword, String> {
    let fields: Vec<&str> = hash.split('$').collect();
    match fields.as_slice() {
        ["*"] => Ok(StoredPassword::None),
        ["", "argon2id", "v=19", parameters, salt, sum] => {
            check_argon2(parameters, salt, sum)?;
            Ok(StoredPassword::Argon2id(hash.to_owned()))
        }
        ["", method @ ("5" | "6"), middle @ .., salt, sum] => {
            check_sha_crypt(method, middle, salt, sum)?;
            Ok(StoredPassword::ShaCrypt(hash.to_owned()))
        }
        [only] => match only.strip_prefix("{SCRAM-SHA-256}") {
            Some(keys) => parse_scram(keys).map(StoredPassword::Scram),
            None => Err(UNKNOWN.to_owned()),
        },
        _ => Err(UNKNOWN.to_owned()),
    }
}

const UNKNOWN: &str = "this hash has no known form; \"grange password\" makes $argon2id$ and {SCRAM-SHA-256}";

fn check_argon2(parameters: &str, salt: &str, sum: &str) -> Result<(), String> {
    let number = |name: &str| {
        let value = parameters.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        value.and_then(|digits| digits.parse::<u32>().ok()).filter(|number| *number > 0)
    };
    let (Some(memory), Some(passes), Some(lanes)) = (number("m"), number("t"), number("p")) else {
        return Err("the parameters of $argon2id$ are m=…,t=…,p=…".to_owned());
    };
    if memory > ARGON2.0 || passes > ARGON2.1 || lanes > ARGON2.2 || memory < 8 * lanes {
        return Err(format!("$argon2id$ takes at most m={},t={},p={}", ARGON2.0, ARGON2.1, ARGON2.2));
    }
    let plain = |text: &str| text.bytes().all(is_base64);
    if plain(salt) && plain(sum) && (11..=64).contains(&salt.len()) && (22..=86).contains(&sum.len()) {
        Ok(())
    } else {
        Err("salt or hash of $argon2id$ are damaged".to_owned())
    }
}

fn check_sha_crypt(method: &str, middle: &[&str], salt: &str, sum: &str) -> Result<(), String> {
    let rounds = match middle {
        [] => true,
        [rounds] => {
            let number = rounds.strip_prefix("rounds=").and_then(|digits| digits.parse::<u32>().ok());
            number.is_some_and(|number| (1_000..=ROUNDS).contains(&number))
        }
        _ => false,
    };
    let length = if method == "5" { 43 } else { 86 };
    let plain = |text: &str| text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'.' || c == b'/');
    if !rounds {
        Err(format!("rounds of ${method}$ go from 1000 to {ROUNDS}"))
    } else if sum.len() != length || !plain(sum) || !plain(salt) || salt.len() > 16 {
        Err(format!("salt or hash of ${method}$ are damaged"))
    } else {
        Ok(())
    }
}

fn parse_scram(keys: &str) -> Result<ScramKeys, String> {
    let fields: Vec<&str> = keys.split(',').collect();
    let [iterations, salt, stored, server] = fields.as_slice() else {
        return Err("write {SCRAM-SHA-256}iterations,salt,stored key,server key".to_owned());
    };
    let iterations = iterations.parse().ok().filter(|number| ITERATIONS.contains(number));
    let Some(iterations) = iterations else {
        let (least, most) = (ITERATIONS.start(), ITERATIONS.end());
        return Err(format!("iterations of {{SCRAM-SHA-256}} go from {least} to {most}"));
    };
    let padded = |text: &str| {
        let bare = text.trim_end_matches('=');
        text.len().is_multiple_of(4) && text.len() - bare.len() <= 2 && bare.bytes().all(is_base64)
    };
    let key = |text: &str| text.len() == 44 && text.ends_with('=') && !text.ends_with("==") && padded(text);
    if !padded(salt) || !(8..=128).contains(&salt.len()) || !key(stored) || !key(server) {
        return Err("salt or keys of {SCRAM-SHA-256} are damaged".to_owned());
    }
    let [salt, stored, server] = [salt, stored, server].map(|text| (*text).to_owned());
    Ok(ScramKeys { iterations, salt, stored, server })
}

fn is_base64(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'+' || octet == b'/'
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRAM: &str = "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    const ARGON: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$JyU5lLGZ4EiFQVBJnyJo3lkL5OH1nGRBFyrHfaNAJFY";

    fn parse(text: &str) -> (Users, Vec<String>) {
        let (users, problems) = Users::parse(text.as_bytes(), Path::new("users"));
        (users, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_lines_of_a_user_are_put_together() {
        let text = format!(
            "# all\nAnn:{ARGON}:senders=Sales@example.org,*@example.net messages=100/1h\nann:{SCRAM}:cert=Ann.example recipients=none\n"
        );
        let (users, problems) = parse(&text);
        assert_eq!(problems, [""; 0]);
        let ann = users.get("ANN").unwrap();
        assert_eq!(ann.name, "Ann");
        assert_eq!(ann.passwords.len(), 2);
        assert_eq!(ann.senders, ["sales@example.org", "*@example.net"]);
        assert_eq!(ann.certificates, ["ann.example"]);
        assert_eq!(ann.messages, Allowance::Rate(Rate { count: 100, window: 3_600_000 }));
        assert_eq!(ann.recipients, Allowance::Unlimited);
    }

    #[test]
    fn a_mistake_breaks_its_user_and_no_other_and_shows_no_hash() {
        let damaged = SCRAM.replace("4096,", "12,");
        let (users, problems) = parse(&format!("ann:{damaged}\nbob:{ARGON}\nann:{ARGON}\n"));
        assert_eq!(problems, ["users:1: user ann: iterations of {SCRAM-SHA-256} go from 4096 to 10000000"]);
        assert!(users.get("ann").unwrap().broken.is_some());
        assert!(users.get("bob").unwrap().broken.is_none());
        assert_eq!(users.gap(), None);
    }

    #[test]
    fn a_hash_does_not_show_when_a_user_is_printed() {
        let (users, _) = parse(&format!("ann:{ARGON}\nann:{SCRAM}\n"));
        let shown = format!("{:?}", users.get("ann").unwrap());
        assert!(shown.contains("[Argon2id, Scram]"), "{shown}");
    }

    #[test]
    fn a_line_without_a_name_is_a_gap() {
        for text in [":x\n", "a b:*\n", "\u{1}:*\n"] {
            let (users, problems) = parse(text);
            assert!(users.gap().is_some() && problems.len() == 1, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        for (rest, wrong) in [
            ("", "this hash has no known form"),
            ("secret", "this hash has no known form"),
            ("$1$abcdefgh$G/JE7ZQpvFdOfZ8W4lTqf1", "this hash has no known form"),
            ("$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHRzYWx0$JyU5lLGZ4EiFQVBJnyJo3lkL", "takes at most"),
            ("$argon2id$v=19$t=2,p=1$c2FsdHNhbHRzYWx0$JyU5lLGZ4EiFQVBJnyJo3lkL", "the parameters"),
            ("$6$rounds=12$salt$x", "rounds of $6$"),
            ("$6$salt$x", "salt or hash of $6$ are damaged"),
            ("{SCRAM-SHA-256}4096,a,b,c", "salt or keys"),
            ("*:sender=a@b", "unknown option \"sender\"; valid are senders, cert, messages, recipients"),
            ("*:senders=bob", "senders: \"bob\" is neither"),
            ("*:senders=bob..smith@example.org", "senders: \"bob..smith@example.org\" is neither"),
            ("*:messages=10", "messages = \"10\" is not a number within a time"),
            ("*:messages=1/1h messages=none", "messages is said twice"),
            ("*:cert=", "cert names no certificate"),
        ] {
            let (users, problems) = parse(&format!("ann:{rest}\n"));
            assert!(problems.len() == 1 && problems[0].contains(wrong), "{rest}: {problems:?}");
            assert!(users.get("ann").unwrap().broken.is_some(), "{rest}");
        }
    }
}
