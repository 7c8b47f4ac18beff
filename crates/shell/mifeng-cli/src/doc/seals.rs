//! Seals on papers: whoever signs a paper at its end seals it.

use crate::clock;
use crate::identity::Identity;
use crate::stamp::StampSource;
use crate::stamp::pdf::{Job, sign};
use crate::tsa::Authority;
use crate::ui::{self, Failure, Ui};
use mifeng::crypto::HashAlg;
use mifeng::pki::tsp;
use mifeng::stamp::Seal;
use mifeng::stamp::ofd::{Mm, Place, Request, Scope, prepare};
use mifeng::stamp::pdf::{Format, Shown};
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

    /// As [`Self::seal`] on the PDF: each seal is a signature of GB/T 38540 with its picture.
    pub(crate) fn seal_pdf(
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
            let job = Job {
                signer: &party.identity.signer,
                seal: Some(&party.seal),
                format: Format::Seal,
                shown: Some(Shown {
                    page: spot.page,
                    place: spot.boundary(side(picture.width_mm), side(picture.height_mm)),
                    clip: None,
                    picture,
                }),
                strips: &[],
                certify: None,
                reason: "",
                at: clock::now(),
            };
            bytes = sign(&bytes, &job, &mut |value, _| self.token(ui, value))?;
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
