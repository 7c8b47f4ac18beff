//! The register of seals: a whole life of some seals, kept in a store, read by others, refused where its
//! rules say no.

use mifeng::crypto::{Digest, HashAlg, SeededEntropy};
use mifeng::registry::{Register, Registry};
use mifeng::seals::{Alert, Approve, Fate, Reason, Revoke, Trust};
use mifeng::stamp::{Outcome, Protected, StepId, Verdict, check_signature};
use mifeng_testkit::registry::{
    By, DAY, LETTER, ORIGIN, RECORDS, REVOKED_DAY, Story, World, entry_of, second, story,
};
use mifeng_testkit::world::{Memory, Parts, keys};

fn read(story: &Story) -> Register {
    Register::read(&Parts::of_tar(&story.tar), &story.world.trust()).expect("valid")
}

fn sm3(seal: &mifeng::stamp::Seal) -> Digest {
    HashAlg::Sm3.digest(seal.der())
}

#[test]
fn a_life_is_told_again() {
    let story = story();
    let register = read(&story);
    assert_eq!(register.lines.len() as u64, RECORDS);
    assert_eq!(register.lines[0].kind, "log.config");
    let state = &register.state;
    assert_eq!(state.applications().len(), 5);
    let fate = |id| &state.applications()[id].fate;
    assert_eq!(*fate(&story.applied), Fate::Made(sm3(&story.first)));
    assert!(matches!(fate(&story.declined), Fate::Declined(why) if why.contains("备案")));
    assert_eq!(*fate(&story.waiting), Fate::Pending);
    let second = &state.numbers()[story.second.id()];
    assert_eq!(second.editions, [sm3(&story.second), sm3(&story.edition)]);
    assert!(second.revoked.is_none());
    let revoked = state.numbers()[story.first.id()].revoked.as_ref();
    assert_eq!(revoked.map(|r| r.reason), Some(Reason::KeyCompromised));
    // What is entered and free: the letter, the first contract; the second one waits.
    let free = |seal, document: &[u8]| {
        let uses = state.uses_of(&sm3(seal), &HashAlg::Sm3.digest(document));
        uses.iter().map(|one| one.is_free()).collect::<Vec<_>>()
    };
    assert_eq!(free(&story.first, LETTER), [true]);
    assert_eq!(free(&story.second, b"a contract"), [true]);
    assert_eq!(free(&story.second, b"another contract"), [false]);
    assert_eq!(free(&story.second, LETTER), [false; 0]);
}

#[test]
fn ends_are_told_in_time() {
    let story = story();
    let state = &read(&story).state;
    // The first is revoked; the second was extended to day 350.
    let at = |day: i64| {
        let found = state.expiring(second(day * DAY));
        found
            .into_iter()
            .map(|e| (e.alert, e.days))
            .collect::<Vec<_>>()
    };
    assert!(at(289).is_empty());
    assert_eq!(at(290), [(Alert::Days60, 60)]);
    assert_eq!(at(319), [(Alert::Days60, 31)]);
    assert_eq!(at(320), [(Alert::Days30, 30)]);
    assert_eq!(at(343), [(Alert::Days7, 7)]);
    assert_eq!(at(350), [(Alert::Days7, 0)]);
    assert_eq!(at(351), [(Alert::Ended, 0)]);
}

#[test]
fn sealed_before_a_revocation_holds_with_a_time_stamp_only() {
    let story = story();
    let registers = [read(&story).state.register()];
    let world = &story.world;
    let before = (REVOKED_DAY - 1) * DAY;
    let between = [world.cast.ca.certificate().clone()];
    let judged = |at: i64, stamped: Option<i64>| {
        let signature = world.sealed(&story.first, LETTER, at, stamped);
        let reader = world.trust();
        let mut trust = mifeng::stamp::Trust::new(reader.makers, reader.material, second(40 * DAY));
        trust.material.intermediates = &between;
        trust.registers = &registers;
        let found = check_signature(signature.der(), Protected::Bytes(LETTER), &trust).report;
        let code = match found.outcome(StepId::SealRegister) {
            Some(Outcome::Pass(Some(f)) | Outcome::Unknown(f) | Outcome::Fail(f)) => Some(f.code),
            _ => None,
        };
        (found.verdict(), code)
    };
    let last = REVOKED_DAY * DAY - 1;
    let later = Some("stamp.seal-revoked-later");
    assert_eq!(judged(before, Some(before)), (Verdict::Valid, later));
    assert_eq!(judged(last, Some(last)), (Verdict::Valid, later));
    let unproven = Some("stamp.time-unproven");
    assert_eq!(judged(before, None), (Verdict::Undetermined, unproven));
    let revoked = Some("stamp.seal-revoked");
    // The instant itself is too late.
    assert_eq!(judged(last, Some(last + 1)), (Verdict::Invalid, revoked));
    assert_eq!(judged(last + 1, None), (Verdict::Invalid, revoked));
}

#[test]
fn a_register_is_opened_again_and_goes_on() {
    let mut world = World::new();
    let (mut registry, store) = world.begin();
    let asked = world.application("投标人0有限公司", 300);
    let record = world.record(By::Unit, ("seal.apply", &asked), 0, 10);
    let trust = world.trust();
    let taken = registry.submit(&record, &trust, second(10)).expect("taken");
    let mut earlier = Vec::new();
    registry.export(&mut earlier).expect("written");
    // What a crash leaves beyond the head was never acknowledged.
    let entries = store.files()["entries"].clone();
    store.files().insert(
        "entries".to_owned(),
        [&entries[..], b"\x00\x05torn"].concat(),
    );
    drop(registry);
    let again = Registry::open(store.clone(), keys(&world.cast), &world.trust());
    let mut registry = again.expect("opened");
    assert_eq!(registry.register().lines.len(), 2);
    assert_eq!(registry.register().lines[1].commitment, taken);
    let seal = world.seal(By::Maker, &asked, "1", 20);
    let made = mifeng::seals::Make::new(taken, &seal);
    let entropy = &mut SeededEntropy::new(b"maker");
    let record = registry.draft("seal.make", &made, second(20), entropy);
    let record = record.expect("drafted");
    let trust = world.trust();
    registry.submit(&record, &trust, second(20)).expect("made");
    let mut later = Vec::new();
    registry.export(&mut later).expect("written");
    let read = |tar: &[u8]| Register::read(&Parts::of_tar(tar), &world.trust()).expect("valid");
    assert!(read(&later).extends(&read(&earlier)));
    assert!(!read(&earlier).extends(&read(&later)));
}

#[test]
fn a_refusal_changes_nothing() {
    let mut world = World::new();
    let (mut registry, store) = world.begin();
    let before = store.files().clone();
    let asked = world.application("投标人0有限公司", 300);
    let code = |registry: &mut Registry<Memory>, record, trust: &Trust<'_>, at| {
        let said = registry.submit(record, trust, second(at));
        said.err().map(|e| e.code())
    };
    // Dated too far from the maker's clock; of a person whom nobody trusts; of a rule that says no.
    let early = world.record(By::Unit, ("seal.apply", &asked), 0, 10);
    let nobody = mifeng::pki::Anchors::default();
    let trust = world.trust();
    let untrusting = Trust {
        people: Some(&nobody),
        ..trust
    };
    assert_eq!(
        code(&mut registry, &early, &trust, 611),
        Some("file.malformed")
    );
    let found = code(&mut registry, &early, &untrusting, 10);
    assert_eq!(found, Some("pki.unlisted-ca"));
    let by_unit = world.record(
        By::Unit,
        (
            "seal.approve",
            &Approve {
                using: Digest::default(),
            },
        ),
        0,
        10,
    );
    let trust = world.trust();
    assert_eq!(
        code(&mut registry, &by_unit, &trust, 10),
        Some("registry.unknown")
    );
    assert_eq!(*store.files(), before);
    assert_eq!(code(&mut registry, &early, &trust, 610), None);
    // A second register in the same folder would be another log.
    let again = Registry::create(
        store.clone(),
        ORIGIN,
        keys(&world.cast),
        &trust,
        second(0),
        &mut SeededEntropy::new(b"again"),
    );
    assert_eq!(again.err().map(|e| e.code()), Some("file.malformed"));
}

#[test]
fn dual_control_needs_two() {
    let mut world = World::new();
    let (mut registry, _) = world.begin();
    let mut asked = world.application("投标人0有限公司", 300);
    asked.dual = true;
    // The keeper holds the key of the seal as well.
    asked.form.keeper.cert = Some(world.print(By::Unit));
    let mut enter = |world: &World, record, at| {
        let trust = world.trust();
        registry
            .submit(record, &trust, second(at))
            .map_err(|e| e.code())
    };
    let record = world.record(By::Unit, ("seal.apply", &asked), 0, 10);
    let applied = enter(&world, &record, 10).expect("applied");
    let seal = world.seal(By::Maker, &asked, "1", 20);
    let made = mifeng::seals::Make::new(applied, &seal);
    let record = world.record(By::Maker, ("seal.make", &made), 1, 20);
    enter(&world, &record, 20).expect("made");
    let record = world.record(
        By::Unit,
        ("seal.use", &entry_of(&seal, LETTER, "李四")),
        1,
        30,
    );
    let using = enter(&world, &record, 30).expect("entered");
    let record = world.record(By::Unit, ("seal.approve", &Approve { using }), 2, 40);
    assert_eq!(enter(&world, &record, 40), Err("registry.same-person"));
}

#[test]
fn a_key_may_turn_out_to_be_lost_earlier() {
    let mut world = World::new();
    let (mut registry, _) = world.begin();
    let asked = world.application("投标人0有限公司", 300);
    let mut enter = |world: &World, record, at| {
        let trust = world.trust();
        registry
            .submit(record, &trust, second(at))
            .map_err(|e| e.code())
    };
    let record = world.record(By::Unit, ("seal.apply", &asked), 0, 10);
    let applied = enter(&world, &record, 10).expect("applied");
    let seal = world.seal(By::Maker, &asked, "1", 20);
    let made = mifeng::seals::Make::new(applied, &seal);
    let record = world.record(By::Maker, ("seal.make", &made), 1, 20);
    enter(&world, &record, 20).expect("made");
    let revoke = |day: i64| Revoke {
        from: second(day * DAY),
        note: String::new(),
        number: "1".to_owned(),
        reason: Reason::KeyCompromised,
    };
    // By the unit itself; then the maker learns more.
    let record = world.record(By::Unit, ("seal.revoke", &revoke(5)), 1, 6 * DAY);
    enter(&world, &record, 6 * DAY).expect("revoked");
    let record = world.record(By::Maker, ("seal.revoke", &revoke(4)), 2, 6 * DAY);
    enter(&world, &record, 6 * DAY).expect("from an earlier day");
    let record = world.record(By::Maker, ("seal.revoke", &revoke(4)), 3, 6 * DAY);
    assert_eq!(enter(&world, &record, 6 * DAY), Err("registry.revoked"));
    // Nothing is entered from then on, and no new edition is applied for.
    let using = entry_of(&seal, LETTER, "李四");
    let record = world.record(By::Unit, ("seal.use", &using), 2, 6 * DAY);
    assert_eq!(enter(&world, &record, 6 * DAY), Err("registry.revoked"));
}
