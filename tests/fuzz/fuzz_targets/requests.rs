#![no_main]

#[path = "../requests.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::requests(data));
