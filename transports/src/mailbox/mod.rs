//! The channel `mailbox`: delivery into Maildirs.
//!
//! Every file operation below the configured path is done with the effective ids and groups of the user, goes through
//! open directories and follows no symbolic link. A message is written to `tmp`, flushed, moved to `new`, and `new` is
//! flushed: only then is it delivered. Its file name is made of the spool id, the recipient's index and the host name, so
//! an attempt whose result was lost is recognised when it is repeated.
//!
//! | file | holds |
//! |---|---|
//! | `deliver.rs` | from a recipient to a disposition |
//! | `layout.rs` | from the configured path and a user to a place |
//! | `maildir.rs` | the directories and the file in them |
//! | `content.rs` | what is written: trace fields, then the content with LF line ends |
//! | `binary.rs` | the same for a content that is not made of lines |
//! | `trouble.rs` | what an error of the system means for the recipient |

mod binary;
mod content;
mod deliver;
mod layout;
mod maildir;
mod trouble;

pub use deliver::Mailbox;

use crate::agent::run as run_agent;
use crate::one_by_one::OneByOne;
use farm::config::Channel;
use farm::exit::Fatal;
use farm::skeleton::Child;

/// Runs the agent.
///
/// # Errors
/// As [`crate::agent::run`].
pub fn run(child: Child<Option<Channel>>) -> Result<(), Fatal> {
    run_agent(child, |settings, _| Ok(OneByOne::new(Mailbox::new(settings), settings)))
}
