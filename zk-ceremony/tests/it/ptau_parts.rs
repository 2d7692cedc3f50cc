//! `ptau verify` in parts: by hand, as schedulers run it, and with documents that are not what they
//! should be.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use testkit::forge::{shift_point, with_section};
use testkit::ptau::Model;

use crate::kit::{Folder, Run, refused};

/// A folder with a prepared file, a plan of `parts` parts, and two keys.
fn planned(parts: u32) -> Folder {
    let folder = Folder::new();
    let mut model = Model::with_contributions(4, 2);
    model.prepare();
    folder.write("powers.ptau", &model.bytes());
    folder.ours("key new mine.pem");
    folder.ours("key new other.pem");
    folder.ours(&plan_line("powers.ptau", parts));
    folder
}

fn plan_line(file: &str, parts: u32) -> String {
    format!("ptau verify {file} --plan {parts} --out plan.json --key mine.pem --force")
}

fn part_line(part: u32, of: u32, out: &str, key: &str) -> String {
    format!(
        "ptau verify powers.ptau --plan-file plan.json --part {part}/{of} --out {out} --key {key}"
    )
}

/// The same, with all its parts.
fn summed(parts: u32) -> Folder {
    let folder = planned(parts);
    for part in 1..=parts {
        folder.ours(&part_line(part, parts, &format!("part-{part}.json"), "mine.pem"));
    }
    folder
}

fn public(folder: &Folder, key: &str) -> String {
    folder.ours(&format!("key show {key}")).split_whitespace().last().unwrap().to_owned()
}

fn combine(folder: &Folder, parts: &[&str]) -> Run {
    let key = public(folder, "mine.pem");
    let parts = parts.join(" ");
    folder.run(&format!("ptau verify --combine plan.json {parts} --trusted {key}"))
}

/// What is said of a refusal.
#[track_caller]
fn says(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{}{}", run.stdout, run.stderr);
    assert!(!run.stdout.contains("passed") && !run.stdout.contains("good"), "{}", run.stdout);
    for word in words {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
}

#[test]
fn parts_combine_to_the_report_of_one_machine() {
    let folder = summed(3);
    let key = public(&folder, "mine.pem");
    let line = "--combine plan.json part-2.json part-3.json part-1.json --trusted mine.pub";
    folder.write("mine.pub", key.as_bytes());
    let whole = folder.ours("ptau verify powers.ptau --min-contributions 2");
    let parts = folder.ours(&format!("ptau verify {line} --min-contributions 2"));
    // The same lines, and then whose word it rests on.
    let whole = whole.strip_prefix("powers.ptau: good\n").unwrap();
    let rest = parts.strip_prefix("plan.json: good\n").unwrap().strip_prefix(whole).unwrap();
    assert!(
        rest.contains("verified in parts  3, of plan ") && rest.contains("parts 1-3"),
        "{rest}"
    );
    assert_eq!(rest.matches(&key).count(), 2, "{rest}");

    let json = |line: &str| -> Value {
        serde_json::from_str(&folder.ours(&format!("ptau verify {line} --json"))).unwrap()
    };
    let (whole, mut parts) = (json("powers.ptau"), json(line));
    let in_parts = parts.as_object_mut().unwrap().remove("in_parts").unwrap();
    assert_eq!(parts, whole);
    assert_eq!(in_parts["plan_signed_by"], serde_json::json!([key]));
    assert_eq!(in_parts["parts_signed_by"][0]["parts"], "parts 1-3");
}

#[test]
fn what_is_expected_is_asked_of_the_combination_too() {
    let folder = summed(1);
    let key = public(&folder, "mine.pem");
    let line = format!("ptau verify --combine plan.json part-1.json --trusted {key}");
    says(
        &folder.run(&format!("{line} --min-contributions 3")),
        1,
        &["too few participants contributed", "(phase 1, check 0)"],
    );
    let digest = "00".repeat(64);
    says(&folder.run(&format!("{line} --digest {digest}")), 1, &["(phase 1, check 9)"]);
}

#[test]
fn a_wrong_point_is_named_with_its_section_and_part() {
    let folder = Folder::new();
    folder.ours("key new mine.pem");
    let mut model = Model::with_contributions(4, 2);
    // A forger hides it from the hashes.
    model.alpha_tau_g1[9] = model.alpha_tau_g1[8];
    model.rehash_last();
    model.prepare();
    folder.write("powers.ptau", &model.bytes());
    folder.ours(&plan_line("powers.ptau", 2));
    for part in 1..=2 {
        folder.ours(&part_line(part, 2, &format!("part-{part}.json"), "mine.pem"));
    }
    let run = combine(&folder, &["part-1.json", "part-2.json"]);
    says(
        &run,
        1,
        &["section 4 ([alpha tau^i]1), part 2 of 2, elements 8 to 15", "(phase 1, check 5)"],
    );
    // What no hash binds.
    let mut model = Model::with_contributions(4, 2);
    model.prepare();
    let bytes = with_section(&model.bytes(), 15, |points| {
        shift_point::<bn254_batch::curve::G1Affine>(points, 30);
    });
    folder.write("powers.ptau", &bytes);
    folder.ours(&plan_line("powers.ptau", 2));
    for part in 1..=2 {
        let line = part_line(part, 2, &format!("part-{part}.json"), "mine.pem");
        folder.ours(&format!("{line} --force"));
    }
    let run = combine(&folder, &["part-1.json", "part-2.json"]);
    says(&run, 1, &["section 15 (Lagrange [beta tau]1), parts 1 to 2", "(phase 1, check 7)"]);
}

#[test]
fn parts_that_are_missing_double_or_by_strangers_are_refused_by_name() {
    let folder = summed(3);
    let [one, two, three] = ["part-1.json", "part-2.json", "part-3.json"];
    refused_with_key(&folder, "parts_missing", &[three]);
    refused_with_key(&folder, "parts_none_but_another_document", &["plan.json"]);
    std::fs::copy(folder.path(two), folder.path("again.json")).unwrap();
    refused_with_key(&folder, "parts_twice", &[one, two, three, "again.json"]);
    folder.ours(&part_line(2, 3, "strange.json", "other.pem"));
    refused_with_key(&folder, "parts_by_a_stranger", &[one, "strange.json", three]);
    // Each of two keys is believed where both are named.
    let keys = ["mine.pem", "other.pem"].map(|key| public(&folder, key));
    let line = format!("--trusted {} --trusted {}", keys[0], keys[1]);
    let said =
        folder.ours(&format!("ptau verify --combine plan.json {one} strange.json {three} {line}"));
    assert!(said.contains("parts 1, 3\n") && said.contains("parts 2\n"), "{said}");
    // A plan by a stranger says nothing, whoever made its parts.
    let line = format!("ptau verify --combine plan.json {one} {two} {three} --trusted {}", keys[1]);
    says(&folder.run(&line), 1, &["plan.json: no key that you trust has signed this plan"]);
    let unsigned = edited(&folder.read(one), |part| part["signatures"] = serde_json::json!([]));
    folder.write("unsigned.json", &unsigned);
    let run = combine(&folder, &["unsigned.json", two, three]);
    says(
        &run,
        1,
        &["unsigned.json: no key that you trust has signed this part", "by other keys: 0"],
    );
}

/// A refusal whose line has this folder's key, which no snapshot has.
#[track_caller]
fn refused_with_key(folder: &Folder, name: &str, parts: &[&str]) {
    folder.write("mine.pub", public(folder, "mine.pem").as_bytes());
    let parts = parts.join(" ");
    refused(folder, name, &format!("ptau verify --combine plan.json {parts} --trusted mine.pub"));
}

fn edited(bytes: &[u8], edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(bytes).unwrap();
    edit(&mut value);
    serde_json::to_vec(&value).unwrap()
}

#[test]
fn parts_of_another_plan_are_refused_even_of_the_same_file() {
    let folder = summed(2);
    std::fs::rename(folder.path("plan.json"), folder.path("first.json")).unwrap();
    folder.ours(&plan_line("powers.ptau", 2));
    let run = combine(&folder, &["part-1.json", "part-2.json"]);
    says(&run, 1, &["part-1.json: this is a part of another plan", "found     plan "]);
    // Another number of parts is another plan, and is told before the file is read.
    folder.ours(&plan_line("powers.ptau", 3));
    let run = folder.run(&part_line(2, 2, "part.json", "mine.pem"));
    says(&run, 2, &["--part: the plan has N parts", "found     part 2 of 2", "expected  I/3"]);
    assert!(!folder.path("part.json").exists());
}

#[test]
fn a_part_with_another_sum_is_not_what_was_signed() {
    let folder = summed(2);
    let bytes = folder.read("part-1.json");
    let envelope: Value = serde_json::from_slice(&bytes).unwrap();
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let payload = engine.decode(envelope["payload"].as_str().unwrap()).unwrap();
    let text = String::from_utf8(payload).unwrap();
    // The flag of the larger y, of the first point of section 2's sums.
    let at = text.find("\"tau_g1\":[\"").unwrap() + 11;
    let digit = u8::from_str_radix(&text[at..=at], 16).unwrap() ^ 8;
    let flipped = format!("{}{digit:x}{}", &text[..at], &text[at + 1..]);
    let forged =
        edited(&bytes, |part| part["payload"] = Value::from(engine.encode(flipped.as_bytes())));
    folder.write("flipped.json", &forged);
    let run = combine(&folder, &["flipped.json", "part-2.json"]);
    says(&run, 1, &["flipped.json: no key that you trust has signed this part"]);
    // Signed anew by one who is trusted, it is a lie that the pairing finds.
    folder
        .write("flipped.json", &edited(&forged, |part| part["signatures"] = serde_json::json!([])));
    let signed = sign(&folder, "flipped.json", &flipped);
    folder.write("flipped.json", &signed);
    let run = combine(&folder, &["flipped.json", "part-2.json"]);
    says(&run, 1, &["section 2 ([tau^i]1), part 1 of 2", "(phase 1, check 5)"]);
}

/// `sign prepare`, `sign raw` by other.pem, and `sign attach`, each with what it must show.
#[track_caller]
fn sign_elsewhere(folder: &Folder, document: &str, words: &[&str]) {
    let key = public(folder, "other.pem");
    for line in [
        format!("sign prepare {document} it.pae --force"),
        "sign raw it.pae it.sig --force --key other.pem".into(),
        format!("sign attach {document} --signature it.sig --public-key {key}"),
    ] {
        let run = folder.run(&line);
        assert_eq!(run.code, 0, "{line}: {}", run.stderr);
        for word in words {
            assert!(run.stderr.contains(word), "{line}: {word}\n{}", run.stderr);
        }
    }
}

#[test]
fn plan_and_parts_are_signed_on_a_machine_without_a_network() {
    let folder = summed(2);
    let file = format!("subject      {}  powers.ptau", sha256(&folder.read("powers.ptau")));
    let plan: Value = serde_json::from_slice(&folder.read("plan.json")).unwrap();
    let signed = payload_text(&serde_json::to_vec(&plan["envelope"]).unwrap());
    let signed: Value = serde_json::from_str(&signed).unwrap();
    let plan = format!("plan         {}", signed["predicate"]["plan"].as_str().unwrap());
    let words = ["states       a plan for verifying this file in 2 parts\n", &plan, &file];
    sign_elsewhere(&folder, "plan.json", &words);
    for part in 1..=2 {
        let states = format!("states       the sums of part {part} of 2 of a verification");
        let words = [&states, "sections     2, 3, 4, 5, 12, 13, 14, 15\n", &plan, &file];
        sign_elsewhere(&folder, &format!("part-{part}.json"), &words);
    }
    // Each has two signatures now, and either key will do.
    for key in ["mine.pem", "other.pem"] {
        let key = public(&folder, key);
        let line =
            format!("ptau verify --combine plan.json part-1.json part-2.json --trusted {key}");
        assert!(folder.ours(&line).contains("parts 1-2"));
    }
}

#[test]
fn a_plan_or_a_part_that_is_not_what_it_should_be_is_not_signed_anywhere() {
    let folder = summed(2);
    let plan = String::from_utf8(folder.read("plan.json")).unwrap();
    let prepare = |name: &str, bytes: &[u8]| {
        folder.write(name, bytes);
        let run = folder.run(&format!("sign prepare {name} it.pae"));
        assert!(!folder.path("it.pae").exists());
        run
    };
    // Another nonce makes another plan.
    let at = plan.find("\"nonce\":\"").unwrap() + 9;
    let digit = if plan.as_bytes()[at] == b'0' { "1" } else { "0" };
    let other = format!("{}{digit}{}", &plan[..at], &plan[at + 1..]);
    let run = prepare("other.json", other.as_bytes());
    let words =
        ["other.json: what is signed is another plan than the document holds", "found     "];
    says(&run, 1, &words);
    let key = public(&folder, "mine.pem");
    folder.write("it.sig", &[7; 64]);
    let attach = format!("sign attach other.json --signature it.sig --public-key {key}");
    says(&folder.run(&attach), 1, &words);
    let run = prepare("newer.json", plan.replacen("ptau-plan/1", "ptau-plan/2", 1).as_bytes());
    says(&run, 1, &["newer.json: plan", "version 2 of this format"]);
    let value: Value = serde_json::from_str(&plan).unwrap();
    let run = prepare("only.json", &serde_json::to_vec(&value["envelope"]).unwrap());
    says(&run, 1, &["the statement is about a plan, and this is only its envelope"]);
    let run = folder.run("bundle sign plan.json --key mine.pem");
    says(&run, 1, &["plan.json: a plan of a verification in parts, not a bundle"]);
    // A part that no plan has, and one with a field that no part has.
    let part = folder.read("part-1.json");
    for (from, to, words) in [
        ("\"part\":1,", "\"part\":3,", "not a part of a verification"),
        ("\"parts\":2,", "\"parts\":5000,", "not a part of a verification"),
        ("\"part\":1,", "\"part\":1,\"whole\":2,", "unknown field"),
    ] {
        let text = payload_text(&part).replacen(from, to, 1);
        let run = prepare("odd.json", &with_payload(&part, &text));
        says(&run, 1, &["odd.json", words]);
        let kind = "application/vnd.in-toto+json";
        let pae = format!("DSSEv1 {} {kind} {} {text}", kind.len(), text.len());
        folder.write("odd.pae", pae.as_bytes());
        let run = folder.run("sign raw odd.pae odd.sig --key mine.pem");
        says(&run, 1, &["odd.pae", words]);
        assert!(!folder.path("odd.sig").exists());
    }
}

fn sha256(bytes: &[u8]) -> String {
    zk_attest::digest::FileDigest::of(bytes).to_string()
}

fn payload_text(envelope: &[u8]) -> String {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let envelope: Value = serde_json::from_slice(envelope).unwrap();
    String::from_utf8(engine.decode(envelope["payload"].as_str().unwrap()).unwrap()).unwrap()
}

/// The envelope with another payload, signed by no one.
fn with_payload(envelope: &[u8], payload: &str) -> Vec<u8> {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    edited(envelope, |envelope| {
        envelope["payload"] = Value::from(engine.encode(payload));
        envelope["signatures"] = serde_json::json!([]);
    })
}

/// The envelope of this payload, signed by mine.pem with openssl.
fn sign(folder: &Folder, file: &str, payload: &str) -> Vec<u8> {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let kind = "application/vnd.in-toto+json";
    let pae = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
    folder.write("pae", pae.as_bytes());
    let arguments =
        ["pkeyutl", "-sign", "-rawin", "-inkey", "mine.pem", "-in", "pae", "-out", "sig"];
    crate::kit::people::peer(folder, "openssl", &arguments);
    let signature = engine.encode(folder.read("sig"));
    edited(&folder.read(file), |part| {
        part["signatures"] = serde_json::json!([{ "keyid": "", "sig": signature }]);
    })
}

#[test]
fn a_part_of_another_file_than_the_plans_is_refused() {
    let folder = planned(2);
    let mut other = Model::with_contributions(4, 3);
    other.prepare();
    folder.write("powers.ptau", &other.bytes());
    let run = folder.run(&part_line(1, 2, "part.json", "mine.pem"));
    says(
        &run,
        1,
        &["powers.ptau: section 2 ([tau^i]1), part 1 of 2, bytes ", "not those that the plan was"],
    );
    assert!(!folder.path("part.json").exists());
}

/// What is said of a document, and what was done to it.
type Edit<'a> = (&'a str, &'a dyn Fn(&mut Value));

#[test]
fn a_plan_that_was_edited_or_is_none_is_refused() {
    let folder = summed(1);
    let good = folder.read("plan.json");
    let edits: [Edit<'_>; 9] = [
        ("what is signed is another plan", &|it| it["plan"]["length"] = Value::from(1u64 << 40)),
        ("what is signed is another plan", &|it| it["plan"]["nonce"] = "00".repeat(32).into()),
        ("the end of a section", &|it| it["plan"]["length"] = Value::from(12)),
        ("the number of parts is out of range", &|it| it["plan"]["parts"] = Value::from(0)),
        ("not a power", &|it| it["plan"]["power"] = Value::from(29)),
        ("not a point", &|it| it["plan"]["ends"]["tau_g1"][0] = "zz".into()),
        ("elements of the powers", &|it| it["plan"]["ends"]["tau_g2"] = Value::Array(Vec::new())),
        ("contributions is not base64", &|it| it["plan"]["contributions"] = "-+".into()),
        ("version 9 of this format", &|it| it["format"] = "zk-ceremony-ptau-plan/9".into()),
    ];
    for (said, edit) in edits {
        folder.write("plan.json", &edited_in_place(&good, edit));
        for run in [
            combine(&folder, &["part-1.json"]),
            folder.run(&format!("{} --force", part_line(1, 1, "part-1.json", "mine.pem"))),
        ] {
            says(&run, 1, &["plan.json: ", said]);
        }
    }
    for text in ["", "{}", "[]", "null", "{\"format\":\"zk-ceremony-ptau-plan/1\"}"] {
        folder.write("plan.json", text.as_bytes());
        says(&combine(&folder, &["part-1.json"]), 1, &["plan.json: "]);
    }
    std::fs::File::create(folder.path("plan.json")).unwrap().set_len(1 << 40).unwrap();
    says(&combine(&folder, &["part-1.json"]), 1, &["the file is too large"]);
}

/// Edited, with the fields in the order that they had.
fn edited_in_place(bytes: &[u8], edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let before: Value = serde_json::from_slice(bytes).unwrap();
    let mut after = before.clone();
    edit(&mut after);
    // serde_json sorts names here or not, as its features are: so only values are replaced.
    let mut text = String::from_utf8(bytes.to_vec()).unwrap();
    let changed = |a: &Value, b: &Value| (a != b).then(|| (a.to_string(), b.to_string()));
    let mut replace = |name: &str, a: &Value, b: &Value| {
        if let Some((a, b)) = changed(a, b) {
            text = text.replacen(&format!("\"{name}\":{a}"), &format!("\"{name}\":{b}"), 1);
        }
    };
    replace("format", &before["format"], &after["format"]);
    for name in ["length", "nonce", "parts", "power", "contributions"] {
        replace(name, &before["plan"][name], &after["plan"][name]);
    }
    for name in ["tau_g1", "tau_g2"] {
        replace(name, &before["plan"]["ends"][name], &after["plan"]["ends"][name]);
    }
    text.into_bytes()
}

#[test]
fn options_of_parts_are_refused_where_they_have_no_meaning() {
    let folder = planned(2);
    for (line, said) in [
        ("powers.ptau --part 3/2 --plan-file plan.json --out p --key mine.pem", "I from 1 to N"),
        ("powers.ptau --part 0/2 --plan-file plan.json --out p --key mine.pem", "I from 1 to N"),
        ("powers.ptau --part 1 --plan-file plan.json --out p --key mine.pem", "I from 1 to N"),
        ("powers.ptau --part 1/2 --out p --key mine.pem", "--plan-file"),
        ("powers.ptau --plan 4097 --out p --key mine.pem", "4097"),
        ("powers.ptau --plan 0 --out p --key mine.pem", "0 is not in"),
        ("powers.ptau --plan 2 --key mine.pem", "--out"),
        ("powers.ptau --plan 2 --out p", "who signs is not said"),
        ("powers.ptau --key mine.pem", "only a plan and parts are written and signed"),
        ("powers.ptau --out p", "only a plan and parts are written and signed"),
        ("powers.ptau powers.ptau", "one file is verified at a time"),
        ("--combine plan.json part-1.json", "--trusted"),
        ("--combine plan.json p --trusted mine.pem --key mine.pem", "cannot be used with"),
        ("powers.ptau --plan 2 --part 1/2 --plan-file p --out o --key mine.pem", "cannot be used"),
    ] {
        let run = folder.run(&format!("ptau verify {line}"));
        assert!(run.code == 2 && run.stderr.contains(said), "{line}: {}", run.stderr);
    }
    assert!(!folder.path("p").exists());
}

#[test]
fn a_bad_file_gets_no_plan() {
    let folder = Folder::new();
    folder.ours("key new mine.pem");
    let mut model = Model::with_contributions(3, 1);
    model.tau_g1[5] = model.tau_g1[4];
    folder.write("powers.ptau", &model.bytes());
    let run = folder.run(&plan_line("powers.ptau", 2));
    says(&run, 1, &["the points do not hash to the stated response (phase 1, check 6)"]);
    assert!(!folder.path("plan.json").exists());
}

// ---- ops/batch ----------------------------------------------------------------------------------

fn batch(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/batch").join(file).canonicalize().unwrap()
}

/// The variables that the scripts read.
fn stage_command(folder: &Folder, parts: u32, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env("PROGRAM", env!("CARGO_BIN_EXE_zk-ceremony"))
        .env("FILE", folder.path("powers.ptau"))
        .env("WORK", folder.path("work"))
        .env("PARTS", parts.to_string())
        .env("KEY", folder.path("mine.pem"))
        .env("TRUSTED", public(folder, "mine.pem"))
        .env_remove("SLURM_ARRAY_TASK_ID")
        .env_remove("JOB_COMPLETION_INDEX")
        .env_remove("DIGEST")
        .stdin(Stdio::null());
    command
}

#[test]
fn eight_processes_at_once_verify_a_file_by_the_script_of_the_schedulers() {
    let folder = planned(1);
    std::fs::create_dir(folder.path("work")).unwrap();
    let run = |stage: &str, variable: Option<(&str, u32)>| {
        let mut command = stage_command(&folder, 8, &batch("stage.sh"));
        command.arg(stage).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some((name, number)) = variable {
            command.env(name, number.to_string());
        }
        command.spawn().unwrap()
    };
    let done = |child: std::process::Child| Run::from(child.wait_with_output().unwrap());
    assert_eq!(done(run("plan", None)).code, 0);
    // Slurm counts tasks from 1, Kubernetes its pods from 0: half of the parts by each.
    let parts: Vec<_> = (1..=4)
        .map(|task| run("part", Some(("SLURM_ARRAY_TASK_ID", task))))
        .chain((4..8).map(|index| run("part", Some(("JOB_COMPLETION_INDEX", index)))))
        .collect();
    for part in parts.into_iter().map(done) {
        assert_eq!(part.code, 0, "{}", part.stderr);
    }
    let verdict = done(run("combine", None));
    assert_eq!(verdict.code, 0, "{}", verdict.stderr);
    assert!(verdict.stdout.contains("parts 1-8") && verdict.stdout.contains("check  7 passed"));
    // A machine that was lost, and the same part once more.
    std::fs::remove_file(folder.path("work/part-5.json")).unwrap();
    let verdict = done(run("combine", None));
    says(
        &verdict,
        2,
        &["part 5 of 8 is missing", "parts 1-4, 6-8", "--part 5/8 --out part-5.json"],
    );
    for _ in 0..2 {
        assert_eq!(done(run("part", Some(("SLURM_ARRAY_TASK_ID", 5)))).code, 0);
    }
    assert_eq!(done(run("combine", None)).code, 0);
    assert_eq!(done(run("nothing", None)).code, 2);
}

#[test]
fn slurm_gets_a_plan_then_an_array_then_the_combination() {
    let folder = planned(1);
    // Runs what it is given at once, and gives a number for it.
    let sbatch = r#"#!/bin/bash
set -e
tasks=
for word in "$@"; do
    case $word in
    --array=1-*) tasks=$(seq 1 "${word#--array=1-}") ;;
    --dependency=*) echo "$word" >>"$WORK/asked" ;;
    --mem=*) echo "$word" >>"$WORK/asked" ;;
    esac
done
stage=("${@: -2}")
if [ -n "$tasks" ]; then
    for task in $tasks; do SLURM_ARRAY_TASK_ID=$task "${stage[@]}" >/dev/null; done
else
    "${stage[@]}" >"$WORK/${stage[1]}.out"
fi
echo $((41 + $(ls "$WORK" | wc -l)))
"#;
    std::fs::create_dir(folder.path("bin")).unwrap();
    folder.write("bin/sbatch", sbatch.as_bytes());
    let made =
        Command::new("chmod").args(["+x", "bin/sbatch"]).current_dir(folder.path("")).status();
    assert!(made.unwrap().success());
    let path = format!("{}:{}", folder.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = stage_command(&folder, 3, &batch("verify.sbatch"));
    let run: Run = command.env("PATH", path).arg("--mem=2G").output().unwrap().into();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let asked = String::from_utf8(folder.read("work/asked")).unwrap();
    let asked: Vec<&str> = asked.lines().collect();
    assert!(
        matches!(asked[..], [plan, "--mem=2G", parts] | ["--mem=2G", plan, parts] if plan.starts_with("--dependency=afterok:") && parts.starts_with("--dependency=afterany:")),
        "{asked:?}"
    );
    assert!(String::from_utf8(folder.read("work/combine.out")).unwrap().contains("parts 1-3"));
}

#[test]
fn the_job_of_kubernetes_is_an_indexed_one_that_runs_the_script() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/.venv/bin/python");
    assert!(python.exists(), "PyYAML is not installed: ./ci/test.sh installs it into ci/.venv");
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))";
    let text = std::fs::read_to_string(batch("job.yaml")).unwrap();
    for (stage, count) in [("plan", "1"), ("part", "64"), ("combine", "1")] {
        let filled = text.replace("STAGE", stage).replace("COUNT", count).replace("IMAGE", "i:1");
        let folder = Folder::new();
        folder.write("job.yaml", filled.as_bytes());
        let file = std::fs::File::open(folder.path("job.yaml")).unwrap();
        let run: Run =
            Command::new(&python).args(["-c", script]).stdin(file).output().unwrap().into();
        assert_eq!(run.code, 0, "{}", run.stderr);
        let job: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((&job["kind"], &job["apiVersion"]), (&"Job".into(), &"batch/v1".into()));
        let spec = &job["spec"];
        assert_eq!(spec["completionMode"], "Indexed");
        assert_eq!(spec["completions"].to_string(), count);
        let pod = &spec["template"]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(container["command"], serde_json::json!(["bash", "/stage/stage.sh", stage]));
        // Every mount has its volume, and the key is where the script looks for it.
        let names = |list: &Value| -> Vec<String> {
            let list = list.as_array().unwrap().iter();
            list.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
        };
        let volumes = names(&pod["volumes"]);
        for container in [&pod["containers"][0], &pod["initContainers"][0]] {
            for mount in names(&container["volumeMounts"]) {
                assert!(volumes.contains(&mount), "{mount}");
            }
        }
        assert_eq!(container["env"][0]["value"], "/key/key.pem");
    }
    // The script names options that exist.
    let help = Folder::new().ours("ptau verify --help");
    let stage = std::fs::read_to_string(batch("stage.sh")).unwrap();
    let options: Vec<&str> =
        stage.split_whitespace().filter(|word| word.starts_with("--")).collect();
    assert!(options.len() > 8, "{options:?}");
    for option in options {
        assert!(help.split_whitespace().any(|word| word == option), "{option}");
    }
}
