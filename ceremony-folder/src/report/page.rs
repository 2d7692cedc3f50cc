//! `report.html`: one file that opens offline, in any browser, without scripts. The page is
//! `templates/report.html`.

use askama::Template;

use super::meaning::{Meaning, PHASE1, PHASE2};
use super::parts::{Drawn, Facts, Hash};
use super::{Report, ReportedGoodAudit};
use crate::commitment::Standing;

/// The page. The engine escapes every value.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    result: &'static str,
    meaning: &'static str,
}

impl Page<'_> {
    fn is_of_another_transcript(&self, audit: &ReportedGoodAudit) -> bool {
        let ours = self.report.transcript_sha256.as_ref();
        ours.is_some_and(|ours| *ours != audit.transcript_sha256)
    }

    fn phase1(&self) -> &'static [Meaning] {
        &PHASE1
    }

    fn phase2(&self) -> &'static [Meaning] {
        &PHASE2
    }
}

/// The report as a page.
#[must_use]
pub fn html(report: &Report) -> String {
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
    use crate::evidence::{EvidenceKind, ReportedEvidence};

    use super::super::{
        ReportedAmendment, ReportedApproval, ReportedAudit, ReportedBeacon, ReportedBuild,
        ReportedChain, ReportedCheck, ReportedCommitment, ReportedEnrolment, ReportedFailure,
        ReportedFile, ReportedKey, ReportedPending, ReportedPeople, ReportedPlace,
        ReportedRejection, ReportedRound, ReportedStep, ReportedStray, ReportedVerdicts,
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
            audits: vec![ReportedGoodAudit {
                auditor: text.into(),
                key: text.into(),
                fingerprint: text.into(),
                transcript_sha256: text.into(),
                method: text.into(),
                tool: text.into(),
                time: text.into(),
            }],
            verdicts: vec![ReportedVerdicts {
                auditor: text.into(),
                key: text.into(),
                fingerprint: text.into(),
                good: 3,
                bad: vec![text.into()],
            }],
            builds: vec![ReportedBuild {
                tool: text.into(),
                executable_sha256: Some(text.into()),
                commit: Some(text.into()),
                arithmetic: vec![text.into()],
                contributions: 1,
                of: 1,
            }],
            approvals: vec![
                ReportedApproval {
                    name: Some(text.into()),
                    role: text.into(),
                    key: Some(text.into()),
                    fingerprint: text.into(),
                },
                ReportedApproval {
                    name: None,
                    role: text.into(),
                    key: None,
                    fingerprint: text.into(),
                },
            ],
            evidence: vec![ReportedEvidence {
                name: text.into(),
                kind: EvidenceKind::TimeStamp,
                size: 7,
                sha256: text.into(),
                names: Some(text.into()),
            }],
            evidence_error: Some(text.into()),
            people: ReportedPeople {
                coordinator: text.into(),
                amendments: vec![ReportedAmendment {
                    number: 1,
                    change: text.into(),
                    reason: text.into(),
                    signed_by: vec![text.into()],
                    time: text.into(),
                }],
                pending: Some(ReportedPending { change: text.into(), missing: text.into() }),
                unread: Some(text.into()),
                enrolments: vec![ReportedEnrolment {
                    participant: text.into(),
                    fingerprint: text.into(),
                    phases: vec![1, 2],
                    tool: text.into(),
                    software_sha256: Some(text.into()),
                    machine: text.into(),
                    window: text.into(),
                    time: text.into(),
                }],
                commitments: vec![ReportedCommitment {
                    participant: text.into(),
                    fingerprint: text.into(),
                    phase: 1,
                    standing: Standing::NotOpened,
                    time: text.into(),
                }],
                commitment_rounds: vec![ReportedRound {
                    phase: 1,
                    round: 2,
                    reason: text.into(),
                    time: text.into(),
                }],
            },
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
                    tool: text.into(),
                    executable_sha256: Some(text.into()),
                    commit: Some(text.into()),
                    arithmetic: Some(text.into()),
                    entropy: text.into(),
                    destruction: text.into(),
                    verified: text.into(),
                    beacon: Some(ReportedBeacon {
                        source: text.into(),
                        round: 7,
                        value: text.into(),
                        exponent: 10,
                        chain: None,
                        signature: Some(text.into()),
                        published: Some(text.into()),
                        order: text.into(),
                        verified_against_source: false,
                    }),
                }],
                rejected: vec![ReportedRejection {
                    file: text.into(),
                    sha256: text.into(),
                    reason: text.into(),
                }],
                strays: vec![ReportedStray {
                    file: text.into(),
                    kind: text.into(),
                    story: text.into(),
                }],
                absent: vec![text.into()],
                open: false,
                places: vec![
                    ReportedPlace::Step(0),
                    ReportedPlace::Rejected(0),
                    ReportedPlace::Stray(0),
                ],
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
        // A hash has a tag for each group, of which a longer text has more.
        let tags = |page: &str| page.matches('<').count() - page.matches("span>").count();
        assert_eq!(tags(&plain), tags(&page), "the text adds no element");
        assert!(!page.contains("<script"));
    }

    #[test]
    fn hashes_are_grouped_to_be_read_aloud_and_copied_and_found_whole() {
        let page = html(&report("plain"));
        let whole = |groups: &[&str]| {
            format!("<code class=\"hash\"><span>{}</span></code>", groups.join("</span><span>"))
        };
        assert!(page.contains(&whole(&["0011", "2233", "aabb"])), "{page}");
        assert!(page.contains(&whole(&["abab"; 16])), "{page}");
        assert!(page.contains("<dd>1.2 s</dd>") && page.contains("<li>3. plain (plain)</li>"));
    }
}
