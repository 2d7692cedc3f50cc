//! The blocks of code in a page of the documentation, and the commands in them.
//!
//! A block whose commands certain tests run is preceded by `<!-- run by: NAME, NAME -->`, one that
//! no test runs by `<!-- not run: REASON -->`.

use std::path::{Path, PathBuf};

/// A block between fences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What follows the opening fence, up to a comma.
    pub language: String,
    /// Without the indentation of the fence.
    pub text: String,
    /// The line of the opening fence.
    pub line: usize,
    /// What the page says of it.
    pub told: Told,
}

/// What a page says of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Nothing,
    RunBy(Vec<String>),
    NotRun(String),
}

/// The folder of this checkout.
#[must_use]
pub fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The pages for users and for those who read the project, each with its name.
#[must_use]
pub fn documentation() -> Vec<(String, String)> {
    let mut pages: Vec<String> =
        ["README.md", "RUNBOOK.md", "SECURITY.md"].map(str::to_owned).into();
    for folder in ["docs", "docs/roles", "docs/decisions", "examples/attestation"] {
        let names = std::fs::read_dir(checkout().join(folder)).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let pages_of = names.filter(|name| name.ends_with(".md"));
        pages.extend(pages_of.map(|name| format!("{folder}/{name}")));
    }
    pages.sort();
    let read = |name: &String| std::fs::read_to_string(checkout().join(name)).unwrap();
    pages.iter().map(|name| (name.clone(), read(name))).collect()
}

/// The blocks of a page, in its order.
#[must_use]
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines().zip(1..);
    let mut told = Told::Nothing;
    while let Some((line, number)) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else {
            told = said(line.trim());
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let text = lines
            .by_ref()
            .map(|(line, _)| line)
            .take_while(|line| line.trim() != "```")
            .flat_map(|line| [line.get(indent..).unwrap_or_default(), "\n"])
            .collect();
        let language = language.split(',').next().unwrap_or_default().to_owned();
        let told = std::mem::replace(&mut told, Told::Nothing);
        blocks.push(Block { language, text, line: number, told });
    }
    blocks
}

fn said(line: &str) -> Told {
    let comment = line.strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->"));
    let Some(comment) = comment else { return Told::Nothing };
    match (comment.strip_prefix("run by: "), comment.strip_prefix("not run: ")) {
        (Some(tests), _) => Told::RunBy(tests.split(", ").map(str::to_owned).collect()),
        (_, Some(reason)) => Told::NotRun(reason.into()),
        _ => Told::Nothing,
    }
}

impl Block {
    /// Whether it is for a shell.
    #[must_use]
    pub fn is_shell(&self) -> bool {
        ["sh", "powershell"].contains(&self.language.as_str())
    }

    /// The arguments of each call of `program` in it.
    #[must_use]
    pub fn calls(&self, program: &str) -> Vec<Vec<String>> {
        calls(&self.text, program)
    }
}

/// The arguments of each call of `program` in the spans of code between a page's blocks.
#[must_use]
pub fn inline_calls(markdown: &str, program: &str) -> Vec<Vec<String>> {
    let mut outside = String::new();
    let mut is_block = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        } else if !is_block {
            outside += line;
            // Within a span that goes over two lines.
            outside.push(' ');
        }
    }
    outside.split('`').skip(1).step_by(2).flat_map(|code| calls(code, program)).collect()
}

/// The arguments of each call of `program` in a script.
fn calls(script: &str, program: &str) -> Vec<Vec<String>> {
    let mut calls = Vec::new();
    for command in commands(script) {
        // Settings of the environment come before the program.
        let is_setting = |word: &&String| word.contains('=') && !word.starts_with('-');
        let words: Vec<String> = command.iter().skip_while(is_setting).cloned().collect();
        if words.first().is_some_and(|word| word == program) {
            calls.push(words[1..].to_vec());
        }
    }
    calls
}

/// The words of each command, as a shell takes them apart: without comments and redirections.
fn commands(script: &str) -> Vec<Vec<String>> {
    let script = script.replace("\\\n", " ");
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut is_target = false;
    let mut letters = script.chars().chain(['\n']).peekable();
    while let Some(letter) = letters.next() {
        if quote == Some(letter) {
            quote = None;
        } else if quote.is_some() {
            word.get_or_insert_default().push(letter);
        } else if matches!(letter, '"' | '\'') {
            quote = Some(letter);
            word.get_or_insert_default();
        } else if letter == '#' && word.is_none() {
            while letters.peek().is_some_and(|next| *next != '\n') {
                letters.next();
            }
        } else if matches!(letter, ' ' | '\n' | '|' | '&' | ';' | '(' | ')' | '<' | '>') {
            if let Some(word) = word.take().filter(|_| !std::mem::take(&mut is_target)) {
                commands.last_mut().unwrap().push(word);
            }
            match letter {
                ' ' => {}
                '<' | '>' => is_target = true,
                _ => commands.push(Vec::new()),
            }
        } else {
            word.get_or_insert_default().push(letter);
        }
    }
    commands.retain(|command| !command.is_empty());
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_their_language_text_and_what_is_said_of_them() {
        let page = "a\n<!-- not run: needs a token -->\n```sh\none\n```\n- b\n\n  ```rust,no_run\n  two\n\
                    \n  ```\n<!-- run by: x, y -->\n```sh\nthree\n```\n```sh\nfour\n```\n";
        let found = blocks(page);
        let shown: Vec<_> =
            found.iter().map(|it| (it.language.as_str(), it.text.as_str(), it.line)).collect();
        let expected = [
            ("sh", "one\n", 3),
            ("rust", "two\n\n", 8),
            ("sh", "three\n", 13),
            ("sh", "four\n", 16),
        ];
        assert_eq!(shown, expected);
        let told: Vec<_> = found.into_iter().map(|it| it.told).collect();
        let not_run = Told::NotRun("needs a token".into());
        assert_eq!(
            told,
            [not_run, Told::Nothing, Told::RunBy(vec!["x".into(), "y".into()]), Told::Nothing]
        );
    }

    #[test]
    fn calls_are_told_from_comments_other_programs_and_redirections() {
        let script = "A=b us one \"two words\" # us not\n(cd x && us three > out.txt) | us 'four'\n\
                      them us\nus five \\\n  six\n";
        let words: Vec<Vec<String>> = calls(script, "us");
        let expected = [vec!["one", "two words"], vec!["three"], vec!["four"], vec!["five", "six"]];
        assert_eq!(words, expected);
        let page = "say `us one\ntwo`, not us\n```sh\nus three\n```\n`them`";
        assert_eq!(inline_calls(page, "us"), [["one", "two"]]);
    }
}
