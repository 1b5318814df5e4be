//! The authenticator: who a client is, and what an account may still send.
//!
//! Decides whether a client that authenticates is who it says, from the users file or by asking Dovecot, and counts what
//! accounts send. Does not decide what an account may do: the session does, with what it is granted here. This process
//! alone reads the users file.
//!
//! | module | holds |
//! |---|---|
//! | [`mechanism`] | pure: PLAIN, LOGIN, SCRAM, EXTERNAL |
//! | [`queue`], [`penalty`], [`allowance`] | pure: who is next, how long failures wait, how much is sent |
//! | [`accounts`] | the users file and the senders file, read again when they change |
//! | [`pool`] | threads that compare passwords |
//! | [`dovecot`] | Dovecot's authentication service |
//! | [`office`] | exchanges under way: what follows from all of the above |
//! | [`process`] | the process: callers, loop, reload, status |
//!
//! Invariants: every question is answered, in the end with "not now"; an unknown user costs as much time as a wrong
//! password; a table that cannot be read is never a wrong password.

pub mod accounts;
pub mod allowance;
pub mod dovecot;
pub mod mechanism;
pub mod office;
pub mod penalty;
pub mod pool;
pub mod process;
pub mod queue;
