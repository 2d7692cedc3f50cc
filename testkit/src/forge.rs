//! Keys as a forger would make them: sections altered, contributions with chosen secrets, hashes
//! fixed up afterwards. Written from the specification, apart from the code under test where it
//! matters (transcripts, the initial key's hash).

use std::io::Cursor;

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Field;
use bn254_batch::Point;
use bn254_batch::curve::{Fr, G1Affine, G2Affine};
use ceremony_core::draw::hash_to_g2;
use ceremony_core::format::container::ContainerWriter;
use ceremony_core::format::encoding::{Encoding, decode, encode};
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::record::{ContributionKind, ProofOfKnowledge};
use ceremony_core::format::zkey::{
    Contribution, Header, ZKEY, Zkey, write_contributions, write_header,
};
use ceremony_core::hash::{Blake2b512, InitialKeyHash, TranscriptHash};

use super::known_tau::scalar;

/// A file's sections, in its order.
pub fn sections(bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut sections = Vec::new();
    let mut rest = &bytes[12..];
    while !rest.is_empty() {
        let id = u32::from_le_bytes(rest[..4].try_into().unwrap());
        let size = u64::from_le_bytes(rest[4..12].try_into().unwrap()) as usize;
        sections.push((id, rest[12..12 + size].to_vec()));
        rest = &rest[12 + size..];
    }
    sections
}

/// The file with these sections and the magic and version of another.
pub fn assemble(like: &[u8], sections: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = like[..8].to_vec();
    bytes.extend((sections.len() as u32).to_le_bytes());
    for (id, data) in sections {
        bytes.extend(id.to_le_bytes());
        bytes.extend((data.len() as u64).to_le_bytes());
        bytes.extend(data);
    }
    bytes
}

/// The file with one section altered.
pub fn with_section(bytes: &[u8], id: u32, alter: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut sections = sections(bytes);
    alter(&mut sections.iter_mut().find(|(i, _)| *i == id).unwrap().1);
    assemble(bytes, &sections)
}

/// One section.
pub fn section(bytes: &[u8], id: u32) -> Vec<u8> {
    sections(bytes).into_iter().find(|(i, _)| *i == id).unwrap().1
}

/// Adds the generator to the point at this place: another point of the group.
pub fn shift_point<P: Point>(section: &mut [u8], index: usize) {
    let size = P::UNCOMPRESSED_BYTES;
    let bytes = &mut section[index * size..(index + 1) * size];
    let point = decode::<P>(bytes, Encoding::Montgomery).unwrap()[0];
    bytes.copy_from_slice(&encode(&[(point + P::generator()).into_affine()], Encoding::Montgomery));
}

/// Multiplies all points of a section.
pub fn scale_points(section: &mut Vec<u8>, factor: Fr) {
    let points: Vec<G1Affine> = decode::<G1Affine>(section, Encoding::Montgomery).unwrap();
    let points: Vec<G1Affine> = points.iter().map(|p| (*p * factor).into_affine()).collect();
    *section = encode(&points, Encoding::Montgomery);
}

/// A contribution whose every part can be chosen.
#[derive(Clone)]
pub struct Step {
    /// Proven in the record.
    pub secret: Fr,
    /// What delta in the record is multiplied by.
    pub recorded: Fr,
    /// What the header's `[delta]1` and `[delta]2` are multiplied by.
    pub header: (Fr, Fr),
    /// What L and H are divided by.
    pub queries: (Fr, Fr),
    /// The label from which s comes.
    pub s: String,
    /// Whether the record is a beacon.
    pub kind: ContributionKind,
}

impl Step {
    /// An honest contribution with a known secret.
    pub fn honest(label: &str) -> Self {
        Self::of(label, scalar(label, "delta"))
    }

    /// A contribution of the right form with this secret.
    pub fn of(label: &str, secret: Fr) -> Self {
        Self {
            secret,
            recorded: secret,
            header: (secret, secret),
            queries: (secret, secret),
            s: label.into(),
            kind: ContributionKind::Contribution,
        }
    }

    /// The key after this step.
    pub fn apply(&self, key: &[u8]) -> Vec<u8> {
        let zkey = Zkey::open(Cursor::new(key)).unwrap();
        let g1_s = (G1Affine::generator() * scalar(&self.s, "s")).into_affine();
        let g1_sx = times(g1_s, self.secret);
        let transcript = transcript(&zkey.initial_key_hash(), zkey.contributions(), &g1_s, &g1_sx);
        let proof =
            ProofOfKnowledge { g1_s, g1_sx, g2_spx: times(hash_to_g2(&transcript.0), self.secret) };
        let before = *zkey.header();
        let last = zkey.contributions().last().map_or(G1Affine::generator(), |c| c.delta_g1);
        let record = Contribution {
            delta_g1: times(last, self.recorded),
            proof,
            transcript,
            kind: self.kind.clone(),
            name: None,
        };
        let header = Header {
            delta_g1: times(before.delta_g1, self.header.0),
            delta_g2: times(before.delta_g2, self.header.1),
            ..before
        };
        let mut records = zkey.contributions().to_vec();
        records.push(record);
        let mut l = section(key, 8);
        let mut h = section(key, 9);
        scale_points(&mut l, self.queries.0.inverse().unwrap());
        scale_points(&mut h, self.queries.1.inverse().unwrap());
        let key = with_section(&with_section(key, 8, |s| *s = l), 9, |s| *s = h);
        rebuild(&key, &header, zkey.initial_key_hash(), &records)
    }
}

fn times<P: Point>(point: P, factor: Fr) -> P {
    (point * factor).into_affine()
}

/// The key with another header and other records.
pub fn rebuild(
    key: &[u8],
    header: &Header,
    hash: InitialKeyHash,
    records: &[Contribution],
) -> Vec<u8> {
    let mut out = ContainerWriter::new(Cursor::new(Vec::new()), ZKEY, 10).unwrap();
    write_header(&mut out, header).unwrap();
    for id in 3..=9 {
        out.begin(id).unwrap();
        out.write(&section(key, id)).unwrap();
        out.end().unwrap();
    }
    write_contributions(&mut out, hash, records).unwrap();
    out.finish().unwrap().into_inner()
}

/// The key with its records (and nothing else) altered.
pub fn with_records(key: &[u8], alter: impl FnOnce(&mut Vec<Contribution>)) -> Vec<u8> {
    let zkey = Zkey::open(Cursor::new(key)).unwrap();
    let mut records = zkey.contributions().to_vec();
    alter(&mut records);
    rebuild(key, zkey.header(), zkey.initial_key_hash(), &records)
}

/// The key with its header (and nothing else) altered.
pub fn with_header(key: &[u8], alter: impl FnOnce(&mut Header)) -> Vec<u8> {
    let zkey = Zkey::open(Cursor::new(key)).unwrap();
    let mut header = *zkey.header();
    alter(&mut header);
    rebuild(key, &header, zkey.initial_key_hash(), zkey.contributions())
}

/// The key with another initial key's hash.
pub fn with_hash(key: &[u8], hash: InitialKeyHash) -> Vec<u8> {
    let zkey = Zkey::open(Cursor::new(key)).unwrap();
    rebuild(key, zkey.header(), hash, zkey.contributions())
}

fn transcript(
    hash: &InitialKeyHash,
    records: &[Contribution],
    s: &G1Affine,
    sx: &G1Affine,
) -> TranscriptHash {
    let u = Encoding::Uncompressed;
    let mut bytes = hash.0.to_vec();
    for record in records {
        bytes.extend(encode(&[record.delta_g1, record.proof.g1_s, record.proof.g1_sx], u));
        bytes.extend(encode(&[record.proof.g2_spx], u));
        bytes.extend(record.transcript.0);
    }
    bytes.extend(encode(&[*s, *sx], u));
    TranscriptHash(Blake2b512::digest(&[&bytes]))
}

/// The initial key's hash as a forger computes it for a key without contributions, from its
/// sections and the powers of tau. For domains below 2^15.
pub fn initial_key_hash(key: &[u8], ptau: &[u8]) -> InitialKeyHash {
    let zkey = Zkey::open(Cursor::new(key)).unwrap();
    let n = zkey.header().power.n() as usize;
    let powers = decode::<G1Affine>(&section(ptau, 2), Encoding::Montgomery).unwrap();
    Ptau::open(Cursor::new(ptau)).unwrap();
    let h: Vec<G1Affine> = (0..n - 1).map(|i| (powers[i + n] - powers[i]).into_affine()).collect();
    let mut hash = Blake2b512::new();
    hash.update(&zkey.header().points_to_bytes(Encoding::Uncompressed));
    let mut run = |bytes: Vec<u8>, count: usize| {
        hash.update(&(count as u32).to_be_bytes());
        hash.update(&bytes);
    };
    let g1 = |id| decode::<G1Affine>(&section(key, id), Encoding::Montgomery).unwrap();
    let u = Encoding::Uncompressed;
    run(encode(&g1(3), u), g1(3).len());
    run(encode(&h, u), h.len());
    run(encode(&g1(8), u), g1(8).len());
    run(encode(&g1(5), u), g1(5).len());
    run(encode(&g1(6), u), g1(6).len());
    let b = decode::<G2Affine>(&section(key, 7), Encoding::Montgomery).unwrap();
    run(encode(&b, u), b.len());
    InitialKeyHash(hash.finish())
}
