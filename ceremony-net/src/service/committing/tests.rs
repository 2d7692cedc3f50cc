use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use ceremony_core::commit::{KeptSeed, SEED_BYTES};
use ceremony_core::progress::NoProgress;
use ceremony_folder::{AttestationDraft, NewStep, Slot, Software, Track};
use zk_attest::digest::ContributionHash;
use zk_attest::envelope::Envelope;
use zk_attest::key::{PublicKey, SignatureBytes};
use zk_attest::signer::Signer;
use zk_attest::statement::Action;

use super::super::Options;
use super::super::core::Core;
use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const ORIGIN: &str = "http://127.0.0.1:1";

/// Who holds the key that is made from this name.
struct Holder(ed25519_dalek::SigningKey, PublicKey);

impl Holder {
    fn of(name: &str) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(&FileDigest::of(name.as_bytes()).0);
        let key = PublicKey::from_bytes(secret.verifying_key().as_bytes()).unwrap();
        Self(secret, key)
    }
}

impl Signer for Holder {
    fn public_key(&self) -> &PublicKey {
        &self.1
    }

    fn description(&self) -> String {
        "a key of the test".into()
    }

    fn sign(&mut self, message: &[u8]) -> Result<SignatureBytes, Diagnostic> {
        Ok(ed25519_dalek::Signer::sign(&self.0, message).to_bytes())
    }
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

/// Alice, bob and carol contribute to both phases, of which each needs two, and dave to phase 2.
fn rules(secrets: bool) -> String {
    let mut rules = format!(
        "format = \"zk-ceremony/1\"\nid = \"test-1\"\nkind = \"rehearsal\"\ncurve = \
         \"bn254\"\npower = 8\norder = \"any\"\n\n[minimum_contributions]\nphase1 = 2\nphase2 = \
         2\n\n[coordinator]\nname = \"coordinator\"\nkey = \"{}\"\n",
        Holder::of("coordinator").1
    );
    for (name, phases) in [("alice", "1, 2"), ("bob", "1, 2"), ("carol", "1, 2"), ("dave", "2")] {
        rules += &format!(
            "\n[[participants]]\nname = \"{name}\"\nkey = \"{}\"\nphases = [{phases}]\n",
            Holder::of(name).1
        );
    }
    rules
        + &format!(
            "\n[commitments]\nsecrets = {secrets}\n\n[beacon.phase1]\nsource = \"a chain\"\nround \
             = 1\nexponent = 10\n\n[beacon.phase2]\nsource = \"a chain\"\nround = 2\nexponent = \
             10\n\n[[circuits]]\nname = \"main\"\nsha256 = \"{}\"\nprogram = \"main v1\"\n",
            "00".repeat(32)
        )
}

/// A service of a ceremony whose phase 1 is open.
pub(in super::super) struct World {
    pub(in super::super) core: Arc<Core>,
    root: PathBuf,
    _folders: [tempfile::TempDir; 2],
}

impl World {
    pub(in super::super) fn new(commit_within: Duration, secrets: bool) -> Self {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let root = folders[0].path().to_owned();
        fs::write(root.join("ceremony.toml"), rules(secrets)).unwrap();
        let ceremony = Ceremony::open(&root).unwrap();
        let service = Holder::of("service");
        let mut coordinator = Holder::of("coordinator");
        ceremony_folder::service::appoint(&ceremony, service.1, &label(ORIGIN), &mut coordinator)
            .unwrap();
        step(&root, "coordinator", Action::Open);
        let options = Options {
            folder: root.clone(),
            state: folders[1].path().join("state"),
            origin: label(ORIGIN),
            turn_floor: HOUR,
            absent_after: HOUR,
            commit_within,
            approvers: Vec::new(),
            auditors: Vec::new(),
            trusted_proxies: Vec::new(),
            is_approved: None,
            policy_not_after: None,
            backup_stamp: None,
            elsewhere: None,
            publication: None,
        };
        let core = Core::open(options, Box::new(service)).unwrap();
        Self { core, root, _folders: folders }
    }

    fn ceremony(&self) -> Ceremony {
        Ceremony::open(&self.root).unwrap()
    }

    /// A commitment to phase 1, to secrets drawn now.
    fn commitment(&self, who: &str) -> Envelope {
        let seed = KeptSeed::draw(vec![0; SEED_BYTES], b"").unwrap();
        let openings = [(Track::Phase1, seed.phase1_opening().unwrap())];
        let mut holder = Holder::of(who);
        let person = (&label(who), &holder.1.clone());
        let said =
            Commitment::new(&self.ceremony(), Phase::One, person, &openings, label("a test"));
        said.sign(&mut holder).unwrap()
    }

    fn send(&self, envelope: &Envelope) -> Result<(), String> {
        self.core.take_statement(envelope, || Ok(())).map_err(|error| error.code.to_string())
    }

    fn commits(&self, who: &str) -> Envelope {
        let envelope = self.commitment(who);
        self.send(&envelope).unwrap();
        envelope
    }

    fn begins_round(&self, ceremony: &Ceremony) {
        let mut coordinator = Holder::of("coordinator");
        ceremony.begin_commitment_round(label("a power cut"), &mut coordinator).unwrap();
    }

    fn looks(&self) {
        self.core.refresh(true).unwrap();
    }

    fn ticks(&self) {
        self.core.tick(Instant::now()).unwrap();
    }

    fn is_committing(&self) -> bool {
        self.core.state().committing().is_some()
    }

    /// What the journal tells of commitments and contributions.
    fn told(&self) -> Vec<String> {
        let state = self.core.state();
        let told = state.journal.entries().iter().filter_map(|recorded| {
            Some(match &recorded.entry.event {
                Event::Committed { participant, .. } => format!("{participant} committed"),
                Event::CommitmentRound { round, .. } => format!("round {round}"),
                Event::CommitmentsClosed { .. } => "closed".into(),
                Event::Unopened { participant, .. } => format!("{participant} unopened"),
                Event::Step { step, action: Action::Contribution, .. } => step.clone(),
                _ => return None,
            })
        });
        told.collect()
    }

    /// Why a participant gets no turn.
    fn refused(&self, who: &str) -> Option<&'static str> {
        let state = self.core.state();
        let roster = state.view.ceremony.roster.everybody();
        let person = roster.iter().find(|person| person.name.as_str() == who).unwrap();
        match state.ensure_committed(person) {
            Ok(()) => None,
            Err(TurnError::Committing { .. }) => Some("committing"),
            Err(TurnError::Uncommitted { .. }) => Some("uncommitted"),
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// A step laid into the folder by hand. Only its words are looked at here.
fn step(root: &Path, who: &str, action: Action) {
    let ceremony = Ceremony::open(root).unwrap();
    let chain = ceremony.chains().next().unwrap();
    let slot = match action {
        Action::Beacon => Slot::Final,
        _ => Slot::Number(u32::try_from(chain.steps.len()).unwrap()),
    };
    let input = chain.steps.last().map(|step| step.file);
    let is_made = action != Action::Open;
    let draft = AttestationDraft {
        participant: label(who),
        contribution_hash: is_made.then_some(ContributionHash([1; 64])),
        beacon: (action == Action::Beacon).then(|| {
            let plan = ceremony.config.beacon(Phase::One).unwrap();
            serde_json::from_value(serde_json::json!({
                "source": plan.source, "round": plan.round, "value": "01".repeat(32),
                "exponent": plan.exponent,
            }))
            .unwrap()
        }),
        ..AttestationDraft::of_coordinator(
            &ceremony,
            action,
            input,
            &Software::another(label("a test")),
        )
    };
    let mut new = NewStep::begin(&ceremony, &Track::Phase1, slot).unwrap();
    std::io::Write::write_all(&mut new.output, who.as_bytes()).unwrap();
    new.commit(draft, &mut Holder::of(who), &NoProgress).unwrap();
    Ceremony::open(root).unwrap().ensure_sound().unwrap();
}

#[test]
fn a_round_ends_when_everybody_committed_or_its_time_is_over_and_they_are_enough() {
    let world = World::new(HOUR, true);
    for who in ["alice", "bob"] {
        world.commits(who);
        world.ticks();
        assert!(world.is_committing(), "{who}");
        assert_eq!(world.refused("alice"), Some("committing"));
    }
    // Who does not contribute to this phase is not told to wait for it.
    assert_eq!(world.refused("dave"), None);
    world.commits("carol");
    assert!(!world.is_committing());
    let expected = ["alice committed", "bob committed", "carol committed", "closed"];
    assert_eq!(world.told(), expected);
    assert_eq!(world.refused("alice"), None);
    world.ticks();
    world.looks();
    assert_eq!(world.told(), expected);

    let world = World::new(Duration::ZERO, true);
    world.ticks();
    world.commits("alice");
    world.ticks();
    assert!(world.is_committing(), "one is not enough");
    world.commits("bob");
    assert_eq!(world.told(), ["alice committed", "bob committed", "closed"]);
    let late = world.commitment("carol");
    assert_eq!(world.send(&late), Err("commitments-closed".into()));
    // Laid into the folder, it is none either.
    let kept = ceremony_folder::commitment::keep(&world.ceremony(), &late).unwrap();
    assert!(matches!(kept, ceremony_folder::commitment::Kept::New(_)));
    world.looks();
    assert_eq!(world.refused("carol"), Some("uncommitted"));
    assert_eq!(world.told(), ["alice committed", "bob committed", "closed"]);
}

#[test]
fn a_commitment_that_is_refused_is_no_change_that_ends_a_wait() {
    let world = World::new(Duration::ZERO, true);
    world.commits("alice");
    world.commits("bob");
    let late = world.commitment("carol");
    // As the watcher does: the end of the round is a change of the folder.
    world.core.refresh(false).unwrap();
    let version = *world.core.version.borrow();
    for _ in 0..3 {
        assert_eq!(world.send(&late), Err("commitments-closed".into()));
    }
    assert_eq!(*world.core.version.borrow(), version);
}

#[test]
fn a_round_does_not_end_while_the_folder_cannot_be_read() {
    let world = World::new(Duration::ZERO, true);
    world.commits("alice");
    let commitments = world.root.join("commitments");
    let aside = world.root.join("aside");
    let bob = world.commitment("bob");
    ceremony_folder::commitment::keep(&world.ceremony(), &bob).unwrap();
    // A contribution by hand would end it.
    step(&world.root, "alice", Action::Contribution);
    fs::rename(&commitments, &aside).unwrap();
    std::os::unix::fs::symlink(&aside, &commitments).unwrap();
    world.looks();
    world.ticks();
    assert!(world.is_committing());
    fs::remove_file(&commitments).unwrap();
    fs::rename(&aside, &commitments).unwrap();
    world.looks();
    world.ticks();
    assert!(!world.is_committing());
}

#[test]
fn a_contribution_by_hand_ends_the_round_and_no_commitment_counts_after_it() {
    let world = World::new(HOUR, true);
    let kept = world.commits("alice");
    let stale = world.ceremony();
    // Together with it a commitment appears, and another round.
    let bob = world.commitment("bob");
    ceremony_folder::commitment::keep(&world.ceremony(), &bob).unwrap();
    step(&world.root, "alice", Action::Contribution);
    world.looks();
    world.ticks();
    assert_eq!(world.told(), ["alice committed", "0001", "closed"]);
    assert_eq!(world.refused("bob"), Some("uncommitted"));
    world.begins_round(&stale);
    world.looks();
    assert_eq!(world.told(), ["alice committed", "0001", "closed"]);
    drop(kept);
}

#[test]
fn each_commitment_is_noted_once_whoever_sees_it_first() {
    let world = World::new(HOUR, true);
    // A process kept it, and was killed before it could note it.
    let alice = world.commitment("alice");
    ceremony_folder::commitment::keep(&world.ceremony(), &alice).unwrap();
    for _ in 0..2 {
        world.looks();
        world.send(&alice).unwrap();
    }
    world.commits("bob");
    world.looks();
    assert_eq!(world.told(), ["alice committed", "bob committed"]);
}

#[test]
fn another_round_begins_before_its_commitments_and_those_before_it_are_void() {
    let world = World::new(HOUR, true);
    let old = ["alice", "bob", "carol"].map(|who| world.commits(who));
    assert!(!world.is_committing());
    world.begins_round(&world.ceremony());
    // Before the service has looked.
    assert_eq!(world.send(&old[0]), Err("commitments-round".into()));
    // Nor as whoever passes it on may write it.
    let mut passed_on: serde_json::Value = serde_json::from_slice(&old[0].to_json()).unwrap();
    passed_on["signatures"][0]["keyid"] = "x".into();
    let passed_on = Envelope::from_json(passed_on.to_string().as_bytes()).unwrap();
    assert_ne!(passed_on, old[0]);
    assert_eq!(world.send(&passed_on), Err("commitments-round".into()));
    assert!(world.is_committing(), "the round is open again");
    assert_eq!(world.core.state().commitments.since.get(&Phase::One), None, "its time is its own");
    world.commits("alice");
    world.looks();
    world.looks();
    for old in &old[1..] {
        assert_eq!(world.send(old), Err("commitments-round".into()));
    }
    let expected = [
        "alice committed",
        "bob committed",
        "carol committed",
        "closed",
        "round 2",
        "alice committed",
    ];
    assert_eq!(world.told(), expected);
    // One that begins while the first commitment of it is on its way.
    world.begins_round(&world.ceremony());
    world.commits("bob");
    assert_eq!(world.told()[6..], ["round 3", "bob committed"]);
}

#[test]
fn who_committed_and_did_not_contribute_is_named_once_the_phase_is_closed() {
    let world = World::new(HOUR, true);
    for who in ["alice", "bob", "carol"] {
        world.commits(who);
    }
    for who in ["alice", "bob"] {
        step(&world.root, who, Action::Contribution);
        world.looks();
    }
    let open = ["alice committed", "bob committed", "carol committed", "closed", "0001", "0002"];
    assert_eq!(world.told(), open);
    step(&world.root, "coordinator", Action::Beacon);
    for _ in 0..2 {
        world.looks();
        assert_eq!(world.told()[..6], open);
        assert_eq!(world.told()[6..], ["carol unopened"]);
    }
}

#[test]
fn rules_that_ask_for_none_have_no_round_of_commitments() {
    let world = World::new(Duration::ZERO, false);
    world.ticks();
    assert!(!world.is_committing());
    assert_eq!(world.refused("alice"), None);
    assert_eq!(world.send(&world.commitment("alice")), Err("commitments".into()));
    assert_eq!(world.told(), [""; 0]);
}
