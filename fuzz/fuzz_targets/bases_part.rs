//! See `fuzz_targets::bases_part`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz_targets::bases_part(data);
});

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    fuzz_targets::stable::main(Some("bases_part"))
}
