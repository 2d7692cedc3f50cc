//! Slow clients, floods, and clients that are not ours.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Net;
use super::http::send;

const MEBIBYTE: u64 = 1 << 20;

/// The most memory that a process had.
pub(super) fn most_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
}

/// So many connections that send a head byte by byte, until they are told to end.
fn slow_connections(address: SocketAddr, count: usize, over: Arc<AtomicBool>) -> JoinHandle<usize> {
    let mut links: Vec<TcpStream> =
        (0..count).map(|_| TcpStream::connect(address).unwrap()).collect();
    std::thread::spawn(move || {
        let head = format!("GET /v1/ceremony HTTP/1.1\r\nX: {}", "x".repeat(1000));
        let mut open = 0;
        for byte in head.bytes() {
            if over.load(Ordering::SeqCst) {
                break;
            }
            open = links.iter_mut().filter_map(|link| link.write_all(&[byte]).ok()).count();
            std::thread::sleep(Duration::from_secs(1));
        }
        open
    })
}

/// Asks without a pause on one connection after the other, until the time is up; counts answers.
fn flood(address: SocketAddr, time: Duration, answers: Arc<AtomicUsize>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let begun = Instant::now();
        let request = format!("GET /v1/ceremony HTTP/1.1\r\nHost: {address}\r\n\r\n").repeat(50);
        while begun.elapsed() < time {
            let Ok(mut link) = TcpStream::connect(address) else { continue };
            let _ = link.set_read_timeout(Some(Duration::from_millis(200)));
            if link.write_all(request.as_bytes()).is_err() {
                continue;
            }
            let _ = link.shutdown(std::net::Shutdown::Write);
            let mut bytes = Vec::new();
            let _ = link.read_to_end(&mut bytes);
            let found = bytes.windows(9).filter(|it| it == b"HTTP/1.1 ").count();
            answers.fetch_add(found, Ordering::SeqCst);
        }
    })
}

#[test]
fn slow_clients_and_a_flood_keep_nobody_from_their_turn() {
    let mut net = Net::new(&["alice", "bob"]);
    net.serve_without_end("");
    let over = Arc::new(AtomicBool::new(false));
    let slow = slow_connections(net.address, 200, over.clone());
    let answers = Arc::new(AtomicUsize::new(0));
    // Longer by hand: `FLOOD_SECONDS=10`.
    let seconds = std::env::var("FLOOD_SECONDS").ok().and_then(|it| it.parse().ok()).unwrap_or(3);
    let time = Duration::from_secs(seconds);
    let floods: Vec<_> = (0..3).map(|_| flood(net.address, time, answers.clone())).collect();
    let alice = net.join("alice", "--phase 1");
    while !floods.iter().all(JoinHandle::is_finished) {
        let health = send(net.address, "GET", "/healthz", &[], b"");
        assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
        std::thread::sleep(Duration::from_millis(200));
    }
    floods.into_iter().for_each(|flood| flood.join().unwrap());
    alice.ok();
    assert_eq!(net.contributions(), ["phase1 alice"]);
    over.store(true, Ordering::SeqCst);
    slow.join().unwrap();
    let answers = answers.load(Ordering::SeqCst);
    assert!(answers > 500, "this was no flood: {answers} answers");
    let memory = most_memory(net.service.as_ref().unwrap().pid());
    println!("{answers} answers in {seconds} s, {} MiB at most", memory / MEBIBYTE);
    assert!(memory < 200 * MEBIBYTE, "{} MiB", memory / MEBIBYTE);
}

#[test]
fn heads_and_bodies_without_end_are_cut_off() {
    let mut net = Net::new(&["alice"]);
    net.serve_without_end("");
    for (request, piece) in [
        ("GET /v1/ceremony HTTP/1.1\r\nX: ", "x".repeat(1 << 16)),
        ("GET /", "x".repeat(1 << 16)),
        ("GET /v1/ceremony HTTP/1.1\r\n", "X: y\r\n".repeat(1 << 13)),
        (
            "POST /v1/sessions HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: \
             chunked\r\n\r\n",
            format!("10000\r\n{}\r\n", " ".repeat(1 << 16)),
        ),
        (
            "POST /v1/sessions HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: \
             99999999999\r\n\r\n",
            " ".repeat(1 << 16),
        ),
    ] {
        let mut link = TcpStream::connect(net.address).unwrap();
        link.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
        link.write_all(request.as_bytes()).unwrap();
        // At most 64 MiB would be taken; a service that stops reading has stopped us.
        let taken = (0..1024).take_while(|_| link.write_all(piece.as_bytes()).is_ok()).count();
        assert!(taken < 1024, "{request}");
    }
    let health = send(net.address, "GET", "/healthz", &[], b"");
    assert_eq!(health.status, 200);
    let memory = most_memory(net.service.as_ref().unwrap().pid());
    assert!(memory < 200 * MEBIBYTE, "{} MiB", memory / MEBIBYTE);
}

#[test]
fn curl_goes_on_with_a_download_that_broke_off() {
    let mut net = Net::new(&["alice"]);
    net.serve_without_end("");
    let listed = send(net.address, "GET", "/v1/files", &[], b"").json();
    let file = listed["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["name"].as_str().unwrap().ends_with(".ptau"));
    let name = file.unwrap()["name"].as_str().unwrap();
    let url = format!("{}/v1/files/{name}", net.origin);
    let whole = fs::read(net.world.shared(name)).unwrap();
    let half = whole.len() / 2;
    let partial = net.world.path("alice", "fetched");
    fs::write(&partial, &whole[..half]).unwrap();
    let run = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--dump-header", "-", "--continue-at", "-"])
        .arg("--output")
        .arg(&partial)
        .arg(&url)
        .output()
        .expect("curl is not installed: ./ci/test.sh installs it");
    let head = String::from_utf8_lossy(&run.stdout).to_lowercase();
    assert!(run.status.success(), "{head}{}", String::from_utf8_lossy(&run.stderr));
    assert!(head.starts_with("http/1.1 206"), "{head}");
    let range = format!("content-range: bytes {half}-{}/{}", whole.len() - 1, whole.len());
    assert!(head.contains(&range), "{head}");
    assert_eq!(fs::read(&partial).unwrap(), whole);
}

#[test]
fn the_committed_description_is_what_the_service_hands_out() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../ceremony-net/openapi.json");
    let current = ceremony_net::service::openapi_json().unwrap() + "\n";
    if std::env::var_os("GOLDEN").is_some_and(|it| it == "write") {
        fs::write(path, &current).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap_or_default() == current,
        "ceremony-net/openapi.json is not current: run this test with GOLDEN=write, and read the \
         diff"
    );
    let mut net = Net::new(&["alice"]);
    net.serve_without_end("");
    let served = send(net.address, "GET", "/v1/openapi.json", &[], b"").json();
    assert_eq!(served, serde_json::from_str::<serde_json::Value>(&current).unwrap());
}
