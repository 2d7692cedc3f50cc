//! Which files a package's sources include, and where snippets lie.
//!
//! A package is well wired if one of its sources includes the file that the guard wrote, in the one
//! known form, and none a snippet that it did not write: by `include!`, `include_str!` or
//! `include_bytes!`, by `#[path]`, or by a module that is one. What could include a file without
//! showing it (macros and attributes of other crates, names with another meaning) cannot be judged.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use zk_attest::file::read_regular;
use zk_vk_guard::build_script::OUT_FILE;
use zk_vk_guard::snippet::{MAX_SNIPPET_BYTES, serial_of};

use super::finding::Finding;
use super::includes::{INCLUDE, INCLUDES, Place};
use super::scan::{DERIVES, Seen, TOOLCHAIN, is_reserved, scan};

/// Bytes of a source file at most: a full snippet, which is longer than what people write.
pub(super) const MAX_SOURCE_BYTES: usize = MAX_SNIPPET_BYTES;
/// The macros of the toolchain that read no file; the package's own come on top.
const MACROS: [&str; 45] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "cfg",
    "column",
    "compile_error",
    "concat",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "env",
    "eprint",
    "eprintln",
    "file",
    "format",
    "format_args",
    "is_x86_feature_detected",
    "line",
    "macro_rules",
    "matches",
    "module_path",
    "option_env",
    "panic",
    "print",
    "println",
    "stringify",
    "thread_local",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
    "addr_of",
    "addr_of_mut",
    "pin",
    "ready",
    "asm",
    "global_asm",
    "naked_asm",
    "offset_of",
    "const_format_args",
    "join",
    "is_aarch64_feature_detected",
];
/// The code of what evidence of a build can settle: see [`super::built`].
pub(super) const SOURCE_UNJUDGED: &str = "source-unjudged";

/// A package's sources, read.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Files that include what the guard has written.
    pub(super) including: Vec<PathBuf>,
    /// Files that are read as text or bytes, where the sources show it.
    pub(super) data: BTreeSet<PathBuf>,
    pub(super) findings: Vec<Finding>,
}

/// Where a package's sources lie.
#[derive(Debug)]
pub(super) struct Folders {
    /// The package.
    pub(super) package: PathBuf,
    /// What holds modules of any target, tests included.
    pub(super) modules: Vec<PathBuf>,
    /// What holds the modules of libraries and programs, which are shipped.
    pub(super) shipped: Vec<PathBuf>,
}

struct Reader<'a> {
    folders: &'a Folders,
    committed: Option<PathBuf>,
    /// Files without the ending .rs that were included.
    followed: BTreeSet<PathBuf>,
    waiting: VecDeque<PathBuf>,
    /// Macros that the package defines, and the uses of macros: judged when all are known.
    defined: BTreeSet<String>,
    deferred: Vec<(PathBuf, usize, Seen)>,
    sources: Sources,
}

/// Reads every .rs file of a package, and what these include inside of it. `committed` is the
/// snippet that the build script names.
pub(super) fn read(folders: &Folders, committed: Option<&str>) -> Sources {
    let committed = committed
        .map(|path| folders.package.join(path))
        .map(|path| path.canonicalize().unwrap_or(path));
    let mut reader = Reader {
        folders,
        committed,
        followed: BTreeSet::new(),
        waiting: rust_files(&folders.package, &folders.modules).into_iter().collect(),
        defined: BTreeSet::new(),
        deferred: Vec::new(),
        sources: Sources::default(),
    };
    while let Some(path) = reader.waiting.pop_front() {
        reader.file(&path);
    }
    reader.macros();
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
            // Whatever a folder of modules holds is read: a tag or a manifest hides nothing there.
            let own = own || folders.iter().any(|own| own.starts_with(&path));
            let built = path.join("CACHEDIR.TAG").exists() || folder == package && name == "target";
            let foreign = name.starts_with('.') || path.join("Cargo.toml").exists();
            if own || !built && !foreign {
                waiting.push(path);
            }
        }
    }
    found
}

impl Reader<'_> {
    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.folders.package).unwrap_or(path).display().to_string()
    }

    fn file(&mut self, path: &Path) {
        let lies_in = |folders: &[PathBuf]| folders.iter().any(|folder| path.starts_with(folder));
        let own = lies_in(&self.folders.modules) || self.followed.contains(path);
        let shipped = lies_in(&self.folders.shipped) || self.followed.contains(path);
        let text = match read_regular(path, MAX_SOURCE_BYTES) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) if !own => return,
            Err(refusal) => return self.unjudged(path, 1, refusal.what()),
        };
        // The committed one itself is looked at where build.rs is.
        // On a line of its own: in a string of a test it declares nothing.
        let declares = |line: &str| line.trim_start().starts_with("pub const SERIAL: u64 = ");
        let has_snippet = own && text.lines().any(declares) && serial_of(&text).is_some();
        if has_snippet {
            if self.committed.as_deref() == Some(path) {
                return;
            }
            self.twin(path);
        }
        let Ok(tokens) = text.parse::<TokenStream>() else {
            // What rustc cannot read either is no module, and matters only if a module is expected
            // there.
            if own {
                self.unjudged(path, 1, "it does not parse as Rust");
            }
            return;
        };
        let folder = path.parent().unwrap_or(&self.folders.package).to_owned();
        let seen = scan(tokens, &folder, &self.folders.package);
        proc_macro2::extra::invalidate_current_thread_spans();
        for (line, seen) in seen {
            match seen {
                Seen::Including if own => self.sources.including.push(path.to_owned()),
                Seen::Place(how, place) => self.place(path, line, how, place, own),
                Seen::Twin if own && !has_snippet => self.twin(path),
                Seen::LongLiteral if has_snippet => {}
                Seen::Unknown(what) if shipped => self.unjudged(path, line, &what),
                Seen::LongLiteral if shipped => {
                    self.sources.findings.push(Finding::unjudged(
                        "key-in-sources",
                        format_args!("{}:{line}", self.shown(path)),
                        "a literal as long as a verifying key",
                        format!(
                            "let the guard embed keys, with `{INCLUDE}`, and move test data to \
                             tests/"
                        ),
                    ));
                }
                Seen::Defines(name) if shipped => {
                    self.deferred.push((path.to_owned(), line, Seen::Defines(name.clone())));
                    self.defined.insert(name);
                }
                seen @ (Seen::Calls { .. } | Seen::Uses { .. }) if shipped => {
                    self.deferred.push((path.to_owned(), line, seen));
                }
                _ => {}
            }
        }
    }

    fn twin(&mut self, path: &Path) {
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

    /// What an include leads to. Outside of the folders with modules only a snippet matters.
    fn place(&mut self, path: &Path, line: usize, how: &'static str, place: Place, own: bool) {
        let file = match place {
            Place::File(file) => file,
            _ if !own => return,
            _ => {
                let what = format!("what its `{how}` leads to is not a literal");
                return self.unjudged(path, line, &what);
            }
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
                "{}:{line} reaches the committed snippet by `{how}`, past the guard",
                self.shown(path)
            );
            self.sources.findings.push(Finding::error(
                "include-committed",
                what,
                format!("put `{INCLUDE}` in its place"),
            ));
        } else if !own {
            // Nothing reaches this file but what leads out of those folders, which is reported.
        } else if !real.is_file() {
            self.unjudged(path, line, &format!("its `{how}` leads to no file"));
        } else if !real.starts_with(&self.folders.package) {
            self.unjudged(path, line, &format!("its `{how}` leads out of the package"));
        } else if !matches!(how, "include!" | "#[path]") {
            self.sources.data.insert(real);
        } else {
            if !self.folders.modules.iter().any(|folder| real.starts_with(folder)) {
                let what = format!("its `{how}` leads out of the folder of the sources");
                self.unjudged(path, line, &what);
            }
            if real.extension().is_none_or(|extension| extension != "rs")
                && self.followed.insert(real.clone())
            {
                self.waiting.push_back(real);
            }
        }
    }

    /// What can only be judged when it is known which macros are the package's own.
    fn macros(&mut self) {
        let is_known = |name: &str| MACROS.contains(&name) || INCLUDES.contains(&name);
        for (path, line, seen) in std::mem::take(&mut self.deferred) {
            let why = match seen {
                Seen::Defines(name) if is_known(&name) => {
                    Some(format!("a macro of its own named `{name}`"))
                }
                Seen::Calls { root, name } => {
                    let root = root.as_deref();
                    let known = match root {
                        None => is_known(&name) || self.defined.contains(&name),
                        Some("crate" | "self" | "super") => self.defined.contains(&name),
                        Some(root) => TOOLCHAIN.contains(&root) && is_known(&name),
                    };
                    let path: String = root.map(|root| format!("{root}::..::")).unwrap_or_default();
                    (!known).then(|| format!("`{path}{name}!` is a macro of another crate"))
                }
                Seen::Uses { root, bound, glob } => {
                    let inside = TOOLCHAIN.contains(&root.as_str())
                        || ["crate", "self", "super"].contains(&root.as_str());
                    let taken = bound.iter().find(|word| {
                        is_known(word)
                            || DERIVES.contains(&word.as_str())
                            || is_reserved(word)
                            || self.defined.contains(*word)
                    });
                    match taken {
                        Some(word) if !inside => {
                            Some(format!("a `use` that can give `{word}` another meaning"))
                        }
                        _ if glob && !inside => Some(format!(
                            "`use {root}::..::*` can give the names of macros another meaning"
                        )),
                        _ => None,
                    }
                }
                _ => None,
            };
            if let Some(why) = why {
                self.unjudged(&path, line, &why);
            }
        }
    }

    fn unjudged(&mut self, path: &Path, line: usize, why: &str) {
        self.sources.findings.push(Finding::unjudged(
            SOURCE_UNJUDGED,
            format_args!("{}:{line}", self.shown(path)),
            why,
            format!(
                "keep the keys in a crate of their own that only has `{INCLUDE}` and plain Rust; \
                 or look at what a build reads, with `--build`"
            ),
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
