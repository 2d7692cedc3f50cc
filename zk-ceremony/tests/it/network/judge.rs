//! A service that tells two stories: what `ceremony judge` makes of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use ceremony_folder::journal::JournalHead;
use ceremony_folder::service::Receipt;
use ed25519_dalek::{Signer as _, SigningKey};
use zk_attest::digest::FileDigest;
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::statement::{Predicate, Statement};

use super::Net;
use super::party::{Party, sign};
use super::proxy::{Fault, Proxy};
use crate::kit::ceremony::{copy, seed};

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

/// What a participant's copy has of the service's signed words before the first upload is enough.
#[test]
fn a_service_that_forks_after_an_upload_is_convicted_by_what_join_kept_before_it() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    net.kill_service();
    let (folder, state) = (net.world.shared(""), net.state(""));
    let [saved, saved_state] =
        ["saved", "saved-state"].map(|name| net.world.path("coordinator", name));
    copy(&folder, &saved);
    copy(&state, &saved_state);
    net.serve_without_end("");
    let held = net.hold_folder();
    let alice = net.join("alice", "--phase 1");
    super::wait_until("everything came", || !net.events_of("received").is_empty());
    alice.kill();
    net.kill_service();
    drop(held);
    // No receipt came, and the service forgets all of it.
    assert!(!net.world.path("alice", "copy/receipts").exists());
    restore(&saved, &folder);
    restore(&saved_state, &state);
    net.serve_without_end("");
    net.join("bob", "--phase 1").ok();
    let run = net.join("alice", "--phase 1").end();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("ceremony judge copy"), "{}", run.stderr);
    let line = "ceremony judge copy copy/strays/other.journal.head.dsse.json --journal \
                copy/strays/other.journal.jsonl";
    let said = net.world.ok("alice", line);
    assert!(said.contains("PROVEN"), "{said}");
}

/// What an envelope says, signed by a participant in the place of the service.
fn signed_by_alice<P: Predicate + Clone>(net: &Net, envelope: &[u8]) -> Vec<u8> {
    let envelope = Envelope::from_json(envelope).unwrap();
    let statement = Statement::<P>::from_payload(envelope.payload()).unwrap();
    let mut forged = statement.to_envelope().unwrap();
    sign(net, "alice", &mut forged);
    forged.to_json()
}

/// The service's receipt of another line of its journal, as it gives receipts.
fn of_another_line(net: &Net, receipt: &[u8]) -> String {
    let envelope = Envelope::from_json(receipt).unwrap();
    let mut statement = Statement::<Receipt>::from_payload(envelope.payload()).unwrap();
    statement.predicate.journal_sha256 = FileDigest::of(b"another line");
    let mut forged = statement.to_envelope().unwrap();
    let pem = fs::read_to_string(net.state("service.pem")).unwrap();
    let key = SigningKey::from_bytes(&seed(&pem));
    let public = PublicKey::from_bytes(key.verifying_key().as_bytes()).unwrap();
    let signature = key.sign(&forged.pae()).to_bytes();
    forged.add_signature(&public, &signature).unwrap();
    format!("{{\"receipts\":[{}]}}", String::from_utf8(forged.to_json()).unwrap())
}

#[test]
fn a_receipt_and_a_journals_head_count_under_the_key_of_an_appointed_service_only() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    net.join("alice", "--phase 1").ok();
    net.kill_service();
    let receipts = net.world.path("alice", "copy/receipts");
    let receipt = fs::read(receipts.join(super::names(&receipts).pop().unwrap())).unwrap();
    let find = |receipt: &[u8]| {
        net.world.write("coordinator", "receipt.json", receipt);
        let line = "ceremony find shared --participant alice --receipt receipt.json";
        net.world.run("coordinator", line)
    };
    assert_eq!(find(&receipt).code, 0);
    let run = find(&signed_by_alice::<Receipt>(&net, &receipt));
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(
        run.stderr.contains("no service of this ceremony signed this receipt"),
        "{}",
        run.stderr
    );
    let head = net.world.shared("journal.head.dsse.json");
    let forged = signed_by_alice::<JournalHead>(&net, &fs::read(&head).unwrap());
    fs::write(&head, forged).unwrap();
    let run = net.world.run("coordinator", "ceremony verify shared --read-only");
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(
        run.stderr.contains("no service of this ceremony signed the journal"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_receipt_is_held_against_the_folder_and_the_journals_entry() {
    let mut net = Net::new(&["alice", "bob"]);
    let lie = Arc::<OnceLock<&'static str>>::default();
    let told = lie.clone();
    let way = Proxy::start(net.address, move |_, path| match told.get() {
        Some(text) if path == "/v1/receipts" => Fault::Say(text),
        _ => Fault::None,
    });
    net.origin = format!("http://{}", way.address);
    net.serve_without_end("");
    copy(&net.world.shared(""), &net.world.path("coordinator", "before"));
    net.join("alice", "--phase 1").ok();
    let receipts = net.world.path("alice", "copy/receipts");
    let receipt = fs::read(receipts.join(super::names(&receipts).pop().unwrap())).unwrap();
    net.world.write("coordinator", "receipt.json", &receipt);
    // Alice asks again, and what the service signs for her is not what it tells everybody.
    fs::remove_dir_all(&receipts).unwrap();
    net.join("alice", "--phase 1").ok();
    fs::remove_dir_all(&receipts).unwrap();
    lie.set(of_another_line(&net, &receipt).leak()).unwrap();
    let run = net.join("alice", "--phase 1").end();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("the journal has not the entry"), "{}", run.stderr);
    net.kill_service();
    // A folder in which the service knows nothing of her.
    for name in ["journal.jsonl", "journal.head.dsse.json"] {
        let _ = fs::remove_file(net.world.path("coordinator", "before").join(name));
    }
    let line = "ceremony find before --participant alice --receipt receipt.json";
    let run = net.world.run("coordinator", line);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("was taken in and is not in this folder"), "{}", run.stderr);
    let line = "ceremony find shared --participant alice --receipt receipt.json";
    let find = |net: &Net| net.world.run("coordinator", line);
    let run = find(&net);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("told by the journal's entry"), "{}", run.stderr);
    // A journal that begins anew has the step, in another entry.
    for name in ["journal.jsonl", "journal.head.dsse.json"] {
        fs::remove_file(net.world.shared(name)).unwrap();
    }
    let run = find(&net);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("no journal here"), "{}", run.stderr);
    net.serve_without_end("");
    super::wait_until("the step is noted", || !net.events_of("step").is_empty());
    net.kill_service();
    let run = find(&net);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("the journal has not the entry"), "{}", run.stderr);
}
