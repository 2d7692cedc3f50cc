//! A hint names commands that exist and files of its own situation, whatever a command is given.

use crate::kit::{Folder, Run};

/// Every command that reads a file or a folder, with IT in its place. What else it reads exists.
const LINES: [&str; 38] = [
    "ptau contribute IT out --name a",
    "ptau beacon IT out --value 01 --exponent 10",
    "ptau prepare IT out",
    "ptau verify IT",
    "ptau verify good.ptau --from IT",
    "ptau verify IT --plan 2 --out out --key good.pem",
    "ptau verify good.ptau --plan-file IT --part 1/2 --out out --key good.pem",
    "ptau verify --combine IT part.json --trusted good.pem",
    "ptau verify --combine good.plan IT --trusted good.pem",
    "ptau info IT",
    "ptau export-challenge IT out",
    "ptau contribute-challenge IT out",
    "ptau import-response IT good.ptau out --name a",
    "ptau import-response good.ptau IT out --name a",
    "zkey new IT good.ptau out",
    "zkey new good.r1cs IT out",
    "zkey contribute IT out --name a",
    "zkey beacon IT out --value 01 --exponent 10",
    "zkey verify IT good.ptau good.zkey",
    "zkey verify good.r1cs IT good.zkey",
    "zkey verify good.r1cs good.ptau IT",
    "zkey verify good.zkey --from IT",
    "zkey info IT",
    "zkey export-verification-key IT out",
    "zkey export-ark IT --proving-key pk --verifying-key vk",
    "bundle inspect IT",
    "bundle verify IT --policy IT",
    "bundle sign IT --policy IT --key good.pem",
    "policy show IT",
    "policy pin IT",
    "key of --key IT",
    "key show IT",
    "ceremony new fresh --config IT --circuit main=good.r1cs --key good.pem",
    "ceremony status IT",
    "ceremony verify IT",
    "ceremony contribute IT --as a --key good.pem",
    "ceremony beacon IT --value 01 --key good.pem",
    "ceremony archive IT out.tar",
];

fn folder() -> Folder {
    let folder = Folder::new();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../ceremony-core/tests/fixtures/old-circuit-hash");
    for (from, to) in
        [("prepared.ptau", "good.ptau"), ("circuit.r1cs", "good.r1cs"), ("0001.zkey", "good.zkey")]
    {
        std::fs::copy(fixtures.join(from), folder.path(to)).unwrap();
    }
    folder.ours("key new good.pem");
    folder.ours("ptau verify good.ptau --plan 1 --out good.plan --key good.pem");
    folder.write("foreign", b"<html>404</html>");
    folder.write("json", b"{\"format\": \"of something else\"}");
    folder.write("noise", &[0x9d; 3000]);
    std::fs::create_dir(folder.path("directory")).unwrap();
    // A hole of a terabyte: no command may read it.
    std::fs::File::create(folder.path("huge")).unwrap().set_len(1 << 40).unwrap();
    folder
}

fn hint(run: &Run) -> Option<String> {
    run.stderr.split_once("\nhint: ").map(|(_, hint)| hint.to_owned())
}

/// What stands between backticks.
fn quoted(hint: &str) -> impl Iterator<Item = &str> {
    hint.split('`').skip(1).step_by(2)
}

#[test]
fn every_hint_is_about_what_was_given() {
    let folder = folder();
    for line in LINES {
        for given in ["missing", "foreign", "json", "noise", "directory", "huge"] {
            let line = line.replace("IT", given);
            let run = folder.run(&line);
            assert!(run.code == 1 || run.code == 2, "{line}: {}{}", run.stdout, run.stderr);
            let Some(hint) = hint(&run) else { continue };
            let shown = format!("{line}\n{}", run.stderr);
            // The files and commands of a guarded crate belong to a guarded build.
            for foreign in ["git checkout", "zk/", "make the bundle smaller", ".lock"] {
                assert!(!run.stderr.contains(foreign), "{foreign}: {shown}");
            }
            // Only a step of a chain can be rejected.
            assert!(!hint.contains("ceremony reject"), "{shown}");
            for command in quoted(&hint).filter_map(|text| text.strip_prefix("zk-ceremony ")) {
                let words: Vec<&str> = command
                    .split_whitespace()
                    .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
                    .take_while(|word| !word.starts_with('-') && *word != given && *word != "fresh")
                    .collect();
                let words = words.join(" ");
                let help = folder.run(&if words == "help" { words } else { words + " --help" });
                assert_eq!(help.code, 0, "{command} does not exist: {shown}");
            }
        }
        folder.names().iter().for_each(|name| assert!(name != "out", "{line}"));
    }
}

#[test]
fn a_folder_that_is_missing_is_missing_as_a_folder() {
    let folder = folder();
    for line in ["ceremony status nowhere", "ceremony verify nowhere", "ceremony archive nowhere o"]
    {
        let run = folder.run(line);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains("nowhere/ceremony.toml"), "{}", run.stderr);
        assert!(hint(&run).unwrap().starts_with("name a ceremony folder"), "{}", run.stderr);
    }
}

#[test]
fn rules_that_are_missing_are_not_restored_by_a_checkout_of_zk() {
    let folder = folder();
    let run =
        folder.run("ceremony new fresh --config missing --circuit main=good.r1cs --key good.pem");
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert_eq!(hint(&run).unwrap().trim_end(), "name a file that exists", "{}", run.stderr);
}
