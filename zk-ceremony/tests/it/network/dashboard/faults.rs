//! What must not hurt the dashboard: long journals, many parties, hostile texts, and browsers that
//! take nothing or are too many.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ceremony_folder::journal::{Entry, Event};
use ed25519_dalek::SigningKey;
use serde_json::json;
use zk_attest::digest::{ConfigDigest, FileDigest};
use zk_attest::json::encode;
use zk_attest::primitives::{Label, Timestamp};

use super::super::limits::most_memory;
use super::super::party::{Party, is};
use super::{Events, Net, page, page_with, section, send, wait_until, words};

pub(super) const TEXTS: [&str; 5] = [
    "<script>alert(1)</script>",
    "</title></section></main><img src=x onerror=alert(1)>",
    "' onfocus='alert(1)' autofocus='",
    "event: now data: 7 {{ 7 }} {% raw %} &lt;b&gt;",
    "${alert(1)} javascript:alert(1) \u{fe0f}é漢字",
];

/// Rules in which the people are called something else.
pub(super) fn renamed(toml: String, people: &[&str], names: &[String]) -> String {
    people.iter().zip(names).fold(toml, |toml, (old, new)| {
        let new = toml::Value::from(new.as_str());
        toml.replacen(&format!("name = \"{old}\""), &format!("name = {new}"), 1)
    })
}

#[test]
fn what_people_are_called_never_becomes_markup() {
    let people = ["a", "b", "c", "d", "e", "f"];
    let tags = |page: &str| {
        let names = page.split('<').skip(1);
        let name = |tag: &str| tag.split([' ', '>', '/']).next().unwrap_or_default().to_owned();
        let mut names: Vec<String> = names.map(name).collect();
        names.sort();
        names
    };
    let long = "long".repeat(90);
    let hostile: Vec<String> =
        TEXTS.iter().map(|it| (*it).to_owned()).chain([long.clone()]).collect();
    let plain: Vec<String> = people.iter().map(|it| it.to_string()).collect();
    let mut found = Vec::new();
    for names in [&plain, &hostile] {
        let mut net = Net::with_rules(&people, |toml| renamed(toml, &people, names));
        net.serve_without_end("");
        let parties = people.map(|who| Party::new(&net, who));
        parties[0].turn();
        for party in &parties[1..] {
            assert_eq!(party.post("/v1/queue", &json!({})).status, 200);
        }
        let mut now = String::new();
        wait_until("all are in the queue", || {
            now = page(&net);
            section(&now, "queue").matches("<li").count() == 5
        });
        // Each is there as its own text, letter by letter.
        let text = words(&now);
        for name in names {
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(&name), "{name}");
        }
        let mut events = Events::open(net.address, "wait=0");
        for (id, html) in events.sections() {
            let tags = html.matches("<script").count() + html.matches("<img").count();
            assert_eq!(tags, 0, "{id}: {html}");
        }
        found.push(tags(&now));
        assert_eq!(now.matches("<script").count(), 1, "the page's own");
    }
    assert_eq!(found[0], found[1], "names add no element");
}

/// A journal of so many entries, as a service would have written it.
fn long_journal(rules: ConfigDigest, service: zk_attest::key::PublicKey, entries: u64) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut previous = FileDigest(rules.0);
    let begun = Timestamp::now().unix() - entries;
    for number in 0..entries {
        let participant = Label::new("alice").unwrap();
        let turn = format!("{:016x}", number / 2);
        let event = match number {
            0 => Event::Opened { service },
            n if n % 2 == 1 => Event::Granted { participant, turn },
            _ => Event::Expired { participant, turn },
        };
        let time = Timestamp::from_unix(begun + number);
        let line = encode(&Entry { number, previous, time, event });
        previous = FileDigest::of(&line);
        lines.extend(line);
        lines.push(b'\n');
    }
    lines
}

#[test]
fn ten_thousand_entries_and_five_hundred_parties_keep_the_page_short_and_quick() {
    const ENTRIES: u64 = 10_000;
    let others = |toml: String| {
        let key = |n: u16| {
            let mut seed = [7; 32];
            seed[..2].copy_from_slice(&n.to_be_bytes());
            hex::encode(SigningKey::from_bytes(&seed).verifying_key().to_bytes())
        };
        let person = |n: u16| {
            format!(
                "\n[[participants]]\nname = \"participant {n}\"\nkey = \"{}\"\nphases = [1, 2]\n",
                key(n)
            )
        };
        let at = toml.find("\n[beacon.phase1]").unwrap();
        let people: String = (0..498).map(person).collect();
        format!("{}{people}{}", &toml[..at], &toml[at..])
    };
    let mut net = Net::with_rules(&["alice", "bob"], others);
    let rules = ConfigDigest::from_hex(&net.rules).unwrap();
    let key = net.world.public_key("coordinator");
    fs::write(net.world.shared("journal.jsonl"), long_journal(rules, key, ENTRIES)).unwrap();
    net.serve_without_end("");
    let now = page(&net);
    assert!(now.len() < 200_000, "{} bytes", now.len());
    let found = words(section(&now, "journal"));
    assert!(found.contains(&format!("entries {}", ENTRIES + 2)), "{found}");
    assert!(found.contains("9990 more"), "{found}");
    let found = words(section(&now, "parties"));
    assert!(found.contains("and 460 more, in the rules"), "{found}");
    assert!(words(section(&now, "chain-0")).contains("0 of 500 contributions"));
    assert!(words(section(&now, "security")).contains(&format!("ran out {}", (ENTRIES - 1) / 2)));
    // Alice comes first now, of all of them.
    let alice = Party::new(&net, "alice");
    alice.turn();
    let now = page_with(&net, |page| section(page, "turn").contains("alice"));
    let found = words(section(&now, "parties"));
    let first = found.split("contributing").nth(1).unwrap().trim_start();
    assert!(first.starts_with("alice"), "{found}");
    // Each page after a change, which is the most work that there is.
    let mut times = Vec::new();
    for _ in 0..21 {
        assert_eq!(alice.send("DELETE", "/v1/queue", &[], b"").status, 204);
        assert_eq!(alice.post("/v1/queue", &json!({})).status, 200);
        std::thread::sleep(Duration::from_millis(110));
        let begun = Instant::now();
        page(&net);
        times.push(begun.elapsed());
    }
    times.sort();
    println!("a page after a change: {times:?}");
    assert!(times[10] < Duration::from_millis(500), "{times:?}");
}

/// Asks for events, and takes nothing of them but the status.
fn deaf(net: &Net) -> TcpStream {
    let mut link = TcpStream::connect(net.address).unwrap();
    let request = format!("GET /v1/events HTTP/1.1\r\nHost: {}\r\n\r\n", net.address);
    link.write_all(request.as_bytes()).unwrap();
    link.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut status = [0; 15];
    link.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200 OK");
    link
}

#[test]
fn browsers_that_take_nothing_or_are_too_many_cost_the_others_nothing() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    let links: Vec<TcpStream> = (0..32).map(|_| deaf(&net)).collect();
    let refused = || {
        let answer = send(net.address, "GET", "/v1/events?wait=0", &[], b"");
        answer.status == 429 && answer.refusal() == is((429, "too-many-listeners"))
    };
    assert!(refused(), "those of one address are enough");
    let before = most_memory(net.service.as_ref().unwrap().pid());
    let mut slowest = Duration::ZERO;
    // The page itself goes on, and so do turns.
    let alice = Party::new(&net, "alice");
    for _ in 0..100 {
        let asked = Instant::now();
        assert_eq!(alice.post("/v1/queue", &json!({})).status, 200);
        page(&net);
        assert_eq!(alice.send("DELETE", "/v1/queue", &[], b"").status, 204);
        slowest = slowest.max(asked.elapsed());
    }
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    net.join("bob", "--phase 1").ok();
    wait_until("the page shows it", || page(&net).contains("<b>contribution 1</b>bob"));
    let memory = most_memory(net.service.as_ref().unwrap().pid());
    assert!(memory < 150 << 20, "{memory}");
    // What each of them costs is what the system keeps for it, and one page's events.
    assert!(memory - before < 32 << 20, "{before} {memory}");
    // A browser that looks again after all that is told of what is so now, and of nothing in
    // between.
    let mut link = &links[0];
    let (mut taken, mut piece) = (Vec::new(), [0; 65_536]);
    while !String::from_utf8_lossy(&taken).contains("contribution 1") {
        let count = link.read(&mut piece).unwrap();
        assert!(count > 0, "it was ended");
        taken.extend(&piece[..count]);
    }
    assert!(taken.len() < 4 << 20, "{}", taken.len());
    drop(links);
    wait_until("there is room for others", || !refused());
}
