//! Seals and seal signatures of our own: made, read, checked, and bent one field at a time.

mod common;

use common::{DATA, World, now, png, signed, time, validity};
use mifeng_crypto::HashAlg;
use mifeng_pki::asn1::{tag, write};
use mifeng_pki::{Signer as _, two_step};
use mifeng_stamp::{
    Deviation, Error, Extension, Outcome, Picture, Protected, Report, Seal, SealKind,
    SealSignature, SignatureDraft, SignedTime, Signers, StepId, Verdict, Version,
    check_before_signing, check_seal, check_signature,
};

fn failures(report: &Report) -> Vec<&'static str> {
    report.failures()
}

#[test]
fn every_field_is_read_back() {
    let world = World::new();
    for version in [Version::V4, Version::V5] {
        let mut draft = world.draft(version);
        draft.extensions = vec![Extension {
            id: "1.2.3.4.5".to_owned(),
            critical: false,
            value: vec![1, 2, 3],
        }];
        let both = [
            world.buyer.certificate().clone(),
            world.other.certificate().clone(),
        ];
        for signers in [Signers::certificates(&both), Signers::digests(&both)] {
            draft.signers = signers.clone();
            let seal = draft.sign(&world.maker).expect("a seal");
            let read = Seal::parse(seal.der()).expect("read");
            assert_eq!(read, seal);
            assert_eq!((read.version(), read.number()), (version, version.number()));
            assert_eq!((read.vendor(), read.id()), ("MIFENG", "33010000000001"));
            assert_eq!(
                (read.kind(), read.name()),
                (SealKind::PROCUREMENT, "测试采购人采购专用章")
            );
            assert_eq!(read.signers(), &signers);
            assert_eq!(read.created(), draft.created);
            assert_eq!(read.valid_from(), draft.valid_from);
            assert_eq!(read.valid_until(), draft.valid_until);
            assert_eq!(read.picture(), &draft.picture);
            assert_eq!(read.extensions(), &draft.extensions[..]);
            assert_eq!(read.maker_der(), world.maker.certificate().der());
            assert!(read.deviations().is_empty());
            let checked = check_seal(seal.der(), &world.trust(now()));
            assert_eq!(
                checked.report.verdict(),
                Verdict::Valid,
                "{:?}",
                checked.report
            );
        }
    }
}

#[test]
fn signatures_hold_over_their_data_only() {
    let world = World::new();
    for version in [Version::V4, Version::V5] {
        let signature = world.sign(&world.seal(version));
        let trust = world.trust(now());
        let checked = check_signature(signature.der(), Protected::Bytes(DATA), &trust);
        assert_eq!(
            checked.report.verdict(),
            Verdict::Valid,
            "{:?}",
            checked.report
        );
        assert_eq!(checked.signed_at, Some(signed()));
        let claimed = checked.report.outcome(StepId::SigningTime);
        assert!(matches!(claimed, Some(Outcome::Pass(Some(f))) if f.code == "stamp.time-claimed"));
        let digest = HashAlg::Sm3.digest(DATA);
        let by_digest = check_signature(signature.der(), Protected::Digest(&digest), &trust);
        assert_eq!(by_digest.report, checked.report);
        let other = check_signature(signature.der(), Protected::Bytes(b"another"), &trust);
        assert_eq!(failures(&other.report), ["stamp.digest"]);
    }
}

#[test]
fn no_byte_of_a_signature_is_free() {
    let world = World::new();
    let signature = world.sign(&world.seal(Version::V4));
    let trust = world.trust(now());
    let mut bent = signature.der().to_vec();
    for at in 0..bent.len() {
        bent[at] ^= 1;
        let found = check_signature(&bent, Protected::Bytes(DATA), &trust);
        assert_eq!(found.report.verdict(), Verdict::Invalid, "byte {at}");
        bent[at] ^= 1;
    }
    for cut in [0, 1, bent.len() / 2, bent.len() - 1] {
        let found = check_signature(&bent[..cut], Protected::Bytes(DATA), &trust);
        assert_eq!(failures(&found.report), ["stamp.malformed"], "cut at {cut}");
    }
    bent.push(0);
    let found = check_signature(&bent, Protected::Bytes(DATA), &trust);
    assert_eq!(failures(&found.report), ["stamp.malformed"]);
}

#[test]
fn no_byte_of_a_seal_is_free() {
    let world = World::new();
    let trust = world.trust(now());
    let mut bent = world.seal(Version::V5).der().to_vec();
    for at in 0..bent.len() {
        bent[at] ^= 1;
        let found = check_seal(&bent, &trust);
        assert_eq!(found.report.verdict(), Verdict::Invalid, "byte {at}");
        bent[at] ^= 1;
    }
}

#[test]
fn time_stamps_show_when() {
    let world = World::new();
    let trust = world.trust(now());
    let signature = world.sign(&world.seal(Version::V4));
    let at = time("2026-06-01T08:00:03Z");
    let token = world.stamp(signature.signature_value(), at);
    let stamped = signature.with_time_stamp(&token).expect("stamped");
    let checked = check_signature(stamped.der(), Protected::Bytes(DATA), &trust);
    assert_eq!(
        checked.report.verdict(),
        Verdict::Valid,
        "{:?}",
        checked.report
    );
    assert_eq!(checked.signed_at, Some(at));
    assert_eq!(
        checked.report.outcome(StepId::SigningTime),
        Some(&Outcome::Pass(None))
    );
    let twice = stamped.with_time_stamp(&token).map_err(|e| e.code());
    assert_eq!(twice.err(), Some("stamp.field"));
    // Over other bytes.
    let wrong = world.stamp(b"other", at);
    let refused = signature.with_time_stamp(&wrong).map_err(|e| e.code());
    assert_eq!(refused.err(), Some("pki.digest-mismatch"));
    let forced = force_stamp(&signature, &wrong);
    let checked = check_signature(&forced, Protected::Bytes(DATA), &trust);
    assert_eq!(failures(&checked.report), ["pki.digest-mismatch"]);
}

#[test]
fn a_stamp_earlier_than_the_signing_is_invalid() {
    let world = World::new();
    let signature = world.sign(&world.seal(Version::V4));
    let early = world.stamp(signature.signature_value(), time("2026-06-01T07:59:59Z"));
    let refused = signature.with_time_stamp(&early).map_err(|e| e.code());
    assert_eq!(refused.err(), Some("stamp.time-order"));
    let forced = force_stamp(&signature, &early);
    let mut trust = world.trust(now());
    let checked = check_signature(&forced, Protected::Bytes(DATA), &trust);
    assert_eq!(failures(&checked.report), ["stamp.time-order"]);
    trust.allowance_seconds = 1;
    let checked = check_signature(&forced, Protected::Bytes(DATA), &trust);
    assert_eq!(checked.report.verdict(), Verdict::Valid);
}

/// Puts a token in without asking.
fn force_stamp(signature: &SealSignature, token: &[u8]) -> Vec<u8> {
    let inside = &signature.der()[header_len(signature.der())..];
    let tagged = write::tlv(tag::context(0), &[&write::bits(token)]);
    write::seq(&[inside, &tagged])
}

fn header_len(der: &[u8]) -> usize {
    match der[1] {
        0..=0x7f => 2,
        count => 2 + usize::from(count & 0x7f),
    }
}

#[test]
fn version_5_seals_carry_their_own_stamp() {
    let world = World::new();
    let seal = world.seal(Version::V5);
    let token = world.stamp(seal.signature_value(), time("2026-02-01T00:00:00Z"));
    let stamped = seal.with_time_stamp(&token).expect("stamped");
    let checked = check_seal(stamped.der(), &world.trust(now()));
    assert_eq!(
        checked.report.verdict(),
        Verdict::Valid,
        "{:?}",
        checked.report
    );
    assert!(checked.time_stamp.is_some());
    let early = world.stamp(seal.signature_value(), time("2026-01-31T23:59:59Z"));
    let refused = seal.with_time_stamp(&early).map_err(|e| e.code());
    assert_eq!(refused.err(), Some("stamp.time-order"));
    let inside = &seal.der()[header_len(seal.der())..];
    let tagged = write::tlv(tag::context(0), &[&write::bits(&early)]);
    let checked = check_seal(&write::seq(&[inside, &tagged]), &world.trust(now()));
    assert_eq!(failures(&checked.report), ["stamp.time-order"]);
    // Version 4 has no place for one.
    let old = world.seal(Version::V4);
    let refused = old.with_time_stamp(&token).map_err(|e| e.code());
    assert_eq!(refused.err(), Some("stamp.version"));
    let inside = &old.der()[header_len(old.der())..];
    let tagged = write::tlv(tag::context(0), &[&write::bits(&token)]);
    let checked = check_seal(&write::seq(&[inside, &tagged]), &world.trust(now()));
    assert_eq!(failures(&checked.report), ["stamp.malformed"]);
}

/// A signature put together by hand around any seal.
fn by_hand(world: &World, number: u64, seal: &Seal, extensions: &[u8]) -> Vec<u8> {
    let tbs = write::seq(&[
        &write::small(number),
        seal.der(),
        &write::generalized(signed()),
        &write::bits(HashAlg::Sm3.digest(DATA).as_bytes()),
        &write::tlv(22, &[b"x"]),
        extensions,
    ]);
    let value = world.buyer.sign(&tbs).expect("signed");
    around(world, &tbs, &value)
}

fn around(world: &World, tbs: &[u8], value: &[u8]) -> Vec<u8> {
    write::seq(&[
        tbs,
        &write::octets(world.buyer.certificate().der()),
        &[0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75],
        &write::bits(value),
    ])
}

#[test]
fn versions_do_not_mix() {
    let world = World::new();
    let trust = world.trust(now());
    for (number, version) in [(4, Version::V5), (5, Version::V4), (1, Version::V4)] {
        let der = by_hand(&world, number, &world.seal(version), &[]);
        let checked = check_signature(&der, Protected::Bytes(DATA), &trust);
        assert_eq!(failures(&checked.report), ["stamp.version"]);
    }
}

#[test]
fn unknown_critical_extensions_are_refused() {
    let world = World::new();
    let trust = world.trust(now());
    let extension = |critical: &[u8]| {
        let id = [0x06, 0x03, 0x2a, 0x03, 0x04];
        let entry = write::seq(&[&id, critical, &write::octets(b"x")]);
        write::tlv(tag::context(0), &[&write::seq(&[&entry])])
    };
    let seal = world.seal(Version::V4);
    for (critical, expected) in [
        (&[][..], &[][..]),
        (&[1, 1, 0], &[]),
        (&[1, 1, 0xff], &["stamp.critical-extension"]),
        (&[1, 1, 1], &["stamp.malformed"]),
    ] {
        let der = by_hand(&world, 4, &seal, &extension(critical));
        let checked = check_signature(&der, Protected::Bytes(DATA), &trust);
        assert_eq!(failures(&checked.report), expected);
        let explicit = checked
            .report
            .deviations()
            .contains(&Deviation::ExplicitDefault);
        assert_eq!(explicit, critical == [1, 1, 0]);
    }
    let mut draft = world.draft(Version::V4);
    draft.extensions = vec![Extension {
        id: "1.2.3".to_owned(),
        critical: true,
        value: Vec::new(),
    }];
    let seal = draft.sign(&world.maker).expect("a seal");
    let checked = check_seal(seal.der(), &trust);
    assert_eq!(failures(&checked.report), ["stamp.critical-extension"]);
    let der = by_hand(&world, 4, &seal, &[]);
    let checked = check_signature(&der, Protected::Bytes(DATA), &trust);
    assert_eq!(failures(&checked.report), ["stamp.critical-extension"]);
    // A bare SEQUENCE in place of [0] is read and told.
    let bare = write::seq(&[&write::seq(&[
        &[0x06, 0x03, 0x2a, 0x03, 0x04],
        &write::octets(b"x"),
    ])]);
    let der = by_hand(&world, 4, &world.seal(Version::V4), &bare);
    let checked = check_signature(&der, Protected::Bytes(DATA), &trust);
    assert_eq!(checked.report.verdict(), Verdict::Valid);
    assert_eq!(checked.report.deviations(), [Deviation::ExtensionTag]);
}

#[test]
fn raw_signature_values_are_told() {
    let world = World::new();
    let trust = world.trust(now());
    let good = world.sign(&world.seal(Version::V4));
    let mut raw = mifeng_crypto::signature_from_der(good.signature_value()).expect("DER");
    let inside = &good.der()[header_len(good.der())..];
    let tbs = &inside[..header_len(inside) + length(inside)];
    let der = around(&world, tbs, &raw);
    let checked = check_signature(&der, Protected::Bytes(DATA), &trust);
    assert_eq!(checked.report.verdict(), Verdict::Valid);
    assert_eq!(checked.report.deviations(), [Deviation::RawSignature]);
    raw[63] ^= 1;
    let der = around(&world, tbs, &raw);
    let checked = check_signature(&der, Protected::Bytes(DATA), &trust);
    assert_eq!(failures(&checked.report), ["stamp.bad-signature"]);
}

fn length(der: &[u8]) -> usize {
    match der[1] {
        0..=0x7f => usize::from(der[1]),
        count => (0..usize::from(count & 0x7f)).fold(0, |n, at| n << 8 | usize::from(der[2 + at])),
    }
}

#[test]
fn who_may_sign_and_when() {
    let world = World::new();
    let seal = world.seal(Version::V4);
    let draft = |at| SignatureDraft {
        seal: &seal,
        at,
        data_hash: HashAlg::Sm3.digest(DATA),
        property: "x",
        extensions: &[],
    };
    let code = |result: Result<SealSignature, Error>| result.map(drop).map_err(|e| e.code());
    assert_eq!(
        code(draft(signed()).sign(&world.other)),
        Err("stamp.not-listed")
    );
    for (at, expected) in [
        ("2026-01-31T23:59:59Z", Err("stamp.not-in-force")),
        ("2026-02-01T00:00:00Z", Ok(())),
        ("2026-12-01T00:00:00.9Z", Ok(())),
        ("2026-12-01T00:00:01Z", Err("stamp.not-in-force")),
    ] {
        assert_eq!(code(draft(time(at)).sign(&world.buyer)), expected, "{at}");
    }
    let report = check_before_signing(&seal, world.buyer.certificate(), &world.trust(signed()));
    assert_eq!(report.verdict(), Verdict::Valid);
    let report = check_before_signing(&seal, world.other.certificate(), &world.trust(signed()));
    assert_eq!(failures(&report), ["stamp.not-listed"]);
    let late = world.trust(time("2026-12-02T00:00:00Z"));
    let report = check_before_signing(&seal, world.buyer.certificate(), &late);
    assert_eq!(failures(&report), ["stamp.not-in-force"]);
    // An earlier instant than the signing, asked about.
    let before = world.trust(time("2026-05-01T00:00:00Z"));
    let der = world.sign(&seal);
    let checked = check_signature(der.der(), Protected::Bytes(DATA), &before);
    assert_eq!(failures(&checked.report), ["stamp.time-order"]);
}

#[test]
fn expiry_after_the_signing_is_noted() {
    let world = World::new();
    let signature = world.sign(&world.seal(Version::V4));
    let trust = world.trust(time("2030-01-01T00:00:00Z"));
    let checked = check_signature(signature.der(), Protected::Bytes(DATA), &trust);
    assert_eq!(checked.report.verdict(), Verdict::Valid);
    for step in [StepId::SignerCertificate, StepId::SealMaker] {
        let found = checked.report.outcome(step);
        assert!(matches!(found, Some(Outcome::Pass(Some(f))) if f.code == "pki.expired"));
    }
}

#[test]
fn unlisted_cas_and_unknown_revocation() {
    let world = World::new();
    let signature = world.sign(&world.seal(Version::V4));
    let nobody = mifeng_pki::Anchors::default();
    let mut trust = world.trust(now());
    trust.makers = &nobody;
    trust.signers = &nobody;
    let checked = check_signature(signature.der(), Protected::Bytes(DATA), &trust);
    assert_eq!(
        failures(&checked.report),
        ["pki.unlisted-ca", "pki.unlisted-ca"]
    );
    let mut trust = world.trust(now());
    trust.revocation = mifeng_pki::RevocationRule::IfKnown;
    let checked = check_signature(signature.der(), Protected::Bytes(DATA), &trust);
    assert_eq!(checked.report.verdict(), Verdict::Undetermined);
    trust.revocation = mifeng_pki::RevocationRule::Required;
    let checked = check_signature(signature.der(), Protected::Bytes(DATA), &trust);
    assert_eq!(checked.report.verdict(), Verdict::Invalid);
}

#[test]
fn drafts_are_checked() {
    let world = World::new();
    let code = |bend: &dyn Fn(&mut mifeng_stamp::SealDraft)| {
        let mut draft = world.draft(Version::V4);
        bend(&mut draft);
        draft.sign(&world.maker).map(drop).map_err(|e| e.code())
    };
    assert_eq!(code(&|_| {}), Ok(()));
    assert_eq!(code(&|d| d.version = Version::V1), Err("stamp.field"));
    assert_eq!(code(&|d| d.id = "编号".to_owned()), Err("stamp.field"));
    assert_eq!(code(&|d| d.name.clear()), Err("stamp.field"));
    assert_eq!(
        code(&|d| d.signers = Signers::Certificates(Vec::new())),
        Err("stamp.field")
    );
    assert_eq!(
        code(&|d| d.valid_until = time("2026-01-31T00:00:00Z")),
        Err("stamp.field")
    );
    assert_eq!(
        code(&|d| d.created = time("2025-12-31T00:00:00Z")),
        Err("stamp.field")
    );
    assert_eq!(
        code(&|d| d.picture.kind = "JPG".to_owned()),
        Err("stamp.picture")
    );
    assert_eq!(code(&|d| d.picture.data.push(0)), Err("stamp.picture"));
}

#[test]
fn pictures_are_looked_at() {
    let code = |data: &[u8]| {
        Picture::new(data.to_vec(), 40, 40)
            .map(|p| p.kind)
            .map_err(|e| e.code())
    };
    assert_eq!(code(&png()), Ok("PNG".to_owned()));
    let gif = b"GIF89a\x01\0\x01\0\x80\0\0\xff\0\0\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    assert_eq!(code(gif), Ok("GIF".to_owned()));
    assert!(
        Picture::new(gif.to_vec(), 1, 1)
            .and_then(|p| p.facts())
            .is_ok_and(|f| f.transparent)
    );
    let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\0\x10\0\x20\x01\x01\x11\0\xff\xd9";
    assert_eq!(code(jpeg), Ok("JPG".to_owned()));
    let facts = Picture::new(jpeg.to_vec(), 1, 1)
        .and_then(|p| p.facts())
        .expect("facts");
    assert_eq!(facts.pixels, Some((32, 16)));
    let mut bmp =
        b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec();
    bmp.resize(0x3a, 0);
    assert_eq!(code(&bmp), Ok("BMP".to_owned()));
    for bad in [
        &b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"x()\"/>"[..],
        b"%PDF-1.7",
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"\xff\xd8\xff\xd9",
        b"BM",
        b"PK\x03\x04",
    ] {
        assert!(code(bad).is_err(), "{bad:?}");
    }
    let mut huge = png();
    huge[16..20].copy_from_slice(&0x7fff_ffffu32.to_be_bytes());
    assert_eq!(code(&huge), Err("stamp.picture"));
    let size = |w, h| Picture::new(png(), w, h).map(drop).map_err(|e| e.code());
    assert_eq!(
        (size(0, 40), size(421, 40)),
        (Err("stamp.picture"), Err("stamp.picture"))
    );
}

#[test]
fn pictures_of_new_seals_are_still_plain_and_readable() {
    // 160 pixels for 40 mm, in colours with transparency.
    let mut good = png();
    for side in [16, 20] {
        good[side..side + 4].copy_from_slice(&160u32.to_be_bytes());
    }
    let why = |data: &[u8], side| match Picture::import(data.to_vec(), side, side) {
        Ok(_) => "taken".to_owned(),
        Err(e) => e.to_string(),
    };
    assert_eq!(why(&good, 40), "taken");
    // A part after the header, which is 33 bytes long with the signature.
    let with = |name: &[u8; 4], content: &[u8]| {
        let length = u32::try_from(content.len()).expect("short").to_be_bytes();
        let part = [&length[..], name, content, &[0; 4]].concat();
        [&good[..33], &part, &good[33..]].concat()
    };
    let opaque = [&good[..25], &[2], &good[26..]].concat();
    for (data, side, expected) in [
        (with(b"acTL", &[0; 8]), 40, "it is animated"),
        (with(b"tEXt", b"a\0<script>"), 40, "more than the image"),
        (opaque, 40, "not transparent"),
        (
            b"\xff\xd8\xff\xc0\0\x0b\x08\0\x10\0\x20\x01\x01\x11\0\xff\xd9".to_vec(),
            40,
            "PNG or GIF",
        ),
        (good.clone(), 41, "fewer than 4 pixels"),
        (good.clone(), 9, "10 to 60 mm"),
        (good.clone(), 61, "10 to 60 mm"),
    ] {
        let why = why(&data, side);
        assert!(why.contains(expected), "{expected}: {why}");
    }
}

#[test]
fn keys_elsewhere_sign_in_two_steps() {
    let world = World::new();
    let draft = world.draft(Version::V4);
    let maker = world.maker.certificate().clone();
    let octets = two_step::message(&maker, &[], |s| draft.sign(s)).expect("octets");
    let value = world.maker.sign(&octets).expect("signed");
    let made = two_step::Made::new(maker, Vec::new(), value);
    let seal = draft.sign(&made).expect("a seal");
    assert_eq!(
        check_seal(seal.der(), &world.trust(now())).report.verdict(),
        Verdict::Valid
    );
}

#[test]
fn makers_out_of_date() {
    let mut world = World::new();
    let short = validity("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z");
    let profile = mifeng_pki::issue::Profile::BidderSign;
    let maker = common::issue(
        &world.root,
        &mut world.entropy,
        "旧制章",
        profile,
        (short, 9),
    );
    for (version, expected) in [(Version::V4, &["pki.expired"][..]), (Version::V5, &[])] {
        let seal = world.draft(version).sign(&maker).expect("a seal");
        let checked = check_seal(seal.der(), &world.trust(now()));
        assert_eq!(failures(&checked.report), expected);
    }
}

#[test]
fn claims_are_read() {
    let world = World::new();
    let signature = world.sign(&world.seal(Version::V4));
    assert_eq!(signature.time(), &SignedTime::Claimed(signed()));
    assert_eq!(signature.property(), "/Doc_0/Signs/Sign_0/Signature.xml");
    assert_eq!(signature.data_hash(), &HashAlg::Sm3.digest(DATA));
    assert_eq!(signature.signer_der(), world.buyer.certificate().der());
    assert_eq!(
        SealSignature::parse(signature.der()).as_ref(),
        Ok(&signature)
    );
}

/// Who has a revoked maker's key can date a seal and its use as early as it likes.
#[test]
fn makers_revoked_later() {
    let world = World::new();
    let revoked = mifeng_pki::issue::Revocation {
        serial: vec![2],
        revoked: time("2026-06-15T00:00:00Z"),
        reason: 1,
        invalid_since: None,
    };
    let (from, until) = (time("2026-06-20T00:00:00Z"), time("2030-01-01T00:00:00Z"));
    let list = world.root.revocation_list(&[revoked], from, until, 1);
    let list = mifeng_pki::RevocationList::parse(&list.expect("a list")).expect("read");
    let crls = [list];
    let material = mifeng_pki::Material {
        crls: &crls,
        ..Default::default()
    };
    let trust = mifeng_stamp::Trust::new(&world.anchors, material, now());
    let check = |der: &[u8]| check_signature(der, Protected::Bytes(DATA), &trust);
    for version in [Version::V4, Version::V5] {
        let plain = world.sign(&world.seal(version));
        let found = check(plain.der());
        assert_eq!(found.report.verdict(), Verdict::Undetermined, "{found:?}");
        let step = found.report.outcome(StepId::SealMaker);
        assert!(matches!(step, Some(Outcome::Unknown(f)) if f.code == "stamp.time-unproven"));
        // A time stamp before the revocation shows that the seal was there.
        let token = world.stamp(plain.signature_value(), time("2026-06-01T08:00:01Z"));
        let stamped = plain.with_time_stamp(&token).expect("stamped");
        let found = check(stamped.der());
        assert_eq!(found.report.verdict(), Verdict::Valid, "{found:?}");
        // One after it does not.
        let token = world.stamp(plain.signature_value(), time("2026-06-16T00:00:00Z"));
        let late = plain.with_time_stamp(&token).expect("stamped");
        assert_ne!(check(late.der()).report.verdict(), Verdict::Valid);
    }
    // A seal by itself, asked about now.
    let seal = check_seal(world.seal(Version::V4).der(), &trust).report;
    assert_eq!(seal.failures(), ["pki.revoked"]);
}
