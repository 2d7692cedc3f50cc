//! Which store, and how it is reached.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ceremony_folder::service::is_this_machine;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::azure::{AzureConfigKey, MicrosoftAzure, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorage, GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::signer::{Method, Signer};
use object_store::{Certificate, ClientOptions, ObjectStore, RetryConfig};
use reqwest::Url;
use zk_attest::diagnostic::Diagnostic;

use crate::failure;
use crate::objects::Reading;
use crate::s3::S3;

/// How long a store may say nothing: a part of a file moves before it answers. What goes on is
/// never cut, however large an object is.
const QUIET_TIME: Duration = Duration::from_secs(300);
/// How long a signed address is valid: as long as one part may take.
pub(crate) const SIGNED_FOR: Duration = Duration::from_secs(600);
/// Bytes of the certificates of `--ca` at most.
const MAX_CA_BYTES: usize = 1 << 20;

/// How a store is reached. Credentials are no part of it: they come from the environment, and from
/// the files in which the vendor's own tools keep them.
#[derive(Clone, Debug)]
pub struct Access {
    /// Certificates to trust besides the system's, in PEM.
    pub ca: Option<PathBuf>,
    /// Whether a store on another machine may be one without TLS.
    pub insecure_http: bool,
    /// How long one request is tried again.
    pub patience: Duration,
}

/// What kind of store it is.
#[derive(Clone)]
pub(crate) enum Kind {
    /// S3, or what speaks like it.
    S3(S3),
    /// Google Cloud Storage.
    Google(Arc<GoogleCloudStorage>),
    /// Azure.
    Azure(Arc<MicrosoftAzure>),
    /// A folder.
    Local,
    /// A web server, which is only read from.
    Web,
}

/// A store, and where in it.
pub struct Place {
    /// The address, as messages name it.
    shown: String,
    prefix: Path,
    pub(crate) kind: Kind,
    /// How long something is waited for.
    pub(crate) patience: Duration,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) runtime: tokio::runtime::Runtime,
}

/// Without the store, which knows where credentials are.
impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl Place {
    /// Prepares requests to a store. Sends none.
    ///
    /// # Errors
    /// When the address is none of a store, has credentials in it, or the environment does not say
    /// how to reach it.
    pub fn open(url: &str, access: &Access) -> Result<Self, Diagnostic> {
        Self::open_with(url, access, AmazonS3Builder::from_env)
    }

    /// The same, with what the environment says of S3.
    pub(crate) fn open_with(
        url: &str,
        access: &Access,
        environment: impl Fn() -> AmazonS3Builder,
    ) -> Result<Self, Diagnostic> {
        let refused = |what: &str| {
            Diagnostic::environment("url", what).expected(
                "s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER",
            )
        };
        let parsed = Url::parse(url).map_err(|error| refused(&error.to_string()))?;
        // Not shown: it may be a secret.
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(refused("credentials do not belong into an address")
                .hint("put them into the environment, or into the vendor's own files"));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(refused("an address of a store has no query")
                .hint("a token belongs into the environment (AZURE_STORAGE_SAS_KEY)"));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("store")
            .enable_all()
            .build()
            .map_err(|error| {
                Diagnostic::environment("runtime", format_args!("starting threads failed: {error}"))
            })?;
        // Another one may have been installed by this process; either will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bad_path = |error: object_store::path::Error| refused(&error.to_string()).found(url);
        let prefix = Path::from_url_path(parsed.path()).map_err(bad_path)?;
        let bucket = parsed.host_str().unwrap_or_default().to_owned();
        let (kind, store): (Kind, Arc<dyn ObjectStore>) = match parsed.scheme() {
            "file" => return Self::local(&parsed, runtime, access.patience),
            _ if bucket.is_empty() => return Err(refused("the address has no bucket").found(url)),
            "s3" => {
                let (s3, store) = amazon(environment(), &bucket, access)?;
                (Kind::S3(s3), store)
            }
            "gs" => {
                let store = google(&bucket, access)?;
                (Kind::Google(store.clone()), store)
            }
            "az" => {
                let store = azure(&bucket, access)?;
                (Kind::Azure(store.clone()), store)
            }
            "https" | "http" => (Kind::Web, web(&parsed, access)?),
            _ => return Err(refused("this is not the address of a store").found(url)),
        };
        let shown = url.trim_end_matches('/').to_owned();
        Ok(Self { shown, prefix, kind, patience: access.patience, store, runtime })
    }

    fn local(
        url: &Url,
        runtime: tokio::runtime::Runtime,
        patience: Duration,
    ) -> Result<Self, Diagnostic> {
        let folder = url.to_file_path().map_err(|()| {
            Diagnostic::environment("url", "this is not a folder of this machine")
                .found(url)
                .expected("file:///FOLDER")
        })?;
        let failed = |what: &str| {
            Diagnostic::environment("writing", format_args!("opening the folder failed: {what}"))
                .at(folder.display())
        };
        std::fs::create_dir_all(&folder).map_err(|error| failed(&error.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| failed(&failure::cause(&error)))?;
        let shown = url.as_str().trim_end_matches('/').to_owned();
        let (prefix, store) = (Path::default(), Arc::new(store));
        Ok(Self { shown, prefix, kind: Kind::Local, patience, store, runtime })
    }

    /// The address, as messages name it.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Where in the store an object of this name is.
    pub(crate) fn object(&self, name: &str) -> Result<Path, Diagnostic> {
        let refused = |error: object_store::path::Error| {
            Diagnostic::environment("name", format_args!("a store has no such name: {error}"))
                .at(name)
        };
        let name = Path::parse(name).map_err(refused)?;
        Ok(self.prefix.parts().chain(name.parts()).collect())
    }

    /// The object that the address itself names.
    pub(crate) fn itself(&self) -> Result<Path, Diagnostic> {
        if self.prefix.as_ref().is_empty() {
            return Err(Diagnostic::environment("url", "the address names no object")
                .found(&self.shown)
                .expected(
                    "the name of the archive behind the bucket, as in s3://BUCKET/NAME.tar",
                ));
        }
        Ok(self.prefix.clone())
    }

    /// Everything that is there under the prefix, with its size.
    pub(crate) fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// The bytes of the very object that the address names.
    ///
    /// # Errors
    /// When it is not reached, or not there.
    pub fn open_itself(&self) -> Result<Reading<'_>, Diagnostic> {
        self.read(&self.itself()?, None, &self.shown)
    }

    pub(crate) fn reads_only(&self) -> Diagnostic {
        Diagnostic::environment("url", "a web server is only read from")
            .found(&self.shown)
            .expected(
                "s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER",
            )
    }

    /// An address at which anyone who has it can get an object for ten minutes: a secret, which is
    /// in no message. `name` is the object's below the prefix.
    ///
    /// # Errors
    /// When the store takes no signed addresses, or the credentials do not sign.
    pub fn signed(&self, name: &str) -> Result<Url, Diagnostic> {
        let signer: &dyn Signer = match &self.kind {
            Kind::S3(s3) => s3.signer(),
            Kind::Google(store) => store.as_ref(),
            Kind::Azure(store) => store.as_ref(),
            Kind::Local | Kind::Web => {
                return Err(Diagnostic::environment("url", "no credentials are used there")
                    .found(&self.shown)
                    .expected("s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"));
            }
        };
        let object = self.object(name)?;
        let signed = signer.signed_url(Method::GET, &object, SIGNED_FOR);
        self.runtime.block_on(signed).map_err(|error| {
            failure::store("signing a request", self.named(name), &error).hint(
                "these credentials sign no addresses: RUNBOOK.md#publication says which ones \
                 do; a public bucket is mirrored from its https:// address",
            )
        })
    }

    /// Whether files can be put there, as far as the address tells.
    ///
    /// # Errors
    /// When it is a web server's.
    pub fn ensure_writable(&self) -> Result<(), Diagnostic> {
        if matches!(self.kind, Kind::Web) { Err(self.reads_only()) } else { Ok(()) }
    }

    /// An object, as messages name it.
    pub(crate) fn named(&self, name: &str) -> String {
        format!("{}/{name}", self.shown)
    }
}

/// Options of requests to every store.
fn options(access: &Access, http: bool) -> Result<ClientOptions, Diagnostic> {
    let mut options = ClientOptions::new()
        .with_timeout_disabled()
        .with_read_timeout(QUIET_TIME)
        .with_connect_timeout(Duration::from_secs(15))
        .with_allow_http(http);
    if let Some(path) = &access.ca {
        let failed = |what: String| {
            Diagnostic::environment("ca", what).at(path.display()).expected("certificates in PEM")
        };
        let certificates = Certificate::from_pem_bundle(&certificates(path)?)
            .map_err(|error| failed(failure::cause(&error)))?;
        for certificate in certificates {
            options = options.with_root_certificate(certificate);
        }
    }
    Ok(options)
}

/// The certificates of `--ca`.
pub(crate) fn certificates(path: &std::path::Path) -> Result<Vec<u8>, Diagnostic> {
    zk_attest::file::read_regular(path, MAX_CA_BYTES).map_err(|error| {
        Diagnostic::environment("ca", error).at(path.display()).expected("certificates in PEM")
    })
}

fn retry(access: &Access) -> RetryConfig {
    RetryConfig { retry_timeout: access.patience, ..RetryConfig::default() }
}

/// Whether an endpoint may be asked without TLS: what this machine itself runs, or what the user
/// says. `named` is where the endpoint comes from.
fn plain_http(endpoint: &str, named: &str, access: &Access) -> Result<bool, Diagnostic> {
    let refused =
        |what: &str| Diagnostic::environment("url", what).at(named).expected("https://HOST[:PORT]");
    let url = Url::parse(endpoint).map_err(|error| refused(&error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("credentials do not belong into an address"));
    }
    let Some(host) = url.host_str() else { return Err(refused("the address has no host")) };
    match url.scheme() {
        "https" => Ok(false),
        "http" if access.insecure_http || is_this_machine(host) => Ok(true),
        "http" => {
            Err(refused("without TLS, any machine on the way reads and changes what is sent")
                .found(endpoint)
                .hint("use https, or add --store-insecure-http in a network that you trust"))
        }
        _ => Err(refused("this is not the address of a store").found(endpoint)),
    }
}

fn unprepared(error: &object_store::Error) -> Diagnostic {
    Diagnostic::environment(
        "store",
        format_args!("the store cannot be reached like this: {}", failure::cause(error)),
    )
    .hint("RUNBOOK.md#publication says which variables of the environment are needed")
}

fn amazon(
    builder: AmazonS3Builder,
    bucket: &str,
    access: &Access,
) -> Result<(S3, Arc<dyn ObjectStore>), Diagnostic> {
    let endpoint = builder
        .get_config_value(&AmazonS3ConfigKey::S3Endpoint)
        .or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint));
    let http = endpoint.as_deref();
    let http = http.map_or(Ok(false), |it| plain_http(it, "AWS_ENDPOINT_URL", access))?;
    let mut builder = builder
        .with_bucket_name(bucket)
        // The store itself then refuses what was damaged on the way.
        .with_checksum_algorithm(Checksum::SHA256)
        .with_client_options(options(access, http)?)
        .with_retry(retry(access));
    // Who has keys in the environment means these; otherwise the file of the vendor's tools.
    if builder.get_config_value(&AmazonS3ConfigKey::AccessKeyId).is_none()
        && let Some(profile) = crate::s3::profile::read()?
    {
        builder = profile.give_to(builder);
    }
    let store = Arc::new(builder.build().map_err(|error| unprepared(&error))?);
    Ok((S3::new(store.clone(), access)?, store))
}

fn web(url: &Url, access: &Access) -> Result<Arc<dyn ObjectStore>, Diagnostic> {
    let mut root = url.clone();
    root.set_path("/");
    let http = plain_http(root.as_str(), url.as_str(), access)?;
    let builder = HttpBuilder::new()
        .with_url(root)
        .with_client_options(options(access, http)?)
        .with_retry(retry(access));
    Ok(Arc::new(builder.build().map_err(|error| unprepared(&error))?))
}

fn google(bucket: &str, access: &Access) -> Result<Arc<GoogleCloudStorage>, Diagnostic> {
    let builder = GoogleCloudStorageBuilder::from_env();
    let endpoint = builder.get_config_value(&GoogleConfigKey::BaseUrl);
    let http = endpoint.as_deref();
    let http = http.map_or(Ok(false), |it| plain_http(it, "GOOGLE_BASE_URL", access))?;
    let builder = builder
        .with_bucket_name(bucket)
        .with_client_options(options(access, http)?)
        .with_retry(retry(access));
    Ok(Arc::new(builder.build().map_err(|error| unprepared(&error))?))
}

fn azure(container: &str, access: &Access) -> Result<Arc<MicrosoftAzure>, Diagnostic> {
    // The library's own way to a server of tests asks without TLS wherever that server is.
    let builder = MicrosoftAzureBuilder::from_env().with_use_emulator(false);
    let endpoint = builder.get_config_value(&AzureConfigKey::Endpoint);
    let http = endpoint.as_deref();
    let http = http.map_or(Ok(false), |it| plain_http(it, "AZURE_STORAGE_ENDPOINT", access))?;
    let builder = builder
        .with_container_name(container)
        .with_client_options(options(access, http)?)
        .with_retry(retry(access));
    Ok(Arc::new(builder.build().map_err(|error| unprepared(&error))?))
}

#[cfg(test)]
impl Place {
    /// A place in the memory of this process.
    pub(crate) fn in_memory(store: Arc<object_store::memory::InMemory>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (shown, prefix, patience) = ("memory".into(), Path::default(), Duration::ZERO);
        Self { shown, prefix, kind: Kind::Local, patience, store, runtime }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        Access { ca: None, insecure_http: false, patience: Duration::from_secs(1) }
    }

    #[test]
    fn an_address_with_credentials_or_a_query_is_refused_and_not_repeated() {
        for url in ["s3://KEY:hidden@bucket/a", "s3://hidden@bucket/a", "az://c/a?sig=hidden"] {
            let error = Place::open(url, &access()).unwrap_err();
            assert_eq!(error.code, "url");
            assert!(!format!("{error:?}").contains("hidden"), "{error}");
        }
        for url in ["ftp://a/b", "s3:///a", "bucket", "s3://"] {
            assert_eq!(Place::open(url, &access()).unwrap_err().code, "url", "{url}");
        }
    }

    #[test]
    fn a_web_server_is_only_read_from() {
        let place = Place::open("http://127.0.0.1:1/one", &access()).unwrap();
        let only_read = "a web server is only read from";
        assert_eq!(place.ensure_writable().unwrap_err().what, only_read);
        // Nothing of the file is read for it.
        let item = crate::objects::Item { shown: "a", size: 9 << 20, sha256: "aa" };
        let (object, none) = (place.object("a").unwrap(), crate::Resumed::default());
        let progress = ceremony_core::progress::NoProgress;
        let put = place.put(&object, &item, &mut std::io::empty(), &none, &progress);
        assert_eq!(put.unwrap_err().what, only_read);
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file://{}", folder.path().display());
        Place::open(&url, &access()).unwrap().ensure_writable().unwrap();
    }

    #[test]
    fn without_tls_only_this_machine_is_asked() {
        let open = Access { insecure_http: true, ..access() };
        for (endpoint, closed, opened) in [
            ("https://s3.example.org", Some(false), Some(false)),
            ("http://127.0.0.1:5000", Some(true), Some(true)),
            ("http://[::1]:5000", Some(true), Some(true)),
            ("http://localhost", Some(true), Some(true)),
            ("http://10.0.0.1:5000", None, Some(true)),
            ("http://127.0.0.1.example.org", None, Some(true)),
            ("ftp://127.0.0.1", None, None),
            ("http://key:secret@127.0.0.1", None, None),
        ] {
            assert_eq!(plain_http(endpoint, "HERE", &access()).ok(), closed, "{endpoint}");
            assert_eq!(plain_http(endpoint, "HERE", &open).ok(), opened, "{endpoint}");
        }
    }
}
