//! Whose key a contract has: ours and snarkjs', source and code, and keys that nobody should have.

use std::fs;

use testkit::circuits::snarkjs;
use zk_attest::error::Code;
use zk_embed::Language;
use zk_embed::deployed::{DeployedKey, Judged, judge, read};
use zk_embed::export::Format;

use super::world::World;

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
        let [verifier] = &read(&source).unwrap()[..] else { panic!("one contract") };
        assert_eq!(verifier.key, DeployedKey::Whole(world.key.clone()), "{name}");
        assert_eq!(judge(verifier, Some(&of)).unwrap(), whole(Some("attestation")), "{name}");
        assert_eq!(judge(verifier, None).unwrap(), whole(None));

        let ran = world.evm(name, &[]);
        let contract = ran.contracts.keys().next().unwrap();
        for code in [ran.code(contract).to_owned(), format!("0x{}\n", ran.code(contract))] {
            let [verifier] = &read(code.as_bytes()).unwrap()[..] else { panic!("one contract") };
            assert_eq!(verifier.key.public_inputs(), 2, "{name}");
            let judged = judge(verifier, Some(&of)).unwrap();
            assert_eq!(judged.circuit.unwrap().as_str(), "attestation", "{name}");
            assert!(!judged.parts_known);
        }
    }
    let document =
        ceremony_core::format::verification_key::write_verification_key(&world.key).unwrap();
    let [verifier] = &read(document.as_bytes()).unwrap()[..] else { panic!("one key") };
    assert_eq!(judge(verifier, Some(&of)).unwrap(), whole(Some("attestation")));
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
        (code.as_bytes(), "two of beta, gamma and delta are the same point"),
    ] {
        let [verifier] = &read(bytes).unwrap()[..] else { panic!("one contract") };
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
        let [verifier] = &read(bytes).unwrap()[..] else { panic!("one contract") };
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
    let g1 = |p: ark_bn254::G1Affine| format!("G1Point(uint256({:x}), uint256({}))", Hex(p.x), p.y);
    let g2 = |p: ark_bn254::G2Affine| {
        format!("G2Point([{}, {}], [{}, {}])", p.x.c1, p.x.c0, p.y.c1, p.y.c0)
    };
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
        let [verifier] = &read(text.as_bytes()).unwrap()[..] else { panic!("one contract") };
        assert_eq!(verifier.name, name);
        assert_eq!(verifier.key, DeployedKey::Whole(key.clone()), "{name}");
    }
    // Each part is asked for, and each number has to be a point's.
    for part in ["ALPHA", "BETA", "GAMMA", "DELTA"] {
        let without = negated.replace(part, "OTHER");
        assert_eq!(read(without.as_bytes()).unwrap_err().code(), Code::KeyLength, "{part}");
    }
    let without = negated.replace("CONSTANT", "OTHER").replace("PUB_", "OTHER_");
    assert_eq!(read(without.as_bytes()).unwrap_err().code(), Code::KeyLength);
    let changed = negated.replace(&key.alpha_g1.y.to_string(), &key.alpha_g1.x.to_string());
    assert_eq!(read(changed.as_bytes()).unwrap_err().code(), Code::KeyPoint);
    let two = format!("{structure}{negated}");
    assert_eq!(read(two.as_bytes()).unwrap().len(), 2);
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
struct Hex(ark_bn254::Fq);

impl std::fmt::LowerHex for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use ark_ff::PrimeField as _;
        f.write_str("0x")?;
        self.0.into_bigint().0.iter().rev().try_for_each(|limb| write!(f, "{limb:016x}"))
    }
}
