//! One question, one answer: by a role, by a delegation, in an emergency, or no.

use crate::grants::Grants;
use crate::table::{Action, Cell, Matrix, Role, Stage};
use mifeng_crypto::{Digest, Time};
use std::collections::BTreeSet;

/// A reason to say no.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable code.
    pub code: &'static str,
    /// The clause it rests on.
    pub clause: &'static str,
    /// In Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
}

/// The reasons.
pub mod rules {
    use super::Rule;

    /// The table says no.
    pub const NOT_ALLOWED: Rule = Rule {
        code: "access.not-allowed",
        clause: "spec/access.md",
        zh: "此身份在此阶段无权进行该操作",
        en: "this role may not do that at this stage",
    };
    /// Who asks for one's own bids has none: that tells nobody of another's.
    pub const NO_BID: Rule = Rule {
        code: "access.no-bid",
        clause: "spec/access.md",
        zh: "用此证书提交的投标不在此项目的日志中",
        en: "no bid of this certificate is in the log of this tender",
    };
    /// It is somebody else's.
    pub const NOT_OWN: Rule = Rule {
        code: "access.not-own",
        clause: "spec/access.md",
        zh: "只能查看自己的内容",
        en: "one may see one's own only",
    };
    /// An evaluator was at the opening.
    pub const ATTENDED: Rule = Rule {
        code: "access.evaluator-attended",
        clause: "财政部令第87号 第四十条",
        zh: "评标委员会成员不得参加开标活动",
        en: "members of the evaluation committee may not attend the opening",
    };
    /// Nobody signed in.
    pub const SIGN_IN: Rule = Rule {
        code: "access.sign-in",
        clause: "spec/access.md",
        zh: "须先用数字证书登录",
        en: "sign in with a certificate first",
    };

    /// Every one.
    pub const ALL: &[&Rule] = &[&NOT_ALLOWED, &NO_BID, &NOT_OWN, &ATTENDED, &SIGN_IN];
}

/// A "no", with its reason and what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Why.
    pub rule: &'static Rule,
    /// What was asked for.
    pub action: Action,
    /// At which stage.
    pub stage: Stage,
}

/// What a "yes" rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// A role, and how much of the action it may do.
    Role(Role, Cell),
    /// What the buyer delegated: the commitment of that record.
    Delegation(Digest),
    /// What two persons opened in an emergency: the commitments of their records.
    Emergency(Digest, Digest),
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Fingerprint of the certificate.
    pub cert: Digest,
    /// What the records make of them; [`Role::Public`] is everybody's.
    pub roles: BTreeSet<Role>,
    /// They signed the opening record as one present.
    pub attended: bool,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What for.
    pub action: Action,
    /// How far the tender is.
    pub stage: Stage,
    /// Whether it is all the person's own.
    pub own: bool,
    /// Now.
    pub now: Time,
}

/// Says yes or no.
///
/// # Errors
/// The [`Denial`], which has to be recorded.
pub fn decide(
    matrix: &Matrix,
    grants: &Grants,
    person: &Person,
    ask: &Ask,
) -> Result<Basis, Denial> {
    let denied = |rule| Denial {
        rule,
        action: ask.action,
        stage: ask.stage,
    };
    // Whatever else they are: who evaluates was not there, and who was there does not evaluate.
    let evaluates = person.roles.contains(&Role::Expert);
    if evaluates && (person.attended || ask.action == Action::OpeningAttend) {
        return Err(denied(&rules::ATTENDED));
    }
    let cells = person.roles.iter().chain([&Role::Public]);
    let best = cells
        .map(|role| (matrix.cell(*role, ask.action, ask.stage), *role))
        .max();
    match best {
        Some((Cell::Yes, role)) => return Ok(Basis::Role(role, Cell::Yes)),
        Some((Cell::Own, role)) if ask.own => return Ok(Basis::Role(role, Cell::Own)),
        _ => {}
    }
    if let Some(by) = grants.delegated(&person.cert, ask.action, ask.now)
        && matrix.cell(Role::Buyer, ask.action, ask.stage) == Cell::Yes
    {
        return Ok(Basis::Delegation(by));
    }
    let any = |role: &Role| matrix.cell(*role, ask.action, ask.stage) == Cell::Yes;
    if let Some((one, two)) = grants.emergency(&person.cert, ask.action, ask.now)
        && Role::ALL.iter().any(any)
    {
        return Ok(Basis::Emergency(one, two));
    }
    Err(denied(match best {
        Some((Cell::Own, _)) => &rules::NOT_OWN,
        _ if ask.action == Action::BidOwn && ask.own && person.roles.is_empty() => &rules::NO_BID,
        _ => &rules::NOT_ALLOWED,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::{Delegate, Emergency, Signer};

    fn at(seconds: i64) -> Time {
        Time::from_unix_seconds(seconds)
    }

    fn cert(number: u8) -> Digest {
        Digest::from_bytes([number; 32])
    }

    fn person(number: u8, roles: &[Role]) -> Person {
        Person {
            cert: cert(number),
            roles: roles.iter().copied().collect(),
            attended: false,
        }
    }

    fn asked(grants: &Grants, person: &Person, action: Action, stage: Stage, own: bool) -> String {
        let matrix = Matrix::parse(Matrix::SHIPPED).unwrap_or_else(|e| unreachable!("{e}"));
        let ask = Ask {
            action,
            stage,
            own,
            now: at(1_000),
        };
        match decide(&matrix, grants, person, &ask) {
            Ok(Basis::Role(role, cell)) => format!("{} {}", role.word(), cell.word()),
            Ok(Basis::Delegation(_)) => "delegation".to_owned(),
            Ok(Basis::Emergency(..)) => "emergency".to_owned(),
            Err(no) => no.rule.code.to_owned(),
        }
    }

    #[test]
    fn roles_own_things_and_duties() {
        use Action::{BidOwn, OpenedRead, OpeningAttend, SheetsRead};
        use Stage::{Evaluation, Locked, Open, Opening};
        let grants = Grants::default();
        let says = |person: &Person, action, stage, own| asked(&grants, person, action, stage, own);
        let bidder = person(1, &[Role::Bidder]);
        assert_eq!(says(&bidder, BidOwn, Open, true), "bidder own");
        assert_eq!(says(&bidder, BidOwn, Open, false), "access.not-own");
        assert_eq!(
            says(&bidder, OpenedRead, Evaluation, false),
            "access.not-own"
        );
        assert_eq!(
            says(&bidder, SheetsRead, Locked, true),
            "access.not-allowed"
        );
        let operator = person(2, &[Role::Operator]);
        assert_eq!(
            says(&operator, SheetsRead, Evaluation, true),
            "access.not-allowed"
        );
        assert_eq!(
            says(&operator, SheetsRead, Locked, true),
            "access.not-allowed"
        );
        let stranger = person(3, &[]);
        for action in Action::ALL {
            for stage in Stage::ALL {
                let said = says(&stranger, *action, *stage, true);
                let code = match action {
                    BidOwn => "access.no-bid",
                    _ => "access.not-allowed",
                };
                assert_eq!(said, code, "{action:?} {stage:?}");
            }
        }
        // Of another's bid nobody is told whether there is one, nor whoever has a part in the tender of their own.
        assert_eq!(says(&stranger, BidOwn, Open, false), "access.not-allowed");
        assert_eq!(says(&operator, BidOwn, Open, true), "access.not-allowed");
        // The larger of two roles counts; duties stand above both.
        let both = person(4, &[Role::Agency, Role::Expert]);
        assert_eq!(says(&both, SheetsRead, Locked, false), "expert yes");
        assert_eq!(
            says(&both, OpeningAttend, Opening, true),
            "access.evaluator-attended"
        );
        let mut was_there = person(5, &[Role::Expert]);
        assert_eq!(says(&was_there, OpenedRead, Evaluation, true), "expert yes");
        was_there.attended = true;
        assert_eq!(
            says(&was_there, OpenedRead, Evaluation, true),
            "access.evaluator-attended"
        );
    }

    #[test]
    fn grants_never_reach_beyond_what_somebody_may_do() {
        use Stage::{Archived, Evaluation, Open};
        let mut grants = Grants::default();
        let buyer = Signer {
            cert: cert(9),
            name: "采购人".to_owned(),
            roles: [Role::Buyer].into(),
        };
        let delegate = Delegate {
            to: cert(1),
            actions: vec![Action::OpenedRead, Action::SheetsRead],
            from: at(900),
            until: at(2_000),
        };
        let now = at(950);
        assert!(grants.delegate(cert(100), &buyer, &delegate, now).is_ok());
        let helper = person(1, &[]);
        let says = |grants: &Grants, person: &Person, action, stage| {
            asked(grants, person, action, stage, false)
        };
        let read = Action::OpenedRead;
        assert_eq!(says(&grants, &helper, read, Evaluation), "delegation");
        assert_eq!(says(&grants, &helper, read, Open), "access.not-allowed");
        let sheets = Action::SheetsRead;
        assert_eq!(
            says(&grants, &helper, sheets, Evaluation),
            "access.not-allowed"
        );
        assert_eq!(
            says(&grants, &helper, Action::DossierRead, Archived),
            "access.not-allowed"
        );
        assert_eq!(
            says(&grants, &person(2, &[]), read, Evaluation),
            "access.not-allowed"
        );

        let emergency = Emergency {
            action: Action::SheetsRead,
            to: cert(3),
            reason: "专家席位故障，须核对评分表".to_owned(),
            until: at(1_500),
        };
        let agency = Signer {
            cert: cert(8),
            name: "代理机构".to_owned(),
            roles: [Role::Agency].into(),
        };
        assert!(
            grants
                .break_glass(cert(101), &buyer, &emergency, now)
                .is_ok()
        );
        let third = person(3, &[Role::Operator]);
        assert_eq!(
            says(&grants, &third, sheets, Evaluation),
            "access.not-allowed"
        );
        assert!(
            grants
                .break_glass(cert(102), &agency, &emergency, now)
                .is_ok()
        );
        // Even two persons open nothing that nobody may see at that stage.
        assert_eq!(
            says(&grants, &third, sheets, Evaluation),
            "access.not-allowed"
        );
        assert_eq!(says(&grants, &third, sheets, Stage::Locked), "emergency");
    }
}
