//! `report.html`: one file that opens offline, in any browser, without scripts. The page is
//! `templates/report.html`.

use askama::Template;

use super::{Report, ReportedStep};

/// The page. The engine escapes every value.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    result: &'static str,
    meaning: &'static str,
}

impl Page<'_> {
    /// Hex digits in groups of four, eight groups to a line, as two people compare them aloud.
    fn hash_lines(&self, hex: &str) -> Vec<String> {
        let digits: Vec<char> = hex.chars().collect();
        let groups: Vec<String> = digits.chunks(4).map(String::from_iter).collect();
        groups.chunks(8).map(|line| line.join(" ")).collect()
    }

    fn headline(&self, step: &ReportedStep) -> String {
        match step.action.as_str() {
            "contribution" => format!("contribution {}", step.index),
            other => other.to_owned(),
        }
    }
}

/// The report as a page.
pub(crate) fn html(report: &Report) -> String {
    let (result, meaning) = match report.result.as_str() {
        "good" => ("good", "every file, signature and proof of this ceremony was verified"),
        "unfinished" => {
            ("NOT FINISHED", "everything so far was verified; the ceremony is still running")
        }
        _ => ("bad", "the verification failed: see below"),
    };
    let mut page = String::new();
    // Writing into a String cannot fail.
    let _ = Page { report, result, meaning }.render_into(&mut page);
    page
}

#[cfg(test)]
mod tests {
    use super::super::{
        ReportedAudit, ReportedChain, ReportedCheck, ReportedFailure, ReportedFile, ReportedKey,
        ReportedRejection, ReportedStray,
    };
    use super::*;

    fn report(text: &str) -> Report {
        Report {
            format: "zk-ceremony-report/1".into(),
            result: "bad".into(),
            ceremony: text.into(),
            kind: text.into(),
            ceremony_toml_sha256: "00112233aabb".into(),
            tool: text.into(),
            arithmetic: text.into(),
            time: text.into(),
            seconds: 1.25,
            transcript_sha256: Some("ab".repeat(32)),
            verifying_keys: vec![ReportedKey {
                circuit: text.into(),
                public_inputs: 2,
                vk_sha256: text.into(),
            }],
            files: vec![ReportedFile {
                title: text.into(),
                file: text.into(),
                length: 7,
                sha256: text.into(),
                blake2b: text.into(),
                seconds: 0.5,
                checks: vec![ReportedCheck {
                    number: Some(3),
                    statement: text.into(),
                    remark: Some(text.into()),
                }],
            }],
            failure: Some(ReportedFailure {
                title: text.into(),
                error: text.into(),
                hint: Some(text.into()),
            }),
            finished: false,
            strays: vec![ReportedStray {
                file: text.into(),
                kind: text.into(),
                story: text.into(),
            }],
            failed_audits: vec![ReportedAudit {
                auditor: text.into(),
                fingerprint: text.into(),
                step: text.into(),
                failure: text.into(),
                time: text.into(),
            }],
            chains: vec![ReportedChain {
                title: text.into(),
                steps: vec![ReportedStep {
                    file: text.into(),
                    action: "contribution".into(),
                    index: 1,
                    participant: text.into(),
                    key: text.into(),
                    fingerprint: text.into(),
                    time: text.into(),
                    sha256: text.into(),
                    contribution_hash: Some(text.into()),
                    entropy: text.into(),
                    destruction: text.into(),
                    verified: text.into(),
                    beacon: Some(text.into()),
                }],
                rejected: vec![ReportedRejection {
                    file: text.into(),
                    sha256: text.into(),
                    reason: text.into(),
                }],
            }],
        }
    }

    #[test]
    fn what_other_people_wrote_never_becomes_markup() {
        let plain = html(&report("plain"));
        let page = html(&report("<b onload='x'>&\"é"));
        for sign in ["<b onload", "'x'", "x'>", "&\""] {
            assert!(!page.contains(sign), "{sign}\n{page}");
        }
        let tags = |page: &str| page.matches('<').count();
        assert_eq!(tags(&plain), tags(&page), "the text adds no element");
        assert!(!page.contains("<script"));
    }

    #[test]
    fn hashes_are_grouped_to_be_read_aloud() {
        let page = html(&report("plain"));
        assert!(page.contains("<code class=\"hash\">0011 2233 aabb</code>"), "{page}");
        let line = ["abab"; 8].join(" ");
        assert!(page.contains(&format!("<code class=\"hash\">{line} <br>{line}</code>")));
        assert!(page.contains("<dd>1.2 s</dd>") && page.contains("<li>3. plain (plain)</li>"));
    }
}
