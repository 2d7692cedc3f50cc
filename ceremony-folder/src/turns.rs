//! Whose turn it is: the one place that says who may make the next step.
//!
//! Folder commands and services alike ask here, before any work is done and again before a step is
//! written.

use std::fmt;
use std::path::PathBuf;

use zk_attest::diagnostic::Diagnostic;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CircuitName, Label, Timestamp};
use zk_attest::program::PROGRAM;
use zk_attest::signer::Signer;
use zk_attest::statement::Phase;

use crate::chain::{Chain, Step};
use crate::commitment::Uncommitted;
use crate::config::{Config, Order, Participant, Person};
use crate::folder::{StepName, Track};
use crate::{Ceremony, Stage};

/// Why a step may not be made now, or not by this signer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnError {
    /// No participant of the roster has this name.
    NotInRoster {
        /// The name.
        name: String,
        /// The names of the roster.
        roster: Vec<String>,
    },
    /// The signer's key is not the one that the roster gives the participant.
    NotTheirKey {
        /// The participant.
        name: Label,
        /// The signer's key.
        found: PublicKey,
        /// Which signer.
        signer: String,
        /// The roster's key.
        expected: PublicKey,
    },
    /// The signer's key is not the coordinator's.
    NotCoordinator {
        /// The signer's key.
        found: PublicKey,
        /// Which signer.
        signer: String,
        /// The coordinator.
        name: Label,
        /// The coordinator's key.
        expected: PublicKey,
    },
    /// No phase is open.
    NothingOpen {
        /// Whether it is the coordinator who wants to close one.
        to_close: bool,
        /// The ceremony folder.
        root: PathBuf,
    },
    /// The participant does not contribute to the open phase.
    NotInPhase {
        /// The participant.
        name: Label,
        /// The open phase.
        phase: Phase,
    },
    /// The participant has contributed.
    Already {
        /// The participant.
        name: Label,
        /// The chain.
        track: Track,
        /// The participant's step.
        step: u32,
        /// The ceremony folder.
        root: PathBuf,
    },
    /// The commitments to the phase are still being made.
    Committing {
        /// The phase.
        phase: Phase,
        /// How many there are.
        found: usize,
        /// How many there can be.
        of: usize,
    },
    /// The participant did not commit to the phase before its first contribution.
    Uncommitted {
        /// The participant.
        name: Label,
        /// The phase.
        phase: Phase,
        /// What there is in its place.
        found: Uncommitted,
    },
    /// The participant's contribution was rejected, and the secrets that it had, and that were
    /// committed to, are gone.
    Spent {
        /// The participant.
        name: Label,
        /// The chain.
        track: Track,
    },
    /// It is another participant's turn.
    AnothersTurn {
        /// The chain.
        track: Track,
        /// The participant.
        name: Label,
        /// Whose turn it is.
        next: Label,
    },
    /// A beacon was made and rejected, or not finished: contributions come too late.
    AwaitsBeacon {
        /// The chain.
        track: Track,
        /// The beacon.
        beacon: StepName,
        /// The ceremony folder.
        root: PathBuf,
    },
    /// The phase's beacon is public by now: contributions come too late.
    RoundIsPublic {
        /// The phase.
        phase: Phase,
        /// Where the beacon is published.
        source: Label,
        /// Its round.
        round: u64,
        /// When it was published.
        time: Timestamp,
        /// The ceremony folder.
        root: PathBuf,
    },
    /// There are too few contributions for the beacon.
    TooFew {
        /// The chain.
        track: Track,
        /// Contributions there are.
        found: usize,
        /// Contributions that the rules ask for.
        expected: usize,
        /// Who may contribute next.
        next: Vec<String>,
    },
    /// The chain has no opening.
    Unopened {
        /// The chain.
        track: Track,
    },
}

/// Somebody who contributed to some circuits and not yet to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Half {
    /// Who.
    pub name: Label,
    /// Circuits with their contribution.
    pub done: Vec<CircuitName>,
    /// Circuits that wait for it.
    pub waiting: Vec<CircuitName>,
}

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[CircuitName]| {
            names.iter().map(CircuitName::as_str).collect::<Vec<_>>().join(", ")
        };
        let (done, waiting) = (list(&self.done), list(&self.waiting));
        write!(f, "{} contributed to {done}, not yet to {waiting}", self.name)
    }
}

impl From<TurnError> for Diagnostic {
    fn from(error: TurnError) -> Self {
        match error {
            TurnError::NotInRoster { name, roster } => {
                Self::environment("not-in-roster", "no participant with this name is in the roster")
                    .at("--as")
                    .found(name)
                    .expected(roster.join(", "))
                    .hint(format_args!(
                        "only people of the roster contribute; where the rules take others, \
                         `{PROGRAM} ceremony enrol` asks for it"
                    ))
            }
            TurnError::NotTheirKey { name, found, signer, expected } => Self::environment(
                "not-their-key",
                format_args!("this key does not match {name}'s key in the roster"),
            )
            .found(format_args!("{found} ({signer})"))
            .expected(expected)
            .hint(format_args!(
                "sign with the key whose public half you gave to the coordinator, or replace it: \
                 see `{PROGRAM} ceremony replace-key --help`"
            )),
            TurnError::NotCoordinator { found, signer, name, expected } => {
                Self::environment("not-the-coordinator", "this step is the coordinator's")
                    .found(format_args!("{found} ({signer})"))
                    .expected(format_args!("{expected} ({name})"))
                    .hint(format_args!(
                        "sign with the coordinator's key. If the coordinator cannot act, a deputy \
                         of the rules can take over: see `{PROGRAM} ceremony handover --help`"
                    ))
            }
            TurnError::NothingOpen { to_close, root } => {
                let what = if to_close {
                    "no phase is open, so there is none to close"
                } else {
                    "no phase is open for contributions now"
                };
                Self::environment("nothing-open", what).hint(next_command(&root))
            }
            TurnError::NotInPhase { name, phase } => {
                let phase = u8::from(phase);
                Self::environment(
                    "not-in-phase",
                    format_args!("{name} does not contribute to phase {phase}"),
                )
                .hint("the roster says to which phases each participant contributes")
            }
            TurnError::Already { name, track, step, root } => Self::environment(
                "already-contributed",
                format_args!("{name} has contributed already"),
            )
            .found(format_args!("{track}, step {step}"))
            .hint(format_args!(
                "nothing to do; `{PROGRAM} ceremony find {} --participant \"{name}\"` shows it",
                root.display()
            )),
            TurnError::Committing { phase, found, of } => Self::environment(
                "committing",
                format_args!("the commitments to phase {} are being made", u8::from(phase)),
            )
            .found(format_args!("{found} of {of}"))
            .expected("everybody's, or the end of the time for them")
            .hint("wait"),
            TurnError::Uncommitted { name, phase, found } => Self::environment(
                "uncommitted",
                format_args!(
                    "{name} did not commit to phase {} before its first contribution",
                    u8::from(phase)
                ),
            )
            .found(found)
            .expected("one commitment, made by the process that contributes")
            .hint(format_args!(
                "the rules ask for commitments: `{PROGRAM} ceremony join` makes them, when a phase \
                 begins"
            )),
            TurnError::Spent { name, track } => Self::environment(
                "secrets-spent",
                format_args!("{name}'s contribution was rejected, and its secrets are gone"),
            )
            .at(track)
            .expected("a contribution with the secrets that were committed to before the phase")
            .hint("the phase goes on without you; tell the coordinator"),
            TurnError::AnothersTurn { track, name, next } => {
                Self::environment("not-your-turn", "it is not your turn")
                    .at(track)
                    .found(name)
                    .expected(&next)
                    .hint(format_args!(
                        "wait for {next}, or, if the coordinator agrees, add --skip \"{next}\""
                    ))
            }
            TurnError::AwaitsBeacon { track, beacon, root } => Self::environment(
                "closed",
                "the chain takes no contribution any more: a beacon's value is public",
            )
            .at(track)
            .found(format_args!("{beacon}, rejected or unfinished"))
            .expected("the coordinator's next beacon")
            .hint(next_command(&root)),
            TurnError::RoundIsPublic { phase, source, round, time, root } => Self::environment(
                "closed",
                format_args!(
                    "phase {} takes no contribution any more: its beacon's value is public",
                    u8::from(phase)
                ),
            )
            .found(format_args!("{source}, round {round}, published at {time}"))
            .expected("the coordinator's beacon")
            .hint(next_command(&root)),
            TurnError::TooFew { track, found, expected, next } => {
                Self::environment("too-few-contributions", "too few contributions for the beacon")
                    .at(track)
                    .found(found)
                    .expected(format_args!("at least {expected}"))
                    .hint(match next.is_empty() {
                        true => "nobody can contribute any more: begin a new ceremony".to_owned(),
                        false => format!("wait for {}", next.join(" or ")),
                    })
            }
            TurnError::Unopened { track } => {
                Self::artefact("unopened", "the chain has not been started").at(track).hint(
                    format_args!(
                        "the coordinator opens it with `{PROGRAM} ceremony new` or `{PROGRAM} \
                         ceremony prepare`"
                    ),
                )
            }
        }
    }
}

/// Where to ask what comes next.
pub(crate) fn next_command(root: &std::path::Path) -> String {
    format!("`{PROGRAM} ceremony status {}` says what comes next", root.display())
}

impl Config {
    /// [`Ceremony::ensure_coordinator`], before there is a folder.
    ///
    /// # Errors
    /// [`TurnError::NotCoordinator`].
    pub fn ensure_coordinator(&self, signer: &dyn Signer) -> Result<(), TurnError> {
        ensure_is(&self.document().coordinator, signer)
    }
}

fn ensure_is(coordinator: &Person, signer: &dyn Signer) -> Result<(), TurnError> {
    if *signer.public_key() == coordinator.key {
        return Ok(());
    }
    Err(TurnError::NotCoordinator {
        found: *signer.public_key(),
        signer: signer.description(),
        name: coordinator.name.clone(),
        expected: coordinator.key,
    })
}

impl Ceremony {
    /// The participant of that name, if the signer has the key that the roster gives.
    ///
    /// # Errors
    /// [`TurnError::NotInRoster`], [`TurnError::NotTheirKey`].
    pub fn participant(&self, name: &str, signer: &dyn Signer) -> Result<&Participant, TurnError> {
        let roster = self.roster.everybody();
        let named = roster.iter().find(|participant| participant.name.as_str() == name);
        let Some(participant) = named else {
            let roster = roster.iter().map(|participant| participant.name.to_string()).collect();
            return Err(TurnError::NotInRoster { name: name.into(), roster });
        };
        if participant.key == *signer.public_key() {
            return Ok(participant);
        }
        Err(TurnError::NotTheirKey {
            name: participant.name.clone(),
            found: *signer.public_key(),
            signer: signer.description(),
            expected: participant.key,
        })
    }

    /// Refuses a signer that is not the coordinator's.
    ///
    /// # Errors
    /// [`TurnError::NotCoordinator`].
    pub fn ensure_coordinator(&self, signer: &dyn Signer) -> Result<(), TurnError> {
        ensure_is(self.roster.coordinator(), signer)
    }

    /// The chains to which it is this participant's turn to contribute. Participants named in
    /// `skip` are passed over.
    ///
    /// # Errors
    /// Why it is nowhere this participant's turn.
    pub fn chains_open_to(
        &self,
        participant: &Participant,
        skip: &[String],
    ) -> Result<Vec<Track>, TurnError> {
        let Stage::Contributions(phase) = self.stage() else {
            return Err(TurnError::NothingOpen {
                to_close: false,
                root: self.folder.root().into(),
            });
        };
        if !participant.phases.contains(&phase) {
            return Err(TurnError::NotInPhase { name: participant.name.clone(), phase });
        }
        self.ensure_round_to_come(phase)?;
        self.ensure_committed(&participant.name, phase)?;
        let (mut tracks, mut refusal) = (Vec::new(), None);
        for chain in self.open_chains(phase) {
            match self.ensure_turn(chain, participant, skip) {
                Ok(()) => tracks.push(chain.track.clone()),
                Err(error) => refusal = Some(error),
            }
        }
        match refusal {
            Some(error) if tracks.is_empty() => Err(error),
            _ => Ok(tracks),
        }
    }

    /// Refuses a participant who did not commit to a phase, where the rules ask for it.
    fn ensure_committed(&self, name: &Label, phase: Phase) -> Result<(), TurnError> {
        if !self.config.asks_for_committed_secrets() {
            return Ok(());
        }
        match self.commitments.of(name, phase) {
            Ok(_) => Ok(()),
            Err(found) => Err(TurnError::Uncommitted { name: name.clone(), phase, found }),
        }
    }

    /// Participants whose contribution to a chain can still come, in the order of the roster:
    /// without those who would have had to commit to it, or whose committed secrets are gone.
    #[must_use]
    pub fn still_to_come(&self, chain: &Chain) -> Vec<&Participant> {
        let mut waiting = chain.waiting(&self.roster);
        waiting.retain(|person| {
            self.ensure_committed(&person.name, chain.track.phase()).is_ok()
                && !self.is_spent(chain, &person.name)
        });
        waiting
    }

    /// The participants who may contribute to a chain now: the first of the roster who has not, or
    /// all who have not, as the rules say.
    #[must_use]
    pub fn may_contribute(&self, chain: &Chain) -> Vec<&Participant> {
        if chain.awaits_beacon().is_some()
            || self.ensure_round_to_come(chain.track.phase()).is_err()
        {
            return Vec::new();
        }
        let waiting = self.still_to_come(chain);
        let any = self.config.document().order == Order::Any;
        let count = if any { waiting.len() } else { 1 };
        waiting.into_iter().take(count).collect()
    }

    /// Participants who have contributed to some circuits of phase 2 and not yet to others that are
    /// open, in the order of the roster.
    #[must_use]
    pub fn halves(&self) -> Vec<Half> {
        let of = |participant: &Participant| {
            let has = |chain: &&Chain| chain.contribution_of(&participant.name).is_some();
            let (done, others): (Vec<&Chain>, Vec<&Chain>) = self.circuits.iter().partition(has);
            let names = |chains: Vec<&Chain>| -> Vec<CircuitName> {
                let name = |chain: &Chain| match &chain.track {
                    Track::Circuit(name) => Some(name.clone()),
                    Track::Phase1 => None,
                };
                chains.into_iter().filter_map(name).collect()
            };
            let open = |chain: &Chain| !chain.is_closed() && chain.awaits_beacon().is_none();
            let waiting = others.into_iter().filter(|chain| open(chain)).collect();
            let name = participant.name.clone();
            Half { name, done: names(done), waiting: names(waiting) }
        };
        let all = self.roster.participants(Phase::Two).map(of);
        all.filter(|half| !half.done.is_empty() && !half.waiting.is_empty()).collect()
    }

    fn open_chains(&self, phase: Phase) -> impl Iterator<Item = &Chain> {
        self.chains().filter(move |chain| chain.track.phase() == phase && !chain.is_closed())
    }

    pub(crate) fn ensure_turn(
        &self,
        chain: &Chain,
        participant: &Participant,
        skip: &[String],
    ) -> Result<(), TurnError> {
        if let Some(done) = chain.contribution_of(&participant.name) {
            return Err(TurnError::Already {
                name: participant.name.clone(),
                track: chain.track.clone(),
                step: done.index,
                root: self.folder.root().into(),
            });
        }
        if self.is_spent(chain, &participant.name) {
            let (name, track) = (participant.name.clone(), chain.track.clone());
            return Err(TurnError::Spent { name, track });
        }
        if let Some(beacon) = chain.awaits_beacon() {
            let (track, root) = (chain.track.clone(), self.folder.root().into());
            return Err(TurnError::AwaitsBeacon { track, beacon, root });
        }
        if self.config.document().order == Order::Any {
            return Ok(());
        }
        let waiting = self.still_to_come(chain);
        let mut before = waiting.iter().take_while(|other| other.key != participant.key);
        let passed_over = |name: &Label| skip.iter().any(|skipped| skipped == name.as_str());
        match before.find(|other| !passed_over(&other.name)) {
            None => Ok(()),
            Some(other) => Err(TurnError::AnothersTurn {
                track: chain.track.clone(),
                name: participant.name.clone(),
                next: other.name.clone(),
            }),
        }
    }

    /// The chains that a beacon may close now: all open ones of the open phase, each with the
    /// contributions that the rules ask for.
    ///
    /// # Errors
    /// [`TurnError::NothingOpen`], [`TurnError::TooFew`].
    pub fn chains_to_close(&self) -> Result<Vec<&Chain>, TurnError> {
        let Stage::Contributions(phase) = self.stage() else {
            return Err(TurnError::NothingOpen { to_close: true, root: self.folder.root().into() });
        };
        let open: Vec<&Chain> = self.open_chains(phase).collect();
        for chain in &open {
            let expected = self.config.minimum(phase) as usize;
            let found = chain.contributions().count();
            if found < expected {
                let next = self.may_contribute(chain);
                return Err(TurnError::TooFew {
                    track: chain.track.clone(),
                    found,
                    expected,
                    next: next.iter().map(|participant| participant.name.to_string()).collect(),
                });
            }
        }
        Ok(open)
    }

    /// The chain of a track.
    ///
    /// # Errors
    /// [`TurnError::Unopened`] where the rules have no such track.
    pub fn chain(&self, track: &Track) -> Result<&Chain, TurnError> {
        self.chains()
            .find(|chain| chain.track == *track)
            .ok_or_else(|| TurnError::Unopened { track: track.clone() })
    }

    /// The last step of a chain, on which the next one builds.
    ///
    /// # Errors
    /// [`TurnError::Unopened`].
    pub fn head(&self, track: &Track) -> Result<&Step, TurnError> {
        let unopened = || TurnError::Unopened { track: track.clone() };
        self.chain(track)?.steps.last().ok_or_else(unopened)
    }
}
