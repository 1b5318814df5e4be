//! The control socket, seen from outside: one request, its lines, its end.

use super::instance::Instance;
use farm::exit::{Exit, Fatal};
use ipc::control::{End, Request};
use serde::de::DeserializeOwned;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the supervisor may be silent. It gives its children 10 s, and a stop 20 s.
const PATIENCE: Duration = Duration::from_secs(40);

/// An answer under way.
pub(crate) struct Answer {
    lines: BufReader<UnixStream>,
    path: PathBuf,
}

/// Asks the running Grange.
///
/// # Errors
/// It does not run (69), or the socket may not be used (77).
pub(crate) fn ask(instance: &Instance, request: &Request) -> Result<Answer, Fatal> {
    let path = instance.control();
    let mut stream = UnixStream::connect(&path).map_err(|error| unreachable(&path, &error))?;
    let failed = |error: io::Error| Fatal::new(Exit::Io, format!("{}: {error}", path.display()));
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    let mut line = serde_json::to_vec(request).map_err(|error| failed(error.into()))?;
    line.push(b'\n');
    stream.write_all(&line).map_err(failed)?;
    Ok(Answer { lines: BufReader::new(stream), path })
}

/// Asks, and collects every line of the answer.
///
/// # Errors
/// As [`ask`] and [`Answer::next`]; the answer's own errors when it says that it failed, see [`refusal`].
pub(crate) fn ask_all<T: DeserializeOwned>(
    instance: &Instance,
    request: &Request,
) -> Result<(Vec<T>, End), Fatal> {
    let mut answer = ask(instance, request)?;
    let mut items = Vec::new();
    loop {
        match answer.next()? {
            Line::Item(item) => items.push(item),
            Line::End(end) if end.ok => return Ok((items, end)),
            Line::End(end) => return Err(refusal(&end)),
        }
    }
}

/// What an end that is not good says, as a reason to stop; without an exit code that is known here, 69.
pub(crate) fn refusal(end: &End) -> Fatal {
    let why = if end.messages.is_empty() { "refused".to_owned() } else { end.messages.join("\n") };
    Fatal::new(Exit::of(end.code).unwrap_or(Exit::Unavailable), why)
}

/// One line of an answer.
pub(crate) enum Line<T> {
    /// Something that was asked for.
    Item(T),
    /// There is no more.
    End(End),
}

impl Answer {
    /// The next line.
    ///
    /// # Errors
    /// The connection ended too early or was silent too long (75), or the line is of another version (70).
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> Result<Line<T>, Fatal> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => Err(self.broken("Grange closed the connection before its answer was complete")),
            Ok(_) => understand(&line),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(self.broken("no answer in time")),
            Err(error) => Err(self.broken(&error.to_string())),
        }
    }

    fn broken(&self, why: &str) -> Fatal {
        Fatal::new(Exit::Temporary, format!("{why} ({})", self.path.display()))
    }
}

/// Only an end has the fields of an end.
fn understand<T: DeserializeOwned>(line: &str) -> Result<Line<T>, Fatal> {
    if let Ok(end) = serde_json::from_str(line) {
        return Ok(Line::End(end));
    }
    serde_json::from_str(line).map(Line::Item).map_err(|error| {
        let why = format!("the running Grange is of another version than this program: {error}");
        Fatal::new(Exit::Software, why)
    })
}

/// Somebody listens on the control socket.
pub(crate) fn is_running(instance: &Instance) -> bool {
    UnixStream::connect(instance.control()).is_ok()
}

fn unreachable(path: &Path, error: &io::Error) -> Fatal {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            Fatal::new(Exit::Unavailable, format!("grange is not running ({path})"))
        }
        io::ErrorKind::PermissionDenied => Fatal::new(
            Exit::Permission,
            format!("{path}: {error}; use root, or the user that Grange runs as"),
        ),
        _ => Fatal::new(Exit::Unavailable, format!("{path}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::control::Routed;

    #[test]
    fn an_end_is_told_from_an_item() {
        let end = understand::<Routed>("{\"ok\":true,\"count\":3,\"messages\":[]}\n").unwrap();
        assert!(matches!(end, Line::End(End { ok: true, count: 3, .. })));
        let item = understand::<Routed>(
            "{\"address\":\"a@b\",\"route\":null,\"user\":null,\"by\":\"x\",\"reply\":null}\n",
        );
        assert!(matches!(item.unwrap(), Line::Item(Routed { .. })));
    }

    #[test]
    fn a_refusal_has_the_exit_code_that_was_said() {
        let exit = |line: &str| match understand::<Routed>(line).unwrap() {
            Line::End(end) => refusal(&end).exit,
            Line::Item(_) => Exit::Software,
        };
        assert_eq!(exit("{\"ok\":false,\"count\":0,\"messages\":[\"no\"],\"code\":77}"), Exit::Permission);
        assert_eq!(exit("{\"ok\":false,\"count\":0,\"messages\":[]}"), Exit::Unavailable);
        assert_eq!(exit("{\"ok\":false,\"count\":0,\"messages\":[],\"code\":1}"), Exit::Unavailable);
    }

    #[test]
    fn a_line_of_another_version_is_an_error_and_no_panic() {
        assert_eq!(understand::<Routed>("{\"x\":1}").err().unwrap().exit, Exit::Software);
    }

    #[test]
    fn nobody_there_is_said_in_words() {
        let error = unreachable(Path::new("/run/grange/control"), &io::ErrorKind::NotFound.into());
        assert_eq!(
            (error.exit, error.to_string()),
            (Exit::Unavailable, "grange is not running (/run/grange/control)".to_owned(),)
        );
    }
}
