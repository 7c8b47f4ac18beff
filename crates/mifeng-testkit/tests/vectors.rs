//! The published vectors of this project all agree; others' are run by `mifeng-testkit vectors`.

use mifeng_testkit::vectors;
use std::path::Path;

#[test]
fn own_vectors_agree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors");
    let report = vectors::run(&[folder]).expect("the folder is readable");
    let failed: Vec<_> = report
        .files
        .iter()
        .filter(|file| !file.tally.failures.is_empty())
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(report.passed > 0);
}

#[test]
fn registers_of_seals_are_what_we_write() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("registry");
    let _ = std::fs::remove_dir_all(&folder);
    mifeng_testkit::registry::write_vectors(&folder).expect("written");
    assert_published(&folder, "registry");
}

#[test]
fn dossiers_are_what_we_write() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dossier");
    let _ = std::fs::remove_dir_all(&folder);
    mifeng_testkit::dossier::write_vectors(&folder).expect("written");
    assert_published(&folder, "dossier");
}

/// The files of a folder are those of `test-vectors`, byte by byte.
fn assert_published(folder: &Path, kind: &str) {
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors");
    let published = published.join(kind);
    let names = |folder: &Path| {
        let all = std::fs::read_dir(folder).expect("a folder");
        let mut names: Vec<_> = all.map(|e| e.expect("an entry").file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(folder), names(&published));
    for name in names(folder) {
        let read = |folder: &Path| std::fs::read(folder.join(&name)).expect("a file");
        assert!(read(folder) == read(&published), "{name:?} differs");
    }
}

#[test]
fn files_of_no_known_kind_are_skipped_with_a_reason() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unknown");
    std::fs::create_dir_all(folder.join("cobblestone")).expect("writable");
    let files: [(&str, &[u8]); 4] = [
        ("noise.bin", b"\x00\xff"),
        ("empty.json", b""),
        ("array.json", b"[]"),
        ("broken.csv", b"case,code,verdict\nU1,\"open"),
    ];
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).expect("writable");
    }
    let report = vectors::run(&[&folder]).expect("readable");
    assert_eq!(
        (report.files.len(), report.passed, report.failed),
        (4, 0, 0)
    );
    assert_eq!(report.skipped, 4);
}

#[test]
fn the_worked_examples_of_scores_agree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/score");
    let report = vectors::run(&[folder]).expect("the folder is readable");
    assert!(report.passed >= 20, "{report:#?}");
    assert_eq!((report.failed, report.skipped), (0, 0), "{report:#?}");
}

#[test]
fn a_table_that_disagrees_fails_row_by_row() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tables");
    std::fs::create_dir_all(&folder).expect("writable");
    let files = [
        (
            "calendar-2026.csv",
            "date,kind\n2026-01-02,holiday\n2026-01-04,makeup_workday\n",
        ),
        (
            "deadlines-x.csv",
            "case,rule,start,n,unit,first_day_counted,end_unrolled,end_rolled,note\n\
             D1,a,2025-12-31,1,calendar,no,2026-01-01,2026-01-01,minimum period: not rolled\n\
             D2,a,2026-01-01,1,calendar,no,2026-01-02,2026-01-04,weekends included\n\
             D3,a,2026-01-01,1,calendar,no,2026-01-02,2026-01-05,weekends included\n\
             D4,a,2026-12-31,1,workday,no,refuse,refuse,weekends included\n",
        ),
        (
            "uscc-x.csv",
            "case,code,verdict,note,source\nU1,91350200776049653A,valid,,\n\
             U2,91350200776049653B,valid,,\nU3,91350200776049653A,check_wrong,,\n",
        ),
        (
            "amounts-x.csv",
            "case,kind,digits,upper,verdict,note,source\nM1,x,5,伍元整,equal,,\n\
             M2,x,6,伍元整,equal,,\nM3,x,5,伍元整,mismatch,,\nM4,x,,伍元整,reject,,\n",
        ),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("writable");
    }
    let report = vectors::run(&[&folder]).expect("readable");
    let failures: Vec<&str> = report
        .files
        .iter()
        .flat_map(|file| &file.tally.failures)
        .filter_map(|failure| failure.split(':').next())
        .collect();
    // The calendar differs from ours on the first of January, which it does not name.
    assert_eq!(failures, ["M2", "M3", "M4", "2026", "D3", "U2", "U3"]);
    assert_eq!(report.passed, 5);
}

#[test]
fn a_vector_that_disagrees_fails() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong");
    std::fs::create_dir_all(&folder).expect("writable");
    let lie = r#"{"vectors":[{"deadline":"2026-01-01T00:00:00Z","received":"2026-01-01T00:00:00Z",
        "expect":"accept","why":"equal is late"}]}"#;
    std::fs::write(folder.join("deadline.json"), lie).expect("writable");
    let report = vectors::run(&[&folder]).expect("readable");
    assert_eq!((report.passed, report.failed), (0, 1));
}

/// x509-limbo, NIST PKITS, odd documents and fuzzing corpora: no verdict but those that are listed.
#[test]
fn suites_of_paths_agree_but_for_what_is_listed() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/reliability");
    let suites = [
        ("x509-limbo/limbo.json", 360),
        ("nist-pkits/vectors.json", 499),
        ("x509-misc", 45),
        ("fuzz-seeds", 900),
    ];
    for (name, cases) in suites {
        let path = data.join(name);
        if !path.exists() {
            eprintln!("skipped: suites_of_paths_agree_but_for_what_is_listed: {name} not there");
            continue;
        }
        let report = vectors::run(&[path]).expect("readable");
        let failures = report.files.iter().flat_map(|file| &file.tally.failures);
        let failures: Vec<&String> = failures.collect();
        assert!(failures.is_empty(), "{name}: {failures:#?}");
        assert!(report.passed >= cases, "{name}: {} passed", report.passed);
    }
}
