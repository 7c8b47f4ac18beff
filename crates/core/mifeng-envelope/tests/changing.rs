//! Files that change while they are sealed.

mod common;

use common::{SIGMA, world};
use mifeng_crypto::{GM, INTL, Suite, Time};
use mifeng_envelope::*;
use mifeng_lock::Policy;
use std::io::{self, Read};

/// What sealing a bid of this one file ends in.
fn sealing(suite: &'static Suite, file: Box<dyn FileSource>) -> Result<()> {
    let w = world(suite);
    let context = common::context(&w);
    let boards = [&w.board];
    let inputs = Inputs {
        suite,
        policy: Policy::joint(w.board.key()).resolve(context.bidder_cert),
        context,
        boards: &boards,
        chains: &[],
        encryption: &w.cert,
        signer: &w.signer,
        signing_time: Time::parse_rfc3339(common::SIGNING_TIME).expect("time"),
        files: vec![file],
        opening: Opening::default(),
        declarations: Declarations::default(),
        detail: Vec::new(),
        workers: 2,
    };
    seal_with_sigma(&inputs, &SIGMA, &mut io::sink(), &mut |_| ()).map(|_| ())
}

/// A file whose content is not what its folder entry said.
struct Liar {
    said: u64,
    has: u64,
}

impl FileSource for Liar {
    fn path(&self) -> &str {
        "x.bin"
    }
    fn size(&self) -> u64 {
        self.said
    }
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(io::repeat(1).take(self.has)))
    }
}

#[test]
fn a_file_that_grows_or_shrinks_while_it_is_read_is_refused() {
    let mib = 1 << 20;
    assert_eq!(sealing(&INTL, Box::new(Liar { said: 5, has: 5 })), Ok(()));
    for (said, has) in [
        (5, 4),
        (5, 6),
        (0, 1),
        (1, 0),
        (9 * mib, 9 * mib - 1),
        (9 * mib, 9 * mib + 1),
    ] {
        let found = sealing(&INTL, Box::new(Liar { said, has }));
        assert_eq!(found, Err(Error::FileChanged { index: 0 }), "{said} {has}");
    }
}

/// A file that is written to while it is read, or not.
struct Restless {
    quiet: bool,
}

impl FileSource for Restless {
    fn path(&self) -> &str {
        "x.bin"
    }
    fn size(&self) -> u64 {
        9
    }
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(io::repeat(1).take(9)))
    }
    fn unchanged(&self) -> io::Result<bool> {
        Ok(self.quiet)
    }
}

#[test]
fn a_file_that_changes_in_its_place_is_refused() {
    assert_eq!(sealing(&GM, Box::new(Restless { quiet: true })), Ok(()));
    let found = sealing(&GM, Box::new(Restless { quiet: false }));
    assert_eq!(found, Err(Error::FileChanged { index: 0 }));
}
