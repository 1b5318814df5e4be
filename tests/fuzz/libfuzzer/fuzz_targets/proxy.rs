//! libFuzzer on the target `proxy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| fuzz::run("proxy", octets));
