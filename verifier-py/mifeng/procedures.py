"""The procedures of spec/evaluation.md as rows of data."""


class Procedure:
    def __init__(self, least, exception, days, seats, seats_large, by_committee, final, read_out, methods, award_list=False,
                 group=False, corrections=15):
        self.least, self.exception, self.days = least, exception, days
        self.corrections = corrections  # days from an amendment that may affect how bids are made to the deadline
        self.seats, self.seats_large = seats, seats_large  # members; of a large purchase
        self.group = group  # large from the threshold of open tenders on, not from 10 million yuan
        self.by_committee, self.final, self.read_out = by_committee, final, read_out
        self.methods, self.award_list = methods, award_list


PROCEDURES = {
    "open": Procedure(3, 3, 20, 5, 7, False, False, True, ("lowest", "composite")),
    "invited": Procedure(3, 3, 20, 5, 7, False, False, True, ("lowest", "composite")),
    "negotiation": Procedure(3, 2, 3, 3, 5, True, True, False, ("negotiation",), group=True, corrections=3),
    "consultation": Procedure(3, 2, 10, 3, 3, True, True, False, ("consultation",), corrections=5),
    "inquiry": Procedure(3, 3, 3, 3, 5, True, False, False, ("inquiry",), group=True, corrections=3),
    "single-source": Procedure(1, 1, 5, 0, 0, False, True, False, ("single-source",), corrections=None),
    "framework": Procedure(2, 2, 20, 5, 7, False, False, True, ("framework",), True),
    "works": Procedure(3, 3, 20, 5, 5, True, False, True, ("works-deviation",)),
}

_GROUPS = {"open": "open", "invited": "open"}
ARTICLES = {
    "open": {"too-few-bids": "87 art. 41, 43", "too-few-qualified": "87 art. 44",
             "too-few-conforming": "87 art. 43, 50; PL art. 36", "price-unconfirmed": "87 art. 59"},
    "negotiation": {"too-few-bids": "PL art. 38; 74 art. 37", "too-few-qualified": "74 art. 8, 37",
                    "too-few-conforming": "74 art. 37", "too-few-offers": "74 art. 33, 37", "price-unconfirmed": "74 art. 16"},
    "consultation": {"too-few-bids": "214 art. 34", "too-few-qualified": "214 art. 16, 34",
                     "too-few-conforming": "214 art. 34", "too-few-offers": "214 art. 21, 34",
                     "price-unconfirmed": "214 art. 18"},
    "inquiry": {"too-few-bids": "PL art. 40; 74 art. 50", "too-few-qualified": "74 art. 8, 50",
                "too-few-conforming": "74 art. 50", "price-unconfirmed": "74 art. 16"},
    "single-source": {"more-than-one-supplier": "PL art. 31; 74 art. 43", "too-few-bids": "74 art. 43", "too-few-qualified": "74 art. 43", "too-few-conforming": "74 art. 43",
                      "too-few-offers": "74 art. 41, 43", "price-unconfirmed": "74 art. 41"},
    "framework": {"too-few-bids": "110 art. 25, 27", "too-few-qualified": "110 art. 25; 87 art. 44",
                  "too-few-conforming": "110 art. 25, 27", "price-unconfirmed": "110 art. 25; 87 art. 59"},
    "works": {"too-few-bids": "TL art. 28; TReg art. 44", "too-few-qualified": "TReg art. 51",
              "too-few-conforming": "TL art. 42", "price-unconfirmed": "TReg art. 52"},
}
_SAME = {"too-few-opened": "too-few-bids", "too-few-left": "too-few-conforming", "too-few-effective": "too-few-conforming",
         "no-final-offer": "too-few-offers"}


def article(procedure, what):
    return ARTICLES[_GROUPS.get(procedure, procedure)].get(_SAME.get(what, what), "")
