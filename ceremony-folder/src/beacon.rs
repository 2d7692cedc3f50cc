//! The beacons of a ceremony: what the rules plan, what is entered, and what is verified of it.
//!
//! A planned beacon is a round of a [drand] chain, or words that say where a value
//! will be published. Of a round of drand, everybody who has the ceremony verifies that
//!
//! 1. the value is SHA-256 of the signature that the attestation carries (so it is read), and the
//!    signature is the chain's, of the planned round;
//! 2. no contribution that a journal tells of was added when the round was public: whoever knows
//!    the value can choose a contribution that goes with it.
//!
//! Of a value that words describe neither is known, and reports say so.

use ceremony_core::entropy::Beacon;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::primitives::{
    Beacon as AttestedBeacon, BeaconExponent, BeaconValue, DrandSignature, Timestamp,
};
use zk_attest::statement::{Action, Phase};

use crate::chain::{Chain, Rejected, Step};
use crate::config::{Config, ConfigError, PlannedBeacon, unsound};
use crate::drand;
use crate::error::{CeremonyError, broken, explained};
use crate::folder::Track;
use crate::journal::{Event, Recorded};
use crate::turns::TurnError;
use crate::verify::PassedCheck;
use crate::{Ceremony, Stage};

/// What closes a phase, as it is entered.
#[derive(Clone, Debug)]
pub enum PublicValue {
    /// A value, for beacons that words describe.
    Bytes(Vec<u8>),
    /// Signatures of a drand chain. Circuits whose beacon was rejected need a later round than the
    /// others; each round takes the signature that is its own.
    Signatures(Vec<DrandSignature>),
}

impl PlannedBeacon {
    /// When the planned round is published; none where nobody knows.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.drand.and_then(|chain| chain.time_of(self.round))
    }
}

impl Config {
    /// Refuses rules whose beacons can be known now: they are for ceremonies to come.
    ///
    /// # Errors
    /// [`ConfigError::Unsound`].
    pub fn ensure_rounds_to_come(&self, now: &Timestamp) -> Result<(), ConfigError> {
        for phase in [Phase::One, Phase::Two] {
            let Some((plan, chain)) = self.beacon(phase).and_then(|it| Some((it, it.drand?)))
            else {
                continue;
            };
            let Some(time) = plan.time().filter(|time| time.unix() <= now.unix()) else {
                continue;
            };
            return unsound(
                format!("the value of phase {}'s beacon is public already", u8::from(phase)),
                format_args!("{}, round {}, published at {time}", plan.source, plan.round),
                format_args!(
                    "a round after the last contribution; {now} is before round {}",
                    chain.first_round_after(now)
                ),
            );
        }
        Ok(())
    }
}

impl Ceremony {
    /// The rounds whose values close the open phase, whether it has enough contributions or not.
    ///
    /// # Errors
    /// [`TurnError::NothingOpen`].
    pub fn rounds_to_close(&self) -> Result<Vec<u64>, TurnError> {
        let Stage::Contributions(phase) = self.stage() else {
            return Err(TurnError::NothingOpen { to_close: true, root: self.folder.root().into() });
        };
        let plan = self.config.beacon(phase);
        let open = self.chains().filter(|it| it.track.phase() == phase && !it.is_closed());
        let mut rounds: Vec<u64> =
            open.filter_map(|chain| Some(chain.beacon_round(plan?))).collect();
        rounds.sort_unstable();
        rounds.dedup();
        Ok(rounds)
    }

    /// Refuses to go on with a phase to which somebody contributed when its beacon was public, as
    /// far as a journal in the folder tells. That it holds together is not asked here.
    ///
    /// # Errors
    /// The first such contribution, which the coordinator can reject.
    pub fn ensure_none_came_late(&self) -> Result<(), CeremonyError> {
        self.journal_as_it_is()
            .map_or(Ok(()), |(path, entries)| self.ensure_in_time(&path, &entries))
    }

    /// No contribution that is in a chain was added when the round of its beacon was public.
    pub(crate) fn ensure_in_time(
        &self,
        path: &std::path::Path,
        entries: &[Recorded],
    ) -> Result<(), CeremonyError> {
        for recorded in entries {
            let Event::Step { circuit, step, action: Action::Contribution, file, .. } =
                &recorded.entry.event
            else {
                continue;
            };
            let track = circuit.clone().map_or(Track::Phase1, Track::Circuit);
            let Some(plan) = self.config.beacon(track.phase()) else { continue };
            let Some(public) = plan.time() else { continue };
            let mut steps = self.chains().flat_map(|chain| &chain.steps);
            if recorded.entry.time.unix() >= public.unix() && steps.any(|it| it.file == *file) {
                return Err(broken(
                    path,
                    format_args!(
                        "entry {}: {track}, step {step} was added when the value of its beacon \
                         was public",
                        recorded.entry.number
                    ),
                    &recorded.entry.time,
                    format_args!("before {public}: {}, round {}", plan.source, plan.round),
                ));
            }
        }
        Ok(())
    }

    /// What is known of the order of a phase's contributions and the publication of its beacon, in
    /// words for reports.
    #[must_use]
    pub fn order_known(&self, phase: Phase) -> &'static str {
        let is_drand = self.config.beacon(phase).is_some_and(|plan| plan.drand.is_some());
        let recorded = |step: &Step, entries: &[Recorded]| {
            entries.iter().any(|recorded| match &recorded.entry.event {
                Event::Step { file, .. } => *file == step.file,
                _ => false,
            })
        };
        let in_journal = || {
            self.journal().ok().flatten().is_some_and(|journal| {
                let mut steps = self
                    .chains()
                    .filter(|chain| chain.track.phase() == phase)
                    .flat_map(Chain::contributions);
                steps.all(|step| recorded(step, &journal.entries))
            })
        };
        match is_drand {
            false => "not known: nothing here says when the value became public",
            true if in_journal() => {
                "the journal has every contribution before the round was published"
            }
            true => {
                "not known: no journal has every contribution before the round was published; \
                 their makers' own clocks say when they were made"
            }
        }
    }

    /// Whether contributions to a phase come too late, by this machine's clock.
    pub(crate) fn ensure_round_to_come(&self, phase: Phase) -> Result<(), TurnError> {
        let Some(plan) = self.config.beacon(phase) else { return Ok(()) };
        match plan.time().filter(|time| time.unix() <= Timestamp::now().unix()) {
            None => Ok(()),
            Some(time) => Err(TurnError::RoundIsPublic {
                phase,
                source: plan.source.clone(),
                round: plan.round,
                time,
                root: self.folder.root().into(),
            }),
        }
    }
}

/// Verifies a drand beacon's signature: its check, or none of a beacon that words describe.
///
/// # Errors
/// When the chain is none that this ceremony may use, or the signature is not the chain's.
pub fn verify(config: &Config, step: &Step) -> Result<Option<PassedCheck>, CeremonyError> {
    let Some(beacon) = &step.words.beacon else { return Ok(None) };
    let Some(signature) = &beacon.signature else { return Ok(None) };
    // The rules name no chain that ceremonies of their kind may not use.
    let Some(chain) = drand::Chain::of_source(&beacon.source) else {
        let names: Vec<_> = drand::Chain::names(config.document().kind).collect();
        return Err(broken(
            &step.path,
            "the beacon is signed by a chain that this program has no key of",
            &beacon.source,
            names.join(" or "),
        ));
    };
    match chain.verify(beacon.round, signature) {
        Ok(_) => Ok(Some(PassedCheck {
            number: Some(if step.words.phase == Phase::One { 11 } else { 12 }),
            statement: VERIFIED,
            remark: None,
        })),
        Err(error) => Err(broken(
            &step.path,
            error,
            signature,
            format_args!("{}'s signature of round {}", beacon.source, beacon.round),
        )),
    }
}

/// What check 11 of phase 1 and check 12 of phase 2 establish.
const VERIFIED: &str = "the beacon's value is that of its round, signed with the chain's key";

/// The planned beacon of a phase with its value, as it is computed and as it is attested.
///
/// # Errors
/// When what was entered is not of the planned kind, is empty, too long or repeated, or is not the
/// round's signature.
pub fn planned_beacon(
    ceremony: &Ceremony,
    track: &Track,
    entered: &PublicValue,
) -> Result<(Beacon, AttestedBeacon), Diagnostic> {
    let chain = ceremony.chain(track)?;
    let Some(plan) = ceremony.config.beacon(track.phase()) else {
        let root = ceremony.folder.root().into();
        return Err(TurnError::NothingOpen { to_close: true, root }.into());
    };
    let round = chain.beacon_round(plan);
    let (value, signature) = value(plan, round, entered)?;
    ensure_new(chain, plan, &value)?;
    let refused = |refusal: zk_attest::error::Refusal| Diagnostic::from(&refusal).at("--value");
    let beacon = Beacon::new(value.as_bytes(), plan.exponent)
        .map_err(|error| explained(&error).at("--value"))?;
    let attested = AttestedBeacon {
        source: plan.source.clone(),
        round,
        value,
        signature,
        exponent: BeaconExponent::new(plan.exponent).map_err(refused)?,
    };
    Ok((beacon, attested))
}

fn value(
    plan: &PlannedBeacon,
    round: u64,
    entered: &PublicValue,
) -> Result<(BeaconValue, Option<DrandSignature>), Diagnostic> {
    match (plan.drand, entered) {
        (None, PublicValue::Bytes(bytes)) => BeaconValue::new(bytes)
            .map(|value| (value, None))
            .map_err(|refusal| Diagnostic::from(&refusal).at("--value")),
        (Some(chain), PublicValue::Signatures(signatures)) => {
            let mut refused = None;
            for signature in signatures {
                match chain.verify(round, signature) {
                    Ok(value) => return Ok((value, Some(*signature))),
                    Err(error) => refused = Some((error, signature)),
                }
            }
            let diagnostic = match refused {
                None => Diagnostic::environment("beacon-signature", "there is no signature"),
                Some((error, signature)) => {
                    Diagnostic::artefact("beacon-signature", error).found(signature)
                }
            };
            Err(diagnostic
                .at("--signature")
                .expected(format_args!("the signature of {}, round {round}", plan.source))
                .hint(
                    "take it from another endpoint of drand: which one does not matter, the \
                     signature decides",
                ))
        }
        (Some(_), PublicValue::Bytes(_)) => Err(Diagnostic::environment(
            "beacon-kind",
            "a value alone is not believed: the rules name a round of drand",
        )
        .at("--value")
        .expected(format_args!("the signature of {}, round {round}", plan.source))
        .hint("leave --value out to have it fetched, or give --signature HEX")),
        (None, PublicValue::Signatures(_)) => Err(Diagnostic::environment(
            "beacon-kind",
            "the rules name no chain of drand, so there is no key to verify with",
        )
        .at("--signature")
        .expected(format_args!("the value of {}, round {round}", plan.source))
        .hint("give it with --value HEX")),
    }
}

/// Refuses the value of a beacon that was rejected.
fn ensure_new(chain: &Chain, plan: &PlannedBeacon, value: &BeaconValue) -> Result<(), Diagnostic> {
    let has_value = |beacon: &AttestedBeacon| beacon.value == *value;
    let repeated = |rejected: &&Rejected| rejected.beacon.as_ref().is_some_and(has_value);
    let Some(rejected) = chain.rejected.iter().find(repeated) else { return Ok(()) };
    Err(Diagnostic::environment(
        "beacon-repeated",
        format_args!("this is the value of {}, which was rejected", rejected.name),
    )
    .at("--value")
    .expected(format_args!("the value of round {}: {}", chain.beacon_round(plan), plan.source))
    .hint("after a rejected beacon the value of the next round is needed"))
}
