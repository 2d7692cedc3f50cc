//! A circuit with keys that two provers prove with, and a bundle of its verifying key.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use ark_bn254::{Bn254, Fq, Fr};
use ark_groth16::{Groth16, Proof};
use ark_serialize::{CanonicalSerialize as _, Compress};
use ark_snark::SNARK as _;
use ark_std::rand::SeedableRng as _;
use ark_std::rand::rngs::StdRng;
use ceremony_core::entropy::ContributionRng;
use ceremony_core::format::proof::{ProofEncoding, read_inputs, read_proof};
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::wtns::read_wtns;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::keygen::{VerifyingKey, proving_key, verifying_key};
use ceremony_core::phase2::arkworks::AssignedCircuit;
use ceremony_core::phase2::contribute::contribute;
use ceremony_core::phase2::initial_key::new_key;
use ceremony_core::progress::NoProgress;
use serde_json::Value;
use testkit::circuits::{ci, compile, snarkjs};
use testkit::known_tau;
use testkit::paper::{Ceremony, time};
use zk_attest::primitives::CeremonyKind;
use zk_embed::{Embedded, Imported, Language};
use zk_vk_guard::bundle::OnExpiry;
use zk_vk_guard::verifying_key::EncodedVerifyingKey;

/// A folder with 0.zkey (no contribution), final.zkey (one) and w.wtns of a circuit with two public
/// inputs: c = a * b, of which c and a are public.
pub(super) struct World {
    dir: tempfile::TempDir,
    pub(super) key: VerifyingKey,
}

impl World {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let r1cs = compile("one_constraint", &[], dir.path());
        fs::write(path("input.json"), r#"{"a": "3", "b": "11"}"#).unwrap();
        let wasm = "one_constraint_js/one_constraint.wasm";
        snarkjs(dir.path(), &["wtns", "calculate", wasm, "input.json", "w.wtns"]);
        let ptau = known_tau::prepared(5, known_tau::secrets("exports"), known_tau::participant());
        let mut initial = Cursor::new(Vec::new());
        new_key(
            &mut R1cs::open(fs::File::open(&r1cs).unwrap()).unwrap(),
            &mut Ptau::open(Cursor::new(ptau)).unwrap(),
            &mut initial,
            &NoProgress,
        )
        .unwrap();
        fs::write(path("0.zkey"), initial.get_ref()).unwrap();
        let rng = ContributionRng::from_os_and_text(b"").unwrap();
        let mut finished = Cursor::new(Vec::new());
        let mut initial = Zkey::open(initial).unwrap();
        contribute(&mut initial, &mut finished, rng, None, &NoProgress).unwrap();
        fs::write(path("final.zkey"), finished.get_ref()).unwrap();
        let key = verifying_key(&mut Zkey::open(finished).unwrap()).unwrap();
        fs::rename(r1cs, path("c.r1cs")).unwrap();
        Self { dir, key }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// A bundle of the key, verified.
    pub(super) fn imported(&self) -> Imported {
        imported(&self.key)
    }

    /// The text in a language, written into the folder.
    pub(super) fn write(&self, language: Language, name: &str) -> Embedded {
        let embedded = self.imported().embedded(language).unwrap();
        fs::write(self.path(name), &embedded.text).unwrap();
        embedded
    }

    /// A proof by snarkjs, from the `.zkey`.
    pub(super) fn snarkjs_proof(&self) -> (Proof<Bn254>, Vec<Fr>) {
        let args = ["groth16", "prove", "final.zkey", "w.wtns", "proof.json", "public.json"];
        snarkjs(self.folder(), &args);
        let bytes = |name: &str| fs::read(self.path(name)).unwrap();
        let proof = read_proof(&bytes("proof.json"), ProofEncoding::Snarkjs).unwrap();
        let inputs = read_inputs(&bytes("public.json"), ProofEncoding::Snarkjs).unwrap();
        (Proof { a: proof.a, b: proof.b, c: proof.c }, inputs)
    }

    /// A proof by arkworks, from the proving key.
    pub(super) fn arkworks_proof(&self) -> (Proof<Bn254>, Vec<Fr>) {
        let open = |name: &str| fs::File::open(self.path(name)).unwrap();
        let key = proving_key(&mut Zkey::open(open("final.zkey")).unwrap(), &NoProgress).unwrap();
        let witness = read_wtns(open("w.wtns")).unwrap();
        let circuit =
            AssignedCircuit::new(&mut R1cs::open(open("c.r1cs")).unwrap(), witness).unwrap();
        let inputs = circuit.public_inputs().to_vec();
        let mut rng = StdRng::seed_from_u64(7);
        (Groth16::<Bn254>::prove(&key, &circuit, &mut rng).unwrap(), inputs)
    }

    /// Compiles a source of the folder, deploys its contracts and calls them.
    pub(super) fn evm(&self, source: &str, calls: &[Call]) -> Ran {
        self.compiled(source, calls, "")
    }

    /// The same; with the settings `viaIR` through the compiler's intermediate language, for speed.
    pub(super) fn compiled(&self, source: &str, calls: &[Call], settings: &str) -> Ran {
        fs::write(self.path("calls.json"), serde_json::to_vec(calls).unwrap()).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/export/evm.mjs");
        let printed = node(self.folder(), &[script, source, "calls.json", settings]);
        serde_json::from_str(&printed).unwrap()
    }
}

/// A bundle of this key as the only circuit's, verified.
pub(super) fn imported(key: &VerifyingKey) -> Imported {
    let mut ceremony = Ceremony::new(CeremonyKind::Production);
    ceremony.circuits.truncate(1);
    ceremony.circuits[0].1 = u32::try_from(key.gamma_abc_g1.len()).unwrap() - 1;
    let bytes = |mode: Compress| {
        let mut bytes = Vec::new();
        key.serialize_with_mode(&mut bytes, mode).unwrap();
        bytes
    };
    let forms =
        EncodedVerifyingKey { compressed: bytes(Compress::Yes), uncompressed: bytes(Compress::No) };
    let parts = ceremony.parts_of_key(forms);
    let policy = ceremony.policy().to_json();
    let now = time("2026-12-01T00:00:00Z");
    Imported::new(&parts.json(), &policy, &now, OnExpiry::Refuse).unwrap()
}

/// Runs a program of node with the peers' packages, and returns what it printed.
pub(super) fn node(folder: &Path, args: &[&str]) -> String {
    let output =
        Command::new("node").args(args).current_dir(folder).env("PEERS", ci()).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap()
}

/// A call of a contract.
#[derive(Clone, serde::Serialize)]
pub(super) struct Call {
    pub(super) contract: &'static str,
    pub(super) method: String,
    pub(super) data: String,
}

/// What became of a source and the calls.
#[derive(serde::Deserialize)]
pub(super) struct Ran {
    pub(super) complaints: Vec<String>,
    pub(super) contracts: std::collections::BTreeMap<String, Value>,
    pub(super) answers: Vec<Answer>,
}

#[derive(serde::Deserialize)]
pub(super) struct Answer {
    /// Hex digits, or "failed".
    pub(super) answer: String,
    pub(super) gas: u64,
}

impl Ran {
    pub(super) fn code(&self, contract: &str) -> &str {
        self.contracts[contract]["code"].as_str().unwrap()
    }
}

/// The words of a proof as a contract takes them.
pub(super) fn words(proof: &Proof<Bn254>) -> [Fq; 8] {
    let Proof { a, b, c } = proof;
    [a.x, a.y, b.x.c1, b.x.c0, b.y.c1, b.y.c0, c.x, c.y]
}
