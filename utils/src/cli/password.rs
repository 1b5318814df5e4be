//! `grange password`: the lines of a user's password for the users file.
//!
//! Nothing is written anywhere but to standard output: where the lines go is the administrator's decision.

use super::print;
use clap::Args;
use farm::exit::{Exit, Fatal};
use farm::tables::Users;
use secrets::make::lines;
use secrets::opaque::prepare;
use serde_json::json;
use std::io::{self, BufRead};
use std::path::Path;

/// `grange password`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The name of the account
    user: String,
    /// Read the password from the first line of standard input, once
    #[arg(long)]
    stdin: bool,
}

/// Asks for a password twice and prints its lines.
///
/// # Errors
/// The name or the password are none (65), the two differ (65), there is no terminal (69).
pub(crate) fn password(options: &Options, json: bool) -> Result<(), Fatal> {
    let Options { user, stdin } = options;
    check_name(user)?;
    let password = if *stdin { from_stdin()? } else { from_terminal(user)? };
    let password = prepare(password.as_bytes()).map_err(|why| bad(format!("the password {why}")))?;
    let lines = lines(user, &password).map_err(Fatal::doing(Exit::System, "password"))?;
    if json {
        return print::line(json!({ "user": user, "lines": lines }));
    }
    lines.iter().try_for_each(print::line)
}

/// The name must be one in the file, too.
fn check_name(user: &str) -> Result<(), Fatal> {
    let line = format!("{user}:*");
    let (users, problems) = Users::parse(line.as_bytes(), Path::new("users"));
    let found = users.get(user).is_some_and(|found| found.name == user);
    if problems.is_empty() && found { Ok(()) } else { Err(bad(format!("\"{user}\" is no user's name"))) }
}

fn from_terminal(user: &str) -> Result<String, Fatal> {
    let ask = |prompt: String| {
        sys::terminal::ask_secret(&prompt).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => Fatal::new(Exit::Temporary, "given up; nothing was made"),
            _ => Fatal::new(
                Exit::Unavailable,
                format!("no terminal to ask at: {error}; give the password with --stdin"),
            ),
        })
    };
    let first = ask(format!("Password of {user}: "))?;
    if ask("Again: ".to_owned())? == first { Ok(first) } else { Err(bad("the two passwords differ")) }
}

fn from_stdin() -> Result<String, Fatal> {
    let mut line = Vec::new();
    io::stdin().lock().read_until(b'\n', &mut line).map_err(Fatal::doing(Exit::Io, "standard input"))?;
    let text = String::from_utf8(line).map_err(|_| bad("the password is not UTF-8"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn bad(why: impl Into<String>) -> Fatal {
    Fatal::new(Exit::Data, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_be_one_in_the_file() {
        for name in ["ann", "ann@example.org", "Änn"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "a b", "a:b", "#ann", "a\nb", " ann"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
