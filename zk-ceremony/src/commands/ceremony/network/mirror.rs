//! `ceremony mirror`: a copy that grows with the ceremony, verified as it grows.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ceremony_folder::audit::{keep, one_line};
use ceremony_folder::folder::slashed;
use ceremony_folder::index::INDEX;
use ceremony_folder::{Auditor, Ceremony, Established, Part, Stage, Step, Track, Verification};
use ceremony_net::bucket::{Bucket, LOOK};
use ceremony_net::client::Client;
use ceremony_net::metrics::{self, Measured, Node, Of, Step as Work};
use ceremony_net::protocol::{CeremonyInfo, ChainInfo, StageInfo};
use ceremony_net::sync::{Updated, WorkingCopy};
use ceremony_publish::{Access, Place};
use zk_attest::diagnostic::{Blame, Diagnostic};
use zk_attest::envelope::Envelope;
use zk_attest::primitives::{Label, Timestamp};

use super::approve::Approver;
use super::{agreed_rules, agreed_to, expected_rules};
use crate::cli::network::MirrorArgs;
use crate::commands::ceremony::audit::{sign_result, sign_what_failed};
use crate::commands::ceremony::{parse_label, this_tool};
use crate::outcome::made;
use crate::output::on_interrupt;
use crate::progress::Bars;
use crate::signer::Signer;
use crate::watching::{complain, say};

/// Seconds by which the clocks of a list's signer and of this machine may differ.
const CLOCKS_DIFFER: u64 = 600;

/// How a mirror says that it verified.
const METHOD: &str = "each step verified once, as it appeared";

static STOPPED: AtomicBool = AtomicBool::new(false);

/// A copy that is being kept.
struct Mirror<'a> {
    client: &'a Client,
    /// Where there is no service to ask.
    bucket: Option<Bucket<'a>>,
    /// When the newest index was signed that this copy has seen.
    signed: Option<Timestamp>,
    copy: WorkingCopy,
    verifies: bool,
    established: Established,
    /// Who signs verdicts, and the result.
    signing: Option<Signing>,
}

struct Signing {
    signer: Box<dyn Signer>,
    name: Label,
}

impl MirrorArgs {
    /// The store, where the address is one, with the credentials of the environment.
    fn place(&self) -> Result<Option<Place>, Diagnostic> {
        let url = &self.service.url;
        if !["s3://", "gs://", "az://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Ok(None);
        }
        let access = Access {
            ca: self.service.ca.clone(),
            insecure_http: self.service.insecure_http,
            patience: Duration::from_secs(self.service.patience),
        };
        let place = Place::open(url, &access).map_err(|error| match error.hint.as_deref() {
            Some(hint) if hint.contains("--store-insecure-http") => {
                error.hint("use https, or add --insecure-http in a network that you trust")
            }
            _ => error,
        });
        place.map(Some)
    }

    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let mut watched = self.watch.begin(Node::Mirror)?;
        metrics::mirror_begins();
        // A bucket that only those with credentials read is asked by addresses that they sign.
        let place = self.place()?;
        let client = match &place {
            None => self.service.client()?,
            Some(place) => self.service.client_of(store_of(place)?)?,
        };
        let signed = place.as_ref().map(|place| move |name: &str| place.signed(name));
        let signing = if self.verify && self.signer.is_named() {
            let name = parse_label("--as", self.name.as_deref().unwrap_or("mirror"))?;
            Some(Signing { signer: self.signer.open()?, name })
        } else {
            None
        };
        let info = match client_info(&client, place.is_some()) {
            Ok(info) => info,
            // Whatever is there, it is no service.
            Err(error) if matches!(error.code.as_str(), "http" | "protocol") => None,
            Err(error) => return Err(error),
        };
        let bucket = info.is_none().then(|| match &signed {
            None => Bucket::new(&client),
            Some(signed) => Bucket::signed(&client, signed),
        });
        if bucket.is_some() && self.approve {
            return Err(Diagnostic::environment(
                "no-service",
                "a bucket takes no approval, and there is no service at this address",
            )
            .at(client.origin())
            .hint("leave out --approve; `bundle sign` signs the copy's bundle"));
        }
        let config = match &bucket {
            None => agreed_rules(&client, self.rules.as_deref())?,
            Some(bucket) => agreed_to(bucket, expected_rules(self.rules.as_deref())?)?,
        };
        let copy = WorkingCopy::open(&self.folder, config)?;
        if let Some(endpoint) = &watched.metrics {
            endpoint.collect_with(metrics::disk_of(self.folder.clone()));
        }
        // What an earlier run has seen counts in this one; a list of somebody else's does not.
        let seen = Ceremony::open(copy.root())?.index().ok().flatten();
        let mut mirror = Mirror {
            client: &client,
            bucket,
            signed: seen
                .filter(|(_, it)| !it.is_ahead_by(CLOCKS_DIFFER))
                .map(|(_, claim)| claim.time),
            copy,
            verifies: self.verify,
            established: Established::default(),
            signing,
        };
        let followed = match info {
            Some(info) => mirror.service(info, self.once),
            None => mirror.bucket(self.once),
        };
        let followed = followed.inspect_err(|error| {
            // What was spoilt on its way comes again.
            let disagrees = error.blame == Blame::Artefact && error.code != "damaged";
            metrics::mirror_disagrees(disagrees);
            if disagrees && watched.metrics.is_some() && !self.once {
                stay_to_be_seen(error);
            }
        });
        followed?;
        mirror.conclude(self.approve)?;
        watched.finish(|| false);
        Ok(())
    }
}

/// Asks a service what is so now; a store is none.
fn client_info(client: &Client, is_store: bool) -> Result<Option<CeremonyInfo>, Diagnostic> {
    if is_store { Ok(None) } else { client.info(None).map(Some) }
}

/// Scheme, host and port of a store: what messages name, in place of signed addresses.
fn store_of(place: &Place) -> Result<String, Diagnostic> {
    Ok(place.signed(INDEX)?.origin().ascii_serialization())
}

/// Waits until it is stopped: a metric that ends with its process is seen by nobody.
fn stay_to_be_seen(error: &Diagnostic) {
    complain(error);
    say!(
        "this copy and the service disagree: it stays until it is stopped, so that metrics say so"
    );
    on_interrupt(|| STOPPED.store(true, Ordering::SeqCst));
    while !STOPPED.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What is measured together.
fn of(part: &Part) -> Of {
    match part {
        Part::Phase1(_) => Of::Phase1,
        Part::Prepared => Of::Prepared,
        Part::Circuit(..) => Of::Phase2,
    }
}

impl Mirror<'_> {
    /// Follows a service to the end.
    fn service(&mut self, mut info: CeremonyInfo, once: bool) -> Result<(), Diagnostic> {
        loop {
            self.tell_behind(&info)?;
            self.follow()?;
            self.tell_behind(&info)?;
            if once || self.has_all(&info) {
                return Ok(());
            }
            info = self.client.info(Some(info.version))?;
        }
    }

    /// Tells how many steps the service has and this copy has not, or has not verified.
    fn tell_behind(&self, info: &CeremonyInfo) -> Result<(), Diagnostic> {
        let steps = |chain: &ChainInfo| chain.head.as_ref().map_or(0, |it| it.index as usize + 1);
        self.behind_of(info.chains.iter().map(steps).sum())
    }

    /// The same, of what there is in all.
    fn behind_of(&self, there: usize) -> Result<(), Diagnostic> {
        let here = if self.verifies {
            self.established.steps()
        } else {
            let ceremony = Ceremony::open(self.copy.root())?;
            ceremony.chains().flat_map(|chain| &chain.steps).filter(|step| step.present).count()
        };
        metrics::mirror_behind(there.saturating_sub(here));
        Ok(())
    }

    /// Follows a bucket until it has a bundle.
    fn bucket(&mut self, once: bool) -> Result<(), Diagnostic> {
        loop {
            match self.follow() {
                // Files come before the index that lists them.
                Err(error)
                    if matches!(
                        error.code.as_str(),
                        "changed" | "future-index" | "older-index"
                    ) && !once =>
                {
                    say!("note: {error}");
                    std::thread::sleep(LOOK);
                    continue;
                }
                followed => followed?,
            }
            let ceremony = Ceremony::open(self.copy.root())?;
            let is_complete = ceremony.stage() == Stage::Closed
                && ceremony.folder.is_present(&ceremony.folder.bundle());
            if once || is_complete {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Whether nothing more is to come: a mirror that signs does so while the service waits for
    /// it.
    fn has_all(&self, info: &CeremonyInfo) -> bool {
        let is_complete = info.stage == StageInfo::Closed && info.bundle;
        info.finished || is_complete && self.signing.is_some()
    }

    /// Fetches what is new. Of a bucket, the index is kept as well, once it is held to its
    /// signature: the copy can be published as it is.
    fn update(&mut self) -> Result<Updated, Diagnostic> {
        let Some(bucket) = &self.bucket else {
            let updated = self.copy.update(self.client, |_| true, &Bars::default())?;
            self.copy.update_journal(self.client)?;
            return Ok(updated);
        };
        // Who may sign an index, the signed side tells.
        let is_appointment = |name: &str| name.starts_with("services/");
        self.copy.update(bucket, is_appointment, &Bars::default())?;
        let index = bucket.index()?;
        let claim = index.signed(&self.copy.ceremony(self.copy.root())?)?;
        self.behind_of(index.steps())?;
        if claim.is_ahead_by(CLOCKS_DIFFER) {
            return Err(Diagnostic::environment(
                "future-index",
                "the index there is dated in the future",
            )
            .at(INDEX)
            .found(format_args!("{}, signed by {}", claim.time, claim.key.fingerprint()))
            .expected(format_args!("{} at the latest", Timestamp::now()))
            .hint(
                "check this machine's clock; if it is right, ask the coordinator to publish again",
            ));
        }
        if let Some(before) = self.signed.as_ref().filter(|it| it.unix() > claim.time.unix()) {
            return Err(Diagnostic::environment(
                "older-index",
                "the index there is older than one that this copy has seen",
            )
            .at(INDEX)
            .found(claim.time)
            .expected(format_args!("one of {before}, or a later one"))
            .hint(
                "a cache on the way may be behind: run it again later; if it stays so, tell the \
                 coordinator that someone shows an old state",
            ));
        }
        let updated = self.copy.update(&bucket.pinned(&index), |_| true, &Bars::default())?;
        self.copy.keep(INDEX, &index.to_json())?;
        self.signed = Some(claim.time);
        Ok(updated)
    }

    /// Fetches what is new, and verifies it.
    fn follow(&mut self) -> Result<(), Diagnostic> {
        let steps = self.steps()?;
        let updated = self.update()?;
        if let Some((name, kept)) = updated.set_aside.iter().find(|(name, _)| steps.contains(name))
        {
            // Steps never change: this is another history, and the copy is the evidence.
            return Err(Diagnostic::artefact(
                "history-changed",
                "the service has another file under the name of a step that this copy has",
            )
            .at(name)
            .found(format_args!("another file; the one before is kept as {}", kept.display()))
            .expected("the same file")
            .hint("keep this copy and the journal, and tell the participants"));
        }
        for name in &updated.fetched {
            say!("fetched {name}");
        }
        metrics::mirror_synced();
        let ceremony = Ceremony::open(self.copy.root())?;
        let steps = |ceremony: &Ceremony| ceremony.chains().map(|chain| chain.steps.len()).sum();
        if !self.verifies || ceremony.phase1.steps.is_empty() {
            return self.behind_of(steps(&ceremony));
        }
        let before = std::mem::take(&mut self.established);
        let mut verification = Verification::following(&ceremony, before)?;
        for part in verification.parts().to_vec() {
            metrics::mirror_behind(verification.left());
            let (title, step) = (verification.title(&part), verification.step(&part));
            let start = Instant::now();
            let bars = Bars::default();
            let measured = Measured::begin(Work::Verify(of(&part)), &bars);
            let bytes = step.map(|(_, step)| step.path.clone());
            let Some(result) = verification.next_part(&measured) else { break };
            if let Err(error) = result {
                let error = Diagnostic::from(&error);
                if error.blame == Blame::Artefact {
                    self.give_verdict(&ceremony, step, Some(one_line(&error.to_string())))?;
                    self.report_failure(&ceremony, &title, &error)?;
                }
                return Err(error);
            }
            let bytes = bytes.and_then(|path| path.metadata().ok()).map_or(0, |it| it.len());
            measured.done(bytes);
            say!("verified {title} ({:.2} s)", start.elapsed().as_secs_f64());
            self.give_verdict(&ceremony, step, None)?;
        }
        self.established = verification.established();
        metrics::mirror_verified();
        self.behind_of(steps(&ceremony))
    }

    /// The names of the files of this copy's steps.
    fn steps(&self) -> Result<BTreeSet<String>, Diagnostic> {
        let ceremony = Ceremony::open(self.copy.root())?;
        let folder = &ceremony.folder;
        let relative = |path: &Path| slashed(path.strip_prefix(folder.root()).unwrap_or(path));
        let mut names = BTreeSet::new();
        for chain in ceremony.chains() {
            for step in chain.steps.iter().chain(&chain.prepared).filter(|step| step.present) {
                names.insert(relative(&step.path));
                names.insert(relative(&folder.attestation(&chain.track, step.name)));
            }
        }
        Ok(names)
    }

    /// Signs a verdict of a step, keeps it and sends it.
    fn give_verdict(
        &mut self,
        ceremony: &Ceremony,
        step: Option<(&Track, &Step)>,
        bad: Option<Label>,
    ) -> Result<(), Diagnostic> {
        let (Some(signing), Some((track, step))) = (&mut self.signing, step) else {
            return Ok(());
        };
        let auditor = Auditor { name: signing.name.clone(), tool: this_tool() };
        let signer = signing.signer.as_mut();
        let path = ceremony.write_verdict(track, step, bad, &auditor, signer)?;
        let bytes = ceremony.folder.read(&path, Envelope::MAX_BYTES)?;
        let envelope = Envelope::from_json(&bytes).map_err(|it| Diagnostic::from(&it))?;
        self.send(&envelope)
    }

    /// Signs what does not hold, and tells the service.
    fn report_failure(
        &mut self,
        ceremony: &Ceremony,
        title: &str,
        error: &Diagnostic,
    ) -> Result<(), Diagnostic> {
        let Some(signing) = &mut self.signing else { return Ok(()) };
        let words = (signing.name.clone(), Label::from_static(METHOD));
        let text = error.to_string();
        let envelope = sign_what_failed(ceremony, title, &text, words, signing.signer.as_mut())?;
        self.send(&envelope)
    }

    /// The signed result of a finished ceremony, sent to the service; and the approval.
    fn conclude(mut self, approve: bool) -> Result<(), Diagnostic> {
        let ceremony = Ceremony::open_sound(self.copy.root())?;
        let Some(signing) = &mut self.signing else { return Ok(()) };
        if ceremony.stage() != Stage::Closed {
            say!("the ceremony is not finished: there is no result to sign yet");
            return Ok(());
        }
        let established = std::mem::take(&mut self.established);
        let mut verification = Verification::following(&ceremony, established)?;
        verification.run(&Bars::default())?;
        let done = verification.finish()?;
        let words = (signing.name.clone(), Label::from_static(METHOD));
        let (envelope, files) = sign_result(&ceremony, &done, words, signing.signer.as_mut())?;
        let key = *signing.signer.public_key();
        keep(&ceremony, &envelope, &[key])?;
        made(
            &ceremony.folder.audits(),
            format_args!("{files} files verified, signed by {}", key.fingerprint()),
        )
        .line("transcript", done.digest());
        self.send(&envelope)?;
        let Some(signing) = self.signing.as_mut().filter(|_| approve) else { return Ok(()) };
        let verified = Some(done.digest());
        let approver =
            Approver { client: self.client, copy: &self.copy, verified, participant: None };
        approver.sign(signing.signer.as_mut(), true)
    }

    /// Sends a signed result. An auditor whom the service does not accept keeps it, as one does who
    /// reads a bucket.
    fn send(&self, envelope: &Envelope) -> Result<(), Diagnostic> {
        if self.bucket.is_some() {
            return Ok(());
        }
        match self.client.send_statement(envelope) {
            Err(error) if error.blame == Blame::Artefact => {
                say!("note: the service did not take the result: {error}");
                Ok(())
            }
            sent => sent,
        }
    }
}
