//! `ceremony join`: a participant's part, from the queue to the receipt and the approval.

mod committed;

use std::path::Path;
use std::time::{Duration, Instant};

use ceremony_folder::enrolment::Enrolment;
use ceremony_folder::folder::slashed;
use ceremony_folder::service::{Receipt, appointments};
use ceremony_folder::{Ceremony, Step, Track};
use ceremony_net::client::{Client, Participant};
use ceremony_net::metrics::{self, Measured, Node, Of, Step as Work};
use ceremony_net::protocol::{
    CeremonyInfo, CompletedStep, Completion, StageInfo, Standing, Turn, TurnChain, Verdict,
};
use ceremony_net::sync::WorkingCopy;
use ceremony_net::words::quoted;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CircuitName, Label};
use zk_attest::statement::Phase;

use super::approve::{Approver, is_needed, whole_verification};
use super::{is_fixed_input, is_signed_side};
use crate::cli::network::{JoinArgs, VerifyLevel};
use crate::commands::ceremony::contribute::contribute;
use crate::commands::ceremony::prepared::verify_last;
use crate::commands::ceremony::{parse_label, people};
use crate::commands::entropy::{Added, Kept};
use crate::failure;
use crate::outcome::{self, note};
use crate::output::write_file;
use crate::progress::Bars;
use crate::show::hex_groups;
use crate::signer::Signer;
use crate::watching::{complain, say};

/// No turn is longer, whatever a service says: four weeks.
const LONGEST_TURN: u64 = 28 * 86_400;
/// How often the service's files are listed again when they do not fit the turn yet.
const LISTED_AGAIN: u32 = 5;
/// How often somebody who waits to be added to the roster looks.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Refused contributions after which another one is made. A file that was damaged on this machine
/// is made anew; what is refused each time has another reason.
const REFUSALS: u32 = 1;
/// A ticket's name in the working copy. Hidden: it is no file of the ceremony.
const TICKET: &str = ".zk-ceremony-ticket.json";
/// Where receipts are kept.
pub(in crate::commands::ceremony) const RECEIPTS: &str = "receipts";

/// A participant at work.
struct Joined<'a> {
    arguments: &'a JoinArgs,
    client: &'a Client,
    copy: WorkingCopy,
    added: Added,
    destruction: Label,
    name: Label,
    /// What was said last about the queue.
    said: String,
    /// Turns of this run whose contribution was refused.
    refusals: u32,
    /// Randomness that was committed to, until its contribution is taken in.
    kept: Vec<(Track, Kept)>,
    /// The round in which it was.
    round: u32,
    /// Failures since the last contribution that was taken in.
    failures: u32,
}

impl JoinArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let mut watched = self.watch.begin(Node::Participant)?;
        metrics::participant(metrics::Standing::Waiting, 0);
        let client = self.service.client()?;
        let mut signer = self.signer.open()?;
        let destruction = parse_label("--destruction", &self.destruction)?;
        let (config, dir) = self.rules.agreed(&client)?;
        let mut copy = WorkingCopy::open(&dir, config.clone())?;
        if let Some(endpoint) = &watched.metrics {
            endpoint.collect_with(metrics::disk_of(dir.clone()));
        }
        // Known at once, and not when the turn comes. Who is in the roster may have changed.
        copy.update(&client, |name| name.starts_with("roster/"), &Bars::default())?;
        let mut ceremony = Ceremony::open(copy.root())?;
        if self.enrol {
            ceremony = self.take_part(&client, &mut copy, signer.as_mut())?;
        }
        let me = ceremony.participant(&self.name, signer.as_ref())?.clone();
        let name = me.name;
        let wanted: Vec<Phase> = me
            .phases
            .into_iter()
            .filter(|phase| self.phase.is_none_or(|only| only == u8::from(*phase)))
            .filter(|phase| *phase == Phase::Two || config.has_own_phase1())
            .collect();
        if wanted.is_empty() {
            return Err(Diagnostic::environment(
                "not-in-phase",
                format_args!("{name} does not contribute to this phase, by the rules"),
            )
            .at("--phase")
            .hint("leave --phase out"));
        }
        say!("working copy: {}", copy.root().display());
        let added = self.entropy.gather()?;
        let mut joined = Joined {
            arguments: &self,
            client: &client,
            copy,
            added,
            destruction,
            name,
            said: String::new(),
            refusals: 0,
            kept: Vec::new(),
            round: 1,
            failures: 0,
        };
        let ceremony = config.document().id.clone();
        let mut party = Participant::new(&client, ceremony, config.digest(), signer.as_mut());
        for phase in wanted {
            joined.phase(&mut party, phase)?;
        }
        if self.approve {
            joined.approve(&mut party)?;
        }
        watched.finish(|| false);
        Ok(())
    }
}

impl JoinArgs {
    /// Sends a signed enrolment, and waits until the coordinator has added whoever is not in the
    /// roster.
    fn take_part(
        &self,
        client: &Client,
        copy: &mut WorkingCopy,
        signer: &mut dyn Signer,
    ) -> Result<Ceremony, Diagnostic> {
        // What the service would refuse an enrolment for is found here first.
        copy.update(client, is_signed_side, &Bars::default())?;
        let mut ceremony = copy.ceremony(copy.root())?;
        let name = parse_label("--as", &self.name)?;
        let words = [("--machine", &self.machine), ("--window", &self.window)];
        let [machine, window] = words.map(|(option, text)| parse_label(option, text));
        let wanted: Vec<u8> = self.phase.into_iter().collect();
        let is_new = |ceremony: &Ceremony| {
            ceremony.roster.everybody().iter().all(|person| person.name != name)
        };
        let wanted = if is_new(&ceremony) { wanted } else { Vec::new() };
        let phases = people::phases(&ceremony, &name, signer.public_key(), &wanted)?;
        let fingerprint = signer.public_key().fingerprint();
        match enrolled(copy, &ceremony, signer.public_key()) {
            // What an earlier run sent stands, and is not said again in other words.
            Some(said) if said.participant == name && said.phases == phases => {
                say!("your enrolment is there already (key {fingerprint})");
            }
            // Who is in the roster waits for nobody's answer to it.
            Some(_) if !is_new(&ceremony) => {}
            Some(said) => return Err(enrolled_otherwise(&said)),
            None => {
                let said = people::enrol(&ceremony, &name, &phases, (machine?, window?), signer)?;
                client.send_statement(&said).map_err(|error| match error.code.as_str() {
                    // Signed on another machine, or a moment ago.
                    "enrolled-already" => error.hint(
                        "run the same command again: what was signed first counts; with another \
                         name or other phases, enrol with another key",
                    ),
                    "enrolments" => error.hint(
                        "tell the coordinator, who answers requests or moves them away; then run \
                         the same command again",
                    ),
                    _ => error,
                })?;
                say!("your enrolment is sent (key {fingerprint})");
            }
        }
        if is_new(&ceremony) {
            say!("waiting for the coordinator, who adds you to the roster");
        }
        while is_new(&ceremony) {
            std::thread::sleep(LOOK_AGAIN);
            copy.update(client, is_signed_side, &Bars::default())?;
            ceremony = copy.ceremony(copy.root())?;
            if is_new(&ceremony) {
                // The roster may be full by now, or the phase over.
                people::phases(&ceremony, &name, signer.public_key(), &wanted)?;
            }
        }
        Ok(ceremony)
    }
}

/// What the service has of this key's enrolment. A file that is only here was moved away there.
fn enrolled(copy: &WorkingCopy, ceremony: &Ceremony, key: &PublicKey) -> Option<Enrolment> {
    let path = ceremony.enrolment_path(key);
    let name = path.strip_prefix(ceremony.folder.root()).unwrap_or(&path);
    let is_there = copy.is_listed(&slashed(name));
    let bytes = ceremony.folder.read(&path, Envelope::MAX_BYTES).ok().filter(|_| is_there)?;
    Enrolment::read(&path, &bytes, &ceremony.config).ok()
}

fn enrolled_otherwise(said: &Enrolment) -> Diagnostic {
    let phases: Vec<String> = said.phases.iter().map(|it| u8::from(*it).to_string()).collect();
    Diagnostic::artefact("enrolled-already", "this key has enrolled already, in other words")
        .found(format_args!("{}, phases {}", said.participant, phases.join(", ")))
        .expected("the name and the phases that you give now")
        .hint("give those again, or enrol with another key")
}

fn phase_of(stage: StageInfo) -> Option<Phase> {
    match stage {
        StageInfo::Phase1 => Some(Phase::One),
        StageInfo::Phase2 => Some(Phase::Two),
        StageInfo::Prepare | StageInfo::Closed => None,
    }
}

/// Whether a phase is over when the ceremony waits for this.
fn is_over(phase: Phase, stage: StageInfo) -> bool {
    match phase {
        Phase::One => stage != StageInfo::Phase1,
        Phase::Two => stage == StageInfo::Closed,
    }
}

impl Joined<'_> {
    /// Takes part in a phase, until this participant's contributions are in it.
    fn phase(&mut self, party: &mut Participant<'_>, phase: Phase) -> Result<(), Diagnostic> {
        let info =
            self.until(|info| phase_of(info.stage) == Some(phase) || is_over(phase, info.stage))?;
        if is_over(phase, info.stage) {
            return self.after(party, phase, &info);
        }
        if self.copy.config().asks_for_committed_secrets() {
            self.commit(party, phase)?;
        }
        loop {
            match self.contribute_to(party, phase) {
                Err(error) if !self.is_final(&error) => self.pause_after(&error),
                Err(error) => {
                    self.say_what_is_lost();
                    return Err(error);
                }
                Ok(()) => return Ok(()),
            }
        }
    }

    /// From the queue to the end of the phase.
    fn contribute_to(
        &mut self,
        party: &mut Participant<'_>,
        phase: Phase,
    ) -> Result<(), Diagnostic> {
        self.enter(party)?;
        // What an earlier run was not told any more: before the next turn, whose grant ends the
        // verdict.
        if let Some(Verdict::Refused { receipts, .. }) = party.verdict()? {
            self.keep(&receipts)?;
            self.put_refused_away()?;
        }
        loop {
            let Some(standing) = party.standing(true)? else {
                self.enter(party)?;
                continue;
            };
            match standing {
                Standing::Waiting { ahead, expected, reason } => {
                    metrics::participant(metrics::Standing::Waiting, ahead);
                    self.say(ahead, expected, &reason);
                    self.prefetch(ahead)?;
                    self.commit_anew(party, phase)?;
                }
                Standing::Turn { turn } => {
                    let until =
                        Instant::now() + Duration::from_secs(turn.remaining.min(LONGEST_TURN));
                    if let Err(error) = self.turn(party, &turn, until) {
                        let ran_out = error.code == "network" && Instant::now() >= until;
                        if ran_out || error.code == "turn-over" {
                            complain(&error);
                            continue;
                        }
                        // The next one need not wait until the time is up.
                        let _ = party.give_back();
                        return Err(error);
                    }
                }
                Standing::Received { .. } => self.verdict(party)?,
                Standing::Done { .. } => {
                    let info = self.client.info(None)?;
                    return self.after(party, phase, &info);
                }
            }
        }
    }

    /// Waits until the ceremony is where it should be.
    fn until(&mut self, there: impl Fn(&CeremonyInfo) -> bool) -> Result<CeremonyInfo, Diagnostic> {
        let mut info = self.client.info(None)?;
        while !there(&info) {
            self.say_line(match info.stage {
                StageInfo::Prepare => "waiting for the coordinator, who prepares phase 2".into(),
                StageInfo::Closed => "waiting for the coordinator, who makes the bundle".into(),
                StageInfo::Phase1 => "waiting for the end of phase 1".into(),
                StageInfo::Phase2 => "waiting for the end of phase 2".into(),
            });
            info = self.client.info(Some(info.version))?;
        }
        Ok(info)
    }

    fn say(&mut self, ahead: usize, expected: Option<u64>, reason: &str) {
        let time = expected
            .filter(|seconds| *seconds > 0)
            .map_or_else(String::new, |seconds| format!(", about {}", duration(seconds)));
        let reason = quoted(reason);
        self.say_line(format!(
            "in the queue: {ahead} before you{time} (the service says: {reason})"
        ));
    }

    fn say_line(&mut self, line: String) {
        if self.said != line {
            say!("{line}");
            self.said = line;
        }
    }

    /// The ceremony, as it is signed, of which this copy has the files that are needed.
    fn ceremony(&self) -> Result<Ceremony, Diagnostic> {
        let ceremony = self.copy.ceremony(self.copy.root())?;
        ceremony.ensure_sound()?;
        Ok(ceremony)
    }

    fn enter(&mut self, party: &mut Participant<'_>) -> Result<(), Diagnostic> {
        let path = self.copy.root().join(TICKET);
        let kept = zk_attest::file::read_regular(&path, Envelope::MAX_BYTES)
            .ok()
            .and_then(|bytes| Envelope::from_json(&bytes).ok());
        let ticket = match party.join(kept) {
            // Of a service that has another key now: the place is lost, and nothing else.
            Err(error) if matches!(error.code.as_str(), "ticket" | "bad-signature") => {
                party.join(None)?
            }
            joined => joined?,
        };
        write_file(&path, &ticket.to_json(), true)
    }

    /// Fetches what can be fetched before the turn.
    fn prefetch(&mut self, ahead: usize) -> Result<(), Diagnostic> {
        let level = self.arguments.verify;
        let heads = if ahead == 0 { self.head_names()? } else { Vec::new() };
        let wanted = |name: &str| {
            is_signed_side(name) || is_fixed_input(level, name) || heads.iter().any(|it| it == name)
        };
        self.fetch(wanted)
    }

    fn head_names(&self) -> Result<Vec<String>, Diagnostic> {
        let info = self.client.info(None)?;
        Ok(info.chains.into_iter().filter_map(|chain| Some(chain.head?.file)).collect())
    }

    fn fetch(&mut self, wanted: impl Fn(&str) -> bool) -> Result<(), Diagnostic> {
        let updated = self.copy.update(self.client, wanted, &Bars::default())?;
        for (name, to) in updated.set_aside {
            say!("note: {name} is not what the ceremony has: moved to {}", to.display());
        }
        Ok(())
    }

    fn turn(
        &mut self,
        party: &mut Participant<'_>,
        turn: &Turn,
        until: Instant,
    ) -> Result<(), Diagnostic> {
        let _turn = tracing::debug_span!("turn").entered();
        let begun = Instant::now();
        metrics::participant(metrics::Standing::Turn, 0);
        self.say_line(format!("your turn, for {}", duration(turn.remaining)));
        // The folder may be changing under the service's hands while it is listed.
        let mut attempts = 0..LISTED_AGAIN;
        while let Err(error) = self.fetch_for(turn) {
            if error.code != "head" || attempts.next().is_none() {
                return Err(error);
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        let ready = self.make(party, turn)?;
        // What the service signed so far is here before it gets anything: it cannot tell another
        // story later without contradicting it.
        self.copy.update_journal(self.client)?;
        self.send(party, turn, &ready, until)?;
        let seconds = begun.elapsed().as_secs_f64();
        say!("everything is sent ({seconds:.2} s); the service verifies it");
        self.verdict(party)
    }

    /// Fetches what a turn builds on, and what that is held against.
    fn fetch_for(&mut self, turn: &Turn) -> Result<(), Diagnostic> {
        let _span = tracing::debug_span!("fetch").entered();
        let level = self.arguments.verify;
        let heads: Vec<&str> = turn.chains.iter().map(|chain| chain.head.file.as_str()).collect();
        self.fetch(|name| {
            is_signed_side(name) || is_fixed_input(level, name) || heads.contains(&name)
        })?;
        // Which file comes before the last one of a chain, the signed side tells.
        let needed = self.needed(turn)?;
        self.fetch(|name| needed.iter().any(|needed| needed == name))
    }

    /// Uploads the data file of each chain, and then what is signed of them.
    fn send(
        &self,
        party: &mut Participant<'_>,
        turn: &Turn,
        ready: &[Step],
        until: Instant,
    ) -> Result<(), Diagnostic> {
        let _span = tracing::debug_span!("send").entered();
        let mut steps = Vec::new();
        for (chain, step) in turn.chains.iter().zip(ready) {
            let circuit = chain.circuit.as_deref();
            let upload = party.upload(&turn.id, circuit, &step.path, until, &Bars::default())?;
            steps.push(CompletedStep {
                circuit: chain.circuit.clone(),
                upload,
                attestation: step.envelope.clone(),
            });
        }
        party.complete(&Completion { turn: turn.id.clone(), steps }, until)
    }

    /// The files that a turn builds on, and what they are held against.
    fn needed(&self, turn: &Turn) -> Result<Vec<String>, Diagnostic> {
        let ceremony = self.ceremony()?;
        let root = ceremony.folder.root().to_owned();
        let relative = |step: &Step| {
            let path = step.path.strip_prefix(&root).unwrap_or(&step.path);
            path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
        };
        let mut names = Vec::new();
        for chain in &turn.chains {
            let steps = &ceremony.chain(&track(chain)?)?.steps;
            let head = steps.iter().position(|step| step.file.to_string() == chain.head.sha256);
            let Some(head) = head else { return Err(not_the_head(chain)) };
            names.push(relative(&steps[head]));
            names.extend(head.checked_sub(1).map(|before| relative(&steps[before])));
        }
        Ok(names)
    }

    /// This participant's step of each chain of a turn: made now, or in an earlier run that did not
    /// come to its end.
    fn make(&mut self, party: &mut Participant<'_>, turn: &Turn) -> Result<Vec<Step>, Diagnostic> {
        for chain in &turn.chains {
            let track = track(chain)?;
            let ceremony = self.ceremony()?;
            if let Some(step) = self.made(&ceremony, chain, &track)? {
                say!("{track}: contribution {} is here already", step.index);
                continue;
            }
            let head = ceremony.head(&track)?;
            if head.file.to_string() != chain.head.sha256 {
                return Err(not_the_head(chain));
            }
            let verified = self.verify(&ceremony, &track)?;
            let me = ceremony.participant(&self.arguments.name, party.signer())?.clone();
            let randomness = self.randomness(&track)?;
            let made = {
                let words = (&self.destruction, &verified);
                contribute(&ceremony, &track, &me, randomness, words, party.signer())?
            };
            note!("{track}: contribution {}, contribution hash (publish it)", made.number);
            note!("{}", hex_groups(made.hash));
        }
        let ceremony = self.ceremony()?;
        let steps = turn.chains.iter().map(|chain| {
            let made = self.made(&ceremony, chain, &track(chain)?)?;
            made.ok_or_else(|| {
                Diagnostic::environment("vanished", "the contribution that was made is gone")
                    .at(self.copy.root().display())
                    .hint("run the same command again")
            })
        });
        steps.collect()
    }

    /// This participant's step that follows the head of a turn's chain.
    fn made(
        &self,
        ceremony: &Ceremony,
        chain: &TurnChain,
        track: &Track,
    ) -> Result<Option<Step>, Diagnostic> {
        let last = ceremony.head(track)?;
        let builds_on = last.words.input_sha256.map(|input| input.to_string());
        let is_it = last.words.participant == self.name
            && builds_on.as_deref() == Some(chain.head.sha256.as_str())
            && last.present;
        Ok(is_it.then(|| last.clone()))
    }

    /// Verifies what a contribution is built on, and says in signed words what that was.
    fn verify(&self, ceremony: &Ceremony, track: &Track) -> Result<Label, Diagnostic> {
        let _span = tracing::debug_span!("check").entered();
        match self.arguments.verify {
            VerifyLevel::Step => {
                let bars = Bars::default();
                let measured = Measured::begin(Work::Verify(Of::chain(track.phase())), &bars);
                ceremony.verify_newest(track, &measured)?;
                let head = ceremony.head(track)?.path.metadata();
                measured.done(head.map_or(0, |metadata| metadata.len()));
                say!("verified {track}, step {}", ceremony.head(track)?.name);
                Ok(Label::from_static("the step before it, against its predecessor"))
            }
            VerifyLevel::Chain => verify_last(ceremony, std::slice::from_ref(track)),
            VerifyLevel::All => {
                let depth = ceremony_folder::Depth::EveryFile;
                let mut verification = ceremony_folder::Verification::new(ceremony, depth)?;
                let parts = verification.run(&Bars::default())?;
                say!("verified {} files", parts.len());
                Ok(Label::from_static("every file"))
            }
        }
    }

    /// Waits for the service's verdict, and keeps the receipts.
    fn verdict(&mut self, party: &mut Participant<'_>) -> Result<(), Diagnostic> {
        metrics::participant(metrics::Standing::Verifying, 0);
        let _span = tracing::debug_span!("verdict").entered();
        loop {
            match party.verdict()? {
                Some(Verdict::Verifying) => {}
                Some(Verdict::Accepted { receipts }) => {
                    self.failures = 0;
                    return self.keep(&receipts).map(drop);
                }
                Some(Verdict::Refused { error, receipts }) => {
                    self.keep(&receipts)?;
                    self.put_refused_away()?;
                    self.refusals += 1;
                    let error = Diagnostic::from(error).hint(
                        "run the same command again; if it is refused again, keep the files that \
                         were moved away, and ask the coordinator",
                    );
                    if self.refusals > REFUSALS {
                        return Err(error);
                    }
                    complain(&error);
                    say!("the contribution is made anew, in another turn");
                    return Ok(());
                }
                // The service was started again: what it took in has receipts.
                None => return Ok(()),
            }
        }
    }

    /// Moves the contributions that the service did not take in out of the way, as evidence: the
    /// same bytes would be refused again.
    fn put_refused_away(&mut self) -> Result<(), Diagnostic> {
        let ceremony = self.ceremony()?;
        for chain in ceremony.chains().filter(|chain| !chain.is_closed()) {
            if let Some(step) = chain.contribution_of(&self.name) {
                let path = ceremony.folder.attestation(&chain.track, step.name);
                let name = path.strip_prefix(ceremony.folder.root()).unwrap_or(&path);
                let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
                if self.copy.is_listed(&parts.join("/")) {
                    continue;
                }
                for to in self.copy.set_step_aside(&ceremony, &chain.track, step)? {
                    say!("note: a contribution that was not taken in is kept as {}", to.display());
                }
            }
        }
        Ok(())
    }

    /// Keeps receipts, each held to the keys that the coordinator appointed and to this
    /// participant's own steps, and says of which files they are.
    fn keep(&mut self, receipts: &[Envelope]) -> Result<Vec<FileDigest>, Diagnostic> {
        // The appointment may have come with the last update only.
        self.fetch(is_signed_side)?;
        let ceremony = self.ceremony()?;
        let services: Vec<PublicKey> =
            appointments(&ceremony)?.into_iter().map(|appointed| appointed.service_key).collect();
        let rules = self.copy.config().digest();
        let (mut files, mut given) = (Vec::new(), Vec::new());
        for envelope in receipts {
            let bytes = envelope.to_json();
            let receipt = Receipt::read(Path::new("receipt"), &bytes, rules, &services)?;
            // Earlier ones may be of a key that was replaced since.
            let mut keys = ceremony.roster.keys();
            let own = keys.any(|(name, key)| *name == self.name && *key == receipt.key);
            if !own || receipt.participant != self.name {
                return Err(Diagnostic::artefact("receipt", "the receipt is someone else's")
                    .found(&receipt.participant)
                    .expected(&self.name)
                    .hint("keep your two files, and tell the coordinator"));
            }
            files.push(receipt.file);
            // A turn may be for some of the chains only: what is for the others stays.
            self.kept.retain(|(track, _)| *track != receipt.track());
            let track = match &receipt.circuit {
                None => "phase1".to_owned(),
                Some(circuit) => format!("circuits-{circuit}"),
            };
            // A second contribution, after a rejection, has a receipt of its own.
            let digest = receipt.file.to_string();
            let name = format!("{track}-{:04}-{}.dsse.json", receipt.index, &digest[..16]);
            let folder = self.copy.root().join(RECEIPTS);
            let path = folder.join(name);
            if path.exists() {
                continue;
            }
            std::fs::create_dir_all(&folder).map_err(|e| failure::io(&folder, "creating", &e))?;
            write_file(&path, &bytes, false)?;
            let (track, index) = (receipt.track(), receipt.index);
            note!("{track}: taken in, step {index}; receipt {}", path.display());
            outcome::record(&path, "receipt");
            given.push((receipt, path));
        }
        // The journal goes on from the one that was here before the upload, and tells of each.
        if !given.is_empty() {
            self.copy.update_journal(self.client)?;
        }
        for (receipt, path) in &given {
            receipt.told_by(self.copy.journal(), path)?;
        }
        Ok(files)
    }

    /// What is left to be said of a phase: every contribution has its receipt, or there is none.
    fn after(
        &mut self,
        party: &mut Participant<'_>,
        phase: Phase,
        info: &CeremonyInfo,
    ) -> Result<(), Diagnostic> {
        let chains: Vec<_> = info
            .chains
            .iter()
            .filter(|chain| chain.circuit.is_some() == (phase == Phase::Two))
            .collect();
        metrics::participant(metrics::Standing::Done, 0);
        // Nothing is left to be made of it.
        self.kept.clear();
        let mine = |contributors: &[String]| contributors.iter().any(|it| it == self.name.as_str());
        if chains.iter().all(|chain| mine(&chain.contributors)) {
            let files = self.keep(&party.receipts()?)?;
            return self.ensure_receipts(phase, &files);
        }
        let missing: Vec<&str> = chains
            .iter()
            .filter(|chain| !mine(&chain.contributors))
            .map(|chain| chain.circuit.as_deref().unwrap_or("phase 1"))
            .collect();
        Err(Diagnostic::environment(
            "too-late",
            "the phase takes no contribution of yours any more",
        )
        .at(missing.join(", "))
        .found("closed, waiting for its beacon, or your contribution was rejected")
        .hint(format_args!("`{}` says more", self.arguments.service.status_command())))
    }

    /// Each chain of a phase has a step of this participant, signed, and a receipt of it.
    fn ensure_receipts(&self, phase: Phase, files: &[FileDigest]) -> Result<(), Diagnostic> {
        let ceremony = self.ceremony()?;
        for chain in ceremony.chains().filter(|chain| chain.track.phase() == phase) {
            let mut own = chain.contribution_of(&self.name).into_iter();
            if !own.any(|step| files.contains(&step.file)) {
                return Err(Diagnostic::artefact(
                    "no-receipt",
                    "the service says that you contributed, and has no signed receipt of it",
                )
                .at(&chain.track)
                .hint("keep your two files, and tell the coordinator"));
            }
        }
        Ok(())
    }

    fn approve(&mut self, party: &mut Participant<'_>) -> Result<(), Diagnostic> {
        self.until(|info| info.bundle)?;
        let level = self.arguments.verify;
        self.fetch(|name| is_needed(level, name))?;
        let verified = whole_verification(&mut self.copy, self.client, level)?;
        let participant = Some(self.name.clone());
        let approver = Approver { client: self.client, copy: &self.copy, verified, participant };
        approver.sign(party.signer(), true)
    }
}

fn track(chain: &TurnChain) -> Result<Track, Diagnostic> {
    let Some(name) = &chain.circuit else { return Ok(Track::Phase1) };
    let name = CircuitName::new(name).map_err(|refusal| Diagnostic::from(&refusal))?;
    Ok(Track::Circuit(name))
}

fn not_the_head(chain: &TurnChain) -> Diagnostic {
    Diagnostic::artefact("head", "the service names a file that is not the end of the signed chain")
        .at(&chain.head.file)
        .found(&chain.head.sha256)
        .expected("the last file that is signed")
        .hint("run the same command again; if it stays so, tell the coordinator and keep this line")
}

/// Seconds, for people.
fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
