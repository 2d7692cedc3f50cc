//! A kind of file by its first bytes and its length.

use std::sync::LazyLock;

use ark_ff::PrimeField;
use ark_serialize::CanonicalSerialize;
use bn254_batch::curve::{FQ_MODULUS, Fr, G1_GENERATOR, G1Affine, G2_GENERATOR, G2Affine};

use super::FileKind;
use crate::format::encoding::{Encoding, decode, encode, read_le};

/// `head` is the beginning of the file, or all of it.
pub(super) fn kind(head: &[u8], length: u64) -> FileKind {
    let begins = |magic: &[u8]| head.starts_with(magic);
    if length == 0 {
        return FileKind::Empty;
    }
    // Before the magics: these begin with a hash, which may begin like anything.
    if let Some(kind) = phase1(head) {
        return kind;
    }
    if let Some(kind) = head.get(..4).and_then(FileKind::of_magic) {
        return kind;
    }
    let magics: [(&[u8], FileKind); 8] = [
        (b"version https://git-lfs.github.com/spec/", FileKind::GitLfsPointer),
        (b"version https://hawser.github.com/spec/", FileKind::GitLfsPointer),
        (b"\x1f\x8b", FileKind::Gzip),
        (b"PK\x03\x04", FileKind::Zip),
        (b"\xfd7zXZ\0", FileKind::Xz),
        (b"BZh", FileKind::Bzip2),
        (b"\x28\xb5\x2f\xfd", FileKind::Zstd),
        (b"\0asm", FileKind::Wasm),
    ];
    if let Some((_, kind)) = magics.into_iter().find(|(magic, _)| begins(magic)) {
        return kind;
    }
    if head.get(257..262) == Some(b"ustar") {
        return FileKind::Tar;
    }
    if head.iter().all(|byte| *byte == 0) {
        return FileKind::Zeros;
    }
    text(head)
        .or_else(|| bellman(head))
        .or_else(|| arkworks(head))
        .or_else(|| gnark(head, length))
        .unwrap_or(FileKind::Unknown)
}

/// Text, and what is written in it.
fn text(head: &[u8]) -> Option<FileKind> {
    // A character may be cut at the end of the head.
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    if text.chars().any(|c| c.is_control() && !c.is_ascii_whitespace() && c != '\u{1b}') {
        return None;
    }
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |prefix: &str| {
        text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    Some(if begins("<!doctype html") || begins("<html") || begins("<?xml") || begins("<head") {
        FileKind::WebPage
    } else if begins("{") || begins("[") {
        FileKind::Json
    } else if text.contains("pragma circom") {
        FileKind::CircomSource
    } else {
        FileKind::Text
    })
}

/// Challenge and response: after a hash, the generator as the power 0 of tau.
fn phase1(head: &[u8]) -> Option<FileKind> {
    let begins = |encoding| {
        let generator = encode(&[G1_GENERATOR], encoding);
        head.get(64..).is_some_and(|points| points.starts_with(&generator))
    };
    if begins(Encoding::Uncompressed) {
        Some(FileKind::Challenge)
    } else {
        begins(Encoding::Compressed).then_some(FileKind::Response)
    }
}

/// alpha, beta in G1, beta in G2: points that are written out, big-endian.
fn bellman(head: &[u8]) -> Option<FileKind> {
    let on_curve = |range: std::ops::Range<usize>| {
        let bytes = head.get(range)?;
        decode::<G1Affine>(bytes, Encoding::Uncompressed).ok()
    };
    on_curve(0..128)?;
    decode::<G2Affine>(head.get(128..256)?, Encoding::Uncompressed).ok()?;
    Some(FileKind::Bellman)
}

/// A verifying or proving key, compressed or not: gamma is the generator.
fn arkworks(head: &[u8]) -> Option<FileKind> {
    static GAMMA: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
        let mut forms = [Vec::new(), Vec::new()];
        // Writing into memory does not fail; an empty form is found nowhere.
        let _ = G2_GENERATOR.serialize_compressed(&mut forms[0]);
        let _ = G2_GENERATOR.serialize_uncompressed(&mut forms[1]);
        forms
    });
    let at = |place: usize, form: &[u8]| {
        !form.is_empty() && head.get(place..).is_some_and(|rest| rest.starts_with(form))
    };
    (at(96, &GAMMA[0]) || at(192, &GAMMA[1])).then_some(FileKind::Arkworks)
}

/// gnark writes big-endian points whose first two bits are flags: 10 and 11 for the two roots.
fn gnark(head: &[u8], length: u64) -> Option<FileKind> {
    let word = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let scalar = |at: usize| {
        let mut bytes: Vec<u8> = head.get(at..at + 32)?.to_vec();
        bytes.reverse();
        Fr::from_bigint(read_le(&bytes))
    };
    // A proving key begins with its domain: the size, and the size inverted.
    let proving = || {
        let size = u64::from(word(0)?) << 32 | u64::from(word(4)?);
        let is_domain = size.is_power_of_two() && scalar(8)? * Fr::from(size) == Fr::from(1u64);
        is_domain.then_some(())
    };
    let compressed = |at: usize| {
        let flags = head.get(at)? >> 6;
        let mut bytes: Vec<u8> = head.get(at..at + 32)?.to_vec();
        bytes[0] &= 0x3f;
        bytes.reverse();
        (flags >= 2 && read_le(&bytes) < FQ_MODULUS).then_some(())
    };
    // A verifying key: alpha1 beta1 beta2 gamma2 delta1 delta2, and IC with its length.
    let verifying = || {
        [0, 32, 64, 128, 192, 224].into_iter().try_for_each(compressed)?;
        let least = 292 + 32 * u64::from(word(288)?);
        (word(288)? > 0 && least <= length && length - least < 1 << 16).then_some(())
    };
    // Phase 1: somewhere at the beginning stands the generator as the power 0 of tau.
    let mut generator = [0; 32];
    (generator[0], generator[31]) = (0x80, 1);
    let has = |needle: &[u8]| head.windows(needle.len()).any(|window| window == needle);
    let found = proving().or_else(verifying).is_some() || has(&generator) || has(b"GnarkVersion");
    found.then_some(FileKind::Gnark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arkworks_forms_of_the_generator_have_their_lengths() {
        let mut bytes = vec![7; 96];
        assert!(G2_GENERATOR.serialize_compressed(&mut bytes).is_ok());
        assert_eq!(bytes.len(), 96 + 64);
        assert_eq!(arkworks(&bytes), Some(FileKind::Arkworks));
        bytes[100] ^= 1;
        assert_eq!(arkworks(&bytes), None);
    }
}
