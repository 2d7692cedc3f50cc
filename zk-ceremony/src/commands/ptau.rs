//! `ptau`: phase 1 from the command line.

use std::fs::File;
use std::path::Path;

use ceremony_core::format::bound_file::{FileDigests, digest_file};
use ceremony_core::format::ptau::{Contribution, Levels, Power, Ptau};
use ceremony_core::phase1::challenge_response::{
    contribute_challenge, export_challenge, import_response,
};
use ceremony_core::phase1::contribute::{StepError, apply_beacon, contribute, new};
use ceremony_core::phase1::perpetual_powers::{PublishedPtau, published};
use ceremony_core::phase1::verify::{Check, Expectations, Verified, verify};
use serde::Serialize;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;

use super::ptau_parts::ShownParts;
use crate::cli::{
    BeaconArgs, Contribute, ContributeChallenge, ExportChallenge, ImportResponse, Info, New,
    PtauCommand, Verify,
};
use crate::failure;
use crate::outcome::made;
use crate::output::open;
use crate::progress::Bars;
use crate::show::{
    ShownCheck, ShownRecord, contributor_name, hex_groups, json, parse_digest, verification,
};

impl PtauCommand {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        match self {
            Self::New(command) => command.run(),
            Self::Contribute(command) => command.run(),
            Self::Beacon(command) => command.run(),
            Self::Prepare(command) => command.run(),
            Self::ImportLagrange(command) => command.run(),
            Self::Verify(command) => command.run(),
            Self::Info(command) => command.run(),
            Self::ExportChallenge(command) => command.run(),
            Self::ContributeChallenge(command) => command.run(),
            Self::ImportResponse(command) => command.run(),
        }
    }
}

pub(super) fn open_ptau(path: &Path) -> Result<Ptau<File>, Diagnostic> {
    Ptau::open(open(path)?).map_err(|e| failure::format(path, &e))
}

impl New {
    fn run(self) -> Result<(), Diagnostic> {
        let power = Power::new(self.power).ok_or_else(|| {
            Diagnostic::environment(
                "power-not-1-28",
                format_args!("power {} is not 1 to 28", self.power),
            )
        })?;
        let mut output = self.output.create(&[])?;
        let challenge = new(power, &mut output, &Bars::default())
            .map_err(|e| failure::step(&self.output.path, &e))?;
        output.commit()?;
        made(&self.output.path, format_args!("a new ceremony of power {power}"))
            .hash("first challenge", challenge);
        Ok(())
    }
}

impl Contribute {
    fn run(self) -> Result<(), Diagnostic> {
        let name = contributor_name(&self.name)?;
        let mut input = open_ptau(&self.input)?;
        let mut output = self.output.create(&[&self.input])?;
        let rng = self.entropy.rng()?;
        let record = contribute(&mut input, &mut output, rng, Some(name), &Bars::default())
            .map_err(|e| failure::step(&self.input, &e))?;
        output.commit()?;
        print_new_record(&self.output.path, input.contributions().len() + 1, &record);
        Ok(())
    }
}

impl BeaconArgs {
    fn run(self) -> Result<(), Diagnostic> {
        let beacon = self.beacon.beacon()?;
        let name = self.name.as_deref().map(contributor_name).transpose()?;
        let mut input = open_ptau(&self.input)?;
        let mut output = self.output.create(&[&self.input])?;
        let record = apply_beacon(&mut input, &mut output, beacon, name, &Bars::default())
            .map_err(|e| failure::step(&self.input, &e))?;
        output.commit()?;
        print_new_record(&self.output.path, input.contributions().len() + 1, &record);
        Ok(())
    }
}

fn print_new_record(path: &Path, index: usize, record: &Contribution) {
    made(path, format_args!("contribution {index} added"))
        .hash("contribution hash (publish it)", record.response_hash())
        .hash("next challenge", record.next_challenge);
}

impl ExportChallenge {
    fn run(self) -> Result<(), Diagnostic> {
        let mut input = open_ptau(&self.input)?;
        let mut output = self.output.create(&[&self.input])?;
        let challenge = export_challenge(&mut input, &mut output, &Bars::default())
            .map_err(|e| failure::step(&self.input, &e))?;
        output.commit()?;
        made(&self.output.path, format_args!("challenge file of power {}", input.power()))
            .hash("challenge", challenge);
        Ok(())
    }
}

impl ContributeChallenge {
    fn run(self) -> Result<(), Diagnostic> {
        let challenge = open(&self.challenge)?;
        let mut output = self.output.create(&[&self.challenge])?;
        let rng = self.entropy.rng()?;
        let (challenge, response) =
            contribute_challenge(challenge, &mut output, rng, &Bars::default())
                .map_err(|e| failure::step(&self.challenge, &e))?;
        output.commit()?;
        made(&self.output.path, "response file")
            .hash("challenge answered", challenge)
            .hash("contribution hash (publish it)", response);
        Ok(())
    }
}

impl ImportResponse {
    /// The file that an error speaks of, where the response makes contribution `index`.
    fn blamed(&self, error: &StepError, index: usize) -> &Path {
        match error {
            StepError::Closed { .. }
            | StepError::TruncatedCeremony { .. }
            | StepError::Challenge { .. } => &self.input,
            StepError::Check(failed) if failed.place != format!("contribution {index}") => {
                &self.input
            }
            _ => &self.response,
        }
    }

    fn run(self) -> Result<(), Diagnostic> {
        let name = contributor_name(&self.name)?;
        let mut input = open_ptau(&self.input)?;
        let response = open(&self.response)?;
        let mut output = self.output.create(&[&self.input, &self.response])?;
        let index = input.contributions().len() + 1;
        let record =
            import_response(&mut input, response, &mut output, Some(name), &Bars::default())
                .map_err(|e| failure::step(self.blamed(&e, index), &e))?;
        output.commit()?;
        print_new_record(&self.output.path, index, &record);
        Ok(())
    }
}

/// A file, as it is shown.
#[derive(Serialize)]
pub(super) struct ShownFile {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    power: u32,
    ceremony_power: u32,
    prepared: bool,
    /// The levels of a file that is prepared for some only.
    #[serde(skip_serializing_if = "Option::is_none")]
    levels: Option<String>,
    blake2b: String,
    sha256: String,
    length: u64,
    published_as: Option<&'static str>,
    contributions: Vec<ShownRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<ShownCheck>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) in_parts: Option<ShownParts>,
}

impl ShownFile {
    fn of(path: &Path, ptau: &Ptau<File>, digests: &FileDigests) -> Self {
        let powers = (ptau.power(), ptau.ceremony_power());
        let prepared = ptau.lagrange().map(|lagrange| lagrange.levels);
        Self::new(path.display().to_string(), powers, prepared, ptau.contributions(), digests)
    }

    pub(super) fn new(
        file: String,
        (power, ceremony_power): (Power, Power),
        prepared: Option<Levels>,
        contributions: &[Contribution],
        digests: &FileDigests,
    ) -> Self {
        Self {
            file,
            result: None,
            power: power.exponent(),
            ceremony_power: ceremony_power.exponent(),
            prepared: prepared.is_some(),
            levels: prepared
                .filter(|levels| *levels != Levels::all(power))
                .map(|levels| levels.to_string()),
            blake2b: digests.blake2b.to_string(),
            sha256: digests.sha256.to_string(),
            length: digests.length,
            published_as: published(&digests.blake2b).map(|PublishedPtau { name, .. }| *name),
            contributions: contributions
                .iter()
                .enumerate()
                .map(|(i, record)| shown_record(i + 1, record))
                .collect(),
            checks: None,
            in_parts: None,
        }
    }

    /// The file of which all this holds.
    pub(super) fn verified(mut self, verified: &Verified) -> Self {
        self.result = Some("good");
        let shown_check = |check: &Check| ShownCheck {
            number: check.number(),
            statement: check.statement(),
            remark: None,
        };
        self.checks = Some(verified.checks.iter().map(shown_check).collect());
        self
    }

    /// What `verify` prints below its first line.
    pub(super) fn print_verified(&self) {
        self.print();
        self.checks.iter().flatten().for_each(ShownCheck::print);
        if let Some(in_parts) = &self.in_parts {
            in_parts.print();
        }
    }

    fn print(&self) {
        println!("  power              {}", self.power);
        if self.ceremony_power != self.power {
            println!("  truncated from     a ceremony of power {}", self.ceremony_power);
        }
        match (&self.levels, self.prepared) {
            (Some(levels), _) => println!("  prepared           levels {levels}"),
            (None, true) => println!("  prepared           yes"),
            (None, false) => println!("  prepared           no"),
        }
        println!("  length             {} bytes", self.length);
        println!("  sha256             {}", self.sha256);
        println!("  blake2b-512\n{}", hex_groups(&self.blake2b));
        if let Some(name) = self.published_as {
            println!("  published as       {name} (Perpetual Powers of Tau)");
        }
        println!("  contributions      {}", self.contributions.len());
        for record in &self.contributions {
            record.print();
        }
    }
}

fn shown_record(index: usize, record: &Contribution) -> ShownRecord {
    let next = Some(record.next_challenge.to_string());
    ShownRecord::new(index, &record.kind, record.name.as_ref(), record.response_hash(), next)
}

impl Info {
    fn run(self) -> Result<(), Diagnostic> {
        let mut ptau = open_ptau(&self.file)?;
        let digests = digest_file(ptau.source(), &Bars::default())
            .map_err(|e| failure::io(&self.file, "reading", &e))?;
        let shown = ShownFile::of(&self.file, &ptau, &digests);
        if self.json {
            return json(&shown);
        }
        println!("{}: not verified, only described", self.file.display());
        shown.print();
        Ok(())
    }
}

impl Verify {
    fn run(self) -> Result<(), Diagnostic> {
        if let Some(parts) = self.parts.plan {
            return self.plan(parts);
        }
        if let (Some(part), Some(plan)) = (self.parts.part, &self.parts.plan_file) {
            return self.sum(plan, part);
        }
        if let Some(plan) = &self.parts.combine {
            return verification(plan, self.combined(plan), self.json, ShownFile::print_verified);
        }
        self.parts.refuse_signer()?;
        let file = self.file()?;
        verification(file, self.checked(file), self.json, ShownFile::print_verified)
    }

    /// The one file, where parts are not combined.
    pub(super) fn file(&self) -> Result<&Path, Diagnostic> {
        match self.files.as_slice() {
            [file] => Ok(file),
            _ => Err(Diagnostic::environment("arguments", "one file is verified at a time")
                .found(format_args!("{} files", self.files.len()))
                .hint(format_args!(
                    "name one; parts are combined by `{PROGRAM} ptau verify --combine PLAN PART...`"
                ))),
        }
    }

    fn checked(&self, file: &Path) -> Result<ShownFile, Diagnostic> {
        self.expecting(|expectations| {
            let (ptau, verified) = verify(open(file)?, expectations, &Bars::default())
                .map_err(|e| failure::verify(file, &e))?;
            Ok(ShownFile::of(file, &ptau, &verified.digests).verified(&verified))
        })
    }

    /// What the options ask of the file.
    pub(super) fn expecting<T>(
        &self,
        act: impl FnOnce(&Expectations<'_>) -> Result<T, Diagnostic>,
    ) -> Result<T, Diagnostic> {
        let digest = self.digest.as_deref().map(|hex| parse_digest("--digest", hex)).transpose()?;
        let earlier = self.from.as_deref().map(open_ptau).transpose()?;
        act(&Expectations {
            min_contributions: self.min_contributions,
            digest,
            earlier: earlier.as_ref().map(|earlier| earlier.contributions()),
            proven: None,
        })
    }
}
