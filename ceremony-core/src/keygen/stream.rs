//! `.zkey` -> proving key of arkworks, piece by piece: what is in memory does not grow with the
//! circuit, but for the public inputs.

use std::io::{self, Read, Seek, Write};

use ark_ff::Field;
use ark_serialize::CanonicalSerialize;
use bn254_batch::Point;
use bn254_batch::curve::{AffinePoint as _, Fr, G1Affine, root_of_unity};
use bn254_batch::{geometric, mul_each};

use super::VerifyingKey;
use super::convert::{KeygenError, libsnark_h, verifying_key, whole};
use super::selftest::{Consistency, SelfTestError};
use crate::entropy::VerifierRng;
use crate::explain::{Explain, Finding};
use crate::format::container::read_at;
use crate::format::encoding::decode_own;
use crate::format::points::PointRun;
use crate::format::scratch::ScratchFile;
use crate::format::zkey::Zkey;
use crate::limits::{CHUNK_POINTS, FFT_IN_MEMORY_POINTS};
use crate::phase1::contribute::StepError;
use crate::phase1::prepare::level::inverse_transform;
use crate::progress::Progress;

/// Why no proving key was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// It could not be made.
    #[error(transparent)]
    Keygen(#[from] KeygenError),
    /// It was made and failed check 11.
    #[error(transparent)]
    SelfTest(#[from] SelfTestError),
}

impl Explain for ExportError {
    fn explain(&self) -> Finding {
        match self {
            Self::Keygen(error) => error.explain(),
            Self::SelfTest(error) => error.explain(),
        }
    }
}

/// Writes the proving key of a `.zkey` for arkworks' default reduction, in arkworks' canonical
/// uncompressed encoding, flushes it, and returns its verifying key. The bytes are those of
/// [`proving_key`](super::proving_key) and [`write_proving_key`](super::write_proving_key), and
/// the points go through the same check 11 without a witness as by
/// [`check_consistency`](super::check_consistency) while they are written.
///
/// Some 200 MiB are in memory at most. A circuit of more than [`FFT_IN_MEMORY_POINTS`] rows needs
/// 64 bytes of `scratch` for each row; smaller ones leave it alone.
///
/// ```no_run
/// use std::fs::File;
/// use std::io::{BufWriter, Cursor};
///
/// use ceremony_core::format::zkey::Zkey;
/// use ceremony_core::keygen::export_proving_key;
/// use ceremony_core::progress::NoProgress;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut key = Zkey::open(File::open("final.zkey")?)?;
/// let out = BufWriter::new(File::create("proving_key.bin")?);
/// let mut scratch = Cursor::new(Vec::new()); // here a temporary file is better
/// let verifying_key = export_proving_key(&mut key, out, &mut scratch, &NoProgress)?;
/// # let _ = verifying_key;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ExportError`]; what was written is then to be thrown away.
pub fn export_proving_key<R: Read + Seek + Send, W: Write + Send>(
    key: &mut Zkey<R>,
    out: W,
    scratch: &mut ScratchFile,
    progress: &dyn Progress,
) -> Result<VerifyingKey, ExportError> {
    export(key, out, scratch, FFT_IN_MEMORY_POINTS as u64, progress)
}

/// The same, with transforms of up to `in_memory` points in memory.
fn export<R: Read + Seek + Send, W: Write + Send>(
    key: &mut Zkey<R>,
    out: W,
    scratch: &mut ScratchFile,
    in_memory: u64,
    progress: &dyn Progress,
) -> Result<VerifyingKey, ExportError> {
    let vk = verifying_key(key)?;
    let mut rng = VerifierRng::from_os().map_err(KeygenError::OsRandom)?;
    let (header, layout) = (*key.header(), key.layout());
    let mut h = H::of(key, scratch, in_memory, &mut rng, progress)?;

    let mut writer = Writer { out, consistency: Consistency::begin(header.power)? };
    let all = layout.a.len + layout.b_g1.len + layout.b_g2.len + h.len() + layout.l.len;
    progress.begin("writing the proving key", all);
    // The fields of arkworks' proving key before its lists.
    writer.value(&vk)?;
    writer.value(&header.beta_g1)?;
    writer.value(&header.delta_g1)?;
    writer.run(key, layout.a, &mut rng, progress, |_, _| ())?;
    writer.run(key, layout.b_g1, &mut rng, progress, Consistency::b_g1)?;
    writer.run(key, layout.b_g2, &mut rng, progress, Consistency::b_g2)?;
    writer.value(&h.len())?;
    while let Some(points) = h.next()? {
        writer.points(&points)?;
        writer.consistency.h(&points);
        progress.advance(points.len() as u64);
    }
    writer.run(key, layout.l, &mut rng, progress, |_, _| ())?;
    writer.out.flush().map_err(KeygenError::output)?;
    progress.end();
    writer.consistency.finish(key, &vk, header.beta_g1, header.delta_g1)?;
    Ok(vk)
}

/// A proving key on its way out, and into its check.
struct Writer<W> {
    out: W,
    consistency: Consistency,
}

impl<W: Write + Send> Writer<W> {
    fn value(&mut self, value: &impl CanonicalSerialize) -> Result<(), KeygenError> {
        value.serialize_uncompressed(&mut self.out).map_err(KeygenError::Output)
    }

    fn points<P: Point>(&mut self, points: &[P]) -> Result<(), KeygenError> {
        let mut bytes = Vec::with_capacity(points.len() * P::UNCOMPRESSED_BYTES);
        for point in points {
            point.serialize_uncompressed(&mut bytes).map_err(KeygenError::Output)?;
        }
        self.out.write_all(&bytes).map_err(KeygenError::output)
    }

    /// A list: its length and its points.
    fn run<R: Read + Seek + Send, P: Point>(
        &mut self,
        key: &mut Zkey<R>,
        run: PointRun<P>,
        rng: &mut VerifierRng,
        progress: &dyn Progress,
        check: fn(&mut Consistency, &[P]),
    ) -> Result<(), KeygenError> {
        self.value(&run.len)?;
        run.for_each_chunk(key.source(), rng, 0, |_, points: Vec<P>, _| {
            self.points(&points)?;
            check(&mut self.consistency, &points);
            progress.advance(points.len() as u64);
            Ok(())
        })
    }
}

/// h_0, h_1, ... of a key, in pieces.
enum H<'a> {
    /// All of them, and how many are gone.
    Memory(Vec<G1Affine>, usize),
    /// The inverse transform of the key's H in a file: h_i = -2 omega^i FFT_N(H)_i, and FFT_N(H)_i
    /// is N times element (N - i) mod N of the inverse.
    File { scratch: &'a mut ScratchFile, n: u64, omega: Fr, next: u64 },
}

impl<'a> H<'a> {
    fn of<R: Read + Seek + Send>(
        key: &mut Zkey<R>,
        scratch: &'a mut ScratchFile,
        in_memory: u64,
        rng: &mut VerifierRng,
        progress: &dyn Progress,
    ) -> Result<Self, KeygenError> {
        let (run, power) = (key.layout().h, key.header().power.exponent());
        if run.len <= in_memory {
            let h = whole(key, run, rng)?;
            Ok(Self::Memory(libsnark_h(h, power, progress)?, 0))
        } else {
            let found = power;
            let too_large = KeygenError::DomainTooLarge { found };
            let omega = root_of_unity(power + 1).ok_or(too_large)?;
            progress.begin("converting H", run.len);
            inverse_transform(key.source(), &run, scratch, in_memory, rng, progress).map_err(
                |error| match error {
                    StepError::Format(error) => KeygenError::Key(error),
                    StepError::OsRandom(error) => KeygenError::OsRandom(error),
                    StepError::Write(error) => KeygenError::Scratch(error),
                    other => KeygenError::Scratch(io::Error::other(other)),
                },
            )?;
            progress.end();
            Ok(Self::File { scratch, n: run.len, omega, next: 0 })
        }
    }

    /// How many there are.
    fn len(&self) -> u64 {
        match self {
            Self::Memory(h, _) => h.len() as u64,
            Self::File { n, .. } => n - 1,
        }
    }

    fn next(&mut self) -> Result<Option<Vec<G1Affine>>, KeygenError> {
        let len = self.len();
        match self {
            Self::Memory(h, next) => {
                let piece = h[*next..].iter().take(CHUNK_POINTS).copied().collect::<Vec<_>>();
                *next += piece.len();
                Ok(Some(piece).filter(|piece| !piece.is_empty()))
            }
            Self::File { next, .. } if *next == len => Ok(None),
            Self::File { scratch, n, omega, next } => {
                // Element 0 stands at the beginning, the others run backwards from the end.
                let count = if *next == 0 { 1 } else { (len - *next).min(CHUNK_POINTS as u64) };
                let first = (*n - (*next + count - 1)) % *n;
                let bytes = G1Affine::UNCOMPRESSED_BYTES;
                let bytes = read_at(scratch, first * bytes as u64, count as usize * bytes)
                    .map_err(KeygenError::Scratch)?;
                let mut points: Vec<G1Affine> = decode_own(&bytes);
                points.reverse();
                let start = -Fr::from(2 * *n) * omega.pow([*next]);
                let factors = geometric(&start, omega, points.len());
                mul_each(&mut points, &factors);
                *next += count;
                Ok(Some(points))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use testkit::known_tau::{prepared_for, secrets};
    use testkit::squares::squares;

    use super::*;
    use crate::entropy::ContributionRng;
    use crate::format::ptau::Ptau;
    use crate::format::r1cs::R1cs;
    use crate::keygen::{proving_key, write_proving_key};
    use crate::phase2::contribute::contribute;
    use crate::phase2::initial_key::new_key;
    use crate::progress::NoProgress;

    /// A contributed key for a circuit that fills the domain of 2^power.
    fn key(power: u32) -> Zkey<Cursor<Vec<u8>>> {
        let mut circuit = R1cs::open(Cursor::new(squares(power))).unwrap();
        let powers = prepared_for(power, power + 1, secrets("stream"));
        let mut powers = Ptau::open(Cursor::new(powers)).unwrap();
        let (mut initial, mut key) = (Cursor::new(Vec::new()), Cursor::new(Vec::new()));
        new_key(&mut circuit, &mut powers, &mut initial, &NoProgress).unwrap();
        let rng = ContributionRng::from_os_and_text(b"").unwrap();
        contribute(&mut Zkey::open(initial).unwrap(), &mut key, rng, None, &NoProgress).unwrap();
        Zkey::open(key).unwrap()
    }

    #[test]
    fn a_key_that_is_written_in_pieces_is_the_one_that_is_made_in_memory() {
        for power in [2, 6] {
            let mut key = key(power);
            let whole = proving_key(&mut key, &NoProgress).unwrap();
            let mut expected = Vec::new();
            write_proving_key(&whole, &mut expected).unwrap();
            // From one point in memory to all of them: then no file is needed.
            for in_memory in (0..=power).map(|power| 1 << power) {
                let (mut out, mut scratch) = (Vec::new(), Cursor::new(Vec::new()));
                let vk = export(&mut key, &mut out, &mut scratch, in_memory, &NoProgress).unwrap();
                assert_eq!(vk, whole.vk);
                assert!(out == expected, "2^{power} points, {in_memory} in memory");
                let used = scratch.into_inner().len();
                assert_eq!(used, if in_memory < 1 << power { 64 << power } else { 0 });
            }
        }
    }

    /// The scratch file is on a disk that may be at fault: what came back of it is in the check.
    #[test]
    fn a_scratch_file_that_changes_is_found_before_the_key_is_called_made() {
        #[derive(Debug)]
        struct Faulty(Cursor<Vec<u8>>);
        impl Read for Faulty {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let at = self.0.position();
                let read = self.0.read(buffer)?;
                // Where h_14 is made from, the first point is read, which is on the curve as well.
                if at == 128 && read >= 64 {
                    buffer[..64].copy_from_slice(&self.0.get_ref()[..64]);
                }
                Ok(read)
            }
        }
        impl Write for Faulty {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        impl Seek for Faulty {
            fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
                self.0.seek(to)
            }
        }
        let mut scratch = Faulty(Cursor::new(Vec::new()));
        let made = export(&mut key(4), io::sink(), &mut scratch, 4, &NoProgress);
        let Err(ExportError::SelfTest(SelfTestError::Inconsistent(what))) = made else {
            panic!("{made:?}")
        };
        assert_eq!(what, "H is not that of the .zkey");
    }

    #[test]
    fn a_key_that_does_not_leave_the_buffer_is_an_error() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let out = io::BufWriter::with_capacity(1 << 20, Full);
        let made = export(&mut key(2), out, &mut Cursor::new(Vec::new()), 4, &NoProgress);
        assert!(matches!(made, Err(ExportError::Keygen(KeygenError::Output(_)))), "{made:?}");
    }
}
