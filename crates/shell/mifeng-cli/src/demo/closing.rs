//! From the close of submission to the release: witnesses, time stamp, bidders' own leaves, beacons, trustees.

use super::act::{self, Act, Done};
use super::door::BY_HAND;
use super::stages::Tender;
use super::{BIDDERS_MIN, faults};
use crate::bundle::Bundle;
use crate::ui::{Outcome, Ui};
use crate::{bidder, clock, person};

impl Tender {
    /// Close, witnesses, time stamp, bidders' window, trustees' release.
    pub(crate) fn close(&mut self, ui: &Ui) -> Outcome {
        ui.title("5. 截标与释放", "5. close and release");
        ui.say("等待截止时间……", "waiting for the deadline …");
        self.host.close(ui)?;
        self.tell_shortage(ui)?;
        self.send_late(ui)?;
        self.witness(ui)?;
        if self.policy.asks_bidders() {
            self.release_bidders(ui)?;
        }
        self.bring_beacons(ui)?;
        self.wait_for_window(ui)?;
        self.host.close_window()?;
        let bundle = self.bundle()?;
        if bundle.replay.state.to_open().is_empty() {
            ui.say(
                "没有要开的投标：受托人无份额可释放",
                "there is no bid to open: the trustees have nothing to release",
            );
            return Ok(());
        }
        ui.say(
            "受托人自己的程序逐条核对：",
            "the trustees' own programs check:",
        );
        person::show_conditions(ui, &bundle, false)?;
        if self.policy.has_one_time_key() {
            return self.reveal(ui, &bundle);
        }
        if self.world.faults {
            self.lie(ui, &bundle)?;
        }
        for index in self.world.ready() {
            if self.breaks_down(index) {
                let out = self.path(format!("trustee{index}/shares.rec"));
                self.release_in_part(ui, &bundle, index, &out)?;
            } else if !self.host.leaves_out(index) {
                self.release_trustee(ui, &bundle, index)?;
            }
        }
        self.wait_for_hand(ui, &bundle)?;
        self.remedy(ui, &bundle)
    }

    fn release_trustee(&mut self, ui: &Ui, bundle: &Bundle, index: u8) -> Outcome {
        let who = format!("trustee{index}");
        let out = self.path(format!("{who}/shares.rec"));
        let act = Act::new(&who, "board.share", out).unless(act::is_decided);
        let done = self.act(ui, &act, bundle, |world, trustee, bundle| {
            person::release(&world.ui, trustee, bundle, &act.out)
        })?;
        if done == Done::Ours {
            ui.say(
                format!("  受托人 {index} 释放了解密份额"),
                format!("  trustee {index} released its shares"),
            );
        }
        Ok(())
    }

    /// The trustee whose part somebody at the keyboard does; if nobody does until the engine's time for it is over,
    /// another trustee does, since enough of them are enough.
    fn wait_for_hand(&mut self, ui: &Ui, bundle: &Bundle) -> Outcome {
        if !self.host.leaves_out(BY_HAND) {
            return Ok(());
        }
        ui.say(
            format!("等待受托人 {BY_HAND} 由您释放……"),
            format!("waiting for you to release as trustee {BY_HAND} …"),
        );
        if self.host.wait_for_shares(BY_HAND)? {
            return Ok(());
        }
        let ready = self.world.ready();
        let mut present = self.world.present().into_iter();
        let Some(spare) = present.find(|index| !ready.contains(index)) else {
            return Ok(());
        };
        ui.say(
            format!("受托人 {BY_HAND} 在规定时间内没有释放；由受托人 {spare} 释放，人数仍足"),
            format!("trustee {BY_HAND} did not release in the time for it: trustee {spare} does, which is enough"),
        );
        self.release_trustee(ui, bundle, spare)
    }

    /// After the close: a bid that somebody was to hand in, and lots that have too few.
    fn tell_shortage(&self, ui: &Ui) -> Outcome {
        if !self.host.is_shared() {
            return Ok(());
        }
        let state = self.host.state();
        let own = self.world.identity("bidder1")?;
        let own = own.signer.certificate().fingerprint(state.suite().hash());
        if self.host.is_bid_missing() && state.live_bid(&own, self.lots()[0]).is_none() {
            ui.say(
                "由您提交的投标在截标前没有送达：不含这一份，继续",
                "the bid that was left to you did not come before the deadline: going on without it",
            );
        }
        let due = state.to_open();
        for lot in self.lots() {
            let opens = |seal: &_| state.bids()[seal].seal.context().lot == *lot;
            if !due.iter().any(opens) {
                ui.say(
                    format!("标段 {lot} 投标不足 {} 家：不开标", BIDDERS_MIN),
                    format!(
                        "lot {lot} has fewer than {} bids: it is not opened",
                        BIDDERS_MIN
                    ),
                );
            }
        }
        Ok(())
    }

    /// The trustees reveal their shares of the tender's own key.
    fn reveal(&mut self, ui: &Ui, bundle: &Bundle) -> Outcome {
        for index in self.world.ready() {
            let out = self.path(format!("keeper{index}/reveal.rec"));
            let identity = self.world.identity(&format!("keeper{index}"))?;
            person::reveal(&self.world.ui, &identity, bundle, &out)?;
            self.accept(&out)?;
            ui.say(
                format!("  受托人 {index} 公开了专用密钥的份额"),
                format!("  trustee {index} revealed its share of the tender's own key"),
            );
        }
        Ok(())
    }

    /// Carries the chain's beacons in, once their rounds have come.
    fn bring_beacons(&mut self, ui: &Ui) -> Outcome {
        let Some(key) = &self.clock else {
            return Ok(());
        };
        for (_, round) in self.bundle()?.replay.state.missing_beacons() {
            let due = key.chain().time_of(round)?;
            self.host.sleep_until(due)?;
            let beacon = key.sign(round, clock::now())?.to_record();
            self.host.beacon(&beacon)?;
            ui.say(
                format!("信标第 {round} 轮（{due}）已验证并载入"),
                format!("beacon of round {round} ({due}) verified and logged"),
            );
        }
        Ok(())
    }

    /// The trustees' witnesses cosign the head with the close; the authority stamps it.
    pub(crate) fn witness(&mut self, ui: &Ui) -> Outcome {
        let bundle = self.bundle()?;
        for index in self.world.present() {
            if self.host.leaves_out(index) {
                continue;
            }
            let out = self.path(format!("trustee{index}/close.note"));
            self.cosign(ui, index, &bundle, &out)?;
        }
        // The heads are stored now.
        let bundle = self.bundle()?;
        let token = self.path("tsa/close.tsr");
        self.stamp(ui, &bundle, &token)?;
        let hands = self.world.present();
        let hands = hands
            .iter()
            .filter(|index| !self.host.leaves_out(**index))
            .count();
        ui.say(
            format!("{hands} 名受托人见证人共签截标日志头，时间戳已加盖"),
            format!("the close is cosigned by {hands} witnesses and time-stamped"),
        );
        Ok(())
    }

    pub(crate) fn release_bidders(&mut self, ui: &Ui) -> Outcome {
        let bundle = self.bundle()?;
        let mut count = 0;
        for seal in bundle.replay.state.to_open() {
            let number = self.bidder_of(&bundle, &seal);
            if self.world.faults && number == faults::ABSENT {
                continue;
            }
            let lot = bundle.replay.state.bids()[&seal].seal.context().lot.clone();
            let mut bid = self.path(format!("bidder{number}/lot{lot}-new.bid"));
            if !bid.exists() {
                bid = self.path(format!("bidder{number}/lot{lot}.bid"));
            }
            let folder = self.path(format!("bidder{number}"));
            let fresh = self.bundle_path();
            self.host.bundle(&fresh)?;
            let who = format!("bidder{number}");
            let out = self.path(format!("{who}/leaf-{lot}.rec"));
            let act = Act::new(&who, "bidder.share", out);
            // A bid that somebody else sealed in its name does not fit the demo's file: theirs is its leaf.
            let done = self.act(ui, &act, &bundle, |world, _, _| {
                bidder::release(&world.ui, &folder, &fresh, &bid, None, &act.out)
            })?;
            count += usize::from(done == Done::Ours);
        }
        ui.say(
            format!("投标人释放了 {count} 份自己的份额"),
            format!("bidders released {count} leaves of their own"),
        );
        Ok(())
    }
}
