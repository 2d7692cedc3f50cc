//! What came in a turn: complete or not, verified, taken in, and put into the journal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ceremony_core::progress::NoProgress;
use ceremony_folder::journal::Event;
use ceremony_folder::{Ceremony, FolderLock, Inbox, Refused, Step, Track};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::CircuitName;

use super::core::Core;
use super::limits::RETRY;
use super::security::Kind;
use super::turn::{self, Lease, RunningTurn};
use crate::log;
use crate::metrics::{Measured, Of, Step as Work};
use crate::protocol::{Completion, Verdict};

/// What a participant can do about a refused contribution.
const COME_AGAIN: &str = "run the same command again; if it is refused again, keep your two files \
                          and ask the coordinator";

impl Core {
    /// Everything of a turn came: its verification begins.
    pub(crate) fn complete(
        self: &Arc<Self>,
        key: &PublicKey,
        completion: &Completion,
    ) -> Result<(), Diagnostic> {
        let mut state = self.state();
        let turn = state.open_turn(key, &completion.turn)?.clone();
        let mut uploads = Vec::new();
        let circuits: Vec<Option<String>> = turn
            .lease
            .chains
            .iter()
            .map(|chain| chain.circuit.as_ref().map(ToString::to_string))
            .collect();
        let given: Vec<Option<String>> =
            completion.steps.iter().map(|step| step.circuit.clone()).collect();
        if circuits != given {
            let shown = |list: &[Option<String>]| {
                let names = list.iter().map(|it| it.clone().unwrap_or_else(|| "phase 1".into()));
                names.collect::<Vec<_>>().join(", ")
            };
            return Err(Diagnostic::artefact(
                "incomplete",
                "a turn is complete with one contribution to each of its chains, in their order",
            )
            .found(shown(&given))
            .expected(shown(&circuits))
            .hint("contribute to all chains of the turn"));
        }
        for (step, chain) in completion.steps.iter().zip(&turn.lease.chains) {
            let upload = state.uploads.get(&step.upload);
            let Some(upload) = upload.filter(|upload| upload.circuit == chain.circuit) else {
                return Err(Diagnostic::artefact("no-such-upload", "the turn has no such upload")
                    .hint("upload the data file first"));
            };
            if !upload.is_complete() || upload.busy {
                return Err(Diagnostic::artefact("unfinished", "the upload is not finished")
                    .found(format_args!("{} bytes", upload.offset))
                    .expected(format_args!("{} bytes", upload.length))
                    .hint("send the rest"));
            }
            uploads.push(upload.id.clone());
        }
        for (i, step) in completion.steps.iter().enumerate() {
            let bytes = step.attestation.to_json();
            self.state_folder.write(&Lease::attestation_name(i), &bytes)?;
        }
        let mut lease = turn.lease.clone();
        lease.received = Some(uploads);
        lease.save(&self.state_folder)?;
        let (participant, id) = (lease.participant.clone(), lease.id.clone());
        state.turn = Some(RunningTurn { lease, ..turn });
        state.note(Event::Received { participant, turn: id })?;
        state.trace = crate::trace::header();
        drop(state);
        self.changed();
        if let Some(verifier) = self.verifier.get() {
            verifier.unpark();
        }
        Ok(())
    }

    /// Verifies what came in a turn, and takes it in. Runs as long as that takes.
    pub(crate) fn verify_received(&self, stopping: &dyn Fn() -> bool) {
        let Some(lease) = self.received() else { return };
        self.taking_in.store(true, Ordering::Relaxed);
        self.verify_turn(&lease, stopping);
        self.taking_in.store(false, Ordering::Relaxed);
    }

    fn verify_turn(&self, lease: &Lease, stopping: &dyn Fn() -> bool) {
        let span = tracing::debug_span!("verify");
        crate::trace::adopt(&span, self.state().trace.take().as_deref());
        let _in = span.entered();
        let begun = Instant::now();
        let mut verified = Duration::ZERO;
        let verdict = loop {
            // A file that makes the verification fail in a way that nobody foresaw is refused, and
            // does not stop the queue.
            let taken = catch_unwind(AssertUnwindSafe(|| self.take_in(lease, &mut verified)));
            let taken = taken.unwrap_or_else(|_| {
                self.security.note(Kind::Internal);
                Ok(unforeseen())
            });
            match taken {
                Ok(verdict) => break verdict,
                Err(error) => {
                    // Not the participant's fault: the turn stays theirs until this works.
                    log::failure("verifying failed, and is tried again: ", &error);
                    std::thread::sleep(RETRY);
                    if stopping() {
                        // The next process goes on with it.
                        return;
                    }
                }
            }
        };
        let good = matches!(verdict, Verdict::Accepted { .. });
        let what = if good { "taken in" } else { "refused" };
        // Before the turn ends: nobody gets a turn on what the chains were before.
        while let Err(error) = self.refresh(true) {
            log::failure("reading the folder failed, and is tried again: ", &error);
            std::thread::sleep(RETRY);
            if stopping() {
                return;
            }
        }
        let now = Instant::now();
        let mut state = self.state();
        if good {
            if let Some(turn) = &state.turn {
                let took = now.saturating_duration_since(turn.granted);
                state.durations.push(took);
                state.history.measured(&lease.id, took, verified);
            }
            state.queue.succeeded(&lease.key);
        } else {
            state.queue.failed(&lease.key, now);
        }
        state.verdicts.insert(lease.key, verdict);
        state.drop_turn(&self.state_folder);
        drop(state);
        let seconds = begun.elapsed().as_secs_f64();
        tracing::info!(
            "{}'s contribution: {what} after {seconds:.3} s, verified in {:.3} s",
            lease.participant,
            verified.as_secs_f64()
        );
        self.changed();
    }

    pub(crate) fn received(&self) -> Option<Lease> {
        let state = self.state();
        let lease = &state.turn.as_ref()?.lease;
        lease.received.is_some().then(|| lease.clone())
    }

    /// One chain after the other, each with its entry in the journal. Fails only where nothing can
    /// be said of what came. Adds the time that verifying took to `verified`.
    fn take_in(&self, lease: &Lease, verified: &mut Duration) -> Result<Verdict, Diagnostic> {
        let skip: Vec<String> = self.state().skipped.iter().cloned().collect();
        let mut receipts = Vec::new();
        let uploads = lease.received.clone().unwrap_or_default();
        for (i, (chain, upload)) in lease.chains.iter().zip(&uploads).enumerate() {
            // Others may work on the folder between two chains.
            let _lock = FolderLock::take(&self.options.folder)?;
            // What the service knows of the folder is read again only where it changed.
            let view = Arc::clone(&self.state().view);
            let read_again = if view.is_stale(&self.options.folder) {
                Some(view.ceremony.again()?)
            } else {
                None
            };
            let ceremony = read_again.as_ref().unwrap_or(&view.ceremony);
            let attestation = Lease::attestation(&self.state_folder, i);
            let data: Option<PathBuf> =
                self.state().uploads.get(upload).map(|upload| upload.path.clone());
            let refused = |error: Diagnostic, receipts: Vec<Envelope>| -> Result<_, Diagnostic> {
                // Place and hint name files of this machine, and the journal is public.
                let error = Diagnostic { place: None, ..error }.hint(COME_AGAIN);
                // Only our own words: what a participant wrote stays out of the public journal.
                let reason = ceremony_folder::audit::one_line(&error.what);
                let mut state = self.state();
                // A process that was killed after this line verifies again.
                if !state.tells_of_refusal(&lease.id) {
                    state.note(Event::Refused {
                        participant: lease.participant.clone(),
                        turn: lease.id.clone(),
                        circuit: chain.circuit.clone(),
                        code: error.code.clone(),
                        reason,
                    })?;
                }
                Ok(Verdict::Refused { error: error.into(), receipts })
            };
            let inbox = match Inbox::read(std::slice::from_ref(&attestation)) {
                Ok(inbox) => inbox,
                Err(error) => return refused(error.into(), receipts),
            };
            let Some(delivered) = inbox.attestations.first() else {
                let error =
                    Diagnostic::artefact("attestation", "this is not the attestation of a step")
                        .hint("send the file that stands next to the data file");
                return refused(error, receipts);
            };
            if let Err(error) = of_the_turn(delivered, lease, chain) {
                return refused(error, receipts);
            }
            let files: Vec<PathBuf> = data.into_iter().collect();
            let begun = Instant::now();
            let measured =
                Measured::begin(Work::Verify(Of::chain(chain.track().phase())), &NoProgress);
            let accepted = ceremony.accept(delivered, &files, &skip, &measured);
            *verified += begun.elapsed();
            match accepted {
                Ok(added) => {
                    let bytes = added.step.path.metadata().map_or(0, |metadata| metadata.len());
                    measured.done(bytes);
                    receipts.push(self.receipt(ceremony, &added.track, &added.step, lease)?)
                }
                // Taken in by the process before this one.
                Err(Refused::AlreadyHere { .. }) => {
                    let track = chain.track();
                    let step = held(ceremony, &track, delivered.file())?;
                    receipts.push(self.receipt(ceremony, &track, step, lease)?);
                }
                Err(Refused::Failed(error)) => return Err(error.into()),
                Err(Refused::Turn(error)) => return refused(error.into(), receipts),
                Err(error) => return refused(Diagnostic::from(error), receipts),
            }
        }
        Ok(Verdict::Accepted { receipts })
    }

    /// The receipt of a step that is in the folder, with its entry in the journal.
    fn receipt(
        &self,
        ceremony: &Ceremony,
        track: &Track,
        step: &Step,
        lease: &Lease,
    ) -> Result<Envelope, Diagnostic> {
        let mut state = self.state();
        state.journal_step(track, step, Some(&lease.id))?;
        state.sign_receipt(ceremony, step)
    }
}

/// The step of a chain that has this file.
fn held<'a>(
    ceremony: &'a Ceremony,
    track: &Track,
    file: FileDigest,
) -> Result<&'a Step, Diagnostic> {
    let chain = ceremony.chain(track)?;
    chain.steps.iter().find(|step| step.file == file).ok_or_else(|| {
        Diagnostic::environment("vanished", "the step that was added is gone").at(track)
    })
}

/// What is said of a contribution whose verification broke off.
fn unforeseen() -> Verdict {
    let error = Diagnostic::environment("internal", "the verification broke off")
        .hint("tell the coordinator: this is a fault of the service");
    Verdict::Refused { error: error.into(), receipts: Vec::new() }
}

/// The attestation is by the holder of the turn, and for its chain.
fn of_the_turn(
    delivered: &ceremony_folder::Delivered,
    lease: &Lease,
    chain: &turn::LeasedChain,
) -> Result<(), Diagnostic> {
    let words = delivered.words();
    let circuit = words.circuit.as_ref().map(|circuit| &circuit.name);
    let found = (words.participant.as_str(), circuit, words.input_sha256);
    let expected = (lease.participant.as_str(), chain.circuit.as_ref(), Some(chain.head_sha256));
    if found == expected {
        return Ok(());
    }
    let shown =
        |(participant, circuit, input): (&str, Option<&CircuitName>, Option<FileDigest>)| {
            let chain = circuit.map_or("phase 1".into(), |circuit| format!("circuit {circuit}"));
            let input = input.map_or("nothing".into(), |input| input.to_string());
            format!("{participant}, {chain}, made from {input}")
        };
    Err(Diagnostic::artefact("not-of-this-turn", "the attestation is of another turn")
        .found(shown(found))
        .expected(shown(expected))
        .hint("contribute to the file that the turn names, as the participant whose turn it is"))
}
