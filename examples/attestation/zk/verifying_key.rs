// Verifying keys of ceremony rehearsal-20261126t110951z (rehearsal), serial 1: attestation.
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
    pub const CEREMONY_ID: &str = "rehearsal-20261126t110951z";
    /// Whether the ceremony was a real one. The keys of a rehearsal protect nothing.
    pub const PRODUCTION: bool = false;
    /// Serial of the bundle.
    pub const SERIAL: u64 = 1;
    /// The curve.
    pub const CURVE: &str = "bn254";
    /// SHA-256 of the ceremony's transcript.
    pub const TRANSCRIPT_SHA256: [u8; 32] = unhex("5505c72176c1fd3339d8229f368fd8b3051887de747af2927611cca6bf0f1416");
    /// SHA-256 of the signed statement.
    pub const STATEMENT_SHA256: [u8; 32] = unhex("4537ae23a980bc3d75bb8429691edb02bfdcc6bc48df1dcf619b4ef932c1d913");
    /// SHA-256 of the manifest, which the statement names.
    pub const MANIFEST_SHA256: [u8; 32] = unhex("5d80ccf0e215d930831508fff854fd6eb6d68d77a50e48bd4d42c876dbad32b3");

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
        pub const VK_SHA256: [u8; 32] = unhex("d7ead609d47d52bfcf1aa0721ee8729229cf008ff832560bbd24d52e4f5a420b");
        /// SHA-256 of `VK_UNCOMPRESSED`, which the guard compared with it.
        pub const VK_UNCOMPRESSED_SHA256: [u8; 32] = unhex("b1c987508346c2a496331f63b3aa858d0a7f9b644cef2138d8d3b617b567836d");
        /// The verifying key, canonical compressed.
        pub const VK: [u8; 328] = *b"\
            \x36\x03\x16\xc4\xb3\xf0\xf7\xd7\xe5\x2b\x9d\x84\x07\x5d\xd4\x45\xed\x5a\xc5\xee\x5c\x5b\x79\xcc\x89\x32\x3c\x16\x12\x32\x7d\x0f\
            \xb9\xf4\xbc\xb7\xe4\xa9\x25\x48\x6b\xe5\x85\xdf\x80\x57\xd8\x5b\xd7\x4b\x33\xb4\x9a\xf2\x8e\x7b\xce\xb2\x20\x6a\x8b\xe0\xf5\x19\
            \x2a\x87\xb7\xad\x02\xff\x44\x80\x2e\x2e\xf9\x1b\x48\x49\x7f\xd3\x58\x13\x4f\x1f\x0f\x55\x18\x46\x88\x0c\x34\x31\xf4\x44\xfd\x91\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \x5a\xe3\x45\x25\x1b\xd7\x02\x43\x77\xef\x4b\xf7\xe0\x71\x96\x50\x9b\x09\x69\xc3\xef\xa6\x7b\x43\xe0\x20\x24\x6e\x30\x5b\x4a\x19\
            \xa6\xde\xd2\x37\x85\x66\x83\xad\xdd\xeb\x21\x17\x43\xbd\x71\x56\x3b\x70\x11\x8f\x2f\xac\x43\x9d\x8a\x42\x2e\x80\x20\x98\x99\x8a\
            \x03\x00\x00\x00\x00\x00\x00\x00\x3d\x48\xbb\x74\x35\xb0\x70\x50\x0d\xd5\xf7\x83\xfe\x8f\xd1\x91\xd1\xcf\x09\x01\x92\x92\x39\xec\
            \xbf\x68\x81\x40\x25\x04\xdc\x9e\x33\x02\x24\xbb\xd4\xe4\x3f\xa1\x1c\xa7\xf7\x37\x73\xd9\x59\x4a\x66\x06\x0c\x68\xd6\xca\xde\x57\
            \xb1\x1b\x09\x0d\x00\xce\x5e\x21\x89\x99\x9b\xd4\x68\xed\x46\x0c\x50\x6e\x65\xf1\x6b\x3e\xc5\xaf\x62\x1a\x77\x93\x36\x70\x2a\x5c\
            \xbf\xab\xe1\x52\x73\x4d\x6b\x97";
        /// The verifying key, canonical uncompressed.
        pub const VK_UNCOMPRESSED: [u8; 648] = *b"\
            \x36\x03\x16\xc4\xb3\xf0\xf7\xd7\xe5\x2b\x9d\x84\x07\x5d\xd4\x45\xed\x5a\xc5\xee\x5c\x5b\x79\xcc\x89\x32\x3c\x16\x12\x32\x7d\x0f\
            \x92\x27\x64\xad\x34\xba\xab\x72\x0d\x13\x4e\x14\xde\x85\xd1\xfe\x07\x43\x2b\xa4\x52\xdc\xbc\x9c\x30\x0f\x5e\x5a\x43\x00\xac\x0b\
            \xb9\xf4\xbc\xb7\xe4\xa9\x25\x48\x6b\xe5\x85\xdf\x80\x57\xd8\x5b\xd7\x4b\x33\xb4\x9a\xf2\x8e\x7b\xce\xb2\x20\x6a\x8b\xe0\xf5\x19\
            \x2a\x87\xb7\xad\x02\xff\x44\x80\x2e\x2e\xf9\x1b\x48\x49\x7f\xd3\x58\x13\x4f\x1f\x0f\x55\x18\x46\x88\x0c\x34\x31\xf4\x44\xfd\x11\
            \x0c\xa1\x41\xe8\x85\x21\x1b\x01\xf2\x75\x72\xdc\xbf\x6a\x28\x96\x40\xd7\x96\xeb\xce\x06\x27\xa1\xd9\xf1\xad\x1e\x3e\xc2\x43\x1b\
            \x5b\x41\xbc\x9a\x3a\x41\x08\x5f\x89\x16\x02\x3c\x17\x4b\x55\xc2\xfc\x2f\xde\x87\xe4\x86\xc6\x32\x62\xec\x25\x4c\xa4\x14\x30\x9f\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \xaa\x7d\xfa\x66\x01\xcc\xe6\x4c\x7b\xd3\x43\x0c\x69\xe7\xd1\xe3\x8f\x40\xcb\x8d\x80\x71\xab\x4a\xeb\x6d\x8c\xdb\xa5\x5e\xc8\x12\
            \x5b\x97\x22\xd1\xdc\xda\xac\x55\xf3\x8e\xb3\x70\x33\x31\x4b\xbc\x95\x33\x0c\x69\xad\x99\x9e\xec\x75\xf0\x5f\x58\xd0\x89\x06\x09\
            \x5a\xe3\x45\x25\x1b\xd7\x02\x43\x77\xef\x4b\xf7\xe0\x71\x96\x50\x9b\x09\x69\xc3\xef\xa6\x7b\x43\xe0\x20\x24\x6e\x30\x5b\x4a\x19\
            \xa6\xde\xd2\x37\x85\x66\x83\xad\xdd\xeb\x21\x17\x43\xbd\x71\x56\x3b\x70\x11\x8f\x2f\xac\x43\x9d\x8a\x42\x2e\x80\x20\x98\x99\x0a\
            \x53\x8e\x0c\x4e\xf0\xcb\xc0\xd0\x69\x34\x7e\x8f\x56\xdc\x20\x4a\x30\xb7\xb1\xeb\x23\x73\x70\x63\xf2\xea\xb5\xff\xdb\x8d\x12\x03\
            \xd6\xc1\x90\x2b\x92\xa3\x19\xff\xb8\x16\x61\x56\x53\x8d\xf4\x1c\xe5\x22\x1f\xb4\x7c\xde\x91\x7b\xda\x92\xfb\x95\x28\x65\xe9\xa3\
            \x03\x00\x00\x00\x00\x00\x00\x00\x3d\x48\xbb\x74\x35\xb0\x70\x50\x0d\xd5\xf7\x83\xfe\x8f\xd1\x91\xd1\xcf\x09\x01\x92\x92\x39\xec\
            \xbf\x68\x81\x40\x25\x04\xdc\x1e\x44\xd0\x0d\x5b\xc5\x5e\xf7\xbf\x9e\xcc\x9a\x1c\x04\x6b\xe1\x66\x98\x25\xe1\xaa\x76\x49\xbb\x84\
            \x6d\x88\x5e\xc2\xbe\xd2\xa5\xa9\x33\x02\x24\xbb\xd4\xe4\x3f\xa1\x1c\xa7\xf7\x37\x73\xd9\x59\x4a\x66\x06\x0c\x68\xd6\xca\xde\x57\
            \xb1\x1b\x09\x0d\x00\xce\x5e\x21\xd1\x03\x6b\xac\xc6\xf2\x5b\xb7\x10\x0d\x0c\x87\x5f\x2b\x88\xc9\xa4\x3f\x56\xb8\x8e\x9b\x3a\xf9\
            \xa8\x45\xb1\x81\x66\x9b\xe4\x0b\x89\x99\x9b\xd4\x68\xed\x46\x0c\x50\x6e\x65\xf1\x6b\x3e\xc5\xaf\x62\x1a\x77\x93\x36\x70\x2a\x5c\
            \xbf\xab\xe1\x52\x73\x4d\x6b\x17\xdb\x65\xbb\xb9\x3f\xb1\xf7\x3f\x2c\x08\x57\x1d\x03\x59\x3b\x9b\x8a\xf2\x6d\x7a\x92\xba\x19\xf5\
            \x22\x6c\xb0\x19\x25\xaa\xa9\xa2";

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
        pub const ALPHA_G1: ::ark_bn254::G1Affine = super::g1([[0x45d0f68bfddd2680, 0xf99df00b854e686f, 0x84075631cb6e0e5f, 0x164ae9678149c0f5], [0x7226a1955f009054, 0xe2382cc0ad4e5d5e, 0x08fd2e52ae723633, 0x05c664b25753a942]]);
        /// beta, in G2.
        pub const BETA_G2: ::ark_bn254::G2Affine = super::g2([[0x4931d319c768e281, 0x354fbcb4352ec5da, 0x29d8546d7982008d, 0x1c38290bd23e4685], [0x4f8e7a157886fcd9, 0xbf4028c94b533cae, 0xa77a11701e187399, 0x0ce75dcea35adad1], [0x041d90beeb725a7b, 0xd078b8f01a783da5, 0x8a2e0e88882a4981, 0x1881501c6b49d3db], [0xf07c9b5700be3420, 0xf87f2a507c9e637d, 0x7a43e183a678939d, 0x02ab7109297a08d4]]);
        /// gamma, in G2.
        pub const GAMMA_G2: ::ark_bn254::G2Affine = super::g2([[0x8e83b5d102bc2026, 0xdceb1935497b0172, 0xfbb8264797811adf, 0x19573841af96503b], [0xafb4737da84c6140, 0x6043dd5a5802d8c4, 0x09e950fc52a02f86, 0x14fef0833aea7b6b], [0x619dfa9d886be9f6, 0xfe7fd297f59e9b78, 0xff9e1a62231b7dfe, 0x28fd7eebae9e4206], [0x64095b56c71856ee, 0xdc57f922327d3cbb, 0x55f935be33351076, 0x0da4a0e693fd6482]]);
        /// delta, in G2.
        pub const DELTA_G2: ::ark_bn254::G2Affine = super::g2([[0x6c480f2473da190e, 0xd224b7de0f0aedce, 0xf8409a52d2c750c9, 0x027425b53c13485f], [0xd486f5b8f81ffed7, 0x8009866e9bfb8d4b, 0x628954061be1d904, 0x1d0332330c9fc726], [0xccde174fcc7251a7, 0x9466511b910bd5fd, 0x7d37cb0bb2867c9d, 0x1cea0231980e5ee2], [0x0f8a349720c3ab99, 0x1657d53913c04ccf, 0x67d7c8202997083b, 0x06712fee040eb3af]]);
        /// The input points: one for the constant one, then one for each public input.
        pub const GAMMA_ABC_G1: [::ark_bn254::G1Affine; N_PUBLIC + 1] = [
            super::g1([[0xcca45a229af25c5c, 0x775d5dbcd229e898, 0x4720e9b09dcb85d6, 0x0738fd0babe38b06], [0xeaaa83f9d3c7aab3, 0x326c0b30f0773cb1, 0xa52efbdcd0dbc50b, 0x23051035b1b0d0d4]]),
            super::g1([[0x92cf31f0482c751d, 0xd29e6dcd48a3a761, 0x28a5ae99ed1cea31, 0x1719e7e2503a880a], [0xc802e6b50027a178, 0xde404afe7453b03d, 0xef1b59271ef24d39, 0x0420ab9976d286a7]]),
            super::g1([[0xf2cce7a4730c1004, 0x84d6e7184ef1ce3c, 0x65a29420d8eb35be, 0x12c803ba0fd22ba7], [0x1fd165453ad34145, 0x50152c969129ea16, 0x232bbfc7e64fae80, 0x102d4fc75e9a4377]]),
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
