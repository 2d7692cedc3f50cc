//! `zkey`: phase 2 and the keys from the command line.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use ceremony_core::format::bound_file::{FileDigests, digest_file, sha256_file};
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::record::ContributorName;
use ceremony_core::format::verification_key::write_verification_key;
use ceremony_core::format::wtns::read_wtns;
use ceremony_core::format::zkey::{Contribution, Header, Zkey};
use ceremony_core::hash::{FileSha256, InitialKeyHash};
use ceremony_core::keygen::{self, KeygenError, SelfTestError};
use ceremony_core::phase1::verify::{Expectations, verify as verify_ptau};
use ceremony_core::phase2::arkworks::AssignedCircuit;
use ceremony_core::phase2::contribute::{ContributeError, Contributed, apply_beacon, contribute};
use ceremony_core::phase2::initial_key::{SetupError, new_key};
use ceremony_core::phase2::verify::{
    Check, ContributionSummary, Digests, Expectations as KeyExpectations, Outcome, Report,
    VerifyError, verify, verify_from,
};
use serde::Serialize;

use super::ptau::open_ptau;
use crate::cli::{
    BeaconArgs, Contribute, ExportArk, ExportVerificationKey, Info, NewKey, OutputArgs, VerifyKey,
    ZkeyCommand,
};
use crate::error::CliError;
use crate::output::{Output, open};
use crate::progress::Bars;
use crate::show::{ShownCheck, ShownRecord, hex_groups, json, parse_digest, verification};

impl ZkeyCommand {
    pub(crate) fn run(self) -> Result<(), CliError> {
        match self {
            Self::New(command) => command.run(),
            Self::Contribute(command) => contribute_key(&command),
            Self::Beacon(command) => close_key(&command),
            Self::Verify(command) => command.run(),
            Self::Info(command) => describe_key(&command),
            Self::ExportVerificationKey(command) => command.run(),
            Self::ExportArk(command) => command.run(),
        }
    }
}

fn open_key(path: &Path) -> Result<Zkey<File>, CliError> {
    Zkey::open(open(path)?).map_err(|e| CliError::format(path, &e))
}

fn open_r1cs(path: &Path) -> Result<R1cs<File>, CliError> {
    R1cs::open(open(path)?).map_err(|e| CliError::format(path, &e))
}

impl NewKey {
    fn run(self) -> Result<(), CliError> {
        let mut r1cs = open_r1cs(&self.r1cs)?;
        let mut ptau =
            Ptau::open(open(&self.ptau)?).map_err(|e| CliError::format(&self.ptau, &e))?;
        let mut output = Output::create(&self.output, &[&self.r1cs, &self.ptau])?;
        let key = new_key(&mut r1cs, &mut ptau, &mut output, &Bars::default())
            .map_err(|e| setup_error(&self.r1cs, &self.ptau, &self.output.path, &e))?;
        output.commit()?;
        println!(
            "{}: initial key\n  constraints        {}\n  wires              {}\n  public             {}\n  domain             2^{}\n  circuit hash\n{}",
            self.output.path.display(),
            key.shape.constraints(),
            key.shape.wires(),
            key.shape.public(),
            key.shape.power(),
            hex_groups(key.initial_key_hash)
        );
        println!(
            "Nobody has contributed yet: anybody could forge proofs. Next: cargo xtask zkey contribute"
        );
        Ok(())
    }
}

/// An initial key that was not made. The paths are those of circuit, powers of tau and key.
pub(crate) fn setup_error(r1cs: &Path, ptau: &Path, out: &Path, error: &SetupError) -> CliError {
    let (path, hint) = match error {
        SetupError::Ptau(_) => {
            (ptau, "the .ptau is damaged: fetch it again and compare its digest")
        }
        SetupError::NotPrepared => {
            (ptau, "run `cargo xtask ptau prepare IN OUT` and give its output")
        }
        SetupError::PtauTooSmall { .. } => (ptau, "take a ceremony of the expected power or more"),
        SetupError::NoContribution { .. } => {
            (ptau, "collect contributions with `cargo xtask ptau contribute`, then prepare again")
        }
        SetupError::EqualPower { .. } => (ptau, "take a .ptau of at least the expected power"),
        SetupError::Key(_) | SetupError::OsRandom(_) => {
            (out, "nothing was written: see to the cause and run the same command again")
        }
        _ => (r1cs, "compile the circuit again; custom gates are not supported"),
    };
    CliError::of_key(path, error, error.is_environment(), hint)
}

fn contribute_key(command: &Contribute) -> Result<(), CliError> {
    let mut input = open_key(&command.input)?;
    let mut output = Output::create(&command.output, &[&command.input])?;
    let rng = command.entropy.rng()?;
    let name = ContributorName::new(&command.name);
    let made = contribute(&mut input, &mut output, rng, Some(&name), &Bars::default())
        .map_err(|e| contribute_error(&command.input, &e))?;
    finish(output, &made)
}

fn close_key(command: &BeaconArgs) -> Result<(), CliError> {
    let beacon = command.beacon.beacon()?;
    let mut input = open_key(&command.input)?;
    if input.contributions().is_empty() {
        return Err(CliError::of_key(
            &command.input,
            &"no participant has contributed\n  found     0 contributions that are not a beacon\n  expected  at least 1, or delta is publicly known",
            false,
            "run `cargo xtask zkey contribute IN OUT --name NAME` first",
        ));
    }
    let mut output = Output::create(&command.output, &[&command.input])?;
    let name = command.name.as_deref().map(ContributorName::new);
    let made = apply_beacon(&mut input, &mut output, &beacon, name.as_ref(), &Bars::default())
        .map_err(|e| contribute_error(&command.input, &e))?;
    finish(output, &made)
}

fn finish(output: Output, made: &Contributed) -> Result<(), CliError> {
    let path = output.path().to_owned();
    output.commit()?;
    println!(
        "{}: contribution {} added\n  contribution hash (publish it)\n{}",
        path.display(),
        made.index,
        hex_groups(made.hash)
    );
    Ok(())
}

pub(crate) fn contribute_error(path: &Path, error: &ContributeError) -> CliError {
    let hint = match error {
        ContributeError::Input(_) => {
            "the key is damaged: fetch it again from the coordinator and compare its digest"
        }
        ContributeError::Closed { .. } => "build on the key before the beacon",
        _ => "nothing was written: see to the cause and run the same command again",
    };
    CliError::of_key(path, error, error.is_environment(), hint)
}

/// A key, as it is shown.
#[derive(Serialize)]
struct ShownKey {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    wires: u32,
    public: u32,
    domain_power: u32,
    circuit_hash: String,
    blake2b: String,
    sha256: String,
    length: u64,
    contributions: Vec<ShownRecord>,
    /// Present where there was a `.ptau`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ptau_sha256: Option<String>,
    /// Present where it was verified on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    ptau_blake2b: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ptau_published_as: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<ShownCheck>>,
}

impl ShownKey {
    fn new(
        path: &Path,
        header: &Header,
        circuit_hash: InitialKeyHash,
        contributions: Vec<ShownRecord>,
        digests: &FileDigests,
    ) -> Self {
        Self {
            file: path.display().to_string(),
            result: None,
            wires: header.wires,
            public: header.public,
            domain_power: header.power.exponent(),
            circuit_hash: circuit_hash.to_string(),
            blake2b: digests.blake2b.to_string(),
            sha256: digests.sha256.to_string(),
            length: digests.length,
            contributions,
            ptau_sha256: None,
            ptau_blake2b: None,
            ptau_published_as: None,
            checks: None,
        }
    }

    fn print(&self) {
        println!("  wires              {}", self.wires);
        println!("  public             {}", self.public);
        println!("  domain             2^{}", self.domain_power);
        println!("  length             {} bytes", self.length);
        println!("  sha256             {}", self.sha256);
        println!("  circuit hash\n{}", hex_groups(&self.circuit_hash));
        if let Some(name) = self.ptau_published_as {
            println!("  powers of tau      {name} (Perpetual Powers of Tau)");
        }
        println!("  contributions      {}", self.contributions.len());
        self.contributions.iter().for_each(ShownRecord::print);
    }
}

fn describe_key(command: &Info) -> Result<(), CliError> {
    let mut key = open_key(&command.file)?;
    let digests = digest(&command.file, key.source())?;
    let record = |(i, c): (usize, &Contribution)| {
        ShownRecord::new(i + 1, &c.kind, c.name.as_ref(), c.hash(), None)
    };
    let records = key.contributions().iter().enumerate().map(record).collect();
    let shown =
        ShownKey::new(&command.file, key.header(), key.initial_key_hash(), records, &digests);
    if command.json {
        return json(&shown);
    }
    println!("{}: not verified, only described", command.file.display());
    shown.print();
    Ok(())
}

fn digest(path: &Path, file: &mut File) -> Result<FileDigests, CliError> {
    digest_file(file, &Bars::default()).map_err(|e| CliError::io(path, "reading", &e))
}

impl VerifyKey {
    fn run(self) -> Result<(), CliError> {
        let Some(zkey) = self.files.last() else { return Ok(()) };
        let result = match (self.files.as_slice(), &self.from) {
            ([r1cs, ptau, zkey], from) => self.against_circuit(r1cs, ptau, zkey, from.as_deref()),
            ([zkey], Some(from)) => self.against_earlier(from, zkey),
            _ => {
                return Err(CliError::environment("give R1CS PTAU ZKEY, or --from EARLIER ZKEY")
                    .hint("`cargo xtask zkey verify --help` has an example of each"));
            }
        };
        verification(zkey, result, self.json, |shown| {
            shown.print();
            shown.checks.iter().flatten().for_each(ShownCheck::print);
        })
    }

    fn policy(&self, earlier: Option<&Zkey<File>>) -> KeyExpectations {
        let known = earlier.map(Zkey::contribution_hashes).unwrap_or_default();
        KeyExpectations { min_contributions: self.min_contributions, beacon_required: false, known }
    }

    /// The whole verification: phase 1 (unless it was verified before), the initial key rebuilt, every contribution.
    fn against_circuit(
        &self,
        r1cs: &Path,
        ptau: &Path,
        zkey: &Path,
        from: Option<&Path>,
    ) -> Result<ShownKey, CliError> {
        let known = self
            .ptau_digest
            .as_deref()
            .map(|hex| parse_digest("--ptau-digest", hex))
            .transpose()?;
        let mut circuit = open_r1cs(r1cs)?;
        let mut key = open_key(zkey)?;
        let earlier = from.map(open_key).transpose()?;
        let (mut powers, expected, phase1) = match &self.ptau_verified {
            Some(verified) => (open_ptau(ptau)?, FileSha256(verified.0), None),
            None => {
                let expectations = Expectations {
                    min_contributions: self.ptau_min_contributions,
                    digest: known,
                    earlier: None,
                };
                let (powers, phase1) = verify_ptau(open(ptau)?, &expectations, &Bars::default())
                    .map_err(|e| CliError::verify(ptau, &e))?;
                (powers, phase1.digests.sha256, Some(phase1))
            }
        };
        let result = verify(
            &mut circuit,
            &mut powers,
            &mut key,
            &self.policy(earlier.as_ref()),
            &Bars::default(),
        );
        // That it is the wrong file comes before what the wrong file made of the key.
        let found = match &result {
            Ok(Report { digests: Digests::Whole { powers, .. }, .. }) => *powers,
            _ => sha256_file(powers.source(), &Bars::default())
                .map_err(|e| CliError::io(ptau, "reading", &e))?,
        };
        if found != expected {
            let (what, mend) = if phase1.is_some() {
                (
                    "the file changed after its own verification and before the key's",
                    "copy the file to a folder that nobody else writes to, and verify the copy",
                )
            } else {
                (
                    "this is not the file that was verified before",
                    "give the file that `cargo xtask ptau verify` called good, or leave out --ptau-verified",
                )
            };
            let what = format!("{what}\n  found     {found}\n  expected  {expected}");
            return Err(CliError::of_key(ptau, &what, false, mend));
        }
        let report = result.map_err(|e| verify_error(zkey, &e))?;
        let mut shown = shown_result(zkey, &report);
        shown.ptau_sha256 = Some(found.to_string());
        shown.ptau_blake2b = phase1.as_ref().map(|phase1| phase1.digests.blake2b.to_string());
        shown.ptau_published_as = phase1.and_then(|phase1| phase1.published).map(|file| file.name);
        Ok(shown)
    }

    /// What came after a key that was verified before.
    fn against_earlier(&self, from: &Path, zkey: &Path) -> Result<ShownKey, CliError> {
        let mut earlier = open_key(from)?;
        let mut key = open_key(zkey)?;
        let policy = self.policy(None);
        let report = verify_from(&mut earlier, &mut key, &policy, &Bars::default())
            .map_err(|e| verify_error(zkey, &e))?;
        Ok(shown_result(zkey, &report))
    }
}

fn shown_result(path: &Path, report: &Report) -> ShownKey {
    let (Digests::Whole { key: digests, .. } | Digests::Incremental { key: digests, .. }) =
        &report.digests;
    let record =
        |c: &ContributionSummary| ShownRecord::new(c.index, &c.kind, c.name.as_ref(), c.hash, None);
    let records = report.contributions.iter().map(record).collect();
    let mut shown = ShownKey::new(path, &report.header, report.initial_key_hash, records, digests);
    shown.result = Some("good");
    let check = |(check, outcome): &(Check, Outcome)| ShownCheck {
        number: check.number(),
        statement: check.statement(),
        remark: matches!(outcome, Outcome::HashNotDerivable).then_some(
            "the circuit hash itself cannot be recomputed for a .ptau of the circuit's own power",
        ),
    };
    shown.checks = Some(report.checks.iter().map(check).collect());
    shown
}

pub(crate) fn verify_error(path: &Path, error: &VerifyError) -> CliError {
    let hint = match error {
        VerifyError::Key(_) => "the key is damaged: fetch it again and compare its digest",
        VerifyError::Earlier(_) => {
            "the earlier key is damaged: verify from circuit and .ptau instead"
        }
        VerifyError::Setup(SetupError::NotPrepared) => {
            "give the prepared .ptau, see `cargo xtask ptau prepare --help`"
        }
        VerifyError::Setup(_) => "give the circuit and the .ptau that the key was made from",
        VerifyError::Changed { .. } => {
            "copy the files to a folder that nobody else writes to, and verify the copies"
        }
        VerifyError::Refused(_) => {
            "do not build on this key: keep it as evidence, and go on from the last good one"
        }
        _ => "run the same command again",
    };
    CliError::of_key(path, error, error.is_environment(), hint)
}

pub(crate) fn keygen_error(path: &Path, error: &KeygenError) -> CliError {
    let environment = matches!(error, KeygenError::OsRandom(_) | KeygenError::Output(_));
    CliError::of_key(
        path,
        error,
        environment,
        "export only a key that `cargo xtask zkey verify` calls good",
    )
}

impl ExportVerificationKey {
    fn run(self) -> Result<(), CliError> {
        let mut key = open_key(&self.zkey)?;
        let mut output = Output::create(&self.output, &[&self.zkey])?;
        let verifying_key =
            keygen::verifying_key(&mut key).map_err(|e| keygen_error(&self.zkey, &e))?;
        let text = write_verification_key(&verifying_key)
            .map_err(|e| CliError::environment(e.to_string()))?;
        output
            .write_all(text.as_bytes())
            .map_err(|e| CliError::io(&self.output.path, "writing", &e))?;
        output.commit()?;
        println!(
            "{}: verifying key with {} public inputs",
            self.output.path.display(),
            key.header().public
        );
        Ok(())
    }
}

impl ExportArk {
    fn run(self) -> Result<(), CliError> {
        let mut key = open_key(&self.zkey)?;
        let mut inputs: Vec<&Path> = vec![&self.zkey];
        inputs.extend(self.r1cs.as_deref());
        inputs.extend(self.witness.as_deref());
        let create = |path: &PathBuf| {
            Output::create(&OutputArgs { path: path.clone(), force: self.force }, &inputs)
        };
        let mut proving_key_out = create(&self.proving_key)?;
        let mut verifying_key_out = create(&self.verifying_key)?;
        let uncompressed_out = self.verifying_key_uncompressed.as_ref().map(create).transpose()?;

        let proving_key = keygen::proving_key(&mut key, &Bars::default())
            .map_err(|e| keygen_error(&self.zkey, &e))?;
        let bytes = keygen::verifying_key_bytes(&proving_key.vk)
            .map_err(|e| keygen_error(&self.zkey, &e))?;
        keygen::check_consistency(&mut key, &proving_key)
            .map_err(|e| self_test_error(&self.zkey, &e))?;
        if let (Some(r1cs), Some(witness)) = (&self.r1cs, &self.witness) {
            let values = read_wtns(open(witness)?).map_err(|e| CliError::format(witness, &e))?;
            let circuit = AssignedCircuit::new(&mut open_r1cs(r1cs)?, values).map_err(|e| {
                CliError::of_key(
                    witness,
                    &e,
                    false,
                    "give a witness that the circuit's own program calculated",
                )
            })?;
            keygen::prove_and_verify(&proving_key, &circuit)
                .map_err(|e| self_test_error(&self.zkey, &e))?;
        }
        keygen::write_proving_key(&proving_key, std::io::BufWriter::new(&mut proving_key_out))
            .map_err(|e| keygen_error(&self.proving_key, &e))?;
        verifying_key_out
            .write_all(&bytes.compressed)
            .map_err(|e| CliError::io(&self.verifying_key, "writing", &e))?;
        proving_key_out.commit()?;
        verifying_key_out.commit()?;
        if let Some(mut out) = uncompressed_out {
            out.write_all(&bytes.uncompressed)
                .map_err(|e| CliError::io(out.path(), "writing", &e))?;
            out.commit()?;
        }
        let tested = if self.witness.is_some() {
            "a proof was made and verified"
        } else {
            "no witness given: checked for consistency only"
        };
        println!(
            "{}: arkworks proving key\n{}: arkworks verifying key",
            self.proving_key.display(),
            self.verifying_key.display()
        );
        println!("  self-test          {tested}");
        Ok(())
    }
}

pub(crate) fn self_test_error(path: &Path, error: &SelfTestError) -> CliError {
    let environment = matches!(error, SelfTestError::OsRandom(_));
    CliError::of_key(
        path,
        error,
        environment,
        "do not use this key: verify it with `cargo xtask zkey verify`",
    )
}
