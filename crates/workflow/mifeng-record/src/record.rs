//! The record: a canonical JSON body and a detached CMS signature of the person who acts.

use crate::Error;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{Digest, HashAlg, Suite, Time, jcs};
use mifeng_pki::{Certificate, Signer, cms};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The largest body: a score sheet or an opening record of a thousand bids has about 300 KB.
pub const BODY_LEN_MAX: usize = 4 << 20;
/// The largest signature: a CMS with a chain of four certificates has about 8 KB.
pub const SIGNATURE_LEN_MAX: usize = 64 << 10;
/// The largest transport file: body and signature in base64.
pub const FILE_LEN_MAX: usize = (BODY_LEN_MAX + SIGNATURE_LEN_MAX) / 3 * 4 + 1024;

/// The JSON of a body (spec/record.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    v: u64,
    #[serde(rename = "type")]
    kind: String,
    origin: String,
    seq: u64,
    time: Time,
    actor: Digest,
    data: serde_json::Value,
    salt: Digest,
}

impl Body {
    fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut value = jcs::parse(bytes, BODY_LEN_MAX).map_err(Error::Json)?;
        // Moved and not copied: it is nearly all of a body.
        let data = value.get_mut("data").map(serde_json::Value::take);
        let body = jcs::from_value::<Body>(&value).map(|body| Body {
            data: data.unwrap_or_default(),
            ..body
        });
        // What is wrong is said with its place in the text.
        let body = body.or_else(|_| jcs::from_slice(bytes, BODY_LEN_MAX));
        let body = body.map_err(Error::Json)?;
        if !body.data.is_object() {
            let no_object = mifeng_crypto::Error::Schema { line: 1, column: 1 };
            return Err(Error::Json(no_object));
        }
        match body.v {
            1 => Ok(body),
            found => Err(Error::Version { found }),
        }
    }
}

/// What a person is about to sign: show it, then [`Draft::sign`] or send [`Draft::message`] to a token.
#[derive(Clone, Debug)]
pub struct Draft {
    body: Vec<u8>,
    time: Time,
}

/// The facts of a draft.
pub struct Facts<'a, T: ?Sized> {
    /// Event type, as `bid.submit`.
    pub kind: &'a str,
    /// Origin of the log it is meant for: a record is good for one log only.
    pub origin: &'a str,
    /// The actor's own count of records in this log, from 0.
    pub seq: u64,
    /// The actor's clock.
    pub time: Time,
    /// 32 random bytes that hide the body's content behind its hash.
    pub salt: [u8; 32],
    /// The data of the event.
    pub data: &'a T,
}

impl Draft {
    /// Writes the body.
    ///
    /// # Errors
    /// [`Error::Json`] if the data breaks the JSON profile.
    pub fn new<T: Serialize + ?Sized>(
        facts: &Facts<'_, T>,
        actor: &Certificate,
        suite: &Suite,
    ) -> Result<Self, Error> {
        let broken = |_| {
            Error::Json(mifeng_crypto::Error::Json {
                reason: "data has no JSON form",
                position: 0,
            })
        };
        let body = Body {
            v: 1,
            kind: facts.kind.to_owned(),
            origin: facts.origin.to_owned(),
            seq: facts.seq,
            time: facts.time.trunc_millis(),
            actor: actor.fingerprint(suite.hash()),
            data: serde_json::to_value(facts.data).map_err(broken)?,
            salt: Digest::from_bytes(facts.salt),
        };
        Ok(Draft {
            body: jcs::to_vec(&body).map_err(Error::Json)?,
            time: body.time,
        })
    }

    /// The bytes to be signed.
    pub fn message(&self) -> &[u8] {
        &self.body
    }

    /// Signs with a key at hand.
    ///
    /// # Errors
    /// [`Error::Signature`] if the key refuses.
    pub fn sign(self, signer: &dyn Signer, suite: &Suite) -> Result<SignedRecord, Error> {
        let signature = cms::sign_detached(signer, &self.body, self.time, cms::Profile::of(suite))
            .map_err(Error::Signature)?;
        Ok(SignedRecord {
            body: self.body,
            signature,
        })
    }
}

/// A body and its signature as they travel and are stored; nothing is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRecord {
    /// The canonical JSON body.
    pub body: Vec<u8>,
    /// The detached CMS SignedData over the body.
    pub signature: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    v: u64,
    body: String,
    sig: String,
}

impl SignedRecord {
    /// Reads a transport file (`*.rec`).
    ///
    /// # Errors
    /// [`Error::Json`], [`Error::Version`], [`Error::Base64`].
    pub fn from_file(bytes: &[u8]) -> Result<Self, Error> {
        let file: File = jcs::from_slice(bytes, FILE_LEN_MAX).map_err(Error::Json)?;
        if file.v != 1 {
            return Err(Error::Version { found: file.v });
        }
        let decode = |what, text: &str| {
            BASE64_STANDARD
                .decode(text)
                .map_err(|_| Error::Base64 { what })
        };
        Ok(SignedRecord {
            body: decode("body", &file.body)?,
            signature: decode("sig", &file.sig)?,
        })
    }

    /// Writes a transport file.
    ///
    /// # Errors
    /// [`Error::Json`] never in practice: the parts are text.
    pub fn to_file(&self) -> Result<Vec<u8>, Error> {
        jcs::to_vec(&File {
            v: 1,
            body: BASE64_STANDARD.encode(&self.body),
            sig: BASE64_STANDARD.encode(&self.signature),
        })
        .map_err(Error::Json)
    }

    /// The hash under which the body is stored and logged.
    pub fn body_digest(&self, alg: HashAlg) -> Digest {
        alg.digest(&self.body)
    }

    /// The hash under which the signature is stored and logged.
    pub fn signature_digest(&self, alg: HashAlg) -> Digest {
        alg.digest(&self.signature)
    }

    /// What a batch of a beat holds in place of this record (PROTOCOL 4).
    pub fn commitment(&self, suite: &Suite) -> Digest {
        let alg = suite.hash();
        mifeng_log::commitment(suite, &self.body_digest(alg), &self.signature_digest(alg))
    }
}

/// A record whose form and signature have been checked. Whether its signer's certificate chains
/// to a recognised root, and whether the signer may do this, are the next two questions.
#[derive(Clone, Debug)]
pub struct Record {
    body: Body,
    digests: (Digest, Digest),
    signer: Option<Certificate>,
    chain: Vec<Certificate>,
    commitment: Digest,
}

fn read(signed: &SignedRecord) -> Result<Body, Error> {
    let body = Body::read(&signed.body)?;
    match signed.signature.len() {
        ..=SIGNATURE_LEN_MAX => Ok(body),
        found => Err(Error::Json(mifeng_crypto::Error::TooLong {
            what: "signature",
            found,
            max: SIGNATURE_LEN_MAX,
        })),
    }
}

impl Record {
    /// Checks form, signature, and that the actor named is the one who signed.
    ///
    /// # Errors
    /// [`Error`], with the part that failed.
    pub fn verify(signed: SignedRecord, suite: &'static Suite) -> Result<Self, Error> {
        Self::verify_seen(signed, suite, &cms::Seen::default())
    }

    /// As [`Record::verify`], for one of many: certificates that were seen are not read again.
    ///
    /// # Errors
    /// As [`Record::verify`].
    pub fn verify_seen(
        signed: SignedRecord,
        suite: &'static Suite,
        seen: &cms::Seen,
    ) -> Result<Self, Error> {
        let body = read(&signed)?;
        let by = cms::verify_detached_seen(&signed.signature, &signed.body, suite, seen);
        Self::by(by.map_err(Error::Signature)?, body, &signed, suite)
    }

    /// The same for many records in this thread, their signatures side by side. The outcome of one does not depend on the
    /// others.
    pub fn verify_each(
        records: &[SignedRecord],
        suite: &'static Suite,
        seen: &cms::Seen,
    ) -> Vec<Result<Self, Error>> {
        let bodies: Vec<Result<Body, Error>> = records.iter().map(read).collect();
        let well_formed = records.iter().zip(&bodies).filter(|(_, body)| body.is_ok());
        let messages: Vec<_> = well_formed
            .map(|(signed, _)| cms::Detached {
                message: &signed.signature,
                content: &signed.body,
            })
            .collect();
        let mut signers = cms::verify_each_detached(&messages, suite, seen).into_iter();
        let each = records.iter().zip(bodies);
        each.map(|(signed, body)| {
            let body = body?;
            // One for each that is well formed.
            let by = signers.next().ok_or(Error::NoSigningTime)?;
            Self::by(by.map_err(Error::Signature)?, body, signed, suite)
        })
        .collect()
    }

    /// The actor named is the one who signed, at the time named.
    fn by(
        by: cms::Signed,
        body: Body,
        signed: &SignedRecord,
        suite: &Suite,
    ) -> Result<Self, Error> {
        let fingerprint = by.certificate.fingerprint(suite.hash());
        if fingerprint != body.actor {
            return Err(Error::Actor {
                named: body.actor,
                signed: fingerprint,
            });
        }
        let signed_at = by.signing_time.ok_or(Error::NoSigningTime)?;
        // CMS signing times have whole seconds (RFC 5652 section 11.3 with UTCTime).
        if signed_at.as_unix_seconds() != body.time.as_unix_seconds() {
            return Err(Error::SigningTime {
                signed: signed_at,
                body: body.time,
            });
        }
        let alg = suite.hash();
        let digests = (signed.body_digest(alg), signed.signature_digest(alg));
        Ok(Record {
            commitment: mifeng_log::commitment(suite, &digests.0, &digests.1),
            digests,
            body,
            signer: Some(by.certificate),
            chain: by.chain,
        })
    }

    /// A record whose signature is left out of the file at hand, and only its hash is known: the form of
    /// the body is checked, and nobody's signature. Whoever uses it says so.
    ///
    /// # Errors
    /// [`Error`], with the part that failed.
    pub fn unsigned(body: &[u8], signature: Digest, suite: &Suite) -> Result<Self, Error> {
        let digest = suite.hash().digest(body);
        Ok(Record {
            commitment: mifeng_log::commitment(suite, &digest, &signature),
            digests: (digest, signature),
            body: Body::read(body)?,
            signer: None,
            chain: Vec::new(),
        })
    }

    /// The event type.
    pub fn kind(&self) -> &str {
        &self.body.kind
    }

    /// The origin of the log it was made for.
    pub fn origin(&self) -> &str {
        &self.body.origin
    }

    /// The actor's own count.
    pub fn seq(&self) -> u64 {
        self.body.seq
    }

    /// The time the actor's clock showed.
    pub fn time(&self) -> Time {
        self.body.time
    }

    /// The fingerprint of the actor's signing certificate.
    pub fn actor(&self) -> Digest {
        self.body.actor
    }

    /// The data, read as the type of its event; unknown members are that type's affair to refuse.
    ///
    /// # Errors
    /// [`Error::Json`] if the members do not fit.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Error> {
        jcs::from_value(&self.body.data).map_err(Error::Json)
    }

    /// A member of the data that is text, whatever else is in it.
    pub fn text_member(&self, name: &str) -> Option<&str> {
        self.body.data.get(name)?.as_str()
    }

    /// The signing certificate; none where the signature is left out.
    pub fn signer(&self) -> Option<&Certificate> {
        self.signer.as_ref()
    }

    /// Who signed, by name; the fingerprint where the signature is left out.
    pub fn signer_name(&self) -> String {
        let name = self.signer.as_ref().map(Certificate::subject_name);
        name.unwrap_or_else(|| self.body.actor.to_string())
    }

    /// Further certificates that came with the signature.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// What stands for this record in a batch.
    pub fn commitment(&self) -> Digest {
        self.commitment
    }

    /// The hash of the body.
    pub fn body_digest(&self) -> Digest {
        self.digests.0
    }

    /// The hash of the signature.
    pub fn signature_digest(&self) -> Digest {
        self.digests.1
    }
}
