//! `mifeng send`: hands records, bids, documents, cosigned heads, stamps and beacons in to a host over HTTP.

use crate::bundle::Bundle;
use crate::client::{Client, fetched, parse};
use crate::reach::Reach;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::Receipt;
use mifeng::record::SignedRecord;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(clap::Args, Debug)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    reach: Reach,
    /// 已签名的记录 / signed record
    #[arg(required_unless_present_any = ["cosigned", "cosigned_anchors", "stamp", "beacon"])]
    record: Option<PathBuf>,
    /// 该记录所提交的密封投标 / the sealed bid that the record brings
    #[arg(long, requires = "record")]
    bid: Option<PathBuf>,
    /// 先提交记录并取得回执，再上传密封投标；公告须允许 / the record first, with its receipt, then the bid: if the notice allows it
    #[arg(long, requires = "bid")]
    record_first: bool,
    /// 回执写到这里 / the receipt goes here
    #[arg(long, requires = "record")]
    receipt: Option<PathBuf>,
    /// 用这份记录包核对回执；不给则下载 / check the receipt with this bundle; without: fetched
    #[arg(long, value_name = "TAR", requires = "record")]
    tender: Option<PathBuf>,
    /// 见证人共签的日志头 / a head that a witness cosigned
    #[arg(long)]
    cosigned: Vec<PathBuf>,
    /// 本项目见证人共签的锚定日志头 / a head of the anchor log that a witness of this tender cosigned
    #[arg(long)]
    cosigned_anchors: Vec<PathBuf>,
    /// 时间戳 / a time stamp
    #[arg(long)]
    stamp: Vec<PathBuf>,
    /// 随记录提交的文件：招标文件各件，或合同原文 / files that the record names: the tender documents, or a contract
    #[arg(long, requires = "record")]
    document: Vec<PathBuf>,
    /// 信标 / a beacon
    #[arg(long)]
    beacon: Vec<PathBuf>,
}

/// `mifeng send`.
pub(crate) fn run(ui: &Ui, args: &SendArgs) -> Outcome {
    let client = Client::new(ui, &args.reach)?;
    for note in &args.cosigned {
        client.cosign(&ui::read(note)?)?;
        ui.say("共签已送达", "cosigned head handed in");
    }
    for note in &args.cosigned_anchors {
        client.cosign_anchors(&ui::read(note)?)?;
        ui.say(
            "锚定日志的共签已送达",
            "cosigned head of the anchor log handed in",
        );
    }
    for token in &args.stamp {
        client.stamp(&ui::read(token)?)?;
        ui.say("时间戳已送达", "time stamp handed in");
    }
    for beacon in &args.beacon {
        client.beacon(&ui::read(beacon)?)?;
        ui.say("信标已送达", "beacon handed in");
    }
    let Some(record) = &args.record else {
        return Ok(());
    };
    let signed = SignedRecord::from_file(&ui::read(record)?)?;
    let contract = !args.document.is_empty() && kind_of(&signed)? == "contract.stamp";
    if contract {
        // Its text is kept before anybody's seal on it counts.
        client.announce(&ui::read(record)?)?;
        send_documents(ui, &client, &args.document)?;
    }
    let keep = |receipt: &Receipt| match &args.receipt {
        // Before it is looked at: even one that does not hold is evidence.
        Some(out) => ui::write(out, &receipt.to_file()?),
        None => Ok(()),
    };
    if args.record_first {
        keep(&client.submit(record, None)?)?;
        ui.say(
            "记录已入日志；正在上传密封投标",
            "the record is in the log; its bid is being sent",
        );
    }
    let receipt = client.submit(record, args.bid.as_deref())?;
    keep(&receipt)?;
    let replay = match &args.tender {
        Some(path) => Bundle::open(path)?.replay,
        None => fetched(&client)?,
    };
    if !contract {
        send_documents(ui, &client, &args.document)?;
    }
    let (zh, en) = receipt.verify(&signed, &replay)?.in_words();
    ui.say(zh, en);
    Ok(())
}

/// The type that a record gives itself.
fn kind_of(signed: &SignedRecord) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct Typed {
        r#type: String,
    }
    let typed: Typed = parse(&signed.body)?;
    Ok(typed.r#type)
}

/// Under the hash that the records of the tender name them by.
fn send_documents(ui: &Ui, client: &Client, documents: &[PathBuf]) -> Outcome {
    if documents.is_empty() {
        return Ok(());
    }
    let suite = client.suite()?;
    for path in documents {
        let content = ui::read(path)?;
        let sent = client.document(&suite.hash().digest(&content), &content);
        sent.map_err(|e| e.at(path))?;
        let name = path.display();
        ui.say(
            format!("文件已送达：{name}"),
            format!("document handed in: {name}"),
        );
    }
    Ok(())
}
