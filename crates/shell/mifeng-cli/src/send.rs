//! `mifeng send`: hands records, bids, documents, cosigned heads, stamps and beacons in to a host over HTTP.

use crate::access;
use crate::bundle::Bundle;
use crate::client::{Client, fetched, parse};
use crate::reach::Reach;
use crate::tsa;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::record::SignedRecord;
use mifeng::tender::Document;
use mifeng::{Receipt, Received, Replay};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Times that a bid is handed in before the host is believed to give no receipt for it.
const HAND_INS: usize = 3;
/// Sessions for one bid: they last two hours each, and a day and a half is longer than any time for bodies.
const SESSIONS: usize = 18;

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
    /// 身份文件夹：截标后补传投标文件、取其回执，须以签署该记录的证书登录 / identity folder of whoever signed the record: after the close its bid, and the receipt, are for them alone
    #[arg(long, requires = "record", conflicts_with = "token")]
    id: Option<PathBuf>,
    /// 以 mifeng sign-in 所得令牌代替 --id / a token of `mifeng sign-in` instead of --id
    #[arg(long, requires = "record")]
    token: Option<PathBuf>,
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
    let mut client = Client::new(ui, &args.reach)?;
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
        client.stamp(&tsa::token_in(ui::read(token)?))?;
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
    require_documents(ui, &client, &signed, &args.document)?;
    if contract {
        // Its text is kept before anybody's seal on it counts.
        client.announce(&ui::read(record)?)?;
        send_documents(ui, &client, &args.document)?;
    }
    if let Some(token) = &args.token {
        let token = Zeroizing::new(ui::read_text(token)?);
        client.sign_in_with(Zeroizing::new(token.trim().to_owned()));
    }
    let mut sending = Sending {
        ui,
        args,
        client,
        record,
        signed: &signed,
        replay: None,
    };
    let (zh, en) = sending.handed_in()?.in_words();
    if !contract {
        send_documents(ui, &sending.client, &args.document)?;
    }
    ui.say(zh, en);
    Ok(())
}

/// A record on its way, with the bid that it brings.
struct Sending<'a> {
    ui: &'a Ui,
    args: &'a SendArgs,
    client: Client,
    record: &'a Path,
    signed: &'a SignedRecord,
    /// What receipts are checked with, once one came.
    replay: Option<Replay>,
}

impl Sending<'_> {
    /// Hands it in until its receipt holds. Where bodies may come after their records a bid's receipt must say that it is
    /// there: no other one shows that a host denies it.
    fn handed_in(&mut self) -> Result<Received, Failure> {
        if self.args.record_first {
            let received = self.asked(None)?;
            if received.whole {
                return Ok(received);
            }
            self.ui.say(
                "记录已入日志；正在上传密封投标",
                "the record is in the log; its bid is being sent",
            );
        }
        let bid = self.args.bid.as_deref();
        for _ in 0..HAND_INS {
            let received = self.asked(bid)?;
            if received.whole || bid.is_none() || !self.may_come_later()? {
                return Ok(received);
            }
        }
        Err(no_body())
    }

    /// One receipt, kept and checked; signs in if the host asks for that.
    fn asked(&mut self, bid: Option<&Path>) -> Result<Received, Failure> {
        for _ in 0..SESSIONS {
            match self.client.submit(self.record, bid) {
                Ok(receipt) => return self.received(&receipt),
                Err(no) if no.code == mifeng_access::SIGN_IN => self.sign_in()?,
                Err(no) => return Err(no),
            }
            // What is there whole needs no upload.
            if bid.is_some()
                && let Ok(receipt) = self.client.submit(self.record, None)
            {
                let received = self.received(&receipt)?;
                if received.whole {
                    return Ok(received);
                }
            }
        }
        Err(signed_out())
    }

    fn sign_in(&mut self) -> Outcome {
        let id = self.args.id.as_deref().ok_or_else(signed_out)?;
        let at = (&self.client, &*self.args.reach.host);
        let token = access::token(self.ui, at, id)?;
        self.client.sign_in_with(token);
        Ok(())
    }

    fn received(&mut self, receipt: &Receipt) -> Result<Received, Failure> {
        if let Some(out) = &self.args.receipt {
            // Before it is looked at: even one that does not hold is evidence.
            ui::write(out, &receipt.to_file()?)?;
        }
        let signed = self.signed;
        Ok(receipt.verify(signed, self.replay()?)?)
    }

    fn replay(&mut self) -> Result<&Replay, Failure> {
        let replay = match self.replay.take() {
            Some(replay) => replay,
            None => match &self.args.tender {
                Some(path) => Bundle::open(path)?.replay,
                None => fetched(&self.client)?,
            },
        };
        Ok(self.replay.insert(replay))
    }

    /// Whether the record is one whose body may come after it.
    fn may_come_later(&mut self) -> Result<bool, Failure> {
        let kind = kind_of(self.signed)?;
        let may = self.replay()?.state.bodies_end().is_some();
        Ok(may && ["bid.submit", "bid.replace"].contains(&&*kind))
    }
}

/// The code is the host's own.
fn signed_out() -> Failure {
    Failure {
        zh: Some(
            "截标后，投标文件及其回执只对签署该记录的证书开放：请加 --id 身份文件夹（或 --token 令牌）再次运行；已上传的部分仍在平台"
                .to_owned(),
        ),
        ..Failure::refused(
            mifeng_access::SIGN_IN,
            "after the close a bid and its receipt are for whoever signed its record: run this again with --id FOLDER (or --token FILE); what was sent is still there",
        )
    }
}

fn no_body() -> Failure {
    Failure {
        zh: Some(
            "记录已入日志，但平台给出的回执未写明投标文件完整收到：此回执不能证明平台已有投标文件。请在宽限期内再次运行，仍不成则保留回执并向代理机构提出"
                .to_owned(),
        ),
        ..Failure::refused(
            "receipt.no-body",
            "the record is in the log, but the receipt does not say that its bid is there whole: nothing shows that the host has it. Run this again while bodies are taken; if it stays so, keep the receipt and tell the agency",
        )
    }
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

/// A notice or an amendment whose files never come makes no dossier: they are handed in together.
fn require_documents(
    ui: &Ui,
    client: &Client,
    signed: &SignedRecord,
    given: &[PathBuf],
) -> Outcome {
    #[derive(serde::Deserialize)]
    struct Listing {
        #[serde(default)]
        documents: Vec<Document>,
    }
    #[derive(serde::Deserialize)]
    struct Listed {
        data: Listing,
    }
    if !matches!(&*kind_of(signed)?, "tender.publish" | "tender.amend") {
        return Ok(());
    }
    let listed: Listed = parse(&signed.body)?;
    let mut missing = listed.data.documents;
    if missing.is_empty() {
        return Ok(());
    }
    let alg = client.suite()?.hash();
    for path in given {
        let hash = alg.digest(&ui::read(path)?);
        missing.retain(|one| one.hash != hash);
    }
    let names: Vec<&str> = missing.iter().map(|one| &*one.name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let names = names.join(", ");
    Err(Failure::usage(match ui.lang {
        ui::Lang::Zh => {
            format!("记录列出的文件未随附：{names}；请以 --document 一并提交，缺了它们项目不能归档")
        }
        ui::Lang::En => format!(
            "the record lists files that are not given: {names}. Hand them in with it by --document; without them the tender cannot be archived"
        ),
    }))
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
