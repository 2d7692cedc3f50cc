//! Secrets that are committed to before a phase: from the commitment to the contribution they are
//! in this process and nowhere else, so that it goes on as long as there is anything to hope for.

use std::time::Duration;

use ceremony_folder::commitment::{Commitment, Uncommitted};
use ceremony_folder::{Ceremony, Track};
use ceremony_net::client::Participant;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::statement::Phase;

use super::{Joined, REFUSALS};
use crate::commands::ceremony::contribute::Randomness;
use crate::commands::ceremony::network::is_signed_side;
use crate::commands::ceremony::this_tool;
use crate::watching::{complain, say};

/// Failures in a row, without a contribution that was taken in, after which a participant whose
/// committed secrets are in this process gives up. The pauses between them grow: the last ones come
/// after the longest delay that a service gives.
const FAILURES: u32 = 20;
/// The first pause after such a failure, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long a service may take to see what the coordinator wrote into its folder: it looks every
/// second.
const NOTICED: Duration = Duration::from_secs(2);
/// Refusals that no other attempt changes. The network has its own patience (`--patience`).
const FINAL: [&str; 11] = [
    "network",
    "not-in-roster",
    "not-in-phase",
    "not-their-key",
    "secrets-gone",
    "secrets-spent",
    "committed-already",
    "commitments-closed",
    "too-late",
    "no-receipt",
    "history-changed",
];
impl Joined<'_> {
    /// Publishes a commitment to the secrets of a phase, and keeps what they are drawn from. Only
    /// one who has not committed before can: what an earlier run kept ended with it.
    pub(super) fn commit(
        &mut self,
        party: &mut Participant<'_>,
        phase: Phase,
    ) -> Result<(), Diagnostic> {
        loop {
            match self.commit_once(party, phase) {
                // Another round began while this one was on its way.
                Err(error) if error.code == "commitments-round" => complain(&error),
                committed => return committed,
            }
        }
    }

    /// Commits again where the coordinator began another round: what was kept for the one before is
    /// never used.
    pub(super) fn commit_anew(
        &mut self,
        party: &mut Participant<'_>,
        phase: Phase,
    ) -> Result<(), Diagnostic> {
        if self.kept.is_empty() {
            return Ok(());
        }
        let round = self.ceremony()?.commitments.round(phase);
        if round == self.round {
            return Ok(());
        }
        say!("the coordinator began round {round} of the commitments: committing anew");
        self.kept.clear();
        self.commit(party, phase)
    }

    /// The ceremony, with the commitments of the round that goes on. Those who committed in a
    /// process that has ended often come because another round has just begun, which the service
    /// may not tell of yet.
    fn ceremony_of_round(&mut self, phase: Phase) -> Result<Ceremony, Diagnostic> {
        self.fetch(is_signed_side)?;
        let ceremony = self.ceremony()?;
        let found = ceremony.commitments.of(&self.name, phase);
        if matches!(found, Err(Uncommitted::Missing)) || ceremony.contributed_to(phase).is_some() {
            return Ok(ceremony);
        }
        std::thread::sleep(NOTICED);
        self.fetch(is_signed_side)?;
        self.ceremony()
    }

    fn commit_once(&mut self, party: &mut Participant<'_>, phase: Phase) -> Result<(), Diagnostic> {
        let ceremony = self.ceremony_of_round(phase)?;
        let round = ceremony.commitments.round(phase);
        let chains: Vec<_> =
            ceremony.chains().filter(|chain| chain.track.phase() == phase).collect();
        match ceremony.commitments.of(&self.name, phase) {
            // A contribution that an earlier round left has other secrets.
            Err(Uncommitted::Missing) => self.put_refused_away()?,
            // Made by an earlier run, which came no further than that.
            _ if chains.iter().all(|it| it.contribution_of(&self.name).is_some()) => return Ok(()),
            _ => return Err(secrets_gone(&ceremony, phase)),
        }
        let mut kept = Vec::new();
        let mut openings = Vec::new();
        for chain in chains {
            let seed = self.added.keep()?;
            let opening = match phase {
                Phase::One => seed.phase1_opening(),
                Phase::Two => seed.phase2_opening(),
            };
            let opening = opening.map_err(|error| Diagnostic::environment("internal", error))?;
            openings.push((chain.track.clone(), opening));
            kept.push((chain.track.clone(), seed));
        }
        let key = *party.signer().public_key();
        let said = Commitment::new(&ceremony, phase, (&self.name, &key), &openings, this_tool());
        let said = said.sign(party.signer())?;
        // An answer that is lost may be of a service that took it.
        (self.kept, self.round) = (kept, round);
        while let Err(error) = self.client.send_statement(&said) {
            // What answered is no service: whether it has the commitment, only a service can say.
            if error.code == "http" && !self.is_final(&error) {
                self.pause_after(&error);
                continue;
            }
            if error.code != "network" {
                self.kept.clear();
            }
            self.say_what_is_lost();
            return Err(error);
        }
        say!(
            "you have committed to your secrets of phase {}: this process has to go on until your \
             contribution is taken in, or nothing can be contributed under your name",
            u8::from(phase)
        );
        Ok(())
    }

    /// What the secrets of a contribution are drawn from: what was committed to, if the rules ask
    /// for it.
    pub(super) fn randomness(&self, track: &Track) -> Result<Randomness, Diagnostic> {
        if !self.copy.config().asks_for_committed_secrets() {
            return Ok(Randomness { rng: self.added.rng()?, words: self.added.words.clone() });
        }
        let kept = self.kept.iter().find(|(of, _)| of == track);
        let Some((_, kept)) = kept else {
            return Err(secrets_gone(&self.ceremony()?, track.phase()));
        };
        let words = format!("{}; committed to before the phase", self.added.words);
        Ok(Randomness { rng: kept.rng(), words })
    }

    /// Whether an error ends the participant's part. One who holds committed secrets has no other
    /// process to come back with.
    pub(super) fn is_final(&self, error: &Diagnostic) -> bool {
        self.kept.is_empty()
            || self.failures >= FAILURES
            || self.refusals > REFUSALS
            || FINAL.contains(&error.code.as_str())
    }

    /// Says what failed, and lets some time pass.
    pub(super) fn pause_after(&mut self, error: &Diagnostic) {
        complain(error);
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        self.failures += 1;
        say!("the secrets that you committed to are here: trying again in {} s", pause.as_secs());
        std::thread::sleep(pause);
    }

    /// Names the chains to which no contribution can come any more.
    pub(super) fn say_what_is_lost(&self) {
        if self.kept.is_empty() {
            return;
        }
        let chains: Vec<String> = self.kept.iter().map(|(track, _)| track.to_string()).collect();
        say!(
            "the secrets that you committed to end with this process: no contribution of yours can \
             come to {} any more, unless the coordinator begins another round of commitments \
             before the first contribution (`{PROGRAM} ceremony recommit`)",
            chains.join(", ")
        );
    }
}

fn secrets_gone(ceremony: &Ceremony, phase: Phase) -> Diagnostic {
    let gone = Diagnostic::environment(
        "secrets-gone",
        format_args!(
            "you committed to secrets of phase {} in a process that has ended, and they are gone",
            u8::from(phase)
        ),
    )
    .expected("the process that made the commitment");
    if ceremony.contributed_to(phase).is_some() {
        return gone.hint("this phase goes on without you; tell the coordinator");
    }
    gone.hint(format_args!(
        "nobody has contributed yet: the coordinator can begin another round of commitments with \
         `{PROGRAM} ceremony recommit`; run this command again after that"
    ))
}
