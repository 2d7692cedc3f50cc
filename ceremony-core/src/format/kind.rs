//! What a file is, told by its first bytes, before anything is said about what is wrong with it.
//!
//! A legal file that a reader cannot use is not a damaged one. So every reader asks this module
//! first: [`FileKind::of`] where the magic is not the reader's, [`foreign`] where it is and the
//! file is for another curve or proof system. Sizes come afterwards.
//!
//! Recognition decides nothing but the message. It reads at most [`HEAD_BYTES`] and the head of two
//! sections.

mod field;
mod head;

use std::fmt;
use std::io::{Read, Seek, SeekFrom};

use bn254_batch::curve::{FQ_MODULUS, FR_MODULUS};

use super::FormatError;
use super::container::{ContainerKind, read_at, u32_at};
use super::encoding::write_le;
use super::zkey;

/// Bytes by which a file is recognised.
const HEAD_BYTES: u64 = 4096;

/// A kind of file that people have at hand when they hold a ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// `.ptau`.
    Ptau,
    /// `.zkey`, of any proof system.
    Zkey,
    /// `.r1cs`.
    R1cs,
    /// `.wtns`.
    Wtns,
    /// A challenge file of phase 1.
    Challenge,
    /// A response file of phase 1.
    Response,
    /// Parameters of bellman's phase 2, or a key of gnark in the same encoding.
    Bellman,
    /// A file of gnark.
    Gnark,
    /// A key in arkworks' canonical encoding.
    Arkworks,
    /// `verification_key.json`, or another JSON document.
    Json,
    /// Source text of circom.
    CircomSource,
    /// WebAssembly: the program that calculates witnesses.
    Wasm,
    /// The text that stands for a file in a checkout without Git LFS.
    GitLfsPointer,
    /// Compressed.
    Gzip,
    /// Compressed.
    Zip,
    /// Compressed.
    Xz,
    /// Compressed.
    Bzip2,
    /// Compressed.
    Zstd,
    /// A tar archive.
    Tar,
    /// A web page, or the XML message of a server.
    WebPage,
    /// Text of any other kind.
    Text,
    /// Nothing at all.
    Empty,
    /// Zeros, as an interrupted download leaves them.
    Zeros,
    /// None of these.
    Unknown,
}

impl FileKind {
    /// Every kind.
    pub const ALL: [Self; 24] = [
        Self::Ptau,
        Self::Zkey,
        Self::R1cs,
        Self::Wtns,
        Self::Challenge,
        Self::Response,
        Self::Bellman,
        Self::Gnark,
        Self::Arkworks,
        Self::Json,
        Self::CircomSource,
        Self::Wasm,
        Self::GitLfsPointer,
        Self::Gzip,
        Self::Zip,
        Self::Xz,
        Self::Bzip2,
        Self::Zstd,
        Self::Tar,
        Self::WebPage,
        Self::Text,
        Self::Empty,
        Self::Zeros,
        Self::Unknown,
    ];

    /// The kind of a whole file.
    ///
    /// # Errors
    /// When reading fails.
    pub fn of<R: Read + Seek>(source: &mut R) -> std::io::Result<Self> {
        let length = source.seek(SeekFrom::End(0))?;
        let head = read_at(source, 0, length.min(HEAD_BYTES) as usize)?;
        Ok(head::kind(&head, length))
    }

    /// The kind of a file that is held whole.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        head::kind(&bytes[..bytes.len().min(HEAD_BYTES as usize)], bytes.len() as u64)
    }

    /// The kind that begins with these four bytes.
    fn of_magic(magic: &[u8]) -> Option<Self> {
        match magic {
            b"ptau" => Some(Self::Ptau),
            b"zkey" => Some(Self::Zkey),
            b"r1cs" => Some(Self::R1cs),
            b"wtns" => Some(Self::Wtns),
            _ => None,
        }
    }

    /// What a container holds.
    pub(super) fn of_container(kind: ContainerKind) -> Self {
        Self::of_magic(kind.magic).unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ptau => "powers of tau (.ptau)",
            Self::Zkey => "a key with its phase 2 (.zkey)",
            Self::R1cs => "a circuit (.r1cs)",
            Self::Wtns => "a witness (.wtns)",
            Self::Challenge => "a challenge file of phase 1",
            Self::Response => "a response file of phase 1",
            Self::Bellman => "parameters of bellman (.mpcparams)",
            Self::Gnark => "a file of gnark",
            Self::Arkworks => "a key in arkworks' encoding",
            Self::Json => "a JSON document",
            Self::CircomSource => "source text of circom",
            Self::Wasm => "a WebAssembly program",
            Self::GitLfsPointer => "a Git LFS pointer",
            Self::Gzip => "a gzip file",
            Self::Zip => "a zip archive",
            Self::Xz => "an xz file",
            Self::Bzip2 => "a bzip2 file",
            Self::Zstd => "a zstd file",
            Self::Tar => "a tar archive",
            Self::WebPage => "a web page",
            Self::Text => "a text file",
            Self::Empty => "an empty file",
            Self::Zeros => "zeros",
            Self::Unknown => "an unknown kind of file",
        })
    }
}

/// Why a container with the reader's own magic is a legal file for something else: another proof
/// system or another curve. `None` says nothing: the strict reader goes on.
///
/// The table of sections is walked without judging it, since files of other kinds have sections and
/// sizes of their own.
pub(super) fn foreign<R: Read + Seek>(
    source: &mut R,
    kind: FileKind,
) -> std::io::Result<Option<FormatError>> {
    // The section that begins with a size and a modulus.
    let header = match kind {
        FileKind::Ptau | FileKind::R1cs | FileKind::Wtns => 1,
        FileKind::Zkey => {
            let protocol = section_head(source, zkey::section::PROTOCOL, 4)?;
            let found = protocol.filter(|bytes| bytes.len() == 4).map(|bytes| u32_at(&bytes, 0));
            match found {
                Some(2) => return Ok(Some(FormatError::ProofSystem { found: "PLONK" })),
                Some(10) => return Ok(Some(FormatError::ProofSystem { found: "FFLONK" })),
                _ => zkey::section::HEADER,
            }
        }
        _ => return Ok(None),
    };
    let mut own = [0; 32];
    write_le(
        if matches!(kind, FileKind::Ptau | FileKind::Zkey) { FQ_MODULUS } else { FR_MODULUS },
        &mut own,
    );
    let head = section_head(source, header, 4 + field::MAX_BYTES)?;
    let curve = head.and_then(|head| field::curve(&head, &own));
    Ok(curve.map(|found| FormatError::Curve { found }))
}

/// The first bytes of a section, at most `count`.
fn section_head<R: Read + Seek>(
    source: &mut R,
    id: u32,
    count: usize,
) -> std::io::Result<Option<Vec<u8>>> {
    /// More than any known format has.
    const SECTIONS: u32 = 64;
    const ENTRY: u64 = 12;
    let length = source.seek(SeekFrom::End(0))?;
    let mut position = ENTRY;
    for _ in 0..SECTIONS {
        if position.saturating_add(ENTRY) > length {
            return Ok(None);
        }
        let entry = read_at(source, position, ENTRY as usize)?;
        let (found, start) = (u32_at(&entry, 0), position + ENTRY);
        let size = u64::from(u32_at(&entry, 4)) | u64::from(u32_at(&entry, 8)) << 32;
        if found == id {
            let count = (count as u64).min(size).min(length - start);
            return read_at(source, start, count as usize).map(Some);
        }
        position = start.saturating_add(size);
    }
    Ok(None)
}
