//! `.zkey`: a Groth16 key with the record of its phase 2 (docs/formats.md, section 6).
//!
//! For a circuit of n wires of which l (and the constant one) are public, with a domain of N
//! points, matrices' column polynomials A_s, B_s, C_s, and gamma = 1, the file holds, at tau:
//!
//! | section | name | content | length |
//! |---|---|---|---|
//! | 2 | | `[alpha]1 [beta]1 [beta]2 [gamma]2 [delta]1 [delta]2` | |
//! | 3 | IC | `{[beta A_s + alpha B_s + C_s]1, s <= l}` | l + 1 |
//! | 4 | | the non-zero entries of A and B | |
//! | 5, 6, 7 | A, B1, B2 | `{[A_s]1}`, `{[B_s]1}`, `{[B_s]2}` | n |
//! | 8 | L | `{[(beta A_s + alpha B_s + C_s) / delta]1, s > l}` | n - l - 1 |
//! | 9 | H | `{[Lambda_(2i+1) / delta]1}`, Lambda the Lagrange basis of the domain of 2N points | N |
//! | 10 | | the initial key's hash, contributions | |

use std::io::{Read, Seek, Write};
use std::marker::PhantomData;

use bn254_batch::Point;
use bn254_batch::curve::{FQ_MODULUS, FR_MODULUS, Fr, G1Affine, G2Affine};

use super::container::{Container, ContainerKind, ContainerWriter, Section, read_at, u32_at};
use super::encoding::{Encoding, PointDefect, decode, encode, read_le, write_le};
use super::kind::proof_system;
use super::points::PointRun;
use super::ptau::{Power, check_modulus};
use super::r1cs::{Matrix, Term};
use super::record::{
    ContributionKind, ContributorName, ProofOfKnowledge, read_records, record_point, write_origin,
};
use super::{FormatError, RecordDefect, TermDefect};
use crate::hash::{Blake2b512, ContributionHash, InitialKeyHash, TranscriptHash};
use crate::limits::{CHUNK_TERMS, MAX_CONTRIBUTIONS, MAX_PARAMETER_BYTES};

/// The container of a `.zkey`.
pub const ZKEY: ContainerKind =
    ContainerKind { magic: b"zkey", versions: &[1, 2], ids: &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10] };

/// Ids of the sections.
pub mod section {
    /// The proof system's number.
    pub const PROTOCOL: u32 = 1;
    /// Fields, sizes and the points of the key.
    pub const HEADER: u32 = 2;
    /// IC.
    pub const IC: u32 = 3;
    /// Entries of A and B.
    pub const COEFFICIENTS: u32 = 4;
    /// A in G1.
    pub const A: u32 = 5;
    /// B in G1.
    pub const B_G1: u32 = 6;
    /// B in G2.
    pub const B_G2: u32 = 7;
    /// L, also called C.
    pub const L: u32 = 8;
    /// H.
    pub const H: u32 = 9;
    /// The record of phase 2.
    pub const CONTRIBUTIONS: u32 = 10;
}

const GROTH16: u32 = 1;
const HEADER_BYTES: u64 = 660;
/// Bytes of the header before its points.
const HEADER_NUMBERS: usize = 84;
/// matrix u32, constraint u32, wire u32, value 32 bytes.
const COEFFICIENT_BYTES: u64 = 44;

/// Section 2: sizes that fit together, and points on their curves and in their groups, none of them
/// infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Number of wires, the constant one included; more than the public ones.
    pub wires: u32,
    /// Number of public wires, the constant one not included.
    pub public: u32,
    /// The domain has 2^power points.
    pub power: Power,
    /// `[alpha]1`
    pub alpha_g1: G1Affine,
    /// `[beta]1`
    pub beta_g1: G1Affine,
    /// `[beta]2`
    pub beta_g2: G2Affine,
    /// `[gamma]2`
    pub gamma_g2: G2Affine,
    /// `[delta]1`
    pub delta_g1: G1Affine,
    /// `[delta]2`
    pub delta_g2: G2Affine,
}

impl Header {
    /// The six points in the order of the file: alpha1 beta1 beta2 gamma2 delta1 delta2.
    #[must_use]
    pub fn points_to_bytes(&self, encoding: Encoding) -> Vec<u8> {
        let mut out = encode(&[self.alpha_g1, self.beta_g1], encoding);
        out.extend(encode(&[self.beta_g2, self.gamma_g2], encoding));
        out.extend(encode(&[self.delta_g1], encoding));
        out.extend(encode(&[self.delta_g2], encoding));
        out
    }

    fn to_bytes(self) -> Vec<u8> {
        let mut out = vec![0; HEADER_NUMBERS];
        out[0] = 32;
        write_le(FQ_MODULUS, &mut out[4..36]);
        out[36] = 32;
        write_le(FR_MODULUS, &mut out[40..72]);
        out[72..76].copy_from_slice(&self.wires.to_le_bytes());
        out[76..80].copy_from_slice(&self.public.to_le_bytes());
        out[80..84].copy_from_slice(&(1u32 << self.power.exponent()).to_le_bytes());
        out.extend(self.points_to_bytes(Encoding::Montgomery));
        out
    }

    fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        check_modulus(bytes, "the base field's modulus", FQ_MODULUS)?;
        check_modulus(&bytes[36..], "the scalar field's modulus", FR_MODULUS)?;
        let (wires, public, domain) = (u32_at(bytes, 72), u32_at(bytes, 76), u32_at(bytes, 80));
        if wires <= public {
            let expected = format!("more than the {public} public ones");
            return Err(FormatError::Header {
                what: "the number of wires",
                found: wires.to_string(),
                expected,
            });
        }
        let power = if domain.is_power_of_two() { Power::new(domain.ilog2()) } else { None };
        let power = power.ok_or_else(|| FormatError::Header {
            what: "the domain's size",
            found: domain.to_string(),
            expected: "a power of two from 2 to 2^28".into(),
        })?;
        let p = &bytes[HEADER_NUMBERS..];
        let g2 = |at: usize, name| header_point(&p[at..at + 128], name);
        let (beta_g2, (gamma_g2, delta_g2)) = rayon::join(
            || g2(128, "[beta]2"),
            || rayon::join(|| g2(256, "[gamma]2"), || g2(448, "[delta]2")),
        );
        Ok(Self {
            wires,
            public,
            power,
            alpha_g1: header_point(&p[..64], "[alpha]1")?,
            beta_g1: header_point(&p[64..128], "[beta]1")?,
            beta_g2: beta_g2?,
            gamma_g2: gamma_g2?,
            delta_g1: header_point(&p[384..448], "[delta]1")?,
            delta_g2: delta_g2?,
        })
    }
}

fn header_point<P: Point>(bytes: &[u8], name: &'static str) -> Result<P, FormatError> {
    let error = |defect| FormatError::Point { section: section::HEADER, name, index: 0, defect };
    let point = match decode::<P>(bytes, Encoding::Montgomery) {
        Ok(points) => points[0],
        Err((_, defect)) => return Err(error(defect)),
    };
    if point.is_zero() {
        return Err(error(PointDefect::Infinity));
    }
    if point.in_subgroup() { Ok(point) } else { Err(error(PointDefect::OutsideSubgroup)) }
}

/// Where the points of a key lie.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Section 3.
    pub ic: PointRun<G1Affine>,
    /// Section 5.
    pub a: PointRun<G1Affine>,
    /// Section 6.
    pub b_g1: PointRun<G1Affine>,
    /// Section 7.
    pub b_g2: PointRun<G2Affine>,
    /// Section 8.
    pub l: PointRun<G1Affine>,
    /// Section 9, the only one without infinity: no Lagrange polynomial vanishes at a tau outside
    /// its domain.
    pub h: PointRun<G1Affine>,
}

impl Layout {
    fn find<R: Read + Seek>(
        container: &Container<R>,
        header: &Header,
    ) -> Result<Self, FormatError> {
        let (wires, public) = (u64::from(header.wires), u64::from(header.public));
        Ok(Self {
            ic: run(container, section::IC, "IC", public + 1, true)?,
            a: run(container, section::A, "A", wires, true)?,
            b_g1: run(container, section::B_G1, "B1", wires, true)?,
            b_g2: run(container, section::B_G2, "B2", wires, true)?,
            l: run(container, section::L, "L", wires - public - 1, true)?,
            h: run(container, section::H, "H", header.power.n(), false)?,
        })
    }
}

fn run<R: Read + Seek, P: Point>(
    container: &Container<R>,
    section: u32,
    name: &'static str,
    len: u64,
    infinity: bool,
) -> Result<PointRun<P>, FormatError> {
    let encoding = Encoding::Montgomery;
    let Section { offset, .. } =
        container.section(section, len * encoding.point_bytes::<P>() as u64)?;
    Ok(PointRun { section, name, offset, len, encoding, infinity, group: PhantomData })
}

/// A record of section 10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// `[delta]1` after this contribution.
    pub delta_g1: G1Affine,
    /// That its factor of delta was known.
    pub proof: ProofOfKnowledge,
    /// What the proof is bound to.
    pub transcript: TranscriptHash,
    /// Participant or beacon. Hashed nowhere.
    pub kind: ContributionKind,
    /// For display only. Hashed nowhere.
    pub name: Option<ContributorName>,
}

/// Bytes of a record before its type and parameters.
const RECORD_BYTES: usize = 3 * 64 + 128 + 64;

impl Contribution {
    /// The points and the transcript: delta_g1, s, s x, x R, transcript, 384 bytes. All of a record
    /// that hashes see.
    #[must_use]
    pub fn bound_bytes(&self, encoding: Encoding) -> Vec<u8> {
        let mut out = encode(&[self.delta_g1, self.proof.g1_s, self.proof.g1_sx], encoding);
        out.extend(encode(&[self.proof.g2_spx], encoding));
        out.extend(self.transcript.0);
        out
    }

    /// The contribution hash.
    #[must_use]
    pub fn hash(&self) -> ContributionHash {
        ContributionHash(Blake2b512::digest(&[&self.bound_bytes(Encoding::Uncompressed)]))
    }

    /// Whether this is a beacon.
    #[must_use]
    pub fn is_beacon(&self) -> bool {
        matches!(self.kind, ContributionKind::Beacon(_))
    }

    fn read(
        fixed: &[u8; RECORD_BYTES],
        kind: ContributionKind,
        name: Option<ContributorName>,
    ) -> Result<Self, RecordDefect> {
        let lem = Encoding::Montgomery;
        let delta_g1 = record_point(&fixed[..64], lem, "[delta]1")?;
        let proof = ProofOfKnowledge {
            g1_s: record_point(&fixed[64..128], lem, "s")?,
            g1_sx: record_point(&fixed[128..192], lem, "sx")?,
            g2_spx: record_point(&fixed[192..320], lem, "spx")?,
        };
        let mut transcript = [0; 64];
        transcript.copy_from_slice(&fixed[320..]);
        Ok(Self { delta_g1, proof, transcript: TranscriptHash(transcript), kind, name })
    }
}

/// An open `.zkey` whose structure, header and records are sound. The points of the long sections
/// are checked when they are read.
#[derive(Debug)]
pub struct Zkey<R> {
    container: Container<R>,
    header: Header,
    layout: Layout,
    coefficients: Section,
    initial_key_hash: InitialKeyHash,
    contributions: Vec<Contribution>,
}

impl<R: Read + Seek> Zkey<R> {
    /// Reads table, header and records.
    ///
    /// # Errors
    /// Every structural defect of the file; a proof system other than Groth16.
    pub fn open(source: R) -> Result<Self, FormatError> {
        Self::open_knowing(source, &[])
    }

    /// [`Self::open`], with records of another file of the chain: those that this file has as well
    /// are not read anew.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_knowing(source: R, known: &[Contribution]) -> Result<Self, FormatError> {
        let mut container = Container::open(source, ZKEY)?;
        container.section(section::PROTOCOL, 4)?;
        let protocol = u32_at(&container.read_small(section::PROTOCOL, 4)?, 0);
        if let Some(found) = proof_system(protocol) {
            return Err(FormatError::ProofSystem { found });
        }
        if protocol != GROTH16 {
            return Err(FormatError::Header {
                what: "the proof system",
                found: protocol.to_string(),
                expected: "1 (Groth16)".into(),
            });
        }
        let header = container.read_header(section::HEADER, HEADER_BYTES, FQ_MODULUS)?;
        let header = Header::read(&header)?;
        let layout = Layout::find(&container, &header)?;
        let coefficients = container
            .find(section::COEFFICIENTS)
            .ok_or(FormatError::MissingSection { id: section::COEFFICIENTS })?;
        if coefficients.size < 4 {
            return Err(FormatError::SectionSize {
                id: coefficients.id,
                found: coefficients.size,
                expected: 4,
            });
        }
        let count = u32_at(&read_at(container.source(), coefficients.offset, 4)?, 0);
        let coefficients =
            container.section(coefficients.id, 4 + u64::from(count) * COEFFICIENT_BYTES)?;
        let record_limit = RECORD_BYTES as u64 + 8 + u64::from(MAX_PARAMETER_BYTES);
        let records = container
            .read_small(section::CONTRIBUTIONS, 68 + u64::from(MAX_CONTRIBUTIONS) * record_limit)?;
        let (initial_key_hash, contributions) = read_contributions(&records, known)?;
        Ok(Self { container, header, layout, coefficients, initial_key_hash, contributions })
    }

    /// Sizes and the points of the key.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where the other points lie.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The `cs_hash`, as the file says.
    #[must_use]
    pub fn initial_key_hash(&self) -> InitialKeyHash {
        self.initial_key_hash
    }

    /// The records, oldest first.
    #[must_use]
    pub fn contributions(&self) -> &[Contribution] {
        &self.contributions
    }

    /// The contribution hashes, oldest first.
    #[must_use]
    pub fn contribution_hashes(&self) -> Vec<ContributionHash> {
        self.contributions.iter().map(Contribution::hash).collect()
    }

    /// Number of entries of section 4.
    #[must_use]
    pub fn coefficients(&self) -> u64 {
        (self.coefficients.size - 4) / COEFFICIENT_BYTES
    }

    /// Up to [`CHUNK_TERMS`] entries of section 4, from entry `start` on; none at the end.
    ///
    /// # Errors
    /// An index or value out of range; or reading fails.
    pub fn read_coefficients(&mut self, start: u64) -> Result<Vec<Term>, FormatError> {
        let count = self.coefficients().saturating_sub(start).min(CHUNK_TERMS as u64);
        let offset = self.coefficients.offset + 4 + start * COEFFICIENT_BYTES;
        let bytes = read_at(self.container.source(), offset, (count * COEFFICIENT_BYTES) as usize)?;
        let (wires, rows) = (self.header.wires, self.header.power.n());
        let read = |bytes: &[u8]| {
            let (matrix, constraint, wire) = (u32_at(bytes, 0), u32_at(bytes, 4), u32_at(bytes, 8));
            let matrix = match matrix {
                0 => Matrix::A,
                1 => Matrix::B,
                found => return Err(TermDefect::Matrix(found)),
            };
            if u64::from(constraint) >= rows {
                return Err(TermDefect::Row { found: constraint, rows });
            }
            if wire >= wires {
                return Err(TermDefect::Wire { found: wire, wires });
            }
            let value = read_le(&bytes[12..]);
            if value >= FR_MODULUS {
                return Err(TermDefect::NotCanonical);
            }
            Ok(Term { matrix, constraint, wire, value: Fr::new_unchecked(value) * R_INVERSE })
        };
        let entries = bytes.chunks_exact(COEFFICIENT_BYTES as usize).zip(start..);
        entries
            .map(|(bytes, index)| {
                read(bytes).map_err(|defect| FormatError::Coefficient { index, defect })
            })
            .collect()
    }

    /// The file behind the reader.
    pub fn source(&mut self) -> &mut R {
        self.container.source()
    }

    /// Where a section lies. Its existence was checked by [`Self::open`].
    pub(crate) fn section(&self, id: u32) -> Result<Section, FormatError> {
        self.container.find(id).ok_or(FormatError::MissingSection { id })
    }
}

/// 2^256 mod r, whose Montgomery representation is R^2: the factor between a value and what section
/// 4 holds.
const R_VALUE: Fr = Fr::new_unchecked(Fr::R2);
/// 1 / 2^256: its Montgomery representation is one.
const R_INVERSE: Fr = Fr::new_unchecked(ark_ff::BigInt([1, 0, 0, 0]));

/// Appends an entry of section 4: the value is written as value * R^2 mod r, that is, as the
/// Montgomery representation of value * R.
pub(crate) fn push_coefficient(
    out: &mut Vec<u8>,
    matrix: u32,
    constraint: u32,
    wire: u32,
    value: Fr,
) {
    out.extend(matrix.to_le_bytes());
    out.extend(constraint.to_le_bytes());
    out.extend(wire.to_le_bytes());
    let at = out.len();
    out.resize(at + 32, 0);
    write_le((value * R_VALUE).0, &mut out[at..]);
}

/// Writes sections 1 and 2.
///
/// # Errors
/// When writing fails.
pub fn write_header<W: Write + Seek>(
    out: &mut ContainerWriter<W>,
    header: &Header,
) -> std::io::Result<()> {
    out.begin(section::PROTOCOL)?;
    out.write(&GROTH16.to_le_bytes())?;
    out.end()?;
    out.begin(section::HEADER)?;
    out.write(&header.to_bytes())?;
    out.end()?;
    Ok(())
}

/// Writes section 10.
///
/// # Errors
/// When writing fails.
pub fn write_contributions<W: Write + Seek>(
    out: &mut ContainerWriter<W>,
    initial_key_hash: InitialKeyHash,
    contributions: &[Contribution],
) -> std::io::Result<()> {
    out.begin(section::CONTRIBUTIONS)?;
    out.write(&initial_key_hash.0)?;
    out.write(&(contributions.len() as u32).to_le_bytes())?;
    for contribution in contributions {
        out.write(&record_bytes(contribution))?;
    }
    out.end()?;
    Ok(())
}

/// A record, as the file has it.
fn record_bytes(contribution: &Contribution) -> Vec<u8> {
    let mut bytes = contribution.bound_bytes(Encoding::Montgomery).to_vec();
    bytes.extend(write_origin(&contribution.kind, contribution.name.as_ref()));
    bytes
}

fn read_contributions(
    bytes: &[u8],
    known: &[Contribution],
) -> Result<(InitialKeyHash, Vec<Contribution>), FormatError> {
    let known = (known, record_bytes as fn(&Contribution) -> Vec<u8>);
    let contributions = read_records(section::CONTRIBUTIONS, bytes, 64, known, Contribution::read)?;
    let mut hash = [0; 64];
    hash.copy_from_slice(&bytes[..64]);
    Ok((InitialKeyHash(hash), contributions))
}
