//! Command lines: cut from the stream, then parsed.

#[path = "../../../bench/src/micro.rs"]
mod micro;

use criterion::{Criterion, Throughput};
use proto::command::Command;
use proto::framing::{Line, LineReader};
use proto::reply::Reply;
use proto::status::Status;
use std::hint::black_box;

/// What clients say, by name.
const LINES: [(&str, &str); 7] = [
    ("ehlo", "EHLO mail.client.example"),
    ("mail", "MAIL FROM:<sender@source.example> SIZE=4096 BODY=8BITMIME"),
    ("rcpt", "RCPT TO:<recipient@destination.example>"),
    ("rcpt-quoted", "RCPT TO:<\"two words\"@destination.example>"),
    ("data", "DATA"),
    ("quit", "quit"),
    ("unknown", "XCLIENT ADDR=192.0.2.1"),
];

fn main() {
    micro::run("command", &[parse, transaction, reply]);
}

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("command/parse");
    group.throughput(Throughput::Elements(1));
    for (name, line) in LINES {
        group.bench_function(name, |bencher| bencher.iter(|| Command::parse(black_box(line.as_bytes()))));
    }
    group.finish();
}

/// The commands of a transaction with ten recipients as they stand in one read of a client that pipelines.
fn transaction(criterion: &mut Criterion) {
    let recipients: String = (0..10).map(|i| format!("RCPT TO:<u{i}@destination.example>\r\n")).collect();
    let text = format!("MAIL FROM:<sender@source.example>\r\n{recipients}DATA\r\n");
    let mut group = criterion.benchmark_group("command/pipelined");
    group.throughput(Throughput::Elements(12));
    group.bench_function("12 lines", |bencher| bencher.iter(|| commands(black_box(text.as_bytes()))));
    group.finish();
}

fn commands(mut input: &[u8]) -> usize {
    let mut reader = LineReader::new(4096);
    let mut good = 0;
    loop {
        let (used, line) = reader.advance(input);
        input = input.get(used..).unwrap_or_default();
        match line {
            Line::Need => return good,
            Line::Whole(line) => good += usize::from(black_box(Command::parse(line)).is_ok()),
            Line::Refused(_) => {}
        }
    }
}

fn reply(criterion: &mut Criterion) {
    let reply = Reply::new(250, Status::OK, "queued as 01J8X4K2M7Q3RD0007");
    let mut group = criterion.benchmark_group("reply");
    group.throughput(Throughput::Elements(1));
    group.bench_function("print", |bencher| bencher.iter(|| black_box(&reply).to_string()));
    group.finish();
}
