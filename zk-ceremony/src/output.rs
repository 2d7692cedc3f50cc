//! Outputs and inputs that the command line names.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

pub(crate) use ceremony_folder::output::Output;
use ceremony_folder::output::remove_unfinished;
use zk_attest::diagnostic::Diagnostic;

use crate::cli::OutputArgs;
use crate::{failure, prompt};

/// What an interrupt does instead of ending the process.
static ON_INTERRUPT: std::sync::OnceLock<fn()> = std::sync::OnceLock::new();

/// Lets the first interrupt do something else than end the process; the second one ends it.
pub(crate) fn on_interrupt(act: fn()) {
    let _ = ON_INTERRUPT.set(act);
}

/// Installs a handler of SIGINT and SIGTERM that deletes unfinished temporary files and restores
/// the terminal. Where none can be installed, such a file stays under its temporary name, and the
/// output still never appears half-written.
pub(crate) fn clean_up_when_interrupted() {
    let interrupted = std::sync::atomic::AtomicBool::new(false);
    let _ = ctrlc::set_handler(move || {
        if let Some(act) = ON_INTERRUPT.get()
            && !interrupted.swap(true, std::sync::atomic::Ordering::SeqCst)
        {
            return act();
        }
        remove_unfinished();
        prompt::restore_terminal();
        std::process::exit(130);
    });
}

impl OutputArgs {
    /// Judges the output, and makes its temporary file.
    pub(crate) fn create(&self, inputs: &[&Path]) -> Result<Output, Diagnostic> {
        Ok(Output::create(&self.path, self.force, inputs)?)
    }

    /// The same, readable by its owner only.
    pub(crate) fn create_private(&self, inputs: &[&Path]) -> Result<Output, Diagnostic> {
        Ok(Output::create_private(&self.path, self.force, inputs)?)
    }
}

/// The folder of a file.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file without a name, for what does not fit in memory.
pub(crate) fn scratch_in(folder: &Path) -> Result<File, Diagnostic> {
    tempfile::tempfile_in(folder).map_err(|e| failure::io(folder, "creating a temporary file", &e))
}

/// Who can read a file that [`OutputArgs::create_private`] makes.
pub(crate) const READERS: &str = if cfg!(unix) {
    "mode 0600"
} else {
    "readable by each account that can read its folder: keep that to yours"
};

/// Writes a small file whole.
pub(crate) fn write_file(path: &Path, bytes: &[u8], replace: bool) -> Result<(), Diagnostic> {
    let mut output = Output::create(path, replace, &[])?;
    output.write_all(bytes).map_err(|e| failure::io(path, "writing", &e))?;
    Ok(output.commit()?)
}

/// Opens a regular file for reading; a link to one is followed. Does not wait for a pipe's other
/// end.
pub(crate) fn open(path: &Path) -> Result<File, Diagnostic> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    }
    let file = options.open(path).map_err(|e| failure::io(path, "opening", &e))?;
    let metadata = file.metadata().map_err(|e| failure::io(path, "opening", &e))?;
    if !metadata.is_file() {
        return Err(Diagnostic::environment("not-regular", "not a regular file")
            .at(path.display())
            .hint("name a file"));
    }
    Ok(file)
}
