//! Runs the fuzz targets on a stable toolchain: see `fuzz_targets::stable`.

fn main() -> std::process::ExitCode {
    fuzz_targets::stable::main(None)
}
