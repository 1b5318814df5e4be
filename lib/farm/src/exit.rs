//! Why a program cannot go on, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

/// The exit codes of sysexits that Grange's programs use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 64: the command line is wrong.
    Usage,
    /// 65: the input is wrong.
    Data,
    /// 66: what was named as input, such as a message of the queue, is not there.
    NoInput,
    /// 67: no such user.
    NoUser,
    /// 69: a service is not there.
    Unavailable,
    /// 70: a bug.
    Software,
    /// 71: the system refused (descriptors, memory, sockets).
    System,
    /// 74: reading or writing a file failed.
    Io,
    /// 75: not now; try again.
    Temporary,
    /// 77: not allowed.
    Permission,
    /// 78: the configuration is wrong.
    Config,
}

impl Exit {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Usage,
        Self::Data,
        Self::NoInput,
        Self::NoUser,
        Self::Unavailable,
        Self::Software,
        Self::System,
        Self::Io,
        Self::Temporary,
        Self::Permission,
        Self::Config,
    ];

    /// The one with this number.
    pub fn of(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.code() == code)
    }

    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Usage => 64,
            Self::Data => 65,
            Self::NoInput => 66,
            Self::NoUser => 67,
            Self::Unavailable => 69,
            Self::Software => 70,
            Self::System => 71,
            Self::Io => 74,
            Self::Temporary => 75,
            Self::Permission => 77,
            Self::Config => 78,
        }
    }
}

/// A program cannot go on: one line that names the culprit and the cure, and an exit code.
#[derive(Debug)]
pub struct Fatal {
    /// The exit code.
    pub exit: Exit,
    /// One line (several for a configuration with several mistakes).
    pub why: String,
}

impl Fatal {
    /// A reason to stop.
    pub fn new(exit: Exit, why: impl Into<String>) -> Self {
        Self { exit, why: why.into() }
    }

    /// For `map_err`: says what was being done when the system refused.
    pub fn doing<E: fmt::Display>(exit: Exit, what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |error| Self { exit, why: format!("{what}: {error}") }
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Fatal {}

/// Runs the body of a program; if it cannot go on, says why on standard error, after the program's name.
pub fn run(program: &str, body: impl FnOnce() -> Result<(), Fatal>) -> ExitCode {
    match body() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fatal) => {
            for line in fatal.why.lines() {
                eprintln!("{program}: {line}");
            }
            ExitCode::from(fatal.exit.code())
        }
    }
}
