//! Dates in the form of a header field.

use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Prints `milliseconds` since 1970 as a date in UTC: `Mon, 24 Nov 2025 16:00:00 +0000`.
///
/// A time after the year 9999 is printed as 1970, since no date field could hold it.
///
/// Source: RFC 5322 section 3.3.
pub fn date(milliseconds: u64) -> String {
    let instant = i64::try_from(milliseconds).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let zoned = Zoned::new(instant.unwrap_or(Timestamp::UNIX_EPOCH), TimeZone::UTC);
    DateTimePrinter::new()
        .zoned_to_string(&zoned)
        .unwrap_or_else(|_| "Thu, 1 Jan 1970 00:00:00 +0000".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_in_utc_with_a_numeric_zone() {
        assert_eq!(date(1_764_000_000_123), "Mon, 24 Nov 2025 16:00:00 +0000");
        assert_eq!(date(0), "Thu, 1 Jan 1970 00:00:00 +0000");
    }

    #[test]
    fn a_time_that_no_calendar_holds_is_still_a_date() {
        assert_eq!(date(u64::MAX), "Thu, 1 Jan 1970 00:00:00 +0000");
        assert_eq!(date(300_000_000_000_000), "Thu, 1 Jan 1970 00:00:00 +0000");
    }
}
