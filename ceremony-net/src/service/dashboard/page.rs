//! The dashboard as a page: one section for each thing that changes by itself, so that events can
//! bring a section anew. The templates are in `templates/`.

use std::fmt;
use std::sync::LazyLock;

use askama::Template;
use askama::filters::HtmlSafe;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ceremony_folder::report::ReportedStep;
use ceremony_folder::report::parts::{Drawn, Facts, Hash, RecordedIn, STYLE};
use sha2::{Digest as _, Sha256};
use zk_attest::diagnostic::Blame;
use zk_attest::primitives::{CeremonyKind, Timestamp};
use zk_attest::program::PROGRAM;

use super::super::publication::PublicationTold;
use super::drawing::{BOX, SPARK, Sparkline, Topology, WIDTH, parts};
use super::folder::ChainShown;
use super::model::{Model, PartyShown, Standing};
use crate::protocol::StageInfo;

/// The style sheet of every page, and what the dashboard has besides.
static SHEET: LazyLock<String> =
    LazyLock::new(|| [STYLE, include_str!("../../../templates/dashboard.css")].concat());
const SCRIPT: &str = include_str!("../../../templates/dashboard.js");

/// Names of absent participants that are shown.
const ABSENT: usize = 12;

/// What a browser may load for the page: this style sheet and this script, which stand in it, an
/// icon that stands in it, and events from here.
pub(crate) static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(&SHEET),
        hash(SCRIPT)
    )
});

/// The section that stands at the top of the page, with its title.
const FACTS: &str = "facts";

/// A section of the page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) id: String,
    pub(super) class: &'static str,
    pub(super) html: String,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Page<'a> {
    m: &'a Model,
    facts: &'a str,
    sections: &'a [Section],
    seen: &'a str,
    style: &'static str,
    script: &'static str,
}

/// The whole page. `seen` says which sections these are.
pub(super) fn page(m: &Model, sections: &[Section], seen: &str) -> String {
    let (head, others) = match sections.split_first() {
        Some((head, others)) => (head.html.as_str(), others),
        None => ("", sections),
    };
    let style = SHEET.as_str();
    rendered(&Page { m, facts: head, sections: others, seen, style, script: SCRIPT })
}

/// Sections without anything of their own.
macro_rules! sections {
    ($($name:ident $path:literal)+) => {
        $(
            #[derive(Template)]
            #[template(path = $path)]
            struct $name<'a> {
                m: &'a Model,
            }
        )+
    };
}

sections! {
    Head "dashboard/facts.html"
    Stages "dashboard/stage.html"
    Turn "dashboard/turn.html"
    Queue "dashboard/queue.html"
    Beacons "dashboard/beacons.html"
    Parties "dashboard/parties.html"
    Pace "dashboard/pace.html"
    Refusals "dashboard/security.html"
    Journal "dashboard/journal.html"
    Join "dashboard/join.html"
}

#[derive(Template)]
#[template(path = "dashboard/chain.html")]
struct ChainSection<'a> {
    shown: &'a ChainShown,
    recorded: &'a [Option<RecordedIn>],
}

#[derive(Template)]
#[template(path = "dashboard/publication.html")]
struct PublicationSection<'a> {
    told: Option<&'a PublicationTold>,
}

/// The sections, in their order on the page.
pub(super) fn sections(m: &Model) -> Vec<Section> {
    let section = |id: &str, class, html: String| Section { id: id.to_owned(), class, html };
    let mut sections = vec![
        section(FACTS, "", rendered(&Head { m })),
        section("stage", "", rendered(&Stages { m })),
        section("turn", "third", rendered(&Turn { m })),
        section("queue", "third", rendered(&Queue { m })),
        section("beacons", "third", rendered(&Beacons { m })),
    ];
    for (shown, recorded) in m.folder.chains.iter().zip(&m.recorded) {
        sections.push(section(&shown.id, "", rendered(&ChainSection { shown, recorded })));
    }
    sections.extend([
        section("parties", "", rendered(&Parties { m })),
        section("pace", "half", rendered(&Pace { m })),
        section("security", "half", rendered(&Refusals { m })),
        section("publication", "", rendered(&PublicationSection { told: m.publication.as_ref() })),
        section("journal", "half", rendered(&Journal { m })),
        section("join", "half", rendered(&Join { m })),
    ]);
    sections
}

fn rendered(template: &impl Template) -> String {
    let mut html = String::new();
    // Writing into a String cannot fail.
    let _ = template.render_into(&mut html);
    html
}

/// A section without what counts by itself in a browser: two of one fingerprint have the same news.
pub(super) fn fingerprint(html: &str) -> String {
    let mut hash = Sha256::new();
    let mut parts = html.split("<span class=\"count\"");
    hash.update(parts.next().unwrap_or_default());
    for part in parts {
        hash.update(part.split_once("</span>").map_or(part, |(_, after)| after));
    }
    hex::encode(&hash.finalize()[..4])
}

/// A number as templates hand it over: as it is, or behind references.
trait Number {
    fn number(self) -> u64;
}

impl Number for u64 {
    fn number(self) -> u64 {
        self
    }
}

impl<T: Number + Copy> Number for &T {
    fn number(self) -> u64 {
        (*self).number()
    }
}

/// Numbers in words.
struct Words;

impl Words {
    fn span(seconds: impl Number) -> String {
        match seconds.number() {
            s @ 0..60 => format!("{s} s"),
            s @ 60..3600 => format!("{} min {} s", s / 60, s % 60),
            s @ 3600..86_400 => format!("{} h {} min", s / 3600, s % 3600 / 60),
            s => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
        }
    }

    fn seconds(seconds: f64) -> String {
        if seconds < 60.0 { format!("{seconds:.1} s") } else { Self::span(seconds.round() as u64) }
    }

    fn bytes(count: impl Number) -> String {
        match count.number() {
            n @ 0..10_000 => format!("{n} bytes"),
            n @ 10_000..10_000_000 => format!("{:.1} kB", n as f64 / 1e3),
            n => format!("{:.1} MB", n as f64 / 1e6),
        }
    }
}

/// A time that a browser counts on: since a moment, or until one.
struct Count {
    at: u64,
    away: u64,
    way: &'static str,
}

impl Count {
    fn since(at: impl Number, now: impl Number) -> Self {
        let at = at.number();
        Self { at, away: now.number().saturating_sub(at), way: "since" }
    }

    fn until(at: impl Number, now: impl Number) -> Self {
        let at = at.number();
        Self { at, away: at.saturating_sub(now.number()), way: "until" }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, away, way } = self;
        let away = Words::span(away);
        write!(f, "<span class=\"count\" data-at=\"{at}\" data-way=\"{way}\">{away}</span>")
    }
}

impl askama::FastWritable for Count {
    fn write_into(&self, dest: &mut dyn fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        Ok(write!(dest, "{self}")?)
    }
}

impl HtmlSafe for Count {}

/// A moment in UTC.
struct Moment(Timestamp);

impl Moment {
    fn of(seconds: impl Number) -> Self {
        Self(Timestamp::from_unix(seconds.number()))
    }

    /// As documents write it.
    fn written(text: &str) -> Self {
        Self(Timestamp::new(text).unwrap_or_else(|_| Timestamp::from_unix(0)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.as_str();
        let shown = text.replace('T', " ").replace('Z', " UTC");
        write!(f, "<time datetime=\"{text}\">{shown}</time>")
    }
}

impl HtmlSafe for Moment {}

/// A part of the way from the first contribution to the bundle.
struct StageShown {
    class: &'static str,
    title: &'static str,
    note: String,
}

impl Model {
    /// The command that fetches and verifies everything, of these rules.
    fn mirror(&self) -> String {
        let Self { origin, rules, .. } = self;
        format!("{PROGRAM} ceremony mirror {origin} DIR --rules {rules} --verify")
    }

    fn is_rehearsal(&self) -> bool {
        self.kind == CeremonyKind::Rehearsal
    }

    fn stages(&self) -> [StageShown; 4] {
        let now = match self.stage {
            StageInfo::Phase1 => 0,
            StageInfo::Prepare => 1,
            StageInfo::Phase2 => 2,
            StageInfo::Closed => 3,
        };
        let class = |stage: usize| match stage.cmp(&now) {
            std::cmp::Ordering::Less => "past",
            std::cmp::Ordering::Equal if stage == 3 && self.finished => "past",
            std::cmp::Ordering::Equal => "now",
            std::cmp::Ordering::Greater => "",
        };
        let (first, others) = match self.folder.chains.split_first() {
            Some((first, others)) => (Some(first), others),
            None => (None, [].as_slice()),
        };
        let given = |chain: &ChainShown| match chain.roster {
            0 => "from another ceremony".into(),
            _ => format!("{} of {} contributions", chain.contributions, chain.roster),
        };
        let fewest = others.iter().min_by_key(|chain| chain.contributions);
        let phase2 = fewest.map_or_else(String::new, |chain| match others.len() {
            1 => given(chain),
            n => format!("{n} circuits, each at least {}", given(chain)),
        });
        let bundle = match (self.finished, self.bundle) {
            (true, _) => "nothing is left to be done",
            (false, true) => "the bundle waits for approvals",
            (false, false) => "bundle, approvals",
        };
        [
            (0, "Phase 1", first.map_or_else(String::new, given)),
            (1, "Preparation", "by the coordinator".into()),
            (2, "Phase 2", phase2),
            (3, "Closed", bundle.into()),
        ]
        .map(|(n, title, note)| StageShown { class: class(n), title, note })
    }

    /// Where the ceremony stands, in a sentence or two.
    fn headline(&self) -> String {
        let phase = |phase: &str| match &self.turn {
            Some(turn) if turn.until.is_none() => {
                format!("{phase}: {}'s contribution is being verified.", turn.participant)
            }
            Some(turn) => format!("{phase}: {} has the turn.", turn.participant),
            None => match &self.next {
                Some(next) => format!("{phase}: {next} is next."),
                None if self.queue.is_empty() => {
                    format!("{phase}: no participant waits for a turn.")
                }
                None => format!("{phase}: none of those who wait can get the turn now."),
            },
        };
        let stands = match self.stage {
            StageInfo::Phase1 => phase("Phase 1"),
            StageInfo::Prepare => "Phase 1 is closed; the coordinator prepares phase 2.".into(),
            StageInfo::Phase2 => phase("Phase 2"),
            StageInfo::Closed if self.finished => {
                "Every chain is closed, and nothing is left to be \
                                                   done."
                    .into()
            }
            StageInfo::Closed if self.bundle => {
                "Every chain is closed; the bundle waits for approvals.".into()
            }
            StageInfo::Closed => "Every chain is closed; the bundle is still to be made.".into(),
        };
        match self.history.recent.back().filter(|last| last.tone == "bad") {
            Some(last) => format!("{stands} Last: {}.", last.words),
            None => stands,
        }
    }
}

impl PartyShown {
    fn stands(&self) -> String {
        match self.standing {
            Standing::Turn => "has the turn".into(),
            Standing::Queue(place) => format!("number {place} in the queue"),
            Standing::Away => "in the queue, not connected".into(),
            Standing::Given if self.given >= self.of => "done".into(),
            Standing::Given => "done for now".into(),
            Standing::Nothing => "not connected".into(),
        }
    }
}

impl ChainSection<'_> {
    fn absent(&self) -> String {
        let absent = &self.shown.chain.absent;
        let named = absent.iter().take(ABSENT).cloned().collect::<Vec<_>>().join(", ");
        match absent.len().saturating_sub(ABSENT) {
            0 => named,
            more => format!("{named}, and {more} more"),
        }
    }

    fn steps(&self) -> impl Iterator<Item = (&ReportedStep, &Option<RecordedIn>)> {
        self.shown.chain.steps.iter().zip(self.recorded)
    }
}

impl Parties<'_> {
    fn steps_held(&self) -> String {
        let chains = self.m.folder.chains.iter();
        match chains.map(|it| it.steps).sum::<usize>() {
            1 => "1 step".into(),
            n => format!("{n} steps"),
        }
    }

    fn topology(&self) -> Topology {
        let left = self.m.parties.iter().map(|party| {
            let state = match party.standing {
                Standing::Turn => "turn",
                Standing::Queue(_) => "waits",
                Standing::Given => "done",
                Standing::Away | Standing::Nothing => "",
            };
            let note = match party.standing {
                Standing::Given => format!("{} of {} chains", party.given, party.of),
                Standing::Queue(place) => format!("queue, {place}"),
                Standing::Away => "queue, not here".into(),
                _ => party.stands(),
            };
            (party.name.clone(), note, state)
        });
        let right = self.m.folder.auditors.iter().map(|auditor| {
            // Green is for whom the policy names, and for everything.
            let named = self.m.auditors.contains(&auditor.key);
            let all = auditor.whole.is_some() || auditor.good() == auditor.of();
            let state = match auditor.bad.is_empty() {
                true if named && all => "done",
                true if auditor.good() > 0 => "waits",
                true => "",
                false => "bad",
            };
            let note = match auditor.bad.is_empty() {
                true => format!("verified {} of {}", auditor.good(), auditor.of()),
                false => "found a step bad".into(),
            };
            (auditor.name.clone(), note, state)
        });
        let mut right: Vec<_> = right.collect();
        if right.is_empty() {
            right.push(("no auditor yet".into(), "run a mirror".into(), ""));
        }
        Topology::new(&left.collect::<Vec<_>>(), &right)
    }
}

/// A row of numbers with its title.
struct Row {
    id: &'static str,
    title: String,
    spark: Sparkline,
}

impl Pace<'_> {
    fn rows(&self) -> Vec<Row> {
        let history = &self.m.history;
        let of = |number: fn(&super::history::Pace) -> f64| -> Vec<f64> {
            history.paces.iter().map(number).collect()
        };
        let turns = of(|pace| pace.seconds);
        let verified = of(|pace| pace.verified / f64::from(pace.chains.max(1)));
        let (counts, each) = parts(history.moments.iter().copied(), self.m.now, 24);
        let mut rows = Vec::new();
        if !turns.is_empty() {
            rows.push(Row {
                id: "pace-turns",
                title: "Time of a turn, from grant to verdict".into(),
                spark: Sparkline::new(&turns, Words::seconds),
            });
            rows.push(Row {
                id: "pace-verified",
                title: "Time to verify a step".into(),
                spark: Sparkline::new(&verified, Words::seconds),
            });
        }
        rows.push(Row {
            id: "pace-steps",
            title: format!("Contributions in each {}", Words::span(each)),
            spark: Sparkline::new(&counts, |count| format!("{count}")),
        });
        rows
    }
}

impl PublicationSection<'_> {
    /// Whether the store has what must not be replaced: nothing else is anyone's fault but its own.
    fn is_refused(&self) -> bool {
        self.told.is_some_and(|told| told.failed == Some(Blame::Artefact))
    }
}

impl Journal<'_> {
    fn earlier(&self) -> u64 {
        let entries = self.m.head.as_ref().map_or(0, |(number, _)| number + 1);
        entries.saturating_sub(self.m.history.recent.len() as u64)
    }
}

impl Join<'_> {
    fn is_open(&self) -> bool {
        self.m.stage != StageInfo::Closed
    }

    fn commands(&self) -> Vec<(&'static str, &'static str, String)> {
        let Model { origin, rules, takes_enrolments, .. } = self.m;
        let enrol = if *takes_enrolments { " --enrol" } else { "" };
        let join = (
            "command-join",
            "Contribute, from the first phase to the last",
            format!("{PROGRAM} ceremony join {origin} --as NAME --key KEY --rules {rules}{enrol}"),
        );
        let mirror =
            ("command-mirror", "Keep a copy, and verify each step as it comes", self.m.mirror());
        match self.is_open() {
            true => vec![join, mirror],
            false => vec![mirror],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_by_itself_is_no_news() {
        let at = |away: u64, text: &str| {
            let count = Count { at: 100, away, way: "since" };
            fingerprint(&format!("<p>{text} {count}, {count}</p>"))
        };
        assert_eq!(at(1, "alice"), at(2, "alice"));
        assert_ne!(at(1, "alice"), at(1, "bob"));
        assert_eq!(at(1, "alice").len(), 8);
    }

    #[test]
    fn times_are_written_as_people_say_them() {
        let found = [0, 59, 60, 3661, 90_061].map(Words::span);
        assert_eq!(found, ["0 s", "59 s", "1 min 0 s", "1 h 1 min", "1 d 1 h"]);
        let moment = Moment::of(1_700_000_000).to_string();
        assert_eq!(
            moment,
            "<time datetime=\"2023-11-14T22:13:20Z\">2023-11-14 22:13:20 UTC</time>"
        );
    }

    #[test]
    fn publication_says_what_is_there_what_waits_and_what_is_refused() {
        let shown = |publication: Option<&super::super::super::Publication>| {
            let told = publication.map(|it| it.told());
            rendered(&PublicationSection { told: told.as_ref() })
        };
        assert!(shown(None).contains("puts its files into no store"));
        let publication = super::super::super::Publication::default();
        let now = shown(Some(&publication));
        assert!(now.contains("Not everything was there yet."), "{now}");
        assert!(!now.contains("class=\"note\""), "{now}");
        publication.found(7, 5);
        for (blame, refused, note) in [
            (Blame::Environment, "<dd>no</dd>", "Publication waits:"),
            (Blame::Artefact, "<dd><b class=\"bad\">yes</b></dd>", "Publication is refused:"),
        ] {
            publication.failed(blame);
            let now = shown(Some(&publication));
            let tally = format!(
                "<dt>files published</dt><dd>7</dd>\n<dt>files that wait</dt><dd>5</dd>\n\
                 <dt>refused</dt>{refused}"
            );
            assert!(now.contains(&tally) && now.contains(note), "{now}");
        }
        // Where nothing new is to be put, an attempt that goes well is enough.
        publication.recovered();
        let now = shown(Some(&publication));
        assert!(now.contains("<dd>no</dd>") && !now.contains("class=\"note\""), "{now}");
        publication.done(12);
        let now = shown(Some(&publication));
        let tally = "<dd>12</dd>\n<dt>files that wait</dt><dd>0</dd>\n<dt>refused</dt><dd>no</dd>";
        assert!(now.contains(tally) && !now.contains("class=\"note\""), "{now}");
        assert!(now.contains("Everything was last there at <time"), "{now}");
    }

    /// A colour's part of light, as WCAG 2 has it.
    fn luminance(colour: &str) -> f64 {
        let wide = |digits: &str| match digits.len() {
            3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
            _ => digits.to_owned(),
        };
        let digits = wide(colour);
        let of = |at: usize| {
            let part = f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap()) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * of(0) + 0.7152 * of(2) + 0.0722 * of(4)
    }

    #[test]
    fn what_is_drawn_can_be_told_from_its_ground_in_light_and_in_dark() {
        // Each colour is written once for each of the two.
        let of = |name: &str, n: usize| {
            let found = SHEET.split(&format!("--{name}:#")).nth(n + 1).unwrap();
            luminance(found.split([';', '}']).next().unwrap())
        };
        let contrast = |a: f64, b: f64| (a.max(b) + 0.05) / (a.min(b) + 0.05);
        for n in [0, 1] {
            for ground in ["bg", "card"] {
                for (name, least) in [
                    // Lines that mean something; letters.
                    ("edge", 3.0),
                    ("fg", 4.5),
                    ("dim", 4.5),
                    ("good", 4.5),
                    ("bad", 4.5),
                    ("mark", 4.5),
                    ("warn", 4.5),
                ] {
                    let found = contrast(of(name, n), of(ground, n));
                    assert!(found >= least, "{name} on {ground}, {n}: {found:.2}");
                }
            }
        }
        // Nothing of the drawings has the colour of what only decorates.
        for part in [".line{", ".hub,.party{"] {
            let rule = SHEET.split(part).nth(1).unwrap().split('}').next().unwrap();
            assert!(rule.contains("stroke:var(--edge)"), "{part}{rule}");
        }
    }

    #[test]
    fn the_policy_allows_what_the_page_has_and_nothing_from_elsewhere() {
        assert!(POLICY.starts_with("default-src 'none'; style-src 'sha256-"), "{}", *POLICY);
        for never in ["unsafe", "http:", "https:", "*", "blob:"] {
            assert!(!POLICY.contains(never), "{}", *POLICY);
        }
        // What ends an element's text early would not be what the hash is of.
        assert!(!SHEET.contains("</") && !SCRIPT.contains("</script"));
        assert!(!SCRIPT.contains("<!--"));
    }
}
