//! One segment: a header of 4,096 octets, then batches of records, each batch at a multiple of 4,096 octets.
//!
//! ```text
//! 0      header: GRANGE-SEGMENT 1, number, separator, lease, created, predecessor and its end, checksum
//! 4096   batch: record record record zeros…
//! n·4096 batch: record zeros…
//! …      zeros up to the fill mark
//! ```
//!
//! A record is one line of fixed width, the envelope lines, the content. A batch is written after the flush of the batch
//! before it returned, so only the last batch on disk can be torn.

mod header;
mod record;
mod scan;
mod window;
mod writer;

pub(crate) use header::Header;
pub(crate) use record::{LINE, RecordLine, size};
pub(crate) use scan::{Found, Scan, verify_content};
pub(crate) use writer::{Job, SegmentWriter};
