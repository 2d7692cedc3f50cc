//! A service that tells two stories: what `ceremony judge` makes of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Net;
use super::party::Party;
use crate::kit::ceremony::copy;

/// Starts the service, has somebody take the turn, ends the service, and keeps a copy of the
/// folder.
fn story(net: &mut Net, who: &str, kept: &str) {
    net.serve_without_end("");
    Party::new(net, who).turn();
    net.kill_service();
    copy(&net.world.shared(""), &net.world.path("coordinator", kept));
}

fn restore(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    copy(from, to);
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_service_that_told_two_stories_is_convicted_by_its_own_signatures() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    net.kill_service();
    // What a service does whose operator lets it forget: as after the return of an old backup.
    let state = net.state("");
    let (folder, saved) = (net.world.shared(""), net.world.path("coordinator", "saved"));
    let saved_state = net.world.path("coordinator", "saved-state");
    copy(&folder, &saved);
    copy(&state, &saved_state);
    story(&mut net, "alice", "one");
    restore(&saved, &folder);
    restore(&saved_state, &state);
    story(&mut net, "bob", "other");

    let world = &net.world;
    let said = world.ok("coordinator", "ceremony judge one other");
    for word in ["PROVEN", "journal head", "one/journal.head.dsse.json", "appointed by the"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let said = world.ok("coordinator", "ceremony judge other one --json");
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["judgement"], "equivocation", "{said}");
    assert_ne!(report["one"], report["other"]);
    assert_eq!(report["appointed"], true);

    // One story does not contradict what it began with, nor itself.
    for pair in ["saved one", "one one", "other saved"] {
        let run = world.run("coordinator", &format!("ceremony judge {pair}"));
        assert_eq!(run.code, 1, "{pair}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains("do not contradict each other"), "{}", run.stderr);
    }
    // Heads on two lines, without the lines: nobody can say.
    let head = "journal.head.dsse.json";
    fs::copy(saved.join(head), world.path("coordinator", "head.json")).unwrap();
    let services = world.path("coordinator", "services-only");
    copy(&saved, &services);
    fs::remove_file(services.join("journal.jsonl")).unwrap();
    let line = format!("ceremony judge head.json one/{head} --folder services-only");
    let run = world.run("coordinator", &line);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("without the lines between them"), "{}", run.stderr);
    let run = world.run("coordinator", &format!("{line} --journal one/journal.jsonl"));
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    // Without anybody's key nothing is said.
    let run = world.run("coordinator", &format!("ceremony judge head.json one/{head}"));
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("key is not known"), "{}", run.stderr);
    let stranger = world.public_key("alice");
    let line = format!("ceremony judge head.json one/{head} --service {stranger}");
    let run = world.run("coordinator", &line);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("none of these services signed this"), "{}", run.stderr);
}
