//! A complete path from the anchor down (RFC 5280 sections 6.1.2 to 6.1.5): what links of two
//! certificates do not tell.

use super::Policy;
use super::policy::only_special;
use super::rules::broken;
use crate::constraints::Gathered;
use crate::policies::State;
use crate::{Certificate, Error, oid};

/// Checks path lengths, name constraints, policies and extended usages; the valid policies.
///
/// The anchor's own path length and name constraints count (RFC 5937); its policies do not.
pub(super) fn check_chain(path: &[Certificate], policy: &Policy) -> Result<Vec<String>, Error> {
    let Some((anchor, below)) = path.split_last() else {
        return Ok(Vec::new());
    };
    let usages = policy.extended_usages()?;
    let mut left = policy.intermediates_max.unwrap_or(u64::MAX);
    let mut names = Gathered::default();
    let mut policies = State::new(&policy.policies, below.len())?;
    left = left.min(anchor.path_len().unwrap_or(u64::MAX));
    names.add(anchor);
    for (depth, certificate) in below.iter().enumerate().rev() {
        let last = depth == 0;
        let self_issued = certificate.is_self_issued();
        if last || !self_issued {
            names.check(certificate)?;
        }
        check_extended(certificate, &usages, last)?;
        policies.step(certificate, last)?;
        if last {
            break;
        }
        if !self_issued {
            left = left
                .checked_sub(1)
                .ok_or(broken(certificate, "pathLenConstraint"))?;
        }
        left = left.min(certificate.path_len().unwrap_or(u64::MAX));
        names.add(certificate);
    }
    Ok(policies.valid())
}

/// Extended usages of a CA bound those below it, as every implementation has it.
fn check_extended(certificate: &Certificate, usages: &[oid::Oid], last: bool) -> Result<(), Error> {
    let extended = certificate.extended();
    let excluded = |usage: &oid::Oid| {
        !extended.contains(usage) && !extended.contains(&oid::ANY_EXTENDED_KEY_USAGE)
    };
    let refused = !extended.is_empty()
        && (usages.iter().any(excluded) || !last && usages.is_empty() && only_special(extended));
    if refused {
        return Err(broken(certificate, "extended key usage"));
    }
    Ok(())
}
