//! The files of `ops/`, as their own programs judge them, and as the documentation lists them.

use std::collections::{BTreeMap, BTreeSet};

use ceremony_net::metrics::FAMILIES;

use super::{checkout, peer, read};

/// The alerts, each with its lines.
fn alerts() -> BTreeMap<String, String> {
    let text = read("ops/alerts.yml");
    let alerts = text.split("      - alert: ").skip(1);
    alerts
        .map(|alert| {
            let (name, rest) = alert.split_once('\n').unwrap();
            (name.to_owned(), rest.split("\n  - name:").next().unwrap().to_owned())
        })
        .collect()
}

/// Words of a text that look like names of metrics.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(|letter| !is_part(letter))
        .filter(|word| word.starts_with("ceremony_") || word.starts_with("process_"))
        .map(|word| {
            let base =
                ["_bucket", "_sum", "_count"].into_iter().find_map(|it| word.strip_suffix(it));
            base.unwrap_or(word).to_owned()
        })
        .collect()
}

#[test]
fn prometheus_and_alertmanager_take_the_configuration() {
    peer("promtool", &["check", "config", "prometheus.yml"]);
    let said = peer("promtool", &["check", "rules", "--lint-fatal", "alerts.yml"]);
    let records = read("ops/alerts.yml").matches("      - record: ").count();
    assert!(said.contains(&format!("{} rules found", alerts().len() + records)), "{said}");
    peer("amtool", &["check-config", "alertmanager.yml"]);
}

#[test]
fn every_alert_fires_when_it_should_and_stays_quiet_otherwise() {
    peer("promtool", &["test", "rules", "alerts.test.yml"]);
    let tests = read("ops/alerts.test.yml");
    for name in alerts().keys() {
        let mine = tests.split("\n  - name: ").find(|test| test.starts_with(&format!("{name}\n")));
        let mine = mine.unwrap_or_else(|| panic!("{name} has no test"));
        let quiet = format!("alertname: {name}, exp_alerts: []");
        assert!(mine.matches(&quiet).count() >= 2, "{name}: before, and after");
        assert_eq!(mine.matches("- exp_labels:").count(), 1, "{name}");
    }
}

#[test]
fn every_alert_says_what_to_do_and_has_a_section_of_the_runbook() {
    let (runbook, alerts) = (read("RUNBOOK.md"), alerts());
    for (name, lines) in &alerts {
        for part in ["summary: \"", "action: \"", "severity: "] {
            assert_eq!(lines.matches(part).count(), 1, "{name}: {part}");
        }
        let severity = lines.split("severity: ").nth(1).unwrap().split('}').next().unwrap();
        assert!(["critical", "warning"].contains(&severity), "{name}: {severity}");
        let base = "{{ $externalLabels.runbook }}";
        let link = format!("runbook_url: \"{base}#{}\"\n", name.to_lowercase());
        assert!(lines.contains(&link), "{name}: {lines}");
        assert_eq!(runbook.matches(&format!("\n### {name}\n")).count(), 1, "{name}");
    }
    // One address, which the operator sets, and which is written out: people follow it from a mail.
    let config = read("ops/prometheus.yml");
    assert_eq!(config.matches("    runbook: \"https://").count(), 1);
    assert!(runbook.contains("the external label `runbook` in `prometheus.yml`"));
    let chapter = runbook.split("\n## Watching a ceremony\n").nth(1).unwrap();
    let chapter = chapter.split("\n## ").next().unwrap();
    let sections: BTreeSet<&str> =
        chapter.lines().filter_map(|it| it.strip_prefix("### ")).collect();
    assert_eq!(sections, alerts.keys().map(String::as_str).collect());
}

#[test]
fn alerts_and_dashboard_ask_for_metrics_that_exist() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("ops/grafana-dashboard.json")).unwrap();
    let mut asked = metrics(&read("ops/alerts.yml"));
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            asked.extend(metrics(target["expr"].as_str().unwrap()));
        }
    }
    let known: BTreeSet<&str> = FAMILIES.iter().map(|family| family.name).collect();
    let documented = documented();
    // A pattern of two metrics.
    asked.remove("ceremony_");
    for name in &asked {
        let is_process = name.starts_with("process_") && documented.contains_key(name.as_str());
        assert!(known.contains(name.as_str()) || is_process, "{name}");
    }
    for name in known.iter().filter(|name| !name.ends_with("_not_after_timestamp_seconds")) {
        assert!(asked.contains(*name), "no panel shows {name}");
    }
}

/// The table of docs/metrics.md: type, labels and meaning by name.
fn documented() -> BTreeMap<String, (String, String, String)> {
    let text = read("docs/metrics.md");
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| `ceremony_") || line.starts_with("| `process_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = cells[3].replace(['`', '—', ' '], "");
        (cells[1].replace('`', ""), (cells[2].into(), labels, cells[5].into()))
    })
    .collect()
}

#[test]
fn the_documentation_lists_every_metric_as_it_is() {
    let mut documented = documented();
    for family in FAMILIES {
        let found = documented.remove(family.name);
        let (kind, labels, help) = (family.kind.name(), family.labels.join(","), family.help);
        assert_eq!(found, Some((kind.into(), labels, help.into())), "{}", family.name);
    }
    assert!(documented.keys().all(|name| name.starts_with("process_")), "{documented:?}");
}

#[test]
fn units_are_sound_and_confined() {
    let units = std::fs::read_dir(checkout("ops/systemd")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for unit in units {
        let unit = unit.unwrap();
        let text = std::fs::read_to_string(unit.path()).unwrap();
        // The program need not be installed here.
        let here = text.replace("/usr/bin/zk-ceremony", env!("CARGO_BIN_EXE_zk-ceremony"));
        let path = folder.path().join(unit.file_name());
        std::fs::write(&path, here).unwrap();
        let path = path.to_str().unwrap();
        let said = peer("systemd-analyze", &["verify", "--man=no", path]);
        assert_eq!(said.trim(), "", "{path}");
        // In tenths: "OK" is below 4.0.
        peer("systemd-analyze", &["security", "--offline=true", "--threshold=12", path]);
        let text = std::fs::read_to_string(path).unwrap();
        // A flood or a fault takes no more than this. Exit status 1 is of a ceremony that is wrong.
        for line in ["\nMemoryMax=", "\nRestartPreventExitStatus=1\n", "\nRestart=on-failure\n"] {
            assert_eq!(text.matches(line).count(), 1, "{path}: {line}");
        }
        count += 1;
    }
    assert_eq!(count, 3);
}

#[test]
fn containers_have_the_certificates_that_the_program_needs() {
    let text = read("ops/compose.yml");
    let bundle = "/etc/ssl/certs/ca-certificates.crt";
    assert!(text.contains(&format!("SSL_CERT_FILE: {bundle}\n")));
    let program = "- /usr/bin/zk-ceremony:/usr/bin/zk-ceremony:ro\n";
    let both = format!("{program}      - {bundle}:{bundle}:ro\n");
    assert!(text.matches(program).count() >= 2);
    assert_eq!(text.matches(program).count(), text.matches(&both).count());
}
