//! Verifying keys for those who do not build Rust: a contract for Ethereum's virtual machine, a key
//! for Solana's verifier, and JSON, TypeScript and Go.
//!
//! ```text
//! format        a file with                                                    verified by
//! solidity      a contract for each circuit, Verifier_NAME.verifyProof(..)     itself
//! solana        a module for each circuit, VERIFYING_KEY                       groth16-solana 0.3
//! json          circuits.NAME.verification_key, snarkjs' own document          snarkjs
//! typescript    CIRCUITS["NAME"].verifyingKey, the same, with types            snarkjs
//! go            Circuits["NAME"], coordinates in decimal                       gnark-crypto
//! ```
//!
//! As with the snippet, the text depends on a verified bundle and nothing else, and states in its
//! head which ceremony, serial and statement it is of. Nothing checks it while a program is built:
//! that is what `zk-embed --check` is for, in continuous integration.

use std::fmt;
use std::path::Path;

use ark_bn254::{Bn254, Fq, G1Affine, G2Affine};
use ark_ff::{BigInteger as _, PrimeField as _};
use ark_groth16::VerifyingKey;
use askama::Template;
use ceremony_core::format::verification_key::write_verification_key;
use zk_attest::error::{Code, Refusal, Result, USUAL_BUNDLE, USUAL_POLICY};
use zk_attest::manifest::CircuitProvenance;
use zk_attest::statement::Provenance;
use zk_vk_guard::bundle::VerifiedBundle;

/// Public inputs of a circuit in a contract at most. Ethereum lets a contract have 24 576 bytes
/// (EIP-170): that many fit whatever the compiler's settings, measured with the largest code that
/// they give (through its intermediate language, optimised for speed).
pub const MAX_SOLIDITY_INPUTS: usize = 128;

/// A language other than Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A contract for each circuit.
    Solidity,
    /// Rust for the crate groth16-solana.
    Solana,
    /// A document with snarkjs' own for each circuit.
    Json,
    /// A module with what snarkjs takes.
    TypeScript,
    /// A package with coordinates.
    Go,
}

impl Format {
    /// All of them, by the names that the command line has.
    pub const ALL: [(&'static str, Self); 5] = [
        ("solidity", Self::Solidity),
        ("solana", Self::Solana),
        ("json", Self::Json),
        ("typescript", Self::TypeScript),
        ("go", Self::Go),
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }

    /// Where its file usually is.
    #[must_use]
    pub const fn usual_file(self) -> &'static str {
        match self {
            Self::Solidity => "zk/Verifier.sol",
            Self::Solana => "zk/verifying_key_solana.rs",
            Self::Json => "zk/verifying_keys.json",
            Self::TypeScript => "zk/verifying_keys.ts",
            Self::Go => "zk/verifying_keys.go",
        }
    }

    /// The command that writes a file.
    #[must_use]
    pub fn command(self, out: &Path) -> String {
        format!(
            "zk-embed --format {self} --bundle {USUAL_BUNDLE} --policy {USUAL_POLICY} --out {}",
            out.display()
        )
    }

    /// The serial that a committed file states.
    #[must_use]
    pub fn serial_of(self, text: &str) -> Option<u64> {
        let declaration = match self {
            Self::Solidity => "uint64 public constant SERIAL = ",
            Self::Solana => "pub const BUNDLE_SERIAL: u64 = ",
            Self::Json => "\n  \"serial\": ",
            Self::TypeScript => "export const SERIAL = ",
            Self::Go => "Serial     uint64 = ",
        };
        let (_, after) = text.split_once(declaration)?;
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        after.get(..digits)?.parse().ok()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What every file says of where it is from.
struct Head {
    command: String,
    ceremony: String,
    kind: String,
    serial: u64,
    statement: String,
    transcript: String,
}

impl Head {
    fn new(bundle: &VerifiedBundle, format: Format) -> Self {
        let Provenance { ceremony, kind, serial, .. } = bundle.provenance();
        Self {
            command: format!("zk-embed --format {format}"),
            ceremony: ceremony.to_string(),
            kind: kind.to_string(),
            serial: *serial,
            statement: bundle.statement_digest().to_string(),
            transcript: bundle.transcript().digest().to_string(),
        }
    }

    fn title(&self) -> String {
        let Self { ceremony, kind, serial, .. } = self;
        format!("Verifying keys of ceremony {ceremony} ({kind}), serial {serial}.")
    }

    fn statement_bytes(&self) -> String {
        rust_bytes(&self.statement)
    }

    fn transcript_bytes(&self) -> String {
        rust_bytes(&self.transcript)
    }
}

/// A point of G1, in decimal.
struct G1 {
    x: Fq,
    y: Fq,
}

/// A point of G2: x0 + x1 u, y0 + y1 u.
struct G2 {
    x0: Fq,
    x1: Fq,
    y0: Fq,
    y1: Fq,
}

impl G1 {
    fn new(point: &G1Affine) -> Self {
        Self { x: point.x, y: point.y }
    }

    /// As EIP-196 has it: each coordinate in 32 bytes, big-endian.
    fn bytes(&self) -> String {
        rust_bytes(&[self.x, self.y].map(hex).concat())
    }
}

impl G2 {
    fn new(point: &G2Affine) -> Self {
        Self { x0: point.x.c0, x1: point.x.c1, y0: point.y.c0, y1: point.y.c1 }
    }

    /// As EIP-197 has it: the coefficient of u first.
    fn bytes(&self) -> String {
        rust_bytes(&[self.x1, self.x0, self.y1, self.y0].map(hex).concat())
    }

    fn go(&self) -> String {
        let Self { x0, x1, y0, y1 } = self;
        format!("[2]string{{\"{x0}\", \"{x1}\"}}, [2]string{{\"{y0}\", \"{y1}\"}}")
    }
}

fn hex(coordinate: Fq) -> String {
    use fmt::Write as _;
    coordinate.into_bigint().to_bytes_be().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A Rust array of the bytes that hex digits stand for.
fn rust_bytes(hex: &str) -> String {
    let digits = hex.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair));
    format!("[{}]", digits.map(|pair| format!("0x{pair}")).collect::<Vec<_>>().join(", "))
}

/// A circuit and its key.
struct Circuit {
    name: String,
    module: String,
    program_hash: String,
    vk_sha256: String,
    alpha: G1,
    beta: G2,
    gamma: G2,
    delta: G2,
    ic: Vec<G1>,
    json: String,
}

impl Circuit {
    fn new(about: &CircuitProvenance, key: &VerifyingKey<Bn254>) -> Result<Self> {
        let json =
            write_verification_key(key).map_err(|error| Refusal::new(Code::Malformed, error))?;
        Ok(Self {
            name: about.name.to_string(),
            module: about.name.module(),
            program_hash: about.program_hash.to_string(),
            vk_sha256: about.vk_sha256.to_string(),
            alpha: G1::new(&key.alpha_g1),
            beta: G2::new(&key.beta_g2),
            gamma: G2::new(&key.gamma_g2),
            delta: G2::new(&key.delta_g2),
            ic: key.gamma_abc_g1.iter().map(G1::new).collect(),
            json,
        })
    }

    fn inputs(&self) -> usize {
        self.ic.len().saturating_sub(1)
    }

    /// Solidity has no array without elements.
    fn has_inputs(&self) -> bool {
        self.inputs() > 0
    }

    fn g2(&self) -> [(&'static str, &G2); 3] {
        [("BETA", &self.beta), ("GAMMA", &self.gamma), ("DELTA", &self.delta)]
    }

    fn vk_sha256_bytes(&self) -> String {
        rust_bytes(&self.vk_sha256)
    }

    fn program_hash_bytes(&self) -> String {
        rust_bytes(&self.program_hash)
    }
}

macro_rules! template {
    ($name:ident, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path, escape = "none")]
        struct $name {
            head: Head,
            circuits: Vec<Circuit>,
        }
    };
}

template!(Solidity, "verifier.sol");
template!(Solana, "solana.rs.txt");
template!(Json, "verifying_keys.json");
template!(TypeScript, "verifying_keys.ts");
template!(Go, "verifying_keys.go");

/// The file of a verified bundle, whose keys have passed the deep check.
pub(crate) fn text(
    bundle: &VerifiedBundle,
    keys: &[VerifyingKey<Bn254>],
    format: Format,
) -> Result<String> {
    let head = Head::new(bundle, format);
    let circuits = bundle.circuits().zip(keys).map(|((about, _), key)| Circuit::new(about, key));
    let circuits = circuits.collect::<Result<Vec<_>>>()?;
    let rendered = match format {
        Format::Solidity => {
            ensure_deployable(&circuits)?;
            Solidity { head, circuits }.render()
        }
        Format::Solana => Solana { head, circuits }.render(),
        Format::Json => Json { head, circuits }.render(),
        Format::TypeScript => TypeScript { head, circuits }.render(),
        Format::Go => Go { head, circuits }.render(),
    };
    let text = rendered.map_err(|error| Refusal::new(Code::Malformed, error))?;
    Ok(format!("{}\n", text.trim_end()))
}

fn ensure_deployable(circuits: &[Circuit]) -> Result<()> {
    match circuits.iter().find(|circuit| circuit.inputs() > MAX_SOLIDITY_INPUTS) {
        None => Ok(()),
        Some(circuit) => Err(Refusal::new(
            Code::TooLarge,
            format_args!("a contract for circuit {} is too large to be deployed", circuit.name),
        )
        .found(format_args!("{} public inputs", circuit.inputs()))
        .expected(format_args!("at most {MAX_SOLIDITY_INPUTS}"))
        .hint("give the circuit fewer public inputs: their hash, for example")),
    }
}
