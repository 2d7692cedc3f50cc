//! What the contribution records of `.ptau` and `.zkey` files have in common: single points, proofs
//! of knowledge, names, and the parameters that tell a beacon from a participant.

use std::fmt;

use bn254_batch::Point;
use bn254_batch::curve::{G1Affine, G2Affine};
use rayon::prelude::*;

use super::container::u32_at;
use super::encoding::{Encoding, PointDefect, decode};
use super::{FormatError, RecordDefect};
use crate::entropy::Beacon;
use crate::limits::{MAX_CONTRIBUTIONS, MAX_NAME_UTF16, MAX_PARAMETER_BYTES};

/// A proof that the contributor knew x: s and x s in G1, x R in G2 for an R that depends on all
/// before it (BGM17, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofOfKnowledge {
    /// A random point.
    pub g1_s: G1Affine,
    /// x times that point.
    pub g1_sx: G1Affine,
    /// x times the point that hashing gives.
    pub g2_spx: G2Affine,
}

/// Records that were read before, oldest first, and the bytes of one in a file.
pub(super) type Known<'a, T> = (&'a [T], fn(&T) -> Vec<u8>);

/// The records of a section: `head` bytes, `count u32`, then that many records, and nothing after
/// them. A record is `LENGTH` bytes, of which `read` makes one, and an origin.
///
/// A record begins where the one before it ends, so they are found one after another; what takes
/// time, the membership of their points, is tested for all of them side by side. The first bad
/// record is told, and of one record the origin before the points.
///
/// The `known` ones were read before. Where the bytes are theirs, as `bytes_of` gives them, they
/// are not read again: all files of a chain begin with the same records.
pub(super) fn read_records<const LENGTH: usize, T: Send + Sync + Clone>(
    section: u32,
    bytes: &[u8],
    head: usize,
    (known, bytes_of): Known<'_, T>,
    read: impl Fn(&[u8; LENGTH], ContributionKind, Option<ContributorName>) -> Result<T, RecordDefect>
    + Sync,
) -> Result<Vec<T>, FormatError> {
    let size = |expected: usize| FormatError::SectionSize {
        id: section,
        found: bytes.len() as u64,
        expected: expected as u64,
    };
    let Some((count, mut rest)) =
        bytes.get(head..).and_then(|bytes| bytes.split_first_chunk::<4>())
    else {
        return Err(size(head + 4));
    };
    let count = u32::from_le_bytes(*count);
    if count > MAX_CONTRIBUTIONS {
        return Err(FormatError::TooMany {
            what: "contributions",
            found: count.into(),
            limit: MAX_CONTRIBUTIONS.into(),
        });
    }
    let mut parts = Vec::new();
    let ends = (0..count).try_for_each(|_| {
        let Some((fixed, after)) = rest.split_first_chunk::<LENGTH>() else {
            return Err(RecordDefect::Truncated { found: rest.len(), expected: LENGTH });
        };
        let (kind, name, length) = read_origin(after)?;
        parts.push((fixed, kind, name, &rest[..LENGTH + length]));
        rest = &after[length..];
        Ok(())
    });
    let failed = |before: usize, defect| FormatError::Record { index: before + 1, defect };
    let records: Vec<_> = parts
        .into_par_iter()
        .enumerate()
        .with_max_len(1)
        .map(|(i, (fixed, kind, name, whole))| match known.get(i) {
            Some(record) if bytes_of(record) == whole => Ok(record.clone()),
            _ => read(fixed, kind, name),
        })
        .collect();
    let records = records
        .into_iter()
        .enumerate()
        .map(|(i, record)| record.map_err(|defect| failed(i, defect)));
    let records = records.collect::<Result<Vec<T>, _>>()?;
    ends.map_err(|defect| failed(records.len(), defect))?;
    if !rest.is_empty() {
        return Err(size(bytes.len() - rest.len()));
    }
    Ok(records)
}

/// A single point of a record: canonical, on the curve, in the subgroup, not infinity.
pub(super) fn record_point<P: Point>(
    bytes: &[u8],
    encoding: Encoding,
    name: &'static str,
) -> Result<P, RecordDefect> {
    let point = match decode::<P>(bytes, encoding) {
        Ok(points) => points[0],
        Err((_, defect)) => return Err(RecordDefect::Point { name, defect }),
    };
    let defect = if point.is_zero() {
        PointDefect::Infinity
    } else if !point.in_subgroup() {
        PointDefect::OutsideSubgroup
    } else {
        return Ok(point);
    };
    Err(RecordDefect::Point { name, defect })
}

/// What a record says of its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContributionKind {
    /// A participant's secret.
    Contribution,
    /// A public random value: everybody can recompute it, so it adds no secrecy.
    Beacon(Beacon),
}

/// A name from a file. **Hashed nowhere**: anybody can change it, so it is for display only; the
/// signed attestation says who it was.
#[derive(Clone, PartialEq, Eq)]
pub struct ContributorName(String);

impl ContributorName {
    /// The name as files carry it: cut at 64 UTF-16 units.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut units = 0;
        Self(
            name.chars()
                .take_while(|c| {
                    units += c.len_utf16();
                    units <= MAX_NAME_UTF16
                })
                .collect(),
        )
    }

    /// The name, if a file can carry all of it.
    #[must_use]
    pub fn whole(name: &str) -> Option<Self> {
        Some(Self::new(name)).filter(|cut| cut.0 == name)
    }

    /// The name without characters that could steer a terminal or break a line: controls, and the
    /// invisible or direction-changing ones.
    #[must_use]
    pub fn cleaned(&self) -> String {
        self.0
            .chars()
            .map(|c| match c {
                '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}' => '\u{fffd}',
                c if c.is_control() => '\u{fffd}',
                c => c,
            })
            .collect()
    }
}

impl fmt::Debug for ContributorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.cleaned())
    }
}

/// The end of a record: `type u32 | length u32 | parameters`, the parameters being
/// `01 len name | 02 exponent | 03 len value` with strictly ascending ids.
pub(super) fn write_origin(kind: &ContributionKind, name: Option<&ContributorName>) -> Vec<u8> {
    let mut parameters = Vec::new();
    // A name has at most 64 UTF-16 units, so at most 192 bytes of UTF-8.
    if let Some(ContributorName(name)) = name {
        parameters.extend([1, name.len() as u8]);
        parameters.extend(name.as_bytes());
    }
    let kind = match kind {
        ContributionKind::Contribution => 0u32,
        ContributionKind::Beacon(beacon) => {
            parameters.extend([2, beacon.exponent(), 3, beacon.value().len() as u8]);
            parameters.extend(beacon.value());
            1
        }
    };
    let mut out = kind.to_le_bytes().to_vec();
    out.extend((parameters.len() as u32).to_le_bytes());
    out.extend(parameters);
    out
}

/// Reads what [`write_origin`] writes from the front of `bytes`, and says how long it was.
fn read_origin(
    bytes: &[u8],
) -> Result<(ContributionKind, Option<ContributorName>, usize), RecordDefect> {
    let Some((head, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(RecordDefect::Truncated { found: bytes.len(), expected: 8 });
    };
    let (kind, length) = (u32_at(head, 0), u32_at(head, 4));
    if length > MAX_PARAMETER_BYTES {
        return Err(RecordDefect::ParametersTooLong(length));
    }
    let length = length as usize;
    let Some(parameters) = rest.get(..length) else {
        return Err(RecordDefect::Truncated { found: rest.len(), expected: length });
    };
    let Parameters { name, exponent, value } = Parameters::read(parameters)?;
    let kind = match (kind, exponent, value) {
        (0, None, None) => ContributionKind::Contribution,
        (0, ..) => {
            return Err(RecordDefect::Parameters("a contribution has the parameters of a beacon"));
        }
        (1, Some(exponent), Some(value)) => ContributionKind::Beacon(Beacon::new(value, exponent)?),
        (1, ..) => return Err(RecordDefect::Parameters("a beacon lacks its value or exponent")),
        (kind, ..) => return Err(RecordDefect::Type(kind)),
    };
    Ok((kind, name, 8 + length))
}

#[derive(Default)]
struct Parameters<'a> {
    name: Option<ContributorName>,
    exponent: Option<u8>,
    value: Option<&'a [u8]>,
}

impl<'a> Parameters<'a> {
    fn read(mut bytes: &'a [u8]) -> Result<Self, RecordDefect> {
        let malformed = RecordDefect::Parameters;
        let mut parameters = Self::default();
        let mut last = 0;
        while let Some((&id, rest)) = bytes.split_first() {
            if id <= last {
                return Err(malformed("ids are not strictly ascending"));
            }
            last = id;
            let (&first, rest) = rest.split_first().ok_or(malformed("a value is missing"))?;
            if id == 2 {
                parameters.exponent = Some(first);
                bytes = rest;
                continue;
            }
            if rest.len() < usize::from(first) {
                return Err(malformed("a value reaches past the end"));
            }
            let (value, rest) = rest.split_at(first.into());
            match id {
                1 => {
                    let name = std::str::from_utf8(value)
                        .map_err(|_| malformed("the name is not UTF-8"))?;
                    if name.encode_utf16().count() > MAX_NAME_UTF16 {
                        return Err(malformed("the name has more than 64 UTF-16 units"));
                    }
                    parameters.name = Some(ContributorName(name.into()));
                }
                3 => parameters.value = Some(value),
                _ => return Err(malformed("unknown id")),
            }
            bytes = rest;
        }
        Ok(parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section after five other bytes: records of two bytes, and what follows them.
    const NONE: Known<'_, u8> = (&[], |_| Vec::new());

    fn read(count: u32, records: &[[u8; 2]], after: &[u8]) -> Result<Vec<u8>, FormatError> {
        let mut bytes = vec![9; 5];
        bytes.extend(count.to_le_bytes());
        for record in records {
            bytes.extend(record);
            bytes.extend(write_origin(
                &ContributionKind::Contribution,
                Some(&ContributorName::new("name")),
            ));
        }
        bytes.extend(after);
        read_records(10, &bytes, 5, NONE, |[number, sound]: &[u8; 2], kind, name| {
            assert!(
                kind == ContributionKind::Contribution
                    && name == Some(ContributorName::new("name"))
            );
            if *sound == 1 { Ok(*number) } else { Err(RecordDefect::Type((*number).into())) }
        })
    }

    #[test]
    fn a_name_is_whole_up_to_64_utf16_units() {
        let (fits, long) = ("\u{1f600}".repeat(32), "\u{1f600}".repeat(32) + "a");
        assert_eq!(ContributorName::whole(&fits), Some(ContributorName::new(&fits)));
        assert_eq!(ContributorName::whole(&long), None);
        assert_eq!(ContributorName::new(&long), ContributorName::new(&fits));
    }

    #[test]
    fn a_record_that_is_known_is_not_read_again_and_any_other_is() {
        let record = |number: u8| {
            let origin = write_origin(&ContributionKind::Contribution, None);
            [&[number, 1][..], &origin].concat()
        };
        let section = |numbers: &[u8]| {
            let mut bytes = (numbers.len() as u32).to_le_bytes().to_vec();
            numbers.iter().for_each(|number| bytes.extend(record(*number)));
            bytes
        };
        fn bytes_of(number: &u8) -> Vec<u8> {
            let origin = write_origin(&ContributionKind::Contribution, None);
            [&[*number, 1][..], &origin].concat()
        }
        let reads = std::sync::Mutex::new(Vec::new());
        let read = |numbers: &[u8], known: &[u8]| {
            let records = read_records(
                10,
                &section(numbers),
                0,
                (known, bytes_of),
                |[number, _]: &[u8; 2], _, _| {
                    reads.lock().unwrap().push(*number);
                    Ok(*number)
                },
            );
            assert_eq!(records.unwrap(), numbers);
            let mut read = std::mem::take(&mut *reads.lock().unwrap());
            read.sort_unstable();
            read
        };
        assert_eq!(read(&[1, 2, 3], &[]), [1, 2, 3]);
        assert_eq!(read(&[1, 2, 3], &[1, 2]), [3]);
        assert_eq!(read(&[1, 2, 3], &[1, 7, 3]), [2]);
        assert!(read(&[1], &[1, 2]).is_empty());
        // In another place it is another record.
        assert_eq!(read(&[2, 1], &[1, 2]), [1, 2]);
    }

    #[test]
    fn records_come_in_the_order_of_the_file() {
        let records: Vec<[u8; 2]> = (0..100).map(|number| [number, 1]).collect();
        assert_eq!(read(100, &records, &[]).unwrap(), (0..100).collect::<Vec<u8>>());
        assert!(read(0, &[], &[]).unwrap().is_empty());
    }

    #[test]
    fn of_several_bad_records_the_first_is_told() {
        let mut records: Vec<[u8; 2]> = (0..100).map(|number| [number, 1]).collect();
        for bad in [90, 40, 60] {
            records[bad][1] = 0;
            assert!(
                matches!(read(100, &records, &[]), Err(FormatError::Record { index, defect: RecordDefect::Type(found) })
                if index == found as usize + 1 && records[..found as usize].iter().all(|record| record[1] == 1))
            );
        }
        // Before the one that is not there, and before one without an origin.
        let type_7 = [&[9, 0][..], &7u32.to_le_bytes(), &[0; 4]].concat();
        assert!(matches!(
            read(101, &records, &type_7),
            Err(FormatError::Record { index: 41, defect: RecordDefect::Type(40) })
        ));
        assert!(matches!(
            read(41, &records[..40], &type_7),
            Err(FormatError::Record { index: 41, defect: RecordDefect::Type(7) })
        ));
        assert!(matches!(
            read(101, &records, &[]),
            Err(FormatError::Record { index: 41, defect: RecordDefect::Type(40) })
        ));
    }

    #[test]
    fn a_section_has_as_many_records_as_it_says_and_nothing_else() {
        let truncated = |found| move |result| matches!(result, Err(FormatError::Record { index: 3, defect: RecordDefect::Truncated { found: f, .. } }) if f == found);
        assert!(truncated(0)(read(3, &[[0, 1], [1, 1]], &[])));
        assert!(truncated(1)(read(3, &[[0, 1], [1, 1]], &[7])));
        assert!(
            matches!(read(1, &[[0, 1]], &[7]), Err(FormatError::SectionSize { id: 10, found, expected }) if found == expected + 1)
        );
        assert!(matches!(read(MAX_CONTRIBUTIONS + 1, &[], &[]), Err(FormatError::TooMany { .. })));
        let none = |bytes: &[u8]| {
            read_records(10, bytes, 5, (&[], |()| Vec::new()), |_: &[u8; 2], _, _| Ok(()))
        };
        assert!(matches!(
            none(&[0; 8]),
            Err(FormatError::SectionSize { id: 10, found: 8, expected: 9 })
        ));
        assert!(matches!(
            none(&[0; 4]),
            Err(FormatError::SectionSize { id: 10, found: 4, expected: 9 })
        ));
    }
}
