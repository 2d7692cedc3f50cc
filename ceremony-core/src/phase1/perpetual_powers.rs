//! Facts about public ceremonies: the published digests of the Perpetual Powers of Tau files, and
//! the first challenges of large powers.

use crate::hash::FileBlake2b;

/// A file of a public ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedPtau {
    /// The name under which it is published.
    pub name: &'static str,
    /// BLAKE2b-512 of the whole file.
    pub blake2b: FileBlake2b,
}

/// The published file with this digest, if it is one.
#[must_use]
pub fn published(digest: &FileBlake2b) -> Option<&'static PublishedPtau> {
    PERPETUAL_POWERS_OF_TAU.iter().find(|file| file.blake2b == *digest)
}

const fn file(name: &'static str, hex: &str) -> PublishedPtau {
    PublishedPtau { name, blake2b: FileBlake2b(unhex(hex)) }
}

/// 64 bytes from 128 hexadecimal digits, at compile time.
const fn unhex(hex: &str) -> [u8; 64] {
    const fn digit(c: u8) -> u8 {
        match c {
            b'0'..=b'9' => c - b'0',
            b'a'..=b'f' => c - b'a' + 10,
            _ => panic!("not a lower-case hexadecimal digit"),
        }
    }
    let hex = hex.as_bytes();
    assert!(hex.len() == 128);
    let mut out = [0; 64];
    let mut i = 0;
    while i < 64 {
        out[i] = digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]);
        i += 1;
    }
    out
}

/// The prepared files of the Perpetual Powers of Tau with the beacon of the Hermez network, as
/// their BLAKE2b-512 digests were published with them: truncations to 2^8 .. 2^27, and the whole
/// ceremony of 2^28.
pub const PERPETUAL_POWERS_OF_TAU: [PublishedPtau; 21] = [
    file(
        "powersOfTau28_hez_final_08.ptau",
        "d6a8fb3a04feb600096c3b791f936a578c4e664d262e4aa24beed1b7a9a96aa5eb72864d628db247e9293384b74b36ffb52ca8d148d6e1b8b51e279fdf57b583",
    ),
    file(
        "powersOfTau28_hez_final_09.ptau",
        "94f108a80e81b5d932d8e8c9e8fd7f46cf32457e31462deeeef37af1b71c2c1b3c71fb0d9b59c654ec266b042735f50311f9fd1d4cadce47ab234ad163157cb5",
    ),
    file(
        "powersOfTau28_hez_final_10.ptau",
        "6cfeb8cda92453099d20120bdd0e8a5c4e7706c2da9a8f09ccc157ed2464d921fd0437fb70db42104769efd7d6f3c1f964bcf448c455eab6f6c7d863e88a5849",
    ),
    file(
        "powersOfTau28_hez_final_11.ptau",
        "47c282116b892e5ac92ca238578006e31a47e7c7e70f0baa8b687f0a5203e28ea07bbbec765a98dcd654bad618475d4661bfaec3bd9ad2ed12e7abc251d94d33",
    ),
    file(
        "powersOfTau28_hez_final_12.ptau",
        "ded2694169b7b08e898f736d5de95af87c3f1a64594013351b1a796dbee393bd825f88f9468c84505ddd11eb0b1465ac9b43b9064aa8ec97f2b73e04758b8a4a",
    ),
    file(
        "powersOfTau28_hez_final_13.ptau",
        "58efc8bf2834d04768a3d7ffcd8e1e23d461561729beaac4e3e7a47829a1c9066d5320241e124a1a8e8aa6c75be0ba66f65bc8239a0542ed38e11276f6fdb4d9",
    ),
    file(
        "powersOfTau28_hez_final_14.ptau",
        "eeefbcf7c3803b523c94112023c7ff89558f9b8e0cf5d6cdcba3ade60f168af4a181c9c21774b94fbae6c90411995f7d854d02ebd93fb66043dbb06f17a831c1",
    ),
    file(
        "powersOfTau28_hez_final_15.ptau",
        "982372c867d229c236091f767e703253249a9b432c1710b4f326306bfa2428a17b06240359606cfe4d580b10a5a1f63fbed499527069c18ae17060472969ae6e",
    ),
    file(
        "powersOfTau28_hez_final_16.ptau",
        "6a6277a2f74e1073601b4f9fed6e1e55226917efb0f0db8a07d98ab01df1ccf43eb0e8c3159432acd4960e2f29fe84a4198501fa54c8dad9e43297453efec125",
    ),
    file(
        "powersOfTau28_hez_final_17.ptau",
        "6247a3433948b35fbfae414fa5a9355bfb45f56efa7ab4929e669264a0258976741dfbe3288bfb49828e5df02c2e633df38d2245e30162ae7e3bcca5b8b49345",
    ),
    file(
        "powersOfTau28_hez_final_18.ptau",
        "7e6a9c2e5f05179ddfc923f38f917c9e6831d16922a902b0b4758b8e79c2ab8a81bb5f29952e16ee6c5067ed044d7857b5de120a90704c1d3b637fd94b95b13e",
    ),
    file(
        "powersOfTau28_hez_final_19.ptau",
        "bca9d8b04242f175189872c42ceaa21e2951e0f0f272a0cc54fc37193ff6648600eaf1c555c70cdedfaf9fb74927de7aa1d33dc1e2a7f1a50619484989da0887",
    ),
    file(
        "powersOfTau28_hez_final_20.ptau",
        "89a66eb5590a1c94e3f1ee0e72acf49b1669e050bb5f93c73b066b564dca4e0c7556a52b323178269d64af325d8fdddb33da3a27c34409b821de82aa2bf1a27b",
    ),
    file(
        "powersOfTau28_hez_final_21.ptau",
        "9aef0573cef4ded9c4a75f148709056bf989f80dad96876aadeb6f1c6d062391f07a394a9e756d16f7eb233198d5b69407cca44594c763ab4a5b67ae73254678",
    ),
    file(
        "powersOfTau28_hez_final_22.ptau",
        "0d64f63dba1a6f11139df765cb690da69d9b2f469a1ddd0de5e4aa628abb28f787f04c6a5fb84a235ec5ea7f41d0548746653ecab0559add658a83502d1cb21b",
    ),
    file(
        "powersOfTau28_hez_final_23.ptau",
        "3063a0bd81d68711197c8820a92466d51aeac93e915f5136d74f63c394ee6d88c5e8016231ea6580bec02e25d491f319d92e77f5c7f46a9caa8f3b53c0ea544f",
    ),
    file(
        "powersOfTau28_hez_final_24.ptau",
        "fa404d140d5819d39984833ca5ec3632cd4995f81e82db402371a4de7c2eae8687c62bc632a95b0c6aadba3fb02680a94e09174b7233ccd26d78baca2647c733",
    ),
    file(
        "powersOfTau28_hez_final_25.ptau",
        "0377d860cdb09a8a31ea1b0b8c04335614c8206357181573bf294c25d5ca7dff72387224fbd868897e6769f7805b3dab02854aec6d69d7492883b5e4e5f35eeb",
    ),
    file(
        "powersOfTau28_hez_final_26.ptau",
        "418dee4a74b9592198bd8fd02ad1aea76f9cf3085f206dfd7d594c9e264ae919611b1459a1cc920c2f143417744ba9edd7b8d51e44be9452344a225ff7eead19",
    ),
    file(
        "powersOfTau28_hez_final_27.ptau",
        "10ffd99837c512ef99752436a54b9810d1ac8878d368fb4b806267bdd664b4abf276c9cd3c4b9039a1fa4315a0c326c0e8e9e8fe0eb588ffd4f9021bf7eae1a1",
    ),
    file(
        "powersOfTau28_hez_final.ptau",
        "55c77ce8562366c91e7cda394cf7b7c15a06c12d8c905e8b36ba9cf5e13eb37d1a429c589e8eaba4c591bc4b88a0e2828745a53e170eac300236f5c1a326f41a",
    ),
];

/// [`super::first_challenge`] of all but the smallest powers: computing it means hashing 384 bytes
/// for each of the 2^power constraints, up to 100 GB. Each was computed by this crate, those up to
/// 2^18 by another implementation of BLAKE2b too; a test recomputes the smaller ones.
pub(super) const FIRST_CHALLENGES: [(u32, [u8; 64]); 17] = [
    (
        12,
        unhex(
            "9e63a5f62b96538daaed2372481920d1a40b91959ea38ef9f5f6a3033b8865160710d067c09d09615f928ea517bcdf49ad75abd2c8340b400e3b18e968b4ffef",
        ),
    ),
    (
        13,
        unhex(
            "b149df2329d37dee14a2a9c9ddcd0eb8e1fb6a5af5dcbdd4f46a10e0176dac306257919995193c2cb067c4677138f506341dc2d3279dc0204fcc2e9d14390581",
        ),
    ),
    (
        14,
        unhex(
            "bc0bde7980381fa642b2097591dd83f1ed15b003e15c35520af32c95eb5191492a6f3175215635cfc10e6098e2c612d0ca84f1a9f90b5333560c8af59b9209f4",
        ),
    ),
    (
        15,
        unhex(
            "eca6f514b89180fcfc6bf9f881a5670c45419054f1f6fec93628d6d1bf995fbf677d427cd40a7c05ebb14fe5ee96aff2b4994dc0e2904852b408a9e7fe36a02e",
        ),
    ),
    (
        16,
        unhex(
            "e27d7e51abd16bb3c46609c75e963b5fdbe25b00c0b93a4c528b569ad4b50fdad9926ff2781f4baefac213db214f30afe681f7be5c1f973cc567c817e871f958",
        ),
    ),
    (
        17,
        unhex(
            "d27bebee8c0abf5066dd8742fa7de8c454bea04a8afad209d51f58ec16bcea9e02b2774d6d408b4a71af1986203a7ed7d9d2d6d5fb7c5318b8d58183a15b9706",
        ),
    ),
    (
        18,
        unhex(
            "c3f903071060d9282ea4d31ef85d9dbd05f865dedb78cb138f740796091ffcd5d61ca255535fffd7df21669f04534057a3985a51f0de7909ed950d699f0e57bd",
        ),
    ),
    (
        19,
        unhex(
            "960060531a46ce7980c117badf032684e3adc78866b7bf7b26b34cb1165df31d8ffdf7de6dd3e902839afe451da673adcea5259fd968b7135b867bad2760ceb2",
        ),
    ),
    (
        20,
        unhex(
            "3393605118d83c21a2a1763bec8ebf7a6076c7546b4bbf01e35e71faad0214cf18fa19b6053dfd1102454d05754b1b21873da78e0d5d66be1f74169de3963011",
        ),
    ),
    (
        21,
        unhex(
            "d27e24afa6f9d22893b893924ab301023e558340a2f0fe360497061d7f91a659d6bcd23467668ad92f65fb2998da8690014a8341cc795253cec84fb87fe195b8",
        ),
    ),
    (
        22,
        unhex(
            "5b4d52085c949b60ab5060c93196dc51b2dc629c4dcfc5d1fdb9466e3c6c052bd1f9bada6ee24a60c0474017b7c08f51fce83c75845fb489547aa9453e256cf6",
        ),
    ),
    (
        23,
        unhex(
            "da01c213149ff5065924f3ade76df2ec6ae7bb941ab4ffe25e3e2d1ae9f0474faebb201bddef89d841692d71e10f3f7a3d0ffe5ce2b6162d8b692b95c28b4039",
        ),
    ),
    (
        24,
        unhex(
            "adc423b1cd43ea5a40601c30364febdcdf4796f0ffc56c01e1f64019146e60f9c9b68c75f1e36e275c336acbee5632f69569c9f2267dfda4ad59dcb15b8f3e84",
        ),
    ),
    (
        25,
        unhex(
            "661de6f41b1150ac7448085558e5ecdaae345272e662da9851b0ff3816901a2b2141722a38a35a314b41a53abba15f7198f30c57891111864081aa38d3012a5b",
        ),
    ),
    (
        26,
        unhex(
            "5140c98bda53f8c1fc3a25d574c409d5de41561b585b4224ab5ed369a98f2e41389c39c83b47470701e52261fa199918666181be3855d33e2ef19377365b038b",
        ),
    ),
    (
        27,
        unhex(
            "36bcd31f9d5ed309ded4a17ee8279e34eceec40b56be88e2fb604aebe2c714bafbf99218e7269f20ec3392bab9d45f5198b826c94bd3d3c2d780f46dfd65be67",
        ),
    ),
    (
        28,
        unhex(
            "93da91920d5a54a8a0fde55cd9dc3a10c4f3eef768b62c0948741370864254b4c1920f3f29d4ebc0ef3acecf2e2db63a755713d77e1ed77347a56fbc317c7a93",
        ),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::ptau::Power;

    #[test]
    fn a_published_digest_is_recognised_by_name() {
        let last = PERPETUAL_POWERS_OF_TAU[20];
        assert_eq!(published(&last.blake2b).map(|f| f.name), Some("powersOfTau28_hez_final.ptau"));
        assert_eq!(published(&FileBlake2b([0; 64])), None);
    }

    #[test]
    fn the_smaller_of_the_constant_first_challenges_are_the_computed_ones() {
        for (power, challenge) in &FIRST_CHALLENGES[..5] {
            assert_eq!(
                super::super::compute_first_challenge(Power::new(*power).unwrap()).0,
                *challenge,
                "power {power}"
            );
        }
    }

    #[test]
    fn published_digests_are_distinct() {
        for (i, a) in PERPETUAL_POWERS_OF_TAU.iter().enumerate() {
            assert!(
                PERPETUAL_POWERS_OF_TAU[..i]
                    .iter()
                    .all(|b| a.blake2b != b.blake2b && a.name != b.name)
            );
        }
    }
}
