#![no_main]

#[path = "../../it/support/forms.rs"]
mod forms;
#[path = "../laws.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::transcript(data));
