//! The resolver: typed questions about mail domains, answered over the DNS.
//!
//! Decides which hosts take the mail of a domain and in which order, and tells "there is none" from "nobody knows
//! now". It does not decide what becomes of a message: that is the caller's business. Only this crate names
//! hickory-resolver, and only its process runs an asynchronous runtime.
//!
//! | module | holds |
//! |---|---|
//! | [`exchangers`] | pure: MX records and addresses become the list of hosts to try |
//! | [`clients`] | pure: what lists and the reverse zone say about a client |
//! | [`answer`] | pure: what a name server said, in words that mail understands |
//! | [`shuffle`], [`pace`], [`system`] | pure: chance, figures, the name servers in `resolv.conf` |
//! | [`desk`] | pure: who waits for which question; equal questions are asked once |
//! | [`lookup`] | one question to the name servers, with its limits |
//! | [`resolver`] | one [`ipc::resolve::Ask`] from beginning to end |
//! | [`office`] | what all callers share |
//! | [`counter`] | one caller: its channel, its questions, its answers |
//! | [`watch`] | readiness of channels, for the runtime |
//! | [`process`] | the process: calls, drain, reload, status |
//!
//! Answers are not DNSSEC-validated here; what needs validation must not be built on them.

pub mod answer;
pub mod clients;
pub mod counter;
pub mod desk;
pub mod exchangers;
pub mod lookup;
pub mod office;
pub mod pace;
pub mod process;
pub mod resolver;
pub mod shuffle;
pub mod system;
pub mod watch;
