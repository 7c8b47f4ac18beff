//! The papers of a bundle, each with the name of its file.

use crate::bundle::Bundle;
use crate::clock;
use crate::ui::{self, Failure};
use mifeng::crypto::HashAlg;
use mifeng::{NotChecked, Receipt, Replay, Report, Trusted, Verdict};
use mifeng_doc::{Paper, forms};
use std::path::{Path, PathBuf};

/// A paper and the name of its file, without its ending.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) paper: Paper,
}

fn lines(bundle: &Bundle) -> Vec<forms::Line> {
    let line = |one: &mifeng::Logged| forms::Line {
        kind: one.kind.clone(),
        lot: one.lot.clone(),
        seal: one.seal,
        signer: one.signer.clone(),
        actor: one.actor,
        time: one.time,
        commitment: one.commitment,
    };
    bundle.replay.records.iter().map(line).collect()
}

/// Every paper that the records so far give.
pub(crate) fn of_tender(bundle: &Bundle) -> Vec<Named> {
    let lines = lines(bundle);
    let source = forms::Source {
        state: &bundle.replay.state,
        lines: &lines,
    };
    let mut all = Vec::new();
    // The last line of the title says what it is.
    let mut put = |paper: Option<Paper>, of: String| {
        let title = paper.as_ref().and_then(|paper| paper.title.last().cloned());
        let named = paper.zip(title);
        all.extend(named.map(|(paper, title)| Named {
            name: format!("{title}{of}"),
            paper,
        }));
    };
    put(forms::ceremony(&source), String::new());
    put(forms::opening(&source), String::new());
    put(forms::draw(&source), String::new());
    let lots = source
        .state
        .notice()
        .map(|(_, notice)| notice.lots.as_slice());
    for lot in lots.unwrap_or_default() {
        let id = &lot.id;
        for paper in [forms::scores, forms::report, forms::award, forms::contract] {
            put(paper(&source, id), format!("-标段{id}"));
        }
        for (code, paper) in forms::losers(&source, id) {
            put(Some(paper), format!("-标段{id}-{code}"));
        }
    }
    all
}

/// Receipts, each held against the bundle before it is printed.
pub(crate) fn receipts(bundle: &Bundle, files: &[PathBuf]) -> Result<Vec<Named>, Failure> {
    let lines = lines(bundle);
    let state = &bundle.replay.state;
    let source = forms::Source {
        state,
        lines: &lines,
    };
    let mut all = Vec::new();
    for file in files {
        let at = |e: mifeng::Error| Failure::from(e).at(file);
        let given = Receipt::from_file(&ui::read(file)?).map_err(at)?;
        let record = given.record_in(&bundle.files).map_err(at)?;
        let record = record.ok_or_else(Receipt::record_missing).map_err(at)?;
        let received = given.hold_against(&record, &bundle.replay).map_err(at)?;
        let bid = state
            .bids()
            .iter()
            .find(|(_, bid)| bid.record == received.commitment);
        let (seal, bid) = bid.ok_or_else(|| {
            Failure::refused("doc.not-a-bid", "the receipt is not for a bid").at(file)
        })?;
        let line = lines
            .iter()
            .find(|line| line.commitment == received.commitment);
        let host = state.host().and_then(|(cert, _)| {
            let known =
                |c: &&mifeng::pki::Certificate| c.fingerprint(state.suite().hash()) == *cert;
            let own = bundle.replay.roots.iter().find(known);
            own.map(mifeng::pki::Certificate::subject_name)
        });
        let host = host.or_else(|| {
            let own = lines.iter().find(|line| line.kind == "submission.close");
            own.map(|line| line.signer.clone())
        });
        let context = bid.seal.context();
        let paper = forms::receipt(
            &source,
            &forms::Received {
                bidder: bid.name.clone(),
                code: context.bidder.clone(),
                lot: context.lot.clone(),
                replaces: line.is_some_and(|line| line.kind == "bid.replace"),
                at: received.at,
                index: received.index,
                seal: *seal,
                record: received.commitment,
                host: host.unwrap_or_else(|| state.origin().to_owned()),
            },
        );
        let name = format!(
            "回执-标段{}-{}-{}",
            context.lot, context.bidder, received.index
        );
        all.extend(paper.map(|paper| Named { name, paper }));
    }
    Ok(all)
}

/// The verifier's report over a dossier.
pub(crate) fn verification(bundle: &Bundle, dossier: &Path) -> Result<Named, Failure> {
    let trusted = Trusted::default();
    let report = mifeng::verify(&bundle.files, &trusted)?;
    let open = mifeng::not_checked(&trusted, false);
    verification_of(&report, &open, Some(&bundle.replay), dossier)
}

/// A report as a paper; what cannot be replayed has neither title nor origin.
pub(crate) fn verification_of(
    report: &Report,
    open: &[NotChecked],
    replay: Option<&Replay>,
    dossier: &Path,
) -> Result<Named, Failure> {
    let state = replay.map(|replay| &replay.state);
    let bytes = ui::read(dossier)?;
    let checks = report.checks.iter().map(|check| forms::Check {
        id: check.id.to_owned(),
        title: check.zh.to_owned(),
        passed: match check.verdict {
            // What it did not see stands in its own words.
            Verdict::Pass | Verdict::Part => Some(true),
            Verdict::Fail => Some(false),
            Verdict::NotRun => None,
        },
        saw: check.saw_zh.clone(),
    });
    let title = state
        .and_then(|state| state.notice())
        .map(|(_, notice)| notice.title.zh.clone());
    let origin = state.map(|state| state.origin().to_owned());
    let paper = forms::verification(&forms::Verification {
        tender: report.tender.clone().unwrap_or_default(),
        title: title.unwrap_or_default(),
        origin: origin.unwrap_or_default(),
        root: report.root,
        dossier: format!("{}", HashAlg::Sm3.digest(&bytes)),
        at: clock::now(),
        by: String::new(),
        checks: checks.collect(),
        conclusion: report.conclusion().0.replace("结论：", ""),
        keeping: report.keeping.as_ref().map(|kept| kept.in_words().0),
        open: open.iter().map(|one| one.zh.to_owned()).collect(),
    });
    Ok(Named {
        name: "档案核验报告".to_owned(),
        paper,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng_doc::Block;

    /// Who asked on the spot, and that it was answered; what was asked stays in the log.
    #[test]
    fn the_opening_record_lists_who_asked() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
        let path = root.join("test-vectors/dossier/intl-1-asked.tar");
        let bundle = Bundle::open(&path).expect("a bundle");
        let mut papers = of_tender(&bundle).into_iter();
        let record = papers.find(|one| one.name == "开标记录表").expect("made");
        let of_questions = record.paper.blocks.iter().filter_map(|block| match block {
            Block::Table(table) if table.head.iter().any(|head| head == "事项") => Some(table),
            _ => None,
        });
        let tables: Vec<_> = of_questions.collect();
        assert_eq!(tables.len(), 1);
        let rows: Vec<Vec<&str>> = tables[0]
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| cell.text.as_str()).collect())
            .collect();
        let kinds: Vec<&str> = rows.iter().map(|row| row[2]).collect();
        assert_eq!(kinds, ["询问", "回避申请"]);
        assert!(
            rows.iter()
                .all(|row| row[1].contains("投标人") && row[4] != "—")
        );
    }
}
