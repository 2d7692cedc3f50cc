//! What two signed words of one service prove together: that it told two stories of one ceremony.
//!
//! A service signs the last line of its journal (the *head*), and each receipt names an entry of
//! the journal with its SHA-256. Each line names the one before, so either of them is the service's
//! word on every line up to it:
//!
//! ```text
//! head n      line n is D_n, so lines 0 .. n-1 are those that D_n names, one through the other
//! receipt n   the same
//! ```
//!
//! Two words on one number with two digests contradict each other: no journal begins with both. Two
//! words on two numbers n < m contradict each other where a journal that ends with the word on m
//! has another line n; so that takes the lines as well. Nobody but the holder of the service's key
//! can make such a pair, and no honest service does: after a crash it goes on with the lines that
//! are on its disk, and a line is there before anything is signed of it.

use std::path::{Path, PathBuf};

use serde::Serialize;
use zk_attest::digest::{ConfigDigest, FileDigest};
use zk_attest::envelope::Envelope;
use zk_attest::error::Code;
use zk_attest::key::PublicKey;
use zk_attest::primitives::CeremonyId;
use zk_attest::statement::Statement;

use crate::error::{CeremonyError, at, broken};
use crate::journal::{JournalHead, Recorded, read_entries};
use crate::service::Receipt;

/// What a service signed of a line of its journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Testimony {
    /// The file that it was read from.
    pub path: PathBuf,
    /// What it is: `journal head` or `receipt`.
    pub kind: &'static str,
    /// The service's key.
    pub key: PublicKey,
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// SHA-256 of the ceremony's rules.
    pub ceremony_toml_sha256: ConfigDigest,
    /// The number of the line.
    pub number: u64,
    /// SHA-256 of the line.
    pub sha256: FileDigest,
}

impl Testimony {
    /// Reads a head or a receipt that one of `keys` signed.
    ///
    /// # Errors
    /// When it is neither, or none of the keys signed it. Messages name `path`.
    pub fn read(path: &Path, bytes: &[u8], keys: &[PublicKey]) -> Result<Self, CeremonyError> {
        let envelope = Envelope::from_json(bytes).map_err(at(path))?;
        let signers = envelope.signers(keys);
        let Some(key) = signers.first().copied() else {
            let known: Vec<String> = keys.iter().map(PublicKey::fingerprint).collect();
            return Err(broken(
                path,
                "none of these services signed this",
                "another key, or none",
                if known.is_empty() { "a service's key".into() } else { known.join(" or ") },
            ));
        };
        let payload = envelope.payload();
        match Statement::<JournalHead>::from_payload(payload) {
            Ok(Statement { subject, predicate }) => {
                let [subject] = subject.as_slice() else {
                    return Err(broken(path, "the head is not of one line", "others", "one line"));
                };
                Ok(Self {
                    path: path.into(),
                    kind: "journal head",
                    key,
                    ceremony: predicate.ceremony,
                    ceremony_toml_sha256: predicate.ceremony_toml_sha256,
                    number: predicate.number,
                    sha256: FileDigest(subject.digest.sha256.0),
                })
            }
            Err(refusal) if refusal.code() != Code::PredicateType => Err(at(path)(refusal)),
            Err(_) => {
                let said = Statement::<Receipt>::from_payload(payload).map_err(at(path))?.predicate;
                Ok(Self {
                    path: path.into(),
                    kind: "receipt",
                    key,
                    ceremony: said.ceremony,
                    ceremony_toml_sha256: said.ceremony_toml_sha256,
                    number: said.journal_entry,
                    sha256: said.journal_sha256,
                })
            }
        }
    }
}

/// What two words prove together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "judgement", rename_all = "kebab-case")]
pub enum Judgement {
    /// The service signed two journals that differ in this line: a proof against its key.
    Equivocation {
        /// The number of the line.
        number: u64,
        /// SHA-256 of the line, by one word.
        one: FileDigest,
        /// SHA-256 of the line, by the other.
        other: FileDigest,
    },
    /// Both are words on one journal.
    Agreement,
    /// Neither is shown: it takes the lines up to this one, which one of the words is on.
    Undecided {
        /// The number of the line.
        lines_up_to: u64,
    },
}

/// Reads the lines of a journal of the ceremony that a word is of.
///
/// # Errors
/// The first line that does not follow the one before.
pub fn lines(path: &Path, bytes: &[u8], of: &Testimony) -> Result<Vec<Recorded>, CeremonyError> {
    read_entries(path, bytes, 0, FileDigest(of.ceremony_toml_sha256.0))
}

/// Holds two words against each other, with the help of journals whose lines follow one another.
///
/// # Errors
/// When they are of two services or of two ceremonies: then neither says anything of the other.
pub fn judge(
    a: &Testimony,
    b: &Testimony,
    journals: &[Vec<Recorded>],
) -> Result<Judgement, CeremonyError> {
    if a.key != b.key {
        return Err(broken(
            &b.path,
            "two services signed these: neither contradicts itself",
            b.key.fingerprint(),
            a.key.fingerprint(),
        ));
    }
    if a.ceremony_toml_sha256 != b.ceremony_toml_sha256 {
        return Err(broken(
            &b.path,
            "these are of two ceremonies",
            b.ceremony_toml_sha256,
            a.ceremony_toml_sha256,
        ));
    }
    let (early, late) = if a.number <= b.number { (a, b) } else { (b, a) };
    let said = |number: u64, one: FileDigest, other: FileDigest| {
        if one == other {
            Judgement::Agreement
        } else {
            Judgement::Equivocation { number, one, other }
        }
    };
    if early.number == late.number {
        return Ok(said(early.number, early.sha256, late.sha256));
    }
    let line = |journal: &[Recorded], number: u64| {
        let index = usize::try_from(number).ok()?;
        journal.get(index).map(|recorded| recorded.sha256)
    };
    // Lines that the later word is on are the service's own, as if it had signed each of them.
    let vouched = journals.iter().find(|it| line(it, late.number) == Some(late.sha256));
    Ok(match vouched.and_then(|journal| line(journal, early.number)) {
        Some(found) => said(early.number, early.sha256, found),
        None => Judgement::Undecided { lines_up_to: late.number },
    })
}

#[cfg(test)]
mod tests {
    use zk_attest::primitives::Timestamp;

    use super::*;
    use crate::fixture::{key, label};
    use crate::journal::{Entry, Event};

    /// A journal in which these people joined.
    fn journal(people: &[&str]) -> Vec<Recorded> {
        let rules = FileDigest(ConfigDigest::of(b"rules").0);
        let mut entries: Vec<Recorded> = Vec::new();
        for (number, person) in (0..).zip(people) {
            let previous = entries.last().map_or(rules, |last| last.sha256);
            let participant = label(person);
            let event = Event::Joined { participant };
            let entry = Entry { number, previous, time: Timestamp::from_unix(0), event };
            let sha256 = FileDigest::of(&zk_attest::json::encode(&entry));
            entries.push(Recorded { entry, sha256 });
        }
        entries
    }

    fn on(journal: &[Recorded], number: usize) -> Testimony {
        Testimony {
            path: "head".into(),
            kind: "journal head",
            key: key("service"),
            ceremony: CeremonyId::new("boot-2026").unwrap(),
            ceremony_toml_sha256: ConfigDigest::of(b"rules"),
            number: journal[number].entry.number,
            sha256: journal[number].sha256,
        }
    }

    #[test]
    fn two_digests_of_one_line_convict_the_service() {
        let (one, other) = (journal(&["Ann", "Ben"]), journal(&["Ann", "Carl"]));
        let expected =
            Judgement::Equivocation { number: 1, one: one[1].sha256, other: other[1].sha256 };
        assert_eq!(judge(&on(&one, 1), &on(&other, 1), &[]).unwrap(), expected);
        assert_eq!(judge(&on(&one, 0), &on(&other, 0), &[]).unwrap(), Judgement::Agreement);
    }

    #[test]
    fn words_on_two_lines_are_held_together_by_the_lines_between() {
        let long = journal(&["Ann", "Ben", "Carl", "Dora"]);
        let other = journal(&["Ann", "Bob", "Carl", "Dora"]);
        let early = on(&other, 1);
        let late = on(&long, 3);
        let undecided = Judgement::Undecided { lines_up_to: 3 };
        assert_eq!(judge(&early, &late, &[]).unwrap(), undecided);
        // Lines that the later word is not on are nobody's word.
        assert_eq!(judge(&early, &late, std::slice::from_ref(&other)).unwrap(), undecided);
        assert_eq!(judge(&early, &late, &[long[..3].to_vec()]).unwrap(), undecided);
        let expected =
            Judgement::Equivocation { number: 1, one: other[1].sha256, other: long[1].sha256 };
        assert_eq!(judge(&early, &late, &[other.clone(), long.clone()]).unwrap(), expected);
        assert_eq!(judge(&late, &early, std::slice::from_ref(&long)).unwrap(), expected);
        assert_eq!(judge(&on(&long, 1), &late, &[long]).unwrap(), Judgement::Agreement);
    }

    #[test]
    fn words_of_two_services_or_two_ceremonies_are_no_contradiction() {
        let (one, other) = (journal(&["Ann"]), journal(&["Ben"]));
        let foreign = Testimony { key: key("other"), ..on(&other, 0) };
        judge(&on(&one, 0), &foreign, &[]).unwrap_err();
        let rules = ConfigDigest::of(b"other rules");
        let foreign = Testimony { ceremony_toml_sha256: rules, ..on(&other, 0) };
        judge(&on(&one, 0), &foreign, &[]).unwrap_err();
    }
}
