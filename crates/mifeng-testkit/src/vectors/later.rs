//! Kinds that this version does not read, each with what it is.

use super::Plan;
use super::case::Input;

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let name = input.name();
    let skip = |reason| Some(Plan::Skip(reason));
    if input.has_folder("evidence-record") || input.has_folder("rfc4998-ers") {
        return skip("evidence records (RFC 4998) are not built");
    }
    if input.has_folder("ofd-ses") {
        return skip("a key, certificate or picture beside the seals");
    }
    if !input.has_folder("gm") {
        return None;
    }
    if name == "gmssl-msg.bin" || name == "gmssl-encrypted-pkcs8.pub.pem" {
        return skip("read with the file beside it");
    }
    None
}
