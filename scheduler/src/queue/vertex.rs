//! A vertex: one message times one (channel, host), and the lists it stands in.

use super::message::Message;
use super::names::Reason;
use super::store::{Key, Store};
use super::thread::Thread;

/// One message for one (channel, host): 48 octets.
///
/// `previous` and `next` chain it in one list of its thread, which one its step says; `elder` and `younger` chain the
/// vertices of its message.
#[derive(Debug)]
pub(super) struct Vertex {
    pub(super) message: Key<Message>,
    pub(super) thread: Key<Thread>,
    pub(super) elder: Option<Key<Self>>,
    pub(super) younger: Option<Key<Self>>,
    pub(super) previous: Option<Key<Self>>,
    pub(super) next: Option<Key<Self>>,
    pub(super) recipients: Recipients,
    /// What was said about it last, if it was about it alone.
    pub(super) reason: Option<Reason>,
    /// When it is ready again, UTC milliseconds; only meaningful while it is [`Step::Own`], or about to be.
    pub(super) due: u64,
    pub(super) attempts: u16,
    /// Agents that died with it in a row.
    pub(super) kills: u8,
    pub(super) step: Step,
}

/// Where a vertex stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// In the ready list of its thread: goes when its turn comes and the thread is open.
    Ready,
    /// In the own list of its thread and on the agenda: deferred alone.
    Own,
    /// With an agent.
    InFlight,
    /// Held; in no list.
    Held,
}

/// The open recipients of a vertex. Nearly always one, which then needs no list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Recipients {
    None,
    One(u32),
    Many(Key<Vec<u32>>),
}

/// The recipient lists of those vertices that have several.
#[derive(Debug)]
pub(super) struct RecipientLists(Store<Vec<u32>>);

impl RecipientLists {
    pub(super) const fn new() -> Self {
        Self(Store::new())
    }

    /// Stores indexes; they are sorted and made unique.
    pub(super) fn pack(&mut self, mut indexes: Vec<u32>) -> Recipients {
        indexes.sort_unstable();
        indexes.dedup();
        match indexes.as_slice() {
            [] => Recipients::None,
            &[index] => Recipients::One(index),
            _ => {
                indexes.shrink_to_fit();
                Recipients::Many(self.0.insert(indexes))
            }
        }
    }

    pub(super) fn list(&self, recipients: Recipients) -> Vec<u32> {
        match recipients {
            Recipients::None => Vec::new(),
            Recipients::One(index) => vec![index],
            Recipients::Many(key) => self.0[key].clone(),
        }
    }

    pub(super) fn count(&self, recipients: Recipients) -> u32 {
        match recipients {
            Recipients::None => 0,
            Recipients::One(_) => 1,
            Recipients::Many(key) => u32::try_from(self.0[key].len()).unwrap_or(u32::MAX),
        }
    }

    pub(super) fn contains(&self, recipients: Recipients, index: u32) -> bool {
        match recipients {
            Recipients::None => false,
            Recipients::One(one) => one == index,
            Recipients::Many(key) => self.0[key].binary_search(&index).is_ok(),
        }
    }

    /// The recipients without one of them.
    pub(super) fn without(&mut self, recipients: Recipients, index: u32) -> Recipients {
        let key = match recipients {
            Recipients::One(one) if one == index => return Recipients::None,
            Recipients::None | Recipients::One(_) => return recipients,
            Recipients::Many(key) => key,
        };
        let list = &mut self.0[key];
        if let Ok(at) = list.binary_search(&index) {
            list.remove(at);
        }
        match *list.as_slice() {
            [last] => {
                self.0.remove(key);
                Recipients::One(last)
            }
            _ => recipients,
        }
    }

    /// Forgets a list.
    pub(super) fn drop(&mut self, recipients: Recipients) {
        if let Recipients::Many(key) = recipients {
            self.0.remove(key);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// A chain of vertices through their `previous` and `next`.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) head: Option<Key<Vertex>>,
    pub(super) tail: Option<Key<Vertex>>,
    pub(super) length: u32,
}

impl List {
    pub(super) fn push_back(&mut self, vertices: &mut Store<Vertex>, key: Key<Vertex>) {
        vertices[key].previous = self.tail;
        vertices[key].next = None;
        match self.tail {
            Some(tail) => vertices[tail].next = Some(key),
            None => self.head = Some(key),
        }
        self.tail = Some(key);
        self.length += 1;
    }

    pub(super) fn push_front(&mut self, vertices: &mut Store<Vertex>, key: Key<Vertex>) {
        vertices[key].next = self.head;
        vertices[key].previous = None;
        match self.head {
            Some(head) => vertices[head].previous = Some(key),
            None => self.tail = Some(key),
        }
        self.head = Some(key);
        self.length += 1;
    }

    /// Puts a vertex in front of another one of the list.
    pub(super) fn insert_before(
        &mut self,
        vertices: &mut Store<Vertex>,
        key: Key<Vertex>,
        other: Key<Vertex>,
    ) {
        match vertices[other].previous {
            None => self.push_front(vertices, key),
            Some(previous) => self.insert_after(vertices, key, previous),
        }
    }

    /// Puts a vertex behind another one of the list.
    pub(super) fn insert_after(
        &mut self,
        vertices: &mut Store<Vertex>,
        key: Key<Vertex>,
        other: Key<Vertex>,
    ) {
        let Some(next) = vertices[other].next else { return self.push_back(vertices, key) };
        vertices[key].previous = Some(other);
        vertices[key].next = Some(next);
        vertices[other].next = Some(key);
        vertices[next].previous = Some(key);
        self.length += 1;
    }

    pub(super) fn unlink(&mut self, vertices: &mut Store<Vertex>, key: Key<Vertex>) {
        let (previous, next) = (vertices[key].previous.take(), vertices[key].next.take());
        match previous {
            Some(previous) => vertices[previous].next = next,
            None => self.head = next,
        }
        match next {
            Some(next) => vertices[next].previous = previous,
            None => self.tail = previous,
        }
        self.length -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_shrinks_to_one_and_to_none() {
        let mut lists = RecipientLists::new();
        let three = lists.pack(vec![7, 3, 5, 3]);
        assert_eq!(lists.list(three), [3, 5, 7]);
        let two = lists.without(three, 5);
        let one = lists.without(two, 3);
        assert_eq!((lists.list(one), lists.len()), (vec![7], 0));
        let same = lists.without(one, 9);
        assert!(lists.contains(same, 7));
        assert!(matches!(lists.without(same, 7), Recipients::None));
    }
}
