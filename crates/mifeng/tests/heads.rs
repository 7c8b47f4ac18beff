//! Cosigned heads from anybody: what is not of this log and its board changes nothing.

use mifeng::crypto::{GM, INTL};
use mifeng::{Host, Replay};
use mifeng_testkit::world::{Cast, Kind, Tender, keys, notice};

#[test]
fn a_head_of_another_name_or_of_no_witness_changes_nothing() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "heads");
        let mut tender = Tender::unpublished(&cast, "host.example/t/heads");
        let made = notice(&cast, tender.host.state(), Kind::Board);
        tender.publish(&made).expect("a lawful notice");
        let before = tender.store.files().clone();
        let head = tender.bundle().replay.checkpoint().expect("a head").clone();
        let text = head.note().to_text();
        let own = head.checkpoint().origin();
        // The log's own note has no witness; under another name it has nobody's line that counts.
        let renamed = text.replacen(own, "host.example/t/other", 1);
        let nobodys = tender.host.add_cosignature(text.as_bytes());
        assert_eq!(nobodys.ok(), Some(0));
        assert!(tender.host.add_cosignature(renamed.as_bytes()).is_err());
        assert_eq!(*tender.store.files(), before);
        // With a true line as well: the name is not this log's.
        tender.cosign(20);
        let stored = tender.store.files().clone();
        let name = format!("log/heads/{:010}", head.checkpoint().size());
        let cosigned = stored.iter().find(|(path, _)| path.starts_with(&name));
        let (_, cosigned) = cosigned.expect("a cosigned head");
        let cosigned = String::from_utf8(cosigned.clone()).expect("text");
        let renamed = cosigned.replacen(own, "host.example/t/other", 1);
        assert!(tender.host.add_cosignature(renamed.as_bytes()).is_err());
        // Brought again, a head is as it was.
        let again = tender.host.add_cosignature(cosigned.as_bytes());
        assert_eq!(again.ok(), Some(cast.trustees.len()));
        assert_eq!(*tender.store.files(), stored);
        assert!(Replay::of(&tender.bundle().files).is_ok());
        assert!(Host::open(tender.store.clone(), keys(&cast)).is_ok());
    }
}
