//! A register of seals of the made world: a maker, a unit with its keeper, seals that are applied for,
//! made, used, extended and revoked.

mod refused;
mod vectors;

pub use vectors::{Broken, Document, Manifest, Refused, write_vectors};

use crate::world::{Cast, Memory, Person, keys, secs};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng::crypto::{Digest, Entropy as _, GM, HashAlg, SeededEntropy, Time};
use mifeng::pki::{
    Anchors, Certificate, Material, RevocationList, RevocationRule, Signer as _, tsp,
};
use mifeng::record::{Draft, Facts, SignedRecord};
use mifeng::registry::Registry;
use mifeng::seals;
use mifeng::seals::{
    Apply, Approve, Decline, Form, KeyChoice, Make, PictureFile, Reason, Revoke, Trust, Unit, Use,
};
use mifeng::stamp::{
    Picture, Seal, SealDraft, SealKind, SealSignature, SignatureDraft, Signers, Version,
};
use serde::Serialize;

/// The log's name.
pub const ORIGIN: &str = "seals.example/register";
/// A day.
pub const DAY: i64 = 86_400;

/// Everybody who has to do with the register.
pub struct World {
    /// The maker is the platform, the unit bidder 0, its keeper the agency, a stranger bidder 1.
    pub cast: Cast,
    /// The roots that are trusted.
    pub anchors: Anchors,
    /// Empty lists of the root and the CA.
    pub crls: Vec<RevocationList>,
    /// Those lists in DER.
    pub crls_der: Vec<Vec<u8>>,
    salts: SeededEntropy,
}

impl World {
    /// The same world every time.
    ///
    /// # Panics
    /// If a certificate or list cannot be made: a bug.
    pub fn new() -> Self {
        let cast = Cast::new(&GM, "register");
        let far = secs(400 * DAY);
        let list = |ca: &mifeng::pki::issue::CertificateAuthority| {
            ca.revocation_list(&[], secs(-3_600), far, 1)
                .expect("a list")
        };
        let crls_der = vec![list(&cast.root_ca), list(&cast.ca)];
        let parse = |der: &Vec<u8>| RevocationList::parse(der).expect("our own");
        World {
            anchors: Anchors::new(vec![cast.root.clone()]),
            crls: crls_der.iter().map(parse).collect(),
            crls_der,
            cast,
            salts: SeededEntropy::new(b"salts"),
        }
    }

    /// Whom the maker trusts.
    pub fn trust(&self) -> Trust<'_> {
        Trust {
            makers: &self.anchors,
            people: Some(&self.anchors),
            material: Material {
                crls: &self.crls,
                ..Material::default()
            },
            revocation: RevocationRule::IfKnown,
        }
    }

    /// The unit.
    pub fn unit(&self) -> &Person {
        &self.cast.bidders[0]
    }

    /// Somebody else.
    pub fn stranger(&self) -> &Person {
        &self.cast.bidders[1]
    }

    /// An empty register, begun by the maker at second 0.
    ///
    /// # Panics
    /// If the engine refuses it: a bug.
    pub fn begin(&mut self) -> (Registry<Memory>, Memory) {
        let store = Memory::default();
        let keys = keys(&self.cast);
        let mut salts = SeededEntropy::new(b"config");
        let registry = Registry::create(
            store.clone(),
            ORIGIN,
            keys,
            &self.trust(),
            secs(0),
            &mut salts,
        );
        (registry.expect("begun"), store)
    }

    /// A record of anybody, lawful or not.
    ///
    /// # Panics
    /// If it cannot be signed: a bug.
    pub fn record<T: Serialize>(
        &mut self,
        by: By,
        (kind, data): (&str, &T),
        seq: u64,
        at: i64,
    ) -> SignedRecord {
        self.record_of(ORIGIN, by, (kind, data), seq, at)
    }

    /// The same for another log.
    ///
    /// # Panics
    /// As [`World::record`].
    pub fn record_of<T: Serialize>(
        &mut self,
        origin: &str,
        by: By,
        (kind, data): (&str, &T),
        seq: u64,
        at: i64,
    ) -> SignedRecord {
        let mut salt = [0; 32];
        self.salts.fill(&mut salt).expect("seeded");
        let facts = Facts {
            kind,
            origin,
            seq,
            time: secs(at),
            salt,
            data,
        };
        let signer = &self.person(by).signer;
        let draft = Draft::new(&facts, signer.certificate(), &GM).expect("a draft");
        draft.sign(signer, &GM).expect("signed")
    }

    /// Who that is.
    pub fn person(&self, by: By) -> &Person {
        match by {
            By::Maker => &self.cast.platform,
            By::Unit => self.unit(),
            By::Keeper => &self.cast.agency,
            By::Stranger => self.stranger(),
        }
    }

    /// The fingerprint of somebody's certificate.
    pub fn print(&self, by: By) -> Digest {
        self.person(by).fingerprint(&GM)
    }

    /// What the unit applies for: a unit seal until day `until`.
    ///
    /// # Panics
    /// If the picture is refused: a bug.
    pub fn application(&self, name: &str, until: i64) -> Apply {
        let picture = Picture::import(picture(), 40, 40).expect("a picture");
        Apply {
            dual: false,
            extends: None,
            form: self.form(),
            key: KeyChoice::Reuse,
            kind: SealKind::UNIT.0,
            name: name.to_owned(),
            picture: PictureFile::of(&picture),
            signers: vec![BASE64_STANDARD.encode(self.unit().signer.certificate().der())],
            until: secs(until * DAY),
        }
    }

    fn form(&self) -> Form {
        let text = str::to_owned;
        let person = |name: &str, post: &str, cert| seals::Person {
            name: text(name),
            post: text(post),
            phone: text("0539-2252210"),
            cert,
        };
        Form {
            unit: Unit {
                name: text("投标人0有限公司"),
                code: text("371323001"),
                superior: String::new(),
                region: text("371323"),
                uscc: self.unit().signer.certificate().uscc().expect("a code"),
                nature: text("企业"),
                level: String::new(),
                address: text("山东省沂水县正阳路1号"),
                postcode: text("276400"),
                phone: text("0539-2252210"),
                email: text("office@example.cn"),
                licence: text("营业执照"),
                licence_number: text("3713230000001"),
                licence_until: text("long-term"),
                founded: text("2015-06-01"),
                filing: text("3713230012345"),
            },
            representative: person("张三", "董事长", None),
            handler: person("李四", "办公室主任", Some(self.print(By::Unit))),
            keeper: person("王五", "", Some(self.print(By::Keeper))),
        }
    }

    /// The seal that an application asks for, made at second `at` by `maker`.
    ///
    /// # Panics
    /// If it cannot be made: a bug.
    pub fn seal(&self, maker: By, asked: &Apply, number: &str, at: i64) -> Seal {
        let signers = asked.certificates().expect("certificates");
        let draft = SealDraft {
            version: Version::V4,
            vendor: "MIFENG".to_owned(),
            id: number.to_owned(),
            kind: SealKind(asked.kind),
            name: asked.name.clone(),
            signers: Signers::certificates(&signers),
            created: secs(at),
            valid_from: secs(at),
            valid_until: asked.until,
            picture: asked.picture.import().expect("a picture"),
            extensions: Vec::new(),
        };
        draft.sign(&self.person(maker).signer).expect("a seal")
    }

    /// A seal signature by the unit over these bytes at second `at`, with a time stamp of second `stamped`.
    ///
    /// # Panics
    /// If it cannot be made: a bug.
    pub fn sealed(&self, seal: &Seal, data: &[u8], at: i64, stamped: Option<i64>) -> SealSignature {
        let draft = SignatureDraft {
            seal,
            at: secs(at),
            data_hash: HashAlg::Sm3.digest(data),
            property: "detached",
            extensions: &[],
        };
        let signature = draft.sign(&self.unit().signer).expect("signed");
        let Some(second) = stamped else {
            return signature;
        };
        let imprint = HashAlg::Sm3.digest(signature.signature_value());
        let request = tsp::Request::new(imprint, HashAlg::Sm3, None);
        let tsa = &self.cast.tsa.signer;
        let token = tsp::respond(tsa, "1.3.6.1.4.1.32473.1", 9, secs(second), &request);
        signature
            .with_time_stamp(&token.expect("stamped"))
            .expect("with a stamp")
    }

    /// The certificate of the root.
    pub fn root(&self) -> &Certificate {
        &self.cast.root
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The maker who keeps the register.
    Maker,
    /// The unit.
    Unit,
    /// The keeper of its seal.
    Keeper,
    /// Somebody else, of another unit.
    Stranger,
}

/// A register with everything in it, and what it names.
pub struct Story {
    /// The world it happened in.
    pub world: World,
    /// The register, exported.
    pub tar: Vec<u8>,
    /// The seal number 1, revoked at day 20.
    pub first: Seal,
    /// The seal number 2, under dual control, extended at day 30.
    pub second: Seal,
    /// Its new edition.
    pub edition: Seal,
    /// The application that was declined.
    pub declined: Digest,
    /// One that waits.
    pub waiting: Digest,
    /// The use of seal 2 that waits for consent.
    pub asked: Digest,
    /// The application of seal 1.
    pub applied: Digest,
}

/// The day of the revocation of seal 1.
pub const REVOKED_DAY: i64 = 20;
/// Numbers of records that the maker and the unit have used up.
pub const NEXT_MAKER: u64 = 6;
/// Of the unit.
pub const NEXT_UNIT: u64 = 8;
/// Of the keeper.
pub const NEXT_KEEPER: u64 = 1;
/// Records in the register.
pub const RECORDS: u64 = NEXT_MAKER + NEXT_UNIT + NEXT_KEEPER;

/// Whoever tells a story: everybody's records are numbered and taken in.
struct Teller {
    world: World,
    registry: Registry<Memory>,
    numbers: [u64; 4],
}

impl Teller {
    fn enter<T: Serialize>(&mut self, by: By, kind: &str, data: &T, at: i64) -> Digest {
        let seq = self.numbers[by as usize];
        self.numbers[by as usize] += 1;
        let record = self.world.record(by, (kind, data), seq, at);
        let trust = self.world.trust();
        let taken = self.registry.submit(&record, &trust, secs(at));
        taken.expect("taken")
    }

    /// Applies, and makes what was applied for a minute later.
    fn make(&mut self, asked: &Apply, number: &str, at: i64) -> (Digest, Seal) {
        let applied = self.enter(By::Unit, "seal.apply", asked, at);
        let seal = self.world.seal(By::Maker, asked, number, at + 60);
        let made = Make::new(applied, &seal);
        self.enter(By::Maker, "seal.make", &made, at + 60);
        (applied, seal)
    }
}

/// Tells the whole life of some seals.
///
/// # Panics
/// If the engine refuses a step: a bug.
pub fn story() -> Story {
    let mut world = World::new();
    let (registry, _) = world.begin();
    let mut teller = Teller {
        world,
        registry,
        numbers: [1, 0, 0, 0],
    };
    // 1: a seal, used, revoked.
    let asked = teller.world.application("投标人0有限公司", 300);
    let (applied, first) = teller.make(&asked, "37132300000001", 100);
    let used = entry_of(&first, LETTER, "王五");
    teller.enter(By::Unit, "seal.use", &used, DAY);
    // 2: one under dual control.
    let mut dual = teller.world.application("投标人0有限公司合同专用章", 60);
    dual.dual = true;
    dual.kind = SealKind::CONTRACT.0;
    let (_, second) = teller.make(&dual, "37132300000002", DAY + 100);
    let used = entry_of(&second, b"a contract", "李四");
    let using = teller.enter(By::Unit, "seal.use", &used, 2 * DAY);
    teller.enter(By::Keeper, "seal.approve", &Approve { using }, 2 * DAY + 60);
    let used = entry_of(&second, b"another contract", "李四");
    let waits = teller.enter(By::Unit, "seal.use", &used, 3 * DAY);
    // An application that is declined, the revocation, an extension, an application that waits.
    let another = teller.world.application("投标人0有限公司财务专用章", 300);
    let declined = teller.enter(By::Unit, "seal.apply", &another, 4 * DAY);
    let decline = Decline {
        application: declined,
        reason: "财务专用章未经备案".to_owned(),
    };
    teller.enter(By::Maker, "seal.decline", &decline, 4 * DAY + 60);
    let revoke = Revoke {
        from: secs(REVOKED_DAY * DAY),
        note: "UKey 遗失".to_owned(),
        number: first.id().to_owned(),
        reason: Reason::KeyCompromised,
    };
    teller.enter(By::Maker, "seal.revoke", &revoke, 21 * DAY);
    dual.extends = Some(HashAlg::Sm3.digest(second.der()));
    dual.until = secs(350 * DAY);
    let (_, edition) = teller.make(&dual, second.id(), 30 * DAY);
    let waiting = teller.enter(By::Unit, "seal.apply", &another, 31 * DAY);

    let mut tar = Vec::new();
    teller.registry.export(&mut tar).expect("written");
    Story {
        world: teller.world,
        tar,
        first,
        second,
        edition,
        applied,
        declined,
        waiting,
        asked: waits,
    }
}

/// A letter that seal 1 is put on.
pub const LETTER: &[u8] = b"a letter";

/// A use of a seal on some bytes.
pub fn entry_of(seal: &Seal, document: &[u8], person: &str) -> Use {
    Use {
        document: HashAlg::Sm3.digest(document),
        person: person.to_owned(),
        reason: "签订合同".to_owned(),
        seal: HashAlg::Sm3.digest(seal.der()),
        title: "文件".to_owned(),
    }
}

/// Second `s` of the made world.
pub fn second(s: i64) -> Time {
    secs(s)
}

/// A red frame of 160 × 160 pixels, transparent inside: a PNG of a palette of two colours.
pub fn picture() -> Vec<u8> {
    png(&[])
}

/// The same with chunks before its pixels.
pub fn png(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    png_of(chunks, true)
}

/// The same, transparent or not.
pub fn png_of(chunks: &[(&[u8; 4], &[u8])], transparent: bool) -> Vec<u8> {
    const SIDE: usize = 160;
    let row = |y: usize| {
        let edge = !(6..SIDE - 6).contains(&y);
        let mut row = vec![if edge { 0xff } else { 0 }; SIDE / 8 + 1];
        row[0] = 0;
        (row[1], row[SIDE / 8]) = (0xff, 0xff);
        row
    };
    let raw: Vec<u8> = (0..SIDE).flat_map(row).collect();
    let len = u16::try_from(raw.len()).expect("one stored block");
    let mut data = vec![0x78, 0x01, 1];
    data.extend(len.to_le_bytes());
    data.extend((!len).to_le_bytes());
    data.extend(&raw);
    data.extend(adler32(&raw).to_be_bytes());
    let side = (SIDE as u32).to_be_bytes();
    let mut out = vec![0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];
    // One bit a pixel, a palette.
    chunk(
        &mut out,
        b"IHDR",
        &[&side[..], &side, &[1, 3, 0, 0, 0]].concat(),
    );
    chunk(&mut out, b"PLTE", &[0xff, 0xff, 0xff, 0xd0, 0, 0]);
    if transparent {
        chunk(&mut out, b"tRNS", &[0, 0xff]);
    }
    for (name, content) in chunks {
        chunk(&mut out, name, content);
    }
    chunk(&mut out, b"IDAT", &data);
    chunk(&mut out, b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) {
    let len = u32::try_from(content.len()).expect("small");
    out.extend(len.to_be_bytes());
    let named = [&name[..], content].concat();
    out.extend(&named);
    out.extend(crc32(&named).to_be_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let mut c = (crc ^ u32::from(*byte)) & 0xff;
        for _ in 0..8 {
            c = if c & 1 == 1 {
                0xedb8_8320 ^ (c >> 1)
            } else {
                c >> 1
            };
        }
        c ^ (crc >> 8)
    };
    !bytes.iter().fold(!0, step)
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    b << 16 | a
}
