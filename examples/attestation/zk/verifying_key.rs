// Verifying keys of ceremony rehearsal-20261120t214305z (rehearsal), serial 1: attestation.
// Written by zk-embed. Do not edit: every build compares this file, byte for byte, with the text that the approved bundle gives.
// To make it again: zk-embed --bundle zk/bundle.json --policy zk/trust-policy.json --out zk/verifying_key.rs --arkworks

/// Verifying keys that the pinned trust policy approves.
#[allow(
    dead_code,
    unreachable_pub,
    long_running_const_eval,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
pub mod verifying_keys {
    /// Id of the ceremony.
    pub const CEREMONY_ID: &str = "rehearsal-20261120t214305z";
    /// Whether the ceremony was a real one. The keys of a rehearsal protect nothing.
    pub const PRODUCTION: bool = false;
    /// Serial of the bundle.
    pub const SERIAL: u64 = 1u64;
    /// The curve.
    pub const CURVE: &str = "bn254";
    /// SHA-256 of the ceremony's transcript.
    pub const TRANSCRIPT_SHA256: [u8; 32] = unhex(
        "90c78b36abede5cd63ff35ee48ca4fb0dc2f7b9334d5996a8e8b1d167333e72b",
    );
    /// SHA-256 of the signed statement.
    pub const STATEMENT_SHA256: [u8; 32] = unhex(
        "dbab181ba8ab6ef07ed1b4a2209c4b349411ff0919c8ba72207dd9a1470ead70",
    );
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
    pub const CIRCUITS: [Circuit; 1usize] = [attestation::CIRCUIT];
    /// The circuit that proves a program.
    pub fn by_program_hash(program_hash: &[u8; 32]) -> Option<&'static Circuit> {
        const SORTED: &[Circuit] = &CIRCUITS;
        SORTED
            .binary_search_by(|circuit| circuit.program_hash.cmp(program_hash))
            .ok()
            .map(|at| &SORTED[at])
    }
    /// Circuit attestation.
    pub mod attestation {
        use super::{sha256, same, unhex};
        pub use super::{
            CEREMONY_ID, CURVE, PRODUCTION, SERIAL, STATEMENT_SHA256, TRANSCRIPT_SHA256,
        };
        /// Name.
        pub const NAME: &str = "attestation";
        /// The program, as the project calls it.
        pub const PROGRAM_ID: &str = "attestation (rehearsal)";
        /// What the key is looked up by.
        pub const PROGRAM_HASH: [u8; 32] = unhex(
            "80e18b8a6d782cd2851cdcd1c0f98ad27746be2dc1730e79bffd1fd463f93f10",
        );
        /// SHA-256 of the .r1cs file.
        pub const CIRCUIT_SHA256: [u8; 32] = unhex(
            "ec88122786d4ace2c9bce340abca3ecc5b9e08cd8cbd007ff12d01f57313aa29",
        );
        /// Number of public inputs.
        pub const N_PUBLIC: usize = 2usize;
        /// SHA-256 of `VK`.
        pub const VK_SHA256: [u8; 32] = unhex(
            "6a73761e2ce2be5372f68b0182eb78b45f38b65f310ca4473093291e27558acd",
        );
        /// SHA-256 of `VK_UNCOMPRESSED`.
        pub const VK_UNCOMPRESSED_SHA256: [u8; 32] = unhex(
            "06a6cd3e7571f84ba129fe27948139e85c904a1fa74e1768ab02ec8b582e4020",
        );
        /// The verifying key, canonical compressed.
        pub const VK: [u8; 328usize] = unhex(
            "35f2e2ea6ab93918507e558b97623efcac55979dc6c78489eedae55101e8b082e8cdd3078188e92ed5ce9c757ca2afb16b455f1ab8e4f81e27eda89ea4da58205c46afbfb6d4b5026606b16242ee34f29897cee81050a2d1de6a6f13e3573a9cedf692d95cbdde46ddda5ef7d422436779445c5e66006a42761e1f12efde0018c212f3aeb785e49712e7a9353349aaf1255dfb31b7bf60723a480d9293938e19392365e23d1322d89ac49fc4c8df76cd0910e3ad2c4ef806cb21973de08bb41a65fb92494430659b4f18f8bec2f134524f8e029f69b6dbfe192a77a7791ef0a503000000000000008c95492a4d29cf482944f6ba3896a27a9838955b9e9371469f854c3f31cb5a86d024fcddcbac4b553e24930c0b63828fadae41b6c03cad0abb4322cee8196885955b1f3c82f81644f6728f0a7d3761933f314d3721ec9642713c04ebc6a17e97",
        );
        /// The verifying key, canonical uncompressed.
        pub const VK_UNCOMPRESSED: [u8; 648usize] = unhex(
            "35f2e2ea6ab93918507e558b97623efcac55979dc6c78489eedae55101e8b002b025e0f4d7fbf70f2e7f4c7bf6d45b8f06b856735f0ad5ecb1a287286531079de8cdd3078188e92ed5ce9c757ca2afb16b455f1ab8e4f81e27eda89ea4da58205c46afbfb6d4b5026606b16242ee34f29897cee81050a2d1de6a6f13e3573a1c85a4a09127f7bd7988f45c2e81015b7bfd1b222ba65725ed790311fb757f3424ed264cc8ac57d570eb78904f5abe691a116581ba54bd62b02fb1ce2abe41ecaeedf692d95cbdde46ddda5ef7d422436779445c5e66006a42761e1f12efde0018c212f3aeb785e49712e7a9353349aaf1255dfb31b7bf60723a480d9293938e19aa7dfa6601cce64c7bd3430c69e7d1e38f40cb8d8071ab4aeb6d8cdba55ec8125b9722d1dcdaac55f38eb37033314bbc95330c69ad999eec75f05f58d0890609392365e23d1322d89ac49fc4c8df76cd0910e3ad2c4ef806cb21973de08bb41a65fb92494430659b4f18f8bec2f134524f8e029f69b6dbfe192a77a7791ef025e8b37ee259d02a93bfa44d5a23eb4559192215a1c1ff5f8e2e88de0a2f9cc32594f30f1bee948c9cfdf3ce5a8c8d7766b56c2d27af4789fe2062ee3a8e8624ab03000000000000008c95492a4d29cf482944f6ba3896a27a9838955b9e9371469f854c3f31cb5a06d0be1e08ca27296066d897192b13e9de802dce30ffb879138c601d8b4f30f99ed024fcddcbac4b553e24930c0b63828fadae41b6c03cad0abb4322cee81968057b6aeb9398c5f12b9bbebed2c66097b8eae4f50b3dd5663e39f076ceed51f9a1955b1f3c82f81644f6728f0a7d3761933f314d3721ec9642713c04ebc6a17e17414539250bd79e520c0dc66763b7c0e8d53dcce715eed3f789c90cdbb08762a8",
        );
        const _: () = assert!(
            same(& sha256(& VK), & VK_SHA256), "VK is not what VK_SHA256 says"
        );
        const _: () = assert!(
            same(& sha256(& VK_UNCOMPRESSED), & VK_UNCOMPRESSED_SHA256),
            "VK_UNCOMPRESSED is not what VK_UNCOMPRESSED_SHA256 says"
        );
        /// Fails the build unless `VK_SHA256` is this hex: `const _: () = assert_pinned("...");`
        pub const fn assert_pinned(vk_sha256: &str) {
            assert!(vk_sha256.len() == 64, "a SHA-256 has 64 hex digits");
            assert!(
                same(& unhex(vk_sha256), & VK_SHA256),
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
        pub const ALPHA_G1: ::ark_bn254::G1Affine = super::g1(&VK_UNCOMPRESSED, 0);
        /// beta, in G2.
        pub const BETA_G2: ::ark_bn254::G2Affine = super::g2(&VK_UNCOMPRESSED, 64);
        /// gamma, in G2.
        pub const GAMMA_G2: ::ark_bn254::G2Affine = super::g2(&VK_UNCOMPRESSED, 192);
        /// delta, in G2.
        pub const DELTA_G2: ::ark_bn254::G2Affine = super::g2(&VK_UNCOMPRESSED, 320);
        /// The input points: one for the constant one, then one for each public input.
        pub const GAMMA_ABC_G1: [::ark_bn254::G1Affine; N_PUBLIC + 1] = super::g1_array(
            &VK_UNCOMPRESSED,
            456,
        );
        /// The key as arkworks has it, made of the constants: nothing is parsed or validated at run time.
        pub fn verifying_key() -> ::ark_groth16::VerifyingKey<::ark_bn254::Bn254> {
            ::ark_groth16::VerifyingKey {
                alpha_g1: ALPHA_G1,
                beta_g2: BETA_G2,
                gamma_g2: GAMMA_G2,
                delta_g2: DELTA_G2,
                gamma_abc_g1: GAMMA_ABC_G1.into(),
            }
        }
        /// Whether the proof holds for exactly these public inputs. The proof's points must come from arkworks' checked deserialization.
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
    const fn unhex<const N: usize>(text: &str) -> [u8; N] {
        const fn digit(c: u8) -> u8 {
            match c {
                b'0'..=b'9' => c - b'0',
                b'a'..=b'f' => c - b'a' + 10,
                _ => panic!("not a lower-case hex digit"),
            }
        }
        let text = text.as_bytes();
        assert!(text.len() == 2 * N, "hex of another length");
        let mut bytes = [0; N];
        let mut i = 0;
        while i < N {
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
    const fn sha256(message: &[u8]) -> [u8; 32] {
        const K: [u32; 64] = [
            1116352408u32, 1899447441u32, 3049323471u32, 3921009573u32, 961987163u32,
            1508970993u32, 2453635748u32, 2870763221u32, 3624381080u32, 310598401u32,
            607225278u32, 1426881987u32, 1925078388u32, 2162078206u32, 2614888103u32,
            3248222580u32, 3835390401u32, 4022224774u32, 264347078u32, 604807628u32,
            770255983u32, 1249150122u32, 1555081692u32, 1996064986u32, 2554220882u32,
            2821834349u32, 2952996808u32, 3210313671u32, 3336571891u32, 3584528711u32,
            113926993u32, 338241895u32, 666307205u32, 773529912u32, 1294757372u32,
            1396182291u32, 1695183700u32, 1986661051u32, 2177026350u32, 2456956037u32,
            2730485921u32, 2820302411u32, 3259730800u32, 3345764771u32, 3516065817u32,
            3600352804u32, 4094571909u32, 275423344u32, 430227734u32, 506948616u32,
            659060556u32, 883997877u32, 958139571u32, 1322822218u32, 1537002063u32,
            1747873779u32, 1955562222u32, 2024104815u32, 2227730452u32, 2361852424u32,
            2428436474u32, 2756734187u32, 3204031479u32, 3329325298u32,
        ];
        const fn padded(message: &[u8], at: usize, length: usize) -> u32 {
            if at < message.len() {
                message[at] as u32
            } else if at == message.len() {
                0x80
            } else if at + 8 >= length {
                ((message.len() as u64 * 8) >> (8 * (length - 1 - at)) & 0xff) as u32
            } else {
                0
            }
        }
        let length = (message.len() + 9).div_ceil(64) * 64;
        let mut state: [u32; 8] = [
            1779033703u32, 3144134277u32, 1013904242u32, 2773480762u32, 1359893119u32,
            2600822924u32, 528734635u32, 1541459225u32,
        ];
        let mut block = 0;
        while block < length {
            let mut w = [0u32; 64];
            let mut i = 0;
            while i < 64 {
                w[i] = if i < 16 {
                    let at = block + 4 * i;
                    padded(message, at, length) << 24
                        | padded(message, at + 1, length) << 16
                        | padded(message, at + 2, length) << 8
                        | padded(message, at + 3, length)
                } else {
                    let (x, y) = (w[i - 15], w[i - 2]);
                    let s0 = x.rotate_right(7) ^ x.rotate_right(18) ^ x >> 3;
                    let s1 = y.rotate_right(17) ^ y.rotate_right(19) ^ y >> 10;
                    w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1)
                };
                i += 1;
            }
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
            let mut i = 0;
            while i < 64 {
                let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
                let t1 = h
                    .wrapping_add(s1)
                    .wrapping_add(e & f ^ !e & g)
                    .wrapping_add(K[i])
                    .wrapping_add(w[i]);
                let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
                let t2 = s0.wrapping_add(a & b ^ a & c ^ b & c);
                (h, g, f, e, d, c, b, a) = (
                    g,
                    f,
                    e,
                    d.wrapping_add(t1),
                    c,
                    b,
                    a,
                    t1.wrapping_add(t2),
                );
                i += 1;
            }
            let round = [a, b, c, d, e, f, g, h];
            let mut i = 0;
            while i < 8 {
                state[i] = state[i].wrapping_add(round[i]);
                i += 1;
            }
            block += 64;
        }
        let mut digest = [0; 32];
        let mut i = 0;
        while i < 32 {
            digest[i] = (state[i / 4] >> (24 - 8 * (i % 4)) & 0xff) as u8;
            i += 1;
        }
        digest
    }
    const fn fq(bytes: &[u8], at: usize, last: bool) -> ::ark_bn254::Fq {
        let mut limbs = [0u64; 4];
        let mut i = 0;
        while i < 32 {
            let byte = if last && i == 31 {
                bytes[at + i] & 0x3f
            } else {
                bytes[at + i]
            };
            limbs[i / 8] |= (byte as u64) << (8 * (i % 8));
            i += 1;
        }
        ::ark_bn254::Fq::new(::ark_ff::BigInt(limbs))
    }
    const fn g1(bytes: &[u8], at: usize) -> ::ark_bn254::G1Affine {
        ::ark_bn254::G1Affine::new_unchecked(
            fq(bytes, at, false),
            fq(bytes, at + 32, true),
        )
    }
    const fn g2(bytes: &[u8], at: usize) -> ::ark_bn254::G2Affine {
        ::ark_bn254::G2Affine::new_unchecked(
            ::ark_bn254::Fq2::new(fq(bytes, at, false), fq(bytes, at + 32, false)),
            ::ark_bn254::Fq2::new(fq(bytes, at + 64, false), fq(bytes, at + 96, true)),
        )
    }
    const fn g1_array<const N: usize>(
        bytes: &[u8],
        at: usize,
    ) -> [::ark_bn254::G1Affine; N] {
        let mut points = [::ark_bn254::G1Affine::identity(); N];
        let mut i = 0;
        while i < N {
            points[i] = g1(bytes, at + 64 * i);
            i += 1;
        }
        points
    }
    /// e(A, B) = e(alpha, beta) e(IC_0 + sum of x_i IC_i, gamma) e(C, delta), as one product of four pairings.
    fn holds(
        proof: &::ark_groth16::Proof<::ark_bn254::Bn254>,
        alpha: ::ark_bn254::G1Affine,
        [beta,
        gamma,
        delta,
        ]: [::ark_bn254::G2Affine; 3],
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
