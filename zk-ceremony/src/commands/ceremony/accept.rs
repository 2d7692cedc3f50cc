//! `ceremony accept`: contributions that came, verified first and added after.

use std::collections::BTreeSet;

use ceremony_folder::accept::Inbox;
use ceremony_folder::{Ceremony, FolderLock, Refused};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;

use super::reject::say_moved;
use crate::cli::ceremony::AcceptStep;
use crate::outcome::{made, note};
use crate::progress::Bars;

impl AcceptStep {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let inbox = Inbox::read(&self.inbox)?;
        let (mut accepted, mut here, mut refusals) = (0, 0, Vec::new());
        let mut senders = BTreeSet::new();
        let mut ceremony = Ceremony::open(root)?;
        for delivered in &inbox.attestations {
            match ceremony.accept(delivered, &inbox.files, &self.skip, &Bars::default()) {
                Ok(added) => {
                    accepted += 1;
                    senders.insert(added.step.words.participant.to_string());
                    say_moved(&added.put_away);
                    let (step, track) = (&added.step, &added.track);
                    let by = &step.words.participant;
                    made(
                        &step.path,
                        format_args!("{track}, step {} by {by}, verified and added", step.name),
                    )
                    .line("sha256", step.file);
                }
                Err(Refused::AlreadyHere { by, step }) => {
                    here += 1;
                    note!("step {step} by {by}: here already");
                }
                // A copy of the whole folder has the coordinator's own steps too.
                Err(Refused::NotAContribution { .. }) => here += 1,
                Err(refused) => refusals.push(Diagnostic::from(refused)),
            }
            // Each one changes what the next is held against.
            ceremony = ceremony.again()?;
        }
        if accepted + here == 0 && refusals.is_empty() {
            return Err(nothing(&inbox));
        }
        if accepted > 0 {
            for half in ceremony.halves() {
                if senders.contains(half.name.as_str()) {
                    note!("note: {half}: ask for the rest");
                }
            }
            note!("next: {PROGRAM} ceremony status {}", root.display());
        }
        let mut refusals = refusals.into_iter();
        let first = refusals.next();
        for other in refusals {
            eprintln!("{other}");
            if let Some(hint) = &other.hint {
                eprintln!("hint: {hint}");
            }
        }
        first.map_or(Ok(()), Err)
    }
}

/// No attestation came.
fn nothing(inbox: &Inbox) -> Diagnostic {
    match inbox.files.first() {
        Some(file) => Refused::Half {
            by: None,
            path: file.clone(),
            missing: "STEP.dsse.json, next to the data file".into(),
        }
        .into(),
        None => Diagnostic::artefact("half", "the inbox has no file")
            .expected("a data file and its attestation")
            .hint("name the two files, or the folder that has them"),
    }
}
