//! Amendments: what changes in a ceremony's roster while it goes on.
//!
//! The rules name the people of a ceremony. What happens to people in the weeks that it takes is
//! said by a numbered list of signed amendments, each with the digest of the one before: a key is
//! [replaced](Change::Replace), a deputy [takes over](Change::Handover) from the coordinator, and,
//! where the rules allow it, somebody is [enrolled](Change::Enrol). An amendment names the last
//! step of each chain that there was when it was made, its *heads*: it applies to every step that
//! is neither one of them nor below one.
//!
//! [`Amendment::authorised`] says whose signatures each change needs. The ceremony folder and the
//! transcript's check ask this one function.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::digest::{AmendmentDigest, ConfigDigest, FileDigest};
use crate::error::{Code, Refusal, Result};
use crate::key::PublicKey;
use crate::primitives::{CeremonyId, CeremonyKind, CircuitName, Label, Timestamp};
use crate::statement::{Phase, Predicate};

/// Name of an amendment's one subject.
pub const AMENDMENT_SUBJECT: &str = "ceremony.toml";

/// A change of the roster. The subject is ceremony.toml.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amendment {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// What the ceremony is for.
    pub kind: CeremonyKind,
    /// 1, 2, ...
    pub number: u32,
    /// SHA-256 of the payload of the amendment before; none for the first.
    pub previous: Option<AmendmentDigest>,
    /// What changes.
    pub change: Change,
    /// The last step of each chain that had begun: phase 1, then the circuits by rising name.
    pub heads: Vec<Head>,
    /// Why, for people.
    pub reason: Label,
    /// When.
    pub time: Timestamp,
}

impl Predicate for Amendment {
    const TYPE: &'static str = "urn:zk-ceremony:amendment:v1";
    const RENEW: &'static str = "make the amendment again, with this version";
}

/// The last step of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The circuit; none in phase 1.
    pub circuit: Option<CircuitName>,
    /// SHA-256 of the step's file.
    pub file: FileDigest,
}

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Change {
    /// Somebody who was not in the roster may contribute.
    Enrol {
        /// Name.
        participant: Label,
        /// Key.
        key: PublicKey,
        /// In which phases.
        phases: Vec<Phase>,
    },
    /// A participant signs with another key from now on.
    Replace {
        /// Whose key.
        participant: Label,
        /// The key until now.
        old_key: PublicKey,
        /// The key from now on.
        key: PublicKey,
    },
    /// A deputy acts as coordinator from now on, or the coordinator of the rules again.
    Handover {
        /// Name.
        coordinator: Label,
        /// Key.
        key: PublicKey,
    },
}

/// Who may act if the coordinator cannot: `threshold` of the keys together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deputies {
    /// How many.
    pub threshold: NonZeroU32,
    /// Which keys.
    pub keys: Vec<PublicKey>,
}

impl Amendment {
    /// Whether those who signed may make this change:
    ///
    /// | change | signatures |
    /// |---|---|
    /// | enrol | the acting coordinator's |
    /// | replace | the new key's, and: the old key's, or as many of acting coordinator and deputies as the deputies' threshold says (without deputies, the coordinator's) |
    /// | handover | the new coordinator's, and: the acting coordinator's, or as many deputies' as their threshold says |
    ///
    /// # Errors
    /// [`Code::ThresholdNotMet`], with what is missing.
    pub fn authorised(
        &self,
        signers: &BTreeSet<PublicKey>,
        acting: &PublicKey,
        deputies: Option<&Deputies>,
    ) -> Result<()> {
        let among = |keys: &mut dyn Iterator<Item = &PublicKey>| -> usize {
            keys.filter(|key| signers.contains(key)).collect::<BTreeSet<_>>().len()
        };
        let deputy_keys = || deputies.into_iter().flat_map(|deputies| &deputies.keys);
        let threshold = deputies.map_or(1, |deputies| deputies.threshold.get() as usize);
        let coordinator_signed = signers.contains(acting);
        let (accepted_by, allowed, needed) = match &self.change {
            Change::Enrol { .. } => (None, coordinator_signed, "the acting coordinator".to_owned()),
            Change::Replace { old_key, key, .. } => {
                let quorum = among(&mut deputy_keys().chain([acting])) >= threshold;
                let needed =
                    format!("the old key, or {threshold} of the coordinator and the deputies");
                (Some(key), signers.contains(old_key) || quorum, needed)
            }
            Change::Handover { key, .. } => {
                let quorum = deputies.is_some() && among(&mut deputy_keys()) >= threshold;
                let needed = match deputies {
                    Some(_) => format!("the acting coordinator, or {threshold} of the deputies"),
                    None => "the acting coordinator".to_owned(),
                };
                (Some(key), coordinator_signed || quorum, needed)
            }
        };
        let accepted = accepted_by.is_none_or(|key| signers.contains(key));
        if accepted && allowed {
            return Ok(());
        }
        let mut missing = Vec::new();
        if !allowed {
            missing.push(needed);
        }
        if !accepted {
            missing.push("the new key itself".to_owned());
        }
        Err(Refusal::new(Code::ThresholdNotMet, "the amendment lacks signatures")
            .found(format_args!("{} that count", signers.len()))
            .expected(missing.join(", and ")))
    }

    /// The key that the change gives a part to.
    #[must_use]
    pub fn new_key(&self) -> &PublicKey {
        match &self.change {
            Change::Enrol { key, .. }
            | Change::Replace { key, .. }
            | Change::Handover { key, .. } => key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Envelope;
    use crate::statement::{Statement, Subject};

    fn key(seed: u8) -> PublicKey {
        let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        PublicKey::from_bytes(secret.verifying_key().as_bytes()).unwrap()
    }

    const COORDINATOR: u8 = 1;
    const DEPUTIES: [u8; 3] = [2, 3, 4];
    const OLD: u8 = 5;
    const NEW: u8 = 6;

    fn amendment(change: Change) -> Amendment {
        Amendment {
            ceremony: CeremonyId::new("boot-2026").unwrap(),
            ceremony_toml_sha256: ConfigDigest::of(b"rules"),
            kind: CeremonyKind::Production,
            number: 1,
            previous: None,
            change,
            heads: vec![Head { circuit: None, file: FileDigest::of(b"0001.ptau") }],
            reason: Label::new("the key was lost").unwrap(),
            time: Timestamp::from_unix(0),
        }
    }

    fn deputies(threshold: u32) -> Deputies {
        Deputies {
            threshold: NonZeroU32::new(threshold).unwrap(),
            keys: DEPUTIES.map(key).to_vec(),
        }
    }

    fn may(change: &Change, signers: &[u8], deputies: Option<&Deputies>) -> bool {
        let signers = signers.iter().map(|seed| key(*seed)).collect();
        amendment(change.clone()).authorised(&signers, &key(COORDINATOR), deputies).is_ok()
    }

    #[test]
    fn a_key_is_replaced_by_its_holder_or_by_enough_coordinators_and_the_new_key_agrees() {
        let participant = Label::new("Alice").unwrap();
        let change = Change::Replace { participant, old_key: key(OLD), key: key(NEW) };
        let two = deputies(2);
        for (signers, with_deputies, good) in [
            (&[OLD, NEW][..], true, true),
            (&[OLD, NEW], false, true),
            (&[OLD], true, false),
            (&[NEW], true, false),
            (&[COORDINATOR, NEW], false, true),
            (&[COORDINATOR, NEW], true, false),
            (&[COORDINATOR, 2, NEW], true, true),
            (&[2, 3, NEW], true, true),
            (&[2, 3], true, false),
            (&[2, 3, NEW], false, false),
            (&[7, 8, NEW], true, false),
        ] {
            assert_eq!(may(&change, signers, with_deputies.then_some(&two)), good, "{signers:?}");
        }
    }

    #[test]
    fn a_deputy_takes_over_by_the_coordinators_word_or_by_enough_deputies() {
        let change = Change::Handover { coordinator: Label::new("Bob").unwrap(), key: key(2) };
        let two = deputies(2);
        for (signers, with_deputies, good) in [
            (&[COORDINATOR, 2][..], true, true),
            (&[COORDINATOR, 2], false, true),
            (&[COORDINATOR], true, false),
            (&[2], true, false),
            (&[2, 3], true, true),
            (&[3, 4], true, false),
            (&[2, 3], false, false),
            (&[2, OLD], true, false),
        ] {
            assert_eq!(may(&change, signers, with_deputies.then_some(&two)), good, "{signers:?}");
        }
        // A threshold of one: any deputy alone.
        assert!(may(&change, &[2], Some(&deputies(1))));
    }

    #[test]
    fn the_acting_coordinator_enrols() {
        let participant = Label::new("Zoe").unwrap();
        let change = Change::Enrol { participant, key: key(NEW), phases: vec![Phase::Two] };
        assert!(may(&change, &[COORDINATOR], None));
        for signers in [&[2, 3, 4][..], &[NEW], &[]] {
            assert!(!may(&change, signers, Some(&deputies(2))), "{signers:?}");
        }
    }

    #[test]
    fn the_largest_amendment_can_be_signed_and_has_one_encoding() {
        let long = |c: char| Label::new(&c.to_string().repeat(Label::MAX_BYTES)).unwrap();
        let head = |i: usize| Head {
            circuit: (i > 0).then(|| CircuitName::new(&format!("c{i:047}")).unwrap()),
            file: FileDigest::of(b"step"),
        };
        let largest = Amendment {
            ceremony: CeremonyId::new(&"c".repeat(64)).unwrap(),
            number: u32::MAX,
            previous: Some(AmendmentDigest::of(b"before")),
            heads: (0..17).map(head).collect(),
            reason: long('r'),
            ..amendment(Change::Enrol {
                participant: long('p'),
                key: key(NEW),
                phases: vec![Phase::One, Phase::Two],
            })
        };
        let subject = Subject::new(AMENDMENT_SUBJECT, &[0; 32]).unwrap();
        let statement = Statement { subject: vec![subject], predicate: largest };
        let envelope: Envelope = statement.to_envelope().unwrap();
        assert_eq!(Statement::<Amendment>::from_payload(envelope.payload()).unwrap(), statement);
        let spaced = String::from_utf8(envelope.payload().to_vec())
            .unwrap()
            .replace(",\"heads", ", \"heads");
        assert!(Statement::<Amendment>::from_payload(spaced.as_bytes()).is_err());
    }
}
