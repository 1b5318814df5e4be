//! What Grange reads from the header section of a message, and the few header fields that it writes itself.
//!
//! Reading is limited to finding fields by name: no address, date or MIME structure is ever parsed here, so nothing in
//! a message can confuse it. Whatever is written passes through [`Folded`], which keeps every line short and lets
//! nothing but printable ASCII through; a field can therefore not be used to inject another one.
//!
//! | module | holds |
//! |---|---|
//! | `header` | the scan: [`fields`], [`count`], [`contains`], [`section_length`] |
//! | `folded` | [`Folded`], the writer of one field |
//! | `received` | [`Trace`], which becomes the Received field |
//! | `delivery` | Return-Path and Delivered-To, added at final delivery |
//! | `date` | dates in the form of a header field |
//! | `shape` | [`shape_of`] a message that is held in memory |

mod date;
mod delivery;
mod folded;
mod header;
mod received;
mod shape;

pub use date::date;
pub use delivery::{delivered_to, return_path};
pub use folded::{Folded, printable};
pub use header::{Field, Fields, contains, count, fields, section_length};
pub use received::Trace;
pub use shape::shape_of;
