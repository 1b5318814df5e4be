//! What Grange reads from the header section of a message, and the few header fields that it writes itself.
//!
//! Reading is limited to finding fields by name: dates are never parsed here, addresses only in a new message, and MIME
//! structure only where a message has to be converted, so nothing in a message can confuse it. Whatever is written from
//! what others say passes through [`Folded`], which keeps every line short and lets nothing but printable ASCII through,
//! or is a mailbox; a field can therefore not be used to inject another one.
//!
//! | module | holds |
//! |---|---|
//! | `header` | the scan: [`fields`], [`count`], [`contains`], [`section_length`] |
//! | `folded` | [`Folded`], the writer of one field |
//! | `received` | [`Trace`], which becomes the Received field |
//! | `delivery` | Return-Path and Delivered-To, added at final delivery |
//! | `date` | dates in the form of a header field |
//! | `address_list` | [`addresses`] of a field that is a list of them |
//! | [`fixups`] | what a new message lacks |
//! | `shape` | [`shape_of`] a message that is held in memory |
//! | [`convert`] | the form that a next hop can take, if it cannot take this one |

mod address_list;
pub mod convert;
mod date;
mod delivery;
pub mod fixups;
mod folded;
mod header;
mod received;
mod shape;

pub use address_list::{ListError, addresses};
pub use date::date;
pub use delivery::{delivered_to, return_path};
pub use folded::{Folded, printable};
pub use header::{Field, Fields, contains, count, fields, section_length};
pub use received::Trace;
pub use shape::shape_of;
