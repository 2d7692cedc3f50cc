//! Every command of the documentation is one that this program has.

use clap::Parser as _;
use clap::error::ErrorKind;
use testkit::pages::{blocks, documentation, inline_calls};

use crate::cli::Cli;

/// A value that stands for a placeholder where the arguments are not just any text.
fn value(word: &str) -> String {
    match word {
        "RULES" | "SHA256" => "0".repeat(64),
        // A public key of RFC 8032.
        "KEY" => "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".into(),
        "ADDR" => "127.0.0.1:9464".into(),
        other => other.into(),
    }
}

/// What is wrong with a call. Spans of code, and calls with words left out, need not be complete.
fn wrong(call: &[String], is_complete: bool) -> Option<String> {
    let is_complete = is_complete && !call.iter().any(|word| word == "...");
    let words = call.iter().filter(|word| *word != "...").map(|word| value(word));
    let typed = std::iter::once("zk-ceremony".to_owned()).chain(words);
    let error = Cli::try_parse_from(typed).err()?;
    let is_fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => !is_complete,
        _ => false,
    };
    (!is_fine).then(|| error.to_string())
}

#[test]
fn every_command_in_the_documentation_is_understood() {
    let (mut shown, mut named) = (0, 0);
    for (page, text) in documentation() {
        let shells = blocks(&text).into_iter().filter(|block| block.is_shell());
        for call in shells.flat_map(|block| block.calls("zk-ceremony")) {
            let error = wrong(&call, true);
            assert!(error.is_none(), "{page}: {call:?}\n{}", error.unwrap_or_default());
            shown += 1;
        }
        for call in inline_calls(&text, "zk-ceremony") {
            let error = wrong(&call, false);
            assert!(error.is_none(), "{page}: {call:?}\n{}", error.unwrap_or_default());
            named += 1;
        }
    }
    assert!(shown > 130 && named > 30, "{shown} and {named} commands are left");
}

#[test]
fn a_command_or_an_option_that_does_not_exist_is_noticed() {
    let wrong = |line: &str, is_complete| {
        let call: Vec<String> = line.split(' ').map(str::to_owned).collect();
        wrong(&call, is_complete).is_some()
    };
    assert!(!wrong("ceremony status shared", true) && !wrong("ceremony status --help", true));
    assert!(wrong("ceremony state shared", true) && wrong("ceremony state shared", false));
    assert!(wrong("ceremony status shared --quick", false));
    assert!(wrong("ceremony archive --verify", true), "an option without its value");
    assert!(wrong("ceremony find shared", true) && !wrong("ceremony find shared", false));
    assert!(!wrong("ceremony find shared ...", true), "words are left out");
}
