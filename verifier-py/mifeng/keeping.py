"""What the law wants kept of a procurement, and for how long (spec/keeping.md). The table of the law is data."""
import datetime
import json
import os
from functools import lru_cache

from . import moment

FILE = os.path.join(os.path.dirname(__file__), "..", "..", "crates", "workflow", "mifeng-tender", "data", "keeping.json")


@lru_cache(maxsize=1)
def table():
    with open(FILE, encoding="utf-8") as f:
        return json.load(f)


def years_after(day, years):
    day = datetime.date.fromisoformat(day)
    year = day.year + years
    if year > 9999:
        return None
    try:
        return day.replace(year=year).isoformat()
    except ValueError:  # 29 February
        return day.replace(year=year, day=28).isoformat()


def of(s, records, withheld):
    """s: the state after the replay; records: all of them; withheld: sealed bids are left out."""
    publish = next((r for r in records if r.type == "tender.publish"), None)
    if s.notice is None or publish is None or not os.path.exists(FILE):
        return None
    law, issued, ended = table(), moment.beijing_day(publish.at), moment.beijing_day(records[-1].at)
    procedure = s.notice["procedure"]
    regime = "tendering" if procedure == "works" else "procurement"
    terms = [p for p in law["periods"] if p["regime"] == regime and p["from"] <= issued]
    until = years_after(ended, terms[-1]["years"]) if terms else None
    keep = None if until is None else {"years": terms[-1]["years"], "article": terms[-1]["article"], "sure": terms[-1]["sure"],
                                       "until": until}
    kinds = {}
    for r in records:
        lot = r.data.get("lot")
        kinds.setdefault(r.type, set()).update([lot] if isinstance(lot, str) else [])
    items = [_paper(s, kinds, item, withheld) for item in law["items"]
             if procedure in item["procedures"] and item["from"] <= issued]
    return {"law": law["id"], "ended": ended, "keep": keep, "items": items}


def _paper(s, kinds, item, withheld):
    def lots(*types):
        return [lot for lot in s.lots if any(lot in kinds.get(t, ()) for t in types)]

    places = {"always": [None], "if-any": [None], "opened": [None] if "bid.open" in kinds else [], "lots": list(s.lots),
              "ranked": lots("rank"), "awarded": lots("award", "framework.list"),
              "low-price": [lot for lot, v in s.lots.items() if any(q["matter"] == "low-price" for q in v.questions.values())]
              }[item["due"]]
    due, found = len(places), sum(_holds(s, kinds, item, lot) for lot in places)
    if item["due"] == "if-any":
        state = "if-any"
    elif due == 0:
        state = "not-due"
    elif found == due:
        state = "withheld" if withheld and "bids" in item["found"] else "present"
    else:
        state = "absent"
    return {"id": item["id"], "zh": item["text"]["zh"], "en": item["text"]["en"], "article": item["article"],
            "sure": item["sure"], "state": state, "due": due, "found": found}


def _holds(s, kinds, item, lot):
    for what in item["found"]:
        if what == "bids":
            there = "bid.open" in kinds
        elif what == "notice.documents":
            there = bool(s.notice["documents"])
        elif what == "notice.rules":
            there = True
        elif what == "contract.complete":
            contract = s.lots[lot].contract if lot is not None else None
            there = contract is not None and contract.buyer is not None
        elif what == "notice.budget":
            there = lot is not None and s.lots[lot].rules.get("budget") is not None
        else:
            there = what in kinds and (lot is None or lot in kinds[what])
        if there:
            return True
    return False


def words(kept):
    """The list in one sentence."""
    here = sum(i["state"] in ("present", "withheld") for i in kept["items"])
    text = f"papers that the law wants kept: {here} are here"
    for state, what in (("absent", "not in the dossier, to be kept beside it"), ("if-any", "to be kept as well if there are any")):
        named = [f"{i['en']} ({i['article']})" for i in kept["items"] if i["state"] == state]
        if named:
            text += f"; {what}: {', '.join(named)}"
    k = kept["keep"]
    if k is None:
        return text + ". No period is known for that day"
    return text + (f". The log ended on {kept['ended']}: keep everything until {k['until']} at least ({k['years']} years, "
                   f"{k['article']}{', not confirmed' if k['sure'] == '?' else ''}), longer if the procurement ended later")
