//! The people of a ceremony while it goes on: replaced keys, deputies who take over, and people who
//! are enrolled.

use std::fs;

use ceremony_folder::enrolment::{self, Enrolment};
use ceremony_folder::{Ceremony, Config};
use zk_attest::amendment::{AMENDMENT_SUBJECT, Amendment, Change};
use zk_attest::diagnostic::Blame;
use zk_attest::digest::{ConfigDigest, FileDigest};
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyId, Label, Timestamp};
use zk_attest::statement::{Phase, Statement, Subject};

use crate::kit::ceremony::{KeyFile, VALUE, World, files};

/// Alice and bob contribute, dora and emil are deputies, two of whom can act, and three others may
/// be enrolled.
fn world() -> World {
    let world = World::new(&["alice", "bob", "dora", "emil", "zoe", "yves"], |toml| toml);
    let path = world.path("coordinator", "ceremony.toml");
    let toml = fs::read_to_string(&path).unwrap();
    let person = |who: &str| {
        let at = toml.find(&format!("\n[[participants]]\nname = \"{who}\"")).unwrap();
        let end = toml[at + 1..].find("\n\n").unwrap() + at + 1;
        toml[at..end].to_owned()
    };
    let deputies = format!(
        "\n[deputies]\nthreshold = 2\npeople = [{{ name = \"dora\", key = \"{}\" }}, {{ name = \
         \"emil\", key = \"{}\" }}]\n\n[enrolment]\nphases = [1, 2]\nmaximum = 1\n",
        world.public_key("dora"),
        world.public_key("emil"),
    );
    let mut rules = toml.replace("phase1 = 6", "phase1 = 1").replace("phase2 = 6", "phase2 = 1");
    for who in ["dora", "emil", "zoe", "yves"] {
        rules = rules.replace(&person(who), "");
    }
    rules = rules.replacen("\n[beacon.phase1]", &format!("{deputies}\n[beacon.phase1]"), 1);
    fs::write(&path, rules).unwrap();
    world.open();
    for who in ["dora", "emil", "zoe", "yves"] {
        world.carry("coordinator", who);
    }
    world
}

/// A second key on somebody's machine.
fn new_key(world: &World, who: &str) {
    world.ok(who, "key new new.pem");
}

/// Carries a file of the shared folder from one machine to the coordinator's.
fn hand_in(world: &World, who: &str, name: &str) {
    fs::create_dir_all(world.shared(name).parent().unwrap()).unwrap();
    fs::copy(world.path(who, &format!("shared/{name}")), world.shared(name)).unwrap();
}

#[track_caller]
fn fails(world: &World, who: &str, line: &str, words: &str) {
    let before = files(&world.path(who, ""));
    let run = world.run(who, line);
    assert!(run.code != 0 && run.stderr.contains(words), "{line}\n{}{}", run.stdout, run.stderr);
    assert!(files(&world.path(who, "")) == before, "{line} changes something");
}

#[test]
fn a_replaced_key_signs_what_comes_after_and_the_old_one_nothing_new() {
    let world = world();
    world.contribute("alice");
    world.beacon();
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    // Whoever holds the old key begins a contribution with it.
    world.carry("coordinator", "alice");
    fs::create_dir(world.path("alice", "stolen")).unwrap();
    crate::kit::ceremony::copy(&world.path("alice", "shared"), &world.path("alice", "stolen"));
    world.ok("alice", "ceremony contribute stolen --as alice --key key.pem");
    new_key(&world, "alice");
    let replace = "ceremony replace-key shared --as alice --key new.pem --old-key key.pem \
                   --reason moved";
    let said = world.ok("alice", replace);
    assert!(said.contains("in force"), "{said}");
    // In the copy, and once it is handed in, in the coordinator's folder too.
    fails(
        &world,
        "alice",
        "ceremony contribute shared --as alice --key key.pem",
        "this key does not match alice's key in the roster",
    );
    world.ok("coordinator", "ceremony admit shared ../alice/shared/roster/0001.dsse.json");
    let stolen = "ceremony accept shared ../alice/stolen/circuits/main";
    fails(&world, "coordinator", stolen, "does not match alice's key in the roster");
    world.carry("coordinator", "alice");
    world.ok("alice", "ceremony contribute shared --as alice --key new.pem");
    // Her first contribution stays hers, and she has one place in each chain.
    world.carry("alice", "coordinator");
    fails(
        &world,
        "coordinator",
        "ceremony contribute shared --as alice --key ../alice/new.pem",
        "alice has contributed already",
    );
    world.beacon();
    let verified = world.ok("coordinator", "ceremony verify shared --read-only");
    assert!(verified.contains("alice signs with"), "{verified}");
    for key in ["key.pem", "new.pem"] {
        let key = world.ok("alice", &format!("key show {key}"));
        let line = format!("ceremony find shared --participant {}", key.trim());
        let found = world.ok("coordinator", &line);
        assert!(found.contains("phase 1") && found.contains("circuit main"), "{found}");
    }
}

#[test]
fn a_folder_that_is_read_again_is_judged_by_the_roster_that_it_has_now() {
    let world = world();
    world.carry("coordinator", "alice");
    new_key(&world, "alice");
    let replace = "ceremony replace-key shared --as alice --key new.pem --old-key key.pem \
                   --reason moved";
    world.ok("alice", replace);
    world.ok("alice", "ceremony contribute shared --as alice --key new.pem");
    let ceremony = Ceremony::open(&world.path("alice", "shared")).unwrap();
    let steps = || ceremony.again().unwrap().phase1.steps.len();
    assert_eq!(steps(), 2);
    let amendment = world.path("alice", "shared/roster/0001.dsse.json");
    let good = fs::read(&amendment).unwrap();
    fs::remove_file(&amendment).unwrap();
    assert_eq!(steps(), 1);
    fs::write(&amendment, good).unwrap();
    assert_eq!(steps(), 2);
}

/// Under the name of a step, in the folder itself: nobody verified it on its way in.
#[test]
fn a_step_signed_with_a_key_after_its_time_is_no_step() {
    let world = world();
    world.carry("coordinator", "alice");
    world.ok("alice", "ceremony contribute shared --as alice --key key.pem");
    new_key(&world, "alice");
    world.carry("coordinator", "bob");
    fs::copy(world.path("alice", "new.pem"), world.path("bob", "new.pem")).unwrap();
    fs::copy(world.path("alice", "key.pem"), world.path("bob", "old.pem")).unwrap();
    let replace = "ceremony replace-key shared --as alice --key new.pem --old-key old.pem \
                   --reason moved";
    world.ok("bob", replace);
    hand_in(&world, "bob", "roster/0001.dsse.json");
    // What alice made with the old key before she knew.
    for name in ["phase1/0001.dsse.json", "phase1/0001.ptau"] {
        hand_in(&world, "alice", name);
    }
    // And a signed claim that would have it below the amendment's head.
    let (head, made) = (world.words("phase1/0000.dsse.json"), world.words("phase1/0001.dsse.json"));
    for name in ["0009", "0008"] {
        fs::copy(
            world.shared("phase1/0001.dsse.json"),
            world.shared(&format!("phase1/{name}.dsse.json")),
        )
        .unwrap();
        world.again(&format!("phase1/{name}.dsse.json"), "alice", |statement| {
            statement.subject = head.subject.clone();
            statement.subject[0].name = Label::new(&format!("{name}.ptau")).unwrap();
            statement.predicate.index = name.parse().unwrap();
            statement.predicate.input_sha256 = Some(FileDigest(made.subject[0].digest.sha256.0));
        });
    }
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(status.contains("phase 1: open, 0 contributions"), "{status}");
    assert!(status.contains("a key that was not its maker's at this point"), "{status}");
    // Nobody's way is blocked by it.
    world.ok("coordinator", "ceremony tidy shared");
    world.carry("coordinator", "alice");
    fs::remove_file(world.path("alice", "shared/phase1/0001.ptau")).unwrap();
    fs::remove_file(world.path("alice", "shared/phase1/0001.dsse.json")).unwrap();
    world.ok("alice", "ceremony contribute shared --as alice --key new.pem");
}

#[test]
fn a_lost_key_is_replaced_by_as_many_coordinators_as_the_rules_say() {
    let world = world();
    new_key(&world, "alice");
    world.carry("coordinator", "alice");
    let lost = "ceremony replace-key shared --as alice --key new.pem --reason lost";
    let said = world.ok("alice", lost);
    assert!(said.contains("not in force yet") && said.contains("2 of the coordinator"), "{said}");
    world.ok("coordinator", "ceremony admit shared ../alice/shared/roster/0001.dsse.json");
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(status.contains("amendment not in force: alice signs with"), "{status}");
    // Until then the old key is hers.
    let with_new = "ceremony contribute shared --as alice --key ../alice/new.pem";
    fails(&world, "coordinator", with_new, "does not match alice's key");
    fails(
        &world,
        "coordinator",
        "ceremony countersign shared --key ../bob/key.pem",
        "does not count for the amendment",
    );
    let said = world.ok("coordinator", "ceremony countersign shared --key key.pem");
    assert!(said.contains("not in force yet"), "{said}");
    fails(
        &world,
        "coordinator",
        "ceremony countersign shared --key key.pem",
        "this key has signed it already",
    );
    let said = world.ok("coordinator", "ceremony countersign shared --key ../emil/key.pem");
    assert!(said.contains("for every step made from now on"), "{said}");
    world.ok("coordinator", with_new);
}

#[test]
fn deputies_take_over_from_a_coordinator_who_is_gone_and_the_ceremony_reaches_its_end() {
    let world = world();
    world.contribute("alice");
    // A rejected step stays rejected, whoever acts.
    world.contribute("bob");
    world.ok("coordinator", "ceremony reject shared 2 --reason \"on request\" --key key.pem");
    let handover = "ceremony handover shared --to dora --reason ill --key ../emil/key.pem";
    let said = world.ok("coordinator", handover);
    assert!(said.contains("not in force yet"), "{said}");
    // Not by anybody else, and not to anybody else.
    fails(
        &world,
        "coordinator",
        "ceremony countersign shared --key ../bob/key.pem",
        "does not count",
    );
    fails(
        &world,
        "coordinator",
        "ceremony handover shared --to bob --reason x --key ../bob/key.pem",
        "nobody with this name may act as coordinator",
    );
    let beacon = format!("ceremony beacon shared --value {VALUE} --key ../dora/key.pem");
    fails(&world, "coordinator", &beacon, "this step is the coordinator's");
    let said = world.ok("coordinator", "ceremony countersign shared --key ../dora/key.pem");
    assert!(said.contains("in force"), "{said}");
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(status.contains("phase 1: open, 1 contributions"), "{status}");
    assert!(status.contains("  1 rejected"), "{status}");
    // The old coordinator's key signs nothing any more.
    let old = format!("ceremony beacon shared --value {VALUE} --key key.pem");
    fails(&world, "coordinator", &old, "(dora)");
    fails(
        &world,
        "coordinator",
        "ceremony reject shared 1 --reason no --key key.pem",
        "this step is the coordinator's",
    );
    world.ok("coordinator", &beacon);
    world.ok("coordinator", "ceremony prepare shared --key ../dora/key.pem");
    world.contribute("alice");
    // The coordinator comes back, by dora's word and an own signature, and makes the end.
    world
        .ok("coordinator", "ceremony handover shared --to Coordinator --reason well --key key.pem");
    world.ok("coordinator", "ceremony countersign shared --key ../dora/key.pem");
    fails(&world, "coordinator", &beacon, "this step is the coordinator's");
    world.ok("coordinator", &old);
    let verified = world.ok("coordinator", "ceremony verify shared");
    assert!(verified.contains("dora") && verified.contains("acts as coordinator"), "{verified}");
    let transcript = fs::read_to_string(world.shared("transcript.json")).unwrap();
    let dora = world.public_key("dora").to_string();
    assert!(transcript.contains(&format!("\"handovers\":[{{\"coordinator\":\"{dora}\"")));
    world.ok("coordinator", "ceremony verify shared --read-only");
    let archived = world.ok("coordinator", "ceremony archive shared out.tar");
    assert!(!archived.contains("roster"), "left out: {archived}");
}

/// A rejection that only the key of a former coordinator signed takes nothing out.
#[test]
fn a_former_coordinator_rejects_nothing() {
    let world = world();
    world.contribute("alice");
    let aside = world.path("coordinator", "aside");
    crate::kit::ceremony::copy(&world.shared(""), &aside);
    world.ok("coordinator", "ceremony reject aside 1 --reason bad --key key.pem");
    world.ok("coordinator", "ceremony handover shared --to dora --reason ill --key key.pem");
    world.ok("coordinator", "ceremony countersign shared --key ../dora/key.pem");
    fs::copy(
        aside.join("phase1/0001.reject.dsse.json"),
        world.shared("phase1/0001.reject.dsse.json"),
    )
    .unwrap();
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(status.contains("phase 1: open, 1 contributions"), "{status}");
    assert!(status.contains("stray"), "{status}");
}

#[test]
fn somebody_is_enrolled_at_their_own_signed_request_and_no_more_than_the_rules_allow() {
    let world = world();
    world.contribute("alice");
    let enrol =
        |who: &str| format!("ceremony enrol shared --as {who} --key key.pem --machine laptop");
    let said = world.ok("zoe", &enrol("zoe"));
    assert!(said.contains("the coordinator adds you"), "{said}");
    let request = |who: &str| {
        let fingerprint = world.public_key(who).fingerprint().replace(' ', "");
        format!("../{who}/shared/enrolments/{fingerprint}.dsse.json")
    };
    // Only the coordinator adds people, and only once they ask.
    let admit =
        |who: &str, key: &str| format!("ceremony admit shared {} --key {key}", request(who));
    fails(
        &world,
        "coordinator",
        &admit("zoe", "../dora/key.pem"),
        "this step is the coordinator's",
    );
    let unsigned = format!("ceremony admit shared {}", request("zoe"));
    fails(&world, "coordinator", &unsigned, "an enrolment is answered with a signed amendment");
    world.ok("coordinator", &admit("zoe", "key.pem"));
    world.ok("coordinator", &admit("zoe", "key.pem"));
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(status.contains("roster: alice, bob, zoe"), "{status}");
    // The rules allow one.
    world.ok("yves", &enrol("yves"));
    fails(
        &world,
        "coordinator",
        &admit("yves", "key.pem"),
        "as many people are enrolled as the rules allow",
    );
    world.carry("coordinator", "zoe");
    world.ok("zoe", "ceremony contribute shared --as zoe --skip bob --key key.pem");
    world.ok("coordinator", "ceremony accept shared ../zoe/shared/phase1 --skip bob");
    world.beacon();
    let verified = world.ok("coordinator", "ceremony verify shared");
    assert!(verified.contains("zoe") && verified.contains("is enrolled for phase 1 and 2"));
    let page = fs::read_to_string(world.shared("report.html")).unwrap();
    assert!(page.contains("machine: laptop"), "the enrolment is in the report");
}

/// A signed amendment, as somebody with these keys could make it.
fn forged(world: &World, signers: &[&str], edit: impl FnOnce(&mut Amendment)) -> Vec<u8> {
    use ed25519_dalek::Signer as _;
    let envelope = Envelope::from_json(&fs::read(world.shared("roster/0001.dsse.json")).unwrap());
    let mut statement = Statement::<Amendment>::from_payload(envelope.unwrap().payload()).unwrap();
    edit(&mut statement.predicate);
    let digest = statement.predicate.ceremony_toml_sha256;
    statement.subject = vec![Subject::new(AMENDMENT_SUBJECT, digest.as_bytes()).unwrap()];
    let mut envelope = statement.to_envelope().unwrap();
    for signer in signers {
        let pem = fs::read_to_string(world.path(signer, "key.pem")).unwrap();
        let key = ed25519_dalek::SigningKey::from_bytes(&crate::kit::ceremony::seed(&pem));
        let signature = key.sign(&envelope.pae()).to_bytes();
        envelope.add_signature(&world.public_key(signer), &signature).unwrap();
    }
    envelope.to_json()
}

#[test]
fn an_amendment_that_does_not_fit_changes_nothing_and_is_named() {
    let world = world();
    world.contribute("alice");
    world.ok("coordinator", "ceremony handover shared --to dora --reason ill --key key.pem");
    world.ok("coordinator", "ceremony countersign shared --key ../dora/key.pem");
    let good = fs::read(world.shared("roster/0001.dsse.json")).unwrap();
    let two = ["coordinator", "dora"];
    let zoe = world.public_key("zoe");
    let other = |edit: fn(&mut Amendment)| forged(&world, &two, edit);
    let to_zoe = forged(&world, &["coordinator", "zoe"], |it| {
        if let Change::Handover { key, .. } = &mut it.change {
            *key = zoe;
        }
    });
    for (bytes, words) in [
        (other(|it| it.number = 2), "its number differs"),
        (other(|it| it.ceremony = CeremonyId::new("x").unwrap()), "its ceremony differs"),
        (other(|it| it.ceremony_toml_sha256 = ConfigDigest::of(b"x")), "its rules differs"),
        (
            other(|it| it.previous = Some(zk_attest::digest::AmendmentDigest::of(b"x"))),
            "its amendment before differs",
        ),
        (other(|it| it.kind = zk_attest::primitives::CeremonyKind::Production), "its kind differs"),
        (to_zoe, "cannot take over as coordinator"),
        (other(|it| it.heads.push(it.heads[0].clone())), "does not name the last steps"),
        (b"{}".to_vec(), "not read"),
        // Sound, but nobody who counts signed it.
        (forged(&world, &["alice", "bob"], |_| ()), "needs the signature of"),
        (forged(&world, &["dora"], |_| ()), "needs the signature of"),
        (forged(&world, &["coordinator"], |_| ()), "needs the signature of the new key itself"),
    ] {
        fs::write(world.shared("roster/0001.dsse.json"), &bytes).unwrap();
        let status = world.run("coordinator", "ceremony status shared");
        assert!(status.stdout.contains(words), "{words}: {}{}", status.stdout, status.stderr);
        let beacon = format!("ceremony beacon shared --value {VALUE} --key ../dora/key.pem");
        fails(&world, "coordinator", &beacon, "this step is the coordinator's");
    }
    // A step that is not there: the chain cannot be judged.
    let missing = other(|it| it.heads[0].file = FileDigest::of(b"x"));
    fs::write(world.shared("roster/0001.dsse.json"), &missing).unwrap();
    let run = world.run("coordinator", "ceremony verify shared --read-only");
    assert!(
        run.code != 0 && run.stderr.contains("names a step of phase 1 that is not here"),
        "{}",
        run.stderr
    );
    fs::write(world.shared("roster/0001.dsse.json"), &good).unwrap();
    world.ok("coordinator", "ceremony verify shared --read-only");
    // A file in the way of the next one is put away.
    fs::write(world.shared("roster/0002.dsse.json"), b"{}").unwrap();
    let back = "ceremony handover shared --to Coordinator --reason well --key ../dora/key.pem";
    fails(&world, "coordinator", back, "--withdraw");
    world.ok("coordinator", "ceremony countersign shared --withdraw");
    assert!(world.shared("strays/roster/0002.dsse.json").is_file());
    world.ok("coordinator", back);
}

#[test]
fn an_amendment_that_comes_while_another_one_waits_or_too_late_is_refused_by_its_cause() {
    let world = world();
    world.contribute("alice");
    world.ok("coordinator", "ceremony handover shared --to dora --reason ill --key key.pem");
    let zoe = world.public_key("zoe");
    let enrol = |it: &mut Amendment| {
        let participant = Label::new("zoe").unwrap();
        it.change = Change::Enrol { participant, key: zoe, phases: vec![Phase::One] };
    };
    world.write("coordinator", "zoe.json", &forged(&world, &["coordinator"], enrol));
    world.write("coordinator", "nobody.json", &forged(&world, &["alice"], enrol));
    let waits = "another amendment waits for signatures";
    world.ok("zoe", "ceremony enrol shared --as zoe --key key.pem --phases 1 --out me.json");
    for line in [
        "ceremony handover shared --to emil --reason ill --key key.pem",
        "ceremony admit shared zoe.json",
        "ceremony admit shared ../zoe/me.json --key key.pem",
    ] {
        fails(&world, "coordinator", line, waits);
    }
    world.ok("coordinator", "ceremony countersign shared --withdraw");
    let nobody = "no signature of the amendment counts for it";
    fails(&world, "coordinator", "ceremony admit shared nobody.json", nobody);
    world.beacon();
    let over = "phase 1 takes no contribution any more";
    fails(&world, "coordinator", "ceremony admit shared zoe.json", over);
}

#[test]
fn an_amendment_after_the_prepared_file_that_names_a_missing_step_is_noticed() {
    let world = world();
    world.contribute("alice");
    world.beacon();
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    world.ok("coordinator", "ceremony handover shared --to dora --reason ill --key key.pem");
    world.ok("coordinator", "ceremony countersign shared --key ../dora/key.pem");
    world.ok("coordinator", "ceremony verify shared --read-only");
    let first = Envelope::from_json(&fs::read(world.shared("roster/0001.dsse.json")).unwrap());
    let previous = zk_attest::digest::AmendmentDigest::of(first.unwrap().payload());
    let key = world.public_key("coordinator");
    let second = forged(&world, &["dora", "coordinator"], |it| {
        it.number = 2;
        it.previous = Some(previous);
        it.change = Change::Handover { coordinator: Label::new("Coordinator").unwrap(), key };
        it.heads[0].file = FileDigest::of(b"x");
    });
    fs::write(world.shared("roster/0002.dsse.json"), second).unwrap();
    let run = world.run("coordinator", "ceremony verify shared --read-only");
    assert!(
        run.code != 0 && run.stderr.contains("names a step of phase 1 that is not here"),
        "{}{}",
        run.stdout,
        run.stderr
    );
}

/// Steps that a former coordinator made in another copy, put into the folder by hand.
#[test]
fn a_former_coordinators_steps_are_none_in_the_folder_itself() {
    let world = world();
    world.contribute("alice");
    let aside = |name: &str| world.path("coordinator", name);
    crate::kit::ceremony::copy(&world.shared(""), &aside("aside"));
    world.ok("coordinator", &format!("ceremony beacon aside --value {VALUE} --key key.pem"));
    world.ok("coordinator", "ceremony handover shared --to dora --reason ill --key key.pem");
    world.ok("coordinator", "ceremony countersign shared --key ../dora/key.pem");
    let put = |step: &str, data: &str, from: &str| {
        for ending in [data, "dsse.json"] {
            let name = format!("{step}.{ending}");
            fs::copy(aside(from).join(&name), world.shared(&name)).unwrap();
        }
    };
    let problem = |words: &str| {
        let run = world.run("coordinator", "ceremony verify shared --read-only");
        assert!(run.code != 0 && run.stderr.contains(words), "{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains("a key that was not its maker's"), "{}", run.stderr);
    };
    put("phase1/final", "ptau", "aside");
    problem("phase1/final.dsse.json");
    // Dora takes it out, and the value of the next round is needed.
    world.ok("coordinator", "ceremony reject shared final --reason stolen --key ../dora/key.pem");
    let other = VALUE.replacen("01", "ff", 1);
    world.ok(
        "coordinator",
        &format!("ceremony beacon shared --value {other} --key ../dora/key.pem"),
    );
    // The same with what is prepared, and with what opens a circuit: dora hands back, and makes
    // both in a copy of before.
    crate::kit::ceremony::copy(&world.shared(""), &aside("later"));
    world.ok("coordinator", "ceremony prepare later --key ../dora/key.pem");
    world.ok("coordinator", "ceremony handover shared --to Coordinator --reason x --key key.pem");
    world.ok("coordinator", "ceremony countersign shared --key ../dora/key.pem");
    put("phase1/prepared", "ptau", "later");
    problem("phase1/prepared.dsse.json");
    for name in ["phase1/prepared.ptau", "phase1/prepared.dsse.json"] {
        fs::remove_file(world.shared(name)).unwrap();
    }
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    fs::remove_file(world.shared("circuits/main/0000.zkey")).unwrap();
    put("circuits/main/0000", "zkey", "later");
    problem("circuits/main/0000.dsse.json");
}

#[test]
fn deputies_take_over_where_the_coordinators_last_step_does_not_hold() {
    let world = world();
    world.contribute("alice");
    world.beacon();
    world.again("phase1/final.dsse.json", "coordinator", |statement| {
        statement.predicate.beacon.as_mut().unwrap().round += 7;
    });
    let lost = "ceremony replace-key shared --as bob --key ../zoe/key.pem --old-key ../bob/key.pem \
                --reason x";
    fails(&world, "coordinator", lost, "not the planned one");
    world.ok(
        "coordinator",
        "ceremony handover shared --to dora --reason gone --key ../emil/key.pem",
    );
    world.ok("coordinator", "ceremony countersign shared --key ../dora/key.pem");
    world.ok("coordinator", "ceremony reject shared final --reason round --key ../dora/key.pem");
    let other = VALUE.replacen("01", "ff", 1);
    world.ok(
        "coordinator",
        &format!("ceremony beacon shared --value {other} --key ../dora/key.pem"),
    );
    world.ok("coordinator", "ceremony verify shared --read-only");
}

#[test]
fn an_amendment_takes_no_step_out_that_was_made_since_it_was_drafted() {
    let world = world();
    world.contribute("alice");
    world
        .ok("coordinator", "ceremony handover shared --to dora --reason ill --key ../emil/key.pem");
    // Until it is in force, the coordinator acts.
    world.beacon();
    fails(
        &world,
        "coordinator",
        "ceremony countersign shared --key ../dora/key.pem",
        "it would take steps out",
    );
    world.ok("coordinator", "ceremony countersign shared --withdraw");
    world
        .ok("coordinator", "ceremony handover shared --to dora --reason ill --key ../emil/key.pem");
    world.ok("coordinator", "ceremony countersign shared --key ../dora/key.pem");
    world.ok("coordinator", "ceremony prepare shared --key ../dora/key.pem");
    // A participant cannot do it alone, either: with heads that leave own steps out.
    world.contribute("alice");
    new_key(&world, "alice");
    world.carry("coordinator", "alice");
    world.ok(
        "alice",
        "ceremony replace-key shared --as alice --key new.pem --old-key key.pem --reason moved",
    );
    let signed = fs::read(world.path("alice", "shared/roster/0002.dsse.json")).unwrap();
    let payload = Envelope::from_json(&signed).unwrap();
    let honest = Statement::<Amendment>::from_payload(payload.payload()).unwrap();
    for (heads, words) in [
        (Vec::new(), "does not name the last steps"),
        (honest.predicate.heads[1..].to_vec(), "does not name the last steps"),
        (honest.predicate.heads[..1].to_vec(), "it would take steps out"),
        (
            vec![
                honest.predicate.heads[0].clone(),
                zk_attest::amendment::Head {
                    file: FileDigest::of(b"nothing"),
                    ..honest.predicate.heads[1].clone()
                },
            ],
            "it would take steps out",
        ),
    ] {
        let mut statement = honest.clone();
        statement.predicate.heads = heads;
        let mut envelope = statement.to_envelope().unwrap();
        for key in ["key.pem", "new.pem"] {
            let mut signer = KeyFile::of(&world, "alice", key);
            zk_attest::signer::sign_envelope(&mut signer, &mut envelope).unwrap();
        }
        world.write("coordinator", "forged.json", &envelope.to_json());
        fails(&world, "coordinator", "ceremony admit shared forged.json", words);
    }
    world.ok("coordinator", "ceremony admit shared ../alice/shared/roster/0002.dsse.json");
}

/// Dora signs on her own copy, which knows nothing of a rejection.
#[test]
fn whoever_takes_over_signs_where_everything_is() {
    let world = world();
    world.contribute("alice");
    world.carry("coordinator", "dora");
    world.ok("dora", "ceremony handover shared --to dora --reason ill --key ../emil/key.pem");
    let said = world.ok("dora", "ceremony countersign shared --key key.pem");
    assert!(said.contains("in force"), "{said}");
    world.ok("coordinator", "ceremony reject shared 1 --reason bad --key key.pem");
    let said =
        world.ok("coordinator", "ceremony admit shared ../dora/shared/roster/0001.dsse.json");
    assert!(said.contains("and the new key itself"), "{said}");
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(status.contains("  1 rejected"), "{status}");
    let said = world.ok("coordinator", "ceremony countersign shared --key ../dora/key.pem");
    assert!(said.contains("for every step made from now on"), "{said}");
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(status.contains("  1 rejected"), "{status}");
}

#[test]
fn what_the_rules_do_not_allow_is_said_before_anybody_signs() {
    let world = world();
    new_key(&world, "zoe");
    world.carry("coordinator", "alice");
    world.carry("coordinator", "bob");
    let replace = |as_whom: &str, new: &str, old: &str| {
        format!("ceremony replace-key shared --as {as_whom} --key {new} --old-key {old} --reason x")
    };
    for (who, line, words) in [
        ("zoe", replace("zoe", "new.pem", "key.pem"), "no participant with this name"),
        (
            "alice",
            replace("alice", "../zoe/new.pem", "../bob/key.pem"),
            "not the key that is replaced",
        ),
        ("alice", replace("alice", "../bob/key.pem", "key.pem"), "the new key is known already"),
        ("alice", replace("alice", "../dora/key.pem", "key.pem"), "the new key is known already"),
        (
            "zoe",
            "ceremony enrol shared --as dora --key key.pem".into(),
            "someone has this name already",
        ),
        (
            "zoe",
            "ceremony enrol shared --as Coordinator --key key.pem".into(),
            "someone has this name",
        ),
        ("zoe", "ceremony enrol shared --as bob --key key.pem".into(), "does not match bob's key"),
        ("zoe", "ceremony enrol shared --as zoe --key ../bob/key.pem".into(), "is known already"),
        ("zoe", "ceremony enrol shared --as zoe --key key.pem --phases 2,1".into(), "not a list"),
        ("bob", "ceremony enrol shared --as bob --key key.pem --phases 1".into(), "other phases"),
        (
            "coordinator",
            "ceremony handover shared --to Coordinator --reason x --key key.pem".into(),
            "acts as coordinator already",
        ),
        ("coordinator", "ceremony countersign shared --key key.pem".into(), "no amendment waits"),
        ("coordinator", "ceremony countersign shared --withdraw".into(), "no amendment waits"),
        ("coordinator", "ceremony countersign shared".into(), "who signs is not said"),
    ] {
        fails(&world, who, &line, words);
    }
    world.ok("bob", "ceremony enrol shared --as bob --key key.pem --machine one");
    fails(
        &world,
        "bob",
        "ceremony enrol shared --as bob --key key.pem --machine two",
        "this key has enrolled already",
    );
    world.contribute("alice");
    world.beacon();
    world.carry("coordinator", "zoe");
    let late = "ceremony enrol shared --as zoe --key key.pem";
    fails(&world, "zoe", late, "phase 1 takes no contribution any more");
    world.ok("zoe", &format!("{late} --phases 2"));
    let closed = World::finished();
    fails(
        &closed,
        "alice",
        "ceremony enrol shared --as zoe --key ../coordinator/key.pem",
        "the new key is known already",
    );
    new_key(&closed, "alice");
    fails(
        &closed,
        "alice",
        "ceremony enrol shared --as zoe --key new.pem",
        "the rules allow no enrolment",
    );
}

#[test]
fn an_enrolment_is_its_makers_of_this_ceremony_and_of_somebody_who_may_come() {
    let world = world();
    let ceremony = || Ceremony::open(&world.shared("")).unwrap();
    let good = |who: &str| {
        let ceremony = ceremony();
        let rules: &Config = &ceremony.config;
        Enrolment {
            ceremony: rules.document().id.clone(),
            kind: rules.document().kind,
            ceremony_toml_sha256: rules.digest(),
            participant: Label::new(who).unwrap(),
            key: world.public_key(who),
            phases: vec![Phase::One, Phase::Two],
            tool: Label::new("zk-ceremony 0.1.0").unwrap(),
            software_sha256: None,
            machine: Label::new("laptop").unwrap(),
            window: Label::new("Monday").unwrap(),
            time: Timestamp::now(),
        }
    };
    let keep = |said: Enrolment, by: &str| {
        let envelope = said.sign(&mut KeyFile::of(&world, by, "key.pem")).unwrap();
        enrolment::keep(&ceremony(), &envelope).map(drop).map_err(|error| error.what)
    };
    let edited = |edit: fn(&mut Enrolment)| {
        let mut said = good("zoe");
        edit(&mut said);
        keep(said, "zoe").unwrap_err()
    };
    let refused = keep(good("zoe"), "yves").unwrap_err();
    assert!(refused.contains("not signed with the key that it names"), "{refused}");
    let other = "the enrolment is of another ceremony";
    assert!(edited(|it| it.ceremony = CeremonyId::new("other").unwrap()).contains(other));
    assert!(edited(|it| it.ceremony_toml_sha256 = ConfigDigest::of(b"other")).contains(other));
    assert!(edited(|it| it.kind = zk_attest::primitives::CeremonyKind::Production).contains(other));
    assert!(edited(|it| it.phases.reverse()).contains("names no phases"));
    assert!(edited(|it| it.participant = Label::new("dora").unwrap()).contains("this name"));
    keep(good("zoe"), "zoe").unwrap();
    // Not changed later, and by nobody else.
    let mut later = good("zoe");
    later.machine = Label::new("another").unwrap();
    assert!(keep(later, "zoe").unwrap_err().contains("enrolled already"));
    world.ok(
        "coordinator",
        &format!(
            "ceremony admit shared \"{}\" --key key.pem",
            ceremony().enrolment_path(&world.public_key("zoe")).display()
        ),
    );
    assert!(keep(good("yves"), "yves").unwrap_err().contains("as many people are enrolled"));
    // Under another name than its own, it is nobody's.
    let path = ceremony().enrolment_path(&world.public_key("zoe"));
    fs::rename(&path, path.with_file_name("0000000000000000.dsse.json")).unwrap();
    assert!(ceremony().enrolments().unwrap().is_empty());
}

#[test]
fn four_strangers_may_ask_for_each_place_and_at_least_thirty_two() {
    let world = world();
    let ceremony = || Ceremony::open(&world.shared("")).unwrap();
    let rules = ceremony().config;
    let envelope = |n: usize| {
        let secret = ed25519_dalek::SigningKey::from_bytes(&FileDigest::of(&n.to_le_bytes()).0);
        let key = PublicKey::from_bytes(secret.verifying_key().as_bytes()).unwrap();
        let said = Enrolment {
            ceremony: rules.document().id.clone(),
            kind: rules.document().kind,
            ceremony_toml_sha256: rules.digest(),
            participant: Label::new(&format!("stranger {n}")).unwrap(),
            key,
            phases: vec![Phase::One],
            tool: Label::new("zk-ceremony 0.1.0").unwrap(),
            software_sha256: None,
            machine: Label::new("laptop").unwrap(),
            window: Label::new("Monday").unwrap(),
            time: Timestamp::now(),
        };
        (key, said.sign(&mut KeyFile { key, secret }).unwrap())
    };
    fs::create_dir(world.shared("enrolments")).unwrap();
    let folder = ceremony();
    // Those of people of the roster do not count, nor does what is no enrolment by its name.
    for who in ["alice", "bob", "dora"] {
        fs::write(folder.enrolment_path(&world.public_key(who)), "").unwrap();
    }
    fs::write(world.shared("enrolments/README.md"), "").unwrap();
    let most = enrolment::most_waiting(&rules);
    assert_eq!(most, 32);
    // What is written in the others was verified when it came, and is not verified again.
    for n in 0..most - 2 {
        fs::write(folder.enrolment_path(&envelope(n).0), "").unwrap();
    }
    assert_eq!(folder.waiting_enrolments().unwrap(), most - 1);
    enrolment::keep(&folder, &envelope(most).1).unwrap();
    let refused = enrolment::keep(&folder, &envelope(most + 1).1).unwrap_err();
    assert_eq!((refused.code.as_str(), refused.blame), ("enrolments", Blame::Artefact));
}
