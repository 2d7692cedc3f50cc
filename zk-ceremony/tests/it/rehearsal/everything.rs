//! A ceremony over a network with everything that a ceremony can have, every party a process:
//! secrets that were committed to, beacons that are verified (of the chain that is made up for
//! tests), receipts, and proving keys that are sealed. It ends in a build under the guard.

use std::fs;
use std::path::Path;
use std::process::Command;

use age::secrecy::ExposeSecret as _;
use ceremony_folder::drand::MADE_UP;
use testkit::drand::sign;
use zk_attest::digest::PolicyDigest;
use zk_attest::primitives::Timestamp;
use zk_vk_guard::bundle::OnExpiry;
use zk_vk_guard::snippet::Options;

use crate::network::Net;

const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];
const DAY: u64 = 86_400;

fn rules(toml: &str, rounds: [u64; 2]) -> String {
    let planned = |toml: String, old: &str, round: u64| {
        let old = format!("source = \"a chain\"\nround = {old}");
        toml.replacen(&old, &format!("drand = \"made-up\"\nround = {round}"), 1)
    };
    let committed = "\n[commitments]\nsecrets = true\n\n[beacon.phase1]";
    let toml = toml.replacen("\n[beacon.phase1]", committed, 1);
    planned(planned(toml, "100", rounds[0]), "200", rounds[1])
}

#[test]
fn a_ceremony_with_everything_it_can_have_ends_in_a_guarded_build() {
    let round = |days: u64| {
        MADE_UP.first_round_after(&Timestamp::from_unix(Timestamp::now().unix() + days * DAY))
    };
    let rounds = [round(1), round(2)];
    let mut net = Net::with_rules(&PEOPLE, |toml| rules(&toml, rounds));
    for who in ["dana", "rel", "prover"] {
        fs::create_dir(net.world.path(who, "")).unwrap();
        net.world.ok(who, "key new key.pem");
    }
    let identity = age::x25519::Identity::generate();
    net.world.write("prover", "identity", identity.to_string().expose_secret().as_bytes());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(net.world.path("prover", "identity"), mode).unwrap();
    }
    let key = |who: &str| format!("{who}={}", net.world.public_key(who));
    let participants: Vec<String> =
        PEOPLE.iter().map(|who| format!("--participant {}", key(who))).collect();
    net.world.ok(
        "coordinator",
        &format!(
            "policy new policy.json --kind rehearsal --release {} --release-threshold 1 --auditor \
             {} --auditor-threshold 1 {} --participant-threshold 3 --phase1-contributions 3 \
             --phase2-contributions 3 --verified-beacons --circuit main=circuit.r1cs",
            key("rel"),
            key("dana"),
            participants.join(" ")
        ),
    );
    // The signatures of rounds to come: only a chain whose secret is public has them.
    for (phase, round) in [(1, rounds[0]), (2, rounds[1])] {
        net.world.write(
            "coordinator",
            &format!("{phase}.hex"),
            hex::encode(sign(round)).as_bytes(),
        );
    }
    net.serve(&format!(
        "--key key.pem --beacon 1=1.hex --beacon 2=2.hex --not-after 2099-12-31T23:59:59Z --policy \
         policy.json --seal-to {}",
        identity.to_public()
    ));
    let (origin, rules) = (net.origin.clone(), net.rules.clone());
    let mut parties: Vec<_> = PEOPLE.iter().map(|who| net.join(who, "--approve")).collect();
    parties.push(net.spawn(
        "dana",
        &format!(
            "ceremony mirror {origin} mirror --rules {rules} --verify --as Dana --key key.pem \
             --approve"
        ),
    ));
    parties.push(net.spawn(
        "rel",
        &format!("ceremony approve {origin} --rules {rules} --dir copy --key key.pem --yes"),
    ));
    parties.into_iter().for_each(|party| drop(party.ok()));
    net.service.take().unwrap().ok();
    let world = &net.world;

    let said = world.ok("coordinator", "ceremony verify shared --finished");
    for line in [
        "Phase 1: check 12: 3 contributions open the commitments of their makers",
        "Phase 2: check 13: 3 contributions open the commitments of their makers",
        "check 11 of phase 1: verified under made-up's key",
        "check 12 of phase 2: verified under made-up's key",
        "the journal has every contribution before the round was published",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    let page = fs::read_to_string(world.shared("report.html")).unwrap();
    for words in [
        "6 of 6 contributions were made with build sha256",
        "<h2>Commitments</h2>",
        "verified under made-up's key",
        "12. the contribution has the secrets that its maker committed to",
        "13. the contribution has the secrets that its maker committed to",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("NOT OPENED"));
    for who in PEOPLE {
        let receipts = world.path(who, "copy/receipts");
        let names: Vec<_> = fs::read_dir(&receipts).unwrap().map(|it| it.unwrap().path()).collect();
        assert_eq!(names.len(), 2, "{who}: {names:?}");
        for path in names {
            let path = path.display();
            let line = format!("ceremony find shared --participant {who} --receipt \"{path}\"");
            world.ok("coordinator", &line);
        }
    }
    // The one file with the proving key is sealed, and its prover opens it.
    let private = fs::read_dir(world.path("coordinator", "shared.private")).unwrap();
    let names: Vec<String> = private
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(names, ["main.proving_key.bin.age"]);
    let sealed = world.path("coordinator", "shared.private/main.proving_key.bin.age");
    world.ok(
        "prover",
        &format!("key open \"{}\" --identity identity --out key.bin", sealed.display()),
    );
    world.ok("coordinator", "ceremony keygen shared --private plain");
    assert_eq!(
        world.read("prover", "key.bin"),
        world.read("coordinator", "plain/main.proving_key.bin")
    );

    guarded_build(&world.path("coordinator", ""));
}

/// A crate that embeds the key under the guard.
fn guarded_build(coordinator: &Path) {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (bundle, policy) = ("shared/bundle.json", "policy.json");
    let [bundle, policy] = [bundle, policy].map(|name| fs::read(coordinator.join(name)).unwrap());
    let options = Options::default();
    let embedded =
        zk_embed::embed(&bundle, &policy, options, &Timestamp::now(), OnExpiry::Refuse).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    put("zk/bundle.json", &bundle);
    put("zk/trust-policy.json", &policy);
    put("zk/verifying_key.rs", embedded.text.as_bytes());
    put("Cargo.lock", &fs::read(checkout.join("Cargo.lock")).unwrap());
    let guard = checkout.join("zk-vk-guard").canonicalize().unwrap();
    put(
        "Cargo.toml",
        format!(
            "[package]\nname = \"everything\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[features]\n\
             zk-vk-provisioned = []\n[build-dependencies]\nzk-vk-guard = {{ path = {:?} }}\n\
             [workspace]\n",
            guard
        )
        .as_bytes(),
    );
    put(
        "build.rs",
        format!(
            "fn main() {{\n    zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \"{}\")\n        \
             .bundle(\"zk/bundle.json\")\n        .snippet(\"zk/verifying_key.rs\")\n        \
             .allow_rehearsal()\n        .run();\n}}\n",
            PolicyDigest::of(&policy)
        )
        .as_bytes(),
    );
    put(
        "src/main.rs",
        b"include!(concat!(env!(\"OUT_DIR\"), \"/verifying_key.rs\"));\nfn main() {\n    \
          println!(\"{} {}\", verifying_keys::CEREMONY_ID, verifying_keys::main::VK.len());\n}\n",
    );
    let mut command = Command::new(env!("CARGO"));
    let output = testkit::cargo_of_a_user(&mut command)
        .args(["run", "--offline", "--features", "zk-vk-provisioned"])
        .current_dir(folder.path())
        .env("CARGO_TARGET_DIR", testkit::guarded_target(env!("CARGO_TARGET_TMPDIR")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.starts_with("test-ceremony "), "{said}");
}
