//! How the attacks that are files are made: each from an honest file of the tests' kits, by the one
//! change that is the attack.

use std::io::Cursor;

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, PrimeField};
use bn254_batch::curve::{Fr, G1Affine, G2Affine, root_of_unity};
use ceremony_core::entropy::{Beacon, ContributionRng};
use ceremony_core::format::ptau::{Power, Ptau};
use ceremony_core::format::r1cs::{R1cs, Row, Shape, write_r1cs};
use ceremony_core::format::record::ContributionKind;
use ceremony_core::format::verification_key::write_verification_key;
use ceremony_core::format::wtns::write_wtns;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::hash::Challenge;
use ceremony_core::keygen;
use ceremony_core::phase1::challenge_response::{contribute_challenge, export_challenge};
use ceremony_core::phase1::contribute::new;
use ceremony_core::phase2::contribute::apply_beacon;
use ceremony_core::phase2::initial_key::new_key;
use ceremony_core::progress::NoProgress;
use ed25519_dalek::Signer;
use testkit::forge::{
    Step, assemble, scale_points, section, sections, shift_point, with_header, with_records,
    with_section,
};
use testkit::known_tau::{self, scalar};
use testkit::ptau::{Model, Secrets};
use zk_attest::primitives::CeremonyKind;
use zk_attest::statement::Phase;
use zk_vk_guard::policy::PolicyDocument;
use zk_vk_guard::transcript::Transcript;

use super::approval::{self, Ceremony, Parts, SIGNERS, person, public, time};

/// The bytes of an attack, and for a bundle the policy that it is held against.
pub(crate) struct Made {
    pub(crate) bytes: Vec<u8>,
    pub(crate) policy: Option<PolicyDocument>,
}

impl From<Vec<u8>> for Made {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, policy: None }
    }
}

/// The file of a recipe.
pub(crate) fn make(recipe: &str) -> Option<Made> {
    let (kind, name) = recipe.split_once('/')?;
    match kind {
        "ptau" => ptau(name).map(Made::from),
        "key" => key(name).map(Made::from),
        "bundle" => bundle(name),
        "policy" => policy(name).map(Made::from),
        "file" => file(name).map(Made::from),
        _ => None,
    }
}

fn beacon_kind(value: &[u8]) -> ContributionKind {
    ContributionKind::Beacon(Beacon::new(value, 10).unwrap())
}

/// Phase 1, of power 1 where that is enough.
fn ptau(name: &str) -> Option<Vec<u8>> {
    let mut model = Model::with_contributions(1, 1);
    let one = Fr::from(1u64);
    match name {
        "nobody" => model = Model::new(1),
        "only-a-beacon" => {
            model = Model::new(1);
            model.beacon_even_if_first(&[7]);
        }
        "secret-of-one" => model.contribute(Secrets { tau: one, ..Secrets::of(1) }),
        "replayed" => {
            let first = model.records[0].public_key;
            model.contribute_forged(Secrets::of(0), ContributionKind::Contribution, |_, key| {
                *key = first
            });
        }
        "swapped" => {
            model = Model::with_contributions(1, 3);
            model.records.swap(0, 1);
        }
        "removed" => {
            model = Model::with_contributions(1, 3);
            model.records.remove(1);
        }
        "last-sections" => {
            model = Model::with_contributions(2, 2);
            model.alpha_tau_g1[3] = (model.alpha_tau_g1[3] + G1Affine::generator()).into_affine();
            model.rehash_last();
        }
        "unproved-tau" => {
            let twice = |p: G2Affine| (p + p).into_affine();
            model.contribute_forged(Secrets::of(1), ContributionKind::Contribution, |k, _| {
                k.tau_g2 = twice(k.tau_g2)
            });
        }
        "unproved-alpha" => {
            let twice = |p: G1Affine| (p + p).into_affine();
            model.contribute_forged(Secrets::of(1), ContributionKind::Contribution, |k, _| {
                k.alpha_g1 = twice(k.alpha_g1)
            });
        }
        "chosen-beacon" => model.contribute_forged(Secrets::of(5), beacon_kind(&[9]), |_, _| {}),
        "another-beacon-value" => {
            model.beacon(&[1, 2, 3]);
            model.records[1].kind = beacon_kind(&[1, 2, 4]);
        }
        "after-the-beacon" => {
            model.beacon(&[1, 2, 3]);
            model.contribute(Secrets::of(2));
        }
        "two-beacons" => {
            model.beacon(&[1, 2, 3]);
            model.beacon_even_if_first(&[4, 5, 6]);
        }
        "empty-challenge" => model.records[0].next_challenge = Challenge([0; 64]),
        "lagrange-of-another" => {
            let mut other = Model::with_contributions(1, 2);
            other.prepare();
            model.lagrange = other.lagrange;
        }
        "cancelling" | "cancelling-prepared" => {
            let (first, second) = (Secrets::of(0), Secrets::of(1));
            model.contribute(Secrets {
                tau: first.tau.inverse().unwrap(),
                alpha: first.alpha.inverse().unwrap(),
                beta: first.beta.inverse().unwrap(),
                s: second.s,
            });
            model.beacon_even_if_first(&[7]);
            if name == "cancelling-prepared" {
                model.prepare();
            }
        }
        "tau-of-order-4" => {
            model = Model::new(1);
            model.contribute(Secrets { tau: root_of_unity(2).unwrap(), ..Secrets::of(0) });
        }
        "moved" => {
            model.records[0].next_challenge = Model::new(1).link().1;
            model.contribute(Secrets::of(1));
        }
        "same-key-twice" => model.contribute(Secrets::of(0)),
        "truncated" | "hidden-truncation" => {
            model = Model::with_contributions(2, 1);
            model.truncate(1);
            if name == "hidden-truncation" {
                model.ceremony_power = 1;
            }
        }
        _ => return damaged_ptau(name),
    }
    Some(model.bytes())
}

/// Bytes changed in a finished file.
fn damaged_ptau(name: &str) -> Option<Vec<u8>> {
    let mut closed = Model::with_contributions(1, 1);
    closed.beacon(&[1; 32]);
    let good = Model::with_contributions(1, 1).bytes();
    let point = |alter: &dyn Fn(&mut [u8])| with_section(&good, 2, |s| alter(&mut s[64..128]));
    Some(match name {
        "cut" => good[..good.len() * 6 / 10].to_vec(),
        "zero-filled" => {
            let mut bytes = good[..good.len() * 3 / 10].to_vec();
            bytes.resize(good.len(), 0);
            bytes
        }
        "trailing" => [&good[..], b"surplus"].concat(),
        "section-twice" => {
            let mut all = sections(&good);
            let again = all[1].clone();
            all.push(again);
            assemble(&good, &all)
        }
        "infinity" => point(&|p| p.fill(0)),
        "off-curve" => point(&|p| p[0] ^= 1),
        "second-encoding" => point(&|p| {
            // x + q: the same number to a reader that reduces.
            let q: [u64; 4] = bn254_batch::curve::FQ_MODULUS.0;
            let mut carry = 0u128;
            for (bytes, q) in p[..32].chunks_exact_mut(8).zip(q) {
                carry += u128::from(u64::from_le_bytes(bytes.try_into().unwrap())) + u128::from(q);
                bytes.copy_from_slice(&(carry as u64).to_le_bytes());
                carry >>= 64;
            }
        }),
        "exponent-63" => {
            let mut bytes = closed.bytes();
            let at = bytes.windows(3).rposition(|w| w == [2, 10, 3]).unwrap();
            bytes[at + 1] = 63;
            bytes
        }
        _ => return None,
    })
}

/// a * b = c and c * c = d, with d public.
pub(crate) fn circuit() -> Vec<u8> {
    circuit_of([[2, 3, 4], [4, 4, 1]])
}

fn circuit_of(constraints: [[u32; 3]; 2]) -> Vec<u8> {
    let row = |wire: u32| -> Row { vec![(Fr::ONE, wire)] };
    let shape = Shape::new(5, 1, 0, 2, 2).unwrap();
    write_r1cs(Cursor::new(Vec::new()), shape, constraints.map(|wires| wires.map(row)))
        .unwrap()
        .into_inner()
}

/// The phase 1 of [`key`].
pub(crate) fn phase1() -> Vec<u8> {
    known_tau::prepared(2, known_tau::secrets("attacks"), known_tau::participant())
}

fn initial(r1cs: &[u8], ptau: &[u8]) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    new_key(
        &mut R1cs::open(Cursor::new(r1cs)).unwrap(),
        &mut Ptau::open(Cursor::new(ptau)).unwrap(),
        &mut out,
        &NoProgress,
    )
    .unwrap();
    out.into_inner()
}

fn closed(key: &[u8]) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    apply_beacon(
        &mut Zkey::open(Cursor::new(key)).unwrap(),
        &mut out,
        &Beacon::new(&[9; 32], 10).unwrap(),
        None,
        &NoProgress,
    )
    .unwrap();
    out.into_inner()
}

/// Phase 2 of [`circuit`].
fn key(name: &str) -> Option<Vec<u8>> {
    let fresh = initial(&circuit(), &phase1());
    let one = Step::honest("first").apply(&fresh);
    let two = Step::honest("second").apply(&one);
    let (secret, more) = (scalar("x", "delta"), scalar("y", "delta"));
    Some(match name {
        "phase-2-skipped" => fresh,
        "only-a-beacon" => closed(&fresh),
        "secret-of-one" => Step::of("one", Fr::ONE).apply(&one),
        "cancelling" => Step::of("undo", scalar("second", "delta").inverse().unwrap()).apply(&two),
        "secret-twice" => {
            Step { s: "first".into(), ..Step::of("first", scalar("first", "delta")) }.apply(&one)
        }
        "unproved-factor" => Step { secret, ..Step::of("x", more) }.apply(&one),
        "more-delta" => Step {
            header: (secret * more, secret * more),
            queries: (secret * more, secret * more),
            ..Step::of("x", secret)
        }
        .apply(&one),
        "two-deltas" => {
            Step { header: (secret, more), queries: (more, more), ..Step::of("x", secret) }
                .apply(&one)
        }
        "query-altered" => with_section(&two, 5, |s| shift_point::<G1Affine>(s, 3)),
        "ic-altered" => with_section(&two, 3, |s| shift_point::<G1Affine>(s, 1)),
        "l-scaled" => with_section(&two, 8, |s| scale_points(s, Fr::from(2u64))),
        "h-scaled" => with_section(&two, 9, |s| scale_points(s, Fr::from(2u64))),
        "delta-minus-gamma" => {
            Step::of("undo", -scalar("first", "delta").inverse().unwrap()).apply(&one)
        }
        "surplus-input" => with_section(&two, 3, |s| s.extend_from_within(..64)),
        "alpha-of-one" => with_header(&two, |h| h.alpha_g1 = G1Affine::generator()),
        "gamma-is-delta" => with_header(&two, |h| h.gamma_g2 = h.delta_g2),
        "reordered" => with_records(&two, |records| records.swap(0, 1)),
        "last-record-dropped" => with_records(&two, |records| drop(records.pop())),
        "false-beacon" => Step { kind: known_tau::beacon(), ..Step::honest("second") }.apply(&one),
        "after-the-beacon" => Step::honest("late").apply(&closed(&two)),
        "another-circuit" => {
            Step::honest("first").apply(&initial(&circuit_of([[2, 2, 4], [4, 3, 1]]), &phase1()))
        }
        "another-phase-1" => {
            let ptau =
                known_tau::prepared(2, known_tau::secrets("another"), known_tau::participant());
            Step::honest("first").apply(&initial(&circuit(), &ptau))
        }
        "fewer-inputs" => {
            let moved = section(&two, 3)[64..].to_vec();
            let key = with_section(&two, 2, |s| s[76..80].copy_from_slice(&0u32.to_le_bytes()));
            let key = with_section(&key, 3, |s| s.truncate(64));
            with_section(&key, 8, |s| *s = [moved, s.clone()].concat())
        }
        _ => return None,
    })
}

/// Bundles that an honest policy refuses, or honest bundles under a policy that must.
fn bundle(name: &str) -> Option<Made> {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let (mut parts, mut policy) = (ceremony.parts(), ceremony.policy());
    let repaid = |parts: &Parts, from: &str, to: &str| {
        parts.clone().repay(|text| text.replacen(from, to, 1))
    };
    match name {
        "one-signer-twice" => parts.sign(&["release-1", "release-1", "auditor-1", "alice"]),
        "key-id-alias" => {
            parts.sign(&["release-1", "release-1", "auditor-1", "alice"]);
            parts.signatures[1].0 = public("release-2").key_id().to_string();
        }
        "another-role" => parts.sign(&["release-1", "auditor-1", "auditor-2", "alice"]),
        "prehashed" => {
            // SHA-512 first, as in Ed25519ph, and the plain signature of that.
            let digest = approval_digest(&parts);
            parts.signatures[0].1 = person("release-1").sign(&digest).to_bytes().to_vec();
        }
        "bare-payload" => {
            parts.signatures[0].1 = person("release-1").sign(&parts.payload).to_bytes().to_vec()
        }
        "s-plus-l" => add_order(&mut parts.signatures[0].1[32..]),
        "payload-type" => {
            parts.payload_type = "application/json".into();
            parts.sign(&SIGNERS);
        }
        "predicate-type" => parts = repaid(&parts, "bundle-provenance", "step-attestation"),
        "white-space" => parts = repaid(&parts, ",", ", "),
        "escaped-name" => parts = repaid(&parts, "\"serial\"", "\"seri\\u0061l\""),
        "field-twice" => parts = repaid(&parts, "\"serial\":7", "\"serial\":7,\"serial\":7"),
        "unknown-field" => parts = repaid(&parts, "\"serial\":7", "\"serial\":7,\"note\":1"),
        "statement-altered" => parts.payload[300] ^= 1,
        "manifest-altered" => {
            let mut manifest = parts.manifest();
            manifest.circuits[0].contributions += 1;
            parts.manifest = manifest.to_json();
        }
        "older-serial" => policy.minimum_serial = 8,
        "expired" => {
            parts = parts.restate(|p| {
                (p.issued, p.not_after) =
                    (time("2020-01-01T00:00:00Z"), time("2020-02-01T00:00:00Z"))
            })
        }
        "revoked-transcript" => policy
            .revoked_transcripts
            .push(zk_attest::digest::TranscriptDigest::of(&parts.transcript)),
        "revoked-key" => policy.revoked_keys.push(public("release-2")),
        "rehearsal" => parts = Ceremony::new(CeremonyKind::Rehearsal).parts(),
        "one-key-for-two-circuits" => {
            let two = Ceremony {
                circuits: vec![("attestation".into(), 2), ("wallet".into(), 2)],
                ..ceremony
            };
            (parts, policy) = (two.parts_of_one_key(), two.policy());
        }
        "another-circuit" => {
            policy.circuits[0].circuit_sha256 =
                zk_attest::digest::CircuitDigest::of(b"another.r1cs")
        }
        "external-start" => {
            let mut external = ceremony;
            (external.origin, external.phase1) =
                (zk_vk_guard::transcript::Origin::External, Vec::new());
            parts = external.parts();
        }
        _ => {
            return bundle_of_a_bad_key(name, &ceremony)
                .or_else(|| bundle_of_a_bad_chain(name, &ceremony))
                .map(|parts| made(&parts, policy));
        }
    }
    Some(made(&parts, policy))
}

fn made(parts: &Parts, policy: PolicyDocument) -> Made {
    Made { bytes: parts.json(), policy: Some(policy) }
}

fn approval_digest(parts: &Parts) -> [u8; 64] {
    use sha2::Digest;
    sha2::Sha512::digest(zk_attest::envelope::pae(&parts.payload_type, &parts.payload)).into()
}

/// S + L, the same scalar to a lenient verifier.
fn add_order(s: &mut [u8]) {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (s, l) in s.iter_mut().zip(L) {
        let sum = u16::from(*s) + u16::from(l) + carry;
        *s = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

/// Everything signed and consistent, about a key that no honest ceremony makes.
fn bundle_of_a_bad_key(name: &str, ceremony: &Ceremony) -> Option<Parts> {
    let mut vk = ceremony.vk("attestation", 2);
    let mut forms = vk.forms();
    match name {
        "delta-is-gamma" => {
            vk.delta = vk.gamma;
            forms = vk.forms();
        }
        "two-forms" => forms.uncompressed = approval::Vk::new("another", 2).forms().uncompressed,
        "short-key" => forms.compressed.truncate(300),
        "long-key" => forms.compressed.push(0),
        "equal-input-points" => {
            vk.ic[2] = vk.ic[1];
            forms = vk.forms();
        }
        "infinity-in-the-key" => {
            vk.ic[1] = G1Affine::zero();
            forms = vk.forms();
        }
        _ => return None,
    }
    Some(ceremony.parts_of_key(forms))
}

/// Everything signed, about a transcript that is not one.
fn bundle_of_a_bad_chain(name: &str, ceremony: &Ceremony) -> Option<Parts> {
    let mut transcript: Transcript = ceremony.transcript();
    match name {
        "one-participant-thrice" => {
            let mut sock = ceremony.clone();
            sock.phase2 = vec!["alice".into(); 3];
            transcript = sock.transcript();
        }
        "too-few-contributions" => {
            let mut short = ceremony.clone();
            short.phase2.pop();
            transcript = short.transcript();
        }
        "attestation-removed" => transcript.phase1.steps[1].step.attested = None,
        "attestation-forged" => {
            let words = ceremony.words_of(&transcript.phase1.steps[1].step, Phase::One, None);
            let envelope =
                approval::sign_step(&words, transcript.phase1.steps[1].step.file_sha256, "mallory");
            transcript.phase1.steps[1].step.attested.as_mut()?.envelope = envelope;
        }
        "attestation-moved" => {
            transcript.phase1.steps[1].step.attested =
                transcript.phase1.steps[0].step.attested.clone()
        }
        "attestation-of-another-ceremony" => {
            let mut other = ceremony.clone();
            other.id = "boot-2025".into();
            other.attest(&mut transcript.phase1.steps[1].step, Phase::One, None, "bob");
        }
        "attested-by-a-stranger" => {
            let mut strange = ceremony.clone();
            strange.phase2[1] = "mallory".into();
            transcript = strange.transcript();
        }
        "steps-swapped" => transcript.phase1.steps.swap(0, 1),
        "step-dropped" => drop(transcript.circuits[0].steps.remove(1)),
        "opened-by-another" => {
            let start = &transcript.phase1.start;
            let mut other = ceremony.clone();
            other.coordinator = "mallory".into();
            let opening = other.coordinated(
                Phase::One,
                None,
                zk_attest::statement::Action::Open,
                0,
                None,
                start.file_sha256,
            );
            transcript.phase1.start.attestation = opening;
        }
        "renamed-contributor" => {
            transcript.phase1.steps[1].step.name = approval::text("someone else")
        }
        _ => return None,
    }
    Some(Parts::of(&transcript, vec![ceremony.vk("attestation", 2).forms()]))
}

fn policy(name: &str) -> Option<Vec<u8>> {
    let text =
        String::from_utf8(Ceremony::new(CeremonyKind::Production).policy().to_json()).unwrap();
    let mut document = Ceremony::new(CeremonyKind::Production).policy();
    Some(match name {
        "threshold-zero" => text.replacen("\"threshold\": 2", "\"threshold\": 0", 1).into_bytes(),
        "threshold-out-of-reach" => {
            text.replacen("\"threshold\": 2", "\"threshold\": 4", 1).into_bytes()
        }
        "key-in-two-roles" => {
            document.roles.auditor.as_mut()?.keys[0].key = public("release-1");
            document.to_json()
        }
        "weak-key" => text
            .replace(&public("release-3").to_string(), &format!("01{}", "00".repeat(31)))
            .into_bytes(),
        "no-participants" => {
            document.roles.participant = None;
            document.to_json()
        }
        "field-twice" => text
            .replacen(
                "\"kind\": \"production\",",
                "\"kind\": \"rehearsal\",\n  \"kind\": \"production\",",
                1,
            )
            .into_bytes(),
        "hidden-name" => text
            .replacen("\"name\": \"release-2\"", "\"name\": \"release\u{202e}2-\"", 1)
            .into_bytes(),
        _ => return None,
    })
}

/// Files of every other kind.
fn file(name: &str) -> Option<Vec<u8>> {
    let fresh = || {
        let mut out = Cursor::new(Vec::new());
        new(Power::new(1).unwrap(), &mut out, &NoProgress).unwrap();
        out.into_inner()
    };
    let challenge = || {
        let mut challenge = Vec::new();
        export_challenge(
            &mut Ptau::open(Cursor::new(fresh())).unwrap(),
            &mut challenge,
            &NoProgress,
        )
        .unwrap();
        challenge
    };
    let verification_key = |alter: &dyn Fn(&mut ark_groth16::VerifyingKey<ark_bn254::Bn254>)| {
        let zkey = key("reordered").unwrap_or_default();
        let mut key = keygen::verifying_key(&mut Zkey::open(Cursor::new(zkey)).unwrap()).unwrap();
        alter(&mut key);
        write_verification_key(&key).unwrap()
    };
    Some(match name {
        "challenge-with-a-surplus-point" => [&challenge()[..], &challenge()[64..128]].concat(),
        "response-to-another-challenge" => {
            let mut other = challenge();
            other[0] ^= 1;
            let mut response = Vec::new();
            contribute_challenge(
                Cursor::new(&other),
                &mut response,
                ContributionRng::from_os_and_text(b"").unwrap(),
                &NoProgress,
            )
            .unwrap();
            response
        }
        "circuit-with-countless-terms" => {
            with_section(&circuit(), 2, |s| s[..4].copy_from_slice(&u32::MAX.to_le_bytes()))
        }
        "circuit-with-custom-gates" => {
            let mut all = sections(&circuit());
            all.push((4, vec![0; 4]));
            assemble(&circuit(), &all)
        }
        "circuit-with-a-wire-out-of-range" => {
            with_section(&circuit(), 2, |s| s[4..8].copy_from_slice(&9u32.to_le_bytes()))
        }
        "aliased-input" => {
            // 441 + r, the same public value to whoever reduces.
            let values = [1u64, 441, 3, 7, 21].map(Fr::from);
            let good = write_wtns(Cursor::new(Vec::new()), &values).unwrap().into_inner();
            with_section(&good, 2, |s| {
                let mut carry = 0u128;
                for (bytes, r) in s[32..64].chunks_exact_mut(8).zip(Fr::MODULUS.0) {
                    carry +=
                        u128::from(u64::from_le_bytes(bytes.try_into().unwrap())) + u128::from(r);
                    bytes.copy_from_slice(&(carry as u64).to_le_bytes());
                    carry >>= 64;
                }
            })
        }
        "verification-key-of-a-skipped-phase-2" => {
            verification_key(&|key| key.delta_g2 = key.gamma_g2).into_bytes()
        }
        "verification-key-with-fewer-inputs-than-it-says" => {
            verification_key(&|_| ()).replacen("\"nPublic\": 1", "\"nPublic\": 2", 1).into_bytes()
        }
        "verification-key-with-a-second-spelling" => {
            // A leading zero: another string, the same number.
            let text = verification_key(&|_| ());
            let at = text.find("\"vk_alpha_1\"")?;
            let digits =
                at + text[at..].find("[")? + text[at..][text[at..].find("[")?..].find('"')? + 1;
            format!("{}0{}", &text[..digits], &text[digits..]).into_bytes()
        }
        _ => return None,
    })
}
