//! What a participant adds to the operating system's randomness: typed on a terminal, or from a
//! file, never from the command line.

use std::io::{IsTerminal, Read};

use ceremony_core::commit::KeptSeed;
use ceremony_core::entropy::ContributionRng;
use ceremony_core::limits::MAX_ENTROPY_BYTES;
use zeroize::Zeroizing;
use zk_attest::diagnostic::Diagnostic;

use crate::cli::EntropyArgs;
use crate::output::open;
use crate::watching::say;
use crate::{failure, memory, prompt};

/// What a participant adds, for one contribution or several.
pub(crate) struct Added {
    text: Zeroizing<Vec<u8>>,
    /// The sources of randomness, and what keeps the secret where it is, in words.
    pub(crate) words: String,
}

/// Randomness that is kept from a commitment to the contribution, in memory that is not swapped.
pub(crate) type Kept = KeptSeed<memory::Locked>;

impl Added {
    /// Randomness for one contribution, to be kept until it can be made.
    pub(crate) fn keep(&self) -> Result<Kept, Diagnostic> {
        let memory = memory::Locked::new().map_err(|error| {
            Diagnostic::environment(
                "memory-not-locked",
                format_args!("the system does not lock memory for the secrets: {error}"),
            )
            .expected("a page of locked memory for each chain of the phase")
            .hint("raise the limit: `ulimit -l`, or LimitMEMLOCK= of a systemd unit")
        })?;
        KeptSeed::draw(memory, &self.text).map_err(|e| Diagnostic::environment("internal", e))
    }

    /// A generator for one contribution: fresh randomness of the operating system, mixed with what
    /// was added.
    pub(crate) fn rng(&self) -> Result<ContributionRng, Diagnostic> {
        ContributionRng::from_os_and_text(&self.text)
            .map_err(|e| Diagnostic::environment("internal", e))
    }
}

impl EntropyArgs {
    /// The generator of one contribution.
    pub(crate) fn rng(&self) -> Result<ContributionRng, Diagnostic> {
        self.gather()?.rng()
    }

    /// Asks, or reads the file.
    pub(crate) fn gather(&self) -> Result<Added, Diagnostic> {
        let memory = memory::protect();
        let (text, sources) = match &self.entropy_file {
            Some(path) => {
                // Allocated at full size: a buffer that grows leaves copies behind.
                let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_ENTROPY_BYTES as usize + 1));
                open(path)?
                    .take(MAX_ENTROPY_BYTES + 1)
                    .read_to_end(&mut bytes)
                    .map_err(|e| failure::io(path, "reading", &e))?;
                if bytes.len() as u64 > MAX_ENTROPY_BYTES {
                    return Err(Diagnostic::environment(
                        "more-than-bytes-entropy",
                        format_args!("more than {MAX_ENTROPY_BYTES} bytes of entropy"),
                    )
                    .at(path.display())
                    .hint(
                        "a few hundred bytes are plenty: they are hashed together with the \
                         operating system's randomness",
                    ));
                }
                say!(
                    "randomness: the operating system and {} bytes of {}",
                    bytes.len(),
                    path.display()
                );
                (bytes, "the operating system, and a file of the participant's")
            }
            None if std::io::stdin().is_terminal() => {
                let question =
                    "Type some random text to mix in (it is not shown), then press Enter: ";
                let text = prompt::hidden(question).map_err(|e| {
                    Diagnostic::environment(
                        "reading-from-terminal-failed",
                        format_args!("reading from the terminal failed: {e}"),
                    )
                })?;
                say!("randomness: the operating system and what you typed");
                (
                    Zeroizing::new(text.as_bytes().to_vec()),
                    "the operating system, and text typed by the participant",
                )
            }
            None => {
                say!("randomness: the operating system (no terminal to ask on, no --entropy-file)");
                (Zeroizing::new(Vec::new()), "the operating system")
            }
        };
        Ok(Added { text, words: format!("{sources}; {memory}") })
    }
}
