// Verifying keys of ceremony boot-2026 (production), serial 7: boot-check, wallet.
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
    pub const CEREMONY_ID: &str = "boot-2026";
    /// Whether the ceremony was a real one. The keys of a rehearsal protect nothing.
    pub const PRODUCTION: bool = true;
    /// Serial of the bundle.
    pub const SERIAL: u64 = 7;
    /// The curve.
    pub const CURVE: &str = "bn254";
    /// SHA-256 of the ceremony's transcript.
    pub const TRANSCRIPT_SHA256: [u8; 32] = unhex("4719c78e53c01b2dfb08b7e3076a8d44136ec9b8da8641bcf4f3b4ef55ced7b3");
    /// SHA-256 of the signed statement.
    pub const STATEMENT_SHA256: [u8; 32] = unhex("51dd9f439c919b0cd773f36fafde69b37775bec526169d858a7699aefa6aeb42");
    /// SHA-256 of the manifest, which the statement names.
    pub const MANIFEST_SHA256: [u8; 32] = unhex("fd06dc0b2943f96ce668ac10b07580ea102267b3542b33e8ffaa990e4cd83209");

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
    pub const CIRCUITS: [Circuit; 2] = [boot_check::CIRCUIT, wallet::CIRCUIT];

    /// The circuit that proves a program.
    #[must_use]
    pub fn by_program_hash(program_hash: &[u8; 32]) -> Option<&'static Circuit> {
        const SORTED: &[Circuit] = &CIRCUITS;
        SORTED
            .binary_search_by(|circuit| circuit.program_hash.cmp(program_hash))
            .ok()
            .map(|at| &SORTED[at])
    }

    /// Circuit boot-check.
    pub mod boot_check {
        use super::{same, unhex};
        pub use super::{
            CEREMONY_ID, CURVE, PRODUCTION, SERIAL, STATEMENT_SHA256, TRANSCRIPT_SHA256,
        };

        /// Name.
        pub const NAME: &str = "boot-check";
        /// The program, as the project calls it.
        pub const PROGRAM_ID: &str = "boot-check v1";
        /// What the key is looked up by.
        pub const PROGRAM_HASH: [u8; 32] = unhex("60d03545898e93d16055ac6caf5b7bc4ea6f931faaf80d49f652c59351725e9e");
        /// SHA-256 of the .r1cs file.
        pub const CIRCUIT_SHA256: [u8; 32] = unhex("e31d6f42f07eb117519da899e44f48ddc548f2a7b5ab0217c0c5fee4a50d34e7");
        /// Number of public inputs.
        pub const N_PUBLIC: usize = 2;
        /// SHA-256 of `VK`, which the guard compared with it.
        pub const VK_SHA256: [u8; 32] = unhex("e9dd8d5176498d6c6590a3b398334371e25b27c124824624e8f7ef39b4575c70");
        /// SHA-256 of `VK_UNCOMPRESSED`, which the guard compared with it.
        pub const VK_UNCOMPRESSED_SHA256: [u8; 32] = unhex("7123000ca2df5b473b89a43a12fdb6c1c1e28a001737ae090ce660f0ae821a3a");
        /// The verifying key, canonical compressed.
        pub const VK: [u8; 328] = *b"\
            \x0b\xa2\xb2\x4c\x22\x94\xa9\x4a\x98\x3d\xc8\x09\xb5\x94\x11\x5d\x76\x15\xce\xf8\xa7\x6f\x19\x82\xb6\x47\xdf\xc9\x03\x1f\xa3\x95\
            \x58\x63\x3f\xa2\x99\x65\xc6\xdb\x82\x2c\x5b\xff\xe5\x86\x7f\xbc\x6e\x20\x81\x42\xe2\x6f\xd9\x38\xfc\xe3\xb2\x19\xfd\x2e\x0f\x04\
            \xc6\x71\x6d\x0d\x2e\x04\xbb\x2c\xd3\xe1\xce\x0c\x47\xa4\x7c\xfd\xc5\xe3\xf6\x72\x9a\x0e\x5d\xea\xfd\xfa\x5a\xf3\x99\x3b\x5f\x15\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \xcd\xe1\x03\x45\x32\x39\x88\x2e\x6e\x1d\x75\x31\xad\xa3\x57\x39\x81\x3b\x29\x12\xb4\xf4\xd5\xf9\xb3\x2a\xde\xf5\xa7\xfc\x17\x01\
            \xd7\xf6\x32\xf1\x8f\x2d\x03\x2e\xa0\x64\x86\xd9\x90\x81\x47\xdf\xd7\x94\x94\x05\x7f\x91\x82\x7c\x52\x51\x89\x53\x25\xdd\x69\x0b\
            \x03\x00\x00\x00\x00\x00\x00\x00\x07\x68\xde\x3d\x1d\x0c\xe6\xd5\x66\x08\xe3\x50\xf8\x68\xa8\x55\xf3\x85\x9c\x25\xf9\x32\x62\x6c\
            \xfe\x0f\xdb\xc8\xe8\xe7\x64\x10\x9a\xab\xe3\x03\x25\xba\x0b\x89\xa9\xcd\x7d\x60\x0f\x7f\x2c\xab\xe9\x02\x57\xaf\x4e\xf3\x7e\xa0\
            \xe6\xb9\xa8\x2a\x12\xc1\x41\xaf\x59\x9b\xca\xcc\xb9\x31\x43\xf0\x6f\x1d\x09\x6e\x9e\xee\x5e\xa0\x25\x5d\x82\x30\x3c\x8d\xc0\xf3\
            \x59\x17\x27\x8b\xf5\xce\x70\x2d";
        /// The verifying key, canonical uncompressed.
        pub const VK_UNCOMPRESSED: [u8; 648] = *b"\
            \x0b\xa2\xb2\x4c\x22\x94\xa9\x4a\x98\x3d\xc8\x09\xb5\x94\x11\x5d\x76\x15\xce\xf8\xa7\x6f\x19\x82\xb6\x47\xdf\xc9\x03\x1f\xa3\x15\
            \x86\x39\xb4\xb1\x7d\xf7\x0c\x2f\x88\x19\xd1\xfa\x7f\x35\x64\x4e\x8f\xcb\xc6\x85\xf0\x54\x57\x3d\xe5\xda\xe6\x4b\xbd\xcf\xd1\x9a\
            \x58\x63\x3f\xa2\x99\x65\xc6\xdb\x82\x2c\x5b\xff\xe5\x86\x7f\xbc\x6e\x20\x81\x42\xe2\x6f\xd9\x38\xfc\xe3\xb2\x19\xfd\x2e\x0f\x04\
            \xc6\x71\x6d\x0d\x2e\x04\xbb\x2c\xd3\xe1\xce\x0c\x47\xa4\x7c\xfd\xc5\xe3\xf6\x72\x9a\x0e\x5d\xea\xfd\xfa\x5a\xf3\x99\x3b\x5f\x15\
            \xb2\x2c\xb8\xf2\xa7\xef\x32\x45\x29\x94\xf3\x5d\xf0\x7e\xac\x4f\x4c\x57\x1a\xfa\xb5\x6a\xf5\x37\xf2\x45\xd1\x79\xff\xc8\xcf\x12\
            \x35\x8b\xd4\x13\x24\x7f\x70\xd3\xeb\xbc\xe7\xe3\x53\xa4\x25\x0c\x94\xf8\xe6\x92\xc2\x66\xf5\xbf\x75\xf4\xbd\xa3\xa6\x58\x81\x09\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \xaa\x7d\xfa\x66\x01\xcc\xe6\x4c\x7b\xd3\x43\x0c\x69\xe7\xd1\xe3\x8f\x40\xcb\x8d\x80\x71\xab\x4a\xeb\x6d\x8c\xdb\xa5\x5e\xc8\x12\
            \x5b\x97\x22\xd1\xdc\xda\xac\x55\xf3\x8e\xb3\x70\x33\x31\x4b\xbc\x95\x33\x0c\x69\xad\x99\x9e\xec\x75\xf0\x5f\x58\xd0\x89\x06\x09\
            \xcd\xe1\x03\x45\x32\x39\x88\x2e\x6e\x1d\x75\x31\xad\xa3\x57\x39\x81\x3b\x29\x12\xb4\xf4\xd5\xf9\xb3\x2a\xde\xf5\xa7\xfc\x17\x01\
            \xd7\xf6\x32\xf1\x8f\x2d\x03\x2e\xa0\x64\x86\xd9\x90\x81\x47\xdf\xd7\x94\x94\x05\x7f\x91\x82\x7c\x52\x51\x89\x53\x25\xdd\x69\x0b\
            \x9d\x22\xa0\xc1\x96\x44\x20\x97\x77\x40\x38\xec\xf5\x1e\x81\xbd\x7f\x00\xef\x02\x36\x12\x94\xc1\x7d\x70\x0b\xf0\x96\x25\x5c\x19\
            \x46\x55\xb8\xe2\x1e\x02\xf6\xab\x4a\xfc\x9d\xfd\xee\xf2\x8e\xd5\xe8\xb9\xae\xf4\xd0\xf9\xf9\xf9\xce\xf1\x01\x83\xe3\x41\x1c\x00\
            \x03\x00\x00\x00\x00\x00\x00\x00\x07\x68\xde\x3d\x1d\x0c\xe6\xd5\x66\x08\xe3\x50\xf8\x68\xa8\x55\xf3\x85\x9c\x25\xf9\x32\x62\x6c\
            \xfe\x0f\xdb\xc8\xe8\xe7\x64\x10\x9d\x22\x56\x00\x70\x1d\x7d\x1f\x1b\x85\xf2\xa3\x1b\x29\x1a\xc2\x64\x79\x5a\x3f\xe6\xa8\xf7\x05\
            \x8f\x1f\x43\xf1\xac\x5a\x27\x07\x9a\xab\xe3\x03\x25\xba\x0b\x89\xa9\xcd\x7d\x60\x0f\x7f\x2c\xab\xe9\x02\x57\xaf\x4e\xf3\x7e\xa0\
            \xe6\xb9\xa8\x2a\x12\xc1\x41\x2f\x8b\x31\x37\xee\x7b\x50\x36\x07\x39\x62\x0c\x6f\x88\x59\x26\xb6\x3c\xa4\x33\x08\x59\xaa\xb9\x88\
            \xce\xec\x5d\x66\x9e\x0b\xcb\xac\x59\x9b\xca\xcc\xb9\x31\x43\xf0\x6f\x1d\x09\x6e\x9e\xee\x5e\xa0\x25\x5d\x82\x30\x3c\x8d\xc0\xf3\
            \x59\x17\x27\x8b\xf5\xce\x70\x2d\x05\x6d\x5f\xb4\xdb\x1b\xfb\x27\xfd\x0b\x98\xa8\xfb\xcc\x3d\x45\x1f\x49\x72\xbb\x91\x63\xdb\x95\
            \x4a\xd9\x08\xb9\x43\x1a\x60\x0f";

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
        pub const ALPHA_G1: ::ark_bn254::G1Affine = super::g1([[0x63c7ca3d038f0a0f, 0x994246cae9323f9b, 0x2c09f32bd3ece03c, 0x03bbd30c75ce474d], [0x6f661ec2d19ec576, 0x47e2e4a8749a3cf2, 0x95b0c1ae7826dffd, 0x2d3ed4be79bcd951]]);
        /// beta, in G2.
        pub const BETA_G2: ::ark_bn254::G2Affine = super::g2([[0xaa524cf2062c9d5f, 0xce2a65d7806f4997, 0xd2fc10ba92da9ef6, 0x22607f31abd4a7d9], [0xb06669758a1488f1, 0x0e5b29bf80099fef, 0xb43203aba94700b5, 0x26ffda7d25c5ac8b], [0xa01a8a98b7d9aca7, 0xf9427fd8bf22b27f, 0xb01d11b82b317b11, 0x1f9ef53f63d8518c], [0x05269069b5f76ad4, 0xba2fd909847e4903, 0x6b2d7d3b82f92602, 0x190ee0e0e11c302b]]);
        /// gamma, in G2.
        pub const GAMMA_G2: ::ark_bn254::G2Affine = super::g2([[0x8e83b5d102bc2026, 0xdceb1935497b0172, 0xfbb8264797811adf, 0x19573841af96503b], [0xafb4737da84c6140, 0x6043dd5a5802d8c4, 0x09e950fc52a02f86, 0x14fef0833aea7b6b], [0x619dfa9d886be9f6, 0xfe7fd297f59e9b78, 0xff9e1a62231b7dfe, 0x28fd7eebae9e4206], [0x64095b56c71856ee, 0xdc57f922327d3cbb, 0x55f935be33351076, 0x0da4a0e693fd6482]]);
        /// delta, in G2.
        pub const DELTA_G2: ::ark_bn254::G2Affine = super::g2([[0x126ccf3f74924a09, 0xa1e1a69400b27d6d, 0x77461796198cb5f1, 0x062b36868f515889], [0x32eab5718598316d, 0x5203e7cd087c6179, 0x8f2cc698265e391b, 0x1cda87e329990aa2], [0x8bb8b83af3862471, 0x2b5aee9fc8064dec, 0x9b0d7bef17ba3ac6, 0x2de5305576b60abf], [0x165ddcf49814e420, 0xba8274c957d728d9, 0x2a9a0cf97c1a5328, 0x200702a727bf4949]]);
        /// The input points: one for the constant one, then one for each public input.
        pub const GAMMA_ABC_G1: [::ark_bn254::G1Affine; N_PUBLIC + 1] = [
            super::g1([[0xc9ac537f0ddbe440, 0xbd3094f7336d43bf, 0xf8cd2901616b3e95, 0x2109ec11ccac1050], [0xaa746b089fc17e2d, 0x06c9d013153a1806, 0xe864b854364f46e7, 0x13dafa5fe161cc46]]),
            super::g1([[0xd4f1835cdcb02bc0, 0x543aa3e12709a170, 0xf4094e259ee2efa8, 0x2a2535c7fdfd3205], [0x27aa292d1560afdf, 0x7094c4435b204914, 0x632306637de03091, 0x26e45c8bc78397b2]]),
            super::g1([[0x7a0e9cd28bc2487b, 0xcc3a770538e0b53f, 0x91f79a120dcb721a, 0x0b905290df7a7699], [0x7a649625d6306ea3, 0x7fe9d422bd81c8ff, 0xc9687fb0e3852601, 0x12dcd02560c5c48a]]),
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

    /// Circuit wallet.
    pub mod wallet {
        use super::{same, unhex};
        pub use super::{
            CEREMONY_ID, CURVE, PRODUCTION, SERIAL, STATEMENT_SHA256, TRANSCRIPT_SHA256,
        };

        /// Name.
        pub const NAME: &str = "wallet";
        /// The program, as the project calls it.
        pub const PROGRAM_ID: &str = "a \"program\" \\ @serial@ {x} Grüße";
        /// What the key is looked up by.
        pub const PROGRAM_HASH: [u8; 32] = unhex("a6d40c624f73ae4980897d97a8ef59f41aff3fc2b77667b39484c3bd093eb69f");
        /// SHA-256 of the .r1cs file.
        pub const CIRCUIT_SHA256: [u8; 32] = unhex("c6cec1af6e189c30cb20102509b9f165113fb9d7cb36dfe7af0a96740a8c97dc");
        /// Number of public inputs.
        pub const N_PUBLIC: usize = 0;
        /// SHA-256 of `VK`, which the guard compared with it.
        pub const VK_SHA256: [u8; 32] = unhex("e2046da82f6125665f4bca3822db7c33d9dedffb86322566368ab27a160b0af7");
        /// SHA-256 of `VK_UNCOMPRESSED`, which the guard compared with it.
        pub const VK_UNCOMPRESSED_SHA256: [u8; 32] = unhex("c39af259525e0358ae37f51ac5aaa11ecd55f01f47349a10dc6312cf3656b66b");
        /// The verifying key, canonical compressed.
        pub const VK: [u8; 264] = *b"\
            \x9e\x09\xe6\xcf\xb6\x65\xcf\xfe\x5a\x94\x88\x21\x3b\xee\x46\x75\x77\x93\x7b\x6b\x50\xf6\xfa\x1c\xe9\xfb\x5f\xd4\x0e\x4d\xbb\x88\
            \x33\x67\x50\x50\x11\xbc\x1c\xb4\xb3\x62\xd3\x1f\x95\xa1\xb9\x9a\xc7\x7a\x4f\x97\x77\xd8\x10\x33\x7e\xbf\x67\xc5\xb8\xc6\xb1\x0f\
            \xc1\x8a\x6d\xfd\xee\xab\x7b\xbd\xbc\xcd\x29\x80\x06\x43\x05\xea\xab\x00\xff\x10\xfb\x86\xd9\x1b\x8c\x37\x60\xb9\xa1\x6b\x71\x2e\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \x01\xb7\x3b\x10\x13\xd6\x6c\x79\x11\x9c\x31\x86\xba\xa9\x2e\x35\x9f\x1a\x02\x3c\x5b\x6e\x11\xd2\x75\x8a\x79\xeb\xb3\xe9\xf5\x1d\
            \x30\xa2\x5d\xff\x82\x2c\xaa\x4c\xd8\x47\x9e\xcd\xee\x3a\xa9\x73\x6d\xd3\x55\x07\x16\xaf\x0f\x1b\x91\x82\x98\x8a\xe5\x9c\xd6\x23\
            \x01\x00\x00\x00\x00\x00\x00\x00\xd1\x46\xfe\x3b\x0b\xa6\x52\x41\x84\xb5\xaf\x6e\x05\x42\x45\x71\xf7\xc1\x24\x70\xca\x45\x1c\xf7\
            \x0a\xb9\x3b\xe3\xaa\xc7\x1e\x86";
        /// The verifying key, canonical uncompressed.
        pub const VK_UNCOMPRESSED: [u8; 520] = *b"\
            \x9e\x09\xe6\xcf\xb6\x65\xcf\xfe\x5a\x94\x88\x21\x3b\xee\x46\x75\x77\x93\x7b\x6b\x50\xf6\xfa\x1c\xe9\xfb\x5f\xd4\x0e\x4d\xbb\x08\
            \xc7\x0f\x52\xd5\x91\x98\x8c\x80\x90\xa8\xa9\xad\x19\xc4\xca\x1d\x66\xb8\xf1\x8f\xd4\x91\x68\x20\x9c\xe9\xdf\x94\x9e\xd0\x2b\xa1\
            \x33\x67\x50\x50\x11\xbc\x1c\xb4\xb3\x62\xd3\x1f\x95\xa1\xb9\x9a\xc7\x7a\x4f\x97\x77\xd8\x10\x33\x7e\xbf\x67\xc5\xb8\xc6\xb1\x0f\
            \xc1\x8a\x6d\xfd\xee\xab\x7b\xbd\xbc\xcd\x29\x80\x06\x43\x05\xea\xab\x00\xff\x10\xfb\x86\xd9\x1b\x8c\x37\x60\xb9\xa1\x6b\x71\x2e\
            \x30\xd7\x10\xe2\xea\xb7\xb9\x02\x60\x99\xa7\x3b\x0c\x44\x3e\x03\xc9\x1a\xea\x5d\x07\x67\x22\x85\x34\x61\x6c\x17\xbc\xca\xac\x2a\
            \x4f\xbb\x03\xa0\xfa\xe3\xcc\x33\xc3\xab\xce\xfb\x55\x4c\x88\xef\x09\x8f\x21\xe4\xb6\xe5\x29\xca\x46\xa8\x44\x08\xc1\x5b\x48\x13\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \xaa\x7d\xfa\x66\x01\xcc\xe6\x4c\x7b\xd3\x43\x0c\x69\xe7\xd1\xe3\x8f\x40\xcb\x8d\x80\x71\xab\x4a\xeb\x6d\x8c\xdb\xa5\x5e\xc8\x12\
            \x5b\x97\x22\xd1\xdc\xda\xac\x55\xf3\x8e\xb3\x70\x33\x31\x4b\xbc\x95\x33\x0c\x69\xad\x99\x9e\xec\x75\xf0\x5f\x58\xd0\x89\x06\x09\
            \x01\xb7\x3b\x10\x13\xd6\x6c\x79\x11\x9c\x31\x86\xba\xa9\x2e\x35\x9f\x1a\x02\x3c\x5b\x6e\x11\xd2\x75\x8a\x79\xeb\xb3\xe9\xf5\x1d\
            \x30\xa2\x5d\xff\x82\x2c\xaa\x4c\xd8\x47\x9e\xcd\xee\x3a\xa9\x73\x6d\xd3\x55\x07\x16\xaf\x0f\x1b\x91\x82\x98\x8a\xe5\x9c\xd6\x23\
            \xb3\x65\x88\x8f\xe3\xff\x20\xca\x78\xfe\x4c\x7a\xe6\xfa\xb6\xf3\xaf\xb4\xf2\x09\x5b\xaf\x4c\x97\xec\xe4\x5b\x99\xec\x4d\x09\x2c\
            \x71\x99\xc1\x32\x45\x96\xb1\x6a\xae\xfe\x00\x1c\x2c\x4f\x1d\x1c\xe6\x82\xce\xd7\x59\x74\x9f\xb2\xa2\xdc\xc5\x54\xcb\x70\xbc\x15\
            \x01\x00\x00\x00\x00\x00\x00\x00\xd1\x46\xfe\x3b\x0b\xa6\x52\x41\x84\xb5\xaf\x6e\x05\x42\x45\x71\xf7\xc1\x24\x70\xca\x45\x1c\xf7\
            \x0a\xb9\x3b\xe3\xaa\xc7\x1e\x06\x2f\xf0\x96\xf1\x12\x15\xa1\x93\x90\xbf\x77\x26\x11\x00\xb8\xc9\x36\xb4\x70\x11\x68\x47\x90\xd2\
            \x0e\xca\xc3\xcb\x93\x6a\x00\xad";

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
        pub const ALPHA_G1: ::ark_bn254::G1Affine = super::g1([[0x633ec82f9d8cb707, 0xf6b4bdb737090432, 0xed411483dbd3549f, 0x0a6d5b266d79629e], [0xef6e84a06c2334e3, 0x2c7cc1f04f477b76, 0x48710c8b1c3004b0, 0x1eb23d8224043b4a]]);
        /// beta, in G2.
        pub const BETA_G2: ::ark_bn254::G2Affine = super::g2([[0x0143cc351c9564fa, 0xbe5ffb4155abe32d, 0xc17003b71cabc849, 0x089b4c3040caacdc], [0x56eeebe6f18ae184, 0x34ed6955655301e0, 0x2bd9eca51887d3b8, 0x0e08ad80fe8bf0c2], [0xf0866bdee4b594f6, 0xc8f2b1bffdcd0c7d, 0x3dc121c82eb38df9, 0x0d20627f6a9de2f8], [0x01b813da9d9f99f7, 0x8a357e01ea051a58, 0x207bb7775c2d7118, 0x14a79ccecffc31e3]]);
        /// gamma, in G2.
        pub const GAMMA_G2: ::ark_bn254::G2Affine = super::g2([[0x8e83b5d102bc2026, 0xdceb1935497b0172, 0xfbb8264797811adf, 0x19573841af96503b], [0xafb4737da84c6140, 0x6043dd5a5802d8c4, 0x09e950fc52a02f86, 0x14fef0833aea7b6b], [0x619dfa9d886be9f6, 0xfe7fd297f59e9b78, 0xff9e1a62231b7dfe, 0x28fd7eebae9e4206], [0x64095b56c71856ee, 0xdc57f922327d3cbb, 0x55f935be33351076, 0x0da4a0e693fd6482]]);
        /// delta, in G2.
        pub const DELTA_G2: ::ark_bn254::G2Affine = super::g2([[0xdff9f28bec0dc905, 0xb78d257a92d3e863, 0x4cde54f72d7a4d50, 0x18a58110da2532f5], [0x84cb2c204074745b, 0x4ba385f5f8b82b91, 0x164905cd9ec6bbd9, 0x2c41d40d7ca916e7], [0xc46a833a925745f0, 0xbc0f1cd667d1b7d1, 0x040090038d412f28, 0x1131511a1e0f6146], [0xfd603d73325099fe, 0xfefbe677f55cffd2, 0x1c3bbe74e4ff9ef2, 0x1ff63e5ddd81f172]]);
        /// The input points: one for the constant one, then one for each public input.
        pub const GAMMA_ABC_G1: [::ark_bn254::G1Affine; N_PUBLIC + 1] = [
            super::g1([[0xd070d2c9626897d4, 0x7ee1ac6bc2fc36ec, 0x971952bb4d459d95, 0x13c05e9cdb88129a], [0x157f187274fe1bc9, 0x88f1941848b27e57, 0xf6ed57358a1419d1, 0x25386a96a953a0cc]]),
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
