"""The report in Chinese: every English template and its counterpart. A test finds the missing ones."""

SENTENCES: dict[str, str] = {}
