//! Every block of commands in the pages for users is run by a test, or says why it is not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use testkit::pages::{Block, Told, blocks};

use crate::prose::{files, root};

/// The test that plays a page: it runs all blocks of which the page says nothing, in their order.
const PLAYS: &str = "zk-ceremony/tests/it/pages.rs";

/// Where the tests of the command line have theirs.
const KITS: &str = "zk-ceremony/tests/it";

fn pages() -> Vec<(PathBuf, String)> {
    let mut pages = files("docs/roles/*.md");
    for name in ["README.md", "RUNBOOK.md"] {
        pages.push((name.into(), std::fs::read_to_string(root().join(name)).unwrap()));
    }
    pages
}

/// The functions that are tests, each with the text of its file and of the kits that it uses.
fn tests() -> BTreeMap<String, String> {
    let sources: BTreeMap<PathBuf, String> =
        files("*/tests/**.rs").into_iter().chain(files("*/src/**.rs")).collect();
    let mut tests = BTreeMap::new();
    for (path, text) in &sources {
        let mut kits = vec![path.with_file_name("mod.rs")];
        if path.starts_with(KITS) {
            kits.extend(["kit/ceremony.rs", "network/mod.rs"].map(|it| Path::new(KITS).join(it)));
        }
        let known = kits.iter().filter_map(|kit| sources.get(kit)).fold(text.clone(), |a, b| a + b);
        for part in text.split("#[test]").skip(1) {
            let after = part.split_once("fn ").map(|(_, after)| after.split('(').next());
            if let Some(Some(name)) = after {
                tests.insert(name.to_owned(), known.clone());
            }
        }
    }
    tests
}

/// What is wrong with a block of commands, if anything is.
fn wrong(block: &Block, is_played: bool, tests: &BTreeMap<String, String>) -> Option<String> {
    match &block.told {
        Told::NotRun(reason) if reason.len() > 10 => None,
        Told::NotRun(_) => Some("give the reason in words".into()),
        Told::RunBy(names) => {
            if let Some(name) = names.iter().find(|name| !tests.contains_key(*name)) {
                return Some(format!("no test is {name}"));
            }
            let texts: Vec<&String> = names.iter().filter_map(|name| tests.get(name)).collect();
            // A file has the command's first words.
            let is_word = |word: &&String| {
                let is_letter = |c: char| c.is_ascii_lowercase() || c == '-';
                word.starts_with(char::is_alphabetic) && word.chars().all(is_letter)
            };
            let known = |words: &String| {
                let first = format!("\"{}\"", words.split(' ').next().unwrap_or_default());
                texts.iter().any(|text| text.contains(words) || text.contains(&first))
            };
            let calls = block.calls("zk-ceremony").into_iter();
            let mut words = calls.map(|call| {
                call.iter().take(2).take_while(is_word).cloned().collect::<Vec<_>>().join(" ")
            });
            let unknown = words.find(|words| !known(words))?;
            Some(format!("{} is in a file that does not run `{unknown}`", names.join(", ")))
        }
        Told::Nothing if is_played && block.language == "sh" => None,
        Told::Nothing => {
            Some("write <!-- run by: TEST --> or <!-- not run: REASON --> above".into())
        }
    }
}

#[test]
fn every_block_of_commands_is_run_by_a_test_or_says_why_not() {
    let plays = std::fs::read_to_string(root().join(PLAYS)).unwrap();
    let tests = tests();
    let mut count = 0;
    for (page, text) in pages() {
        let name = page.display().to_string();
        let is_played = plays.contains(&format!("\"{name}\""));
        for block in blocks(&text) {
            let here = format!("{name}:{}", block.line);
            let languages = ["sh", "powershell", "text", "toml", "rust", "yaml"];
            assert!(languages.contains(&block.language.as_str()), "{here}: name the language");
            if block.is_shell() {
                let found = wrong(&block, is_played, &tests);
                assert!(found.is_none(), "{here}: {}", found.unwrap_or_default());
                count += 1;
            } else {
                let called = [block.calls("zk-ceremony"), block.calls("zk-embed")].concat();
                assert!(called.is_empty() || block.language != "text", "{here}: commands are `sh`");
            }
        }
    }
    assert!(count > 90, "{count} blocks are left");
}

#[test]
fn a_block_without_a_word_or_with_the_name_of_no_test_is_noticed() {
    let tests = tests();
    let of = |page: &str, is_played| wrong(&blocks(page)[0], is_played, &tests);
    let block = "```sh\nzk-ceremony ceremony verify shared\n```\n";
    assert!(of(block, true).is_none() && of(block, false).is_some());
    assert!(of(&block.replace("sh\n", "powershell\n"), true).is_some(), "no test runs those");
    for (said, good) in [
        ("not run: needs a token", true),
        ("not run: x", false),
        ("run by: no_such_test", false),
        ("run by: two_people_and_a_coordinator_make_keys_that_both_tools_accept", true),
        ("run by: every_link_inside_the_documentation_leads_somewhere", false),
    ] {
        assert_eq!(of(&format!("<!-- {said} -->\n{block}"), false).is_none(), good, "{said}");
    }
}
