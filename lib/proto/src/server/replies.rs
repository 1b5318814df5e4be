//! The fixed replies of a session. Each refusal carries its [`Cause`] for the journal.
//!
//! Sources: RFC 5321 section 4.2.3 (codes), RFC 3463 section 3 (statuses), RFC 4954 section 6 (codes of AUTH), RFC 5248
//! (registered statuses).

use super::states::Scene;
use super::{Client, Config, Service};
use crate::command::CommandError;
use crate::framing::{LineError, Spoil};
use crate::reply::{Cause, Reply};
use crate::status::Status;

pub(super) fn greeting(config: &Config, service: Service) -> Reply {
    let protocol = if service == Service::Lmtp { "LMTP" } else { "ESMTP" };
    Reply::plain(220, format!("{} {protocol} Grange", config.hostname()))
}

pub(super) fn hello(scene: &Scene<'_>, client: &Client) -> Reply {
    let mut reply = Reply::plain(250, format!("{} greets {}", scene.config.hostname(), client.name));
    if client.extended {
        reply.lines.extend(scene.guest.extensions(scene.config, scene.now).lines());
    }
    reply
}

pub(super) fn ok() -> Reply {
    Reply::new(250, Status::OK, "ok")
}

pub(super) fn bye(config: &Config) -> Reply {
    Reply::new(221, Status::OK, format!("{} says good-bye", config.hostname()))
}

pub(super) fn not_verified() -> Reply {
    Reply::new(252, Status::success(1, 5), "not verified; send RCPT to find out")
}

/// What VRFY or EXPN has found: a line for each. No reply holds UTF-8: where one would have to, it is 252.
///
/// Source: RFC 6531 section 3.7.4.2.
pub(super) fn found(lines: Vec<String>) -> Reply {
    if lines.is_empty() {
        return not_verified();
    }
    if !lines.iter().all(|line| line.is_ascii()) {
        let text = "a name beyond ASCII is not shown; send RCPT to find out";
        return Reply::new(252, Status::success(6, 8), text);
    }
    Reply { lines, ..Reply::new(250, Status::success(1, 5), "") }
}

pub(super) fn chunk(size: u64) -> Reply {
    Reply::new(250, Status::OK, format!("{size} octets taken"))
}

pub(super) fn go_ahead() -> Reply {
    Reply::plain(354, "send the message, end with a dot on a line of its own")
}

pub(super) fn go_secure() -> Reply {
    Reply::new(220, Status::OK, "begin the handshake")
}

pub(super) fn authenticated() -> Reply {
    Reply::new(235, Status::success(7, 0), "authenticated")
}

pub(super) fn challenge(text: String) -> Reply {
    Reply::plain(334, text)
}

pub(super) fn unknown() -> Reply {
    syntax(500, 1, "unknown command")
}

pub(super) fn unimplemented() -> Reply {
    syntax(502, 1, "command not implemented")
}

pub(super) fn other_greeting(lmtp: bool) -> Reply {
    syntax(500, 1, if lmtp { "this is LMTP; send LHLO" } else { "this is SMTP; send EHLO" })
}

pub(super) fn out_of_order(cure: &'static str) -> Reply {
    permanent(503, 5, 1, cure).because(Cause::of("command-order"))
}

/// Of a chunk without a size nobody can tell where the commands go on: its content must not pass for them.
pub(super) fn endless_chunk(error: &CommandError) -> Reply {
    let text = format!("{error}; nobody can tell where this chunk ends; closing");
    transient(421, 5, 4, text).because(Cause::met("syntax", error.to_string()))
}

pub(super) fn broken_chunks() -> Reply {
    out_of_order("a chunk of this message was refused; send RSET")
}

pub(super) fn no_recipients(code: u16) -> Reply {
    permanent(code, 5, 1, "no valid recipients").because(Cause::of("no-recipients"))
}

pub(super) fn starttls_first() -> Reply {
    permanent(530, 7, 0, "send STARTTLS first").because(Cause::of("tls-required"))
}

pub(super) fn authentication_required() -> Reply {
    permanent(530, 7, 0, "authentication required").because(Cause::of("auth-required"))
}

pub(super) fn encryption_required() -> Reply {
    permanent(538, 7, 11, "send STARTTLS before AUTH").because(Cause::of("auth-in-clear"))
}

pub(super) fn unknown_mechanism(mechanism: &str) -> Reply {
    permanent(504, 5, 4, "this mechanism is not offered").because(Cause::met("auth-mechanism", mechanism))
}

pub(super) fn auth_cancelled() -> Reply {
    permanent(501, 7, 0, "authentication cancelled").because(Cause::of("auth-cancelled"))
}

pub(super) fn bad_base64() -> Reply {
    syntax(501, 2, "the response is not base64")
}

pub(super) fn auth_line_too_long(limit: usize) -> Reply {
    permanent(500, 5, 6, "the line is too long; the exchange is over").because(Cause::beyond(
        "auth-line",
        "longer",
        limit,
    ))
}

pub(super) fn auth_unavailable() -> Reply {
    transient(454, 7, 0, "authentication is not possible now; try again later")
        .because(Cause::of("auth-unavailable"))
}

pub(super) fn auth_failures(count: u32, limit: u32) -> Reply {
    transient(421, 7, 0, "too many failures of authentication").because(Cause::beyond(
        "auth-failures",
        count,
        limit,
    ))
}

pub(super) fn no_queue() -> Reply {
    transient(458, 3, 0, "cannot start the queue now").because(Cause::of("etrn"))
}

pub(super) fn too_many_recipients(count: usize, limit: usize) -> Reply {
    let text = format!("at most {limit} recipients; send the rest in another message");
    transient(452, 5, 3, text).because(Cause::beyond("recipients", count, limit))
}

pub(super) fn too_large(size: u64, limit: u64) -> Reply {
    let text = format!("at most {limit} octets are taken");
    permanent(552, 3, 4, text).because(Cause::beyond("message-size", size, limit))
}

pub(super) fn no_room(size: u64, room: u64) -> Reply {
    transient(452, 3, 1, "no space for that; try again later").because(Cause::beyond("space", size, room))
}

/// Source: RFC 6531 section 3.5.
pub(super) fn undeclared() -> Reply {
    CommandError::Undeclared.reply().because(Cause::of("smtputf8"))
}

/// A parameter of an extension that is not offered to this client now.
pub(super) fn not_offered(keyword: &str) -> Reply {
    let error = CommandError::UnknownParameter { keyword: keyword.to_owned() };
    error.reply().because(Cause::met("not-offered", keyword))
}

/// Source: RFC 2852 section 4.
pub(super) fn past() -> Reply {
    CommandError::Value { keyword: "BY" }.reply().because(Cause::of("deliver-by"))
}

/// Source: RFC 2852 section 4.
pub(super) fn too_soon(seconds: i64, shortest: i64) -> Reply {
    let text = format!("BY takes {shortest} seconds and more");
    permanent(501, 5, 4, text).because(Cause::beyond("deliver-by", seconds, shortest))
}

/// Source: RFC 4865 section 4.2.
pub(super) fn too_late(seconds: u64, longest: u64) -> Reply {
    let text = format!("messages are held for {longest} seconds at most");
    permanent(501, 5, 4, text).because(Cause::beyond("hold", seconds, longest))
}

pub(super) fn spoilt(spoil: Spoil) -> Reply {
    use crate::framing::SpoilKind::{BareCr, BareLf, Nul};
    let cause = Cause::met("smuggling", spoil.to_string());
    match spoil.kind {
        BareCr | BareLf => permanent(550, 5, 2, format!("{spoil}; lines end with CRLF")).because(cause),
        Nul => permanent(550, 6, 0, spoil.to_string()).because(Cause { rule: "nul".into(), ..cause }),
    }
}

pub(super) fn bad_line(error: LineError) -> Reply {
    let cause = match error {
        LineError::TooLong { limit } => Cause::beyond("command-line", "longer", limit),
        LineError::BareCr | LineError::BareLf => Cause::met("smuggling", "line end in a command"),
        LineError::Handshake => Cause::of("not-smtp"),
    };
    permanent(500, 5, 2, error.to_string()).because(cause)
}

pub(super) fn no_verdict() -> Reply {
    transient(451, 3, 0, "cannot tell now; try again later").because(Cause::of("no-answer"))
}

pub(super) fn bad_commands(count: u32, limit: u32) -> Reply {
    transient(421, 7, 0, "too many bad commands").because(Cause::beyond("command-errors", count, limit))
}

pub(super) fn idling(count: u32, limit: u32) -> Reply {
    transient(421, 7, 0, "too many commands without a message").because(Cause::beyond(
        "idle-commands",
        count,
        limit,
    ))
}

pub(super) fn refusals(count: u32, limit: u32) -> Reply {
    transient(421, 7, 0, "too much was refused; closing").because(Cause::beyond("refusals", count, limit))
}

pub(super) fn foreign() -> Reply {
    transient(421, 7, 0, "this is a mail server").because(Cause::of("not-smtp"))
}

pub(super) fn unasked_tls() -> Reply {
    foreign().because(Cause::met("not-smtp", "TLS"))
}

pub(super) fn flood(limit: u64) -> Reply {
    transient(421, 3, 4, "the message is far too large; closing").because(Cause::beyond(
        "message-size",
        "more",
        limit,
    ))
}

pub(super) fn timeout() -> Reply {
    transient(421, 4, 2, "timeout; closing").because(Cause::of("timeout"))
}

pub(super) fn too_old(limit: u64) -> Reply {
    let cause = Cause::beyond("session-age", "more", format!("{}s", limit / 1000));
    transient(421, 4, 2, "this session has lasted long enough; connect again").because(cause)
}

pub(super) fn draining(config: &Config) -> Reply {
    transient(421, 3, 2, format!("{} is closing down; try again", config.hostname()))
        .because(Cause::of("drain"))
}

/// `reply` if it refuses something at all, whether now or for ever.
pub(super) fn failure(reply: Reply) -> Reply {
    if matches!(reply.class(), 4 | 5) { reply } else { no_verdict() }
}

/// `reply` if it has the class that its place demands: a success must not slip in where a failure was meant.
pub(super) fn of_class(class: u16, reply: Reply) -> Reply {
    if reply.class() == class { reply } else { no_verdict() }
}

fn syntax(code: u16, detail: u16, text: &str) -> Reply {
    permanent(code, 5, detail, text).because(Cause::of("syntax"))
}

fn permanent(code: u16, subject: u16, detail: u16, text: impl Into<String>) -> Reply {
    Reply::new(code, Status::permanent(subject, detail), text)
}

fn transient(code: u16, subject: u16, detail: u16, text: impl Into<String>) -> Reply {
    Reply::new(code, Status::transient(subject, detail), text)
}
