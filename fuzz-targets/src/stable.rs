//! Runs targets without libFuzzer: first every seed, then seeded mutations, each repeatable from
//! its number.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::mutate::{Random, mutate};
use crate::{TARGETS, Target};

const USAGE: &str = "usage: replay [--target NAME]... [--executions N] [--first N] [--seconds N]

  --target NAME      only this target; all without
  --executions N     mutations for each target, after the seeds (default 0)
  --first N          begin with this mutation: what a finding's number repeats
  --seconds N        end a target after N seconds, however many executions are left

Exit status: 0 no finding, 1 a finding, 2 wrong arguments or no seeds.";

/// One execution at most. A file of a few kilobytes that takes longer is a finding.
const SLOW: Duration = Duration::from_secs(10);

/// What to run.
#[derive(Clone, Debug, Default)]
struct Plan {
    targets: Vec<String>,
    executions: u64,
    first: u64,
    seconds: Option<u64>,
}

/// What a target did.
#[derive(Clone, Debug, Default)]
struct Tally {
    executions: u64,
    accepted: u64,
}

/// The command line. `target` is the one of a target's own binary.
#[must_use]
pub fn main(target: Option<&str>) -> ExitCode {
    let plan = match plan(std::env::args().skip(1), target) {
        Ok(plan) => plan,
        Err(wrong) => {
            eprintln!("error: {wrong}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    // As large as that of a program's first thread, which build scripts run on.
    let worker = std::thread::Builder::new().stack_size(8 << 20).spawn(move || run(&plan));
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => ExitCode::from(code),
        _ => ExitCode::from(2),
    }
}

fn plan(mut arguments: impl Iterator<Item = String>, target: Option<&str>) -> Result<Plan, String> {
    let mut plan =
        Plan { targets: target.map(str::to_owned).into_iter().collect(), ..Plan::default() };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
        match argument.as_str() {
            "--target" => plan.targets.push(value()?),
            "--executions" => plan.executions = number(value()?)?,
            "--first" => plan.first = number(value()?)?,
            "--seconds" => plan.seconds = Some(number(value()?)?),
            _ => return Err(format!("unknown argument {argument}")),
        }
    }
    match plan.targets.iter().find(|name| !TARGETS.iter().any(|(target, _)| target == name)) {
        Some(unknown) => Err(format!(
            "no target {unknown}; there are {}",
            TARGETS.map(|(name, _)| name).join(", ")
        )),
        None => Ok(plan),
    }
}

fn run(plan: &Plan) -> u8 {
    let wanted =
        |name: &str| plan.targets.is_empty() || plan.targets.iter().any(|target| target == name);
    for target in TARGETS.iter().filter(|(name, _)| wanted(name)) {
        let seeds = match seeds(target.0) {
            Ok(seeds) if !seeds.is_empty() => seeds,
            _ => {
                eprintln!("error: no seeds in {}", folder(target.0).display());
                return 2;
            }
        };
        let begun = Instant::now();
        match fuzz(target, &seeds, plan, begun) {
            Ok(Tally { executions, accepted }) => {
                println!(
                    "{:<17} {executions:>9} executions, {accepted:>8} accepted, {:>7.1} s: no finding",
                    target.0,
                    begun.elapsed().as_secs_f64()
                );
            }
            Err(finding) => {
                eprintln!("error: {}: {finding}", target.0);
                return 1;
            }
        }
    }
    0
}

/// The folder `fuzz/` of the checkout.
#[must_use]
pub fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("fuzz")
}

/// Where a target's seeds lie.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    fuzz_folder().join("seeds").join(target)
}

/// A target's seeds by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn seeds(target: &str) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut seeds = Vec::new();
    for entry in std::fs::read_dir(folder(target))? {
        let path = entry?.path();
        seeds.push((
            path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            std::fs::read(&path)?,
        ));
    }
    seeds.sort();
    Ok(seeds)
}

fn fuzz(
    (name, target): &Target,
    seeds: &[(String, Vec<u8>)],
    plan: &Plan,
    begun: Instant,
) -> Result<Tally, String> {
    let mut tally = Tally::default();
    for (seed, bytes) in seeds {
        once(name, *target, bytes, &mut tally)
            .map_err(|finding| format!("seed {seed}: {finding}"))?;
    }
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|(_, bytes)| bytes.clone()).collect();
    let mut shown = Instant::now();
    for number in plan.first..plan.first.saturating_add(plan.executions) {
        if number % 256 == 0
            && plan.seconds.is_some_and(|seconds| begun.elapsed().as_secs() >= seconds)
        {
            break;
        }
        if number % 256 == 0 && shown.elapsed() > Duration::from_secs(30) {
            eprintln!("{name}: mutation {number}");
            shown = Instant::now();
        }
        let bytes = mutate(&seeds, &mut Random::new(number));
        once(name, *target, &bytes, &mut tally)
            .map_err(|finding| format!("mutation {number}: {finding}"))?;
    }
    Ok(tally)
}

fn once(
    name: &str,
    target: fn(&[u8]) -> bool,
    bytes: &[u8],
    tally: &mut Tally,
) -> Result<(), String> {
    let begun = Instant::now();
    let finding = match catch_unwind(AssertUnwindSafe(|| target(bytes))) {
        Ok(accepted) => {
            tally.executions += 1;
            tally.accepted += u64::from(accepted);
            if begun.elapsed() < SLOW {
                return Ok(());
            }
            format!("takes {:?}", begun.elapsed())
        }
        Err(_) => "panics".to_owned(),
    };
    let artifacts = fuzz_folder().join("artifacts").join(name);
    let path = artifacts.join(format!("finding-{}", bytes.len()));
    let kept = std::fs::create_dir_all(&artifacts).and_then(|()| std::fs::write(&path, bytes));
    Err(kept.map_or(finding.clone(), |()| format!("{finding}; the input is in {}", path.display())))
}
