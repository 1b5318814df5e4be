//! What a worker has in hand, and how the desk sees a worker.

use ipc::supervisor::ChildNumber;
use proto::place::Place;

/// A piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// The question of the same number.
    Ask,
    /// A message to expand.
    Expand(Place),
    /// An administrator's query: the supervisor's ticket, and the address.
    Explain(u64, String),
}

/// A piece of work in the hands of a worker.
#[derive(Debug)]
pub(super) struct Hand {
    pub(super) child: ChildNumber,
    pub(super) task: Task,
}

/// A worker as the desk sees it.
#[derive(Debug, Default)]
pub(super) struct Bench {
    /// It can take so many more.
    pub(super) credits: u32,
    /// Questions in its hands.
    pub(super) asks: usize,
    /// Messages in its hands.
    pub(super) expansions: usize,
    /// Work it ever took.
    pub(super) taken: u64,
    /// It gets nothing more: it drains, or its channel has ended.
    pub(super) closed: bool,
    /// Its death was asked for.
    pub(super) killed: bool,
    /// When it last said something, or began to have work in hand.
    pub(super) heard: u64,
}

impl Bench {
    pub(super) fn held(&self) -> usize {
        self.asks + self.expansions
    }

    pub(super) fn expands(&self) -> bool {
        self.expansions > 0
    }

    pub(super) fn take_up(&mut self, task: &Task, now: u64) {
        if self.held() == 0 {
            self.heard = now;
        }
        self.credits = self.credits.saturating_sub(1);
        self.taken += 1;
        *self.count(task) += 1;
    }

    pub(super) fn put_down(&mut self, task: &Task) {
        let count = self.count(task);
        *count = count.saturating_sub(1);
    }

    fn count(&mut self, task: &Task) -> &mut usize {
        match task {
            Task::Expand(_) => &mut self.expansions,
            Task::Ask | Task::Explain(..) => &mut self.asks,
        }
    }
}
