// Verifying keys of ceremony rehearsal-20261127t041720z (rehearsal), serial 1: attestation.
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
    pub const CEREMONY_ID: &str = "rehearsal-20261127t041720z";
    /// Whether the ceremony was a real one. The keys of a rehearsal protect nothing.
    pub const PRODUCTION: bool = false;
    /// Serial of the bundle.
    pub const SERIAL: u64 = 1;
    /// The curve.
    pub const CURVE: &str = "bn254";
    /// SHA-256 of the ceremony's transcript.
    pub const TRANSCRIPT_SHA256: [u8; 32] = unhex("df8ddcd978bf2d3ce871098ef8912f8e73161be46eb6690ad13d4e945e4a83bb");
    /// SHA-256 of the signed statement.
    pub const STATEMENT_SHA256: [u8; 32] = unhex("a5cec3d8bf5efb337d1c795e3bc7fb3f6c0e1ab92ee8e4f489a3b406e09bd868");
    /// SHA-256 of the manifest, which the statement names.
    pub const MANIFEST_SHA256: [u8; 32] = unhex("5e492f1c7bb72d5a9185ce7a66a03ea9e6f7de750987c7b9a531821fccc79e63");

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
        pub const VK_SHA256: [u8; 32] = unhex("df2951f104bdc1a33c00221a93fab07a1e4bc33eb2892f4d2e7dc9d04d23a2ec");
        /// SHA-256 of `VK_UNCOMPRESSED`, which the guard compared with it.
        pub const VK_UNCOMPRESSED_SHA256: [u8; 32] = unhex("39471f9b951dc3f4ade47da15315c7165db0a91c9197320a9166c8c6e6536d52");
        /// The verifying key, canonical compressed.
        pub const VK: [u8; 328] = *b"\
            \x0f\xfd\x25\x28\x26\x41\x41\x04\x63\x0e\xd4\x25\x72\x92\xa7\x58\x1c\xf2\x7e\x5e\x79\xa6\xbd\x48\x70\xda\x8b\xad\xde\xc0\x10\xab\
            \xb6\xae\x57\xee\x28\xe8\x92\xa0\x07\x02\xdc\x22\x20\x97\x2d\x9e\x1e\x96\x31\x74\x64\x4a\xf3\xa6\xa2\x2b\xbf\x51\x7f\x49\x9a\x13\
            \xf3\x23\x75\x1e\x2d\x27\x0a\xef\x98\x9e\x8b\x09\x24\x16\x1c\x6e\xb4\xee\x02\x56\x76\x25\x5b\xe9\x70\xda\xcd\x3d\x30\x12\x29\x30\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \x49\x42\x2f\xba\xb8\x54\xc0\x2a\x78\x25\xdb\x58\xeb\x91\x8d\x3f\x29\x2b\x9d\xbe\x97\x36\x6e\x31\x66\x70\xaf\x15\x71\x91\xe9\x1a\
            \xe6\x84\xf5\xa3\x54\x60\x8e\x8c\xcc\xb8\xbf\x96\x6c\x25\x90\xa1\x1f\xfe\x83\x0a\x77\xa3\x45\xf7\xdb\xa0\x8a\x52\xff\xa9\xdb\x83\
            \x03\x00\x00\x00\x00\x00\x00\x00\x5c\x79\x0e\x17\xc3\x17\x80\x96\x0a\x36\xd1\x49\x4a\x91\x64\x26\x09\x61\x3b\x8e\x75\x44\xbb\x6c\
            \x81\x9f\x83\x0e\x11\x56\x88\x92\x05\xa7\xdd\x72\xf7\xd7\x3b\x4f\xed\x25\x8f\x04\x73\x11\x2d\x25\xb7\x48\x8b\x34\x9a\x14\x71\x60\
            \x39\x18\xfa\x3f\x66\xe1\x97\x2f\x96\xc3\xfe\xfe\x45\x8f\x13\x97\xaa\xa5\xa1\xe6\x79\xca\x27\xdc\x51\xf5\x3c\x3c\xdd\x9c\x83\x57\
            \x0c\x08\x24\x10\x1c\xbd\xbf\x17";
        /// The verifying key, canonical uncompressed.
        pub const VK_UNCOMPRESSED: [u8; 648] = *b"\
            \x0f\xfd\x25\x28\x26\x41\x41\x04\x63\x0e\xd4\x25\x72\x92\xa7\x58\x1c\xf2\x7e\x5e\x79\xa6\xbd\x48\x70\xda\x8b\xad\xde\xc0\x10\x2b\
            \xbd\x87\xc6\xd4\x27\xf7\x31\x09\x3b\xde\x1f\xe2\x82\xe9\x51\x4c\xa8\xb5\xd1\xe0\x49\xc1\xa2\x7e\xfb\xe6\x70\xee\x0f\x0b\x75\xa9\
            \xb6\xae\x57\xee\x28\xe8\x92\xa0\x07\x02\xdc\x22\x20\x97\x2d\x9e\x1e\x96\x31\x74\x64\x4a\xf3\xa6\xa2\x2b\xbf\x51\x7f\x49\x9a\x13\
            \xf3\x23\x75\x1e\x2d\x27\x0a\xef\x98\x9e\x8b\x09\x24\x16\x1c\x6e\xb4\xee\x02\x56\x76\x25\x5b\xe9\x70\xda\xcd\x3d\x30\x12\x29\x30\
            \xd4\x63\x50\x89\xa9\x86\xd2\xe8\x41\x05\xeb\xb5\x69\x8e\x71\x9b\xa8\xfe\xcc\x94\x34\xae\x1f\xe6\x2c\x8b\x82\xcf\xaf\xde\x8a\x24\
            \x8b\x68\x90\x9f\x25\x33\x96\xc5\x01\x24\xb5\x66\x2b\xae\x76\xfd\xb0\xb2\x1e\xd2\x20\xc9\xfb\xea\x37\x5c\x23\x49\xe6\x92\x3d\x03\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \xaa\x7d\xfa\x66\x01\xcc\xe6\x4c\x7b\xd3\x43\x0c\x69\xe7\xd1\xe3\x8f\x40\xcb\x8d\x80\x71\xab\x4a\xeb\x6d\x8c\xdb\xa5\x5e\xc8\x12\
            \x5b\x97\x22\xd1\xdc\xda\xac\x55\xf3\x8e\xb3\x70\x33\x31\x4b\xbc\x95\x33\x0c\x69\xad\x99\x9e\xec\x75\xf0\x5f\x58\xd0\x89\x06\x09\
            \x49\x42\x2f\xba\xb8\x54\xc0\x2a\x78\x25\xdb\x58\xeb\x91\x8d\x3f\x29\x2b\x9d\xbe\x97\x36\x6e\x31\x66\x70\xaf\x15\x71\x91\xe9\x1a\
            \xe6\x84\xf5\xa3\x54\x60\x8e\x8c\xcc\xb8\xbf\x96\x6c\x25\x90\xa1\x1f\xfe\x83\x0a\x77\xa3\x45\xf7\xdb\xa0\x8a\x52\xff\xa9\xdb\x03\
            \x98\x82\x5d\xd6\x76\x7a\xd5\xf2\xdc\x90\x1c\x9c\x1a\x48\x2d\x10\xd4\xc9\xda\x82\xcf\x1f\x34\x56\x42\xd8\x5e\xc5\x2e\xd8\x77\x26\
            \xe1\x32\x4e\xa3\xd1\x92\x75\xbc\xf3\x6e\x27\xfa\x1d\x9a\x82\x32\x57\x83\x17\xaa\xd3\x21\xa2\x27\x86\x57\xa3\xc6\x7b\x88\xfc\xab\
            \x03\x00\x00\x00\x00\x00\x00\x00\x5c\x79\x0e\x17\xc3\x17\x80\x96\x0a\x36\xd1\x49\x4a\x91\x64\x26\x09\x61\x3b\x8e\x75\x44\xbb\x6c\
            \x81\x9f\x83\x0e\x11\x56\x88\x12\x75\x18\xbd\x95\xb7\xf0\x1b\xb3\x9b\x2c\x94\xbc\xe6\x14\x16\x3f\xe4\x13\x6d\x21\x1f\xf9\xe1\x3a\
            \xc3\x07\x00\x3b\x17\xb5\xfd\x99\x05\xa7\xdd\x72\xf7\xd7\x3b\x4f\xed\x25\x8f\x04\x73\x11\x2d\x25\xb7\x48\x8b\x34\x9a\x14\x71\x60\
            \x39\x18\xfa\x3f\x66\xe1\x97\x2f\xf5\xca\x39\x2a\x63\x85\xe3\xa9\xaf\xc4\xb4\x96\xda\x72\xd1\x0c\x61\xf5\xfd\xe1\xde\x37\x72\xfb\
            \x59\x1f\x23\xc0\xf0\x6d\x32\x05\x96\xc3\xfe\xfe\x45\x8f\x13\x97\xaa\xa5\xa1\xe6\x79\xca\x27\xdc\x51\xf5\x3c\x3c\xdd\x9c\x83\x57\
            \x0c\x08\x24\x10\x1c\xbd\xbf\x17\x39\x41\x3b\x82\x34\x82\x7d\xad\xbd\x7b\xa3\x3c\xe5\x4a\xcc\x4d\x8f\x82\x3a\x28\xb7\xcc\x4b\xa5\
            \x78\xff\x60\x2f\x90\x26\x87\x0f";

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
        pub const ALPHA_G1: ::ark_bn254::G1Affine = super::g1([[0x5c4b6fdaa8946ad3, 0xb898323f631fb4ca, 0x259efa3e6aa3474c, 0x2e7a4887f1a19566], [0xfc9082cf25b63876, 0x5d7d1481f3d9e196, 0x0e57f02bfd023aee, 0x2bed9805617d14cf]]);
        /// beta, in G2.
        pub const BETA_G2: ::ark_bn254::G2Affine = super::g2([[0x138cad8c2d32f1c0, 0x36352589eda123db, 0x779aabcc58684da7, 0x1e751eef5e095d0c], [0x2c951f44bd46180a, 0x48aafd69af620185, 0x27eba5045f3cf5ff, 0x11e59f3777e33b35], [0xcbbe5257c02b1887, 0x6100e071471cbde7, 0xe5a4e0f974cdf344, 0x04a98393aa4fc796], [0x131dee3967a4f060, 0x2a7ae309a65e1384, 0xb1110feca81d0bb5, 0x2ccdfcc4d8ffb917]]);
        /// gamma, in G2.
        pub const GAMMA_G2: ::ark_bn254::G2Affine = super::g2([[0x8e83b5d102bc2026, 0xdceb1935497b0172, 0xfbb8264797811adf, 0x19573841af96503b], [0xafb4737da84c6140, 0x6043dd5a5802d8c4, 0x09e950fc52a02f86, 0x14fef0833aea7b6b], [0x619dfa9d886be9f6, 0xfe7fd297f59e9b78, 0xff9e1a62231b7dfe, 0x28fd7eebae9e4206], [0x64095b56c71856ee, 0xdc57f922327d3cbb, 0x55f935be33351076, 0x0da4a0e693fd6482]]);
        /// delta, in G2.
        pub const DELTA_G2: ::ark_bn254::G2Affine = super::g2([[0xf4c0b319fc877240, 0x79ba34fdd349f4ba, 0xfbb9223098dcd72a, 0x29a98a5798455c08], [0x0fccc90853c6aa14, 0x900d0642c86c0310, 0xd98e4facdb7a1691, 0x1e5a08e2661fa041], [0x3f7cc4f286d58002, 0x1644608395783d36, 0x7f59c7cd79f98fc3, 0x23d745821113e792], [0x5835f16e595f66ce, 0x7f4a938c1d9e829b, 0xf0b10e0a7d94df43, 0x194c265acc8e1ee1]]);
        /// The input points: one for the constant one, then one for each public input.
        pub const GAMMA_ABC_G1: [::ark_bn254::G1Affine; N_PUBLIC + 1] = [
            super::g1([[0xd6abbc25ff49efba, 0x9762df26634a6d83, 0x586ff87bf52515d4, 0x2881d52e9c119ee8], [0x55659c8d96e6f8b8, 0xf9e4a788cfe43fac, 0xa62722abf8f5f1f7, 0x22671611bd9bf838]]),
            super::g1([[0x14fa9da09c988aae, 0x3b13ff6d97db9095, 0xbb55e63a61eef16d, 0x0045beecf1d5c155], [0x2b726b8167cffb48, 0xacc48f43ed7ebc5d, 0x5ef00e30b7fe2d2c, 0x02a4f0f71dc7d37f]]),
            super::g1([[0x24da55000fe8f7cc, 0xe2d069af492d0ef7, 0x4e50de52f36a3db3, 0x2f525107ae8b4975], [0x2d317627b3288317, 0xa340a3f2bfe4d8ad, 0x08e3463df343dcb0, 0x10095142d3dfbeb0]]),
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
