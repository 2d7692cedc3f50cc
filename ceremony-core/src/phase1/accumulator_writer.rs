//! Writes a new accumulator: each chunk is hashed and written while the next one is computed, and
//! then everything is hashed once more for the next challenge, which begins with the response's
//! hash.

use std::io::{Read, Seek, SeekFrom, Write};

use bn254_batch::Point;

use super::error::StepError;
use super::{EachPart, Part, each_part};
use crate::format::container::ContainerWriter;
use crate::format::encoding::{Encoding, decode_own, encode_into};
use crate::format::points::PointRun;
use crate::format::ptau::{
    AccumulatorLayout, Contribution, PTAU, Power, PublicKey, finish_response, write_contributions,
    write_header,
};
use crate::hash::{Blake2b512, Challenge, TrailingHash};
use crate::progress::Progress;

/// Where the points of a new accumulator go, part by part.
pub(super) trait PointSink: Send {
    /// How it takes them.
    const ENCODING: Encoding;
    fn begin(&mut self, part: Part) -> std::io::Result<()>;
    fn write(&mut self, points: &[u8]) -> std::io::Result<()>;
    fn end(&mut self, part: Part) -> std::io::Result<()>;
}

/// A sink, and the response hash of what goes into it. One chunk waits here, so that it can be
/// hashed and written while the next is computed.
pub(super) struct AccumulatorWriter<S> {
    sink: S,
    /// `challenge | compressed(points)`: the response up to its public key.
    response: Blake2b512,
    /// The part that has begun and not ended.
    open: Option<Part>,
    /// The part of the chunk that waits.
    waiting: Option<Part>,
    /// That chunk, for the hash and, where the sink's encoding is another one, for the sink.
    compressed: Vec<u8>,
    encoded: Vec<u8>,
}

impl<S: PointSink> AccumulatorWriter<S> {
    /// Nothing yet, in answer to a challenge.
    pub(super) fn new(sink: S, challenge: &Challenge) -> Self {
        let mut response = Blake2b512::new();
        response.update(&challenge.0);
        Self {
            sink,
            response,
            open: None,
            waiting: None,
            compressed: Vec::new(),
            encoded: Vec::new(),
        }
    }

    /// The next chunk, of the part that is open or of the next one.
    pub(super) fn put<P: Point>(&mut self, part: Part, points: &[P]) -> std::io::Result<()> {
        self.pass_on()?;
        encode_into(points, Encoding::Compressed, &mut self.compressed);
        if S::ENCODING != Encoding::Compressed {
            encode_into(points, S::ENCODING, &mut self.encoded);
        }
        self.waiting = Some(part);
        Ok(())
    }

    /// Hashes and writes the chunk that waits, if there is one.
    pub(super) fn pass_on(&mut self) -> std::io::Result<()> {
        let Some(part) = self.waiting.take() else { return Ok(()) };
        if self.open != Some(part) {
            self.end()?;
            self.sink.begin(part)?;
            self.open = Some(part);
        }
        let Self { sink, response, compressed, encoded, .. } = self;
        let written = if S::ENCODING == Encoding::Compressed { &*compressed } else { &*encoded };
        rayon::join(|| sink.write(written), || response.update(compressed)).0
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.open.take().map_or(Ok(()), |part| self.sink.end(part))
    }

    /// Once everything is in the sink: the sink, and the response's hash up to its public key.
    pub(super) fn finish(mut self) -> std::io::Result<(S, Blake2b512)> {
        self.pass_on()?;
        self.end()?;
        Ok((self.sink, self.response))
    }
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

    /// Reads the accumulator back for the next challenge, then writes the records: those before and
    /// the one that `record` makes.
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
        let mut own =
            HashOwn { source: sink, hash: TrailingHash::new(Blake2b512::new()), progress };
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

impl<W: Read + Write + Seek + Send> PointSink for PtauSink<W> {
    const ENCODING: Encoding = Encoding::Montgomery;

    fn begin(&mut self, part: Part) -> std::io::Result<()> {
        self.out.begin(part as u32)
    }

    fn write(&mut self, points: &[u8]) -> std::io::Result<()> {
        self.out.write(points)
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

/// Hashes, uncompressed, what this process has just written, without checking the points again.
struct HashOwn<'a, W> {
    source: &'a mut W,
    hash: TrailingHash,
    progress: &'a dyn Progress,
}

impl<W: Read + Seek + Send> EachPart for HashOwn<'_, W> {
    type Error = std::io::Error;
    fn part<P: Point>(&mut self, _: Part, run: &PointRun<P>) -> Result<(), std::io::Error> {
        let Self { source, hash, progress } = self;
        for (start, count) in run.chunks(0) {
            hash.make_next(|encoded| {
                let bytes = run.read_bytes(*source, start, count)?;
                encode_into(&decode_own::<P>(&bytes), Encoding::Uncompressed, encoded);
                Ok::<_, std::io::Error>(())
            })?;
            progress.advance(count as u64);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ark_ec::AffineRepr;
    use bn254_batch::curve::{G1Affine, G2Affine};

    use super::*;
    use crate::format::encoding::encode;

    /// Records its calls, and accepts this many bytes.
    struct Recording(Vec<String>, usize);

    impl PointSink for Recording {
        const ENCODING: Encoding = Encoding::Montgomery;
        fn begin(&mut self, part: Part) -> std::io::Result<()> {
            self.0.push(format!("begin {part:?}"));
            Ok(())
        }
        fn write(&mut self, points: &[u8]) -> std::io::Result<()> {
            self.1 = self.1.checked_sub(points.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            self.0.push(points.iter().map(|byte| format!("{byte:02x}")).collect());
            Ok(())
        }
        fn end(&mut self, part: Part) -> std::io::Result<()> {
            self.0.push(format!("end {part:?}"));
            Ok(())
        }
    }

    #[test]
    fn every_chunk_comes_out_once_and_in_its_part_whether_it_was_passed_on_or_not() {
        let (a, b) = (G1Affine::generator(), G2Affine::generator());
        let (written_a, written_b) =
            (encode(&[a], Encoding::Montgomery), encode(&[b], Encoding::Montgomery));
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let challenge = Challenge([7; 64]);
        for passing in 0..8 {
            let mut outgoing =
                AccumulatorWriter::new(Recording(Vec::new(), usize::MAX), &challenge);
            outgoing.put(Part::TauG1, &[a]).unwrap();
            (0..passing & 1).for_each(|_| outgoing.pass_on().unwrap());
            outgoing.put(Part::TauG1, &[a, a]).unwrap();
            (0..passing & 2).for_each(|_| outgoing.pass_on().unwrap());
            outgoing.put(Part::TauG2, &[b]).unwrap();
            (0..passing & 4).for_each(|_| outgoing.pass_on().unwrap());
            let (Recording(told, _), response) = outgoing.finish().unwrap();
            let expected = [
                "begin TauG1",
                &hex(&written_a),
                &hex(&[&written_a[..]; 2].concat()),
                "end TauG1",
                "begin TauG2",
                &hex(&written_b),
                "end TauG2",
            ];
            assert_eq!(told, expected, "{passing}");
            let points =
                [encode(&[a, a, a], Encoding::Compressed), encode(&[b], Encoding::Compressed)]
                    .concat();
            assert_eq!(
                response.finish(),
                Blake2b512::digest(&[&challenge.0, &points]),
                "{passing}"
            );
        }
    }

    #[test]
    fn a_failed_write_is_told_at_the_next_step() {
        let point = [G1Affine::generator()];
        let full = || AccumulatorWriter::new(Recording(Vec::new(), 64), &Challenge([0; 64]));
        let twice = |outgoing: &mut AccumulatorWriter<Recording>| {
            (0..2).for_each(|_| outgoing.put(Part::TauG1, &point).unwrap())
        };
        let mut outgoing = full();
        twice(&mut outgoing);
        assert!(outgoing.pass_on().is_err());
        let mut outgoing = full();
        twice(&mut outgoing);
        assert!(outgoing.put(Part::TauG1, &point).is_err());
        let mut outgoing = full();
        twice(&mut outgoing);
        assert!(outgoing.finish().is_err());
    }
}
