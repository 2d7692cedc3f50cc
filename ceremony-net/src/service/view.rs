//! The folder as the service sees it: read anew when it changes, and asked without touching a disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use ceremony_core::format::bound_file::sha256_file;
use ceremony_core::progress::NoProgress;
use ceremony_folder::archive_set::{archive_set, is_public_name};
use ceremony_folder::enrolment::ENROLMENTS;
use ceremony_folder::journal::{JOURNAL, JOURNAL_HEAD};
use ceremony_folder::roster::ROSTER;
use ceremony_folder::{Ceremony, CeremonyError, Stage, Track};
use zk_attest::digest::FileDigest;
use zk_attest::statement::Phase;

use super::turn::relative;
use crate::protocol::{ChainInfo, FileInfo, HeadInfo, StageInfo};

/// Bytes of documents that change, whose digest is taken anew.
type Stamp = (u64, Option<SystemTime>);

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) ceremony: Ceremony,
    /// What can be fetched, by name.
    pub(crate) files: BTreeMap<String, FileInfo>,
    /// Why nothing can be fetched.
    pub(crate) withheld: Option<String>,
    /// Digests of documents, by name.
    digests: BTreeMap<String, (Stamp, FileDigest)>,
    pub(crate) stamps: Vec<(String, Option<SystemTime>)>,
    pub(crate) bundle: bool,
}

impl View {
    /// Reads the folder. What `before` knows of files that have not changed is not computed again.
    pub(crate) fn read(root: &Path, before: Option<&Self>) -> Result<Self, CeremonyError> {
        // Before the content: what changes meanwhile is read again next time.
        let stamps = stamps(root, before);
        let ceremony = match before {
            Some(before) => before.ceremony.again()?,
            None => Ceremony::open(root)?,
        };
        let mut view = Self {
            bundle: ceremony.folder.is_present(&ceremony.folder.bundle()),
            ceremony,
            files: BTreeMap::new(),
            withheld: None,
            digests: BTreeMap::new(),
            stamps,
        };
        if before.is_none() {
            view.stamps = self::stamps(root, Some(&view));
        }
        if let Err(error) = view.list(before) {
            // Nothing is handed out of a folder that has what must not be.
            view.files.clear();
            view.withheld = Some(error.to_string());
        }
        Ok(view)
    }

    fn list(&mut self, before: Option<&Self>) -> Result<(), CeremonyError> {
        let mut known: BTreeMap<String, FileDigest> = BTreeMap::new();
        for chain in self.ceremony.chains() {
            for step in chain.steps.iter().chain(&chain.prepared) {
                known.insert(relative(&self.ceremony, &step.path), step.file);
            }
            for gone in &chain.rejected {
                let path = self.ceremony.folder.file(&chain.track, gone.name);
                known.insert(relative(&self.ceremony, &path), gone.file);
            }
        }
        let circuits = &self.ceremony.config.document().circuits;
        for circuit in circuits {
            let path = self.ceremony.folder.r1cs(&circuit.name);
            known.insert(relative(&self.ceremony, &path), FileDigest(circuit.sha256.0));
        }
        // It grows by itself, and has an address of its own.
        let is_journal = |name: &str| name == JOURNAL || name == JOURNAL_HEAD;
        for file in archive_set(&self.ceremony)?.files {
            // A name that clients refuse is not handed out: `evidence/` may have any.
            if is_journal(&file.name) || !is_public_name(&self.ceremony.config, &file.name) {
                continue;
            }
            let Ok(metadata) = file.path.symlink_metadata() else { continue };
            let is_data = [".ptau", ".zkey", ".r1cs"].iter().any(|it| file.name.ends_with(it));
            let sha256 = match known.get(&file.name) {
                Some(digest) => *digest,
                // A stray: nobody needs it, and its digest may cost more than it is worth.
                None if is_data => continue,
                None => match self.document(&file.name, &file.path, &metadata, before) {
                    // It has just got another name.
                    Err(error) if error.is_missing() => continue,
                    digest => digest?,
                },
            };
            let info = FileInfo {
                name: file.name.clone(),
                size: metadata.len(),
                sha256: sha256.to_string(),
            };
            self.files.insert(file.name, info);
        }
        Ok(())
    }

    fn document(
        &mut self,
        name: &str,
        path: &Path,
        metadata: &std::fs::Metadata,
        before: Option<&Self>,
    ) -> Result<FileDigest, CeremonyError> {
        let stamp = (metadata.len(), metadata.modified().ok());
        let known = before.and_then(|before| before.digests.get(name));
        let digest = match known {
            Some((same, digest)) if *same == stamp => *digest,
            _ => {
                let mut file = self.ceremony.folder.open(path)?;
                let cause = |error: std::io::Error| {
                    let fault =
                        ceremony_folder::output::OutputFault::Io { doing: "reading", error };
                    ceremony_folder::output::OutputError { path: path.into(), fault }
                };
                FileDigest(sha256_file(&mut file, &NoProgress).map_err(cause)?.0)
            }
        };
        self.digests.insert(name.into(), (stamp, digest));
        Ok(digest)
    }

    /// Whether the folder changed since.
    pub(crate) fn is_stale(&self, root: &Path) -> bool {
        stamps(root, Some(self)) != self.stamps
    }

    pub(crate) fn stage(&self) -> StageInfo {
        match self.ceremony.stage() {
            Stage::Contributions(Phase::One) => StageInfo::Phase1,
            Stage::Prepare => StageInfo::Prepare,
            Stage::Contributions(Phase::Two) => StageInfo::Phase2,
            Stage::Closed => StageInfo::Closed,
        }
    }

    pub(crate) fn size(&self, path: &Path) -> Option<u64> {
        self.files.get(&relative(&self.ceremony, path)).map(|file| file.size)
    }

    pub(crate) fn chains(&self) -> Vec<ChainInfo> {
        let of = |chain: &ceremony_folder::Chain| ChainInfo {
            circuit: match &chain.track {
                Track::Phase1 => None,
                Track::Circuit(name) => Some(name.to_string()),
            },
            contributors: chain
                .contributions()
                .map(|step| step.words.participant.to_string())
                .collect(),
            closed: chain.is_closed(),
            head: chain.steps.last().map(|step| HeadInfo {
                index: step.index,
                file: relative(&self.ceremony, &step.path),
                sha256: step.file.to_string(),
                size: self.size(&step.path).unwrap_or_default(),
            }),
        };
        self.ceremony.chains().map(of).collect()
    }
}

/// When each folder of the ceremony, and each document that is replaced, was changed.
fn stamps(root: &Path, view: Option<&View>) -> Vec<(String, Option<SystemTime>)> {
    let mut names: Vec<String> =
        ["", "phase1", "audits", "services", "evidence", ROSTER, ENROLMENTS, "bundle.json"]
            .map(str::to_owned)
            .into();
    if let Some(view) = view {
        let circuits = &view.ceremony.config.document().circuits;
        names.extend(circuits.iter().map(|circuit| format!("circuits/{}", circuit.name)));
    }
    let changed = |name: &String| {
        root.join(name).symlink_metadata().and_then(|metadata| metadata.modified()).ok()
    };
    names.into_iter().map(|name| (name.clone(), changed(&name))).collect()
}

/// A view that requests share.
pub(crate) type SharedView = Arc<View>;
