//! The people of a ceremony while it goes on: enrolments, and the signed amendments of the roster
//! (docs/formats.md, section 10).

use std::path::Path;

use ceremony_folder::amend::{Signed, shown};
use ceremony_folder::enrolment::{self, Enrolment};
use ceremony_folder::software::executable_sha256;
use ceremony_folder::{Ceremony, FolderLock};
use zk_attest::PROGRAM;
use zk_attest::amendment::{Amendment, Change};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::envelope::Envelope;
use zk_attest::file::read_regular;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Label, Timestamp};
use zk_attest::statement::{Phase, Statement};

use super::{parse_label, this_tool};
use crate::cli::ceremony::{
    AdmitArgs, CountersignArgs, EnrolArgs, HandoverArgs, RecommitArgs, ReplaceKeyArgs,
};
use crate::failure;
use crate::outcome::{made, note};
use crate::output::write_file;
use crate::signer::{Signer, open_key_file};

impl EnrolArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        // A file elsewhere needs no lock, so that a read-only copy is enough for it.
        let _lock = self.out.is_none().then(|| FolderLock::take(root)).transpose()?;
        let ceremony = Ceremony::open(root)?;
        let mut signer = self.signer.open()?;
        let name = parse_label("--as", &self.name)?;
        let phases = phases(&ceremony, &name, signer.public_key(), &self.phases)?;
        let rules = ceremony.config.document();
        let words = [("--machine", &self.machine), ("--window", &self.window)];
        let [machine, window] = words.map(|(option, text)| parse_label(option, text));
        let envelope = enrol(&ceremony, &name, &phases, (machine?, window?), signer.as_mut())?;
        let path = match &self.out {
            Some(path) => {
                write_file(path, &envelope.to_json(), false)?;
                path.clone()
            }
            None => {
                let path = ceremony.enrolment_path(signer.public_key());
                enrolment::keep(&ceremony, &envelope)?;
                path
            }
        };
        let (id, kind) = (&rules.id, rules.kind);
        made(&path, format_args!("{name} takes part in {id} ({kind}), phases {}", list(&phases)))
            .line("key", signer.public_key().fingerprint())
            .line("send this file", path.display());
        if ceremony.roster.everybody().iter().all(|person| person.name != name) {
            note!("  next               the coordinator adds you with `{PROGRAM} ceremony admit`");
        }
        Ok(())
    }
}

/// Signs somebody's enrolment, with what they say of their machine and time.
pub(super) fn enrol(
    ceremony: &Ceremony,
    name: &Label,
    phases: &[Phase],
    (machine, window): (Label, Label),
    signer: &mut dyn Signer,
) -> Result<Envelope, Diagnostic> {
    let rules = ceremony.config.document();
    let enrolment = Enrolment {
        ceremony: rules.id.clone(),
        kind: rules.kind,
        ceremony_toml_sha256: ceremony.config.digest(),
        participant: name.clone(),
        key: *signer.public_key(),
        phases: phases.into(),
        tool: this_tool(),
        software_sha256: executable_sha256(),
        machine,
        window,
        time: Timestamp::now(),
    };
    enrolment.sign(signer)
}

/// The phases of somebody who may enrol under this name and key: `wanted`, or those that the roster
/// or the rules say.
pub(super) fn phases(
    ceremony: &Ceremony,
    name: &Label,
    key: &PublicKey,
    wanted: &[u8],
) -> Result<Vec<Phase>, Diagnostic> {
    let wanted = wanted.iter().map(|number| {
        Phase::try_from(*number).map_err(|refusal| failure::argument("--phases", &refusal))
    });
    let wanted: Vec<Phase> = wanted.collect::<Result<_, _>>()?;
    let named = ceremony.roster.everybody().iter().find(|person| person.name == *name);
    if let Some(person) = named {
        if person.key != *key {
            return Err(Diagnostic::environment(
                "not-their-key",
                format_args!("this key does not match {name}'s key in the roster"),
            )
            .found(key.fingerprint())
            .expected(person.key.fingerprint())
            .hint(format_args!(
                "sign with that key, or replace it: `{PROGRAM} ceremony replace-key`"
            )));
        }
        if !wanted.is_empty() && wanted != person.phases {
            return Err(Diagnostic::environment("phases", "the roster says other phases")
                .at("--phases")
                .found(list(&wanted))
                .expected(list(&person.phases))
                .hint("leave --phases out"));
        }
        return Ok(person.phases.clone());
    }
    let rule = ceremony.config.document().enrolment.as_ref();
    let phases = match (wanted.is_empty(), rule) {
        (true, Some(rule)) => rule.phases.clone(),
        _ => wanted,
    };
    // What the coordinator's amendment would be refused for is said now.
    let change = Change::Enrol { participant: name.clone(), key: *key, phases: phases.clone() };
    ceremony.ensure_amendable(change, Label::from_static("a request"))?;
    Ok(phases)
}

impl AdmitArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let mut signer = self.signer.is_there().then(|| self.signer.open()).transpose()?;
        for path in &self.files {
            // What an earlier file changed counts for the next one.
            let ceremony = Ceremony::open(root)?;
            let bytes = read_regular(path, Envelope::MAX_BYTES)
                .map_err(|error| Diagnostic::from(&error).at(path.display()))?;
            let amendment = Envelope::from_json(&bytes).ok().and_then(|envelope| {
                Statement::<Amendment>::from_payload(envelope.payload()).ok()?;
                Some(envelope)
            });
            if let Some(envelope) = amendment {
                let (said, signed) = ceremony.take_amendment(path, &envelope)?;
                say(root, &said.change, &signed);
                continue;
            }
            let enrolment = Enrolment::read(path, &bytes, &ceremony.config)?;
            let Some(signer) = &mut signer else {
                return Err(Diagnostic::environment(
                    "no-signer",
                    "an enrolment is answered with a signed amendment",
                )
                .at(path.display())
                .hint("add --key, or another signer, with the coordinator's key"));
            };
            let kept = ceremony.enrolment_path(&enrolment.key);
            match ceremony.admit(&enrolment, signer.as_mut())? {
                Some(said) => say(root, &said.change, &Signed::InForce),
                None => note!("{} is in the roster", enrolment.participant),
            }
            if !ceremony.folder.is_present(&kept) {
                ceremony_folder::steps::write_file(&ceremony, &kept, &bytes, false)?;
            }
        }
        Ok(())
    }
}

impl ReplaceKeyArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open(root)?;
        let mut new = self.signer.open()?;
        let mut old = self.old_key.as_deref().map(open_key_file).transpose()?;
        let name = parse_label("--as", &self.name)?;
        let roster = ceremony.roster.everybody();
        let Some(person) = roster.iter().find(|person| person.name == name) else {
            let names: Vec<&str> = roster.iter().map(|person| person.name.as_str()).collect();
            return Err(Diagnostic::environment(
                "not-in-roster",
                "no participant with this name is in the roster",
            )
            .at("--as")
            .found(&name)
            .expected(names.join(", ")));
        };
        if let Some(old) = &old
            && *old.public_key() != person.key
        {
            return Err(Diagnostic::environment("not-their-key", "not the key that is replaced")
                .at("--old-key")
                .found(old.public_key().fingerprint())
                .expected(person.key.fingerprint()));
        }
        let change =
            Change::Replace { participant: name, old_key: person.key, key: *new.public_key() };
        let said = ceremony.draft_amendment(change, parse_label("--reason", &self.reason)?)?;
        let signed = match &mut old {
            Some(old) => ceremony.amend(said.clone(), &mut [new.as_mut(), old.as_mut()])?,
            None => ceremony.amend(said.clone(), &mut [new.as_mut()])?,
        };
        say(root, &said.change, &signed);
        Ok(())
    }
}

impl RecommitArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open(root)?;
        let mut signer = self.signer.open()?;
        let reason = parse_label("--reason", &self.reason)?;
        let begun = ceremony.begin_commitment_round(reason, signer.as_mut())?;
        note!(
            "round {} of the commitments to phase {} begins: those before are void",
            begun.round,
            u8::from(begun.phase)
        );
        note!(
            "  next               everybody whose `{PROGRAM} ceremony join` has ended starts it \
             again; those that run commit anew by themselves"
        );
        Ok(())
    }
}

impl HandoverArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open(root)?;
        let mut signer = self.signer.open()?;
        let rules = ceremony.config.document();
        let deputies = rules.deputies.iter().flat_map(|deputies| &deputies.people);
        let mut may = deputies.chain([&rules.coordinator]);
        let Some(to) = may.clone().find(|person| person.name.as_str() == self.to) else {
            let names: Vec<&str> = may.by_ref().map(|person| person.name.as_str()).collect();
            return Err(Diagnostic::environment(
                "not-a-deputy",
                "nobody with this name may act as coordinator",
            )
            .at("--to")
            .found(&self.to)
            .expected(names.join(", "))
            .hint("deputies are named in ceremony.toml, before the ceremony begins"));
        };
        let change = Change::Handover { coordinator: to.name.clone(), key: to.key };
        let said = ceremony.draft_amendment(change, parse_label("--reason", &self.reason)?)?;
        let signed = ceremony.amend(said.clone(), &mut [signer.as_mut()])?;
        say(root, &said.change, &signed);
        Ok(())
    }
}

impl CountersignArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open(root)?;
        if self.withdraw {
            let to = ceremony.withdraw_amendment()?;
            note!("the amendment is put away: {}", to.display());
            return Ok(());
        }
        if !self.signer.is_there() {
            return Err(Diagnostic::environment("no-signer", "who signs is not said")
                .hint("add --key, or another signer; or --withdraw"));
        }
        let pending = ceremony.roster.pending().map(|pending| pending.amended.said.clone());
        let mut signer = self.signer.open()?;
        let signed = ceremony.countersign(signer.as_mut())?;
        if let Some(said) = pending {
            say(root, &said.change, &signed);
        }
        Ok(())
    }
}

/// What an amendment says, and what becomes of it.
fn say(root: &Path, change: &Change, signed: &Signed) {
    note!("{}", shown(change));
    match signed {
        Signed::InForce => note!("  in force           for every step made from now on"),
        Signed::Pending(missing) => note!(
            "  not in force yet   it needs the signature of {missing}: `{PROGRAM} ceremony \
             countersign {}`",
            root.display()
        ),
    }
}

fn list(phases: &[Phase]) -> String {
    let numbers: Vec<String> = phases.iter().map(|phase| u8::from(*phase).to_string()).collect();
    numbers.join(", ")
}
