//! `ceremony archive`: the public files as a tar file. The same folder gives the same bytes: names
//! sorted, no owner, no times. Files that do not belong to the ceremony are left out, and named.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use ceremony_core::format::bound_file::digest_file;
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::zkey::Zkey;
use ceremony_folder::archive_set::{ArchiveSet, archive_set};
use ceremony_folder::{Ceremony, FolderLock, Track};
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
        let ArchiveSet { files, left_out } = archive_set(&ceremony)?;
        ensure_of_their_kind(&ceremony)?;
        for name in left_out {
            eprintln!("left out: {name} is not a file of the ceremony");
        }
        let mut tar = tar::Builder::new(std::io::BufWriter::new(&mut output));
        tar.mode(tar::HeaderMode::Deterministic);
        for file in &files {
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

/// Refuses steps and circuits that are not even files of their kind: one name of a shared folder
/// can stand for any number of bytes. Whether they are the attested ones is for `verify`.
fn ensure_of_their_kind(ceremony: &Ceremony) -> Result<(), Diagnostic> {
    let open = |path: &Path| ceremony.folder.open(path);
    let refused = |path: &Path, error| failure::format(path, &error);
    for chain in ceremony.chains() {
        for step in chain.steps.iter().chain(&chain.prepared) {
            let (path, input) = (&step.path, open(&step.path)?);
            match &chain.track {
                Track::Phase1 => Ptau::open(input).map(drop).map_err(|e| refused(path, e))?,
                Track::Circuit(_) => Zkey::open(input).map(drop).map_err(|e| refused(path, e))?,
            }
        }
        if let Track::Circuit(name) = &chain.track {
            let path = ceremony.folder.r1cs(name);
            R1cs::open(open(&path)?).map(drop).map_err(|e| refused(&path, e))?;
        }
    }
    Ok(())
}
