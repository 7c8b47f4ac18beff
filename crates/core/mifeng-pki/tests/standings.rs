//! What is known about a certificate: deltas in any order, holds, and responders that are judged.

mod common;

use common::{SUITES, World, time};
use mifeng_pki::issue::{Profile, Revocation};
use mifeng_pki::{Certificate, Material, Policy, Purpose, RevocationList, Standing, judge_path};

const MAY: &str = "2026-05-01T00:00:00Z";
const JUNE: &str = "2026-06-01T00:00:00Z";
const JULY: &str = "2026-07-01T00:00:00Z";
const END: &str = "2027-01-01T00:00:00Z";

/// A CA's lists and one certificate by it.
struct Issuer {
    world: World,
    leaf: Certificate,
}

impl Issuer {
    fn new(suite: &'static mifeng_crypto::Suite) -> Self {
        let mut world = World::new(suite);
        let key = world.key();
        let leaf = world.certificate(&key, Profile::BidderSign, 10);
        Issuer { world, leaf }
    }

    fn line(&self, at: &str, reason: u8) -> Revocation {
        Revocation {
            serial: self.leaf.serial_raw().to_vec(),
            revoked: time(at),
            reason,
            invalid_since: None,
        }
    }

    fn list(&self, lines: &[Revocation], from: &str, to: &str, number: u64) -> RevocationList {
        let sub = &self.world.sub;
        let der = sub.revocation_list(lines, time(from), time(to), number);
        RevocationList::parse(&der.expect("list")).expect("our own list")
    }

    fn delta(
        &self,
        lines: &[Revocation],
        (from, to): (&str, &str),
        number: u64,
        base: u64,
    ) -> RevocationList {
        let sub = &self.world.sub;
        let der = sub.delta_revocation_list(lines, time(from), time(to), number, base);
        RevocationList::parse(&der.expect("list")).expect("our own list")
    }

    fn by_lists(&self, crls: &[RevocationList], at: &str) -> Result<Standing, &'static str> {
        let policy = Policy::new(Purpose::Signing, self.world.suite);
        let material = Material {
            intermediates: &[self.world.sub.certificate().clone()],
            crls,
            ocsp: &[],
        };
        let anchors = self.world.anchors();
        let path = judge_path(&self.leaf, &material, &anchors, time(at), &policy);
        path.map(|path| path.standings()[0].clone())
            .map_err(|e| e.code())
    }
}

/// Several deltas of one list count in the order of their numbers, however they are handed over.
#[test]
fn deltas_count_in_the_order_of_their_numbers() {
    let early = "2026-06-15T00:00:00Z";
    for suite in SUITES {
        let world = Issuer::new(suite);
        let held = world.list(&[world.line(MAY, 6)], MAY, END, 4);
        let lifted = world.delta(&[world.line(MAY, 8)], (JUNE, END), 5, 4);
        let bad = world.delta(&[world.line(JULY, 1)], (JULY, END), 6, 4);
        let later = Standing::RevokedLater {
            revoked: time(JULY),
            reason: 1,
        };
        let again = world.delta(&[world.line(JULY, 8)], (JULY, END), 256, 4);
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            let lists = |all: [&RevocationList; 3]| order.map(|place| all[place].clone());
            let three = lists([&held, &lifted, &bad]);
            let revoked = Err("pki.revoked");
            assert_eq!(world.by_lists(&three, MAY), revoked, "{order:?}");
            let between = world.by_lists(&three, early);
            assert_eq!(between, Ok(later.clone()), "{order:?}");
            assert_eq!(world.by_lists(&three, JULY), revoked, "{order:?}");
            // Revoked first and removed last, by a number of more octets.
            let three = lists([&held, &bad, &again]);
            assert_eq!(world.by_lists(&three, early), revoked, "{order:?}");
            assert_eq!(
                world.by_lists(&three, JULY),
                Ok(Standing::Good),
                "{order:?}"
            );
        }
    }
}

/// A list from before a hold was renewed does not lift it, even if the hold keeps its old date.
#[test]
fn an_older_list_lifts_no_hold() {
    for suite in SUITES {
        let world = Issuer::new(suite);
        let free = world.list(&[], JUNE, END, 4);
        let held = world.list(&[world.line(MAY, 6)], JULY, END, 5);
        let change = world.delta(&[world.line(MAY, 6)], (JULY, END), 5, 4);
        for hold in [held, change] {
            for both in [[free.clone(), hold.clone()], [hold.clone(), free.clone()]] {
                assert_eq!(world.by_lists(&both, JULY), Err("pki.revoked"));
            }
        }
    }
}
