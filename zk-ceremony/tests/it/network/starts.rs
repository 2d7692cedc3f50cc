//! What a service needs to start, and folders out of which it hands out nothing.

use std::fs;

use super::http::send;
use super::party::is;
use super::{Net, wait_until};

/// How the start of a service ends that is refused.
fn refused(net: &Net, more: &str) -> String {
    let origin = &net.origin;
    let line = format!("ceremony serve shared --listen 127.0.0.1:0 --origin {origin} {more}");
    let run = net.spawn("coordinator", &line).end();
    assert_eq!(run.code, 2, "{}", run.stderr);
    run.stderr
}

#[test]
fn only_a_service_that_the_coordinator_appointed_starts_and_only_for_its_address() {
    let mut net = Net::new(&["alice"]);
    let said = refused(&net, "");
    assert!(said.contains("the coordinator has not appointed this service"), "{said}");
    // The hint has the command.
    let (_, hint) = said.split_once("--service-key").unwrap();
    let key = hint.split_whitespace().next().unwrap();
    let appoint = |origin: &str| {
        format!("ceremony appoint shared --service-key {key} --origin {origin} --key key.pem")
    };
    net.world.ok("coordinator", &appoint("https://elsewhere.example"));
    assert!(refused(&net, "").contains("has not appointed this service"));
    let origin = net.origin.clone();
    net.world.ok("coordinator", &appoint(&origin));
    net.serve("");
    net.kill_service();
    // Another key, in another folder.
    assert!(refused(&net, "--state another").contains("has not appointed this service"));
}

#[cfg(unix)]
#[test]
fn the_services_own_folder_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let mut net = Net::new(&["alice"]);
    net.serve_without_end("");
    net.kill_service();
    for name in ["", "service.pem"] {
        let mode = fs::metadata(net.state(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
    fs::set_permissions(net.state(""), fs::Permissions::from_mode(0o750)).unwrap();
    let said = refused(&net, "--key key.pem");
    assert!(said.contains("others can look into the service's folder"), "{said}");
}

#[test]
fn a_folder_with_a_private_key_in_it_hands_out_nothing() {
    let mut net = Net::new(&["alice", "bob"]);
    let evidence = net.world.shared("evidence");
    fs::create_dir(&evidence).unwrap();
    net.serve_without_end("");
    let get = |path: &str| send(net.address, "GET", path, &[], b"");
    assert_eq!(get("/readyz").status, 200);
    fs::copy(net.world.path("coordinator", "key.pem"), evidence.join("notes.txt")).unwrap();
    wait_until("the service sees it", || get("/readyz").status == 503);
    assert_eq!(get("/readyz").refusal(), is((503, "withheld")));
    assert_eq!(get("/healthz").status, 200);
    assert_eq!(get("/v1/files").json()["files"].as_array().unwrap().len(), 0);
    for name in ["ceremony.toml", "phase1/0000.ptau", "evidence/notes.txt"] {
        assert_eq!(get(&format!("/v1/files/{name}")).status, 404, "{name}");
    }
    fs::remove_file(evidence.join("notes.txt")).unwrap();
    wait_until("it goes on", || get("/readyz").status == 200);
    net.join("alice", "--phase 1").ok();
}
