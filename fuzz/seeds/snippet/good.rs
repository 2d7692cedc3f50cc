// Verifying keys of ceremony boot-2026 (production), serial 7: attestation.
// Snippet format 3, written by zk-embed. Do not edit: every build compares this file, byte for byte, with the text
// that the approved bundle gives.
// To make it again: zk-embed --bundle zk/bundle.json --policy zk/trust-policy.json --out zk/verifying_key.rs

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
    pub const TRANSCRIPT_SHA256: [u8; 32] = unhex("e30a319ed741e2dfa97aabda3917d831f90de4638c64e2bb0539f9baa183f39c");
    /// SHA-256 of the signed statement.
    pub const STATEMENT_SHA256: [u8; 32] = unhex("8ebafff05150f4882e73421e97206f10bc557069d681e08c22c188af8ed64497");
    /// SHA-256 of the manifest, which the statement names.
    pub const MANIFEST_SHA256: [u8; 32] = unhex("f7aa6634d92b447483934d711727c303cca3d3530de9867ebabc4687ef562f5b");

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
        pub const PROGRAM_ID: &str = "attestation v1";
        /// What the key is looked up by.
        pub const PROGRAM_HASH: [u8; 32] = unhex("bb8d6a93c2b1b6eaed7efdd60619764fe753354b5f380277969d60c42c537e6e");
        /// SHA-256 of the .r1cs file.
        pub const CIRCUIT_SHA256: [u8; 32] = unhex("7a7f63b4e4741bba41e669bcfa8adc3626aaa47d963e821ab2a0e15b783e7a17");
        /// Number of public inputs.
        pub const N_PUBLIC: usize = 2;
        /// SHA-256 of `VK`, which the guard compared with it.
        pub const VK_SHA256: [u8; 32] = unhex("40c267eaca5c2193e89cf223354069f1e86faf115a807c5b29531bfce584adfb");
        /// SHA-256 of `VK_UNCOMPRESSED`, which the guard compared with it.
        pub const VK_UNCOMPRESSED_SHA256: [u8; 32] = unhex("56abba7f5a9979239c89b3144f72bc382fa612016649962dd702d8293c28cb30");
        /// The verifying key, canonical compressed.
        pub const VK: [u8; 328] = *b"\
            \x18\x28\xe8\x8c\x29\x38\xf6\x24\xd5\xe6\x81\x64\xc2\xce\x9e\x1e\x00\xbe\x93\xce\x26\xa6\xf5\x2d\x98\xd2\x1b\x48\x65\x33\x96\x1c\
            \xfa\xa3\x0f\x42\x68\x2b\xf2\xcb\x76\xb3\xeb\x29\x09\x40\x4c\x79\x1d\x9f\xfe\xc8\xdb\x6d\x9f\x24\xe3\x01\xb0\x70\x43\x57\x2d\x11\
            \x63\xb5\x84\xde\x48\xec\xca\x46\x40\x68\x70\xc5\xb6\x99\xe0\xbb\x5a\x0b\x1f\xcf\xe7\xfc\xe2\x26\x3b\x78\xca\x32\xeb\x65\xe4\x05\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \x8b\x57\x7d\x65\x77\x96\x02\x66\xe1\x74\xff\xfd\x3f\x8b\x1d\x10\xf4\xd9\x41\x59\xa4\x9d\x72\x81\x44\xd9\x2f\x62\x1e\x3c\xbd\x19\
            \x04\xd0\x7e\x4c\x06\x44\x84\x57\x7a\x43\x21\x50\xe7\x66\xdc\xf4\x92\xde\xf7\x41\xce\x6e\x31\xa7\x1f\x9e\x08\x66\xed\x36\x47\x2f\
            \x03\x00\x00\x00\x00\x00\x00\x00\x6b\xa4\xf4\x86\x72\x54\x76\xe4\xc2\x52\xc6\x64\xb5\x4f\xda\xfd\xbf\xac\x16\xdb\x94\x66\xdd\xfd\
            \xe7\x67\xaa\xdf\x17\x47\xe9\x85\xbf\x2f\x71\x40\x86\xe9\xd5\x33\xfa\x0c\x54\xd5\xfb\xf9\x42\x9c\xe6\x28\x4b\xb3\x74\x66\x38\xc4\
            \x32\xb0\x37\xb0\x74\x67\xf1\xa8\x97\x78\xd5\x09\xdf\x41\x38\x0b\xe4\x5d\x17\x04\xa0\x91\x1f\xd3\x39\x96\xfd\xd7\x63\x88\x7f\x3e\
            \x05\xb5\x66\x38\x50\x22\x65\x89";
        /// The verifying key, canonical uncompressed.
        pub const VK_UNCOMPRESSED: [u8; 648] = *b"\
            \x18\x28\xe8\x8c\x29\x38\xf6\x24\xd5\xe6\x81\x64\xc2\xce\x9e\x1e\x00\xbe\x93\xce\x26\xa6\xf5\x2d\x98\xd2\x1b\x48\x65\x33\x96\x1c\
            \xa0\x03\x31\x34\x88\x00\x01\xf2\x4a\x4e\x98\xe6\xb0\x0b\xa9\x43\x4b\x79\x5d\x04\xee\xa6\xa5\xd7\x0d\xed\xdc\x1a\xec\xc5\xb4\x04\
            \xfa\xa3\x0f\x42\x68\x2b\xf2\xcb\x76\xb3\xeb\x29\x09\x40\x4c\x79\x1d\x9f\xfe\xc8\xdb\x6d\x9f\x24\xe3\x01\xb0\x70\x43\x57\x2d\x11\
            \x63\xb5\x84\xde\x48\xec\xca\x46\x40\x68\x70\xc5\xb6\x99\xe0\xbb\x5a\x0b\x1f\xcf\xe7\xfc\xe2\x26\x3b\x78\xca\x32\xeb\x65\xe4\x05\
            \xf0\x75\xb9\xa7\xb2\x5f\xb1\xc8\xe5\xc9\x6a\x01\xe5\x36\x81\xfa\xc5\xa4\xe1\xa2\x88\xac\x7c\x9e\xd5\xd7\xf7\xab\xd0\x43\x18\x30\
            \x3e\x96\xa0\x2b\x1b\xc2\x80\xd8\x23\xcf\x85\xa7\xce\x55\xbc\xf6\x4f\x18\xe0\x90\xbc\x21\xeb\x94\xa0\xde\x09\x84\xad\x68\x91\x10\
            \xed\xf6\x92\xd9\x5c\xbd\xde\x46\xdd\xda\x5e\xf7\xd4\x22\x43\x67\x79\x44\x5c\x5e\x66\x00\x6a\x42\x76\x1e\x1f\x12\xef\xde\x00\x18\
            \xc2\x12\xf3\xae\xb7\x85\xe4\x97\x12\xe7\xa9\x35\x33\x49\xaa\xf1\x25\x5d\xfb\x31\xb7\xbf\x60\x72\x3a\x48\x0d\x92\x93\x93\x8e\x19\
            \xaa\x7d\xfa\x66\x01\xcc\xe6\x4c\x7b\xd3\x43\x0c\x69\xe7\xd1\xe3\x8f\x40\xcb\x8d\x80\x71\xab\x4a\xeb\x6d\x8c\xdb\xa5\x5e\xc8\x12\
            \x5b\x97\x22\xd1\xdc\xda\xac\x55\xf3\x8e\xb3\x70\x33\x31\x4b\xbc\x95\x33\x0c\x69\xad\x99\x9e\xec\x75\xf0\x5f\x58\xd0\x89\x06\x09\
            \x8b\x57\x7d\x65\x77\x96\x02\x66\xe1\x74\xff\xfd\x3f\x8b\x1d\x10\xf4\xd9\x41\x59\xa4\x9d\x72\x81\x44\xd9\x2f\x62\x1e\x3c\xbd\x19\
            \x04\xd0\x7e\x4c\x06\x44\x84\x57\x7a\x43\x21\x50\xe7\x66\xdc\xf4\x92\xde\xf7\x41\xce\x6e\x31\xa7\x1f\x9e\x08\x66\xed\x36\x47\x2f\
            \x6d\xaa\x49\x9a\x63\xaf\xbc\x1b\x90\xe9\x36\xd9\x66\x18\x9d\xbc\xc9\xae\x48\x4c\x88\x84\xee\x43\x9d\x81\x5f\x7c\x74\xe6\x09\x1a\
            \xcf\x40\xd5\x45\xf1\xfc\x0f\x2b\xf3\x64\x41\xe9\x50\x54\xb7\x24\x79\xca\xc5\x53\x36\x2b\x0f\x8a\xd7\x1b\x9e\xf8\x45\x7d\x0b\x0a\
            \x03\x00\x00\x00\x00\x00\x00\x00\x6b\xa4\xf4\x86\x72\x54\x76\xe4\xc2\x52\xc6\x64\xb5\x4f\xda\xfd\xbf\xac\x16\xdb\x94\x66\xdd\xfd\
            \xe7\x67\xaa\xdf\x17\x47\xe9\x05\xf6\x11\x41\x52\x5b\xb4\x79\xa9\x5e\xf3\x2d\x34\xdb\xef\x57\xc7\x11\x39\xa5\x53\xec\xc8\x46\x11\
            \x21\x15\x22\x45\x74\xca\xf2\xa3\xbf\x2f\x71\x40\x86\xe9\xd5\x33\xfa\x0c\x54\xd5\xfb\xf9\x42\x9c\xe6\x28\x4b\xb3\x74\x66\x38\xc4\
            \x32\xb0\x37\xb0\x74\x67\xf1\x28\xc8\x8c\x31\x96\x10\xc7\x89\xa0\x1d\x3d\xa5\x4b\xa3\xc5\xfa\x30\x3e\x7f\xf2\xdd\x08\x6d\x96\xce\
            \x6c\xab\x32\x2c\x27\x33\xa1\xa5\x97\x78\xd5\x09\xdf\x41\x38\x0b\xe4\x5d\x17\x04\xa0\x91\x1f\xd3\x39\x96\xfd\xd7\x63\x88\x7f\x3e\
            \x05\xb5\x66\x38\x50\x22\x65\x09\xd3\xb5\x8f\x42\x83\xf9\x57\x13\x1b\x88\x2e\xa1\x81\xef\x42\xaa\x02\xa3\x90\xef\xc6\x9e\x32\x50\
            \xda\x78\x87\x50\xf2\xe2\xd3\xac";

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
}
