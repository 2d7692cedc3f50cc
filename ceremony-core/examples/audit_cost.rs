//! What an audit costs that verifies each file of a chain after the one before it, as `ceremony
//! verify` does: `audit_cost POWER CONTRIBUTIONS [CONTRIBUTIONS]...`.
//!
//! For each number of contributions, in rising order, the seconds of CPU that verifying all files
//! up to there took, for both phases, and those of the last file alone, proven from its first
//! record.
#![allow(unreachable_pub)]

use std::io::Cursor;

use ceremony_core::entropy::ContributionRng;
use ceremony_core::format::ptau::{Power, Ptau};
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::phase1;
use ceremony_core::phase2;
use ceremony_core::phase2::initial_key::new_key;
use ceremony_core::progress::NoProgress;
use testkit::{known_tau, squares};

/// User and system seconds of this process so far.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells the time in /proc");
    let after_name = &stat[stat.rfind(')').expect("a name in parentheses") + 2..];
    let ticks = |i: usize| after_name.split(' ').nth(i).and_then(|word| word.parse().ok());
    let (user, system): (f64, f64) = (ticks(11).expect("utime"), ticks(12).expect("stime"));
    (user + system) / 100.0
}

/// The seconds that some work takes, and what it gives.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begun = cpu();
    let made = work();
    (cpu() - begun, made)
}

fn rng() -> ContributionRng {
    ContributionRng::from_os_and_text(b"").expect("randomness")
}

fn phase_1(power: u32, counts: &[usize]) {
    use phase1::verify::{Expectations, verify};

    let power = Power::new(power).expect("a power");
    let mut file = Cursor::new(Vec::new());
    phase1::contribute::new(power, &mut file, &NoProgress).expect("a new file");
    let (mut file, mut records, mut spent) = (file.into_inner(), Vec::new(), 0.0);
    for count in 1..=*counts.last().unwrap_or(&0) {
        let mut next = Cursor::new(Vec::new());
        let mut before = Ptau::open(Cursor::new(file)).expect("our file");
        phase1::contribute::contribute(&mut before, &mut next, rng(), None, &NoProgress)
            .expect("a contribution");
        file = next.into_inner();
        let expectations = Expectations {
            earlier: (count > 1).then_some(records.as_slice()),
            proven: (count > 1).then_some(power),
            ..Expectations::default()
        };
        let (seconds, (ptau, _)) = timed(|| {
            verify(Cursor::new(&file), &expectations, &NoProgress).expect("an honest file")
        });
        spent += seconds;
        records = ptau.contributions().to_vec();
        if counts.contains(&count) {
            let (alone, _) = timed(|| {
                verify(Cursor::new(&file), &Expectations::default(), &NoProgress)
                    .expect("an honest file")
            });
            report(1, count, spent, alone);
        }
    }
}

fn phase_2(power: u32, counts: &[usize]) {
    use phase2::verify::{Expectations, verify};

    let circuit = squares::squares(power);
    let ptau = known_tau::prepared(power, known_tau::secrets("audit"), known_tau::participant());
    let r1cs = || R1cs::open(Cursor::new(&circuit)).expect("our circuit");
    let powers = || Ptau::open(Cursor::new(&ptau)).expect("our powers");
    let mut file = Cursor::new(Vec::new());
    new_key(&mut r1cs(), &mut powers(), &mut file, &NoProgress).expect("an initial key");
    let (mut file, mut proven, mut spent) = (file.into_inner(), Vec::new(), 0.0);
    for count in 1..=*counts.last().unwrap_or(&0) {
        let mut next = Cursor::new(Vec::new());
        let mut before = Zkey::open(Cursor::new(file)).expect("our key");
        phase2::contribute::contribute(&mut before, &mut next, rng(), None, &NoProgress)
            .expect("a contribution");
        file = next.into_inner();
        let mut key = Zkey::open(Cursor::new(&file)).expect("our key");
        let expectations = Expectations { proven, ..Expectations::default() };
        let (seconds, _) = timed(|| {
            verify(&mut r1cs(), &mut powers(), &mut key, &expectations, &NoProgress)
                .expect("an honest key")
        });
        spent += seconds;
        proven = key.contributions().to_vec();
        if counts.contains(&count) {
            let expectations = Expectations::default();
            let (alone, _) = timed(|| {
                verify(&mut r1cs(), &mut powers(), &mut key, &expectations, &NoProgress)
                    .expect("an honest key")
            });
            report(2, count, spent, alone);
        }
    }
}

fn report(phase: u32, count: usize, all: f64, last: f64) {
    #[allow(clippy::cast_precision_loss)] // a few thousand
    let each = 1000.0 * all / count as f64;
    println!(
        "phase {phase}, {count:>5} contributions: {all:>8.2} s, {each:>7.1} ms a file; the last \
         file alone {last:>6.2} s"
    );
}

fn main() -> std::process::ExitCode {
    let numbers: Option<Vec<u32>> =
        std::env::args().skip(1).map(|argument| argument.parse().ok()).collect();
    let Some([power @ 2..=16, counts @ ..]) = numbers.as_deref() else {
        eprintln!("usage: audit_cost POWER CONTRIBUTIONS... (a power of 2 to 16)");
        return std::process::ExitCode::from(2);
    };
    let mut counts: Vec<usize> = counts.iter().map(|count| *count as usize).collect();
    counts.sort_unstable();
    phase_1(*power, &counts);
    phase_2(*power, &counts);
    std::process::ExitCode::SUCCESS
}
