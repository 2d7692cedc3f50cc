//! `ceremony status`: whose turn it is, what is missing, what was verified, and the next command.
//! Opens no data file.

use std::collections::BTreeSet;

use ceremony_folder::report::{
    Report, ReportedAudit, ReportedPeople, ReportedStray, failed_audits, strays,
};
use ceremony_folder::{Ceremony, CeremonyError, Chain, Half, Stage};
use serde::Serialize;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::primitives::{CircuitName, Timestamp};
use zk_attest::statement::Phase;

use super::bundle_in;
use super::verify::failed_audit;
use crate::cli::ceremony::StatusArgs;
use crate::show::json;

/// What `--json` prints.
#[derive(Serialize)]
struct Status {
    ceremony: String,
    kind: String,
    ceremony_toml_sha256: String,
    chains: Vec<ChainStatus>,
    /// Everybody who may contribute, in order.
    roster: Vec<String>,
    /// Who acts as coordinator, what changed in the roster, who enrolled.
    people: ReportedPeople,
    /// Participants who contributed to some circuits and not yet to others.
    halves: Vec<HalfStatus>,
    /// Files that are attested but not in this copy of the folder.
    missing: Vec<String>,
    /// Files that are no step of any chain.
    strays: Vec<ReportedStray>,
    /// Audits that failed, as their auditors signed.
    failed_audits: Vec<ReportedAudit>,
    /// Whether every chain is closed. Whether they hold is for `verify`.
    closed: bool,
    /// The first thing that does not hold.
    problem: Option<String>,
    verified: Verified,
    waiting_for: Vec<String>,
    next: String,
}

#[derive(Serialize)]
struct ChainStatus {
    chain: String,
    contributions: Vec<Contributed>,
    minimum: u32,
    closed: bool,
    /// Whether the chain holds to its end. If not, its later steps were not looked at.
    complete: bool,
    rejected: usize,
    /// The last file, to which the next contribution is made with any tool; none of a chain that
    /// takes none.
    last_file: Option<String>,
    /// The rejected or unfinished beacon after which only another beacon can come.
    awaits_beacon: Option<String>,
}

#[derive(Serialize)]
struct HalfStatus {
    participant: String,
    contributed_to: Vec<String>,
    not_yet_to: Vec<String>,
    #[serde(skip)]
    shown: String,
}

#[derive(Serialize)]
struct Contributed {
    step: u32,
    participant: String,
    fingerprint: String,
    time: String,
}

/// What `report.json` says, held against the attested digests.
#[derive(Serialize)]
struct Verified {
    /// When, if ever.
    time: Option<String>,
    result: Option<String>,
    /// Steps that came after it, or that it did not see.
    steps_since: usize,
    /// Files that it saw and that are steps no longer.
    steps_gone: usize,
    /// What it found wrong.
    failure: Option<String>,
}

impl StatusArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let url = self
            .folder
            .to_str()
            .filter(|it| it.starts_with("http://") || it.starts_with("https://"));
        let (ceremony, _copy) = match url {
            None => (Ceremony::open(&self.folder)?, None),
            Some(url) => {
                let (ceremony, copy) = super::network::signed_side(url, &self)?;
                (ceremony, Some(copy))
            }
        };
        let status = Status::of(&ceremony)?;
        if self.json {
            json(&status)?
        } else {
            status.print()
        }
        match ceremony.problem() {
            None => Ok(()),
            Some(problem) => Err(Diagnostic::from(&**problem)),
        }
    }
}

impl Status {
    fn of(ceremony: &Ceremony) -> Result<Self, CeremonyError> {
        let rules = ceremony.config.document();
        let steps =
            || ceremony.chains().flat_map(|chain| chain.steps.iter().chain(&chain.prepared));
        let verified = Verified::of(ceremony, steps().map(|step| step.file.to_string()));
        let (waiting_for, mut next) = next(ceremony);
        if ceremony.problem().is_none() && verified.failure.is_some() {
            // Nothing is to be built on what did not verify.
            next = format!("{PROGRAM} ceremony verify {}", ceremony.folder.root().display());
        }
        Ok(Self {
            ceremony: rules.id.to_string(),
            kind: rules.kind.to_string(),
            ceremony_toml_sha256: ceremony.config.digest().to_string(),
            chains: ceremony.chains().map(|chain| ChainStatus::of(ceremony, chain)).collect(),
            roster: ceremony
                .roster
                .everybody()
                .iter()
                .map(|participant| participant.name.to_string())
                .collect(),
            people: ReportedPeople::of(ceremony)?,
            halves: ceremony.halves().iter().map(HalfStatus::of).collect(),
            missing: steps()
                .filter(|step| !step.present)
                .map(|step| step.path.display().to_string())
                .collect(),
            strays: strays(ceremony),
            failed_audits: failed_audits(ceremony)?,
            closed: ceremony.problem().is_none() && ceremony.stage() == Stage::Closed,
            problem: ceremony.problem().map(ToString::to_string),
            verified,
            waiting_for,
            next,
        })
    }

    fn print(&self) {
        println!(
            "ceremony {} ({}), ceremony.toml {}",
            self.ceremony, self.kind, self.ceremony_toml_sha256
        );
        for chain in &self.chains {
            let state = match (chain.complete, chain.closed) {
                (false, _) => "does not hold beyond what follows",
                (true, true) => "closed",
                (true, false) if chain.awaits_beacon.is_some() => "waits for a beacon",
                (true, false) => "open",
            };
            println!(
                "{}: {state}, {} contributions of at least {}",
                chain.chain,
                chain.contributions.len(),
                chain.minimum
            );
            for step in &chain.contributions {
                println!(
                    "  {:>3}  {:<19}  {}  {}",
                    step.step, step.fingerprint, step.time, step.participant
                );
            }
            if let Some(last) = chain.last_file.as_ref().filter(|_| chain.complete) {
                println!("  last file: {last}");
            }
            if chain.rejected > 0 {
                println!("  {} rejected", chain.rejected);
            }
        }
        println!("roster: {}", self.roster.join(", "));
        for amendment in &self.people.amendments {
            println!("amendment {}: {}", amendment.number, amendment.change);
        }
        if let Some(pending) = &self.people.pending {
            println!(
                "amendment not in force: {}; it needs the signature of {} ({PROGRAM} ceremony \
                 countersign)",
                pending.change, pending.missing
            );
        }
        if let Some(unread) = &self.people.unread {
            println!("amendment not read: {unread} ({PROGRAM} ceremony countersign --withdraw)");
        }
        for begun in &self.people.commitment_rounds {
            println!(
                "round {} of the commitments to phase {}, begun at {}: {}",
                begun.round, begun.phase, begun.time, begun.reason
            );
        }
        for said in &self.people.commitments {
            println!(
                "commitment to phase {}: {} ({}), {}",
                said.phase,
                said.participant,
                said.fingerprint,
                said.words()
            );
        }
        for half in &self.halves {
            println!("{}", half.shown);
        }
        for stray in &self.strays {
            println!("stray {}: {}", stray.file, stray.story);
        }
        for audit in &self.failed_audits {
            println!("{}", failed_audit(audit));
        }
        for file in &self.missing {
            println!("not in this copy: {file}");
        }
        match (&self.verified.time, &self.verified.result) {
            (Some(time), Some(result)) if self.problem.is_some() => {
                println!(
                    "verified: not this copy, which does not hold (a report says {result} at \
                     {time})"
                );
            }
            (Some(time), Some(result)) => {
                let gone = if self.verified.steps_gone > 0 {
                    format!(", {} of its files gone or rejected", self.verified.steps_gone)
                } else {
                    String::new()
                };
                println!(
                    "verified: {result} at {time}, {} steps since{gone}",
                    self.verified.steps_since
                );
            }
            _ => println!("verified: not yet ({PROGRAM} ceremony verify)"),
        }
        if let Some(failure) = &self.verified.failure {
            println!(
                "the last verification failed: do not build on this folder before it is fixed\n  \
                 {}",
                failure.replace('\n', "\n  ")
            );
        }
        if !self.waiting_for.is_empty() {
            println!("waiting for: {}", self.waiting_for.join(" or "));
        }
        println!("next: {}", self.next);
    }
}

impl HalfStatus {
    fn of(half: &Half) -> Self {
        let names = |names: &[CircuitName]| names.iter().map(ToString::to_string).collect();
        Self {
            participant: half.name.to_string(),
            contributed_to: names(&half.done),
            not_yet_to: names(&half.waiting),
            shown: half.to_string(),
        }
    }
}

impl ChainStatus {
    fn of(ceremony: &Ceremony, chain: &Chain) -> Self {
        let contributed = |step: &ceremony_folder::Step| Contributed {
            step: step.index,
            participant: step.words.participant.to_string(),
            fingerprint: step.key.fingerprint(),
            time: step.words.time.to_string(),
        };
        let own = chain.track.phase() == Phase::Two || ceremony.config.has_own_phase1();
        Self {
            chain: chain.track.to_string(),
            contributions: chain.contributions().map(contributed).collect(),
            minimum: if own { ceremony.config.minimum(chain.track.phase()) } else { 0 },
            closed: chain.is_closed() || (!own && !chain.steps.is_empty()),
            complete: chain.problem.is_none(),
            rejected: chain.rejected.len(),
            last_file: chain
                .steps
                .last()
                .filter(|_| own && !chain.is_closed() && chain.awaits_beacon().is_none())
                .map(|head| head.path.display().to_string()),
            awaits_beacon: chain.awaits_beacon().map(|name| name.to_string()),
        }
    }
}

impl Verified {
    fn of(ceremony: &Ceremony, attested: impl Iterator<Item = String>) -> Self {
        let path = ceremony.folder.root().join("report.json");
        let bytes = ceremony.folder.read(&path, Report::MAX_BYTES).ok();
        let report: Option<Report> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let attested: BTreeSet<String> = attested.collect();
        let seen: BTreeSet<&str> = report
            .iter()
            .flat_map(|report| &report.files)
            .map(|file| file.sha256.as_str())
            .collect();
        Self {
            steps_since: attested.iter().filter(|digest| !seen.contains(digest.as_str())).count(),
            steps_gone: seen.iter().filter(|digest| !attested.contains(**digest)).count(),
            failure: report
                .as_ref()
                .and_then(|report| report.failure.as_ref())
                .map(|failure| format!("{}: {}", failure.title, failure.error)),
            time: report.as_ref().map(|report| report.time.clone()),
            result: report.as_ref().map(|report| report.result.clone()),
        }
    }
}

/// Whom the ceremony waits for, and the next command.
fn next(ceremony: &Ceremony) -> (Vec<String>, String) {
    let root = ceremony.folder.root().display();
    let coordinator = || vec![ceremony.roster.coordinator().name.to_string()];
    if let Some(problem) = ceremony.problem() {
        let hint = Diagnostic::from(&**problem).hint;
        let next = hint.unwrap_or_else(|| format!("{PROGRAM} ceremony verify {root}"));
        return (coordinator(), next);
    }
    match ceremony.stage() {
        Stage::Contributions(phase) => contributions(ceremony, phase),
        Stage::Prepare if ceremony.phase1.steps.is_empty() => (
            coordinator(),
            format!(
                "{PROGRAM} ceremony new {root} --config ceremony.toml --circuit NAME=R1CS --key \
                 coordinator.pem"
            ),
        ),
        Stage::Prepare => {
            (coordinator(), format!("{PROGRAM} ceremony prepare {root} --key coordinator.pem"))
        }
        Stage::Closed => {
            let folder = &ceremony.folder;
            let keys = ceremony.config.document().circuits.iter().all(|circuit| {
                folder.verifying_keys(&circuit.name).iter().all(|path| folder.is_present(path))
            });
            let stale =
                Verified::of(ceremony, std::iter::empty()).result.as_deref() != Some("good");
            let next = if !keys {
                format!("{PROGRAM} ceremony keygen {root}")
            } else if stale || !folder.is_present(&folder.transcript()) {
                format!("{PROGRAM} ceremony verify {root}")
            } else if !folder.is_present(&folder.bundle()) {
                // With a predecessor the rules know the serial.
                let is_first = ceremony.config.document().predecessor.is_none();
                let serial = if is_first { " --serial 1" } else { "" };
                let until = end_of_the_year_after_next(&Timestamp::now());
                format!("{PROGRAM} bundle create {root}{serial} --not-after {until}")
            } else if bundle_in(ceremony)
                .is_ok_and(|bundle| !bundle.envelope().signatures().is_empty())
            {
                // Whether the signatures are enough is for a policy to say, which is not here.
                format!("{PROGRAM} ceremony verify {root} --finished")
            } else {
                format!("{PROGRAM} bundle inspect {} --policy POLICY", folder.bundle().display())
            };
            (Vec::new(), next)
        }
    }
}

/// How long a bundle may be imported, as an example.
fn end_of_the_year_after_next(now: &Timestamp) -> String {
    let year: u32 = now.as_str()[..4].parse().unwrap_or_default();
    format!("{}-12-31T23:59:59Z", year + 2)
}

fn contributions(ceremony: &Ceremony, phase: Phase) -> (Vec<String>, String) {
    let root = ceremony.folder.root().display();
    let open: Vec<&Chain> = ceremony
        .chains()
        .filter(|chain| chain.track.phase() == phase && !chain.is_closed())
        .collect();
    let mut names: Vec<String> = Vec::new();
    let committing = ceremony.config.asks_for_committed_secrets()
        && ceremony.ensure_takes_commitments(phase).is_ok();
    // Until the first contribution, everybody may still commit.
    let who = |chain: &&Chain| match committing {
        true => chain.waiting(&ceremony.roster),
        false => ceremony.may_contribute(chain),
    };
    for participant in open.iter().flat_map(who) {
        if !names.iter().any(|name| name == participant.name.as_str()) {
            names.push(participant.name.to_string());
        }
    }
    let (option, value) = ceremony.config.beacon(phase).map_or_else(Default::default, |plan| {
        let rounds = open.iter().map(|chain| chain.beacon_round(plan));
        let round = rounds.max().unwrap_or(plan.round);
        match plan.drand.and_then(|chain| chain.time_of(round)) {
            None => (" --value HEX", format!("  (HEX: {}, round {round})", plan.source)),
            Some(time) => (" --wait", format!("  ({}, round {round}, at {time})", plan.source)),
        }
    });
    let beacon = format!("{PROGRAM} ceremony beacon {root}{option} --key coordinator.pem{value}");
    let enough = open
        .iter()
        .all(|chain| chain.contributions().count() >= ceremony.config.minimum(phase) as usize);
    match names.first().cloned() {
        // Those who could still come have not committed, or have lost what they committed to.
        None if !enough
            && ceremony.config.asks_for_committed_secrets()
            && open.iter().all(|chain| chain.awaits_beacon().is_none()) =>
        {
            (
                Vec::new(),
                format!(
                    "nobody can contribute any more, and there are too few for the beacon: {PROGRAM} \
                 ceremony new, for a new ceremony"
                ),
            )
        }
        None => (vec![ceremony.roster.coordinator().name.to_string()], beacon),
        Some(first) => {
            let place = match ceremony.config.asks_for_committed_secrets() {
                true => "join URL".to_owned(),
                false => format!("contribute {root}"),
            };
            let mut next = format!("{PROGRAM} ceremony {place} --as \"{first}\" --key KEY");
            if enough {
                next += &format!("\n  or: {beacon}");
            }
            if committing && ceremony.commitments.of_phase(phase).next().is_some() {
                next += &format!(
                    "\n  or, where a process that committed has ended: {PROGRAM} ceremony recommit \
                     {root} --reason TEXT --key coordinator.pem"
                );
            }
            (names, next)
        }
    }
}
