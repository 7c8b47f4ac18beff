//! Records that a register must refuse, one fault each.

use super::vectors::named;
use super::{
    By, DAY, LETTER, NEXT_KEEPER, NEXT_MAKER, NEXT_UNIT, REVOKED_DAY, Refused, Story, entry_of,
    png, png_of,
};
use crate::world::secs;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng::crypto::Digest;
use mifeng::pki::Signer as _;
use mifeng::record::SignedRecord;
use mifeng::seals::{Apply, Approve, Config, Decline, Make, Reason, Revoke};
use mifeng::stamp::SealKind;
use serde::Serialize;

/// A record of somebody, not numbered and not dated yet.
struct Case {
    name: &'static str,
    code: &'static str,
    by: By,
    kind: &'static str,
    data: serde_json::Value,
    at: i64,
}

/// The day on which the refused records are made.
pub(super) const THEN: i64 = 40 * DAY;

fn case<T: Serialize>(
    (name, code): (&'static str, &'static str),
    by: By,
    kind: &'static str,
    data: &T,
) -> Case {
    Case {
        name,
        code,
        by,
        kind,
        data: serde_json::to_value(data).expect("plain data"),
        at: THEN,
    }
}

fn bent(apply: &Apply, change: impl FnOnce(&mut Apply)) -> Apply {
    let mut apply = apply.clone();
    change(&mut apply);
    apply
}

fn with_picture(apply: &Apply, picture: &[u8]) -> Apply {
    bent(apply, |a| a.picture.file = BASE64_STANDARD.encode(picture))
}

/// Two frames of one pixel.
const MOVING_GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00\
    \x21\xf9\x04\x01\x0a\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\
    \x21\xf9\x04\x01\x0a\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

fn applications(story: &Story) -> Vec<Case> {
    let good = story.world.application("新章", 300);
    let apply = |name, code, data: &Apply| case((name, code), By::Unit, "seal.apply", data);
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let text = png(&[(b"tEXt", b"Comment\0<script>alert(1)</script>")]);
    let moving = png(&[(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0])]);
    let mut tail = png(&[]);
    tail.extend(b"<html>");
    let stranger = story.world.stranger().signer.certificate();
    let other_code = stranger.uscc().expect("a code");
    vec![
        apply(
            "apply-code-of-another",
            "registry.credit-code",
            &bent(&good, |a| {
                a.form.unit.uscc = other_code;
            }),
        ),
        apply(
            "apply-bad-code",
            "registry.credit-code",
            &bent(&good, |a| {
                a.form.unit.uscc = "91371000700079194".to_owned();
            }),
        ),
        apply(
            "apply-no-unit-name",
            "registry.malformed",
            &bent(&good, |a| {
                a.form.unit.name = String::new();
            }),
        ),
        apply(
            "apply-no-such-region",
            "registry.malformed",
            &bent(&good, |a| {
                a.form.unit.region = "991323".to_owned();
            }),
        ),
        apply(
            "apply-no-such-day",
            "registry.malformed",
            &bent(&good, |a| {
                a.form.unit.founded = "2015-02-30".to_owned();
            }),
        ),
        apply(
            "apply-no-phone",
            "registry.malformed",
            &bent(&good, |a| {
                a.form.keeper.phone = "none".to_owned();
            }),
        ),
        apply(
            "apply-unknown-kind",
            "registry.malformed",
            &bent(&good, |a| a.kind = 7),
        ),
        apply(
            "apply-no-signer",
            "registry.malformed",
            &bent(&good, |a| a.signers.clear()),
        ),
        apply(
            "apply-dual-without-keeper",
            "registry.malformed",
            &bent(&good, |a| {
                a.dual = true;
                a.form.keeper.cert = None;
            }),
        ),
        apply("apply-svg", "stamp.picture", &with_picture(&good, svg)),
        apply(
            "apply-moving-gif",
            "stamp.picture",
            &with_picture(&good, MOVING_GIF),
        ),
        apply(
            "apply-moving-png",
            "stamp.picture",
            &with_picture(&good, &moving),
        ),
        apply(
            "apply-opaque",
            "stamp.picture",
            &with_picture(&good, &png_of(&[], false)),
        ),
        apply(
            "apply-text-inside",
            "stamp.picture",
            &with_picture(&good, &text),
        ),
        apply(
            "apply-picture-tail",
            "stamp.picture",
            &with_picture(&good, &tail),
        ),
        apply(
            "apply-huge-seal",
            "stamp.picture",
            &bent(&good, |a| a.picture.width_mm = 61),
        ),
        apply(
            "apply-coarse",
            "stamp.picture",
            &bent(&good, |a| a.picture.width_mm = 41),
        ),
        apply(
            "apply-extends-revoked",
            "registry.revoked",
            &bent(&good, |a| {
                a.extends = Some(digest(&story.first));
            }),
        ),
        apply(
            "apply-extends-unknown",
            "registry.unknown",
            &bent(&good, |a| {
                a.extends = Some(Digest::default());
            }),
        ),
        case(
            ("apply-extends-another-units", "registry.not-authorised"),
            By::Stranger,
            "seal.apply",
            &bent(&good, |a| {
                a.extends = Some(digest(&story.edition));
                a.form.unit.uscc = stranger.uscc().expect("a code");
            }),
        ),
    ]
}

fn digest(seal: &mifeng::stamp::Seal) -> Digest {
    mifeng::crypto::HashAlg::Sm3.digest(seal.der())
}

fn makings(story: &Story) -> Vec<Case> {
    let asked = story.world.application("投标人0有限公司财务专用章", 300);
    let made = |seal| Make::new(story.waiting, &seal);
    let make = |name, code, change: &dyn Fn(&mut Apply)| {
        let seal = story
            .world
            .seal(By::Maker, &bent(&asked, change), "3713230003", THEN - 60);
        case((name, code), By::Maker, "seal.make", &made(seal))
    };
    let fair = story.world.seal(By::Maker, &asked, "3713230003", THEN - 60);
    let taken = story
        .world
        .seal(By::Maker, &asked, story.first.id(), THEN - 60);
    let others = story
        .world
        .seal(By::Stranger, &asked, "3713230003", THEN - 60);
    let early = story.world.seal(By::Maker, &asked, "3713230003", 30 * DAY);
    let ahead = story
        .world
        .seal(By::Maker, &asked, "3713230003", THEN + DAY);
    vec![
        make("make-other-name", "registry.differs", &|a| {
            a.name = "别的名称".to_owned()
        }),
        make("make-other-kind", "registry.differs", &|a| {
            a.kind = SealKind::FINANCE.0
        }),
        make("make-longer", "registry.differs", &|a| {
            a.until = secs(301 * DAY)
        }),
        make("make-other-size", "registry.differs", &|a| {
            a.picture.width_mm = 38
        }),
        make("make-other-signer", "registry.differs", &|a| {
            let other = story.world.stranger().signer.certificate();
            a.signers = vec![BASE64_STANDARD.encode(other.der())];
        }),
        case(
            ("make-by-another-maker", "registry.differs"),
            By::Maker,
            "seal.make",
            &made(others),
        ),
        case(
            ("make-before-applied", "registry.differs"),
            By::Maker,
            "seal.make",
            &made(early),
        ),
        case(
            ("make-ahead", "registry.differs"),
            By::Maker,
            "seal.make",
            &made(ahead),
        ),
        case(
            ("make-number-taken", "registry.duplicate"),
            By::Maker,
            "seal.make",
            &made(taken),
        ),
        case(
            ("make-by-unit", "registry.not-authorised"),
            By::Unit,
            "seal.make",
            &made(fair.clone()),
        ),
        case(
            ("make-twice", "registry.duplicate"),
            By::Maker,
            "seal.make",
            &Make::new(story.applied, &fair),
        ),
        case(
            ("make-declined", "registry.duplicate"),
            By::Maker,
            "seal.make",
            &Make::new(story.declined, &fair),
        ),
        case(
            ("make-nothing-asked", "registry.unknown"),
            By::Maker,
            "seal.make",
            &Make::new(Digest::default(), &fair),
        ),
        case(
            ("decline-by-unit", "registry.not-authorised"),
            By::Unit,
            "seal.decline",
            &Decline {
                application: story.waiting,
                reason: "no".to_owned(),
            },
        ),
    ]
}

fn uses(story: &Story) -> Vec<Case> {
    let fair = entry_of(&story.edition, LETTER, "李四");
    let using = |name, code, change: &dyn Fn(&mut mifeng::seals::Use)| {
        let mut data = fair.clone();
        change(&mut data);
        case((name, code), By::Unit, "seal.use", &data)
    };
    let ended = Case {
        at: 61 * DAY,
        ..case(
            ("use-after-end", "stamp.not-in-force"),
            By::Unit,
            "seal.use",
            &entry_of(&story.second, LETTER, "李四"),
        )
    };
    vec![
        using("use-no-reason", "registry.no-reason", &|u| {
            u.reason = " ".to_owned()
        }),
        using("use-nobody", "registry.no-reason", &|u| {
            u.person = String::new()
        }),
        using("use-no-title", "registry.no-reason", &|u| {
            u.title = String::new()
        }),
        using("use-unknown-seal", "registry.unknown", &|u| {
            u.seal = Digest::default()
        }),
        using("use-revoked", "registry.revoked", &|u| {
            u.seal = digest(&story.first)
        }),
        ended,
        case(
            ("use-not-listed", "registry.not-authorised"),
            By::Stranger,
            "seal.use",
            &fair,
        ),
    ]
}

fn ends(story: &Story) -> Vec<Case> {
    let approve = |using| Approve { using };
    let revoke = |number: &str, from| Revoke {
        from: secs(from),
        note: String::new(),
        number: number.to_owned(),
        reason: Reason::Replaced,
    };
    let second = story.second.id();
    let config = Config {
        suite: "gm-1".to_owned(),
        key: String::new(),
        key_sm3: Some(String::new()),
    };
    let by_unit = ("approve-by-who-asked", "registry.not-authorised");
    vec![
        case(by_unit, By::Unit, "seal.approve", &approve(story.asked)),
        case(
            ("approve-nothing", "registry.unknown"),
            By::Keeper,
            "seal.approve",
            &approve(Digest::default()),
        ),
        case(
            ("revoke-by-stranger", "registry.not-authorised"),
            By::Stranger,
            "seal.revoke",
            &revoke(second, THEN),
        ),
        case(
            ("revoke-unknown", "registry.unknown"),
            By::Maker,
            "seal.revoke",
            &revoke("37139999", THEN),
        ),
        case(
            ("revoke-later-again", "registry.revoked"),
            By::Unit,
            "seal.revoke",
            &revoke(story.first.id(), (REVOKED_DAY + 1) * DAY),
        ),
        case(
            ("config-again", "registry.config"),
            By::Maker,
            "log.config",
            &config,
        ),
        case(
            ("unknown-type", "registry.malformed"),
            By::Maker,
            "seal.burn",
            &serde_json::json!({}),
        ),
        case(
            ("unknown-member", "record.malformed"),
            By::Keeper,
            "seal.approve",
            &serde_json::json!({"using": story.asked, "twice": true}),
        ),
        Case {
            at: 20 * DAY,
            ..case(
                ("backdated", "registry.backdated"),
                By::Keeper,
                "seal.approve",
                &approve(story.asked),
            )
        },
    ]
}

fn next(by: By) -> u64 {
    match by {
        By::Maker => NEXT_MAKER,
        By::Unit => NEXT_UNIT,
        By::Keeper => NEXT_KEEPER,
        By::Stranger => 0,
    }
}

pub(super) fn refused(story: &mut Story) -> Vec<(Refused, SignedRecord)> {
    let mut cases = applications(story);
    cases.extend(makings(story));
    cases.extend(uses(story));
    cases.extend(ends(story));
    let mut out = Vec::new();
    for case in cases {
        let entry = (case.kind, &case.data);
        let record = story.world.record(case.by, entry, next(case.by), case.at);
        out.push((named(case.name, case.code), record));
    }
    let approve = Approve { using: story.asked };
    let again = story
        .world
        .record(By::Keeper, ("seal.approve", &approve), 0, THEN);
    out.push((named("replayed", "registry.replay"), again));
    let entry = ("seal.approve", &approve);
    let elsewhere = story
        .world
        .record_of("other.example/register", By::Keeper, entry, 1, THEN);
    out.push((named("other-log", "registry.origin"), elsewhere));
    out
}
