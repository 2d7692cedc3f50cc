//! The rehearsal as CI runs it: killed at any moment it goes on after its last finished step, and
//! its report opens in a browser.

mod everything;

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::kit::Folder;
use crate::kit::ceremony::{circuit, files};

/// Moments at which it is killed. What a machine does in so many milliseconds differs; that no step
/// is lost must not.
const MOMENTS: [u64; 10] = [40, 90, 150, 230, 330, 450, 600, 800, 1000, 1300];

fn rehearse(folder: &Folder, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zk-ceremony"));
    command
        .args([
            "ceremony",
            "--out",
            "out",
            "--circuit",
            "circuit.r1cs",
            "--participants",
            "3",
            "--no-build",
        ])
        .args(more);
    command
        .current_dir(folder.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// Files of the shared folder that make up finished steps: data with their attestations, and keys.
fn finished(folder: &Folder) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let shared = folder.path("out/ceremony");
    let all = if shared.exists() { files(&shared) } else { Vec::new() };
    let is_step = |path: &std::path::Path| {
        path.extension().is_some_and(|extension| extension == "ptau" || extension == "zkey")
    };
    let mut steps: Vec<_> = all.into_iter().filter(|(path, _)| is_step(path)).collect();
    let attestations = steps.clone().into_iter().map(|(path, _)| path.with_extension("dsse.json"));
    steps.extend(
        attestations
            .map(|path| (path.clone(), fs::read(&path).expect("a step has its attestation")))
            .collect::<Vec<_>>(),
    );
    steps
}

#[test]
fn killed_at_ten_moments_it_loses_no_finished_step_and_ends_the_same() {
    let folder = Folder::new();
    folder.write("circuit.r1cs", &circuit(3));
    let mut known: Vec<(std::path::PathBuf, Vec<u8>)> = Vec::new();
    for moment in MOMENTS {
        let mut child = rehearse(&folder, &["--resume"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
        // What was finished before is still there, byte for byte. (A party that outlives its parent
        // may add a step.)
        let now = finished(&folder);
        for (path, bytes) in &known {
            assert!(
                now.iter().any(|(p, b)| p == path && b == bytes),
                "{} is lost or changed",
                path.display()
            );
        }
        known = now;
    }
    let output = rehearse(&folder, &["--resume"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let last = finished(&folder);
    assert!(known.iter().all(|step| last.contains(step)));
    // Two openings, two times three contributions and a beacon, and the prepared file; each with
    // its attestation.
    assert_eq!(last.len(), 2 * 11);
    let report: serde_json::Value =
        serde_json::from_slice(&folder.read("out/ceremony/report.json")).unwrap();
    assert_eq!(report["result"], "good");
    // Once more, it finds everything done.
    let again = rehearse(&folder, &["--resume"]).output().unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert!(!String::from_utf8_lossy(&again.stderr).contains("contributes"));
    assert_eq!(finished(&folder), last);
    assert_eq!(
        rehearse(&folder, &[]).output().unwrap().status.code(),
        Some(2),
        "without --resume nothing is touched"
    );
    let policy = fs::read(folder.path("out/zk/trust-policy.json")).unwrap();
    let policy = zk_vk_guard::Policy::from_json(&policy).unwrap();
    assert_eq!(policy.kind(), zk_attest::primitives::CeremonyKind::Rehearsal);

    the_report_opens_in_a_browser(&folder);
}

/// A circuit that is not ours, and powers of tau that are not ours either, down to a build under
/// the guard.
#[test]
fn a_circom_circuit_and_snarkjs_powers_go_through_to_a_guarded_build() {
    let folder = Folder::new();
    let ci = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci");
    testkit::circuits::compile("one_constraint", &[], &folder.path(""));
    folder.snarkjs("powersoftau new bn128 5 0.ptau");
    folder.snarkjs("powersoftau contribute 0.ptau 1.ptau -n=else -e=dice");
    let line = format!(
        "ceremony --out out --circuit one_constraint.r1cs --ptau 1.ptau --participants 2 \
         --checkout {}",
        ci.parent().unwrap().display()
    );
    let said = folder.ours(&line);
    assert!(said.contains("guarded build"), "{said}");
    let snippet = fs::read_to_string(folder.path("out/zk/verifying_key.rs")).unwrap();
    assert!(
        snippet.contains("pub mod rehearsed")
            && snippet.contains("pub const PRODUCTION: bool = false;")
    );
    let transcript = zk_vk_guard::transcript::CheckedTranscript::from_json(
        &folder.read("out/ceremony/transcript.json"),
    )
    .unwrap();
    assert_eq!(
        transcript.transcript().phase1.start.origin,
        zk_vk_guard::transcript::Origin::External
    );
    assert_eq!(
        transcript.phase1_contributors().len(),
        2,
        "the file was open, so participants contributed to it"
    );
}

/// In a real browser, without a network, the page shows the chain and asks for nothing from
/// outside.
fn the_report_opens_in_a_browser(folder: &Folder) {
    let page = folder.path("out/ceremony/report.html");
    let text = fs::read_to_string(&page).unwrap();
    for outside in ["http://", "https://", "<script", "src=", "@import", "url("] {
        assert!(!text.contains(outside), "the report refers to {outside}");
    }
    assert!(
        text.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""),
        "and may load nothing"
    );
    let profile = folder.path("profile");
    let browser = |more: &[&str]| {
        let mut command = Command::new("chromium");
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND",
        ]);
        command
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(more)
            .arg(format!("file://{}", page.display()));
        let output = command.stdin(Stdio::null()).output();
        let output =
            output.expect("chromium is not installed: run ./ci/test.sh, which installs it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let noise = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!noise.contains(":CONSOLE"), "the page has errors: {noise}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let dom = browser(&["--dump-dom"]);
    assert!(dom.contains("<span id=\"result\" class=\"result good\">good</span>"), "{dom}");
    assert_eq!(
        dom.matches("class=\"step contribution\"").count(),
        6,
        "three contributions to each phase are drawn"
    );
    assert_eq!(dom.matches("class=\"step beacon\"").count(), 2);
    for width in [400, 1400] {
        let picture = folder.path(&format!("report-{width}.png"));
        browser(&[
            "--enable-logging=stderr",
            &format!("--window-size={width},2000"),
            &format!("--screenshot={}", picture.display()),
        ]);
        assert!(
            fs::metadata(&picture).unwrap().len() > 20_000,
            "the page is not blank at {width} px"
        );
    }
}
