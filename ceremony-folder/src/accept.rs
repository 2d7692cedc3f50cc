//! The one way in for a contribution that was made elsewhere: verified first, added after.
//!
//! [`Ceremony::accept`] proves of a contribution, in this order, that
//!
//! 1. its attestation is of this ceremony and of one of its chains, by the key of a participant of
//!    the phase;
//! 2. it is made from the last file of the chain, and is signed for the next free place;
//! 3. it is that participant's turn;
//! 4. the data file is the attested one, and follows from the file before it.
//!
//! Then both files get their names, which must be free: the attestation first, the data file last.
//! Whatever fails, nothing has changed. After a crash between the two, the same contribution brings
//! its data file.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ceremony_core::format::bound_file::digest_file;
use ceremony_core::progress::Progress;
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::primitives::Label;
use zk_attest::statement::{Action, StepAttestation};

use crate::Ceremony;
use crate::chain::{Chain, Step};
use crate::claim::{Reader, envelope};
use crate::error::{Cause, CeremonyError, at};
use crate::folder::{Slot, StepName, Track};
use crate::link::verify_link;
use crate::output::Output;
pub use crate::refused::Refused;
use crate::store::{EntryKind, LocalDirectory, Store as _, open_regular};
use crate::tidy::PutAway;

/// Folders in a folder of an inbox at most: what a copy of a ceremony has, and one more.
const MAX_DEPTH: usize = 5;
/// Files of an inbox at most: those of a ceremony.
const MAX_FILES: usize = 1 << 14;

/// What a data file is called while it is verified, had it a name then.
const INCOMING: &str = ".zk-ceremony-incoming";

/// An attestation as it came.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The file.
    pub path: PathBuf,
    bytes: Vec<u8>,
    words: StepAttestation,
    file: FileDigest,
}

impl Delivered {
    /// What it says. Nobody has verified that yet.
    #[must_use]
    pub fn words(&self) -> &StepAttestation {
        &self.words
    }

    /// SHA-256 of the data file that it is about, as it says.
    #[must_use]
    pub fn file(&self) -> FileDigest {
        self.file
    }
}

/// What came: attestations, and files that may be what they attest. Nothing in it is believed.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    /// Attestations, the first step first.
    pub attestations: Vec<Delivered>,
    /// All other files.
    pub files: Vec<PathBuf>,
}

/// A contribution that was added.
#[derive(Debug)]
pub struct Accepted {
    /// The step.
    pub step: Step,
    /// The chain.
    pub track: Track,
    /// Strays that had its name, and where they are now.
    pub put_away: Vec<PutAway>,
}

impl Inbox {
    /// Looks through files and folders. Links, pipes and devices are not followed or opened.
    ///
    /// # Errors
    /// When one of them is not there, or a folder has too many files.
    pub fn read(paths: &[PathBuf]) -> Result<Self, CeremonyError> {
        let mut inbox = Self::default();
        for path in paths {
            let metadata = path.symlink_metadata().map_err(at(path))?;
            if metadata.is_dir() {
                inbox.folder(path, 0)?;
            } else {
                inbox.file(path)?;
            }
        }
        inbox.attestations.sort_by_key(|delivered| {
            (u8::from(delivered.words.phase), delivered.words.index, delivered.path.clone())
        });
        Ok(inbox)
    }

    fn folder(&mut self, path: &Path, depth: usize) -> Result<(), CeremonyError> {
        let mut entries =
            LocalDirectory::new(path).entries(Path::new(""), MAX_FILES).map_err(at(path))?;
        entries.sort();
        for entry in entries.iter().filter(|entry| !entry.name.starts_with('.')) {
            let path = path.join(&entry.name);
            match entry.kind {
                EntryKind::File => self.file(&path)?,
                EntryKind::Folder if depth < MAX_DEPTH => self.folder(&path, depth + 1)?,
                EntryKind::Folder | EntryKind::Other => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), CeremonyError> {
        if self.attestations.len() + self.files.len() >= MAX_FILES {
            let why = "an inbox has no more files than a ceremony";
            return Err(CeremonyError { path: path.into(), cause: Cause::DoesNotBelong { why } });
        }
        let file = open_regular(path).map_err(at(path))?;
        let length = file.metadata().map_err(at(path))?.len();
        let mut bytes = Vec::new();
        if length <= Envelope::MAX_BYTES as u64 {
            file.take(Envelope::MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(at(path))?;
        }
        match envelope(path, &bytes) {
            Ok((_, words, subject)) => {
                let file = FileDigest(subject.digest.sha256.0);
                self.attestations.push(Delivered { path: path.into(), bytes, words, file });
            }
            Err(_) => self.files.push(path.into()),
        }
        Ok(())
    }
}

impl Ceremony {
    /// Adds a contribution, if everything about it holds. Participants named in `skip` are passed
    /// over.
    ///
    /// # Errors
    /// [`Refused`]. Nothing has changed then.
    pub fn accept(
        &self,
        delivered: &Delivered,
        files: &[PathBuf],
        skip: &[String],
        progress: &dyn Progress,
    ) -> Result<Accepted, Refused> {
        let (track, step) = self.signed(delivered)?;
        let chain = self.chain(&track)?;
        // A process that was killed between the two: the attestation is here, and its data is not.
        let half = chain.steps.iter().position(|it| it.file == step.file && !it.present);
        if let Some((at, before)) =
            half.and_then(|at| Some((at, chain.steps.get(at.checked_sub(1)?)?)))
        {
            let same = chain.steps[at].clone();
            let path = self.folder.file(&track, same.name);
            let mut output = self.incoming(delivered, &same, before, &path, files, progress)?;
            output.rename(&path.file_name().unwrap_or_default().to_string_lossy());
            output.commit().map_err(CeremonyError::from)?;
            let step = Step { present: true, path, ..same };
            return Ok(Accepted { step, track, put_away: Vec::new() });
        }
        let head = self.place(chain, &step)?;
        self.ensure_may_come(chain, &step, skip)?;
        let name = step.name;
        let path = self.folder.file(&track, name);
        let mut output = self.incoming(delivered, &step, head, &path, files, progress)?;
        let put_away = self.make_room(&track, name)?;
        output.rename(&path.file_name().unwrap_or_default().to_string_lossy());
        let attestation = self.folder.attestation(&track, name);
        let mut written = self.folder.create(&attestation, false)?;
        let attested = step.envelope.only_by(&step.key).map_err(at(&delivered.path))?;
        written.write_all(&attested.to_json()).map_err(|error| CeremonyError {
            path: attestation,
            cause: Cause::Write { doing: "writing", error },
        })?;
        written.commit().map_err(CeremonyError::from)?;
        output.commit().map_err(CeremonyError::from)?;
        let step = Step { present: true, path, ..step };
        Ok(Accepted { step, track, put_away })
    }

    /// A copy of the attested data file, verified against the step before it. The copy is what is
    /// added, so that what is verified is what is added.
    fn incoming(
        &self,
        delivered: &Delivered,
        step: &Step,
        before: &Step,
        path: &Path,
        files: &[PathBuf],
        progress: &dyn Progress,
    ) -> Result<Output, Refused> {
        let track = match &step.words.circuit {
            None => Track::Phase1,
            Some(circuit) => Track::Circuit(circuit.name.clone()),
        };
        let data = data(delivered, step, track.extension(), files, progress)?;
        let mut output = self.folder.create(&path.with_file_name(INCOMING), false)?;
        let copied = open_regular(&data)
            .map_err(at(&data))
            .and_then(|mut file| io::copy(&mut file, &mut output).map_err(at(&data)));
        copied?;
        let digest = digest_file(&mut output, progress).map_err(at(&data))?;
        if digest.sha256.0 != step.file.0 {
            return Err(Refused::damaged(step, &data, digest.sha256));
        }
        verify_link(self, before, step, &mut output, progress).map_err(|error| {
            if error.is_environment() {
                Refused::Failed(error)
            } else {
                let (by, error) = (step.words.participant.clone(), Box::new(error));
                Refused::Bad { by, file: data.clone(), error }
            }
        })?;
        Ok(output)
    }

    /// The chain and the step that an attestation is of, if a participant signed it.
    fn signed(&self, delivered: &Delivered) -> Result<(Track, Step), Refused> {
        let (rules, words) = (self.config.document(), &delivered.words);
        let path = &delivered.path;
        let is_ours = words.ceremony == rules.id
            && words.ceremony_toml_sha256 == self.config.digest()
            && words.kind == rules.kind;
        let track = match &words.circuit {
            None => Track::Phase1,
            Some(circuit) => Track::Circuit(circuit.name.clone()),
        };
        if !is_ours || self.chain(&track).is_err() || self.reference(&track) != words.circuit {
            return Err(Refused::OtherCeremony {
                path: path.clone(),
                found: format!("{}, ceremony.toml {}", words.ceremony, words.ceremony_toml_sha256),
                expected: format!("{}, ceremony.toml {}", rules.id, self.config.digest()),
            });
        }
        if words.action != Action::Contribution {
            let action = words.action;
            return Err(Refused::NotAContribution { path: path.clone(), action });
        }
        let reader = Reader {
            folder: &self.folder,
            config: &self.config,
            roster: &self.roster,
            track: track.clone(),
            circuit: self.reference(&track),
            start: None,
        };
        let unsigned = |error| Refused::Unsigned { path: path.clone(), error };
        let (_, _, subject) = envelope(path, &delivered.bytes)
            .map_err(|error| unsigned(std::sync::Arc::new(error)))?;
        let name =
            reader.signed_name(&subject).unwrap_or(StepName::first(Slot::Number(words.index)));
        let step = reader.said(name, &delivered.bytes).map_err(|unfit| unsigned(unfit.error))?;
        Ok((track, step))
    }

    /// The step that a contribution is built on, if its place is the next one.
    fn place<'a>(&self, chain: &'a Chain, step: &Step) -> Result<&'a Step, Refused> {
        let by = step.words.participant.clone();
        let root = self.folder.root();
        if let Some(same) = chain.steps.iter().find(|other| other.file == step.file) {
            return Err(Refused::AlreadyHere { by, step: same.name });
        }
        if let Some(gone) = chain.rejected.iter().find(|gone| gone.file == step.file) {
            let reason = gone.reason.clone();
            return Err(Refused::Rejected { by, step: gone.name, reason });
        }
        let at = chain.steps.iter().position(|other| Some(other.file) == step.words.input_sha256);
        let (Some(at), Some(head)) = (at, chain.steps.last()) else {
            return Err(Refused::OffTheChain { by, track: chain.track.clone(), root: root.into() });
        };
        let closed_by = |step: &Step| (step.words.action == Action::Beacon).then_some(step.name);
        match chain.steps.get(at + 1) {
            Some(next) if next.words.action == Action::Contribution => {
                let maker = next.words.participant.clone();
                Err(Refused::Twin { by, of: next.name, maker, root: root.into() })
            }
            next => {
                let closed = next.and_then(closed_by).or_else(|| closed_by(head));
                if let Some(closed_by) = closed.or_else(|| chain.awaits_beacon()) {
                    return Err(Refused::Late { by, closed_by, track: chain.track.clone() });
                }
                let free = chain.free_name(Slot::Number(head.index + 1));
                if step.name == free {
                    return Ok(head);
                }
                let signed = step.name;
                Err(Refused::AnotherPlace { by, signed, free, root: root.into() })
            }
        }
    }

    fn ensure_may_come(&self, chain: &Chain, step: &Step, skip: &[String]) -> Result<(), Refused> {
        self.ensure_sound()?;
        let participant = self.named(&step.words.participant)?;
        // A key that was replaced signs nothing new.
        if !step.is_signed_by(&participant.key) {
            return Err(Refused::Turn(crate::TurnError::NotTheirKey {
                name: participant.name.clone(),
                found: step.key,
                signer: "the attestation's signature".into(),
                expected: participant.key,
            }));
        }
        let open = self.chains_open_to(participant, skip)?;
        if open.contains(&chain.track) {
            return Ok(());
        }
        Ok(self.ensure_turn(chain, participant, skip)?)
    }

    /// The participant of a name that an attestation was verified for.
    fn named(&self, name: &Label) -> Result<&crate::config::Participant, Refused> {
        let roster = self.roster.everybody();
        roster.iter().find(|participant| participant.name == *name).ok_or_else(|| {
            Refused::Turn(crate::TurnError::NotInRoster {
                name: name.to_string(),
                roster: roster.iter().map(|participant| participant.name.to_string()).collect(),
            })
        })
    }
}

/// The file that is the attested one.
fn data(
    delivered: &Delivered,
    step: &Step,
    ending: &str,
    files: &[PathBuf],
    progress: &dyn Progress,
) -> Result<PathBuf, Refused> {
    // Those next to the attestation come first, and of these the one of its name.
    let stem = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.split('.').next().map(str::to_owned)
    };
    let distance = |path: &&PathBuf| {
        let near = path.parent() == delivered.path.parent();
        (!near, stem(path) != stem(&delivered.path), (*path).clone())
    };
    let mut fitting: Vec<&PathBuf> = files
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .collect();
    fitting.sort_by_key(distance);
    let mut nearest = None;
    for path in fitting {
        let mut file = open_regular(path).map_err(at(path))?;
        let digest = digest_file(&mut file, progress).map_err(at(path))?;
        if digest.sha256.0 == step.file.0 {
            return Ok(path.clone());
        }
        let near = path.parent() == delivered.path.parent() && stem(path) == stem(&delivered.path);
        if near {
            nearest = Some((path.clone(), digest.sha256));
        }
    }
    Err(match nearest {
        Some((path, found)) => Refused::damaged(step, &path, found),
        None => Refused::Half {
            by: Some(step.words.participant.clone()),
            path: delivered.path.clone(),
            missing: format!("{}.{ending}", step.name),
        },
    })
}
