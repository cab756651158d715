"""What a request costs, in USD, at prices per million tokens: its upper bound before and its bill after. Pure."""

from decimal import ROUND_UP, Decimal

GRAIN = Decimal("0.00000001")
TEMPLATE_TOKENS = 64  # what a chat template adds around the bytes we send


def worst_cost_usd(
    request_bytes: int, max_tokens: int, input_usd_per_mtok: Decimal, output_usd_per_mtok: Decimal
) -> Decimal:
    """The most one request can cost: a token is at least one byte of input, and output ends at `max_tokens`."""
    cost = (request_bytes + TEMPLATE_TOKENS) * input_usd_per_mtok + max_tokens * output_usd_per_mtok
    return (cost / 1_000_000).quantize(GRAIN, ROUND_UP)


def cost_usd(
    input_tokens: int, output_tokens: int, input_usd_per_mtok: Decimal, output_usd_per_mtok: Decimal
) -> Decimal:
    """What the seller will bill for the tokens it counted."""
    cost = input_tokens * input_usd_per_mtok + output_tokens * output_usd_per_mtok
    return (cost / 1_000_000).quantize(GRAIN, ROUND_UP)
