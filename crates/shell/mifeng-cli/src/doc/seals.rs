//! Seals on papers: whoever signs a paper at its end seals it.

use crate::clock;
use crate::identity::Identity;
use crate::stamp::StampSource;
use crate::tsa::Authority;
use crate::ui::{self, Failure, Ui};
use mifeng::crypto::HashAlg;
use mifeng::pki::tsp;
use mifeng::stamp::ofd::{Mm, Place, Request, Scope, prepare};
use mifeng::stamp::{PictureKind, Seal};
use mifeng_doc::Sheets;
use std::path::Path;
use std::rc::Rc;

/// One who seals.
struct Party {
    name: String,
    seal: Seal,
    identity: Rc<Identity>,
}

/// Who can seal, by the names in their certificates.
#[derive(Default)]
pub(crate) struct Stamper {
    parties: Vec<Party>,
    /// Where time stamps come from, if from anywhere.
    source: StampSource,
    /// Or an authority that is at hand.
    pub(crate) tsa: Option<Authority>,
}

impl Stamper {
    /// Nobody yet, with time stamps from this source.
    pub(crate) fn stamped_by(source: StampSource) -> Self {
        Stamper {
            source,
            ..Stamper::default()
        }
    }

    /// Adds a seal with its signer.
    pub(crate) fn add(&mut self, ui: &Ui, seal: &Path, id: &Path) -> Result<(), Failure> {
        let read = Seal::parse(&ui::read(seal)?).map_err(|e| Failure::from(e).at(seal))?;
        self.push(read, Rc::new(Identity::load(ui, id)?));
        Ok(())
    }

    /// As [`Self::add`], opened already.
    pub(crate) fn push(&mut self, seal: Seal, identity: Rc<Identity>) {
        self.parties.push(Party {
            name: identity.signer.certificate().subject_name(),
            seal,
            identity,
        });
    }

    fn of(&self, party: &str) -> Option<&Party> {
        self.parties.iter().find(|one| one.name == party)
    }

    /// The picture for the copy as PDF.
    pub(crate) fn picture(&self, party: &str) -> Option<(&[u8], (u32, u32))> {
        let picture = self.of(party)?.seal.picture();
        let png = picture
            .facts()
            .is_ok_and(|facts| facts.kind == PictureKind::Png);
        let side = |mm: u64| u32::try_from(mm).ok();
        let size = (side(picture.width_mm)?, side(picture.height_mm)?);
        png.then_some((picture.data.as_slice(), size))
    }

    /// Seals the document at each place whose party has a seal here, one after the other.
    pub(crate) fn seal(
        &self,
        ui: &Ui,
        plain: Vec<u8>,
        sheets: &Sheets,
    ) -> Result<Vec<u8>, Failure> {
        let mut bytes = plain;
        for spot in sheets.places() {
            let Some(party) = self.of(&spot.party) else {
                continue;
            };
            let side = |mm: u64| Mm::new(i64::try_from(mm).unwrap_or(42));
            let picture = party.seal.picture();
            let places = [Place {
                page: sheets.page_id(spot.page),
                boundary: spot.boundary(side(picture.width_mm), side(picture.height_mm)),
                clip: None,
            }];
            let request = Request {
                seal: &party.seal,
                at: clock::now(),
                places: &places,
                scope: Scope::Document,
                close: false,
                provider: "mifeng",
            };
            let prepared = prepare(&bytes, &request)?;
            let mut signature = prepared.draft(&party.seal).sign(&party.identity.signer)?;
            if let Some(token) = self.token(ui, signature.signature_value())? {
                signature = signature.with_time_stamp(&token)?;
            }
            bytes = prepared.finish(&signature)?;
        }
        Ok(bytes)
    }

    fn token(&self, ui: &Ui, value: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        let Some(tsa) = &self.tsa else {
            return self.source.token(ui, value);
        };
        let imprint = HashAlg::Sm3.digest(value);
        let request = tsp::Request::new(imprint, HashAlg::Sm3, None).to_der();
        Ok(Some(tsp::unwrap_response(&tsa.answer(&request)?)?))
    }
}
