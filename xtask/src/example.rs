//! The example's circuit, witnesses of it, and proofs for the test of its crate.

use std::io::Cursor;
use std::path::Path;

use ark_bn254::{Bn254, Fr};
use ark_groth16::Groth16;
use ark_serialize::CanonicalSerialize;
use attestation::circuit::{Attestation as Circuit, WORDS, Witness};
use ceremony_core::entropy::VerifierRng;
use ceremony_core::keygen::ProvingKey;
use ceremony_core::phase2::arkworks::{export_r1cs, export_wtns};
use zk_ceremony::Example;

/// True claims that are proved, and as many false ones.
const PROOFS: usize = 3;

/// Boot attestation: examples/attestation.
pub(crate) struct Attestation;

impl Example for Attestation {
    fn name(&self) -> &'static str {
        "attestation"
    }

    fn package(&self) -> &Path {
        Path::new("examples/attestation")
    }

    fn r1cs(&self) -> Result<Vec<u8>, String> {
        let blank = Circuit { witness: None };
        let written = export_r1cs(blank, Cursor::new(Vec::new()));
        Ok(written.map_err(|e| e.to_string())?.0.into_inner())
    }

    fn witness(&self) -> Result<Vec<u8>, String> {
        let assigned = Circuit { witness: Some(random_witness()?) };
        let written = export_wtns(assigned, Cursor::new(Vec::new()));
        Ok(written.map_err(|e| e.to_string())?.into_inner())
    }

    /// Lines "proof capsule program verdict".
    fn proofs(&self, key: &ProvingKey) -> Result<String, String> {
        let mut rng = VerifierRng::from_os().map_err(|e| e.to_string())?;
        let mut lines = String::new();
        for _ in 0..PROOFS {
            let witness = random_witness()?;
            let claim = witness.claim();
            let proof = Groth16::<Bn254>::create_proof_with_reduction(
                Circuit { witness: Some(witness) },
                key,
                rng.scalar(),
                rng.scalar(),
            )
            .map_err(|e| format!("proving failed: {e}"))?;
            let (proof, program) = (hex(&proof)?, hex(&claim.program)?);
            let claims = [(claim.capsule, true), (claim.capsule + Fr::from(1u64), false)];
            for (capsule, verdict) in claims {
                lines += &format!("{proof} {} {program} {verdict}\n", hex(&capsule)?);
            }
        }
        Ok(lines)
    }
}

fn hex(value: &impl CanonicalSerialize) -> Result<String, String> {
    let mut bytes = Vec::new();
    value.serialize_compressed(&mut bytes).map_err(|e| e.to_string())?;
    Ok(hex::encode(bytes))
}

/// A measurement, a level and a blinding from the operating system.
fn random_witness() -> Result<Witness, String> {
    let failed = |e: getrandom::Error| format!("the operating system gives no randomness: {e}");
    let mut words = [0; WORDS];
    for word in &mut words {
        *word = getrandom::u64().map_err(failed)?;
    }
    let excess = getrandom::u32().map_err(failed)? % 253;
    let mut rng = VerifierRng::from_os().map_err(|e| e.to_string())?;
    Ok(Witness {
        measurement: words,
        // MINIMUM_LEVEL is 3, and levels are bytes.
        level: attestation::MINIMUM_LEVEL + u8::try_from(excess).unwrap_or(0),
        blinding: rng.scalar(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_committed_policy_names_the_circuit_of_its_source() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let policy = checkout.join(Attestation.package()).join("zk/trust-policy.json");
        let policy = zk_vk_guard::Policy::from_json(&std::fs::read(policy).unwrap()).unwrap();
        assert_eq!(
            policy.document().circuits[0].circuit_sha256,
            zk_attest::digest::CircuitDigest::of(&Attestation.r1cs().unwrap())
        );
    }
}
