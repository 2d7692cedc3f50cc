//! What the dashboard shows of the folder: made once for each state of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ceremony_folder::report::ReportedChain;
use ceremony_folder::report::parts::last_places;
use ceremony_folder::verdict::Verdict;
use ceremony_folder::{Ceremony, Chain, StepVerdict, Track};
use zk_attest::digest::FileDigest;
use zk_attest::key::PublicKey;
use zk_attest::statement::Phase;

use super::super::view::View;

/// Places of all chains that are shown, and of one chain at least: the page stays of a size that a
/// telephone loads in a moment.
const PLACES: usize = 48;
const PLACES_OF_ONE: usize = 4;
/// Where audits and verdicts are.
const AUDITS: &str = "audits/";
/// Auditors that are shown.
const AUDITORS: usize = 24;
/// Steps of an auditor that do not hold, and are shown.
const BAD_STEPS: usize = 4;

/// A chain as the page shows it.
#[derive(Debug)]
pub(crate) struct ChainShown {
    /// Of the section.
    pub(crate) id: String,
    pub(crate) chain: ReportedChain,
    /// The files of the shown steps, in their order.
    pub(crate) files: Vec<FileDigest>,
    pub(crate) left_out: usize,
    /// All of its steps, shown or not.
    pub(crate) steps: usize,
    pub(crate) contributions: usize,
    pub(crate) minimum: u32,
    /// Participants of the phase.
    pub(crate) roster: usize,
    pub(crate) closed: bool,
}

/// A beacon, planned or entered.
#[derive(Debug)]
pub(crate) struct BeaconShown {
    pub(crate) phase: u8,
    pub(crate) source: String,
    pub(crate) round: u64,
    /// When it is published, where that is known.
    pub(crate) time: Option<u64>,
    /// Whether it has closed its chains.
    pub(crate) entered: bool,
}

impl BeaconShown {
    /// Whether its time has come, as far as that is known.
    pub(crate) fn is_public(&self, now: &u64) -> bool {
        self.time.is_some_and(|time| time <= *now)
    }
}

/// A person of the roster.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) key: PublicKey,
    /// Chains with their contribution, and chains that take it in all.
    pub(crate) given: usize,
    pub(crate) of: usize,
    /// What they said they had verified before their last contribution.
    pub(crate) verified: Option<String>,
}

/// What of a chain an auditor found good.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cover {
    pub(crate) chain: String,
    pub(crate) good: usize,
    pub(crate) of: usize,
    /// Every step up to this one.
    pub(crate) through: Option<u32>,
}

/// A signer of verdicts.
#[derive(Debug)]
pub(crate) struct AuditorShown {
    pub(crate) name: String,
    pub(crate) key: PublicKey,
    pub(crate) covers: Vec<Cover>,
    pub(crate) bad: Vec<String>,
    /// When a good audit of everything was signed, and of which transcript.
    pub(crate) whole: Option<(String, String)>,
}

impl AuditorShown {
    pub(crate) fn good(&self) -> usize {
        self.covers.iter().map(|cover| cover.good).sum()
    }

    pub(crate) fn of(&self) -> usize {
        self.covers.iter().map(|cover| cover.of).sum()
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) chains: Vec<ChainShown>,
    pub(crate) beacons: Vec<BeaconShown>,
    pub(crate) people: Vec<Person>,
    pub(crate) names: HashMap<PublicKey, String>,
    pub(crate) auditors: Vec<AuditorShown>,
    pub(crate) auditors_left_out: usize,
    pub(crate) has_report: bool,
}

/// A verdict and the file that it is of; none where there is another thing under the name.
type Read = Option<(StepVerdict, FileDigest)>;

/// Verdicts that were read: each document once, by its name and SHA-256. A ceremony has thousands
/// of them, and each has a signature to be verified.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    known: BTreeMap<String, (String, Read)>,
}

impl Verdicts {
    /// Reads what is new of a folder, and forgets what is gone.
    fn follow(&mut self, view: &View) {
        if view.withheld.is_some() {
            // Nothing is listed then. What was there before it is as true as it was.
            return;
        }
        let below = view.files.range(AUDITS.to_owned()..);
        let below = below.take_while(|(name, _)| name.starts_with(AUDITS));
        let below = below.map(|(name, file)| (name.as_str(), file.sha256.as_str()));
        let root = view.ceremony.folder.root();
        self.read_new(below, |name| view.ceremony.verdict_at(&root.join(name)));
    }

    /// Of names and digests, those below an auditor's folder.
    fn read_new<'a>(
        &mut self,
        files: impl Iterator<Item = (&'a str, &'a str)>,
        mut read: impl FnMut(&str) -> Read,
    ) {
        let mut before = std::mem::take(&mut self.known);
        for (name, sha256) in files.filter(|(name, _)| name.split('/').count() == 3) {
            let kept = before.remove(name).filter(|(known, _)| known == sha256);
            let kept = kept.unwrap_or_else(|| (sha256.to_owned(), read(name)));
            self.known.insert(name.to_owned(), kept);
        }
    }

    fn all(&self) -> impl Iterator<Item = &(StepVerdict, FileDigest)> {
        self.known.values().filter_map(|(_, read)| read.as_ref())
    }
}

impl Folder {
    pub(crate) fn of(view: &View, verdicts: &mut Verdicts) -> Self {
        verdicts.follow(view);
        let ceremony = &view.ceremony;
        let chains: Vec<&Chain> = ceremony.chains().collect();
        let each = (PLACES / chains.len().max(1)).max(PLACES_OF_ONE);
        let (auditors, auditors_left_out) = auditors(view, &chains, verdicts);
        let everybody = ceremony.roster.everybody();
        Self {
            chains: (0..).zip(&chains).map(|(n, it)| shown(ceremony, it, n, each)).collect(),
            beacons: [Phase::One, Phase::Two]
                .into_iter()
                .filter_map(|phase| beacon(ceremony, &chains, phase))
                .collect(),
            people: people(ceremony, &chains),
            names: everybody.iter().map(|it| (it.key, it.name.to_string())).collect(),
            auditors,
            auditors_left_out,
            has_report: view.files.contains_key("report.html"),
        }
    }
}

fn shown(ceremony: &Ceremony, chain: &Chain, number: usize, at_most: usize) -> ChainShown {
    let phase = chain.track.phase();
    let (reported, left_out) = last_places(ceremony, chain, at_most);
    let digest = |hex: &String| FileDigest::from_hex(hex).ok();
    ChainShown {
        id: format!("chain-{number}"),
        files: reported.steps.iter().filter_map(|step| digest(&step.sha256)).collect(),
        chain: reported,
        left_out,
        steps: chain.steps.iter().chain(&chain.prepared).count(),
        contributions: chain.contributions().count(),
        minimum: ceremony.config.minimum(phase),
        roster: if chain.track == Track::Phase1 && !ceremony.config.has_own_phase1() {
            0
        } else {
            ceremony.roster.participants(phase).count()
        },
        closed: chain.is_closed(),
    }
}

fn beacon(ceremony: &Ceremony, chains: &[&Chain], phase: Phase) -> Option<BeaconShown> {
    let plan = ceremony.config.beacon(phase)?;
    let of_phase = || chains.iter().filter(|chain| chain.track.phase() == phase);
    let open = of_phase().find(|chain| !chain.is_closed());
    // After a beacon that was rejected it is a later round.
    let round = open.or_else(|| of_phase().next()).map_or(plan.round, |it| it.beacon_round(plan));
    Some(BeaconShown {
        phase: u8::from(phase),
        source: plan.source.to_string(),
        round,
        time: plan.drand.and_then(|chain| chain.time_of(round)).map(|time| time.unix()),
        entered: open.is_none(),
    })
}

fn people(ceremony: &Ceremony, chains: &[&Chain]) -> Vec<Person> {
    let mut given: HashMap<&str, (usize, &str)> = HashMap::new();
    for step in chains.iter().flat_map(|chain| chain.contributions()) {
        let (count, verified) = given.entry(step.words.participant.as_str()).or_default();
        (*count, *verified) = (*count + 1, step.words.verified.as_str());
    }
    let has_own = ceremony.config.has_own_phase1();
    let takes = |phases: &[Phase]| {
        let chain = |chain: &&&Chain| {
            (chain.track != Track::Phase1 || has_own) && phases.contains(&chain.track.phase())
        };
        chains.iter().filter(chain).count()
    };
    let person = |it: &ceremony_folder::config::Participant| {
        let (given, verified) = given.get(it.name.as_str()).copied().unwrap_or_default();
        Person {
            name: it.name.to_string(),
            key: it.key,
            given,
            of: takes(&it.phases),
            verified: (given > 0).then(|| verified.to_owned()),
        }
    };
    ceremony.roster.everybody().iter().map(person).collect()
}

/// What one signer said of steps, by chain and number.
#[derive(Default)]
struct Said {
    name: String,
    good: BTreeSet<(usize, u32)>,
    bad: Vec<String>,
    whole: Option<(String, String)>,
}

/// Who verified what, those with most of it first, and how many are left out. Only verdicts on the
/// files that are in the chains now count.
fn auditors(view: &View, chains: &[&Chain], verdicts: &Verdicts) -> (Vec<AuditorShown>, usize) {
    let steps = |chain: &Chain| -> Vec<(u32, FileDigest)> {
        let steps = chain.steps.iter().chain(&chain.prepared);
        steps.map(|step| (step.index, step.file)).collect()
    };
    let all: Vec<Vec<(u32, FileDigest)>> = chains.iter().map(|chain| steps(chain)).collect();
    let mut places: HashMap<(usize, u32), FileDigest> = HashMap::new();
    for (chain, steps) in all.iter().enumerate() {
        places.extend(steps.iter().map(|(index, file)| ((chain, *index), *file)));
    }
    let mut said: BTreeMap<PublicKey, Said> = BTreeMap::new();
    for (verdict, file) in verdicts.all() {
        let circuit = verdict.circuit.as_ref();
        let track = circuit.map_or(Track::Phase1, |it| Track::Circuit(it.name.clone()));
        let Some(chain) = chains.iter().position(|chain| chain.track == track) else { continue };
        let by = said.entry(verdict.key).or_default();
        by.name = verdict.auditor.to_string();
        let is_here = places.get(&(chain, verdict.index)) == Some(file);
        match (verdict.verdict, &verdict.reason) {
            (Verdict::Good, _) if is_here => {
                by.good.insert((chain, verdict.index));
            }
            // Of a file that is not in the chain any more: it says nothing of the one that is.
            _ if !is_here => {}
            (Verdict::Good, _) => {}
            (Verdict::Bad, reason) => {
                let reason = reason.as_ref().map_or("", |reason| reason.as_str());
                by.bad.push(format!("{track}, step {}: {reason}", verdict.index));
            }
        }
    }
    for audit in &view.audits {
        let by = said.entry(audit.key).or_default();
        by.name = audit.auditor.to_string();
        let time = audit.time.to_string();
        if by.whole.as_ref().is_none_or(|(before, _)| *before < time) {
            by.whole = Some((time, audit.transcript_sha256.to_string()));
        }
    }
    for audit in &view.failed_audits {
        let by = said.entry(audit.key).or_default();
        by.name = audit.auditor.to_string();
        by.bad.push(format!("{}: {}", audit.step, audit.failure));
    }
    let mut shown: Vec<AuditorShown> = said
        .into_iter()
        .map(|(key, said)| AuditorShown {
            name: said.name,
            key,
            covers: covers(chains, &all, &said.good),
            bad: said.bad.into_iter().take(BAD_STEPS).collect(),
            whole: said.whole,
        })
        .collect();
    shown.sort_by_key(|it| (it.bad.is_empty(), std::cmp::Reverse(it.good())));
    let left_out = shown.len().saturating_sub(AUDITORS);
    shown.truncate(AUDITORS);
    (shown, left_out)
}

fn covers(
    chains: &[&Chain],
    all: &[Vec<(u32, FileDigest)>],
    good: &BTreeSet<(usize, u32)>,
) -> Vec<Cover> {
    let cover = |(n, steps): (usize, &Vec<(u32, FileDigest)>)| {
        let is_good = |index: &u32| good.contains(&(n, *index));
        let indices = || steps.iter().map(|(index, _)| *index);
        Cover {
            chain: chains[n].track.to_string(),
            good: indices().filter(is_good).count(),
            of: steps.len(),
            through: indices().take_while(is_good).last(),
        }
    };
    all.iter().enumerate().map(cover).filter(|cover| cover.of > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verdict_is_read_once_until_it_is_another_one() {
        let mut verdicts = Verdicts::default();
        let mut follow = |files: &[(&'static str, &'static str)]| {
            let mut read = Vec::new();
            verdicts.read_new(files.iter().copied(), |name| {
                read.push(name.to_owned());
                None
            });
            (read, verdicts.known.len())
        };
        let (one, two) = (("audits/a/1.dsse.json", "00"), ("audits/a/2.dsse.json", "00"));
        let result = ("audits/a.dsse.json", "00");
        let read = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(follow(&[one, result]), (read(&[one.0]), 1));
        assert_eq!(follow(&[one, two, result]), (read(&[two.0]), 2));
        assert_eq!(follow(&[one, two, result]), (read(&[]), 2));
        // Replaced, and taken away.
        assert_eq!(follow(&[(one.0, "01"), two]), (read(&[one.0]), 2));
        assert_eq!(follow(&[two]), (read(&[]), 1));
        assert_eq!(follow(&[one, two]), (read(&[one.0]), 2));
    }
}
