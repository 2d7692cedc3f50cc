// Verifying keys of ceremony rehearsal-20261126t160538z (rehearsal), serial 1: attestation.
// Snippet format 3, written by zk-embed. Do not edit: every build compares this file, byte for byte, with the text
// that the approved bundle gives.
// To make it again: zk-embed --bundle zk/bundle.json --policy zk/trust-policy.json --out zk/verifying_key.rs --arkworks

/// Verifying keys that the pinned trust policy approves.
#[allow(
    dead_code,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::restriction,
    reason = "generated text, the same for every crate"
)]
pub mod verifying_keys {
    /// Version of this text's format.
    pub const FORMAT: u32 = 3;
    /// Id of the ceremony.
    pub const CEREMONY_ID: &str = "rehearsal-20261126t160538z";
    /// Whether the ceremony was a real one. The keys of a rehearsal protect nothing.
    pub const PRODUCTION: bool = false;
    /// Serial of the bundle.
    pub const SERIAL: u64 = 1;
    /// The curve.
    pub const CURVE: &str = "bn254";
    /// SHA-256 of the ceremony's transcript.
    pub const TRANSCRIPT_SHA256: [u8; 32] = unhex("1a0a972356283f51681cc0c795905a673821eca41381eceffce982cfb0947d6b");
    /// SHA-256 of the signed statement.
    pub const STATEMENT_SHA256: [u8; 32] = unhex("2ffd0e126161cf50cc360e7d0599f41c7933d74376b0c38506fe7c40d51a1afa");
    /// SHA-256 of the manifest, which the statement names.
    pub const MANIFEST_SHA256: [u8; 32] = unhex("bbd35974069e4554abf768d9e4669982c8ebafa852ddd47a29a8a5a4d46e2dd1");

    /// One circuit of the bundle.
    #[derive(Clone, Copy, Debug)]
    pub struct Circuit {
        /// Name.
        pub name: &'static str,
        /// What the key is looked up by.
        pub program_hash: [u8; 32],
        /// SHA-256 of the .r1cs file.
        pub circuit_sha256: [u8; 32],
        /// Number of public inputs.
        pub n_public: usize,
        /// SHA-256 of the verifying key.
        pub vk_sha256: [u8; 32],
        /// The verifying key, canonical compressed.
        pub vk: &'static [u8],
        /// The verifying key, canonical uncompressed.
        pub vk_uncompressed: &'static [u8],
    }

    /// All circuits, sorted by program hash.
    pub const CIRCUITS: [Circuit; 1] = [attestation::CIRCUIT];

    /// The circuit that proves a program.
    #[must_use]
    pub fn by_program_hash(program_hash: &[u8; 32]) -> Option<&'static Circuit> {
        const SORTED: &[Circuit] = &CIRCUITS;
        SORTED
            .binary_search_by(|circuit| circuit.program_hash.cmp(program_hash))
            .ok()
            .map(|at| &SORTED[at])
    }

    /// Circuit attestation.
    pub mod attestation {
        use super::{same, unhex};
        pub use super::{
            CEREMONY_ID, CURVE, PRODUCTION, SERIAL, STATEMENT_SHA256, TRANSCRIPT_SHA256,
        };

        /// Name.
        pub const NAME: &str = "attestation";
        /// The program, as the project calls it.
        pub const PROGRAM_ID: &str = "attestation (rehearsal)";
        /// What the key is looked up by.
        pub const PROGRAM_HASH: [u8; 32] = unhex("80e18b8a6d782cd2851cdcd1c0f98ad27746be2dc1730e79bffd1fd463f93f10");
        /// SHA-256 of the .r1cs file.
        pub const CIRCUIT_SHA256: [u8; 32] = unhex("ec88122786d4ace2c9bce340abca3ecc5b9e08cd8cbd007ff12d01f57313aa29");
        /// Number of public inputs.
        pub const N_PUBLIC: usize = 2;
        /// SHA-256 of `VK`, which the guard compared with it.
        pub const VK_SHA256: [u8; 32] = unhex("96c3026b327ae76bdab0da63a23bb3725717772145c2df0988343ae2038fee59");
        /// SHA-256 of `VK_UNCOMPRESSED`, which the guard compared with it.
        pub const VK_UNCOMPRESSED_SHA256: [u8; 32] = unhex("3a1a80fca293f8d3bc0188f079deff20f85679eaad1e9af960d75ee7949dfd53");
        /// The verifying key, canonical compressed.
        pub const VK: [u8; 328] = *b"\
            \x6b\xa1\xb9\x24\x64\xce\xe7\x2c\xce\x08\xd3\xa0\x38\x7d\x55\x42\xe8\x6e\xf9\xca\x92\x55\x96\xf0\x98\x34\xf5\xbb\x46\x50\xf8\x2a\
            \x5f\xa7\x44\x5d\x08\x44\x00\xfe\x04\x09\x3b\x0b\x57\x26\x35\x8a\x37\x9b\x14\xc0\x1b\x28\xdc\x18\xed\x27\x90\x8e\x97\x7e\x35\x01\
            \xb5\x77\x26\xa4\xc7\x07\xfc\xe0\x65\xee\x3c\xd0\xc8\x28\x24\xa7\x86\x7a\x84\x62\x0a\xe3\xb0\x31\xb7\x95\x35\x9f\xe5\x31\x3e\x00\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \x65\x8b\x7a\x15\x4c\xf0\x45\x14\x71\x64\x70\xc3\x10\x0b\x94\x66\x6d\xba\xdb\x97\x13\xee\x5c\x7c\x90\x03\x3f\xbb\xb0\xa0\x30\x27\
            \xe9\x68\x04\xda\x28\xac\x9a\x81\xf2\x03\xf2\x9f\xb1\x7d\xfc\xbb\xc2\x5b\xea\x39\xe0\xa6\xc4\x2e\x6b\x8d\x62\xdf\xd7\x66\xb5\x1c\
            \x03\x00\x00\x00\x00\x00\x00\x00\x2f\xe1\x9b\x69\xdf\x10\xf1\x56\x9e\xf8\x88\x57\xa5\x43\x50\xc6\x9c\x9d\xaa\xfe\xa9\x71\xca\x2d\
            \x91\x7e\x7b\x2d\x14\xe9\x6f\x9e\xf3\x20\xec\x69\x62\x8b\xf6\x10\xa2\x1d\x31\x3b\xac\x3c\x58\x42\xb9\x6f\x2a\xb7\x59\xa6\x89\x2b\
            \x47\x77\x23\xfc\x01\x7e\xdf\xa1\x19\x8b\xaa\x7a\x63\x81\x64\xa3\xee\xe9\xc8\x9c\x8c\x40\x51\x64\xd1\x74\x17\x5e\xb9\x8a\x62\xc2\
            \xf6\x9d\x1b\x0e\x42\xca\x2d\x00";
        /// The verifying key, canonical uncompressed.
        pub const VK_UNCOMPRESSED: [u8; 648] = *b"\
            \x6b\xa1\xb9\x24\x64\xce\xe7\x2c\xce\x08\xd3\xa0\x38\x7d\x55\x42\xe8\x6e\xf9\xca\x92\x55\x96\xf0\x98\x34\xf5\xbb\x46\x50\xf8\x2a\
            \x7e\x8a\xc7\xb6\x55\xcc\xd9\x69\x3f\xfb\x97\x7d\xa1\x5f\xcd\x23\x85\xc9\x29\x72\xb3\x05\xd0\x3a\x40\x53\xc3\xcd\x63\x99\x9e\x03\
            \x5f\xa7\x44\x5d\x08\x44\x00\xfe\x04\x09\x3b\x0b\x57\x26\x35\x8a\x37\x9b\x14\xc0\x1b\x28\xdc\x18\xed\x27\x90\x8e\x97\x7e\x35\x01\
            \xb5\x77\x26\xa4\xc7\x07\xfc\xe0\x65\xee\x3c\xd0\xc8\x28\x24\xa7\x86\x7a\x84\x62\x0a\xe3\xb0\x31\xb7\x95\x35\x9f\xe5\x31\x3e\x00\
            \x5a\x01\x1f\x0a\xc4\x61\x55\xe1\x7b\x96\x7a\xdf\x76\x20\xe1\xe2\xc9\x45\x20\x51\x98\x86\xb0\xda\xb9\x90\xe6\x12\xc3\x0c\x51\x0c\
            \xad\xfb\xdb\xf6\x56\xc6\xd2\x87\xaa\xf7\xd1\xb4\x73\xef\x5b\xfe\xd0\x40\x86\x20\xe6\xcf\xa9\x2e\x11\xe8\x68\x0a\xe8\xcf\x1c\x0f\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \xaa\x7d\xfa\x66\x01\xcc\xe6\x4c\x7b\xd3\x43\x0c\x69\xe7\xd1\xe3\x8f\x40\xcb\x8d\x80\x71\xab\x4a\xeb\x6d\x8c\xdb\xa5\x5e\xc8\x12\
            \x5b\x97\x22\xd1\xdc\xda\xac\x55\xf3\x8e\xb3\x70\x33\x31\x4b\xbc\x95\x33\x0c\x69\xad\x99\x9e\xec\x75\xf0\x5f\x58\xd0\x89\x06\x09\
            \x65\x8b\x7a\x15\x4c\xf0\x45\x14\x71\x64\x70\xc3\x10\x0b\x94\x66\x6d\xba\xdb\x97\x13\xee\x5c\x7c\x90\x03\x3f\xbb\xb0\xa0\x30\x27\
            \xe9\x68\x04\xda\x28\xac\x9a\x81\xf2\x03\xf2\x9f\xb1\x7d\xfc\xbb\xc2\x5b\xea\x39\xe0\xa6\xc4\x2e\x6b\x8d\x62\xdf\xd7\x66\xb5\x1c\
            \xcf\x84\xc1\x6f\xfe\x4d\x09\x91\x99\x08\x65\x31\x49\x4c\xd4\x7f\xe1\x32\x57\xd7\xf7\x8c\x5b\x25\x83\x2d\x70\x08\xb3\x4e\x1d\x1e\
            \x10\xaf\x9a\x46\x60\xaf\xf6\xfc\x87\xeb\x5d\x42\x0f\x8e\x0f\xa2\x6b\xc2\x3c\x4a\x2d\xa0\x5c\xba\x50\xc0\x55\xb2\xfe\x57\x66\x05\
            \x03\x00\x00\x00\x00\x00\x00\x00\x2f\xe1\x9b\x69\xdf\x10\xf1\x56\x9e\xf8\x88\x57\xa5\x43\x50\xc6\x9c\x9d\xaa\xfe\xa9\x71\xca\x2d\
            \x91\x7e\x7b\x2d\x14\xe9\x6f\x1e\xa4\xc0\xc5\x2c\x2e\x3b\x39\x2c\x78\xdb\x51\x76\x1e\xf1\x36\x1b\x44\xf5\xd2\x85\x2a\x46\x3c\xdc\
            \x02\x21\x00\x6a\x4e\x14\x64\xa0\xf3\x20\xec\x69\x62\x8b\xf6\x10\xa2\x1d\x31\x3b\xac\x3c\x58\x42\xb9\x6f\x2a\xb7\x59\xa6\x89\x2b\
            \x47\x77\x23\xfc\x01\x7e\xdf\x21\x87\x85\xc8\x6e\x7c\x6b\xde\xee\xfe\x31\x6d\x76\xce\xbd\x87\x97\xa8\xb5\xab\x71\xbc\x03\x6e\x78\
            \x5f\x39\x87\xf6\x00\xc8\x42\xad\x19\x8b\xaa\x7a\x63\x81\x64\xa3\xee\xe9\xc8\x9c\x8c\x40\x51\x64\xd1\x74\x17\x5e\xb9\x8a\x62\xc2\
            \xf6\x9d\x1b\x0e\x42\xca\x2d\x00\x12\x28\xe5\xf0\x53\x13\xda\xb9\x27\xc8\xa5\x51\x13\x43\x13\x5d\x9c\x46\xb6\x84\x8f\x87\xe1\xe5\
            \x0f\x3e\x35\xf7\xac\xee\x34\x17";

        /// Fails the build unless `VK_SHA256` is this hex: `const _: () = assert_pinned("...");`
        pub const fn assert_pinned(vk_sha256: &str) {
            assert!(
                same(&unhex(vk_sha256), &VK_SHA256),
                "the embedded verifying key is not the pinned one"
            );
        }

        /// This circuit's entry of the registry.
        pub const CIRCUIT: super::Circuit = super::Circuit {
            name: NAME,
            program_hash: PROGRAM_HASH,
            circuit_sha256: CIRCUIT_SHA256,
            n_public: N_PUBLIC,
            vk_sha256: VK_SHA256,
            vk: &VK,
            vk_uncompressed: &VK_UNCOMPRESSED,
        };

        /// alpha, in G1.
        pub const ALPHA_G1: ::ark_bn254::G1Affine = super::g1([[0x4f9496b87af4418b, 0x63f8d57ed158c18c, 0x2bb4b9008e662abc, 0x1c2adfb51178d6ae], [0x19c843183077542d, 0x33b8e1dfb8495a8a, 0xa81a556df9a94cab, 0x268de5f8f09f177d]]);
        /// beta, in G2.
        pub const BETA_G2: ::ark_bn254::G2Affine = super::g2([[0x6c1fba1f6c9349e2, 0xe413604f69617c0c, 0x0950e19f3d1a131f, 0x2bee108e055ad1cd], [0xdd4e7c2bda5b4036, 0xddc5d449006c7165, 0x1625aaecd1bbe8aa, 0x09e5fb59f415b04b], [0x54fd847e4402c9f7, 0x82c22d4da2ae58f5, 0x902937ddf0bac052, 0x09f660a1e0bbfead], [0x79bda1b2c39a7697, 0x3793d633b5689642, 0x4835f499a649dabe, 0x1071f87390c53eff]]);
        /// gamma, in G2.
        pub const GAMMA_G2: ::ark_bn254::G2Affine = super::g2([[0x8e83b5d102bc2026, 0xdceb1935497b0172, 0xfbb8264797811adf, 0x19573841af96503b], [0xafb4737da84c6140, 0x6043dd5a5802d8c4, 0x09e950fc52a02f86, 0x14fef0833aea7b6b], [0x619dfa9d886be9f6, 0xfe7fd297f59e9b78, 0xff9e1a62231b7dfe, 0x28fd7eebae9e4206], [0x64095b56c71856ee, 0xdc57f922327d3cbb, 0x55f935be33351076, 0x0da4a0e693fd6482]]);
        /// delta, in G2.
        pub const DELTA_G2: ::ark_bn254::G2Affine = super::g2([[0xf1a6969156000c43, 0x587640dada36f215, 0x28687ef6221e97a2, 0x243c820f1fccd9d2], [0x72fc033829a6d046, 0x3017136c728e5095, 0x81a8fb40d887c296, 0x2b3cd38eadf08bdc], [0x751231e95d25e070, 0xbab15192c8894184, 0x8713fa6fad1cdb27, 0x0ed5f6f18897b497], [0xee5cb3243e144a32, 0x6fe73a664cdbb164, 0x011e221bc7608cb0, 0x074855ce17aabf07]]);
        /// The input points: one for the constant one, then one for each public input.
        pub const GAMMA_ABC_G1: [::ark_bn254::G1Affine; N_PUBLIC + 1] = [
            super::g1([[0x21a23ce87e262f88, 0x80cffccdc8d40ace, 0xa11d2475d7f96b05, 0x0d28ef6bef2851a2], [0x132af40cd0f94fad, 0x837a1bd72e29d21c, 0x51ee2a66eb2fa66f, 0x04488d1b5d02cba5]]),
            super::g1([[0x6962682c4221cc99, 0x264e06cad66dc44e, 0x4e5bed3efd6924f0, 0x10128e9e7714bd45], [0x87584f8c1afe356f, 0x6983f0ce75c21092, 0xd06589a493424fee, 0x1904817c269b2a11]]),
            super::g1([[0x3e8810944abc5d48, 0x02a054d69179ae5b, 0x19744fdfaf4ccdb8, 0x01cc2d6075984668], [0x55d1a1374967c707, 0x84268eb5c1566327, 0xf24fd69869179da8, 0x0208801e9414767d]]),
        ];

        /// The key as arkworks has it, made of the constants: nothing is parsed or validated at run
        /// time.
        #[must_use]
        pub fn verifying_key() -> ::ark_groth16::VerifyingKey<::ark_bn254::Bn254> {
            ::ark_groth16::VerifyingKey {
                alpha_g1: ALPHA_G1,
                beta_g2: BETA_G2,
                gamma_g2: GAMMA_G2,
                delta_g2: DELTA_G2,
                gamma_abc_g1: GAMMA_ABC_G1.into(),
            }
        }

        /// Whether a proof holds for exactly these public inputs. The proof's points must come from
        /// arkworks' checked deserialization.
        #[must_use]
        pub fn verify(
            proof: &::ark_groth16::Proof<::ark_bn254::Bn254>,
            public_inputs: &[::ark_bn254::Fr; N_PUBLIC],
        ) -> bool {
            super::holds(
                proof,
                ALPHA_G1,
                [BETA_G2, GAMMA_G2, DELTA_G2],
                &GAMMA_ABC_G1,
                public_inputs,
            )
        }

        /// Whether all proofs hold, each for its public inputs, at less than half of the cost: where
        /// one does not, the answer is `true` with a probability of 2^-128. Which one that is, `verify`
        /// tells. The proofs' points must come from arkworks' checked deserialization.
        ///
        /// Each call of `exponents` must give 128 new bits that nobody could know when the proofs were
        /// made: of the operating system's randomness, or of a generator that is keyed by it. Where
        /// they can be known, proofs can be made that hold together and not alone.
        #[must_use]
        pub fn verify_batch(
            claims: &[(::ark_groth16::Proof<::ark_bn254::Bn254>, [::ark_bn254::Fr; N_PUBLIC])],
            mut exponents: impl FnMut() -> u128,
        ) -> bool {
            super::hold_together(
                claims,
                ALPHA_G1,
                [BETA_G2, GAMMA_G2, DELTA_G2],
                &GAMMA_ABC_G1,
                &mut exponents,
            )
        }
    }

    const fn unhex(text: &str) -> [u8; 32] {
        const fn digit(c: u8) -> u8 {
            match c {
                b'0'..=b'9' => c - b'0',
                b'a'..=b'f' => c - b'a' + 10,
                _ => panic!("not a lower-case hex digit"),
            }
        }
        let text = text.as_bytes();
        assert!(text.len() == 64, "a SHA-256 has 64 hex digits");
        let mut bytes = [0; 32];
        let mut i = 0;
        while i < 32 {
            bytes[i] = digit(text[2 * i]) << 4 | digit(text[2 * i + 1]);
            i += 1;
        }
        bytes
    }

    const fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
        let mut i = 0;
        while i < 32 {
            if a[i] != b[i] {
                return false;
            }
            i += 1;
        }
        true
    }

    /// An element of the base field, from the Montgomery form that arkworks keeps.
    const fn fq(montgomery: [u64; 4]) -> ::ark_bn254::Fq {
        ::ark_bn254::Fq::new_unchecked(::ark_ff::BigInt(montgomery))
    }

    const fn g1([x, y]: [[u64; 4]; 2]) -> ::ark_bn254::G1Affine {
        ::ark_bn254::G1Affine::new_unchecked(fq(x), fq(y))
    }

    const fn g2([x0, x1, y0, y1]: [[u64; 4]; 4]) -> ::ark_bn254::G2Affine {
        ::ark_bn254::G2Affine::new_unchecked(
            ::ark_bn254::Fq2::new(fq(x0), fq(x1)),
            ::ark_bn254::Fq2::new(fq(y0), fq(y1)),
        )
    }

    /// e(A, B) = e(alpha, beta) e(IC_0 + sum of x_i IC_i, gamma) e(C, delta), as one product of
    /// four pairings.
    fn holds(
        proof: &::ark_groth16::Proof<::ark_bn254::Bn254>,
        alpha: ::ark_bn254::G1Affine,
        [beta, gamma, delta]: [::ark_bn254::G2Affine; 3],
        ic: &[::ark_bn254::G1Affine],
        public_inputs: &[::ark_bn254::Fr],
    ) -> bool {
        let mut inputs = ::ark_bn254::G1Projective::from(ic[0]);
        for (point, input) in ic[1..].iter().zip(public_inputs) {
            inputs += *point * *input;
        }
        let product = <::ark_bn254::Bn254 as ::ark_ec::pairing::Pairing>::multi_pairing(
            [proof.a, -alpha, (-inputs).into(), -proof.c],
            [proof.b, beta, gamma, delta],
        );
        product.0 == <::ark_bn254::Fq12 as ::ark_ff::Field>::ONE
    }

    /// The equations of all proofs, each raised to its own exponent of 128 bits and multiplied: one
    /// Miller loop for each proof, and three and one final exponentiation for all.
    fn hold_together<const N: usize>(
        claims: &[(::ark_groth16::Proof<::ark_bn254::Bn254>, [::ark_bn254::Fr; N])],
        alpha: ::ark_bn254::G1Affine,
        of_key: [::ark_bn254::G2Affine; 3],
        ic: &[::ark_bn254::G1Affine],
        exponents: &mut dyn FnMut() -> u128,
    ) -> bool {
        use ::ark_ec::pairing::{MillerLoopOutput, Pairing};
        use ::ark_ff::{AdditiveGroup, Field};

        let mut sum = ::ark_bn254::Fr::ZERO;
        let mut inputs = [::ark_bn254::Fr::ZERO; N];
        let mut c = ::ark_bn254::G1Projective::ZERO;
        let points = claims.iter().map(|(proof, public_inputs)| {
            let exponent = ::ark_bn254::Fr::from(exponents());
            sum += exponent;
            for (total, input) in inputs.iter_mut().zip(public_inputs) {
                *total += exponent * input;
            }
            c += proof.c * exponent;
            ::ark_bn254::G1Affine::from(proof.a * exponent)
        });
        let of_proofs =
            ::ark_bn254::Bn254::multi_miller_loop(points, claims.iter().map(|(proof, _)| proof.b));
        let mut l = ic[0] * sum;
        for (point, input) in ic[1..].iter().zip(&inputs) {
            l += *point * *input;
        }
        let of_sums = ::ark_bn254::Bn254::multi_miller_loop(
            [-(alpha * sum), -l, -c].map(::ark_bn254::G1Affine::from),
            of_key,
        );
        ::ark_bn254::Bn254::final_exponentiation(MillerLoopOutput(of_proofs.0 * of_sums.0))
            .is_some_and(|product| product.0 == ::ark_bn254::Fq12::ONE)
    }
}
