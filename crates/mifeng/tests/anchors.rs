//! The host's anchor log: what its witnesses see and put under its heads.

use mifeng::crypto::{Digest, GM, INTL, PrivateKey};
use mifeng::log::{Anchored, Note};
use mifeng::{AnchorFiles, AnchorLog, AnchorWitnesses, Anchors, Error, Replay};
use mifeng_testkit::world::{
    Cast, DEADLINE, FullDisk, Kind, Memory, Parts, Tender, code, notice, secs,
};

const ORIGIN: &str = "host.example/anchor";

fn opened(cast: &Cast, store: &Memory, key: PrivateKey) -> AnchorLog<Memory> {
    AnchorLog::begin(store.clone(), cast.suite, ORIGIN, key).expect("an anchor log")
}

fn exported(log: &AnchorLog<Memory>) -> (Vec<u8>, Anchors) {
    let mut tar = Vec::new();
    log.export(&mut tar).expect("exported");
    let read = Anchors::read(&Parts::of_tar(&tar), &log.key().expect("a key"));
    (tar, read.expect("holds"))
}

#[test]
fn witnesses_cosign_what_goes_on_and_the_proof_carries_the_most_of_them() {
    for suite in [&INTL, &GM] {
        let mut cast = Cast::new(suite, "anchors");
        cast.is_anchored = true;
        let mut tender = Tender::unpublished(&cast, "host.example/t/anchored");
        let store = Memory::default();
        let mut log = opened(&cast, &store, cast.anchor_key());
        log.anchor(tender.host.replay()).expect("anchored");
        let (_, first) = exported(&log);
        let (early, seen) = cast
            .cosign_anchors(1, &first, &first.unseen(), 10)
            .expect("a new log");

        // The log goes on: two witnesses under the next head, one of them saw the first.
        let made = notice(&cast, tender.host.state(), Kind::Board);
        tender.publish(&made).expect("a lawful notice");
        log.anchor(tender.host.replay()).expect("anchored");
        let (_, second) = exported(&log);
        let (one, seen) = cast.cosign_anchors(1, &second, &seen, 30).expect("goes on");
        let (two, _) = cast
            .cosign_anchors(2, &second, &second.unseen(), 31)
            .expect("a new log");
        // Nothing is cosigned that takes back, nor by a clock that went back.
        assert_eq!(
            code(cast.cosign_anchors(1, &first, &seen, 40)),
            "log.rollback"
        );
        assert_eq!(
            code(cast.cosign_anchors(1, &second, &seen, 29)),
            "log.clock-back"
        );
        // Another history under the same key.
        let other = Tender::unpublished(&cast, "host.example/t/other");
        let forked = Memory::default();
        let mut fork = opened(&cast, &forked, cast.anchor_key());
        for replay in [other.host.replay(), tender.host.replay()] {
            fork.anchor(replay).expect("anchored");
        }
        let (_, forked) = exported(&fork);
        assert_eq!(code(cast.cosign_anchors(1, &forked, &seen, 40)), "log.fork");

        // The host takes heads of its log from witnesses of the tender's board.
        let replay = tender.host.replay();
        let before = store.files().clone();
        let own = log.head().expect("a head").note().to_text();
        assert!(log.add_cosignature(own.as_bytes(), replay).is_err());
        let (of_fork, _) = cast
            .cosign_anchors(1, &forked, &forked.unseen(), 30)
            .expect("unseen");
        assert!(log.add_cosignature(&of_fork, replay).is_err());
        let stranger = Cast::new(suite, "strangers");
        let (theirs, _) = stranger
            .cosign_anchors(1, &second, &second.unseen(), 30)
            .expect("unseen");
        assert!(log.add_cosignature(&theirs, replay).is_err());
        let text = String::from_utf8(one.clone()).expect("text");
        let at = text.len() - 10;
        let byte = if &text[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{byte}{}", &text[..at], &text[at + 1..]);
        assert!(log.add_cosignature(changed.as_bytes(), replay).is_err());
        assert_eq!(*store.files(), before);
        assert_eq!(log.add_cosignature(&early, replay).ok(), Some(1));
        assert_eq!(log.add_cosignature(&one, replay).ok(), Some(1));
        assert_eq!(log.add_cosignature(&two, replay).ok(), Some(2));
        let after = store.files().clone();
        assert_eq!(log.add_cosignature(&two, replay).ok(), Some(2));
        assert_eq!(*store.files(), after);

        // Two stand under the second head, over the last anchored head of this tender; nothing later is there yet.
        let mut log = opened(&cast, &store, cast.anchor_key());
        let (_, copy) = exported(&log);
        let witnessed = copy.witnessed(replay).expect("holds").expect("cosigned");
        let names: Vec<_> = witnessed.cosigned.iter().map(|(name, _)| &**name).collect();
        assert_eq!(witnessed.size, 2);
        assert_eq!(names, [Cast::witness_name(1), Cast::witness_name(2)]);
        assert_eq!(witnessed.cosigned[1].1, secs(31));
        assert!(
            copy.witnessed(other.host.replay())
                .expect("holds")
                .is_none()
        );
        log.anchor(other.host.replay()).expect("anchored");
        let proof = log.proof_for(replay).expect("anchored");
        assert_eq!((proof.index, proof.checkpoint.signatures().len()), (1, 3));
        tender.host.add_anchor(&proof).expect("holds");
        // Nobody cosigned since the other tender came: its proof is under the last head, with no line but the log's.
        let plain = log.proof_for(other.host.replay()).expect("anchored");
        assert_eq!(plain.checkpoint.signatures().len(), 1);
    }
}

/// Whoever came, and when: the anchor log says nothing of it.
#[test]
fn no_head_is_anchored_while_beats_run() {
    let mut cast = Cast::new(&INTL, "anchors");
    cast.is_anchored = true;
    let mut tender = Tender::new(&cast, "host.example/t/anchored", Kind::Board);
    let mut log = opened(&cast, &Memory::default(), cast.anchor_key());
    log.anchor(tender.host.replay()).expect("anchored");
    let sizes = |log: &AnchorLog<Memory>| -> Vec<u64> {
        log.heads().iter().map(|head| head.size()).collect()
    };
    let notice = tender.host.replay().tree.size();
    assert_eq!(sizes(&log), [notice]);
    tender.receive(1);
    tender.beat(DEADLINE - 1);
    log.anchor(tender.host.replay()).expect("nothing to do");
    assert!(tender.host.replay().tree.size() > notice);
    assert_eq!(sizes(&log), [notice]);
    // A log that was away until then gets the head of before the beats, from the host and from whoever replays.
    let read = Replay::of(&tender.bundle().files).expect("replays");
    for replay in [tender.host.replay(), &read] {
        let mut late = opened(&cast, &Memory::default(), cast.anchor_key());
        late.anchor(replay).expect("anchored");
        assert_eq!(late.heads(), log.heads());
    }
    tender.close(secs(DEADLINE)).expect("closed");
    log.anchor(tender.host.replay()).expect("anchored");
    assert_eq!(sizes(&log), [notice, tender.host.replay().tree.size()]);
}

#[test]
fn every_byte_of_a_cosigned_head_in_a_copy_counts() {
    let mut cast = Cast::new(&INTL, "anchors");
    cast.is_anchored = true;
    let tender = Tender::new(&cast, "host.example/t/anchored", Kind::Board);
    let mut log = opened(&cast, &Memory::default(), cast.anchor_key());
    log.anchor(tender.host.replay()).expect("anchored");
    let (_, first) = exported(&log);
    let (note, _) = cast
        .cosign_anchors(1, &first, &first.unseen(), 10)
        .expect("a new log");
    let taken = log.add_cosignature(&note, tender.host.replay());
    assert_eq!(taken.ok(), Some(1));
    let (tar, _) = exported(&log);
    let parts = Parts::of_tar(&tar).parts;
    let name = "log/heads/0000000001.note";
    let key = log.key().expect("a key");
    let judged = |parts: &std::collections::BTreeMap<String, Vec<u8>>| {
        let read = Anchors::read(&Parts::new(parts.clone()), &key)?;
        read.witnessed(tender.host.replay())
    };
    assert!(judged(&parts).expect("holds").is_some());
    for at in 0..parts[name].len() {
        let mut changed = parts.clone();
        changed.get_mut(name).expect("there")[at] ^= 1;
        // A line of a witness whom this tender does not know says nothing to it.
        assert!(!matches!(judged(&changed), Ok(Some(_))), "byte {at}");
    }
    let mut moved = parts.clone();
    let head = moved.remove(name).expect("there");
    moved.insert("log/heads/0000000002.note".to_owned(), head);
    assert_eq!(code(judged(&moved)), "log.root");
}

#[test]
fn a_copy_keeps_the_lines_that_a_later_one_lacks() {
    let mut cast = Cast::new(&INTL, "anchors");
    cast.is_anchored = true;
    let mut tender = Tender::unpublished(&cast, "host.example/t/anchored");
    let store = Memory::default();
    let mut log = opened(&cast, &store, cast.anchor_key());
    log.anchor(tender.host.replay()).expect("anchored");
    let key = log.key().expect("a key");
    let (bare, first) = exported(&log);
    let [one, two] = [1, 2].map(|number| {
        let note = cast.cosign_anchors(number, &first, &first.unseen(), 10);
        note.expect("a new log").0
    });
    let name = "log/heads/0000000001.note";
    let known = AnchorWitnesses::of(tender.host.replay()).expect("proper keys");
    // Copies of the same log with the lines of one witness, of the other, and of neither.
    let with = |tar: &[u8], note: &[u8]| {
        let mut parts = Parts::of_tar(tar).parts;
        parts.insert(name.to_owned(), note.to_vec());
        Parts::new(parts)
    };
    let read = |files: &Parts| Anchors::read(files, &key).expect("holds");
    let joined = |files: &Parts, earlier: &Anchors| {
        let mut tar = Vec::new();
        let written = read(files).join(earlier, &known, files, &mut tar);
        assert_eq!(written.expect("read"), !tar.is_empty());
        (!tar.is_empty()).then_some(tar)
    };
    let lines = |tar: &[u8]| {
        let files = Parts::of_tar(tar);
        read(&files);
        let note = mifeng::log::Note::parse(&files.parts[name]).expect("a note");
        note.signatures().len()
    };
    let of_one = with(&bare, &one);
    let earlier = read(&of_one);
    // The host takes them away; shows others; shows more of the log without any.
    let again = joined(&Parts::of_tar(&bare), &earlier).expect("it lacked one");
    assert_eq!(lines(&again), 2);
    let both = joined(&with(&bare, &two), &earlier).expect("it lacked one");
    assert_eq!(lines(&both), 3);
    let made = notice(&cast, tender.host.state(), Kind::Board);
    tender.publish(&made).expect("a lawful notice");
    log.anchor(tender.host.replay()).expect("anchored");
    let (longer, last) = exported(&log);
    let both = read(&Parts::of_tar(&both));
    let kept = joined(&Parts::of_tar(&longer), &both).expect("it lacked two");
    assert_eq!(lines(&kept), 3);
    let kept = read(&Parts::of_tar(&kept));
    assert!(kept.extends(&both) && kept.extends(&last));
    // What lacks nothing stays as it came.
    assert_eq!(joined(&of_one, &first), None);
    assert_eq!(joined(&of_one, &earlier), None);
}

/// A host that showed a false line once, with the name and the number of a true witness's key.
#[test]
fn a_false_line_in_a_copy_keeps_no_witness_out() {
    let mut cast = Cast::new(&INTL, "anchors");
    cast.is_anchored = true;
    let tender = Tender::new(&cast, "host.example/t/anchored", Kind::Board);
    let replay = tender.host.replay();
    let mut log = opened(&cast, &Memory::default(), cast.anchor_key());
    log.anchor(replay).expect("anchored");
    let key = log.key().expect("a key");
    let (bare, first) = exported(&log);
    let [one, two] = [1, 2].map(|number| {
        let note = cast.cosign_anchors(number, &first, &first.unseen(), 10);
        Note::parse(&note.expect("a new log").0).expect("a note")
    });
    let line = |note: &Note| note.signatures().last().expect("a line").clone();
    let text = one.to_text();
    let (_, said) = text.trim_end().rsplit_once(' ').expect("a line");
    let at = said.len() - 10;
    let byte = if &said[at..=at] == "A" { "B" } else { "A" };
    let said = format!("{}{byte}{}", &said[..at], &said[at + 1..]);
    let mut lines = format!("— {} {said}\n", line(&one).name());
    for number in 0..30 {
        lines += &format!("— nobody-{number} {said}\n");
    }
    let head = first.head().note().to_text();
    let poisoned = format!("{head}{lines}");
    let poisoned = Note::parse(poisoned.as_bytes()).expect("a note");
    let read = |note: &Note| {
        let mut parts = Parts::of_tar(&bare).parts;
        let name = "log/heads/0000000001.note".to_owned();
        parts.insert(name, note.to_text().into_bytes());
        let parts = Parts::new(parts);
        (Anchors::read(&parts, &key).expect("holds"), parts)
    };
    let count = |copy: &Anchors| {
        let witnessed = copy.witnessed(replay).expect("no reason to fail");
        witnessed.map_or(0, |witnessed| witnessed.cosigned.len())
    };
    let (earlier, _) = read(&poisoned);
    assert_eq!((poisoned.signatures().len(), count(&earlier)), (32, 0));
    let known = AnchorWitnesses::of(replay).expect("proper keys");
    let joined = |new: &Note, earlier: &Anchors| {
        let ((new, files), mut tar) = (read(new), Vec::new());
        let lacked = new.join(earlier, &known, &files, &mut tar);
        assert!(lacked.expect("written"));
        Anchors::read(&Parts::of_tar(&tar), &key).expect("holds")
    };
    // The true one has the false one's place, and the next one that of somebody whom nobody knows.
    let with_one = joined(&one, &earlier);
    assert_eq!(count(&with_one), 1);
    assert_eq!(count(&joined(&two, &with_one)), 2);
    // What is false is not missing in what came.
    let text = format!(
        "{head}{}",
        lines.split_inclusive('\n').next().expect("a line")
    );
    let (earlier, _) = read(&Note::parse(text.as_bytes()).expect("a note"));
    assert_eq!(count(&earlier), 0);
    let ((new, files), mut tar) = (read(&one), Vec::new());
    let lacked = new.join(&earlier, &known, &files, &mut tar);
    assert!(!lacked.expect("asked") && tar.is_empty());
}

/// What a host shows of its log one by one brings every copy of it to what an export has, and another history to nothing.
#[test]
fn a_copy_and_what_is_new_are_the_log() {
    for suite in [&INTL, &GM] {
        let mut cast = Cast::new(suite, "anchors");
        cast.is_anchored = true;
        let grown = |log: &mut AnchorLog<Memory>, size: usize| {
            for n in log.heads().len()..size {
                let head = Anchored::new(&format!("host.example/t/{n}"), 1, Digest::default());
                log.append(head.expect("short")).expect("appended");
            }
            exported(log)
        };
        let mut log = opened(&cast, &Memory::default(), cast.anchor_key());
        let copies = [(1, 2), (255, 2), (256, 1), (257, 1), (300, 0)];
        let copies = copies.map(|(size, lacked)| (grown(&mut log, size), lacked));
        let ((last, whole), _) = copies.last().expect("some");
        let names = whole.head_files();
        let head = |tar: &[u8]| Parts::of_tar(tar).parts[*names.last().expect("one")].clone();
        let bundles = |copy: &Anchors, tar: &[u8]| copy.bundles_to(&head(tar)).expect("a head");
        let shown = Parts::of_tar(last).parts;
        for ((tar, copy), lacked) in &copies {
            // The bundle that the copy ends in, and those after it.
            let wanted = bundles(copy, last).expect("no older one");
            assert_eq!(wanted.len(), *lacked);
            assert_eq!(bundles(whole, tar).is_none(), *lacked > 0);
            let names = names.iter().map(|name| (*name).to_owned()).chain(wanted);
            let came: AnchorFiles = names
                .map(|name| (name.clone(), shown[&name].clone()))
                .collect();
            let updated = |came: AnchorFiles| {
                let mut out = Vec::new();
                let done = copy.update(&Parts::of_tar(tar), came, &mut out);
                done.map(|()| out)
            };
            assert!(updated(came.clone()).expect("written") == *last);
            for bundle in came.keys().filter(|name| name.contains("entries")) {
                let mut less = came.clone();
                less.remove(bundle);
                assert!(updated(less).is_err(), "{bundle}");
            }
        }

        // Another history that ends alike: its root is not that of the copy's entries and the new ones.
        let mut fork = opened(&cast, &Memory::default(), cast.anchor_key());
        let other = Anchored::new("host.example/t/other", 1, Digest::default());
        fork.append(other.expect("short")).expect("appended");
        let (fork, _) = grown(&mut fork, 300);
        let forked = Parts::of_tar(&fork).parts;
        let ((tar, copy), _) = &copies[2];
        let wanted = bundles(copy, &fork).expect("no older one");
        let names = names.iter().map(|name| (*name).to_owned()).chain(wanted);
        let came = names.map(|name| (name.clone(), forked[&name].clone()));
        let mut out = Vec::new();
        copy.update(&Parts::of_tar(tar), came.collect(), &mut out)
            .expect("written");
        let read = Anchors::read(&Parts::of_tar(&out), &log.key().expect("a key"));
        assert_eq!(code(read), "log.root");
        // What another key signed is asked for nothing.
        let mut stranger = opened(&cast, &Memory::default(), cast.log_key());
        let (stranger, _) = grown(&mut stranger, 300);
        assert!(copy.bundles_to(&head(&stranger)).is_err());
    }
}

#[test]
fn what_was_not_written_is_shown_to_nobody() {
    let mut cast = Cast::new(&INTL, "anchors");
    cast.is_anchored = true;
    let tender = Tender::unpublished(&cast, "host.example/t/anchored");
    let other = Tender::unpublished(&cast, "host.example/t/other");
    let disk = FullDisk::default();
    let open = || AnchorLog::begin(disk.clone(), &INTL, ORIGIN, cast.anchor_key());
    let mut log = open().expect("an anchor log");
    log.anchor(tender.host.replay()).expect("anchored");
    let mut first = Vec::new();
    log.export(&mut first).expect("exported");
    disk.set_full(true);
    let before = disk.store.files().clone();
    assert!(log.anchor(other.host.replay()).is_err());
    assert_eq!(*disk.store.files(), before);
    // It may be on the disk, or not: only the disk tells.
    disk.set_full(false);
    let origin = "host.example/t/anchored";
    assert!(log.export(&mut Vec::new()).is_err() && log.proof(origin).is_err());
    assert!(log.anchor(other.host.replay()).is_err());
    let mut log = open().expect("the log again");
    let mut again = Vec::new();
    log.export(&mut again).expect("exported");
    assert_eq!(again, first);
    log.anchor(other.host.replay()).expect("anchored");
    assert_eq!(log.heads().len(), 2);
}

#[test]
fn what_is_remembered_is_read_again_only_after_somebody_else_wrote() {
    for suite in [&INTL, &GM] {
        let mut cast = Cast::new(suite, "anchors");
        cast.is_anchored = true;
        let mut tender = Tender::unpublished(&cast, "host.example/t/anchored");
        let disk = FullDisk::default();
        let (store, own) = (disk.store.clone(), (cast.suite, ORIGIN));
        let again = |before| {
            let log = AnchorLog::open_again(disk.clone(), own, cast.anchor_key(), before);
            log.map(|mut log| {
                log.look_at_cosigned().expect("read");
                log
            })
        };
        let copy = |log: &AnchorLog<FullDisk>| {
            let mut tar = Vec::new();
            log.export(&mut tar).expect("exported");
            let key = log.key().expect("a key");
            let read = Anchors::read(&Parts::of_tar(&tar), &key).expect("holds");
            (tar, read)
        };
        opened(&cast, &store, cast.anchor_key());
        let mut log = again(None).expect("begun");
        log.anchor(tender.host.replay()).expect("anchored");
        let (first, read) = copy(&log);
        let memory = log.leave();
        // Nobody wrote: not even the entries are looked at, nor heads that were read before.
        let entries = store.files().remove("entries").expect("there");
        assert!(again(None).is_err());
        let mut log = again(memory).expect("remembered");
        assert_eq!(copy(&log).0, first);
        let (note, _) = cast
            .cosign_anchors(1, &read, &read.unseen(), 10)
            .expect("a new log");
        let replay = tender.host.replay();
        assert_eq!(log.add_cosignature(&note, replay).ok(), Some(1));
        let memory = log.leave();
        let mut files = store.files();
        let name = "log/heads/0000000001.note";
        let cosigned = files.insert(name.to_owned(), Vec::new()).expect("there");
        files.insert(name.to_owned(), vec![b'x'; cosigned.len()]);
        drop(files);
        let log = again(memory).expect("remembered");
        let found: Vec<(&str, u64)> = log.cosigned().collect();
        assert_eq!(found, [(name, cosigned.len() as u64)]);
        let proof = log.proof_for(tender.host.replay()).expect("anchored");
        assert_eq!(proof.checkpoint.signatures().len(), 2);
        let memory = log.leave();
        store.files().insert(name.to_owned(), cosigned);
        store.files().insert("entries".to_owned(), entries);

        // Others write: an entry, then lines under both heads.
        let made = notice(&cast, tender.host.state(), Kind::Board);
        tender.publish(&made).expect("a lawful notice");
        let mut other = again(None).expect("opened");
        other.anchor(tender.host.replay()).expect("anchored");
        let (second, read) = copy(&other);
        let log = again(memory).expect("read again");
        assert_eq!((log.heads(), copy(&log).0), (other.heads(), second));
        let memory = log.leave();
        for number in [1, 2] {
            let note = cast.cosign_anchors(number, &read, &read.unseen(), 20);
            let (note, _) = note.expect("a new log");
            let taken = other.add_cosignature(&note, tender.host.replay());
            assert_eq!(taken.ok(), Some(usize::from(number)));
        }
        let mut log = again(memory).expect("remembered");
        assert_eq!(copy(&log).0, copy(&other).0);
        let proof = |log: &AnchorLog<FullDisk>| log.proof_for(tender.host.replay()).ok();
        assert_eq!(proof(&log), proof(&other));
        // A write that failed is forgotten with all the rest.
        disk.set_full(true);
        let more = Tender::unpublished(&cast, "host.example/t/other");
        assert!(log.anchor(more.host.replay()).is_err() && log.leave().is_none());
    }
}

#[test]
fn a_log_that_is_not_there_is_not_begun_again() {
    let mut cast = Cast::new(&INTL, "anchors");
    cast.is_anchored = true;
    let tender = Tender::unpublished(&cast, "host.example/t/anchored");
    let store = Memory::default();
    let open = |key| AnchorLog::open(store.clone(), &INTL, ORIGIN, key);
    let away = |key| matches!(open(key), Err(Error::Unavailable { .. }));
    assert!(away(cast.anchor_key()) && store.files().is_empty());
    opened(&cast, &store, cast.anchor_key());
    let note = store.files().clone();
    let mut log = open(cast.anchor_key()).expect("begun");
    assert!(log.heads().is_empty());
    // Another log gets no entry there.
    let other = "host.example/other";
    let no = AnchorLog::begin(store.clone(), &INTL, other, cast.anchor_key());
    assert_eq!(code(no), "log.origin");
    log.anchor(tender.host.replay()).expect("anchored");
    // The disk is not there; an empty one is.
    store.files().clear();
    assert!(away(cast.anchor_key()) && store.files().is_empty());
    *store.files() = note;
    assert!(open(cast.anchor_key()).is_ok());
}
