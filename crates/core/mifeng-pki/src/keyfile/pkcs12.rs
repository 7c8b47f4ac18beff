//! PKCS#12 (RFC 7292): keys and certificates in one file under one passphrase.
//!
//! Read: DER and BER; MAC by HMAC of SHA-1, SHA-2 or SM3, or PBMAC1 (RFC 9579); PBES2 and the old
//! schemes with three-key DES and RC2. Written: PBES2 as the suite has it, MAC by SHA-256. A file
//! without a MAC is refused: nothing vouches for what is in it.

use super::kdf::{self, Diversifier, Hash};
use super::pbe::{Derivation, Password, Scheme};
use super::{Budget, Protection, Writing, ber, pbe, pkcs8};
use crate::asn1::{Reader, tag, write};
use crate::{Certificate, Error, oid};
use mifeng_crypto::{Entropy, HashAlg, PrivateKey};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of the largest file read: a key with a chain of ten certificates has about 20,000.
pub const LEN_MAX: usize = 256 << 10;
/// Safe bags read in one file.
const BAGS_MAX: usize = 64;
/// Rounds below this are no protection, but files of the past have them.
const ROUNDS_MIN: u32 = 1;
/// Bytes of the MAC's salt written.
const MAC_SALT_LEN: usize = 16;
const WHAT: &str = "PKCS#12 file";

/// A key of the file.
pub struct KeyEntry {
    /// The key.
    pub key: PrivateKey,
    /// Its name, if it has one.
    pub name: Option<String>,
}

/// What a file held.
pub struct Contents {
    /// Keys in the file's order.
    pub keys: Vec<KeyEntry>,
    /// Certificates in the file's order.
    pub certificates: Vec<Certificate>,
    /// Certificates that this reader refuses (1,024-bit roots, say).
    pub certificates_unread: usize,
    /// The weakest protection met in the file.
    pub protection: Protection,
}

impl Contents {
    /// The certificate of a key.
    pub fn certificate_of(&self, entry: &KeyEntry) -> Option<&Certificate> {
        let public = entry.key.public_key().ok()?;
        self.certificates
            .iter()
            .find(|c| c.public_key().raw() == public.raw())
    }

    /// The certificates above one, nearest first, as far as the file has them.
    pub fn chain_of(&self, certificate: &Certificate) -> Vec<Certificate> {
        let (mut chain, mut below) = (Vec::new(), certificate);
        // No certificate twice, so the walk ends.
        while let Some(above) = self.certificates.iter().find(|c| {
            c.subject_raw() == below.issuer_raw()
                && c.der() != below.der()
                && chain
                    .iter()
                    .all(|known: &Certificate| known.der() != c.der())
        }) {
            chain.push(above.clone());
            below = above;
        }
        chain
    }
}

/// Whether the bytes begin as a PFX of version 3 does; in PKCS#8 the version is 0 or 1, or absent.
pub fn is_pkcs12(file: &[u8]) -> bool {
    let header = match file {
        [0x30, n @ 0x81..=0x84, ..] => 2 + usize::from(n & 0x7f),
        _ => 2,
    };
    file.first() == Some(&0x30) && file.get(header..header + 3) == Some(&[2, 1, 3])
}

/// Opens a file.
///
/// # Errors
/// [`Error::Passphrase`] for a wrong passphrase, a MAC that does not hold, or damaged content;
/// [`Error::Malformed`] for a file that is none, has no MAC, or uses unknown algorithms;
/// [`Error::TooLarge`] for its size or its round counts.
pub fn read(file: &[u8], passphrase: &[u8]) -> Result<Contents, Error> {
    if file.len() > LEN_MAX {
        return Err(Error::TooLarge {
            what: WHAT,
            found: file.len(),
            max: LEN_MAX,
        });
    }
    let file = ber::to_der(file, WHAT)?;
    let mut top = Reader::new(&file, WHAT);
    let mut pfx = top.enter(tag::SEQUENCE)?;
    if pfx.small()? != 3 {
        return Err(pfx.wrong());
    }
    let safe = data_of(pfx.enter(tag::SEQUENCE)?)?;
    if pfx.is_empty() {
        return Err(Error::Malformed {
            what: "PKCS#12 file: it has no MAC",
        });
    }
    let mut budget = Budget::new();
    let mac = Mac::read(pfx.enter(tag::SEQUENCE)?, &mut budget)?;
    pfx.finish()?;
    let password = mac.check(&safe, passphrase)?;
    let mut opening = Opening {
        password,
        budget,
        bags: 0,
        found: Contents {
            keys: Vec::new(),
            certificates: Vec::new(),
            certificates_unread: 0,
            protection: mac.protection(),
        },
    };
    opening.authenticated_safe(&safe)?;
    Ok(opening.found)
}

/// The octets of a ContentInfo of type data.
fn data_of(mut info: Reader<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let wrong = info.wrong();
    if info.oid()? != oid::DATA {
        return Err(wrong);
    }
    let mut content = info.enter(tag::context(0))?;
    info.finish()?;
    let octets = content.value(tag::OCTET_STRING)?;
    content.finish()?;
    Ok(Zeroizing::new(octets.to_vec()))
}

/// How the MAC's key comes from the passphrase.
enum MacKey<'a> {
    Pkcs12 {
        salt: &'a [u8],
        rounds: u32,
    },
    Pbmac1 {
        derivation: Derivation<'a>,
        len: usize,
    },
}

struct Mac<'a> {
    hash: Hash,
    key: MacKey<'a>,
    value: &'a [u8],
}

impl<'a> Mac<'a> {
    fn read(mut input: Reader<'a>, budget: &mut Budget) -> Result<Self, Error> {
        let wrong = input.wrong();
        let mut info = input.enter(tag::SEQUENCE)?;
        let alg = oid::algorithm(&mut info)?;
        let value = info.value(tag::OCTET_STRING)?;
        info.finish()?;
        let salt = input.value(tag::OCTET_STRING)?;
        let rounds = if input.is_empty() { 1 } else { input.small()? };
        input.finish()?;
        if alg.oid != oid::PBMAC1 {
            let hash = Hash::of_digest(alg.oid).filter(|_| alg.parameters.is_empty());
            let rounds = budget.spend(rounds, ROUNDS_MIN)?;
            return Ok(Mac {
                hash: hash.ok_or(wrong)?,
                key: MacKey::Pkcs12 { salt, rounds },
                value,
            });
        }
        // RFC 9579: salt and rounds outside are not used.
        let mut parameters = Reader::new(alg.parameters, WHAT).enter(tag::SEQUENCE)?;
        let mut function = parameters.enter(tag::SEQUENCE)?;
        let derivation = Derivation::read(&mut function, budget, ROUNDS_MIN)?;
        let scheme = oid::algorithm(&mut parameters)?;
        parameters.finish()?;
        let hash = Hash::of_hmac(scheme.oid).filter(|_| scheme.parameters.is_empty());
        // keyLength is required there, and 20 to 64 bytes are what hashes give.
        let len = derivation.len.and_then(|len| usize::try_from(len).ok());
        let len = len.filter(|len| (20..=64).contains(len));
        Ok(Mac {
            hash: hash.ok_or(wrong.clone())?,
            key: MacKey::Pbmac1 {
                derivation,
                len: len.ok_or(wrong)?,
            },
            value,
        })
    }

    fn protection(&self) -> Protection {
        let rounds = match &self.key {
            MacKey::Pkcs12 { rounds, .. } => *rounds,
            MacKey::Pbmac1 { derivation, .. } => derivation.rounds,
        };
        if self.hash == Hash::Sha1 || rounds < super::ITERATIONS_MIN {
            Protection::Legacy
        } else {
            Protection::Modern
        }
    }

    /// The form of the password that the MAC holds under.
    fn check<'p>(&self, safe: &[u8], passphrase: &'p [u8]) -> Result<Password<'p>, Error> {
        let mut forms = vec![Password::new(passphrase)];
        if passphrase.is_empty() {
            forms.push(Password::without_final_zero());
        }
        for password in forms {
            let key = match &self.key {
                MacKey::Pkcs12 { salt, rounds } => {
                    let (len, bmp) = (self.hash.len(), password.bmp()?);
                    kdf::pkcs12(self.hash, Diversifier::Mac, bmp, salt, *rounds, len)
                }
                MacKey::Pbmac1 { derivation: d, len } => {
                    kdf::pbkdf2(d.prf, password.bytes(), d.salt, d.rounds, *len)
                }
            };
            if bool::from(self.hash.hmac(&key, safe).ct_eq(self.value)) {
                return Ok(password);
            }
        }
        Err(Error::Passphrase)
    }
}

struct Opening<'a> {
    password: Password<'a>,
    budget: Budget,
    bags: usize,
    found: Contents,
}

impl Opening<'_> {
    fn authenticated_safe(&mut self, safe: &[u8]) -> Result<(), Error> {
        let safe = Zeroizing::new(ber::to_der(safe, WHAT)?);
        let mut infos = Reader::new(&safe, WHAT).enter(tag::SEQUENCE)?;
        while !infos.is_empty() {
            let info = infos.enter(tag::SEQUENCE)?;
            let mut peek = info;
            let content = match peek.oid()? {
                oid::DATA => data_of(info)?,
                oid::ENCRYPTED_DATA => self.encrypted(peek)?,
                _ => return Err(info.wrong()),
            };
            self.safe_contents(&content)?;
        }
        Ok(())
    }

    fn encrypted(&mut self, mut info: Reader<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let wrong = info.wrong();
        let mut data = info.enter(tag::context(0))?.enter(tag::SEQUENCE)?;
        let version = data.small()?;
        let mut content = data.enter(tag::SEQUENCE)?;
        if version > 2 || content.oid()? != oid::DATA {
            return Err(wrong);
        }
        let scheme = Scheme::read(&mut content, &mut self.budget, ROUNDS_MIN)?;
        // [0] IMPLICIT OCTET STRING, in one piece or in several.
        let (tag, _, octets) = content.any()?;
        content.finish()?;
        let octets = match tag {
            0x80 => octets.to_vec(),
            0xa0 => ber::joined(&[octets]).ok_or(wrong)?,
            _ => return Err(wrong),
        };
        self.note(scheme.protection());
        scheme.open(&self.password, &octets)
    }

    /// Remembers the weakest protection.
    fn note(&mut self, protection: Protection) {
        if protection != Protection::Modern {
            self.found.protection = Protection::Legacy;
        }
    }

    fn safe_contents(&mut self, contents: &[u8]) -> Result<(), Error> {
        let contents = Zeroizing::new(ber::to_der(contents, WHAT)?);
        let mut bags = Reader::new(&contents, WHAT).enter(tag::SEQUENCE)?;
        while !bags.is_empty() {
            self.bags += 1;
            if self.bags > BAGS_MAX {
                return Err(Error::TooLarge {
                    what: "PKCS#12 safe bags",
                    found: self.bags,
                    max: BAGS_MAX,
                });
            }
            self.bag(bags.enter(tag::SEQUENCE)?)?;
        }
        Ok(())
    }

    fn bag(&mut self, mut bag: Reader<'_>) -> Result<(), Error> {
        let kind = bag.oid()?;
        let value = bag.enter(tag::context(0))?.rest();
        let name = match bag.optional(tag::SET)? {
            Some(attributes) => friendly_name(attributes)?,
            None => None,
        };
        bag.finish()?;
        let key = match kind {
            oid::KEY_BAG => PrivateKey::from_pkcs8_der(value)?,
            oid::SHROUDED_KEY_BAG => {
                let (scheme, data) = pkcs8::parts(value, &mut self.budget, ROUNDS_MIN)?;
                let plain = scheme.open(&self.password, data)?;
                self.note(scheme.protection());
                // The MAC held, so the passphrase is right: the key's own error may be told.
                PrivateKey::from_pkcs8_der(&plain)?
            }
            oid::CERT_BAG => return self.certificate(value),
            // Revocation lists and secrets of other programs.
            _ => return Ok(()),
        };
        self.found.keys.push(KeyEntry { key, name });
        Ok(())
    }

    fn certificate(&mut self, value: &[u8]) -> Result<(), Error> {
        let mut bag = Reader::new(value, WHAT).enter(tag::SEQUENCE)?;
        if bag.oid()? != oid::X509_CERTIFICATE {
            self.found.certificates_unread += 1;
            return Ok(());
        }
        let der = bag.enter(tag::context(0))?.value(tag::OCTET_STRING)?;
        match Certificate::parse(der) {
            Ok(certificate) => self.found.certificates.push(certificate),
            Err(_) => self.found.certificates_unread += 1,
        }
        Ok(())
    }
}

fn friendly_name(mut attributes: Reader<'_>) -> Result<Option<String>, Error> {
    let mut found = None;
    while !attributes.is_empty() {
        let mut attribute = attributes.enter(tag::SEQUENCE)?;
        let (id, mut values) = (attribute.oid()?, attribute.enter(tag::SET)?);
        if id == oid::FRIENDLY_NAME && !values.is_empty() {
            let (_, _, bmp) = values.any()?;
            let units: Vec<u16> = bmp
                .as_chunks()
                .0
                .iter()
                .map(|pair| u16::from_be_bytes(*pair))
                .collect();
            found = Some(String::from_utf16_lossy(&units));
        }
    }
    Ok(found)
}

/// Writes keys, each with its name, and certificates.
///
/// # Errors
/// [`Error::TooLarge`] for iterations out of their limits, [`Error::Passphrase`] for a passphrase
/// that is no UTF-8; those of the keys and the entropy.
pub fn write(
    keys: &[(&PrivateKey, &str)],
    certificates: &[&Certificate],
    passphrase: &[u8],
    writing: Writing,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, Error> {
    let Writing { suite, iterations } = writing;
    let mut key_bags = Vec::new();
    for (key, name) in keys {
        let shrouded = pkcs8::encrypt_der(key, passphrase, suite, iterations, entropy)?;
        let id = local_id(key.public_key()?.raw());
        key_bags.push(safe_bag(oid::SHROUDED_KEY_BAG, &shrouded, &id, Some(name)));
    }
    let owned = |raw: &[u8]| {
        keys.iter()
            .any(|(k, _)| k.public_key().is_ok_and(|p| p.raw() == raw))
    };
    let mut cert_bags = Vec::new();
    for certificate in certificates {
        let raw = certificate.public_key().raw();
        let id = if owned(raw) {
            local_id(raw)
        } else {
            Vec::new()
        };
        let bag = write::seq(&[
            &write::oid(oid::X509_CERTIFICATE),
            &write::tlv(tag::context(0), &[&write::octets(certificate.der())]),
        ]);
        cert_bags.push(safe_bag(oid::CERT_BAG, &bag, &id, None));
    }
    let list = |bags: &[Vec<u8>]| write::seq(&bags.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let mut infos = vec![data_info(&list(&key_bags))];
    if !cert_bags.is_empty() {
        let (scheme, data) = pbe::seal(suite, passphrase, iterations, &list(&cert_bags), entropy)?;
        let content = write::seq(&[&write::oid(oid::DATA), &scheme, &write::tlv(0x80, &[&data])]);
        infos.push(write::seq(&[
            &write::oid(oid::ENCRYPTED_DATA),
            &write::tlv(
                tag::context(0),
                &[&write::seq(&[&write::small(0), &content])],
            ),
        ]));
    }
    let safe = list(&infos);
    let mac = write_mac(&safe, passphrase, iterations, entropy)?;
    Ok(write::seq(&[&write::small(3), &data_info(&safe), &mac]))
}

fn data_info(content: &[u8]) -> Vec<u8> {
    write::seq(&[
        &write::oid(oid::DATA),
        &write::tlv(tag::context(0), &[&write::octets(content)]),
    ])
}

/// What ties a key to its certificate.
fn local_id(public: &[u8]) -> Vec<u8> {
    HashAlg::Sha256.digest(public).as_bytes()[..20].to_vec()
}

fn safe_bag(kind: oid::Oid, value: &[u8], local_id: &[u8], name: Option<&str>) -> Vec<u8> {
    let attribute =
        |id, value: &[u8]| write::seq(&[&write::oid(id), &write::tlv(tag::SET, &[value])]);
    let mut attributes = Vec::new();
    if let Some(name) = name {
        let bmp: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let bmp = write::tlv(tag::BMP_STRING, &[&bmp]);
        attributes.push(attribute(oid::FRIENDLY_NAME, &bmp));
    }
    if !local_id.is_empty() {
        attributes.push(attribute(oid::LOCAL_KEY_ID, &write::octets(local_id)));
    }
    let attributes = match attributes.len() {
        0 => Vec::new(),
        _ => write::set_of(tag::SET, attributes),
    };
    write::seq(&[
        &write::oid(kind),
        &write::tlv(tag::context(0), &[value]),
        &attributes,
    ])
}

fn write_mac(
    safe: &[u8],
    passphrase: &[u8],
    rounds: u32,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, Error> {
    let mut salt = [0; MAC_SALT_LEN];
    entropy.fill(&mut salt)?;
    let (hash, password) = (Hash::Sha256, Password::new(passphrase));
    let bmp = password.bmp()?;
    let key = kdf::pkcs12(hash, Diversifier::Mac, bmp, &salt, rounds, hash.len());
    let info = write::seq(&[
        &oid::algorithm_der(oid::SHA256, true),
        &write::octets(&hash.hmac(&key, safe)),
    ]);
    Ok(write::seq(&[
        &info,
        &write::octets(&salt),
        &write::small(u64::from(rounds)),
    ]))
}
