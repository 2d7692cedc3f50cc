//! Questions on a terminal: what is typed is not shown, and an interrupt leaves the terminal as it was.

#![cfg(target_os = "linux")]

mod kit;

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Command};
use std::time::Duration;

use kit::Folder;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

/// Both ends of a terminal.
struct Terminal {
    person: File,
    program: File,
}

impl Terminal {
    fn new() -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap();
        let program = OpenOptions::new().read(true).write(true).open(OsStr::from_bytes(name.as_bytes())).unwrap();
        Self { person: person.into(), program }
    }

    /// A program of which this is the terminal, that has asked its question.
    fn asking(&mut self, folder: &Folder, line: &[&str], question: &str) -> Child {
        let end = || self.program.try_clone().unwrap();
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(env!("CARGO_BIN_EXE_zk-ceremony")).args(line).current_dir(folder.path(""));
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        assert!(self.read_until(question).ends_with(question));
        // From here on it waits, for the answer or an interrupt.
        while self.shows_what_is_typed() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child
    }

    fn read_until(&mut self, words: &str) -> String {
        let mut shown = Vec::new();
        while !String::from_utf8_lossy(&shown).contains(words) {
            let mut bytes = [0; 512];
            let count = self.person.read(&mut bytes).unwrap();
            shown.extend(&bytes[..count]);
        }
        String::from_utf8(shown).unwrap()
    }

    fn shows_what_is_typed(&self) -> bool {
        let modes = tcgetattr(&self.program).unwrap().local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }
}

const CONTRIBUTE: [&str; 6] = ["ptau", "contribute", "0.ptau", "1.ptau", "--name", "alice"];
const QUESTION: &str = "then press Enter: ";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.ours("ptau new --power 2 0.ptau");
    folder
}

#[test]
fn what_is_typed_is_not_shown() {
    let (folder, mut terminal) = (folder(), Terminal::new());
    let mut child = terminal.asking(&folder, &CONTRIBUTE, QUESTION);
    terminal.person.write_all(b"correct horse\n").unwrap();
    let shown = terminal.read_until("contribution 1 added");
    assert!(!shown.contains("horse") && shown.contains("the operating system and what you typed"), "{shown}");
    assert!(child.wait().unwrap().success());
    assert!(terminal.shows_what_is_typed());
}

#[test]
fn an_interrupt_at_a_question_leaves_the_terminal_as_it_was() {
    // Typed, which is a byte while nothing is shown, or sent by somebody else.
    let typed: fn(&mut Terminal, &Child) = |terminal, _| terminal.person.write_all(&[3]).unwrap();
    let sent: fn(&mut Terminal, &Child) = |_, child| kill_process(Pid::from_child(child), Signal::TERM).unwrap();
    for interrupt in [typed, sent] {
        // The end of the question and that of the process race.
        for _ in 0..10 {
            let (folder, mut terminal) = (folder(), Terminal::new());
            let mut child = terminal.asking(&folder, &CONTRIBUTE, QUESTION);
            interrupt(&mut terminal, &child);
            assert_eq!(child.wait().unwrap().code(), Some(130));
            assert!(terminal.shows_what_is_typed());
            assert_eq!(folder.names(), ["0.ptau"]);
        }
    }
}
