//! Contributions that the service refuses, and what `join` makes of that.

use std::fs;

use super::proxy::{Fault, Proxy};
use super::{Net, free_port, names, wait_until};

/// A service behind a proxy that spoils the first uploads of data, so many of them.
fn spoiled(count: usize) -> (Net, Proxy) {
    let mut net = Net::new(&["alice", "bob"]);
    net.address.set_port(free_port());
    let mut left = count;
    let proxy = Proxy::start(net.address, move |method, _| {
        if method != "PATCH" || left == 0 {
            return Fault::None;
        }
        left -= 1;
        Fault::Spoil(3000)
    });
    net.origin = format!("http://{}", proxy.address);
    net.serve_without_end("");
    (net, proxy)
}

/// Data files in alice's `strays/`.
fn strays(net: &Net) -> Vec<Vec<u8>> {
    let folder = net.world.path("alice", "copy/strays");
    let names = if folder.exists() { names(&folder) } else { Vec::new() };
    let data = names.iter().filter(|name| name.contains(".ptau"));
    let found: Vec<_> = data.map(|name| fs::read(folder.join(name)).unwrap()).collect();
    let attestations = names.iter().filter(|name| name.contains(".dsse.json")).count();
    assert_eq!(attestations, found.len(), "{names:?}");
    found
}

#[test]
fn a_refused_contribution_is_put_away_and_made_anew() {
    let (net, _proxy) = spoiled(1);
    let said = net.join("alice", "--phase 1").ok();
    assert!(said.contains("the contribution is made anew"), "{said}");
    assert!(said.contains("taken in, step 1; receipt"), "{said}");
    assert_eq!(net.events_of("refused").len(), 1, "{}", net.journal_text());
    assert_eq!(net.events_of("granted").len(), 2, "{}", net.journal_text());
    assert_eq!(net.contributions(), ["phase1 alice"]);
    let refused = strays(&net);
    let folder = net.world.shared("phase1");
    let taken = names(&folder).into_iter().find(|it| it.starts_with("0001") && it.ends_with("tau"));
    let taken = fs::read(folder.join(taken.unwrap())).unwrap();
    assert!(refused.len() == 1 && refused[0] != taken, "the same bytes were sent again");
    net.world.ok("coordinator", "ceremony verify shared");
}

#[test]
fn a_second_refusal_ends_the_command_with_its_reason() {
    let (net, _proxy) = spoiled(2);
    let run = net.join("alice", "--phase 1").end();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert_eq!(net.events_of("refused").len(), 2, "{}", net.journal_text());
    let (before, last) = run.stderr.rsplit_once("error: ").unwrap();
    assert!(last.contains("hint: run the same command again"), "{}", run.stderr);
    assert!(before.contains("the contribution is made anew"), "{}", run.stderr);
    assert_eq!(strays(&net).len(), 2);
    // Nobody is burnt.
    net.join("bob", "--phase 1").ok();
    net.join("alice", "--phase 1").ok();
    assert_eq!(net.contributions(), ["phase1 bob", "phase1 alice"]);
}

#[test]
fn a_client_that_was_killed_before_the_verdict_does_not_send_what_was_refused() {
    let (net, _proxy) = spoiled(1);
    let folder = net.hold_folder();
    let alice = net.join("alice", "--phase 1");
    wait_until("everything came", || !net.events_of("received").is_empty());
    alice.kill();
    drop(folder);
    wait_until("the verdict", || !net.events_of("refused").is_empty());
    net.join("alice", "--phase 1").ok();
    assert_eq!(net.events_of("refused").len(), 1, "{}", net.journal_text());
    assert_eq!(strays(&net).len(), 1);
    assert_eq!(net.contributions(), ["phase1 alice"]);
}
