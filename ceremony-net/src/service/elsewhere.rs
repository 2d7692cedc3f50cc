//! Where files can be fetched instead: a bucket that this very process publishes to. Only what is
//! known to be there is asked for there.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use ceremony_folder::index::object_of;
use reqwest::Url;
use zk_attest::diagnostic::Diagnostic;

use crate::protocol::FileInfo;

/// See the module's documentation. Copies share what is known.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    base: Url,
    there: Arc<RwLock<BTreeSet<String>>>,
}

impl Elsewhere {
    /// A place at a public address.
    ///
    /// # Errors
    /// When it is no address that clients may be sent to.
    pub fn new(url: &str) -> Result<Self, Diagnostic> {
        let refused = |what: &str| {
            Diagnostic::environment("url", what).found(url).expected("https://HOST/PREFIX/")
        };
        let mut base = Url::parse(url).map_err(|error| refused(&error.to_string()))?;
        let plain = base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if !matches!(base.scheme(), "https" | "http") || !base.has_host() || !plain {
            return Err(refused("this is not a public address of files"));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self { base, there: Arc::default() })
    }

    /// Notes an object that is there.
    pub fn add(&self, object: String) {
        self.there.write().unwrap_or_else(PoisonError::into_inner).insert(object);
    }

    /// The address of a file, if it is there.
    pub(crate) fn location(&self, file: &FileInfo) -> Option<Url> {
        let object = object_of(&file.name, &file.sha256);
        let there = self.there.read().unwrap_or_else(PoisonError::into_inner);
        there.contains(&object).then(|| {
            let mut url = self.base.clone();
            url.set_path(&format!("{}{object}", self.base.path()));
            url
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_has_an_address_there() {
        let file = |name: &str| FileInfo { name: name.into(), size: 1, sha256: "ab".repeat(32) };
        let elsewhere = Elsewhere::new("https://files.example.org/one").unwrap();
        assert_eq!(elsewhere.location(&file("phase1/0000.ptau")), None);
        elsewhere.clone().add("phase1/0000.ptau".into());
        elsewhere.add(object_of("bundle.json", &"ab".repeat(32)));
        let of = |name| elsewhere.location(&file(name)).map(|url| url.to_string());
        let base = "https://files.example.org/one";
        assert_eq!(of("phase1/0000.ptau"), Some(format!("{base}/phase1/0000.ptau")));
        let versions = format!("{base}/versions/{}/bundle.json", "ab".repeat(32));
        assert_eq!(of("bundle.json"), Some(versions));
        assert_eq!(of("transcript.json"), None);
        for url in ["https://a:b@c/", "https://c/?a", "s3://c/", "c", "https://c/#a"] {
            assert!(Elsewhere::new(url).is_err(), "{url}");
        }
    }
}
