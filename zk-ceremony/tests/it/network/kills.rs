//! `kill -9` of either side, at each step of a turn.

use std::fs;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::proxy::{Fault, Proxy};
use super::{Net, free_port, wait_until};

/// A request that is held back once, by the beginning of its line, after so many bytes of its body.
#[derive(Clone, Default)]
struct Next(Arc<Mutex<Option<(&'static str, usize)>>>);

impl Next {
    fn hold(&self, request: &'static str, bytes: usize) {
        *self.0.lock().unwrap() = Some((request, bytes));
    }

    fn plan(&self) -> impl FnMut(&str, &str) -> Fault + Send + 'static {
        let next = self.0.clone();
        move |method, path| {
            let mut next = next.lock().unwrap();
            match *next {
                Some((request, bytes)) if format!("{method} {path}").starts_with(request) => {
                    *next = None;
                    Fault::Hold(bytes)
                }
                _ => Fault::None,
            }
        }
    }
}

/// A service behind a proxy that holds requests back.
fn held(people: &[&str], more: &str) -> (Net, Proxy, Next) {
    let mut net = Net::new(people);
    net.address.set_port(free_port());
    let next = Next::default();
    let proxy = Proxy::start(net.address, next.plan());
    net.origin = format!("http://{}", proxy.address);
    net.serve_without_end(more);
    (net, proxy, next)
}

/// Kills the service, tears the journal's last line, and starts it again.
fn crash(net: &mut Net, proxy: &Proxy) {
    let said = net.kill_service();
    assert!(!said.contains("panicked"), "{said}");
    let torn = b"{\"number\":99,\"prev";
    let journal = net.world.shared("journal.jsonl");
    fs::OpenOptions::new().append(true).open(journal).unwrap().write_all(torn).unwrap();
    let restarts = net.events_of("restarted").len();
    net.serve_without_end("");
    proxy.release();
    let events = net.events_of("restarted");
    assert_eq!(events.len(), restarts + 1);
    assert_eq!(events[restarts]["cut"], torn.len());
}

/// The steps of each chain are in the folder once, attested and whole.
#[track_caller]
fn holds(net: &Net, expected: &[&str]) {
    net.nothing_is_there_twice();
    assert_eq!(net.contributions(), expected, "{}", net.journal_text());
    net.world.ok("coordinator", "ceremony verify shared");
    let left = super::names(&net.state("uploads"));
    assert!(left.is_empty(), "{left:?}");
    assert!(net.turn().is_none());
}

#[test]
fn a_service_that_is_killed_at_any_step_of_a_turn_goes_on_with_it() {
    let (mut net, proxy, next) = held(&["alice", "bob"], "");
    next.hold("POST /v1/uploads", 0);
    let alice = net.join("alice", "--phase 1");
    wait_until("the turn is granted", || proxy.is_holding());
    let turn = net.turn().unwrap();
    next.hold("PATCH /v1/uploads", 3000);
    crash(&mut net, &proxy);

    wait_until("half is uploaded", || proxy.is_holding());
    assert_eq!(net.turn().unwrap(), turn);
    let sizes = |net: &Net| -> Vec<u64> {
        let uploads = net.state("uploads");
        let data = super::names(&uploads).into_iter().filter(|name| name.ends_with(".ptau"));
        data.map(|name| fs::metadata(uploads.join(name)).unwrap().len()).collect()
    };
    assert_eq!(sizes(&net), [3000]);
    next.hold("POST /v1/turn/attestations", 0);
    crash(&mut net, &proxy);

    wait_until("everything is uploaded", || proxy.is_holding());
    assert!(sizes(&net)[0] > 3000);
    assert_eq!(net.turn().unwrap(), turn);
    crash(&mut net, &proxy);
    let said = alice.ok();
    assert!(said.contains("taken in, step 1"), "{said}");
    holds(&net, &["phase1 alice"]);
    assert_eq!(net.events_of("granted").len(), 1);
    for kind in ["expired", "given-up", "refused"] {
        assert!(net.events_of(kind).is_empty(), "{}", net.journal_text());
    }
}

/// Waits until everything of a turn came, while the folder's lock keeps the service from taking it
/// in, and kills the service then.
fn kill_while_it_verifies(net: &mut Net) -> Value {
    let folder = net.hold_folder();
    wait_until("everything came", || {
        net.turn().is_some_and(|turn| turn["received"].is_array())
            && !net.events_of("received").is_empty()
    });
    net.kill_service();
    drop(folder);
    net.turn().unwrap()
}

/// Where the turn's one upload is.
fn uploaded(net: &Net, turn: &Value) -> std::path::PathBuf {
    net.state(&format!("uploads/{}.ptau", turn["received"][0].as_str().unwrap()))
}

#[test]
fn a_service_that_is_killed_while_it_verifies_or_commits_finishes_that() {
    // While it verifies.
    let mut net = Net::new(&["alice", "bob", "carol"]);
    net.serve_without_end("");
    let alice = net.join("alice", "--phase 1");
    kill_while_it_verifies(&mut net);
    net.serve_without_end("");
    alice.ok();
    holds(&net, &["phase1 alice"]);

    // When the step is in the folder, and nobody was told.
    let journal = net.world.shared("journal.jsonl");
    let before = net.events_of("received").len();
    assert_eq!(before, 1);
    let bob = net.join("bob", "--phase 1");
    wait_until("bob's turn", || net.turn().is_some());
    let turn = kill_while_it_verifies(&mut net);
    let inbox = net.world.path("coordinator", "inbox");
    fs::create_dir(&inbox).unwrap();
    fs::copy(net.state("turn-0.dsse.json"), inbox.join("it.dsse.json")).unwrap();
    fs::copy(uploaded(&net, &turn), inbox.join("it.ptau")).unwrap();
    net.world.ok("coordinator", "ceremony accept shared inbox");
    net.serve_without_end("");
    bob.ok();
    holds(&net, &["phase1 alice", "phase1 bob"]);
    assert!(fs::read_to_string(&journal).unwrap().contains(turn["id"].as_str().unwrap()));

    // When the attestation is in the folder, and its data file is not.
    let carol = net.join("carol", "--phase 1");
    wait_until("carol's turn", || net.turn().is_some());
    let turn = kill_while_it_verifies(&mut net);
    let step = turn["chains"][0]["step"].as_str().unwrap();
    let attestation = net.world.shared(&format!("phase1/{step}.dsse.json"));
    fs::copy(net.state("turn-0.dsse.json"), attestation).unwrap();
    let data = fs::read(uploaded(&net, &turn)).unwrap();
    net.serve_without_end("");
    carol.ok();
    holds(&net, &["phase1 alice", "phase1 bob", "phase1 carol"]);
    assert_eq!(fs::read(net.world.shared(&format!("phase1/{step}.ptau"))).unwrap(), data);
}

#[test]
fn a_participant_who_is_killed_at_any_step_ends_well_with_the_same_command() {
    let (net, proxy, next) = held(&["alice", "bob"], "");
    // Granted, before anything is made.
    next.hold("GET /v1/files/phase1/0000", 0);
    let alice = net.join("alice", "--phase 1");
    wait_until("the turn is granted", || proxy.is_holding());
    wait_until("the turn is granted", || {
        net.turn().is_some() || {
            // Fetched before the turn: let it go on to the turn itself.
            proxy.release();
            next.hold("POST /v1/uploads", 0);
            false
        }
    });
    // Bob waits, is killed, and comes again.
    let mut bob = net.join("bob", "--phase 1");
    bob.says("in the queue");
    bob.kill();
    alice.kill();
    proxy.release();

    // The contribution is made.
    next.hold("POST /v1/uploads", 0);
    let alice = net.join("alice", "--phase 1");
    wait_until("it is made", || proxy.is_holding());
    alice.kill();
    proxy.release();
    let made = |net: &Net| {
        let copy = net.world.path("alice", "copy/phase1");
        let name = super::names(&copy)
            .into_iter()
            .find(|name| name.starts_with("0001") && name.ends_with(".ptau"));
        fs::read(copy.join(name.unwrap())).unwrap()
    };
    let contribution = made(&net);

    // Half of it is uploaded.
    next.hold("PATCH /v1/uploads", 3000);
    let alice = net.join("alice", "--phase 1");
    wait_until("half is uploaded", || proxy.is_holding());
    let said = alice.kill();
    assert!(said.contains("contribution 1 is here already"), "{said}");
    proxy.release();

    // Everything came, and there is no verdict.
    let folder = net.hold_folder();
    let alice = net.join("alice", "--phase 1");
    wait_until("everything came", || !net.events_of("received").is_empty());
    alice.kill();
    drop(folder);
    let said = net.join("alice", "--phase 1").ok();
    assert!(said.contains("taken in, step 1; receipt"), "{said}");
    assert_eq!(made(&net), contribution);
    net.join("bob", "--phase 1").ok();
    holds(&net, &["phase1 alice", "phase1 bob"]);
    assert_eq!(net.events_of("granted").len(), 2, "{}", net.journal_text());
    assert_eq!(net.events_of("joined").len(), 2, "{}", net.journal_text());
}

#[test]
fn a_turn_that_runs_out_while_its_participant_is_away_costs_only_time() {
    let (net, proxy, next) = held(&["alice", "bob"], "--turn 2");
    next.hold("POST /v1/uploads", 0);
    let alice = net.join("alice", "--phase 1");
    wait_until("it is made", || proxy.is_holding());
    wait_until("the turn runs out", || !net.events_of("expired").is_empty());
    // Bob's comes first; alice's contribution is on another file than the last one now.
    net.join("bob", "--phase 1").ok();
    proxy.release();
    alice.ok();
    holds(&net, &["phase1 bob", "phase1 alice"]);
}
