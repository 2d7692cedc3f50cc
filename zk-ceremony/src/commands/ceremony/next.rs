//! `ceremony next`: the rules of a periodic ceremony's next one.

use std::collections::BTreeSet;
use std::io::Write as _;

use ceremony_folder::Ceremony;
use ceremony_folder::next::{Closing, Next, Plan};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::primitives::Timestamp;
use zk_attest::statement::Phase;
use zk_vk_guard::bundle::{Bundle, MAX_BUNDLE_BYTES};

use crate::cli::next::NextCeremony;
use crate::commands::policy::read_policy;
use crate::failure;
use crate::outcome::{made, note};

impl NextCeremony {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let ceremony = Ceremony::open_sound(&self.folder.folder)?;
        let mut output = self.output.create(&[])?;
        let revoked = match &self.policy {
            Some(path) => read_policy(path)?.document().revoked_keys.iter().copied().collect(),
            None => BTreeSet::new(),
        };
        let closing = |round: Option<u64>, after: &Option<Timestamp>| {
            round.map(Closing::Round).or_else(|| after.clone().map(Closing::After))
        };
        let Some(phase2) = closing(self.phase2_round, &self.phase2_after) else {
            return Err(Diagnostic::environment("arguments", "the end of phase 2 is not named")
                .expected("--phase2-round N or --phase2-after TIME"));
        };
        let plan = Plan {
            id: self.id.clone(),
            phase1: closing(self.phase1_round, &self.phase1_after),
            phase2,
            keep_phase1: self.keep_phase1,
            serial: self.serial_of(&ceremony)?,
            revoked,
        };
        let Next { toml, config, left_out } = ceremony.successor(&plan)?;
        let path = &self.output.path;
        output.write_all(toml.as_bytes()).map_err(|e| failure::io(path, "writing", &e))?;
        output.commit()?;
        let replaced = &ceremony.config.document().id;
        let mut rules = made(path, format_args!("the rules of {}", config.document().id))
            .line("replaces", format_args!("{replaced}, serial {}", plan.serial))
            .line("participants", config.document().participants.len());
        let left_out: Vec<String> =
            left_out.iter().map(|name| format!("{name}, whose key is revoked")).collect();
        if !left_out.is_empty() {
            rules = rules.lines("left out", &left_out);
        }
        for phase in [Phase::One, Phase::Two] {
            let Some(beacon) = config.beacon(phase) else { continue };
            let time = beacon.time().map_or_else(String::new, |time| format!(", {time}"));
            rules = rules.line(
                &format!("phase {} ends", u8::from(phase)),
                format_args!("{}, round {}{time}", beacon.source, beacon.round),
            );
        }
        rules.line("sha256", config.digest());
        note!(
            "next: read it, publish its digest, and open the ceremony with `{PROGRAM} ceremony \
             new DIR --config {} --circuit NAME=FILE.r1cs --key FILE`",
            path.display()
        );
        Ok(())
    }

    /// The serial of the ceremony's bundle: that of bundle.json, which must be of its transcript.
    fn serial_of(&self, ceremony: &Ceremony) -> Result<u64, Diagnostic> {
        let path = ceremony.folder.bundle();
        if !ceremony.folder.is_present(&path) {
            return self.serial.ok_or_else(|| {
                Diagnostic::environment("no-bundle", "the serial to go on from is not known")
                    .at(path.display())
                    .found("no bundle")
                    .hint("give the serial of this ceremony's bundle with --serial N")
            });
        }
        let refused = |refusal| failure::refusal(&path, &refusal);
        let bytes = ceremony.folder.read(&path, MAX_BUNDLE_BYTES)?;
        let bundle = Bundle::from_json(&bytes).map_err(refused)?;
        let inspection = bundle.inspect(None, &Timestamp::now()).map_err(refused)?;
        let found = inspection.provenance.serial;
        match self.serial {
            Some(given) if given != found => Err(Diagnostic::environment(
                "serial",
                "the bundle in the folder has another serial",
            )
            .at(path.display())
            .found(found)
            .expected(given)
            .hint("leave --serial out")),
            _ => Ok(found),
        }
    }
}
