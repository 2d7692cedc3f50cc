//! `--binary`: whether a program or a library holds the approved keys.
//!
//! The snippet's constants are searched for as bytes, and as the compiler may have stored them: in
//! words of eight bytes that lie apart (immediate operands), and as arkworks' points in Montgomery
//! form. A compiler leaves out constants that nothing uses, so what is not found may still be in
//! order: *not found* is neither found nor refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::error::Refusal;
use zk_attest::file::read_regular;
use zk_embed::Embedded;
use zk_embed::deep_check::deep_check;

use super::finding::Finding;

/// Bytes of an artefact at most.
const MAX_BYTES: usize = 2 * 1024 * 1024 * 1024;
const WORD: usize = 8;

/// What was found, for `--json`.
#[derive(Debug, Serialize)]
pub(super) struct Binary {
    file: String,
    sha256: String,
    statement_sha256: String,
    statement: Presence,
    circuits: Vec<Circuit>,
}

#[derive(Debug, Serialize)]
struct Circuit {
    name: String,
    vk_sha256: String,
    /// The key, canonical compressed.
    vk: Presence,
    /// The key, canonical uncompressed.
    vk_uncompressed: Presence,
    /// The coordinates of all points of the key, as arkworks has them in memory.
    arkworks: Presence,
    /// What the key is looked up by.
    program_hash: Presence,
}

/// How bytes stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Presence {
    /// In one piece, first here.
    Found {
        offset: usize,
    },
    /// Every word of eight bytes, but not in one piece.
    InWords,
    NotFound,
}

/// An artefact, read.
#[derive(Debug)]
pub(super) struct Artefact {
    shown: String,
    bytes: Vec<u8>,
}

impl Artefact {
    pub(super) fn read(path: &Path) -> Result<Self, Diagnostic> {
        let bytes = read_regular(path, MAX_BYTES).map_err(|refusal| {
            Diagnostic::environment("binary-cannot-be-read", refusal.what())
                .at(path.display())
                .hint("name the program or the library that was built, after `--binary`")
        })?;
        Ok(Self { shown: path.display().to_string(), bytes })
    }

    /// Looks for what a package is to embed.
    pub(super) fn look(
        &self,
        expected: &Result<Vec<Embedded>, Refusal>,
    ) -> (Option<Binary>, Vec<Finding>) {
        let expected = match expected {
            Ok(expected) => expected,
            Err(refusal) => {
                let finding = Finding::unjudged(
                    "binary-unjudged",
                    &self.shown,
                    format_args!("there are no approved keys to look for: {}", refusal.what()),
                    refusal.hint_text(),
                );
                return (None, vec![finding]);
            }
        };
        let Some(embedded) = expected.first() else { return (None, Vec::new()) };
        let bundle = &embedded.bundle;
        let mut search = Search::default();
        let statement = bundle.statement_digest();
        let statement_at = search.add(statement.as_bytes());
        let mut wanted = Vec::new();
        for (circuit, key) in bundle.circuits() {
            let [vk, uncompressed] =
                [key.compressed(), key.uncompressed()].map(|bytes| search.add(bytes));
            let program_hash = search.add(circuit.program_hash.as_bytes());
            let coordinates: Vec<usize> =
                coordinates(key).iter().map(|bytes| search.add(bytes)).collect();
            wanted.push((circuit, vk, uncompressed, program_hash, coordinates));
        }
        let found = search.run(&self.bytes);
        let circuits: Vec<Circuit> = wanted
            .into_iter()
            .map(|(circuit, vk, uncompressed, program_hash, coordinates)| Circuit {
                name: circuit.name.to_string(),
                vk_sha256: circuit.vk_sha256.to_string(),
                vk: found[vk],
                vk_uncompressed: found[uncompressed],
                arkworks: all(coordinates.iter().map(|at| found[*at])),
                program_hash: found[program_hash],
            })
            .collect();
        let binary = Binary {
            file: self.shown.clone(),
            sha256: FileDigest::of(&self.bytes).to_string(),
            statement_sha256: statement.to_string(),
            statement: found[statement_at],
            circuits,
        };
        let findings = self.findings(&binary);
        (Some(binary), findings)
    }

    fn findings(&self, binary: &Binary) -> Vec<Finding> {
        let mut findings = Vec::new();
        for circuit in &binary.circuits {
            let forms = [circuit.vk, circuit.vk_uncompressed, circuit.arkworks];
            if forms.iter().any(|form| *form != Presence::NotFound) {
                continue;
            }
            let other = if circuit.program_hash == Presence::NotFound {
                ""
            } else {
                "; its program hash is there, but another key may be there too"
            };
            findings.push(Finding::unjudged(
                "key-not-found",
                &self.shown,
                format_args!(
                    "the key of circuit {} ({}) is not found{other}",
                    circuit.name, circuit.vk_sha256
                ),
                "not found is not refused: the compiler leaves out what nothing uses, and packers \
                 hide the rest. Look into the program that verifies proofs, before it is packed; or \
                 look at the build, with `--build`",
            ));
        }
        if binary.statement == Presence::NotFound {
            findings.push(Finding::warning(
                "statement-not-found",
                format!(
                    "{}: the digest of the signed statement is not found: the program may not use \
                     it",
                    self.shown
                ),
                "print `verifying_keys::STATEMENT_SHA256` in the program's version, and a binary \
                 tells which approval it comes from",
            ));
        }
        findings
    }
}

impl Binary {
    /// Lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("binary {} (SHA-256 {})", self.file, self.sha256),
            format!("statement {}: {}", self.statement_sha256, self.statement),
        ];
        lines.extend(self.circuits.iter().map(|circuit| {
            format!(
                "key of {} ({}): compressed {}, uncompressed {}, arkworks {}",
                circuit.name,
                circuit.vk_sha256,
                circuit.vk,
                circuit.vk_uncompressed,
                circuit.arkworks
            )
        }));
        lines
    }
}

impl std::fmt::Display for Presence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Found { offset } => write!(f, "found at byte {offset}"),
            Self::InWords => f.write_str("found in parts"),
            Self::NotFound => f.write_str("not found"),
        }
    }
}

/// Of several pieces of one thing.
fn all(pieces: impl Iterator<Item = Presence>) -> Presence {
    let mut pieces = pieces.peekable();
    if pieces.peek().is_some() && pieces.all(|piece| piece != Presence::NotFound) {
        Presence::InWords
    } else {
        Presence::NotFound
    }
}

/// The coordinates of a key's points, 32 bytes each, as arkworks has them in memory.
fn coordinates(key: &zk_vk_guard::verifying_key::VerifyingKeyBytes) -> Vec<[u8; 32]> {
    let Ok(key) = deep_check(key) else { return Vec::new() };
    let mut found = Vec::new();
    for point in key.gamma_abc_g1.iter().chain([&key.alpha_g1]) {
        found.extend([point.x, point.y].map(|coordinate| memory(coordinate.0.0)));
    }
    for point in [&key.beta_g2, &key.gamma_g2, &key.delta_g2] {
        found.extend(
            [point.x.c0, point.x.c1, point.y.c0, point.y.c1]
                .map(|coordinate| memory(coordinate.0.0)),
        );
    }
    found
}

fn memory(limbs: [u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (part, limb) in bytes.chunks_exact_mut(WORD).zip(limbs) {
        part.copy_from_slice(&limb.to_le_bytes());
    }
    bytes
}

/// Several patterns, each whole number of words long, searched for in one pass.
#[derive(Default)]
struct Search {
    patterns: Vec<Vec<u8>>,
}

impl Search {
    fn add(&mut self, pattern: &[u8]) -> usize {
        self.patterns.push(pattern.to_vec());
        self.patterns.len() - 1
    }

    fn run(&self, bytes: &[u8]) -> Vec<Presence> {
        let words_of = |pattern: &'_ [u8]| -> Vec<u64> {
            pattern
                .chunks_exact(WORD)
                .filter_map(|part| part.try_into().ok())
                .map(u64::from_le_bytes)
                .collect()
        };
        let mut starts: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        let mut words: BTreeMap<u64, bool> = BTreeMap::new();
        // Most positions are passed over by their first two bytes.
        let mut maybe = vec![false; 1 << 16];
        for (at, pattern) in self.patterns.iter().enumerate() {
            let of = words_of(pattern);
            starts.entry(of.first().copied().unwrap_or_default()).or_default().push(at);
            for word in of {
                words.insert(word, false);
                maybe[usize::from(word as u16)] = true;
            }
        }
        let mut whole: BTreeMap<usize, usize> = BTreeMap::new();
        for (offset, window) in bytes.windows(WORD).enumerate() {
            if !maybe[usize::from(u16::from_le_bytes([window[0], window[1]]))] {
                continue;
            }
            let word = window.try_into().map(u64::from_le_bytes).unwrap_or_default();
            let Some(seen) = words.get_mut(&word) else { continue };
            *seen = true;
            for at in starts.get(&word).into_iter().flatten() {
                if bytes[offset..].starts_with(&self.patterns[*at]) {
                    whole.entry(*at).or_insert(offset);
                }
            }
        }
        let seen: BTreeSet<u64> =
            words.into_iter().filter_map(|(word, seen)| seen.then_some(word)).collect();
        let presence = |(at, pattern): (usize, &Vec<u8>)| match whole.get(&at) {
            Some(offset) => Presence::Found { offset: *offset },
            None if words_of(pattern).iter().all(|word| seen.contains(word)) => Presence::InWords,
            None => Presence::NotFound,
        };
        self.patterns.iter().enumerate().map(presence).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_whole_or_in_words_or_not_at_all() {
        let pattern: Vec<u8> = (1..=32).collect();
        let mut search = Search::default();
        search.add(&pattern);
        let run = |bytes: &[u8]| search.run(bytes)[0];
        assert_eq!(run(&[&[9; 5][..], &pattern].concat()), Presence::Found { offset: 5 });
        let apart: Vec<u8> =
            pattern.chunks(8).rev().flat_map(|word| [&[0x48, 0xb8][..], word].concat()).collect();
        assert_eq!(run(&apart), Presence::InWords);
        assert_eq!(run(&pattern[..31]), Presence::NotFound);
        assert_eq!(run(&[]), Presence::NotFound);
    }
}
