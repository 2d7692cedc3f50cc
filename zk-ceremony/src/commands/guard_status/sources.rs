//! Which files a package's sources include, and where snippets lie.
//!
//! A package is well wired if one of its sources includes the file that the guard wrote, and none a
//! snippet that it did not write: by `include!`, `include_str!` or `include_bytes!`, by `#[path]`,
//! or by a module that is one.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use zk_attest::file::read_regular;
use zk_vk_guard::build_script::OUT_FILE;
use zk_vk_guard::snippet::serial_of;

use super::finding::Finding;
use super::tokens::{each_level, is_ident, is_punct, string};

/// Bytes of a source file at most: twice a full snippet. What is larger was not written by people.
const MAX_SOURCE_BYTES: usize = 4 * 1024 * 1024;
const INCLUDE: &str = "include!(concat!(env!(\"OUT_DIR\"), \"/verifying_key.rs\"));";

/// A package's sources, read.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Files that include what the guard has written.
    pub(super) including: Vec<PathBuf>,
    pub(super) findings: Vec<Finding>,
}

/// What an include leads to.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    OutDir(String),
    File(PathBuf),
    /// Not a literal.
    Unknown,
}

struct Reader<'a> {
    package: &'a Path,
    folders: &'a [PathBuf],
    committed: Option<PathBuf>,
    /// Files without the ending .rs that were included.
    followed: BTreeSet<PathBuf>,
    waiting: VecDeque<PathBuf>,
    sources: Sources,
}

/// Reads every .rs file of a package, and what these include inside of it. `folders` hold its own
/// modules; `committed` is the snippet that build.rs names.
pub(super) fn read(package: &Path, folders: &[PathBuf], committed: Option<&str>) -> Sources {
    let committed =
        committed.map(|path| package.join(path)).map(|path| path.canonicalize().unwrap_or(path));
    let files = rust_files(package, folders);
    let mut reader = Reader {
        package,
        folders,
        committed,
        followed: BTreeSet::new(),
        waiting: files.into_iter().collect(),
        sources: Sources::default(),
    };
    while let Some(path) = reader.waiting.pop_front() {
        reader.file(&path);
    }
    reader.sources
}

/// Files of the package. Outside of the folders with its modules: not those of other packages, of
/// builds, and hidden ones.
fn rust_files(package: &Path, folders: &[PathBuf]) -> BTreeSet<PathBuf> {
    let (mut found, mut waiting, mut entered) =
        (BTreeSet::new(), vec![package.to_owned()], BTreeSet::new());
    while let Some(folder) = waiting.pop() {
        let own = folders.iter().any(|own| folder.starts_with(own));
        // A folder may be reached twice, through a link among the modules too, but no link leads in
        // a circle.
        if !entered.insert((own, folder.canonicalize().unwrap_or_else(|_| folder.clone()))) {
            continue;
        }
        for path in
            std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path())
        {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !path.is_dir() {
                found.extend(
                    path.extension().is_some_and(|extension| extension == "rs").then_some(path),
                );
                continue;
            }
            let built = path.join("CACHEDIR.TAG").exists() || folder == package && name == "target";
            let foreign = name.starts_with('.') || path.join("Cargo.toml").exists();
            if !built && (own || !foreign) {
                waiting.push(path);
            }
        }
    }
    found
}

impl Reader<'_> {
    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.package).unwrap_or(path).display().to_string()
    }

    fn file(&mut self, path: &Path) {
        let own = self.folders.iter().any(|folder| path.starts_with(folder));
        let text = match read_regular(path, MAX_SOURCE_BYTES) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) if !own => return,
            Err(refusal) => return self.unjudged(path, refusal.what()),
        };
        // The committed one itself is looked at where build.rs is.
        if own && self.committed.as_deref() != Some(path) && serial_of(&text).is_some() {
            let what = format!(
                "{} is a snippet among the package's own modules, where no guard checks it",
                self.shown(path)
            );
            self.sources.findings.push(Finding::error(
                "snippet-in-sources",
                what,
                "move it out, to zk/verifying_key.rs, and name that in build.rs",
            ));
        }
        let Ok(tokens) = text.parse::<TokenStream>() else {
            // What rustc cannot read either is no module, and matters only if a module is expected
            // there.
            if own {
                self.unjudged(path, "it does not parse as Rust");
            }
            return;
        };
        let folder = path.parent().unwrap_or(self.package).to_owned();
        let mut seen = Vec::new();
        each_level(tokens, &mut |level| seen.extend(places(level, &folder, self.package)));
        seen.into_iter().for_each(|(how, place)| self.place(path, how, place));
    }

    fn place(&mut self, path: &Path, how: &'static str, place: Place) {
        let file = match place {
            Place::OutDir(rest) => {
                if Path::new(rest.trim_start_matches('/')) == Path::new(OUT_FILE)
                    && how == "include!"
                {
                    self.sources.including.push(path.to_owned());
                }
                return;
            }
            Place::Unknown => {
                return self.unjudged(path, &format!("what its `{how}` leads to is no literal"));
            }
            Place::File(file) => file,
        };
        let real = file.canonicalize().unwrap_or_else(|_| file.clone());
        let named_alike = !file.exists()
            && self
                .committed
                .as_ref()
                .is_some_and(|committed| committed.file_name() == file.file_name());
        let is_snippet = || {
            read_regular(&real, MAX_SOURCE_BYTES)
                .is_ok_and(|bytes| serial_of(&String::from_utf8_lossy(&bytes)).is_some())
        };
        if named_alike || self.committed.as_ref() == Some(&real) || is_snippet() {
            let what = format!(
                "{} reaches the committed snippet by `{how}`, past the guard",
                self.shown(path)
            );
            self.sources.findings.push(Finding::error(
                "include-committed",
                what,
                format!("put `{INCLUDE}` in its place"),
            ));
        } else if real.is_file() && matches!(how, "include!" | "#[path]") {
            if !real.starts_with(self.package) {
                self.unjudged(path, &format!("its `{how}` leads out of the package"));
            } else if real.extension().is_none_or(|extension| extension != "rs")
                && self.followed.insert(real.clone())
            {
                self.waiting.push_back(real);
            }
        }
    }

    fn unjudged(&mut self, path: &Path, why: &str) {
        let what = format!("cannot be judged: {}: {why}", self.shown(path));
        self.sources.findings.push(Finding::error(
            "source-unjudged",
            what,
            "write includes with literals, as the guard's documentation shows",
        ));
    }
}

/// What a package without an include lacks.
pub(super) fn include_missing() -> Finding {
    Finding::error(
        "include-missing",
        format!(
            "no source includes OUT_DIR/{OUT_FILE}, which is the only file that the guard has \
             checked"
        ),
        format!("put `{INCLUDE}` into the library"),
    )
}

/// The includes and `#[path]`s among sibling tokens.
fn places(level: &[TokenTree], folder: &Path, package: &Path) -> Vec<(&'static str, Place)> {
    let mut found = Vec::new();
    for (at, token) in level.iter().enumerate() {
        let next = level.get(at + 1);
        for (name, how) in [
            ("include", "include!"),
            ("include_str", "include_str!"),
            ("include_bytes", "include_bytes!"),
        ] {
            if !is_ident(Some(token), name) {
                continue;
            }
            match (is_punct(next, '!'), level.get(at + 2)) {
                (true, Some(TokenTree::Group(arguments))) => {
                    found.push((how, place(arguments.stream(), folder, package)))
                }
                _ if is_ident(next, "as") => found.push((how, Place::Unknown)),
                _ => {}
            }
        }
        if let (true, Some(TokenTree::Group(attribute))) = (is_punct(Some(token), '#'), next) {
            each_level(attribute.stream(), &mut |inner| {
                found.extend(path_attributes(inner, folder))
            });
        }
    }
    found
}

fn path_attributes(level: &[TokenTree], folder: &Path) -> Vec<(&'static str, Place)> {
    let named = level
        .windows(3)
        .filter(|three| is_ident(three.first(), "path") && is_punct(three.get(1), '='));
    named
        .filter_map(|three| string(three.get(2)))
        .map(|text| ("#[path]", Place::File(folder.join(text))))
        .collect()
}

fn place(arguments: TokenStream, folder: &Path, package: &Path) -> Place {
    match evaluate(arguments, package) {
        Some((true, rest)) => Place::OutDir(rest),
        Some((false, text)) => Place::File(folder.join(text)),
        None => Place::Unknown,
    }
}

/// A literal, `env!` of one of cargo's two folders, or a `concat!` of these: whether it begins with
/// OUT_DIR, and the text (after it).
fn evaluate(arguments: TokenStream, package: &Path) -> Option<(bool, String)> {
    let tokens: Vec<TokenTree> = arguments.into_iter().collect();
    let mut parts = tokens.split(|token| is_punct(Some(token), ','));
    let first = parts.next()?;
    if parts.any(|part| !part.is_empty()) {
        return None;
    }
    match first {
        [literal] => Some((false, string(Some(literal))?)),
        [name, bang, TokenTree::Group(inner)] if is_punct(Some(bang), '!') => match name {
            TokenTree::Ident(name) if *name == "env" => {
                let (_, variable) = evaluate(inner.stream(), package)?;
                match variable.as_str() {
                    "OUT_DIR" => Some((true, String::new())),
                    "CARGO_MANIFEST_DIR" => Some((false, package.display().to_string())),
                    _ => None,
                }
            }
            TokenTree::Ident(name) if *name == "concat" => concatenate(inner.stream(), package),
            _ => None,
        },
        _ => None,
    }
}

fn concatenate(arguments: TokenStream, package: &Path) -> Option<(bool, String)> {
    let tokens: Vec<TokenTree> = arguments.into_iter().collect();
    let (mut in_out_dir, mut text) = (false, String::new());
    for (at, part) in
        tokens.split(|token| is_punct(Some(token), ',')).filter(|part| !part.is_empty()).enumerate()
    {
        let (starts_in_out_dir, more) = evaluate(part.iter().cloned().collect(), package)?;
        if starts_in_out_dir && at > 0 {
            return None;
        }
        in_out_dir |= starts_in_out_dir;
        text += &more;
    }
    Some((in_out_dir, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<Place> {
        let mut seen = Vec::new();
        each_level(source.parse().unwrap(), &mut |level| {
            seen.extend(places(level, Path::new("/p/src"), Path::new("/p")))
        });
        seen.into_iter().map(|(_, place)| place).collect()
    }

    #[test]
    fn includes_are_followed_through_concat_env_and_other_macros() {
        let file = |path: &str| vec![Place::File(path.into())];
        assert_eq!(
            found(r#"include!(concat!(env!("OUT_DIR"), "/verifying_key.rs"));"#),
            [Place::OutDir("/verifying_key.rs".into())]
        );
        assert_eq!(
            found(r#"include!(concat!(concat!(env!("OUT_DIR"), "/"), "x.rs",));"#),
            [Place::OutDir("/x.rs".into())]
        );
        assert_eq!(
            found(r#"const T: &str = include_str!("../zk/vk.rs");"#),
            file("/p/src/../zk/vk.rs")
        );
        assert_eq!(found(r##"include!(r#"a.rs"#)"##), file("/p/src/a.rs"));
        assert_eq!(
            found(r#"include!(concat!(env!("CARGO_MANIFEST_DIR"), "/zk/vk.rs"))"#),
            file("/p/zk/vk.rs")
        );
        assert_eq!(
            found(r#"cfg_if! { if #[cfg(x)] { std::include!["a.rs"]; } }"#),
            file("/p/src/a.rs")
        );
        assert_eq!(
            found(r#"#[cfg_attr(all(), path = "../zk/vk.rs")] mod vk;"#),
            file("/p/src/../zk/vk.rs")
        );
        assert_eq!(found(r#"#[path = "a.rs"] mod a;"#), file("/p/src/a.rs"));
    }

    #[test]
    fn what_is_no_literal_is_unknown_and_what_is_no_include_is_nothing() {
        for unknown in [
            "include!(env!(\"ELSEWHERE\"))",
            "include!($path)",
            "use std::include as take;",
            "include!(concat!(\"a\", env!(\"OUT_DIR\")))",
        ] {
            assert_eq!(found(unknown), [Place::Unknown], "{unknown}");
        }
        assert_eq!(found("// include!(\"a.rs\")\nfn include() {} let text = \"include!(x)\";"), []);
    }
}
