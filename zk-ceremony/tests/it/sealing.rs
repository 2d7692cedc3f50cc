//! Proving keys at rest: sealed to identities and tokens, opened by each of them and by no other,
//! and good for proofs then.
#![cfg(unix)]

use std::io::Cursor;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use ark_bn254::{Bn254, Fr};
use ark_ff::Field as _;
use ark_groth16::Groth16;
use ark_serialize::{CanonicalDeserialize as _, CanonicalSerialize as _};
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::keygen::ProvingKey;
use ceremony_core::phase2::arkworks::AssignedCircuit;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;

use crate::kit::people::{keeps_secret, secret_file};
use crate::kit::{Folder, Run};

const PIN: &str = "271828-pin";
const MODULE: &str = "ZK_CEREMONY_TEST_SEAL_MODULE";
/// Private halves, in hex, one for each token: keys that are put into them, and that the test
/// knows.
const KNOWN: &str = "ZK_CEREMONY_TEST_SEAL_KNOWN";
const TOKENS: [&str; 3] = ["one", "two", "three"];

/// An identity of age's own test vectors' kind, and its recipient.
fn identity() -> (String, String) {
    use age::secrecy::ExposeSecret as _;
    let identity = age::x25519::Identity::generate();
    (identity.to_string().expose_secret().to_owned(), identity.to_public().to_string())
}

/// What stands for a proving key: parts of age's stream are of 64 KiB.
fn key() -> Vec<u8> {
    (0..200_000u32).map(|i| (i.wrapping_mul(i) >> 3) as u8).collect()
}

struct Safe {
    folder: Folder,
    recipients: [String; 2],
}

impl Safe {
    /// A key sealed to two of three identities.
    fn new() -> Self {
        let folder = Folder::new();
        let [a, b, c] = [(); 3].map(|()| identity());
        for (name, (secret, _)) in [("a", &a), ("b", &b), ("c", &c)] {
            secret_file(&folder, name, &format!("{secret}\n"));
        }
        folder.write("key.bin", &key());
        let recipients = [a.1, b.1];
        let [one, two] = &recipients;
        folder.ours(&format!("key seal key.bin --to {one} --to {two} --out key.age"));
        Self { folder, recipients }
    }

    fn open(&self, file: &str, who: &str) -> Run {
        self.folder.run(&format!("key open {file} --identity {who} --out opened.bin"))
    }

    /// Opening must fail, and leave nothing.
    #[track_caller]
    fn fails(&self, bytes: &[u8], words: &str) {
        self.folder.write("bad.age", bytes);
        let run = self.open("bad.age", "a");
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains(words), "{}", run.stderr);
        assert!(!self.folder.path("opened.bin").exists());
    }
}

#[test]
fn each_recipient_opens_and_nobody_else() {
    let safe = Safe::new();
    let sealed = safe.folder.read("key.age");
    assert!(sealed.starts_with(b"age-encryption.org/v1\n"));
    let begin = &key()[..32];
    assert!(!sealed.windows(32).any(|part| part == begin));
    for who in ["a", "b"] {
        let run = safe.open("key.age", who);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(safe.folder.read("opened.bin"), key());
        let mode = safe.folder.path("opened.bin").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_file(safe.folder.path("opened.bin")).unwrap();
    }
    let run = safe.open("key.age", "c");
    assert!(run.code == 2 && run.stderr.contains("not sealed to this key"), "{}", run.stderr);
    assert!(!safe.folder.path("opened.bin").exists());
}

#[test]
fn a_sealed_key_goes_into_a_pipe() {
    let safe = Safe::new();
    let output = Command::new(env!("CARGO_BIN_EXE_zk-ceremony"))
        .args(["key", "open", "key.age", "--identity", "a"])
        .current_dir(safe.folder.path(""))
        .output()
        .unwrap();
    assert!(output.status.success() && output.stdout == key());
}

#[test]
fn a_sealed_key_that_is_cut_or_reordered_or_altered_is_opened_by_nobody() {
    let safe = Safe::new();
    let sealed = safe.folder.read("key.age");
    let header = sealed.windows(5).position(|part| part == b"\n--- ").unwrap();
    let payload = header + sealed[header + 1..].iter().position(|byte| *byte == b'\n').unwrap() + 2;
    // After a nonce of 16 bytes, parts of 64 KiB and a tag of 16 bytes each.
    let part = 64 * 1024 + 16;
    let at = |i: usize| payload + 16 + i * part;
    assert!(sealed.len() > at(3));
    for cut in [at(3), at(2), at(1), at(0), at(3) + 5, sealed.len() - 1] {
        safe.fails(&sealed[..cut], "not as it was made");
    }
    for cut in [0, 10, header, payload, payload + 8] {
        safe.folder.write("bad.age", &sealed[..cut]);
        let run = safe.open("bad.age", "a");
        assert_eq!(run.code, 1, "{cut}: {}", run.stderr);
    }
    let mut swapped = sealed.clone();
    swapped[at(0)..at(1)].copy_from_slice(&sealed[at(1)..at(2)]);
    swapped[at(1)..at(2)].copy_from_slice(&sealed[at(0)..at(1)]);
    safe.fails(&swapped, "not as it was made");
    let mut dropped = sealed.clone();
    dropped.drain(at(1)..at(2));
    safe.fails(&dropped, "not as it was made");
    for place in [at(0), at(1) + 7, sealed.len() - 1] {
        let mut altered = sealed.clone();
        altered[place] ^= 1;
        safe.fails(&altered, "not as it was made");
    }
    let longer = [&sealed[..], b"x"].concat();
    safe.fails(&longer, "not as it was made");
    // Another recipient's line in the header: its MAC does not fit.
    let mut altered = sealed.clone();
    altered[header + 8] = if altered[header + 8] == b'A' { b'B' } else { b'A' };
    safe.fails(&altered, "damaged");
    safe.fails(b"not age", "damaged");
}

#[test]
fn what_is_no_recipient_is_refused_and_a_secret_is_not_quoted() {
    let safe = Safe::new();
    let (secret, _) = identity();
    for bad in [
        secret.as_str(),
        "age1",
        "alice",
        "ssh-ed25519 AAAA",
        &safe.recipients[0][..40],
        "age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4f",
    ] {
        let run = safe
            .folder
            .run_with("key seal key.bin --out x.age", |command| command.args(["--to", bad]));
        assert!(run.code == 2 && run.stderr.contains("not a recipient"), "{bad}\n{}", run.stderr);
        assert!(!safe.folder.path("x.age").exists());
        keeps_secret(&run, secret.as_bytes());
    }
    // More recipients than a header is read with.
    let run = safe.folder.run_with("key seal key.bin --out x.age", |command| {
        for _ in 0..33 {
            command.args(["--to", safe.recipients[0].as_str()]);
        }
        command
    });
    assert!(run.code == 2 && run.stderr.contains("too many to seal to"), "{}", run.stderr);
    assert!(!safe.folder.path("x.age").exists());
    secret_file(&safe.folder, "none", "not an identity\n");
    let run = safe.open("key.age", "none");
    assert!(run.code == 2 && run.stderr.contains("not a file of age identities"), "{}", run.stderr);
}

/// Three tokens, each with a key of P-256 that was made in it.
struct Hsm {
    folder: Folder,
    module: String,
}

impl Hsm {
    fn new() -> Self {
        Self::knowing(&[])
    }

    /// The same, with a key `known` in each token, whose private half is one of these.
    fn knowing(scalars: &[[u8; 32]]) -> Self {
        let modules = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"];
        let module = modules.iter().find(|path| Path::new(path).exists());
        let module = module.expect("SoftHSM2 is not installed: ./ci/test.sh installs it");
        let folder = Folder::new();
        std::fs::create_dir(folder.path("tokens")).unwrap();
        let conf = format!("directories.tokendir = {}\n", folder.path("tokens").display());
        folder.write("softhsm2.conf", conf.as_bytes());
        secret_file(&folder, "pin", &format!("{PIN}\n"));
        secret_file(&folder, "wrong", "314159\n");
        let hsm = Self { folder, module: (*module).to_owned() };
        for label in TOKENS {
            let mut command = Command::new("softhsm2-util");
            command.args(["--init-token", "--free", "--label", label, "--pin", PIN]);
            let made = hsm.configure(command.args(["--so-pin", "a-so-pin"])).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "sealing::makes_keys_in_the_tokens"]);
        let known: Vec<String> = scalars.iter().map(hex::encode).collect();
        command.env(MODULE, &hsm.module).env(KNOWN, known.join(","));
        let made = hsm.configure(&mut command).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        hsm.folder.write("key.bin", &key());
        hsm
    }

    fn configure<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("SOFTHSM2_CONF", self.folder.path("softhsm2.conf"))
    }

    fn run(&self, line: &str) -> Run {
        let line = line.replace("MODULE", &self.module);
        let run = self.folder.run_with(&line, |command| self.configure(command));
        keeps_secret(&run, PIN.as_bytes());
        run
    }

    fn recipient(&self, token: &str) -> String {
        self.recipient_of(token, "prover")
    }

    fn recipient_of(&self, token: &str, key: &str) -> String {
        let line = format!(
            "key recipient --pkcs11-module MODULE --token-label {token} --key-label {key} \
             --pin-file pin"
        );
        let run = self.run(&line);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout.trim().to_owned()
    }

    fn open(&self, token: &str, more: &str) -> Run {
        self.run(&format!(
            "key open key.age --pkcs11-module MODULE --token-label {token} --key-label prover {more}"
        ))
    }
}

#[test]
#[ignore = "part of another test, in a process of its own for the environment of the token"]
fn makes_keys_in_the_tokens() {
    let Ok(module) = std::env::var(MODULE) else { return };
    let library = Pkcs11::new(module).unwrap();
    library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let known = std::env::var(KNOWN).unwrap_or_default();
    let mut known = known.split(',').filter(|hex| !hex.is_empty());
    for slot in library.get_slots_with_initialized_token().unwrap() {
        let session = library.open_rw_session(slot).unwrap();
        session.login(UserType::User, Some(&AuthPin::new(Box::from(PIN)))).unwrap();
        // prime256v1, as an OBJECT IDENTIFIER.
        let curve = vec![0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        for (label, id) in [("prover", 1), ("other", 2)] {
            let both = [
                Attribute::Token(true),
                Attribute::Label(label.as_bytes().to_vec()),
                Attribute::Id(vec![id]),
            ];
            let public = [&both[..], &[Attribute::EcParams(curve.clone())]].concat();
            let private = [
                &both[..],
                &[
                    Attribute::Private(true),
                    Attribute::Sensitive(true),
                    Attribute::Extractable(false),
                    Attribute::Derive(id == 1),
                ],
            ]
            .concat();
            session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap();
        }
        let Some(scalar) = known.next().map(|hex| hex::decode(hex).unwrap()) else { continue };
        let point =
            p256::SecretKey::from_slice(&scalar).unwrap().public_key().to_encoded_point(false);
        let both = [
            Attribute::Token(true),
            Attribute::Label(b"known".to_vec()),
            Attribute::Id(vec![3]),
            Attribute::KeyType(KeyType::EC),
            Attribute::EcParams(curve.clone()),
        ];
        // As an OCTET STRING.
        let octets = [&[0x04, 0x41], point.as_bytes()].concat();
        for of_one in [
            vec![Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::EcPoint(octets)],
            vec![
                Attribute::Class(ObjectClass::PRIVATE_KEY),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Derive(true),
                Attribute::Value(scalar),
            ],
        ] {
            session.create_object(&[&both[..], &of_one].concat()).unwrap();
        }
    }
}

#[test]
fn a_key_sealed_to_three_tokens_is_opened_by_each_and_by_no_other() {
    let hsm = Hsm::new();
    let to: String = TOKENS.iter().map(|token| format!(" --to {}", hsm.recipient(token))).collect();
    assert!(to.contains("age1tag1"));
    hsm.folder.ours(&format!("key seal key.bin{to} --out key.age"));
    for token in TOKENS {
        let run = hsm.open(token, "--pin-file pin --out opened.bin --force");
        assert_eq!(run.code, 0, "{token}: {}", run.stderr);
        assert_eq!(hsm.folder.read("opened.bin"), key());
        std::fs::remove_file(hsm.folder.path("opened.bin")).unwrap();
    }
    // Sealed to two of them: the third has no part in it.
    let two = to.rsplit_once(" --to").unwrap().0;
    hsm.folder.ours(&format!("key seal key.bin{two} --out key.age --force"));
    let run = hsm.open("three", "--pin-file pin --out opened.bin");
    assert!(run.code == 2 && run.stderr.contains("not sealed to this key"), "{}", run.stderr);
    for (token, more, words) in [
        ("one", "--pin-file wrong --out opened.bin", "wrong PIN"),
        ("gone", "--pin-file pin --out opened.bin", "no PKCS#11 token matches"),
    ] {
        let run = hsm.open(token, more);
        assert!(run.code == 2 && run.stderr.contains(words), "{}", run.stderr);
    }
    assert!(!hsm.folder.path("opened.bin").exists());
    // What a token answers wrong opens nothing: a stanza that was altered.
    let mut sealed = hsm.folder.read("key.age");
    let body = sealed.windows(9).position(|part| part == b"-> p256ta").unwrap();
    let line = body + sealed[body..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    sealed[line] = if sealed[line] == b'A' { b'B' } else { b'A' };
    hsm.folder.write("key.age", &sealed);
    let run = hsm.open("one", "--pin-file pin --out opened.bin");
    assert!(run.code != 0 && run.stderr.contains("damaged"), "{}", run.stderr);
}

#[test]
fn a_key_that_may_not_derive_opens_nothing_and_says_so() {
    let hsm = Hsm::new();
    let of =
        "key recipient --pkcs11-module MODULE --token-label one --key-label other --pin-file pin";
    let recipient = hsm.run(of).stdout.trim().to_owned();
    hsm.folder.ours(&format!("key seal key.bin --to {recipient} --out key.age"));
    let run = hsm.run(
        "key open key.age --pkcs11-module MODULE --token-label one --key-label other --pin-file pin \
         --out opened.bin",
    );
    assert!(run.code == 2 && run.stderr.contains("CKM_ECDH1_DERIVE"), "{}", run.stderr);
}

#[test]
fn keygen_writes_only_sealed_proving_keys_where_it_is_asked_to() {
    use crate::kit::ceremony::World;
    let world = World::finished();
    let (secret, recipient) = identity();
    world
        .ok("coordinator", &format!("ceremony keygen shared --seal-to {recipient} --private safe"));
    let names: Vec<String> = std::fs::read_dir(world.path("coordinator", "safe"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(names, ["main.proving_key.bin.age"]);
    world.write("coordinator", "me", secret.as_bytes());
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(world.path("coordinator", "me"), mode).unwrap();
    world
        .ok("coordinator", "key open safe/main.proving_key.bin.age --identity me --out opened.bin");
    world.ok("coordinator", "ceremony keygen shared --private plain");
    assert!(
        world.read("coordinator", "opened.bin")
            == world.read("coordinator", "plain/main.proving_key.bin")
    );
}

/// A rehearsal's proving key, sealed to three tokens: each of them opens the key that makes proofs,
/// and these hold under the key of the bundle that the policy's authority approved.
#[test]
fn a_proving_key_that_a_token_opened_makes_proofs_that_hold_under_the_bundle() {
    use crate::kit::ceremony::{World, circuit};
    let world = World::finished();
    let ok = |line: &str| world.ok("coordinator", line);
    let hsm = Hsm::new();
    let to: String =
        TOKENS.iter().map(|token| format!(" --seal-to {}", hsm.recipient(token))).collect();
    ok(&format!("ceremony keygen shared --private safe{to}"));
    ok("ceremony verify shared");
    let release = ok("key new release.pem").trim().to_owned();
    ok("bundle create shared --serial 1 --not-after 2099-12-31T23:59:59Z");
    ok(&format!(
        "policy new policy.json --kind rehearsal --release rel={release} --release-threshold 1 \
         --phase1-contributions 2 --phase2-contributions 2 --circuit main=circuit.r1cs"
    ));
    ok("bundle sign shared/bundle.json --yes --key release.pem");
    hsm.folder.write("key.age", &world.read("coordinator", "safe/main.proving_key.bin.age"));
    // x, x^2, x^4, x^8.
    let x = Fr::from(7u64);
    let values = vec![Fr::ONE, x, x.pow([2]), x.pow([4]), x.pow([8])];
    let mut r1cs = R1cs::open(Cursor::new(circuit(3))).unwrap();
    let circuit = AssignedCircuit::new(&mut r1cs, values).unwrap();
    for token in TOKENS {
        let run = hsm.open(token, "--pin-file pin --out opened.bin --force");
        assert_eq!(run.code, 0, "{token}: {}", run.stderr);
        let opened = hsm.folder.read("opened.bin");
        let key = ProvingKey::deserialize_uncompressed(&opened[..]).unwrap();
        let (r, s) = (Fr::from(11u64), Fr::from(13u64));
        let proof = Groth16::<Bn254>::create_proof_with_reduction(&circuit, &key, r, s).unwrap();
        let mut bytes = Vec::new();
        proof.serialize_compressed(&mut bytes).unwrap();
        world.write("coordinator", "proof.bin", &bytes);
        let line =
            "proof verify proof.bin public.bin --bundle shared/bundle.json --policy policy.json";
        for (inputs, holds) in [(vec![x], true), (vec![x + Fr::ONE], false)] {
            let mut bytes = Vec::new();
            inputs.serialize_compressed(&mut bytes).unwrap();
            world.write("coordinator", "public.bin", &bytes);
            let run = world.run("coordinator", line);
            assert_eq!(run.code == 0, holds, "{token}: {}{}", run.stdout, run.stderr);
        }
    }
}

/// What seals knows the recipients' public halves, and nothing that opens.
#[cfg(target_os = "linux")]
#[test]
fn the_process_that_seals_has_no_private_half_of_a_token_in_its_memory() {
    use std::io::{Seek as _, SeekFrom, Write as _};

    const PLAIN: [u8; 32] = *b"plaintext that is being sealed :";
    let scalars =
        [1u8, 2, 3].map(|i| zk_attest::digest::sha256(&[b"private half ", &[i][..]].concat()));
    let hsm = Hsm::knowing(&scalars);
    let to: Vec<String> = TOKENS.iter().map(|token| hsm.recipient_of(token, "known")).collect();
    // Long enough to be caught at work, and mostly a hole.
    let mut file = std::fs::File::create(hsm.folder.path("long.bin")).unwrap();
    for part in 0..16_384u64 {
        file.seek(SeekFrom::Start(part * 65_536)).unwrap();
        file.write_all(&PLAIN).unwrap();
    }
    drop(file);
    // In a namespace of users, this process may look into one that lets nobody look into it.
    let mut command = Command::new("unshare");
    command.args(["-Ur", env!("CARGO_BIN_EXE_zk-ceremony"), "key", "seal", "long.bin"]);
    command.args(to.iter().flat_map(|recipient| ["--to", recipient.as_str()]));
    command.args(["--out", "long.age"]).current_dir(hsm.folder.path(""));
    let mut child = hsm.configure(&mut command).spawn().unwrap();
    let at_work = || {
        let mut entries = std::fs::read_dir(hsm.folder.path("")).unwrap().map(Result::unwrap);
        entries.any(|entry| {
            let sealed = entry.metadata().is_ok_and(|metadata| metadata.len() > 1 << 20);
            sealed && entry.file_name() != "long.bin"
        })
    };
    while !at_work() {
        assert!(child.try_wait().unwrap().is_none(), "nobody is at work");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let stopped = Command::new("kill").args(["-STOP", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success() && child.try_wait().unwrap().is_none());
    let mut needles = testkit::memory::Needles::default();
    for scalar in scalars {
        let reversed: Vec<u8> = scalar.iter().rev().copied().collect();
        needles.add("private half", &scalar);
        needles.add("private half", &reversed);
    }
    needles.add("PIN", PIN.as_bytes());
    needles.add("plaintext", &PLAIN);
    let found = needles.found_in(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(found, ["plaintext"], "the search finds what is there, and nothing else is");
    // The known keys do open what is sealed to them.
    hsm.folder.ours(&format!("key seal key.bin --to {} --out key.age", to[2]));
    let run = hsm.run(
        "key open key.age --pkcs11-module MODULE --token-label three --key-label known --pin-file pin \
         --out opened.bin",
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(hsm.folder.read("opened.bin"), key());
}

/// A library that stands between the program and SoftHSM, and has one fault.
fn faulty(hsm: &Hsm) -> String {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/sealing/token.c");
    let library = hsm.folder.path("token.so");
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-Wall", "-Werror", "-o"]).arg(&library).arg(source);
    let made = command.arg("-ldl").output().expect("no C compiler");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    library.display().to_string()
}

#[test]
fn a_token_that_is_locked_or_gone_or_answers_wrong_opens_nothing() {
    let hsm = Hsm::new();
    let library = faulty(&hsm);
    let recipient = hsm.recipient("one");
    hsm.folder.ours(&format!("key seal key.bin --to {recipient} --out key.age"));
    let open = |fault: &str| {
        let line = format!(
            "key open key.age --pkcs11-module {library} --token-label one --key-label prover \
             --pin-file pin --out opened.bin"
        );
        let run = hsm.folder.run_with(&line, |command| {
            command.env("TOKEN_FAULT", fault).env("TOKEN_MODULE", &hsm.module);
            hsm.configure(command)
        });
        keeps_secret(&run, PIN.as_bytes());
        run
    };
    for (fault, code, words) in [
        ("locked", 2, "locked"),
        ("removed", 2, "removed"),
        ("short", 2, "no value of 32 bytes"),
        ("wrong", 1, "the token's answer does not open it"),
    ] {
        let run = open(fault);
        assert_eq!(run.code, code, "{fault}: {}", run.stderr);
        assert!(run.stderr.to_lowercase().contains(words), "{fault}: {}", run.stderr);
        assert!(!hsm.folder.path("opened.bin").exists(), "{fault}");
    }
    // Through the same library, without a fault.
    let run = open("none");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(hsm.folder.read("opened.bin") == key());
}

#[test]
fn a_key_sealed_to_a_plugin_is_opened_by_its_identity_and_by_no_other() {
    use bech32::{Bech32, Hrp};
    let folder = Folder::new();
    folder.write("key.bin", &key());
    let plugin = folder.path("age-plugin-zktest");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/sealing/plugin.py"), &plugin)
        .unwrap();
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).unwrap();
    let encode =
        |hrp: &str, data: &[u8]| bech32::encode::<Bech32>(Hrp::parse(hrp).unwrap(), data).unwrap();
    let recipient = encode("age1zktest", &[7; 32]);
    for (name, data) in [("mine", [7; 32]), ("other", [8; 32])] {
        let identity = encode("age-plugin-zktest-", &data).to_uppercase();
        secret_file(&folder, name, &format!("{identity}\n"));
    }
    let path = format!("{}:{}", folder.path("").display(), std::env::var("PATH").unwrap());
    let run = |line: &str, path: &str| folder.run_with(line, |command| command.env("PATH", path));
    let seal = format!("key seal key.bin --to {recipient} --out key.age");
    // Without the program of the plugin, nothing is sealed.
    let without = run(&seal, "/nowhere");
    assert!(
        without.code == 2 && without.stderr.contains("age-plugin-zktest"),
        "{}",
        without.stderr
    );
    assert!(!folder.path("key.age").exists());
    let sealed = run(&seal, &path);
    assert_eq!(sealed.code, 0, "{}", sealed.stderr);
    let header = String::from_utf8_lossy(&folder.read("key.age")[..60]).into_owned();
    assert!(header.contains("-> zktest "), "{header}");
    let open =
        |who: &str| run(&format!("key open key.age --identity {who} --out opened.bin"), &path);
    let other = open("other");
    assert_eq!(other.code, 2, "{}", other.stderr);
    assert!(other.stderr.contains("not sealed to this key"), "{}", other.stderr);
    assert!(!folder.path("opened.bin").exists());
    let mine = open("mine");
    assert_eq!(mine.code, 0, "{}", mine.stderr);
    assert!(folder.read("opened.bin") == key());
}
