//! `bundle inspect` and `policy pin`: what release engineers look at before they approve.

use zk_attest::diagnostic::Diagnostic;
use zk_attest::file::read_regular;
use zk_attest::primitives::Timestamp;
use zk_vk_guard::bundle::{Bundle, MAX_BUNDLE_BYTES};
use zk_vk_guard::policy::{MAX_POLICY_BYTES, Policy};

use crate::cli::{InspectBundle, PinPolicy};
use crate::failure;
use crate::show::json;

impl InspectBundle {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let refused = |refusal| failure::refusal(&self.bundle, &refusal);
        let bundle = read_bundle(&self.bundle)?;
        let policy = self.policy.as_deref().map(read_policy).transpose()?;
        let inspection = bundle.inspect(policy.as_ref(), &Timestamp::now()).map_err(refused)?;
        if self.json {
            json(&inspection)?;
        } else {
            println!("{inspection}");
        }
        match inspection.verdict {
            Some(verdict) if !verdict.approved => {
                Err(failure::not_approved(&self.bundle, verdict.refusal))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn read_bundle(path: &std::path::Path) -> Result<Bundle, Diagnostic> {
    read_regular(path, MAX_BUNDLE_BYTES)
        .and_then(|bytes| Bundle::from_json(&bytes))
        .map_err(|refusal| failure::refusal(path, &refusal))
}

pub(super) fn read_policy(path: &std::path::Path) -> Result<Policy, Diagnostic> {
    read_regular(path, MAX_POLICY_BYTES)
        .and_then(|bytes| Policy::from_json(&bytes))
        .map_err(|refusal| failure::refusal(path, &refusal))
}

impl PinPolicy {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        println!("{}", read_policy(&self.policy)?.digest());
        Ok(())
    }
}
