//! `journal.jsonl`: what happened while a service held the ceremony, one entry a line.
//!
//! Each entry names the SHA-256 of the line before, and the service signs the last line, so that
//! nothing can be taken out or put in later without its key. The journal is public and part of the
//! archive. It names participants by the names of the roster, and nobody's address.
//!
//! ```text
//! line n      {"number":n,"previous":"SHA-256 of line n - 1","time":"...","event":{...}}
//! the first   number 0, previous: SHA-256 of ceremony.toml
//! ```
//!
//! A line is on the disk before anybody is told of what it says. A crash may tear the last line:
//! [`Journal::open`] cuts it off and notes how many bytes that were.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{AmendmentDigest, ConfigDigest, FileDigest, sha256};
use zk_attest::envelope::Envelope;
use zk_attest::json;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyId, CircuitName, Label, Timestamp};
use zk_attest::signer::{Signer, sign_envelope};
use zk_attest::statement::{Action, Phase, Predicate, Statement, Subject};

use crate::Ceremony;
use crate::chain::{Chain, Step};
use crate::error::{Cause, CeremonyError, at, broken};
use crate::place::{Place, Readers};
use crate::roster::Amended;
use crate::service::{Appointment, appointments};
use crate::steps::write_file;

/// The journal's name in the folder.
pub const JOURNAL: &str = "journal.jsonl";
/// The name of its signed head.
pub const JOURNAL_HEAD: &str = "journal.head.dsse.json";
/// Bytes of a journal at most: a hundred thousand entries.
pub const MAX_JOURNAL_BYTES: usize = 64 << 20;
/// Bytes of one entry at most: the longest texts that it can hold, escaped.
const MAX_LINE_BYTES: usize = 8 << 10;
/// How often a journal is looked at that does not hold, and how long to wait in between.
const LOOKS: usize = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// The journal begins.
    Opened {
        /// The service's key.
        service: PublicKey,
    },
    /// The service began again.
    Restarted {
        /// Bytes of a torn last line that were cut off.
        cut: u64,
    },
    /// A participant entered the queue.
    Joined {
        /// Who.
        participant: Label,
    },
    /// A participant got the turn.
    Granted {
        /// Who.
        participant: Label,
        /// The turn.
        turn: String,
    },
    /// The turn's time ran out.
    Expired {
        /// Who had it.
        participant: Label,
        /// The turn.
        turn: String,
    },
    /// The participant gave the turn back.
    GivenUp {
        /// Who had it.
        participant: Label,
        /// The turn.
        turn: String,
    },
    /// The participant was not there when it was their turn, and is passed over.
    Skipped {
        /// Who.
        participant: Label,
    },
    /// The whole contribution of a turn came, with its attestations.
    Received {
        /// Whose.
        participant: Label,
        /// The turn.
        turn: String,
    },
    /// A contribution was refused.
    Refused {
        /// Whose.
        participant: Label,
        /// The turn.
        turn: String,
        /// The circuit, in phase 2.
        circuit: Option<CircuitName>,
        /// The reason's stable name.
        code: String,
        /// The reason, in words.
        reason: Label,
    },
    /// A step of a chain: a contribution that was accepted, or a step that came into the folder in
    /// another way.
    Step {
        /// The circuit, in phase 2.
        circuit: Option<CircuitName>,
        /// The step's name.
        step: String,
        /// What it is.
        action: Action,
        /// Who signed it.
        participant: Label,
        /// SHA-256 of its file.
        file: FileDigest,
        /// The turn in which it came; none for what came in another way.
        turn: Option<String>,
    },
    /// Somebody's enrolment came.
    Enrolled {
        /// Who.
        participant: Label,
        /// SHA-256 of the signed document.
        document: FileDigest,
    },
    /// A participant's commitment to the secrets of a phase came.
    Committed {
        /// Whose.
        participant: Label,
        /// The phase.
        phase: Phase,
        /// SHA-256 of the signed document.
        document: FileDigest,
    },
    /// The coordinator began another round of commitments to a phase: those before are void.
    CommitmentRound {
        /// The phase.
        phase: Phase,
        /// The round: 2 or more.
        round: u32,
        /// SHA-256 of the signed document.
        document: FileDigest,
    },
    /// The service takes no commitments to a phase any more: everybody's is there, or the time for
    /// them is over.
    CommitmentsClosed {
        /// The phase.
        phase: Phase,
    },
    /// A phase was closed without the contribution of a participant who had committed to it.
    Unopened {
        /// Whose.
        participant: Label,
        /// The phase.
        phase: Phase,
    },
    /// The roster was amended.
    Amended {
        /// The amendment's number.
        number: u32,
        /// SHA-256 of the signed statement.
        document: AmendmentDigest,
    },
    /// An auditor's verdict came.
    Verdict {
        /// The auditor's key.
        auditor: PublicKey,
        /// SHA-256 of the signed document.
        document: FileDigest,
    },
    /// An approval of the bundle came.
    Approval {
        /// Whose.
        key: PublicKey,
    },
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number, from 0.
    pub number: u64,
    /// SHA-256 of the line before, without its line feed; of the first one: of ceremony.toml.
    pub previous: FileDigest,
    /// When.
    pub time: Timestamp,
    /// What.
    pub event: Event,
}

/// An entry, and the SHA-256 of its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The entry.
    pub entry: Entry,
    /// SHA-256 of its line, without the line feed.
    pub sha256: FileDigest,
}

/// What the service signs of its journal: the subject is the last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalHead {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// The number of the last entry.
    pub number: u64,
}

impl Predicate for JournalHead {
    const TYPE: &'static str = "urn:zk-ceremony:journal-head:v1";
    const RENEW: &'static str = "start the service again: it signs the journal's head";
}

/// Reads lines, each held to the one before; the first one to the `previous` one, whose number is
/// one below `first`.
///
/// # Errors
/// The first line that is not the one that follows. Messages name `path`.
pub fn read_entries(
    path: &Path,
    bytes: &[u8],
    first: u64,
    mut previous: FileDigest,
) -> Result<Vec<Recorded>, CeremonyError> {
    let mut entries: Vec<Recorded> = Vec::new();
    let Some(whole) = bytes.strip_suffix(b"\n") else {
        if bytes.is_empty() {
            return Ok(entries);
        }
        return Err(broken(path, "the journal's last line is torn", "no line feed", "a line feed"));
    };
    for (number, line) in (first..).zip(whole.split(|byte| *byte == b'\n')) {
        let refused = |refusal: zk_attest::error::Refusal| {
            at(path)(refusal.within(format_args!("line {}", number + 1)))
        };
        let entry: Entry =
            json::parse_canonical(line, MAX_LINE_BYTES, "journal entry").map_err(refused)?;
        let follows = entry.number == number && entry.previous == previous;
        if !follows {
            return Err(broken(
                path,
                format_args!("line {} of the journal does not follow the one before", number + 1),
                format_args!("number {}, previous {}", entry.number, entry.previous),
                format_args!("number {number}, previous {previous}"),
            ));
        }
        previous = FileDigest::of(line);
        entries.push(Recorded { entry, sha256: previous });
    }
    Ok(entries)
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    ceremony: CeremonyId,
    rules: ConfigDigest,
    entries: Vec<Recorded>,
    /// Bytes of whole lines in the file.
    length: u64,
}

impl Journal {
    /// Opens the journal of a ceremony, or begins it, and says how many bytes of a torn last line
    /// were cut off.
    ///
    /// # Errors
    /// When the file is not a regular one, or what stands in it does not hold together.
    pub fn open(ceremony: &Ceremony) -> Result<(Self, u64), CeremonyError> {
        let path = ceremony.folder.root().join(JOURNAL);
        let place = Place::named(&path).map_err(at(&path))?;
        let mut file = match place.open_for_append() {
            Ok(file) => file,
            Err(crate::store::ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                place.create_new(Readers::Everyone).map_err(at(&path))?
            }
            Err(error) => return Err(at(&path)(error)),
        };
        let mut bytes = Vec::new();
        let limit = MAX_JOURNAL_BYTES as u64 + 1;
        (&mut file).take(limit).read_to_end(&mut bytes).map_err(at(&path))?;
        if bytes.len() > MAX_JOURNAL_BYTES {
            let limit = MAX_JOURNAL_BYTES;
            return Err(at(&path)(crate::store::ReadError::TooLarge { limit }));
        }
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let cut = (bytes.len() - whole) as u64;
        let rules = ceremony.config.digest();
        let entries = read_entries(&path, &bytes[..whole], 0, FileDigest(rules.0))?;
        if cut > 0 {
            file.set_len(whole as u64).map_err(at(&path))?;
        }
        let ceremony = ceremony.config.document().id.clone();
        Ok((Self { file, path, ceremony, rules, entries, length: whole as u64 }, cut))
    }

    /// The entries.
    #[must_use]
    pub fn entries(&self) -> &[Recorded] {
        &self.entries
    }

    /// Adds lines that a service wrote, for a copy of its journal.
    ///
    /// # Errors
    /// When they do not follow the lines that are here, or writing fails.
    pub fn append_lines(&mut self, lines: &str) -> Result<(), CeremonyError> {
        let (next, previous) = self.end();
        let new = read_entries(&self.path, lines.as_bytes(), next, previous)?;
        self.write(lines.as_bytes())?;
        self.entries.extend(new);
        Ok(())
    }

    /// The number of the next entry, and the SHA-256 that it names.
    fn end(&self) -> (u64, FileDigest) {
        let previous = self.entries.last().map_or(FileDigest(self.rules.0), |last| last.sha256);
        (self.entries.len() as u64, previous)
    }

    /// Whether the file still has these entries and no others, by its length: a copy that somebody
    /// else wrote to, or removed, is to be opened again.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.path.symlink_metadata().is_ok_and(|found| found.len() == self.length)
    }

    /// Writes whole lines behind those that are there, and waits for the disk.
    fn write(&mut self, lines: &[u8]) -> Result<(), CeremonyError> {
        let length = self.length + lines.len() as u64;
        if length > MAX_JOURNAL_BYTES as u64 {
            // What nobody could open again is not written.
            let limit = MAX_JOURNAL_BYTES;
            return Err(at(&self.path)(crate::store::ReadError::TooLarge { limit }));
        }
        let written = self
            .file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.write_all(lines))
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What a failed write left would be a torn line for the next reader.
            let _ = self.file.set_len(self.length);
            return Err(CeremonyError {
                path: self.path.clone(),
                cause: Cause::Write { doing: "writing", error },
            });
        }
        self.length = length;
        Ok(())
    }

    /// Adds an entry; it is on the disk when this returns.
    ///
    /// # Errors
    /// When writing fails. The entry is not part of the journal then.
    pub fn append(&mut self, event: Event) -> Result<Recorded, CeremonyError> {
        let (number, previous) = self.end();
        let entry = Entry { number, previous, time: Timestamp::now(), event };
        let mut line = json::encode(&entry);
        let sha256 = FileDigest::of(&line);
        line.push(b'\n');
        self.write(&line)?;
        let recorded = Recorded { entry, sha256 };
        self.entries.push(recorded.clone());
        Ok(recorded)
    }

    /// Signs the last entry, and writes what was signed next to the journal.
    ///
    /// # Errors
    /// When signing or writing fails.
    pub fn sign_head(
        &self,
        ceremony: &Ceremony,
        signer: &mut dyn Signer,
    ) -> Result<Option<Envelope>, Diagnostic> {
        let Some(last) = self.entries.last() else { return Ok(None) };
        let path = ceremony.folder.root().join(JOURNAL_HEAD);
        let predicate = JournalHead {
            ceremony: self.ceremony.clone(),
            ceremony_toml_sha256: self.rules,
            number: last.entry.number,
        };
        let subject = Subject::new(JOURNAL, last.sha256.as_bytes()).map_err(at(&path))?;
        let statement = Statement { subject: vec![subject], predicate };
        let mut envelope = statement.to_envelope().map_err(at(&path))?;
        sign_envelope(signer, &mut envelope)?;
        write_file(ceremony, &path, &envelope.to_json(), true)?;
        Ok(Some(envelope))
    }
}

/// What a journal in a folder says, once it was verified.
#[derive(Clone, Debug)]
pub struct VerifiedJournal {
    /// Its entries.
    pub entries: Vec<Recorded>,
    /// Who signed its head.
    pub service: Appointment,
}

impl Ceremony {
    /// Verifies the journal of this folder, if there is one: every line follows the one before, the
    /// last one is signed by a service that the coordinator appointed, and every step that it tells
    /// of is signed in the folder.
    ///
    /// # Errors
    /// What does not hold.
    pub fn journal(&self) -> Result<Option<VerifiedJournal>, CeremonyError> {
        let folder = &self.folder;
        let (path, head) = (folder.root().join(JOURNAL), folder.root().join(JOURNAL_HEAD));
        if !folder.is_present(&path) && !folder.is_present(&head) {
            return Ok(None);
        }
        let bytes = folder.read(&path, MAX_JOURNAL_BYTES)?;
        let entries = read_entries(&path, &bytes, 0, FileDigest(self.config.digest().0))?;
        let envelope =
            Envelope::from_json(&folder.read(&head, Envelope::MAX_BYTES)?).map_err(at(&head))?;
        let service = self.signed_head(&entries, &envelope)?;
        self.ensure_known(&path, &entries)?;
        self.ensure_in_time(&path, &entries)?;
        self.ensure_committed_first(&path, &entries)?;
        Ok(Some(VerifiedJournal { entries, service }))
    }

    /// [`Self::journal`] of a folder that a service may hold: it writes an entry first and its
    /// signature after, so that a journal that does not hold is looked at again.
    ///
    /// # Errors
    /// As [`Self::journal`].
    pub fn settled_journal(&self) -> Result<Option<VerifiedJournal>, CeremonyError> {
        for _ in 1..LOOKS {
            match self.journal() {
                Err(error) if !error.is_environment() => std::thread::sleep(PAUSE),
                settled => return settled,
            }
        }
        self.journal()
    }

    /// The entries of the journal, if there is one whose lines follow one another.
    pub(crate) fn journal_as_it_is(&self) -> Option<(PathBuf, Vec<Recorded>)> {
        let path = self.folder.root().join(JOURNAL);
        let bytes = self.folder.read(&path, MAX_JOURNAL_BYTES).ok()?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let entries =
            read_entries(&path, &bytes[..whole], 0, FileDigest(self.config.digest().0)).ok()?;
        Some((path, entries))
    }

    /// The service that signed the head of a journal with these entries.
    ///
    /// # Errors
    /// When no appointed service did, or the head is of another last entry.
    pub fn signed_head(
        &self,
        entries: &[Recorded],
        envelope: &Envelope,
    ) -> Result<Appointment, CeremonyError> {
        let root = self.folder.root();
        let (path, head) = (root.join(JOURNAL), root.join(JOURNAL_HEAD));
        let service = appointments(self)?
            .into_iter()
            .find(|appointed| !envelope.signers([&appointed.service_key]).is_empty());
        let Some(service) = service else {
            return Err(broken(
                &head,
                "no service of this ceremony signed the journal",
                "another key",
                "a key that the coordinator appointed, in services/",
            ));
        };
        let Statement { subject, predicate } =
            Statement::<JournalHead>::from_payload(envelope.payload()).map_err(at(&head))?;
        let last = entries.last();
        let signed = match subject.as_slice() {
            [subject] => Some((predicate.number, FileDigest(subject.digest.sha256.0))),
            _ => None,
        };
        let found = last.map(|last| (last.entry.number, last.sha256));
        if predicate.ceremony_toml_sha256 != self.config.digest() || signed != found {
            let shown = |head: Option<(u64, FileDigest)>| {
                head.map_or("nothing".into(), |(number, sha256)| {
                    format!("entry {number}, {sha256}")
                })
            };
            return Err(broken(
                &path,
                "the journal does not end with the entry that the service signed",
                shown(found),
                shown(signed),
            ));
        }
        Ok(service)
    }

    /// Every step that a journal tells of is signed in this folder, in its chain or taken out of
    /// it, and every amendment is in its roster.
    pub(crate) fn ensure_known<'a>(
        &'a self,
        path: &Path,
        entries: &[Recorded],
    ) -> Result<(), CeremonyError> {
        for recorded in entries {
            if let Event::Amended { number, document } = &recorded.entry.event {
                let index = usize::try_from(*number).unwrap_or(usize::MAX).wrapping_sub(1);
                let here = self.roster.amendments().get(index).map(Amended::digest);
                if here != Some(*document) {
                    return Err(broken(
                        path,
                        format_args!(
                            "entry {} tells of amendment {number}, which is not in this folder",
                            recorded.entry.number
                        ),
                        here.map_or("no such amendment".into(), |digest| digest.to_string()),
                        document,
                    ));
                }
            }
            let Event::Step { circuit, step, file, action, participant, .. } =
                &recorded.entry.event
            else {
                continue;
            };
            let track = circuit.clone().map_or(crate::Track::Phase1, crate::Track::Circuit);
            let chains = || self.chains().filter(|chain| chain.track == track);
            let of_file = || {
                let steps = |chain: &'a Chain| {
                    chain.steps.iter().chain(&chain.signed).chain(&chain.prepared)
                };
                chains().flat_map(steps).filter(|step| step.file == *file)
            };
            let is_so = |step: &Step| {
                step.words.action == *action && step.words.participant == *participant
            };
            // Readers of the journal go by what it calls a step.
            if let Some(signed) = of_file().next()
                && !of_file().any(is_so)
            {
                return Err(broken(
                    path,
                    format_args!(
                        "entry {} calls {track}, step {step}, something that it is not",
                        recorded.entry.number
                    ),
                    format_args!("{} by {participant}", action.as_str()),
                    format_args!(
                        "{} by {}",
                        signed.words.action.as_str(),
                        signed.words.participant
                    ),
                ));
            }
            let known = of_file().next().is_some()
                || chains().any(|chain| chain.rejected.iter().any(|it| it.file == *file));
            if !known {
                return Err(broken(
                    path,
                    format_args!(
                        "entry {} tells of {track}, step {step}, which is not in this folder",
                        recorded.entry.number
                    ),
                    "no such step",
                    file,
                ));
            }
        }
        Ok(())
    }
}

/// SHA-256 of a document, as journals name it.
#[must_use]
pub fn document_digest(bytes: &[u8]) -> FileDigest {
    FileDigest(sha256(bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fixture::{COORDINATOR, Holder, contribution, key, label, rules};
    use crate::service::appoint;

    /// A folder of these rules with a journal signed by some key, and alice's contribution.
    struct World {
        _folder: tempfile::TempDir,
        ceremony: Ceremony,
    }

    impl World {
        fn new(rules: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("ceremony.toml"), rules).unwrap();
            let mut ceremony = Ceremony::open(folder.path()).unwrap();
            let coordinator = &mut Holder::of(COORDINATOR);
            appoint(&ceremony, key("service"), &label("https://example.org"), coordinator).unwrap();
            ceremony.phase1.steps = vec![contribution(&ceremony, "alice")];
            Self { _folder: folder, ceremony }
        }

        fn write(&self, events: &[Event], signer: &'static str) {
            let (mut journal, _) = Journal::open(&self.ceremony).unwrap();
            for event in events {
                journal.append(event.clone()).unwrap();
            }
            journal.sign_head(&self.ceremony, &mut Holder::of(signer)).unwrap();
        }

        /// How many entries there are, or why it does not hold.
        fn judged(&self) -> Result<Option<usize>, String> {
            let judged = self.ceremony.journal();
            judged
                .map(|journal| journal.map(|journal| journal.entries.len()))
                .map_err(|error| error.to_string())
        }

        fn all_recorded(&self) -> Result<(), String> {
            self.ceremony.ensure_all_recorded().map_err(|error| error.to_string())
        }
    }

    fn step(who: &str) -> Event {
        Event::Step {
            circuit: None,
            step: "0001".into(),
            action: Action::Contribution,
            participant: label(who),
            file: FileDigest::of(who.as_bytes()),
            turn: None,
        }
    }

    fn committed() -> Event {
        let document = FileDigest::of(b"a commitment");
        Event::Committed { participant: label("alice"), phase: Phase::One, document }
    }

    /// The same rules, with commitments in the place of enrolments.
    fn with_commitments() -> String {
        let rules = rules();
        let at = |words: &str| rules.find(words).unwrap();
        let (from, to) = (at("[enrolment]"), at("[beacon.phase1]"));
        format!("{}[commitments]\nsecrets = true\n\n{}", &rules[..from], &rules[to..])
    }

    #[track_caller]
    fn refused(rules: &str, events: &[Event], signer: &'static str, why: &str) {
        let world = World::new(rules);
        world.write(events, signer);
        let refused = world.judged().unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }

    #[test]
    fn a_journal_is_signed_by_a_service_and_tells_of_known_steps_in_their_order() {
        let world = World::new(&rules());
        assert_eq!(world.judged(), Ok(None));
        world.write(&[step("alice"), committed()], "service");
        assert_eq!(world.judged(), Ok(Some(2)));
        refused(&rules(), &[step("alice")], "alice", "no service of this ceremony signed");
        refused(&rules(), &[step("bob")], "service", "which is not in this folder");
        // Its value has been public for years.
        let round = rules().replacen("source = \"a chain\"", "drand = \"quicknet\"", 1);
        let late = "was added when the value of its beacon was public";
        refused(&round, &[step("alice")], "service", late);
        let late = "alice committed too late";
        refused(&with_commitments(), &[step("alice"), committed()], "service", late);
        // An entry less than was signed.
        let path = world.ceremony.folder.root().join(JOURNAL);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..=text.find('\n').unwrap()]).unwrap();
        let other = world.judged().unwrap_err();
        assert!(other.contains("does not end with the entry that the service signed"), "{other}");
        fs::write(&path, text).unwrap();
        // Without its head nobody has signed it, and without its lines nobody knows what was.
        for name in [JOURNAL_HEAD, JOURNAL] {
            let path = world.ceremony.folder.root().join(name);
            let bytes = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            world.judged().unwrap_err();
            fs::write(&path, bytes).unwrap();
        }
        assert_eq!(world.judged(), Ok(Some(2)));
    }

    #[test]
    fn where_secrets_are_committed_to_the_journal_tells_of_every_contribution() {
        let unknown = "nothing shows that the commitments came before the contributions";
        let world = World::new(&with_commitments());
        let missing = world.all_recorded().unwrap_err();
        assert!(missing.contains(unknown) && missing.contains("no journal"), "{missing}");
        world.write(&[committed()], "service");
        let missing = world.all_recorded().unwrap_err();
        assert!(missing.contains(unknown) && missing.contains("phase 1, step 0001"), "{missing}");
        world.write(&[step("alice")], "service");
        world.all_recorded().unwrap();
        // Without the rule nothing is asked.
        World::new(&rules()).all_recorded().unwrap();
    }
}
