//! What the dashboard tells of the past: taken from each entry of the journal once, when it is
//! written or read, so that showing it costs the same however long the journal is.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use ceremony_folder::journal::{Event, Recorded};
use ceremony_folder::report::parts::RecordedIn;
use zk_attest::digest::FileDigest;
use zk_attest::primitives::CircuitName;
use zk_attest::statement::Action;

/// Entries of the journal that are shown.
const RECENT: usize = 12;
/// Turns that ended without a contribution, and are shown.
const TROUBLES: usize = 8;
/// Turns whose times are shown.
const PACES: usize = 40;
/// Contributions whose moments are kept, to show how many came when.
const MOMENTS: usize = 512;

/// An entry of the journal, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) entry: u64,
    pub(crate) time: String,
    /// "good", "bad" or "": for the eye, next to the words.
    pub(crate) tone: &'static str,
    pub(crate) words: String,
}

/// How long a turn took that ended with a contribution.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pace {
    turn: String,
    pub(crate) participant: String,
    /// From its grant to its end, in seconds.
    pub(crate) seconds: f64,
    /// From when everything had come to its end, or how long verifying took where it is known.
    pub(crate) verified: f64,
    /// Chains that it contributed to.
    pub(crate) chains: u32,
}

/// How often something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) contributions: u64,
    pub(crate) granted: u64,
    pub(crate) refused: u64,
    pub(crate) expired: u64,
    pub(crate) given_up: u64,
    pub(crate) skipped: u64,
    pub(crate) restarted: u64,
}

/// A turn that is going on, as far as the journal tells.
#[derive(Clone, Debug)]
struct Going {
    turn: String,
    granted: u64,
    received: Option<u64>,
}

/// See the module's documentation.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) tally: Tally,
    pub(crate) recent: VecDeque<Told>,
    pub(crate) troubles: VecDeque<Told>,
    pub(crate) paces: VecDeque<Pace>,
    /// When contributions came, in seconds since 1970.
    pub(crate) moments: VecDeque<u64>,
    going: Option<Going>,
}

/// What the journal has of each step, by its file. As many as there are steps.
#[derive(Debug, Default)]
pub(crate) struct StepEntries(HashMap<FileDigest, (u64, FileDigest, String)>);

impl StepEntries {
    pub(crate) fn take(&mut self, recorded: &Recorded) {
        if let Event::Step { file, .. } = &recorded.entry.event {
            let entry = &recorded.entry;
            let known = (entry.number, recorded.sha256, entry.time.to_string());
            self.0.entry(*file).or_insert(known);
        }
    }

    pub(crate) fn of(&self, file: &FileDigest) -> Option<RecordedIn> {
        self.0.get(file).map(|(entry, sha256, time)| RecordedIn {
            entry: *entry,
            sha256: sha256.to_string(),
            time: time.clone(),
        })
    }
}

fn push<T>(list: &mut VecDeque<T>, most: usize, item: T) {
    if list.len() == most {
        list.pop_front();
    }
    list.push_back(item);
}

impl History {
    /// Takes an entry of the journal.
    pub(crate) fn take(&mut self, recorded: &Recorded) {
        let (tone, words) = told(&recorded.entry.event);
        let time = recorded.entry.time.to_string();
        let told = Told { entry: recorded.entry.number, time, tone, words };
        self.count(&recorded.entry.event, recorded.entry.time.unix());
        if told.tone == "bad" {
            push(&mut self.troubles, TROUBLES, told.clone());
        }
        push(&mut self.recent, RECENT, told);
    }

    fn count(&mut self, event: &Event, now: u64) {
        let tally = &mut self.tally;
        match event {
            Event::Restarted { .. } => tally.restarted += 1,
            Event::Skipped { .. } => tally.skipped += 1,
            Event::Granted { turn, .. } => {
                tally.granted += 1;
                self.going = Some(Going { turn: turn.clone(), granted: now, received: None });
            }
            Event::Expired { .. } => {
                tally.expired += 1;
                self.going = None;
            }
            Event::GivenUp { .. } => {
                tally.given_up += 1;
                self.going = None;
            }
            Event::Received { .. } => {
                if let Some(going) = &mut self.going {
                    going.received = Some(now);
                }
            }
            Event::Refused { .. } => {
                tally.refused += 1;
                self.going = None;
            }
            Event::Step { action: Action::Contribution, participant, turn, .. } => {
                tally.contributions += 1;
                push(&mut self.moments, MOMENTS, now);
                if let Some(turn) = turn {
                    self.pace(turn, participant.as_str(), now);
                }
            }
            _ => {}
        }
    }

    /// A step of a turn came: the turn took so long up to now.
    fn pace(&mut self, turn: &str, participant: &str, now: u64) {
        let Some(going) = self.going.as_ref().filter(|going| going.turn == turn) else { return };
        let since = |then: u64| Duration::from_secs(now.saturating_sub(then)).as_secs_f64();
        let seconds = since(going.granted);
        let verified = going.received.map_or(0.0, since);
        match self.paces.back_mut().filter(|pace| pace.turn == turn) {
            Some(pace) => {
                (pace.seconds, pace.verified) = (seconds, verified);
                pace.chains += 1;
            }
            None => push(
                &mut self.paces,
                PACES,
                Pace {
                    turn: turn.into(),
                    participant: participant.into(),
                    seconds,
                    verified,
                    chains: 1,
                },
            ),
        }
    }

    /// How long a turn took and its verification, more precisely than the journal's seconds.
    pub(crate) fn measured(&mut self, turn: &str, took: Duration, verified: Duration) {
        if let Some(pace) = self.paces.back_mut().filter(|pace| pace.turn == turn) {
            (pace.seconds, pace.verified) = (took.as_secs_f64(), verified.as_secs_f64());
        }
    }
}

/// A chain, by its circuit.
fn chain(circuit: Option<&CircuitName>) -> String {
    circuit.map_or_else(|| "phase 1".into(), |name| format!("circuit {name}"))
}

/// An event in words, and what it is to the eye.
fn told(event: &Event) -> (&'static str, String) {
    match event {
        Event::Opened { .. } => ("", "the journal begins".into()),
        Event::Restarted { cut: 0 } => ("", "the service began again".into()),
        Event::Restarted { cut } => {
            ("bad", format!("the service began again, and cut {cut} bytes of a torn line off"))
        }
        Event::Joined { participant } => ("", format!("{participant} entered the queue")),
        Event::Granted { participant, .. } => ("", format!("{participant} got the turn")),
        Event::Expired { participant, .. } => ("bad", format!("{participant}'s turn ran out")),
        Event::GivenUp { participant, .. } => {
            ("bad", format!("{participant}'s turn was given back"))
        }
        Event::Skipped { participant } => {
            ("bad", format!("{participant} was not there, and is passed over"))
        }
        Event::Received { participant, .. } => {
            ("", format!("{participant}'s contribution has arrived; its verification begins"))
        }
        Event::Refused { participant, circuit, code, reason, .. } => {
            let chain = chain(circuit.as_ref());
            (
                "bad",
                format!("{participant}'s contribution to {chain} was refused: {reason} ({code})"),
            )
        }
        Event::Step { circuit, step, action, participant, .. } => {
            let (action, chain) = (action.as_str(), chain(circuit.as_ref()));
            ("good", format!("{chain}, step {step}: {action} by {participant}"))
        }
        Event::Enrolled { participant, .. } => ("", format!("{participant} enrolled")),
        Event::Committed { participant, phase, .. } => {
            ("", format!("{participant} committed to the secrets of phase {}", u8::from(*phase)))
        }
        Event::CommitmentRound { phase, round, .. } => {
            let phase = u8::from(*phase);
            ("", format!("round {round} of the commitments to phase {phase} begins"))
        }
        Event::CommitmentsClosed { phase } => {
            ("", format!("phase {} takes no commitments any more", u8::from(*phase)))
        }
        Event::Unopened { participant, phase } => (
            "bad",
            format!(
                "phase {} was closed without {participant}, who had committed to it",
                u8::from(*phase)
            ),
        ),
        Event::Amended { number, .. } => ("", format!("amendment {number} of the roster")),
        Event::Verdict { auditor, .. } => {
            ("", format!("a verdict of the auditor with the key {}", auditor.fingerprint()))
        }
        Event::Approval { key } => {
            ("good", format!("the bundle is approved with the key {}", key.fingerprint()))
        }
    }
}

#[cfg(test)]
mod tests {
    use ceremony_folder::journal::Entry;
    use zk_attest::primitives::{Label, Timestamp};

    use super::*;

    fn entry(number: u64, time: u64, event: Event) -> Recorded {
        let previous = FileDigest([0; 32]);
        let entry = Entry { number, previous, time: Timestamp::from_unix(time), event };
        Recorded { entry, sha256: FileDigest([number as u8; 32]) }
    }

    fn alice() -> Label {
        Label::from_static("alice")
    }

    #[test]
    fn a_turn_is_timed_from_its_grant_to_its_last_step() {
        let mut history = History::default();
        let (turn, participant) = (String::from("t"), alice());
        let step = |circuit: &str| Event::Step {
            circuit: CircuitName::new(circuit).ok(),
            step: "0001".into(),
            action: Action::Contribution,
            participant: alice(),
            file: FileDigest([7; 32]),
            turn: Some("t".into()),
        };
        history.take(&entry(0, 100, Event::Granted { participant, turn: turn.clone() }));
        history.take(&entry(1, 130, Event::Received { participant: alice(), turn }));
        history.take(&entry(2, 135, step("a")));
        history.take(&entry(3, 140, step("b")));
        let pace = history.paces.back().unwrap();
        assert_eq!((pace.seconds, pace.verified, pace.chains), (40.0, 10.0, 2));
        assert_eq!((history.paces.len(), history.tally.contributions), (1, 2));
        history.measured("another", Duration::ZERO, Duration::ZERO);
        assert_eq!(history.paces.back().unwrap().seconds, 40.0);
        history.measured("t", Duration::from_millis(39_500), Duration::from_millis(700));
        assert_eq!(history.paces.back().unwrap().verified, 0.7);
    }

    #[test]
    fn a_long_journal_is_kept_in_bounded_room() {
        let mut history = History::default();
        for n in 0..100_000 {
            let (turn, participant) = (n.to_string(), alice());
            history.take(&entry(2 * n, n, Event::Granted { participant, turn: turn.clone() }));
            history.take(&entry(2 * n + 1, n, Event::Expired { participant: alice(), turn }));
        }
        assert_eq!((history.recent.len(), history.troubles.len()), (RECENT, TROUBLES));
        assert_eq!(history.tally.expired, 100_000);
        assert_eq!(history.recent.back().unwrap().entry, 199_999);
    }
}
