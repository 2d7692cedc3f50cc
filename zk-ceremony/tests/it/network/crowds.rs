//! Many at once: whose requests and downloads are counted together, and how many files are open.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::http::send;
use super::party::{Party, is};
use super::proxy::{Fault, Proxy};
use super::{Net, free_port, wait_until};

const INFO: &str = "/v1/ceremony";

/// Asks until the answer is that there are too many requests, so many times at most. Each request
/// has other headers, by its number.
fn exhaust(net: &Net, headers: impl Fn(usize) -> Vec<(&'static str, String)>) -> bool {
    (0..2000).any(|n| {
        let headers = headers(n);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(a, b)| (*a, b.as_str())).collect();
        let answer = send(net.address, "GET", INFO, &headers, b"");
        let is_limited = answer.status == 429;
        if is_limited {
            assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
            assert_eq!(answer.refusal(), is((429, "too-many-requests")));
        }
        is_limited
    })
}

const NAME: &str = "X-Forwarded-For";

/// An address of a documentation network that is another one for each of 250 numbers.
fn address(n: usize) -> String {
    format!("203.0.113.{}", n % 250)
}

#[test]
fn behind_a_proxy_each_client_has_its_own_limits() {
    let mut net = Net::new(&["alice"]);
    net.serve_without_end("--trusted-proxy 127.0.0.1 --trusted-proxy 10.0.0.0/8");
    let ask = |headers: &[(&str, &str)]| send(net.address, "GET", INFO, headers, b"");
    for headers in [
        &[] as &[(&str, &str)],
        &[(NAME, "unknown")],
        &[(NAME, "198.51.100.1"), ("Forwarded", "for=198.51.100.2")],
    ] {
        assert_eq!(ask(headers).refusal(), is((400, "forwarded")), "{headers:?}");
    }
    // The proxy itself may ask whether the service is there.
    assert_eq!(send(net.address, "GET", "/healthz", &[], b"").status, 200);
    // What a client writes itself stands before what the proxy adds, and changes nothing.
    assert!(exhaust(&net, |n| vec![(NAME, format!("{}, 198.51.100.1", address(n)))]));
    assert!(exhaust(&net, |n| vec![(NAME, format!("{}, 198.51.100.1, 10.1.1.1", address(n)))]));
    // Others have limits of their own, each far from it.
    assert_eq!(ask(&[(NAME, "198.51.100.2")]).status, 200);
    assert_eq!(ask(&[("Forwarded", "for=198.51.100.3")]).status, 200);
    assert!(!exhaust(&net, |n| vec![(NAME, address(n))]));
}

#[test]
fn without_a_named_proxy_nobodys_header_is_believed() {
    let mut net = Net::new(&["alice"]);
    net.serve_without_end("");
    for name in ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Client-IP"] {
        assert!(exhaust(&net, |n| vec![(name, address(n))]), "{name}");
        assert!(exhaust(&net, |n| vec![(name, format!("for={}", address(n)))]), "{name}");
    }
}

#[test]
fn requests_with_a_session_count_as_its_participants() {
    let mut net = Net::new(&["alice"]);
    net.serve_without_end("");
    let alice = Party::new(&net, "alice");
    assert!(exhaust(&net, |_| Vec::new()));
    assert_eq!(alice.send("GET", INFO, &[], b"").status, 200);
    assert_eq!(alice.send("GET", "/v1/files", &[], b"").status, 200);
    // A token of nobody is no way around.
    let forged = |n| vec![("Authorization", format!("Bearer {n:064}"))];
    assert!(exhaust(&net, forged));
}

#[test]
fn the_client_sends_its_token_with_every_request_once_it_has_one() {
    let mut net = Net::new(&["alice"]);
    net.address.set_port(free_port());
    let proxy = Proxy::start(net.address, |_, _| Fault::None);
    net.origin = format!("http://{}", proxy.address);
    net.serve_without_end("");
    net.join("alice", "--phase 1").ok();
    let unsigned = proxy.unsigned.lock().unwrap().clone();
    let sessions: Vec<usize> =
        (0..unsigned.len()).filter(|i| unsigned[*i] == "POST /v1/sessions").collect();
    assert_eq!(sessions, [unsigned.len() - 1], "{unsigned:?}");
    let seen = proxy.seen.lock().unwrap();
    let signed = seen.iter().filter(|(it, _)| it.starts_with("GET /v1/files")).count();
    assert!(signed > 2, "{seen:?}");
}

/// A download whose client takes nothing after the head.
fn stalled(address: SocketAddr, name: &str) -> (TcpStream, String) {
    let mut link = TcpStream::connect(address).unwrap();
    link.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = format!("GET /v1/files/{name} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    link.write_all(request.as_bytes()).unwrap();
    let mut head = [0; 12];
    link.read_exact(&mut head).unwrap();
    (link, String::from_utf8_lossy(&head[9..]).into_owned())
}

#[test]
fn downloads_that_nobody_takes_keep_nobody_else_from_theirs() {
    let mut net = Net::new(&["alice"]);
    let evidence = net.world.shared("evidence");
    fs::create_dir(&evidence).unwrap();
    fs::write(evidence.join("large"), vec![7; 16 << 20]).unwrap();
    net.serve_without_end("");
    let links: Vec<_> = (0..80).map(|_| stalled(net.address, "evidence/large")).collect();
    let statuses: Vec<&str> = links.iter().map(|(_, status)| status.as_str()).collect();
    assert_eq!(statuses.iter().filter(|it| **it == "200").count(), 64, "{statuses:?}");
    let more = send(net.address, "GET", "/v1/files/ceremony.toml", &[], b"");
    assert_eq!(more.refusal(), is((429, "too-many-downloads")));
    // Whoever has a session fetches what there is.
    let alice = Party::new(&net, "alice");
    assert_eq!(alice.send("GET", "/v1/files/ceremony.toml", &[], b"").status, 200);
    let memory = super::limits::most_memory(net.service.as_ref().unwrap().pid());
    assert!(memory < 200 << 20, "{memory}");
    drop(links);
    wait_until("their places are free", || {
        send(net.address, "GET", "/v1/files/ceremony.toml", &[], b"").status == 200
    });
}

#[test]
fn a_service_takes_as_many_connections_as_it_may_open_files() {
    let mut net = Net::new(&["alice"]);
    net.serve_limited("ulimit -n 300");
    let mut links: Vec<TcpStream> =
        (0..250).map(|_| TcpStream::connect(net.address).unwrap()).collect();
    let is_open = |link: &TcpStream| {
        link.set_nonblocking(true).unwrap();
        let read = (&mut &*link).read(&mut [0]);
        matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    };
    wait_until("those that are too many are closed", || {
        links.retain(|link| is_open(link));
        links.len() <= 150
    });
    assert!(links.len() > 60, "{}", links.len());
    links.truncate(links.len() - 10);
    wait_until("there is room for others", || {
        let health = TcpStream::connect(net.address).is_ok();
        health && net.service.as_ref().is_some_and(|it| !it.said().contains("accepting"))
    });
    net.join("alice", "--phase 1").ok();
    let said = net.service.as_ref().unwrap().said();
    assert!(!said.contains("accepting a connection failed"), "{said}");
    assert!(said.contains("connections at most"), "{said}");
}

#[test]
fn a_turn_in_which_nothing_is_sent_ends_with_its_time_whatever_its_holder_asks() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("--turn 2");
    let alice = Party::new(&net, "alice");
    let turn = alice.turn();
    wait_until("the turn runs out", || {
        // Being there is not enough.
        let _ = alice.send("GET", "/v1/queue", &[], b"");
        !net.events_of("expired").is_empty()
    });
    assert_eq!(net.events_of("expired")[0]["turn"], turn["id"]);
    net.join("bob", "--phase 1").ok();
    assert_eq!(net.contributions(), ["phase1 bob"]);
}
