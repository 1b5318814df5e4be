//! Where in a spool a message lies.

use crate::id::SpoolId;
use serde::{Deserialize, Serialize};

/// Where a committed message lies: opaque to everyone but the spool that made it, small enough to travel in every
/// message between processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The segment (or, for another backend, the bucket) that holds the record.
    pub segment: SpoolId,
    /// The offset of the record in it, in octets.
    pub offset: u64,
}
