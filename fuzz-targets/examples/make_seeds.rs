//! Writes the seeds of fuzz/seeds/ again: small real files, made by the library and by the tests'
//! kits.
//!
//! `cargo run --release -p fuzz-targets --example make_seeds`. The answers to a challenge hold
//! fresh randomness, archives, plans and parts the time at which they were made; everything else is
//! the same in every run.

use std::io::Cursor;

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr as _;
use ark_ff::Field;
use ark_serialize::CanonicalSerialize as _;
use bn254_batch::curve::Fr;
use ceremony_core::entropy::{Beacon, ContributionRng};
use ceremony_core::format::bases_part::Residue;
use ceremony_core::format::bound_file::digest_file;
use ceremony_core::format::proof::Proof;
use ceremony_core::format::ptau::{Levels, Power, Ptau};
use ceremony_core::format::r1cs::{R1cs, Row, Shape, write_r1cs};
use ceremony_core::format::verification_key::write_verification_key;
use ceremony_core::format::wtns::write_wtns;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::keygen;
use ceremony_core::phase1::challenge_response::{contribute_challenge, export_challenge};
use ceremony_core::phase1::contribute::new;
use ceremony_core::phase1::parts::{PartSums, Plan, PlanContent};
use ceremony_core::phase1::prepare::Preparation;
use ceremony_core::phase1::verify::Expectations;
use ceremony_core::phase2::contribute::apply_beacon;
use ceremony_core::phase2::initial_key::new_key;
use ceremony_core::progress::NoProgress;
use ceremony_folder::archive_file;
use ceremony_folder::archive_set::{PublicFile, archive_set};
use ceremony_folder::commitment::{Commitment, CommittedChain};
use ceremony_folder::digests::KnownDigests;
use ceremony_folder::enrolment::Enrolment;
use ceremony_folder::journal::{Entry, Event};
use ceremony_folder::parts::{PlanDocument, part_envelope};
use ceremony_folder::report::Report;
use ceremony_folder::software::Software;
use ceremony_folder::{AttestationDraft, Folder, NewStep, Slot, Track};
use ed25519_dalek::SigningKey;
use testkit::forge::Step;
use testkit::known_tau;
use testkit::paper as approval;
use testkit::paper::{Ceremony, Parts};
use testkit::ptau::Model;
use zk_attest::amendment::{AMENDMENT_SUBJECT, Amendment, Change};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{CommitmentDigest, FileDigest};
use zk_attest::key::{PublicKey, SignatureBytes};
use zk_attest::primitives::{CeremonyKind, CircuitName, Label, Timestamp};
use zk_attest::signer::Signer;
use zk_attest::statement::{Action, Phase, Statement, Subject};
use zk_embed::export::Format;
use zk_embed::{Imported, Language};
use zk_vk_guard::bundle::OnExpiry;
use zk_vk_guard::policy::Policy;
use zk_vk_guard::snippet::{Options, text};
use zk_vk_guard::transcript::Origin;

/// The key of RFC 8032's first test.
const RFC_8032_KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

fn put(path: &str, bytes: impl AsRef<[u8]>) {
    let path = fuzz_targets::stable::fuzz_folder().join("seeds").join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    println!("{:>7}  {}", bytes.as_ref().len(), path.display());
    std::fs::write(path, bytes).unwrap();
}

fn main() {
    phase1();
    parts();
    phase2();
    documents();
    proofs();
    journals();
    deployed();
    archives();
}

/// A key of the tests, as a signer.
struct Key(SigningKey, PublicKey);

impl Signer for Key {
    fn public_key(&self) -> &PublicKey {
        &self.1
    }

    fn description(&self) -> String {
        "a key of the tests".into()
    }

    fn sign(&mut self, message: &[u8]) -> Result<SignatureBytes, Diagnostic> {
        Ok(ed25519_dalek::Signer::sign(&self.0, message).to_bytes())
    }
}

/// The rules of a ceremony of one circuit.
fn rules(r1cs: &[u8]) -> String {
    let key = |name: &str| approval::public(name);
    format!(
        "format = \"zk-ceremony/1\"\nid = \"seed\"\nkind = \"rehearsal\"\ncurve = \"bn254\"\n\
         power = 2\norder = \"any\"\n\n[minimum_contributions]\nphase1 = 1\nphase2 = 1\n\n\
         [coordinator]\nname = \"cleo\"\nkey = \"{}\"\n\n\
         [[participants]]\nname = \"alice\"\nkey = \"{}\"\nphases = [1, 2]\n\n\
         [beacon.phase1]\nsource = \"a chain\"\nround = 1\nexponent = 10\n\n\
         [beacon.phase2]\nsource = \"a chain\"\nround = 2\nexponent = 10\n\n\
         [[circuits]]\nname = \"product\"\nsha256 = \"{}\"\nprogram = \"a product\"\n",
        key("cleo"),
        key("alice"),
        FileDigest::of(r1cs)
    )
}

/// A ceremony that has just opened, as `ceremony archive` packs it. Attestation and list have the
/// time at which they were signed.
fn archives() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path().join("seed");
    let folder = Folder::new(&root);
    let (r1cs, _) = circuit();
    let rules = rules(&r1cs);
    std::fs::create_dir_all(root.join("circuits/product")).unwrap();
    std::fs::write(folder.config(), &rules).unwrap();
    std::fs::write(root.join("circuits/product/circuit.r1cs"), &r1cs).unwrap();
    let mut signer = Key(approval::person("cleo"), approval::public("cleo"));
    let ceremony = ceremony_folder::Ceremony::open(&root).unwrap();
    let mut step = NewStep::begin(&ceremony, &Track::Phase1, Slot::Number(0)).unwrap();
    new(Power::new(2).unwrap(), &mut step.output, &NoProgress).unwrap();
    let tool = Software::another(approval::text("zk-ceremony 0.1.0"));
    let draft = AttestationDraft::of_coordinator(&ceremony, Action::Open, None, &tool);
    step.commit(draft, &mut signer, &NoProgress).unwrap();
    let pack = |more: &[&str]| {
        let ceremony = ceremony_folder::Ceremony::open_sound(&root).unwrap();
        let mut files = archive_set(&ceremony).unwrap().files;
        let extra = |name: &&str| PublicFile { name: (*name).into(), path: root.join(name) };
        files.extend(more.iter().map(extra));
        files.sort();
        let mut tar = Vec::new();
        archive_file::write(&ceremony, &files, "seed", &mut tar).unwrap();
        tar
    };
    put("archive/bad-without-a-list.tar", pack(&[]));
    let ceremony = ceremony_folder::Ceremony::open_sound(&root).unwrap();
    let listed = ceremony.public_files(&mut KnownDigests::default(), &NoProgress).unwrap();
    ceremony.write_index(listed, &mut signer).unwrap();
    put("archive/good-listed.tar", pack(&["index.json"]));
    let report = Report::begin(&ceremony, "a seed").unwrap();
    let sums = ceremony_folder::report::sums(&ceremony, &report, &NoProgress).unwrap();
    std::fs::write(root.join("SHA256SUMS"), sums).unwrap();
    let summed = pack(&[]);
    put("archive/good-summed.tar", &summed);
    let ptau = b"ptau";
    let mut changed = summed.clone();
    let at = changed.windows(4).position(|window| window == ptau).unwrap();
    let inside = changed[at + 512..].windows(4).position(|window| window == ptau).unwrap();
    changed[at + 512 + inside + 60] ^= 1;
    put("archive/bad-another-byte.tar", &changed);
    put("archive/bad-cut.tar", &summed[..summed.len() - 600]);
}

/// A handover, as a statement.
fn amendment(ceremony: &Ceremony) -> Statement<Amendment> {
    let predicate = ceremony.amendment(1, "dora");
    let digest = predicate.ceremony_toml_sha256;
    let subject = Subject::new(AMENDMENT_SUBJECT, digest.as_bytes()).unwrap();
    Statement { subject: vec![subject], predicate }
}

/// The generators, as a proof: no key's, but read as one.
fn proofs() {
    let proof =
        Proof { a: G1Affine::generator(), b: G2Affine::generator(), c: G1Affine::generator() };
    let mut bytes = Vec::new();
    proof.serialize_compressed(&mut bytes).unwrap();
    put("proof/good-compressed.bin", &bytes);
    bytes.clear();
    proof.serialize_uncompressed(&mut bytes).unwrap();
    put("proof/good-uncompressed.bin", &bytes);
    bytes.push(0);
    put("proof/bad-a-byte-too-many.bin", &bytes);
    let (x, y) = proof.b.xy().unwrap();
    let json = format!(
        "{{\"pi_a\":[\"1\",\"2\",\"1\"],\"pi_b\":[[\"{}\",\"{}\"],[\"{}\",\"{}\"],[\"1\",\"0\"]],\
         \"pi_c\":[\"1\",\"2\",\"1\"],\"protocol\":\"groth16\",\"curve\":\"bn128\"}}",
        x.c0, x.c1, y.c0, y.c1
    );
    put("proof/good-snarkjs.json", &json);
    let claims = format!("{{\"proofs\":[{{\"proof\":{json},\"public\":[\"7\",\"0\"]}}]}}");
    put("proof/good-claims.json", &claims);
    put("proof/bad-input.json", claims.replacen("\"7\"", "\"-7\"", 1));
}

/// The key of a ceremony on paper in the forms that auditors have of it.
fn deployed() {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let (bundle, policy) = (ceremony.parts().json(), ceremony.policy().to_json());
    let now = approval::time("2026-12-01T00:00:00Z");
    let imported = Imported::new(&bundle, &policy, &now, OnExpiry::Refuse).unwrap();
    let text = |format| imported.clone().embedded(Language::Other(format)).unwrap().text;
    let source = text(Format::Solidity);
    put("deployed/good-contract.sol", &source);
    put("deployed/good-keys.json", text(Format::Json));
    put("deployed/bad-computed.sol", source.replacen("DELTA_X1 = ", "DELTA_X1 = 1 + ", 1));
    let numbers = source.lines().filter(|line| line.contains("private constant"));
    let code = numbers.filter_map(|line| {
        let number: ark_ff::BigInt<4> =
            line.rsplit(' ').next()?.trim_end_matches(';').parse().ok()?;
        let digits: String = number.0.iter().rev().map(|limb| format!("{limb:016x}")).collect();
        Some(format!("7f{digits}"))
    });
    put("deployed/good-code.hex", code.collect::<String>());
}

/// A journal with its first three lines, each naming the one before.
fn journals() {
    let participant = Label::new("alice").unwrap();
    let service = PublicKey::from_hex(RFC_8032_KEY).unwrap();
    let events = [
        Event::Opened { service },
        Event::Joined { participant: participant.clone() },
        Event::Granted { participant, turn: "0".repeat(32) },
    ];
    let mut previous = FileDigest::of(b"");
    let mut journal = Vec::new();
    let mut lines = Vec::new();
    for (number, event) in (0_u64..).zip(events) {
        let time = Timestamp::from_unix(1_800_000_000);
        let line = zk_attest::json::encode(&Entry { number, previous, time, event });
        previous = FileDigest::of(&line);
        journal.extend_from_slice(&line);
        journal.push(b'\n');
        lines.push(line);
    }
    put("journal/good.jsonl", &journal);
    put("journal/bad-torn.jsonl", &journal[..journal.len() - 5]);
    let swapped = [&lines[0][..], b"\n", &lines[2], b"\n", &lines[1], b"\n"].concat();
    put("journal/bad-swapped.jsonl", swapped);
    put("journal/bad-a-line-dropped.jsonl", [&lines[0][..], b"\n", &lines[2], b"\n"].concat());
}

fn phase1() {
    let mut out = Cursor::new(Vec::new());
    new(Power::new(1).unwrap(), &mut out, &NoProgress).unwrap();
    let fresh = out.into_inner();
    put("ptau/good-new.ptau", &fresh);
    let mut challenge = Vec::new();
    export_challenge(&mut Ptau::open(Cursor::new(&fresh)).unwrap(), &mut challenge, &NoProgress)
        .unwrap();
    put("challenge/good.challenge", &challenge);
    put("challenge/bad-a-point-too-many.challenge", [&challenge[..], &challenge[64..128]].concat());
    for name in ["good", "good-another"] {
        let mut response = Vec::new();
        contribute_challenge(
            Cursor::new(&challenge),
            &mut response,
            ContributionRng::from_os_and_text(b"seed").unwrap(),
            &NoProgress,
        )
        .unwrap();
        put(&format!("response/{name}.response"), &response);
        if name == "good" {
            response[0] ^= 1;
            put("response/bad-another-challenge.response", &response);
        }
    }
    let one = Model::with_contributions(1, 1);
    put("ptau/good-one.ptau", one.bytes());
    put("ptau_verify/good-one.ptau", one.bytes());
    let mut two = Model::with_contributions(1, 2);
    two.prepare();
    put("ptau_verify/good-two-prepared.ptau", two.bytes());
    let mut closed = one.clone();
    closed.beacon(&[1; 32]);
    put("ptau/good-beacon.ptau", closed.bytes());
    put("ptau_verify/good-beacon.ptau", closed.bytes());
    put("ptau_verify/bad-nobody-contributed.ptau", &fresh);
    let mut truncated = Model::with_contributions(2, 1);
    truncated.truncate(1);
    put("ptau/good-truncated.ptau", truncated.bytes());
    put("ptau_verify/bad-truncated.ptau", truncated.bytes());
}

/// The plan of a file with this nonce, which is drawn otherwise.
fn plan(file: &[u8], parts: u32, nonce: u8) -> (Plan, PlanDocument) {
    let none = Expectations::default();
    let planned = Plan::of_file(Cursor::new(file), parts, &none, &NoProgress).unwrap();
    let plan = Plan::new(PlanContent { nonce: [nonce; 32], ..planned.content().clone() }).unwrap();
    let document = PlanDocument::new(&plan, "powers.ptau", software()).unwrap();
    (plan, document)
}

fn software() -> Software {
    Software::another(approval::text("zk-ceremony 0.1.0"))
}

/// The documents of a verification in parts, not signed: the targets take them without.
fn parts() {
    let mut model = Model::with_contributions(1, 1);
    let (_, document) = plan(&model.bytes(), 1, 1);
    put("ptau_plan/good-powers.json", document.to_json());
    let text = String::from_utf8(document.to_json()).unwrap();
    put("ptau_plan/bad-another-nonce.json", text.replacen(&"01".repeat(32), &"02".repeat(32), 1));
    model.prepare();
    let file = model.bytes();
    let (prepared, document) = plan(&file, 2, 1);
    put("ptau_plan/good-prepared.json", document.to_json());
    put("statement/good-ptau-plan.json", document.envelope.payload());
    let (other, _) = plan(&file, 2, 2);
    for (plan, number, name) in [
        (&prepared, 1, "good-1-of-2"),
        (&prepared, 2, "good-2-of-2"),
        (&other, 1, "bad-of-another-plan"),
    ] {
        let part = plan.part(number).unwrap();
        let sums = PartSums::of_file(&mut Cursor::new(&file), plan, part, &NoProgress).unwrap();
        let envelope = part_envelope(plan, part, &sums, "powers.ptau", software()).unwrap();
        put(&format!("ptau_part/{name}.json"), envelope.to_json());
        if name == "good-1-of-2" {
            put("statement/good-ptau-part.json", envelope.payload());
        }
    }
}

/// a * b = c and c * c = d, with d public: two constraints of five wires.
fn circuit() -> (Vec<u8>, Vec<Fr>) {
    let one = Fr::ONE;
    let row = |wire: u32| -> Row { vec![(one, wire)] };
    // 0: one, 1: d, 2: a, 3: b, 4: c
    let constraints =
        [[row(2), row(3), row(4)], [row(4), vec![(one, 4), (Fr::from(0u64), 0)], row(1)]];
    let shape = Shape::new(5, 1, 0, 2, 2).unwrap();
    let file = write_r1cs(Cursor::new(Vec::new()), shape, constraints).unwrap().into_inner();
    (file, [1u64, 441, 3, 7, 21].map(Fr::from).into())
}

/// The second of two parts of its preparation.
fn part_of(ptau: &[u8]) -> Vec<u8> {
    let mut input = Ptau::open(Cursor::new(ptau)).unwrap();
    let digest = digest_file(input.source(), &NoProgress).unwrap().sha256;
    let (levels, part) = (Levels::all(input.power()), Residue::new(2, 2).unwrap());
    let out = Cursor::new(Vec::new());
    Preparation::begin_part(&mut input, out, levels, part, digest, &NoProgress)
        .unwrap()
        .finish(None, &mut |_, _, _| Ok(()))
        .unwrap()
        .into_inner()
}

fn phase2() {
    let (r1cs, witness) = circuit();
    put("r1cs/good-product.r1cs", &r1cs);
    let empty = write_r1cs(
        Cursor::new(Vec::new()),
        Shape::new(1, 0, 0, 0, 1).unwrap(),
        [[vec![], vec![], vec![]]],
    )
    .unwrap();
    put("r1cs/good-empty-row.r1cs", empty.into_inner());
    put("wtns/good.wtns", write_wtns(Cursor::new(Vec::new()), &witness).unwrap().into_inner());
    put("wtns/good-none.wtns", write_wtns(Cursor::new(Vec::new()), &[]).unwrap().into_inner());
    let ptau = known_tau::prepared(2, known_tau::secrets("fuzz"), known_tau::participant());
    put("ptau/good-phase1-of-the-keys.ptau", &ptau);
    let part = part_of(&ptau);
    put("bases_part/good-second-of-two.ptpart", &part);
    put("bases_part/bad-cut.ptpart", &part[..part.len() - 1]);
    let mut initial = Cursor::new(Vec::new());
    new_key(
        &mut R1cs::open(Cursor::new(&r1cs)).unwrap(),
        &mut Ptau::open(Cursor::new(&ptau)).unwrap(),
        &mut initial,
        &NoProgress,
    )
    .unwrap();
    let initial = initial.into_inner();
    let one = Step::honest("first").apply(&initial);
    let two = Step::honest("second").apply(&one);
    let mut closed = Cursor::new(Vec::new());
    apply_beacon(
        &mut Zkey::open(Cursor::new(&two)).unwrap(),
        &mut closed,
        &Beacon::new(&[9; 32], 10).unwrap(),
        None,
        &NoProgress,
    )
    .unwrap();
    let closed = closed.into_inner();
    put("zkey/good-initial.zkey", &initial);
    put("zkey/good-beacon.zkey", &closed);
    put("zkey_verify/bad-phase2-skipped.zkey", &initial);
    put("zkey_verify/good-one.zkey", &one);
    put("zkey_verify/good-two.zkey", &two);
    put("zkey_verify/good-beacon.zkey", &closed);
    for (name, key) in [("good", &closed), ("good-another", &one)] {
        let key = keygen::verifying_key(&mut Zkey::open(Cursor::new(key)).unwrap()).unwrap();
        put(&format!("verification_key/{name}.json"), write_verification_key(&key).unwrap());
    }
}

/// Short chains: an attestation is some two kilobytes.
fn documents() {
    let mut external = Ceremony::new(CeremonyKind::Production);
    (external.origin, external.phase1, external.phase2) =
        (Origin::External, Vec::new(), vec!["alice".into()]);
    let mut own = Ceremony::new(CeremonyKind::Rehearsal);
    (own.phase1, own.phase2) = (vec!["bob".into()], vec!["carol".into()]);
    let transcript = external.transcript();
    put("transcript/good-external.json", transcript.to_json());
    put("transcript/good-own-phase1.json", own.transcript().to_json());
    let mut unlinked = transcript.clone();
    unlinked.circuits[0].steps.swap(0, 1);
    put("transcript/bad-unlinked.json", unlinked.to_json());
    put("envelope/good-opening.json", transcript.phase1.start.attestation.to_json());
    put(
        "envelope/good-beacon.json",
        transcript.circuits[0].steps[1].attested.as_ref().unwrap().envelope.to_json(),
    );
    put(
        "statement/good-step.json",
        transcript.circuits[0].steps[1].attested.as_ref().unwrap().envelope.payload(),
    );
    let parts: Parts = external.parts();
    put("statement/good-provenance.json", &parts.payload);
    put(
        "statement/bad-with-a-space.json",
        String::from_utf8(parts.payload.clone()).unwrap().replacen(',', ", ", 1),
    );

    put("statement/good-handover.json", amendment(&external).to_payload());
    let mut enrol = amendment(&external);
    enrol.predicate.change = Change::Enrol {
        participant: approval::text("zoe"),
        key: approval::public("zoe"),
        phases: vec![Phase::One, Phase::Two],
    };
    put("statement/good-enrol.json", enrol.to_payload());
    enrol.predicate.heads.clear();
    let unsorted = String::from_utf8(enrol.to_payload()).unwrap();
    put("statement/bad-two-changes.json", unsorted.replacen("\"enrol\"", "\"replace\"", 1));
    let said = Statement {
        subject: enrol.subject,
        predicate: Enrolment {
            ceremony: enrol.predicate.ceremony,
            kind: enrol.predicate.kind,
            ceremony_toml_sha256: enrol.predicate.ceremony_toml_sha256,
            participant: approval::text("zoe"),
            key: approval::public("zoe"),
            phases: vec![Phase::Two],
            tool: approval::text("zk-ceremony 0.1.0"),
            software_sha256: Some(approval::file("zk-ceremony")),
            machine: approval::text("a laptop"),
            window: approval::text("Monday"),
            time: approval::time(approval::NOW),
        },
    };
    put("statement/good-enrolment.json", said.to_payload());
    let chain = |circuit: Option<&str>| CommittedChain {
        circuit: circuit.map(|name| CircuitName::new(name).unwrap()),
        commitment: CommitmentDigest([7; 32]),
    };
    let said = Statement {
        subject: said.subject,
        predicate: Commitment {
            ceremony: said.predicate.ceremony,
            kind: said.predicate.kind,
            ceremony_toml_sha256: said.predicate.ceremony_toml_sha256,
            phase: Phase::Two,
            participant: approval::text("alice"),
            key: approval::public("alice"),
            chains: vec![chain(Some("attestation")), chain(None)],
            tool: approval::text("zk-ceremony 0.1.0"),
            time: approval::time(approval::NOW),
        },
    };
    put("statement/good-commitment.json", said.to_payload());

    let mut document = external.policy();
    document.minimum_contributions.phase2 = std::num::NonZeroU32::MIN;
    document.accepted_phase1_starts = vec![transcript.phase1.start.file_sha256];
    put("policy/good-of-the-bundle.json", document.to_json());
    put("policy/good-rehearsal.json", Ceremony::new(CeremonyKind::Rehearsal).policy().to_json());
    let policy = Policy::from_json(&document.to_json()).unwrap();
    let verified = parts
        .bundle()
        .unwrap()
        .verify(&policy, &approval::time(approval::NOW), OnExpiry::Refuse)
        .unwrap();
    put("bundle/good.json", parts.json());
    put("bundle_verify/good.json", parts.json());
    put(
        "bundle_verify/bad-one-signer-twice.json",
        parts.signed_by(&["release-1", "release-1", "auditor-1", "alice"]).json(),
    );
    put("snippet/good.rs", text(&verified, Options::default()).unwrap());
    put(
        "snippet/good-only-the-serial.rs",
        "pub mod verifying_keys { pub const SERIAL: u64 = 7u64; }",
    );
}
