//! Checks that the bytes of a verifying key are the one canonical encoding of points that lie on their curves, in their subgroups, and where
//! no honest ceremony avoids them:
//!
//! 1. both forms decode with arkworks' full validation (coordinates below q, y^2 = x^3 + b, order r) and leave no byte over;
//! 2. both forms are the same points, and encode to the same bytes again;
//! 3. the number of input points is the number of public inputs plus one;
//! 4. no point is the identity; gamma is the generator of G2; delta is neither gamma nor its negative; alpha, beta and delta are not plus or minus
//!    a generator; no two of beta, gamma, delta are equal up to sign; no input point stands twice.
//!
//! [`VerifyingKeyBytes`] has already been through the checks that need no arithmetic. Those of this module repeat them on purpose, with
//! another library: a mistake in either is caught by the other.

use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_groth16::VerifyingKey;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize, Compress, Validate};
use zk_vk_guard::error::{Code, Refusal, Result};
use zk_vk_guard::verifying_key::VerifyingKeyBytes;

/// Makes the checks, and answers with the key.
pub fn deep_check(key: &VerifyingKeyBytes) -> Result<VerifyingKey<Bn254>> {
    let parsed = decoded(key.compressed(), Compress::Yes, "compressed")?;
    let again = decoded(key.uncompressed(), Compress::No, "uncompressed")?;
    if parsed != again {
        return Err(Refusal::new(Code::KeyPoint, "compressed and uncompressed form are not the same points"));
    }
    let inputs = parsed.gamma_abc_g1.len();
    if inputs != key.public_inputs() as usize + 1 {
        return Err(Refusal::new(Code::KeyLength, "another number of input points than public inputs plus one")
            .found(inputs)
            .expected(key.public_inputs() + 1));
    }
    is_not_degenerate(&parsed)?;
    Ok(parsed)
}

fn decoded(bytes: &[u8], compress: Compress, form: &str) -> Result<VerifyingKey<Bn254>> {
    let mut rest = bytes;
    let key = VerifyingKey::<Bn254>::deserialize_with_mode(&mut rest, compress, Validate::Yes).map_err(|error| {
        Refusal::new(Code::KeyPoint, format_args!("the {form} verifying key does not decode to points of the curve: {error}"))
    })?;
    if !rest.is_empty() {
        return Err(Refusal::new(Code::KeyLength, format_args!("the {form} verifying key is too long"))
            .found(format_args!("{} bytes over", rest.len())));
    }
    let mut encoded = Vec::with_capacity(bytes.len());
    let written = key.serialize_with_mode(&mut encoded, compress);
    if written.is_err() || encoded != bytes {
        return Err(Refusal::new(Code::KeyEncoding, format_args!("the {form} verifying key is not canonically encoded")));
    }
    Ok(key)
}

fn is_not_degenerate(key: &VerifyingKey<Bn254>) -> Result<()> {
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let (alpha, beta, gamma, delta) = (key.alpha_g1, key.beta_g2, key.gamma_g2, key.delta_g2);
    let ic = &key.gamma_abc_g1;
    let faults = [
        ("alpha is the identity or plus or minus the generator", alpha.is_zero() || same_up_to_sign(alpha, g1)),
        ("beta is the identity or plus or minus the generator", beta.is_zero() || same_up_to_sign(beta, g2)),
        ("gamma is not the generator", gamma != g2),
        ("delta is the identity", delta.is_zero()),
        ("delta is gamma or its negative: phase 2 was skipped, and anybody can forge proofs", same_up_to_sign(delta, gamma)),
        ("delta is beta or its negative", same_up_to_sign(delta, beta)),
        ("an input point is the identity: that input is not bound by a proof", ic.iter().any(AffineRepr::is_zero)),
        ("two input points are equal: these inputs can be exchanged for one another", (1..ic.len()).any(|i| ic[..i].contains(&ic[i]))),
    ];
    match faults.iter().find(|(_, fault)| *fault) {
        None => Ok(()),
        Some((fault, _)) => Err(Refusal::new(Code::KeyDegenerate, fault)),
    }
}

fn same_up_to_sign<P: AffineRepr + std::ops::Neg<Output = P>>(a: P, b: P) -> bool {
    a == b || a == -b
}
