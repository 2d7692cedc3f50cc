//! Who counts as waiting: whoever asks where they stand, and nobody else.

use serde_json::json;

use super::party::Party;
use super::{Net, wait_until};
use crate::kit::ceremony::World;

fn enter(party: &Party<'_>) {
    let answer = party.post("/v1/queue", &json!({}));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn entering_the_queue_again_and_again_keeps_nobody_from_their_turn() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    let (alice, bob) = (Party::new(&net, "alice"), Party::new(&net, "bob"));
    // Alice's ticket is the earlier one, and she never asks for her turn.
    let ticket = alice.post("/v1/queue", &json!({})).json()["ticket"].clone();
    enter(&bob);
    for leaves in [false, true] {
        if leaves {
            assert_eq!(alice.send("DELETE", "/v1/queue", &[], b"").status, 204);
        }
        assert_eq!(alice.post("/v1/queue", &json!({ "ticket": ticket })).status, 200);
    }
    let standing = bob.send("GET", "/v1/queue", &[], b"").json();
    assert_eq!(standing["state"], "turn", "{standing}");
    // She has kept her place: the next turn is hers, once she asks.
    assert_eq!(bob.send("DELETE", "/v1/queue", &[], b"").status, 204);
    let standing = alice.send("GET", "/v1/queue", &[], b"").json();
    assert_eq!(standing["state"], "turn", "{standing}");
}

#[test]
fn in_a_ceremony_with_an_order_whoever_only_enters_is_passed_over() {
    let world = World::new(&["alice", "bob"], |toml| toml);
    world.open();
    let mut net = Net::of(world);
    net.serve_without_end("--absent-after 2");
    let (alice, bob) = (Party::new(&net, "alice"), Party::new(&net, "bob"));
    enter(&bob);
    wait_until("bob has the turn that alice does not take", || {
        enter(&alice);
        let standing = bob.send("GET", "/v1/queue?wait=1", &[], b"").json();
        standing["state"] == "turn"
    });
    assert_eq!(net.events_of("skipped")[0]["participant"], "alice");
}

#[test]
fn entering_the_queue_again_is_no_change_that_ends_a_wait() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    let (alice, bob) = (Party::new(&net, "alice"), Party::new(&net, "bob"));
    let version = || alice.send("GET", "/v1/ceremony", &[], b"").json()["version"].clone();
    let before = version();
    enter(&bob);
    let entered = version();
    assert_ne!(before, entered);
    for _ in 0..5 {
        enter(&bob);
    }
    assert_eq!(version(), entered);
}
