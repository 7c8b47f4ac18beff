//! Receipts: verified against a bundle or with public keys only, and completed with what witnesses
//! and time-stamping authorities said later.

use crate::bundle::Bundle;
use crate::check::load_record;
use crate::ui::{self, Failure, Lang, Outcome, Ui};
use mifeng::{Receipt, Received, TenderKeys};
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum ReceiptCommand {
    /// 验证回执 / verify a receipt
    Verify {
        #[arg(long)]
        receipt: PathBuf,
        #[arg(long)]
        record: PathBuf,
        /// 公布之后的任一记录包 / any bundle since the notice
        #[arg(long, required_unless_present = "keys", conflicts_with = "keys")]
        tender: Option<PathBuf>,
        /// 只用公钥文件验证（见 receipt keys） / public keys only (see receipt keys)
        #[arg(long)]
        keys: Option<PathBuf>,
    },
    /// 给回执附上见证人共签的日志头与时间戳 / attach a cosigned head and time stamps to a receipt
    Complete {
        #[arg(long)]
        receipt: PathBuf,
        /// 较晚的记录包 / a later bundle
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 写出验证回执所需的公钥 / write the public keys that receipts are checked with
    Keys {
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
}

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
    // Of a bid, the words that were told when it was sealed.
    let named = received.seal.unwrap_or(received.commitment);
    let words = mifeng::words::fingerprint(&named, ui.lang == Lang::Zh);
    let (end_zh, end_en) = received.end_in_words();
    let (at, index) = (received.at, received.index);
    ui.say(
        format!(
            "回执有效：{:.3}（北京时间）收到，日志第 {index} 条，指纹 {words}{end_zh}",
            at.in_china()
        ),
        format!("receipt is valid: received {at}, log entry {index}, fingerprint {words}{end_en}"),
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
        "seal": received.seal,
        "whole": received.whole,
        "witnessed": witnessed,
    })
}
