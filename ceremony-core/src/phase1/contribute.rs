//! The step from one accumulator to the next.
//!
//! With secrets t, a, b, every part is multiplied entry by entry:
//!
//! ```text
//! [tau^i]1 *= t^i   [tau^i]2 *= t^i   [alpha tau^i]1 *= a t^i   [beta tau^i]1 *= b t^i   [beta]2 *= b
//! ```
//!
//! and for each secret x the public key holds (s, s x, x R), R being the hash of s, s x and the challenge (BGM17, section 5). The response hash covers the
//! challenge, the new accumulator (compressed) and the public key; the next challenge covers the response hash and the new
//! accumulator (uncompressed), which takes a second pass over the file just written. Points stream through in chunks.

use std::io::{Read, Seek, Write};

use ark_ff::Field;
use zeroize::Zeroizing;

use super::accumulator_writer::{AccumulatorWriter, PointSink, PtauSink};
use super::verify::{Failure, check_chain};
use super::{ChainHead, EachPart, Part, SecretName, each_part, pok_base_point, read_ahead};
use crate::entropy::{Beacon, ContributionRng, OsRandomError, Secret, VerifierRng};
use crate::format::FormatError;
use crate::format::container::ContainerWriter;
use crate::format::encoding::{Encoding, encode, encode_into};
use crate::format::points::{PointRun, ReadAhead};
use crate::format::ptau::{
    AccumulatorHead, AccumulatorLayout, Contribution, PTAU, Power, Ptau, PublicKey,
    write_contributions, write_header,
};
use crate::format::record::{ContributionKind, ContributorName, ProofOfKnowledge};
use crate::hash::{Blake2b512, Challenge};
use crate::progress::Progress;
use crate::ratio::Ratio;
use bn254_batch::curve::{Fr, G1Affine, Point};
use bn254_batch::geometric;
use bn254_batch::mul_each;

/// Why a step of phase 1 made no file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The input is not a sound file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The input's chain of contributions fails a check.
    #[error(transparent)]
    Check(#[from] Box<Failure>),
    /// The output could not be written.
    #[error("writing failed: {0}")]
    Write(std::io::Error),
    /// No randomness.
    #[error(transparent)]
    OsRandom(#[from] OsRandomError),
    /// The input ends with a beacon, after which nothing may follow.
    #[error(
        "the chain is closed: its last contribution is a beacon\n  found     a beacon as contribution {index}\n  expected  a chain that is still open"
    )]
    Closed {
        /// Counted from 1.
        index: usize,
    },
    /// A beacon, or the use of the powers, needs a contribution before it, since everybody can recompute a beacon.
    #[error(
        "no participant has contributed\n  found     0 contributions that are not a beacon\n  expected  at least 1, or tau is publicly known"
    )]
    NobodyContributed,
    /// A file whose points were cut off: no challenge can be computed from what is left.
    #[error(
        "the file is truncated from a larger ceremony, so nobody can contribute to it\n  found     power {power} of a ceremony of power {ceremony_power}\n  expected  the whole file"
    )]
    TruncatedCeremony {
        /// The file's power.
        power: Power,
        /// The ceremony's.
        ceremony_power: Power,
    },
    /// The points are not those that the last record's challenge was computed from.
    #[error(
        "the points do not hash to the challenge that the file states\n  found     {found}\n  expected  {expected}"
    )]
    Challenge {
        /// Over the points of the file.
        found: Challenge,
        /// As the last record states it (or the protocol, for a new file).
        expected: Challenge,
    },
    /// Preparing a file of power 28 needs a domain of 2^29, which the scalar field does not have.
    #[error(
        "a file of power 28 cannot be prepared\n  found     power 28, which needs a domain of 2^29\n  expected  at most power 27"
    )]
    NoDomain,
    /// A response to another challenge.
    #[error("the response answers another challenge\n  found     {found}\n  expected  {expected}")]
    OtherChallenge {
        /// The first 64 bytes of the response.
        found: Challenge,
        /// The challenge of the file.
        expected: Challenge,
    },
}

impl StepError {
    /// Whether the environment failed (reading, writing, randomness), and not the artefact.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        matches!(
            self,
            Self::Write(_)
                | Self::OsRandom(_)
                | Self::Format(FormatError::Io(_) | FormatError::OsRandom(_))
        )
    }
}

/// Opens a ceremony: writes the accumulator with tau = alpha = beta = 1.
///
/// # Errors
/// When writing fails.
pub fn new<W: Read + Write + Seek + Send>(
    power: Power,
    output: W,
    progress: &dyn Progress,
) -> Result<Challenge, StepError> {
    struct Generators<'a, W>(ContainerWriter<W>, &'a dyn Progress);
    impl<W: Write + Seek + Send> EachPart for Generators<'_, W> {
        type Error = std::io::Error;
        fn part<P: Point>(&mut self, part: Part, run: &PointRun<P>) -> Result<(), std::io::Error> {
            self.0.begin(part as u32)?;
            for (_, count) in run.chunks(0) {
                self.0.write(&encode(&vec![P::generator(); count], Encoding::Montgomery))?;
                self.1.advance(count as u64);
            }
            self.0.end().map(drop)
        }
    }
    let layout = AccumulatorLayout::consecutive(power, 0, Encoding::Montgomery);
    progress.begin("writing generators", layout.points());
    let write = || -> Result<(), std::io::Error> {
        let mut out = ContainerWriter::new(output, PTAU, 7)?;
        write_header(&mut out, power, power)?;
        let mut generators = Generators(out, progress);
        each_part(&layout, &mut generators)?;
        write_contributions(&mut generators.0, &[])?;
        generators.0.finish().map(drop)
    };
    write().map_err(StepError::Write)?;
    progress.end();
    Ok(super::first_challenge(power))
}

/// What a contribution is made from: the three secrets, which it consumes, and the public points that go with them.
pub struct TauSecrets {
    tau: Secret,
    alpha: Secret,
    beta: Secret,
    s: [G1Affine; 3],
}

impl TauSecrets {
    /// Draws tau, alpha, beta, then a point for each.
    #[must_use]
    pub fn draw(mut rng: ContributionRng) -> Self {
        let (tau, alpha, beta) = (rng.secret(), rng.secret(), rng.secret());
        Self { tau, alpha, beta, s: std::array::from_fn(|_| rng.g1()) }
    }

    /// The proofs of knowledge that answer `challenge`.
    pub(crate) fn public_key(&self, challenge: &Challenge) -> PublicKey {
        let proof = |name: SecretName, secret: &Secret| {
            let g1_s = self.s[name as usize];
            let g1_sx = times(g1_s, secret);
            ProofOfKnowledge {
                g1_s,
                g1_sx,
                g2_spx: times(pok_base_point(name, challenge, Ratio(g1_s, g1_sx)), secret),
            }
        };
        let (tau, (alpha, beta)) = rayon::join(
            || proof(SecretName::Tau, &self.tau),
            || {
                rayon::join(
                    || proof(SecretName::Alpha, &self.alpha),
                    || proof(SecretName::Beta, &self.beta),
                )
            },
        );
        PublicKey { tau, alpha, beta }
    }

    /// The key points after this contribution.
    pub(crate) fn key_points(&self, before: &AccumulatorHead) -> AccumulatorHead {
        AccumulatorHead {
            tau_g1: times(before.tau_g1, &self.tau),
            tau_g2: times(before.tau_g2, &self.tau),
            alpha_g1: times(before.alpha_g1, &self.alpha),
            beta_g1: times(before.beta_g1, &self.beta),
            beta_g2: times(before.beta_g2, &self.beta),
        }
    }

    /// What entry 0 of a part is multiplied by; entry i gets tau^i on top.
    fn base(&self, part: Part) -> Fr {
        match part {
            Part::TauG1 | Part::TauG2 => Fr::ONE,
            Part::AlphaTauG1 => *self.alpha.expose(),
            Part::BetaTauG1 | Part::BetaG2 => *self.beta.expose(),
        }
    }
}

fn times<P: Point>(point: P, secret: &Secret) -> P {
    let mut points = [point];
    mul_each(&mut points, std::slice::from_ref(secret.expose()));
    points[0]
}

/// Adds a participant's contribution: reads `input`, writes the new file to `output`, and returns its record.
///
/// The input's chain of records is verified, and its points must hash to its challenge; the ratios inside its sections are for
/// [`super::verify`]. `output` must be empty, readable and writable.
///
/// # Errors
/// [`StepError`]; `output` is then incomplete and must be thrown away.
pub fn contribute<R: Read + Seek + Send, W: Read + Write + Seek + Send>(
    input: &mut Ptau<R>,
    output: W,
    rng: ContributionRng,
    name: Option<ContributorName>,
    progress: &dyn Progress,
) -> Result<Contribution, StepError> {
    extend(input, output, TauSecrets::draw(rng), ContributionKind::Contribution, name, progress)
}

/// Closes the chain with a beacon, as [`contribute`] but with public randomness.
///
/// # Errors
/// [`StepError`], also when nobody has contributed.
pub fn apply_beacon<R: Read + Seek + Send, W: Read + Write + Seek + Send>(
    input: &mut Ptau<R>,
    output: W,
    beacon: Beacon,
    name: Option<ContributorName>,
    progress: &dyn Progress,
) -> Result<Contribution, StepError> {
    if input.contributions().is_empty() {
        return Err(StepError::NobodyContributed);
    }
    let secrets = TauSecrets::draw(ContributionRng::from_beacon(&beacon, progress));
    extend(input, output, secrets, ContributionKind::Beacon(beacon), name, progress)
}

/// Refuses an input that cannot be built on, and says what comes next.
pub(super) fn open_link<R: Read + Seek + Send>(
    input: &Ptau<R>,
    progress: &dyn Progress,
) -> Result<ChainHead, StepError> {
    if input.is_truncated() {
        return Err(StepError::TruncatedCeremony {
            power: input.power(),
            ceremony_power: input.ceremony_power(),
        });
    }
    if let Some(index) = input.contributions().iter().position(Contribution::is_beacon) {
        return Err(StepError::Closed { index: index + 1 });
    }
    check_chain(input.contributions(), input.ceremony_power(), progress)?;
    Ok(ChainHead::after(input.contributions(), input.ceremony_power()))
}

fn extend<R: Read + Seek + Send, W: Read + Write + Seek + Send>(
    input: &mut Ptau<R>,
    output: W,
    secrets: TauSecrets,
    kind: ContributionKind,
    name: Option<ContributorName>,
    progress: &dyn Progress,
) -> Result<Contribution, StepError> {
    let link = open_link(input, progress)?;
    let layout = input.accumulator();
    let sink = PtauSink::new(output, input.power()).map_err(StepError::Write)?;
    let mut rng = VerifierRng::from_os()?;
    let mut apply = Apply::new(input.source(), &layout, &mut rng, &secrets, &link, sink, progress);
    progress.begin("contributing", layout.points());
    each_part(&layout, &mut apply)?;
    progress.end();
    let (written, (public_key, key_points)) = rayon::join(
        || apply.finish(&link),
        || (secrets.public_key(&link.challenge), secrets.key_points(&link.key_points)),
    );
    drop(secrets);
    let (sink, response) = written?;
    sink.finish(input.contributions(), &response, &public_key, progress, |next_challenge| {
        Contribution::new(key_points, public_key, &response, next_challenge, kind, name)
    })
}

/// Multiplies an accumulator by the secrets, from any source into any sink, and hashes both sides on the way.
pub(super) struct Apply<'a, R, S> {
    pieces: ReadAhead<'a, R>,
    rng: &'a mut VerifierRng,
    secrets: &'a TauSecrets,
    /// `previous response hash | U(input)`: must become the challenge.
    before: Blake2b512,
    /// Buffer for a chunk of the input.
    uncompressed: Vec<u8>,
    output: AccumulatorWriter<S>,
    progress: &'a dyn Progress,
}

impl<'a, R: Read + Seek + Send, S: PointSink> Apply<'a, R, S> {
    pub(super) fn new(
        source: &'a mut R,
        layout: &AccumulatorLayout,
        rng: &'a mut VerifierRng,
        secrets: &'a TauSecrets,
        link: &ChainHead,
        sink: S,
        progress: &'a dyn Progress,
    ) -> Self {
        let mut before = Blake2b512::new();
        before.update(&link.response_hash.0);
        let pieces = read_ahead(source, layout, 0);
        Self {
            pieces,
            rng,
            secrets,
            before,
            uncompressed: Vec::new(),
            output: AccumulatorWriter::new(sink, &link.challenge),
            progress,
        }
    }

    /// The sink and the response's hash up to its public key, once the input has proved to be what the challenge was computed from.
    pub(super) fn finish(self, link: &ChainHead) -> Result<(S, Blake2b512), StepError> {
        let found = Challenge(self.before.finish());
        if found != link.challenge {
            return Err(StepError::Challenge { found, expected: link.challenge });
        }
        self.output.finish().map_err(StepError::Write)
    }
}

impl<R: Read + Seek + Send, S: PointSink> EachPart for Apply<'_, R, S> {
    type Error = StepError;
    fn part<P: Point>(&mut self, part: Part, run: &PointRun<P>) -> Result<(), StepError> {
        let Self { pieces, rng, secrets, before, uncompressed, output, progress } = self;
        run.for_each_chunk_on_curve(pieces, 0, |start, mut points| {
            run.check_subgroup(&points, rng, start)?;
            encode_into(&points, Encoding::Uncompressed, uncompressed);
            let tau = secrets.tau.expose();
            let base = secrets.base(part) * tau.pow([start]);
            let scalars = Zeroizing::new(geometric(base, *tau, points.len()));
            let (written, _) = rayon::join(
                || output.pass_on(),
                || rayon::join(|| before.update(uncompressed), || mul_each(&mut points, &scalars)),
            );
            drop(scalars);
            progress.advance(points.len() as u64);
            written.and_then(|()| output.put(part, &points)).map_err(StepError::Write)
        })
    }
}
