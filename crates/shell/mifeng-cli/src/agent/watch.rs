//! What an agent does at each look: fetch, check, cosign, show what is asked, and answer when told to.

use super::anchors::Owed;
use super::idle::Idle;
use super::page::{Asked, Line, Screen};
use super::{LOOK, hand_in};
use crate::bundle::Bundle;
use crate::client::{Client, Glance};
use crate::clock;
use crate::download::Renewed;
use crate::evaluation::offers;
use crate::identity::Identity;
use crate::person;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::Digest;
use mifeng::lock::SecretShare;
use mifeng::tender::{Stage, State};
use mifeng::{Replay, trustee};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// While bids are received the log is checked so often: it grows by a beat, and says nothing else.
const CHECK: Duration = Duration::from_secs(60);

/// Something that a trustee owes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Task {
    /// Its shares for the opening, or of the tender's own key.
    Opening,
    /// Its shares for the final offers of a lot.
    Offers(String),
    /// Its answer for a draw.
    Draw(Digest),
}

impl Task {
    /// Part of the names of its files.
    fn name(&self) -> String {
        match self {
            Task::Opening => "release".to_owned(),
            Task::Offers(lot) => format!("release-{}", hex::encode(lot)),
            Task::Draw(id) => format!("draw-{id}"),
        }
    }

    fn words(&self, due: usize) -> (String, String) {
        match self {
            Task::Opening => (
                format!("释放开标所需的解密份额（{due} 份投标）"),
                format!("release the shares for the opening ({due} bids)"),
            ),
            Task::Offers(lot) => (
                format!("释放标段 {lot} 最后报价的解密份额（{due} 份）"),
                format!("release the shares for the final offers of lot {lot} ({due})"),
            ),
            Task::Draw(_) => ("为抽取给出份额".to_owned(), "answer for a draw".to_owned()),
        }
    }
}

/// What came of a look at the bundle.
enum Fetched {
    /// The host is away, or has no time.
    Away,
    /// The one that came last, by its mark.
    Same,
    /// Checked.
    Came(Box<Bundle>),
}

/// An agent at work.
pub(super) struct Watch<'a> {
    pub(super) ui: &'a Ui,
    pub(super) client: Client,
    pub(super) identity: Identity,
    /// Where bundle, records and receipts are kept.
    pub(super) folder: PathBuf,
    pub(super) screen: Arc<Screen>,
    /// What is to be done about the anchor log.
    pub(super) owed: Owed,
    /// Entries of the log when it was last fetched, and when that was.
    fetched: Option<(u64, Instant)>,
    /// The mark that the host gave the last bundle, and the entries in it.
    mark: Option<(String, u64)>,
    idle: Idle,
    /// The stage changed since a bundle was looked at.
    moved: bool,
    /// A cosignature did not reach the host.
    undelivered: bool,
    stage: String,
    /// What was said last, so that it is said once.
    said: String,
    /// What was asked last, and which conditions held.
    shown: Option<(Digest, Vec<bool>)>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        ui: &'a Ui,
        client: Client,
        identity: Identity,
        folder: PathBuf,
        screen: Arc<Screen>,
    ) -> Self {
        Watch {
            ui,
            client,
            identity,
            folder,
            screen,
            owed: Owed::default(),
            fetched: None,
            mark: None,
            idle: Idle::default(),
            moved: false,
            undelivered: false,
            stage: String::new(),
            said: String::new(),
            shown: None,
        }
    }

    /// The next look fetches the bundle again.
    pub(super) fn forget_fetched(&mut self) {
        self.fetched = None;
    }

    /// Says something unless it was what was said last.
    pub(super) fn once(&mut self, zh: &str, en: &str) {
        if self.said != en {
            self.ui.say(zh, en);
            en.clone_into(&mut self.said);
        }
    }

    /// A host that is away, or says "not now", is asked again; anything else ends the agent.
    pub(super) fn patient<T>(&mut self, outcome: Result<T, Failure>) -> Result<Option<T>, Failure> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(e) if e.exit == 4 => {
                self.once(
                    &format!("平台暂不可用，稍后再试：{}", e.sentence(ui::Lang::Zh)),
                    &format!(
                        "the host is not available, trying again: {}",
                        e.sentence(ui::Lang::En)
                    ),
                );
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    /// The bundle of now, checked, and held against what this person was shown before. The host shows so many entries.
    fn fetch(&mut self, shown: u64) -> Result<Fetched, Failure> {
        let path = self.folder.join("bundle.tar");
        let known = self.mark.as_ref().map(|(mark, _)| mark.clone());
        let from = Instant::now();
        let came = self.client.newer_bundle(&path, known.as_deref());
        let Some(came) = self.patient(came)? else {
            return Ok(Fetched::Away);
        };
        let Renewed::Came(mark) = came else {
            self.idle.came(Duration::ZERO);
            let size = self.mark.as_ref().map_or(0, |(_, size)| *size);
            if size < shown {
                self.once(
                    &format!("平台称日志有 {shown} 条，却仍给出 {size} 条的记录包"),
                    &format!("the host shows {shown} entries, and its bundle stays at {size}"),
                );
            }
            self.fetched = Some((size, Instant::now()));
            return Ok(Fetched::Same);
        };
        let bundle = Bundle::open(&path)?;
        person::keep_head(&self.identity, &bundle.replay)?;
        let size = bundle.replay.tree.size();
        self.idle.came(from.elapsed());
        self.mark = mark.map(|mark| (mark, size));
        self.fetched = Some((size, Instant::now()));
        Ok(Fetched::Came(Box::new(bundle)))
    }

    fn glance(&mut self) -> Result<Option<Glance>, Failure> {
        let glance = self.client.glance().map_err(|no| self.vanished(no));
        let Some(glance) = self.patient(glance)? else {
            return Ok(None);
        };
        if glance.stage != self.stage {
            let (tender, stage, size) = (&glance.tender, &glance.stage, glance.size);
            let (zh, en) = stage_words(stage);
            let zh = format!("{tender}：{zh}，日志 {size} 条");
            let en = format!("{tender}: {en}, {size} entries in the log");
            self.once(&zh, &en);
        }
        self.screen.status(&glance);
        Ok(Some(glance))
    }

    /// Whether what was asked last waits for somebody else: a time stamp or another's cosignature makes no entry, so that the
    /// log's size does not tell of it.
    fn is_waiting(&self) -> bool {
        let shown = self.shown.as_ref();
        let waits = shown.is_some_and(|(_, met)| met.contains(&false));
        waits && self.idle.is_over(Instant::now())
    }

    /// Whether the bundle is to be fetched at this look.
    fn is_due(&self, glance: &Glance, every: Duration) -> bool {
        let changed = glance.stage != self.stage;
        let grown = self.fetched.is_none_or(|(size, at)| {
            let busy = !matches!(&*glance.stage, "setup" | "open");
            size != glance.size && (busy || at.elapsed() >= every)
        });
        changed || self.moved || grown || self.is_waiting()
    }

    /// Watches until the archive, or with `once` until the opening's shares are handed in, and the anchor log holds that.
    pub(super) fn trustee(&mut self, yes: bool, once: bool) -> Outcome {
        self.screen.listen_to_the_terminal();
        let (mut bundle, mut released) = (None, false);
        loop {
            if let Some(glance) = self.glance()? {
                let due = self.is_due(&glance, CHECK);
                if due {
                    self.moved |= glance.stage != self.stage && glance.stage != "open";
                    self.stage.clone_from(&glance.stage);
                    // What came last may be of the new stage already.
                    let look = match self.fetch(glance.size)? {
                        Fetched::Away => false,
                        Fetched::Same => self.moved,
                        Fetched::Came(came) => {
                            bundle = Some(came);
                            true
                        }
                    };
                    if let Some(bundle) = bundle.as_ref().filter(|_| look) {
                        let own = person::own_member(&bundle.replay.state, &self.identity).is_ok();
                        self.owed.came(self.moved && own);
                        self.moved = false;
                    }
                }
                // Nothing new and nothing asked: nothing to look at.
                let worth = (due || self.shown.is_some()) && glance.stage != "setup";
                if let Some(bundle) = bundle.as_ref().filter(|_| worth) {
                    let before = self.shown.clone();
                    released = self.look(bundle, yes)?;
                    if due {
                        self.idle.looked(before == self.shown, Instant::now());
                    }
                }
                let newest = self.fetched.is_some_and(|(size, _)| size >= glance.size);
                let is_last = newest && (glance.stage == "archived" || (once && released));
                if let Some(bundle) = &bundle {
                    self.anchors(bundle, is_last)?;
                }
                if is_last && self.owed.is_nothing() {
                    return Ok(());
                }
            }
            self.screen.wait(LOOK);
        }
    }

    /// One look at a bundle; whether the own shares of the opening are in its log.
    fn look(&mut self, bundle: &Bundle, yes: bool) -> Result<bool, Failure> {
        let state = &bundle.replay.state;
        self.cosign_closes(bundle)?;
        if state.stage() < Stage::Window {
            self.screen.show_nothing(None);
            return Ok(false);
        }
        let keeps_key = person::keeps_one_time_key(self.ui, &self.identity, &bundle.replay);
        let secret = match keeps_key {
            true => None,
            false => Some(person::secret(self.ui, &self.identity, &bundle.replay)?),
        };
        let Some(task) = self.next(bundle, secret.as_ref()) else {
            let why = nothing_to_open(state);
            if let Some((zh, en)) = &why {
                self.once(zh, en);
            }
            let none_comes = why.is_some() && state.stage() == Stage::Opening;
            self.screen.show_nothing(why);
            self.shown = None;
            let over = state.stage() > Stage::Opening || none_comes;
            return Ok(over || self.has_released(&bundle.replay));
        };
        let (lines, ready) = conditions(bundle, &task)?;
        let asked = asked(bundle, &task);
        let state = (asked.id, lines.iter().map(|line| line.met).collect());
        if self.shown.as_ref() != Some(&state) {
            self.say_what_is_asked(&asked, &lines, ready && !yes);
            self.shown = Some(state);
        }
        let asked_for = asked.id;
        self.screen.show(
            lines,
            Some(Asked {
                ready: ready && !yes,
                ..asked
            }),
        );
        if !ready {
            return Ok(false);
        }
        if yes || self.screen.is_told(&asked_for) {
            self.answer(bundle, &task)?;
        }
        Ok(false)
    }

    fn say_what_is_asked(&self, asked: &Asked, lines: &[Line], waits: bool) {
        self.ui.say(&asked.zh, &asked.en);
        for line in lines {
            let mark = self.ui.mark(line.met);
            self.ui.say(
                format!("  {mark} {}", line.zh),
                format!("  {mark} {}", line.en),
            );
        }
        if waits {
            self.ui.say(
                "输入 yes 并回车，或在本机页面上确认",
                "type yes and Enter, or confirm on the own page",
            );
        }
    }

    /// The own witness cosigns every close that no head with its cosignature covers yet.
    fn cosign_closes(&mut self, bundle: &Bundle) -> Outcome {
        let replay = &bundle.replay;
        let Ok((index, member)) = person::own_member(&replay.state, &self.identity) else {
            // Keepers of a fallback board or of a tender's own key have no witness in the log.
            return Ok(());
        };
        let closes = replay.records.iter();
        let closes = closes.filter(|r| matches!(&*r.kind, "submission.close" | "round.close"));
        let Some(last) = closes.map(|r| r.index).max() else {
            return Ok(());
        };
        let name = person::witness_name(&member.session, index);
        let done = replay.heads.iter().any(|head| {
            let own = head.cosigned.iter().any(|(witness, _)| *witness == name);
            head.size > last && own
        });
        if done || replay.state.stage() == Stage::Archived {
            return Ok(());
        }
        self.cosign(bundle)
    }

    fn cosign(&mut self, bundle: &Bundle) -> Outcome {
        let note = self.folder.join("cosigned.note");
        person::cosign(self.ui, &self.identity, bundle, &note)?;
        let sent = self.client.cosign(&ui::read(&note)?);
        // The log may have grown meanwhile: then the next look cosigns again.
        let sent = self.patient(sent);
        self.undelivered = matches!(sent, Ok(None));
        match sent {
            Ok(Some(())) => {
                let size = bundle.replay.tree.size();
                let (zh, en) = (
                    format!("已共签日志头（{size} 条）"),
                    format!("head cosigned ({size} entries)"),
                );
                self.screen.done(&zh, &en);
                self.once(&zh, &en);
                self.fetched = None;
            }
            Ok(None) => {}
            Err(no) if no.exit == 1 => {
                self.once(
                    &format!("共签未被接收：{}", no.sentence(ui::Lang::Zh)),
                    &format!(
                        "the cosigned head was not taken: {}",
                        no.sentence(ui::Lang::En)
                    ),
                );
                self.fetched = None;
            }
            Err(no) => return Err(no),
        }
        Ok(())
    }

    /// What is owed now, if anything.
    fn next(&self, bundle: &Bundle, secret: Option<&SecretShare>) -> Option<Task> {
        let replay = &bundle.replay;
        let state = &replay.state;
        let Some(secret) = secret else {
            let owed = state.stage() == Stage::Opening && state.is_any_undecided();
            return (owed && !self.has_released(replay)).then_some(Task::Opening);
        };
        let owes = |due: &[Digest]| owes(state, secret, due);
        // Before the opening itself the conditions are shown already, so that its person knows what is missing.
        if state.stage() <= Stage::Opening && owes(&state.to_open()) {
            return Some(Task::Opening);
        }
        let lots = state.notice().map(|(_, notice)| &notice.lots);
        for lot in lots.into_iter().flatten() {
            let closed = state.round(&lot.id).is_some_and(|round| round.closed);
            if closed && owes(&state.offers_to_open(&lot.id)) {
                return Some(Task::Offers(lot.id.clone()));
            }
        }
        let board = state
            .board()
            .is_some_and(|board| board.key() == secret.board_key());
        let first = state.waiting_draws().first().map(|draw| draw.id())?;
        let committee = state.draw().into_iter().map(|d| (d.draw.id(), &d.shares));
        let own = state
            .notice()
            .into_iter()
            .flat_map(|(_, notice)| &notice.lots);
        let own = own
            .flat_map(|lot| state.lot_draws(&lot.id))
            .map(|d| (d.draw.id(), &d.shares));
        let mut known = committee.chain(own);
        let answered =
            known.any(|(id, shares)| id == first && shares.contains_key(&secret.index()));
        (board && !answered).then_some(Task::Draw(first))
    }

    /// Whether the log has shares, or a revealed key, of this person.
    fn has_released(&self, replay: &Replay) -> bool {
        let own = self.identity.signer.certificate();
        let own = own.fingerprint(replay.suite().hash());
        let mut records = replay.records.iter();
        records.any(|r| r.actor == own && matches!(&*r.kind, "board.share" | "key.reveal"))
    }

    /// Makes the answer from the bundle that was checked, and hands it in.
    fn answer(&mut self, bundle: &Bundle, task: &Task) -> Outcome {
        let record = self.folder.join(format!("{}.rec", task.name()));
        match task {
            Task::Opening => person::release(self.ui, &self.identity, bundle, &record)?,
            Task::Offers(lot) => offers::release(self.ui, &self.identity, bundle, lot, &record)?,
            Task::Draw(_) => person::draw_share(self.ui, &self.identity, bundle, &record)?,
        }
        let sent = hand_in(self.ui, &self.client, &record);
        // Whatever came of it, the next look is at a bundle of then.
        self.fetched = None;
        match self.patient(sent) {
            Ok(Some(receipt)) => {
                let receipt = shown(&receipt);
                let (zh, en) = (
                    format!("已送达，回执 {receipt}"),
                    format!("handed in, receipt {receipt}"),
                );
                self.screen.done(&zh, &en);
                self.once(&zh, &en);
                Ok(())
            }
            Ok(None) => Ok(()),
            // Another trustee may have been faster: the next look shows what is still owed.
            Err(no) if no.exit == 1 => {
                self.once(
                    &format!("未被接收：{}", no.sentence(ui::Lang::Zh)),
                    &format!("not taken: {}", no.sentence(ui::Lang::En)),
                );
                Ok(())
            }
            Err(no) => Err(no),
        }
    }

    /// Cosigns at every change of stage, and every so often while the log grows, until the archive.
    pub(super) fn witness(&mut self, every: Duration) -> Outcome {
        let mut bundle = None;
        loop {
            if let Some(glance) = self.glance()? {
                let changed = glance.stage != self.stage;
                let grown = self
                    .fetched
                    .is_none_or(|(size, at)| size != glance.size && at.elapsed() >= every);
                let archived = glance.stage == "archived";
                let due = changed || grown || self.undelivered;
                if due && glance.stage != "setup" {
                    match self.fetch(glance.size)? {
                        Fetched::Away => {
                            clock::wait_until(clock::now().plus_millis(LOOK.as_millis() as i64));
                            continue;
                        }
                        // What came last may be of the new stage already.
                        Fetched::Same => {}
                        Fetched::Came(came) => bundle = Some(came),
                    }
                    if let Some(bundle) = bundle.as_ref().filter(|_| !archived) {
                        self.cosign(bundle)?;
                        self.fetched = Some((bundle.replay.tree.size(), Instant::now()));
                    }
                    self.undelivered &= !archived;
                    self.owed.came(true);
                }
                self.stage = glance.stage;
                if let Some(bundle) = &bundle {
                    self.anchors(bundle, archived)?;
                }
                if archived && self.owed.is_nothing() {
                    return Ok(());
                }
            }
            clock::wait_until(clock::now().plus_millis(LOOK.as_millis() as i64));
        }
    }
}

/// Why a tender that is closed has nothing to release: too few bids came, and what is not opened waits for no share.
fn nothing_to_open(state: &State) -> Option<(String, String)> {
    let (_, notice) = state.notice()?;
    if !matches!(state.stage(), Stage::Window | Stage::Opening) || !state.to_open().is_empty() {
        return None;
    }
    let least = notice.bidders_min;
    Some((
        format!("没有标段达到 {least} 家投标，均不开标：没有份额要您释放。"),
        format!("No lot has {least} bids, so none is opened: there is nothing for you to release."),
    ))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn stage_words(stage: &str) -> (&'static str, &'static str) {
    match stage {
        "setup" => ("尚未公告", "before the notice"),
        "open" => ("接收投标", "open for bids"),
        "window" => ("已截标，投标人解密", "closed, bidders release"),
        "opening" => ("开标中", "opening"),
        "evaluation" => ("评审中", "evaluation"),
        "archived" => ("已归档", "archived"),
        _ => ("?", "?"),
    }
}

/// Whether a trustee owes shares: none of its own were given for what has no outcome yet.
fn owes(state: &State, secret: &SecretShare, due: &[Digest]) -> bool {
    let mut owed = due
        .iter()
        .filter(|seal| !state.outcomes().contains_key(seal))
        .flat_map(|seal| {
            let leaves = state.leaves_due(seal, &secret.board_key());
            leaves.into_iter().map(|leaf| (*seal, leaf.path.clone()))
        })
        .peekable();
    let given = |place: &(Digest, String)| {
        let shares = state.shares().get(place);
        shares.is_some_and(|shares| shares.contains_key(&secret.index()))
    };
    owed.peek().is_some() && !owed.any(|place| given(&place))
}

/// The conditions of a task, and whether all hold. A draw has one: that its pool is frozen.
fn conditions(bundle: &Bundle, task: &Task) -> Result<(Vec<Line>, bool), Failure> {
    let now = clock::now();
    let (all, lot) = match task {
        Task::Opening => (
            trustee::release_conditions(&bundle.replay, &bundle.files, now)?,
            None,
        ),
        Task::Offers(lot) => (
            trustee::round_conditions(&bundle.replay, &bundle.files, lot, now)?,
            Some(&**lot),
        ),
        Task::Draw(_) => return Ok((Vec::new(), true)),
    };
    let ready = trustee::require_met(&bundle.replay, lot, &all, now).is_ok();
    let line = |c: trustee::Condition| Line {
        met: c.met,
        zh: format!("{}. {}", c.number, c.zh),
        en: format!("{}. {}", c.number, c.en),
    };
    Ok((all.into_iter().map(line).collect(), ready))
}

/// What is asked, with a name that changes when what it is about changes: a word for one is none for another.
fn asked(bundle: &Bundle, task: &Task) -> Asked {
    let state = &bundle.replay.state;
    let due = match task {
        Task::Opening => state.to_open(),
        Task::Offers(lot) => state.offers_to_open(lot),
        Task::Draw(_) => Vec::new(),
    };
    let due: Vec<Digest> = due
        .into_iter()
        .filter(|seal| !state.outcomes().contains_key(seal))
        .collect();
    let seals: String = due.iter().map(Digest::to_string).collect();
    let about = format!("{}\n{}\n{seals}", state.origin(), task.name());
    let (zh, en) = task.words(due.len());
    let bid = |seal: &Digest| {
        let bid = &state.bids()[seal];
        let lot = &bid.seal.context().lot;
        format!("{lot}  {}  {}…", bid.name, &seal.to_string()[..16])
    };
    Asked {
        id: bundle.replay.suite().hash().digest(about.as_bytes()),
        zh,
        en,
        bids: due.iter().map(bid).collect(),
        ready: false,
    }
}
