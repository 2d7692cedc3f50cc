//! Runs the fuzz targets on a stable toolchain: see `zk_ceremony_fuzz::stable`.

fn main() -> std::process::ExitCode {
    zk_ceremony_fuzz::stable::main(None)
}
