//! See `zk_ceremony_fuzz::ceremony_toml`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    zk_ceremony_fuzz::ceremony_toml(data);
});

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    zk_ceremony_fuzz::stable::main(Some("ceremony_toml"))
}
