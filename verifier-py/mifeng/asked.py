"""Questions on the spot at the opening, and their answers (spec/events.md, Questions at the opening)."""
from . import jcs
from .errors import need
from .state import on

MOST, ASK_MAX, TEXT_MAX = 8, 4096, 20_000
KINDS = ("question", "recusal")


class Question:
    def __init__(self, record):
        self.record, self.bidder, self.reply = record, record.organisation, None


def _words(text, most):
    need(isinstance(text, str) and not jcs.blank(text) and len(text.encode()) <= most and jcs.plain(text), "record.data", "text", "V12")


def _bidders(s):
    """Whose bid was live at the close, or was refused."""
    first = (b for b in s.bids.values() if b.first is None)
    taken = {b.bidder for b in first if b.live or b.ended == "refused_unsealed"}
    return taken | {row["bidder"] for row in s.refused.values()}


@on("opening.ask")
def ask(s, r):
    s.at_stage("window", "opening", "evaluation")
    need(not s.evaluation_begun, "opening.over", "the evaluation has begun", "V12")
    need(r.organisation is not None and r.organisation in _bidders(s), "record.not-authorised", r.type, "V12")
    need(r.data["kind"] in KINDS, "record.data", "kind", "V12")
    _words(r.data["text"], ASK_MAX)
    own = sum(q.bidder == r.organisation for q in s.asked.values())
    need(own < MOST, "opening.too-many", f"{own} of one bidder", "V12")
    s.asked[r.commitment] = Question(r)


@on("opening.answer")
def answer(s, r):
    s.at_stage("window", "opening", "evaluation")
    s.by(r, s.notice["agency"]["cert"], s.notice["buyer"]["cert"])
    _words(r.data["text"], TEXT_MAX)
    question = s.asked.get(r.data["ask"])
    need(question is not None and question.reply is None, "opening.not-asked", r.data["ask"], "V12")
    question.reply = r
