//! What a service has to tell those who watch it. Counts of what happened come from the journal, so
//! that a restart loses none; what is so now is read at the moment of a scrape, from memory and two
//! questions to the disk.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ceremony_folder::journal::Event;
use ceremony_folder::{Chain, Track};
use metrics::{Label, counter, gauge};
use zk_attest::primitives::CircuitName;
use zk_attest::statement::{Action, Phase};

use super::core::{Core, milliseconds};
use super::limits::SPARE_BYTES;
use super::state::State;
use super::state_folder::free_bytes;
use super::turn::LeasedChain;
use super::view::View;
use crate::metrics::families as f;
use crate::metrics::{disk_free, gauge as count, seconds};
use crate::protocol::StageInfo;

const PHASES: [Phase; 2] = [Phase::One, Phase::Two];
const RESULTS: [&str; 2] = ["accepted", "refused"];
const TURNS: [&str; 5] = ["granted", "received", "expired", "given_up", "skipped"];
pub(super) const AUDITS: [&str; 2] = ["good", "failed"];
/// Checks of contributions, by their stable names; a check that is none of these is `other`.
const CHECKS: [&str; 15] = [
    "another-ceremony",
    "another-place",
    "attestation-invalid",
    "bad",
    "bad-signature",
    "damaged",
    "half",
    "internal",
    "late",
    "not-a-contribution",
    "not-of-this-turn",
    "off-the-chain",
    "rejected-before",
    "twin",
    "other",
];

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::One => "1",
        Phase::Two => "2",
    }
}

/// Labels of a chain. Phase 1 has no circuit.
fn of_chain(circuit: Option<&CircuitName>) -> Vec<Label> {
    match circuit {
        None => vec![Label::new("phase", "1")],
        Some(name) => vec![Label::new("phase", "2"), Label::new("circuit", name.to_string())],
    }
}

fn of_track(track: &Track) -> Vec<Label> {
    match track {
        Track::Phase1 => of_chain(None),
        Track::Circuit(name) => of_chain(Some(name)),
    }
}

fn with(mut labels: Vec<Label>, name: &'static str, value: &'static str) -> Vec<Label> {
    labels.push(Label::new(name, value));
    labels
}

fn check_name(code: &str) -> &'static str {
    CHECKS.into_iter().find(|known| *known == code).unwrap_or("other")
}

/// Makes every counter of a service, from 0 on: a rise from nothing would be none.
pub(super) fn begin(view: &View) {
    for chain in view.ceremony.chains() {
        for result in RESULTS {
            let labels = with(of_track(&chain.track), "result", result);
            counter!(f::CONTRIBUTIONS, labels).increment(0);
        }
    }
    for check in CHECKS {
        counter!(f::REFUSALS, "check" => check).increment(0);
    }
    for event in TURNS {
        counter!(f::TURNS, "event" => event).increment(0);
    }
    for result in AUDITS {
        counter!(f::AUDITS, "result" => result).increment(0);
    }
    for code in ["2xx", "3xx", "4xx", "5xx"] {
        counter!(f::REQUESTS, "code" => code).increment(0);
    }
}

/// Counts an event of the journal: one that is being written, or one of a process before this one.
pub(super) fn observe(view: &View, event: &Event) {
    let turn = |event: &'static str| counter!(f::TURNS, "event" => event).increment(1);
    // The journal may be of a folder that somebody changed: names come from the rules only.
    let circuits = &view.ceremony.config.document().circuits;
    let is_known = |name: &CircuitName| circuits.iter().any(|circuit| circuit.name == *name);
    let contribution = |circuit: Option<&CircuitName>, result| {
        if circuit.is_none_or(is_known) {
            counter!(f::CONTRIBUTIONS, with(of_chain(circuit), "result", result)).increment(1);
        }
    };
    match event {
        Event::Granted { .. } => turn("granted"),
        Event::Received { .. } => turn("received"),
        Event::Expired { .. } => turn("expired"),
        Event::GivenUp { .. } => turn("given_up"),
        Event::Skipped { .. } => turn("skipped"),
        Event::Refused { circuit, code, .. } => {
            contribution(circuit.as_ref(), "refused");
            counter!(f::REFUSALS, "check" => check_name(code)).increment(1);
        }
        Event::Step { circuit, action: Action::Contribution, .. } => {
            contribution(circuit.as_ref(), "accepted");
        }
        _ => {}
    }
}

/// Sets a gauge to 1 for the one of these names that it is, and to 0 for the others.
fn one_of(
    gauge: &'static str,
    label: &'static str,
    names: &'static [&'static str],
    is: Option<&str>,
) {
    for name in names {
        gauge!(gauge, label => *name).set(f64::from(u8::from(is == Some(*name))));
    }
}

/// When a file was changed; 0 where there is none.
fn changed(path: &Path) -> f64 {
    let modified = path.symlink_metadata().and_then(|metadata| metadata.modified());
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok();
    modified.ok().and_then(since).map_or(0.0, |since| since.as_secs_f64().floor())
}

impl Core {
    /// Sets the gauges to what is so now.
    pub(super) fn tell(&self) {
        let now = Instant::now();
        let state = self.state();
        let view = state.view.clone();
        tell_turn(&state, now);
        gauge!(f::QUEUE_LENGTH).set(count(state.queue.iter().count()));
        let first = state.queue.iter().map(|waiting| waiting.since).min();
        let waits = first.map_or(0, |since| milliseconds().saturating_sub(since));
        gauge!(f::QUEUE_WAIT).set(waits as f64 / 1000.0);
        gauge!(f::JOURNAL_ENTRIES).set(count(state.journal.entries().len()));
        if let Some(last) = state.journal.entries().last() {
            gauge!(f::JOURNAL_TIME).set(seconds(&last.entry.time));
        }
        gauge!(f::BUNDLE_NOT_AFTER).set(state.bundle_not_after.as_ref().map_or(0.0, seconds));
        // Where approvals are waited for, the bundle alone is not the end.
        let has_bundle = view.bundle && self.options.is_approved.is_none();
        let finished = state.finished || state.approved || has_bundle;
        gauge!(f::FINISHED).set(f64::from(u8::from(finished)));
        drop(state);
        let policy = self.options.policy_not_after.as_ref();
        gauge!(f::POLICY_NOT_AFTER).set(policy.map_or(0.0, seconds));
        gauge!(f::WITHHELD).set(f64::from(u8::from(view.withheld.is_some())));
        tell_chains(&view);
        let folder = &view.ceremony.folder;
        gauge!(f::VERIFICATION_TIME).set(changed(&folder.transcript()));
        gauge!(f::BACKUP_TIME).set(self.options.backup_stamp.as_deref().map_or(f64::NAN, changed));
        let disks = [
            ("ceremony", free_bytes(&self.options.folder)),
            ("state", self.state_folder.free_bytes()),
        ];
        for (disk, free) in disks {
            disk_free(disk, free);
        }
        gauge!(f::DISK_NEEDED).set(needed(&view) as f64);
    }
}

fn tell_turn(state: &State, now: Instant) {
    let turn = state.turn.as_ref();
    let is = turn.map(|turn| if turn.lease.received.is_some() { "verifying" } else { "open" });
    one_of(f::TURN_HELD, "state", &["open", "verifying"], is);
    let age = turn.map_or(0, |turn| now.saturating_duration_since(turn.granted).as_secs());
    let lease = turn.map_or(0, |turn| turn.lease.seconds);
    let remaining = turn.and_then(|turn| turn.remaining(now)).unwrap_or_default();
    for (name, value) in
        [(f::TURN_AGE, age), (f::TURN_LEASE, lease), (f::TURN_REMAINING, remaining)]
    {
        gauge!(name).set(value as f64);
    }
}

fn tell_chains(view: &View) {
    let stage = match view.stage() {
        StageInfo::Phase1 => "phase1",
        StageInfo::Prepare => "prepare",
        StageInfo::Phase2 => "phase2",
        StageInfo::Closed => "closed",
    };
    one_of(f::STAGE, "stage", &["phase1", "prepare", "phase2", "closed"], Some(stage));
    let ceremony = &view.ceremony;
    for chain in ceremony.chains() {
        if let Some(head) = chain.steps.last() {
            gauge!(f::HEAD_INDEX, of_track(&chain.track)).set(f64::from(head.index));
            gauge!(f::HEAD_TIME, of_track(&chain.track)).set(seconds(&head.words.time));
        }
    }
    for phase in PHASES {
        let chains = || ceremony.chains().filter(move |chain| chain.track.phase() == phase);
        // A phase that another ceremony held has no chain here that could miss anybody.
        let is_held =
            chains().next().is_some() && (phase == Phase::Two || ceremony.config.has_own_phase1());
        let people = ceremony.roster.participants(phase).filter(|_| is_held);
        let missing =
            missing(people.map(|person| person.name.as_str()), chains().map(contributors));
        let name = phase_name(phase);
        gauge!(f::ROSTER_MISSING, "phase" => name).set(count(missing));
        let plan = ceremony.config.beacon(phase);
        let time = plan.and_then(ceremony_folder::config::PlannedBeacon::time);
        gauge!(f::BEACON_TIME, "phase" => name).set(time.as_ref().map_or(0.0, seconds));
        let pending = is_held && plan.is_some() && !chains().all(Chain::is_closed);
        gauge!(f::BEACON_PENDING, "phase" => name).set(f64::from(u8::from(pending)));
    }
}

/// Who contributed to a chain, by name.
fn contributors(chain: &Chain) -> Vec<&str> {
    chain.contributions().map(|step| step.words.participant.as_str()).collect()
}

/// How many people have not contributed to each chain, of which there are the contributors' names.
/// A scrape goes once over both.
fn missing<'a>(
    people: impl Iterator<Item = &'a str>,
    chains: impl Iterator<Item = Vec<&'a str>>,
) -> usize {
    let mut given: HashMap<&str, usize> = HashMap::new();
    let mut of = 0;
    for names in chains {
        for name in names.into_iter().collect::<HashSet<_>>() {
            *given.entry(name).or_default() += 1;
        }
        of += 1;
    }
    people.filter(|name| given.get(name).copied().unwrap_or_default() < of).count()
}

/// Bytes that the next two steps need: of contributions, the first one's file, and the second one
/// once as an upload and once as a step, which is what [`Core::standing`] asks for before it grants
/// a turn; for the prepared file, less than four times what it is made from.
fn needed(view: &View) -> u64 {
    let size = |chain: &Chain| {
        let head = chain.steps.last()?;
        view.size(&head.path)
    };
    let of = |phase| {
        let open = view
            .ceremony
            .chains()
            .filter(move |chain| chain.track.phase() == phase && !chain.is_closed());
        open.filter_map(size).map(LeasedChain::size_after).sum::<u64>()
    };
    let files = match view.stage() {
        StageInfo::Phase1 => 3 * of(Phase::One),
        StageInfo::Prepare => 4 * size(&view.ceremony.phase1).unwrap_or_default(),
        StageInfo::Phase2 => 3 * of(Phase::Two),
        StageInfo::Closed => 0,
    };
    files + SPARE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lacks_a_contribution_to_one_chain_is_missing_in_a_roster_of_any_size() {
        let chains = [vec!["a", "b", "a"], vec!["b", "c", "b"]];
        let people = ["a", "b", "c", "d"];
        assert_eq!(missing(people.into_iter(), chains.into_iter()), 3);
        assert_eq!(missing(people.into_iter(), [].into_iter()), 0);
        // Everybody of a large roster, in a large chain: a scrape must not take their product.
        let names: Vec<String> = (0..50_000).map(|n| format!("participant number {n}")).collect();
        let all = || names.iter().map(String::as_str);
        let begun = Instant::now();
        assert_eq!(missing(all(), [all().skip(1).collect()].into_iter()), 1);
        assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
    }

    #[test]
    fn only_circuits_of_the_rules_and_known_checks_become_labels() {
        let world = super::super::committing::tests::World::new(std::time::Duration::ZERO, false);
        let view = world.core.state().view.clone();
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let page = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            for circuit in ["main", "mallory"] {
                for code in ["bad", "mallory"] {
                    let event = serde_json::json!({
                        "type": "refused", "circuit": circuit, "participant": "alice",
                        "turn": "1", "code": code, "reason": "a test",
                    });
                    observe(&view, &serde_json::from_value(event).unwrap());
                }
            }
        });
        let page = page.render();
        assert!(!page.contains("mallory"), "{page}");
        for line in [
            "ceremony_contributions_total{phase=\"2\",circuit=\"main\",result=\"refused\"} 2",
            "ceremony_contributions_refused_total{check=\"bad\"} 2",
            "ceremony_contributions_refused_total{check=\"other\"} 2",
        ] {
            assert!(page.contains(line), "{line}: {page}");
        }
    }

    #[test]
    fn a_check_that_nobody_knows_is_another_one() {
        for check in CHECKS {
            assert_eq!(check_name(check), check);
        }
        for hostile in ["", "Bad", "bad\"}\n", "mallory", &"x".repeat(10_000)] {
            assert_eq!(check_name(hostile), "other");
        }
    }
}
