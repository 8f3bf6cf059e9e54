"""What every table of a study file is built on: frozen values in which an unknown key is an error."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

__all__ = ["Positive", "Strict"]

Positive = Annotated[int, Field(gt=0)]


class Strict(BaseModel):
    """Frozen, and an unknown key is an error.

    later: names of fields that came after studies had been run; where None they are left out of everything written and hashed, so that
    older studies keep their runs and what was fixed for them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    later: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_unused_later_fields(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        return {k: v for k, v in written.items() if not (k in self.later and v is None)}
