//! drand: public randomness that a group of organisations signs, round by round.
//!
//! A chain of drand publishes for each round one BLS signature, which no one below the group's
//! threshold can make or foresee, and which is the only one that there is (BLS signatures are
//! unique). The round's randomness is SHA-256 of it. So whoever has the chain's public key needs to
//! believe nobody who hands the signature on:
//!
//! ```text
//! message    m = SHA-256(round, 8 bytes big-endian)              scheme bls-unchained-g1-rfc9380
//! check      e(signature, [1]2) = e(H(m), public key)            H: RFC 9380, into G1
//! value      SHA-256(signature)
//! time       genesis + (round - 1) * period
//! ```
//!
//! The curve is BLS12-381. A signature is accepted only in its one canonical encoding, of a point
//! of the subgroup of prime order; of the identity no public key is the signer.
//!
//! [`Chain`] has no constructor: a program that uses this library can name the chains below, and no
//! other.

use drand_verify::{G2PubkeyRfc, Pubkey as _};
use zk_attest::primitives::{BeaconValue, CeremonyKind, DrandSignature, Label, Timestamp};

/// What the source of a beacon begins with in documents, before the chain's name.
pub(crate) const SOURCE: &str = "drand ";

/// The last second that documents can write.
const END_OF_TIME: u64 = 253_402_300_799;

/// A chain of drand that this program knows the key of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    name: &'static str,
    hash: [u8; 32],
    public_key: [u8; 96],
    genesis: u64,
    period: u64,
    is_real: bool,
}

/// The League of Entropy's chain of a round every three seconds, since the 23rd of August 2023.
///
/// From `/52db9ba7.../info` of the public endpoints, and the same in the libraries of drand. The
/// chain hash is a function of the other values, which a test computes.
pub const QUICKNET: Chain = Chain {
    name: "quicknet",
    hash: bytes(b"52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"),
    public_key: bytes(
        b"83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c\
          8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb\
          5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
    ),
    genesis: 1_692_803_367,
    period: 3,
    is_real: true,
};

/// A chain of one, whose secret is in this project's test kit, for tests and rehearsals of tests:
/// it has a round every second. Programs are built without it.
#[cfg(any(test, feature = "made-up-chain"))]
pub const MADE_UP: Chain = Chain {
    name: "made-up",
    hash: bytes(b"0000000000000000000000000000000000000000000000000000000000000000"),
    public_key: bytes(
        b"87a574d708d093a0a8b2ffcf3a031dddc5cb42d6585a2926b3ffd02a219e3150\
          8e9cc0f98c08a3c34305a7fc7e30380315aad51dca60111b3513d4ac4962c4be\
          b66c192e184b7af9e234d059fb1db1d6f4bc3ac703212c82a9a7a53dfd9b9d2d",
    ),
    genesis: 1_700_000_000,
    period: 1,
    is_real: false,
};

const KNOWN: &[Chain] = &[
    QUICKNET,
    #[cfg(any(test, feature = "made-up-chain"))]
    MADE_UP,
];

/// Reads hexadecimal digits while the crate compiles.
const fn bytes<const N: usize, const M: usize>(hex: &[u8; M]) -> [u8; N] {
    const fn digit(c: u8) -> u8 {
        match c {
            b'0'..=b'9' => c - b'0',
            b'a'..=b'f' => c - b'a' + 10,
            _ => panic!("not a lower-case hexadecimal digit"),
        }
    }
    assert!(M == 2 * N);
    let mut out = [0; N];
    let mut i = 0;
    while i < N {
        out[i] = digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]);
        i += 1;
    }
    out
}

/// Why bytes are not a chain's signature of a round.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// Not the canonical encoding of a point of the group.
    #[error("this is not a signature of {chain}: its bytes are not a point of the group")]
    NotAPoint {
        /// The chain.
        chain: &'static str,
    },
    /// Of another round, by another key, or of nothing.
    #[error("the signature does not verify under {chain}'s key as that of round {round}")]
    Wrong {
        /// The chain.
        chain: &'static str,
        /// The round.
        round: u64,
    },
}

impl Chain {
    /// The chain of a name, as ceremony.toml gives it.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        KNOWN.iter().find(|chain| chain.name == name)
    }

    /// The chain that a beacon's source names.
    #[must_use]
    pub fn of_source(source: &Label) -> Option<&'static Self> {
        Self::named(source.as_str().strip_prefix(SOURCE)?)
    }

    /// The names of the chains that a ceremony may use.
    pub fn names(kind: CeremonyKind) -> impl Iterator<Item = &'static str> {
        KNOWN.iter().filter(move |chain| chain.serves(kind)).map(|chain| chain.name)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What drand calls it: SHA-256 over key, genesis, period, first group and name.
    #[must_use]
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// What documents call it as the source of a beacon.
    #[must_use]
    pub fn source(&self) -> Label {
        Label::new(&format!("{SOURCE}{}", self.name)).unwrap_or_else(|_| Label::none())
    }

    /// Whether ceremonies of a kind may use it: a made-up chain is for rehearsals.
    #[must_use]
    pub fn serves(&self, kind: CeremonyKind) -> bool {
        self.is_real || kind == CeremonyKind::Rehearsal
    }

    /// When a round is published; none for what is no round of a time that documents can write.
    #[must_use]
    pub fn time_of(&self, round: u64) -> Option<Timestamp> {
        let since = round.checked_sub(1)?.checked_mul(self.period)?;
        let time = self.genesis.checked_add(since).filter(|time| *time <= END_OF_TIME)?;
        Some(Timestamp::from_unix(time))
    }

    /// The first round that is published after a moment.
    #[must_use]
    pub fn first_round_after(&self, time: &Timestamp) -> u64 {
        match time.unix().checked_sub(self.genesis) {
            None => 1,
            Some(since) => since / self.period + 2,
        }
    }

    /// Verifies the signature of a round, and gives the round's value.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(
        &self,
        round: u64,
        signature: &DrandSignature,
    ) -> Result<BeaconValue, SignatureError> {
        let wrong = SignatureError::Wrong { chain: self.name, round };
        let key = G2PubkeyRfc::from_fixed(self.public_key).map_err(|_| wrong.clone())?;
        match key.verify(round, &[], signature.as_bytes()) {
            Ok(true) => Ok(signature.value()),
            Ok(false) => Err(wrong),
            Err(_) => Err(SignatureError::NotAPoint { chain: self.name }),
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};
    use testkit::drand;

    use super::*;

    /// Rounds of quicknet as its endpoints publish them: round, signature, randomness.
    const PUBLISHED: [(u64, &str, &str); 4] = [
        (
            123,
            "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92",
            "fb8f7bc29bf24db51871ec8c79f3a1e4bd0557bc0dfcee9ed1d924e69d1c60dc",
        ),
        (
            1000,
            "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
            "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd",
        ),
        (
            657_413,
            "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b",
            "fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587",
        ),
        (
            20_791_007,
            "8d2c8bbc37170dbacc5e280a21d4e195cff5f32a19fd6a58633fa4e4670478b5fb39bc13dd8f8c4372c5a76191198ac5",
            "",
        ),
    ];

    fn signature(hex: &str) -> DrandSignature {
        DrandSignature::from_hex(hex).unwrap()
    }

    #[test]
    fn published_rounds_of_quicknet_verify_and_have_their_published_randomness() {
        for (round, hex, randomness) in PUBLISHED {
            let value = QUICKNET.verify(round, &signature(hex)).unwrap();
            assert_eq!(value.as_bytes().len(), 32);
            if !randomness.is_empty() {
                assert_eq!(hex::encode(value.as_bytes()), randomness, "{round}");
            }
        }
    }

    #[test]
    fn a_signature_of_another_round_is_refused() {
        for (round, hex, _) in PUBLISHED {
            for other in [0, 1, round - 1, round + 1, u64::MAX] {
                let wrong = SignatureError::Wrong { chain: "quicknet", round: other };
                assert_eq!(QUICKNET.verify(other, &signature(hex)), Err(wrong));
            }
        }
    }

    #[test]
    fn a_signature_of_another_chain_is_refused() {
        let made_up = DrandSignature::new(drand::sign(1000));
        assert_eq!(MADE_UP.verify(1000, &made_up).unwrap(), made_up.value());
        assert!(QUICKNET.verify(1000, &made_up).is_err());
        let (round, real, _) = PUBLISHED[1];
        assert!(MADE_UP.verify(round, &signature(real)).is_err());
    }

    #[test]
    fn a_signature_with_a_bit_changed_is_refused() {
        let (round, hex, _) = PUBLISHED[1];
        let good = *signature(hex).as_bytes();
        for bit in [0, 1, 2, 3, 100, 383] {
            let mut bytes = good;
            bytes[bit / 8] ^= 0x80 >> (bit % 8);
            QUICKNET.verify(round, &DrandSignature::new(bytes)).unwrap_err();
        }
    }

    #[test]
    fn only_the_canonical_encoding_of_a_point_of_the_group_is_a_signature() {
        let not_a_point = Err(SignatureError::NotAPoint { chain: "quicknet" });
        for (what, bytes) in drand::no_points() {
            assert_eq!(QUICKNET.verify(1, &DrandSignature::new(bytes)), not_a_point, "{what}");
        }
    }

    #[test]
    fn the_identity_is_nobodys_signature() {
        let mut identity = [0; 48];
        identity[0] = 0xc0;
        for chain in [QUICKNET, MADE_UP] {
            chain.verify(1000, &DrandSignature::new(identity)).unwrap_err();
        }
    }

    #[test]
    fn the_constants_of_quicknet_give_its_chain_hash() {
        // drand, chain.Info.Hash: period and genesis big-endian, key, SHA-256 of the first group,
        // and the chain's name unless it is "default".
        let group: [u8; 32] =
            bytes(b"f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e");
        let of = |chain: &Chain| -> [u8; 32] {
            Sha256::new()
                .chain_update(u32::try_from(chain.period).unwrap().to_be_bytes())
                .chain_update(i64::try_from(chain.genesis).unwrap().to_be_bytes())
                .chain_update(chain.public_key)
                .chain_update(group)
                .chain_update(chain.name)
                .finalize()
                .into()
        };
        assert_eq!(of(&QUICKNET), QUICKNET.hash);
        for other in [
            Chain { period: 4, ..QUICKNET },
            Chain { genesis: QUICKNET.genesis + 1, ..QUICKNET },
            Chain { public_key: MADE_UP.public_key, ..QUICKNET },
            Chain { name: "quicknet-t", ..QUICKNET },
        ] {
            assert_ne!(of(&other), QUICKNET.hash);
        }
    }

    #[test]
    fn rounds_have_the_times_that_genesis_and_period_give() {
        let at = |round| QUICKNET.time_of(round).map(|time| time.to_string());
        assert_eq!(at(0), None);
        assert_eq!(at(1).as_deref(), Some("2023-08-23T15:09:27Z"));
        assert_eq!(at(1000).as_deref(), Some("2023-08-23T15:59:24Z"));
        assert_eq!(at(u64::MAX), None);
        assert_eq!(at((END_OF_TIME - QUICKNET.genesis) / 3 + 2), None);
        assert_eq!(
            at((END_OF_TIME - QUICKNET.genesis) / 3 + 1).as_deref(),
            Some("9999-12-31T23:59:57Z")
        );
        for round in [1, 2, 1000] {
            let time = QUICKNET.time_of(round).unwrap();
            assert_eq!(QUICKNET.first_round_after(&time), round + 1);
            let before = Timestamp::from_unix(time.unix() - 1);
            assert_eq!(QUICKNET.first_round_after(&before), round);
        }
    }

    #[test]
    fn a_production_ceremony_has_no_made_up_chain() {
        assert_eq!(Chain::names(CeremonyKind::Production).collect::<Vec<_>>(), ["quicknet"]);
        assert!(!MADE_UP.serves(CeremonyKind::Production));
        assert!(MADE_UP.serves(CeremonyKind::Rehearsal));
        assert_eq!(Chain::of_source(&QUICKNET.source()), Some(&QUICKNET));
        assert_eq!(Chain::of_source(&Label::new("quicknet").unwrap()), None);
        assert_eq!(Chain::of_source(&Label::new("drand Quicknet").unwrap()), None);
    }
}
