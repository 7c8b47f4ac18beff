//! Everybody in a tender: certificates of a small CA, and the board's key.

use super::{START, secs};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng::crypto::{Digest, Entropy, KeyAlg, PrivateKey, SeededEntropy, Suite, Time};
use mifeng::lock::dkg::{self, StaticKey};
use mifeng::log::{CosignVerifier, LogTree, NoteSigner, WitnessState};
use mifeng::pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng::pki::{Certificate, Signer, SoftwareDecrypter, SoftwareSigner};
use mifeng::record::uscc::{Uscc, Verdict};
use mifeng::record::{Draft, Facts, Record, SignedRecord};
use mifeng::tender::{
    BoardCert, BoardDkg1, BoardDkg2, BoardReshare, BoardReshareDeal, BoardReshareSign, State, Trust,
};
use mifeng::{Anchors, Error};
use serde::Serialize;

/// The board's session.
pub const SESSION: &str = "test-board";
/// Valid credit codes (GB 32100) of the bidders.
const CODES: [&str; 4] = [
    "913710007000791943",
    "91371000700158386F",
    "91371000700237578U",
    "9137100070031676X3",
];

/// One person or body.
pub struct Person {
    pub signer: SoftwareSigner,
    /// The decryption key, of bidders.
    pub enc: Option<SoftwareDecrypter>,
    key: Vec<u8>,
}

impl Person {
    /// The same key in another hand.
    pub fn signer_again(&self) -> SoftwareSigner {
        let key = PrivateKey::from_pkcs8_der(&self.key).expect("a key");
        let (certificate, chain) = (
            self.signer.certificate().clone(),
            self.signer.chain().to_vec(),
        );
        SoftwareSigner::new(key, certificate, chain).expect("a pair")
    }

    /// The signing key.
    pub fn key(&self) -> PrivateKey {
        PrivateKey::from_pkcs8_der(&self.key).expect("a key")
    }

    /// The same person, for another part; without the decryption key.
    pub fn again(&self) -> Person {
        Person {
            signer: self.signer_again(),
            enc: None,
            key: self.key.clone(),
        }
    }

    pub fn fingerprint(&self, suite: &Suite) -> Digest {
        self.signer.certificate().fingerprint(suite.hash())
    }

    /// The same key with a certificate of the same CA that is good for commitments only
    /// (nonRepudiation without digitalSignature).
    pub fn committing_only(&mut self, ca_key: &[u8]) {
        let old = self.signer.certificate();
        let both = [0x03, 0x02, 0x06, 0xc0];
        let mut tbs = old.tbs_der().to_vec();
        let at = tbs.windows(4).position(|w| w == both).expect("keyUsage");
        tbs[at + 3] = 0x40;
        let key = PrivateKey::from_pkcs8_der(ca_key).expect("a key");
        let signature = key.sign(&tbs).expect("signed");
        // SEQUENCE { tbs, algorithm, signature }: four bytes of header, as it has over 255 bytes.
        let alg = &old.der()[4 + tbs.len()..];
        let alg = &alg[..usize::from(alg[1]) + 2];
        let bits = tlv(0x03, &[&[0][..], &signature].concat());
        let der = tlv(0x30, &[&tbs[..], alg, &bits].concat());
        let certificate = Certificate::parse(&der).expect("a certificate");
        let key = PrivateKey::from_pkcs8_der(&self.key).expect("a key");
        let chain = self.signer.chain().to_vec();
        self.signer = SoftwareSigner::new(key, certificate, chain).expect("a pair");
    }
}

fn tlv(tag: u8, inner: &[u8]) -> Vec<u8> {
    let len = u16::try_from(inner.len()).expect("short").to_be_bytes();
    match inner.len() {
        0..0x80 => [&[tag, len[1]][..], inner].concat(),
        0x80..0x100 => [&[tag, 0x81, len[1]][..], inner].concat(),
        _ => [&[tag, 0x82, len[0], len[1]][..], inner].concat(),
    }
}

/// A trustee's keys beside the signing key.
pub struct Trustee {
    pub person: Person,
    pub static_key: StaticKey,
    pub witness: PrivateKey,
}

/// Everybody.
pub struct Cast {
    pub suite: &'static Suite,
    pub root: Certificate,
    pub root_ca: CertificateAuthority,
    pub ca: CertificateAuthority,
    pub ca_key: Vec<u8>,
    pub buyer: Person,
    pub agency: Person,
    pub platform: Person,
    pub tsa: Person,
    pub trustees: Vec<Trustee>,
    pub bidders: Vec<Person>,
    pub experts: Vec<Person>,
    pub board: Vec<SignedRecord>,
    log_key: Vec<u8>,
    /// Its tenders name the host's anchor log.
    pub is_anchored: bool,
}

fn key_alg(suite: &Suite) -> KeyAlg {
    match suite.id() {
        "gm-1" => KeyAlg::Sm2,
        _ => KeyAlg::P256,
    }
}

/// A witness's new key.
pub(super) fn witness_key(suite: &Suite, rng: &mut SeededEntropy) -> PrivateKey {
    PrivateKey::generate(note_alg(suite), rng).expect("a key")
}

/// Keys of notes: SM2 in gm-1, Ed25519 in intl-1.
fn note_alg(suite: &Suite) -> KeyAlg {
    match suite.id() {
        "gm-1" => KeyAlg::Sm2,
        _ => KeyAlg::Ed25519,
    }
}

fn validity(from: Time) -> Validity {
    Validity {
        not_before: from,
        not_after: secs(365 * 86_400),
    }
}

/// When a cast lives, and how many bidders it has.
pub struct Making {
    /// Of all certificates.
    pub validity: Validity,
    /// When the board is made.
    pub now: Time,
    pub bidders: usize,
}

impl Making {
    /// The cast of the tests.
    fn usual() -> Self {
        Making {
            validity: validity(secs(-3_600)),
            now: START,
            bidders: CODES.len(),
        }
    }

    /// A cast of today, good for some days.
    pub fn at(now: Time, bidders: usize) -> Self {
        let day = 86_400;
        Making {
            validity: Validity {
                not_before: Time::from_unix_seconds(now.as_unix_seconds() - day),
                not_after: Time::from_unix_seconds(now.as_unix_seconds() + 30 * day),
            },
            now,
            bidders,
        }
    }
}

fn serial(rng: &mut SeededEntropy) -> [u8; 16] {
    let mut serial = [0; 16];
    rng.fill(&mut serial).expect("seeded");
    serial[0] = 0x40 | (serial[0] & 0x3f);
    serial
}

/// Issues for one person; bidders get a second certificate to encrypt for.
pub fn issue(
    suite: &'static Suite,
    ca: &CertificateAuthority,
    subject: &Subject,
    profile: Profile,
    from: Time,
    rng: &mut SeededEntropy,
) -> Person {
    issue_valid(suite, ca, subject, profile, validity(from), rng)
}

fn issue_valid(
    suite: &'static Suite,
    ca: &CertificateAuthority,
    subject: &Subject,
    profile: Profile,
    validity: Validity,
    rng: &mut SeededEntropy,
) -> Person {
    let mut make = |profile| {
        let key = PrivateKey::generate(key_alg(suite), rng).expect("a key");
        let public = key.public_key().expect("its public half");
        let certificate = ca
            .issue(subject, &public, profile, validity, &serial(rng))
            .expect("issued");
        (key, certificate)
    };
    let enc = (profile == Profile::BidderSign).then(|| {
        let (key, certificate) = make(Profile::BidderEncrypt);
        SoftwareDecrypter::new(key, certificate).expect("a pair")
    });
    let (key, certificate) = make(profile);
    let pkcs8 = key.to_pkcs8_der().expect("encoded").to_vec();
    let chain = vec![ca.certificate().clone()];
    Person {
        signer: SoftwareSigner::new(key, certificate, chain).expect("a pair"),
        enc,
        key: pkcs8,
    }
}

/// A credit code with its check characters, which are found by trying.
fn credit_code(number: usize) -> String {
    const CHARACTERS: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    if let Some(code) = CODES.get(number) {
        return (*code).to_owned();
    }
    let start = format!("91371000{:08}", 70_000_000 + number);
    let last_two = CHARACTERS
        .chars()
        .flat_map(|a| CHARACTERS.chars().map(move |b| (a, b)));
    let mut codes = last_two.map(|(a, b)| format!("{start}{a}{b}"));
    let good = |code: &String| Uscc::parse(code).is_ok_and(|c| c.verdict() == Verdict::Ok);
    codes.find(good).expect("check characters")
}

/// The subject of bidder `number`, from 0.
pub fn bidder_subject(number: usize) -> Subject {
    Subject {
        common_name: format!("投标人{number}有限公司"),
        organisation: Some(format!("投标人{number}有限公司")),
        uscc: Some(credit_code(number)),
        country: Some("CN".to_owned()),
    }
}

impl Cast {
    /// Everybody of `suite`, as `seed` draws them.
    pub fn new(suite: &'static Suite, seed: &str) -> Self {
        Self::made(suite, seed, &Making::usual())
    }

    /// The same at another time, with more bidders.
    pub fn made(suite: &'static Suite, seed: &str, making: &Making) -> Self {
        let rng = &mut SeededEntropy::new(seed.as_bytes());
        let valid = making.validity;
        let root_key = PrivateKey::generate(key_alg(suite), rng).expect("a key");
        let name = Subject::named("测试根");
        let root =
            CertificateAuthority::new_root(root_key, &name, valid, &serial(rng)).expect("a root");
        let key = PrivateKey::generate(key_alg(suite), rng).expect("a key");
        let public = key.public_key().expect("its public half");
        let issuing = root
            .issue_ca(
                &Subject::named("测试CA"),
                &public,
                Some(0),
                valid,
                &serial(rng),
            )
            .expect("issued");
        let ca_key = key.to_pkcs8_der().expect("encoded").to_vec();
        let ca = CertificateAuthority::from_parts(key, issuing).expect("a pair");
        let person = |name: &str, rng: &mut SeededEntropy| {
            issue_valid(
                suite,
                &ca,
                &Subject::named(name),
                Profile::Person,
                valid,
                rng,
            )
        };
        let log_key = PrivateKey::generate(note_alg(suite), rng).expect("a key");
        let tsa = Subject::named("时间戳机构");
        let mut cast = Cast {
            suite,
            buyer: person("采购人", rng),
            agency: person("代理机构", rng),
            platform: person("平台", rng),
            tsa: issue_valid(suite, &ca, &tsa, Profile::TimeStamping, valid, rng),
            trustees: (1..=3)
                .map(|n| Trustee {
                    person: person(&format!("受托人{n}"), rng),
                    static_key: StaticKey::generate(suite, rng).expect("a key"),
                    witness: PrivateKey::generate(note_alg(suite), rng).expect("a key"),
                })
                .collect(),
            bidders: (0..making.bidders)
                .map(|n| {
                    issue_valid(
                        suite,
                        &ca,
                        &bidder_subject(n),
                        Profile::BidderSign,
                        valid,
                        rng,
                    )
                })
                .collect(),
            experts: (1..=7).map(|n| person(&format!("专家{n}"), rng)).collect(),
            board: Vec::new(),
            log_key: log_key.to_pkcs8_der().expect("encoded").to_vec(),
            is_anchored: false,
            root: root.certificate().clone(),
            root_ca: root,
            ca,
            ca_key,
        };
        cast.make_board(making.now, rng);
        cast
    }

    /// The board's records anew, after a trustee's certificate was changed.
    pub fn remake_board(&mut self) {
        self.make_board(START, &mut SeededEntropy::new(b"another board"));
    }

    /// The key of the host's anchor log.
    pub fn anchor_key(&self) -> PrivateKey {
        let rng = &mut SeededEntropy::new(b"anchor log");
        PrivateKey::generate(note_alg(self.suite), rng).expect("a key")
    }

    /// Its verifier key, if tenders name it.
    pub fn anchor(&self) -> Option<String> {
        let name = LogTree::authoritative_origin(self.suite, "host.example/anchor");
        let key = self.anchor_key();
        let signer = NoteSigner::new(&name, &key).expect("a signer");
        self.is_anchored
            .then(|| signer.verifier().key().to_string())
    }

    pub fn log_key(&self) -> PrivateKey {
        PrivateKey::from_pkcs8_der(&self.log_key).expect("a key")
    }

    pub fn witness_name(index: u8) -> String {
        format!("{SESSION}/witness/{index}")
    }

    /// The witness of this seat (from 1) cosigns an anchor log: the cosigned head, and what it has seen now.
    pub fn cosign_anchors(
        &self,
        seat: u8,
        log: &Anchors,
        seen: &WitnessState,
        at: i64,
    ) -> Result<(Vec<u8>, WitnessState), Error> {
        let key = &self.trustees[usize::from(seat) - 1].witness;
        let (note, state) = log.cosign(&Self::witness_name(seat), key, seen, secs(at))?;
        Ok((note.to_text().into_bytes(), state))
    }

    fn make_board(&mut self, now: Time, rng: &mut SeededEntropy) {
        self.board = form_at(self.suite, (SESSION, now), 2, &self.trustees, rng);
    }

    /// A fallback board of two, both needed, and its records.
    pub fn fallback(&self) -> (Vec<Trustee>, Vec<SignedRecord>) {
        let rng = &mut SeededEntropy::new(b"fallback board");
        let seats: Vec<Trustee> = (1..=2)
            .map(|n| Trustee {
                person: issue(
                    self.suite,
                    &self.ca,
                    &Subject::named(&format!("备用受托人{n}")),
                    Profile::Person,
                    secs(0),
                    rng,
                ),
                static_key: StaticKey::generate(self.suite, rng).expect("a key"),
                witness: PrivateKey::generate(note_alg(self.suite), rng).expect("a key"),
            })
            .collect();
        let records = form(self.suite, "fallback", 2, &seats, rng);
        (seats, records)
    }
}

impl Cast {
    /// A key for one tender: the trustees again, with other keys, 2 of 3; and its records.
    pub fn one_time(&self, origin: &str) -> (Vec<Trustee>, Vec<SignedRecord>) {
        let rng = &mut SeededEntropy::new(b"one-time key");
        let seats: Vec<Trustee> = self
            .trustees
            .iter()
            .map(|trustee| Trustee {
                person: trustee.person.again(),
                static_key: StaticKey::generate(self.suite, rng).expect("a key"),
                witness: PrivateKey::generate(note_alg(self.suite), rng).expect("a key"),
            })
            .collect();
        let records = form(self.suite, origin, 2, &seats, rng);
        (seats, records)
    }
}

impl Cast {
    /// The board's key handed on by trustees 1 and 3 to all three with new static keys, which are returned in order.
    pub fn handed_on(&self) -> (Vec<StaticKey>, Vec<SignedRecord>) {
        let rng = &mut SeededEntropy::new(b"handed on");
        let mut forming = Forming {
            suite: self.suite,
            session: SESSION,
            now: START,
            state: State::new(self.suite, "board-formation"),
            records: Vec::new(),
        };
        let nobody = Trust {
            roots: &[],
            crls: &[],
            responses: None,
        };
        for signed in &self.board {
            let record = Record::verify(signed.clone(), self.suite).expect("verifies");
            forming.state.apply(&record, START, &nobody).expect("board");
        }
        let generate = |_| StaticKey::generate(self.suite, rng).expect("a key");
        let keys: Vec<StaticKey> = (0..3).map(generate).collect();
        let before = forming.state.members().clone();
        for ((seat, key), index) in self.trustees.iter().zip(&keys).zip(1..) {
            let data = BoardReshare {
                session: SESSION.to_owned(),
                round: 1,
                index,
                t: 2,
                n: 3,
                dealers: vec![1, 3],
                static_key: hex::encode(key.public().to_bytes()),
                witness: before[&index].1.witness.clone(),
            };
            forming.say(seat, 3, "board.reshare", &data, rng);
        }
        for dealer in [1_u8, 3] {
            let seat = &self.trustees[usize::from(dealer) - 1];
            let transcript = forming.state.board_transcript().expect("made");
            let share = transcript.share(&seat.static_key).expect("own share");
            let (reshare, _) = forming.state.reshare_setup().expect("joined");
            let message = reshare.deal(&seat.static_key, &share, rng).expect("dealt");
            let message = BASE64_STANDARD.encode(message);
            let data = BoardReshareDeal {
                round: 1,
                dealer,
                message,
            };
            forming.say(seat, 4, "board.reshare1", &data, rng);
        }
        let transcript = forming.state.reshare_transcript().expect("holds");
        for ((seat, key), index) in self.trustees.iter().zip(&keys).zip(1..) {
            let share = transcript.share(key).expect("new share");
            let signature = transcript.sign(key, &share).expect("signed");
            let data = BoardReshareSign {
                round: 1,
                index,
                transcript: transcript.hash(),
                signature: hex::encode(signature),
            };
            let seq = if index == 2 { 4 } else { 5 };
            forming.say(seat, seq, "board.reshare2", &data, rng);
        }
        (keys, forming.records)
    }
}

/// The records of key generation among these, any `t` of whom open.
pub fn form(
    suite: &'static Suite,
    session: &str,
    t: u8,
    seats: &[Trustee],
    rng: &mut SeededEntropy,
) -> Vec<SignedRecord> {
    form_at(suite, (session, START), t, seats, rng)
}

fn form_at(
    suite: &'static Suite,
    (session, now): (&str, Time),
    t: u8,
    seats: &[Trustee],
    rng: &mut SeededEntropy,
) -> Vec<SignedRecord> {
    let n = u8::try_from(seats.len()).expect("a board");
    let mut forming = Forming {
        suite,
        session,
        now,
        state: State::new(suite, "board-formation"),
        records: Vec::new(),
    };
    for (index, seat) in (1..=n).zip(seats) {
        let witness = seat.witness.public_key().expect("its public half");
        let name = format!("{session}/witness/{index}");
        let data = BoardCert {
            session: session.to_owned(),
            index,
            t,
            n,
            static_key: hex::encode(seat.static_key.public().to_bytes()),
            witness: CosignVerifier::new(&name, witness)
                .expect("a witness")
                .key()
                .to_string(),
        };
        forming.say(seat, 0, "board.cert", &data, rng);
    }
    for (index, seat) in (1..=n).zip(seats) {
        let setup = forming.state.board_setup().expect("complete");
        let message = dkg::round1(&setup, &seat.static_key, rng).expect("made");
        let message = BASE64_STANDARD.encode(message);
        let data = BoardDkg1 { index, message };
        forming.say(seat, 1, "board.dkg1", &data, rng);
    }
    for (index, seat) in (1..=n).zip(seats) {
        let transcript = forming.state.board_transcript().expect("holds");
        let share = transcript.share(&seat.static_key).expect("own share");
        let signature = transcript.sign(&seat.static_key, &share).expect("signed");
        let data = BoardDkg2 {
            index,
            transcript: transcript.hash(),
            signature: hex::encode(signature),
        };
        forming.say(seat, 2, "board.dkg2", &data, rng);
    }
    assert!(forming.state.board().is_some());
    forming.records
}

/// Key generation on the way.
struct Forming<'a> {
    suite: &'static Suite,
    session: &'a str,
    now: Time,
    state: State,
    records: Vec<SignedRecord>,
}

impl Forming<'_> {
    fn say<T: Serialize>(
        &mut self,
        seat: &Trustee,
        seq: u64,
        kind: &str,
        data: &T,
        rng: &mut SeededEntropy,
    ) {
        let signer = &seat.person.signer;
        let mut salt = [0; 32];
        rng.fill(&mut salt).expect("seeded");
        let facts = Facts {
            kind,
            origin: &format!("board/{}", self.session),
            seq,
            time: self.now,
            salt,
            data,
        };
        let signed = Draft::new(&facts, signer.certificate(), self.suite)
            .and_then(|draft| draft.sign(signer, self.suite))
            .expect("signed");
        let record = Record::verify(signed.clone(), self.suite).expect("verifies");
        let nobody = Trust {
            roots: &[],
            crls: &[],
            responses: None,
        };
        self.state
            .apply(&record, self.now, &nobody)
            .expect("accepted");
        self.records.push(signed);
    }
}
