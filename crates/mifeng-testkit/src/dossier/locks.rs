//! Tenders under each kind of lock, with everything that can become of a bid.

use crate::world::{
    Bundle, Cast, DEADLINE, Formation, Kind, SESSION, Sealed, Tender, Trustee, WINDOW_END, notice,
    secs, witness_of,
};
use mifeng::crypto::{SeededEntropy, Suite};
use mifeng::lock::dkg::StaticKey;
use mifeng::lock::tlock::ChainKey;
use mifeng::lock::{Leaf, Node, Policy};
use mifeng::tender::{BidReplace, BidWithdraw, BoardAbandon, KeyReveal};
use mifeng::{Error, trustee};
use std::io::Cursor;

const ORIGIN: &str = "host.example/t/locks";

/// What a tender shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// A remedy plan, a trustee who lies, a bid in every status; and the close is witnessed by heads of two sizes.
    Statuses,
    /// A key made for the tender, whose shares are revealed.
    OneTimeKey,
    /// A clock beside bidder and board.
    Clock,
    /// A board whose key was handed on.
    HandedOn,
    /// A making of a key that a complaint ended and a handing on that was given up, before both succeeded; and a
    /// head that a trustee cosigned who has left.
    Replaced,
}

impl Lock {
    /// Each.
    pub const ALL: [Lock; 5] = [
        Lock::Statuses,
        Lock::OneTimeKey,
        Lock::Clock,
        Lock::HandedOn,
        Lock::Replaced,
    ];

    /// As in names of files.
    pub fn name(self) -> &'static str {
        match self {
            Lock::Statuses => "statuses",
            Lock::OneTimeKey => "one-time-key",
            Lock::Clock => "clock",
            Lock::HandedOn => "handed-on",
            Lock::Replaced => "replaced",
        }
    }
}

/// The whole dossier of a tender that was given up after its opening, the same bytes every time.
///
/// # Panics
/// If the engine refuses a step of the story: a bug.
pub fn locked(suite: &'static Suite, lock: Lock) -> Vec<u8> {
    let cast = Cast::new(suite, "locks");
    match lock {
        Lock::Statuses => statuses(&cast),
        Lock::OneTimeKey => one_time_key(&cast),
        Lock::Clock => clock(&cast),
        Lock::HandedOn => handed_on(&cast),
        Lock::Replaced => replaced(&cast),
    }
}

fn publish(tender: &mut Tender<'_>, policy: Policy) {
    let mut notice = notice(tender.cast, tender.host.state(), Kind::Joint);
    notice.policy = policy;
    tender.publish(&notice).expect("a lawful notice");
}

/// Hands a bid in without the second half of its file.
pub(crate) fn send_half(tender: &mut Tender<'_>, bid: &Sealed, at: i64) -> Result<(), Error> {
    let mut half = Cursor::new(&bid.file[..bid.file.len() / 2]);
    tender
        .host
        .submit(bid.record.clone(), Some(&mut half), secs(at))
}

fn release_with(tender: &mut Tender<'_>, seat: &Trustee, key: &StaticKey, main: bool, at: i64) {
    let Bundle { replay, files } = tender.bundle();
    let share = if main {
        trustee::secret_share
    } else {
        trustee::fallback_share
    };
    let secret = share(&replay, key).expect("own share");
    let data = trustee::release(&replay, &files, &secret, secs(at), &mut tender.rng);
    let data = data.expect("released");
    tender
        .say(&seat.person, "board.share", &data, at)
        .expect("taken");
}

fn statuses(cast: &Cast) -> Vec<u8> {
    let mut tender = Tender::unpublished(cast, ORIGIN);
    let (seats, records) = cast.fallback();
    for record in records {
        tender.take(record, 0).expect("the second board");
    }
    let state = tender.host.state();
    let (board, fallback) = (state.board().expect("made"), state.fallback());
    let policy = Policy::joint_with_remedy(board.key(), fallback.expect("made").key());
    publish(&mut tender, policy);
    let sealed = bids(&mut tender);
    let late = tender.seal(3, 710_000, 46);
    tender.close(secs(DEADLINE)).expect("closed");
    // No head over the close is cosigned by two: the log grows between the two witnesses.
    tender.cosign_by(0, DEADLINE + 1);
    tender.stamp(DEADLINE + 1);
    assert!(tender.submit(&late, secs(DEADLINE + 1)).is_err());
    for number in [0, 2] {
        tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
    }
    tender.cosign_by(1, DEADLINE + 3);
    tender.close_window(WINDOW_END).expect("the window ends");
    let at = WINDOW_END + 1;
    let mut lie = tender.shares(0, at).expect("released");
    lie.shares[0].share = lie.shares[1].share.clone();
    let first = &cast.trustees[0].person;
    assert!(tender.say(first, "board.share", &lie, at).is_err());
    tender.release(0, at).expect("the true ones");
    let mut part = tender.shares(1, at).expect("released");
    part.shares.retain(|row| row.seal != sealed[1].id);
    let second = &cast.trustees[1].person;
    tender.say(second, "board.share", &part, at).expect("taken");
    for seat in &seats {
        release_with(&mut tender, seat, &seat.static_key, false, at + 1);
    }
    let rng = &mut SeededEntropy::new(b"short");
    tender
        .host
        .fail_bid(&sealed[1].id, secs(WINDOW_END + 30), rng)
        .expect("too few shares");
    let told = tender.host.log_refused(secs(121), rng).expect("told");
    assert_eq!(told, 3, "two refused bids and a false share");
    tender.open_all(122);
    tender.archive(125)
}

/// One replaced and opened, one that will be remedied, one that will be short, one withdrawn, one without its body.
fn bids(tender: &mut Tender<'_>) -> Vec<Sealed> {
    let cast = tender.cast;
    let old = tender.seal(0, 890_000, 11);
    tender.submit(&old, secs(11)).expect("on time");
    tender.beat(11);
    let (file, data) = tender.seal_by(&cast.bidders[0], 880_000, 12);
    let data = BidReplace {
        old: old.id,
        seal: data.seal,
    };
    let new = Sealed {
        record: tender.signed(&cast.bidders[0], "bid.replace", &data, 12),
        id: tender.verified(&file).id(),
        file,
    };
    tender.submit(&new, secs(12)).expect("on time");
    tender.beat(12);
    let mut sealed = Vec::new();
    for number in 1..4 {
        let at = 12 + 7 * number as i64;
        let bid = tender.seal(number, 900_000 - 10_000 * number as u64, at);
        tender.submit(&bid, secs(at)).expect("on time");
        tender.beat(at);
        sealed.push(bid);
    }
    let data = BidWithdraw { seal: sealed[2].id };
    let said = tender.say(&cast.bidders[3], "bid.withdraw", &data, 40);
    said.expect("withdrawn");
    tender.beat(40);
    let unsealed = tender.seal(3, 700_000, 45);
    assert!(send_half(tender, &unsealed, 45).is_err());
    sealed
}

fn one_time_key(cast: &Cast) -> Vec<u8> {
    let mut tender = Tender::unpublished(cast, ORIGIN);
    let (seats, records) = cast.one_time(ORIGIN);
    for record in records {
        tender.take(record, 0).expect("the second board");
    }
    let key = tender.host.state().fallback().expect("made").key();
    publish(&mut tender, Policy::joint_one_time_key(key));
    tender.receive(3);
    tender.close_witnessed();
    for number in 0..3 {
        tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
    }
    tender.close_window(DEADLINE + 3).expect("closed");
    let at = DEADLINE + 4;
    for seat in [&seats[2], &seats[0]] {
        let Bundle { replay, files } = tender.bundle();
        let secret = trustee::fallback_share(&replay, &seat.static_key).expect("own share");
        let data = trustee::reveal(&replay, &files, &secret, secs(at));
        let data = data.expect("revealed");
        let said = tender.say(&seat.person, "key.reveal", &data, at);
        said.expect("taken");
        // The second member says another's share.
        let lie = KeyReveal { index: 2, ..data };
        let said = tender.say(&seats[1].person, "key.reveal", &lie, at);
        assert!(said.is_err());
    }
    let told = tender.host.log_refused(secs(at), &mut tender.rng);
    assert_eq!(told.expect("told"), 2, "false shares of the key");
    tender.open_all(100);
    tender.archive(103)
}

fn clock(cast: &Cast) -> Vec<u8> {
    let mut tender = Tender::unpublished(cast, ORIGIN);
    let rng = &mut SeededEntropy::new(b"a chain of our own");
    let chain = ChainKey::generate("locks", secs(0), 5, rng).expect("a chain");
    let round = chain.chain().round_from(secs(DEADLINE)).expect("a round");
    let leaf = Leaf::Tlock {
        chain: chain.chain().hash(),
        round,
    };
    let board = tender.host.state().board().expect("made").key();
    let all = [Leaf::Bidder, Leaf::Group(board), leaf].map(Node::Leaf);
    let mut notice = notice(cast, tender.host.state(), Kind::Joint);
    notice.policy = Policy::new(Node::all(all.to_vec())).expect("grammar");
    notice.chains = vec![chain.chain().record().clone()];
    tender.publish(&notice).expect("a lawful notice");
    tender.receive(3);
    tender.close_witnessed();
    for number in 0..3 {
        tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
    }
    let beacon = chain
        .sign(round, secs(DEADLINE + 2))
        .expect("its time came");
    let logged = tender
        .host
        .add_beacon(&beacon.to_record(), secs(DEADLINE + 2), rng);
    logged.expect("the policy waits for it");
    tender.close_window(DEADLINE + 3).expect("closed");
    for number in 0..2 {
        tender.release(number, DEADLINE + 4).expect("released");
    }
    tender.open_all(100);
    tender.archive(103)
}

fn handed_on(cast: &Cast) -> Vec<u8> {
    let mut tender = Tender::unpublished(cast, ORIGIN);
    let (keys, records) = cast.handed_on();
    for record in records {
        tender.take(record, 0).expect("handed on");
    }
    let board = tender.host.state().board().expect("made").key();
    publish(&mut tender, Policy::board(board));
    tender.receive(3);
    tender.close_witnessed();
    tender.close_window(DEADLINE + 3).expect("closed");
    for at in [0, 1] {
        release_with(
            &mut tender,
            &cast.trustees[at],
            &keys[at],
            true,
            DEADLINE + 4,
        );
    }
    tender.open_all(100);
    tender.archive(103)
}

/// Keys by which trustees hold the board's key, and who they are.
struct Heirs {
    keys: Vec<StaticKey>,
    /// In the place of trustee 2.
    new: Trustee,
}

fn replaced(cast: &Cast) -> Vec<u8> {
    let mut tender = Tender::unpublished(cast, ORIGIN);
    tender.cosign(0);
    let seats = cast.more_trustees(&["备用受托人1", "备用受托人2"]);
    second_board(&mut tender, &seats);
    let heirs = replace(&mut tender);
    let state = tender.host.state();
    let (board, fallback) = (state.board().expect("made"), state.fallback());
    let policy = Policy::joint_with_remedy(board.key(), fallback.expect("made").key());
    publish(&mut tender, policy);
    tender.receive(3);
    tender.close_witnessed();
    for number in 0..3 {
        tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
    }
    tender.close_window(DEADLINE + 3).expect("closed");
    let (first, at) = (&cast.trustees[0], DEADLINE + 4);
    release_with(&mut tender, first, &heirs.keys[0], true, at);
    release_with(&mut tender, &heirs.new, &heirs.keys[1], true, at);
    tender.open_all(100);
    tender.archive(103)
}

/// A fallback board. In the first session member 1 sends member 2 a share that does not open.
fn second_board(tender: &mut Tender<'_>, seats: &[Trustee]) {
    let mut first = Formation::new("second/1", 2, 2);
    first.join(tender, seats);
    let mut messages: Vec<Vec<u8>> = [1, 2].map(|n| first.first(tender, n, seats)).into();
    *messages[0].last_mut().expect("a share's tag") ^= 1;
    for (index, (seat, message)) in (1..).zip(seats.iter().zip(&messages)) {
        first.send(tender, index, seat, message).expect("taken");
    }
    let complaint = first.complaint(tender, (2, 1), seats, &messages);
    let complaint = complaint.expect("it does not open");
    first
        .say(tender, &seats[1], "board.complain", &complaint)
        .expect("justified");
    Formation::new("second/2", 2, 2).make(tender, seats);
}

/// Hands the key on by trustees 1 and 3 to a new trustee 2; the first time nobody deals.
fn replace(tender: &mut Tender<'_>) -> Heirs {
    let cast = tender.cast;
    let new = cast.more_trustees(&["新受托人"]).remove(0);
    let [one, _, three] = [0, 1, 2].map(|n| &cast.trustees[n]);
    let said = [(one, 3), (three, 3)];
    let mut formation = Formation::going_on(SESSION, (2, 3), &said, cast);
    let rng = &mut SeededEntropy::new(b"heirs");
    let members = [(one, 1), (&new, 2), (three, 3)];
    let mut keys = Vec::new();
    for round in [1, 2] {
        let generate = |_| StaticKey::generate(cast.suite, rng).expect("a key");
        keys = (0..3).map(generate).collect::<Vec<_>>();
        for ((seat, index), key) in members.iter().zip(&keys) {
            let witness = witness_of(&seat.witness, SESSION, *index);
            let data = formation.takes(round, *index, &[1, 3], key, &witness);
            formation
                .say(tender, seat, "board.reshare", &data)
                .expect("joins");
        }
        if round == 1 {
            let data = BoardAbandon {
                index: 3,
                round,
                reason: "受托人1的电脑损坏 / trustee 1's machine is broken".to_owned(),
            };
            formation
                .say(tender, three, "board.abandon", &data)
                .expect("given up");
        }
    }
    for (dealer, seat) in [(1, one), (3, three)] {
        let message = formation.dealt(tender, seat);
        formation
            .deal(tender, (2, dealer), seat, &message)
            .expect("dealt");
    }
    let heirs: Vec<_> = members.iter().map(|(seat, _)| *seat).zip(&keys).collect();
    formation.take_over(tender, 2, &heirs);
    Heirs { keys, new }
}
