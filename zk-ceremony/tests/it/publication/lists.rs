//! Which list replaces the one that is in a store: one of the same ceremony, signed later, that
//! tells of no less.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use ceremony_core::progress::NoProgress;
use ceremony_folder::Ceremony;
use ceremony_folder::digests::KnownDigests;
use ceremony_folder::index::{Index, Indexed, MAX_INDEX_BYTES};
use ceremony_publish::publish::Held;
use ceremony_publish::{Access, Place, Published, Publisher};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;

use crate::kit::ceremony::{KeyFile, World};
use crate::kit::dated::index_of;

/// A ceremony, and a folder that it is published to by a process of its own.
struct Store {
    world: World,
    place: PathBuf,
}

impl Store {
    fn new() -> Self {
        let world = World::finished();
        for list in ["index.json", "transcript.json", "report.json", "report.html", "SHA256SUMS"] {
            let _ = fs::remove_file(world.shared(list));
        }
        let place = world.path("coordinator", "place");
        fs::create_dir(&place).unwrap();
        Self { world, place }
    }

    fn ceremony(&self) -> Ceremony {
        Ceremony::open(&self.world.shared("")).unwrap()
    }

    fn files(&self) -> Vec<Indexed> {
        self.ceremony().public_files(&mut KnownDigests::default(), &NoProgress).unwrap()
    }

    /// A list of any files, signed now.
    fn list(&self, files: Vec<Indexed>) -> Index {
        let mut signer = KeyFile::of(&self.world, "coordinator", "key.pem");
        self.ceremony().write_index(files, &mut signer).unwrap().0
    }

    fn publisher(&self) -> Publisher {
        let access = Access { ca: None, insecure_http: false, patience: Duration::ZERO };
        let place = Place::open(&format!("file://{}", self.place.display()), &access).unwrap();
        Publisher::new(place, self.world.path("coordinator", "resumed"), false)
    }

    fn publish(&self, publisher: &mut Publisher, index: &Index) -> Result<Published, Diagnostic> {
        publisher.publish(&self.ceremony(), index, &Held::default(), &NoProgress)
    }

    /// Lays a list of these files into the place, and publishes the folder as it is after it.
    fn after(&self, before: Vec<Indexed>) -> Result<Published, Diagnostic> {
        let before = self.list(before);
        fs::write(self.place.join("index.json"), before.to_json()).unwrap();
        let index = self.list(self.files());
        self.publish(&mut self.publisher(), &index)
    }
}

fn file(name: &str, bytes: &[u8]) -> Indexed {
    Indexed { name: name.into(), size: bytes.len() as u64, sha256: FileDigest::of(bytes) }
}

/// The files with others in the place of those of the same name, and with new ones.
fn with(files: &[Indexed], others: &[Indexed]) -> Vec<Indexed> {
    let mut files: Vec<Indexed> = files
        .iter()
        .filter(|file| !others.iter().any(|other| other.name == file.name))
        .chain(others)
        .cloned()
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

#[test]
fn a_list_that_tells_of_less_than_the_one_there_does_not_replace_it() {
    let store = Store::new();
    let journal = b"{\"number\":0}\n{\"number\":1}\n";
    fs::write(store.world.shared("journal.jsonl"), journal).unwrap();
    for (name, bytes) in [("0008.ptau", &b"data"[..]), ("0008.reject.dsse.json", b"signed anew")] {
        fs::write(store.world.shared(&format!("phase1/{name}")), bytes).unwrap();
    }
    let files = store.files();
    let less = [
        // A journal that is longer there, and one that began otherwise.
        (vec![file("journal.jsonl", b"{\"number\":0}\n{\"number\":1}\nmore")], "26 bytes"),
        (vec![file("journal.jsonl", b"{\"number\":7}\n")], "a journal that begins otherwise"),
        // Other rules, and a step with other words: both are for good.
        (vec![file("ceremony.toml", b"other rules")], "SHA-256"),
        (vec![file("phase1/0001.dsse.json", b"other words")], "SHA-256"),
        // A step with its data, and its rejection.
        (
            vec![file("phase1/0009.ptau", b"data"), file("phase1/0009.dsse.json", b"words")],
            "no such file",
        ),
        (
            vec![file("phase1/0009.ptau", b"data"), file("phase1/0009.reject.dsse.json", b"no")],
            "no such file",
        ),
    ];
    for (others, found) in less {
        let there = with(&files, &others);
        let error = store.after(there).unwrap_err();
        assert_eq!(error.code, "store-conflict", "{others:?}: {error}");
        assert!(error.what.contains("tells of more than this one"), "{error}");
        assert!(error.found.as_ref().unwrap().contains(found), "{found}: {error}");
        let place = error.place.as_ref().unwrap().to_string();
        assert!(place.ends_with(&others.last().unwrap().name), "{place}");
    }
    // What may change and what may go: a journal that goes on, a rejection that a new coordinator
    // signed, a document that was written anew, words that wait for their data, the data of a step
    // that was rejected, and evidence.
    for others in [
        vec![],
        vec![file("phase1/0008.reject.dsse.json", b"signed before")],
        vec![file("journal.jsonl", &journal[..13])],
        vec![file("participant.md", b"another page"), file("report.html", b"another report")],
        vec![file("phase1/0009.dsse.json", b"words that wait for their data")],
        vec![file("phase1/0009.ptau", b"data that nobody signed")],
        vec![file("evidence/a.txt", b"evidence")],
    ] {
        let there = with(&files, &others);
        let published = store.after(there).unwrap_or_else(|error| panic!("{others:?}: {error}"));
        assert!(published.index, "{others:?}");
    }
    // Without a journal there is less than with one.
    fs::remove_file(store.world.shared("journal.jsonl")).unwrap();
    let error = store.after(files).unwrap_err();
    assert_eq!(error.found.as_deref(), Some("no journal"));
}

#[test]
fn what_is_there_under_the_lists_name_is_replaced_only_if_it_is_an_earlier_list() {
    let store = Store::new();
    let path = store.place.join("index.json");
    let earlier = store.list(store.files());
    let later = store.list(store.files());
    let replaced = |there: &[u8], index: &Index| {
        fs::write(&path, there).unwrap();
        let published = store.publish(&mut store.publisher(), index);
        let kept = fs::read(&path).unwrap();
        assert_eq!(published.is_err() || !published.as_ref().unwrap().index, kept == there);
        published.map(|published| published.index).map_err(|error| error.code.to_string())
    };
    assert_eq!(replaced(&earlier.to_json(), &later), Ok(true));
    assert_eq!(replaced(&later.to_json(), &later), Ok(false));
    assert_eq!(replaced(&later.to_json(), &earlier), Err("newer-index".into()));
    // One that is dated far ahead does not keep the others away until then.
    let dated = |ahead: u64| index_of(&store.world, &store.ceremony(), &store.files(), ahead);
    assert_eq!(replaced(&dated(80_000), &later), Err("newer-index".into()));
    assert_eq!(replaced(&dated(90_000), &later), Ok(true));
    // No list, a list that nobody signed, and that of another ceremony.
    let conflict = || Err("store-conflict".to_owned());
    assert_eq!(replaced(b"{}", &later), conflict());
    let mut text: serde_json::Value = serde_json::from_slice(&earlier.to_json()).unwrap();
    text["files"].as_array_mut().unwrap().pop().unwrap();
    assert_eq!(replaced(&serde_json::to_vec(&text).unwrap(), &later), conflict());
    let stranger = World::new(&["alice"], |toml| toml);
    stranger.open();
    stranger.ok("coordinator", "ceremony index shared --key key.pem");
    assert_eq!(replaced(&fs::read(stranger.shared("index.json")).unwrap(), &later), conflict());
    // One that is too large is not read: it has no bytes on the disk.
    let too_large = fs::File::create(&path).unwrap();
    too_large.set_len(MAX_INDEX_BYTES as u64 + 1).unwrap();
    let error = store.publish(&mut store.publisher(), &later).unwrap_err();
    assert_eq!(error.found.as_deref(), Some("no index is so large"));
    assert_eq!(fs::metadata(&path).unwrap().len(), MAX_INDEX_BYTES as u64 + 1);
}

#[test]
fn what_a_process_knows_to_be_there_is_not_asked_for_again_and_another_process_asks() {
    let store = Store::new();
    let all = store.files().len();
    let index = store.list(store.files());
    let mut publisher = store.publisher();
    assert!(!index.files().iter().any(|file| publisher.has(file)));
    let published = store.publish(&mut publisher, &index).unwrap();
    assert_eq!((published.put.len(), published.present), (all, 0));
    assert!(index.files().iter().all(|file| publisher.has(file)));
    let path = store.place.join("phase1/0001.ptau");
    let good = fs::read(&path).unwrap();
    // It was removed behind the process's back: this one does not look, the next one does.
    fs::remove_file(&path).unwrap();
    let published = store.publish(&mut publisher, &index).unwrap();
    assert_eq!((published.put.len(), published.present, published.index), (0, all, false));
    assert!(!path.exists());
    let published = store.publish(&mut store.publisher(), &index).unwrap();
    assert_eq!((published.put, published.present), (vec!["phase1/0001.ptau".into()], all - 1));
    assert_eq!(fs::read(&path).unwrap(), good);
    // Other bytes are refused by every process that looks.
    fs::write(&path, &good[1..]).unwrap();
    let error = store.publish(&mut store.publisher(), &index).unwrap_err();
    assert_eq!(error.code, "store-conflict");
}

#[test]
fn nothing_is_signed_for_a_place_that_is_only_read_from() {
    let store = Store::new();
    let line = "ceremony publish shared http://127.0.0.1:1/one --key key.pem";
    let run = store.world.run("coordinator", line);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("a web server is only read from"), "{}", run.stderr);
    assert!(!store.world.shared("index.json").exists());
}

#[test]
fn documents_are_put_as_they_were_when_their_list_was_signed() {
    let store = Store::new();
    let report = store.world.shared("report.json");
    fs::write(&report, b"as it was listed").unwrap();
    let index = store.list(store.files());
    let mut publisher = store.publisher();
    let held = publisher.hold(&store.ceremony(), &index).unwrap();
    // One that became larger, or another one of the same size.
    for bytes in [&b"as it is now that it is written anew"[..], b"As it was listed"] {
        fs::write(&report, bytes).unwrap();
        let mut other = store.publisher();
        let published = other.publish(&store.ceremony(), &index, &Held::default(), &NoProgress);
        assert_eq!(published.unwrap_err().code, "changed");
    }
    publisher.publish(&store.ceremony(), &index, &held, &NoProgress).unwrap();
    let digest = FileDigest::of(b"as it was listed");
    let object = store.place.join(format!("versions/{digest}/report.json"));
    assert_eq!(fs::read(object).unwrap(), b"as it was listed");
    // More than is held is not read before it is put.
    let large = |size: u64| Indexed { size, ..file("transcript.json", b"not there") };
    let holds = |size| {
        let index = store.list(with(&store.files(), &[large(size)]));
        store.publisher().hold(&store.ceremony(), &index).map(drop)
    };
    holds((64 << 20) + 1).unwrap();
    assert!(holds(9).is_err(), "it was not read");
    // A journal only grows: what was listed of it is its beginning.
    let journal = store.world.shared("journal.jsonl");
    fs::write(&journal, b"one\n").unwrap();
    let index = store.list(store.files());
    fs::write(&journal, b"one\ntwo\n").unwrap();
    store.publish(&mut publisher, &index).unwrap();
    let digest = FileDigest::of(b"one\n");
    let object = store.place.join(format!("versions/{digest}/journal.jsonl"));
    assert_eq!(fs::read(object).unwrap(), b"one\n");
}
