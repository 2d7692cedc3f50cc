//! What a service refuses, each with its stable name and HTTP status.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ceremony_net::statements::{SessionClaim, Ticket, about_rules};
use serde_json::{Value, json};
use zk_attest::digest::{ConfigDigest, FileDigest};
use zk_attest::primitives::{Label, Timestamp};
use zk_attest::statement::{Phase, Sha256Hex, Statement, StepAttestation};

use super::http::send;
use super::party::{
    JSON, PART, Party, TUS, challenge, claim, is, log_tells_nothing, open, request, sign,
};
use super::{Net, wait_until};
use crate::kit::ceremony::World;

#[test]
fn a_session_is_for_one_service_one_moment_and_one_key() {
    let mut net = Net::new(&["alice", "bob"]);
    fs::create_dir(net.world.path("mallory", "")).unwrap();
    net.world.ok("mallory", "key new key.pem");
    net.serve_without_end("");
    let hours = |n: i64| Timestamp::from_unix((Timestamp::now().unix() as i64 + n * 3600) as u64);
    let other = |text: &str| Label::new(text).unwrap();
    let forged = |nonce: &Label| {
        let flip = if nonce.as_str().ends_with('0') { '1' } else { '0' };
        other(&format!("{}{flip}", &nonce.as_str()[..nonce.as_str().len() - 1]))
    };
    for (who, edit, expected) in [
        (
            "alice",
            &(|it: &mut SessionClaim| it.origin = other("https://elsewhere.example"))
                as &dyn Fn(&mut SessionClaim),
            (422, "another-origin"),
        ),
        ("alice", &|it| it.ceremony_toml_sha256 = ConfigDigest([7; 32]), (422, "another-ceremony")),
        ("alice", &|it| it.nonce = forged(&it.nonce), (422, "challenge")),
        ("alice", &|it| it.nonce = other(&"ab".repeat(32)), (422, "challenge")),
        ("alice", &|it| it.nonce = other("short"), (422, "challenge")),
        ("alice", &|it| it.time = hours(3), (422, "clock")),
        ("alice", &|it| it.time = hours(-3), (422, "clock")),
        ("mallory", &|_| {}, (422, "not-in-roster")),
        ("coordinator", &|_| {}, (422, "not-in-roster")),
    ] {
        let answer = open(&net, &request(&net, who, edit));
        assert_eq!(answer.refusal(), is(expected), "{answer:?}");
    }
    // Signed by alice, and then something else.
    let mut changed: Value = serde_json::from_slice(&request(&net, "alice", |_| {})).unwrap();
    let payload = STANDARD.decode(changed["envelope"]["payload"].as_str().unwrap()).unwrap();
    let text = String::from_utf8(payload).unwrap().replace("test-ceremony", "best-ceremony");
    changed["envelope"]["payload"] = STANDARD.encode(text).into();
    let answer = open(&net, changed.to_string().as_bytes());
    assert_eq!(answer.refusal(), is((422, "not-in-roster")));
    // Whose session would it be?
    let claimed = claim(&net, &challenge(&net));
    let mut both = about_rules(claimed.ceremony_toml_sha256, claimed).unwrap();
    sign(&net, "alice", &mut both);
    sign(&net, "bob", &mut both);
    let answer = open(&net, json!({ "envelope": both }).to_string().as_bytes());
    assert_eq!(answer.refusal(), is((422, "signatures")));
    // Another document that alice signed.
    let ticket = Ticket {
        ceremony: claim(&net, "none").ceremony,
        ceremony_toml_sha256: ConfigDigest::from_hex(&net.rules).unwrap(),
        key: net.world.public_key("alice"),
        since: 1,
    };
    let mut envelope = about_rules(ticket.ceremony_toml_sha256, ticket).unwrap();
    sign(&net, "alice", &mut envelope);
    let forged_ticket = json!({ "ticket": envelope });
    let answer = open(&net, json!({ "envelope": envelope }).to_string().as_bytes());
    assert_eq!(answer.status, 422, "{answer:?}");

    // Replayed.
    let good = request(&net, "alice", |_| {});
    assert_eq!(open(&net, &good).status, 200);
    assert_eq!(open(&net, &good).refusal(), is((422, "challenge")));
    // A challenge of the process before this one.
    let earlier = request(&net, "alice", |_| {});
    net.kill_service();
    net.serve_without_end("");
    assert_eq!(open(&net, &earlier).refusal(), is((422, "challenge")));

    let none = send(net.address, "GET", "/v1/queue", &[], b"");
    assert_eq!(none.refusal(), is((401, "session-missing")));
    let bearer = format!("Bearer {}", "ab".repeat(32));
    let bogus = send(net.address, "GET", "/v1/queue", &[("Authorization", &bearer)], b"");
    assert_eq!(bogus.refusal(), is((401, "session-unknown")));
    let first = Party::new(&net, "alice");
    let second = Party::new(&net, "alice");
    let told = first.send("GET", "/v1/queue", &[], b"");
    assert_eq!(told.refusal(), is((401, "session-replaced")));

    // Tickets: by the service's key only, and for this key only.
    let answer = second.post("/v1/queue", &forged_ticket);
    assert_eq!(answer.refusal(), is((422, "bad-signature")), "{answer:?}");
    let own = second.post("/v1/queue", &json!({})).json();
    let bob = Party::new(&net, "bob");
    assert_eq!(bob.send("GET", "/v1/queue", &[], b"").refusal(), is((409, "not-in-queue")));
    let answer = bob.post("/v1/queue", &json!({ "ticket": own["ticket"] }));
    assert_eq!(answer.refusal(), is((422, "ticket")), "{answer:?}");
    assert_eq!(second.post("/v1/queue", &json!({ "ticket": own["ticket"] })).status, 200);
    assert_eq!(net.events_of("joined").len(), 1, "{}", net.journal_text());
    log_tells_nothing(&net, &[&first.bearer, &second.bearer, &bob.bearer]);
}

#[test]
fn what_nobody_asked_for_is_refused_at_once_even_while_the_folder_is_in_use() {
    let mut net = Net::new(&["alice", "bob"]);
    fs::create_dir(net.world.path("mallory", "")).unwrap();
    net.world.ok("mallory", "key new key.pem");
    net.serve_without_end("");
    let folder = net.hold_folder();
    let mut envelope =
        about_rules(ConfigDigest::from_hex(&net.rules).unwrap(), claim(&net, "none")).unwrap();
    sign(&net, "alice", &mut envelope);
    let statement = json!({ "envelope": envelope }).to_string();
    let approval = |who: &str| {
        let key = net.world.public_key(who).to_string();
        json!({ "key": key, "signature": "00".repeat(64) }).to_string()
    };
    for (path, body, expected) in [
        ("/v1/statements", statement, is((422, "not-an-auditor"))),
        ("/v1/approvals", approval("mallory"), is((422, "not-an-approver"))),
    ] {
        let begun = Instant::now();
        let answer = send(net.address, "POST", path, &[JSON], body.as_bytes());
        assert_eq!(answer.refusal(), expected, "{answer:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{path} waits for the folder");
    }
    // There is no bundle to approve, which is nobody's failure.
    let answer = send(net.address, "POST", "/v1/approvals", &[JSON], approval("bob").as_bytes());
    assert_eq!(answer.refusal(), is((409, "no-bundle")), "{answer:?}");
    let said = net.service.as_ref().unwrap().said();
    assert!(!said.contains("ERROR"), "{said}");
    for (path, body, status) in [
        ("/v1/statements", "{}", 400),
        ("/v1/statements", "[", 400),
        ("/v1/approvals", r#"{"key":1}"#, 400),
        ("/v1/approvals", r#"{"key":"00","signature":""}"#, 422),
        ("/v1/sessions", r#"{"envelope":{},"more":1}"#, 400),
    ] {
        let answer = send(net.address, "POST", path, &[JSON], body.as_bytes());
        assert_eq!(answer.status, status, "{path} {body}: {answer:?}");
        let untyped = send(net.address, "POST", path, &[], body.as_bytes());
        assert_eq!(untyped.refusal(), is((415, "content-type")));
    }
    for (method, path, expected) in [
        ("GET", "/v1/nothing", is((404, "no-such-address"))),
        ("PUT", "/v1/queue", is((405, "method"))),
        ("GET", "/v1/ceremony?what=1", is((400, "query"))),
        ("GET", "/v1/journal?from=-1", is((400, "query"))),
    ] {
        let answer = send(net.address, method, path, &[], b"");
        assert_eq!(answer.refusal(), expected, "{method} {path}: {answer:?}");
    }
    drop(folder);
}

#[test]
fn an_upload_is_of_its_turn_its_participant_and_its_size() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("--turn 4");
    let (alice, bob) = (Party::new(&net, "alice"), Party::new(&net, "bob"));
    let turn_over = is((409, "turn-over"));
    let none = is((404, "no-such-upload"));
    assert_eq!(alice.begin("0123456789abcdef", 100).refusal(), turn_over);
    let turn = alice.turn();
    let id = turn["id"].as_str().unwrap();
    let most = turn["chains"][0]["size_at_most"].as_u64().unwrap() as usize;
    assert_eq!(bob.begin(id, 100).refusal(), turn_over);
    assert_eq!(alice.begin("0123456789abcdef", 100).refusal(), turn_over);
    assert_eq!(alice.begin(id, most + 1).refusal(), is((413, "size")));
    assert_eq!(alice.begin(id, 0).refusal(), is((413, "size")));
    let begun = alice.begin(id, 100);
    let upload = begun.header("location").unwrap();
    for method in ["PATCH", "DELETE"] {
        let headers = [TUS, PART, ("Upload-Offset", "0")];
        assert_eq!(bob.send(method, upload, &headers, b"x").refusal(), none);
        let other = format!("/v1/uploads/{}", "0".repeat(32));
        assert_eq!(alice.send(method, &other, &headers, b"x").refusal(), none);
    }
    assert_eq!(bob.send("HEAD", upload, &[TUS], b"").status, 404);
    // tus as it should not be.
    let body = [7; 101];
    assert_eq!(alice.part(upload, 0, &body, None).refusal(), is((413, "size")));
    assert_eq!(alice.part(upload, 1, b"x", None).refusal(), is((409, "offset")));
    assert_eq!(alice.part(upload, 0, b"x", Some(b"y")).refusal(), is((460, "checksum")));
    let without = alice.send("PATCH", upload, &[PART, ("Upload-Offset", "0")], b"x");
    assert_eq!(without.refusal(), is((412, "tus-version")));
    let without = alice.send("PATCH", upload, &[TUS, ("Upload-Offset", "0")], b"x");
    assert_eq!(without.refusal(), is((415, "content-type")));
    for offset in ["", "-1", "+0", "0x0", "18446744073709551616"] {
        let answer = alice.send("PATCH", upload, &[TUS, PART, ("Upload-Offset", offset)], b"x");
        assert_eq!(answer.refusal(), is((400, "header")), "{offset}");
    }
    let asked = alice.send("HEAD", upload, &[TUS], b"");
    assert_eq!((asked.status, asked.header("upload-offset")), (200, Some("0")));
    // Not finished, not bob's, and not a contribution to this chain.
    let (data, attestation) = alice.contribution();
    let attestation = net.world.read("alice", &attestation);
    let unfinished = alice.complete(id, upload, &attestation);
    assert_eq!(unfinished.refusal(), is((409, "unfinished")), "{unfinished:?}");
    assert_eq!(bob.complete(id, upload, &attestation).refusal(), turn_over);
    let nothing = alice.post("/v1/turn/attestations", &json!({ "turn": id, "steps": [] }));
    assert_eq!(nothing.refusal(), is((422, "incomplete")));
    let answer = alice.complete(id, "/v1/uploads/none", &attestation);
    assert_eq!(answer.refusal(), is((404, "no-such-upload")), "{answer:?}");
    assert_eq!(bob.send("DELETE", "/v1/turn", &[], b"").refusal(), turn_over);

    // The turn runs out.
    let data = net.world.read("alice", &data);
    let upload = alice.upload(id, &data);
    wait_until("the turn runs out", || !net.events_of("expired").is_empty());
    assert_eq!(alice.part(&upload, 0, &data, None).refusal(), none);
    assert_eq!(alice.begin(id, 100).refusal(), turn_over);
    assert_eq!(alice.complete(id, &upload, &attestation).refusal(), turn_over);
    assert!(super::names(&net.state("uploads")).is_empty());
    // The next one has its turn, and alice another one.
    net.join("bob", "--phase 1").ok();
    net.join("alice", "--phase 1").ok();
    net.nothing_is_there_twice();
    assert_eq!(net.contributions(), ["phase1 bob", "phase1 alice"]);
    log_tells_nothing(&net, &[&alice.bearer, &bob.bearer]);
}

#[test]
fn an_upload_is_of_its_circuit() {
    let mut net = Net::of(World::two_circuits());
    net.serve_without_end("");
    let alice = Party::new(&net, "alice");
    let turn = alice.turn();
    let id = turn["id"].as_str().unwrap();
    net.world.carry("coordinator", "alice");
    net.world.ok("alice", "ceremony contribute shared --as alice --key key.pem");
    let file = |circuit: &str, ending: &str| {
        net.world.read("alice", &format!("shared/circuits/{circuit}/0001.{ending}"))
    };
    let [one, two] = ["one", "two"].map(|circuit| {
        let upload = alice.upload_for(id, Some(circuit), &file(circuit, "zkey"));
        upload.rsplit('/').next().unwrap().to_owned()
    });
    let complete = |uploads: [&str; 2]| {
        let step = |(circuit, upload): (&str, &str)| {
            let attestation: Value = serde_json::from_slice(&file(circuit, "dsse.json")).unwrap();
            json!({ "circuit": circuit, "upload": upload, "attestation": attestation })
        };
        let steps: Vec<Value> = ["one", "two"].into_iter().zip(uploads).map(step).collect();
        alice.post("/v1/turn/attestations", &json!({ "turn": id, "steps": steps }))
    };
    for wrong in [[&two, &one], [&one, &one], [&two, &two]] {
        let answer = complete(wrong.map(String::as_str));
        assert_eq!(answer.refusal(), is((404, "no-such-upload")), "{answer:?}");
    }
    assert_eq!(complete([&one, &two]).status, 202);
    assert_eq!(alice.verdict()["verdict"], "accepted");
    assert_eq!(net.contributions(), ["phase1 alice", "one alice", "two alice"]);
}

#[test]
fn an_upload_has_one_writer_at_a_time() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    let alice = Party::new(&net, "alice");
    let turn = alice.turn();
    let id = turn["id"].as_str().unwrap();
    let begun = alice.begin(id, 100);
    let upload = begun.header("location").unwrap();
    // A request that says that it has a hundred bytes, and has sent ten.
    let mut link = TcpStream::connect(net.address).unwrap();
    let head = format!(
        "PATCH {upload} HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\nTus-Resumable: \
         1.0.0\r\nContent-Type: {}\r\nUpload-Offset: 0\r\nContent-Length: 100\r\n\r\n0123456789",
        alice.bearer, PART.1
    );
    link.write_all(head.as_bytes()).unwrap();
    let data = |net: &Net| {
        let folder = net.state("uploads");
        let names = super::names(&folder);
        let data = names.iter().find(|name| name.ends_with(".ptau")).unwrap();
        fs::metadata(folder.join(data)).unwrap().len()
    };
    wait_until("ten bytes came", || data(&net) == 10);
    let busy = is((409, "busy"));
    assert_eq!(alice.part(upload, 0, b"x", None).refusal(), busy);
    assert_eq!(alice.send("DELETE", upload, &[TUS], b"").refusal(), busy);
    assert_eq!(alice.begin(id, 50).refusal(), busy);
    drop(link);
    // What came whole counts.
    wait_until("the next one may write", || {
        let asked = alice.send("HEAD", upload, &[TUS], b"");
        asked.header("upload-offset") == Some("10")
            && alice.part(upload, 10, b"x", None).status == 204
    });
    assert_eq!(data(&net), 11);
    // A new upload takes the place of the one before.
    assert_eq!(alice.begin(id, 50).status, 201);
    assert_eq!(alice.send("HEAD", upload, &[TUS], b"").status, 404);
}

#[test]
fn what_came_whole_is_the_services_until_its_verdict() {
    let mut net = Net::new(&["alice"]);
    net.serve_without_end("");
    let alice = Party::new(&net, "alice");
    let turn = alice.turn();
    let id = turn["id"].as_str().unwrap();
    let (data, attestation) = alice.contribution();
    let attestation = net.world.read("alice", &attestation);
    let upload = alice.upload(id, &net.world.read("alice", &data));
    let folder = net.hold_folder();
    assert_eq!(alice.complete(id, &upload, &attestation).status, 202);
    let received = is((409, "received"));
    assert_eq!(alice.begin(id, 100).refusal(), received);
    assert_eq!(alice.complete(id, &upload, &attestation).refusal(), received);
    assert_eq!(alice.part(&upload, 0, b"x", None).refusal(), received);
    assert_eq!(alice.send("DELETE", &upload, &[TUS], b"").refusal(), received);
    assert_eq!(alice.send("DELETE", "/v1/turn", &[], b"").refusal(), is((409, "turn-over")));
    drop(folder);
    assert_eq!(alice.verdict()["verdict"], "accepted");
    assert_eq!(net.events_of("received").len(), 1, "{}", net.journal_text());
    assert_eq!(net.contributions(), ["phase1 alice"]);
}

#[test]
fn a_bad_contribution_is_refused_recorded_and_costs_nobody_else_their_turn() {
    let people = ["alice", "bob", "carol", "dave", "erin", "fred", "gina", "henry"];
    let mut net = Net::new(&people);
    net.serve_without_end("");
    let again = |who: &str, signer: &str, edit: &dyn Fn(&mut Statement<StepAttestation>)| {
        let (data, attestation) = Party::new(&net, who).contribution();
        net.world.attest_again(who, &attestation, signer, |it| edit(it));
        (net.world.read(who, &data), net.world.read(who, &attestation))
    };
    let flipped = |who: &str| {
        let (data, attestation) = Party::new(&net, who).contribution();
        let mut bytes = net.world.read(who, &data);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let digest = FileDigest::of(&bytes);
        net.world.attest_again(who, &attestation, who, |it| {
            it.subject[0].digest.sha256 = Sha256Hex(digest.0);
        });
        (bytes, net.world.read(who, &attestation))
    };
    let shorter = |who: &str| {
        let (data, attestation) = Party::new(&net, who).contribution();
        let mut bytes = net.world.read(who, &data);
        bytes.pop();
        (bytes, net.world.read(who, &attestation))
    };
    // Two points of [tau^i]1 exchanged: they begin at byte 80, with 64 bytes each.
    let exchanged = |who: &str| {
        let (data, attestation) = Party::new(&net, who).contribution();
        let mut bytes = net.world.read(who, &data);
        bytes[80 + 5 * 64..80 + 7 * 64].rotate_left(64);
        let digest = FileDigest::of(&bytes);
        net.world.attest_again(who, &attestation, who, |it| {
            it.subject[0].digest.sha256 = Sha256Hex(digest.0);
        });
        (bytes, net.world.read(who, &attestation))
    };
    let made = [
        (flipped("alice"), "alice"),
        (again("bob", "bob", &|it| it.predicate.index = 2), "bob"),
        (again("carol", "dave", &|_| {}), "carol"),
        (
            again("dave", "dave", &|it| it.predicate.ceremony_toml_sha256 = ConfigDigest([7; 32])),
            "dave",
        ),
        (
            again("erin", "erin", &|it| {
                let circuit = json!({ "name": "main", "circuit_sha256": "00".repeat(32) });
                it.predicate.phase = Phase::Two;
                it.predicate.circuit = serde_json::from_value(circuit).unwrap();
            }),
            "erin",
        ),
        (
            again("fred", "fred", &|it| it.predicate.input_sha256 = Some(FileDigest([7; 32]))),
            "fred",
        ),
        (shorter("gina"), "gina"),
        (exchanged("henry"), "henry"),
    ];
    let mut found = Vec::new();
    for ((data, attestation), who) in &made {
        let party = Party::new(&net, who);
        let turn = party.turn();
        let id = turn["id"].as_str().unwrap();
        let upload = party.upload(id, data);
        let answer = party.complete(id, &upload, attestation);
        assert_eq!(answer.status, 202, "{answer:?}");
        let verdict = party.verdict();
        assert_eq!(verdict["verdict"], "refused", "{who}: {verdict}");
        found.push((*who, verdict["error"].clone()));
        assert!(super::names(&net.state("uploads")).is_empty());
        log_tells_nothing(&net, &[&party.bearer]);
    }
    let codes: Vec<(&str, &str)> =
        found.iter().map(|(who, error)| (*who, error["code"].as_str().unwrap())).collect();
    let recorded = net.events_of("refused");
    let recorded: Vec<(&str, &str)> = recorded
        .iter()
        .map(|it| (it["participant"].as_str().unwrap(), it["code"].as_str().unwrap()))
        .collect();
    assert_eq!(recorded, codes);
    let expected = [
        ("alice", "bad"),
        ("bob", "attestation-invalid"),
        ("carol", "attestation-invalid"),
        ("dave", "another-ceremony"),
        ("erin", "not-of-this-turn"),
        ("fred", "not-of-this-turn"),
        ("gina", "half"),
        ("henry", "bad"),
    ];
    assert_eq!(codes, expected, "{found:#?}");
    // The number of the check.
    let what = found[7].1.to_string();
    assert!(what.contains("check "), "{what}");
    // Whoever was refused may come again.
    net.join("alice", "--phase 1").ok();
    assert_eq!(net.contributions(), ["phase1 alice"]);
    net.world.ok("coordinator", "ceremony verify shared");
}

#[test]
fn nothing_but_the_ceremonys_public_files_can_be_fetched() {
    let mut net = Net::new(&["alice", "bob"]);
    const SECRET: &str = "nobody should read this";
    for name in
        ["shared/private/note.txt", "note.txt", "shared/phase1/.hidden", "shared/evidence/c:drive"]
    {
        let path = net.world.path("coordinator", name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, SECRET).unwrap();
    }
    net.serve_without_end("");
    let listed = send(net.address, "GET", "/v1/files", &[], b"");
    let files: Vec<String> = listed.json()["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(files.iter().any(|name| name == "ceremony.toml"), "{files:?}");
    // A name that clients refuse would stop each of them.
    assert!(!files.iter().any(|name| name.contains("drive")), "{files:?}");
    for name in &files {
        let answer = send(net.address, "GET", &format!("/v1/files/{name}"), &[], b"");
        assert_eq!(answer.status, 200, "{name}");
        assert!(!answer.text().contains(SECRET), "{name}");
    }
    let absolute = net.world.path("coordinator", "note.txt").display().to_string();
    let mut names: Vec<String> = [
        "private/note.txt",
        "private/",
        "private",
        ".zk-ceremony.lock",
        "phase1/.hidden",
        "phase1",
        "phase1/",
        "",
        ".",
        "..",
        "./ceremony.toml",
        "ceremony.toml/",
        "ceremony.toml%00",
        "ceremony.toml%00.json",
        "CEREMONY.TOML",
        "%ff%fe",
        "journal.jsonl%20",
    ]
    .map(str::to_owned)
    .into();
    for up in [
        "../",
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "%252e%252e%252f",
        "..%252f",
        "..\\",
        "..%5c",
        "%2e%2e%5c",
        "....//",
        "phase1/../../",
        "phase1/%2e%2e/%2e%2e/",
        "%c0%ae%c0%ae/",
        "//../",
        "%2f..%2f",
    ] {
        for what in
            ["note.txt", "key.pem", "shared.service/service.pem", "shared.service/turn.json"]
        {
            names.push(format!("{up}{what}"));
        }
    }
    for lead in ["", "/", "%2f", "//", "file://"] {
        names.push(format!("{lead}{absolute}"));
    }
    let service = fs::read_to_string(net.state("service.pem")).unwrap();
    let secrets = [SECRET, service.lines().nth(1).unwrap()];
    for name in names {
        for path in [format!("/v1/files/{name}"), format!("/{name}"), format!("/v1/{name}")] {
            let answer = send(net.address, "GET", &path, &[], b"");
            let is_list = path.trim_end_matches(['/', '.']) == "/v1/files";
            let is_page = path == "/";
            assert!(
                matches!(answer.status, 400 | 404 | 414)
                    || (is_list || is_page) && answer.status == 200,
                "{path}: {answer:?}"
            );
            assert!(!secrets.iter().any(|it| answer.text().contains(it)), "{path}: {answer:?}");
        }
    }
    log_tells_nothing(&net, &[]);
}
