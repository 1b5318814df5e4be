//! AUTH: the exchange in a session, and the decoding of what it carries.

use crate::shell::{play, standing};
use proto::base64;

/// The first octet says how the input is cut; the rest are lines of an exchange.
pub(crate) fn check(octets: &[u8]) {
    let [how, lines @ ..] = octets else { return };
    if let Some(decoded) = base64::decode(lines) {
        assert_eq!(base64::encode(&decoded).as_bytes(), lines, "only the one spelling is taken");
    }
    let input = [b"EHLO a\r\nAUTH PLAIN\r\n", lines].concat();
    let whole = play(standing(1), &input, input.len());
    assert_eq!(play(standing(1), &input, usize::from(*how) + 1), whole, "the cut changes nothing");
    let successes = whole.events.iter().filter(|event| event.starts_with("235")).count();
    assert!(successes <= 1, "one account per session: {:?}", whole.events);
    let proven = base64::encode(b"\0a\0b");
    let said = String::from_utf8_lossy(lines);
    assert!(successes == 0 || said.contains(&proven), "nobody gets in without the word: {:?}", whole.events);
}
