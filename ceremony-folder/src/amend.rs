//! Making amendments: drafting one for the ceremony as it is, signing it, and signing what others
//! began.

use std::path::{Path, PathBuf};

use zk_attest::amendment::{AMENDMENT_SUBJECT, Amendment, Change, Head};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Label, Timestamp};
use zk_attest::program::PROGRAM;
use zk_attest::signer::{Signer, sign_envelope};
use zk_attest::statement::{Statement, Subject};
use zk_vk_guard::limits::MAX_AMENDMENTS;

use crate::chain::Chain;
use crate::enrolment::Enrolment;
use crate::error::at;
use crate::folder::{STRAYS, Track};
use crate::roster::{Judged, Pending, ROSTER};
use crate::steps::write_file;
use crate::tidy::move_away;
use crate::{Ceremony, CeremonyError, service};

/// What became of a signature on an amendment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// The change is in force.
    InForce,
    /// It needs more signatures: what is missing.
    Pending(String),
}

impl Ceremony {
    /// The next amendment, as it is to be signed. Everything that the rules say against it is said
    /// here, before anybody signs.
    ///
    /// # Errors
    /// When another amendment waits for signatures, a file in its place cannot be read, or the
    /// rules do not allow the change.
    pub fn draft_amendment(&self, change: Change, reason: Label) -> Result<Amendment, Diagnostic> {
        self.ensure_next_is_free()?;
        let said = self.ensure_amendable(change, reason)?;
        // A deputy may have to take over because of what the coordinator made.
        if !matches!(said.change, Change::Handover { .. }) {
            self.ensure_sound()?;
        }
        Ok(said)
    }

    /// Whether the rules allow a change now, whatever waits for signatures.
    ///
    /// # Errors
    /// Why not.
    pub fn ensure_amendable(&self, change: Change, reason: Label) -> Result<Amendment, Diagnostic> {
        let path = self.roster.next_path(&self.folder);
        let number = self.roster.amendments().len() + 1;
        if number > MAX_AMENDMENTS {
            return Err(Diagnostic::artefact(
                "too-many-amendments",
                "the roster changed too often",
            )
            .at(self.folder.root().display())
            .found(number - 1)
            .expected(format_args!("at most {MAX_AMENDMENTS} amendments")));
        }
        let rules = self.config.document();
        let said = Amendment {
            ceremony: rules.id.clone(),
            ceremony_toml_sha256: self.config.digest(),
            kind: rules.kind,
            number: u32::try_from(number).unwrap_or(u32::MAX),
            previous: self.roster.last_digest(),
            change,
            heads: self.heads(),
            reason,
            time: Timestamp::now(),
        };
        self.roster.ensure_fits(&self.config, &said, &path)?;
        self.ensure_of_use(&said)?;
        Ok(said)
    }

    /// Refuses where the next amendment's place is taken.
    fn ensure_next_is_free(&self) -> Result<(), Diagnostic> {
        let root = self.folder.root().display();
        if let Some(Pending { amended, missing }) = self.roster.pending() {
            return Err(Diagnostic::environment(
                "amendment-pending",
                "another amendment waits for signatures",
            )
            .at(amended.path.display())
            .found(shown(&amended.said.change))
            .expected(format_args!("its missing signatures: {missing}"))
            .hint(format_args!(
                "sign it with `{PROGRAM} ceremony countersign {root}`, or put it away with \
                 `{PROGRAM} ceremony countersign {root} --withdraw`"
            )));
        }
        match self.roster.unread() {
            None => Ok(()),
            Some(error) => Err(Diagnostic::from(error.as_ref()).hint(format_args!(
                "`{PROGRAM} ceremony countersign {root} --withdraw` puts the file away"
            ))),
        }
    }

    /// The last step of each chain that has begun.
    fn heads(&self) -> Vec<Head> {
        let head = |chain: &Chain| {
            let circuit = match &chain.track {
                Track::Phase1 => None,
                Track::Circuit(name) => Some(name.clone()),
            };
            let last = chain.prepared.as_ref().or(chain.steps.last())?;
            Some(Head { circuit, file: last.file })
        };
        let mut heads: Vec<Head> = self.chains().filter_map(head).collect();
        heads.sort_by(|a, b| a.circuit.cmp(&b.circuit));
        heads
    }

    /// Refuses to enrol somebody for phases that take no contribution any more.
    fn ensure_of_use(&self, said: &Amendment) -> Result<(), Diagnostic> {
        let Change::Enrol { phases, .. } = &said.change else { return Ok(()) };
        let takes_nobody = |chain: &Chain| chain.is_closed() || chain.awaits_beacon().is_some();
        let is_over = |phase| match phase {
            zk_attest::statement::Phase::One => {
                !self.config.has_own_phase1() || takes_nobody(&self.phase1)
            }
            zk_attest::statement::Phase::Two => self.circuits.iter().all(takes_nobody),
        };
        match phases.iter().find(|phase| is_over(**phase)) {
            None => Ok(()),
            Some(phase) => Err(Diagnostic::environment(
                "phase-over",
                format_args!("phase {} takes no contribution any more", u8::from(*phase)),
            )
            .at("--phases")
            .expected("phases that no beacon has closed")),
        }
    }

    /// Writes a drafted amendment with the signatures of `signers`.
    ///
    /// # Errors
    /// When none of them counts for it, or signing or writing fails.
    pub fn amend(
        &self,
        said: Amendment,
        signers: &mut [&mut dyn Signer],
    ) -> Result<Signed, Diagnostic> {
        let path = self.roster.next_path(&self.folder);
        let subject = Subject::new(AMENDMENT_SUBJECT, self.config.digest().as_bytes());
        let statement =
            Statement { subject: vec![subject.map_err(at(&path))?], predicate: said.clone() };
        let mut envelope = statement.to_envelope().map_err(at(&path))?;
        for signer in signers {
            self.sign_amendment(&said, &mut envelope, *signer)?;
        }
        self.put(&path, &envelope, false)
    }

    /// Adds a person to the roster at their request. Nothing is done for somebody who is in it.
    ///
    /// # Errors
    /// When the signer is not the coordinator's, the rules do not allow it, or signing or writing
    /// fails.
    pub fn admit(
        &self,
        request: &Enrolment,
        coordinator: &mut dyn Signer,
    ) -> Result<Option<Amendment>, Diagnostic> {
        self.ensure_coordinator(coordinator)?;
        if request.is_of_the_roster(self) {
            return Ok(None);
        }
        let reason = Label::from_static("enrolled at their own signed request");
        let said = self.draft_amendment(request.change(), reason)?;
        self.amend(said.clone(), &mut [coordinator])?;
        Ok(Some(said))
    }

    /// Takes in an amendment that was signed elsewhere: the next one, or more signatures of the one
    /// that waits for them. `path` is for messages.
    ///
    /// # Errors
    /// When it is not the next one, does not fit, or no signature of it counts.
    pub fn take_amendment(
        &self,
        path: &Path,
        envelope: &Envelope,
    ) -> Result<(Amendment, Signed), Diagnostic> {
        let Judged { amended, .. } = self.roster.judge(&self.config, path, envelope.clone())?;
        let said = amended.said;
        let mut merged = envelope.clone();
        let waiting = self.roster.pending().map(|pending| &pending.amended.envelope);
        match waiting.filter(|waiting| waiting.payload() == envelope.payload()) {
            Some(waiting) => merged.merge(waiting)?,
            None => {
                self.ensure_next_is_free()?;
                self.ensure_amendable(said.change.clone(), said.reason.clone())?;
            }
        }
        let signed = self.put(path, &merged, waiting.is_some())?;
        Ok((said, signed))
    }

    /// Adds a signature to the amendment that waits for it.
    ///
    /// # Errors
    /// When none waits, the signature would not count, or signing or writing fails.
    pub fn countersign(&self, signer: &mut dyn Signer) -> Result<Signed, Diagnostic> {
        let Some(Pending { amended, .. }) = self.roster.pending() else {
            return Err(Diagnostic::environment(
                "nothing-pending",
                "no amendment waits for a signature",
            )
            .at(self.folder.root().display())
            .hint(format_args!("`{PROGRAM} ceremony status` shows who is in the roster")));
        };
        if amended.signers.contains(signer.public_key()) {
            return Err(Diagnostic::environment(
                "signed-already",
                "this key has signed it already",
            )
            .at(amended.path.display())
            .found(signer.description()));
        }
        let mut envelope = amended.envelope.clone();
        self.sign_amendment(&amended.said, &mut envelope, signer)?;
        self.put(&amended.path, &envelope, true)
    }

    /// Writes the next amendment, with those of its signatures that count. What it puts in force
    /// takes nothing out of the chains that is in them.
    /// Messages name `from`.
    fn put(&self, from: &Path, envelope: &Envelope, replace: bool) -> Result<Signed, Diagnostic> {
        let path = self.roster.next_path(&self.folder);
        let mut judged = self.roster.judge(&self.config, &path, envelope.clone())?;
        let mut signers = judged.amended.signers.clone();
        if let (Change::Handover { key, .. }, None) = (&judged.amended.said.change, &judged.missing)
            // As the folder is now: they may have been signed a moment ago.
            && !Self::read(self.folder.clone())?.is_endorsed_by(key)?
        {
            // Whoever takes over has signed elsewhere, and signs here once more, the last of all.
            signers.remove(key);
        }
        let unsigned = || {
            let missing = judged.missing.clone().unwrap_or_default();
            Diagnostic::artefact("unsigned", "no signature of the amendment counts for it")
                .at(from.display())
                .expected(missing)
        };
        let kept = judged.amended.envelope.signed_only_by(&signers).filter(|_| !signers.is_empty());
        let kept = kept.ok_or_else(unsigned)?;
        judged = self.roster.judge(&self.config, &path, kept.clone())?;
        if judged.missing.is_none() {
            self.ensure_nothing_is_lost(&judged)?;
        }
        write_file(self, &path, &kept.to_json(), replace)?;
        Ok(judged.missing.map_or(Signed::InForce, Signed::Pending))
    }

    /// Refuses an amendment that would make a step of a chain somebody else's: one that was made
    /// after the amendment was drafted, or that its heads leave out.
    fn ensure_nothing_is_lost(&self, judged: &Judged) -> Result<(), Diagnostic> {
        let mut roster = self.roster.clone();
        roster.apply(judged.amended.clone());
        let after = Self::with_roster(self.folder.clone(), self.config.clone(), roster);
        let files = |chain: &Chain| -> Vec<_> {
            let steps = chain.steps.iter().chain(&chain.prepared).map(|step| step.file);
            steps.chain(chain.rejected.iter().map(|gone| gone.file)).collect()
        };
        let problem = |chain: &Chain| chain.problem.as_ref().map(ToString::to_string);
        let lost = self.chains().zip(after.chains()).find(|(before, after)| {
            files(before) != files(after) || problem(after).is_some() && problem(before).is_none()
        });
        let Some((chain, after)) = lost else { return Ok(()) };
        let step =
            chain.steps.iter().find(|step| after.steps.iter().all(|it| it.file != step.file));
        Err(Diagnostic::environment(
            "amendment-stale",
            "the ceremony went on since this amendment was drafted: it would take steps out",
        )
        .at(judged.amended.path.display())
        .found(step.map_or_else(
            || format!("{} would not hold", chain.track),
            |step| {
                let by = &step.words.participant;
                format!("{}, step {} by {by}", chain.track, step.name)
            },
        ))
        .expected("an amendment that was drafted after the last step")
        .hint(format_args!(
            "put it away with `{PROGRAM} ceremony countersign {} --withdraw`, and draft it again",
            self.folder.root().display()
        )))
    }

    /// Whether whoever takes over has signed the rejections and appointments that stand.
    fn is_endorsed_by(&self, key: &PublicKey) -> Result<bool, CeremonyError> {
        let rejections = self.chains().flat_map(|chain| &chain.rejected).map(|gone| &gone.envelope);
        let appointed = service::appointed(self)?;
        let mut standing = rejections.chain(appointed.iter().map(|(_, envelope)| envelope));
        Ok(standing.all(|envelope| envelope.signers([key]).contains(key)))
    }

    /// Puts away the amendment that waits for signatures, or the file in its place that cannot be
    /// read. Answers where it went.
    ///
    /// # Errors
    /// When there is none, or it cannot be moved.
    pub fn withdraw_amendment(&self) -> Result<PathBuf, Diagnostic> {
        let path = self.roster.next_path(&self.folder);
        if !self.folder.is_present(&path) {
            return Err(Diagnostic::environment(
                "nothing-pending",
                "no amendment waits for a signature",
            )
            .at(path.display()));
        }
        let strays = self.folder.root().join(STRAYS).join(ROSTER);
        Ok(move_away(&self.folder, &path, &strays)?)
    }

    fn sign_amendment(
        &self,
        said: &Amendment,
        envelope: &mut Envelope,
        signer: &mut dyn Signer,
    ) -> Result<(), Diagnostic> {
        let key = *signer.public_key();
        self.ensure_counts(said, signer)?;
        if let Change::Handover { key: next, .. } = &said.change
            && *next == key
        {
            // Before the change is in force, so that there is no moment without them.
            self.endorse(signer)?;
        }
        sign_envelope(signer, envelope)
    }

    fn ensure_counts(&self, said: &Amendment, signer: &dyn Signer) -> Result<(), Diagnostic> {
        let deputies = self.config.deputies();
        let deputy_keys = deputies.iter().flat_map(|deputies| deputies.keys.clone());
        let acting = self.roster.coordinator();
        let mut counted = vec![acting.key];
        let mut needed = vec![acting.name.to_string()];
        match &said.change {
            Change::Enrol { .. } => {}
            Change::Replace { participant, old_key, key } => {
                counted.extend(deputy_keys.chain([*old_key, *key]));
                needed.push(format!("{participant}'s key until now or the new one"));
                needed.extend(deputies.iter().map(|_| "a deputy".to_owned()));
            }
            Change::Handover { coordinator, key } => {
                counted.extend(deputy_keys.chain([*key]));
                needed.push(format!("a deputy or {coordinator}"));
            }
        }
        if counted.contains(signer.public_key()) {
            return Ok(());
        }
        Err(Diagnostic::environment(
            "does-not-count",
            "a signature of this key does not count for the amendment",
        )
        .found(format_args!("{} ({})", signer.public_key().fingerprint(), signer.description()))
        .expected(format_args!("the key of {}", needed.join(", "))))
    }

    /// Adds the signature of the next coordinator to what stands by the word of the present one
    /// outside of the chains: rejections, and the appointments of services.
    fn endorse(&self, signer: &mut dyn Signer) -> Result<(), Diagnostic> {
        let mut sign = |path: &Path, envelope: &Envelope| {
            let mut envelope = envelope.clone();
            sign_envelope(signer, &mut envelope)?;
            write_file(self, path, &envelope.to_json(), true).map_err(Diagnostic::from)
        };
        for chain in self.chains() {
            for gone in &chain.rejected {
                sign(&self.folder.rejection(&chain.track, gone.name), &gone.envelope)?;
            }
        }
        for (path, envelope) in service::appointed(self)? {
            sign(&path, &envelope)?;
        }
        Ok(())
    }
}

/// A change, in words.
#[must_use]
pub fn shown(change: &Change) -> String {
    match change {
        Change::Enrol { participant, key, phases } => {
            let phases: Vec<String> = phases.iter().map(|p| u8::from(*p).to_string()).collect();
            let phases = phases.join(" and ");
            format!("{participant} ({}) is enrolled for phase {phases}", key.fingerprint())
        }
        Change::Replace { participant, old_key, key } => format!(
            "{participant} signs with {} in place of {}",
            key.fingerprint(),
            old_key.fingerprint()
        ),
        Change::Handover { coordinator, key } => {
            format!("{coordinator} ({}) acts as coordinator", key.fingerprint())
        }
    }
}
