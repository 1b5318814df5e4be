//! EXTERNAL: the certificate of the client says who it is.
//!
//! Source: RFC 4422 appendix A. The response is empty or the user that the client wishes to be.

use super::{Step, malformed};
use secrets::opaque::prepare;

pub(super) fn respond(response: &[u8]) -> Step {
    if response.is_empty() {
        return Step::Certificate { user: None };
    }
    prepare(response).map_or_else(|_| malformed(), |user| Step::Certificate { user: Some(user) })
}
