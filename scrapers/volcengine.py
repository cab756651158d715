"""The Markdown behind Volcengine's and BytePlus' documents: in a JSON answer, or in the router data of a page."""

import json
import re
from typing import Any

from tracker.errors import ParseError

_ROUTER_DATA = re.compile(r"window\._ROUTER_DATA\s*=\s*(?=\{)")


def document_markdown(text: str) -> str:
    """`Result.MDContent` of the document API."""
    try:
        content = json.loads(text)["Result"]["MDContent"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ParseError("not a Volcengine document: no Result.MDContent") from error
    if not isinstance(content, str):
        raise ParseError("Volcengine's MDContent is not text")
    return content


def page_markdown(text: str) -> str:
    """`curDoc.MDContent` of the page's router data, "" where the page carries none."""
    found = _ROUTER_DATA.search(text)
    if not found:
        return ""
    try:
        data, _ = json.JSONDecoder().raw_decode(text, found.end())
    except (ValueError, RecursionError) as error:
        raise ParseError("the page's router data is not JSON") from error
    pages = data.get("loaderData") if isinstance(data, dict) else None
    documents = [_document(page) for page in pages.values()] if isinstance(pages, dict) else []
    return next((document for document in documents if document), "")


def _document(page: Any) -> str:
    current = page.get("curDoc") if isinstance(page, dict) else None
    content = current.get("MDContent") if isinstance(current, dict) else None
    return content if isinstance(content, str) else ""
