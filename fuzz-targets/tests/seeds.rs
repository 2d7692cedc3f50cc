//! The seeds: each target has good ones that it accepts, and says no to those that are named bad.

use fuzz_targets::{TARGETS, stable};

#[test]
fn good_seeds_are_accepted_and_bad_ones_are_not() {
    for (name, target) in TARGETS {
        let seeds = stable::seeds(name).unwrap();
        assert!(
            seeds.iter().any(|(seed, _)| seed.starts_with("good")),
            "{name} needs a good seed: without one nothing beyond the parser's door is met"
        );
        for (seed, bytes) in seeds {
            let accepted = target(&bytes);
            assert!(accepted || !seed.starts_with("good"), "{name}/{seed} is refused");
            assert!(!accepted || !seed.starts_with("bad"), "{name}/{seed} is accepted");
        }
    }
}

#[test]
fn seeds_are_small() {
    let sizes = TARGETS
        .iter()
        .flat_map(|(name, _)| stable::seeds(name).unwrap())
        .map(|(_, bytes)| bytes.len());
    let total: usize = sizes.sum();
    assert!(total < 300 * 1024, "{total} bytes");
}

#[test]
fn every_target_has_a_binary_for_libfuzzer() {
    for (name, _) in TARGETS {
        let binary = stable::fuzz_folder().join(format!("fuzz_targets/{name}.rs"));
        let text = std::fs::read_to_string(binary).unwrap();
        assert!(text.contains(&format!("fuzz_targets::{name}(data)")), "{name}");
    }
}
