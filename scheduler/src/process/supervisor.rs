//! What the supervisor says.

use super::run::Process;
use super::setup::Settings;
use crate::tools::{Answer, channel_line};
use farm::config::Common;
use farm::exit::Exit;
use ipc::control::{End, Request};
use ipc::supervisor::{FromChild, ToChild};
use serde_json::to_string;

/// Lines per answer frame.
const FRAME: usize = 500;

impl Process {
    pub(super) fn hear_supervisor(&mut self) {
        let batch = match self.supervisor.receive() {
            Ok(batch) => batch,
            Err(error) => {
                log::error!("supervisor: {error}");
                return self.drain("the supervisor's channel is broken");
            }
        };
        for received in batch.messages {
            match received.message {
                ToChild::Spawned { ticket, child, .. } => self.spawned(ticket, child, received.descriptor),
                ToChild::SpawnFailed { ticket, why } => {
                    self.farms.spawn_failed(ticket, &why, self.scheduler.now.mono);
                }
                ToChild::Exited { child, how, clean } => self.exited(child, &how, clean),
                ToChild::Reload(section) => self.reload(&section),
                ToChild::Drain => self.drain("told to"),
                ToChild::Query { ticket, uid, request } => self.query(ticket, uid, &request),
                ToChild::Reannounce => self.scheduler.router_hints.reannounce(self.scheduler.now.mono),
                ToChild::WriterEnded => self.scheduler.scan.soon(self.scheduler.now.mono),
                ToChild::Welcome(_) | ToChild::Give(_) | ToChild::Begin | ToChild::QueueStarted { .. } => {}
            }
        }
        if batch.ended {
            self.drain("the supervisor is gone");
        }
    }

    fn reload(&mut self, section: &[u8]) {
        match ipc::codec::decode::<(Common, Settings)>(section) {
            Ok((common, settings)) => {
                self.scheduler.journal.reopen();
                self.scheduler.hostname = common.hostname;
                self.settings = settings;
                self.farms.reconfigure(&self.settings.1);
                self.configure();
            }
            Err(error) => log::error!("reload: {error}"),
        }
    }

    fn query(&mut self, ticket: u64, uid: u32, request: &str) {
        if let Some(answer) = farm::profile::answer(ticket, request) {
            return self.tell(&answer);
        }
        let request = match serde_json::from_str(request) {
            Ok(request) => request,
            Err(error) => {
                let end = End::refused(Exit::Software.code(), error.to_string());
                return self.answer(ticket, vec![to_string(&end).unwrap_or_default()]);
            }
        };
        match request {
            Request::Status => {
                let lines = self.status();
                self.answer(ticket, lines);
            }
            Request::Fault { point, times } => {
                let point = point.strip_prefix("scheduler/").unwrap_or(&point);
                self.scheduler.faults.arm(point, times);
            }
            request => match self.scheduler.answer(request, &format!("uid {uid}")) {
                Some(Answer::Lines(lines)) => self.answer(ticket, lines),
                Some(Answer::Listing(listing)) => self.listings.push_back((ticket, listing)),
                None => {}
            },
        }
    }

    fn status(&self) -> Vec<String> {
        let channels = self.farms.names().map(|name| channel_line(&self.scheduler, name));
        let lines = std::iter::once(self.scheduler.status()).chain(channels);
        lines.map(|line| to_string(&line).unwrap_or_default()).collect()
    }

    fn answer(&mut self, ticket: u64, lines: Vec<String>) {
        let mut lines = lines.into_iter().peekable();
        loop {
            let part: Vec<String> = lines.by_ref().take(FRAME).collect();
            let last = lines.peek().is_none();
            self.tell(&FromChild::Answer { ticket, lines: part, last });
            if last {
                return;
            }
        }
    }
}
