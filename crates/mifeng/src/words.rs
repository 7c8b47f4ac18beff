//! Words that people compare aloud: eight words of Chinese or English for a digest.
//!
//! 64 bits: enough to notice a swap in a room (an attacker needs 2^64 tries for one other value
//! with the same words), not a replacement for the digest itself.

use mifeng_crypto::Digest;

/// 256 syllables that differ clearly in sound and sight: sixteen beginnings, sixteen endings.
const BEGIN: [&str; 16] = [
    "ba", "co", "di", "fu", "ga", "ho", "ji", "ku", "la", "mo", "ni", "pu", "ra", "so", "ti", "zu",
];
const END: [&str; 16] = [
    "bel", "cor", "dan", "fin", "gus", "hem", "jot", "kas", "lim", "mar", "nox", "pet", "rud",
    "sil", "tor", "wen",
];
/// Sixteen animals and plants, sixteen things: read as pairs.
const FIRST: [&str; 16] = [
    "松", "鹤", "梅", "虎", "竹", "马", "兰", "牛", "荷", "羊", "桂", "鹿", "柳", "鱼", "菊", "龙",
];
const SECOND: [&str; 16] = [
    "山", "灯", "桥", "书", "船", "鼓", "井", "钟", "塔", "云", "门", "琴", "石", "雪", "田", "剑",
];

/// Eight words for a digest: of its first eight bytes, one word each.
pub fn fingerprint(digest: &Digest, chinese: bool) -> String {
    let (first, second) = if chinese {
        (FIRST, SECOND)
    } else {
        (BEGIN, END)
    };
    digest.as_bytes()[..8]
        .iter()
        .map(|byte| {
            let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
            format!("{}{}", first[high], second[low])
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_byte_has_its_own_word() {
        for chinese in [true, false] {
            let words: BTreeSet<String> = (0..=255_u8)
                .map(|byte| fingerprint(&Digest::from_bytes([byte; 32]), chinese))
                .collect();
            assert_eq!(words.len(), 256);
        }
    }
}
