//! Interned texts: hosts, and what remote sides said, are stored once however many messages name them.
//!
//! A name is counted by its users and goes with the last of them, so a server that has seen a million domains holds only
//! those it has mail for.

use super::store::{Key, Store};
use proto::disposition::{Disposition, Outcome};
use proto::status::Status;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// One interned value and how many hold it.
#[derive(Debug)]
pub(super) struct Interned<T: ?Sized> {
    value: Arc<T>,
    users: u32,
}

/// A table of interned values.
#[derive(Debug)]
pub(super) struct Names<T: ?Sized> {
    index: HashMap<Arc<T>, Key<Interned<T>>>,
    values: Store<Interned<T>>,
}

/// The key of a host name.
pub(super) type Name = Key<Interned<str>>;

/// The key of a reason to wait.
pub(super) type Reason = Key<Interned<Words>>;

impl<T: ?Sized + Eq + Hash> Names<T> {
    pub(super) fn new() -> Self {
        Self { index: HashMap::new(), values: Store::new() }
    }

    /// The key of `value`, with one more user.
    pub(super) fn intern(&mut self, value: &T) -> Key<Interned<T>>
    where
        for<'a> Arc<T>: From<&'a T>,
    {
        if let Some(&key) = self.index.get(value) {
            self.values[key].users += 1;
            return key;
        }
        let value: Arc<T> = value.into();
        let key = self.values.insert(Interned { value: Arc::clone(&value), users: 1 });
        self.index.insert(value, key);
        key
    }

    /// The key of `value` if anybody uses it.
    pub(super) fn find(&self, value: &T) -> Option<Key<Interned<T>>> {
        self.index.get(value).copied()
    }

    /// The value behind a key.
    pub(super) fn value(&self, key: Key<Interned<T>>) -> &Arc<T> {
        &self.values[key].value
    }

    /// One user less; the last one takes the value along.
    pub(super) fn release(&mut self, key: Key<Interned<T>>) {
        let entry = &mut self.values[key];
        entry.users -= 1;
        if entry.users == 0
            && let Some(entry) = self.values.remove(key)
        {
            self.index.remove(&entry.value);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

/// A transient disposition without its outcome: why something waits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Words {
    pub(super) status: Status,
    pub(super) reply: String,
    pub(super) remote: String,
}

impl From<&Words> for Arc<Words> {
    fn from(words: &Words) -> Self {
        Self::new(words.clone())
    }
}

impl From<&Disposition> for Words {
    fn from(disposition: &Disposition) -> Self {
        Self {
            status: disposition.status,
            reply: disposition.reply.clone(),
            remote: disposition.remote.clone(),
        }
    }
}

impl Words {
    /// As a disposition again.
    pub(super) fn disposition(&self, outcome: Outcome) -> Disposition {
        let disposition = Disposition::local(outcome, self.status, self.reply.clone());
        Disposition { remote: self.remote.clone(), ..disposition }
    }

    /// As the queue listing shows it: `421 4.7.0 try again later (mx1.slow.example[192.0.2.1])`.
    pub(super) fn sentence(&self) -> String {
        if self.remote.is_empty() { self.reply.clone() } else { format!("{} ({})", self.reply, self.remote) }
    }
}

impl Names<Words> {
    /// Interns what a disposition says. Above [`MAX_REASONS`] different texts a new one is kept as its status alone, so
    /// that a remote side with a serial number in each reply cannot fill the memory.
    pub(super) fn remember(&mut self, disposition: &Disposition) -> Reason {
        let words = Words::from(disposition);
        if self.len() < MAX_REASONS || self.find(&words).is_some() {
            return self.intern(&words);
        }
        let status = words.status;
        self.intern(&Words { status, reply: format!("{status} (reply not kept)"), remote: String::new() })
    }
}

/// How many different replies are kept word for word.
const MAX_REASONS: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_with_its_last_user() {
        let mut names = Names::<str>::new();
        let a = names.intern("a.example");
        assert_eq!(names.intern("a.example"), a);
        names.release(a);
        assert_eq!(names.find("a.example"), Some(a));
        names.release(a);
        assert_eq!((names.find("a.example"), names.len()), (None, 0));
    }

    #[test]
    fn too_many_different_replies_fall_back_to_the_status() {
        let mut reasons = Names::<Words>::new();
        for i in 0..MAX_REASONS + 10 {
            let reply = format!("450 4.2.0 greylisted, ticket {i}");
            reasons.remember(&Disposition::local(Outcome::Deferred, Status::transient(2, 0), reply));
        }
        assert_eq!(reasons.len(), MAX_REASONS + 1);
    }
}
