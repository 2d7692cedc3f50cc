//! The shipped program.

use std::process::ExitCode;

use zk_ceremony::Host;

fn main() -> ExitCode {
    zk_ceremony::main(Host { program: "zk-ceremony", checkout: None, example: None })
}
