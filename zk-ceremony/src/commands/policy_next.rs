//! `policy next`: a policy's edit for the bundle of the next ceremony.

use std::io::Write as _;

use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::primitives::Timestamp;
use zk_vk_guard::policy::Policy;

use super::bundle::read_bundle;
use super::policy::read_policy;
use super::policy_diff::Diff;
use crate::cli::next::NextPolicy;
use crate::failure;
use crate::outcome::made;
use crate::watching::say;

impl NextPolicy {
    pub(super) fn run(self) -> Result<(), Diagnostic> {
        let old = read_policy(&self.policy)?;
        let mut output = self.output.create(&[])?;
        let refused = |refusal| failure::refusal(&self.bundle, &refusal);
        let bundle = read_bundle(&self.bundle)?;
        let now = Timestamp::now();
        let provenance = bundle.inspect(None, &now).map_err(refused)?.provenance;
        let mut document = old.document().clone();
        if provenance.kind != document.kind || provenance.serial < document.minimum_serial {
            return Err(Diagnostic::artefact(
                "not-next",
                "the policy would not accept this bundle",
            )
            .at(self.bundle.display())
            .found(format_args!("{}, serial {}", provenance.kind, provenance.serial))
            .expected(format_args!(
                "{}, serial {} or higher",
                document.kind, document.minimum_serial
            )));
        }
        document.minimum_serial = provenance.serial;
        if self.revoke_predecessor {
            let Some(predecessor) = provenance.predecessor else {
                return Err(Diagnostic::artefact(
                    "no-predecessor",
                    "the bundle names no predecessor that could be revoked",
                )
                .at(self.bundle.display())
                .hint("make the bundle with --predecessor, or leave --revoke-predecessor out"));
            };
            if !document.revoked_transcripts.contains(&predecessor) {
                document.revoked_transcripts.push(predecessor);
            }
        }
        if let Some(time) = &self.not_after {
            document.not_after = Some(time.clone());
        }
        let bytes = document.to_json();
        let new = Policy::from_json(&bytes)
            .map_err(|refusal| failure::refusal(&self.output.path, &refusal))?;
        output.write_all(&bytes).map_err(|e| failure::io(&self.output.path, "writing", &e))?;
        output.commit()?;
        made(&self.output.path, "written");
        Diff::of(&old, &new).print();
        // Nobody may have signed it yet: what it says is a draft's words until then.
        let verdict = bundle.inspect(Some(&new), &now).map_err(refused)?.verdict;
        if let Some(reason) = verdict.filter(|it| !it.approved).map(|it| it.refusal) {
            say!(
                "note: this policy does not accept the bundle yet: {}",
                reason.as_deref().unwrap_or("no reason is known")
            );
            say!(
                "hint: put it in force once `{PROGRAM} bundle verify {} --policy {}` reports good",
                self.bundle.display(),
                self.output.path.display()
            );
        }
        Ok(())
    }
}
