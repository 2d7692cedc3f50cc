//! What a file is, told by its first bytes, before anything is said about what is wrong with it.
//!
//! A legal file that a reader cannot use is not a damaged one. So a reader says first that a file
//! is for another proof system or curve, and then compares sizes; and where it rejects the magic or
//! the table of sections, `of_rejected` tells what the file is.
//!
//! Recognition decides nothing but the message. It reads at most 4096 bytes and the head of a
//! section, of files that are rejected anyway.

mod field;
mod head;

use std::fmt;
use std::io::{Read, Seek, SeekFrom};

use ark_ff::BigInt;

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
    /// One of the parts that a preparation is cut into.
    BasesPart,
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
    pub const ALL: [Self; 25] = [
        Self::Ptau,
        Self::Zkey,
        Self::R1cs,
        Self::Wtns,
        Self::BasesPart,
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
            b"ptpa" => Some(Self::BasesPart),
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
            Self::BasesPart => "a part of Lagrange bases",
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

/// The longest size and modulus at the beginning of a header.
pub(super) const FIELD_BYTES: u64 = 4 + field::MAX_BYTES as u64;

/// The curve of a header that begins with `n8 u32 | modulus`, if it is another one than that of
/// BN254's `modulus`.
pub(super) fn curve(head: &[u8], modulus: BigInt<4>) -> Option<&'static str> {
    let mut own = [0; 32];
    write_le(modulus, &mut own);
    field::curve(head, &own)
}

/// The name of a proof system other than Groth16, by its number in a `.zkey`.
pub(super) fn proof_system(number: u32) -> Option<&'static str> {
    match number {
        2 => Some("PLONK"),
        10 => Some("FFLONK"),
        _ => None,
    }
}

/// Why a file whose table of sections was rejected may be a legal one: of another kind, or for
/// another proof system, which has sections of its own. `None` says nothing about it.
pub(super) fn of_rejected<R: Read + Seek>(
    source: &mut R,
    format: ContainerKind,
) -> std::io::Result<Option<FormatError>> {
    let (found, expected) = (FileKind::of(source)?, FileKind::of_container(format));
    if found != expected {
        let is_cut = source.seek(SeekFrom::End(0))? < 12 && found == FileKind::Unknown;
        return Ok((!is_cut).then_some(FormatError::Kind { found, expected }));
    }
    if expected != FileKind::Zkey {
        return Ok(None);
    }
    let protocol = section_head(source, zkey::section::PROTOCOL, 4)?;
    let number = protocol.filter(|bytes| bytes.len() == 4).map(|bytes| u32_at(&bytes, 0));
    let found = number.and_then(proof_system);
    Ok(found.map(|found| FormatError::ProofSystem { found }))
}

/// The first bytes of a section, at most `count`. The table is walked without judging it, since
/// files of other kinds have sections and sizes of their own.
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
