//! What the guard itself says of a package's files, and what the deep check says of the keys.
//!
//! The guard is run as a build with the feature on would run it, into a folder of its own. It ends
//! at its first refusal; where that one is about build.rs alone, it is reported, and the guard is
//! asked again as if it were mended, so that a report does not hide the second fault behind the
//! first.

use std::path::Path;

use serde::Serialize;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::PolicyDigest;
use zk_attest::error::{Code, Refusal, USUAL_BUNDLE, USUAL_POLICY};
use zk_attest::file::read_regular;
use zk_attest::primitives::{CeremonyId, CeremonyKind, CircuitName, Timestamp};
use zk_embed::{Embedded, embed};
use zk_vk_guard::Guard;
use zk_vk_guard::build_script::BuildEnv;
use zk_vk_guard::bundle::{MAX_BUNDLE_BYTES, OnExpiry};
use zk_vk_guard::policy::MAX_POLICY_BYTES;
use zk_vk_guard::snippet::Options;

use super::build_rs::GuardCall;
use super::finding::{Finding, Level};
use crate::failure;

/// What a package would embed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Embeds {
    pub(super) ceremony: CeremonyId,
    pub(super) kind: CeremonyKind,
    pub(super) serial: u64,
    not_after: Timestamp,
    policy_sha256: PolicyDigest,
    circuits: Vec<CircuitName>,
}

/// The verdict on the files that a call names, relative to its package.
pub(super) fn judge(
    package: &Path,
    call: &GuardCall,
) -> Result<(Vec<Finding>, Option<Embeds>), Diagnostic> {
    let out_dir = tempfile::tempdir().map_err(|error| {
        failure::io(&std::env::temp_dir(), "creating a temporary folder", &error)
    })?;
    let now = Timestamp::now();
    let surroundings = BuildEnv {
        package: package.to_owned(),
        out_dir: out_dir.path().to_owned(),
        feature_requested: true,
        feature_in_cfg: true,
        now: now.clone(),
    };
    let mut findings = Vec::new();
    if call.allow_rehearsal {
        let what = "build.rs accepts rehearsals, whose keys protect nothing";
        findings.push(Finding::warning(
            "rehearsal-allowed",
            what,
            "leave `.allow_rehearsal()` out of a package that is released",
        ));
    }
    let mut assumed = call.clone();
    let last = loop {
        let Err(refusal) = guard(&assumed).guard(&surroundings) else { break None };
        findings.push(Finding::refusal(Level::Error, &refusal));
        match refusal.code() {
            Code::PolicyPin if assumed.pin == call.pin => {
                let Ok(policy) = read_regular(&package.join(&call.policy), MAX_POLICY_BYTES) else {
                    break Some(refusal);
                };
                assumed.pin = PolicyDigest::of(&policy).to_string();
            }
            Code::RehearsalNotAllowed if !assumed.allow_rehearsal => assumed.allow_rehearsal = true,
            _ => break Some(refusal),
        }
    };
    // Where the guard did not come as far as the bundle there is nothing more to be said of it.
    if last.as_ref().is_some_and(|refusal| refusal.code() != Code::SnippetStale) {
        return Ok((findings, None));
    }
    let embeds = embedded(package, call, &now, &mut findings)
        .map_err(|refusal| findings.push(Finding::refusal(Level::Error, &refusal)))
        .ok();
    Ok((findings, embeds))
}

/// The canonical texts that a build may embed: of the package's own policy and bundle. Where
/// build.rs cannot be judged, these lie in their usual places, with or without arkworks' points.
pub(super) fn expected(package: &Path, call: Option<&GuardCall>) -> Result<Vec<Embedded>, Refusal> {
    let (policy, bundle) =
        call.map_or((USUAL_POLICY, USUAL_BUNDLE), |call| (&call.policy, &call.bundle));
    let policy = read_regular(&package.join(policy), MAX_POLICY_BYTES)?;
    let bundle = read_regular(&package.join(bundle), MAX_BUNDLE_BYTES)?;
    let options: &[bool] = match call {
        Some(GuardCall { arkworks: true, .. }) => &[true],
        Some(_) => &[false],
        None => &[false, true],
    };
    let now = Timestamp::now();
    let embedded = options.iter().map(|arkworks| {
        embed(&bundle, &policy, Options { arkworks: *arkworks }, &now, OnExpiry::Warn)
    });
    embedded.collect()
}

fn guard(call: &GuardCall) -> Guard {
    let mut guard = Guard::new(&call.policy, &call.pin).bundle(&call.bundle).snippet(&call.snippet);
    if call.arkworks {
        guard = guard.arkworks();
    }
    if call.allow_rehearsal {
        guard = guard.allow_rehearsal();
    }
    guard
}

/// zk-embed's checks, which no build repeats.
fn embedded(
    package: &Path,
    call: &GuardCall,
    now: &Timestamp,
    findings: &mut Vec<Finding>,
) -> Result<Embeds, Refusal> {
    let policy = read_regular(&package.join(&call.policy), MAX_POLICY_BYTES)?;
    let bundle = read_regular(&package.join(&call.bundle), MAX_BUNDLE_BYTES)?;
    let options = Options { arkworks: call.arkworks };
    let embedded = embed(&bundle, &policy, options, now, OnExpiry::Warn)
        .map_err(|refusal| refusal.with_paths(&call.policy, &call.bundle, &call.snippet))?;
    findings.extend(
        embedded.bundle.warnings().iter().map(|refusal| Finding::refusal(Level::Warning, refusal)),
    );
    let provenance = embedded.bundle.provenance();
    Ok(Embeds {
        ceremony: provenance.ceremony.clone(),
        kind: provenance.kind,
        serial: provenance.serial,
        not_after: provenance.not_after.clone(),
        policy_sha256: embedded.bundle.policy_digest(),
        circuits: embedded.bundle.circuits().map(|(circuit, _)| circuit.name.clone()).collect(),
    })
}
