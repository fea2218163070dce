#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| adit_fuzz::esp::offload(data));
