//! `ceremony archive --to`: under a lock that no account can lift, or not at all.

use std::fs;

use super::stores::{Store, word_after};
use crate::kit::ceremony::{World, files};
use crate::network::proxy::{Fault, Proxy};

const TO: &str = "ceremony archive shared --to s3://vault/a.tar --retain-until 2099-06-01";

/// A finished ceremony whose sums list everything.
fn summed() -> World {
    let world = World::finished();
    world.ok("coordinator", "ceremony verify shared");
    world
}

#[test]
fn an_archive_is_put_once_locked_and_read_back() {
    let store = Store::moto();
    store.own(&["create-locking", "vault"]);
    let world = summed();
    let said = store.ok(&world, "coordinator", TO);
    assert!(said.contains("compliance mode, as read back"), "{said}");
    let version = word_after(&said, "version ");
    let delete = ["delete-version", "vault", "a.tar", &version];
    assert_eq!(store.owner(&delete), (false, "AccessDenied\n".to_owned()));
    // The same again is there already, and no second version.
    let said = store.ok(&world, "coordinator", TO);
    assert!(said.contains("is there already"), "{said}");
    assert_eq!(store.own(&["versions", "vault", "a.tar"]), [version]);
    // With a file of one's own beside it.
    let line = TO.replace("shared --to s3://vault/a.tar", "shared b.tar --to s3://vault/b.tar");
    let said = store.ok(&world, "coordinator", &line);
    let ours = world.read("coordinator", "b.tar");
    assert!(said.contains(&zk_attest::digest::FileDigest::of(&ours).to_string()), "{said}");
    let back = world.path("coordinator", "back").display().to_string();
    store.own(&["get", "vault", "b.tar", &back]);
    assert_eq!(fs::read(back).unwrap(), ours);
}

#[test]
fn a_large_archive_goes_in_parts_and_is_locked_as_well() {
    let store = Store::moto();
    store.own(&["create-locking", "vault"]);
    let world = World::finished();
    fs::create_dir_all(world.shared("evidence")).unwrap();
    fs::write(world.shared("evidence/large.bin"), super::faults::noise(20 << 20)).unwrap();
    world.ok("coordinator", "ceremony verify shared");
    let said = store.ok(&world, "coordinator", TO);
    let version = word_after(&said, "version ");
    let delete = ["delete-version", "vault", "a.tar", &version];
    assert_eq!(store.owner(&delete), (false, "AccessDenied\n".to_owned()));
    let said = store.ok(&world, "coordinator", "ceremony archive --verify s3://vault/a.tar");
    assert!(said.contains("whole"), "{said}");
    assert!(said.contains("lock: COMPLIANCE until 2099-06-01T00:00:00"), "{said}");
}

/// Runs a command that must be refused before anything is written.
#[track_caller]
fn refused(store: &Store, world: &World, line: &str, what: &str) {
    let before = files(&world.path("coordinator", ""));
    let run = store.run(world, "coordinator", line);
    assert_ne!(run.code, 0, "{line}\n{}", run.stdout);
    assert!(run.stderr.contains(what), "{what}: {}", run.stderr);
    assert!(files(&world.path("coordinator", "")) == before, "{line} changes something");
}

#[test]
fn what_cannot_be_locked_is_refused_before_any_work() {
    let store = Store::moto();
    store.own(&["create", "vault"]);
    let world = summed();
    let with_file = TO.replace("shared --to", "shared out.tar --to");
    refused(&store, &world, &with_file, "the bucket does not lock objects");
    assert_eq!(store.own(&["list", "vault"]), Vec::<String>::new());
    for (to, what) in [
        ("gs://vault/a.tar", "cannot lock an object in Google Cloud Storage"),
        ("az://vault/a.tar", "cannot lock an object in Azure"),
        ("file:///tmp/a.tar", "cannot lock an object in a folder"),
        ("s3://vault", "the address names no object"),
    ] {
        // Neither is asked: there is nothing at these addresses.
        let environment = [
            ("GOOGLE_SKIP_SIGNATURE", "true"),
            ("AZURE_STORAGE_ACCOUNT_NAME", "none"),
            ("AZURE_SKIP_SIGNATURE", "true"),
        ];
        let before = files(&world.path("coordinator", ""));
        let line = format!("ceremony archive shared out.tar --to {to} --retain-until 2099-01-01");
        let run = world.run_with("coordinator", &line, |command| {
            command.envs(store.environment(store.address)).envs(environment)
        });
        assert_eq!(run.code, 2, "{to}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(what), "{to}: {}", run.stderr);
        assert!(files(&world.path("coordinator", "")) == before, "{to} changes something");
    }
    for (until, what) in [("2001-01-01", "this date is past"), ("soon", "a date to come")] {
        let line = with_file.replace("2099-06-01", until);
        refused(&store, &world, &line, what);
    }
}

#[test]
fn what_is_not_whole_is_not_locked_away() {
    let store = Store::moto();
    store.own(&["create-locking", "vault"]);
    let world = World::finished();
    for list in ["SHA256SUMS", "index.json"] {
        let _ = fs::remove_file(world.shared(list));
    }
    refused(&store, &world, TO, "the archive has no list of its files");
    world.ok("coordinator", "ceremony verify shared");
    fs::create_dir_all(world.shared("evidence")).unwrap();
    fs::write(world.shared("evidence/late.txt"), b"after the sums").unwrap();
    refused(&store, &world, TO, "SHA256SUMS does not name this file");
    assert_eq!(store.own(&["list", "vault"]), Vec::<String>::new());
}

#[test]
fn a_lock_that_is_shorter_or_weaker_than_asked_for_is_told() {
    let store = Store::moto();
    store.own(&["create-locking", "vault"]);
    let world = summed();
    store.ok(&world, "coordinator", &TO.replace("2099", "2040"));
    let run = store.run(&world, "coordinator", TO);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("locked for less long than asked for"), "{}", run.stderr);
    let found = "found     mode COMPLIANCE until 2040-06-01T00:00:00Z";
    assert!(run.stderr.contains(found), "{}", run.stderr);
    assert!(run.stderr.contains("until 2099-06-01T00:00:00Z"), "{}", run.stderr);
    // A bucket that takes locks and our own archive without one.
    world.ok("coordinator", "ceremony archive shared other");
    let path = world.path("coordinator", "other").display().to_string();
    store.own(&["put", "vault", "b.tar", &path]);
    let run = store.run(&world, "coordinator", &TO.replace("a.tar", "b.tar"));
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("no lock"), "{}", run.stderr);
}

#[test]
fn an_archive_that_is_not_read_to_its_end_is_not_called_bad() {
    let store = Store::moto();
    store.own(&["create-locking", "vault"]);
    let world = summed();
    store.ok(&world, "coordinator", TO);
    let verify = "ceremony archive --verify s3://vault/a.tar --store-patience 3";
    for cut in [0, 4000] {
        let proxy = Proxy::start(store.address, move |_, _| Fault::CutAnswer(cut));
        let run = store.run_at(proxy.address, &world, "coordinator", verify);
        assert_eq!(run.code, 2, "{cut}: {}{}", run.stdout, run.stderr);
        assert!(!run.stdout.contains("whole"), "{}", run.stdout);
    }
    store.ok(&world, "coordinator", verify);
}

#[test]
fn another_digest_on_reading_back_is_told_with_both() {
    let store = Store::moto();
    store.own(&["create-locking", "vault"]);
    let world = summed();
    let proxy = Proxy::start(store.address, |method, path| {
        let is_back = method == "GET" && path.contains("a.tar");
        if is_back { Fault::FlipAnswer(1000) } else { Fault::None }
    });
    let run = store.run_at(proxy.address, &world, "coordinator", TO);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("has another archive under this name"), "{}", run.stderr);
    let ours = word_after(&run.stdout, "sha256 ");
    assert!(run.stderr.contains(&format!("expected  {ours}")), "{}", run.stderr);
}

/// A way to the store on which another account's version gets the archive's name just before the
/// first look at it.
fn replacing(store: &Store, world: &World) -> Proxy {
    world.write("coordinator", "other", b"another account's");
    let path = world.path("coordinator", "other").display().to_string();
    let owner = store.as_owner();
    let mut is_put = false;
    Proxy::start(store.address, move |method, asked| {
        if method == "HEAD" && asked.contains("a.tar") && !std::mem::replace(&mut is_put, true) {
            assert!(owner(&["put", "vault", "a.tar", &path]).0);
        }
        Fault::None
    })
}

#[test]
fn what_another_account_put_meanwhile_is_neither_taken_for_ours_nor_locked() {
    let store = Store::moto();
    store.own(&["create-locking", "vault"]);
    let world = summed();
    let proxy = replacing(&store, &world);
    let run = store.run_at(proxy.address, &world, "coordinator", TO);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let ours = word_after(&run.stdout, "version ");
    let versions = store.own(&["versions", "vault", "a.tar"]);
    assert_eq!(versions.len(), 2, "{versions:?}");
    assert!(versions.contains(&ours), "{versions:?}");
    let head = store.own(&["head", "vault", "a.tar"]);
    assert!(head[0].starts_with("None"), "another account's was locked: {head:?}");
}

#[test]
fn the_lock_that_is_told_is_that_of_the_version_that_was_read() {
    let store = Store::moto();
    store.own(&["create-locking", "vault"]);
    let world = summed();
    store.ok(&world, "coordinator", TO);
    let proxy = replacing(&store, &world);
    let verify = "ceremony archive --verify s3://vault/a.tar";
    let run = store.run_at(proxy.address, &world, "coordinator", verify);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(store.own(&["versions", "vault", "a.tar"]).len(), 2);
    let lock = "lock: COMPLIANCE until 2099-06-01T00:00:00Z";
    assert!(run.stdout.contains(lock), "{}{}", run.stdout, run.stderr);
}
