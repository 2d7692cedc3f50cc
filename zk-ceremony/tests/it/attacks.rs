//! tests/attacks/: one folder per attack. Each says what it is, where it happened, what refuses it
//! and which test carries it out; this test holds it to that.
//!
//! 1. every folder has a README of one paragraph that names its test and what refuses it;
//! 2. the refusals exist in the sources, and so do the tests, as functions with `#[test]`;
//! 3. an attack that is a file (committed, or made by a recipe from an honest one) goes through the
//!    real reader or verifier, and is refused for that reason.

use testkit::paper as approval;
mod recipes;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use ceremony_core::format::FormatError;
use ceremony_core::format::ptau::{Power, Ptau};
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::verification_key::read_verification_key;
use ceremony_core::format::wtns::read_wtns;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::keygen::check_verifying_key;
use ceremony_core::phase1::challenge_response::{contribute_challenge, import_response};
use ceremony_core::phase1::contribute::{StepError, new};
use ceremony_core::phase1::verify::{
    Expectations, VerifyError as PtauError, verify as verify_ptau,
};
use ceremony_core::phase2::verify::{
    Expectations as KeyExpectations, VerifyError as KeyError, verify as verify_key,
};
use ceremony_core::progress::NoProgress;
use serde::Deserialize;
use zk_vk_guard::bundle::{Bundle, OnExpiry};
use zk_vk_guard::policy::{Policy, PolicyDocument};

/// attack.toml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    /// Where it happened to somebody, or is described.
    #[serde(default)]
    sources: Vec<String>,
    /// What refuses it: `guard:<code>`, `phase1:<check>`, `phase2:<check>`, `format:<defect>`,
    /// `json:<defect>`, `key:<defect>`, `step:<error>`, `status:<code>`.
    refused_by: Vec<String>,
    /// `<file>::<test>`.
    tests: Vec<String>,
    /// What reads the attack, where it is a file.
    reader: Option<String>,
    /// How the file is made.
    recipe: Option<String>,
    /// The file, where it is committed.
    file: Option<String>,
}

struct Folder {
    name: String,
    path: PathBuf,
    attack: Attack,
    readme: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn folders() -> Vec<Folder> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(root().join("tests/attacks")).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = |file: &str| {
            std::fs::read_to_string(path.join(file))
                .unwrap_or_else(|error| panic!("{name}/{file}: {error}"))
        };
        let attack = toml::from_str(&text("attack.toml"))
            .unwrap_or_else(|error| panic!("{name}/attack.toml: {error}"));
        folders.push(Folder { attack, readme: text("README.md"), name, path });
    }
    folders.sort_by(|a, b| a.name.cmp(&b.name));
    folders
}

#[test]
fn there_are_at_least_sixty_and_the_published_incidents_are_among_them() {
    let folders = folders();
    assert!(folders.len() >= 60, "{}", folders.len());
    for incident in [
        "phase-2-skipped",
        "decoding-error-becomes-infinity",
        "last-contribution-unchecked",
        "signature-counted-twice",
        "key-id-alias",
        "prehash-confusion",
        "surplus-parameter-elements",
        "public-input-aliasing",
        "zero-filled-truncation",
    ] {
        let folder = folders
            .iter()
            .find(|folder| folder.name == incident)
            .unwrap_or_else(|| panic!("{incident} is missing"));
        assert!(!folder.attack.sources.is_empty(), "{incident} happened: it needs its source");
    }
}

#[test]
fn every_readme_is_one_paragraph_that_names_sources_refusals_and_tests() {
    for Folder { name, attack, readme, .. } in folders() {
        let (title, paragraph) =
            readme.split_once("\n\n").unwrap_or_else(|| panic!("{name}: a title and a paragraph"));
        assert!(title.starts_with("# ") && !title.contains('\n'), "{name}: the title is one line");
        assert!(
            !paragraph.trim().contains("\n\n") && paragraph.len() > 150,
            "{name}: one paragraph"
        );
        assert!(
            !attack.refused_by.is_empty() && !attack.tests.is_empty(),
            "{name}: something refuses it, and a test shows that"
        );
        let sources = attack.sources.iter().map(String::as_str);
        let refusals = attack
            .refused_by
            .iter()
            .filter_map(|refusal| refusal.split_once(':'))
            .map(|(_, name)| name);
        let tests =
            attack.tests.iter().filter_map(|test| test.split_once("::")).map(|(_, name)| name);
        for said in sources.chain(refusals).chain(tests) {
            assert!(readme.contains(said), "{name}: the README does not name {said}");
        }
        assert!(attack.sources.iter().all(|source| source.starts_with("https://")), "{name}");
    }
}

/// Names of the functions of a file that are tests, modules included.
fn tests_of(file: &Path) -> BTreeSet<String> {
    fn collect(items: &[syn::Item], found: &mut BTreeSet<String>) {
        for item in items {
            match item {
                syn::Item::Fn(function)
                    if function.attrs.iter().any(|attribute| attribute.path().is_ident("test")) =>
                {
                    let ignored =
                        function.attrs.iter().any(|attribute| attribute.path().is_ident("ignore"));
                    found.extend((!ignored).then(|| function.sig.ident.to_string()));
                }
                syn::Item::Mod(module) => {
                    module.content.iter().for_each(|(_, items)| collect(items, found))
                }
                _ => {}
            }
        }
    }
    let text =
        std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut found = BTreeSet::new();
    collect(&syn::parse_file(&text).unwrap().items, &mut found);
    found
}

#[test]
fn every_test_that_an_attack_names_exists() {
    let mut missing = Vec::new();
    for Folder { name, attack, .. } in folders() {
        for test in &attack.tests {
            let (file, function) = test
                .split_once("::")
                .unwrap_or_else(|| panic!("{name}: {test} is not <file>::<test>"));
            if !tests_of(&root().join(file)).contains(function) {
                missing.push(format!("{name}: {file} has no test {function}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Names of the variants of an enum.
fn variants(file: &str, name: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let items = syn::parse_file(&text).unwrap().items;
    let found = items.into_iter().find_map(|item| match item {
        syn::Item::Enum(item) if item.ident == name => {
            Some(item.variants.iter().map(|variant| variant.ident.to_string()).collect())
        }
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{file} has no enum {name}"))
}

/// String literals of the Rust files of a folder, or of one file.
fn literals(path: &Path) -> BTreeSet<String> {
    if path.is_dir() {
        return std::fs::read_dir(path)
            .unwrap()
            .flat_map(|entry| literals(&entry.unwrap().path()))
            .collect();
    }
    fn collect(tokens: proc_macro2::TokenStream, found: &mut BTreeSet<String>) {
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Group(group) => collect(group.stream(), found),
                proc_macro2::TokenTree::Literal(literal) => {
                    found.extend(
                        syn::parse_str::<syn::LitStr>(&literal.to_string())
                            .ok()
                            .map(|literal| literal.value()),
                    );
                }
                _ => {}
            }
        }
    }
    let mut found = BTreeSet::new();
    collect(std::fs::read_to_string(path).unwrap().parse().unwrap(), &mut found);
    found
}

#[test]
fn every_refusal_that_an_attack_names_exists() {
    let of = |kind: &str| match kind {
        "guard" => literals(&root().join("zk-attest/src/error.rs")),
        "phase1" => variants("ceremony-core/src/phase1/report.rs", "Check"),
        "phase2" => variants("ceremony-core/src/phase2/report.rs", "Check"),
        "format" => variants("ceremony-core/src/format/mod.rs", "FormatError"),
        "json" => variants("ceremony-core/src/format/verification_key.rs", "JsonError"),
        "key" => variants("ceremony-core/src/phase2/degenerate.rs", "VerifyingKeyDefect"),
        "step" => variants("ceremony-core/src/phase1/error.rs", "StepError"),
        "verify" => variants("ceremony-core/src/phase1/error.rs", "VerifyError"),
        "folder" => variants("ceremony-folder/src/error.rs", "Cause"),
        "story" => variants("ceremony-folder/src/stray.rs", "Story"),
        "accept" => variants("ceremony-folder/src/refused.rs", "Refused"),
        "status" => literals(&root().join("zk-ceremony/src/commands/guard_status")),
        other => panic!("no kind of refusal {other}"),
    };
    for Folder { name, attack, .. } in folders() {
        for refusal in &attack.refused_by {
            let (kind, what) = refusal
                .split_once(':')
                .unwrap_or_else(|| panic!("{name}: {refusal} is not <kind>:<name>"));
            assert!(of(kind).contains(what), "{name}: there is no {refusal}");
        }
    }
}

/// The variant of an error.
fn variant(error: &impl Debug) -> String {
    let text = format!("{error:?}");
    text.chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn format_error(error: &FormatError) -> Vec<String> {
    vec![format!("format:{}", variant(error))]
}

/// Hands the bytes to what reads such files in earnest; answers with the refusals, none where the
/// attack succeeds.
fn refusals(reader: &str, bytes: &[u8], policy: Option<&PolicyDocument>) -> Vec<String> {
    let guard = |refusal: zk_vk_guard::Refusal| vec![format!("guard:{}", refusal.code())];
    let step = |error: StepError| match &error {
        StepError::Format(error) => format_error(error),
        error => vec![format!("step:{}", variant(error))],
    };
    let result = match reader {
        "ptau" => verify_ptau(Cursor::new(bytes), &Expectations::default(), &NoProgress)
            .map(drop)
            .map_err(|error| match error {
                PtauError::Format(error) => format_error(&error),
                PtauError::Failed(failure) => vec![format!("phase1:{}", variant(&failure.check))],
                error => vec![format!("verify:{}", variant(&error))],
            }),
        "zkey" => zkey(bytes),
        "r1cs" => R1cs::open(Cursor::new(bytes))
            .and_then(|mut r1cs| {
                let mut terms = r1cs.terms();
                while terms.next_chunk()?.is_some() {}
                Ok(())
            })
            .map_err(|error| format_error(&error)),
        "wtns" => read_wtns(Cursor::new(bytes)).map(drop).map_err(|error| format_error(&error)),
        "challenge" => {
            let rng = ceremony_core::entropy::ContributionRng::from_os_and_text(b"").unwrap();
            contribute_challenge(Cursor::new(bytes), Vec::new(), rng, &NoProgress)
                .map(drop)
                .map_err(step)
        }
        "response" => {
            let mut fresh = Cursor::new(Vec::new());
            new(Power::new(1).unwrap(), &mut fresh, &NoProgress).unwrap();
            let mut input = Ptau::open(fresh).unwrap();
            import_response(
                &mut input,
                Cursor::new(bytes),
                Cursor::new(Vec::new()),
                None,
                &NoProgress,
            )
            .map(drop)
            .map_err(step)
        }
        "verification_key" => match read_verification_key(bytes) {
            Ok(key) => check_verifying_key(&key, 1)
                .map_err(|defect| vec![format!("key:{}", variant(&defect))]),
            Err(error) => Err(vec![format!("json:{}", variant(&error))]),
        },
        "policy" => Policy::from_json(bytes).map(drop).map_err(guard),
        "bundle" => {
            let policy =
                Policy::from_json(&policy.expect("a bundle is held against a policy").to_json())
                    .unwrap();
            let now = approval::time(approval::NOW);
            Bundle::from_json(bytes)
                .and_then(|bundle| bundle.verify(&policy, &now, OnExpiry::Refuse))
                .map(drop)
                .map_err(guard)
        }
        other => panic!("no reader {other}"),
    };
    result.err().unwrap_or_default()
}

/// Every check of phase 2 that fails, against the circuit and the phase 1 of the recipes.
fn zkey(bytes: &[u8]) -> Result<(), Vec<String>> {
    let mut key = Zkey::open(Cursor::new(bytes)).map_err(|error| format_error(&error))?;
    let (circuit, phase1) = (recipes::circuit(), recipes::phase1());
    let (mut r1cs, mut ptau) =
        (R1cs::open(Cursor::new(circuit)).unwrap(), Ptau::open(Cursor::new(phase1)).unwrap());
    verify_key(&mut r1cs, &mut ptau, &mut key, &KeyExpectations::default(), &NoProgress)
        .map(drop)
        .map_err(|error| match error {
            KeyError::Refused(report) => {
                report.failed().iter().map(|check| format!("phase2:{}", variant(check))).collect()
            }
            KeyError::Key(error) => format_error(&error),
            error => panic!("{error}"),
        })
}

#[test]
fn every_attack_that_is_a_file_is_refused_for_the_stated_reason() {
    let (mut run, mut wrong) = (0, Vec::new());
    for Folder { name, path, attack, .. } in folders() {
        let Some(reader) = &attack.reader else {
            assert!(
                attack.recipe.is_none() && attack.file.is_none(),
                "{name}: what reads the file?"
            );
            continue;
        };
        let made = attack.recipe.as_ref().map(|recipe| {
            recipes::make(recipe).unwrap_or_else(|| panic!("{name}: no recipe {recipe}"))
        });
        let committed = attack.file.as_ref().map(|file| {
            std::fs::read(path.join(file)).unwrap_or_else(|error| panic!("{name}/{file}: {error}"))
        });
        assert!(made.is_some() || committed.is_some(), "{name}: a reader, and nothing to read");
        let policy = made.as_ref().and_then(|made| made.policy.as_ref());
        for bytes in committed.iter().chain(made.iter().map(|made| &made.bytes)) {
            let found = refusals(reader, bytes, policy);
            if found != attack.refused_by {
                wrong.push(format!("{name}: found {found:?}, expected {:?}", attack.refused_by));
            }
            run += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(run >= 60, "{run} files");
}

#[test]
fn what_the_attacks_are_made_from_is_accepted() {
    // Were it not, every refusal above would prove nothing.
    let ptau = testkit::ptau::Model::with_contributions(1, 1).bytes();
    assert!(refusals("ptau", &ptau, None).is_empty());
    let key = recipes::make("key/reordered")
        .map(|made| testkit::forge::with_records(&made.bytes, |records| records.swap(0, 1)))
        .unwrap();
    assert!(refusals("zkey", &key, None).is_empty());
    let ceremony = approval::Ceremony::new(zk_attest::primitives::CeremonyKind::Production);
    assert!(refusals("bundle", &ceremony.parts().json(), Some(&ceremony.policy())).is_empty());
    assert!(refusals("policy", &ceremony.policy().to_json(), None).is_empty());
    assert!(refusals("r1cs", &recipes::circuit(), None).is_empty());
}

/// Writes the files that folders commit: `cargo test -p xtask --test attacks -- --ignored write`.
#[test]
#[ignore = "writes into tests/attacks"]
fn write_the_committed_files() {
    for Folder { name, path, attack, .. } in folders() {
        if let (Some(file), Some(recipe)) = (&attack.file, &attack.recipe) {
            let made =
                recipes::make(recipe).unwrap_or_else(|| panic!("{name}: no recipe {recipe}"));
            std::fs::write(path.join(file), made.bytes).unwrap();
        }
    }
}
