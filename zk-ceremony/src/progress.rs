//! A bar per long step on a terminal, and nothing when stderr is piped.

use std::sync::Mutex;

use ceremony_core::progress::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::watching::has_bars;

/// Bars on stderr.
#[derive(Debug, Default)]
pub(crate) struct Bars(Mutex<Option<ProgressBar>>);

impl Progress for Bars {
    fn begin(&self, step: &str, total: u64) {
        if !has_bars() {
            return;
        }
        let style =
            ProgressStyle::with_template("{msg:32} {wide_bar} {percent:>3}%  {eta_precise} left");
        let bar = ProgressBar::new(total).with_message(step.to_owned());
        if let Ok(style) = style {
            bar.set_style(style);
        }
        if let Ok(mut open) = self.0.lock()
            && let Some(failed) = open.replace(bar)
        {
            failed.finish_and_clear();
        }
    }

    fn advance(&self, units: u64) {
        if let Ok(Some(bar)) = self.0.lock().as_deref() {
            bar.inc(units);
        }
    }

    fn end(&self) {
        if let Ok(mut open) = self.0.lock()
            && let Some(bar) = open.take()
        {
            bar.finish_and_clear();
        }
    }
}
