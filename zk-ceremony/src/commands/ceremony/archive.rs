//! `ceremony archive`: the public files as a tar file, which may go under a lock that nobody can
//! lift. Files that do not belong to the ceremony are left out, and named.

mod check;

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ceremony_core::format::bound_file::{FileDigests, digest_file};
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::zkey::Zkey;
use ceremony_folder::archive_check::{Lists, ensure_named};
use ceremony_folder::archive_file;
use ceremony_folder::archive_set::{ArchiveSet, PublicFile, archive_set};
use ceremony_folder::digests::KnownDigests;
use ceremony_folder::index::INDEX;
use ceremony_folder::{Ceremony, FolderLock, Track};
use ceremony_publish::{Place, Resumed, Retention};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::primitives::Timestamp;

use super::publish::resumed;
use crate::cli::publication::ArchiveArgs;
use crate::failure;
use crate::outcome::made;
use crate::output::Output;
use crate::progress::Bars;
use crate::watching::say;

/// Where an archive goes that nobody can change.
struct Vault {
    place: Place,
    retention: Retention,
}

impl ArchiveArgs {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        if let Some(archive) = &self.verify {
            return check::run(archive, self.rules.as_deref(), &self.store.access());
        }
        // The parser insists on it.
        let root = self.folder.as_deref().unwrap_or(Path::new("."));
        // What cannot be locked is said before anything is read or written.
        let vault = self.vault()?;
        let lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open_sound(root)?;
        if let Some(out) = &self.out {
            let mut output = Output::create(out, self.force, &[])?;
            let packed = pack(&ceremony, &mut output, out, vault.is_some())?;
            output.commit()?;
            drop(lock);
            packed.print(out);
            if let Some(vault) = &vault {
                let mut file = crate::output::open(out)?;
                vault.keep(&mut file, &packed.digests, root)?;
            }
        } else if let Some(vault) = &vault {
            let beside = root.canonicalize().map_err(|e| failure::io(root, "opening", &e))?;
            let beside = beside.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
            let mut file = tempfile::tempfile_in(&beside)
                .map_err(|e| failure::io(&beside, "creating a temporary file", &e))?;
            let packed = pack(&ceremony, &mut file, &beside, true)?;
            drop(lock);
            packed.print(Path::new("archive"));
            vault.keep(&mut file, &packed.digests, root)?;
        }
        Ok(())
    }

    fn vault(&self) -> Result<Option<Vault>, Diagnostic> {
        let (Some(url), Some(date)) = (&self.to, &self.retain_until) else { return Ok(None) };
        let until = until(date)?;
        let place = Place::open(url, &self.store.access())?;
        place.ensure_locks()?;
        Ok(Some(Vault { place, retention: Retention { until } }))
    }
}

/// A date, or a moment, that is still to come.
fn until(text: &str) -> Result<Timestamp, Diagnostic> {
    let whole = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    let refused = |what: &str| {
        Diagnostic::environment("retention", what)
            .at("--retain-until")
            .found(text)
            .expected("a date to come, as in 2036-12-31 or 2036-12-31T23:59:59Z")
    };
    let until = Timestamp::new(&whole).map_err(|refusal| refused(refusal.what()))?;
    if until.unix() <= Timestamp::now().unix() {
        return Err(refused("this date is past"));
    }
    Ok(until)
}

/// An archive that was written.
struct Packed {
    files: usize,
    digests: FileDigests,
}

impl Packed {
    fn print(&self, name: &Path) {
        let Self { files, digests } = self;
        made(name, format_args!("{files} public files, {} bytes", digests.length))
            .line("sha256", digests.sha256)
            .hash("blake2b-512", digests.blake2b);
    }
}

/// Writes the archive to `output`, and checks it as its readers will. What cannot be called back
/// needs a list of its files.
fn pack(
    ceremony: &Ceremony,
    output: &mut (impl Read + Write + Seek + Send),
    shown: &Path,
    is_final: bool,
) -> Result<Packed, Diagnostic> {
    let ArchiveSet { mut files, left_out } = archive_set(ceremony)?;
    ensure_of_their_kind(ceremony)?;
    for name in left_out {
        say!("left out: {} is not a file of the ceremony", name.escape_debug());
    }
    if is_listed(ceremony) {
        let path = ceremony.folder.root().join(INDEX);
        files.push(PublicFile { name: INDEX.into(), path });
        files.sort();
    }
    let root = ceremony.folder.root().display();
    // The usual reason is keys that were made, or a step that came, after the lists.
    let with_hint = |error: Diagnostic| {
        error.hint(format_args!(
            "if the folder's lists are older than its files, make them anew: `{PROGRAM} ceremony \
             verify {root}` writes SHA256SUMS, `{PROGRAM} ceremony index {root}` index.json"
        ))
    };
    let lists = if is_final { Lists::Needed } else { Lists::WhereThere };
    ensure_named(ceremony, &files, lists).map_err(with_hint)?;
    let prefix = ceremony.config.document().id.to_string();
    archive_file::write(ceremony, &files, &prefix, output).map_err(|error| match error.place {
        None => error.at(shown.display()),
        Some(_) => error,
    })?;
    output.seek(SeekFrom::Start(0)).map_err(|e| failure::io(shown, "reading", &e))?;
    let whole = check::ensure_whole(&mut *output, Path::new("archive"), lists);
    if !whole.map_err(with_hint)? {
        say!(
            "note: the archive has no list of its files, so that nobody can say whether it is \
             whole: run `{PROGRAM} ceremony index` on the folder, and archive it again"
        );
    }
    let digests =
        digest_file(output, &Bars::default()).map_err(|e| failure::io(shown, "reading", &e))?;
    Ok(Packed { files: files.len(), digests })
}

/// Whether the folder has a signed list of just these files. Another one stays out.
fn is_listed(ceremony: &Ceremony) -> bool {
    let index = match ceremony.index() {
        Ok(None) => return false,
        Ok(Some((index, _))) => index,
        Err(error) => {
            say!("left out: {error}");
            return false;
        }
    };
    // By digest: a report that was written anew has often the same size.
    let here = ceremony.public_files(&mut KnownDigests::default(), &Bars::default());
    let is_current = here.is_ok_and(|here| here == index.files());
    if !is_current {
        say!("left out: {INDEX} lists other files; `ceremony index` signs a new one");
    }
    is_current
}

impl Vault {
    /// Puts the archive there, and says what was read back.
    fn keep(
        &self,
        file: &mut (impl Read + Seek),
        digests: &FileDigests,
        root: &Path,
    ) -> Result<(), Diagnostic> {
        let sha256 = digests.sha256.to_string();
        let resumed = Resumed::in_folder(resumed(root));
        let kept = self.place.keep(
            file,
            digests.length,
            &sha256,
            &self.retention,
            &resumed,
            &Bars::default(),
        )?;
        let verb = if kept.was_there { "is there already" } else { "archived" };
        made(Path::new(self.place.shown()), format_args!("{verb}, version {}", kept.version))
            .line("locked until", format_args!("{} (compliance mode, as read back)", kept.until))
            .line("sha256", format_args!("{sha256} (as read back)"));
        Ok(())
    }
}

/// Refuses steps and circuits that are not even files of their kind: one name of a shared folder
/// can stand for any number of bytes. Whether they are the attested ones is for `verify`.
fn ensure_of_their_kind(ceremony: &Ceremony) -> Result<(), Diagnostic> {
    let open = |path: &Path| ceremony.folder.open(path);
    let refused = |path: &Path, error| failure::format(path, &error);
    for chain in ceremony.chains() {
        for step in chain.steps.iter().chain(&chain.prepared) {
            let (path, input) = (&step.path, open(&step.path)?);
            match &chain.track {
                Track::Phase1 => Ptau::open(input).map(drop).map_err(|e| refused(path, e))?,
                Track::Circuit(_) => Zkey::open(input).map(drop).map_err(|e| refused(path, e))?,
            }
        }
        if let Track::Circuit(name) = &chain.track {
            let path = ceremony.folder.r1cs(name);
            R1cs::open(open(&path)?).map(drop).map_err(|e| refused(&path, e))?;
        }
    }
    Ok(())
}
