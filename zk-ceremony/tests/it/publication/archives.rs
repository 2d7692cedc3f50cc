//! `ceremony archive --verify`: what is changed, added, missing or not what it says.

use std::fs;
use std::io::Write as _;

use crate::kit::ceremony::{World, copy};
use crate::network::bucket::Web;

/// Files of an archive, as a writer of archives has them.
type Files = Vec<(String, Vec<u8>)>;

/// An archive of a finished ceremony, with a signed list and without.
fn archived(world: &World, is_listed: bool) -> Files {
    world.ok("coordinator", "ceremony verify shared");
    let _ = fs::remove_file(world.shared("index.json"));
    if is_listed {
        world.ok("coordinator", "ceremony index shared --key key.pem");
    }
    world.ok("coordinator", "ceremony archive shared a.tar --force");
    unpacked(&world.read("coordinator", "a.tar"))
}

fn unpacked(bytes: &[u8]) -> Files {
    let mut archive = tar::Archive::new(bytes);
    let files = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        (name, bytes)
    });
    files.collect()
}

fn header(length: usize) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(length as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn pack(files: &Files) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        tar.append_data(&mut header(bytes.len()), name, bytes.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}

/// Checks an archive of these bytes.
fn check(world: &World, bytes: &[u8]) -> crate::kit::Run {
    world.write("coordinator", "b.tar", bytes);
    world.run("coordinator", "ceremony archive --verify b.tar")
}

#[track_caller]
fn refused(world: &World, bytes: &[u8], what: &str) {
    let run = check(world, bytes);
    assert_eq!(run.code, 1, "{what}: {}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(what), "{what}: {}", run.stderr);
    assert!(!run.stdout.contains("whole"), "{}", run.stdout);
}

fn at<'a>(files: &'a mut Files, name: &str) -> &'a mut Vec<u8> {
    let found = files.iter_mut().find(|(found, _)| found.ends_with(name));
    &mut found.unwrap_or_else(|| panic!("no {name}")).1
}

#[test]
fn an_archive_is_whole_and_says_what_was_not_checked() {
    let world = World::finished();
    let files = archived(&world, true);
    let bytes = world.read("coordinator", "a.tar");
    // It is what a writer of our own makes, too.
    assert!(pack(&files) == bytes);
    let run = check(&world, &bytes);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let sha256 = zk_attest::digest::FileDigest::of(&bytes).to_string();
    for line in [
        "b.tar: whole",
        "test-ceremony, closed",
        &sha256,
        "9 steps are signed",
        "none changed, added or missing",
        "and those of SHA256SUMS",
        "the mathematics of each step",
        "the transcript is the one of these rules, steps and rejections",
        "compare their SHA-256, or add --rules",
    ] {
        assert!(run.stdout.contains(line), "{line}: {}", run.stdout);
    }
    let web = Web::serving(&world.path("coordinator", ""));
    let line = format!("ceremony archive --verify http://127.0.0.1:{}/b.tar", web.port());
    let said = world.ok("coordinator", &line);
    assert!(said.contains(&sha256), "{said}");
    // Without the list it says that the sums are not signed.
    archived(&world, false);
    let run = check(&world, &world.read("coordinator", "a.tar"));
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("SHA256SUMS is not signed"), "{}", run.stdout);
}

#[test]
fn a_file_that_is_changed_added_or_missing_is_named() {
    let world = World::finished();
    fs::create_dir_all(world.shared("evidence")).unwrap();
    fs::write(world.shared("evidence/said.txt"), b"announced").unwrap();
    for is_listed in [true, false] {
        let files = archived(&world, is_listed);
        // A step, of which the attestation knows the digest; a document; evidence.
        for (name, what) in [
            ("phase1/0001.ptau", "the file is not the attested one"),
            ("circuits/main/circuit.r1cs", "the file is not the attested one"),
            ("report.json", "the file is not the one that"),
            ("evidence/said.txt", "the file is not the one that"),
        ] {
            let mut changed = files.clone();
            let bytes = at(&mut changed, name);
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            refused(&world, &pack(&changed), what);
        }
        for (name, what) in [
            ("circuits/main/0001.zkey", "the file is missing"),
            ("phase1/0001.dsse.json", ""),
            ("report.html", "is missing"),
            ("evidence/said.txt", "is missing"),
        ] {
            let fewer: Files =
                files.iter().filter(|(found, _)| !found.ends_with(name)).cloned().collect();
            assert_eq!(fewer.len() + 1, files.len());
            refused(&world, &pack(&fewer), what);
        }
        for (name, what) in [
            ("test-ceremony/evidence/more.txt", "does not name this file"),
            ("test-ceremony/notes.txt", "a ceremony has no file of this name"),
            ("test-ceremony/private/key.pem", "a ceremony has no file of this name"),
            ("test-ceremony/../up", "a ceremony has no file of this name"),
            ("other/evidence/more.txt", "more than one folder"),
        ] {
            let mut more = files.clone();
            more.push((name.into(), b"more".to_vec()));
            // The writer of our own takes no such name.
            let packed = pack_raw(&more);
            refused(&world, &packed, what);
        }
        let mut twice = files.clone();
        twice.push(files[0].clone());
        refused(&world, &pack(&twice), "twice");
        // A signature that does not hold.
        let mut forged = files.clone();
        let bytes = at(&mut forged, "phase1/0001.dsse.json");
        let text = String::from_utf8(bytes.clone()).unwrap();
        let place = text.find("\"sig\":\"").unwrap() + 10;
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        refused(&world, &pack(&forged), "");
    }
    // A list that a stranger signed.
    let mut files = archived(&world, true);
    let list = at(&mut files, "index.json");
    let text = String::from_utf8(list.clone()).unwrap();
    *list = text.replacen("report.html", "report.htm", 1).into_bytes();
    refused(&world, &pack(&files), "not the one that was signed");
}

/// Writes names as they are.
fn pack_raw(files: &Files) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = header(bytes.len());
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, bytes.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}

#[test]
fn a_tar_file_that_says_more_or_less_than_an_archive_is_refused() {
    let world = World::finished();
    let files = archived(&world, true);
    let bytes = pack(&files);
    for cut in [bytes.len() / 2, 700] {
        refused(&world, &bytes[..cut], "");
    }
    refused(&world, b"", "the archive is empty");
    refused(&world, &[0; 1024], "the archive is empty");
    refused(&world, &super::faults::noise(4096), "not an archive");
    let mut behind = bytes.clone();
    behind.write_all(b"something").unwrap();
    refused(&world, &behind, "something follows the end");
    let mut owned = tar::Builder::new(Vec::new());
    for (name, bytes) in &files {
        let mut header = header(bytes.len());
        header.set_mtime(1);
        owned.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    refused(&world, &owned.into_inner().unwrap(), "something else of a file");
    let mut linked = tar::Builder::new(Vec::new());
    let mut header = header(0);
    header.set_entry_type(tar::EntryType::Symlink);
    linked.append_link(&mut header, "test-ceremony/evidence/link", "/etc/passwd").unwrap();
    refused(&world, &linked.into_inner().unwrap(), "something else of a file");
    let mut padded = bytes.clone();
    let first = 512 + files[0].1.len();
    assert!(!first.is_multiple_of(512) && padded[first] == 0);
    padded[first] = 1;
    refused(&world, &padded, "something follows this file");
    refused(&world, &bytes[..bytes.len() - 1024], "the archive breaks off");
    // One of the two blocks of its end; half of what fills the last file up; an end too long.
    refused(&world, &bytes[..bytes.len() - 512], "the archive breaks off");
    let filled = 512 - files.last().unwrap().1.len() % 512;
    assert!((2..512).contains(&filled));
    let half = bytes.len() - 1024 - filled / 2;
    refused(&world, &bytes[..half], "the archive breaks off in this file");
    let mut long = bytes.clone();
    long.resize(bytes.len() + (20 << 9), 0);
    refused(&world, &long, "something follows the end");
    // A document that is too large is not read at all.
    let mut large = self::header((64 << 20) + 1);
    large.set_path("test-ceremony/report.json").unwrap();
    large.set_cksum();
    refused(&world, large.as_bytes(), "no document of a ceremony is as large");
    let elsewhere = |(name, bytes): &(String, Vec<u8>)| {
        (name.replacen("test-ceremony/", "another/", 1), bytes.clone())
    };
    let elsewhere: Files = files.iter().map(elsewhere).collect();
    refused(&world, &pack(&elsewhere), "the archive's folder has another name");
    let missing = world.run("coordinator", "ceremony archive --verify none.tar");
    assert_eq!(missing.code, 2, "{}", missing.stderr);
}

/// An entry of this kind, of a program of its own; the name of the file that follows it is in it.
fn entry_of(kind: u8, is_gnu: bool, size: u64) -> Vec<u8> {
    let mut header = if is_gnu { tar::Header::new_gnu() } else { tar::Header::new_ustar() };
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(size);
    header.set_mode(0o644);
    header.set_path("test-ceremony/evidence/long").unwrap();
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[test]
fn a_header_that_promises_a_name_of_any_length_is_refused_unread() {
    let world = World::finished();
    let files = archived(&world, true);
    let bytes = pack(&files);
    // Long names and links, extended headers, sparse files, volumes, folders, devices.
    for kind in *b"LKxgSMVDN123456" {
        for (is_gnu, what) in [(true, "not a plain one"), (false, "something else of a file")] {
            // Nothing of a gibibyte comes: a reader that waits for it says that it broke off.
            let mut hostile = entry_of(kind, is_gnu, 1 << 30);
            hostile.extend_from_slice(&bytes);
            refused(&world, &hostile, what);
        }
    }
    // A file as large as a number can say.
    for size in [1 << 30, 1 << 62, u64::MAX >> 1] {
        let mut header = header(0);
        header.set_size(size);
        header.set_path("test-ceremony/evidence/long").unwrap();
        header.set_cksum();
        refused(&world, header.as_bytes(), "breaks off in this file");
    }
}

#[test]
fn a_name_that_a_terminal_would_obey_is_shown_as_text() {
    let world = World::finished();
    let files = archived(&world, true);
    for name in [
        "test-ceremony/evidence/\u{1b}]0;whole\u{7}",
        "test-ceremony/evidence/\u{202e}txt.sr",
        "test-ceremony/\u{1b}[2J",
        "\u{1b}[2J/evidence/a",
        "\u{1b}[2J",
    ] {
        let mut more = files.clone();
        more.insert(0, (name.into(), b"more".to_vec()));
        let run = check(&world, &pack_raw(&more));
        assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
        assert!(!run.stderr.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{:?}", run.stderr);
        assert!(run.stderr.contains("\\u{"), "{}", run.stderr);
    }
    let mut more = files;
    let mut header = header(0);
    header.as_old_mut().name[..3].copy_from_slice(b"\xff\x1b/");
    header.set_cksum();
    more.truncate(0);
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(&pack(&more));
    refused(&world, &bytes, "a name is not text");
}

#[test]
fn an_archive_has_plain_headers_only_and_a_longer_name_is_refused() {
    let world = World::finished();
    fs::create_dir_all(world.shared("evidence")).unwrap();
    let fits = format!("evidence/{}.txt", "a".repeat(96));
    fs::write(world.shared(&fits), b"announced").unwrap();
    let files = archived(&world, true);
    assert!(files.iter().any(|(name, _)| name.ends_with(&fits)));
    let bytes = world.read("coordinator", "a.tar");
    assert_eq!(check(&world, &bytes).code, 0);
    fs::write(world.shared(&format!("evidence/{}.txt", "a".repeat(97))), b"announced").unwrap();
    // It does not name the file, which would be said first.
    fs::remove_file(world.shared("SHA256SUMS")).unwrap();
    let run = world.run("coordinator", "ceremony archive shared c.tar");
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("no archive holds so long a name"), "{}", run.stderr);
    assert!(!world.path("coordinator", "c.tar").exists());
}

#[test]
fn sums_that_name_a_file_twice_or_are_none_are_refused() {
    let world = World::finished();
    let mut files = archived(&world, false);
    for line in ["no sum", "abc  report.json", "one space behind it report.json"] {
        let mut other = files.clone();
        at(&mut other, "SHA256SUMS").extend_from_slice(format!("{line}\n").as_bytes());
        refused(&world, &pack(&other), "this is not a list of sums");
    }
    let sums = at(&mut files, "SHA256SUMS");
    let first = sums.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    // The right sum last: a reader that checks line by line sees the other one.
    let mut twice = format!("{}{}", "0".repeat(64), &String::from_utf8_lossy(&sums[64..first]));
    twice.push_str(std::str::from_utf8(sums).unwrap());
    *sums = twice.into_bytes();
    refused(&world, &pack(&files), "has a name twice");
}

/// An archive without a signed list, with sums of whatever is in it.
fn summed(mut files: Files) -> Vec<u8> {
    let lines = files.iter().filter(|(name, _)| !name.ends_with("SHA256SUMS"));
    let sums: String = lines
        .map(|(name, bytes)| {
            let digest = zk_attest::digest::FileDigest::of(bytes);
            format!("{digest}  {}\n", name.split_once('/').unwrap().1)
        })
        .collect();
    *at(&mut files, "SHA256SUMS") = sums.into_bytes();
    pack(&files)
}

#[test]
fn documents_of_another_end_of_the_same_ceremony_are_refused() {
    let world = World::new(&["alice"], |toml| toml);
    world.open();
    world.contribute("alice");
    world.beacon();
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    world.contribute("alice");
    // The same rules and contributions, and two last beacons.
    let other = world.path("coordinator", "other");
    copy(&world.shared(""), &other);
    world.beacon();
    let value = "ff".repeat(32);
    world.ok("coordinator", &format!("ceremony beacon other --value {value} --key key.pem"));
    world.ok("coordinator", "ceremony verify other");
    for folder in ["shared", "other"] {
        world.ok("coordinator", &format!("ceremony keygen {folder}"));
        let end = "--serial 1 --not-after 2099-12-31T23:59:59Z";
        world.ok("coordinator", &format!("bundle create {folder} {end}"));
    }
    let files = archived(&world, false);
    let run = check(&world, &summed(files.clone()));
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("2 exported keys are those"), "{}", run.stdout);
    for (name, what) in [
        ("transcript.json", "does not tell of the steps"),
        ("circuits/main/ark/verifying_key.compressed.bin", "not the one of the transcript"),
        ("circuits/main/ark/verifying_key.uncompressed.bin", "not the one of the transcript"),
        ("bundle.json", "the bundle is of another transcript"),
    ] {
        let mut changed = files.clone();
        *at(&mut changed, name) = fs::read(other.join(name)).unwrap();
        assert!(changed != files, "{name}");
        refused(&world, &summed(changed), what);
    }
    // A transcript of other people's.
    let stranger = World::finished();
    stranger.ok("coordinator", "ceremony verify shared");
    let mut changed = files;
    *at(&mut changed, "transcript.json") = fs::read(stranger.shared("transcript.json")).unwrap();
    refused(&world, &summed(changed), "the transcript is of other rules");
}

#[test]
fn a_rejected_step_is_held_to_its_attestation_and_a_chain_has_no_gap() {
    let world = World::new(&["alice", "bob"], |toml| toml);
    world.open();
    world.contribute("alice");
    world.ok("coordinator", "ceremony reject shared 1 --reason \"is bad\" --key key.pem");
    world.contribute("alice");
    world.ok("coordinator", "ceremony index shared --key key.pem");
    world.ok("coordinator", "ceremony archive shared a.tar");
    let mut files = unpacked(&world.read("coordinator", "a.tar"));
    assert_eq!(check(&world, &pack(&files)).code, 0);
    files.retain(|(name, _)| !name.ends_with("index.json"));
    files.push(("test-ceremony/SHA256SUMS".into(), Vec::new()));
    let mut changed = files.clone();
    *at(&mut changed, "phase1/0001.ptau").last_mut().unwrap() ^= 1;
    refused(&world, &summed(changed), "the file is not the attested one");
    let mut files = archived(&World::finished(), false);
    let gone = ["phase1/0001.dsse.json", "transcript.json"];
    files.retain(|(name, _)| !gone.iter().any(|gone| name.ends_with(gone)));
    refused(&world, &summed(files), "");
}

#[test]
fn a_step_that_is_no_file_of_its_kind_is_not_archived_though_its_maker_signed_it() {
    let world = World::finished();
    for list in ["SHA256SUMS", "index.json", "transcript.json", "report.json", "report.html"] {
        let _ = fs::remove_file(world.shared(list));
    }
    world.ok("coordinator", "ceremony archive shared d.tar");
    world.replace("circuits/main/final.zkey", "coordinator", b"anything, of any size");
    let run = world.run("coordinator", "ceremony archive shared e.tar");
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("final.zkey"), "{}", run.stderr);
    assert!(!world.path("coordinator", "e.tar").exists());
}

#[test]
fn a_list_of_other_files_stays_out_of_an_archive() {
    let world = World::finished();
    world.ok("coordinator", "ceremony verify shared");
    world.ok("coordinator", "ceremony index shared --key key.pem");
    fs::remove_file(world.shared("SHA256SUMS")).unwrap();
    let run = world.run("coordinator", "ceremony archive shared d.tar");
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("index.json lists other files"), "{}", run.stderr);
    let files = unpacked(&world.read("coordinator", "d.tar"));
    assert!(!files.iter().any(|(name, _)| name.ends_with("index.json")));
    // With a list of what is there, it is in.
    world.ok("coordinator", "ceremony index shared --key key.pem");
    world.ok("coordinator", "ceremony archive shared d.tar --force");
    let files = unpacked(&world.read("coordinator", "d.tar"));
    assert!(files.iter().any(|(name, _)| name.ends_with("index.json")));
}

/// Each of the two lists is enough: the signed one, without sums that would say the same.
#[test]
fn a_signed_list_alone_names_what_is_changed_added_or_missing() {
    let world = World::finished();
    world.ok("coordinator", "ceremony verify shared");
    fs::remove_file(world.shared("SHA256SUMS")).unwrap();
    world.ok("coordinator", "ceremony index shared --key key.pem");
    world.ok("coordinator", "ceremony archive shared a.tar");
    let files = unpacked(&world.read("coordinator", "a.tar"));
    assert!(!files.iter().any(|(name, _)| name.ends_with("SHA256SUMS")));
    let run = check(&world, &pack(&files));
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let mut changed = files.clone();
    *at(&mut changed, "report.json").last_mut().unwrap() ^= 1;
    refused(&world, &pack(&changed), "the file is not the one that index.json names");
    let fewer: Files =
        files.iter().filter(|(name, _)| !name.ends_with("report.html")).cloned().collect();
    refused(&world, &pack(&fewer), "a file that index.json names is missing");
    let mut more = files;
    more.push(("test-ceremony/evidence/more.txt".into(), b"more".to_vec()));
    refused(&world, &pack(&more), "index.json does not name this file");
}

#[test]
fn a_journal_that_does_not_hold_is_refused() {
    let world = World::finished();
    let files = archived(&world, false);
    assert_eq!(check(&world, &summed(files.clone())).code, 0);
    // No entries; entries that nobody signed; a head without entries.
    let name = |name: &str| format!("test-ceremony/{name}");
    for journal in [
        vec![(name("journal.jsonl"), b"{}\n".to_vec())],
        vec![(name("journal.jsonl"), Vec::new())],
        vec![(name("journal.head.dsse.json"), b"{}".to_vec())],
    ] {
        let more = [files.clone(), journal.clone()].concat();
        refused(&world, &summed(more), "journal");
    }
}

#[test]
fn an_archive_of_other_rules_than_the_announced_ones_is_refused() {
    let world = World::finished();
    archived(&world, true);
    let rules = fs::read(world.shared("ceremony.toml")).unwrap();
    let rules = zk_attest::digest::ConfigDigest::of(&rules).to_string();
    let said = world.ok("coordinator", &format!("ceremony archive --verify a.tar --rules {rules}"));
    assert!(said.contains(&format!("rules              {rules}")), "{said}");
    assert!(!said.contains("add --rules"), "{said}");
    let other = "ab".repeat(32);
    let run = world.run("coordinator", &format!("ceremony archive --verify a.tar --rules {other}"));
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("the archive is of other rules"), "{}", run.stderr);
    assert!(run.stderr.contains(&rules) && run.stderr.contains(&other), "{}", run.stderr);
    assert!(!run.stdout.contains("whole"), "{}", run.stdout);
    let run = world.run("coordinator", "ceremony archive --verify a.tar --rules abc");
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
}

#[test]
fn an_archive_that_its_readers_would_refuse_is_not_written() {
    let world = World::finished();
    let path = world.shared("circuits/main/0001.zkey");
    let good = fs::read(&path).unwrap();
    let mut bytes = good.clone();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, &bytes).unwrap();
    let run = world.run("coordinator", "ceremony archive shared d.tar");
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("the file is not the attested one"), "{}", run.stderr);
    assert!(!world.path("coordinator", "d.tar").exists());
    fs::write(&path, good).unwrap();
    // Without a list it cannot be said whether it is whole, and that is said.
    let run = world.run("coordinator", "ceremony archive shared d.tar");
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("the archive has no list of its files"), "{}", run.stderr);
    // Nor can a reader say it.
    refused(&world, &world.read("coordinator", "d.tar"), "the archive has no list of its files");
    world.ok("coordinator", "ceremony verify shared");
    let run = world.run("coordinator", "ceremony archive shared d.tar --force");
    assert_eq!((run.code, run.stderr.contains("no list")), (0, false), "{}", run.stderr);
}
