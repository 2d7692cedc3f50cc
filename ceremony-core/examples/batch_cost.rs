//! What a proof costs alone and in a batch: `batch_cost PROOFS`.
//!
//! Prints the CPU milliseconds of one proof, verified by arkworks, by its own equation here, and in
//! a batch, all in this run; then what naming one bad proof among them costs.

use bn254_batch::curve::{Bn254, Fr};
use ceremony_core::proofs::ProofVerifier;
use testkit::simulated::Trapdoor;

/// User and system seconds of this process so far.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells the time in /proc");
    let after_name = &stat[stat.rfind(')').expect("a name in parentheses") + 2..];
    let ticks = |i: usize| after_name.split(' ').nth(i).and_then(|word| word.parse().ok());
    let (user, system): (f64, f64) = (ticks(11).expect("utime"), ticks(12).expect("stime"));
    (user + system) / 100.0
}

/// The milliseconds of CPU that some work takes.
fn timed(work: impl FnOnce()) -> f64 {
    let begun = cpu();
    work();
    1000.0 * (cpu() - begun)
}

fn main() -> std::process::ExitCode {
    let Some(count @ 1..=100_000) =
        std::env::args().nth(1).and_then(|count| count.parse::<u32>().ok())
    else {
        eprintln!("usage: batch_cost PROOFS (1 to 100000)");
        return std::process::ExitCode::from(2);
    };
    let mut trapdoor = Trapdoor::new(1, 2);
    let mut claims: Vec<_> = (0..count).map(|_| trapdoor.claim()).collect();
    let verifier = ProofVerifier::new(trapdoor.key());
    let prepared = ark_groth16::prepare_verifying_key(&trapdoor.key());
    let each = f64::from(count);
    let arkworks = timed(|| {
        for claim in &claims {
            let holds =
                ark_groth16::Groth16::<Bn254>::verify_proof(&prepared, &claim.proof, &claim.inputs);
            assert!(holds.expect("as many inputs as the key has"));
        }
    }) / each;
    let alone = timed(|| {
        for claim in &claims {
            assert!(verifier.verify(claim).expect("as many inputs as the key has"));
        }
    }) / each;
    let batch = timed(|| {
        assert!(verifier.verify_batch(&claims).expect("randomness").is_empty());
    }) / each;
    let middle = claims.len() / 2;
    claims[middle].inputs[0] += Fr::from(1u64);
    let named = timed(|| {
        assert_eq!(verifier.verify_batch(&claims).expect("randomness"), [middle]);
    }) / each;
    println!("{count} proofs, 2 public inputs, milliseconds of CPU a proof");
    println!("  one by one, arkworks   {arkworks:>7.3}");
    println!("  one by one             {alone:>7.3}");
    println!("  in one batch           {batch:>7.3}");
    println!("  and one bad one named  {named:>7.3}");
    println!("  arkworks / batch       {:>7.2}", arkworks / batch);
    std::process::ExitCode::SUCCESS
}
