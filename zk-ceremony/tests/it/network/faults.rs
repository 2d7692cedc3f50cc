//! A network that cuts, delays, changes, shortens and repeats what goes over it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::proxy::{Fault, Proxy};
use super::{Net, free_port};

/// What a request is for, whatever its names and numbers.
fn kind(method: &str, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).take(2).collect();
    format!("{method} {}", parts.join("/"))
}

/// Does to the first requests of each kind what a list says, and nothing to later ones.
fn first_of_each(
    faults: &'static [Fault],
    concerns: impl Fn(&str) -> bool + Send + 'static,
) -> impl FnMut(&str, &str) -> Fault + Send + 'static {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    move |method, path| {
        let kind = kind(method, path);
        if !concerns(&kind) {
            return Fault::None;
        }
        let count = count.entry(kind).or_default();
        let fault = faults.get(*count).copied().unwrap_or(Fault::None);
        *count += 1;
        fault
    }
}

/// Alice contributes to phase 1 over a bad network, and Bob over a good one.
fn through(
    faults: &'static [Fault],
    concerns: impl Fn(&str) -> bool + Send + 'static,
    least: usize,
) -> String {
    let mut net = Net::new(&["alice", "bob"]);
    net.address.set_port(free_port());
    let proxy = Proxy::start(net.address, first_of_each(faults, concerns));
    net.origin = format!("http://{}", proxy.address);
    net.serve_without_end("");
    let said = net.join("alice", "--phase 1").ok();
    let seen = proxy.seen.lock().unwrap().clone();
    assert!(proxy.faults() >= least, "{seen:?}");
    net.nothing_is_there_twice();
    assert_eq!(net.contributions(), ["phase1 alice"], "{}", net.journal_text());
    assert_eq!(net.events_of("granted").len(), 1, "{}", net.journal_text());
    assert_eq!(net.events_of("joined").len(), 1, "{}", net.journal_text());
    assert!(said.contains("taken in, step 1; receipt"), "{said}");
    net.world.ok("coordinator", "ceremony verify shared");
    said
}

#[test]
fn requests_that_are_cut_off_anywhere_are_sent_again() {
    const CUTS: &[Fault] = &[Fault::CutRequest(0), Fault::CutRequest(1), Fault::CutRequest(100)];
    through(CUTS, |_| true, 12);
}

#[test]
fn an_upload_that_is_cut_off_after_any_number_of_bytes_goes_on() {
    const CUTS: &[Fault] = &[
        Fault::CutRequest(1),
        Fault::CutRequest(2),
        Fault::CutRequest(512),
        Fault::CutRequest(4095),
        Fault::CutRequest(4096),
        Fault::CutAnswer(0),
    ];
    through(CUTS, |kind| kind == "PATCH v1/uploads", 6);
}

#[test]
fn answers_that_are_cut_off_anywhere_are_asked_for_again() {
    const CUTS: &[Fault] = &[Fault::CutAnswer(0), Fault::CutAnswer(20), Fault::CutAnswer(400)];
    through(CUTS, |_| true, 20);
}

#[test]
fn what_comes_late_slowly_or_twice_comes_once() {
    const SLOW: &[Fault] = &[
        Fault::Twice,
        Fault::Delay(Duration::from_millis(300)),
        Fault::Trickle(64, Duration::from_millis(2)),
    ];
    through(SLOW, |_| true, 15);
}

#[test]
fn what_is_changed_on_the_way_is_noticed_and_sent_again() {
    const FLIPS: &[Fault] =
        &[Fault::FlipRequest(0), Fault::FlipRequest(700), Fault::FlipRequest(5001)];
    through(FLIPS, |kind| kind == "PATCH v1/uploads", 3);
}

#[test]
fn requests_that_come_out_of_order_change_nothing_that_came_before_them() {
    const LATE: &[Fault] = &[Fault::Late];
    through(LATE, |_| true, 10);
    // Parts of an upload, of which an earlier one comes again behind a later one.
    const PARTS: &[Fault] = &[Fault::Late, Fault::None, Fault::Late, Fault::Late];
    through(PARTS, |kind| kind == "PATCH v1/uploads" || kind == "POST v1/turn", 2);
}

/// How long a link is cut in the middle of each transfer: a minute by hand, a moment otherwise.
fn cut() -> Duration {
    let seconds = std::env::var("LINK_CUT_SECONDS").ok().and_then(|it| it.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

#[test]
fn a_link_that_is_cut_for_a_while_in_the_middle_of_each_transfer_costs_only_time() {
    let mut net = Net::new(&["alice", "bob"]);
    net.address.set_port(free_port());
    let mut done = std::collections::BTreeSet::new();
    let time = cut();
    let proxy = Proxy::start(net.address, move |method, path| {
        let is_data = path.starts_with("/v1/files/") && path.ends_with("tau");
        match method {
            "PATCH" if done.insert("sent") => Fault::PauseRequest(3000, time),
            "GET" if is_data && done.insert("fetched") => Fault::PauseAnswer(3000, time),
            _ => Fault::None,
        }
    });
    net.origin = format!("http://{}", proxy.address);
    net.serve_without_end("");
    net.join("alice", "--phase 1").ok();
    assert_eq!(proxy.faults(), 2);
    net.nothing_is_there_twice();
    assert_eq!(net.events_of("granted").len(), 1, "{}", net.journal_text());
    assert_eq!(net.contributions(), ["phase1 alice"]);
    net.join("bob", "--phase 1").ok();
    net.world.ok("coordinator", "ceremony verify shared");
}

/// Phase 1 with a download that is not what the service sent.
fn download(fault: Fault) -> (Net, crate::kit::Run) {
    let mut net = Net::new(&["alice", "bob"]);
    net.address.set_port(free_port());
    let mut done = false;
    let proxy = Proxy::start(net.address, move |_, path| {
        if done || !path.ends_with("0000.ptau") {
            return Fault::None;
        }
        done = true;
        fault
    });
    net.origin = format!("http://{}", proxy.address);
    net.serve_without_end("");
    let run = net.join("alice", "--phase 1").end();
    assert_eq!(proxy.faults(), 1);
    // Over the same bad network.
    net.join("alice", "--phase 1").ok();
    net.nothing_is_there_twice();
    assert_eq!(net.contributions(), ["phase1 alice"], "{}", net.journal_text());
    (net, run)
}

#[test]
fn a_download_that_was_changed_is_not_used_and_one_that_was_cut_short_goes_on() {
    let (_, run) = download(Fault::ShortenAnswer(700));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let (net, run) = download(Fault::FlipAnswer(700));
    assert_eq!(run.code, 1, "{}", run.stderr);
    for words in ["what came is not the file that the service named", "0000.ptau", "hint: run"] {
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    // The turn was given back at once.
    assert_eq!(net.events_of("given-up").len(), 1, "{}", net.journal_text());
}
