//! `ceremony judge`: two signed words of one service, held against each other.

use std::collections::BTreeSet;
use std::path::Path;

use ceremony_folder::Ceremony;
use ceremony_folder::journal::{JOURNAL, JOURNAL_HEAD, MAX_JOURNAL_BYTES, Recorded};
use ceremony_folder::judge::{Judgement, Testimony, judge, lines};
use ceremony_folder::service::appointments;
use serde::Serialize;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::envelope::Envelope;
use zk_attest::file::read_regular;
use zk_attest::key::PublicKey;

use crate::cli::judge::JudgeArgs;
use crate::failure;
use crate::show::json;

/// What is printed as JSON.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    judgement: &'a Judgement,
    service: PublicKey,
    /// Whether a folder that was given has the coordinator's appointment of this key.
    appointed: bool,
    testimonies: [&'a Testimony; 2],
}

impl JudgeArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let given = [&self.one, &self.other];
        let folders: Vec<&Path> = given
            .into_iter()
            .chain(&self.folder)
            .map(AsRef::as_ref)
            .filter(|path: &&Path| path.is_dir())
            .collect();
        let mut appointed = BTreeSet::new();
        for folder in &folders {
            let ceremony = Ceremony::open(folder)?;
            appointed.extend(appointments(&ceremony)?.into_iter().map(|it| it.service_key));
        }
        let keys: Vec<PublicKey> = appointed.iter().chain(&self.service).copied().collect();
        if keys.is_empty() {
            return Err(Diagnostic::environment(
                "no-service",
                "the service's key is not known, so nobody's signature can be verified",
            )
            .expected("a copy of the ceremony, or the key")
            .hint("give --folder DIR, which has services/, or --service KEY"));
        }
        let one = testimony(&self.one, &keys)?;
        let other = testimony(&self.other, &keys)?;
        let mut journals: Vec<Vec<Recorded>> = Vec::new();
        for folder in folders {
            // A copy may have none, or one that no longer holds together: then it shows nothing.
            journals.extend(journal(&folder.join(JOURNAL), &one).ok());
        }
        for path in &self.journal {
            journals.push(journal(path, &one)?);
        }
        let judgement = judge(&one, &other, &journals)?;
        let is_appointed = appointed.contains(&one.key);
        if self.json {
            let testimonies = [&one, &other];
            json(&Report {
                judgement: &judgement,
                service: one.key,
                appointed: is_appointed,
                testimonies,
            })?;
        } else {
            print(&judgement, &one, &other, is_appointed);
        }
        match judgement {
            Judgement::Equivocation { .. } => Ok(()),
            Judgement::Agreement => Err(Diagnostic::artefact(
                "no-contradiction",
                "these do not contradict each other: both are of one journal",
            )
            .at(self.other.display())),
            Judgement::Undecided { lines_up_to } => Err(Diagnostic::environment(
                "lines-missing",
                "whether these contradict each other cannot be said without the lines between them",
            )
            .at(self.other.display())
            .expected(format_args!("a journal whose line {lines_up_to} is the one that was signed"))
            .hint("give a copy of the journal with --journal FILE, or a mirror's folder")),
        }
    }
}

/// What a file says, or the head in a copy of the ceremony.
fn testimony(path: &Path, keys: &[PublicKey]) -> Result<Testimony, Diagnostic> {
    let head = path.join(JOURNAL_HEAD);
    let path = if path.is_dir() { &head } else { path };
    let bytes = read_regular(path, Envelope::MAX_BYTES)
        .map_err(|refusal| failure::refusal(path, &refusal))?;
    Ok(Testimony::read(path, &bytes, keys)?)
}

fn journal(path: &Path, of: &Testimony) -> Result<Vec<Recorded>, Diagnostic> {
    let bytes = read_regular(path, MAX_JOURNAL_BYTES)
        .map_err(|refusal| failure::refusal(path, &refusal))?;
    // The last line of a copy that is being written may be torn.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    Ok(lines(path, &bytes[..whole], of)?)
}

fn print(judgement: &Judgement, one: &Testimony, other: &Testimony, is_appointed: bool) {
    let Judgement::Equivocation { number, one: first, other: second } = judgement else { return };
    println!("PROVEN: the service signed two journals of one ceremony");
    println!("  ceremony           {}, rules {}", one.ceremony, one.ceremony_toml_sha256);
    println!("  service            {}", one.key);
    let by = if is_appointed {
        "appointed by the coordinator's signature, in services/"
    } else {
        "given with --service: that it is this ceremony's was not checked"
    };
    println!("                     {by}");
    println!("  line {number:<14}{first}");
    println!("                     {second}");
    for testimony in [one, other] {
        let Testimony { path, kind, number, sha256, .. } = testimony;
        println!("  {:<19}{}: line {number} is {sha256}", kind, path.display());
    }
    println!(
        "What it proves: the one who holds the service's key showed different people different \
         histories.\nWhat it does not: which of the two is true, and that a step was forged. Steps \
         are signed by\ntheir makers: `ceremony verify` of each copy says which hold."
    );
}
