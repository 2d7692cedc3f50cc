//! What a build script asks of the guard, if it holds nothing but known forms.
//!
//! These are the forms, and comments:
//!
//! ```text
//! use zk_vk_guard::Guard;
//! const NAME: &str = "TEXT";
//! fn main() {
//!     println!("cargo:rerun-if-changed=PATH");   // or rerun-if-env-changed; or with `cargo::`
//!     zk_vk_guard::Guard::new(POLICY, PIN)            // or Guard::new, once
//!         [.bundle(PATH)][.snippet(PATH)][.arkworks()][.allow_rehearsal()].run();
//! }
//! ```
//!
//! where the arguments are string literals or constants of the file. A list of what is dangerous
//! has an end, and Rust has none: with anything else in the script, what it does cannot be judged,
//! and is said to be so.

use proc_macro2::{LexError, Span, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, Item, Lit, ReturnType, Stmt, Type, UseTree, Visibility};
use zk_attest::error::{USUAL_BUNDLE, USUAL_SNIPPET};

use super::finding::Finding;
use super::tokens::{count, line, plain, quoted, string};

/// Tokens of a build script at most: about a thousand lines, and fewer than the levels that a
/// parser's recursion fits into 8 MiB of stack.
const MAX_TOKENS: usize = 8192;
/// The guard's crate, as Rust names it.
const CRATE: &str = "zk_vk_guard";
const CALL: &str = "zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \"<sha256>\").run();";
/// What a `println!` may tell cargo.
const DIRECTIVES: [&str; 4] = [
    "cargo:rerun-if-changed=",
    "cargo::rerun-if-changed=",
    "cargo:rerun-if-env-changed=",
    "cargo::rerun-if-env-changed=",
];

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

/// Reads a build script; `shown` is its path for people.
pub(super) fn read(text: &str, shown: &str) -> Result<GuardCall, Finding> {
    let done = Script { shown }.read(text);
    proc_macro2::extra::invalidate_current_thread_spans();
    done
}

struct Script<'a> {
    shown: &'a str,
}

impl Script<'_> {
    fn read(&self, text: &str) -> Result<GuardCall, Finding> {
        let tokens: TokenStream = text
            .parse()
            .map_err(|error: LexError| self.unjudged(error.span(), "it does not parse as Rust"))?;
        if count(tokens) > MAX_TOKENS {
            let what = format!("it has more than {MAX_TOKENS} tokens");
            return Err(self.unjudged(Span::call_site(), &what));
        }
        let file = syn::parse_file(text).map_err(|error| {
            self.unjudged(error.span(), &format!("it does not parse as Rust: {error}"))
        })?;
        self.docs(&file.attrs)?;
        let (mut main, mut constants, mut imported) = (None, Vec::new(), false);
        for item in &file.items {
            match item {
                Item::Use(item) if is_import(item) => {
                    self.docs(&item.attrs)?;
                    imported = true;
                }
                Item::Const(item) => constants.push(self.constant(item)?),
                Item::Fn(item) if main.is_none() => main = Some(self.main(item)?),
                other => return Err(self.unknown(other.span())),
            }
        }
        let main = main.ok_or_else(|| self.unjudged(Span::call_site(), "it has no `fn main()`"))?;
        let mut call = None;
        for statement in main {
            match statement {
                Stmt::Macro(statement)
                    if statement.attrs.is_empty() && is_directive(&statement.mac) => {}
                Stmt::Expr(Expr::Macro(expression), _)
                    if expression.attrs.is_empty() && is_directive(&expression.mac) => {}
                Stmt::Expr(expression, _) => {
                    let chain = Chain::of(expression, imported)
                        .filter(|_| call.is_none())
                        .ok_or_else(|| self.unknown(expression.span()))?;
                    call = Some(self.call(&chain, &constants)?);
                }
                other => return Err(self.unknown(other.span())),
            }
        }
        call.ok_or_else(|| {
            Finding::error(
                "guard-call",
                format!("{} does not call the guard", self.shown),
                format!("put `{CALL}` into its `main`"),
            )
        })
    }

    /// `fn main()`, and nothing that could make it another one.
    fn main<'a>(&self, item: &'a syn::ItemFn) -> Result<&'a [Stmt], Finding> {
        self.docs(&item.attrs)?;
        let sig = &item.sig;
        let is_plain = plain(&sig.ident) == "main"
            && matches!(item.vis, Visibility::Inherited)
            && sig.constness.is_none()
            && sig.asyncness.is_none()
            && matches!(sig.safety, syn::Safety::Default)
            && sig.abi.is_none()
            && sig.generics.params.is_empty()
            && sig.generics.where_clause.is_none()
            && sig.inputs.is_empty()
            && matches!(sig.output, ReturnType::Default);
        if is_plain { Ok(&item.block.stmts) } else { Err(self.unknown(item.span())) }
    }

    /// `const NAME: &str = "TEXT";`
    fn constant(&self, item: &syn::ItemConst) -> Result<(String, String), Finding> {
        self.docs(&item.attrs)?;
        let is_text = matches!(&*item.ty, Type::Reference(reference)
            if reference.mutability.is_none()
            && matches!(&*reference.elem, Type::Path(path)
                if path.qself.is_none() && path.path.is_ident("str")));
        let text = Some(&*item.expr).filter(|_| is_text).and_then(literal);
        match (&item.vis, text) {
            (Visibility::Inherited, Some(text)) => Ok((plain(&item.ident), text)),
            _ => Err(self.unknown(item.span())),
        }
    }

    /// Comments are the only attributes.
    fn docs(&self, attributes: &[Attribute]) -> Result<(), Finding> {
        let is_comment = |attribute: &Attribute| {
            attribute.path().is_ident("doc")
                && matches!(&attribute.meta, syn::Meta::NameValue(meta)
                    if literal(&meta.value).is_some())
        };
        match attributes.iter().find(|attribute| !is_comment(attribute)) {
            None => Ok(()),
            Some(attribute) => Err(self.unknown(attribute.span())),
        }
    }

    fn call(
        &self,
        chain: &Chain<'_>,
        constants: &[(String, String)],
    ) -> Result<GuardCall, Finding> {
        let text = |expression: &Expr| {
            let found = literal(expression).or_else(|| constant(expression, constants));
            found.ok_or_else(|| self.unknown(expression.span()))
        };
        let [policy, pin] = chain.new.args.iter().collect::<Vec<_>>()[..] else {
            return Err(self.unknown(chain.new.span()));
        };
        let mut call = GuardCall {
            policy: text(policy)?,
            pin: text(pin)?,
            bundle: USUAL_BUNDLE.into(),
            snippet: USUAL_SNIPPET.into(),
            arkworks: false,
            allow_rehearsal: false,
        };
        let runs = chain
            .methods
            .split_last()
            .filter(|(last, _)| plain(&last.method) == "run" && last.args.is_empty());
        let Some((_, settings)) = runs else {
            let what = format!(
                "{} makes a guard and does not let it run: the statement does not end with \
                 `.run()`",
                self.shown
            );
            return Err(Finding::error("guard-call", what, format!("end it as in `{CALL}`")));
        };
        for method in settings {
            let arguments: Vec<&Expr> = method.args.iter().collect();
            match (plain(&method.method).as_str(), arguments.as_slice()) {
                ("bundle", [path]) => call.bundle = text(path)?,
                ("snippet", [path]) => call.snippet = text(path)?,
                ("arkworks", []) => call.arkworks = true,
                ("allow_rehearsal", []) => call.allow_rehearsal = true,
                _ => return Err(self.unknown(method.method.span())),
            }
        }
        Ok(call)
    }

    fn unknown(&self, span: Span) -> Finding {
        self.unjudged(span, &format!("`{}` is none of the known forms", quoted(span)))
    }

    fn unjudged(&self, span: Span, what: &str) -> Finding {
        Finding::unjudged(
            "guard-unjudged",
            format_args!("{}:{}", self.shown, line(span)),
            what,
            format!(
                "leave in {} only constants that are string literals, `println!` of \
                 `cargo:rerun-if-changed=PATH`, and once `{CALL}`; move the rest to the build \
                 script of another crate",
                self.shown
            ),
        )
    }
}

/// `use zk_vk_guard::Guard;`
fn is_import(item: &syn::ItemUse) -> bool {
    let UseTree::Path(root) = &item.tree else { return false };
    let UseTree::Name(name) = &*root.tree else { return false };
    matches!(item.vis, Visibility::Inherited)
        && plain(&root.ident) == CRATE
        && plain(&name.ident) == "Guard"
}

/// `println!` of one directive, with nothing to format and on one line.
fn is_directive(mac: &syn::Macro) -> bool {
    let tokens: Vec<TokenTree> = mac.tokens.clone().into_iter().collect();
    let [argument] = tokens.as_slice() else { return false };
    mac.path.get_ident().is_some_and(|name| plain(name) == "println")
        && string(Some(argument)).is_some_and(|text| {
            DIRECTIVES.iter().any(|directive| text.starts_with(directive))
                && !text.contains(['{', '}'])
                && !text.chars().any(char::is_control)
        })
}

/// `Guard::new(..)` with the calls on it, in the order of the text.
struct Chain<'a> {
    new: &'a syn::ExprCall,
    methods: Vec<&'a syn::ExprMethodCall>,
}

impl<'a> Chain<'a> {
    fn of(mut expression: &'a Expr, imported: bool) -> Option<Self> {
        let mut methods = Vec::new();
        loop {
            match expression {
                Expr::MethodCall(call) if call.attrs.is_empty() && call.turbofish.is_none() => {
                    methods.push(call);
                    expression = &call.receiver;
                }
                Expr::Call(new) if new.attrs.is_empty() => {
                    let Expr::Path(path) = &*new.func else { return None };
                    methods.reverse();
                    return is_new(path, imported).then_some(Self { new, methods });
                }
                _ => return None,
            }
        }
    }
}

fn is_new(path: &syn::ExprPath, imported: bool) -> bool {
    let segments = &path.path.segments;
    let words: Vec<String> = segments.iter().map(|segment| plain(&segment.ident)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    path.attrs.is_empty()
        && path.qself.is_none()
        && segments.iter().all(|segment| segment.arguments.is_none())
        && match words.as_slice() {
            [CRATE, "Guard", "new"] => true,
            ["Guard", "new"] => imported && path.path.leading_colon.is_none(),
            _ => false,
        }
}

fn literal(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(literal) if literal.attrs.is_empty() => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

fn constant(expression: &Expr, constants: &[(String, String)]) -> Option<String> {
    let Expr::Path(path) = expression else { return None };
    let name = plain(path.path.get_ident()?);
    constants.iter().find(|(known, _)| *known == name).map(|(_, text)| text.clone())
}
