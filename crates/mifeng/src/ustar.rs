//! The one form of a tar header that a dossier uses (spec/dossier.md): plain ustar, fixed owner,
//! mode and time, so that an archive is a function of its files.

/// Bytes of a tar block.
pub(crate) const BLOCK: usize = 512;
/// ustar keeps 100 bytes for a name; every name of a dossier is far shorter.
pub(crate) const NAME_LEN_MAX: usize = 100;
/// Eleven octal digits.
pub(crate) const SIZE_MAX: u64 = 0o77_777_777_777;

/// The header of a regular file; `None` if name or size do not fit.
pub(crate) fn header(name: &str, size: u64) -> Option<[u8; BLOCK]> {
    if name.is_empty() || name.len() > NAME_LEN_MAX || size > SIZE_MAX {
        return None;
    }
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(329, b"0000000\0");
    put(337, b"0000000\0");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(block)
}

/// The name and size in a header, if it is byte for byte what [`header`] writes.
pub(crate) fn parse(block: &[u8; BLOCK]) -> Option<(String, u64)> {
    let name: Vec<u8> = block[..NAME_LEN_MAX]
        .iter()
        .take_while(|b| **b != 0)
        .copied()
        .collect();
    let name = String::from_utf8(name).ok()?;
    let size = std::str::from_utf8(&block[124..135]).ok()?;
    let size = u64::from_str_radix(size, 8).ok()?;
    (header(&name, size)? == *block).then_some((name, size))
}

/// Zero bytes after a file of this size.
pub(crate) fn padding(size: u64) -> usize {
    let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
    (BLOCK - over) % BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_only() {
        let block = header("body/x.json", 1234).expect("fits");
        assert_eq!(parse(&block), Some(("body/x.json".to_owned(), 1234)));
        for at in 0..BLOCK {
            let mut bad = block;
            bad[at] ^= 1;
            assert_ne!(
                parse(&bad),
                Some(("body/x.json".to_owned(), 1234)),
                "byte {at}"
            );
        }
        assert!(header(&"x".repeat(101), 1).is_none());
        assert!(header("x", SIZE_MAX + 1).is_none());
        assert_eq!((padding(0), padding(1), padding(512)), (0, 511, 0));
    }
}
