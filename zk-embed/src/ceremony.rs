//! The ceremony behind a bundle, verified from its public files.
//!
//! [`check_ceremony`] proves that every file, signature and proof in the folder holds, and that the transcript which this gives is the one that the
//! bundle's signers approved.

use std::path::Path;

use ceremony_core::progress::Progress;
use ceremony_folder::{Ceremony, CeremonyError, Depth, Verification};
use zk_attest::error::{Code, Refusal, Result};

use crate::Embedded;

/// Verifies the ceremony in `folder`, and that it is the one of the bundle.
pub fn check_ceremony(embedded: &Embedded, folder: &Path, progress: &dyn Progress) -> Result<()> {
    let ceremony = Ceremony::open(folder).map_err(|error| refusal(&error))?;
    let mut verification =
        Verification::new(&ceremony, Depth::EveryFile).map_err(|error| refusal(&error))?;
    verification.run(progress).map_err(|error| refusal(&error))?;
    let done = verification.finish().map_err(|error| refusal(&error))?;
    let (found, expected) = (done.digest(), embedded.bundle.transcript().digest());
    if found == expected {
        return Ok(());
    }
    Err(Refusal::new(
        Code::TranscriptDisagrees,
        format_args!("{} is another ceremony than the bundle's", folder.display()),
    )
    .found(found)
    .expected(expected)
    .hint("name the folder of the ceremony that the bundle was made from"))
}

/// A ceremony's error says in lines what was found and expected; so does a refusal.
fn refusal(error: &CeremonyError) -> Refusal {
    let code = if error.is_environment() { Code::Environment } else { Code::ChainBroken };
    let text = error.to_string();
    let mut lines = text.lines();
    let mut refusal = Refusal::new(code, lines.next().unwrap_or_default());
    for line in lines {
        if let Some(found) = line.strip_prefix("  found     ") {
            refusal = refusal.found(found);
        } else if let Some(expected) = line.strip_prefix("  expected  ") {
            refusal = refusal.expected(expected);
        }
    }
    refusal.hint("run `zk-ceremony ceremony verify DIR` on the folder, and fetch it again from where it is published")
}
