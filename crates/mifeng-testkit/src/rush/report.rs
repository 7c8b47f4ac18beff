//! What came of a rush: counted by what each bidder was told, held against the final log.

use super::bidder::Told;
use super::scene::{Outcome, Scene};
use super::{Options, Samples};
use mifeng::tender::rules;
use mifeng::{Receipt, Replay};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Figures and findings; see [`super::Options`] for what was played. Milliseconds from handing a bid in, whole or (with `grace`) its record, to holding
/// its receipt; MiB of resident memory.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)] // The others say what they are.
pub struct Report {
    pub bidders: usize,
    pub body_bytes: u64,
    pub seconds: u64,
    pub grace: u64,
    pub store: String,
    pub kills: u32,
    /// Handed in before the deadline, as far as their senders know.
    pub sent: usize,
    /// Receipts that bidders hold.
    pub acknowledged: usize,
    /// With `grace`: receipts that say that the body is there whole.
    pub bodies: usize,
    /// With `grace`: records in the log whose senders were never told so.
    pub bodies_missing: usize,
    /// Receipts that the final dossier does not honour.
    pub lost: usize,
    /// Taken (202) before the deadline and never in the log: with a host that is never killed, none.
    pub taken_and_gone: usize,
    /// Handed in after the deadline, and in the log.
    pub wrongly_accepted: usize,
    /// Handed in before the deadline while the host answered, and refused as late.
    pub wrongly_refused: usize,
    /// Refused, by code.
    pub refused: BTreeMap<String, usize>,
    /// Neither receipt nor refusal in the end, by what was said last.
    pub without_an_end: BTreeMap<String, usize>,
    /// Answers after which a bidder tried again.
    pub tries_again: u64,
    pub receipt_p50_ms: u64,
    pub receipt_p99_ms: u64,
    pub receipt_most_ms: u64,
    pub memory_first_mib: u64,
    pub memory_most_mib: u64,
    pub memory_last_mib: u64,
    /// Seconds since the start, KiB.
    pub memory: Vec<(f64, u64)>,
}

impl Report {
    /// Nothing that was acknowledged is lost, nothing is wrong about the deadline, and everybody had an end.
    pub fn is_good(&self) -> bool {
        let killed = self.kills > 0;
        self.lost == 0
            && self.wrongly_accepted == 0
            && (killed || self.taken_and_gone == 0 && self.wrongly_refused == 0)
            && self.bodies_missing == 0
            && self.without_an_end.is_empty()
            && self.acknowledged > 0
    }
}

pub(super) fn made(
    options: &Options,
    scene: &Scene,
    (told, replay): (&[Told], &Replay),
    kills: u32,
    memory: Samples,
) -> Outcome<Report> {
    let mib = |sample: Option<&(f64, u64)>| sample.map_or(0, |(_, kib)| kib / 1_024);
    let mut report = Report {
        bidders: options.bidders,
        body_bytes: options.body,
        seconds: options.seconds,
        grace: options.grace,
        store: store_of(options),
        kills,
        sent: 0,
        acknowledged: 0,
        bodies: 0,
        bodies_missing: 0,
        lost: 0,
        taken_and_gone: 0,
        wrongly_accepted: 0,
        wrongly_refused: 0,
        refused: BTreeMap::new(),
        without_an_end: BTreeMap::new(),
        tries_again: 0,
        receipt_p50_ms: 0,
        receipt_p99_ms: 0,
        receipt_most_ms: 0,
        memory_first_mib: mib(memory.first()),
        memory_most_mib: mib(memory.iter().max_by_key(|(_, kib)| *kib)),
        memory_last_mib: mib(memory.last()),
        memory,
    };
    let mut waits = Vec::new();
    for (bid, told) in scene.bids.iter().zip(told) {
        report.tries_again += u64::from(told.again);
        let in_time = told.sent.is_some_and(|sent| sent < scene.deadline);
        report.sent += usize::from(in_time);
        let logged = replay
            .records
            .iter()
            .any(|r| r.commitment == bid.commitment);
        report.wrongly_accepted += usize::from(logged && !in_time);
        let taken = told.taken.is_some_and(|taken| taken < scene.deadline);
        report.taken_and_gone += usize::from(taken && !logged);
        if let Some((receipt, at)) = &told.receipt {
            report.acknowledged += 1;
            let held = Receipt::from_file(receipt)?.verify(&bid.record, replay);
            report.lost += usize::from(held.is_err() || !logged);
            let sent = told.sent.ok_or("a receipt for nothing")?;
            waits.push(at.as_unix_nanos() - sent.as_unix_nanos());
        }
        if let Some((receipt, _)) = &told.whole {
            let held = Receipt::from_file(receipt)?.hold_against(&bid.record, replay);
            let honoured = held.is_ok_and(|received| received.whole);
            report.bodies += usize::from(honoured);
            report.lost += usize::from(!honoured);
        } else if options.grace > 0 {
            report.bodies_missing += usize::from(logged);
        }
        if let Some(code) = &told.refused {
            *report.refused.entry(code.clone()).or_default() += 1;
            let late = code == rules::LATE.code;
            report.wrongly_refused += usize::from(in_time && late);
        } else if told.receipt.is_none() {
            *report.without_an_end.entry(told.last.clone()).or_default() += 1;
        }
    }
    waits.sort_unstable();
    let place = |hundredths: usize| {
        let at = (waits.len() * hundredths).div_ceil(100).max(1) - 1;
        let nanos = waits.get(at).copied().unwrap_or(0);
        u64::try_from(nanos / 1_000_000).unwrap_or(0)
    };
    (report.receipt_p50_ms, report.receipt_p99_ms) = (place(50), place(99));
    report.receipt_most_ms = place(100);
    Ok(report)
}

fn store_of(options: &Options) -> String {
    let records = options.db.as_deref().map(|db| db.split(':').next());
    let records = records.flatten().unwrap_or("folder");
    let bodies = match &options.blobs {
        Some(blobs) if blobs.starts_with("s3:") => " and S3",
        _ => "",
    };
    format!("{records}{bodies}")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report {
            bidders,
            body_bytes,
            seconds,
            grace,
            store,
            kills,
            sent,
            acknowledged,
            bodies,
            bodies_missing,
            lost,
            taken_and_gone,
            wrongly_accepted,
            wrongly_refused,
            refused,
            without_an_end,
            ..
        } = self;
        writeln!(
            f,
            "{bidders} bidders, {body_bytes} bytes each, {seconds} s, store: {store}, host killed {kills} times"
        )?;
        writeln!(
            f,
            "{sent} sent in time, {acknowledged} acknowledged, {lost} lost"
        )?;
        if *grace > 0 {
            writeln!(
                f,
                "{bodies} bodies acknowledged until {grace} s after the deadline, {bodies_missing} never"
            )?;
        }
        writeln!(
            f,
            "{wrongly_accepted} wrongly accepted after the close, {wrongly_refused} handed in in time and refused, {taken_and_gone} taken and gone"
        )?;
        writeln!(
            f,
            "refused: {refused:?}; without an end: {without_an_end:?}; tries again: {}",
            self.tries_again
        )?;
        writeln!(
            f,
            "receipt after {} ms (p50), {} ms (p99), {} ms (longest)",
            self.receipt_p50_ms, self.receipt_p99_ms, self.receipt_most_ms
        )?;
        write!(
            f,
            "resident memory of the host: {} MiB at first, {} MiB at most, {} MiB at last",
            self.memory_first_mib, self.memory_most_mib, self.memory_last_mib
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Prepared;
    use super::*;
    use crate::world::{Cast, FIRST_BEAT, Kind, Sealed, Tender, secs};
    use mifeng::crypto::{INTL, Time};

    const DEADLINE: i64 = 60;

    fn options() -> Options {
        Options {
            bidders: 4,
            body: 1,
            seconds: 60,
            grace: 0,
            no_dossier: false,
            kills: 0,
            db: None,
            blobs: None,
            program: "mifeng".into(),
            folder: None,
            seed: 0,
        }
    }

    fn prepared(bid: &Sealed, cast: &Cast) -> Prepared {
        Prepared {
            bidder: 0,
            commitment: bid.record.commitment(cast.suite),
            record: bid.record.clone(),
            file: "none".into(),
            size: 0,
        }
    }

    fn told(sent: Time, receipt: Option<Vec<u8>>) -> Told {
        Told {
            sent: Some(sent),
            taken: Some(sent),
            receipt: receipt.map(|receipt| (receipt, sent.plus_millis(900))),
            ..Told::default()
        }
    }

    /// The receipts of bids that a second log of the same host holds.
    fn receipts(tender: &mut Tender<'_>, bids: &[&Sealed]) -> Vec<Vec<u8>> {
        for bid in bids {
            tender.submit(bid, secs(3)).expect("taken");
        }
        let receipts = tender.beat(FIRST_BEAT);
        let files = receipts.iter().map(|receipt| receipt.to_file());
        files.collect::<Result<_, _>>().expect("files")
    }

    #[test]
    fn what_a_dishonest_host_does_is_counted() {
        let cast = Cast::new(&INTL, "report");
        let mut honest = Tender::new(&cast, "host/t/1", Kind::Board);
        let mut other = Tender::new(&cast, "host/t/1", Kind::Board);
        let bids: Vec<Sealed> = (0..4).map(|n| honest.seal(n, 800_000, 2)).collect();
        let given = receipts(&mut other, &[&bids[0], &bids[1]]);
        let kept = receipts(&mut honest, &[&bids[0], &bids[2]]);
        honest.close(secs(DEADLINE)).expect("closed");
        let replay = honest.bundle().replay;
        let prepared = bids.iter().map(|bid| prepared(bid, &cast)).collect();
        let (early, late) = (secs(3), secs(DEADLINE + 1));
        let scene = Scene {
            cast,
            folder: "none".into(),
            deadline: secs(DEADLINE),
            bodies_end: secs(DEADLINE),
            bids: prepared,
        };
        let made = |told: &[Told]| made(&options(), &scene, (told, &replay), 0, Vec::new());
        // Bids 0 and 2 are in the log. Who was told so has nothing to complain of.
        let good = [
            told(early, Some(kept[0].clone())),
            Told::default(),
            told(early, Some(kept[1].clone())),
            Told::default(),
        ];
        let report = made(&good).expect("judged");
        assert_eq!((report.acknowledged, report.lost), (2, 0));
        assert_eq!(report.wrongly_accepted + report.taken_and_gone, 0);
        assert_eq!((report.receipt_p50_ms, report.receipt_p99_ms), (900, 900));
        assert!(!report.is_good(), "two have no end");
        // A receipt of another log; a bid that came too late and is in the log; one that was taken and is in none.
        let bad = [
            told(early, Some(kept[0].clone())),
            told(early, Some(given[1].clone())),
            told(late, Some(kept[1].clone())),
            told(early, None),
        ];
        let report = made(&bad).expect("judged");
        assert_eq!((report.acknowledged, report.lost), (3, 1));
        assert_eq!(report.wrongly_accepted, 1);
        // Bid 1 was taken as well.
        assert_eq!(report.taken_and_gone, 2);
        // The first receipt, held against the wrong bid, is worth nothing.
        let swapped = [told(early, Some(kept[1].clone()))];
        assert_eq!(made(&swapped).expect("judged").lost, 1);
    }
}
