//! `grange start`: checks first, then runs the supervisor, here or in the background.

use super::arguments;
use super::ask::is_running;
use super::config::report;
use super::instance::Instance;
use super::print;
use super::ready::{Ready, first_line};
use crate::supervisor;
use farm::config::{Config, JournalTarget};
use farm::exit::{Exit, Fatal};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Most of the error output that is repeated when a start fails, in octets.
const EXCERPT: u64 = 4096;

/// The same in lines.
const LINES: usize = 8;

/// Starts everything.
///
/// # Errors
/// The configuration is wrong (78), Grange runs already (69), or the supervisor's reason.
pub(crate) fn start(instance: &Instance, options: &arguments::Start) -> Result<(), Fatal> {
    let config = instance.load().map_err(|problems| report(&problems, Some("nothing was started")))?;
    if !options.detached
        && let Some(warning) = config.warning()
    {
        eprintln!("grange: warning: {warning}");
    }
    if options.detached {
        sys::process::leave_terminal().map_err(Fatal::doing(Exit::System, "cannot leave the terminal"))?;
    }
    if options.foreground {
        let options = supervisor::Options { file: instance.file.clone(), paths: instance.paths.clone() };
        return supervisor::run(options);
    }
    if is_running(instance) {
        return Err(Fatal::new(Exit::Unavailable, "grange is already running; `grange status` tells more"));
    }
    in_background(instance, &config)
}

fn in_background(instance: &Instance, config: &Config) -> Result<(), Fatal> {
    let errors = Errors::open(&instance.paths.run)?;
    let mut child = launch(instance, &errors)?;
    let Some(output) = child.stdout.take() else {
        return Err(Fatal::new(Exit::Software, "the supervisor has no output"));
    };
    match first_line(output, PATIENCE) {
        Ready::Line(line) => {
            print::line(&line)?;
            if config.common.journal == JournalTarget::Stderr {
                let path = errors.path.display();
                print::line(format_args!(
                    "its journal goes to {path}, as journal = \"stderr\" and there is no terminal"
                ))?;
            }
            Ok(())
        }
        Ready::Closed => {
            let code = child.wait().ok().and_then(|status| status.code());
            Err(Fatal::new(exit_of(code), errors.excerpt("the supervisor ended before it was ready")))
        }
        Ready::Late => {
            let why = format!(
                "process {} is not ready after {} s; it goes on trying",
                child.id(),
                PATIENCE.as_secs()
            );
            Err(Fatal::new(Exit::Temporary, errors.excerpt(&why)))
        }
    }
}

fn launch(instance: &Instance, errors: &Errors) -> Result<Child, Fatal> {
    let doing = || Fatal::doing(Exit::System, "cannot start the supervisor");
    let mut command = Command::new(std::env::current_exe().map_err(doing())?);
    if let Some(root) = &instance.root {
        command.arg("--root").arg(root);
    }
    command.args(["start", "--foreground", "--detached"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(errors.file.try_clone().map_err(doing())?);
    command.spawn().map_err(doing())
}

/// Where the error output of the background goes: whoever started it may close theirs.
struct Errors {
    path: PathBuf,
    file: File,
    begin: u64,
}

impl Errors {
    fn open(run: &Path) -> Result<Self, Fatal> {
        let path = run.join("stderr");
        let doing = || Fatal::doing(Exit::Io, path.display().to_string());
        std::fs::create_dir_all(run).map_err(Fatal::doing(Exit::Io, run.display().to_string()))?;
        let file = File::options().create(true).append(true).open(&path).map_err(doing())?;
        let begin = file.metadata().map_err(doing())?.len();
        Ok(Self { path, file, begin })
    }

    /// The last lines that were written since, then `why`. Where the program repeated its own name, that is taken off.
    fn excerpt(&self, why: &str) -> String {
        let octets = self.tail().unwrap_or_default();
        let text = String::from_utf8_lossy(&octets);
        let said = text.lines().map(|line| line.strip_prefix("grange: ").unwrap_or(line));
        let mut lines: Vec<&str> = said.rev().take(LINES).collect();
        lines.reverse();
        lines.push(why);
        lines.join("\n")
    }

    fn tail(&self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(self.begin.max(end.saturating_sub(EXCERPT))))?;
        let mut octets = Vec::new();
        file.take(EXCERPT).read_to_end(&mut octets)?;
        Ok(octets)
    }
}

/// The exit code that the supervisor gave, if it is one of ours.
fn exit_of(code: Option<i32>) -> Exit {
    code.and_then(|code| u8::try_from(code).ok()).and_then(Exit::of).unwrap_or(Exit::Software)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn only_what_this_start_wrote_is_repeated() {
        let scratch = tempfile::tempdir().unwrap();
        let run = scratch.path().join("run");
        std::fs::create_dir(&run).unwrap();
        std::fs::write(run.join("stderr"), "grange: old\n").unwrap();
        let errors = Errors::open(&run).unwrap();
        (&errors.file).write_all(b"grange: cannot listen\n").unwrap();
        assert_eq!(errors.excerpt("it ended"), "cannot listen\nit ended");
        (&errors.file).write_all("x\n".repeat(3000).as_bytes()).unwrap();
        assert_eq!(errors.excerpt("it ended"), "x\n".repeat(LINES) + "it ended");
    }

    #[test]
    fn the_code_of_the_supervisor_is_passed_on() {
        assert_eq!(exit_of(Some(78)), Exit::Config);
        assert_eq!(exit_of(None), Exit::Software);
        assert_eq!(exit_of(Some(1)), Exit::Software);
    }
}
