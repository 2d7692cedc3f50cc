//! S3 servers of a test's own.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::kit::Run;
use crate::kit::ceremony::World;
use crate::network::{free_port, wait_until};

/// A server, its keys, and what it keeps.
pub(super) struct Store {
    child: Child,
    pub(super) address: SocketAddr,
    pub(super) keys: (&'static str, &'static str),
    _kept: tempfile::TempDir,
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The library's Python.
pub(super) fn python() -> PathBuf {
    installed(Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/.venv/bin/python"))
}

/// A program that `ci/test.sh` installs.
pub(super) fn installed(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is not installed: ./ci/test.sh installs it", path.display());
    path
}

impl Store {
    /// Locks, versions, conditional writes that are atomic. Every signature is let in.
    pub(super) fn moto() -> Self {
        let port = free_port().to_string();
        let mut command = Command::new(python());
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port]);
        Self::start(command, &port, ("AKIDOFMOTO", "anything"))
    }

    /// Signatures and checksums that are checked.
    pub(super) fn s3s_fs() -> Self {
        let keys = ("AKIDOFTHETEST", "the-secret-of-this-test");
        let port = free_port().to_string();
        let mut command = Command::new(installed(
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("../peers/bin/s3s-fs"),
        ));
        command.args(["--host", "127.0.0.1", "--port", &port]);
        command.args(["--access-key", keys.0, "--secret-key", keys.1]);
        Self::start(command, &port, keys)
    }

    fn start(mut command: Command, port: &str, keys: (&'static str, &'static str)) -> Self {
        let kept = tempfile::tempdir().unwrap();
        if command.get_program().to_string_lossy().ends_with("s3s-fs") {
            command.arg(kept.path());
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let address: SocketAddr = format!("127.0.0.1:{port}").parse().unwrap();
        wait_until("the store listens", || {
            assert!(child.try_wait().unwrap().is_none(), "the store ended");
            TcpStream::connect(address).is_ok()
        });
        Self { child, address, keys, _kept: kept }
    }

    /// What the owner of the buckets does; standard output, and whether it went well.
    pub(super) fn owner(&self, words: &[&str]) -> (bool, String) {
        self.as_owner()(words)
    }

    /// The same, for what happens while something else goes on.
    pub(super) fn as_owner(&self) -> impl Fn(&[&str]) -> (bool, String) + Send + use<> {
        let (address, keys) = (self.address, self.keys);
        move |words| {
            let script =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/publication/stores.py");
            let output = Command::new(python())
                .arg(script)
                .args([&format!("http://{address}"), keys.0, keys.1])
                .args(words)
                .env("NO_PROXY", "127.0.0.1")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(matches!(output.status.code(), Some(0 | 3)), "{words:?}: {said}");
            (output.status.success(), String::from_utf8(output.stdout).unwrap())
        }
    }

    /// The same, which must go well; lines.
    #[track_caller]
    pub(super) fn own(&self, words: &[&str]) -> Vec<String> {
        let (good, said) = self.owner(words);
        assert!(good, "{words:?}: {said}");
        said.lines().map(str::to_owned).collect()
    }

    /// What our program is told by its environment: nothing of it is in a command line.
    pub(super) fn environment(&self, address: SocketAddr) -> Vec<(String, String)> {
        environment(address, self.keys)
    }

    /// Runs our program, which talks to the store.
    pub(super) fn run(&self, world: &World, who: &str, line: &str) -> Run {
        self.run_at(self.address, world, who, line)
    }

    /// The same, with something in between.
    pub(super) fn run_at(&self, at: SocketAddr, world: &World, who: &str, line: &str) -> Run {
        run(world, who, line, self.environment(at))
    }

    /// Runs our program, which must succeed.
    #[track_caller]
    pub(super) fn ok(&self, world: &World, who: &str, line: &str) -> String {
        let run = self.run(world, who, line);
        assert_eq!(run.code, 0, "{line}\n{}{}", run.stdout, run.stderr);
        run.stdout
    }
}

pub(super) fn environment(address: SocketAddr, keys: (&str, &str)) -> Vec<(String, String)> {
    [
        ("AWS_ENDPOINT_URL", format!("http://{address}").as_str()),
        ("AWS_ACCESS_KEY_ID", keys.0),
        ("AWS_SECRET_ACCESS_KEY", keys.1),
        ("AWS_REGION", "us-east-1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

pub(super) fn run(world: &World, who: &str, line: &str, environment: Vec<(String, String)>) -> Run {
    world.run_with(who, line, |command| command.envs(environment))
}

/// The word behind another one in what a command said.
#[track_caller]
pub(super) fn word_after(said: &str, label: &str) -> String {
    let line = said.lines().find_map(|line| line.split_once(label).map(|(_, rest)| rest));
    let rest = line.unwrap_or_else(|| panic!("no {label}: {said}"));
    rest.split_whitespace().next().unwrap_or_else(|| panic!("{said}")).to_owned()
}
