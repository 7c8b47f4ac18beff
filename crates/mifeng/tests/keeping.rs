//! What the law wants kept is told with the report, and nothing fails for what is not there.

mod common;

use common::*;
use mifeng::crypto::{GM, INTL};
use mifeng::tender::{Keeping, Presence};
use mifeng::{Files, Tar, Trusted, public_export, verify};

const ORIGIN: &str = "host.example/t/keeping";

fn told(files: &(dyn Files + Sync)) -> Keeping {
    let report = verify(files, &Trusted::default()).expect("in memory");
    assert!(report.is_valid(), "{:?}", report.failure());
    report.keeping.expect("after all checks")
}

fn state(kept: &Keeping, id: &str) -> Presence {
    let paper = kept.items.iter().find(|paper| paper.id == id);
    paper.expect("on the list").state
}

#[test]
fn an_awarded_tender_lacks_what_comes_after_it() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "keeping");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
        tender.receive(3);
        let dossier = tender.finish(Kind::Board);
        let files = Parts::of_tar(&dossier);
        let kept = told(&files);
        for id in [
            "activity",
            "bids",
            "criteria",
            "report.tender",
            "award",
            "opening",
        ] {
            assert_eq!(state(&kept, id), Presence::Present, "{id}");
        }
        for id in ["contract", "acceptance", "recording"] {
            assert_eq!(state(&kept, id), Presence::Absent, "{id}");
        }
        for id in ["replies", "decisions"] {
            assert_eq!(state(&kept, id), Presence::IfAny, "{id}");
        }
        assert!(kept.items.iter().all(|paper| paper.id != "opening.works"));
        let (ended, keep) = (kept.ended.as_str(), kept.keep.as_ref().expect("a period"));
        assert_eq!((keep.years, keep.article.as_str()), (15, "PL art. 42"));
        let year: i64 = ended[..4].parse().expect("a year");
        assert_eq!(keep.until.as_str(), format!("{}{}", year + 15, &ended[4..]));
        let (zh, en) = kept.in_words();
        assert!(zh.contains("合同文本（PL art. 42, 46）") && zh.contains(keep.until.as_str()));
        assert!(en.contains("text of the contract (PL art. 42, 46)"));
        // What the host says when it writes the dossier is what the verifier says.
        assert_eq!(tender.host.replay().keeping(false), Some(kept));

        let mut out = Vec::new();
        public_export(&files, &mut out).expect("written");
        let public = Tar::of_bytes(out.as_slice()).expect("a bundle");
        assert_eq!(state(&told(&public), "bids"), Presence::Withheld);
    }
}

#[test]
fn a_failed_tender_misses_nothing_that_it_never_reached() {
    let cast = Cast::new(&INTL, "keeping");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(1);
    tender.close_witnessed();
    tender.close_window(DEADLINE + 3).expect("closed");
    tender.open_all(100);
    let kept = told(&Parts::of_tar(&tender.archive(103)));
    for id in [
        "bids",
        "report.tender",
        "award",
        "contract",
        "acceptance",
        "opening",
        "recording",
    ] {
        assert_eq!(state(&kept, id), Presence::NotDue, "{id}");
    }
    assert!(
        kept.in_state(Presence::Absent)
            .all(|paper| paper.found < paper.due)
    );
    // A dossier that fails a check is given no list.
    let bundle = tender.tar(mifeng::Export::Records);
    let mut parts = Parts::of_tar(&bundle).parts;
    parts.insert("zz".to_owned(), b"x".to_vec());
    let report = verify(&Parts::new(parts), &Trusted::default()).expect("in memory");
    assert!(!report.is_valid());
    assert_eq!(report.keeping, None);
}
