//! libFuzzer on the target `command`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| fuzz::run("command", octets));
