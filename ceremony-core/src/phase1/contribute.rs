//! The step from one accumulator to the next.
//!
//! With secrets t, a, b, every part is multiplied entry by entry:
//!
//! ```text
//! [tau^i]1 *= t^i          [tau^i]2 *= t^i
//! [alpha tau^i]1 *= a t^i   [beta tau^i]1 *= b t^i   [beta]2 *= b
//! ```
//!
//! and for each secret x the public key holds (s, s x, x R), R being the hash of s, s x and the
//! challenge (BGM17, section 5). The response hash covers the challenge, the new accumulator
//! (compressed) and the public key; the next challenge covers the response hash and the new
//! accumulator (uncompressed), which takes a second pass over the file just written. Points stream
//! through in chunks.

use std::io::{Read, Seek, Write};

use bn254_batch::Point;
use bn254_batch::mul_each;

use super::accumulator_writer::{AccumulatorWriter, PointSink, PtauSink};
pub use super::error::StepError;
use super::records::check_chain;
use super::secrets::TauSecrets;
use super::{ChainHead, EachPart, Part, each_part, read_ahead};
use crate::entropy::{Beacon, ContributionRng, VerifierRng};
use crate::format::container::ContainerWriter;
use crate::format::encoding::{Encoding, encode, encode_into};
use crate::format::points::{PointRun, ReadAhead};
use crate::format::ptau::{
    AccumulatorLayout, Contribution, PTAU, Power, Ptau, write_contributions, write_header,
};
use crate::format::record::{ContributionKind, ContributorName};
use crate::hash::{Blake2b512, Challenge};
use crate::progress::Progress;
use crate::secret_threads::on_secret_threads;

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

/// Adds a participant's contribution: reads `input`, writes the new file to `output`, and returns
/// its record.
///
/// The input's chain of records is verified, and its points must hash to its challenge; the ratios
/// inside its sections are for [`super::verify`]. `output` must be empty, readable and writable.
///
/// ```
/// use std::io::Cursor;
///
/// use ceremony_core::entropy::ContributionRng;
/// use ceremony_core::format::ptau::{Power, Ptau};
/// use ceremony_core::format::record::ContributorName;
/// use ceremony_core::phase1::contribute::{contribute, new};
/// use ceremony_core::progress::NoProgress;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut start = Cursor::new(Vec::new());
/// new(Power::new(3).ok_or("too large")?, &mut start, &NoProgress)?;
///
/// let mut input = Ptau::open(start)?;
/// let mut output = Cursor::new(Vec::new());
/// let rng = ContributionRng::from_os_and_text(b"text typed by the participant")?;
/// let name = Some(ContributorName::new("Alice"));
/// let record = contribute(&mut input, &mut output, rng, name, &NoProgress)?;
/// println!("publish this: {}", record.response_hash());
/// assert_eq!(Ptau::open(output)?.contributions(), [record]);
/// # Ok(())
/// # }
/// ```
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
    let kind = ContributionKind::Contribution;
    on_secret_threads(|| extend(input, output, rng, kind, name, progress))?
}

/// Closes the chain with a beacon, as [`contribute`] but with public randomness.
///
/// # Errors
/// [`StepError`], also when no participant has contributed.
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
    let rng = ContributionRng::from_beacon(&beacon, progress);
    let kind = ContributionKind::Beacon(beacon);
    on_secret_threads(|| extend(input, output, rng, kind, name, progress))?
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
    rng: ContributionRng,
    kind: ContributionKind,
    name: Option<ContributorName>,
    progress: &dyn Progress,
) -> Result<Contribution, StepError> {
    let link = open_link(input, progress)?;
    let layout = input.accumulator();
    let sink = PtauSink::new(output, input.power()).map_err(StepError::Write)?;
    let secrets = TauSecrets::draw(rng);
    let mut checks = VerifierRng::from_os()?;
    let mut apply =
        Apply::new(input.source(), &layout, &mut checks, &secrets, &link, sink, progress);
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

/// Multiplies an accumulator by the secrets, from any source into any sink, and hashes both sides
/// on the way.
pub(super) struct Apply<'a, R, S> {
    pieces: ReadAhead<'a, R>,
    rng: &'a mut VerifierRng,
    secrets: &'a TauSecrets,
    /// `previous response hash | uncompressed(input)`: must become the challenge.
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

    /// The sink and the response's hash up to its public key, once the input has proved to be what
    /// the challenge was computed from.
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
        run.for_each_chunk_on_curve(0..run.len, pieces, 0, |start, mut points| {
            run.check_subgroup(&points, rng, start)?;
            encode_into(&points, Encoding::Uncompressed, uncompressed);
            let scalars = secrets.factors(part, start, points.len());
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
