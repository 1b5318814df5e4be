//! Shows the queue in the classic form.

use std::process::ExitCode;

fn main() -> ExitCode {
    utils::cli::mailq()
}
