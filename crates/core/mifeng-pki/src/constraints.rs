//! Name constraints (RFC 5280 section 4.2.1.10): which names may stand below a CA.

use crate::asn1::{Reader, tag};
use crate::name::{self, GeneralName};
use crate::{Certificate, Error, oid};

/// Comparisons of a name with a subtree that one path may cost.
const WORK_MAX: usize = 65_536;
/// Characters of the longest domain name (RFC 1035 section 2.3.4).
const DOMAIN_LEN_MAX: usize = 253;
/// Characters of one label.
const LABEL_LEN_MAX: usize = 63;
const WHAT: &str = "name constraints";

/// The subtrees of one CA certificate.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameConstraints {
    permitted: Vec<GeneralName>,
    excluded: Vec<GeneralName>,
}

impl NameConstraints {
    /// Reads the extension's value. Bases that are no base of their kind are refused.
    pub(crate) fn read(value: &[u8]) -> Result<Self, Error> {
        let mut top = Reader::new(value, WHAT);
        let mut input = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        let mut out = NameConstraints::default();
        let permitted = input.optional(tag::context(0))?;
        let excluded = input.optional(tag::context(1))?;
        input.finish()?;
        if permitted.is_none() && excluded.is_none() {
            return Err(input.wrong());
        }
        for (list, into) in [
            (permitted, &mut out.permitted),
            (excluded, &mut out.excluded),
        ] {
            if let Some(list) = list {
                *into = subtrees(list)?;
            }
        }
        Ok(out)
    }
}

/// GeneralSubtrees: minimum 0 and no maximum, as RFC 5280 asks.
fn subtrees(mut list: Reader<'_>) -> Result<Vec<GeneralName>, Error> {
    let mut out = Vec::new();
    while !list.is_empty() {
        let mut one = list.enter(tag::SEQUENCE)?;
        let base = name::general_name(&mut one)?;
        // `minimum [0] DEFAULT 0` written out is not DER but harmless.
        if one.peek() == Some(0x80) && one.any()?.2 != [0] {
            return Err(list.wrong());
        }
        one.finish()?;
        if !base_is_valid(&base) {
            return Err(list.wrong());
        }
        out.push(base);
    }
    if out.is_empty() {
        return Err(list.wrong());
    }
    Ok(out)
}

fn base_is_valid(base: &GeneralName) -> bool {
    match base {
        GeneralName::Dns(domain) => domain.is_empty() || is_domain(domain),
        GeneralName::Uri(host) => is_domain(host.strip_prefix(b".").unwrap_or(host)),
        GeneralName::Email(text) => match split_email(text) {
            Some((local, domain)) => !local.is_empty() && is_domain(domain),
            None => !text.contains(&b'@') && is_domain(text.strip_prefix(b".").unwrap_or(text)),
        },
        GeneralName::Ip(bytes) => {
            let mask = bytes.get(bytes.len() / 2..).unwrap_or_default();
            let ones = mask.iter().map(|b| b.count_ones()).sum::<u32>();
            let leading = mask.iter().take_while(|b| **b == 0xff).count();
            let next = mask.get(leading).map_or(0, |b| b.leading_ones());
            matches!(bytes.len(), 8 | 32) && ones == leading as u32 * 8 + next
        }
        GeneralName::Directory(_) | GeneralName::Other(..) => true,
    }
}

/// Letters, digits and hyphens in labels, the last not all digits (that would be an address).
fn is_domain(text: &[u8]) -> bool {
    let label = |label: &[u8]| {
        (1..=LABEL_LEN_MAX).contains(&label.len())
            && label
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || *b == b'-')
            && !label.starts_with(b"-")
            && !label.ends_with(b"-")
    };
    let last = text.rsplit(|b| *b == b'.').next().unwrap_or_default();
    text.len() <= DOMAIN_LEN_MAX
        && text.split(|b| *b == b'.').all(label)
        && !last.iter().all(u8::is_ascii_digit)
}

/// A domain name, or one whose first label is `*`.
pub(crate) fn is_dns_name(text: &[u8]) -> bool {
    is_domain(text.strip_prefix(b"*.").unwrap_or(text))
}

/// Local part and domain; exactly one `@`.
fn split_email(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|b| *b == b'@')?;
    let (local, domain) = (&text[..at], &text[at + 1..]);
    (!domain.contains(&b'@')).then_some((local, domain))
}

/// The constraints gathered on the way down a path.
#[derive(Default)]
pub(crate) struct Gathered<'a> {
    all: Vec<&'a NameConstraints>,
    work: usize,
}

impl<'a> Gathered<'a> {
    pub(crate) fn add(&mut self, certificate: &'a Certificate) {
        self.all.extend(certificate.name_constraints());
    }

    /// Checks every name of a certificate against everything gathered (RFC 5280 section 6.1.3
    /// (b) and (c)).
    ///
    /// # Errors
    /// [`Error::NameConstraint`], [`Error::Budget`].
    pub(crate) fn check(&mut self, certificate: &Certificate) -> Result<(), Error> {
        if self.all.is_empty() {
            return Ok(());
        }
        let mut names = certificate.alternative_names().to_vec();
        if !certificate.subject().is_empty() {
            names.push(GeneralName::Directory(certificate.subject().clone()));
        }
        if !names
            .iter()
            .any(|name| matches!(name, GeneralName::Email(_)))
        {
            let mail = certificate.attribute_values(oid::EMAIL_ADDRESS);
            names.extend(mail.map(|value| GeneralName::Email(value.to_vec())));
        }
        for constraints in &self.all {
            let subtrees = constraints.permitted.len() + constraints.excluded.len();
            self.work += subtrees * names.len();
            if self.work > WORK_MAX {
                return Err(Error::Budget {
                    what: "name comparisons",
                    max: WORK_MAX,
                });
            }
            for name in &names {
                allowed(constraints, name).map_err(|rule| Error::NameConstraint {
                    subject: certificate.subject_name(),
                    rule,
                })?;
            }
        }
        Ok(())
    }
}

fn allowed(constraints: &NameConstraints, name: &GeneralName) -> Result<(), &'static str> {
    let of_kind = |list: &'_ [GeneralName]| list.iter().any(|base| same_kind(base, name));
    let (permitted, excluded) = (&constraints.permitted, &constraints.excluded);
    if !of_kind(permitted) && !of_kind(excluded) {
        return Ok(());
    }
    if matches!(name, GeneralName::Other(..)) {
        return Err("a constraint on a kind of name that is not compared");
    }
    if !is_comparable(name) {
        return Err("a malformed name under a constraint of its kind");
    }
    if excluded.iter().any(|base| within(name, base, true)) {
        return Err("excluded subtree");
    }
    if of_kind(permitted) && !permitted.iter().any(|base| within(name, base, false)) {
        return Err("permitted subtrees");
    }
    Ok(())
}

fn same_kind(a: &GeneralName, b: &GeneralName) -> bool {
    match (a, b) {
        (GeneralName::Other(a, _), GeneralName::Other(b, _)) => a == b,
        _ => core::mem::discriminant(a) == core::mem::discriminant(b),
    }
}

fn is_comparable(name: &GeneralName) -> bool {
    match name {
        GeneralName::Dns(text) => is_dns_name(text),
        GeneralName::Email(text) => {
            split_email(text).is_some_and(|(local, domain)| !local.is_empty() && is_domain(domain))
        }
        GeneralName::Uri(text) => uri_host(text).is_some_and(is_domain),
        GeneralName::Ip(bytes) => matches!(bytes.len(), 4 | 16),
        GeneralName::Directory(_) => true,
        GeneralName::Other(..) => false,
    }
}

/// The host of `scheme://[user@]host[:port]/…`.
fn uri_host(text: &[u8]) -> Option<&[u8]> {
    let start = text.windows(3).position(|w| w == b"://")? + 3;
    let rest = &text[start..];
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
    let authority = &rest[..end.unwrap_or(rest.len())];
    let host = authority.rsplit(|b| *b == b'@').next()?;
    Some(host.split(|b| *b == b':').next().unwrap_or(host))
}

/// Whether a name lies in the subtree of `base`. For an exclusion (`wide`) also whether it could:
/// a wildcard above the base, a local part in another case.
fn within(name: &GeneralName, base: &GeneralName, wide: bool) -> bool {
    match (name, base) {
        (GeneralName::Dns(name), GeneralName::Dns(base)) => match name.strip_prefix(b"*.") {
            Some(parent) => in_domain(parent, base) || wide && in_domain(base, parent),
            None => in_domain(name, base),
        },
        (GeneralName::Email(name), GeneralName::Email(base)) => email_within(name, base, wide),
        (GeneralName::Uri(name), GeneralName::Uri(base)) => {
            uri_host(name).is_some_and(|host| host_within(host, base))
        }
        (GeneralName::Ip(name), GeneralName::Ip(base)) => {
            let (address, mask) = base.split_at(base.len() / 2);
            name.len() == address.len()
                && (0..name.len()).all(|i| (name[i] ^ address[i]) & mask[i] == 0)
        }
        (GeneralName::Directory(name), GeneralName::Directory(base)) => name.starts_with(base),
        _ => false,
    }
}

/// `name` is `base` or something under it; an empty base holds everything.
fn in_domain(name: &[u8], base: &[u8]) -> bool {
    if base.is_empty() || name.eq_ignore_ascii_case(base) {
        return true;
    }
    let dot = name.len().checked_sub(base.len() + 1);
    dot.is_some_and(|dot| name[dot] == b'.' && name[dot + 1..].eq_ignore_ascii_case(base))
}

/// A base that begins with a dot holds what is under it, another one a single host.
fn host_within(host: &[u8], base: &[u8]) -> bool {
    match base.strip_prefix(b".") {
        Some(parent) => !host.eq_ignore_ascii_case(parent) && in_domain(host, parent),
        None => host.eq_ignore_ascii_case(base),
    }
}

fn email_within(name: &[u8], base: &[u8], wide: bool) -> bool {
    let Some((local, domain)) = split_email(name) else {
        return false;
    };
    match split_email(base) {
        Some((wanted, host)) => {
            let same = local == wanted || wide && local.eq_ignore_ascii_case(wanted);
            same && domain.eq_ignore_ascii_case(host)
        }
        None => host_within(domain, base),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(text: &str) -> GeneralName {
        GeneralName::Dns(text.into())
    }
    fn email(text: &str) -> GeneralName {
        GeneralName::Email(text.into())
    }
    fn uri(text: &str) -> GeneralName {
        GeneralName::Uri(text.into())
    }

    #[test]
    fn subtrees_hold_what_rfc_5280_says() {
        let ip = |bytes: &[u8]| GeneralName::Ip(bytes.to_vec());
        let table = [
            (dns("a.example.com"), dns("example.com"), true),
            (dns("EXAMPLE.com"), dns("example.com"), true),
            (dns("notexample.com"), dns("example.com"), false),
            (dns("*.example.com"), dns("example.com"), true),
            (dns("*.com"), dns("example.com"), false),
            (email("a@host.org"), email("host.org"), true),
            (email("a@x.host.org"), email("host.org"), false),
            (email("a@x.host.org"), email(".host.org"), true),
            (email("a@host.org"), email(".host.org"), false),
            (email("a@host.org"), email("a@HOST.org"), true),
            (email("A@host.org"), email("a@host.org"), false),
            (uri("https://u@h.org:8/x@y"), uri("h.org"), true),
            (uri("https://x.h.org"), uri("h.org"), false),
            (uri("https://x.h.org?q"), uri(".h.org"), true),
            (ip(&[10, 1, 2, 3]), ip(&[10, 0, 0, 0, 255, 0, 0, 0]), true),
            (ip(&[11, 1, 2, 3]), ip(&[10, 0, 0, 0, 255, 0, 0, 0]), false),
            (ip(&[10; 16]), ip(&[10, 0, 0, 0, 255, 0, 0, 0]), false),
        ];
        for (name, base, expected) in table {
            assert!(base_is_valid(&base) && is_comparable(&name), "{name:?}");
            assert_eq!(
                within(&name, &base, false),
                expected,
                "{name:?} in {base:?}"
            );
        }
        // What an exclusion catches beyond that.
        assert!(within(&dns("*.com"), &dns("example.com"), true));
        assert!(within(&email("A@host.org"), &email("a@host.org"), true));
        assert!(!within(&dns("*.org"), &dns("example.com"), true));
    }

    #[test]
    fn bases_and_names_of_no_form_are_told() {
        for base in [
            dns("*.example.com"),
            dns(".example.com"),
            dns("a..b"),
            email("@host"),
            email("a@b@c"),
            uri("https://h"),
            GeneralName::Ip(vec![10, 0, 0, 0, 255, 0, 255, 0]),
            GeneralName::Ip(vec![10, 0, 0, 0]),
        ] {
            assert!(!base_is_valid(&base), "{base:?}");
        }
        for name in [
            dns("a b"),
            dns("1.2.3.4"),
            dns("a_b.c"),
            email("a"),
            uri("h.org"),
            uri("https://1.2.3.4/"),
        ] {
            assert!(!is_comparable(&name), "{name:?}");
        }
    }
}
