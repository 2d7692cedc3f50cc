//! A machine that misbehaves: a full disk, and a clock that jumps.

use std::fs;
use std::process::Command;

use super::http::send;
use super::{Net, wait_until};

fn is_healthy(net: &Net) -> bool {
    send(net.address, "GET", "/healthz", &[], b"").status == 200
}

#[test]
fn an_upload_that_the_disk_does_not_take_is_refused_and_the_next_process_goes_on() {
    let mut net = Net::new(&["alice", "bob"]);
    // No file may have more than 6 KiB: the contribution has more, the journal less.
    net.serve_limited("trap '' XFSZ && ulimit -f 12");
    let alice = net.join("alice", "--phase 1");
    wait_until("the disk is full", || {
        let service = net.service.as_ref().unwrap();
        service.said().contains("writing the upload failed")
    });
    assert!(is_healthy(&net));
    alice.kill();
    assert!(net.contributions().is_empty());
    net.kill_service();
    net.serve_without_end("");
    net.join("alice", "--phase 1").ok();
    net.nothing_is_there_twice();
    assert_eq!(net.contributions(), ["phase1 alice"]);
    net.world.ok("coordinator", "ceremony verify shared");
}

/// The service's own folder on a disk of its own, which is small.
#[test]
fn no_turn_is_granted_without_room_for_it() {
    let can = Command::new("unshare").args(["-Urm", "true"]).status();
    assert!(
        can.is_ok_and(|status| status.success()),
        "no namespace of mounts can be made here: ./ci/test.sh says how to allow it"
    );
    let mut net = Net::new(&["alice", "bob"]);
    let state = net.state("");
    fs::create_dir_all(&state).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=32m,mode=700 tmpfs '{}' && exec \"$0\" \"$@\"",
        state.display()
    );
    net.serve_by(&["unshare", "-Urm", "sh", "-c", &script], "--key key.pem");
    let mut alice = net.join("alice", "--phase 1");
    alice.says("the service's disk is full");
    assert!(is_healthy(&net));
    assert!(net.events_of("granted").is_empty(), "{}", net.journal_text());
    alice.kill();
}

/// The library that gives a process another clock.
fn faketime() -> String {
    let found = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
        .map(|machine| format!("/usr/lib/{machine}/faketime/libfaketime.so.1"))
        .into_iter()
        .find(|path| std::path::Path::new(path).exists());
    found.expect("faketime is not installed: ./ci/test.sh installs it")
}

#[test]
fn a_clock_that_jumps_by_an_hour_ends_no_turn_and_no_session() {
    let mut net = Net::new(&["alice", "bob"]);
    let clock = net.world.path("coordinator", "clock");
    fs::write(&clock, "+0\n").unwrap();
    let library = format!("LD_PRELOAD={}", faketime());
    let file = format!("FAKETIME_TIMESTAMP_FILE={}", clock.display());
    let by = ["env", &library, &file, "FAKETIME_NO_CACHE=1", "DONT_FAKE_MONOTONIC=1"];
    net.serve_by(&by, "--key key.pem --turn 120");
    let alice = super::party::Party::new(&net, "alice");
    let turn = alice.turn();
    let id = turn["id"].as_str().unwrap();
    let (data, attestation) = alice.contribution();
    let data = net.world.read("alice", &data);
    let begun = alice.begin(id, data.len());
    let upload = begun.header("location").unwrap();
    let half = data.len() / 2;
    for (jump, from, to) in [("+3600", 0, half), ("-3600", half, data.len())] {
        fs::write(&clock, format!("{jump}\n")).unwrap();
        assert_eq!(alice.part(upload, from, &data[from..to], None).status, 204, "{jump}");
        let standing = alice.send("GET", "/v1/queue", &[], b"").json();
        assert_eq!(standing["turn"]["id"], turn["id"], "{standing}");
        assert!(standing["turn"]["remaining"].as_u64().unwrap() > 60, "{standing}");
    }
    fs::write(&clock, "+3600\n").unwrap();
    let answer = alice.complete(id, upload, &net.world.read("alice", &attestation));
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(alice.verdict()["verdict"], "accepted");
    fs::write(&clock, "-3600\n").unwrap();
    net.join("bob", "--phase 1").ok();
    assert!(net.events_of("expired").is_empty(), "{}", net.journal_text());
    let times: Vec<String> = net
        .journal_text()
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["time"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(!times.is_sorted(), "the clock did not jump: {times:?}");
    net.world.ok("coordinator", "ceremony verify shared");
}
