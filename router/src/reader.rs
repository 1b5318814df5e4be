//! Reading the spool without a part in it: no lease, no lock.
//!
//! Segments that were read are kept open for a moment only, so that a segment that the scheduler has removed gives its
//! space back.

use farm::config::Common;
use spool::{Disk, Segments, SpoolError, Tuning};
use std::path::PathBuf;
use std::sync::Arc;

/// How long files stay open, in milliseconds.
const KEEP: u64 = 10_000;

/// The spool for reading, opened when it is needed.
#[derive(Debug)]
pub(crate) struct Reader {
    root: PathBuf,
    open: Option<(Segments, u64)>,
}

impl Reader {
    /// A reader of the spool that the configuration names.
    pub(crate) fn new(common: &Common) -> Self {
        Self { root: common.paths.spool.clone(), open: None }
    }

    /// The spool; `now` is monotonic.
    ///
    /// # Errors
    /// It was not prepared, or cannot be read.
    pub(crate) fn spool(&mut self, now: u64) -> Result<&mut Segments, SpoolError> {
        self.tidy(now);
        match &mut self.open {
            Some((segments, _)) => Ok(segments),
            empty => {
                let segments = Segments::open(Arc::new(Disk::new(&self.root)), Tuning::default())?;
                Ok(&mut empty.insert((segments, now)).0)
            }
        }
    }

    /// Closes what has been open for long enough.
    pub(crate) fn tidy(&mut self, now: u64) {
        if self.open.as_ref().is_some_and(|(_, opened)| now.saturating_sub(*opened) >= KEEP) {
            self.open = None;
        }
    }

    /// When [`Reader::tidy`] wants to be called.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.open.as_ref().map(|(_, opened)| opened + KEEP)
    }
}
