//! Many signature messages verified together.

mod common;

use common::{SUITES, World, code, time};
use mifeng_crypto::Time;
use mifeng_pki::cms::{self, Item, Profile as Form, Verifier};
use mifeng_pki::issue::{Profile, Revocation};
use mifeng_pki::{Material, Policy, Purpose, RevocationList, Signer as _};
use std::num::NonZeroUsize;

/// Many messages at once come to what each comes to alone, whatever the number of threads.
#[test]
fn a_batch_is_its_single_messages() {
    for suite in SUITES {
        let mut world = World::new(suite);
        let people: Vec<_> = (10..14)
            .map(|n| world.signer(Profile::BidderSign, n))
            .collect();
        let revoked = Revocation {
            serial: vec![11],
            revoked: time("2026-05-01T00:00:00Z"),
            reason: 4,
            invalid_since: None,
        };
        let (from, to) = (time("2026-05-02T00:00:00Z"), time("2026-07-01T00:00:00Z"));
        let list = world
            .sub
            .revocation_list(&[revoked], from, to, 7)
            .expect("list");
        let list = [RevocationList::parse(&list).expect("our own")];
        let stranger = World::new(suite).signer(Profile::BidderEncrypt, 20);
        let day = 86_400_000;
        let mut made: Vec<(Vec<u8>, Vec<u8>, Time)> = Vec::new();
        for n in 0..120i64 {
            let signer = match n % 5 {
                4 => &stranger,
                place => &people[place as usize],
            };
            let at = time("2025-12-30T00:00:00Z").plus_millis(n * 3 * day);
            let content = format!("record {n}").into_bytes();
            let message = cms::sign_detached(signer, &content, at, Form::of(suite));
            let mut message = message.expect("signs");
            if n % 17 == 3 {
                let last = message.len() - 1;
                message[last] ^= 1;
            }
            if n % 19 == 6 {
                // A certificate that ends like the true one, and is another.
                let der = signer.certificate().der();
                let begin = message.windows(der.len()).position(|part| part == der);
                let name = der.windows(3).position(|part| part == [0x55, 4, 3]);
                message[begin.expect("inside") + name.expect("a common name") + 5] ^= 1;
            }
            made.push((message, content, at));
        }
        let items: Vec<Item<'_>> = made
            .iter()
            .map(|(message, content, at)| Item {
                message,
                content,
                at: *at,
            })
            .collect();
        let policy = Policy::new(Purpose::Signing, suite);
        let verifier = Verifier {
            anchors: &world.anchors(),
            material: Material {
                crls: &list,
                ..Material::default()
            },
            policy: &policy,
        };
        let alone: Vec<_> = items
            .iter()
            .map(|item| code(verifier.verify(item)))
            .collect();
        let codes: std::collections::BTreeSet<_> = alone.iter().collect();
        assert!(codes.len() > 3, "the set has every kind of end: {codes:?}");
        for threads in [None, Some(1), Some(2), Some(7), Some(1_000)] {
            let threads = threads.and_then(NonZeroUsize::new);
            let all = verifier.verify_all(&items, threads);
            let found: Vec<_> = all.into_iter().map(code).collect();
            assert_eq!(found, alone);
        }
        assert!(verifier.verify_all(&[], None).is_empty());
    }
}
