//! Phase 2 from the command line: a chain with both tools, the keys it ends in, and what a
//! participant reads when something is wrong.

use testkit::circuits::compile;

use crate::kit::ceremony::circuit;
use crate::kit::{Folder, hashes_after, refused};

const COMMANDS: [&str; 7] =
    ["new", "contribute", "beacon", "verify", "info", "export-verification-key", "export-ark"];
const BEACON: &str =
    "--value 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 --exponent 10";

/// A folder with a circuit (`circuit.r1cs`, `circuit.wtns`) and powers of tau (`prepared.ptau`).
fn setup() -> Folder {
    let folder = Folder::new();
    compile("one_constraint", &[], &folder.path(""));
    std::fs::rename(folder.path("one_constraint.r1cs"), folder.path("circuit.r1cs")).unwrap();
    folder.ours("ptau new --power 4 0.ptau");
    folder.ours("ptau contribute 0.ptau 1.ptau --name alice");
    folder.ours("ptau prepare 1.ptau prepared.ptau");
    folder.write("input.json", br#"{"a": "3", "b": "11"}"#);
    folder.snarkjs("wtns calculate one_constraint_js/one_constraint.wasm input.json circuit.wtns");
    folder
}

#[test]
fn every_command_has_help_with_an_example() {
    let folder = Folder::new();
    for command in COMMANDS {
        let help = folder.ours(&format!("zkey {command} --help"));
        assert!(
            help.contains("Example") && help.contains(&format!("zk-ceremony zkey {command}")),
            "{command}"
        );
    }
}

#[test]
fn a_mixed_chain_ends_in_the_same_keys_for_both_tools() {
    let folder = setup();
    folder.ours("zkey new circuit.r1cs prepared.ptau 0.zkey");
    folder.snarkjs("groth16 setup circuit.r1cs prepared.ptau theirs.zkey");
    assert!(
        folder.read("0.zkey") == folder.read("theirs.zkey"),
        "the initial keys are equal byte for byte"
    );
    let printed = folder.snarkjs("zkey contribute 0.zkey 1.zkey -n=carol -e=some-text -v");
    folder.ours("zkey contribute 1.zkey 2.zkey --name alice");
    folder.ours(&format!("zkey beacon 2.zkey final.zkey {BEACON} --name beacon"));
    assert!(
        folder.snarkjs("zkey verify circuit.r1cs prepared.ptau final.zkey -v").contains("ZKey Ok!")
    );

    let verified = folder.ours(
        "zkey verify circuit.r1cs prepared.ptau final.zkey --min-contributions 2 --from 1.zkey \
         --json",
    );
    let verified: serde_json::Value = serde_json::from_str(&verified).unwrap();
    assert_eq!(verified["result"], "good");
    assert_eq!(
        hashes_after(&printed, "Contribution Hash"),
        [verified["contributions"][0]["contribution_hash"].as_str().unwrap()]
    );
    assert_eq!(verified["contributions"][0]["name"], "carol");
    assert_eq!(verified["contributions"][2]["kind"], "beacon");
    folder.ours("zkey verify final.zkey --from 2.zkey");
    let digest = verified["ptau_sha256"].as_str().unwrap();
    let again = folder.ours(&format!(
        "zkey verify circuit.r1cs prepared.ptau final.zkey --ptau-verified {digest} --json"
    ));
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(
        (&again["result"], &again["ptau_sha256"]),
        (&"good".into(), &verified["ptau_sha256"])
    );

    folder.ours("zkey export-verification-key final.zkey ours.json");
    folder.snarkjs("zkey export verificationkey final.zkey theirs.json");
    let json =
        |name: &str| -> serde_json::Value { serde_json::from_slice(&folder.read(name)).unwrap() };
    assert_eq!(json("ours.json"), json("theirs.json"));

    let exported = folder.ours(
        "zkey export-ark final.zkey --proving-key pk.bin --verifying-key vk.bin \
         --verifying-key-uncompressed vku.bin --r1cs circuit.r1cs --witness circuit.wtns",
    );
    assert!(exported.contains("a proof was made and verified"));
    // alpha, beta, gamma, delta, a count, and three points of IC.
    assert_eq!(folder.read("vk.bin").len(), 32 + 3 * 64 + 8 + 3 * 32);
    assert_eq!(folder.read("vku.bin").len(), 64 + 3 * 128 + 8 + 3 * 64);
}

#[test]
fn what_a_participant_can_meet_names_cause_and_cure() {
    let folder = setup();
    folder.ours("zkey new circuit.r1cs prepared.ptau 0.zkey");
    folder.ours("zkey contribute 0.zkey 1.zkey --name alice");
    folder.ours("zkey contribute 0.zkey fork.zkey --name mallory");
    folder.ours(&format!("zkey beacon 1.zkey final.zkey {BEACON}"));
    compile("no_public", &[], &folder.path(""));
    compile("squares", &[], &folder.path(""));
    let key = folder.read("1.zkey");
    folder.write("cut.zkey", &key[..key.len() - 10]);
    refused(&folder, "zkey_ptau_too_small", "zkey new squares.r1cs prepared.ptau out.zkey");
    refused(&folder, "zkey_not_a_circuit", "zkey new prepared.ptau prepared.ptau out.zkey");
    refused(&folder, "zkey_output_is_input", "zkey contribute 1.zkey 1.zkey --name bob --force");
    refused(&folder, "zkey_truncated", "zkey contribute cut.zkey out.zkey --name bob");
    refused(&folder, "zkey_closed", "zkey contribute final.zkey out.zkey --name bob");
    refused(&folder, "zkey_beacon_first", &format!("zkey beacon 0.zkey out.zkey {BEACON}"));
    refused(&folder, "zkey_phase_2_skipped", "zkey verify circuit.r1cs prepared.ptau 0.zkey");
    refused(
        &folder,
        "zkey_too_few",
        "zkey verify circuit.r1cs prepared.ptau final.zkey --min-contributions 2",
    );
    refused(&folder, "zkey_another_circuit", "zkey verify no_public.r1cs prepared.ptau 1.zkey");
    refused(&folder, "zkey_fork", "zkey verify fork.zkey --from 1.zkey");
    refused(
        &folder,
        "zkey_fork_of_the_known_chain",
        "zkey verify circuit.r1cs prepared.ptau fork.zkey --from 1.zkey",
    );
    let unverified = format!(
        "zkey verify circuit.r1cs prepared.ptau final.zkey --ptau-verified {}",
        "00".repeat(32)
    );
    refused(&folder, "zkey_another_ptau_than_verified", &unverified);
    let digest: serde_json::Value =
        serde_json::from_str(&folder.ours("ptau info prepared.ptau --json")).unwrap();
    let digest = digest["sha256"].as_str().unwrap().to_owned();
    folder.ours("ptau contribute 0.ptau other.ptau --name bob");
    folder.ours("ptau prepare other.ptau other_prepared.ptau");
    let swapped =
        format!("zkey verify circuit.r1cs other_prepared.ptau final.zkey --ptau-verified {digest}");
    let run = folder.run(&swapped);
    assert!(
        run.code == 1 && run.stderr.contains("not the file that was verified before"),
        "before what it makes of the key\n{}",
        run.stderr
    );
    refused(&folder, "zkey_two_files", "zkey verify prepared.ptau 1.zkey");
    refused(
        &folder,
        "zkey_export_of_a_skipped_phase_2",
        "zkey export-verification-key 0.zkey out.json",
    );
    refused(
        &folder,
        "zkey_ark_export_of_a_skipped_phase_2",
        "zkey export-ark 0.zkey --proving-key pk --verifying-key vk",
    );
    folder.write("vk", b"precious");
    refused(
        &folder,
        "zkey_ark_export_exists",
        "zkey export-ark 1.zkey --proving-key pk --verifying-key vk",
    );
    folder.write("bad.wtns", &[&folder.read("circuit.wtns")[..], b"x"].concat());
    let line = "zkey export-ark 1.zkey --proving-key pk --verifying-key vk2 --r1cs circuit.r1cs \
                --witness bad.wtns";
    refused(&folder, "zkey_bad_witness", line);
}

#[test]
fn what_headers_tell_is_refused_before_phase_1_is_verified() {
    let folder = setup();
    folder.ours("zkey new circuit.r1cs prepared.ptau 0.zkey");
    folder.ours("zkey contribute 0.zkey 1.zkey --name alice");
    // Powers that do not hold: who verifies them says so.
    let mut damaged = folder.read("prepared.ptau");
    let last = damaged.len() - 40;
    damaged[last] ^= 1;
    folder.write("damaged.ptau", &damaged);
    folder.write("other.r1cs", &circuit(3));
    folder.write("large.r1cs", &circuit(40));
    for (r1cs, file, what) in [
        ("circuit.r1cs", "damaged.ptau", "Lagrange"),
        ("other.r1cs", "1.zkey", "is not the circuit's"),
        ("large.r1cs", "damaged.ptau", "the .ptau is too small for the circuit"),
    ] {
        let run = folder.run(&format!("zkey verify {r1cs} damaged.ptau 1.zkey"));
        assert_eq!(run.code, 1, "{r1cs}: {}", run.stderr);
        assert!(run.stderr.contains(what) && run.stderr.contains(file), "{r1cs}: {}", run.stderr);
    }
}
