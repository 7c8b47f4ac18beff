//! Documents that hold.

use super::base;
use super::world::{How, PADES, World};
use super::{Made, Set};
use mifeng_pki::{RevocationList, Signer as _};
use mifeng_stamp::pdf::{Format, Level, Validation, add_validation};

pub(crate) fn all(world: &World, set: &mut Set) -> Made<()> {
    let plain = base::file(&base::letter("Price: 1 000 000"));
    let how = |format, stamped| How {
        format,
        stamped,
        ..PADES
    };
    let basic = world.letter(PADES)?;
    set.good(
        "pades-b",
        basic.clone(),
        "PAdES B-B, P-256, with a visible seal",
    );
    let stamped = world.letter(how(Format::Pades, true))?;
    set.good("pades-t", stamped.clone(), "PAdES B-T");
    let long = add_validation(&stamped, &material(world)?)?;
    set.good(
        "pades-lt",
        long.clone(),
        "with certificates and revocation lists (DSS)",
    );
    let archive = How {
        format: Format::TimeStamp,
        shown: false,
        ..PADES
    };
    let lta = world.sign(&long, &world.supplier, archive)?;
    set.good("pades-lta", lta, "and a time stamp of the document");
    let invisible = How {
        shown: false,
        ..PADES
    };
    set.good(
        "pades-invisible",
        world.letter(invisible)?,
        "no seal is shown",
    );
    let sm2 = world.sign(&plain, &world.buyer, how(Format::Message, false))?;
    set.good("sm2-message", sm2, "SM2 in a message");
    let sm2 = world.sign(&plain, &world.buyer, how(Format::Message, true))?;
    set.good("sm2-message-t", sm2, "SM2 in a message, with a time stamp");
    let seal = world.sign(&plain, &world.buyer, how(Format::Seal, false))?;
    set.good("seal", seal, "a seal signature of GB/T 38540");
    let seal = world.sign(&plain, &world.buyer, how(Format::Seal, true))?;
    set.good("seal-t", seal, "a seal signature with a time stamp");
    let two = world.sign(&basic, &world.buyer, how(Format::Seal, true))?;
    set.good(
        "two-signers",
        two,
        "P-256 and SM2 under two CAs, one after the other",
    );
    let packed = base::packed(&base::letter("Price: 1 000 000"));
    let packed = world.sign(&packed, &world.supplier, PADES)?;
    set.good(
        "packed",
        packed.clone(),
        "object and cross-reference streams",
    );
    let packed = world.sign(&packed, &world.buyer, how(Format::Message, false))?;
    set.good("packed-twice", packed, "and signed again");
    let certified = |level| How {
        certify: Some(level),
        ..PADES
    };
    let closed = world.letter(certified(Level::NoChanges))?;
    set.good(
        "certified-1",
        closed.clone(),
        "certified, no changes permitted",
    );
    let closed = add_validation(&closed, &material(world)?)?;
    set.good(
        "certified-1-dss",
        closed,
        "validation material is no change",
    );
    let forms = world.letter(certified(Level::Forms))?;
    let filled = super::attacks::filled(&forms);
    set.good(
        "certified-2-filled",
        filled,
        "a form filled in, as the certification permits",
    );
    let unseen = How {
        shown: false,
        ..how(Format::Seal, false)
    };
    let signed = world.sign(&forms, &world.buyer, unseen)?;
    let note = "certified, then signed by another without a picture";
    set.good("certified-2-signed", signed, note);
    let seen = world.sealed_late(&forms)?;
    let note = "sneaky signature: its picture lies over what was certified";
    set.bad("certified-2-sealed", seen, "pdf.seal-added", note);
    let unlisted = world.sign(&plain, &world.stranger, PADES)?;
    set.bad(
        "stranger",
        unlisted,
        "pki.unlisted-ca",
        "signed under a CA that nobody trusts",
    );
    set.case("unsigned", plain, ("unsigned", "unsigned"), "no signature");
    Ok(())
}

pub(crate) fn material(world: &World) -> Made<Validation> {
    Ok(Validation {
        certificates: vec![
            world.supplier.certificate().clone(),
            world.p256.certificate().clone(),
        ],
        crls: vec![RevocationList::parse(&world.list(&world.p256)?)?],
        ocsp: Vec::new(),
    })
}
