//! `ceremony verify` and `find`: everything checked, and written down.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ceremony_core::format::verification_key::write_verification_key;
use ceremony_folder::approvals::Approvals;
use ceremony_folder::archive_set::archive_set;
use ceremony_folder::commitment::Standing;
use ceremony_folder::folder::Folder;
use ceremony_folder::journal::VerifiedJournal;
use ceremony_folder::service::{Kept, Receipt, appointments};
use ceremony_folder::{
    Cause, Ceremony, CeremonyError, CircuitKey, Depth, FolderLock, Stage, Verification,
    VerifiedCeremony,
};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::envelope::Envelope;
use zk_attest::file::read_regular;
use zk_attest::key::PublicKey;

use super::once::{ensure_same, write_once};
use super::{bundle_in, print_remarks, this_tool};
use crate::cli::ceremony::{FindArgs, VerifyCeremony};
use crate::failure;
use crate::known::Known;
use crate::output::Output;
use crate::progress::Bars;
use crate::show::{hex_groups, json};
use crate::watching::say;
use ceremony_folder::report::{Report, ReportedAudit, html, sums};

/// Verifies every file of a finished ceremony.
pub(super) fn verified(ceremony: &Ceremony) -> Result<VerifiedCeremony, Diagnostic> {
    verified_or_report(ceremony).map_err(|(_, error)| error)
}

/// The same, with the report of a verification that failed.
pub(super) fn verified_or_report(
    ceremony: &Ceremony,
) -> Result<VerifiedCeremony, (Option<Box<Report>>, Diagnostic)> {
    if ceremony.stage() != Stage::Closed {
        // A chain that does not hold is not verified to its end, and says why.
        return match ceremony.ensure_sound() {
            Ok(()) => Err((None, unfinished(ceremony))),
            Err(error) => {
                let report = run(ceremony, false).ok().map(|(report, _)| Box::new(report));
                Err((report, error.into()))
            }
        };
    }
    let (report, result) = run(ceremony, false).map_err(|error| (None, error.into()))?;
    match result {
        // Everyone who signs, or makes keys, vouches for what others read here.
        Ok(Some(done)) => match ensure_exported(ceremony, &done) {
            Ok(()) => Ok(done),
            Err(error) => Err((None, error)),
        },
        Ok(None) => Err((None, unfinished(ceremony))),
        Err(error) => Err((Some(Box::new(report)), Diagnostic::from(&error))),
    }
}

fn unfinished(ceremony: &Ceremony) -> Diagnostic {
    Diagnostic::environment("unfinished", "the ceremony is not finished").hint(format!(
        "`{PROGRAM} ceremony status {}` says what comes next",
        ceremony.folder.root().display()
    ))
}

/// The finished ceremony, or none where everything so far holds.
type Ran = Result<Option<VerifiedCeremony>, CeremonyError>;

/// Verifies every file there is.
fn run(ceremony: &Ceremony, quiet: bool) -> Result<(Report, Ran), CeremonyError> {
    let mut report = Report::begin(ceremony, this_tool().as_str())?;
    if let Some(error) = &report.evidence_error {
        say!("note: evidence was not read: {error}");
    }
    let start = Instant::now();
    let result = run_parts(ceremony, quiet, &mut report);
    report.seconds = start.elapsed().as_secs_f64();
    if let Ok(Some(done)) = &result {
        report.finished(done);
    }
    Ok((report, result))
}

fn run_parts(ceremony: &Ceremony, quiet: bool, report: &mut Report) -> Ran {
    let failed = |report: &mut Report, title: &str, error| {
        report.failed(title.into(), &error);
        error
    };
    let mut verification = Verification::new(ceremony, Depth::EveryFile)
        .map_err(|error| failed(report, "attestations", error))?;
    let titles: Vec<String> =
        verification.parts().iter().map(|part| verification.title(part)).collect();
    for title in titles {
        let start = Instant::now();
        let Some(result) = verification.next_part(&Bars::default()) else { break };
        let part = result.map_err(|error| failed(report, &title, error))?;
        let seconds = start.elapsed().as_secs_f64();
        if !quiet {
            say!("verified {title} ({seconds:.2} s)");
            print_remarks(&part);
        }
        report.passed(ceremony, &part, seconds);
    }
    let seen = verification.parts().iter().filter_map(|part| verification.step(part));
    Known::note(ceremony, seen);
    ceremony.settled_journal().map_err(|error| failed(report, "journal", error))?;
    if ceremony.stage() != Stage::Closed {
        return Ok(None);
    }
    verification.finish().map(Some).map_err(|error| failed(report, "transcript", error))
}

impl VerifyCeremony {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = if self.read_only { None } else { Some(FolderLock::take(root)?) };
        let ceremony = Ceremony::read(Folder::read_once(root))?;
        // Judged before the work.
        if self.finished && ceremony.problem().is_none() {
            ensure_looks_finished(&ceremony)?;
        }
        let outputs = if self.read_only { None } else { Some(Outputs::begin(&ceremony)?) };
        let (report, result) = run(&ceremony, self.json)?;
        if let Ok(Some(done)) = &result {
            ensure_exported(&ceremony, done)?;
            self.transcript(&ceremony, done)?;
        }
        mention(&ceremony, &report);
        if let Some(outputs) = outputs {
            outputs.write(&ceremony, &report)?;
        }
        if self.json {
            json(&report)?;
        }
        match result {
            Ok(done) if !self.json => {
                let journal = ceremony.settled_journal()?;
                print(root, &report, done.as_ref(), journal.as_ref(), self.read_only);
            }
            Ok(_) => {}
            Err(error) => return Err(Diagnostic::from(&error)),
        }
        if self.finished { ensure_finished(&ceremony, &report) } else { Ok(()) }
    }

    /// The transcript is a function of the folder: one that is there already must be this one.
    fn transcript(&self, ceremony: &Ceremony, done: &VerifiedCeremony) -> Result<(), Diagnostic> {
        let path = ceremony.folder.transcript();
        if self.read_only {
            return Ok(());
        }
        write_once(ceremony, &path, done.transcript().bytes())
    }
}

/// A finished ceremony that was verified, and what to write down of that.
pub(super) struct Finished {
    pub(super) done: VerifiedCeremony,
    report: Report,
    outputs: Outputs,
}

impl Finished {
    /// Verifies every file of a finished ceremony, once.
    ///
    /// # Errors
    /// What does not hold, with the report written.
    pub(super) fn verify(ceremony: &Ceremony) -> Result<Self, Diagnostic> {
        let outputs = Outputs::begin(ceremony)?;
        match run(ceremony, false)? {
            (report, Ok(Some(done))) => Ok(Self { done, report, outputs }),
            (_, Ok(None)) => Err(unfinished(ceremony)),
            (report, Err(error)) => {
                outputs.write(ceremony, &report)?;
                Err(error.into())
            }
        }
    }

    /// Writes what `ceremony verify` writes: the transcript, the report, and the sums of all files
    /// that are there now.
    pub(super) fn write(self, ceremony: &Ceremony) -> Result<VerifiedCeremony, Diagnostic> {
        let Self { done, report, outputs } = self;
        ensure_exported(ceremony, &done)?;
        write_once(ceremony, &ceremony.folder.transcript(), done.transcript().bytes())?;
        mention(ceremony, &report);
        outputs.write(ceremony, &report)?;
        let journal = ceremony.settled_journal()?;
        print(ceremony.folder.root(), &report, Some(&done), journal.as_ref(), false);
        Ok(done)
    }
}

/// What is no step of the ceremony, and what auditors found.
fn mention(ceremony: &Ceremony, report: &Report) {
    for stray in ceremony.strays() {
        say!("stray {}: {}", super::named(stray), stray.story);
    }
    for audit in &report.failed_audits {
        say!("{}", failed_audit(audit));
    }
}

/// A failed audit, in one line.
pub(super) fn failed_audit(audit: &ReportedAudit) -> String {
    format!(
        "FAILED AUDIT, signed by {} ({}) at {}: {}: {}",
        audit.auditor, audit.fingerprint, audit.time, audit.step, audit.failure
    )
}

fn not_finished(root: &Path, what: &str, expected: &str) -> Diagnostic {
    Diagnostic::artefact("unfinished", format_args!("the ceremony is not finished: {what}"))
        .at(root.display())
        .expected(expected)
        .hint(format!("`{PROGRAM} ceremony status {}` says what comes next", root.display()))
}

/// What an archive must have: chains to their ends, the keys, and a bundle with approvals.
fn ensure_looks_finished(ceremony: &Ceremony) -> Result<Approvals, Diagnostic> {
    let (folder, root) = (&ceremony.folder, ceremony.folder.root());
    if let Some(unread) = ceremony.roster.unread() {
        return Err(Diagnostic::from(unread.as_ref()).hint(format_args!(
            "fetch the file again; one that is none of the ceremony's is put away by `{PROGRAM} \
             ceremony countersign {} --withdraw`",
            root.display()
        )));
    }
    if ceremony.stage() != Stage::Closed {
        let open = ceremony.chains().find(|chain| !chain.is_closed());
        let what =
            open.map_or("a chain is open".into(), |chain| format!("{} is open", chain.track));
        return Err(not_finished(root, &what, "both phases closed by their beacons"));
    }
    for circuit in &ceremony.config.document().circuits {
        let keys = folder.verifying_keys(&circuit.name);
        if let Some(missing) = keys.iter().find(|path| !folder.is_present(path)) {
            let expected = missing.display().to_string();
            return Err(not_finished(root, "a verifying key is missing", &expected));
        }
    }
    if !folder.is_present(&folder.bundle()) {
        return Err(not_finished(root, "it has no bundle", "bundle.json"));
    }
    let bundle = bundle_in(ceremony)?;
    if bundle.envelope().signatures().is_empty() {
        let expected = "signatures of the bundle";
        return Err(not_finished(root, "nobody has approved its bundle", expected));
    }
    Ok(Approvals::of(ceremony, &bundle)?)
}

/// The same, and that the bundle is of what was verified.
fn ensure_finished(ceremony: &Ceremony, report: &Report) -> Result<(), Diagnostic> {
    let Approvals { verified, unknown } = ensure_looks_finished(ceremony)?;
    let (folder, root) = (&ceremony.folder, ceremony.folder.root());
    let transcript = report.transcript_sha256.as_deref().unwrap_or("a transcript");
    if !folder.is_present(&folder.transcript()) {
        return Err(not_finished(root, "it has no transcript", "transcript.json"));
    }
    let checked = bundle_in(ceremony)?.checked_transcript();
    let checked = checked.map_err(|refusal| failure::refusal(&folder.bundle(), &refusal))?;
    if checked.digest().to_string() != transcript {
        return Err(not_finished(root, "its bundle is of another transcript", transcript));
    }
    say!(
        "bundle: {verified} people and auditors of the ceremony signed it; not verified: {unknown} \
         signatures by other keys, and whether all are enough, which `{PROGRAM} bundle verify {} \
         --policy POLICY` says",
        folder.bundle().display()
    );
    Ok(())
}

/// Keys that were exported before, and a transcript, are those of the verified ceremony.
pub(super) fn ensure_exported(
    ceremony: &Ceremony,
    done: &VerifiedCeremony,
) -> Result<(), Diagnostic> {
    for key in done.keys() {
        for (path, bytes) in exported(ceremony, key)? {
            if ceremony.folder.is_present(&path) {
                ensure_same(ceremony, &path, &bytes)?;
            }
        }
    }
    let transcript = ceremony.folder.transcript();
    if ceremony.folder.is_present(&transcript) {
        ensure_same(ceremony, &transcript, done.transcript().bytes())?;
    }
    Ok(())
}

/// The files of a verifying key, and what each says.
pub(super) fn exported(
    ceremony: &Ceremony,
    key: &CircuitKey,
) -> Result<[(PathBuf, Vec<u8>); 3], Diagnostic> {
    let json = write_verification_key(&key.verifying_key)
        .map_err(|e| Diagnostic::environment("internal", e))?;
    let [compressed, uncompressed, for_javascript] = ceremony.folder.verifying_keys(&key.name);
    Ok([
        (compressed, key.bytes.compressed.clone()),
        (uncompressed, key.bytes.uncompressed.clone()),
        (for_javascript, json.into_bytes()),
    ])
}

/// What a verification writes down.
struct Outputs {
    json: Output,
    html: Output,
    sums: Output,
}

impl Outputs {
    fn begin(ceremony: &Ceremony) -> Result<Self, CeremonyError> {
        // Would stop the sums. Whatever else does not belong here, verification comes first.
        match archive_set(ceremony) {
            Err(error) if matches!(error.cause, Cause::KeyMaterial { .. }) => return Err(error),
            _ => {}
        }
        let begin = |name: &str| ceremony.folder.create(&ceremony.folder.root().join(name), true);
        Ok(Self {
            json: begin("report.json")?,
            html: begin("report.html")?,
            sums: begin("SHA256SUMS")?,
        })
    }

    fn write(self, ceremony: &Ceremony, report: &Report) -> Result<(), Diagnostic> {
        let text = serde_json::to_string_pretty(report).map_err(|e| {
            Diagnostic::environment("internal", format_args!("writing JSON failed: {e}"))
        })?;
        write(self.json, &format!("{text}\n"))?;
        write(self.html, &html(report))?;
        if report.result != "good" {
            // Nobody should keep, or hash, what failed.
            return Ok(());
        }
        write(self.sums, &sums(ceremony, report, &Bars::default())?)
    }
}

fn write(mut output: Output, text: &str) -> Result<(), Diagnostic> {
    let path = output.path().to_owned();
    output.write_all(text.as_bytes()).map_err(|e| failure::io(&path, "writing", &e))?;
    Ok(output.commit()?)
}

fn print(
    root: &Path,
    report: &Report,
    done: Option<&VerifiedCeremony>,
    journal: Option<&VerifiedJournal>,
    read_only: bool,
) {
    let shown = root.display();
    let print_people = || {
        let people = &report.people;
        for amendment in &people.amendments {
            println!("  amendment {:<9}{}", amendment.number, amendment.change);
        }
        if let Some(pending) = &people.pending {
            println!("  not in force       {} (lacks {})", pending.change, pending.missing);
        }
        if let Some(unread) = &people.unread {
            println!("  not read           {unread}");
        }
    };
    let print_journal = || {
        if let Some(VerifiedJournal { entries, service }) = journal {
            let key = service.service_key.fingerprint();
            println!("  journal            {} entries, signed by the service {key}", entries.len());
        }
    };
    let print_beacons = || {
        let steps = report.chains.iter().flat_map(|chain| {
            chain.steps.iter().filter_map(|step| Some((&chain.title, step.beacon.as_ref()?)))
        });
        for (title, beacon) in steps {
            let (source, round) = (&beacon.source, beacon.round);
            let check = match title.starts_with("Phase 1") {
                true => "check 11 of phase 1",
                false => "check 12 of phase 2",
            };
            let how = match &beacon.chain {
                Some(chain) => format!("{check}: verified under {chain}'s key"),
                None => "not compared with its source".into(),
            };
            println!("  beacon             {title}: {source}, round {round}: {how}");
            println!("                     contributions before it: {}", beacon.order);
        }
    };
    let print_commitments = || {
        for phase in [1, 2] {
            let (name, number) = if phase == 1 { ("Phase 1", 12) } else { ("Phase 2", 13) };
            let opened = report.files.iter().filter(|file| {
                let of_phase = file.file.starts_with("phase1/") == (phase == 1);
                of_phase && file.checks.iter().any(|check| check.number == Some(number))
            });
            let opened = opened.count();
            let made = report.people.commitments.iter().filter(|said| said.phase == phase);
            let whose = |standing: Standing| -> Vec<&str> {
                let of = made.clone().filter(|said| said.standing == standing);
                of.map(|said| said.participant.as_str()).collect()
            };
            let (not, rejected) = (whose(Standing::NotOpened), whose(Standing::Rejected));
            if opened + made.count() == 0 {
                continue;
            }
            println!(
                "  commitments        {name}: check {number}: {opened} contributions open the \
                 commitments of their makers"
            );
            if !not.is_empty() {
                println!("                     NOT OPENED: {}", not.join(", "));
            }
            if !rejected.is_empty() {
                println!(
                    "                     rejected, and without secrets now: {}",
                    rejected.join(", ")
                );
            }
            for begun in report.people.commitment_rounds.iter().filter(|it| it.phase == phase) {
                println!("                     round {}: {}", begun.round, begun.reason);
            }
        }
    };
    let Some(done) = done else {
        println!(
            "{shown}: NOT FINISHED; good so far, {} files verified in {:.1} s",
            report.files.len(),
            report.seconds
        );
        print_people();
        print_commitments();
        print_beacons();
        print_journal();
        println!("next: {PROGRAM} ceremony status {shown}");
        return;
    };
    println!("{shown}: good, {} files verified in {:.1} s", report.files.len(), report.seconds);
    println!("  transcript         {}", done.digest());
    for key in &report.verifying_keys {
        println!(
            "  key of {:<12}{} ({} public inputs)",
            format!("{} ", key.circuit),
            key.vk_sha256,
            key.public_inputs
        );
    }
    print_people();
    print_commitments();
    print_beacons();
    print_journal();
    if !read_only {
        println!("  report             {}", root.join("report.html").display());
        println!("next: {PROGRAM} ceremony status {shown}");
    }
}

/// Where a participant's contribution is, and what came of it.
#[derive(serde::Serialize)]
struct Found {
    participant: String,
    key: String,
    contributions: Vec<FoundStep>,
    /// Whether everything in the folder verified, and so everything after the contributions.
    verified: bool,
    transcript_sha256: Option<String>,
}

#[derive(serde::Serialize)]
struct FoundStep {
    chain: String,
    step: u32,
    file: String,
    time: String,
    contribution_hash: String,
    /// Steps that build on it.
    followed_by: usize,
    /// Whether the chain is closed with it inside.
    in_the_result: bool,
}

/// Holds a ceremony against a receipt that its service gave.
fn hold_against(ceremony: &Ceremony, path: &Path) -> Result<(), Diagnostic> {
    let bytes = read_regular(path, Envelope::MAX_BYTES)
        .map_err(|refusal| failure::refusal(path, &refusal))?;
    let services: Vec<PublicKey> =
        appointments(ceremony)?.into_iter().map(|appointed| appointed.service_key).collect();
    let receipt = Receipt::read(path, &bytes, ceremony.config.digest(), &services)?;
    match receipt.kept_by(ceremony, path)? {
        Kept::Step(step) => say!("{}: kept, {} step {step}", path.display(), receipt.track()),
        Kept::Rejected(reason) => {
            say!("{}: {}, taken out by the coordinator: {reason}", path.display(), receipt.track())
        }
    }
    let (shown, number) = (path.display(), receipt.journal_entry);
    match ceremony.settled_journal()? {
        Some(journal) => {
            receipt.told_by(&journal.entries, path)?;
            eprintln!("{shown}: told by the journal's entry {number}");
        }
        None => eprintln!("{shown}: no journal here, so that its entry {number} is not compared"),
    }
    Ok(())
}

impl FindArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let ceremony = Ceremony::open(root)?;
        let (name, key) = self.who(&ceremony)?;
        // What comes after a problem was not looked at: this copy cannot say who is in the chain.
        ceremony.ensure_sound()?;
        for path in &self.receipt {
            hold_against(&ceremony, path)?;
        }
        let contributions: Vec<FoundStep> = ceremony
            .chains()
            .flat_map(|chain| {
                chain.contributions().filter(|step| *step.words.participant.as_str() == *name).map(
                    |step| FoundStep {
                        chain: chain.track.to_string(),
                        step: step.index,
                        file: step.path.display().to_string(),
                        time: step.words.time.to_string(),
                        contribution_hash: step
                            .words
                            .contribution_hash
                            .map_or_else(String::new, |hash| hash.to_string()),
                        followed_by: chain
                            .steps
                            .iter()
                            .filter(|later| later.index > step.index)
                            .count(),
                        in_the_result: chain.is_closed(),
                    },
                )
            })
            .collect();
        if contributions.is_empty() {
            return Err(Diagnostic::artefact(
                "not-in-the-chain",
                format_args!("no contribution of {name} is in the chain"),
            )
            .at(root.display())
            .hint(
                "if you have contributed, keep your hash and your copy of the file, and ask the \
                 coordinator",
            ));
        }
        let (report, result) = run(&ceremony, self.json)?;
        let found = Found {
            participant: name,
            key: key.to_string(),
            contributions,
            verified: result.is_ok(),
            transcript_sha256: report.transcript_sha256,
        };
        if self.json {
            json(&found)?
        } else {
            found.print()
        }
        result.map(drop).map_err(|error| Diagnostic::from(&error))
    }

    fn who(&self, ceremony: &Ceremony) -> Result<(String, PublicKey), Diagnostic> {
        let roster = ceremony.roster.everybody();
        // By the key of any time: a participant's may have been replaced.
        let key = PublicKey::from_hex(&self.participant).ok();
        let by_key = key.and_then(|key| ceremony.roster.keys().find(|(_, known)| **known == key));
        let name = by_key.map_or(self.participant.as_str(), |(name, _)| name.as_str());
        match roster.iter().find(|participant| participant.name.as_str() == name) {
            Some(participant) => Ok((participant.name.to_string(), participant.key)),
            None => {
                let names: Vec<&str> =
                    roster.iter().map(|participant| participant.name.as_str()).collect();
                Err(Diagnostic::environment(
                    "not-in-roster",
                    "nobody of this name or key is in the roster",
                )
                .at("--participant")
                .found(&self.participant)
                .expected(names.join(", "))
                .hint(format!(
                    "`{PROGRAM} ceremony status {}` lists the roster",
                    ceremony.folder.root().display()
                )))
            }
        }
    }
}

impl Found {
    fn print(&self) {
        println!("{} ({})", self.participant, self.key);
        for step in &self.contributions {
            let result = if step.in_the_result {
                "in the result"
            } else {
                "in the chain, which is still open"
            };
            println!(
                "  {}, step {}: {result}, {} steps after it, {}",
                step.chain, step.step, step.followed_by, step.time
            );
            println!(
                "    {}\n    contribution hash\n{}",
                step.file,
                hex_groups(&step.contribution_hash)
            );
        }
        println!(
            "  verified           {}",
            if self.verified { "everything in the folder, so everything after it" } else { "NO" }
        );
        if let Some(transcript) = &self.transcript_sha256 {
            println!("  transcript         {transcript}");
        }
    }
}
