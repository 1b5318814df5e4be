//! libFuzzer on the target `bdat`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| fuzz::run("bdat", octets));
