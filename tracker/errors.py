"""The one exception tree. Each message is one line that names the thing and the way out."""


class TrackerError(Exception):
    """Base of everything the tracker raises on purpose; the command line prints it and exits with `exit_code`."""

    exit_code = 1


class UsageError(TrackerError):
    """The caller asked for something that does not exist or does not fit."""

    exit_code = 2


class DataFileError(TrackerError):
    """A shipped data file is incomplete or wrong: says which value of which file."""


class FetchError(TrackerError):
    """A source could not be read: unreachable, refused, too large, too slow, disallowed by robots.txt."""


class ParseError(TrackerError):
    """A capture does not have the shape its parser was built against."""


class CheckError(TrackerError):
    """A parsed pass contradicts its declaration (unit, anchor, row count): nothing of it may be stored."""


class StoreError(TrackerError):
    """The warehouse cannot be opened, written or published."""


class BusyError(StoreError):
    """Another process holds the write lock; what was fetched waits in the spool."""


class CostError(TrackerError):
    """The cost engine was asked for something impossible: names the value and the file or argument."""


class ProbeError(TrackerError):
    """A probe or audit cannot be planned, sent or trusted."""
