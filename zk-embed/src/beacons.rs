//! Checks that every beacon with a signature is a round of a drand chain that this program has the
//! key of. Whether every beacon must have one is for the policy to say, and for the guard to check.

use ceremony_folder::drand::Chain;
use zk_attest::error::{Code, Refusal, Result};
use zk_vk_guard::transcript::Transcript;

pub(crate) fn ensure_verified(transcript: &Transcript) -> Result<()> {
    for (place, beacon) in transcript.beacons() {
        let Some(signature) = &beacon.signature else { continue };
        let kind = transcript.kind;
        let verified = match Chain::of_source(&beacon.source).filter(|chain| chain.serves(kind)) {
            Some(chain) => chain
                .verify(beacon.round, signature)
                .map(drop)
                .map_err(|error| Refusal::new(Code::BeaconUnverified, error).found(signature)),
            None => Err(Refusal::new(
                Code::BeaconUnverified,
                "the beacon is signed by a chain that this program has no key of",
            )
            .found(&beacon.source)
            .expected(Chain::names(kind).collect::<Vec<_>>().join(" or "))),
        };
        verified.map_err(|refusal| refusal.within(place))?;
    }
    Ok(())
}
