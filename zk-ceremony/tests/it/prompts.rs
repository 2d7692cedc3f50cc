//! Questions on a terminal: what is typed is not shown, and an interrupt leaves the terminal as it
//! was.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::kit::Folder;

/// Both ends of a terminal.
struct Terminal {
    keys: File,
    screen: Receiver<Vec<u8>>,
    program: File,
}

impl Terminal {
    fn new() -> Self {
        let person =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap();
        // Not the terminal of this process.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let program = rustix::fs::open(name, flags, Mode::empty()).unwrap();
        let keys = File::from(person);
        let mut screen = keys.try_clone().unwrap();
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 512];
            while let Ok(count) = screen.read(&mut bytes)
                && sender.send(bytes[..count].to_vec()).is_ok()
            {}
        });
        Self { keys, screen: receiver, program: program.into() }
    }

    /// A program of which this is the terminal, that has asked its question.
    fn asking(&self, folder: &Folder, line: &[&str], question: &str) -> Child {
        let end = || self.program.try_clone().unwrap();
        let mut command = Command::new("setsid");
        command
            .arg("--ctty")
            .arg(env!("CARGO_BIN_EXE_zk-ceremony"))
            .args(line)
            .current_dir(folder.path(""));
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        assert!(self.shown_until(question).ends_with(question));
        assert!(!self.shows_what_is_typed(), "from the question on");
        child
    }

    fn shown_until(&self, words: &str) -> String {
        let mut bytes = Vec::new();
        loop {
            let shown = String::from_utf8_lossy(&bytes);
            if shown.contains(words) {
                return shown.into_owned();
            }
            match self.screen.recv_timeout(Duration::from_secs(60)) {
                Ok(more) => bytes.extend(more),
                Err(error) => panic!("{error}, and not {words:?}: {shown}"),
            }
        }
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
    terminal.keys.write_all(b"correct horsf\x7fe\n").unwrap();
    let shown = terminal.shown_until("contribution 1 added");
    assert!(
        !shown.contains("horse") && shown.contains("the operating system and what you typed"),
        "{shown}"
    );
    assert!(child.wait().unwrap().success());
    assert!(terminal.shows_what_is_typed());
}

#[test]
fn an_interrupt_at_a_question_leaves_the_terminal_as_it_was() {
    // Typed, which is a byte while nothing is shown, or sent by somebody else.
    let typed: fn(&mut Terminal, &Child) = |terminal, _| terminal.keys.write_all(&[3]).unwrap();
    let sent: fn(&mut Terminal, &Child) =
        |_, child| kill_process(Pid::from_child(child), Signal::TERM).unwrap();
    for interrupt in [typed, sent] {
        // The end of the question and that of the process race, if they can.
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
