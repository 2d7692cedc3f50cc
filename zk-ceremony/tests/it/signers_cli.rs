//! Signing with programs, with a real ssh-agent and with a SoftHSM token, and what a user reads
//! when one of them fails or lies.
#![cfg(unix)]

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::Attribute;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use zk_vk_guard::bundle::Bundle;

use crate::kit::ceremony::{World, files};
use crate::kit::people::paper::{person, public};
use crate::kit::people::{
    keeps_secret, key_file, peer, public_hex, secret_file, set_mode, unsigned_bundle,
};
use crate::kit::{Folder, Run, refused, refused_with};

/// A bundle, and the bytes of it that are signed.
fn setup() -> Folder {
    let folder = Folder::new();
    unsigned_bundle(&folder);
    folder.ours("sign prepare bundle.json bundle.pae");
    folder
}

/// Who has signed the bundle.
fn has_signed(folder: &Folder, who: &str) -> bool {
    let bundle = Bundle::from_json(&folder.read("bundle.json")).unwrap();
    bundle.envelope().signers([&public(who)]).contains(&public(who))
}

/// A program of /bin/sh.
fn script(folder: &Folder, name: &str, body: &str) {
    folder.write(name, format!("#!/bin/sh\n{body}\n").as_bytes());
    set_mode(folder, name, 0o755);
}

fn line_of(program: &str, who: &str) -> String {
    format!("bundle sign bundle.json --signer-cmd ./{program} --public-key {}", public_hex(who))
}

/// The same key and signer, where a refusal is to be seen without the whole bundle above it.
fn raw(line: &str) -> String {
    line.replace("bundle sign bundle.json", "sign raw bundle.pae out.sig")
}

const OPENSSL: &str = r#"dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cat >"$dir/pae" && openssl pkeyutl -sign -rawin -inkey "$1" -in "$dir/pae""#;

#[test]
fn a_program_signs_raw_or_in_base64_and_gets_its_arguments_without_a_shell() {
    let folder = setup();
    script(&folder, "raw", OPENSSL);
    script(&folder, "base64", &format!("( {OPENSSL} ) | openssl base64 -A; echo"));
    script(
        &folder,
        "argument",
        r#"[ "$#" = 2 ] && [ "$2" = '--x; $(touch gone) *' ] || exit 3; exec ./raw "$1""#,
    );
    key_file(&folder, "alice");
    key_file(&folder, "bob");
    key_file(&folder, "carol");
    folder.ours(&format!("{} --signer-arg alice.pem", line_of("raw", "alice")));
    folder.ours(&format!("{} --signer-arg bob.pem", line_of("base64", "bob")));
    folder.ours(&format!(
        "{} --signer-arg carol.pem --signer-arg \"--x; $(touch gone) *\"",
        line_of("argument", "carol")
    ));
    assert!(["alice", "bob", "carol"].iter().all(|who| has_signed(&folder, who)));
    assert!(!folder.path("gone").exists());
}

#[test]
fn the_openssl_program_of_the_help_signs_with_an_encrypted_key() {
    let folder = setup();
    key_file(&folder, "alice");
    let args = [
        "pkcs8",
        "-topk8",
        "-in",
        "alice.pem",
        "-passout",
        "pass:not secret here",
        "-out",
        "encrypted.pem",
    ];
    peer(&folder, "openssl", &args);
    let help = folder.ours("sign --help");
    let start = help
        .find("dir=$(mktemp -d) && trap 'rm -rf \"$dir\"' EXIT && cat >\"$dir/pae\" &&\n  openssl")
        .expect("the help has the program");
    let program: String = help[start..].lines().take(2).collect::<Vec<_>>().join("\n");
    assert!(program.ends_with(r#"-inkey "$1" -in "$dir/pae""#), "{program}");
    script(&folder, "openssl.sh", &format!("{program} -passin 'pass:not secret here'"));
    folder.ours(&format!("{} --signer-arg encrypted.pem", line_of("openssl.sh", "alice")));
    assert!(has_signed(&folder, "alice"));
}

#[test]
fn a_program_that_fails_or_lies_is_refused_in_time() {
    let folder = setup();
    key_file(&folder, "bob");
    script(&folder, "wrong", "head -c 64 /dev/zero");
    script(&folder, "another_key", &OPENSSL.replace("\"$1\"", "bob.pem"));
    script(
        &folder,
        "prehashed",
        "openssl dgst -sha512 -binary >hash && openssl pkeyutl -sign -rawin -inkey alice.pem -in \
         hash",
    );
    script(&folder, "63_bytes", "head -c 63 /dev/zero");
    script(&folder, "nothing", "cat >/dev/null");
    script(&folder, "words", "echo \"InvalidSignature: the service is on fire\"");
    script(&folder, "no_base64", "head -c 88 /dev/zero | tr '\\0' '!'");
    script(&folder, "megabytes", "head -c 50000000 /dev/zero");
    script(&folder, "endless", "cat /dev/zero");
    script(&folder, "exit_1", "echo \"the key service says no\" >&2; exit 1");
    script(&folder, "hangs", "echo $$ >pid; exec sleep 600");
    script(&folder, "hangs_after_its_answer", "exec 1>&-; exec sleep 600");
    script(&folder, "leaves_a_child", "sleep 30 2>&- & head -c 64 /dev/zero");
    script(&folder, "killed", "kill -9 $$");
    folder.write("no_program", b"text");
    key_file(&folder, "alice");
    folder.write("hash", b"");
    folder.write("pid", b"");
    let before = folder.read("bundle.json");
    for name in [
        "wrong",
        "another_key",
        "prehashed",
        "63_bytes",
        "nothing",
        "words",
        "no_base64",
        "megabytes",
        "endless",
        "exit_1",
        "hangs",
        "hangs_after_its_answer",
        "leaves_a_child",
        "killed",
        "no_program",
        "missing",
    ] {
        let began = Instant::now();
        refused(
            &folder,
            &format!("signers_program_{name}"),
            &format!("{} --signer-timeout 2", raw(&line_of(name, "alice"))),
        );
        assert!(began.elapsed() < Duration::from_secs(20), "{name}");
        assert_eq!(folder.read("bundle.json"), before, "{name}");
    }
    let pid = String::from_utf8(folder.read("pid")).unwrap();
    let alive = Command::new("sh")
        .args(["-c", &format!("kill -0 {pid}")])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!alive.success(), "the program that hangs was stopped");
}

#[test]
fn a_bundle_that_somebody_else_signs_meanwhile_is_not_overwritten() {
    let folder = setup();
    key_file(&folder, "alice");
    let bob = key_file(&folder, "bob");
    folder.ours(&format!("bundle sign bundle.json --out other.json --key {bob}"));
    script(&folder, "slow", "cp other.json bundle.json && exec ./raw alice.pem");
    script(&folder, "raw", OPENSSL);
    refused(&folder, "signers_file_changed", &line_of("slow", "alice"));
    assert!(has_signed(&folder, "bob") && !has_signed(&folder, "alice"));
}

#[test]
fn a_program_that_never_reads_its_input_does_not_block() {
    let folder = setup();
    let alice = key_file(&folder, "alice");
    folder.ours(&format!("sign raw bundle.pae alice.sig --key {alice}"));
    script(&folder, "deaf", "exec <&-; exec cat alice.sig");
    folder.ours(&line_of("deaf", "alice"));
    assert!(
        has_signed(&folder, "alice"),
        "what it answers is a valid signature, wherever it has it from"
    );
}

/// A real ssh-agent, gone with the test.
struct SshAgent(Child);

impl SshAgent {
    fn start(folder: &Folder) -> Self {
        let mut command = Command::new("ssh-agent");
        command
            .args(["-D", "-a", "agent.sock"])
            .current_dir(folder.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let agent =
            Self(command.spawn().expect("ssh-agent is not installed: ./ci/test.sh installs it"));
        wait_for(|| folder.path("agent.sock").exists());
        agent
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_for(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(20), "timed out");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn with_agent(command: &mut Command) -> &mut Command {
    command.env("SSH_AUTH_SOCK", "agent.sock")
}

#[track_caller]
fn ssh_add(folder: &Folder, key: &str) {
    let output = with_agent(Command::new("ssh-add").args(["-q", key]).current_dir(folder.path("")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_key_in_a_real_agent_signs_and_only_the_named_one() {
    let folder = setup();
    let _agent = SshAgent::start(&folder);
    for name in ["one", "two", "absent"] {
        peer(&folder, "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name]);
    }
    peer(&folder, "ssh-keygen", &["-q", "-t", "ecdsa", "-N", "", "-C", "other", "-f", "other"]);
    ssh_add(&folder, "one");
    ssh_add(&folder, "two");
    ssh_add(&folder, "other");
    let run =
        folder.run_with("bundle sign bundle.json --ssh-agent --public-key two.pub", with_agent);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let key = zk_attest::key::PublicKey::from_hex(folder.ours("key show two").trim()).unwrap();
    assert!(
        Bundle::from_json(&folder.read("bundle.json"))
            .unwrap()
            .envelope()
            .signers([&key])
            .contains(&key)
    );

    refused_with(
        &folder,
        "signers_agent_without_the_key",
        "sign raw bundle.pae out.sig --ssh-agent --public-key absent.pub",
        with_agent,
    );
    let output = with_agent(
        Command::new("ssh-add").args(["-q", "-c", "absent"]).current_dir(folder.path("")),
    )
    .output()
    .unwrap();
    assert!(output.status.success());
    // A key that needs a confirmation, and no terminal to give it.
    let line = "sign raw bundle.pae out.sig --ssh-agent --public-key absent.pub";
    refused_with(&folder, "signers_agent_does_not_sign", line, |command| {
        with_agent(command).env_remove("DISPLAY")
    });
}

#[test]
fn without_an_agent_the_cure_is_named() {
    let folder = setup();
    let line =
        format!("sign raw bundle.pae out.sig --ssh-agent --public-key {}", public_hex("alice"));
    refused_with(&folder, "signers_agent_not_set", &line, |command| {
        command.env_remove("SSH_AUTH_SOCK")
    });
    refused_with(&folder, "signers_agent_missing", &line, with_agent);
    folder.write("agent.sock", b"no socket");
    refused_with(&folder, "signers_agent_is_a_file", &line, with_agent);
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// An agent that answers each request with the next of these bytes, as they are.
fn hostile_agent(folder: &Folder, answers: Vec<Vec<u8>>) {
    let _ = std::fs::remove_file(folder.path("agent.sock"));
    let listener = UnixListener::bind(folder.path("agent.sock")).unwrap();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut connection, _) = listener.accept().unwrap();
            let mut length = [0; 4];
            connection.read_exact(&mut length).unwrap();
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            connection.read_exact(&mut request).unwrap();
            if answer.is_empty() {
                std::thread::sleep(Duration::from_secs(30));
            }
            let _ = connection.write_all(&answer);
        }
    });
}

#[test]
fn a_hostile_agent_gets_no_further_than_its_bounds() {
    let folder = setup();
    let blob = [string(b"ssh-ed25519"), string(public("alice").as_bytes())].concat();
    let listed = |times: u32| {
        let keys: Vec<u8> =
            (0..times).flat_map(|_| [string(&blob), string(b"comment")].concat()).collect();
        string(&[&[12][..], &times.to_be_bytes(), &keys].concat())
    };
    let signed = |signature: &[u8]| {
        string(
            &[&[14][..], &string(&[string(b"ssh-ed25519"), string(signature)].concat())].concat(),
        )
    };
    let others = ed25519_dalek::Signer::sign(&person("bob"), b"something else").to_bytes();
    let line = format!(
        "sign raw bundle.pae out.sig --ssh-agent --signer-timeout 2 --public-key {}",
        public_hex("alice")
    );
    let cases: [(&str, Vec<Vec<u8>>); 8] = [
        ("key_twice", vec![listed(2)]),
        ("garbage", vec![string(&[12, 0xff, 0xff, 0xff, 0xff, 1, 2, 3])]),
        ("endless", vec![u32::MAX.to_be_bytes().to_vec()]),
        ("cut", vec![listed(1)[..30].to_vec()]),
        ("hangs", vec![vec![]]),
        ("failure", vec![listed(1), string(&[5])]),
        ("wrong_signature", vec![listed(1), signed(&others)]),
        ("63_bytes", vec![listed(1), signed(&others[..63])]),
    ];
    for (name, answers) in cases {
        hostile_agent(&folder, answers);
        refused_with(&folder, &format!("signers_agent_{name}"), &line, with_agent);
    }
}

const PIN: &str = "271828-pin";

/// A SoftHSM with tokens in the folder.
struct SoftHsm {
    folder: Folder,
    module: String,
}

impl SoftHsm {
    fn new() -> Self {
        let modules = [
            "/usr/lib/softhsm/libsofthsm2.so",
            "/usr/lib64/pkcs11/libsofthsm2.so",
            "/opt/homebrew/lib/softhsm/libsofthsm2.so",
        ];
        let module = modules.iter().find(|path| std::path::Path::new(path).exists());
        let module =
            module.expect("SoftHSM2 is not installed: ./ci/test.sh installs it (package softhsm2)");
        let folder = setup();
        std::fs::create_dir(folder.path("tokens")).unwrap();
        folder.write(
            "softhsm2.conf",
            format!(
                "directories.tokendir = {}\nlog.level = ERROR\n",
                folder.path("tokens").display()
            )
            .as_bytes(),
        );
        secret_file(&folder, "pin", &format!("{PIN}\n"));
        let hsm = Self { folder, module: (*module).to_owned() };
        hsm.util(&[
            "--init-token",
            "--free",
            "--label",
            "release",
            "--pin",
            PIN,
            "--so-pin",
            "a-so-pin",
        ]);
        hsm
    }

    #[track_caller]
    fn util(&self, args: &[&str]) {
        let mut command = Command::new("softhsm2-util");
        let output =
            self.configure(command.args(args).current_dir(self.folder.path(""))).output().unwrap();
        assert!(output.status.success(), "{args:?}\n{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Puts a person's key into the token.
    fn import(&self, who: &str, label: &str, id: &str) {
        self.import_file(&key_file(&self.folder, who), label, id);
    }

    #[track_caller]
    fn import_file(&self, file: &str, label: &str, id: &str) {
        self.util(&[
            "--import", file, "--token", "release", "--label", label, "--id", id, "--pin", PIN,
        ]);
    }

    fn configure<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("SOFTHSM2_CONF", self.folder.path("softhsm2.conf"))
    }

    fn line(&self, options: &str) -> String {
        format!("bundle sign bundle.json --pkcs11-module {} {options}", self.module)
    }

    fn run(&self, options: &str) -> Run {
        let run = self.folder.run_with(&self.line(options), |command| self.configure(command));
        keeps_secret(&run, PIN.as_bytes());
        run
    }

    /// A refusal, whose message has no PIN and no path of this machine.
    #[track_caller]
    fn refused(&self, name: &str, options: &str) {
        let run = self.run(options);
        keeps_secret(&run, b"wrong-pin");
        std::os::unix::fs::symlink(&self.module, self.folder.path("softhsm.so"))
            .unwrap_or_default();
        let line = format!("sign raw bundle.pae out.sig --pkcs11-module softhsm.so {options}");
        refused_with(&self.folder, name, &line, |command| self.configure(command));
    }
}

#[test]
fn a_token_signs_by_label_and_by_id_with_the_pin_from_a_file_or_a_descriptor() {
    let hsm = SoftHsm::new();
    hsm.import("release-1", "approval", "01");
    hsm.import("release-2", "approval", "02");
    hsm.import("auditor-1", "audit", "a3");
    let line = format!("key of --pkcs11-module {} --key-label audit --pin-file pin", hsm.module);
    let run = hsm.folder.run_with(&line, |command| hsm.configure(command));
    assert_eq!(
        (run.code, run.stdout.trim()),
        (0, public_hex("auditor-1").as_str()),
        "the public key is read from the token\n{}",
        run.stderr
    );
    let run =
        hsm.run("--token-label release --key-label audit --pin-file pin --policy policy.json");
    assert!(
        run.code == 0
            && run
                .stderr
                .contains("PKCS#11 token \"release\" (key 8635 b957 9b83 c39e, auditor auditor-1)"),
        "{}",
        run.stderr
    );
    assert!(has_signed(&hsm.folder, "auditor-1"));

    let line = hsm.line("--key-label approval --key-id 02 --pin-fd 0");
    let pin = || Stdio::from(std::fs::File::open(hsm.folder.path("pin")).unwrap());
    let run = hsm.folder.run_with(&line, |command| hsm.configure(command).stdin(pin()));
    assert!(
        run.code == 0
            && has_signed(&hsm.folder, "release-2")
            && !has_signed(&hsm.folder, "release-1"),
        "{}",
        run.stderr
    );

    let run =
        hsm.run(&format!("--key-id 01 --pin-file pin --public-key {}", public_hex("release-1")));
    assert!(run.code == 0 && has_signed(&hsm.folder, "release-1"), "{}", run.stderr);
}

/// The key of a roster lives in a token: the contribution of both phases, the audit and the
/// bundle's signature are made with it, and the guard's reader finds that signature.
#[test]
fn a_participant_whose_key_is_in_a_token_contributes_audits_and_approves() {
    let hsm = SoftHsm::new();
    let world = World::new(&["alice"], |toml| toml);
    let alice = world.public_key("alice");
    hsm.import_file(world.path("alice", "key.pem").to_str().unwrap(), "alice", "0a");
    hsm.import("bob", "bob", "0b");
    std::fs::remove_file(world.path("alice", "key.pem")).unwrap();
    std::fs::copy(hsm.folder.path("pin"), world.path("alice", "pin")).unwrap();
    let token = |label: &str| {
        format!(
            "--pkcs11-module {} --token-label release --key-label {label} --pin-file pin",
            hsm.module
        )
    };
    let run = |line: &str| {
        let run = world.run_with("alice", line, |command| hsm.configure(command));
        keeps_secret(&run, PIN.as_bytes());
        run
    };
    let done = |line: &str| {
        let run = run(line);
        assert_eq!(run.code, 0, "{line}\n{}", run.stderr);
        world.carry("alice", "coordinator");
    };
    world.open();
    world.carry("coordinator", "alice");
    let before = files(&world.path("alice", "shared"));
    let another = run(&format!("ceremony contribute shared --as alice {}", token("bob")));
    assert!(
        another.code == 2 && another.stderr.contains(&public_hex("bob")),
        "the roster has another key\n{}",
        another.stderr
    );
    assert!(files(&world.path("alice", "shared")) == before, "a refusal leaves nothing");

    done(&format!("ceremony contribute shared --as alice {}", token("alice")));
    world.beacon();
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    world.carry("coordinator", "alice");
    done(&format!("ceremony contribute shared --as alice {}", token("alice")));
    world.beacon();
    world.ok("coordinator", "ceremony keygen shared");
    world.ok("coordinator", "ceremony verify shared");
    world.ok("coordinator", "bundle create shared --serial 1 --not-after 2099-12-31T23:59:59Z");
    world.carry("coordinator", "alice");
    done(&format!("ceremony audit shared --as Alice {}", token("alice")));
    let bundle = Bundle::from_json(&world.read("coordinator", "shared/bundle.json")).unwrap();
    assert_eq!(bundle.envelope().signers([&alice]), [alice].into());
    let found = world.ok("coordinator", "ceremony find shared --participant alice --json");
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["contributions"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_wrong_with_a_token_is_said_without_the_pin() {
    let hsm = SoftHsm::new();
    hsm.import("release-1", "approval", "01");
    hsm.import("release-2", "approval", "02");
    secret_file(&hsm.folder, "wrong", "wrong-pin\n");
    secret_file(&hsm.folder, "lines", &format!("{PIN}\n{PIN}\n"));
    secret_file(&hsm.folder, "empty", "\n");
    secret_file(&hsm.folder, "long", &"9".repeat(300));
    hsm.folder.write("shared", PIN.as_bytes());
    set_mode(&hsm.folder, "shared", 0o644);
    hsm.refused("signers_token_wrong_pin", "--key-id 01 --pin-file wrong");
    hsm.refused("signers_token_missing_key", "--key-label nobody --pin-file pin");
    hsm.refused("signers_token_two_keys", "--key-label approval --pin-file pin");
    hsm.refused("signers_token_no_key_named", "--pin-file pin");
    hsm.refused("signers_token_odd_id", "--key-id 0x1 --pin-file pin");
    hsm.refused(
        "signers_token_another_public_key",
        &format!("--key-id 01 --pin-file pin --public-key {}", public_hex("release-2")),
    );
    hsm.refused("signers_token_no_terminal", "--key-id 01");
    hsm.refused("signers_token_pin_of_two_lines", "--key-id 01 --pin-file lines");
    hsm.refused("signers_token_empty_pin", "--key-id 01 --pin-file empty");
    hsm.refused("signers_token_long_pin", "--key-id 01 --pin-file long");
    hsm.refused("signers_token_shared_pin", "--key-id 01 --pin-file shared");
    hsm.refused("signers_token_closed_descriptor", "--key-id 01 --pin-fd 63");
    hsm.refused("signers_token_pin_in_the_arguments", "--key-id 01 --pin 1234");
}

/// The token would say that nobody is logged in, after the PIN was given.
#[test]
fn a_key_that_wants_the_pin_at_every_use_is_refused_before_it_signs() {
    let hsm = SoftHsm::new();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "signers_cli::makes_a_key_that_wants_the_pin_at_every_use"])
        .env(MODULE, &hsm.module);
    let made = hsm.configure(&mut command).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
    hsm.refused("signers_token_pin_at_every_use", "--key-label careful --pin-file pin");
    // To say which key it is takes no signature.
    let line = format!("key of --pkcs11-module {} --key-label careful --pin-file pin", hsm.module);
    let run = hsm.folder.run_with(&line, |command| hsm.configure(command));
    assert!(run.code == 0 && run.stdout.trim().len() == 64, "{}", run.stderr);
}

const MODULE: &str = "ZK_CEREMONY_TEST_MODULE";

#[test]
#[ignore = "part of another test, in a process of its own for the environment of the token"]
fn makes_a_key_that_wants_the_pin_at_every_use() {
    let Ok(module) = std::env::var(MODULE) else { return };
    let library = Pkcs11::new(module).unwrap();
    library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slot = library.get_slots_with_initialized_token().unwrap()[0];
    let session = library.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&AuthPin::new(Box::from(PIN)))).unwrap();
    let both =
        [Attribute::Token(true), Attribute::Label(b"careful".to_vec()), Attribute::Id(vec![7])];
    // A PrintableString with the curve's name.
    let curve = [&[0x13, 0x0c], &b"edwards25519"[..]].concat();
    let public = [&both[..], &[Attribute::EcParams(curve)]].concat();
    let private = [
        &both[..],
        &[Attribute::Private(true), Attribute::Sign(true), Attribute::AlwaysAuthenticate(true)],
    ]
    .concat();
    let (_, key) =
        session.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &public, &private).unwrap();
    let plain = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
    let refused = session.sign(&plain, key, b"").unwrap_err();
    assert!(matches!(refused, Error::Pkcs11(RvError::UserNotLoggedIn, _)), "{refused}");
}

#[test]
fn a_token_that_is_missing_or_not_the_only_one_is_named() {
    let hsm = SoftHsm::new();
    let missing = hsm.run("--token-label other --key-id 01 --pin-file pin");
    assert!(
        missing.code == 2
            && missing
                .stderr
                .contains("error: no PKCS#11 token matches\n  found     \"release\" (serial "),
        "{}",
        missing.stderr
    );
    hsm.util(&[
        "--init-token",
        "--free",
        "--label",
        "release",
        "--pin",
        PIN,
        "--so-pin",
        "a-so-pin",
    ]);
    let several = hsm.run("--token-label release --key-id 01 --pin-file pin");
    assert!(
        several.code == 2
            && several
                .stderr
                .contains("error: several PKCS#11 tokens match\n  found     \"release\" (serial "),
        "{}",
        several.stderr
    );
    let found =
        several.stderr.split("(serial ").nth(1).unwrap().split(')').next().unwrap().to_owned();
    let empty = hsm.run(&format!("--token-serial {found} --key-id 01 --pin-file pin"));
    assert!(
        empty.code == 2
            && empty
                .stderr
                .contains("no Ed25519 private key matches\n  found     no Ed25519 private key"),
        "{}",
        empty.stderr
    );
}

/// Runs our binary on a terminal, types an answer at a prompt, and returns the exit status and
/// everything that the terminal showed.
fn on_a_terminal(
    folder: &Folder,
    line: &str,
    prompt: &str,
    answer: &str,
    prepare: impl FnOnce(&mut Command) -> &mut Command,
) -> (i32, String) {
    let mut command = Command::new("script");
    let line = format!("{} {line}", env!("CARGO_BIN_EXE_zk-ceremony"));
    command
        .args(["-qec", &line, "/dev/null"])
        .current_dir(folder.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child =
        prepare(&mut command).spawn().expect("script is not installed: it is part of util-linux");
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut screen, mut answered) = (Vec::new(), false);
    let mut byte = [0];
    while stdout.read(&mut byte).unwrap() == 1 {
        screen.push(byte[0]);
        if !answered && screen.ends_with(prompt.as_bytes()) {
            // People are slower than the switching off of the echo, which follows the prompt.
            std::thread::sleep(Duration::from_secs(1));
            stdin.write_all(answer.as_bytes()).unwrap();
            answered = true;
        }
    }
    let screen = String::from_utf8(screen).unwrap();
    assert!(answered, "no prompt \"{prompt}\"\n{screen}");
    (child.wait().unwrap().code().unwrap(), screen)
}

#[test]
fn on_a_terminal_nothing_is_signed_without_a_yes() {
    let folder = setup();
    let line = format!(
        "bundle sign bundle.json --policy policy.json --key {}",
        key_file(&folder, "release-1")
    );
    let question = "Approve this bundle with key file release-1.pem (key 9837 6aa1 82de f129, \
                    release authority release-1)? [y/N] ";
    let before = folder.read("bundle.json");
    for answer in ["n\n", "\n", "maybe\n", "\u{4}"] {
        let (code, screen) = on_a_terminal(&folder, &line, question, answer, |command| command);
        assert!(code == 2 && screen.contains("error: not signed: you did not say yes"), "{screen}");
        assert_eq!(
            (folder.read("bundle.json") == before, folder.names().len()),
            (true, 5),
            "{:?}",
            folder.names()
        );
    }
    let (code, screen) = on_a_terminal(&folder, &line, question, "y\n", |command| command);
    assert!(
        code == 0
            && screen.find("boot-2026 (production)").unwrap() < screen.find(question).unwrap(),
        "what is approved stands above\n{screen}"
    );
    assert!(has_signed(&folder, "release-1"));
}

#[test]
fn a_typed_pin_is_not_echoed() {
    let hsm = SoftHsm::new();
    hsm.import("release-1", "approval", "01");
    let line = hsm.line("--key-label approval --yes");
    let prompt = "PIN of PKCS#11 token \"release\" (it is not shown): ";
    let (code, screen) =
        on_a_terminal(&hsm.folder, &line, prompt, &format!("{PIN}\n"), |command| {
            hsm.configure(command)
        });
    assert!(code == 0 && !screen.contains(PIN), "{screen}");
    assert!(has_signed(&hsm.folder, "release-1"));
}

#[test]
fn a_file_that_is_no_module_is_refused() {
    let folder = setup();
    folder.write("text.so", b"no library");
    let libc = std::fs::read_to_string("/proc/self/maps").unwrap();
    let libc = libc
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .find(|path| path.contains("/libc.so"))
        .unwrap()
        .to_owned();
    std::os::unix::fs::symlink(libc, folder.path("libc.so")).unwrap();
    for (name, path) in [
        ("text", "text.so"),
        ("missing", "missing.so"),
        ("folder", "."),
        ("another_library", "libc.so"),
    ] {
        refused(
            &folder,
            &format!("signers_module_{name}"),
            &format!("sign raw bundle.pae out.sig --pkcs11-module {path} --key-id 01"),
        );
    }
}
