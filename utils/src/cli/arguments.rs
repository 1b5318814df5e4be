//! The command line of `grange`.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  grange config check                         what is wrong with it
  grange start                                start, return when it is ready
  grange status                               what runs, and what it does
  grange queue list --host slow.example       what waits for a host, and why
  grange queue retry --host slow.example      try it now
  grange route ann@example.org                where an address goes
  grange session --client 192.0.2.1           what it would be told, and why
  grange --root /tmp/try start --foreground   another one, in this terminal";

/// Runs and administers the Grange mail transfer agent.
#[derive(Debug, Parser)]
#[command(name = "grange", version, after_help = EXAMPLES, disable_help_subcommand = true)]
#[command(arg_required_else_help = true, infer_subcommands = false)]
pub(crate) struct Arguments {
    /// Use the instance below DIR [or GRANGE_ROOT]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) root: Option<PathBuf>,
    /// Print JSON, one value per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Start everything; return when it is ready
    Start(Start),
    /// Finish what is under way, then stop everything
    Stop,
    /// Show what runs, and what it does
    Status,
    /// Read the configuration again
    Reload,
    /// Look at configuration, directories, ports, programs before a start
    Check,
    /// Check or show the configuration
    #[command(subcommand)]
    Config(Config),
    /// List, show and change what waits in the queue
    #[command(subcommand)]
    Queue(Queue),
    /// Show where an address goes, and by which rule
    Route {
        /// As in RCPT, without angle brackets
        address: String,
    },
    /// Play a session as any client, with the reason for each verdict
    Session(super::session::Options),
    /// Make the lines of a user's password for the users file
    Password(super::password::Options),
    /// Check the files of the spool
    #[command(subcommand)]
    Spool(Spool),
    /// Measure how long operations take
    #[command(subcommand)]
    Profile(Profile),
    /// Set a fault switch (root only): POINT is ROLE/NAME, TIMES how often it strikes
    #[command(hide = true)]
    Fault {
        /// `role/point`
        point: String,
        /// 0 clears it
        times: u32,
    },
}

/// `grange start`
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Stay in this terminal, or below this service manager
    #[arg(long)]
    pub(crate) foreground: bool,
    /// Leave the terminal first; what a start in the background passes to itself
    #[arg(long, hide = true, requires = "foreground")]
    pub(crate) detached: bool,
}

/// `grange config …`
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Report everything that is wrong with the configuration and its tables
    Check,
    /// Print the configuration in effect
    Show {
        /// Every parameter, not only those that differ from their defaults
        #[arg(long)]
        defaults: bool,
    },
}

/// `grange spool …`
#[derive(Debug, Subcommand)]
pub(crate) enum Spool {
    /// Read every record and report what is damaged; changes nothing
    Check {
        /// The directory of the spool, if it is not the instance's own
        directory: Option<PathBuf>,
    },
}

/// `grange profile …`
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Profile {
    /// Begin to count, in every program; what was counted before is forgotten
    On,
    /// Count no more; what was counted stays to be shown
    Off,
    /// Show how often and how long, by operation and program
    Show,
}

/// `grange queue …`
#[derive(Debug, Subcommand)]
pub(crate) enum Queue {
    /// List the messages that wait, oldest first
    List(List),
    /// Show one message with all its recipients
    Show {
        /// The spool id
        id: String,
    },
    /// Print the content of one message
    Cat {
        /// The spool id
        id: String,
    },
    /// Try messages again now
    Retry(Which),
    /// Keep messages, and do not try them until released
    Hold(Which),
    /// Undo a hold
    Release(Which),
    /// Discard messages for good
    Remove {
        /// Which ones.
        #[command(flatten)]
        which: Which,
        /// Mean it: needed with --all
        #[arg(long)]
        yes: bool,
    },
}

/// `grange queue list`
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only messages that wait for this host, or a name under it
    #[arg(long, value_name = "H")]
    pub(crate) host: Option<String>,
    /// Only messages from this sender
    #[arg(long, value_name = "S")]
    pub(crate) sender: Option<String>,
    /// Only messages to this recipient
    #[arg(long, value_name = "R")]
    pub(crate) recipient: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
}

/// Which messages a verb is about.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// Spool ids
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// What waits for this host
    #[arg(long, value_name = "H")]
    pub(crate) host: Option<String>,
    /// All of the queue
    #[arg(long)]
    pub(crate) all: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn refused(line: &str) -> String {
        Arguments::try_parse_from(line.split(' ')).unwrap_err().to_string()
    }

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_fits_a_screen_and_ends_with_examples() {
        let help = Arguments::command().render_help().to_string();
        assert!(help.lines().count() <= 40, "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        assert!(help.trim_end().ends_with("in this terminal"), "{help}");
        assert!(!help.contains("fault"), "{help}");
    }

    #[test]
    fn an_unknown_verb_suggests() {
        assert!(refused("grange stats").contains("'status'"));
        assert!(refused("grange queue lst").contains("'list'"));
    }

    #[test]
    fn one_way_to_select_is_needed_and_only_one() {
        refused("grange queue hold");
        refused("grange queue hold --all --host h");
        refused("grange queue hold ID --all");
        let parsed = Arguments::try_parse_from(["grange", "queue", "hold", "A", "B"]).unwrap();
        assert!(matches!(parsed.verb, Verb::Queue(Queue::Hold(which)) if which.ids == ["A", "B"]));
    }

    #[test]
    fn global_options_stand_anywhere() {
        let parsed = Arguments::try_parse_from(["grange", "status", "--json", "--root", "/x"]).unwrap();
        assert!(parsed.json && parsed.root == Some("/x".into()));
    }
}
