//! Unified social credit codes (GB 32100-2015).

const SIGNS: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Characters of a code.
pub(crate) const LEN: usize = 18;

/// Whether `text` is a credit code: 18 signs of the alphabet and a right check character.
pub fn is_uscc(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != LEN {
        return false;
    }
    let (mut sum, mut weight) = (0, 1);
    for sign in &bytes[..LEN - 1] {
        let Some(value) = SIGNS.iter().position(|s| s == sign) else {
            return false;
        };
        sum = (sum + value * weight) % 31;
        weight = weight * 3 % 31;
    }
    SIGNS[(31 - sum) % 31] == bytes[LEN - 1]
}

/// The first code inside `text`, at a boundary where no sign of the alphabet precedes.
pub(crate) fn find(text: &[u8]) -> Option<String> {
    text.windows(LEN).enumerate().find_map(|(at, window)| {
        let starts = at == 0 || !text[at - 1].is_ascii_alphanumeric();
        let ends = text
            .get(at + LEN)
            .is_none_or(|next| !next.is_ascii_alphanumeric());
        let code = core::str::from_utf8(window).ok()?;
        (starts && ends && is_uscc(code)).then(|| code.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_code_and_its_neighbours() {
        assert!(is_uscc("91350100M000100Y43"));
        for wrong in [
            "91350100M000100Y44",
            "91350100M000100Y4",
            "",
            "9135010OM000100Y43",
        ] {
            assert!(!is_uscc(wrong), "{wrong}");
        }
    }

    #[test]
    fn found_inside_names() {
        let text = "91350100M000100Y43某某公司";
        assert_eq!(find(text.as_bytes()).as_deref(), Some("91350100M000100Y43"));
        assert_eq!(
            find("x@91350100M000100Y43@1".as_bytes()).as_deref(),
            Some("91350100M000100Y43")
        );
        assert_eq!(find(b"191350100M000100Y43"), None);
    }
}
