//! `guard-status`: a workspace as it should be, and every way in which a package's guard can be
//! wired badly. Crates that look guarded and are not stand in `deceit`.

mod deceit;

use std::num::NonZeroU32;
use std::path::Path;

use ceremony::{Ceremony, NOW, Parts, time};
use serde_json::Value;
use testkit::paper as ceremony;
use zk_attest::digest::PolicyDigest;
use zk_attest::primitives::CeremonyKind;
use zk_vk_guard::bundle::OnExpiry;
use zk_vk_guard::policy::Policy;
use zk_vk_guard::snippet::{self, Options};

use crate::kit::{Folder, Run, shown};

const LIB: &str = r#"#[cfg(feature = "zk-vk-provisioned")]
include!(concat!(env!("OUT_DIR"), "/verifying_key.rs"));
"#;
/// The guard of this checkout, with which the tested program was built.
const GUARD: &str =
    concat!("zk-vk-guard = { path = \"", env!("CARGO_MANIFEST_DIR"), "/../zk-vk-guard\" }");
const MANIFEST: &str = concat!(
    "[package]\nname = \"wallet\"\nversion = \"1.2.3\"\nedition = \"2024\"\n\n",
    "[features]\nzk-vk-provisioned = []\n\n",
    "[build-dependencies]\nzk-vk-guard = { path = \"",
    env!("CARGO_MANIFEST_DIR"),
    "/../zk-vk-guard\" }\n"
);

/// A workspace of one package, in which everything is in order.
struct Workspace {
    folder: Folder,
    pin: String,
    snippet: String,
}

impl Workspace {
    fn new() -> Self {
        Self::of(CeremonyKind::Production)
    }

    fn of(kind: CeremonyKind) -> Self {
        let ceremony = Ceremony::new(kind);
        Self::with(&ceremony.parts(), &ceremony.policy().to_json())
    }

    fn with(parts: &Parts, policy: &[u8]) -> Self {
        let folder = Folder::new();
        let sound = Policy::from_json(policy).unwrap();
        let verified = parts.bundle().unwrap().verify(&sound, &time(NOW), OnExpiry::Warn).unwrap();
        let snippet = snippet::text(&verified, Options::default()).unwrap();
        let workspace = Self { folder, pin: sound.digest().to_string(), snippet };
        workspace.put("Cargo.toml", "[workspace]\nmembers = [\"wallet\"]\nresolver = \"3\"\n");
        workspace.put("wallet/Cargo.toml", MANIFEST);
        workspace.put("wallet/src/lib.rs", LIB);
        workspace.put("wallet/zk/trust-policy.json", policy);
        workspace.put("wallet/zk/bundle.json", parts.json());
        workspace.put("wallet/zk/verifying_key.rs", &workspace.snippet);
        workspace.build_rs(&format!(
            "zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \"{}\").run();",
            workspace.pin
        ));
        workspace
    }

    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        std::fs::create_dir_all(self.folder.path(path).parent().unwrap()).unwrap();
        self.folder.write(path, bytes.as_ref());
    }

    /// build.rs with these statements in `main`.
    fn build_rs(&self, statements: &str) {
        self.put("wallet/build.rs", format!("fn main() {{\n    {statements}\n}}\n"));
    }

    /// build.rs with other calls on a guard that is right otherwise.
    fn guard(&self, calls: &str) {
        self.build_rs(&format!(
            "zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \"{}\"){calls};",
            self.pin
        ));
    }

    fn json(&self) -> (i32, Value) {
        let run = self.folder.run("guard-status --json");
        (
            run.code,
            serde_json::from_str(&run.stdout)
                .unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr)),
        )
    }

    /// Codes of the warnings of the first package.
    fn warnings(&self) -> Vec<String> {
        codes(&self.json().1, |level| level == "warning")
    }

    #[track_caller]
    fn is_wired(&self) {
        let (code, report) = self.json();
        assert_eq!((code, &report["result"]), (0, &Value::from("good")), "{report:#}");
    }

    /// Not wired, for exactly these reasons, each with something that mends it.
    #[track_caller]
    fn is_not_wired(&self, codes: &[&str]) {
        let (code, report) = self.json();
        assert_eq!((code, &report["result"]), (1, &Value::from("bad")), "{report:#}");
        assert_eq!(self::codes(&report, |level| level != "warning"), codes, "{report:#}");
        let findings = report["packages"][0]["findings"].as_array().unwrap();
        assert!(
            findings.iter().all(|finding| !finding["hint"].as_str().unwrap().is_empty()),
            "{report:#}"
        );
    }
}

/// A copy of the guard, and of all that cargo reads with it.
fn copy_of_the_guard() -> Folder {
    let (checkout, folder) = (Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), Folder::new());
    let root = std::fs::read_to_string(checkout.join("Cargo.toml")).unwrap();
    let members = root.find("members").unwrap()..root.find("[workspace.package]").unwrap();
    let few = root.replace(&root[members], "members = [\"zk-vk-guard\", \"zk-attest\"]\n\n");
    folder.write("Cargo.toml", few.as_bytes());
    let mut waiting: Vec<String> = [
        "zk-vk-guard",
        "zk-attest",
        "testkit",
        "ceremony-core",
        "bn254-batch",
        "bn254-batch-macros",
    ]
    .map(str::to_owned)
    .into();
    while let Some(path) = waiting.pop() {
        let from = checkout.join(&path);
        if from.is_dir() {
            std::fs::create_dir(folder.path(&path)).unwrap();
            let names = std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().file_name());
            waiting.extend(names.map(|name| format!("{path}/{}", name.display())));
        } else {
            folder.write(&path, &std::fs::read(&from).unwrap());
        }
    }
    folder
}

/// Codes of the findings of the first package, errors first.
fn codes(report: &Value, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let findings = report["packages"][0]["findings"].as_array().unwrap();
    let wanted = findings.iter().filter(|finding| wanted(finding["level"].as_str().unwrap()));
    wanted.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn snapshot(name: &str, run: &Run) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!(name, format!("$ zk-ceremony guard-status\n{}", shown(run)))
    });
}

#[test]
fn a_workspace_in_order_is_good_and_says_what_it_embeds() {
    let workspace = Workspace::new();
    workspace.put(
        "Cargo.toml",
        "[workspace]\nmembers = [\"wallet\", \"unrelated\"]\nresolver = \"3\"\n",
    );
    workspace.put(
        "unrelated/Cargo.toml",
        "[package]\nname = \"unrelated\"\nversion = \"0.0.0\"\nedition = \"2024\"\n",
    );
    workspace.put("unrelated/src/lib.rs", "");
    let run = workspace.folder.run("guard-status");
    assert_eq!(run.code, 0);
    snapshot("guard_status_good", &run);
    let (_, report) = workspace.json();
    let packages = report["packages"].as_array().unwrap();
    assert_eq!(packages.len(), 1, "a package without keys is not listed");
    assert_eq!(packages[0]["embeds"]["circuits"][0], "attestation");
    assert_eq!(packages[0]["embeds"]["policy_sha256"], workspace.pin.as_str());
    assert_eq!(packages[0]["allows_rehearsals"], false);
}

#[test]
fn a_workspace_in_disorder_lists_every_finding_with_what_mends_it() {
    let workspace = Workspace::of(CeremonyKind::Rehearsal);
    workspace
        .put("Cargo.toml", "[workspace]\nmembers = [\"wallet\", \"watcher\"]\nresolver = \"3\"\n");
    workspace.put(
        "wallet/Cargo.toml",
        MANIFEST.replace("[features]\n", "[features]\ndefault = [\"zk-vk-provisioned\"]\n"),
    );
    workspace.put("wallet/src/lib.rs", "include!(\"../zk/verifying_key.rs\");");
    workspace.build_rs(&format!(
        "zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \"{}\").run();",
        "00".repeat(32)
    ));
    workspace.put(
        "watcher/Cargo.toml",
        "[package]\nname = \"watcher\"\nversion = \"0.1.0\"\nedition = \
         \"2024\"\n\n[features]\nzk-vk-provisioned = []\n",
    );
    workspace.put("watcher/src/main.rs", "fn main() {}");
    let run = workspace.folder.run("guard-status");
    assert_eq!(run.code, 1);
    snapshot("guard_status_bad", &run);
}

#[test]
fn help_has_an_example_and_the_exit_statuses() {
    let help = Folder::new().ours("guard-status --help");
    assert!(
        help.contains("Example")
            && help.contains("zk-ceremony guard-status")
            && help.contains("Exit status"),
        "{help}"
    );
}

#[test]
fn a_folder_without_a_workspace_and_one_without_keys_could_not_be_looked_at() {
    let folder = Folder::new();
    let run = folder.run("guard-status");
    assert_eq!(run.code, 2);
    assert!(
        run.stdout.is_empty() && run.stderr.contains("hint: name the workspace"),
        "{}",
        run.stderr
    );
    folder.write(
        "Cargo.toml",
        b"[package]\nname = \"plain\"\nversion = \"0.0.0\"\nedition = \"2024\"\n",
    );
    std::fs::create_dir(folder.path("src")).unwrap();
    folder.write("src/lib.rs", b"");
    let run = folder.run("guard-status --json");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("no package here embeds verifying keys"), "{}", run.stderr);
}

#[test]
fn this_repositorys_example_is_seen_as_not_provisioned_yet_or_as_wired() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let run = Folder::new().run(&format!("guard-status --json --manifest-path {manifest}"));
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let packages = report["packages"].as_array().unwrap();
    assert_eq!(
        packages.iter().map(|package| &package["package"]).collect::<Vec<_>>(),
        ["attestation"],
        "tools embed nothing"
    );
    let warnings: Vec<&Value> = packages[0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["level"] == "warning")
        .collect();
    assert!(warnings.iter().any(|finding| finding["code"] == "rehearsal-allowed"), "{report:#}");
}

#[test]
fn a_path_dependency_outside_of_the_workspace_is_looked_at_too() {
    let workspace = Workspace::new();
    workspace.put(
        "app/Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"0.0.0\"\nedition = \
         \"2024\"\n\n[dependencies]\nwallet = { path = \"../wallet\" }\n\n[workspace]\n",
    );
    workspace.put("app/src/main.rs", "fn main() {}");
    let manifest = "guard-status --json --manifest-path app/Cargo.toml";
    let report: Value = serde_json::from_str(&workspace.folder.ours(manifest)).unwrap();
    assert_eq!(report["packages"][0]["package"], "wallet");
    workspace.put("wallet/zk/verifying_key.rs", "");
    assert_eq!(workspace.folder.run(manifest).code, 1);
}

#[test]
fn a_guard_that_is_only_a_normal_dependency_is_found() {
    let workspace = Workspace::new();
    workspace.put("wallet/Cargo.toml", MANIFEST.replace("[build-dependencies]", "[dependencies]"));
    workspace.is_not_wired(&["build-dependency"]);
}

#[test]
fn a_package_that_embeds_is_not_excused_by_the_guards_name() {
    let workspace = Workspace::new();
    let named = MANIFEST.replace("\"wallet\"", "\"zk-vk-guard\"").replace(GUARD, "");
    workspace.put("wallet/Cargo.toml", named);
    workspace.is_not_wired(&["build-dependency"]);
}

#[test]
fn a_guard_that_is_optional_or_of_one_target_is_found() {
    let workspace = Workspace::new();
    workspace.put(
        "wallet/Cargo.toml",
        MANIFEST.replace("zk-vk-guard\" }", "zk-vk-guard\", optional = true }"),
    );
    workspace.is_not_wired(&["guard-optional"]);
    workspace.put(
        "wallet/Cargo.toml",
        MANIFEST.replace("[build-dependencies]", "[target.'cfg(windows)'.build-dependencies]"),
    );
    workspace.is_not_wired(&["guard-optional"]);
    workspace.put(
        "wallet/Cargo.toml",
        format!("{MANIFEST}\n[target.'cfg(windows)'.build-dependencies]\n{GUARD}\n"),
    );
    workspace.is_wired();
}

#[test]
fn a_missing_feature_is_found() {
    let workspace = Workspace::new();
    workspace.put("wallet/Cargo.toml", MANIFEST.replace("zk-vk-provisioned = []", ""));
    workspace.is_not_wired(&["feature-missing"]);
}

#[test]
fn a_feature_that_is_on_by_default_is_a_warning() {
    let workspace = Workspace::new();
    workspace.put(
        "wallet/Cargo.toml",
        MANIFEST.replace(
            "[features]\n",
            "[features]\ndefault = [\"full\"]\nfull = [\"zk-vk-provisioned\"]\n",
        ),
    );
    workspace.is_wired();
    assert_eq!(workspace.warnings(), ["feature-in-default"]);
}

#[test]
fn a_missing_build_script_is_found() {
    let workspace = Workspace::new();
    std::fs::remove_file(workspace.folder.path("wallet/build.rs")).unwrap();
    workspace.is_not_wired(&["build-script"]);
}

#[test]
fn a_build_script_that_does_not_run_the_guard_is_found() {
    let workspace = Workspace::new();
    workspace.build_rs("println!(\"cargo::rerun-if-changed=build.rs\");");
    workspace.is_not_wired(&["guard-call"]);
    workspace.guard("");
    workspace.is_not_wired(&["guard-call"]);
}

#[test]
fn a_build_script_of_known_forms_is_judged() {
    let workspace = Workspace::new();
    let arguments = format!("(\"zk/trust-policy.json\", \"{}\")", workspace.pin);
    for (before, statements) in [
        ("", format!("::zk_vk_guard::Guard::new{arguments}.run()")),
        ("use zk_vk_guard::Guard;", format!("Guard::new{arguments}.run();")),
        ("use ::zk_vk_guard::Guard;", format!("Guard::new{arguments}.run();")),
        ("//! Guards the key.", format!("zk_vk_guard::r#Guard::new{arguments}.r#run();")),
        (
            "/* nothing else */",
            format!(
                "println!(\"cargo:rerun-if-changed=zk\");\n    \
                 zk_vk_guard::Guard::new{arguments}.run(); // it is\n    \
                 println!(\"cargo::rerun-if-env-changed=CC\");"
            ),
        ),
    ] {
        workspace.put("wallet/build.rs", format!("{before}\nfn main() {{ {statements} }}\n"));
        workspace.is_wired();
    }
}

#[test]
fn a_build_script_of_any_other_form_cannot_be_judged() {
    let workspace = Workspace::new();
    let arguments = format!("(\"zk/trust-policy.json\", \"{}\")", workspace.pin);
    let new = format!("zk_vk_guard::Guard::new{arguments}");
    for (before, statements) in [
        ("use zk_vk_guard::{Guard as KeyGuard};", format!("KeyGuard::new{arguments}.run();")),
        ("use zk_vk_guard as guard;", format!("guard::Guard::new{arguments}.run();")),
        ("use zk_vk_guard::*;", format!("Guard::new{arguments}.run();")),
        ("extern crate zk_vk_guard;", format!("{new}.run();")),
        ("#![allow(unused)]", format!("{new}.run();")),
        ("struct Other;", format!("{new}.run();")),
        ("static TEXT: &str = \"\";", format!("{new}.run();")),
        ("const TEXT: &str = env!(\"PATH\");", format!("{new}.run();")),
        ("", format!("use zk_vk_guard::Guard; Guard::new{arguments}.run();")),
        ("", format!("let x = 1; {new}.run();")),
        ("", format!("{new}.run(); std::process::exit(0);")),
        ("", format!("println!(\"cargo:rustc-env=OUT_DIR=zk\"); {new}.run();")),
        ("", format!("println!(\"cargo:rerun-if-changed=a\\ncargo:rustc-env=X=1\"); {new}.run();")),
        ("", format!("println!(\"cargo:rerun-if-changed={{}}\", 1); {new}.run();")),
        ("", format!("zk_vk_guard::Guard::<u8>::new{arguments}.run();")),
    ] {
        workspace.put("wallet/build.rs", format!("\n{before}\nfn main() {{ {statements} }}\n"));
        let (code, report) = workspace.json();
        let finding = &report["packages"][0]["findings"][0];
        assert_eq!((code, &finding["code"]), (1, &"guard-unjudged".into()), "{report:#}");
        let line = if before.is_empty() { 3 } else { 2 };
        let what = finding["what"].as_str().unwrap();
        assert!(what.starts_with(&format!("cannot be judged: build.rs:{line}: `")), "{what}");
    }
}

#[test]
fn what_cargo_can_be_told_beside_the_known_tables_cannot_be_judged() {
    let workspace = Workspace::new();
    let elsewhere = "[package]\nname = \"other\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
    workspace.put("other/Cargo.toml", elsewhere);
    workspace.put("other/src/lib.rs", "");
    let other = "other = { path = \"../other\" }\n";
    for (codes, manifest) in [
        (1, MANIFEST.replace("[features]", "links = \"keys\"\n\n[features]")),
        (1, format!("{MANIFEST}\n[lib]\npath = \"keys/lib.rs\"\n")),
        (1, format!("{MANIFEST}{other}")),
        (
            1,
            format!(
                "{MANIFEST}\n[dependencies]\nalloc = {{ path = \"../other\", package = \
                 \"other\" }}\n"
            ),
        ),
        (1, MANIFEST.replace("zk-vk-guard\" }", "zk-vk-guard\" }\n\n[replace]")),
    ] {
        workspace.put("wallet/keys/lib.rs", LIB);
        workspace.put("wallet/Cargo.toml", manifest);
        workspace.is_not_wired(&vec!["manifest-unjudged"; codes]);
    }
    workspace.put("wallet/Cargo.toml", MANIFEST);
    let root = "[workspace]\nmembers = [\"wallet\"]\nresolver = \"3\"\n";
    workspace.put("Cargo.toml", format!("{root}\n[patch.crates-io]\n{other}"));
    workspace.is_not_wired(&["manifest-unjudged"]);
    let run = workspace.folder.run("guard-status");
    assert!(
        run.stdout.contains("Cargo.toml:5: `patch` can change what is compiled"),
        "{}",
        run.stdout
    );
    workspace.put("Cargo.toml", root);
    workspace.put(".cargo/config.toml", "[alias]\nb = \"build\"\n[build]\njobs = 2\n");
    workspace.is_wired();
    for configuration in [
        "[build]\nrustflags = []\n",
        "[target.x86_64-unknown-linux-gnu.keys]\nrustc-cfg = []\n",
        "paths = [\"other\"]\n",
        "[env]\nOUT_DIR = \"zk\"\n",
        "[patch.crates-io]\n",
    ] {
        workspace.put(".cargo/config.toml", configuration);
        workspace.is_not_wired(&["manifest-unjudged"]);
    }
    workspace.put(".cargo/config.toml", "");
    workspace.put("wallet/rust-toolchain.toml", "[toolchain]\npath = \"/other\"\n");
    workspace.is_not_wired(&["manifest-unjudged"]);
}

#[test]
fn a_guard_under_another_name_and_another_package_under_its_name_cannot_be_judged() {
    let workspace = Workspace::new();
    let renamed = MANIFEST
        .replace("zk-vk-guard = {", "key-guard = {")
        .replace("zk-vk-guard\" }", "zk-vk-guard\", package = \"zk-vk-guard\" }");
    workspace.put("wallet/Cargo.toml", renamed);
    workspace.is_not_wired(&["manifest-unjudged"]);
    workspace.put(
        "other/Cargo.toml",
        "[package]\nname = \"other\"\nversion = \"0.0.0\"\nedition = \"2024\"\n",
    );
    workspace.put("other/src/lib.rs", "");
    let other = "zk-vk-guard = { path = \"../other\", package = \"other\" }";
    workspace.put("wallet/Cargo.toml", MANIFEST.replace(GUARD, other));
    workspace.is_not_wired(&["build-dependency", "manifest-unjudged"]);
}

#[test]
fn the_guard_is_known_by_its_source_and_not_by_its_name() {
    let workspace = Workspace::new();
    let at = |guard: &str| {
        let command = format!("guard-status --json --guard {guard}");
        let run = workspace.folder.run(&command);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        (run.code, codes(&report, |level| level != "warning"))
    };
    let differs = (1, vec!["guard-source".to_owned()]);
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../zk-vk-guard");
    assert_eq!(at(ours), (0, Vec::new()));
    assert_eq!(at("."), differs);
    // A folder with the same name, and with one file more than the guard's.
    let copy = copy_of_the_guard();
    let folder = copy.path("zk-vk-guard").display().to_string();
    let elsewhere = format!("zk-vk-guard = {{ path = \"{folder}\" }}");
    workspace.put("wallet/Cargo.toml", MANIFEST.replace(GUARD, &elsewhere));
    workspace.is_wired();
    copy.write("zk-vk-guard/build.rs", b"fn main() {}");
    workspace.is_not_wired(&["guard-source"]);
    assert_eq!(at(&folder), (0, Vec::new()), "it was reviewed");
    // A package of the registry, which is not this project's: by its checksum.
    workspace.put("wallet/Cargo.toml", MANIFEST.replace(GUARD, "zk-vk-guard = \"0.1\""));
    workspace.is_not_wired(&["guard-source"]);
    let checksum = "ab".repeat(32);
    let lock = format!(
        "version = 4\n\n[[package]]\nname = \"zk-vk-guard\"\nversion = \"0.1.0\"\nsource = \
         \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{checksum}\"\n"
    );
    workspace.put("Cargo.lock", &lock);
    workspace.is_not_wired(&["guard-source"]);
    assert_eq!(at(&checksum), (0, Vec::new()));
    assert_eq!(at(&"cd".repeat(32)), differs);
    // Of git: by its commit.
    let git = "zk-vk-guard = { git = \"https://example.org/zk\" }";
    workspace.put("wallet/Cargo.toml", MANIFEST.replace(GUARD, git));
    let source = format!("git+https://example.org/zk#{}", "c".repeat(40));
    workspace.put(
        "Cargo.lock",
        lock.replace("registry+https://github.com/rust-lang/crates.io-index", &source),
    );
    workspace.is_not_wired(&["guard-source"]);
    assert_eq!(at(&source), (0, Vec::new()));
    assert_eq!(at(&source.replace('c', "d")), differs);
}

#[test]
fn arguments_may_be_constants_of_the_build_script() {
    let workspace = Workspace::new();
    let main = "fn main() { zk_vk_guard::Guard::new(\"zk/trust-policy.json\", PIN).run(); }";
    workspace.put(
        "wallet/build.rs",
        format!("/// Reviewed.\nconst PIN: &str = \"{}\";\n{main}", workspace.pin),
    );
    workspace.is_wired();
    workspace.put(
        "wallet/build.rs",
        format!(
            "#[cfg(unix)]\nconst PIN: &str = \"{}\";\n#[cfg(not(unix))]\nconst PIN: &str = \
             \"\";\n{main}",
            workspace.pin
        ),
    );
    workspace.is_not_wired(&["guard-unjudged"]);
}

#[test]
fn what_cannot_be_judged_is_said_to_be_so_and_counts_as_not_wired() {
    let workspace = Workspace::new();
    let new = format!("zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \"{}\")", workspace.pin);
    for statements in [
        format!("let guard = {new}; guard.run();"),
        format!("if std::env::var_os(\"CI\").is_some() {{ {new}.run(); }}"),
        format!("#[cfg(feature = \"zk-vk-provisioned\")] {new}.run();"),
        format!("if std::env::var_os(\"FAST\").is_some() {{ return; }} {new}.run();"),
        format!("std::process::exit(0); {new}.run();"),
        format!("{new}.run(); {new}.run();"),
        format!("guarded!({new}.run());"),
        format!("{new}.clone().run();"),
        format!("{new}.bundle(path()).run();"),
        "zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \
         &std::env::var(\"PIN\").unwrap()).run();"
            .to_owned(),
        format!("{new}.run(); std::fs::write(out.join(\"verifying_key.rs\"), \"\").unwrap();"),
    ] {
        workspace.build_rs(&statements);
        workspace.is_not_wired(&["guard-unjudged"]);
        assert!(
            workspace.folder.run("guard-status").stdout.contains("cannot be judged"),
            "{statements}"
        );
    }
    for file in [
        format!("mod zk_vk_guard {{ pub struct Guard; }}\nfn main() {{ {new}.run(); }}"),
        format!("#[cfg(unix)]\nfn main() {{ {new}.run(); }}"),
        format!("fn main() {{ setup(); {new}.run(); }}\nfn setup() {{ std::process::exit(0); }}"),
        format!(
            "fn main() {{ unsafe {{ std::env::remove_var(\"CARGO_FEATURE_ZK_VK_PROVISIONED\") }}; \
             {new}.run(); }}"
        ),
        "include!(\"build/main.rs\");".to_owned(),
        "fn main() {".to_owned(),
        format!("fn main() {{ {new}.run(); }}\nconst DEEP: u8 = {}1;", "!".repeat(100_000)),
    ] {
        workspace.put("wallet/build.rs", &file);
        workspace.is_not_wired(&["guard-unjudged"]);
    }
}

#[test]
fn a_policy_that_is_not_the_pinned_one_is_found_and_hides_nothing() {
    let workspace = Workspace::new();
    workspace.build_rs(&format!(
        "zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \"{}\").run();",
        "00".repeat(32)
    ));
    workspace.is_not_wired(&["policy-pin"]);
    workspace.put(
        "wallet/zk/verifying_key.rs",
        workspace.snippet.replace("SERIAL: u64 = 7", "SERIAL: u64 = 9"),
    );
    workspace.is_not_wired(&["policy-pin", "snippet-stale"]);
}

#[test]
fn an_unsound_policy_is_found() {
    let workspace = Workspace::new();
    let mut policy = Ceremony::new(CeremonyKind::Production).policy();
    policy.roles.release.threshold = NonZeroU32::new(4).unwrap();
    let bytes = policy.to_json();
    workspace.put("wallet/zk/trust-policy.json", &bytes);
    workspace.build_rs(&format!(
        "zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \"{}\").run();",
        PolicyDigest::of(&bytes)
    ));
    workspace.is_not_wired(&["policy-unsound"]);
}

#[test]
fn a_bundle_that_the_policy_does_not_approve_is_found() {
    let workspace = Workspace::new();
    workspace.put(
        "wallet/zk/bundle.json",
        Ceremony::new(CeremonyKind::Production).parts().signed_by(&["release-1"]).json(),
    );
    workspace.is_not_wired(&["threshold-not-met"]);
    std::fs::remove_file(workspace.folder.path("wallet/zk/bundle.json")).unwrap();
    workspace.is_not_wired(&["file-missing"]);
}

#[test]
fn a_stale_snippet_is_found_with_the_crates_own_paths() {
    let workspace = Workspace::new();
    workspace.guard(".snippet(\"keys/vk.rs\").bundle(\"zk/bundle.json\")");
    workspace.put("wallet/keys/vk.rs", format!("{}\n", workspace.snippet));
    workspace.guard(".snippet(\"keys/vk.rs\").run()");
    workspace.is_not_wired(&["snippet-stale"]);
    let report = workspace.folder.run("guard-status").stdout;
    assert!(report.contains("--out keys/vk.rs"), "{report}");
    assert!(
        report.contains("cargo install --locked --path zk-embed"),
        "it is on no registry: {report}"
    );
    workspace.put("wallet/keys/vk.rs", &workspace.snippet);
    workspace.is_wired();
    workspace.guard(".snippet(\"keys/vk.rs\").arkworks().run()");
    workspace.is_not_wired(&["snippet-stale"]);
}

#[test]
fn keys_whose_points_are_no_points_are_found_although_the_guard_accepts_them() {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let mut forms = ceremony.vk("attestation", 2).forms();
    // x of the last input point on no curve, in both forms alike: bytes alone do not show it.
    let (compressed, uncompressed) = (forms.compressed.len() - 32, forms.uncompressed.len() - 64);
    let off_curve = (0..=u8::MAX).find(|byte| {
        forms.compressed[compressed] = *byte;
        !on_curve(&forms.compressed[compressed..])
    });
    forms.uncompressed[uncompressed] = off_curve.unwrap();
    let workspace = Workspace::with(&ceremony.parts_of_key(forms), &ceremony.policy().to_json());
    workspace.is_not_wired(&["key-point"]);
}

fn on_curve(compressed: &[u8]) -> bool {
    use ark_serialize::CanonicalDeserialize;
    ark_bn254::G1Affine::deserialize_compressed(compressed).is_ok()
}

#[test]
fn a_rehearsal_without_consent_is_found_and_with_consent_is_a_warning() {
    let workspace = Workspace::of(CeremonyKind::Rehearsal);
    workspace.is_not_wired(&["rehearsal-not-allowed"]);
    workspace.guard(".allow_rehearsal().run()");
    workspace.is_wired();
    assert_eq!(workspace.warnings(), ["rehearsal-allowed"]);
    assert_eq!(workspace.json().1["packages"][0]["allows_rehearsals"], true);
}

#[test]
fn an_expired_bundle_is_a_warning() {
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let parts = ceremony.parts().restate(|p| {
        (p.issued, p.not_after) = (time("2020-01-01T00:00:00Z"), time("2020-02-01T00:00:00Z"))
    });
    let workspace = Workspace::with(&parts, &ceremony.policy().to_json());
    workspace.is_wired();
    assert_eq!(workspace.warnings(), ["expired"]);
}

#[test]
fn a_package_that_does_not_include_the_guards_file_is_found() {
    let workspace = Workspace::new();
    for lib in [
        "",
        "// include!(concat!(env!(\"OUT_DIR\"), \"/verifying_key.rs\"));",
        "const TEXT: &str = include_str!(concat!(env!(\"OUT_DIR\"), \"/verifying_key.rs\"));",
    ] {
        workspace.put("wallet/src/lib.rs", lib);
        workspace.is_not_wired(&["include-missing"]);
    }
    for lib in [
        "include!(concat!(env!(\"OUT_DIR\"), \"/other.rs\"));",
        "include!(concat!(env!(\"OUT_DIR\"), \"/../verifying_key.rs\"));",
        "fn inner() { include!(concat!(env!(\"OUT_DIR\"), \"/verifying_key.rs\")); }",
        "#[cfg(unix)] include!(concat!(env!(\"OUT_DIR\"), \"/verifying_key.rs\"));",
        "std::include!(concat!(env!(\"OUT_DIR\"), \"/verifying_key.rs\"));",
    ] {
        workspace.put("wallet/src/lib.rs", lib);
        workspace.is_not_wired(&["include-missing", "source-unjudged"]);
    }
    workspace.put("wallet/src/lib.rs", "mod keys;");
    workspace.put("wallet/src/keys.rs", LIB);
    workspace.is_wired();
}

#[test]
fn a_source_that_reaches_the_committed_snippet_is_found() {
    let workspace = Workspace::new();
    for around in [
        "include!(\"../zk/verifying_key.rs\");",
        "r#include!(\"../zk/verifying_key.rs\");",
        "const TEXT: &str = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \
         \"/zk/verifying_key.rs\"));",
        "#[path = \"../zk/verifying_key.rs\"] mod unchecked;",
        "mod inner { #[path = \"../../zk/verifying_key.rs\"] mod unchecked; }",
        "#[cfg_attr(unix, path = \"../zk/verifying_key.rs\")] mod unchecked;",
        "cfg_if::cfg_if! { if #[cfg(unix)] { include!(\"../zk/verifying_key.rs\"); } }",
        "include!(\"../zk/older.rs\");",
    ] {
        workspace.put(
            "wallet/zk/older.rs",
            workspace.snippet.replace("SERIAL: u64 = 7", "SERIAL: u64 = 6"),
        );
        workspace.put("wallet/src/lib.rs", format!("{LIB}{around}"));
        let (code, report) = workspace.json();
        let errors = codes(&report, |level| level == "error");
        assert_eq!((code, errors), (1, vec!["include-committed".to_owned()]), "{report:#}");
    }
}

#[test]
fn no_corner_of_the_sources_is_left_out() {
    let workspace = Workspace::new();
    let reach = "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/zk/verifying_key.rs\"));";
    for (file, through, codes) in [
        ("src/target/mod.rs", "", &["include-committed"][..]),
        ("src/nested/mod.rs", "", &["include-committed"]),
        ("src/.hidden/mod.rs", "", &["include-committed"]),
        ("src/tagged/mod.rs", "", &["include-committed"]),
        ("src/keys.inc", "include!(\"keys.inc\");", &["include-committed"]),
        ("parts/keys", "include!(\"../parts/keys\");", &["include-committed", "source-unjudged"]),
    ] {
        workspace.put("wallet/src/tagged/CACHEDIR.TAG", "");
        workspace.put("wallet/src/CACHEDIR.TAG", "");
        workspace.put("wallet/src/nested/Cargo.toml", "");
        workspace.put("wallet/src/lib.rs", format!("{LIB}{through}"));
        workspace.put(&format!("wallet/{file}"), reach);
        workspace.is_not_wired(codes);
        std::fs::remove_file(workspace.folder.path(&format!("wallet/{file}"))).unwrap();
    }
    workspace.put("wallet/src/lib.rs", LIB);
    workspace.is_wired();
    // What a build leaves, and other packages, are not this package's sources.
    workspace.put("wallet/target/debug/keys.rs", reach);
    workspace.put("wallet/other/Cargo.toml", "");
    workspace.put("wallet/other/keys.rs", reach);
    workspace.is_wired();
    workspace.put("shared/keys.rs", "");
    workspace
        .put("wallet/src/lib.rs", format!("{LIB}#[path = \"../../shared/keys.rs\"] mod keys;"));
    workspace.is_not_wired(&["source-unjudged"]);
}

#[test]
fn an_include_that_leads_nobody_knows_where_is_said_to_be_unjudged() {
    let workspace = Workspace::new();
    for around in [
        "include!(env!(\"KEYS\"));",
        "include!(\"nothing.rs\");",
        "use std::include as take;",
        "macro_rules! take { ($m:ident) => { $m!(1); } }",
        "macro_rules! take { ($m:path) => { $m!{1} } }",
        "macro_rules! env { () => {} }",
        "macro_rules! include_str { ($($t:tt)*) => {} }",
        "use other::env;",
        "use other::{inner::{self as x, concat}};",
        "use other::prelude::*;",
        "extern crate other as std;",
        "#[macro_use] extern crate other;",
        "mod core {}",
        "other::embed!(1);",
        "embed!{1}",
        "#[derive(Clone, other::Embed)] struct S;",
        "#[other::embed] struct S;",
        "#[path = \"a.rs\"] mod a;",
        "mod inner { #[path = \"lib.rs\"] mod a; }",
    ] {
        workspace.put("wallet/src/lib.rs", format!("{LIB}{around}\n"));
        let (code, report) = workspace.json();
        let mut unjudged = codes(&report, |level| level != "warning");
        unjudged.dedup();
        assert_eq!(
            (code, unjudged),
            (1, vec!["source-unjudged".to_owned()]),
            "{around}: {report:#}"
        );
        let what = report["packages"][0]["findings"][0]["what"].as_str().unwrap();
        assert!(what.starts_with("cannot be judged: src/lib.rs:3: "), "{what}");
    }
    // Plain Rust is judged, with macros of the toolchain and of the package itself.
    workspace.put(
        "wallet/src/lib.rs",
        format!(
            "#![no_std]\n#![deny(missing_docs)]\nextern crate alloc;\n{LIB}use \
             alloc::{{vec, format as text}};\nuse core::fmt::*;\nmacro_rules! own {{ ($a:expr) => \
             {{ if !($a) {{ panic!(\"{{}}\", $a) }} }} }}\n#[derive(Clone, Debug)]\n#[must_use]\n\
             #[cfg_attr(unix, inline)]\n\
             #[doc = include_str!(\"../zk/bundle.json\")]\nstruct S(u8);\n\
             fn f(a: u8) {{ own!(a != 1); crate::own!(a == 2); vec![1]; core::assert!(!(a == 3)); \
             return !(1); }}\n"
        ),
    );
    workspace.is_wired();
    workspace.put("wallet/src/lib.rs", LIB);
    workspace.put(
        "wallet/src/deep.rs",
        format!("const DEEP: u8 = {}1{};", "(".repeat(100_000), ")".repeat(100_000)),
    );
    workspace.is_wired();
    workspace.put("wallet/src/broken.rs", "fn broken( {");
    workspace.is_not_wired(&["source-unjudged"]);
}

#[test]
fn a_key_among_the_sources_is_found() {
    let workspace = Workspace::new();
    workspace.put("wallet/src/lib.rs", format!("{LIB}mod old {{ {} }}", workspace.snippet));
    let (code, report) = workspace.json();
    let errors = codes(&report, |level| level == "error");
    assert_eq!((code, errors), (1, vec!["snippet-in-sources".to_owned()]), "{report:#}");
    for digits in ["ab".repeat(224), "\\xab".repeat(224)] {
        workspace.put("wallet/src/lib.rs", format!("{LIB}const KEY: &[u8] = b\"{digits}\";"));
        workspace.is_not_wired(&["key-in-sources"]);
    }
    workspace
        .put("wallet/src/lib.rs", format!("{LIB}const HASH: &[u8] = b\"{}\";", "ab".repeat(32)));
    workspace.is_wired();
}

#[test]
fn a_snippet_among_the_packages_own_modules_is_found() {
    let workspace = Workspace::new();
    workspace.put("wallet/src/keys.rs", &workspace.snippet);
    workspace.is_not_wired(&["snippet-in-sources"]);
    workspace.guard(".snippet(\"src/keys.rs\").run()");
    workspace.is_not_wired(&["snippet-in-sources"]);
    std::fs::remove_file(workspace.folder.path("wallet/src/keys.rs")).unwrap();
    workspace.guard(".run()");
    std::os::unix::fs::symlink(
        "../zk/verifying_key.rs",
        workspace.folder.path("wallet/src/keys.rs"),
    )
    .unwrap();
    workspace.is_not_wired(&["snippet-in-sources"]);
    std::fs::remove_file(workspace.folder.path("wallet/src/keys.rs")).unwrap();
    std::os::unix::fs::symlink("../zk", workspace.folder.path("wallet/src/zk")).unwrap();
    std::os::unix::fs::symlink(".", workspace.folder.path("wallet/src/circle")).unwrap();
    workspace.is_not_wired(&["snippet-in-sources"]);
}

#[test]
fn a_package_that_embeds_a_snippet_without_any_guard_is_listed() {
    let workspace = Workspace::new();
    workspace.put(
        "wallet/Cargo.toml",
        "[package]\nname = \"wallet\"\nversion = \"1.2.3\"\nedition = \"2024\"\nbuild = false\n",
    );
    workspace.put("wallet/src/lib.rs", "include!(\"../zk/verifying_key.rs\");");
    workspace.is_not_wired(&[
        "feature-missing",
        "build-dependency",
        "build-script",
        "include-missing",
        "include-committed",
    ]);
}
