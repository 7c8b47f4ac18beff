//! Two CAs under one trust list: the second comes onto it while bids are received.

use super::stages::Tender;
use crate::bundle::Bundle;
use crate::identity;
use crate::person;
use crate::trust;
use crate::ui::{Failure, Outcome, Ui};
use mifeng::crypto::Digest;
use mifeng::tender::{BidWithdraw, TrustListEvent};

impl Tender {
    /// A bidder of the second CA is refused; the next version of the list is logged; from then on
    /// its CA counts. `bundle` is what bidders work with: it learns of the version, as they do.
    pub(crate) fn roll_over(&mut self, ui: &Ui, bundle: &mut Bundle) -> Outcome {
        let number = 2;
        let id = self.world.identity(&format!("bidder{number}"))?;
        self.show_refusal(ui, number, bundle)?;
        let (first, second) = (
            self.path("trust/list-1.trust"),
            self.path("trust/list-2.trust"),
        );
        self.world.next_list(&first, &second)?;
        let signed = trust::load(&second)?;
        let (list, sig) = signed.to_base64();
        let out = self.path("agency/trust-2.rec");
        let agency = self.world.identity("agency")?;
        let data = TrustListEvent { list, sig };
        person::sign(&bundle.replay, &agency, "trust.list", &data, &out)?;
        self.accept(&out)?;
        bundle.replay.foresee(&signed)?;
        let certificate = identity::load_certificate(&id.folder.join("sign.cer"))?;
        ui.say(
            format!(
                "  信任名单第 2 版入日志，载入第二家CA；{} 的证书自此被认可",
                certificate.subject_name()
            ),
            format!("  version 2 of the trust list is logged with the second CA: bidder {number} counts from now on"),
        );
        Ok(())
    }

    /// The host's door, before the list has the CA: refused, with code and clause.
    fn show_refusal(&mut self, ui: &Ui, number: usize, bundle: &Bundle) -> Outcome {
        let id = self.world.identity(&format!("bidder{number}"))?;
        let out = self.path(format!("bidder{number}/too-early.rec"));
        let seal = Digest::from_bytes([0; 32]);
        let data = BidWithdraw { seal };
        person::sign(&bundle.replay, &id, "bid.withdraw", &data, &out)?;
        let said = self.host.accept(&self.world.ui, &out, None, None);
        let sealed = self.seal(bundle, number, 0, 0, "too-early");
        let codes = [
            said.err().map(|failure| failure.code),
            sealed.err().map(|failure| failure.code),
        ];
        for code in codes {
            if code.as_deref() != Some("cert.unlisted-ca") {
                let found = code.unwrap_or_else(|| "accepted".to_owned());
                // Too slow a machine: the demo starts again with more time.
                let code = match found.as_str() {
                    "bid.late" => "bid.late",
                    _ => "demo.not-refused",
                };
                return Err(Failure::refused(code, found));
            }
        }
        ui.say(
            format!("  投标人 {number} 持第二家CA的证书：名单尚未载入，平台拒收、客户端拒封 [cert.unlisted-ca]（电子签名法 16条）"),
            format!("  bidder {number} holds a certificate of the second CA, not on the list yet: refused by the host and by its own client [cert.unlisted-ca] (ESL art. 16)"),
        );
        Ok(())
    }
}
