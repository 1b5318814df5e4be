//! The transport agents: they take a job from the scheduler, deliver, and report one disposition per recipient.
//!
//! | module | holds |
//! |---|---|
//! | [`agent`] | what all agents share: the loop, the desk of jobs, the way back to a scheduler that restarted |
//! | [`one_by_one`] | a transport that finishes one recipient before it begins the next |
//! | [`smtp`] | delivery over SMTP: many sessions in one process |
//! | [`mailbox`] | delivery into Maildirs, with the rights of their users |
//! | [`hold`] | keeps messages until the administrator decides |
//! | [`error`] | refuses with the text of the route |
//!
//! No agent writes in the spool; the content comes as a descriptor with an offset and a length.

pub mod agent;
pub mod error;
pub mod hold;
pub mod mailbox;

pub mod one_by_one;
pub mod smtp;
