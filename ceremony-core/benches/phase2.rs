//! Phase 2 at a domain of 2^14: setup, contribution, verification. `PHASE2_POWER` takes another.
//!
//! The circuit is a run of squarings that fills the domain (the kit's `squares`). The setup is also
//! that of circuits of as many rows with seven terms in each, a fifth of them with coefficients
//! other than 1 and -1 (`mixed`). The `.ptau` is of the next power, with a tau that the bench
//! knows.

use std::io::Cursor;
use std::time::Duration;

use ceremony_core::entropy::ContributionRng;
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::r1cs::R1cs;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::phase2::contribute::contribute;
use ceremony_core::phase2::initial_key::new_key;
use ceremony_core::phase2::verify::{Expectations, verify};
use ceremony_core::progress::NoProgress;
use criterion::{Criterion, criterion_group, criterion_main};

use testkit::known_tau;
use testkit::mixed::mixed;
use testkit::squares::squares;

fn setup(r1cs: &[u8], ptau: &[u8]) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    new_key(
        &mut R1cs::open(Cursor::new(r1cs)).unwrap(),
        &mut Ptau::open(Cursor::new(ptau)).unwrap(),
        &mut out,
        &NoProgress,
    )
    .unwrap();
    out.into_inner()
}

fn contribution(key: &[u8]) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let rng = ContributionRng::from_os_and_text(b"").unwrap();
    contribute(&mut Zkey::open(Cursor::new(key)).unwrap(), &mut out, rng, None, &NoProgress)
        .unwrap();
    out.into_inner()
}

fn phase2(c: &mut Criterion) {
    let power: u32 = std::env::var("PHASE2_POWER").map_or(14, |p| p.parse().unwrap());
    let r1cs = squares(power);
    let ptau =
        known_tau::prepared(power + 1, known_tau::secrets("bench"), known_tau::participant());
    let initial = setup(&r1cs, &ptau);
    let key = contribution(&initial);
    if let Ok(dir) = std::env::var("PHASE2_FILES") {
        // For the same steps by other tools.
        for (name, bytes) in
            [("c.r1cs", &r1cs), ("p.ptau", &ptau), ("0.zkey", &initial), ("1.zkey", &key)]
        {
            std::fs::write(std::path::Path::new(&dir).join(name), bytes).unwrap();
        }
    }
    let mut group = c.benchmark_group(format!("phase 2, 2^{power}"));
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("setup", |b| b.iter(|| setup(&r1cs, &ptau)));
    for (name, long) in [("short", u64::MAX), ("half long", 2), ("long", 1)] {
        let r1cs = mixed(power, long);
        group.bench_function(format!("setup, mixed coefficients, {name}"), |b| {
            b.iter(|| setup(&r1cs, &ptau));
        });
    }
    group.bench_function("contribute", |b| b.iter(|| contribution(&initial)));
    group.bench_function("verify", |b| {
        b.iter(|| {
            let (mut r1cs, mut ptau) =
                (R1cs::open(Cursor::new(&r1cs)).unwrap(), Ptau::open(Cursor::new(&ptau)).unwrap());
            verify(
                &mut r1cs,
                &mut ptau,
                &mut Zkey::open(Cursor::new(&key)).unwrap(),
                &Expectations::default(),
                &NoProgress,
            )
            .unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, phase2);
criterion_main!(benches);
