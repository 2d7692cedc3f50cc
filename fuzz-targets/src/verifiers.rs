//! Whole verifications: whatever is accepted is, in all that is bound, one of the files that were
//! made honestly.
//!
//! To get anything else past them a mutation would have to find a discrete logarithm, a collision
//! or a signature.

use std::io::Cursor;
use std::sync::LazyLock;

use ceremony_core::format::ptau::{self, PTAU, Ptau};
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::record::ContributionKind;
use ceremony_core::format::zkey::{self, ZKEY, Zkey};
use ceremony_core::phase1::verify::{Expectations, verify as verify_phase1};
use ceremony_core::phase2::verify::{Expectations as KeyExpectations, verify as verify_phase2};
use ceremony_core::progress::NoProgress;
use zk_attest::primitives::Timestamp;
use zk_vk_guard::bundle::{Bundle, OnExpiry};
use zk_vk_guard::policy::Policy;

use crate::files::section;

const GOOD_PTAU: [&[u8]; 3] = [
    include_bytes!("../../fuzz/seeds/ptau_verify/good-one.ptau"),
    include_bytes!("../../fuzz/seeds/ptau_verify/good-two-prepared.ptau"),
    include_bytes!("../../fuzz/seeds/ptau_verify/good-beacon.ptau"),
];
const R1CS: &[u8] = include_bytes!("../../fuzz/seeds/r1cs/good-product.r1cs");
const PREPARED: &[u8] = include_bytes!("../../fuzz/seeds/ptau/good-phase1-of-the-keys.ptau");
const GOOD_ZKEY: [&[u8]; 3] = [
    include_bytes!("../../fuzz/seeds/zkey_verify/good-one.zkey"),
    include_bytes!("../../fuzz/seeds/zkey_verify/good-two.zkey"),
    include_bytes!("../../fuzz/seeds/zkey_verify/good-beacon.zkey"),
];
const GOOD_BUNDLE: &[u8] = include_bytes!("../../fuzz/seeds/bundle_verify/good.json");
const POLICY: &[u8] = include_bytes!("../../fuzz/seeds/policy/good-of-the-bundle.json");

/// The largest exponent of a beacon that is followed here: 2^12 hashes. The product follows up to
/// 2^30, which is a minute.
const MAX_EXPONENT: u8 = 12;

fn is_cheap(kind: &ContributionKind) -> bool {
    match kind {
        ContributionKind::Contribution => true,
        ContributionKind::Beacon(beacon) => beacon.exponent() <= MAX_EXPONENT,
    }
}

/// All of a phase 1 that something binds: everything but names and, of contributions before the
/// last, the exported hash state, from which the response hash is derived. That hash covers an
/// accumulator that is no longer in the file, and the next challenge, which the next proof is bound
/// to, cannot be recomputed without it either: it is the ceremony's transcript that binds it, by
/// the files of each step.
#[derive(PartialEq)]
struct BoundPtau {
    header: Vec<u8>,
    sections: Vec<Vec<u8>>,
    lagrange: Vec<Option<Vec<u8>>>,
    records: Vec<(ptau::AccumulatorHead, ptau::PublicKey, [u8; 64], ContributionKind)>,
    last_response_hash: Option<[u8; 64]>,
}

impl BoundPtau {
    fn of(data: &[u8]) -> Self {
        let file = Ptau::open(Cursor::new(data)).expect("opened before");
        let copy = |id| section(data, PTAU, id).map(<[u8]>::to_vec);
        let record = |r: &ptau::Contribution| {
            (r.key_points, r.public_key, r.next_challenge.0, r.kind.clone())
        };
        Self {
            header: copy(1).unwrap_or_default(),
            sections: (2..=6).filter_map(copy).collect(),
            lagrange: (12..=15).map(copy).collect(),
            records: file.contributions().iter().map(record).collect(),
            last_response_hash: file.contributions().last().map(|record| record.response_hash().0),
        }
    }

    /// Preparation may be left out: it is a function of the rest.
    fn is(&self, good: &Self) -> bool {
        (&self.header, &self.sections, &self.records)
            == (&good.header, &good.sections, &good.records)
            && self.last_response_hash == good.last_response_hash
            && (self.lagrange.iter().all(Option::is_none) || self.lagrange == good.lagrange)
    }
}

/// Phase 1, every check.
pub fn ptau_verify(data: &[u8]) -> bool {
    static GOOD: LazyLock<Vec<BoundPtau>> = LazyLock::new(|| GOOD_PTAU.map(BoundPtau::of).into());
    let Ok(file) = Ptau::open(Cursor::new(data)) else { return false };
    if !file.contributions().iter().all(|record| is_cheap(&record.kind)) {
        return false;
    }
    if verify_phase1(Cursor::new(data), &Expectations::default(), &NoProgress).is_err() {
        return false;
    }
    let accepted = BoundPtau::of(data);
    assert!(GOOD.iter().any(|good| accepted.is(good)), "a phase 1 that no one made is accepted");
    true
}

/// All of a key that something binds: everything but names and the kind of a record.
fn bound_zkey(data: &[u8]) -> (Vec<Option<Vec<u8>>>, Vec<Vec<u8>>) {
    let file = Zkey::open(Cursor::new(data)).expect("opened before");
    let encoding = ceremony_core::format::encoding::Encoding::Uncompressed;
    let records =
        file.contributions().iter().map(|record: &zkey::Contribution| record.bound_bytes(encoding));
    ((1..=9).map(|id| section(data, ZKEY, id).map(<[u8]>::to_vec)).collect(), records.collect())
}

/// Phase 2, every check, against the circuit and the phase 1 of the seeds.
pub fn zkey_verify(data: &[u8]) -> bool {
    type Bound = (Vec<Option<Vec<u8>>>, Vec<Vec<u8>>);
    static GOOD: LazyLock<Vec<Bound>> = LazyLock::new(|| GOOD_ZKEY.map(bound_zkey).into());
    let Ok(mut key) = Zkey::open(Cursor::new(data)) else { return false };
    if !key.contributions().iter().all(|record| is_cheap(&record.kind)) {
        return false;
    }
    let mut r1cs = R1cs::open(Cursor::new(R1CS)).expect("a good circuit");
    let mut ptau = Ptau::open(Cursor::new(PREPARED)).expect("a good phase 1");
    if verify_phase2(&mut r1cs, &mut ptau, &mut key, &KeyExpectations::default(), &NoProgress)
        .is_err()
    {
        return false;
    }
    let accepted = bound_zkey(data);
    assert!(GOOD.contains(&accepted), "a key that no one made is accepted");
    true
}

/// The guard's verification under the policy of the seeds.
pub fn bundle_verify(data: &[u8]) -> bool {
    static GOOD: LazyLock<Bundle> =
        LazyLock::new(|| Bundle::from_json(GOOD_BUNDLE).expect("a good bundle"));
    static SOUND: LazyLock<Policy> =
        LazyLock::new(|| Policy::from_json(POLICY).expect("a sound policy"));
    let Ok(bundle) = Bundle::from_json(data) else { return false };
    let now = Timestamp::from_unix(1_800_000_000);
    let Ok(verified) = bundle.verify(&SOUND, &now, OnExpiry::Refuse) else { return false };
    let good = GOOD.verify(&SOUND, &now, OnExpiry::Refuse).expect("a good bundle");
    assert_eq!(
        verified.statement_digest(),
        good.statement_digest(),
        "a statement that no one signed is accepted"
    );
    assert!(verified.circuits().eq(good.circuits()), "keys that no one signed are accepted");
    assert_eq!(verified.transcript().bytes(), good.transcript().bytes());
    true
}
