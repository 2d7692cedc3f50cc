//! The snippet's text, pinned.

use std::path::Path;

use testkit::paper::{Ceremony, text};
use zk_attest::digest::ProgramHash;
use zk_attest::primitives::CeremonyKind;
use zk_vk_guard::snippet::{self, Options};

/// Compares a text with the file that a reviewer has seen; `GOLDEN=write` writes it.
#[track_caller]
fn is_golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{} differs: raise snippet::FORMAT, run this test with GOLDEN=write, and review the \
         difference",
        path.display()
    );
}

#[test]
fn the_text_is_the_one_that_was_reviewed() {
    let ceremony = Ceremony {
        circuits: vec![("boot-check".into(), 2), ("wallet".into(), 0)],
        ..Ceremony::new(CeremonyKind::Production)
    };
    // A name that needs escapes, and holds what looks like a field of a template.
    let program = r#"a "program" \ @serial@ {x} Grüße"#;
    let parts = ceremony.parts().relist(|manifest| {
        manifest.circuits[1].program_id = text(program);
        manifest.circuits[1].program_hash = ProgramHash::of_id(program);
    });
    let verified = parts.verify(&ceremony.policy()).unwrap();
    for (name, arkworks) in [("snippet.rs", false), ("snippet_arkworks.rs", true)] {
        is_golden(name, &snippet::text(&verified, Options { arkworks }).unwrap());
    }
}
