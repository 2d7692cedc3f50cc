//! Verifying a key from an earlier one of its chain, with one reading of each file.
//!
//! Everything that is asked of two keys in a row is asked of what a single reading of each gives:
//!
//! - header and records, which are compared as they are;
//! - a SHA-256 of each section that has to stay;
//! - `sum c_i P_i` over the points of L, and of H ([`Combination`]).
//!
//! That is a [`Predecessor`]. The next key of the chain is verified from it without another look at
//! the earlier file, so a chain of n keys costs n readings.
//!
//! **The same coefficients serve a whole chain.** They are drawn from a seed of the OS that never
//! leaves the process. For one pair of keys the argument is that of [`crate::ratio`]: the makers of
//! the keys did not know the c_i, and a wrong point is missed with a probability of 2^-128. All
//! that the world learns of the seed is which keys were refused. A key that is refused tells that
//! one linear equation in the c_i does not hold, which all but one of 2^128 values of any c_i
//! satisfy; a maker who tries q keys, each knowing how the ones before fared, succeeds with a
//! probability of at most q / (2^128 - q).

use std::io::{Read, Seek};

use bn254_batch::curve::{G1Affine, G2Affine};
use sha2::{Digest, Sha256};

use super::compared::{Compared, Head, digests, hashed, with_digests};
use super::error::VerifyError;
use super::expectations::Expectations;
use super::h_query::{Combination, Divided, divided, lacks_top_power};
use super::report::{Check, Digests, Failure, Findings, Remark, Report};
use crate::entropy::{CoefficientSeed, OsRandomError, VerifierRng};
use crate::format::FormatError;
use crate::format::bound_file::{StreamHashedFile, each_chunk};
use crate::format::container::{Section, read_at};
use crate::format::encoding::{Encoding, encode};
use crate::format::points::PointRun;
use crate::format::zkey::{Contribution, Header, Zkey, section};
use crate::hash::{FileSha256, InitialKeyHash};
use crate::keygen::VerifyingKey;
use crate::progress::{NoProgress, Progress};
use crate::ratio::Ratio;

/// Sections that no contribution changes.
const STAY: [u32; 5] =
    [section::IC, section::COEFFICIENTS, section::A, section::B_G1, section::B_G2];

/// What is kept of a verified key, so that the next one of its chain is verified without another
/// reading of its file.
///
/// [`Self::verify`], [`Self::verify_initial`], [`Self::verify_from`] and [`Self::verify_next`] make
/// one of the key that they verified.
#[derive(Clone, Debug)]
pub struct Predecessor {
    pub(super) file: FileSha256,
    pub(super) head: Head,
    pub(super) sections: Sections,
}

/// What one reading of a key's long sections gives.
#[derive(Clone, Debug)]
pub(super) struct Sections {
    seed: CoefficientSeed,
    /// SHA-256 of each section of [`STAY`].
    stay: [[u8; 32]; STAY.len()],
    l: Combination,
    h: Combination,
}

/// [`Sections`] on their way.
pub(super) struct Collector {
    seed: CoefficientSeed,
    stay: [Sha256; STAY.len()],
    l: (Combination, VerifierRng),
    h: (Combination, VerifierRng),
}

impl Collector {
    pub(super) fn new(seed: &CoefficientSeed) -> Self {
        let run = |id| (Combination::default(), seed.of(id));
        Self {
            stay: Default::default(),
            l: run(section::L),
            h: run(section::H),
            seed: seed.clone(),
        }
    }

    /// The bytes that come next in a section that stays; of others nothing is asked.
    pub(super) fn bytes(&mut self, id: u32, bytes: &[u8]) {
        if let Some(place) = STAY.iter().position(|stays| *stays == id) {
            self.stay[place].update(bytes);
        }
    }

    /// The points that come next in L or H.
    pub(super) fn points(&mut self, id: u32, points: &[G1Affine]) {
        let (sum, rng) = if id == section::L { &mut self.l } else { &mut self.h };
        sum.add(points, &rng.coefficients(points.len()));
    }

    pub(super) fn finish(self) -> Sections {
        let Self { seed, stay, l: (l, _), h: (h, _) } = self;
        Sections { seed, stay: stay.map(|sha256| sha256.finalize().into()), l, h }
    }
}

impl Sections {
    /// One reading of all of them, in the order in which they lie in the file.
    fn read<K: Read + Seek + Send>(
        key: &mut Zkey<K>,
        seed: &CoefficientSeed,
        progress: &dyn Progress,
    ) -> Result<Self, FormatError> {
        let layout = key.layout();
        let mut rng = VerifierRng::from_os().map_err(no_random)?;
        let mut collector = Collector::new(seed);
        let mut ids = [&STAY[..], &[section::L, section::H]].concat();
        ids.sort_by_key(|id| key.section(*id).map_or(0, |section| section.offset));
        for id in ids {
            let run = match id {
                section::L => layout.l,
                section::H => layout.h,
                _ => {
                    let Section { offset, size, .. } = key.section(id)?;
                    each_chunk(key.source(), offset..offset + size, progress, |bytes| {
                        collector.bytes(id, bytes);
                    })?;
                    continue;
                }
            };
            progress.begin(run.name, run.len);
            run.for_each_chunk(key.source(), &mut rng, 0, |_, points, _| {
                collector.points(id, &points);
                progress.advance(points.len() as u64);
                Ok::<_, FormatError>(())
            })?;
            progress.end();
        }
        Ok(collector.finish())
    }

    /// The sections that should have stayed and did not.
    fn changed(&self, after: &Self) -> impl Iterator<Item = u32> {
        let same = self.stay.iter().zip(after.stay);
        STAY.into_iter().zip(same).filter(|(_, (old, new))| *old != new).map(|(id, _)| id)
    }

    /// Check 8; `deltas` are those of the key, whose sections are `after`, and of the one before.
    pub(super) fn judge<K: Read + Seek + Send>(
        &self,
        after: &Self,
        deltas: Ratio<G2Affine>,
        key: &mut Zkey<K>,
        findings: &mut Findings,
    ) -> Result<Option<Remark>, FormatError> {
        let (layout, power) = (key.layout(), key.header().power);
        let of_h = Some((power, self.seed.of(section::H)));
        let mut not = |run: PointRun<G1Affine>| {
            let failure = Failure::NotDivided { section: run.section, name: run.name };
            findings.add(Check::Divided, failure);
        };
        if divided(&self.l, &after.l, deltas, None) != Divided::Exactly {
            not(layout.l);
        }
        match divided(&self.h, &after.h, deltas, of_h) {
            Divided::Exactly => return Ok(None),
            Divided::ButForTopPower => {
                let mut rng = VerifierRng::from_os().map_err(no_random)?;
                if lacks_top_power(layout.h, power, key.source(), &mut rng)? {
                    return Ok(Some(Remark::NoTopPower));
                }
            }
            Divided::Not => {}
        }
        not(layout.h);
        Ok(None)
    }
}

fn no_random(error: OsRandomError) -> FormatError {
    FormatError::Io(std::io::Error::other(error))
}

impl Predecessor {
    /// The SHA-256 of the key's file, as it was read.
    #[must_use]
    pub fn file(&self) -> FileSha256 {
        self.file
    }

    /// The records of the key, oldest first.
    #[must_use]
    pub fn records(&self) -> &[Contribution] {
        &self.head.records
    }

    /// The hash of the initial key, shown by tools as the circuit hash.
    #[must_use]
    pub fn initial_key_hash(&self) -> InitialKeyHash {
        self.head.initial_key_hash
    }

    /// Whether this is the verifying key of the key that was read, to the last byte.
    #[must_use]
    pub fn has_verifying_key(&self, key: &VerifyingKey) -> bool {
        let Header { alpha_g1, beta_g2, gamma_g2, delta_g2, .. } = self.head.header;
        let ic = encode(&key.gamma_abc_g1, Encoding::Montgomery);
        let places = STAY.iter().zip(&self.sections.stay);
        (key.alpha_g1, key.beta_g2, key.gamma_g2, key.delta_g2)
            == (alpha_g1, beta_g2, gamma_g2, delta_g2)
            && places
                .filter(|(id, _)| **id == section::IC)
                .all(|(_, found)| found[..] == Sha256::digest(&ic)[..])
    }

    /// Verifies the next key of the chain, as [`verify_from`] does, without the earlier file. Of a
    /// section that should have stayed and did not, the byte is not known.
    ///
    /// # Errors
    /// As [`verify_from`].
    pub fn verify_next<K: Read + Seek + Send>(
        &self,
        key: &mut Zkey<K>,
        expectations: &Expectations,
        progress: &dyn Progress,
    ) -> Result<(Report, Self), VerifyError> {
        let records = key.contributions().to_vec();
        let mut whole = hashed(key.source(), VerifyError::Key)?;
        let compared = self.compare(&mut whole, &records, expectations, progress);
        with_digests(compared.map(|compared| (compared, ())), |known| {
            let key =
                digests(whole, known.is_none(), progress, "the key (.zkey)", VerifyError::Key)?;
            Ok(Digests::Incremental { earlier: self.file, key })
        })
    }

    fn compare<K: Read + Seek + Send>(
        &self,
        key: &mut StreamHashedFile<&mut K>,
        records: &[Contribution],
        expectations: &Expectations,
        progress: &dyn Progress,
    ) -> Result<Compared, VerifyError> {
        let key = &mut Zkey::open_knowing(key, records).map_err(VerifyError::Key)?;
        let mut findings = self.head.compare(key, expectations, progress);
        if !findings.is_empty() {
            return Ok(Compared::incomplete(key, findings));
        }
        let sections =
            Sections::read(key, &self.sections.seed, progress).map_err(VerifyError::Key)?;
        for section in self.sections.changed(&sections) {
            findings.add(Check::Unchanged, Failure::Section { section, byte: None });
        }
        let deltas = self.head.deltas(key);
        let remark =
            self.sections.judge(&sections, deltas, key, &mut findings).map_err(VerifyError::Key)?;
        Ok(Compared::complete(key, sections, findings, remark.into_iter().collect()))
    }

    /// [`verify_from`], and what the next verification needs of the key.
    ///
    /// # Errors
    /// As [`verify_from`].
    pub fn verify_from<E: Read + Seek + Send, K: Read + Seek + Send>(
        earlier: &mut Zkey<E>,
        key: &mut Zkey<K>,
        expectations: &Expectations,
        progress: &dyn Progress,
    ) -> Result<(Report, Self), VerifyError> {
        let records = [earlier.contributions().to_vec(), key.contributions().to_vec()];
        let mut first = hashed(earlier.source(), VerifyError::Earlier)?;
        let mut whole = hashed(key.source(), VerifyError::Key)?;
        let compared = compare_both(&mut first, &mut whole, &records, expectations, progress);
        with_digests(compared.map(|compared| (compared, ())), |known| {
            let (earlier, again) = ("the earlier key (.zkey)", known.is_none());
            let earlier = digests(first, again, progress, earlier, VerifyError::Earlier)?;
            let key = digests(whole, again, progress, "the key (.zkey)", VerifyError::Key)?;
            Ok(Digests::Incremental { earlier: earlier.sha256, key })
        })
    }
}

/// Verifies a key from an earlier one of the same chain, which must have been verified: the
/// sections that stay are the same, L and H are divided by the quotient of the deltas, and the
/// earlier contributions are the first ones.
///
/// # Errors
/// As [`super::verify::verify`].
pub fn verify_from<E: Read + Seek + Send, K: Read + Seek + Send>(
    earlier: &mut Zkey<E>,
    key: &mut Zkey<K>,
    expectations: &Expectations,
    progress: &dyn Progress,
) -> Result<Report, VerifyError> {
    Predecessor::verify_from(earlier, key, expectations, progress).map(|(report, _)| report)
}

fn compare_both<E: Read + Seek + Send, K: Read + Seek + Send>(
    earlier: &mut StreamHashedFile<&mut E>,
    key: &mut StreamHashedFile<&mut K>,
    [of_earlier, of_key]: &[Vec<Contribution>; 2],
    expectations: &Expectations,
    progress: &dyn Progress,
) -> Result<Compared, VerifyError> {
    let earlier = &mut Zkey::open_knowing(earlier, of_earlier).map_err(VerifyError::Earlier)?;
    let key = &mut Zkey::open_knowing(key, of_key).map_err(VerifyError::Key)?;
    let head = Head::of(earlier);
    let mut findings = head.compare(key, expectations, progress);
    if !findings.is_empty() {
        return Ok(Compared::incomplete(key, findings));
    }
    let seed = CoefficientSeed::from_os()?;
    // Side by side: one sum fills the pauses of the other.
    let (before, after) = rayon::join(
        || Sections::read(earlier, &seed, &NoProgress).map_err(VerifyError::Earlier),
        || Sections::read(key, &seed, progress).map_err(VerifyError::Key),
    );
    let (before, after) = (before?, after?);
    for section in before.changed(&after) {
        let byte = first_difference(earlier, key, section)?;
        findings.add(Check::Unchanged, Failure::Section { section, byte });
    }
    let deltas = head.deltas(key);
    let remark = before.judge(&after, deltas, key, &mut findings).map_err(VerifyError::Key)?;
    Ok(Compared::complete(key, after, findings, remark.into_iter().collect()))
}

/// The first byte of a section in which two keys differ.
fn first_difference<E: Read + Seek + Send, K: Read + Seek + Send>(
    earlier: &mut Zkey<E>,
    key: &mut Zkey<K>,
    id: u32,
) -> Result<Option<u64>, VerifyError> {
    /// Bytes at a time.
    const PIECE: u64 = 4 << 20;
    let before = earlier.section(id).map_err(VerifyError::Earlier)?;
    let after = key.section(id).map_err(VerifyError::Key)?;
    let both = before.size.min(after.size);
    for start in (0..both).step_by(PIECE as usize) {
        let size = PIECE.min(both - start) as usize;
        let old = read_at(earlier.source(), before.offset + start, size)
            .map_err(|e| VerifyError::Earlier(e.into()))?;
        let new = read_at(key.source(), after.offset + start, size)
            .map_err(|e| VerifyError::Key(e.into()))?;
        if let Some(at) = old.iter().zip(&new).position(|(a, b)| a != b) {
            return Ok(Some(start + at as u64));
        }
    }
    Ok((before.size != after.size).then_some(both))
}
