//! `ceremony index`: a signed list of the public files, for those who have no service to ask.

use ceremony_folder::digests::KnownDigests;
use ceremony_folder::index::locked_files;
use zk_attest::diagnostic::Diagnostic;

use crate::cli::network::IndexArgs;
use crate::outcome::{made, note};
use crate::progress::Bars;

impl IndexArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let mut signer = self.signer.open()?;
        let (_lock, ceremony, files) = locked_files(
            root,
            signer.public_key(),
            &mut KnownDigests::default(),
            &Bars::default(),
        )?;
        let (index, path) = ceremony.write_index(files, signer.as_mut())?;
        let bytes: u64 = index.files().iter().map(|file| file.size).sum();
        made(&path, format_args!("{} public files, {bytes} bytes", index.files().len()));
        note!(
            "Publish the files that it lists, and it last. Its readers run: ceremony mirror URL DIR"
        );
        Ok(())
    }
}
