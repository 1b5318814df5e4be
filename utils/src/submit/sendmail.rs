//! The program `sendmail`, step by step.

use super::dialogue::submit;
use super::heading::{Heading, Missing};
use super::intake;
use super::options::{Mode, Options, parse};
use super::outcome::judge;
use super::recipients::{RecipientError, recipients, sender};
use super::relay::relay;
use crate::cli::instance::{Instance, system_hostname};
use crate::cli::mailq::print_queue;
use crate::cli::newaliases::check_and_reload;
use crate::cli::print;
use farm::clock::utc_milliseconds;
use farm::exit::{Exit, Fatal, run};
use proto::address::ReversePath;
use proto::client::Transaction;
use proto::message::{date, shape_of};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

/// Runs `sendmail` with the arguments of this process.
pub fn sendmail() -> ExitCode {
    run("sendmail", || {
        let arguments: Result<Vec<String>, _> =
            std::env::args_os().skip(1).map(std::ffi::OsString::into_string).collect();
        let not_text = |argument| Fatal::new(Exit::Usage, format!("{argument:?} is not UTF-8"));
        let arguments = arguments.map_err(not_text)?;
        let options = parse(&arguments).map_err(|error| Fatal::new(Exit::Usage, error.to_string()))?;
        let instance = Instance::find(None)?;
        match options.mode {
            Mode::Deliver => deliver(&options, &instance),
            Mode::Smtp => {
                let stream = connect(&instance.submit(), "")?;
                relay(&stream, io::stdin(), &mut io::stdout().lock())
                    .map_err(Fatal::doing(Exit::Temporary, "the session broke off"))
            }
            Mode::List => print_queue(&instance, false),
            Mode::Aliases => check_and_reload(&instance),
        }
    })
}

fn deliver(options: &Options, instance: &Instance) -> Result<(), Fatal> {
    if options.recipients.is_empty() && !options.from_header {
        return Err(Fatal::new(
            Exit::Usage,
            "no recipients; name them, or say -t to take them from the header",
        ));
    }
    let hostname = instance.read().map_or_else(|_| system_hostname(), |config| config.common.hostname);
    let user = user()?;
    let wrong = |error: RecipientError| Fatal::new(Exit::Data, error.to_string());
    let from = sender(options.sender.as_deref(), &user, &hostname).map_err(wrong)?;
    let raw = intake::read(&mut io::stdin().lock(), options.ignore_dots)
        .map_err(Fatal::doing(Exit::Io, "cannot read the message"))?;
    let heading = Heading::split(&raw);
    let to = recipients(&options.recipients, &heading, options.from_header, &hostname).map_err(wrong)?;
    if to.is_empty() {
        return Err(Fatal::new(Exit::Data, "the header names no recipients in To, Cc or Bcc"));
    }
    let content = heading.completed(&missing(options, &from, &hostname));
    let transaction = Transaction::plain(from, to, shape_of(&content));
    send(instance, &hostname, transaction, &content, options.verbose)
}

/// The user whose rights this process has.
fn user() -> Result<String, Fatal> {
    match sys::user::own_account() {
        Ok(Some(account)) => Ok(account.name),
        Ok(None) => Err(Fatal::new(Exit::NoUser, "your user id has no name on this host")),
        Err(error) => Err(Fatal::new(Exit::Temporary, format!("cannot look up your user name: {error}"))),
    }
}

fn missing<'a>(options: &'a Options, from: &ReversePath, hostname: &str) -> Missing<'a> {
    let now = utc_milliseconds();
    Missing {
        from: match from {
            ReversePath::Mailbox(mailbox) => mailbox.to_string(),
            ReversePath::Null => format!("MAILER-DAEMON@{hostname}"),
        },
        full_name: options.full_name.as_deref(),
        date: date(now),
        message_id: format!("<{now}.{}@{hostname}>", std::process::id()),
    }
}

fn send(
    instance: &Instance,
    hostname: &str,
    transaction: Transaction,
    content: &[u8],
    verbose: bool,
) -> Result<(), Fatal> {
    let stream = connect(&instance.submit(), "; the message was not accepted")?;
    let recipients = transaction.recipients.clone();
    let dispositions = submit(stream, hostname, transaction, content)
        .map_err(Fatal::doing(Exit::Temporary, "cannot speak to grange"))?;
    if verbose {
        for (mailbox, disposition) in recipients.iter().zip(&dispositions) {
            print::line(format_args!("<{mailbox}>: {}", disposition.reply))?;
        }
    }
    judge(&recipients, &dispositions)
}

fn connect(path: &Path, consequence: &str) -> Result<UnixStream, Fatal> {
    UnixStream::connect(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            Fatal::new(Exit::Temporary, format!("grange is not running ({}){consequence}", path.display()))
        }
        _ => Fatal::new(Exit::Temporary, format!("{}: {error}{consequence}", path.display())),
    })
}
