//! Whole transactions through the server's session, as they stand in one read of a client that pipelines.

#[path = "../../../bench/src/micro.rs"]
mod micro;

use criterion::{Criterion, Throughput};
use proto::id::SpoolId;
use proto::limits::Limits;
use proto::server::{Action, Config, Session, Standing, Verdict};
use std::hint::black_box;
use std::sync::Arc;

fn main() {
    micro::run("session", &[transactions]);
}

/// 4 KiB of content in lines.
fn content() -> String {
    format!(
        "Subject: bench\r\n\r\n{}",
        "0123456789abcdef0123456789abcdef0123456789abcdef01234567890abcd\r\n".repeat(63)
    )
}

fn transactions(criterion: &mut Criterion) {
    let (open, content) = ("MAIL FROM:<a@source.example>\r\nRCPT TO:<b@destination.example>\r\n", content());
    let by_data = format!("{open}DATA\r\n{content}.\r\n");
    let by_bdat = format!("{open}BDAT {} LAST\r\n{content}", content.len());
    let mut group = criterion.benchmark_group("session/transaction");
    group.throughput(Throughput::Elements(1));
    for (name, input) in [("data", by_data), ("bdat", by_bdat)] {
        let mut session = greeted();
        let mut output = Vec::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                output.clear();
                black_box(serve(&mut session, input.as_bytes(), &mut output))
            });
        });
    }
    group.finish();
}

fn greeted() -> Session {
    let hostname = "mx.destination.example".parse().expect("a name");
    let config = Config::new(hostname, Limits::default()).expect("a mailbox fits");
    let mut session = Session::new(Arc::new(config), Standing::default(), 0);
    serve(&mut session, b"EHLO source.example\r\n", &mut Vec::new());
    session
}

/// Octets of content; everything is accepted.
fn serve(session: &mut Session, input: &[u8], output: &mut Vec<u8>) -> usize {
    let (mut used, mut content) = (0, 0);
    loop {
        let step = session.advance(input.get(used..).unwrap_or_default(), 0);
        used += step.consumed;
        let reply = match step.action {
            Action::Reply(reply) => Some(reply),
            Action::Ask(question) => session.answer(question.number, Verdict::Accepted { route: None }, 0),
            Action::BeginBody => session.opened(Ok(()), 0),
            Action::EndOfBody { .. } => session.committed(Ok(SpoolId::new(1, 2, 3, 4)), 0),
            Action::Body(part) => {
                content += part.len();
                None
            }
            _ => return content,
        };
        if let Some(reply) = reply {
            reply.write_to(output);
        }
    }
}
