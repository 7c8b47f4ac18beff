//! An opening record that says other prices than were opened, in a log that its host signs.

use super::forge::Forge;
use crate::world::{Cast, Parts};
use mifeng::crypto::jcs;

/// The same bundle, as if the agency had signed, and the host had logged, another price in the first row of the opening
/// record. The tender is closed with a cosigned head and not archived.
///
/// # Panics
/// If there is no opening record after a cosigned head.
pub fn misread(cast: &Cast, bundle: &[u8]) -> Vec<u8> {
    let mut forge = Forge::new(cast, Parts::of_tar(bundle).parts);
    forge.closed = false;
    let at = forge.tail_of("opening.minutes");
    let body = serde_json::from_slice(&forge.tail[at].body);
    let mut body: serde_json::Value = body.expect("a record");
    body["data"]["rows"][0]["price"] = "1.00".into();
    forge.resign(at, &jcs::to_vec(&body).expect("canonical"));
    forge.dossier()
}
