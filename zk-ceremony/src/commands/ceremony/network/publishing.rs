//! `serve --publish`: what the ceremony has goes out as it appears, beside the service's work.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::Thread;
use std::time::{Duration, Instant};

use ceremony_folder::digests::KnownDigests;
use ceremony_folder::index::{Indexed, locked_files};
use ceremony_folder::journal::{JOURNAL, JOURNAL_HEAD};
use ceremony_net::metrics;
use ceremony_net::service::{Elsewhere, Publication};
use ceremony_publish::{Place, Publisher};
use zk_attest::diagnostic::{Blame, Diagnostic};

use crate::commands::ceremony::publish::resumed;
use crate::failure;
use crate::progress::Bars;
use crate::signer::open_key_file;

/// How long what changes is gathered before it goes out.
const LOOK: Duration = Duration::from_secs(2);
/// How often the journal goes out while nothing but it changes: each time all of it.
const JOURNAL_REST: Duration = Duration::from_secs(300);
/// The same failure is told this often.
const TOLD_AGAIN: Duration = Duration::from_secs(600);
/// The longest rest after failures, each of which doubles it.
const LONGEST_REST: Duration = Duration::from_secs(300);
/// How long the end is tried while the store fails.
const LAST_TRIES: Duration = Duration::from_secs(10);
/// How long the end may take: a service manager stops a process that takes 90 seconds.
const END: Duration = Duration::from_secs(75);

/// A thread that publishes.
pub(super) struct Publishing {
    stop: Arc<AtomicBool>,
    /// Whether the ceremony changed since it was looked at.
    changed: Arc<AtomicBool>,
    thread: Thread,
    /// How the last attempt ended.
    ended: Receiver<Result<(), Diagnostic>>,
}

impl Publishing {
    /// Begins to publish a folder to a place, with the service's key as signer of the list.
    pub(super) fn start(
        root: PathBuf,
        place: Place,
        key: &Path,
        elsewhere: Option<Elsewhere>,
        publication: Publication,
    ) -> Result<Self, Diagnostic> {
        place.ensure_writable()?;
        let stop = Arc::new(AtomicBool::new(false));
        let changed = Arc::new(AtomicBool::new(true));
        let mut work = Work {
            publisher: Publisher::new(place, resumed(&root), false),
            signer: open_key_file(key)?,
            root,
            elsewhere,
            publication,
            wanted: Vec::new(),
            digests: KnownDigests::default(),
            published: Vec::new(),
            at: None,
            told: None,
        };
        let (stopped, news) = (stop.clone(), changed.clone());
        let (end, ended) = channel();
        let thread = std::thread::Builder::new()
            .name("publisher".into())
            .spawn(move || {
                // Where the end took too long, this is not waited for any more.
                let _ = end.send(work.run(&stopped, &news));
            })
            .map_err(|error| {
                Diagnostic::environment("runtime", format_args!("starting threads failed: {error}"))
            })?;
        Ok(Self { stop, changed, thread: thread.thread().clone(), ended })
    }

    /// Says that something changed: a folder of thousands of files is not looked at for nothing.
    pub(super) fn notice(&self) {
        self.changed.store(true, Ordering::SeqCst);
    }

    /// Publishes what is there now, and ends.
    pub(super) fn finish(self) -> Result<(), Diagnostic> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.unpark();
        let what = match self.ended.recv_timeout(END) {
            Ok(ended) => return ended,
            Err(RecvTimeoutError::Timeout) => "publishing did not end in time",
            Err(RecvTimeoutError::Disconnected) => "publishing broke off",
        };
        Err(Diagnostic::environment("publishing", what)
            .expected(format_args!("an end within {} seconds", END.as_secs()))
            .hint("what is there stays: put the rest there with `ceremony publish`"))
    }
}

/// A pause after failures, so that a dead store or a conflict is not asked every other second, and
/// the index not signed anew each time.
#[derive(Default)]
struct Rest {
    long: Duration,
    since: Option<Instant>,
}

impl Rest {
    fn is_over(&self) -> bool {
        self.since.is_none_or(|since| since.elapsed() >= self.long)
    }

    /// What is there with other bytes does not pass by itself: it is looked at rarely at once.
    fn lengthen(&mut self, blame: Blame) {
        self.long = match blame {
            Blame::Environment => (self.long * 2).clamp(LOOK, LONGEST_REST),
            _ => LONGEST_REST,
        };
        self.since = Some(Instant::now());
    }
}

struct Work {
    publisher: Publisher,
    signer: Box<dyn crate::signer::Signer + Send>,
    root: PathBuf,
    elsewhere: Option<Elsewhere>,
    /// Tells people who look what became of it.
    publication: Publication,
    /// The list that is being published.
    wanted: Vec<Indexed>,
    digests: KnownDigests,
    /// The list that was published last, and when.
    published: Vec<Indexed>,
    at: Option<Instant>,
    /// The failure that was told last, and when.
    told: Option<(String, Instant)>,
}

impl Work {
    fn run(&mut self, stop: &AtomicBool, changed: &AtomicBool) -> Result<(), Diagnostic> {
        let mut rest = Rest::default();
        let mut stopped: Option<Instant> = None;
        // A journal that rested goes out without further news.
        let mut looked = Instant::now();
        loop {
            let stopping = stop.load(Ordering::SeqCst);
            if !stopping && !rest.is_over() {
                std::thread::park_timeout(LOOK);
                continue;
            }
            let is_news = changed.swap(false, Ordering::SeqCst);
            if !stopping && !is_news && looked.elapsed() < JOURNAL_REST {
                std::thread::park_timeout(LOOK);
                continue;
            }
            looked = Instant::now();
            let done = self.round(stopping);
            match &done {
                Ok(()) => {
                    metrics::publication_refused(false);
                    self.publication.recovered();
                    rest = Rest::default();
                    self.told = None;
                }
                Err(error) => {
                    changed.store(true, Ordering::SeqCst);
                    rest.lengthen(error.blame);
                    self.publication.failed(error.blame);
                    self.count();
                    self.tell(error);
                }
            }
            if stopping {
                let since = stopped.get_or_insert_with(Instant::now);
                let again = |error: &Diagnostic| error.blame == Blame::Environment;
                if !done.as_ref().is_err_and(again) || since.elapsed() >= LAST_TRIES {
                    return done;
                }
            }
            std::thread::park_timeout(LOOK);
        }
    }

    /// Publishes what is new, if there is anything.
    fn round(&mut self, stopping: bool) -> Result<(), Diagnostic> {
        let signer = self.signer.public_key();
        let (lock, ceremony, files) =
            locked_files(&self.root, signer, &mut self.digests, &Bars::default())?;
        if !self.is_due(&files, stopping) {
            return Ok(());
        }
        let (index, _) = ceremony.write_index(files.clone(), self.signer.as_mut())?;
        self.wanted.clone_from(&files);
        self.count();
        let held = self.publisher.hold(&ceremony, &index)?;
        drop(lock);
        let published = self.publisher.publish(&ceremony, &index, &held, &Bars::default())?;
        if let Some(elsewhere) = &self.elsewhere {
            for file in index.files() {
                elsewhere.add(file.object());
            }
        }
        tracing::info!(
            "published {} files, {} bytes; {} were there",
            published.put.len(),
            published.bytes,
            published.present
        );
        metrics::published();
        self.publication.done(files.len());
        (self.published, self.at) = (files, Some(Instant::now()));
        Ok(())
    }

    /// Tells how many files of the list are in the store.
    fn count(&self) {
        let there = self.wanted.iter().filter(|file| self.publisher.has(file)).count();
        self.publication.found(there, self.wanted.len() - there);
    }

    fn is_due(&self, files: &[Indexed], stopping: bool) -> bool {
        if files == self.published {
            return false;
        }
        let rests = self.at.is_some_and(|at| at.elapsed() < JOURNAL_REST);
        let is_journal = |file: &&Indexed| file.name == JOURNAL || file.name == JOURNAL_HEAD;
        let steps = |files: &[Indexed]| -> Vec<Indexed> {
            files.iter().filter(|file| !is_journal(file)).cloned().collect()
        };
        stopping || !rests || steps(files) != steps(&self.published)
    }

    /// An object with other bytes is what the operator must hear of: it is an error in the log,
    /// under its code. Everything else may pass.
    fn tell(&mut self, error: &Diagnostic) {
        let now = Instant::now();
        let text = failure::render(error);
        let known = self.told.as_ref();
        if known.is_some_and(|(told, at)| *told == text && now - *at < TOLD_AGAIN) {
            return;
        }
        if error.blame == Blame::Artefact {
            metrics::publication_refused(true);
            tracing::error!(code = error.code, "publication refused: {error}");
        } else {
            tracing::warn!(code = error.code, "publication waits: {error}");
        }
        self.told = Some((text, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_rest_and_a_conflict_has_the_longest() {
        let mut rest = Rest::default();
        assert!(rest.is_over());
        for expected in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            rest.lengthen(Blame::Environment);
            assert_eq!(rest.long, Duration::from_secs(expected));
            assert!(!rest.is_over());
        }
        let mut rest = Rest::default();
        rest.lengthen(Blame::Artefact);
        assert_eq!(rest.long, LONGEST_REST);
        rest.since = Instant::now().checked_sub(LONGEST_REST);
        assert!(rest.is_over());
    }
}
