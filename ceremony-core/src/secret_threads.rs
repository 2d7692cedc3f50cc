//! Threads whose stacks keep no secret.
//!
//! A computation leaves copies of its operands behind: arguments and results passed by value,
//! spilled registers, the block that a hash is at. Wiping boxes does not reach them; they lie below
//! the top of the stack until something else happens to be written there, and show in a core dump
//! or in swap. So all that meets a contribution's secrets, from the seed on, runs on threads made
//! for it, whose stacks are overwritten before the result is handed out. Other threads get
//! references to boxes and public results only.

use std::hint::black_box;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use crate::explain::{Explain, Finding};

/// The system gave no threads.
#[derive(Debug, thiserror::Error)]
#[error("no threads to compute with secrets on: {0}")]
pub struct ThreadsError(ThreadPoolBuildError);

impl Explain for ThreadsError {
    fn explain(&self) -> Finding {
        Finding::environment("randomness/threads", self)
    }
}

/// Stack of each thread: the size that the standard library gives a thread.
const STACK_BYTES: usize = 2 << 20;
/// What is overwritten of it: all but what the thread's own start may take.
const OVERWRITTEN_BYTES: usize = STACK_BYTES - (128 << 10);
/// Overwritten by one call.
const FRAME_BYTES: usize = 16 << 10;

/// Runs `work` on as many threads as rayon would use here, and then overwrites their stacks, also
/// when it panics.
pub(crate) fn on_secret_threads<T: Send>(
    work: impl FnOnce() -> T + Send,
) -> Result<T, ThreadsError> {
    let threads = new_threads()?;
    Ok(run_and_overwrite(&threads, work))
}

fn new_threads() -> Result<ThreadPool, ThreadsError> {
    ThreadPoolBuilder::new()
        .num_threads(rayon::current_num_threads())
        .stack_size(STACK_BYTES)
        .thread_name(|i| format!("secrets-{i}"))
        .build()
        .map_err(ThreadsError)
}

fn run_and_overwrite<T: Send>(threads: &ThreadPool, work: impl FnOnce() -> T + Send) -> T {
    let _overwriting = Overwriting(threads);
    threads.install(work)
}

/// Overwrites the stacks of threads when it is dropped. No job is left then: what `install` runs
/// has ended with all that it forked.
struct Overwriting<'a>(&'a ThreadPool);

impl Drop for Overwriting<'_> {
    fn drop(&mut self) {
        self.0.broadcast(|_| overwrite_stack(OVERWRITTEN_BYTES));
    }
}

/// Writes zeros to the next `bytes` of the stack.
#[inline(never)]
fn overwrite_stack(bytes: usize) {
    let mut frame = [0u8; FRAME_BYTES];
    black_box(&mut frame);
    if let Some(rest) = bytes.checked_sub(FRAME_BYTES) {
        overwrite_stack(rest);
    }
    // Used after the call, so that no call takes the place of another.
    black_box(&mut frame);
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
