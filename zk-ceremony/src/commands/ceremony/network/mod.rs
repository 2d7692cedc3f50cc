//! A ceremony over a network: the service, and those who take part in it.

mod appoint;
mod approve;
mod coordinate;
mod index;
mod join;
mod mirror;
mod publishing;
mod serve;

pub(super) use join::RECEIPTS;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ceremony_folder::evidence::EVIDENCE;
use ceremony_folder::{Ceremony, Config};
use ceremony_net::client::{Client, ClientOptions};
use ceremony_net::sync::{self, Source, WorkingCopy};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::ConfigDigest;

use crate::cli::ceremony::StatusArgs;
use crate::cli::network::{RulesArgs, ServiceArgs, VerifyLevel};
use crate::commands::sign::confirm;
use crate::failure;
use crate::progress::Bars;
use crate::show::hex_groups;

/// How long a command waits for the network that only asks.
const QUICK: Duration = Duration::from_secs(15);

impl ServiceArgs {
    fn client(&self) -> Result<Client, Diagnostic> {
        self.client_of(self.url.clone())
    }

    /// A command that asks the same service.
    fn status_command(&self) -> String {
        let mut command = format!("{PROGRAM} ceremony status {}", self.url);
        if let Some(ca) = &self.ca {
            command += &format!(" --ca {}", ca.display());
        }
        if self.insecure_http {
            command += " --insecure-http";
        }
        command
    }

    fn client_of(&self, url: String) -> Result<Client, Diagnostic> {
        Client::new(&ClientOptions {
            url,
            ca: self.ca.clone(),
            insecure_http: self.insecure_http,
            patience: Duration::from_secs(self.patience),
        })
    }
}

/// The ceremony's rules, which the user has agreed to.
fn agreed_rules(client: &Client, expected: Option<&str>) -> Result<Config, Diagnostic> {
    let expected = expected_rules(expected)?;
    let info = client.info(None)?;
    if let Some(expected) = expected.filter(|it| it.to_string() != info.ceremony_toml_sha256) {
        return Err(Diagnostic::artefact("rules", "the service has other rules than you expect")
            .at(client.origin())
            .found(&info.ceremony_toml_sha256)
            .expected(expected)
            .hint("ask the coordinator which SHA-256 and which address are right"));
    }
    agreed_to(client, expected)
}

fn expected_rules(expected: Option<&str>) -> Result<Option<ConfigDigest>, Diagnostic> {
    expected.map(ConfigDigest::from_hex).transpose().map_err(|refusal| {
        failure::argument("--rules", &refusal)
            .hint("give the SHA-256 of ceremony.toml as 64 hexadecimal digits")
    })
}

/// The rules of a source: the expected ones, or those that the user finds to be the right ones.
fn agreed_to(source: &dyn Source, expected: Option<ConfigDigest>) -> Result<Config, Diagnostic> {
    let config = sync::rules(source, &source.files()?)?;
    if let Some(expected) = expected {
        if config.digest() == expected {
            return Ok(config);
        }
        return Err(Diagnostic::artefact("rules", "these are other rules than you expect")
            .found(config.digest())
            .expected(expected)
            .hint("ask the coordinator which SHA-256 is right"));
    }
    let document = config.document();
    eprintln!(
        "ceremony {} ({}), {} participants, {} circuits, coordinator {}",
        document.id,
        document.kind,
        document.participants.len(),
        document.circuits.len(),
        document.coordinator.name
    );
    eprintln!("SHA-256 of its rules:\n{}", hex_groups(config.digest()));
    confirm("Is this what the coordinator announced?", false)?;
    Ok(config)
}

impl RulesArgs {
    fn agreed(&self, client: &Client) -> Result<(Config, PathBuf), Diagnostic> {
        let config = agreed_rules(client, self.rules.as_deref())?;
        let named = || Path::new(config.document().id.as_str()).to_owned();
        let dir = self.dir.clone().unwrap_or_else(named);
        Ok((config, dir))
    }
}

/// The signed side of the ceremony that a service holds, in a folder that vanishes with the answer.
pub(super) fn signed_side(
    url: &str,
    how: &StatusArgs,
) -> Result<(Ceremony, tempfile::TempDir), Diagnostic> {
    let client = Client::new(&ClientOptions {
        url: url.into(),
        ca: how.ca.clone(),
        insecure_http: how.insecure_http,
        patience: QUICK,
    })?;
    let files = client.files()?;
    let folder = tempfile::tempdir().map_err(|error| {
        Diagnostic::environment("temporary", format_args!("no temporary folder: {error}"))
    })?;
    let mut copy = WorkingCopy::open(folder.path(), sync::rules(&client, &files)?)?;
    copy.update(&client, is_signed_side, &Bars::default())?;
    Ok((copy.ceremony(Path::new(url))?, folder))
}

/// Files that say who did what: all but the large ones, and evidence, which may be of any size.
fn is_signed_side(name: &str) -> bool {
    let is_large = [".ptau", ".zkey", ".r1cs", ".bin"].iter().any(|ending| name.ends_with(ending));
    !is_large && !name.starts_with(EVIDENCE)
}

/// Files that a verification of this depth needs and that cannot change any more.
fn is_fixed_input(level: VerifyLevel, name: &str) -> bool {
    match level {
        VerifyLevel::Step => false,
        VerifyLevel::Chain => name.ends_with(".r1cs") || name.starts_with("phase1/prepared"),
        VerifyLevel::All => true,
    }
}
