//! The snippet: the Rust source that embeds the verifying keys of a verified bundle.
//!
//! [`text`] depends only on a [`VerifiedBundle`] and [`Options`], and is the only author of that
//! text: `zk-embed` writes it into the project, and the guard makes it again in every build and
//! compares byte for byte. An edited constant, an extra item, a twin under `#[cfg]`, another
//! formatting or other options all give the same refusal. The text is filled into the templates
//! next to this file, so that no compiler and no pretty printer has a part in it; [`FORMAT`] rises
//! whenever they change.
//!
//! The text is one module, `verifying_keys`, that needs neither `std` nor (without
//! [`Options::arkworks`]) any crate:
//!
//! ```text
//! verifying_keys::CIRCUITS, by_program_hash(..)          the registry, sorted by program hash
//! verifying_keys::<circuit>::{VK, VK_UNCOMPRESSED, VK_SHA256, ..., assert_pinned("<hex>")}
//! ```
//!
//! Keys are byte strings and points are limbs in Montgomery form, both of which rustc takes as they
//! are: hashing or converting a key of 2048 inputs in a constant would take rustc half a minute in
//! every build.

use std::fmt::Write as _;

use crate::bundle::VerifiedBundle;
pub use crate::limits::MAX_SNIPPET_BYTES;
use crate::verifying_key::{Coordinate, Q, VerifyingKeyBytes};
use zk_attest::error::{Code, Refusal, Result, USUAL_BUNDLE, USUAL_POLICY, USUAL_SNIPPET};
use zk_attest::manifest::CircuitProvenance;
use zk_attest::primitives::CeremonyKind;
use zk_attest::version::OURS;

/// The version of the text. A committed snippet of another version is called that.
pub const FORMAT: u32 = 3;

const MODULE: &str = include_str!("snippet/module.rs.in");
const CIRCUIT: &str = include_str!("snippet/circuit.rs.in");
const ARKWORKS: &str = include_str!("snippet/arkworks.rs.in");
const ARKWORKS_CIRCUIT: &str = include_str!("snippet/arkworks_circuit.rs.in");

/// What the text contains beyond bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `const` arkworks points, and a `verify` and a `verify_batch` that take exactly the right
    /// number of public inputs. The including crate then depends on ark-bn254, ark-ec, ark-ff and
    /// ark-groth16.
    pub arkworks: bool,
}

/// The canonical text.
///
/// # Errors
/// `too-large`, above [`MAX_SNIPPET_BYTES`].
pub fn text(bundle: &VerifiedBundle, options: Options) -> Result<String> {
    let provenance = bundle.provenance();
    let mut circuits: Vec<_> = bundle.circuits().collect();
    let names: Vec<&str> = circuits.iter().map(|(circuit, _)| circuit.name.as_str()).collect();
    let modules: String =
        circuits.iter().map(|(circuit, key)| circuit_module(circuit, key, options)).collect();
    circuits.sort_by_key(|(circuit, _)| circuit.program_hash);
    let entries: Vec<String> =
        circuits.iter().map(|(circuit, _)| format!("{}::CIRCUIT", circuit.name.module())).collect();
    let text = fill(MODULE, |field| match field {
        "ceremony" => provenance.ceremony.to_string(),
        "kind" => provenance.kind.to_string(),
        "serial" => provenance.serial.to_string(),
        "circuit_names" => names.join(", "),
        "format" => FORMAT.to_string(),
        "command" => command(options),
        "production" => (provenance.kind == CeremonyKind::Production).to_string(),
        "curve" => provenance.curve.as_str().into(),
        "transcript_sha256" => bundle.transcript().digest().to_string(),
        "statement_sha256" => bundle.statement_digest().to_string(),
        "manifest_sha256" => bundle.manifest().digest().to_string(),
        "count" => circuits.len().to_string(),
        "entries" => entries.join(", "),
        "modules" => modules.clone(),
        "helpers" if options.arkworks => ARKWORKS.into(),
        _ => String::new(),
    });
    if text.len() <= MAX_SNIPPET_BYTES {
        return Ok(text);
    }
    Err(Refusal::new(Code::TooLarge, "the snippet is too large")
        .found(format_args!("{} bytes", text.len()))
        .expected(format_args!("at most {MAX_SNIPPET_BYTES} bytes")))
}

/// The command that writes the text, with the usual paths.
#[must_use]
pub fn command(options: Options) -> String {
    let arkworks = if options.arkworks { " --arkworks" } else { "" };
    format!(
        "zk-embed --bundle {USUAL_BUNDLE} --policy {USUAL_POLICY} --out {USUAL_SNIPPET}{arkworks}"
    )
}

/// The serial that a committed snippet states, of this format or an older one, so that an import
/// never silently goes back to an older bundle.
#[must_use]
pub fn serial_of(text: &str) -> Option<u64> {
    number_of(text, "pub const SERIAL: u64 = ")
}

/// The format of a committed snippet, where it is one.
#[must_use]
pub fn format_of(text: &str) -> Option<u32> {
    match number_of(text, "pub const FORMAT: u32 = ") {
        Some(format) => u32::try_from(format).ok(),
        // The first format did not state itself.
        None => serial_of(text).map(|_| 1),
    }
}

/// The decimal number of the first constant that is declared like this.
fn number_of(text: &str, declaration: &str) -> Option<u64> {
    let (_, value) = text.split_once(declaration)?;
    let (number, _) = value.split_once(';')?;
    number.strip_suffix("u64").unwrap_or(number).parse().ok()
}

/// Why a committed snippet is not the canonical text: it is of another format, or `what` says what
/// else is wrong with it.
#[must_use]
pub fn stale(committed: &str, what: &str, options: Options) -> Refusal {
    let command = command(options);
    match format_of(committed) {
        Some(format) if format != FORMAT => Refusal::new(
            Code::SnippetStale,
            format_args!("the committed snippet has another format than that of version {OURS}"),
        )
        .found(format_args!("snippet format {format}"))
        .expected(format_args!("snippet format {FORMAT}"))
        .hint(format_args!(
            "use one version of zk-embed and zk-vk-guard: with zk-embed {OURS}, run `{command}`"
        )),
        _ => Refusal::new(Code::SnippetStale, what).hint(format_args!("run `{command}`")),
    }
}

/// Puts values in the place of a template's fields, which stand between two `@`. A value is not
/// looked into: no text of a bundle can name a field.
fn fill(template: &str, value: impl Fn(&str) -> String) -> String {
    let parts = template.split('@').enumerate();
    parts.map(|(i, part)| if i % 2 == 0 { part.to_owned() } else { value(part) }).collect()
}

fn circuit_module(
    circuit: &CircuitProvenance,
    key: &VerifyingKeyBytes,
    options: Options,
) -> String {
    fill(CIRCUIT, |field| match field {
        "name" => circuit.name.to_string(),
        "module" => circuit.name.module(),
        "program_id" => circuit.program_id.as_str().replace('\\', "\\\\").replace('"', "\\\""),
        "program_hash" => circuit.program_hash.to_string(),
        "circuit_sha256" => circuit.circuit_sha256.to_string(),
        "inputs" => key.public_inputs().to_string(),
        "vk_sha256" => circuit.vk_sha256.to_string(),
        "vk_uncompressed_sha256" => circuit.vk_uncompressed_sha256.to_string(),
        "length" => key.compressed().len().to_string(),
        "vk" => byte_string(key.compressed()),
        "length_uncompressed" => key.uncompressed().len().to_string(),
        "vk_uncompressed" => byte_string(key.uncompressed()),
        "arkworks" if options.arkworks => points(key),
        _ => String::new(),
    })
}

/// A byte string with a coordinate in each line.
fn byte_string(bytes: &[u8]) -> String {
    let mut text = String::from("*b\"");
    for line in bytes.chunks(32) {
        text.push_str("\\\n            ");
        for byte in line {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text.push('"');
    text
}

/// The points of a key, for arkworks.
fn points(key: &VerifyingKeyBytes) -> String {
    let coordinates = key.coordinates();
    // alpha in G1, then beta, gamma and delta in G2, then the input points.
    let (head, ic) = coordinates.split_at(14.min(coordinates.len()));
    let at = |range: std::ops::Range<usize>| limbs(head.get(range).unwrap_or_default());
    fill(ARKWORKS_CIRCUIT, |field| match field {
        "alpha" => at(0..2),
        "beta" => at(2..6),
        "gamma" => at(6..10),
        "delta" => at(10..14),
        "ic" => ic.chunks(2).map(|xy| format!("            super::g1({}),\n", limbs(xy))).collect(),
        _ => String::new(),
    })
}

fn limbs(coordinates: &[Coordinate]) -> String {
    let each = coordinates.iter().map(|coordinate| {
        let limbs = montgomery(coordinate).map(|limb| format!("{limb:#018x}"));
        format!("[{}]", limbs.join(", "))
    });
    format!("[{}]", each.collect::<Vec<_>>().join(", "))
}

/// `x * 2^256 mod q`, for x below q: 256 times doubled.
fn montgomery(x: &Coordinate) -> [u64; 4] {
    let (mut x, q) = (words(x), words(&Q));
    for _ in 0..256 {
        let mut carry = 0;
        // q has 254 bits: nothing is shifted out of the last limb.
        for limb in &mut x {
            (*limb, carry) = (*limb << 1 | carry, *limb >> 63);
        }
        if x.iter().rev().ge(q.iter().rev()) {
            let mut borrow = false;
            for (limb, q) in x.iter_mut().zip(q) {
                let (difference, under) = limb.overflowing_sub(q);
                let (difference, again) = difference.overflowing_sub(u64::from(borrow));
                (*limb, borrow) = (difference, under || again);
            }
        }
    }
    x
}

/// Four limbs out of 32 bytes, both little-endian.
fn words(bytes: &Coordinate) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (i, byte) in bytes.iter().enumerate() {
        limbs[i / 8] |= u64::from(*byte) << (8 * (i % 8));
    }
    limbs
}

#[cfg(test)]
mod tests {
    use ark_bn254::Fq;
    use ark_ff::{BigInteger, PrimeField};

    use super::*;

    #[test]
    fn limbs_are_those_that_arkworks_keeps() {
        let one = Fq::from(1u64);
        let mut x = Fq::from(0xdead_beef_u64);
        for value in std::iter::from_fn(|| {
            x = x * x + one;
            Some(x)
        })
        .take(200)
        .chain([Fq::from(0u64), one, -one])
        {
            let bytes: Coordinate = value.into_bigint().to_bytes_le().try_into().unwrap();
            assert_eq!(montgomery(&bytes), value.0.0, "{value}");
        }
    }

    #[test]
    fn a_value_that_looks_like_a_field_is_not_filled_in() {
        let filled =
            fill("<@a@|@b@>", |field| if field == "a" { "@b@".into() } else { "2".into() });
        assert_eq!(filled, "<@b@|2>");
    }

    #[test]
    fn the_first_format_is_known_by_its_serial() {
        assert_eq!((serial_of("x"), format_of("x")), (None, None));
        let first = "pub mod verifying_keys { pub const SERIAL: u64 = 7u64; }";
        assert_eq!((serial_of(first), format_of(first)), (Some(7), Some(1)));
        let second = format!("pub const FORMAT: u32 = {FORMAT};\npub const SERIAL: u64 = 8;");
        let second = second.as_str();
        assert_eq!((serial_of(second), format_of(second)), (Some(8), Some(FORMAT)));
        let refusal = stale(first, "stale", Options::default());
        assert_eq!(refusal.found_text(), Some("snippet format 1"));
        assert!(refusal.expected_text().unwrap().ends_with(&FORMAT.to_string()), "{refusal}");
        assert_eq!(stale(second, "stale", Options::default()).what(), "stale");
    }
}
