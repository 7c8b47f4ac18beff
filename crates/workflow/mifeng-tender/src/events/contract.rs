//! The contract of a lot, once it is awarded.

use mifeng_crypto::Digest;
use serde::{Deserialize, Serialize};

event_data! {
    /// `contract.stamp`: the supplier stamps the contract, then the buyer.
    ContractStamp {
        /// Certificates between the recognised roots and those of makers and signers: DER, base64.
        certs: Vec<String>,
        /// Hash of the contract before anybody stamped it; the dossier has it in `docs/`.
        contract: Digest,
        /// Lot id.
        lot: String,
        /// Its price: that of the award.
        price: String,
        /// Seal signatures over the contract: DER, base64. None in intl-1, where the signature of this record
        /// is the signature.
        stamps: Vec<String>,
    }
    /// `contract.file`: buyer or agency filed the contract with the finance department.
    ContractFile {
        /// Lot id.
        lot: String,
        /// The number of the receipt.
        receipt: String,
        /// The system that gave it.
        system: String,
    }
    /// `contract.publish`: buyer or agency published the contract.
    ContractPublish {
        /// Lot id.
        lot: String,
        /// Where.
        place: String,
    }
}
