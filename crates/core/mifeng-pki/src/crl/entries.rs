//! The entries of a list, found by serial number without being copied.

use super::{EXTENSIONS_MAX, Revoked, WHAT, time_alone};
use crate::Error;
use crate::asn1::{Reader, tag};
use crate::certificate::extension;
use crate::name::{self, Canonical, GeneralName};
use crate::oid::{self, Oid};
use std::collections::BTreeMap;

/// Issuers that one indirect list may speak for.
const ISSUERS_MAX: usize = 4_096;

/// Where an entry is, and whose certificate it is about.
#[derive(Clone, Copy)]
struct Slot {
    at: u32,
    issuer: u32,
}

/// All entries, sorted by serial number.
#[derive(Default)]
pub(super) struct Entries {
    slots: Vec<Slot>,
    issuers: Vec<Canonical>,
    unknown_critical: Option<Oid>,
}

/// One entry as it is written.
struct Entry {
    revoked: Revoked,
    issuer: Option<Canonical>,
    unknown_critical: Option<Oid>,
}

impl Entries {
    /// Reads every entry once; `list` lies within `der`.
    pub(super) fn read(
        der: &[u8],
        mut list: Reader<'_>,
        issuer: &Canonical,
        indirect: bool,
    ) -> Result<Self, Error> {
        let mut out = Entries {
            issuers: vec![issuer.clone()],
            ..Entries::default()
        };
        let mut current = 0;
        let mut known = BTreeMap::from([(issuer.clone(), 0)]);
        while !list.is_empty() {
            let at = offset(der, list.rest()).ok_or(list.wrong())?;
            let entry = read(list.enter(tag::SEQUENCE)?)?;
            if let Some(issuer) = entry.issuer {
                if !indirect {
                    return Err(list.wrong());
                }
                // It holds for the entries that follow, too (RFC 5280 section 5.3.3).
                current = match known.get(&issuer) {
                    Some(place) => *place,
                    None if out.issuers.len() >= ISSUERS_MAX => return Err(list.wrong()),
                    None => {
                        let place = out.issuers.len() as u32;
                        out.issuers.push(issuer.clone());
                        known.insert(issuer, place);
                        place
                    }
                };
            }
            out.unknown_critical = out.unknown_critical.or(entry.unknown_critical);
            out.slots.push(Slot {
                at,
                issuer: current,
            });
        }
        out.slots.sort_by_cached_key(|slot| serial(der, *slot));
        Ok(out)
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn unknown_critical(&self) -> Option<Oid> {
        self.unknown_critical
    }

    pub(super) fn find(&self, der: &[u8], wanted: &[u8], issuer: &Canonical) -> Option<Revoked> {
        let from = self
            .slots
            .partition_point(|slot| serial(der, *slot) < wanted);
        let same = self.slots[from..]
            .iter()
            .take_while(|slot| serial(der, **slot) == wanted)
            .filter(|slot| self.issuers[slot.issuer as usize] == *issuer);
        let found = same.filter_map(|slot| {
            let entry = Reader::new(der.get(slot.at as usize..)?, WHAT).enter(tag::SEQUENCE);
            read(entry.ok()?).ok().map(|entry| entry.revoked)
        });
        found.min_by_key(Revoked::from)
    }
}

/// How far `rest` begins into `der`, of which it is a part.
fn offset(der: &[u8], rest: &[u8]) -> Option<u32> {
    let at = rest.as_ptr().addr().checked_sub(der.as_ptr().addr())?;
    u32::try_from(at).ok()
}

/// The serial number of an entry that was read before.
fn serial(der: &[u8], slot: Slot) -> &[u8] {
    let entry = der.get(slot.at as usize..).unwrap_or_default();
    let inner = Reader::new(entry, WHAT).enter(tag::SEQUENCE);
    inner.and_then(|mut one| one.integer()).unwrap_or_default()
}

fn read(mut one: Reader<'_>) -> Result<Entry, Error> {
    one.integer()?;
    let mut entry = Entry {
        revoked: Revoked {
            revoked: one.time()?,
            reason: 0,
            invalid_since: None,
        },
        issuer: None,
        unknown_critical: None,
    };
    if let Some(extensions) = one.optional(tag::SEQUENCE)? {
        entry.read_extensions(extensions)?;
    }
    one.finish()?;
    Ok(entry)
}

impl Entry {
    fn read_extensions(&mut self, mut list: Reader<'_>) -> Result<(), Error> {
        let mut seen = 0;
        while !list.is_empty() {
            seen += 1;
            if seen > EXTENSIONS_MAX {
                return Err(list.wrong());
            }
            match extension(&mut list)? {
                (oid::CRL_REASON, _, value) => match value {
                    [tag::ENUMERATED, 1, code] => self.revoked.reason = *code,
                    _ => return Err(list.wrong()),
                },
                (oid::INVALIDITY_DATE, _, value) => {
                    self.revoked.invalid_since = Some(time_alone(value)?);
                }
                (oid::CERTIFICATE_ISSUER, _, value) => {
                    let names = Reader::new(value, WHAT).enter(tag::SEQUENCE)?;
                    let directory =
                        name::general_names(names)?
                            .into_iter()
                            .find_map(|name| match name {
                                GeneralName::Directory(name) => Some(name),
                                _ => None,
                            });
                    self.issuer = Some(directory.ok_or(list.wrong())?);
                }
                (id, true, _) => {
                    self.unknown_critical.get_or_insert(id);
                }
                (_, false, _) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::write;

    /// A name with one commonName.
    fn named(n: usize) -> Vec<u8> {
        let text = write::tlv(0x0c, &[n.to_string().as_bytes()]);
        let id = [6, 3, 0x55, 4, 3];
        write::seq(&[&write::tlv(0x31, &[&write::seq(&[&id, &text])])])
    }

    /// An entry that names its certificate's issuer.
    fn line(serial: &[u8], issuer: &[u8]) -> Vec<u8> {
        let names = write::seq(&[&write::tlv(0xa4, &[issuer])]);
        // certificateIssuer, critical.
        let id = [6, 3, 0x55, 0x1d, 29];
        let critical = [1, 1, 0xff];
        let one = write::seq(&[&id, &critical, &write::octets(&names)]);
        let date = write::tlv(tag::UTC_TIME, &[b"260501000000Z"]);
        write::seq(&[&write::integer(serial), &date, &write::seq(&[&one])])
    }

    fn read(lines: &[u8], own: &Canonical) -> Result<Entries, Error> {
        Entries::read(lines, Reader::new(lines, WHAT), own, true)
    }

    #[test]
    fn nothing_stands_behind_a_time() {
        let entry = |value: &[u8]| {
            // invalidityDate.
            let one = write::seq(&[&[6, 3, 0x55, 0x1d, 24], &write::octets(value)]);
            let date = write::tlv(tag::UTC_TIME, &[b"260501000000Z"]);
            let line = write::seq(&[&[2, 1, 9], &date, &write::seq(&[&one])]);
            Entries::read(
                &line,
                Reader::new(&line, WHAT),
                &Canonical::default(),
                false,
            )
            .is_ok()
        };
        let time = write::tlv(tag::GENERALIZED_TIME, &[b"20260401000000Z"]);
        assert!(entry(&time));
        assert!(!entry(&[&time[..], &[5, 0]].concat()));
    }

    #[test]
    fn issuers_count_once() -> Result<(), Error> {
        let own = name::canonical(&named(0))?;
        let two = [named(1), named(2)];
        let mut lines = Vec::new();
        for n in 0..ISSUERS_MAX + 10 {
            let serial = (n as u32 + 0x0100_0000).to_be_bytes();
            lines.extend(line(&serial, &two[n % 2]));
        }
        let found = read(&lines, &own)?;
        assert_eq!((found.len(), found.issuers.len()), (ISSUERS_MAX + 10, 3));
        let serial = 0x0100_0003u32.to_be_bytes();
        let second = name::canonical(&two[1])?;
        assert!(found.find(&lines, &serial, &second).is_some());
        let first = name::canonical(&two[0])?;
        assert!(found.find(&lines, &serial, &first).is_none());
        assert!(found.find(&lines, &serial, &own).is_none());

        let mut lines: Vec<u8> = (1..ISSUERS_MAX)
            .flat_map(|n| line(&[1], &named(n)))
            .collect();
        assert!(read(&lines, &own).is_ok());
        lines.extend(line(&[1], &named(ISSUERS_MAX)));
        assert!(read(&lines, &own).is_err());
        Ok(())
    }
}
