//! Who a session is with, as far as that outlasts a transaction: what the client may do, what it has proved.

use super::{Config, Security, Service, Standing};
use crate::extension::{Extensions, FutureRelease};

#[derive(Debug)]
pub(super) struct Guest {
    pub(super) standing: Standing,
    /// Monotonic milliseconds at which the session began.
    pub(super) began: u64,
    /// How the connection is protected now.
    pub(super) security: Option<Box<Security>>,
    /// Who has authenticated.
    pub(super) account: Option<Box<str>>,
}

impl Guest {
    pub(super) fn new(mut standing: Standing, now: u64) -> Self {
        let security = standing.security.take();
        Self { standing, began: now, security, account: None }
    }

    /// The UTC time at a monotonic one.
    pub(super) fn utc(&self, now: u64) -> u64 {
        self.standing.utc.saturating_add(now.saturating_sub(self.began))
    }

    /// The connection is protected now, and nothing is known of the client any more (RFC 3207 section 4.2).
    pub(super) fn secured(&mut self, security: Security) {
        self.security = Some(Box::new(security));
        self.account = None;
    }

    /// Whether the client's word on who sent a message first, and on how urgent it is, counts.
    pub(super) fn is_trusted(&self) -> bool {
        self.standing.privileges.relay || self.account.is_some()
    }

    /// The mechanisms of AUTH at this moment.
    pub(super) fn mechanisms(&self) -> &[String] {
        let mechanisms = &self.standing.mechanisms;
        if self.security.is_some() { &mechanisms.secured } else { &mechanisms.plain }
    }

    /// What is offered at this moment.
    pub(super) fn extensions<'a>(&'a self, config: &Config, now: u64) -> Extensions<'a> {
        let Standing { service, privileges, .. } = &self.standing;
        let limits = config.limits();
        let hold = limits.hold;
        let future_release =
            FutureRelease { interval: hold / 1000, until: self.utc(now).saturating_add(hold) };
        Extensions {
            size: limits.message_size,
            recipients: limits.recipients,
            deliver_by: limits.deliver_by,
            future_release: (*service == Service::Submission && hold > 0).then_some(future_release),
            starttls: self.standing.starttls && self.security.is_none(),
            require_tls: self.security.is_some(),
            mechanisms: if self.account.is_some() { &[] } else { self.mechanisms() },
            privileges: *privileges,
        }
    }
}
