//! Rounds of drand, from whoever hands them on.
//!
//! An endpoint may lie, be late, or be somebody else's: the signature decides, verified with the
//! chain's key ([`ceremony_folder::drand`]). So the endpoints are asked one after another until one
//! has the round.

use std::time::Duration;

use ceremony_folder::drand::Chain;
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::primitives::DrandSignature;

use crate::client::read_limited;

/// The public endpoints of the League of Entropy and of Cloudflare.
pub const PUBLIC: [&str; 4] = [
    "https://api.drand.sh",
    "https://api2.drand.sh",
    "https://api3.drand.sh",
    "https://drand.cloudflare.com",
];

/// Endpoints that are asked at most.
const MAX_ENDPOINTS: usize = 16;
/// Bytes of an answer at most: a round is a few hundred.
const MAX_ANSWER: usize = 16 << 10;
/// How long an endpoint may take, until the next one is asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where rounds are asked for.
#[derive(Debug)]
pub struct Endpoints {
    http: reqwest::blocking::Client,
    urls: Vec<Url>,
}

/// What is read of an answer. The randomness in it is computed from the signature instead.
#[derive(Deserialize)]
struct Round {
    round: u64,
    signature: String,
}

impl Endpoints {
    /// Prepares requests to these addresses, or to the public ones where there are none. Sends
    /// none.
    ///
    /// # Errors
    /// When one is no address, or there are too many.
    pub fn new(urls: &[String]) -> Result<Self, Diagnostic> {
        let refused = |url: &str, what: &str| {
            Diagnostic::environment("url", what)
                .at("--endpoint")
                .found(url)
                .expected("https://HOST[:PORT], without the chain's hash")
        };
        let public = PUBLIC.map(str::to_owned);
        let urls = if urls.is_empty() { &public[..] } else { urls };
        if urls.len() > MAX_ENDPOINTS {
            let found = format!("{} addresses", urls.len());
            return Err(refused(&found, "these are too many endpoints"));
        }
        let mut parsed = Vec::new();
        for text in urls {
            let mut url = Url::parse(text).map_err(|error| refused(text, &error.to_string()))?;
            if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
                return Err(refused(text, "this is not the address of an endpoint"));
            }
            if !url.path().ends_with('/') {
                url.set_path(&format!("{}/", url.path()));
            }
            parsed.push(url);
        }
        // Another one may have been installed by this process; either will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::blocking::Client::builder()
            .user_agent(concat!("zk-ceremony/", env!("CARGO_PKG_VERSION")))
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::limited(3))
            .build()
            .map_err(|error| refused("", &format!("preparing requests failed: {error}")))?;
        Ok(Self { http, urls: parsed })
    }

    /// The signature of a round, from the first endpoint that has it.
    ///
    /// # Errors
    /// When none has, with what each of them said.
    pub fn fetch(&self, chain: &Chain, round: u64) -> Result<DrandSignature, Diagnostic> {
        let mut said = Vec::new();
        for url in &self.urls {
            match self.ask(url, chain, round) {
                Ok(signature) => return Ok(signature),
                Err(why) => said.push(format!("{}: {why}", url.host_str().unwrap_or_default())),
            }
        }
        Err(Diagnostic::environment("beacon-not-fetched", "no endpoint has the round")
            .found(said.join("; "))
            .expected(format_args!("{}, round {round}", chain.source()))
            .hint(
                "run the same command again, name other endpoints with --endpoint URL, or give \
                 the signature with --signature HEX: its source does not matter",
            ))
    }

    fn ask(&self, url: &Url, chain: &Chain, round: u64) -> Result<DrandSignature, String> {
        let path = format!("{}/public/{round}", hex::encode(chain.hash()));
        let url = url.join(&path).map_err(|error| error.to_string())?;
        let response = self.http.get(url).send().map_err(|error| {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            format!("not reached ({cause})")
        })?;
        if response.status() != StatusCode::OK {
            return Err(format!("answers {}", response.status()));
        }
        let bytes = read_limited(response, MAX_ANSWER).map_err(|error| error.to_string())?;
        let answer: Round = serde_json::from_slice(&bytes)
            .map_err(|_| "answers with something else than a round".to_owned())?;
        if answer.round != round {
            return Err(format!("answers with round {}", answer.round));
        }
        let signature = DrandSignature::from_hex(&answer.signature)
            .map_err(|refusal| refusal.what().to_owned())?;
        chain.verify(round, &signature).map_err(|error| error.to_string())?;
        Ok(signature)
    }
}
