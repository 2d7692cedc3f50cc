//! Who has which part in a ceremony: the people of the rules, as signed amendments changed them.
//!
//! ```text
//! roster/0001.dsse.json, 0002.dsse.json ...   each with the digest of the one before
//! ```
//!
//! A [`Roster`] that was read proves of each amendment in force that
//!
//! 1. it is of this ceremony and its rules, has the next number, and names the one before;
//! 2. the change is one that the rules allow: who is enrolled is new, and there is room; a replaced
//!    key was its holder's, and the new one is nobody's; a deputy of the rules takes over, or the
//!    rules' coordinator again;
//! 3. those signed who may make such a change ([`Amendment::authorised`]).
//!
//! The first file that lacks signatures is *pending*: nothing changes until they are there. What
//! does not hold otherwise is not read, and neither is what comes after it.
//!
//! A key counts for the steps of its time. An amendment names the last step of each chain, its
//! *head*. The walk along a chain starts with the people of the rules, and goes on with those of
//! the next amendment once it has passed that one's head. So whoever has an old key cannot make a
//! step that passes for an earlier one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zk_attest::amendment::{AMENDMENT_SUBJECT, Amendment, Change};
use zk_attest::digest::{AmendmentDigest, FileDigest};
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::Label;
use zk_attest::statement::{Action, Phase, Statement};
use zk_vk_guard::limits::{MAX_AMENDMENTS, MAX_HANDOVERS};

use crate::config::{Config, Participant, Person};
use crate::error::{CeremonyError, at, broken};
use crate::folder::{Folder, Track};

/// The folder of amendments.
pub const ROSTER: &str = "roster";

/// Everybody's part, as it is now and as it was.
#[derive(Clone, Debug)]
pub struct Roster {
    participants: Vec<Participant>,
    coordinator: Person,
    holders: Vec<Holder>,
    amendments: Vec<Amended>,
    pending: Option<Pending>,
    unread: Option<Arc<CeremonyError>>,
}

/// An amendment with its signatures.
#[derive(Clone, Debug)]
pub struct Amended {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub said: Amendment,
    /// The signed statement.
    pub envelope: Envelope,
    /// Those of the keys that count who signed it.
    pub signers: BTreeSet<PublicKey>,
}

impl Amended {
    /// SHA-256 of its payload, which the next one names.
    #[must_use]
    pub fn digest(&self) -> AmendmentDigest {
        AmendmentDigest::of(self.envelope.payload())
    }
}

/// An amendment that waits for signatures.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The amendment.
    pub amended: Amended,
    /// What is missing.
    pub missing: String,
}

/// An amendment that fits, and which signatures are missing, if any.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) amended: Amended,
    pub(crate) missing: Option<String>,
}

/// A key that has or had a part: after how many amendments it was given, and up to how many.
#[derive(Clone, Debug)]
struct Holder {
    part: Part,
    name: Label,
    key: PublicKey,
    term: Term,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Coordinator,
    Participant(Vec<Phase>),
}

/// From which amendment to which a key has its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    from: u32,
    until: Option<u32>,
}

impl Term {
    /// Whether it covers what was made after that many amendments.
    pub(crate) fn covers(self, amendments: u32) -> bool {
        self.from <= amendments && self.until.is_none_or(|until| amendments < until)
    }
}

/// Someone who may make a step, with a key and its term.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Maker<'a> {
    pub(crate) name: &'a Label,
    pub(crate) key: &'a PublicKey,
    pub(crate) term: Term,
}

impl Roster {
    /// The roster of the rules.
    #[must_use]
    pub fn of_rules(config: &Config) -> Self {
        let rules = config.document();
        let term = Term { from: 0, until: None };
        let participants = rules.participants.iter().map(|person| Holder {
            part: Part::Participant(person.phases.clone()),
            name: person.name.clone(),
            key: person.key,
            term,
        });
        let coordinator = Holder {
            part: Part::Coordinator,
            name: rules.coordinator.name.clone(),
            key: rules.coordinator.key,
            term,
        };
        Self {
            participants: rules.participants.clone(),
            coordinator: rules.coordinator.clone(),
            holders: std::iter::once(coordinator).chain(participants).collect(),
            amendments: Vec::new(),
            pending: None,
            unread: None,
        }
    }

    /// Reads the amendments of a folder.
    pub(crate) fn read(folder: &Folder, config: &Config) -> Self {
        let mut roster = Self::of_rules(config);
        while roster.amendments.len() < MAX_AMENDMENTS {
            let path = roster.next_path(folder);
            if !folder.is_present(&path) {
                break;
            }
            match roster.amendment(folder, config, &path) {
                Ok(Judged { amended, missing: None }) => roster.apply(amended),
                Ok(Judged { amended, missing: Some(missing) }) => {
                    roster.pending = Some(Pending { amended, missing });
                    break;
                }
                Err(error) => {
                    roster.unread = Some(Arc::new(error));
                    break;
                }
            }
        }
        roster
    }

    /// Where the next amendment goes.
    pub(crate) fn next_path(&self, folder: &Folder) -> PathBuf {
        let number = self.amendments.len() + 1;
        folder.root().join(ROSTER).join(format!("{number:04}.dsse.json"))
    }

    fn amendment(
        &self,
        folder: &Folder,
        config: &Config,
        path: &Path,
    ) -> Result<Judged, CeremonyError> {
        let bytes = folder.read(path, Envelope::MAX_BYTES)?;
        self.judge(config, path, Envelope::from_json(&bytes).map_err(at(path))?)
    }

    /// Reads the next amendment.
    pub(crate) fn judge(
        &self,
        config: &Config,
        path: &Path,
        envelope: Envelope,
    ) -> Result<Judged, CeremonyError> {
        let Statement { subject, predicate: said } =
            Statement::<Amendment>::from_payload(envelope.payload()).map_err(at(path))?;
        let rules = config.document();
        let next = u32::try_from(self.amendments.len() + 1).unwrap_or(u32::MAX);
        let is_of_the_rules = matches!(subject.as_slice(), [it] if it.name.as_str()
            == AMENDMENT_SUBJECT && it.digest.sha256.0 == config.digest().0);
        let same = [
            ("ceremony", said.ceremony == rules.id),
            ("rules", said.ceremony_toml_sha256 == config.digest() && is_of_the_rules),
            ("kind", said.kind == rules.kind),
            ("number", said.number == next),
            ("amendment before", said.previous == self.last_digest()),
        ];
        if let Some((field, _)) = same.iter().find(|(_, same)| !same) {
            return Err(broken(
                path,
                format_args!("the amendment belongs to another place: its {field} differs"),
                format_args!("amendment {} of {}", said.number, said.ceremony),
                format_args!("amendment {next} of {}, built on the one before it", rules.id),
            ));
        }
        self.ensure_fits(config, &said, path)?;
        let deputies = config.deputies();
        let deputy_keys = deputies.iter().flat_map(|deputies| &deputies.keys);
        let old_key = match &said.change {
            Change::Replace { old_key, .. } => Some(old_key),
            _ => None,
        };
        let counted = deputy_keys.chain([&self.coordinator.key, said.new_key()]).chain(old_key);
        let signers = envelope.signers(counted);
        let missing = said
            .authorised(&signers, &self.coordinator.key, deputies.as_ref())
            .err()
            .map(|refusal| refusal.expected_text().unwrap_or_default().to_owned());
        Ok(Judged { amended: Amended { path: path.into(), said, envelope, signers }, missing })
    }

    /// Whether the rules allow a change of this roster.
    pub(crate) fn ensure_fits(
        &self,
        config: &Config,
        said: &Amendment,
        path: &Path,
    ) -> Result<(), CeremonyError> {
        let rules = config.document();
        let refused = |what: &str, found: &dyn std::fmt::Display, expected: &str| {
            Err(broken(path, what, found, expected))
        };
        let deputies = || rules.deputies.iter().flat_map(|deputies| &deputies.people);
        let new_key = said.new_key();
        let is_known = self.holders.iter().any(|holder| holder.key == *new_key)
            || deputies().any(|person| person.key == *new_key);
        let is_handover = matches!(said.change, Change::Handover { .. });
        if is_known && !is_handover {
            return refused(
                "the new key is known already",
                &new_key.fingerprint(),
                "a key that nobody in this ceremony has or had",
            );
        }
        match &said.change {
            Change::Enrol { participant, phases, .. } => {
                let Some(rule) = &rules.enrolment else {
                    return refused(
                        "the rules allow no enrolment",
                        participant,
                        "an [enrolment] in ceremony.toml, before the ceremony begins",
                    );
                };
                if phases.is_empty() || !phases.is_sorted_by(|a, b| a < b) {
                    let found = format!("{} phases", phases.len());
                    return refused("the phases are not a list", &found, "[1], [2] or [1, 2]");
                }
                if phases.iter().any(|phase| !rule.phases.contains(phase)) {
                    let shown: Vec<u8> = phases.iter().map(|phase| u8::from(*phase)).collect();
                    let allowed: Vec<u8> = rule.phases.iter().map(|p| u8::from(*p)).collect();
                    return refused(
                        "the rules allow no enrolment for these phases",
                        &format!("{shown:?}"),
                        &format!("some of {allowed:?}"),
                    );
                }
                let is_enrolment =
                    |amended: &&Amended| matches!(amended.said.change, Change::Enrol { .. });
                let enrolled = self.amendments.iter().filter(is_enrolment).count();
                if enrolled >= rule.maximum as usize {
                    return refused(
                        "as many people are enrolled as the rules allow",
                        &enrolled,
                        &format!("at most {}", rule.maximum),
                    );
                }
                if self.holders.iter().any(|holder| holder.name == *participant)
                    || deputies().any(|person| person.name == *participant)
                {
                    return refused(
                        "someone has this name already",
                        participant,
                        "a name of one's own",
                    );
                }
            }
            Change::Replace { participant, old_key, .. } => {
                let named = self.participants.iter().find(|person| person.name == *participant);
                let Some(person) = named else {
                    return refused(
                        "no participant with this name is in the roster",
                        participant,
                        "a name of the roster",
                    );
                };
                if person.key != *old_key {
                    return refused(
                        "the replaced key is not the participant's",
                        &old_key.fingerprint(),
                        &person.key.fingerprint(),
                    );
                }
            }
            Change::Handover { coordinator, key } => {
                let may = deputies().chain([&rules.coordinator]);
                let named =
                    may.into_iter().any(|person| person.key == *key && person.name == *coordinator);
                if *key == self.coordinator.key {
                    return refused(
                        "this person acts as coordinator already",
                        coordinator,
                        "someone else",
                    );
                }
                if !named {
                    return refused(
                        "this person cannot take over as coordinator",
                        &format!("{coordinator}, {}", key.fingerprint()),
                        "a deputy of the rules, with the name and key of ceremony.toml",
                    );
                }
                if self.handovers().count() >= MAX_HANDOVERS {
                    return refused(
                        "the coordinator has changed too often",
                        &MAX_HANDOVERS,
                        "fewer handovers",
                    );
                }
            }
        }
        let tracks: Vec<Option<&str>> =
            said.heads.iter().map(|head| head.circuit.as_ref().map(|name| name.as_str())).collect();
        let known = |track: &Option<&str>| {
            let is_it = |name: &str| rules.circuits.iter().any(|it| it.name.as_str() == name);
            track.is_none_or(is_it)
        };
        // Phase 1 has begun with the ceremony, and a chain that has begun stays begun.
        let earlier = self.amendments.last().map_or(&[][..], |last| &last.said.heads);
        let goes_on = earlier
            .iter()
            .all(|before| said.heads.iter().any(|head| head.circuit == before.circuit));
        if !tracks.is_sorted_by(|a, b| a < b)
            || !tracks.iter().all(known)
            || tracks.first() != Some(&None)
            || !goes_on
        {
            return refused(
                "the amendment does not name the last steps of the ceremony's chains",
                &format!("{} heads", tracks.len()),
                "phase 1, then the circuits by rising name, each once",
            );
        }
        Ok(())
    }

    pub(crate) fn apply(&mut self, amended: Amended) {
        let number = amended.said.number;
        match &amended.said.change {
            Change::Enrol { participant, key, phases } => {
                let (name, key, phases) = (participant.clone(), *key, phases.clone());
                self.hold(Part::Participant(phases.clone()), name.clone(), key, number);
                self.participants.push(Participant { name, key, phases });
            }
            Change::Replace { participant, old_key, key } => {
                self.end(number, old_key);
                let named = self.participants.iter_mut().find(|p| p.name == *participant);
                if let Some(person) = named {
                    person.key = *key;
                    let phases = person.phases.clone();
                    self.hold(Part::Participant(phases), participant.clone(), *key, number);
                }
            }
            Change::Handover { coordinator, key } => {
                let before = self.coordinator.key;
                self.end(number, &before);
                self.hold(Part::Coordinator, coordinator.clone(), *key, number);
                self.coordinator = Person { name: coordinator.clone(), key: *key };
            }
        }
        self.amendments.push(amended);
    }

    fn hold(&mut self, part: Part, name: Label, key: PublicKey, from: u32) {
        self.holders.push(Holder { part, name, key, term: Term { from, until: None } });
    }

    fn end(&mut self, number: u32, key: &PublicKey) {
        let ending = |holder: &&mut Holder| holder.key == *key && holder.term.until.is_none();
        if let Some(holder) = self.holders.iter_mut().find(ending) {
            holder.term.until = Some(number);
        }
    }

    /// Who may contribute to a phase, with today's keys: in the order of the rules, then as they
    /// were enrolled.
    pub fn participants(&self, phase: Phase) -> impl Iterator<Item = &Participant> + Clone {
        self.participants.iter().filter(move |participant| participant.phases.contains(&phase))
    }

    /// Everybody who may contribute, with today's keys.
    #[must_use]
    pub fn everybody(&self) -> &[Participant] {
        &self.participants
    }

    /// Who opens, closes, prepares and rejects now.
    #[must_use]
    pub fn coordinator(&self) -> &Person {
        &self.coordinator
    }

    /// The amendments in force, in their order.
    #[must_use]
    pub fn amendments(&self) -> &[Amended] {
        &self.amendments
    }

    /// The amendment that waits for signatures.
    #[must_use]
    pub fn pending(&self) -> Option<&Pending> {
        self.pending.as_ref()
    }

    /// Why the next file of the amendments' folder is not read.
    #[must_use]
    pub fn unread(&self) -> Option<&Arc<CeremonyError>> {
        self.unread.as_ref()
    }

    /// The digest that the next amendment names.
    #[must_use]
    pub fn last_digest(&self) -> Option<AmendmentDigest> {
        self.amendments.last().map(Amended::digest)
    }

    /// The amendments that made another person the coordinator.
    pub fn handovers(&self) -> impl Iterator<Item = &Amended> {
        let is_handover = |it: &&Amended| matches!(it.said.change, Change::Handover { .. });
        self.amendments.iter().filter(is_handover)
    }

    /// Every key that has or had a part, with its holder's name.
    pub fn keys(&self) -> impl Iterator<Item = (&Label, &PublicKey)> {
        self.holders.iter().map(|holder| (&holder.name, &holder.key))
    }

    /// Everybody who may make or might have made a step of this kind.
    pub(crate) fn makers(&self, action: Action, phase: Phase) -> Vec<Maker<'_>> {
        let is_maker = |holder: &&Holder| match &holder.part {
            Part::Coordinator => action != Action::Contribution,
            Part::Participant(phases) => action == Action::Contribution && phases.contains(&phase),
        };
        let found = self.holders.iter().filter(is_maker);
        found.map(|it| Maker { name: &it.name, key: &it.key, term: it.term }).collect()
    }

    /// The last step that each amendment names for a chain; none where it had not begun.
    pub(crate) fn heads(&self, track: &Track) -> impl Iterator<Item = Option<FileDigest>> {
        let circuit = match track {
            Track::Phase1 => None,
            Track::Circuit(name) => Some(name.clone()),
        };
        self.amendments.iter().map(move |amended| {
            let mut heads = amended.said.heads.iter();
            heads.find(|head| head.circuit == circuit).map(|head| head.file)
        })
    }
}

#[cfg(test)]
mod tests;
