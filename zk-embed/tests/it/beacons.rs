//! What embeds keys verifies the beacons that carry a signature, whatever the policy asks for.

use ceremony_folder::drand::QUICKNET;
use testkit::paper::{Ceremony, text, time};
use zk_attest::error::Code;
use zk_attest::primitives::{Beacon, CeremonyKind, DrandSignature};
use zk_vk_guard::bundle::OnExpiry;
use zk_vk_guard::snippet::Options;

const ROUND_1000: &str = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2\
                          bacbe47e4b6b63ed5e39";

/// The code of a refusal; none where the bundle with this beacon is embedded.
fn refused(source: &str, round: u64, signature: DrandSignature) -> Option<Code> {
    let beacon = Beacon {
        source: text(source),
        round,
        value: signature.value(),
        signature: Some(signature),
        ..Ceremony::beacon()
    };
    let ceremony = Ceremony { beacon, ..Ceremony::new(CeremonyKind::Production) };
    let mut policy = ceremony.policy();
    policy.verified_beacons = true;
    let (bundle, policy) = (ceremony.parts().json(), policy.to_json());
    let options = Options { arkworks: false };
    zk_embed::embed(&bundle, &policy, options, &time("2026-12-01T00:00:00Z"), OnExpiry::Refuse)
        .err()
        .map(|refusal| refusal.code())
}

#[test]
fn a_published_round_is_embedded_and_an_altered_one_is_not() {
    let good = DrandSignature::from_hex(ROUND_1000).unwrap();
    assert_eq!(refused("drand quicknet", 1000, good), None);
    let unverified = Some(Code::BeaconUnverified);
    assert_eq!(refused("drand quicknet", 1001, good), unverified);
    assert_eq!(refused("drand quicknet", 1000, DrandSignature::new([7; 48])), unverified);
    assert_eq!(refused("drand fastnet", 1000, good), unverified);
}

#[test]
fn a_made_up_chain_closes_no_production_ceremony() {
    let signature = DrandSignature::new(testkit::drand::sign(1000));
    assert!(QUICKNET.verify(1000, &signature).is_err());
    assert_eq!(refused("drand made-up", 1000, signature), Some(Code::BeaconUnverified));
}
