//! What is left of a contribution in the memory of the process that made it: a child of this test
//! is given its "randomness of the operating system", contributes and waits; then all that it can
//! write to is searched.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::process::{ChildStdin, Command, Stdio};

use ark_ff::{BigInteger, Field, PrimeField};
use bn254_batch::curve::Fr;
use chacha20::rand_core::Rng;
use testkit::known_tau;
use testkit::memory::Needles;
use zeroize::Zeroizing;

use super::{new_threads, run_and_overwrite};
use crate::commit::{KeptSeed, SEED_BYTES};
use crate::draw::{chacha_from_hash, draw_field};
use crate::entropy::ContributionRng;
use crate::format::ptau::{Power, Ptau};
use crate::format::r1cs::{R1cs, Shape, write_r1cs};
use crate::format::zkey::Zkey;
use crate::hash::Blake2b512;
use crate::phase1::contribute::{contribute as contribute_to_phase_1, new};
use crate::phase2::contribute::contribute as contribute_to_phase_2;
use crate::phase2::initial_key::new_key;
use crate::progress::NoProgress;

const ROLE: &str = "TEST_ROLE";
const TEXT: &[u8] = b"what the participant types, which the parent process knows too";

#[test]
fn a_contribution_to_phase_1_leaves_no_secret_in_memory() {
    assert_eq!(left_by("phase 1"), [""; 0]);
}

#[test]
fn a_contribution_to_phase_2_leaves_no_secret_in_memory() {
    assert_eq!(left_by("phase 2"), [""; 0]);
}

#[test]
fn randomness_that_was_kept_since_a_commitment_leaves_no_secret_in_memory() {
    assert_eq!(left_by("kept"), [""; 0]);
}

/// The search finds what is there: on the heap and on the stack of a thread that has ended.
#[test]
fn a_secret_that_is_kept_or_moved_by_value_is_found() {
    let left = left_by("keep");
    for kept in ["generator key", "tau or delta", "1 / (tau or delta)"] {
        assert!(left.contains(&kept), "{kept}: {left:?}");
    }
}

/// When a thread ends, Linux takes its stack away, which would hide what is left on it. So the
/// threads of these children wait for more work.
#[test]
fn stacks_are_overwritten_before_their_threads_end() {
    assert_ne!(left_by("stacks as they are"), [""; 0], "the search finds nothing");
    assert_eq!(left_by("stacks overwritten"), [""; 0]);
}

/// Each value, in the forms that it may have in memory.
fn needles(os: &[u8; 64], phase: &str) -> Needles {
    let seed = Blake2b512::digest(&[os, TEXT]);
    let mut key = [0; 32];
    for (key, word) in key.chunks_exact_mut(4).zip(seed.chunks_exact(4)) {
        key.copy_from_slice(word);
        key.reverse();
    }
    let mut needles = Needles::default();
    let mut add = |name, bytes: &[u8]| needles.add(name, bytes);
    add("bytes of the operating system", os);
    add("text", TEXT);
    add("seed", &seed);
    add("generator key", &key);
    let mut rng = chacha_from_hash(&seed);
    let mut stream = chacha_from_hash(&seed);
    let words: Vec<u8> = (0..8).flat_map(|_| stream.next_u32().to_le_bytes()).collect();
    add("first draw", &words[..24]);
    let [first, second, third]: [Fr; 3] = std::array::from_fn(|_| draw_field(&mut rng));
    let mut values = vec![
        ("tau or delta", first),
        ("1 / (tau or delta)", first.inverse().unwrap()),
        ("(tau or delta)^2", first.square()),
    ];
    // In phase 2 a public point is drawn from what would be alpha and beta in phase 1.
    if phase != "phase 2" {
        values.extend([
            ("alpha", second),
            ("1 / alpha", second.inverse().unwrap()),
            ("beta", third),
            ("1 / beta", third.inverse().unwrap()),
            ("alpha tau", first * second),
            ("beta tau", first * third),
        ]);
    }
    for (name, value) in values {
        for form in [value.into_bigint(), value.0] {
            add(name, &form.to_bytes_le());
            add(name, &form.to_bytes_be());
        }
    }
    needles
}

/// What a child has left in its memory, by name.
fn left_by(role: &str) -> Vec<&'static str> {
    let mut os = [0; 64];
    getrandom::fill(&mut os).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "secret_threads::tests::child", "--include-ignored", "--nocapture"])
        .args(["--test-threads=1"])
        .env(ROLE, role)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input: ChildStdin = child.stdin.take().unwrap();
    input.write_all(&os).unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.by_ref().any(|line| line.contains("have contributed")));
    let left = needles(&os, role).found_in(child.id());
    drop(input);
    // To its end, for a program that cannot write its last line fails.
    said.for_each(drop);
    assert!(child.wait().unwrap().success());
    left
}

#[test]
#[ignore = "the process that the others search"]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let mut os = Box::new(Zeroizing::new([0; 64]));
    // Not by way of the buffer of `std::io::stdin`.
    let mut input = File::open("/proc/self/fd/0").unwrap();
    input.read_exact(&mut **os).unwrap();
    let mut kept = Vec::new();
    match role.as_str() {
        "phase 1" => {
            let mut start = Cursor::new(Vec::new());
            new(Power::new(9).unwrap(), &mut start, &NoProgress).unwrap();
            let mut input = Ptau::open(start).unwrap();
            let output = Cursor::new(Vec::new());
            let rng = ContributionRng::from_bytes_and_text(os, TEXT);
            contribute_to_phase_1(&mut input, output, rng, None, &NoProgress).unwrap();
        }
        // Two attempts, as after a turn that ran out.
        "kept" => {
            let seed = KeptSeed::of(Zeroizing::new(vec![0; SEED_BYTES]), &os, TEXT).unwrap();
            drop(os);
            seed.phase1_opening().unwrap();
            let mut start = Cursor::new(Vec::new());
            new(Power::new(9).unwrap(), &mut start, &NoProgress).unwrap();
            for _ in 0..2 {
                let mut input = Ptau::open(&mut start).unwrap();
                let output = Cursor::new(Vec::new());
                contribute_to_phase_1(&mut input, output, seed.rng(), None, &NoProgress).unwrap();
            }
        }
        "phase 2" => {
            let rng = ContributionRng::from_bytes_and_text(os, TEXT);
            contribute_to_phase_2(
                &mut first_key(),
                Cursor::new(Vec::new()),
                rng,
                None,
                &NoProgress,
            )
            .unwrap();
        }
        "stacks as they are" | "stacks overwritten" => {
            let threads = new_threads().unwrap();
            let rng = ContributionRng::from_bytes_and_text(os, TEXT);
            let work = move || {
                let mut generator = rng.generator();
                black_box(generator.secret().inverse().unwrap());
            };
            match role.as_str() {
                "stacks overwritten" => run_and_overwrite(&threads, work),
                _ => threads.install(work),
            }
            std::mem::forget(threads);
        }
        _ => {
            let mut generator = ContributionRng::from_bytes_and_text(os, TEXT).generator();
            kept.push(generator.secret());
            kept.push(
                std::thread::spawn(move || {
                    let secret = generator.secret();
                    std::mem::forget(generator);
                    secret
                })
                .join()
                .unwrap(),
            );
            kept.push(kept[0].inverse().unwrap());
        }
    }
    println!("have contributed");
    assert_eq!(input.read(&mut [0]).unwrap(), 0);
    drop(kept);
}

/// The initial key of a circuit that has a wire in no constraint, whose point is infinity.
fn first_key() -> Zkey<Cursor<Vec<u8>>> {
    let one = Fr::from(1u64);
    let constraints = 510;
    let wire = |i| vec![(one, i)];
    let rows = (0..constraints).map(|i| [wire(i + 1), wire(i + 1), wire(i + 2)]);
    let shape = Shape::new(constraints + 3, 1, 0, 1, constraints).unwrap();
    let r1cs = write_r1cs(Cursor::new(Vec::new()), shape, rows).unwrap();
    let ptau = known_tau::prepared(9, known_tau::secrets("memory"), known_tau::participant());
    let mut key = Cursor::new(Vec::new());
    new_key(
        &mut R1cs::open(r1cs).unwrap(),
        &mut Ptau::open(Cursor::new(ptau)).unwrap(),
        &mut key,
        &NoProgress,
    )
    .unwrap();
    Zkey::open(key).unwrap()
}
