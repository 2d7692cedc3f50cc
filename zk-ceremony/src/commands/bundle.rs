//! `bundle inspect`, `sign`, `merge` and `verify`: a bundle from its first signature to its last.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{PolicyDigest, StatementDigest, TranscriptDigest};
use zk_attest::file::read_regular;
use zk_attest::key::PublicKey;
use zk_attest::primitives::Timestamp;
use zk_vk_guard::bundle::{Bundle, MAX_BUNDLE_BYTES, OnExpiry, VerifiedBundle};
use zk_vk_guard::policy::{Policy, RoleKey};

use super::policy::read_policy;
use super::sign::{Document, confirm};
use crate::cli::InspectBundle;
use crate::cli::signing::{MergeBundles, SignBundle, VerifyBundle};
use crate::failure;
use crate::outcome::made;
use crate::show::{json, verification};
use crate::signer::Signer;
use crate::watching::say;

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

pub(super) fn read_bundle(path: &Path) -> Result<Bundle, Diagnostic> {
    read_regular(path, MAX_BUNDLE_BYTES)
        .and_then(|bytes| Bundle::from_json(&bytes))
        .map_err(|refusal| failure::refusal(path, &refusal))
}

impl SignBundle {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let mut document = Document::read(&self.bundle)?;
        let policy = self.policy.as_deref().map(read_policy).transpose()?;
        let inspection = document.bundle()?.inspect(policy.as_ref(), &Timestamp::now());
        say!("{}", inspection.map_err(|refusal| failure::refusal(&self.bundle, &refusal))?);
        if let Some(policy) = &policy {
            document.bundle()?.ensure_signable(policy, &Timestamp::now()).map_err(|refusal| {
                failure::refusal(&self.bundle, &refusal).hint(
                    "do not sign it: no signature makes this policy accept it. Ask the \
                     coordinator for another bundle, or sign under the policy that it is for",
                )
            })?;
        }
        let mut signer = self.signer.open()?;
        let key = *signer.public_key();
        let role = policy.as_ref().map(|policy| role_of(policy, signer.as_ref())).transpose()?;
        let output = document.output(&self.target)?;
        let known = role.map_or_else(String::new, |role| format!(", {role}"));
        if document.envelope().signers([&key]).contains(&key) {
            say!("this key has signed already: nothing is added");
        } else {
            confirm(
                &format!(
                    "Approve this bundle with {} (key {}{known})?",
                    signer.description(),
                    key.fingerprint()
                ),
                self.yes,
            )?;
            let signature = signer.sign(&document.envelope().pae())?;
            document
                .add_signature(&key, &signature)
                .map_err(|refusal| failure::refusal(&self.bundle, &refusal))?;
            say!("signed with {} (key {}{known})", signer.description(), key.fingerprint());
        }
        document.write_back(output)
    }
}

/// What a policy says of the signer: role and name. A key whose signature would not count is
/// refused before it signs.
fn role_of(policy: &Policy, signer: &dyn Signer) -> Result<String, Diagnostic> {
    let key = signer.public_key();
    let refused = |what: &str| {
        Diagnostic::environment("signer-not-in-policy", what)
            .at(signer.description())
            .found(format_args!("{key} (fingerprint {})", key.fingerprint()))
            .hint(
                "sign with a key that `policy show` lists, or without --policy for another policy",
            )
    };
    if policy.is_revoked(key) {
        return Err(refused("the policy revokes this key: its signature would not count"));
    }
    let roles = &policy.document().roles;
    let named = |role: &str, entry: &dyn RoleKey| {
        (entry.key() == key).then(|| format!("{role} {}", entry.name()))
    };
    let release = roles.release.keys.iter().find_map(|entry| named("release authority", entry));
    let auditor = || {
        roles.auditor.iter().flat_map(|role| &role.keys).find_map(|entry| named("auditor", entry))
    };
    let participant = || {
        roles
            .participant
            .iter()
            .flat_map(|role| &role.keys)
            .find_map(|entry| named("participant", entry))
    };
    release
        .or_else(auditor)
        .or_else(participant)
        .ok_or_else(|| refused("the policy does not name this key: its signature would not count"))
}

impl MergeBundles {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let mut output = self
            .output
            .create(&self.bundles.iter().map(std::path::PathBuf::as_path).collect::<Vec<_>>())?;
        let policy = self.policy.as_deref().map(read_policy).transpose()?;
        let mut all = BTreeSet::new();
        // Before they are put together: what a stranger added takes no room.
        let mut read = |path: &Path| {
            let bundle = read_bundle(path)?;
            let Some(policy) = &policy else { return Ok(bundle) };
            all.extend(bundle.envelope().signatures().iter().map(|s| s.signature));
            Ok::<_, Diagnostic>(bundle.only_signed_by(policy.keys()))
        };
        let mut bundles = self.bundles.iter();
        let Some(first) = bundles.next() else {
            return Err(Diagnostic::environment("no-bundle", "no bundle is named")
                .hint("name the copies to be merged"));
        };
        let mut merged = read(first)?;
        for path in bundles {
            merged.merge(&read(path)?).map_err(|refusal| failure::refusal(path, &refusal))?;
        }
        let bytes =
            merged.to_json().map_err(|refusal| failure::refusal(&self.output.path, &refusal))?;
        output.write_all(&bytes).map_err(|e| failure::io(&self.output.path, "writing", &e))?;
        output.commit()?;
        let signatures = merged.envelope().signatures().len();
        made(&self.output.path, format_args!("{signatures} signatures"));
        for kept in merged.envelope().signatures() {
            all.remove(&kept.signature);
        }
        match (&policy, all.len()) {
            (None, _) => say!("note: no signature was verified: `bundle verify --policy` does so"),
            (Some(_), 0) => {}
            (Some(_), n) => say!("note: left out {n} that no key of the policy made"),
        }
        Ok(())
    }
}

/// A verified bundle, as it is shown.
#[derive(Serialize)]
struct ShownVerified {
    file: String,
    result: &'static str,
    ceremony: String,
    kind: String,
    serial: u64,
    statement_sha256: StatementDigest,
    transcript_sha256: TranscriptDigest,
    policy_sha256: PolicyDigest,
    release: Vec<String>,
    auditor: Vec<String>,
    participant: Vec<String>,
}

impl VerifyBundle {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        verification(&self.bundle, self.verified(), self.json, ShownVerified::print)
    }

    fn verified(&self) -> Result<ShownVerified, Diagnostic> {
        let policy = read_policy(&self.policy)?;
        let bundle = read_bundle(&self.bundle)?;
        let verified = bundle.verify(&policy, &Timestamp::now(), OnExpiry::Refuse);
        verified
            .map(|verified| ShownVerified::new(self, &policy, &verified))
            .map_err(|refusal| failure::refusal(&self.bundle, &refusal))
    }
}

impl ShownVerified {
    fn new(command: &VerifyBundle, policy: &Policy, verified: &VerifiedBundle) -> Self {
        let name =
            |key: &PublicKey| policy.name_of(key).map(ToString::to_string).unwrap_or_default();
        let shown = |key: &PublicKey| format!("{} ({})", name(key), key.fingerprint());
        let names = |keys: &BTreeSet<PublicKey>| {
            policy.keys().filter(|key| keys.contains(key)).map(shown).collect()
        };
        let (provenance, approvals) = (verified.provenance(), verified.approvals());
        Self {
            file: command.bundle.display().to_string(),
            result: "good",
            ceremony: provenance.ceremony.to_string(),
            kind: provenance.kind.to_string(),
            serial: provenance.serial,
            statement_sha256: verified.statement_digest(),
            transcript_sha256: verified.transcript().digest(),
            policy_sha256: verified.policy_digest(),
            release: names(&approvals.release),
            auditor: names(&approvals.auditor),
            participant: names(&approvals.participant),
        }
    }

    fn print(&self) {
        println!("  ceremony     {} ({}), serial {}", self.ceremony, self.kind, self.serial);
        println!("  statement    {}", self.statement_sha256);
        println!("  transcript   {}", self.transcript_sha256);
        println!("  policy       {}", self.policy_sha256);
        for (role, signed) in [
            ("release", &self.release),
            ("auditor", &self.auditor),
            ("participant", &self.participant),
        ] {
            println!(
                "  {role:<12} {}",
                if signed.is_empty() { "nobody".to_owned() } else { signed.join(", ") }
            );
        }
    }
}
