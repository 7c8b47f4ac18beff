//! What follows a sign-in: a token for a while.

use mifeng_crypto::{Digest, Entropy, HashAlg, Time};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// A session lasts so long: a sitting of the committee, then sign in again.
pub const SESSION_MILLIS: i64 = 2 * 3_600_000;
/// Sessions of one certificate: a few windows and programs; the oldest goes.
const OF_ONE_MAX: usize = 8;
/// Sessions of one tender: 2,000 bidders and everybody else.
const SESSIONS_MAX: usize = 20_000;

/// A secret that stands for a session. It is shown once, to whom it belongs.
pub struct Token(Zeroizing<[u8; 32]>);

impl Token {
    /// As it travels: 64 hex digits.
    pub fn reveal(&self) -> String {
        Digest::from_bytes(*self.0).to_string()
    }
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Fingerprint of the certificate.
    pub cert: Digest,
    /// The name in it.
    pub name: String,
    /// Until when.
    pub expires: Time,
}

/// The sessions of one tender; tokens are kept as hashes only.
#[derive(Default)]
pub struct Sessions {
    by_token: BTreeMap<Digest, Session>,
}

fn hashed(token: &[u8; 32]) -> Digest {
    HashAlg::Sha256.digest(token)
}

impl Sessions {
    /// Begins one.
    ///
    /// # Errors
    /// The entropy's.
    pub fn begin(
        &mut self,
        cert: Digest,
        name: &str,
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<(Token, Session), mifeng_crypto::Error> {
        let mut token = Zeroizing::new([0; 32]);
        entropy.fill(&mut *token)?;
        self.by_token.retain(|_, session| now < session.expires);
        let own = |session: &Session| session.cert == cert;
        while self.by_token.values().filter(|one| own(one)).count() >= OF_ONE_MAX {
            self.drop_oldest(own);
        }
        while self.by_token.len() >= SESSIONS_MAX {
            self.drop_oldest(|_| true);
        }
        let session = Session {
            cert,
            name: name.to_owned(),
            expires: now.trunc_millis().plus_millis(SESSION_MILLIS),
        };
        self.by_token.insert(hashed(&token), session.clone());
        Ok((Token(token), session))
    }

    fn drop_oldest(&mut self, which: impl Fn(&Session) -> bool) {
        let which = self.by_token.iter().filter(|(_, one)| which(one));
        let oldest = which.min_by_key(|(_, one)| one.expires).map(|(id, _)| *id);
        if let Some(oldest) = oldest {
            self.by_token.remove(&oldest);
        }
    }

    /// Who holds this token.
    pub fn find(&self, token: &str, now: Time) -> Option<&Session> {
        let token: Digest = token.parse().ok()?;
        let session = self.by_token.get(&hashed(token.as_bytes()))?;
        (now < session.expires).then_some(session)
    }

    /// Signs out.
    pub fn end(&mut self, token: &str) -> bool {
        let token: Option<Digest> = token.parse().ok();
        token.is_some_and(|token| self.by_token.remove(&hashed(token.as_bytes())).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng_crypto::SeededEntropy;

    #[test]
    fn a_token_is_good_until_its_end_or_the_sign_out() {
        let mut rng = SeededEntropy::new(b"sessions");
        let mut sessions = Sessions::default();
        let now = Time::from_unix_seconds(1_000);
        let cert = Digest::from_bytes([1; 32]);
        let begun = sessions.begin(cert, "张三", now, &mut rng);
        let (token, session) = begun.unwrap_or_else(|e| unreachable!("{e}"));
        let token = token.reveal();
        assert_eq!(sessions.find(&token, now), Some(&session));
        let last = session.expires.plus_millis(-1);
        assert!(sessions.find(&token, last).is_some());
        assert_eq!(sessions.find(&token, session.expires), None);
        let mut other = token.clone();
        let end = if other.ends_with('0') { "1" } else { "0" };
        other.replace_range(63.., end);
        for wrong in [&*other, "", "ff", &token[1..]] {
            assert_eq!(sessions.find(wrong, now), None, "{wrong}");
        }
        assert!(!sessions.end(&other) && sessions.end(&token));
        assert_eq!(sessions.find(&token, now), None);
    }

    #[test]
    fn one_person_has_a_few_and_keeps_nobody_out() {
        let mut rng = SeededEntropy::new(b"sessions");
        let mut sessions = Sessions::default();
        let mut begin = |sessions: &mut Sessions, cert: u8, at: i64| {
            let now = Time::from_unix_seconds(at);
            let begun = sessions.begin(Digest::from_bytes([cert; 32]), "", now, &mut rng);
            begun.map(|(token, _)| token.reveal()).unwrap_or_default()
        };
        let other = begin(&mut sessions, 2, 0);
        let own: Vec<String> = (0..10).map(|at| begin(&mut sessions, 1, at)).collect();
        let now = Time::from_unix_seconds(20);
        assert!(sessions.find(&other, now).is_some());
        let left = own.iter().map(|token| sessions.find(token, now).is_some());
        let expected = [vec![false; 2], vec![true; OF_ONE_MAX]].concat();
        assert_eq!(left.collect::<Vec<_>>(), expected);
    }
}
