//! `proof verify`, `tally` and `serve`: proofs under the key of an approved bundle.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ceremony_core::format::proof::{
    ProofEncoding, inputs_digest, proof_digest, read_inputs, read_proof,
};
use ceremony_core::limits::{MAX_PROOF_BYTES, MAX_PUBLIC_INPUT_BYTES};
use ceremony_core::proofs::Claim;
use ceremony_folder::explained;
use ceremony_net::metrics::Node;
use ceremony_net::proofs::{Identity, ProofService};
use serde::Serialize;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::envelope::Envelope;
use zk_attest::file::read_regular;
use zk_attest::primitives::{Label, Timestamp};
use zk_attest::signer::sign_envelope;
use zk_embed::proofs::{About, CircuitVerifier, Tally, statement, tally};

use super::bundle::read_bundle;
use super::policy::read_policy;
use crate::cli::proof::{ProofCommand, ProofKeyArgs, ServeProofs, TallyVerdicts, VerifyProofs};
use crate::failure;
use crate::outcome::note;
use crate::output::{Output, on_interrupt};
use crate::show::json;
use crate::watching::say;

static STOPPED: AtomicBool = AtomicBool::new(false);

impl ProofCommand {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        match self {
            Self::Verify(command) => command.run(),
            Self::Tally(command) => command.run(),
            Self::Serve(command) => command.run(),
        }
    }
}

impl ProofKeyArgs {
    fn open(&self) -> Result<CircuitVerifier, Diagnostic> {
        let (bundle, policy) = (read_bundle(&self.bundle)?, read_policy(&self.policy)?);
        CircuitVerifier::from_bundle(&bundle, &policy, self.circuit.as_ref(), &Timestamp::now())
            .map_err(|refusal| failure::refusal(&self.bundle, &refusal))
    }
}

/// What a file is written in, by its name.
fn encoding(path: &Path) -> ProofEncoding {
    match path.extension() {
        Some(ending) if ending == "json" => ProofEncoding::Snarkjs,
        _ => ProofEncoding::Arkworks,
    }
}

fn read_claim(proof: &Path, public: &Path) -> Result<Claim, Diagnostic> {
    let bytes = |path: &Path, limit| {
        read_regular(path, limit).map_err(|refusal| failure::refusal(path, &refusal))
    };
    let refused = |path: &Path, error: ceremony_core::format::proof::ProofError| {
        explained(&error).at(path.display()).hint(
            "snarkjs' files end in .json; others hold the canonical bytes of arkworks' Proof and \
             Vec<Fr>",
        )
    };
    let of_proof = bytes(proof, MAX_PROOF_BYTES)?;
    let of_inputs = bytes(public, MAX_PUBLIC_INPUT_BYTES)?;
    Ok(Claim {
        proof: read_proof(&of_proof, encoding(proof)).map_err(|error| refused(proof, error))?,
        inputs: read_inputs(&of_inputs, encoding(public))
            .map_err(|error| refused(public, error))?,
    })
}

/// A proof and the answer.
#[derive(Serialize)]
struct Answered {
    proof: String,
    proof_sha256: String,
    inputs_sha256: String,
    holds: bool,
}

#[derive(Serialize)]
struct Answers<'a> {
    ceremony: &'a str,
    circuit: &'a str,
    statement_sha256: String,
    vk_sha256: String,
    proofs: Vec<Answered>,
}

impl VerifyProofs {
    fn run(self) -> Result<(), Diagnostic> {
        let key = self.key.open()?;
        let (pairs, rest) = self.files.as_chunks::<2>();
        if let Some(alone) = rest.first() {
            return Err(Diagnostic::environment("arguments", "a proof has no public inputs")
                .at(alone.display())
                .hint("give each proof's public inputs behind it: PROOF PUBLIC PROOF PUBLIC ..."));
        }
        let claims = pairs
            .iter()
            .map(|[proof, public]| read_claim(proof, public))
            .collect::<Result<Vec<_>, _>>()?;
        let mut signer = if self.signer.is_named() { Some(self.signer.open()?) } else { None };
        let bad = key.verifier.verify_batch(&claims).map_err(|error| {
            let place = match &error {
                ceremony_core::proofs::BatchError::Inputs { index, .. } => {
                    pairs.get(*index).map(|[_, public]| public.display().to_string())
                }
                _ => None,
            };
            explained(&error).at(place.unwrap_or_default())
        })?;
        let answered: Vec<Answered> = claims
            .iter()
            .zip(pairs)
            .enumerate()
            .map(|(i, (claim, [proof, _]))| Answered {
                proof: proof.display().to_string(),
                proof_sha256: hex::encode(proof_digest(&claim.proof)),
                inputs_sha256: hex::encode(inputs_digest(&claim.inputs)),
                holds: !bad.contains(&i),
            })
            .collect();
        if let (Some(folder), Some(signer)) = (&self.verdicts, &mut signer) {
            std::fs::create_dir_all(folder).map_err(|e| failure::io(folder, "creating", &e))?;
            for (claim, answer) in claims.iter().zip(&answered) {
                write_verdict(&key, claim, answer.holds, folder, signer.as_mut())?;
            }
        }
        if self.json {
            json(&Answers {
                ceremony: key.ceremony.as_str(),
                circuit: key.circuit.as_str(),
                statement_sha256: key.statement.to_string(),
                vk_sha256: key.vk_sha256.to_string(),
                proofs: answered,
            })?;
        } else {
            for answer in &answered {
                let holds = if answer.holds { "holds" } else { "DOES NOT HOLD" };
                println!("{}: {holds}", answer.proof);
            }
            println!(
                "  under              circuit {} of {}, key {}",
                key.circuit, key.ceremony, key.vk_sha256
            );
        }
        match bad.first() {
            None => Ok(()),
            Some(first) => Err(Diagnostic::artefact(
                "proof-does-not-hold",
                format_args!("{} of {} proofs do not hold", bad.len(), claims.len()),
            )
            .at(pairs[*first][0].display())
            .hint("ask who made the proof: for these inputs and this key it proves nothing")),
        }
    }
}

fn write_verdict(
    key: &CircuitVerifier,
    claim: &Claim,
    holds: bool,
    folder: &Path,
    signer: &mut dyn crate::signer::Signer,
) -> Result<(), Diagnostic> {
    let tool = Label::from_static(concat!("zk-ceremony ", env!("CARGO_PKG_VERSION")));
    let verdict = key.verdict(claim, holds, *signer.public_key(), &tool);
    // One for each proof, inputs and key, whatever the files were called.
    let name = format!(
        "{}-{}-{}.dsse.json",
        &hex::encode(proof_digest(&claim.proof))[..16],
        &hex::encode(inputs_digest(&claim.inputs))[..16],
        signer.public_key().fingerprint().replace(' ', "")
    );
    let path: PathBuf = folder.join(name);
    let refused = |refusal| failure::refusal(&path, &refusal);
    let mut envelope =
        statement(verdict, claim).and_then(|it| it.to_envelope()).map_err(refused)?;
    sign_envelope(signer, &mut envelope)?;
    let mut output = Output::create(&path, true, &[])?;
    output.write_all(&envelope.to_json()).map_err(|e| failure::io(&path, "writing", &e))?;
    output.commit()?;
    say!("{}: signed", path.display());
    Ok(())
}

impl TallyVerdicts {
    fn run(self) -> Result<(), Diagnostic> {
        let policy = read_policy(&self.policy)?;
        let expected = match (&self.bundle, &self.proof, &self.public) {
            (Some(bundle), Some(proof), Some(public)) => {
                let key = CircuitVerifier::from_bundle(
                    &read_bundle(bundle)?,
                    &policy,
                    self.circuit.as_ref(),
                    &Timestamp::now(),
                )
                .map_err(|refusal| failure::refusal(bundle, &refusal))?;
                Some(About::of(&key, &read_claim(proof, public)?))
            }
            _ => None,
        };
        let mut verdicts = Vec::new();
        for path in &self.verdicts {
            let envelope = read_regular(path, Envelope::MAX_BYTES)
                .and_then(|bytes| Envelope::from_json(&bytes))
                .map_err(|refusal| failure::refusal(path, &refusal))?;
            verdicts.push((path.display().to_string(), envelope));
        }
        let found = tally(&verdicts, &policy, expected)
            .map_err(|refusal| Diagnostic::from(&refusal).hint(HINT))?;
        if self.json {
            json(&found)?
        } else {
            print(&found)
        }
        if found.is_accepted() {
            return Ok(());
        }
        Err(Diagnostic::artefact("too-few-verifiers", "too few verifiers found the proof to hold")
            .found(found.holds.len())
            .expected(format_args!("at least {} of {}", found.threshold, found.verifiers))
            .hint("have more verifiers of the policy run `proof verify` with --verdicts"))
    }
}

const HINT: &str = "tally verdicts on one proof at a time, of verifiers that the policy names";

fn print(found: &Tally) {
    let names = |all: &[Label]| {
        if all.is_empty() {
            return "nobody".to_owned();
        }
        all.iter().map(Label::as_str).collect::<Vec<_>>().join(", ")
    };
    let about = &found.about;
    println!("proof                {}", String::from(about.proof_sha256));
    println!("  public inputs      {}", String::from(about.inputs_sha256));
    println!("  circuit            {}, key {}", about.circuit, about.vk_sha256);
    println!("  statement          {}", about.statement_sha256);
    println!("  holds              {}", names(&found.holds));
    println!("  does not           {}", names(&found.fails));
    if !found.both.is_empty() {
        println!("  said both          {} (not counted)", names(&found.both));
    }
    if found.strangers > 0 {
        println!("  others             {} keys that the policy does not name", found.strangers);
    }
    println!("  needed             {} of {}", found.threshold, found.verifiers);
}

impl ServeProofs {
    fn run(self) -> Result<(), Diagnostic> {
        let _watched = self.watch.begin(Node::Proofs)?;
        let key = self.key.open()?;
        let identity = Identity {
            ceremony: key.ceremony.to_string(),
            circuit: key.circuit.to_string(),
            statement_sha256: key.statement.to_string(),
            vk_sha256: key.vk_sha256.to_string(),
        };
        let service = ProofService::start(key.verifier, identity, self.listen)?;
        note!("proofs are verified at http://{}/v1/proofs", service.address());
        note!("  under              circuit {} of {}", key.circuit, key.ceremony);
        std::io::stdout().flush().map_err(|e| failure::io(Path::new("stdout"), "writing", &e))?;
        on_interrupt(|| STOPPED.store(true, Ordering::SeqCst));
        while !STOPPED.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(200));
        }
        service.stop();
        Ok(())
    }
}
