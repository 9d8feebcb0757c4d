"""What comes of holding a rule against something."""

from __future__ import annotations

from enum import IntEnum


class Answer(IntEnum):
    """Ordered: of several that must all be so, the least counts; of several of which one is enough, the greatest."""

    NO = 0
    UNKNOWN = 1
    """The input does not tell."""
    YES = 2

    @classmethod
    def of(cls, is_so: bool) -> Answer:  # noqa: FBT001 - what it is made of
        """YES or NO."""
        return cls.YES if is_so else cls.NO
