//! Circuits of arkworks in and out: a [`ConstraintSynthesizer`] written as `.r1cs` and `.wtns`, so
//! that its authors enter the ceremony by the same door as circom's, and an `.r1cs` with a witness
//! as a [`ConstraintSynthesizer`], so that arkworks proves for it.
//!
//! The order of wires is arkworks' own: the constant one, the instance variables, the witness
//! variables; in the `.r1cs` the instance variables are public inputs; there are no outputs. The
//! constraints are those that arkworks' Groth16 proves: linear combinations inlined
//! (`OptimizationGoal::Constraints`), here with the terms of a combination sorted by wire, one per
//! wire.

use std::io::{Read, Seek, Write};

use ark_ff::{AdditiveGroup, Field};
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystem, ConstraintSystemRef, LinearCombination,
    OptimizationGoal, R1CS_PREDICATE_LABEL, SynthesisError, SynthesisMode, Variable,
};
use bn254_batch::curve::Fr;

use crate::explain::{Explain, Finding};
use crate::format::FormatError;
use crate::format::r1cs::{Matrix, R1cs, Row, Shape, write_r1cs};
use crate::format::wtns::write_wtns;

/// Why a circuit of arkworks was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The circuit did not synthesize.
    #[error("the circuit does not synthesize: {0}")]
    Synthesis(String),
    /// The circuit has constraints that are not rank-1.
    #[error(
        "the circuit has constraints that Groth16 does not prove: found {found} of predicate \
         \"{predicate}\", expected rank-1 constraints only"
    )]
    Predicate {
        /// Its label.
        predicate: String,
        /// Number of its constraints.
        found: usize,
    },
    /// The numbers do not fit the format.
    #[error("the circuit does not fit the format: {0}")]
    Shape(#[from] FormatError),
    /// More than the format's 32 bits can count.
    #[error("too many {what}: found {found}, expected less than 2^32")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many.
        found: usize,
    },
    /// Writing failed.
    #[error("writing the circuit: {0}")]
    Output(#[from] std::io::Error),
}

impl Explain for ExportError {
    fn explain(&self) -> Finding {
        match self {
            Self::Synthesis(_) => Finding::new("r1cs-export/synthesis", self),
            Self::Predicate { predicate, found } => Finding::compared(
                "r1cs-export/predicate",
                self,
                format_args!("{found} of predicate \"{predicate}\""),
                "rank-1 constraints only",
            ),
            Self::Shape(error) => error.explain().inside("the circuit does not fit the format"),
            Self::TooMany { found, .. } => {
                Finding::compared("r1cs-export/too-many", self, found, "less than 2^32")
            }
            Self::Output(_) => Finding::environment("r1cs-export/output", self),
        }
    }
}

impl From<SynthesisError> for ExportError {
    fn from(error: SynthesisError) -> Self {
        Self::Synthesis(error.to_string())
    }
}

/// Writes a circuit as `.r1cs`. The circuit is synthesized without a witness, as arkworks' own
/// setup does.
///
/// # Errors
/// [`ExportError`].
pub fn export_r1cs<C: ConstraintSynthesizer<Fr>, W: Write + Seek>(
    circuit: C,
    sink: W,
) -> Result<(W, Shape), ExportError> {
    let cs = synthesize(circuit, SynthesisMode::Setup)?;
    for (predicate, found) in cs.get_all_predicates_num_constraints() {
        if predicate != R1CS_PREDICATE_LABEL && found != 0 {
            return Err(ExportError::Predicate { predicate, found });
        }
    }
    let matrices = cs.to_matrices()?.remove(R1CS_PREDICATE_LABEL).unwrap_or_default();
    let Ok([a, b, c]) = <[_; 3]>::try_from(matrices) else {
        return Err(ExportError::Synthesis("three matrices expected".into()));
    };
    let count =
        |what, found: usize| u32::try_from(found).map_err(|_| ExportError::TooMany { what, found });
    let wires = count("variables", cs.num_instance_variables() + cs.num_witness_variables())?;
    let (public, private) = (
        count("inputs", cs.num_instance_variables() - 1)?,
        count("witnesses", cs.num_witness_variables())?,
    );
    let shape = Shape::new(wires, 0, public, private, count("constraints", a.len())?)?;
    let constraints = a.into_iter().zip(b).zip(c).map(|((a, b), c)| [a, b, c].map(canonical_row));
    Ok((write_r1cs(sink, shape, constraints)?, shape))
}

/// Writes the witness of a circuit as `.wtns`, for provers that read files.
///
/// # Errors
/// [`ExportError`].
pub fn export_wtns<C: ConstraintSynthesizer<Fr>, W: Write + Seek>(
    circuit: C,
    sink: W,
) -> Result<W, ExportError> {
    let cs = synthesize(
        circuit,
        SynthesisMode::Prove { construct_matrices: true, generate_lc_assignments: false },
    )?;
    let mut values = cs.instance_assignment()?;
    values.extend(cs.witness_assignment()?);
    Ok(write_wtns(sink, &values)?)
}

fn synthesize<C: ConstraintSynthesizer<Fr>>(
    circuit: C,
    mode: SynthesisMode,
) -> Result<ConstraintSystemRef<Fr>, SynthesisError> {
    let cs = ConstraintSystem::new_ref();
    cs.set_optimization_goal(OptimizationGoal::Constraints);
    cs.set_mode(mode);
    circuit.generate_constraints(cs.clone())?;
    cs.finalize();
    Ok(cs)
}

/// Sorted by wire, one term per wire, no zeros.
fn canonical_row(row: Vec<(Fr, usize)>) -> Row {
    // Wires were counted in 32 bits before.
    let mut row: Row = row.into_iter().map(|(value, wire)| (value, wire as u32)).collect();
    row.sort_by_key(|(_, wire)| *wire);
    row.dedup_by(|later, first| {
        let same = later.1 == first.1;
        if same {
            first.0 += later.0;
        }
        same
    });
    row.retain(|(value, _)| *value != Fr::ZERO);
    row
}

/// Why a witness is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// The circuit cannot be read.
    #[error("the circuit (.r1cs): {0}")]
    R1cs(#[from] FormatError),
    /// Another number of values than wires.
    #[error("the witness is for another circuit: found {found} values, expected {expected}")]
    Length {
        /// Values.
        found: usize,
        /// Wires.
        expected: u32,
    },
    /// The first value is not one.
    #[error("the witness does not begin with one")]
    One,
    /// A constraint does not hold.
    #[error("the witness does not satisfy constraint {constraint} (counted from 0)")]
    Unsatisfied {
        /// The first such constraint.
        constraint: u32,
    },
}

impl Explain for WitnessError {
    fn explain(&self) -> Finding {
        match self {
            Self::R1cs(error) => error.explain().inside("the circuit (.r1cs)"),
            Self::Length { found, expected } => {
                Finding::compared("witness/length", self, format_args!("{found} values"), expected)
            }
            Self::One => Finding::new("witness/one", self),
            Self::Unsatisfied { .. } => Finding::new("witness/unsatisfied", self),
        }
    }
}

/// A circuit with values that satisfy it, held in memory, as arkworks' prover wants it.
///
/// `&AssignedCircuit` is a [`ConstraintSynthesizer`].
#[derive(Debug)]
pub struct AssignedCircuit {
    shape: Shape,
    constraints: Vec<[Row; 3]>,
    values: Vec<Fr>,
}

impl AssignedCircuit {
    /// Reads a circuit and checks that the values satisfy it: arkworks' prover takes anything and
    /// gives a proof that does not verify.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub fn new<R: Read + Seek + Send>(
        r1cs: &mut R1cs<R>,
        values: Vec<Fr>,
    ) -> Result<Self, WitnessError> {
        let shape = r1cs.shape();
        if values.len() as u64 != u64::from(shape.wires()) {
            return Err(WitnessError::Length { found: values.len(), expected: shape.wires() });
        }
        if values[0] != Fr::ONE {
            return Err(WitnessError::One);
        }
        let mut constraints: Vec<[Row; 3]> = vec![Default::default(); shape.constraints() as usize];
        let mut terms = r1cs.terms();
        while let Some(chunk) = terms.next_chunk()? {
            for term in chunk {
                let row = match term.matrix {
                    Matrix::A => 0,
                    Matrix::B => 1,
                    Matrix::C => 2,
                };
                constraints[term.constraint as usize][row].push((term.value, term.wire));
            }
        }
        for (constraint, rows) in (0..).zip(&constraints) {
            let [a, b, c] = rows.each_ref().map(|row| {
                row.iter().map(|(value, wire)| *value * values[*wire as usize]).sum::<Fr>()
            });
            if a * b != c {
                return Err(WitnessError::Unsatisfied { constraint });
            }
        }
        Ok(Self { shape, constraints, values })
    }

    /// The circuit's numbers.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The public outputs and inputs, without the constant one: what a verifier is given.
    #[must_use]
    pub fn public_inputs(&self) -> &[Fr] {
        &self.values[1..=self.shape.public() as usize]
    }
}

impl ConstraintSynthesizer<Fr> for &AssignedCircuit {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> ark_relations::gr1cs::Result<()> {
        let mut variables = vec![Variable::One];
        for (wire, value) in self.values.iter().enumerate().skip(1) {
            let public = wire <= self.shape.public() as usize;
            variables.push(if public {
                cs.new_input_variable(|| Ok(*value))?
            } else {
                cs.new_witness_variable(|| Ok(*value))?
            });
        }
        for rows in &self.constraints {
            let [a, b, c] = rows.each_ref().map(|row| {
                LinearCombination(
                    row.iter().map(|(value, wire)| (*value, variables[*wire as usize])).collect(),
                )
            });
            cs.enforce_r1cs_constraint(|| a, || b, || c)?;
        }
        Ok(())
    }
}
