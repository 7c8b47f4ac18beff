//! What witnesses and the time-stamping authority do after the close.

use super::{Bundle, Cast, DEADLINE, Tender, secs};
use mifeng::log::WitnessState;
use mifeng::pki::tsp;
use mifeng::trustee;

impl Tender<'_> {
    /// Close at the deadline, cosigned by everybody and stamped one second later.
    pub fn close_witnessed(&mut self) {
        self.close(secs(DEADLINE)).expect("closed");
        self.witness(DEADLINE + 1);
    }

    pub fn witness(&mut self, at: i64) {
        self.cosign(at);
        self.stamp(at);
    }

    /// Everybody's cosignature of the head.
    pub fn cosign(&mut self, at: i64) {
        for number in 0..self.cast.trustees.len() {
            self.cosign_by(number, at);
        }
    }

    /// The cosignature of trustee `number`'s witness, of the head of now.
    pub fn cosign_by(&mut self, number: usize, at: i64) {
        let Bundle { replay, .. } = self.bundle();
        let suite = self.cast.suite;
        let origin = replay.checkpoint().expect("a head").checkpoint().origin();
        let seen = self.seen[number].take();
        let seen = seen.unwrap_or_else(|| WitnessState::new(origin, suite.hash()));
        let name = Cast::witness_name(number as u8 + 1);
        let key = &self.cast.trustees[number].witness;
        let (note, state) =
            trustee::cosign(&replay, &name, key, &seen, secs(at)).expect("cosigned");
        self.seen[number] = Some(state);
        let text = note.to_text();
        self.host.add_cosignature(text.as_bytes()).expect("taken");
    }

    /// A time stamp of second `at` over the head.
    pub fn stamped(&self, at: i64) -> Vec<u8> {
        let suite = self.cast.suite;
        let Bundle { replay, .. } = self.bundle();
        let imprint = trustee::stamp_imprint(&replay).expect("a head");
        let request = tsp::Request::new(imprint, suite.hash(), None);
        let signer = &self.cast.tsa.signer;
        tsp::respond(signer, "1.3.6.1.4.1.32473.1", 7, secs(at), &request).expect("stamped")
    }

    /// Such a stamp, handed to the host.
    pub fn stamp(&mut self, at: i64) {
        let token = self.stamped(at);
        self.host.add_stamp(&token).expect("taken");
    }
}
