//! What the supervisor and the scheduler say.

use super::{Agent, Settings, Transport};
use farm::exit::{Exit, Fatal};
use ipc::agent::{Job, ToAgent};
use ipc::control::{End, Request};
use ipc::supervisor::{FromChild, ToChild};
use std::os::fd::OwnedFd;

impl<T: Transport> Agent<T> {
    pub(super) fn hear_supervisor(&mut self) -> Result<(), Fatal> {
        if self.alone {
            return Ok(());
        }
        let batch = self.supervisor.receive().map_err(Fatal::doing(Exit::Unavailable, "supervisor"))?;
        for received in batch.messages {
            match received.message {
                ToChild::Drain => self.wind_up("told to"),
                ToChild::Reload(section) => self.reload(&section),
                ToChild::Query { ticket, request, .. } => self.answer(ticket, &request),
                other => log::debug!("nothing to do for {other:?}"),
            }
        }
        if batch.ended {
            self.alone = true;
            self.wind_up("the supervisor is gone");
        }
        Ok(())
    }

    fn reload(&mut self, section: &[u8]) {
        match Settings::decode(section) {
            Ok(settings) => self.transport.reload(&settings),
            Err(error) => log::error!("the old configuration stays: {error}"),
        }
    }

    fn answer(&mut self, ticket: u64, request: &str) {
        if let Some(answer) = farm::profile::answer(ticket, request) {
            return self.say(&answer);
        }
        let end = match serde_json::from_str(request) {
            Ok(Request::Fault { point, times }) => {
                self.arm(&point, times);
                End::done(1)
            }
            Ok(_) => End::refused(Exit::Usage.code(), "an agent has no answer to this"),
            Err(error) => End::refused(Exit::Software.code(), format!("not understood: {error}")),
        };
        if ticket != 0 {
            let lines = serde_json::to_string(&end).into_iter().collect();
            self.say(&FromChild::Answer { ticket, lines, last: true });
        }
    }

    /// A point is named `role/point`; one of another role is not ours.
    fn arm(&mut self, point: &str, times: u32) {
        match point.split_once('/') {
            Some((role, point)) if role == self.role => self.faults.arm(point, times),
            Some(_) => {}
            None => self.faults.arm(point, times),
        }
    }

    pub(super) fn hear_scheduler(&mut self) {
        let Some(heard) = self.link.receive() else { return };
        let ended = match heard {
            Ok(batch) => {
                for received in batch.messages {
                    self.obey(received.message, received.descriptor);
                }
                batch.ended
            }
            Err(error) => {
                log::warn!("scheduler: {error}");
                true
            }
        };
        if ended {
            self.lose_scheduler();
        }
    }

    fn obey(&mut self, message: ToAgent, descriptor: Option<OwnedFd>) {
        match message {
            ToAgent::File { file } => match descriptor {
                Some(descriptor) => self.desk.shelve(file, descriptor),
                None => log::error!("file {file} came without its descriptor"),
            },
            ToAgent::Release { file } => self.desk.release(file),
            ToAgent::Job(job) => self.take(job),
            ToAgent::Reload(section) => self.reload(&section),
            ToAgent::Drain => self.wind_up("the scheduler asked for it"),
        }
    }

    /// A job that comes while the agent winds up is left: its scheduler hands it out again when this process has ended.
    fn take(&mut self, job: Job) {
        if self.is_winding_up() {
            return;
        }
        if let Some(work) = self.desk.accept(job) {
            self.with_transport(|transport, turn| transport.take(work, turn));
        }
    }
}
