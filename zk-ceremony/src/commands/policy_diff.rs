//! `policy diff`: what an edit of a policy changes, in words for its reviewer.
//!
//! Each change says whether the new policy is weaker (it accepts something that the old one
//! refused, or lets someone decide who could not), stronger (the reverse) or neither. The order of
//! lists means nothing and is not a change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use serde::Serialize;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::PolicyDigest;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyKind, Timestamp};
use zk_attest::statement::Phase;
use zk_vk_guard::policy::{
    ParticipantKey, Policy, PolicyCircuit, PolicyDocument, PolicyFormat, Role, RoleKey, Roles,
};

use super::policy::phases;
use super::policy::read_policy;
use crate::cli::policy::DiffPolicies;
use crate::outcome::note;
use crate::show::json;

/// What a change does to the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Effect {
    Weaker,
    Stronger,
    Neutral,
}

impl Effect {
    /// Of a bound that forbids more the higher it is.
    fn of_bound<T: Ord>(old: T, new: T) -> Option<Self> {
        match new.cmp(&old) {
            std::cmp::Ordering::Less => Some(Self::Weaker),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(Self::Stronger),
        }
    }
}

/// One change.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Change {
    effect: Effect,
    what: String,
}

/// What `policy diff --json` prints.
#[derive(Serialize)]
pub(super) struct Diff {
    old_sha256: PolicyDigest,
    new_sha256: PolicyDigest,
    changes: Vec<Change>,
}

impl DiffPolicies {
    pub(super) fn run(self) -> Result<(), Diagnostic> {
        let diff = Diff::of(&read_policy(&self.old)?, &read_policy(&self.new)?);
        if self.json {
            return json(&diff);
        }
        diff.print();
        Ok(())
    }
}

impl Diff {
    pub(super) fn of(old: &Policy, new: &Policy) -> Self {
        let changes = changes(old.document(), new.document());
        Self { old_sha256: old.digest(), new_sha256: new.digest(), changes }
    }

    pub(super) fn print(&self) {
        for Change { effect, what } in &self.changes {
            let effect = match effect {
                Effect::Weaker => "WEAKER",
                Effect::Stronger => "stronger",
                Effect::Neutral => "",
            };
            note!("{effect:<9} {what}");
        }
        if self.changes.is_empty() {
            note!("both policies say the same");
        }
        note!("old       {}", self.old_sha256);
        note!("new       {}", self.new_sha256);
        if self.old_sha256 == self.new_sha256 {
            note!("the pin in build.rs stays");
        } else {
            note!("if this was reviewed, change the pin in build.rs to the new digest");
        }
    }
}

/// Collects changes.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn add(&mut self, effect: impl Into<Option<Effect>>, what: impl Display) {
        self.0.extend(effect.into().map(|effect| Change { effect, what: what.to_string() }));
    }

    /// Members of a set that came or went.
    fn sets<T: Ord + Display>(
        &mut self,
        old: &[T],
        new: &[T],
        came: (Effect, &str),
        went: (Effect, &str),
    ) {
        let (old, new): (BTreeSet<&T>, BTreeSet<&T>) = (old.iter().collect(), new.iter().collect());
        new.difference(&old)
            .for_each(|item| self.add(came.0, came.1.replace("{}", &item.to_string())));
        old.difference(&new)
            .for_each(|item| self.add(went.0, went.1.replace("{}", &item.to_string())));
    }
}

/// Everything that `new` says differently from `old`.
fn changes(old: &PolicyDocument, new: &PolicyDocument) -> Vec<Change> {
    // Taken apart by name, so that a field added to the document has to be thought of here.
    let PolicyDocument {
        format: PolicyFormat::V2,
        kind,
        roles,
        minimum_contributions,
        accepted_phase1_starts,
        circuits,
        minimum_serial,
        revoked_transcripts,
        revoked_keys,
        not_after,
        verified_beacons,
    } = new;
    let mut changes = Changes::default();
    if *kind != old.kind {
        let effect =
            if *kind == CeremonyKind::Production { Effect::Stronger } else { Effect::Weaker };
        changes.add(effect, format_args!("accepts {kind} bundles instead of {} ones", old.kind));
    }
    for (before, now) in panels(&old.roles).iter().zip(&panels(roles)) {
        changes.role(before.as_ref(), now.as_ref());
    }
    for (phase, before, now) in [
        (1, old.minimum_contributions.phase1, minimum_contributions.phase1),
        (2, old.minimum_contributions.phase2, minimum_contributions.phase2),
    ] {
        let word = if now > before { "more" } else { "fewer" };
        changes.add(
            Effect::of_bound(before, now),
            format_args!(
                "phase {phase}: {now} contributions must count instead of {before}: {word} people \
                 are needed"
            ),
        );
    }
    changes.sets(
        &old.accepted_phase1_starts,
        accepted_phase1_starts,
        (Effect::Weaker, "phase 1 may start from the file {}"),
        (Effect::Stronger, "phase 1 may no longer start from the file {}"),
    );
    changes.circuits(&old.circuits, circuits);
    let serials = if *minimum_serial > old.minimum_serial {
        "older bundles are refused"
    } else {
        "older bundles are accepted again"
    };
    let what = format!(
        "bundles of serial {minimum_serial} and higher are accepted instead of {} and higher: \
         {serials}",
        old.minimum_serial
    );
    changes.add(Effect::of_bound(old.minimum_serial, *minimum_serial), what);
    changes.sets(
        &old.revoked_transcripts,
        revoked_transcripts,
        (Effect::Stronger, "transcript {} is revoked: its bundles are refused"),
        (Effect::Weaker, "transcript {} is no longer revoked: its bundles are accepted again"),
    );
    let holder = |key: &PublicKey| match holder(new, key).or_else(|| holder(old, key)) {
        Some(holder) => format!("the key of {}", named(&holder, key)),
        None => format!("the key {key}"),
    };
    let (before, now) = (
        old.revoked_keys.iter().map(holder).collect::<Vec<_>>(),
        revoked_keys.iter().map(holder).collect::<Vec<_>>(),
    );
    changes.sets(
        &before,
        &now,
        (Effect::Stronger, "{} is revoked: it counts in no role and no step any more"),
        (Effect::Weaker, "{} is no longer revoked: it counts again"),
    );
    // Without a last day the policy holds for ever, which is the weakest.
    let day = |not_after: &Option<Timestamp>| not_after.as_ref().map_or(u64::MAX, Timestamp::unix);
    let shown = |not_after: &Option<Timestamp>| {
        not_after.as_ref().map_or("without a last day".to_owned(), |day| format!("until {day}"))
    };
    let what = format!("may be used {} instead of {}", shown(not_after), shown(&old.not_after));
    changes.add(Effect::of_bound(day(not_after), day(&old.not_after)), what);
    match (old.verified_beacons, *verified_beacons) {
        (false, true) => changes.add(
            Effect::Stronger,
            "every beacon must be a round of drand, verified with the chain's key",
        ),
        (true, false) => {
            changes.add(Effect::Weaker, "beacons are believed that nobody verified");
        }
        _ => {}
    }
    changes.0
}

/// "alice (0123 4567 89ab cdef)".
fn named(name: &str, key: &PublicKey) -> String {
    format!("{name} ({})", key.fingerprint())
}

/// Role and name of a key.
fn holder(policy: &PolicyDocument, key: &PublicKey) -> Option<String> {
    panels(&policy.roles).into_iter().flatten().find_map(|panel| {
        panel.members.get(key).map(|member| format!("{} {}", panel.title, member.name))
    })
}

fn panels(Roles { release, auditor, participant, verifier }: &Roles) -> [Option<Panel>; 4] {
    let auditor = auditor.as_ref().map(|role| Panel::of("auditor", role));
    [
        Some(Panel::of("release authority", release)),
        auditor,
        participant.as_ref().map(Panel::of_participants),
        verifier.as_ref().map(|role| Panel::of("verifier", role)),
    ]
}

/// A role, by key.
struct Panel {
    title: &'static str,
    threshold: u32,
    members: BTreeMap<PublicKey, Member>,
}

struct Member {
    name: String,
    /// Of a participant.
    phases: Vec<Phase>,
}

impl Panel {
    fn of<K: RoleKey>(title: &'static str, role: &Role<K>) -> Self {
        let member = |entry: &K| {
            (*entry.key(), Member { name: entry.name().to_string(), phases: Vec::new() })
        };
        Self {
            title,
            threshold: role.threshold.get(),
            members: role.keys.iter().map(member).collect(),
        }
    }

    fn of_participants(role: &Role<ParticipantKey>) -> Self {
        let mut panel = Self::of("participant", role);
        for entry in &role.keys {
            panel
                .members
                .entry(entry.key)
                .and_modify(|member| member.phases.clone_from(&entry.phases));
        }
        panel
    }

    fn shown(&self, key: &PublicKey, member: &Member) -> String {
        format!("{} {}", self.title, named(&member.name, key))
    }

    fn everybody(&self) -> String {
        self.members
            .iter()
            .map(|(key, member)| named(&member.name, key))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Changes {
    fn role(&mut self, old: Option<&Panel>, new: Option<&Panel>) {
        match (old, new) {
            (None, None) => {}
            (None, Some(new)) => {
                self.add(
                    Effect::Stronger,
                    format_args!(
                        "{} of {} must sign, where no {} had to: {}",
                        new.threshold,
                        new.members.len(),
                        new.title,
                        new.everybody()
                    ),
                );
                if new.members.values().any(|member| !member.phases.is_empty()) {
                    self.add(
                        Effect::Stronger,
                        "only contributions of named participants count; anybody's did",
                    );
                }
            }
            (Some(old), None) => {
                self.add(
                    Effect::Weaker,
                    format_args!(
                        "no {} has to sign any more; {} of {} had to: {}",
                        old.title,
                        old.threshold,
                        old.members.len(),
                        old.everybody()
                    ),
                );
                if old.members.values().any(|member| !member.phases.is_empty()) {
                    self.add(
                        Effect::Weaker,
                        "anybody's contributions count; only those of named participants did",
                    );
                }
            }
            (Some(old), Some(new)) => self.members(old, new),
        }
    }

    fn members(&mut self, old: &Panel, new: &Panel) {
        let what = format!(
            "{}: {} of {} must sign instead of {} of {}",
            new.title,
            new.threshold,
            new.members.len(),
            old.threshold,
            old.members.len()
        );
        self.add(Effect::of_bound(old.threshold, new.threshold), what);
        for (key, member) in &new.members {
            match old.members.get(key) {
                None => {
                    let before = old.members.iter().find(|(_, before)| before.name == member.name);
                    let before = before.map_or_else(String::new, |(key, _)| {
                        format!(", a name that stood for the key {} before", key.fingerprint())
                    });
                    self.add(
                        Effect::Weaker,
                        format_args!("{} gains power{before}", new.shown(key, member)),
                    );
                }
                Some(before) => {
                    if before.name != member.name {
                        self.add(
                            Effect::Neutral,
                            format_args!(
                                "{} is called {} now",
                                old.shown(key, before),
                                member.name
                            ),
                        );
                    }
                    self.phases(&new.shown(key, member), &before.phases, &member.phases);
                }
            }
        }
        for (key, member) in old.members.iter().filter(|(key, _)| !new.members.contains_key(key)) {
            self.add(Effect::Stronger, format_args!("{} loses power", old.shown(key, member)));
        }
    }

    fn phases(&mut self, who: &str, old: &[Phase], new: &[Phase]) {
        if old == new {
            return;
        }
        let only_more = old.iter().all(|phase| new.contains(phase));
        let only_fewer = new.iter().all(|phase| old.contains(phase));
        let effect = if only_fewer && !only_more { Effect::Stronger } else { Effect::Weaker };
        self.add(
            effect,
            format_args!(
                "{who}: contributions count in {} instead of {}",
                phases(new),
                phases(old)
            ),
        );
    }

    fn circuits(&mut self, old: &[PolicyCircuit], new: &[PolicyCircuit]) {
        let find = |all: &[PolicyCircuit], wanted: &PolicyCircuit| {
            all.iter().find(|circuit| circuit.name == wanted.name).cloned()
        };
        for circuit in new {
            let (name, digest) = (&circuit.name, circuit.circuit_sha256);
            match find(old, circuit) {
                None => self.add(
                    Effect::Neutral,
                    format_args!("circuit {name} is new ({digest}): a bundle must hold its key"),
                ),
                Some(before) if before.circuit_sha256 != digest => {
                    let before = before.circuit_sha256;
                    self.add(
                        Effect::Neutral,
                        format_args!("circuit {name} is another one: {digest} instead of {before}"),
                    );
                }
                Some(_) => {}
            }
        }
        for circuit in old.iter().filter(|circuit| find(new, circuit).is_none()) {
            self.add(
                Effect::Neutral,
                format_args!(
                    "circuit {} is gone: a bundle must not hold its key any more",
                    circuit.name
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use ed25519_dalek::SigningKey;
    use zk_attest::digest::{CircuitDigest, FileDigest, TranscriptDigest};
    use zk_attest::primitives::{CircuitName, Label};
    use zk_vk_guard::policy::{MinimumContributions, NamedKey, Policy};

    use super::*;

    fn key(seed: u8) -> PublicKey {
        PublicKey::from_bytes(SigningKey::from_bytes(&[seed; 32]).verifying_key().as_bytes())
            .unwrap()
    }

    fn count(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).unwrap()
    }

    fn person(name: &str, seed: u8) -> NamedKey {
        NamedKey { name: Label::new(name).unwrap(), key: key(seed) }
    }

    fn participant(name: &str, seed: u8) -> ParticipantKey {
        ParticipantKey {
            name: Label::new(name).unwrap(),
            key: key(seed),
            phases: vec![Phase::One, Phase::Two],
        }
    }

    fn circuit(name: &str) -> PolicyCircuit {
        PolicyCircuit {
            name: CircuitName::new(name).unwrap(),
            circuit_sha256: CircuitDigest([1; 32]),
        }
    }

    fn base() -> PolicyDocument {
        PolicyDocument {
            format: PolicyFormat::V2,
            kind: CeremonyKind::Production,
            roles: Roles {
                release: Role {
                    threshold: count(2),
                    keys: vec![person("r1", 1), person("r2", 2), person("r3", 3)],
                },
                auditor: Some(Role {
                    threshold: count(1),
                    keys: vec![person("a1", 4), person("a2", 5)],
                }),
                participant: Some(Role {
                    threshold: count(1),
                    keys: vec![
                        participant("p1", 6),
                        participant("p2", 7),
                        participant("p3", 8),
                        participant("p4", 9),
                    ],
                }),
                verifier: None,
            },
            minimum_contributions: MinimumContributions { phase1: count(2), phase2: count(2) },
            accepted_phase1_starts: vec![FileDigest([2; 32])],
            circuits: vec![circuit("attestation"), circuit("boot")],
            minimum_serial: 5,
            revoked_transcripts: vec![TranscriptDigest([3; 32])],
            revoked_keys: vec![key(9)],
            not_after: Some(Timestamp::new("2027-12-31T00:00:00Z").unwrap()),
            verified_beacons: false,
        }
    }

    /// What an edit changes, each change as one line; and the reverse edit must have the opposite
    /// effects.
    #[track_caller]
    fn lines(edit: impl FnOnce(&mut PolicyDocument)) -> Vec<String> {
        let (old, mut new) = (base(), base());
        edit(&mut new);
        for document in [&old, &new] {
            Policy::from_json(&document.to_json()).unwrap();
        }
        let count = |all: &[Change], effect: Effect| {
            all.iter().filter(|change| change.effect == effect).count()
        };
        let (there, back) = (changes(&old, &new), changes(&new, &old));
        assert_eq!(
            count(&there, Effect::Weaker),
            count(&back, Effect::Stronger),
            "{there:?}\n{back:?}"
        );
        assert_eq!(
            count(&there, Effect::Stronger),
            count(&back, Effect::Weaker),
            "{there:?}\n{back:?}"
        );
        there.into_iter().map(|Change { effect, what }| format!("{effect:?}: {what}")).collect()
    }

    fn print(seed: u8) -> String {
        key(seed).fingerprint()
    }

    #[test]
    fn no_edit_and_another_order_of_people_are_no_change() {
        assert!(lines(|_| {}).is_empty());
        assert!(lines(|new| new.roles.release.keys.reverse()).is_empty());
    }

    #[test]
    fn another_kind_is_a_change() {
        assert_eq!(
            lines(|new| new.kind = CeremonyKind::Rehearsal),
            ["Weaker: accepts rehearsal bundles instead of production ones"]
        );
    }

    #[test]
    fn a_threshold_is_raised_or_lowered() {
        assert_eq!(
            lines(|new| new.roles.release.threshold = count(3)),
            ["Stronger: release authority: 3 of 3 must sign instead of 2 of 3"]
        );
        assert_eq!(
            lines(|new| new.roles.release.threshold = count(1)),
            ["Weaker: release authority: 1 of 3 must sign instead of 2 of 3"]
        );
        assert_eq!(
            lines(|new| new.roles.auditor.as_mut().unwrap().threshold = count(2)),
            ["Stronger: auditor: 2 of 2 must sign instead of 1 of 2"]
        );
    }

    #[test]
    fn who_gains_and_who_loses_power_is_named() {
        assert_eq!(
            lines(|new| new.roles.release.keys.push(person("mallory", 20))),
            [format!("Weaker: release authority mallory ({}) gains power", print(20))]
        );
        assert_eq!(
            lines(|new| drop(new.roles.release.keys.remove(0))),
            [format!("Stronger: release authority r1 ({}) loses power", print(1))]
        );
        assert_eq!(
            lines(|new| {
                let auditor = new.roles.auditor.as_mut().unwrap();
                new.roles.release.keys.push(auditor.keys.remove(0));
            }),
            [
                format!("Weaker: release authority a1 ({}) gains power", print(4)),
                format!("Stronger: auditor a1 ({}) loses power", print(4)),
            ]
        );
    }

    #[test]
    fn another_key_under_the_same_name_stands_out() {
        let mut found = lines(|new| new.roles.release.keys[0].key = key(21));
        found.sort();
        let name = format!("a name that stood for the key {} before", print(1));
        assert_eq!(
            found,
            [
                format!("Stronger: release authority r1 ({}) loses power", print(1)),
                format!("Weaker: release authority r1 ({}) gains power, {name}", print(21)),
            ]
        );
    }

    #[test]
    fn another_name_for_the_same_key_is_said() {
        assert_eq!(
            lines(|new| new.roles.release.keys[0].name = Label::new("boss").unwrap()),
            [format!("Neutral: release authority r1 ({}) is called boss now", print(1))]
        );
    }

    #[test]
    fn a_role_that_comes_or_goes_is_said_with_everybody_in_it() {
        let gone = lines(|new| new.roles.auditor = None);
        assert!(
            gone.len() == 1
                && gone[0].starts_with("Weaker: no auditor has to sign any more; 1 of 2 had to: "),
            "{gone:?}"
        );
        assert!(
            gone[0].contains(&format!("a1 ({})", print(4)))
                && gone[0].contains(&format!("a2 ({})", print(5)))
        );
        let mut old = base();
        old.roles.auditor = None;
        let came = changes(&old, &base());
        assert!(
            came[0].what.starts_with("1 of 2 must sign, where no auditor had to: "),
            "{came:?}"
        );
        let gone = lines(|new| {
            new.kind = CeremonyKind::Rehearsal;
            new.roles.participant = None;
        });
        assert!(
            gone.contains(
                &"Weaker: anybody's contributions count; only those of named participants did"
                    .to_owned()
            ),
            "{gone:?}"
        );
    }

    #[test]
    fn the_phases_of_a_participant_are_compared() {
        let phases = |phases: &[Phase]| {
            let phases = phases.to_vec();
            lines(|new| new.roles.participant.as_mut().unwrap().keys[0].phases = phases)
        };
        assert_eq!(
            phases(&[Phase::Two]),
            [format!(
                "Stronger: participant p1 ({}): contributions count in phase 2 instead of phases \
                 1 and 2",
                print(6)
            )]
        );
    }

    #[test]
    fn minimum_contributions_are_compared() {
        assert_eq!(
            lines(|new| new.minimum_contributions =
                MinimumContributions { phase1: count(1), phase2: count(3) }),
            [
                "Weaker: phase 1: 1 contributions must count instead of 2: fewer people are needed",
                "Stronger: phase 2: 3 contributions must count instead of 2: more people are \
                 needed",
            ]
        );
    }

    #[test]
    fn phase_1_starts_are_compared() {
        let (two, four) = (FileDigest([2; 32]), FileDigest([4; 32]));
        assert_eq!(
            lines(|new| new.accepted_phase1_starts = vec![four]),
            [
                format!("Weaker: phase 1 may start from the file {four}"),
                format!("Stronger: phase 1 may no longer start from the file {two}"),
            ]
        );
    }

    #[test]
    fn circuits_that_come_go_or_change_are_named() {
        assert_eq!(
            lines(|new| {
                new.circuits[0].circuit_sha256 = CircuitDigest([9; 32]);
                new.circuits[1].name = CircuitName::new("update").unwrap();
            }),
            [
                format!(
                    "Neutral: circuit attestation is another one: {} instead of {}",
                    CircuitDigest([9; 32]),
                    CircuitDigest([1; 32])
                ),
                format!(
                    "Neutral: circuit update is new ({}): a bundle must hold its key",
                    CircuitDigest([1; 32])
                ),
                "Neutral: circuit boot is gone: a bundle must not hold its key any more".into(),
            ]
        );
    }

    #[test]
    fn the_minimum_serial_is_raised_or_lowered() {
        assert_eq!(
            lines(|new| new.minimum_serial = 6),
            ["Stronger: bundles of serial 6 and higher are accepted instead of 5 and higher: \
              older bundles are refused"]
        );
        assert_eq!(
            lines(|new| new.minimum_serial = 4),
            ["Weaker: bundles of serial 4 and higher are accepted instead of 5 and higher: older \
              bundles are accepted again"]
        );
    }

    #[test]
    fn revocations_are_named_with_the_holder_where_the_policy_knows_one() {
        assert_eq!(
            lines(|new| new.revoked_keys.extend([key(3), key(30)])),
            [
                format!(
                    "Stronger: the key {} is revoked: it counts in no role and no step any more",
                    key(30)
                ),
                format!(
                    "Stronger: the key of release authority r3 ({}) is revoked: it counts in no \
                     role and no step any more",
                    print(3)
                ),
            ]
        );
        assert_eq!(
            lines(|new| new.revoked_keys.clear()),
            [format!(
                "Weaker: the key of participant p4 ({}) is no longer revoked: it counts again",
                print(9)
            )]
        );
        let (three, four) = (TranscriptDigest([3; 32]), TranscriptDigest([4; 32]));
        assert_eq!(
            lines(|new| new.revoked_transcripts = vec![four]),
            [
                format!("Stronger: transcript {four} is revoked: its bundles are refused"),
                format!(
                    "Weaker: transcript {three} is no longer revoked: its bundles are accepted \
                     again"
                ),
            ]
        );
    }

    #[test]
    fn verified_beacons_are_asked_for_or_not() {
        assert_eq!(
            lines(|new| new.verified_beacons = true),
            ["Stronger: every beacon must be a round of drand, verified with the chain's key"]
        );
    }

    #[test]
    fn the_last_day_moves_comes_or_goes() {
        let to = |day: Option<&str>| {
            let day = day.map(|day| Timestamp::new(day).unwrap());
            lines(|new| new.not_after = day)
        };
        assert_eq!(
            to(Some("2028-12-31T00:00:00Z")),
            ["Weaker: may be used until 2028-12-31T00:00:00Z instead of until \
              2027-12-31T00:00:00Z"]
        );
        assert_eq!(
            to(Some("2026-12-31T00:00:00Z")),
            ["Stronger: may be used until 2026-12-31T00:00:00Z instead of until \
              2027-12-31T00:00:00Z"]
        );
        assert_eq!(
            to(None),
            ["Weaker: may be used without a last day instead of until 2027-12-31T00:00:00Z"]
        );
    }
}
