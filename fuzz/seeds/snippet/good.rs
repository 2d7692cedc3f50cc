// Verifying keys of ceremony boot-2026 (production), serial 7: attestation.
// Written by zk-embed. Do not edit: every build compares this file, byte for byte, with the text that the approved bundle gives.
// To make it again: zk-embed --bundle zk/bundle.json --policy zk/trust-policy.json --out zk/verifying_key.rs

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
    pub const CEREMONY_ID: &str = "boot-2026";
    /// Whether the ceremony was a real one. The keys of a rehearsal protect nothing.
    pub const PRODUCTION: bool = true;
    /// Serial of the bundle.
    pub const SERIAL: u64 = 7u64;
    /// The curve.
    pub const CURVE: &str = "bn254";
    /// SHA-256 of the ceremony's transcript.
    pub const TRANSCRIPT_SHA256: [u8; 32] = unhex(
        "443c927a93ddcf73cd7ca80c24ed7695bbbda22e07ad9ca6c43a0873f1e585d8",
    );
    /// SHA-256 of the signed statement.
    pub const STATEMENT_SHA256: [u8; 32] = unhex(
        "4d75b021c9ac6f121c6c4c9ece33f1f57b0cce69b1c803b9db7144a7e965f80b",
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
        pub const PROGRAM_ID: &str = "attestation v1";
        /// What the key is looked up by.
        pub const PROGRAM_HASH: [u8; 32] = unhex(
            "bb8d6a93c2b1b6eaed7efdd60619764fe753354b5f380277969d60c42c537e6e",
        );
        /// SHA-256 of the .r1cs file.
        pub const CIRCUIT_SHA256: [u8; 32] = unhex(
            "7a7f63b4e4741bba41e669bcfa8adc3626aaa47d963e821ab2a0e15b783e7a17",
        );
        /// Number of public inputs.
        pub const N_PUBLIC: usize = 2usize;
        /// SHA-256 of `VK`.
        pub const VK_SHA256: [u8; 32] = unhex(
            "f56d097b81036994737342a0500399c14bbb27aa6c0bf98525df32e028242e7e",
        );
        /// SHA-256 of `VK_UNCOMPRESSED`.
        pub const VK_UNCOMPRESSED_SHA256: [u8; 32] = unhex(
            "a5e88fccf29faa1ce50fbc4ede6b7a06801d0026f6f7c0bb68fe6dd5bef2edfa",
        );
        /// The verifying key, canonical compressed.
        pub const VK: [u8; 328usize] = unhex(
            "1828e88c2938f624d5e68164c2ce9e1e00be93ce26a6f52d98d21b486533961cfaa30f42682bf2cb76b3eb2909404c791d9ffec8db6d9f24e301b07043572d1163b584de48ecca46406870c5b699e0bb5a0b1fcfe7fce2263b78ca32eb65e405edf692d95cbdde46ddda5ef7d422436779445c5e66006a42761e1f12efde0018c212f3aeb785e49712e7a9353349aaf1255dfb31b7bf60723a480d9293938e198b577d6577960266e174fffd3f8b1d10f4d94159a49d728144d92f621e3cbd1904d07e4c064484577a432150e766dcf492def741ce6e31a71f9e0866ed36472f03000000000000009ba042c7175731557ebdd612f10b9f29dd8376260ac553815ce6662cc80ac799bfdc5e69c50386e8d2364b9acd9e1c558077e1b195ec3347a6c1c04198827c88f0970c41f3ceab7426130537ae39bf825b3986dd8ba8e4eaf1914d154df37602",
        );
        /// The verifying key, canonical uncompressed.
        pub const VK_UNCOMPRESSED: [u8; 648usize] = unhex(
            "1828e88c2938f624d5e68164c2ce9e1e00be93ce26a6f52d98d21b486533961ca0033134880001f24a4e98e6b00ba9434b795d04eea6a5d70deddc1aecc5b404faa30f42682bf2cb76b3eb2909404c791d9ffec8db6d9f24e301b07043572d1163b584de48ecca46406870c5b699e0bb5a0b1fcfe7fce2263b78ca32eb65e405f075b9a7b25fb1c8e5c96a01e53681fac5a4e1a288ac7c9ed5d7f7abd04318303e96a02b1bc280d823cf85a7ce55bcf64f18e090bc21eb94a0de0984ad689110edf692d95cbdde46ddda5ef7d422436779445c5e66006a42761e1f12efde0018c212f3aeb785e49712e7a9353349aaf1255dfb31b7bf60723a480d9293938e19aa7dfa6601cce64c7bd3430c69e7d1e38f40cb8d8071ab4aeb6d8cdba55ec8125b9722d1dcdaac55f38eb37033314bbc95330c69ad999eec75f05f58d08906098b577d6577960266e174fffd3f8b1d10f4d94159a49d728144d92f621e3cbd1904d07e4c064484577a432150e766dcf492def741ce6e31a71f9e0866ed36472f6daa499a63afbc1b90e936d966189dbcc9ae484c8884ee439d815f7c74e6091acf40d545f1fc0f2bf36441e95054b72479cac553362b0f8ad71b9ef8457d0b0a03000000000000009ba042c7175731557ebdd612f10b9f29dd8376260ac553815ce6662cc80ac7194996f87ed24fd947cde7390b3f7ddc22380a310ef1f5de16f368c53a9ed02fadbfdc5e69c50386e8d2364b9acd9e1c558077e1b195ec3347a6c1c04198827c0879564efde62eea6540320487647f21a53f4011bddd8778c908c740a0e50d5aacf0970c41f3ceab7426130537ae39bf825b3986dd8ba8e4eaf1914d154df3760288fc2b3e5e3fba750baf519218b930d72c7c9dc9d148139bf9c42bc8e45b7309",
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
}
