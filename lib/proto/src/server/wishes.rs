//! What the parameters of MAIL ask for: whether it is offered to this client now, and what becomes of it.
//!
//! Times turn into points of time here, and a word that only a trusted client may give is replaced by the default.
//!
//! Sources: RFC 1870 section 6.1, RFC 2852 section 4, RFC 4865 section 4, RFC 4954 section 5, RFC 6531 section 3.4, RFC
//! 6710 section 5, RFC 8689 section 4.

use super::states::Scene;
use super::{Client, replies};
use crate::address::ReversePath;
use crate::command::{By, Hold, MailParameters};
use crate::extension::FutureRelease;
use crate::reply::Reply;
use crate::terms::{ByMode, DeliverBy, Terms};

/// Whether this client may send from this address, and so much.
pub(super) fn check_sender(
    from: &ReversePath,
    parameters: &MailParameters,
    scene: &Scene<'_>,
) -> Result<(), Reply> {
    let standing = &scene.guest.standing;
    if standing.require_auth && !scene.guest.is_trusted() {
        return Err(replies::authentication_required());
    }
    if !parameters.utf8 && from.mailbox().is_some_and(crate::address::Mailbox::is_utf8) {
        return Err(replies::undeclared());
    }
    let limit = scene.config.limits().message_size;
    match parameters.size {
        Some(size) if size > limit => Err(replies::too_large(size, limit)),
        Some(size) if size > scene.room => Err(replies::no_room(size, scene.room)),
        _ => Ok(()),
    }
}

/// The terms of the message.
pub(super) fn terms_of(
    parameters: MailParameters,
    client: &Client,
    scene: &Scene<'_>,
) -> Result<Terms, Reply> {
    let extensions = scene.guest.extensions(scene.config, scene.now);
    let offered = |keyword: &str| match keyword {
        "REQUIRETLS" => extensions.require_tls,
        "HOLDFOR" | "HOLDUNTIL" => extensions.future_release.is_some(),
        _ => true,
    };
    let unknown = parameters.keywords().find(|keyword| !client.extended || !offered(keyword));
    if let Some(keyword) = unknown {
        return Err(replies::not_offered(keyword));
    }
    let utc = scene.guest.utc(scene.now);
    let hold = parameters.hold.zip(extensions.future_release);
    let trusted = scene.guest.is_trusted();
    let author = |auth: String| if trusted { auth } else { "<>".to_owned() };
    Ok(Terms {
        body: parameters.body,
        utf8: parameters.utf8,
        require_tls: parameters.require_tls,
        ret: parameters.ret,
        envid: parameters.envid,
        priority: parameters.priority.filter(|_| trusted),
        deliver_by: parameters.by.map(|by| deliver_by(by, extensions.deliver_by, utc)).transpose()?,
        hold_until: hold.map(|(hold, limits)| hold_until(hold, limits, utc)).transpose()?,
        auth: parameters.auth.map(author),
    })
}

/// A time that has passed already, or is shorter than what we promise to watch, is refused together with return only.
fn deliver_by(by: By, shortest: u64, utc: u64) -> Result<DeliverBy, Reply> {
    let shortest = i64::try_from(shortest).unwrap_or(i64::MAX);
    if by.mode == ByMode::Return && by.seconds <= 0 {
        return Err(replies::past());
    }
    if by.mode == ByMode::Return && by.seconds < shortest {
        return Err(replies::too_soon(by.seconds, shortest));
    }
    let until = utc.saturating_add_signed(by.seconds.saturating_mul(1000));
    Ok(DeliverBy { until, mode: by.mode, trace: by.trace })
}

fn hold_until(hold: Hold, limits: FutureRelease, utc: u64) -> Result<u64, Reply> {
    let (until, seconds) = match hold {
        Hold::For(seconds) => (utc.saturating_add(seconds.saturating_mul(1000)), seconds),
        Hold::Until(until) => (until, until.saturating_sub(utc) / 1000),
    };
    if until > limits.until { Err(replies::too_late(seconds, limits.interval)) } else { Ok(until) }
}
