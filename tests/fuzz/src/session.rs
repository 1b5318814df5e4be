//! A whole session: nothing breaks it, and no cut of its input changes what it does.

use crate::shell::{play, standing};

/// The first octet says what the client may do, the second how its input is cut.
pub(crate) fn check(octets: &[u8]) {
    let [kind, size, input @ ..] = octets else { return };
    let whole = play(standing(*kind), input, input.len());
    let cut = play(standing(*kind), input, usize::from(*size % 23) + 1);
    assert_eq!(cut, whole, "the cut changes nothing");
}
