//! Alerts that were seen to fire: a ceremony with Prometheus and Alertmanager, and what goes wrong
//! in it.
//!
//! Both are started with the files of `ops/`, in which every duration is a thirtieth of what it is
//! there, so that five minutes are ten seconds. Nothing else of the rules is changed; addresses are
//! those of the test.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Page, read};
use crate::network::http::send;
use crate::network::proxy::{Fault, Proxy};
use crate::network::{Net, Running, free_port, wait_until};

/// How much faster time goes.
const FASTER: u64 = 30;

/// A configuration with every duration (a number and its unit, alone) divided by [`FASTER`].
fn faster(text: &str) -> String {
    let shorter = |word: &str| {
        let (number, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
        let number: u64 = number.parse().ok()?;
        let milliseconds = match unit {
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        Some(format!("{}ms", number * milliseconds / FASTER))
    };
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '.' || letter == '_';
    let (mut out, mut rest) = (String::new(), text);
    while !rest.is_empty() {
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        out += &shorter(word).unwrap_or_else(|| word.to_owned());
        let end = after.find(is_part).unwrap_or(after.len());
        let (between, after) = after.split_at(end);
        out += between;
        rest = after;
    }
    out
}

#[test]
fn only_durations_are_shortened() {
    let text = "for: 5m\nexpr: a[1h] offset 7d > 0.5 * 30 and b{c=\"x30m\"}\nscrape: 15s\n";
    let expected = "for: 10000ms\nexpr: a[120000ms] offset 20160000ms > 0.5 * 30 and b{c=\"x30m\"}\nscrape: \
         500ms\n";
    assert_eq!(faster(text), expected);
    // Comments apart, the files have the same lines.
    let (before, after) = (read("ops/alerts.yml"), faster(&read("ops/alerts.yml")));
    for (before, after) in before.lines().zip(after.lines()).filter(|(a, b)| a != b) {
        let is_duration = before.contains("for: ") || before.contains('[');
        assert!(is_duration || before.starts_with('#'), "{before} -> {after}");
    }
}

/// Something that is killed at the end.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a webhook was told, and when.
#[derive(Debug)]
struct Telling {
    at: Instant,
    /// The alert's.
    name: String,
    /// Whether it fires, or is over.
    fires: bool,
    /// As it came.
    alert: Value,
}

type Told = Arc<Mutex<Vec<Telling>>>;

/// A webhook that listens.
fn webhook() -> (u16, Told) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = Told::default();
    let kept = told.clone();
    std::thread::spawn(move || {
        for link in listener.incoming() {
            let (Ok(link), told) = (link, kept.clone()) else { return };
            std::thread::spawn(move || while take(&link, &told).is_some() {});
        }
    });
    (port, told)
}

/// Takes one notification.
fn take(link: &TcpStream, told: &Told) -> Option<()> {
    let mut reader = BufReader::new(link);
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
    let body: Value = serde_json::from_slice(&body).ok()?;
    for alert in body["alerts"].as_array()? {
        let name = alert["labels"]["alertname"].as_str()?.to_owned();
        let fires = alert["status"] == "firing";
        let telling = Telling { at: Instant::now(), name, fires, alert: alert.clone() };
        told.lock().unwrap().push(telling);
    }
    let mut link = link;
    link.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok()?;
    None
}

fn start(folder: &Path, program: &str, arguments: &[String]) -> Peer {
    let log = fs::File::create(folder.join(format!("{program}.log"))).unwrap();
    let child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn();
    Peer(child.unwrap_or_else(|_| panic!("{program} is not installed: ./ci/test.sh installs it")))
}

/// Prometheus, Alertmanager, and the webhook that is told.
struct Watchers {
    told: Told,
    prometheus: std::net::SocketAddr,
    folder: tempfile::TempDir,
    _peers: [Peer; 2],
}

impl Watchers {
    fn start(service: u16, mirror: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (hook, told) = webhook();
        let [prometheus, alertmanager] = [free_port(), free_port()];
        let config = faster(&read("ops/prometheus.yml"))
            .replace("127.0.0.1:9093", &format!("127.0.0.1:{alertmanager}"))
            .replace("127.0.0.1:9464", &format!("127.0.0.1:{service}"))
            .replace("127.0.0.1:9465", &format!("127.0.0.1:{mirror}"))
            // None of these takes part.
            .replace("[\"127.0.0.1:9466\"]", "[]")
            .replace("[\"127.0.0.1:9467\"]", "[]");
        fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        fs::write(folder.path().join("alerts.yml"), faster(&read("ops/alerts.yml"))).unwrap();
        let routes = faster(&read("ops/alertmanager.yml"))
            .replace("https://alerts.example.invalid", &format!("http://127.0.0.1:{hook}"))
            // Where nothing listens: mail is tried in vain, and keeps nothing else back.
            .replace("mail.example.invalid:587", "127.0.0.1:1");
        fs::write(folder.path().join("alertmanager.yml"), routes).unwrap();
        let manager = [
            "--config.file=alertmanager.yml".to_owned(),
            "--storage.path=alertmanager".into(),
            format!("--web.listen-address=127.0.0.1:{alertmanager}"),
            "--cluster.listen-address=".into(),
        ];
        let server = [
            "--config.file=prometheus.yml".to_owned(),
            "--storage.tsdb.path=prometheus".into(),
            format!("--web.listen-address=127.0.0.1:{prometheus}"),
        ];
        let peers = [
            start(folder.path(), "prometheus-alertmanager", &manager),
            start(folder.path(), "prometheus", &server),
        ];
        let prometheus = ([127, 0, 0, 1], prometheus).into();
        Self { told, prometheus, folder, _peers: peers }
    }

    /// The value of a query that has one.
    fn ask(&self, query: &str) -> Option<String> {
        TcpStream::connect(self.prometheus).ok()?;
        let path = format!("/api/v1/query?query={query}");
        let answer = send(self.prometheus, "GET", &path, &[], b"");
        let answer: Value = serde_json::from_slice(&answer.body).ok()?;
        answer["data"]["result"][0]["value"][1].as_str().map(str::to_owned)
    }

    /// When the webhook was told that an alert fires, or that it is over, after a moment.
    fn when(&self, name: &str, fires: bool, after: Instant) -> Option<Instant> {
        let told = self.told.lock().unwrap();
        let is_it = |it: &&Telling| it.at >= after && it.name == name && it.fires == fires;
        told.iter().find(is_it).map(|it| it.at)
    }

    #[track_caller]
    fn wait(&self, name: &str, fires: bool, after: Instant) -> Duration {
        let begun = Instant::now();
        loop {
            if let Some(at) = self.when(name, fires, after) {
                return at - after;
            }
            let told: Vec<_> =
                self.told.lock().unwrap().iter().map(|it| (it.name.clone(), it.fires)).collect();
            let log = |name: &str| {
                let text = fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
                text.lines().rev().take(10).collect::<Vec<_>>().join("\n")
            };
            assert!(
                begun.elapsed() < Duration::from_secs(90),
                "in vain: {name} {fires}\n{told:?}\n{}\n{}",
                log("prometheus.log"),
                log("prometheus-alertmanager.log")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until an alert fires, says after how long, and gives back how to end it.
    #[track_caller]
    fn fires(&self, what: &str, name: &'static str, since: Instant) -> Fired {
        let after = self.wait(name, true, since).as_secs_f64();
        println!("{what}: {name} after {after:.1} s");
        Fired { name, at: Instant::now() }
    }

    /// Waits until it is over.
    #[track_caller]
    fn over(&self, fired: &Fired, mended: Instant) {
        let after = self.wait(fired.name, false, fired.at.max(mended)).as_secs_f64();
        println!("  {} is over {after:.1} s after it was mended", fired.name);
    }
}

struct Fired {
    name: &'static str,
    at: Instant,
}

/// Labels and texts are those of the rules, filled in, with a link that can be followed.
#[track_caller]
fn is_as_in_the_rules(telling: &Telling) {
    let (rules, alert) = (read("ops/alerts.yml"), &telling.alert);
    let rule = rules.split(&format!("- alert: {}\n", telling.name)).nth(1).unwrap();
    let rule = rule.split("- alert: ").next().unwrap();
    let of_rule = |before: &str, after: char| {
        rule.split(before).nth(1).unwrap().split(after).next().unwrap().to_owned()
    };
    assert_eq!(alert["labels"]["severity"], of_rule("severity: ", '}'), "{alert:#}");
    for (label, expected) in [("runbook", false), ("job", true), ("instance", true)] {
        assert_eq!(alert["labels"].get(label).is_some(), expected, "{label}: {alert:#}");
    }
    let config = read("ops/prometheus.yml");
    let runbook = config.split("runbook: \"").nth(1).unwrap().split('"').next().unwrap();
    let link = format!("{runbook}#{}", telling.name.to_lowercase());
    let texts = &alert["annotations"];
    assert_eq!(texts["runbook_url"], link, "{alert:#}");
    assert_eq!(texts["summary"], of_rule("summary: \"", '"'), "{alert:#}");
    assert_eq!(texts["action"], of_rule("action: \"", '"'), "{alert:#}");
    let whole = alert.to_string();
    assert!(!whole.contains("no value") && !whole.contains("{{"), "{alert:#}");
}

/// A command of the shell that mounts a small disk in a namespace of its own, and runs a program
/// there. As long as a file exists, most of the disk is full.
fn small_disk(disk: &Path, fill: &Path) -> String {
    let (disk, fill) = (disk.display(), fill.display());
    format!(
        "mount -t tmpfs -o size=80m,mode=700 tmpfs '{disk}'
        while kill -0 $$ && sleep 0.1; do
            if [ ! -e '{fill}' ]; then rm -f '{disk}/filler'
            elif [ ! -e '{disk}/filler' ]; then head -c 40M /dev/zero >'{disk}/filler'
            fi
        done 2>/dev/null >/dev/null &
        exec \"$0\" \"$@\""
    )
}

/// What the proxy does to the next upload.
const NOTHING: u8 = 0;
const SPOIL: u8 = 1;
const HOLD: u8 = 2;

fn mirror(net: &Net, port: u16) -> Running {
    let (origin, rules) = (&net.origin, &net.rules);
    let line = format!(
        "ceremony mirror {origin} copy --verify --rules {rules} --metrics 127.0.0.1:{port}"
    );
    net.spawn("dana", &line)
}

#[test]
fn what_goes_wrong_in_a_ceremony_reaches_a_webhook_and_is_over_when_it_is_mended() {
    let begun = Instant::now();
    let mut net = Net::new(&["alice", "bob", "carol"]);
    net.address.set_port(free_port());
    let next = Arc::new(AtomicU8::new(NOTHING));
    let plan = next.clone();
    let proxy = Proxy::start(net.address, move |method, _| {
        if method != "PATCH" {
            return Fault::None;
        }
        match plan.swap(NOTHING, Ordering::SeqCst) {
            SPOIL => Fault::Spoil(3000),
            HOLD => Fault::Hold(3000),
            _ => Fault::None,
        }
    });
    net.origin = format!("http://{}", proxy.address);
    fs::create_dir(net.world.path("dana", "")).unwrap();
    let [of_service, of_mirror] = [free_port(), free_port()];
    let metrics = ([127, 0, 0, 1], of_service).into();
    // The service's own folder is on a disk of its own, which is small.
    let state = net.state("");
    fs::create_dir_all(&state).unwrap();
    let fill = net.world.path("coordinator", "fill");
    let script = small_disk(&state, &fill);
    let options = format!("--key key.pem --turn 30 --metrics 127.0.0.1:{of_service}");
    net.serve_by(&["unshare", "-Urm", "sh", "-c", &script], &options);
    let dana = mirror(&net, of_mirror);
    let watchers = Watchers::start(of_service, of_mirror);
    wait_until("both are watched", || {
        let up = |job: &str| watchers.ask(&format!("up{{job=%22{job}%22}}")) == Some("1".into());
        up("ceremony-service") && up("ceremony-mirror")
    });
    let refused = "ceremony_contributions_total{result=%22refused%22,phase=%221%22}";
    wait_until("there is something to compare with", || watchers.ask(refused) == Some("0".into()));

    // A contribution with one bit that is another one.
    let flipped = Instant::now();
    next.store(SPOIL, Ordering::SeqCst);
    net.join("alice", "--phase 1").ok();
    assert_eq!(net.events_of("refused").len(), 1, "{}", net.journal_text());
    let contribution = watchers.fires("a bit flipped", "CeremonyContributionRefused", flipped);

    // A full disk, which is mended at once.
    let filled = Instant::now();
    fs::write(&fill, "").unwrap();
    let short = watchers.fires("the disk filled", "CeremonyDiskShort", filled);
    fs::remove_file(&fill).unwrap();
    let emptied = Instant::now();
    wait_until("there is room again", || {
        let free = Page::of(metrics).sum("ceremony_disk_free_bytes", &[("disk", "state")]);
        free > Some(70e6)
    });

    // A participant who has the turn is killed, and so is a mirror meanwhile.
    next.store(HOLD, Ordering::SeqCst);
    let bob = net.join("bob", "--phase 1");
    wait_until("bob has the turn", || proxy.is_holding());
    let killed = Instant::now();
    bob.kill();
    proxy.release();
    dana.kill();
    let down = watchers.fires("a mirror killed", "CeremonyMirrorDown", killed);
    let dana = mirror(&net, of_mirror);
    let restarted = Instant::now();
    let stalled = watchers.fires("a participant killed", "CeremonyJournalStalled", killed);
    let near = watchers.fires("a participant killed", "CeremonyTurnNearEnd", killed);
    wait_until("the turn runs out", || !net.events_of("expired").is_empty());
    let ended = Instant::now();
    let expired = watchers.fires("a participant killed", "CeremonyTurnExpired", killed);
    // The next one goes on.
    net.join("carol", "--phase 1").ok();
    for (fired, mended) in [
        (&contribution, flipped),
        (&short, emptied),
        (&down, restarted),
        (&stalled, ended),
        (&near, ended),
    ] {
        watchers.over(fired, mended);
    }

    // The service itself.
    let stopped = Instant::now();
    net.kill_service();
    let gone = watchers.fires("the service killed", "CeremonyServiceDown", stopped);
    net.serve_by(&["unshare", "-Urm", "sh", "-c", &script], &options);
    let started = Instant::now();
    watchers.over(&gone, started);
    watchers.over(&expired, ended);
    let found = Page::of(metrics).sum("ceremony_contributions_total", &[("result", "accepted")]);
    assert_eq!(found, Some(2.0));
    // Nothing else was told than what happened.
    let expected = [&contribution, &short, &down, &stalled, &near, &expired, &gone];
    let told = watchers.told.lock().unwrap();
    let others = told.iter().filter(|it| !expected.iter().any(|fired| fired.name == it.name));
    let others: Vec<_> = others.map(|it| &it.name).collect();
    assert!(others.is_empty(), "{others:?}");
    told.iter().for_each(is_as_in_the_rules);
    drop(dana);
    println!("{:.0} s in all", begun.elapsed().as_secs_f64());
}
