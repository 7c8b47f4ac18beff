//! Rounds of final offers: called for, sealed, closed, released, opened, recorded.

use super::committee::time;
use super::shown;
use crate::bidder;
use crate::bundle::Bundle;
use crate::clock;
use crate::host::FolderHost;
use crate::identity::Identity;
use crate::person;
use crate::ui::{Failure, Outcome, Ui};
use mifeng::crypto::SystemEntropy;
use mifeng::tender::*;
use mifeng::{Opened, trustee};
use mifeng_server::FolderSink;
use std::path::Path;

/// The agency calls for final offers of everybody who passed the checks.
pub(crate) fn open_round(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    (lot, deadline): (&str, &str),
    out: &Path,
) -> Outcome {
    let data = RoundOpen {
        lot: lot.to_owned(),
        deadline: time(deadline)?,
        invited: bundle.replay.state.conforming(lot)?,
    };
    ui.say(
        format!(
            "标段 {lot}：邀请 {} 家在 {} 前密封提交最后报价",
            data.invited.len(),
            data.deadline
        ),
        format!(
            "lot {lot}: {} suppliers are invited to sealed final offers before {}",
            data.invited.len(),
            data.deadline
        ),
    );
    person::sign(&bundle.replay, identity, "round.open", &data, out)
}

/// The supplier signs the submission of its final offer.
pub(crate) fn submit(
    identity: &Identity,
    bundle: &Bundle,
    lot: &str,
    bid: &Path,
    out: &Path,
) -> Outcome {
    let seal = bidder::load_offer(bundle, lot, bid)?;
    let data = mifeng::bidder::offer(lot, seal.record());
    bidder::sign_counted(bundle, identity, "offer.submit", &data, out)
}

/// A supplier leaves before it has given a final offer.
pub(crate) fn exit(identity: &Identity, bundle: &Bundle, lot: &str, out: &Path) -> Outcome {
    let data = OfferExit {
        lot: lot.to_owned(),
    };
    bidder::sign_counted(bundle, identity, "offer.exit", &data, out)
}

/// The host closes a round, waiting for its deadline if asked to.
pub(crate) fn close_round(ui: &Ui, host: &mut FolderHost, lot: &str, wait: bool) -> Outcome {
    if let (true, Some(round)) = (wait, host.state().round(lot)) {
        clock::wait_until(round.deadline);
    }
    host.close_round(lot, clock::now(), &mut SystemEntropy::new())?;
    let due = host.state().offers_to_open(lot).len();
    ui.say(
        format!("标段 {lot} 最后报价截止：{due} 份待开"),
        format!("lot {lot}: final offers closed, {due} to open"),
    );
    Ok(())
}

/// A trustee's own decision about the final offers of a lot, then its shares.
pub(crate) fn release(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    lot: &str,
    out: &Path,
) -> Outcome {
    let replay = &bundle.replay;
    let secret = person::secret(ui, identity, replay)?;
    let data = trustee::release_offers(
        replay,
        &bundle.files,
        lot,
        &secret,
        clock::now(),
        &mut SystemEntropy::new(),
    )?;
    person::keep_head(identity, replay)?;
    person::sign(replay, identity, "board.share", &data, out)
}

/// Shows each condition of the release rule for the final offers of a lot.
pub(crate) fn show_conditions(ui: &Ui, bundle: &Bundle, lot: &str) -> Outcome {
    let now = clock::now();
    let all = trustee::round_conditions(&bundle.replay, &bundle.files, lot, now)?;
    person::say_conditions(ui, &all, false);
    person::require_met(&bundle.replay, Some(lot), &all, now)
}

/// The host opens the final offers of a lot; their files go to `out/<lot>-final/<bidder>/`.
pub(crate) fn open_offers(ui: &Ui, host: &mut FolderHost, lot: &str, out: &Path) -> Outcome {
    for seal in host.state().offers_to_open(lot) {
        if host.state().outcomes().contains_key(&seal) {
            continue;
        }
        let bid = &host.state().bids()[&seal];
        let (bidder, name) = (bid.seal.context().bidder.clone(), bid.name.clone());
        let folder = out.join(format!("{lot}-final")).join(&bidder);
        let mut sink = FolderSink::new(&folder).map_err(|e| Failure::io(&folder, &e))?;
        match host.open_bid(&seal, &mut sink, clock::now(), &mut SystemEntropy::new())? {
            Opened::Bid(open) => ui.say(
                format!("  {name}  最后报价 {} 元", open.opening.price),
                format!("  {name}  final offer {} CNY", open.opening.price),
            ),
            Opened::Fault(fail) => ui.say(
                format!("  {name}  未能开启：{}", fail.cause),
                format!("  {name}  not opened: {}", fail.cause),
            ),
        }
    }
    Ok(())
}

/// The agency signs the record of the final offers.
pub(crate) fn minutes(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    lot: &str,
    out: &Path,
) -> Outcome {
    let data = bundle.replay.state.expected_round_minutes(lot)?;
    for row in &data.rows {
        let name = shown(bundle, &row.seal);
        let price = row.price.clone().unwrap_or_else(|| "-".to_owned());
        ui.say(format!("  {name}  {price}"), format!("  {name}  {price}"));
    }
    person::sign(&bundle.replay, identity, "round.minutes", &data, out)
}
