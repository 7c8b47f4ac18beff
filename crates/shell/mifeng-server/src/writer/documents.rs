//! Tender documents and contracts: kept where a signed record names their hash, and nothing else is.

use super::Writer;
use crate::limits::{DOCUMENT_LEN_MAX, DOCUMENTS_AWAITED};
use mifeng::crypto::Digest;
use mifeng::record::{Record, SignedRecord};
use mifeng::tender::{ContractStamp, Refusal, rules};
use mifeng::{Error, Store};

/// What is said of a document before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// It is named by a record, and not here yet; its size, where the record says it.
    Yes(Option<u64>),
    /// It is here.
    Here,
    /// No record names it.
    No,
}

impl<S: Store + 'static> Writer<S> {
    /// Whether a document of this hash is to be sent.
    pub(super) fn awaits(&self, hash: &Digest) -> Result<Awaited, Error> {
        let mut documents = self.host.state().documents();
        let listed = documents.find(|one| one.hash == *hash);
        let size = listed.map(|document| document.size);
        if size.is_none() && !self.awaited.contains(hash) {
            return Ok(Awaited::No);
        }
        Ok(match self.host.has_document(hash)? {
            true => Awaited::Here,
            false => Awaited::Yes(size),
        })
    }

    /// A contract that a party is about to stamp: its text must be here before its record is.
    pub(super) fn announce(&mut self, signed: SignedRecord) -> Result<Digest, Error> {
        let state = self.host.state();
        let record = Record::verify(signed, state.suite())?;
        let data: ContractStamp = match record.kind() {
            "contract.stamp" => record.data()?,
            other => {
                return Err(Error::Malformed {
                    what: "record",
                    detail: format!("expected contract.stamp, found {other}"),
                });
            }
        };
        let actor = record.actor();
        let notice = state.notice().map(|(_, notice)| notice);
        let office = notice.is_some_and(|n| [n.buyer.cert, n.agency.cert].contains(&actor));
        let bids = &mut state.bids().values();
        let bidder = bids.any(|bid| bid.seal.context().bidder_cert == actor);
        if !(office || bidder) || record.origin() != state.origin() {
            let detail = "whoever announces a contract is buyer, agency or bidder of this tender";
            return Err(Refusal::by(&rules::NOT_AUTHORISED, detail).into());
        }
        if state.awards().get(&data.lot).is_none() {
            return Err(Refusal::by(&rules::WRONG_STAGE, "the lot is not awarded").into());
        }
        if !self.awaited.contains(&data.contract) {
            self.awaited.push_back(data.contract);
        }
        while self.awaited.len() > DOCUMENTS_AWAITED {
            self.awaited.pop_front();
        }
        Ok(data.contract)
    }

    /// Keeps a document, if it is one that is awaited.
    pub(super) fn keep_document(&mut self, hash: &Digest, content: &[u8]) -> Result<(), Error> {
        let size = match self.awaits(hash)? {
            Awaited::Here => return Ok(()),
            Awaited::No => {
                return Err(Error::Malformed {
                    what: "document",
                    detail: "no record names it".to_owned(),
                });
            }
            Awaited::Yes(size) => size.unwrap_or(content.len() as u64),
        };
        let found = self.host.state().suite().hash().digest(content);
        if found != *hash || size != content.len() as u64 || content.len() > DOCUMENT_LEN_MAX {
            return Err(Error::Malformed {
                what: "document",
                detail: format!(
                    "expected {hash} of {size} B, found {found} of {} B",
                    content.len()
                ),
            });
        }
        self.host.add_document(content)?;
        self.changed = true;
        Ok(())
    }
}
