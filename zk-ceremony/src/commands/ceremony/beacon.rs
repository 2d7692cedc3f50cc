//! `ceremony beacon`: where the public value comes from, and when.

use std::io::{IsTerminal as _, Write as _};
use std::thread::sleep;
use std::time::Duration;

use ceremony_folder::beacon::PublicValue;
use ceremony_folder::{Ceremony, FolderLock, Stage, TurnError};
use ceremony_net::drand::Endpoints;
use zk_attest::diagnostic::{Blame, Diagnostic};
use zk_attest::primitives::{CeremonyKind, DrandSignature, Timestamp};

use super::close_phase::close_chains;
use crate::cli::ceremony::BeaconStep;
use crate::failure;

/// How often a round is asked for that should be there, and how long to wait in between: the
/// group's nodes need a moment, and their mirrors another.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(2);
/// How often somebody who reads a log is told how long it takes.
const REMINDER: u64 = 3600;

impl BeaconStep {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let mut signer = self.signer.open()?;
        let value = {
            let ceremony = Ceremony::open_sound(root)?;
            ceremony.ensure_coordinator(signer.as_ref())?;
            if !self.wait {
                ceremony.chains_to_close()?;
            }
            // Without the folder's lock: while it waits, contributions may still come.
            self.value(&ceremony)?
        };
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open_sound(root)?;
        close_chains(&ceremony, &value, signer.as_mut())
    }

    fn value(&self, ceremony: &Ceremony) -> Result<PublicValue, Diagnostic> {
        let given = &self.value;
        if let Some(hex) = &given.value {
            return hex::decode(hex).map(PublicValue::Bytes).map_err(|e| {
                Diagnostic::environment("option", e)
                    .at("--value")
                    .hint("give the beacon's bytes in hexadecimal, without 0x")
            });
        }
        if !given.signature.is_empty() {
            return given
                .signature
                .iter()
                .map(|hex| signature(hex))
                .collect::<Result<_, _>>()
                .map(PublicValue::Signatures);
        }
        if given.random {
            return drawn(ceremony.config.document().kind);
        }
        self.fetched(ceremony)
    }

    /// The rounds of drand that close the open phase.
    fn fetched(&self, ceremony: &Ceremony) -> Result<PublicValue, Diagnostic> {
        let Stage::Contributions(phase) = ceremony.stage() else {
            let root = ceremony.folder.root().into();
            return Err(TurnError::NothingOpen { to_close: true, root }.into());
        };
        let Some((plan, chain)) =
            ceremony.config.beacon(phase).and_then(|it| Some((it, it.drand?)))
        else {
            return Err(Diagnostic::environment(
                "beacon-value",
                "the rules name a source that is not asked by itself",
            )
            .found(ceremony.config.beacon(phase).map_or("none", |plan| plan.source.as_str()))
            .expected("its value, with --value HEX")
            .hint("only rounds of drand are fetched: ceremony.toml names them with drand = NAME"));
        };
        let endpoints = Endpoints::new(&self.endpoints.endpoint)?;
        let mut signatures = Vec::new();
        for round in ceremony.rounds_to_close()? {
            let Some(time) = chain.time_of(round) else { continue };
            if time.unix() > Timestamp::now().unix() {
                if !self.wait {
                    return Err(Diagnostic::environment(
                        "beacon-to-come",
                        "the round is not published yet",
                    )
                    .found(format_args!("{} now", Timestamp::now()))
                    .expected(format_args!("{time}: {}, round {round}", plan.source))
                    .hint("run the command again then, or add --wait"));
                }
                wait_for(&time, &format!("{}, round {round}", plan.source));
            }
            let mut attempt = 1;
            signatures.push(loop {
                match endpoints.fetch(chain, round) {
                    Err(error)
                        if self.wait && attempt < ATTEMPTS && error.blame == Blame::Environment =>
                    {
                        attempt += 1;
                        sleep(PAUSE);
                    }
                    done => break done?,
                }
            });
        }
        Ok(PublicValue::Signatures(signatures))
    }
}

/// A value that nobody waits for.
pub(super) fn drawn(kind: CeremonyKind) -> Result<PublicValue, Diagnostic> {
    if kind != CeremonyKind::Rehearsal {
        return Err(Diagnostic::environment(
            "random-beacon-in-production",
            "--random is for rehearsals",
        )
        .found("a ceremony of kind production")
        .expected("a value that nobody could choose")
        .hint("give the announced value with --value HEX"));
    }
    let mut value = vec![0; 32];
    getrandom::fill(&mut value).map_err(failure::no_randomness)?;
    Ok(PublicValue::Bytes(value))
}

fn signature(hex: &str) -> Result<DrandSignature, Diagnostic> {
    DrandSignature::from_hex(hex).map_err(|refusal| {
        Diagnostic::environment("option", refusal.what())
            .at("--signature")
            .found(hex)
            .expected("96 lower-case hexadecimal digits, without 0x")
            .hint("drand's endpoints call it `signature`; `randomness` is the value it gives")
    })
}

/// Waits, and says how long it takes: each second on a terminal, now and then in a log.
fn wait_for(time: &Timestamp, what: &str) {
    let is_terminal = std::io::stderr().is_terminal();
    let left = || time.unix().saturating_sub(Timestamp::now().unix());
    let mut last_said = None;
    while left() > 0 {
        let left = left();
        if is_terminal {
            eprint!("\r\x1b[Kwaiting for {what}, at {time}: {}", duration(left));
            let _ = std::io::stderr().flush();
        } else if last_said.is_none_or(|said: u64| said.saturating_sub(left) >= REMINDER) {
            eprintln!("waiting for {what}, at {time}: {}", duration(left));
            last_said = Some(left);
        }
        sleep(Duration::from_secs(1));
    }
    if is_terminal {
        eprintln!();
    }
}

/// "2 d 3 h 4 min 5 s", without what is nothing at its beginning.
fn duration(seconds: u64) -> String {
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let shown: Vec<String> = parts
        .iter()
        .skip_while(|(count, unit)| *count == 0 && *unit != "s")
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_begins_with_what_is_something() {
        for (seconds, shown) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min 0 s"),
            (3600, "1 h 0 min 0 s"),
            (180_245, "2 d 2 h 4 min 5 s"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
    }
}
