//! The header section: its fields found, hops counted, and what Grange writes there.

#[path = "../../../bench/src/micro.rs"]
mod micro;

use criterion::{Criterion, Throughput};
use proto::message::{count, fields, section_length, shape_of};
use std::hint::black_box;

fn main() {
    micro::run("header", &[scan]);
}

/// The header of a message that has passed five hosts, and a body.
fn message() -> Vec<u8> {
    let hop = "Received: from a.example (a.example [192.0.2.1])\r\n\tby b.example with ESMTP id 01J8X4K2M7Q3RD0007\r\n\t\
               for <ann@example.net>; Thu, 1 Jan 2026 00:00:00 +0000\r\n";
    let signature =
        format!("DKIM-Signature: v=1; a=rsa-sha256; d=example.net;\r\n\tb={}\r\n", "x".repeat(340));
    let plain = "From: Ann <ann@example.net>\r\nTo: Bob <bob@example.org>\r\nSubject: the minutes of Tuesday\r\n\
                 Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-Id: <1.2@example.net>\r\nMIME-Version: 1.0\r\n\
                 Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
    let body =
        "a line of text as it stands in a message of medium length, written by somebody\r\n".repeat(40);
    [hop.repeat(5), signature, plain.to_owned(), body].concat().into_bytes()
}

fn scan(criterion: &mut Criterion) {
    let message = message();
    let length = section_length(&message);
    let mut group = criterion.benchmark_group("header");
    group.throughput(Throughput::Bytes(length as u64));
    group.bench_function("fields", |bencher| bencher.iter(|| fields(black_box(&message)).count()));
    group.bench_function("count Received", |bencher| bencher.iter(|| count(black_box(&message), "Received")));
    group.bench_function("section length", |bencher| bencher.iter(|| section_length(black_box(&message))));
    group.throughput(Throughput::Bytes(message.len() as u64));
    group.bench_function("shape", |bencher| bencher.iter(|| shape_of(black_box(&message))));
    group.finish();
}
