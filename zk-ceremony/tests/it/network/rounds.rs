//! Rounds of commitments that begin anew, and committed secrets that are gone or still there.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use super::commitments::{PEOPLE, asked, commitment, kept, net, opening, order, post, signed};
use super::party::{Party, is};
use super::proxy::{Fault, Proxy};
use super::{Net, Running, free_port, names, wait_until};
use crate::kit::ceremony::{circuit, with_circuits};

const RECOMMIT: &str = "ceremony recommit shared --reason \"a power cut\" --key key.pem";

/// Commits for a participant whose process is gone after it.
#[track_caller]
fn commit_and_end(net: &Net, who: &str) -> Vec<u8> {
    let envelope = signed(net, who, &commitment(net, who, &opening()));
    let answer = post(net, &envelope);
    assert!(matches!(answer.status, 200..=204), "{answer:?}");
    envelope.to_json()
}

#[test]
fn where_every_process_has_ended_the_coordinator_begins_another_round() {
    let mut net = net(2);
    // Carol does not come in the first round; in the later ones, three processes have to be quick
    // enough on a busy machine.
    net.serve_unattended("--commit-within 6");
    // Nothing to begin anew, as long as nobody has committed; and by nobody else.
    let run = net.world.run("coordinator", RECOMMIT);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("nobody has committed in this round"), "{}", run.stderr);
    let old = ["alice", "bob"].map(|who| commit_and_end(&net, who));
    wait_until("the round is over", || net.events_of("commitments-closed").len() == 1);
    let gone = net.join("alice", "").end();
    assert_eq!(gone.code, 2, "{}", gone.stderr);
    assert!(gone.stderr.contains("ceremony recommit"), "{}", gone.stderr);
    let status = net.world.ok("coordinator", "ceremony status shared");
    assert!(status.contains("ceremony recommit shared --reason TEXT"), "{status}");
    net.world.carry("coordinator", "bob");
    let run = net.world.run("bob", RECOMMIT);
    assert!(run.code == 2 && run.stderr.contains("is the coordinator's"), "{}", run.stderr);

    let said = net.world.ok("coordinator", RECOMMIT);
    assert!(said.contains("round 2 of the commitments to phase 1 begins"), "{said}");
    wait_until("the journal tells of it", || net.events_of("commitment-round").len() == 1);
    // What is void stays void, however often it is sent.
    for old in &old {
        let answer = post(&net, &zk_attest::envelope::Envelope::from_json(old).unwrap());
        assert_eq!(answer.refusal(), is((422, "commitments-round")), "{answer:?}");
    }
    let parties: Vec<Running> = PEOPLE.iter().map(|who| net.join(who, "--approve")).collect();
    parties.into_iter().for_each(|party| drop(party.ok()));
    net.service.take().unwrap().ok();
    let expected = [
        "committed 1",
        "closed 1",
        "round 2 of 1",
        "committed 1",
        "closed 1",
        "step 1",
        "committed 2",
        "closed 2",
        "step 2",
    ];
    assert_eq!(order(&net), expected, "{}", net.journal_text());
    let world = &net.world;
    let said = world.ok("coordinator", "ceremony verify shared");
    assert!(said.contains("round 2: a power cut"), "{said}");
    let page = fs::read_to_string(world.shared("report.html")).unwrap();
    assert!(page.contains("Round 2 of phase 1") && page.contains("a power cut"), "{page}");
    // Without the coordinator's word, those of the first round would be the ones.
    fs::remove_file(world.shared("commitments/1-2.round.dsse.json")).unwrap();
    let run = world.run("coordinator", "ceremony verify shared --read-only");
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_process_that_is_there_commits_anew_by_itself_and_too_late_is_too_late() {
    let mut net = net(3);
    net.serve_without_end("");
    let mut alice = net.join("alice", "--phase 1");
    wait_until("alice has committed", || kept(&net).len() == 1);
    commit_and_end(&net, "bob");
    net.world.ok("coordinator", RECOMMIT);
    // Bob comes at once, before the service has seen that another round began.
    let mut bob = net.join("bob", "--phase 1");
    wait_until("bob has committed", || {
        assert!(!bob.is_over(), "{}", bob.said());
        bob.said().contains("you have committed to your secrets")
    });
    assert_eq!(net.events_of("commitment-round").len(), 1);
    alice.says("began round 2");
    let others = [bob, net.join("carol", "--phase 1")];
    alice.ok();
    others.into_iter().for_each(|party| drop(party.ok()));
    assert_eq!(net.contributions().len(), 3);
    let run = net.world.run("coordinator", RECOMMIT);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("begins after a contribution"), "{}", run.stderr);
    net.world.ok("coordinator", "ceremony verify shared --read-only");
}

#[test]
fn a_turn_of_a_round_that_is_void_is_over_and_so_is_one_that_a_killed_service_kept() {
    let mut net = net(3);
    net.serve_without_end("");
    PEOPLE.iter().for_each(|who| drop(commit_and_end(&net, who)));
    let standing = |net: &Net| {
        let alice = Party::new(net, "alice");
        assert_eq!(alice.post("/v1/queue", &json!({})).status, 200);
        alice.send("GET", "/v1/queue", &[], b"").json()
    };
    Party::new(&net, "alice").turn();
    net.world.ok("coordinator", RECOMMIT);
    wait_until("the turn is over", || net.events_of("given-up").len() == 1);
    assert_eq!(standing(&net)["state"], "waiting");
    // Begun while no service runs.
    PEOPLE.iter().for_each(|who| drop(commit_and_end(&net, who)));
    wait_until("the round is over", || net.events_of("commitments-closed").len() == 2);
    net.kill_service();
    net.world.ok("coordinator", RECOMMIT);
    net.serve_without_end("");
    assert_eq!(standing(&net)["state"], "waiting");
    let expected =
        ["committed 1", "closed 1", "round 2 of 1", "committed 1", "closed 1", "round 3 of 1"];
    assert_eq!(order(&net), expected, "{}", net.journal_text());
}

#[test]
fn who_is_rejected_after_the_secrets_are_gone_is_named_and_not_waited_for() {
    let mut net = net(2);
    net.serve_without_end("");
    let parties: Vec<Running> = PEOPLE.iter().map(|who| net.join(who, "--phase 1")).collect();
    parties.into_iter().for_each(|party| drop(party.ok()));
    let last = net.contributions()[2].rsplit_once(' ').unwrap().1.to_owned();
    let reject = |step: u32| {
        let line = format!("ceremony reject shared {step} --reason \"a test\" --key key.pem");
        net.world.run("coordinator", &line)
    };
    let run = reject(3);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains(&format!("secrets are gone of {last}:")), "{}", run.stdout);
    assert!(!run.stderr.contains("minimum"), "{}", run.stderr);
    let status = net.world.ok("coordinator", "ceremony status shared");
    let named = status.lines().find(|line| line.contains(&format!(" {last} (")));
    assert!(named.is_some_and(|line| line.contains("REJECTED: its secrets are gone")), "{status}");
    assert!(status.contains("waiting for: Coordinator"), "{status}");
    // Until the service has read the folder, it speaks of the contribution as of one in the chain.
    wait_until("the service knows of the rejection", || {
        let again = net.join(&last, "--phase 1").end();
        again.code == 2 && again.stderr.contains("they are gone")
    });
    // One who asks for a turn all the same has nothing to wait for.
    let party = Party::new(&net, &last);
    party.post("/v1/queue", &json!({}));
    wait_until("it is told so", || {
        party.send("GET", "/v1/queue", &[], b"").json()["state"] == "done"
    });
    let said = net.world.ok("coordinator", "ceremony verify shared");
    assert!(said.contains(&format!("rejected, and without secrets now: {last}")), "{said}");
    // With one more gone, the minimum is out of reach.
    let run = reject(2);
    assert!(run.stderr.contains("cannot come to its minimum of 2"), "{}", run.stderr);
    let status = net.world.ok("coordinator", "ceremony status shared");
    assert!(status.contains("nobody can contribute any more"), "{status}");
}

#[test]
fn join_goes_on_while_its_committed_secrets_are_there_and_says_what_is_lost_at_its_end() {
    let mut net = net(3);
    net.address.set_port(free_port());
    let broken = Arc::new(AtomicBool::new(false));
    let is_broken = broken.clone();
    // What a reverse proxy says while the service behind it is replaced.
    let proxy = Proxy::start(net.address, move |_, _| match is_broken.load(Ordering::SeqCst) {
        true => Fault::Answer(404),
        false => Fault::None,
    });
    net.origin = format!("http://{}", proxy.address);
    net.serve_without_end("");
    let alice = net.join("alice", "--phase 1");
    wait_until("alice has committed", || kept(&net).len() == 1);
    broken.store(true, Ordering::SeqCst);
    net.kill_service();
    wait_until("alice tries again", || alice.said().matches("trying again in").count() > 1);
    net.serve_without_end("");
    broken.store(false, Ordering::SeqCst);
    let bob = net.join("bob", "--phase 1 --patience 2");
    wait_until("bob has committed", || kept(&net).len() == 2);
    // One whose patience ends is told what ends with it.
    net.kill_service();
    let run = bob.end();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("no contribution of yours can come to phase 1"), "{}", run.stderr);
    net.serve_without_end("");
    net.world.ok("coordinator", RECOMMIT);
    wait_until("the journal tells of it", || net.events_of("commitment-round").len() == 1);
    let others: Vec<Running> =
        ["bob", "carol"].iter().map(|who| net.join(who, "--phase 1")).collect();
    alice.ok();
    others.into_iter().for_each(|party| drop(party.ok()));
    net.world.ok("coordinator", "ceremony verify shared --read-only");
}

/// A turn of two circuits of which one is taken in: the seed of the other one is there for the next
/// attempt.
#[test]
fn with_two_circuits_a_partial_refusal_leaves_the_secrets_of_the_other_one() {
    let circuits = [("left".to_owned(), circuit(3)), ("right".to_owned(), circuit(4))];
    let mut net = {
        let any = |toml: &str| toml.replacen("power = 4\n", "power = 4\norder = \"any\"\n", 1);
        let world = crate::kit::ceremony::World::new(&PEOPLE, |toml| {
            asked(&with_circuits(&any(&toml), &circuits), 3)
        });
        for (name, r1cs) in &circuits {
            world.write("coordinator", &format!("{name}.r1cs"), r1cs);
        }
        world.ok(
            "coordinator",
            "ceremony new shared --config ceremony.toml --circuit left=left.r1cs --circuit \
             right=right.r1cs --key key.pem",
        );
        Net::of(world)
    };
    net.address.set_port(free_port());
    // The second file of the first turn of phase 2 is damaged on the way.
    let uploads = Arc::new(AtomicUsize::new(usize::MAX));
    let left = uploads.clone();
    let proxy = Proxy::start(net.address, move |method, _| {
        let is_one = method == "PATCH" && left.load(Ordering::SeqCst) != usize::MAX;
        match is_one.then(|| left.fetch_add(1, Ordering::SeqCst)) {
            Some(1) => Fault::Spoil(3000),
            _ => Fault::None,
        }
    });
    net.origin = format!("http://{}", proxy.address);
    net.serve_unattended("");
    let of_phase = |net: &Net, phase: u8| {
        let parties: Vec<Running> =
            PEOPLE.iter().map(|who| net.join(who, &format!("--phase {phase}"))).collect();
        parties.into_iter().map(Running::ok).collect::<Vec<String>>()
    };
    of_phase(&net, 1);
    uploads.store(0, Ordering::SeqCst);
    let said = of_phase(&net, 2);
    net.service.take().unwrap().ok();
    let refused = net.events_of("refused");
    assert_eq!(refused.len(), 1, "{}", net.journal_text());
    assert_eq!(refused[0]["circuit"], "right");
    let anew = said.iter().filter(|said| said.contains("the contribution is made anew"));
    assert_eq!(anew.count(), 1, "{said:?}");
    // One turn more than the six of three people in two phases, and nothing is there twice.
    assert_eq!(net.events_of("granted").len(), 7, "{}", net.journal_text());
    net.nothing_is_there_twice();
    let said = net.world.ok("coordinator", "ceremony verify shared");
    assert!(said.contains("Phase 2: check 13: 6 contributions open"), "{said}");
}

#[test]
fn commitments_that_come_at_once_are_kept_once_each() {
    let mut net = net(3);
    net.serve_without_end("");
    let of = |who: &str| signed(&net, who, &commitment(&net, who, &opening()));
    // Two of alice's, one of them three times, and one of bob's.
    let (one, other, bobs) = (of("alice"), of("alice"), of("bob"));
    let all = [&one, &other, &one, &bobs, &one];
    let answers: Vec<_> = std::thread::scope(|scope| {
        let sent = all.map(|envelope| scope.spawn(|| post(&net, envelope)));
        sent.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let good = |i: &usize| matches!(answers[*i].status, 200..=204);
    let (first, second) = ([0, 2, 4].iter().all(good), good(&1));
    assert!(first != second && good(&3), "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status >= 300) {
        assert_eq!(answer.refusal(), is((422, "committed-already")), "{answer:?}");
    }
    assert_eq!(kept(&net).len(), 2, "{:?}", kept(&net));
    assert_eq!(net.events_of("committed").len(), 2, "{}", net.journal_text());
}

#[test]
fn after_a_key_was_replaced_the_refusal_of_its_commitment_says_where_to_go() {
    let mut net = net(3);
    net.serve_without_end("");
    let alice = net.join("alice", "--phase 1");
    wait_until("alice has committed", || kept(&net).len() == 1);
    alice.kill();
    let world = &net.world;
    world.carry("coordinator", "alice");
    world.ok("alice", "key new new.pem");
    world.ok(
        "alice",
        "ceremony replace-key shared --as alice --key new.pem --old-key key.pem --reason moved",
    );
    let amendment = names(&world.path("alice", "shared/roster"));
    let amendment = format!("roster/{}", amendment.last().unwrap());
    fs::create_dir_all(world.shared("roster")).unwrap();
    fs::copy(world.path("alice", "shared").join(&amendment), world.shared(&amendment)).unwrap();
    wait_until("the journal tells of it", || net.events_of("amended").len() == 1);
    world.write("alice", "key.pem", &world.read("alice", "new.pem"));
    let refused = post(&net, &signed(&net, "alice", &commitment(&net, "alice", &opening())));
    assert_eq!(refused.refusal(), is((422, "committed-already")), "{refused:?}");
    assert!(refused.json().to_string().contains("ceremony recommit"), "{refused:?}");
    net.world.ok("coordinator", RECOMMIT);
    wait_until("the journal tells of it", || net.events_of("commitment-round").len() == 1);
    let parties: Vec<Running> = PEOPLE.iter().map(|who| net.join(who, "--phase 1")).collect();
    parties.into_iter().for_each(|party| drop(party.ok()));
    net.world.ok("coordinator", "ceremony verify shared --read-only");
}

#[test]
fn rules_that_need_everybody_are_warned_of_where_nobody_can_come_later() {
    let check = |minimum: usize, committed: bool| {
        let world = crate::kit::ceremony::World::new(&PEOPLE, |toml| {
            let toml = asked(&toml, minimum);
            if committed { toml } else { toml.replace("secrets = true", "secrets = false") }
        });
        let new = "--config ceremony.toml --circuit main=circuit.r1cs";
        let run = world.run("coordinator", &format!("ceremony new --check {new}"));
        assert_eq!(run.code, 0, "{}", run.stderr);
        let opened = world.run("coordinator", &format!("ceremony new shared {new} --key key.pem"));
        assert_eq!(opened.code, 0, "{}", opened.stderr);
        let count = |text: &str| text.matches("one absence ends the ceremony").count();
        assert_eq!(count(&run.stderr), count(&opened.stderr));
        count(&run.stderr)
    };
    assert_eq!([check(3, true), check(2, true), check(3, false)], [2, 0, 0]);
}

#[test]
fn a_session_waits_for_an_absent_participant_for_minutes_and_another_ceremony_for_a_day() {
    for (committed, more, seconds) in [(true, "", 300), (false, "", 86_400), (true, "7", 7)] {
        let mut net = Net::with_rules(&PEOPLE, |toml| {
            let toml = toml.replacen("order = \"any\"", "order = \"roster\"", 1);
            if committed { asked(&toml, 2) } else { toml }
        });
        let more = if more.is_empty() { more.into() } else { format!("--absent-after {more}") };
        net.serve_without_end(&more);
        let said = net.service.as_ref().unwrap().said();
        assert!(said.contains(&format!("is passed over after {seconds} s")), "{said}");
    }
}
