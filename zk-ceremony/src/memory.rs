//! Keeps what this process has in memory out of files: core dumps, other processes of the same
//! account, and swap.

use std::io;

use ceremony_core::commit::SEED_BYTES;
use memmap2::MmapMut;
use zeroize::Zeroize as _;

use crate::watching::say;

/// Memory of its own pages for a secret that has to wait: locked, so that it is not swapped, left
/// out of dumps where the system can do that, and overwritten when it is dropped.
pub(crate) struct Locked(MmapMut);

impl Locked {
    /// Room for a seed.
    pub(crate) fn new() -> io::Result<Self> {
        let pages = MmapMut::map_anon(SEED_BYTES)?;
        lock_pages(&pages)?;
        Ok(Self(pages))
    }
}

#[cfg(unix)]
fn lock_pages(pages: &MmapMut) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    pages.advise(memmap2::Advice::DontDump)?;
    pages.lock()
}

#[cfg(not(unix))]
fn lock_pages(_: &MmapMut) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

impl AsRef<[u8]> for Locked {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsMut<[u8]> for Locked {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Switches core dumps off and, on Linux, forbids processes of the same account to look into this
/// one. For the start of the program. Whether core dumps are off.
#[cfg(unix)]
pub(crate) fn refuse_dumps() -> bool {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limited = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).is_ok();
    limited && is_closed()
}

#[cfg(not(unix))]
pub(crate) fn refuse_dumps() -> bool {
    false
}

/// A pipe that the system gives core dumps to does not ask for the limit.
#[cfg(target_os = "linux")]
fn is_closed() -> bool {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok()
}

#[cfg(all(unix, not(target_os = "linux")))]
fn is_closed() -> bool {
    true
}

/// What protects a secret that is about to be drawn, in the words of an attestation. Says on stderr
/// what does not.
pub(crate) fn protect() -> &'static str {
    let (no_dumps, locked) = (refuse_dumps(), lock());
    if !no_dumps {
        say!("memory: core dumps cannot be switched off here; see that nobody keeps them");
    }
    if !locked {
        say!("memory: the system does not lock it (`ulimit -l`); switch swap off");
    }
    match (locked, no_dumps) {
        (true, true) => "memory locked, core dumps off",
        (true, false) => "memory locked",
        (false, true) => "memory not locked, core dumps off",
        (false, false) => "memory not locked",
    }
}

/// Locks all that the process has and will have. Only where there is no limit: below one, the
/// system would lock what is there and then refuse memory that is needed later.
#[cfg(target_os = "linux")]
fn lock() -> bool {
    use rustix::mm::{MlockAllFlags, mlockall};
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Memlock);
    // The superuser may lift the limit, everybody may use all of it.
    let unlimited = Rlimit { current: None, maximum: None };
    let usable = Rlimit { current: limit.maximum, ..limit };
    if setrlimit(Resource::Memlock, unlimited).is_err()
        && (limit.maximum.is_some() || setrlimit(Resource::Memlock, usable).is_err())
    {
        return false;
    }
    // Pages are locked when they are first used: reserved memory costs nothing.
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn lock() -> bool {
    false
}
