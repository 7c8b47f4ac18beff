//! Sealing as the desk's module does it, without a browser: what it makes is accepted, released and opened.

mod earlier;
mod offer;
mod person;
mod present;

use mifeng::bidder::{self, LeafKey, OwnCopy};
use mifeng::crypto::{self, Digest, Entropy, GM, INTL, SeededEntropy};
use mifeng::envelope::{Manifest, NoSink, PlainSink};
use mifeng::pki::Signer;
use mifeng::pki::keyfile;
use mifeng::record::SignedRecord;
use mifeng::{Export, Opened, sign_record};
use mifeng_access::{Challenge, SIGN_IN};
use mifeng_testkit::world::{Cast, DEADLINE, Kind, LOT, Tender, secs};
use mifeng_wasm::{
    Given, Kept, LookRequest, ReadAt, ReceiptRequest, SignInRequest, look, receipt, seal, sign_in,
};
use person::{AT, Bidder, Held, PIN, Run, files, year};
use std::io::{self, Cursor, Write};
use std::sync::Arc;

#[derive(Default)]
struct Folder(Vec<(String, Vec<u8>)>);

impl PlainSink for Folder {
    fn begin_file(&mut self, path: &str, _: u64) -> io::Result<()> {
        self.0.push((path.to_owned(), Vec::new()));
        Ok(())
    }
    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        let last = self.0.last_mut().ok_or(io::ErrorKind::NotFound)?;
        last.1.extend_from_slice(data);
        Ok(())
    }
    fn end_file(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn finish(&mut self, _: &Manifest) -> io::Result<()> {
        Ok(())
    }
}

/// The receipt of what was sealed holds, and shows the words that were told; a changed one does not.
fn proves(bundle: &[u8], file: &[u8], kept: &Kept) {
    let given = |id, name: &str, bytes: &[u8]| Given {
        id,
        name: name.to_owned(),
        size: bytes.len() as u64,
    };
    let check = |file: &[u8]| {
        let record = kept.record.as_bytes();
        let request = ReceiptRequest {
            tender: given(0, "TEST-1.tar", bundle),
            receipt: given(1, "1.receipt", file),
            record: given(2, "1.rec", record),
        };
        let held = Held(vec![bundle.to_vec(), file.to_vec(), record.to_vec()]);
        receipt(&request, &(Arc::new(held) as Arc<dyn ReadAt>))
    };
    let proved = check(file).proved.expect("it holds");
    assert_eq!(proved.named.digest, kept.seal.digest);
    assert_eq!(proved.named.words, kept.seal.words);
    assert!(
        proved.said.en.starts_with("receipt holds"),
        "{}",
        proved.said.en
    );
    let mut changed = file.to_vec();
    let at = file
        .windows(7)
        .position(|at| at == b"\"sig\":\"")
        .expect("a signature")
        + 500;
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let told = check(&changed);
    assert!(told.proved.is_none() && told.problem.is_some());
}

#[test]
fn what_is_sealed_is_accepted_released_with_the_backup_and_opened() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "desk");
        let bidder = Bidder::new(&cast, year());
        let mut tender = Tender::new(&cast, "test.example/desk", Kind::Joint);
        tender.receive(2);
        let bundle = tender.tar(Export::Records);
        let files = files();
        let run = Run::new(&bundle, &bidder.folder(), &files);
        let (done, sealed) = run.go();
        assert!(done.problem.is_none(), "{:?}", done.problem);
        let kept = done.kept.expect("kept");
        assert!(kept.tried, "the own leaf is tried");
        assert!(done.lines.iter().all(|line| line.mark != "missing"));
        let record = SignedRecord::from_file(kept.record.as_bytes()).expect("a record");
        assert_eq!(bidder::seal_in(&record, suite), Some(kept.seal.digest));
        // The same randomness gives the same bytes: nothing else is drawn anywhere.
        assert_eq!(run.go().1, sealed);

        let record = SignedRecord::from_file(kept.record.as_bytes()).expect("a record");
        let body = &mut Cursor::new(&sealed);
        let taken = tender.host.submit(record, Some(body), secs(AT + 1));
        taken.expect("accepted");
        tender.beat(AT + 1);
        tender.close_witnessed();
        let record = SignedRecord::from_file(kept.record.as_bytes()).expect("a record");
        let own = tender.host.receipt_again(&record, secs(DEADLINE + 1));
        let own = own.expect("a receipt").to_file().expect("a file");
        proves(&bundle, &own, &kept);
        tender.release_leaf(0, DEADLINE + 2).expect("a leaf");
        tender.release_leaf(1, DEADLINE + 2).expect("a leaf");
        // As `mifeng bid release --backup` reads it.
        let seal = tender.verified(&sealed);
        assert_eq!(seal.id(), kept.seal.digest);
        let leaf = kept.leaf.expect("the policy has a leaf of the bidder");
        let share = leaf.split_whitespace().nth(1).expect("path hex");
        let share: Digest = share.parse().expect("a digest");
        let data = bidder::release(&seal, LeafKey::Backup(share.as_bytes())).expect("released");
        let (state, rng) = (tender.host.state(), &mut SeededEntropy::new(b"release"));
        let at = secs(DEADLINE + 2);
        let record = sign_record(state, "bidder.share", &data, &bidder.signer(), at, rng);
        let record = record.expect("signed");
        tender.take(record, DEADLINE + 2).expect("a leaf");
        tender.close_window(DEADLINE + 3).expect("window closed");
        tender.release(0, DEADLINE + 4).expect("released");
        tender.release(1, DEADLINE + 4).expect("released");
        let mut folder = Folder::default();
        let mut rng = SeededEntropy::new(b"open");
        let opened = tender
            .host
            .open_bid(&seal.id(), &mut folder, secs(70), &mut rng);
        assert!(matches!(opened, Ok(Opened::Bid(_))), "{opened:?}");
        for (path, content) in &files {
            let found = folder.0.iter().find(|(at, _)| at == path);
            assert!(found.is_some_and(|(_, read)| read == content), "{path}");
        }

        let own = OwnCopy::from_file(kept.own.as_bytes()).expect("an own copy");
        let sigma = own.open(suite, &bidder.decrypter()).expect("opens");
        let boards = tender.host.state().boards();
        let sigma = seal
            .rebuild(*sigma, &boards)
            .expect("the seal's own secret");
        let file = &mut Cursor::new(&sealed);
        let opened = mifeng::envelope::open_body(file, &seal, &sigma, &mut NoSink);
        assert_eq!(opened.expect("opens").0.opening.price, "880000.00");
    }
}

#[test]
fn what_a_seal_relies_on_is_told() {
    let cast = Cast::new(&GM, "desk");
    let tender = Tender::new(&cast, "test.example/desk", Kind::Joint);
    let run = Run::new(&tender.tar(Export::Records), &[], &[]);
    let request = LookRequest {
        tender: run.request.tender.clone(),
    };
    let told = look(&request, &run.from()).tender.expect("told");
    let state = tender.host.state();
    let (event, notice) = state.notice().expect("a notice");
    assert_eq!(told.notice.digest, *event);
    assert_eq!(told.boards.len(), 1);
    assert_eq!(told.boards[0].digest, state.board().expect("a board").key());
    let words = mifeng::words::fingerprint(&told.boards[0].digest, true);
    assert_eq!(told.boards[0].words.zh, words);
    assert_eq!(told.roots.len(), 1);
    assert_eq!(told.roots[0].digest, cast.root.fingerprint(GM.hash()));
    assert_eq!((told.deadline, &*told.suite), (notice.deadline, "gm-1"));
    assert_eq!(told.policy.zh, "(投标人本人的密钥 且 开标委员会 2/3)");
    assert_eq!(
        told.policy.en,
        "(the bidder's own key and the opening board 2/3)"
    );
    let lots = told.lots.iter().map(|lot| (&*lot.id, &*lot.title.zh));
    let expected = notice.lots.iter().map(|lot| (&*lot.id, &*lot.title.zh));
    assert!(lots.eq(expected) && told.lots[0].id == LOT);
}

#[test]
fn a_changed_bundle_gives_nothing() {
    let cast = Cast::new(&INTL, "desk");
    let tender = Tender::new(&cast, "test.example/desk", Kind::Joint);
    let bidder = Bidder::new(&cast, year());
    let bundle = tender.tar(Export::Records);
    let sound = Run::new(&bundle, &bidder.folder(), &files());
    // The board's key is in its records, the root in the notice: both are text, in hex or base64.
    let board = tender.host.state().board().expect("a board").key();
    let root = cast.root.fingerprint(INTL.hash());
    let mut changed = 0;
    for digest in [board, root] {
        let text = digest.to_string();
        let places: Vec<usize> = (0..bundle.len() - text.len())
            .filter(|at| bundle[*at..].starts_with(text.as_bytes()))
            .collect();
        assert!(!places.is_empty(), "{text}");
        for at in places {
            let mut bad = bundle.clone();
            bad[at] = if bad[at] == b'0' { b'1' } else { b'0' };
            let mut run = Run::new(&bad, &bidder.folder(), &files());
            assert_eq!(run.request.notice, Digest::from_bytes([0; 32]), "looked");
            run.request.notice = sound.request.notice;
            let _ = run.code();
            changed += 1;
        }
    }
    assert!(changed >= 2);
    // Sound, but not the notice that was looked at.
    let mut run = Run::new(&bundle, &bidder.folder(), &files());
    run.request.notice = board;
    assert_eq!(run.code(), "desk.notice-changed");
}

#[test]
fn who_cannot_bid_is_told_why() {
    let cast = Cast::new(&GM, "desk");
    let tender = Tender::new(&cast, "test.example/desk", Kind::Joint);
    let bundle = tender.tar(Export::Records);
    let bidder = Bidder::new(&cast, year());
    let folder = bidder.folder();
    let with = |folder: &[(&str, Vec<u8>)]| Run::new(&bundle, folder, &files());

    let (done, out) = with(&folder).with(b"wrong", &mut SeededEntropy::new(b"r"));
    assert!(done.kept.is_none() && out.is_empty());
    let problem = done.problem.expect("a problem");
    assert_eq!(problem.code, "pki.passphrase");
    assert!(problem.text.zh.contains("口令"), "{}", problem.text.zh);

    // Ends before the opening; of another CA; without the decryption key; a key in the clear.
    assert_eq!(
        with(&Bidder::new(&cast, DEADLINE).folder()).code(),
        "bid.incomplete"
    );
    let other = Cast::new(&GM, "other");
    assert_eq!(
        with(&Bidder::new(&other, year()).folder()).code(),
        "bid.incomplete"
    );
    let signing: Vec<_> = folder
        .iter()
        .filter(|(name, _)| *name != "enc.key")
        .cloned()
        .collect();
    assert_eq!(with(&signing).code(), "file.malformed");
    let plain = keyfile::plain_pem(&bidder.enc.0).expect("plain");
    let mut clear = signing.clone();
    clear.push(("enc.key", plain.as_bytes().to_vec()));
    assert_eq!(with(&clear).code(), "file.malformed");

    let mut run = with(&folder);
    run.request.price_cn = String::new();
    assert_eq!(run.code(), "bid.incomplete");
    run = Run::new(&bundle, &folder, &[]);
    assert_eq!(run.code(), "bid.incomplete");
    run = Run::new(&bundle, &folder, &[("../up", vec![1])]);
    assert_eq!(run.code(), "bid.incomplete");
    run = with(&folder);
    run.request.at = secs(DEADLINE);
    assert_eq!(run.code(), "bid.incomplete");
    run = with(&folder);
    run.request.lot = "9".to_owned();
    assert_eq!(run.code(), "bid.incomplete");
}

struct Dry;

impl Entropy for Dry {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), crypto::Error> {
        Err(crypto::Error::Entropy)
    }
}

struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::other("full"))
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn without_randomness_or_room_nothing_is_sealed() {
    let cast = Cast::new(&INTL, "desk");
    let tender = Tender::new(&cast, "test.example/desk", Kind::Board);
    let folder = Bidder::new(&cast, year()).folder();
    let run = Run::new(&tender.tar(Export::Records), &folder, &files());
    let (done, out) = run.with(PIN, &mut Dry);
    assert!(done.kept.is_none() && out.is_empty());
    assert_eq!(done.problem.expect("a problem").code, "crypto.entropy");
    let rng = &mut SeededEntropy::new(b"r");
    let done = seal(&run.request, PIN, &run.from(), rng, &mut Full, &mut |_| {});
    assert!(done.kept.is_none());
    assert_eq!(done.problem.expect("a problem").code, "envelope.io");
    // Nobody but the board opens here: there is no own leaf to keep.
    let (done, _) = run.go();
    let kept = done.kept.expect("kept");
    assert!(kept.leaf.is_none() && !kept.tried);
}

#[test]
fn of_several_certificates_one_that_the_tender_recognises() {
    let cast = Cast::new(&INTL, "desk");
    let tender = Tender::new(&cast, "test.example/desk", Kind::Joint);
    let mut folder = Bidder::new(&cast, year()).folder();
    // Valid longer, of a CA that the notice does not name.
    let other = Cast::new(&INTL, "other");
    folder.extend(Bidder::new(&other, 2 * year()).folder());
    let run = Run::new(&tender.tar(Export::Records), &folder, &files());
    let (done, _) = run.go();
    assert!(done.problem.is_none(), "{:?}", done.problem);
    assert!(done.kept.expect("kept").tried);
}

#[test]
fn one_pkcs12_file_is_enough_and_the_count_only_grows() {
    let cast = Cast::new(&INTL, "desk");
    let tender = Tender::new(&cast, "test.example/desk", Kind::Joint);
    let bundle = tender.tar(Export::Records);
    let bidder = Bidder::new(&cast, year());
    let mut run = Run::new(&bundle, &[("me.p12", bidder.pkcs12())], &files());
    let number = |run: &Run| {
        let (done, _) = run.go();
        assert!(done.problem.is_none(), "{:?}", done.problem);
        let kept = done.kept.expect("kept");
        let record = SignedRecord::from_file(kept.record.as_bytes()).expect("a record");
        let record = mifeng::record::Record::verify(record, &INTL).expect("signed");
        assert_eq!(kept.count.1, format!("{}\n", record.seq() + 1));
        assert_eq!(
            record.actor(),
            bidder.signer().certificate().fingerprint(INTL.hash())
        );
        (record.seq(), kept.count.0)
    };
    // Half of the time, half of the numbers: 29 of the 59 seconds from the notice to the deadline.
    let (first, name) = number(&run);
    assert_eq!(first, 4_423);
    run.request.at = secs(AT + 1);
    assert_eq!(number(&run).0, 4_576);
    run.request.number = 5;
    assert_eq!(number(&run).0, 4_576);
    run.request.number = 4_577;
    assert_eq!(number(&run).0, 4_577);
    let counted = |count: &str| {
        let mut folder = bidder.folder();
        folder.push((&name, count.as_bytes().to_vec()));
        Run::new(&bundle, &folder, &files())
    };
    assert_eq!(number(&counted("5000\n")).0, 5_000);
    assert_eq!(number(&counted("9999\n")).0, 9_999);
    for bad in ["10000\n", "18446744073709551615\n", "-1", "many"] {
        let (done, out) = counted(bad).go();
        assert!(done.kept.is_none() && out.is_empty(), "{bad}");
        assert_eq!(done.problem.expect("a problem").code, "file.malformed");
    }
    run.request.number = 10_000;
    assert_eq!(run.code(), "desk.count");
}

#[test]
fn a_challenge_of_this_host_alone_is_signed() {
    let cast = Cast::new(&GM, "desk");
    let tender = Tender::new(&cast, "test.example/desk", Kind::Joint);
    let bidder = Bidder::new(&cast, year());
    let run = Run::new(&tender.tar(Export::Records), &bidder.folder(), &[]);
    let challenge = Challenge {
        host: "host.example".to_owned(),
        nonce: Digest::from_bytes([1; 32]),
        proof: Digest::from_bytes([2; 32]),
        expires: secs(AT + 300),
    };
    let mut request = SignInRequest {
        tender: run.request.tender.clone(),
        identity: run.request.identity.clone(),
        at: secs(AT),
        host: "host.example".to_owned(),
        challenge: challenge.clone(),
    };
    let rng = &mut SeededEntropy::new(b"r");
    let signed = sign_in(&request, PIN, &run.from(), rng);
    let statement = signed.statement.expect("signed");
    let statement = SignedRecord::from_file(statement.as_bytes()).expect("a record");
    let statement = mifeng::record::Record::verify(statement, &GM).expect("signed");
    assert_eq!((statement.kind(), statement.seq()), (SIGN_IN, 0));
    assert_eq!(statement.origin(), "test.example/desk");
    assert_eq!(
        statement.data::<Challenge>().expect("a challenge"),
        challenge
    );
    let wrong = sign_in(&request, b"wrong", &run.from(), rng);
    assert_eq!(wrong.problem.expect("a problem").code, "pki.passphrase");
    request.host = "other.example".to_owned();
    let passed_on = sign_in(&request, PIN, &run.from(), rng);
    assert!(passed_on.statement.is_none());
    assert_eq!(
        passed_on.problem.expect("a problem").code,
        "access.other-host"
    );
}
