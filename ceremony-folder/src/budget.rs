//! What a ceremony may hold, asked before anybody works for it.
//!
//! [`zk_vk_guard::limits`] says how much there may be, and shows that a bundle, a transcript, a
//! policy and a snippet have room for all of it. This page asks, at each step that adds to it:
//!
//! ```text
//! rules        circuits; each circuit and each program once                      Config::from_toml
//! roster       people, and the contributions that they may make                  Config::from_toml
//! circuits     public inputs; no two that would start from the same key          ensure_circuits
//! rejections   files taken out of the chains                                     ensure_rejections
//! ```
//!
//! A chain has at most one contribution of each participant, so that the rules, with the most
//! people who may be enrolled, say how many there can be.

use std::io::{Read, Seek};

use ceremony_core::format::FormatError;
use ceremony_core::format::r1cs::{R1cs, Term};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::sha256;
use zk_attest::primitives::CircuitName;
use zk_attest::statement::Phase;
use zk_vk_guard::limits::{
    MAX_CIRCUITS, MAX_CONTRIBUTIONS, MAX_PARTICIPANTS, MAX_PUBLIC_INPUTS, MAX_REJECTIONS,
};

use crate::Ceremony;
use crate::config::{ConfigCircuit, ConfigDocument, ConfigError, unsound};

/// The circuits of the rules: few enough, and no two that a verifier could not tell apart.
pub(crate) fn ensure_rules(circuits: &[ConfigCircuit]) -> Result<(), ConfigError> {
    if circuits.is_empty() || circuits.len() > MAX_CIRCUITS {
        return unsound(
            "the number of circuits is out of range",
            circuits.len(),
            format!("1 to {MAX_CIRCUITS}"),
        );
    }
    for (i, circuit) in circuits.iter().enumerate() {
        let earlier = &circuits[..i];
        if let Some(same) = earlier.iter().find(|other| other.sha256 == circuit.sha256) {
            return unsound(
                "one circuit has two names: both chains would start from the same key",
                format!("{} and {}, with one sha256", same.name, circuit.name),
                "one name for each .r1cs file",
            );
        }
        if let Some(same) = earlier.iter().find(|other| other.hash() == circuit.hash()) {
            return unsound(
                "two circuits have the same program, by which verifiers choose a key",
                format!("{} and {}, with program hash {}", same.name, circuit.name, circuit.hash()),
                "a program of its own for each circuit",
            );
        }
    }
    Ok(())
}

/// The people of the rules, and those who may be enrolled: no more than a ceremony may have, and no
/// more contributions of theirs than a transcript holds.
pub(crate) fn ensure_roster(rules: &ConfigDocument) -> Result<(), ConfigError> {
    let enrolled = rules.enrolment.as_ref().map_or(0, |rule| rule.maximum as usize);
    let people = rules.participants.len() + enrolled;
    if people > MAX_PARTICIPANTS {
        return unsound(
            "too many participants",
            format!("{} in the roster, {enrolled} who may be enrolled", rules.participants.len()),
            format!("at most {MAX_PARTICIPANTS} together"),
        );
    }
    let [first, second] = [Phase::One, Phase::Two].map(|phase| rules.most_participants(phase));
    let found = first + second * rules.circuits.len();
    if found > MAX_CONTRIBUTIONS {
        return unsound(
            "more contributions than a transcript holds",
            format!(
                "{found}: {first} participants of phase 1, and {second} of phase 2 with {} circuits",
                rules.circuits.len()
            ),
            format!("at most {MAX_CONTRIBUTIONS}: fewer participants, or fewer circuits"),
        );
    }
    Ok(())
}

/// A circuit's file, with the name that the rules give it.
pub type NamedCircuit<R> = (CircuitName, R1cs<R>);

/// The files of the rules' circuits: no more public inputs than a verifying key may have, and no
/// two whose chains would start from the same key.
///
/// # Errors
/// What is wrong with which circuit.
pub fn ensure_circuits<R: Read + Seek + Send>(
    circuits: &mut [NamedCircuit<R>],
) -> Result<(), Diagnostic> {
    for (name, file) in &*circuits {
        let found = file.shape().public();
        if found > MAX_PUBLIC_INPUTS {
            return Err(Diagnostic::artefact(
                "too-many-public-inputs",
                format_args!("circuit {name} has more public inputs than a verifying key may have"),
            )
            .found(format_args!("{found} public inputs and outputs"))
            .expected(format_args!("at most {MAX_PUBLIC_INPUTS}"))
            .hint(
                "make one public input of several: the circuit hashes them, and the verifier \
                 hashes them too",
            ));
        }
    }
    for i in 0..circuits.len() {
        let (earlier, rest) = circuits.split_at_mut(i);
        let Some((name, file)) = rest.first_mut() else { break };
        for (other, like) in earlier {
            if is_same_system(file, like).map_err(|error| unreadable(name, &error))? {
                return Err(Diagnostic::artefact(
                    "one-circuit-twice",
                    format_args!(
                        "the circuits {other} and {name} are the same constraints: both chains \
                         would start from the same key"
                    ),
                )
                .found("files that differ in labels only")
                .expected("one name for each circuit")
                .hint("leave one of them out of ceremony.toml"));
            }
        }
    }
    Ok(())
}

fn unreadable(name: &CircuitName, error: &FormatError) -> Diagnostic {
    crate::explained(error).at(format_args!("circuit {name}"))
}

/// Whether two files give the same initial key: the same numbers, and then the same terms.
fn is_same_system<R: Read + Seek + Send>(
    a: &mut R1cs<R>,
    b: &mut R1cs<R>,
) -> Result<bool, FormatError> {
    let numbers = |file: &R1cs<R>| {
        let shape = file.shape();
        (shape.wires(), shape.public(), shape.constraints())
    };
    Ok(numbers(a) == numbers(b) && terms_sha256(a)? == terms_sha256(b)?)
}

/// A digest of all terms, in whichever order a constraint has them.
fn terms_sha256<R: Read + Seek + Send>(file: &mut R1cs<R>) -> Result<[u8; 32], FormatError> {
    let (mut digest, mut row): ([u8; 32], Vec<Term>) = ([0; 32], Vec::new());
    let mut terms = file.terms();
    while let Some(chunk) = terms.next_chunk()? {
        for term in chunk {
            if row.last().is_some_and(|last| last.constraint != term.constraint) {
                digest = row_sha256(digest, &mut row);
            }
            row.push(term);
        }
    }
    Ok(row_sha256(digest, &mut row))
}

/// The digest of what came before and of one constraint.
fn row_sha256(before: [u8; 32], row: &mut Vec<Term>) -> [u8; 32] {
    row.sort_by_key(|term| (term.matrix, term.wire));
    let mut bytes = before.to_vec();
    for term in row.drain(..) {
        let place = format!("{} {} {} {}\n", term.matrix, term.constraint, term.wire, term.value);
        bytes.extend_from_slice(place.as_bytes());
    }
    sha256(&bytes)
}

/// Whether this many more files may be taken out of the ceremony's chains.
///
/// # Errors
/// When the transcript would have no room for the signed rejections.
pub fn ensure_rejections(ceremony: &Ceremony, more: usize) -> Result<(), Diagnostic> {
    let before: usize = ceremony.chains().map(|chain| chain.rejected.len()).sum();
    if before + more <= MAX_REJECTIONS {
        return Ok(());
    }
    Err(Diagnostic::artefact("too-many-rejections", "no more files can be taken out of the chains")
        .at(ceremony.folder.root().display())
        .found(format_args!("{before} rejected files, and {more} more"))
        .expected(format_args!("at most {MAX_REJECTIONS} in a ceremony"))
        .hint("begin a new ceremony, with other participants or another way of handing over files"))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use bn254_batch::curve::Fr;
    use ceremony_core::format::r1cs::{Row, Shape, write_r1cs};

    use super::*;

    fn circuit(
        name: &str,
        (inputs, private): (u32, u32),
        rows: Vec<[Row; 3]>,
    ) -> NamedCircuit<Cursor<Vec<u8>>> {
        let count = u32::try_from(rows.len()).unwrap();
        let shape = Shape::new(inputs + 4, 0, inputs, private, count).unwrap();
        let file = write_r1cs(Cursor::new(Vec::new()), shape, rows).unwrap().into_inner();
        (CircuitName::new(name).unwrap(), R1cs::open(Cursor::new(file)).unwrap())
    }

    fn row(a: &[u32]) -> [Row; 3] {
        let one = Fr::from(1u64);
        [a.iter().map(|wire| (one, *wire)).collect(), vec![(one, 1)], vec![(one, 2)]]
    }

    #[test]
    fn a_circuit_has_as_many_public_inputs_as_a_key_and_no_more() {
        for (inputs, good) in [(MAX_PUBLIC_INPUTS, true), (MAX_PUBLIC_INPUTS + 1, false)] {
            let found = ensure_circuits(&mut [circuit("a", (inputs, 0), vec![row(&[1])])]);
            assert_eq!(found.is_ok(), good, "{inputs}");
            if let Err(refused) = found {
                assert_eq!(refused.code, "too-many-public-inputs");
            }
        }
    }

    #[test]
    fn circuits_that_would_start_from_one_key_are_refused_whatever_their_files_say() {
        let a = || circuit("a", (1, 0), vec![row(&[1, 2]), row(&[1])]);
        // Another number of private inputs, and another order of terms: the key is the same.
        for same in [
            circuit("b", (1, 1), vec![row(&[1, 2]), row(&[1])]),
            circuit("b", (1, 0), vec![row(&[2, 1]), row(&[1])]),
        ] {
            let refused = ensure_circuits(&mut [a(), same]).unwrap_err();
            assert_eq!(refused.code, "one-circuit-twice");
            assert!(refused.what.contains("a and b"), "{}", refused.what);
        }
        for other in [
            circuit("b", (2, 0), vec![row(&[1, 2]), row(&[1])]),
            circuit("b", (1, 0), vec![row(&[1]), row(&[1, 2])]),
            circuit("b", (1, 0), vec![row(&[1, 3]), row(&[1])]),
            circuit("b", (1, 0), vec![row(&[1, 2]), row(&[1]), row(&[1])]),
        ] {
            ensure_circuits(&mut [a(), other]).unwrap();
        }
    }
}
