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

use std::io::{Read, Seek, SeekFrom, Write};

use ark_ff::Field;
use zeroize::Zeroizing;

use super::verify::{Failure, check_chain};
use super::{EachPart, Link, Part, SecretName, each_part, knowledge_base};
use crate::arith::mul_each;
use crate::curve::{Fr, G1Affine, Point};
use crate::entropy::{Beacon, ContributionRng, OsRandomError, Secret, VerifierRng};
use crate::format::FormatError;
use crate::format::container::{ContainerWriter, read_at};
use crate::format::encoding::{Encoding, decode_own, encode};
use crate::format::points::PointRun;
use crate::format::ptau::{
    AccumulatorLayout, Contribution, KeyPoints, PTAU, Power, Ptau, PublicKey, finish_response, write_contributions, write_header,
};
use crate::format::record::{ContributionKind, ContributorName, ProofOfKnowledge};
use crate::hash::{Blake2b512, Challenge};
use crate::progress::Progress;
use crate::ratio::Ratio;
use crate::scalars::geometric;

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
    #[error("the points do not hash to the challenge that the file states\n  found     {found}\n  expected  {expected}")]
    Challenge {
        /// Over the points of the file.
        found: Challenge,
        /// As the last record states it (or the protocol, for a new file).
        expected: Challenge,
    },
    /// Preparing a file of power 28 needs a domain of 2^29, which the scalar field does not have.
    #[error("a file of power 28 cannot be prepared\n  found     power 28, which needs a domain of 2^29\n  expected  at most power 27")]
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
        matches!(self, Self::Write(_) | Self::OsRandom(_) | Self::Format(FormatError::Io(_) | FormatError::OsRandom(_)))
    }
}

/// Opens a ceremony: writes the accumulator with tau = alpha = beta = 1.
///
/// # Errors
/// When writing fails.
pub fn new<W: Read + Write + Seek + Send>(power: Power, output: W, progress: &dyn Progress) -> Result<Challenge, StepError> {
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
            ProofOfKnowledge { g1_s, g1_sx, g2_spx: times(knowledge_base(name, challenge, Ratio(g1_s, g1_sx)), secret) }
        };
        PublicKey {
            tau: proof(SecretName::Tau, &self.tau),
            alpha: proof(SecretName::Alpha, &self.alpha),
            beta: proof(SecretName::Beta, &self.beta),
        }
    }

    /// The key points after this contribution.
    pub(crate) fn key_points(&self, before: &KeyPoints) -> KeyPoints {
        KeyPoints {
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
pub(super) fn open_link<R: Read + Seek + Send>(input: &Ptau<R>, progress: &dyn Progress) -> Result<Link, StepError> {
    if input.is_truncated() {
        return Err(StepError::TruncatedCeremony { power: input.power(), ceremony_power: input.ceremony_power() });
    }
    if let Some(index) = input.contributions().iter().position(Contribution::is_beacon) {
        return Err(StepError::Closed { index: index + 1 });
    }
    check_chain(input.contributions(), input.ceremony_power(), progress)?;
    Ok(Link::after(input.contributions(), input.ceremony_power()))
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
    let mut out = PtauSink::new(output, input.power()).map_err(StepError::Write)?;
    let mut rng = VerifierRng::from_os()?;
    let mut apply = Apply::new(input.source(), &mut rng, &secrets, &link, &mut out, progress);
    progress.begin("contributing", layout.points());
    each_part(&layout, &mut apply)?;
    progress.end();
    let response = apply.finish(&link)?;
    let public_key = secrets.public_key(&link.challenge);
    let key_points = secrets.key_points(&link.key_points);
    drop(secrets);
    out.finish(input.contributions(), &response, &public_key, progress, |next_challenge| {
        Contribution::new(key_points, public_key, &response, next_challenge, kind, name)
    })
}

/// Where the points of a new accumulator go, part by part.
pub(super) trait PointSink {
    fn begin(&mut self, part: Part) -> std::io::Result<()>;
    fn points<P: Point>(&mut self, points: &[P]) -> std::io::Result<()>;
    fn end(&mut self, part: Part) -> std::io::Result<()>;
}

/// A new `.ptau` of seven sections in the making.
pub(super) struct PtauSink<W> {
    out: ContainerWriter<W>,
    layout: AccumulatorLayout,
}

impl<W: Read + Write + Seek + Send> PtauSink<W> {
    pub(super) fn new(output: W, power: Power) -> std::io::Result<Self> {
        let mut out = ContainerWriter::new(output, PTAU, 7)?;
        write_header(&mut out, power, power)?;
        Ok(Self { out, layout: AccumulatorLayout::consecutive(power, 0, Encoding::Montgomery) })
    }

    /// Reads the accumulator back for the next challenge, then writes the records: those before and the one that `record` makes.
    pub(super) fn finish(
        mut self,
        before: &[Contribution],
        response: &Blake2b512,
        public_key: &PublicKey,
        progress: &dyn Progress,
        record: impl FnOnce(Challenge) -> Contribution,
    ) -> Result<Contribution, StepError> {
        let sink = self.out.sink();
        sink.flush().map_err(StepError::Write)?;
        let end = sink.stream_position().map_err(StepError::Write)?;
        let mut own = HashOwn { source: sink, hash: Blake2b512::new(), progress };
        own.hash.update(&finish_response(response.clone(), public_key).0);
        progress.begin("hashing the next challenge", self.layout.points());
        each_part(&self.layout, &mut own).map_err(StepError::Write)?;
        progress.end();
        let record = record(Challenge(own.hash.finish()));
        sink.seek(SeekFrom::Start(end)).map_err(StepError::Write)?;
        let mut records = before.to_vec();
        records.push(record.clone());
        write_contributions(&mut self.out, &records).map_err(StepError::Write)?;
        self.out.finish().map_err(StepError::Write)?;
        Ok(record)
    }
}

impl<W: Read + Write + Seek + Send> PointSink for &mut PtauSink<W> {
    fn begin(&mut self, part: Part) -> std::io::Result<()> {
        self.out.begin(part as u32)
    }

    fn points<P: Point>(&mut self, points: &[P]) -> std::io::Result<()> {
        self.out.write(&encode(points, Encoding::Montgomery))
    }

    fn end(&mut self, part: Part) -> std::io::Result<()> {
        let (offset, _) = self.out.end()?;
        match part {
            Part::TauG1 => self.layout.tau_g1.offset = offset,
            Part::TauG2 => self.layout.tau_g2.offset = offset,
            Part::AlphaTauG1 => self.layout.alpha_tau_g1.offset = offset,
            Part::BetaTauG1 => self.layout.beta_tau_g1.offset = offset,
            Part::BetaG2 => self.layout.beta_g2.offset = offset,
        }
        Ok(())
    }
}

/// Hashes (U) what this process has just written, without checking the points again.
struct HashOwn<'a, W> {
    source: &'a mut W,
    hash: Blake2b512,
    progress: &'a dyn Progress,
}

impl<W: Read + Seek + Send> EachPart for HashOwn<'_, W> {
    type Error = std::io::Error;
    fn part<P: Point>(&mut self, _: Part, run: &PointRun<P>) -> Result<(), std::io::Error> {
        let Self { source, hash, progress } = self;
        let size = P::UNCOMPRESSED_BYTES;
        let mut chunks = run.chunks(0);
        let mut encode_next = move || {
            let encoded = |(start, count): (u64, usize)| {
                let bytes = read_at(source, run.offset + start * size as u64, count * size)?;
                Ok((count, encode(&decode_own::<P>(&bytes), Encoding::Uncompressed)))
            };
            chunks.next().map(encoded).transpose()
        };
        // Hashing runs on one core; the next chunk is read and encoded beside it.
        let mut chunk: std::io::Result<_> = encode_next();
        while let Some((count, bytes)) = chunk? {
            let ((), next) = rayon::join(|| hash.update(&bytes), &mut encode_next);
            chunk = next;
            progress.advance(count as u64);
        }
        Ok(())
    }
}

/// Multiplies an accumulator by the secrets, from any source into any sink, and hashes both sides on the way.
pub(super) struct Apply<'a, R, S> {
    source: &'a mut R,
    rng: &'a mut VerifierRng,
    secrets: &'a TauSecrets,
    sink: S,
    /// `previous response hash | U(input)`: must become the challenge.
    before: Blake2b512,
    /// `challenge | C(output)`: the response up to its public key.
    response: Blake2b512,
    progress: &'a dyn Progress,
}

impl<'a, R: Read + Seek + Send, S: PointSink> Apply<'a, R, S> {
    pub(super) fn new(
        source: &'a mut R,
        rng: &'a mut VerifierRng,
        secrets: &'a TauSecrets,
        link: &Link,
        sink: S,
        progress: &'a dyn Progress,
    ) -> Self {
        let mut before = Blake2b512::new();
        before.update(&link.response_hash.0);
        let mut response = Blake2b512::new();
        response.update(&link.challenge.0);
        Self { source, rng, secrets, sink, before, response, progress }
    }

    /// The response's hash up to its public key, once the input has proved to be what the challenge was computed from.
    pub(super) fn finish(self, link: &Link) -> Result<Blake2b512, StepError> {
        let found = Challenge(self.before.finish());
        if found != link.challenge {
            return Err(StepError::Challenge { found, expected: link.challenge });
        }
        Ok(self.response)
    }
}

impl<R: Read + Seek + Send, S: PointSink + Send> EachPart for Apply<'_, R, S> {
    type Error = StepError;
    fn part<P: Point>(&mut self, part: Part, run: &PointRun<P>) -> Result<(), StepError> {
        self.sink.begin(part).map_err(StepError::Write)?;
        let Self { source, rng, secrets, sink, before, response, progress } = self;
        run.for_each_chunk(*source, rng, 0, |start, mut points, _| {
            let input = encode(&points, Encoding::Uncompressed);
            let tau = secrets.tau.expose();
            let base = secrets.base(part) * tau.pow([start]);
            let scalars = Zeroizing::new(geometric(base, *tau, points.len()));
            rayon::join(|| before.update(&input), || mul_each(&mut points, &scalars));
            drop(scalars);
            let output = encode(&points, Encoding::Compressed);
            let (written, ()) = rayon::join(|| sink.points(&points), || response.update(&output));
            progress.advance(points.len() as u64);
            written.map_err(StepError::Write)
        })?;
        self.sink.end(part).map_err(StepError::Write)
    }
}
