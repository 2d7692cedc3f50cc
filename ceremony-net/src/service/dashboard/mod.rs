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

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::Mutex;

pub(crate) use self::events::stream;
use self::folder::Folder;
use self::model::Model;
pub(crate) use self::page::POLICY;
use super::core::Core;
use super::view::{SharedView, View};

/// How long a page is shown to everybody who asks, when something changed.
const REST: Duration = Duration::from_millis(100);
/// And when nothing did: as exact as the seconds that it writes.
const SECOND: Duration = Duration::from_secs(1);

/// A page that was made.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) page: Bytes,
    /// Each section's fingerprint, and the event that brings it.
    sections: Vec<(String, Bytes)>,
    /// All fingerprints, one after the other.
    seen: String,
    now: u64,
}

/// What is kept of the last page.
#[derive(Debug, Default)]
struct Kept {
    rendered: Option<(u64, Instant, Arc<Rendered>)>,
    folder: Option<KeptFolder>,
}

#[derive(Debug)]
struct KeptFolder {
    view: SharedView,
    folder: Arc<Folder>,
    made: Instant,
    took: Duration,
}

/// See the module's documentation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dashboard(Arc<Mutex<Kept>>);

impl Dashboard {
    /// The page, as it is now or was a moment ago. None where making it failed, which is a fault of
    /// the service.
    pub(crate) async fn current(&self, core: &Arc<Core>) -> Option<Arc<Rendered>> {
        // One makes it, and the others wait for that: none of them holds a thread meanwhile.
        let mut kept = self.0.clone().lock_owned().await;
        let version = *core.version.borrow();
        if let Some((of, made, rendered)) = &kept.rendered {
            let age = made.elapsed();
            if age < REST || *of == version && age < SECOND {
                return Some(rendered.clone());
            }
        }
        let core = core.clone();
        let made = tokio::task::spawn_blocking(move || {
            let rendered = Arc::new(render(&core, &mut kept.folder));
            kept.rendered = Some((version, Instant::now(), rendered.clone()));
            rendered
        });
        made.await.ok()
    }
}

fn render(core: &Core, kept: &mut Option<KeptFolder>) -> Rendered {
    let view = core.state().view.clone();
    let model = Model::of(core, folder(&view, kept));
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
    }
}

/// What the folder has. Made anew when the folder changed, and not for most of the time: a ceremony
/// of thousands of verdicts takes a moment to read.
fn folder(view: &Arc<View>, kept: &mut Option<KeptFolder>) -> Arc<Folder> {
    if let Some(kept) = kept
        && (Arc::ptr_eq(&kept.view, view) || kept.made.elapsed() < 4 * kept.took)
    {
        return kept.folder.clone();
    }
    let begun = Instant::now();
    let folder = Arc::new(Folder::of(view));
    let (made, took) = (Instant::now(), begun.elapsed());
    *kept = Some(KeptFolder { view: view.clone(), folder: folder.clone(), made, took });
    folder
}
