//! The papers of the demo's tender, sealed by those in whose name they are.

use super::DemoArgs;
use super::stages::Tender;
use crate::bundle::Bundle;
use crate::clock;
use crate::doc::{self, FontArgs, Fonts, Format, Stamper};
use crate::tsa::Authority;
use crate::ui::{Failure, Outcome, Ui};
use mifeng::stamp::{Picture, SealDraft, SealKind, Signers, Version};
use mifeng_doc::SealLook;
use std::path::PathBuf;

/// A year.
const SEAL_MS: i64 = 365 * 86_400_000;

impl Tender {
    /// Writes the papers, where the files are kept and a font is there.
    pub(super) fn documents(&self, ui: &Ui, args: &DemoArgs) -> Outcome {
        if args.keep.is_none() {
            return Ok(());
        }
        ui.title("10. 文书", "10. papers");
        let fonts = match FontArgs::default().load() {
            Ok(fonts) => fonts,
            Err(missing) => {
                let zh = missing.zh.clone().unwrap_or_default();
                ui.say(
                    format!("未生成文书：{zh}"),
                    format!("no papers: {}", missing.text),
                );
                return Ok(());
            }
        };
        let dossier = self.path("dossier.tar");
        let bundle = Bundle::open(&dossier)?;
        let mut all = doc::of_tender(&bundle);
        all.extend(doc::receipts(&bundle, &self.receipts()?)?);
        all.push(doc::verification(&bundle, &dossier)?);
        let stamper = self.stamper(&fonts)?;
        let out = self.path("documents");
        let written = doc::write_all(
            &self.world.ui,
            &all,
            (&fonts, &stamper),
            (Format::Both, &out),
        )?;
        let (count, shown) = (written.len(), out.display());
        ui.say(
            format!("{count} 个文件（OFD 与 PDF）在 {shown}"),
            format!("{count} files (OFD and PDF) in {shown}"),
        );
        Ok(())
    }

    fn receipts(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut all = Vec::new();
        for number in 1..=self.bidders {
            let folder = self.path(format!("bidder{number}"));
            let entries = std::fs::read_dir(&folder).map_err(|e| Failure::io(&folder, &e))?;
            let receipt = |path: &PathBuf| path.extension().is_some_and(|e| e == "receipt");
            all.extend(entries.flatten().map(|entry| entry.path()).filter(receipt));
        }
        all.sort();
        Ok(all)
    }

    /// Seals by the demo's maker; the standards know SM2 alone, so there are none in another suite.
    fn stamper(&self, fonts: &Fonts) -> Result<Stamper, Failure> {
        let mut stamper = Stamper::default();
        if self.world.suite.id() != "gm-1" {
            return Ok(stamper);
        }
        stamper.tsa = Some(Authority::open(&self.world.ui, &self.path("tsa"))?);
        let maker = self.world.identity("sealmaker")?;
        let now = clock::now();
        let mut all = vec![
            ("buyer".to_owned(), SealKind::UNIT, ""),
            ("agency".to_owned(), SealKind::PROCUREMENT, "采购代理专用章"),
            ("platform".to_owned(), SealKind::UNIT, ""),
        ];
        // Whoever won seals the contract.
        let bidders = (1..=self.bidders).map(|n| format!("bidder{n}"));
        all.extend(bidders.map(|folder| (folder, SealKind::UNIT, "")));
        for ((folder, kind, purpose), number) in all.into_iter().zip(1..) {
            let identity = self.world.identity(&folder)?;
            let certificate = identity.signer.certificate();
            let look = SealLook::Round {
                name: certificate.subject_name(),
                purpose: purpose.to_owned(),
            };
            let (width, height) = look.size();
            let png = mifeng_doc::seal_picture(&look, &fonts.faces.bold)?;
            let draft = SealDraft {
                version: Version::V4,
                vendor: "MIFENG".to_owned(),
                id: format!("3713000000{number:04}"),
                kind,
                name: format!("{}{purpose}", certificate.subject_name()),
                signers: Signers::certificates(core::slice::from_ref(certificate)),
                created: now,
                valid_from: now,
                valid_until: now.plus_millis(SEAL_MS),
                picture: Picture::new(png, width.into(), height.into())?,
                extensions: Vec::new(),
            };
            stamper.push(draft.sign(&maker.signer)?, identity);
        }
        Ok(stamper)
    }
}
