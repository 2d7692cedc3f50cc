//! What this user's own runs of this program have verified: a file of theirs, outside of every
//! ceremony folder, so that nobody who writes to a folder can say what they verified.
//!
//! Each line names the rules, what the file is, and its digest:
//!
//! ```text
//! SHA256-OF-CEREMONY.TOML prepared SHA256
//! SHA256-OF-CEREMONY.TOML circuit/NAME SHA256
//! ```

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use ceremony_folder::store::{ReadError, open_regular};
use ceremony_folder::{Ceremony, Slot, Step, Track};
use zk_attest::diagnostic::Diagnostic;

use crate::failure;
use crate::output::Output;

/// Bytes of the file at most; older lines go first. A ceremony of the largest size takes a sixth.
const MAX_BYTES: usize = 1 << 20;

/// The file, as it is. Missing, it knows nothing.
#[derive(Debug)]
pub(crate) struct Known {
    path: PathBuf,
    lines: Vec<String>,
}

impl Known {
    /// Where it is: in the folder that the system has for the state of a user's programs.
    pub(crate) fn path() -> Option<PathBuf> {
        let folder = |name: &str| {
            let folder = PathBuf::from(std::env::var_os(name)?);
            folder.is_absolute().then_some(folder)
        };
        let state = folder("XDG_STATE_HOME")
            .or_else(|| Some(folder("HOME")?.join(".local/state")))
            .or_else(|| folder("LOCALAPPDATA"))?;
        Some(state.join("zk-ceremony").join("verified"))
    }

    /// Reads it.
    pub(crate) fn read() -> Result<Self, Diagnostic> {
        let path = Self::path().ok_or_else(|| {
            Diagnostic::environment("no-state-folder", "this account has no folder for its state")
                .expected("XDG_STATE_HOME or HOME, an absolute path")
                .hint("set XDG_STATE_HOME to a folder of your own")
        })?;
        let file = match open_regular(&path) {
            Ok(file) => file,
            Err(ReadError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { path, lines: Vec::new() });
            }
            Err(error) => return Err(unusable(&path, error)),
        };
        refuse_unless_own(&path, &file)?;
        let mut text = String::new();
        file.take(MAX_BYTES as u64 + 1)
            .read_to_string(&mut text)
            .map_err(|e| failure::io(&path, "reading", &e))?;
        if text.len() > MAX_BYTES {
            return Err(unusable(&path, "it is longer than this program writes it"));
        }
        Ok(Self { path, lines: text.lines().map(str::to_owned).collect() })
    }

    /// Whether a step's file was verified, under these rules.
    pub(crate) fn has(&self, ceremony: &Ceremony, track: &Track, step: &Step) -> bool {
        line(ceremony, track, step).is_some_and(|line| self.lines.contains(&line))
    }

    /// Notes what was verified. That it cannot be noted takes nothing from what was verified.
    pub(crate) fn note<'a>(
        ceremony: &Ceremony,
        steps: impl Iterator<Item = (&'a Track, &'a Step)>,
    ) {
        let mut lines: Vec<String> =
            steps.filter_map(|(track, step)| line(ceremony, track, step)).collect();
        if lines.is_empty() || Self::path().is_none() {
            return;
        }
        let noted = Self::read().and_then(|mut known| {
            let before: BTreeSet<&String> = known.lines.iter().collect();
            lines.retain(|line| !before.contains(line));
            if lines.is_empty() {
                return Ok(());
            }
            known.lines.append(&mut lines);
            known.write()
        });
        if let Err(error) = noted {
            eprintln!("note: what was verified is not remembered: {error}");
        }
    }

    fn write(&self) -> Result<(), Diagnostic> {
        let mut length = 0;
        let kept = self.lines.iter().rev().take_while(|line| {
            length += line.len() + 1;
            length <= MAX_BYTES
        });
        let kept: Vec<&str> = kept.map(String::as_str).collect();
        let text: String = kept.iter().rev().map(|line| format!("{line}\n")).collect();
        let folder = self.path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder).map_err(|e| failure::io(folder, "making the folder", &e))?;
        let mut output = Output::create_private(&self.path, true, &[])?;
        output.write_all(text.as_bytes()).map_err(|e| failure::io(&self.path, "writing", &e))?;
        Ok(output.commit()?)
    }
}

/// What is noted of a step: the prepared file and the keys of circuits, which later runs may rely
/// on.
fn line(ceremony: &Ceremony, track: &Track, step: &Step) -> Option<String> {
    let what = match track {
        Track::Phase1 if step.name.slot == Slot::Prepared => "prepared".to_owned(),
        Track::Phase1 => return None,
        Track::Circuit(name) => format!("circuit/{name}"),
    };
    Some(format!("{} {what} {}", ceremony.config.digest(), step.file))
}

fn unusable(path: &Path, why: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::environment("known-unusable", why)
        .at(path.display())
        .expected("the file in which this program notes what it verified")
        .hint("remove it: what was verified earlier is then verified again")
}

/// Whoever writes to it says what this user verified.
#[cfg(unix)]
fn refuse_unless_own(path: &Path, file: &File) -> Result<(), Diagnostic> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = file.metadata().map_err(|e| failure::io(path, "opening", &e))?;
    let (mode, user) = (metadata.mode() & 0o777, metadata.uid());
    if mode & 0o022 != 0 {
        return Err(unusable(path, "other accounts can write to it")
            .found(format_args!("mode {mode:04o}"))
            .expected("mode 0600, its owner only"));
    }
    if user != rustix::process::geteuid().as_raw() {
        return Err(unusable(path, "it is another account's file"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_unless_own(_: &Path, _: &File) -> Result<(), Diagnostic> {
    Ok(())
}
