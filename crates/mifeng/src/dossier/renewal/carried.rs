//! What is known of revocation on the day of a renewal, and comes with it: lists and OCSP responses.

use super::{RenewalMaterial, failed};
use crate::bundle::Files;
use crate::dossier::overlay::Overlay;
use crate::{Error, layout};
use mifeng_crypto::{Suite, Time};
use mifeng_pki::{
    Certificate, OcspAnswer, OcspResponse, RevocationList, Standing, judge_response, tsp,
};

/// Lists of one renewal: of every CA on two paths, twice over. As many responses.
const CARRIED_MAX: usize = 16;
/// Ends of their names.
const LIST: &str = "crl";
const RESPONSE: &str = "ocsp";

fn name_of(n: u64, k: usize, end: &str) -> String {
    layout::renewal(n, &format!("{k:02}.{end}"))
}

/// Whether a renewal's file is one of these.
pub(super) fn is_carried(name: &str) -> bool {
    let end = name.rsplit('.').next();
    [LIST, RESPONSE].into_iter().any(|own| end == Some(own))
}

/// A stamp whose authority must not have been revoked.
pub(super) struct Judged {
    pub(super) stamp: tsp::TimeStamp,
    pub(super) suite: &'static Suite,
}

impl Judged {
    fn certificates(&self) -> &[Certificate] {
        self.stamp.path.certificates()
    }
}

/// Lists and responses of one renewal, by name.
#[derive(Clone, Default)]
pub(super) struct Carried {
    lists: Vec<(String, RevocationList)>,
    responses: Vec<(String, OcspResponse)>,
}

impl Carried {
    /// Those that came with renewal `n`, each kind numbered without a gap.
    pub(super) fn of(files: &dyn Files, n: u64) -> Result<Self, Error> {
        Ok(Carried {
            lists: read(files, n, LIST, RevocationList::parse)?,
            responses: read(files, n, RESPONSE, OcspResponse::parse)?,
        })
    }

    /// Adds what is to come with renewal `n`.
    pub(super) fn put(material: &RenewalMaterial<'_>, whole: &mut Overlay<'_>, n: u64) {
        for (end, all) in [(LIST, material.crls), (RESPONSE, material.ocsp)] {
            for (k, der) in (1..).zip(all) {
                whole.with(&name_of(n, k, end), der.clone());
            }
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        let lists = self.lists.iter().map(|(own, _)| own);
        let mut all = lists.chain(self.responses.iter().map(|(own, _)| own));
        all.any(|own| own == name)
    }

    pub(super) fn lists(&self) -> impl Iterator<Item = &RevocationList> {
        self.lists.iter().map(|(_, list)| list)
    }

    pub(super) fn responses(&self) -> impl Iterator<Item = &OcspResponse> {
        self.responses.iter().map(|(_, response)| response)
    }

    /// What stamped a head was judged by the lists of its day; a list of the first renewal can say that an authority had
    /// been revoked before.
    pub(super) fn check_heads(&self, heads: &[Judged]) -> Result<(), Error> {
        for (name, list) in &self.lists {
            for head in heads {
                not_revoked(name, list, &head.stamp)?;
            }
        }
        Ok(())
    }

    /// Each must be about one of the two stamps, or of the heads' stamps, and not newer than the own one, which covers
    /// it; a response must speak for each stamp that it is about.
    pub(super) fn check(&self, own: &Judged, before: &[Judged]) -> Result<(), Error> {
        let at = own.stamp.gen_time;
        for (name, list) in &self.lists {
            let mut authorities = before.iter().chain([own]).flat_map(Judged::certificates);
            if !authorities.any(|ca| ca.subject_raw() == list.issuer_raw()) {
                return Err(stray(name));
            }
            not_newer(name, list.this_update(), at)?;
        }
        for (name, response) in &self.responses {
            let mut spoken_for = false;
            for judged in before.iter().chain([own]) {
                spoken_for |= speaks(name, response, judged)?;
            }
            if !spoken_for {
                return Err(stray(name));
            }
            not_newer(name, response.produced_at(), at)?;
            for answer in response.answers() {
                not_newer(name, answer.this_update, at)?;
            }
        }
        Ok(())
    }
}

fn read<T>(
    files: &dyn Files,
    n: u64,
    end: &str,
    parse: fn(&[u8]) -> Result<T, mifeng_pki::Error>,
) -> Result<Vec<(String, T)>, Error> {
    let names = (1..=CARRIED_MAX).map(|k| name_of(n, k, end));
    let there = names.take_while(|name| files.index().contains_key(name));
    there
        .map(|name| {
            let read = parse(&files.read(&name)?).map_err(|e| failed(format!("{name}: {e}")))?;
            Ok((name, read))
        })
        .collect()
}

fn stray(name: &str) -> Error {
    Error::Failed {
        check: "V1",
        code: "file.unexpected",
        detail: format!("{name} is of nobody above a time stamp that it could be about"),
    }
}

fn not_newer(name: &str, made: Time, at: Time) -> Result<(), Error> {
    if made > at {
        let detail = format!("{name} of {made} is newer than the stamp of {at} over it");
        return Err(failed(detail));
    }
    Ok(())
}

fn not_revoked(name: &str, list: &RevocationList, stamp: &tsp::TimeStamp) -> Result<(), Error> {
    let revoked = stamp.path.certificates().iter().find(|certificate| {
        let own = certificate.issuer_raw() == list.issuer_raw();
        let entry = list.find(certificate.serial_raw()).filter(|_| own);
        entry.is_some_and(|entry| entry.from() <= stamp.gen_time)
    });
    match revoked {
        Some(certificate) => Err(failed(format!(
            "{name}: {} had been revoked when it stamped a head at {}",
            certificate.subject_name(),
            stamp.gen_time
        ))),
        None => Ok(()),
    }
}

/// Whether a response is about a certificate on the path of this stamp. If so it must say by itself that the certificate
/// had not been revoked then: one that says nothing is evidence of nothing.
fn speaks(name: &str, response: &OcspResponse, judged: &Judged) -> Result<bool, Error> {
    let (path, at) = (judged.certificates(), judged.stamp.gen_time);
    let mut is_about = false;
    for pair in path.windows(2) {
        let (certificate, issuer) = (&pair[0], &pair[1]);
        let about = |answer: &&OcspAnswer| answer.is_about(certificate, issuer);
        if !response.answers().iter().any(|answer| about(&answer)) {
            continue;
        }
        is_about = true;
        let said = judge_response(response, (certificate, issuer), at, judged.suite)
            .map_err(|e| failed(format!("{name}: {e}")))?;
        if said == Standing::Unknown {
            let subject = certificate.subject_name();
            let detail = format!("{name} does not say whether {subject} was revoked at {at}");
            return Err(failed(detail));
        }
    }
    Ok(is_about)
}
