//! Replays the corpora, and mutations of them that are the same in every run.

use std::path::Path;

/// Mutations per target: under a second each in a debug build.
const MUTATIONS: usize = 3000;

/// The files of a corpus in the order of their names, so that every run is the same.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let entries = std::fs::read_dir(&directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Marsaglia's xorshift.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }
}

/// Cuts, joins and changes octets.
fn mutate(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let one = &seeds[dice.below(seeds.len())];
    let other = &seeds[dice.below(seeds.len())];
    let mut octets = one[..dice.below(one.len() + 1)].to_vec();
    octets.extend_from_slice(&other[dice.below(other.len() + 1)..]);
    for _ in 0..dice.below(4) {
        let at = dice.below(octets.len() + 1);
        let octet = b"\r\n\0. <>@:;\\\"=\xff9A"[dice.below(16)];
        match dice.below(3) {
            0 => octets.insert(at, octet),
            1 if at < octets.len() => octets[at] = octet,
            _ if at < octets.len() => drop(octets.remove(at)),
            _ => {}
        }
    }
    octets
}

#[test]
fn every_corpus_and_what_is_near_it_is_survived() {
    for (name, check) in fuzz::TARGETS {
        let seeds = corpus(name);
        assert!(seeds.len() >= 10, "{name}: only {} seeds", seeds.len());
        seeds.iter().for_each(|seed| check(seed));
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        for _ in 0..MUTATIONS {
            check(&mutate(&seeds, &mut dice));
        }
    }
}
