//! What to do about a file that a reader does not take, for every command that reads one.

use ceremony_core::format::FormatError;
use ceremony_core::format::kind::FileKind;
use zk_attest::program::PROGRAM;

/// What helps against an error of a reader.
#[must_use]
pub fn for_format(error: &FormatError) -> String {
    match error {
        FormatError::Io(_) | FormatError::OsRandom(_) => "run the same command again".into(),
        FormatError::Kind { found, expected } => for_kind(*found, *expected),
        FormatError::Curve { .. } => "this program works on BN254 only, which circom and snarkjs \
                                      call bn128: make the file again for that curve"
            .into(),
        FormatError::ProofSystem { found } => format!(
            "a setup of {found} has no phase 2: `{PROGRAM} zkey new R1CS PTAU OUT` makes the \
             Groth16 key of the same circuit"
        ),
        FormatError::CustomGates => {
            "compile the circuit without custom templates: only PLONK has them".into()
        }
        FormatError::NoConstraints => {
            "there is nothing to prove: add a constraint to the circuit, and compile it again \
             (`circom --O0` keeps constraints that optimisation removes)"
                .into()
        }
        FormatError::Truncated { .. } | FormatError::SectionPastEnd { .. } => {
            "the download is incomplete: fetch the file again and compare its digest".into()
        }
        _ => "the file is damaged or was made by a faulty tool: fetch it again and compare its \
              digest"
            .into(),
    }
}

/// What to do with a file of another kind than the one that was expected.
#[must_use]
pub fn for_kind(found: FileKind, expected: FileKind) -> String {
    match found {
        FileKind::Ptau if expected == FileKind::Challenge => format!(
            "contribute to it with `{PROGRAM} ptau contribute IN OUT --name NAME`, or make its \
             challenge file with `{PROGRAM} ptau export-challenge IN OUT`"
        ),
        FileKind::Ptau => format!("`{PROGRAM} ptau --help` lists what can be done with it"),
        FileKind::Zkey => format!("`{PROGRAM} zkey --help` lists what can be done with it"),
        FileKind::R1cs => {
            format!("make its initial key with `{PROGRAM} zkey new R1CS PTAU OUT`")
        }
        FileKind::Wtns => {
            format!("only `{PROGRAM} zkey export-ark` takes one, with --r1cs and --witness")
        }
        FileKind::BasesPart => format!(
            "`{PROGRAM} ptau prepare IN OUT --combine PART...` puts the parts of a preparation \
             together"
        ),
        FileKind::Challenge => format!(
            "answer it with `{PROGRAM} ptau contribute-challenge CHALLENGE RESPONSE`; its .ptau \
             stays with the coordinator"
        ),
        FileKind::Response => format!(
            "append it to the .ptau of its challenge with `{PROGRAM} ptau import-response IN \
             RESPONSE OUT --name NAME`"
        ),
        FileKind::Bellman => "if snarkjs exported it, bring it back with `snarkjs zkey import \
                              bellman OLD.zkey FILE NEW.zkey`, and give the new .zkey"
            .into(),
        FileKind::Gnark => "files of gnark are not read: give those of snarkjs and circom".into(),
        FileKind::Arkworks => {
            "keys for arkworks are written and not read: give the .zkey that it came from".into()
        }
        FileKind::Json => "name the right file: a .zkey holds what a verification_key.json was \
                           exported from"
            .into(),
        FileKind::CircomSource => "compile it with `circom FILE --r1cs`, and give the .r1cs".into(),
        FileKind::Wasm => "it calculates witnesses: give the .r1cs that was compiled with it, or \
                           a .wtns that it calculated"
            .into(),
        FileKind::GitLfsPointer => {
            "fetch the file itself: run `git lfs pull` in the checkout that it is in".into()
        }
        FileKind::Gzip => "decompress it with `gunzip`, and give the result".into(),
        FileKind::Zip => "unpack it with `unzip`, and give the file inside".into(),
        FileKind::Xz => "decompress it with `unxz`, and give the result".into(),
        FileKind::Bzip2 => "decompress it with `bunzip2`, and give the result".into(),
        FileKind::Zstd => "decompress it with `unzstd`, and give the result".into(),
        FileKind::Tar => "unpack it with `tar -xf`, and give the file inside".into(),
        FileKind::WebPage => {
            "a server answered with a web page: download the file again, from its direct link"
                .into()
        }
        FileKind::Empty | FileKind::Zeros => {
            "the download or copy is incomplete: fetch the file again and compare its digest".into()
        }
        // Text, and what is not recognised.
        _ => format!("name the right file: `{PROGRAM} help` says which kind each command reads"),
    }
}
