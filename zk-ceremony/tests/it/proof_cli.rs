//! Proofs under the key of an approved bundle: verified, judged by several, and served.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use ark_serialize::CanonicalSerialize;
use ceremony_core::proofs::Claim;
use testkit::paper::{Ceremony, Parts, text};
use testkit::simulated::Trapdoor;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Beacon, CeremonyKind, DrandSignature};
use zk_vk_guard::policy::{NamedKey, PolicyDocument, Role};
use zk_vk_guard::verifying_key::EncodedVerifyingKey;

use crate::kit::Folder;

const KEY: &str = "--bundle bundle.json --policy policy.json";

fn bytes(value: &impl CanonicalSerialize, compressed: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    if compressed {
        value.serialize_compressed(&mut bytes).unwrap();
    } else {
        value.serialize_uncompressed(&mut bytes).unwrap();
    }
    bytes
}

/// A folder with a bundle of this trapdoor's key, and a policy of two of three verifiers.
pub(crate) struct World {
    pub(crate) folder: Folder,
    trapdoor: Trapdoor,
    ceremony: Ceremony,
    policy: PolicyDocument,
}

impl World {
    pub(crate) fn new() -> Self {
        let trapdoor = Trapdoor::new(1, 2);
        let ceremony = Ceremony::new(CeremonyKind::Production);
        let folder = Folder::new();
        let named = |name: &str| {
            let key = folder.ours(&format!("key new {name}.pem"));
            let key = PublicKey::from_hex(key.trim()).unwrap();
            NamedKey { name: text(name), key }
        };
        let mut policy = ceremony.policy();
        policy.roles.verifier = Some(Role {
            threshold: 2.try_into().unwrap(),
            keys: ["ann", "ben", "cat"].map(named).into(),
        });
        named("dan");
        folder.write("policy.json", &policy.to_json());
        let world = Self { folder, trapdoor, ceremony, policy };
        world.folder.write("bundle.json", &world.parts().json());
        world
    }

    fn parts(&self) -> Parts {
        let key = self.trapdoor.key();
        self.ceremony.parts_of_key(EncodedVerifyingKey {
            compressed: bytes(&key, true),
            uncompressed: bytes(&key, false),
        })
    }

    /// Writes a proof that holds, in both encodings, as NAME.json, NAME.public.json, NAME.bin and
    /// NAME.public.bin.
    fn proof(&mut self, name: &str) -> Claim {
        let claim = self.trapdoor.claim();
        self.write(name, &claim);
        claim
    }

    fn write(&self, name: &str, claim: &Claim) {
        let folder = &self.folder;
        folder.write(&format!("{name}.json"), snarkjs(claim).as_bytes());
        folder.write(&format!("{name}.public.json"), inputs(claim).as_bytes());
        folder.write(&format!("{name}.bin"), &bytes(&claim.proof, true));
        folder.write(&format!("{name}.public.bin"), &bytes(&claim.inputs, true));
    }

    fn verdicts(&self, who: &str, proof: &str, folder: &str) {
        let line = format!(
            "proof verify {proof}.json {proof}.public.json {KEY} --verdicts {folder} --key {who}.pem"
        );
        self.folder.run(&line);
    }

    /// The one verdict in a folder.
    fn verdict(&self, folder: &str) -> String {
        let mut files = std::fs::read_dir(self.folder.path(folder)).unwrap();
        let file = files.next().unwrap().unwrap().file_name().into_string().unwrap();
        assert!(files.next().is_none());
        format!("{folder}/{file}")
    }
}

fn snarkjs(claim: &Claim) -> String {
    let proof = &claim.proof;
    let fq2 = |x: &ark_bn254::Fq2| format!("[\"{}\",\"{}\"]", x.c0, x.c1);
    format!(
        "{{\"pi_a\":[\"{}\",\"{}\",\"1\"],\"pi_b\":[{},{},[\"1\",\"0\"]],\"pi_c\":[\"{}\",\"{}\",\"\
         1\"],\"protocol\":\"groth16\",\"curve\":\"bn128\"}}",
        proof.a.x,
        proof.a.y,
        fq2(&proof.b.x),
        fq2(&proof.b.y),
        proof.c.x,
        proof.c.y
    )
}

fn inputs(claim: &Claim) -> String {
    format!("[\"{}\",\"{}\"]", claim.inputs[0], claim.inputs[1])
}

#[test]
fn proofs_of_snarkjs_and_arkworks_hold_together_and_the_bad_one_is_named() {
    let mut world = World::new();
    world.proof("a");
    world.proof("b");
    let mut claim = world.proof("c");
    let files = "a.json a.public.json b.bin b.public.bin c.json c.public.json";
    let said = world.folder.ours(&format!("proof verify {files} {KEY}"));
    assert_eq!(said.matches(": holds").count(), 3, "{said}");
    claim.inputs[1] += ark_bn254::Fr::from(1u64);
    world.write("c", &claim);
    let run = world.folder.run(&format!("proof verify {files} {KEY} --json"));
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("c.json: 1 of 3 proofs do not hold"), "{}", run.stderr);
    let answers: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let holds: Vec<_> =
        answers["proofs"].as_array().unwrap().iter().map(|it| it["holds"].as_bool()).collect();
    assert_eq!(holds, [Some(true), Some(true), Some(false)]);
}

#[test]
fn what_is_no_proof_or_no_list_of_inputs_is_refused() {
    let mut world = World::new();
    let claim = world.proof("a");
    let r = "21888242871839275222246405745257275088548364400416034343698204186575808495617";
    world.folder.write("r.json", format!("[\"{r}\",\"0\"]").as_bytes());
    world.folder.write("few.json", b"[\"0\"]");
    world.folder.write("cut.bin", &bytes(&claim.proof, true)[..127]);
    for (files, code, words) in [
        ("a.json r.json", 1, "public input 0: not a number below the scalar field's modulus"),
        ("a.json few.json", 1, "another number of public inputs"),
        ("cut.bin a.public.bin", 1, "127 bytes are not 128 or 256"),
        ("a.public.json a.json", 1, "not a verification key"),
        ("a.bin a.public.bin a.json", 2, "a proof has no public inputs"),
    ] {
        let run = world.folder.run(&format!("proof verify {files} {KEY}"));
        assert!(run.code == code && run.stderr.contains(words), "{files}\n{}", run.stderr);
    }
    // A bundle that the policy does not accept has no key.
    let mut policy = world.policy.clone();
    policy.minimum_serial = 1_000_000;
    world.folder.write("policy.json", &policy.to_json());
    let run = world.folder.run(&format!("proof verify a.json a.public.json {KEY}"));
    assert!(run.code == 1 && run.stderr.contains("older than the policy"), "{}", run.stderr);
}

#[test]
fn distinct_verifiers_are_counted() {
    let mut world = World::new();
    world.proof("a");
    for who in ["ann", "ben", "dan"] {
        world.verdicts(who, "a", who);
    }
    let (ann, ben, dan) = (world.verdict("ann"), world.verdict("ben"), world.verdict("dan"));
    let tally =
        |files: &str| world.folder.run(&format!("proof tally {files} --policy policy.json"));
    let accepted = tally(&format!("{ann} {ben} {dan}"));
    assert_eq!(accepted.code, 0, "{}", accepted.stderr);
    assert!(accepted.stdout.contains("holds              ann, ben"), "{}", accepted.stdout);
    assert!(accepted.stdout.contains("1 keys that the policy does not name"));
    for too_few in [format!("{ann} {ann}"), format!("{ann} {dan}"), ann.clone()] {
        let run = tally(&too_few);
        assert!(
            run.code == 1 && run.stderr.contains("too few verifiers found"),
            "{too_few}\n{}{}",
            run.stdout,
            run.stderr
        );
    }
    // Held against the proof itself.
    let held = |proof: &str| {
        let line = format!(
            "proof tally {ann} {ben} {KEY} --proof {proof}.bin --public {proof}.public.bin"
        );
        world.folder.run(&line)
    };
    assert_eq!(held("a").code, 0);
    let mut other = world.trapdoor.claim();
    world.write("b", &other);
    assert!(held("b").stderr.contains("about something else"));
    other.inputs.swap(0, 1);
    world.write("b", &other);
    assert_eq!(held("b").code, 1);
    // Revoked keys count no more.
    let mut policy = world.policy.clone();
    let keys = policy.roles.verifier.as_ref().unwrap().keys.clone();
    policy.revoked_keys.push(keys[0].key);
    world.folder.write("policy.json", &policy.to_json());
    let run = tally(&format!("{ann} {ben}"));
    assert!(run.code == 1 && run.stderr.contains("too few verifiers"), "{}", run.stderr);
    policy.roles.verifier = None;
    policy.revoked_keys.clear();
    world.folder.write("policy.json", &policy.to_json());
    assert!(tally(&ann).stderr.contains("the policy names no verifiers"));
}

#[test]
fn verdicts_on_altered_inputs_or_another_bundle_are_not_added_up() {
    let mut world = World::new();
    let mut claim = world.proof("a");
    world.verdicts("ann", "a", "ann");
    let good = claim.clone();
    claim.inputs[0] += ark_bn254::Fr::from(1u64);
    world.write("a", &claim);
    world.verdicts("ben", "a", "altered");
    world.write("a", &good);
    let other = world.parts().restate(|p| p.serial += 1);
    world.folder.write("bundle.json", &other.json());
    world.verdicts("ben", "a", "another");
    for folder in ["altered", "another"] {
        let line = format!(
            "proof tally {} {} --policy policy.json",
            world.verdict("ann"),
            world.verdict(folder)
        );
        let run = world.folder.run(&line);
        assert!(
            run.code == 1 && run.stderr.contains("about something else"),
            "{folder}: {}{}",
            run.stdout,
            run.stderr
        );
    }
}

#[test]
fn a_verdict_counts_under_its_own_signature_only() {
    let mut world = World::new();
    world.proof("a");
    world.verdicts("ann", "a", "ann");
    world.verdicts("ben", "a", "ben");
    let (ann, ben) = (world.verdict("ann"), world.verdict("ben"));
    let of = |file: &str| -> serde_json::Value {
        serde_json::from_slice(&world.folder.read(file)).unwrap()
    };
    // Ann's words under ben's signature.
    let mut forged = of(&ann);
    forged["signatures"] = of(&ben)["signatures"].clone();
    world.folder.write("forged.json", forged.to_string().as_bytes());
    let run = world.folder.run(&format!("proof tally {ann} forged.json --policy policy.json"));
    assert!(
        run.code == 1 && run.stderr.contains("does not verify under the key that it names"),
        "{}",
        run.stderr
    );
}

/// Signed by everybody, with the beacon of a round that its chain did not sign: no proof is judged
/// by its key.
#[test]
fn a_key_whose_beacon_its_chain_did_not_sign_verifies_nothing() {
    let mut world = World::new();
    world.proof("a");
    world.folder.ours(&format!("proof verify a.json a.public.json {KEY}"));
    let signature = DrandSignature::new([7; 48]);
    world.ceremony.beacon = Beacon {
        source: text("drand quicknet"),
        round: 1000,
        value: signature.value(),
        signature: Some(signature),
        ..Ceremony::beacon()
    };
    world.folder.write("bundle.json", &world.parts().json());
    let run = world.folder.run(&format!("proof verify a.json a.public.json {KEY}"));
    let words = "not a signature of quicknet";
    assert!(run.code == 1 && run.stderr.contains(words), "{}{}", run.stdout, run.stderr);
}

/// A process that ends with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ask(address: &str, body: &str) -> (u16, serde_json::Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /v1/proofs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: \
         {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap_or_default())
}

#[test]
fn a_service_answers_for_many_proofs_at_once_and_within_its_limits() {
    let mut world = World::new();
    let mut claims: Vec<Claim> = (0..5).map(|_| world.trapdoor.claim()).collect();
    claims[3].proof.a = claims[2].proof.a;
    let mut child = Command::new(env!("CARGO_BIN_EXE_zk-ceremony"))
        .args(crate::kit::split(&format!("proof serve --listen 127.0.0.1:0 {KEY}")))
        .current_dir(world.folder.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    // Kept: a program that cannot print any more ends.
    let mut said = BufReader::new(child.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    let _served = Served(child);
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap();
    let of =
        |claim: &Claim| format!("{{\"proof\":{},\"public\":{}}}", snarkjs(claim), inputs(claim));
    let proofs = |claims: &[Claim]| {
        let all: Vec<String> = claims.iter().map(of).collect();
        format!("{{\"proofs\":[{}]}}", all.join(","))
    };
    let (status, answer) = ask(address, &proofs(&claims));
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["answers"], serde_json::json!([true, true, true, false, true]));
    assert_eq!(answer["circuit"], "attestation");
    let mut many = String::new();
    for i in 0..1025 {
        let _ = write!(many, "{}{}", if i == 0 { "" } else { "," }, of(&claims[0]));
    }
    let few = proofs(&claims[..1]).replace(&inputs(&claims[0]), "[\"1\"]");
    for (body, expected, code) in [
        (format!("{{\"proofs\":[{many}]}}"), 422, "too-many"),
        ("[]".into(), 422, "proof/json"),
        (few, 422, "proofs/inputs"),
        (proofs(&claims[..1]).replace("groth16", "plonk"), 422, "proof/json"),
    ] {
        let (status, answer) = ask(address, &body);
        assert_eq!((status, answer["code"].as_str()), (expected, Some(code)), "{answer}");
    }
    // The service closes the connection before all of it is sent.
    let huge = " ".repeat(5 << 20);
    let mut stream = TcpStream::connect(address).unwrap();
    let head =
        format!("POST /v1/proofs HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", huge.len());
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(huge.as_bytes());
    let mut answer = [0; 12];
    if stream.read_exact(&mut answer).is_ok() {
        assert_eq!(&answer, b"HTTP/1.1 413");
    }
    assert_eq!(ask(address, &proofs(&claims)).0, 200);
}
