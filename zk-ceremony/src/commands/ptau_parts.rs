//! `ptau verify` in parts: the plan, a part, and their combination.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ceremony_core::format::ptau::Levels;
use ceremony_core::phase1::parts::{
    CombineError, PartError, PartOf, PartSums, Plan, PlanError, PlanningError, combine,
};
use ceremony_core::phase1::verify::VerifyError;
use ceremony_folder::parts::{MAX_PLAN_BYTES, PlanDocument, part_envelope, part_of_plan};
use ceremony_folder::{explained, hints};
use serde::Serialize;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::envelope::Envelope;
use zk_attest::file::read_regular;
use zk_attest::key::PublicKey;
use zk_attest::primitives::Label;
use zk_attest::signer::sign_envelope;

use super::ceremony::this_software;
use super::ptau::ShownFile;
use crate::cli::Verify;
use crate::failure;
use crate::outcome::{made, note};
use crate::output::{Output, open};
use crate::progress::Bars;
use crate::signer::named_public_key;

/// Who said what, of a verification in parts.
#[derive(Serialize)]
pub(super) struct ShownParts {
    plan: String,
    parts: u32,
    /// Of the keys that are trusted, those that signed the plan.
    plan_signed_by: Vec<PublicKey>,
    parts_signed_by: Vec<ShownSigner>,
}

/// The parts that are believed because of a key.
#[derive(Serialize)]
struct ShownSigner {
    key: PublicKey,
    parts: String,
}

impl ShownParts {
    pub(super) fn print(&self) {
        println!("  verified in parts  {}, of plan {}", self.parts, self.plan);
        println!("    what no part can say, and which bytes the parts are of, by the word of");
        for key in &self.plan_signed_by {
            println!("      {key}");
        }
        println!("    the sums, by the word of");
        for ShownSigner { key, parts } in &self.parts_signed_by {
            println!("      {key}: {parts}");
        }
    }
}

impl Verify {
    /// `--plan N`
    pub(super) fn plan(&self, parts: u32) -> Result<(), Diagnostic> {
        let file = self.file()?;
        let mut signer = self.parts.signer.open()?;
        let mut output = self.output(&[file])?;
        let plan = self.expecting(|expectations| {
            Plan::of_file(open(file)?, parts, expectations, &Bars::default()).map_err(|error| {
                match &error {
                    PlanningError::Verify(error) => failure::verify(file, error),
                    PlanningError::Plan(PlanError::SomeLevels(_)) => explained(&error)
                        .at(file.display())
                        .hint(format_args!("`{PROGRAM} ptau verify {}`", file.display())),
                    _ => explained(&error).at(file.display()),
                }
            })
        })?;
        let path = output.path().to_owned();
        let refused = |refusal| failure::refusal(&path, &refusal);
        let mut document =
            PlanDocument::new(&plan, &name_of(file), this_software()).map_err(refused)?;
        sign_envelope(signer.as_mut(), &mut document.envelope)?;
        output.write_all(&document.to_json()).map_err(|e| failure::io(&path, "writing", &e))?;
        output.commit()?;
        made(&path, format_args!("a plan of {parts} parts, signed by {}", signer.public_key()))
            .line("sha256 of the file", plan.content().digests.sha256)
            .line("plan", hex::encode(plan.digest()));
        note!("Next, for each I from 1 to {parts}: `{}`", part_command(&path, "I", parts));
        Ok(())
    }

    /// `--part I/N`
    pub(super) fn sum(&self, plan: &Path, part: PartOf) -> Result<(), Diagnostic> {
        let file = self.file()?;
        let plan_path = plan;
        let (_, plan, _) = read_plan(plan_path)?;
        if plan.content().parts != part.of() {
            return Err(Diagnostic::environment("part-of-another-number", "the plan has N parts")
                .at("--part")
                .found(part)
                .expected(format_args!("I/{}", plan.content().parts))
                .hint("give the number of parts that the plan was made for"));
        }
        let mut signer = self.parts.signer.open()?;
        let mut output = self.output(&[file, plan_path])?;
        let mut source = open(file)?;
        let sums =
            PartSums::of_file(&mut source, &plan, part, &Bars::default()).map_err(|error| {
                match &error {
                PartError::Verify(error) => failure::verify(file, error),
                _ => explained(&error).at(file.display()).hint(
                    "fetch the file again; if its SHA-256 is that of the plan and this stays, the \
                     plan is not of this file: make another",
                ),
            }
            })?;
        let path = output.path().to_owned();
        let mut envelope = part_envelope(&plan, part, &sums, &name_of(file), this_software())
            .map_err(|refusal| failure::refusal(&path, &refusal))?;
        sign_envelope(signer.as_mut(), &mut envelope)?;
        output.write_all(&envelope.to_json()).map_err(|e| failure::io(&path, "writing", &e))?;
        output.commit()?;
        made(&path, format_args!("the sums of {part}, signed by {}", signer.public_key()))
            .line("plan", hex::encode(plan.digest()));
        Ok(())
    }

    /// `--combine PLAN`
    pub(super) fn combined(&self, path: &Path) -> Result<ShownFile, Diagnostic> {
        let keys = self.parts.trusted.iter().map(|key| named_public_key(key));
        let keys = keys.collect::<Result<BTreeSet<PublicKey>, Diagnostic>>()?;
        let (document, plan, name) = read_plan(path)?;
        let plan_signed_by = signers(&document.envelope, &keys, path, "plan")?;
        let parts = read_parts(&self.files, &plan, path, &keys)?;
        let sums = parts.iter().map(|(number, part)| (*number, part.sums.clone())).collect();
        let verified = self.expecting(|expectations| {
            combine(&plan, &sums, expectations, &Bars::default())
                .map_err(|error| refused_parts(path, &parts, &error))
        })?;
        let content = plan.content();
        let powers = (content.power, content.ceremony_power);
        let mut shown = ShownFile::new(
            name.to_string(),
            powers,
            content.ends.as_ref().map(|_| Levels::all(content.power)),
            plan.contributions(),
            &verified.digests,
        )
        .verified(&verified);
        shown.in_parts = Some(ShownParts {
            plan: hex::encode(plan.digest()),
            parts: content.parts,
            plan_signed_by: plan_signed_by.into_iter().collect(),
            parts_signed_by: by_signer(&parts),
        });
        Ok(shown)
    }

    fn output(&self, inputs: &[&Path]) -> Result<Output, Diagnostic> {
        let out = self.parts.out.as_deref().unwrap_or(Path::new(""));
        Ok(Output::create(out, self.parts.force, inputs)?)
    }
}

/// What the statement calls the file: a line of text, whatever name it has.
fn name_of(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    name.filter(|name| Label::new(name).is_ok()).unwrap_or_else(|| "powers of tau".into())
}

/// How a part is made.
fn part_command(plan: &Path, part: &str, of: u32) -> String {
    format!(
        "{PROGRAM} ptau verify FILE --plan-file {} --part {part}/{of} --out part-{part}.json \
         --key KEY",
        plan.display()
    )
}

fn read_plan(path: &Path) -> Result<(PlanDocument, Plan, Label), Diagnostic> {
    let document = read_regular(path, MAX_PLAN_BYTES)
        .and_then(|bytes| PlanDocument::from_json(&bytes))
        .map_err(|refusal| failure::refusal(path, &refusal))?;
    let (plan, name) = document.plan().map_err(|error| Diagnostic {
        place: Some(path.display().to_string()),
        hint: Some(format!("make the plan again: `{PROGRAM} ptau verify FILE --plan N`")),
        ..error
    })?;
    Ok((document, plan, name))
}

/// The trusted keys that signed a document, of which there must be one.
fn signers(
    envelope: &Envelope,
    keys: &BTreeSet<PublicKey>,
    path: &Path,
    what: &str,
) -> Result<BTreeSet<PublicKey>, Diagnostic> {
    let signers = envelope.signers(keys);
    if !signers.is_empty() {
        return Ok(signers);
    }
    let expected: Vec<String> = keys.iter().map(ToString::to_string).collect();
    Err(Diagnostic::artefact(
        "not-signed-by-a-trusted-key",
        format_args!("no key that you trust has signed this {what}"),
    )
    .at(path.display())
    .found(format_args!("signatures by other keys: {}", envelope.signatures().len()))
    .expected(format_args!("one by {}", expected.join(" or ")))
    .hint("if you believe the machine that made it, name its key with --trusted"))
}

/// A part that is signed by a trusted key.
struct Part {
    path: PathBuf,
    signers: BTreeSet<PublicKey>,
    sums: PartSums,
}

/// The parts of the plan, each once, by number.
fn read_parts(
    files: &[PathBuf],
    plan: &Plan,
    plan_path: &Path,
    keys: &BTreeSet<PublicKey>,
) -> Result<BTreeMap<u32, Part>, Diagnostic> {
    let of = plan.content().parts;
    let mut parts: BTreeMap<u32, Part> = BTreeMap::new();
    for path in files {
        let refused = |refusal| failure::refusal(path, &refusal);
        let envelope = read_regular(path, Envelope::MAX_BYTES)
            .and_then(|bytes| Envelope::from_json(&bytes))
            .map_err(refused)?;
        let signers = signers(&envelope, keys, path, "part")?;
        let (number, sums) = part_of_plan(plan, &envelope).map_err(|refusal| {
            let hint = format!("make it again: `{}`", part_command(plan_path, "I", of));
            Diagnostic { hint: Some(hint), ..refused(refusal) }
        })?;
        if let Some(other) = parts.get(&number) {
            return Err(Diagnostic::artefact("part-twice", "this part is given twice")
                .at(path.display())
                .found(format_args!("part {number} of {of}, as in {}", other.path.display()))
                .expected("each part once")
                .hint("leave one of the two files out"));
        }
        parts.insert(number, Part { path: path.clone(), signers, sums });
    }
    let missing: Vec<u32> = (1..=of).filter(|number| !parts.contains_key(number)).collect();
    let Some(first) = missing.first() else { return Ok(parts) };
    let what = match missing.as_slice() {
        [one] => format!("part {one} of {of} is missing, so nothing is verified"),
        many => {
            let many = ranges(many.iter().copied());
            format!("parts {many} of {of} are missing, so nothing is verified")
        }
    };
    Err(Diagnostic::environment("parts-missing", what)
        .at(plan_path.display())
        .found(format_args!("parts {}", ranges(parts.keys().copied())))
        .expected(format_args!("every part from 1 to {of}"))
        .hint(format_args!("run `{}`", part_command(plan_path, &first.to_string(), of))))
}

/// Which keys are believed for which parts. A part that several signed counts for each.
fn by_signer(parts: &BTreeMap<u32, Part>) -> Vec<ShownSigner> {
    let mut signed: BTreeMap<PublicKey, Vec<u32>> = BTreeMap::new();
    for (number, part) in parts {
        for key in &part.signers {
            signed.entry(*key).or_default().push(*number);
        }
    }
    let shown = |(key, parts): (PublicKey, Vec<u32>)| ShownSigner {
        key,
        parts: format!("parts {}", ranges(parts.into_iter())),
    };
    signed.into_iter().map(shown).collect()
}

/// "1-5, 7", of rising numbers; "none" of none.
fn ranges(numbers: impl Iterator<Item = u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let shown = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { "none".into() } else { shown.join(", ") }
}

/// Parts that together are no verification.
fn refused_parts(path: &Path, parts: &BTreeMap<u32, Part>, error: &CombineError) -> Diagnostic {
    match error {
        CombineError::Verify(VerifyError::Format(error)) => {
            explained(error).at(path.display()).hint(hints::for_format(error))
        }
        CombineError::Verify(error) => failure::verify(path, error),
        CombineError::Sums { part, .. } => {
            let file = parts.get(&part.number()).map(|it| it.path.display().to_string());
            let hint = format!(
                "make the part again: `{}`",
                part_command(path, &part.number().to_string(), part.of())
            );
            explained(error).at(file.unwrap_or_default()).hint(hint)
        }
        _ => explained(error).at(path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn numbers_in_a_row_are_shown_as_a_range() {
        assert_eq!(ranges([].into_iter()), "none");
        assert_eq!(ranges([3].into_iter()), "3");
        assert_eq!(ranges([1, 2, 3, 5, 7, 8].into_iter()), "1-3, 5, 7-8");
    }
}
