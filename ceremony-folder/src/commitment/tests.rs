use std::collections::BTreeSet;
use std::fs;

use ceremony_core::commit::{KeptSeed, SEED_BYTES};

use super::rounds::{CommitmentRound, MAX_ROUNDS};
use super::*;
use crate::fixture::{COORDINATOR, Holder, contribution, key, label, rejected, rules, signed};
use crate::folder::{Slot, StepName};
use crate::journal::{Entry, Event, JOURNAL, Journal, Recorded};

fn drawn() -> Opening {
    let seed = KeptSeed::draw(vec![0; SEED_BYTES], b"").unwrap();
    seed.phase1_opening().unwrap()
}

/// Alice and bob contribute to both phases, and commit to their secrets.
fn text() -> String {
    let text = rules();
    let (from, to) = (text.find("[enrolment]").unwrap(), text.find("[beacon.phase1]").unwrap());
    let bob = format!(
        "[[participants]]\nname = \"bob\"\nkey = \"{}\"\nphases = [1, 2]\n\n[commitments]\nsecrets = \
         true\n\n",
        key("bob")
    );
    format!("{}{bob}{}", &text[..from], &text[to..])
}

fn config() -> Config {
    Config::from_toml(text().as_bytes()).unwrap()
}

struct World {
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ceremony.toml"), text()).unwrap();
        fs::create_dir(dir.path().join(COMMITMENTS)).unwrap();
        Self { dir }
    }

    fn ceremony(&self) -> Ceremony {
        Ceremony::open(self.dir.path()).unwrap()
    }

    fn commitment(&self, who: &str, opening: &Opening) -> Commitment {
        let openings = [(Track::Phase1, opening.clone())];
        let person = (&label(who), &key(who));
        Commitment::new(&self.ceremony(), Phase::One, person, &openings, label("a tool"))
    }

    fn keep(&self, said: &Commitment, signer: &str) -> Result<Kept, String> {
        keep(&self.ceremony(), &envelope(said, signer)).map_err(|error| error.what)
    }

    fn put(&self, name: &str, said: &Commitment, signer: &str) {
        let path = self.dir.path().join(COMMITMENTS).join(name);
        fs::write(path, envelope(said, signer).to_json()).unwrap();
    }

    fn check(&self, who: &str, opening: &Opening) -> Result<Option<PassedCheck>, String> {
        let step = contribution(&self.ceremony(), who);
        verify(&self.ceremony(), &step, Some(opening)).map_err(|error| error.to_string())
    }
}

fn envelope(said: &Commitment, signer: &str) -> Envelope {
    let subject = Subject::new("ceremony.toml", said.ceremony_toml_sha256.as_bytes()).unwrap();
    signed(&Statement { subject: vec![subject], predicate: said.clone() }, &[signer])
}

#[test]
fn a_contribution_opens_the_commitment_of_its_maker_and_no_other() {
    let world = World::new();
    let (of_alice, of_bob) = (drawn(), drawn());
    let missing = world.check("alice", &of_alice).unwrap_err();
    assert!(missing.contains("did not commit") && missing.contains("no commitment"), "{missing}");
    for (who, opening) in [("alice", &of_alice), ("bob", &of_bob)] {
        let kept = world.keep(&world.commitment(who, opening), who).unwrap();
        assert!(matches!(kept, Kept::New(_)));
        let passed = world.check(who, opening).unwrap().unwrap();
        assert_eq!((passed.number, passed.statement), (Some(12), OPENED));
    }
    for (who, opening) in [("alice", &of_bob), ("bob", &of_alice), ("alice", &drawn())] {
        let refused = world.check(who, opening).unwrap_err();
        assert!(refused.contains(&format!("does not open the commitment of {who}")), "{refused}");
    }
}

#[test]
fn what_is_hashed_is_of_these_rules_this_chain_this_key_and_these_points() {
    let opening = drawn();
    let rules = config().digest();
    let circuit = |name| Track::Circuit(CircuitName::new(name).unwrap());
    let all = [
        digest(rules, &Track::Phase1, &key("alice"), &opening),
        digest(ConfigDigest::of(b"x"), &Track::Phase1, &key("alice"), &opening),
        digest(rules, &circuit("main"), &key("alice"), &opening),
        digest(rules, &circuit("mai"), &key("alice"), &opening),
        digest(rules, &Track::Phase1, &key("bob"), &opening),
        digest(rules, &Track::Phase1, &key("alice"), &drawn()),
    ];
    let distinct: BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    // As docs/formats.md, section 7 writes it.
    let mut bytes = b"zk-ceremony commitment v1\0".to_vec();
    bytes.extend(rules.0);
    bytes.extend([2, 4]);
    bytes.extend(b"main");
    bytes.extend(key("alice").as_bytes());
    bytes.extend(opening.to_bytes());
    assert_eq!(all[2], CommitmentDigest::of(&bytes));
}

#[test]
fn a_commitment_is_of_these_rules_in_each_of_its_words_and_signed_by_its_maker() {
    let world = World::new();
    let good = world.commitment("alice", &drawn());
    let read = |said: &Commitment, signer: &str| {
        let bytes = envelope(said, signer).to_json();
        let read = Commitment::read(Path::new("commitment"), &bytes, &config());
        read.map_err(|error| error.to_string())
    };
    assert_eq!(read(&good, "alice").unwrap(), good);
    let other = ConfigDigest::of(b"x");
    let foreign = "the commitment is of another ceremony";
    let chain = |name: Option<&str>| CommittedChain {
        circuit: name.map(|name| CircuitName::new(name).unwrap()),
        commitment: good.chains[0].commitment,
    };
    let chains = |chains: Vec<CommittedChain>| Commitment { chains, ..good.clone() };
    let unnamed = "does not name the chains of its phase";
    for (said, signer, what) in [
        (good.clone(), "bob", "not signed with the key that it names"),
        (Commitment { ceremony_toml_sha256: other, ..good.clone() }, "alice", foreign),
        (Commitment { ceremony: CeremonyId::new("x").unwrap(), ..good.clone() }, "alice", foreign),
        (Commitment { kind: CeremonyKind::Production, ..good.clone() }, "alice", foreign),
        (chains(vec![]), "alice", unnamed),
        (chains(vec![chain(None), chain(None)]), "alice", unnamed),
        (chains(vec![chain(Some("main"))]), "alice", unnamed),
        (Commitment { phase: Phase::Two, ..good.clone() }, "alice", unnamed),
    ] {
        let error = read(&said, signer).unwrap_err();
        assert!(error.contains(what), "{what}: {error}");
    }
}

#[test]
fn the_subject_of_a_commitment_and_its_words_are_of_one_ceremony() {
    let world = World::new();
    let good = world.commitment("alice", &drawn());
    let other = ConfigDigest::of(b"x");
    for (subject, words) in [(other, good.ceremony_toml_sha256), (good.ceremony_toml_sha256, other)]
    {
        let said = Commitment { ceremony_toml_sha256: words, ..good.clone() };
        let subject = Subject::new("ceremony.toml", subject.as_bytes()).unwrap();
        let statement = Statement { subject: vec![subject], predicate: said };
        let bytes = signed(&statement, &["alice"]).to_json();
        let read = Commitment::read(Path::new("commitment"), &bytes, &config());
        let error = read.unwrap_err().to_string();
        assert!(error.contains("the commitment is of another ceremony"), "{error}");
    }
}

#[test]
fn nobody_commits_after_a_contribution_or_a_beacon_that_is_due() {
    let world = World::new();
    let mut ceremony = world.ceremony();
    ceremony.ensure_takes_commitments(Phase::One).unwrap();
    let made = contribution(&ceremony, "alice");
    ceremony.phase1.steps = vec![made.clone()];
    let refused = ceremony.ensure_takes_commitments(Phase::One).unwrap_err();
    assert_eq!(refused.code, "commitments-closed");
    // A beacon that was made on the opening and is not finished.
    let mut opening = made.clone();
    opening.words.action = Action::Open;
    let mut beacon = made;
    beacon.name = StepName::first(Slot::Final);
    beacon.words.input_sha256 = Some(opening.file);
    ceremony.phase1.steps = vec![opening];
    ceremony.ensure_takes_commitments(Phase::One).unwrap();
    ceremony.phase1.signed = vec![beacon];
    let refused = ceremony.ensure_takes_commitments(Phase::One).unwrap_err();
    assert_eq!(refused.code, "commitments-closed");
}

#[test]
fn each_participant_commits_once_and_before_anybody_contributes() {
    let world = World::new();
    let first = world.commitment("alice", &drawn());
    world.keep(&first, "alice").unwrap();
    assert_eq!(world.keep(&first, "alice").unwrap(), Kept::Already(first.clone()));
    let second = world.commitment("alice", &drawn());
    let refused = world.keep(&second, "alice").unwrap_err();
    assert!(refused.contains("has committed to phase 1 already"), "{refused}");
    // Another name of the roster, or none.
    for (name, signer) in [("bob", "alice"), ("zoe", "zoe")] {
        let said = Commitment { participant: label(name), ..world.commitment(signer, &drawn()) };
        let refused = world.keep(&said, signer).unwrap_err();
        assert!(refused.contains("nobody of the roster"), "{refused}");
    }
    let of_phase2 = Commitment {
        phase: Phase::Two,
        chains: vec![CommittedChain {
            circuit: Some(CircuitName::new("main").unwrap()),
            commitment: first.chains[0].commitment,
        }],
        ..world.commitment("bob", &drawn())
    };
    let refused = world.keep(&of_phase2, "bob").unwrap_err();
    assert!(refused.contains("phase 2 takes no commitments now"), "{refused}");
    let plain = tempfile::tempdir().unwrap();
    fs::write(
        plain.path().join("ceremony.toml"),
        text().replace("secrets = true", "secrets = false"),
    )
    .unwrap();
    let unasked = Ceremony::open(plain.path()).unwrap();
    let said = Commitment {
        ceremony_toml_sha256: unasked.config.digest(),
        ..world.commitment("bob", &drawn())
    };
    let refused = keep(&unasked, &envelope(&said, "bob")).unwrap_err();
    assert_eq!(refused.code, "commitments");
}

#[test]
fn two_commitments_of_a_participant_are_none_and_a_strangers_does_not_count() {
    let world = World::new();
    let opening = drawn();
    let said = world.commitment("alice", &opening);
    let name = |who: &str| format!("1.{}.dsse.json", key(who).fingerprint().replace(' ', ""));
    // Under another name than its own, or of a key that is not alice's.
    world.put(&name("bob"), &said, "alice");
    let stolen = Commitment { participant: label("alice"), ..world.commitment("bob", &opening) };
    world.put("1.0000000000000000.dsse.json", &stolen, "bob");
    assert_eq!(world.ceremony().commitments.of_phase(Phase::One).count(), 0);
    world.put(&name("bob"), &stolen, "bob");
    assert_eq!(world.ceremony().commitments.of_phase(Phase::One).count(), 0);
    world.put(&name("alice"), &said, "alice");
    let mut ceremony = world.ceremony();
    assert!(ceremony.commitments.of(&label("alice"), Phase::One).is_ok());
    // With a key that was replaced since, a participant may have two that verify.
    let again = ceremony.commitments.kept[0].clone();
    ceremony.commitments.kept.push(again);
    let found = ceremony.commitments.of(&label("alice"), Phase::One);
    assert_eq!(found.err(), Some(Uncommitted::Twice));
    let step = contribution(&ceremony, "alice");
    let refused = verify(&ceremony, &step, Some(&opening)).unwrap_err().to_string();
    assert!(refused.contains("more than one commitment"), "{refused}");
}

#[test]
fn steps_that_are_no_contributions_and_rules_without_commitments_have_no_such_check() {
    let world = World::new();
    let mut step = contribution(&world.ceremony(), "alice");
    assert!(verify(&world.ceremony(), &step, None).is_err());
    step.words.action = Action::Beacon;
    assert_eq!(verify(&world.ceremony(), &step, None).unwrap(), None);
}

fn journal(events: Vec<Event>) -> Vec<Recorded> {
    let recorded = |(number, event)| {
        let previous = FileDigest([0; 32]);
        let entry = Entry { number, previous, time: Timestamp::from_unix(number), event };
        Recorded { entry, sha256: FileDigest([0; 32]) }
    };
    (0..).zip(events).map(recorded).collect()
}

#[test]
fn a_journal_has_one_commitment_of_each_before_the_first_contribution_of_the_phase() {
    let mut world = World::new().ceremony();
    let committed = |who: &str, phase, document: &[u8]| Event::Committed {
        participant: label(who),
        phase,
        document: FileDigest::of(document),
    };
    let step = |circuit: Option<&str>, who: &str| Event::Step {
        circuit: circuit.map(|name| CircuitName::new(name).unwrap()),
        step: "0001".into(),
        action: Action::Contribution,
        participant: label(who),
        file: FileDigest::of(who.as_bytes()),
        turn: None,
    };
    let (one, two) = (Phase::One, Phase::Two);
    let [alice, bob] = ["alice", "bob"];
    let judged = |ceremony: &Ceremony, events: Vec<Event>| {
        let judged = ceremony.ensure_committed_first(Path::new(JOURNAL), &journal(events));
        judged.map_err(|error| error.to_string())
    };
    let good = vec![
        committed(alice, one, b"a1"),
        committed(bob, one, b"b1"),
        step(None, alice),
        // Phase 2 begins anew.
        committed(alice, two, b"a2"),
        step(None, bob),
        step(Some("main"), alice),
    ];
    judged(&world, good.clone()).unwrap();
    let late = |event| [good.clone(), vec![event]].concat();
    for event in [committed("carol", one, b"c1"), committed(bob, two, b"b2")] {
        let refused = judged(&world, late(event)).unwrap_err();
        assert!(refused.contains("committed too late"), "{refused}");
    }
    let twice = vec![committed(alice, one, b"a1"), committed(alice, one, b"another")];
    let refused = judged(&world, twice).unwrap_err();
    assert!(refused.contains("committed twice"), "{refused}");
    // The same one, told of by two processes, is one.
    judged(&world, [vec![committed(alice, one, b"a1")], good.clone()].concat()).unwrap();
    // The document in the folder is the one that the journal tells of.
    let opening = drawn();
    let folder = World::new();
    let said = folder.commitment(alice, &opening);
    folder.keep(&said, alice).unwrap();
    world.commitments = folder.ceremony().commitments;
    world.phase1.steps = vec![contribution(&world, alice)];
    let refused = judged(&world, good.clone()).unwrap_err();
    assert!(refused.contains("does not tell of this commitment"), "{refused}");
    let document = envelope(&said, alice).to_json();
    judged(&world, vec![committed(alice, one, &document), step(None, alice)]).unwrap();
    // Without the rule nothing is asked.
    world.config =
        Config::from_toml(text().replace("secrets = true", "secrets = false").as_bytes()).unwrap();
    judged(&world, late(committed("carol", one, b"c1"))).unwrap();
}

fn begin(world: &World, phase: Phase, round: u32, signer: &str) -> Vec<u8> {
    let rules = config();
    let said = CommitmentRound {
        ceremony: rules.document().id.clone(),
        kind: rules.document().kind,
        ceremony_toml_sha256: rules.digest(),
        phase,
        round,
        reason: label("a power cut"),
        time: Timestamp::from_unix(0),
    };
    write_round(world, &said, signer)
}

/// Under the name that the document's phase and round have.
fn write_round(world: &World, said: &CommitmentRound, signer: &str) -> Vec<u8> {
    let subject = Subject::new("ceremony.toml", said.ceremony_toml_sha256.as_bytes()).unwrap();
    let statement = Statement { subject: vec![subject], predicate: said.clone() };
    let bytes = signed(&statement, &[signer]).to_json();
    let name = format!("{}-{}.round.dsse.json", u8::from(said.phase), said.round);
    fs::write(world.dir.path().join(COMMITMENTS).join(name), &bytes).unwrap();
    bytes
}

#[test]
fn a_round_that_the_coordinator_begins_voids_the_commitments_before_it() {
    let world = World::new();
    let (first, second) = (drawn(), drawn());
    world.keep(&world.commitment("alice", &first), "alice").unwrap();
    // By another person, out of order, or of other rules: none begins.
    begin(&world, Phase::One, 2, "alice");
    begin(&world, Phase::One, 3, COORDINATOR);
    assert_eq!(world.ceremony().commitments.round(Phase::One), 1);
    let document = begin(&world, Phase::One, 2, COORDINATOR);
    fs::remove_file(world.dir.path().join(COMMITMENTS).join("1-3.round.dsse.json")).unwrap();
    let commitments = world.ceremony().commitments;
    assert_eq!((commitments.round(Phase::One), commitments.round(Phase::Two)), (2, 1));
    let begun = commitments.begun(Phase::One, 2).unwrap();
    assert_eq!(begun.document, FileDigest::of(&document));
    assert_eq!(commitments.of(&label("alice"), Phase::One).err(), Some(Uncommitted::Missing));
    // Of this round, under its own name.
    world.keep(&world.commitment("alice", &second), "alice").unwrap();
    let key = key("alice").fingerprint().replace(' ', "");
    assert!(world.dir.path().join(COMMITMENTS).join(format!("1-2.{key}.dsse.json")).exists());
    assert!(world.check("alice", &second).unwrap().is_some());
    let refused = world.check("alice", &first).unwrap_err();
    assert!(refused.contains("does not open the commitment of alice"), "{refused}");
    // Each word of the document counts.
    let good = begun.said.clone();
    for said in [
        CommitmentRound { ceremony: CeremonyId::new("x").unwrap(), ..good.clone() },
        CommitmentRound { kind: CeremonyKind::Production, ..good.clone() },
        CommitmentRound { ceremony_toml_sha256: ConfigDigest::of(b"x"), ..good.clone() },
    ] {
        write_round(&world, &said, COORDINATOR);
        assert_eq!(world.ceremony().commitments.round(Phase::One), 1, "{said:?}");
    }
    let path = world.dir.path().join(COMMITMENTS);
    for name in ["1-3.round.dsse.json", "2-2.round.dsse.json"] {
        fs::write(path.join("1-2.round.dsse.json"), &document).unwrap();
        fs::write(path.join(name), &document).unwrap();
    }
    let commitments = world.ceremony().commitments;
    assert_eq!((commitments.round(Phase::One), commitments.round(Phase::Two)), (2, 1));
}

#[test]
fn a_journal_has_each_round_in_order_and_no_commitment_of_an_earlier_one() {
    let world = World::new();
    let [two, three] = [2, 3].map(|round| {
        let document = begin(&world, Phase::One, round, COORDINATOR);
        Event::CommitmentRound { phase: Phase::One, round, document: FileDigest::of(&document) }
    });
    let committed = |who: &str, document: &[u8]| Event::Committed {
        participant: label(who),
        phase: Phase::One,
        document: FileDigest::of(document),
    };
    let opening = drawn();
    let said = world.commitment("alice", &opening);
    world.keep(&said, "alice").unwrap();
    let document = envelope(&said, "alice").to_json();
    let step = Event::Step {
        circuit: None,
        step: "0001".into(),
        action: Action::Contribution,
        participant: label("alice"),
        file: FileDigest::of(b"alice"),
        turn: None,
    };
    let mut ceremony = world.ceremony();
    ceremony.phase1.steps = vec![contribution(&ceremony, "alice")];
    let judged = |events: &[&Event]| {
        let events = events.iter().map(|event| (*event).clone()).collect();
        let judged = ceremony.ensure_committed_first(Path::new(JOURNAL), &journal(events));
        judged.map_err(|error| error.to_string())
    };
    let (old, now) = (committed("alice", b"old"), committed("alice", &document));
    judged(&[&old, &two, &three, &now, &step]).unwrap();
    let other = match &two {
        Event::CommitmentRound { phase, round, .. } => {
            let document = FileDigest::of(b"another");
            Event::CommitmentRound { phase: *phase, round: *round, document }
        }
        _ => panic!("a round"),
    };
    for (events, what) in [
        (vec![&old, &two, &three, &old, &now, &step], "of an earlier round comes again"),
        (vec![&now, &two, &three, &step], "does not tell of this commitment"),
        (vec![&old, &two, &three, &now, &step, &two], "begins too late"),
        (vec![&old, &two, &two], "not one that was begun"),
        (vec![&old, &three, &two], "not one that was begun"),
        (vec![&old, &other], "not one that was begun"),
        (vec![&two, &now, &step], "tells of another round of commitments"),
    ] {
        let refused = judged(&events).unwrap_err();
        assert!(refused.contains(what), "{what}: {refused}");
    }
}

#[test]
fn another_round_begins_by_the_coordinators_word_and_only_where_it_can_help() {
    let world = World::new();
    let begins = |ceremony: &Ceremony, who| {
        let begun = ceremony.begin_commitment_round(label("a power cut"), &mut Holder::of(who));
        begun.map(|said| said.round).map_err(|error| error.code.to_string())
    };
    let refused = |code: &str| Err(code.to_owned());
    let commits = || world.keep(&world.commitment("alice", &drawn()), "alice").unwrap();
    assert_eq!(begins(&world.ceremony(), COORDINATOR), refused("commitments-none"));
    commits();
    assert_eq!(begins(&world.ceremony(), "alice"), refused("not-the-coordinator"));
    // Where the rules ask for none, what lies there is no commitment.
    let mut other = world.ceremony();
    let text = text().replace("secrets = true", "secrets = false");
    other.config = Config::from_toml(text.as_bytes()).unwrap();
    assert_eq!(begins(&other, COORDINATOR), refused("commitments"));
    // After a contribution, and after the end of the phase.
    let mut late = world.ceremony();
    late.phase1.steps = vec![contribution(&late, "alice")];
    assert_eq!(begins(&late, COORDINATOR), refused("commitments-opened"));
    late.phase1.steps[0].words.action = Action::Beacon;
    assert_eq!(begins(&late, COORDINATOR), refused("commitments-not-open"));
    assert_eq!(world.ceremony().commitments.round(Phase::One), 1);
    for round in 2..=MAX_ROUNDS {
        assert_eq!(begins(&world.ceremony(), COORDINATOR), Ok(round));
        assert_eq!(begins(&world.ceremony(), COORDINATOR), refused("commitments-none"));
        commits();
    }
    assert_eq!(begins(&world.ceremony(), COORDINATOR), refused("commitments-rounds"));
    assert_eq!(world.ceremony().commitments.round(Phase::One), MAX_ROUNDS);
    // Nor is a document of one more round read, no matter who signed it.
    begin(&world, Phase::One, MAX_ROUNDS + 1, COORDINATOR);
    assert_eq!(world.ceremony().commitments.round(Phase::One), MAX_ROUNDS);
    // Of a folder that does not hold, nothing is said.
    let mut unsound = world.ceremony();
    let missing = Folder::new(Path::new("nowhere")).read(Path::new("nowhere/a"), 1).unwrap_err();
    unsound.phase1.problem = Some(Arc::new(missing));
    let error = unsound.begin_commitment_round(label("a test"), &mut Holder::of(COORDINATOR));
    assert!(!error.unwrap_err().code.to_string().starts_with("commitments"));
}

#[test]
fn a_turn_is_for_those_who_committed() {
    let world = World::new();
    world.keep(&world.commitment("alice", &drawn()), "alice").unwrap();
    let ceremony = world.ceremony();
    let open_to = |who: &str| {
        let person =
            ceremony.participant(who, &Holder::of(if who == "bob" { "bob" } else { "alice" }));
        ceremony.chains_open_to(person.unwrap(), &[])
    };
    assert_eq!(open_to("alice").unwrap(), [Track::Phase1]);
    let refused = open_to("bob").unwrap_err();
    assert!(matches!(refused, crate::TurnError::Uncommitted { .. }), "{refused:?}");
    let waited_for = ceremony.still_to_come(&ceremony.phase1);
    let names: Vec<&str> = waited_for.iter().map(|person| person.name.as_str()).collect();
    assert_eq!(names, ["alice"]);
}

#[test]
fn a_signed_journal_is_held_to_the_order_of_commitments() {
    let world = World::new();
    let ceremony = world.ceremony();
    let origin = label("https://ceremony.example.org");
    let mut coordinator = Holder::of(COORDINATOR);
    crate::service::appoint(&ceremony, key("service"), &origin, &mut coordinator).unwrap();
    let committed = |who: &str, document: &[u8]| Event::Committed {
        participant: label(who),
        phase: Phase::One,
        document: FileDigest::of(document),
    };
    let mut journal = Journal::open(&ceremony).unwrap().0;
    let mut note = |event| {
        journal.append(event).unwrap();
        journal.sign_head(&ceremony, &mut Holder::of("service")).unwrap();
        world.ceremony().journal().map(|journal| journal.unwrap().entries.len())
    };
    assert_eq!(note(committed("alice", b"one")).unwrap(), 1);
    assert_eq!(note(committed("bob", b"one")).unwrap(), 2);
    let refused = note(committed("alice", b"another")).unwrap_err().to_string();
    assert!(refused.contains("alice committed twice"), "{refused}");
}

#[test]
fn whose_contribution_was_rejected_has_no_secrets_and_is_not_waited_for() {
    let world = World::new();
    for who in ["alice", "bob"] {
        world.keep(&world.commitment(who, &drawn()), who).unwrap();
    }
    let mut ceremony = world.ceremony();
    ceremony.phase1.rejected = vec![rejected(contribution(&ceremony, "alice"))];
    let names = |people: Vec<&crate::config::Participant>| {
        people.iter().map(|person| person.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(ceremony.still_to_come(&ceremony.phase1)), ["bob"]);
    assert_eq!(names(ceremony.may_contribute(&ceremony.phase1)), ["bob"]);
    let alice = ceremony.roster.everybody()[0].clone();
    let refused = ceremony.chains_open_to(&alice, &[]).unwrap_err();
    assert!(matches!(refused, crate::TurnError::Spent { .. }), "{refused:?}");
    let standing =
        |who: &str| ceremony.standing(ceremony.commitments.of(&label(who), Phase::One).unwrap());
    assert_eq!((standing("alice"), standing("bob")), (Standing::Rejected, Standing::Waiting));
    // In the journal, nobody commits after it, whatever its entry calls it.
    let entry = Event::Step {
        circuit: None,
        step: "0001".into(),
        action: Action::Open,
        participant: label("alice"),
        file: FileDigest::of(b"alice"),
        turn: None,
    };
    let late = Event::Committed {
        participant: label("carol"),
        phase: Phase::One,
        document: FileDigest::of(b"c"),
    };
    let judged = ceremony.ensure_committed_first(Path::new(JOURNAL), &journal(vec![entry, late]));
    assert!(judged.unwrap_err().to_string().contains("committed too late"));
    // What she sent is public: no round begins anew.
    assert!(ceremony.contributed_to(Phase::One).is_some());
    // Without the rule, a contribution is made anew.
    ceremony.config =
        Config::from_toml(text().replace("secrets = true", "secrets = false").as_bytes()).unwrap();
    assert!(ceremony.still_to_come(&ceremony.phase1).len() == 2);
}

/// The order of the journal is of what its entries call steps, and who writes it may call them
/// otherwise.
#[test]
fn a_journal_calls_each_step_what_it_is() {
    let world = World::new();
    let mut ceremony = world.ceremony();
    let made = contribution(&ceremony, "alice");
    let file = made.file;
    ceremony.phase1.steps = vec![made];
    let entry = |action, who: &str| Event::Step {
        circuit: None,
        step: "0001".into(),
        action,
        participant: label(who),
        file,
        turn: None,
    };
    let known = |event| {
        let known = ceremony.ensure_known(Path::new(JOURNAL), &journal(vec![event]));
        known.map_err(|error| error.to_string())
    };
    known(entry(Action::Contribution, "alice")).unwrap();
    for (action, who) in [
        (Action::Open, "alice"),
        (Action::Beacon, "alice"),
        (Action::Reject, "alice"),
        (Action::Contribution, "bob"),
    ] {
        let refused = known(entry(action, who)).unwrap_err();
        assert!(refused.contains("something that it is not"), "{refused}");
    }
}

/// What cannot be read may be there: nobody is called uncommitted for it.
#[cfg(unix)]
#[test]
fn commitments_that_cannot_be_read_are_a_problem_and_not_missing() {
    let world = World::new();
    let said = world.commitment("alice", &drawn());
    world.keep(&said, "alice").unwrap();
    assert!(world.ceremony().commitments.unread().is_none());
    let folder = world.ceremony().folder.root().join(COMMITMENTS);
    let aside = folder.with_extension("aside");
    fs::rename(&folder, &aside).unwrap();
    assert!(world.ceremony().commitments.unread().is_none(), "nobody has committed");
    std::os::unix::fs::symlink(&aside, &folder).unwrap();
    let ceremony = world.ceremony();
    assert!(ceremony.commitments.of(&label("alice"), Phase::One).is_err());
    assert!(ceremony.commitments.unread().is_some());
    assert!(ceremony.ensure_sound().is_err());
}
