//! libFuzzer on the target `address`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| fuzz::run("address", octets));
