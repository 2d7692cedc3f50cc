//! Stores that fail: lost connections, refusals, damaged bytes, no room. And those that know who
//! asks.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::stores::{Store, environment, run};
use crate::kit::ceremony::World;
use crate::network::proxy::{Fault, Proxy};

const PUBLISH: &str = "ceremony publish shared s3://bucket --key key.pem";

/// Bytes that no two places have in common.
pub(super) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Where a store has that something.
pub(super) fn large() -> String {
    let digest = zk_attest::digest::FileDigest::of(&noise(20 << 20));
    format!("versions/{digest}/evidence/large.bin")
}

/// A finished ceremony with something that goes in three parts.
pub(super) fn with_large_file() -> World {
    let world = World::finished();
    fs::create_dir_all(world.shared("evidence")).unwrap();
    fs::write(world.shared("evidence/large.bin"), noise(20 << 20)).unwrap();
    world
}

#[test]
fn a_store_that_checks_signatures_takes_the_right_keys_and_none_is_printed() {
    let store = Store::s3s_fs();
    store.own(&["create", "bucket"]);
    let world = with_large_file();
    let wrong = "a-wrong-secret-of-a-stranger";
    let line = format!("{PUBLISH} --store-patience 1");
    let said = run(&world, "coordinator", &line, environment(store.address, (store.keys.0, wrong)));
    assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
    let all = said.stdout + &said.stderr;
    for secret in [wrong, store.keys.0, "X-Amz-Signature", "Signature="] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    assert!(all.contains("credentials") || all.contains("Signature"), "{all}");
    // Signed addresses, which the parts go to, are checked as well.
    let said = store.ok(&world, "coordinator", PUBLISH);
    assert!(said.contains("published evidence/large.bin"), "{said}");
    let back = world.path("coordinator", "back").display().to_string();
    store.own(&["get", "bucket", &large(), &back]);
    assert_eq!(fs::read(back).unwrap(), noise(20 << 20));
    // Keys in the file of the vendor's tools do as well.
    let file = format!(
        "[default]\naws_access_key_id = none\naws_secret_access_key = nothing\n\n[test]\n\
         aws_access_key_id = {}\naws_secret_access_key = {}\n",
        store.keys.0, store.keys.1
    );
    world.write("coordinator", "credentials", file.as_bytes());
    let environment = [
        ("AWS_ENDPOINT_URL", format!("http://{}", store.address)),
        ("AWS_REGION", "us-east-1".into()),
        ("AWS_PROFILE", "test".into()),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials".into()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
    let said = run(&world, "coordinator", PUBLISH, environment);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("0 files put"), "{}", said.stdout);
}

#[test]
fn bytes_that_are_damaged_on_the_way_are_refused_by_the_store() {
    let store = Store::s3s_fs();
    store.own(&["create", "bucket"]);
    let world = World::finished();
    let damaged = Arc::new(AtomicUsize::new(0));
    let counter = damaged.clone();
    let proxy = Proxy::start(store.address, move |method, path| {
        if method == "PUT" && path.contains("phase1/0001.ptau") {
            counter.fetch_add(1, Ordering::SeqCst);
            return Fault::FlipRequest(77);
        }
        Fault::None
    });
    let line = format!("{PUBLISH} --store-patience 2");
    let run = store.run_at(proxy.address, &world, "coordinator", &line);
    assert!(damaged.load(Ordering::SeqCst) > 0);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    let there = store.own(&["list", "bucket"]);
    assert!(!there.contains(&"phase1/0001.ptau".to_owned()), "{there:?}");
    assert!(!there.contains(&"index.json".to_owned()), "{there:?}");
    store.ok(&world, "coordinator", PUBLISH);
    let there = store.own(&["list", "bucket"]);
    assert!(there.contains(&"index.json".to_owned()), "{there:?}");
}

#[test]
fn a_store_that_is_busy_or_loses_connections_gets_everything_in_the_end() {
    let store = Store::moto();
    store.own(&["create", "bucket"]);
    let world = with_large_file();
    let asked = AtomicUsize::new(0);
    let proxy = Proxy::start(store.address, move |_, _| {
        match asked.fetch_add(1, Ordering::SeqCst) % 7 {
            2 => Fault::Answer(503),
            4 => Fault::CutRequest(1000),
            // It was put, and the client was not told so.
            5 => Fault::CutAnswer(10),
            _ => Fault::None,
        }
    });
    // A run that meets something that cannot be asked twice ends; the next one goes on.
    let mut runs = 0;
    loop {
        let run = store.run_at(proxy.address, &world, "coordinator", PUBLISH);
        runs += 1;
        if run.code == 0 {
            break;
        }
        assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
        assert!(runs < 20, "{}{}", run.stdout, run.stderr);
    }
    assert!(proxy.faults() > 3);
    drop(proxy);
    let said = store.ok(&world, "coordinator", &format!("{PUBLISH} --read-back"));
    assert!(said.contains("0 files put"), "{said}");
}

#[test]
fn parts_that_were_sent_are_not_sent_again() {
    let store = Store::moto();
    store.own(&["create", "bucket"]);
    let world = with_large_file();
    let is_cut = Arc::new(AtomicBool::new(true));
    let cuts = is_cut.clone();
    let proxy = Proxy::start(store.address, move |_, path| {
        let is_last = path.contains("partNumber=3");
        if is_last && cuts.load(Ordering::SeqCst) { Fault::CutRequest(1000) } else { Fault::None }
    });
    let line = "ceremony publish shared s3://bucket --key key.pem --store-patience 1";
    let run = store.run_at(proxy.address, &world, "coordinator", line);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    let parts = |number: u32| {
        let seen = proxy.seen.lock().unwrap();
        let sign = format!("partNumber={number}");
        seen.iter().filter(|(asked, _)| asked.contains(&sign)).count()
    };
    assert_eq!((parts(1), parts(2)), (1, 1));
    is_cut.store(false, Ordering::SeqCst);
    let run = store.run_at(proxy.address, &world, "coordinator", PUBLISH);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!((parts(1), parts(2)), (1, 1), "{:?}", proxy.seen.lock().unwrap());
    let back = world.path("coordinator", "back").display().to_string();
    store.own(&["get", "bucket", &large(), &back]);
    assert_eq!(fs::read(back).unwrap(), noise(20 << 20));
    let sha256 = zk_attest::digest::FileDigest::of(&noise(20 << 20)).to_string();
    assert_eq!(store.own(&["head", "bucket", &large()])[1], sha256);
    // What was written down of it is gone.
    let kept = fs::read_dir(world.shared(".zk-ceremony-publish")).unwrap().count();
    assert_eq!(kept, 0);
}

#[test]
fn an_object_that_appears_after_the_look_is_not_replaced() {
    let store = Store::moto();
    store.own(&["create", "bucket"]);
    let world = World::finished();
    world.write("coordinator", "other", b"another account's");
    let path = world.path("coordinator", "other").display().to_string();
    let owner = store.as_owner();
    let proxy = Proxy::start(store.address, move |method, asked| {
        if method == "PUT" && asked.contains("phase1/0001.ptau") {
            assert!(owner(&["put", "bucket", "phase1/0001.ptau", &path]).0);
        }
        Fault::None
    });
    let run = store.run_at(proxy.address, &world, "coordinator", PUBLISH);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("with other bytes"), "{}", run.stderr);
    let back = world.path("coordinator", "back").display().to_string();
    store.own(&["get", "bucket", "phase1/0001.ptau", &back]);
    assert_eq!(fs::read(back).unwrap(), b"another account's");
}

#[test]
fn a_large_object_that_appears_meanwhile_is_not_replaced() {
    let store = Store::moto();
    store.own(&["create", "bucket"]);
    let world = with_large_file();
    world.write("coordinator", "other", b"another account's");
    let path = world.path("coordinator", "other");
    // Just before our upload ends, another account has the name.
    let (address, keys) = (store.address, store.keys);
    let proxy = Proxy::start(address, move |method, asked| {
        if method == "POST" && asked.contains("uploadId=") {
            let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/.venv/bin/python");
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/publication/stores.py");
            let done = std::process::Command::new(python)
                .args([script, &format!("http://{address}"), keys.0, keys.1, "put", "bucket"])
                .arg(large())
                .arg(&path)
                .status();
            assert!(done.unwrap().success());
        }
        Fault::None
    });
    let run = store.run_at(proxy.address, &world, "coordinator", PUBLISH);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("with other bytes"), "{}", run.stderr);
    let back = world.path("coordinator", "back").display().to_string();
    store.own(&["get", "bucket", &large(), &back]);
    assert_eq!(fs::read(back).unwrap(), b"another account's");
}

/// Another account puts something under the list's name just before the list comes.
fn the_list_meets_another(store: &Store, world: &World) {
    world.write("coordinator", "other", b"{}");
    let path = world.path("coordinator", "other").display().to_string();
    let owner = store.as_owner();
    let proxy = Proxy::start(store.address, move |method, asked| {
        if method == "PUT" && asked.contains("index.json") {
            assert!(owner(&["put", "bucket", "index.json", &path]).0);
        }
        Fault::None
    });
    let run = store.run_at(proxy.address, world, "coordinator", PUBLISH);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("not an index of this ceremony"), "{}", run.stderr);
    let back = world.path("coordinator", "back").display().to_string();
    store.own(&["get", "bucket", "index.json", &back]);
    assert_eq!(fs::read(back).unwrap(), b"{}");
}

#[test]
fn an_index_that_is_replaced_or_appears_after_the_look_is_looked_at_again() {
    let store = Store::moto();
    store.own(&["create", "bucket"]);
    let world = World::finished();
    store.ok(&world, "coordinator", PUBLISH);
    std::thread::sleep(std::time::Duration::from_millis(1100)); // it names seconds
    the_list_meets_another(&store, &world);
    store.own(&["delete", "bucket", "index.json"]);
    the_list_meets_another(&store, &world);
}

#[test]
fn a_store_that_takes_an_object_and_does_not_have_it_is_not_believed() {
    let store = Store::moto();
    store.own(&["create", "bucket"]);
    let world = World::finished();
    let proxy = Proxy::start(store.address, |method, asked| {
        let is_look = method == "HEAD" && asked.contains("phase1/0001.ptau");
        if is_look { Fault::Answer(404) } else { Fault::None }
    });
    let run = store.run_at(proxy.address, &world, "coordinator", PUBLISH);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("took the object, and does not have it"), "{}", run.stderr);
    assert!(!store.own(&["list", "bucket"]).contains(&"index.json".to_owned()));
}

#[test]
fn a_full_store_stops_the_publication_and_names_no_list_of_what_is_not_there() {
    let store = Store::moto();
    store.own(&["create", "bucket"]);
    let world = World::finished();
    let is_full = Arc::new(AtomicBool::new(true));
    let full = is_full.clone();
    let proxy = Proxy::start(store.address, move |method, path| {
        let refuses = method == "PUT" && path.contains("final") && full.load(Ordering::SeqCst);
        if refuses { Fault::Answer(507) } else { Fault::None }
    });
    let line = format!("{PUBLISH} --store-patience 1");
    let run = store.run_at(proxy.address, &world, "coordinator", &line);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("507"), "{}", run.stderr);
    let there = store.own(&["list", "bucket"]);
    assert!(!there.contains(&"index.json".to_owned()), "{there:?}");
    is_full.store(false, Ordering::SeqCst);
    let run = store.run_at(proxy.address, &world, "coordinator", PUBLISH);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}
