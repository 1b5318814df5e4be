//! The memory of a waiting message.

use crate::queue::message::{Message, PackedId};
use crate::queue::store::Key;
use crate::queue::vertex::Vertex;

/// An entry of a slab is the element or the number of the next vacant one; a `Result` of these two is laid out alike.
fn slab_entry<T>() -> usize {
    size_of::<Result<T, usize>>()
}

/// A node of a B-tree has room for eleven entries, and those behind the point of insertion are split six to five, so a
/// tree that was filled in ascending order uses six of them. To that come the header and the share of inner nodes.
fn tree_entry<T>() -> usize {
    (11 * size_of::<T>() + 16) * 11 / (6 * 10)
}

#[test]
fn a_waiting_message_for_one_recipient_takes_at_most_160_octets() {
    assert_eq!(size_of::<Option<Key<Vertex>>>(), 4, "no link costs more than four octets");
    let books = slab_entry::<Message>() + slab_entry::<Vertex>() + tree_entry::<(PackedId, Key<Message>)>();
    assert!(books <= 135, "waiting for the clock of its thread: {books}");
    let alarm = 2 * size_of::<Key<Vertex>>();
    assert!(books + alarm <= 150, "waiting for its own time: {books} + {alarm}");
}
