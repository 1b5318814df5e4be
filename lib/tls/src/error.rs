//! What can go wrong.

/// A file or a setting cannot be used. Its text names the file and the cure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{file} cannot be read: {why}")]
    Unreadable {
        /// Its name.
        file: String,
        /// What the system said.
        why: String,
    },
    /// A file holds something else than it should.
    #[error("{file}: {why}")]
    File {
        /// Its name.
        file: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// The name of the other side is none that TLS can speak of.
    #[error("\"{0}\" is no host name")]
    Name(String),
    /// The library refuses.
    #[error("{0}")]
    Library(String),
}

impl TlsError {
    /// The file it is about, or nothing, and what is wrong with it.
    pub fn parts(&self) -> (&str, &str) {
        match self {
            Self::Unreadable { file, why } | Self::File { file, why } => (file, why),
            Self::Name(what) | Self::Library(what) => ("", what),
        }
    }

    pub(crate) fn file(file: &str, why: impl Into<String>) -> Self {
        Self::File { file: file.into(), why: why.into() }
    }
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        Self::Library(error.to_string())
    }
}

/// A session has failed, in words fit for the journal: an alert, sent or received, or what was wrong with the octets.
/// What is to be sent is still to be sent: it tells the peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub(crate) String);
