//! The committee: drawn, seated in one room or several, replaced.

use super::{LotWork, check_text};
use crate::events::*;
use crate::procedure::Body;
use crate::refusal::{self, Refusal};
use crate::state::{DrawState, Stage, State};
use mifeng_crypto::Digest;
use mifeng_lock::Share;
use mifeng_lock::draw::{self, Draw};
use mifeng_record::Record;
use std::collections::{BTreeMap, BTreeSet};

/// Rooms of one session: more than one for each seat has no use.
const SITES_MAX: usize = 31;

/// One seat of the committee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatState {
    /// The expert's certificate fingerprint.
    pub cert: Digest,
    /// Blind id in the pool.
    pub id: String,
    /// Commitment of the expert's `seat.open`.
    pub opened: Option<Digest>,
    /// Whether the site's supervisor has cosigned it.
    pub cosigned: bool,
    /// Whether its link is lost.
    pub frozen: bool,
}

impl SeatState {
    fn of(seat: &Seat) -> Self {
        SeatState {
            cert: seat.cert,
            id: seat.id.clone(),
            opened: None,
            cosigned: false,
            frozen: false,
        }
    }
}

impl State {
    pub(crate) fn pool(&mut self, data: &Pool, record: &Record) -> Result<(), Refusal> {
        let notice = self.require(Stage::Evaluation)?;
        self.require_agency(record)?;
        if self.profile().panel.is_none() {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                format!("{} has no committee", self.profile().en),
            ));
        }
        if data.specialty != notice.committee.specialty {
            return Err(Refusal::new(
                &refusal::MALFORMED,
                "another specialty than the notice's",
            ));
        }
        // One draw per (specialty, n); a repeat needs n+1 and a signed reason (PROTOCOL 5).
        let expected = self.draw.as_ref().map_or(1, |draw| draw.pool.n + 1);
        // Once members have acted, or one was replaced, there is no other committee: they are
        // replaced one by one, until nobody is left to replace them with.
        let stands = self.evaluation.session.is_some()
            || self.committee_acted()
            || !self.evaluation.replaced.is_empty();
        let acted = stands && !self.evaluation.dissolved;
        if data.n != expected || acted {
            return Err(Refusal::new(
                &refusal::REPLAY,
                format!("draw number {expected} expected, found {}", data.n),
            ));
        }
        if data.reason.is_empty() != (expected == 1) {
            return Err(Refusal::new(
                &refusal::MALFORMED,
                "a first draw has no reason, every other one has",
            ));
        }
        let draw = self.draw_of(data)?;
        if draw.pool().rows() != data.rows {
            return Err(Refusal::new(
                &refusal::MALFORMED,
                "rows are not sorted by id",
            ));
        }
        // Whoever sat by an earlier draw sits no more: nobody acts while a draw is open, so that its
        // result, published late, swaps no committee that has worked.
        self.evaluation.seats.clear();
        self.draw = Some(DrawState {
            draw,
            pool: data.clone(),
            shares: BTreeMap::new(),
            result: None,
        });
        Ok(())
    }

    fn draw_of(&self, data: &Pool) -> Result<Draw, Refusal> {
        let malformed = |e: mifeng_lock::Error| Refusal::new(&refusal::MALFORMED, e.to_string());
        let (event, _) = self
            .notice
            .as_ref()
            .ok_or_else(|| Refusal::new(&refusal::WRONG_STAGE, "there is no notice"))?;
        let pool = draw::Pool::new(&data.specialty, data.rows.clone()).map_err(malformed)?;
        Draw::new(self.suite, event, pool, data.n).map_err(malformed)
    }

    pub(crate) fn draw_share(&mut self, data: &DrawShare, record: &Record) -> Result<(), Refusal> {
        self.require(Stage::Evaluation)?;
        let index = data.share.index;
        self.require_trustee(record, index)?;
        let bad = |e: mifeng_lock::Error| {
            Refusal::new(&refusal::BAD_SHARE, format!("trustee {index}: {e}"))
        };
        let share = Share::from_record(self.suite.curve(), &data.share).map_err(bad)?;
        let board = self
            .board()
            .cloned()
            .ok_or_else(|| Refusal::new(&refusal::WRONG_STAGE, "there is no board"))?;
        let (draw, shares) = self.open_draw(&data.draw)?;
        if shares.contains_key(&index) {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("trustee {index}"),
            ));
        }
        draw.verify_share(&board, &share).map_err(bad)?;
        shares.insert(index, share);
        Ok(())
    }

    /// The seed and order of the current draw, once t trustees have answered.
    ///
    /// # Errors
    /// [`refusal::QUORUM`] before that.
    pub fn drawn(&self) -> Result<draw::Outcome, Refusal> {
        let notice = self.require(Stage::Evaluation)?;
        let (Some(drawing), Some(board)) = (&self.draw, self.board()) else {
            return Err(Refusal::new(&refusal::WRONG_STAGE, "no pool is frozen"));
        };
        let shares: Vec<Share> = drawing.shares.values().cloned().collect();
        let places = (notice.committee.experts + notice.committee.alternates) as usize;
        drawing
            .draw
            .combine(board, &shares, places)
            .map_err(|e| Refusal::new(&refusal::QUORUM, e.to_string()))
    }

    pub(crate) fn draw_result(
        &mut self,
        data: &DrawResult,
        record: &Record,
    ) -> Result<(), Refusal> {
        let experts = self.require(Stage::Evaluation)?.committee.experts as usize;
        self.require_agency(record)?;
        let differs = |detail: &str| Refusal::new(&refusal::NOT_RECOMPUTED, detail);
        let draw::Outcome { seed, order, .. } = self.drawn()?;
        if data.seed != seed || data.order != order {
            return Err(differs("seed or order of the draw"));
        }
        let said: BTreeSet<&String> = data.declined.iter().collect();
        if said.len() != data.declined.len() || said.iter().any(|id| !order.contains(id)) {
            return Err(differs(
                "those who declined are not of the drawn order, or one stands there twice",
            ));
        }
        // Whoever declines is followed by the next in the drawn order, never by a new seed.
        let seated: Vec<&String> = order
            .iter()
            .filter(|id| !data.declined.contains(id))
            .take(experts)
            .collect();
        let named: Vec<&String> = data.seats.iter().map(|seat| &seat.id).collect();
        if seated.len() < experts || named != seated {
            return Err(differs(
                "the seats are not the drawn order without those who declined",
            ));
        }
        let mut certs = std::collections::BTreeSet::new();
        for seat in &data.seats {
            // One person, one seat, and no part in the tender besides (回避; 87 art. 40, 47).
            let left = self.evaluation.replaced.contains(&seat.cert);
            if !certs.insert(seat.cert) || self.is_party(&seat.cert) || left {
                return Err(differs(
                    "an expert sits twice, was replaced, or is a party to the tender",
                ));
            }
            if blind_id(self.suite, &seat.salt, &seat.cert).to_string() != seat.id {
                return Err(differs("a seat does not open to its blind id"));
            }
        }
        let Some(drawing) = self
            .draw
            .as_mut()
            .filter(|d| d.result.is_none() && d.draw.id() == data.draw)
        else {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "another draw, or drawn already",
            ));
        };
        drawing.result = Some(data.clone());
        self.evaluation.dissolved = false;
        self.evaluation.seats = data.seats.iter().map(SeatState::of).collect();
        Ok(())
    }

    /// Who sits now.
    pub fn seats(&self) -> &[SeatState] {
        &self.evaluation.seats
    }

    /// Members who were replaced, in order.
    pub fn replaced(&self) -> &[Digest] {
        &self.evaluation.replaced
    }

    /// Where the seats are, if not all in one room.
    pub fn session(&self) -> Option<&SessionOpen> {
        self.evaluation.session.as_ref()
    }

    fn committee_acted(&self) -> bool {
        let sits = |cert: &Digest| self.seats().iter().any(|seat| seat.cert == *cert);
        self.evaluation.lots.values().any(|work| {
            let checked = work.checks.values().flat_map(BTreeMap::keys).any(sits);
            checked || work.commits.keys().any(sits)
        }) || self.questions().iter().any(|(_, q)| sits(&q.by))
    }

    /// The signer has a seat at which it may act now.
    pub(crate) fn require_seat(&self, record: &Record) -> Result<(), Refusal> {
        let own = |seat: &&SeatState| seat.cert == record.actor();
        let Some(seat) = self.seats().iter().find(own) else {
            return Err(Refusal::new(&refusal::NOT_DRAWN, record.signer_name()));
        };
        if seat.frozen {
            return Err(Refusal::new(&refusal::FROZEN, record.signer_name()));
        }
        if self.evaluation.session.is_some() && !seat.cosigned {
            return Err(Refusal::new(&refusal::SEAT_NOT_OPEN, record.signer_name()));
        }
        Ok(())
    }

    fn seat_mut(&mut self, cert: &Digest) -> Result<&mut SeatState, Refusal> {
        let seats = &mut self.evaluation.seats;
        seats
            .iter_mut()
            .find(|seat| seat.cert == *cert)
            .ok_or_else(|| Refusal::new(&refusal::NOT_DRAWN, format!("certificate {cert}")))
    }

    pub(crate) fn session_open(
        &mut self,
        data: &SessionOpen,
        record: &Record,
    ) -> Result<(), Refusal> {
        self.require(Stage::Evaluation)?;
        self.require_agency(record)?;
        if self.seats().is_empty() || self.evaluation.session.is_some() || self.committee_acted() {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "a session opens once, after the draw and before anybody acts",
            ));
        }
        let malformed = |detail: &str| Refusal::new(&refusal::MALFORMED, detail);
        let ids: BTreeSet<&String> = data.sites.iter().map(|site| &site.id).collect();
        if ids.is_empty() || ids.len() != data.sites.len() || ids.len() > SITES_MAX {
            return Err(malformed("1 to 31 sites, each id once"));
        }
        let mut expected: Vec<Digest> = self.seats().iter().map(|seat| seat.cert).collect();
        expected.sort_unstable();
        let named: Vec<Digest> = data.seats.iter().map(|seat| seat.cert).collect();
        if named != expected || data.seats.iter().any(|seat| !ids.contains(&seat.site)) {
            return Err(malformed(
                "every seat once, by certificate, at one of the sites",
            ));
        }
        let other = |cert: &Digest| self.is_party(cert) || expected.contains(cert);
        if data.sites.iter().any(|site| other(&site.supervisor)) {
            return Err(Refusal::new(
                &refusal::NOT_AUTHORISED,
                "a supervisor has no other part in the tender",
            ));
        }
        self.evaluation.session = Some(data.clone());
        Ok(())
    }

    /// The supervisor of the site at which an expert sits.
    fn supervisor_of(&self, cert: &Digest) -> Option<Digest> {
        let session = self.evaluation.session.as_ref()?;
        let seat = session.seats.iter().find(|seat| seat.cert == *cert)?;
        let site = session.sites.iter().find(|site| site.id == seat.site)?;
        Some(site.supervisor)
    }

    fn require_session(&self) -> Result<(), Refusal> {
        self.require(Stage::Evaluation)?;
        if self.evaluation.session.is_none() {
            return Err(Refusal::new(&refusal::WRONG_STAGE, "no session is open"));
        }
        Ok(())
    }

    pub(crate) fn seat_open(&mut self, data: &SeatOpen, record: &Record) -> Result<(), Refusal> {
        self.require_session()?;
        // All seats work on the same document and the same rules.
        if self.notice.as_ref().map(|(event, _)| *event) != Some(data.notice) {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                "the seat has loaded another notice",
            ));
        }
        let seat = self.seat_mut(&record.actor())?;
        if seat.opened.is_some() {
            return Err(Refusal::new(&refusal::DUPLICATE, "the seat is open"));
        }
        seat.opened = Some(record.commitment());
        Ok(())
    }

    pub(crate) fn seat_cosign(
        &mut self,
        data: &SeatCosign,
        record: &Record,
    ) -> Result<(), Refusal> {
        self.require_session()?;
        self.require_actor(
            record,
            self.supervisor_of(&data.cert),
            "supervisor of the site",
        )?;
        let seat = self.seat_mut(&data.cert)?;
        if seat.opened != Some(data.seat) {
            return Err(Refusal::new(
                &refusal::SEAT_NOT_OPEN,
                "the expert has not opened this seat",
            ));
        }
        if seat.cosigned {
            return Err(Refusal::new(&refusal::DUPLICATE, "the seat is cosigned"));
        }
        seat.cosigned = true;
        Ok(())
    }

    pub(crate) fn seat_freeze(
        &mut self,
        data: &SeatFreeze,
        record: &Record,
        frozen: bool,
    ) -> Result<(), Refusal> {
        self.require_session()?;
        self.require_actor(
            record,
            self.supervisor_of(&data.cert),
            "supervisor of the site",
        )?;
        check_text("reason", &data.reason)?;
        let seat = self.seat_mut(&data.cert)?;
        if !seat.cosigned || seat.frozen == frozen {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "nothing to freeze or resume at this seat",
            ));
        }
        seat.frozen = frozen;
        Ok(())
    }

    /// `seat.leave`, by somebody who sits, frozen or not.
    pub(crate) fn seat_leave(&mut self, data: &SeatLeave, record: &Record) -> Result<(), Refusal> {
        self.require(Stage::Evaluation)?;
        check_text("reason", &data.reason)?;
        self.seat_mut(&record.actor())?;
        self.seat_mut(&data.cert)?;
        let said = self.evaluation.leaving.entry(data.cert).or_default();
        if !said.insert(record.actor()) {
            return Err(Refusal::new(&refusal::DUPLICATE, "said already"));
        }
        Ok(())
    }

    /// Once a sheet is shown, or a lot ranked, the agency alone sends no member away whose points it
    /// may not like: the member itself says so, or the majority of the others.
    fn require_leave(&self, cert: &Digest) -> Result<(), Refusal> {
        let shown = self.sheets.values().any(|sheets| !sheets.is_empty());
        if !shown && self.ranks.is_empty() {
            return Ok(());
        }
        let said = self.evaluation.leaving.get(cert);
        let says = |seat: &&SeatState| said.is_some_and(|said| said.contains(&seat.cert));
        let others = self.seats().iter().filter(|seat| seat.cert != *cert);
        let (number, agree) = (self.seats().len() - 1, others.filter(says).count());
        if said.is_some_and(|said| said.contains(cert)) || agree * 2 > number {
            return Ok(());
        }
        Err(Refusal::new(
            &refusal::NOT_AUTHORISED,
            format!(
                "a sheet is shown: seat.leave of the member, or of more than half of the {number} others, is missing; {agree} said so"
            ),
        ))
    }

    /// The next of the drawn order takes a seat; what the one who leaves said is void (87 art. 49).
    pub(crate) fn seat_replace(
        &mut self,
        data: &SeatReplace,
        record: &Record,
    ) -> Result<(), Refusal> {
        self.require(Stage::Evaluation)?;
        self.require_agency(record)?;
        check_text("reason", &data.reason)?;
        let leaves = self.seat_mut(&data.cert)?.id.clone();
        self.require_leave(&data.cert)?;
        let differs = |detail: String| Refusal::new(&refusal::NOT_RECOMPUTED, detail);
        let rest: Vec<String> = self.alternates().cloned().collect();
        let declined = rest.iter().zip(&data.declined);
        if data.declined.len() > rest.len() || declined.into_iter().any(|(a, b)| a != b) {
            return Err(differs(format!(
                "those who decline are the first of {rest:?}"
            )));
        }
        let next = rest.get(data.declined.len());
        if next != data.seat.as_ref().map(|seat| &seat.id) {
            return Err(differs(format!("the next of the drawn is {next:?}")));
        }
        let Some(taken) = &data.seat else {
            self.evaluation.left.extend(rest);
            self.dissolve();
            return Ok(());
        };
        if blind_id(self.suite, &taken.salt, &taken.cert).to_string() != taken.id
            || self.is_party(&taken.cert)
        {
            return Err(differs(
                "the seat does not open to its blind id, or is a party's".to_owned(),
            ));
        }
        self.require_no_part(&taken.cert)?;
        self.void_words_of(&data.cert);
        self.evaluation.left.extend(data.declined.iter().cloned());
        if let Some(session) = &mut self.evaluation.session {
            for seat in &mut session.seats {
                if seat.cert == data.cert {
                    seat.cert = taken.cert;
                }
            }
        }
        self.evaluation.replaced.push(data.cert);
        self.evaluation.left.insert(leaves);
        let seat = self.seat_mut(&data.cert)?;
        *seat = SeatState::of(taken);
        Ok(())
    }

    /// Nobody is left to fill a seat: what the members said is void as if each had been replaced,
    /// and another committee is drawn (87 art. 49). What is sealed, opened and ranked stands.
    fn dissolve(&mut self) {
        let certs: Vec<Digest> = self.seats().iter().map(|seat| seat.cert).collect();
        for cert in &certs {
            self.void_words_of(cert);
        }
        self.evaluation.replaced.extend(certs);
        self.evaluation.seats.clear();
        self.evaluation.session = None;
        self.evaluation.dissolved = true;
    }

    /// One person, one seat: whoever takes it over neither sits, nor left, nor watches a site.
    fn require_no_part(&self, cert: &Digest) -> Result<(), Refusal> {
        let sits = self.seats().iter().any(|seat| seat.cert == *cert);
        let left = self.evaluation.replaced.contains(cert);
        let sites = self.evaluation.session.iter().flat_map(|s| &s.sites);
        let watches = sites.into_iter().any(|site| site.supervisor == *cert);
        if sits || left || watches {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                "the certificate sits already, was replaced, or supervises a site",
            ));
        }
        Ok(())
    }

    /// What a member who leaves said no longer counts. Before bids and prices of a lot are frozen
    /// its new member judges them, low prices with all others anew; but bids no more once final
    /// offers were called for. Afterwards only the sheet of who
    /// left is void: the findings were the committee's, and whoever has seen sheets moves neither
    /// bids nor prices. A ranked lot stands.
    fn void_words_of(&mut self, cert: &Digest) {
        let frozen: Vec<String> = self
            .evaluation
            .lots
            .keys()
            .filter(|lot| self.is_frozen(lot))
            .cloned()
            .collect();
        let judges: Vec<Digest> = self.seats().iter().map(|seat| seat.cert).collect();
        for (lot, work) in &mut self.evaluation.lots {
            if !frozen.contains(lot) {
                work.checks.remove(&CheckKind::LowPrice);
                continue;
            }
            work.judges.get_or_insert_with(|| judges.clone());
            if work.ranked.is_none() {
                work.commits.remove(cert);
                if let Some(sheets) = self.sheets.get_mut(lot) {
                    sheets.remove(cert);
                }
            }
        }
    }

    /// Whether bids and prices of a lot are frozen: somebody has closed a sheet, a coefficient is
    /// being drawn, or the lot has a result.
    pub(crate) fn is_frozen(&self, lot: &str) -> bool {
        let frozen = |work: &LotWork| {
            !work.commits.is_empty()
                || work.judges.is_some()
                || work.failed.is_some()
                || work.draws.keys().any(|(p, _)| *p == Purpose::Coefficient)
        };
        self.ranks.contains_key(lot) || self.work(lot).is_some_and(frozen)
    }

    /// The keys of everybody whose word a check of a lot needs.
    pub(crate) fn judges_of(&self, kind: CheckKind, lot: &str) -> Vec<Digest> {
        let body = self.body_of(kind);
        let checked = self.work(lot).and_then(|work| work.checked.as_ref());
        match checked {
            Some(judges) if body == Body::Committee && kind != CheckKind::LowPrice => {
                judges.clone()
            }
            _ => self.judges(body, lot),
        }
    }

    /// The keys of everybody whose word on the prices of a lot a finding of a body needs.
    pub(crate) fn judges(&self, body: Body, lot: &str) -> Vec<Digest> {
        match self.work(lot).and_then(|work| work.judges.as_ref()) {
            Some(judges) if body == Body::Committee => judges.clone(),
            _ => self.voices(body),
        }
    }

    /// The blind ids of those in the drawn order who neither sit, nor declined, nor left.
    pub fn alternates(&self) -> impl Iterator<Item = &String> {
        let drawn = self.draw.as_ref().and_then(|draw| draw.result.as_ref());
        let gone = |declined: &[String], id: &String| {
            declined.contains(id)
                || self.evaluation.left.contains(id)
                || self.seats().iter().any(|seat| seat.id == *id)
        };
        drawn.into_iter().flat_map(move |result| {
            let order = result.order.iter();
            order.filter(move |id| !gone(&result.declined, id))
        })
    }

    /// The first of them.
    pub fn next_alternate(&self) -> Option<String> {
        self.alternates().next().cloned()
    }

    /// Whether a certificate has another part in this tender.
    fn is_party(&self, cert: &Digest) -> bool {
        let named = self
            .notice
            .as_ref()
            .is_some_and(|(_, notice)| notice.buyer.cert == *cert || notice.agency.cert == *cert);
        named
            || self.host.as_ref().is_some_and(|(host, _)| host == cert)
            || self.main.seats(cert)
            || self.second.seats(cert)
            || self
                .bids
                .values()
                .any(|bid| bid.seal.context().bidder_cert == *cert)
    }
}

/// The blind id of an expert in a pool.
pub fn blind_id(suite: &mifeng_crypto::Suite, salt: &Digest, cert: &Digest) -> Digest {
    suite.h_tag("expert", &[salt.as_bytes(), cert.as_bytes()])
}
