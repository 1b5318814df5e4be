//! The header of a balancer: any octets are one, or the beginning of one, or none.

use proto::proxy::{Found, LONGEST, parse};

pub(crate) fn check(octets: &[u8]) {
    match parse(octets) {
        Ok(Found::Header(header)) => {
            assert!(header.length <= octets.len() && header.length <= LONGEST);
            let more = [octets, b"EHLO a\r\n"].concat();
            assert_eq!(parse(&more).ok(), Some(Found::Header(header)), "what follows changes nothing");
        }
        Ok(_) => assert!(octets.len() < LONGEST, "the wait for more has an end"),
        Err(_) => {
            let more = [octets, b"x"].concat();
            assert!(parse(&more).is_err(), "what is none does not become one");
        }
    }
}
