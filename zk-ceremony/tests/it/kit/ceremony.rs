//! A small ceremony with several machines, each a folder of its own with a copy of the shared
//! folder and its own key.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use base64::Engine as _;
use bn254_batch::curve::Fr;
use ceremony_core::format::r1cs::{Shape, write_r1cs};
use ed25519_dalek::{Signer, SigningKey};
use testkit::kept;
pub use testkit::kept::copy;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{ContributionHash, FileDigest};
use zk_attest::envelope::Envelope;
use zk_attest::key::{PublicKey, SignatureBytes};
use zk_attest::statement::{Sha256Hex, Statement, StepAttestation};

use super::Run;

pub const VALUE: &str = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";

/// Machines, by the name of who sits there.
pub struct World {
    root: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl World {
    fn temporary() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { root: folder.path().into(), _temporary: Some(folder) }
    }
}

/// A finished ceremony of alice and bob.
static FINISHED: LazyLock<PathBuf> = LazyLock::new(|| {
    let stamp = kept::built(&[Path::new(env!("CARGO_BIN_EXE_zk-ceremony"))]);
    kept::folder("finished-ceremony", &stamp, |root| {
        copy(&World::whole(&["alice", "bob"]).root, root);
    })
});

/// A circuit of `n` constraints x_i * x_i = x_(i+1), with one public wire.
pub fn circuit(n: u32) -> Vec<u8> {
    let shape = Shape::new(n + 2, 0, 1, n, n).unwrap();
    let one = Fr::from(1u64);
    let rows = (0..n).map(|i| [vec![(one, i + 1)], vec![(one, i + 1)], vec![(one, i + 2)]]);
    write_r1cs(Cursor::new(Vec::new()), shape, rows).unwrap().into_inner()
}

/// Rules with these circuits in the place of the only one.
pub fn with_circuits(toml: &str, circuits: &[(String, Vec<u8>)]) -> String {
    let (head, _) = toml.split_once("\n[[circuits]]").unwrap();
    let listed = circuits.iter().map(|(name, r1cs)| {
        let digest = zk_attest::digest::CircuitDigest::of(r1cs);
        format!(
            "\n[[circuits]]\nname = \"{name}\"\nsha256 = \"{digest}\"\nprogram = \"{name} v1\"\n"
        )
    });
    head.replacen("power = 4", "power = 5", 1) + &listed.collect::<String>()
}

impl World {
    /// Keys for everybody, and rules that `edit` may change.
    pub fn new(people: &[&str], edit: impl FnOnce(String) -> String) -> Self {
        let world = Self::temporary();
        fs::create_dir(world.root.join("coordinator")).unwrap();
        world.ok("coordinator", "key new key.pem");
        for name in people {
            fs::create_dir(world.root.join(name)).unwrap();
            world.ok(name, "key new key.pem");
        }
        let r1cs = circuit(3);
        world.write("coordinator", "circuit.r1cs", &r1cs);
        let mut toml = format!(
            "format = \"zk-ceremony/1\"\nid = \"test-ceremony\"\nkind = \"rehearsal\"\ncurve = \
             \"bn254\"\npower = 4\n\n[minimum_contributions]\nphase1 = {n}\nphase2 = \
             {n}\n\n[coordinator]\nname = \"Coordinator\"\nkey = \"{}\"\n",
            world.public_key("coordinator"),
            n = people.len(),
        );
        for name in people {
            toml += &format!(
                "\n[[participants]]\nname = \"{name}\"\nkey = \"{}\"\nphases = [1, 2]\n",
                world.public_key(name)
            );
        }
        for (phase, round) in [(1, 100), (2, 200)] {
            toml += &format!(
                "\n[beacon.phase{phase}]\nsource = \"a chain\"\nround = {round}\nexponent = 10\n"
            );
        }
        let digest = zk_attest::digest::CircuitDigest::of(&r1cs);
        toml += &format!(
            "\n[[circuits]]\nname = \"main\"\nsha256 = \"{digest}\"\nprogram = \"main v1\"\n"
        );
        world.write("coordinator", "ceremony.toml", edit(toml).as_bytes());
        world
    }

    pub fn path(&self, who: &str, name: &str) -> PathBuf {
        self.root.join(who).join(name)
    }

    pub fn write(&self, who: &str, name: &str, bytes: &[u8]) {
        fs::write(self.path(who, name), bytes).unwrap();
    }

    pub fn read(&self, who: &str, name: &str) -> Vec<u8> {
        fs::read(self.path(who, name)).unwrap()
    }

    /// Runs our binary on somebody's machine.
    pub fn run(&self, who: &str, line: &str) -> Run {
        self.run_with(who, line, |command| command)
    }

    /// Runs our binary on somebody's machine, where something is set up.
    pub fn run_with(
        &self,
        who: &str,
        line: &str,
        prepare: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zk-ceremony"));
        command.args(super::split(line)).current_dir(self.root.join(who)).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.state(who));
        prepare(&mut command).output().unwrap().into()
    }

    /// Where somebody's machine keeps what they verified.
    pub fn state(&self, who: &str) -> PathBuf {
        self.root.join(format!(".state-{who}"))
    }

    #[track_caller]
    pub fn ok(&self, who: &str, line: &str) -> String {
        let run = self.run(who, line);
        assert_eq!(run.code, 0, "{who}: {line}\n{}{}", run.stdout, run.stderr);
        run.stdout
    }

    /// Runs a command that must fail and change nothing that is not hidden, and says so in the
    /// snapshot of that name.
    #[track_caller]
    pub fn refused(&self, name: &str, who: &str, line: &str) {
        let before = files(&self.path(who, ""));
        let run = self.run(who, line);
        assert_ne!(run.code, 0, "{line}\n{}", run.stdout);
        assert!(files(&self.path(who, "")) == before, "{line} changes something");
        let shown = super::shown(&run).replace(&self.root.display().to_string(), "[world]");
        // Fingerprints: four groups of four digits.
        let shown = fingerprints(&shown);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, format!("$ zk-ceremony {line}\n{shown}")));
    }

    pub fn public_key(&self, who: &str) -> PublicKey {
        PublicKey::from_hex(self.ok(who, "key show key.pem").trim()).unwrap()
    }

    /// Carries the shared folder from one machine to another: what is there already is replaced.
    pub fn carry(&self, from: &str, to: &str) {
        copy(&self.path(from, "shared"), &self.path(to, "shared"));
    }

    pub fn open(&self) {
        self.ok(
            "coordinator",
            "ceremony new shared --config ceremony.toml --circuit main=circuit.r1cs --key key.pem",
        );
    }

    /// Somebody's turn: the folder comes, the contribution is made, the folder goes back.
    pub fn contribute(&self, who: &str) {
        self.carry("coordinator", who);
        self.ok(who, &format!("ceremony contribute shared --as {who} --key key.pem"));
        self.carry(who, "coordinator");
    }

    pub fn beacon(&self) {
        self.ok("coordinator", &format!("ceremony beacon shared --value {VALUE} --key key.pem"));
    }

    /// Everything up to the second beacon.
    pub fn whole(people: &[&str]) -> Self {
        let world = Self::new(people, |toml| toml);
        world.open();
        people.iter().for_each(|who| world.contribute(who));
        world.beacon();
        world.ok("coordinator", "ceremony prepare shared --key key.pem");
        people.iter().for_each(|who| world.contribute(who));
        world.beacon();
        world
    }

    /// Phase 2 of two circuits is open, and three participants may contribute in any order.
    pub fn two_circuits() -> Self {
        let circuits = [("one".to_owned(), circuit(2)), ("two".to_owned(), circuit(3))];
        let world = Self::new(&["alice", "bob", "carol"], |toml| {
            let toml = toml.replace("phase1 = 3", "phase1 = 1").replace("phase2 = 3", "phase2 = 2");
            with_circuits(&toml.replace("power = 4\n", "power = 4\norder = \"any\"\n"), &circuits)
        });
        let mut line = "ceremony new shared --config ceremony.toml --key key.pem".to_owned();
        for (name, r1cs) in &circuits {
            world.write("coordinator", &format!("{name}.r1cs"), r1cs);
            line += &format!(" --circuit {name}={name}.r1cs");
        }
        world.ok("coordinator", &line);
        world.contribute("alice");
        world.beacon();
        world.ok("coordinator", "ceremony prepare shared --key key.pem");
        world
    }

    /// A copy of the finished ceremony of alice and bob.
    pub fn finished() -> Self {
        let world = Self::temporary();
        copy(&FINISHED, &world.root);
        world
    }

    /// A file of the coordinator's shared folder.
    pub fn shared(&self, name: &str) -> PathBuf {
        self.path("coordinator", &format!("shared/{name}"))
    }

    /// Exchanges two files of the shared folder.
    pub fn swap(&self, a: &str, b: &str) {
        let (x, y) = (fs::read(self.shared(a)).unwrap(), fs::read(self.shared(b)).unwrap());
        fs::write(self.shared(a), y).unwrap();
        fs::write(self.shared(b), x).unwrap();
    }

    /// Edits the rules, after the start.
    pub fn edit_rules(&self, from: &str, to: &str) {
        let old = fs::read_to_string(self.shared("ceremony.toml")).unwrap();
        assert!(old.contains(from), "{from}");
        fs::write(self.shared("ceremony.toml"), old.replacen(from, to, 1)).unwrap();
    }

    /// Changes an attestation of the shared folder and signs it again.
    pub fn again(
        &self,
        file: &str,
        signer: &str,
        edit: impl FnOnce(&mut Statement<StepAttestation>),
    ) {
        self.attest_again("coordinator", &format!("shared/{file}"), signer, edit);
    }

    /// What an attestation of the shared folder says.
    pub fn words(&self, file: &str) -> Statement<StepAttestation> {
        let envelope = Envelope::from_json(&fs::read(self.shared(file)).unwrap()).unwrap();
        Statement::from_payload(envelope.payload()).unwrap()
    }

    /// Puts a file under a step's name, attested by its maker.
    pub fn replace(&self, step: &str, who: &str, bytes: &[u8]) {
        let digest = FileDigest::of(bytes);
        let (name, _) = step.split_once('.').unwrap();
        fs::write(self.shared(step), bytes).unwrap();
        self.again(&format!("{name}.dsse.json"), who, |s| {
            s.subject[0].digest.sha256 = Sha256Hex(digest.0)
        });
    }

    /// Puts a file under a step's name, attested by its maker, and named as the input of the step
    /// after it.
    pub fn plant(&self, step: &str, who: &str, bytes: &[u8], next: (&str, &str)) {
        let digest = FileDigest::of(bytes);
        self.replace(step, who, bytes);
        self.again(&format!("{}.dsse.json", next.0), next.1, |s| {
            s.predicate.input_sha256 = Some(digest)
        });
    }

    /// Says in the attestation of a step which contribution its file ends with.
    pub fn with_hash_of(&self, file: &str, attestation: &str, who: &str) {
        let kind = if file.ends_with("zkey") { "zkey" } else { "ptau" };
        let info: serde_json::Value =
            serde_json::from_str(&self.ok("coordinator", &format!("{kind} info {file} --json")))
                .unwrap();
        let last = info["contributions"].as_array().unwrap().last().unwrap().clone();
        let hash = ContributionHash::from_hex(last["contribution_hash"].as_str().unwrap()).unwrap();
        self.again(attestation, who, |s| s.predicate.contribution_hash = Some(hash));
    }

    /// Changes an attestation and signs it again with somebody's key.
    pub fn attest_again(
        &self,
        who: &str,
        file: &str,
        signer: &str,
        edit: impl FnOnce(&mut Statement<StepAttestation>),
    ) {
        let envelope = Envelope::from_json(&self.read(who, file)).unwrap();
        let mut statement = Statement::<StepAttestation>::from_payload(envelope.payload()).unwrap();
        edit(&mut statement);
        let mut envelope = statement.to_envelope().unwrap();
        let pem = String::from_utf8(self.read(signer, "key.pem")).unwrap();
        let key = SigningKey::from_bytes(&seed(&pem));
        let signature = key.sign(&envelope.pae()).to_bytes();
        envelope.add_signature(&self.public_key(signer), &signature).unwrap();
        self.write(who, file, &envelope.to_json());
    }
}

/// A key file, as a signer of the library.
pub struct KeyFile {
    pub key: PublicKey,
    pub secret: SigningKey,
}

impl KeyFile {
    pub fn of(world: &World, who: &str, name: &str) -> Self {
        let pem = fs::read_to_string(world.path(who, name)).unwrap();
        let secret = SigningKey::from_bytes(&seed(&pem));
        Self { key: PublicKey::from_bytes(secret.verifying_key().as_bytes()).unwrap(), secret }
    }
}

impl zk_attest::signer::Signer for KeyFile {
    fn public_key(&self) -> &PublicKey {
        &self.key
    }
    fn description(&self) -> String {
        "a key of the test".into()
    }
    fn sign(&mut self, message: &[u8]) -> Result<SignatureBytes, Diagnostic> {
        Ok(self.secret.sign(message).to_bytes())
    }
}

/// The secret half of a key file of ours: in RFC 8410's encoding the seed follows 16 bytes of
/// headers.
pub fn seed(pem: &str) -> [u8; 32] {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    der[16..48].try_into().unwrap()
}

/// Every file that is not hidden, with its bytes.
pub fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.file_name().unwrap().to_string_lossy().starts_with('.') {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

fn fingerprints(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let four = |word: &str| {
        word.trim_start_matches('(').len() == 4
            && word.trim_start_matches('(').chars().all(|c| c.is_ascii_hexdigit())
    };
    let mut out: Vec<String> = Vec::new();
    let mut i = 0;
    while i < words.len() {
        let last = words.get(i + 3).map(|word| word.trim_end_matches([')', '\n']).to_owned());
        if i + 3 < words.len()
            && four(words[i])
            && four(words[i + 1])
            && four(words[i + 2])
            && last.as_deref().is_some_and(|w| four(&w[..w.len().min(4)]))
        {
            let rest = &words[i + 3][4.min(words[i + 3].len())..];
            out.push(format!("[fingerprint]{rest}"));
            i += 4;
        } else {
            out.push(words[i].to_owned());
            i += 1;
        }
    }
    out.join(" ")
}
