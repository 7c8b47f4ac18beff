#![no_main]
//! Registers of seals: any bytes as a register file, never a panic, never one that is trusted; any text as
//! the data of a record, whose form is checked without a panic.
use libfuzzer_sys::fuzz_target;
use mifeng::Tar;
use mifeng::pki::{Anchors, Material, RevocationRule};
use mifeng::registry::Register;
use mifeng::seals::{Apply, Make, Revoke, Trust, Use};

fuzz_target!(|data: &[u8]| {
    let nobody = Anchors::default();
    let trust = Trust {
        makers: &nobody,
        people: None,
        material: Material::default(),
        revocation: RevocationRule::IfKnown,
    };
    if let Ok(tar) = Tar::of_bytes(data.to_vec()) {
        assert!(Register::read(&tar, &trust).is_err());
    }
    if let Ok(apply) = serde_json::from_slice::<Apply>(data) {
        let _ = apply.form.check(None);
        let _ = apply.certificates();
        let _ = apply.picture.import();
    }
    let _ = serde_json::from_slice::<Make>(data);
    let _ = serde_json::from_slice::<Use>(data);
    let _ = serde_json::from_slice::<Revoke>(data);
});
