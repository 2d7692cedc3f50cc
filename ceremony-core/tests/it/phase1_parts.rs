//! A verification in parts comes to the verdict of one machine, and a fault in any part is found.
//! Attackers here know every secret and hide what they did by recomputing all hashes: only the
//! points are wrong.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use ark_ec::{AffineRepr, CurveGroup};
use bn254_batch::curve::{G1Affine, G2Affine};
use ceremony_core::explain::Explain as _;
use ceremony_core::format::bound_file::digest_file;
use ceremony_core::format::encoding::{Encoding, encode};
use ceremony_core::format::ptau::{Power, Ptau};
use ceremony_core::hash::{Blake2b512, FileBlake2b, FileSha256};
use ceremony_core::phase1::contribute::{contribute, new};
use ceremony_core::phase1::parts::{
    CombineError, MAX_PARTS, PartError, PartSums, Plan, PlanContent, PlanError, PlanningError,
    combine,
};
use ceremony_core::phase1::prepare::prepare;
use ceremony_core::phase1::verify::{Check, Expectations, Failure, Verified, VerifyError, verify};
use ceremony_core::progress::NoProgress;
use ceremony_core::ratio::Ratio;
use testkit::forge::{assemble, sections, shift_point, with_section};
use testkit::ptau::{Model, any_rng, outside_the_subgroup};

const PARTS: u32 = 8;

type Sums = BTreeMap<u32, PartSums>;

fn plan(bytes: &[u8], parts: u32) -> Plan {
    Plan::of_file(Cursor::new(bytes), parts, &Expectations::default(), &NoProgress).unwrap()
}

fn part(bytes: &[u8], plan: &Plan, number: u32) -> Result<PartSums, PartError> {
    PartSums::of_file(&mut Cursor::new(bytes), plan, plan.part(number).unwrap(), &NoProgress)
}

fn all_parts(bytes: &[u8], plan: &Plan) -> Sums {
    (1..=plan.content().parts).map(|number| (number, part(bytes, plan, number).unwrap())).collect()
}

fn combined(plan: &Plan, sums: &Sums) -> Result<Verified, CombineError> {
    combine(plan, sums, &Expectations::default(), &NoProgress)
}

fn in_parts(bytes: &[u8], parts: u32) -> Result<Verified, CombineError> {
    let plan = plan(bytes, parts);
    combined(&plan, &all_parts(bytes, &plan))
}

fn failure(bytes: &[u8], parts: u32) -> Failure {
    match in_parts(bytes, parts) {
        Err(CombineError::Verify(VerifyError::Failed(failure))) => *failure,
        Err(other) => panic!("refused for another reason: {other}"),
        Ok(_) => panic!("accepted"),
    }
}

fn prepared(power: u32) -> Model {
    let mut model = Model::with_contributions(power, 2);
    model.prepare();
    model
}

/// A prepared file of the library's, long enough that neighbours share coefficients in every part.
fn long_file() -> Vec<u8> {
    testkit::choose_arithmetic();
    let [mut start, mut contributed, mut prepared] = [(); 3].map(|()| Cursor::new(Vec::new()));
    new(Power::new(11).unwrap(), &mut start, &NoProgress).unwrap();
    contribute(&mut Ptau::open(start).unwrap(), &mut contributed, any_rng(), None, &NoProgress)
        .unwrap();
    prepare(&mut Ptau::open(contributed).unwrap(), &mut prepared, &NoProgress).unwrap();
    prepared.into_inner()
}

fn is_g2(section: u32) -> bool {
    matches!(section, 3 | 13)
}

fn len(section: u32, n: u64) -> u64 {
    match section {
        2 => 2 * n - 1,
        3..=5 => n,
        12 => 4 * n - 1,
        _ => 2 * n - 1,
    }
}

/// The first and the last own point of each part that has one.
fn borders(len: u64, parts: u32) -> Vec<u64> {
    let start = |part: u32| len * u64::from(part) / u64::from(parts);
    let mut borders: Vec<u64> = (0..parts)
        .map(|part| start(part)..start(part + 1))
        .filter(|own| !own.is_empty())
        .flat_map(|own| [own.start, own.end - 1])
        .collect();
    borders.dedup();
    borders
}

/// The file with another point in the group at this place.
fn altered(bytes: &[u8], section: u32, index: u64) -> Vec<u8> {
    with_section(bytes, section, |points| match is_g2(section) {
        true => shift_point::<G2Affine>(points, index as usize),
        false => shift_point::<G1Affine>(points, index as usize),
    })
}

fn same(a: &Verified, b: &Verified) {
    assert_eq!(a.digests, b.digests);
    assert_eq!(a.next_challenge, b.next_challenge);
    assert_eq!(a.checks, b.checks);
    assert_eq!(a.published.map(|file| file.name), b.published.map(|file| file.name));
}

// ---- good files ---------------------------------------------------------------------------------

#[test]
fn any_number_of_parts_combines_to_the_verdict_of_one_machine() {
    let mut closed = Model::with_contributions(4, 2);
    closed.beacon(b"a public value");
    closed.prepare();
    for (bytes, counts) in [
        (prepared(1).bytes(), &[1, 2, 8][..]),
        (closed.bytes(), &[1, 3, 8, 40]),
        (Model::with_contributions(4, 1).bytes(), &[1, 7]),
        (long_file(), &[1, 3]),
    ] {
        let (_, whole) =
            verify(Cursor::new(&bytes), &Expectations::default(), &NoProgress).unwrap();
        for parts in counts {
            same(&in_parts(&bytes, *parts).unwrap(), &whole);
        }
    }
}

#[test]
fn what_the_verifier_expects_is_asked_when_parts_are_combined() {
    let model = prepared(3);
    let bytes = model.bytes();
    let plan = plan(&bytes, 2);
    let sums = all_parts(&bytes, &plan);
    let check =
        |expectations: &Expectations<'_>| match combine(&plan, &sums, expectations, &NoProgress) {
            Ok(verified) => Ok(verified.checks),
            Err(CombineError::Verify(VerifyError::Failed(failure))) => Err(failure.check),
            Err(other) => panic!("{other}"),
        };
    let digest = digest_file(&mut Cursor::new(&bytes), &NoProgress).unwrap().blake2b;
    let known = Expectations {
        min_contributions: 2,
        digest: Some(digest),
        earlier: Some(&model.records[..1]),
        proven: None,
    };
    let (_, whole) = verify(Cursor::new(&bytes), &known, &NoProgress).unwrap();
    assert_eq!(check(&known), Ok(whole.checks));
    let more = Expectations { min_contributions: 3, ..Default::default() };
    assert_eq!(check(&more), Err(Check::MinimumContributions));
    let other = Expectations { digest: Some(FileBlake2b([0; 64])), ..Default::default() };
    assert_eq!(check(&other), Err(Check::Digest));
    let fork = Model::with_contributions(2, 1).records;
    let fork = Expectations { earlier: Some(&fork), ..Default::default() };
    assert_eq!(check(&fork), Err(Check::Continuity));
}

#[test]
fn a_truncated_file_needs_a_digest_from_planner_and_combiner() {
    let mut model = Model::with_contributions(4, 2);
    model.truncate(3);
    model.prepare();
    let bytes = model.bytes();
    let blind = Plan::of_file(Cursor::new(&bytes), 3, &Expectations::default(), &NoProgress);
    assert!(
        matches!(&blind, Err(PlanningError::Verify(VerifyError::Failed(f))) if f.check == Check::Digest)
    );
    let digest = digest_file(&mut Cursor::new(&bytes), &NoProgress).unwrap().blake2b;
    let known = Expectations { digest: Some(digest), ..Default::default() };
    let plan = Plan::of_file(Cursor::new(&bytes), 3, &known, &NoProgress).unwrap();
    let sums = all_parts(&bytes, &plan);
    let (_, whole) = verify(Cursor::new(&bytes), &known, &NoProgress).unwrap();
    same(&combine(&plan, &sums, &known, &NoProgress).unwrap(), &whole);
    assert!(
        matches!(combined(&plan, &sums), Err(CombineError::Verify(VerifyError::Failed(f))) if f.check == Check::Digest)
    );
}

#[test]
fn sections_may_lie_in_any_order() {
    let bytes = prepared(3).bytes();
    let reversed: Vec<_> = sections(&bytes).into_iter().rev().collect();
    let bytes = assemble(&bytes, &reversed);
    let (_, whole) = verify(Cursor::new(&bytes), &Expectations::default(), &NoProgress).unwrap();
    same(&in_parts(&bytes, 3).unwrap(), &whole);
}

/// Notes which bytes are read.
struct Watched(Cursor<Vec<u8>>, Arc<Mutex<Vec<Range<u64>>>>);

impl Read for Watched {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let start = self.0.position();
        let count = self.0.read(out)?;
        self.1.lock().unwrap().push(start..start + count as u64);
        Ok(count)
    }
}

impl Seek for Watched {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        assert!(matches!(to, SeekFrom::Start(_)), "a part asks for no length");
        self.0.seek(to)
    }
}

#[test]
fn a_part_reads_its_share_once_and_nothing_else() {
    let bytes = prepared(5).bytes();
    let plan = plan(&bytes, 4);
    for number in 1..=4 {
        let read = Arc::new(Mutex::new(Vec::new()));
        let mut file = Watched(Cursor::new(bytes.clone()), read.clone());
        PartSums::of_file(&mut file, &plan, plan.part(number).unwrap(), &NoProgress).unwrap();
        let mut read = read.lock().unwrap().clone();
        read.sort_by_key(|range| range.start);
        assert!(read.windows(2).all(|pair| pair[0].end <= pair[1].start), "no byte twice");
        let count: u64 = read.iter().map(|range| range.end - range.start).sum();
        assert!(count < bytes.len() as u64 / 4 + 64 * 12, "{count} of {}", bytes.len());
        // Only the share need be there: the rest may be zeros.
        let mut sparse = vec![0; bytes.len()];
        for range in read {
            let range = range.start as usize..range.end as usize;
            sparse[range.clone()].copy_from_slice(&bytes[range]);
        }
        let (alone, whole) = (part(&sparse, &plan, number), part(&bytes, &plan, number));
        assert_eq!(alone.unwrap(), whole.unwrap());
    }
}

// ---- coefficients -------------------------------------------------------------------------------

#[test]
fn a_part_is_the_same_bit_for_bit_on_any_number_of_cores() {
    let bytes = long_file();
    let plan = plan(&bytes, 2);
    let expected = part(&bytes, &plan, 2).unwrap();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| part(&bytes, &plan, 2).unwrap()), expected);
    }
}

/// All sums, one after another.
fn hash_of(sums: &Sums) -> String {
    let compressed = Encoding::Compressed;
    let mut bytes = Vec::new();
    for sums in sums.values() {
        for Ratio(x, y) in [sums.tau_g1, sums.alpha_tau_g1, sums.beta_tau_g1].into_iter().flatten()
        {
            bytes.extend(encode(&[x, y], compressed));
        }
        sums.tau_g2.iter().for_each(|Ratio(x, y)| bytes.extend(encode(&[*x, *y], compressed)));
        if let Some(it) = sums.lagrange {
            let g1 = [it.tau_g1, it.tau_g1_last, it.alpha_tau_g1, it.beta_tau_g1];
            bytes.extend(encode(&g1, compressed));
            bytes.extend(encode(&[it.tau_g2], compressed));
        }
    }
    hex::encode(&Blake2b512::digest(&[&bytes])[..16])
}

/// Where one of these changes, parts of two versions of this program cannot be combined or
/// repeated: that takes a new name of the coefficients, and new versions of both documents.
#[test]
fn plan_digest_and_sums_are_those_of_this_version() {
    // Rows of neighbours in section 2.
    let mut model = Model::with_contributions(9, 1);
    model.prepare();
    let bytes = model.bytes();
    let content = PlanContent { nonce: [7; 32], ..plan(&bytes, 1).content().clone() };
    let plan = Plan::new(content).unwrap();
    assert_eq!(
        hex::encode(plan.digest()),
        "d446df67c89cb5478b0719454a092469cd5715ddf409695f63ddbedaa0d28be5"
    );
    assert_eq!(hash_of(&all_parts(&bytes, &plan)), "701ab81b73989969fff0f7cae213f21b");
}

#[test]
fn each_plan_of_a_file_draws_other_coefficients() {
    let bytes = prepared(4).bytes();
    let plans = [plan(&bytes, 2), plan(&bytes, 2)];
    assert_ne!(plans[0].digest(), plans[1].digest());
    let sums = plans.each_ref().map(|plan| all_parts(&bytes, plan));
    assert_ne!(sums[0][&1].tau_g1, sums[1][&1].tau_g1);
    assert_ne!(sums[0][&1].lagrange, sums[1][&1].lagrange);
    // Parts of two plans do not even add up where the plan is not looked at.
    let mixed = BTreeMap::from([(1, sums[0][&1].clone()), (2, sums[1][&2].clone())]);
    assert!(
        matches!(combined(&plans[0], &mixed), Err(CombineError::Verify(VerifyError::Failed(f))) if f.check == Check::Lagrange)
    );
}

// ---- faults in sections 2 to 5 ------------------------------------------------------------------

/// Every border of every part of a section.
fn a_wrong_power_is_named_with_section_and_part(section: u32, power: u32) {
    let good = Model::with_contributions(power, 2);
    // What the last record proves: the planner compares it.
    let proven = if section < 4 { 2 } else { 1 };
    let len = len(section, 1 << power);
    for index in borders(len, PARTS) {
        let mut model = good.clone();
        let one = G1Affine::generator();
        let at = index as usize;
        match section {
            2 => model.tau_g1[at] = (model.tau_g1[at] + one).into_affine(),
            3 => model.tau_g2[at] = (model.tau_g2[at] + G2Affine::generator()).into_affine(),
            4 => model.alpha_tau_g1[at] = (model.alpha_tau_g1[at] + one).into_affine(),
            _ => model.beta_tau_g1[at] = (model.beta_tau_g1[at] + one).into_affine(),
        }
        model.rehash_last();
        let bytes = model.bytes();
        if index < proven {
            match Plan::of_file(Cursor::new(&bytes), PARTS, &Expectations::default(), &NoProgress) {
                Err(PlanningError::Verify(VerifyError::Failed(failure))) => {
                    assert_eq!(failure.check, Check::Powers, "{failure}");
                    assert!(failure.place.ends_with(&format!("element {index}")), "{failure}");
                }
                other => panic!("section {section}, element {index}: {other:?}"),
            }
            continue;
        }
        let failure = failure(&bytes, PARTS);
        assert_eq!(failure.check, Check::Powers, "{failure}");
        // The step to this element belongs to the part of the one before.
        let number =
            (1..=u64::from(PARTS)).find(|part| len * part / u64::from(PARTS) > index - 1).unwrap();
        let (start, end) = (len * (number - 1) / 8, (len * number / 8).min(len - 1));
        let named = format!(", part {number} of {PARTS}, elements {start} to {end}");
        assert!(
            failure.place.starts_with(&format!("section {section} "))
                && failure.place.ends_with(&named),
            "{index}: {failure}"
        );
    }
}

#[test]
fn a_wrong_power_of_tau_in_g1_is_found_at_every_border() {
    a_wrong_power_is_named_with_section_and_part(2, 3);
}

#[test]
fn a_wrong_power_of_tau_in_g2_is_found_at_every_border() {
    a_wrong_power_is_named_with_section_and_part(3, 5);
}

#[test]
fn a_wrong_power_times_alpha_is_found_at_every_border() {
    a_wrong_power_is_named_with_section_and_part(4, 4);
}

#[test]
fn a_wrong_power_times_beta_is_found_at_every_border() {
    a_wrong_power_is_named_with_section_and_part(5, 4);
}

#[test]
fn wrong_points_and_points_without_new_hashes_of_a_long_file_are_found() {
    let file = long_file();
    // With the old hashes the planner finds it.
    let found = Plan::of_file(
        Cursor::new(altered(&file, 4, 900)),
        3,
        &Expectations::default(),
        &NoProgress,
    );
    assert!(
        matches!(&found, Err(PlanningError::Verify(VerifyError::Failed(f))) if f.check == Check::Hashes)
    );
    // A plan that is blind for the hashes, as a liar makes it: of the points that it has.
    let good = plan(&file, 3);
    for (section, index) in [(2, 1364), (2, 4094), (3, 681), (3, 682), (3, 683), (4, 2047), (5, 2)]
    {
        let altered = altered(&file, section, index);
        let lie = with_pieces_of(&good, &altered);
        match combined(&lie, &all_parts(&altered, &lie)) {
            Err(CombineError::Verify(VerifyError::Failed(failure))) => {
                assert_eq!(failure.check, Check::Powers);
                assert!(failure.place.starts_with(&format!("section {section} ")), "{failure}");
            }
            other => panic!("section {section}, element {index}: {other:?}"),
        }
    }
    let outside = encode(&[outside_the_subgroup()], Encoding::Montgomery);
    for index in [2, 681, 682, 1364, 1365, 2047] {
        let altered =
            with_section(&file, 3, |points| points[index * 128..][..128].copy_from_slice(&outside));
        let lie = with_pieces_of(&good, &altered);
        let found: Vec<String> = (1..=3)
            .filter_map(|number| part(&altered, &lie, number).err())
            .map(|error| error.to_string())
            .collect();
        let expected = format!(
            "section 3 ([tau^i]2) element {index}: the point is outside the subgroup of order r"
        );
        assert!(!found.is_empty() && found.iter().all(|it| *it == expected), "{index}: {found:?}");
    }
}

/// The plan with the digests of another file's pieces.
fn with_pieces_of(plan: &Plan, bytes: &[u8]) -> Plan {
    use sha2::Digest as _;
    let mut content = plan.content().clone();
    let n = 1 << content.power.exponent();
    for section in &mut content.sections {
        let (len, size) = (len(section.section, n), if is_g2(section.section) { 128 } else { 64 });
        let parts = section.pieces.len() as u64;
        for (number, piece) in (1..).zip(&mut section.pieces) {
            let (start, mut end) = (len * (number - 1) / parts, len * number / parts);
            if section.section < 6 && start < end {
                end = (end + 1).min(len);
            }
            let (start, end) = (section.offset + start * size, section.offset + end * size);
            *piece = FileSha256(sha2::Sha256::digest(&bytes[start as usize..end as usize]).into());
        }
    }
    Plan::new(content).unwrap()
}

#[test]
fn the_pieces_of_a_plan_are_the_digests_of_what_the_parts_read() {
    for (bytes, parts) in
        [(prepared(3).bytes(), 1), (prepared(3).bytes(), 5), (prepared(1).bytes(), 9)]
    {
        let plan = plan(&bytes, parts);
        let again = with_pieces_of(&plan, &bytes);
        assert_eq!(plan.content().sections, again.content().sections);
    }
}

#[test]
fn section_6_is_the_planners() {
    let mut model = Model::with_contributions(2, 2);
    model.beta_g2[0] = (model.beta_g2[0] + G2Affine::generator()).into_affine();
    model.rehash_last();
    let found = Plan::of_file(Cursor::new(model.bytes()), 2, &Expectations::default(), &NoProgress);
    assert!(
        matches!(&found, Err(PlanningError::Verify(VerifyError::Failed(f))) if f.place == "section 6 ([beta]2), element 0")
    );
}

// ---- faults in sections 12 to 15 ----------------------------------------------------------------

/// The Lagrange sections are bound by no hash of the chain: a forger just writes them.
fn a_wrong_lagrange_point_is_found_at_every_border(section: u32) {
    let (power, n) = (3, 8);
    let good = prepared(power).bytes();
    for index in borders(len(section, n), PARTS) {
        let failure = failure(&altered(&good, section, index), PARTS);
        assert_eq!(failure.check, Check::Lagrange, "{failure}");
        let place =
            if section == 12 && index >= 2 * n - 1 { ", level 4" } else { ", parts 1 to 8" };
        assert!(
            failure.place.starts_with(&format!("section {section} "))
                && failure.place.ends_with(place),
            "{index}: {failure}"
        );
    }
}

#[test]
fn a_wrong_lagrange_point_of_tau_in_g1_is_found_at_every_border() {
    a_wrong_lagrange_point_is_found_at_every_border(12);
}

#[test]
fn a_wrong_lagrange_point_of_tau_in_g2_is_found_at_every_border() {
    a_wrong_lagrange_point_is_found_at_every_border(13);
}

#[test]
fn a_wrong_lagrange_point_times_alpha_is_found_at_every_border() {
    a_wrong_lagrange_point_is_found_at_every_border(14);
}

#[test]
fn a_wrong_lagrange_point_times_beta_is_found_at_every_border() {
    a_wrong_lagrange_point_is_found_at_every_border(15);
}

#[test]
fn lagrange_errors_that_cancel_without_weights_are_found_in_one_part_and_in_two() {
    let good = prepared(3);
    let error = G1Affine::generator();
    for (i, j) in [(7, 8), (3, 14)] {
        let mut model = good.clone();
        let points = &mut model.lagrange.as_mut().unwrap().alpha_tau_g1;
        points[i] = (points[i] + error).into_affine();
        points[j] = (points[j].into_group() - error).into_affine();
        assert_eq!(failure(&model.bytes(), 4).check, Check::Lagrange);
    }
}

#[test]
fn a_lagrange_point_that_is_none_is_named_by_its_part() {
    let good = prepared(4).bytes();
    let outside = encode(&[outside_the_subgroup()], Encoding::Montgomery);
    for index in borders(len(13, 16), 3) {
        let at = index as usize * 128;
        for (bytes, defect) in [
            (outside.clone(), "the point is outside the subgroup of order r"),
            ([vec![1; 31], vec![0; 97]].concat(), "the point is not on its curve"),
        ] {
            let bad = with_section(&good, 13, |points| points[at..][..128].copy_from_slice(&bytes));
            let plan = plan(&bad, 3);
            let found: Vec<String> = (1..=3)
                .filter_map(|number| part(&bad, &plan, number).err())
                .map(|error| error.to_string())
                .collect();
            assert_eq!(found, [format!("section 13 (Lagrange [tau]2) element {index}: {defect}")]);
        }
    }
}

#[test]
fn the_lagrange_sections_of_another_ceremony_are_refused() {
    let (mut model, other) = (prepared(3), {
        let mut other = Model::with_contributions(3, 1);
        other.prepare();
        other
    });
    model.lagrange = other.lagrange;
    assert_eq!(failure(&model.bytes(), 3).check, Check::Lagrange);
}

// ---- plans, and bytes that are not theirs ---------------------------------------------------

#[test]
fn a_part_refuses_bytes_that_the_plan_was_not_made_of() {
    let good = prepared(4).bytes();
    let plan = plan(&good, 3);
    for (section, index) in
        [(2, 10), (3, 5), (4, 15), (5, 9), (12, 20), (13, 10), (14, 11), (15, 30)]
    {
        let other = altered(&good, section, index);
        let size = if is_g2(section) { 128 } else { 64 };
        let no_point = with_section(&good, section, |points| points[index as usize * size] ^= 1);
        for bytes in [other, no_point] {
            let refused: Vec<PartError> =
                (1..=3).filter_map(|number| part(&bytes, &plan, number).err()).collect();
            // Two at a border, else one.
            assert!(matches!(refused.len(), 1 | 2), "{section} {index}");
            for error in refused {
                assert!(
                    matches!(&error, PartError::OtherBytes { place, .. } if place.starts_with(&format!("section {section} "))),
                    "{error}"
                );
                assert_eq!(error.explain().code, "ptau-part/other-bytes");
            }
        }
    }
    let short = part(&good[..good.len() / 2], &plan, 3).unwrap_err();
    assert!(matches!(&short, PartError::Verify(error) if error.is_environment()), "{short}");
}

#[test]
fn parts_that_are_missing_too_many_or_misshapen_are_refused_by_name() {
    let bytes = prepared(3).bytes();
    let plan = plan(&bytes, 3);
    let good = all_parts(&bytes, &plan);
    let error = |change: &dyn Fn(&mut Sums)| {
        let mut sums = good.clone();
        change(&mut sums);
        combined(&plan, &sums).unwrap_err().to_string()
    };
    assert_eq!(error(&|it| it.retain(|number, _| *number != 2)), "part 2 of 3 is missing");
    assert_eq!(
        error(&|it| it.extend([(4, good[&1].clone())])),
        "there is no such part: found 4, expected 1 to 3"
    );
    let shape = "part 2 of 3: its sums are not those of the sections that it has a share of";
    assert_eq!(error(&|it| it.get_mut(&2).unwrap().tau_g1 = None), shape);
    assert_eq!(error(&|it| it.get_mut(&2).unwrap().tau_g2 = None), shape);
    assert_eq!(error(&|it| it.get_mut(&2).unwrap().alpha_tau_g1 = None), shape);
    assert_eq!(error(&|it| it.get_mut(&2).unwrap().beta_tau_g1 = None), shape);
    assert_eq!(error(&|it| it.get_mut(&2).unwrap().lagrange = None), shape);
    let outside = outside_the_subgroup();
    let in_g2 = "part 2 of 3: a sum of points of G2 is outside the subgroup of order r";
    assert_eq!(error(&|it| it.get_mut(&2).unwrap().tau_g2 = Some(Ratio(outside, outside))), in_g2);
    assert_eq!(
        error(&|it| it.get_mut(&2).unwrap().lagrange.as_mut().unwrap().tau_g2 = outside),
        in_g2
    );
}

#[test]
fn a_sum_that_is_another_is_refused() {
    let bytes = prepared(3).bytes();
    let plan = plan(&bytes, 2);
    let good = all_parts(&bytes, &plan);
    let check = |change: &dyn Fn(&mut PartSums)| {
        let mut sums = good.clone();
        change(sums.get_mut(&2).unwrap());
        match combined(&plan, &sums) {
            Err(CombineError::Verify(VerifyError::Failed(failure))) => failure.check,
            other => panic!("{other:?}"),
        }
    };
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let flip = |sum: &mut Option<Ratio<G1Affine>>| sum.as_mut().unwrap().1 = -sum.unwrap().1;
    assert_eq!(check(&|it| flip(&mut it.tau_g1)), Check::Powers);
    assert_eq!(check(&|it| flip(&mut it.alpha_tau_g1)), Check::Powers);
    assert_eq!(check(&|it| flip(&mut it.beta_tau_g1)), Check::Powers);
    assert_eq!(check(&|it| it.tau_g2 = Some(Ratio(g2, g2))), Check::Powers);
    // Infinity has every ratio.
    assert_eq!(
        check(&|it| it.tau_g1 = Some(Ratio(G1Affine::zero(), G1Affine::zero()))),
        Check::Powers
    );
    assert_eq!(
        check(&|it| it.tau_g2 = Some(Ratio(G2Affine::zero(), G2Affine::zero()))),
        Check::Powers
    );
    let lagrange = |it: &mut PartSums| it.lagrange.unwrap();
    for change in [
        &|it: &mut PartSums| it.lagrange.as_mut().unwrap().tau_g1 = g1,
        &|it: &mut PartSums| it.lagrange.as_mut().unwrap().tau_g1_last = g1,
        &|it: &mut PartSums| it.lagrange.as_mut().unwrap().tau_g2 = g2,
        &|it: &mut PartSums| it.lagrange.as_mut().unwrap().alpha_tau_g1 = lagrange(it).beta_tau_g1,
        &|it: &mut PartSums| it.lagrange.as_mut().unwrap().beta_tau_g1 = G1Affine::zero(),
    ] as [&dyn Fn(&mut PartSums); 5]
    {
        assert_eq!(check(change), Check::Lagrange);
    }
}

#[test]
fn a_plan_that_no_file_can_have_is_refused() {
    let content = plan(&prepared(3).bytes(), 2).content().clone();
    let refused = |change: &dyn Fn(&mut PlanContent)| {
        let mut content = content.clone();
        change(&mut content);
        Plan::new(content).map(|_| "a plan").unwrap_err().explain().code
    };
    for parts in [0, MAX_PARTS + 1, u32::MAX] {
        assert_eq!(refused(&|it| it.parts = parts), "ptau-plan/parts");
    }
    let sections = "ptau-plan/sections";
    assert_eq!(refused(&|it| it.parts = 3), sections);
    assert_eq!(refused(&|it| it.sections.swap(0, 2)), sections);
    assert_eq!(refused(&|it| drop(it.sections.pop())), sections);
    assert_eq!(refused(&|it| it.sections[3] = it.sections[2].clone()), sections);
    assert_eq!(refused(&|it| it.sections[7].offset = u64::MAX), sections);
    assert_eq!(refused(&|it| it.sections[7].offset = it.digests.length), sections);
    assert_eq!(refused(&|it| it.sections[1].pieces.truncate(1)), sections);
    assert_eq!(refused(&|it| it.digests.length = 100), sections);
    assert_eq!(refused(&|it| it.ends = None), sections);
    assert_eq!(refused(&|it| it.power = Power::new(28).unwrap()), sections);
    assert_eq!(refused(&|it| it.power = Power::new(1).unwrap()), sections);
    let ends = |it: &mut PlanContent| it.ends.clone().unwrap();
    let outside = outside_the_subgroup();
    for change in [
        &|it: &mut PlanContent| it.ends.as_mut().unwrap().tau_g1.of_levels.truncate(3),
        &|it: &mut PlanContent| it.ends.as_mut().unwrap().tau_g1.of_levels.clear(),
        &|it: &mut PlanContent| it.ends.as_mut().unwrap().tau_squared_g2 = None,
        &|it: &mut PlanContent| it.ends.as_mut().unwrap().alpha_tau_g1 = ends(it).beta_tau_g1,
        &|it: &mut PlanContent| it.ends.as_mut().unwrap().tau_g1.of_levels.swap(0, 1),
        &|it: &mut PlanContent| it.ends.as_mut().unwrap().tau_g2.of_levels[2] = outside,
        &|it: &mut PlanContent| it.ends.as_mut().unwrap().tau_squared_g2 = Some(outside),
    ] as [&dyn Fn(&mut PlanContent); 7]
    {
        assert_eq!(refused(change), sections);
    }
    assert_eq!(refused(&|it| it.contributions.truncate(4)), "record/truncated");
    assert_eq!(refused(&|it| it.contributions = vec![0; 4]), sections);
    assert_eq!(refused(&|it| it.contributions.clear()), "format/section-size");
    assert!(matches!(
        Plan::of_file(Cursor::new(Vec::new()), 0, &Expectations::default(), &NoProgress),
        Err(PlanningError::Plan(PlanError::Parts(0)))
    ));
}

#[test]
fn records_that_prove_nothing_are_refused_when_parts_are_combined_too() {
    let model = prepared(3);
    let bytes = model.bytes();
    let mut content = plan(&bytes, 2).content().clone();
    // A byte of the first record's next challenge, which the second record's proof answers.
    content.contributions[4 + 1432] ^= 1;
    let lie = Plan::new(content).unwrap();
    assert!(
        matches!(combined(&lie, &all_parts(&bytes, &lie)), Err(CombineError::Verify(VerifyError::Failed(f))) if f.check == Check::ProofOfKnowledge)
    );
}
