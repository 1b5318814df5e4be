//! How the hosts of the simulated world behave.

use super::random::Random;
use proto::disposition::{Disposition, Outcome};
use proto::status::Status;

pub(super) const SECOND: u64 = 1_000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

/// How a host behaves; its name says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Good,
    Slow,
    Grey,
    Flaky,
    Strict,
    Nights,
    Dead,
}

const KINDS: [Kind; 7] =
    [Kind::Good, Kind::Slow, Kind::Grey, Kind::Flaky, Kind::Strict, Kind::Nights, Kind::Dead];

/// A host, half of the time a good one.
pub(super) fn any_host(random: &mut Random) -> String {
    let number = random.below(9);
    let kind = if random.once_in(2) { 0 } else { random.below(7) };
    let kind = KINDS.into_iter().nth(usize::try_from(kind).unwrap_or(0)).unwrap_or(Kind::Good);
    format!("{kind:?}{number}.example").to_lowercase()
}

pub(super) fn kind(host: &str) -> Kind {
    let named = |kind: &Kind| host.starts_with(&format!("{kind:?}").to_lowercase());
    KINDS.into_iter().find(named).unwrap_or(Kind::Good)
}

/// How long a host takes to answer, in milliseconds.
pub(super) fn latency(host: &str, random: &mut Random) -> u64 {
    match kind(host) {
        Kind::Slow => MINUTE + random.below(4 * MINUTE),
        Kind::Dead | Kind::Nights => 30 * SECOND,
        _ => 50 + random.below(2 * SECOND),
    }
}

/// What a host answers, at `time` milliseconds since the beginning, to a message of that age.
pub(super) fn answer(host: &str, time: u64, age: u64, random: &mut Random) -> Disposition {
    let asleep = time % DAY > 14 * HOUR;
    let outcome = match kind(host) {
        Kind::Grey if age < 10 * MINUTE => Outcome::Deferred,
        Kind::Flaky if random.once_in(4) => Outcome::HostDeferred,
        Kind::Strict if random.once_in(3) => Outcome::Failed,
        Kind::Nights if asleep => Outcome::HostDeferred,
        Kind::Dead => Outcome::HostDeferred,
        _ => Outcome::Delivered,
    };
    let status = match outcome {
        Outcome::Delivered => Status::OK,
        Outcome::Deferred => Status::transient(2, 0),
        Outcome::HostDeferred => Status::transient(4, 1),
        Outcome::Failed => Status::permanent(1, 1),
    };
    Disposition::local(outcome, status, format!("{outcome:?} by {host}"))
}
