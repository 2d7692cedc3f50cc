//! `ceremony archive --verify`: an archive is read once, and not unpacked.

use std::io::{BufReader, Read};
use std::path::Path;

use ceremony_folder::approvals::Approvals;
use ceremony_folder::archive_check::{CheckedArchive, Lists};
use ceremony_folder::archive_file;
use ceremony_publish::{Access, LockState, Place};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::ConfigDigest;

use crate::failure;
use crate::outcome::{self, note};
use crate::progress::Bars;

/// Checks a file, or the object at an address, and says what holds.
pub(super) fn run(archive: &str, rules: Option<&str>, access: &Access) -> Result<(), Diagnostic> {
    let rules = rules.map(ConfigDigest::from_hex).transpose().map_err(|refusal| {
        failure::argument("--rules", &refusal)
            .hint("give the SHA-256 of ceremony.toml as 64 hexadecimal digits")
    })?;
    let path = Path::new(archive);
    let (checked, lock) = if archive.contains("://") {
        let place = Place::open(archive, access)?;
        let reading = place.open_itself()?;
        let version = reading.version().map(str::to_owned);
        let checked = check(reading, path, Lists::Needed)?;
        (checked, Some(place.lock_state(version.as_deref())))
    } else {
        (check(crate::output::open(path)?, path, Lists::Needed)?, None)
    };
    let (found, sha256, length) = checked;
    if let Some(rules) = rules.filter(|rules| *rules != found.rules) {
        return Err(Diagnostic::artefact("archive", "the archive is of other rules")
            .at(archive)
            .found(found.rules)
            .expected(rules)
            .hint("anyone who makes up a ceremony can sign all of it: do not trust this one"));
    }
    print(archive, &found, &sha256, length);
    if rules.is_none() {
        note!(
            "  - whether these are the rules that the coordinator announced: compare their \
             SHA-256, or add --rules SHA256"
        );
    }
    match lock {
        None | Some(Ok(LockState::Unknown)) => {}
        Some(Ok(LockState::Locked { mode, until })) => note!("lock: {mode} until {until}"),
        Some(Ok(LockState::None)) => {
            note!("lock: none, or this account may not see it (s3:GetObjectRetention)");
        }
        Some(Err(error)) => note!("lock: not known: {}", error.what),
    }
    Ok(())
}

/// Refuses an archive that its readers would refuse, but for the lack of a list where none is
/// needed. Whether it has one.
pub(super) fn ensure_whole(
    source: impl Read,
    shown: &Path,
    lists: Lists,
) -> Result<bool, Diagnostic> {
    let (found, ..) = check(source, shown, lists)?;
    Ok(found.index.is_some() || found.sums)
}

fn check(
    source: impl Read,
    shown: &Path,
    lists: Lists,
) -> Result<(CheckedArchive, String, u64), Diagnostic> {
    let passed = archive_file::read(BufReader::with_capacity(1 << 20, source), &Bars::default())
        .map_err(|error| match error.place.clone() {
            None => error.at(shown.display()),
            Some(place) => error.at(format_args!("{}: {place}", shown.display())),
        })?;
    let found = passed.check.finish(shown, lists)?;
    if passed.prefix != found.ceremony.as_str() {
        return Err(Diagnostic::artefact("archive", "the archive's folder has another name")
            .at(shown.display())
            .found(passed.prefix)
            .expected(&found.ceremony));
    }
    Ok((found, passed.sha256, passed.length))
}

fn print(archive: &str, found: &CheckedArchive, sha256: &str, length: u64) {
    let state = if found.closed { "closed" } else { "not finished" };
    let mut whole = outcome::found(Path::new(archive), "whole")
        .line("ceremony", format_args!("{}, {state}", found.ceremony))
        .line("rules", found.rules)
        .line("files", format_args!("{}, {} bytes", found.files, found.bytes))
        .line("archive", format_args!("{length} bytes"))
        .line("sha256", sha256);
    if let Some(transcript) = &found.transcript {
        whole = whole.line("transcript", transcript);
    }
    drop(whole);
    note!("checked:");
    note!("  - {} steps are signed, follow one another, and have the attested files", found.steps);
    match &found.index {
        Some(claim) => note!(
            "  - the files are those of the list that {} signed at {}: none changed, added or \
             missing",
            claim.key.fingerprint(),
            claim.time
        ),
        None => note!("  - the files are those of SHA256SUMS: none changed, added or missing"),
    }
    if found.index.is_some() && found.sums {
        note!("  - and those of SHA256SUMS");
    }
    if let Some(entries) = found.journal {
        note!("  - the journal's {entries} entries follow one another, and a service signed them");
    }
    if let Some(Approvals { verified, .. }) = found.approvals {
        note!(
            "  - the bundle is of this transcript; {verified} people and auditors of the ceremony \
             signed it"
        );
    }
    if found.transcript.is_some() {
        note!("  - the transcript is the one of these rules, steps and rejections");
    }
    if found.keys > 0 {
        note!("  - {} exported keys are those that the transcript names", found.keys);
    }
    let (good, failed) = found.audits;
    if good + failed > 0 {
        note!("  - {good} auditors signed a good result, {failed} a bad one");
    }
    note!("not checked:");
    note!(
        "  - the mathematics of each step: unpack it, and run `{PROGRAM} ceremony verify FOLDER \
         --read-only`"
    );
    if found.transcript.is_some() {
        note!("  - what it says of challenges and verifying keys: the same command does");
    }
    if found.other_keys > 0 {
        note!(
            "  - {} exported keys in JSON or without a transcript: `{PROGRAM} ceremony keygen \
             FOLDER` makes them",
            found.other_keys
        );
    }
    if found.reports {
        note!("  - what the reports say: the same command writes them again");
    }
    if found.index.is_none() {
        note!(
            "  - who made the list of files: SHA256SUMS is not signed, so files that no step \
             needs may have been left out together with their lines"
        );
    }
    if let Some(Approvals { unknown, .. }) = found.approvals {
        if unknown > 0 {
            note!(
                "  - {unknown} signatures of the bundle, by keys that the ceremony does not know"
            );
        }
        note!(
            "  - whether the bundle's approvals are enough: `{PROGRAM} bundle verify BUNDLE \
             --policy POLICY` says so"
        );
    }
    if found.evidence > 0 {
        note!(
            "  - what {} files of evidence prove: RUNBOOK.md#evidence has the tools of those who made them",
            found.evidence
        );
    }
    if found.strays > 0 {
        note!("  - {} files under a step's name that no step builds on", found.strays);
    }
}
