//! Whose key a contract has: ours and snarkjs', source and code, and keys that nobody should have.

use std::fs;

use ark_bn254::{Fq, G1Affine, G2Affine};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::PrimeField as _;
use ceremony_core::keygen::VerifyingKey;
use testkit::circuits::snarkjs;
use zk_attest::error::Code;
use zk_embed::Language;
use zk_embed::deployed::{DeployedKey, Judged, Verifier, judge, read};
use zk_embed::export::Format;

use super::world::World;

/// The one verifier in a file.
fn one(bytes: &[u8]) -> Verifier {
    let found = read(bytes).unwrap();
    assert_eq!(found.verifiers.len(), 1);
    found.verifiers[0].clone()
}

/// The contract that snarkjs makes of a key.
fn contract_of(world: &World, zkey: &str) -> String {
    let name = format!("{zkey}.sol");
    snarkjs(world.folder(), &["zkey", "export", "solidityverifier", zkey, &name]);
    name
}

fn whole(circuit: Option<&str>) -> Judged {
    let circuit = circuit.map(|name| zk_attest::primitives::CircuitName::new(name).unwrap());
    Judged { circuit, parts_known: true, usual_gamma: Some(true) }
}

#[test]
fn the_key_of_a_contract_is_found_in_its_source_and_in_its_code() {
    let world = World::new();
    world.write(Language::Other(Format::Solidity), "ours.sol");
    let theirs = contract_of(&world, "final.zkey");
    let of = world.imported();
    for name in ["ours.sol", &theirs] {
        let source = fs::read(world.path(name)).unwrap();
        let verifier = &one(&source);
        assert_eq!(verifier.key, DeployedKey::Whole(Box::new(world.key.clone())), "{name}");
        assert_eq!(judge(verifier, Some(&of)).unwrap(), whole(Some("attestation")), "{name}");
        assert_eq!(judge(verifier, None).unwrap(), whole(None));

        let ran = world.evm(name, &[]);
        let contract = ran.contracts.keys().next().unwrap();
        for code in [ran.code(contract).to_owned(), format!("0x{}\n", ran.code(contract))] {
            let verifier = &one(code.as_bytes());
            assert_eq!(verifier.key.public_inputs(), 2, "{name}");
            let judged = judge(verifier, Some(&of)).unwrap();
            assert_eq!(judged.circuit.unwrap().as_str(), "attestation", "{name}");
            assert!(!judged.parts_known);
        }
    }
    let document =
        ceremony_core::format::verification_key::write_verification_key(&world.key).unwrap();
    let verifier = &one(document.as_bytes());
    assert_eq!(judge(verifier, Some(&of)).unwrap(), whole(Some("attestation")));
    let exported = of.clone().embedded(Language::Other(Format::Json)).unwrap().text;
    let verifier = &one(exported.as_bytes());
    assert_eq!(
        (verifier.name.as_str(), &verifier.key),
        ("attestation", &DeployedKey::Whole(Box::new(world.key.clone())))
    );
}

#[test]
fn a_contract_of_a_key_without_contributions_is_refused() {
    let world = World::new();
    let name = contract_of(&world, "0.zkey");
    let source = fs::read(world.path(&name)).unwrap();
    let ran = world.evm(&name, &[]);
    let code = ran.code(ran.contracts.keys().next().unwrap());
    for (bytes, said) in [
        (&source[..], "delta of the verifying key is gamma or its negative"),
        (code.as_bytes(), "phase 2 was skipped"),
    ] {
        let verifier = &one(bytes);
        for of in [None, Some(&world.imported())] {
            let refusal = judge(verifier, of).unwrap_err();
            assert_eq!(refusal.code(), Code::KeyDegenerate);
            assert!(refusal.to_string().contains(said), "{refusal}");
        }
    }
}

#[test]
fn a_contract_of_another_phase_2_is_none_of_the_bundles() {
    let world = World::new();
    let other = World::new();
    let name = contract_of(&other, "final.zkey");
    let source = fs::read(other.path(&name)).unwrap();
    let ran = other.evm(&name, &[]);
    let code = ran.code(ran.contracts.keys().next().unwrap());
    for (bytes, said) in
        [(&source[..], "another delta"), (code.as_bytes(), "points that are those of no circuit")]
    {
        let verifier = &one(bytes);
        let refusal = judge(verifier, Some(&world.imported())).unwrap_err();
        assert_eq!(refusal.code(), Code::SubjectMismatch);
        assert!(refusal.to_string().contains(said), "{refusal}");
    }
}

/// The layouts of other generators, by the names that they give: one function with a structure of
/// points, and constants with beta, gamma and delta negated.
#[test]
fn keys_are_found_under_the_names_of_other_generators() {
    let world = World::new();
    let key = &world.key;
    let g1 = |p: G1Affine| format!("G1Point(uint256({:x}), uint256({}))", Hex(p.x), p.y);
    let g2 = |p: G2Affine| format!("G2Point([{}, {}], [{}, {}])", p.x.c1, p.x.c0, p.y.c1, p.y.c0);
    let mut structure = format!(
        "library Pairing {{ function P1() returns (G1Point memory) {{ return G1Point(1, 2); }} }}
        contract Old {{ /* vk.delta = 7 */ function verifyingKey() pure returns (VerifyingKey memory vk) {{
        vk.alfa1 = Pairing.{}; vk.beta2 = Pairing.{}; vk.gamma2 = Pairing.{};
        vk.delta2 = Pairing.{}; vk.IC = new Pairing.G1Point[](3);",
        g1(key.alpha_g1),
        g2(key.beta_g2),
        g2(key.gamma_g2),
        g2(key.delta_g2)
    );
    for (i, point) in key.gamma_abc_g1.iter().enumerate() {
        structure += &format!("vk.IC[{i}] = Pairing.{};", g1(*point));
    }
    structure += "}}";
    let mut negated = format!(
        "contract Negated {{ uint256 constant P = 0x{}; uint256 constant ALPHA_X = {};
        uint256 constant ALPHA_Y = {};",
        "f".repeat(60),
        key.alpha_g1.x,
        key.alpha_g1.y
    );
    let in_g2 = [("BETA", key.beta_g2), ("GAMMA", key.gamma_g2), ("DELTA", key.delta_g2)];
    for (name, point) in in_g2 {
        let point = -point;
        for (coordinate, number) in
            [("X_0", point.x.c0), ("X_1", point.x.c1), ("Y_0", point.y.c0), ("Y_1", point.y.c1)]
        {
            negated += &format!("uint256 constant {name}_NEG_{coordinate} = {number};");
        }
    }
    for (i, point) in key.gamma_abc_g1.iter().enumerate() {
        let name = if i == 0 { "CONSTANT".into() } else { format!("PUB_{}", i - 1) };
        for (coordinate, number) in [("X", point.x), ("Y", point.y)] {
            negated += &format!("uint256 constant {name}_{coordinate} = {number};");
        }
    }
    negated += "}";
    for (text, name) in [(&structure, "Old"), (&negated, "Negated")] {
        let verifier = &one(text.as_bytes());
        assert_eq!(verifier.name, name);
        assert_eq!(verifier.key, DeployedKey::Whole(Box::new(key.clone())), "{name}");
    }
    // Each part is asked for, and each number has to be a point's.
    for part in ["ALPHA", "BETA", "GAMMA", "DELTA", "CONSTANT", "PUB_0"] {
        let without = negated.replace(part, "OTHER");
        assert_eq!(read(without.as_bytes()).unwrap_err().code(), Code::KeyLength, "{part}");
    }
    let changed = negated.replace(&key.alpha_g1.y.to_string(), &key.alpha_g1.x.to_string());
    assert_eq!(read(changed.as_bytes()).unwrap_err().code(), Code::KeyPoint);
    let two = format!("{structure}{negated}");
    assert_eq!(read(two.as_bytes()).unwrap().verifiers.len(), 2);
    // The numbers of another library are counted, P among them: they may be the key that is used.
    let other = negated.replace("ALPHA", "a").replace("BETA", "b").replace("GAMMA", "c");
    let other = other.replace("DELTA", "d").replace("CONSTANT", "e").replace("PUB", "f");
    assert_eq!(read(structure.as_bytes()).unwrap().other_numbers, 0);
    assert_eq!(
        read(format!("{structure}{other}").as_bytes()).unwrap().other_numbers,
        1 + 2 + 12 + 6
    );
}

/// What stands in a source is not what a compiler makes of it.
#[test]
fn a_source_whose_numbers_are_not_its_values_is_refused() {
    let world = World::new();
    world.write(Language::Other(Format::Solidity), "ours.sol");
    let text = fs::read_to_string(world.path("ours.sol")).unwrap();
    let of = world.imported();
    let delta = world.key.delta_g2.x.c1.to_string();
    let edited = |from: &str, to: &str| {
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text, "{from}");
        edited
    };
    let refused = |text: &str, code: Code, what: &str| {
        let refusal = match read(text.as_bytes()) {
            Ok(found) => judge(&found.verifiers[0], Some(&of)).expect_err(what),
            Err(refusal) => refusal,
        };
        assert_eq!(refusal.code(), code, "{what}: {refusal}");
    };
    let line = format!("DELTA_X1 = {delta};");
    for (value, what) in [
        ("GAMMA_X1;", "another constant"),
        (&*format!("{delta} + 5;"), "a sum"),
        (&*format!("{delta} * 0 + GAMMA_X1;"), "a product"),
        (&*format!("true ? 1 : {delta};"), "a choice"),
        (&*format!("{delta}e0;"), "an exponent"),
        (&*format!("{delta} gwei;"), "a unit"),
    ] {
        refused(&edited(&line, &format!("DELTA_X1 = {value}")), Code::KeyEncoding, what);
    }
    let twice = format!("{line} uint256 private constant deltax1 = {delta};");
    refused(&edited(&line, &twice), Code::KeyEncoding, "a part that is assigned twice");
    // A name that no generator gives is no part.
    let old = format!("DELTA_X1 = 1; uint256 private constant OLD_DELTA_X1 = {delta};");
    refused(&edited(&line, &old), Code::KeyPoint, "the number under another name");
    // Compilers end a comment at a carriage return, too.
    let hidden = format!("// \rDELTA_X1 = 1; /*\n DELTA_X1 = {delta}; // */");
    refused(&edited(&line, &hidden), Code::KeyPoint, "a comment that a return ends");
    // Input points have numbers, and (0, 0) is one.
    let exchanged = text.replace("IC1_", "IC9_").replace("IC2_", "IC1_").replace("IC9_", "IC2_");
    refused(&exchanged, Code::SubjectMismatch, "input points in each other's place");
    let last = "uint256 private constant IC0_X";
    let zero =
        format!("uint256 private constant IC3_X = 0; uint256 private constant IC3_Y = 0;{last}");
    refused(&edited(last, &zero), Code::KeyDegenerate, "an input point at infinity");
    let one = zero.replace("= 0", "= 1").replace("IC3_Y = 1", "IC3_Y = 2");
    refused(&edited(last, &one), Code::SubjectMismatch, "an input point more");
    // The order of the lines is not what counts.
    let mut lines: Vec<&str> = text.lines().collect();
    let of_ic = lines.iter().position(|line| line.contains("IC0_X =")).unwrap();
    lines.swap(of_ic, of_ic + 5);
    let found = read(lines.join("\n").as_bytes()).unwrap();
    assert_eq!(judge(&found.verifiers[0], Some(&of)).unwrap(), whole(Some("attestation")));
}

#[test]
fn every_degenerate_key_is_refused_and_an_unusual_one_is_called_that() {
    let good = World::new().key;
    let judged = |edit: &dyn Fn(&mut VerifyingKey)| {
        let mut key = good.clone();
        edit(&mut key);
        judge(&Verifier { name: "it".into(), key: DeployedKey::Whole(Box::new(key)) }, None)
    };
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    type Edit<'a> = (&'a str, &'a dyn Fn(&mut VerifyingKey));
    let edits: [Edit<'_>; 12] = [
        ("delta is gamma", &|key| key.delta_g2 = key.gamma_g2),
        ("delta is -gamma", &|key| key.delta_g2 = -key.gamma_g2),
        ("delta is the generator", &|key| (key.delta_g2, key.gamma_g2) = (g2, key.beta_g2)),
        ("delta is beta", &|key| key.delta_g2 = key.beta_g2),
        ("delta is infinity", &|key| key.delta_g2 = G2Affine::zero()),
        ("gamma is infinity", &|key| key.gamma_g2 = G2Affine::zero()),
        ("gamma is beta", &|key| key.gamma_g2 = key.beta_g2),
        ("gamma is -beta", &|key| key.gamma_g2 = -key.beta_g2),
        ("alpha is the generator", &|key| key.alpha_g1 = g1),
        ("two inputs are equal", &|key| key.gamma_abc_g1[2] = key.gamma_abc_g1[1]),
        ("two inputs are opposite", &|key| key.gamma_abc_g1[2] = -key.gamma_abc_g1[1]),
        ("an input is infinity", &|key| key.gamma_abc_g1[1] = G1Affine::zero()),
    ];
    for (what, edit) in edits {
        let refusal = judged(edit).expect_err(what);
        assert_eq!(refusal.code(), Code::KeyDegenerate, "{what}: {refusal}");
    }
    assert_eq!(judged(&|_| ()).unwrap().usual_gamma, Some(true));
    let unusual = judged(&|key| key.gamma_g2 = (key.beta_g2 + key.delta_g2).into_affine());
    assert_eq!(unusual.unwrap().usual_gamma, Some(false));
}

/// Code has no names, but signs, and as many points as its key has.
#[test]
fn code_with_another_sign_or_one_more_point_is_none_of_the_bundles() {
    let world = World::new();
    let of = world.imported();
    let code = |points: &[[Fq; 2]]| {
        points.iter().flatten().fold(String::from("0x"), |code, number| {
            let limbs = number.into_bigint().0;
            code + "7f" + &limbs.iter().rev().map(|limb| format!("{limb:016x}")).collect::<String>()
        })
    };
    let in_g1 = |point: &G1Affine| [point.x, point.y];
    let in_g2 = |point: G2Affine| [[point.x.c1, point.x.c0], [point.y.c1, point.y.c0]];
    let key = &world.key;
    let points = |ic: &[G1Affine], sign: &dyn Fn(G2Affine) -> G2Affine| {
        let mut points: Vec<[Fq; 2]> =
            [key.beta_g2, key.gamma_g2, key.delta_g2].map(|point| in_g2(sign(point))).concat();
        points.push(in_g1(&key.alpha_g1));
        points.extend(ic.iter().map(in_g1));
        points
    };
    let ic = &key.gamma_abc_g1;
    let judged = |points: &[[Fq; 2]]| judge(&one(code(points).as_bytes()), Some(&of));
    assert!(judged(&points(ic, &|point| point)).is_ok());
    assert!(judged(&points(ic, &|point| -point)).is_ok(), "all three negated");
    let delta_only = |point: G2Affine| if point == key.delta_g2 { -point } else { point };
    let mut negated = ic.clone();
    negated[1] = -negated[1];
    let more = [&ic[..], &[(ic[0] + ic[1]).into_affine()]].concat();
    for (points, what) in [
        (points(ic, &delta_only), "delta negated"),
        (points(&negated, &|point| point), "an input point negated"),
        (points(&more, &|point| point), "one more"),
        (points(&ic[..2], &|point| point), "one less"),
    ] {
        let refusal = judged(&points).expect_err(what);
        assert_eq!(refusal.code(), Code::SubjectMismatch, "{what}: {refusal}");
    }
}

#[test]
fn what_is_no_verifier_is_called_so() {
    for (bytes, code) in [
        (&b"\xff\xfe"[..], Code::Malformed),
        (b"{}", Code::Malformed),
        (b"contract Token { uint256 constant supply = 1; }", Code::KeyLength),
        (b"0x6080604052", Code::KeyLength),
        (b"608", Code::Malformed),
        (b"", Code::KeyLength),
    ] {
        let refusal = read(bytes).unwrap_err();
        assert_eq!(refusal.code(), code, "{refusal}");
        assert!(refusal.to_string().contains("hint: "), "{refusal}");
    }
}

/// A field element in hex.
struct Hex(Fq);

impl std::fmt::LowerHex for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use ark_ff::PrimeField as _;
        f.write_str("0x")?;
        self.0.into_bigint().0.iter().rev().try_for_each(|limb| write!(f, "{limb:016x}"))
    }
}
