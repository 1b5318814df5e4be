//! Content in both directions: dots taken out of what a client sends, dots put into what the next hop gets.

#[path = "../../../bench/src/micro.rs"]
mod micro;

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use proto::client::Stuffing;
use proto::framing::{Chunk, ContentReader};
use std::hint::black_box;

/// Octets of the content of every bench here.
const SIZE: usize = 1 << 20;

/// Octets that come at once: what a socket gives.
const PIECE: usize = 64 << 10;

fn main() {
    micro::run("framing", &[ceiling, unstuff, small, stuff]);
}

/// Lines of `width` octets of text; every `dots`-th begins with a dot (0: none does).
fn content(width: usize, dots: usize) -> Vec<u8> {
    let line = |number: usize| {
        let dot = dots != 0 && number.is_multiple_of(dots);
        let mut line = vec![b'x'; width];
        if let (true, Some(first)) = (dot, line.first_mut()) {
            *first = b'.';
        }
        line.extend_from_slice(b"\r\n");
        line
    };
    (0..SIZE / (width + 2)).flat_map(line).collect()
}

/// The contents by name: width of the lines, and how rare the dots are.
const CONTENTS: [(&str, usize, usize); 4] = [
    ("76 octets a line", 76, 0),
    ("998 octets a line", 998, 0),
    ("20 octets a line", 20, 0),
    ("a dot in 10 lines", 76, 10),
];

fn each_content(group: &mut BenchmarkGroup<'_, criterion::measurement::WallTime>, run: fn(&[u8]) -> usize) {
    for (name, width, dots) in CONTENTS {
        let content = content(width, dots);
        group.throughput(Throughput::Bytes(content.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(name), &content, |bencher, content| {
            bencher.iter(|| run(black_box(content)));
        });
    }
}

/// What the search for the octets that matter costs alone, one search per line: no reader of lines is faster.
fn ceiling(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("framing/ceiling");
    each_content(&mut group, |content| {
        let (mut rest, mut lines) = (content, 0);
        while let Some(at) = memchr::memchr3(b'\r', b'\n', 0, rest) {
            rest = rest.get(at + 2..).unwrap_or_default();
            lines += 1;
        }
        lines
    });
    group.finish();
}

fn unstuff(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("framing/in");
    each_content(&mut group, read);
    group.finish();
}

/// The content of a small message and its end, as in one read.
fn small(criterion: &mut Criterion) {
    let mut text = content(70, 0);
    text.truncate(56 * 72);
    text.extend_from_slice(b".\r\n");
    let mut group = criterion.benchmark_group("framing/in");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("4 KiB with its end", |bencher| bencher.iter(|| read(black_box(&text))));
    group.finish();
}

fn read(content: &[u8]) -> usize {
    let mut reader = ContentReader::new();
    let mut clean = 0;
    for piece in content.chunks(PIECE) {
        let mut rest = piece;
        loop {
            let (used, chunk) = reader.advance(rest);
            rest = rest.get(used..).unwrap_or_default();
            match chunk {
                Chunk::Clean(octets) => clean += black_box(octets).len(),
                Chunk::Need | Chunk::End | Chunk::Spoilt(_) => break,
            }
        }
    }
    black_box(reader.shape());
    clean
}

fn stuff(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("framing/out");
    each_content(&mut group, |content| {
        let mut stuffing = Stuffing::new(true);
        let mut count = 0;
        for piece in content.chunks(PIECE) {
            count += stuffing.pieces(piece).map(|piece| black_box(piece).len()).sum::<usize>();
        }
        count + stuffing.end().len()
    });
    group.finish();
}
