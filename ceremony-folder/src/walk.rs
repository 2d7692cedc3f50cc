//! The walk along a chain: from the opening to the last step that the signatures reach, then a
//! look at what was not reached.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::statement::Action;

use crate::chain::{Chain, Step};
use crate::claim::{Claim, Reader, envelope};
use crate::error::{Cause, CeremonyError, broken};
use crate::folder::{Slot, StepName, Track};
use crate::rejection::Standing;
use crate::stray::{Story, Stray, Void};

/// What an attested file that the chain does not reach means.
#[derive(Clone)]
enum Fate {
    /// Nothing for the chain.
    Stray(Story),
    /// Steps are missing, or do not hold.
    Problem(Arc<CeremonyError>),
}

struct Walk<'a> {
    reader: &'a Reader<'a>,
    claims: BTreeMap<StepName, Claim>,
    /// Claims that name the right input and are no step all the same.
    faults: BTreeMap<StepName, Arc<CeremonyError>>,
    /// The inputs of all signed steps.
    built_on: BTreeSet<FileDigest>,
    /// The last steps that the roster's amendments name for this chain, in the order of the
    /// amendments. None: the chain had not begun.
    heads: Vec<Option<FileDigest>>,
    /// How many amendments came before the next step.
    time: u32,
    /// The files of the chain so far.
    taken: BTreeSet<FileDigest>,
    chain: Chain,
}

impl Reader<'_> {
    /// Reads the chain as far as it holds. `sealed` are the files that the folder's transcript or
    /// bundle holds.
    pub(crate) fn read(&self, sealed: &BTreeMap<FileDigest, &'static str>) -> Chain {
        let mut walk = Walk {
            reader: self,
            claims: BTreeMap::new(),
            faults: BTreeMap::new(),
            built_on: BTreeSet::new(),
            heads: Vec::new(),
            time: 0,
            taken: BTreeSet::new(),
            chain: Chain::empty(self.track.clone()),
        };
        let walked = walk.claims(sealed).and_then(|()| walk.steps());
        let missed = walk.look_at_the_rest();
        let mut chain = walk.chain;
        chain.problem = walked.err().or(missed);
        chain
    }
}

impl Walk<'_> {
    /// Reads what stands in the folder, and takes out what is rejected.
    fn claims(
        &mut self,
        sealed: &BTreeMap<FileDigest, &'static str>,
    ) -> Result<(), Arc<CeremonyError>> {
        let (reader, chain) = (self.reader, &mut self.chain);
        let found = reader.folder.scan(&chain.track).map_err(Arc::new)?;
        let mut rejections: Vec<StepName> = Vec::new();
        for (name, presence) in found {
            if presence.rejection {
                rejections.push(name);
            }
            if presence.file || presence.attestation {
                self.claims.insert(name, reader.claim(name, presence));
            }
        }
        let mut void = Vec::new();
        for name in rejections {
            match reader.rejection(name, self.claims.get(&name)) {
                Ok(rejected) => chain.rejected.push(rejected),
                Err(why) => void.push((name, Void::Unsigned(Arc::new(why)))),
            }
        }
        let signed = self.claims.values().filter_map(|claim| claim.said.as_ref().ok());
        chain.signed = signed.cloned().collect();
        chain.standing = Standing::of(&chain.signed, &chain.rejected, sealed);
        chain.rejected.retain(|rejected| match chain.standing.bars(rejected.file) {
            None => true,
            Some(bars) => {
                void.push((rejected.name, Void::Barred(bars)));
                false
            }
        });
        for rejected in &chain.rejected {
            self.claims.remove(&rejected.name);
            chain.signed.retain(|step| step.name != rejected.name);
        }
        // What was made after a rejected step was made after what that one was built on.
        let below: BTreeMap<FileDigest, Option<FileDigest>> =
            chain.rejected.iter().map(|gone| (gone.file, gone.input)).collect();
        let standing = |mut head: Option<FileDigest>| {
            // As often as there are rejections, so that no circle is walked for ever.
            for _ in 0..below.len() {
                match head.and_then(|head| below.get(&head)) {
                    Some(input) => head = *input,
                    None => break,
                }
            }
            head
        };
        self.heads = reader.roster.heads(&reader.track).map(standing).collect();
        self.built_on = chain.signed.iter().filter_map(|step| step.words.input_sha256).collect();
        let stray = |(name, why)| Stray {
            track: reader.track.clone(),
            name,
            files: vec![reader.folder.rejection(&reader.track, name)],
            story: Story::VoidRejection { why },
        };
        chain.strays.extend(void.into_iter().map(stray));
        Ok(())
    }

    /// Counts the amendments that came before the next step: those whose heads are in the chain.
    fn pass_amendments(&mut self) {
        let passed =
            |head: &&Option<FileDigest>| head.is_none_or(|head| self.taken.contains(&head));
        let after = self.heads.iter().skip(self.time as usize).take_while(passed).count();
        self.time += u32::try_from(after).unwrap_or(u32::MAX);
    }

    /// Amendments that name a step which is nowhere in this folder.
    fn missed_amendment(&self) -> Option<CeremonyError> {
        let head = self.heads.get(self.time as usize).copied().flatten()?;
        // A step that waits for its data file is signed.
        if self.chain.signed.iter().any(|step| step.file == head) {
            return None;
        }
        let amended = self.reader.roster.amendments().get(self.time as usize)?;
        Some(broken(
            &amended.path,
            format_args!("the amendment names a step of {} that is not here", self.reader.track),
            head,
            "the file of a step of this chain",
        ))
    }

    /// The key that a step's maker had at this point of the chain, and signed it with.
    fn key_of_this_time(&self, step: &Step) -> Result<PublicKey, CeremonyError> {
        let (roster, time) = (self.reader.roster, self.time);
        if let Some((key, _)) = step.held.iter().find(|(_, term)| term.covers(time)) {
            return Ok(*key);
        }
        let makers = roster.makers(step.words.action, self.reader.track.phase());
        let of_that_time: Vec<String> = makers
            .iter()
            .filter(|maker| maker.term.covers(time))
            .filter(|maker| {
                step.words.action != Action::Contribution || *maker.name == step.words.participant
            })
            .map(|maker| format!("{} ({})", maker.name, maker.key.fingerprint()))
            .collect();
        Err(broken(
            &self.reader.folder.attestation(&self.reader.track, step.name),
            "the step is signed with a key that was not its maker's at this point of the chain",
            format_args!("{} ({})", step.words.participant, step.key.fingerprint()),
            if of_that_time.is_empty() { "nobody".into() } else { of_that_time.join(", ") },
        ))
    }

    /// Follows the attested digests from the opening.
    fn steps(&mut self) -> Result<(), Arc<CeremonyError>> {
        self.pass_amendments();
        let Some(opening) = self.opening()? else { return Ok(()) };
        self.take(opening);
        while self.is_open()
            && let Some(name) = self.next()?
        {
            self.take(name);
        }
        if let Some(name) = self.prepared()? {
            self.chain.prepared = self.taken(name);
            self.pass_amendments();
        }
        self.missed_amendment().map_or(Ok(()), |error| Err(error.into()))
    }

    fn take(&mut self, name: StepName) {
        let step = self.taken(name);
        self.chain.steps.extend(step);
        self.pass_amendments();
    }

    fn taken(&mut self, name: StepName) -> Option<Step> {
        let mut step = self.claims.remove(&name)?.said.ok()?;
        step.key = self.key_of_this_time(&step).unwrap_or(step.key);
        self.taken.insert(step.file);
        Some(step)
    }

    /// Whether the chain takes contributions and a beacon.
    fn is_open(&self) -> bool {
        let own = self.reader.track != Track::Phase1 || self.reader.config.has_own_phase1();
        own && !self.chain.is_closed()
    }

    fn opening(&self) -> Result<Option<StepName>, Arc<CeremonyError>> {
        let name = StepName::first(Slot::Number(0));
        let others = self.chain.signed.iter().any(|step| step.name != name);
        let Some(claim) = self.claims.get(&name) else { return Ok(None) };
        match &claim.said {
            _ if !claim.presence.file && !others => Ok(None),
            Ok(step) if step.words.input_sha256 == self.reader.start => {
                self.key_of_this_time(step)?;
                Ok(Some(name))
            }
            Ok(step) => Err(self.another_input(step, self.reader.start).into()),
            Err(unfit) => Err(Arc::clone(&unfit.error)),
        }
    }

    /// The step that continues the chain.
    fn next(&mut self) -> Result<Option<StepName>, Arc<CeremonyError>> {
        let Some(head) = self.chain.steps.last() else { return Ok(None) };
        let (file, number) = (head.file, head.index + 1);
        let follows = |claim: &&Claim| {
            claim.said.as_ref().is_ok_and(|step| step.words.input_sha256 == Some(file))
        };
        let following = |slot: fn(Slot) -> bool| -> Vec<&Claim> {
            self.claims.values().filter(follows).filter(|claim| slot(claim.name.slot)).collect()
        };
        // The coordinator's word closes the chain, even if others build on the same file.
        let beacons = following(|slot| slot == Slot::Final);
        for claim in &beacons {
            let Ok(step) = &claim.said else { continue };
            self.beacon(step, number)?;
            if step.present || self.built_on.contains(&step.file) {
                return Ok(Some(claim.name));
            }
        }
        if beacons.is_empty() && self.closed_by_rejected_beacon(file).is_none() {
            let mut faults = Vec::new();
            for claim in following(|slot| matches!(slot, Slot::Number(number) if number > 0)) {
                let Ok(step) = &claim.said else { continue };
                match self.contribution(step, number) {
                    Err(fault) => faults.push((claim.name, Arc::new(fault))),
                    Ok(()) => {
                        self.attempts_rejected(claim.name)?;
                        if step.present || self.built_on.contains(&step.file) {
                            return Ok(Some(claim.name));
                        }
                    }
                }
            }
            self.faults.extend(faults);
        }
        self.misnamed(file, number)?;
        Ok(None)
    }

    /// The number of a contribution, and that its maker has made none before.
    fn contribution(&self, step: &Step, number: u32) -> Result<(), CeremonyError> {
        self.numbered(step, number)?;
        self.key_of_this_time(step)?;
        match self.chain.contribution_of(&step.words.participant) {
            None => Ok(()),
            Some(earlier) => Err(broken(
                &step.path,
                format_args!("{} contributes twice", step.words.participant),
                format_args!("steps {} and {}", earlier.index, step.index),
                "one contribution of each participant",
            )),
        }
    }

    /// What a beacon says in addition to its input.
    fn beacon(&self, step: &Step, number: u32) -> Result<(), CeremonyError> {
        self.numbered(step, number)?;
        self.key_of_this_time(step)?;
        self.attempts_rejected(step.name)?;
        self.reader.planned_beacon(step)?;
        let value = |beacon: &zk_attest::primitives::Beacon| beacon.value.clone();
        let said = step.words.beacon.as_ref().map(value);
        let repeated = self.chain.rejected.iter().find(|rejected| {
            rejected.beacon.is_some() && rejected.beacon.as_ref().map(value) == said
        });
        match repeated {
            None => Ok(()),
            Some(rejected) => Err(broken(
                &step.path,
                "the beacon has the value of a beacon that was rejected",
                format_args!("the value of {}", rejected.name),
                "another value, of the next round",
            )),
        }
    }

    fn numbered(&self, step: &Step, number: u32) -> Result<(), CeremonyError> {
        if step.index == number {
            return Ok(());
        }
        Err(broken(
            &self.reader.folder.attestation(&self.reader.track, step.name),
            "the attestation is about another step: its index differs",
            step.index,
            number,
        ))
    }

    /// Attempt n at a place needs the rejections of attempts 1 to n - 1: none of them vanishes.
    fn attempts_rejected(&self, name: StepName) -> Result<(), CeremonyError> {
        let rejected = |attempt| {
            let earlier = StepName { attempt, ..name };
            self.chain.rejected.iter().any(|rejected| rejected.name == earlier)
        };
        match (1..name.attempt).find(|attempt| !rejected(*attempt)) {
            None => Ok(()),
            Some(attempt) => {
                let reader = self.reader;
                Err(CeremonyError {
                    path: reader.folder.file(&reader.track, name),
                    cause: Cause::NoRejection { attempt: StepName { attempt, ..name } },
                })
            }
        }
    }

    /// A file that continues the chain under a name that was not signed, while the signed name is
    /// free.
    fn misnamed(&self, head: FileDigest, number: u32) -> Result<(), Arc<CeremonyError>> {
        let free = [Slot::Number(number), Slot::Final].map(|slot| self.chain.free_name(slot));
        let found = self.claims.values().find_map(|claim| {
            let unfit = claim.said.as_ref().err()?;
            let step = unfit.misnamed.as_ref()?;
            let continues = step.words.input_sha256 == Some(head) && free.contains(&step.name);
            let is_free = !self.claims.contains_key(&step.name);
            (continues && is_free && step.present).then_some(&unfit.error)
        });
        found.map_or(Ok(()), |error| Err(Arc::clone(error)))
    }

    fn prepared(&self) -> Result<Option<StepName>, CeremonyError> {
        let Some(last) = self.chain.steps.last() else { return Ok(None) };
        let mut following = self.claims.values().filter_map(|claim| {
            let step = claim.said.as_ref().ok()?;
            let follows = step.words.input_sha256 == Some(last.file);
            (claim.name.slot == Slot::Prepared && follows).then_some(step)
        });
        let Some(step) = following.next() else { return Ok(None) };
        if self.is_open() {
            return Err(broken(
                &step.path,
                "the file has no place in the chain",
                format_args!("powers prepared from step {}", last.name),
                "the beacon first",
            ));
        }
        self.numbered(step, last.index + 1)?;
        // Where it is the same file, whatever names it was made after it.
        if step.file != last.file {
            self.key_of_this_time(step)?;
        }
        self.attempts_rejected(step.name)?;
        Ok((step.present || self.opens_a_circuit(step.file)).then_some(step.name))
    }

    /// Whether the opening of a circuit says that it was made from a prepared file.
    fn opens_a_circuit(&self, prepared: FileDigest) -> bool {
        let folder = self.reader.folder;
        self.reader.config.document().circuits.iter().any(|circuit| {
            let track = Track::Circuit(circuit.name.clone());
            let path = folder.attestation(&track, StepName::first(Slot::Number(0)));
            let said = folder.read(&path, Envelope::MAX_BYTES);
            said.and_then(|bytes| envelope(&path, &bytes))
                .is_ok_and(|(_, words, _)| words.input_sha256 == Some(prepared))
        })
    }

    /// The rejected beacon that was built on a file.
    fn closed_by_rejected_beacon(&self, file: FileDigest) -> Option<StepName> {
        let closing = |rejected: &&crate::chain::Rejected| {
            rejected.name.slot == Slot::Final && rejected.input == Some(file)
        };
        self.chain.rejected.iter().find(closing).map(|rejected| rejected.name)
    }

    fn another_input(&self, step: &Step, expected: Option<FileDigest>) -> CeremonyError {
        let shown = |digest: Option<FileDigest>| digest.map_or("none".into(), |d| d.to_string());
        broken(
            &self.reader.folder.attestation(&self.reader.track, step.name),
            "the step's input differs from the file of the step before it",
            shown(step.words.input_sha256),
            shown(expected),
        )
    }

    /// Names the strays. Answers with the first problem that the unreached files prove.
    fn look_at_the_rest(&mut self) -> Option<Arc<CeremonyError>> {
        let mut by_file: BTreeMap<FileDigest, &Claim> = BTreeMap::new();
        for claim in self.claims.values() {
            if let Some(file) = claim.file() {
                by_file.entry(file).or_insert(claim);
            }
        }
        // By rising number, so that what a file is built on comes before it.
        let number = |claim: &&Claim| claim.said.as_ref().map_or(0, |step| step.index);
        let mut claims: Vec<&Claim> = self.claims.values().collect();
        claims.sort_by_key(number);
        let mut fates: BTreeMap<StepName, Fate> = BTreeMap::new();
        for claim in claims {
            let fate = self.fate(claim, &by_file, &fates);
            fates.insert(claim.name, fate);
        }
        let (mut problem, mut irregular, mut strays) = (None, None, Vec::new());
        for (name, fate) in fates {
            match (fate, self.claims.get(&name)) {
                (Fate::Stray(story), Some(claim)) => {
                    // What is not a file, or has no end, is not passed over.
                    if let Err(unfit) = &claim.said
                        && matches!(unfit.error.cause, Cause::NotRegular | Cause::TooLarge { .. })
                    {
                        irregular.get_or_insert(Arc::clone(&unfit.error));
                    }
                    strays.push(self.stray(name, claim, story));
                }
                (Fate::Problem(error), _) => {
                    problem.get_or_insert(error);
                }
                (Fate::Stray(_), None) => {}
            }
        }
        self.chain.strays.extend(strays);
        self.chain.strays.sort_by_key(|stray| stray.name);
        problem.or(irregular)
    }

    fn stray(&self, name: StepName, claim: &Claim, story: Story) -> Stray {
        let (folder, track) = (self.reader.folder, &self.reader.track);
        let data = claim.presence.file.then(|| folder.file(track, name));
        let attestation = claim.presence.attestation.then(|| folder.attestation(track, name));
        let files = data.into_iter().chain(attestation).collect();
        Stray { track: track.clone(), name, files, story }
    }

    /// What a claim means that the chain does not reach. `fates` has those of lower numbers.
    fn fate(
        &self,
        claim: &Claim,
        by_file: &BTreeMap<FileDigest, &Claim>,
        fates: &BTreeMap<StepName, Fate>,
    ) -> Fate {
        let steps = || self.chain.steps.iter().chain(&self.chain.prepared);
        let copied = |file: FileDigest| steps().find(|step| step.file == file);
        if let Some(step) = claim.file().and_then(copied) {
            return Fate::Stray(Story::Copy { of: step.name });
        }
        let step = match &claim.said {
            Ok(step) => step,
            Err(unfit) => {
                let garbage = || Story::Garbage { why: Arc::clone(&unfit.error) };
                let step = unfit.misnamed.as_deref();
                let story = step.and_then(|step| self.sibling(step));
                return Fate::Stray(story.unwrap_or_else(garbage));
            }
        };
        if let Some(fault) = self.faults.get(&claim.name) {
            return Fate::Stray(Story::Garbage { why: Arc::clone(fault) });
        }
        if step.words.action != Action::Open
            && let Err(error) = self.attempts_rejected(claim.name)
        {
            return Fate::Problem(error.into());
        }
        if let Some(story) = self.sibling(step) {
            return Fate::Stray(story);
        }
        let (by, input) = (step.words.participant.clone(), step.words.input_sha256);
        if let Some(gone) = self.chain.rejected.iter().find(|gone| Some(gone.file) == input) {
            return Fate::Stray(Story::OnStray { by, on: gone.name, rejected: true });
        }
        let Some(base) = input.and_then(|input| by_file.get(&input)) else {
            return Fate::Problem(self.gap(step));
        };
        if let Err(unfit) = &base.said {
            return Fate::Problem(Arc::clone(&unfit.error));
        }
        if let Some(fault) = self.faults.get(&base.name) {
            return Fate::Problem(Arc::clone(fault));
        }
        match fates.get(&base.name) {
            // Only where the numbers do not rise along the digests.
            None => Fate::Problem(self.gap(step)),
            Some(Fate::Problem(error)) => Fate::Problem(Arc::clone(error)),
            Some(Fate::Stray(story)) if step.words.action != Action::Contribution => {
                let error = broken(
                    &step.path,
                    "the coordinator's step builds on a file that is not in the chain",
                    format_args!("{}, {story}", base.name),
                    "the last step of the chain",
                );
                Fate::Problem(error.into())
            }
            Some(Fate::Stray(_)) => {
                Fate::Stray(Story::OnStray { by, on: base.name, rejected: false })
            }
        }
    }

    /// The story of a signed step that builds on a step of the chain, or on what opens it.
    fn sibling(&self, step: &Step) -> Option<Story> {
        let steps = &self.chain.steps;
        let by = || step.words.participant.clone();
        if step.words.action == Action::Open {
            return match steps.first() {
                Some(first) => {
                    let maker = first.words.participant.clone();
                    Some(Story::Twin { by: by(), of: first.name, maker })
                }
                None if !step.present => Some(Story::NoData { by: by() }),
                None => None,
            };
        }
        let input = step.words.input_sha256?;
        if self.chain.prepared.as_ref().is_some_and(|prepared| prepared.file == input) {
            let (on, closed_by) = (StepName::first(Slot::Prepared), steps.last()?.name);
            return Some(Story::Late { by: by(), on, closed_by });
        }
        let at = steps.iter().position(|other| other.file == input)?;
        let half_beacon = || {
            let half = |other: &&Step| {
                other.name.slot == Slot::Final
                    && other.words.input_sha256 == Some(input)
                    && other.name != step.name
            };
            self.chain.signed.iter().find(half).map(|beacon| beacon.name)
        };
        let end = match steps.last()? {
            last if self.chain.is_closed() => Some(last.name),
            last if !self.is_open() => Some(last.name),
            _ => self.closed_by_rejected_beacon(input).or_else(half_beacon),
        };
        match end {
            _ if at + 1 < steps.len() => {
                let end = end.unwrap_or(steps[at + 1].name);
                Some(Story::of_a_sibling(step, steps, at, &end))
            }
            Some(end) => Some(Story::of_a_sibling(step, steps, at, &end)),
            None if !step.present => Some(Story::NoData { by: by() }),
            None => None,
        }
    }

    /// An attested step builds on a file that nothing in this copy is attested as.
    fn gap(&self, step: &Step) -> Arc<CeremonyError> {
        let (reader, steps) = (self.reader, &self.chain.steps);
        let number = steps.last().map_or(0, |step| step.index + 1);
        let place = self.chain.free_name(Slot::Number(number));
        if step.name == place {
            let before = steps.last().map(|step| step.file);
            return Arc::new(self.another_input(step, before));
        }
        match self.claims.get(&place).map(|claim| &claim.said) {
            Some(Err(unfit)) => Arc::clone(&unfit.error),
            Some(Ok(other)) => {
                let before = steps.last().map(|step| step.file);
                Arc::new(self.another_input(other, before))
            }
            None => Arc::new(CeremonyError {
                path: reader.folder.file(&reader.track, place),
                cause: Cause::Gap { step: step.name },
            }),
        }
    }
}
