//! What goes wrong on the day of the opening, and that the others go on: a bidder who is away, a seal that is no
//! proper one, a trustee who lies and one who is offline.

use super::stages::Tender;
use super::world;
use crate::bundle::Bundle;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{bidder, clock, minutes, person};
use mifeng::crypto::SystemEntropy;
use mifeng::trustee;
use std::path::Path;

/// The bidder who releases nothing.
pub(super) const ABSENT: usize = 4;
/// The bidder whose seal does not rebuild.
pub(super) const MALFORMED: usize = 5;
/// The bidder for whose bid too few shares are released, by no cause of its own.
const SHORT: usize = 6;
/// The bidder whose bid comes after the deadline.
const LATE: usize = 7;
/// The bidder whose file does not arrive whole.
const UNSEALED: usize = 8;
/// Bidders so that enough are left, and the last one is none of these.
pub(super) const BIDDERS_MIN: usize = 9;
/// The trustee who lies; the one after is offline ([`super::world::World::present`]).
const LIAR: u8 = 2;
/// The trustee whose machine breaks down before its last bid.
const BROKEN: u8 = 5;

/// The bidders' window in the demo: nobody is waited for unless someone is away.
const WINDOW_MS: u64 = 60_000;
/// The same where somebody at the keyboard has a part: trustees have as long as bidders had.
const WINDOW_BY_HAND_MS: u64 = 300_000;

impl Tender {
    pub(super) fn window_ms(&self) -> u64 {
        if self.world.faults {
            // Waited for to its end: as short as this machine allows.
            2_000 * (self.seconds + 2)
        } else if self.host.is_by_hand() {
            WINDOW_BY_HAND_MS
        } else {
            WINDOW_MS
        }
    }

    /// While somebody has not released, the window stays open to its end.
    pub(super) fn wait_for_window(&self, ui: &Ui) -> Outcome {
        let bundle = self.bundle()?;
        let state = &bundle.replay.state;
        let missing = state.missing_leaves().len();
        let Some((_, notice)) = state.notice().filter(|_| missing > 0) else {
            return Ok(());
        };
        let end = state.window_end(notice.deadline);
        ui.say(
            format!("{missing} 份投标的投标人没有释放；等待时段结束……"),
            format!("{missing} bids' bidder released nothing: waiting for the window's end …"),
        );
        // Over HTTP the host ends it, at once when somebody still releases.
        if self.host.is_shared() {
            return Ok(());
        }
        self.host.sleep_until(end)
    }

    /// A bid that lacks shares is given up when the trustees' time to release is over, not before.
    pub(super) fn wait_for_trustees(&self, ui: &Ui) -> Outcome {
        if self.host.is_shared() {
            return Ok(());
        }
        let state = self.host.state();
        let due = state.to_open();
        let short = due.iter().filter(|seal| !state.has_enough(seal));
        let Some(end) = short.filter_map(|seal| state.waits_until(seal)).max() else {
            return Ok(());
        };
        ui.say(
            "有投标缺少份额；等待受托人释放时段结束……",
            "a bid lacks shares: waiting for the end of the trustees' time …",
        );
        self.host.sleep_until(end)
    }

    /// Turns a sealed bid into one that passes every check at the door and cannot be rebuilt from its secret: its
    /// commitment is another, and it is signed again.
    pub(super) fn spoil(&self, number: usize, bid: &Path) -> Outcome {
        let identity = self.world.identity(&format!("bidder{number}"))?;
        let sealed = ui::read(bid)?;
        let forged = mifeng_testkit::seals::with_false_commitment(
            self.world.suite,
            &sealed,
            &*identity.signer,
            clock::now(),
        );
        ui::write(bid, &forged.map_err(|e| Failure::malformed(e.to_string()))?)
    }

    /// Whether a bidder's bids are refused in this demo.
    pub(super) fn is_refused(&self, number: usize) -> bool {
        self.world.faults && (number == LATE || number == UNSEALED)
    }

    /// A bid that comes without the end of its file, and one that is sealed and signed in time and stays at home.
    pub(super) fn prepare_refused(
        &mut self,
        ui: &Ui,
        bundle: &Bundle,
        (number, lot): (usize, usize),
        bid: &Path,
    ) -> Outcome {
        let identity = self.world.identity(&format!("bidder{number}"))?;
        let record = bid.with_extension("rec");
        bidder::submit_with(bundle, &identity, bid, None, &record)?;
        if number == LATE {
            return Ok(());
        }
        if lot > 0 {
            return Ok(());
        }
        let mut cut = ui::read(bid)?;
        cut.truncate(cut.len() / 2);
        let part = bid.with_extension("part");
        ui::write(&part, &cut)?;
        self.expect_refused(ui, number, (&record, &part), "bid.malformed")
    }

    /// After the close.
    pub(super) fn send_late(&mut self, ui: &Ui) -> Outcome {
        if !self.world.faults {
            return Ok(());
        }
        let bid = self.path(format!("bidder{LATE}/lot1.bid"));
        self.expect_refused(ui, LATE, (&bid.with_extension("rec"), &bid), "bid.late")
    }

    fn expect_refused(
        &mut self,
        ui: &Ui,
        number: usize,
        (record, bid): (&Path, &Path),
        code: &str,
    ) -> Outcome {
        let quiet = self.world.quiet_clone();
        match self.host.accept(&quiet, record, Some(bid), None) {
            Err(no) if no.code == code => {
                let zh = no.zh.as_ref().unwrap_or(&no.text);
                ui.say(
                    format!("  {} 的投标被拒收：{zh}", world::company(number)),
                    format!("  the bid of bidder {number} is refused: {}", no.text),
                );
                Ok(())
            }
            Err(other) => Err(other),
            Ok(()) => Err(Failure::refused(
                "demo.accepted",
                "a bid that is to be refused was taken",
            )),
        }
    }

    /// Whether a trustee's machine breaks down in this demo.
    pub(super) fn breaks_down(&self, index: u8) -> bool {
        self.world.faults && index == BROKEN
    }

    /// A trustee releases for all bids but one.
    pub(super) fn release_in_part(
        &mut self,
        ui: &Ui,
        bundle: &Bundle,
        index: u8,
        out: &Path,
    ) -> Outcome {
        let identity = self.world.trustee(index)?;
        let secret = person::secret(&self.world.ui, &identity, &bundle.replay)?;
        let entropy = &mut SystemEntropy::new();
        let (replay, files) = (&bundle.replay, &bundle.files);
        let mut data = trustee::release(replay, files, &secret, clock::now(), entropy)?;
        data.shares
            .retain(|row| self.bidder_of(bundle, &row.seal) != SHORT);
        person::sign(replay, &identity, "board.share", &data, out)?;
        self.accept(out)?;
        ui.say(
            format!(
                "  受托人 {index} 的电脑中途损坏：{} 的投标缺一份额",
                world::company(SHORT)
            ),
            format!(
                "  the laptop of trustee {index} dies: one share is missing for bidder {SHORT}"
            ),
        );
        Ok(())
    }

    /// One trustee answers for one bid what it computed for another.
    pub(super) fn lie(&mut self, ui: &Ui, bundle: &Bundle) -> Outcome {
        let identity = self.world.trustee(LIAR)?;
        let secret = person::secret(&self.world.ui, &identity, &bundle.replay)?;
        let entropy = &mut SystemEntropy::new();
        let mut data = trustee::release(
            &bundle.replay,
            &bundle.files,
            &secret,
            clock::now(),
            entropy,
        )?;
        let last = data.shares.len().saturating_sub(1);
        if last > 0 {
            data.shares[0].share = data.shares[last].share.clone();
        }
        let out = self.path(format!("trustee{LIAR}/false.rec"));
        person::sign(&bundle.replay, &identity, "board.share", &data, &out)?;
        match self.accept(&out) {
            Err(refusal) if refusal.code == "board.share-invalid" => {
                let zh = refusal.zh.as_ref().unwrap_or(&refusal.text);
                ui.say(
                    format!("  受托人 {LIAR} 的份额为假，被拒：{zh}"),
                    format!(
                        "  trustee {LIAR} sent a false share, refused: {}",
                        refusal.text
                    ),
                );
                let evidence = self.host.state().false_shares().len();
                ui.say(
                    format!("  其签名的假份额已作为证据入日志（{evidence} 件）"),
                    format!("  the signed false share stands in the log as evidence ({evidence})"),
                );
                ui.say(
                    format!("  受托人 {} 离线", LIAR + 1),
                    format!("  trustee {} is offline", LIAR + 1),
                );
                Ok(())
            }
            Err(other) => Err(other),
            Ok(()) => Err(Failure::refused("demo.accepted", "a false share was taken")),
        }
    }

    /// The fallback board answers for those who released nothing, where the policy has one.
    pub(super) fn remedy(&mut self, ui: &Ui, bundle: &Bundle) -> Outcome {
        let missing = bundle.replay.state.missing_leaves().len();
        if self.world.fallback == 0 || missing == 0 {
            return Ok(());
        }
        for index in 1..=self.world.fallback {
            let out = self.path(format!("fallback{index}/shares.rec"));
            let identity = self.world.identity(&format!("fallback{index}"))?;
            person::release(&self.world.ui, &identity, bundle, &out)?;
            self.accept(&out)?;
            ui.say(
                format!("  备用委员会成员 {index} 按补救方案释放了 {missing} 份"),
                format!(
                    "  member {index} of the fallback board released {missing}, by the remedy plan"
                ),
            );
        }
        Ok(())
    }

    /// Every bid that was received, with its one status.
    pub(super) fn show_statuses(&self, ui: &Ui) {
        let Some((_, record)) = self.host.state().minutes() else {
            return;
        };
        ui.say(
            "开标记录：每份投标恰有一个状态",
            "opening record: each bid has exactly one status",
        );
        for row in &record.rows {
            let (zh, en) = minutes::row(row);
            ui.say(format!("  {zh}"), format!("  {en}"));
        }
    }
}
