//! The command `grange`: from its arguments to the verb that serves them.

use super::arguments::{Arguments, Queue, Spool, Verb};
use super::instance::Instance;
use super::{
    check, config, fault, password, profile, queue, reload, route, session, spool, start, status, stop,
};
use clap::Parser;
use clap::error::ErrorKind;
use farm::exit::{Exit, Fatal, run};
use std::process::ExitCode;

/// Runs `grange` with the arguments of this process.
pub fn grange() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => run("grange", || serve(arguments)),
        Err(error) => {
            // Nothing can be done about an output that is closed.
            let _closed = error.print();
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(Exit::Usage.code()),
            }
        }
    }
}

fn serve(arguments: Arguments) -> Result<(), Fatal> {
    let json = arguments.json;
    let instance = Instance::find(arguments.root)?;
    match arguments.verb {
        Verb::Start(options) => start::start(&instance, &options),
        Verb::Stop => stop::stop(&instance, json),
        Verb::Status => status::status(&instance, json),
        Verb::Reload => reload::reload(&instance, json),
        Verb::Check => check::check(&instance, json),
        Verb::Config(verb) => config::config(&instance, &verb, json),
        Verb::Queue(verb) => serve_queue(&instance, verb, json),
        Verb::Route { address } => route::route(&instance, address, json),
        Verb::Session(options) => session::session(&instance, &options, json),
        Verb::Password(options) => password::password(&options, json),
        Verb::Spool(Spool::Check { directory }) => {
            spool::check(&directory.unwrap_or_else(|| instance.spool()), json)
        }
        Verb::Profile(verb) => profile::profile(&instance, verb, json),
        Verb::Fault { point, times } => fault::fault(&instance, point, times),
    }
}

fn serve_queue(instance: &Instance, verb: Queue, json: bool) -> Result<(), Fatal> {
    use queue::Change;
    match verb {
        Queue::List(options) => queue::list(instance, options, json),
        Queue::Show { id } => queue::show(instance, id, json),
        Queue::Cat { id } => queue::cat(instance, id),
        Queue::Retry(which) => queue::change(instance, Change::Retry, which, json),
        Queue::Hold(which) => queue::change(instance, Change::Hold, which, json),
        Queue::Release(which) => queue::change(instance, Change::Release, which, json),
        Queue::Remove { which, yes } => {
            if which.all && !yes {
                let why = "this discards every message in the queue for good; say --yes if that is meant";
                return Err(Fatal::new(Exit::Usage, why));
            }
            queue::change(instance, Change::Remove, which, json)
        }
    }
}
