//! Whole ceremonies.

use std::fs;
use std::process::Command;

use super::Net;

const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// A certificate for localhost, and the one that vouches for it, on the coordinator's machine.
pub(super) fn certificates(net: &Net) {
    let place = net.world.path("coordinator", "");
    fs::write(place.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1").unwrap();
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for line in [
        format!("req -x509 {new} -keyout ca.key -out ca.pem -days 30 -subj /CN=test-ca"),
        format!("req {new} -keyout tls.key -out tls.csr -subj /CN=localhost"),
        "x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tls.crt -days 30 \
         -extfile names"
            .into(),
    ] {
        let run = Command::new("openssl")
            .args(line.split_whitespace())
            .current_dir(&place)
            .output()
            .expect("openssl is not installed: ./ci/test.sh installs it");
        assert!(run.status.success(), "{line}\n{}", String::from_utf8_lossy(&run.stderr));
    }
}

#[test]
fn a_ceremony_over_tls_ends_by_itself_with_one_command_of_each_party() {
    let mut net = Net::new(&PEOPLE);
    for who in ["dana", "rel"] {
        fs::create_dir(net.world.path(who, "")).unwrap();
        net.world.ok(who, "key new key.pem");
    }
    certificates(&net);
    let key = |who: &str| format!("{who}={}", net.world.public_key(who));
    let participants: Vec<String> =
        PEOPLE.iter().map(|who| format!("--participant {}", key(who))).collect();
    net.world.ok(
        "coordinator",
        &format!(
            "policy new policy.json --kind rehearsal --release {} --release-threshold 1 --auditor \
             {} --auditor-threshold 1 {} --participant-threshold 3 --phase1-contributions 3 \
             --phase2-contributions 3 --circuit main=circuit.r1cs",
            key("rel"),
            key("dana"),
            participants.join(" ")
        ),
    );
    net.origin = format!("https://localhost:{}", net.address.port());
    net.serve_unattended("--tls-cert tls.crt --tls-key tls.key --policy policy.json");
    let (origin, rules) = (net.origin.clone(), net.rules.clone());
    let ca = "--ca ../coordinator/ca.pem";
    let mut parties: Vec<_> =
        PEOPLE.iter().map(|who| net.join(who, &format!("{ca} --approve"))).collect();
    parties.push(net.spawn(
        "dana",
        &format!(
            "ceremony mirror {origin} mirror {ca} --rules {rules} --verify --as Dana --key key.pem \
             --approve"
        ),
    ));
    parties.push(net.spawn(
        "rel",
        &format!("ceremony approve {origin} {ca} --rules {rules} --dir copy --key key.pem --yes"),
    ));
    for party in parties {
        party.ok();
    }
    let said = net.service.take().unwrap().ok();
    assert!(said.contains("everything is done"), "{said}");
    net.nothing_is_there_twice();
    assert_eq!(net.contributions().len(), 6, "{}", net.journal_text());

    let transcript = net.transcript("coordinator", "shared");
    assert_eq!(net.transcript("dana", "mirror"), transcript);
    for who in PEOPLE {
        for receipt in ["phase1", "circuits-main"] {
            let receipts = net.world.path(who, "copy/receipts");
            let found = super::names(&receipts)
                .into_iter()
                .find(|name| name.starts_with(receipt))
                .unwrap_or_else(|| panic!("{who} has no receipt of {receipt}"));
            let path = receipts.join(found);
            let line = format!(
                "ceremony find shared --participant {who} --receipt \"{}\"",
                path.display()
            );
            net.world.ok("coordinator", &line);
        }
    }
    a_changed_journal_is_found(&net);
}

/// What `ceremony verify` says of a journal that was changed, cut or reordered.
fn a_changed_journal_is_found(net: &Net) {
    let path = net.world.shared("journal.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let said = net.world.ok("coordinator", "ceremony verify shared --read-only");
    let entries = whole.lines().count();
    assert!(said.contains(&format!("journal            {entries} entries")), "{said}");
    let lines: Vec<&str> = whole.lines().collect();
    let join = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    let mut without = lines.clone();
    without.remove(2);
    let twice = [&lines[..3], &lines[2..]].concat();
    for (text, expected) in [
        (whole.replacen("\"alice\"", "\"bob\"", 1), "does not follow the one before"),
        (join(&swapped), "does not follow the one before"),
        (join(&without), "does not follow the one before"),
        (join(&twice), "does not follow the one before"),
        (join(&lines[..entries - 1]), "does not end with the entry that the service signed"),
        (whole[..whole.len() - 9].to_owned(), "torn"),
        (format!("{whole}{whole}"), "does not follow the one before"),
        (String::new(), "does not end with the entry that the service signed"),
    ] {
        fs::write(&path, &text).unwrap();
        let run = net.world.run("coordinator", "ceremony verify shared --read-only");
        assert_eq!(run.code, 1, "{text}\n{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
    // A journal without what its service signed of it, and the other way round.
    fs::write(&path, &whole).unwrap();
    let head = net.world.shared("journal.head.dsse.json");
    let signed = fs::read(&head).unwrap();
    fs::remove_file(&head).unwrap();
    assert_ne!(net.world.run("coordinator", "ceremony verify shared --read-only").code, 0);
    fs::write(&head, signed).unwrap();
    fs::remove_file(&path).unwrap();
    assert_ne!(net.world.run("coordinator", "ceremony verify shared --read-only").code, 0);
    fs::write(&path, &whole).unwrap();
    net.world.ok("coordinator", "ceremony verify shared --read-only");
}

#[test]
fn a_ceremony_takes_a_contribution_by_hand_while_it_is_held() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_unattended("");
    net.join("alice", "--phase 1").ok();
    // Bob carries his first one by hand, while the service runs.
    net.world.carry("coordinator", "bob");
    net.world.ok("bob", "ceremony contribute shared --as bob --key key.pem");
    let inbox = net.world.path("coordinator", "inbox");
    fs::create_dir(&inbox).unwrap();
    let made = net.world.path("bob", "shared/phase1");
    for name in super::names(&made).into_iter().filter(|name| name.starts_with("0002")) {
        fs::copy(made.join(&name), inbox.join(&name)).unwrap();
    }
    net.world.ok("coordinator", "ceremony accept shared inbox");
    let bob = net.join("bob", "--phase 2");
    net.join("alice", "").ok();
    bob.ok();
    super::wait_until("the bundle is made", || net.world.shared("bundle.json").exists());
    net.nothing_is_there_twice();
    let mut found = net.contributions();
    found.sort();
    assert_eq!(found, ["main alice", "main bob", "phase1 alice", "phase1 bob"]);
    // What came by hand came in no turn.
    let turns: Vec<bool> = net
        .events_of("step")
        .iter()
        .filter(|step| step["action"] == "contribution")
        .map(|step| step["turn"].is_string())
        .collect();
    assert_eq!(turns, [true, false, true, true]);
    net.transcript("coordinator", "shared");
}

#[test]
fn strangers_who_enrol_contribute_and_a_replaced_key_goes_on() {
    let enrolment = "\n[enrolment]\nphases = [1, 2]\nmaximum = 2\n\n[beacon.phase1]";
    let mut net =
        Net::with_rules(&["alice"], |toml| toml.replacen("\n[beacon.phase1]", enrolment, 1));
    for who in ["zoe", "yves", "xenia"] {
        fs::create_dir(net.world.path(who, "")).unwrap();
        net.world.ok(who, "key new key.pem");
    }
    net.serve_unattended("--enrol-all --close-after 3000");
    // Who is not in the roster and does not ask is told at once.
    let run = net.join("zoe", "").end();
    assert!(
        run.code != 0 && run.stderr.contains("no participant with this name is in the roster"),
        "{}",
        run.stderr
    );
    let both = [net.join("zoe", "--enrol --machine laptop"), net.join("yves", "--enrol")];
    for who in ["zoe", "yves"] {
        super::wait_until("both are in phase 1", || {
            net.contributions().contains(&format!("phase1 {who}"))
        });
    }
    both.into_iter().for_each(|party| drop(party.kill()));
    // The rules take two.
    let run = net.join("xenia", "--enrol").end();
    assert!(run.code != 0 && run.stderr.contains("as many people are enrolled"), "{}", run.stderr);
    // Zoe has another key from now on, signed by hand; the service sees it.
    net.world.ok("zoe", "key new new.pem");
    net.world.carry("coordinator", "zoe");
    let line =
        "ceremony replace-key shared --as zoe --key new.pem --old-key key.pem --reason moved";
    net.world.ok("zoe", line);
    net.world.ok("coordinator", "ceremony admit shared ../zoe/shared/roster/0003.dsse.json");
    super::wait_until("the amendment is noted", || net.events_of("amended").len() == 3);
    net.join("alice", "--phase 1").ok();
    let run = net.join("zoe", "--phase 2").end();
    assert!(
        run.code != 0 && run.stderr.contains("does not match zoe's key in the roster"),
        "{}",
        run.stderr
    );
    fs::rename(net.world.path("zoe", "new.pem"), net.world.path("zoe", "key.pem")).unwrap();
    let others = ["alice", "yves"].map(|who| net.join(who, "--phase 2"));
    net.join("zoe", "--phase 2").ok();
    others.into_iter().for_each(|party| drop(party.ok()));
    super::wait_until("the bundle is made", || net.world.shared("bundle.json").exists());
    net.nothing_is_there_twice();
    assert_eq!(net.contributions().len(), 6, "{}", net.journal_text());
    assert_eq!(net.events_of("enrolled").len(), 2);
    net.transcript("coordinator", "shared");
    // An amendment that the journal tells of cannot be left out, also if no step needs it.
    net.world.ok("yves", "key new new.pem");
    let line = "ceremony replace-key shared --as yves --key ../yves/new.pem --old-key \
                ../yves/key.pem --reason moved";
    net.world.ok("coordinator", line);
    super::wait_until("the amendment is noted", || net.events_of("amended").len() == 4);
    net.world.ok("coordinator", "ceremony verify shared --read-only");
    net.kill_service();
    fs::remove_file(net.world.shared("roster/0004.dsse.json")).unwrap();
    let run = net.world.run("coordinator", "ceremony verify shared --read-only");
    let words = "tells of amendment 4, which is not in this folder";
    assert!(run.code != 0 && run.stderr.contains(words), "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_service_whose_coordinator_was_replaced_ends_and_says_so() {
    let mut net = Net::with_rules(&["alice", "dora"], |toml| {
        let at = toml.find("\n[[participants]]\nname = \"dora\"").unwrap();
        let end = toml.find("\n[beacon.phase1]").unwrap();
        let key = toml[at..end].split('"').nth(3).unwrap().to_owned();
        let deputies = format!(
            "\n[deputies]\nthreshold = 1\npeople = [{{ name = \"dora\", key = \"{key}\" }}]\n"
        );
        let rules = format!("{}{deputies}{}", &toml[..at], &toml[end..]);
        rules.replace("phase1 = 2", "phase1 = 1").replace("phase2 = 2", "phase2 = 1")
    });
    net.serve_without_end("");
    let line = "ceremony handover shared --to dora --reason ill --key ../dora/key.pem";
    net.world.ok("coordinator", line);
    let run = net.service.take().unwrap().end();
    assert_ne!(run.code, 0);
    assert!(run.stderr.contains("this step is the coordinator's"), "{}", run.stderr);
}
