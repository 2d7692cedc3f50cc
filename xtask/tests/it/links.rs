//! Links of the documentation lead somewhere, and so do the places that messages name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::prose::{files, root};

/// The text of a page without its blocks and spans of code.
fn prose(markdown: &str) -> String {
    let mut text = String::new();
    let mut is_block = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        } else if !is_block {
            let spans = line.split('`').enumerate();
            text.extend(spans.filter(|(i, _)| i % 2 == 0).map(|(_, part)| part));
            text.push('\n');
        }
    }
    text
}

/// What the links of a page lead to.
fn targets(markdown: &str) -> Vec<String> {
    // A text can end in a new line, an address cannot have one.
    let text = prose(markdown);
    text.match_indices("](")
        .filter_map(|(at, opening)| text[at + opening.len()..].split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

/// The places of a page, as a code host names its headings.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut is_block = false;
    let mut anchors = BTreeSet::new();
    for line in markdown.lines() {
        is_block ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if is_block || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let name: String = heading.trim().to_lowercase().chars().filter(kept).collect();
        let name = name.replace(' ', "-");
        let count = seen.entry(name.clone()).or_default();
        anchors.insert(if *count == 0 { name } else { format!("{name}-{count}") });
        *count += 1;
    }
    anchors
}

fn pages() -> BTreeMap<PathBuf, String> {
    files("*.md").into_iter().collect()
}

/// Whether a link of a page leads to something of this checkout. `None` for other places.
fn leads_somewhere(pages: &BTreeMap<PathBuf, String>, page: &Path, target: &str) -> Option<bool> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = page.parent().unwrap();
    let path = if path.is_empty() { page.to_owned() } else { folder.join(path) };
    let Ok(real) = root().join(&path).canonicalize() else { return Some(false) };
    if anchor.is_empty() {
        return Some(true);
    }
    let found = pages.get(real.strip_prefix(root()).unwrap());
    Some(found.is_some_and(|text| anchors(text).contains(anchor)))
}

#[test]
fn every_link_inside_the_documentation_leads_somewhere() {
    let pages = pages();
    let mut count = 0;
    for (page, text) in &pages {
        for target in targets(text) {
            let Some(good) = leads_somewhere(&pages, page, &target) else { continue };
            assert!(good, "{}: nothing is at {target}", page.display());
            count += 1;
        }
    }
    assert!(count > 120, "{count} links are left");
}

#[test]
fn a_link_to_a_missing_page_or_heading_is_noticed() {
    let text = "# A head\n## A head\n[a](#a-head-1) [b](b.md) `[c](c.md)`\n```\n# no head\n```\n";
    let pages = BTreeMap::from([(PathBuf::from("README.md"), text.to_owned())]);
    assert_eq!(targets(text), ["#a-head-1", "b.md"]);
    let is_good = |target| leads_somewhere(&pages, Path::new("README.md"), target);
    for target in ["#a-head", "#a-head-1", "docs", "RUNBOOK.md"] {
        assert_eq!(is_good(target), Some(true), "{target}");
    }
    for target in ["#no-head", "#a-head-2", "b.md", "RUNBOOK.md#roles"] {
        assert_eq!(is_good(target), Some(false), "{target}");
    }
    assert_eq!(is_good("https://example.org"), None);
}

#[test]
fn the_book_has_every_page_of_the_documentation() {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let listed = targets(&summary);
    let as_set: BTreeSet<&String> = listed.iter().collect();
    assert_eq!(as_set.len(), listed.len(), "a page is listed twice");
    for page in pages().keys() {
        if let Ok(inside) = page.strip_prefix("docs")
            && inside != Path::new("SUMMARY.md")
        {
            assert!(listed.iter().any(|it| Path::new(it) == inside), "{}", page.display());
        }
    }
    for above in ["../README.md", "../RUNBOOK.md", "../SECURITY.md"] {
        assert!(listed.iter().any(|page| page == above), "{above}");
    }
}

#[test]
fn every_place_of_the_documentation_that_messages_name_exists() {
    let pages = pages();
    let kinds = ["*.rs", "*.yml", "*.sh", "*/templates/**"];
    let mut count = 0;
    for (source, text) in kinds.into_iter().flat_map(files) {
        // This file has places that do not exist.
        if source.ends_with("links.rs") {
            continue;
        }
        for (at, found) in text.match_indices(".md#") {
            let is_path =
                |c: &char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
            let before: String = text[..at].chars().rev().take_while(is_path).collect();
            let page: String = before.chars().rev().chain(".md".chars()).collect();
            // The base of an address is its reader's.
            let page = page.rsplit_once("invalid/").map_or(page.as_str(), |(_, page)| page);
            let is_anchor = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            let anchor: String = text[at + found.len()..].chars().take_while(is_anchor).collect();
            // A pattern of anchors, filled in elsewhere.
            if anchor.is_empty() {
                continue;
            }
            let text = pages.get(Path::new(page));
            let text = text.unwrap_or_else(|| panic!("{}: no page {page}", source.display()));
            assert!(anchors(text).contains(&anchor), "{}: {page}#{anchor}", source.display());
            count += 1;
        }
        // A section by its name in words cannot be followed.
        assert!(!text.contains("RUNBOOK.md, `"), "{}: name an anchor", source.display());
    }
    assert!(count > 30, "{count} places are left");
}
