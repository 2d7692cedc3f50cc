//! An external program that signs: it gets the message on stdin and writes the signature to stdout.
//! Any key service can be reached this way without its SDK.
//!
//! No shell is involved. The program may be slow, hang, flood its output or lie: its time and
//! output are bounded, and [`super::Checked`] verifies the signature. It stays in our process
//! group, so that it can ask for a passphrase on the terminal and receives Ctrl-C.

use std::ffi::{OsStr, OsString};
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use zk_attest::diagnostic::Diagnostic;
use zk_attest::key::PublicKey;

use super::{Backend, decode_signature, within};

/// Longest output in bytes: a signature takes 64, its base64 88; the rest is room for white space.
const MAX_OUTPUT_BYTES: usize = 4096;
/// How often to check whether a program that closed its output has exited.
const POLL: Duration = Duration::from_millis(5);

/// A program that signs.
pub(super) struct Program {
    program: OsString,
    arguments: Vec<OsString>,
    key: PublicKey,
    limit: Duration,
}

impl Program {
    pub(super) fn new(
        program: &OsStr,
        arguments: &[OsString],
        key: PublicKey,
        limit: Duration,
    ) -> Self {
        Self { program: program.to_owned(), arguments: arguments.to_vec(), key, limit }
    }

    fn fault(&self, what: impl std::fmt::Display) -> Diagnostic {
        Diagnostic::environment("signer-program", what).at(self.description())
    }

    fn too_slow(&self) -> Diagnostic {
        self.fault(format_args!(
            "no answer within {} seconds; it was stopped",
            self.limit.as_secs()
        ))
        .hint(
            "run it by hand to see what it waits for, or allow more time with --signer-timeout \
             SECONDS",
        )
    }
}

impl Backend for Program {
    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn description(&self) -> String {
        format!("program {}", self.program.display())
    }

    fn answer(&mut self, message: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let deadline = Instant::now() + self.limit;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let spawned = command.spawn().map_err(|e| {
            self.fault(format_args!("it could not be started: {e}"))
                .hint("name an executable file, and give each of its arguments with --signer-arg")
        });
        let mut running = Running(spawned?);
        if let Some(mut stdin) = running.0.stdin.take() {
            let message = message.to_vec();
            // A program that does not read its input breaks the pipe. Its answer is judged like any
            // other.
            thread::spawn(move || stdin.write_all(&message));
        }
        let Some(stdout) = running.0.stdout.take() else {
            return Err(self.fault("it has no output"));
        };
        let read = within(self.limit, move || {
            let mut output = Vec::new();
            stdout.take(MAX_OUTPUT_BYTES as u64 + 1).read_to_end(&mut output).map(|_| output)
        });
        let output = read
            .ok_or_else(|| self.too_slow())?
            .map_err(|e| self.fault(format_args!("reading its output failed: {e}")))?;
        if output.len() > MAX_OUTPUT_BYTES {
            return Err(self
                .fault("too much output; it was stopped")
                .found(format_args!("more than {MAX_OUTPUT_BYTES} bytes"))
                .expected("a signature of 64 bytes, or its base64")
                .hint(
                    "make the program write the signature to stdout and everything else to stderr",
                ));
        }
        let status =
            running.wait(deadline).map_err(|e| self.fault(e))?.ok_or_else(|| self.too_slow())?;
        if !status.success() {
            return Err(self
                .fault(format_args!("it failed: {status}"))
                .hint("its own messages are shown above; run it by hand to see more"));
        }
        decode_signature(&output).map_err(|e| {
            self.fault(format_args!("its output is not a signature: {e}"))
                .hint("make the program write the 64 bytes, or their base64, and nothing else")
        })
    }
}

/// A child process that is killed when this is dropped.
struct Running(Child);

impl Running {
    /// Its exit status, or `None` at the deadline.
    fn wait(&mut self, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
        loop {
            match self.0.try_wait()? {
                None if Instant::now() < deadline => thread::sleep(POLL),
                status => return Ok(status),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
