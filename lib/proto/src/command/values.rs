//! The values of parameters, each read by a function of its own: `None` if it cannot have that value.

use super::parameters::{By, Hold};
use crate::address::{Mailbox, utf8_xtext};
use crate::terms::{BodyKind, ByMode, Notify, Ret};
use crate::xtext;

/// Source: RFC 1870 section 4, `size-value = 1*20DIGIT`.
pub(super) fn size(value: &str) -> Option<u64> {
    let good = is_number(value, 20);
    good.then(|| value.parse().unwrap_or(u64::MAX))
}

/// Source: RFC 6152 section 2, RFC 3030 section 3.
pub(super) fn body(value: &str) -> Option<BodyKind> {
    let kinds = [BodyKind::SevenBit, BodyKind::EightBitMime, BodyKind::BinaryMime];
    kinds.into_iter().find(|kind| value.eq_ignore_ascii_case(kind.word()))
}

/// Source: RFC 3461 section 4.3.
pub(super) fn ret(value: &str) -> Option<Ret> {
    value.parse().ok()
}

/// Source: RFC 3461 section 4.4: xtext of printable ASCII, at most 100 characters.
pub(super) fn envid(value: &str) -> Option<String> {
    let plain = xtext::decode_text(value)?;
    (!plain.is_empty() && plain.is_ascii() && value.len() <= MAX_ENVID).then(|| value.to_owned())
}

/// Source: RFC 4954 sections 5 and 8: xtext of a mailbox, or `<>`.
pub(super) fn auth(value: &str) -> Option<String> {
    let plain = xtext::decode_text(value)?;
    let good = plain == "<>" || plain.parse::<Mailbox>().is_ok();
    (good && value.len() <= MAX_AUTH).then(|| value.to_owned())
}

/// Source: RFC 2852 section 4. The mode `R` needs a time that is still to come.
pub(super) fn by(value: &str) -> Option<By> {
    let (time, mode) = value.split_once(';')?;
    let (sign, digits) = match time.split_at_checked(1) {
        Some(("-", digits)) => (-1, digits),
        Some(("+", digits)) => (1, digits),
        _ => (1, time),
    };
    let seconds = if is_number(digits, 9) { sign * digits.parse::<i64>().ok()? } else { return None };
    let (mode, trace) = match mode.to_ascii_uppercase().as_str() {
        "R" => (ByMode::Return, false),
        "RT" => (ByMode::Return, true),
        "N" => (ByMode::Notify, false),
        "NT" => (ByMode::Notify, true),
        _ => return None,
    };
    (mode == ByMode::Notify || seconds > 0).then_some(By { seconds, mode, trace })
}

/// Source: RFC 4865 section 4.
pub(super) fn hold_for(value: &str) -> Option<Hold> {
    if is_number(value, 9) { value.parse().ok().map(Hold::For) } else { None }
}

/// Source: RFC 4865 section 4, RFC 3339 section 5.6: `2026-11-22T10:00:00Z`, with any offset.
pub(super) fn hold_until(value: &str) -> Option<Hold> {
    let octets = value.as_bytes();
    let digits = |at: usize, count: usize| {
        octets.get(at..at + count).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let date = [(0, 4), (5, 2), (8, 2), (11, 2), (14, 2), (17, 2)];
    let stands =
        punctuation.iter().all(|(at, c)| octets.get(*at).is_some_and(|octet| octet.eq_ignore_ascii_case(c)));
    if !stands || !date.iter().all(|(at, count)| digits(*at, *count)) || value.contains(['[', ' ']) {
        return None;
    }
    let time: jiff::Timestamp = value.parse().ok()?;
    u64::try_from(time.as_millisecond()).ok().map(Hold::Until)
}

/// Source: RFC 6710 section 6, `priority-value = (["-"] NZDIGIT) / "0"`.
pub(super) fn priority(value: &str) -> Option<i8> {
    match value.strip_prefix('-').unwrap_or(value).as_bytes() {
        [b'1'..=b'9'] => value.parse().ok(),
        b"0" if value == "0" => Some(0),
        _ => None,
    }
}

/// Source: RFC 3461 section 4.1.
pub(super) fn notify(value: &str) -> Option<Notify> {
    value.parse().ok()
}

/// `addr-type;address`, at most 500 characters. The address of the type utf-8 may come in UTF-8 and is turned into ASCII,
/// so that it can go anywhere.
///
/// Sources: RFC 3461 section 4.2, RFC 6533 section 3.
pub(super) fn orcpt(value: &str) -> Option<String> {
    let (kind, address) = value.split_once(';')?;
    let stands = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
    if kind.is_empty() || !kind.bytes().all(stands) || address.is_empty() {
        return None;
    }
    let orcpt = if kind.eq_ignore_ascii_case("utf-8") {
        format!("{kind};{}", utf8_xtext::encode(&utf8_xtext::decode(address)?))
    } else {
        xtext::decode_text(address).filter(|plain| plain.is_ascii())?;
        value.to_owned()
    };
    (value.len() <= MAX_ORCPT && orcpt.len() <= MAX_ORCPT).then_some(orcpt)
}

fn is_number(value: &str, most: usize) -> bool {
    (1..=most).contains(&value.len()) && value.bytes().all(|c| c.is_ascii_digit())
}

/// RFC 3461 section 4.4.
const MAX_ENVID: usize = 100;

/// RFC 4954 section 3: by so much the parameter lengthens the command.
const MAX_AUTH: usize = 500;

/// RFC 3461 section 4.2.
const MAX_ORCPT: usize = 500;
