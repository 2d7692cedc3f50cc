//! What a build script asks of the guard, as far as its text shows it.
//!
//! Understood is one statement of `main`, reached whatever happens before it:
//!
//! ```text
//! zk_vk_guard::Guard::new(POLICY, PIN)
//!     [.bundle(PATH)][.snippet(PATH)][.arkworks()][.allow_rehearsal()].run();
//! ```
//!
//! where the arguments are string literals or constants of this file that are. Anything else cannot
//! be judged, and is said to be so: a report that guesses is worse than none.

use proc_macro2::{LexError, TokenStream};
use quote::ToTokens;
use syn::{Expr, Item, Lit, Stmt, UseTree};
use zk_attest::error::{USUAL_BUNDLE, USUAL_SNIPPET};
use zk_vk_guard::build_script::OUT_FILE;

use super::finding::Finding;
use super::tokens::{count, mentions, strings};

/// Tokens of a build script at most: about a thousand lines, and fewer than the levels that a
/// parser's recursion fits into 8 MiB of stack.
const MAX_TOKENS: usize = 8192;
/// Before the guard, in `main` or in what it calls: what ends the script with success, and what
/// makes the guard look elsewhere.
const ENDS_OR_DECEIVES: [&str; 5] = ["exit", "abort", "exec", "set_var", "remove_var"];
const CALL: &str = "zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \"<sha256>\").run();";

/// The call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GuardCall {
    pub(super) policy: String,
    pub(super) pin: String,
    pub(super) bundle: String,
    pub(super) snippet: String,
    pub(super) arkworks: bool,
    pub(super) allow_rehearsal: bool,
}

/// What a file calls the guard's crate and its type.
#[derive(Debug)]
struct Names {
    crates: Vec<String>,
    types: Vec<String>,
}

/// Reads a build script. `crate_name` is what Cargo.toml makes of the guard's name.
pub(super) fn read(text: &str, crate_name: &str) -> Result<GuardCall, Finding> {
    let does_not_parse = |error: &dyn std::fmt::Display| {
        unjudged(format!("build.rs does not parse as Rust: {error}"))
    };
    let tokens: TokenStream = text.parse().map_err(|error: LexError| does_not_parse(&error))?;
    if count(tokens) > MAX_TOKENS {
        return Err(unjudged(format!("build.rs has more than {MAX_TOKENS} tokens")));
    }
    let file = syn::parse_file(text).map_err(|error| does_not_parse(&error))?;
    let names = Names::of(&file, crate_name)?;
    let all_words: Vec<&str> =
        names.crates.iter().chain(&names.types).map(String::as_str).collect();
    let main = file.items.iter().find_map(|item| match item {
        Item::Fn(function) if function.sig.ident == "main" => Some(function),
        _ => None,
    });
    let main = main.ok_or_else(|| unjudged("build.rs has no function `main` of its own".into()))?;
    if !main.attrs.iter().all(|attribute| attribute.path().is_ident("doc")) {
        return Err(unjudged("`main` of build.rs has attributes, which can switch it off".into()));
    }
    let is_main = |item: &&Item| matches!(item, Item::Fn(function) if function.sig.ident == "main");
    let elsewhere: TokenStream =
        file.items.iter().filter(|item| !is_main(item)).map(ToTokens::to_token_stream).collect();
    let mut call = None;
    for (at, statement) in main.block.stmts.iter().enumerate() {
        let Stmt::Expr(expression, _) = statement else { continue };
        let Some(found) = Chain::of(expression, &names) else { continue };
        if call.is_some() {
            return Err(unjudged(
                "build.rs calls the guard twice, and the second run removes what the first has \
                 written"
                    .into(),
            ));
        }
        let earlier: TokenStream =
            main.block.stmts[..at].iter().map(ToTokens::to_token_stream).collect();
        if mentions(earlier.clone(), &["return", "break"])
            || mentions(earlier.into_iter().chain(elsewhere.clone()).collect(), &ENDS_OR_DECEIVES)
        {
            return Err(unjudged(
                "build.rs may end before it reaches the guard, or change what cargo tells it"
                    .into(),
            ));
        }
        call = Some((at, found.call(&file)?));
    }
    let Some((at, call)) = call else {
        if mentions(file.to_token_stream(), &all_words) {
            return Err(unjudged(
                "build.rs names the guard, but not as one statement of `main` that is always \
                 reached"
                    .into(),
            ));
        }
        return Err(Finding::error(
            "guard-call",
            "build.rs does not call the guard",
            format!("put `{CALL}` into its `main`"),
        ));
    };
    let others = main
        .block
        .stmts
        .iter()
        .enumerate()
        .filter(|(i, _)| *i != at)
        .map(|(_, statement)| statement.to_token_stream());
    let rest = others.chain([elsewhere]).collect();
    if strings(rest).iter().any(|text| text.contains(OUT_FILE)) {
        return Err(unjudged(format!(
            "build.rs names {OUT_FILE} outside of the guard, and may write what the guard has not \
             checked"
        )));
    }
    Ok(call)
}

fn unjudged(what: String) -> Finding {
    Finding::error(
        "guard-unjudged",
        format!("cannot be judged: {what}"),
        format!("write the call as `{CALL}`, as one statement of `main`"),
    )
}

impl Names {
    fn of(file: &syn::File, crate_name: &str) -> Result<Self, Finding> {
        let mut names = Self { crates: vec![crate_name.to_owned()], types: Vec::new() };
        let main = file.items.iter().filter_map(|item| match item {
            Item::Fn(function) if function.sig.ident == "main" => Some(&function.block.stmts),
            _ => None,
        });
        let inner = main.flatten().filter_map(|statement| match statement {
            Stmt::Item(item) => Some(item),
            _ => None,
        });
        let items: Vec<&Item> = file.items.iter().chain(inner).collect();
        for item in &items {
            match item {
                Item::ExternCrate(item) if item.ident == crate_name => {
                    names.crates.extend(item.rename.as_ref().map(|(_, name)| name.to_string()));
                }
                Item::Use(item) => names.import(&item.tree, &mut Vec::new(), crate_name),
                _ => {}
            }
        }
        // A module or a type of the file's own under one of these names is not the guard.
        let own = items.iter().filter_map(|item| match item {
            Item::Mod(item) => Some(&item.ident),
            Item::Struct(item) => Some(&item.ident),
            Item::Enum(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            Item::Trait(item) => Some(&item.ident),
            _ => None,
        });
        match own
            .into_iter()
            .find(|own| names.crates.iter().chain(&names.types).any(|name| *own == name))
        {
            Some(own) => Err(unjudged(format!("build.rs has an item of its own named `{own}`"))),
            None => Ok(names),
        }
    }

    fn import(&mut self, tree: &UseTree, path: &mut Vec<String>, crate_name: &str) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.import(&part.tree, path, crate_name);
                path.pop();
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(tree, path, crate_name))
            }
            UseTree::Name(name) => self.imported(path, &name.ident.to_string(), None, crate_name),
            UseTree::Rename(rename) => {
                let as_name = rename.rename.to_string();
                self.imported(path, &rename.ident.to_string(), Some(as_name), crate_name);
            }
            UseTree::Glob(_) if path.first().is_some_and(|first| first == crate_name) => {
                self.types.push("Guard".into())
            }
            UseTree::Glob(_) => {}
        }
    }

    fn imported(&mut self, path: &[String], name: &str, renamed: Option<String>, crate_name: &str) {
        let full: Vec<&str> =
            path.iter().map(String::as_str).chain((name != "self").then_some(name)).collect();
        let known_as =
            renamed.unwrap_or_else(|| full.last().copied().unwrap_or_default().to_owned());
        match full.as_slice() {
            [root] if *root == crate_name => self.crates.push(known_as),
            [root, "Guard"] | [root, "build_script", "Guard"] if *root == crate_name => {
                self.types.push(known_as)
            }
            _ => {}
        }
    }

    /// Whether a path is the guard's `new`.
    fn is_new(&self, path: &syn::Path) -> bool {
        let words: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [guard, "new"] => self.types.iter().any(|name| name == guard),
            [root, "Guard", "new"] | [root, "build_script", "Guard", "new"] => {
                self.crates.iter().any(|name| name == root)
            }
            _ => false,
        }
    }
}

/// `Guard::new(..)` with the calls on it, in the order of the text.
struct Chain<'a> {
    new: &'a syn::ExprCall,
    methods: Vec<&'a syn::ExprMethodCall>,
    attributes: bool,
}

impl<'a> Chain<'a> {
    fn of(mut expression: &'a Expr, names: &Names) -> Option<Self> {
        let (mut methods, mut attributes) = (Vec::new(), false);
        loop {
            match expression {
                Expr::MethodCall(call) => {
                    attributes |= !call.attrs.is_empty();
                    methods.push(call);
                    expression = &call.receiver;
                }
                Expr::Call(new) => {
                    let Expr::Path(path) = &*new.func else { return None };
                    methods.reverse();
                    attributes |= !new.attrs.is_empty();
                    return names.is_new(&path.path).then_some(Self { new, methods, attributes });
                }
                _ => return None,
            }
        }
    }

    fn call(&self, file: &syn::File) -> Result<GuardCall, Finding> {
        if self.attributes {
            return Err(unjudged(
                "the guard's statement has attributes, which can switch it off".into(),
            ));
        }
        let [policy, pin] = self.new.args.iter().collect::<Vec<_>>()[..] else {
            return Err(unjudged("`Guard::new` does not take two arguments here".into()));
        };
        let text = |expression: &Expr, what: &str| {
            literal(expression, file).ok_or_else(|| {
                unjudged(format!("the {what} given to the guard is no string literal"))
            })
        };
        let mut call = GuardCall {
            policy: text(policy, "policy")?,
            pin: text(pin, "pin")?,
            bundle: USUAL_BUNDLE.into(),
            snippet: USUAL_SNIPPET.into(),
            arkworks: false,
            allow_rehearsal: false,
        };
        let Some((_, settings)) = self
            .methods
            .split_last()
            .filter(|(last, _)| last.method == "run" && last.args.is_empty())
        else {
            return Err(Finding::error(
                "guard-call",
                "build.rs makes a guard and does not let it run: the statement does not end with \
                 `.run()`",
                format!("end it as in `{CALL}`"),
            ));
        };
        for method in settings {
            let arguments: Vec<&Expr> = method.args.iter().collect();
            match (method.method.to_string().as_str(), arguments.as_slice()) {
                ("bundle", [path]) => call.bundle = text(path, "bundle")?,
                ("snippet", [path]) => call.snippet = text(path, "snippet")?,
                ("arkworks", []) => call.arkworks = true,
                ("allow_rehearsal", []) => call.allow_rehearsal = true,
                (other, _) => {
                    return Err(unjudged(format!("`.{other}(..)` on the guard is not known here")));
                }
            }
        }
        Ok(call)
    }
}

/// A string literal, or the one constant of the file that is one.
fn literal(expression: &Expr, file: &syn::File) -> Option<String> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        Expr::Path(path) => {
            let name = path.path.get_ident()?;
            let mut constants = file.items.iter().filter_map(|item| match item {
                Item::Const(item) if item.ident == *name => Some(item),
                _ => None,
            });
            let constant = constants.next().filter(|item| {
                item.attrs.iter().all(|attribute| attribute.path().is_ident("doc"))
            })?;
            match (&*constant.expr, constants.next()) {
                (Expr::Lit(_), None) => literal(&constant.expr, file),
                _ => None,
            }
        }
        _ => None,
    }
}
