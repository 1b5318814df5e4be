//! libFuzzer on the target `auth`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| fuzz::run("auth", octets));
