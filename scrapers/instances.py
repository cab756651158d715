"""From the price of an instance to the price of one of its accelerators."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from scrapers.accelerators import Accelerator
from tracker.errors import ParseError
from tracker.records import Notice, Rental
from tracker.units import amount_of, decimal_of

# No accelerator has ever been let for more per hour; a whole instance mistaken for one card would be.
CEILING_PER_HOUR = Decimal(60)


@dataclass(frozen=True, slots=True)
class Instance:
    """What is let: `count` accelerators of one kind under one name, place and commitment."""

    lessor: str
    listed_name: str
    part: Accelerator
    count: int
    commitment: str = "on_demand"
    region: str = ""
    currency: str = "USD"
    effective_from: datetime | None = None


def rental(instance: Instance, price: object, locator: str, factor: Decimal = Decimal(1)) -> Iterator[Rental | Notice]:
    """One accelerator's hour; no row for a missing or zero price, a Notice for an impossible one."""
    if price is None or str(price).strip() == "":
        return
    try:
        whole = decimal_of(price) * factor
        if not whole:
            return  # 0 is how lessors write "not offered"
        each = amount_of(whole / instance.count, Decimal(1), digits=9)
        if not 0 < each <= CEILING_PER_HOUR:
            raise ParseError(f"{each} per accelerator and hour")
    except ParseError as error:
        yield Notice("bad_row", f"{instance.lessor} {instance.listed_name}: {error}", locator)
        return
    yield Rental(
        lessor=instance.lessor,
        accelerator=instance.part.name,
        listed_name=instance.listed_name,
        commitment=instance.commitment,
        amount=each,
        currency=instance.currency,
        region=instance.region,
        form=instance.part.form,
        gpu_count=instance.count,
        memory_gb=instance.part.memory_gb,
        effective_from=instance.effective_from,
        locator=locator,
    )


def whole_count(text: str) -> int:
    """`8`, `8.0` -> 8; 0 for a fraction of a card or anything that is not a count."""
    try:
        number = decimal_of(text)
    except ParseError:
        return 0
    return int(number) if number == int(number) and 0 < number <= 1024 else 0
