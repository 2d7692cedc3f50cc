//! Checks that the bytes of a verifying key are the one canonical encoding of points that lie on their curves, in their subgroups, and where
//! no honest ceremony avoids them:
//!
//! 1. both forms decode with arkworks' full validation (coordinates below q, y^2 = x^3 + b, order r) and leave no byte over;
//! 2. both forms are the same points, and encode to the same bytes again;
//! 3. the key passes [`check_verifying_key`], the same guard that the ceremony's verification and key generation use: the number of input points is
//!    that of the public inputs plus one; gamma is the generator of G2; delta is neither gamma nor its negative; alpha, beta and delta are neither
//!    the identity nor plus or minus a generator;
//! 4. delta is not beta up to sign, no input point is the identity, and none stands twice.
//!
//! [`VerifyingKeyBytes`] has already been through the checks that need no arithmetic. Those of this module repeat them on purpose, with
//! another library: a mistake in either is caught by the other.

use ark_bn254::Bn254;
use ark_ec::AffineRepr;
use ark_groth16::VerifyingKey;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize, Compress, Validate};
use ceremony_core::keygen::{VerifyingKeyDefect, check_verifying_key};
use zk_attest::error::{Code, Refusal, Result};
use zk_vk_guard::verifying_key::VerifyingKeyBytes;

/// Makes the checks, and answers with the key.
pub fn deep_check(key: &VerifyingKeyBytes) -> Result<VerifyingKey<Bn254>> {
    let parsed = decoded(key.compressed(), Compress::Yes, "compressed")?;
    let again = decoded(key.uncompressed(), Compress::No, "uncompressed")?;
    if parsed != again {
        return Err(Refusal::new(
            Code::KeyPoint,
            "compressed and uncompressed form are not the same points",
        ));
    }
    check_verifying_key(&parsed, key.public_inputs()).map_err(|defect| {
        let code = if matches!(defect, VerifyingKeyDefect::Inputs { .. }) {
            Code::KeyLength
        } else {
            Code::KeyDegenerate
        };
        Refusal::new(code, defect)
    })?;
    ensure_inputs_bound(&parsed)?;
    Ok(parsed)
}

fn decoded(bytes: &[u8], compress: Compress, form: &str) -> Result<VerifyingKey<Bn254>> {
    let mut rest = bytes;
    let key = VerifyingKey::<Bn254>::deserialize_with_mode(&mut rest, compress, Validate::Yes)
        .map_err(|error| {
            Refusal::new(
                Code::KeyPoint,
                format_args!(
                    "the {form} verifying key does not decode to points of the curve: {error}"
                ),
            )
        })?;
    if !rest.is_empty() {
        return Err(Refusal::new(
            Code::KeyLength,
            format_args!("the {form} verifying key is too long"),
        )
        .found(format_args!("{} bytes over", rest.len())));
    }
    let mut encoded = Vec::with_capacity(bytes.len());
    let written = key.serialize_with_mode(&mut encoded, compress);
    if written.is_err() || encoded != bytes {
        return Err(Refusal::new(
            Code::KeyEncoding,
            format_args!("the {form} verifying key is not canonically encoded"),
        ));
    }
    Ok(key)
}

/// What a ceremony's own verification has no need to ask, since it compares these points with the circuit's.
fn ensure_inputs_bound(key: &VerifyingKey<Bn254>) -> Result<()> {
    let (beta, delta) = (key.beta_g2, key.delta_g2);
    let ic = &key.gamma_abc_g1;
    let faults = [
        ("delta is beta or its negative", delta == beta || delta == -beta),
        (
            "an input point is the identity: that input is not bound by a proof",
            ic.iter().any(AffineRepr::is_zero),
        ),
        (
            "two input points are equal: these inputs can be exchanged for one another",
            (1..ic.len()).any(|i| ic[..i].contains(&ic[i])),
        ),
    ];
    match faults.iter().find(|(_, fault)| *fault) {
        None => Ok(()),
        Some((fault, _)) => Err(Refusal::new(Code::KeyDegenerate, fault)),
    }
}
