//! Whoever signs for a ceremony, or makes keys of it, vouches for everything that others read in
//! its folder; and nobody who passes a signed statement on makes another one of it.

use std::fs;

use ark_bn254::Bn254;
use ark_groth16::VerifyingKey;
use ark_serialize::{CanonicalDeserialize as _, CanonicalSerialize as _};
use ceremony_core::format::record::ContributorName;
use ceremony_core::progress::NoProgress;
use ceremony_folder::audit::{AuditResult, keep};
use ceremony_folder::final_keys::{ensure_of_last_files, last_files};
use ceremony_folder::{Auditor, Ceremony, Track};
use serde_json::{Value, json};
use zk_attest::digest::{TranscriptDigest, VkDigest, VkUncompressedDigest};
use zk_attest::envelope::Envelope;
use zk_attest::error::is_plain;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Label, Timestamp};
use zk_attest::signer::sign_envelope;
use zk_attest::statement::{Statement, Subject};
use zk_vk_guard::bundle::{Bundle, BundlePlan, PlannedCircuit};
use zk_vk_guard::transcript::CheckedTranscript;
use zk_vk_guard::verifying_key::EncodedVerifyingKey;

use crate::kit::ceremony::{KeyFile, World};
use crate::network::Net;

const CONTRIBUTE: &str = "ceremony contribute shared --as alice --key key.pem";
const BUNDLE: &str = "bundle create shared --serial 1 --not-after 2099-12-31T23:59:59Z";
const AUDIT: &str = "ceremony audit shared --as Dana --method again --key ../alice/key.pem";

/// A finished ceremony with keys, transcript and a bundle that alice and bob signed.
fn approved() -> World {
    let world = World::finished();
    world.ok("coordinator", "ceremony keygen shared");
    world.ok("coordinator", BUNDLE);
    for who in ["alice", "bob"] {
        let key = format!("--yes --key ../{who}/key.pem");
        world.ok("coordinator", &format!("bundle sign shared/bundle.json {key}"));
    }
    world.ok("coordinator", "ceremony verify shared");
    world
}

#[track_caller]
fn are_refused(world: &World, lines: &[&str], what: &str) {
    for line in lines {
        let run = world.run("coordinator", line);
        assert_eq!(run.code, 1, "{line}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(what), "{line}: {}", run.stderr);
    }
}

#[test]
fn nobody_signs_a_ceremony_whose_journal_does_not_hold() {
    let world = World::finished();
    fs::write(world.shared("journal.jsonl"), "{\"garbage\":1}\n").unwrap();
    let lines = [
        AUDIT,
        BUNDLE,
        "ceremony keygen shared",
        "ceremony verify shared --read-only",
        "ceremony find shared --participant alice",
    ];
    are_refused(&world, &lines, "journal.jsonl");
    assert!(!world.shared("bundle.json").exists());
    assert!(!world.shared("circuits/main/ark").exists());
    fs::remove_file(world.shared("journal.jsonl")).unwrap();
    world.ok("coordinator", AUDIT);
}

#[test]
fn nobody_signs_a_ceremony_with_exported_files_of_another_key() {
    let world = approved();
    for name in [
        "circuits/main/ark/verifying_key.compressed.bin",
        "circuits/main/ark/verifying_key.uncompressed.bin",
        "circuits/main/snarkjs/verification_key.json",
        "transcript.json",
    ] {
        let good = fs::read(world.shared(name)).unwrap();
        let mut bad = good.clone();
        // A digit of a number, or a bit of a point.
        let at = bad.iter().rposition(u8::is_ascii_digit).unwrap_or(bad.len() / 2);
        bad[at] ^= 1;
        fs::write(world.shared(name), bad).unwrap();
        let lines =
            [AUDIT, "ceremony verify shared --read-only", "ceremony verify shared --finished"];
        are_refused(&world, &lines, name);
        are_refused(&world, &[&format!("{BUNDLE} --force")], name);
        fs::write(world.shared(name), good).unwrap();
    }
    world.ok("coordinator", "ceremony verify shared --finished");
}

#[test]
fn a_signature_that_does_not_verify_under_the_key_it_names_is_no_approval() {
    let world = approved();
    let said = world.run("coordinator", "ceremony verify shared --finished");
    let expected = "2 people and auditors of the ceremony signed it; not verified: 0 signatures";
    assert!(said.stderr.contains(expected), "{}{}", said.stdout, said.stderr);
    world.ok("coordinator", "ceremony archive shared a.tar");
    let said = world.ok("coordinator", "ceremony archive --verify a.tar");
    assert!(said.contains("2 people and auditors of the ceremony signed it"), "{said}");

    let mut bundle: Value =
        serde_json::from_slice(&fs::read(world.shared("bundle.json")).unwrap()).unwrap();
    let zeros = format!("{}==", "A".repeat(86));
    bundle["envelope"]["signatures"][1]["sig"] = zeros.into();
    fs::write(world.shared("bundle.json"), bundle.to_string()).unwrap();
    let what = "does not verify under the key that it names";
    are_refused(&world, &["ceremony verify shared --finished"], what);
    world.ok("coordinator", "ceremony verify shared");
    are_refused(&world, &["ceremony archive shared b.tar --force"], what);

    // By a key that nobody here knows it may be anybody's, and is not called verified.
    bundle["envelope"]["signatures"][1]["keyid"] = "11".repeat(32).into();
    fs::write(world.shared("bundle.json"), bundle.to_string()).unwrap();
    let said = world.run("coordinator", "ceremony verify shared --finished");
    assert!(said.stderr.contains("1 people and auditors"), "{}", said.stderr);
    assert!(said.stderr.contains("not verified: 1 signatures by other keys"), "{}", said.stderr);
    world.ok("coordinator", "ceremony archive shared b.tar --force");
    let said = world.ok("coordinator", "ceremony archive --verify b.tar");
    assert!(said.contains("1 signatures of the bundle, by keys that"), "{said}");
}

/// The bundle of the ceremony with alpha and the first input point exchanged, and everything that
/// is not signed changed to fit.
fn forged(world: &World) -> (Vec<u8>, CheckedTranscript) {
    let ark = |form: &str| {
        fs::read(world.shared(&format!("circuits/main/ark/verifying_key.{form}.bin"))).unwrap()
    };
    let honest = [ark("compressed"), ark("uncompressed")];
    let mut key = VerifyingKey::<Bn254>::deserialize_uncompressed(honest[1].as_slice()).unwrap();
    std::mem::swap(&mut key.alpha_g1, &mut key.gamma_abc_g1[0]);
    let (mut compressed, mut uncompressed) = (Vec::new(), Vec::new());
    key.serialize_compressed(&mut compressed).unwrap();
    key.serialize_uncompressed(&mut uncompressed).unwrap();
    let digests = |[compressed, uncompressed]: [&[u8]; 2]| {
        let digest = VkDigest::of(compressed).to_string();
        [digest, VkUncompressedDigest::of(uncompressed).to_string()]
    };
    let told = digests(honest.each_ref().map(Vec::as_slice));
    let made_up = digests([&compressed, &uncompressed]);
    let mut transcript = fs::read_to_string(world.shared("transcript.json")).unwrap();
    for (told, made_up) in told.iter().zip(&made_up) {
        assert!(transcript.contains(told.as_str()));
        transcript = transcript.replace(told, made_up);
    }
    let bytes = transcript.into_bytes();
    let transcript = CheckedTranscript::from_json(&bytes).unwrap();
    let ceremony = Ceremony::open(&world.shared("")).unwrap();
    let rules = &ceremony.config.document().circuits[0];
    let plan = BundlePlan {
        serial: 1,
        issued: Timestamp::now(),
        not_after: Timestamp::new("2099-12-31T23:59:59Z").unwrap(),
        predecessor: None,
        circuits: vec![PlannedCircuit {
            name: rules.name.clone(),
            program_id: rules.program.clone(),
            program_hash: rules.program_hash,
            key: EncodedVerifyingKey { compressed, uncompressed },
        }],
    };
    let bundle = Bundle::create(&transcript, plan).unwrap();
    (bundle.to_json().unwrap(), transcript)
}

#[test]
fn a_bundle_with_another_key_than_the_last_file_has_is_not_approved_at_any_level() {
    let world = approved();
    let (bundle, transcript) = forged(&world);
    let ceremony = Ceremony::open(&world.shared("")).unwrap();
    assert_eq!(last_files(&ceremony), ["circuits/main/final.zkey"]);
    let honest = Bundle::from_json(&fs::read(world.shared("bundle.json")).unwrap()).unwrap();
    let honest = honest.checked_transcript().unwrap();
    ensure_of_last_files(&ceremony, &honest, &NoProgress).unwrap();
    let refused = ensure_of_last_files(&ceremony, &transcript, &NoProgress).unwrap_err();
    let what = "another verifying key than the one of the last file";
    assert!(refused.to_string().contains(what), "{refused}");

    fs::write(world.shared("bundle.json"), bundle).unwrap();
    let mut net = Net::of(world);
    net.serve_without_end("");
    let (origin, rules) = (net.origin.clone(), net.rules.clone());
    for (level, what) in [("step", what), ("chain", what), ("all", "of another ceremony")] {
        let line = format!(
            "ceremony approve {origin} --rules {rules} --dir {level} --verify {level} --key \
             key.pem --yes"
        );
        let run = net.world.run("bob", &line);
        assert_eq!(run.code, 1, "{level}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(what), "{level}: {}", run.stderr);
    }
    let joined = net.join("bob", "--approve").end();
    assert_eq!(joined.code, 1, "{}{}", joined.stdout, joined.stderr);
    assert!(joined.stderr.contains(what), "{}", joined.stderr);
    let bundle = Bundle::from_json(&fs::read(net.world.shared("bundle.json")).unwrap()).unwrap();
    assert!(bundle.envelope().signatures().is_empty());
}

/// Names come from files, and texts from documents: both are shown by the same rule.
#[test]
fn a_name_is_shown_without_the_characters_that_no_text_may_have() {
    for c in '\0'..=char::MAX {
        let shown = ContributorName::new(&format!("a{c}b")).cleaned();
        assert_eq!(shown == format!("a{c}b"), is_plain(c) || c == '\u{fffd}', "{c:?}");
    }
}

/// The same statement with other key ids, more signatures, and its JSON in another form.
fn passed_on(envelope: &[u8]) -> Vec<u8> {
    let mut envelope: Value = serde_json::from_slice(envelope).unwrap();
    let signature = envelope["signatures"][0].clone();
    let marked = json!({ "keyid": "-----BEGIN PRIVATE KEY-----", "sig": signature["sig"] });
    envelope["signatures"] = json!([marked, signature]);
    serde_json::to_vec(&envelope).unwrap()
}

#[test]
fn a_contribution_is_kept_with_its_makers_signature_and_nothing_else() {
    let world = World::new(&["alice"], |toml| toml);
    world.open();
    world.carry("coordinator", "alice");
    world.ok("alice", CONTRIBUTE);
    let name = "phase1/0001.dsse.json";
    let made = world.read("alice", &format!("shared/{name}"));
    fs::create_dir(world.path("alice", "inbox")).unwrap();
    world.write("alice", "inbox/0001.dsse.json", &passed_on(&made));
    let data = world.read("alice", "shared/phase1/0001.ptau");
    world.write("alice", "inbox/0001.ptau", &data);
    world.ok("coordinator", "ceremony accept shared ../alice/inbox");
    assert!(world.read("coordinator", &format!("shared/{name}")) == made);
    world.ok("coordinator", "ceremony verify shared");
}

/// The result of an audit at a moment, signed.
fn result(world: &World, dana: &mut KeyFile, method: &str, time: u64) -> Envelope {
    let ceremony = Ceremony::open(&world.shared("")).unwrap();
    let transcript = TranscriptDigest([7; 32]);
    let predicate = AuditResult {
        ceremony: ceremony.config.document().id.clone(),
        kind: ceremony.config.document().kind,
        ceremony_toml_sha256: ceremony.config.digest(),
        transcript_sha256: transcript,
        files: 9,
        auditor: Label::from_static("Dana"),
        key: dana.key,
        tool: Label::from_static("test"),
        method: Label::new(method).unwrap(),
        time: Timestamp::from_unix(time),
    };
    let subject = vec![Subject::new("transcript.json", transcript.as_bytes()).unwrap()];
    let mut envelope = Statement { subject, predicate }.to_envelope().unwrap();
    sign_envelope(dana, &mut envelope).unwrap();
    envelope
}

#[test]
fn an_older_result_or_verdict_of_an_auditor_does_not_replace_a_newer_one() {
    let world = World::finished();
    let mut dana = KeyFile::of(&world, "alice", "key.pem");
    let keys: [PublicKey; 1] = [dana.key];
    let ceremony = Ceremony::open(&world.shared("")).unwrap();
    let (old, new) =
        (result(&world, &mut dana, "old", 1_000), result(&world, &mut dana, "new", 2_000));
    keep(&ceremony, &old, &keys).unwrap();
    keep(&ceremony, &new, &keys).unwrap();
    let sent = Envelope::from_json(&passed_on(&old.to_json())).unwrap();
    let refused = keep(&ceremony, &sent, &keys).unwrap_err();
    assert_eq!(refused.code, "older-audit");
    assert_eq!(ceremony.audits().unwrap()[0].method.as_str(), "new");
    // The newest one again, in another form, is the same file.
    let path = ceremony.folder.audits().join(format!("{}.dsse.json", fingerprint(&dana.key)));
    let sent = Envelope::from_json(&passed_on(&new.to_json())).unwrap();
    keep(&ceremony, &sent, &keys).unwrap();
    assert!(fs::read(path).unwrap() == new.to_json());

    // Verdicts on a step.
    let auditor = Auditor { name: Label::from_static("Dana"), tool: Label::from_static("test") };
    let (track, step) = (Track::Phase1, &ceremony.phase1.steps[1]);
    let path = ceremony.write_verdict(&track, step, None, &auditor, &mut dana).unwrap();
    let old = Envelope::from_json(&fs::read(&path).unwrap()).unwrap();
    while Timestamp::now() == ceremony.verdict_at(&path).unwrap().0.time {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let bad = Some(Label::from_static("it does not hold"));
    ceremony.write_verdict(&track, step, bad, &auditor, &mut dana).unwrap();
    let withdrawn = fs::read(&path).unwrap();
    assert_eq!(keep(&ceremony, &old, &keys).unwrap_err().code, "older-audit");
    assert!(fs::read(&path).unwrap() == withdrawn);
}

fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint().replace(' ', "")
}

#[test]
fn words_about_keys_keep_nothing_from_being_published_and_are_refused_where_they_are_given() {
    let world = World::new(&["alice"], |toml| toml);
    world.open();
    world.carry("coordinator", "alice");
    for text in ["AGE-SECRET-KEY-1X", "-----BEGIN PRIVATE KEY-----"] {
        let line = format!("{CONTRIBUTE} --destruction \"it was {text}\"");
        let run = world.run("alice", &line);
        assert_ne!(run.code, 0, "{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains("a private key in a line of text"), "{}", run.stderr);
        assert!(!run.stderr.contains("it was"), "{}", run.stderr);
    }
    world.contribute("alice");
    // What a program writes may have such words inside a line.
    let path = world.shared("phase1/0001.dsse.json");
    let made = fs::read(&path).unwrap();
    fs::write(&path, passed_on(&made)).unwrap();
    world.ok("coordinator", "ceremony verify shared");
    world.ok("coordinator", "ceremony index shared --key key.pem");
    // A key is another thing.
    fs::write(&path, "-----BEGIN PRIVATE KEY-----\nMC4C\n").unwrap();
    let run = world.run("coordinator", "ceremony index shared --key key.pem");
    assert_ne!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_signer_is_told_of_all_that_no_signature_mends_and_does_not_sign() {
    let world = approved();
    let key = world.public_key("alice");
    world.ok(
        "coordinator",
        &format!(
            "policy new policy.json --kind rehearsal --release alice={key} --release-threshold 1 \
             --phase1-contributions 1 --phase2-contributions 1 --circuit main=circuit.r1cs \
             --minimum-serial 50"
        ),
    );
    world.ok("coordinator", &format!("{BUNDLE} --out b.json"));
    let what = "serial-too-low";
    let run = world.run("coordinator", "bundle inspect b.json --policy policy.json");
    assert!(run.code == 1 && run.stdout.contains(what), "{}{}", run.stdout, run.stderr);
    let before = world.read("coordinator", "b.json");
    let line = "bundle sign b.json --policy policy.json --key ../alice/key.pem --yes";
    let run = world.run("coordinator", line);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("no signature makes this policy accept it"), "{}", run.stderr);
    assert!(world.read("coordinator", "b.json") == before);
}

#[test]
fn no_output_takes_the_place_of_a_private_key() {
    let world = approved();
    let key = world.read("alice", "key.pem");
    world.write("coordinator", "k.pem", &key);
    world.ok("coordinator", "sign prepare shared/bundle.json b.pae");
    for line in [
        "sign raw b.pae k.pem --key ../alice/key.pem --force",
        "sign prepare shared/bundle.json k.pem --force",
        "bundle sign shared/bundle.json --key ../alice/key.pem --out k.pem --force --yes",
    ] {
        let run = world.run("coordinator", line);
        assert_ne!(run.code, 0, "{line}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains("the output is a private key"), "{line}: {}", run.stderr);
    }
    assert!(world.read("coordinator", "k.pem") == key);
}

#[test]
fn a_folder_with_too_many_names_hides_nothing() {
    let world = World::new(&["alice"], |rules| rules);
    world.open();
    world.ok("coordinator", "ceremony status shared");
    // Anyone with access to a shared folder can put names there that come before an auditor's.
    let fill = |folder: &str, names: usize| {
        let folder = world.shared(folder);
        fs::create_dir_all(&folder).unwrap();
        for n in 0..names {
            fs::write(folder.join(format!("0-{n}")), "").unwrap();
        }
    };
    let empty = |folder: &str| fs::remove_dir_all(world.shared(folder)).unwrap();
    let is_said = |line: &str, folder: &str| {
        let run = world.run("coordinator", line);
        assert_ne!(run.code, 0, "{line}: {}", run.stdout);
        for part in ["too many names in this folder", "move away what is not", folder] {
            assert!(run.stderr.contains(part), "{line}: {}", run.stderr);
        }
    };
    fill("audits", 16_385);
    is_said("ceremony status shared", "audits");
    is_said("ceremony verify shared", "audits");
    empty("audits");
    fill("audits/0123456789abcdef", 16_385);
    is_said("ceremony verify shared", "audits");
    empty("audits");
    // More auditors than a policy has are heard.
    (0..70).for_each(|n| fill(&format!("audits/{n:016x}"), 1));
    world.ok("coordinator", "ceremony verify shared");
    empty("audits");
    fill("enrolments", 2049);
    is_said("ceremony status shared", "enrolments");
    is_said("ceremony verify shared", "enrolments");
    empty("enrolments");
    fill("services", 1025);
    let key = world.public_key("alice");
    let appoint = "ceremony appoint shared --key key.pem --origin http://127.0.0.1:1 --service-key";
    is_said(&format!("{appoint} {key}"), "services");
    empty("services");
    world.ok("coordinator", "ceremony verify shared");
}
