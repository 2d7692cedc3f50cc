//! What a comparison of two keys has in common, whatever the key is compared with: what is asked of
//! header and records, what was found, and the digests of the bytes that it was found in.

use std::collections::HashMap;
use std::io::{Read, Seek};

use bn254_batch::curve::G2Affine;

use super::error::VerifyError;
use super::expectations::Expectations;
use super::follow::{Predecessor, Sections};
use super::records::{check_continuity, check_records};
use super::report::{
    Check, ContributionSummary, Digests, Failure, Findings, Outcome, Remark, Report,
};
use crate::format::FormatError;
use crate::format::bound_file::{DigestError, FileDigests, StreamHashedFile};
use crate::format::zkey::{Contribution, Header, Zkey};
use crate::hash::InitialKeyHash;
use crate::progress::Progress;
use crate::ratio::Ratio;

/// Header and records of a key.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) header: Header,
    pub(super) initial_key_hash: InitialKeyHash,
    pub(super) records: Vec<Contribution>,
}

impl Head {
    pub(super) fn of<K: Read + Seek>(key: &Zkey<K>) -> Self {
        Self {
            header: *key.header(),
            initial_key_hash: key.initial_key_hash(),
            records: key.contributions().to_vec(),
        }
    }

    /// What header and records of the next key tell.
    pub(super) fn compare<K: Read + Seek + Send>(
        &self,
        key: &Zkey<K>,
        expectations: &Expectations,
        progress: &dyn Progress,
    ) -> Findings {
        let mut findings = Findings::default();
        let hashes: Vec<_> = self.records.iter().map(Contribution::hash).collect();
        compare_sizes(key.header(), &self.header, &mut findings);
        compare_points(key.header(), &self.header, &mut findings);
        check_continuity(key.contributions(), &hashes, &mut findings);
        check_records(key, expectations, &self.records, &mut findings, progress);
        if key.initial_key_hash() != self.initial_key_hash {
            let (found, expected) = (key.initial_key_hash(), self.initial_key_hash);
            findings.add(Check::Transcript, Failure::InitialKeyHash { found, expected });
        }
        findings
    }

    /// delta of the next key, and of this one.
    pub(super) fn deltas<K: Read + Seek>(&self, key: &Zkey<K>) -> Ratio<G2Affine> {
        Ratio(key.header().delta_g2, self.header.delta_g2)
    }
}

/// Check 1, by numbers: the points follow when the initial key is compared.
pub(super) fn compare_sizes(found: &Header, expected: &Header, findings: &mut Findings) {
    let sizes = [
        ("the number of wires", u64::from(found.wires), u64::from(expected.wires)),
        ("the number of public wires", found.public.into(), expected.public.into()),
        ("the domain's size", found.power.n(), expected.power.n()),
    ];
    for (what, found, expected) in
        sizes.into_iter().filter(|(_, found, expected)| found != expected)
    {
        findings.add(Check::InitialKey, Failure::Size { what, found, expected });
    }
}

/// Check 7, the points of the header. gamma is the generator.
pub(super) fn compare_points(found: &Header, expected: &Header, findings: &mut Findings) {
    let points = [
        ("[alpha]1", found.alpha_g1 == expected.alpha_g1),
        ("[beta]1", found.beta_g1 == expected.beta_g1),
        ("[beta]2", found.beta_g2 == expected.beta_g2),
        ("[gamma]2", found.gamma_g2 == expected.gamma_g2),
    ];
    for (what, _) in points.into_iter().filter(|(_, same)| !same) {
        findings.add(Check::Unchanged, Failure::HeaderPoint { what });
    }
}

/// What a comparison found in a key, and how far it came.
pub(super) struct Compared {
    head: Head,
    /// What was read of the key, if all checks were reached.
    sections: Option<Sections>,
    findings: Findings,
    remarks: Vec<Remark>,
}

impl Compared {
    /// Of a key whose header or records were refused: the rest was not reached.
    pub(super) fn incomplete<K: Read + Seek>(key: &Zkey<K>, findings: Findings) -> Self {
        Self { head: Head::of(key), sections: None, findings, remarks: Vec::new() }
    }

    pub(super) fn complete<K: Read + Seek>(
        key: &Zkey<K>,
        sections: Sections,
        findings: Findings,
        remarks: Vec<Remark>,
    ) -> Self {
        Self { head: Head::of(key), sections: Some(sections), findings, remarks }
    }

    fn report(self, digests: Digests) -> Result<(Report, Predecessor), VerifyError> {
        let Self { head, sections, findings, remarks } = self;
        let refused = !findings.is_empty();
        let mut failures: HashMap<Check, Vec<Failure>> = HashMap::new();
        for (check, failure) in findings.0 {
            failures.entry(check).or_default().push(failure);
        }
        let mut outcome = |check| match failures.remove(&check) {
            Some(failures) => Outcome::Failed(failures),
            None if sections.is_none()
                && matches!(check, Check::Unchanged | Check::Divided | Check::Transcript) =>
            {
                Outcome::NotReached
            }
            None => Outcome::Passed,
        };
        let checks = Check::ALL.map(|check| (check, outcome(check))).to_vec();
        let (Digests::Incremental { key, .. } | Digests::Whole { key, .. }) = digests;
        let report = Report {
            header: head.header,
            initial_key_hash: head.initial_key_hash,
            digests,
            contributions: head.records.iter().zip(1..).map(summary).collect(),
            checks,
            remarks,
        };
        match sections {
            Some(sections) if !refused => {
                Ok((report, Predecessor { file: key.sha256, head, sections }))
            }
            _ => Err(VerifyError::Refused(Box::new(report))),
        }
    }
}

fn summary((record, index): (&Contribution, usize)) -> ContributionSummary {
    ContributionSummary {
        index,
        hash: record.hash(),
        kind: record.kind.clone(),
        name: record.name.clone(),
    }
}

/// What was found by a comparison, with the digests of the bytes that it was found in. A file that
/// changed meanwhile says nothing about the one that was to be verified, so that comes first.
/// `digests` is given what was taken of them already, which is nothing after an error.
pub(super) fn with_digests<T>(
    compared: Result<(Compared, T), VerifyError>,
    digests: impl FnOnce(Option<T>) -> Result<Digests, VerifyError>,
) -> Result<(Report, Predecessor), VerifyError> {
    match compared {
        Ok((compared, known)) => compared.report(digests(Some(known))?),
        Err(error) if error.is_environment() => Err(error),
        Err(error) => match digests(None) {
            Err(changed @ VerifyError::Changed { .. }) => Err(changed),
            _ => Err(error),
        },
    }
}

/// A key that is hashed as it is read.
pub(super) fn hashed<R: Read + Seek + Send>(
    source: &mut R,
    error: fn(FormatError) -> VerifyError,
) -> Result<StreamHashedFile<&mut R>, VerifyError> {
    StreamHashedFile::new(source).map_err(|cause| error(cause.into()))
}

/// The digests of what was read of a file; after an error, of which the bytes may be the cause, it
/// is read once more and compared.
pub(super) fn digests<R: Read + Seek + Send>(
    mut file: StreamHashedFile<&mut R>,
    after_error: bool,
    progress: &dyn Progress,
    name: &'static str,
    error: fn(FormatError) -> VerifyError,
) -> Result<FileDigests, VerifyError> {
    if after_error {
        file.compare();
    }
    let (_, digests) = file.finish(progress).map_err(unread(name, error))?;
    Ok(digests)
}

/// Of a file without a digest: that it changed, or that it cannot be read.
pub(super) fn unread(
    file: &'static str,
    error: impl FnOnce(FormatError) -> VerifyError,
) -> impl FnOnce(DigestError) -> VerifyError {
    move |digest| match digest {
        DigestError::Io(cause) => error(cause.into()),
        DigestError::Changed(change) => VerifyError::Changed { file, change },
    }
}
