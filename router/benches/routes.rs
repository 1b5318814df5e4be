//! Where an address goes: each rule, and a large table.

#[path = "../../bench/src/micro.rs"]
mod micro;

use criterion::{Criterion, Throughput};
use farm::config::{Paths, Routes, defaults};
use proto::address::Mailbox;
use router::routing::resolve;
use router::tables::{FileLists, Lookup, Tables, Users};
use std::hint::black_box;

/// How many routes the large table has.
const LARGE: usize = 100_000;

/// One user, so that no name service is asked.
struct Ann;

impl Users for Ann {
    fn lookup(&self, name: &str) -> Lookup<String> {
        if name == "ann" { Lookup::Found(name.to_owned()) } else { Lookup::NotFound }
    }
}

/// An address for every rule.
const CASES: [(&str, &str); 6] = [
    ("user route", "ann@far.example"),
    ("domain route", "bob@far.example"),
    ("suffix route", "bob@a.b.c.far.example"),
    ("default route", "bob@elsewhere.example"),
    ("local user", "ann@example.org"),
    ("no such user", "nobody@example.org"),
];

fn main() {
    micro::run("routes", &[small, large]);
}

fn tables(further: usize) -> Tables {
    let none = || "/nonexistent".into();
    let paths = Paths { etc: none(), spool: none(), run: none(), libexec: none() };
    let mut config = defaults(&paths, "mail.example.org");
    config.common.local_domains = vec!["example.org".to_owned()];
    config.router.aliases = None;
    let fixed = [
        ("ann@far.example", "smtp!ann"),
        ("far.example", "smtp!a"),
        (".far.example", "smtp!b"),
        (".", "smtp!c"),
    ];
    let own = |(pattern, target): (&str, &str)| (pattern.to_owned(), target.to_owned());
    let more = (0..further).map(|i| (format!("d{i}.example"), format!("smtp!host{}", i % 100)));
    config.router.routes = Routes::Inline(fixed.into_iter().map(own).chain(more).collect());
    Tables::with(&config.common, &config.router, Box::new(Ann), Box::new(FileLists))
}

fn bench(criterion: &mut Criterion, group: &str, tables: &Tables, cases: &[(&str, &str)]) {
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(1));
    for (name, address) in cases {
        let address: Mailbox = address.parse().expect("an address");
        group.bench_function(*name, |bencher| {
            bencher.iter(|| resolve(Some(black_box(&address)), true, "192.0.2.1", tables));
        });
    }
    group.finish();
}

fn small(criterion: &mut Criterion) {
    bench(criterion, "route", &tables(0), &CASES);
}

fn large(criterion: &mut Criterion) {
    let cases = [("domain route", "bob@d77777.example"), ("default route", "bob@elsewhere.example")];
    bench(criterion, "route/100000", &tables(LARGE), &cases);
}
