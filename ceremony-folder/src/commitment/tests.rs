use std::fs;

use ceremony_core::commit::{KeptSeed, SEED_BYTES};
use zk_attest::statement::StepAttestation;

use super::*;
use crate::fixture::{key, label, rules, signed};
use crate::folder::{Slot, StepName};
use crate::journal::Entry;
use crate::software::Software;

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

fn contribution(ceremony: &Ceremony, who: &str) -> Step {
    let software = Software::another(label("a tool"));
    let draft = crate::AttestationDraft {
        action: Action::Contribution,
        participant: label(who),
        ..crate::AttestationDraft::of_coordinator(ceremony, Action::Open, None, &software)
    };
    let words: StepAttestation = draft.attestation(ceremony, &Track::Phase1, 1);
    let file = FileDigest::of(who.as_bytes());
    let subject = Subject::new("0001.ptau", file.as_bytes()).unwrap();
    Step {
        name: StepName::first(Slot::Number(1)),
        index: 1,
        path: "0001.ptau".into(),
        present: true,
        key: key(who),
        held: Vec::new(),
        envelope: signed(&Statement { subject: vec![subject], predicate: words.clone() }, &[who]),
        words,
        file,
    }
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
