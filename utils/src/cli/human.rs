//! Times, sizes and counts for people, and times for programs.

pub(crate) use farm::words::{count, counted};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Octets as `512 B`, `14 KiB`, `1.4 MiB`: a decimal where there is one digit before it.
pub(crate) fn size(octets: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if octets < 1024 {
        return format!("{octets} B");
    }
    let mut unit = 1024;
    for (at, name) in UNITS.iter().enumerate() {
        let last = at + 1 == UNITS.len();
        // What would round to 1024 of this unit is 1.0 of the next.
        if last || octets / unit < 1023 {
            let tenths = (u128::from(octets) * 10 + u128::from(unit) / 2) / u128::from(unit);
            return if tenths < 100 {
                format!("{}.{} {name}", tenths / 10, tenths % 10)
            } else {
                format!("{} {name}", (tenths + 5) / 10)
            };
        }
        unit *= 1024;
    }
    format!("{octets} B")
}

/// Seconds as `3d 4h`, `2h`, `38m`, `5s`; days carry their hours.
pub(crate) fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m"),
        (0, ..) => format!("{hours}h"),
        _ if hours % 24 == 0 => format!("{days}d"),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// How long ago `then` was; both UTC milliseconds.
pub(crate) fn age(then: u64, now: u64) -> String {
    span(now.saturating_sub(then) / 1000)
}

/// `in 38m`, or `now` for what is due; both UTC milliseconds.
pub(crate) fn due(then: u64, now: u64) -> String {
    let seconds = then.saturating_sub(now).div_ceil(1000);
    if seconds == 0 { "now".into() } else { format!("in {}", span(seconds)) }
}

/// RFC 3339 in UTC with milliseconds, for programs.
pub(crate) fn rfc3339(milliseconds: u64) -> String {
    format!("{:.3}", instant(milliseconds))
}

/// `Sat Nov 22 04:52:11` in the zone of this host.
pub(crate) fn classic(milliseconds: u64, zone: TimeZone) -> String {
    instant(milliseconds).to_zoned(zone).strftime("%a %b %e %H:%M:%S").to_string()
}

/// A time that no calendar holds is shown as 1970.
fn instant(milliseconds: u64) -> Timestamp {
    let signed = i64::try_from(milliseconds).ok();
    signed.and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators() {
        let shown: Vec<_> = [0, 999, 1000, 18_204, 1_234_567].map(count).into();
        assert_eq!(shown, ["0", "999", "1,000", "18,204", "1,234,567"]);
        assert_eq!(
            (counted(1, "message"), counted(2310, "message")),
            ("1 message".into(), "2,310 messages".into())
        );
    }

    #[test]
    fn sizes_have_units() {
        let shown: Vec<_> =
            [0, 1023, 1024, 14_220, 340 << 20, 1_500_000, (1 << 20) - 1, u64::MAX].map(size).into();
        assert_eq!(
            shown,
            ["0 B", "1023 B", "1.0 KiB", "14 KiB", "340 MiB", "1.4 MiB", "1.0 MiB", "16384 PiB"]
        );
    }

    #[test]
    fn spans_keep_what_matters() {
        let shown: Vec<_> = [0, 59, 60, 3599, 3600, 86_399, 86_400, 3 * 86_400 + 4 * 3600].map(span).into();
        assert_eq!(shown, ["0s", "59s", "1m", "59m", "1h", "23h", "1d", "3d 4h"]);
    }

    #[test]
    fn times_are_relative() {
        assert_eq!(
            (due(1_001, 1_000), due(1_000, 1_000), due(0, 9)),
            ("in 1s".into(), "now".into(), "now".into())
        );
        assert_eq!(due(38 * 60_000, 0), "in 38m");
        assert_eq!((age(0, 7_300_000), age(5, 0)), ("2h".into(), "0s".into()));
    }

    #[test]
    fn programs_get_rfc_3339() {
        assert_eq!(rfc3339(1_764_000_000_123), "2025-11-24T16:00:00.123Z");
        assert_eq!(rfc3339(u64::MAX), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn the_classic_form_has_the_zone_of_the_host() {
        assert_eq!(classic(1_764_000_000_123, TimeZone::UTC), "Mon Nov 24 16:00:00");
    }
}
