//! The rehearsal as a load test: many participants, some of whom drop out, against one service.
//!
//! Every participant is a process, as over any network, and only a few run at a time: this machine
//! computes for all of them. A turn's time is split by what the parties print:
//!
//! ```text
//! grant .. taken in     the turn                       by the service's clock
//!   - the client's      fetching, verifying, contributing, sending
//!   - verification      of the new step
//!   = the service's own
//! taken in .. next grant   until the next participant has asked: they follow the chain meanwhile,
//!                       all at once and on this machine
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ceremony_folder::Ceremony;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::statement::Phase;

use super::material::Terms;
use super::network::{Party, free_port, wait_for};
use super::{COORDINATOR, Rehearsal, slug};
use crate::failure;
use crate::outcome::note;
use crate::output::write_file;

/// Participants at work at a time: one has the turn, the others wait for theirs.
const AT_ONCE: usize = 6;
/// Seconds of a turn at least: those of a participant who dropped out are lost.
const TURN: u32 = 10;
/// Seconds without anybody, after which a phase is closed.
const CLOSE_AFTER: u32 = 2;
const LOOK: Duration = Duration::from_millis(20);

/// Where a participant is killed: when it has printed this.
const POINTS: [&str; 5] =
    ["", "in the queue", "your turn", "contribution hash (publish it)", "everything is sent"];

/// See the module's documentation.
pub(super) struct Load<'a> {
    rehearsal: &'a Rehearsal,
    /// Who drops out, in which phase, and where.
    drops: BTreeMap<String, (Phase, &'static str)>,
}

/// What a turn took, in seconds.
#[derive(Clone, Copy, Debug)]
struct Turn {
    whole: f64,
    client: f64,
    verified: f64,
    /// From its end to the next one's beginning.
    between: f64,
}

/// SplitMix64: the same numbers from the same seed, everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}

impl<'a> Load<'a> {
    pub(super) fn plan(
        rehearsal: &'a Rehearsal,
        percent: u32,
        seed: u64,
    ) -> Result<Self, Diagnostic> {
        let mut random = Random(seed);
        let mut left: Vec<&String> = rehearsal.participants.iter().collect();
        let count = left.len() * percent as usize / 100;
        let mut drops = BTreeMap::new();
        for _ in 0..count {
            let name = left.swap_remove(random.below(left.len())).clone();
            let phase = if random.below(2) == 0 { Phase::One } else { Phase::Two };
            drops.insert(name, (phase, POINTS[random.below(POINTS.len())]));
        }
        Ok(Self { rehearsal, drops })
    }

    /// Everybody who does not drop out has to contribute.
    pub(super) fn rules(&self) -> Terms {
        let minimum = self.rehearsal.participants.len() - self.drops.len();
        let minimum = u32::try_from(minimum).unwrap_or(u32::MAX);
        Terms { order: "any", minimum, committed: false }
    }

    pub(super) fn run(&self) -> Result<(), Diagnostic> {
        let rehearsal = self.rehearsal;
        for folder in ["logs", "copies", "tls"] {
            let folder = rehearsal.out.join(folder);
            std::fs::create_dir_all(&folder).map_err(|e| failure::io(&folder, "creating", &e))?;
        }
        let (certificate, key) = rehearsal.certificate()?;
        let port = free_port()?;
        let url = format!("https://localhost:{port}");
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut serve: Vec<String> = ["ceremony", "serve", "."].map(str::to_owned).into();
        for (option, value) in [
            ("--listen", format!("127.0.0.1:{port}")),
            ("--origin", url.clone()),
            ("--tls-cert", text(certificate)),
            ("--tls-key", text(key)),
            ("--key", text(rehearsal.key(COORDINATOR))),
            ("--turn", TURN.to_string()),
            ("--close-after", CLOSE_AFTER.to_string()),
        ] {
            serve.extend([option.to_owned(), value]);
        }
        serve.push("--random-beacons".into());
        let mut service = vec![rehearsal.start(COORDINATOR, "holds the ceremony", &serve)?];
        wait_for(port, &mut service)?;
        let mut report = String::new();
        for phase in [Phase::One, Phase::Two] {
            self.wait_for_phase(phase, &mut service[0])?;
            let (begun, before) = (Instant::now(), service[0].printed().len());
            let logs = self.phase(phase, &url, &mut service[0])?;
            let seconds = begun.elapsed().as_secs_f64();
            let said = service[0].printed().split_off(before);
            self.report(phase, seconds, &logs, &said, &mut report)?;
        }
        self.wait_for_end(&mut service[0])?;
        self.everybody_contributed()?;
        print!("{report}");
        note!("  logs               {}", rehearsal.out.join("logs").display());
        Ok(())
    }

    fn contributors(&self, phase: Phase) -> Result<Vec<String>, Diagnostic> {
        let ceremony = Ceremony::open(&self.rehearsal.root())?;
        let of_phase = ceremony.chains().filter(|chain| chain.track.phase() == phase);
        let steps = of_phase.flat_map(|chain| chain.contributions());
        Ok(steps.map(|step| step.words.participant.to_string()).collect())
    }

    fn everybody_contributed(&self) -> Result<(), Diagnostic> {
        for phase in [Phase::One, Phase::Two] {
            let there = self.contributors(phase)?;
            let stays =
                |name: &&String| self.drops.get(*name).is_none_or(|(dropped, _)| *dropped > phase);
            let missing = self.rehearsal.participants.iter().filter(stays);
            let missing: Vec<&str> =
                missing.filter(|name| !there.contains(name)).map(String::as_str).collect();
            if !missing.is_empty() {
                return Err(Diagnostic::environment("missing", "someone did not contribute")
                    .at(format_args!("phase {}", u8::from(phase)))
                    .found(missing.join(", ")));
            }
        }
        Ok(())
    }

    fn ensure_alive(service: &mut Party) -> Result<(), Diagnostic> {
        match service.child.try_wait() {
            Ok(Some(status)) => {
                service.ended = Some(status);
                if status.success() { Ok(()) } else { Err(service.failed(status)) }
            }
            _ => Ok(()),
        }
    }

    fn wait_for_phase(&self, phase: Phase, service: &mut Party) -> Result<(), Diagnostic> {
        use ceremony_folder::Stage;
        while Ceremony::open(&self.rehearsal.root())?.stage() != Stage::Contributions(phase) {
            Self::ensure_alive(service)?;
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    fn wait_for_end(&self, service: &mut Party) -> Result<(), Diagnostic> {
        while service.ended.is_none() {
            Self::ensure_alive(service)?;
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// Every participant of a phase, a few at a time; what each printed, by name.
    fn phase(
        &self,
        phase: Phase,
        url: &str,
        service: &mut Party,
    ) -> Result<BTreeMap<String, String>, Diagnostic> {
        let gone =
            |name: &&String| self.drops.get(*name).is_some_and(|(dropped, _)| *dropped < phase);
        let mut waiting = self.rehearsal.participants.iter().filter(|name| !gone(name));
        let mut at_work: Vec<Party> = Vec::new();
        let mut logs = BTreeMap::new();
        loop {
            while at_work.len() < AT_ONCE
                && let Some(name) = waiting.next()
            {
                at_work.push(self.join(name, phase, url)?);
            }
            if at_work.is_empty() {
                return Ok(logs);
            }
            Self::ensure_alive(service)?;
            for party in &mut at_work {
                self.look_at(party, phase)?;
            }
            for party in at_work.extract_if(.., |party| party.ended.is_some()) {
                logs.insert(party.name.clone(), party.printed());
            }
            std::thread::sleep(LOOK);
        }
    }

    fn join(&self, name: &str, phase: Phase, url: &str) -> Result<Party, Diagnostic> {
        let rehearsal = self.rehearsal;
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let rules = Ceremony::open(&rehearsal.root())?.config.digest().to_string();
        let number = u8::from(phase).to_string();
        let command = [
            "ceremony",
            "join",
            url,
            "--as",
            name,
            "--phase",
            &number,
            "--rules",
            &rules,
            "--ca",
            &text(rehearsal.out.join("tls/localhost.pem")),
            "--key",
            &text(rehearsal.key(name)),
            "--dir",
            &text(rehearsal.out.join("copies").join(slug(name))),
        ];
        rehearsal.start(name, &format!("phase {number}"), &command.map(str::to_owned))
    }

    /// Kills a participant that has come to its point, and notices one that ended.
    fn look_at(&self, party: &mut Party, phase: Phase) -> Result<(), Diagnostic> {
        let point = self.drops.get(&party.name).filter(|(dropped, _)| *dropped == phase);
        if let Some((_, point)) = point
            && party.printed().contains(point)
        {
            party.kill();
            return Ok(());
        }
        let ended = party.child.try_wait();
        let Some(status) =
            ended.map_err(|e| failure::io(&self.rehearsal.program, "waiting for", &e))?
        else {
            return Ok(());
        };
        party.ended = Some(status);
        if status.success() { Ok(()) } else { Err(party.failed(status)) }
    }

    fn report(
        &self,
        phase: Phase,
        seconds: f64,
        logs: &BTreeMap<String, String>,
        service: &str,
        report: &mut String,
    ) -> Result<(), Diagnostic> {
        let turns = turns(service, logs, &self.contributors(phase)?);
        let number = u8::from(phase);
        let count = self.contributors(phase)?.len();
        let mut table = "step,turn,client,verification,between\n".to_owned();
        for (step, turn) in &turns {
            let Turn { whole, client, verified, between } = turn;
            let _ = writeln!(table, "{step},{whole:.3},{client:.3},{verified:.3},{between:.3}");
        }
        let path = self.rehearsal.out.join(format!("turns-{number}.csv"));
        write_file(&path, table.as_bytes(), true)?;
        let all: Vec<Turn> = turns.into_values().collect();
        let sum = |of: fn(&Turn) -> f64| all.iter().map(of).sum::<f64>();
        let (whole, client, verified, between) =
            (sum(|it| it.whole), sum(|it| it.client), sum(|it| it.verified), sum(|it| it.between));
        let per_hour = count as f64 / seconds * 3600.0;
        let mean = |turns: &[Turn]| {
            turns.iter().map(|it| it.verified).sum::<f64>() / turns.len().max(1) as f64
        };
        let quarter = all.len().div_ceil(4).max(1);
        let first = mean(&all[..quarter.min(all.len())]);
        let last = mean(&all[all.len().saturating_sub(quarter)..]);
        let own = (whole - client - verified).max(0.0) / whole.max(f64::MIN_POSITIVE) * 100.0;
        let _ = writeln!(
            report,
            "phase {number}: {count} contributions in {seconds:.0} s, {per_hour:.0} an hour; {} \
             parties dropped out\n  mean turn          {:.3} s: client {:.3} s, verification {:.3} s, \
             the service's own {own:.1} %\n  between turns      {:.3} s, until the next participant \
             has asked\n  verification       first quarter of the steps {first:.3} s, last quarter \
             {last:.3} s\n  turn by turn       {}",
            self.drops.values().filter(|(dropped, _)| *dropped == phase).count(),
            whole / all.len().max(1) as f64,
            client / all.len().max(1) as f64,
            verified / all.len().max(1) as f64,
            between / all.len().max(1) as f64,
            path.display()
        );
        Ok(())
    }
}

/// A line's time in seconds of the day, by the clock of the service.
fn time(line: &str) -> Option<f64> {
    let clock = line.split_once('T')?.1.split_once('Z')?.0;
    let mut parts = clock.split(':').map(|part| part.parse::<f64>().ok());
    Some(parts.next()?? * 3600.0 + parts.next()?? * 60.0 + parts.next()??)
}

fn after<'a>(line: &'a str, words: &str) -> Option<&'a str> {
    line.split_once(words).map(|(_, rest)| rest.split(' ').next().unwrap_or_default())
}

/// The turns of these contributors, by the numbers of their steps.
fn turns(
    service: &str,
    logs: &BTreeMap<String, String>,
    contributors: &[String],
) -> BTreeMap<usize, Turn> {
    let granted = |line: &str| {
        let (before, _) = line.split_once(" has the turn")?;
        Some((before.split_once("INFO ")?.1.trim().to_owned(), time(line)?))
    };
    let grants: Vec<(String, f64)> = service.lines().filter_map(granted).collect();
    let mut turns = BTreeMap::new();
    for line in service.lines().filter(|line| line.contains(" contribution: taken in after ")) {
        let Some((name, done)) = line
            .split_once("'s contribution")
            .and_then(|(before, _)| Some((before.split_once("INFO ")?.1.trim(), time(line)?)))
        else {
            continue;
        };
        let Some(at) = grants.iter().rposition(|(who, when)| who == name && *when <= done) else {
            continue;
        };
        let Some(step) = contributors.iter().position(|who| who == name) else { continue };
        // Of a client that was killed after it had sent everything, nobody knows.
        let sent = logs.get(name).and_then(|log| {
            log.lines().rev().find_map(|line| after(line, "everything is sent (")?.parse().ok())
        });
        let verified = after(line, "verified in ").and_then(|text| text.parse().ok());
        let next = grants.get(at + 1).map_or(done, |(_, next)| *next);
        // Nobody was there to be next.
        let between = if next > done + 1.0 { 0.0 } else { (next - done).max(0.0) };
        if let (Some(client), Some(verified)) = (sent, verified) {
            let whole = done - grants[at].1;
            turns.insert(step + 1, Turn { whole, client, verified, between });
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_split_by_what_the_parties_print() {
        let service = "\
            2026-11-26T10:00:00.500000Z  INFO Party 1 has the turn\n\
            2026-11-26T10:00:01.500000Z  INFO Party 1's contribution: taken in after 0.400 s, \
            verified in 0.300 s\n\
            2026-11-26T10:00:01.600000Z  INFO Party 12 has the turn\n\
            2026-11-26T10:00:03.000000Z  INFO Party 12's contribution: refused after 0.400 s, \
            verified in 0.300 s\n";
        let said = "your turn\neverything is sent (0.6 s); the service verifies it\n";
        let logs = BTreeMap::from([("Party 1".to_owned(), said.to_owned())]);
        let found = turns(service, &logs, &["Party 1".to_owned()]);
        assert_eq!(found.len(), 1);
        let turn = found[&1];
        let parts =
            [(turn.whole, 1.0), (turn.client, 0.6), (turn.verified, 0.3), (turn.between, 0.1)];
        for (found, expected) in parts {
            assert!((found - expected).abs() < 1e-6, "{turn:?}");
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_numbers() {
        let draw = |seed| {
            let mut random = Random(seed);
            (0..100).map(|_| random.below(10)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!((0..10).all(|n| draw(1).contains(&n)));
    }
}
