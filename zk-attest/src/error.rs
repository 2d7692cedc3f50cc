//! What a refusal says: a code, what is wrong, what was found, what was expected, and the command that mends it.
//!
//! There is one type, [`Refusal`], because all of its readers are people in front of a build log. Programs that must tell refusals apart
//! (tests, reports, exit codes) use [`Refusal::code`].

use std::fmt;

/// The usual places of the three files, which hints name. The build-script edge puts the crate's own paths in their stead.
pub const USUAL_POLICY: &str = "zk/trust-policy.json";
/// See [`USUAL_POLICY`].
pub const USUAL_BUNDLE: &str = "zk/bundle.json";
/// See [`USUAL_POLICY`].
pub const USUAL_SNIPPET: &str = "zk/verifying_key.rs";

const EMBED: &str = "run `zk-embed --bundle zk/bundle.json --policy zk/trust-policy.json --out zk/verifying_key.rs`";
const ASK: &str = "run `zk-ceremony bundle inspect zk/bundle.json --policy zk/trust-policy.json` and ask the release authority for an approved bundle";
const PIN: &str = "if the change was reviewed, run `zk-ceremony policy pin zk/trust-policy.json` and put its output in build.rs";
const EDIT: &str =
    "correct zk/trust-policy.json, then run `zk-ceremony policy pin zk/trust-policy.json`";
const RESTORE: &str = "restore the file as it was committed: `git checkout -- zk/bundle.json`";
const RECEREMONY: &str = "verify the ceremony's files with `zk-ceremony ptau verify` and `zk-ceremony zkey verify`, and make the bundle again from a chain that verifies";
const ENVIRONMENT: &str = "call the guard from build.rs, under cargo";

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $hint:expr;)+) => {
        /// Why something was refused. The text of a code is stable; its number of variants is not.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// The stable name, as it stands in build logs and reports.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The code of this name.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)+ _ => None }
            }

            /// What usually mends it.
            const fn usual_hint(self) -> &'static str {
                match self { $(Self::$name => $hint,)+ }
            }
        }
    };
}

codes! {
    /// A directory, a missing variable, an unwritable file: the tool's surroundings, not the artefact.
    Environment = "environment", ENVIRONMENT;
    /// The cargo feature and the compiler's `cfg` disagree: somebody forces one of them.
    FeatureForced = "feature-forced", "switch the feature on with `--features zk-vk-provisioned`, never with `--cfg`; unset RUSTFLAGS";
    /// A file that the guard needs is absent.
    FileMissing = "file-missing", "restore it: `git checkout -- zk/`";
    /// Not a regular file.
    FileKind = "file-kind", "put a regular file there: `git checkout -- zk/`";
    /// The path leads out of the package.
    FileOutside = "file-outside", "keep the file inside the package, without symbolic links that leave it";
    /// Larger than its limit.
    TooLarge = "too-large", "make the bundle smaller: fewer circuits or fewer words in the attestations";
    /// Not JSON, not this schema: unknown, repeated or missing fields, values out of range.
    Malformed = "malformed", RESTORE;
    /// It parses, but it is not the one canonical encoding of what it says.
    NotCanonical = "not-canonical", RESTORE;
    /// The envelope holds another type of payload.
    PayloadType = "payload-type", ASK;
    /// The statement is of another type, or its predicate is.
    PredicateType = "predicate-type", ASK;
    /// The text of a public key is in none of the forms read here.
    KeyFormat = "key-format", "give 64 hex digits; `zk-ceremony key show FILE` converts SPKI PEM and ssh-ed25519";
    /// A public key of small order, or not canonically encoded: anybody can sign for it.
    WeakKey = "weak-key", "replace the key: `openssl genpkey -algorithm ed25519` makes one";
    /// A signature that does not verify under the key that it is said to be of.
    BadSignature = "bad-signature", "sign again with the key that is named";
    /// The policy's digest is not the literal in build.rs.
    PolicyPin = "policy-pin", PIN;
    /// The policy contradicts itself.
    PolicyUnsound = "policy-unsound", EDIT;
    /// The policy's own last day has passed.
    PolicyExpired = "policy-expired", "review the policy, move its not_after, and pin it again";
    /// Fewer distinct keys of a role have signed than the policy asks for.
    ThresholdNotMet = "threshold-not-met", ASK;
    /// The bundle is of another kind than the policy allows.
    KindNotAllowed = "kind-not-allowed", ASK;
    /// A rehearsal policy in a build that did not allow rehearsals.
    RehearsalNotAllowed = "rehearsal-not-allowed", "use a production policy, or, in a crate that is never released, add `.allow_rehearsal()` in build.rs";
    /// The circuits of bundle and policy are not the same.
    WrongCircuit = "wrong-circuit", ASK;
    /// Older than the policy (or the committed snippet) accepts.
    SerialTooLow = "serial-too-low", "take the newest bundle from the release authority";
    /// Past its last day.
    Expired = "expired", "ask the release authority for a bundle with a later not_after";
    /// The policy revokes this transcript.
    TranscriptRevoked = "transcript-revoked", "take a bundle of another ceremony";
    /// The policy revokes a key that this depends on.
    KeyRevoked = "key-revoked", "take a bundle of a ceremony that does not depend on the revoked key";
    /// Subjects, digests and bytes of the bundle do not belong together.
    SubjectMismatch = "subject-mismatch", RESTORE;
    /// The transcript's steps do not follow from one another.
    ChainBroken = "chain-broken", RECEREMONY;
    /// An attestation does not verify, or attests another step than the one that carries it.
    AttestationInvalid = "attestation-invalid", RECEREMONY;
    /// Statement and transcript tell different stories.
    TranscriptDisagrees = "transcript-disagrees", RECEREMONY;
    /// Fewer contributions count than the policy asks for.
    TooFewContributions = "too-few-contributions", ASK;
    /// The phase-1 start is an external file that the policy does not accept.
    Phase1Start = "phase1-start", EDIT;
    /// A verifying key of the wrong length.
    KeyLength = "key-length", RECEREMONY;
    /// A verifying key whose bytes are no canonical encoding.
    KeyEncoding = "key-encoding", RECEREMONY;
    /// A verifying key with a point that is not on its curve or not in its subgroup, or whose two forms are not the same points.
    KeyPoint = "key-point", RECEREMONY;
    /// A verifying key that no honest ceremony makes.
    KeyDegenerate = "key-degenerate", RECEREMONY;
    /// Compressed and uncompressed form are not the same key.
    KeyFormsDisagree = "key-forms-disagree", RECEREMONY;
    /// The committed snippet is not the canonical text of this bundle.
    SnippetStale = "snippet-stale", EMBED;
    /// A text that cannot stand in a document: too long, empty, or with control characters.
    Text = "text", "use printable characters only, within the length given";
    /// The signed bytes would be larger than the large key services sign.
    MessageTooLong = "message-too-long", "make two bundles, each with half of the circuits";
    /// The two bundles to be merged are not of the same statement.
    MergeMismatch = "merge-mismatch", "merge copies of one bundle only";
}

impl Code {
    /// Whether the call or its surroundings are at fault (exit code 2), rather than an artefact (exit code 1).
    #[must_use]
    pub const fn is_environment(self) -> bool {
        matches!(self, Self::Environment | Self::FileMissing)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal: see the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    code: Code,
    what: String,
    found: Option<String>,
    expected: Option<String>,
    hint: String,
}

/// `Result` of everything here.
pub type Result<T> = std::result::Result<T, Refusal>;

impl Refusal {
    /// A refusal with the code's usual hint. The text may quote untrusted input: control characters are made visible.
    #[must_use]
    pub fn new(code: Code, what: impl fmt::Display) -> Self {
        Self(Box::new(Parts {
            code,
            what: printable(what),
            found: None,
            expected: None,
            hint: code.usual_hint().into(),
        }))
    }

    /// Adds what was found.
    #[must_use]
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.0.found = Some(printable(found));
        self
    }

    /// Adds what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl fmt::Display) -> Self {
        self.0.expected = Some(printable(expected));
        self
    }

    /// Replaces the usual hint.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.0.hint = printable(hint);
        self
    }

    /// Names the thing in which the fault was found, in front of the message.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.0.what = format!("{}: {}", printable(place), self.0.what);
        self
    }

    /// The same refusal under another code, with that code's hint: for rules that are shared by several documents.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.0.hint = code.usual_hint().into();
        self.0.code = code;
        self
    }

    /// Puts a crate's own paths in the place of the usual ones in the hint.
    #[must_use]
    pub fn with_paths(mut self, policy: &str, bundle: &str, snippet: &str) -> Self {
        self.0.hint = self
            .0
            .hint
            .replace(USUAL_POLICY, policy)
            .replace(USUAL_BUNDLE, bundle)
            .replace(USUAL_SNIPPET, snippet);
        self
    }

    /// The reason, for programs.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The message without found, expected and hint.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// The command or the action that mends it.
    #[must_use]
    pub fn mend(&self) -> &str {
        &self.0.hint
    }

    /// 1 where the artefact is bad, 2 where the environment is.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.0.code.is_environment() { 2 } else { 1 }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.0.what, self.0.code)?;
        if let Some(found) = &self.0.found {
            write!(f, "\n  found     {found}")?;
        }
        if let Some(expected) = &self.0.expected {
            write!(f, "\n  expected  {expected}")?;
        }
        write!(f, "\nhint: {}", self.0.hint)
    }
}

impl std::error::Error for Refusal {}

/// Untrusted text for one line of a terminal or a log: nothing that moves the cursor, and not without end.
fn printable(text: impl fmt::Display) -> String {
    const LIMIT: usize = 600;
    let text = text.to_string();
    let mut line = String::new();
    for c in text.chars() {
        if line.len() >= LIMIT {
            line.push_str(" ...");
            break;
        }
        if is_plain(c) { line.push(c) } else { line.extend(c.escape_unicode()) }
    }
    line
}

/// Whether a character may stand in a document and on a terminal: no controls, and none of the invisible marks that reorder or hide text.
#[must_use]
pub fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_pairs_what_happened_with_what_to_do() {
        let refusal = Refusal::new(Code::PolicyPin, "the policy is not the pinned one")
            .found("aa")
            .expected("bb");
        assert_eq!(
            refusal.to_string(),
            "the policy is not the pinned one [policy-pin]\n  found     aa\n  expected  bb\nhint: if the change was reviewed, run `zk-ceremony policy pin \
             zk/trust-policy.json` and put its output in build.rs"
        );
        assert!(
            refusal
                .with_paths("p.json", "b", "s")
                .to_string()
                .ends_with("`zk-ceremony policy pin p.json` and put its output in build.rs")
        );
    }

    #[test]
    fn quoted_input_cannot_move_the_cursor_or_flood_the_log() {
        let refusal =
            Refusal::new(Code::Malformed, format!("a\x1b[2J\u{202e}\n{}", "x".repeat(5000)));
        assert!(refusal.what().starts_with(r"a\u{1b}[2J\u{202e}\u{a}xxx"));
        assert!(refusal.what().len() < 700);
    }
}
