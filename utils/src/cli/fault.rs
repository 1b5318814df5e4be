//! `grange fault`: sets a fault switch of the running Grange, for tests.

use super::ask::ask_all;
use super::instance::Instance;
use super::print;
use farm::exit::Fatal;
use ipc::control::Request;

/// Lets a fault strike so many times; 0 clears it.
///
/// # Errors
/// Grange does not run (69), or refuses with the exit code that it says.
pub(crate) fn fault(instance: &Instance, point: String, times: u32) -> Result<(), Fatal> {
    let said =
        if times == 0 { format!("{point}: cleared") } else { format!("{point}: strikes {times} times") };
    ask_all::<serde_json::Value>(instance, &Request::Fault { point, times })?;
    print::line(&said)?;
    Ok(())
}
