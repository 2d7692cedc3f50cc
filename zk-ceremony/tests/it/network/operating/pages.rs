//! Metrics of running nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ceremony_folder::journal::{Entry, Event};
use ceremony_net::metrics::FAMILIES;
use zk_attest::digest::FileDigest;
use zk_attest::primitives::{CircuitName, Label, Timestamp};

use super::Page;
use crate::kit::ceremony::copy;
use crate::network::bucket::Web;
use crate::network::http::send;
use crate::network::limits::most_memory;
use crate::network::party::{JSON, Party, is, open, request};
use crate::network::proxy::{Fault, Proxy};
use crate::network::whole::certificates;
use crate::network::{Net, free_port, spawn_in, wait_until};
use crate::proof_cli;

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port()))
}

/// A name that would end a label and begin a metric of its own.
const HOSTILE: &str = r#"mallory"} 1 # evil\n\\ ceremony_evil{x="#;

#[test]
fn every_node_serves_its_metrics_and_they_name_no_person() {
    let hostile = HOSTILE.replace('\\', "\\\\").replace('"', "\\\"");
    let mut net = Net::with_rules(&["alice", "bob"], |toml| {
        let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let mallory =
            format!("\n[[participants]]\nname = \"{hostile}\"\nkey = \"{key}\"\nphases = [1]\n");
        toml.replacen("\n[beacon.phase1]", &format!("{mallory}\n[beacon.phase1]"), 1)
    });
    let [service, participant, mirror, proofs] = [(); 4].map(|()| loopback());
    net.serve_without_end(&format!("--metrics {service} --backup-stamp stamp"));
    let before = Page::of(service);
    let refused = [("result", "refused")];
    assert_eq!(before.sum("ceremony_contributions_total", &refused), Some(0.0));
    assert_eq!(before.sum("ceremony_stage", &[("stage", "phase1")]), Some(1.0));
    assert_eq!(before.sum("ceremony_roster_missing", &[("phase", "1")]), Some(3.0));

    // What comes from outside, by those who would like to see it again.
    for (method, path) in [("GET", "/evil"), ("EVIL", "/"), ("POST", "/v1/sessions")] {
        let headers =
            [("Authorization", "Bearer evil"), ("User-Agent", "evil"), ("X-Forwarded-For", "evil")];
        send(net.address, method, path, &headers, b"evil");
    }
    // Alice's contribution is there, and waits for the folder.
    let folder = net.hold_folder();
    let alice = net.join("alice", &format!("--phase 1 --metrics {participant}"));
    wait_until("everything came", || !net.events_of("received").is_empty());
    fs::create_dir(net.world.path("dana", "")).unwrap();
    let line = format!(
        "ceremony mirror {} copy --verify --rules {} --metrics {mirror}",
        net.origin, net.rules
    );
    let mut dana = net.spawn("dana", &line);
    dana.says("verified");
    let world = proof_cli::World::new();
    let line = format!(
        "proof serve --listen 127.0.0.1:0 --bundle bundle.json --policy policy.json --metrics \
         {proofs}"
    );
    let place = world.folder.path("");
    let mut verifier = spawn_in(&place, &place.join("state"), &[], &line);
    verifier.says("proofs are verified at");
    let said = verifier.said();
    let address = said.split("http://").find_map(|it| it.split_once("/v1/proofs")).unwrap().0;
    let body = br#"{"proofs":[]}"#;
    send(address.parse().unwrap(), "POST", "/v1/proofs", &[], body);

    let busy = Page::fresh(service);
    assert_eq!(busy.sum("ceremony_turn_held", &[("state", "verifying")]), Some(1.0));
    let verifying = Page::fresh(participant);
    assert_eq!(verifying.sum("ceremony_participant_state", &[("state", "verifying")]), Some(1.0));
    drop(folder);
    wait_until("alice's contribution is taken in", || !net.contributions().is_empty());
    dana.says("0001");
    fs::write(net.world.path("coordinator", "stamp"), "").unwrap();
    wait_until("the service's own work is counted", || {
        let page = Page::fresh(service);
        page.sum("ceremony_work_seconds_count", &[("step", "verify")]) == Some(1.0)
    });
    let after = Page::fresh(service);
    let accepted = [("phase", "1"), ("result", "accepted")];
    assert_eq!(after.sum("ceremony_contributions_total", &accepted), Some(1.0));
    assert_eq!(after.sum("ceremony_head_index", &[("phase", "1")]), Some(1.0));
    assert_eq!(after.sum("ceremony_turns_total", &[("event", "granted")]), Some(1.0));
    assert_eq!(after.sum("ceremony_roster_missing", &[("phase", "1")]), Some(2.0));
    let size = fs::metadata(net.world.shared("phase1/0001.ptau")).unwrap().len() as f64;
    assert_eq!(after.sum("ceremony_work_bytes_total", &[("step", "verify")]), Some(size));
    assert!(after.sum("ceremony_work_points_total", &[("step", "verify")]) > Some(1.0));
    // What came is the upload, and what was signed and asked with it.
    let received = after.sum("ceremony_network_receive_bytes_total", &[]).unwrap();
    assert!(received > size && received < size + 100_000.0, "{received} of {size}");
    assert!(after.sum("ceremony_backup_timestamp_seconds", &[]) > Some(1.7e9));
    assert!(after.sum("ceremony_disk_needed_bytes", &[]) > Some(3.0 * size));
    assert_eq!(
        after.sum("ceremony_security_events_total", &[("kind", "malformed")]),
        Some(2.0),
        "a body that is no JSON, and a method that there is not"
    );
    wait_until("the mirror is not behind", || {
        Page::of(mirror).sum("ceremony_mirror_behind_steps", &[]) == Some(0.0)
    });

    // A participant who is done stays until that was read.
    let mut done = verifying;
    wait_until("alice is done", || {
        done = Page::of(participant);
        done.sum("ceremony_node_finished", &[]) == Some(1.0)
    });
    let of_step = |name: &str, step: &str| {
        done.sum(&format!("ceremony_work_{name}_total"), &[("step", step)]).unwrap()
    };
    assert_eq!((of_step("bytes", "upload"), of_step("points", "upload")), (size, size));
    assert!(of_step("points", "download") >= of_step("bytes", "download"));
    assert!(of_step("bytes", "download") > 0.0);
    let received = done.sum("ceremony_network_receive_bytes_total", &[]).unwrap();
    assert!(received > of_step("points", "download"), "{received}");
    assert!(done.sum("ceremony_network_transmit_bytes_total", &[]).unwrap() > size);
    let copied = Page::fresh(mirror);
    for page in [&done, &copied] {
        assert!(page.sum("ceremony_disk_free_bytes", &[("disk", "ceremony")]) > Some(0.0));
    }
    let verified = [("step", "verify"), ("phase", "1")];
    assert_eq!(copied.sum("ceremony_work_seconds_count", &verified), Some(2.0));
    assert_eq!(copied.sum("ceremony_node_finished", &[]), Some(0.0));

    let pages = [after, done, copied, Page::of(proofs)];
    let mut all = BTreeSet::new();
    let secrets = [
        "evil".to_owned(),
        "mallory".into(),
        "alice".into(),
        "bob".into(),
        "127.0.0.1".into(),
        net.rules.clone(),
        net.world.path("", "").display().to_string(),
        net.world.public_key("alice").to_string(),
    ];
    for page in &pages {
        all.extend(page.names());
        for secret in &secrets {
            assert!(!page.text.contains(secret.as_str()), "{secret}: {}", page.text);
        }
    }
    let all: BTreeSet<&str> =
        all.into_iter().filter(|name| name.starts_with("ceremony_")).collect();
    assert_eq!(all, FAMILIES.iter().map(|family| family.name).collect());
    alice.ok();

    // The journal's counts go on where they were; what it says of circuits that there are not, and
    // of unknown checks, makes no labels.
    net.kill_service();
    let journal = net.journal_text();
    let last = journal.lines().last().unwrap();
    let entry = Entry {
        number: journal.lines().count() as u64,
        previous: FileDigest::of(last.as_bytes()),
        time: Timestamp::now(),
        event: Event::Refused {
            participant: Label::new("alice").unwrap(),
            turn: "0123456789abcdef".into(),
            circuit: Some(CircuitName::new("ghost").unwrap()),
            code: "evil".into(),
            reason: Label::new("evil").unwrap(),
        },
    };
    let line = [&zk_attest::json::encode(&entry)[..], b"\n"].concat();
    fs::write(net.world.shared("journal.jsonl"), [journal.as_bytes(), &line].concat()).unwrap();
    net.serve_without_end(&format!("--metrics {service}"));
    let again = Page::of(service);
    assert_eq!(again.sum("ceremony_contributions_total", &accepted), Some(1.0));
    assert_eq!(again.sum("ceremony_turns_total", &[("event", "granted")]), Some(1.0));
    let other = [("check", "other")];
    assert_eq!(again.sum("ceremony_contributions_refused_total", &other), Some(1.0));
    again.names();
    for word in ["ghost", "evil"] {
        assert!(!again.text.contains(word), "{word}: {}", again.text);
    }
}

/// How often each kind of event was noted by the service itself.
fn events(metrics: SocketAddr) -> BTreeMap<String, f64> {
    let page = Page::fresh(metrics);
    let is_it = |it: &&(String, _, _)| it.0 == "ceremony_security_events_total";
    let events = page.samples.iter().filter(is_it).filter(|it| it.1["listener"] == "api");
    events.map(|(_, labels, value)| (labels["kind"].clone(), *value)).collect()
}

#[test]
fn what_the_service_refuses_is_counted_by_its_kind() {
    let mut net = Net::new(&["alice"]);
    let metrics = loopback();
    fs::create_dir(net.world.path("mallory", "")).unwrap();
    net.world.ok("mallory", "key new key.pem");
    // Room for few connections.
    let options = format!("--key key.pem --metrics {metrics}");
    net.serve_by(&["sh", "-c", "ulimit -n 200 && exec \"$0\" \"$@\""], &options);
    let before = events(metrics);
    assert!(before.values().all(|count| *count == 0.0), "{before:?}");
    let another = Label::new(&"0".repeat(64)).unwrap();
    let failed = request(&net, "alice", |claim| claim.nonce = another);
    assert_eq!(open(&net, &failed).status, 422);
    let stranger = request(&net, "mallory", |_| {});
    assert_eq!(open(&net, &stranger).refusal(), is((422, "not-in-roster")));
    let bearer = [("Authorization", "Bearer unknown")];
    assert_eq!(send(net.address, "GET", "/v1/queue", &bearer, b"").status, 401);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(300 << 10));
    assert_eq!(send(net.address, "POST", "/v1/sessions", &[JSON], long.as_bytes()).status, 413);
    assert_eq!(send(net.address, "POST", "/v1/sessions", &[JSON], b"{").status, 400);
    let alice = Party::new(&net, "alice");
    let turn = alice.turn();
    let begun = alice.begin(turn["id"].as_str().unwrap(), 100);
    let upload = begun.header("location").unwrap();
    assert_eq!(alice.part(upload, 0, b"x", Some(b"y")).status, 460);
    let found = events(metrics);
    let expected = [
        "failed_session",
        "refused_signature",
        "unknown_session",
        "oversize",
        "malformed",
        "damaged_upload",
    ];
    for (kind, count) in found {
        assert_eq!(count, f64::from(u8::from(expected.contains(&kind.as_str()))), "{kind}");
    }

    let mut link = TcpStream::connect(net.address).unwrap();
    let flood = "GET /v1/ceremony HTTP/1.1\r\nHost: a\r\n\r\n".repeat(600);
    link.write_all(flood.as_bytes()).unwrap();
    link.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answers = String::new();
    link.read_to_string(&mut answers).unwrap();
    let refused = answers.matches("HTTP/1.1 429").count() as f64;
    assert!(refused > 50.0, "{refused}");
    let links: Vec<TcpStream> = (0..80).map(|_| TcpStream::connect(net.address).unwrap()).collect();
    wait_until("connections are turned away", || events(metrics)["too_many_connections"] >= 1.0);
    drop(links);
    assert_eq!(events(metrics)["rate_limit"], refused);
}

#[test]
fn a_service_tells_when_its_certificate_and_its_bundle_run_out() {
    let mut net = Net::new(&["alice"]);
    certificates(&net);
    net.origin = format!("https://localhost:{}", net.address.port());
    let metrics = loopback();
    let more = format!("--tls-cert tls.crt --tls-key tls.key --stay --metrics {metrics}");
    net.serve_unattended(&more);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let page = Page::of(metrics);
    let not_after = page.sum("ceremony_certificate_not_after_timestamp_seconds", &[]).unwrap();
    let days = (not_after - now) / 86_400.0;
    assert!((29.0..31.0).contains(&days), "{days}");
    assert_eq!(page.sum("ceremony_bundle_not_after_timestamp_seconds", &[]), Some(0.0));
    // Health checkers look whether the port is open.
    (0..30).for_each(|_| drop(TcpStream::connect(net.address).unwrap()));
    let mut link = TcpStream::connect(net.address).unwrap();
    link.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    wait_until("a failed handshake is noted", || events(metrics)["failed_handshake"] == 1.0);
    net.join("alice", "--ca ../coordinator/ca.pem").ok();
    let until = |page: &Page| page.sum("ceremony_bundle_not_after_timestamp_seconds", &[]);
    // 2099-12-31T23:59:59Z
    wait_until("the bundle is there", || until(&Page::of(metrics)) == Some(4_102_444_799.0));
    let page = Page::of(metrics);
    assert_eq!(page.sum("ceremony_stage", &[("stage", "closed")]), Some(1.0));
    assert_eq!(page.sum("ceremony_roster_missing", &[]), Some(0.0));
    assert_eq!(page.sum("ceremony_beacon_pending", &[]), Some(0.0));
    assert!(page.sum("ceremony_verification_timestamp_seconds", &[]) > Some(now - 60.0));
    let circuit = [("circuit", "main"), ("result", "accepted")];
    assert_eq!(page.sum("ceremony_contributions_total", &circuit), Some(1.0));
    // It stays, and need not.
    assert_eq!(page.sum("ceremony_node_finished", &[]), Some(1.0));
}

#[test]
fn a_service_that_ends_by_itself_has_told_so_before() {
    let mut net = Net::new(&["alice"]);
    let metrics = loopback();
    net.serve_unattended(&format!("--metrics {metrics}"));
    let finished = || Page::of(metrics).sum("ceremony_node_finished", &[]);
    assert_eq!(finished(), Some(0.0));
    net.join("alice", "").ok();
    let mut service = net.service.take().unwrap();
    service.says("everything is done");
    // Longer than it stays for clients, and no one has asked meanwhile.
    std::thread::sleep(Duration::from_secs(7));
    assert_eq!(finished(), Some(1.0));
    let told = Instant::now();
    service.ok();
    assert!(told.elapsed() < Duration::from_secs(20), "{:?}", told.elapsed());
}

#[test]
fn a_mirror_of_a_bucket_tells_how_far_it_is_behind() {
    let mut net = Net::new(&["alice"]);
    net.serve_without_end("");
    net.join("alice", "--phase 1").ok();
    net.kill_service();
    net.world.ok("coordinator", "ceremony index shared --key key.pem");
    let web = Web::serving(&net.world.shared(""));
    let was_held = AtomicBool::new(false);
    let proxy = Proxy::start(([127, 0, 0, 1], web.port()).into(), move |method, path| {
        let is_it = method == "GET" && path.ends_with("phase1/0001.ptau");
        let holds = is_it && !was_held.swap(true, Ordering::SeqCst);
        if holds { Fault::Hold(0) } else { Fault::None }
    });
    let metrics = loopback();
    fs::create_dir(net.world.path("dana", "")).unwrap();
    let (address, rules) = (proxy.address, &net.rules);
    let line = format!(
        "ceremony mirror http://{address} copy --verify --rules {rules} --metrics {metrics}"
    );
    let dana = net.spawn("dana", &line);
    wait_until("the second step is being fetched", || proxy.is_holding());
    // The first one is here, and not verified.
    let page = Page::fresh(metrics);
    assert_eq!(page.sum("ceremony_mirror_behind_steps", &[]), Some(2.0));
    assert_eq!(page.sum("ceremony_mirror_sync_timestamp_seconds", &[]), Some(0.0));
    proxy.release();
    wait_until("both are verified", || {
        Page::fresh(metrics).sum("ceremony_mirror_behind_steps", &[]) == Some(0.0)
    });
    let page = Page::fresh(metrics);
    assert!(page.sum("ceremony_mirror_sync_timestamp_seconds", &[]) > Some(1.7e9));
    assert!(page.sum("ceremony_verification_timestamp_seconds", &[]) > Some(1.7e9));
    let received = page.sum("ceremony_network_receive_bytes_total", &[]);
    assert!(received > page.sum("ceremony_work_bytes_total", &[("step", "download")]), "{page:?}");
    drop(dana);
}

#[test]
fn metrics_stay_on_this_machine_unless_that_is_written_out() {
    let mut net = Net::new(&["alice"]);
    let (address, origin) = (net.address, net.origin.clone());
    let line = |more: &str| {
        format!(
            "ceremony serve shared --listen {address} --origin {origin} --key key.pem --metrics \
             {more}"
        )
    };
    let run = net.world.run("coordinator", &line("0.0.0.0:0"));
    assert_eq!(run.code, 2, "{}", run.stderr);
    for words in ["metrics are handed out without TLS", "add --insecure-metrics"] {
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    let taken = loopback();
    net.serve_without_end(&format!("--metrics {taken}"));
    let run = net.world.run("coordinator", &line(&taken.to_string()));
    assert!(run.stderr.contains("name another address with --metrics"), "{}", run.stderr);
    net.kill_service();
    net.serve_without_end("--metrics 0.0.0.0:0 --insecure-metrics");
    let said = net.service.as_ref().unwrap().said();
    assert!(said.contains("metrics: http://0.0.0.0:"), "{said}");
}

#[test]
fn a_flood_of_scrapes_and_slow_readers_cost_little() {
    let mut net = Net::new(&["alice"]);
    let metrics = loopback();
    net.serve_without_end(&format!("--metrics {metrics}"));
    // As many as one address may have: some send no request, the others take no answer.
    let slow: Vec<TcpStream> = (0..12)
        .map(|i| {
            let mut link = TcpStream::connect(metrics).unwrap();
            let request = if i % 2 == 0 { "GET /metr" } else { "GET /metrics HTTP/1.1\r\n\r\n" };
            link.write_all(request.repeat(if i % 2 == 0 { 1 } else { 200 }).as_bytes()).unwrap();
            link
        })
        .collect();
    let begun = Instant::now();
    let cpu = || Page::of(metrics).sum("process_cpu_seconds_total", &[]).unwrap();
    let before = cpu();
    let mut slowest = Duration::ZERO;
    for i in 0..300u32 {
        let due = begun + Duration::from_millis(10) * i;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let asked = Instant::now();
        let answer = send(metrics, "GET", "/metrics", &[], b"");
        assert_eq!(answer.status, 200, "{answer:?}");
        slowest = slowest.max(asked.elapsed());
        if i % 50 == 0 {
            let health = send(net.address, "GET", "/healthz", &[], b"");
            assert_eq!(health.status, 200);
        }
    }
    let time = begun.elapsed();
    std::thread::sleep(Duration::from_millis(300));
    let spent = cpu() - before;
    let memory = most_memory(net.service.as_ref().unwrap().pid());
    println!(
        "300 scrapes in {time:?}, {spent:.2} s of a processor, slowest {slowest:?}, {memory} bytes"
    );
    assert!(time < Duration::from_secs(30) && spent < 0.5 * time.as_secs_f64(), "{spent}");
    assert!(memory < 200 << 20, "{memory}");
    drop(slow);
    // One address cannot take every connection; it is turned away, and nothing else happens.
    let many: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(metrics).unwrap()).collect();
    let mut last = &many[39];
    last.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // One that was let in would wait for a request, and the read would time out.
    match last.read(&mut [0]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("a connection too many was let in: {other:?}"),
    }
    drop(many);
    let page = || Page::fresh(metrics);
    wait_until("others are let in again", || {
        let link = TcpStream::connect(metrics);
        link.is_ok_and(|mut link| {
            let _ =
                link.write_all(b"GET /metrics HTTP/1.1\r\nConnection: close\r\nHost: a\r\n\r\n");
            let mut text = String::new();
            link.read_to_string(&mut text).is_ok() && text.starts_with("HTTP/1.1 200")
        })
    });
    // It was this listener that had no room, and the service's own that was not asked.
    let kind = ("kind", "too_many_connections");
    let of = |page: &Page, listener| {
        page.sum("ceremony_security_events_total", &[("listener", listener), kind])
    };
    let page = page();
    assert!(of(&page, "metrics") >= Some(24.0), "{:?}", of(&page, "metrics"));
    assert_eq!(of(&page, "api"), Some(0.0));
    // Pages of metrics are nothing that the ceremony moves.
    let sent = page.sum("ceremony_network_transmit_bytes_total", &[]).unwrap();
    assert!(sent < 10_000.0, "{sent}");
    assert_eq!(send(metrics, "GET", "/", &[], b"").status, 404);
    assert_eq!(send(metrics, "POST", "/metrics", &[], b"").status, 405);
}

#[test]
fn a_log_in_json_has_an_object_on_each_line() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("--log json");
    let said = net.join("alice", "--phase 1 --log json").ok();
    let zeros = "0".repeat(64);
    let line = format!(
        "ceremony join {} --as alice --key key.pem --rules {zeros} --dir elsewhere --log json",
        net.origin
    );
    let refused = net.spawn("alice", &line).end().stderr;
    let log = net.kill_service();
    let objects = |text: &str| -> Vec<serde_json::Value> {
        let lines = text.lines().filter(|line| line.starts_with('{'));
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    };
    for (text, words) in [(&log, "alice has the turn"), (&said, "your turn, for")] {
        let objects = objects(text);
        let is_it = |it: &serde_json::Value| {
            it["message"].as_str().is_some_and(|message| message.contains(words))
                && it["level"] == "INFO"
                && it["timestamp"].is_string()
        };
        assert!(objects.iter().any(is_it), "{words}: {text}");
    }
    // Why something failed is in parts, and whole: what was found, where, and what was expected.
    let failed = objects(&refused).into_iter().find(|it| it["level"] == "ERROR").unwrap();
    for part in ["code", "message", "hint"] {
        assert!(failed[part].as_str().is_some_and(|it| !it.is_empty()), "{part}: {failed}");
    }
    assert_eq!(failed["found"], net.rules.as_str());
    assert_eq!(failed["expected"], zeros.as_str());
    // stdout has the results, for people; stderr has nothing else than the log.
    let stray = |line: &&str| !line.starts_with('{');
    let people =
        ["held at", "rules  ", "service key", "Participants run", "phase 1:", "contribution"];
    for line in log.lines().filter(stray) {
        assert!(people.iter().any(|it| line.contains(it)), "{line}");
    }
}

#[test]
fn a_mirror_that_disagrees_says_so_until_it_is_stopped() {
    let mut net = Net::new(&["alice", "bob"]);
    let metrics = loopback();
    net.serve_without_end("");
    fs::create_dir(net.world.path("dana", "")).unwrap();
    let line = format!(
        "ceremony mirror {} copy --verify --rules {} --metrics {metrics}",
        net.origin, net.rules
    );
    let mut dana = net.spawn("dana", &line);
    dana.says("verified");
    let disagrees = || Page::of(metrics).sum("ceremony_mirror_disagreement", &[]);
    assert_eq!(disagrees(), Some(0.0));
    // A coordinator who would like one contribution not to have happened.
    net.kill_service();
    let [shared, before] = ["shared", "before"].map(|name| net.world.path("coordinator", name));
    copy(&shared, &before);
    net.serve_without_end("");
    net.join("alice", "--phase 1").ok();
    dana.says("0001");
    net.kill_service();
    fs::remove_dir_all(&shared).unwrap();
    fs::rename(&before, &shared).unwrap();
    net.serve_without_end("");
    net.join("bob", "--phase 1").ok();
    wait_until("the mirror disagrees", || disagrees() == Some(1.0));
    let said = dana.said();
    assert!(said.contains("it stays until it is stopped"), "{said}");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(disagrees(), Some(1.0));
    let pid = rustix::process::Pid::from_raw(dana.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(dana.end().code, 1, "{said}");
}
