//! One row per parameter: name, kind with unit and range, place in the typed configuration, one sentence, reload.
//!
//! Parsing, `config show`, the defaults and the checks of the pages all come from these rows, so that a parameter is
//! said once. The defaults themselves are a value of the typed configuration, see [`mod@super::defaults`].

use super::backend::Backend;
use super::sections::{JournalTarget, Listen, Network, Routes};
use super::syntax::{Written, WrittenList};
use std::net::SocketAddr;
use std::path::PathBuf;

/// One parameter of a section whose typed form is `T`.
pub struct Parameter<T> {
    /// Its key in the file.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// Where its value lives in the typed section.
    pub field: fn(&mut T) -> Field<'_>,
    /// Whether `grange reload` is enough for a change to count; else it takes a restart.
    pub reload: bool,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// The channels it means something to; empty for all of them and for other sections.
    pub channels: &'static [&'static str],
}

/// What a value is, and what it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number, within these bounds.
    Count(u64, u64),
    /// A duration with unit; bounds in milliseconds.
    Duration(u64, u64),
    /// A size with unit; bounds in octets.
    Size(u64, u64),
    /// A list of durations; bounds of each in milliseconds.
    Durations(u64, u64),
    /// A host name.
    Host,
    /// A list of domain names.
    Domains,
    /// A list of host patterns: `gmail.com`, `*.slow.example`.
    Patterns,
    /// A user of the system.
    User,
    /// The path of a mailbox; `~` is the user's home.
    Mailbox,
    /// A file; a relative name is beside the configuration, the empty one means none.
    File,
    /// `stderr`, `syslog` or a path.
    Journal,
    /// What the spool is made of.
    Backend,
    /// A list of addresses to listen on.
    Listen,
    /// A list of address blocks.
    Networks,
    /// A list of name server addresses.
    Nameservers,
    /// A file, or a table of pattern and target.
    Routes,
    /// A text with a syntax of its own, see [`super::syntax::Syntax`].
    Syntax,
    /// A list of such texts.
    SyntaxList,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of these words.
    Words(&'static [&'static str]),
}

/// Where a value lives.
pub enum Field<'a> {
    /// A number, a duration or a size.
    Number(&'a mut dyn Number),
    /// A number that need not be said.
    OptionalNumber(&'a mut Option<u32>),
    /// Durations.
    Numbers(&'a mut Vec<u64>),
    /// Durations, perhaps none.
    SomeNumbers(&'a mut Vec<u64>),
    /// Durations that need not be said.
    OptionalNumbers(&'a mut Option<Vec<u64>>),
    /// A text.
    Text(&'a mut String),
    /// A text that need not be said.
    OptionalText(&'a mut Option<String>),
    /// Texts.
    Texts(&'a mut Vec<String>),
    /// A file or none.
    File(&'a mut Option<PathBuf>),
    /// The journal's target.
    Journal(&'a mut JournalTarget),
    /// What the spool is made of.
    Backend(&'a mut Backend),
    /// Listeners.
    Listen(&'a mut Vec<Listen>),
    /// Address blocks.
    Networks(&'a mut Vec<Network>),
    /// Name servers.
    Nameservers(&'a mut Vec<SocketAddr>),
    /// Routes.
    Routes(&'a mut Routes),
    /// A value with a syntax of its own.
    Written(&'a mut dyn Written),
    /// A list of such values.
    WrittenList(&'a mut dyn WrittenList),
}

/// An unsigned number of any width.
pub trait Number {
    /// Its value.
    fn get(&self) -> u64;
    /// Sets it; a value that does not fit becomes the largest one.
    fn set(&mut self, value: u64);
}

impl Number for u64 {
    fn get(&self) -> u64 {
        *self
    }
    fn set(&mut self, value: u64) {
        *self = value;
    }
}

impl Number for u32 {
    fn get(&self) -> u64 {
        Self::into(*self)
    }
    fn set(&mut self, value: u64) {
        *self = Self::try_from(value).unwrap_or(Self::MAX);
    }
}

impl Number for u16 {
    fn get(&self) -> u64 {
        Self::into(*self)
    }
    fn set(&mut self, value: u64) {
        *self = Self::try_from(value).unwrap_or(Self::MAX);
    }
}
