//! `serve --publish`: what the ceremony has goes out as it appears, beside the service's work.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ceremony_folder::digests::KnownDigests;
use ceremony_folder::index::Indexed;
use ceremony_folder::journal::{JOURNAL, JOURNAL_HEAD};
use ceremony_folder::{Ceremony, FolderLock};
use ceremony_net::service::Elsewhere;
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
/// How often the end is tried.
const LAST_ATTEMPTS: u32 = 5;

/// A thread that publishes.
pub(super) struct Publishing {
    stop: Arc<AtomicBool>,
    /// Whether the ceremony changed since it was looked at.
    changed: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), Diagnostic>>,
}

impl Publishing {
    /// Begins to publish a folder to a place, with the service's key as signer of the list.
    pub(super) fn start(
        root: PathBuf,
        place: Place,
        key: &Path,
        elsewhere: Option<Elsewhere>,
    ) -> Result<Self, Diagnostic> {
        place.ensure_writable()?;
        let stop = Arc::new(AtomicBool::new(false));
        let changed = Arc::new(AtomicBool::new(true));
        let mut work = Work {
            publisher: Publisher::new(place, resumed(&root), false),
            signer: open_key_file(key)?,
            root,
            elsewhere,
            digests: KnownDigests::default(),
            published: Vec::new(),
            at: None,
            told: None,
        };
        let (stopped, news) = (stop.clone(), changed.clone());
        let thread = std::thread::Builder::new()
            .name("publisher".into())
            .spawn(move || work.run(&stopped, &news))
            .map_err(|error| {
                Diagnostic::environment("runtime", format_args!("starting threads failed: {error}"))
            })?;
        Ok(Self { stop, changed, thread })
    }

    /// Says that something changed: a folder of thousands of files is not looked at for nothing.
    pub(super) fn notice(&self) {
        self.changed.store(true, Ordering::SeqCst);
    }

    /// Publishes what is there now, and ends.
    pub(super) fn finish(self) -> Result<(), Diagnostic> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.thread().unpark();
        self.thread.join().unwrap_or_else(|_| {
            Err(Diagnostic::environment("internal", "publishing broke off")
                .hint("publish the folder with `ceremony publish`"))
        })
    }
}

struct Work {
    publisher: Publisher,
    signer: Box<dyn crate::signer::Signer + Send>,
    root: PathBuf,
    elsewhere: Option<Elsewhere>,
    digests: KnownDigests,
    /// The list that was published last, and when.
    published: Vec<Indexed>,
    at: Option<Instant>,
    /// The failure that was told last, and when.
    told: Option<(String, Instant)>,
}

impl Work {
    fn run(&mut self, stop: &AtomicBool, changed: &AtomicBool) -> Result<(), Diagnostic> {
        let mut last = 0;
        // A journal that rested goes out without further news.
        let mut looked = Instant::now();
        loop {
            let stopping = stop.load(Ordering::SeqCst);
            let is_news = changed.swap(false, Ordering::SeqCst);
            if !stopping && !is_news && looked.elapsed() < JOURNAL_REST {
                std::thread::park_timeout(LOOK);
                continue;
            }
            looked = Instant::now();
            let done = self.round(stopping);
            if done.is_err() {
                changed.store(true, Ordering::SeqCst);
            }
            if let Err(error) = &done {
                self.tell(error);
            } else {
                self.told = None;
            }
            if stopping {
                last += 1;
                let again = |error: &Diagnostic| error.blame == Blame::Environment;
                if !done.as_ref().is_err_and(again) || last == LAST_ATTEMPTS {
                    return done;
                }
            }
            std::thread::park_timeout(LOOK);
        }
    }

    /// Publishes what is new, if there is anything.
    fn round(&mut self, stopping: bool) -> Result<(), Diagnostic> {
        let lock = FolderLock::take(&self.root)?;
        let ceremony = Ceremony::open_sound(&self.root)?;
        let files = ceremony.public_files(&mut self.digests, &Bars::default())?;
        if !self.is_due(&files, stopping) {
            return Ok(());
        }
        let (index, _) = ceremony.write_index(files.clone(), self.signer.as_mut())?;
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
        (self.published, self.at) = (files, Some(Instant::now()));
        Ok(())
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

    /// An object with other bytes is what somebody must hear of: it is an error in the log, under
    /// its code. Everything else may pass.
    fn tell(&mut self, error: &Diagnostic) {
        let now = Instant::now();
        let text = failure::render(error);
        let known = self.told.as_ref();
        if known.is_some_and(|(told, at)| *told == text && now - *at < TOLD_AGAIN) {
            return;
        }
        if error.blame == Blame::Artefact {
            tracing::error!(code = error.code, "publication refused: {error}");
        } else {
            tracing::warn!(code = error.code, "publication waits: {error}");
        }
        self.told = Some((text, now));
    }
}
