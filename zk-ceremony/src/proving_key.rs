//! Proving keys for arkworks, and the witnesses that they are tested with.

use std::io::{BufWriter, Read, Seek, Write};
use std::path::Path;

use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::wtns::read_wtns;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::keygen::{self, VerifyingKey};
use ceremony_core::phase2::arkworks::AssignedCircuit;
use ceremony_folder::explained;
use zk_attest::diagnostic::Diagnostic;

use crate::failure;
use crate::output::{folder_of, open, scratch_in};
use crate::progress::Bars;

/// A circuit with a witness that satisfies it.
pub(crate) fn assigned<R: Read + Seek + Send>(
    r1cs: &mut R1cs<R>,
    witness: &Path,
) -> Result<AssignedCircuit, Diagnostic> {
    let values = read_wtns(open(witness)?).map_err(|e| failure::format(witness, &e))?;
    AssignedCircuit::new(r1cs, values).map_err(|e| {
        explained(&e)
            .at(witness.display())
            .hint("give a witness that the circuit's own program calculated")
    })
}

/// Makes the proving key of a `.zkey`, tests it, and writes it to `out`, which is the file at
/// `path` or ends there.
///
/// Without a circuit to test it with, the key goes through piece by piece. The prover of a test
/// takes one that is held whole.
pub(crate) fn write<R: Read + Seek + Send>(
    key: (&mut Zkey<R>, &Path),
    circuit: Option<&AssignedCircuit>,
    out: impl Write + Send,
    path: &Path,
) -> Result<VerifyingKey, Diagnostic> {
    let (key, key_path) = key;
    let mut out = BufWriter::new(out);
    let Some(circuit) = circuit else {
        let mut scratch = scratch_in(folder_of(path))?;
        return keygen::export_proving_key(key, out, &mut scratch, &Bars::default())
            .map_err(|e| failure::export(key_path, path, &e));
    };
    let proving_key =
        keygen::proving_key(key, &Bars::default()).map_err(|e| failure::keygen(key_path, &e))?;
    keygen::check_consistency(key, &proving_key)
        .and_then(|()| keygen::prove_and_verify(&proving_key, circuit))
        .map_err(|e| failure::self_test(key_path, &e))?;
    keygen::write_proving_key(&proving_key, &mut out).map_err(|e| failure::keygen(path, &e))?;
    Ok(proving_key.vk)
}

/// How a key was tested that [`write`] wrote.
pub(crate) fn tested(with_witness: bool) -> &'static str {
    if with_witness {
        "a proof was made and verified"
    } else {
        "no witness given: checked for consistency only"
    }
}
