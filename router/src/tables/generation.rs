//! The generation of the tables: a number that changes when an answer may change.
//!
//! It is the same in every worker and after a restart, because it is stored with messages: so it is made of what the
//! tables are read from, by a hash that is written down here and not left to a library's version.

use farm::config::{Common, Router, Routes};
use farm::tables::Stamp;
use ipc::routing::Generation;

/// The generation of tables that were read from files with these stamps.
pub(super) fn generation(
    common: &Common,
    router: &Router,
    aliases: Option<Stamp>,
    routes: Option<Stamp>,
) -> Generation {
    let mut hash = Hash(OFFSET);
    hash.text(&common.hostname);
    for domain in &common.local_domains {
        hash.text(domain);
    }
    hash.text("aliases");
    hash.stamp(aliases);
    hash.text("routes");
    hash.stamp(routes);
    if let Routes::Inline(pairs) = &router.routes {
        for (pattern, target) in pairs {
            hash.text(pattern);
            hash.text(target);
        }
    }
    hash.0
}

/// FNV-1a with 64 bits.
struct Hash(u64);

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

impl Hash {
    fn octets(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = (self.0 ^ u64::from(*octet)).wrapping_mul(PRIME);
        }
    }

    /// With its length, so that two texts cannot trade octets.
    fn text(&mut self, text: &str) {
        self.octets(&(text.len() as u64).to_le_bytes());
        self.octets(text.as_bytes());
    }

    fn stamp(&mut self, stamp: Option<Stamp>) {
        for number in stamp.map(Stamp::numbers).into_iter().flatten() {
            self.octets(&number.to_le_bytes());
        }
    }
}
