//! Sums side by side against one after the other, which other tests hold to crates that are not ours. The points and the
//! numbers are anybody's choice: those that meet the exceptions of the formulas are among them, in every lane.

use super::*;
use crate::curves::tests::{halves, numbers};
use crate::curves::{P256, Sm2};

fn one<C: Params>(sum: &Sum<'_, C>) -> Point<C> {
    lincomb_vartime(&sum.generator, &sum.known, &sum.points)
}

fn agree<C: Params>(sums: &[Sum<'_, C>]) {
    let found = sums_vartime(sums);
    assert_eq!(found.len(), sums.len());
    for (place, (found, sum)) in found.iter().zip(sums).enumerate() {
        let Sum {
            generator, points, ..
        } = sum;
        let numbers: Vec<_> = points.iter().map(|(k, _)| k).collect();
        assert!(*found == one(sum), "{place}: {generator:x?}, {numbers:x?}");
    }
}

fn of_points<C>(points: Vec<(Limbs, Point<C>)>) -> Sum<'static, C> {
    Sum {
        generator: [0; 4],
        known: Vec::new(),
        points,
    }
}

fn minus<C: Params>(k: &Limbs) -> Limbs {
    match k {
        [0, 0, 0, 0] => *k,
        _ => limbs::sub(&C::N, k).0,
    }
}

/// So small that three times them is below the order.
const SMALL: [u64; 6] = [0, 1, 2, 7, 8, 1 << 40];

fn numbers_at_their_edges<C: Params>() {
    let point = lincomb_vartime::<C>(&[5; 4], &[], &[]);
    let known = Known::new(point.double());
    let all = numbers::<C>(100).into_iter().chain(halves::<C>());
    let mut sums = Vec::new();
    for k in all {
        sums.push(of_points(vec![(k, point)]));
        sums.push(Sum {
            generator: k,
            known: vec![(minus::<C>(&k), &known)],
            points: Vec::new(),
        });
    }
    // The known point has no table at first, and one in the end.
    agree(&sums[..40]);
    agree(&sums);
    assert!(known.wide_table().is_some());
}

/// What meets the exceptions: at the first digits and the last, in both kinds of additions.
fn exceptions<C: Params>() {
    let g = Point::<C>::GENERATOR;
    let p = lincomb_vartime::<C>(&[3; 4], &[], &[]);
    let (q, none) = (p.double().add(&g), Point::IDENTITY);
    let known = Known::new(g.neg());
    for _ in 0..100 {
        known.wide_table();
    }
    let mut sums = Vec::new();
    for k in numbers::<C>(4).into_iter().step_by(7).chain(halves::<C>()) {
        let opposite = minus::<C>(&k);
        // Equal points and opposite ones at every window; the identity, alone and beside others.
        sums.push(of_points(vec![(k, p), (k, p)]));
        sums.push(of_points(vec![(k, p), (k, p.neg())]));
        sums.push(of_points(vec![(k, p), (opposite, p)]));
        sums.push(of_points(vec![(k, p), (opposite, p), (k, q)]));
        sums.push(of_points(vec![(k, none)]));
        sums.push(of_points(vec![(k, none), (k, p), ([0; 4], q)]));
        // The same in the tables: what was added before is what they add, or its opposite.
        for (generator, to) in [(k, g), (opposite, g), (k, g.neg())] {
            let points = vec![(k, to)];
            sums.push(Sum {
                generator,
                known: Vec::new(),
                points: points.clone(),
            });
            sums.push(Sum {
                generator: [0; 4],
                known: vec![(generator, &known)],
                points,
            });
        }
        sums.push(Sum {
            generator: k,
            known: vec![(k, &known)],
            points: Vec::new(),
        });
        sums.push(Sum {
            generator: k,
            known: vec![(opposite, &known), (k, &known)],
            points: vec![(k, q)],
        });
    }
    for small in SMALL {
        let of = |k: u64| [k, 0, 0, 0];
        let three = lincomb_vartime::<C>(&of(3), &[], &[]);
        let generator = minus::<C>(&of(3 * small));
        sums.push(Sum {
            generator,
            known: Vec::new(),
            points: vec![(of(small), three)],
        });
        sums.push(of_points(vec![
            (of(3 * small), g),
            (minus::<C>(&of(small)), three),
        ]));
        sums.push(of_points(vec![(of(3 * small), g), (of(small), three)]));
    }
    // Every sum in another lane, beside others.
    for _ in 0..LANES {
        agree(&sums);
        sums.rotate_left(1);
    }
}

fn any_number_of_sums_in_order<C: Params>() {
    let identity = Known::new(Point::<C>::IDENTITY);
    let known = Known::new(lincomb_vartime::<C>(&[9; 4], &[], &[]));
    let all = numbers::<C>(60);
    let mut point = Point::GENERATOR;
    for count in 0..=2 * LANES + 1 {
        let mut sums = Vec::new();
        let threes = all.as_chunks::<3>().0.iter().rev().take(count);
        for (place, three) in threes.enumerate() {
            point = point.double().add(&Point::GENERATOR);
            let points = [(three[0], point), (three[1], point.double())];
            sums.push(Sum {
                generator: three[2],
                known: match place % 4 {
                    0 => vec![(three[1], &known)],
                    1 => vec![(three[0], &identity)],
                    _ => Vec::new(),
                },
                points: points[..place % 3].to_vec(),
            });
        }
        agree(&sums);
    }
}

/// Faults that the examination must find.
fn faulty<C: Params>() -> [Kernel<C>; 4] {
    fn right<C: Params>(group: &[&Terms<'_, C>]) -> Vec<Point<C>> {
        let with_tables = |terms: &&Terms<'_, C>| {
            let mut sum = lincomb_vartime(&terms.generator, &[], &terms.points);
            for (k, table) in &terms.tables {
                // Its first entry is the point itself.
                let [x0, x1, x2, x3, y0, y1, y2, y3] = table.windows()[0][0];
                let point = crate::curves::Affine {
                    x: crate::curves::field::Fe::from_raw([x0, x1, x2, x3]),
                    y: crate::curves::field::Fe::from_raw([y0, y1, y2, y3]),
                };
                sum = sum.add(&lincomb_vartime(&[0; 4], &[], &[(*k, point.into())]));
            }
            sum
        };
        group.iter().map(with_tables).collect()
    }
    assert!(passes::<C>(right));
    [
        |_| Vec::new(),
        |group| {
            let mut out = right(group);
            out[LANES - 1] = out[LANES - 1].neg();
            out
        },
        |group| {
            let mut out = right(group);
            out.swap(2, 3);
            out
        },
        // The sum of opposite points is no identity.
        |group| {
            let mut out = right(group);
            let lost = |terms: &&Terms<'_, C>| match terms.points[..] {
                [(a, p), (b, q)] => p == q && limbs::add(&a, &b).0 == C::N,
                _ => false,
            };
            for (out, _) in out.iter_mut().zip(group).filter(|(_, terms)| lost(terms)) {
                *out = out.add(&Point::GENERATOR);
            }
            out
        },
    ]
}

fn everything<C: Params>() {
    if let Some(kernel) = available::<C>() {
        assert!(passes(kernel), "this machine's kernel");
    }
    for kernel in faulty::<C>() {
        assert!(!passes(kernel));
    }
    numbers_at_their_edges::<C>();
    exceptions::<C>();
    any_number_of_sums_in_order::<C>();
}

#[test]
fn on_sm2() {
    everything::<Sm2>();
}

#[test]
fn on_p256() {
    everything::<P256>();
}
