//! Clients that others wrote: uploads by tuspy and tus-js-client, and requests that schemathesis
//! makes up from the service's description.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::party::Party;
use super::{Net, wait_until};

fn ci() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci")
}

/// A program that `ci/test.sh` installs.
fn peer(path: &str) -> PathBuf {
    let path = ci().join(path);
    assert!(path.exists(), "{} is not installed: ./ci/test.sh installs it", path.display());
    path
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/network/peers").join(name)
}

/// Alice's data file goes by a peer's upload, and is taken in.
fn uploads(mut command: Command) {
    let mut net = Net::new(&["alice"]);
    net.serve_without_end("");
    let alice = Party::new(&net, "alice");
    let turn = alice.turn();
    let id = turn["id"].as_str().unwrap();
    let (data, attestation) = alice.contribution();
    let run = command
        .arg(format!("{}/v1/uploads", net.origin))
        .arg(alice.bearer.trim_start_matches("Bearer "))
        .arg(json!({ "turn": id }).to_string())
        .arg(net.world.path("alice", &data))
        .env("PEERS", ci())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    let upload = String::from_utf8(run.stdout).unwrap().trim().to_owned();
    let answer = alice.complete(id, &upload, &net.world.read("alice", &attestation));
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(alice.verdict()["verdict"], "accepted");
    wait_until("it is in the folder", || net.contributions() == ["phase1 alice"]);
    net.world.ok("coordinator", "ceremony verify shared");
}

#[test]
fn tuspy_uploads_in_parts() {
    let mut command = Command::new(peer(".venv/bin/python"));
    command.arg(script("upload.py"));
    uploads(command);
}

#[test]
fn tus_js_client_uploads_in_parts() {
    peer("node_modules/tus-js-client/package.json");
    let mut command = Command::new("node");
    command.arg(script("upload.mjs"));
    uploads(command);
}

/// Requests by schemathesis, good and bad ones, by somebody whose session is good and by nobody.
/// Longer by hand: `SCHEMATHESIS_SECONDS=600`.
#[test]
fn no_request_made_from_the_description_gets_an_answer_that_is_not_in_it() {
    let seconds = std::env::var("SCHEMATHESIS_SECONDS").unwrap_or_else(|_| "10".into());
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("--turn 3600");
    let alice = Party::new(&net, "alice");
    alice.turn();
    let token = format!("Authorization: {}", alice.bearer);
    for (rate, headers) in [("150/s", vec!["-H", token.as_str()]), ("45/s", Vec::new())] {
        let run = Command::new(peer(".venv/bin/st"))
            .args(["run", "--max-time", &seconds, "--rate-limit", rate, "--request-timeout", "60"])
            .args(["--phases", "coverage,fuzzing", "--generation-deterministic", "--no-color"])
            .args(["--continue-on-failure", "--suppress-health-check", "all", "--checks", CHECKS])
            .args(headers)
            .arg(format!("{}/v1/openapi.json", net.origin))
            .current_dir(net.world.path("coordinator", ""))
            .env("NO_PROXY", "127.0.0.1")
            .env("SCHEMATHESIS_HOOKS", "hooks")
            .env("PYTHONPATH", script("").as_os_str())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        println!("{said}");
        assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    }
    // And the service goes on.
    let log = net.service.as_ref().unwrap().said();
    assert!(!log.contains("panicked"), "{log}");
    net.join("alice", "--phase 1").ok();
}

/// What every answer is held to. A body that is right in form need not be a signature that holds,
/// so good data may be refused.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,\
                      unsupported_method,ignored_auth";
