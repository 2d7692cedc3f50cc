//! Time stamps of a service of the test's, by the commands that the runbook has, and what reports
//! say of evidence.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::kit::ceremony::World;

const TSA: &str = "
[tsa]
default_tsa = it
[it]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
[stamps]
extendedKeyUsage = critical,timeStamping
";

#[track_caller]
fn openssl(place: &Path, line: &str) -> (bool, String) {
    let run = Command::new("sh")
        .args(["-c", line])
        .current_dir(place)
        .output()
        .expect("openssl is not installed: ./ci/test.sh installs it");
    let said = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
    (run.status.success(), said.into_owned())
}

/// The runbook's own lines.
fn runbook() -> Vec<String> {
    let book = concat!(env!("CARGO_MANIFEST_DIR"), "/../RUNBOOK.md");
    let text = fs::read_to_string(book).unwrap();
    text.lines()
        .map(str::trim)
        .filter(|line| line.starts_with("openssl ts "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_transcript_is_stamped_by_the_runbooks_commands_and_listed_in_the_report() {
    let world = World::finished();
    world.ok("coordinator", "ceremony verify shared");
    let place = world.path("coordinator", "");
    fs::create_dir_all(world.shared("evidence")).unwrap();
    fs::write(place.join("tsa.cnf"), TSA).unwrap();
    fs::write(place.join("serial"), "01\n").unwrap();
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for line in [
        &format!("openssl req -x509 {new} -keyout ca.key -out tsa-ca.pem -days 30 -subj /CN=ca"),
        &format!("openssl req {new} -keyout tsa.key -out tsa.csr -subj /CN=stamps"),
        "openssl x509 -req -in tsa.csr -CA tsa-ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem \
         -days 30 -extfile tsa.cnf -extensions stamps",
    ] {
        let (good, said) = openssl(&place, line);
        assert!(good, "{line}\n{said}");
    }
    let commands = runbook();
    let [query, verify, show] = commands.as_slice() else { panic!("{commands:?}") };
    let (good, said) = openssl(&place, query);
    assert!(good, "{query}\n{said}");
    // What curl would bring from the service.
    let (good, said) = openssl(
        &place,
        "openssl ts -reply -config tsa.cnf -section it -queryfile \
         shared/evidence/transcript.json.tsq -signer tsa.pem -inkey tsa.key -out \
         shared/evidence/transcript.json.tsr",
    );
    assert!(good, "{said}");
    let (good, said) = openssl(&place, verify);
    assert!(good && said.contains("Verification: OK"), "{verify}\n{said}");
    let (good, said) = openssl(&place, show);
    assert!(good && said.contains("Time stamp:"), "{show}\n{said}");
    world.ok("coordinator", "ceremony verify shared");
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(world.shared("report.json")).unwrap()).unwrap();
    let found: Vec<(&str, &str, &str)> = report["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            let text = |key: &str| file[key].as_str().unwrap();
            (text("name"), text("kind"), text("names"))
        })
        .collect();
    assert_eq!(
        found,
        [
            ("evidence/transcript.json.tsq", "time-stamp-query", "transcript.json"),
            ("evidence/transcript.json.tsr", "time-stamp", "transcript.json"),
        ]
    );
    let page = fs::read_to_string(world.shared("report.html")).unwrap();
    assert!(page.contains("time stamp (RFC 3161)"), "{page}");
    world.ok("coordinator", "ceremony archive shared a.tar");
    let said = world.ok("coordinator", "ceremony archive --verify a.tar");
    assert!(said.contains("2 files of evidence"), "{said}");
    // A stamp of something else.
    let transcript = world.shared("transcript.json");
    let text = fs::read(&transcript).unwrap();
    fs::write(&transcript, [&text[..], b" "].concat()).unwrap();
    let (good, said) = openssl(&place, verify);
    assert!(!good, "{said}");
}

#[test]
fn evidence_that_is_not_what_its_name_says_is_neither_archived_nor_published() {
    let world = World::finished();
    fs::create_dir_all(world.shared("evidence")).unwrap();
    let page = world.shared("evidence/transcript.json.tsr");
    fs::write(&page, b"<html>no such service</html>").unwrap();
    let run = world.run("coordinator", "ceremony archive shared a.tar");
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("it is not what its ending says"), "{}", run.stderr);
    assert!(run.stderr.contains("transcript.json.tsr"), "{}", run.stderr);
    let run = world.run("coordinator", "ceremony index shared --key key.pem");
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    // A report without evidence says why it has none.
    let run = world.run("coordinator", "ceremony verify shared");
    assert!(run.stderr.contains("evidence was not read: "), "{}{}", run.stdout, run.stderr);
    fs::remove_file(page).unwrap();
    world.ok("coordinator", "ceremony archive shared a.tar");
}
