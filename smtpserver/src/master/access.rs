//! The access table in its file: read again when the file has changed, and when the configuration names another.

use super::run::Master;
use farm::journal::ProgramEvent;
use farm::tables::{AccessTable, Look, Lookup, Watched};
use std::sync::Arc;

impl Master {
    /// Looks, before clients are let in, whether the table has changed; costs nothing within a second.
    pub(super) fn look_at_access(&mut self) {
        let now = self.event_loop.now();
        let Some(access) = &mut self.access else { return };
        let look = access.refresh(now.mono);
        if look == Look::Same {
            return;
        }
        self.admission.set_access(access.table().map(Arc::clone));
        if let Look::Refused(problems) = look {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            let errors = u64::try_from(problems.len()).unwrap_or(u64::MAX);
            self.note(ProgramEvent::ReloadRefused { errors, first: &first });
        }
    }

    /// The configuration names this table; what was read from the same file before stays in use until it is read again.
    pub(super) fn change_access(&mut self, mut access: Option<Watched<AccessTable>>) {
        match (&mut access, &self.access) {
            (Some(new), Some(old)) => new.inherit(old),
            (Some(_), None) => {}
            (None, _) => self.admission.set_access(Lookup::NotFound),
        }
        self.access = access;
        self.look_at_access();
    }
}
