//! `ptau prepare --combine`: the parts of a preparation, put together.

use std::fs::File;
use std::path::Path;

use ceremony_core::format::FormatError;
use ceremony_core::format::bases_part::{BasesPart, PartHeader, Residue};
use ceremony_core::format::ptau::Levels;
use ceremony_core::phase1::prepare::{CombinePartsError, combine_parts};
use ceremony_folder::{explained, hints};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;

use super::ptau::open_ptau;
use crate::cli::Prepare;
use crate::failure;
use crate::outcome::made;
use crate::output::open;
use crate::progress::Bars;

impl Prepare {
    /// `--combine PART...`
    pub(super) fn combined(&self) -> Result<(), Diagnostic> {
        let path = &self.output.path;
        let mut input = open_ptau(&self.input)?;
        let read = |path: &std::path::PathBuf| {
            BasesPart::open(open(path)?).map_err(|e| failure::format(path, &e))
        };
        let parts: Result<Vec<BasesPart<File>>, Diagnostic> =
            self.parts.combine.iter().map(read).collect();
        let mut parts = parts?;
        let headers: Vec<PartHeader> = parts.iter().map(|part| *part.header()).collect();
        let inputs: Vec<&Path> =
            std::iter::once(&self.input).chain(&self.parts.combine).map(AsRef::as_ref).collect();
        let mut output = self.output.create(&inputs)?;
        let levels = combine_parts(&mut input, &mut parts, &mut output, &Bars::default())
            .map_err(|error| self.refused(&headers, &error))?;
        output.commit()?;
        made(path, format_args!("prepared from {} parts, and verified", parts.len()))
            .line("levels", levels);
        Ok(())
    }

    /// Parts that make no prepared file.
    fn refused(&self, headers: &[PartHeader], error: &CombinePartsError) -> Diagnostic {
        let path = |index: usize| match self.parts.combine.get(index) {
            Some(path) => path.display().to_string(),
            None => "--combine".into(),
        };
        let again = |part: Residue, index: usize| {
            self.part_command(headers, &path(index), part.number(), part.parts()) + " --force"
        };
        let said = explained(error);
        match error {
            CombinePartsError::Step(error) => failure::step(&self.input, error),
            CombinePartsError::Check(error) => failure::verify(&self.input, error),
            CombinePartsError::NoPartAtFault(_) => said.at(self.output.path.display()).hint(
                "nothing was written: run it again where nothing writes to the parts; if it \
                     fails again, use another machine",
            ),
            CombinePartsError::Missing { missing, of } => {
                let first = missing.first().copied().unwrap_or(1);
                said.at("--combine").hint(format_args!(
                    "make it: `{}`",
                    self.part_command(headers, &format!("part-{first}.ptpart"), first, *of)
                ))
            }
            CombinePartsError::Twice { part, indices: [first, second] } => said
                .at(path(*second))
                .found(format_args!("{part}, as in {}", path(*first)))
                .expected("each part once")
                .hint("leave one of the two files out"),
            CombinePartsError::Differs { index, .. } => said.at(path(*index)).hint(
                "combine the parts that one command made, with the same file, --levels and M",
            ),
            CombinePartsError::OtherInput { .. } => said.at(self.input.display()).hint(
                "give the file that the parts were made from, with its contributions and beacon",
            ),
            CombinePartsError::Part { index, error: error @ FormatError::Io(_), .. } => {
                said.at(path(*index)).hint(hints::for_format(error))
            }
            CombinePartsError::Part { part, index, .. } => said
                .at(path(*index))
                .hint(format_args!("make it again: `{}`", again(*part, *index))),
            CombinePartsError::Wrong(wrong) => {
                let all: Vec<String> =
                    wrong.iter().map(|it| format!("{}: {it}", path(it.index))).collect();
                let commands: Vec<String> =
                    wrong.iter().map(|it| format!("`{}`", again(it.part, it.index))).collect();
                said.at(wrong.first().map(|it| path(it.index)).unwrap_or_default())
                    .found(format_args!("others in {}", all.join("; ")))
                    .hint(format_args!("make the wrong parts again: {}", commands.join(", ")))
            }
            _ => said.at(self.input.display()),
        }
    }

    /// How a part is made.
    fn part_command(&self, headers: &[PartHeader], out: &str, number: u32, of: u32) -> String {
        let levels = match headers.first() {
            Some(PartHeader { levels, power, .. }) if *levels != Levels::all(*power) => {
                format!(" --levels {levels}")
            }
            _ => String::new(),
        };
        let input = self.input.display();
        format!("{PROGRAM} ptau prepare {input} {out} --part {number}/{of}{levels}")
    }
}
