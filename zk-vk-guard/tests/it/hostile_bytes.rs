//! Whatever the bytes, a parser answers; it never panics. Deterministic mutations of good
//! documents, so that a failure can be run again.

use testkit::paper::{Ceremony, time};
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::CeremonyKind;
use zk_attest::statement::{Provenance, Statement, StepAttestation};
use zk_vk_guard::bundle::{Bundle, OnExpiry};
use zk_vk_guard::policy::Policy;
use zk_vk_guard::snippet::serial_of;
use zk_vk_guard::transcript::CheckedTranscript;

/// xorshift64: enough to choose places.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below.max(1) as u64).unwrap_or(0)
    }
}

fn mutated(good: &[u8], dice: &mut Dice) -> Vec<u8> {
    const TOKENS: [&[u8]; 16] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"",
        b",",
        b":",
        b"null",
        b"-1",
        b"1e999",
        b"18446744073709551616",
        b"\\u0000",
        b"\\ud800",
        b"\xff",
        b"\0",
        b"true",
    ];
    let mut bytes = good.to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(bytes.len());
        match dice.roll(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, u8::try_from(dice.roll(256)).unwrap()),
            2 if !bytes.is_empty() => bytes[at] ^= 1 << dice.roll(8),
            3 => drop(bytes.splice(at..at, TOKENS[dice.roll(TOKENS.len())].iter().copied())),
            _ => {
                let to = (at + dice.roll(200)).min(bytes.len());
                let piece = bytes[at..to].to_vec();
                let place = dice.roll(bytes.len());
                drop(bytes.splice(place..place, piece));
            }
        }
    }
    bytes
}

#[test]
fn no_parser_panics_on_mutated_documents() {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let (parts, policy) = (ceremony.parts(), ceremony.policy().to_json());
    let sound = Policy::from_json(&policy).unwrap();
    let transcript = ceremony.transcript();
    let attestation = transcript.phase1.start.attestation.clone();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3000 {
        let _ = Policy::from_json(&mutated(&policy, &mut dice));
        let _ = Envelope::from_json(&mutated(&attestation.to_json(), &mut dice));
        let _ = Statement::<Provenance>::from_payload(&mutated(&parts.payload, &mut dice));
        let _ =
            Statement::<StepAttestation>::from_payload(&mutated(attestation.payload(), &mut dice));
        let _ = CheckedTranscript::from_json(&mutated(&parts.transcript, &mut dice));
        if let Ok(bundle) = Bundle::from_json(&mutated(&parts.json(), &mut dice)) {
            let _ = bundle.inspect(Some(&sound), &time(testkit::paper::NOW));
        }
        let _ = serial_of(&String::from_utf8_lossy(&mutated(
            b"pub mod verifying_keys { pub const SERIAL: u64 = 7u64; }",
            &mut dice,
        )));
        let _ = PublicKey::from_hex(&String::from_utf8_lossy(&mutated(
            b"19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1",
            &mut dice,
        )));
    }
}

#[test]
fn a_signed_but_mutated_statement_or_transcript_never_panics_the_verification() {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let policy = Policy::from_json(&ceremony.policy().to_json()).unwrap();
    let good = ceremony.parts();
    let mut dice = Dice(7);
    for _ in 0..300 {
        let mut parts = good.clone();
        parts.payload = mutated(&good.payload, &mut dice);
        parts.sign(&testkit::paper::SIGNERS);
        if let Ok(bundle) = parts.bundle() {
            let verified = bundle.verify(&policy, &time(testkit::paper::NOW), OnExpiry::Refuse);
            assert!(
                verified.is_err()
                    || parts.payload == good.payload
                    || Statement::<Provenance>::from_payload(&parts.payload).is_ok()
            );
        }
    }
}

#[test]
fn deep_nesting_is_refused_and_does_not_exhaust_the_stack() {
    for open in ["[", "{\"format\":", "{\"a\":["] {
        let deep = open.repeat(100_000 / open.len());
        assert!(Policy::from_json(deep.as_bytes()).is_err());
        assert!(Bundle::from_json(deep.as_bytes()).is_err());
        assert!(CheckedTranscript::from_json(deep.as_bytes()).is_err());
    }
}

#[test]
fn a_deeply_nested_snippet_does_not_exhaust_the_stack() {
    let module = "pub mod verifying_keys { pub const SERIAL: u64 = 7; }";
    for (before, after) in [
        (format!("const X: u8 = {}1;", "!".repeat(500_000)), String::new()),
        (format!("const X: u8 = {}1{};", "(".repeat(100_000), ")".repeat(100_000)), String::new()),
        ("mod a {".repeat(100_000), "}".repeat(100_000)),
        (format!("type X = {}u8;", "&".repeat(500_000)), String::new()),
    ] {
        assert_eq!(serial_of(&format!("{before}{after}{module}")), Some(7));
        assert_eq!(serial_of(&format!("{before}{module}")), Some(7));
    }
}
