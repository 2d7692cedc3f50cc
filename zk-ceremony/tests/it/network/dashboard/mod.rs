//! The service's dashboard: what it says, what it lets a browser do, and what it withstands.

mod browser;
mod faults;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use zk_attest::digest::FileDigest;
use zk_attest::statement::Sha256Hex;

use super::http::{Answer, send};
use super::party::Party;
use super::{Net, wait_until};

fn get(address: SocketAddr) -> Answer {
    send(address, "GET", "/", &[], b"")
}

/// The page, which must come.
#[track_caller]
fn page(net: &Net) -> String {
    let answer = get(net.address);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text()
}

/// The page, once it says something: what it shows may be a moment old.
#[track_caller]
fn page_with(net: &Net, says: impl Fn(&str) -> bool) -> String {
    let mut found = String::new();
    wait_until("the page says it", || {
        found = page(net);
        says(&found)
    });
    found
}

/// A page or a part of it without tags, and with single spaces.
fn words(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text += part.split_once('>').map_or(part, |(_, text)| text);
        text.push(' ');
    }
    let whole = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let decoded = [("&#39;", "'"), ("&#34;", "\""), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    decoded.iter().fold(whole, |text, (code, sign)| text.replace(code, sign))
}

/// The hash, as the page groups it.
fn grouped(hex: &str) -> String {
    hex.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
}

/// A section of the page.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("<section id=\"{id}\"")).unwrap();
    rest.split_once("</section>").unwrap().0
}

fn seen(page: &str) -> &str {
    page.split_once("data-seen=\"").unwrap().1.split_once('"').unwrap().0
}

/// Events that come one after the other.
struct Events(BufReader<TcpStream>);

impl Events {
    fn open(address: SocketAddr, query: &str) -> Self {
        let mut link = TcpStream::connect(address).unwrap();
        link.set_read_timeout(Some(super::PATIENCE)).unwrap();
        let request = format!(
            "GET /v1/events?{query} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        );
        link.write_all(request.as_bytes()).unwrap();
        let mut events = Self(BufReader::new(link));
        let head = events.lines_until_empty();
        assert!(head.contains("200 OK") && head.contains("text/event-stream"), "{head}");
        events
    }

    fn lines_until_empty(&mut self) -> String {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 || line.trim().is_empty() {
                return text;
            }
            text += &line;
        }
    }

    /// Name and data of the next event; none at the end. Sizes of chunks are passed over.
    fn next(&mut self) -> Option<(String, String)> {
        let mut name = None;
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(found) = line.strip_prefix("event: ") {
                name = Some(found.trim().to_owned());
            } else if let (Some(data), Some(name)) = (line.strip_prefix("data: "), &name) {
                return Some((name.clone(), data.trim_end().to_owned()));
            }
        }
    }

    /// The sections that come until the next moment is complete.
    fn sections(&mut self) -> Vec<(String, String)> {
        let mut sections = Vec::new();
        while let Some((name, data)) = self.next() {
            if name == "now" {
                break;
            }
            let section: Value = serde_json::from_str(&data).unwrap();
            let text = |key: &str| section[key].as_str().unwrap().to_owned();
            sections.push((text("id"), text("html")));
        }
        sections
    }
}

/// A contribution with one bit changed, and signed as it is.
fn flipped(net: &Net, who: &str) -> (Vec<u8>, Vec<u8>) {
    let (data, attestation) = Party::new(net, who).contribution();
    let mut bytes = net.world.read(who, &data);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let digest = FileDigest::of(&bytes);
    net.world.attest_again(who, &attestation, who, |it| {
        it.subject[0].digest.sha256 = Sha256Hex(digest.0);
    });
    (bytes, net.world.read(who, &attestation))
}

/// A participant's turn ends with a refused contribution.
fn is_refused(net: &Net, who: &str) {
    let (data, attestation) = flipped(net, who);
    let party = Party::new(net, who);
    let turn = party.turn();
    let id = turn["id"].as_str().unwrap();
    let upload = party.upload(id, &data);
    assert_eq!(party.complete(id, &upload, &attestation).status, 202);
    assert_eq!(party.verdict()["verdict"], "refused");
}

#[test]
fn the_page_says_how_to_join_by_the_services_own_address_and_loads_nothing() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    let answer = get(net.address);
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    for part in ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let page = answer.text();
    for never in [" style=", " onclick=", " src=", "@import", "url(", "javascript:", "<form"] {
        assert!(!page.contains(never), "{never}");
    }
    let command = format!(
        "zk-ceremony ceremony join {} --as NAME --key KEY --rules {}",
        net.origin, net.rules
    );
    assert!(page.contains(&command), "{page}");
    assert!(words(&page).contains(&grouped(&net.rules)), "{page}");
    for name in ["Host", "X-Forwarded-Host", "Forwarded", "X-Original-URL"] {
        let mut link = TcpStream::connect(net.address).unwrap();
        let more = if name == "Host" { "" } else { "Host: a\r\n" };
        let request =
            format!("GET / HTTP/1.1\r\n{more}{name}: evil.example\r\nConnection: close\r\n\r\n");
        link.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut link, &mut text).unwrap();
        assert!(text.contains(&command) && !text.contains("evil.example"), "{name}\n{text}");
    }
}

#[test]
fn the_page_follows_the_ceremony_step_by_step() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    let first = page(&net);
    assert!(words(section(&first, "turn")).contains("No participant has the turn."));
    assert!(words(section(&first, "chain-0")).contains("0 of 2 contributions, at least 2 needed"));
    assert!(words(section(&first, "chain-1")).contains("not open yet"));
    assert!(words(&first).contains("A rehearsal: its keys protect nothing"));
    // Two want a turn.
    let (alice, bob) = (Party::new(&net, "alice"), Party::new(&net, "bob"));
    let turn = alice.turn();
    assert_eq!(bob.post("/v1/queue", &serde_json::json!({})).status, 200);
    let now = page_with(&net, |page| section(page, "queue").contains("bob"));
    // Who has a place and does not ask is not there.
    let found = words(section(&now, "parties"));
    assert!(found.contains("0 of 2 chains in the queue, not connected"), "{found}");
    assert_eq!(bob.send("GET", "/v1/queue", &[], b"").json()["state"], "waiting");
    let now =
        page_with(&net, |page| words(section(page, "parties")).contains("number 1 in the queue"));
    let found = words(section(&now, "turn"));
    assert!(found.contains("alice contributes to phase 1 has it since 20"), "{found}");
    assert!(found.contains("runs out 20"), "{found}");
    let found = words(section(&now, "queue"));
    assert!(found.contains("bob since 20") && !found.contains("alice"), "{found}");
    let found = words(section(&now, "parties"));
    assert!(found.contains("0 of 2 chains has the turn"), "{found}");
    assert!(found.contains("0 of 2 chains number 1 in the queue"), "{found}");
    // And alice's contribution comes.
    let id = turn["id"].as_str().unwrap();
    let (data, attestation) = alice.contribution();
    let data = net.world.read("alice", &data);
    let upload = alice.upload(id, &data);
    let uploaded = format!("uploaded {n} bytes of {n} bytes", n = data.len());
    page_with(&net, |page| words(section(page, "turn")).contains(&uploaded));
    assert_eq!(alice.complete(id, &upload, &net.world.read("alice", &attestation)).status, 202);
    assert_eq!(alice.verdict()["verdict"], "accepted");
    let now = page_with(&net, |page| page.contains("<b>contribution 1</b>alice"));
    let found = words(section(&now, "chain-0"));
    assert!(found.contains("1 of 2 contributions"), "{found}");
    assert!(found.contains(&grouped(&FileDigest::of(&data).to_string())), "{found}");
    // What the receipt names.
    let receipts = alice.send("GET", "/v1/receipts", &[], b"").json();
    let payload = receipts["receipts"][0]["payload"].as_str().unwrap();
    let payload = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, payload);
    let receipt: Value = serde_json::from_slice(&payload.unwrap()).unwrap();
    let entry = &receipt["predicate"]["journal_entry"];
    let sha256 = receipt["predicate"]["journal_sha256"].as_str().unwrap();
    assert!(found.contains(&format!("entry {entry} of the journal")), "{found}");
    assert!(found.contains(&grouped(sha256)), "{found}");
    let head = net.world.shared("journal.jsonl");
    let journal = std::fs::read_to_string(head).unwrap();
    let last = FileDigest::of(journal.lines().last().unwrap().as_bytes()).to_string();
    let found = words(section(&now, "journal"));
    assert!(found.contains(&grouped(&last)), "{found}");
    assert!(found.contains(&format!("entries {}", journal.lines().count())), "{found}");
    assert!(words(section(&now, "pace")).contains("Time to verify a step"));
    // Bob's is refused, with its reason.
    is_refused(&net, "bob");
    let now = page_with(&net, |page| section(page, "stage").contains("Last: "));
    let found = words(section(&now, "security"));
    assert!(found.contains("contributions refused 1"), "{found}");
    assert!(found.contains("bob's contribution to phase 1 was refused: "), "{found}");
    assert!(words(section(&now, "stage")).contains("Last: bob's contribution"), "{now}");
    // And so is what comes to the door.
    let answer = send(net.address, "PUT", "/v1/queue", &[], b"");
    assert_eq!(answer.status, 405);
    page_with(&net, |page| page.contains("<dd data-kind=\"malformed\">1</dd>"));
}

#[test]
fn events_bring_what_a_browser_has_not_seen_and_nothing_else() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    let first = page(&net);
    let mut all = Events::open(net.address, "wait=0");
    let sections = all.sections();
    let ids: Vec<&str> = sections.iter().map(|(id, _)| id.as_str()).collect();
    let expected = [
        "facts",
        "stage",
        "turn",
        "queue",
        "beacons",
        "chain-0",
        "chain-1",
        "parties",
        "pace",
        "security",
        "publication",
        "journal",
        "join",
    ];
    assert_eq!(ids, expected);
    assert_eq!(all.next(), None, "it ends when its time is over");
    for (id, html) in &sections {
        assert!(section(&first, id).contains(html.as_str()), "{id} is another one in the page");
    }
    let mut none = Events::open(net.address, &format!("wait=0&seen={}", seen(&first)));
    assert_eq!(none.sections(), []);
    // A change comes by itself, and only what it changed.
    let mut live = Events::open(net.address, &format!("seen={}", seen(&first)));
    assert_eq!(live.sections(), []);
    let alice = Party::new(&net, "alice");
    alice.turn();
    let mut found = Vec::new();
    while !found.iter().any(|(id, html): &(String, String)| id == "turn" && html.contains("alice"))
    {
        found.extend(live.sections());
    }
    let unchanged = ["facts", "beacons", "chain-0", "chain-1", "pace", "join"];
    assert!(!found.iter().any(|(id, _)| unchanged.contains(&id.as_str())), "{found:?}");
    // What is not understood.
    for query in ["wait=x", "what=1", "wait=-1"] {
        let answer = send(net.address, "GET", &format!("/v1/events?{query}"), &[], b"");
        assert_eq!(answer.refusal(), super::party::is((400, "query")), "{query}");
    }
    // A listener does not keep the service from stopping.
    let service = net.service.take().unwrap();
    let pid = service.pid().to_string();
    let begun = std::time::Instant::now();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    service.ok();
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    while live.next().is_some() {}
}

/// The moment in a part of a page that a browser counts to.
fn counted(html: &str) -> u64 {
    let at = html.split("data-at=\"").nth(1).unwrap_or_else(|| panic!("{html}"));
    at.split('"').next().unwrap().parse().unwrap()
}

#[test]
fn the_wait_is_the_one_that_the_service_tells_and_time_alone_is_no_news() {
    let mut net = Net::new(&["alice", "bob", "carol", "dave"]);
    net.serve_without_end("--turn 600");
    net.join("alice", "--phase 1").ok();
    let [bob, carol, dave] = ["bob", "carol", "dave"].map(|who| Party::new(&net, who));
    bob.turn();
    let expected = |party: &Party| {
        assert_eq!(party.post("/v1/queue", &serde_json::json!({})).status, 200);
        party.send("GET", "/v1/queue?wait=0", &[], b"").json()["expected"].as_u64().unwrap()
    };
    let told = [expected(&carol), expected(&dave)];
    let now = page_with(&net, |page| section(page, "queue").contains("dave"));
    let since = now.split("data-now=\"").nth(1).unwrap().split('"').next().unwrap();
    let since: u64 = since.parse().unwrap();
    let waits = section(&now, "queue").split("<li").skip(1).map(counted);
    let shown: Vec<u64> = waits.map(|at| at.saturating_sub(since)).collect();
    assert_eq!(shown.len(), 2, "{}", section(&now, "queue"));
    for (shown, told) in shown.iter().zip(told) {
        // In whole seconds, up here and down there.
        assert!(shown.abs_diff(told) <= 2, "{shown} and {told}");
    }
    assert!(shown[0] <= shown[1]);
    // Nothing happens for longer than the service waits before it looks: nothing is sent anew.
    std::thread::sleep(Duration::from_millis(1100));
    let seen_now = seen(&page(&net)).to_owned();
    let mut quiet = Events::open(net.address, &format!("wait=7&seen={seen_now}"));
    let mut sent = Vec::new();
    while let Some((name, data)) = quiet.next() {
        if name == "section" {
            sent.push(data.chars().take(40).collect::<String>());
        }
    }
    // Those who only asked once are not connected any more, some time later.
    sent.retain(|it| !["queue", "parties", "stage"].iter().any(|id| it.contains(id)));
    assert_eq!(sent, Vec::<String>::new());
}

#[test]
fn a_change_right_after_the_page_is_told_at_once() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    let alice = Party::new(&net, "alice");
    let mut slowest = Duration::ZERO;
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(300));
        let before = seen(&page(&net)).to_owned();
        // While the page of a moment ago is still handed out.
        assert_eq!(alice.post("/v1/queue", &serde_json::json!({})).status, 200);
        let asked = std::time::Instant::now();
        let mut live = Events::open(net.address, &format!("wait=8&seen={before}"));
        while !live.sections().iter().any(|(id, html)| id == "queue" && html.contains("alice")) {
            assert!(asked.elapsed() < Duration::from_secs(8));
        }
        slowest = slowest.max(asked.elapsed());
        assert_eq!(alice.send("DELETE", "/v1/queue", &[], b"").status, 204);
    }
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
}

#[test]
fn that_files_are_withheld_is_told_to_those_who_look() {
    let mut net = Net::new(&["alice"]);
    net.serve_without_end("");
    let first = page(&net);
    assert!(words(section(&first, "facts")).contains("A rehearsal: its keys protect nothing"));
    let mut live = Events::open(net.address, &format!("wait=30&seen={}", seen(&first)));
    let key = net.world.shared("evidence/key.pem");
    std::fs::create_dir_all(key.parent().unwrap()).unwrap();
    std::fs::write(&key, "-----BEGIN PRIVATE KEY-----\nMC4C\n").unwrap();
    let mut until = |withheld: bool| loop {
        let found = live.sections().into_iter().find(|(id, _)| id == "facts");
        match found {
            Some((_, html)) if html.contains("No file is handed out") == withheld => return,
            _ => {}
        }
    };
    until(true);
    std::fs::remove_file(&key).unwrap();
    until(false);
}

#[test]
fn the_documentation_says_which_sections_show_what_is_watched() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let table = text.split("## What is watched, and where").nth(1).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows[0][3], "on the dashboard of `serve`, by the section's id");
    let mut net = Net::new(&["alice"]);
    net.serve_without_end("");
    let page = page(&net);
    let ids = page.split("<section id=\"").skip(1).map(|it| it.split('"').next().unwrap());
    let mut left: std::collections::BTreeSet<&str> = ids.collect();
    // What the ceremony is, and how to join it: nothing that is watched. One chain is as another.
    for id in ["facts", "join", "chain-1"] {
        assert!(left.remove(id), "{id}");
    }
    let mut named = std::collections::BTreeSet::new();
    for row in &rows[1..] {
        for id in row[3].split('`').skip(1).step_by(2) {
            named.insert(id);
        }
    }
    assert_eq!(named, left);
    assert!(words(section(&page, "journal")).contains("receipt"));
}
