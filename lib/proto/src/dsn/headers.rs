//! The copy of the header section that a notice carries.

/// Copies `section` line by line, up to its empty line or 64 KiB, whichever comes first, always ending at a line.
///
/// Lines are cut at 998 octets. A bare CR or a NUL, which the spool should not hold, becomes a blank, so that the copy
/// ends where it seems to end. The result has CRLF line ends.
///
/// Source: RFC 3462 section 2 (the header section alone is enough); RFC 5322 section 2.1.1.
pub(super) fn copy(section: &[u8]) -> Vec<u8> {
    let mut copy = Vec::with_capacity(section.len().min(LONGEST_COPY));
    for line in section.split(|&octet| octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = line.get(..LONGEST_LINE).unwrap_or(line);
        if line.is_empty() || copy.len() + line.len() + 2 > LONGEST_COPY {
            break;
        }
        copy.extend(line.iter().map(|&octet| if matches!(octet, b'\r' | 0) { b' ' } else { octet }));
        copy.extend_from_slice(b"\r\n");
    }
    copy
}

const LONGEST_COPY: usize = 64 * 1024;
const LONGEST_LINE: usize = 998;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_ends_at_the_empty_line() {
        assert_eq!(copy(b"A: b\r\n\tc\r\n\r\nbody\r\n"), b"A: b\r\n\tc\r\n");
        assert_eq!(copy(b"A: b"), b"A: b\r\n");
        assert_eq!(copy(b""), b"");
    }

    #[test]
    fn a_huge_section_is_cut_at_a_line() {
        let copied = copy(&b"X: 0123456789\r\n".repeat(10_000));
        assert!(copied.len() <= LONGEST_COPY && copied.len() > LONGEST_COPY - 15);
        assert!(copied.ends_with(b"789\r\n"));
    }

    #[test]
    fn an_overlong_line_is_cut() {
        let copied = copy(&[b"X: ".as_slice(), &b"y".repeat(5000), b"\r\nZ: z\r\n"].concat());
        assert_eq!(copied.len(), 998 + 2 + 6);
    }

    #[test]
    fn octets_that_could_end_a_line_elsewhere_become_blanks() {
        assert_eq!(copy(b"A: b\rB: c\0d\r\n"), b"A: b B: c d\r\n");
    }
}
