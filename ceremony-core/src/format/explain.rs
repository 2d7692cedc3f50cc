//! The errors of this module in parts.

use super::bound_file::{Change, DigestError};
use super::encoding::PointDefect;
use super::kind::FileKind;
use super::verification_key::JsonError;
use super::{FormatError, RecordDefect, SectionName, TermDefect};
use crate::explain::{Explain, Finding};
use crate::limits::{MAX_PARAMETER_BYTES, MAX_VERIFICATION_KEY_JSON_BYTES};

impl Explain for FormatError {
    fn explain(&self) -> Finding {
        let bytes = |code, found: u64, expected: u64| {
            Finding::compared(
                code,
                self,
                format_args!("{found} bytes"),
                format_args!("{expected} bytes"),
            )
        };
        match self {
            Self::Io(_) => Finding::environment("format/io", self),
            Self::OsRandom(error) => error.explain(),
            Self::Kind { found, expected } => {
                Finding::compared("format/kind", self, found, expected)
            }
            Self::Curve { found } => {
                Finding::compared("format/curve", self, found, "BN254 (bn128, alt_bn128)")
            }
            Self::ProofSystem { found } => {
                Finding::compared("format/proof-system", self, found, "Groth16")
            }
            Self::Version { found, expected } => Finding::compared(
                "format/version",
                self,
                found,
                format_args!("one of {expected:?}"),
            ),
            Self::Truncated { found, expected, .. } => bytes("format/truncated", *found, *expected),
            Self::TooMany { found, limit, .. } => {
                Finding::compared("format/too-many", self, found, format_args!("at most {limit}"))
            }
            Self::UnknownSection { .. } => Finding::new("format/unknown-section", self),
            Self::DuplicateSection { .. } => Finding::new("format/duplicate-section", self),
            Self::SectionPastEnd { found, expected, .. } => {
                bytes("format/section-past-end", *found, *expected)
            }
            Self::TrailingBytes { .. } => Finding::new("format/trailing-bytes", self),
            Self::MissingSection { .. } => Finding::new("format/missing-section", self),
            Self::SectionSize { found, expected, .. } => {
                bytes("format/section-size", *found, *expected)
            }
            Self::SectionTooLarge { found, limit, .. } => Finding::compared(
                "format/section-too-large",
                self,
                format_args!("{found} bytes"),
                format_args!("at most {limit} bytes"),
            ),
            Self::PartlyPrepared { found } => Finding::compared(
                "format/partly-prepared",
                self,
                format_args!("{found:?}"),
                "all of them or none",
            ),
            Self::Header { found, expected, .. } => {
                Finding::compared("format/header", self, found, expected)
            }
            Self::Length { found, expected, .. } => {
                Finding::compared("format/length", self, format_args!("{found} bytes"), expected)
            }
            Self::Point { section, name, index, defect } => {
                let section = SectionName(*section, name);
                defect.explain().inside(format_args!("{section} element {index}"))
            }
            Self::Record { index, defect } => {
                defect.explain().inside(format_args!("contribution {index}"))
            }
            Self::NoConstraints => {
                Finding::compared("format/no-constraints", self, 0, "at least 1")
            }
            Self::CustomGates => Finding::new("format/custom-gates", self),
            Self::Term { constraint, matrix, defect } => {
                defect.explain().inside(format_args!("constraint {constraint}, {matrix}"))
            }
            Self::Coefficient { index, defect } => {
                defect.explain().inside(format_args!("section 4 (coefficients) element {index}"))
            }
            Self::WitnessValue { .. } => Finding::new("format/witness-value", self),
        }
    }
}

impl Explain for TermDefect {
    fn explain(&self) -> Finding {
        match self {
            Self::Wire { found, wires } => {
                Finding::compared("term/wire", self, found, format_args!("less than {wires}"))
            }
            Self::Row { found, rows } => {
                Finding::compared("term/row", self, found, format_args!("less than {rows}"))
            }
            Self::NotCanonical => Finding::new("term/not-canonical", self),
            Self::Matrix(found) => Finding::compared("term/matrix", self, found, "0 (A) or 1 (B)"),
            Self::PastEnd { found, expected } => Finding::compared(
                "term/past-end",
                self,
                format_args!("{found} bytes"),
                format_args!("{expected} bytes"),
            ),
        }
    }
}

impl Explain for RecordDefect {
    fn explain(&self) -> Finding {
        match self {
            Self::Truncated { found, expected } => Finding::compared(
                "record/truncated",
                self,
                format_args!("{found} bytes"),
                format_args!("{expected} bytes"),
            ),
            Self::Point { name, defect } => defect.explain().inside(name),
            Self::HashState(error) => error.explain(),
            Self::Type(found) => {
                Finding::compared("record/type", self, found, "0 (contribution) or 1 (beacon)")
            }
            Self::Parameters(_) => Finding::new("record/parameters", self),
            Self::ParametersTooLong(found) => Finding::compared(
                "record/parameters-too-long",
                self,
                found,
                format_args!("at most {MAX_PARAMETER_BYTES}"),
            ),
            Self::Beacon(error) => error.explain(),
        }
    }
}

impl Explain for PointDefect {
    fn explain(&self) -> Finding {
        let code = match self {
            Self::NotCanonical => "point/not-canonical",
            Self::NotOnCurve => "point/not-on-curve",
            Self::OutsideSubgroup => "point/outside-subgroup",
            Self::Infinity => "point/infinity",
            Self::Flags => "point/flags",
        };
        Finding::new(code, self)
    }
}

impl Explain for DigestError {
    fn explain(&self) -> Finding {
        match self {
            Self::Io(_) => Finding::environment("digest/io", self),
            Self::Changed(change) => change.explain().inside("the file changed while it was read"),
        }
    }
}

impl Explain for Change {
    fn explain(&self) -> Finding {
        match self {
            Self::Bytes { found, expected } => {
                Finding::compared("digest/bytes", self, found, expected)
            }
            Self::Length { found, expected } => Finding::compared(
                "digest/length",
                self,
                format_args!("{found} bytes"),
                format_args!("{expected} bytes"),
            ),
        }
    }
}

impl Explain for JsonError {
    fn explain(&self) -> Finding {
        match self {
            Self::Io(_) => Finding::environment("verification-key-json/io", self),
            Self::TooLarge => Finding::compared(
                "verification-key-json/too-large",
                self,
                format_args!("more than {MAX_VERIFICATION_KEY_JSON_BYTES} bytes"),
                "at most that",
            ),
            Self::NotJson { found } => {
                Finding::compared("verification-key-json/not-json", self, found, FileKind::Json)
            }
            Self::Json(_) => Finding::new("verification-key-json/json", self),
            Self::Kind { found, expected, .. } => Finding::compared(
                "verification-key-json/kind",
                self,
                format_args!("{found:?}"),
                format_args!("{expected:?}"),
            ),
            Self::Number { .. } => Finding::new("verification-key-json/number", self),
            Self::Point { member, defect } => defect.explain().inside(member),
            Self::Projective { .. } => Finding::new("verification-key-json/projective", self),
            Self::Contradiction { .. } => Finding::new("verification-key-json/contradiction", self),
        }
    }
}
