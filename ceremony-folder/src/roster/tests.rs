use zk_attest::amendment::Head;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::ConfigDigest;
use zk_attest::primitives::{CeremonyKind, CircuitName, Timestamp};
use zk_attest::statement::Subject;

use super::*;
use crate::Ceremony;
use crate::fixture::{COORDINATOR, config, key, label, rules, signed};

fn enrol(name: &str, phases: &[Phase]) -> Change {
    Change::Enrol { participant: label(name), key: key(name), phases: phases.to_vec() }
}

fn replace(participant: &str, old: &str, new: &str) -> Change {
    Change::Replace { participant: label(participant), old_key: key(old), key: key(new) }
}

fn handover(to: &str) -> Change {
    Change::Handover { coordinator: label(to), key: key(to) }
}

fn head(circuit: Option<&str>) -> Head {
    let circuit = circuit.map(|name| CircuitName::new(name).unwrap());
    Head { circuit, file: FileDigest::of(b"a step") }
}

/// The next amendment of a roster.
fn next(roster: &Roster, change: Change) -> Amendment {
    Amendment {
        ceremony: zk_attest::primitives::CeremonyId::new("test-1").unwrap(),
        ceremony_toml_sha256: config().digest(),
        kind: CeremonyKind::Rehearsal,
        number: u32::try_from(roster.amendments.len()).unwrap() + 1,
        previous: roster.last_digest(),
        change,
        heads: vec![head(None)],
        reason: label("a test"),
        time: Timestamp::from_unix(0),
    }
}

fn envelope(said: &Amendment, subject: ConfigDigest, signers: &[&str]) -> Envelope {
    let subject = Subject::new(AMENDMENT_SUBJECT, subject.as_bytes()).unwrap();
    signed(&Statement { subject: vec![subject], predicate: said.clone() }, signers)
}

/// Puts an amendment in force.
fn amend(roster: &mut Roster, said: &Amendment, signers: &[&str]) {
    let envelope = envelope(said, config().digest(), signers);
    let judged = roster.judge(&config(), Path::new("amendment"), envelope).unwrap();
    assert_eq!(judged.missing, None);
    roster.apply(judged.amended);
}

fn refusal(roster: &Roster, said: &Amendment) -> String {
    roster.ensure_fits(&config(), said, Path::new("amendment")).unwrap_err().to_string()
}

#[test]
fn a_change_that_the_rules_do_not_allow_is_refused_by_its_name() {
    let mut roster = Roster::of_rules(&config());
    let fits = |roster: &Roster, change: Change| {
        roster.ensure_fits(&config(), &next(roster, change), Path::new("amendment")).unwrap();
    };
    let is_refused = |roster: &Roster, change: Change, what: &str| {
        let said = refusal(roster, &next(roster, change));
        assert!(said.contains(what), "{what}: {said}");
    };
    fits(&roster, enrol("zoe", &[Phase::Two]));
    is_refused(&roster, enrol("zoe", &[Phase::One]), "no enrolment for these phases");
    is_refused(&roster, enrol("zoe", &[Phase::One, Phase::Two]), "no enrolment for these phases");
    is_refused(&roster, enrol("zoe", &[]), "the phases are not a list");
    is_refused(&roster, enrol("zoe", &[Phase::Two, Phase::Two]), "the phases are not a list");
    let named = |name: &str, key_of: &str| Change::Enrol {
        participant: label(name),
        key: key(key_of),
        phases: vec![Phase::Two],
    };
    for name in ["alice", "dora", COORDINATOR] {
        is_refused(&roster, named(name, "zoe"), "has this name already");
        is_refused(&roster, named("zoe", name), "the new key is known already");
    }
    fits(&roster, replace("alice", "alice", "alice 2"));
    is_refused(&roster, replace("zoe", "alice", "alice 2"), "no participant with this name");
    is_refused(&roster, replace("alice", "bob", "alice 2"), "is not the participant's");
    is_refused(&roster, replace("alice", "alice", "dora"), "the new key is known already");
    fits(&roster, handover("dora"));
    is_refused(&roster, handover("alice"), "cannot take over as coordinator");
    is_refused(&roster, handover(COORDINATOR), "acts as coordinator already");
    for name in ["zoe", "yves"] {
        let said = next(&roster, enrol(name, &[Phase::Two]));
        amend(&mut roster, &said, &[COORDINATOR]);
    }
    is_refused(&roster, enrol("xena", &[Phase::Two]), "as many people are enrolled");
    // A key that was somebody's is nobody else's later.
    let said = next(&roster, replace("alice", "alice", "alice 2"));
    amend(&mut roster, &said, &["alice", "alice 2"]);
    is_refused(&roster, replace("zoe", "zoe", "alice"), "the new key is known already");
    is_refused(&roster, replace("alice", "alice", "alice 3"), "is not the participant's");
}

#[test]
fn the_heads_are_phase_1_and_then_circuits_that_have_begun() {
    let mut roster = Roster::of_rules(&config());
    let with = |roster: &Roster, heads: &[Option<&str>]| {
        let heads = heads.iter().map(|circuit| head(*circuit)).collect();
        Amendment { heads, ..next(roster, handover("dora")) }
    };
    let what = "does not name the last steps";
    for heads in [
        &[][..],
        &[Some("main")],
        &[None, None],
        &[Some("main"), None],
        &[None, Some("main"), Some("main")],
        &[None, Some("other")],
    ] {
        let said = refusal(&roster, &with(&roster, heads));
        assert!(said.contains(what), "{heads:?}: {said}");
    }
    let both = with(&roster, &[None, Some("main")]);
    amend(&mut roster, &both, &[COORDINATOR, "dora"]);
    // A chain that has begun does not stop having begun.
    let back = Amendment { heads: vec![head(None)], ..next(&roster, handover(COORDINATOR)) };
    let said = refusal(&roster, &back);
    assert!(said.contains(what), "{said}");
}

#[test]
fn an_amendment_of_another_subject_is_none_of_these_rules() {
    let roster = Roster::of_rules(&config());
    let said = next(&roster, enrol("zoe", &[Phase::Two]));
    let other = envelope(&said, ConfigDigest::of(b"x"), &[COORDINATOR]);
    let error = roster.judge(&config(), Path::new("amendment"), other).unwrap_err().to_string();
    assert!(error.contains("its rules differs"), "{error}");
}

#[test]
fn the_coordinator_changes_so_many_times_and_no_more() {
    let mut roster = Roster::of_rules(&config());
    let mut people = ["dora", COORDINATOR].into_iter().cycle();
    let mut acting = COORDINATOR;
    for _ in 0..MAX_HANDOVERS {
        let to = people.next().unwrap();
        let said = next(&roster, handover(to));
        amend(&mut roster, &said, &[acting, to]);
        acting = to;
    }
    let said = refusal(&roster, &next(&roster, handover(people.next().unwrap())));
    assert!(said.contains("changed too often"), "{said}");
}

#[test]
fn no_more_amendments_are_read_or_made_than_there_may_be() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path();
    std::fs::write(root.join("ceremony.toml"), rules()).unwrap();
    std::fs::create_dir(root.join(ROSTER)).unwrap();
    let mut roster = Roster::of_rules(&config());
    for number in 1..=MAX_AMENDMENTS + 1 {
        let [old, new] = [number - 1, number].map(|n| match n {
            0 => "alice".to_owned(),
            n => format!("alice {n}"),
        });
        let said = next(&roster, replace("alice", &old, &new));
        let envelope = envelope(&said, config().digest(), &[&old, &new]);
        let path = root.join(ROSTER).join(format!("{number:04}.dsse.json"));
        std::fs::write(&path, envelope.to_json()).unwrap();
        let signers = BTreeSet::new();
        roster.apply(Amended { path, said, envelope, signers });
    }
    let ceremony = Ceremony::open(root).unwrap();
    let read = &ceremony.roster;
    assert!(read.unread().is_none(), "{:?}", read.unread());
    assert_eq!(read.amendments().len(), MAX_AMENDMENTS);
    let last = format!("alice {MAX_AMENDMENTS}");
    let change = replace("alice", &last, "one more");
    let refused: Diagnostic = ceremony.ensure_amendable(change, label("a test")).unwrap_err();
    assert!(refused.what.contains("changed too often"), "{refused:?}");
}
