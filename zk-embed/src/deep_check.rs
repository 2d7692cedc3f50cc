//! Checks that the bytes of a verifying key are the one canonical encoding of points that lie on
//! their curves, in their subgroups, and where an honest ceremony puts them:
//!
//! 1. both forms decode with arkworks' full validation (coordinates below q, y^2 = x^3 + b, order
//!    r) and leave no byte over;
//! 2. both forms are the same points, and encode to the same bytes again;
//! 3. the key passes [`check_verifying_key`], which the ceremony's verification and key generation
//!    use too: there is one input point more than public inputs; gamma is the generator of G2;
//!    delta is neither gamma nor its negative; alpha, beta and delta are neither the identity nor
//!    plus or minus a generator;
//! 4. delta is not beta up to sign, no input point is the identity, and no two are equal
//!    or negatives of each other.
//!
//! [`VerifyingKeyBytes`] has already passed the checks that need no arithmetic. Those of this
//! module repeat them on purpose, with another library, so that a mistake in one is caught by the
//! other.

use ark_bn254::Bn254;
use ark_ec::AffineRepr;
use ark_groth16::VerifyingKey;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize, Compress, Validate};
use ceremony_core::keygen::{VerifyingKeyDefect, check_verifying_key};
use zk_attest::error::{Code, Refusal, Result};
use zk_attest::primitives::CircuitName;
use zk_vk_guard::verifying_key::VerifyingKeyBytes;

/// Makes the checks and returns the key.
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

/// What a ceremony's own verification need not ask, since it compares these points with the
/// circuit's.
pub(crate) fn ensure_inputs_bound(key: &VerifyingKey<Bn254>) -> Result<()> {
    let (beta, delta) = (key.beta_g2, key.delta_g2);
    let ic = &key.gamma_abc_g1;
    let faults = [
        ("delta is beta or its negative", delta == beta || delta == -beta),
        (
            "an input point is the identity: a proof does not bind that input",
            ic.iter().any(AffineRepr::is_zero),
        ),
        (
            "two input points are equal: a proof binds only the sum of these inputs",
            (1..ic.len()).any(|i| ic[..i].contains(&ic[i])),
        ),
        (
            "two input points are negatives of each other: a proof binds only the difference of \
             these inputs",
            (1..ic.len()).any(|i| ic[..i].contains(&-ic[i])),
        ),
    ];
    match faults.iter().find(|(_, fault)| *fault) {
        None => Ok(()),
        Some((fault, _)) => Err(Refusal::new(Code::KeyDegenerate, fault)),
    }
}

/// Refuses one verifying key under two names.
pub(crate) fn ensure_distinct(keys: &[(&CircuitName, VerifyingKey<Bn254>)]) -> Result<()> {
    for (i, (name, key)) in keys.iter().enumerate() {
        if let Some((earlier, _)) = keys[..i].iter().find(|(_, earlier)| earlier == key) {
            return Err(Refusal::new(
                Code::KeyDegenerate,
                format_args!(
                    "circuit {name} has the verifying key of circuit {earlier}: a proof of one \
                     would pass as a proof of the other"
                ),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ark_ec::{AffineRepr, CurveGroup};
    use testkit::paper::Vk;

    use super::*;

    fn key(label: &str) -> VerifyingKey<Bn254> {
        decoded(&Vk::new(label, 2).forms().compressed, Compress::Yes, "compressed").unwrap()
    }

    #[test]
    fn two_equal_input_points_are_refused() {
        let good = key("key");
        ensure_inputs_bound(&good).unwrap();
        let mut equal = good.clone();
        equal.gamma_abc_g1[2] = equal.gamma_abc_g1[1];
        assert_eq!(ensure_inputs_bound(&equal).unwrap_err().code(), Code::KeyDegenerate);
        let mut negative = good.clone();
        negative.gamma_abc_g1[2] = -negative.gamma_abc_g1[0];
        assert_eq!(ensure_inputs_bound(&negative).unwrap_err().code(), Code::KeyDegenerate);
        let mut different = good.clone();
        let sum = good.gamma_abc_g1[1] + good.gamma_abc_g1[0];
        different.gamma_abc_g1[2] = sum.into_affine();
        ensure_inputs_bound(&different).unwrap();
        let mut zero = good;
        zero.gamma_abc_g1[0] = AffineRepr::zero();
        assert_eq!(ensure_inputs_bound(&zero).unwrap_err().code(), Code::KeyDegenerate);
    }

    #[test]
    fn one_key_under_two_names_is_refused() {
        let names = ["a", "b", "c"].map(|name| CircuitName::new(name).unwrap());
        let keys = |labels: [&str; 3]| -> Vec<_> { names.iter().zip(labels.map(key)).collect() };
        ensure_distinct(&keys(["x", "y", "z"])).unwrap();
        for labels in [["x", "x", "z"], ["x", "y", "x"], ["x", "y", "y"]] {
            let refusal = ensure_distinct(&keys(labels)).unwrap_err();
            assert_eq!(refusal.code(), Code::KeyDegenerate, "{refusal}");
        }
    }
}
