//! The children that the supervisor keeps itself, and what it does for the others.

use super::children::{Child, Children, Setting};
use super::run::Supervisor;
use farm::config::Config;
use farm::farm::{Action, Farm, Policy};
use farm::journal::ProgramEvent;
use ipc::Role;
use ipc::supervisor::{ChildNumber, FromChild, ToChild};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use sys::process::Ended;

/// The children that the supervisor keeps itself, in the order of start.
pub(super) const KEPT: [Role; 5] =
    [Role::Dns, Role::Authd, Role::Scheduler, Role::RouterMultiplexer, Role::SmtpMaster];

/// A farm of one for each of them.
pub(super) fn farms() -> Vec<Farm> {
    KEPT.into_iter().map(|role| Farm::new(role, Policy::new(1, 1))).collect()
}

/// Whether a child of role `owner` may ask for one of role `role`.
fn may_ask(owner: Role, role: Role) -> bool {
    match owner {
        Role::SmtpMaster => role == Role::SmtpWorker,
        Role::RouterMultiplexer => role == Role::RouterWorker,
        Role::Scheduler => {
            matches!(role, Role::AgentSmtp | Role::AgentMailbox | Role::AgentHold | Role::AgentError)
        }
        _ => false,
    }
}

impl Supervisor {
    /// Carries out what the farms of one decide.
    pub(super) fn tend(&mut self) {
        let now = self.event_loop.now();
        for index in 0..self.farms.len() {
            let Some(farm) = self.farms.get_mut(index) else { return };
            farm.tick(now.mono);
            while let Some(action) = self.farms.get_mut(index).and_then(Farm::poll) {
                self.carry_out(index, action, now.mono);
            }
        }
    }

    fn carry_out(&mut self, index: usize, action: Action, now: u64) {
        match action {
            Action::Spawn { ticket } => {
                let Some(role) = self.farms.get(index).map(Farm::role) else { return };
                let started = self.start(role, None);
                let Some(farm) = self.farms.get_mut(index) else { return };
                match started {
                    Ok(child) => farm.spawned(ticket, child, now),
                    Err(why) => farm.spawn_failed(ticket, &why, now),
                };
            }
            Action::Drain { child } => self.say(child, &ToChild::Drain),
            Action::Kill { child } => self.kill(child),
            Action::Report(report) => self.write(ProgramEvent::Farm(&report)),
        }
    }

    fn start(&mut self, role: Role, owner: Option<(ChildNumber, OwnedFd)>) -> Result<ChildNumber, String> {
        let setting = Setting {
            config: &self.config,
            wiring: &self.wiring,
            material: self.certificates.material(),
            event_loop: &self.event_loop,
            account: self.account.as_ref(),
        };
        let child = self.children.start(role, owner, &setting).map_err(|e| e.to_string())?;
        self.profile_newborn(child);
        Ok(child)
    }

    /// Says one thing to a child, if it is there.
    pub(super) fn say(&mut self, child: ChildNumber, message: &ToChild) {
        if let Some(child) = self.children.get_mut(child) {
            child.say(message);
        }
    }

    fn kill(&mut self, child: ChildNumber) {
        if let Some(child) = self.children.get_mut(child) {
            sys::process::kill_now(child.pid);
        }
    }

    /// What a child says.
    pub(super) fn hear(&mut self, number: ChildNumber) {
        let Some(child) = self.children.get_mut(number) else { return };
        let _reaped_in_its_turn = child.channel.flush();
        let Ok(batch) = child.channel.receive() else {
            // It is of another build or has lost its mind: it is started afresh.
            sys::process::kill_now(child.pid);
            return;
        };
        for received in batch.messages {
            match received.message {
                FromChild::Ready => self.ready(number),
                FromChild::Spawn { ticket, role } => self.spawn_for(number, ticket, role),
                FromChild::Kill { child } => self.kill_for(number, child),
                FromChild::StartQueue { session, host, below } => {
                    self.start_queue(number, session, host, below);
                }
                FromChild::Answer { ticket, lines, last } => self.answered(ticket, number, &lines, last),
            }
        }
    }

    fn ready(&mut self, number: ChildNumber) {
        let Some(child) = self.children.get_mut(number) else { return };
        child.becomes_ready();
        let role = child.role;
        // Whoever hints to this process did so into the void while it was away.
        if matches!(role, Role::Scheduler | Role::RouterMultiplexer) {
            let writers: Vec<_> = self.children.iter().filter(|(_, c)| c.ready).map(|(n, _)| n).collect();
            for writer in writers {
                self.say(writer, &ToChild::Reannounce);
            }
        }
    }

    fn spawn_for(&mut self, owner: ChildNumber, ticket: u64, role: Role) {
        let allowed = self.children.get_mut(owner).is_some_and(|child| may_ask(child.role, role));
        let started = if allowed {
            self.start_for(owner, role)
        } else {
            Err(format!("{role} is not yours to ask for"))
        };
        let (message, descriptor) = match started {
            Ok((child, pid, descriptor)) => (ToChild::Spawned { ticket, child, pid }, Some(descriptor)),
            Err(why) => (ToChild::SpawnFailed { ticket, why }, None),
        };
        if let Some(child) = self.children.get_mut(owner) {
            let sent = match descriptor {
                Some(descriptor) => child.channel.send_with(&message, descriptor),
                None => child.channel.send(&message),
            };
            let _reaped_in_its_turn = sent.and_then(|()| child.channel.flush());
        }
    }

    fn start_for(&mut self, owner: ChildNumber, role: Role) -> Result<(ChildNumber, u32, OwnedFd), String> {
        let (here, there) = UnixStream::pair().map_err(|e| e.to_string())?;
        let number = self.start(role, Some((owner, there.into())))?;
        let pid = self.children.get_mut(number).map_or(0, |child| child.pid);
        Ok((number, pid, here.into()))
    }

    fn kill_for(&mut self, owner: ChildNumber, child: ChildNumber) {
        // Agents outlive the scheduler that asked for them and serve the next one.
        let adopts = self.children.keeper_of(Role::Scheduler) == Some(owner);
        let allowed =
            |child: &mut Child| child.owner == Some(owner) || adopts && may_ask(Role::Scheduler, child.role);
        if self.children.get_mut(child).is_some_and(allowed) {
            self.kill(child);
        }
    }

    /// Reaps whoever has ended, and tells whom it concerns.
    pub(super) fn reap(&mut self) {
        while let Some(ended) = sys::process::reap() {
            let Some((number, child)) = self.children.remove(ended.pid) else { continue };
            self.event_loop.forget(&child.channel);
            *self.ends.entry(child.role).or_default() +=
                u64::from(self.stopping.is_none() && ended.status != 0);
            self.forget_answers_of(number);
            self.tell_end(number, &child, ended);
            if matches!(child.role, Role::SmtpWorker | Role::RouterWorker)
                && let Some(scheduler) = self.children.keeper_of(Role::Scheduler)
            {
                self.say(scheduler, &ToChild::WriterEnded);
            }
        }
    }

    fn tell_end(&mut self, number: ChildNumber, child: &Child, ended: Ended) {
        let (how, clean) = (ended.to_string(), ended.status == 0);
        let orphan = child.owner.is_some_and(|owner| self.children.get_mut(owner).is_none());
        let adopter = self.children.keeper_of(Role::Scheduler);
        let adopter = adopter.filter(|_| orphan && may_ask(Role::Scheduler, child.role));
        match adopter.or(child.owner) {
            Some(owner) => self.say(owner, &ToChild::Exited { child: number, how, clean }),
            None => {
                let now = self.event_loop.now().mono;
                for farm in &mut self.farms {
                    farm.exited(number, &how, clean, now);
                }
            }
        }
    }

    /// Gives every child its section of a new configuration.
    pub(super) fn hand_out(&mut self, config: Config) {
        self.config = config;
        let sections: Vec<(ChildNumber, Vec<u8>)> = self
            .children
            .iter()
            .filter_map(|(number, child)| {
                Some((
                    number,
                    super::wiring::section(child.role, &self.config, self.certificates.material()).ok()?,
                ))
            })
            .collect();
        for (number, section) in sections {
            self.say(number, &ToChild::Reload(section));
        }
    }

    /// Every child that the supervisor keeps has finished its set-up.
    pub(super) fn all_ready(&self) -> bool {
        KEPT.iter().all(|&role| is_ready(&self.children, role))
    }
}

fn is_ready(children: &Children, role: Role) -> bool {
    children.iter().any(|(_, child)| child.role == role && child.ready)
}
