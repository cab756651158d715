"""Pure helpers for price pages: HTML and Markdown tables read by header text, money, units and token bands.

Nothing here knows a seller. A column is what its header says (`words`), a price is a number with the currency mark and
unit the source declared (`Money`), and whatever does not fit is a Notice or a ParseError, never a guess.
"""

from scrapers.tables.bands import band_condition, length_bands, split_band, token_band
from scrapers.tables.doc_tables import doc_tables
from scrapers.tables.grids import (
    Cell,
    Grid,
    Table,
    headed,
    html_grids,
    html_tables,
    markdown_tables,
    models_across,
    plain,
    soup_of,
    table_of,
    visible,
)
from scrapers.tables.prices import (
    ABSENT,
    Money,
    Price,
    Reading,
    all_readings,
    loud,
    meanings,
    price_of,
    priced,
    prices_in,
    readings,
    settled,
)
from scrapers.tables.text import OTHER_MONEY, clean, refuse, require, text_of

__all__ = [
    "ABSENT",
    "OTHER_MONEY",
    "Cell",
    "Grid",
    "Money",
    "Price",
    "Reading",
    "Table",
    "all_readings",
    "band_condition",
    "clean",
    "doc_tables",
    "headed",
    "html_grids",
    "html_tables",
    "length_bands",
    "loud",
    "markdown_tables",
    "meanings",
    "models_across",
    "plain",
    "price_of",
    "priced",
    "prices_in",
    "readings",
    "refuse",
    "require",
    "settled",
    "soup_of",
    "split_band",
    "table_of",
    "text_of",
    "token_band",
    "visible",
]
