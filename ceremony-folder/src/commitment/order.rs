//! What the journal says of commitments: which came first, and in which round.

use std::collections::BTreeSet;
use std::path::Path;

use zk_attest::digest::FileDigest;
use zk_attest::primitives::Label;
use zk_attest::statement::{Action, Phase};

use crate::Ceremony;
use crate::chain::Chain;
use crate::error::{CeremonyError, broken};
use crate::journal::{Event, JOURNAL, Recorded};

/// What the journal told of a phase so far.
#[derive(Default)]
struct Told<'a> {
    /// Rounds that began after the first one.
    rounds: u32,
    /// Commitments of this round, and who made them.
    documents: BTreeSet<(&'a Label, FileDigest)>,
    makers: BTreeSet<&'a Label>,
    /// Commitments of rounds that have ended.
    ended: BTreeSet<FileDigest>,
    /// The entry of the first contribution.
    first: Option<u64>,
}

impl Ceremony {
    /// No commitment that the journal tells of came after the first contribution to its phase, none
    /// is the second one of its maker in a round or of an earlier round, each round is one that the
    /// coordinator began, and that of each contribution's maker is told of.
    pub(crate) fn ensure_committed_first(
        &self,
        path: &Path,
        entries: &[Recorded],
    ) -> Result<(), CeremonyError> {
        if !self.config.asks_for_committed_secrets() {
            return Ok(());
        }
        for phase in [Phase::One, Phase::Two] {
            let mut told = Told::default();
            for recorded in entries {
                self.follow(path, phase, recorded, &mut told)?;
            }
            let chains = self.chains().filter(|chain| chain.track.phase() == phase);
            let mut steps = chains.flat_map(Chain::contributions).peekable();
            let rounds = self.commitments.round(phase) - 1;
            if steps.peek().is_some() && told.rounds != rounds {
                return Err(broken(
                    path,
                    format_args!(
                        "the journal tells of another round of commitments to phase {}",
                        u8::from(phase)
                    ),
                    format_args!("round {}", told.rounds + 1),
                    format_args!("round {}, which the coordinator began", rounds + 1),
                ));
            }
            for step in steps {
                let maker = &step.words.participant;
                // One that is not there is found with the mathematics of the step.
                let Ok(kept) = self.commitments.of(maker, phase) else { continue };
                if !told.documents.contains(&(maker, kept.document)) {
                    return Err(broken(
                        &kept.path,
                        format_args!("the journal does not tell of this commitment of {maker}"),
                        kept.document,
                        "an entry before the first contribution to the phase",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Takes in one entry.
    fn follow<'a>(
        &self,
        path: &Path,
        phase: Phase,
        recorded: &'a Recorded,
        told: &mut Told<'a>,
    ) -> Result<(), CeremonyError> {
        let number = recorded.entry.number;
        let wrong = |what: std::fmt::Arguments<'_>, found: String, expected: String| {
            Err(broken(path, format_args!("entry {number}: {what}"), found, expected))
        };
        let after = |first| format!("a contribution to the phase in entry {first}");
        match &recorded.entry.event {
            Event::Committed { participant, phase: of, document } if *of == phase => {
                if let Some(first) = told.first {
                    return wrong(
                        format_args!("{participant} committed too late"),
                        after(first),
                        "every commitment before the first contribution".into(),
                    );
                }
                if told.ended.contains(document) {
                    return wrong(
                        format_args!("{participant}'s commitment of an earlier round comes again"),
                        document.to_string(),
                        "another commitment in each round".into(),
                    );
                }
                // A process that was killed may have told of the same one before.
                if told.documents.contains(&(participant, *document)) {
                    return Ok(());
                }
                if !told.makers.insert(participant) {
                    return wrong(
                        format_args!("{participant} committed twice"),
                        "another commitment before".into(),
                        "one commitment of each participant".into(),
                    );
                }
                told.documents.insert((participant, *document));
            }
            Event::CommitmentRound { phase: of, round, document } if *of == phase => {
                if let Some(first) = told.first {
                    return wrong(
                        format_args!("another round of commitments begins too late"),
                        after(first),
                        "every round before the first contribution".into(),
                    );
                }
                let begun = self.commitments.begun(phase, *round).map(|begun| begun.document);
                if *round != told.rounds + 2 || begun != Some(*document) {
                    return wrong(
                        format_args!("round {round} of the commitments is not one that was begun"),
                        format!("round {round}, {document}"),
                        format!(
                            "round {}, {}",
                            told.rounds + 2,
                            begun.map_or("none in commitments/".into(), |it| it.to_string())
                        ),
                    );
                }
                told.rounds += 1;
                told.makers.clear();
                let documents = std::mem::take(&mut told.documents);
                told.ended.extend(documents.into_iter().map(|(_, document)| document));
            }
            // What the entry calls it has been held to the step; of one that was rejected nothing
            // but its file is known.
            Event::Step { circuit, action, file, .. } => {
                let of = if circuit.is_none() { Phase::One } else { Phase::Two };
                let is_rejected = || {
                    let mut chains = self.chains();
                    chains.any(|chain| chain.rejected.iter().any(|it| it.file == *file))
                };
                let counts = *action == Action::Contribution || is_rejected();
                told.first = told.first.or((of == phase && counts).then_some(number));
            }
            _ => {}
        }
        Ok(())
    }

    /// In a ceremony with commitments, a journal tells of every contribution: only it says what
    /// came first.
    ///
    /// # Errors
    /// When there is none, it does not hold, or it lacks one.
    pub fn ensure_all_recorded(&self) -> Result<(), CeremonyError> {
        if !self.config.asks_for_committed_secrets() {
            return Ok(());
        }
        let path = self.folder.root().join(JOURNAL);
        let unknown = |found: String| {
            Err(broken(
                &path,
                "nothing shows that the commitments came before the contributions",
                found,
                "a signed journal with every contribution",
            ))
        };
        let Some(journal) = self.settled_journal()? else { return unknown("no journal".into()) };
        let recorded: BTreeSet<FileDigest> = journal
            .entries
            .iter()
            .filter_map(|recorded| match &recorded.entry.event {
                Event::Step { file, .. } => Some(*file),
                _ => None,
            })
            .collect();
        for chain in self.chains() {
            if let Some(step) = chain.contributions().find(|step| !recorded.contains(&step.file)) {
                return unknown(format!("no entry of {}, step {}", chain.track, step.name));
            }
        }
        Ok(())
    }
}
