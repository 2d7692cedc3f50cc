//! The documents of a verification in parts (docs/formats.md, section 16): the plan with its
//! maker's signature, and the signed sums of each part.
//!
//! ```text
//! plan.json    { format, plan, envelope }    envelope: "I made this plan of that file"
//! part-I.json  an envelope                   "the sums of part I of that plan are these"
//! ```
//!
//! A plan is named by its digest, which binds all that it says; a part is bound by the plan's
//! digest, its number and the file's SHA-256. What a document says is checked here for its form,
//! and by `ceremony_core::phase1::parts` for its meaning.

use bn254_batch::Point;
use bn254_batch::curve::{G1Affine, G2Affine};
use ceremony_core::format::bound_file::FileDigests;
use ceremony_core::format::encoding::{Encoding, decode, encode};
use ceremony_core::format::ptau::Power;
use ceremony_core::hash::{FileBlake2b, FileSha256};
use ceremony_core::phase1::parts::{
    Ends, LagrangeSums, PartOf, PartSums, Plan, PlanContent, PlannedSection, PowerEnds,
};
use ceremony_core::ratio::Ratio;
use serde::{Deserialize, Serialize};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{FileBlake2bDigest, FileDigest, PieceDigest, PlanDigest, PlanNonce};
use zk_attest::document_format;
use zk_attest::envelope::{Envelope, from_base64, to_base64};
use zk_attest::error::{Code, Refusal, Result};
use zk_attest::json::{self, validated};
use zk_attest::primitives::{Label, Timestamp};
use zk_attest::statement::{Build, Predicate, Statement, Subject};

use crate::explained;
use crate::software::Software;

/// Bytes of a plan at most: 4096 records of 2020 bytes in base64, 4096 digests for each of eight
/// sections, and some points.
pub const MAX_PLAN_BYTES: usize = 16 << 20;

document_format!(
    /// The version of the plan.
    PlanFormat,
    V1 = "zk-ceremony-ptau-plan/1",
    "make the plan again with `ptau verify FILE --plan N`, and then its parts"
);

/// The plan's file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanDocument {
    format: PlanFormat,
    plan: RawPlan,
    /// Its maker's signature.
    pub envelope: Envelope,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlan {
    length: u64,
    sha256: FileDigest,
    blake2b: FileBlake2bDigest,
    power: u32,
    ceremony_power: u32,
    parts: u32,
    nonce: PlanNonce,
    /// Section 7, base64.
    contributions: String,
    sections: Vec<RawSection>,
    ends: Option<RawEnds>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSection {
    section: u32,
    offset: u64,
    pieces: Vec<PieceDigest>,
}

/// The elements 2^k - 1 of sections 2 to 5, and then the last one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnds {
    tau_g1: Vec<G1Hex>,
    tau_g2: Vec<G2Hex>,
    alpha_tau_g1: Vec<G1Hex>,
    beta_tau_g1: Vec<G1Hex>,
    tau_squared_g2: Option<G2Hex>,
}

/// Declares the JSON form of a point: the hex of its compressed encoding.
macro_rules! point_hex {
    ($($name:ident($point:ty))+) => { $(
        #[doc = concat!("A ", stringify!($point), ", on its curve or infinity.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        struct $name($point);

        impl TryFrom<String> for $name {
            type Error = Refusal;
            fn try_from(text: String) -> Result<Self> {
                validated(point(&text).map(Self))
            }
        }

        impl From<$name> for String {
            fn from(point: $name) -> Self {
                hex::encode(encode(&[point.0], Encoding::Compressed))
            }
        }
    )+ };
}

point_hex! { G1Hex(G1Affine) G2Hex(G2Affine) }

fn point<P: Point>(text: &str) -> Result<P> {
    let refused = |why: String| {
        Refusal::new(Code::Malformed, "not a point")
            .found(text.chars().take(130).collect::<String>())
            .expected(format_args!("{} hex digits of a point: {why}", 2 * P::COMPRESSED_BYTES))
    };
    // The larger of the two; the length is looked at first.
    let mut bytes = [0; 64];
    let bytes = &mut bytes[..P::COMPRESSED_BYTES];
    hex::decode_to_slice(text, bytes).map_err(|error| refused(error.to_string()))?;
    let points = decode::<P>(bytes, Encoding::Compressed)
        .map_err(|(_, defect)| refused(defect.to_string()))?;
    points.first().copied().ok_or_else(|| refused("none".into()))
}

/// What a plan or a part was made with, and when: the last fields of its predicate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Tool and version.
    pub tool: Label,
    /// Which build of it.
    pub build: Option<Build>,
    /// When.
    pub time: Timestamp,
}

impl Made {
    fn now(Software { tool, build }: Software) -> Self {
        Self { tool, build, time: Timestamp::now() }
    }
}

/// What the maker of a plan signs. The subject is the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PtauPlan {
    /// The plan.
    pub plan: PlanDigest,
    /// N.
    pub parts: u32,
    /// With what, and when.
    #[serde(flatten)]
    pub made: Made,
}

impl Predicate for PtauPlan {
    const TYPE: &'static str = "urn:zk-ceremony:ptau-plan:v1";
    const RENEW: &'static str = "make the plan again with `ptau verify FILE --plan N`";
}

/// What the maker of a part signs. The subject is the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PtauPart {
    /// The plan.
    pub plan: PlanDigest,
    /// I.
    pub part: u32,
    /// N.
    pub parts: u32,
    sums: RawSums,
    /// With what, and when.
    #[serde(flatten)]
    pub made: Made,
}

impl Predicate for PtauPart {
    const TYPE: &'static str = "urn:zk-ceremony:ptau-part:v1";
    const RENEW: &'static str =
        "make the part again with `ptau verify FILE --plan-file PLAN --part I/N`";
}

impl PtauPart {
    /// The sections that it has sums of.
    #[must_use]
    pub fn sections(&self) -> Vec<u32> {
        let RawSums { tau_g1, tau_g2, alpha_tau_g1, beta_tau_g1, lagrange } = &self.sums;
        let lagrange = lagrange.is_some();
        [
            (2, tau_g1.is_some()),
            (3, tau_g2.is_some()),
            (4, alpha_tau_g1.is_some()),
            (5, beta_tau_g1.is_some()),
            (12, lagrange),
            (13, lagrange),
            (14, lagrange),
            (15, lagrange),
        ]
        .into_iter()
        .filter_map(|(section, summed)| summed.then_some(section))
        .collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSums {
    tau_g1: Option<[G1Hex; 2]>,
    tau_g2: Option<[G2Hex; 2]>,
    alpha_tau_g1: Option<[G1Hex; 2]>,
    beta_tau_g1: Option<[G1Hex; 2]>,
    lagrange: Option<RawLagrange>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLagrange {
    tau_g1: G1Hex,
    tau_g1_last: G1Hex,
    tau_g2: G2Hex,
    alpha_tau_g1: G1Hex,
    beta_tau_g1: G1Hex,
}

impl PlanDocument {
    /// A plan that is not signed yet, of a file of this name.
    ///
    /// # Errors
    /// When the name is not a line of text.
    pub fn new(plan: &Plan, name: &str, software: Software) -> Result<Self> {
        let statement = Statement {
            subject: vec![subject(plan, name)?],
            predicate: PtauPlan {
                plan: PlanDigest(plan.digest()),
                parts: plan.content().parts,
                made: Made::now(software),
            },
        };
        let (plan, envelope) = (RawPlan::from(plan.content()), statement.to_envelope()?);
        Ok(Self { format: PlanFormat::V1, plan, envelope })
    }

    /// Whether a document with this `format` is a plan, of whatever version.
    #[must_use]
    pub fn is_named_by(format: &str) -> bool {
        format.starts_with("zk-ceremony-ptau-plan/")
    }

    /// Reads the document in its one encoding.
    ///
    /// # Errors
    /// When it is too large, of another version or not in that encoding.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        json::parse_canonical(bytes, MAX_PLAN_BYTES, "plan")
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        json::encode(self)
    }

    /// What the document says, if it is a plan and its envelope is about it. Returned with the
    /// file's name. Who signed is not looked at.
    ///
    /// # Errors
    /// When the content is not a plan, or the envelope is about another plan or file.
    pub fn plan(&self) -> std::result::Result<(Plan, Label), Diagnostic> {
        let content = self.plan.content().map_err(Diagnostic::from)?;
        let plan = Plan::new(content).map_err(|error| explained(&error))?;
        let Statement { subject, predicate } =
            Statement::<PtauPlan>::from_payload(self.envelope.payload())
                .map_err(Diagnostic::from)?;
        let name = subject_of(&plan, &subject).map_err(Diagnostic::from)?;
        let digest = PlanDigest(plan.digest());
        if predicate.plan != digest || predicate.parts != plan.content().parts {
            return Err(Diagnostic::artefact(
                "another-plan",
                "what is signed is another plan than the document holds",
            )
            .found(format_args!("plan {}, {} parts", predicate.plan, predicate.parts))
            .expected(format_args!("plan {digest}, {} parts", plan.content().parts)));
        }
        Ok((plan, name))
    }
}

/// The statement of a part's sums, not signed yet.
///
/// # Errors
/// When the name is not a line of text.
pub fn part_envelope(
    plan: &Plan,
    part: PartOf,
    sums: &PartSums,
    name: &str,
    software: Software,
) -> Result<Envelope> {
    Statement {
        subject: vec![subject(plan, name)?],
        predicate: PtauPart {
            plan: PlanDigest(plan.digest()),
            part: part.number(),
            parts: part.of(),
            sums: RawSums::from(sums),
            made: Made::now(software),
        },
    }
    .to_envelope()
}

/// What an envelope says of a part of this plan: its number and sums.
///
/// # Errors
/// When it is not a part, or a part of another plan or file.
pub fn part_of_plan(plan: &Plan, envelope: &Envelope) -> Result<(u32, PartSums)> {
    let Statement { subject, predicate } = Statement::<PtauPart>::from_payload(envelope.payload())?;
    let other = |found: &dyn std::fmt::Display, expected: &dyn std::fmt::Display| {
        Refusal::new(Code::SubjectMismatch, "this is a part of another plan")
            .found(found)
            .expected(expected)
            .hint("combine the parts of one plan")
    };
    let (digest, parts) = (PlanDigest(plan.digest()), plan.content().parts);
    if predicate.plan != digest {
        return Err(other(
            &format_args!("plan {}", predicate.plan),
            &format_args!("plan {digest}"),
        ));
    }
    if predicate.parts != parts || plan.part(predicate.part).is_none() {
        return Err(other(
            &format_args!("part {} of {}", predicate.part, predicate.parts),
            &format_args!("part 1 to {parts} of {parts}"),
        ));
    }
    subject_of(plan, &subject)?;
    Ok((predicate.part, predicate.sums.into()))
}

/// The file, by a name that a person gave it.
fn subject(plan: &Plan, name: &str) -> Result<Subject> {
    Subject::new(name, &plan.content().digests.sha256.0)
}

/// Refuses a statement that is not about the plan's file alone.
fn subject_of(plan: &Plan, subject: &[Subject]) -> Result<Label> {
    let expected = plan.content().digests.sha256;
    match subject {
        [file] if file.digest.sha256.0 == expected.0 => Ok(file.name.clone()),
        _ => {
            let found = subject.iter().map(|it| hex::encode(it.digest.sha256.0));
            Err(Refusal::new(Code::SubjectMismatch, "the statement is about another file")
                .found(found.collect::<Vec<_>>().join(", "))
                .expected(expected))
        }
    }
}

impl RawPlan {
    fn content(&self) -> Result<PlanContent> {
        let power = |found: u32| {
            Power::new(found).ok_or_else(|| {
                Refusal::new(Code::Malformed, "not a power").found(found).expected("1 to 28")
            })
        };
        Ok(PlanContent {
            digests: FileDigests {
                blake2b: FileBlake2b(self.blake2b.0),
                sha256: FileSha256(self.sha256.0),
                length: self.length,
            },
            power: power(self.power)?,
            ceremony_power: power(self.ceremony_power)?,
            parts: self.parts,
            nonce: self.nonce.0,
            contributions: from_base64(&self.contributions, "contributions")?,
            sections: self
                .sections
                .iter()
                .map(|it| PlannedSection {
                    section: it.section,
                    offset: it.offset,
                    pieces: it.pieces.iter().map(|piece| FileSha256(piece.0)).collect(),
                })
                .collect(),
            ends: self.ends.as_ref().map(RawEnds::read).transpose()?,
        })
    }
}

impl From<&PlanContent> for RawPlan {
    fn from(content: &PlanContent) -> Self {
        Self {
            length: content.digests.length,
            sha256: FileDigest(content.digests.sha256.0),
            blake2b: FileBlake2bDigest(content.digests.blake2b.0),
            power: content.power.exponent(),
            ceremony_power: content.ceremony_power.exponent(),
            parts: content.parts,
            nonce: PlanNonce(content.nonce),
            contributions: to_base64(&content.contributions),
            sections: content
                .sections
                .iter()
                .map(|it| RawSection {
                    section: it.section,
                    offset: it.offset,
                    pieces: it.pieces.iter().map(|piece| PieceDigest(piece.0)).collect(),
                })
                .collect(),
            ends: content.ends.as_ref().map(RawEnds::write),
        }
    }
}

impl RawEnds {
    fn read(&self) -> Result<PowerEnds> {
        fn ends<H: Copy, P: Point>(raw: &[H], point: impl Fn(H) -> P) -> Result<Ends<P>> {
            let [of_levels @ .., last] = raw else {
                return Err(Refusal::new(Code::Malformed, "elements of the powers are missing")
                    .found("none")
                    .expected("one for each level, and the last"));
            };
            let of_levels = of_levels.iter().map(|it| point(*it)).collect();
            Ok(Ends { of_levels, last: point(*last) })
        }
        Ok(PowerEnds {
            tau_g1: ends(&self.tau_g1, |it| it.0)?,
            tau_g2: ends(&self.tau_g2, |it| it.0)?,
            alpha_tau_g1: ends(&self.alpha_tau_g1, |it| it.0)?,
            beta_tau_g1: ends(&self.beta_tau_g1, |it| it.0)?,
            tau_squared_g2: self.tau_squared_g2.map(|it| it.0),
        })
    }

    fn write(ends: &PowerEnds) -> Self {
        fn raw<H, P: Point>(ends: &Ends<P>, hex: impl Fn(P) -> H) -> Vec<H> {
            ends.of_levels.iter().chain([&ends.last]).map(|point| hex(*point)).collect()
        }
        Self {
            tau_g1: raw(&ends.tau_g1, G1Hex),
            tau_g2: raw(&ends.tau_g2, G2Hex),
            alpha_tau_g1: raw(&ends.alpha_tau_g1, G1Hex),
            beta_tau_g1: raw(&ends.beta_tau_g1, G1Hex),
            tau_squared_g2: ends.tau_squared_g2.map(G2Hex),
        }
    }
}

impl From<&PartSums> for RawSums {
    fn from(sums: &PartSums) -> Self {
        let g1 = |ratio: Option<Ratio<G1Affine>>| ratio.map(|Ratio(x, y)| [x, y].map(G1Hex));
        Self {
            tau_g1: g1(sums.tau_g1),
            tau_g2: sums.tau_g2.map(|Ratio(x, y)| [x, y].map(G2Hex)),
            alpha_tau_g1: g1(sums.alpha_tau_g1),
            beta_tau_g1: g1(sums.beta_tau_g1),
            lagrange: sums.lagrange.map(|it| RawLagrange {
                tau_g1: G1Hex(it.tau_g1),
                tau_g1_last: G1Hex(it.tau_g1_last),
                tau_g2: G2Hex(it.tau_g2),
                alpha_tau_g1: G1Hex(it.alpha_tau_g1),
                beta_tau_g1: G1Hex(it.beta_tau_g1),
            }),
        }
    }
}

impl From<RawSums> for PartSums {
    fn from(sums: RawSums) -> Self {
        let g1 = |raw: Option<[G1Hex; 2]>| raw.map(|[x, y]| Ratio(x.0, y.0));
        Self {
            tau_g1: g1(sums.tau_g1),
            tau_g2: sums.tau_g2.map(|[x, y]| Ratio(x.0, y.0)),
            alpha_tau_g1: g1(sums.alpha_tau_g1),
            beta_tau_g1: g1(sums.beta_tau_g1),
            lagrange: sums.lagrange.map(|it| LagrangeSums {
                tau_g1: it.tau_g1.0,
                tau_g1_last: it.tau_g1_last.0,
                tau_g2: it.tau_g2.0,
                alpha_tau_g1: it.alpha_tau_g1.0,
                beta_tau_g1: it.beta_tau_g1.0,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use bn254_batch::curve::{G1_GENERATOR, G2_GENERATOR};
    use ceremony_core::phase1::verify::Expectations;
    use ceremony_core::progress::NoProgress;
    use testkit::ptau::Model;
    use zk_attest::digest::CommitId;
    use zk_attest::primitives::Arithmetic;

    use super::*;

    fn software() -> Software {
        Software { tool: Label::from_static("zk-ceremony 0.1.0"), build: None }
    }

    /// A small prepared file, its plan in two parts, and the plan's document.
    fn planned() -> (Vec<u8>, Plan, PlanDocument) {
        let mut model = Model::with_contributions(1, 1);
        model.prepare();
        let (bytes, none) = (model.bytes(), Expectations::default());
        let plan = Plan::of_file(Cursor::new(&bytes), 2, &none, &NoProgress).unwrap();
        let document = PlanDocument::new(&plan, "powers.ptau", software()).unwrap();
        (bytes, plan, document)
    }

    #[test]
    fn a_plan_and_a_part_are_read_as_they_were_written() {
        let (bytes, plan, document) = planned();
        let read = PlanDocument::from_json(&document.to_json()).unwrap();
        let (again, name) = read.plan().unwrap();
        assert_eq!((again.digest(), name.as_str()), (plan.digest(), "powers.ptau"));
        for part in (1..=2).map(|number| plan.part(number).unwrap()) {
            let sums =
                PartSums::of_file(&mut Cursor::new(&bytes), &plan, part, &NoProgress).unwrap();
            let envelope = part_envelope(&plan, part, &sums, "a copy", software()).unwrap();
            assert_eq!(part_of_plan(&plan, &envelope).unwrap(), (part.number(), sums));
        }
    }

    #[test]
    fn no_change_of_a_plans_document_is_taken_for_the_plan() {
        let (_, plan, document) = planned();
        let good = document.to_json();
        let mut read = 0;
        for at in 0..good.len() {
            // One change for each byte: all of them take half a minute.
            let byte = [b'0', b'1', b'"', b'}', good[at] ^ 1, good[at] ^ 0x20][at % 6];
            let mut bytes = good.clone();
            bytes[at] = byte;
            if bytes == good {
                continue;
            }
            if let Ok((other, _)) = PlanDocument::from_json(&bytes).map_err(drop).and_then(|it| {
                read += 1;
                it.plan().map_err(drop)
            }) {
                // The name of the file or the signer's words.
                assert_eq!(other.digest(), plan.digest(), "{at}");
            }
            assert!(PlanDocument::from_json(&good[..at]).is_err(), "{at}");
        }
        assert!(read > 200, "{read} are documents");
    }

    #[test]
    fn predicates_have_their_fields_in_the_specified_order_and_no_others() {
        let time = Timestamp::new("2026-11-27T00:00:00Z").unwrap();
        let plan = PlanDigest([0xab; 32]);
        let made = Made { time, ..Made::now(software()) };
        let (plan, digest) = (PtauPlan { plan, parts: 2, made: made.clone() }, "ab".repeat(32));
        let rest = r#""tool":"zk-ceremony 0.1.0","build":null,"time":"2026-11-27T00:00:00Z"}"#;
        let written = String::from_utf8(json::encode(&plan)).unwrap();
        assert_eq!(written, format!(r#"{{"plan":"{digest}","parts":2,{rest}"#));
        let sums = RawSums {
            tau_g1: None,
            tau_g2: None,
            alpha_tau_g1: None,
            beta_tau_g1: None,
            lagrange: None,
        };
        let part = PtauPart { plan: plan.plan, part: 1, parts: 2, sums, made };
        let sums = r#"{"tau_g1":null,"tau_g2":null,"alpha_tau_g1":null,"beta_tau_g1":null,"#;
        let sums = format!(r#""sums":{sums}"lagrange":null}}"#);
        let written = String::from_utf8(json::encode(&part)).unwrap();
        assert_eq!(written, format!(r#"{{"plan":"{digest}","part":1,"parts":2,{sums},{rest}"#));
        let read = |text: &str| json::parse_canonical::<PtauPart>(text.as_bytes(), 1000, "part");
        assert_eq!(read(&written).unwrap(), part);
        for (from, to) in [
            (r#""build":null,"#, ""),
            (r#""build":null"#, r#""build":null,"more":1"#),
            (r#""tool":"zk-ceremony 0.1.0""#, r#""tool":"x","tool":"zk-ceremony 0.1.0""#),
            (r#""part":1,"parts":2"#, r#""parts":2,"part":1"#),
        ] {
            assert!(read(&written.replacen(from, to, 1)).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn a_part_of_the_longest_texts_can_be_signed_by_a_key_service() {
        let longest = || Label::new(&"\"".repeat(185)).unwrap();
        let (g1, g2) = (G1Hex(G1_GENERATOR), G2Hex(G2_GENERATOR));
        let part = PtauPart {
            plan: PlanDigest([0xff; 32]),
            part: u32::MAX,
            parts: u32::MAX,
            sums: RawSums {
                tau_g1: Some([g1; 2]),
                tau_g2: Some([g2; 2]),
                alpha_tau_g1: Some([g1; 2]),
                beta_tau_g1: Some([g1; 2]),
                lagrange: Some(RawLagrange {
                    tau_g1: g1,
                    tau_g1_last: g1,
                    tau_g2: g2,
                    alpha_tau_g1: g1,
                    beta_tau_g1: g1,
                }),
            },
            made: Made {
                tool: longest(),
                build: Some(Build {
                    commit: Some(CommitId([0xff; 20])),
                    executable_sha256: Some(FileDigest([0xff; 32])),
                    arithmetic: Arithmetic::new(&"a".repeat(16)).unwrap(),
                }),
                time: Timestamp::new("2026-11-27T00:00:00Z").unwrap(),
            },
        };
        let subject = vec![Subject::new(longest().as_str(), &[0xff; 32]).unwrap()];
        assert!(Statement { subject, predicate: part }.to_envelope().is_ok());
    }
}
