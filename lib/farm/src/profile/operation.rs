//! The operations that are timed.

use std::fmt;

/// One kind of work. The words of each say from when to when it is timed, and in which process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// smtpserver master: from before `accept(2)` of a connection until it is given to a worker, or waits for one, or is
    /// turned away.
    Accept,
    /// smtpserver master: from a connection's way to a worker until that worker says that it has it. Waiting while no
    /// worker is there is not part of it.
    Pass,
    /// smtpserver worker: one step of the session on what was read, such as a command line or a piece of content.
    Parse,
    /// smtpserver worker: from a question about a recipient until the router's answer. What the cache answers is not
    /// asked.
    Ask,
    /// smtpserver worker: from the end of data of a message until it is durable and about to be acknowledged.
    CommitWait,
    /// smtpserver and router worker: writing and flushing a batch of messages.
    Flush,
    /// smtpserver worker, router worker, scheduler: sending one hint to a notification socket.
    Hint,
    /// scheduler: one turn of its loop, without waiting and listening: reading what was hinted, deciding, handing out
    /// jobs, writing the log.
    Schedule,
    /// scheduler: from the hand-out of a job until its last recipient has a disposition. A job that its agent loses is
    /// not counted.
    Job,
    /// smtp agent: from `connect(2)` until the server has answered EHLO and takes mail. An attempt that comes to nothing
    /// is not counted.
    Connect,
    /// smtp agent: one transaction, from MAIL to its last reply; one that went out behind another begins when that one
    /// ends. Other agents: one recipient.
    Deliver,
    /// scheduler: from a disposition's arrival until the turn has written what follows from it in the log. The flush of
    /// the log comes later; nobody waits for it.
    Disposition,
}

impl Operation {
    /// All of them, in the order in which a message meets them.
    pub const ALL: [Self; 12] = [
        Self::Accept,
        Self::Pass,
        Self::Parse,
        Self::Ask,
        Self::CommitWait,
        Self::Flush,
        Self::Hint,
        Self::Schedule,
        Self::Job,
        Self::Connect,
        Self::Deliver,
        Self::Disposition,
    ];

    /// As shown to the user.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Pass => "pass",
            Self::Parse => "parse",
            Self::Ask => "ask",
            Self::CommitWait => "commit-wait",
            Self::Flush => "flush",
            Self::Hint => "hint",
            Self::Schedule => "schedule",
            Self::Job => "job",
            Self::Connect => "connect",
            Self::Deliver => "deliver",
            Self::Disposition => "disposition",
        }
    }

    /// The operation of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_stands_where_its_number_says_and_is_found_by_its_name() {
        for (index, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, index);
            assert_eq!(Operation::named(operation.name()), Some(operation));
        }
        assert_eq!(Operation::named("nothing"), None);
    }
}
