//! What the micro benches of all crates share: how long they measure, and the calibration.
//!
//! Machines differ, and so does one machine from hour to hour. So every bench program also times a fixed piece of work
//! that no change to Grange can touch, and `bench/compare.py` divides by it.

use criterion::{BenchmarkId, Criterion, Throughput};
use std::hint::black_box;
use std::time::Duration;

/// Runs the benches of one program, named `program`, with the calibration before and after them.
pub(crate) fn run(program: &str, benches: &[fn(&mut Criterion)]) {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(20)
        .nresamples(5_000)
        .without_plots()
        .configure_from_args();
    calibrate(&mut criterion, program, "before");
    for bench in benches {
        bench(&mut criterion);
    }
    calibrate(&mut criterion, program, "after");
    criterion.final_summary();
}

/// A checksum over 64 KiB, in which each step waits for the one before: no compiler and no cache makes it faster.
fn calibrate(criterion: &mut Criterion, program: &str, when: &str) {
    let octets: Vec<u8> = (0..=u8::MAX).cycle().take(64 << 10).collect();
    let mut group = criterion.benchmark_group("calibration");
    group.throughput(Throughput::Bytes(64 << 10));
    group.bench_with_input(BenchmarkId::new(program, when), &octets, |bencher, octets| {
        bencher.iter(|| {
            black_box(octets).iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &octet| {
                (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
            })
        });
    });
    group.finish();
}
