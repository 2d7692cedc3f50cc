//! A service that moves to another machine, and one that comes back from a backup.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::network::proxy::{Fault, Proxy};
use crate::network::{Net, Running, free_port, names, wait_until};

const END: &str = "--key key.pem --random-beacons --not-after 2099-12-31T23:59:59Z";

/// A ceremony behind an address that stays what it is, as a name in the DNS does.
fn behind_a_name(people: &[&str]) -> (Net, Proxy) {
    let mut net = Net::new(people);
    let name = Proxy::start(net.address, |_, _| Fault::None);
    net.origin = format!("http://{}", name.address);
    (net, name)
}

/// The runbook's copy.
fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

/// Another machine under the old one's name; the old one stays as it was.
fn take_over(net: &mut Net, name: &Proxy) {
    let root = net.world.path("coordinator", "");
    let (old, new) = (net.world.path("old", ""), net.world.path("new", ""));
    let trim = |path: &Path| Path::new(path.to_str().unwrap().trim_end_matches('/')).to_owned();
    fs::rename(trim(&root), trim(&old)).unwrap();
    fs::rename(trim(&new), trim(&root)).unwrap();
    net.address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    name.lead_to(net.address);
}

#[test]
fn a_service_moves_with_its_two_folders_and_those_who_wait_go_on() {
    let (mut net, name) = behind_a_name(&["alice", "bob"]);
    net.serve(END);
    let mut parties: Vec<Running> = vec![net.join("alice", ""), net.join("bob", "")];
    wait_until("the first step", || !net.contributions().is_empty());
    // As a power cut would.
    net.kill_service();
    let before = net.contributions();
    let new = net.world.path("new", "");
    fs::create_dir_all(&new).unwrap();
    for what in ["shared", "shared.service", "key.pem"] {
        copy(&net.world.path("coordinator", what), &new.join(what));
    }
    let old = names(&net.world.path("coordinator", "shared"));
    take_over(&mut net, &name);
    net.serve(END);
    for party in parties.drain(..) {
        party.ok();
    }
    net.service.take().unwrap().ok();
    net.nothing_is_there_twice();
    let after = net.contributions();
    assert_eq!(after.len(), 4, "{}", net.journal_text());
    assert!(after.starts_with(&before), "{before:?} {after:?}");
    assert!(!net.events_of("restarted").is_empty(), "{}", net.journal_text());
    net.transcript("coordinator", "shared");
    // The old machine has what it had: no process wrote there.
    assert_eq!(names(&net.world.path("old", "shared")), old);
}

#[test]
fn a_mirror_and_the_services_key_are_a_backup() {
    let (mut net, name) = behind_a_name(&["alice", "bob"]);
    net.serve(END);
    net.join("alice", "--phase 1").ok();
    // While the service runs: a copy that is right at every moment, and the key, which never
    // changes.
    let new = net.world.path("new", "");
    let kept = new.join("shared.service");
    let done = Command::new("install").args(["-d", "-m", "700"]).arg(&kept).status().unwrap();
    assert!(done.success());
    let line = format!("ceremony mirror {} shared --rules {} --once", net.origin, net.rules);
    net.world.ok("new", &line);
    for what in ["shared.service/service.pem", "key.pem"] {
        copy(&net.world.path("coordinator", what), &new.join(what));
    }
    // Everything else is lost.
    net.kill_service();
    take_over(&mut net, &name);
    fs::remove_dir_all(net.world.path("old", "")).unwrap();
    net.serve(END);
    let bob = net.join("bob", "");
    net.join("alice", "").ok();
    bob.ok();
    net.service.take().unwrap().ok();
    net.nothing_is_there_twice();
    assert_eq!(net.contributions().len(), 4, "{}", net.journal_text());
    net.transcript("coordinator", "shared");
}
