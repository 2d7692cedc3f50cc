//! `bundle create`: from a ceremony that verifies to a bundle that waits for signatures.

use std::io::Write as _;

use ceremony_folder::{Ceremony, Config, FolderLock, VerifiedCeremony};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::TranscriptDigest;
use zk_attest::primitives::Timestamp;
use zk_vk_guard::bundle::{Bundle, BundlePlan, PlannedCircuit};
use zk_vk_guard::verifying_key::EncodedVerifyingKey;

use super::verify::verified;
use crate::cli::ceremony::CreateBundle;
use crate::failure;
use crate::outcome::{made, note};
use crate::output::Output;

impl CreateBundle {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open_sound(root)?;
        let out = self.out.clone().unwrap_or_else(|| ceremony.folder.bundle());
        if !self.force && out.symlink_metadata().is_ok() {
            return Err(Diagnostic::environment("output-exists", "the bundle exists already")
                .at(out.display())
                .hint(
                    "its signatures would be lost: name another file with --out, or add --force",
                ));
        }
        let terms = self.terms(&ceremony)?;
        let output = match &self.out {
            Some(out) => Output::create(out, self.force, &[])?,
            None => ceremony.folder.create(&out, self.force)?,
        };
        terms.write(&ceremony, &verified(&ceremony)?, output)
    }

    /// What the bundle says of itself, judged before the work of a verification.
    fn terms(&self, ceremony: &Ceremony) -> Result<Terms, Diagnostic> {
        let not_after = parse_not_after(&self.not_after)?;
        let predecessor = self.predecessor.as_deref().map(TranscriptDigest::from_hex).transpose();
        let predecessor = predecessor.map_err(|refusal| {
            failure::argument("--predecessor", &refusal)
                .hint("give the transcript hash as 64 hexadecimal digits")
        })?;
        Terms::of(&ceremony.config, self.serial, not_after, predecessor)
    }
}

/// The last moment at which a bundle may be imported.
pub(super) fn parse_not_after(text: &str) -> Result<Timestamp, Diagnostic> {
    Timestamp::new(text).map_err(|refusal| {
        failure::argument("--not-after", &refusal).hint("write it as 2028-12-31T23:59:59Z, in UTC")
    })
}

/// What a bundle says of itself.
pub(super) struct Terms {
    pub(super) serial: u64,
    pub(super) not_after: Timestamp,
    pub(super) predecessor: Option<TranscriptDigest>,
}

impl Terms {
    /// With the serial and the predecessor that the rules know, where they name one.
    pub(super) fn of(
        rules: &Config,
        serial: Option<u64>,
        not_after: Timestamp,
        predecessor: Option<TranscriptDigest>,
    ) -> Result<Self, Diagnostic> {
        if not_after <= Timestamp::now() {
            return Err(Diagnostic::environment("not-after", "this moment is past")
                .at("--not-after")
                .found(&not_after)
                .expected("a time to come: no bundle is imported after it"));
        }
        let known = rules.document().predecessor;
        let lowest = known.map(|known| known.serial + 1);
        let serial = match (serial, lowest) {
            (Some(serial), Some(lowest)) if serial < lowest => {
                return Err(Diagnostic::environment(
                    "serial",
                    "the serial is not higher than that of the predecessor, which the rules name",
                )
                .at("--serial")
                .found(serial)
                .expected(format_args!("{lowest} or higher")));
            }
            (Some(serial), _) | (None, Some(serial)) => serial,
            (None, None) => {
                return Err(Diagnostic::environment("arguments", "the bundle has no serial")
                    .at("--serial")
                    .expected(
                        "a number higher than that of every bundle before; 1 for the first",
                    ));
            }
        };
        let known = known.map(|known| known.transcript_sha256);
        match (predecessor, known) {
            (Some(given), Some(known)) if given != known => {
                Err(Diagnostic::environment("predecessor", "the rules name another predecessor")
                    .at("--predecessor")
                    .found(given)
                    .expected(known)
                    .hint("leave --predecessor out"))
            }
            (given, known) => Ok(Self { serial, not_after, predecessor: given.or(known) }),
        }
    }

    /// Writes the bundle of a verified ceremony.
    pub(super) fn write(
        self,
        ceremony: &Ceremony,
        done: &VerifiedCeremony,
        mut output: Output,
    ) -> Result<(), Diagnostic> {
        let out = output.path().to_owned();
        let circuits =
            done.keys().iter().zip(&ceremony.config.document().circuits).map(|(key, circuit)| {
                PlannedCircuit {
                    name: key.name.clone(),
                    program_id: circuit.program.clone(),
                    program_hash: circuit.program_hash,
                    key: EncodedVerifyingKey {
                        compressed: key.bytes.compressed.clone(),
                        uncompressed: key.bytes.uncompressed.clone(),
                    },
                }
            });
        let plan = BundlePlan {
            serial: self.serial,
            issued: Timestamp::now(),
            not_after: self.not_after,
            predecessor: self.predecessor,
            circuits: circuits.collect(),
        };
        let refused = |refusal| failure::refusal(&out, &refusal);
        let bundle = Bundle::create(done.transcript(), plan).map_err(refused)?;
        output
            .write_all(&bundle.to_json().map_err(refused)?)
            .map_err(|e| failure::io(&out, "writing", &e))?;
        output.commit()?;
        let inspection = bundle.inspect(None, &Timestamp::now()).map_err(refused)?;
        note!("{inspection}");
        made(&out, "unsigned").line("statement_sha256", inspection.statement_sha256).line(
            "next",
            format_args!("each signer: {PROGRAM} bundle sign {} --key FILE", out.display()),
        );
        Ok(())
    }
}
