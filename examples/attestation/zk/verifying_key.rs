// Verifying keys of ceremony rehearsal-20261126t073638z (rehearsal), serial 1: attestation.
// Snippet format 2, written by zk-embed. Do not edit: every build compares this file, byte for byte, with the text
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
    pub const FORMAT: u32 = 2;
    /// Id of the ceremony.
    pub const CEREMONY_ID: &str = "rehearsal-20261126t073638z";
    /// Whether the ceremony was a real one. The keys of a rehearsal protect nothing.
    pub const PRODUCTION: bool = false;
    /// Serial of the bundle.
    pub const SERIAL: u64 = 1;
    /// The curve.
    pub const CURVE: &str = "bn254";
    /// SHA-256 of the ceremony's transcript.
    pub const TRANSCRIPT_SHA256: [u8; 32] = unhex("68d1acaa213730566583c6b3825ef009f337750b29c1e57d3fe571953f7476f1");
    /// SHA-256 of the signed statement.
    pub const STATEMENT_SHA256: [u8; 32] = unhex("6f0e506e604299b95f820e98eaf6f8ae782a9a2df4c536efef1fa86fb7932263");
    /// SHA-256 of the manifest, which the statement names.
    pub const MANIFEST_SHA256: [u8; 32] = unhex("2c6d9aae04e53f15d08486d898be94d1643334947a7e4e8c93c2235e6251f48a");

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
        pub const VK_SHA256: [u8; 32] = unhex("afba23a9a44f8e7743d3f1437003c7b3101d3e8fa035a19433306ceba11ab9bf");
        /// SHA-256 of `VK_UNCOMPRESSED`, which the guard compared with it.
        pub const VK_UNCOMPRESSED_SHA256: [u8; 32] = unhex("7d6c017823b5d3844f4b52b7c384ed9afc0393cd088c2040c8929ece7185e85b");
        /// The verifying key, canonical compressed.
        pub const VK: [u8; 328] = *b"\
            \x4e\xd0\x18\x9d\x3c\x39\x29\x91\x35\x1c\xa1\xcd\x3b\x22\xbb\x16\xc1\x31\x08\xd8\x0b\x70\x06\x4f\x97\x58\x9b\xa0\x4a\x4f\x1d\x11\
            \xa8\x44\x54\xc6\x16\x4f\x7e\x1c\x3e\xe0\x8b\x93\x26\x28\xbd\x4c\xfa\x00\x16\x40\x39\x1c\x2c\x8a\xe4\x09\x14\x97\x69\x81\x4d\x23\
            \x70\x39\xed\x2e\x43\xaf\xfc\x02\xbc\xb3\xbc\xdc\xea\x4f\x5c\x87\xf3\x9a\x23\xa9\x19\x48\x5a\x70\xd0\xe2\xac\xf1\xa1\x33\x8f\x28\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \x33\x64\xbc\x47\x44\xff\xb0\x15\x36\x2c\x0e\xc3\x2a\x62\xd3\xdb\xd2\x41\xdf\xc3\xec\xbf\x82\x00\xb6\x9b\x25\xc5\x76\xc0\xd2\x1e\
            \x9b\x7f\x1d\xc4\x14\xf9\xac\xf5\xf2\x52\xb7\x23\xc6\x8e\xa4\xb2\x75\x98\xb1\xcb\xe8\x64\xe6\x7b\xef\xbc\xdb\x49\xef\x2e\xff\xa7\
            \x03\x00\x00\x00\x00\x00\x00\x00\x5b\xa3\x31\xe9\xd6\xbf\x7c\xa0\x7b\x7c\x27\xd5\x93\x84\xd4\xb2\xc3\x67\x2d\xbd\xdd\xe5\x51\xb4\
            \xe3\x89\xbf\x63\x68\x22\x2d\x81\x17\x5e\x00\x71\x71\x07\xb3\xe3\x41\xd2\x31\x55\x2d\x24\x55\x61\xf7\x6e\xe4\x32\x6e\xee\x31\xa7\
            \x23\xd6\xf1\x83\x3c\xaf\xe2\x85\x51\x65\x45\xea\x60\x95\x5a\x02\xd9\xab\x15\x07\xa9\xcf\xfc\x42\xa3\x23\xc3\xed\xeb\x18\xf7\xd6\
            \x38\x40\x21\x59\x30\xbc\x3d\x0b";
        /// The verifying key, canonical uncompressed.
        pub const VK_UNCOMPRESSED: [u8; 648] = *b"\
            \x4e\xd0\x18\x9d\x3c\x39\x29\x91\x35\x1c\xa1\xcd\x3b\x22\xbb\x16\xc1\x31\x08\xd8\x0b\x70\x06\x4f\x97\x58\x9b\xa0\x4a\x4f\x1d\x11\
            \x6c\xf8\x42\xe8\x1f\x46\x3e\xe1\x3b\x95\x9c\x13\x51\xdc\x37\x5c\x84\x5a\x42\x92\x01\x24\x6f\xe1\x25\x64\x30\xf7\xb4\xad\x1d\x17\
            \xa8\x44\x54\xc6\x16\x4f\x7e\x1c\x3e\xe0\x8b\x93\x26\x28\xbd\x4c\xfa\x00\x16\x40\x39\x1c\x2c\x8a\xe4\x09\x14\x97\x69\x81\x4d\x23\
            \x70\x39\xed\x2e\x43\xaf\xfc\x02\xbc\xb3\xbc\xdc\xea\x4f\x5c\x87\xf3\x9a\x23\xa9\x19\x48\x5a\x70\xd0\xe2\xac\xf1\xa1\x33\x8f\x28\
            \x08\x9f\xbc\xf9\xa1\x22\xb4\xfc\x15\x79\xd5\x46\x23\x64\x68\x94\x00\xe2\xcf\x7b\xb9\x0a\x03\xd4\x83\xfb\xb3\x83\xf5\x28\x20\x20\
            \x28\x7c\x5e\x74\x0a\x0d\xc1\x90\xf0\x55\xc1\x15\xc5\x33\xe8\x17\xf9\xe9\xf8\xe0\xbd\xf4\xf2\x1d\x57\xe2\x3c\x21\x09\x6f\x0d\x07\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \xaa\x7d\xfa\x66\x01\xcc\xe6\x4c\x7b\xd3\x43\x0c\x69\xe7\xd1\xe3\x8f\x40\xcb\x8d\x80\x71\xab\x4a\xeb\x6d\x8c\xdb\xa5\x5e\xc8\x12\
            \x5b\x97\x22\xd1\xdc\xda\xac\x55\xf3\x8e\xb3\x70\x33\x31\x4b\xbc\x95\x33\x0c\x69\xad\x99\x9e\xec\x75\xf0\x5f\x58\xd0\x89\x06\x09\
            \x33\x64\xbc\x47\x44\xff\xb0\x15\x36\x2c\x0e\xc3\x2a\x62\xd3\xdb\xd2\x41\xdf\xc3\xec\xbf\x82\x00\xb6\x9b\x25\xc5\x76\xc0\xd2\x1e\
            \x9b\x7f\x1d\xc4\x14\xf9\xac\xf5\xf2\x52\xb7\x23\xc6\x8e\xa4\xb2\x75\x98\xb1\xcb\xe8\x64\xe6\x7b\xef\xbc\xdb\x49\xef\x2e\xff\x27\
            \xa0\x88\xd5\x2e\x84\x08\x4b\x56\xf2\x03\x6f\xa5\x2c\xe7\x63\x32\x23\xcf\x29\xa7\x03\x9d\xf5\xe5\x62\x51\x37\x4f\xdf\xf7\x0e\x1e\
            \xd9\x2a\xee\x2d\xf4\xb5\xce\xfc\xb2\xc7\x06\xaf\x7a\x1a\xa4\x99\xb6\x7f\xbc\xf5\xda\xfb\xc0\x2c\x0f\x5b\xe2\x70\x9b\x55\x64\xad\
            \x03\x00\x00\x00\x00\x00\x00\x00\x5b\xa3\x31\xe9\xd6\xbf\x7c\xa0\x7b\x7c\x27\xd5\x93\x84\xd4\xb2\xc3\x67\x2d\xbd\xdd\xe5\x51\xb4\
            \xe3\x89\xbf\x63\x68\x22\x2d\x01\xec\xe9\xf6\x15\x3b\x8e\x8f\x0e\x68\x67\x68\x28\xc7\x04\xae\x68\x8b\xdd\xcb\x07\x66\xe9\xf4\xe2\
            \x1a\xf9\xcb\xa3\x12\x5f\x30\xaf\x17\x5e\x00\x71\x71\x07\xb3\xe3\x41\xd2\x31\x55\x2d\x24\x55\x61\xf7\x6e\xe4\x32\x6e\xee\x31\xa7\
            \x23\xd6\xf1\x83\x3c\xaf\xe2\x05\x4a\x6d\x93\x21\xb3\x50\x08\xb1\x04\xbe\xfd\x83\x49\x24\xff\x12\x9f\xa8\x5e\x58\x1b\xc2\x61\x21\
            \x8d\xfb\xdf\xea\x53\xb3\x1b\x9d\x51\x65\x45\xea\x60\x95\x5a\x02\xd9\xab\x15\x07\xa9\xcf\xfc\x42\xa3\x23\xc3\xed\xeb\x18\xf7\xd6\
            \x38\x40\x21\x59\x30\xbc\x3d\x0b\xae\x67\xb1\xdd\x41\x8b\x3b\xef\x36\x9f\x16\xf2\x9b\xc6\xed\x38\x8a\x00\x33\x60\x87\x14\x0c\x96\
            \x88\xa3\xa7\x25\x17\x3f\x08\x14";

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
        pub const ALPHA_G1: ::ark_bn254::G1Affine = super::g1([[0x8d53aa6d5713ae53, 0x01519d0c130c207e, 0x53cf8f9db0f8f36c, 0x2dbf5844e276247f], [0xc7b78ffe680a4e00, 0x8f1eb513bfa77858, 0x343e1340ead0f612, 0x20cab737c6423889]]);
        /// beta, in G2.
        pub const BETA_G2: ::ark_bn254::G2Affine = super::g2([[0xfe9460175b344029, 0x37dd1206f934832c, 0x4c52c5ab5c88ee46, 0x0cedbdf8b11adf25], [0x5277084230e8752f, 0x0cd2e1b4be50d93c, 0xf137b9bb8b4f69da, 0x045700e711031881], [0x6dc94fa8be9adee7, 0x3186fb1b992b9b8a, 0x35c72eb3d3d57a61, 0x0f65a279f88ac0ef], [0x949155780919a930, 0x7365842f56a7d2d9, 0xf077237123530ef7, 0x0ce4638d77173c8f]]);
        /// gamma, in G2.
        pub const GAMMA_G2: ::ark_bn254::G2Affine = super::g2([[0x8e83b5d102bc2026, 0xdceb1935497b0172, 0xfbb8264797811adf, 0x19573841af96503b], [0xafb4737da84c6140, 0x6043dd5a5802d8c4, 0x09e950fc52a02f86, 0x14fef0833aea7b6b], [0x619dfa9d886be9f6, 0xfe7fd297f59e9b78, 0xff9e1a62231b7dfe, 0x28fd7eebae9e4206], [0x64095b56c71856ee, 0xdc57f922327d3cbb, 0x55f935be33351076, 0x0da4a0e693fd6482]]);
        /// delta, in G2.
        pub const DELTA_G2: ::ark_bn254::G2Affine = super::g2([[0x24213154e59d5db7, 0x137016a4f594fdae, 0xe6e6086f97cb703a, 0x218e13f2eb64e285], [0xade0e4d438c9b44e, 0x0b4a89e6d99acc95, 0x48f6284ea1c64ff2, 0x246a3b60b138d59a], [0x6222d31cf0c0af85, 0xfdc86dacf66ae8d1, 0xf8b1c5828170e6a5, 0x1707a32b2cf48ee9], [0xe8ec989c6cf8d9b4, 0x5c66738941b9367f, 0x0d6c8283b7289fef, 0x2dee001360275788]]);
        /// The input points: one for the constant one, then one for each public input.
        pub const GAMMA_ABC_G1: [::ark_bn254::G1Affine; N_PUBLIC + 1] = [
            super::g1([[0x3bea7ea0e6a600bb, 0xba1c9c735e8f1baa, 0xd00d96b4061ed392, 0x0f4b6737f6e7f292], [0x5c054fcca5fa3074, 0x45460d20998e7050, 0x543f76be6d0dd4aa, 0x269b01ac14cd1c2a]]),
            super::g1([[0xacb04a1b759d9b59, 0xe356ab7c207a07c1, 0xbebbcebaac08688b, 0x10cb758e530a7a8f], [0xafccbc52d09a11ff, 0x79930165a5213089, 0x0f5ff29d2f7fb1f7, 0x1f7ba3d2e3d70d64]]),
            super::g1([[0xef0eb6ad38c40b0d, 0x18bb39ee4ecdd282, 0x14421d61a52d4abd, 0x11da9adaff7f0829], [0xffe0cf3f9d4e20c6, 0x6a5ba7d24f947144, 0x7f87ad427dec718b, 0x14a6eb9565023eb9]]),
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
}
