//! Writes a circuit that `ci/bench-peers.sh` measures with: `circuits KIND POWER OUT.r1cs`. KIND is
//! `squares`, or `mixed`, `mixed-half` or `mixed-long`, whose coefficients other than 1 and -1 are
//! short, one half of them long, or all of them.
#![allow(unreachable_pub)] // the modules are the tests'

use std::process::ExitCode;

use testkit::mixed::mixed;
use testkit::squares::squares;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, power, out] = arguments.as_slice() else { return usage() };
    let Some(power) = power.parse().ok().filter(|power| (3..=26).contains(power)) else {
        return usage();
    };
    let circuit = match kind.as_str() {
        "squares" => squares(power),
        "mixed" => mixed(power, u64::MAX),
        "mixed-half" => mixed(power, 2),
        "mixed-long" => mixed(power, 1),
        _ => return usage(),
    };
    match std::fs::write(out, circuit) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{out}: {error}");
            ExitCode::from(2)
        }
    }
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: circuits squares|mixed|mixed-half|mixed-long POWER OUT.r1cs (a power of 3 to 26)"
    );
    ExitCode::from(2)
}
