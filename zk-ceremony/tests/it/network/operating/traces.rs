//! Traces of a turn, as a collector of OpenTelemetry gets them.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::network::{Net, wait_until};

/// A span, as far as it is looked at.
#[derive(Debug)]
struct Span {
    node: String,
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    name: String,
}

/// The parts of a message that have a length, by their numbers.
fn fields(mut bytes: &[u8]) -> Vec<(u64, &[u8])> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (byte, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        match tag & 7 {
            0 => drop(varint(&mut bytes)),
            1 => bytes = &bytes[8..],
            2 => {
                let length = usize::try_from(varint(&mut bytes)).unwrap();
                let (field, rest) = bytes.split_at(length);
                found.push((tag >> 3, field));
                bytes = rest;
            }
            5 => bytes = &bytes[4..],
            kind => panic!("no field has the kind {kind}"),
        }
    }
    found
}

fn all(bytes: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    fields(bytes).into_iter().filter(move |(it, _)| *it == number).map(|(_, field)| field)
}

fn one(bytes: &[u8], number: u64) -> Vec<u8> {
    all(bytes, number).next().unwrap_or_default().to_vec()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The spans of a request to a collector.
fn spans(body: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_resource in all(body, 1) {
        let attributes = one(of_resource, 1);
        let node = all(&attributes, 1).find(|it| one(it, 1) == b"node").unwrap();
        let node = text(&one(&one(node, 2), 1));
        for of_scope in all(of_resource, 2) {
            spans.extend(all(of_scope, 2).map(|span| Span {
                node: node.clone(),
                trace: one(span, 1),
                id: one(span, 2),
                parent: one(span, 4),
                name: text(&one(span, 5)),
            }));
        }
    }
    spans
}

type Bodies = Arc<Mutex<Vec<Vec<u8>>>>;

fn take(link: &TcpStream, bodies: &Bodies) -> Option<()> {
    let mut reader = BufReader::new(link);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        bodies.lock().unwrap().push(body);
        let mut link = link;
        link.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
    }
}

fn collector() -> (u16, Bodies) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let bodies = Bodies::default();
    let kept = bodies.clone();
    std::thread::spawn(move || {
        for link in listener.incoming() {
            let (Ok(link), bodies) = (link, kept.clone()) else { return };
            std::thread::spawn(move || take(&link, &bodies));
        }
    });
    (port, bodies)
}

#[test]
fn a_turn_is_one_trace_from_the_participant_to_the_verdict() {
    let mut net = Net::new(&["alice"]);
    let (port, bodies) = collector();
    let traces = format!("--traces http://127.0.0.1:{port}");
    net.serve_without_end(&traces);
    net.join("alice", &format!("--phase 1 {traces}")).ok();
    let found =
        || -> Vec<Span> { bodies.lock().unwrap().iter().flat_map(|body| spans(body)).collect() };
    // The participant's come when it ends; the service's every few seconds.
    wait_until("the service's part is there", || {
        found().iter().any(|span| span.node == "service" && span.name == "verify")
    });
    let found = found();
    let turn = found.iter().find(|span| span.name == "turn").unwrap();
    assert_eq!(turn.node, "participant");
    assert!(turn.parent.is_empty(), "{turn:?}");
    let of_turn: Vec<&Span> = found.iter().filter(|span| span.trace == turn.trace).collect();
    let names = |node: &str| -> BTreeSet<&str> {
        let of_node = of_turn.iter().filter(|span| span.node == node);
        of_node.map(|span| span.name.as_str()).collect()
    };
    let expected = ["check", "contribute", "fetch", "send", "turn", "verdict"];
    assert_eq!(names("participant"), expected.into());
    assert_eq!(names("service"), ["request", "verify"].into());
    // Each hangs on another one of the same trace.
    let ids: BTreeSet<&[u8]> = of_turn.iter().map(|span| span.id.as_slice()).collect();
    for span in of_turn.iter().filter(|span| span.id != turn.id) {
        assert!(ids.contains(span.parent.as_slice()), "{span:?}");
    }
    for body in bodies.lock().unwrap().iter() {
        let text = String::from_utf8_lossy(body);
        let place = net.world.path("", "").display().to_string();
        for secret in ["alice", "127.0.0.1", "Bearer", &net.rules, &place] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}
