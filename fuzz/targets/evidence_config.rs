#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    adit_fuzz::evidence::evidence_config(data);
    adit_fuzz::compare::against_itself(data);
});
