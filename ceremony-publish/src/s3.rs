//! What S3 has and [`object_store`] has no call for: an object under a lock from its first moment,
//! and an upload in parts that ends only if the name is still free.
//!
//! Each request goes to an address that `object_store` signs with the headers that matter
//! ([`Signer::signed_url_opts`]): credentials, regions and styles of addresses are its matter. A
//! signed address is a secret for as long as it is valid. It is in no message.

pub(crate) mod profile;

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::signer::{HeaderName, HeaderValue, Method, SignedUrlOptions, Signer as _};
use reqwest::header::HeaderMap;
use sha2::{Digest as _, Sha256};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::primitives::Timestamp;

use crate::failure;
use crate::place::{Access, SIGNED_FOR};

/// Bytes of an answer that are read: all those asked for here are short.
const MAX_ANSWER_BYTES: usize = 1 << 16;
/// The first pause after a failure; it doubles with each, up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));

/// Headers that are signed.
pub(crate) type Headers = Vec<(&'static str, String)>;

/// See the module's documentation.
#[derive(Clone)]
pub(crate) struct S3 {
    store: Arc<AmazonS3>,
    http: reqwest::Client,
    patience: Duration,
}

/// Without the store, which has credentials.
impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3").field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn is_good(&self) -> bool {
        (200..300).contains(&self.status) && !self.body.contains("<Error>")
    }

    /// What one element of it says.
    pub(crate) fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(value, _)| value)
    }

    /// A refusal, as an error.
    pub(crate) fn refusal(&self, doing: &str, object: &str) -> Diagnostic {
        let words = if self.body.is_empty() { String::new() } else { failure::plain(&self.body) };
        let failed = Diagnostic::environment(
            "store",
            format_args!("{doing} in the store failed: status {} {words}", self.status),
        )
        .at(object);
        match self.status {
            401 | 403 => failed
                .hint("check the credentials in the environment, and what they are allowed to do"),
            507 => {
                failed.hint("the store is full: make room there, and run the same command again")
            }
            _ => failed
                .hint("run the same command again: what is there stays, what is missing is put"),
        }
    }
}

impl S3 {
    pub(crate) fn new(store: Arc<AmazonS3>, access: &Access) -> Result<Self, Diagnostic> {
        let failed = |error: reqwest::Error| {
            Diagnostic::environment(
                "network",
                format_args!("preparing requests failed: {}", failure::cause(&error)),
            )
        };
        let mut builder = reqwest::Client::builder()
            .timeout(SIGNED_FOR)
            .connect_timeout(Duration::from_secs(15))
            .redirect(reqwest::redirect::Policy::none());
        if let Some(path) = &access.ca {
            let pem = crate::place::certificates(path)?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(failed)?;
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(Self { store, http: builder.build().map_err(failed)?, patience: access.patience })
    }

    /// Sends a request until there is an answer that is not about the store's own state.
    pub(crate) async fn send(
        &self,
        method: Method,
        object: &Path,
        query: &[(&str, &str)],
        headers: &Headers,
        body: Bytes,
    ) -> Result<Answer, Diagnostic> {
        let begun = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            let answer = self.send_once(&method, object, query, headers, body.clone()).await;
            let again = match &answer {
                Ok(answer) => {
                    let busy = matches!(answer.status, 408 | 429 | 500 | 502 | 503 | 504);
                    // S3 may begin an answer before it knows how it ends.
                    busy || answer.status == 200 && answer.body.contains("<Error>")
                }
                Err(error) => error.code == "network",
            };
            if !again || begun.elapsed() + pause >= self.patience {
                return answer;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn send_once(
        &self,
        method: &Method,
        object: &Path,
        query: &[(&str, &str)],
        headers: &Headers,
        body: Bytes,
    ) -> Result<Answer, Diagnostic> {
        let mut options = SignedUrlOptions::new().with_query(query.iter().copied());
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(|_| {
                Diagnostic::environment("header", "a value cannot be sent to a store").at(name)
            })?;
            options = options.with_signed_header(HeaderName::from_static(name), value);
        }
        let url = self
            .store
            .signed_url_opts(method.clone(), object, SIGNED_FOR, &options)
            .await
            .map_err(|error| failure::store("signing a request", object, &error))?;
        let request = self
            .http
            .request(method.clone(), url)
            .headers(options.signed_headers)
            .header("content-length", body.len())
            .body(body);
        let broke_off = |error: reqwest::Error| {
            // Its own words have the address.
            let cause = failure::cause(&error.without_url());
            Diagnostic::environment("network", format_args!("the store was not reached: {cause}"))
                .at(object)
                .hint("check the network; run the same command again")
        };
        let mut response = request.send().await.map_err(broke_off)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(broke_off)? {
            let left = MAX_ANSWER_BYTES - bytes.len();
            bytes.extend_from_slice(&piece[..piece.len().min(left)]);
            if bytes.len() == MAX_ANSWER_BYTES {
                break;
            }
        }
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { status, headers, body })
    }

    /// What signs addresses.
    pub(crate) fn signer(&self) -> &AmazonS3 {
        &self.store
    }

    /// Puts an object of one piece, if the name is free.
    pub(crate) async fn put(
        &self,
        object: &Path,
        mut headers: Headers,
        bytes: Bytes,
    ) -> Result<Answer, Diagnostic> {
        headers.push(("if-none-match", "*".into()));
        headers.push(("x-amz-sdk-checksum-algorithm", "SHA256".into()));
        headers.push(("x-amz-checksum-sha256", checksum(&bytes)));
        self.send(Method::PUT, object, &[], &headers, bytes).await
    }

    /// Begins an upload in parts, and gives its name.
    pub(crate) async fn begin(
        &self,
        object: &Path,
        mut headers: Headers,
    ) -> Result<String, Diagnostic> {
        headers.push(("x-amz-checksum-algorithm", "SHA256".into()));
        let query = [("uploads", "")];
        let answer = self.send(Method::POST, object, &query, &headers, Bytes::new()).await?;
        match answer.element("UploadId") {
            Some(upload) if answer.is_good() => Ok(upload.to_owned()),
            _ => Err(answer.refusal("beginning an upload", object.as_ref())),
        }
    }

    /// Sends a part, counted from 1.
    pub(crate) async fn part(
        &self,
        object: &Path,
        upload: &str,
        number: usize,
        bytes: Bytes,
    ) -> Result<Answer, Diagnostic> {
        let number = number.to_string();
        let query = [("partNumber", number.as_str()), ("uploadId", upload)];
        let headers = vec![("x-amz-checksum-sha256", checksum(&bytes))];
        self.send(Method::PUT, object, &query, &headers, bytes).await
    }

    /// Ends an upload, if the name is free. Parts are their tags and checksums.
    pub(crate) async fn complete(
        &self,
        object: &Path,
        upload: &str,
        parts: &[(String, String)],
    ) -> Result<Answer, Diagnostic> {
        let mut body = String::from("<CompleteMultipartUpload>");
        for (number, (tag, checksum)) in parts.iter().enumerate() {
            let escaped = tag.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
            body.push_str(&format!(
                "<Part><PartNumber>{}</PartNumber><ETag>{escaped}</ETag>\
                 <ChecksumSHA256>{checksum}</ChecksumSHA256></Part>",
                number + 1
            ));
        }
        body.push_str("</CompleteMultipartUpload>");
        let headers = vec![("if-none-match", "*".into())];
        self.send(Method::POST, object, &[("uploadId", upload)], &headers, body.into()).await
    }

    /// Locks a version of an object that is there.
    pub(crate) async fn retain(
        &self,
        object: &Path,
        version: &str,
        mode: &str,
        until: &Timestamp,
    ) -> Result<Answer, Diagnostic> {
        let body = format!(
            "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>{mode}</Mode>\
             <RetainUntilDate>{until}</RetainUntilDate></Retention>"
        );
        let headers = vec![("x-amz-checksum-sha256", checksum(body.as_bytes()))];
        let query = [("retention", ""), ("versionId", version)];
        self.send(Method::PUT, object, &query, &headers, body.into()).await
    }

    /// Gives an upload up.
    pub(crate) async fn abort(&self, object: &Path, upload: &str) {
        let query = [("uploadId", upload)];
        let _ = self.send(Method::DELETE, object, &query, &Vec::new(), Bytes::new()).await;
    }
}

/// The SHA-256 of bytes as S3 has it in headers.
pub(crate) fn checksum(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{self, Fake};
    use crate::place::Kind;

    fn get(fake: &Fake, patience: Duration) -> Result<Answer, Diagnostic> {
        let place = fake.patient_place("s3://bucket/a", patience);
        let Kind::S3(s3) = &place.kind else { panic!("another store") };
        let (object, none) = (Path::from("a"), Vec::new());
        place.runtime.block_on(s3.send(Method::GET, &object, &[], &none, Bytes::new()))
    }

    #[test]
    fn an_answer_about_the_stores_own_state_is_asked_for_again_and_another_one_is_not() {
        for (busy, again) in [(408, true), (429, true), (500, true), (503, true), (403, false)] {
            let fake = Fake::start(move |_| fake::status(busy));
            assert_eq!(get(&fake, Duration::from_millis(400)).unwrap().status, busy);
            assert_eq!(fake.lines().len() > 1, again, "{busy}");
        }
        // S3 may say that it went well before it knows.
        let fake = Fake::start(|_| fake::body("<Error><Code>InternalError</Code></Error>"));
        let answer = get(&fake, Duration::from_millis(400)).unwrap();
        assert!(fake.lines().len() > 1);
        assert!(answer.status == 200 && !answer.is_good());
        assert!(answer.refusal("a test", "a").what.contains("InternalError"));
        // Nobody is there.
        let begun = Instant::now();
        let mut gone = Fake::start(|_| fake::status(200));
        gone.address.set_port(1);
        let patience = Duration::from_millis(600);
        let error = get(&gone, patience).unwrap_err();
        assert_eq!(error.code, "network");
        assert!(begun.elapsed() >= PAUSES.0, "it was not tried again");
        // The address is signed.
        let shown = format!("{error:?}");
        assert!(!shown.contains("Signature") && !shown.contains("AKID"), "{shown}");
    }

    #[test]
    fn an_answer_without_end_is_cut_and_one_that_leads_elsewhere_is_not_followed() {
        let fake = Fake::start(|_| fake::body(vec![b'a'; 4 << 20]));
        assert_eq!(get(&fake, Duration::ZERO).unwrap().body.len(), MAX_ANSWER_BYTES);
        let other = Fake::start(|_| fake::status(200));
        let there = format!("http://{}/b", other.address);
        let fake = Fake::start(move |_| (307, vec![("location", there.clone())], vec![]));
        assert_eq!(get(&fake, Duration::ZERO).unwrap().status, 307);
        assert_eq!(other.lines(), [""; 0]);
    }
}
