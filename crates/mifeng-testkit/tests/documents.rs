//! Made documents are what readers expect, and differ where they should.

use mifeng_testkit::bids::write_bid_folder;
use mifeng_testkit::pdf::tender_pdf;
use std::path::PathBuf;
use std::process::Command;

fn scratch(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    // An earlier run may have left its files.
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("the target folder is writable");
    dir
}

/// Runs a reader if it is installed; its output, else nothing.
fn reader(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{program}: {said}{complaint}");
            Some(said)
        }
        Err(_) => {
            eprintln!("skipped: {program} is not installed");
            None
        }
    }
}

#[test]
fn sizes_are_near_and_seeds_matter() {
    for size in [1_000_000, 5_000_000, 20_000_000] {
        let made = tender_pdf(7, "Title", "Bidder", size);
        assert!(
            made.len().abs_diff(size) < size / 100 + 4_000,
            "{size}: {}",
            made.len()
        );
        assert_eq!(made, tender_pdf(7, "Title", "Bidder", size));
        assert_ne!(made, tender_pdf(8, "Title", "Bidder", size));
    }
    for size in [0, 100, 10_000] {
        assert!(tender_pdf(7, "(\\)", "", size).starts_with(b"%PDF-1.7"));
    }
}

#[test]
fn cross_references_point_at_their_objects() {
    let made = tender_pdf(3, "招标文件 (1)", "投标人", 3_000_000);
    let find = |needle: &[u8]| {
        made.windows(needle.len())
            .rposition(|window| window == needle)
    };
    let number = |bytes: &[u8]| -> usize {
        let text = std::str::from_utf8(bytes).expect("digits");
        text.trim().parse().expect("a number")
    };
    let startxref = find(b"startxref\n").expect("a pointer") + 10;
    let end = find(b"\n%%EOF\n").expect("an end");
    let xref = number(&made[startxref..end]);
    assert!(made[xref..].starts_with(b"xref\n0 "));
    let line = made[xref + 7..]
        .iter()
        .position(|b| *b == b'\n')
        .expect("a line")
        + xref
        + 7;
    let objects = number(&made[xref + 7..line]);
    for object in 1..objects {
        let entry = line + 1 + 20 * object;
        let at = number(&made[entry..entry + 10]);
        assert!(
            made[at..].starts_with(format!("{object} 0 obj\n").as_bytes()),
            "{object}"
        );
    }
}

#[test]
fn installed_readers_accept_them() {
    let dir = scratch("readers");
    let path = dir.join("technical.pdf");
    std::fs::write(
        &path,
        tender_pdf(1, "技术文件 A(1)", "Bidder (one) \\ Ltd.", 2_000_000),
    )
    .expect("written");
    let path = path.to_str().expect("the target folder has a plain name");
    reader("qpdf", &["--check", path]);
    if let Some(said) = reader("pdfinfo", &[path]) {
        assert!(
            said.contains("技术文件 A(1)") && said.contains("1.7"),
            "{said}"
        );
    }
    if let Some(said) = reader("pdftotext", &[path, "-"]) {
        assert!(said.contains("Bidder (one) \\ Ltd."), "{said}");
        assert!(said.contains("page 1 of 2"), "{said}");
    }
}

#[test]
fn folders_of_two_bidders_share_no_document() {
    let dir = scratch("folders");
    for bidder in [1, 2] {
        write_bid_folder(&dir.join(bidder.to_string()), bidder, "lot-1", 4_000_000)
            .expect("written");
    }
    let mut total = 0;
    for entry in std::fs::read_dir(dir.join("1")).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        let path = name.to_str().expect("Unicode");
        mifeng_envelope::check_path(path).expect("a name that an envelope takes");
        let read = |bidder: &str| std::fs::read(dir.join(bidder).join(&name)).expect("a file");
        assert_ne!(read("1"), read("2"));
        total += read("1").len();
    }
    assert!(total.abs_diff(4_000_000) < 120_000, "{total}");
}
