//! Ten thousand signed records of a hundred people, verified on every core, beside their bare
//! signature checks on as many cores, and beside `openssl cms -verify` where there is one.

use benches::{Table, Unit, done, good};
use mifeng_crypto::{
    GM, HashAlg, INTL, KeyAlg, PrivateKey, PublicKey, SeededEntropy, SignatureAlg, Suite, Time,
};
use mifeng_pki::cms::{self, Item, Verifier};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::{Anchors, Certificate, Material, Policy, Purpose, Signer as _, SoftwareSigner};
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn main() {
    let mut table = Table::new("records");
    for suite in [&GM, &INTL] {
        let (signers, records) = (table.size(100, 3), table.size(10_000, 30));
        run(&mut table, suite, signers, records);
    }
    table.print();
}

struct World {
    anchors: Anchors,
    root: Certificate,
    sub: Certificate,
    people: Vec<SoftwareSigner>,
}

fn start() -> Time {
    Time::from_unix_seconds(1_800_000_000)
}

fn world(suite: &'static Suite, count: usize) -> World {
    let mut entropy = SeededEntropy::new(b"records");
    let alg = match suite.hash() {
        HashAlg::Sm3 => KeyAlg::Sm2,
        HashAlg::Sha256 => KeyAlg::P256,
    };
    let mut key = || PrivateKey::generate(alg, &mut entropy).expect("a key");
    let validity = Validity {
        not_before: start(),
        not_after: start().plus_millis(400 * 86_400_000),
    };
    let subject = Subject::named("Root");
    let root = CertificateAuthority::new_root(key(), &subject, validity, &[1]).expect("a root");
    let sub_key = key();
    let public = sub_key.public_key().expect("public");
    let subject = Subject::named("CA");
    let sub = root.issue_ca(&subject, &public, Some(0), validity, &[2]);
    let sub = CertificateAuthority::from_parts(sub_key, sub.expect("a CA")).expect("a pair");
    let person = |n: usize| {
        let own = key();
        let public = own.public_key().expect("public");
        let subject = Subject::named(&format!("投标人 {n}"));
        let serial = [1, (n >> 8) as u8, n as u8];
        let leaf = sub.issue(&subject, &public, Profile::BidderSign, validity, &serial);
        let chain = vec![sub.certificate().clone()];
        SoftwareSigner::new(own, leaf.expect("a leaf"), chain).expect("a pair")
    };
    World {
        anchors: Anchors::new(vec![root.certificate().clone()]),
        people: (0..count).map(person).collect(),
        root: root.certificate().clone(),
        sub: sub.certificate().clone(),
    }
}

/// What a signature check needs and nothing else.
struct Bare<'a> {
    key: &'a PublicKey,
    alg: SignatureAlg,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

fn run(table: &mut Table, suite: &'static Suite, signers: usize, records: usize) {
    let world = world(suite, signers);
    let form = || cms::Profile::of(suite);
    let mut made = Vec::new();
    let mut bare = Vec::new();
    for n in 0..records {
        let person = &world.people[n % signers];
        let content = format!("{{\"seq\":{n},\"bidder\":\"投标人\",\"price\":\"980000.00\"}}");
        let content = content.repeat(8).into_bytes();
        let at = start().plus_millis(n as i64 * 1_000);
        let place = cms::Place::Detached;
        let draft = cms::Draft::new(person, &content, place, at, form()).expect("a draft");
        let signed = draft.to_sign().to_vec();
        let signature = person.sign(&signed).expect("signs");
        bare.push(Bare {
            key: person.certificate().public_key(),
            alg: draft.algorithm(),
            signed,
            signature: signature.clone(),
        });
        made.push((draft.complete(&signature).expect("a message"), content, at));
    }
    let items: Vec<Item<'_>> = made
        .iter()
        .map(|(message, content, at)| Item {
            message,
            content,
            at: *at,
        })
        .collect();
    let policy = Policy::new(Purpose::Signing, suite);
    let verifier = Verifier {
        anchors: &world.anchors,
        material: Material::default(),
        policy: &policy,
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let ours = || {
        for verified in verifier.verify_all(&items, None) {
            good(verified);
        }
    };
    table.job(
        &format!(
            "{} {records} records of {signers} signers, {cores} threads",
            suite.id()
        ),
        Unit::Each(records),
        &mut { ours },
        &mut [
            ("bare signature checks, as many threads", &mut || {
                checks(&bare, cores);
            }),
            ("one by one, without memory", &mut || {
                items.iter().for_each(|item| good(verifier.verify(item)));
            }),
        ],
    );
    if suite.hash() == HashAlg::Sha256
        && let Some(peer) = OpenSsl::new(&world, &made[0].0, &made[0].1)
    {
        table.job(
            "intl-1 one record of the same",
            Unit::Time,
            &mut || done(verifier.verify_all(&items[..1], None)),
            &mut [("`openssl cms -verify`, its start included", &mut || {
                peer.verify();
            })],
        );
    }
}

fn checks(bare: &[Bare<'_>], threads: usize) {
    let each = bare.len().div_ceil(threads);
    std::thread::scope(|scope| {
        for part in bare.chunks(each) {
            scope.spawn(move || {
                for one in part {
                    good(one.key.verify(one.alg, &one.signed, &one.signature));
                }
            });
        }
    });
}

/// `openssl cms -verify` over one message in files.
struct OpenSsl(PathBuf);

impl OpenSsl {
    fn new(world: &World, message: &[u8], content: &[u8]) -> Option<Self> {
        let found = Command::new("openssl").arg("version").output().ok()?;
        let folder = std::env::temp_dir().join(format!("mifeng-records-{}", std::process::id()));
        std::fs::create_dir_all(&folder).ok()?;
        let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).ok();
        let pem = |c: &Certificate| mifeng_pki::pem::encode("CERTIFICATE", c.der());
        put("message", message)?;
        put("content", content)?;
        put("root.pem", (pem(&world.root) + &pem(&world.sub)).as_bytes())?;
        found.status.success().then_some(OpenSsl(folder))
    }

    fn verify(&self) {
        let line = "cms -verify -binary -inform DER -in message -content content -out out \
                    -CAfile root.pem -purpose any -no_check_time";
        let status = Command::new("openssl")
            .args(line.split_whitespace())
            .current_dir(&self.0)
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("openssl runs").success());
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
