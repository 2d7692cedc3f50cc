//! `ceremony audit`: the whole verification once more, a signed result of it, and the auditor's
//! signature on the bundle.

use std::io::Write as _;

use ceremony_folder::audit::{AuditFailure, AuditResult, FAILED, one_line};
use ceremony_folder::steps::write_file;
use ceremony_folder::{Auditor, Ceremony, Depth, FolderLock, Verification, VerifiedCeremony};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::{Blame, Diagnostic};
use zk_attest::envelope::Envelope;
use zk_attest::primitives::{Label, Timestamp};
use zk_attest::signer::sign_envelope;
use zk_attest::statement::{Statement, Subject};

use super::verify::verified_or_report;
use super::{bundle_in, parse_label, print_remarks, this_tool};
use crate::cli::ceremony::AuditArgs;
use crate::failure;
use crate::known::Known;
use crate::outcome::{made, note};
use crate::progress::Bars;
use crate::signer::Signer;
use crate::watching::say;
use ceremony_folder::report::Report;

impl AuditArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open(root)?;
        let mut signer = self.signer.open()?;
        let (auditor, method) =
            (parse_label("--as", &self.name)?, parse_label("--method", &self.method)?);
        if self.so_far {
            return so_far(
                &ceremony,
                &Auditor { name: auditor, tool: this_tool() },
                signer.as_mut(),
            );
        }
        let folder = ceremony.folder.audits();
        let path = folder
            .join(format!("{}.dsse.json", signer.public_key().fingerprint().replace(' ', "")));
        let bundle = ceremony.folder.bundle();
        // Judged before the work: both may be replaced.
        let mut output = ceremony.folder.create(&path, true)?;
        if ceremony.folder.is_present(&bundle) {
            drop(ceremony.folder.create(&bundle, true)?);
            ensure_of_these_rules(&ceremony)?;
        }
        let done = match verified_or_report(&ceremony) {
            Ok(done) => done,
            Err((Some(report), error)) if error.blame == Blame::Artefact => {
                sign_failure(&ceremony, &report, (auditor, method), signer.as_mut())?;
                return Err(error);
            }
            Err((_, error)) => return Err(error),
        };
        let (envelope, steps) = sign_result(&ceremony, &done, (auditor, method), signer.as_mut())?;
        output.write_all(&envelope.to_json()).map_err(|e| failure::io(&path, "writing", &e))?;
        output.commit()?;
        let by = signer.public_key().fingerprint();
        made(&path, format_args!("{steps} files verified, the result is signed by {by}"))
            .line("transcript", done.digest());
        if ceremony.folder.is_present(&bundle) {
            sign_bundle(&ceremony, &done, signer.as_mut())
        } else {
            without_bundle(&bundle)
        }
    }
}

/// The signed result of an audit in which everything held, and how many files that were.
pub(super) fn sign_result(
    ceremony: &Ceremony,
    done: &VerifiedCeremony,
    (auditor, method): (Label, Label),
    signer: &mut dyn Signer,
) -> Result<(Envelope, usize), Diagnostic> {
    let steps = ceremony
        .chains()
        .map(|chain| chain.steps.len() + usize::from(chain.prepared.is_some()))
        .sum::<usize>();
    let result = AuditResult {
        ceremony: ceremony.config.document().id.clone(),
        kind: ceremony.config.document().kind,
        ceremony_toml_sha256: ceremony.config.digest(),
        transcript_sha256: done.digest(),
        files: u32::try_from(steps).unwrap_or(u32::MAX),
        auditor,
        key: *signer.public_key(),
        tool: this_tool(),
        method,
        time: Timestamp::now(),
    };
    let refused = |refusal| failure::refusal(&ceremony.folder.audits(), &refusal);
    let subject = Subject::new("transcript.json", done.digest().as_bytes()).map_err(refused)?;
    let mut envelope =
        Statement { subject: vec![subject], predicate: result }.to_envelope().map_err(refused)?;
    sign_envelope(signer, &mut envelope)?;
    Ok((envelope, steps))
}

/// Verifies every file there is, and signs a verdict of each.
fn so_far(
    ceremony: &Ceremony,
    auditor: &Auditor,
    signer: &mut dyn Signer,
) -> Result<(), Diagnostic> {
    let mut verification = Verification::new(ceremony, Depth::EveryFile)?;
    let mut good = 0;
    for part in verification.parts().to_vec() {
        let step = verification.step(&part);
        let (Some((track, step)), Some(result)) = (step, verification.next_part(&Bars::default()))
        else {
            break;
        };
        match result {
            Ok(passed) => {
                say!("verified {}", passed.title);
                print_remarks(&passed);
                ceremony.write_verdict(track, step, None, auditor, signer)?;
                Known::note(ceremony, std::iter::once((track, step)));
                good += 1;
            }
            Err(error) => {
                let failed = Diagnostic::from(&error);
                if failed.blame == Blame::Artefact {
                    let reason = one_line(&failed.to_string());
                    let path =
                        ceremony.write_verdict(track, step, Some(reason), auditor, signer)?;
                    made(&path, "a negative verdict, signed");
                }
                return Err(failed);
            }
        }
    }
    let key = signer.public_key();
    let by = key.fingerprint();
    made(
        &ceremony.folder.audits().join(by.replace(' ', "")),
        format_args!("{good} files verified, a verdict of each is signed by {by}"),
    );
    note!(
        "Publish them with your key, {key}: anyone who trusts you contributes with `--prepared \
         verdicts --auditor {key}`."
    );
    Ok(())
}

/// Signs and writes what did not hold.
fn sign_failure(
    ceremony: &Ceremony,
    report: &Report,
    (auditor, method): (Label, Label),
    signer: &mut dyn Signer,
) -> Result<(), Diagnostic> {
    let Some(failed) = &report.failure else { return Ok(()) };
    sign_what_failed(ceremony, &failed.title, &failed.error, (auditor, method), signer)?;
    Ok(())
}

/// The same, of a step and what was wrong with it.
pub(super) fn sign_what_failed(
    ceremony: &Ceremony,
    step: &str,
    error: &str,
    (auditor, method): (Label, Label),
    signer: &mut dyn Signer,
) -> Result<Envelope, Diagnostic> {
    let key = *signer.public_key();
    let name = format!("{}{FAILED}", key.fingerprint().replace(' ', ""));
    let path = ceremony.folder.audits().join(name);
    let refused = |refusal| failure::refusal(&path, &refusal);
    let rules = ceremony.config.document();
    let predicate = AuditFailure {
        ceremony: rules.id.clone(),
        kind: rules.kind,
        ceremony_toml_sha256: ceremony.config.digest(),
        step: one_line(step),
        failure: one_line(error),
        auditor,
        key,
        tool: this_tool(),
        method,
        time: Timestamp::now(),
    };
    let rules = Subject::new("ceremony.toml", ceremony.config.digest().as_bytes());
    let subject = vec![rules.map_err(refused)?];
    let mut envelope = Statement { subject, predicate }.to_envelope().map_err(refused)?;
    sign_envelope(signer, &mut envelope)?;
    write_file(ceremony, &path, &envelope.to_json(), true)?;
    made(&path, format_args!("the audit failed, signed by {}", key.fingerprint()));
    note!("Publish it: `verify`, `status` and report.html show it.");
    Ok(envelope)
}

/// Refuses a bundle that cannot be the ceremony's, whatever a verification says.
fn ensure_of_these_rules(ceremony: &Ceremony) -> Result<(), Diagnostic> {
    let refused = |refusal| failure::refusal(&ceremony.folder.bundle(), &refusal);
    let transcript = bundle_in(ceremony)?.checked_transcript().map_err(refused)?;
    let (found, expected) =
        (transcript.transcript().ceremony_toml_sha256, ceremony.config.digest());
    if found == expected {
        return Ok(());
    }
    Err(another_ceremony(ceremony)
        .found(format_args!("rules {found}"))
        .expected(format_args!("rules {expected}")))
}

fn another_ceremony(ceremony: &Ceremony) -> Diagnostic {
    let what = "the bundle is of another ceremony than this folder";
    Diagnostic::artefact("another-ceremony", what).at(ceremony.folder.bundle().display()).hint(
        format_args!(
            "the coordinator makes it again: `{PROGRAM} bundle create {} --serial N --not-after \
             TIME --force`; its signatures are lost",
            ceremony.folder.root().display()
        ),
    )
}

/// Adds the auditor's signature to a bundle, if it is of the ceremony that was just verified.
fn sign_bundle(
    ceremony: &Ceremony,
    done: &VerifiedCeremony,
    signer: &mut dyn Signer,
) -> Result<(), Diagnostic> {
    let path = &ceremony.folder.bundle();
    let refused = |refusal| failure::refusal(path, &refusal);
    let mut bundle = bundle_in(ceremony)?;
    let inspection = bundle.inspect(None, &Timestamp::now()).map_err(refused)?;
    if inspection.transcript_sha256 != done.digest() {
        return Err(another_ceremony(ceremony)
            .found(inspection.transcript_sha256)
            .expected(done.digest()));
    }
    let signature = signer.sign(&bundle.envelope().pae())?;
    bundle.add_signature(signer.public_key(), &signature).map_err(refused)?;
    write_file(ceremony, path, &bundle.to_json().map_err(refused)?, true)?;
    made(path, format_args!("signed by {}", signer.public_key().fingerprint()));
    Ok(())
}

fn without_bundle(path: &std::path::Path) -> Result<(), Diagnostic> {
    note!("{}: not there yet; run the same command again when it is, to sign it", path.display());
    Ok(())
}
