//! Durations and sizes with units: `"5m"`, `"50M"`.
//!
//! Decides what a unit means and how a value is printed so that it reads back as itself. A duration is milliseconds
//! (`ms`, `s`, `m`, `h`, `d`, `w`; parts may follow each other, `"1h30m"`), a size is octets (`K`, `M`, `G`, `T`,
//! powers of 1,024).

const DURATIONS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZES: [(&str, u64); 4] = [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)];

/// The milliseconds of `5m` or `1h30m`; `None` if `text` is not a duration or too long for 64 bits.
pub fn parse_duration(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (number, behind) = digits(rest)?;
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, next) = behind.split_at_checked(end)?;
        let (_, factor) = DURATIONS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(*factor)?)?;
        rest = next;
    }
    if text.is_empty() { None } else { Some(total) }
}

/// The octets of `50M`; `None` if `text` is not a size or too large for 64 bits. A number alone is octets.
pub fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = digits(text)?;
    if unit.is_empty() {
        return Some(number);
    }
    let (_, factor) = SIZES.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*factor)
}

/// `300000` as `5m`: the largest unit that leaves no rest.
pub fn print_duration(milliseconds: u64) -> String {
    if milliseconds == 0 {
        return "0s".to_owned();
    }
    print(milliseconds, &DURATIONS)
}

/// `52428800` as `50M`: the largest unit that leaves no rest.
pub fn print_size(octets: u64) -> String {
    if octets == 0 { "0".to_owned() } else { print(octets, &SIZES) }
}

/// What the writer of `15 minuts` or `15` may have meant by it: `15m`, `15s`.
pub(super) fn guess_duration(text: &str) -> Option<String> {
    let (number, unit) = digits(text.trim())?;
    let unit = unit.trim_start().to_ascii_lowercase();
    let short = match unit.chars().next() {
        None => "s",
        Some('m') if unit.starts_with("ms") || unit.starts_with("mil") => "ms",
        Some('w') => "w",
        Some('d') => "d",
        Some('h') => "h",
        Some('m') => "m",
        Some('s') => "s",
        Some(_) => return None,
    };
    Some(format!("{number}{short}"))
}

/// What the writer of `50 MiB` or `50mb` may have meant by it: `50M`.
pub(super) fn guess_size(text: &str) -> Option<String> {
    let (number, unit) = digits(text.trim())?;
    let short = unit.trim_start().chars().next()?.to_ascii_uppercase();
    let known = SIZES.iter().any(|(name, _)| name.starts_with(short));
    known.then(|| format!("{number}{short}"))
}

fn digits(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, rest))
}

fn print(value: u64, units: &[(&str, u64)]) -> String {
    let unit = units.iter().find(|(_, factor)| value.is_multiple_of(*factor));
    unit.map_or_else(|| value.to_string(), |(name, factor)| format!("{}{name}", value / factor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(parse_duration("5m"), Some(300_000));
        assert_eq!(parse_duration("1h30m"), Some(5_400_000));
        assert_eq!(parse_duration("250ms"), Some(250));
        for bad in ["", "5", "m", "5 m", "5mm", "5x", "-5m", "99999999999999999999s", "99999999999999w", "٣m"]
        {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(parse_size("50M"), Some(52_428_800));
        assert_eq!(parse_size("4096"), Some(4096));
        for bad in ["", "M", "50MB", "50m", "1.5G", "99999999999T"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_near_miss_is_guessed() {
        assert_eq!(guess_duration("15 minuts").as_deref(), Some("15m"));
        assert_eq!(guess_duration("15").as_deref(), Some("15s"));
        assert_eq!(guess_duration("20 msec").as_deref(), Some("20ms"));
        assert_eq!(guess_duration("soon"), None);
        assert_eq!(guess_size("50 MiB").as_deref(), Some("50M"));
        assert_eq!(guess_size("50 apples"), None);
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(value: u64) {
            prop_assert_eq!(parse_duration(&print_duration(value)), Some(value));
            prop_assert_eq!(parse_size(&print_size(value)), Some(value));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = (parse_duration(&text), parse_size(&text), guess_duration(&text), guess_size(&text));
        }
    }
}
