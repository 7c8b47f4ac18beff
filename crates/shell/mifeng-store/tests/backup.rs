//! The backup drill on every store: copied while it runs, put back elsewhere, gone on with; and what is said of
//! a copy or a store that lost a byte.
#![allow(clippy::panic)] // A failed expectation, with the store it is about.

mod common;

use common::{Kept, places};
use mifeng::crypto::{GM, INTL};
use mifeng::{Backup, Error, Host, Store, back_up, check_store};
use mifeng_store::Access;
use mifeng_testkit::world::{Cast, Kind, Memory, Tender, keys, notice};
use std::io::Cursor;

/// Bids are in, the window is closed, shares are out.
fn received(cast: &Cast, store: Memory) -> Tender<'_> {
    let roots = std::slice::from_ref(&cast.root);
    let mut tender = Tender::unpublished_in(cast, "host.example/t/backup", roots, store);
    let notice = notice(cast, tender.host.state(), Kind::Joint);
    tender.publish(&notice).expect("published");
    tender.receive(3);
    tender.close_and_release(Kind::Joint);
    tender
}

fn copy(store: &dyn Store) -> Vec<u8> {
    let mut tar = Vec::new();
    let copied = back_up(store, &mut tar).expect("copied");
    assert!(copied.files > 20);
    tar
}

/// The rest of the tender, to its dossier.
fn finish(cast: &Cast, store: Memory) -> Vec<u8> {
    let host = Host::open(store.clone(), keys(cast)).expect("opens");
    let mut tender = Tender::on(cast, store, host, b"rest");
    tender.open_all(100);
    let seated = tender.draw(101);
    assert!(tender.evaluate(&seated, 102));
    tender.archive(103)
}

fn reading(kept: &Kept, writer: &Memory) -> Vec<u8> {
    match kept.is_database() {
        true => copy(&*kept.open_as("t", Access::Read)),
        // A folder is read by nobody but its writer.
        false => copy(writer),
    }
}

#[test]
fn a_backup_goes_on_in_any_other_store() {
    let cast = Cast::new(&GM, "backup");
    let memory = received(&cast, Memory::default()).store;
    let wanted = copy(&memory);
    assert!(copy(&memory) == wanted, "the same store, the same bytes");
    let end = finish(&cast, memory);
    for kept in places() {
        println!("{}", kept.name);
        let tender = received(&cast, Memory::over(kept.open("t")));
        assert!(reading(&kept, &tender.store) == wanted, "{}", kept.name);
        let mut store = kept.open("restored");
        let backup = Backup::open(Cursor::new(&wanted)).expect("whole");
        backup.restore(&mut *store).expect("restored");
        assert!(copy(&*store) == wanted, "{}", kept.name);
        // What is there is never written over.
        let again = Backup::open(Cursor::new(&wanted)).expect("whole");
        let said = again.restore(&mut *store).map_err(|e| e.code());
        assert_eq!(said, Err("file.malformed"), "{}", kept.name);
        assert!(copy(&*store) == wanted, "{}", kept.name);
        let check = check_store(&*store).expect("replays");
        assert!(check.findings.is_empty(), "{:?}", check.findings);
        assert_eq!(
            (check.bids, check.origin.as_str()),
            (3, "host.example/t/backup")
        );
        assert!(
            finish(&cast, Memory::over(store)) == end,
            "{}: another dossier",
            kept.name
        );
        let examined = kept.place.examine("restored");
        // The folder's writer is still there.
        if let Ok(examined) = examined {
            assert!(
                examined.damaged.is_empty() && examined.loose.is_empty(),
                "{}",
                kept.name
            );
            assert!(examined.files > check.files, "{}", kept.name);
        }
    }
}

#[test]
fn a_restore_that_broke_off_leaves_no_tender_and_can_be_done_again() {
    let cast = Cast::new(&INTL, "backup");
    let tar = copy(&received(&cast, Memory::default()).store);
    let kept = places().remove(1);
    let mut store = kept.open("t");
    // Of what was put there half before, nothing is kept.
    for name in ["entries", "incoming.bid"] {
        store
            .write(name, &mut &b"something else"[..])
            .expect("written");
    }
    assert!(check_store(&*store).is_err());
    let backup = Backup::open(Cursor::new(&tar)).expect("whole");
    backup.restore(&mut *store).expect("restored");
    assert!(copy(&*store) == tar);
    // What another copy left would become part of this tender.
    let mut other = kept.open("other");
    let name = "log/heads/another.note";
    other.write(name, &mut &b"a head"[..]).expect("written");
    let backup = Backup::open(Cursor::new(&tar)).expect("whole");
    let said = backup.restore(&mut *other).expect_err("refused");
    assert!(said.to_string().contains(name), "{said}");
    assert_eq!(other.list("").expect("listed").len(), 1);
}

#[test]
fn a_copy_made_while_the_host_runs_holds_no_later_head() {
    let cast = Cast::new(&INTL, "backup");
    for kept in places().into_iter().filter(Kept::is_database) {
        let store = Memory::over(kept.open("t"));
        let roots = std::slice::from_ref(&cast.root);
        let mut tender = Tender::unpublished_in(&cast, "host.example/t/backup", roots, store);
        let notice = notice(&cast, tender.host.state(), Kind::Board);
        tender.publish(&notice).expect("published");
        let state = kept.open_as("t", Access::Snapshot);
        // The log grows, and witnesses cosign the new head.
        tender.receive(2);
        tender.close_witnessed();
        let check = check_store(&*state).expect("replays");
        assert!(check.findings.is_empty(), "{:?}", check.findings);
        assert_eq!(check.bids, 0, "{}", kept.name);
        let backup = Backup::open(Cursor::new(copy_of(&*state))).expect("whole");
        let mut restored = Memory::default();
        backup.restore(&mut restored).expect("restored");
        let check = check_store(&restored).expect("replays");
        assert!(check.findings.is_empty(), "{:?}", check.findings);
    }
}

fn copy_of(store: &dyn Store) -> Vec<u8> {
    let mut tar = Vec::new();
    let _ = back_up(store, &mut tar).expect("copied");
    tar
}

#[test]
fn a_document_that_the_notice_names_is_missed() {
    let cast = Cast::new(&INTL, "backup");
    let mut tender = Tender::unpublished(&cast, "host.example/t/documents");
    let hash = tender
        .host
        .add_document(b"the tender document")
        .expect("kept");
    let mut notice = notice(&cast, tender.host.state(), Kind::Board);
    notice.documents.push(mifeng::tender::Document {
        name: "document.pdf".to_owned(),
        size: 19,
        hash,
    });
    tender.publish(&notice).expect("published");
    let sound = |memory: &Memory| check_store(memory).map(|check| check.findings.len());
    assert!(matches!(sound(&tender.store), Ok(0)));
    let name = format!("docs/{hash}");
    tender.store.files().remove(&name).expect("it was there");
    assert!(matches!(sound(&tender.store), Ok(1)));
}

#[test]
fn a_copy_that_lost_a_byte_is_refused() {
    let cast = Cast::new(&INTL, "backup");
    let mut tar = copy(&received(&cast, Memory::default()).store);
    let refused = |tar: &[u8], what: &str| match Backup::open(Cursor::new(tar)) {
        Err(Error::Malformed { .. } | Error::Crypto(_)) => {}
        Err(e) => panic!("{what}: {e}"),
        Ok(_) => panic!("{what} went unseen"),
    };
    for at in (0..tar.len())
        .step_by(1_999)
        .chain((tar.len() - 2_048..tar.len()).step_by(5))
    {
        tar[at] ^= 1;
        refused(&tar, &format!("byte {at}"));
        tar[at] ^= 1;
    }
    for len in (0..tar.len())
        .step_by(4_999)
        .chain(tar.len() - 3..tar.len())
    {
        refused(&tar[..len], &format!("an end at {len}"));
    }
    tar.push(0);
    refused(&tar, "a byte too many");
}

#[test]
fn a_store_that_lost_a_byte_is_found_out() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "backup");
        let memory = received(&cast, Memory::default()).store;
        let whole = memory.files().clone();
        let sound =
            |memory: &Memory| check_store(memory).is_ok_and(|check| check.findings.is_empty());
        assert!(sound(&memory));
        for (name, content) in &whole {
            if name == "incoming.bid" {
                continue;
            }
            let len = content.len();
            for at in [0, 1, len / 3, len / 2, len - 2, len - 1] {
                let mut bad = content.clone();
                bad[at] ^= 1;
                memory.files().insert(name.clone(), bad);
                assert!(!sound(&memory), "{name}: byte {at} went unseen");
            }
            memory
                .files()
                .insert(name.clone(), content[..len - 1].to_vec());
            assert!(!sound(&memory), "{name}: an end that is gone went unseen");
            memory.files().remove(name);
            // Evidence that nothing names may be missing: what is never there is no part of a tender.
            let free = ["crl/", "certs/", "tsr/", "log/heads/"];
            if !free.iter().any(|prefix| name.starts_with(prefix)) {
                assert!(!sound(&memory), "{name} is gone, unseen");
            }
            memory.files().insert(name.clone(), content.clone());
        }
    }
}
