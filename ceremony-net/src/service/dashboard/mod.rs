//! The dashboard: what a service knows, for people. `GET /` is a page that works without a script;
//! `GET /v1/events` brings its sections anew as they change.
//!
//! ```text
//! folder     what the folder has        model      everything that is shown, at one moment
//! history    what the journal told      page       sections and page, from templates
//! drawing    where lines and bars go    events     what a browser is told of changes
//! ```
//!
//! The page is made at most every [`REST`] and shared by all who look, so that a request costs the
//! same whatever the length of journal and chains, and many requests cost little more than one.

mod drawing;
mod events;
mod folder;
pub(crate) mod history;
mod model;
mod page;

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::Mutex;

pub(crate) use self::events::stream;
use self::folder::{Folder, Verdicts};
use self::model::Model;
pub(crate) use self::page::POLICY;
use super::core::Core;
use super::view::SharedView;

/// How long a page is shown to all who ask, when something changed.
const REST: Duration = Duration::from_millis(100);
/// And when nothing did: as exact as the seconds that it writes.
const SECOND: Duration = Duration::from_secs(1);

/// How long reading the folder may keep a page waiting.
const QUICK: Duration = Duration::from_millis(50);

/// A page that was made.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) page: Bytes,
    /// Each section's fingerprint, and the event that brings it.
    sections: Vec<(String, Bytes)>,
    /// All fingerprints, one after the other.
    seen: String,
    now: u64,
    /// The service's, when it was made or a moment before.
    version: u64,
}

/// What is kept of the last page.
type Kept = Option<(Instant, Arc<Rendered>)>;

/// See the module's documentation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dashboard {
    kept: Arc<Mutex<Kept>>,
    folders: Arc<Folders>,
}

/// What the folder has, as it was read last.
#[derive(Debug, Default)]
struct Folders {
    latest: std::sync::Mutex<Option<KeptFolder>>,
    /// Held while it is read again.
    verdicts: std::sync::Mutex<Verdicts>,
}

#[derive(Clone, Debug)]
struct KeptFolder {
    view: SharedView,
    folder: Arc<Folder>,
    made: Instant,
    took: Duration,
}

impl Folders {
    /// What the folder has; of a moment ago, where reading it takes long enough to be noticed: then
    /// it is read beside the pages, and all who wait are told.
    fn of(self: &Arc<Self>, core: &Arc<Core>, view: &SharedView) -> Arc<Folder> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match latest {
            Some(latest) if Arc::ptr_eq(&latest.view, view) => latest.folder,
            Some(latest) if latest.took > QUICK => {
                // Not for most of the time.
                if latest.made.elapsed() >= 4 * latest.took {
                    self.read_beside(core.clone());
                }
                latest.folder
            }
            _ => {
                let verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                self.read(view, verdicts)
            }
        }
    }

    fn read(&self, view: &SharedView, mut verdicts: MutexGuard<'_, Verdicts>) -> Arc<Folder> {
        let begun = Instant::now();
        let folder = Arc::new(Folder::of(view, &mut verdicts));
        let (view, took) = (view.clone(), begun.elapsed());
        let kept = KeptFolder { view, folder: folder.clone(), made: Instant::now(), took };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        folder
    }

    fn read_beside(self: &Arc<Self>, core: Arc<Core>) {
        let folders = self.clone();
        let read = move || {
            // One that is at it will be told of what it missed by the next look.
            let Ok(verdicts) = folders.verdicts.try_lock() else { return };
            let view = core.state().view.clone();
            folders.read(&view, verdicts);
            core.changed();
        };
        // Without a thread, the page stays what it is until the next look.
        let _ = std::thread::Builder::new().name("dashboard".into()).spawn(read);
    }
}

impl Dashboard {
    /// The page, as it is now or was a moment ago. None where making it failed, which is a fault of
    /// the service.
    pub(crate) async fn current(&self, core: &Arc<Core>) -> Option<Arc<Rendered>> {
        // One makes it, and the others wait for that: none of them holds a thread meanwhile.
        let mut kept = self.kept.clone().lock_owned().await;
        let version = *core.version.borrow();
        if let Some((made, rendered)) = &*kept {
            let age = made.elapsed();
            if age < REST || rendered.version == version && age < SECOND {
                return Some(rendered.clone());
            }
        }
        let (core, folders) = (core.clone(), self.folders.clone());
        let made = tokio::task::spawn_blocking(move || {
            let rendered = Arc::new(render(&core, &folders, version));
            *kept = Some((Instant::now(), rendered.clone()));
            rendered
        });
        made.await.ok()
    }
}

fn render(core: &Arc<Core>, folders: &Arc<Folders>, version: u64) -> Rendered {
    let view = core.state().view.clone();
    let model = Model::of(core, folders.of(core, &view));
    let sections = page::sections(&model);
    let fingerprints: Vec<String> =
        sections.iter().map(|section| page::fingerprint(&section.html)).collect();
    let seen = fingerprints.concat();
    let page = Bytes::from(page::page(&model, &sections, &seen));
    let events = sections.iter().map(|section| events::section(&section.id, &section.html));
    Rendered {
        page,
        sections: fingerprints.into_iter().zip(events).collect(),
        seen,
        now: model.now,
        version,
    }
}

#[cfg(test)]
mod tests {
    use super::super::committing::tests::World;
    use super::*;

    #[tokio::test]
    async fn a_page_is_shared_for_a_moment_and_made_anew_when_something_changed() {
        let world = World::new(SECOND, false);
        let dashboard = Dashboard::default();
        let page = async || dashboard.current(&world.core).await.unwrap();
        let first = page().await;
        world.core.changed();
        // Whatever changes, many who ask cost little more than one.
        let second = page().await;
        assert!(Arc::ptr_eq(&first, &second));
        tokio::time::sleep(REST).await;
        let changed = page().await;
        assert!(!Arc::ptr_eq(&first, &changed), "a change is not shown");
        assert!(changed.version > first.version);
        tokio::time::sleep(REST).await;
        // Nothing changed, but for the seconds that it writes.
        assert!(Arc::ptr_eq(&changed, &page().await));
        tokio::time::sleep(SECOND).await;
        assert!(!Arc::ptr_eq(&changed, &page().await), "its seconds stand still");
    }
}
