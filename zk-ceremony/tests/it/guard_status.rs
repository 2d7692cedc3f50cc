//! `guard-status`: a workspace as it should be, and every way in which a package's guard can be
//! wired badly.

use std::num::NonZeroU32;

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
const MANIFEST: &str = "[package]\nname = \"wallet\"\nversion = \"1.2.3\"\nedition = \
                        \"2024\"\n\n[features]\nzk-vk-provisioned = \
                        []\n\n[build-dependencies]\nzk-vk-guard = \"0.1\"\n";

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

    /// Codes of the findings of the first package, errors first.
    fn codes(&self, level: &str) -> Vec<String> {
        let (_, report) = self.json();
        let findings = report["packages"][0]["findings"].as_array().unwrap();
        let of_level = findings.iter().filter(|finding| finding["level"] == level);
        of_level.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
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
        assert_eq!(self.codes("error"), codes, "{report:#}");
        let findings = report["packages"][0]["findings"].as_array().unwrap();
        assert!(
            findings.iter().all(|finding| !finding["hint"].as_str().unwrap().is_empty()),
            "{report:#}"
        );
    }
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
fn a_guard_that_is_optional_or_of_one_target_is_found() {
    let workspace = Workspace::new();
    workspace.put(
        "wallet/Cargo.toml",
        MANIFEST.replace("\"0.1\"", "{ version = \"0.1\", optional = true }"),
    );
    workspace.is_not_wired(&["guard-optional"]);
    workspace.put(
        "wallet/Cargo.toml",
        MANIFEST.replace("[build-dependencies]", "[target.'cfg(windows)'.build-dependencies]"),
    );
    workspace.is_not_wired(&["guard-optional"]);
    workspace.put(
        "wallet/Cargo.toml",
        format!("{MANIFEST}\n[target.'cfg(windows)'.build-dependencies]\nzk-vk-guard = \"0.1\"\n"),
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
    assert_eq!(workspace.codes("warning"), ["feature-in-default"]);
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
fn a_guard_under_another_name_is_recognised() {
    let workspace = Workspace::new();
    let arguments = format!("(\"zk/trust-policy.json\", \"{}\")", workspace.pin);
    for (uses, new) in [
        ("use zk_vk_guard::Guard;", "Guard::new"),
        ("use zk_vk_guard::{Guard as KeyGuard, Code};", "KeyGuard::new"),
        ("use zk_vk_guard as guard;", "guard::Guard::new"),
        ("use zk_vk_guard::{self as guard};", "guard::Guard::new"),
        ("use ::zk_vk_guard::build_script::Guard;", "Guard::new"),
        ("extern crate zk_vk_guard as guard;", "guard::Guard::new"),
        ("use zk_vk_guard::*;", "Guard::new"),
        ("", "::zk_vk_guard::Guard::new"),
    ] {
        workspace
            .put("wallet/build.rs", format!("{uses}\nfn main() {{ {new}{arguments}.run() }}\n"));
        workspace.is_wired();
    }
    workspace.put(
        "wallet/build.rs",
        format!(
            "fn main() {{ println!(\"cargo::x\"); zk_vk_guard::Guard::new{arguments}.run(); \
             std::process::exit(0); }}"
        ),
    );
    workspace.is_wired();
    workspace.put(
        "wallet/build.rs",
        format!("fn main() {{ use zk_vk_guard::Guard; Guard::new{arguments}.run(); }}\n"),
    );
    workspace.is_wired();
    workspace.put(
        "wallet/Cargo.toml",
        MANIFEST.replace(
            "zk-vk-guard = \"0.1\"",
            "key-guard = { version = \"0.1\", package = \"zk-vk-guard\" }",
        ),
    );
    workspace.put(
        "wallet/build.rs",
        format!("fn main() {{ key_guard::Guard::new{arguments}.run(); }}\n"),
    );
    workspace.is_wired();
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
    assert!(workspace.folder.run("guard-status").stdout.contains("--out keys/vk.rs"));
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
    assert_eq!(workspace.codes("warning"), ["rehearsal-allowed"]);
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
    assert_eq!(workspace.codes("warning"), ["expired"]);
}

#[test]
fn a_package_that_does_not_include_the_guards_file_is_found() {
    let workspace = Workspace::new();
    for lib in [
        "",
        "// include!(concat!(env!(\"OUT_DIR\"), \"/verifying_key.rs\"));",
        "include!(concat!(env!(\"OUT_DIR\"), \"/other.rs\"));",
        "const TEXT: &str = include_str!(concat!(env!(\"OUT_DIR\"), \"/verifying_key.rs\"));",
    ] {
        workspace.put("wallet/src/lib.rs", lib);
        workspace.is_not_wired(&["include-missing"]);
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
        workspace.is_not_wired(&["include-committed"]);
    }
}

#[test]
fn no_corner_of_the_sources_is_left_out() {
    let workspace = Workspace::new();
    let reach = "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/zk/verifying_key.rs\"));";
    for (file, through) in [
        ("src/target/mod.rs", ""),
        ("src/nested/mod.rs", ""),
        ("src/.hidden/mod.rs", ""),
        ("src/keys.inc", "include!(\"keys.inc\");"),
        ("parts/keys", "include!(\"../parts/keys\");"),
    ] {
        workspace.put("wallet/src/nested/Cargo.toml", "");
        workspace.put("wallet/src/lib.rs", format!("{LIB}{through}"));
        workspace.put(&format!("wallet/{file}"), reach);
        workspace.is_not_wired(&["include-committed"]);
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
        "macro_rules! take { ($path:expr) => { include!($path); } }",
        "use std::include as take;",
    ] {
        workspace.put("wallet/src/lib.rs", format!("{LIB}{around}"));
        workspace.is_not_wired(&["source-unjudged"]);
    }
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
