//! The number of a record in the bidder's own count.

use crate::audit::{Problem, small_up_to};
use crate::earlier::no;
use crate::slices::{Given, ReadAt};
use mifeng::crypto::Time;
use mifeng::pki::Signer;
use mifeng::record::Record;
use mifeng::{Error, Replay, bidder};
use std::sync::Arc;

/// Bytes of a file with the own count.
const COUNT_LEN_MAX: u64 = 32;

/// Where somebody looks for the least number.
pub(crate) struct Known<'a> {
    /// What was chosen with the keys: the file with the count may be among it.
    pub(crate) identity: &'a [Given],
    /// What the page remembers.
    pub(crate) page: u64,
    /// A record that was signed before.
    pub(crate) earlier: Option<&'a Record>,
    /// The browser's clock.
    pub(crate) at: Time,
}

impl Known<'_> {
    /// The number of the next record: from all of these, the log, and time.
    pub(crate) fn next(
        &self,
        replay: &Replay,
        signer: &dyn Signer,
        from: &Arc<dyn ReadAt>,
    ) -> Result<u64, Problem> {
        let name = bidder::count_file(replay);
        // A browser that saves it a second time puts something behind the name.
        let files = self.identity.iter();
        let files = files.filter(|one| one.name.starts_with(&name));
        let mut kept = None;
        for file in files {
            kept = kept.max(Some(read(file, from)?));
        }
        let own = signer.certificate().fingerprint(replay.suite().hash());
        let earlier = self.earlier;
        let earlier = earlier.and_then(|record| bidder::after(replay, &own, record));
        let known = [Some(self.page), kept, earlier].into_iter().flatten().max();
        let next = bidder::next_number(replay, &own, known.unwrap_or(0), self.at);
        next.map_err(|e| match known == Some(self.page) {
            true => self.forget_it(),
            false => Problem::about(&name, &e),
        })
    }
}

impl Known<'_> {
    /// Nobody can change what the page remembers but whoever clears it.
    fn forget_it(&self) -> Problem {
        let page = self.page;
        no(
            "desk.count",
            &format!("本浏览器记住的编号 {page} 超出日志所限：请在浏览器中清除本网站的数据后再试"),
            &format!(
                "the number that this browser remembers, {page}, is more than a log takes: clear what the browser keeps of this site, and try again"
            ),
        )
    }
}

fn read(file: &Given, from: &Arc<dyn ReadAt>) -> Result<u64, Problem> {
    small_up_to(file, from, COUNT_LEN_MAX, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        text.trim().parse().map_err(|_| Error::Malformed {
            what: "count",
            detail: "no number".to_owned(),
        })
    })
}
