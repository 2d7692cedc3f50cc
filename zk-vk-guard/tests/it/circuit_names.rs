//! Every name that a ceremony's rules may give a circuit is a name that the snippet can give a
//! module.

use zk_attest::primitives::CircuitName;

/// Words of The Rust Reference, "Keywords": strict, reserved, and those of a later edition, in
/// lower case. Its weak keywords are legal names.
const REFERENCE: &str = "as break const continue crate else enum extern false fn for if impl in \
                         let loop match mod move mut pub ref return self static struct super \
                         trait true type unsafe use where while async await dyn abstract become \
                         box do final gen macro override priv typeof unsized virtual yield try";

fn is_identifier(word: &str) -> bool {
    syn::parse_str::<syn::Ident>(word).is_ok()
}

#[test]
fn every_keyword_is_refused_as_the_name_of_a_circuit() {
    for word in REFERENCE.split_ascii_whitespace() {
        assert!(CircuitName::new(word).is_err(), "{word}");
    }
    // Every short word that syn does not take as an identifier, whoever has listed it.
    let mut words = vec![String::new()];
    for _ in 0..4 {
        words = words
            .iter()
            .flat_map(|word| ('a'..='z').map(move |letter| format!("{word}{letter}")))
            .collect();
        for word in words.iter().filter(|word| !is_identifier(word)) {
            assert!(CircuitName::new(word).is_err(), "{word}");
        }
    }
}

#[test]
fn the_list_of_keywords_holds_every_word_that_syn_refuses_and_no_other() {
    let source = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../zk-attest/src/primitives.rs"),
    )
    .unwrap();
    let file = syn::parse_file(&source).unwrap();
    let list = file.items.iter().find_map(|item| match item {
        syn::Item::Const(list) if list.ident == "KEYWORDS" => Some(&*list.expr),
        _ => None,
    });
    let Some(syn::Expr::Array(list)) = list else { panic!("KEYWORDS is an array") };
    let listed: Vec<String> = list
        .elems
        .iter()
        .map(|word| match word {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(word), .. }) => word.value(),
            _ => panic!("KEYWORDS are strings"),
        })
        .collect();
    let mut reference: Vec<&str> = REFERENCE.split_ascii_whitespace().collect();
    reference.sort_unstable();
    assert_eq!(listed, reference);
    // syn does not yet know the one that the edition of 2024 added.
    let unknown: Vec<&String> = listed.iter().filter(|word| is_identifier(word)).collect();
    assert!(unknown.iter().all(|word| *word == "gen"), "{unknown:?}");
}
