//! Keys in other languages, with the verifiers of these: a contract in an Ethereum virtual machine,
//! snarkjs, groth16-solana, and the compilers of TypeScript and Go.

mod audit;
mod world;

use std::fs;
use std::process::Command;

use ark_bn254::{Fq, Fr};
use ark_ff::{AdditiveGroup as _, BigInteger as _, Field as _, PrimeField as _};
use serde_json::{Value, json};
use testkit::circuits::snarkjs;
use testkit::paper::Vk;
use testkit::simulated::Trapdoor;
use world::{Call, World, imported, node, words};
use zk_embed::Language;
use zk_embed::export::{Format, MAX_SOLIDITY_INPUTS};

const VERIFY: &str = "verifyProof(uint256[2],uint256[2][2],uint256[2],uint256[2])";
const YES: &str = "0000000000000000000000000000000000000000000000000000000000000001";
const NO: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn word(number: impl AsRef<[u64]>) -> String {
    number.as_ref().iter().rev().map(|limb| format!("{limb:016x}")).collect()
}

/// A call of a contract of two inputs.
fn call(contract: &'static str, proof: &[Fq; 8], inputs: &[Fr]) -> Call {
    let proof = proof.iter().map(|number| word(number.into_bigint()));
    let inputs = inputs.iter().map(|number| word(number.into_bigint()));
    Call { contract, method: VERIFY.into(), data: proof.chain(inputs).collect() }
}

#[test]
fn a_contract_takes_proofs_of_both_provers_and_nothing_else() {
    const CONTRACT: &str = "Verifier_attestation";
    let world = World::new();
    world.write(Language::Other(Format::Solidity), "Verifier.sol");
    let of_snarkjs = world.snarkjs_proof();
    let of_arkworks = world.arkworks_proof();
    assert_eq!(of_snarkjs.1, [Fr::from(33_u64), Fr::from(3_u64)]);
    let mut calls = Vec::new();
    let mut expected = Vec::new();
    let mut ask = |call: Call, answer: &'static str, what: &'static str| {
        calls.push(call);
        expected.push((answer, what));
    };
    for (proof, inputs) in [&of_snarkjs, &of_arkworks] {
        let proof = words(proof);
        ask(call(CONTRACT, &proof, inputs), YES, "the proof");
        for i in 0..inputs.len() {
            let mut others = inputs.clone();
            others[i] += Fr::ONE;
            ask(call(CONTRACT, &proof, &others), NO, "another input");
            // The same number, written as number + r.
            let mut aliased = call(CONTRACT, &proof, inputs);
            let mut number = inputs[i].into_bigint();
            number.add_with_carry(&Fr::MODULUS);
            aliased.data.replace_range(64 * (8 + i)..64 * (9 + i), &word(number));
            ask(aliased, NO, "an input of r or more");
        }
        for i in 0..proof.len() {
            let mut others = proof;
            others[i] += Fq::ONE;
            ask(call(CONTRACT, &others, inputs), NO, "a coordinate that is no point's");
            let mut aliased = call(CONTRACT, &proof, inputs);
            let mut number = proof[i].into_bigint();
            number.add_with_carry(&Fq::MODULUS);
            aliased.data.replace_range(64 * i..64 * (i + 1), &word(number));
            ask(aliased, NO, "a coordinate of q or more");
        }
        let [ax, ay, bx1, bx0, by1, by0, cx, cy] = proof;
        // One that a subtraction from q in 256 bits turns into -y: (y + 2^256) mod q, plus q.
        let two_to_the_256 = Fq::from(2_u64).pow([256]);
        let mut number = (ay + two_to_the_256).into_bigint();
        number.add_with_carry(&Fq::MODULUS);
        let mut aliased = call(CONTRACT, &proof, inputs);
        aliased.data.replace_range(64..128, &word(number));
        ask(aliased, NO, "a y of A that wraps around");
        let negated = [ax, -ay, bx1, bx0, by1, by0, cx, cy];
        ask(call(CONTRACT, &negated, inputs), NO, "-A");
        let swapped = [cx, cy, bx1, bx0, by1, by0, ax, ay];
        ask(call(CONTRACT, &swapped, inputs), NO, "A and C in each other's place");
        ask(call(CONTRACT, &[Fq::ZERO; 8], inputs), NO, "infinities");
    }
    let good = call(CONTRACT, &words(&of_snarkjs.0), &of_snarkjs.1);
    ask(Call { data: good.data[..64 * 9].into(), ..good }, "failed", "an input missing");
    let fact = |method: &str| Call { contract: CONTRACT, method: method.into(), data: "".into() };
    ask(fact("SERIAL()"), "0000000000000000000000000000000000000000000000000000000000000007", "");
    let ran = world.evm("Verifier.sol", &calls);
    assert_eq!(ran.complaints, [""; 0]);
    assert_eq!(ran.answers.len(), expected.len());
    for (answer, (expected, what)) in ran.answers.iter().zip(expected) {
        assert_eq!(answer.answer, expected, "{what}");
    }
    // Four pairings cost 181 000 gas (EIP-1108), two multiplications and additions 12 300.
    assert!(ran.answers[0].gas < 205_000, "{} gas", ran.answers[0].gas);
}

#[test]
fn a_contract_has_the_interface_of_snarkjs_own() {
    let world = World::new();
    world.write(Language::Other(Format::Solidity), "Verifier.sol");
    let args = ["zkey", "export", "solidityverifier", "final.zkey", "theirs.sol"];
    snarkjs(world.folder(), &args);
    let ours = world.evm("Verifier.sol", &[]);
    let theirs = world.evm("theirs.sol", &[]);
    let selector = |contract: &Value| contract["methods"][VERIFY].clone();
    let theirs = theirs.contracts.values().next().unwrap();
    assert!(selector(theirs).is_string());
    assert_eq!(selector(&ours.contracts["Verifier_attestation"]), selector(theirs));
}

/// Where an address has no precompile, a call of it succeeds and answers nothing.
#[test]
fn a_chain_without_a_precompile_takes_no_proof() {
    let world = World::new();
    let text = world.write(Language::Other(Format::Solidity), "Verifier.sol").text;
    let (proof, inputs) = world.arkworks_proof();
    let it = [call("Verifier_attestation", &words(&proof), &inputs)];
    assert_eq!(world.evm("Verifier.sol", &it).answers[0].answer, YES);
    for address in [6, 7, 8] {
        let without = text.replace(&format!("gas(), {address},"), "gas(), 0xdead,");
        assert_ne!(without, text);
        fs::write(world.path("without.sol"), without).unwrap();
        assert_eq!(world.evm("without.sol", &it).answers[0].answer, NO, "{address}");
    }
}

#[test]
fn a_contract_without_inputs_takes_the_proof_alone() {
    let mut trapdoor = Trapdoor::new(4, 0);
    let claim = trapdoor.claim();
    let proof = ark_groth16::Proof { a: claim.proof.a, b: claim.proof.b, c: claim.proof.c };
    let world = World::new();
    let text = imported(&trapdoor.key()).embedded(Language::Other(Format::Solidity)).unwrap().text;
    fs::write(world.path("none.sol"), text).unwrap();
    let good = call("Verifier_attestation", &words(&proof), &[]);
    let method = "verifyProof(uint256[2],uint256[2][2],uint256[2])".to_owned();
    let good = Call { method, ..good };
    let mut bad = good.clone();
    bad.data.replace_range(..64, &word(ark_ff::BigInt::<4>::from(1_u64)));
    let ran = world.compiled("none.sol", &[good, bad], "viaIR");
    assert_eq!(ran.complaints, [""; 0]);
    let answers: Vec<&str> = ran.answers.iter().map(|it| it.answer.as_str()).collect();
    assert_eq!(answers, [YES, NO]);
}

#[test]
fn the_largest_contract_can_be_deployed_and_a_larger_one_is_not_written() {
    let key = |inputs: usize| {
        let Vk { alpha, beta, gamma, delta, ic } =
            Vk::new("largest", u32::try_from(inputs).unwrap());
        ceremony_core::keygen::VerifyingKey {
            alpha_g1: alpha,
            beta_g2: beta,
            gamma_g2: gamma,
            delta_g2: delta,
            gamma_abc_g1: ic,
        }
    };
    let world = World::new();
    let solidity = Language::Other(Format::Solidity);
    let text = imported(&key(MAX_SOLIDITY_INPUTS)).embedded(solidity).unwrap().text;
    fs::write(world.path("large.sol"), text).unwrap();
    // It was created, so that its code has at most 24 576 bytes, and it has most of them.
    for settings in ["", "viaIR"] {
        let ran = world.compiled("large.sol", &[], settings);
        assert_eq!(ran.complaints, [""; 0], "{settings}");
        let bytes = ran.code("Verifier_attestation").len() / 2;
        assert!((10_000..24_000).contains(&bytes), "{settings}: {bytes} bytes");
    }
    let refusal = imported(&key(MAX_SOLIDITY_INPUTS + 1)).embedded(solidity).unwrap_err();
    assert_eq!(refusal.code(), zk_attest::error::Code::TooLarge, "{refusal}");
}

#[test]
fn a_key_in_json_and_in_typescript_is_what_snarkjs_verifies_with() {
    let world = World::new();
    world.write(Language::Other(Format::Json), "keys.json");
    world.write(Language::Other(Format::TypeScript), "keys.ts");
    let keys: Value = serde_json::from_slice(&fs::read(world.path("keys.json")).unwrap()).unwrap();
    assert_eq!((&keys["ceremony"], &keys["serial"]), (&json!("boot-2026"), &json!(7)));
    let own = keys["circuits"]["attestation"]["verification_key"].to_string();
    fs::write(world.path("own.json"), own).unwrap();
    world.snarkjs_proof();
    let verified =
        snarkjs(world.folder(), &["groth16", "verify", "own.json", "public.json", "proof.json"]);
    assert!(verified.contains("OK!"), "{verified}");

    let compiler = testkit::circuits::ci().join("node_modules/typescript/bin/tsc");
    let compiler = compiler.to_str().unwrap();
    let strict = ["--strict", "--target", "es2022", "--module", "es2022", "keys.ts"];
    node(world.folder(), &[&[compiler][..], &strict].concat());
    let script = "
        import { createRequire } from 'node:module';
        import { readFileSync } from 'node:fs';
        import * as keys from './keys.js';
        const require = createRequire(`${process.env.PEERS}/package.json`);
        const { groth16 } = require('snarkjs');
        const [proof, inputs] =
          ['proof', 'public'].map((name) => JSON.parse(readFileSync(`${name}.json`, 'utf8')));
        const key = keys.CIRCUITS.attestation.verifyingKey;
        const answers = [];
        for (const first of [inputs[0], '5']) {
          answers.push(await groth16.verify(key, [first, ...inputs.slice(1)], proof));
        }
        console.log(JSON.stringify([answers, keys.SERIAL === 7n, keys.CEREMONY]));
        process.exit(0);";
    fs::write(world.path("package.json"), r#"{"type": "module"}"#).unwrap();
    fs::write(world.path("verify.js"), script).unwrap();
    assert_eq!(node(world.folder(), &["verify.js"]).trim(), r#"[[true,false],true,"boot-2026"]"#);
}

#[test]
fn a_key_in_go_compiles_and_has_the_same_numbers() {
    let world = World::new();
    fs::create_dir(world.path("verifyingkeys")).unwrap();
    world.write(Language::Other(Format::Go), "verifyingkeys/keys.go");
    let program = r#"package main

import (
	"encoding/json"
	"fmt"
	"it/verifyingkeys"
)

func main() {
	text, _ := json.Marshal(verifyingkeys.Circuits)
	fmt.Println(string(text), verifyingkeys.Ceremony, verifyingkeys.Serial)
}
"#;
    fs::write(world.path("main.go"), program).unwrap();
    fs::write(world.path("go.mod"), "module it\n\ngo 1.19\n").unwrap();
    let go = |args: &[&str]| {
        let output = Command::new("go")
            .args(args)
            .current_dir(world.folder())
            .env("GOFLAGS", "-mod=mod")
            .env("GOPROXY", "off")
            .env("GOTOOLCHAIN", "local")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    go(&["vet", "./..."]);
    let formatter = Command::new("gofmt").args(["-d", "."]).current_dir(world.folder()).output();
    assert_eq!(String::from_utf8(formatter.unwrap().stdout).unwrap(), "", "not as gofmt has it");
    let printed = go(&["run", "."]);
    let (keys, rest) = printed.trim().rsplit_once("} ").unwrap();
    assert_eq!(rest, "boot-2026 7");
    let keys: Value = serde_json::from_str(&format!("{keys}}}")).unwrap();
    let key = &keys["attestation"];
    let expected = &world.key;
    assert_eq!(key["Alpha"]["X"], expected.alpha_g1.x.to_string());
    let delta = expected.delta_g2;
    assert_eq!(key["Delta"]["Y"], json!([delta.y.c0.to_string(), delta.y.c1.to_string()]));
    assert_eq!(key["IC"].as_array().unwrap().len(), 3);
    assert_eq!(key["IC"][2]["Y"], expected.gamma_abc_g1[2].y.to_string());
}

/// The exported file, included here as a program on Solana would include it, of the example's
/// bundle; and its proofs.
mod solana {
    use ark_bn254::{Fq, Fr};
    use ark_ff::{BigInteger as _, PrimeField};
    use groth16_solana::groth16::Groth16Verifier;
    use testkit::simulated::Trapdoor;
    use zk_embed::Language;
    use zk_embed::export::Format;

    use super::world::imported;

    #[allow(dead_code, unreachable_pub)]
    #[rustfmt::skip]
    mod exported {
        include!("../golden/solana.rs.txt");
    }

    fn big_endian(number: impl PrimeField) -> [u8; 32] {
        number.into_bigint().to_bytes_be().try_into().unwrap()
    }

    fn bytes<const N: usize>(numbers: &[Fq]) -> [u8; N] {
        numbers.iter().copied().flat_map(big_endian).collect::<Vec<_>>().try_into().unwrap()
    }

    #[test]
    fn a_key_for_solana_verifies_proofs_there() {
        let mut trapdoor = Trapdoor::new(9, 2);
        let text =
            imported(&trapdoor.key()).embedded(Language::Other(Format::Solana)).unwrap().text;
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/solana.rs.txt");
        if std::env::var_os("GOLDEN").is_some_and(|value| value == "write") {
            std::fs::write(golden, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(golden).unwrap(), "GOLDEN=write makes it anew");

        let claim = trapdoor.claim();
        let (a, b, c) = (claim.proof.a, claim.proof.b, claim.proof.c);
        let negated = bytes::<64>(&[a.x, -a.y]);
        let b = bytes::<128>(&[b.x.c1, b.x.c0, b.y.c1, b.y.c0]);
        let c = bytes::<64>(&[c.x, c.y]);
        let inputs: [[u8; 32]; 2] =
            claim.inputs.iter().copied().map(big_endian).collect::<Vec<_>>().try_into().unwrap();
        let holds = |inputs: &[[u8; 32]; 2]| {
            let key = &exported::attestation::VERIFYING_KEY;
            Groth16Verifier::new(&negated, &b, &c, inputs, key).unwrap().verify().is_ok()
        };
        assert!(holds(&inputs));
        for i in 0..2 {
            let mut others = inputs;
            others[i] = big_endian(claim.inputs[i] + Fr::from(1_u64));
            assert!(!holds(&others));
            let mut number = claim.inputs[i].into_bigint();
            number.add_with_carry(&Fr::MODULUS);
            others[i] = number.to_bytes_be().try_into().unwrap();
            assert!(!holds(&others), "an input of r or more");
        }
        assert_eq!(exported::BUNDLE_SERIAL, 7);
    }
}
