//! What of a source file can decide which files the compiler reads: includes, `#[path]`, macros,
//! and what gives such a name another meaning.
//!
//! Found among tokens, in every macro's arguments and definition too. What a macro of another crate
//! expands to is not seen: the caller knows the macros that the package defines itself, and asks
//! about the rest.

use std::path::Path;

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};
use zk_vk_guard::build_script::{FEATURE, OUT_FILE};

use super::assembly::{ASSEMBLERS, reads_a_file};
use super::includes::{INCLUDE, INCLUDES, Place, place};
use super::tokens::{
    each_level, group, is_ident, is_punct, line, name, names, plain, quoted, string,
};

/// Hex digits of the smallest verifying key, compressed.
const KEY_DIGITS: usize = 2 * 224;
/// Keywords after which `!` negates.
const BEFORE_NOT: [&str; 14] = [
    "as", "break", "const", "else", "if", "in", "let", "match", "move", "mut", "ref", "return",
    "while", "yield",
];
/// The crates of the toolchain.
pub(super) const TOOLCHAIN: [&str; 3] = ["std", "core", "alloc"];
/// Attributes of the language, which put no code in place of what they stand on.
const ATTRIBUTES: [&str; 41] = [
    "allow",
    "automatically_derived",
    "cfg",
    "cold",
    "crate_name",
    "crate_type",
    "debugger_visualizer",
    "default",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "global_allocator",
    "ignore",
    "inline",
    "instruction_set",
    "link",
    "link_name",
    "link_section",
    "macro_export",
    "macro_use",
    "must_use",
    "no_main",
    "no_mangle",
    "no_std",
    "non_exhaustive",
    "panic_handler",
    "recursion_limit",
    "repr",
    "should_panic",
    "target_feature",
    "test",
    "track_caller",
    "type_length_limit",
    "unsafe",
    "used",
    "warn",
    "windows_subsystem",
    "no_link",
];
/// Attributes of tools, before `::`.
const TOOLS: [&str; 4] = ["clippy", "diagnostic", "rustdoc", "rustfmt"];
/// The derives of the language.
pub(super) const DERIVES: [&str; 9] =
    ["Clone", "Copy", "Debug", "Default", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd"];

/// Whether a name is the toolchain's in paths: of a crate or of a tool.
pub(super) fn is_reserved(name: &str) -> bool {
    TOOLCHAIN.contains(&name) || TOOLS.contains(&name)
}

/// Something that was seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// The guard's file, included in the known form.
    Including,
    /// What an include or `#[path]` leads to, and which of them it is.
    Place(&'static str, Place),
    /// The definition of a macro.
    Defines(String),
    /// The call of a macro, with the first word of its path.
    Calls { root: Option<String>, name: String },
    /// A `use`: the first word of its path, the names that it gives, and whether there is a `*`.
    Uses { root: String, bound: Vec<String>, glob: bool },
    /// A module that has the name of the snippet's.
    Twin,
    /// A literal as long as a verifying key.
    LongLiteral,
    /// Something whose meaning cannot be told.
    Unknown(String),
}

#[derive(Clone, Copy)]
struct Context {
    /// Where items stand: the file, or `mod x { .. }`.
    items: bool,
    /// The file itself.
    top: bool,
    /// The definition of a macro.
    definition: bool,
}

const INSIDE: Context = Context { items: false, top: false, definition: false };

/// Scans a file of this folder; with each thing the line.
pub(super) fn scan(tokens: TokenStream, folder: &Path, package: &Path) -> Vec<(usize, Seen)> {
    let mut scanner = Scanner { folder, package, seen: Vec::new(), waiting: Vec::new() };
    scanner.waiting.push((tokens, Context { items: true, top: true, definition: false }));
    while let Some((tokens, context)) = scanner.waiting.pop() {
        let level: Vec<TokenTree> = tokens.into_iter().collect();
        scanner.level(&level, context);
    }
    // The stack gives the last first.
    scanner.seen.sort_by_key(|(line, _)| *line);
    scanner.seen
}

struct Scanner<'a> {
    folder: &'a Path,
    package: &'a Path,
    seen: Vec<(usize, Seen)>,
    waiting: Vec<(TokenStream, Context)>,
}

impl Scanner<'_> {
    fn see(&mut self, span: Span, seen: Seen) {
        self.seen.push((line(span), seen));
    }

    fn unknown(&mut self, span: Span, why: &str) {
        self.see(span, Seen::Unknown(format!("`{}`: {why}", quoted(span))));
    }

    fn level(&mut self, level: &[TokenTree], context: Context) {
        for (at, token) in level.iter().enumerate() {
            match token {
                TokenTree::Ident(ident) => {
                    let word = plain(ident);
                    let raw = *ident != word;
                    self.word(level, at, &word, raw, context);
                }
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    let at = at + 1 + usize::from(is_punct(level.get(at + 1), '!'));
                    if let Some(attribute) = group(level.get(at), Delimiter::Bracket) {
                        self.attribute(attribute, punct.span(), context.top);
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == '!' && context.definition => {
                    let called = matches!(level.get(at + 1), Some(TokenTree::Group(_)))
                        || is_punct(level.get(at + 1), '$');
                    let parameter = at.checked_sub(1).is_some_and(|before| {
                        let repeated =
                            ['*', '+', '?'].iter().any(|c| is_punct(level.get(before), *c));
                        let named = at >= 2
                            && is_punct(level.get(at - 2), '$')
                            && !is_ident(level.get(before), "crate");
                        repeated || named || matches!(level[before], TokenTree::Group(_))
                    });
                    if called && parameter && punct.spacing() == Spacing::Alone {
                        self.unknown(punct.span(), "a macro whose name is a parameter");
                    }
                }
                TokenTree::Literal(literal) => {
                    let text = literal.to_string();
                    let digits = text.split(|c: char| !c.is_ascii_hexdigit());
                    let longest = digits.map(str::len).max().unwrap_or(0);
                    if longest >= KEY_DIGITS || text.matches("\\x").count() >= KEY_DIGITS / 2 {
                        self.see(literal.span(), Seen::LongLiteral);
                    }
                }
                TokenTree::Group(found) => {
                    let inner = self.inside(level, at, context);
                    self.waiting.push((found.stream(), inner));
                }
                TokenTree::Punct(_) => {}
            }
        }
    }

    /// The context of a group's tokens.
    fn inside(&self, level: &[TokenTree], at: usize, context: Context) -> Context {
        let back = |n: usize| at.checked_sub(n).and_then(|at| level.get(at));
        let definition =
            context.definition || is_ident(back(3), "macro_rules") && is_punct(back(2), '!');
        let module = is_ident(back(2), "mod") && group(level.get(at), Delimiter::Brace).is_some();
        let transparent = group(level.get(at), Delimiter::None).is_some();
        Context { items: context.items && (module || transparent), definition, ..INSIDE }
    }

    fn word(&mut self, level: &[TokenTree], at: usize, word: &str, raw: bool, context: Context) {
        let span = level[at].span();
        let [next, third, fourth] = [1, 2, 3].map(|n| level.get(at + n));
        let called = is_punct(next, '!')
            && (matches!(third, Some(TokenTree::Group(_)))
                || context.definition && is_punct(third, '$'));
        if let Some(how) = INCLUDES.into_iter().find(|how| *how == word) {
            return self.include(level, at, how, context);
        }
        match word {
            "macro_rules" if is_punct(next, '!') && fourth.is_some() => {
                self.see(span, Seen::Defines(name(third).unwrap_or_default()));
            }
            "macro" if !raw && matches!(next, Some(TokenTree::Ident(_))) => {
                self.unknown(span, "a macro of the unstable kind");
            }
            "use" if !raw && !is_punct(next, '<') => self.uses(&level[at + 1..], span),
            "extern" if is_ident(next, "crate") => {
                let known = name(third).is_some_and(|name| TOOLCHAIN.contains(&name.as_str()));
                if !known || is_ident(fourth, "as") {
                    self.unknown(span, "`extern crate` can bring macros under known names");
                }
            }
            "mod" if !raw => {
                let named = name(next).unwrap_or_default();
                if is_reserved(&named) {
                    self.unknown(span, "a module that has a name of the toolchain");
                }
                if named == "verifying_keys" && group(third, Delimiter::Brace).is_some() {
                    self.see(span, Seen::Twin);
                }
            }
            _ if called && (raw || !BEFORE_NOT.contains(&word)) => {
                if let (true, Some(TokenTree::Group(text))) = (ASSEMBLERS.contains(&word), third)
                    && let Some(why) = reads_a_file(text.stream())
                {
                    self.unknown(span, why);
                }
                self.see(span, Seen::Calls { root: root(level, at), name: word.to_owned() });
            }
            _ => {}
        }
    }

    fn include(&mut self, level: &[TokenTree], at: usize, how: &'static str, context: Context) {
        let span = level[at].span();
        let (true, Some(TokenTree::Group(arguments))) =
            (is_punct(level.get(at + 1), '!'), level.get(at + 2))
        else {
            return self.unknown(span, "the name of an include that is not called here");
        };
        let how: &'static str = match how {
            "include" => "include!",
            "include_str" => "include_str!",
            _ => "include_bytes!",
        };
        if context.items && is_known_form(level, at) {
            return self.see(span, Seen::Including);
        }
        if context.definition {
            self.unknown(span, "an include in the definition of a macro");
        }
        let place = place(arguments.stream(), self.folder, self.package);
        match &place {
            // What the guard has written, as text: it embeds nothing.
            Place::OutDir(rest) if how != "include!" && rest == &format!("/{OUT_FILE}") => {}
            Place::OutDir(_) => self.unknown(span, "an include out of OUT_DIR in another form"),
            _ => self.see(span, Seen::Place(how, place)),
        }
    }

    fn uses(&mut self, rest: &[TokenTree], span: Span) {
        let end = rest.iter().position(|token| is_punct(Some(token), ';')).unwrap_or(rest.len());
        let tokens: TokenStream = rest[..end].iter().cloned().collect();
        let (mut glob, mut bound) = (false, Vec::new());
        each_level(tokens.clone(), &mut |level| {
            for (at, token) in level.iter().enumerate() {
                glob |= is_punct(Some(token), '*');
                let last = level.get(at + 1).is_none_or(|next| is_punct(Some(next), ','));
                bound.extend(name(Some(token)).filter(|_| last));
            }
        });
        let words = names(tokens);
        // `use {a::x, b::y};` has no one root.
        let one_root = !matches!(rest.first(), Some(TokenTree::Group(_)));
        let root = words.first().filter(|_| one_root).cloned().unwrap_or_default();
        // `use a::x::{self};` binds x.
        let bound = if bound.iter().any(|word| word == "self") { words } else { bound };
        self.see(span, Seen::Uses { root, bound, glob });
    }

    fn attribute(&mut self, tokens: TokenStream, span: Span, top: bool) {
        let level: Vec<TokenTree> = tokens.into_iter().collect();
        let first = name(level.first()).unwrap_or_default();
        let inner = || group(level.get(1), Delimiter::Parenthesis).unwrap_or_default();
        match first.as_str() {
            "path" => {
                let file = string(level.get(2)).filter(|_| level.len() == 3);
                match file {
                    Some(file) if top => {
                        self.see(span, Seen::Place("#[path]", Place::File(self.folder.join(file))));
                    }
                    Some(file) => {
                        self.see(span, Seen::Place("#[path]", Place::File(self.folder.join(file))));
                        self.unknown(span, "`#[path]` inside of a module or a block");
                    }
                    None => self.unknown(span, "`#[path]` without a literal"),
                }
            }
            "cfg_attr" => {
                let parts: Vec<TokenTree> = inner().into_iter().collect();
                for part in parts.split(|token| is_punct(Some(token), ',')).skip(1) {
                    let part: TokenStream = part.iter().cloned().collect();
                    if names(part.clone()).first().is_some_and(|name| name == "path") {
                        self.unknown(span, "`path` under a condition");
                    }
                    if !part.is_empty() {
                        self.attribute(part, span, top);
                    }
                }
            }
            "derive" => {
                for part in inner() {
                    let known = match &part {
                        TokenTree::Ident(_) => {
                            name(Some(&part)).is_some_and(|name| DERIVES.contains(&name.as_str()))
                        }
                        _ => is_punct(Some(&part), ','),
                    };
                    if !known {
                        return self.unknown(part.span(), "a derive of another crate");
                    }
                }
            }
            tool if is_punct(level.get(1), ':') && TOOLS.contains(&tool) => {}
            known if ATTRIBUTES.contains(&known) && !is_punct(level.get(1), ':') => {}
            _ => self.unknown(
                level.first().map_or(span, TokenTree::span),
                "an attribute that is not the language's",
            ),
        }
    }
}

/// `[#[cfg(feature = "zk-vk-provisioned")]] include!(concat!(env!("OUT_DIR"), ..));` as an item.
fn is_known_form(level: &[TokenTree], at: usize) -> bool {
    let text = |tokens: &[TokenTree]| tokens.iter().cloned().collect::<TokenStream>().to_string();
    let parsed = |source: &str| {
        source.parse::<TokenStream>().map(|tokens| tokens.to_string()).unwrap_or_default()
    };
    if level.len() < at + 4 || text(&level[at..at + 4]) != parsed(INCLUDE) {
        return false;
    }
    let condition = parsed(&format!("cfg(feature = \"{FEATURE}\")"));
    let mut start = at;
    while start >= 2 && is_punct(level.get(start - 2), '#') {
        let Some(attribute) = group(level.get(start - 1), Delimiter::Bracket) else { return false };
        if attribute.to_string() != condition
            && names(attribute).first().is_none_or(|name| name != "doc")
        {
            return false;
        }
        start -= 2;
    }
    match start.checked_sub(1).map(|before| &level[before]) {
        None => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == ';',
        Some(TokenTree::Group(before)) => {
            before.delimiter() == Delimiter::Brace
                || start >= 3
                    && is_punct(level.get(start - 2), '!')
                    && is_punct(level.get(start - 3), '#')
        }
        Some(_) => false,
    }
}

/// The first word of the path that ends here; none if there is no path.
fn root(level: &[TokenTree], mut at: usize) -> Option<String> {
    let mut first = None;
    while at >= 2 && is_punct(level.get(at - 1), ':') && is_punct(level.get(at - 2), ':') {
        match at.checked_sub(3).and_then(|before| name(level.get(before))) {
            Some(word) => (first, at) = (Some(word), at - 3),
            // `::word`, or something that is no plain path.
            None => {
                return Some(first.or_else(|| name(level.get(at))).unwrap_or_default());
            }
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(source: &str) -> Vec<Seen> {
        let seen = scan(source.parse().unwrap(), Path::new("/p/src"), Path::new("/p"));
        seen.into_iter().map(|(_, seen)| seen).collect()
    }

    fn found(source: &str) -> Vec<Place> {
        let places = seen(source).into_iter().filter_map(|seen| match seen {
            Seen::Place(_, place) => Some(place),
            _ => None,
        });
        places.collect()
    }

    #[test]
    fn includes_are_followed_through_concat_env_and_other_macros() {
        let file = |path: &str| vec![Place::File(path.into())];
        let form = r#"include!(concat!(env!("OUT_DIR"), "/verifying_key.rs"));"#;
        assert_eq!((found(form), seen(form).contains(&Seen::Including)), (Vec::new(), true));
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
            "include!(concat!(\"a\", env!(\"OUT_DIR\")))",
        ] {
            assert_eq!(found(unknown), [Place::Unknown], "{unknown}");
        }
        assert_eq!(found("// include!(\"a.rs\")\nfn include() {} let text = \"include!(x)\";"), []);
    }
}
