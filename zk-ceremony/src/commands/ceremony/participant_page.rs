//! `PARTICIPANT.md`: what a participant does, with the names, dates and digests of one ceremony, as
//! one page that a coordinator can mail.
//!
//! No one signs it and no command reads it: it tells people what to compare, and with what. Names
//! and descriptions come from the rules, so that none of them stands in a command, and each is
//! written so that a reader of Markdown sees it and nothing else.

use ceremony_folder::Config;
use ceremony_folder::config::{Order, PlannedBeacon};
use zk_attest::primitives::{CeremonyKind, Label};
use zk_attest::statement::Phase;

/// The page, with a word between double braces where the rules have something to say. Filled with
/// the rules of `ceremony new --template` it is docs/roles/participant.md.
const TEMPLATE: &str = include_str!("participant.md");

/// The page for these rules, as the folder has it.
pub(super) fn page(config: &Config) -> String {
    // The comments are for the tests of the documentation.
    let lines = TEMPLATE.split_inclusive('\n').filter(|line| !line.starts_with("<!--"));
    filled(&lines.collect::<String>(), config)
}

/// A template with every word between double braces replaced, in one pass: what is filled in is not
/// looked through again.
fn filled(template: &str, config: &Config) -> String {
    let mut page = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{")
        && let Some((word, after)) = after.split_once("}}")
    {
        page += before;
        page += &value(word, config);
        rest = after;
    }
    page + rest
}

/// What the rules say for one word of the template.
fn value(word: &str, config: &Config) -> String {
    let rules = config.document();
    match word {
        "id" => rules.id.to_string(),
        "kind" if rules.kind == CeremonyKind::Rehearsal => {
            "a rehearsal: its keys are for tests only".into()
        }
        "kind" => rules.kind.to_string(),
        "rules" => config.digest().to_string(),
        "coordinator" => {
            let (name, key) = (&rules.coordinator.name, &rules.coordinator.key);
            format!("{}, key {}, `{key}`", plain(name), key.fingerprint())
        }
        "phase1" => phase(config, Phase::One),
        "phase2" => phase(config, Phase::Two),
        "turns" => match rules.order {
            Order::Roster => "in the order of the table of participants".into(),
            Order::Any => "in any order".into(),
        },
        "circuits" => rows(rules.circuits.iter().map(|circuit| {
            format!("| {} | {} | `{}` |", circuit.name, plain(&circuit.program), circuit.sha256)
        })),
        "participants" => rows(rules.participants.iter().map(|participant| {
            let phases: Vec<String> =
                participant.phases.iter().map(|phase| u8::from(*phase).to_string()).collect();
            let (key, phases) = (&participant.key, phases.join(", "));
            let name = plain(&participant.name);
            format!("| {name} | {phases} | {}, `{key}` |", key.fingerprint())
        })),
        "joining" => rules.enrolment.as_ref().map_or_else(String::new, |rule| {
            format!(
                "\nUp to {} people may join while the ceremony goes on: make a key as in step 2, and \
                 add `--enrol` to the command of step 3: it sends your signed request, waits until \
                 the coordinator adds you, and goes on. Run again, it finds the request.\n",
                rule.maximum
            )
        }),
        "commitments" if config.asks_for_committed_secrets() => {
            "\nIn this ceremony everyone commits to their secrets before the first contribution of a \
             phase. Take part over a network only, be there when the phase begins, and leave `join` \
             running until you have contributed: after its commitment it cannot come back. \
             Contributions by files are refused.\n"
                .into()
        }
        _ => String::new(),
    }
}

/// Until when a phase takes contributions, and how many it needs.
fn phase(config: &Config, phase: Phase) -> String {
    let Some(plan) = config.beacon(phase) else {
        let start = config.document().phase1_start.as_ref();
        return start.map_or_else(String::new, |start| {
            format!("taken from {}, SHA-256 `{}`", plain(&start.description), start.sha256)
        });
    };
    let minimum = config.minimum(phase);
    format!("at least {minimum} contributions, until {}", end(plan))
}

fn end(plan: &PlannedBeacon) -> String {
    let PlannedBeacon { source, round, .. } = plan;
    let round = format!("round {round} of {}", plain(source));
    match plan.time() {
        Some(time) => format!("{time}, when {round} is published"),
        None => format!("the beacon, {round}"),
    }
}

fn rows(rows: impl Iterator<Item = String>) -> String {
    rows.collect::<Vec<_>>().join("\n")
}

/// A text of the rules as Markdown that shows just that text, in a cell of a table as well.
fn plain(text: &Label) -> String {
    let mut shown = String::new();
    for letter in text.as_str().chars() {
        if r"\`*_[]<>|&~$".contains(letter) {
            shown.push('\\');
        }
        shown.push(letter);
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::new::TEMPLATE as RULES;
    use super::*;

    fn rules(edit: impl FnOnce(String) -> String) -> Config {
        Config::from_toml(edit(RULES.into()).as_bytes()).unwrap()
    }

    #[test]
    fn the_page_of_the_documentation_is_the_template_with_the_example_rules() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/roles/participant.md");
        let page = filled(TEMPLATE, &rules(|toml| toml));
        if std::env::var("GOLDEN").is_ok_and(|value| value == "write") {
            std::fs::write(&path, &page).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap();
        assert!(
            found == page,
            "docs/roles/participant.md is not the filled template: edit \
             zk-ceremony/src/commands/ceremony/participant.md, and run this test with GOLDEN=write"
        );
    }

    #[test]
    fn every_word_of_the_template_is_filled_and_no_comment_is_left() {
        let page = page(&rules(|toml| toml));
        assert!(!page.contains("{{") && !page.contains("}}") && !page.contains("<!--"), "{page}");
        for said in [
            "# Take part in the ceremony example-2027-01\n",
            "| phase 1 | at least 3 contributions, until 2027-",
            "| Alice | 1, 2 | ",
            "when round 40600000 of drand quicknet is published |",
            "| attestation | boot attestation v1 | `0000",
        ] {
            assert!(page.contains(said), "{said}\n{page}");
        }
        assert!(page.contains(&rules(|toml| toml).digest().to_string()));
        let names: Vec<&str> = TEMPLATE
            .split("{{")
            .skip(1)
            .map(|rest| rest.split_once("}}").unwrap().0)
            .filter(|word| !["joining", "commitments"].contains(word))
            .collect();
        for word in names {
            assert!(!value(word, &rules(|toml| toml)).is_empty(), "{word} is no word of the rules");
        }
    }

    #[test]
    fn a_name_is_shown_as_it_is_and_begins_nothing() {
        let name = "[x](https://a.example) | `b` <c> {{rules}} $(d)";
        let page = page(&rules(|toml| toml.replacen("\"Alice\"", &format!("{name:?}"), 1)));
        let row = page.lines().find(|line| line.contains("https")).unwrap();
        assert!(
            row.starts_with(
                "| \\[x\\](https://a.example) \\| \\`b\\` \\<c\\> {{rules}} \\$(d) | 1, 2 | "
            ),
            "{row}"
        );
        assert_eq!(page.matches("a.example").count(), 1, "no command has a name");
    }

    #[test]
    fn enrolment_commitments_and_a_start_from_elsewhere_are_said() {
        let without_phase1 = |toml: String| {
            toml.replace("phase1 = 3\n", "").replacen(
                "[[circuits]]",
                "[phase1_start]\nsha256 = \"00000000000000000000000000000000000000000000000000000000000000aa\"\n\
                 description = \"hez_final_14\"\n\n[enrolment]\nphases = [2]\nmaximum = 7\n\n[[circuits]]",
                1,
            )
        };
        let page_of = |edit: &dyn Fn(String) -> String| page(&rules(edit));
        let there = page_of(&without_phase1);
        assert!(there.contains("| phase 1 | taken from hez\\_final\\_14, SHA-256 `00"), "{there}");
        assert!(there.contains("\nUp to 7 people may join"), "{there}");
        let committed = page_of(&|toml| {
            toml.replacen("[[circuits]]", "[commitments]\nsecrets = true\n\n[[circuits]]", 1)
        });
        assert!(committed.contains("\nIn this ceremony everyone commits"), "{committed}");
        let usual = page_of(&|toml| toml);
        assert!(!usual.contains("everyone commits") && !usual.contains("may join"), "{usual}");
    }
}
