//! What a farm tells the operator: as words here, as a journal event in [`crate::journal`].

use crate::journal::Span;
use ipc::Role;
use ipc::supervisor::ChildNumber;
use std::fmt;

/// Something the operator should know. [`fmt::Display`] says it in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A worker ended without being asked to.
    Exited {
        /// What it was.
        role: Role,
        /// Which.
        child: ChildNumber,
        /// How it ended and what follows.
        death: Death,
    },
    /// A worker could not be started.
    SpawnFailed {
        /// What it should have become.
        role: Role,
        /// Why, and what follows.
        death: Death,
    },
    /// A worker will be replaced.
    Retiring {
        /// What it is.
        role: Role,
        /// Which.
        child: ChildNumber,
        /// Why.
        why: Why,
        /// Pieces of work it took.
        uses: u64,
        /// Its age in milliseconds.
        life: u64,
    },
    /// A drained worker did not exit in time; its death was asked for.
    Killed {
        /// What it is.
        role: Role,
        /// Which.
        child: ChildNumber,
        /// Work still in its hands.
        load: u64,
        /// How long it had, in milliseconds.
        grace: u64,
    },
}

/// The end of a worker, or of the attempt to have one. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// `signal 11`, `exit 70`, or why the start failed.
    pub how: String,
    /// How long it lived; 0 if it never did.
    pub life: u64,
    /// Ends in this streak of starts that went wrong; 0 outside one.
    pub deaths: u32,
    /// Since the first of them.
    pub within: u64,
    /// Until the next start is allowed.
    pub next: u64,
}

/// Why a worker is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It took as much work as [`super::Policy::recycle_uses`] allows.
    Uses,
    /// It is as old as [`super::Policy::recycle_age`].
    Age,
    /// It has grown to [`super::Policy::recycle_memory`].
    Memory,
    /// It wished so itself.
    Asked,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited { role, death, .. } if death.deaths > 1 => {
                let Death { how, deaths, within, .. } = death;
                write!(f, "{role} worker died {deaths} times in {} ({how}); {}", Span(*within), Next(death))
            }
            Self::Exited { role, death, .. } => {
                write!(f, "{role} worker ended after {} ({}); {}", Span(death.life), death.how, Next(death))
            }
            Self::SpawnFailed { role, death } => {
                write!(f, "{role} worker could not be started ({}); {}", death.how, Next(death))
            }
            Self::Retiring { role, child, why, uses, life } => {
                write!(f, "{role} worker {child} is replaced ({why}) after {uses} uses and {}", Span(*life))
            }
            Self::Killed { role, child, load, grace } => {
                write!(
                    f,
                    "{role} worker {child} did not exit within {}; killed with {load} in hand",
                    Span(*grace)
                )
            }
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uses => "uses",
            Self::Age => "age",
            Self::Memory => "memory",
            Self::Asked => "asked",
        })
    }
}

/// `next start in 1.6s`, `next start at once`.
struct Next<'a>(&'a Death);

impl fmt::Display for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.next {
            0 => f.write_str("next start at once"),
            wait => write!(f, "next start in {}", Span(wait)),
        }
    }
}
