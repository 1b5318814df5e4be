//! LOGIN: the server asks for name and password one after the other. It was never standardized; clients that know
//! nothing else are common.

use super::{Step, compare, malformed};
use secrets::opaque::prepare;

/// What clients expect to be asked first.
pub(super) const NAME: &[u8] = b"Username:";

const PASSWORD: &[u8] = b"Password:";

pub(super) fn respond(user: &mut Option<String>, response: &[u8]) -> Step {
    match user.take() {
        Some(user) => compare(user.as_bytes(), response),
        None => match prepare(response) {
            Ok(name) => {
                *user = Some(name);
                Step::Challenge(PASSWORD.to_vec())
            }
            Err(_) => malformed(),
        },
    }
}
