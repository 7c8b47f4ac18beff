//! Verifies a dossier offline: `cargo run --release -- demo --keep out`, then
//! `cargo run --release -p mifeng --example quickstart`.

use mifeng::{Error, Tar, Trusted, verify};

fn main() -> Result<(), Error> {
    let dossier = Tar::open("out/dossier.tar".as_ref())?;
    let report = verify(&dossier, &Trusted::default())?;
    for check in &report.checks {
        println!("{:<4} {:?}: {}", check.id, check.verdict, check.saw_en);
    }
    println!("valid: {}", report.is_valid());
    Ok(())
}
