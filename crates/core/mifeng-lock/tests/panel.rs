//! Panels: rules of the request, avoidance, alternates and declines.

mod common;

use common::World;
use mifeng_crypto::{Curve, GM, INTL, Point, Scalar};
use mifeng_lock::Error;
use mifeng_lock::draw::sample;
use mifeng_lock::panel::{
    Authority, Avoided, Candidate, Declined, Earlier, Frozen, PanelRecord, Purpose, Request, Seats,
    seats,
};

fn candidates(n: usize) -> Vec<Candidate> {
    (0..n)
        .map(|i| Candidate {
            id: format!("x{i:02}"),
            employers: vec![format!("firm {}", i % 5)],
            specialties: vec![["A", "B"][i % 2].to_owned()],
            weight: 1,
        })
        .collect()
}

fn row(specialty: &str, seats: u32, alternates: u32) -> Seats {
    Seats {
        alternates,
        seats,
        specialty: specialty.to_owned(),
    }
}

fn request() -> Request {
    Request {
        avoid_employers: vec!["firm 0".to_owned()],
        avoid_ids: vec![Avoided {
            id: "x01".to_owned(),
            reason: "kin of a bidder".to_owned(),
        }],
        n: 1,
        earlier: vec![Earlier {
            id: "x03".to_owned(),
            purpose: Purpose::Need,
        }],
        project: "T-1".to_owned(),
        purpose: Purpose::Evaluation,
        reason: String::new(),
        representatives: 1,
        seats: vec![row("A", 2, 2), row("B", 2, 1)],
    }
}

#[test]
fn the_rules_of_a_request() {
    assert_eq!(request().check(), Ok(()));
    let with = |change: &dyn Fn(&mut Request)| {
        let mut changed = request();
        change(&mut changed);
        changed.check()
    };
    let panel = |what| Err(Error::Panel { what });
    let odd = "an evaluation committee has an odd number of members, five or more";
    assert_eq!(with(&|r| r.representatives = 2), panel(odd));
    assert_eq!(with(&|r| r.seats[0].seats = 1), panel(odd));
    assert_eq!(
        with(&|r| {
            r.representatives = 2;
            r.seats = vec![row("A", 3, 0)];
        }),
        panel("experts must be two thirds of an evaluation committee")
    );
    // 6 of 9 is exactly two thirds.
    assert_eq!(
        with(&|r| {
            r.representatives = 3;
            r.seats = vec![row("A", 6, 0)];
        }),
        Ok(())
    );
    // The other purposes have no such numbers.
    assert_eq!(
        with(&|r| {
            r.purpose = Purpose::Acceptance;
            r.representatives = 2;
        }),
        Ok(())
    );
    let repeat = "draws count from 1, and a repeat, and only a repeat, has a reason";
    assert_eq!(with(&|r| r.n = 2), panel(repeat));
    assert_eq!(with(&|r| r.n = 0), panel(repeat));
    assert_eq!(with(&|r| r.reason = "x".to_owned()), panel(repeat));
    assert!(with(&|r| r.seats.clear()).is_err());
    assert!(with(&|r| r.seats[1].specialty = "A".to_owned()).is_err());
    assert!(matches!(
        with(&|r| r.seats[0].seats = u32::MAX),
        Err(Error::Limit { .. })
    ));
}

#[test]
fn avoidance_is_applied_before_the_pools_and_every_ground_is_told() {
    let all = candidates(20);
    let made = request().pools(&all).expect("pools");
    let out: Vec<_> = made
        .avoided
        .iter()
        .map(|row| (row.id.as_str(), row.reason.as_str()))
        .collect();
    assert_eq!(
        out,
        [
            ("x00", "employer firm 0"),
            ("x01", "kin of a bidder"),
            ("x03", "sat in the panel of 论证"),
            ("x05", "employer firm 0"),
            ("x10", "employer firm 0"),
            ("x15", "employer firm 0"),
        ]
    );
    let drawn: usize = made.pools.iter().map(|pool| pool.rows().len()).sum();
    assert_eq!(drawn, 20 - out.len());
    // Acceptance after evaluation is no ground.
    let mut acceptance = request();
    acceptance.purpose = Purpose::Acceptance;
    assert_eq!(acceptance.pools(&all).expect("pools").avoided.len(), 5);
    let mut unknown = request();
    unknown.avoid_ids[0].id = "nobody".to_owned();
    assert!(unknown.pools(&all).is_err());
    assert!(request().pools(&candidates(6)).is_err());
    let twice = [candidates(20), candidates(1)].concat();
    assert!(request().pools(&twice).is_err());
}

#[test]
fn alternates_take_the_seats_of_those_who_decline_in_order() {
    let order = |of: &[&str]| of.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let orders = [order(&["a", "b", "c", "d"]), order(&["c", "e", "f"])];
    let decline = |of: &[&str]| -> Vec<Declined> {
        of.iter()
            .map(|id| Declined {
                id: (*id).to_owned(),
                reason: "ill".to_owned(),
            })
            .collect()
    };
    let sit = |of: &[&str]| seats(&request(), &orders, &decline(of));
    assert_eq!(sit(&[]), Ok(vec![order(&["a", "b"]), order(&["c", "e"])]));
    assert_eq!(
        sit(&["a"]),
        Ok(vec![order(&["b", "c"]), order(&["e", "f"])])
    );
    assert_eq!(
        sit(&["a", "c"]),
        Ok(vec![order(&["b", "d"]), order(&["e", "f"])])
    );
    let used_up = "the alternates are used up: draw again, with a reason";
    assert_eq!(sit(&["a", "b", "e"]), Err(Error::Panel { what: used_up }));
    // d would not have been invited; a stranger neither; none twice, none without a reason.
    assert!(sit(&["d"]).is_err());
    assert!(sit(&["z"]).is_err());
    assert!(sit(&["a", "a"]).is_err());
    let silent = [Declined {
        id: "a".to_owned(),
        reason: String::new(),
    }];
    assert!(seats(&request(), &orders, &silent).is_err());
    assert!(seats(&request(), &orders[..1], &[]).is_err());
}

/// Whatever the seed and whoever declines: the panel is legal, nobody who avoids sits, nobody sits twice.
#[test]
fn panels_are_always_legal() {
    let mut all = candidates(30);
    for candidate in all.iter_mut().step_by(3) {
        candidate.specialties = vec!["A".to_owned(), "B".to_owned()];
    }
    let request = request();
    let made = request.pools(&all).expect("pools");
    for i in 0..500u32 {
        let seed = INTL.hash().digest(&i.to_be_bytes());
        let orders: Vec<_> = request
            .seats
            .iter()
            .zip(&made.pools)
            .map(|(row, pool)| sample(&INTL, pool, &seed, (row.seats + row.alternates) as usize))
            .collect();
        let declined = [Declined {
            id: orders[0][(i % 2) as usize].clone(),
            reason: "ill".to_owned(),
        }];
        let Ok(sits) = seats(&request, &orders, &declined) else {
            continue;
        };
        let mut ids: Vec<_> = sits.concat();
        assert_eq!(ids.len(), 4);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 4, "one sits twice");
        for id in ids {
            assert_ne!(id, declined[0].id);
            assert!(made.avoided.iter().all(|row| row.id != id));
        }
    }
}

fn by_key() -> PanelRecord {
    let secret = Scalar::from_u64(Curve::P256, 77);
    let authority = Authority::of_key(&Point::mul_generator(&secret));
    let frozen = Frozen::new(&INTL, authority, request(), candidates(30)).expect("frozen");
    let proofs: Vec<_> = frozen
        .draws()
        .iter()
        .map(|draw| draw.answer_alone(&secret).expect("answers").to_vec())
        .collect();
    let first = frozen
        .clone()
        .with_key(&proofs, Vec::new())
        .expect("record");
    let declined = vec![Declined {
        id: first.seats[0].ids[0].clone(),
        reason: "ill".to_owned(),
    }];
    frozen.with_key(&proofs, declined).expect("record")
}

/// Else keys could be made after the list was published, until one draws whom somebody wants.
#[test]
fn who_answers_is_frozen_with_the_list() {
    let frozen = |secret: u64| {
        let secret = Scalar::from_u64(Curve::P256, secret);
        let authority = Authority::of_key(&Point::mul_generator(&secret));
        Frozen::new(&INTL, authority, request(), candidates(30)).expect("frozen")
    };
    assert_ne!(frozen(77).digest(), frozen(78).digest());
    // A key answers only for what was frozen with it.
    let other = Scalar::from_u64(Curve::P256, 78);
    let answer =
        |draw: &mifeng_lock::draw::Draw| draw.answer_alone(&other).expect("answers").to_vec();
    let proofs: Vec<_> = frozen(77).draws().iter().map(answer).collect();
    let refused = frozen(77).with_key(&proofs, Vec::new());
    assert_eq!(refused.err(), Some(Error::VrfProof));
    let refused = frozen(77).with_board(&[], Vec::new());
    assert_eq!(refused.err().map(|e| e.code()), Some("lock.panel"));
}

#[test]
fn a_record_recomputes_and_no_change_of_it_does() {
    let record = by_key();
    assert_eq!(record.check(), Ok(()));
    let bytes = record.to_jcs().expect("JSON");
    assert_eq!(PanelRecord::parse(&bytes), Ok(record.clone()));
    let refuse = |change: &dyn Fn(&mut PanelRecord)| {
        let mut changed = record.clone();
        change(&mut changed);
        assert_ne!(changed, record);
        assert!(changed.check().is_err());
    };
    refuse(&|r| r.seats[0].ids.swap(0, 1));
    refuse(&|r| r.draws[0].order.swap(0, 1));
    refuse(&|r| r.draws.swap(0, 1));
    refuse(&|r| drop(r.draws.pop()));
    refuse(&|r| r.draws[1].seed = r.draws[0].seed);
    refuse(&|r| r.draws[1].value = r.draws[0].value.clone());
    refuse(&|r| r.declined.clear());
    refuse(&|r| r.declined[0].id = r.seats[1].ids[0].clone());
    refuse(&|r| r.avoided.clear());
    refuse(&|r| r.request.avoid_employers.clear());
    refuse(&|r| r.request.project.push('2'));
    refuse(&|r| drop(r.candidates.pop()));
    refuse(&|r| r.candidates.reverse());
    refuse(&|r| r.candidates[7].weight = 2);
    refuse(&|r| r.authority.key = Some(hex::encode(Point::generator(Curve::P256).to_bytes())));
    refuse(&|r| r.authority.key = None);
    refuse(&|r| r.suite = "gm-1".to_owned());
    refuse(&|r| r.draws[0].suite = "gm-1".to_owned());
}

#[test]
fn a_board_draws_and_every_quorum_gives_the_same_panel() {
    for suite in [&GM, &INTL] {
        let mut world = World::new(suite, 2, 3, "panel");
        let board = world.transcript.board().clone();
        let authority = Authority::of_board(&board);
        let frozen = Frozen::new(suite, authority, request(), candidates(30)).expect("frozen");
        let mut answers: Vec<Vec<_>> = Vec::new();
        for draw in frozen.draws() {
            let shares = world.shares.iter().map(|secret| {
                draw.release(&board, secret, &mut world.entropy)
                    .expect("share")
            });
            answers.push(shares.collect());
        }
        let panel = |of: &[usize]| {
            let chosen: Vec<Vec<_>> = answers
                .iter()
                .map(|all| of.iter().map(|i| all[*i].clone()).collect())
                .collect();
            frozen.clone().with_board(&chosen, Vec::new())
        };
        let first = panel(&[0, 1]).expect("record");
        assert_eq!(first.check(), Ok(()));
        assert_eq!(panel(&[2, 1]).expect("record").seats, first.seats);
        assert!(panel(&[1]).is_err());
        let mut replayed = first.clone();
        replayed.draws[1].shares = replayed.draws[0].shares.clone();
        assert_eq!(replayed.check(), Err(Error::ShareProof { index: 1 }));
    }
}
