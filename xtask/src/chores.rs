//! The chores of this checkout: what a maintainer runs besides the program.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::NAME;

/// Each chore with its arguments, and what it does.
const CHORES: [(&str, &str); 5] = [
    ("ci", "everything that CI runs (ci/test.sh)"),
    ("fuzz short|long", "the fuzz targets (ci/fuzz.sh)"),
    ("bench [ARGUMENTS]", "against the peer tools (ci/bench-peers.sh)"),
    ("attacks", "the collection of attacks alone"),
    ("golden [--check]", "the guard's dependency tree (ci/guard-tree.txt), after a review"),
];

/// Runs a chore, if the first word names one.
pub(crate) fn run(checkout: &Path, words: &[String]) -> Option<ExitCode> {
    let (chore, rest) = words.split_first()?;
    let script = |name: &str| {
        let mut command = Command::new(checkout.join("ci").join(name));
        command.args(rest);
        command
    };
    let command = match chore.as_str() {
        "ci" => script("test.sh"),
        "fuzz" => script("fuzz.sh"),
        "bench" => script("bench-peers.sh"),
        "attacks" => {
            let mut command = cargo();
            command.args(["test", "--locked", "--package", "zk-ceremony", "attacks::"]);
            command
        }
        "golden" => return Some(golden(checkout, rest.iter().any(|word| word == "--check"))),
        "chores" => {
            println!("Chores of this checkout:");
            for (chore, does) in CHORES {
                println!("  {NAME} {chore:<18}  {does}");
            }
            println!("Every other command is the program's: {NAME} --help");
            return Some(ExitCode::SUCCESS);
        }
        _ => return None,
    };
    Some(status_of(command, checkout))
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn status_of(mut command: Command, checkout: &Path) -> ExitCode {
    match command.current_dir(checkout).status() {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            ExitCode::from(code.unwrap_or(1))
        }
        Err(error) => {
            eprintln!("error: {}: {error}", command.get_program().to_string_lossy());
            ExitCode::from(2)
        }
    }
}

/// Writes the guard's dependency tree as it is now, or compares it.
fn golden(checkout: &Path, check: bool) -> ExitCode {
    let output = cargo()
        .args(["tree", "--package", "zk-vk-guard", "--edges", "normal", "--prefix", "none"])
        .arg("--locked")
        .current_dir(checkout)
        .output();
    let listed = match output {
        Ok(output) if output.status.success() => output.stdout,
        Ok(output) => {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            return ExitCode::from(2);
        }
        Err(error) => {
            eprintln!("error: cargo tree: {error}");
            return ExitCode::from(2);
        }
    };
    let text = String::from_utf8_lossy(&listed);
    // Each crate once, without the folder of our own.
    let mut crates: Vec<&str> =
        text.lines().map(|line| line.split(" (").next().unwrap_or(line)).collect();
    crates.sort_unstable();
    crates.dedup();
    let found = crates.join("\n") + "\n";
    let path = checkout.join("ci/guard-tree.txt");
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    if known == found {
        println!("{}: as it is", path.display());
        return ExitCode::SUCCESS;
    }
    if check {
        eprintln!("error: {}: the guard's dependency tree has changed", path.display());
        eprintln!("hint: review what is new, then run `{NAME} golden`");
        return ExitCode::from(1);
    }
    match std::fs::write(&path, found) {
        Ok(()) => {
            println!("{}: written; review the difference", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}: {error}", path.display());
            ExitCode::from(2)
        }
    }
}
