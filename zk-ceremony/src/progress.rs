//! How a long step shows how far it is: a bar on a terminal, a line a minute elsewhere.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use ceremony_core::progress::Progress;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use crate::outcome;
use crate::watching::{has_bars, tell};

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shown {
    /// A bar if stderr is a terminal, else lines
    Auto,
    /// A line a minute
    Plain,
    /// Nothing
    None,
}

static SHOWN: AtomicU8 = AtomicU8::new(Shown::Auto as u8);

/// The time between two lines.
const INTERVAL: Duration = Duration::from_secs(60);

/// Says how progress is shown, before the command runs.
pub(crate) fn show(shown: Shown) {
    SHOWN.store(shown as u8, Ordering::Relaxed);
}

fn is(shown: Shown) -> bool {
    SHOWN.load(Ordering::Relaxed) == shown as u8
}

/// Whether bars are shown: a person looks at a terminal.
pub(crate) fn are_bars_asked() -> bool {
    is(Shown::Auto) && !outcome::is_quiet() && std::io::stderr().is_terminal()
}

/// The progress of one command, on stderr.
#[derive(Debug, Default)]
pub(crate) struct Bars(Mutex<Option<Open>>);

/// A step that is under way.
#[derive(Debug)]
enum Open {
    Bar(ProgressBar),
    Lines(Lines),
}

/// A step whose progress is told a line a minute. One that takes less tells nothing.
#[derive(Debug)]
struct Lines {
    step: String,
    total: u64,
    done: u64,
    began: Instant,
    told: Instant,
}

impl Lines {
    fn new(step: &str, total: u64, now: Instant) -> Self {
        Self { step: step.to_owned(), total, done: 0, began: now, told: now }
    }

    /// The line that is due.
    fn advance(&mut self, units: u64, now: Instant) -> Option<String> {
        self.done = self.done.saturating_add(units).min(self.total);
        if now - self.told < INTERVAL {
            return None;
        }
        self.told = now;
        let percent = self.done.saturating_mul(100).checked_div(self.total).unwrap_or(0);
        let mut line = format!("{}: {percent} %", self.step);
        let ran = now - self.began;
        if self.done > 0 {
            let left = ran.as_secs_f64() / self.done as f64 * (self.total - self.done) as f64;
            let minutes = (left / 60.0).ceil();
            let _ = write!(line, ", about {minutes} min left");
        }
        Some(line)
    }
}

impl Progress for Bars {
    fn begin(&self, step: &str, total: u64) {
        let next = if has_bars() {
            let style = ProgressStyle::with_template(
                "{msg:32} {wide_bar} {percent:>3}%  {eta_precise} left",
            );
            let bar = ProgressBar::new(total).with_message(step.to_owned());
            if let Ok(style) = style {
                bar.set_style(style);
            }
            Open::Bar(bar)
        } else if !is(Shown::None) && !outcome::is_quiet() {
            Open::Lines(Lines::new(step, total, Instant::now()))
        } else {
            return;
        };
        if let Ok(mut open) = self.0.lock()
            && let Some(Open::Bar(failed)) = open.replace(next)
        {
            failed.finish_and_clear();
        }
    }

    fn advance(&self, units: u64) {
        let Ok(mut open) = self.0.lock() else { return };
        match open.as_mut() {
            Some(Open::Bar(bar)) => bar.inc(units),
            Some(Open::Lines(lines)) => {
                if let Some(line) = lines.advance(units, Instant::now()) {
                    tell(format_args!("{line}"));
                }
            }
            None => {}
        }
    }

    fn end(&self) {
        if let Ok(mut open) = self.0.lock()
            && let Some(Open::Bar(bar)) = open.take()
        {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_hours_tells_a_line_a_minute_and_a_short_one_nothing() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut lines = Lines::new("contributing", 1000, began);
        assert_eq!(lines.advance(10, at(1)), None);
        assert_eq!(lines.advance(240, at(59)), None);
        let line = lines.advance(250, at(60));
        assert_eq!(line.as_deref(), Some("contributing: 50 %, about 1 min left"));
        assert_eq!(lines.advance(1, at(119)), None);
        assert!(lines.advance(1, at(121)).is_some());
    }

    #[test]
    fn a_step_without_units_tells_no_nonsense() {
        let began = Instant::now();
        let mut lines = Lines::new("waiting", 0, began);
        let line = lines.advance(1, began + INTERVAL);
        assert_eq!(line.as_deref(), Some("waiting: 0 %"));
    }
}
