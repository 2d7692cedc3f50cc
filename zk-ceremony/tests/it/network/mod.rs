//! Ceremonies over a network, with real processes of the program on this machine's loopback.

mod anew;
pub(crate) mod bucket;
mod commitments;
mod crowds;
mod dashboard;
mod faults;
pub(crate) mod http;
mod judge;
mod kills;
mod limits;
mod machine;
mod operating;
mod party;
mod peers;
pub(crate) mod proxy;
mod refusals;
mod restarts;
mod rounds;
mod starts;
mod strangers;
mod waiting;
mod whole;

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kit::ceremony::World;
use crate::kit::{Run, split};

/// How long a test waits for what must come: long, for machines that build beside it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that ends with the test.
pub(crate) struct Running {
    child: Child,
    said: PathBuf,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.said()
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until it has said something, which it does before it ends or never.
    #[track_caller]
    pub(crate) fn says(&mut self, words: &str) {
        let begun = Instant::now();
        loop {
            let is_over = self.is_over();
            let said = self.said();
            if said.contains(words) {
                return;
            }
            assert!(!is_over, "it ended before it said {words:?}:\n{said}");
            assert!(begun.elapsed() < PATIENCE, "it does not say {words:?}:\n{said}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its end, which must come by itself. Both streams are in `stderr`.
    #[track_caller]
    pub(crate) fn end(mut self) -> Run {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let code = status.code().unwrap_or(-1);
                return Run { code, stdout: String::new(), stderr: self.said() };
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its end, which must come by itself and be a good one.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        let run = self.end();
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stderr
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A ceremony that a service holds.
pub(crate) struct Net {
    pub(crate) world: World,
    /// Where the service listens.
    pub(crate) address: SocketAddr,
    /// Where participants find it.
    pub(crate) origin: String,
    pub(crate) rules: String,
    pub(crate) service: Option<Running>,
}

/// A port that is this test's until its process ends.
///
/// The system would give out a port that was only looked at again, to another test's listener or
/// connection: these are below those that Linux gives out by itself, and each has a lock.
pub(crate) fn free_port() -> u16 {
    static MINE: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let locks = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ports");
    fs::create_dir_all(&locks).unwrap();
    let begin = std::process::id() as u16;
    for port in (0..20_000).map(|at| 12_000 + begin.wrapping_mul(97).wrapping_add(at) % 20_000) {
        let lock = File::create(locks.join(port.to_string())).unwrap();
        if lock.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            MINE.lock().unwrap().push(lock);
            return port;
        }
    }
    panic!("no port is free");
}

impl Net {
    /// A ceremony in which everybody contributes in any order, and whose service is not started.
    pub(crate) fn new(people: &[&str]) -> Self {
        Self::with_rules(people, |toml| toml)
    }

    /// The same, with other rules.
    pub(crate) fn with_rules(people: &[&str], edit: impl FnOnce(String) -> String) -> Self {
        let any = |toml: String| toml.replacen("power = 4\n", "power = 4\norder = \"any\"\n", 1);
        let world = World::new(people, |toml| edit(any(toml)));
        world.open();
        Self::of(world)
    }

    /// A ceremony that was begun by hand, and whose service is not started.
    pub(super) fn of(world: World) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let rules = fs::read(world.shared("ceremony.toml")).unwrap();
        let rules = zk_attest::digest::ConfigDigest::of(&rules).to_string();
        Self { world, address, origin: format!("http://{address}"), rules, service: None }
    }

    /// Starts one of our commands on somebody's machine.
    pub(crate) fn spawn(&self, who: &str, line: &str) -> Running {
        spawn(&self.world, who, line)
    }

    /// Starts the service.
    #[track_caller]
    pub(crate) fn serve(&mut self, more: &str) {
        self.serve_by(&[], more);
    }

    /// Starts the service by a program that is given ours and its arguments.
    #[track_caller]
    pub(crate) fn serve_by(&mut self, by: &[&str], more: &str) {
        let (origin, address) = (&self.origin, self.address);
        let line = format!("ceremony serve shared --listen {address} --origin {origin} {more}");
        let mut service = spawn_by(&self.world, "coordinator", by, &line);
        service.says("listening on");
        self.service = Some(service);
    }

    /// The same, with the coordinator's key, after a command of the shell that sets limits.
    #[track_caller]
    pub(crate) fn serve_limited(&mut self, limits: &str) {
        let script = format!("{limits} && exec \"$0\" \"$@\"");
        self.serve_by(&["sh", "-c", &script], "--key key.pem");
    }

    /// The same, with the coordinator's part, up to the bundle.
    #[track_caller]
    pub(crate) fn serve_unattended(&mut self, more: &str) {
        self.serve(&format!(
            "--key key.pem --random-beacons --not-after 2099-12-31T23:59:59Z {more}"
        ));
    }

    /// The same, with the coordinator's key only: nothing is closed, because no beacon comes.
    #[track_caller]
    pub(crate) fn serve_without_end(&mut self, more: &str) {
        self.serve(&format!("--key key.pem {more}"));
    }

    /// Kills the service as a power cut would.
    pub(crate) fn kill_service(&mut self) -> String {
        self.service.take().unwrap().kill()
    }

    pub(crate) fn join(&self, who: &str, more: &str) -> Running {
        let Self { origin, rules, .. } = self;
        let line = format!(
            "ceremony join {origin} --as {who} --key key.pem --rules {rules} --dir copy {more}"
        );
        self.spawn(who, &line)
    }

    pub(crate) fn journal_text(&self) -> String {
        fs::read_to_string(self.world.shared("journal.jsonl")).unwrap_or_default()
    }

    /// The events of the journal, in order.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.journal_text();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let event = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"].clone();
        whole.lines().map(event).collect()
    }

    pub(crate) fn events_of(&self, kind: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["type"] == kind).collect()
    }

    /// Contributions in the journal, as `CHAIN NAME`, in order.
    pub(crate) fn contributions(&self) -> Vec<String> {
        let steps = self.events_of("step").into_iter();
        let steps = steps.filter(|step| step["action"] == "contribution");
        let shown = |step: Value| {
            let chain = step["circuit"].as_str().unwrap_or("phase1");
            format!("{chain} {}", step["participant"].as_str().unwrap())
        };
        steps.map(shown).collect()
    }

    /// No step is in the journal twice, and nobody contributed to a chain twice.
    #[track_caller]
    pub(crate) fn nothing_is_there_twice(&self) {
        for mut list in [
            self.contributions(),
            self.events_of("step").iter().map(|step| step["file"].to_string()).collect(),
        ] {
            list.sort();
            let all = list.len();
            list.dedup();
            assert_eq!(list.len(), all, "{}", self.journal_text());
        }
    }

    /// The service's own folder.
    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.world.path("coordinator", "shared.service").join(name)
    }

    /// The turn that the service keeps.
    pub(crate) fn turn(&self) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.state("turn.json")).ok()?).ok()
    }

    /// Holds the folder's lock, so that the service takes nothing in until the file is dropped.
    pub(crate) fn hold_folder(&self) -> File {
        let path = self.world.shared(".zk-ceremony.lock");
        let file = File::options().write(true).create(true).truncate(false).open(path).unwrap();
        file.lock().unwrap();
        file
    }

    /// `ceremony verify` of a folder, which must hold, and the transcript that it prints.
    #[track_caller]
    pub(crate) fn transcript(&self, who: &str, folder: &str) -> String {
        let said = self.world.ok(who, &format!("ceremony verify {folder}"));
        let line = said.lines().find_map(|line| line.trim().strip_prefix("transcript"));
        line.unwrap_or_else(|| panic!("{said}")).trim().to_owned()
    }
}

pub(crate) fn spawn(world: &World, who: &str, line: &str) -> Running {
    spawn_by(world, who, &[], line)
}

pub(crate) fn spawn_by(world: &World, who: &str, by: &[&str], line: &str) -> Running {
    spawn_in(&world.path(who, ""), &world.state(who), by, line)
}

/// Starts one of our commands in a folder.
fn spawn_in(place: &Path, state: &Path, by: &[&str], line: &str) -> Running {
    let name = (1..).map(|n| place.join(format!(".said-{n}"))).find(|path| !path.exists());
    let said = name.unwrap();
    let output = File::create(&said).unwrap();
    let mut words: Vec<String> = by.iter().map(|word| (*word).to_owned()).collect();
    words.push(env!("CARGO_BIN_EXE_zk-ceremony").into());
    words.extend(split(line));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(place).env("XDG_STATE_HOME", state);
    command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
    Running { child: command.spawn().unwrap(), said }
}

/// A folder's file names, with those of its folders.
pub(crate) fn names(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            names.extend(self::names(&path).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            names.push(name);
        }
    }
    names.sort();
    names
}
