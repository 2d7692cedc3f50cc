//! What text in this checkout promises: cited sections exist, lines fit, one name for the program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The files that git tracks, and new ones that it would, of one kind.
pub(crate) fn files(pattern: &str) -> Vec<(PathBuf, String)> {
    let listed = Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard", pattern])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success(), "git is needed to list the files of this checkout");
    let names = String::from_utf8(listed.stdout).unwrap();
    let read = |name: &str| {
        let text = std::fs::read_to_string(root().join(name)).ok()?;
        Some((PathBuf::from(name), text))
    };
    names.lines().filter_map(read).collect()
}

/// The numbers that follow `before` in a text whose line breaks and comment marks are taken out.
fn numbers_after(text: &str, before: &str) -> Vec<u32> {
    let flat: String = text
        .lines()
        .map(|line| line.trim_start().trim_start_matches(['/', '!', '#']).trim_start())
        .flat_map(|line| [line, " "])
        .collect();
    flat.match_indices(before)
        .filter_map(|(at, _)| {
            let rest = &flat[at + before.len()..];
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        })
        .collect()
}

#[test]
fn every_cited_section_of_the_specification_exists() {
    let formats = std::fs::read_to_string(root().join("docs/formats.md")).unwrap();
    let sections: BTreeSet<u32> = formats
        .lines()
        .filter_map(|line| line.strip_prefix("## ")?.split_once('.')?.0.parse().ok())
        .collect();
    assert!(sections.len() >= 13, "{sections:?}");
    let mut cited = 0;
    for (path, text) in files("*.rs").iter().chain(&files("*.md")) {
        for section in numbers_after(text, "docs/formats.md, section ") {
            assert!(sections.contains(&section), "{}: section {section}", path.display());
            cited += 1;
        }
        assert!(!text.contains(concat!("formats", " page")), "{}", path.display());
    }
    assert!(cited >= 20, "{cited} citations are left");
}

#[test]
fn comments_fit_into_100_columns() {
    // Code is the formatter's to break.
    for (path, text) in
        files("*.rs").into_iter().filter(|(path, _)| !path.starts_with("fuzz/seeds"))
    {
        for (i, line) in text.lines().enumerate().filter(|(_, line)| line.chars().count() > 100) {
            let line = line.trim_start();
            let is_table = line.contains("| ") || line.contains("://");
            // The text of snippets, which two builds must make alike.
            let is_snippet =
                path.ends_with("verifying_key.rs") || path.starts_with("zk-vk-guard/tests/golden");
            let breakable = line.starts_with("//") && !is_table && !is_snippet;
            assert!(!breakable, "{}:{}: {line}", path.display(), i + 1);
        }
    }
}

/// Where something of this name is defined in a module's file.
fn is_defined(text: &str, name: &str) -> bool {
    ["fn ", "struct ", "enum ", "trait ", "type ", "const ", "static "].iter().any(|kind| {
        text.match_indices(&format!("{kind}{name}")).any(|(at, found)| {
            !text[at + found.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
        })
    })
}

#[test]
fn every_place_that_the_specification_names_in_the_code_exists() {
    let formats = std::fs::read_to_string(root().join("docs/formats.md")).unwrap();
    let modules: Vec<(String, String)> = files("*/src/**.rs")
        .into_iter()
        .map(|(path, text)| {
            let path = path.with_extension("").to_string_lossy().replace("/src/", "/");
            (path.trim_end_matches("/mod").trim_end_matches("/lib").replace('-', "_"), text)
        })
        .collect();
    let named = |reference: &str| {
        let parts: Vec<&str> = reference.split("::").collect();
        if let [kind, variant] = parts[..]
            && kind.starts_with(char::is_uppercase)
        {
            let has =
                |(_, text): &(String, String)| is_defined(text, kind) && text.contains(variant);
            return modules.iter().any(has);
        }
        // A module; or something, or a method of something, in a module.
        (0..=2.min(parts.len() - 1)).any(|items| {
            let (module, items) = parts.split_at(parts.len() - items);
            let ending = format!("/{}", module.join("/"));
            modules.iter().any(|(path, text)| {
                let path = format!("/{path}");
                path.ends_with(&ending) && items.iter().all(|item| is_defined(text, item))
            })
        })
    };
    let mut count = 0;
    for reference in formats.split('`').skip(1).step_by(2).filter(|code| code.contains("::")) {
        let is_path = reference.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
        if is_path && !reference.contains("module::") {
            assert!(named(reference), "docs/formats.md names {reference}");
            count += 1;
        }
    }
    assert!(count > 50, "{count} places are named");
}

#[test]
fn hints_name_the_program_through_one_constant() {
    // Templates too: what they say is printed.
    let printed = ["*/src/**.toml", "*/templates/**"].into_iter().flat_map(files);
    let named: Vec<(PathBuf, usize)> = files("*/src/**.rs")
        .into_iter()
        .chain(printed)
        .map(|(path, text)| {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            (path, code.filter(|line| line.contains(concat!("cargo", " xtask"))).count())
        })
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(named, [(PathBuf::from("xtask/src/main.rs"), 1)]);
}
