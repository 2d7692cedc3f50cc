//! Beacons that are rounds of drand, of the chain that is made up for tests: everything that lies
//! is refused, and what a page cannot know it says.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use ceremony_folder::drand::{Chain, MADE_UP};
use ceremony_folder::journal::{Entry, Event, JournalHead};
use ed25519_dalek::{Signer as _, SigningKey};
use testkit::drand::sign;
use zk_attest::digest::{ConfigDigest, FileDigest};
use zk_attest::envelope::Envelope;
use zk_attest::json;
use zk_attest::primitives::{CeremonyId, DrandSignature, Label, Timestamp};
use zk_attest::statement::{Action, Statement, Subject};

use crate::kit::ceremony::{VALUE, World, seed};

const DAY: u64 = 86_400;

fn round_in(seconds: u64) -> u64 {
    MADE_UP.first_round_after(&Timestamp::from_unix(Timestamp::now().unix() + seconds))
}

fn hex_of(round: u64) -> String {
    hex::encode(sign(round))
}

/// Rules whose beacons are these rounds.
fn planned(toml: String, rounds: [u64; 2]) -> String {
    ["100", "200"].iter().zip(rounds).fold(toml, |toml, (old, round)| {
        let old = format!("source = \"a chain\"\nround = {old}");
        assert!(toml.contains(&old));
        toml.replacen(&old, &format!("drand = \"made-up\"\nround = {round}"), 1)
    })
}

/// A ceremony whose beacons are these rounds.
fn with_rounds(people: &[&str], rounds: [u64; 2]) -> World {
    World::new(people, |toml| planned(toml, rounds))
}

/// The same, with rounds of tomorrow.
fn tomorrow(people: &[&str]) -> (World, [u64; 2]) {
    let rounds = [round_in(DAY), round_in(2 * DAY)];
    (with_rounds(people, rounds), rounds)
}

fn close(world: &World, round: u64) {
    let line = format!("ceremony beacon shared --signature {} --key key.pem", hex_of(round));
    world.ok("coordinator", &line);
}

/// Everything up to the second beacon.
fn finished() -> (World, [u64; 2]) {
    let (world, rounds) = tomorrow(&["alice"]);
    world.open();
    world.contribute("alice");
    close(&world, rounds[0]);
    world.ok("coordinator", "ceremony prepare shared --key key.pem");
    world.contribute("alice");
    close(&world, rounds[1]);
    (world, rounds)
}

/// An endpoint that answers every request with this, and its address.
fn endpoint(status: &'static str, answer: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            lines.find(|line| line.as_ref().unwrap().is_empty());
            let body = answer(first.split(' ').nth(1).unwrap());
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
            .unwrap();
        }
    });
    format!("http://{address}")
}

fn answer(round: u64, signature: &str) -> String {
    format!(r#"{{"round":{round},"randomness":"{}","signature":"{signature}"}}"#, "00".repeat(32))
}

/// An endpoint that has the rounds of the made-up chain.
fn honest() -> String {
    endpoint("200 OK", |path| {
        let expected = format!("/{}/public/", hex::encode(MADE_UP.hash()));
        let round = path.strip_prefix(&expected).unwrap().parse().unwrap();
        answer(round, &hex_of(round))
    })
}

#[test]
fn a_ceremony_with_rounds_of_drand_says_under_whose_key_they_verify() {
    let (world, rounds) = finished();
    let said = world.ok("coordinator", "ceremony verify shared");
    assert_eq!(said.matches("verified under made-up's key").count(), 2, "{said}");
    assert_eq!(said.matches("not known: no journal").count(), 2, "{said}");
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(world.shared("report.json")).unwrap()).unwrap();
    let checks = |file: &str, number: u64| {
        let files = report["files"].as_array().unwrap();
        let file = files.iter().find(|it| it["file"] == file).unwrap();
        let checks = file["checks"].as_array().unwrap();
        checks.iter().filter(|check| check["number"] == number).count()
    };
    assert_eq!(checks("phase1/final.ptau", 11), 1);
    assert_eq!(checks("phase1/0001.ptau", 11), 0);
    assert_eq!(checks("circuits/main/final.zkey", 12), 1);
    let steps = report["chains"][0]["steps"].as_array().unwrap();
    let beacon = steps.iter().map(|step| &step["beacon"]).find(|it| !it.is_null()).unwrap();
    assert_eq!(beacon["chain"], "made-up");
    assert_eq!(beacon["verified_against_source"], true);
    assert_eq!(beacon["signature"], hex_of(rounds[0]));
    assert_eq!(beacon["published"], MADE_UP.time_of(rounds[0]).unwrap().as_str());
    let page = fs::read_to_string(world.shared("report.html")).unwrap();
    assert_eq!(page.matches("verified under made-up's key").count(), 2);
    assert!(!page.contains("not compared with its source"));
}

#[test]
fn a_beacon_in_words_is_said_not_to_be_compared_with_its_source() {
    let world = World::finished();
    let said = world.ok("coordinator", "ceremony verify shared");
    assert_eq!(said.matches("not compared with its source").count(), 2, "{said}");
    let page = fs::read_to_string(world.shared("report.html")).unwrap();
    assert_eq!(page.matches("not compared with its source").count(), 2);
    assert!(!page.contains("verified under"));
}

/// A coordinator who closes phase 1 with a value of their choice: the file is in order, and the
/// attestation has `signature`, whose digest the value is.
fn forged(signature: DrandSignature) -> (World, [u64; 2]) {
    let (world, rounds) = tomorrow(&["alice"]);
    world.open();
    world.contribute("alice");
    close(&world, rounds[0]);
    let value = hex::encode(signature.value().as_bytes());
    world.ok(
        "coordinator",
        &format!("ptau beacon shared/phase1/0001.ptau forged.ptau --value {value} --exponent 10"),
    );
    let bytes = world.read("coordinator", "forged.ptau");
    world.replace("phase1/final.ptau", "coordinator", &bytes);
    world.again("phase1/final.dsse.json", "coordinator", |s| {
        let beacon = s.predicate.beacon.as_mut().unwrap();
        beacon.value = signature.value();
        beacon.signature = Some(signature);
    });
    world.with_hash_of("shared/phase1/final.ptau", "phase1/final.dsse.json", "coordinator");
    (world, rounds)
}

#[track_caller]
fn fails(world: &World, words: &str) {
    let run = world.run("coordinator", "ceremony verify shared --read-only");
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(words), "{}", run.stderr);
}

#[test]
fn a_coordinator_cannot_close_with_the_signature_of_another_round() {
    let (world, _) = forged(DrandSignature::new(sign(round_in(DAY / 2))));
    fails(&world, "does not verify under made-up's key");
}

#[test]
fn a_coordinator_cannot_close_with_bytes_that_are_no_signature() {
    let (world, _) = forged(DrandSignature::new([0x55; 48]));
    fails(&world, "its bytes are not a point of the group");
}

#[test]
fn a_coordinator_cannot_leave_the_signature_out() {
    let (world, _) = finished();
    world.again("phase1/final.dsse.json", "coordinator", |s| {
        s.predicate.beacon.as_mut().unwrap().signature = None;
    });
    fails(&world, "the beacon is not one of drand made-up");
}

#[test]
fn a_beacon_in_words_has_no_signature_of_drand() {
    let world = World::finished();
    world.again("phase1/final.dsse.json", "coordinator", |s| {
        let beacon = s.predicate.beacon.as_mut().unwrap();
        let signature = DrandSignature::new([1; 48]);
        beacon.source = Label::new("drand made-up").unwrap();
        (beacon.value, beacon.signature) = (signature.value(), Some(signature));
    });
    fails(&world, "the beacon is not one of a chain");
}

#[test]
fn what_is_entered_must_be_the_rounds_signature() {
    let (world, rounds) = tomorrow(&["alice"]);
    world.open();
    world.contribute("alice");
    let beacon = |what: &str| {
        let run = world.run("coordinator", &format!("ceremony beacon shared {what} --key key.pem"));
        assert!(!world.shared("phase1/final.ptau").exists());
        (run.code, run.stderr)
    };
    for (what, code, words) in [
        (format!("--value {VALUE}"), 2, "a value alone is not believed"),
        ("--random".into(), 2, "a value alone is not believed"),
        (format!("--signature {}", hex_of(rounds[1])), 1, "does not verify under made-up's key"),
        (format!("--signature {}", "55".repeat(48)), 1, "not a point of the group"),
        (format!("--signature {}", hex_of(rounds[0]).to_uppercase()), 2, "no signature of a drand"),
        (format!("--signature {}", &hex_of(rounds[0])[2..]), 2, "no signature of a drand chain"),
        (String::new(), 2, "the round is not published yet"),
    ] {
        let (found, said) = beacon(&what);
        assert!(found == code && said.contains(words), "{what}: {found}\n{said}");
    }
    // Of several, each round takes its own.
    let all = format!("--signature {} --signature {}", hex_of(rounds[1]), hex_of(rounds[0]));
    assert_eq!(beacon_ok(&world, &all), 0);
}

fn beacon_ok(world: &World, what: &str) -> i32 {
    world.run("coordinator", &format!("ceremony beacon shared {what} --key key.pem")).code
}

#[test]
fn rules_in_words_take_no_signature_and_are_not_fetched() {
    let world = World::new(&["alice"], |toml| toml);
    world.open();
    world.contribute("alice");
    world.refused(
        "beacon_signature_without_a_chain",
        "coordinator",
        &format!("ceremony beacon shared --signature {} --key key.pem", "55".repeat(48)),
    );
    world.refused("beacon_not_fetched", "coordinator", "ceremony beacon shared --key key.pem");
}

#[test]
fn a_round_that_is_published_opens_no_ceremony() {
    let world = with_rounds(&["alice"], [1000, 2000]);
    let line = "ceremony new shared --config ceremony.toml --circuit main=circuit.r1cs --key \
                key.pem";
    let run = world.run("coordinator", line);
    assert_eq!(run.code, 1);
    let words = "the value of phase 1's beacon is public already";
    assert!(run.stderr.contains(words), "{}", run.stderr);
    assert!(!world.shared("").exists());
}

#[test]
fn a_new_ceremony_says_when_its_rounds_are_published() {
    let (world, rounds) = tomorrow(&["alice"]);
    let line = "ceremony new shared --config ceremony.toml --circuit main=circuit.r1cs --key \
                key.pem";
    let said = world.ok("coordinator", line);
    for round in rounds {
        let time = MADE_UP.time_of(round).unwrap();
        assert!(said.contains(&format!("round {round}, published at {time}")), "{said}");
    }
}

#[test]
fn a_round_is_waited_for_and_fetched_and_who_lies_is_passed_over() {
    let round = round_in(10);
    let world = with_rounds(&["alice", "bob"], [round, round_in(DAY)]);
    world.open();
    world.contribute("alice");
    world.contribute("bob");
    let liars = [
        endpoint("200 OK", |_| answer(1, &hex_of(1))),
        endpoint("200 OK", move |_| answer(round, &hex_of(round + 1))),
        endpoint("200 OK", move |_| answer(round, &"55".repeat(48))),
        endpoint("200 OK", |_| "<html>".into()),
        endpoint("200 OK", |_| "x".repeat(20_000)),
        endpoint("404 Not Found", |_| "{}".into()),
        "http://127.0.0.1:1".into(),
    ];
    let named = |urls: &[String]| -> String {
        urls.iter().map(|url| format!(" --endpoint {url}")).collect()
    };
    let all: Vec<String> = liars.iter().cloned().chain([honest()]).collect();
    let many =
        format!("ceremony beacon shared --key key.pem{}", named(&vec![liars[6].clone(); 17]));
    let run = world.run("coordinator", &many);
    assert!(run.code == 2 && run.stderr.contains("too many endpoints"), "{}", run.stderr);
    let line = format!("ceremony beacon shared --wait --key key.pem{}", named(&all));
    let run = world.run("coordinator", &line);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("waiting for drand made-up"), "{}", run.stderr);
    let beacon = world.words("phase1/final.dsse.json").predicate.beacon.unwrap();
    assert_eq!((beacon.round, beacon.signature), (round, Some(DrandSignature::new(sign(round)))));
}

#[test]
fn nobody_contributes_when_the_round_is_public() {
    let round = round_in(6);
    let world = with_rounds(&["alice", "bob"], [round, round_in(DAY)]);
    world.open();
    world.contribute("alice");
    while Timestamp::now().unix() < MADE_UP.time_of(round).unwrap().unix() {
        std::thread::sleep(Duration::from_millis(100));
    }
    world.carry("coordinator", "bob");
    let run = world.run("bob", "ceremony contribute shared --as bob --key key.pem");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("takes no contribution any more"), "{}", run.stderr);
    assert!(!world.path("bob", "shared/phase1/0002.ptau").exists());
    let status = world.ok("coordinator", "ceremony status shared");
    assert!(!status.contains("ceremony contribute"), "{status}");
    assert!(status.contains("ceremony beacon shared --wait"), "{status}");
}

#[test]
fn endpoints_that_have_no_round_are_named_with_what_they_said() {
    let chain: &Chain = &MADE_UP;
    let urls = [
        endpoint("200 OK", |_| answer(7, &hex_of(8))),
        endpoint("200 OK", |_| answer(8, &hex_of(8))),
        endpoint("500 Internal Server Error", |_| String::new()),
        endpoint("200 OK", |_| answer(7, "00")),
    ];
    let endpoints = ceremony_net::drand::Endpoints::new(&urls).unwrap();
    let error = endpoints.fetch(chain, 7).unwrap_err();
    let found = error.found.unwrap();
    for words in [
        "does not verify under made-up's key as that of round 7",
        "answers with round 8",
        "answers 500",
        "no signature of a drand chain",
    ] {
        assert!(found.contains(words), "{words}: {found}");
    }
    let honest = ceremony_net::drand::Endpoints::new(&[honest()]).unwrap();
    assert_eq!(honest.fetch(chain, 7).unwrap().as_bytes(), &sign(7));
    for bad in ["ftp://example.org", "drand", "https://"] {
        assert!(ceremony_net::drand::Endpoints::new(&[bad.into()]).is_err(), "{bad}");
    }
}

/// Writes a journal whose one step is alice's contribution to phase 1, added at this time.
fn journal(world: &World, time: u64) {
    world.ok(
        "coordinator",
        &format!(
            "ceremony appoint shared --service-key {} --origin http://127.0.0.1:1 --key key.pem",
            world.public_key("alice")
        ),
    );
    let rules = ConfigDigest::of(&fs::read(world.shared("ceremony.toml")).unwrap());
    let file = FileDigest::of(&fs::read(world.shared("phase1/0001.ptau")).unwrap());
    let entry = Entry {
        number: 0,
        previous: FileDigest(rules.0),
        time: Timestamp::from_unix(time),
        event: Event::Step {
            circuit: None,
            step: "0001".into(),
            action: Action::Contribution,
            participant: Label::new("alice").unwrap(),
            file,
            turn: None,
        },
    };
    let line = json::encode(&entry);
    let head = Statement {
        subject: vec![Subject::new("journal.jsonl", FileDigest::of(&line).as_bytes()).unwrap()],
        predicate: JournalHead {
            ceremony: CeremonyId::new("test-ceremony").unwrap(),
            ceremony_toml_sha256: rules,
            number: 0,
        },
    };
    let mut envelope = head.to_envelope().unwrap();
    let pem = String::from_utf8(world.read("alice", "key.pem")).unwrap();
    let key = SigningKey::from_bytes(&seed(&pem));
    let signature = key.sign(&envelope.pae()).to_bytes();
    envelope.add_signature(&world.public_key("alice"), &signature).unwrap();
    fs::write(world.shared("journal.jsonl"), [line, b"\n".to_vec()].concat()).unwrap();
    fs::write(world.shared("journal.head.dsse.json"), envelope.to_json()).unwrap();
}

#[test]
fn a_contribution_that_the_journal_has_after_the_round_is_refused() {
    let (world, rounds) = tomorrow(&["alice"]);
    world.open();
    world.contribute("alice");
    let public = MADE_UP.time_of(rounds[0]).unwrap().unix();
    journal(&world, public);
    let line = format!("ceremony beacon shared --signature {} --key key.pem", hex_of(rounds[0]));
    let run = world.run("coordinator", &line);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(
        run.stderr.contains("was added when the value of its beacon was public")
            && run.stderr.contains("ceremony reject"),
        "{}",
        run.stderr
    );
    fails(&world, "was added when the value of its beacon was public");
    journal(&world, public - 1);
    close(&world, rounds[0]);
    let said = world.ok("coordinator", "ceremony verify shared --read-only");
    assert!(said.contains("the journal has every contribution before"), "{said}");
}

/// Nobody gives the service a value: it waits for the round's time, asks one endpoint after the
/// other, and takes the answer that verifies.
#[test]
fn a_service_fetches_the_round_when_its_time_has_come_and_believes_no_endpoint() {
    use crate::network::{Net, wait_until};
    // Long enough to contribute on a machine that builds beside it.
    let rounds = [round_in(30), round_in(DAY)];
    let mut net = Net::with_rules(&["alice"], |toml| planned(toml, rounds));
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let was_asked = asked.clone();
    let liar = endpoint("200 OK", move |_| {
        was_asked.store(true, std::sync::atomic::Ordering::SeqCst);
        answer(rounds[0], &hex_of(rounds[1]))
    });
    net.serve_without_end(&format!("--endpoint {liar} --endpoint {}", honest()));
    net.join("alice", "--phase 1").ok();
    assert!(!asked.load(std::sync::atomic::Ordering::SeqCst), "asked before the round's time");
    assert!(!net.world.shared("phase1/final.ptau").exists());
    wait_until("phase 1 is closed", || net.world.shared("phase1/prepared.ptau").exists());
    assert!(asked.load(std::sync::atomic::Ordering::SeqCst));
    net.kill_service();
    assert!(Timestamp::now().unix() >= MADE_UP.time_of(rounds[0]).unwrap().unix());
    let said = net.world.ok("coordinator", "ceremony verify shared");
    assert_eq!(said.matches("verified under made-up's key").count(), 1, "{said}");
    let opened = net.world.read("coordinator", "shared/phase1/final.dsse.json");
    let envelope = Envelope::from_json(&opened).unwrap();
    assert!(String::from_utf8_lossy(envelope.payload()).contains(&hex_of(rounds[0])));
}
