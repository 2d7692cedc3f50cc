//! With which builds of which programs the contributions were made, as their makers' programs said.

use serde::{Deserialize, Serialize};
use zk_attest::statement::StepAttestation;

use crate::Ceremony;

/// A build, and how many contributions were made with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedBuild {
    /// Program and version.
    pub tool: String,
    /// SHA-256 of the program's file, in hex; none where it was not told.
    pub executable_sha256: Option<String>,
    /// The commit of its sources, where it was told.
    pub commit: Option<String>,
    /// What it computed with; several where its users have different machines.
    pub arithmetic: Vec<String>,
    /// Contributions to all chains.
    pub contributions: usize,
    /// Of this many in all.
    pub of: usize,
}

impl ReportedBuild {
    /// The builds of a ceremony's contributions, in the order of their first ones.
    #[must_use]
    pub fn all(ceremony: &Ceremony) -> Vec<Self> {
        Self::count(ceremony.chains().flat_map(|chain| chain.contributions()).map(|it| &it.words))
    }

    fn count<'a>(contributions: impl Iterator<Item = &'a StepAttestation>) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        let mut of = 0;
        for words in contributions {
            of += 1;
            let tool = words.tool.to_string();
            let build = words.build.as_ref();
            let digest = build.and_then(|build| build.executable_sha256);
            let digest = digest.map(|digest| digest.to_string());
            let commit = build.and_then(|build| build.commit).map(|commit| commit.to_string());
            let place = found.iter().position(|known| {
                (&known.tool, &known.executable_sha256, &known.commit) == (&tool, &digest, &commit)
            });
            let place = place.unwrap_or_else(|| {
                let (arithmetic, contributions) = (Vec::new(), 0);
                let executable_sha256 = digest;
                found.push(Self {
                    tool,
                    executable_sha256,
                    commit,
                    arithmetic,
                    contributions,
                    of: 0,
                });
                found.len() - 1
            });
            let Some(known) = found.get_mut(place) else { continue };
            known.contributions += 1;
            let arithmetic = build.map(|build| build.arithmetic.to_string());
            let new = arithmetic.filter(|it| !known.arithmetic.contains(it));
            known.arithmetic.extend(new);
        }
        found.iter_mut().for_each(|build| build.of = of);
        found
    }

    /// "5 of 5 contributions were".
    #[must_use]
    pub fn share(&self) -> String {
        let (noun, verb) = match (self.of, self.contributions) {
            (1, _) => ("contribution", "was"),
            (_, 1) => ("contributions", "was"),
            _ => ("contributions", "were"),
        };
        format!("{} of {} {noun} {verb}", self.contributions, self.of)
    }
}

#[cfg(test)]
mod tests {
    use zk_attest::digest::{CommitId, ConfigDigest, FileDigest};
    use zk_attest::primitives::{Arithmetic, CeremonyId, CeremonyKind, Timestamp};
    use zk_attest::statement::{Action, Build, Phase};

    use super::*;
    use crate::fixture::label;

    fn contribution(tool: &str, build: Option<(&str, &str)>) -> StepAttestation {
        StepAttestation {
            ceremony: CeremonyId::new("a").unwrap(),
            ceremony_toml_sha256: ConfigDigest::of(b"rules"),
            kind: CeremonyKind::Rehearsal,
            phase: Phase::One,
            circuit: None,
            action: Action::Contribution,
            index: 1,
            participant: label("alice"),
            input_sha256: None,
            contribution_hash: None,
            beacon: None,
            tool: label(tool),
            build: build.map(|(program, arithmetic)| Build {
                commit: Some(CommitId([1; 20])),
                executable_sha256: Some(FileDigest::of(program.as_bytes())),
                arithmetic: Arithmetic::new(arithmetic).unwrap(),
            }),
            entropy: label("dice"),
            destruction: label("none"),
            verified: label("nothing"),
            reason: None,
            time: Timestamp::from_unix(0),
        }
    }

    #[test]
    fn contributions_are_counted_by_the_build_that_made_them() {
        let made = [
            contribution("ours", Some(("one", "portable"))),
            contribution("ours", Some(("one", "avx512-ifma"))),
            contribution("ours", Some(("another", "portable"))),
            contribution("theirs", None),
            contribution("ours", Some(("one", "portable"))),
        ];
        let found = ReportedBuild::count(made.iter());
        let shares: Vec<_> = found.iter().map(|it| (it.tool.as_str(), it.share())).collect();
        let expected = [
            ("ours", "3 of 5 contributions were"),
            ("ours", "1 of 5 contributions was"),
            ("theirs", "1 of 5 contributions was"),
        ];
        assert_eq!(shares, expected.map(|(tool, share)| (tool, share.to_owned())));
        assert_eq!(found[0].arithmetic, ["portable", "avx512-ifma"]);
        let digest = FileDigest::of(b"one").to_string();
        assert_eq!(found[0].executable_sha256.as_deref(), Some(digest.as_str()));
        assert_eq!((&found[2].executable_sha256, &found[2].commit), (&None, &None));
        assert_eq!(ReportedBuild::count(made[..1].iter())[0].share(), "1 of 1 contribution was");
    }
}
