//! Writes `test-vectors/pdf`: `cargo run -p mifeng-stamp --example make_pdf_vectors`.
//!
//! Signed documents, and the published classes of attack on them, each with the first finding that
//! is expected. Everything is made from fixed seeds, so running it again changes nothing.

mod attacks;
mod base;
mod good;
mod structure;
mod world;

use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;

pub(crate) type Made<T> = Result<T, Box<dyn Error>>;

/// When the vectors are looked at.
pub(crate) const AT: &str = "2026-07-01T00:00:00Z";
/// When they are signed.
pub(crate) const SIGNED: &str = "2026-06-01T08:00:00Z";

fn main() -> Made<()> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../test-vectors/pdf");
    std::fs::create_dir_all(root)?;
    for (name, bytes) in vectors()? {
        std::fs::write(Path::new(root).join(name), bytes)?;
    }
    Ok(())
}

/// Every file with its name.
pub(crate) fn vectors() -> Made<Vec<(String, Vec<u8>)>> {
    let world = world::World::new()?;
    let mut set = Set::default();
    set.file("roots.pem", world.roots());
    set.file("sm2.crl", world.list(&world.sm2)?);
    set.file("p256.crl", world.list(&world.p256)?);
    good::all(&world, &mut set)?;
    attacks::all(&world, &mut set)?;
    structure::all(&world, &mut set)?;
    let manifest = json!({
        "trust_anchor": "roots.pem", "intermediates": [], "crls": ["sm2.crl", "p256.crl"],
        "cases": set.cases,
    });
    let text = format!("{}\n", serde_json::to_string_pretty(&manifest)?);
    set.file("manifest.json", text.into_bytes());
    Ok(set.files)
}

#[derive(Default)]
pub(crate) struct Set {
    files: Vec<(String, Vec<u8>)>,
    cases: Vec<Value>,
}

impl Set {
    fn file(&mut self, name: &str, bytes: Vec<u8>) {
        self.files.push((name.to_owned(), bytes));
    }

    /// A case with its verdict and first failing code; for a good one both are "valid".
    pub(crate) fn case(&mut self, name: &str, bytes: Vec<u8>, expect: (&str, &str), note: &str) {
        let name = format!("{name}.pdf");
        self.cases.push(json!({
            "file": name, "kind": "pdf", "at": AT,
            "verdict": expect.0, "expect": expect.1, "note": note,
        }));
        self.file(&name, bytes);
    }

    pub(crate) fn good(&mut self, name: &str, bytes: Vec<u8>, note: &str) {
        self.case(name, bytes, ("valid", "valid"), note);
    }

    pub(crate) fn bad(&mut self, name: &str, bytes: Vec<u8>, code: &str, note: &str) {
        self.case(name, bytes, ("invalid", code), note);
    }

    pub(crate) fn open(&mut self, name: &str, bytes: Vec<u8>, code: &str, note: &str) {
        self.case(name, bytes, ("not-covered", code), note);
    }
}
