//! What somebody may do by another's word: delegations of the buyer, and emergencies that two persons open together.

use crate::table::{Action, Role};
use mifeng_crypto::{Digest, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Type of the record by which the buyer delegates; no log takes it.
pub const DELEGATE: &str = "access.delegate";
/// Type of the record that ends a delegation or an emergency.
pub const REVOKE: &str = "access.revoke";
/// Type of the record by which one of two persons opens an emergency.
pub const EMERGENCY: &str = "access.emergency";
/// Grants of one tender: dozens are many.
pub const GRANTS_MAX: usize = 1_000;
/// A delegation lasts at most so long: 180 days, a large evaluation with its complaints.
const DELEGATION_MILLIS_MAX: i64 = 180 * 86_400_000;
/// An emergency lasts at most so long: four hours, one sitting.
const EMERGENCY_MILLIS_MAX: i64 = 4 * 3_600_000;
/// Bytes of a reason.
const REASON_LEN_MAX: usize = 2_000;
/// Who may open an emergency, with somebody else of these.
const OPENERS: [Role; 4] = [Role::Agency, Role::Buyer, Role::Supervisor, Role::Operator];

/// The data of `access.delegate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegate {
    /// Fingerprint of the certificate that may act.
    pub to: Digest,
    /// What for.
    pub actions: Vec<Action>,
    /// From when on.
    pub from: Time,
    /// Until when.
    pub until: Time,
}

/// The data of `access.revoke`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// Hash of the body of the record that granted.
    pub grant: Digest,
}

/// The data of `access.emergency`; two persons sign the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// What for.
    pub action: Action,
    /// Who may do it.
    pub to: Digest,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Time,
}

/// Who signed a grant, as the tender's records tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Fingerprint of the certificate.
    pub cert: Digest,
    /// The name in it.
    pub name: String,
    /// What the records make of them.
    pub roles: BTreeSet<Role>,
}

/// Why a grant is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The signer may not grant this.
    #[error("the signer may not grant this")]
    Signer,
    /// Its time is out of bounds.
    #[error("its time is over, reversed or too long")]
    Time,
    /// It says nothing, or too much.
    #[error("it names no action, or its reason is missing or too long")]
    Content,
    /// There is no such grant of this signer.
    #[error("there is no such grant of this signer")]
    Unknown,
    /// It was ended before its time: the same record does not begin it anew.
    #[error("this grant was revoked")]
    Revoked,
    /// There are too many.
    #[error("there are too many grants already")]
    Full,
}

impl GrantError {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            GrantError::Signer => "access.grant-signer",
            GrantError::Time => "access.grant-time",
            GrantError::Content => "access.grant-content",
            GrantError::Unknown => "access.grant-unknown",
            GrantError::Revoked => "access.grant-revoked",
            GrantError::Full => "access.grant-full",
        }
    }
}

/// What was granted in one tender.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    delegations: BTreeMap<Digest, (Digest, Delegate)>,
    /// Who opened it: record, certificate and name.
    emergencies: BTreeMap<Emergency, Vec<(Digest, Digest, String)>>,
    /// What was ended, until it would have ended by itself.
    revoked: BTreeMap<Digest, Time>,
}

fn lasts(from: Time, until: Time, millis_max: i64) -> bool {
    from < until && until <= from.plus_millis(millis_max)
}

impl Grants {
    fn len(&self) -> usize {
        let opened: usize = self.emergencies.values().map(Vec::len).sum();
        self.delegations.len() + opened
    }

    fn forget_old(&mut self, now: Time) {
        self.delegations.retain(|_, (_, given)| now < given.until);
        self.emergencies.retain(|given, _| now < given.until);
        self.revoked.retain(|_, until| now < *until);
    }

    /// Whether this record counts already.
    pub fn contains(&self, id: &Digest) -> bool {
        let mut openers = self.emergencies.values().flatten();
        self.delegations.contains_key(id) || openers.any(|(known, ..)| known == id)
    }

    fn make_room(&mut self, id: &Digest, now: Time) -> Result<(), GrantError> {
        self.forget_old(now);
        if self.revoked.contains_key(id) {
            return Err(GrantError::Revoked);
        }
        match self.len() < GRANTS_MAX {
            true => Ok(()),
            false => Err(GrantError::Full),
        }
    }

    /// Takes a delegation: body `id` of the record (one signature can have two forms), signed by `by`, received `now`. The same record again changes nothing.
    ///
    /// # Errors
    /// [`GrantError`], with nothing changed.
    pub fn delegate(
        &mut self,
        id: Digest,
        by: &Signer,
        given: &Delegate,
        now: Time,
    ) -> Result<(), GrantError> {
        if !by.roles.contains(&Role::Buyer) || by.cert == given.to {
            return Err(GrantError::Signer);
        }
        if now >= given.until || !lasts(given.from, given.until, DELEGATION_MILLIS_MAX) {
            return Err(GrantError::Time);
        }
        // What is one's own cannot be another's.
        if given.actions.is_empty()
            || given.actions.len() > Action::ALL.len()
            || given.actions.contains(&Action::BidOwn)
        {
            return Err(GrantError::Content);
        }
        self.make_room(&id, now)?;
        self.delegations.insert(id, (by.cert, given.clone()));
        Ok(())
    }

    /// Takes one person's word for an emergency; it counts once another person has said the same.
    ///
    /// # Errors
    /// [`GrantError`], with nothing changed.
    pub fn break_glass(
        &mut self,
        id: Digest,
        by: &Signer,
        given: &Emergency,
        now: Time,
    ) -> Result<(), GrantError> {
        // Whoever gains by it is no witness to its need.
        if !OPENERS.iter().any(|role| by.roles.contains(role)) || by.cert == given.to {
            return Err(GrantError::Signer);
        }
        if !lasts(now, given.until, EMERGENCY_MILLIS_MAX) {
            return Err(GrantError::Time);
        }
        let reason = given.reason.trim();
        if reason.is_empty() || reason.len() > REASON_LEN_MAX || given.action == Action::BidOwn {
            return Err(GrantError::Content);
        }
        self.make_room(&id, now)?;
        let openers = self.emergencies.entry(given.clone()).or_default();
        if !openers.iter().any(|(known, ..)| *known == id) {
            openers.push((id, by.cert, by.name.clone()));
        }
        Ok(())
    }

    /// Ends what somebody granted: its signer can, and either one of an emergency.
    ///
    /// # Errors
    /// [`GrantError::Unknown`].
    pub fn revoke(&mut self, by: &Signer, given: &Revoke) -> Result<(), GrantError> {
        let own = self.delegations.get(&given.grant);
        if let Some((cert, own)) = own
            && *cert == by.cert
        {
            self.revoked.insert(given.grant, own.until);
            self.delegations.remove(&given.grant);
            return Ok(());
        }
        let before = self.len();
        for (emergency, openers) in &mut self.emergencies {
            let count = openers.len();
            openers.retain(|(id, cert, _)| *id != given.grant || *cert != by.cert);
            if openers.len() < count {
                self.revoked.insert(given.grant, emergency.until);
            }
        }
        match self.len() < before {
            true => Ok(()),
            false => Err(GrantError::Unknown),
        }
    }

    /// The delegation by which somebody may do something now.
    pub fn delegated(&self, to: &Digest, action: Action, now: Time) -> Option<Digest> {
        let fits = |given: &Delegate| {
            given.to == *to
                && given.actions.contains(&action)
                && given.from <= now
                && now < given.until
        };
        let mut all = self.delegations.iter();
        all.find(|(_, (_, given))| fits(given)).map(|(id, _)| *id)
    }

    /// The two records by which somebody may do something in an emergency now. Two certificates of one name are one person.
    pub fn emergency(&self, to: &Digest, action: Action, now: Time) -> Option<(Digest, Digest)> {
        let open = self
            .emergencies
            .iter()
            .filter(|(given, _)| given.to == *to && given.action == action && now < given.until);
        open.into_iter().find_map(|(_, openers)| pair(openers))
    }

    /// Whether the emergency that this record speaks for counts: two persons have signed it. None if no emergency has the record.
    pub fn is_opened(&self, id: &Digest) -> Option<bool> {
        let mut all = self.emergencies.values();
        let openers = all.find(|openers| openers.iter().any(|(known, ..)| known == id))?;
        Some(pair(openers).is_some())
    }
}

/// The records of two different persons.
fn pair(openers: &[(Digest, Digest, String)]) -> Option<(Digest, Digest)> {
    let (first, cert, name) = openers.first()?;
    let other = openers
        .iter()
        .find(|(_, own, called)| own != cert && called != name);
    other.map(|(second, ..)| (*first, *second))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_unix_seconds(seconds)
    }

    fn id(number: u8) -> Digest {
        Digest::from_bytes([number; 32])
    }

    fn signer(number: u8, name: &str, role: Role) -> Signer {
        Signer {
            cert: id(number),
            name: name.to_owned(),
            roles: [role].into(),
        }
    }

    #[test]
    fn a_delegation_has_a_scope_and_an_end() {
        let buyer = signer(1, "buyer", Role::Buyer);
        let given = Delegate {
            to: id(5),
            actions: vec![Action::OpenedRead],
            from: at(100),
            until: at(200),
        };
        let mut grants = Grants::default();
        assert_eq!(grants.delegate(id(50), &buyer, &given, at(0)), Ok(()));
        let found = |grants: &Grants, to, action, now| grants.delegated(&id(to), action, at(now));
        let read = Action::OpenedRead;
        assert_eq!(found(&grants, 5, read, 99), None);
        assert_eq!(found(&grants, 5, read, 100), Some(id(50)));
        assert_eq!(found(&grants, 5, read, 199), Some(id(50)));
        assert_eq!(found(&grants, 5, read, 200), None);
        assert_eq!(found(&grants, 6, read, 150), None);
        assert_eq!(found(&grants, 5, Action::SheetsRead, 150), None);

        let mut refuse = |by: &Signer, change: &dyn Fn(&mut Delegate), expected| {
            let mut other = given.clone();
            change(&mut other);
            assert_eq!(grants.delegate(id(51), by, &other, at(0)), Err(expected));
        };
        let agency = signer(2, "agency", Role::Agency);
        refuse(&agency, &|_| {}, GrantError::Signer);
        refuse(&buyer, &|one| one.to = id(1), GrantError::Signer);
        refuse(&buyer, &|one| one.until = at(100), GrantError::Time);
        refuse(&buyer, &|one| one.until = at(0), GrantError::Time);
        refuse(
            &buyer,
            &|one| one.until = at(86_400 * 181),
            GrantError::Time,
        );
        refuse(&buyer, &|one| one.actions.clear(), GrantError::Content);
        let own = |one: &mut Delegate| one.actions = vec![Action::BidOwn];
        refuse(&buyer, &own, GrantError::Content);

        let revoke = Revoke { grant: id(50) };
        assert_eq!(grants.revoke(&agency, &revoke), Err(GrantError::Unknown));
        assert!(grants.contains(&id(50)));
        assert_eq!(grants.revoke(&buyer, &revoke), Ok(()));
        assert_eq!(found(&grants, 5, read, 150), None);
        // The same record again, by whoever kept it; another one of the same content is a new word.
        let again = grants.delegate(id(50), &buyer, &given, at(199));
        assert_eq!(again, Err(GrantError::Revoked));
        assert!(!grants.contains(&id(50)));
        assert_eq!(grants.revoked.len(), 1);
        assert_eq!(grants.delegate(id(52), &buyer, &given, at(199)), Ok(()));
        grants.forget_old(at(200));
        assert!(grants.revoked.is_empty());
    }

    #[test]
    fn an_emergency_needs_two_different_persons() {
        let given = Emergency {
            action: Action::OpenedRead,
            to: id(5),
            reason: "系统故障".to_owned(),
            until: at(1_000),
        };
        let open = |grants: &Grants, now| grants.emergency(&id(5), Action::OpenedRead, at(now));
        let agency = signer(2, "agency", Role::Agency);
        let mut grants = Grants::default();
        assert_eq!(grants.break_glass(id(50), &agency, &given, at(0)), Ok(()));
        assert_eq!(open(&grants, 1), None);
        // The same person once more, and with another certificate of the same name.
        assert_eq!(grants.break_glass(id(51), &agency, &given, at(0)), Ok(()));
        let twin = signer(3, "agency", Role::Operator);
        assert_eq!(grants.break_glass(id(52), &twin, &given, at(0)), Ok(()));
        assert_eq!(open(&grants, 1), None);
        // Another person for something else.
        let buyer = signer(4, "buyer", Role::Buyer);
        let other = Emergency {
            reason: "别的原因".to_owned(),
            ..given.clone()
        };
        assert_eq!(grants.break_glass(id(53), &buyer, &other, at(0)), Ok(()));
        assert_eq!(open(&grants, 1), None);
        assert_eq!(grants.break_glass(id(54), &buyer, &given, at(0)), Ok(()));
        assert_eq!(open(&grants, 999), Some((id(50), id(54))));
        assert_eq!(open(&grants, 1_000), None);
        assert_eq!(grants.emergency(&id(6), Action::OpenedRead, at(1)), None);
        assert!(grants.contains(&id(54)));
        assert_eq!(grants.revoke(&buyer, &Revoke { grant: id(54) }), Ok(()));
        assert_eq!(open(&grants, 1), None);
        let again = grants.break_glass(id(54), &buyer, &given, at(1));
        assert_eq!(again, Err(GrantError::Revoked));
        assert_eq!(open(&grants, 1), None);

        let mut refuse = |by: &Signer, change: &dyn Fn(&mut Emergency), expected| {
            let mut other = given.clone();
            change(&mut other);
            assert_eq!(grants.break_glass(id(60), by, &other, at(0)), Err(expected));
        };
        let bidder = signer(7, "bidder", Role::Bidder);
        refuse(&bidder, &|_| {}, GrantError::Signer);
        refuse(&agency, &|one| one.to = id(2), GrantError::Signer);
        refuse(&agency, &|one| one.until = at(0), GrantError::Time);
        refuse(
            &agency,
            &|one| one.until = at(4 * 3_600 + 1),
            GrantError::Time,
        );
        refuse(
            &agency,
            &|one| one.reason = "  ".to_owned(),
            GrantError::Content,
        );
        refuse(
            &agency,
            &|one| one.action = Action::BidOwn,
            GrantError::Content,
        );
    }

    #[test]
    fn there_is_an_end_to_grants() {
        let buyer = signer(1, "buyer", Role::Buyer);
        let given = |until| Delegate {
            to: id(5),
            actions: vec![Action::OpenedRead],
            from: at(0),
            until: at(until),
        };
        let mut grants = Grants::default();
        for number in 0..GRANTS_MAX {
            let mut name = [0; 32];
            name[..8].copy_from_slice(&number.to_be_bytes());
            let name = Digest::from_bytes(name);
            assert_eq!(grants.delegate(name, &buyer, &given(100), at(0)), Ok(()));
        }
        let more = grants.delegate(id(9), &buyer, &given(200), at(50));
        assert_eq!(more, Err(GrantError::Full));
        let later = grants.delegate(id(9), &buyer, &given(200), at(100));
        assert_eq!((later, grants.len()), (Ok(()), 1));
    }
}
