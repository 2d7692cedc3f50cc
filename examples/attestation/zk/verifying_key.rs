// Verifying keys of ceremony rehearsal-20261120t214305z (rehearsal), serial 1: attestation.
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
    pub const CEREMONY_ID: &str = "rehearsal-20261120t214305z";
    /// Whether the ceremony was a real one. The keys of a rehearsal protect nothing.
    pub const PRODUCTION: bool = false;
    /// Serial of the bundle.
    pub const SERIAL: u64 = 1;
    /// The curve.
    pub const CURVE: &str = "bn254";
    /// SHA-256 of the ceremony's transcript.
    pub const TRANSCRIPT_SHA256: [u8; 32] = unhex("dc469d42c4833f935b4f5a76cdd2d7ecaa8debff04a8b6163bb08b3233bd1409");
    /// SHA-256 of the signed statement.
    pub const STATEMENT_SHA256: [u8; 32] = unhex("2989e4e7f35ada01ae0509a10b6bb9b5ca6e4b73aa21dc3eb6e727da6979eb07");
    /// SHA-256 of the manifest, which the statement names.
    pub const MANIFEST_SHA256: [u8; 32] = unhex("8e685a8fa622dd10b9c6af0500d52f5dce28b06f170f8676e723a033a4f37186");

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
        pub const VK_SHA256: [u8; 32] = unhex("6a73761e2ce2be5372f68b0182eb78b45f38b65f310ca4473093291e27558acd");
        /// SHA-256 of `VK_UNCOMPRESSED`, which the guard compared with it.
        pub const VK_UNCOMPRESSED_SHA256: [u8; 32] = unhex("06a6cd3e7571f84ba129fe27948139e85c904a1fa74e1768ab02ec8b582e4020");
        /// The verifying key, canonical compressed.
        pub const VK: [u8; 328] = *b"\
            \x35\xf2\xe2\xea\x6a\xb9\x39\x18\x50\x7e\x55\x8b\x97\x62\x3e\xfc\xac\x55\x97\x9d\xc6\xc7\x84\x89\xee\xda\xe5\x51\x01\xe8\xb0\x82\
            \xe8\xcd\xd3\x07\x81\x88\xe9\x2e\xd5\xce\x9c\x75\x7c\xa2\xaf\xb1\x6b\x45\x5f\x1a\xb8\xe4\xf8\x1e\x27\xed\xa8\x9e\xa4\xda\x58\x20\
            \x5c\x46\xaf\xbf\xb6\xd4\xb5\x02\x66\x06\xb1\x62\x42\xee\x34\xf2\x98\x97\xce\xe8\x10\x50\xa2\xd1\xde\x6a\x6f\x13\xe3\x57\x3a\x9c\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \x39\x23\x65\xe2\x3d\x13\x22\xd8\x9a\xc4\x9f\xc4\xc8\xdf\x76\xcd\x09\x10\xe3\xad\x2c\x4e\xf8\x06\xcb\x21\x97\x3d\xe0\x8b\xb4\x1a\
            \x65\xfb\x92\x49\x44\x30\x65\x9b\x4f\x18\xf8\xbe\xc2\xf1\x34\x52\x4f\x8e\x02\x9f\x69\xb6\xdb\xfe\x19\x2a\x77\xa7\x79\x1e\xf0\xa5\
            \x03\x00\x00\x00\x00\x00\x00\x00\x8c\x95\x49\x2a\x4d\x29\xcf\x48\x29\x44\xf6\xba\x38\x96\xa2\x7a\x98\x38\x95\x5b\x9e\x93\x71\x46\
            \x9f\x85\x4c\x3f\x31\xcb\x5a\x86\xd0\x24\xfc\xdd\xcb\xac\x4b\x55\x3e\x24\x93\x0c\x0b\x63\x82\x8f\xad\xae\x41\xb6\xc0\x3c\xad\x0a\
            \xbb\x43\x22\xce\xe8\x19\x68\x85\x95\x5b\x1f\x3c\x82\xf8\x16\x44\xf6\x72\x8f\x0a\x7d\x37\x61\x93\x3f\x31\x4d\x37\x21\xec\x96\x42\
            \x71\x3c\x04\xeb\xc6\xa1\x7e\x97";
        /// The verifying key, canonical uncompressed.
        pub const VK_UNCOMPRESSED: [u8; 648] = *b"\
            \x35\xf2\xe2\xea\x6a\xb9\x39\x18\x50\x7e\x55\x8b\x97\x62\x3e\xfc\xac\x55\x97\x9d\xc6\xc7\x84\x89\xee\xda\xe5\x51\x01\xe8\xb0\x02\
            \xb0\x25\xe0\xf4\xd7\xfb\xf7\x0f\x2e\x7f\x4c\x7b\xf6\xd4\x5b\x8f\x06\xb8\x56\x73\x5f\x0a\xd5\xec\xb1\xa2\x87\x28\x65\x31\x07\x9d\
            \xe8\xcd\xd3\x07\x81\x88\xe9\x2e\xd5\xce\x9c\x75\x7c\xa2\xaf\xb1\x6b\x45\x5f\x1a\xb8\xe4\xf8\x1e\x27\xed\xa8\x9e\xa4\xda\x58\x20\
            \x5c\x46\xaf\xbf\xb6\xd4\xb5\x02\x66\x06\xb1\x62\x42\xee\x34\xf2\x98\x97\xce\xe8\x10\x50\xa2\xd1\xde\x6a\x6f\x13\xe3\x57\x3a\x1c\
            \x85\xa4\xa0\x91\x27\xf7\xbd\x79\x88\xf4\x5c\x2e\x81\x01\x5b\x7b\xfd\x1b\x22\x2b\xa6\x57\x25\xed\x79\x03\x11\xfb\x75\x7f\x34\x24\
            \xed\x26\x4c\xc8\xac\x57\xd5\x70\xeb\x78\x90\x4f\x5a\xbe\x69\x1a\x11\x65\x81\xba\x54\xbd\x62\xb0\x2f\xb1\xce\x2a\xbe\x41\xec\xae\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \xaa\x7d\xfa\x66\x01\xcc\xe6\x4c\x7b\xd3\x43\x0c\x69\xe7\xd1\xe3\x8f\x40\xcb\x8d\x80\x71\xab\x4a\xeb\x6d\x8c\xdb\xa5\x5e\xc8\x12\
            \x5b\x97\x22\xd1\xdc\xda\xac\x55\xf3\x8e\xb3\x70\x33\x31\x4b\xbc\x95\x33\x0c\x69\xad\x99\x9e\xec\x75\xf0\x5f\x58\xd0\x89\x06\x09\
            \x39\x23\x65\xe2\x3d\x13\x22\xd8\x9a\xc4\x9f\xc4\xc8\xdf\x76\xcd\x09\x10\xe3\xad\x2c\x4e\xf8\x06\xcb\x21\x97\x3d\xe0\x8b\xb4\x1a\
            \x65\xfb\x92\x49\x44\x30\x65\x9b\x4f\x18\xf8\xbe\xc2\xf1\x34\x52\x4f\x8e\x02\x9f\x69\xb6\xdb\xfe\x19\x2a\x77\xa7\x79\x1e\xf0\x25\
            \xe8\xb3\x7e\xe2\x59\xd0\x2a\x93\xbf\xa4\x4d\x5a\x23\xeb\x45\x59\x19\x22\x15\xa1\xc1\xff\x5f\x8e\x2e\x88\xde\x0a\x2f\x9c\xc3\x25\
            \x94\xf3\x0f\x1b\xee\x94\x8c\x9c\xfd\xf3\xce\x5a\x8c\x8d\x77\x66\xb5\x6c\x2d\x27\xaf\x47\x89\xfe\x20\x62\xee\x3a\x8e\x86\x24\xab\
            \x03\x00\x00\x00\x00\x00\x00\x00\x8c\x95\x49\x2a\x4d\x29\xcf\x48\x29\x44\xf6\xba\x38\x96\xa2\x7a\x98\x38\x95\x5b\x9e\x93\x71\x46\
            \x9f\x85\x4c\x3f\x31\xcb\x5a\x06\xd0\xbe\x1e\x08\xca\x27\x29\x60\x66\xd8\x97\x19\x2b\x13\xe9\xde\x80\x2d\xce\x30\xff\xb8\x79\x13\
            \x8c\x60\x1d\x8b\x4f\x30\xf9\x9e\xd0\x24\xfc\xdd\xcb\xac\x4b\x55\x3e\x24\x93\x0c\x0b\x63\x82\x8f\xad\xae\x41\xb6\xc0\x3c\xad\x0a\
            \xbb\x43\x22\xce\xe8\x19\x68\x05\x7b\x6a\xeb\x93\x98\xc5\xf1\x2b\x9b\xbe\xbe\xd2\xc6\x60\x97\xb8\xea\xe4\xf5\x0b\x3d\xd5\x66\x3e\
            \x39\xf0\x76\xce\xed\x51\xf9\xa1\x95\x5b\x1f\x3c\x82\xf8\x16\x44\xf6\x72\x8f\x0a\x7d\x37\x61\x93\x3f\x31\x4d\x37\x21\xec\x96\x42\
            \x71\x3c\x04\xeb\xc6\xa1\x7e\x17\x41\x45\x39\x25\x0b\xd7\x9e\x52\x0c\x0d\xc6\x67\x63\xb7\xc0\xe8\xd5\x3d\xcc\xe7\x15\xee\xd3\xf7\
            \x89\xc9\x0c\xdb\xb0\x87\x62\xa8";

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
        pub const ALPHA_G1: ::ark_bn254::G1Affine = super::g1([[0x0d29f4d000e57b56, 0x2222df5668fd9969, 0x393d4c924027eef4, 0x2263a5adb1af6ed3], [0x3f944e0a794e8f3c, 0x02a54c275eb29d71, 0x37f92e8282179d2c, 0x2b19d4ab6d12ab28]]);
        /// beta, in G2.
        pub const BETA_G2: ::ark_bn254::G2Affine = super::g2([[0x8b5c80b2c8682b68, 0xc57d956e686497a5, 0xfc85844c0b99b7be, 0x3011347b38c9d81e], [0x412a99a093ebe379, 0x75440792747f7fef, 0xdbe010b35ba38e3a, 0x22326a7b9365c086], [0xa74acb9e23544be6, 0x4b43f59c72838ae2, 0x4c2f62aef5ef94ca, 0x239ed6d0a6811b40], [0x004579f30c5051b1, 0xb9866dbab7f67c7f, 0x821e77e2956d4409, 0x15789f2b46518a06]]);
        /// gamma, in G2.
        pub const GAMMA_G2: ::ark_bn254::G2Affine = super::g2([[0x8e83b5d102bc2026, 0xdceb1935497b0172, 0xfbb8264797811adf, 0x19573841af96503b], [0xafb4737da84c6140, 0x6043dd5a5802d8c4, 0x09e950fc52a02f86, 0x14fef0833aea7b6b], [0x619dfa9d886be9f6, 0xfe7fd297f59e9b78, 0xff9e1a62231b7dfe, 0x28fd7eebae9e4206], [0x64095b56c71856ee, 0xdc57f922327d3cbb, 0x55f935be33351076, 0x0da4a0e693fd6482]]);
        /// delta, in G2.
        pub const DELTA_G2: ::ark_bn254::G2Affine = super::g2([[0xac929e350914a9ab, 0xe6cc55dec0fbae26, 0xb43500a4cfee1df7, 0x19af61f977fa9699], [0xf45042345f063644, 0x9215ebecbe067cb2, 0xb363fe60f6f47c20, 0x079d8393bb7a1898], [0x5d32364d1a63b2db, 0xd4257223d17503e6, 0xf18694d8beb6b607, 0x1c858f4a205bdaff], [0x334a69e0963f6dda, 0xea0aca4a0a4615c8, 0x89c4af479b265b8e, 0x05f71d792d47cb65]]);
        /// The input points: one for the constant one, then one for each public input.
        pub const GAMMA_ABC_G1: [::ark_bn254::G1Affine; N_PUBLIC + 1] = [
            super::g1([[0x3ef1a6987fffb14a, 0xab82f2cb6d72ad13, 0x501602cc6cd7e270, 0x2241d8c96424891f], [0x8fb815e945d2aabe, 0x10b1f1ee22403d5c, 0xc4af916b1c3d665f, 0x29576d6101202cce]]),
            super::g1([[0x61694d1766b4f24d, 0xda41d56586edbc2d, 0xf458a886b75263d8, 0x28f856a4329f5fbf], [0x4ba9c4a5a735ab6e, 0xa547bd1b500770e8, 0x66d648e104241007, 0x1de01223f7f25f06]]),
            super::g1([[0xc9428b012bc6c1cf, 0xf6fb5b32854a9e2c, 0x36f16f84f3731d19, 0x0af884ba87ad2202], [0x7eba6c40cad47791, 0xb76fea36a01aef1d, 0xf7c479d6c75e4a5d, 0x2e05c54d6ff6d9cb]]),
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
