//! `.wtns`: the values of all wires of a circuit (docs/formats.md, section 5).

use std::io::{Read, Seek, Write};

use ark_ff::PrimeField;
use bn254_batch::curve::{FR_MODULUS, Fr};

use super::FormatError;
use super::container::{Container, ContainerKind, ContainerWriter, read_at, u32_at};
use super::encoding::read_le;
use super::r1cs::{check_scalar_field, scalar_bytes, scalar_field_header};

/// The container of a `.wtns`.
pub const WTNS: ContainerKind = ContainerKind { magic: b"wtns", versions: &[2], ids: &[1, 2] };

const HEADER: u32 = 1;
const VALUES: u32 = 2;
const HEADER_BYTES: u64 = 40;
/// Values read at a time: 2 MiB.
const CHUNK: u64 = 1 << 16;

/// Reads a witness: w_0 = 1, then the public wires, then the others. Held whole, as a prover must.
///
/// # Errors
/// Every structural defect of the file; a value that is not below r.
pub fn read_wtns<R: Read + Seek>(source: R) -> Result<Vec<Fr>, FormatError> {
    let mut container = Container::open(source, WTNS)?;
    let header = container.read_header(HEADER, HEADER_BYTES, FR_MODULUS)?;
    check_scalar_field(&header)?;
    let count = u64::from(u32_at(&header, 36));
    let section = container.section(VALUES, 32 * count)?;
    let mut values = Vec::with_capacity(count as usize);
    for start in (0..count).step_by(CHUNK as usize) {
        let bytes = read_at(
            container.source(),
            section.offset + 32 * start,
            32 * CHUNK.min(count - start) as usize,
        )?;
        for (bytes, index) in bytes.chunks_exact(32).zip(start..) {
            values
                .push(Fr::from_bigint(read_le(bytes)).ok_or(FormatError::WitnessValue { index })?);
        }
    }
    Ok(values)
}

/// Writes a witness.
///
/// # Errors
/// When writing fails, or when there are more than 2^32 - 1 values.
pub fn write_wtns<W: Write + Seek>(sink: W, values: &[Fr]) -> std::io::Result<W> {
    let count = u32::try_from(values.len()).map_err(std::io::Error::other)?;
    let mut out = ContainerWriter::new(sink, WTNS, 2)?;
    out.begin(HEADER)?;
    out.write(&scalar_field_header())?;
    out.write(&count.to_le_bytes())?;
    out.end()?;
    out.begin(VALUES)?;
    for values in values.chunks(CHUNK as usize) {
        out.write(&values.iter().flat_map(|v| scalar_bytes(*v)).collect::<Vec<u8>>())?;
    }
    out.end()?;
    out.finish()
}
