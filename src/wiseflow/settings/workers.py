"""The settings of workers on many machines."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from wiseflow.settings.setting import About


class Workers(BaseModel):
    """Settings of workers; a part of ``Settings``."""

    max_research_everywhere: Annotated[
        int,
        Field(ge=0, le=1_000_000),
        About(
            place="task_management.max_research_everywhere",
            help="How many researches run at once over all processes and machines that share the "
            "database; 0 for as many as they have places together.",
        ),
    ] = 0
    hand_over_s: Annotated[
        float,
        Field(ge=0, le=3600, allow_inf_nan=False),
        About(
            place="task_management.hand_over_s",
            help="How many seconds a service that is told to end lets its researches finish the "
            "steps that are under way; what is left then is given back at once.",
        ),
    ] = 20
