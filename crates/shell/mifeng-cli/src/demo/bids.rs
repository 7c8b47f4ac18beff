//! The bids of the demo: files, sealing, handing in, receipts.

use super::act;
use super::method::CEILING;
use super::stages::Tender;
use super::stop::is_stopped;
use super::{DemoArgs, faults, world};
use crate::bidder::{self, Bid, What};
use crate::bundle::Bundle;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::envelope::{Declarations, DetailLine};
use std::path::{Path, PathBuf};

impl Tender {
    /// The bidders' files: given, or made by the test kit.
    pub(super) fn prepare_files(&self, ui: &Ui, args: &DemoArgs) -> Result<(), Failure> {
        let given = args.bids.as_deref().map(world::sub_folders).transpose()?;
        for number in 1..=self.bidders {
            for lot in self.lots() {
                let folder = self.path(format!("bidder{number}/files-{lot}"));
                match &given {
                    Some(folders) => copy_folder(&folders[number - 1], &folder)?,
                    None => mifeng_testkit::bids::write_bid_folder(
                        &folder,
                        u32::try_from(number).unwrap_or(0),
                        lot,
                        args.size * 1_000_000 / self.lots().len(),
                    )
                    .map_err(|e| Failure::io(&folder, &e))?,
                }
            }
        }
        let kind = if given.is_some() {
            ("给定的文件", "given files")
        } else {
            ("测试套件生成的真实PDF", "real PDFs made by the test kit")
        };
        ui.say(
            format!("投标文件：{}，每家约 {} MB", kind.0, args.size),
            format!("bid files: {}, about {} MB each", kind.1, args.size),
        );
        Ok(())
    }

    pub(crate) fn price(&self, number: usize, lot: usize) -> u64 {
        let steps = [93, 88, 80, 76, 84, 90, 82, 86, 79, 91];
        CEILING[lot] / 100 * steps[(number + lot * 3) % steps.len()]
    }

    /// Seals one bid of a bidder for a lot.
    pub(crate) fn seal(
        &self,
        bundle: &Bundle,
        number: usize,
        lot: usize,
        discount: u64,
        name: &str,
    ) -> Result<PathBuf, Failure> {
        self.seal_as(bundle, (number, lot), discount, (What::Bid, name))
    }

    /// Seals a bid or a final offer.
    pub(crate) fn seal_as(
        &self,
        bundle: &Bundle,
        (number, lot): (usize, usize),
        discount: u64,
        (what, name): (What, &str),
    ) -> Result<PathBuf, Failure> {
        let identity = self.world.identity(&format!("bidder{number}"))?;
        let price = self.price(number, lot) - discount;
        // Bidder 3 makes a slip in the digits of lot 1: the words will rule (87 art. 59).
        let slip = if number == 3 && lot == 0 { 1_000 } else { 0 };
        let out = self.path(format!("bidder{number}/{name}.bid"));
        let words = mifeng::record::amount::format(i128::from(price) * 100);
        let digits = format!("{}.00", price + slip);
        let bid = Bid {
            lot: self.lots()[lot],
            folder: &self.path(format!("bidder{number}/files-{}", self.lots()[lot])),
            price: &digits,
            price_cn: &words,
            declarations: Declarations {
                sme: number.is_multiple_of(2),
                domestic: !number.is_multiple_of(3),
                brand: None,
            },
            detail: vec![DetailLine {
                item: "设备".to_owned(),
                quantity: "1".to_owned(),
                unit_price: format!("{price}.00"),
            }],
            fields: Vec::new(),
        };
        bidder::seal_folder(bundle, &identity, bid, (what, &out))?;
        Ok(out)
    }

    /// Submits a sealed bid and verifies the receipt, as the bidder does; whether it was taken.
    pub(crate) fn submit(
        &mut self,
        ui: &Ui,
        bundle: &Bundle,
        number: usize,
        bid: &Path,
        old: Option<&Path>,
    ) -> Result<bool, Failure> {
        let identity = self.world.identity(&format!("bidder{number}"))?;
        let record = bid.with_extension(if old.is_some() { "replace.rec" } else { "rec" });
        bidder::submit_with(bundle, &identity, bid, old, &record)?;
        let receipt = bid.with_extension("receipt");
        let taken = self
            .host
            .accept(&self.world.ui, &record, Some(bid), Some(&receipt));
        let kind = if old.is_some() {
            "bid.replace"
        } else {
            "bid.submit"
        };
        if !self.is_taken(ui, (number, kind), taken)? {
            return Ok(false);
        }
        let given = mifeng::Receipt::from_file(&ui::read(&receipt)?)?;
        let signed = mifeng::record::SignedRecord::from_file(&ui::read(&record)?)?;
        let _ = given.verify(&signed, &bundle.replay)?;
        Ok(true)
    }

    /// Whether a bidder's record was taken. Over HTTP a refusal is told: before the close the log does not say what
    /// somebody else may have handed in for this bidder.
    pub(super) fn is_taken(
        &mut self,
        ui: &Ui,
        (number, kind): (usize, &str),
        taken: Outcome,
    ) -> Result<bool, Failure> {
        let Err(no) = taken else {
            return Ok(true);
        };
        match self.host.shared() {
            Some(remote) if !remote.is_strict() && !is_stopped(&no) => {
                act::tell_refused(ui, (&format!("bidder{number}"), kind), &no);
                Ok(false)
            }
            _ => Err(no),
        }
    }

    pub(crate) fn receive_bids(&mut self, ui: &Ui, args: &DemoArgs) -> Outcome {
        ui.title(
            "4. 投标：签名、密封、提交、回执",
            "4. bids: sign, seal, submit, receipt",
        );
        let mut bundle = self.bundle()?;
        if self.world.second.is_some() {
            self.roll_over(ui, &mut bundle)?;
        }
        for number in 1..=args.bidders {
            let taken = self.bid_of(ui, &bundle, number)?;
            if !taken || self.is_refused(number) {
                continue;
            }
            ui.say(
                format!("  {}：已密封提交，回执已核验", world::company(number)),
                format!("  bidder {number}: sealed and submitted, receipts verified"),
            );
        }
        if self.bidders < 2 {
            return Ok(());
        }
        let old = self.path("bidder2/lot1.bid");
        let new = self.seal(&bundle, 2, 0, 5_000, "lot1-new")?;
        if self.submit(ui, &bundle, 2, &new, Some(&old))? {
            ui.say(
                "  投标人 2 替换了第 1 标段的投标",
                "  bidder 2 replaced its bid for lot 1",
            );
        }
        if args.bidders > 3 && self.lots().len() > 1 {
            let last = args.bidders;
            let identity = self.world.identity(&format!("bidder{last}"))?;
            let out = self.path(format!("bidder{last}/withdraw.rec"));
            bidder::withdraw_with(
                &bundle,
                &identity,
                &self.path(format!("bidder{last}/lot2.bid")),
                &out,
            )?;
            let taken = self.accept(&out);
            if self.is_taken(ui, (last, "bid.withdraw"), taken)? {
                ui.say(
                    format!("  投标人 {last} 撤回了第 2 标段的投标"),
                    format!("  bidder {last} withdrew its bid for lot 2"),
                );
            }
        }
        Ok(())
    }

    /// The bids of one bidder; whether all were taken.
    fn bid_of(&mut self, ui: &Ui, bundle: &Bundle, number: usize) -> Result<bool, Failure> {
        let by_hand = number == 1 && self.host.is_by_hand();
        let mut lots: Vec<(usize, &str)> = self.lots().iter().copied().enumerate().collect();
        if by_hand {
            // What is left to somebody has the last number of its bidder: a lower one is refused after a higher one.
            lots.reverse();
        }
        let mut taken = true;
        for (lot, id) in lots {
            let bid = self.seal(bundle, number, lot, 0, &format!("lot{id}"))?;
            if self.world.faults && number == faults::MALFORMED {
                self.spoil(number, &bid)?;
            }
            if self.is_refused(number) {
                self.prepare_refused(ui, bundle, (number, lot), &bid)?;
            } else if by_hand && lot == 0 {
                let record = bid.with_extension("rec");
                let identity = self.world.identity("bidder1")?;
                bidder::submit_with(bundle, &identity, &bid, None, &record)?;
                self.host.leave(ui, &record, &bid);
                taken = false;
            } else {
                taken &= self.submit(ui, bundle, number, &bid, None)?;
            }
        }
        Ok(taken)
    }
}

fn copy_folder(from: &Path, to: &Path) -> Outcome {
    std::fs::create_dir_all(to).map_err(|e| Failure::io(to, &e))?;
    let entries = std::fs::read_dir(from).map_err(|e| Failure::io(from, &e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Failure::io(from, &e))?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target).map_err(|e| Failure::io(&entry.path(), &e))?;
        }
    }
    Ok(())
}
