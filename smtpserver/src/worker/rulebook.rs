//! The policy table of a worker: read when it changes, and doubted when it cannot be read.

use farm::clock::Moment;
use farm::config::SmtpServer;
use farm::journal::{Journal, ProgramEvent};
use farm::tables::{Look, Lookup, PolicyTable, Watched};
use std::sync::Arc;

/// The table, if the configuration names one.
#[derive(Debug, Default)]
pub(super) struct Rulebook {
    table: Option<Watched<PolicyTable>>,
}

impl Rulebook {
    /// The table that the configuration names; not read yet.
    pub(super) fn new(section: &SmtpServer) -> Self {
        Self { table: section.policy.as_deref().map(|file| Watched::new(file, PolicyTable::parse)) }
    }

    /// Takes over from the former configuration: a table that was good stays so until the new one is.
    pub(super) fn inherit(&mut self, former: &Self) {
        if let (Some(table), Some(former)) = (&mut self.table, &former.table) {
            table.inherit(former);
        }
    }

    /// Whether there is a policy at all.
    pub(super) fn exists(&self) -> bool {
        self.table.is_some()
    }

    /// Reads the table if it has changed; looks at most once a second. What is wrong with it goes to the journal.
    pub(super) fn refresh(&mut self, now: Moment, journal: &mut Journal) {
        let Some(table) = &mut self.table else { return };
        if let Look::Refused(problems) = table.refresh(now.mono) {
            let errors = u64::try_from(problems.len()).unwrap_or(u64::MAX);
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            journal.note_own(ProgramEvent::ReloadRefused { errors, first: &first }, now.utc);
        }
    }

    /// The table in use; "not found" if there is no policy.
    pub(super) fn table(&self) -> Lookup<Arc<PolicyTable>> {
        self.table.as_ref().map_or(Lookup::NotFound, |table| table.table().map(Arc::clone))
    }

    /// The file of the table, for people.
    pub(super) fn file(&self) -> String {
        self.table.as_ref().map(|table| table.file().display().to_string()).unwrap_or_default()
    }
}
