//! `ceremony serve`: the service that holds the ceremony, and with `--key` the coordinator's part.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ceremony_folder::config::Order;
use ceremony_folder::service::appoint;
use ceremony_folder::{Ceremony, FolderLock};
use ceremony_net::metrics::{self, Node};
use ceremony_net::service::{Elsewhere, Options, Publication, Service, Tls};
use ceremony_publish::Place;
use zk_attest::PROGRAM;
use zk_attest::diagnostic::{Blame, Diagnostic};
use zk_attest::file::read_regular;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Label, Timestamp};
use zk_vk_guard::bundle::{Bundle, OnExpiry};
use zk_vk_guard::policy::Policy;

use super::coordinate::Coordinator;
use super::publishing::Publishing;
use crate::cli::network::ServeArgs;
use crate::failure;
use crate::outcome::{self, note};
use crate::output::on_interrupt;
use crate::signer::{KeyFile, Signer, named_public_key, open_key_file};
use crate::watching::{complain, say};

/// How often the coordinator's part looks whether it has something to do.
const LOOK: Duration = Duration::from_millis(500);
/// How long to wait before something that failed is tried again.
const PAUSE: Duration = Duration::from_secs(5);
/// When everything is done: how long the service stays without a request, and how long at most.
const LINGER: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));

static STOPPED: AtomicBool = AtomicBool::new(false);

/// Seconds to wait for an absent participant, where the options do not say.
const ABSENCE: u64 = 86_400;
/// The same where all have to be there at once, with the secrets that they committed to: as long as
/// people in one room wait for one.
const SESSION_ABSENCE: u64 = 300;

/// Seconds to wait for an absent participant, in a ceremony with an order.
fn absence(root: &Path, wanted: Option<u64>) -> Result<(Order, u64), Diagnostic> {
    let config = Ceremony::open(root)?.config;
    let usual = if config.asks_for_committed_secrets() { SESSION_ABSENCE } else { ABSENCE };
    Ok((config.document().order, wanted.unwrap_or(usual)))
}

impl ServeArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = self
            .folder
            .folder
            .canonicalize()
            .map_err(|error| failure::io(&self.folder.folder, "opening", &error))?;
        let mut watched = self.watch.begin(Node::Service)?;
        let tls = self.tls()?;
        let origin = self.origin(tls.is_some())?;
        let policy = self.policy.as_deref().map(read_policy).transpose()?;
        // What can be wrong with a store's address is wrong before anything begins.
        let place = self.publish.as_deref().map(|url| Place::open(url, &self.store.access()));
        let place = place.transpose()?;
        let elsewhere = self.redirect_downloads.as_deref().map(Elsewhere::new).transpose();
        let elsewhere = elsewhere.map_err(|error| error.at("--redirect-downloads"))?;
        let state = self.state.clone().unwrap_or_else(|| beside(&root, "service"));
        let key = service_key(&state)?;
        let mut coordinator = self.coordinator(&root)?;
        {
            let _lock = FolderLock::take(&root)?;
            let ceremony = Ceremony::open_sound(&root)?;
            if let Some(coordinator) = &mut coordinator {
                let service = *key.public_key();
                appoint(&ceremony, service, &origin, coordinator.signer())?;
            }
        }
        let mut auditors: Vec<PublicKey> =
            self.auditor.iter().map(|key| named_public_key(key)).collect::<Result<_, _>>()?;
        let mut approvers = Vec::new();
        if let Some(policy) = &policy {
            let roles = &policy.document().roles;
            auditors.extend(roles.auditor.iter().flat_map(|role| &role.keys).map(|it| it.key));
            approvers.extend(policy.keys().copied());
        }
        // An auditor who is heard may sign the bundle, too; whether that counts, the policy says.
        approvers.extend(auditors.iter().copied());
        let policy_not_after = policy.as_ref().and_then(|it| it.document().not_after.clone());
        let is_approved = policy.map(|policy| -> ceremony_net::service::IsApproved {
            Box::new(move |bytes: &[u8]| {
                let bundle = Bundle::from_json(bytes);
                let now = Timestamp::now();
                bundle.is_ok_and(|it| it.verify(&policy, &now, OnExpiry::Refuse).is_ok())
            })
        });
        let waits_for_approval = is_approved.is_some();
        let (order, absent_after) = absence(&root, self.absent_after)?;
        let publication = Publication::default();
        let options = Options {
            folder: root.clone(),
            state,
            origin: origin.clone(),
            turn_floor: Duration::from_secs(self.turn),
            absent_after: Duration::from_secs(absent_after),
            commit_within: Duration::from_secs(self.commit_within),
            approvers,
            auditors,
            trusted_proxies: self.trusted_proxy.clone(),
            is_approved,
            policy_not_after,
            backup_stamp: self.backup_stamp.clone(),
            elsewhere: elsewhere.clone(),
            publication: place.is_some().then(|| publication.clone()),
        };
        let key_file = key_file(&options.state);
        let service = Service::start(options, key, self.listen, tls)?;
        if let Some(endpoint) = &watched.metrics {
            endpoint.collect_with(service.collect());
        }
        metrics::publication_begins(place.is_some());
        let publishing = place
            .map(|place| Publishing::start(root.clone(), place, &key_file, elsewhere, publication))
            .transpose()?;
        if order == Order::Roster {
            note!("a participant who is next and absent is passed over after {absent_after} s");
        }
        announce(&service, &origin, &root)?;
        on_interrupt(|| STOPPED.store(true, Ordering::SeqCst));
        let ended =
            self.hold(&service, coordinator.as_mut(), publishing.as_ref(), waits_for_approval);
        let is_stopped = || STOPPED.load(Ordering::SeqCst);
        if ended.is_ok() && !is_stopped() {
            watched.finish(is_stopped);
        }
        service.stop();
        let published = publishing.map_or(Ok(()), Publishing::finish);
        ended.and(published)
    }

    /// Goes on until everything is done, or it is stopped.
    fn hold(
        &self,
        service: &Service,
        mut coordinator: Option<&mut Coordinator>,
        publishing: Option<&Publishing>,
        waits_for_approval: bool,
    ) -> Result<(), Diagnostic> {
        let mut finished_at = None;
        let mut version = None;
        while !STOPPED.load(Ordering::SeqCst) {
            service.wait(LOOK);
            let now = Some(service.info().version);
            if let Some(publishing) = publishing.filter(|_| version != now) {
                publishing.notice();
            }
            version = now;
            if !service.is_alive() {
                return Err(Diagnostic::environment("internal", "the service's work broke off")
                    .hint("start it again: everything that came is kept"));
            }
            if let Some(coordinator) = &mut coordinator {
                match coordinator.advance(service) {
                    Ok(false) => {}
                    Ok(true) => {
                        service.refresh()?;
                        continue;
                    }
                    // Another command holds the folder, or the disk is full: it may pass.
                    Err(error) if error.blame == Blame::Environment => {
                        complain(&error);
                        service.wait(PAUSE);
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            let info = service.info();
            let is_done = info.finished
                || !waits_for_approval
                    && info.stage == ceremony_net::protocol::StageInfo::Closed
                    && coordinator.is_some()
                    && (self.not_after.is_none() || info.bundle);
            if !is_done {
                finished_at = None;
                continue;
            }
            if !info.finished {
                service.finish();
            }
            let now = Instant::now();
            let since = *finished_at.get_or_insert_with(|| {
                note!("everything is done");
                now
            });
            let (quiet, at_most) = LINGER;
            let rests = service.quiet_for() >= quiet && now - since >= quiet;
            if !self.stay && (rests || now - since >= at_most) {
                return Ok(());
            }
        }
        say!("stopping: a turn that is open goes on with the next start");
        Ok(())
    }

    fn tls(&self) -> Result<Option<Tls>, Diagnostic> {
        if let (Some(chain), Some(key)) = (&self.tls_cert, &self.tls_key) {
            return Tls::read(chain, key).map(Some);
        }
        if self.listen.ip().is_loopback() || self.insecure_http {
            return Ok(None);
        }
        Err(Diagnostic::environment("tls", "without TLS only this machine may reach the service")
            .at("--listen")
            .found(self.listen)
            .expected("--tls-cert and --tls-key, or an address such as 127.0.0.1:8080")
            .hint("behind a reverse proxy that has the certificate, add --insecure-http"))
    }

    fn origin(&self, tls: bool) -> Result<Label, Diagnostic> {
        let origin = match &self.origin {
            Some(origin) => origin.trim_end_matches('/').to_owned(),
            None if self.listen.ip().is_unspecified() || self.listen.port() == 0 => {
                return Err(Diagnostic::environment(
                    "origin",
                    "the service's address is not known",
                )
                .at("--listen")
                .found(self.listen)
                .hint("give the address that participants use with --origin https://HOST"));
            }
            None => format!("{}://{}", if tls { "https" } else { "http" }, self.listen),
        };
        ceremony_net::client::origin(&origin).map_err(|error| error.at("--origin"))
    }

    fn coordinator(&self, root: &Path) -> Result<Option<Coordinator>, Diagnostic> {
        if !self.signer.is_named() {
            return Ok(None);
        }
        let signer = self.signer.open()?;
        Coordinator::new(root, signer, self).map(Some)
    }
}

/// A folder beside another one.
fn beside(root: &Path, ending: &str) -> PathBuf {
    let mut name = root.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    root.with_file_name(name)
}

fn key_file(state: &Path) -> PathBuf {
    state.join("service.pem")
}

/// The service's key, made where it is missing.
fn service_key(state: &Path) -> Result<Box<dyn Signer + Send>, Diagnostic> {
    let path = key_file(state);
    if path.symlink_metadata().is_err() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(state).map_err(|error| failure::io(state, "creating", &error))?;
        let mut output = crate::output::Output::create_private(&path, false, &[])?;
        let (_, pem) = KeyFile::generate()?;
        output.write_all(pem.as_bytes()).map_err(|e| failure::io(&path, "writing", &e))?;
        output.commit()?;
    }
    open_key_file(&path)
}

fn read_policy(path: &Path) -> Result<Policy, Diagnostic> {
    read_regular(path, zk_vk_guard::policy::MAX_POLICY_BYTES)
        .and_then(|bytes| Policy::from_json(&bytes))
        .map_err(|refusal| failure::refusal(path, &refusal))
}

fn announce(service: &Service, origin: &Label, root: &Path) -> Result<(), Diagnostic> {
    let (info, address): (_, SocketAddr) = (service.info(), service.address());
    outcome::found(root, format_args!("held at {origin} (listening on {address})"))
        .line("rules", &info.ceremony_toml_sha256)
        .line("service key", &info.service_key);
    note!(
        "Participants run: {PROGRAM} ceremony join {origin} --as NAME --key FILE --rules {}",
        info.ceremony_toml_sha256
    );
    std::io::stdout().flush().map_err(|e| failure::io(Path::new("stdout"), "writing", &e))
}
