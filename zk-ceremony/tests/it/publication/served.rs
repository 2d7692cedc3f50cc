//! `serve --publish`, and clients that are sent to where files are published.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::network::bucket::Web;
use crate::network::http::send;
use crate::network::proxy::{Fault, Proxy};
use crate::network::{Net, free_port, wait_until};

const END: &str = "--key key.pem --random-beacons --not-after 2099-12-31T23:59:59Z";

#[test]
fn clients_fetch_where_they_are_sent_and_from_the_service_where_that_fails() {
    let mut net = Net::new(&["alice", "bob", "carol"]);
    let place = net.world.path("coordinator", "web");
    fs::create_dir(&place).unwrap();
    let web = Web::serving(&place);
    // First everything is well, then nothing is there, then it is something else.
    let state = Arc::new(AtomicUsize::new(0));
    let now = state.clone();
    let address = ([127, 0, 0, 1], web.port()).into();
    let proxy = Proxy::start(address, move |_, _| match now.load(Ordering::SeqCst) {
        0 => Fault::None,
        1 => Fault::Answer(503),
        _ => Fault::FlipAnswer(5),
    });
    net.serve(&format!(
        "{END} --publish file://{} --redirect-downloads http://{}",
        place.display(),
        proxy.address
    ));
    wait_until("it is published", || place.join("index.json").exists());
    let path = "/v1/files/phase1/0000.ptau";
    wait_until("clients are sent there", || send(net.address, "GET", path, &[], b"").status == 307);
    let sent = send(net.address, "GET", path, &[], b"");
    let there = format!("http://{}/phase1/0000.ptau", proxy.address);
    assert_eq!(sent.header("location"), Some(there.as_str()));
    let direct = send(net.address, "GET", &format!("{path}?direct=true"), &[], b"");
    assert_eq!(direct.status, 200, "{direct:?}");
    let asked = || proxy.seen.lock().unwrap().len();
    for (number, who) in ["alice", "bob", "carol"].iter().enumerate() {
        state.store(number, Ordering::SeqCst);
        let before = asked();
        net.join(who, "--phase 1").ok();
        assert!(asked() > before, "{who} did not ask there");
    }
    // What is public is asked for without the session.
    let (seen, without) = (asked(), proxy.unsigned.lock().unwrap().len());
    assert_eq!(seen, without);
    state.store(0, Ordering::SeqCst);
    let parties = ["alice", "bob", "carol"].map(|who| net.join(who, ""));
    parties.into_iter().for_each(|party| {
        party.ok();
    });
    net.service.take().unwrap().ok();
    net.nothing_is_there_twice();
    assert_eq!(net.contributions().len(), 6);
    // Everything is there, the end of the journal as well.
    let list = fs::read_to_string(place.join("index.json")).unwrap();
    let journal = fs::read(net.world.shared("journal.jsonl")).unwrap();
    let digest = zk_attest::digest::FileDigest::of(&journal).to_string();
    assert!(list.contains(&digest), "{list}");
    assert_eq!(fs::read(place.join(format!("versions/{digest}/journal.jsonl"))).unwrap(), journal);
}

#[test]
fn metrics_say_whether_everything_is_published_and_that_a_store_has_other_bytes() {
    let mut net = Net::new(&["alice"]);
    let place = net.world.path("coordinator", "web");
    fs::create_dir_all(place.join("phase1")).unwrap();
    fs::write(place.join("phase1/0000.ptau"), b"another account's").unwrap();
    let metrics = ([127, 0, 0, 1], free_port()).into();
    let line = format!("--publish file://{} --metrics {metrics}", place.display());
    let value = |name: &str| {
        let page = send(metrics, "GET", "/metrics", &[], b"");
        let page = String::from_utf8(page.body).unwrap();
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("no {name}: {page}")).parse::<f64>().unwrap()
    };
    let (refused, time) =
        ("ceremony_publication_refused", "ceremony_publication_timestamp_seconds");
    net.serve_without_end(&line);
    let address = net.address;
    let page = |says: &str| {
        let page = || send(address, "GET", "/", &[], b"").text();
        wait_until(says, || page().contains(says));
        page()
    };
    wait_until("it is refused", || value(refused) == 1.0);
    assert_eq!(value(time), 0.0);
    let now = page("Publication is refused:");
    assert!(now.contains("<dt>refused</dt><dd><b class=\"bad\">yes</b></dd>"), "{now}");
    assert!(!now.contains("another account") && !now.contains("file://"), "{now}");
    net.kill_service();
    fs::remove_file(place.join("phase1/0000.ptau")).unwrap();
    net.serve_without_end(&line);
    wait_until("it is published", || value(time) > 1e9);
    assert_eq!(value(refused), 0.0);
    page("Everything was last there at <time");
    net.kill_service();
    net.serve_without_end(&format!("--metrics {metrics}"));
    assert!(value(time).is_nan(), "nothing is to be published");
    page("puts its files into no store");
}

#[test]
fn a_service_that_finds_other_bytes_goes_on_says_so_and_ends_with_an_error() {
    let mut net = Net::new(&["alice"]);
    let place = net.world.path("coordinator", "web");
    fs::create_dir_all(place.join("phase1")).unwrap();
    fs::write(place.join("phase1/0001.ptau"), b"another account's").unwrap();
    net.serve(&format!("{END} --publish file://{}", place.display()));
    wait_until("the beginning is there", || place.join("index.json").exists());
    net.join("alice", "").ok();
    let run = net.service.take().unwrap().end();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("publication refused"), "{}", run.stderr);
    assert!(run.stderr.contains("store-conflict"), "{}", run.stderr);
    assert!(run.stderr.contains("everything is done"), "{}", run.stderr);
    assert_eq!(fs::read(place.join("phase1/0001.ptau")).unwrap(), b"another account's");
    // The list that is there names the state before it, of which everything is there.
    let list = fs::read_to_string(place.join("index.json")).unwrap();
    assert!(!list.contains("0001.ptau"), "{list}");
    net.transcript("coordinator", "shared");
}
