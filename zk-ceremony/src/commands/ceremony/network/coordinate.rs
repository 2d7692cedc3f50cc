//! The coordinator's part, unattended: closes phases, prepares, makes keys and the bundle, as the
//! folder asks for it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ceremony_folder::beacon::PublicValue;
use ceremony_folder::drand::Chain;
use ceremony_folder::enrolment::ENROLMENTS;
use ceremony_folder::{Ceremony, Folder, FolderLock, Stage};
use ceremony_net::drand::Endpoints;
use ceremony_net::service::Service;
use zk_attest::diagnostic::{Blame, Diagnostic};
use zk_attest::file::read_regular;
use zk_attest::primitives::{CeremonyKind, DrandSignature, Label, Timestamp};
use zk_attest::statement::Phase;

use crate::cli::CHECKPOINT_EVERY;
use crate::cli::ceremony::NamedFile;
use crate::cli::network::{BeaconFile, ServeArgs};
use crate::commands::ceremony::beacon::drawn;
use crate::commands::ceremony::close_phase::{Keys, close_chains, ensure_usable, prepare_phase2};
use crate::commands::ceremony::create_bundle::{Terms, parse_not_after};
use crate::commands::ceremony::verify::Finished;
use crate::failure;
use crate::signer::Signer;

/// A beacon's value in hexadecimal, with white space around it.
const MAX_BEACON_FILE_BYTES: usize = 4096;

/// See the module's documentation.
pub(super) struct Coordinator {
    root: PathBuf,
    folder: Folder,
    signer: Box<dyn Signer>,
    beacons: Vec<BeaconFile>,
    endpoints: Endpoints,
    random: bool,
    close_after: Duration,
    enrol_all: bool,
    /// When the folder of enrolments had been looked through.
    enrolments: Option<std::time::SystemTime>,
    serial: Option<u64>,
    not_after: Option<String>,
    witness: Vec<NamedFile>,
    seal_to: Vec<String>,
    /// Steps of the open chains, and since when there are so many.
    since: (usize, Instant),
}

impl Coordinator {
    pub(super) fn new(
        root: &Path,
        signer: Box<dyn Signer>,
        arguments: &ServeArgs,
    ) -> Result<Self, Diagnostic> {
        let ceremony = Ceremony::open_sound(root)?;
        ceremony.ensure_coordinator(signer.as_ref())?;
        if arguments.random_beacons && ceremony.config.document().kind != CeremonyKind::Rehearsal {
            return Err(Diagnostic::environment(
                "random-beacon-in-production",
                "--random-beacons is for rehearsals",
            )
            .found("a ceremony of kind production")
            .expected("values that nobody could choose")
            .hint("name the files that will have the announced values with --beacon 1=FILE"));
        }
        // What would be refused at the end is refused now.
        ensure_usable(&ceremony, &arguments.witness, &arguments.seal_to)?;
        let first = ceremony.config.document().predecessor.is_none().then_some(1);
        let serial = arguments.serial.or(first);
        if let Some(text) = &arguments.not_after {
            Terms::of(&ceremony.config, serial, parse_not_after(text)?, None)?;
        }
        Ok(Self {
            root: root.into(),
            folder: ceremony.folder,
            signer,
            beacons: arguments.beacon.clone(),
            endpoints: Endpoints::new(&arguments.endpoints.endpoint)?,
            random: arguments.random_beacons,
            close_after: Duration::from_secs(arguments.close_after),
            enrol_all: arguments.enrol_all,
            enrolments: None,
            serial,
            not_after: arguments.not_after.clone(),
            witness: arguments.witness.clone(),
            seal_to: arguments.seal_to.clone(),
            since: (0, Instant::now()),
        })
    }

    pub(super) fn signer(&mut self) -> &mut dyn Signer {
        self.signer.as_mut()
    }

    /// Makes the step that is due, if one is, and says whether it did.
    pub(super) fn advance(&mut self, service: &Service) -> Result<bool, Diagnostic> {
        let ceremony = Ceremony::read(self.folder.clone())?;
        // Somebody else may have taken over.
        ceremony
            .ensure_coordinator(self.signer.as_ref())
            .map_err(|error| Diagnostic { blame: Blame::Artefact, ..Diagnostic::from(error) })?;
        ceremony.ensure_sound()?;
        if self.enrol_all && self.admit(&ceremony)? {
            return Ok(true);
        }
        match ceremony.stage() {
            Stage::Contributions(phase) => self.close(&ceremony, phase, service),
            Stage::Prepare => {
                let _lock = FolderLock::take(&self.root)?;
                let every = Duration::from_secs(CHECKPOINT_EVERY);
                prepare_phase2(&self.root, every, self.signer.as_mut())?;
                Ok(true)
            }
            Stage::Closed => self.finish(&ceremony),
        }
    }

    /// Adds those who ask for it to the roster, and says whether it did. Who cannot be added (any
    /// more) is passed over.
    fn admit(&mut self, ceremony: &Ceremony) -> Result<bool, Diagnostic> {
        let folder = ceremony.folder.root().join(ENROLMENTS);
        let changed = folder.symlink_metadata().and_then(|it| it.modified()).ok();
        if changed == self.enrolments || ceremony.roster.pending().is_some() {
            return Ok(false);
        }
        let mut added = false;
        let _lock = FolderLock::take(&self.root)?;
        let mut now = ceremony.again()?;
        now.ensure_sound()?;
        // Read and verified once, and held to the roster as it grows.
        for request in now.enrolments()? {
            let reason = Label::from_static("a request");
            let can_be_added = !request.is_of_the_roster(&now)
                && now.ensure_amendable(request.change(), reason).is_ok();
            if can_be_added {
                now.admit(&request, self.signer.as_mut())?;
                added = true;
                now = now.again()?;
                now.ensure_sound()?;
            }
        }
        self.enrolments = changed;
        Ok(added)
    }

    /// Closes a phase that has what the rules ask for, when its beacon is there and nobody is at
    /// work.
    fn close(
        &mut self,
        ceremony: &Ceremony,
        phase: Phase,
        service: &Service,
    ) -> Result<bool, Diagnostic> {
        let steps = ceremony.chains().map(|chain| chain.steps.len()).sum();
        if self.since.0 != steps || !service.is_idle() {
            self.since = (steps, Instant::now());
        }
        if ceremony.chains_to_close().is_err() || service.info().turn.is_some() {
            return Ok(false);
        }
        let open = ceremony.chains().filter(|it| it.track.phase() == phase && !it.is_closed());
        let everybody = open.into_iter().all(|chain| ceremony.still_to_come(chain).is_empty());
        let nobody_comes = service.is_idle() && self.since.1.elapsed() >= self.close_after;
        let Some(value) = self.beacon(ceremony, phase)? else { return Ok(false) };
        // A value that is published ends the phase, whoever is still to come.
        let is_published = !self.random;
        if !(everybody || nobody_comes || is_published) {
            return Ok(false);
        }
        let _lock = FolderLock::take(&self.root)?;
        let ceremony = Ceremony::open_sound(&self.root)?;
        close_chains(&ceremony, &value, self.signer.as_mut())?;
        Ok(true)
    }

    /// The value of a phase's beacon, once it is there.
    fn beacon(&self, ceremony: &Ceremony, phase: Phase) -> Result<Option<PublicValue>, Diagnostic> {
        if self.random {
            return drawn(CeremonyKind::Rehearsal).map(Some);
        }
        let drand = ceremony.config.beacon(phase).and_then(|plan| plan.drand);
        let number = u8::from(phase);
        let Some(file) = self.beacons.iter().find(|file| file.phase == number) else {
            return drand.map_or(Ok(None), |chain| self.fetched(ceremony, chain));
        };
        if file.path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let bytes = read_regular(&file.path, MAX_BEACON_FILE_BYTES)
            .map_err(|refusal| failure::refusal(&file.path, &refusal))?;
        let text = String::from_utf8_lossy(&bytes);
        let digits = text.trim().len();
        if digits == 0 || digits % 2 == 1 {
            // It is being written.
            return Ok(None);
        }
        let refused = |error: &dyn std::fmt::Display| {
            Diagnostic::artefact(
                "beacon",
                format_args!("this is not the value of a beacon: {error}"),
            )
            .at(file.path.display())
        };
        if drand.is_some() {
            let signature = DrandSignature::from_hex(text.trim())
                .map_err(|error| refused(&error.what()).expected("the round's signature"))?;
            return Ok(Some(PublicValue::Signatures(vec![signature])));
        }
        hex::decode(text.trim())
            .map(|bytes| Some(PublicValue::Bytes(bytes)))
            .map_err(|error| refused(&error).expected("its bytes in hexadecimal, without 0x"))
    }

    /// The rounds of drand that close the phase, when the last of them has its time.
    fn fetched(
        &self,
        ceremony: &Ceremony,
        chain: &Chain,
    ) -> Result<Option<PublicValue>, Diagnostic> {
        let rounds = ceremony.rounds_to_close()?;
        let now = Timestamp::now().unix();
        let is_public = |round: &u64| chain.time_of(*round).is_some_and(|it| it.unix() <= now);
        if !rounds.iter().all(is_public) {
            return Ok(None);
        }
        let signatures = rounds.iter().map(|round| self.endpoints.fetch(chain, *round));
        signatures.collect::<Result<_, _>>().map(|all| Some(PublicValue::Signatures(all)))
    }

    /// Keys, the whole verification, and the bundle: every file is verified once for all of them.
    fn finish(&mut self, ceremony: &Ceremony) -> Result<bool, Diagnostic> {
        let has_transcript = ceremony.folder.is_present(&ceremony.folder.transcript());
        let bundle = ceremony.folder.bundle();
        let needs_bundle = self.not_after.is_some() && !ceremony.folder.is_present(&bundle);
        if has_transcript && !needs_bundle {
            return Ok(false);
        }
        let _lock = FolderLock::take(&self.root)?;
        let ceremony = Ceremony::open_sound(&self.root)?;
        let keys = Keys::begin(&ceremony, None, &self.seal_to)?;
        // Judged before the work.
        let terms = self.not_after.as_deref().filter(|_| needs_bundle).map(parse_not_after);
        let terms = terms
            .transpose()?
            .map(|not_after| Terms::of(&ceremony.config, self.serial, not_after, None));
        let terms = terms.transpose()?;
        let finished = Finished::verify(&ceremony)?;
        keys.write(&finished.done, &self.witness)?;
        let done = finished.write(&ceremony)?;
        if let Some(terms) = terms {
            terms.write(&ceremony, &done, ceremony.folder.create(&bundle, false)?)?;
        }
        Ok(true)
    }
}
