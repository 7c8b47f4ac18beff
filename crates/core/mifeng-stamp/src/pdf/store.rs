//! Material for long-term validation: the document security store (ISO 32000-2 section 12.8.4.3,
//! ETSI EN 319 142-1 section 5.4). None of it is trusted; every piece proves itself or nothing.

use super::file::File;
use super::object::{Dict, Object};
use super::update::Update;
use super::write::Stream;
use super::{broken, filter};
use crate::Error;
use crate::error::limit;
use mifeng_pki::{Certificate, OcspResponse, RevocationList};

/// Pieces of one kind.
const PIECES_MAX: usize = 512;
/// Bytes of all pieces: revocation lists of large CAs have some MiB.
const STORE_LEN_MAX: usize = 64 << 20;

/// Certificates and what is known about their revocation.
#[derive(Clone, Debug, Default)]
pub struct Validation {
    /// Certificates of paths.
    pub certificates: Vec<Certificate>,
    /// Revocation lists.
    pub crls: Vec<RevocationList>,
    /// OCSP responses.
    pub ocsp: Vec<OcspResponse>,
}

const KEYS: [&str; 3] = ["Certs", "CRLs", "OCSPs"];

/// What the document carries. Pieces that cannot be read are as good as absent.
pub(super) fn read(file: &File<'_>) -> Result<Validation, Error> {
    let mut out = Validation::default();
    let (_, root) = file.root()?;
    let Object::Dict(store) = file.value(&root, "DSS")? else {
        return Ok(out);
    };
    let mut total = 0;
    for key in KEYS {
        let Object::Array(list) = file.value(&store, key)? else {
            continue;
        };
        limit("pieces of validation material", list.len(), PIECES_MAX)?;
        for one in list.iter().filter_map(Object::reference) {
            let found = file.get(one)?;
            let (Some(dict), Some(range)) = (found.object.dict(), found.stream) else {
                return Err(broken(0, "validation material is no stream"));
            };
            let der = filter::decode(dict, &file.bytes[range.clone()], range.start)?;
            total += der.len();
            limit("bytes of validation material", total, STORE_LEN_MAX)?;
            match key {
                "Certs" => out.certificates.extend(Certificate::parse(&der).ok()),
                "CRLs" => out.crls.extend(RevocationList::parse(&der).ok()),
                _ => out.ocsp.extend(OcspResponse::parse(&der).ok()),
            }
        }
    }
    Ok(out)
}

/// Adds material to the document by an update; what is there already stays.
///
/// # Errors
/// [`Error::Pdf`], [`Error::TooLarge`]; [`Error::Field`] if there is nothing to add.
pub fn add_validation(bytes: &[u8], added: &Validation) -> Result<Vec<u8>, Error> {
    let file = File::open(bytes)?;
    let there = read(&file)?;
    let (root_id, mut root) = file.root()?;
    let mut store = match file.value(&root, "DSS")? {
        Object::Dict(store) => store,
        _ => Dict(vec![(b"Type".to_vec(), Object::named("DSS"))]),
    };
    let known: Vec<&[u8]> = there
        .certificates
        .iter()
        .map(Certificate::der)
        .chain(there.crls.iter().map(RevocationList::der))
        .chain(there.ocsp.iter().map(OcspResponse::der))
        .collect();
    let pieces = |key: &str| -> Vec<&[u8]> {
        match key {
            "Certs" => added.certificates.iter().map(Certificate::der).collect(),
            "CRLs" => added.crls.iter().map(RevocationList::der).collect(),
            _ => added.ocsp.iter().map(OcspResponse::der).collect(),
        }
    };
    let mut update = Update::new(&file)?;
    let mut count = 0;
    for key in KEYS {
        let mut list = match file.value(&store, key)? {
            Object::Array(list) => list,
            _ => Vec::new(),
        };
        let mut new: Vec<&[u8]> = pieces(key);
        new.retain(|der| !known.contains(der));
        new.dedup();
        for der in new {
            let id = update.stream(Stream::plain(Dict::default(), der.to_vec()))?;
            list.push(Object::Ref(id));
            count += 1;
        }
        if !list.is_empty() {
            store.set(key, Object::Array(list));
        }
    }
    if count == 0 {
        return Err(Error::Field {
            field: "validation material",
            rule: "nothing that is not there already",
        });
    }
    root.set("DSS", Object::Dict(store));
    update.put(root_id, Object::Dict(root));
    Ok(update.finish()?.0)
}
