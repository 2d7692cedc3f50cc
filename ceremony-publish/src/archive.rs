//! One object that no account can change or delete until a date: put under the lock, then read
//! back, the lock and every byte.

use std::io::{Read, Seek};

use bytes::Bytes;
use ceremony_core::progress::Progress;
use object_store::path::Path;
use object_store::signer::Method;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::primitives::Timestamp;

use crate::objects::{Item, PART_BYTES, Put, whole};
use crate::parts::{self, InS3, Resumed};
use crate::place::{Kind, Place};
use crate::s3::{Answer, Headers, S3};

/// The mode that not even the owner of the account can lift.
const COMPLIANCE: &str = "COMPLIANCE";

/// How long an archive is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Until then, no account changes or deletes it.
    pub until: Timestamp,
}

/// What a store says of an object's lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockState {
    /// Locked in this mode until this date, as the store writes them.
    Locked {
        /// COMPLIANCE, or a mode that its owner can lift.
        mode: String,
        /// Until when.
        until: String,
    },
    /// The store names no lock: there is none, or this account may not see it.
    None,
    /// This program does not know how to ask there.
    Unknown,
}

/// What was found after putting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The object's version.
    pub version: String,
    /// Until when the store keeps it.
    pub until: Timestamp,
    /// Whether it was there already.
    pub was_there: bool,
}

impl Place {
    /// Refuses a place that cannot keep anything under a lock, before any work is done for it.
    ///
    /// # Errors
    /// When the store has no lock that this program can set, or the bucket was made without.
    pub fn ensure_locks(&self) -> Result<(), Diagnostic> {
        let s3 = self.locking()?;
        self.itself()?;
        let query = [("object-lock", "")];
        let root = Path::default();
        let none = Vec::new();
        let asked = s3.send(Method::GET, &root, &query, &none, Bytes::new());
        let answer = self.runtime.block_on(asked)?;
        let enabled = answer.element("ObjectLockEnabled");
        if answer.is_good() && enabled == Some("Enabled") {
            return Ok(());
        }
        // Some accounts may put, and not ask. What is put under a lock tells.
        if answer.status == 403 {
            return Ok(());
        }
        let said = answer.element("Code").unwrap_or(match answer.status {
            200..300 => "no rule",
            501 => "the store has no locks",
            _ => "no answer that says so",
        });
        Err(Diagnostic::environment("no-lock", "the bucket does not lock objects")
            .at(self.shown())
            .found(format_args!("status {}, {said}", answer.status))
            .expected("a bucket that was made with object lock")
            .hint("RUNBOOK.md#a-lock-that-no-account-can-lift has the command that makes one"))
    }

    fn locking(&self) -> Result<&S3, Diagnostic> {
        let (store, command) = match &self.kind {
            Kind::S3(s3) => return Ok(s3),
            Kind::Google(_) => ("Google Cloud Storage", "gcloud storage"),
            Kind::Azure(_) => ("Azure", "az storage"),
            Kind::Local => ("a folder", "an object lock of a store"),
            Kind::Web => ("a web server", "an object lock of a store"),
        };
        Err(Diagnostic::environment(
            "no-lock",
            format_args!("this program cannot lock an object in {store}"),
        )
        .at(self.shown())
        .expected("s3://BUCKET/NAME.tar")
        .hint(format_args!(
            "write the archive to a file, and use {command}: RUNBOOK.md#a-lock-that-no-account-can-lift \
             has the commands"
        )))
    }

    /// Whether the object at this very address is locked: the version that was read, or the last
    /// one where the store named none.
    ///
    /// # Errors
    /// When the store does not answer, or has no such object.
    pub fn lock_state(&self, version: Option<&str>) -> Result<LockState, Diagnostic> {
        let Kind::S3(s3) = &self.kind else { return Ok(LockState::Unknown) };
        let head = self.head(s3, &self.itself()?, version, self.shown())?;
        Ok(state_of(&head))
    }

    /// Puts an archive at this very address, and reads back what the store has: the lock, its date
    /// and the bytes. An archive that is there already is held to the same.
    ///
    /// # Errors
    /// When the store refuses it, or has less than was asked for.
    pub fn keep<S: Read + Seek>(
        &self,
        source: &mut S,
        size: u64,
        sha256: &str,
        retention: &Retention,
        resumed: &Resumed,
        progress: &dyn Progress,
    ) -> Result<Kept, Diagnostic> {
        let s3 = self.locking()?;
        let object = self.itself()?;
        let item = Item { shown: self.shown(), size, sha256 };
        source.rewind().map_err(|error| {
            Diagnostic::environment("reading", format_args!("reading failed: {error}"))
        })?;
        let headers: Headers = vec![
            ("x-amz-object-lock-mode", COMPLIANCE.into()),
            ("x-amz-object-lock-retain-until-date", retention.until.to_string()),
        ];
        progress.begin("archiving", size);
        let put = self.put_locked(s3, &object, &item, headers, source, resumed, progress);
        progress.end();
        self.read_back(s3, &object, &item, retention, &put?)
    }

    #[expect(clippy::too_many_arguments, reason = "what `keep` has, taken apart")]
    fn put_locked(
        &self,
        s3: &S3,
        object: &Path,
        item: &Item<'_>,
        mut headers: Headers,
        source: &mut dyn Read,
        resumed: &Resumed,
        progress: &dyn Progress,
    ) -> Result<Put, Diagnostic> {
        if item.size > PART_BYTES {
            let upload = InS3::new(self, s3, object, item, headers);
            return parts::put(self, &upload, object, item, source, resumed, progress);
        }
        let bytes = whole(item, source)?;
        headers.push(("x-amz-meta-sha256", item.sha256.to_owned()));
        let answer = self.runtime.block_on(s3.put(object, headers, bytes))?;
        progress.advance(item.size);
        match answer.status {
            _ if answer.is_good() => {
                Ok(Put::New(answer.header("x-amz-version-id").map(str::to_owned)))
            }
            409 | 412 => Ok(Put::There),
            _ => Err(answer.refusal("putting an archive", item.shown)),
        }
    }

    /// What the store says of a version, or of the last one.
    fn head(
        &self,
        s3: &S3,
        object: &Path,
        version: Option<&str>,
        shown: &str,
    ) -> Result<Answer, Diagnostic> {
        let none = Vec::new();
        let query: Vec<_> = version.map(|version| ("versionId", version)).into_iter().collect();
        let asked = s3.send(Method::HEAD, object, &query, &none, Bytes::new());
        let head = self.runtime.block_on(asked)?;
        if head.is_good() {
            Ok(head)
        } else {
            Err(head.refusal("reading the archive's lock", shown))
        }
    }

    /// Holds what the store has to what was asked for: the very version that was put, whatever has
    /// this name by now, and its bytes before its lock. What is not ours is never locked.
    fn read_back(
        &self,
        s3: &S3,
        object: &Path,
        item: &Item<'_>,
        retention: &Retention,
        put: &Put,
    ) -> Result<Kept, Diagnostic> {
        let shown = item.shown;
        let ours = match put {
            Put::New(version) => version.as_deref().filter(|version| *version != "null"),
            Put::There => None,
        };
        let mut head = self.head(s3, object, ours, shown)?;
        let there = head.header("x-amz-version-id").map(str::to_owned);
        let version = ours.map(str::to_owned).or(there);
        let (size, found) = self.digest_there(object, version.as_deref(), shown)?;
        if size != item.size || found != item.sha256 {
            let version = version.as_deref().unwrap_or("none");
            return Err(Diagnostic::artefact(
                "another-digest",
                "the store has another archive under this name",
            )
            .at(shown)
            .found(format_args!("{found}, {size} bytes, version {version}"))
            .expected(format_args!("{}, {} bytes", item.sha256, item.size))
            .hint(
                "nothing was overwritten, and what is locked cannot be: give this archive a name \
                 of its own",
            ));
        }
        if let Some(version) = ours
            && head.header("x-amz-object-lock-mode").is_none()
        {
            // Some stores take the lock of an object that came in parts only afterwards.
            let asked = s3.retain(object, version, COMPLIANCE, &retention.until);
            let _ = self.runtime.block_on(asked)?;
            head = self.head(s3, object, ours, shown)?;
        }
        let (version, until) = lock(&head, shown, retention)?;
        Ok(Kept { version, until, was_there: *put == Put::There })
    }
}

fn state_of(head: &Answer) -> LockState {
    let word = |name| head.header(name).map(crate::failure::plain);
    match (word("x-amz-object-lock-mode"), word("x-amz-object-lock-retain-until-date")) {
        (Some(mode), Some(until)) => LockState::Locked { mode, until },
        _ => LockState::None,
    }
}

/// The version of an object and until when it is locked, if that is as long as asked for.
fn lock(
    head: &Answer,
    shown: &str,
    retention: &Retention,
) -> Result<(String, Timestamp), Diagnostic> {
    let refused = |what: &str, found: String| {
        Diagnostic::environment("no-lock", what)
            .at(shown)
            .found(found)
            .expected(format_args!("mode {COMPLIANCE} until {}", retention.until))
            .hint("the archive is there and not safe: lock it by hand, or use another bucket")
    };
    let mode = head.header("x-amz-object-lock-mode");
    let date = head.header("x-amz-object-lock-retain-until-date");
    let (Some(mode), Some(date)) = (mode, date) else {
        return Err(refused("the store took the archive and did not lock it", "no lock".into()));
    };
    let found = format!("mode {mode} until {date}");
    if mode != COMPLIANCE {
        return Err(refused("the archive has a lock that its owner can lift", found));
    }
    // Some stores add fractions of a second.
    let whole = date.split_once('.').map_or_else(|| date.to_owned(), |(it, _)| format!("{it}Z"));
    let Ok(until) = Timestamp::new(&whole) else {
        return Err(refused("the store does not say until when the archive is locked", found));
    };
    if until.unix() < retention.until.unix() {
        return Err(refused("the archive is locked for less long than asked for", found));
    }
    match head.header("x-amz-version-id").filter(|version| *version != "null") {
        Some(version) => Ok((version.to_owned(), until)),
        None => Err(refused("the store has no versions: a lock holds one of them", found)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ceremony_core::progress::NoProgress;
    use sha2::Digest as _;

    use super::*;
    use crate::fake::{self, Fake};

    fn answer(mode: &str, until: &str, version: &str) -> Answer {
        let mut headers = reqwest::header::HeaderMap::new();
        for (name, value) in [
            ("x-amz-object-lock-mode", mode),
            ("x-amz-object-lock-retain-until-date", until),
            ("x-amz-version-id", version),
        ] {
            if !value.is_empty() {
                headers.insert(name, value.parse().unwrap());
            }
        }
        Answer { status: 200, headers, body: String::new() }
    }

    const ARCHIVE: &[u8] = b"an archive";
    const UNTIL: &str = "2036-01-01T00:00:00Z";

    fn keep(fake: &Fake, bytes: &[u8]) -> Result<Kept, Diagnostic> {
        let retention = Retention { until: Timestamp::new(UNTIL).unwrap() };
        let sha256 = hex::encode(sha2::Sha256::digest(bytes));
        let place = fake.place("s3://vault/a.tar");
        let (mut source, none) = (Cursor::new(bytes), Resumed::default());
        place.keep(&mut source, bytes.len() as u64, &sha256, &retention, &none, &NoProgress)
    }

    /// A store that answers a put like this, and has an object with this lock and these bytes.
    fn store(
        put: fake::Answer,
        lock: Option<(&'static str, &'static str)>,
        version: &'static str,
        bytes: &'static [u8],
    ) -> Fake {
        Fake::start(move |asked| {
            let mut headers = vec![("x-amz-version-id", version.to_owned())];
            if let Some((mode, until)) = lock {
                headers.push(("x-amz-object-lock-mode", mode.to_owned()));
                headers.push(("x-amz-object-lock-retain-until-date", until.to_owned()));
            }
            match asked.method.as_str() {
                "PUT" if asked.query.contains("retention") => fake::status(200),
                "PUT" => put.clone(),
                "HEAD" => (200, headers, Vec::new()),
                _ => fake::body(bytes),
            }
        })
    }

    fn new_version(version: &str) -> fake::Answer {
        (200, vec![("x-amz-version-id", version.to_owned())], Vec::new())
    }

    #[test]
    fn an_archive_is_put_with_its_lock_and_its_digest_if_its_name_is_free() {
        let fake = store(new_version("v1"), Some((COMPLIANCE, UNTIL)), "v1", ARCHIVE);
        let kept = keep(&fake, ARCHIVE).unwrap();
        assert_eq!((kept.version.as_str(), kept.was_there), ("v1", false));
        let put = &fake.asked()[0];
        for (name, value) in [
            ("x-amz-object-lock-mode", COMPLIANCE),
            ("x-amz-object-lock-retain-until-date", UNTIL),
            ("if-none-match", "*"),
            ("x-amz-checksum-sha256", &crate::s3::checksum(ARCHIVE)),
            ("x-amz-meta-sha256", &hex::encode(sha2::Sha256::digest(ARCHIVE))),
        ] {
            assert_eq!(put.header(name), Some(value), "{name}");
            assert!(put.query.contains(name), "{name} is not signed");
        }
        // The very version that was put is read back.
        let version = "/vault/a.tar?versionId=v1";
        let expected = ["PUT /vault/a.tar", &format!("HEAD {version}"), &format!("GET {version}")];
        assert_eq!(fake.lines(), expected);
    }

    #[test]
    fn a_mode_that_can_be_lifted_and_a_shorter_date_are_refused_though_the_store_took_it() {
        for (mode, until, what) in [
            ("GOVERNANCE", UNTIL, "its owner can lift"),
            (COMPLIANCE, "2035-12-31T00:00:00Z", "less long"),
        ] {
            let fake = store(new_version("v1"), Some((mode, until)), "v1", ARCHIVE);
            let error = keep(&fake, ARCHIVE).unwrap_err();
            assert!(error.what.contains(what), "{error}");
        }
        // A store that refuses is told as it is.
        let error = keep(&store(fake::status(403), None, "v1", ARCHIVE), ARCHIVE).unwrap_err();
        assert!(
            error.what.contains("putting an archive in the store failed: status 403"),
            "{error}"
        );
        let gone = Fake::start(|asked| match asked.method.as_str() {
            "PUT" => new_version("v1"),
            _ => fake::status(404),
        });
        let error = keep(&gone, ARCHIVE).unwrap_err();
        assert!(error.what.contains("reading the archive's lock"), "{error}");
    }

    #[test]
    fn a_version_of_ours_is_locked_afterwards_where_the_store_did_not_and_nothing_else_is() {
        let retained = |fake: &Fake| {
            let lines = fake.lines().into_iter();
            lines.filter(|line| line.contains("retention")).collect::<Vec<_>>()
        };
        let fake = store(new_version("v1"), None, "v1", ARCHIVE);
        assert!(keep(&fake, ARCHIVE).unwrap_err().what.contains("did not lock it"));
        assert_eq!(retained(&fake), ["PUT /vault/a.tar?retention&versionId=v1"]);
        let asked = fake.asked();
        let asked = asked.iter().find(|asked| asked.query.contains("retention")).unwrap();
        let said = String::from_utf8(asked.body.clone()).unwrap();
        let words = format!("<Mode>{COMPLIANCE}</Mode><RetainUntilDate>{UNTIL}</RetainUntilDate>");
        assert!(said.contains(&words), "{said}");
        assert_eq!(asked.header("x-amz-checksum-sha256"), Some(&*crate::s3::checksum(&asked.body)));
        // Another account's of the same bytes, or our own of an earlier run.
        let fake = store(fake::status(412), None, "v0", ARCHIVE);
        assert!(keep(&fake, ARCHIVE).unwrap_err().what.contains("did not lock it"));
        assert_eq!(retained(&fake), [""; 0]);
        let fake = store(fake::status(412), Some((COMPLIANCE, UNTIL)), "v0", ARCHIVE);
        assert!(keep(&fake, ARCHIVE).unwrap().was_there);
        // Other bytes.
        for put in [new_version("v1"), fake::status(409)] {
            let fake = store(put, None, "v1", b"another archive");
            assert_eq!(keep(&fake, ARCHIVE).unwrap_err().code, "another-digest");
            assert_eq!(retained(&fake), [""; 0]);
        }
    }

    #[test]
    fn what_a_bucket_without_versions_calls_null_is_no_version() {
        for lock in [None, Some((COMPLIANCE, UNTIL))] {
            let fake = store(new_version("null"), lock, "null", ARCHIVE);
            let error = keep(&fake, ARCHIVE).unwrap_err();
            let what = if lock.is_some() { "has no versions" } else { "did not lock it" };
            assert!(error.what.contains(what), "{error}");
            // Whatever has that name then would be locked.
            let lines = fake.lines();
            assert!(!lines.iter().any(|line| line.contains("retention")), "{lines:?}");
        }
    }

    #[test]
    fn a_bucket_says_itself_that_it_locks() {
        let locks = |answer: fake::Answer| {
            let fake = Fake::start(move |_| answer.clone());
            let place = fake.place("s3://vault/a.tar");
            let found = place.ensure_locks().map_err(|error| error.found.unwrap_or_default());
            assert_eq!(fake.lines(), ["GET /vault/?object-lock"]);
            found
        };
        let said = |word: &str| format!("<a><ObjectLockEnabled>{word}</ObjectLockEnabled></a>");
        locks(fake::body(said("Enabled"))).unwrap();
        // Some accounts may put, and not ask.
        locks(fake::status(403)).unwrap();
        for answer in [
            fake::body(said("Disabled")),
            fake::body(""),
            (404, vec![], said("Enabled").into_bytes()),
            fake::status(501),
        ] {
            locks(answer.clone()).expect_err(&format!("{answer:?}"));
        }
        let fake = Fake::start(|_| fake::status(200));
        let error = fake.place("s3://vault").ensure_locks().unwrap_err();
        assert_eq!(error.what, "the address names no object");
        assert_eq!(fake.lines(), [""; 0]);
    }

    #[test]
    fn a_lock_that_is_weaker_than_asked_for_is_refused() {
        let asked = Retention { until: Timestamp::new("2036-01-01T00:00:00Z").unwrap() };
        let of = |mode, until, version| lock(&answer(mode, until, version), "a.tar", &asked);
        assert_eq!(of("COMPLIANCE", "2036-01-01T00:00:00Z", "v").unwrap().0, "v");
        assert_eq!(of("COMPLIANCE", "2037-01-01T00:00:00.000Z", "v").unwrap().0, "v");
        for (mode, until, version, what) in [
            ("", "", "v", "did not lock it"),
            ("COMPLIANCE", "", "v", "did not lock it"),
            ("GOVERNANCE", "2036-01-01T00:00:00Z", "v", "its owner can lift"),
            ("COMPLIANCE", "2035-12-31T23:59:59Z", "v", "less long"),
            ("COMPLIANCE", "2035-12-31T23:59:59.999Z", "v", "less long"),
            ("COMPLIANCE", "soon", "v", "does not say until when"),
            ("COMPLIANCE", "2036-01-01T00:00:00Z", "", "no versions"),
            ("COMPLIANCE", "2036-01-01T00:00:00Z", "null", "no versions"),
        ] {
            let error = of(mode, until, version).unwrap_err();
            assert!(error.what.contains(what), "{error}");
        }
    }
}
