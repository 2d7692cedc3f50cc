//! `ptau prepare`, whole or one part, and `ptau import-lagrange`.

use std::cell::Cell;
use std::io::{Read, Seek};
use std::path::Path;
use std::time::{Duration, Instant};

use ceremony_core::format::bases_part::{PartHeader, Residue};
use ceremony_core::format::bound_file::digest_file;
use ceremony_core::format::ptau::{Levels, Ptau};
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::phase1::contribute::StepError;
use ceremony_core::phase1::prepare::{
    Checkpoint, ImportError, Preparation, check_preparation, import_lagrange,
};
use ceremony_core::phase1::verify::{Check, VerifyError};
use ceremony_folder::explained;
use ceremony_folder::resumable::{Found, Resumable};
use serde::{Deserialize, Serialize};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;

use super::ptau::open_ptau;
use crate::cli::{ImportLagrange, LevelsOrCircuit, Prepare};
use crate::failure;
use crate::outcome::{made, note};
use crate::output::open;
use crate::progress::Bars;

/// What an unfinished output is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Work {
    unfinished: String,
    /// The program and its version: what a checkpoint counts may change with it.
    program: String,
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
        let Self { unfinished: _, program, input, levels, part } = self;
        write!(f, "input {input}, levels {levels}")?;
        if let Some(part) = part {
            write!(f, ", {part}")?;
        }
        write!(f, ", by {program}")
    }
}

impl Work {
    /// Of a command, on the file of this SHA-256.
    pub(super) fn new(
        command: &str,
        input: impl ToString,
        levels: Levels,
        part: Option<Residue>,
    ) -> Self {
        let (input, levels) = (input.to_string(), levels.to_string());
        let part = part.map(|part| part.to_string());
        let program = concat!("zk-ceremony ", env!("CARGO_PKG_VERSION")).into();
        Self { unfinished: command.into(), program, input, levels, part }
    }

    /// What is noted before anything is done.
    pub(super) fn first_note(&self) -> Vec<u8> {
        self.note(None)
    }

    fn note(&self, done: Option<Checkpoint>) -> Vec<u8> {
        let done = done.map(|Checkpoint { levels, steps, .. }| Done { levels, steps });
        // Texts and numbers: there is nothing that JSON could not say.
        serde_json::to_vec(&Note { work: self.clone(), done }).unwrap_or_default()
    }

    /// How far the work that a note speaks of has come, if it is this one.
    fn checkpoint(&self, at: &Found) -> Result<Option<Checkpoint>, Diagnostic> {
        let Note { work, done } = Note::read(at, &self.levels, self.part.as_deref())?;
        if work != *self {
            return Err(interrupted_other(at, &work.to_string(), &self.to_string()));
        }
        Ok(done.map(|Done { levels, steps }| Checkpoint { levels, steps, required: false }))
    }
}

impl Note {
    /// What an earlier process noted, if it prepared these levels, or this part of them. Which
    /// input, only its digest tells.
    fn read(at: &Found, levels: &str, part: Option<&str>) -> Result<Self, Diagnostic> {
        let named = |levels: &str, part: Option<&str>| {
            let part = part.map(|part| format!(", {part}")).unwrap_or_default();
            format!("a preparation of levels {levels}{part}")
        };
        let other = |found: &str| interrupted_other(at, found, &named(levels, part));
        let note: Self = serde_json::from_slice(&at.note)
            .map_err(|error| other(&format!("not a note of a preparation: {error}")))?;
        let work = &note.work;
        if work.levels == levels && work.part.as_deref() == part {
            return Ok(note);
        }
        Err(other(&named(&work.levels, work.part.as_deref())))
    }
}

fn interrupted_other(at: &Found, found: &str, expected: &str) -> Diagnostic {
    interrupted(&at.unfinished, "another preparation was interrupted with this output")
        .at(format_args!("{}.json", at.unfinished.display()))
        .found(found)
        .expected(expected)
}

/// What an interrupted command left cannot be gone on with.
fn interrupted(unfinished: &Path, what: &str) -> Diagnostic {
    let file = unfinished.display();
    Diagnostic::environment("unfinished-other", what).at(&file).hint(format_args!(
        "give the command that was interrupted, or remove what it left: the three files {file}, \
         {file}.scratch and {file}.json"
    ))
}

/// Prepares a file for these levels, or makes the part that a header names, from the last
/// checkpoint of an earlier process, if there is one.
pub(super) fn prepare_resumably<R: Read + Seek + Send>(
    (path, input): (&Path, &mut Ptau<R>),
    levels: Levels,
    part: Option<&PartHeader>,
    (work, files): (&Work, &mut Resumable),
    every: Duration,
) -> Result<(), Diagnostic> {
    let bars = Bars::default();
    let done = files.found().map(|found| work.checkpoint(found)).transpose()?.flatten();
    let unfinished = files.unfinished().to_owned();
    let kept = Cell::new(done.is_some());
    let failed = |error| match error {
        StepError::OtherOutput => {
            let what = "the unfinished output is damaged, or of another preparation";
            interrupted(&unfinished, what)
        }
        StepError::Write(_) if kept.get() => failure::step(path, &error)
            .hint("what was done up to the last checkpoint is kept: run the same command again"),
        error => failure::step(path, &error),
    };
    let mut last = Instant::now();
    let (output, scratch, mut keeper) = files.parts();
    if let Some(done) = done {
        let unfinished = unfinished.display();
        note!("going on with {unfinished}, after {} of its levels", done.levels);
    }
    let preparation = match (part, done) {
        (None, Some(done)) => Preparation::resume(input, output, levels, done, &bars),
        (None, None) => Preparation::begin(input, output, levels, &bars),
        (Some(header), Some(done)) => Preparation::resume_part(input, output, header, done, &bars),
        (Some(header), None) => {
            Preparation::begin_part(input, output, levels, header.part, header.input, &bars)
        }
    };
    preparation
        .map_err(failed)?
        .finish(Some(scratch), &mut |output, _, checkpoint| {
            if checkpoint.required || last.elapsed() >= every {
                keeper.keep(output, &work.note(Some(checkpoint)))?;
                kept.set(true);
                last = Instant::now();
            }
            Ok(())
        })
        .map_err(failed)?;
    Ok(())
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
        let part = self.parts.part;
        // Before the file is read from end to end, for its digest.
        if let Some(found) = Resumable::judge(path, self.output.force, &[&self.input])? {
            let part = part.map(|part| part.to_string());
            Note::read(&found, &levels.to_string(), part.as_deref())?;
        }
        check_preparation(&input, levels, part.unwrap_or(Residue::WHOLE), &bars)
            .map_err(|e| failure::step(&self.input, &e))?;
        let digests = digest_file(input.source(), &bars)
            .map_err(|e| failure::io(&self.input, "reading", &e))?;
        let header = part.map(|part| PartHeader { input: digests.sha256, power, levels, part });
        let work = Work::new("ptau prepare", digests.sha256, levels, part);
        let inputs = [self.input.as_path()];
        let mut files = Resumable::open(path, self.output.force, &inputs, &work.first_note())?;
        let every = Duration::from_secs(self.checkpoint_every);
        let input = (self.input.as_path(), &mut input);
        prepare_resumably(input, levels, header.as_ref(), (&work, &mut files), every)?;
        files.commit()?;
        if let Some(part) = self.parts.part {
            made(path, format_args!("{part} of the preparation for levels {levels}"))
                .line("sha256 of the input", digests.sha256);
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
