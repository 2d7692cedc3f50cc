//! What people who watch a ceremony see: metrics of each node, and alerts.

mod files;
mod live;
mod pages;
#[cfg(feature = "otel")]
mod traces;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ceremony_net::metrics::{FAMILIES, Type};

use super::http::send;

/// A file of the checkout.
fn checkout(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(checkout(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Runs a peer in the folder `ops/`, which must find nothing wrong, and gives what it said.
#[track_caller]
fn peer(program: &str, arguments: &[&str]) -> String {
    let run = Command::new(program).args(arguments).current_dir(checkout("ops")).output();
    let run =
        run.unwrap_or_else(|_| panic!("{program} is not installed: ./ci/test.sh installs it"));
    let said = [run.stdout, run.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(run.status.success(), "{program} {arguments:?}\n{}{}", said[0], said[1]);
    said.concat()
}

type Labels = BTreeMap<String, String>;

/// A page of metrics.
#[derive(Debug)]
struct Page {
    text: String,
    types: BTreeMap<String, String>,
    samples: Vec<(String, Labels, f64)>,
}

/// The labels between braces, each with its value without escapes.
fn labels(mut text: &str) -> Labels {
    let mut labels = Labels::new();
    while let Some((name, rest)) = text.split_once("=\"") {
        let mut value = String::new();
        let mut letters = rest.char_indices();
        let end = loop {
            match letters.next().expect("a value without an end") {
                (_, '\\') => value.extend(letters.next().map(|(_, letter)| letter)),
                (at, '"') => break at,
                (_, letter) => value.push(letter),
            }
        };
        labels.insert(name.trim_start_matches(',').into(), value);
        text = &rest[end + 1..];
    }
    labels
}

impl Page {
    #[track_caller]
    fn of(address: SocketAddr) -> Self {
        let answer = send(address, "GET", "/metrics", &[], b"");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
        Self::read(answer.text())
    }

    /// One that is not older than this call: a page is handed out for a quarter of a second.
    #[track_caller]
    fn fresh(address: SocketAddr) -> Self {
        std::thread::sleep(Duration::from_millis(300));
        Self::of(address)
    }

    fn read(text: String) -> Self {
        let (mut types, mut samples) = (BTreeMap::new(), Vec::new());
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix("# TYPE ") {
                let (name, kind) = comment.split_once(' ').unwrap();
                assert!(types.insert(name.into(), kind.into()).is_none(), "{line}");
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').unwrap();
                let (name, inner) = name.split_once('{').unwrap_or((name, "}"));
                let inner = inner.strip_suffix('}').expect(line);
                samples.push((name.into(), labels(inner), value.parse().expect(line)));
            }
        }
        Self { text, types, samples }
    }

    /// The sum of a metric over everything that has these labels.
    fn sum(&self, name: &str, with: &[(&str, &str)]) -> Option<f64> {
        let has = |labels: &Labels| {
            with.iter().all(|(name, value)| labels.get(*name).is_some_and(|it| it == value))
        };
        let found = self.samples.iter().filter(|(it, labels, _)| it == name && has(labels));
        found.map(|(.., value)| *value).reduce(|a, b| a + b)
    }

    /// The metrics of the page, each held against the list of all of them.
    #[track_caller]
    fn names(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        for (name, labels, value) in &self.samples {
            let of_histogram = ["_bucket", "_sum", "_count"]
                .into_iter()
                .find_map(|ending| name.strip_suffix(ending))
                .filter(|name| self.types.get(*name).is_some_and(|it| it == "histogram"));
            let base = of_histogram.unwrap_or(name);
            let kind = self.types.get(base).unwrap_or_else(|| panic!("{name} has no type"));
            names.insert(base);
            // Not a number without backups or without publication, and nowhere else.
            let may_be_nan =
                ["ceremony_backup_timestamp_seconds", "ceremony_publication_timestamp_seconds"];
            let is_number = value.is_finite() || may_be_nan.contains(&name.as_str());
            assert!(is_number, "{name} {labels:?} {value}");
            if base.starts_with("process_") {
                assert!(labels.is_empty(), "{name} {labels:?}");
                continue;
            }
            let family = FAMILIES.iter().find(|family| family.name == base);
            let family = family.unwrap_or_else(|| panic!("{name} is in no list"));
            assert_eq!(family.kind.name(), kind, "{name}");
            for (label, value) in labels {
                let is_bound = label == "le" && family.kind == Type::Histogram;
                assert!(is_bound || family.labels.contains(&label.as_str()), "{name} {labels:?}");
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
                assert!(value.len() <= 64 && value.bytes().all(plain), "{name} {labels:?}");
            }
        }
        names
    }
}
