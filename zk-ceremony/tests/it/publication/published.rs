//! `ceremony publish`: each file once, the list last, and what is read of it.

use std::fs;

use super::stores::{Store, word_after};
use crate::kit::ceremony::World;
use crate::network::bucket::Web;
use crate::network::proxy::{Fault, Proxy};
use crate::network::{Net, names};

const PUBLISH: &str = "ceremony publish shared s3://public/one/two --key key.pem";

/// The names of a bucket's objects below a prefix, documents without their digests.
fn objects(store: &Store, bucket: &str, prefix: &str) -> Vec<String> {
    let plain = |name: String| {
        let name = name.strip_prefix(prefix).unwrap_or_else(|| panic!("{name}")).to_owned();
        match name.strip_prefix("versions/") {
            Some(rest) => rest.split_once('/').unwrap().1.to_owned(),
            None => name,
        }
    };
    let mut found: Vec<String> = store.own(&["list", bucket]).into_iter().map(plain).collect();
    found.sort();
    found
}

#[test]
fn a_ceremony_published_to_s3_is_mirrored_verified_and_archived_from_the_bucket_alone() {
    let store = Store::moto();
    store.own(&["create-public", "public"]);
    store.own(&["create-locking", "vault"]);
    let mut net = Net::new(&["alice", "bob"]);
    let mut by = vec!["env".to_owned()];
    by.extend(
        store.environment(store.address).iter().map(|(name, value)| format!("{name}={value}")),
    );
    let by: Vec<&str> = by.iter().map(String::as_str).collect();
    net.serve_by(
        &by,
        "--key key.pem --random-beacons --not-after 2099-12-31T23:59:59Z --publish \
         s3://public/one",
    );
    let bob = net.join("bob", "");
    net.join("alice", "").ok();
    bob.ok();
    let said = net.service.take().unwrap().ok();
    assert!(said.contains("published"), "{said}");
    assert!(!said.contains(store.keys.1), "{said}");
    let transcript = net.transcript("coordinator", "shared");
    // A machine that has never seen the service, which is gone, reads the bucket as anyone may.
    let world = &net.world;
    fs::create_dir(world.path("dana", "")).unwrap();
    world.ok("dana", "key new key.pem");
    let line = format!(
        "ceremony mirror http://{}/public/one copy --rules {} --verify --as Dana --key key.pem \
         --patience 5",
        store.address, net.rules
    );
    let run = world.run("dana", &line);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(net.transcript("dana", "copy"), transcript);
    assert!(names(&world.path("dana", "copy")).contains(&"journal.jsonl".to_owned()));
    // What it has is archived under a lock, with the list that the service signed no more: dana
    // added an audit. The copy's own sums list everything.
    world.ok("dana", "ceremony verify copy");
    let said = store.ok(
        world,
        "dana",
        "ceremony archive copy --to s3://vault/test-ceremony.tar --retain-until 2099-01-01",
    );
    assert!(said.contains("locked until       2099-01-01T00:00:00Z"), "{said}");
    let version = word_after(&said, "archived, version ");
    let delete = ["delete-version", "vault", "test-ceremony.tar", &version];
    assert_eq!(store.owner(&delete), (false, "AccessDenied\n".to_owned()));
    let head = store.own(&["head", "vault", "test-ceremony.tar"]);
    assert!(head[0].starts_with("COMPLIANCE 2099-01-01"), "{head:?}");
    let said = store.ok(world, "dana", "ceremony archive --verify s3://vault/test-ceremony.tar");
    assert!(said.contains("s3://vault/test-ceremony.tar: whole"), "{said}");
    assert_eq!(word_after(&said, "transcript "), transcript);
    assert!(said.contains("none changed, added or missing"), "{said}");
}

#[test]
fn publishing_again_puts_only_what_is_missing_and_replaces_nothing_but_the_index() {
    let store = Store::moto();
    store.own(&["create-public", "public"]);
    let world = World::finished();
    let said = store.ok(&world, "coordinator", PUBLISH);
    let put = said.matches("published ").count();
    assert!(put > 10, "{said}");
    assert!(said.contains("the index is new"), "{said}");
    let there = objects(&store, "public", "one/two/");
    let listed = fs::read(world.shared("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&listed).unwrap();
    let mut expected: Vec<String> = index["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["name"].as_str().unwrap().to_owned())
        .collect();
    expected.push("index.json".into());
    expected.sort();
    assert_eq!(there, expected);
    // Data before what names it.
    let order = |name: &str| said.find(&format!("published {name}\n")).unwrap();
    assert!(order("phase1/0001.ptau") < order("phase1/0000.dsse.json"), "{said}");
    assert!(order("circuits/main/final.zkey") < order("ceremony.toml"), "{said}");
    // Nothing is missing, then one thing is.
    let said = store.ok(&world, "coordinator", "ceremony publish shared s3://public/one/two");
    assert!(said.contains("0 files put") && said.contains("the index is the same"), "{said}");
    store.own(&["delete", "public", "one/two/phase1/0001.ptau"]);
    let said = store.ok(&world, "coordinator", "ceremony publish shared s3://public/one/two");
    assert!(said.contains("published phase1/0001.ptau\n"), "{said}");
    assert!(said.contains("1 files put"), "{said}");
    assert_eq!(objects(&store, "public", "one/two/"), expected);
    // A document that was written anew stands beside the old one.
    let before = store.own(&["list", "public"]).len();
    world.ok("coordinator", "ceremony verify shared");
    let said = store.ok(&world, "coordinator", PUBLISH);
    assert!(said.contains("published report.json"), "{said}");
    assert!(store.own(&["list", "public"]).len() > before);
    // Without a key and without a list there is nothing to publish.
    fs::remove_file(world.shared("index.json")).unwrap();
    let run = store.run(&world, "coordinator", "ceremony publish shared s3://public/one/two");
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("the folder has no signed list"), "{}", run.stderr);
}

#[test]
fn an_object_that_is_there_with_other_bytes_is_refused_with_both_digests_and_kept() {
    let store = Store::moto();
    store.own(&["create", "public"]);
    let world = World::finished();
    let mut bytes = fs::read(world.shared("phase1/0001.ptau")).unwrap();
    let ours = zk_attest::digest::FileDigest::of(&bytes).to_string();
    bytes[100] ^= 1;
    let theirs = zk_attest::digest::FileDigest::of(&bytes).to_string();
    world.write("coordinator", "other", &bytes);
    let path = world.path("coordinator", "other").display().to_string();
    store.own(&["put", "public", "one/two/phase1/0001.ptau", &path]);
    let run = store.run(&world, "coordinator", PUBLISH);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("has this object already, with other bytes"), "{}", run.stderr);
    assert!(run.stderr.contains(&ours) && run.stderr.contains(&theirs), "{}", run.stderr);
    let back = world.path("coordinator", "back").display().to_string();
    store.own(&["get", "public", "one/two/phase1/0001.ptau", &back]);
    assert_eq!(fs::read(&back).unwrap(), bytes, "it was overwritten");
    // No list names what is not there.
    let there = store.own(&["list", "public"]);
    assert!(!there.contains(&"one/two/index.json".to_owned()), "{there:?}");
    // An object that says that it is the right one is read back when that is asked for.
    let world = World::finished();
    store.own(&["create", "second"]);
    let publish = "ceremony publish shared s3://second --key key.pem";
    store.ok(&world, "coordinator", publish);
    let read_back = format!("{publish} --read-back");
    store.ok(&world, "coordinator", &read_back);
    let put_as_ours = |bytes: &[u8]| {
        world.write("coordinator", "other", bytes);
        let path = world.path("coordinator", "other").display().to_string();
        store.own(&["put-as", "second", "phase1/0001.ptau", &path, &ours]);
    };
    put_as_ours(&bytes);
    store.ok(&world, "coordinator", publish);
    for (bytes, line) in [(&bytes[..], read_back.as_str()), (&bytes[1..], publish)] {
        put_as_ours(bytes);
        let run = store.run(&world, "coordinator", line);
        assert_eq!(run.code, 1, "{line}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains("with other bytes"), "{}", run.stderr);
    }
}

#[test]
fn an_index_that_is_not_ours_or_newer_is_not_replaced() {
    let store = Store::moto();
    store.own(&["create", "public"]);
    let world = World::finished();
    world.write("coordinator", "other", b"{}");
    let path = world.path("coordinator", "other").display().to_string();
    store.own(&["put", "public", "one/two/index.json", &path]);
    let run = store.run(&world, "coordinator", PUBLISH);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("not an index of this ceremony"), "{}", run.stderr);
    assert_eq!(store.own(&["list", "public"]).len(), 1, "nothing was put beside it");
    store.own(&["delete", "public", "one/two/index.json"]);
    store.ok(&world, "coordinator", PUBLISH);
    let old = fs::read(world.shared("index.json")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100)); // it names seconds
    store.ok(&world, "coordinator", PUBLISH);
    fs::write(world.shared("index.json"), old).unwrap();
    let run = store.run(&world, "coordinator", "ceremony publish shared s3://public/one/two");
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("was not signed before this one"), "{}", run.stderr);
}

#[test]
fn a_mirror_refuses_an_index_older_than_one_that_it_has_seen() {
    let world = World::finished();
    let place = world.path("coordinator", "web");
    let publish = format!("ceremony publish shared file://{} --key key.pem", place.display());
    world.ok("coordinator", &publish);
    let old = fs::read(place.join("index.json")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100)); // it names seconds
    world.ok("coordinator", &publish);
    let web = Web::serving(&place);
    fs::create_dir(world.path("dana", "")).unwrap();
    let rules = fs::read(world.shared("ceremony.toml")).unwrap();
    let rules = zk_attest::digest::ConfigDigest::of(&rules);
    let line = format!(
        "ceremony mirror http://127.0.0.1:{} copy --rules {rules} --once --patience 2",
        web.port()
    );
    world.ok("dana", &line);
    let seen = fs::read(world.path("dana", "copy/index.json")).unwrap();
    fs::write(place.join("index.json"), &old).unwrap();
    let run = world.run("dana", &line);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("older than one that this copy has seen"), "{}", run.stderr);
    assert_eq!(fs::read(world.path("dana", "copy/index.json")).unwrap(), seen);
    assert_ne!(seen, old);
}

#[test]
fn a_folder_is_a_store_too_and_large_files_go_there_whole() {
    let world = World::finished();
    fs::create_dir_all(world.shared("evidence")).unwrap();
    let large = super::faults::noise(20 << 20);
    fs::write(world.shared("evidence/large.bin"), &large).unwrap();
    let place = world.path("coordinator", "disk");
    let publish = format!("ceremony publish shared file://{} --key key.pem", place.display());
    world.ok("coordinator", &publish);
    let digest = zk_attest::digest::FileDigest::of(&large);
    let object = place.join(format!("versions/{digest}/evidence/large.bin"));
    assert_eq!(fs::read(&object).unwrap(), large);
    let there = names(&place);
    assert!(!there.iter().any(|name| name.starts_with("uploads")), "{there:?}");
    let said = world.ok("coordinator", &publish);
    assert!(said.contains("0 files put"), "{said}");
    let mut other = large;
    other[12_345_678] ^= 1;
    fs::write(&object, &other).unwrap();
    let run = world.run("coordinator", &publish);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("with other bytes"), "{}", run.stderr);
    assert_eq!(fs::read(&object).unwrap(), other);
}

#[test]
fn an_unreachable_store_and_a_missing_bucket_are_told_in_a_line() {
    let store = Store::moto();
    let world = World::finished();
    let run = store.run(&world, "coordinator", &format!("{PUBLISH} --store-patience 2"));
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("NoSuchBucket"), "{}", run.stderr);
    let nowhere = Proxy::start(store.address, |_, _| Fault::CutAnswer(0));
    let line = format!("{PUBLISH} --store-patience 2");
    let run = store.run_at(nowhere.address, &world, "coordinator", &line);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    // Another machine is not asked without TLS, and nothing is sent to find out.
    let address = "192.0.2.1:80".parse().unwrap();
    let run = store.run_at(address, &world, "coordinator", PUBLISH);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("--store-insecure-http"), "{}", run.stderr);
}

#[test]
fn evidence_that_is_completed_is_published_beside_its_first_version() {
    let world = World::finished();
    fs::create_dir_all(world.shared("evidence")).unwrap();
    let proof = |more: &[u8]| [b"\0OpenTimestamps\0\0Proof\0\xbf", more].concat();
    let name = "evidence/transcript.json.ots";
    fs::write(world.shared(name), proof(b"pending at a calendar")).unwrap();
    let place = world.path("coordinator", "disk");
    let publish = format!("ceremony publish shared file://{} --key key.pem", place.display());
    world.ok("coordinator", &publish);
    // As `ots upgrade` does it.
    fs::rename(world.shared(name), world.shared(&format!("{name}.bak"))).unwrap();
    fs::write(world.shared(name), proof(b"completed in a block")).unwrap();
    let said = world.ok("coordinator", &publish);
    assert!(said.contains("published evidence/transcript.json.ots\n"), "{said}");
    assert!(!said.contains(".bak"), "{said}");
    for bytes in [proof(b"pending at a calendar"), proof(b"completed in a block")] {
        let digest = zk_attest::digest::FileDigest::of(&bytes);
        assert_eq!(fs::read(place.join(format!("versions/{digest}/{name}"))).unwrap(), bytes);
    }
    let index = fs::read_to_string(place.join("index.json")).unwrap();
    let digest = zk_attest::digest::FileDigest::of(&proof(b"completed in a block")).to_string();
    assert!(index.contains(&digest) && !index.contains(".bak"), "{index}");
    // A reader has the new one.
    let web = Web::serving(&place);
    fs::create_dir(world.path("dana", "")).unwrap();
    let rules = fs::read(world.shared("ceremony.toml")).unwrap();
    let rules = zk_attest::digest::ConfigDigest::of(&rules);
    let line = format!(
        "ceremony mirror http://127.0.0.1:{} copy --rules {rules} --once --patience 2",
        web.port()
    );
    world.ok("dana", &line);
    assert_eq!(
        fs::read(world.path("dana", &format!("copy/{name}"))).unwrap(),
        proof(b"completed in a block")
    );
}

#[test]
fn a_later_list_of_an_older_state_does_not_replace_the_one_that_is_there() {
    let world = World::finished();
    let place = world.path("coordinator", "disk");
    let publish = format!("file://{} --key key.pem", place.display());
    world.ok("coordinator", &format!("ceremony publish shared {publish}"));
    let there = fs::read(place.join("index.json")).unwrap();
    // A backup from before the last beacon, without the list.
    let backup = world.path("coordinator", "backup");
    crate::kit::ceremony::copy(&world.shared(""), &backup);
    for name in ["final.zkey", "final.dsse.json"] {
        fs::remove_file(backup.join("circuits/main").join(name)).unwrap();
    }
    for name in ["index.json", "transcript.json", "report.json", "report.html", "SHA256SUMS"] {
        let _ = fs::remove_file(backup.join(name));
    }
    std::thread::sleep(std::time::Duration::from_millis(1100)); // it names seconds
    let run = world.run("coordinator", &format!("ceremony publish backup {publish}"));
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("tells of more than this one"), "{}", run.stderr);
    assert!(run.stderr.contains("circuits/main/final.dsse.json"), "{}", run.stderr);
    assert_eq!(fs::read(place.join("index.json")).unwrap(), there);
    // Two lists of one folder have an order, however fast they come.
    for _ in 0..3 {
        world.ok("coordinator", &format!("ceremony publish shared {publish}"));
    }
    assert_ne!(fs::read(place.join("index.json")).unwrap(), there);
}

/// Whether a step could have the folder's lock now.
fn is_free(root: &std::path::Path) -> bool {
    let path = root.join(".zk-ceremony.lock");
    let file = fs::File::options().create(true).append(true).open(path).unwrap();
    file.try_lock().is_ok()
}

/// Tries the folder's lock, as a step would, whenever something is hashed.
struct Step(std::path::PathBuf, std::sync::atomic::AtomicUsize);

impl ceremony_core::progress::Progress for Step {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {
        assert!(is_free(&self.0), "a step waits for the lock");
        self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
    fn end(&self) {}
}

#[test]
fn files_are_hashed_before_the_folder_is_locked() {
    let world = World::finished();
    let root = world.shared("");
    let step = Step(root.clone(), 0.into());
    let mut digests = ceremony_folder::digests::KnownDigests::default();
    let key = world.public_key("coordinator");
    let (lock, ceremony, files) =
        ceremony_folder::index::locked_files(&root, &key, &mut digests, &step).unwrap();
    assert!(step.1.load(std::sync::atomic::Ordering::SeqCst) >= files.len());
    assert!(!is_free(&root), "the lock is not held");
    drop((lock, ceremony));
    assert!(is_free(&root));
}

#[test]
fn a_bucket_that_is_not_public_is_mirrored_with_credentials_from_the_environment() {
    let store = Store::s3s_fs();
    store.own(&["create", "private"]);
    let world = World::finished();
    store.ok(&world, "coordinator", "ceremony publish shared s3://private/one/two --key key.pem");
    let rules =
        zk_attest::digest::FileDigest::of(&fs::read(world.shared("ceremony.toml")).unwrap());
    fs::create_dir(world.path("dana", "")).unwrap();
    // Without credentials, there is nothing to be had.
    let line = format!(
        "ceremony mirror http://{}/private/one/two copy --rules {rules} --once --patience 2",
        store.address
    );
    let run = world.run("dana", &line);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    let line = format!("ceremony mirror s3://private/one/two copy --rules {rules} --once --verify");
    let run = store.run(&world, "dana", &line);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    for file in ["phase1/0001.ptau", "circuits/main/final.zkey", "index.json", "ceremony.toml"] {
        let (here, there) = (world.read("dana", &format!("copy/{file}")), world.shared(file));
        assert!(here == fs::read(there).unwrap(), "{file}");
    }
    // Neither keys nor signatures are in what it says, nor when they are refused.
    let wrong = super::stores::environment(store.address, (store.keys.0, "another-secret"));
    let line = line.replace(" copy ", " other ") + " --patience 2";
    let refused = super::stores::run(&world, "dana", &line, wrong);
    assert_eq!(refused.code, 2, "{}{}", refused.stdout, refused.stderr);
    for said in [run.stdout + &run.stderr, refused.stdout + &refused.stderr] {
        for secret in [store.keys.1, "another-secret", "X-Amz-Signature"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
    // An approval cannot be sent to a bucket.
    world.ok("dana", "key new key.pem");
    let run = store.run(&world, "dana", &format!("{line} --approve --key key.pem"));
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("a bucket takes no approval"), "{}", run.stderr);
}
