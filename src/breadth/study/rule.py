"""The verdict rule as a frozen value: its numbers, and its text in plain English, both fixed and hashed before any run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from breadth.errors import MeasureError

__all__ = ["VerdictRule"]


@dataclass(frozen=True)
class VerdictRule:
    """The rule, fixed before any run.

    outcome: name of the primary outcome, for the text; smallest_effect: outcome units for one SD of x over the training sets, > 0;
    alpha: intervals are at 1 - alpha; direction: the hypothesis, "up" (accuracy) or "down" (loss) with rising x; alpha_rival:
    two-sided level at which x must be separated from a rival explanation; screen: level, lenient because a missed rival costs more
    than a checked innocent one, at which a rival counts as predicting the outcome; related, close: size of the correlation with x
    from which a covariate can be, and always is, a rival; retained: share of the raw slope that must survive adjustment for the
    shortcut of step 6; odds: how many times likelier x's own fit must be than a rival's; least_sets: fewer sets decide nothing;
    separable: fewer sets separate x from no covariate.
    """

    outcome: str
    smallest_effect: float = 0.01
    alpha: float = 0.05
    direction: Literal["up", "down"] = "up"
    alpha_rival: float = 0.00002
    screen: float = 0.3
    related: float = 0.2
    close: float = 0.5
    retained: float = 0.8
    odds: float = 20.0
    least_sets: int = 8
    separable: int = 20
    version: str = "1"

    def __post_init__(self) -> None:
        if self.direction not in ("up", "down"):
            raise MeasureError(f"direction is '{self.direction}'; expected 'up' (accuracy) or 'down' (loss)")
        if not self.smallest_effect > 0:
            raise MeasureError(f"smallest effect is {self.smallest_effect:g}; expected a number above 0 in units of the outcome")
        for name, value in (("alpha", self.alpha), ("alpha_rival", self.alpha_rival), ("screen", self.screen)):
            if not 0 < value < 0.5:
                raise MeasureError(f"{name} is {value:g}; expected a probability between 0 and 0.5, e.g. 0.05")

    def text(self) -> str:
        """Return the rule in numbered steps of plain English; equal rules give equal text."""
        level, least, strict = f"{100 * (1 - self.alpha):g} %", f"{self.smallest_effect:g}", f"p < {self.alpha_rival:g}"
        rises, kept, close = "rises" if self.direction == "up" else "falls", f"{100 * self.retained:g} %", f"{self.close:g}"
        return "\n".join(
            [
                f"Verdict rule {self.version}. Outcome: {self.outcome}. Hypothesis: it {rises} with the diversity coefficient x.",
                "1. The unit is the training set; seeds are averaged. Effects are per standard deviation of x over the training "
                f"sets, and count in the hypothesised direction. The smallest effect of interest is {least}.",
                "2. If a control that the study declared equal is violated: confounded.",
                f"3. If there are fewer than {self.least_sets} training sets, or x or the outcome does not vary, or x varies no "
                "more than its measurement error: inconclusive.",
                f"4. The raw slope and its {level} interval come from a mixed model in which training sets that share domains "
                "share random domain effects (REML, Kenward-Roger). The adjusted slope comes from the same model with every "
                "covariate that varies. The within-domain slope comes from least squares with one constant a domain, and with the "
                f"rivals of step 6; it is needed where domains predict the outcome (F test, p < {self.screen:g}).",
                f"5. If the upper bound of each of these slopes, divided by the root of the reliability of x, lies below {least}: "
                f"refuted. Otherwise, if the raw interval includes 0 or the raw slope is below {least}: inconclusive.",
                "6. Else a raw effect is there. A covariate is a rival if the size of its correlation with x is at least "
                f"{close}, or at least {self.related:g} and it predicts the outcome by itself (p < {self.screen:g}). With a rival, "
                f"x by itself must predict the outcome at least {self.odds:g} times as well as the rival by itself does "
                f"(likelihood ratio), and the adjusted slope must be above 0 at {strict}; p < {self.alpha:g} is enough where every "
                f"rival's correlation with x is below {close} and the adjusted slope keeps {kept} of the raw. The within-domain slope, "
                f"where needed, must be above 0 at {strict}; p < {self.alpha:g} is enough where domains explain less than {close} "
                f"of the variance of x and the slope keeps {kept} of the plain least-squares one. Fewer than {self.separable} training sets "
                "separate x neither from any covariate that varies nor from domains that predict the outcome. If x fails against a rival or "
                "against the domains: confounded.",
                "7. If the adjusted interval includes 0 or the adjusted slope is below the smallest effect: confounded where a "
                f"covariate is correlated with x ({self.related:g} or more), else inconclusive. If there is no adjusted slope "
                "because covariates reproduce x: confounded; because there are too few training sets: inconclusive.",
                "8. If the raw slope is not above 0 when the training sets that hold any one domain are left out: inconclusive.",
                "9. Otherwise: supported. Only recorded explanations are excluded by this; one that nobody recorded, or that was "
                "recorded with much error, is not.",
            ]
        )
