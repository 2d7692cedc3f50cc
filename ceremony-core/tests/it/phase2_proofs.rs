//! One key for both provers: snarkjs proves with the `.zkey`, arkworks with the exported proving
//! key, and one verifying key accepts both.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, PrimeField};
use ark_groth16::Proof;
use ark_relations::gr1cs::predicate::PredicateConstraintSystem;
use ark_relations::gr1cs::predicate::polynomial_constraint::SR1CS_PREDICATE_LABEL;
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError};
use ark_relations::lc;
use ark_serialize::CanonicalDeserialize;
use ark_snark::SNARK;
use bn254_batch::curve::{Bn254, Fq, Fq2, Fr, G1Affine, G2Affine};
use ceremony_core::entropy::ContributionRng;
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::verification_key::{
    JsonError, read_verification_key, write_verification_key,
};
use ceremony_core::format::wtns::read_wtns;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::keygen::{
    Groth16, ProvingKey, SelfTestError, VerifyingKey, VerifyingKeyDefect, check_consistency,
    check_verifying_key, prove_and_verify, proving_key, verifying_key, verifying_key_bytes,
    write_proving_key,
};
use ceremony_core::limits::MAX_VERIFICATION_KEY_JSON_BYTES;
use ceremony_core::phase2::arkworks::{
    AssignedCircuit, ExportError, WitnessError, export_r1cs, export_wtns,
};
use ceremony_core::phase2::contribute::contribute;
use ceremony_core::phase2::initial_key::new_key;
use ceremony_core::phase2::verify::{Expectations, verify};
use ceremony_core::progress::NoProgress;
use testkit::circuits::{compile, snarkjs, snarkjs_exit};
use testkit::kept;
use testkit::known_tau::{self, scalar};

/// A randomness for arkworks' prover, from the OS.
struct OsRng;

impl ark_std::rand::RngCore for OsRng {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }
    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }
    fn fill_bytes(&mut self, dest: &mut [u8]) {
        getrandom::fill(dest).unwrap();
    }
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), ark_std::rand::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl ark_std::rand::CryptoRng for OsRng {}

/// A folder with c.r1cs, p.ptau and a verified final.zkey of one contribution.
struct Finished {
    dir: tempfile::TempDir,
}

impl Finished {
    fn new(dir: tempfile::TempDir, ptau: &[u8]) -> Self {
        let finished = Self { dir };
        fs::write(finished.path("p.ptau"), ptau).unwrap();
        let mut ptau = Ptau::open(fs::File::open(finished.path("p.ptau")).unwrap()).unwrap();
        new_key(
            &mut finished.r1cs(),
            &mut ptau,
            fs::File::create(finished.path("0.zkey")).unwrap(),
            &NoProgress,
        )
        .unwrap();
        let mut initial = Zkey::open(fs::File::open(finished.path("0.zkey")).unwrap()).unwrap();
        let out = fs::File::create(finished.path("final.zkey")).unwrap();
        contribute(
            &mut initial,
            out,
            ContributionRng::from_os_and_text(b"").unwrap(),
            None,
            &NoProgress,
        )
        .unwrap();
        verify(
            &mut finished.r1cs(),
            &mut ptau,
            &mut finished.key(),
            &Expectations::default(),
            &NoProgress,
        )
        .unwrap();
        finished
    }

    /// A circom circuit, with its witness for `input` in w.wtns.
    fn circom(name: &str, flags: &[&str], input: &str, ptau: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::rename(compile(name, flags, dir.path()), dir.path().join("c.r1cs")).unwrap();
        fs::write(dir.path().join("input.json"), input).unwrap();
        snarkjs(
            dir.path(),
            &["wtns", "calculate", &format!("{name}_js/{name}.wasm"), "input.json", "w.wtns"],
        );
        Self::new(dir, ptau)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn r1cs(&self) -> R1cs<fs::File> {
        R1cs::open(fs::File::open(self.path("c.r1cs")).unwrap()).unwrap()
    }

    fn key(&self) -> Zkey<fs::File> {
        Zkey::open(fs::File::open(self.path("final.zkey")).unwrap()).unwrap()
    }

    fn witness(&self) -> Vec<Fr> {
        read_wtns(fs::File::open(self.path("w.wtns")).unwrap()).unwrap()
    }

    fn assigned(&self) -> AssignedCircuit {
        AssignedCircuit::new(&mut self.r1cs(), self.witness()).unwrap()
    }

    fn proving_key(&self) -> ProvingKey {
        proving_key(&mut self.key(), &NoProgress).unwrap()
    }

    /// snarkjs proves with the `.zkey`; our verifying key accepts.
    fn snarkjs_proves(&self, vk: &VerifyingKey, inputs: &[Fr]) {
        snarkjs(
            self.dir.path(),
            &["groth16", "prove", "final.zkey", "w.wtns", "proof.json", "public.json"],
        );
        let proof = read_proof(&self.path("proof.json"));
        assert!(Groth16::verify(vk, inputs, &proof).unwrap());
        if let Some((first, rest)) = inputs.split_first() {
            let others: Vec<Fr> = [&[*first + Fr::ONE], rest].concat();
            assert!(!Groth16::verify(vk, &others, &proof).unwrap());
        }
    }

    /// snarkjs accepts an arkworks proof with our verification_key.json, and not for other inputs.
    fn snarkjs_verifies(&self, vk: &VerifyingKey, inputs: &[Fr], proof: &Proof<Bn254>) {
        fs::write(self.path("vk.json"), write_verification_key(vk).unwrap()).unwrap();
        write_proof(&self.path("ark_proof.json"), proof);
        let write_inputs = |inputs: &[Fr]| {
            let strings: Vec<String> = inputs.iter().map(|i| i.to_string()).collect();
            fs::write(self.path("ark_public.json"), serde_json::to_string(&strings).unwrap())
                .unwrap();
        };
        let args = ["groth16", "verify", "vk.json", "ark_public.json", "ark_proof.json"];
        write_inputs(inputs);
        assert!(snarkjs(self.dir.path(), &args).contains("OK!"));
        if !inputs.is_empty() {
            let mut others = inputs.to_vec();
            others[0] += Fr::ONE;
            write_inputs(&others);
            snarkjs_exit(self.dir.path(), &args, false);
        }
    }
}

fn read_proof(path: &Path) -> Proof<Bn254> {
    let json: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let fq = |v: &serde_json::Value| v.as_str().unwrap().parse::<Fq>().unwrap();
    let g1 = |v: &serde_json::Value| G1Affine::new(fq(&v[0]), fq(&v[1]));
    let fq2 = |v: &serde_json::Value| Fq2::new(fq(&v[0]), fq(&v[1]));
    let b = &json["pi_b"];
    Proof { a: g1(&json["pi_a"]), b: G2Affine::new(fq2(&b[0]), fq2(&b[1])), c: g1(&json["pi_c"]) }
}

fn write_proof(path: &Path, proof: &Proof<Bn254>) {
    let g1 = |p: G1Affine| [p.x.to_string(), p.y.to_string(), "1".into()];
    let fq2 = |c: Fq2| [c.c0.to_string(), c.c1.to_string()];
    let json = serde_json::json!({
        "pi_a": g1(proof.a),
        "pi_b": [fq2(proof.b.x), fq2(proof.b.y), ["1".to_string(), "0".to_string()]],
        "pi_c": g1(proof.c),
        "protocol": "groth16",
        "curve": "bn128",
    });
    fs::write(path, json.to_string()).unwrap();
}

fn ptau(power: u32) -> Vec<u8> {
    known_tau::prepared(power, known_tau::secrets("proofs"), known_tau::participant())
}

fn many_public_input() -> String {
    let x: Vec<String> = (2..302).map(|i| i.to_string()).collect();
    serde_json::json!({ "x": x }).to_string()
}

fn both_provers(finished: &Finished) {
    let (circuit, key) = (finished.assigned(), finished.proving_key());
    let inputs = circuit.public_inputs();
    finished.snarkjs_proves(&key.vk, inputs);
    let proof = Groth16::prove(&key, &circuit, &mut OsRng).unwrap();
    assert!(Groth16::verify(&key.vk, inputs, &proof).unwrap());
    finished.snarkjs_verifies(&key.vk, inputs, &proof);
    prove_and_verify(&key, &circuit).unwrap();
    check_consistency(&mut finished.key(), &key).unwrap();
}

#[test]
fn both_provers_prove_a_poseidon_chain_of_circom() {
    let finished =
        Finished::circom("poseidon_chain", &["--O2"], r#"{"seed": "7", "salt": "11"}"#, &ptau(13));
    both_provers(&finished);
}

#[test]
fn both_provers_prove_with_many_public_inputs_and_a_ptau_of_equal_power() {
    let finished = Finished::circom("many_public", &[], &many_public_input(), &ptau(9));
    both_provers(&finished);
}

#[test]
fn both_provers_prove_with_columns_at_infinity() {
    let input = r#"{"only_a": "2", "only_b": "5", "only_c": "3", "nowhere": "4"}"#;
    both_provers(&Finished::circom("infinity_columns", &["--O0"], input, &ptau(5)));
}

#[test]
fn both_provers_prove_without_public_inputs() {
    both_provers(&Finished::circom("no_public", &[], r#"{"a": "5", "b": "7"}"#, &ptau(4)));
}

/// y = x^3 + x + 5 with linear combinations of linear combinations, which arkworks inlines, and a
/// witness that nothing uses.
#[derive(Clone)]
struct Cubic {
    x: Option<Fr>,
}

impl ConstraintSynthesizer<Fr> for Cubic {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let five = Fr::from(5u64);
        let missing = || SynthesisError::AssignmentMissing;
        let x = cs.new_witness_variable(|| self.x.ok_or_else(missing))?;
        let y =
            cs.new_input_variable(|| self.x.map(|x| x * x * x + x + five).ok_or_else(missing))?;
        let _unused = cs.new_witness_variable(|| Ok(Fr::from(1234u64)))?;
        let square = cs.new_witness_variable(|| self.x.map(|x| x * x).ok_or_else(missing))?;
        let twice = cs.new_lc(|| lc!() + x + x)?;
        let x_again = cs.new_lc(|| lc!() + twice - x)?;
        cs.enforce_r1cs_constraint(|| lc!() + x_again, || lc!() + x, || lc!() + square)?;
        let tail = cs.new_lc(|| lc!() + x + (five, ark_relations::gr1cs::Variable::One))?;
        cs.enforce_r1cs_constraint(
            || lc!() + square,
            || lc!() + twice,
            || lc!() + y + y - tail - tail,
        )
    }
}

#[test]
fn both_provers_prove_an_arkworks_circuit() {
    let dir = tempfile::tempdir().unwrap();
    let circuit = Cubic { x: Some(Fr::from(3u64)) };
    let (_, shape) =
        export_r1cs(Cubic { x: None }, fs::File::create(dir.path().join("c.r1cs")).unwrap())
            .unwrap();
    assert_eq!((shape.wires(), shape.public(), shape.constraints()), (5, 1, 2));
    export_wtns(circuit.clone(), fs::File::create(dir.path().join("w.wtns")).unwrap()).unwrap();
    let finished = Finished::new(dir, &ptau(4));
    assert!(
        snarkjs(finished.dir.path(), &["wtns", "check", "c.r1cs", "w.wtns"])
            .contains("WITNESS IS CORRECT")
    );
    let key = finished.proving_key();
    let inputs = [Fr::from(35u64)];
    finished.snarkjs_proves(&key.vk, &inputs);
    // The circuit itself, as its author would prove it.
    let proof = Groth16::prove(&key, circuit, &mut OsRng).unwrap();
    assert!(Groth16::verify(&key.vk, &inputs, &proof).unwrap());
    finished.snarkjs_verifies(&key.vk, &inputs, &proof);
    both_provers(&finished);
}

#[test]
fn constraints_that_are_not_rank_1_are_not_exported() {
    struct Square;
    impl ConstraintSynthesizer<Fr> for Square {
        fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
            cs.register_predicate(
                SR1CS_PREDICATE_LABEL,
                PredicateConstraintSystem::new_sr1cs_predicate()?,
            )?;
            let x = cs.new_witness_variable(|| Ok(Fr::from(2u64)))?;
            cs.enforce_r1cs_constraint(|| lc!() + x, || lc!() + x, || lc!() + x + x)?;
            cs.enforce_sr1cs_constraint(|| lc!() + x, || lc!() + x + x)
        }
    }
    let error = export_r1cs(Square, Cursor::new(Vec::new())).unwrap_err();
    assert!(matches!(error, ExportError::Predicate { found: 1, .. }), "{error}");
}

#[test]
fn the_proving_keys_h_is_tau_to_the_i_times_z_over_delta() {
    for power in [3, 5] {
        // Equal and larger power than the circuit's.
        let secrets = known_tau::secrets("proofs");
        let input = r#"{"only_a": "2", "only_b": "5", "only_c": "3", "nowhere": "4"}"#;
        let finished = Finished::circom("infinity_columns", &["--O0"], input, &ptau(power));
        // With a delta that the test knows.
        let key = testkit::forge::Step::honest("proofs")
            .apply(&fs::read(finished.path("0.zkey")).unwrap());
        let key = proving_key(&mut Zkey::open(Cursor::new(key)).unwrap(), &NoProgress).unwrap();
        assert_eq!(key.h_query.len(), 7);
        let delta = scalar("proofs", "delta");
        let z = secrets.tau.pow([8u64]) - Fr::ONE;
        for (i, h) in key.h_query.iter().enumerate() {
            assert_eq!(
                *h,
                (G1Affine::generator() * (secrets.tau.pow([i as u64]) * z / delta)).into_affine(),
                "{i}"
            );
        }
    }
}

#[test]
fn our_verification_key_json_equals_snarkjs() {
    for (name, flags, input, power) in [
        ("many_public", &[][..], many_public_input(), 10),
        ("no_public", &[], r#"{"a": "5", "b": "7"}"#.to_string(), 4),
    ] {
        let finished = Finished::circom(name, flags, &input, &ptau(power));
        snarkjs(
            finished.dir.path(),
            &["zkey", "export", "verificationkey", "final.zkey", "theirs.json"],
        );
        let key = verifying_key(&mut finished.key()).unwrap();
        let theirs = fs::read_to_string(finished.path("theirs.json")).unwrap();
        assert_eq!(write_verification_key(&key).unwrap(), theirs, "{name}");
        assert_eq!(read_verification_key(theirs.as_bytes()).unwrap(), key);
    }
}

fn small() -> Finished {
    let kept = kept::folder("phase2-proofs-small", &kept::built(&[]), |root| {
        let input = r#"{"a": "5", "b": "7"}"#;
        let made = Finished::circom("one_constraint", &[], input, &ptau(4));
        kept::copy(made.dir.path(), root);
    });
    let dir = tempfile::tempdir().unwrap();
    kept::copy(&kept, dir.path());
    Finished { dir }
}

#[test]
fn a_verifying_keys_bytes_are_arkworks_canonical_ones() {
    let key = verifying_key(&mut small().key()).unwrap();
    let bytes = verifying_key_bytes(&key).unwrap();
    let ic = key.gamma_abc_g1.len();
    assert_eq!(
        (bytes.compressed.len(), bytes.uncompressed.len()),
        (32 + 3 * 64 + 8 + 32 * ic, 64 + 3 * 128 + 8 + 64 * ic)
    );
    assert_eq!(VerifyingKey::deserialize_compressed(&bytes.compressed[..]).unwrap(), key);
    assert_eq!(VerifyingKey::deserialize_uncompressed(&bytes.uncompressed[..]).unwrap(), key);
}

#[test]
fn a_written_proving_key_reads_back() {
    let key = small().proving_key();
    let mut bytes = Vec::new();
    write_proving_key(&key, &mut bytes).unwrap();
    assert_eq!(ProvingKey::deserialize_uncompressed(&bytes[..]).unwrap(), key);
}

#[test]
fn a_proving_key_that_does_not_leave_the_buffer_is_an_error() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let key = small().proving_key();
    assert!(write_proving_key(&key, std::io::BufWriter::with_capacity(1 << 24, Full)).is_err());
}

#[test]
fn a_proving_key_with_a_wrong_element_fails_its_self_tests() {
    let finished = small();
    let (circuit, good) = (finished.assigned(), finished.proving_key());
    let shift = |p: &mut G1Affine| *p = (*p + G1Affine::generator()).into_affine();
    let consistency = |alter: &dyn Fn(&mut ProvingKey)| {
        let mut key = good.clone();
        alter(&mut key);
        check_consistency(&mut finished.key(), &key)
    };
    for i in 0..good.h_query.len() {
        let error = consistency(&|k| shift(&mut k.h_query[i])).unwrap_err();
        assert!(
            matches!(error, SelfTestError::Inconsistent("H is not that of the .zkey")),
            "{error}"
        );
    }
    // The other reduction's H, as the .zkey has it.
    assert!(
        consistency(&|k| {
            k.h_query[0] = G1Affine::generator();
        })
        .is_err()
    );
    for i in 0..good.b_g1_query.len() {
        let error = consistency(&|k| shift(&mut k.b_g1_query[i])).unwrap_err();
        assert!(
            matches!(error, SelfTestError::Inconsistent("B differs between G1 and G2")),
            "{error}"
        );
    }
    let error = consistency(&|k| shift(&mut k.beta_g1)).unwrap_err();
    assert!(
        matches!(error, SelfTestError::Inconsistent("beta differs between G1 and G2")),
        "{error}"
    );
    let error = consistency(&|k| shift(&mut k.delta_g1)).unwrap_err();
    assert!(
        matches!(error, SelfTestError::Inconsistent("delta differs between G1 and G2")),
        "{error}"
    );
    let error = consistency(&|k| k.vk.delta_g2 = k.vk.gamma_g2).unwrap_err();
    assert!(
        matches!(error, SelfTestError::VerifyingKey(VerifyingKeyDefect::DeltaIsGamma)),
        "{error}"
    );
    assert!(
        consistency(&|k| {
            k.l_query.pop();
        })
        .is_err()
    );
    assert!(
        consistency(&|k| {
            k.h_query.pop();
        })
        .is_err()
    );

    assert!(consistency(&|k| k.h_query.push(G1Affine::generator())).is_err());

    let proof = |alter: &dyn Fn(&mut ProvingKey)| {
        let mut key = good.clone();
        alter(&mut key);
        prove_and_verify(&key, &circuit)
    };
    // One constraint: its quotient is a constant, so that only h_0 is used.
    assert!(matches!(proof(&|k| shift(&mut k.a_query[0])), Err(SelfTestError::ProofRejected)));
    assert!(matches!(proof(&|k| shift(&mut k.l_query[0])), Err(SelfTestError::ProofRejected)));
    assert!(matches!(
        proof(&|k| shift(&mut k.vk.gamma_abc_g1[1])),
        Err(SelfTestError::ProofRejected)
    ));
    // An IC that ignores its input.
    assert!(matches!(
        proof(&|k| {
            let input = circuit.public_inputs()[0];
            k.vk.gamma_abc_g1[0] =
                (k.vk.gamma_abc_g1[0] + k.vk.gamma_abc_g1[1] * input).into_affine();
            k.vk.gamma_abc_g1[1] = G1Affine::zero();
        }),
        Err(SelfTestError::WrongInputsAccepted)
    ));
    assert!(matches!(
        proof(&|k| {
            k.a_query.pop();
        }),
        Err(SelfTestError::OtherCircuit { .. })
    ));
}

#[test]
fn a_witness_that_does_not_satisfy_the_circuit_is_refused() {
    let finished = small();
    let good = finished.witness();
    let with = |alter: &dyn Fn(&mut Vec<Fr>)| {
        let mut values = good.clone();
        alter(&mut values);
        AssignedCircuit::new(&mut finished.r1cs(), values).unwrap_err()
    };
    assert!(matches!(with(&|w| w[1] += Fr::ONE), WitnessError::Unsatisfied { constraint: 0 }));
    assert!(matches!(with(&|w| w[0] += Fr::ONE), WitnessError::One));
    assert!(matches!(with(&|w| w.push(Fr::ONE)), WitnessError::Length { found: 5, expected: 4 }));
    assert!(matches!(with(&|w| w.clear()), WitnessError::Length { found: 0, .. }));
}

#[test]
fn degenerate_verifying_keys_are_refused_by_one_function() {
    let good = verifying_key(&mut small().key()).unwrap();
    check_verifying_key(&good, 2).unwrap();
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let with = |alter: &dyn Fn(&mut VerifyingKey)| {
        let mut key = good.clone();
        alter(&mut key);
        check_verifying_key(&key, 2).unwrap_err()
    };
    use VerifyingKeyDefect::{DeltaIsGamma, Gamma, Generator, Infinity, Inputs};
    assert_eq!(with(&|k| k.alpha_g1 = g1), Generator("alpha"));
    assert_eq!(with(&|k| k.alpha_g1 = -g1), Generator("alpha"));
    assert_eq!(with(&|k| k.alpha_g1 = G1Affine::zero()), Infinity("alpha"));
    assert_eq!(with(&|k| k.beta_g2 = g2), Generator("beta"));
    assert_eq!(with(&|k| k.beta_g2 = -g2), Generator("beta"));
    assert_eq!(with(&|k| k.beta_g2 = G2Affine::zero()), Infinity("beta"));
    assert_eq!(with(&|k| k.delta_g2 = G2Affine::zero()), Infinity("delta"));
    assert_eq!(with(&|k| k.delta_g2 = k.gamma_g2), DeltaIsGamma);
    assert_eq!(with(&|k| k.delta_g2 = -k.gamma_g2), DeltaIsGamma);
    assert_eq!(with(&|k| (k.gamma_g2, k.delta_g2) = (k.delta_g2, g2)), Generator("delta"));
    assert_eq!(with(&|k| (k.gamma_g2, k.delta_g2) = (k.delta_g2, -g2)), Generator("delta"));
    assert_eq!(with(&|k| k.gamma_g2 = k.beta_g2), Gamma);
    assert_eq!(with(&|k| k.gamma_g2 = G2Affine::zero()), Gamma);
    assert_eq!(
        with(&|k| {
            k.gamma_abc_g1.pop();
        }),
        Inputs { found: 2, expected: 3 }
    );
    assert_eq!(with(&|k| k.gamma_abc_g1.push(g1)), Inputs { found: 4, expected: 3 });
    assert_eq!(check_verifying_key(&good, 3), Err(Inputs { found: 3, expected: 4 }));
}

#[test]
fn a_verification_key_json_that_contradicts_itself_is_refused() {
    let mut key = verifying_key(&mut small().key()).unwrap();
    key.gamma_abc_g1[1] = G1Affine::zero();
    let json = write_verification_key(&key).unwrap();
    assert_eq!(read_verification_key(json.as_bytes()).unwrap(), key, "infinity has its form");
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let with = |alter: &dyn Fn(&mut serde_json::Value)| {
        let mut value = value.clone();
        alter(&mut value);
        read_verification_key(value.to_string().as_bytes()).unwrap_err()
    };
    let q = <Fq as PrimeField>::MODULUS.to_string();
    assert!(matches!(
        with(&|v| v["nPublic"] = 3.into()),
        JsonError::Contradiction { member: "nPublic" }
    ));
    assert!(matches!(
        with(&|v| v["nPublic"] = u64::MAX.into()),
        JsonError::Contradiction { member: "nPublic" }
    ));
    assert!(matches!(
        with(&|v| v["vk_alphabeta_12"][0][0][0] = "1".into()),
        JsonError::Contradiction { member: "vk_alphabeta_12" }
    ));
    assert!(matches!(
        with(&|v| v["protocol"] = "plonk".into()),
        JsonError::Kind { what: "protocol", .. }
    ));
    assert!(matches!(
        with(&|v| v["curve"] = "bls12381".into()),
        JsonError::Kind { what: "curve", .. }
    ));
    assert!(matches!(with(&|v| v["more"] = 1.into()), JsonError::Json(_)));
    for number in [q.as_str(), "", "01", "-1", "0x1", &"9".repeat(77), &"9".repeat(78)] {
        assert!(
            matches!(with(&|v| v["IC"][0][0] = number.into()), JsonError::Number { member: "IC" }),
            "{number}"
        );
    }
    assert!(matches!(with(&|v| v["IC"][0][0] = "1".into()), JsonError::Point { member: "IC", .. }));
    assert!(matches!(
        with(&|v| v["IC"][0] = serde_json::json!(["0", "0", "1"])),
        JsonError::Point { member: "IC", .. }
    ));
    assert!(matches!(
        with(&|v| v["IC"][0][2] = "2".into()),
        JsonError::Projective { member: "IC" }
    ));
    assert!(matches!(
        with(&|v| v["vk_delta_2"][2][1] = "1".into()),
        JsonError::Projective { member: "vk_delta_2" }
    ));
    let long = [json.as_bytes(), &vec![b' '; MAX_VERIFICATION_KEY_JSON_BYTES as usize]].concat();
    assert!(matches!(read_verification_key(&long[..]), Err(JsonError::TooLarge)));
    // On the curve, outside the subgroup.
    let outside =
        (1u64..).find_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::from(x), false)).unwrap();
    let fq2 = |c: Fq2| serde_json::json!([c.c0.to_string(), c.c1.to_string()]);
    let error = with(&|v| {
        v["vk_delta_2"] = serde_json::json!([fq2(outside.x), fq2(outside.y), ["1", "0"]])
    });
    assert!(matches!(error, JsonError::Point { member: "vk_delta_2", .. }), "{error}");
}
