//! `ceremony archive`: the public files as a tar file. The same folder gives the same bytes: names
//! sorted, no owner, no times.

use std::io::{Seek as _, SeekFrom, Write as _};

use ceremony_core::format::bound_file::digest_file;
use ceremony_folder::archive_set::public_files;
use ceremony_folder::{Ceremony, FolderLock};
use zk_attest::diagnostic::Diagnostic;

use crate::cli::ceremony::ArchiveArgs;
use crate::failure;
use crate::output::Output;
use crate::progress::Bars;
use crate::show::hex_groups;

impl ArchiveArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open_sound(root)?;
        let prefix = ceremony.config.document().id.to_string();
        let mut output = Output::create(&self.out, self.force, &[])?;
        let files = public_files(&ceremony.folder)?;
        let own = std::path::absolute(&self.out).ok();
        let mut tar = tar::Builder::new(std::io::BufWriter::new(&mut output));
        tar.mode(tar::HeaderMode::Deterministic);
        for file in files.iter().filter(|file| std::path::absolute(&file.path).ok() != own) {
            let mut source = ceremony.folder.open(&file.path)?;
            let length = source
                .seek(SeekFrom::End(0))
                .and_then(|length| source.rewind().map(|()| length))
                .map_err(|e| failure::io(&file.path, "reading", &e))?;
            let mut header = tar::Header::new_ustar();
            header.set_size(length);
            header.set_mode(0o644);
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            tar.append_data(&mut header, format!("{prefix}/{}", file.name), &mut source)
                .map_err(|e| failure::io(&self.out, "writing", &e))?;
        }
        let mut inner = tar.into_inner().map_err(|e| failure::io(&self.out, "writing", &e))?;
        inner.flush().map_err(|e| failure::io(&self.out, "writing", &e))?;
        drop(inner);
        let digests = digest_file(&mut output, &Bars::default())
            .map_err(|e| failure::io(&self.out, "reading", &e))?;
        output.commit()?;
        println!("{}: {} public files, {} bytes", self.out.display(), files.len(), digests.length);
        println!(
            "  sha256             {}\n  blake2b-512\n{}",
            digests.sha256,
            hex_groups(digests.blake2b)
        );
        Ok(())
    }
}
