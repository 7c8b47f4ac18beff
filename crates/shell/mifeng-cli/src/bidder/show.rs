//! `mifeng bid check`: what anyone sees in a sealed file, and with the key what is inside.

use super::load_any;
use super::part;
use crate::bundle::Bundle;
use crate::identity;
use crate::ui::{Failure, Lang, Outcome, Ui};
use mifeng::envelope::{self, Manifest, NoSink, VerifiedSeal};
use std::fs::File;
use std::path::Path;

/// What `bid check` is asked.
pub(crate) struct Asked<'a> {
    pub(crate) tender: &'a Path,
    pub(crate) bid: &'a Path,
    /// The bidder's identity folder, to look inside.
    pub(crate) id: Option<&'a Path>,
    /// The own copy, if it is not beside the bid.
    pub(crate) own: Option<&'a Path>,
}

/// `mifeng bid check`.
pub(crate) fn check(ui: &Ui, asked: &Asked<'_>, json: bool) -> Outcome {
    let bundle = Bundle::open(asked.tender)?;
    let seal = load_any(&bundle, asked.bid)?;
    let mut file = File::open(asked.bid).map_err(|e| Failure::io(asked.bid, &e))?;
    let at = |e| Failure::from(e).at(asked.bid);
    envelope::check_body(&mut file, &seal).map_err(at)?;
    let mut value = public(ui, &seal);
    let mut text = public_text(ui, &seal);
    if let Some(id) = asked.id {
        let manifest = inside(ui, &bundle, &seal, &mut file, (asked, id))?;
        let shown = serde_json::to_value(&manifest).map_err(|_| Failure::malformed("manifest"))?;
        value["content"] = shown;
        text.0.push_str(&inside_text(&manifest, Lang::Zh));
        text.1.push_str(&inside_text(&manifest, Lang::En));
    }
    ui.tell(json, &value, text.0, text.1);
    Ok(())
}

fn public(ui: &Ui, seal: &VerifiedSeal) -> serde_json::Value {
    let context = seal.context();
    let leaf = |c: &mifeng::pki::Certificate| serde_json::json!({"subject": c.subject_name(), "not_after": c.not_after()});
    serde_json::json!({
        "seal": seal.id(),
        "fingerprint": mifeng::words::fingerprint(&seal.id(), ui.lang == Lang::Zh),
        "suite": context.suite, "lot": context.lot, "envelope": context.envelope,
        "bidder": context.bidder, "tender_event": context.tender_event,
        "body_len": seal.body_len(), "root": seal.root(), "policy": seal.policy(),
        "signer": leaf(seal.signer()),
        "encryption": seal.encryption_certificate().map(leaf),
        "intact": true,
    })
}

fn public_text(ui: &Ui, seal: &VerifiedSeal) -> (String, String) {
    let context = seal.context();
    let words = mifeng::words::fingerprint(&seal.id(), ui.lang == Lang::Zh);
    let (signer, until) = (seal.signer().subject_name(), seal.signer().not_after());
    let policy = serde_json::to_string(seal.policy()).unwrap_or_default();
    let zh = format!(
        "密封完好：投标人 {}，标段 {}，信封 {}，密文 {} 字节，指纹 {words}\n  签名：{signer}，证书有效至 {until}\n  算法 {}，密文根 {}\n  开启条件 {policy}",
        context.bidder,
        context.lot,
        context.envelope,
        seal.body_len(),
        context.suite,
        seal.root(),
    );
    let en = format!(
        "seal intact: bidder {}, lot {}, envelope {}, {} bytes of ciphertext, fingerprint {words}\n  signed by {signer}, certificate valid until {until}\n  suite {}, root {}\n  opening policy {policy}",
        context.bidder,
        context.lot,
        context.envelope,
        seal.body_len(),
        context.suite,
        seal.root(),
    );
    (zh, en)
}

/// Opens the own copy of the secret with the key, and reads the whole bid with it.
fn inside(
    ui: &Ui,
    bundle: &Bundle,
    seal: &VerifiedSeal,
    file: &mut File,
    (asked, id): (&Asked<'_>, &Path),
) -> Result<Manifest, Failure> {
    let beside = part::own_path(asked.bid);
    let path = asked.own.unwrap_or(&beside);
    let own = part::load_own(path)?;
    if own.context != seal.context_digest() {
        let text = format!("{}: of another seal", path.display());
        return Err(Failure::refused("envelope.mismatch", text));
    }
    let decrypter = identity::load_decrypter(ui, id)?;
    let sigma = own.open(bundle.replay.suite(), &*decrypter)?;
    let board = bundle.replay.state.board();
    let boards: Vec<_> = board.into_iter().collect();
    let sigma = seal.rebuild(*sigma, &boards)?;
    let opened = envelope::open_body(file, seal, &sigma, &mut NoSink);
    Ok(opened.map_err(|e| Failure::from(e).at(asked.bid))?.0)
}

fn inside_text(manifest: &Manifest, lang: Lang) -> String {
    let zh = lang == Lang::Zh;
    let (opening, said) = (&manifest.opening, &manifest.declarations);
    let yes = |given: bool| match (given, zh) {
        (true, true) => "是",
        (false, true) => "否",
        (true, false) => "yes",
        (false, false) => "no",
    };
    let brand = said.brand.as_deref().unwrap_or("-");
    let mut lines = vec![if zh {
        format!(
            "  报价 {} {}（{}）",
            opening.price, opening.currency, opening.price_cn
        )
    } else {
        format!(
            "  price {} {} ({})",
            opening.price, opening.currency, opening.price_cn
        )
    }];
    for field in &opening.fields {
        lines.push(format!("  {}: {}", field.name, field.value));
    }
    lines.push(if zh {
        format!(
            "  小微企业 {}，本国产品 {}，品牌 {brand}",
            yes(said.sme),
            yes(said.domestic)
        )
    } else {
        format!(
            "  small {}, domestic {}, brand {brand}",
            yes(said.sme),
            yes(said.domestic)
        )
    });
    for line in &manifest.detail {
        lines.push(format!(
            "  {}: {} × {}",
            line.item, line.quantity, line.unit_price
        ));
    }
    for file in &manifest.files {
        lines.push(format!("  {:>13}  {}", file.size, file.path));
    }
    format!("\n{}", lines.join("\n"))
}
