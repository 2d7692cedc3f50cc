//! Challenge and response files, by which the large public ceremonies pass the accumulator on
//! (docs/formats.md, section 4).
//!
//! ```text
//! challenge file = previous response hash | uncompressed(sections 2 to 6)
//! response file  = BLAKE2b-512 of the challenge file | compressed(sections 2 to 6) | uncompressed(public key)
//! ```
//!
//! The coordinator exports the challenge, the participant turns it into a response without ever
//! holding the `.ptau`, and the coordinator imports the response, which restores the accumulator
//! and appends the record.

use std::io::{Read, Seek, SeekFrom, Write};

use bn254_batch::Point;

use super::accumulator_writer::{AccumulatorWriter, PointSink, PtauSink};
use super::contribute::{Apply, open_link};
use super::error::StepError;
use super::records::check_chain;
use super::secrets::TauSecrets;
use super::{AccumulatorHead, ChainHead, EachPart, HashParts, Part, each_part};
use crate::entropy::{ContributionRng, VerifierRng};
use crate::format::FormatError;
use crate::format::container::read_at;
use crate::format::encoding::{Encoding, encode};
use crate::format::kind::FileKind;
use crate::format::points::PointRun;
use crate::format::ptau::{
    AccumulatorLayout, Contribution, PUBLIC_KEY_BYTES, Power, Ptau, PublicKey, finish_response,
};
use crate::format::record::{ContributionKind, ContributorName};
use crate::hash::{Blake2b512, Challenge, ResponseHash};
use crate::limits::MAX_POWER;
use crate::progress::Progress;
use crate::secret_threads::on_secret_threads;

/// Bytes before the points of either file: a hash.
const HEAD: u64 = 64;

/// Writes the challenge file that follows the input's last contribution, and returns its hash.
///
/// # Errors
/// [`StepError`]; also when the points do not hash to the challenge that the input states.
pub fn export_challenge<R: Read + Seek + Send, W: Write + Send>(
    input: &mut Ptau<R>,
    mut output: W,
    progress: &dyn Progress,
) -> Result<Challenge, StepError> {
    let link = open_link(input, progress)?;
    let layout = input.accumulator();
    let mut rng = VerifierRng::from_os()?;
    let mut hash = Blake2b512::new();
    hash.update(&link.response_hash.0);
    output.write_all(&link.response_hash.0).map_err(StepError::Write)?;
    progress.begin("exporting the challenge", layout.points());
    let mut export =
        Export { source: input.source(), rng: &mut rng, hash, output: &mut output, progress };
    each_part(&layout, &mut export)?;
    progress.end();
    let found = Challenge(export.hash.finish());
    if found != link.challenge {
        return Err(StepError::Challenge { found, expected: link.challenge });
    }
    output.flush().map_err(StepError::Write)?;
    Ok(found)
}

struct Export<'a, R, W> {
    source: &'a mut R,
    rng: &'a mut VerifierRng,
    hash: Blake2b512,
    output: &'a mut W,
    progress: &'a dyn Progress,
}

impl<R: Read + Seek + Send, W: Write + Send> EachPart for Export<'_, R, W> {
    type Error = StepError;
    fn part<P: Point>(&mut self, _: Part, run: &PointRun<P>) -> Result<(), StepError> {
        let Self { source, rng, hash, output, progress } = self;
        run.for_each_chunk(*source, rng, 0, |_, points, _| {
            let bytes = encode(&points, Encoding::Uncompressed);
            let ((), written) = rayon::join(|| hash.update(&bytes), || output.write_all(&bytes));
            progress.advance(points.len() as u64);
            written.map_err(StepError::Write)
        })
    }
}

/// Answers a challenge file with a response file, and returns the response's hash.
///
/// # Errors
/// [`StepError`]; `output` is then incomplete and must be thrown away.
pub fn contribute_challenge<R: Read + Seek + Send, W: Write + Send>(
    challenge: R,
    output: W,
    rng: ContributionRng,
    progress: &dyn Progress,
) -> Result<(Challenge, ResponseHash), StepError> {
    on_secret_threads(|| respond(challenge, output, rng, progress))?
}

fn respond<R: Read + Seek + Send, W: Write + Send>(
    mut challenge: R,
    output: W,
    rng: ContributionRng,
    progress: &dyn Progress,
) -> Result<(Challenge, ResponseHash), StepError> {
    let layout = layout_of(
        &mut challenge,
        Encoding::Uncompressed,
        0,
        FileKind::Challenge,
        "64 + 384 * 2^power + 64 bytes",
    )?;
    // The challenge is the hash of the whole file, known only after a first pass; the points are
    // checked in both.
    let mut verifier_rng = VerifierRng::from_os()?;
    let mut previous = [0; HEAD as usize];
    previous.copy_from_slice(&read_at(&mut challenge, 0, HEAD as usize).map_err(FormatError::Io)?);
    let mut hash = Blake2b512::new();
    hash.update(&previous);
    progress.begin("hashing the challenge", layout.points());
    let mut pass = HashParts {
        source: &mut challenge,
        rng: &mut verifier_rng,
        hash,
        encoding: Encoding::Uncompressed,
        progress,
    };
    each_part(&layout, &mut pass)?;
    progress.end();
    // Key points are of no concern here: the response does not contain them apart from its points.
    let link = ChainHead {
        key_points: AccumulatorHead::initial(),
        response_hash: ResponseHash(previous),
        challenge: Challenge(pass.hash.finish()),
    };
    let secrets = TauSecrets::draw(rng);
    let mut sink = ResponseSink(output);
    sink.0.write_all(&link.challenge.0).map_err(StepError::Write)?;
    progress.begin("contributing", layout.points());
    let mut apply =
        Apply::new(&mut challenge, &layout, &mut verifier_rng, &secrets, &link, sink, progress);
    each_part(&layout, &mut apply)?;
    progress.end();
    let (mut sink, response) = apply.finish(&link)?;
    let public_key = secrets.public_key(&link.challenge);
    drop(secrets);
    sink.0.write_all(&public_key.to_bytes(Encoding::Uncompressed)).map_err(StepError::Write)?;
    sink.0.flush().map_err(StepError::Write)?;
    Ok((link.challenge, finish_response(response, &public_key)))
}

struct ResponseSink<W>(W);

impl<W: Write + Send> PointSink for ResponseSink<W> {
    const ENCODING: Encoding = Encoding::Compressed;

    fn begin(&mut self, _: Part) -> std::io::Result<()> {
        Ok(())
    }

    fn write(&mut self, points: &[u8]) -> std::io::Result<()> {
        self.0.write_all(points)
    }

    fn end(&mut self, _: Part) -> std::io::Result<()> {
        Ok(())
    }
}

/// Appends the contribution that a response file holds. The proofs of knowledge and the ratios of
/// the key points are checked before anything is returned; the ratios inside the sections are for
/// [`super::verify`].
///
/// # Errors
/// [`StepError`]; `output` is then incomplete and must be thrown away.
pub fn import_response<
    R: Read + Seek + Send,
    S: Read + Seek + Send,
    W: Read + Write + Seek + Send,
>(
    input: &mut Ptau<R>,
    mut response: S,
    output: W,
    name: Option<ContributorName>,
    progress: &dyn Progress,
) -> Result<Contribution, StepError> {
    let link = open_link(input, progress)?;
    let formula = "64 + 192 * 2^power + 32 + 768 bytes";
    let layout = layout_of(
        &mut response,
        Encoding::Compressed,
        PUBLIC_KEY_BYTES as u64,
        FileKind::Response,
        formula,
    )?;
    if layout.tau_g2.len != input.power().n() {
        let found = layout.tau_g2.len.ilog2().to_string();
        return Err(FormatError::Header {
            what: "the response's power",
            found,
            expected: input.power().to_string(),
        }
        .into());
    }
    let mut head = [0; HEAD as usize];
    head.copy_from_slice(&read_at(&mut response, 0, HEAD as usize).map_err(FormatError::Io)?);
    if Challenge(head) != link.challenge {
        return Err(StepError::OtherChallenge { found: Challenge(head), expected: link.challenge });
    }
    let mut key = [0; PUBLIC_KEY_BYTES];
    key.copy_from_slice(
        &read_at(&mut response, HEAD + layout.bytes(), PUBLIC_KEY_BYTES)
            .map_err(FormatError::Io)?,
    );
    let index = input.contributions().len() + 1;
    let public_key = PublicKey::from_bytes(&key, Encoding::Uncompressed)
        .map_err(|defect| FormatError::Record { index, defect })?;
    let mut rng = VerifierRng::from_os()?;
    let key_points = AccumulatorHead {
        tau_g1: layout.tau_g1.read(&mut response, &mut rng, 1, 1)?[0],
        tau_g2: layout.tau_g2.read(&mut response, &mut rng, 1, 1)?[0],
        alpha_g1: layout.alpha_tau_g1.read(&mut response, &mut rng, 0, 1)?[0],
        beta_g1: layout.beta_tau_g1.read(&mut response, &mut rng, 0, 1)?[0],
        beta_g2: layout.beta_g2.read(&mut response, &mut rng, 0, 1)?[0],
    };
    let sink = PtauSink::new(output, input.power()).map_err(StepError::Write)?;
    progress.begin("importing the response", layout.points());
    let mut import = Import {
        source: &mut response,
        rng: &mut rng,
        output: AccumulatorWriter::new(sink, &link.challenge),
        progress,
    };
    each_part(&layout, &mut import)?;
    progress.end();
    let (sink, partial) = import.output.finish().map_err(StepError::Write)?;
    let record =
        sink.finish(input.contributions(), &partial, &public_key, progress, |next_challenge| {
            Contribution::new(
                key_points,
                public_key,
                &partial,
                next_challenge,
                ContributionKind::Contribution,
                name,
            )
        })?;
    let mut records = input.contributions().to_vec();
    records.push(record.clone());
    check_chain(&records, input.ceremony_power(), progress)?;
    Ok(record)
}

struct Import<'a, R, S> {
    source: &'a mut R,
    rng: &'a mut VerifierRng,
    output: AccumulatorWriter<S>,
    progress: &'a dyn Progress,
}

impl<R: Read + Seek + Send, S: PointSink> EachPart for Import<'_, R, S> {
    type Error = StepError;
    fn part<P: Point>(&mut self, part: Part, run: &PointRun<P>) -> Result<(), StepError> {
        let Self { source, rng, output, progress } = self;
        run.for_each_chunk(*source, rng, 0, |_, points, _| {
            // The encoding of what was decoded is what was read: decoding accepts one encoding per
            // point.
            let passed_on = output.put(part, &points).and_then(|()| output.pass_on());
            progress.advance(points.len() as u64);
            passed_on.map_err(StepError::Write)
        })
    }
}

/// The layout of a file of fixed shape whose length implies its power.
fn layout_of<R: Read + Seek + Send>(
    source: &mut R,
    encoding: Encoding,
    tail: u64,
    expected: FileKind,
    formula: &'static str,
) -> Result<AccumulatorLayout, StepError> {
    let found = source.seek(SeekFrom::End(0)).map_err(FormatError::Io)?;
    let layout = (1..=MAX_POWER)
        .filter_map(Power::new)
        .map(|power| AccumulatorLayout::consecutive(power, HEAD, encoding))
        .find(|layout| HEAD + layout.bytes() + tail == found);
    let kind = FileKind::of(source).map_err(FormatError::Io)?;
    if kind != expected && kind != FileKind::Unknown {
        return Err(FormatError::Kind { found: kind, expected }.into());
    }
    layout.ok_or(StepError::Format(FormatError::Length {
        what: expected,
        found,
        expected: formula,
    }))
}
