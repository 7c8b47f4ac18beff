//! Signed messages and certificate paths beside the bare signatures inside.

use benches::world::{People, now};
use benches::{Table, Unit, bytes, good};
use mifeng_crypto::{GM, INTL, Suite};
use mifeng_pki::{Anchors, Certificate, Purpose, cms, verify_path};

fn main() {
    let mut table = Table::new("pki");
    for suite in [&GM, &INTL] {
        run(&mut table, suite);
    }
    table.print();
}

fn run(table: &mut Table, suite: &'static Suite) {
    let people = People::new(suite);
    let (id, content) = (suite.id(), bytes(4096));
    let profile = || cms::Profile::of(suite);
    let sign = || cms::sign_detached(&people.signer, &content, now(), profile());
    let message = sign().expect("signs");
    let key = people.key();
    let public = key.public_key().expect("public");
    let (alg, signature) = (key.signature_alg(), key.sign(&content).expect("signs"));
    let mut bare = || good(public.verify(alg, &content, &signature));
    table.job(
        &format!("{id} CMS sign, 4 KiB"),
        Unit::Time,
        &mut || good(sign()),
        &mut [("bare signature", &mut || good(key.sign(&content)))],
    );
    table.job(
        &format!("{id} CMS verify, 4 KiB"),
        Unit::Time,
        &mut || good(cms::verify_detached(&message, &content, suite)),
        &mut [("bare signature check", &mut bare)],
    );
    let der = people.cert.der().to_vec();
    table.job(
        &format!("{id} certificate parse"),
        Unit::Time,
        &mut || good(Certificate::parse(&der)),
        &mut [("bare signature check", &mut bare)],
    );
    let anchors = Anchors::new(vec![people.root.clone()]);
    let between = [people.sub.clone()];
    table.job(
        &format!("{id} path: bidder, CA, root"),
        Unit::Time,
        &mut || {
            let purpose = Purpose::Signing;
            let path = verify_path(&people.cert, &between, &anchors, &[], now(), purpose, suite);
            good(path);
        },
        &mut [("2 bare signature checks", &mut || {
            bare();
            bare();
        })],
    );
}
