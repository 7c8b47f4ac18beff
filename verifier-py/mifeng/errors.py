"""One exception for everything that a dossier can get wrong, with the code of the specification."""


class Bad(Exception):
    """A finding: `code` as in spec/verify.md and spec/refusals.md, `check` V1…V14 where it is already known."""

    def __init__(self, code, text="", check=None):
        super().__init__(f"{code}: {text}" if text else code)
        self.code, self.text, self.check = code, text, check


def need(condition, code, text="", check=None):
    if not condition:
        raise Bad(code, text, check)
