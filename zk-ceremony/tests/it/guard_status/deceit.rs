//! Crates that look guarded and embed something else: what is written about them, and what a build
//! of them shows.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use zk_attest::primitives::CeremonyKind;

use super::ceremony::Ceremony;
use super::{GUARD, LIB, MANIFEST, Workspace, codes};

/// The planted key's serial.
const EVIL: u64 = 666;
/// Puts the planted file where the crate includes from. Its name is written so that no search for
/// it finds it.
const PLANT: &str = "std::fs::copy(\"zk/evil\", \
                     std::path::Path::new(&std::env::var(\"OUT_DIR\").unwrap())\
                     .join(\"verifying_key\").with_extension(\"rs\")).unwrap();";

/// One such crate: which files differ from a sound one. `CALL` stands for the guard's call.
struct Deceit {
    name: &'static str,
    files: Vec<(&'static str, String)>,
    /// Codes of what stands against it, without and with a build.
    codes: &'static [&'static str],
    built: &'static [&'static str],
    /// The serial that the build embeds past the guard.
    serial: u64,
}

/// The build script deceives: the sources are in order.
fn script(
    name: &'static str,
    text: &str,
    codes: &'static [&'static str],
    built: &'static [&'static str],
) -> Deceit {
    Deceit {
        name,
        files: vec![("build.rs", text.replace("PLANT", PLANT))],
        codes,
        built,
        serial: EVIL,
    }
}

/// The sources deceive: the build script is in order.
fn source(name: &'static str, more: &str, file: &'static str) -> Deceit {
    Deceit {
        name,
        files: vec![("src/lib.rs", format!("{LIB}{more}\n")), (file, "EVIL".into())],
        codes: &["source-unjudged"],
        built: &["built-embeds-other"],
        serial: EVIL,
    }
}

fn deceits() -> Vec<Deceit> {
    const SCRIPT: &[&str] = &["guard-unjudged"];
    const OTHER: &[&str] = &["built-embeds-other", "built-embeds-nothing"];
    const OTHER_SCRIPT: &[&str] =
        &["built-embeds-other", "built-embeds-nothing", "built-script-reads"];
    const OTHER_OUT_DIR: &[&str] = &["built-embeds-other", "built-embeds-nothing", "built-out-dir"];
    let shim = "pub struct Guard; impl Guard { pub fn new(_: &str, _: &str) -> Self { Guard } pub \
                fn run(self) { PLANT } }";
    let mut all = vec![
        script(
            "a macro plants and returns",
            "macro_rules! skip { () => { PLANT if true { return; } } }\n\
             fn main() { skip!(); CALL }",
            SCRIPT,
            OTHER,
        ),
        script("planted after the guard has run", "fn main() { CALL PLANT }", SCRIPT, OTHER),
        script(
            "an included file plants and returns",
            "fn main() { include!(\"steps.in\"); CALL }",
            SCRIPT,
            OTHER_SCRIPT,
        ),
        script(
            "a module plants and ends the script",
            "mod helpers;\nfn main() { helpers::setup(); CALL }",
            SCRIPT,
            OTHER_SCRIPT,
        ),
        script(
            "a module has the guard's name",
            &format!(
                "mod shim {{ pub mod zk_vk_guard {{ {shim} }} }}\nuse shim::zk_vk_guard;\n\
                 fn main() {{ CALL }}"
            ),
            SCRIPT,
            OTHER,
        ),
        script(
            "another entry point",
            "#![no_main]\n#[unsafe(export_name = \"main\")] pub extern \"C\" fn real(_: i32, _: \
             *const *const u8) -> i32 { PLANT 0 }\nfn main() { CALL }",
            SCRIPT,
            OTHER,
        ),
        script(
            "exit as a raw identifier",
            "fn main() { PLANT if true { std::process::r#exit(0) } CALL }",
            SCRIPT,
            OTHER,
        ),
        script(
            "OUT_DIR told to be another folder",
            "fn main() { CALL println!(\"cargo::rustc-env=OUT_DIR={}/alt\", \
             std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()); }",
            SCRIPT,
            OTHER_OUT_DIR,
        ),
        source("a raw include", "pub mod old { r#include!(\"../zk/older.inc\"); }", "zk/older.inc"),
        source(
            "an include as a macro's argument",
            "macro_rules! take { ($m:ident) => { $m!(\"../zk/older.inc\"); } }\n\
             pub mod old { take!(include); }",
            "zk/older.inc",
        ),
        source("a raw path", "#[r#path = \"../zk/older.rs\"] pub mod old;", "zk/older.rs"),
        source(
            "an include in the definition of a macro",
            "macro_rules! take { () => { include!(\"../zk/older.inc\"); } }\n\
             pub mod old { take!(); }",
            "zk/older.inc",
        ),
        source(
            "a path in an inner module",
            "pub mod inner { #[path = \"../../zk/older.inc\"] pub mod old; }",
            "zk/older.inc",
        ),
        source(
            "a path under a condition",
            "#[cfg_attr(all(), path = \"../zk/older.inc\")] pub mod old;",
            "zk/older.inc",
        ),
        source(
            "a module of a module outside of src",
            "#[path = \"../parts/keys.rs\"] pub mod keys;",
            "parts/older.rs",
        ),
    ];
    all[2].files.push(("steps.in", format!("{{ {PLANT} if true {{ return; }} }}")));
    all[3]
        .files
        .push(("helpers.rs", format!("pub fn setup() {{ {PLANT} std::process::exit(0) }}")));
    all[7].files.push(("alt/verifying_key.rs", "EVIL".into()));
    for seen in [8, 10] {
        all[seen].codes = &["include-committed"];
    }
    for seen in [11, 13] {
        all[seen].codes = &["include-committed", "source-unjudged"];
    }
    all[12].files.push(("src/inner/note.txt", "makes the folder\n".into()));
    let last = all.last_mut().unwrap();
    last.files.push(("parts/keys.rs", "pub mod older;\n".into()));
    all.push(Deceit {
        name: "constants of main in the place of the file's",
        files: vec![(
            "build.rs",
            "const PIN: &str = \"PINNED\";\nconst POLICY: &str = \"zk/trust-policy.json\";\n\
             fn main() { const PIN: &str = \"WEAK\";\n\
             const POLICY: &str = \"zk/weak-policy.json\";\n\
             zk_vk_guard::Guard::new(POLICY, PIN).run(); }"
                .into(),
        )],
        codes: SCRIPT,
        built: OTHER,
        serial: 7,
    });
    all.push(Deceit {
        name: "links, and OUT_DIR in cargo's configuration",
        files: vec![
            ("Cargo.toml", MANIFEST.replace("[features]", "links = \"walletkeys\"\n\n[features]")),
            (
                "../.cargo/config.toml",
                ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-apple-darwin"]
                    .map(|platform| {
                        format!(
                            "[target.{platform}.walletkeys]\nrustc-env = {{ OUT_DIR = \"HERE/alt\" \
                             }}\nrustc-cfg = []\n"
                        )
                    })
                    .concat(),
            ),
            ("alt/verifying_key.rs", "EVIL".into()),
        ],
        codes: &["manifest-unjudged", "manifest-unjudged"],
        built: OTHER_OUT_DIR,
        serial: EVIL,
    });
    all.push(Deceit {
        name: "another package under the guard's name",
        files: vec![
            ("Cargo.toml", MANIFEST.replace(GUARD, "zk-vk-guard = { path = \"fake\" }")),
            (
                "fake/Cargo.toml",
                "[package]\nname = \"zk-vk-guard\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"
                    .into(),
            ),
            ("fake/src/lib.rs", shim.replace("PLANT", PLANT)),
        ],
        codes: &["guard-source"],
        built: OTHER,
        serial: EVIL,
    });
    all
}

impl Workspace {
    fn deceitful(deceit: &Deceit) -> Self {
        // Approved by too few for the pinned policy, where a weaker one is to be used.
        let ceremony = Ceremony::new(CeremonyKind::Production);
        let workspace = Self::new();
        let mut weak = ceremony.policy();
        weak.roles.release.threshold = std::num::NonZeroU32::MIN;
        let weak = weak.to_json();
        let weak_pin = zk_attest::digest::PolicyDigest::of(&weak).to_string();
        if deceit.files[0].1.contains("WEAK") {
            workspace.put("wallet/zk/weak-policy.json", &weak);
            workspace.put(
                "wallet/zk/bundle.json",
                ceremony.parts().signed_by(&["release-1", "auditor-1", "alice"]).json(),
            );
        }
        let evil = workspace.snippet.replace("SERIAL: u64 = 7", "SERIAL: u64 = 666");
        assert_ne!(evil, workspace.snippet);
        let call = format!(
            "zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \"{}\").run();",
            workspace.pin
        );
        workspace.put("wallet/zk/evil", &evil);
        for (path, text) in &deceit.files {
            let text = text
                .replace("CALL", &call)
                .replace("PINNED", &workspace.pin)
                .replace("WEAK", &weak_pin)
                .replace("HERE", &workspace.folder.path("wallet").display().to_string());
            workspace.put(&format!("wallet/{path}"), if text == "EVIL" { &evil } else { &text });
        }
        workspace
    }

    /// The lock file of this checkout, cut down to what the crate needs.
    fn lock(&self) {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        self.put("Cargo.lock", std::fs::read(ours).unwrap());
        let output = Command::new(env!("CARGO"))
            .current_dir(self.folder.path("."))
            .args(["update", "--workspace", "--offline", "--quiet"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The report of a build, with cargo's own profile for development.
    fn built(&self, more: &str) -> (i32, Value) {
        self.lock();
        let line = format!(
            "guard-status --json {more} --build --target-dir {} -- --offline",
            testkit::guarded_target(env!("CARGO_TARGET_TMPDIR")).display()
        );
        let run = self.folder.run_with(&line, testkit::cargo_of_a_user);
        let report = serde_json::from_str(&run.stdout);
        (run.code, report.unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr)))
    }
}

#[test]
fn no_crate_that_embeds_something_else_is_called_wired() {
    for deceit in deceits() {
        let workspace = Workspace::deceitful(&deceit);
        let (code, report) = workspace.json();
        assert_eq!(code, 1, "{}: {report:#}", deceit.name);
        assert_ne!(report["packages"][0]["verdict"], "wired", "{}: {report:#}", deceit.name);
        let found = codes(&report, |level| level != "warning");
        let mut found: Vec<&str> = found.iter().map(String::as_str).collect();
        found.dedup();
        let mut expected = deceit.codes.to_vec();
        expected.dedup();
        assert_eq!(found, expected, "{}: {report:#}", deceit.name);
    }
}

#[test]
fn a_build_shows_what_each_of_them_embeds() {
    for deceit in deceits() {
        let workspace = Workspace::deceitful(&deceit);
        let (code, report) = workspace.built("");
        assert_eq!(code, 1, "{}: {report:#}", deceit.name);
        let found = codes(&report, |level| level != "warning");
        for expected in deceit.built {
            assert!(found.iter().any(|code| code == expected), "{}: {report:#}", deceit.name);
        }
        let embeds = report["packages"][0]["built"]["embeds"].as_array().unwrap();
        let planted = embeds.iter().find(|keys| keys["canonical"] == false);
        let planted = planted.unwrap_or_else(|| panic!("{}: {report:#}", deceit.name));
        assert_eq!(planted["serial"], deceit.serial, "{}: {report:#}", deceit.name);
        assert_eq!(planted["vk_sha256"].as_array().unwrap().len(), 1, "{}", deceit.name);
    }
}

#[test]
fn a_build_settles_what_macros_of_other_crates_leave_open() {
    let workspace = Workspace::new();
    workspace.put(
        "tools/Cargo.toml",
        "[package]\nname = \"tools\"\nversion = \"0.0.0\"\nedition = \"2024\"\n",
    );
    workspace.put("tools/src/lib.rs", "#[macro_export] macro_rules! nothing { () => {} }\n");
    let tools = "\n[dependencies]\ntools = { path = \"../tools\" }\n";
    workspace.put("wallet/Cargo.toml", format!("{MANIFEST}{tools}"));
    workspace.put("wallet/src/lib.rs", format!("{LIB}tools::nothing!();\n"));
    workspace.put(
        "wallet/src/main.rs",
        "fn main() { println!(\"{:02x?}\", wallet::verifying_keys::attestation::VK); }",
    );
    workspace.is_not_wired(&["source-unjudged"]);
    let (code, report) = workspace.built("");
    assert_eq!((code, &report["packages"][0]["verdict"]), (0, &"wired".into()), "{report:#}");
    assert_eq!(codes(&report, |level| level == "warning"), ["source-unjudged"]);
    let built = &report["packages"][0]["built"];
    assert_eq!(built["targets"], serde_json::json!(["wallet", "wallet"]));
    assert_eq!(built["embeds"].as_array().unwrap().len(), 1);
    assert_eq!(built["embeds"][0]["canonical"], true);
    // The program that was built holds the key, and nothing that says so holds none.
    let program = testkit::guarded_target(env!("CARGO_TARGET_TMPDIR")).join("debug/wallet");
    let binary = |file: &Path| {
        let line = format!("guard-status --json --binary {}", file.display());
        let run = workspace.folder.run(&line);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        (codes(&report, |level| level == "unjudged"), report)
    };
    let (unjudged, report) = binary(&program);
    assert_eq!(unjudged, ["source-unjudged"], "{report:#}");
    let key = &report["packages"][0]["binary"]["circuits"][0]["vk"];
    assert!(key["found"]["offset"].is_u64() || key == "in_words", "{report:#}");
    let (unjudged, report) = binary(&workspace.folder.path("wallet/src/main.rs"));
    assert_eq!(unjudged, ["source-unjudged", "key-not-found"], "{report:#}");
    assert_eq!(report["packages"][0]["binary"]["circuits"][0]["vk"], "not_found");
    // What is to be looked into is a file.
    assert_eq!(workspace.folder.run("guard-status --binary nothing").code, 2);
}

#[test]
fn a_build_that_the_guard_refuses_is_reported_with_its_words() {
    let workspace = Workspace::new();
    workspace.put("wallet/zk/verifying_key.rs", format!("{}\n", workspace.snippet));
    let (code, report) = workspace.built("");
    assert_eq!(code, 1);
    assert_eq!(codes(&report, |level| level == "error"), ["snippet-stale", "built-fails"]);
    let what = report["packages"][0]["findings"].to_string();
    assert!(
        what.contains(": the committed snippet is not the text that the approved bundle gives"),
        "{what}"
    );
}
