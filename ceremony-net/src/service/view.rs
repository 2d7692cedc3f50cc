//! The folder as the service sees it: read anew when it changes, and asked without touching a disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use ceremony_core::progress::NoProgress;
use ceremony_folder::archive_set::{PublicNames, archive_set, is_data};
use ceremony_folder::audit::{AuditFailure, AuditResult};
use ceremony_folder::commitment::COMMITMENTS;
use ceremony_folder::digests::KnownDigests;
use ceremony_folder::enrolment::ENROLMENTS;
use ceremony_folder::journal::{JOURNAL, JOURNAL_HEAD};
use ceremony_folder::roster::ROSTER;
use ceremony_folder::{Ceremony, CeremonyError, Stage, Track};
use zk_attest::digest::FileDigest;
use zk_attest::statement::Phase;

use super::turn::relative;
use crate::protocol::{ChainInfo, FileInfo, HeadInfo, StageInfo};

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) ceremony: Ceremony,
    /// What can be fetched, by name.
    pub(crate) files: BTreeMap<String, FileInfo>,
    /// Why nothing can be fetched.
    pub(crate) withheld: Option<String>,
    /// What audits found.
    pub(crate) audits: Vec<AuditResult>,
    pub(crate) failed_audits: Vec<AuditFailure>,
    /// Digests of documents.
    digests: KnownDigests,
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
            audits: Vec::new(),
            failed_audits: Vec::new(),
            digests: KnownDigests::default(),
            stamps,
        };
        if before.is_none() {
            view.stamps = self::stamps(root, Some(&view));
        }
        // The rest of the folder is served all the same.
        match (view.ceremony.audits(), view.ceremony.failed_audits()) {
            (Ok(good), Ok(failed)) => (view.audits, view.failed_audits) = (good, failed),
            (Err(error), _) | (_, Err(error)) => tracing::warn!("audits are not shown: {error}"),
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
        let mut digests = before.map(|before| before.digests.clone()).unwrap_or_default();
        // It grows by itself, and has an address of its own.
        let is_journal = |name: &str| name == JOURNAL || name == JOURNAL_HEAD;
        let public = PublicNames::of(&self.ceremony.config);
        for file in archive_set(&self.ceremony)?.files {
            // A name that clients refuse is not handed out: `evidence/` may have any.
            if is_journal(&file.name) || !public.has(&file.name) {
                continue;
            }
            let Ok(metadata) = file.path.symlink_metadata() else { continue };
            let sha256 = match known.get(&file.name) {
                Some(digest) => *digest,
                // A stray: nobody needs it, and its digest may cost more than it is worth.
                None if is_data(&file.name) => continue,
                None => match digests.of(&self.ceremony.folder, &file.path, &NoProgress) {
                    // It has just got another name.
                    Err(error) if error.is_missing() => continue,
                    found => found?.1,
                },
            };
            let info = FileInfo {
                name: file.name.clone(),
                size: metadata.len(),
                sha256: sha256.to_string(),
            };
            self.files.insert(file.name, info);
        }
        digests.keep(|path| path.symlink_metadata().is_ok());
        self.digests = digests;
        Ok(())
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
    let mut names: Vec<String> = [
        "",
        "phase1",
        "audits",
        "services",
        "evidence",
        ROSTER,
        ENROLMENTS,
        COMMITMENTS,
        "bundle.json",
    ]
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
