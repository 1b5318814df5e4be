//! PLAIN: identity, user, password with NUL between them.
//!
//! Source: RFC 4616 section 2. A client may act as nobody but the user whose password it gives.

use super::{Step, compare, failed, malformed};

pub(super) fn respond(response: &[u8]) -> Step {
    let fields: Vec<&[u8]> = response.split(|octet| *octet == 0).collect();
    let [identity, user, password] = fields.as_slice() else { return malformed() };
    match compare(user, password) {
        Step::Compare(claim) if !identity.is_empty() && identity != user => {
            failed(&claim.user, "authorization-identity")
        }
        step => step,
    }
}
