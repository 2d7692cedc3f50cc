//! Writes the circuit that `ci/bench-peers.sh` measures with: `squares POWER OUT.r1cs`.
#![allow(unreachable_pub)] // the module is the tests'

use testkit::squares;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let power = arguments
        .first()
        .and_then(|power| power.parse().ok())
        .filter(|power| (2..=26).contains(power));
    let (Some(power), [_, out]) = (power, arguments.as_slice()) else {
        eprintln!("usage: squares POWER OUT.r1cs (a power of 2 to 26)");
        return std::process::ExitCode::from(2);
    };
    match std::fs::write(out, squares::squares(power)) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{out}: {error}");
            std::process::ExitCode::from(2)
        }
    }
}
