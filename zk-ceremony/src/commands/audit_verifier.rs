//! `audit-verifier`: whose key a deployed verifier has.

use std::io::Read as _;
use std::path::Path;

use serde::Serialize;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::file::read_regular;
use zk_attest::primitives::{CeremonyKind, Timestamp};
use zk_embed::Imported;
use zk_embed::deployed::{Judged, MAX_DEPLOYED_BYTES, Verifier, judge, read};
use zk_vk_guard::bundle::OnExpiry;

use super::bundle::read_bundle;
use super::policy::read_policy;
use crate::cli::AuditVerifier;
use crate::failure;
use crate::show::json;

/// A verifier, as it is shown.
#[derive(Serialize)]
struct ShownVerifier {
    name: String,
    public_inputs: usize,
    /// Whose key it is; none without a bundle.
    circuit: Option<String>,
    /// Whether each point has its part in the key, and not only is in it.
    parts_known: bool,
    usual_gamma: Option<bool>,
}

impl ShownVerifier {
    fn new(verifier: &Verifier, judged: &Judged) -> Self {
        Self {
            name: verifier.name.clone(),
            public_inputs: verifier.key.public_inputs(),
            circuit: judged.circuit.as_ref().map(ToString::to_string),
            parts_known: judged.parts_known,
            usual_gamma: judged.usual_gamma,
        }
    }

    fn print(&self) {
        println!("  {}: {} public inputs", self.name, self.public_inputs);
        match &self.circuit {
            Some(circuit) => println!("    has the key of circuit {circuit} of the bundle"),
            None if self.parts_known => println!(
                "    is not degenerate; whose key it is was not checked (--bundle, --policy)"
            ),
            None => println!(
                "    no two of beta, gamma and delta were seen to be the same; whose key it is was \
                 not checked (--bundle, --policy)"
            ),
        }
        if !self.parts_known {
            println!("    by its points: code does not tell what each of them is for");
        }
        if self.usual_gamma == Some(false) {
            println!("    gamma is not the generator: the key is not one of snarkjs or this tool");
        }
    }
}

#[derive(Serialize)]
struct Shown {
    file: String,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ceremony: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    verifiers: Vec<ShownVerifier>,
    /// Numbers as long as a coordinate that are no part of a key.
    other_numbers: usize,
}

impl Shown {
    fn print(&self) {
        match (&self.ceremony, &self.statement_sha256) {
            (Some(ceremony), Some(statement)) => println!(
                "{}: of the bundle of ceremony {ceremony}, statement {statement}",
                self.file
            ),
            _ => println!("{}: compared with no bundle", self.file),
        }
        self.verifiers.iter().for_each(ShownVerifier::print);
        if self.other_numbers > 0 {
            println!(
                "  {} other numbers are as long as a coordinate, and may be another key's: look at \
                 what uses them",
                self.other_numbers
            );
        }
        println!("  only numbers were looked at, and not what the rest of the contract does");
    }
}

impl AuditVerifier {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let shown = self.judged()?;
        if self.json {
            return json(&shown);
        }
        shown.print();
        Ok(())
    }

    fn judged(&self) -> Result<Shown, Diagnostic> {
        let imported = match (&self.bundle, &self.policy) {
            (Some(bundle), Some(policy)) => {
                let read = (read_bundle(bundle)?, read_policy(policy)?);
                // A contract outlives the bundle that it was made from.
                let imported = Imported::of(read.0, &read.1, &Timestamp::now(), OnExpiry::Warn)
                    .map_err(|refusal| failure::refusal(bundle, &refusal))?;
                imported.bundle().warnings().iter().for_each(|warning| {
                    eprintln!("warning: {warning}");
                });
                Some(imported)
            }
            _ => None,
        };
        let refused = |refusal| failure::refusal(&self.file, &refusal);
        let found = read(&bytes(&self.file)?).map_err(refused)?;
        let shown = found.verifiers.iter().map(|verifier| {
            let judged = judge(verifier, imported.as_ref()).map_err(refused)?;
            self.ensure_wanted(verifier, &judged)?;
            Ok(ShownVerifier::new(verifier, &judged))
        });
        let verifiers = shown.collect::<Result<_, Diagnostic>>()?;
        let provenance = imported.as_ref().map(|imported| imported.bundle().provenance());
        if provenance.is_some_and(|about| about.kind == CeremonyKind::Rehearsal) {
            eprintln!("warning: the bundle is of a rehearsal: its keys protect nothing");
        }
        Ok(Shown {
            file: self.file.display().to_string(),
            result: if imported.is_some() { "of-the-bundle" } else { "not-refused" },
            ceremony: provenance.map(|about| about.ceremony.to_string()),
            kind: provenance.map(|about| about.kind.to_string()),
            statement_sha256: imported
                .as_ref()
                .map(|it| it.bundle().statement_digest().to_string()),
            verifiers,
            other_numbers: found.other_numbers,
        })
    }

    /// Refuses the key of another circuit than the one that was asked for.
    fn ensure_wanted(&self, verifier: &Verifier, judged: &Judged) -> Result<(), Diagnostic> {
        match (&self.circuit, &judged.circuit) {
            (Some(wanted), Some(found)) if wanted != found => {
                Err(Diagnostic::artefact("another-circuit", "the key is another circuit's")
                    .at(format_args!("{}: {}", self.file.display(), verifier.name))
                    .found(found)
                    .expected(wanted))
            }
            _ => Ok(()),
        }
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    if path != Path::new("-") {
        return read_regular(path, MAX_DEPLOYED_BYTES)
            .map_err(|refusal| failure::refusal(path, &refusal));
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(MAX_DEPLOYED_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failure::io(path, "reading", &error))?;
    if bytes.len() > MAX_DEPLOYED_BYTES {
        return Err(Diagnostic::artefact("too-large", "the input is too large")
            .at(path.display())
            .found(format_args!("more than {MAX_DEPLOYED_BYTES} bytes"))
            .expected("a contract's source or code"));
    }
    Ok(bytes)
}
