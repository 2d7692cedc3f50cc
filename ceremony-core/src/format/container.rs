//! The container of `.ptau`, `.r1cs`, `.zkey` and `.wtns` files:
//! `magic[4] | version u32 | n_sections u32 | { id u32 | size u64 | data }*`.
//!
//! [`Container::open`] proves that the table of sections is sound: every section lies inside the
//! file, ids are known and unique, and the last section ends where the file ends. Sections are then
//! read by position, never by order, and never beyond their end.

use std::io::{Read, Seek, SeekFrom, Write};

use ark_ff::BigInt;

use super::FormatError;
use super::kind::{self, FileKind};
use crate::limits::MAX_SECTIONS;

/// What a file format allows at the level of the container.
#[derive(Clone, Copy, Debug)]
pub struct ContainerKind {
    /// The first four bytes.
    pub magic: &'static [u8; 4],
    /// Versions that are read. The first is the one that is written.
    pub versions: &'static [u32],
    /// Ids that may occur.
    pub ids: &'static [u32],
}

/// Where a section's data lies in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// The section's id.
    pub id: u32,
    /// Position of its first byte.
    pub offset: u64,
    /// Its length in bytes.
    pub size: u64,
}

/// An open file whose section table is sound.
#[derive(Debug)]
pub struct Container<R> {
    source: R,
    sections: Vec<Section>,
}

impl<R: Read + Seek> Container<R> {
    /// Reads the table of sections.
    ///
    /// # Errors
    /// Another kind of file, another proof system; every structural defect: wrong version, too many
    /// sections, a section past the end, trailing bytes, an unknown or repeated id; or reading
    /// fails.
    pub fn open(mut source: R, format: ContainerKind) -> Result<Self, FormatError> {
        match read_table(&mut source, format) {
            Ok(sections) => Ok(Self { source, sections }),
            Err(error @ FormatError::Io(_)) => Err(error),
            // What the file is comes before what is wrong with it. Only here is a byte read twice.
            Err(error) => Err(kind::of_rejected(&mut source, format)?.unwrap_or(error)),
        }
    }

    /// The whole header section, which begins with a size and a modulus and must have exactly
    /// `size` bytes. A header of another curve is called that, whatever its size.
    pub(crate) fn read_header(
        &mut self,
        id: u32,
        size: u64,
        modulus: BigInt<4>,
    ) -> Result<Vec<u8>, FormatError> {
        let section = self.find(id).ok_or(FormatError::MissingSection { id })?;
        let count = if section.size == size { size } else { section.size.min(kind::FIELD_BYTES) };
        let bytes = read_at(&mut self.source, section.offset, count as usize)?;
        if let Some(found) = kind::curve(&bytes, modulus) {
            return Err(FormatError::Curve { found });
        }
        if section.size != size {
            return Err(FormatError::SectionSize { id, found: section.size, expected: size });
        }
        Ok(bytes)
    }

    /// The section with this id, if the file has it.
    #[must_use]
    pub fn find(&self, id: u32) -> Option<Section> {
        self.sections.iter().copied().find(|s| s.id == id)
    }

    /// The section with this id, which must have exactly `size` bytes.
    ///
    /// # Errors
    /// When it is missing or has another size.
    pub fn section(&self, id: u32, size: u64) -> Result<Section, FormatError> {
        let section = self.find(id).ok_or(FormatError::MissingSection { id })?;
        if section.size != size {
            return Err(FormatError::SectionSize { id, found: section.size, expected: size });
        }
        Ok(section)
    }

    /// Ids in the order in which they lie in the file.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        self.sections.iter().map(|s| s.id)
    }

    /// Reads a whole section of at most `limit` bytes.
    ///
    /// # Errors
    /// When it is missing, larger than the limit, or cannot be read.
    pub fn read_small(&mut self, id: u32, limit: u64) -> Result<Vec<u8>, FormatError> {
        let section = self.find(id).ok_or(FormatError::MissingSection { id })?;
        if section.size > limit {
            return Err(FormatError::SectionTooLarge { id, found: section.size, limit });
        }
        Ok(read_at(&mut self.source, section.offset, section.size as usize)?)
    }

    /// The same table over what `change` makes of the source.
    pub(crate) fn map_source<S, T, E>(
        self,
        change: impl FnOnce(R) -> Result<(S, T), E>,
    ) -> Result<(Container<S>, T), E> {
        let (source, other) = change(self.source)?;
        Ok((Container { source, sections: self.sections }, other))
    }

    /// The file behind the table.
    pub fn source(&mut self) -> &mut R {
        &mut self.source
    }
}

/// The table of sections.
fn read_table<R: Read + Seek>(
    source: &mut R,
    format: ContainerKind,
) -> Result<Vec<Section>, FormatError> {
    let length = source.seek(SeekFrom::End(0))?;
    let mut position = 0u64;
    // The head and every table entry are 12 bytes.
    let mut take_12 = |position: u64| {
        let found = length - position;
        if found < 12 {
            return Err(FormatError::Truncated { offset: position, found, expected: 12 });
        }
        Ok(read_at(source, position, 12)?)
    };
    let head = take_12(position)?;
    position += 12;
    if head[..4] != format.magic[..] {
        return Err(FormatError::Kind {
            found: FileKind::Unknown,
            expected: FileKind::of_container(format),
        });
    }
    let version = u32_at(&head, 4);
    if !format.versions.contains(&version) {
        return Err(FormatError::Version { found: version, expected: format.versions });
    }
    let count = u32_at(&head, 8);
    if count > MAX_SECTIONS {
        return Err(FormatError::TooMany {
            what: "sections",
            found: count.into(),
            limit: MAX_SECTIONS.into(),
        });
    }
    let mut sections: Vec<Section> = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let entry = take_12(position)?;
        let section =
            Section { id: u32_at(&entry, 0), offset: position + 12, size: u64_at(&entry, 4) };
        if !format.ids.contains(&section.id) {
            return Err(FormatError::UnknownSection { id: section.id, offset: position });
        }
        if sections.iter().any(|s| s.id == section.id) {
            return Err(FormatError::DuplicateSection { id: section.id, offset: position });
        }
        let available = length - section.offset;
        if section.size > available {
            return Err(FormatError::SectionPastEnd {
                id: section.id,
                found: available,
                expected: section.size,
            });
        }
        position = section.offset + section.size;
        sections.push(section);
    }
    if position != length {
        return Err(FormatError::TrailingBytes { offset: position, surplus: length - position });
    }
    Ok(sections)
}

/// Writes sections one after another; each size is filled in when the section ends.
#[derive(Debug)]
pub struct ContainerWriter<W> {
    sink: W,
    declared: u32,
    written: u32,
    size_at: u64,
}

impl<W: Write + Seek> ContainerWriter<W> {
    /// Writes the head of a file that will have `sections` sections.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(mut sink: W, kind: ContainerKind, sections: u32) -> std::io::Result<Self> {
        sink.seek(SeekFrom::Start(0))?;
        sink.write_all(kind.magic)?;
        sink.write_all(&kind.versions[0].to_le_bytes())?;
        sink.write_all(&sections.to_le_bytes())?;
        Ok(Self { sink, declared: sections, written: 0, size_at: 0 })
    }

    /// Begins a section.
    ///
    /// # Errors
    /// When writing fails.
    pub fn begin(&mut self, id: u32) -> std::io::Result<()> {
        self.sink.write_all(&id.to_le_bytes())?;
        self.size_at = self.sink.stream_position()?;
        self.written += 1;
        self.sink.write_all(&[0; 8])
    }

    /// Writes data of the open section.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.sink.write_all(bytes)
    }

    /// Ends the open section and says where its data lies.
    ///
    /// # Errors
    /// When writing fails.
    pub fn end(&mut self) -> std::io::Result<(u64, u64)> {
        let end = self.sink.stream_position()?;
        let (offset, size) = (self.size_at + 8, end - self.size_at - 8);
        self.sink.seek(SeekFrom::Start(self.size_at))?;
        self.sink.write_all(&size.to_le_bytes())?;
        self.sink.seek(SeekFrom::Start(end))?;
        Ok((offset, size))
    }

    /// The sink itself, for work on what is already written (which must leave the position at the
    /// end).
    pub fn sink(&mut self) -> &mut W {
        &mut self.sink
    }

    /// A section of `size` bytes that are written later, at the offset that is returned. Until then
    /// they are zero.
    ///
    /// # Errors
    /// When writing fails.
    pub fn skip(&mut self, id: u32, size: u64) -> std::io::Result<u64> {
        self.begin(id)?;
        let offset = self.sink.stream_position()?;
        if let Some(last) = size.checked_sub(1) {
            self.sink.seek(SeekFrom::Start(offset + last))?;
            self.sink.write_all(&[0])?;
        }
        self.end()?;
        Ok(offset)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When flushing fails, or when the number of sections is not the one that the head declares.
    pub fn finish(mut self) -> std::io::Result<W> {
        if self.declared != self.written {
            return Err(std::io::Error::other(format!(
                "{} sections declared, {} written",
                self.declared, self.written
            )));
        }
        self.sink.flush()?;
        Ok(self.sink)
    }
}

/// Reads exactly `size` bytes at `offset`.
pub(crate) fn read_at<R: Read + Seek>(
    source: &mut R,
    offset: u64,
    size: usize,
) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    source.seek(SeekFrom::Start(offset))?;
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A little-endian u32 inside a slice whose length was checked.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
