"""The guide of the story: the current step, with its prediction before what there is to see."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.sim.scenario import Scenario
from tui.draw.lines import Line, Style, wrap_words
from tui.draw.markup import drawn
from tui.views.view import Page, View


class GuideView(View):
    """View 5."""

    name = "guide"
    label = "Guide"
    does = "the guide"

    def page(self, width: int, height: int) -> Page:
        story, at = self.look.story, self.look.step_at
        if story is None:
            return Page(Line("Guide"), [Line("A guide belongs to a story that is played.")])
        title = Line("Guide · ").add(story.title, Style.STRONG)
        if at is None or not story.steps:
            return Page(title, list(_whole(story, width)), about=None)
        title.add(f" · step {at + 1} of {len(story.steps)}")
        return Page(title, list(self._step(story, at, width)), about=(at, self.look.is_revealed))

    def _step(self, story: Scenario, at: int, width: int) -> Iterator[Line]:
        step = story.steps[at]
        yield Line(step.title, Style.STRONG)
        yield Line()
        if step.key:
            yield from _paragraph("On the screen", step.key, width)
            yield Line()
        yield from _paragraph("Predict", step.predict, width)
        yield Line()
        if self.look.is_revealed:
            yield from _paragraph("See", step.see, width)
            yield Line()
            last = at + 1 == len(story.steps)
            yield from _hint("" if last else "goes to the next step.")
        else:
            yield from _hint("runs it and shows what came of it.")


def _paragraph(head: str, said: str, width: int) -> Iterator[Line]:
    rows = wrap_words(f"{head}: {said}", width)
    yield Line(head + ":", Style.KEY).add(rows[0][len(head) + 1 :])
    yield from map(Line, rows[1:])


def _hint(does: str) -> Iterator[Line]:
    if does:
        yield Line("g", Style.KEY, "g").add(f" {does}", Style.FAINT)


def _whole(story: Scenario, width: int) -> Iterator[Line]:
    if story.symptom:
        yield from _paragraph("Symptom", story.symptom, width)
        yield Line()
    yield from drawn(story.guide or story.lesson, width)
    if story.steps:
        yield Line()
        yield from _hint(f"begins with the first of {len(story.steps)} steps.")
