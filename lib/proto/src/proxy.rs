//! The header by which a balancer names the true client: PROXY protocol, versions 1 and 2.
//!
//! Decides where the header ends and whom it names. Does not decide who may send one: only a balancer that is trusted
//! is asked. Pure: octets in, a header out. Invariant: what is not a header in whole is either too short or an error,
//! and nothing behind the header is looked at, so that no octet of SMTP is taken for one of the header.
//!
//! Source: "The PROXY protocol, versions 1 & 2" by W. Tarreau, sections 2.1 (text), 2.2 (binary).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What the octets so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The beginning of a header; more must come.
    More,
    /// A header.
    Header(Header),
}

/// A whole header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its octets; what follows them is the client's.
    pub length: usize,
    /// The client; `None` if the balancer speaks for itself (a check of health) or does not know: then the peer of the
    /// connection is the client.
    pub client: Option<SocketAddr>,
}

/// These octets are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// They begin like neither version.
    #[error("no PROXY header")]
    Absent,
    /// A line of version 1 that is too long or does not say two addresses of one family and two ports.
    #[error("a PROXY line that makes no sense")]
    Line,
    /// Version 2 with a version, command or family that there is not, or too short for its family.
    #[error("a binary PROXY header that makes no sense")]
    Binary,
    /// Version 2 with more additions than we take.
    #[error("a PROXY header of {0} octets; {LONGEST} are taken at most")]
    Long(usize),
}

/// The longest header that is taken. Addresses need 232 octets; the rest is for additions, which are skipped.
pub const LONGEST: usize = 4_096;

/// The longest line of version 1, CRLF included (section 2.1).
const LONGEST_LINE: usize = 107;

/// How a line of version 1 begins.
const LINE: &[u8] = b"PROXY ";

/// How a header of version 2 begins (section 2.2).
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Octets of version 2 before the addresses: signature, version and command, family, length.
const FIXED: usize = 16;

/// Reads the header at the beginning of `octets`.
///
/// # Errors
/// [`ProxyError`]; no further octets would make a header of these.
pub fn parse(octets: &[u8]) -> Result<Found, ProxyError> {
    if begins(octets, LINE) {
        parse_line(octets)
    } else if begins(octets, SIGNATURE) {
        parse_binary(octets)
    } else {
        Err(ProxyError::Absent)
    }
}

/// Both are the same as far as both go.
fn begins(octets: &[u8], prefix: &[u8]) -> bool {
    octets.iter().zip(prefix).all(|(a, b)| a == b)
}

fn parse_line(octets: &[u8]) -> Result<Found, ProxyError> {
    let Some(end) = octets.iter().take(LONGEST_LINE).position(|octet| *octet == b'\n') else {
        return if octets.len() < LONGEST_LINE { Ok(Found::More) } else { Err(ProxyError::Line) };
    };
    let line = octets.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(ProxyError::Line)?;
    let text = std::str::from_utf8(line).map_err(|_| ProxyError::Line)?;
    let client = client_of(text).ok_or(ProxyError::Line)?;
    Ok(Found::Header(Header { length: end + 1, client }))
}

/// The client in a line without its CRLF; `Some(None)` if the line knows none.
fn client_of(line: &str) -> Option<Option<SocketAddr>> {
    let mut words = line.split(' ').skip(1);
    let family = words.next()?;
    if family == "UNKNOWN" {
        return Some(None);
    }
    let (source, destination) = (words.next()?, words.next()?);
    let (port, other_port) = (parse_port(words.next()?)?, parse_port(words.next()?)?);
    let address = |text: &str| -> Option<IpAddr> {
        match family {
            "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    let (_, _, client) = (address(destination)?, other_port, address(source)?);
    words.next().is_none().then_some(Some(SocketAddr::new(client, port)))
}

fn parse_port(text: &str) -> Option<u16> {
    let canonical = text == "0" || !text.starts_with('0');
    if canonical && text.bytes().all(|c| c.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn parse_binary(octets: &[u8]) -> Result<Found, ProxyError> {
    let Some((fixed, behind)) = octets.split_first_chunk::<FIXED>() else { return Ok(Found::More) };
    let [.., command, family, high, low] = *fixed;
    let behind_length = usize::from(u16::from_be_bytes([high, low]));
    let length = FIXED + behind_length;
    if length > LONGEST {
        return Err(ProxyError::Long(length));
    }
    // Version 2 in the upper half; 0 is LOCAL, 1 is PROXY.
    let speaks_for_itself = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(ProxyError::Binary),
    };
    // Who speaks for itself may name any family: all behind is skipped (section 2.2, on LOCAL).
    if !speaks_for_itself && behind_length < octets_of(family)? {
        return Err(ProxyError::Binary);
    }
    let Some(addresses) = behind.get(..behind_length) else { return Ok(Found::More) };
    let client = if speaks_for_itself { None } else { source(family, addresses) };
    Ok(Found::Header(Header { length, client }))
}

/// How many octets the addresses of a family take: no family, IPv4, IPv6, sockets in the file system, over streams.
fn octets_of(family: u8) -> Result<usize, ProxyError> {
    match family {
        0x00 => Ok(0),
        0x11 => Ok(12),
        0x21 => Ok(36),
        0x31 => Ok(216),
        _ => Err(ProxyError::Binary),
    }
}

/// The source among addresses in the order source, destination, source's port, destination's port.
fn source(family: u8, addresses: &[u8]) -> Option<SocketAddr> {
    let port =
        |at: usize| addresses.get(at..at + 2).and_then(|two| two.try_into().ok()).map(u16::from_be_bytes);
    match family {
        0x11 => {
            let address = addresses.first_chunk::<4>()?;
            Some(SocketAddr::new(Ipv4Addr::from(*address).into(), port(8)?))
        }
        0x21 => {
            let address = addresses.first_chunk::<16>()?;
            Some(SocketAddr::new(Ipv6Addr::from(*address).into(), port(32)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client(octets: &[u8]) -> Option<String> {
        match parse(octets) {
            Ok(Found::Header(header)) if header.length == octets.len() => {
                Some(header.client.map_or_else(|| "-".to_owned(), |client| client.to_string()))
            }
            other => panic!("{other:?}"),
        }
    }

    fn binary(command: u8, family: u8, behind: &[u8]) -> Vec<u8> {
        let length = u16::try_from(behind.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, behind].concat()
    }

    fn four() -> Vec<u8> {
        [&[192, 0, 2, 7][..], &[198, 51, 100, 1], &4_000u16.to_be_bytes(), &25u16.to_be_bytes()].concat()
    }

    #[test]
    fn a_line_names_the_client() {
        let of = |text: &str| client(text.as_bytes()).unwrap();
        assert_eq!(of("PROXY TCP4 192.0.2.7 198.51.100.1 4000 25\r\n"), "192.0.2.7:4000");
        assert_eq!(of("PROXY TCP6 2001:db8::7 ::1 65535 25\r\n"), "[2001:db8::7]:65535");
        assert_eq!(of("PROXY UNKNOWN\r\n"), "-");
        assert_eq!(of("PROXY UNKNOWN ffff::1 whatever\r\n"), "-");
    }

    #[test]
    fn a_line_that_makes_no_sense_is_refused() {
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(100));
        for text in [
            "PROXY TCP4 192.0.2.7 198.51.100.1 4000 25\n",
            "PROXY TCP4 2001:db8::7 ::1 4000 25\r\n",
            "PROXY TCP6 192.0.2.7 198.51.100.1 4000 25\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 4000\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 4000 25 x\r\n",
            "PROXY TCP4  192.0.2.7 198.51.100.1 4000 25\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 +4000 25\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 04000 25\r\n",
            "PROXY UDP4 192.0.2.7 198.51.100.1 4000 25\r\n",
            "PROXY \r\n",
            &long,
        ] {
            assert_eq!(parse(text.as_bytes()), Err(ProxyError::Line), "{text}");
        }
        for text in ["EHLO x\r\n", "proxy TCP4", "PROXYTCP4", "\r\n\r\n\0\r\nQUIX"] {
            assert_eq!(parse(text.as_bytes()), Err(ProxyError::Absent), "{text}");
        }
    }

    #[test]
    fn a_binary_header_names_the_client_and_additions_are_skipped() {
        assert_eq!(client(&binary(0x21, 0x11, &four())).unwrap(), "192.0.2.7:4000");
        let added = [&four()[..], &[0x04, 0, 1, 0]].concat();
        assert_eq!(client(&binary(0x21, 0x11, &added)).unwrap(), "192.0.2.7:4000");
        let mut six = [0u8; 36];
        six[15] = 1;
        six[33] = 9;
        assert_eq!(client(&binary(0x21, 0x21, &six)).unwrap(), "[::1]:9");
        for (command, family, behind) in [
            (0x20, 0x11, &four()[..]),
            (0x20, 0, &[]),
            (0x21, 0, &[]),
            (0x21, 0x31, &[0; 216]),
            (0x20, 0x12, &[]),
        ] {
            assert_eq!(client(&binary(command, family, behind)).unwrap(), "-", "{command:x} {family:x}");
        }
    }

    #[test]
    fn a_binary_header_that_makes_no_sense_is_refused() {
        for (command, family, behind) in [
            (0x11, 0x11, &four()[..]),
            (0x22, 0x11, &four()),
            (0x21, 0x12, &four()),
            (0x21, 0x41, &four()),
            (0x21, 0x21, &four()),
            (0x21, 0x11, &four()[1..]),
        ] {
            assert_eq!(
                parse(&binary(command, family, behind)),
                Err(ProxyError::Binary),
                "{command:x} {family:x}"
            );
        }
        let long = binary(0x21, 0x11, &[0; 5_000]);
        assert_eq!(parse(&long), Err(ProxyError::Long(5_016)));
    }

    proptest! {
        #[test]
        fn any_octets_survive(octets: Vec<u8>, command: u8, family: u8) {
            let _ = parse(&octets);
            let _ = parse(&binary(command, family, &octets));
            let _ = parse(&[LINE, &octets].concat());
        }

        #[test]
        fn a_header_is_the_same_whatever_follows_and_wherever_it_is_cut(behind: Vec<u8>, version: bool) {
            let header = if version { binary(0x21, 0x11, &four()) } else { b"PROXY TCP4 192.0.2.7 1.2.3.4 1 2\r\n".to_vec() };
            for cut in 0..header.len() {
                prop_assert_eq!(parse(&header[..cut]), Ok(Found::More));
            }
            let whole = parse(&header);
            prop_assert!(matches!(whole, Ok(Found::Header(found)) if found.length == header.len()));
            prop_assert_eq!(parse(&[&header[..], &behind].concat()), whole);
        }
    }
}
