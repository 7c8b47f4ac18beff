//! Receipts: verified against a bundle or with public keys only, and completed with what witnesses
//! and time-stamping authorities said later.

use crate::args::ReceiptCommand;
use crate::bundle::Bundle;
use crate::check::load_record;
use crate::ui::{self, Failure, Lang, Outcome, Ui};
use mifeng::{Receipt, Received, TenderKeys};
use std::path::Path;

pub(crate) fn run(ui: &Ui, command: &ReceiptCommand, json: bool) -> Outcome {
    match command {
        ReceiptCommand::Verify {
            receipt,
            record,
            tender,
            keys,
        } => {
            let keys = match (keys, tender) {
                (Some(path), _) => TenderKeys::from_file(&ui::read(path)?)
                    .map_err(|e| Failure::from(e).at(path))?,
                (None, Some(path)) => TenderKeys::of(&Bundle::open(path)?.replay)?,
                (None, None) => return Err(Failure::usage("--tender or --keys")),
            };
            verify(ui, receipt, record, &keys, json)
        }
        ReceiptCommand::Complete {
            receipt,
            tender,
            out,
        } => {
            let bundle = Bundle::open(tender)?;
            let whole = load(receipt)?
                .with_evidence(&bundle.replay, &bundle.files)
                .map_err(|e| Failure::from(e).at(receipt))?;
            ui::write(out, &whole.to_file()?)
        }
        ReceiptCommand::Keys { tender, out } => {
            let keys = TenderKeys::of(&Bundle::open(tender)?.replay)?;
            ui::write(out, &keys.to_file()?)
        }
    }
}

fn load(path: &Path) -> Result<Receipt, Failure> {
    Receipt::from_file(&ui::read(path)?).map_err(|e| Failure::from(e).at(path))
}

fn verify(ui: &Ui, receipt: &Path, record: &Path, keys: &TenderKeys, json: bool) -> Outcome {
    let received = load(receipt)?
        .verify_with(&load_record(record)?, keys)
        .map_err(|e| Failure::from(e).at(receipt))?;
    if json {
        let text = as_json(&received).to_string();
        ui.say(&text, &text);
        return Ok(());
    }
    let words = mifeng::words::fingerprint(&received.commitment, ui.lang == Lang::Zh);
    let (seen_zh, seen_en) = received.witnessed_in_words();
    let (at, index) = (received.at, received.index);
    ui.say(
        format!("回执有效：{at} 收到，日志第 {index} 条，指纹 {words}{seen_zh}"),
        format!("receipt is valid: received {at}, log entry {index}, fingerprint {words}{seen_en}"),
    );
    Ok(())
}

fn as_json(received: &Received) -> serde_json::Value {
    let said = |rows: &[(String, mifeng::crypto::Time)]| -> Vec<serde_json::Value> {
        rows.iter()
            .map(|(name, time)| serde_json::json!({"name": name, "time": time.to_string()}))
            .collect()
    };
    let witnessed = received.witnessed.as_ref().map(|seen| {
        serde_json::json!({
            "size": seen.size,
            "cosigned": said(&seen.cosigned),
            "stamped": said(&seen.stamped),
        })
    });
    serde_json::json!({
        "received": received.at.to_string(),
        "index": received.index,
        "size": received.size,
        "commitment": received.commitment.to_string(),
        "witnessed": witnessed,
    })
}
