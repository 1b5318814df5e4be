//! libFuzzer on the target `session`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| fuzz::run("session", octets));
