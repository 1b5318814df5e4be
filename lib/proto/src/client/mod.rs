//! The client session: SMTP, or LMTP as the same machine, without I/O and without a clock.
//!
//! The shell owns the connection. It hands over what the server said and the time, and does what [`Action`] asks for,
//! one action per call. A session carries any number of transactions in turn; each begins when the session is idle, or
//! follows another in its stride: its commands go out right behind the end of data, so that a message costs one round
//! trip ([`Session::follow`]).
//!
//! ```text
//!  Greeting ─220─► Hello ─250─► Idle ◄──────────────────────────────────┐
//!                   │ EHLO 5xx   │ begin                     quit: QUIT │
//!                   └─► HELO     ▼                                      │
//!                            Envelope (MAIL, RCPT…, DATA) ─refused─► Resetting
//!                                │ 354                                  ▲
//!                                ▼                                      │ refused
//!                            Content (WantBody) ─body_sent─► Confirming ┴─accepted─► Idle
//!                                                                   └─ another follows ─► Envelope
//! ```
//!
//! What it decides: which extensions to use, what goes into one write, and what each reply means for whom. What it does
//! not: which exchanger to try, when to try again, whether a connection is worth keeping.
//!
//! Invariants: of a transaction that was begun, either every recipient is [`Action::Settled`] exactly once, or the whole
//! of it comes back as [`Action::Returned`] without any of them settled. A 421, garbage, a time-out and a lost
//! connection defer whoever is not settled, and end in [`Action::Close`]. Any split of the input gives the same actions.
//!
//! Sources: RFC 5321 sections 3, 4.2 and 4.5.3.2; RFC 2920 (PIPELINING); RFC 1870 (SIZE); RFC 6152 (8BITMIME);
//! RFC 2033 (LMTP).

mod action;
mod confirming;
mod content;
mod context;
mod envelope;
mod features;
mod fitness;
mod following;
mod hello;
mod ledger;
mod loss;
mod parameters;
mod plan;
mod session;
mod settings;
mod stage;
mod state;
mod stuffing;
mod verdict;

pub use action::{Action, Step};
pub use features::Features;
pub use ledger::Transaction;
pub use plan::{Command, Plan};
pub use session::Session;
pub use settings::{Dialect, Protection, Settings, Timeouts};
pub use stage::Stage;
pub use stuffing::{Pieces, Stuffing};
