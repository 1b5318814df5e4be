//! What `grange status` shows: the children's own words, and what only their parent knows.

use super::run::Supervisor;
use ipc::Role;
use ipc::control::{FarmLine, Status};
use std::path::Path;

/// The rows, in order, and the roles whose processes each counts.
const ROWS: [(&str, &[Role]); 9] = [
    ("smtpserver", &[Role::SmtpMaster, Role::SmtpWorker]),
    ("router", &[Role::RouterMultiplexer, Role::RouterWorker]),
    ("scheduler", &[Role::Scheduler]),
    ("smtp", &[Role::AgentSmtp]),
    ("mailbox", &[Role::AgentMailbox]),
    ("hold", &[Role::AgentHold]),
    ("error", &[Role::AgentError]),
    ("dns", &[Role::Dns]),
    ("authd", &[Role::Authd]),
];

impl Supervisor {
    /// Joins the children's lines with pids and restarts.
    pub(super) fn status(&self, said: &[FarmLine]) -> Status {
        let paths = &self.config.common.paths;
        let (spool_files, spool_size) = extent(&paths.spool);
        let farm = ROWS
            .iter()
            .map(|(name, roles)| {
                let mut line = said.iter().find(|line| line.role == *name).cloned().unwrap_or_default();
                line.role = (*name).into();
                let members = self.children.iter().filter(|(_, child)| roles.contains(&child.role));
                line.pids = members.map(|(_, child)| child.pid).collect();
                line.restarts = roles.iter().filter_map(|role| self.ends.get(role)).sum();
                line
            })
            .collect();
        Status {
            version: env!("CARGO_PKG_VERSION").into(),
            hostname: self.config.common.hostname.clone(),
            uptime: self.age() / 1000,
            listening: self.wiring.addresses(),
            spool: paths.spool.display().to_string(),
            spool_files,
            spool_size,
            farm,
        }
    }
}

/// Files and octets under a directory.
fn extent(directory: &Path) -> (u64, u64) {
    let mut sum = (0, 0);
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(facts) = entry.metadata() else { continue };
        let (files, size) = if facts.is_dir() { extent(&entry.path()) } else { (1, facts.len()) };
        sum = (sum.0 + files, sum.1 + size);
    }
    sum
}
