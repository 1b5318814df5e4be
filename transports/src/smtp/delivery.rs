//! One job, and who of its recipients is left.
//!
//! A server that takes only so many recipients in one transaction answers 4.5.3 to the rest. As long as each transaction
//! delivers to somebody, those are sent at once in another one; otherwise they are deferred like anybody else.

use crate::agent::{Desk, Work};
use ipc::agent::JobRecipient;
use proto::address::Mailbox;
use proto::client::Transaction;
use proto::disposition::{Disposition, Outcome};
use proto::status::Status;

/// A job on its way.
#[derive(Debug)]
pub(super) struct Delivery {
    /// The job.
    pub(super) work: Work,
    /// Positions in the job of the recipients of the transaction under way, or of the next.
    current: Vec<usize>,
    /// Those that did not fit, and what they are told if there is no further transaction.
    surplus: Vec<(usize, Disposition)>,
    progress: bool,
    /// There is no further transaction.
    last: bool,
}

impl Delivery {
    /// Nobody is settled.
    pub(super) fn new(work: Work) -> Self {
        let current = (0..work.job.recipients.len()).collect();
        Self { work, current, surplus: Vec::new(), progress: false, last: false }
    }

    /// The transaction for those who are left.
    pub(super) fn transaction(&self) -> Transaction {
        let job = &self.work.job;
        let recipient = |&position: &usize| job.recipients.get(position).map(forward_path);
        Transaction {
            from: job.from.clone(),
            recipients: self.current.iter().filter_map(recipient).collect(),
            shape: job.shape,
        }
    }

    /// What the session says of the recipient at `index` of the transaction.
    pub(super) fn settled(&mut self, index: usize, disposition: Disposition, desk: &mut Desk) {
        let Some(&position) = self.current.get(index) else { return };
        self.progress |= disposition.outcome == Outcome::Delivered;
        if disposition.outcome == Outcome::Deferred && disposition.status == TOO_MANY && !self.last {
            self.surplus.push((position, disposition));
        } else {
            self.settle(position, disposition, desk);
        }
    }

    /// The transaction is over: `true` if another is due for those who did not fit, and nobody is settled twice.
    pub(super) fn goes_on(&mut self, desk: &mut Desk) -> bool {
        let surplus = std::mem::take(&mut self.surplus);
        if self.progress && !self.last && !surplus.is_empty() {
            self.current = surplus.into_iter().map(|(position, _)| position).collect();
            self.progress = false;
            return true;
        }
        for (position, disposition) in surplus {
            self.settle(position, disposition, desk);
        }
        false
    }

    /// Lets this transaction be the last.
    pub(super) fn stop_after_this(&mut self) {
        self.last = true;
    }

    /// Settles everybody who is in the transaction under way, or in the next.
    pub(super) fn settle_all(&self, disposition: &Disposition, desk: &mut Desk) {
        for &position in &self.current {
            self.settle(position, disposition.clone(), desk);
        }
    }

    fn settle(&self, position: usize, disposition: Disposition, desk: &mut Desk) {
        if let Some(recipient) = self.work.job.recipients.get(position) {
            desk.settle(self.work.ticket, recipient.index, disposition);
        }
    }
}

/// What the session gives to a recipient beyond the server's limit.
const TOO_MANY: Status = Status::transient(5, 3);
/// For whom, in the words of the route: an alias may have led elsewhere.
fn forward_path(recipient: &JobRecipient) -> Mailbox {
    recipient.user.parse().unwrap_or_else(|_| recipient.address.clone())
}
