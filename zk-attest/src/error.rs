//! Why something was refused: a code, what is wrong and where, what was found, what was expected,
//! and how to fix it.
//!
//! There is one type, [`Refusal`]. People read its `Display` in a build log; programs (tests,
//! reports, exit codes) use its accessors, or convert it into a [`Diagnostic`].

use std::fmt;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Blame, Diagnostic};

/// The name of the program in hints: one literal, for [`crate::program`] and for `concat!`.
macro_rules! program {
    () => {
        "zk-ceremony"
    };
}
pub(crate) use program;

/// The usual paths of the three files, which hints name. The build script puts the crate's own
/// paths in their place.
pub const USUAL_POLICY: &str = "zk/trust-policy.json";
/// See [`USUAL_POLICY`].
pub const USUAL_BUNDLE: &str = "zk/bundle.json";
/// See [`USUAL_POLICY`].
pub const USUAL_SNIPPET: &str = "zk/verifying_key.rs";
/// How to get the two programs that hints name: they are on no registry.
pub const HOW_TO_INSTALL: &str = concat!(
    "zk-embed and ",
    program!(),
    " are on no registry, and who has taken their names there is not this project: in a checkout \
     of this project, run `cargo install --locked --path zk-embed` or `cargo install --locked \
     --path ",
    program!(),
    "`"
);

const EMBED: &str = "run `zk-embed --bundle zk/bundle.json --policy zk/trust-policy.json --out \
                     zk/verifying_key.rs`";
const ASK: &str = concat!(
    "run `",
    program!(),
    " bundle inspect zk/bundle.json --policy zk/trust-policy.json` and ask the release authority \
     for an approved bundle"
);
const PIN: &str = concat!(
    "if the change was reviewed, run `",
    program!(),
    " policy pin zk/trust-policy.json` and put its output in build.rs"
);
const EDIT: &str = concat!(
    "correct zk/trust-policy.json, then run `",
    program!(),
    " policy pin zk/trust-policy.json`"
);
const RESTORE: &str = "restore the committed file: `git checkout -- zk/bundle.json`";
const RECEREMONY: &str = concat!(
    "verify the ceremony's files with `",
    program!(),
    " ptau verify` and `",
    program!(),
    " zkey verify`, and make the bundle again from a chain that verifies"
);
const KEY_FORM: &str = concat!(
    "give 64 hex digits; `",
    program!(),
    " key show FILE` converts SPKI PEM and ssh-ed25519"
);
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

            /// How it is usually fixed.
            const fn usual_hint(self) -> &'static str {
                match self { $(Self::$name => $hint,)+ }
            }
        }
    };
}

codes! {
    /// A directory, a missing variable, an unwritable file: the environment, not the artefact.
    Environment = "environment", ENVIRONMENT;
    /// The cargo feature and the compiler's `cfg` disagree: one of them is forced.
    FeatureForced = "feature-forced",
        "switch the feature on with `--features zk-vk-provisioned`, never with `--cfg`; unset \
         RUSTFLAGS";
    /// A file that the guard needs is absent.
    FileMissing = "file-missing", "name a file that exists";
    /// Not a regular file.
    FileKind = "file-kind", "name a regular file";
    /// The path leads out of the package.
    FileOutside = "file-outside",
        "keep the file inside the package, without symbolic links that leave it";
    /// Larger than its limit.
    TooLarge = "too-large",
        "name the right file: no file of this kind is so large";
    /// Not JSON, not this schema: unknown, repeated or missing fields, values out of range.
    Malformed = "malformed", RESTORE;
    /// A document of an older or a newer version of its format.
    FormatVersion = "format-version",
        "the document was written by a newer version: update zk-ceremony, zk-embed and zk-vk-guard";
    /// It parses, but it is not the one canonical encoding of what it says.
    NotCanonical = "not-canonical", RESTORE;
    /// The envelope holds another type of payload.
    PayloadType = "payload-type", ASK;
    /// The statement or its predicate has another type.
    PredicateType = "predicate-type", ASK;
    /// The text of a public key has an unknown form.
    KeyFormat = "key-format", KEY_FORM;
    /// A public key of small order, or not canonically encoded: anyone can sign for it.
    WeakKey = "weak-key",
        "replace the key: `openssl genpkey -algorithm ed25519` makes one";
    /// A signature that does not verify under the key named for it.
    BadSignature = "bad-signature", "sign again with the named key";
    /// The policy's digest is not the literal in build.rs.
    PolicyPin = "policy-pin", PIN;
    /// The policy contradicts itself.
    PolicyUnsound = "policy-unsound", EDIT;
    /// The policy's own last day has passed.
    PolicyExpired = "policy-expired", "review the policy, move its not_after, and pin it again";
    /// Fewer distinct keys of a role have signed than the policy asks for.
    ThresholdNotMet = "threshold-not-met", ASK;
    /// The bundle's kind does not match the policy.
    KindNotAllowed = "kind-not-allowed", ASK;
    /// A rehearsal policy in a build that did not allow rehearsals.
    RehearsalNotAllowed = "rehearsal-not-allowed",
        "use a production policy, or, in a crate that is never released, add `.allow_rehearsal()` in \
         build.rs";
    /// The circuits of bundle and policy differ.
    WrongCircuit = "wrong-circuit", ASK;
    /// Older than the policy (or the committed snippet) accepts.
    SerialTooLow = "serial-too-low", "take the newest bundle from the release authority";
    /// Past its last day.
    Expired = "expired", "ask the release authority for a bundle with a later not_after";
    /// The policy revokes this transcript.
    TranscriptRevoked = "transcript-revoked", "take the bundle of another ceremony";
    /// The policy revokes a key that this depends on.
    KeyRevoked = "key-revoked",
        "take a bundle of a ceremony that does not depend on the revoked key";
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
    /// A beacon whose value was not verified with the key of its source, or does not verify.
    BeaconUnverified = "beacon-unverified", ASK;
    /// The phase-1 start is an external file that the policy does not accept.
    Phase1Start = "phase1-start", EDIT;
    /// A verifying key of the wrong length.
    KeyLength = "key-length", RECEREMONY;
    /// A verifying key whose bytes are not its canonical encoding.
    KeyEncoding = "key-encoding", RECEREMONY;
    /// A verifying key with a point that is not on its curve or not in its subgroup, or whose two
    /// forms are different points.
    KeyPoint = "key-point", RECEREMONY;
    /// A verifying key that no honest ceremony produces.
    KeyDegenerate = "key-degenerate", RECEREMONY;
    /// The compressed and uncompressed forms are different keys.
    KeyFormsDisagree = "key-forms-disagree", RECEREMONY;
    /// The committed snippet is not the canonical text of this bundle.
    SnippetStale = "snippet-stale", EMBED;
    /// A text that a document cannot hold: too long, empty, or with control characters.
    Text = "text", "use printable characters only, within the given length";
    /// The signed bytes would be larger than the large key services sign.
    MessageTooLong = "message-too-long", "shorten the texts of the statement";
    /// The two bundles to merge hold different statements.
    MergeMismatch = "merge-mismatch", "merge copies of the same bundle only";
}

impl Code {
    /// Whether the call or its environment is at fault (exit code 2) and not an artefact (exit code
    /// 1).
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

/// See the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    code: Code,
    place: Place,
    what: String,
    found: Option<String>,
    expected: Option<String>,
    hint: String,
}

/// Where a fault was found: a file, a part of a document, both, or neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    file: Option<PathBuf>,
    parts: Vec<String>,
}

impl Place {
    /// The file.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The parts of the document, from the outside in.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    fn is_empty(&self) -> bool {
        self.file.is_none() && self.parts.is_empty()
    }
}

/// The file, then the parts, with colons between them.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.iter().map(|file| printable(file.display()));
        let all: Vec<String> = file.chain(self.parts.iter().cloned()).collect();
        f.write_str(&all.join(": "))
    }
}

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Refusal>;

impl Refusal {
    /// A refusal with the code's usual hint. The text may quote untrusted input: control characters
    /// are made visible.
    #[must_use]
    pub fn new(code: Code, what: impl fmt::Display) -> Self {
        Self(Box::new(Parts {
            code,
            place: Place::default(),
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

    /// Names the part of a document that the fault is in. Called again, it names what encloses that
    /// part.
    #[must_use]
    pub fn within(mut self, part: impl fmt::Display) -> Self {
        self.0.place.parts.insert(0, printable(part));
        self
    }

    /// Names the file that the fault is in.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.0.place.file = Some(file.into());
        self
    }

    /// The same refusal under another code, with that code's hint: for rules that several documents
    /// share.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.0.hint = code.usual_hint().into();
        self.0.code = code;
        self
    }

    /// Replaces the usual paths in the hint by a crate's own.
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

    /// Where the fault is, if that is known.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        Some(&self.0.place).filter(|place| !place.is_empty())
    }

    /// What is wrong, in one line, without the place.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// As it is.
    #[must_use]
    pub fn found_text(&self) -> Option<&str> {
        self.0.found.as_deref()
    }

    /// As it should be.
    #[must_use]
    pub fn expected_text(&self) -> Option<&str> {
        self.0.expected.as_deref()
    }

    /// The command or the action that fixes it.
    #[must_use]
    pub fn hint_text(&self) -> &str {
        &self.0.hint
    }

    /// Whether nothing more fitting was said than the code's usual hint.
    #[must_use]
    pub fn has_usual_hint(&self) -> bool {
        self.0.hint == self.0.code.usual_hint()
    }

    /// Whether the code's usual hint runs one of this project's own programs: see
    /// [`HOW_TO_INSTALL`].
    #[must_use]
    pub fn hint_needs_our_programs(&self) -> bool {
        matches!(self.0.code.usual_hint(), EMBED | ASK | PIN | EDIT | RECEREMONY | KEY_FORM)
    }

    /// What is at fault.
    #[must_use]
    pub fn blame(&self) -> Blame {
        if self.0.code.is_environment() { Blame::Environment } else { Blame::Artefact }
    }
}

impl From<Refusal> for Diagnostic {
    fn from(refusal: Refusal) -> Self {
        let blame = refusal.blame();
        let place = refusal.place().map(ToString::to_string);
        let Parts { code, what, found, expected, hint, .. } = *refusal.0;
        Self { code: code.as_str().into(), place, what, found, expected, hint: Some(hint), blame }
    }
}

impl From<&Refusal> for Diagnostic {
    fn from(refusal: &Refusal) -> Self {
        refusal.clone().into()
    }
}

impl Refusal {
    /// The message without the hint, for a report that says more than what to do about one of its
    /// lines.
    #[must_use]
    pub fn without_hint(&self) -> String {
        let place = self.place().map_or_else(String::new, |place| format!("{place}: "));
        let mut text = format!("{place}{} [{}]", self.0.what, self.0.code);
        for (name, value) in [("found   ", &self.0.found), ("expected", &self.0.expected)] {
            if let Some(value) = value {
                text += &format!("\n  {name}  {value}");
            }
        }
        text
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nhint: {}", self.without_hint(), self.0.hint)
    }
}

impl std::error::Error for Refusal {}

/// Untrusted text as one line of a terminal or a log: nothing that moves the cursor, and bounded.
fn printable(text: impl fmt::Display) -> String {
    one_line(&text.to_string(), 600)
}

/// Untrusted text as one line of a terminal or a log: nothing that moves the cursor, hides or
/// reorders what is around it, and no more than about so many bytes.
#[must_use]
pub fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    for c in text.chars() {
        if line.len() >= limit {
            line.push_str(" ...");
            break;
        }
        if is_plain(c) { line.push(c) } else { line.extend(c.escape_unicode()) }
    }
    line
}

/// Whether documents and terminals may show a character: no controls, and none of the invisible
/// marks that reorder or hide text.
#[must_use]
pub fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every character that hides or turns text, as Unicode has them: formats (Cf) and separators
    /// of lines, but for the ones that take part in words.
    #[test]
    fn a_plain_character_neither_hides_nor_turns_what_is_around_it() {
        for c in [
            "\u{0}",
            "\n",
            "\u{1b}",
            "\u{7f}",
            "\u{9b}",
            "\u{ad}",
            "\u{61c}",
            "\u{200b}",
            "\u{200f}",
            "\u{2028}",
            "\u{202e}",
            "\u{2060}",
            "\u{2066}",
            "\u{206f}",
            "\u{feff}",
            "\u{fff9}",
            "\u{fffb}",
            "\u{e0000}",
            "\u{e0041}",
            "\u{e0fff}",
        ]
        .concat()
        .chars()
        {
            assert!(!is_plain(c), "{c:?}");
        }
        assert!("aZ9 -_.é漢字🙂".chars().all(is_plain));
    }

    #[test]
    fn a_refusal_pairs_what_happened_with_what_to_do() {
        let refusal = Refusal::new(Code::PolicyPin, "the policy is not the pinned one")
            .found("aa")
            .expected("bb");
        assert_eq!(
            refusal.to_string(),
            "the policy is not the pinned one [policy-pin]\n  found     aa\n  expected  bb\nhint: \
             if the change was reviewed, run `zk-ceremony policy pin zk/trust-policy.json` and \
             put its output in build.rs"
        );
        assert!(
            refusal
                .with_paths("p.json", "b", "s")
                .to_string()
                .ends_with("`zk-ceremony policy pin p.json` and put its output in build.rs")
        );
    }

    #[test]
    fn a_refusal_is_a_diagnostic_with_the_same_parts() {
        let refusal = Refusal::new(Code::Malformed, "not hex")
            .found("zz")
            .within("at line 1")
            .within("bundle")
            .in_file("zk/bundle.json");
        assert_eq!(
            Diagnostic::from(&refusal),
            Diagnostic::artefact("malformed", "not hex")
                .at("zk/bundle.json: bundle: at line 1")
                .found("zz")
                .hint(RESTORE)
        );
        assert!(
            refusal
                .to_string()
                .starts_with("zk/bundle.json: bundle: at line 1: not hex [malformed]\n  found")
        );
        for code in [Code::Environment, Code::FileMissing] {
            let refusal = Refusal::new(code, "gone");
            assert_eq!((refusal.blame().exit_code(), refusal.place()), (2, None));
            assert_eq!(Diagnostic::from(refusal).blame, Blame::Environment);
        }
    }

    #[test]
    fn quoted_input_cannot_move_the_cursor_or_flood_the_log() {
        let refusal =
            Refusal::new(Code::Malformed, format!("a\x1b[2J\u{202e}\n{}", "x".repeat(5000)));
        assert!(refusal.what().starts_with(r"a\u{1b}[2J\u{202e}\u{a}xxx"));
        assert!(refusal.what().len() < 700);
    }
}
