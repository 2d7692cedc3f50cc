//! Legal files of another kind: each reader says what it was given, before anything else.

use std::io::Cursor;

use ark_ff::Field;
use bn254_batch::curve::Fr;
use ceremony_core::format::FormatError;
use ceremony_core::format::bases_part::{BasesPart, PartHeader, Residue, write_part_header};
use ceremony_core::format::kind::FileKind;
use ceremony_core::format::ptau::{Levels, Power, Ptau};
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::verification_key::{JsonError, read_verification_key};
use ceremony_core::format::wtns::{read_wtns, write_wtns};
use ceremony_core::format::zkey::Zkey;
use ceremony_core::hash::FileSha256;
use ceremony_core::keygen::{verifying_key, verifying_key_bytes};
use ceremony_core::phase1::challenge_response::{
    contribute_challenge, export_challenge, import_response,
};
use ceremony_core::phase1::contribute::StepError;
use ceremony_core::progress::NoProgress;
use testkit::circuits::compile;
use testkit::forge::with_section;
use testkit::ptau::{Model, any_rng};

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn challenge() -> Vec<u8> {
    let mut out = Vec::new();
    export_challenge(&mut Model::new(1).open(), &mut out, &NoProgress).unwrap();
    out
}

fn response() -> Vec<u8> {
    let mut out = Vec::new();
    contribute_challenge(Cursor::new(challenge()), &mut out, any_rng(), &NoProgress).unwrap();
    out
}

fn bases_part() -> Vec<u8> {
    let power = Power::new(2).unwrap();
    let header = PartHeader {
        input: FileSha256([7; 32]),
        power,
        levels: Levels::all(power),
        part: Residue::new(2, 4).unwrap(),
    };
    write_part_header(Cursor::new(Vec::new()), &header).unwrap().0.into_inner()
}

/// A verifying key for arkworks: compressed, uncompressed.
fn arkworks() -> [Vec<u8>; 2] {
    let mut key = Zkey::open(Cursor::new(fixture("bellman-h/after-import.zkey"))).unwrap();
    let bytes = verifying_key_bytes(&verifying_key(&mut key).unwrap()).unwrap();
    [bytes.compressed.clone(), bytes.uncompressed.clone()]
}

/// As gnark lays them out: a proving key, a verifying key, phase 1, a constraint system.
fn gnark() -> [Vec<u8>; 4] {
    let reversed = |scalar: Fr| {
        let mut out = Vec::new();
        ark_serialize::CanonicalSerialize::serialize_compressed(&scalar, &mut out).unwrap();
        out.reverse();
        out
    };
    let size = 1u64 << 20;
    let mut proving = size.to_be_bytes().to_vec();
    proving.extend(reversed(Fr::from(size).inverse().unwrap()));
    proving.extend([0x5a; 2000]);
    // Six points, the first bytes with their flags, and two of IC.
    let mut verifying = vec![0x11; 288];
    for (at, flags) in [(0, 0x80), (32, 0xc0), (64, 0x80), (128, 0xc0), (192, 0x80), (224, 0xc0)] {
        verifying[at] = flags;
    }
    verifying.extend(2u32.to_be_bytes());
    verifying.extend([0x11; 64]);
    let mut phase1 = vec![0x91; 700];
    phase1.extend([0, 0, 0, 7, 0x80]);
    phase1.extend([0; 30]);
    phase1.extend([1, 0xff, 0xff]);
    [proving, verifying, phase1, b"\xb9\x00\x10\x6cGnarkVersion\x66v0.9.1".to_vec()]
}

/// One file or more of each kind.
fn files() -> Vec<(FileKind, Vec<u8>)> {
    let mut wtns = Vec::new();
    wtns.extend(write_wtns(Cursor::new(Vec::new()), &[Fr::ONE]).unwrap().into_inner());
    let mut tar = vec![b'a'; 257];
    tar.extend(b"ustar\x0000");
    let text = |text: &str| text.as_bytes().to_vec();
    let mut files = vec![
        (FileKind::Ptau, Model::new(1).bytes()),
        (FileKind::Zkey, fixture("old-circuit-hash/0000.zkey")),
        (FileKind::R1cs, fixture("old-circuit-hash/circuit.r1cs")),
        (FileKind::Wtns, wtns),
        (FileKind::BasesPart, bases_part()),
        (FileKind::Challenge, challenge()),
        (FileKind::Challenge, challenge()[..200].to_vec()),
        (FileKind::Response, response()),
        (FileKind::Bellman, fixture("other-kinds/bellman.mpcparams")),
        (FileKind::Json, text("{\"protocol\": \"groth16\", \"curve\": \"bn128\"}")),
        (FileKind::Json, text("\u{feff}\n [1, 2]")),
        (FileKind::CircomSource, text("pragma circom 2.0.0;\ntemplate A() {}\n")),
        (FileKind::Wasm, b"\0asm\x01\0\0\0 and so on".to_vec()),
        (FileKind::GitLfsPointer, fixture("other-kinds/lfs-pointer.ptau")),
        (FileKind::Gzip, b"\x1f\x8b\x08\0\0\0\0\0\0\x03 and so on".to_vec()),
        (FileKind::Zip, b"PK\x03\x04\x14\0\0\0\x08\0 and so on".to_vec()),
        (FileKind::Xz, b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46 and so on".to_vec()),
        (FileKind::Bzip2, b"BZh91AY&SY\xff\xfe and so on".to_vec()),
        (FileKind::Zstd, b"\x28\xb5\x2f\xfd\x24\x05\x29 and so on".to_vec()),
        (FileKind::Tar, tar),
        (FileKind::WebPage, text("\n<!DOCTYPE html>\n<html><body>404</body></html>")),
        (FileKind::WebPage, text("<html>Not found</html>")),
        (
            FileKind::WebPage,
            text("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"),
        ),
        (FileKind::Text, text("dear coordinator, enclosed is my contribution")),
        (FileKind::Text, text("short")),
        (FileKind::Empty, vec![]),
        (FileKind::Zeros, vec![0; 5000]),
        (FileKind::Unknown, (0..5000).map(|i| (i * i % 251 + 3) as u8).collect()),
    ];
    files.extend(gnark().map(|file| (FileKind::Gnark, file)));
    files.extend(arkworks().map(|file| (FileKind::Arkworks, file)));
    files
}

type Read = fn(Vec<u8>) -> Result<(), FormatError>;

/// The kind of error that a step has.
fn of_step<T>(result: Result<T, StepError>) -> Result<(), FormatError> {
    match result {
        Ok(_) => Ok(()),
        Err(StepError::Format(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

/// Every reader of binary files.
fn readers() -> [(FileKind, Read); 7] {
    [
        (FileKind::Ptau, |bytes| Ptau::open(Cursor::new(bytes)).map(drop)),
        (FileKind::Zkey, |bytes| Zkey::open(Cursor::new(bytes)).map(drop)),
        (FileKind::R1cs, |bytes| R1cs::open(Cursor::new(bytes)).map(drop)),
        (FileKind::Wtns, |bytes| read_wtns(Cursor::new(bytes)).map(drop)),
        (FileKind::BasesPart, |bytes| BasesPart::open(Cursor::new(bytes)).map(drop)),
        (FileKind::Challenge, |bytes| {
            of_step(contribute_challenge(Cursor::new(bytes), Vec::new(), any_rng(), &NoProgress))
        }),
        (FileKind::Response, |bytes| {
            let mut input = Model::new(1).open();
            let (source, out) = (Cursor::new(bytes), Cursor::new(Vec::new()));
            of_step(import_response(&mut input, source, out, None, &NoProgress))
        }),
    ]
}

#[test]
fn there_is_a_file_of_each_kind_and_it_is_recognised() {
    let files = files();
    for kind in FileKind::ALL {
        assert!(files.iter().any(|(k, _)| *k == kind), "{kind:?}");
    }
    for (kind, bytes) in files {
        assert_eq!(FileKind::of(&mut Cursor::new(&bytes)).unwrap(), kind);
        assert_eq!(FileKind::of_bytes(&bytes), kind);
        // What follows does not matter.
        let longer = [bytes, vec![0xee; 10_000]].concat();
        if !matches!(kind, FileKind::Gnark | FileKind::Text | FileKind::Json | FileKind::Zeros)
            && longer.len() > 10_100
        {
            assert_eq!(FileKind::of_bytes(&longer), kind);
        }
    }
}

#[test]
fn every_reader_says_what_it_was_given_instead() {
    for (reader, read) in readers() {
        for (kind, bytes) in files() {
            let length = bytes.len();
            match (read(bytes), kind == reader) {
                (Err(FormatError::Kind { found, expected }), false) => {
                    assert_eq!((found, expected), (kind, reader));
                }
                // These two have no magic: nothing tells an unknown file from a bad one.
                (Err(FormatError::Length { .. }), false) => {
                    assert_eq!(kind, FileKind::Unknown);
                    assert!(matches!(reader, FileKind::Challenge | FileKind::Response));
                }
                (Ok(()), true) => {}
                (Err(FormatError::Length { .. }), true) => assert_eq!(length, 200),
                (result, _) => panic!("{kind:?} read as {reader:?}: {result:?}"),
            }
        }
    }
}

#[test]
fn the_reader_of_verifying_keys_says_what_it_was_given_instead() {
    for (kind, bytes) in files() {
        match read_verification_key(Cursor::new(bytes)).unwrap_err() {
            JsonError::NotJson { found } => assert_eq!(found, kind),
            error => assert_eq!(kind, FileKind::Json, "{error}"),
        }
    }
    let of = |text: &str| read_verification_key(Cursor::new(text)).unwrap_err().to_string();
    let plonk = of(r#"{"protocol": "plonk", "curve": "bn128", "nPublic": 1, "power": 3}"#);
    assert!(plonk.contains("found \"plonk\", expected \"groth16\""), "{plonk}");
    let other = of(r#"{"protocol": "groth16", "curve": "bls12381", "more": []}"#);
    assert!(other.contains("found \"bls12381\", expected \"bn128\""), "{other}");
}

#[test]
fn a_file_for_another_curve_names_the_curve() {
    let curve = |result: Result<(), FormatError>| match result.unwrap_err() {
        FormatError::Curve { found } => found,
        error => panic!("{error}"),
    };
    let r1cs = |bytes: Vec<u8>| curve(R1cs::open(Cursor::new(bytes)).map(drop));
    let ptau = |bytes: Vec<u8>| curve(Ptau::open(Cursor::new(bytes)).map(drop));
    assert_eq!(ptau(fixture("other-kinds/bls12381.ptau")), "BLS12-381");
    assert_eq!(r1cs(fixture("other-kinds/bls12381.r1cs")), "BLS12-381");
    assert_eq!(r1cs(fixture("other-kinds/goldilocks.r1cs")), "Goldilocks");
    // The scalar field of BN254 in the place of its base field, and the other way round.
    let [q, r] = [
        "47fd7cd8168c203c8dca7168916a81975d588181b64550b829a031e1724e6430",
        "010000f093f5e1439170b97948e833285d588181b64550b829a031e1724e6430",
    ]
    .map(|hex| (0..32).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()));
    let (q, r): (Vec<u8>, Vec<u8>) = (q.collect(), r.collect());
    let with = |bytes: Vec<u8>, id, modulus: &[u8]| {
        with_section(&bytes, id, |section| section[4..36].copy_from_slice(modulus))
    };
    assert_eq!(r1cs(with(fixture("bellman-h/circuit.r1cs"), 1, &q)), "Grumpkin");
    assert_eq!(ptau(with(Model::new(1).bytes(), 1, &r)), "Grumpkin");
    let key = with(fixture("bellman-h/before.zkey"), 2, &r);
    assert_eq!(curve(Zkey::open(Cursor::new(key)).map(drop)), "Grumpkin");
    // A modulus of no curve is a damaged header.
    let damaged = with(Model::new(1).bytes(), 1, &[9; 32]);
    assert!(matches!(Ptau::open(Cursor::new(damaged)), Err(FormatError::Header { .. })));
}

#[test]
fn each_prime_that_circom_knows_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for (prime, name) in [
        ("bls12381", "BLS12-381"),
        ("goldilocks", "Goldilocks"),
        ("grumpkin", "Grumpkin"),
        ("pallas", "Pallas or Vesta"),
        ("vesta", "Pallas or Vesta"),
        ("secq256r1", "secp256r1"),
    ] {
        let path = compile("one_constraint", &["--prime", prime], dir.path());
        let error = R1cs::open(std::fs::File::open(path).unwrap()).unwrap_err();
        assert!(matches!(error, FormatError::Curve { found } if found == name), "{prime}: {error}");
    }
}

#[test]
fn a_key_of_another_proof_system_names_the_system() {
    for (file, name) in [("plonk.zkey", "PLONK"), ("fflonk.zkey", "FFLONK")] {
        let error = Zkey::open(Cursor::new(fixture(&format!("other-kinds/{file}")))).unwrap_err();
        assert!(
            matches!(error, FormatError::ProofSystem { found } if found == name),
            "{file}: {error}"
        );
    }
}

#[test]
fn a_circuit_without_constraints_or_with_custom_templates_is_called_that() {
    let open = |name: &str| R1cs::open(Cursor::new(fixture(&format!("other-kinds/{name}"))));
    for name in ["no-constraints.r1cs", "no-constraints-one-wire.r1cs"] {
        let error = open(name).unwrap_err();
        assert!(matches!(error, FormatError::NoConstraints), "{name}: {error}");
    }
    let error = open("custom-template.r1cs").unwrap_err();
    assert!(matches!(error, FormatError::CustomGates), "{error}");
}

/// Recognition must never stand in the way of a good file, however its first bytes fall: a
/// challenge begins with a hash.
#[test]
fn a_challenge_that_begins_like_another_kind_is_a_challenge() {
    for magic in [&b"ptau"[..], b"\x1f\x8b", b"PK\x03\x04", b"BZh"] {
        let mut bytes = challenge();
        bytes[..magic.len()].copy_from_slice(magic);
        assert_eq!(FileKind::of_bytes(&bytes), FileKind::Challenge);
        let (out, rng) = (Vec::new(), any_rng());
        contribute_challenge(Cursor::new(bytes), out, rng, &NoProgress).unwrap();
    }
}
