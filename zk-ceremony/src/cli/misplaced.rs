//! A command that is asked for in the wrong place: `zk-ceremony verify shared/` names no command,
//! and three have that name one level below.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory as _, FromArgMatches as _};

use super::Cli;

/// Reads the process's arguments, or ends the process with the reason why they cannot be read.
pub(crate) fn parse() -> Cli {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let mut program = Cli::command();
    program
        .try_get_matches_from_mut(&arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches).map_err(|e| e.format(&mut program)))
        .unwrap_or_else(|error| suggest(error, &program, &arguments).exit())
}

/// Adds the places where a command of that name is.
fn suggest(mut error: clap::Error, program: &Command, arguments: &[OsString]) -> clap::Error {
    let name = match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(name))) => name.clone(),
        _ => return error,
    };
    let mut places = Vec::new();
    collect(program, "", &name, &mut places);
    if places.is_empty() {
        return error;
    }
    let after = arguments.iter().skip_while(|argument| *argument != name.as_str()).skip(1);
    if let Some(group) = after.clone().find_map(|argument| group_of(Path::new(argument))) {
        places.sort_by_key(|place| !place.starts_with(group));
    }
    error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(places));
    error
}

/// The commands of this name, with those above them.
fn collect(command: &Command, above: &str, name: &str, places: &mut Vec<String>) {
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        let path = format!("{above}{}", below.get_name());
        if below.get_name() == name && !above.is_empty() {
            places.push(path.clone());
        }
        collect(below, &format!("{path} "), name, places);
    }
}

/// The group of commands that takes a file like this one.
fn group_of(path: &Path) -> Option<&'static str> {
    match path.extension().and_then(|it| it.to_str()) {
        Some("ptau") => Some("ptau "),
        Some("zkey") => Some("zkey "),
        Some("json") => Some("bundle "),
        _ => path.is_dir().then_some("ceremony "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(arguments: &[&str]) -> String {
        let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
        let mut program = Cli::command();
        let error = program.try_get_matches_from_mut(&arguments).unwrap_err();
        suggest(error, &program, &arguments).to_string()
    }

    #[test]
    fn a_command_in_the_wrong_place_is_shown_its_places_the_fitting_one_first() {
        let folder = said(&["zk-ceremony", "verify", "/"]);
        let places = ["'ceremony verify'", "'ptau verify'", "'zkey verify'", "'bundle verify'"];
        for place in places {
            assert!(folder.contains(place), "{place}: {folder}");
        }
        assert!(folder.find("'ceremony verify'") < folder.find("'ptau verify'"), "{folder}");
        let ptau = said(&["zk-ceremony", "verify", "a.ptau"]);
        assert!(ptau.find("'ptau verify'") < ptau.find("'ceremony verify'"), "{ptau}");
        assert!(said(&["zk-ceremony", "join", "https://example.org"]).contains("'ceremony join'"));
    }

    #[test]
    fn a_name_that_no_command_has_is_shown_similar_ones_of_the_same_place() {
        assert!(said(&["zk-ceremony", "bundel"]).contains("'bundle'"));
        assert!(!said(&["zk-ceremony", "qqqq"]).contains("tip:"));
    }
}
