//! `ptau prepare`, whole or one part, and `ptau import-lagrange`.

use std::path::Path;
use std::time::{Duration, Instant};

use ceremony_core::format::bases_part::{PartHeader, Residue};
use ceremony_core::format::bound_file::digest_file;
use ceremony_core::format::ptau::Levels;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::phase1::prepare::{
    Checkpoint, ImportError, Preparation, check_preparation, import_lagrange,
};
use ceremony_core::phase1::verify::{Check, VerifyError};
use ceremony_folder::explained;
use ceremony_folder::resumable::Resumable;
use serde::{Deserialize, Serialize};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;

use super::ptau::open_ptau;
use crate::cli::{ImportLagrange, LevelsOrCircuit, Prepare};
use crate::failure;
use crate::outcome::{made, note};
use crate::output::{Output, open};
use crate::progress::Bars;

/// What an unfinished output is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Work {
    unfinished: String,
    version: u32,
    /// SHA-256 of the input.
    input: String,
    levels: String,
    /// Of a preparation in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<String>,
}

/// What stands beside an unfinished output. Without `done` the powers are still being copied.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    work: Work,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<Done>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Done {
    levels: u32,
    steps: u64,
}

impl std::fmt::Display for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { input, levels, part, .. } = self;
        write!(f, "input {input}, levels {levels}")?;
        part.as_ref().map_or(Ok(()), |part| write!(f, ", {part}"))
    }
}

impl Work {
    fn note(&self, done: Option<Checkpoint>) -> Vec<u8> {
        let done = done.map(|Checkpoint { levels, steps, .. }| Done { levels, steps });
        // Texts and numbers: there is nothing that JSON could not say.
        serde_json::to_vec(&Note { work: self.clone(), done }).unwrap_or_default()
    }

    /// How far the work that a note speaks of has come, if it is this one.
    fn checkpoint(&self, out: &Path, found: &[u8]) -> Result<Option<Checkpoint>, Diagnostic> {
        let other = |found: String| {
            let out = out.display();
            Diagnostic::environment(
                "unfinished-other",
                "another preparation was interrupted with this output",
            )
            .at(format_args!("{out}.unfinished.json"))
            .found(found)
            .expected(self)
            .hint(format_args!(
                "give the command that was interrupted, name another output, or remove the three \
                 files {out}.unfinished, {out}.unfinished.scratch and {out}.unfinished.json"
            ))
        };
        let Note { work, done } = serde_json::from_slice(found)
            .map_err(|error| other(format!("no note of a preparation: {error}")))?;
        if work != *self {
            return Err(other(work.to_string()));
        }
        Ok(done.map(|Done { levels, steps }| Checkpoint { levels, steps, required: false }))
    }
}

impl Prepare {
    fn wanted(&self, all: Levels) -> Result<Levels, Diagnostic> {
        match &self.levels {
            None => Ok(all),
            Some(LevelsOrCircuit::Levels(levels)) => Ok(*levels),
            Some(LevelsOrCircuit::Circuit(path)) => {
                let r1cs = R1cs::open(open(path)?).map_err(|e| failure::format(path, &e))?;
                Ok(Levels::of(r1cs.shape().power()))
            }
        }
    }

    pub(super) fn run(self) -> Result<(), Diagnostic> {
        if !self.parts.combine.is_empty() {
            return self.combined();
        }
        let (path, bars) = (&self.output.path, Bars::default());
        let mut input = open_ptau(&self.input)?;
        let power = input.power();
        let levels = self.wanted(Levels::all(power))?;
        // Before hours of hashing and computing.
        Output::judge(path, self.output.force, &[&self.input])?;
        let failed = |e| failure::step(&self.input, &e);
        if let Some(part) = self.parts.part {
            check_preparation(&input, levels, part, &bars).map_err(failed)?;
        }
        let digests = digest_file(input.source(), &bars)
            .map_err(|e| failure::io(&self.input, "reading", &e))?;
        let work = Work {
            unfinished: "ptau prepare".into(),
            version: 1,
            input: digests.sha256.to_string(),
            levels: levels.to_string(),
            part: self.parts.part.map(|part| part.to_string()),
        };
        let mut files = Resumable::open(path, self.output.force, &[&self.input], &work.note(None))?;
        let done = match files.found() {
            Some(found) => work.checkpoint(path, found)?,
            None => None,
        };
        let header = |part: Residue| PartHeader { input: digests.sha256, power, levels, part };
        let every = Duration::from_secs(self.checkpoint_every);
        let mut last = Instant::now();
        let (output, scratch, mut keeper) = files.parts();
        if let Some(done) = done {
            let (path, levels) = (path.display(), done.levels);
            note!("going on with {path}.unfinished, after {levels} of its levels");
        }
        let preparation = match (self.parts.part, done) {
            (None, Some(done)) => Preparation::resume(&mut input, output, levels, done, &bars),
            (None, None) => Preparation::begin(&mut input, output, levels, &bars),
            (Some(part), Some(done)) => {
                Preparation::resume_part(&mut input, output, &header(part), done, &bars)
            }
            (Some(part), None) => {
                Preparation::begin_part(&mut input, output, levels, part, digests.sha256, &bars)
            }
        };
        preparation
            .map_err(failed)?
            .finish(Some(scratch), &mut |output, _, checkpoint| {
                if checkpoint.required || last.elapsed() >= every {
                    keeper.keep(output, &work.note(Some(checkpoint)))?;
                    last = Instant::now();
                }
                Ok(())
            })
            .map_err(failed)?;
        files.commit()?;
        if let Some(part) = self.parts.part {
            made(path, format_args!("{part} of the preparation for levels {levels}"))
                .line("sha256 of the file", digests.sha256);
        } else if levels == Levels::all(power) {
            made(path, format_args!("prepared for circuits of up to 2^{power} constraints"));
        } else {
            made(path, format_args!("prepared for circuits of levels {levels}"));
        }
        Ok(())
    }
}

impl ImportLagrange {
    pub(super) fn run(self) -> Result<(), Diagnostic> {
        let path = &self.output.path;
        let (mut input, mut other) = (open_ptau(&self.input)?, open_ptau(&self.lagrange)?);
        let mut output = self.output.create(&[&self.input, &self.lagrange])?;
        import_lagrange(&mut input, &mut other, &mut output, &Bars::default())
            .map_err(|error| self.failed(&error))?;
        output.commit()?;
        let levels = other.lagrange().map(|lagrange| lagrange.levels.to_string());
        made(path, "prepared with verified Lagrange bases")
            .line("levels", levels.unwrap_or_default());
        Ok(())
    }

    fn failed(&self, error: &ImportError) -> Diagnostic {
        let (input, lagrange) = (self.input.as_path(), self.lagrange.as_path());
        let (path, hint) = match error {
            ImportError::Step(error) => return failure::step(input, error),
            ImportError::Other(error) => return failure::format(lagrange, error),
            ImportError::Check(error @ VerifyError::Failed(failed))
                if failed.check == Check::Lagrange =>
            {
                return explained(error).at(lagrange.display()).hint(format_args!(
                    "these bases were altered or belong to other powers: take another file, or \
                     compute them with `{PROGRAM} ptau prepare {} OUT`",
                    input.display()
                ));
            }
            ImportError::Check(error) => return failure::verify(input, error),
            ImportError::NotPrepared => (
                lagrange,
                format!(
                    "name a prepared file, or compute the bases: `{PROGRAM} ptau prepare {} OUT`",
                    input.display()
                ),
            ),
            _ => (lagrange, "name a prepared file of the same ceremony and power".to_owned()),
        };
        explained(error).at(path.display()).hint(hint)
    }
}
