//! The certificates that the supervisor keeps for its workers, and the eye on their files.
//!
//! Invariants: what is handed out has been checked; files that cannot be used change nothing and are told of once for
//! each of their states; a file that changes under our eyes is read once it has come to rest.

use super::run::Supervisor;
use crate::certificates::{read, stamps};
use farm::config::Config;
use farm::journal::ProgramEvent;
use farm::tables::Stamp;
use ipc::Role;
use ipc::supervisor::ToChild;
use std::path::PathBuf;
use tls::{Material, TicketKeys, TlsError, Warning};

/// Milliseconds between two looks at the files.
const LOOKS: u64 = 250;

/// The certificates in use.
pub(crate) struct Certificates {
    material: Material,
    warnings: Vec<Warning>,
    /// The secret of all tickets for as long as the supervisor lives.
    tickets: TicketKeys,
    /// The state of the files that was read last, be they of use or not.
    read: Vec<(PathBuf, Option<Stamp>)>,
    /// The state at the last look.
    seen: Vec<(PathBuf, Option<Stamp>)>,
    look_at: u64,
}

/// What a look has found.
pub(crate) enum News {
    /// New files are in use; the first that differs.
    Taken(PathBuf),
    /// New files cannot be used.
    Refused(TlsError),
}

impl Certificates {
    /// Reads the files for the first time, at this time in seconds since 1970.
    ///
    /// # Errors
    /// The first file that cannot be used, or the system has no random octets.
    pub(crate) fn load(config: &Config, now: u64) -> Result<Self, TlsError> {
        Self::with(config, TicketKeys::draw(1)?, now)
    }

    /// The certificates of another configuration, and the same secret.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub(crate) fn reload(&self, config: &Config, now: u64) -> Result<Self, TlsError> {
        Self::with(config, self.tickets.clone(), now)
    }

    fn with(config: &Config, tickets: TicketKeys, now: u64) -> Result<Self, TlsError> {
        let read_now = stamps(config);
        let (material, warnings) = read(config, &tickets, now)?;
        Ok(Self { material, warnings, tickets, seen: read_now.clone(), read: read_now, look_at: 0 })
    }

    /// What the workers get.
    pub(crate) fn material(&self) -> &Material {
        &self.material
    }

    /// When the next look is due, in monotonic milliseconds; `None` without files.
    pub(crate) fn next_look(&self) -> Option<u64> {
        (!self.read.is_empty()).then_some(self.look_at)
    }

    /// Looks at the files if it is time to; `mono` in milliseconds, `now` in seconds since 1970.
    pub(crate) fn look(&mut self, config: &Config, mono: u64, now: u64) -> Option<News> {
        if self.next_look().is_none_or(|at| at > mono) {
            return None;
        }
        self.look_at = mono + LOOKS;
        let current = stamps(config);
        let rests = current == self.seen;
        self.seen = current;
        if !rests || self.seen == self.read {
            return None;
        }
        let differs = self.seen.iter().zip(&self.read).find(|(now, before)| now != before);
        let file = differs.map(|((file, _), _)| file.clone()).unwrap_or_default();
        self.read.clone_from(&self.seen);
        match read(config, &self.tickets, now) {
            // Touched and yet the same: nobody has to hear of it.
            Ok((material, _)) if material == self.material => None,
            Ok((material, warnings)) => {
                self.material = material;
                self.warnings = warnings;
                Some(News::Taken(file))
            }
            Err(error) => Some(News::Refused(error)),
        }
    }
}

impl Supervisor {
    /// Looks at the files of the certificates, and hands out what is new.
    pub(super) fn look_at_certificates(&mut self) {
        let now = self.event_loop.now();
        match self.certificates.look(&self.config, now.mono, now.utc / 1000) {
            Some(News::Taken(file)) => {
                self.hand_out_certificates();
                let certificates =
                    u64::try_from(self.certificates.material().pairs.len()).unwrap_or(u64::MAX);
                let file = file.display().to_string();
                self.write(ProgramEvent::TlsReloaded { file: &file, certificates });
                self.warn_of_certificates();
            }
            Some(News::Refused(error)) => {
                let (file, why) = error.parts();
                self.write(ProgramEvent::TlsError { file, why });
            }
            None => {}
        }
    }

    /// Tells what is dubious about the certificates in use.
    pub(super) fn warn_of_certificates(&mut self) {
        for Warning { file, why } in std::mem::take(&mut self.certificates.warnings) {
            self.write(ProgramEvent::TlsWarning { file: &file, why: &why });
        }
    }

    fn hand_out_certificates(&mut self) {
        let material = self.certificates.material();
        let Ok(section) = super::wiring::section(Role::SmtpWorker, &self.config, material) else { return };
        let workers = self.children.iter().filter(|(_, child)| child.role == Role::SmtpWorker);
        let workers: Vec<_> = workers.map(|(number, _)| number).collect();
        for worker in workers {
            self.say(worker, &ToChild::Reload(section.clone()));
        }
    }
}
