//! `zkey`: phase 2 and the keys from the command line.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use ceremony_core::format::bound_file::{FileDigests, digest_file, sha256_file};
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::verification_key::write_verification_key;
use ceremony_core::format::zkey::{Contribution, Header, Zkey};
use ceremony_core::hash::{FileSha256, InitialKeyHash};
use ceremony_core::keygen;
use ceremony_core::phase1::verify::{Expectations, verify as verify_ptau};

use ceremony_core::phase2::arkworks::AssignedCircuit;
use ceremony_core::phase2::contribute::{Contributed, apply_beacon, contribute};
use ceremony_core::phase2::initial_key::{SetupError, new_key};
use ceremony_core::phase2::verify::{
    Check, ContributionSummary, Digests, Expectations as KeyExpectations, Outcome, Remark, Report,
    VerifyError, ensure_header, verify, verify_from,
};
use serde::Serialize;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;

use super::ptau::open_ptau;
use crate::cli::{
    BeaconArgs, Contribute, ExportArk, ExportVerificationKey, Info, NewKey, VerifyKey, ZkeyCommand,
};
use crate::failure;
use crate::outcome::{made, note};
use crate::output::{Output, folder_of, open, scratch_in};
use crate::progress::Bars;
use crate::proving_key;
use crate::show::{
    ShownCheck, ShownRecord, contributor_name, hex_groups, json, parse_digest, verification,
};

impl ZkeyCommand {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
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

fn open_key(path: &Path) -> Result<Zkey<File>, Diagnostic> {
    Zkey::open(open(path)?).map_err(|e| failure::format(path, &e))
}

fn open_r1cs(path: &Path) -> Result<R1cs<File>, Diagnostic> {
    R1cs::open(open(path)?).map_err(|e| failure::format(path, &e))
}

/// Lets Lagrange bases that the file lacks be computed, in a temporary file in `folder`.
fn lend_scratch(ptau: &mut Ptau<File>, r1cs: &R1cs<File>, folder: &Path) -> Result<(), Diagnostic> {
    let power = r1cs.shape().power();
    if ptau.power() < power || ptau.lagrange().is_some_and(|own| own.levels.has(power)) {
        return Ok(());
    }
    note!(
        "The .ptau is not prepared for circuits of 2^{power} rows: this is done here, and not kept. \
         `{PROGRAM} ptau prepare IN OUT --levels {power}` keeps it"
    );
    ptau.set_scratch(Box::new(scratch_in(folder)?));
    Ok(())
}

impl NewKey {
    fn run(self) -> Result<(), Diagnostic> {
        let mut r1cs = open_r1cs(&self.r1cs)?;
        let mut ptau =
            Ptau::open(open(&self.ptau)?).map_err(|e| failure::format(&self.ptau, &e))?;
        let mut output = self.output.create(&[&self.r1cs, &self.ptau])?;
        lend_scratch(&mut ptau, &r1cs, folder_of(&self.output.path))?;
        let key = new_key(&mut r1cs, &mut ptau, &mut output, &Bars::default())
            .map_err(|e| failure::setup(&self.r1cs, &self.ptau, &self.output.path, &e))?;
        output.commit()?;
        made(&self.output.path, "initial key")
            .line("constraints", key.shape.constraints())
            .line("wires", key.shape.wires())
            .line("public", key.shape.public())
            .line("domain", format_args!("2^{}", key.shape.power()))
            .hash("circuit hash", key.initial_key_hash);
        note!(
            "Nobody has contributed yet: anybody could forge proofs. Next: {PROGRAM} zkey \
             contribute"
        );
        Ok(())
    }
}

fn contribute_key(command: &Contribute) -> Result<(), Diagnostic> {
    let name = contributor_name(&command.name)?;
    let mut input = open_key(&command.input)?;
    let mut output = command.output.create(&[&command.input])?;
    let rng = command.entropy.rng()?;
    let made = contribute(&mut input, &mut output, rng, Some(&name), &Bars::default())
        .map_err(|e| failure::contribute_key(&command.input, &e))?;
    finish(output, &made)
}

fn close_key(command: &BeaconArgs) -> Result<(), Diagnostic> {
    let beacon = command.beacon.beacon()?;
    let name = command.name.as_deref().map(contributor_name).transpose()?;
    let mut input = open_key(&command.input)?;
    if input.contributions().is_empty() {
        return Err(Diagnostic::artefact("no-contribution", "no participant has contributed")
            .at(command.input.display())
            .found("0 contributions that are not a beacon")
            .expected("at least 1, or delta is publicly known")
            .hint(format_args!("run `{PROGRAM} zkey contribute IN OUT --name NAME` first")));
    }
    let mut output = command.output.create(&[&command.input])?;
    let made = apply_beacon(&mut input, &mut output, &beacon, name.as_ref(), &Bars::default())
        .map_err(|e| failure::contribute_key(&command.input, &e))?;
    finish(output, &made)
}

fn finish(output: Output, contributed: &Contributed) -> Result<(), Diagnostic> {
    let path = output.path().to_owned();
    output.commit()?;
    made(&path, format_args!("contribution {} added", contributed.index))
        .hash("contribution hash (publish it)", contributed.hash);
    Ok(())
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

fn describe_key(command: &Info) -> Result<(), Diagnostic> {
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

fn digest(path: &Path, file: &mut File) -> Result<FileDigests, Diagnostic> {
    digest_file(file, &Bars::default()).map_err(|e| failure::io(path, "reading", &e))
}

impl VerifyKey {
    fn run(self) -> Result<(), Diagnostic> {
        let Some(zkey) = self.files.last() else { return Ok(()) };
        let result = match (self.files.as_slice(), &self.from) {
            ([r1cs, ptau, zkey], from) => self.against_circuit(r1cs, ptau, zkey, from.as_deref()),
            ([zkey], Some(from)) => self.against_earlier(from, zkey),
            _ => {
                return Err(Diagnostic::environment(
                    "arguments",
                    "give R1CS PTAU ZKEY, or --from EARLIER ZKEY",
                )
                .hint(format!("`{PROGRAM} zkey verify --help` has an example of each")));
            }
        };
        verification(zkey, result, self.json, |shown| {
            shown.print();
            shown.checks.iter().flatten().for_each(ShownCheck::print);
        })
    }

    fn policy(&self, earlier: Option<&Zkey<File>>) -> KeyExpectations {
        let known = earlier.map(Zkey::contribution_hashes).unwrap_or_default();
        let min_contributions = self.min_contributions;
        KeyExpectations { min_contributions, known, ..KeyExpectations::default() }
    }

    /// The whole verification: phase 1 (unless it was verified before), the initial key rebuilt,
    /// every contribution.
    fn against_circuit(
        &self,
        r1cs: &Path,
        ptau: &Path,
        zkey: &Path,
        from: Option<&Path>,
    ) -> Result<ShownKey, Diagnostic> {
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
                Self::ensure_headers_match((&mut circuit, r1cs), ptau, (&key, zkey))?;
                let expectations = Expectations {
                    min_contributions: self.ptau_min_contributions,
                    digest: known,
                    ..Expectations::default()
                };
                let (powers, phase1) = verify_ptau(open(ptau)?, &expectations, &Bars::default())
                    .map_err(|e| failure::verify(ptau, &e))?;
                (powers, phase1.digests.sha256, Some(phase1))
            }
        };
        lend_scratch(&mut powers, &circuit, &std::env::temp_dir())?;
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
                .map_err(|e| failure::io(ptau, "reading", &e))?,
        };
        if found != expected {
            let changed = phase1.is_some();
            let (code, what) = if changed {
                ("changed", "the file changed after its own verification and before the key's")
            } else {
                ("another-file", "this is not the file that was verified before")
            };
            let refused =
                Diagnostic::artefact(code, what).at(ptau.display()).found(found).expected(expected);
            return Err(if changed {
                refused.hint(
                    "copy the file to a folder that nothing else writes to, and verify the copy",
                )
            } else {
                refused.hint(format_args!(
                    "give the file that `{PROGRAM} ptau verify` called good, or leave out \
                     --ptau-verified"
                ))
            });
        }
        let report = result.map_err(|e| failure::verify_key(zkey, &e))?;
        let mut shown = shown_result(zkey, &report);
        shown.ptau_sha256 = Some(found.to_string());
        shown.ptau_blake2b = phase1.as_ref().map(|phase1| phase1.digests.blake2b.to_string());
        shown.ptau_published_as = phase1.and_then(|phase1| phase1.published).map(|file| file.name);
        Ok(shown)
    }

    /// Refuses before the work what its end would refuse by the files' headers.
    fn ensure_headers_match(
        (circuit, r1cs): (&mut R1cs<File>, &Path),
        ptau: &Path,
        (key, zkey): (&Zkey<File>, &Path),
    ) -> Result<(), Diagnostic> {
        match ensure_header(circuit, &mut open_ptau(ptau)?, key) {
            Err(VerifyError::Setup(error @ SetupError::PtauTooSmall { .. })) => {
                Err(failure::setup(r1cs, ptau, zkey, &error))
            }
            Err(error @ VerifyError::Header(_)) => Err(failure::verify_key(zkey, &error)),
            // What else there is to say of the powers is said when they are verified.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// What came after a key that was verified before.
    fn against_earlier(&self, from: &Path, zkey: &Path) -> Result<ShownKey, Diagnostic> {
        let mut earlier = open_key(from)?;
        let mut key = open_key(zkey)?;
        let policy = self.policy(None);
        let report = verify_from(&mut earlier, &mut key, &policy, &Bars::default())
            .map_err(|e| failure::verify_key(zkey, &e))?;
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
    let check = |(check, _): &(Check, Outcome)| ShownCheck {
        number: check.number(),
        statement: check.statement(),
        remark: report.remark(*check).map(Remark::text),
    };
    shown.checks = Some(report.checks.iter().map(check).collect());
    shown
}

impl ExportVerificationKey {
    fn run(self) -> Result<(), Diagnostic> {
        let mut key = open_key(&self.zkey)?;
        let mut output = self.output.create(&[&self.zkey])?;
        let verifying_key =
            keygen::verifying_key(&mut key).map_err(|e| failure::keygen(&self.zkey, &e))?;
        let text = write_verification_key(&verifying_key)
            .map_err(|e| Diagnostic::environment("internal", e))?;
        output
            .write_all(text.as_bytes())
            .map_err(|e| failure::io(&self.output.path, "writing", &e))?;
        output.commit()?;
        let public = key.header().public;
        made(&self.output.path, format_args!("verifying key with {public} public inputs")).line(
            "not verified here",
            format_args!(
                "`{PROGRAM} zkey verify` says whether {} was made as it should",
                self.zkey.display()
            ),
        );
        Ok(())
    }
}

impl ExportArk {
    /// The circuit with its witness, if they are given.
    fn assigned(&self) -> Result<Option<AssignedCircuit>, Diagnostic> {
        let (Some(r1cs), Some(witness)) = (&self.r1cs, &self.witness) else { return Ok(None) };
        proving_key::assigned(&mut open_r1cs(r1cs)?, witness).map(Some)
    }

    fn run(self) -> Result<(), Diagnostic> {
        let mut key = open_key(&self.zkey)?;
        let mut inputs: Vec<&Path> = vec![&self.zkey];
        inputs.extend(self.r1cs.as_deref());
        inputs.extend(self.witness.as_deref());
        let create = |path: &PathBuf| Output::create(path, self.force, &inputs);
        let mut proving_key_out = create(&self.proving_key)?;
        let mut verifying_key_out = create(&self.verifying_key)?;
        let mut uncompressed_out =
            self.verifying_key_uncompressed.as_ref().map(create).transpose()?;
        // What it is tested with is judged before the work.
        let circuit = self.assigned()?;

        let verifying_key = proving_key::write(
            (&mut key, &self.zkey),
            circuit.as_ref(),
            &mut proving_key_out,
            &self.proving_key,
        )?;
        let bytes = keygen::verifying_key_bytes(&verifying_key)
            .map_err(|e| failure::keygen(&self.zkey, &e))?;
        verifying_key_out
            .write_all(&bytes.compressed)
            .map_err(|e| failure::io(&self.verifying_key, "writing", &e))?;
        if let Some(out) = &mut uncompressed_out {
            out.write_all(&bytes.uncompressed)
                .map_err(|e| failure::io(out.path(), "writing", &e))?;
        }
        // All are written before the first one gets its name.
        proving_key_out.commit()?;
        verifying_key_out.commit()?;
        uncompressed_out.map(Output::commit).transpose()?;
        made(&self.proving_key, "arkworks proving key");
        if let Some(path) = &self.verifying_key_uncompressed {
            made(path, "arkworks verifying key, uncompressed");
        }
        made(&self.verifying_key, "arkworks verifying key")
            .line("self-test", proving_key::tested(circuit.is_some()));
        Ok(())
    }
}
