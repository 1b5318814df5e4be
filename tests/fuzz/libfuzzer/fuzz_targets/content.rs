//! libFuzzer on the target `content`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| fuzz::run("content", octets));
