//! The fixed replies of a session.
//!
//! Sources: RFC 5321 section 4.2.3 (codes), RFC 3463 section 3 (statuses).

use super::{Client, Config};
use crate::framing::{LineError, Spoil};
use crate::reply::Reply;
use crate::status::Status;

pub(super) fn greeting(config: &Config) -> Reply {
    Reply::plain(220, format!("{} ESMTP Grange", config.hostname()))
}

pub(super) fn hello(config: &Config, client: &Client) -> Reply {
    let mut reply = Reply::plain(250, format!("{} greets {}", config.hostname(), client.name));
    if client.extended {
        reply.lines.extend(config.extensions().lines());
    }
    reply
}

pub(super) fn ok() -> Reply {
    Reply::new(250, Status::OK, "ok")
}

pub(super) fn bye(config: &Config) -> Reply {
    Reply::new(221, Status::OK, format!("{} says good-bye", config.hostname()))
}

pub(super) fn help() -> Reply {
    Reply::new(214, Status::OK, "commands: EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT")
}

pub(super) fn not_verified() -> Reply {
    Reply::new(252, Status::success(1, 5), "not verified; send RCPT to find out")
}

pub(super) fn unknown() -> Reply {
    Reply::new(500, Status::permanent(5, 1), "unknown command")
}

pub(super) fn unimplemented() -> Reply {
    Reply::new(502, Status::permanent(5, 1), "command not implemented")
}

pub(super) fn out_of_order(cure: &'static str) -> Reply {
    Reply::new(503, Status::permanent(5, 1), cure)
}

pub(super) fn no_recipients() -> Reply {
    Reply::new(554, Status::permanent(5, 1), "no valid recipients")
}

pub(super) fn too_many_recipients(limit: usize) -> Reply {
    Reply::new(
        452,
        Status::transient(5, 3),
        format!("at most {limit} recipients; send the rest in another message"),
    )
}

pub(super) fn too_large(limit: u64) -> Reply {
    Reply::new(552, Status::permanent(3, 4), format!("at most {limit} octets are taken"))
}

pub(super) fn spoilt(spoil: Spoil) -> Reply {
    use crate::framing::SpoilKind::{BareCr, BareLf, Nul};
    match spoil.kind {
        BareCr | BareLf => Reply::new(550, Status::permanent(5, 2), format!("{spoil}; lines end with CRLF")),
        Nul => Reply::new(550, Status::permanent(6, 0), spoil.to_string()),
    }
}

pub(super) fn bad_line(error: LineError) -> Reply {
    Reply::new(500, Status::permanent(5, 2), error.to_string())
}

pub(super) fn go_ahead() -> Reply {
    Reply::plain(354, "send the message, end with a dot on a line of its own")
}

pub(super) fn no_verdict() -> Reply {
    Reply::new(451, Status::transient(3, 0), "cannot tell now; try again later")
}

pub(super) fn bad_commands() -> Reply {
    Reply::new(421, Status::transient(7, 0), "too many bad commands")
}

pub(super) fn foreign() -> Reply {
    Reply::new(421, Status::transient(7, 0), "this is a mail server")
}

pub(super) fn timeout() -> Reply {
    Reply::new(421, Status::transient(4, 2), "timeout; closing")
}

pub(super) fn draining(config: &Config) -> Reply {
    Reply::new(421, Status::transient(3, 2), format!("{} is closing down; try again", config.hostname()))
}

/// `reply` if it refuses something at all, whether now or for ever.
pub(super) fn failure(reply: Reply) -> Reply {
    if matches!(reply.class(), 4 | 5) { reply } else { no_verdict() }
}

/// `reply` if it has the class that its place demands: a success must not slip in where a failure was meant.
pub(super) fn of_class(class: u16, reply: Reply) -> Reply {
    if reply.class() == class { reply } else { no_verdict() }
}
