//! Folders of bid documents: what a bidder would have on its disk before sealing.

use crate::pdf::tender_pdf;
use std::io;
use std::path::Path;

/// Names of made bidders; nobody's.
const NAMES: [&str; 8] = [
    "Example Construction Ltd.",
    "示例建设工程有限公司",
    "Sample Engineering Co.",
    "样例机电安装有限公司",
    "Model Works Group",
    "虚构市政工程有限公司",
    "Specimen Systems Inc.",
    "假想信息技术有限公司",
];

/// Each document with its title and its share of the bytes, in hundredths.
const DOCUMENTS: [(&str, &str, usize); 4] = [
    ("technical.pdf", "Technical proposal 技术文件", 60),
    ("commercial.pdf", "Commercial proposal 商务文件", 25),
    ("资格证明.pdf", "Qualification 资格证明文件", 10),
    ("price.pdf", "Price schedule 报价文件", 5),
];

/// The name of bidder `bidder_no` in made tenders.
pub fn bidder_name(bidder_no: u32) -> String {
    let name = NAMES[bidder_no as usize % NAMES.len()];
    format!("{name} #{bidder_no}")
}

/// Writes the documents of one bid into `dir`, which is made: four PDF files of about
/// `bytes_total` bytes together, and `declaration.json`.
///
/// The same numbers give the same bytes; two bidders, or two lots, never share a file.
///
/// # Errors
/// Those of the file system.
pub fn write_bid_folder(
    dir: &Path,
    bidder_no: u32,
    lot: &str,
    bytes_total: usize,
) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let bidder = bidder_name(bidder_no);
    for (at, (name, title, hundredths)) in (1u64..).zip(DOCUMENTS) {
        let seed = seed(bidder_no, lot, at);
        let title = format!("{title} - {lot}");
        let bytes = tender_pdf(seed, &title, &bidder, bytes_total / 100 * hundredths);
        std::fs::write(dir.join(name), bytes)?;
    }
    let declaration = serde_json::json!({
        "bidder": bidder,
        "domestic": true,
        "lot": lot,
        "sme": bidder_no % 2 == 1,
        "statement": "We accept the terms of the tender documents. 我方接受招标文件的全部条款。",
    });
    std::fs::write(dir.join("declaration.json"), format!("{declaration:#}\n"))
}

/// FNV-1a over the lot's name, mixed with the numbers.
fn seed(bidder_no: u32, lot: &str, document: u64) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ (u64::from(bidder_no) << 8) ^ document;
    lot.bytes().fold(start, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
