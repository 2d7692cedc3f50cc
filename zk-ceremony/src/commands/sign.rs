//! `sign`, and what all signing commands share: reading the document, asking, and writing it back.
//!
//! `prepare` and `attach` are the two halves of signing on a machine without a network, `raw` is
//! what runs there.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use ceremony_core::phase1::parts::{MAX_PARTS, PartOf};
use ceremony_folder::parts::{PlanDocument, PtauPart, PtauPlan};
use serde::Deserialize;
use serde_json::Value;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::sha256;
use zk_attest::envelope::{Envelope, MAX_PAE_BYTES};
use zk_attest::error::{Code, Refusal};
use zk_attest::file::read_regular;
use zk_attest::key::{PublicKey, SignatureBytes};
use zk_attest::manifest::{MAX_MANIFEST_BYTES, Manifest};
use zk_attest::primitives::{Beacon, Timestamp};
use zk_attest::signer::sign_envelope;
use zk_attest::statement::{
    Build, MANIFEST_SUBJECT, Predicate, Provenance, Statement, StepAttestation, Subject,
};
use zk_vk_guard::bundle::{Bundle, MAX_BUNDLE_BYTES};

use crate::cli::signing::{AttachSignature, PrepareSigning, SignCommand, SignRaw, TargetArgs};
use crate::failure;
use crate::outcome::{self, made};
use crate::output::{Output, write_file};
use crate::release::Release;
use crate::signer::{decode_signature, envelope_of_pae, named_public_key};

/// Bytes of a signature file at most: base64 and white space, far below this.
const MAX_SIGNATURE_FILE_BYTES: usize = 4096;

/// Where a bundle's manifest lies, next to its prepared bytes.
fn manifest_of(message: &Path) -> PathBuf {
    let mut name = message.as_os_str().to_owned();
    name.push(".manifest.json");
    name.into()
}

fn carry_over() -> String {
    format!("make the file with `{PROGRAM} sign prepare` and carry it over unchanged")
}

fn carry_manifest_over() -> String {
    format!(
        "`{PROGRAM} sign prepare` writes a bundle's manifest next to the bytes to be signed: carry \
         both files over, or name it with --manifest"
    )
}

impl SignCommand {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        match self {
            Self::Prepare(command) => command.run(),
            Self::Raw(command) => command.run(),
            Self::Attach(command) => command.run(),
        }
    }
}

impl PrepareSigning {
    fn run(self) -> Result<(), Diagnostic> {
        let document = Document::read(&self.document)?;
        eprint!("{}", document.shown()?);
        let message = document.envelope().pae();
        let mut output = self.output.create(&[&self.document])?;
        if let Content::Bundle(bundle) = &document.content {
            // It was shown above, and therefore compared with the statement's digest.
            let manifest = manifest_of(&self.output.path);
            write_file(&manifest, bundle.manifest_bytes(), self.output.force)?;
        }
        output.write_all(&message).map_err(|e| failure::io(&self.output.path, "writing", &e))?;
        output.commit()?;
        outcome::record(&self.output.path, "bytes to be signed");
        outcome::value("checksum", checksum_line(&message, &self.output.path));
        Ok(())
    }
}

impl SignRaw {
    fn run(self) -> Result<(), Diagnostic> {
        let refused =
            |refusal: Refusal| failure::refusal(&self.message, &refusal.hint(carry_over()));
        let message = read_regular(&self.message, MAX_PAE_BYTES).map_err(refused)?;
        let mut envelope = envelope_of_pae(&message)?;
        let manifest = self.manifest.clone().unwrap_or_else(|| manifest_of(&self.message));
        let shown = shown_statement(&envelope, Some(&manifest)).map_err(|refusal| {
            let names_a_file = refusal.place().is_some_and(|place| place.file().is_some());
            if names_a_file { Diagnostic::from(refusal) } else { refused(refusal) }
        });
        eprint!("{}", shown?);
        eprintln!("{}", checksum_line(&message, &self.message));
        let mut output = self.output.create(&[&self.message])?;
        let mut signer = self.signer.open()?;
        confirm(
            &format!(
                "Sign this with {} (key {})?",
                signer.description(),
                signer.public_key().fingerprint()
            ),
            self.yes,
        )?;
        sign_envelope(signer.as_mut(), &mut envelope)?;
        let signatures = envelope.signatures().iter().flat_map(|made| made.signature);
        output
            .write_all(&signatures.collect::<Vec<u8>>())
            .map_err(|e| failure::io(&self.output.path, "writing", &e))?;
        output.commit()?;
        made(&self.output.path, format_args!("signature by {}", signer.public_key()));
        Ok(())
    }
}

impl AttachSignature {
    fn run(self) -> Result<(), Diagnostic> {
        let mut document = Document::read(&self.document)?;
        let key = named_public_key(&self.public_key)?;
        let refused = |refusal: Refusal| failure::refusal(&self.signature, &refusal);
        let bytes = read_regular(&self.signature, MAX_SIGNATURE_FILE_BYTES).map_err(refused)?;
        let bytes = decode_signature(&bytes).map_err(|e| {
            refused(
                Refusal::new(Code::Malformed, format_args!("not base64: {e}"))
                    .hint("give the 64 bytes, or their base64"),
            )
        })?;
        let signature = SignatureBytes::try_from(bytes.as_slice()).map_err(|_| {
            let refusal = Refusal::new(Code::Malformed, "not an Ed25519 signature")
                .found(format_args!("{} bytes", bytes.len()));
            refused(
                refusal
                    .expected("64 bytes, or their base64")
                    .hint("bring back the file that the other machine wrote"),
            )
        })?;
        let message = document.envelope().pae();
        eprint!("{}", document.shown()?);
        eprintln!("{}", checksum_line(&message, Path::new("the bytes that are signed")));
        let output = document.output(&self.target)?;
        document.add_signature(&key, &signature).map_err(|refusal| {
            refused(refusal.hint(
                "compare the SHA-256 above with that of the bytes that were signed, and the key \
                 with the one that signed them",
            ))
        })?;
        document.write_back(output)
    }
}

/// A line as sha256sum prints it, so that both sides can be compared by eye and by machine.
fn checksum_line(message: &[u8], path: &Path) -> String {
    format!("{}  {}", hex::encode(sha256(message)), path.display())
}

/// Something with an envelope, and the file that it came from.
pub(super) struct Document {
    path: PathBuf,
    bytes: Vec<u8>,
    content: Content,
}

enum Content {
    Bundle(Box<Bundle>),
    /// Of a verification in parts.
    Plan(Box<PlanDocument>),
    Envelope(Envelope),
}

/// What tells a bundle and a plan from an envelope, which has no such field.
#[derive(Deserialize)]
struct Kind {
    format: Option<Value>,
}

impl Document {
    /// Reads a bundle, a plan or an envelope.
    pub(super) fn read(path: &Path) -> Result<Self, Diagnostic> {
        let refused = |refusal| failure::refusal(path, &refusal);
        let bytes = read_regular(path, MAX_BUNDLE_BYTES).map_err(refused)?;
        let format = serde_json::from_slice::<Kind>(&bytes).ok().and_then(|kind| kind.format);
        let content = match format {
            Some(format) if format.as_str().is_some_and(PlanDocument::is_named_by) => {
                PlanDocument::from_json(&bytes).map(|plan| Content::Plan(Box::new(plan)))
            }
            Some(_) => Bundle::from_json(&bytes).map(|bundle| Content::Bundle(Box::new(bundle))),
            None => Envelope::from_json(&bytes).map(Content::Envelope),
        };
        Ok(Self { path: path.to_owned(), content: content.map_err(refused)?, bytes })
    }

    /// The bundle, where only a bundle will do.
    pub(super) fn bundle(&self) -> Result<&Bundle, Diagnostic> {
        let (what, name) = match &self.content {
            Content::Bundle(bundle) => return Ok(bundle),
            Content::Plan(_) => ("a plan of a verification in parts, not a bundle", "a plan"),
            Content::Envelope(_) => ("an envelope, not a bundle", "a single envelope"),
        };
        let hint = format!(
            "name a bundle; {name} is signed with `sign prepare`, `sign raw` and `sign attach`"
        );
        Err(Diagnostic::artefact("not-a-bundle", what).at(self.path.display()).hint(hint))
    }

    pub(super) fn envelope(&self) -> &Envelope {
        match &self.content {
            Content::Bundle(bundle) => bundle.envelope(),
            Content::Plan(plan) => &plan.envelope,
            Content::Envelope(envelope) => envelope,
        }
    }

    pub(super) fn add_signature(
        &mut self,
        key: &PublicKey,
        signature: &SignatureBytes,
    ) -> Result<(), Refusal> {
        match &mut self.content {
            Content::Bundle(bundle) => bundle.add_signature(key, signature),
            Content::Plan(plan) => plan.envelope.add_signature(key, signature),
            Content::Envelope(envelope) => envelope.add_signature(key, signature),
        }
    }

    /// What is being approved.
    pub(super) fn shown(&self) -> Result<String, Diagnostic> {
        let shown = match &self.content {
            Content::Bundle(bundle) => {
                bundle.inspect(None, &Timestamp::now()).map(|inspection| inspection.to_string())
            }
            Content::Plan(plan) => {
                // What is signed is the plan that the document holds.
                plan.plan().map_err(|error| error.at(self.path.display()).hint(PtauPlan::RENEW))?;
                Statement::from_payload(plan.envelope.payload()).map(|it| shown_plan(&it))
            }
            Content::Envelope(envelope) => shown_statement(envelope, None),
        };
        shown.map_err(|refusal| failure::refusal(&self.path, &refusal))
    }

    /// Where the signed document goes. To be asked before anybody signs.
    pub(super) fn output(&self, target: &TargetArgs) -> Result<Output, Diagnostic> {
        Ok(match &target.out {
            Some(out) => Output::create(out, target.force, &[&self.path])?,
            None => Output::create(&self.path, true, &[])?,
        })
    }

    /// Writes the signed document.
    pub(super) fn write_back(&self, mut output: Output) -> Result<(), Diagnostic> {
        let bytes = match &self.content {
            Content::Bundle(bundle) => {
                bundle.to_json().map_err(|refusal| failure::refusal(&self.path, &refusal))?
            }
            Content::Plan(plan) => plan.to_json(),
            Content::Envelope(envelope) => envelope.to_json(),
        };
        let path = output.path().to_owned();
        output.write_all(&bytes).map_err(|e| failure::io(&path, "writing", &e))?;
        // Another signer may have signed the same file meanwhile.
        let now = read_regular(&self.path, MAX_BUNDLE_BYTES)
            .map_err(|refusal| failure::refusal(&self.path, &refusal))?;
        if now != self.bytes {
            return Err(Diagnostic::environment(
                "changed",
                "the file has changed while it was being signed",
            )
            .at(self.path.display())
            .hint("nothing was written: run the same command again"));
        }
        output.commit()?;
        let signatures = self.envelope().signatures().len();
        made(&path, format_args!("{signatures} signatures"));
        Ok(())
    }
}

/// What an envelope's statement says, of whichever of our five types it is. One about a bundle says
/// it in its manifest, and is not shown without. Nor is one about a plan shown here where the plan
/// could be; on the machine that signs, its digest and its file's are what is shown.
fn shown_statement(envelope: &Envelope, manifest: Option<&Path>) -> Result<String, Refusal> {
    if let Some(statement) = of_type::<Provenance>(envelope)? {
        let path = manifest.ok_or_else(|| {
            Refusal::new(
                Code::SubjectMismatch,
                "the statement approves a bundle, and this is only its envelope: what is approved \
                 cannot be shown",
            )
            .expected("the bundle")
            .hint("name the bundle that the envelope was taken from")
        })?;
        let manifest = read_regular(path, MAX_MANIFEST_BYTES)
            .and_then(|bytes| Manifest::from_json(&bytes))
            .and_then(|manifest| ensure_manifest_of(&statement, manifest))
            .map_err(|refusal| refusal.in_file(path).hint(carry_manifest_over()))?;
        return Ok(shown_provenance(&statement, &manifest));
    }
    if let Some(statement) = of_type::<PtauPlan>(envelope)? {
        if manifest.is_none() {
            return Err(Refusal::new(
                Code::SubjectMismatch,
                "the statement is about a plan, and this is only its envelope",
            )
            .expected("the plan of a verification in parts")
            .hint("name the plan that the envelope was taken from"));
        }
        return Ok(shown_plan(&statement));
    }
    if let Some(statement) = of_type::<PtauPart>(envelope)? {
        return shown_part(&statement);
    }
    if let Some(statement) = of_type::<Release>(envelope)? {
        return Ok(shown_release(&statement));
    }
    Statement::<StepAttestation>::from_payload(envelope.payload()).map(|it| shown_step(&it))
}

/// The envelope's statement, if it is of this type.
fn of_type<P: Predicate>(envelope: &Envelope) -> Result<Option<Statement<P>>, Refusal> {
    match Statement::from_payload(envelope.payload()) {
        Err(refusal) if refusal.code() == Code::PredicateType => Ok(None),
        read => read.map(Some),
    }
}

/// Refuses a manifest that is not the one whose digest the statement names.
fn ensure_manifest_of(
    statement: &Statement<Provenance>,
    manifest: Manifest,
) -> Result<Manifest, Refusal> {
    let stated = statement.subject.first().filter(|s| s.name.as_str() == MANIFEST_SUBJECT);
    let stated = stated.map(|subject| subject.digest.sha256.0);
    let found = manifest.digest();
    if stated == Some(found.0) {
        return Ok(manifest);
    }
    Err(Refusal::new(Code::SubjectMismatch, "the manifest is not the one that the statement names")
        .found(found)
        .expected(stated.map_or_else(|| "a statement about a manifest".into(), hex::encode)))
}

fn shown_provenance(statement: &Statement<Provenance>, manifest: &Manifest) -> String {
    let says = &statement.predicate;
    let mut lines = vec![
        format!(
            "approves     verifying keys of ceremony {} ({}), serial {}",
            says.ceremony, says.kind, says.serial
        ),
        format!("issued       {}, importable until {}", says.issued, says.not_after),
    ];
    lines.extend(
        says.predecessor.map(|predecessor| format!("replaces     transcript {predecessor}")),
    );
    lines.push(format!("phase 1      {} contributions", manifest.phase1_contributions));
    for circuit in &manifest.circuits {
        lines.push(format!("circuit      {}: {}", circuit.name, circuit.circuit_sha256));
        lines.push(format!("  program    {} ({})", circuit.program_id, circuit.program_hash));
        lines.push(format!(
            "  key        {}, {} public inputs, {} contributions",
            circuit.vk_sha256, circuit.public_inputs, circuit.contributions
        ));
    }
    lines.extend(shown_subjects(&statement.subject));
    lines.join("\n") + "\n"
}

fn shown_release(statement: &Statement<Release>) -> String {
    let says = &statement.predicate;
    let mut lines = vec![
        format!("states       that the files of the list are release {} of this program", says.tag),
        format!("commit       {}", says.commit),
        format!("built with   {}", says.toolchain),
        format!("built in     {}", says.image),
        format!("time         {}", says.time),
    ];
    lines.extend(shown_subjects(&statement.subject));
    lines.join("\n") + "\n"
}

fn shown_plan(statement: &Statement<PtauPlan>) -> String {
    let says = &statement.predicate;
    let mut lines = vec![
        format!("states       a plan for verifying this file in {} parts", says.parts),
        format!("plan         {}", says.plan),
        format!("tool         {}", says.made.tool),
        format!("time         {}", says.made.time),
    ];
    lines.extend(shown_subjects(&statement.subject));
    lines.join("\n") + "\n"
}

/// Refuses a part that no plan has: nothing could be combined with it.
fn shown_part(statement: &Statement<PtauPart>) -> Result<String, Refusal> {
    let says = &statement.predicate;
    let part = PartOf::new(says.part, says.parts).ok_or_else(|| {
        Refusal::new(Code::Malformed, "not a part of a verification")
            .found(format_args!("part {} of {}", says.part, says.parts))
            .expected(format_args!("part I of N, with I from 1 to N, and N at most {MAX_PARTS}"))
            .hint(PtauPart::RENEW)
    })?;
    let sections: Vec<String> = says.sections().iter().map(ToString::to_string).collect();
    let mut lines = vec![
        format!("states       the sums of {part} of a verification of this file"),
        format!("sections     {}", sections.join(", ")),
        format!("plan         {}", says.plan),
        format!("tool         {}", says.made.tool),
        format!("time         {}", says.made.time),
    ];
    lines.extend(shown_subjects(&statement.subject));
    Ok(lines.join("\n") + "\n")
}

/// Every field: what is not shown would be signed unseen.
fn shown_step(statement: &Statement<StepAttestation>) -> String {
    let StepAttestation {
        ceremony,
        ceremony_toml_sha256,
        kind,
        phase,
        circuit,
        action,
        index,
        participant,
        input_sha256,
        contribution_hash,
        beacon,
        tool,
        build,
        entropy,
        destruction,
        verified,
        reason,
        time,
    } = &statement.predicate;
    let place = circuit.as_ref().map_or_else(
        || format!("phase {}", u8::from(*phase)),
        |circuit| format!("phase {} of circuit {}", u8::from(*phase), circuit.name),
    );
    let mut lines = vec![
        format!(
            "attests      {} {index}, {place}, of ceremony {ceremony} ({kind})",
            action.as_str()
        ),
        format!("rules        {ceremony_toml_sha256}"),
    ];
    lines.extend(circuit.as_ref().map(|it| format!("circuit      {}", it.circuit_sha256)));
    lines.push(format!("participant  {participant}"));
    lines.extend(reason.as_ref().map(|reason| format!("reason       {reason}")));
    if let Some(beacon) = beacon {
        lines.extend(shown_beacon(beacon));
    }
    lines.extend([
        format!("entropy      {entropy}"),
        format!("destruction  {destruction}"),
        format!("verified     {verified}"),
        format!("tool         {tool}"),
    ]);
    if let Some(Build { commit, executable_sha256, arithmetic }) = build {
        let known = |what: Option<String>| what.unwrap_or_else(|| "not known".into());
        lines.push(format!(
            "build        commit {}, program {}, {arithmetic}",
            known(commit.as_ref().map(ToString::to_string)),
            known(executable_sha256.map(|it| it.to_string()))
        ));
    }
    lines.push(format!("time         {time}"));
    lines.extend(input_sha256.map(|input| format!("input        {input}")));
    lines.extend(contribution_hash.map(|hash| format!("hash         {hash}")));
    lines.extend(shown_subjects(&statement.subject));
    lines.join("\n") + "\n"
}

fn shown_beacon(beacon: &Beacon) -> impl Iterator<Item = String> {
    let Beacon { source, round, value, signature, exponent } = beacon;
    let lines = [
        format!("beacon       {source}, round {round}, hashed 2^{} times", exponent.get()),
        format!("  value      {}", hex::encode(value.as_bytes())),
    ];
    let signature = signature.map(|it| format!("  signature  {}", String::from(it)));
    lines.into_iter().chain(signature)
}

fn shown_subjects(subjects: &[Subject]) -> impl Iterator<Item = String> {
    subjects.iter().map(|subject| {
        format!("subject      {}  {}", hex::encode(subject.digest.sha256.0), subject.name)
    })
}

/// Asks on a terminal. Without a terminal, running the command is the decision.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<(), Diagnostic> {
    let stdin = std::io::stdin();
    if yes || !stdin.is_terminal() {
        return Ok(());
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    stdin.read_line(&mut answer).map_err(|e| {
        Diagnostic::environment(
            "reading-from-terminal-failed",
            format_args!("reading from the terminal failed: {e}"),
        )
    })?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Diagnostic::environment("declined", "not signed: you did not say yes")
        .hint("nothing was written; with --yes you are not asked"))
}
