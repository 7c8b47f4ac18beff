//! Any bytes as the record of a panel or a VRF proof: refused, or one text that recomputes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{Curve, Point};
use mifeng_lock::panel::PanelRecord;
use mifeng_lock::vrf;

fuzz_target!(|data: &[u8]| {
    let generator = Point::generator(Curve::P256);
    let _ = vrf::verify(&generator, b"fuzz", data);
    let Ok(record) = PanelRecord::parse(data) else { return };
    assert_eq!(record.to_jcs().expect("serialises"), data);
    let _ = record.check();
});
